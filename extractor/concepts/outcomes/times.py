"""Read what kind of time a time frame states, and describe it for the scorer of the kinds."""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise

from extractor.concepts.outcomes.moments import Moment, MomentGroup, TimeFrame
from extractor.evidence.scoring import load_scorer, measured
from extractor.language.book import read_table, rule
from extractor.language.lexer import LEXICON, NUMBER, Tokens
from extractor.schemas import Concept, TimeKind, TimeUnit

LENGTH_ALONE = "the length of something else alone"
"""A case of ``measured``: the only moment may be no time point, but how long a test lasts."""
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
    reading is right: the first of the cases below that holds.

    >>> from extractor.concepts.outcomes.moments import read_time_frame
    >>> [
    ...     describe_points(read_time_frame(read_text(text)))
    ...     for text in ("2 years", "Week 8 (3 months in Arm 2)")
    ... ]
    ['time points', 'time points, other numbers']
    """
    moments = [(group.first, group.end) for group in frame.groups]
    rest = frame.kept.without(moments, 0, len(frame.kept))
    if not frame.points:
        # numbers of intervals and tolerances count, too
        has_numbers = NUMBER in frame.tokens.codes
        return "no time points, other numbers" if has_numbers else "no time points"
    # "Walking test (6 min)": the time point is a length of something else, kept for want of others
    if frame.others and len(frame.kept) == len(frame.tokens):
        return LENGTH_ALONE
    # "operations last on average 2 to 4 hours"
    lasts = rule("lasts_so_long").search(frame.tokens)
    # "a 4-week programme" beside another moment
    names_length = rule("perhaps_other_length").search(frame.kept)
    if lasts or (names_length and len(frame.groups) > 1):
        return "time points, perhaps another length"
    stated = [
        (moment.value, moment.unit)
        for group in frame.groups
        for moment in group.moments
    ]
    if len(set(stated)) < len(stated):
        return "time points repeated"
    if (1, TimeUnit.DAY) in stated:
        return "time points, day 1"
    if frame.others or NUMBER in rest.codes:
        return "time points, other numbers"
    return "time points"


def _make_skeleton(
    tokens: Tokens, groups: Sequence[MomentGroup]
) -> tuple[Tokens, tuple[str, ...]]:
    """Return a time frame with signs in the place of its moments, twice: as codes for the rules
    of ``time_frames.toml``, and as lower-case words for the scorer.

    "Up to 2 years" becomes "Up to #". The signs are those of ``_show_group``. The codes have no
    text, and at most ``_MOST_TOKENS`` of them are kept; of the words all are.
    """
    codes: list[str] = []
    words: list[str] = []
    done = 0
    for group in groups:
        codes += tokens.codes[done : group.first]
        words += [word.lower() for word in tokens.words[done : group.first]]
        shown = _show_group(group)
        # in codes, "to" and the number 0 are one character each
        codes += shown.replace(" to ", LEXICON["to"]).replace("0", NUMBER)
        words += shown.split()
        done = group.end
    codes += tokens.codes[done:]
    words += [word.lower() for word in tokens.words[done:]]
    codes = codes[:_MOST_TOKENS]
    no_words = [""] * len(codes)
    positions = list(range(len(codes)))
    skeleton = Tokens("", no_words, positions, positions, "".join(codes))
    return skeleton, tuple(words)


def _show_group(group: MomentGroup) -> str:
    """Return the signs of a group of moments, by its first one: ``@`` if that is named by a number
    ("week 4"), ``#`` if it is a length ("4 weeks").

    - One moment is ``@`` or ``#``.
    - Three or more, and two that are no range, are a list: ``@@`` or ``##``.
    - A range of two is ``@-@`` or ``#-#``.
    - A range of two from the start of the trial is ``0 to @`` or ``0 to #``: from 0 or less, or
      from the first of a named unit other than a cycle ("week 1", "day 1").
    """
    first = group.moments[0]
    sign = "@" if first.named else "#"
    if len(group.moments) == 1:
        return sign
    if len(group.moments) > 2:
        return sign * 2
    if not group.moments[1].after_range:
        return sign * 2
    if first.value <= 0:
        return f"0 to {sign}"
    # "day 1 to 28" begins with the trial, but cycle 1 is a stretch of weeks
    if first.named and first.value == 1 and first.unit is not TimeUnit.CYCLE:
        return f"0 to {sign}"
    return f"{sign}-{sign}"


def _guess_without_points(tokens: Tokens) -> tuple[TimeKind, str]:
    """Return the kind of a time frame without time points, and a name of what shows it, which is a
    feature of the scorer. A time frame with no known words is of an unspecified kind.
    """
    # "through study completion"
    if rule("vague_time").search(tokens):
        return TimeKind.UNSPECIFIED, "vague"
    # "every visit", "daily"
    if rule("each_time").search(tokens):
        return TimeKind.PER, "each"
    # "at discharge", "Baseline"
    if rule("named_moment").search(tokens):
        return TimeKind.AT, "named"
    return TimeKind.UNSPECIFIED, "nothing"


def _guess_with_points(
    skeleton: Tokens, points: Sequence[Moment]
) -> tuple[TimeKind, str]:
    """Return the kind of a time frame with time points, and a name of what shows it, which is a
    feature of the scorer.

    A range is a span between moments; a limit, or a bare length of time, is a span from the start;
    the rest names moments. In the examples, ``#`` is a length of time and ``@`` a named moment.
    """
    # "before and after treatment"
    if rule("before_and_after").search(skeleton):
        return TimeKind.AT, "before and after"
    # "from @ to #"
    if len(points) == 2 and rule("range_of_moments").search(skeleton):
        return _guess_range(skeleton)
    if not _is_list_of_visits(skeleton, points):
        # "up to #", "no later than @"
        if rule("limit").search(skeleton):
            return TimeKind.UP_TO, "limit"
        # "baseline to @", "from surgery until #"
        if rule("from_beginning").search(skeleton):
            return TimeKind.UP_TO, "from beginning"
    is_alone = len(points) == 1
    is_single = is_alone and "##" not in skeleton.codes
    # "# of follow-up"
    if is_single and rule("bare_length").search(skeleton):
        return TimeKind.UP_TO, "bare"
    # "# (#)": one length in two units
    if rule("length_explained").search(skeleton):
        return TimeKind.UP_TO, "bare"
    # "# from randomization"
    if rule("counted_from").search(skeleton):
        return TimeKind.UP_TO, "loose limit"
    # "through study completion, #"
    if is_alone and rule("loose_limit").search(skeleton):
        return TimeKind.UP_TO, "loose limit"
    return TimeKind.AT, "moments"


def _is_list_of_visits(skeleton: Tokens, points: Sequence[Moment]) -> bool:
    """Return whether a time frame lists visits: "weeks 4, 8, 12 and up to week 52". A limit among
    them does not make it a span.
    """
    visits = [point for point in points if point.named]
    return len(visits) >= 3 and "#" not in skeleton.codes


def _guess_range(skeleton: Tokens) -> tuple[TimeKind, str]:
    """Return the kind of a range of two moments, and a name of what shows it: a span, unless the
    range is the limit itself, or words such as "at" before it make it the time of one moment.
    """
    # "up to #-#"
    if rule("limit_is_range").search(skeleton):
        return TimeKind.UP_TO, "limit is a range"
    # "between ##", "from @ to @"
    if rule("opens_span").search(skeleton):
        return TimeKind.FROM_TO, "span"
    dash = skeleton.codes.find("-")
    end = dash if dash >= 0 else len(skeleton)
    # "at @-@": a moment that may be early or late
    if rule("moments_before").search(skeleton, 0, end):
        return TimeKind.AT, "moment is a range"
    return TimeKind.FROM_TO, "range"


@cache
def _word_classes() -> dict[str, str]:
    """Return the class of each word of time frames, by ``language/rules/words.toml``."""
    classes = {}
    for name, words in read_table("words")["time_frame"].items():
        for word in words.split():
            classes[word] = name
    return classes


def describe_time_frame(frame: TimeFrame) -> list[str]:
    """Return the features of a time frame, each once and in a fixed order. The kind by the rules,
    and what shows it, come first.

    >>> from extractor.concepts.outcomes.moments import read_time_frame
    >>> describe_time_frame(read_time_frame(read_text("Up to 2 years")))[:3]
    ['rule up_to', 'rule up_to limit', 'up_to 1 points']
    """
    skeleton, shown = _make_skeleton(frame.kept, frame.groups)
    if frame.points:
        kind, by = _guess_with_points(skeleton, frame.points)
    else:
        kind, by = _guess_without_points(frame.tokens)
    words = _simplify_words(shown)
    classes = [_find_class(word) for word in words]
    features = [
        f"rule {kind}",
        f"rule {kind} {by}",
        *_describe_counts(frame, kind),
        f"length {min(len(words) // 3, 6)}",
    ]
    moments = [moment for group in frame.groups for moment in group.moments]
    if any(moment.value <= 0 for moment in moments):
        features.append("zero")
    features += [f"word {word}" for word in words]
    features += [f"{kind} with {name}" for name in classes]
    pairs = pairwise(["^", *classes, "$"])
    features += [f"pair {left} {right}" for left, right in pairs]
    features += _describe_signs(words, classes)
    return list(dict.fromkeys(features))


def _describe_counts(frame: TimeFrame, kind: TimeKind) -> list[str]:
    """Return features of how many points, groups and units there are, each up to a most."""
    points = len(frame.points)
    named = sum(point.named for point in frame.points)
    units = len({point.unit for point in frame.points})
    return [
        f"{kind} {min(points, 3)} points",
        f"points {min(points, 4)}",
        f"named {min(named, 3)}",
        f"groups {min(len(frame.groups), 4)}",
        f"units {min(units, 3)}",
    ]


def _simplify_words(shown: Sequence[str]) -> list[str]:
    """Return the first ``_MOST_WORDS`` words and signs, with 0 for each number. Signs that say
    nothing of time are left out.
    """
    words = []
    for word in shown:
        initial = word[0]
        if initial.isnumeric():
            words.append("0")
            continue
        is_sign = initial in "#@" or word in _SIGNS
        if initial.isalpha() or is_sign:
            words.append(word)
    return words[:_MOST_WORDS]


def _find_class(word: str) -> str:
    """Return the class of a word; a number or sign is its own class."""
    if not word[0].isalpha():
        return word
    return _word_classes().get(word, "WORD")


def _describe_signs(words: Sequence[str], classes: Sequence[str]) -> list[str]:
    """Return features of the words around moments; none without a moment.

    ``words`` have the signs of ``_show_group`` for moments, ``classes`` the class of each word.
    """
    signs = [at for at, word in enumerate(words) if word[0] in "#@"]
    if not signs:
        return []
    first = signs[0]
    last = signs[-1]
    shown = " ".join(words[at] for at in signs[:3])
    # the word at n has its left neighbour at n, and its right one at n + 2
    around = ["^", *words, "$"]
    features = [
        f"signs {shown}",
        f"beside first: {around[first]}",
        f"beside last: {around[last]}",
        f"behind first: {around[first + 2]}",
        f"behind last: {around[last + 2]}",
    ]
    features += [f"before {name}" for name in classes[:first]]
    features += [f"between {name}" for name in classes[first + 1 : last]]
    features += [f"behind {name}" for name in classes[last + 1 :]]
    return features


def _starts_later(frame: TimeFrame) -> bool:
    """Return whether a time frame spans two moments of which the first is not the start of the
    trial. False if a start was read, since it is then no time point.

    >>> from extractor.concepts.outcomes.moments import read_time_frame
    >>> texts = (
    ...     "From week 8 to end of study (week 52)",
    ...     "From day 1 to end of study (week 52)",
    ... )
    >>> [_starts_later(read_time_frame(read_text(text))) for text in texts]
    [True, False]
    """
    if len(frame.points) != 2:
        return False
    # "day 1" is the first moment, and no time point
    if frame.groups[0].moments[0] != frame.points[0]:
        return False
    skeleton, _ = _make_skeleton(frame.kept, frame.groups)
    return rule("starts_later").search(skeleton) is not None


def read_time_kind(
    frame: TimeFrame, concept: Concept | None = None
) -> tuple[TimeKind, float]:
    """Return the most probable kind of the time frame of an outcome with this concept, and its
    probability.

    A scorer chooses the kind. Three wordings are decided without it: moments repeated until an
    end, a length of time in which events are counted, and a span that starts later.

    >>> from extractor.concepts.outcomes.moments import read_time_frame
    >>> read_time_kind(read_time_frame(read_text("Up to 2 years")))[0]
    <TimeKind.UP_TO: 'up_to'>
    >>> read_time_kind(
    ...     read_time_frame(read_text("30 days after surgery")), Concept.MORTALITY
    ... )[0]
    <TimeKind.UP_TO: 'up_to'>
    """
    # "at week 4, then every 12 weeks, up to 24 months"
    if frame.points and rule("repeated_until").search(frame.tokens):
        case = "kind of repeated moments with an end"
        return TimeKind.UP_TO, measured("outcome", case)
    [choice] = load_scorer("time_kinds").choose([describe_time_frame(frame)])
    # deaths are counted until 30 days after surgery, but pain is measured at 30 days
    if concept in _COUNTED and _is_length_after_event(frame):
        case = "kind of a length in which events are counted"
        return TimeKind.UP_TO, measured("outcome", case)
    if _starts_later(frame):
        sure = measured("outcome", "kind of a span that starts later")
        if choice.value == TimeKind.FROM_TO:
            sure = max(sure, choice.confidence)
        return TimeKind.FROM_TO, sure
    return TimeKind(choice.value), choice.confidence


def _is_length_after_event(frame: TimeFrame) -> bool:
    """Return whether a time frame is a length of time after an event: "30 days after surgery"."""
    skeleton, _ = _make_skeleton(frame.kept, frame.groups)
    return rule("length_after_event").search(skeleton) is not None
