"""Write a run's folder: results, failures, manifest, store and lock. A killed run can continue."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime
from errno import EDQUOT, ENOSPC
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import IO, Any, Self

from filelock import FileLock, Timeout

from extractor.errors import (
    DiskFull,
    FolderInUse,
    RepeatedRecord,
    SettingsDiffer,
    StoreError,
)
from extractor.formats.inputs import STDIN
from extractor.masking import mask
from extractor.model.asking.questions import Session
from extractor.model.database import HOW_LOST, RUN_FILE, open_run_to_read
from extractor.model.store import CallStore
from extractor.run.earlier import EarlierFiles
from extractor.run.manifest import (
    MANIFEST,
    Manifest,
    RunState,
    Stop,
    explain_changed,
    how_to_keep_answers,
    read_manifest,
    restore_fields,
)
from extractor.run.records import Sink
from extractor.run.results_file import fresh_path, restore_results, write_results
from extractor.run.store import RunStore, digest_record
from extractor.run.tally import ExtractedLine, Tally
from extractor.run.texts import TEXTS, keep_text
from extractor.schemas import TrialRecord, Usage

EXTRACTIONS = "extractions.jsonl"
FAILURES = "failures.jsonl"
REPEATED = "repeated.jsonl"
_OF_THE_PROGRAM = frozenset({"extractor", "rules", "prompts"})
"""Settings that change with the program. The answers of the run can still be used by
``--replay``.
"""
_MAX_DIFFERING = 100
_LEAVE_OUT = "leave one of the two out"
_RENAME = (
    "the earlier result stays; give a file that replaces another the name of that one, or use "
    "--fresh"
)
"""Remedies for two texts of one record: in the inputs of one command, and of two commands."""
_OF_A_RUN = (
    MANIFEST,
    EXTRACTIONS,
    FAILURES,
    REPEATED,
    f"{TEXTS}/*.txt",
    RUN_FILE,
    # a log that is left behind would be taken for that of the next store
    f"{RUN_FILE}-wal",
    f"{RUN_FILE}-shm",
)
"""All files that a run writes into its folder."""
_LOCK = ".lock"


class RunFolder(Sink):
    """``extractions.jsonl`` (one line per record), ``failures.jsonl``, ``repeated.jsonl``,
    ``run.json``, ``run.sqlite``, and ``texts/`` with the text of each PDF and Word file, in one
    folder.

    Opening the folder of an earlier run continues it. A record is done if there is a result with
    its id and text that lacks no answer of a model. Results are appended as they come, and
    ``finish`` sorts them; only records in progress are in memory.

    Args:
        path: The folder. It is made if it does not exist.
        settings: What decides results, as ``describe_settings`` returns it.
        inputs: What the records are read from, for the manifest.
        fresh: Whether no record counts as done. Then ``begin`` sets the earlier run aside, until
            the new one has a result, and an answer if it asks a model. If it ends without, the
            earlier run is put back.
        price: Returns the cost of tokens in dollars.

    Attributes:
        changed: How many records have another text than in the earlier run.
        differing: The first repeated records with another text.
        mended: What was damaged in the file of results, in a sentence; None if nothing was.
        kept_earlier: Whether an earlier run that was set aside is back.

    Raises ``StoreError`` if the folder cannot be written, is in use, or contains foreign files,
    ``SettingsDiffer`` if it holds something of a run with other settings.
    """

    in_any_order = True

    def __init__(
        self,
        path: Path,
        settings: Mapping[str, Any],
        *,
        inputs: Iterable[str] = (),
        fresh: bool = False,
        price: Callable[[Usage], float] | None = None,
    ) -> None:
        self.path = path
        self._price = price
        self._fresh = fresh
        self._inputs = tuple(dict.fromkeys(map(mask, inputs)))
        self.changed = 0
        self._position = 0
        self.differing: list[RepeatedRecord] = []
        self.mended: str | None = None
        self.kept_earlier = False
        self._earlier = EarlierFiles(path, _OF_A_RUN)
        self._files: dict[str, IO[bytes]] = {}
        self._total: int | None = None
        self._manifest_lock = Lock()  # another thread may call note_total
        self._started: dict[str, tuple[TrialRecord, int]] = {}
        self._unread: set[str] = set()
        self._store: RunStore | None = None
        self._since = datetime.now(UTC).isoformat(timespec="seconds")
        self._clock = monotonic()
        self._manifest = Manifest(settings=dict(settings))
        self._closing = ExitStack()
        with ExitStack() as failing:
            failing.push(self._closing)
            with naming_file(path):
                self._closing.enter_context(made_folder(path))
                self._closing.enter_context(lock_folder(path))
                # after a kill
                self._settle_earlier()
                self._closing.callback(self._settle_earlier)
                self._closing.callback(self._remove_empty)
            if not fresh:
                self._continue_earlier()
            failing.pop_all()

    def begin(self) -> None:
        """Begin to write: set an earlier run aside if ``fresh``, and open the manifest, the store
        and the files. The first record, result or failure also begins. Does nothing if the run has
        begun.
        """
        if self._files:
            return
        with naming_file(self.path):
            if self._fresh:
                self._earlier.set_aside()
            with self._manifest_lock:
                self._write_manifest(self._manifest.begun(self._inputs, self._since))
            self._open_store()
            # Results are added to those of earlier invocations; the others are of this one alone.
            for name, mode in ((EXTRACTIONS, "ab"), (FAILURES, "wb"), (REPEATED, "wb")):
                file = (self.path / name).open(mode)
                self._files[name] = self._closing.enter_context(file)

    @property
    def manifest(self) -> Manifest:
        """The content of ``run.json``, as it was last written."""
        return self._manifest

    @property
    def store(self) -> RunStore:
        """The run's store. Access begins the run."""
        self.begin()
        return self._open_store()

    @property
    def earlier_calls(self) -> CallStore | None:
        """The calls of the earlier invocations that this one continues. Access does not begin
        the run.
        """
        return self._store.calls if self._store else None

    def check_place(self) -> None:
        """Raise ``StoreError`` if the folder was deleted or moved during the run."""
        if self._store:
            self._store.database.check_place()

    def calls(self) -> CallStore:
        """Return the stored calls to models. Begins the run."""
        return self.store.calls

    def rewind(self) -> None:
        """Prepare for reading all records again."""
        self.begin()
        self._position = 0
        self.changed = 0
        self._started.clear()
        self.differing.clear()
        with naming_file(self.path):
            for name in (FAILURES, REPEATED):
                self._files[name].seek(0)
                self._files[name].truncate()

    def is_done(self, record: TrialRecord) -> bool:
        """Return whether an earlier run finished this record with this text. Called once per
        record, in input order.

        If so, the new place of the record is stored; if not, it counts as started, and as changed
        if its file had another text in an earlier invocation. Raises ``RepeatedRecord`` for another
        text with a known id from another file or from this invocation.
        """
        self.check_place()
        position = self._position
        self._position += 1
        stored = self.store.find(record.record_id)
        if stored and stored.text_sha256 == digest_record(record):
            self.store.note_place(record, position)
            if stored.done:
                return True
        elif stored:
            # A file may have changed since an earlier invocation; else two records have one id.
            is_of_other_file = stored.path != record.source.path
            is_of_this_invocation = stored.invocation == self.store.invocation
            if is_of_this_invocation:
                raise _refuse_other_text(record, stored.path, _LEAVE_OUT)
            if is_of_other_file:
                raise _refuse_other_text(record, stored.path, _RENAME)
            self.changed += 1
        self._started[record.record_id] = record, position
        return False

    def write(self, line: ExtractedLine, session: Session) -> None:
        """Append and store a result of a started record. ``session`` holds the model's answers in
        it. An earlier run that was set aside is discarded if this one works.
        """
        # The file first: after a kill it has every line that the store has.
        self._append(EXTRACTIONS, line.line)
        record, position = self._started.pop(line.record_id)
        with naming_file(self.path):
            keep_text(self.path, record)
        self.store.add(record, position, line, session)
        if self._earlier.are_aside and self._is_in_earnest():
            with naming_file(self.path):
                self._earlier.discard()

    def _is_in_earnest(self) -> bool:
        """Return whether the new run works: it asks no model, or its model has answered."""
        asks = self._manifest.settings.get("model") is not None
        return not asks or self.store.was_answered

    def _settle_earlier(self) -> None:
        """Decide between an earlier run that was set aside and the new one: the new one stays if
        it holds something; else the earlier one is put back, which ``kept_earlier`` says.
        """
        has_new_run = (self.path / RUN_FILE).exists()
        if self._earlier.are_aside and has_new_run:
            manifest = read_manifest(self.path / MANIFEST)
            if manifest and holds_something(self.path, manifest):
                self._earlier.discard()
                return
        self.kept_earlier = self._earlier.put_back()

    def write_failure(self, failure: Mapping[str, Any]) -> None:
        """Append a failure, whose record is no longer started. A failure without an id of a record
        makes its whole input count as unread.
        """
        record_id = failure.get("record_id")
        if record_id is None:
            # Nobody knows which of its records the input still has.
            self._unread.add(failure.get("path") or "")
        self._started.pop(record_id or "", None)
        self._append(FAILURES, _to_json(failure))

    def write_repeated(self, error: RepeatedRecord) -> None:
        """Append the places of a repeated record."""
        if not error.same_text and len(self.differing) < _MAX_DIFFERING:
            self.differing.append(error)
        described = _describe_repeated(error) | {"same_text": error.same_text}
        self._append(REPEATED, _to_json(described))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            with naming_file(self.path):
                self._closing.close()
        except StoreError:
            if kind is None:  # otherwise the first error says why
                raise

    def note_total(self, total: int) -> None:
        """Note the number of records in the inputs, in the manifest too if the run has begun.
        Another thread may call this during the run.

        The manifest leaves it out if earlier invocations had further inputs, whose records are in
        the folder too.
        """
        with self._manifest_lock, naming_file(self.path):
            self._total = total
            if self._files:
                self._write_manifest(self._manifest)

    def finish(
        self, tally: Tally, stop: Stop | None = None, *, whole: bool = True
    ) -> None:
        """Sort the results by input order, records of other inputs last, and write the manifest.

        Does nothing if the run never began.

        Args:
            tally: The counts of this invocation.
            stop: The reason for an early end; None if there was none.
            whole: Whether the inputs were read to their end if there was no early end. Only then
                results whose record was not met count as left over.
        """
        if not self._files:
            return
        self.check_place()
        if not stop:
            self._total = self._position
        with naming_file(self.path), self._manifest_lock:
            if whole and not stop:
                self.store.note_left(self._has_left)
            self._files.pop(EXTRACTIONS).close()
            write_results(self.path / EXTRACTIONS, self.store)
            places = list(map(_describe_repeated, self.differing))
            manifest = self._manifest.ended(
                self.store, tally, monotonic() - self._clock, stop, places
            )
            self._write_manifest(manifest)

    def _has_left(self, path: str) -> bool:
        """Return whether a record from a path would have been read again now, if it were still
        there: that path was given now, or lies in a folder that was, and nothing of it was unread.
        """
        # a stream may hold other records each time
        if path in self._unread or path == STDIN:
            return False
        has_all_inputs = len(self._manifest.inputs) == len(self._inputs)
        if has_all_inputs:
            return True
        # Earlier invocations had further inputs, whose records nobody looked for now.
        for given in self._inputs:
            is_inside = path.startswith(f"{given.rstrip('/')}/")
            if is_inside or path == given:
                return True
        return False

    def _remove_empty(self) -> None:
        """Remove the empty files of a run without results."""
        has_begun = bool(self._files)
        if not has_begun or not _is_empty(self.path / EXTRACTIONS):
            return
        for name in (EXTRACTIONS, FAILURES, REPEATED):
            if _is_empty(self.path / name):
                (self.path / name).unlink()

    def _append(self, name: str, line: bytes) -> None:
        """Append a line to a file, and hand it to the operating system."""
        self.begin()
        with naming_file(self.path / name):
            file = self._files[name]
            file.write(line + b"\n")
            file.flush()

    def _write_manifest(self, manifest: Manifest) -> None:
        """Write ``run.json``, with the number of records if it is known for all inputs."""
        has_all_inputs = len(manifest.inputs) == len(self._inputs)
        if self._total is not None and has_all_inputs:
            manifest = manifest.model_copy(update={"total": self._total})
        self._manifest = manifest
        write_atomically(self.path / MANIFEST, manifest.to_json())

    def _open_store(self) -> RunStore:
        """Open the run's store at the first call, and return it."""
        if self._store is None:
            fields = restore_fields(self._manifest.settings)
            self._store = RunStore(self.path, price=self._price, fields=fields)
            self._closing.callback(self._store.close)
        return self._store

    def _continue_earlier(self) -> None:
        """Take over the earlier run in the folder, if there is one: its manifest, its store, and
        its file of results, which is written again if it is damaged.

        A run with other settings that holds nothing of worth is begun anew. Raises ``StoreError``
        if a part of it is lost, ``SettingsDiffer`` if it holds something of a run with other
        settings.
        """
        earlier = read_manifest(self.path / MANIFEST)
        if earlier is None:
            self._refuse_results_without_manifest()
            return
        settings = self._manifest.settings
        changed = explain_changed(earlier.settings, settings)
        if changed:
            if holds_something(self.path, earlier):
                raise SettingsDiffer(self._explain_settings(changed))
            self._fresh = True
            return
        results = self.path / EXTRACTIONS
        if results.exists() and not _is_empty(results):
            if not (self.path / RUN_FILE).exists():
                missing = f"has results but no {RUN_FILE}, the store of its answers; {HOW_LOST}"
                raise StoreError(f"{self.path}: {missing}, or pay again with --fresh")
            # an empty store is not taken for a new one
            open_run_to_read(self.path).close()
        # What still differs from the earlier settings decides nothing: the address of the model's
        # server, or a masked key.
        self._manifest = earlier.model_copy(
            update={"settings": earlier.settings | settings}
        )
        with naming_file(results):
            self.mended = restore_results(results, self._open_store())

    def _refuse_results_without_manifest(self) -> None:
        """Raise ``StoreError`` for files of a run whose settings are lost."""
        for name in (EXTRACTIONS, FAILURES, REPEATED, RUN_FILE):
            if (self.path / name).exists():
                raise StoreError(
                    f"{self.path}: has {name} but no {MANIFEST}; "
                    f"{how_to_keep_answers(self.path)}"
                )

    def _explain_settings(self, changed: Mapping[str, str]) -> str:
        """Say that the run in the folder has other settings, and what to do."""
        differences = "; ".join(changed.values())
        other_folder = "use another --out"
        if changed.keys() <= _OF_THE_PROGRAM:
            other_folder += f", where --replay {self.path} takes its answers"
        return (
            f"{self.path}: created with other settings ({differences}); {other_folder}, or "
            "--fresh to replace what it holds"
        )


