"""Find the time frame that an outcome states among its own words."""

from dataclasses import dataclass

from extractor.language.book import rule
from extractor.language.lexer import Tokens
from extractor.language.passage import Passage, strip_span

_LONGEST_FRAME = 30
"""Tokens of the longest time frame in words at the end of an outcome."""
_LONGEST_BRACKET = 40
_EDGES = ",;:-([<."
_PREPOSITIONS = frozenset(
    {
        "at",
        "after",
        "for",
        "in",
        "within",
        "over",
        "of",
        "to",
        "until",
        "about",
        "and",
        "or",
    }
)
_OPENING_SIGNS = {")": "(", "]": "["}
_CLOSING_SIGNS = {"(": ")", "[": "]"}

NAMED = "time frame behind its name"
AT_END = "time frame in a statement"
IN_FRONT = "time frame in front"
WITHIN = "time frame within a measure"
"""How a time was found: cases of ``measured``."""


@dataclass(frozen=True, slots=True)
class OwnTime:
    """A time frame among an outcome's words.

    Attributes:
        frame: Its words.
        measure: The outcome without it; all of its words if the time stands within them.
        case: How it was found.
    """

    frame: Passage
    measure: Passage
    case: str


def find_own_time(outcome: Passage) -> OwnTime | None:
    """Return the time frame that an outcome's own words state, or None; None also if there is no
    outcome before it, as in "Time frame: 12 weeks".

    >>> from extractor.language.passage import read_passage
    >>> texts = [
    ...     "FEV1 (week 12)",
    ...     "FEV1; Time frame: baseline to week 12",
    ...     "Pain at 24 weeks",
    ...     "Week 4: pain",
    ... ]
    >>> [
    ...     (time.measure.raw, time.frame.raw)
    ...     for time in map(find_own_time, map(read_passage, texts))
    ...     if time
    ... ]  # doctest: +NORMALIZE_WHITESPACE
    [('FEV1', 'week 12'), ('FEV1', 'baseline to week 12'), ('Pain', 'at 24 weeks'),
     ('pain', 'Week 4')]
    >>> find_own_time(read_passage("Change from baseline to week 12 in FEV1")).frame.raw
    'from baseline to week 12'
    """
    if outcome.first >= outcome.end:
        return None
    # "Time frame: 12 weeks" as the whole outcome has no measure to be cut off
    if rule("opening_of_own_time").starts(outcome.tokens, outcome.first, outcome.end):
        return None
    # from the plainest way of stating a time to the least plain
    for find in (
        _find_named,
        _find_bracketed,
        _find_words_at_end,
        _find_behind_comma,
        _find_in_front,
        _find_within,
    ):
        time = find(outcome)
        if time is not None:
            return time
    return None


def _find_named(outcome: Passage) -> OwnTime | None:
    """Return the time behind a name such as "Time frame:", to the end of its bracket or of the
    outcome; None if no name or no time stands there, or nothing before it.
    """
    tokens = outcome.tokens
    opening = rule("opening_of_own_time").search(tokens, outcome.first, outcome.end)
    if opening is None:
        return None
    end = outcome.end
    closing_sign = _CLOSING_SIGNS.get(tokens.codes[opening.first])
    if closing_sign is not None:
        closing = tokens.codes.find(closing_sign, opening.end, outcome.end)
        if closing >= 0:
            end = closing
    first, last = strip_span(tokens.codes, opening.end, end, " .;,>")
    if first >= last:
        return None
    return _cut_off(outcome, opening.first, outcome.part(first, last), NAMED)


