"""Read the kind of a time frame, and describe the time frame for the scorer that classifies the
kind.
"""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise

from extractor.concepts.outcomes.events import TIMED
from extractor.concepts.outcomes.moments import MomentGroup, TimeFrame
from extractor.evidence.drafts import Reading
from extractor.evidence.scoring import load_scorer
from extractor.language.book import list_possible, read_table, read_text, rule
from extractor.language.lexer import NUMBER
from extractor.language.passage import Passage
from extractor.schemas import Concept, Support, TimeKind, TimeUnit

# Chosen by hand; half of it changes no case, and none of 120 registry records.
_MOST_WORDS = 60
# Chosen by hand; half of it changes no case, and none of 120 registry records.
_MOST_TOKENS = 150
"""Maximum number of tokens in a skeleton that are read. Genuine time frames are never longer than
this.
"""
_SIGNS = frozenset(",;:(/+-")
_RULES_WITH_POINTS = (
    "before_and_after",
    "range_of_moments",
    "limit",
    "from_beginning",
    "bare_length",
    "counted_from",
    "loose_limit",
    "limit_is_range",
    "opens_span",
    "moments_before",
    "starts_later",
    "length_after_event",
)
"""Rules in ``time_frames.toml`` that are features of a time frame with time points. The first rule
that matches is also combined with each word to form further features.
"""
_DECIDED = {
    # "at week 4, then every 12 weeks, up to 24 months"
    "rule repeated_until": (TimeKind.UP_TO, "kind of repeated moments with an end"),
    # "from week 8 to end of study (week 52)"; day 1 as the start is not a time point
    "rule starts_later 2": (TimeKind.FROM_TO, "kind of a span that starts later"),
}
"""Features that override the scorer's choice of kind, each with the kind and its feature."""
_RULES_WITHOUT_POINTS = ("vague_time", "each_time", "named_moment")
_COUNTED = TIMED | {
    Concept.ADVERSE_EVENTS,
    Concept.SPECIFIC_TOXICITY,
    Concept.DOSE_LIMITING_TOXICITY,
    Concept.MORTALITY,
    Concept.CLINICAL_EVENT,
    Concept.RELAPSE_OR_PROGRESSION_RATE,
}
"""Concepts of events that are counted up to a time rather than measured at that time."""


def describe_points(frame: TimeFrame, measure: Passage) -> str:
    """Return the feature that determines the confidence of an outcome's time points. The
    first case that applies is returned.

    >>> from extractor.concepts.outcomes.moments import read_time_frame
    >>> from extractor.language.passage import read_passage
    >>> [
    ...     describe_points(read_time_frame(read_text(text)), read_passage("Pain"))
    ...     for text in ("2 years", "Week 8 (3 months in Arm 2)")
    ... ]
    ['time points', 'time points, other numbers']
    """
    if not frame.points:
        # including the numbers of intervals and tolerances
        if NUMBER in frame.tokens.codes:
            return "no time points, other numbers"
        return "no time points"
    # "Walking test (6 min)": the duration was kept because there is no other candidate
    is_whole = len(frame.kept) == len(frame.tokens)
    if frame.others and is_whole:
        return "the length of something else alone"
    if _may_last_so_long(frame, measure):
        return "the length of something else alone"
    if _may_be_misread(frame):
        return "time points, perhaps another length"
    stated = [(moment.value, moment.unit) for moment in frame.moments]
    if len(set(stated)) < len(stated):
        return "time points repeated"
    # it may be the first day of the trial, and no time point
    if (1, TimeUnit.DAY) in stated:
        return "time points, day 1"
    moments = [(group.first, group.end) for group in frame.groups]
    rest = frame.kept.without(moments, 0, len(frame.kept))
    if frame.others or NUMBER in rest.codes:
        return "time points, other numbers"
    return "time points"


def _may_last_so_long(frame: TimeFrame, measure: Passage) -> bool:
    """Return whether the only time in a time frame may be the duration of a test: "walking
    distance, after 6 minutes". If words follow it ("after the meal"), it is a time point.
    """
    # "after 6 minutes of walking" lasts, "6 minutes after the meal" is a time
    ends_frame = frame.groups[0].end == len(frame.kept)
    is_minutes = all(point.unit is TimeUnit.MINUTE for point in frame.points)
    if not ends_frame or not is_minutes:
        return False
    return measure.search("timed_performance") is not None


def _may_be_misread(frame: TimeFrame) -> bool:
    """Return whether another duration, or part of a time, may have been read as a time point."""
    # "operations last on average 2 to 4 hours"
    if rule("lasts_so_long").search(frame.tokens):
        return True
    # as in "3 years and 9 months", "8:00 h"
    if rule("perhaps_no_sum").search(frame.kept):
        return True
    # "a 4-week programme" next to another moment
    names_length = rule("perhaps_other_length").search(frame.kept)
    return names_length is not None and len(frame.groups) > 1


def _write_skeleton(frame: TimeFrame) -> list[str]:
    """Return the lower-case words of a time frame with symbols in place of its times: "Up to 2
    years" becomes "up to #". ``_show_group`` defines the symbols.
    """
    words: list[str] = []
    done = 0
    for group in frame.groups:
        words += frame.kept.words[done : group.first]
        words += _show_group(group).split()
        done = group.end
    words += frame.kept.words[done:]
    return [word.lower() for word in words]


