"""The folder of a run: how it continues an earlier run, keeps finished records, and writes the
files at the end.
"""

import json
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Self

from extractor.errors import SettingsDiffer, StoreError, naming_file
from extractor.masking import mask
from extractor.model.database import HOW_LOST, RUN_FILE, open_run_to_read
from extractor.run.files import (
    EXTRACTIONS,
    FAILURES,
    Failed,
    lock_folder,
    made_folder,
    refuse_link,
    write_atomically,
)
from extractor.run.manifest import (
    MANIFEST,
    Manifest,
    Stop,
    explain_changed,
    how_to_keep_answers,
    read_manifest,
)
from extractor.run.records import Sink
from extractor.run.store import RunStore, digest_record
from extractor.run.tally import ExtractedLine, Tally
from extractor.schemas import TrialRecord

if TYPE_CHECKING:
    from extractor.model.cost.prices import Price
    from extractor.model.store import CallStore

_FILES = (
    MANIFEST,
    EXTRACTIONS,
    FAILURES,
    RUN_FILE,
    # a remaining log would be used as the log of the next store
    f"{RUN_FILE}-wal",
    f"{RUN_FILE}-shm",
)
"""The files that a run writes to its folder."""


class RunFolder(Sink):
    """The files of a run in one folder.

    Opening the folder of an earlier run continues that run. Results are appended as soon as they
    are ready, and ``finish`` writes all files in input order. Only records in progress are in
    memory.

    Args:
        path: The folder, which is created if it does not exist.
        settings: The settings that determine results, as ``describe_settings`` returns them.
        inputs: The inputs of the records, for the manifest.
        fresh: Whether to start again: ``begin`` then moves the earlier run to the folder
            ``earlier-1``, or to a folder with the next free number.
        price: The price of the model, or None if it is unknown.
        reads_again: Whether records are extracted again although they are finished, because files
            may have further paid answers to their questions.

    ``manifest`` is the content of ``run.json`` as it was last written. Raises
    ``FolderNotWritable`` if the folder cannot be created or written, or a file in it is a link,
    ``SettingsDiffer`` if it contains a run with different settings, and ``StoreError`` if it is in
    use or contains unrelated files.
    """

    in_any_order = True

    def __init__(
        self,
        path: Path,
        settings: Mapping[str, object],
        *,
        inputs: Iterable[str] = (),
        fresh: bool = False,
        price: "Price | None" = None,
        reads_again: bool = False,
    ) -> None:
        self.path = path
        self.manifest = Manifest(settings=dict(settings))
        self._price = price
        self._fresh = fresh
        self._reads_again = reads_again
        self._inputs = tuple(dict.fromkeys(map(mask, inputs)))
        self._position = 0
        self._positions: dict[str, int] = {}
        self._has_begun = False
        self._store: RunStore | None = None
        self._since = monotonic()
        with ExitStack() as opening:
            with naming_file(path):
                opening.enter_context(made_folder(path))
                opening.enter_context(lock_folder(path))
            opening.callback(self._close)
            for name in _FILES:
                refuse_link(path / name)
            if not fresh:
                self._continue_earlier()
            # an error above has closed everything; from now on, ``__exit__`` does
            self._closing = opening.pop_all()

    def _close(self) -> None:
        if self._store:
            self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with naming_file(self.path):
            self._closing.close()

    def _continue_earlier(self) -> None:
        """Continue the run in the folder, if there is one. Raises ``StoreError`` if part of the
        run is missing, and ``SettingsDiffer`` if it has different settings.
        """
        earlier = read_manifest(self.path / MANIFEST)
        if earlier is None:
            self._refuse_results()
            return
        settings = self.manifest.settings
        changed = list(explain_changed(earlier.settings, settings))
        if changed:
            raise SettingsDiffer(
                f"{self.path}: created with other settings ({'; '.join(changed)}); use another "
                f"--out, with --replay {self.path} to reuse its answers, or --fresh to start again "
                "in the same folder"
            )
        results = self.path / EXTRACTIONS
        if not (self.path / RUN_FILE).exists():
            raise StoreError(
                f"{self.path}: no {RUN_FILE}, the store of its answers and what they cost; "
                f"{HOW_LOST}, or pay again with --fresh"
            )
        if results.exists() and results.stat().st_size:
            # raises an error for an empty store, which would otherwise be taken for a new one
            open_run_to_read(self.path).close()
        # The remaining differences do not affect results, such as the address of the model's server
        # or a masked key.
        self.manifest = earlier.model_copy(
            update={"settings": earlier.settings | settings}
        )
        store = self._open_store()
        # a killed run leaves results out of order, and perhaps a truncated line
        write_atomically(results, store.read_lines())

    def _refuse_results(self) -> None:
        """Raise ``StoreError`` if the folder contains results, although it has no manifest."""
        for name in (EXTRACTIONS, FAILURES, RUN_FILE):
            path = self.path / name
            # a full disk leaves files without content
            if not path.exists():
                continue
            if not path.stat().st_size:
                continue
            if name == RUN_FILE:
                # a run that was killed between creating the store and the manifest
                with suppress(StoreError):
                    if self._open_store().is_unused:
                        continue
            remedy = how_to_keep_answers(self.path)
            raise StoreError(f"{self.path}: has {name} but no {MANIFEST}; {remedy}")

    def begin(self) -> None:
        """Begin the run: if ``fresh`` is set, move an earlier run aside, then write the manifest
        and the files. Writing the first result or failure also begins the run. Does nothing if the
        run has already begun.
        """
        if self._has_begun:
            return
        self._has_begun = True
        with naming_file(self.path):
            if self._fresh:
                self._set_aside()
            # a manifest without a store would be taken for a run that lost it
            self._open_store().drop_failures()
            self._write_manifest(
                self.manifest.begin(
                    self._inputs, datetime.now(UTC).isoformat(timespec="seconds")
                )
            )
            # Results are added to those of earlier invocations; failures are those of this
            # invocation only.
            (self.path / EXTRACTIONS).touch()
            (self.path / FAILURES).write_bytes(b"")

    def _set_aside(self) -> None:
        """Move the files of the existing run to a separate folder."""
        names = [name for name in _FILES if (self.path / name).exists()]
        if not names:
            return
        for number in count(1):
            aside = self.path / f"earlier-{number}"
            if not aside.exists():
                break
        aside.mkdir()
        for name in names:
            (self.path / name).replace(aside / name)

    @property
    def store(self) -> RunStore:
        """The run's store. Accessing it begins the run."""
        self.begin()
        return self._open_store()

    def _open_store(self) -> RunStore:
        if self._store is None:
            self._store = RunStore(self.path, price=self._price)
        return self._store

    def calls(self) -> "CallStore":
        """Return the store of calls to models. This begins the run."""
        return self.store.calls

    @property
    def earlier_calls(self) -> "CallStore | None":
        """The calls of the earlier invocations, or None if there are none. Accessing this property
        does not begin the run.
        """
        if self._store:
            return self._store.calls
        return None

    def check_place(self) -> None:
        """Raise ``StoreError`` if the folder was deleted or moved during the run."""
        if self._store:
            self._store.database.check_place()

    def rewind(self) -> None:
        """Prepare for reading all records again."""
        self.store.drop_failures()
        self._position = 0

    def is_done(self, record: TrialRecord) -> bool:
        """Return True if an earlier invocation finished this record with the same text and all
        answers, and need not be extracted again. Called once per record, in input order. If False
        is returned, the record is extracted again, and its earlier result is replaced.
        """
        self.check_place()
        position = self._position
        self._position += 1
        stored = self.store.find(record.record_id)
        if stored:
            text_sha256, known_position, lacking = stored
            if position != known_position:
                self.store.move(record.record_id, position)
            must_read = lacking or self._reads_again
            if text_sha256 == digest_record(record) and not must_read:
                return True
        # until its result or failure is written
        self._positions[record.record_id] = position
        return False

    def write(self, record: TrialRecord, line: ExtractedLine) -> None:
        """Append and store a result."""
        self.begin()
        self.check_place()
        results = self.path / EXTRACTIONS
        with naming_file(results), results.open("ab") as file:
            file.write(line.line + b"\n")
        self.store.add(record, self._positions.pop(record.record_id), line)

    def write_failure(self, failure: Failed) -> None:
        """Store a failure at the position of its record or, if the record could not be read, at the
        current reading position.
        """
        record_id = failure.get("record_id") or ""
        position = self._positions.pop(record_id, self._position)
        # bytes of a file name that are not UTF-8 are escaped
        text = json.dumps(failure, ensure_ascii=False)
        self.store.add_failure(position, text.encode("utf-8", "backslashreplace"))

    def finish(self, tally: Tally, stop: Stop | None = None) -> None:
        """Write the files from the store in input order, and write the manifest. ``tally`` contains
        the counts of this invocation, and ``stop`` is the reason if the invocation ended early.
        Does nothing if the run never began.
        """
        if not self._has_begun:
            return
        self.check_place()
        store = self.store
        with naming_file(self.path):
            write_atomically(self.path / EXTRACTIONS, store.read_lines())
            write_atomically(self.path / FAILURES, store.read_failures())
            self._write_manifest(
                self.manifest.end(store, tally, monotonic() - self._since, stop)
            )

    def _write_manifest(self, manifest: Manifest) -> None:
        self.manifest = manifest
        write_atomically(self.path / MANIFEST, manifest.to_json())
