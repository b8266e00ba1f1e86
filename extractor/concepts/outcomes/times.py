"""Read what kind of time a time frame states, and describe it for the scorer of the kinds."""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise

from extractor.concepts.outcomes.moments import Moment, MomentGroup, TimeFrame
from extractor.evidence.scoring import load_scorer, measured
from extractor.language.book import read_table, rule
from extractor.language.lexer import LEXICON, NUMBER, Tokens
from extractor.schemas import Concept, TimeKind, TimeUnit

_PROSE = 10
"""More words than this around several moments are a sentence, which may name the time of
something else.
"""
_MOST_WORDS = 60
_MOST_TOKENS = 150
"""The longest skeleton that is read. No real time frame is longer."""
_SIGNS = frozenset(",;:(/+-")
_COUNTED = frozenset(
    {
        Concept.ADVERSE_EVENTS,
        Concept.SPECIFIC_TOXICITY,
        Concept.DOSE_LIMITING_TOXICITY,
        Concept.MORTALITY,
        Concept.CLINICAL_EVENT,
        Concept.RELAPSE_OR_PROGRESSION_RATE,
        Concept.OVERALL_SURVIVAL,
        Concept.PROGRESSION_FREE_SURVIVAL,
        Concept.EVENT_FREE_SURVIVAL,
        Concept.DISEASE_FREE_SURVIVAL,
        Concept.TIME_TO_PROGRESSION,
        Concept.TIME_TO_EVENT_OTHER,
    }
)
"""Concepts of events that are counted until a limit, not measured at it."""


def describe_points(frame: TimeFrame) -> str:
    """Return the case of the time points by what stands around them, to look up how often such a
    reading is right.

    >>> from extractor.concepts.outcomes.moments import read_time_frame
    >>> [
    ...     describe_points(read_time_frame(read_text(text)))
    ...     for text in ("2 years", "Week 8 (3 months in Arm 2)")
    ... ]
    ['time points', 'time points, other numbers']
    """
    kept = frame.kept
    moments = [moment for group in frame.groups for moment in group.moments]
    within = {at for group in frame.groups for at in range(group.first, group.end)}
    outside = [at for at in range(len(kept)) if at not in within]
    words = sum(kept.words[at][0].isalpha() for at in outside)
    numbers = any(kept.codes[at] == NUMBER for at in outside) or (
        not frame.points and NUMBER in frame.tokens.codes
    )
    cases = (
        (
            not frame.points,
            "no time points, other numbers" if numbers else "no time points",
        ),
        (
            frame.others and len(frame.kept) == len(frame.tokens),
            "the length of something else alone",
        ),
        (
            len({(moment.value, moment.unit) for moment in moments}) < len(moments),
            "time points repeated",
        ),
        (
            len(frame.groups) > 1 and rule("perhaps_other_length").search(kept),
            "time points, perhaps another length",
        ),
        (
            any(point.value == 1 and point.unit is TimeUnit.DAY for point in moments),
            "time points, day 1",
        ),
        (frame.others, "time points beside other lengths"),
        (numbers, "time points, other numbers"),
        (len(frame.groups) > 1 and words > _PROSE, "time points in prose"),
    )
    return next((case for applies, case in cases if applies), "time points")


def _make_skeleton(
    tokens: Tokens, groups: Sequence[MomentGroup]
) -> tuple[Tokens, tuple[str, ...]]:
    """Return the tokens with a sign for each group, and the words with one word for each group."""
    codes: list[str] = []
    words: list[str] = []
    done = 0
    for group in (*groups, None):
        stop = group.first if group else len(tokens)
        codes += tokens.codes[done:stop]
        words += (word.lower() for word in tokens.words[done:stop])
        if group:
            moments = group.moments
            sign = "@" if group.moments[0].named else "#"
            shown = sign * min(2, len(moments))
            if len(moments) == 2 and moments[1].after_range:
                one = moments[0]
                begins = one.value <= 0 or (
                    one.named and one.value == 1 and one.unit is not TimeUnit.CYCLE
                )
                shown = f"0 to {sign}" if begins else f"{sign}-{sign}"
            codes += shown.replace(" to ", LEXICON["to"]).replace("0", NUMBER)
            words += shown.split()
            done = group.end
    codes = codes[:_MOST_TOKENS]
    places = list(range(len(codes)))
    return Tokens("", [""] * len(codes), places, places, "".join(codes)), tuple(words)


def _guess_without_points(tokens: Tokens) -> tuple[TimeKind, str]:
    if rule("vague_time").search(tokens):
        return TimeKind.UNSPECIFIED, "vague"
    if rule("each_time").search(tokens):
        return TimeKind.PER, "each"
    if rule("named_moment").search(tokens):
        return (TimeKind.AT, "named")
    return (TimeKind.UNSPECIFIED, "nothing")


def _guess_with_points(
    skeleton: Tokens, points: Sequence[Moment]
) -> tuple[TimeKind, str]:
    """A range is a span between moments, a bare length of time a span from the start; the rest
    names moments.
    """
    alone = len(points) == 1
    listed = sum(point.named for point in points) >= 3 and "#" not in skeleton.codes
    checks = (
        (True, "before_and_after", TimeKind.AT, "before and after"),
        (len(points) == 2, "range_of_moments", None, "range"),
        (not listed, "limit", TimeKind.UP_TO, "limit"),
        (not listed, "from_beginning", TimeKind.UP_TO, "from beginning"),
        (alone and "##" not in skeleton.codes, "bare_length", TimeKind.UP_TO, "bare"),
        (True, "length_explained", TimeKind.UP_TO, "bare"),
        (True, "counted_from", TimeKind.UP_TO, "loose limit"),
        (alone, "loose_limit", TimeKind.UP_TO, "loose limit"),
    )
    for applies, name, kind, shown in checks:
        if applies and rule(name).search(skeleton):
            return (kind, shown) if kind else _guess_range(skeleton)
    return TimeKind.AT, "moments"


