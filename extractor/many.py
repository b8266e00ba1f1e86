"""A run over what is given in Python, and its results as tables."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from os import PathLike, fspath
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import Any, Literal
from warnings import warn

from extractor.apps.export import choose_tables, collect_rows, read_registry
from extractor.apps.export.frames import make_frame, open_library
from extractor.apps.report.overview import read_failures
from extractor.errors import ExtractorError, RecordError, StoreError, WrongType
from extractor.formats import read_records
from extractor.formats.inputs import exists, is_text, refuse_missing, refuse_text
from extractor.formats.records import check_new, write_study
from extractor.run.addresses import open_inputs
from extractor.run.executor import open_executor
from extractor.run.finished import FinishedRun
from extractor.run.folder import (
    FAILURES,
    REPEATED,
    RunFolder,
    naming_file,
    write_atomically,
)
from extractor.run.manifest import (
    MANIFEST,
    Manifest,
    Stop,
    describe_settings,
    restore_fields,
)
from extractor.run.reading import is_stream
from extractor.run.records import RunLimits
from extractor.run.run import Run
from extractor.run.setup import Setup
from extractor.schemas import Task, TrialExtraction, TrialRecord
from extractor.schemas.evidence import PricedUsage
from extractor.schemas.record_limits import check_unicode

Given = str | PathLike[str] | TrialRecord | Mapping[str, Any]
_GIVEN = "given.jsonl"
"""The file of a run's folder with what stands in no other file, so that commands find its text."""


class GivenRun:
    """A run over files, records and studies given in Python.

    Attributes:
        run: The run, with its counts.
        registry: The registered fields of each record.
        stopped: Why the run ended before its last record; None if it did not.
    """

    def __init__(
        self, setup: Setup, folder: Path, given: Sequence[Given], limits: RunLimits
    ) -> None:
        self.folder = folder
        self._sources: list[str | TrialRecord | RecordError] = []
        self._kept: list[str] = []
        for number, one in enumerate(given, 1):
            self._take(number, one)
        if all(isinstance(one, str | PathLike) for one in given):
            refuse_missing(
                [fspath(one) for one in given if isinstance(one, str | PathLike)]
            )
        self.registry: dict[str, Mapping[str, Any]] = {}
        self.stopped: str | None = None
        self.run = Run(
            setup=setup, read=self._read, limits=limits, pricing=setup.pricing
        )

    def _take(self, number: int, one: Given) -> None:
        """Take one input. What cannot be kept is a failure of that record."""
        if isinstance(one, str | PathLike):
            name = fspath(one)
            self._sources.append(refuse_text(name) if is_text(name) else name)
            return
        if not isinstance(one, TrialRecord | Mapping):
            raise WrongType(
                f"{type(one).__name__} is no record; give files, folders, records or dictionaries"
            )
        if isinstance(one, TrialRecord) and exists(one.source.path):
            self._sources.append(one)
            return
        try:
            line = (
                _write_record(one) if isinstance(one, TrialRecord) else write_study(one)
            )
        except RecordError as error:
            self._sources.append(error)
            return
        except WrongType as error:
            problem, _, remedy = str(error).rpartition("; ")
            self._sources.append(
                RecordError("given", problem, remedy, place=f"item {number}")
            )
            return
        if not self._kept:
            self._sources.append(str(self.folder / _GIVEN))
        self._kept.append(line)

    def stop(self) -> None:
        """Begin no further record. Another thread may call this."""
        self.run.is_stopping = True

    def perform(self, workers: int) -> None:
        """Perform the run in its folder."""
        run = self.run
        price = self.run.pricing.cost
        read = [one for one in self._sources if not isinstance(one, RecordError)]
        inputs = dict.fromkeys(
            one if isinstance(one, str) else one.source.path for one in read
        )
        with RunFolder(
            self.folder, describe_settings(run.setup), inputs=inputs, price=price
        ) as sink:
            if sink.mended:
                warn(sink.mended, stacklevel=4)
            if self._kept:
                (self.folder / _GIVEN).write_text("\n".join(self._kept) + "\n", "utf-8")
            try:
                asyncio.run(self._extract(sink, workers))
            except BaseException as error:
                stop = run.finish(sink, error)
                is_kept = stop is Stop.BUDGET or (
                    stop is Stop.MODEL_AWAY and run.tally.extracted
                )
                if not is_kept:
                    raise
                self.stopped = str(error)
            else:
                run.finish(sink)

    async def _extract(self, sink: RunFolder, workers: int) -> None:
        async with open_executor(workers) as executor:
            await self.run.perform(sink, executor)

    def count(self) -> int | None:
        """Return the number of records, as far as they can be read; None if they can be read
        only once.
        """
        if any(isinstance(one, str) and is_stream(one) for one in self._sources):
            return None
        return sum(
            1
            for _ in islice(
                self._open(on_error=lambda _: None), self.run.limits.records
            )
        )

    def _open(
        self, on_error: Callable[[ExtractorError], None]
    ) -> Iterator[TrialRecord]:
        for one in self._sources:
            if isinstance(one, RecordError):
                on_error(one)
            elif isinstance(one, TrialRecord):
                yield one
            else:
                yield from read_records(
                    one, on_error=on_error, open_address=open_inputs
                )

    def _read(
        self, on_error: Callable[[ExtractorError], None]
    ) -> Iterator[TrialRecord]:
        seen: dict[str, tuple[str, int]] = {}
        for record in self._open(on_error):
            checked = check_new(record, seen)
            if isinstance(checked, RecordError):
                on_error(checked)
                continue
            self.registry[record.record_id] = read_registry(record)
            yield checked


