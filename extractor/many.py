"""Extract many records in Python, and read the results as tables.

``Extractor`` of the package is the one of ``extractor.api`` with the method ``run``, which performs the same ``Run`` as
the command line.
"""

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from os import PathLike, fspath
from pathlib import Path
from shutil import copytree, ignore_patterns, rmtree
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, Literal
from weakref import finalize

from extractor import api
from extractor.errors import ExtractorError, RecordError, StoreError, WrongType
from extractor.pages.notebook import TrialExtraction
from extractor.schemas import TrialRecord
from extractor.schemas.evidence import PricedUsage
from extractor.stages.read import read_records
from extractor.stages.read.records import check_new

if TYPE_CHECKING:
    from collections.abc import Callable

    from extractor.run.finished import FinishedRun
    from extractor.run.manifest import Manifest

_GIVEN = "given.jsonl"
"""The file of a run's folder with studies that were given as dictionaries, so that commands find their texts."""
Given = str | PathLike[str] | TrialRecord | Mapping[str, Any]
_ONE = (str, PathLike, TrialRecord, Mapping)


class Extractor(api.Extractor):
    __doc__ = api.Extractor.__doc__

    def run(
        self,
        records: Given | Iterable[Given],
        *,
        out: str | PathLike[str] | None = None,
        limit: int | None = None,
        concurrency: int = 8,
        workers: int = 1,
        quiet: bool = False,
    ) -> "Results":
        """Extract many records; one that fails never stops the others. Works in a notebook, too.

        A terminal and a notebook (with ipywidgets) show the progress. ``max_usd`` limits each run.

        Args:
            records: Files or folders, as ``read_records`` takes them, records, or studies as dictionaries.
            out: The folder of the run. One that was stopped goes on there, and does not ask again.
            limit: The number of records to read.
            concurrency: The largest number of requests to the model at once.
            workers: The number of processes. With more than one, a script must call this below
                ``if __name__ == "__main__":``.
            quiet: Show no progress.

        Raises:
            ModelUnavailable: The model cannot be reached, or there is no key for it.
            StoreError: The folder cannot be used, or holds a run with other settings.

        >>> results = Extractor().run("seeds/records")
        >>> limits = results.table("constraints")
        >>> limits[["quantity", "comparator", "value", "unit"]].head(2)
          quantity comparator  value unit
        0     CD19          >   95.0    %
        1     CD22          >   95.0    %
        >>> len(results.extractions), results.failures, results.usage.usd
        (5, [], 0.0)
        """
        from extractor.run.progress import show_progress  # noqa: PLC0415 - slow, and one record needs none of it

        several = list(records) if isinstance(records, Iterable) and not isinstance(records, _ONE) else [records]
        if wrong := [type(one).__name__ for one in several if not isinstance(one, _ONE)]:
            raise WrongType(f"a {wrong[0]} is no record; give files, folders, records or dictionaries")
        folder = Path(out or mkdtemp(prefix="extractor-"))
        work = _Work(self, folder, several, (concurrency, limit))
        is_listed = all(isinstance(one, TrialRecord) for one in several)
        with show_progress(work.run.tally, lambda: len(several) if is_listed else None, quiet=quiet):
            try:
                api.call_without_loop(lambda: work.perform(workers), work.stop)
            except BaseException:
                if not out:
                    rmtree(folder, ignore_errors=True)
                raise
        results = Results(folder, work.records, work.stopped)
        if not out:  # a temporary folder lives as long as its results
            finalize(results, rmtree, folder, ignore_errors=True)
        return results


class _Work:
    """A run over records given in Python. ``records`` has the registered fields of each, ``stopped`` why it ended."""

    def __init__(
        self, extractor: Extractor, folder: Path, given: Sequence[Given], limits: tuple[int, int | None]
    ) -> None:
        from extractor.run.records import RunLimits  # noqa: PLC0415 - as above
        from extractor.run.run import Run  # noqa: PLC0415 - as above

        self.folder, self._given = folder, given
        self.records: dict[str, Mapping[str, Any]] = {}
        self.stopped: str | None = None
        self._studies = [one for one in given if isinstance(one, Mapping)]
        self.run = Run(extractor=extractor, read=self._read, limits=RunLimits(*limits), pricing=extractor.pricing)

    def stop(self) -> None:
        """Begin no further record. Another thread may call this."""
        self.run.is_stopping = True

    def perform(self, workers: int) -> None:
        """Perform the run in its folder."""
        from extractor.run.executor import open_executor  # noqa: PLC0415 - as above
        from extractor.run.folder import RunFolder  # noqa: PLC0415 - as above
        from extractor.run.manifest import Stop, describe_settings  # noqa: PLC0415 - as above

        run, inputs = self.run, dict.fromkeys(map(self._place, self._given))
        settings, price = describe_settings(run.extractor), run.pricing.cost
        with RunFolder(self.folder, settings, inputs=filter(None, inputs), price=price) as sink:
            if self._studies:
                lines = (json.dumps(one, ensure_ascii=False) + "\n" for one in self._studies)
                (self.folder / _GIVEN).write_text("".join(lines), "utf-8")
            try:
                asyncio.run(self._extract(sink, workers, open_executor))
            except BaseException as error:
                stop = run.finish(sink, error)
                is_kept = stop is Stop.BUDGET or (stop is Stop.MODEL_AWAY and run.tally.extracted)
                if not is_kept:
                    raise
                self.stopped = str(error)
            else:
                run.finish(sink)

    async def _extract(self, sink: Any, workers: int, open_executor: "Callable[[int], Any]") -> None:
        async with open_executor(workers) as executor:
            await self.run.perform(sink, executor)

    def _place(self, one: Given) -> str | None:
        """Return where commands find a record again; None for a text that stands in no file."""
        if isinstance(one, Mapping):
            return str(self.folder / _GIVEN)
        if isinstance(one, TrialRecord):
            return one.source.path if Path(one.source.path).exists() else None
        return fspath(one)

    def _read(self, on_error: "Callable[[ExtractorError], None]") -> Iterator[TrialRecord]:
        from extractor.results.export import read_registry  # noqa: PLC0415 - as above
        from extractor.run.addresses import open_inputs  # noqa: PLC0415 - as above

        seen: dict[str, tuple[str, int]] = {}
        studies = iter([self.folder / _GIVEN])  # read once, where the first of them stands
        for one in self._given:
            found: Iterable[TrialRecord] = [one] if isinstance(one, TrialRecord) else ()
            if not isinstance(one, TrialRecord):
                places: Iterable[str | PathLike[str]] = studies if isinstance(one, Mapping) else [one]
                found = read_records(*places, on_error=on_error, open_address=open_inputs)
            for record in found:
                checked = check_new(record, seen)
                if isinstance(checked, RecordError):
                    on_error(checked)
                    continue
                self.records[record.record_id] = read_registry(record)
                yield checked