def _guess_range(skeleton: Tokens) -> tuple[TimeKind, str]:
    """A range is a span, unless it states when something is done or ends."""
    if rule("limit_is_range").search(skeleton):
        return TimeKind.UP_TO, "limit is a range"
    if rule("opens_span").search(skeleton):
        return TimeKind.FROM_TO, "span"
    before = rule("moments_before").search(
        skeleton, 0, skeleton.codes.find("-") % (len(skeleton) + 1)
    )
    return (TimeKind.AT, "moment is a range") if before else (TimeKind.FROM_TO, "range")


@cache
def _word_classes() -> dict[str, str]:
    """Return the class of each word of time frames, by ``language/rules/words.toml``."""
    return {
        word: name
        for name, words in read_table("words")["time_frame"].items()
        for word in words.split()
    }


def describe_time_frame(frame: TimeFrame) -> list[str]:
    """Return the features of a time frame, in a fixed order. The kind by the rules and the rule
    come first.

    >>> from extractor.concepts.outcomes.moments import read_time_frame
    >>> describe_time_frame(read_time_frame(read_text("Up to 2 years")))[:3]
    ['rule up_to', 'rule up_to limit', 'up_to 1 points']
    """
    skeleton, shown = _make_skeleton(frame.kept, frame.groups)
    kind, by = (
        _guess_with_points(skeleton, frame.points)
        if frame.points
        else _guess_without_points(frame.tokens)
    )
    kept = [
        word for word in shown if word[0].isalnum() or word[0] in "#@" or word in _SIGNS
    ][:_MOST_WORDS]
    words = ["0" if word[0].isnumeric() else word for word in kept]
    classes = [
        _word_classes().get(word, "WORD") if word[0].isalpha() else word
        for word in words
    ]
    groups = frame.groups
    points = frame.points
    has_zero = any(moment.value <= 0 for group in groups for moment in group.moments)
    features = [
        f"rule {kind}",
        f"rule {kind} {by}",
        f"{kind} {min(len(points), 3)} points",
        f"points {min(len(points), 4)}",
        f"named {min(sum(point.named for point in points), 3)}",
        f"groups {min(len(groups), 4)}",
        f"units {min(len({point.unit for point in points}), 3)}",
        f"length {min(len(words) // 3, 6)}",
        *(["zero"] if has_zero else []),
        *(f"word {word}" for word in words),
        *(f"{kind} with {name}" for name in classes),
        *(f"pair {one} {other}" for one, other in pairwise(["^", *classes, "$"])),
        *_describe_signs(words, classes),
    ]
    return list(dict.fromkeys(features))


def _describe_signs(words: Sequence[str], classes: Sequence[str]) -> list[str]:
    """Return features of the words around moments."""
    signs = [number for number, word in enumerate(words) if word[0] in "#@"]
    if not signs:
        return []
    first = signs[0]
    last = signs[-1]
    around = ["^", *words, "$"]
    return [
        "signs " + " ".join(words[number] for number in signs[:3]),
        f"beside first: {around[first]}",
        f"beside last: {around[last]}",
        f"behind first: {around[first + 2]}",
        f"behind last: {around[last + 2]}",
        *(f"before {name}" for name in classes[:first]),
        *(f"between {name}" for name in classes[first + 1 : last]),
        *(f"behind {name}" for name in classes[last + 1 :]),
    ]


def _starts_later(frame: TimeFrame) -> bool:
    """Return whether a time frame spans two moments of which the first is not the start of the
    trial.

    >>> from extractor.concepts.outcomes.moments import read_time_frame
    >>> texts = (
    ...     "From week 8 to end of study (week 52)",
    ...     "From day 1 to end of study (week 52)",
    ... )
    >>> [_starts_later(read_time_frame(read_text(text))) for text in texts]
    [True, False]
    """
    if len(frame.points) != 2 or frame.groups[0].moments[0] != frame.points[0]:
        return False
    return (
        rule("starts_later").search(_make_skeleton(frame.kept, frame.groups)[0])
        is not None
    )


def read_time_kind(
    frame: TimeFrame, concept: Concept | None = None
) -> tuple[TimeKind, float]:
    """Return the most probable kind of the time frame of an outcome with this concept, and its
    probability.

    >>> from extractor.concepts.outcomes.moments import read_time_frame
    >>> read_time_kind(read_time_frame(read_text("Up to 2 years")))[0]
    <TimeKind.UP_TO: 'up_to'>
    >>> read_time_kind(
    ...     read_time_frame(read_text("30 days after surgery")), Concept.MORTALITY
    ... )[0]
    <TimeKind.UP_TO: 'up_to'>
    """
    if frame.points and rule("repeated_until").search(frame.tokens):
        return TimeKind.UP_TO, measured(
            "outcome", "kind of repeated moments with an end"
        )
    choice = load_scorer("time_kinds").choose([describe_time_frame(frame)])[0]
    if concept in _COUNTED and rule("length_after_event").search(
        _make_skeleton(frame.kept, frame.groups)[0]
    ):
        return TimeKind.UP_TO, measured(
            "outcome", "kind of a length in which events are counted"
        )
    if _starts_later(frame):
        sure = measured("outcome", "kind of a span that starts later")
        return TimeKind.FROM_TO, max(
            sure, choice.confidence
        ) if choice.value == TimeKind.FROM_TO else sure
    return TimeKind(choice.value), choice.confidence
