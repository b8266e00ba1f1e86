"""A job and one start of it: its run over the upload, with the model, the money and the processes
of the service.

The state of a job is in its folder. Its run is a task in the service's loop; threads read the
upload and sort the results.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from errno import ENOSPC
from functools import partial
from pathlib import Path
from time import monotonic

from pydantic import Field, NonNegativeInt

from extractor.apps.serve.callers import (
    CallerBook,
    SharedMeter,
    count_spent,
    list_facts,
    spend_as,
)
from extractor.apps.serve.problems import describe_unexpected
from extractor.apps.serve.settings import ServiceSettings
from extractor.concepts.own.declaration import CustomField
from extractor.errors import DiskFull, ExtractorError, ModelUnavailable, RunStopped
from extractor.formats import read_records
from extractor.model.calls import Call
from extractor.model.events import Event, EventLog, Fact
from extractor.model.metering import Reservation
from extractor.options import Choice
from extractor.plurals import counted
from extractor.run.executor import Executor
from extractor.run.folder import RunFolder, holds_something
from extractor.run.manifest import (
    MANIFEST,
    Stop,
    describe_settings,
    explain_changed,
    read_manifest,
)
from extractor.run.records import RunLimits
from extractor.run.run import Run
from extractor.run.setup import Setup
from extractor.schemas import TrialRecord, Usage
from extractor.schemas.evidence import PricedUsage
from extractor.schemas.vocabulary import Effort

EVENTS = "events.jsonl"
RUN = "run"
UPLOAD = "upload"
"""The parts of a job's folder: the log, the run's folder, and the folder of the upload."""


class JobState(StrEnum):
    """The state of a job. A job that is done was read to its end, and has a result unless it had
    no record. A paused, failed or cancelled job keeps its results and can be resumed.
    """

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    PAUSED = "paused"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Job(Choice):
    """A job as shown to its caller."""

    id: str
    caller: str = Field(
        default="",
        description="Name of the caller, with a number if an earlier one had the name.",
    )
    state: JobState
    reason: str | None = Field(
        default=None,
        description="Why the job is paused, failed or cancelled, or that some of its records "
        "failed.",
    )
    name: str = Field(
        description="Name of the upload. Records without an id of their own are named after it."
    )
    bytes: NonNegativeInt = Field(description="Size of the upload.")
    fields: tuple[str, ...] = Field(
        default=(), description="The own fields that are extracted."
    )
    brought: tuple[CustomField, ...] = Field(
        default=(),
        description="Of these, those that the caller brought by JSON Schemas.",
        exclude_if=lambda brought: not brought,
    )
    by_rules: bool = Field(
        default=False,
        description="No model is asked, also later: the service had none when the job was sent.",
        exclude_if=lambda by_rules: not by_rules,
    )
    created: str
    started: str | None = None
    ended: str | None = None
    extracted: NonNegativeInt = Field(default=0, description="Records with a result.")
    failed: NonNegativeInt = Field(
        default=0, description="Records without a result; /failures says why."
    )
    repeated: NonNegativeInt = Field(
        default=0, description="Records left out: an earlier one has the same id."
    )
    usage: PricedUsage = Field(
        default=PricedUsage(),
        description="Usage of the model since the last start of the job, with its price if known.",
    )

    @property
    def asks(self) -> bool:
        """Whether the service's model is asked, if it has one."""
        return self.effort is not Effort.NONE and not self.by_rules


_event_log: ContextVar[EventLog | None] = ContextVar("event_log", default=None)


@contextmanager
def keep_job_events_apart() -> Iterator[None]:
    """Inside the block, send the events of a job only to its ``events.jsonl``, not to the
    service's log. The death of a worker is in both: it concerns all jobs.
    """

    def divert(event: logging.LogRecord) -> bool:
        """Return whether the service's log gets an event: not that of a single job."""
        log_of_job = _event_log.get()
        if log_of_job is None:
            return True
        log_of_job.handle(event)
        return event.getMessage() == Event.WORKER_LOST

    events = logging.getLogger("extractor.model.events")
    events.addFilter(divert)
    try:
        yield
    finally:
        events.removeFilter(divert)


