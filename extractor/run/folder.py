"""A run's folder: results, failures, the manifest and the store, written so that a run can end at any moment."""

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import IO, Any, Self

from extractor.errors import RepeatedRecord, SettingsDiffer, StoreError
from extractor.llm.cache import ReplyStore
from extractor.llm.database import RUN_FILE
from extractor.llm.spec import join_servers
from extractor.llm.trace import Session
from extractor.schemas import TrialRecord, Usage

from .batch import Sink
from .manifest import Manifest, Repeated, Totals, read_manifest
from .results import ResultsFile, lock_folder, naming_file, write_atomically
from .store import RunStore, StartedRecord, digest_record
from .tally import ExtractedLine, Tally

EXTRACTIONS, FAILURES, REPEATED, MANIFEST = "extractions.jsonl", "failures.jsonl", "repeated.jsonl", "run.json"
_REPARSED = frozenset({"extractor", "rules", "prompts"})
"""Settings that ``extractor reparse`` brings up to date."""
_AT_ONCE = 1000
_MOST_DIFFERING = 100


class RunFolder(Sink):
    """``extractions.jsonl`` (one line a record), ``failures.jsonl``, ``repeated.jsonl``, ``run.json`` and
    ``run.sqlite`` under one path.

    Opening a folder of an earlier run continues it. A record is done if its id and its text are those of a result in
    which no answer of a model is missing; ``changed`` counts those with another text now, and ``lacking``, once the
    run is finished, those without some answer. With ``fresh`` nothing is done, but only ``begin`` discards what an
    earlier run left. Results are appended as they come, and sorted by ``finish``; only records under way are held in
    memory. ``differing`` are the first records that were read before with another text. ``price`` returns the cost of
    tokens in picodollars.

    Raises ``StoreError`` if the folder cannot be written, is in use, or holds foreign files, ``SettingsDiffer`` if it
    was made with other settings.
    """

    in_any_order = True

    def __init__(
        self,
        path: Path,
        settings: Mapping[str, Any],
        *,
        inputs: Iterable[str] = (),
        fresh: bool = False,
        strict: bool = False,
        price: Callable[[Usage], int] | None = None,
    ) -> None:
        self.path, self._price = path, price
        self._inputs = tuple(dict.fromkeys(inputs))
        self.changed = self.lacking = 0
        self.strict, self.differing = strict, list[RepeatedRecord]()
        self._begun, self._fresh, self._notes_total = False, fresh, False
        self._position = 0
        self._total: int | None = None
        self._manifest_lock = Lock()  # the total may be noted from another thread
        self._started: dict[str, StartedRecord] = {}
        self._places: list[tuple[str, int]] = []
        self._store: RunStore | None = None
        self._since, self._clock = datetime.now(UTC).isoformat(timespec="seconds"), monotonic()
        with ExitStack() as closing:
            with naming_file(path):
                path.mkdir(parents=True, exist_ok=True)
                closing.enter_context(lock_folder(path))
            self._manifest = Manifest(settings=dict(settings))
            self._closing = closing
            if not fresh:
                self._continue_earlier()
            self._closing = closing.pop_all()

    def begin(self) -> None:
        """Start to write: from now on the folder is this run's. The first record, result or failure does it too."""
        if self._begun:
            return
        with naming_file(self.path):
            if self._fresh:
                # The store last: a log that outlived it would be taken for the log of the next one.
                for name in (EXTRACTIONS, RUN_FILE + "-wal", RUN_FILE + "-shm", RUN_FILE):
                    (self.path / name).unlink(missing_ok=True)
            with self._manifest_lock:
                self._write_manifest(self._with_total(self._manifest.begun(self._inputs, self._since)))
                self._notes_total = True
            self._open_store()
            self._results = self._closing.enter_context(ResultsFile(self.path / EXTRACTIONS))
            self._failures, self._repeated = map(self._open_lines, (FAILURES, REPEATED))
        self._begun = True

    @property
    def store(self) -> RunStore:
        """The run's store. Opening it begins the run."""
        self.begin()
        return self._open_store()

    @property
    def earlier_replies(self) -> ReplyStore | None:
        """The calls of earlier invocations that this one continues, without beginning the run."""
        return self._store.replies if self._store else None

    def replies(self) -> ReplyStore:
        """The calls to models in the store. Begins the run."""
        return self.store.replies

    def rewind(self) -> None:
        """Prepare for reading all records once more, from the first on."""
        self.begin()
        self._position = 0
        self._places.clear()
        self._started.clear()
        self.changed = 0
        self.differing.clear()
        for file in (self._failures, self._repeated):
            with naming_file(Path(file.name)):
                file.seek(0)
                file.truncate()

    def is_done(self, record: TrialRecord) -> bool:
        """Whether an earlier run finished this very record. Called once for each record, in input order.

        Raises ``RepeatedRecord`` for a record with the id of another one from another file.
        """
        started = StartedRecord(record, digest_record(record), self._position)
        self._position += 1
        known = self.store.find(record.record_id)
        if known and known.text_sha256 != started.text_sha256:
            if known.path != record.source.path or known.invocation == self.store.invocation:
                raise RepeatedRecord(
                    record.source.path,
                    record.record_id,
                    known.path,
                    same_text=False,
                    place=record.source.place,
                    remedy="leave one of the two out, or use --fresh if the file was renamed",
                )
            self.changed += 1
        elif known and known.done:
            self._places.append((record.record_id, started.position))
            if len(self._places) >= _AT_ONCE:
                self._note_places()
            return True
        self._started[record.record_id] = started
        return False

    def write(self, line: ExtractedLine, session: Session) -> None:
        """Append a result; it is on disk when this returns. ``session`` holds the answers in it."""
        started = self._started.pop(line.record_id)
        start, length = self._results.append(line.line)
        self.store.add(started, line, start, length, session)

    def write_failure(self, failure: Mapping[str, Any]) -> None:
        """Append a failure."""
        self.begin()
        self._started.pop(failure.get("record_id") or "", None)
        _append(self._failures, failure)

    def write_repeated(self, error: RepeatedRecord) -> None:
        """Append where a record was read before."""
        self.begin()
        if not error.same_text and len(self.differing) < _MOST_DIFFERING:
            self.differing.append(error)
        _append(self._repeated, _describe_repeated(error) | {"same_text": error.same_text})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            with naming_file(self.path):
                self._closing.close()
        except StoreError:
            if kind is None:  # else it repeats what could not be written
                raise

    def note_total(self, total: int) -> None:
        """Note how many records the inputs hold. Another thread may call this while the run goes on.

        Ignored where earlier invocations had other inputs too, whose records are in the folder.
        """
        with self._manifest_lock, naming_file(self.path):
            self._total = total
            if self._notes_total:
                self._write_manifest(self._with_total(self._manifest))

    def finish(self, tally: Tally, stopped_by: str | None = None) -> None:
        """Sort the results by input order, records of other inputs last, and write the manifest.

        ``stopped_by`` says what ended the run before its inputs ended, such as "interrupted". Nothing is written if
        the run never began.
        """
        if not self._begun:
            return
        if not stopped_by:
            self.note_total(self._position)
        with self._manifest_lock:
            self._notes_total = False
        self._note_places()
        self._results.sort(self.store)
        self.lacking = self.store.count_lacking()
        totals = Totals.summed(self.store, resumed=tally.resumed, failed=tally.failed)
        repeated = Repeated(
            same_text=tally.repeated - tally.differing,
            other_text=tally.differing,
            places=tuple(map(_describe_repeated, self.differing)),
        )
        manifest = self._manifest.ended(totals, monotonic() - self._clock, stopped_by, repeated)
        with naming_file(self.path):
            self._write_manifest(manifest.with_servers(tally.by_server()))

    def _with_total(self, manifest: Manifest) -> Manifest:
        known = self._total is not None and len(manifest.inputs) == len(self._inputs)
        return manifest.model_copy(update={"total": self._total}) if known else manifest

    def _write_manifest(self, manifest: Manifest) -> None:
        self._manifest = manifest
        write_atomically(self.path / MANIFEST, manifest.to_json())

    def _open_lines(self, name: str) -> IO[str]:
        # A file's name may hold bytes that are no text; JSON can write them as an escape.
        file = (self.path / name).open("w", encoding="utf-8", errors="backslashreplace")
        return self._closing.enter_context(file)

    def _open_store(self) -> RunStore:
        if self._store is None:
            self._store = RunStore(self.path, price=self._price)
            self._closing.callback(self._store.close)
        return self._store

    def _note_places(self) -> None:
        self.store.note_places(self._places)
        self._places.clear()

    def _continue_earlier(self) -> None:
        earlier = read_manifest(self.path / MANIFEST)
        results = self.path / EXTRACTIONS
        if earlier is None:
            for name in (EXTRACTIONS, RUN_FILE):
                if (self.path / name).exists():
                    raise StoreError(f"{self.path}: has {name} but no {MANIFEST}; choose another --out")
            return
        settings = self._manifest.settings
        # Servers may come and go between the invocations of a run, as long as one of them stays.
        if joined := join_servers(str(earlier.settings.get("model")), str(settings.get("model"))):
            settings["model"] = joined
            earlier = earlier.model_copy(update={"settings": {**earlier.settings, "model": joined}})
        self._check_settings(earlier.settings)
        if not (self.path / RUN_FILE).exists() and results.exists() and results.stat().st_size:
            raise StoreError(f"{self.path}: has results but no {RUN_FILE}; use --fresh or another --out")
        self._manifest = earlier
        with naming_file(results):
            ResultsFile.repair(results, self._open_store())

    def _check_settings(self, earlier: Mapping[str, Any]) -> None:
        settings = self._manifest.settings
        changed = [name for name in settings if earlier.get(name) != settings[name]]
        if changed:
            differences = "; ".join(
                f"{name} was {_show(earlier.get(name))}, is {_show(settings[name])}" for name in changed
            )
            reparse = f"extractor reparse {self.path} keeps its answers, " if _REPARSED.issuperset(changed) else ""
            raise SettingsDiffer(
                f"{self.path}: was made with other settings ({differences}); {reparse}use --fresh or another --out"
            )


def _show(value: Any) -> str:
    """A setting as people write it."""
    return value if isinstance(value, str) else "none" if value is None else json.dumps(value)


def _append(file: IO[str], content: Mapping[str, Any]) -> None:
    with naming_file(Path(file.name)):
        file.write(json.dumps(content, ensure_ascii=False) + "\n")
        file.flush()


def _describe_repeated(error: RepeatedRecord) -> dict[str, Any]:
    """A record that was read before: the place that was taken, and the one that was left out."""
    left_out = ", ".join(filter(None, (error.path, error.place)))
    return {"record_id": error.record_id, "taken": error.first, "left_out": left_out}
