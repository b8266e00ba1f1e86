"""Read the results of a run one at a time, and read its records again, stating for each whether
its text is unchanged.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import finalize

from pydantic import ValidationError

from extractor.errors import StoreError
from extractor.model.database import RUN_FILE
from extractor.plurals import counted
from extractor.run.files import (
    EXTRACTIONS,
    FAILURES,
    Failed,
    is_locked,
    is_stream,
    read_failures,
)
from extractor.run.manifest import (
    MANIFEST,
    RunState,
    Stop,
    read_manifest,
    restore_fields,
)
from extractor.run.store import RunStore, digest_record
from extractor.schemas import TrialExtraction, TrialRecord
from extractor.schemas.base import Inputs, StrPath
from extractor.schemas.evidence import PricedUsage

if TYPE_CHECKING:
    from extractor.concepts.own.declaration import CustomField


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

    repeated: Sequence[str] = ()
    """The records that have several results: none in a single run."""

    def __init__(self, folder: Path) -> None:
        manifest = read_manifest(folder / MANIFEST)
        if manifest is None:
            raise StoreError(
                f"{folder}: does not contain a run; choose a folder that extractor run --out wrote"
            )
        self.folder = folder
        self.manifest = manifest
        self.inputs = list_readable(manifest.inputs)
        """The inputs, except streams, which cannot be read again."""
        self.columns = manifest.settings.get("columns")
        """The user's names of columns, as for ``read_records``."""
        self._store = RunStore(folder, reading=True)
        finalize(self, self._store.close)
        self.record_ids = self._store.list_ids()
        """The ids of all results, in input order."""

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

    @property
    def how_to_finish(self) -> str:
        """How to complete an incomplete run: wait for it, or repeat its command. The manifest has
        the inputs of the command, but not its options as they were written.
        """
        manifest = self.manifest
        if manifest.state is RunState.RUNNING and is_locked(self.folder):
            return "wait until it ends"
        # a run in Python of records rather than files
        if not manifest.inputs:
            return "run its command again"
        verb = ["run"]
        # `run` would ask the questions of the batches live, and pay for them twice
        if manifest.stopped_by == Stop.BATCHES:
            verb = ["batch", "collect"]
        words = ["extractor", *verb, *manifest.inputs, "--out", str(self.folder)]
        return f"resume with the same options: {shlex.join(words)}"

    def read(self, record_id: str) -> TrialExtraction:
        """Read a record's extraction. Raises ``StoreError`` if it cannot be read."""
        try:
            return TrialExtraction.model_validate_json(self.read_line(record_id))
        except ValidationError as error:
            problems = counted(error.error_count(), "problem")
            raise StoreError(
                f"{self.folder}: the result of {record_id} cannot be read ({problems}); another "
                "version of this program created it: run the same command again, with this folder "
                "as --replay and a different folder as --out"
            ) from error

    def read_line(self, record_id: str) -> bytes:
        """Return a record's result as JSON."""
        return self._store.read_line(record_id)

    @cached_property
    def fields(self) -> "tuple[CustomField, ...]":
        """The run's custom fields."""
        return restore_fields(self.manifest.settings)

    @cached_property
    def failures(self) -> list[Failed]:
        """The records that the last command could not read or extract."""
        return read_failures(self.folder / FAILURES)

    @property
    def usage(self) -> PricedUsage:
        """The questions, calls, tokens and cost of all commands on the folder."""
        manifest = self.manifest
        return PricedUsage(**manifest.usage.model_dump(), usd=manifest.cost["usd"])

    def is_same(self, record: TrialRecord) -> bool:
        """Return whether the text of a record with a result is unchanged."""
        stored = self._store.find(record.record_id)
        return stored is not None and stored[0] == digest_record(record)


def find_run(results: Path) -> FinishedRun | None:
    """Return the run in a folder, or the run to which an ``extractions.jsonl`` file belongs, or
    None if there is no run.

    Raises ``StoreError`` for a run that cannot be read.
    """
    folder = results
    if results.name == EXTRACTIONS:
        folder = results.parent
    if not (folder / MANIFEST).is_file():
        return None
    if not (folder / RUN_FILE).is_file():
        return None
    return FinishedRun(folder)


def list_readable(
    inputs: Inputs,
) -> tuple[StrPath, ...]:
    """Return the inputs that can be read more than once."""
    return tuple(path for path in inputs if not is_stream(path))
