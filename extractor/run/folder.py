"""The folder of a run: its files, its lock, and an earlier run that it continues or replaces."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime
from errno import EDQUOT, ENOSPC
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from time import monotonic
from typing import TYPE_CHECKING, Any, Self

from filelock import FileLock, Timeout

from extractor.errors import (
    DiskFull,
    FolderInUse,
    RepeatedRecord,
    SettingsDiffer,
    StoreError,
)
from extractor.masking import mask
from extractor.model.database import HOW_LOST, RUN_FILE, open_run_to_read
from extractor.run.manifest import (
    MANIFEST,
    NO_MODEL,
    Manifest,
    Stop,
    explain_changed,
    how_to_keep_answers,
    read_manifest,
)
from extractor.run.records import Sink
from extractor.run.store import RunStore, digest_record
from extractor.run.tally import ExtractedLine, Tally
from extractor.schemas import TrialRecord, Usage

if TYPE_CHECKING:
    from extractor.model.store import CallStore

EXTRACTIONS = "extractions.jsonl"
FAILURES = "failures.jsonl"
REPEATED = "repeated.jsonl"
TEXTS = "texts"
_EARLIER = ".earlier"
_DISCARDED = ".discarded"
_LOCK = ".lock"
_FILES = (
    EXTRACTIONS,
    FAILURES,
    REPEATED,
    TEXTS,
    RUN_FILE,
    # a log that is left behind would be taken for that of the next store
    f"{RUN_FILE}-wal",
    f"{RUN_FILE}-shm",
    MANIFEST,
)
"""What a run writes into its folder. An earlier run is aside as a whole if its manifest is, which
moves last, and returns first.
"""
_OF_THE_PROGRAM = frozenset({"extractor", "rules", "prompts"})
"""Settings that change with the program. The answers of the run can still be used by
``--replay``.
"""
_SHOWN_DIFFERING = 3
_UNSAFE = re.compile(r"[^\w.-]+|^\.+")


class RunFolder(Sink):
    """The files of a run in one folder.

    Opening the folder of an earlier run continues it. A record is done if there is a result with
    its id and text that lacks no answer of a model. Results are appended as they come, and
    ``finish`` writes all files in input order; only records in progress are in memory.

    Args:
        path: The folder. It is made if it does not exist.
        settings: What decides results, as ``describe_settings`` returns it.
        inputs: What the records are read from, for the manifest.
        fresh: Whether no record counts as done. Then ``begin`` sets the earlier run aside, until
            the new one has a result, and an answer if it asks a model. If it ends without, the
            earlier run is put back.
        price: Returns the cost of tokens in dollars.

    Attributes:
        manifest: The content of ``run.json``, as it was last written.
        changed: How many records have another text than in the earlier run.
        differing: The first repeated records with another text.
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
        self.manifest = Manifest(settings=dict(settings))
        self.changed = 0
        self.differing: list[RepeatedRecord] = []
        self.kept_earlier = False
        self._price = price
        self._fresh = fresh
        self._inputs = tuple(dict.fromkeys(map(mask, inputs)))
        self._position = 0
        self._positions: dict[str, int] = {}
        self._unread: set[str] = set()
        self._has_begun = False
        self._store: RunStore | None = None
        self._since = monotonic()
        self._closing = ExitStack()
        with ExitStack() as failing:
            failing.push(self._closing)
            with naming_file(path):
                self._closing.enter_context(made_folder(path))
                self._closing.enter_context(lock_folder(path))
                # after a kill
                self._settle_earlier()
                self._closing.callback(self._settle_earlier)
            if not fresh:
                self._continue_earlier()
            failing.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # an error of the run says more than one of closing its files
        with suppress(*[StoreError] if kind else ()), naming_file(self.path):
            self._closing.close()

    def begin(self) -> None:
        """Begin to write: set an earlier run aside if ``fresh``, and write the manifest and the
        files. The first record, result or failure also begins. Does nothing if the run has begun.
        """
        if self._has_begun:
            return
        self._has_begun = True
        with naming_file(self.path):
            if self._fresh:
                self._set_earlier_aside()
            started = datetime.now(UTC).isoformat(timespec="seconds")
            self._write_manifest(self.manifest.begin(self._inputs, started))
            self._open_store().drop_notes()
            # Results are added to those of earlier invocations; the others are of this one alone.
            (self.path / EXTRACTIONS).touch()
            for name in (FAILURES, REPEATED):
                (self.path / name).write_bytes(b"")

    @property
    def store(self) -> RunStore:
        """The run's store. Access begins the run."""
        self.begin()
        return self._open_store()

    def calls(self) -> "CallStore":
        """Return the stored calls to models. Begins the run."""
        return self.store.calls

    @property
    def earlier_calls(self) -> "CallStore | None":
        """The calls of the earlier invocations that this one continues. Access does not begin
        the run.
        """
        return self._store.calls if self._store else None

    def check_place(self) -> None:
        """Raise ``StoreError`` if the folder was deleted or moved during the run."""
        if self._store:
            self._store.database.check_place()

    def rewind(self) -> None:
        """Prepare for reading all records again."""
        self.store.drop_notes()
        self._position = 0
        self.changed = 0
        self.differing.clear()

    def is_done(self, record: TrialRecord) -> bool:
        """Return whether an earlier run finished this record with this text. Called once per
        record, in input order.

        If so, the new place of the record is stored; if not, it counts as changed if its file had
        another text in an earlier invocation. Raises ``RepeatedRecord`` for another text with a
        known id from another file or from this invocation.
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
            remedy = None
            if stored.path != record.source.path:
                remedy = (
                    "the earlier result stays; give a file that replaces another the name of that "
                    "one, or use --fresh"
                )
            if stored.invocation == self.store.invocation:
                remedy = "leave one of the two out"
            if remedy:
                raise _refuse_other_text(record, stored.path, remedy)
            self.changed += 1
        self._positions[record.record_id] = position
        return False

    def write(
        self, record: TrialRecord, line: ExtractedLine, *, lacking: bool = False
    ) -> None:
        """Append and store a result. An earlier run that was set aside is discarded if this one
        works: it has a result, with a model an answer.
        """
        self.begin()
        self.check_place()
        with naming_file(self.path / EXTRACTIONS):
            # The file first: after a kill it has every line that the store has.
            with (self.path / EXTRACTIONS).open("ab") as file:
                file.write(line.line + b"\n")
            self._keep_text(record)
        position = self._positions.pop(record.record_id)
        self.store.add(record, position, line, lacking=lacking or line.cut)
        is_aside = (self.path / _EARLIER).is_dir()
        if is_aside and _is_in_earnest(self.path, self.manifest):
            with naming_file(self.path):
                self._discard_earlier()

    def write_failure(self, failure: Mapping[str, Any]) -> None:
        """Store a failure. One without an id of a record makes its whole input count as
        unread: nobody knows which of its records the input still has.
        """
        record_id = failure.get("record_id") or ""
        if not record_id:
            self._unread.add(failure.get("path") or "")
        position = self._positions.pop(record_id, self._position)
        self._note(FAILURES, position, failure)

    def write_repeated(self, error: RepeatedRecord) -> None:
        """Store the places of a repeated record."""
        if not error.same_text and len(self.differing) < _SHOWN_DIFFERING:
            self.differing.append(error)
        left_out = f"{error.path}, {error.place}" if error.place else error.path
        places = {
            "record_id": error.record_id,
            "taken": mask(error.first),
            "left_out": mask(left_out),
            "same_text": error.same_text,
        }
        self._note(REPEATED, self._position, places)

    def finish(
        self, tally: Tally, stop: Stop | None = None, *, whole: bool = True
    ) -> None:
        """Write the files from the store in input order, with the results of other inputs last, and
        the manifest. Does nothing if the run never began.

        Args:
            tally: The counts of this invocation.
            stop: The reason for an early end; None if there was none.
            whole: Whether the inputs were read to their end if there was no early end. Only then
                results whose record was not met count as left over.
        """
        if not self._has_begun:
            return
        self.check_place()
        store = self.store
        if whole and not stop:
            store.note_left(self._has_left)
        with naming_file(self.path):
            _write_results(self.path / EXTRACTIONS, store)
            for name in (FAILURES, REPEATED):
                write_atomically(self.path / name, store.read_notes(name))
            for name in (EXTRACTIONS, FAILURES, REPEATED):
                # a run without results leaves no empty file
                if not store.has_results and not (self.path / name).stat().st_size:
                    (self.path / name).unlink()
            seconds = monotonic() - self._since
            self._write_manifest(self.manifest.end(store, tally, seconds, stop))

    def _open_store(self) -> RunStore:
        """Open the run's store at the first call, and return it."""
        if self._store is None:
            self._store = RunStore(self.path, price=self._price)
            self._closing.callback(self._store.close)
        return self._store

    def _note(self, name: str, position: int, content: Mapping[str, Any]) -> None:
        # bytes of a file name that are not UTF-8 are escaped
        line = json.dumps(content, ensure_ascii=False).encode(
            "utf-8", "backslashreplace"
        )
        self.store.add_note(name, position, line)

    def _keep_text(self, record: TrialRecord) -> None:
        """Write the text of a document, into which evidence has offsets, as it is: another form of
        its line breaks would move them.
        """
        if record.document is None:
            return
        texts = self.path / TEXTS
        texts.mkdir(exist_ok=True)
        content = record.document.text.encode("utf-8", "replace")
        (texts / _name_text(record.record_id)).write_bytes(content)

    def _write_manifest(self, manifest: Manifest) -> None:
        self.manifest = manifest
        write_atomically(self.path / MANIFEST, manifest.to_json())

    def _has_left(self, path: str) -> bool:
        """Return whether a record from a path would have been read again now, if it were still
        there: that path was given now, or lies in a folder that was, and nothing of it was unread.
        """
        from extractor.formats.inputs import STDIN  # noqa: PLC0415 - slow, and few need it

        # a stream may hold other records each time
        if path in self._unread or path == STDIN:
            return False
        folders = tuple(f"{given.rstrip('/')}/" for given in self._inputs)
        is_given = path in self._inputs or path.startswith(folders)
        has_all_inputs = len(self.manifest.inputs) == len(self._inputs)
        return is_given or has_all_inputs

    def _continue_earlier(self) -> None:
        """Take over the earlier run in the folder, if there is one.

        A run with other settings that holds nothing of worth is replaced. Raises ``StoreError``
        if a part of it is lost, ``SettingsDiffer`` if it holds something of a run with other
        settings.
        """
        results = self.path / EXTRACTIONS
        earlier = read_manifest(self.path / MANIFEST)
        if earlier is None:
            for name in (EXTRACTIONS, FAILURES, REPEATED, RUN_FILE):
                if (self.path / name).exists():
                    remedy = how_to_keep_answers(self.path)
                    raise StoreError(
                        f"{self.path}: has {name} but no {MANIFEST}; {remedy}"
                    )
            return
        settings = self.manifest.settings
        changed = explain_changed(earlier.settings, settings)
        if changed:
            if _is_in_earnest(self.path, earlier):
                raise self._refuse_settings(changed)
            self._fresh = True
            return
        if results.exists() and results.stat().st_size:
            if not (self.path / RUN_FILE).exists():
                missing = f"has results but no {RUN_FILE}, the store of its answers; {HOW_LOST}"
                raise StoreError(f"{self.path}: {missing}, or pay again with --fresh")
            # an empty store is not taken for a new one
            open_run_to_read(self.path).close()
        # What still differs decides nothing: the address of the model's server, or a masked key.
        update = {"settings": earlier.settings | settings}
        self.manifest = earlier.model_copy(update=update)
        with naming_file(results):
            results.touch()
            self._open_store().drop_records_without_line()
            # a kill leaves another order, and perhaps half a line
            _write_results(results, self._open_store())

    def _refuse_settings(self, changed: Mapping[str, str]) -> SettingsDiffer:
        """Say that the run in the folder has other settings, and what to do."""
        other_folder = "use another --out"
        if changed.keys() <= _OF_THE_PROGRAM:
            other_folder += f", where --replay {self.path} takes its answers"
        return SettingsDiffer(
            f"{self.path}: created with other settings ({'; '.join(changed.values())}); "
            f"{other_folder}, or --fresh to replace what it holds"
        )

    def _set_earlier_aside(self) -> None:
        """Move the files of the earlier run aside, if there are any."""
        present = [name for name in _FILES if (self.path / name).exists()]
        if present:
            (self.path / _EARLIER).mkdir(exist_ok=True)
        for name in present:
            (self.path / name).replace(self.path / _EARLIER / name)

    def _discard_earlier(self) -> None:
        """Remove the earlier run. Its folder is renamed first, since half of it is none to keep."""
        (self.path / _EARLIER).replace(self.path / _DISCARDED)
        rmtree(self.path / _DISCARDED)

    def _settle_earlier(self) -> None:
        """Decide between an earlier run that is aside and the new one: the new one stays if it
        holds something; else the earlier one is put back, which ``kept_earlier`` says.
        """
        aside = self.path / _EARLIER
        rmtree(self.path / _DISCARDED, ignore_errors=True)
        if not aside.is_dir():
            return
        if (aside / MANIFEST).exists():
            manifest = read_manifest(self.path / MANIFEST)
            has_store = (self.path / RUN_FILE).exists()
            if manifest and has_store and _is_in_earnest(self.path, manifest):
                self._discard_earlier()
                return
            for name in _FILES:
                rmtree(self.path / name, ignore_errors=True)
                with suppress(OSError):
                    (self.path / name).unlink()
        for name in reversed(_FILES):
            if (aside / name).exists():
                (aside / name).replace(self.path / name)
        aside.rmdir()
        self.kept_earlier = True


