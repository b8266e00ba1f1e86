"""Read several runs, and files of extractions without their run, as one input.

If a record occurs more than once, its last result counts, in the order of the inputs. Callers tell
which records these are.
"""

from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from os.path import realpath  # unlike Path.resolve, it accepts circular links
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pydantic import ValidationError

from extractor.errors import ArgumentError, RecordError, StoreError
from extractor.plurals import counted, show_some
from extractor.resources import parse_json
from extractor.run.files import (
    EXTRACTIONS,
    FAILURES,
    Failed,
    name_failed,
    read_failures,
)
from extractor.run.finished import (
    FinishedRun,
    RereadRecord,
    TextState,
    find_run,
    list_readable,
)
from extractor.schemas import TrialExtraction, TrialRecord, Usage
from extractor.schemas.base import Inputs, find_fault
from extractor.schemas.evidence import PricedUsage
from extractor.schemas.values import find_misplaced

if TYPE_CHECKING:
    from extractor.concepts.own.declaration import CustomField


class ByteRange(NamedTuple):
    """The bytes of an extraction in a file. ``name`` is shown in messages."""

    name: str
    path: Path
    start: int = 0
    length: int = -1

    def read(self) -> bytes:
        """Return the bytes."""
        with self.path.open("rb") as file:
            file.seek(self.start)
            return file.read(self.length).removeprefix(BOM_UTF8)


class LooseExtractions:
    """Extractions without their run: a JSON Lines file, a JSON file, or a folder of JSON files.
    Only their positions stay in memory. A folder may have the failures in ``failures.jsonl``, such
    as those of a frame's rows.

    Raises ``ArgumentError`` if the path does not exist, and ``StoreError`` if it contains no
    extractions, or something else.
    """

    fields: "tuple[CustomField, ...]" = ()
    columns: Mapping[str, str] | None = None
    incomplete: str | None = None
    inputs: Inputs = ()
    """None, because only a run knows its inputs."""

    def __init__(self, path: Path) -> None:
        self.folder = path
        """The file or folder."""
        self.failures = read_failures(path / FAILURES)
        self.repeated: list[str] = []
        """The records that occur more than once."""
        self._places: dict[str, ByteRange] = {}
        for place in _list_line_places(path):
            record_id = _read_id(place)
            if record_id in self._places:
                self.repeated.append(record_id)
            self._places[record_id] = place
        self.record_ids = list(self._places)

    @property
    def usage(self) -> PricedUsage:
        """The usage of the extractions. Their cost is unknown if a model was called."""
        used = (self.read(record_id).usage for record_id in self.record_ids)
        total = sum(filter(None, used), Usage())
        return PricedUsage(**total.model_dump(), usd=None if total.calls else 0.0)

    def read_line(self, record_id: str) -> bytes:
        """Return a record's extraction as JSON."""
        return self._places[record_id].read()

    def read(self, record_id: str) -> TrialExtraction:
        """Return a record's extraction. Raises ``StoreError`` if it is not valid."""
        place = self._places[record_id]
        return parse_extraction(place.read(), place.name)

    def is_same(self, record: TrialRecord) -> bool:
        """Return whether a record contains the quotes of its extraction at their positions. Only a
        run knows the digest of the whole text.
        """
        return find_misplaced(self.read(record.record_id), record) is None


def list_files(path: Path) -> list[Path]:
    """Return the files that contain the extractions of a file or folder: of a folder, its
    ``extractions.jsonl`` or, if it has none, its ``.json`` and ``.jsonl`` files, if any.
    """
    if path.is_dir():
        results = path / EXTRACTIONS
        if results.is_file():
            return [results]
        files = sorted([*path.glob("*.json"), *path.glob("*.jsonl")])
        return [file for file in files if file.is_file()]
    if path.is_file():
        return [path]
    if path.exists():
        # a device could be read endlessly, and a pipe might wait forever
        raise ArgumentError(f"{path}: neither a file nor a folder; write it to a file")
    raise ArgumentError(f"{path}: there is no such file or folder; check the path")


