"""What tokens cost: a dated list that comes along, and the user's own before it."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, ValidationError

from extractor.llm.spec import ModelKind, ModelSpec
from extractor.schemas import Usage

__all__ = ["PICO", "ListedPrice", "Price", "PriceList", "read_prices"]

PICO = 10**12
"""Costs are whole picodollars (a dollar for a million tokens is a million of them for one), so that sums are exact."""

_SNAPSHOT = r"-\d{4}-?\d{2}-?\d{2}"


class Price(BaseModel):
    """US dollars per million tokens; ``batch`` is the share of it that is paid in a batch. ``thinking`` is what a
    model spends on a call before it answers: least, expected and most tokens.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt: Decimal = Field(ge=0)
    output: Decimal = Field(ge=0)
    cached: Decimal | None = Field(default=None, ge=0)
    batch: Decimal = Field(default=Decimal(1), ge=0, le=1)
    thinking: tuple[NonNegativeInt, NonNegativeInt, NonNegativeInt] = (0, 0, 0)

    def cost(self, usage: Usage) -> int:
        """Picodollars of these tokens.

        >>> price = Price(prompt="0.25", output=2, cached="0.025")
        >>> price.cost(Usage(prompt_tokens=1000, cached_tokens=400, output_tokens=100)) / PICO
        0.00036
        """
        cached = min(usage.cached_tokens, usage.prompt_tokens)
        dollars = (usage.prompt_tokens - cached) * self.prompt + usage.output_tokens * self.output
        dollars += cached * (self.prompt if self.cached is None else self.cached)
        return round(dollars * PICO / 1_000_000)

    def batched(self) -> "Price":
        """The price of the same tokens in a batch.

        >>> Price(prompt=1, output=8, batch="0.5").batched()
        Price(prompt=Decimal('0.5'), output=Decimal('4.0'), cached=None, batch=Decimal('1'), thinking=(0, 0, 0))
        """
        cached = None if self.cached is None else self.cached * self.batch
        prices = {"prompt": self.prompt * self.batch, "output": self.output * self.batch, "cached": cached}
        return self.model_copy(update=prices | {"batch": Decimal(1)})


class _PriceFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    as_of: date
    model: dict[str, Price] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ListedPrice:
    """A price, the name under which it is listed, where, and since when it is known to hold. ``own``: by the user."""

    name: str
    price: Price
    as_of: date
    source: str
    own: bool = False


FREE = Price(prompt=Decimal(0), output=Decimal(0))


@dataclass(frozen=True, slots=True)
class PriceList:
    """Prices in the order in which they are looked for: files that were read first go before the others."""

    entries: tuple[ListedPrice, ...] = ()

    def find(self, spec: ModelSpec) -> ListedPrice | None:
        """The price of a model, None if it is not known.

        A model of this machine costs nothing. A server that is named by its address costs what the user's own file
        says for that address, or for the model's name; what others charge for a model of that name is not its price.
        Of several servers the dearest counts.
        """
        if spec.others:
            prices = [self.find(server) for server in spec.servers]
            known = [price for price in prices if price]
            return max(known, key=lambda listed: listed.price.output) if len(known) == len(prices) else None
        if spec.kind is ModelKind.LOCAL:
            return ListedPrice(str(spec), FREE, date.min, "runs on this machine")
        entries = [e for e in self.entries if e.own or spec.kind is ModelKind.HOSTED]
        for name in dict.fromkeys((str(spec), spec.name or "")):
            if fitting := [entry for entry in entries if _fits(entry.name, name)]:
                return max(fitting, key=lambda entry: (entry.own, len(entry.name)))  # the first of equals
        return None


def read_prices(own: Sequence[Path] = ()) -> PriceList:
    """The list that comes along, with the user's files before it, the first of them first.

    Raises ``ValueError`` for a file that is missing or broken, and says what is wrong with it.

    >>> read_prices().find(ModelSpec.parse("gpt-4o-mini-2024-07-18")).price.prompt
    Decimal('0.15')
    >>> read_prices().find(ModelSpec.parse("gpt-5-unheard-of")) is None
    True
    """
    entries: list[ListedPrice] = []
    for path in own:
        try:
            entries += _read(path.read_text("utf-8"), str(path), own=True)
        except OSError as error:
            raise ValueError(f"{path}: {error.strerror}; name a file of prices") from error
    supplied = files("extractor.run").joinpath("prices.toml").read_text("utf-8")
    return PriceList((*entries, *_read(supplied, "the list that comes with this program")))


def _read(text: str, source: str, *, own: bool = False) -> list[ListedPrice]:
    try:
        content = _PriceFile.model_validate(tomllib.loads(text, parse_float=Decimal))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        told = "; ".join(map(_tell, error.errors())) if isinstance(error, ValidationError) else str(error)
        raise ValueError(f"{source}: is no file of prices: {told}") from error
    return [ListedPrice(name, price, content.as_of, source, own) for name, price in content.model.items()]


def _tell(error: Mapping[str, Any]) -> str:
    return f"{'.'.join(map(str, error['loc']))}: {error['msg']}"


def _fits(listed: str, name: str) -> bool:
    if listed.endswith("*"):
        return name.startswith(listed[:-1])
    return re.fullmatch(re.escape(listed) + f"(?:{_SNAPSHOT})?", name) is not None
