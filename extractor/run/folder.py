"""The folder of a run: how a run goes on there, what is done, and the files at the end."""

import json
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Self

from extractor.errors import RepeatedRecord, SettingsDiffer, StoreError
from extractor.masking import mask
from extractor.model.database import HOW_LOST, RUN_FILE, open_run_to_read
from extractor.run import earlier
from extractor.run.files import (
    EXTRACTIONS,
    FAILURES,
    REPEATED,
    lock_folder,
    made_folder,
    naming_file,
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
from extractor.schemas import TrialRecord, Usage

if TYPE_CHECKING:
    from collections.abc import Callable

    from extractor.model.store import CallStore

_OF_THE_PROGRAM = frozenset({"extractor", "rules", "prompts"})
"""Settings that change with the program. The answers of the run can still be used by
``--replay``.
"""
_SHOWN_DIFFERING = 3


class RunFolder(Sink):
    """The files of a run in one folder.

    Opening the folder of an earlier run continues it. Results are appended as they come, and
    ``finish`` writes all files in input order; only records in progress are in memory.

    Args:
        path: The folder. It is made if it does not exist.
        settings: What decides results, as ``describe_settings`` returns it.
        inputs: What the records are read from, for the manifest.
        fresh: Whether no record counts as done. The earlier run is then set aside by ``begin``,
            and put back if the new one ends with nothing to keep.
        price: Returns the cost of tokens in dollars.

    Attributes:
        manifest: The content of ``run.json``, as it was last written.
        changed: How many records have another text than in the earlier run.
        differing: The first repeated records with another text.
        kept_earlier: Whether an earlier run that was set aside is back.

    Raises ``StoreError`` if the folder cannot be written, is in use, or contains foreign files,
    ``SettingsDiffer`` if a run with other settings is worth keeping.
    """

    in_any_order = True

    def __init__(
        self,
        path: Path,
        settings: Mapping[str, Any],
        *,
        inputs: Iterable[str] = (),
        fresh: bool = False,
        price: "Callable[[Usage], float] | None" = None,
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
        with ExitStack() as opening:
            with naming_file(path):
                opening.enter_context(made_folder(path))
                opening.enter_context(lock_folder(path))
                earlier.settle(path)  # after a kill
            opening.callback(self._close)
            if not fresh:
                self._continue_earlier()
            self._closing = opening.pop_all()

    def _close(self) -> None:
        if self._store:
            self._store.close()
        self.kept_earlier |= earlier.settle(self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # an error of the run explains more than one of closing its files
        with suppress(*[StoreError] if kind else ()), naming_file(self.path):
            self._closing.close()

    def _continue_earlier(self) -> None:
        """Take over the run in the folder, if there is one. Raises ``StoreError`` if a part of it
        is lost, ``SettingsDiffer`` if it has other settings and is worth keeping.
        """
        found = read_manifest(self.path / MANIFEST)
        if found is None:
            for name in (EXTRACTIONS, FAILURES, REPEATED, RUN_FILE):
                if (self.path / name).exists():
                    remedy = how_to_keep_answers(self.path)
                    raise StoreError(
                        f"{self.path}: has {name} but no {MANIFEST}; {remedy}"
                    )
            return
        settings = self.manifest.settings
        changed = explain_changed(found.settings, settings)
        if changed:
            if earlier.is_worth_keeping(self.path, found):
                raise self._refuse_settings(changed)
            self._fresh = True
            return
        results = self.path / EXTRACTIONS
        if results.exists() and results.stat().st_size:
            if not (self.path / RUN_FILE).exists():
                missing = f"has results but no {RUN_FILE}, the store of its answers; {HOW_LOST}"
                raise StoreError(f"{self.path}: {missing}, or pay again with --fresh")
            # an empty store is not taken for a new one
            open_run_to_read(self.path).close()
        # What still differs decides nothing: the address of the model's server, or a masked key.
        update = {"settings": found.settings | settings}
        self.manifest = found.model_copy(update=update)
        with naming_file(results):
            results.touch()
            store = self._open_store()
            store.drop_records_without_line()
            # a kill leaves another order, and perhaps half a line
            _write_results(results, store)

    def _refuse_settings(self, changed: Mapping[str, str]) -> SettingsDiffer:
        """Return the error for a run with other settings, with the remedy."""
        other_folder = "use another --out"
        if changed.keys() <= _OF_THE_PROGRAM:
            other_folder += f", where --replay {self.path} takes its answers"
        return SettingsDiffer(
            f"{self.path}: created with other settings ({'; '.join(changed.values())}); "
            f"{other_folder}, or --fresh to replace what it holds"
        )

    def begin(self) -> None:
        """Begin to write: set an earlier run aside if ``fresh``, and write the manifest and the
        files. The first record, result or failure also begins. Does nothing if the run has begun.
        """
        if self._has_begun:
            return
        self._has_begun = True
        with naming_file(self.path):
            if self._fresh:
                earlier.set_aside(self.path)
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

    def _open_store(self) -> RunStore:
        if self._store is None:
            self._store = RunStore(self.path, price=self._price)
        return self._store

    def calls(self) -> "CallStore":
        """Return the stored calls to models. Begins the run."""
        return self.store.calls

    @property
    def earlier_calls(self) -> "CallStore | None":
        """The calls of the invocations that this one continues. Access does not begin the run."""
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
            self._refuse_other_text(record, stored.path, stored.invocation)
            self.changed += 1
        self._positions[record.record_id] = position
        return False

    def _refuse_other_text(
        self, record: TrialRecord, first: str, invocation: int
    ) -> None:
        """Raise ``RepeatedRecord`` for a record that was read at ``first`` with another text,
        unless that file has changed since an earlier invocation.
        """
        remedy = None
        if first != record.source.path:
            remedy = (
                "the earlier result stays; give a file that replaces another the name of that one, "
                "or use --fresh"
            )
        if invocation == self.store.invocation:
            remedy = "leave one of the two out"
        if remedy:
            raise RepeatedRecord(
                record.source.path,
                record.record_id,
                first,
                same_text=False,
                place=record.source.place,
                remedy=remedy,
            )

    def write(
        self, record: TrialRecord, line: ExtractedLine, *, lacking: bool = False
    ) -> None:
        """Append and store a result."""
        self.begin()
        self.check_place()
        results = self.path / EXTRACTIONS
        # The file first: after a kill it has every line that the store has.
        with naming_file(results), results.open("ab") as file:
            file.write(line.line + b"\n")
        position = self._positions.pop(record.record_id)
        self.store.add(record, position, line, lacking=lacking or line.cut)

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

    def _note(self, name: str, position: int, content: Mapping[str, Any]) -> None:
        # bytes of a file name that are not UTF-8 are escaped
        text = json.dumps(content, ensure_ascii=False)
        self.store.add_note(name, position, text.encode("utf-8", "backslashreplace"))

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
            seconds = monotonic() - self._since
            self._write_manifest(self.manifest.end(store, tally, seconds, stop))

    def _write_manifest(self, manifest: Manifest) -> None:
        self.manifest = manifest
        write_atomically(self.path / MANIFEST, manifest.to_json())

    def _has_left(self, path: str) -> bool:
        """Return whether a record from a path would have been read again now, if it were still
        there: that path was given now, or lies in a folder that was, and nothing of it was unread.
        """
        from extractor.formats.inputs import STDIN  # noqa: PLC0415 - slow, and few need it

        # a stream may have other records each time
        if path in self._unread or path == STDIN:
            return False
        folders = tuple(f"{given.rstrip('/')}/" for given in self._inputs)
        is_given = path in self._inputs or path.startswith(folders)
        return is_given or len(self.manifest.inputs) == len(self._inputs)


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
