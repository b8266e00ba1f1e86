"""The Python API: an extractor with its options and its model."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from inspect import signature
from io import BytesIO
from typing import TYPE_CHECKING, Any, Unpack, get_type_hints

from extractor.errors import ArgumentError, RecordError, WrongType
from extractor.llm.client import Model
from extractor.llm.exchange import Exchange
from extractor.llm.opening import ModelChoice, Route, open_model
from extractor.llm.patience import Patience, Watch
from extractor.llm.providers import Reasoning
from extractor.llm.spec import ClientSettings, ModelSpec, read_key
from extractor.llm.store import OpenStore
from extractor.options import ExtractionOptions, ExtractorOptions, Keywords
from extractor.pages.notebook import TrialExtraction  # with what a notebook displays of it
from extractor.pipeline import extract
from extractor.schemas import TrialRecord, Usage
from extractor.stages.ask.querying import converse
from extractor.stages.read import make_record, read_stream
from extractor.suggestions import refuse_less

if TYPE_CHECKING:
    from extractor.llm.cost.budget import Pricing

_USUAL_TIMEOUT = ExtractorOptions.model_fields["timeout"].default


@dataclass(frozen=True, slots=True)
class OpenExtractor:
    """Extracts each record that it is called with, while its model is open.

    If the model's budget is spent, absences name the fields that were not asked. ``in_thread`` keeps the event loop
    going meanwhile, but no time limit can stop a record there.
    """

    model: Model | None
    options: ExtractionOptions
    in_thread: bool = False

    async def __call__(self, record: TrialRecord) -> TrialExtraction:
        return await converse(extract(record, self.options), self.model, in_thread=self.in_thread)

    @property
    def usage(self) -> Usage:
        """The usage of the model so far, including records that failed or were cancelled."""
        return self.model.usage if self.model else Usage()

    @property
    def lost(self) -> Usage:
        """The most that requests without a reply may have used; its ``calls`` count them."""
        return self.model.lost if self.model else Usage()

    @property
    def watch(self) -> Watch:
        """What the model's calls wait for, and what was wrong with them."""
        return self.model.watch if self.model else Watch(None, "")