def _list_line_places(path: Path) -> Iterator[ByteRange]:
    """Yield the places of the extractions in a file or folder. Raises ``StoreError`` if a folder
    has no files of extractions.
    """
    files = list_files(path)
    if not files:
        raise StoreError(
            f"{path}: contains no results; specify a folder written by extractor run --out, "
            f"its {EXTRACTIONS}, or a folder of finished gold files"
        )
    for file in files:
        yield from list_in_file(file)


def list_in_file(path: Path) -> Iterator[ByteRange]:
    """Yield the places of the extractions in a file: a whole ``.json`` file, or the lines of any
    other file that are not blank.
    """
    if path.suffix == ".json":
        yield ByteRange(str(path), path)
        return
    start = 0
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if line.removeprefix(BOM_UTF8).strip():
                yield ByteRange(f"{path}, line {number}", path, start, len(line))
            start += len(line)


def _read_id(place: ByteRange) -> str:
    try:
        return str(parse_json(place.read())["record_id"])
    except (ValueError, KeyError, TypeError):
        # states what is wrong
        return parse_extraction(place.read(), place.name).record_id


def parse_extraction(content: bytes, place: str) -> TrialExtraction:
    """Return an extraction given as JSON. Raises ``StoreError`` if it is not valid."""
    try:
        return TrialExtraction.model_validate_json(content)
    except ValidationError as error:
        field, problem = find_fault(error)
        raise StoreError(
            f"{place}: is not a valid extraction in this version's format "
            f"({field or 'the whole'}: {problem}); run its command again, or correct it"
        ) from None


def join_fields(runs: Iterable[FinishedRun]) -> "tuple[CustomField, ...]":
    """Return the custom fields of all runs. Raises ``ArgumentError`` if two runs declare a field
    differently.
    """
    fields: dict[str, CustomField] = {}
    for run in runs:
        for field in run.fields:
            if fields.setdefault(field.name, field) != field:
                raise ArgumentError(
                    f"{run.folder}: declares the field {field.name} differently from another run; "
                    "read the runs separately"
                )
    return tuple(fields.values())


