"""Start and stop a service, and extract single records."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import (
    AbstractContextManager,
    AsyncExitStack,
    asynccontextmanager,
    closing,
    nullcontext,
)
from dataclasses import dataclass, replace
from importlib.metadata import version
from importlib.resources import files
from io import BytesIO
from logging import NullHandler
from math import ceil
from tempfile import TemporaryFile

from starlette.responses import Response

from extractor.apps.serve.drain import is_draining
from extractor.apps.serve.events import separate_job_events
from extractor.apps.serve.jobs import Jobs
from extractor.apps.serve.keys import Keys, RequestLimit
from extractor.apps.serve.matching import Matched
from extractor.apps.serve.metrics import Metrics
from extractor.apps.serve.money import Money
from extractor.apps.serve.problems import ProblemError
from extractor.apps.serve.reading import PostedRecord, read_posted
from extractor.apps.serve.settings import ServiceSettings
from extractor.apps.serve.store import open_store
from extractor.errors import EngineError, RecordError, StoreError
from extractor.face import (
    Event,
    ExtractionOptions,
    Model,
    OpenExtractor,
    ProcessExecutor,
    Route,
    Setup,
    Silence,
    digest_rules,
    extract_with,
    listening,
    read_stream,
    tell,
)
from extractor.schemas import FindingKind, TrialRecord

_SPARE_S = 1.0
"""Number of extra seconds that a worker process is given to finish after a request's time
limit.
"""
_STOP_TIMEOUT_S = 2.0
_STORE_CHECK_S = 1.0
"""Minimum number of seconds between two checks of a store that accepts writes. The checks need no
key, so anybody could keep the disk busy.
"""
_PAGE = bytes(4096)
_EXAMPLE = files("extractor.apps.serve") / "assets" / "record.txt"
"""A made-up record that is used to make each worker process load the rules."""

Render = Callable[[TrialRecord, bytes], bytes]
"""Builds the response from a record and its extraction, which is given as a line of JSON. Called in
a worker process.
"""


@dataclass(eq=False)
class Service:
    """The components of a running service. ``open`` starts it."""

    settings: ServiceSettings
    keys: Keys
    money: Money
    jobs: Jobs
    executor: ProcessExecutor
    model: Model | None
    is_stopping: bool = False

    def __post_init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._computing = asyncio.Semaphore(self.settings.workers)
        self._asking = asyncio.Semaphore(self.settings.options.concurrency)
        self._request_count = 0
        self._limits = set[asyncio.Timeout]()
        self._failure: EngineError | None = None
        self._next_store_check = 0.0
        self.metrics = Metrics(self)
        self._silence = None
        if self.model:
            self._silence = Silence(self.model.watch, self.settings.options.timeout)
        self.limit = RequestLimit(self.settings.options.requests_per_minute)

    @property
    def queue_length(self) -> int:
        """The number of extractions running or waiting."""
        return self._request_count

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: ServiceSettings) -> AsyncIterator["Service"]:
        """Start a service with its worker processes, and resume its unfinished jobs.

        Raises ``StoreError`` if its root cannot be used, ``MissingKey`` if the model's key is
        missing, and ``EngineError`` if no worker can start.
        """
        options = settings.options
        async with AsyncExitStack() as stack:
            stack.enter_context(listening(NullHandler()))
            stack.enter_context(separate_job_events())
            store = stack.enter_context(closing(open_store(settings.root)))
            keys = Keys(store)
            money = Money(store, keys, settings.pricing)
            setup = Setup(
                settings.model,
                reasoning=options.reasoning,
                model_options=options.model_options,
            )
            # without patience, a model that does not answer is never given up: each request has
            # its own time limit, and later requests try again
            opened = await stack.enter_async_context(
                setup.open(
                    options.concurrency,
                    route=Route(money),
                    asking=replace(setup.asking, patience=None),
                )
            )
            example = next(read_stream("example", BytesIO(_EXAMPLE.read_bytes())))
            executor = ProcessExecutor(
                settings.workers,
                inline_first=0,
                timeout=options.timeout + _SPARE_S,
                example=example,
                call_limit=options.record_timeout,
            )
            # jobs have their own processes, so that their long records do not block requests
            job_executor = ProcessExecutor(settings.workers, inline_first=0)
            for processes in (executor, job_executor):
                await stack.enter_async_context(processes)
            # these concurrent calls start every worker process
            await asyncio.gather(
                *(
                    executor.compute(TrialRecord.model_copy, example)
                    for _ in range(settings.workers)
                )
            )
            jobs = Jobs(settings, store, keys, money, job_executor)
            service = cls(settings, keys, money, jobs, executor, opened.model)
            jobs.start()
            tell(
                Event.SERVICE_STARTED,
                version=version("trial-extractor"),
                rules=digest_rules(),
                model=settings.model.name if settings.model else None,
                workers=settings.workers,
                jobs=jobs.unfinished,
            )
            since = service._loop.time()
            try:
                yield service
            finally:
                service.stop()
                await jobs.close(_STOP_TIMEOUT_S)
                tell(
                    Event.SERVICE_ENDED,
                    seconds=round(service._loop.time() - since, 3),
                    jobs=jobs.unfinished,
                )

    def stop(self) -> None:
        """Prepare to stop: no further model requests are sent, no further records are started, and
        extractions in progress have ``_STOP_TIMEOUT_S`` seconds to finish.
        """
        self.is_stopping = True
        self.jobs.stop()
        for limit in self._limits:
            limit.reschedule(self._loop.time() + _STOP_TIMEOUT_S)
        if self.model:
            self.model.watch.stop("the service is stopping")

    def check_open(self) -> None:
        """Raise ``ProblemError`` if the service is being drained and does not accept new jobs."""
        if is_draining(self.settings.root):
            raise ProblemError(
                "not-ready",
                "the service is about to be updated and is not accepting new jobs",
                retry_s=60,
            )

    def check_ready(self) -> None:
        """Raise an error while the service is stopping, or if a worker could not start."""
        if self.is_stopping:
            raise ProblemError("not-ready", "the service is stopping", retry_s=10)
        if self._failure:
            raise self._failure

    def check_store(self) -> None:
        """Raise ``ProblemError`` if nothing can be written to the service's folder or database,
        for example because the disk is full.
        """
        if self._loop.time() < self._next_store_check:
            return
        store = self.jobs.store
        try:
            # the database may still have unused pages on a full disk, but jobs need new files
            with TemporaryFile(dir=self.settings.root) as file:
                file.write(_PAGE)
            store.check_writable()
        except (OSError, StoreError) as error:
            # the path is not shown, because the caller may be anybody
            reason = getattr(error, "strerror", None) or str(error)
            problem = reason.removeprefix(f"{store.path}: ")
            raise ProblemError(
                "not-ready",
                f"the service's folder cannot be written: {problem}",
                remedy="ask the service's operator to check the disk and its permissions",
                retry_s=60,
            ) from error
        self._next_store_check = self._loop.time() + _STORE_CHECK_S

    @asynccontextmanager
    async def _taking_turn(self, *, asks: bool) -> AsyncIterator[None]:
        """Wait for a free slot, and limit the total duration of the wait and the block, which
        ``asks`` the model or not. Stopping the service shortens the limit. Raises ``ProblemError``
        when the limit is reached, if too many requests are waiting, or if the model is silent.
        """
        turn = self._computing
        # counts the requests that end at the limit without any reply of the model
        counting_silence: AbstractContextManager[None] = nullcontext()
        if asks and self._silence:
            turn = self._asking
            counting_silence = self._silence.listening()
            pause = self._silence.find_pause()
            if pause is not None:
                raise ProblemError(
                    "model-away", "the model does not reply", retry_s=ceil(pause)
                )
        if self._request_count >= self.settings.options.queue:
            raise ProblemError("queue-full", "the extraction queue is full", retry_s=1)
        seconds = self.settings.options.timeout
        limit = asyncio.timeout(seconds)
        self._request_count += 1
        self._limits.add(limit)
        try:
            with counting_silence:
                async with limit, turn:
                    yield
        except TimeoutError:
            # stopping the service has shortened the limit
            self.check_ready()
            raise ProblemError(
                "took-too-long",
                f"the extraction took longer than {seconds:g} seconds",
                remedy="send the record as a job",
            ) from None
        except EngineError as error:
            self._failure = error
            raise
        finally:
            self._limits.discard(limit)
            self._request_count -= 1

    async def match(
        self, function: Callable[..., Matched], body: bytes, *arguments: object
    ) -> Response:
        """Match the patient in a body in a worker process, within the limits of the extractions.
        Raises ``ProblemError``.
        """
        posted = PostedRecord("match", body, {})
        async with self._taking_turn(asks=False):
            matched = await self.executor.compute(function, posted, *arguments)
        if matched.problem:
            raise ProblemError(matched.problem, matched.detail, place=matched.place)
        return Response(matched.content, media_type="application/json")

    async def extract(
        self,
        posted: PostedRecord,
        options: ExtractionOptions,
        caller: str,
        render: Render | None = None,
    ) -> Response:
        """Extract the record in a body, and return the extraction as JSON or as rendered by
        ``render``. The header ``X-Spending-Limit`` says that a
        limit stopped some of the calls.

        The number of concurrent extractions is the number of worker processes. Extractions that
        use the model are queued separately.

        Raises ``ProblemError`` and any errors from the executor or the model.
        """
        model = None
        if options.asks:
            model = self.model
        async with self._taking_turn(asks=model is not None):
            record = await self.executor.compute(read_posted, posted)
            if isinstance(record, RecordError):
                raise ProblemError(
                    "unreadable",
                    record.problem,
                    place=record.place,
                    remedy=record.remedy,
                )
            extractor = OpenExtractor(model, options)
            extracted = await extract_with(self.executor, extractor, record)
            counts = json.loads(extracted.counts)
            headers = {}
            if FindingKind.LIMIT_REACHED in counts["finding_kinds"]:
                headers = {"X-Spending-Limit": "reached"}
                if not counts["usage"].get("calls"):
                    # without an error, the caller would mistake the values for the model's
                    self.money.check(options.effort, caller)
            content = extracted.line
            if render:
                content = await self.executor.compute(render, record, content)
            return Response(content, headers=headers, media_type="application/json")
