"""A run over what is given in Python."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import BytesIO
from itertools import islice
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from extractor.apps.export.registered import Registered, read_registry
from extractor.errors import ExtractorError, RecordError, WrongType
from extractor.formats import read_records, read_stream
from extractor.formats.inputs import exists, is_text, refuse_missing, refuse_text
from extractor.formats.records import check_new, write_study
from extractor.run.addresses import is_stream, open_inputs
from extractor.run.executor import open_executor
from extractor.run.folder import RunFolder
from extractor.run.manifest import Stop, describe_settings
from extractor.run.records import RunLimits
from extractor.run.run import Run
from extractor.run.setup import Setup
from extractor.schemas import TrialRecord
from extractor.schemas.record_limits import check_unicode

Given = str | PathLike[str] | TrialRecord | Mapping[str, Any] | RecordError
"""What is given as a record; an error stands for one that cannot be read."""
GIVEN = "given.jsonl"
"""The file of a run's folder with what stands in no other file, so that commands find its text."""


class GivenRun:
    """A run over files, records and studies given in Python.

    Records that stand in no file, and dictionaries, are kept in ``given.jsonl`` of the run's folder
    and read from there. Raises ``ArgumentError`` if only names of files are given and none of these
    exists; a file that is missing among others becomes a failure.

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
        for number, item in enumerate(given, 1):
            self._take(number, item)
        names = [fspath(item) for item in given if isinstance(item, str | PathLike)]
        if len(names) == len(given):
            refuse_missing(names)
        self.registry: dict[str, Registered] = {}
        self.stopped: str | None = None
        self.run = Run(
            setup=setup, read=self._read, limits=limits, pricing=setup.pricing
        )

    def _take(self, number: int | str, item: Given) -> None:
        """Take one input: a path, or an error, as it is; a record of a file that exists as it is;
        any other record and a dictionary as a line of ``given.jsonl``.

        What cannot be kept becomes a failure of that record. ``number`` is its place in what was
        given, from 1. Raises ``WrongType`` for what is none of these.
        """
        if isinstance(item, str | PathLike):
            name = fspath(item)
            self._sources.append(refuse_text(name) if is_text(name) else name)
            return
        if isinstance(item, RecordError):
            self._sources.append(item)
            return
        if not isinstance(item, TrialRecord | Mapping):
            raise WrongType(
                f"{type(item).__name__} is no record; give files, folders, records or dictionaries"
            )
        if isinstance(item, TrialRecord) and exists(item.source.path):
            self._sources.append(item)
            return
        if isinstance(item, Mapping):
            number = _name_item(number, item)
            fault = _find_fault(item)
            if fault:
                self._refuse(number, fault.problem, fault.remedy)
                return
        try:
            line = _write_item(item)
        except RecordError as error:
            self._sources.append(error)
            return
        except WrongType as error:
            problem, _, remedy = str(error).rpartition("; ")
            self._refuse(number, problem, remedy)
            return
        if not self._kept:
            self._sources.append(str(self.folder / GIVEN))
        self._kept.append(line)

    def _refuse(self, number: int | str, problem: str, remedy: str) -> None:
        place = f"item {number}"
        self._sources.append(RecordError("given", problem, remedy, place=place))

    def stop(self) -> None:
        """Begin no further record. Another thread may call this."""
        self.run.is_stopping = True

    def perform(self, workers: int) -> None:
        """Perform the run in its folder, with so many processes.

        A run that reaches its budget, or whose model is away after some results, ends here, and
        ``stopped`` says why. Any other error is raised, after the folder is finished. Warns if the
        file of an earlier run's results was damaged.
        """
        run = self.run
        settings = describe_settings(run.setup)
        inputs = self._list_inputs()
        with RunFolder(
            self.folder, settings, inputs=inputs, price=run.pricing.cost
        ) as sink:
            if self._kept:
                (self.folder / GIVEN).write_text("\n".join(self._kept) + "\n", "utf-8")
            try:
                asyncio.run(self._extract(sink, workers))
            except BaseException as error:
                stop = run.finish(sink, error)
                has_results = stop is Stop.MODEL_AWAY and run.tally.extracted
                if stop is not Stop.BUDGET and not has_results:
                    raise
                self.stopped = str(error)
            else:
                run.finish(sink)

    def _list_inputs(self) -> dict[str, None]:
        """Return the names of the files that are read, each once, in their order."""
        inputs: dict[str, None] = {}
        for source in self._sources:
            if isinstance(source, str):
                inputs[source] = None
            elif isinstance(source, TrialRecord):
                inputs[source.source.path] = None
        return inputs

    async def _extract(self, sink: RunFolder, workers: int) -> None:
        async with open_executor(workers) as executor:
            await self.run.perform(sink, executor)

    def count(self) -> int | None:
        """Return the number of records, as far as they can be read, and at most the run's limit;
        None if an input can be read only once.
        """
        for source in self._sources:
            if isinstance(source, str) and is_stream(source):
                return None
        records = self._open(on_error=lambda _: None)
        return sum(1 for _ in islice(records, self.run.limits.records))

    def _open(
        self, on_error: Callable[[ExtractorError], None]
    ) -> Iterator[TrialRecord]:
        for source in self._sources:
            if isinstance(source, RecordError):
                on_error(source)
            elif isinstance(source, TrialRecord):
                yield source
            else:
                yield from read_records(
                    source, on_error=on_error, open_address=open_inputs
                )

    def _read(
        self, on_error: Callable[[ExtractorError], None]
    ) -> Iterator[TrialRecord]:
        """Yield the records whose ids are new, and keep the registered fields of each. ``on_error``
        gets all others.
        """
        seen: dict[str, tuple[str, int]] = {}
        for record in self._open(on_error):
            checked = check_new(record, seen)
            if isinstance(checked, RecordError):
                on_error(checked)
                continue
            self.registry[record.record_id] = read_registry(record)
            yield checked


def _name_item(number: int | str, given: Mapping[str, Any]) -> int | str:
    """Return the place of a dictionary: its number, and its id if it has one."""
    own_id = given.get("record_id")
    return number if own_id is None else f"{number}, {own_id}"


def _find_fault(given: Mapping[str, Any]) -> RecordError | None:
    """Return why a text in a dictionary cannot be read; None if it can, or is no text.

    It is looked for here, where the place of the dictionary is known.
    """
    if "text" not in given:
        return None
    try:
        written = write_study(given).encode()
        next(read_stream("given.json", BytesIO(written)))
    except RecordError as error:
        return error
    except WrongType:
        return None  # `_take` reports it
    return None


def _write_item(item: TrialRecord | Mapping[str, Any]) -> str:
    """Return a record or study as a line of JSON. Raises ``RecordError`` for what JSON cannot hold,
    and ``WrongType`` for a dictionary that is no study.
    """
    if not isinstance(item, TrialRecord):
        return write_study(item)
    check_unicode(item)
    return item.model_dump_json()
