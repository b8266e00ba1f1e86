"""Prices of tokens, from the user's own files first, then from the table of genai-prices."""

import re
import tomllib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo, TieredPrices
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, ValidationError

from extractor.errors import ArgumentError
from extractor.model.providers import list_providers
from extractor.model.small_files import NotSmallFile, read_small_text
from extractor.model.spec import ModelSpec
from extractor.schemas import Usage

_SNAPSHOT = r"-\d{4}-?\d{2}-?\d{2}"


class Price(BaseModel):
    """US dollars per million tokens.

    ``cached`` is the price of prompt tokens from a cache, ``written`` that of tokens written into
    one. ``batch`` is the share of the price that a provider charges in a batch. ``thinking`` is the
    number of tokens that a model uses per call before it answers: least, expected and most; None to
    assume them by the effort of reasoning.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    prompt: float = Field(ge=0)
    output: float = Field(ge=0)
    cached: float | None = Field(default=None, ge=0)
    written: float | None = Field(default=None, ge=0)
    batch: float = Field(default=1.0, ge=0, le=1)
    thinking: tuple[NonNegativeInt, NonNegativeInt, NonNegativeInt] | None = None

    def cost(self, usage: Usage) -> float:
        """Return the cost of these tokens in dollars.

        >>> price = Price(prompt=0.25, output=2, cached=0.025)
        >>> price.cost(Usage(prompt_tokens=1000, cached_tokens=400, output_tokens=100))
        0.00036
        """
        cached = min(usage.cached_tokens, usage.prompt_tokens)
        written = min(usage.written_tokens, usage.prompt_tokens - cached)
        plain = usage.prompt_tokens - cached - written
        price_cached = self.prompt if self.cached is None else self.cached
        price_written = self.prompt if self.written is None else self.written
        dollars_of_a_million = plain * self.prompt + usage.output_tokens * self.output
        dollars_of_a_million += cached * price_cached
        dollars_of_a_million += written * price_written
        return dollars_of_a_million / 1_000_000

    def batched(self) -> "Price":
        """Return the price of the same tokens in a batch.

        >>> price = Price(prompt=1, output=8, batch=0.5).batched()
        >>> price.prompt, price.output, price.cached, price.batch
        (0.5, 4.0, None, 1.0)
        """
        lower = {"batch": 1.0}
        for name in ("prompt", "output", "cached", "written"):
            price = getattr(self, name)
            if price is not None:
                lower[name] = price * self.batch
        return self.model_copy(update=lower)


class _PriceFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    as_of: date
    model: dict[str, Price] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ListedPrice:
    """A price with its listed name, its source, and the date of the list, if it has one."""

    name: str
    price: Price
    source: str
    as_of: date | None = None


@dataclass(frozen=True, slots=True)
class PriceList:
    """The user's ``own`` prices, in the order of the files, then the table of genai-prices."""

    own: tuple[ListedPrice, ...] = ()

    def find(self, spec: ModelSpec) -> ListedPrice | None:
        """Find the price of a model. Return None if it is unknown.

        For a server named by its address, only the user's own prices count, first for the address,
        then for the model's name.
        """
        for name in dict.fromkeys((str(spec), spec.name)):
            matching = [entry for entry in self.own if _matches(entry.name, name)]
            if matching:
                # the first of equals
                return max(matching, key=lambda entry: len(entry.name))
        provider = list_providers()[spec.provider].prices
        name = spec.name
        # whose names begin with the provider, mostly as in the table
        if spec.provider == "litellm" and "/" in name:
            provider, _, name = name.partition("/")
        with suppress(LookupError):
            if provider:
                return _list_model(
                    get_snapshot().find_provider_model(name, None, provider, None)[1]
                )
            return None
        return None


def read_prices(own: Sequence[Path] = ()) -> PriceList:
    """Read the user's files of prices, which take precedence over genai-prices, the first file over
    later ones.

    Raises ``ArgumentError`` with the problem for a missing or broken file.

    >>> read_prices().find(ModelSpec.parse("gpt-4o-mini-2024-07-18")).price.prompt
    0.15
    >>> read_prices().find(ModelSpec.parse("gpt-5-unheard-of")) is None
    True
    """
    entries: list[ListedPrice] = []
    for path in own:
        try:
            content = _PriceFile.model_validate(tomllib.loads(read_small_text(path)))
        except NotSmallFile as error:
            raise ArgumentError(f"{path}: {error}; name a file of prices") from error
        except OSError as error:
            raise ArgumentError(
                f"{path}: {error.strerror}; name a file of prices"
            ) from error
        except RecursionError as error:
            raise ArgumentError(
                f"{path}: not a file of prices: its tables or lists are too deep"
            ) from error
        except ValueError as error:
            problem = str(error)
            if isinstance(error, ValidationError):
                problem = "; ".join(
                    f"{'.'.join(map(str, each['loc']))}: {each['msg']}"
                    for each in error.errors()
                )
            raise ArgumentError(f"{path}: not a file of prices: {problem}") from error
        entries += (
            ListedPrice(name, price, str(path), content.as_of)
            for name, price in content.model.items()
        )
    return PriceList(tuple(entries))


def _matches(listed: str, name: str) -> bool:
    """Return whether a listed name, which may end with ``*``, matches a name or its dated
    snapshot.
    """
    if listed.endswith("*"):
        return name.startswith(listed[:-1])
    return re.fullmatch(re.escape(listed) + f"(?:{_SNAPSHOT})?", name) is not None


def _list_model(model: ModelInfo) -> ListedPrice | None:
    """Return a model's price for text, if it has one. Of prices tiered by prompt length, the
    first one counts.
    """
    prices = model.get_prices(datetime.now(UTC))
    prompt = _base(prices.input_mtok)
    output = _base(prices.output_mtok)
    if not prompt or output is None:
        return None
    price = Price(
        prompt=prompt,
        output=output,
        cached=_base(prices.cache_read_mtok),
        written=_base(prices.cache_write_mtok),
        batch=_find_batch_share(model, prompt),
    )
    return ListedPrice(model.id, price, f"genai-prices {version('genai-prices')}")


def _find_batch_share(model: ModelInfo, prompt: float) -> float:
    """Return the share of the price, which is ``prompt`` for the prompt's tokens, that a batch
    costs.
    """
    for variant in model.price_variants or ():
        if variant.when == {"processing": "batch"}:
            return (_base(variant.prices.input_mtok) or prompt) / prompt
    return 1.0


def _base(price: Any) -> float | None:
    """Return a price, of one with tiers the first; None if there is none."""
    if isinstance(price, TieredPrices):
        price = price.base
    return None if price is None else float(price)


def list_names(provider: str) -> tuple[str, ...]:
    """List a provider's models that have a price."""
    listed = list_providers()[provider].prices
    for entry in get_snapshot().providers:
        if entry.id == listed:
            return tuple(model.id for model in entry.models if "image" not in model.id)
    return ()
