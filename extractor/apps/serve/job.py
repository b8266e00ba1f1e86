"""A job, and the run that extracts its upload each time the job starts."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing
from enum import StrEnum
from errno import ENOSPC
from pathlib import Path
from time import monotonic

from pydantic import NonNegativeInt

from extractor.apps.serve.events import EVENTS, logging_events
from extractor.apps.serve.keys import KEY_INVALID, Keys
from extractor.apps.serve.money import Account, Money, account
from extractor.apps.serve.problems import describe_unexpected
from extractor.apps.serve.settings import ServiceSettings
from extractor.errors import (
    DiskFull,
    ExtractorError,
    ModelUnavailable,
    SettingsDiffer,
    StoreError,
)
from extractor.face import (
    Choice,
    Executor,
    Fact,
    Run,
    RunStore,
    Setup,
    Stop,
    counted,
    read_records,
)
from extractor.schemas import TrialRecord
from extractor.schemas.evidence import PricedUsage
from extractor.schemas.vocabulary import Effort

RUN = "run"
UPLOAD = "upload"
"""The folders of a job's run and of its upload."""
_CANCELLING = "the job is being cancelled: the records in progress are finished first"


class JobState(StrEnum):
    """The state of a job. A job that ended early keeps its results and can be resumed."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    PAUSED = "paused"
    FAILED = "failed"
    CANCELLED = "cancelled"


ACTIVE = frozenset({JobState.QUEUED, JobState.RUNNING})


class Job(Choice):
    """A job as its caller sees it."""

    id: str
    caller: str
    """The caller's name, followed by a number if an earlier caller had the same name."""
    state: JobState
    reason: str | None = None
    """The reason why the job is paused, failed or cancelled, or a note that it is being cancelled
    or that some of its records failed.
    """
    name: str
    """Name of the upload. If a record has no id, an id is derived from this name."""
    bytes: NonNegativeInt
    """Size of the upload."""
    columns: dict[str, str] = {}  # noqa: RUF012 - pydantic copies it
    """The caller's names of the columns of a table, keyed by those of Extractor."""
    fields: tuple[str, ...] = ()
    """Names of the custom fields to extract."""
    created: str
    started: str | None = None
    ended: str | None = None
    extracted: NonNegativeInt = 0
    """Number of records with a result."""
    failed: NonNegativeInt = 0
    """Number of records without a result; see /failures for the reasons."""
    repeated: NonNegativeInt = 0
    """Number of records omitted because an earlier record has the same id."""
    usage: PricedUsage = PricedUsage()
    """Model usage since the job was last started, with its cost if the price is known."""


def count_results(folder: Path) -> int:
    """Return the number of records with a result in a job's ``folder``, including the results of
    a start that was killed: 0 if the job has not begun or its store cannot be read.
    """
    try:
        with closing(RunStore(folder / RUN, reading=True)) as store:
            return store.count_results()
    except StoreError:
        return 0


