"""Find the words of a model's value in the text, whatever they may state there."""

import re
from collections.abc import Iterator

from extractor.concepts.limits.written_numbers import find_numbers
from extractor.concepts.places import Found, find_quotes, locate
from extractor.evidence.drafts import Span, Supported
from extractor.language.numbers import MULTIPLES
from extractor.language.passage import Passage
from extractor.schemas import (
    Age,
    Amount,
    Constraint,
    Maximum,
    Period,
    Quantity,
    Support,
    TimePoint,
    TimeWindow,
)

_DIGITS = re.compile(r"\d+(?:\.\d+)?")
_WORDS = {**MULTIPLES, "both": 2, "half": 0.5, "single": 1}
"""Words that state a number beside the number words. Articles are not among them."""


def ground_value(value: object, passage: Passage) -> Found:
    """Return a value with the place of its numbers in a passage or, if it is a time window, with
    the place of its quote, which must contain its numbers. Return None if a number is missing, or
    if the value has none.
    """
    numbers = list_numbers(value)
    if isinstance(value, TimeWindow):
        for place in find_quotes(passage, value.quote):
            quoted = passage.section.between(place.start, place.end)
            if _find_all(quoted, numbers):
                return Supported(value, place, Support.INFERRED)
        return None
    span = _find_all(passage, numbers)
    if span is None:
        return None
    return Supported(value, span, Support.INFERRED)


def list_numbers(value: object) -> tuple[float | None, float | None]:
    """Return the lower and the upper number of a value; a single number is the lower one, and a
    value of another type has none.

    >>> list_numbers(Amount(low=40, high=40, unit="mg")), list_numbers("40 mg")
    ((40, None), (None, None))
    """
    match value:
        case Constraint() | Quantity() | TimeWindow():
            return value.value, value.value_high
        case Amount() if value.low not in (None, value.high):
            return value.low, value.high
        case Amount():
            return value.high, None
        case Age() | Period() | TimePoint() | Maximum():
            return value.value, None
    return None, None


def _find_all(passage: Passage, wanted: tuple[float | None, ...]) -> Span | None:
    """Return the span from the first to the last of the numbers, each at its first place; None if
    the passage lacks one of them. A number that is None is not searched for.
    """
    places: dict[float, Span] = {}
    for number, place in _list_numbers(passage):
        places.setdefault(number, place)
    found = [places.get(abs(number)) for number in wanted if number is not None]
    spans = [place for place in found if place]
    if not spans or len(spans) < len(found):
        return None
    first, last = min(spans), max(spans)
    return Span(first.section, first.start, max(first.end, last.end))


def _list_numbers(passage: Passage) -> Iterator[tuple[float, Span]]:
    """Yield the numbers of a passage without their signs: those that the rules read, all digits,
    and words such as "single". Blanked text has none.
    """
    tokens = passage.cut()
    for number in find_numbers(tokens):
        yield abs(number.value), locate(passage, number.first, number.end)
    for at, word in enumerate(tokens.words):
        stated = [float(digits) for digits in _DIGITS.findall(word)]
        if word.lower() in _WORDS:
            stated.append(_WORDS[word.lower()])
        for value in stated:
            yield value, locate(passage, at, at + 1)