def _write_results(path: Path, store: RunStore) -> None:
    """Write the file of results from the store, unless it has each stored line in its place, and
    nothing more.
    """
    with path.open("rb") as file:
        is_equal = all(
            sha256(file.readline()).digest() == digest
            for digest in store.list_digests()
        )
        is_whole = is_equal and not file.read(1)
    if not is_whole:
        write_atomically(path, store.read_lines())


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


def _name_text(record_id: str) -> str:
    """Return the name of the file with the text of a record. Ids that differ have names that
    differ.

    >>> _name_text("protocol"), _name_text("../my protocol")
    ('protocol.txt', '__my_protocol-7e206f41.txt')
    """
    safe = _UNSAFE.sub("_", record_id)[:80]
    if safe == record_id:
        return f"{safe}.txt"
    return f"{safe}-{sha256(record_id.encode()).hexdigest()[:8]}.txt"


def _is_in_earnest(folder: Path, manifest: Manifest) -> bool:
    """Return whether a run has what another one must not take: a result, or, if it asks a model, an
    answer. What cannot be read may be worth keeping.
    """
    settings = manifest.settings
    asks = settings.get("effort") != "none" and settings.get("model") != NO_MODEL
    try:
        with closing(RunStore(folder, reading=True)) as store:
            return store.was_answered or (store.has_results and not asks)
    except StoreError:
        return True


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


def write_atomically(path: Path, content: bytes | Iterable[bytes]) -> None:
    """Write a file completely, or leave the old one."""
    fresh = path.with_name(f".{path.name}.new")
    lines = [content] if isinstance(content, bytes) else content
    with fresh.open("wb") as file:
        file.writelines(lines)
    fresh.replace(path)
