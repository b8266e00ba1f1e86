"""The time that an outcome's own words state, where its register has no field for it, or left the
field empty.

CTIS, the ICTRP and ISRCTN keep an outcome in one field: "FEV1 (week 12)", "FEV1; Time frame:
baseline to week 12", "Pain at 24 weeks", "Change from baseline to week 12 in FEV1". The first
reading that fits is taken, in this order: a time behind its name, a time at the end (in brackets,
in words, or behind a comma), a time in front of a comma or colon, a time within.
"""

from dataclasses import dataclass

from extractor.language.book import rule
from extractor.language.lexer import Tokens
from extractor.language.passage import Passage, strip_span

_LONGEST_FRAME = 30
"""Tokens of the longest time frame in words at the end of an outcome."""
_LONGEST_BRACKET = 40
_EDGES = ",;:-([<."
_PREPOSITIONS = frozenset(
    {"at", "after", "for", "in", "within", "over", "of", "to", "until", "about", "and", "or"}
)
_PAIRS = {")": "(", "]": "["}

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
    """Return the time frame that an outcome's own words state, or None.

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
    ... ]
    [('FEV1', 'week 12'), ('FEV1', 'baseline to week 12'), ('Pain', 'at 24 weeks'), ('pain', 'Week 4')]
    >>> find_own_time(read_passage("Change from baseline to week 12 in FEV1")).frame.raw
    'from baseline to week 12'
    """
    if outcome.first >= outcome.end:
        return None
    if rule("opening_of_own_time").starts(outcome.tokens, outcome.first, outcome.end):
        return None  # an outcome without a measure
    readers = (
        _find_named,
        _find_bracketed,
        _find_words_at_end,
        _find_behind_comma,
        _find_in_front,
        _find_within,
    )
    return next((found for read in readers if (found := read(outcome)) is not None), None)


def _find_named(outcome: Passage) -> OwnTime | None:
    """Return the time behind a name such as "Time frame:", to the end of its bracket or of the
    outcome.
    """
    opening = rule("opening_of_own_time").search(outcome.tokens, outcome.first, outcome.end)
    if opening is None:
        return None
    tokens = outcome.tokens
    end = _find_bracket_end(tokens, opening.first, opening.end, outcome.end)
    first, last = strip_span(tokens.codes, opening.end, end, " .;,>")
    if first >= last:
        return None
    return _cut_off(outcome, opening.first, outcome.part(first, last), NAMED)


def _find_bracket_end(tokens: Tokens, opening: int, first: int, end: int) -> int:
    """Return where the bracket closes that stands before the name; without one, the end of the
    outcome.
    """
    close = {"(": ")", "[": "]"}.get(tokens.codes[opening])
    if close is None:
        return end
    found = tokens.codes.find(close, first, end)
    return end if found < 0 else found


def _find_bracketed(outcome: Passage) -> OwnTime | None:
    """Return the time in the bracket at the end."""
    tokens = outcome.tokens
    _, last = strip_span(tokens.codes, outcome.first, outcome.end, ". ;,")
    opening_sign = _PAIRS.get(tokens.codes[last - 1]) if last > outcome.first else None
    if opening_sign is None:
        return None
    opening = tokens.codes.rfind(opening_sign, max(outcome.first, last - _LONGEST_BRACKET), last)
    if opening <= outcome.first or not _is_time(tokens, opening + 1, last - 1):
        return None
    return _cut_off(outcome, opening, outcome.part(opening + 1, last - 1), AT_END)


def _find_behind_comma(outcome: Passage) -> OwnTime | None:
    """Return the time behind a comma, semicolon, colon or dash: "FEV1, week 12"."""
    tokens = outcome.tokens
    _, end = strip_span(tokens.codes, outcome.first, outcome.end, ". ;,")
    for at in range(outcome.first + 1, end):
        if tokens.codes[at] in ",;:-" and _is_time(tokens, at + 1, end):
            return _cut_off(outcome, at, outcome.part(at + 1, end), AT_END)
    return None


def _find_words_at_end(outcome: Passage) -> OwnTime | None:
    """Return the time in words at the end: "Pain and sleep at baseline, 6 and 12 weeks"."""
    tokens = outcome.tokens
    end = outcome.end - (tokens.codes[outcome.end - 1] == ".")
    for first in range(max(outcome.first + 1, end - _LONGEST_FRAME), end):
        if rule("moment").search(tokens, first, end) and _is_frame_in_words(tokens, first, end):
            return _cut_off(outcome, first, outcome.part(first, end), AT_END)
    return None


def _is_frame_in_words(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether words are a time frame: "at week 12"; or "12 weeks after surgery", if no
    "at" stands in front.
    """
    if rule("stated_frame").covers(tokens, first, end):
        return True
    is_introduced = tokens.words[first - 1].lower() in _PREPOSITIONS
    return not is_introduced and rule("bare_length_after").covers(tokens, first, end) is not None


def _find_in_front(outcome: Passage) -> OwnTime | None:
    """Return the time in front of a comma or colon: "At week 12: FEV1"."""
    tokens = outcome.tokens
    for at in range(outcome.first + 1, min(outcome.end - 1, outcome.first + _LONGEST_FRAME)):
        if tokens.codes[at] in ",:" and _is_time(tokens, outcome.first, at):
            rest = outcome.part(at + 1, outcome.end)
            return OwnTime(outcome.part(outcome.first, at), rest, IN_FRONT)
    return None


def _find_within(outcome: Passage) -> OwnTime | None:
    """Return the longest time in words within an outcome, which keeps all of its words as its
    measure.
    """
    found = [
        one
        for one in rule("frame_within").find(outcome.tokens, outcome.first, outcome.end)
        if rule("moment").search(outcome.tokens, one.first, one.end)
    ]
    if not found:
        return None
    longest = max(found, key=lambda one: one.end - one.first)
    return OwnTime(outcome.part(longest.first, longest.end), outcome, WITHIN)


def _is_time(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether words say when something is measured, and nothing else."""
    if first >= end or rule("moment").search(tokens, first, end) is None:
        return False
    return any(
        rule(name).covers(tokens, first, end)
        for name in ("lone_time", "stated_frame", "moment_alone")
    )


def _cut_off(outcome: Passage, end: int, frame: Passage, case: str) -> OwnTime | None:
    """Return the time with the words in front of it as the measure; None if there are none."""
    first, last = strip_span(outcome.tokens.codes, outcome.first, end, _EDGES)
    if first >= last:
        return None
    return OwnTime(frame, outcome.part(first, last), case)
