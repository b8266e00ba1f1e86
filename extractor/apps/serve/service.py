"""Start and stop the parts of a service, and extract single records."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from dataclasses import replace
from importlib.metadata import version
from importlib.resources import files
from logging import NullHandler

from extractor.apps.serve.callers import CallerBook, RequestRates, SharedMeter
from extractor.apps.serve.drain import is_draining
from extractor.apps.serve.job import keep_job_events_apart
from extractor.apps.serve.jobs import JobRunner
from extractor.apps.serve.problems import ProblemError, WrongParameter
from extractor.apps.serve.reading import (
    Posted,
    PostedSchemas,
    read_posted,
    read_schemas,
)
from extractor.apps.serve.settings import ServiceSettings
from extractor.concepts.own.declaration import CustomField
from extractor.errors import (
    EngineError,
    FieldError,
    RecordError,
    RecordTooLarge,
    RecordTooSlow,
    StoreError,
)
from extractor.model.client import Model
from extractor.model.events import Event, listening, tell
from extractor.model.opening import Route
from extractor.options import ExtractionOptions
from extractor.run.executor import ProcessExecutor, extract_with
from extractor.run.manifest import digest_rules
from extractor.run.setup import OpenExtractor, Setup
from extractor.run.tally import ExtractedLine
from extractor.run.worker import advance_record
from extractor.schemas import TrialRecord
from extractor.schemas.vocabulary import Effort

_SPARE_S = 1.0
_STOP_TIMEOUT_S = 2.0
_WATCH_S = 1.0


def _read_example() -> TrialRecord:
    """Read the invented record of the OpenAPI document. A test compares its response with the
    example there.
    """
    example = files("extractor.apps.serve") / "assets" / "record.txt"
    record = read_posted(Posted("example", example.read_bytes()))
    assert isinstance(record, TrialRecord)
    return record


class Service:
    """The parts of a running service. ``open`` starts it."""

    def __init__(
        self,
        settings: ServiceSettings,
        book: CallerBook,
        meter: SharedMeter,
        executor: ProcessExecutor,
        jobs: ProcessExecutor,
    ) -> None:
        self.settings = settings
        self.book = book
        self.meter = meter
        self.rates = RequestRates()
        self.runner = JobRunner(settings, book, meter, jobs)
        self._executors = executor, jobs
        self.loop = asyncio.get_running_loop()
        self._since = self.loop.time()
        self.model: Model | None = None
        self._executor = executor
        self._computing = asyncio.Semaphore(settings.workers)
        self._asking = asyncio.Semaphore(settings.options.concurrency)
        self._taken = 0
        self._limits = set[asyncio.Timeout]()
        self.is_stopping = False
        self._starting = asyncio.create_task(self._start_processes())

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: ServiceSettings) -> AsyncIterator["Service"]:
        """Start a service, and continue its unfinished jobs. Raises ``StoreError`` if its root
        cannot be used.
        """
        async with AsyncExitStack() as stack:
            stack.enter_context(listening(NullHandler()))
            stack.enter_context(keep_job_events_apart())
            book = stack.enter_context(closing(CallerBook(settings.root)))
            meter = SharedMeter(
                settings.root,
                settings.pricing,
                settings.options.requests_per_minute,
                book,
            )
            stack.enter_context(closing(meter))
            # Jobs have their own processes, so that their long records do not block requests.
            timed = ProcessExecutor(
                settings.workers,
                0,
                settings.options.timeout + _SPARE_S,
                _read_example(),
            )
            executor = await stack.enter_async_context(timed)
            jobs = await stack.enter_async_context(
                ProcessExecutor(settings.workers, inline_first=0)
            )
            service = cls(settings, book, meter, executor, jobs)
            setup = Setup(
                settings.model,
                reasoning=settings.options.reasoning,
                model_options=settings.options.model_options,
            )
            # A service outlives its model's absences: each request has its own time, and the next
            # one tries again.
            asking = replace(setup.asking, patience=None)
            opening = setup.open(
                settings.options.concurrency, route=Route(service.meter), asking=asking
            )
            opened = await stack.enter_async_context(opening)
            service.model = opened.model
            service.runner.start()
            service.tell_start()
            watching = asyncio.create_task(service.watch_root())
            try:
                yield service
            finally:
                watching.cancel()
                service.stop()
                await service.runner.close(_STOP_TIMEOUT_S)
                service.tell_end()

    def tell_start(self) -> None:
        """Tell the event of the start, with what decides results."""
        tell(
            Event.SERVICE_STARTED,
            version=version("trial-extractor"),
            rules=digest_rules(),
            model=self.settings.model.name if self.settings.model else None,
            workers=self.settings.workers,
            jobs=self.runner.unfinished,
        )

    def tell_end(self) -> None:
        """Tell the event of the end."""
        seconds = round(self.loop.time() - self._since, 3)
        tell(Event.SERVICE_ENDED, seconds=seconds, jobs=self.runner.unfinished)

    async def watch_root(self) -> None:
        """Tell, for as long as the service runs, what other processes change in its root: keys, and
        whether it takes new jobs.
        """
        drained = False
        while True:
            # A change that cannot be marked as told now, as on a full disk, is told later.
            with suppress(StoreError):
                for facts in self.book.changes.take():
                    tell(Event.KEY_CHANGED, **facts)
            drains = is_draining(self.settings.root)
            if drains != drained:
                tell(Event.DRAIN_CHANGED, drains=drains)
                self.runner.fill()
            drained = drains
            await asyncio.sleep(_WATCH_S)

    def stop(self) -> None:
        """Begin no further request to the model and no record of a job. What is under way may
        end meanwhile.
        """
        self.is_stopping = True
        self.runner.stop()
        for limit in self._limits:
            limit.reschedule(self.loop.time() + _STOP_TIMEOUT_S)
        if self.model:
            self.model.watch.stop("the service stops")
        for executor in self._executors:
            executor.ends_at_once = True

    def check_ready(self) -> None:
        """Raise ``ProblemError`` until all worker processes have started. Retries a failed
        start.
        """
        if not self._starting.done():
            raise ProblemError(
                "not-ready", "the worker processes are starting", retry_s=1
            )
        error = self._starting.exception()
        if error:
            raise self._start_again(error)

    async def _start_processes(self) -> None:
        """Start all worker processes. Each one starts at its first record, so that each gets the
        example.
        """
        record = _read_example()
        options = ExtractionOptions(effort=Effort.NONE)
        steps = []
        for _ in range(self.settings.workers):
            step = self._executor.compute(advance_record, record, options, [None])
            steps.append(step)
        await asyncio.gather(*steps)

    def _start_again(self, error: BaseException) -> ProblemError:
        """Start the worker processes again, and return the problem to tell meanwhile."""
        self._starting = asyncio.create_task(self._start_processes())
        remedy = "see the service's standard error"
        return ProblemError(
            "not-ready",
            f"the worker processes cannot start: {error}",
            retry_s=5,
            remedy=remedy,
        )

    @asynccontextmanager
    async def _limited(self) -> AsyncIterator[None]:
        """Limit an extraction to its time, which a stop of the service shortens."""
        async with asyncio.timeout(self.settings.options.timeout) as limit:
            self._limits.add(limit)
            try:
                yield
            finally:
                self._limits.discard(limit)

    async def read_fields(self, schemas: Sequence[str]) -> tuple[CustomField, ...]:
        """Return the fields that the JSON Schemas of a request declare, read in a worker process.
        Raises ``ProblemError`` for a wrong schema, and if reading them takes too long.
        """
        try:
            async with self._limited(), self._computing:
                posted = PostedSchemas(tuple(schemas))
                fields = await self._executor.compute(read_schemas, posted)
        except (TimeoutError, RecordError):
            raise ProblemError(
                "took-too-long", "the schemas took too long to read", remedy="ask less"
            ) from None
        except EngineError as error:
            raise self._start_again(error) from None
        if isinstance(fields, FieldError):
            wrong = (WrongParameter(name="schema", detail=str(fields)),)
            raise ProblemError("wrong-parameter", f"schema: {fields}", errors=wrong)
        return fields

    def _check_spent(self, extracted: ExtractedLine, effort: Effort) -> None:
        """Raise ``ProblemError`` if the money ended before the first question about a record: its
        caller would take the rules' reading for the model's.
        """
        usage = json.loads(extracted.counts)["usage"]
        if usage.get("open_questions") and not usage.get("calls"):
            self.meter.check(effort)

    async def extract(
        self,
        name: str,
        body: bytes,
        options: ExtractionOptions,
        render: Callable[[TrialRecord, bytes], bytes] | None = None,
    ) -> bytes:
        """Extract the record in a body, as JSON, or as ``render`` makes it of both, in a worker
        process. ``name`` is the file name of the body.

        As many extractions compute at once as there are worker processes. Those that ask the model
        take turns of their own, as many as the setting ``concurrency`` says.

        Raises ``ProblemError`` if the queue is full, the body holds no single record, the record
        is too large or takes too long, the service stops, or a process died; and ``ModelError``.
        """
        if self._taken >= self.settings.options.queue:
            raise ProblemError(
                "queue-full", "the queue of extractions is full", retry_s=1
            )
        model = None
        turn = self._computing
        if options.asks and self.model:
            model = self.model
            turn = self._asking
        self._taken += 1
        try:
            async with self._limited(), turn:
                record = await self._executor.compute(read_posted, Posted(name, body))
                if isinstance(record, RecordError):
                    raise ProblemError(
                        "unreadable",
                        record.problem,
                        place=record.place,
                        remedy=record.remedy,
                    )
                extractor = OpenExtractor(model, options)
                extracted = await extract_with(self._executor, extractor, record)
                if model:
                    self._check_spent(extracted, options.effort)
                if not render:
                    return extracted.line
                return await self._executor.compute(render, record, extracted.line)
        except TimeoutError:
            # the stop has shortened the time
            if self.is_stopping:
                raise ProblemError(
                    "not-ready", "the service stops", retry_s=10
                ) from None
            detail = f"it took longer than {self.settings.options.timeout:g} seconds"
            raise ProblemError(
                "took-too-long", detail, remedy="send the record as a job"
            ) from None
        except RecordTooLarge as error:
            raise ProblemError(
                "unreadable", error.problem, remedy=error.remedy
            ) from None
        except RecordTooSlow as error:
            raise ProblemError(
                "took-too-long", error.problem, remedy=error.remedy
            ) from None
        # the executor raises it for a record that kills its process
        except RecordError:
            detail = "the process that extracted it died, perhaps for lack of memory"
            raise ProblemError(
                "internal", detail, remedy="do not send the record again, and report it"
            ) from None
        except EngineError as error:
            raise self._start_again(error) from None
        finally:
            self._taken -= 1
