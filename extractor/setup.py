"""The validated options and model of an extractor, and the object that extracts records while the
model is open.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar, Unpack

from extractor.concepts.own.declaration import explain_unread
from extractor.errors import ArgumentError, WrongType
from extractor.model.asking.querying import ask_record
from extractor.model.client import Model, Route
from extractor.model.exchange import Exchange
from extractor.model.opening import ModelChoice, open_model
from extractor.model.patience import Watch
from extractor.model.providers import Reasoning
from extractor.model.spec import ClientSettings, ModelSpec, read_key
from extractor.model.store import OpenStore
from extractor.options import ExtractionOptions, ExtractorOptions, Keywords
from extractor.pipeline import finish, plan
from extractor.schemas import TrialExtraction, TrialRecord, Usage
from extractor.schemas.arguments import refuse_less

if TYPE_CHECKING:
    from extractor.model.cost.budget import Pricing

T = TypeVar("T")
_USUAL_TIMEOUT = ExtractorOptions.model_fields["timeout"].default


@dataclass(frozen=True, slots=True)
class OpenExtractor:
    """Callable that extracts a record while its model is open.

    If the model's budget is spent, the absences name the fields that were not asked about. With
    ``in_thread``, records are processed in a separate thread, so the event loop is not blocked;
    however, the time limit per record cannot be applied in that thread.
    """

    model: Model | None
    options: ExtractionOptions
    in_thread: bool = False
    price: Callable[[Usage], float | None] | None = None

    async def __call__(self, record: TrialRecord) -> TrialExtraction:
        options = self.options
        parsed, request = await self._compute(plan, record, options)
        replies = None
        if request and self.model:
            replies = await ask_record(request, self.model)
        extraction = await self._compute(finish, parsed, options, request, replies)
        return self._price(extraction)

    def _price(self, extraction: TrialExtraction) -> TrialExtraction:
        """Return the extraction with the cost of its calls."""
        usage = extraction.usage
        if self.price is None or usage is None or not usage.calls:
            return extraction
        priced = usage.model_copy(update={"usd": self.price(usage)})
        return extraction.model_copy(update={"usage": priced})

    async def _compute(self, function: Callable[..., T], *arguments: object) -> T:
        """Return ``function(*arguments)``, computed in a separate thread if necessary."""
        if self.in_thread:
            return await asyncio.to_thread(function, *arguments)
        return function(*arguments)

    @property
    def usage(self) -> Usage:
        """The usage of the model so far, including its usage for records that failed or were
        cancelled.
        """
        if self.model:
            return self.model.usage
        return Usage()

    @property
    def watch(self) -> Watch:
        """The state of the model's calls: what they are waiting for, and why they failed."""
        if self.model:
            return self.model.watch
        return Watch(None, "")


class Setup:
    """The validated arguments of ``Extractor``: the ``model`` and its ``key``, the options, and an
    ``exchange`` that writes questions to batch files and reads the answers.

    A ``key`` is used for this model only; by default, the key is read from the environment. Raises
    ``WrongType`` if the model is neither a name nor a specification, and ``ArgumentError`` for a
    key without a model, invalid options, or a spending limit with a model whose price is unknown.

    Attributes:
        options: The options that control an extraction.
        choice: The model, or the stored answers that replace it.
        asking: The settings of the model's client.
        budget: The budget that all calls without a run folder share, or None without a limit.
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
                f"model: {type(model).__name__} is not the name of a model; pass a name such as "
                "openai/gpt-5-mini"
            )
        spec = ModelSpec.parse(model) if isinstance(model, str) else model
        # Only Python passes a key; the command line reads it from the environment.
        if key:
            if spec is None:
                raise ArgumentError("a key requires a model; pass its name as model")
            spec = replace(spec, api_key=read_key(key))
        reasoning = Reasoning(chosen.reasoning) if chosen.reasoning else None
        if spec and reasoning:
            # raises ArgumentError if the reasoning level cannot be set for this model
            spec.family.think(reasoning)
        patience = ClientSettings().patience
        if chosen.timeout > _USUAL_TIMEOUT:
            # The user expects a slow model, so wait at least as long as one request may take.
            patience = chosen.timeout
        self.asking = ClientSettings(
            reasoning, chosen.model_options, timeout=chosen.timeout, patience=patience
        )
        self._all_options = chosen
        self.options = chosen.extraction
        self.choice = ModelChoice(spec, chosen.replay, exchange)
        self.budget = None
        if chosen.max_usd is not None:
            self.budget = self.pricing.open_budget()

    @property
    def unread(self) -> str | None:
        """A message about the custom fields that will be empty because no model is asked."""
        asks_model = self.options.asks and self.choice.answers
        if asks_model:
            return None
        return explain_unread(self.options.fields)

    @cached_property
    def pricing(self) -> "Pricing":
        """The price of the model's tokens, if it is known, and the spending limit."""
        from extractor.model.cost.budget import Pricing  # noqa: PLC0415 - slow, and few need it
        from extractor.model.cost.prices import read_prices  # noqa: PLC0415 - as above

        chosen = self._all_options
        return Pricing.of(
            self.choice.spec, read_prices(chosen.prices), chosen.max_usd, self.asking
        )

    def price(self, usage: Usage) -> float | None:
        """Return the cost of a usage in US dollars, or None if the price is unknown."""
        if not usage.calls:
            return 0.0
        if self.pricing.cost:
            return self.pricing.cost(usage)
        return None

    @asynccontextmanager
    async def open(
        self,
        concurrency: int = 8,
        calls: OpenStore | None = None,
        route: Route | None = None,
        asking: ClientSettings | None = None,
    ) -> AsyncIterator[OpenExtractor]:
        """Open the model for many records.

        Inside ``async with setup.open() as extract``, call ``await extract(record)`` for each
        record.

        Args:
            concurrency: The maximum number of concurrent requests.
            calls: The store of calls. A call that already has an answer is not sent again; new
                answers are stored.
            route: The budget for the calls, and the object, if any, that answers them instead of
                the model.
            asking: Client settings that replace those of this object.
        """
        refuse_less("concurrency", concurrency, 1)
        choice = self.choice if self.options.asks else ModelChoice()
        settings = replace(asking or self.asking, concurrency=concurrency)
        async with open_model(
            choice, settings, calls, route or Route(self.budget)
        ) as model:
            yield OpenExtractor(model, self.options, price=self.price)
