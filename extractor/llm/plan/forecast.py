"""How many tokens requests will take: at least, probably, at most.

A provider's tokenizer cannot be run without its vocabulary, which is behind a network; so tokens are characters times
what was measured on models whose servers tell the true count. What a run was told already is a better measure, and is
taken instead (``calibrate``).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

from pydantic import BaseModel, ConfigDict

from extractor.assemble.policy import ModelClass
from extractor.llm.spec import ModelKind
from extractor.schemas import Usage

from .request_sizes import RequestSize, load_measurements

__all__ = ["Forecast", "Rates", "TokenForecast", "calibrate", "forecast_request", "forecast_run", "load_rates"]


class Forecast(BaseModel):
    """A number that is not known yet: at least, probably, at most."""

    model_config = ConfigDict(frozen=True)

    low: int | float
    expected: int | float
    high: int | float

    @classmethod
    def exactly(cls, value: float) -> "Forecast":
        """A number that is known."""
        return cls(low=value, expected=value, high=value)

    def __add__(self, other: "Forecast") -> "Forecast":
        return Forecast(low=self.low + other.low, expected=self.expected + other.expected, high=self.high + other.high)

    def __mul__(self, other: "Forecast") -> "Forecast":
        """The product of two numbers that are not negative."""
        return Forecast(low=self.low * other.low, expected=self.expected * other.expected, high=self.high * other.high)

    def rounded(self, digits: int | None = None) -> "Forecast":
        """As it is shown: in whole numbers, or with so many digits."""
        return Forecast(**{name: round(value, digits) for name, value in self})


@dataclass(frozen=True, slots=True)
class Rates:
    """Tokens per character of messages, schema and expected answer; ``asked_again`` of a call because its answer broke
    the schema, ``narrow`` of a call because the text did not bear the answer out. ``calls`` is how many they were
    measured on in the run itself, 0 where they are those that come with the program.
    """

    messages: Forecast
    schema: Forecast
    answer: Forecast
    asked_again: Forecast
    narrow: Forecast
    thinking: Forecast
    calls: int = 0


@dataclass(frozen=True, slots=True)
class TokenForecast:
    """Calls and tokens."""

    calls: Forecast
    prompt_tokens: Forecast
    output_tokens: Forecast


_MESSAGES = Forecast(low=1 / 4.8, expected=1 / 3.95, high=1 / 3.1)
"""Clinical prose: 3.8 to 4.0 characters a token with the one tokenizer at hand, whose vocabulary is small."""
_SCHEMA = Forecast(low=0, expected=1 / 3.95, high=1 / 3.1)
"""Hosted models read the schema as a part of the prompt; servers that decode under it as a grammar mostly do not."""
_TOKENIZERS = Forecast(low=0.85, expected=1.1, high=1.6)
"""The recordings of a capable model tell estimates, of four characters a token, and so lie between tokenizers."""
_AGAIN = Forecast(low=1.0, expected=1.1, high=1.4)
"""The prompt of a second request, which repeats the first and its answer, as a multiple of the first."""
_NARROW_PROMPT = Forecast(low=120, expected=330, high=1100)
_NARROW_ANSWER = Forecast(low=8, expected=25, high=200)
_CERTAINTY = 2.6
"""Standard deviations: 99 in 100."""
_ENOUGH = 30
"""Calls of a run from which on its own measures are taken."""
_FEW = 5


def load_rates(kind: ModelKind, model_class: ModelClass, thinking: Forecast | None = None) -> Rates:
    """The rates that come with the program, for a model of that kind and class."""
    measured = load_measurements()["class"][model_class.value]
    low, mean, high = measured["tokens_per_character"]
    answer = Forecast(low=low, expected=mean, high=high)
    capable = model_class is ModelClass.CAPABLE
    return Rates(
        messages=_MESSAGES,
        schema=_SCHEMA if kind is ModelKind.HOSTED else _SCHEMA.model_copy(update={"expected": 0.0}),
        answer=answer * _TOKENIZERS if capable else answer,
        asked_again=_share(measured["asked_again"], measured["calls"]),
        narrow=_share(measured["narrow"], measured["calls"]),
        thinking=thinking or Forecast.exactly(0),
    )


def forecast_request(size: RequestSize, rates: Rates) -> TokenForecast:
    """What one request, or so many that are not asked again, will take. No answer exceeds its bound."""
    few = max(1.0, sqrt(_FEW / max(1, size.calls)))
    answer = Forecast.exactly(size.answer) * rates.answer
    wide = Forecast(low=answer.low / few, expected=answer.expected, high=answer.high * few)
    thinking = Forecast.exactly(size.calls) * rates.thinking
    most = size.most_tokens + thinking.high
    output = wide + thinking
    bounded = Forecast(low=min(output.low, most), expected=min(output.expected, most), high=min(output.high, most))
    prompt = Forecast.exactly(size.messages) * rates.messages + Forecast.exactly(size.schema) * rates.schema
    return TokenForecast(Forecast.exactly(size.calls), prompt, bounded)


def forecast_run(size: RequestSize, rates: Rates) -> TokenForecast:
    """What all calls of a run will take, with those that are asked again and the narrow questions."""
    first = forecast_request(size, rates)
    again = _by_chance(rates.asked_again, size.calls)
    narrow = first.calls * _by_chance(rates.narrow, size.calls)
    return TokenForecast(
        first.calls + first.calls * again + narrow,
        first.prompt_tokens + first.prompt_tokens * again * _AGAIN + narrow * _NARROW_PROMPT,
        first.output_tokens + first.output_tokens * again + narrow * _NARROW_ANSWER,
    )


def _by_chance(share: Forecast, of: int) -> Forecast:
    """The share that few calls may have, whose number comes out above or below that of many."""
    likely = min(share.high, 0.5)
    chance = _CERTAINTY * sqrt(likely * (1 - likely) / max(1, of))
    return Forecast(low=max(0.0, share.low - chance), expected=share.expected, high=share.high + chance)


def calibrate(rates: Rates, calls: Iterable[tuple[RequestSize, Usage, bool, bool]]) -> Rates:
    """The rates as the calls of a run have them: sizes, usage, whether they were asked again, whether narrow.

    Few calls change nothing.
    """
    kept = [call for call in calls if call[1].prompt_tokens]
    first = [(size, usage) for size, usage, again, narrow in kept if not again and not narrow]
    if len(first) < _ENOUGH:
        return rates
    guessed = [forecast_request(size, rates) for size, _ in first]
    prompt = _ratio([usage.prompt_tokens for _, usage in first], [guess.prompt_tokens.expected for guess in guessed])
    output = _ratio([usage.output_tokens for _, usage in first], [size.answer for size, _ in first])
    return Rates(
        messages=Forecast.exactly(rates.messages.expected) * prompt,
        schema=Forecast.exactly(rates.schema.expected) * prompt,
        thinking=Forecast.exactly(0),
        answer=output,  # what a model thinks before it answers is a part of it
        asked_again=_share(sum(again for _, _, again, _ in kept), len(first)),
        narrow=_share(sum(narrow and not again for _, _, again, narrow in kept), len(first)),
        calls=len(first),
    )


def _ratio(told: list[int], guessed: list[float]) -> Forecast:
    """The sum of what was told over the sum of guesses, and where it would lie for other calls."""
    ratio = sum(told) / sum(guessed)
    spread = sqrt(sum((one - ratio * guess) ** 2 for one, guess in zip(told, guessed, strict=True))) / sum(guessed)
    return Forecast(low=max(0.0, ratio - _CERTAINTY * spread), expected=ratio, high=ratio + _CERTAINTY * spread)


def _share(count: int, of: int) -> Forecast:
    """A share that was counted, with Wilson's interval."""
    share, z = count / of, _CERTAINTY**2 / of
    middle, width = (share + z / 2) / (1 + z), sqrt(share * (1 - share) * z + z * z / 4) / (1 + z)
    return Forecast(low=max(0.0, middle - width) if count else 0.0, expected=share, high=middle + width)