def _write_record(record: TrialRecord) -> str:
    """Return a record as a line of JSON. Raises ``RecordError`` for what JSON cannot hold."""
    check_unicode(record)
    return record.model_dump_json()


class Results:
    """The results of a run: extractions, failures, usage, and tables. Has a length, and yields the
    extractions.

    Attributes:
        folder: The folder of the run: the one given as ``out``, or a temporary one, which ``save``
            keeps.
        stopped: Why the run ended before its last record, such as a limit of money; None if it did
            not.
    """

    def __init__(
        self,
        folder: Path,
        registry: Mapping[str, Mapping[str, Any]],
        stopped: str | None,
    ) -> None:
        self.folder = folder
        self.stopped = stopped
        self._registry = registry

    def __repr__(self) -> str:
        records = f"{len(self):,} record{'s' * (len(self) != 1)}"
        repeated = f", {len(self.repeated):,} repeated" if self.repeated else ""
        stopped = f", stopped: {self.stopped}" if self.stopped else ""
        return (
            f"<Results of {records}, {len(self.failures):,} failed{repeated}{stopped}>"
        )

    def __len__(self) -> int:
        return len(self.extractions)

    def __iter__(self) -> Iterator[TrialExtraction]:
        return iter(self.extractions)

    @cached_property
    def _found(self) -> FinishedRun:
        return FinishedRun(self.folder)

    @property
    def _manifest(self) -> Manifest:
        return self._found.manifest

    @cached_property
    def extractions(self) -> list[TrialExtraction]:
        """The extractions, in the order of the records."""
        return [
            TrialExtraction.model_validate_json(line)
            for line in self._found.read_lines()
        ]

    @cached_property
    def failures(self) -> list[dict[str, Any]]:
        """Each record that failed: ``record_id``, ``path``, ``place``, ``error``, and a
        ``message`` with the remedy.
        """
        return read_failures(self.folder / FAILURES)

    @cached_property
    def repeated(self) -> list[dict[str, Any]]:
        """Each record whose id came before, which is left out, with both places and whether its
        text is the same.
        """
        return read_failures(self.folder / REPEATED)

    @property
    def usage(self) -> PricedUsage:
        """Questions, calls, tokens and dollars of the run, with what it resumed. ``usd`` is None
        for unknown prices.
        """
        return PricedUsage(
            **self._manifest.usage.model_dump(), usd=self._manifest.cost["usd"]
        )

    def table(
        self, name: str, to: Literal["pandas", "polars", "arrow"] = "pandas"
    ) -> Any:
        """Return a table, such as ``constraints``, as a data frame of pandas or polars, or as a
        table of Arrow.

        ``extractor.apps.export.list_tables`` names the tables. Keys, such as ``record_id``, come
        first.

        Raises:
            ValueError: There is no such table.
            MissingExtra: The library is not installed.
        """
        return self._tabulate(to, [name])[name]

    def tables(
        self, to: Literal["pandas", "polars", "arrow"] = "pandas"
    ) -> dict[str, Any]:
        """Return all tables by name, as ``table`` does."""
        return self._tabulate(to, ())

    def _tabulate(self, to: str, names: Sequence[str]) -> dict[str, Any]:
        library = open_library(to)
        fields = restore_fields(self._manifest.settings)
        chosen = choose_tables(tuple(Task), names, fields)
        rows = collect_rows(self.extractions, self._registry, fields)
        return {
            table.name: make_frame(library, to, table, rows[table.name])
            for table in chosen
        }

    def save(self, folder: str | PathLike[str]) -> Path:
        """Copy the run to a folder that ``extractor report``, ``review``, ``export`` and
        ``evaluate`` take.

        Raises ``StoreError`` if it cannot be written, or holds something.
        """
        to = Path(folder)
        if to.is_file() or (to.is_dir() and any(to.iterdir())):
            raise StoreError(f"{to}: holds something already; name a new folder")
        with naming_file(to):
            copytree(
                self.folder, to, dirs_exist_ok=True, ignore=ignore_patterns(".lock")
            )
            moved = {str(self.folder / _GIVEN): str(to / _GIVEN)}
            inputs = self._manifest.inputs
            paths = self._manifest.input_paths
            update = {
                "inputs": tuple(moved.get(one, one) for one in inputs),
                "input_paths": tuple(
                    str(Path(moved[one]).absolute()) if one in moved else one
                    for one in paths
                ),
            }
            write_atomically(
                to / MANIFEST, self._manifest.model_copy(update=update).to_json()
            )
        return to
