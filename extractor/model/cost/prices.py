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
        """Return the cost of these tokens in dollars. Tokens from or into a cache cost as much as
        others if they have no price of their own.

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
        for name in (str(spec), spec.name):
            matching = [entry for entry in self.own if _matches(entry.name, name)]
            if matching:
                # the longest name is the nearest one, and the first of equals counts
                return max(matching, key=lambda entry: len(entry.name))
        provider = list_providers()[spec.provider].prices
        name = spec.name
        # litellm/cohere/command: LiteLLM's names begin with the provider, mostly as in the table
        if spec.provider == "litellm" and "/" in name:
            provider, _, name = name.partition("/")
        if not provider:
            return None
        with suppress(LookupError):
            _, model = get_snapshot().find_provider_model(name, None, provider, None)
            return _list_model(model)
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
                problem = _describe_faults(error)
            raise ArgumentError(f"{path}: not a file of prices: {problem}") from error
        for name, price in content.model.items():
            entries.append(ListedPrice(name, price, str(path), content.as_of))
    return PriceList(tuple(entries))


def _describe_faults(error: ValidationError) -> str:
    """Return the faults of a file in one line, each with its path in the file."""
    faults = []
    for fault in error.errors():
        path = ".".join(map(str, fault["loc"]))
        faults.append(f"{path}: {fault['msg']}")
    return "; ".join(faults)


def _matches(listed: str, name: str) -> bool:
    """Return whether a listed name, which may end with ``*``, matches a name or its dated
    snapshot: ``gpt-4o`` matches ``gpt-4o-2024-08-06``, and not ``gpt-4o-mini``.
    """
    if listed.endswith("*"):
        return name.startswith(listed[:-1])
    pattern = re.escape(listed) + f"(?:{_SNAPSHOT})?"
    return re.fullmatch(pattern, name) is not None


def _list_model(model: ModelInfo) -> ListedPrice | None:
    """Return a model's price for text today, None if it has none. Of prices tiered by prompt
    length, the first one counts.
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
    """Return the share of the live price that a batch costs, by the tokens of the prompt, whose
    live price is ``prompt``. 1 if the table has no price of batches.
    """
    for variant in model.price_variants or ():
        if variant.when == {"processing": "batch"}:
            in_batch = _base(variant.prices.input_mtok) or prompt
            return in_batch / prompt
    return 1.0


def _base(price: Any) -> float | None:
    """Return a price, of one with tiers the first; None if there is none."""
    if isinstance(price, TieredPrices):
        price = price.base
    if price is None:
        return None
    return float(price)


def list_names(provider: str) -> tuple[str, ...]:
    """List a provider's models that have a price, without those that draw images. Nothing for a
    provider that the table does not have.
    """
    listed = list_providers()[provider].prices
    for entry in get_snapshot().providers:
        if entry.id == listed:
            return tuple(model.id for model in entry.models if "image" not in model.id)
    return ()
