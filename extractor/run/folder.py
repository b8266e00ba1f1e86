"""A run's folder: results, failures and the manifest, written so that a crash loses at most the line in flight."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import IO, Any, Self

from extractor.errors import StoreError
from extractor.schemas import TrialExtraction

from .lock import FolderLock
from .manifest import Manifest, Totals, read_manifest
from .results import index_results, read_results, sort_results
from .tally import Tally

__all__ = ["RunFolder"]

EXTRACTIONS, FAILURES, MANIFEST = "extractions.jsonl", "failures.jsonl", "run.json"


class RunFolder:
    """``extractions.jsonl`` (one line a record), ``failures.jsonl`` and ``run.json`` under one path.

    Opening a folder of an earlier run continues it: ``done`` holds the records that it already has. With
    ``fresh`` nothing is done, but what an earlier run left is discarded only by ``begin``.
    Raises ``StoreError`` if the folder cannot be written, is in use, was made with other settings, or holds
    foreign files.
    """

    def __init__(self, path: Path, settings: Mapping[str, Any], *, fresh: bool = False) -> None:
        self.path = path
        self._begun = False
        self._order: list[str] = []
        self._started, self._clock = datetime.now(UTC).isoformat(timespec="seconds"), monotonic()
        with ExitStack() as closing:
            with _telling(path):
                path.mkdir(parents=True, exist_ok=True)
                closing.callback(FolderLock(path).release)
                self._manifest = Manifest(settings=dict(settings))
                self.done: dict[str, int] = {}
                if not fresh:
                    self._continue_earlier()
            self._closing = closing.pop_all()

    def begin(self) -> None:
        """Start to write: from now on the folder is this run's. The first result or failure does it too."""
        if self._begun:
            return
        with _telling(self.path):
            if not self.done:
                (self.path / EXTRACTIONS).unlink(missing_ok=True)
            _write_atomically(self.path / MANIFEST, self._manifest.to_json())
            self._results: IO[bytes] = self._closing.enter_context((self.path / EXTRACTIONS).open("ab"))
            # A file's name may hold what is no text; JSON can say it as an escape.
            failures = (self.path / FAILURES).open("w", encoding="utf-8", errors="backslashreplace")
            self._failures: IO[str] = self._closing.enter_context(failures)
        self._begun = True

    def skip(self, record_id: str) -> None:
        """Note that a record which an earlier run finished stands at this place of the input."""
        self._order.append(record_id)

    def write(self, extraction: TrialExtraction) -> None:
        """Append a result; it is on disk when this returns."""
        self.begin()
        line = extraction.model_dump_json().encode() + b"\n"
        with _telling(self.path / EXTRACTIONS):
            position = self._results.tell()
            self._results.write(line)
            self._results.flush()
        self.done[extraction.record_id] = position
        self._order.append(extraction.record_id)

    def write_failure(self, failure: Mapping[str, Any]) -> None:
        """Append a failure."""
        self.begin()
        with _telling(self.path / FAILURES):
            self._failures.write(json.dumps(failure, ensure_ascii=False) + "\n")
            self._failures.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            with _telling(self.path):
                self._closing.close()
        except StoreError:
            if kind is None:  # else it repeats what could not be written, and is told already
                raise

    def finish(self, tally: Tally, inputs: Iterable[str]) -> None:
        """Write the manifest and bring the results into input order, where a resumed run appended out of order.

        Nothing is written if the run never began.
        """
        if not self._begun:
            return
        ordered = dict.fromkeys(self._order)
        others = (record_id for record_id in self.done if record_id not in ordered)
        positions = [self.done[record_id] for record_id in (*ordered, *others)]
        totals = self._manifest.totals.followed_by(Totals.of(tally))
        seconds = monotonic() - self._clock
        with _telling(self.path):
            if positions != sorted(positions):
                sort_results(self.path / EXTRACTIONS, positions)
            manifest = self._manifest.followed_by_run(totals, inputs, self._started, seconds)
            _write_atomically(self.path / MANIFEST, manifest.to_json())

    def _continue_earlier(self) -> None:
        earlier = read_manifest(self.path / MANIFEST)
        if earlier is None:
            if (self.path / EXTRACTIONS).exists():
                raise StoreError(f"{self.path}: has {EXTRACTIONS} but no {MANIFEST}; choose another --out")
            return
        self._check_settings(earlier.settings)
        self.done = index_results(self.path / EXTRACTIONS)
        if earlier.records.extracted != len(self.done):  # the last invocation was killed
            totals = earlier.totals.recounted(read_results(self.path / EXTRACTIONS))
            earlier = earlier.model_copy(update={name: getattr(totals, name) for name in Totals.model_fields})
        self._manifest = earlier

    def _check_settings(self, earlier: Mapping[str, Any]) -> None:
        settings = self._manifest.settings
        changed = [name for name in settings if earlier.get(name) != settings[name]]
        if changed:
            differences = "; ".join(f"{name} was {earlier.get(name)!r}, is {settings[name]!r}" for name in changed)
            raise StoreError(f"{self.path}: was made with other settings ({differences}); use --fresh or another --out")


@contextmanager
def _telling(path: Path) -> Iterator[None]:
    """Says which file could not be written or read, and why."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"{error.filename or path}: {error.strerror}; mend that, or choose another --out") from error


def _write_atomically(path: Path, content: bytes) -> None:
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_bytes(content)
    fresh.replace(path)