def _refuse_other_text(record: TrialRecord, first: str, remedy: str) -> RepeatedRecord:
    """Make the error of a record whose id was read before, at ``first``, with another text."""
    return RepeatedRecord(
        record.source.path,
        record.record_id,
        first,
        same_text=False,
        place=record.source.place,
        remedy=remedy,
    )


def _is_empty(path: Path) -> bool:
    """Return whether there is a file at a path, without content."""
    return path.exists() and path.stat().st_size == 0


def _to_json(content: Mapping[str, Any]) -> bytes:
    """Write one line of JSON. Bytes of a file name that are not UTF-8 are escaped."""
    return json.dumps(content, ensure_ascii=False).encode("utf-8", "backslashreplace")


def _describe_repeated(error: RepeatedRecord) -> dict[str, Any]:
    """Describe a repeated record: its id, the place that was used, and the one that was left
    out.
    """
    left_out = f"{error.path}, {error.place}" if error.place else error.path
    return {
        "record_id": error.record_id,
        "taken": mask(error.first),
        "left_out": mask(left_out),
    }


@contextmanager
def made_folder(folder: Path) -> Iterator[None]:
    """Make a folder. At the end of the block, the folders that this made are removed if they are
    empty.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        for path in made:
            with suppress(OSError):  # it is not empty
                path.rmdir()


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Lock a run's folder. The operating system releases the lock of a process that ends in any
    way.

    The lock's file stays, since another process may have opened it, unless nothing else is in the
    folder.

    Raises ``FolderInUse`` if another run has the lock, ``OSError`` if its file cannot be opened.
    """
    try:
        with FileLock(folder / _LOCK, timeout=0):
            try:
                yield
            finally:
                if list(folder.iterdir()) == [folder / _LOCK]:
                    (folder / _LOCK).unlink()
    except Timeout:
        raise FolderInUse(
            f"{folder}: another process writes to it; wait for its end, or choose another --out"
        ) from None


