"""The Python API: an extractor with its options and its model."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from extractor.llm.batch_api.requests import Exchange
from extractor.llm.cache import OpenReplies
from extractor.llm.client import ClientSettings, Model
from extractor.llm.opening import ModelChoice, open_model
from extractor.llm.querying import converse
from extractor.llm.servers import ServerCalls
from extractor.llm.spec import ModelSpec
from extractor.llm.transport import Route
from extractor.options import Assist, Effort, ExtractionOptions
from extractor.pipeline import extract
from extractor.schemas import Task, TrialExtraction, TrialRecord, Usage

__all__ = ["Extractor", "OpenExtractor", "extract_record"]


async def extract_record(record: TrialRecord, model: Model | None, options: ExtractionOptions) -> TrialExtraction:
    """Extract a record. Where the model's budget is spent, absences name what was not asked."""
    return await converse(extract(record, options), model)


@dataclass(frozen=True, slots=True)
class OpenExtractor:
    """Extracts the records that it is called with, while its model is open."""

    model: Model | None
    options: ExtractionOptions

    async def __call__(self, record: TrialRecord) -> TrialExtraction:
        return await extract_record(record, self.model, self.options)

    @property
    def usage(self) -> Usage:
        """The usage of the model so far, also for records that failed or were cancelled."""
        return self.model.usage if self.model else Usage()

    @property
    def calls_by_server(self) -> Mapping[str, ServerCalls]:
        """The calls to each server so far, by its address, where the model has several."""
        return self.model.calls_by_server if self.model else {}


class Extractor:
    """Extracts eligibility, dosing and endpoints from trial records.

    ``model`` is a hosted model's name, ``http://host:port/v1#NAME`` (several of one NAME, separated by commas, share
    the calls), ``local`` or ``local:NAME``, or a ``ModelSpec``; without one the rules work alone. ``assist`` says what
    a model is asked: what the rules doubt (``auto``), everything (``always``), nothing (``never``); ``effort`` how much
    they must doubt it (``low``, ``medium``, ``high``, or a confidence from 0 to 1). Values with a
    confidence below ``min_confidence`` are left out, and their absence says so. ``replay`` is a folder of recorded
    answers, or of a run, to use instead of a model; ``record`` a folder in which to keep a model's answers;
    ``cache_dir`` the folder of models on this machine. ``exchange`` takes answers from a provider's batch files and
    writes the requests that are still open.

    Raises ``ValueError`` for a specification that cannot be understood, options that ``ExtractionOptions`` refuses, or
    no folder to replay.

    >>> from extractor import read_records
    >>> extraction = Extractor().extract(next(read_records("seeds/records")))
    >>> extraction.endpoints[0].instrument
    Instrument(name='CTCAE', version='5.0')
    """

    def __init__(  # noqa: PLR0913 - each is a choice of its own
        self,
        model: str | ModelSpec | None = None,
        *,
        tasks: Collection[Task | str] = frozenset(Task),
        assist: Assist | str = Assist.AUTO,
        effort: Effort | str | float = Effort.MEDIUM,
        min_confidence: float = 0.0,
        replay: str | Path | None = None,
        record: str | Path | None = None,
        cache_dir: Path | None = None,
        exchange: Exchange | None = None,
    ) -> None:
        spec = ModelSpec.parse(model) if isinstance(model, str) else model
        self.options = ExtractionOptions(tasks, assist, min_confidence, effort)
        kept, recorded = Path(record) if record else None, Path(replay) if replay else None
        self.choice = ModelChoice(spec, recorded, kept, cache_dir, exchange)

    @asynccontextmanager
    async def open(
        self,
        concurrency: int = 8,
        replies: OpenReplies | None = None,
        route: Route | None = None,
        asking: ClientSettings | None = None,
    ) -> AsyncIterator[OpenExtractor]:
        """Open the model, for many records, with at most ``concurrency`` requests at once.

        Requests with an answer in ``replies`` are not sent again, and new answers are stored there. ``route`` is how
        requests reach the model, ``asking`` how it is asked.
        """
        choice = ModelChoice() if self.options.assist is Assist.NEVER else self.choice
        settings = replace(asking or ClientSettings(), concurrency=concurrency)
        async with open_model(choice, settings, replies, route) as model:
            yield OpenExtractor(model, self.options)

    def extract(self, record: TrialRecord) -> TrialExtraction:
        """Extract one record. Opens the model for this record alone; for many use ``extract_many``.

        Raises ``ModelUnavailable`` if the model cannot be reached.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run(self._extract(record))
        with ThreadPoolExecutor(1) as thread:  # an event loop runs here already, as in a notebook
            return thread.submit(asyncio.run, self._extract(record)).result()

    async def extract_many(
        self, records: Iterable[TrialRecord], concurrency: int = 8
    ) -> AsyncIterator[TrialExtraction]:
        """Extract ``records`` in their order, at most ``concurrency`` at once.

        The first failure is raised; ``extractor run`` is for batches that must go on.
        """
        async with self.open(concurrency) as extract:
            flight: list[asyncio.Task[TrialExtraction]] = []
            try:
                for record in records:
                    flight.append(asyncio.ensure_future(extract(record)))
                    if len(flight) >= concurrency:
                        yield await flight.pop(0)
                while flight:
                    yield await flight.pop(0)
            finally:
                for task in flight:
                    task.cancel()

    async def _extract(self, record: TrialRecord) -> TrialExtraction:
        async with self.open() as extract:
            return await extract(record)