class JobRun:
    """A single start of a job, in the job's ``folder``."""

    task: asyncio.Task[None]
    cancelled_by: str | None = None

    def __init__(
        self,
        job: Job,
        folder: Path,
        settings: ServiceSettings,
        keys: Keys,
        money: Money,
    ) -> None:
        self._job = job
        self._folder = folder
        self._keys = keys
        self._money = money
        self._since = monotonic()
        self._account = Account(job.caller)
        options = settings.options
        setup = Setup(
            settings.model,
            tasks=job.tasks,
            effort=job.effort,
            min_confidence=job.min_confidence,
            reasoning=options.reasoning,
            model_options=options.model_options,
            fields=[field for field in options.fields if field.name in job.fields],
        )
        asks = settings.model and job.effort is not Effort.NONE
        budget = None
        if asks:
            budget = money.budget_of(job.caller)
        self.run = Run(
            setup=setup,
            read=self._read_upload,
            out=folder / RUN,
            concurrency=options.concurrency,
            budget=budget,
            pricing=settings.pricing,
            meter=money,
            workers=settings.workers,
        )

    @property
    def snapshot(self) -> Job:
        """The job as it is now, with its counts over all starts, the model usage of this start,
        and a note as its reason if it is being cancelled.
        """
        tally = self.run.tally
        changes = {
            # a restarted run has not yet read all records that earlier starts extracted
            "extracted": max(self._job.extracted, tally.extracted + tally.resumed),
            "failed": tally.failed,
            "repeated": tally.repeated,
            "usage": PricedUsage(**tally.usage.model_dump(), usd=tally.usd),
        }
        if self.cancelled_by is not None:
            changes["reason"] = _CANCELLING
        return self._job.model_copy(update=changes)

    @property
    def facts(self) -> dict[str, Fact]:
        """The counts, duration and model usage for the job's final event."""
        counts = self.snapshot.model_dump(include={"extracted", "failed", "repeated"})
        return {
            "seconds": round(monotonic() - self._since, 3),
            **counts,
            **self._account.facts,
        }

    async def perform(self, executor: Executor) -> tuple[JobState, str | None]:
        """Extract the records that have no result yet, and write events to the job's log. Returns
        (final state, reason to show to the caller).
        """
        try:
            account.set(self._account)
            with logging_events(self._folder / EVENTS):
                return await self._perform(executor)
        except asyncio.CancelledError:
            # the results were being sorted
            return JobState.CANCELLED, None
        except Exception as error:  # noqa: BLE001 - worded for the caller
            return JobState.FAILED, self._write_message(error)

    async def _perform(self, executor: Executor) -> tuple[JobState, str | None]:
        """Run the job. The job fails if it was started earlier with different settings."""
        failure = None
        with self.run.open_folder() as results:
            try:
                await self.run.extract(results, executor)
            except BaseException as error:  # noqa: BLE001 - after a cancellation, results are sorted too
                failure = error
            stop = await asyncio.to_thread(self.run.finish, results, failure)
        return self._judge(stop, failure)

    def _judge(
        self, stop: Stop | None, failure: BaseException | None
    ) -> tuple[JobState, str | None]:
        """Return (state, reason) for a job whose run has ended."""
        caller = self._job.caller
        if not self._keys.is_valid(caller):
            return JobState.CANCELLED, KEY_INVALID
        if stop is Stop.INTERRUPTED:
            return JobState.CANCELLED, None
        if stop is Stop.BUDGET:
            return JobState.PAUSED, self._money.explain_limit()
        if isinstance(failure, ModelUnavailable):
            return JobState.PAUSED, "the model cannot be used at the moment"
        if failure:
            return JobState.FAILED, self._write_message(failure)
        snapshot = self.snapshot
        if not snapshot.failed:
            return JobState.DONE, None
        reason = f"{counted(snapshot.failed, 'record')} failed; see /failures for the reasons"
        if snapshot.extracted:
            return JobState.DONE, reason
        return JobState.FAILED, f"nothing was extracted: {reason}"

    def _read_upload(
        self, *, on_error: Callable[[ExtractorError], None]
    ) -> Iterator[TrialRecord]:
        """Yield the records in the upload, until the caller's key is no longer valid. ``on_error``
        receives an error for each record that cannot be read.
        """
        upload = self._folder / UPLOAD / self._job.name
        with upload.open("rb") as file:
            # an address, so that records and failures state the upload's name, not its path here
            records = read_records(
                "upload://",
                on_error=on_error,
                open_address=lambda _: iter([(upload.name, file)]),
                columns=self._job.columns,
            )
            for record in records:
                if not self._keys.is_valid(self._job.caller):
                    self.run.is_stopping = True
                    return
                yield record

    def _write_message(self, error: BaseException) -> str:
        """Return an error message for the job's caller, omitting any paths on this machine. The
        text of an unexpected error is omitted because it may quote a record.
        """
        is_full = isinstance(error, OSError) and error.errno == ENOSPC
        if is_full or isinstance(error, DiskFull):
            return "the service's disk is full; resume the job after the operator has freed space"
        if isinstance(error, SettingsDiffer):
            return (
                "the program or its model has changed since the job started; submit the "
                "job again"
            )
        if not isinstance(error, (ExtractorError, OSError)):
            return describe_unexpected(error)
        return str(error).replace(f"{self._folder}/", "")