def _show_group(group: MomentGroup) -> str:
    """Return the symbols for a group of times. The first time determines the symbol: ``@`` if the
    unit precedes the number ("week 4"), or ``#`` for a duration ("4 weeks").

    - A single time is ``@`` or ``#``.
    - Two times that are not a range, and three or more times, are a list: ``@@`` or ``##``.
    - A range is ``@-@`` or ``#-#``.
    - A range from the start of the trial is ``0 to @`` or ``0 to #``. Such a range begins at 0 or
      a negative number, or at number 1 of a unit other than a cycle ("week 1", "day 1").
    """
    first = group.moments[0]
    sign = "#"
    if first.named:
        sign = "@"
    if len(group.moments) == 1:
        return sign
    if len(group.moments) > 2 or not group.moments[1].after_range:
        return sign * 2
    # "day 1 to 28" begins with the trial, but cycle 1 is a stretch of weeks
    is_first = first.named and first.value == 1
    if first.value <= 0 or (is_first and first.unit is not TimeUnit.CYCLE):
        return f"0 to {sign}"
    return f"{sign}-{sign}"


@cache
def _word_classes() -> dict[str, str]:
    """Return the class of each word that occurs in time frames, from
    ``language/rules/words.toml``.
    """
    classes: dict[str, str] = {}
    for name, words in read_table("words")["time_frame"].items():
        for word in words.split():
            classes[word] = name
    return classes


def _find_class(word: str) -> str:
    """Return the class of a word; a number or a sign is its own class."""
    name = _word_classes().get(word)
    if name:
        return name
    if word[0].isalpha():
        return "WORD"
    return word


def describe_time_frame(frame: TimeFrame) -> list[str]:
    """Return the features of a time frame, without duplicates and in a fixed order: the matching
    rules, the numbers of points, groups and words, and the words themselves.

    >>> from extractor.concepts.outcomes.moments import read_time_frame
    >>> describe_time_frame(read_time_frame(read_text("Up to 2 years")))[:3]
    ['rule limit', 'rule limit 1', 'rule loose_limit']
    """
    skeleton = _write_skeleton(frame)
    rules = _match_rules(frame, skeleton)
    first_rule = "none"
    if rules:
        first_rule = rules[0]
    words = _simplify_words(skeleton)
    classes = [_find_class(word) for word in words]
    # a time that is named twice says nothing more of the kind
    distinct = {(point.value, point.unit): point for point in frame.points}
    points = min(len(distinct), 3)
    named_points = sum(point.named for point in distinct.values())
    features: list[str] = []
    for name in rules:
        features += [f"rule {name}", f"rule {name} {points}"]
    features += [
        f"first {first_rule}",
        f"first {first_rule} {points}",
        f"points {points}",
        f"named {min(named_points, 3)}",
        f"groups {min(len(frame.groups), 4)}",
        f"length {min(len(words) // 3, 6)}",
    ]
    if any(moment.value <= 0 for moment in frame.moments):
        features.append("zero")
    features += [f"word {word}" for word in words]
    features += [f"{first_rule} with {name}" for name in classes]
    for left, right in pairwise(["^", *classes, "$"]):
        features.append(f"pair {left} {right}")
    signs = [word for word in words if word[0] in "#@"]
    features.append(f"signs {' '.join(signs[:3])}")
    return list(dict.fromkeys(features))


def _match_rules(frame: TimeFrame, words: Sequence[str]) -> list[str]:
    """Return the rules that match a time frame; ``words`` contains the words of its skeleton."""
    if not frame.points:
        return [
            name for name in _RULES_WITHOUT_POINTS if rule(name).search(frame.tokens)
        ]
    skeleton = read_text(" ".join(words[:_MOST_TOKENS]))
    possible = list_possible(_RULES_WITH_POINTS, skeleton)
    rules = [name for name in possible if rule(name).search(skeleton)]
    # this rule matches the time frame's own words
    if rule("repeated_until").search(frame.tokens):
        rules.append("repeated_until")
    return rules


def _simplify_words(skeleton: Sequence[str]) -> list[str]:
    """Return the first ``_MOST_WORDS`` words of a skeleton, with "0" in place of each number.
    ``skeleton`` contains the words, the symbols "#" and "@", and punctuation; punctuation that is
    irrelevant to time is omitted.
    """
    words = []
    for word in skeleton:
        is_symbol = word[0] in "#@"
        # "week 4" and "week 12" are frames of one kind
        if word[0].isnumeric():
            words.append("0")
        elif word[0].isalpha() or is_symbol or word in _SIGNS:
            words.append(word)
    return words[:_MOST_WORDS]


def read_time_kind(
    frame: TimeFrame, concept: Concept | None = None
) -> Reading[TimeKind]:
    """Return the most probable kind of time frame for an outcome with this concept.

    >>> from extractor.concepts.outcomes.moments import read_time_frame
    >>> read_time_kind(read_time_frame(read_text("Up to 2 years"))).value
    <TimeKind.UP_TO: 'up_to'>
    >>> read_time_kind(
    ...     read_time_frame(read_text("30 days after surgery")), Concept.MORTALITY
    ... ).value
    <TimeKind.UP_TO: 'up_to'>
    """
    features = describe_time_frame(frame)
    # deaths are counted until 30 days after surgery, but pain is measured at 30 days
    if concept in _COUNTED and "rule length_after_event" in features:
        case = "kind of a length in which events are counted"
        return _infer_kind(TimeKind.UP_TO, case)
    [choice] = load_scorer("time_kinds").choose([features])
    for feature, (kind, case) in _DECIDED.items():
        if feature in features and choice.value != kind:
            return _infer_kind(kind, case)
    kind = TimeKind(choice.value)
    return Reading(kind, choice.probability, support=Support.INFERRED)


def _infer_kind(kind: TimeKind, case: str) -> Reading[TimeKind]:
    return Reading(kind, support=Support.INFERRED, features=(case,))
