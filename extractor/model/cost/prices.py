"""Token prices, from the user's own files or, failing that, from the genai-prices table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import tomli
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo, ModelPrice
from pydantic import BaseModel, ConfigDict, Field

from extractor.errors import ArgumentError
from extractor.model.spec import ModelSpec
from extractor.schemas import Usage

_LONGEST = 1_000_000
"""Maximum size of a price file in bytes."""
_LISTED = {
    "prompt": "input_mtok",
    "output": "output_mtok",
    "cached": "cache_read_mtok",
    "written": "cache_write_mtok",
}
"""The names of prices in genai-prices."""


class Price(BaseModel):
    """US dollars per million tokens.

    ``cached`` is the price of prompt tokens read from a cache, and ``written`` is the price of
    tokens written to a cache; both default to the price of other prompt tokens. ``batch`` is the
    fraction of the price that a provider charges for batch requests.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    prompt: float = Field(ge=0)
    output: float = Field(ge=0)
    cached: float = Field(default_factory=lambda prices: prices["prompt"], ge=0)
    written: float = Field(default_factory=lambda prices: prices["prompt"], ge=0)
    batch: float = Field(default=1.0, ge=0, le=1)

    def cost(self, usage: Usage) -> float:
        """Return the cost, in dollars, of these tokens.

        >>> price = Price(prompt=0.25, output=2, cached=0.025)
        >>> price.cost(Usage(prompt_tokens=1000, cached_tokens=400, output_tokens=100))
        0.00036
        """
        cached = min(usage.cached_tokens, usage.prompt_tokens)
        written = min(usage.written_tokens, usage.prompt_tokens - cached)
        plain = usage.prompt_tokens - cached - written
        prompt = plain * self.prompt + cached * self.cached + written * self.written
        return (prompt + usage.output_tokens * self.output) / 1_000_000

    def most(self, usage: Usage) -> float:
        """Return the highest cost, in dollars, of these tokens: a provider may read any part of a
        prompt from its cache, write it there, or do neither.

        >>> price = Price(prompt=0.25, output=2, cached=0.025, written=0.5)
        >>> price.most(Usage(prompt_tokens=1000, output_tokens=100))
        0.0007
        """
        prompt = usage.prompt_tokens * max(self.prompt, self.cached, self.written)
        return (prompt + usage.output_tokens * self.output) / 1_000_000


class _PriceFile(BaseModel):
    model_config = ConfigDict(extra="forbid", title="prices")

    as_of: date
    model: dict[str, Price] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ListedPrice:
    """A price with the name under which it is listed, and its source. ``batch`` is the price in a
    batch, if it is listed.
    """

    name: str
    price: Price
    source: str
    batch: Price | None = None

    def in_batches(self) -> "ListedPrice":
        """Return the price of the same tokens in a batch.

        >>> listed = ListedPrice(
        ...     "m", Price(prompt=1, output=8, batch=0.5), "prices.toml"
        ... )
        >>> price = listed.in_batches().price
        >>> price.prompt, price.output, price.cached
        (0.5, 4.0, 0.5)
        """
        price = self.batch
        if price is None:
            share = self.price.batch
            lower = {name: getattr(self.price, name) * share for name in _LISTED}
            price = self.price.model_copy(update=lower)
        return replace(self, price=price)


class PriceList(NamedTuple):
    """The user's ``own`` prices, keyed by model. They take precedence over genai-prices."""

    own: Mapping[str, ListedPrice] = {}

    def find(self, spec: ModelSpec) -> ListedPrice | None:
        """Return the price of a model, or None if it is unknown.

        The user's own prices take precedence: first those listed under the server's address, then
        those listed under the model's name. For a server that is specified by address, only the
        user's own prices are used.
        """
        for name in (str(spec), spec.name):
            if name in self.own:
                return self.own[name]
        provider = spec.entry.prices
        if not provider:
            return None
        try:
            _, model = get_snapshot().find_provider_model(
                spec.name, None, provider, None
            )
        except LookupError:
            return None
        return _list_model(model)


def read_prices(paths: Sequence[Path] = ()) -> PriceList:
    """Read the user's price files. Earlier files take precedence over later ones, and all files
    take precedence over genai-prices.

    Raises ``ArgumentError`` for a missing or invalid file.

    >>> read_prices().find(ModelSpec.parse("gpt-4o-mini-2024-07-18")).price.prompt
    0.15
    >>> read_prices().find(ModelSpec.parse("gpt-5-unheard-of")) is None
    True
    """
    own_prices: dict[str, ListedPrice] = {}
    for path in paths:
        # a device could be read endlessly
        if not path.is_file() or path.stat().st_size > _LONGEST:
            raise ArgumentError(
                f"{path}: not a file, or larger than {_LONGEST:,} bytes; specify a price file"
            )
        try:
            text = path.read_text("utf-8-sig")
            content = _PriceFile.model_validate(tomli.loads(text))
        except (OSError, ValueError, RecursionError) as error:
            # the number of errors, and the first error with its location
            problem = ": ".join(str(error).splitlines()[:3])
            raise ArgumentError(f"{path}: not a price file: {problem}") from error
        for name, price in content.model.items():
            own_prices.setdefault(name, ListedPrice(name, price, str(path)))
    return PriceList(own_prices)


def _list_model(model: ModelInfo) -> ListedPrice | None:
    """Return a model's current price for text, or None if it is unknown or listed as 0. If prices
    are tiered by prompt length, the first tier is used. If they change during the day, the highest
    are used, because a run may last for hours.
    """
    now = datetime.now(UTC)
    prices: dict[str, float] = {}
    for hours in range(24):
        for name, price in _read_table(
            model.get_prices(now + timedelta(hours=hours))
        ).items():
            prices[name] = max(price, prices.get(name, 0.0))
    # a price of 0 is not plausible
    if not prices.get("prompt") or "output" not in prices:
        return None
    batch = None
    for variant in model.price_variants or ():
        if variant.when == {"processing": "batch"}:
            in_batch = _read_table(variant.prices)
            # a variant without its own price for cached tokens gives no discount for them
            if {"prompt", "output"} <= in_batch.keys():
                batch = Price.model_validate(in_batch)
    source = f"genai-prices {version('genai-prices')}"
    return ListedPrice(model.id, Price.model_validate(prices), source, batch)


def _read_table(model_price: ModelPrice) -> dict[str, float]:
    """Return prices from genai-prices, keyed by the names used here. The first tier of tiered
    prices is used.
    """
    prices = {name: getattr(model_price, _LISTED[name]) for name in _LISTED}
    bases = {name: getattr(price, "base", price) for name, price in prices.items()}
    return {name: float(base) for name, base in bases.items() if base is not None}