def _find_bracketed(outcome: Passage) -> OwnTime | None:
    """Return the time in round or square brackets at the end: "FEV1 (week 12)". None if the
    brackets hold anything else than a time, or more than ``_LONGEST_BRACKET`` tokens.
    """
    tokens = outcome.tokens
    _, end = strip_span(tokens.codes, outcome.first, outcome.end, ". ;,")
    if end <= outcome.first:
        return None
    closing = end - 1
    opening_sign = _OPENING_SIGNS.get(tokens.codes[closing])
    if opening_sign is None:
        return None
    earliest = max(outcome.first, end - _LONGEST_BRACKET)
    opening = tokens.codes.rfind(opening_sign, earliest, end)
    if opening <= outcome.first:
        return None
    if not _is_time(tokens, opening + 1, closing):
        return None
    return _cut_off(outcome, opening, outcome.part(opening + 1, closing), AT_END)


def _find_behind_comma(outcome: Passage) -> OwnTime | None:
    """Return the time behind a comma, semicolon, colon or dash, to the end: "FEV1, week 12". The
    first sign with nothing but a time behind it counts.
    """
    tokens = outcome.tokens
    _, end = strip_span(tokens.codes, outcome.first, outcome.end, ". ;,")
    for at in range(outcome.first + 1, end):
        if tokens.codes[at] not in ",;:-":
            continue
        if _is_time(tokens, at + 1, end):
            return _cut_off(outcome, at, outcome.part(at + 1, end), AT_END)
    return None


def _find_words_at_end(outcome: Passage) -> OwnTime | None:
    """Return the longest time in words at the end: "Pain and sleep at baseline, 6 and 12 weeks".
    At least one token must stand before it.
    """
    tokens = outcome.tokens
    end = outcome.end
    if tokens.codes[end - 1] == ".":
        end -= 1
    earliest = max(outcome.first + 1, end - _LONGEST_FRAME)
    for first in range(earliest, end):
        if not rule("moment").search(tokens, first, end):
            continue
        if _is_frame_in_words(tokens, first, end):
            return _cut_off(outcome, first, outcome.part(first, end), AT_END)
    return None


def _is_frame_in_words(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether words are a time frame: "at week 12"; or "12 weeks after surgery", if no
    "at" stands in front.
    """
    if rule("stated_frame").covers(tokens, first, end):
        return True
    if tokens.words[first - 1].lower() in _PREPOSITIONS:
        return False
    return rule("bare_length_after").covers(tokens, first, end) is not None


def _find_in_front(outcome: Passage) -> OwnTime | None:
    """Return the time in front of a comma or colon: "At week 12: FEV1". The rest is the measure."""
    tokens = outcome.tokens
    last = min(outcome.end - 1, outcome.first + _LONGEST_FRAME)
    for at in range(outcome.first + 1, last):
        if tokens.codes[at] not in ",:":
            continue
        if _is_time(tokens, outcome.first, at):
            frame = outcome.part(outcome.first, at)
            return OwnTime(frame, outcome.part(at + 1, outcome.end), IN_FRONT)
    return None


def _find_within(outcome: Passage) -> OwnTime | None:
    """Return the longest time in words within an outcome, "2-year survival", which keeps all of its
    words as its measure.
    """
    tokens = outcome.tokens
    longest: Passage | None = None
    for words in rule("frame_within").find(tokens, outcome.first, outcome.end):
        if not rule("moment").search(tokens, words.first, words.end):
            continue
        length = words.end - words.first
        if longest is None or length > longest.end - longest.first:
            longest = outcome.part(words.first, words.end)
    if longest is None:
        return None
    return OwnTime(longest, outcome, WITHIN)


def _is_time(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether words say when something is measured, and nothing else: "week 12", "at weeks
    4, 8 and 12".
    """
    if first >= end:
        return False
    if rule("moment").search(tokens, first, end) is None:
        return False
    for name in ("lone_time", "stated_frame", "moment_alone"):
        if rule(name).covers(tokens, first, end):
            return True
    return False


def _cut_off(outcome: Passage, end: int, frame: Passage, case: str) -> OwnTime | None:
    """Return the time with the words in front of it, up to token ``end``, as the measure; None if
    there are none.
    """
    first, last = strip_span(outcome.tokens.codes, outcome.first, end, _EDGES)
    if first >= last:
        return None
    return OwnTime(frame, outcome.part(first, last), case)
