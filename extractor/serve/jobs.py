"""Jobs as they lie on disk: ``ROOT/jobs/<caller>/<job>``, a run's folder with its upload and its events beside it."""

import secrets
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, ValidationError

from extractor.options import Assist, ExtractionOptions
from extractor.run.results import write_atomically
from extractor.schemas import Task, Usage

__all__ = ["ACTIVE", "EVENTS", "RUN", "TABLES", "UPLOAD", "Job", "JobFolders", "JobState", "now"]

_JOB, EVENTS, RUN, TABLES, UPLOAD = "job.json", "events.jsonl", "run", "tables", "upload"
_DISCARDED = ".discarded"


class JobState(StrEnum):
    """How far a job is. A paused or cancelled one can be resumed, and keeps what it has done."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    PAUSED = "paused"
    FAILED = "failed"
    CANCELLED = "cancelled"


ACTIVE = frozenset({JobState.QUEUED, JobState.RUNNING})


class Job(BaseModel):
    """A job, as its caller is told of it."""

    model_config = ConfigDict(frozen=True)

    id: str
    state: JobState
    reason: str | None = Field(default=None, description="Why it is paused or failed.")
    name: str = Field(description="Name of the upload; records without an id of their own are named after it.")
    bytes: NonNegativeInt = Field(description="Size of the upload.")
    tasks: tuple[Task, ...]
    assist: Assist
    min_confidence: float = Field(default=0.0, ge=0, le=1, description="Values that are less sure are left out.")
    created: str
    started: str | None = None
    ended: str | None = None
    extracted: NonNegativeInt = Field(default=0, description="Records with a result.")
    failed: NonNegativeInt = Field(default=0, description="Records without one; /failures says why.")
    usage: Usage = Field(default=Usage(), description="What the model took since the job was last started.")

    @property
    def options(self) -> ExtractionOptions:
        """How its records are extracted."""
        return ExtractionOptions(self.tasks, self.assist, self.min_confidence)


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class JobFolders:
    """The folders of all jobs."""

    def __init__(self, root: Path) -> None:
        self._root = root / "jobs"
        self._discarded = root / _DISCARDED
        self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.rmtree(self._discarded, ignore_errors=True)

    @staticmethod
    def make_id() -> str:
        """An id that cannot be guessed."""
        return secrets.token_hex(16)

    def path(self, caller: str, job_id: str) -> Path:
        """A job's folder."""
        return self._root / caller / job_id

    def prepare(self, caller: str, job_id: str) -> Path:
        """Make a folder for an upload; without ``write`` it is no job yet. Where the upload goes."""
        folder = self.path(caller, job_id)
        (folder / UPLOAD).mkdir(parents=True, mode=0o700)
        return folder / UPLOAD

    def write(self, caller: str, job: Job) -> None:
        """Keep what is known of a job; what was kept before stays whole until then."""
        write_atomically(self.path(caller, job.id) / _JOB, job.model_dump_json(indent=1).encode() + b"\n")

    def read_all(self) -> Iterator[tuple[str, Job]]:
        """All jobs with their callers, the oldest first. An upload that never ended is discarded."""
        found = []
        for path in self._root.glob("*/*"):
            try:
                found.append((path.parent.name, Job.model_validate_json((path / _JOB).read_bytes())))
            except (OSError, ValidationError):
                self.discard(path.parent.name, path.name)
        yield from sorted(found, key=lambda pair: (pair[1].created, pair[1].id))

    def discard(self, caller: str, job_id: str) -> None:
        """Take a job's folder away at once, and its files then."""
        self._discarded.mkdir(exist_ok=True, mode=0o700)
        away = self._discarded / f"{job_id}-{secrets.token_hex(4)}"
        self.path(caller, job_id).rename(away)
        shutil.rmtree(away, ignore_errors=True)
