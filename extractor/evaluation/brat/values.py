"""Annotated values and times, read by the grammars of the pre-parser."""

import re

from extractor.parse.durations import find_durations
from extractor.parse.eligibility.limit import Limit
from extractor.parse.eligibility.limits import find_limits
from extractor.parse.eligibility.windows import read_window
from extractor.parse.numbers import NUMBER
from extractor.parse.passage import passage_of
from extractor.schemas import Constraint, CriterionKind, TimeWindow

__all__ = ["is_length_of_time", "read_annotated_time", "read_annotated_value"]

_NUMBER = re.compile(NUMBER, re.IGNORECASE)


def read_annotated_value(quantity: str, value: str, kind: CriterionKind) -> Constraint | None:
    """The limit that an annotated value states, None if it does not read as exactly one.

    Where the value alone does not show what kind of number it is ("III-IV", "18 years"), it is read behind the
    words that it limits. A bare number takes the sense of its list.

    >>> found = read_annotated_value("platelets", "> 100,000/mm3", CriterionKind.INCLUSION)
    >>> found.comparator.value, found.value, found.unit
    ('>', 100000, '/mm3')
    """
    for text, offset in ((value, 0), (f"{quantity} {value}", len(quantity) + 1)):
        clean = passage_of(text).text
        limit = _only_limit(clean, min(offset, len(clean)), kind)
        if limit:
            unit = clean[slice(*limit.unit)].strip() if limit.unit else None
            return Constraint(
                quantity=quantity,
                comparator=limit.comparator,
                value=limit.value,
                value_high=limit.value_high,
                unit=limit.time_unit or unit,
            )
    return None


def is_length_of_time(value: str) -> bool:
    """Whether a value is a length of time rather than a quantity."""
    return next(find_durations(passage_of(value).text), None) is not None


def _only_limit(text: str, offset: int, kind: CriterionKind) -> Limit | None:
    limits = [limit for limit in find_limits(text, kind) if limit.end > offset]
    if len(limits) != 1:
        return None
    limit = limits[0]
    unread = [n for n in _NUMBER.finditer(text, offset) if not limit.start <= n.start() < limit.end]
    return None if unread else limit


def read_annotated_time(pieces: tuple[str, ...]) -> TimeWindow | None:
    """The time limit in the first of an annotation's contiguous pieces that states one; the piece is its quote.

    A bare length of time says neither "within" nor "at least" and is none.

    >>> read_annotated_time(("within 4 weeks before entry",)).comparator.value
    '<='
    >>> read_annotated_time(("4 weeks",)) is None
    True
    """
    for piece in pieces:
        passage = passage_of(piece)
        bare = any(d.start == 0 and d.end == len(passage.text.strip()) for d in find_durations(passage.text))
        window = None if bare else read_window(passage).value
        if window:
            return window.model_copy(update={"quote": piece})
    return None