class Results:
    """The results of a run: extractions, failures, usage, and tables.

    Attributes:
        folder: The folder of the run: the one given as ``out``, or a temporary one, which ``save`` keeps.
        stopped: Why the run ended before its last record, such as a limit of money; None if it did not.
    """

    def __init__(self, folder: Path, registry: Mapping[str, Mapping[str, Any]], stopped: str | None) -> None:
        self.folder, self.stopped, self._registry = folder, stopped, registry

    def __repr__(self) -> str:
        stopped = f", stopped: {self.stopped}" if self.stopped else ""
        return f"<Results of {len(self.extractions):,} records, {len(self.failures):,} failed{stopped}>"

    @cached_property
    def _found(self) -> "FinishedRun":
        from extractor.run.finished import FinishedRun  # noqa: PLC0415 - as above

        return FinishedRun(self.folder)

    @property
    def _manifest(self) -> "Manifest":
        return self._found.manifest

    @cached_property
    def extractions(self) -> list[TrialExtraction]:
        """The extractions, in the order of the records."""
        return [TrialExtraction.model_validate_json(line) for line in self._found.read_lines()]

    @cached_property
    def failures(self) -> list[dict[str, Any]]:
        """Each record that failed: ``record_id``, ``path``, ``place``, ``error``, and a ``message`` with the remedy."""
        from extractor.results.report.overview import read_failures  # noqa: PLC0415 - as above
        from extractor.run.folder import FAILURES  # noqa: PLC0415 - as above

        return read_failures(self.folder / FAILURES)

    @property
    def usage(self) -> PricedUsage:
        """Questions, calls, tokens and dollars of the run, with what it resumed. ``usd`` is None for unknown prices."""
        return PricedUsage(**self._manifest.usage.model_dump(), usd=self._manifest.cost["usd"])

    def table(self, name: str, to: Literal["pandas", "polars", "arrow"] = "pandas") -> Any:
        """Return a table, such as ``constraints``, as a data frame of pandas or polars, or as a table of Arrow.

        ``extractor.results.export.list_tables`` names the tables. Keys, such as ``record_id``, come first.

        Raises:
            ValueError: There is no such table.
            MissingExtra: The library is not installed.
        """
        return self._tabulate(to, [name])[name]

    def tables(self, to: Literal["pandas", "polars", "arrow"] = "pandas") -> dict[str, Any]:
        """Return all tables by name, as ``table`` does."""
        return self._tabulate(to, ())

    def _tabulate(self, to: str, names: Sequence[str]) -> dict[str, Any]:
        from extractor.results.export import choose_tables, collect_rows  # noqa: PLC0415 - as above
        from extractor.results.export.frames import make_frame, open_library  # noqa: PLC0415 - as above
        from extractor.run.manifest import restore_fields  # noqa: PLC0415 - as above
        from extractor.schemas import Task  # noqa: PLC0415 - as above

        library, fields = open_library(to), restore_fields(self._manifest.settings)
        chosen = choose_tables(tuple(Task), names, fields)
        rows = collect_rows(self.extractions, self._registry, fields)
        return {table.name: make_frame(library, to, table, rows[table.name]) for table in chosen}

    def save(self, folder: str | PathLike[str]) -> Path:
        """Copy the run to a folder that ``extractor report``, ``review``, ``export`` and ``evaluate`` take.

        Raises ``StoreError`` if it cannot be written, or holds something.
        """
        from extractor.run.folder import naming_file, write_atomically  # noqa: PLC0415 - as above
        from extractor.run.manifest import MANIFEST  # noqa: PLC0415 - as above

        to = Path(folder)
        if to.is_file() or (to.is_dir() and any(to.iterdir())):
            raise StoreError(f"{to}: holds something already; name a new folder")
        with naming_file(to):
            copytree(self.folder, to, dirs_exist_ok=True, ignore=ignore_patterns(".lock"))
            moved = {str(self.folder / _GIVEN): str(to / _GIVEN)}
            inputs, paths = self._manifest.inputs, self._manifest.input_paths
            update = {
                "inputs": tuple(moved.get(one, one) for one in inputs),
                "input_paths": tuple(str(Path(moved[one]).absolute()) if one in moved else one for one in paths),
            }
            write_atomically(to / MANIFEST, self._manifest.model_copy(update=update).to_json())
        return to