def holds_something(folder: Path, manifest: Manifest) -> bool:
    """Return whether a run's folder holds what another run must not take: results, or an answer or
    a cost of a model.

    If the model was asked in vain and the run stopped for that, it holds nothing of worth: its
    results are those of records without a question, and its requests without a reply were refused
    as the others. If the model was asked in vain otherwise, requests without a reply may have cost
    something, and the results count only if the run was completed. A folder that cannot be read
    counts as holding something.
    """
    try:
        with closing(RunStore(folder, reading=True)) as store:
            if store.was_answered:
                return True
            was_asked = bool(store.calls.models)
            if not was_asked:
                return store.has_results
            if manifest.stopped_by in (Stop.MODEL_AWAY, Stop.ERROR):
                return False
            may_have_cost = store.calls.spending.uncounted.calls > 0
            if may_have_cost:
                return True
            return manifest.state is RunState.COMPLETE and store.has_results
    except StoreError:
        # what cannot be read may be worth keeping
        return True


def is_locked(folder: Path) -> bool:
    """Return whether a run writes to the folder. Another process cannot take the lock meanwhile."""
    if not (folder / _LOCK).exists():
        return False
    try:
        with lock_folder(folder):
            return False
    except StoreError:
        return True
    except OSError:
        # a read-only folder, to which no run writes
        return False


@contextmanager
def naming_file(path: Path) -> Iterator[None]:
    """Turn an ``OSError`` into a ``StoreError`` with the file's name, the reason and a remedy."""
    try:
        yield
    except OSError as error:
        problem = f"{error.filename or path}: {error.strerror}"
        if error.errno in (ENOSPC, EDQUOT):
            raise DiskFull(
                f"{problem}; free some space on its disk, and run the same command again"
            ) from error
        raise StoreError(f"{problem}; fix this, or choose another --out") from error


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file completely, or leave the old one."""
    fresh_path(path).write_bytes(content)
    fresh_path(path).replace(path)
