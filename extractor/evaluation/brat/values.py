"""Annotated values and times, read by the grammars of the pre-parser."""

from extractor.parse.eligibility.constraints import read_window
from extractor.parse.eligibility.limits import Limit, find_limits
from extractor.schemas import Constraint, CriterionKind, TimeWindow
from extractor.text.lexer import NUMBER, Tokens
from extractor.text.numbers import find_durations
from extractor.text.passage import read_passage

__all__ = ["is_length_of_time", "read_annotated_time", "read_annotated_value"]


def read_annotated_value(quantity: str, value: str, kind: CriterionKind) -> Constraint | None:
    """The limit that an annotated value states, None if it does not read as exactly one.

    Where the value alone does not show what kind of number it is ("III-IV", "18 years"), it is read behind the
    words that it limits. A bare number takes the sense of its list.

    >>> found = read_annotated_value("platelets", "> 100,000/mm3", CriterionKind.INCLUSION)
    >>> found.comparator.value, found.value, found.unit
    ('>', 100000, '/mm3')
    """
    for text in (value, f"{quantity} {value}"):
        tokens = read_passage(text).tokens
        limit = _only_limit(tokens, 0 if text is value else len(read_passage(quantity).tokens), kind)
        if limit:
            return Constraint(
                quantity=quantity,
                comparator=limit.comparator,
                value=limit.value,
                value_high=limit.value_high,
                unit=limit.time_unit or (tokens.read(*limit.unit) if limit.unit else None),
            )
    return None


def is_length_of_time(value: str) -> bool:
    """Whether a value is a length of time rather than a quantity."""
    return next(find_durations(read_passage(value).tokens), None) is not None


def _only_limit(tokens: Tokens, first: int, kind: CriterionKind) -> Limit | None:
    limits = [limit for limit in find_limits(tokens, kind) if limit.end > first]
    if len(limits) != 1:
        return None
    limit = limits[0]
    unread = NUMBER in tokens.codes[first : limit.first] + tokens.codes[limit.end :]
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
        passage = read_passage(piece)
        bare = any(d.first == 0 and d.end == len(passage.tokens) for d in find_durations(passage.tokens))
        window = None if bare else read_window(passage).value
        if window:
            return window.model_copy(update={"quote": piece})
    return None
