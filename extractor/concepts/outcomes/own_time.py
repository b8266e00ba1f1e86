"""Find the time frame within the words of an outcome."""

from dataclasses import dataclass

from extractor.language.book import rule
from extractor.language.lexer import Tokens
from extractor.language.passage import Passage, strip_span

# Chosen by hand.
_LONGEST_FRAME = 40
"""Maximum number of tokens in a time frame within an outcome."""
_EDGES = ",;:-([<."
TIME_IN_WORDS = "perhaps a time frame in its words"
"""The feature of an outcome whose measure may state a time that its time frame lacks."""


@dataclass(frozen=True, slots=True)
class OwnTime:
    """A time frame within the words of an outcome.

    Attributes:
        frame: Its words.
        measure: The outcome without it; the whole outcome if the time is in the middle.
        features: The feature for the way in which the time frame was found and, if the measure may
            state a time of its own, the feature for this doubt.
    """

    frame: Passage
    measure: Passage
    features: tuple[str, ...]


def find_own_time(outcome: Passage) -> OwnTime | None:
    """Return the time frame that an outcome's own words state. Return None if the words do not
    state a time frame, or if they state nothing else, as in "Time frame: 12 weeks".

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
    # if "Time frame: 12 weeks" is the whole outcome, there is no measure to separate
    if rule("opening_of_own_time").starts(outcome.tokens, outcome.first, outcome.end):
        return None
    # the clearest ways of stating a time are tried first
    for find in (_find_named, _find_at_end, _find_in_front, _find_within):
        time = find(outcome)
        if time is not None:
            return time
    return None


def _find_named(outcome: Passage) -> OwnTime | None:
    """Return the time after a label such as "Time frame:", up to the end of the outcome."""
    tokens = outcome.tokens
    opening = rule("opening_of_own_time").search(tokens, outcome.first, outcome.end)
    if opening is None:
        return None
    ends = " .;,>"
    # "(time frame: 12 weeks)", but "time frame: end of study (12 weeks)"
    if tokens.codes[opening.first] in "([":
        ends += ")]"
    first, end = strip_span(tokens.codes, opening.end, outcome.end, ends)
    if first >= end:
        return None
    return _cut_off(
        outcome, opening.first, outcome.part(first, end), "time frame behind its name"
    )


def _find_at_end(outcome: Passage) -> OwnTime | None:
    """Return the longest time at the end of an outcome: in brackets, after punctuation, or in
    words.
    """
    tokens = outcome.tokens
    _, end = strip_span(tokens.codes, outcome.first, outcome.end, ". ;,")
    for first in range(max(outcome.first + 1, end - _LONGEST_FRAME), end):
        sign = tokens.codes[first - 1]
        last = end
        if sign in "([":
            last = end - 1
        # a time in brackets needs both of them, and any other time none
        is_closed = tokens.code_at(last) in (")", "]")
        if is_closed != (sign in "(["):
            continue
        is_behind_sign = sign in ",;:-(["
        if _is_time(tokens, first, last, is_behind_sign=is_behind_sign):
            return _cut_off(
                outcome, first, outcome.part(first, last), "time frame in a statement"
            )
    return None


def _find_in_front(outcome: Passage) -> OwnTime | None:
    """Return the time at the beginning of an outcome, before a comma or colon: "At week 12:
    FEV1".
    """
    tokens = outcome.tokens
    last = min(outcome.end - 1, outcome.first + _LONGEST_FRAME)
    for at in range(outcome.first + 1, last):
        # the colon of "At week 12: FEV1"
        if tokens.codes[at] not in ",:":
            continue
        if _is_time(tokens, outcome.first, at, is_behind_sign=True):
            frame = outcome.part(outcome.first, at)
            measure = outcome.part(at + 1, outcome.end)
            return OwnTime(frame, measure, ("time frame in front",))
    return None


def _find_within(outcome: Passage) -> OwnTime | None:
    """Return the longest time in the middle of an outcome, as in "2-year survival". The measure
    keeps all of its words.
    """
    match = rule("frame_within").find(outcome.tokens, outcome.first, outcome.end)
    frames = [outcome.part_at(words) for words in match]
    timed = [frame for frame in frames if frame.search("moment")]
    if not timed:
        return None
    longest = max(timed, key=lambda frame: frame.end - frame.first)
    return OwnTime(longest, outcome, ("time frame within a measure",))


def _is_time(tokens: Tokens, first: int, end: int, *, is_behind_sign: bool) -> bool:
    """Return whether the given words state only a time of measurement: "week 12", "at weeks 4, 8
    and 12". If they do not follow punctuation, they must begin with "at" or be followed by
    "after".
    """
    if not rule("moment").occurs(tokens, first, end):
        return False
    name = "stated_frame"
    if is_behind_sign:
        name = "only_time"
    if rule(name).covers(tokens, first, end):
        return True
    if is_behind_sign:
        return False
    # the "within" of "relapse within 12 weeks after surgery" is part of the time
    if rule("begins_time_phrase").ends(tokens, first, first - 1):
        return False
    return rule("bare_length_after").covers(tokens, first, end) is not None


def _cut_off(outcome: Passage, end: int, frame: Passage, case: str) -> OwnTime | None:
    """Return the time, with the words before token ``end`` as the measure; None if there are no
    words before it.
    """
    first, last = strip_span(outcome.tokens.codes, outcome.first, end, _EDGES)
    if first >= last:
        return None
    measure = outcome.part(first, last)
    if _ends_with_time(measure) or _may_begin_in_measure(frame, measure):
        return OwnTime(frame, measure, (case, TIME_IN_WORDS))
    # "a composite of pain at 24 and 48 hours and death": a part has a time of its own
    if measure.search("time_before_joint"):
        return OwnTime(frame, measure, (case, TIME_IN_WORDS))
    return OwnTime(frame, measure, (case,))


def _ends_with_time(measure: Passage) -> bool:
    """Return whether a measure ends with a time that may belong to its time frame: the "30 min" of
    "Pain 30 min, 2 and 24 h after surgery", but not that of "Distance in 6 min; week 12".
    """
    tokens = measure.tokens
    length = rule("unopened_length").ends(tokens, measure.end, measure.first)
    if length is None or length.first == measure.first:
        return False
    before = rule("begins_time_phrase").ends(tokens, length.first, measure.first)
    return before is None


def _may_begin_in_measure(frame: Passage, measure: Passage) -> bool:
    """Return whether the first of several times may belong to the measure, because no sign stands
    before it: "Plank 60 s, 4 weeks after surgery".
    """
    if frame.first > measure.end:
        return False
    return (
        rule("unopened_list").starts(frame.tokens, frame.first, frame.end) is not None
    )