class JoinedRuns:
    """One or more runs, or extractions without their run, as one input. Only the record ids stay in
    memory. An input that is named several times counts once.

    Args:
        paths: Folders of runs, their ``extractions.jsonl``, other files of extractions, or folders
            of gold.
        records: Where to read the records; by default, in the inputs of each run.
        columns: The user's names of columns in ``records``; by default, those of a run.

    Raises:
        ArgumentError: A path does not exist, or two runs declare a custom field differently.
        StoreError: A run cannot be read, or a path contains no extractions.
    """

    def __init__(
        self,
        paths: Iterable[Path],
        records: Inputs = (),
        columns: Mapping[str, str] | None = None,
    ) -> None:
        self.paths = tuple(paths)
        if not self.paths:
            raise ArgumentError("specify the folder of a run, or a file of extractions")
        parts: dict[str, FinishedRun | LooseExtractions] = {}
        for path in self.paths:
            part = find_run(path) or LooseExtractions(path)
            place = realpath(part.folder)
            # of the same run, the last name counts, also for its place in the order
            parts.pop(place, None)
            parts[place] = part
        self.parts = list(parts.values())
        self._records = records
        self._corrected: Mapping[str, Path] = {}
        self._owners: dict[str, FinishedRun | LooseExtractions] = {}
        repeated: list[str] = []
        for part in self.parts:
            repeated += part.repeated
            repeated += [one for one in part.record_ids if one in self._owners]
            # the last result of a record counts
            self._owners |= dict.fromkeys(part.record_ids, part)
        self.record_ids = list(self._owners)
        """The records with a result, in input order."""
        self.repeated = list(dict.fromkeys(repeated))
        """The records that have more than one result."""
        self.fields = join_fields(self.runs)
        named = [columns, *(run.columns for run in self.runs)]
        self._columns = next(filter(None, named), None)

    def explain_repeated(self) -> str | None:
        """Return a message about records that occur more than once, or None."""
        if not self.repeated:
            return None
        return (
            f"there are several results, of which the last is used, for "
            f"{counted(len(self.repeated), 'record')}: {show_some(self.repeated)}"
        )

    @property
    def runs(self) -> list[FinishedRun]:
        """The inputs that are runs."""
        return [part for part in self.parts if isinstance(part, FinishedRun)]

    @property
    def incomplete(self) -> list[str]:
        """The folder and state of each run that is incomplete."""
        return [
            f"{run.folder}: {run.incomplete}" for run in self.runs if run.incomplete
        ]

    @property
    def failures(self) -> list[Failed]:
        """The failures of all runs. A failure is omitted if a later run extracted the record, or
        failed as well.
        """
        failures: list[Failed] = []
        for part in self.parts:
            later = {*part.record_ids, *map(name_failed, part.failures)}
            failures = [one for one in failures if name_failed(one) not in later]
            failures += part.failures
        return failures

    @property
    def usage(self) -> PricedUsage:
        """The usage of all inputs. The cost is unknown if the cost of one of them is."""
        used = [part.usage for part in self.parts]
        usd: float | None = sum(each.usd or 0.0 for each in used)
        if any(each.usd is None for each in used):
            usd = None
        total = sum(used, Usage())
        return PricedUsage(**total.model_dump(), usd=usd)

    def correct(self, gold: Mapping[str, Path]) -> None:
        """From now on, read these records from their gold files instead."""
        self._corrected = gold

    def read_line(self, record_id: str) -> bytes:
        """Return a record's result as JSON."""
        if record_id in self._corrected:
            return self._corrected[record_id].read_bytes()
        return self._owners[record_id].read_line(record_id)

    def read(self, record_id: str) -> TrialExtraction:
        """Return a record's extraction. Raises ``StoreError`` if it cannot be read."""
        if record_id in self._corrected:
            path = self._corrected[record_id]
            return parse_extraction(path.read_bytes(), str(path))
        return self._owners[record_id].read(record_id)

    def __str__(self) -> str:
        return ", ".join(map(str, self.paths))

    def __contains__(self, record_id: object) -> bool:
        return record_id in self._owners

    def __iter__(self) -> Iterator[TrialExtraction]:
        return map(self.read, self.record_ids)

    def find_inputs(self) -> Inputs:
        """Return where the records can be read."""
        if self._records:
            return self._records
        return list(chain.from_iterable(part.inputs for part in self.parts))

    def reread(self, inputs: Inputs = ()) -> Iterator[RereadRecord]:
        """Yield each record with a result once, and whether its text is the same: first the records
        that are found, in input order, then the remaining records. If ``inputs`` is empty, each
        run's own inputs are read, one run after another.

        Raises ``ArgumentError`` if a file in ``inputs``, or in the ``records`` of this object,
        contains none of the records and cannot be read.
        """
        from extractor.formats import read_records  # noqa: PLC0415 - slow, and readers of results need none

        given = inputs or self._records
        # what to read, the user's names of columns, and the records that are expected there
        if given:
            sources = [(list_readable(given), self._columns, self.record_ids)]
        else:
            sources = [
                (
                    list_readable(part.inputs),
                    part.columns,
                    # the records whose last result is in this input
                    [one for one in part.record_ids if self._owners[one] is part],
                )
                for part in self.parts
            ]
        for paths, columns, record_ids in sources:
            unread = dict.fromkeys(record_ids)  # a set in order
            # records that cannot be read are missing
            errors: list[RecordError] = []
            for record in read_records(*paths, on_error=errors.append, columns=columns):
                record_id = record.record_id
                if record_id not in unread:
                    continue
                del unread[record_id]
                if self._owners[record_id].is_same(record):
                    yield RereadRecord(record_id, TextState.SAME, record)
                else:
                    yield RereadRecord(record_id, TextState.CHANGED)
            for error in errors:
                # a file that the user specified, unlike one in a folder, is not read for nothing
                if error.path in map(str, given) and len(unread) == len(record_ids):
                    raise ArgumentError(str(error))
            for record_id in unread:
                yield RereadRecord(record_id, TextState.MISSING)