class JobRun:
    """One start of a job, in the job's ``folder``. It is the ``Meter`` of its calls to the
    service's model.

    ``refusal`` says why the job may not go on.
    """

    def __init__(
        self,
        job: Job,
        folder: Path,
        settings: ServiceSettings,
        book: CallerBook,
        shared: SharedMeter,
    ) -> None:
        self._job = job
        self._folder = folder
        self._book = book
        self._shared = shared
        self.lose = shared.lose
        self.charge = shared.charge
        self.refusal: str | None = None
        self._since = monotonic()
        # why the upload could not be read to its end
        self._problem: str | None = None
        options = settings.options
        services_own = [field for field in options.fields if field.name in job.fields]
        # A model that the service got later costs money that nobody agreed to.
        model = None if job.by_rules else settings.model
        setup = Setup(
            model,
            tasks=job.tasks,
            effort=job.effort,
            min_confidence=job.min_confidence,
            reasoning=options.reasoning,
            model_options=options.model_options,
            fields=[*services_own, *job.brought],
        )
        asks = model is not None and job.asks
        # Of both limits, the caller's; the limit of all marks it as reached, too.
        budget = shared.budget_of(job.caller) if asks else None
        self.run = Run(
            setup=setup,
            read=self._read_upload,
            limits=RunLimits(options.concurrency, budget=budget),
            pricing=settings.pricing,
            meter=self,
            workers=settings.workers,
        )

    @property
    def shown(self) -> Job:
        """The job, with the counts over all starts, and the usage of this start."""
        tally = self.run.tally
        counts = {
            "extracted": tally.extracted + tally.resumed,
            "failed": tally.failed,
            "repeated": tally.repeated,
        }
        usage = PricedUsage(**tally.usage.model_dump(), usd=tally.usd)
        return self._job.model_copy(update={**counts, "usage": usage})

    @property
    def facts(self) -> dict[str, Fact]:
        """The facts of its event at the end: the counts of records over all starts, and what this
        start took, in seconds, calls, tokens and dollars.
        """
        shown = self.shown
        return {
            "seconds": round(monotonic() - self._since, 3),
            "extracted": shown.extracted,
            "failed": shown.failed,
            "repeated": shown.repeated,
            **list_facts(shown.usage, shown.usage.usd),
        }

    async def perform(self, executor: Executor) -> tuple[JobState, str | None]:
        """Extract the rest of the upload, with the events in the job's own log. Returns the final
        state of the job, and the reason for its caller, None if there is nothing to say.
        """
        try:
            with (self._folder / EVENTS).open("a", encoding="utf-8") as file:
                _event_log.set(EventLog(file))
                spend_as(self._job.caller)
                # apart from the request that happened to begin the job
                count_spent()
                return await self._perform(executor)
        # while the results were sorted
        except asyncio.CancelledError:
            return JobState.CANCELLED, self.refusal
        except Exception as error:  # noqa: BLE001 - worded for the caller
            return JobState.FAILED, self._word(error)
        finally:
            _event_log.set(None)

    async def _perform(self, executor: Executor) -> tuple[JobState, str | None]:
        """Run the job in its folder, and return its final state with the reason.

        A job that was begun with other settings starts over. With a model it fails instead: it
        would pay for all calls again. Spent money, and a model that cannot be used, pause the job.
        """
        run = self.run
        folder = self._folder / RUN
        described = describe_settings(run.setup)
        is_stale = False
        earlier = read_manifest(folder / MANIFEST)
        if earlier:
            is_stale = bool(explain_changed(earlier.settings, described))
            asks_model = run.limits.budget is not None
            # starting over would pay for all calls again
            if is_stale and asks_model and holds_something(folder, earlier):
                return (
                    JobState.FAILED,
                    "the program or its model has changed since the job began; resume it with "
                    "?fresh=true to start over, which pays again",
                )
        failure = None
        price = run.pricing.cost
        with RunFolder(folder, described, fresh=is_stale, price=price) as results:
            try:
                await run.perform(results, executor)
            except BaseException as error:  # noqa: BLE001 - also a cancellation, after which the results are sorted too
                failure = error
            stop = await asyncio.to_thread(run.finish, results, failure)
        if stop is Stop.INTERRUPTED:
            return JobState.CANCELLED, self.refusal
        # a higher limit lets it go on
        if stop is Stop.BUDGET:
            return JobState.PAUSED, self._shared.explain_spent(self._job.caller)
        if isinstance(failure, ModelUnavailable):
            return JobState.PAUSED, "the model cannot be used at the moment"
        if failure:
            return JobState.FAILED, self._word(failure)
        if self._problem:
            return JobState.FAILED, self._problem
        return self._judge_failures()

    def _judge_failures(self) -> tuple[JobState, str | None]:
        """Return the final state of a job that was read to its end, with the reason. Without a
        result it is no success, and each failed record is told.
        """
        shown = self.shown
        if not shown.failed:
            return JobState.DONE, None
        failed = counted(shown.failed, "record")
        if not shown.extracted:
            reason = f"nothing was extracted: {failed} failed; /failures says why"
            return JobState.FAILED, reason
        return JobState.DONE, f"{failed} failed; /failures says why"

    def _read_upload(
        self, *, on_error: Callable[[ExtractorError], None]
    ) -> Iterator[TrialRecord]:
        """Yield the records of the upload, until the caller's key is no longer valid.

        ``on_error`` gets the error of each record that cannot be read. If the rest of the upload
        cannot be read at all, it gets that error, too, and the records before it are extracted.
        """
        upload = self._folder / UPLOAD / self._job.name

        def report(error: ExtractorError) -> None:
            """Hand an error on, after a check of the caller's key."""
            self._refuse()
            on_error(error)

        with upload.open("rb") as file:
            # Records and failures name the upload, not its path on this machine.
            opened = partial(
                read_records,
                "upload://",
                open_address=lambda _: iter([(upload.name, file)]),
            )
            try:
                for record in opened(on_error=report):
                    if self._refuse():
                        return
                    yield record
            except ExtractorError:
                raise
            except Exception as error:  # noqa: BLE001 - the records before it are extracted
                self._problem = (
                    "the upload could not be read to its end: "
                    f"{describe_unexpected(error)}"
                )
                on_error(ExtractorError(self._problem))

    def _refuse(self) -> str | None:
        """Return why the job may not go on, if its caller's key is no longer valid; None if it may.
        The job then stops, whatever becomes of the key meanwhile.
        """
        if self.refusal:
            return self.refusal
        if self._book.is_valid(self._job.caller):
            return None
        self.run.is_stopping = True
        self.refusal = "the caller's key was revoked, or has expired"
        return self.refusal

    async def reserve(self, call: Call) -> Reservation:
        """Wait for room, and reserve what a call may use. Raises ``RunStopped`` if the job may
        not go on, and the errors of the service's meter.
        """
        reservation = await self._shared.reserve(call)
        refusal = self._refuse()
        if refusal:
            self.charge(reservation, Usage())
            raise RunStopped(refusal)
        return reservation

    def allows(self, reservation: Reservation) -> bool:
        """Return whether the job may go on, and there is room for another request like this
        one.
        """
        if self._refuse():
            return False
        return self._shared.allows(reservation)

    def _word(self, error: BaseException) -> str:
        """Word an error for the caller of a job, who knows nothing of this machine's disks and
        paths.

        The text of an unexpected error is left out, since it may quote a record.
        """
        is_full = isinstance(error, OSError) and error.errno == ENOSPC
        if is_full or isinstance(error, DiskFull):
            return "the service's disk is full; resume the job when its operator has made room"
        if not isinstance(error, (ExtractorError, OSError)):
            return describe_unexpected(error)
        return str(error).replace(f"{self._folder}/", "")
