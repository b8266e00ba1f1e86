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


async def extract_record(record: TrialRecord, model: Model | None, options: ExtractionOptions) -> TrialExtraction:
    """Extract a record. If the model's budget is spent, absences name the fields that were not asked."""
    return await converse(extract(record, options), model)


@dataclass(frozen=True, slots=True)
class OpenExtractor:
    """Extracts each record that it is called with, while its model is open."""

    model: Model | None
    options: ExtractionOptions

    async def __call__(self, record: TrialRecord) -> TrialExtraction:
        return await extract_record(record, self.model, self.options)

    @property
    def usage(self) -> Usage:
        """The usage of the model so far, including records that failed or were cancelled."""
        return self.model.usage if self.model else Usage()

    @property
    def calls_by_server(self) -> Mapping[str, ServerCalls]:
        """The calls to each server so far, by address. Empty for a model with one server."""
        return self.model.calls_by_server if self.model else {}


class Extractor:
    """Extracts eligibility, dosing and endpoints from trial records.

    Args:
        model: The name of a hosted model, ``http://host:port/v1#NAME`` (several servers of one NAME, separated by
            commas, share the calls), ``local``, ``local:NAME`` or ``local:PATH.gguf``. Without a model, only the rules
            run.
        tasks: What to extract: ``eligibility``, ``dosing``, ``endpoints``.
        assist: Which questions the model gets; see ``Assist``.
        effort: How doubtful a value must be before the model is asked: an ``Effort``, or the confidence from 0 to 1
            below which it is.
        min_confidence: Values with a lower confidence (0 to 1) are left out and reported as absent.
        replay: A folder of recorded answers, or of a run, that replaces the model.
        record: A folder that receives the model's answers.
        cache_dir: The folder of models on this machine; by default the user's cache.
        exchange: Takes answers from a provider's batch files, and writes the requests that are still open.

    Raises:
        ValueError: The model or an option is not valid, or the folder ``replay`` does not exist.

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
        """Open the model for many records.

        In ``async with extractor.open() as extract``, the call ``await extract(record)`` extracts a record.

        Args:
            concurrency: The largest number of requests at once.
            replies: Stored answers. Requests that have one are not sent again; new answers are stored there.
            route: The budget and the transport of requests.
            asking: The other settings of the client.
        """
        choice = ModelChoice() if self.options.assist is Assist.NEVER else self.choice
        settings = replace(asking or ClientSettings(), concurrency=concurrency)
        async with open_model(choice, settings, replies, route) as model:
            yield OpenExtractor(model, self.options)

    def extract(self, record: TrialRecord) -> TrialExtraction:
        """Extract one record. Opens the model for this record only; use ``extract_many`` for several.

        Works in a notebook, too, where an event loop already runs.

        Raises:
            ModelUnavailable: The model cannot be reached, or there is no key for it.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run(self._extract(record))
        with ThreadPoolExecutor(1) as thread:  # an event loop already runs in this thread, as in a notebook
            return thread.submit(asyncio.run, self._extract(record)).result()

    async def extract_many(
        self, records: Iterable[TrialRecord], concurrency: int = 8
    ) -> AsyncIterator[TrialExtraction]:
        """Extract ``records`` in input order, at most ``concurrency`` at once.

        The first failure ends the iteration. Use ``extractor run`` if the others must continue after a failure.

        Args:
            records: The records, read as they are needed.
            concurrency: The largest number of records at once.

        Raises:
            ModelUnavailable: The model cannot be reached, or there is no key for it.

        >>> from extractor import read_records
        >>> async def list_ids():
        ...     seeds = Extractor().extract_many(read_records("seeds/records"))
        ...     return [extraction.record_id[:3] async for extraction in seeds]
        >>> asyncio.run(list_ids())
        ['000', '001', '002', '003', '004']
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
