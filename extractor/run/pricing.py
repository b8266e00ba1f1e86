"""What a run may spend, and at which prices: settled before it begins."""

from collections.abc import Callable
from dataclasses import dataclass, field

from extractor.assemble.policy import ModelClass, classify_model
from extractor.llm.cache import ReplyStore
from extractor.llm.plan.forecast import Forecast, Rates, calibrate, load_rates
from extractor.llm.plan.request_sizes import measure_body
from extractor.llm.spec import ModelKind, ModelSpec
from extractor.schemas import Usage

from .budget import Budget, Limits
from .prices import ListedPrice, Price, PriceList

__all__ = ["Pricing"]

_MOST_CALLS = 2000


@dataclass(frozen=True, slots=True)
class Pricing:
    """The model of a run, its listed price if one is known, and the run's limits. ``in_batches``: at that price.

    Raises ``ValueError`` for a limit in money on a model without a price.
    """

    spec: ModelSpec | None = None
    listed: ListedPrice | None = None
    limits: Limits = field(default_factory=Limits)
    in_batches: bool = False

    @classmethod
    def of(cls, spec: ModelSpec | None, prices: PriceList, limits: Limits, *, in_batches: bool) -> "Pricing":
        """The pricing of a model."""
        return cls(spec, prices.find(spec) if spec else None, limits, in_batches)

    def __post_init__(self) -> None:
        if self.limits.usd is not None and self.listed is None:
            model = self.spec or "a run without --model"
            raise ValueError(
                f"--max-usd: no price is known of {model}; write one into a file and name it with --prices FILE"
                " (`extractor model prices --example` shows one), or use --max-tokens"
            )

    @property
    def price(self) -> Price | None:
        """What tokens cost in this run."""
        if self.listed is None:
            return None
        return self.listed.price.batched() if self.in_batches else self.listed.price

    @property
    def cost(self) -> Callable[[Usage], int] | None:
        """Picodollars of what calls took; None where no price is known."""
        return self.price.cost if self.price else None

    def rates(self, replies: ReplyStore | None = None) -> Rates:
        """How many tokens requests take, as the run's own calls tell if it has made enough of them."""
        kind = self.spec.kind if self.spec else ModelKind.HOSTED
        model_class = classify_model(self.spec.name or "") if self.spec else ModelClass.CAPABLE
        low, expected, high = self.listed.price.thinking if self.listed else (0, 0, 0)
        rates = load_rates(kind, model_class, Forecast(low=low, expected=expected, high=high))
        if replies is None:
            return rates
        made = replies.latest_calls(_MOST_CALLS)
        return calibrate(
            rates,
            ((measure_body(call.request), call.usage, call.asked_again, call.prompt == "conflict") for call in made),
        )

    def open_budget(self, replies: ReplyStore | None = None) -> Budget | None:
        """The budget over all invocations of a run, whose calls are in ``replies``; None without a limit."""
        if not self.limits:
            return None
        if replies is None:
            return Budget(self.limits, self.rates(), self.price)
        replies.price_unpriced()
        return Budget(self.limits, self.rates(replies), self.price, replies.spending)