class Extractor:
    """Extracts eligibility, dosing and endpoints from trial records.

    Args:
        model: ``provider/name``, the bare name of a model of OpenAI, or ``http://host:port/v1#NAME``. Without a model,
            only the rules run.
        key: The key of the model. By default the provider's SDK reads its own variable, and a server gets none.
        exchange: Takes answers from a provider's batch files, and writes the requests that are still open.
        options: The fields of ``ExtractorOptions``, such as ``effort="low"``.

    Raises:
        FieldError: A field of your own is declared wrongly.
        ArgumentError: The model or an option is not valid, the folder ``replay`` does not exist, or ``max_usd`` is
            given and the price of the model is unknown.

    >>> from extractor import read_records
    >>> extraction = Extractor().extract(next(read_records("seeds/records")))
    >>> extraction.endpoints[0].instrument
    Instrument(name='CTCAE', version='5.0')
    """

    def __init__(
        self,
        model: str | ModelSpec | None = None,
        *,
        key: str | None = None,
        exchange: Exchange | None = None,
        **options: Unpack[Keywords],
    ) -> None:
        chosen = ExtractorOptions.read(options)
        if not isinstance(model, str | ModelSpec | None):
            raise WrongType(
                f"model: a {type(model).__name__} names no model; write its name, such as openai/gpt-5-mini"
            )
        spec = ModelSpec.parse(model) if isinstance(model, str) else model
        if key:
            if spec is None:
                raise ArgumentError("a key needs its model; name it with model")
            spec = replace(spec, api_key=read_key(key))
        reasoning = Reasoning(chosen.reasoning) if chosen.reasoning else None
        if spec and reasoning:
            spec.family.think(reasoning)  # raises ArgumentError if the model's reasoning cannot be set
        # A slower model is waited for: a request may take longer than the usual patience.
        patience = Patience(seconds=chosen.timeout) if chosen.timeout > _USUAL_TIMEOUT else Patience()
        self.asking = ClientSettings(reasoning, chosen.model_options, timeout=chosen.timeout, patience=patience)
        self._asked = chosen
        self.options = chosen.extraction
        self.choice = ModelChoice(spec, chosen.replay, exchange)
        self._budget = self.pricing.open_budget() if chosen.max_usd is not None else None

    @cached_property
    def pricing(self) -> "Pricing":
        """The price of the model's tokens, if it is known, and the limit of money."""
        from extractor.llm.cost.budget import Pricing  # noqa: PLC0415 - slow, and few need it
        from extractor.llm.cost.prices import read_prices  # noqa: PLC0415 - as above

        chosen, spec = self._asked, self.choice.spec
        return Pricing.of(spec, read_prices(chosen.prices), chosen.max_usd, self.asking.reasoning)

    def price(self, usage: Usage) -> float | None:
        """Return what a usage costs in US dollars, such as that of an extraction; None if the price is unknown.

        >>> from extractor.schemas import Usage
        >>> Extractor("gpt-5-mini").price(Usage(calls=1, prompt_tokens=1000, output_tokens=100))
        0.00045
        """
        return self.pricing.cost(usage) / 1e12 if self.pricing.cost else None if usage.calls else 0.0

    @asynccontextmanager
    async def open(
        self,
        concurrency: int = 8,
        calls: OpenStore | None = None,
        route: Route | None = None,
        asking: ClientSettings | None = None,
    ) -> AsyncIterator[OpenExtractor]:
        """Open the model for many records.

        In ``async with extractor.open() as extract``, the call ``await extract(record)`` extracts a record.

        Args:
            concurrency: The largest number of requests at once.
            calls: Stored calls. One that has an answer is not sent again; new answers are stored there.
            route: The budget of calls, and what answers them in place of the model.
            asking: The other settings of the client.
        """
        refuse_less("concurrency", concurrency, 1)
        choice = self.choice if self.options.asks else ModelChoice()
        settings = replace(asking or self.asking, concurrency=concurrency)
        async with open_model(choice, settings, calls, route or Route(self._budget)) as model:
            yield OpenExtractor(model, self.options)

    def extract(self, record: TrialRecord | Mapping[str, Any]) -> TrialExtraction:
        """Extract one record. Opens the model for this record only; use ``extract_many`` for several.

        Works in a notebook, too, where an event loop already runs.

        Args:
            record: A record of ``read_records``, or a study of the registry's API as a dictionary.

        Raises:
            RecordError: The dictionary is no study.
            WrongType: It is something else, such as a text or a path.
            ModelUnavailable: The model cannot be reached, or there is no key for it.
        """
        read, extracted = _as_record(record), list[TrialExtraction]()

        async def extract_one() -> None:  # ``asyncio.run`` would format a result in a message that nobody sees
            async with self.open() as opened:
                extracted.append(await opened(read))

        call_without_loop(lambda: asyncio.run(extract_one()))
        return extracted[0]

    def extract_text(self, text: str, *, title: str | None = None, record_id: str = "text") -> TrialExtraction:
        r"""Extract a text, such as a protocol synopsis or a pasted list of criteria.

        Works in a notebook, too. ``make_record`` makes the record that is extracted, and tells which headings are read;
        use it for the places of evidence in the text, and with ``extract_many`` for several texts.

        Args:
            text: The text, plain or in Markdown.
            title: The title of the trial, in place of one in the text.
            record_id: The record's id, unless the text states a number of a registry.

        Raises:
            RecordError: The text is empty or too long, or is data such as JSON.
            ArgumentError: It is no text, or is the name of a file.
            ModelUnavailable: The model cannot be reached, or there is no key for it.

        >>> extraction = Extractor().extract_text("Inclusion criteria:\n- HbA1c of at least 7.5 %\n- BMI < 35 kg/m2")
        >>> [criterion.constraints[0].value for criterion in extraction.eligibility.criteria]
        [7.5, 35]
        """
        return self.extract(make_record(text, title=title, record_id=record_id))

    async def extract_many(
        self, records: Iterable[TrialRecord | Mapping[str, Any]], concurrency: int = 8
    ) -> AsyncIterator[TrialExtraction]:
        """Extract ``records`` in input order, at most ``concurrency`` at once.

        The first failure ends the iteration. Use ``run`` if the others must continue after a failure. The records are
        parsed in threads, so that the event loop goes on meanwhile; the time limit of a record does not hold there.

        Args:
            records: The records, or studies as dictionaries, read as they are needed.
            concurrency: The largest number of records at once.

        Raises:
            ModelUnavailable: The model cannot be reached, or there is no key for it.

        >>> import asyncio
        >>> from extractor import read_records
        >>> async def list_ids():
        ...     seeds = Extractor().extract_many(read_records("seeds/records"))
        ...     return [extraction.record_id[:3] async for extraction in seeds]
        >>> asyncio.run(list_ids())
        ['000', '001', '002', '003', '004']
        """
        async with self.open(concurrency) as opened:
            extract = replace(opened, in_thread=True)
            flight: list[asyncio.Task[TrialExtraction]] = []
            try:
                for record in records:
                    flight.append(asyncio.ensure_future(extract(_as_record(record))))
                    if len(flight) >= concurrency:
                        yield await flight.pop(0)
                while flight:
                    yield await flight.pop(0)
            finally:
                for task in flight:
                    task.cancel()


def call_without_loop(function: Callable[[], None], stop: Callable[[], None] = lambda: None) -> None:
    """Call a function that runs an event loop; in another thread if one already runs in this one, as in a notebook.

    There, Ctrl-C calls ``stop``, and the function ends by itself.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        function()
        return
    with ThreadPoolExecutor(1) as thread:
        try:
            thread.submit(function).result()
        except KeyboardInterrupt:
            stop()
            raise


def _as_record(given: object) -> TrialRecord:
    """Return the record, or that of a study. Raises ``RecordError`` and ``WrongType``."""
    if isinstance(given, TrialRecord):
        return given
    if isinstance(given, Mapping):
        return _read_study(given)
    raise WrongType(
        f"a {type(given).__name__} is no record; give one of read_records(PATH), or a study of the registry's API as a "
        "dictionary. For a text, use extract_text"
    )


def _read_study(study: Mapping[str, Any]) -> TrialRecord:
    """Return the record of a study. Raises ``RecordError`` that names the dictionary, and ``WrongType``."""
    try:
        content = json.dumps(study).encode()
    except (TypeError, ValueError) as problem:
        raise WrongType(f"the dictionary is no JSON ({problem}); give a study as json.load reads it") from None
    try:
        return next(read_stream("study.json", BytesIO(content)))
    except RecordError as error:
        remedy = "give a study of the registry's API, such as json.load reads from a file of one"
        raise RecordError("the dictionary", error.problem, remedy) from None


def _show_options() -> None:
    """Let ``help(Extractor)`` and notebooks show the options with their defaults."""
    shown = signature(Extractor.__init__)
    own, checked = [one for name, one in shown.parameters.items() if name != "options"], signature(ExtractorOptions)
    options = [checked.parameters[name].replace(annotation=kind) for name, kind in get_type_hints(Keywords).items()]
    Extractor.__init__.__signature__ = shown.replace(parameters=[*own, *options])  # type: ignore[attr-defined]


_show_options()
