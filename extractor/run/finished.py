"""Read the results of a run one at a time, and read its records again, stating for each whether
its text is unchanged.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TypeVar
from weakref import finalize

from pydantic import BaseModel, ValidationError

from extractor.errors import StoreError
from extractor.model.database import RUN_FILE
from extractor.plurals import counted
from extractor.run.files import EXTRACTIONS, is_locked, is_stream
from extractor.run.manifest import MANIFEST, RunState, read_manifest
from extractor.run.store import RunStore, digest_record
from extractor.schemas import TrialRecord

Shape = TypeVar("Shape", bound=BaseModel)


class TextState(StrEnum):
    """The state of a record's text when it is read again.

    - ``same``: the text is unchanged.
    - ``changed``: the text differs, so the offsets are not valid.
    - ``missing``: the input could not be read.
    """

    SAME = "same"
    CHANGED = "changed"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class RereadRecord:
    """A record that was read again after a run. ``text`` is the state of its text; ``record`` is
    None unless the text is unchanged.
    """

    record_id: str
    text: TextState
    record: TrialRecord | None = None


class FinishedRun:
    """Reads a run's folder, and its results from the store. Only the record ids stay in memory.

    Raises ``StoreError`` for a folder without a run, or with a run that was created by another
    version of this program.
    """

    def __init__(self, folder: Path) -> None:
        manifest = read_manifest(folder / MANIFEST)
        if manifest is None:
            raise StoreError(
                f"{folder}: does not contain a run; choose a folder that extractor run --out wrote"
            )
        self.folder = folder
        self.manifest = manifest
        self._store = RunStore(folder, reading=True)
        finalize(self, self._store.close)
        self.record_ids = self._store.list_ids()
        """The ids of all results, in input order."""
        self._corrected: Mapping[str, Path] = {}

    @cached_property
    def incomplete(self) -> str | None:
        """The state of an incomplete run, such as "168 records, interrupted", or None if the run is
        complete.
        """
        manifest = self.manifest
        if manifest.state is RunState.COMPLETE:
            return None
        records = counted(len(self.record_ids), "record")
        if manifest.state is RunState.STOPPED:
            return f"{records}, stopped ({manifest.stopped_by})"
        # The manifest of a killed run contains "running", but its folder is not locked.
        if manifest.state is RunState.RUNNING and is_locked(self.folder):
            return f"{records}, still running"
        return f"{records}, interrupted"

    def read_result(self, record_id: str, shape: type[Shape]) -> Shape:
        """Read a record's result, as ``TrialExtraction`` or as a smaller model with some of its
        fields.

        Raises ``StoreError`` if it cannot be read.
        """
        try:
            return shape.model_validate_json(self.read_line(record_id))
        except ValidationError as error:
            problems = counted(error.error_count(), "problem")
            raise StoreError(
                f"{self.folder}: the result of {record_id} cannot be read ({problems}); another "
                "version of this program created it: run the same command again, with this folder "
                "as --replay and a different folder as --out"
            ) from error

    def correct(self, gold: Mapping[str, Path]) -> None:
        """From now on, read these records from their gold files instead."""
        self._corrected = gold

    def read_line(self, record_id: str) -> bytes:
        """Return a record's result as JSON."""
        if record_id in self._corrected:
            return self._corrected[record_id].read_bytes()
        return self._store.read_line(record_id)

    def read_lines(self) -> Iterator[bytes]:
        """Yield all results as JSON, in input order."""
        return map(self.read_line, self.record_ids)

    def find_inputs(self) -> tuple[str | PathLike[str], ...]:
        """Return the run's inputs, except streams, which cannot be read again."""
        return _list_readable(self.manifest.inputs)

    def reread(
        self, inputs: Sequence[str | PathLike[str]] = ()
    ) -> Iterator[RereadRecord]:
        """Yield each record with a result once: first the records that are found in ``inputs``, in
        input order, then the remaining records, which are ``MISSING``. If ``inputs`` is empty, the
        inputs of the run are read.

        If the text of a record has changed since the run, its state is ``CHANGED`` and ``record``
        is None.
        """
        from extractor.formats import read_records  # noqa: PLC0415 - slow, and readers of results need none

        unread = dict.fromkeys(self.record_ids)
        readable = _list_readable(inputs or self.manifest.inputs)
        # Records that cannot be read are missing, so their errors are ignored.
        records = read_records(*readable, on_error=lambda _: None) if readable else ()
        for record in records:
            record_id = record.record_id
            stored = self._store.find(record_id) if record_id in unread else None
            if stored is None:
                continue
            del unread[record_id]
            if stored[0] == digest_record(record):
                yield RereadRecord(record_id, TextState.SAME, record)
            else:
                yield RereadRecord(record_id, TextState.CHANGED)
        for record_id in unread:
            yield RereadRecord(record_id, TextState.MISSING)


def find_run(results: Path) -> FinishedRun | None:
    """Return the run in a folder, or the run to which an ``extractions.jsonl`` file belongs, or
    None if there is no run.

    Raises ``StoreError`` for a run that cannot be read.
    """
    folder = results.parent if results.name == EXTRACTIONS else results
    if (folder / MANIFEST).is_file() and (folder / RUN_FILE).is_file():
        return FinishedRun(folder)
    return None


def _list_readable(
    inputs: Sequence[str | PathLike[str]],
) -> tuple[str | PathLike[str], ...]:
    """Return the inputs that can be read more than once."""
    return tuple(path for path in inputs if not is_stream(path))
