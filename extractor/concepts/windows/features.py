"""List the features of a time window: evidence for or against the window, its name and its moment.

``confidence/table.toml`` says what each feature means and whether it raises or lowers the
confidence.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from extractor.concepts.doses.names import find_general
from extractor.concepts.people.ages import may_be_age, may_be_unnamed_age
from extractor.concepts.windows.parts import (
    NamePosition,
    Parts,
    is_of_other_direction,
    is_past,
)
from extractor.concepts.windows.times import Window, is_absence
from extractor.evidence.drafts import ValuePart
from extractor.language.book import rule
from extractor.language.lexer import NUMBER, Range, Tokens, cover, keep
from extractor.schemas import TimeUnit
from extractor.schemas.vocabulary import LOWER, UPPER

_SHORT_TIMES = (TimeUnit.MINUTE, TimeUnit.HOUR)
# The weights of its feature were fitted with it.
_LONG_LINE = 60
# The weights of its feature were fitted with it.
_REACH = 14
"""Number of tokens before a window that are searched for words of features."""
# The weights of its feature were fitted with it.
_STOP_REACH = 10
"""Number of tokens before and after a window that may say that a treatment stops."""
# The weights of its feature were fitted with it.
_JOINT_REACH = 3
"""Number of tokens before a duration that may be the first end of its range."""
# The weights of its feature were fitted with it.
_FEW_WORDS = 3
# The weights of its feature were fitted with it.
_SOME_WORDS = 6
# The weights of its feature were fitted with it.
_MANY_WORDS = 10
_LEFT_WORDS = (0, 2, _MANY_WORDS)
"""The greatest numbers of unexplained words that count as none, few and some."""
_NAME_WORDS = (1, _FEW_WORDS, _SOME_WORDS, _MANY_WORDS)
_WORDS_IN_NAME = (
    "one word",
    "two or three words",
    "four to six words",
    "many words",
    "very many words",
)
"""The features of a name with at most so many words, and of a longer one."""
_FAR = 200
"""Number of tokens before a name and after its time that are counted. They have more than
``_MANY_WORDS`` words that no rule explains, or the line is a list.
"""
_FORMS = {
    "alone": "read as alone",
    "compared_window": "read as compared_window",
    "lasting": "read as lasting",
    "looking_back": "read as looking_back",
    "placed_before": "read as placed_before",
    "unit_alone": "read as unit_alone",
}
"""The productions that make a window more or less certain, with their features in
``confidence/table.toml``.
"""
_WITHOUT_COMPARATOR = {
    "lasting": "lasting without a comparator",
    "placed_after": "placed_after without a comparator",
    "placed_before": "placed_before without a comparator",
    "unit_alone": "unit_alone without a comparator",
}
"""The productions that are less certain without a comparator, with their features."""
_POSITIONS = {
    NamePosition.BEFORE: "named before",
    NamePosition.BEHIND: "named behind",
    NamePosition.SHARED: "named shared",
}
_LEFT_BEFORE = (
    "none left before its name",
    "few left before its name",
    "some left before its name",
    "many left before its name",
)
_LEFT_BEHIND = (
    "none left behind its time",
    "few left behind its time",
    "some left behind its time",
    "many left behind its time",
)
"""The features for no, few, some and many unexplained words."""
_BEFORE_LENGTH = {
    "asked_ahead": "something ahead is asked",
    "at_rest": "how a measurement is made",
    "part_of_trial": "behind a part of the trial",
}
"""Rules for words before a duration that is no window, with the features that they create."""
_LEADS = ("limited_lead", "limited_cut", "treatment_verb")
_TAILS = ("limited_tail", "limited_lead")
"""Rules for the words that lead from a name to its time."""
_USUAL_ENDS = ("ectomy", "emia", "itis", "oma", "osis", "pathy", "therapy", "tomy")
_RULES_IN_NAME = {
    "relation_word": "words in relation",
    "joint_word": "joined by and or or",
    "duration": "a length of time within",
    "limit_in_name": "a limit within",
    "other_with_time": "a time of its own within",
}
"""Rules for words within a name, with the features that they create."""
_BEFORE_NAME = {
    "treatment_verb": "behind a verb of treatment or illness",
    "limited_cut": "behind another verb",
    "limited_lead": "behind a word of no meaning",
}
"""Rules for the words directly before a name, with the features that they create; only the first
match is used.
"""
_GO_ON = frozenset({"of", "to"})
"""Words that connect a time to a following name: "use (within 14 days) of steroids"."""


def list_window_features(
    tokens: Tokens, windows: Sequence[Window], parts: Sequence[Parts], at: int
) -> tuple[tuple[str, ...], dict[str, ValuePart]]:
    """Return the features of the time window at index ``at`` of a line, and those of its name
    ("of") and its moment ("anchor") if the line states them.
    """
    window = windows[at]
    own_parts = parts[at]
    shared = []
    if len(windows) == 1:
        shared.append("the only window")
    if window.comparator in LOWER:
        shared.append("at least")
    # most time windows are counted from entry, which many lines leave out
    if own_parts.anchor is None:
        shared.append("without a moment")
    of_parts: dict[str, ValuePart] = {}
    if own_parts.of:
        name = _describe_name(tokens, window, own_parts, own_parts.of)
        of_parts["of"] = ValuePart((*name, *shared))
    if own_parts.anchor:
        moment = list(shared)
        if is_of_other_direction(tokens, window, own_parts.anchor):
            moment.append("a moment of the other direction")
        of_parts["anchor"] = ValuePart(tuple(moment))
    features = (
        *_describe_kind(tokens, window, own_parts),
        *_describe_direction(tokens, window, own_parts),
        *shared,
    )
    return features, of_parts


def _describe_kind(tokens: Tokens, window: Window, parts: Parts) -> Iterator[str]:
    """Yield the production that read a duration, unless it is a usual one, and features of a
    duration that is no window but, for example, the length of a treatment, a measurement or the
    trial. A duration that is counted from a moment can have only the first six features.
    """
    first = window.first
    length_start, length_end = window.length
    reach = max(0, first - _REACH)
    if window.rule in _FORMS:
        yield _FORMS[window.rule]
    if len(tokens) > _LONG_LINE:
        yield "a long line"
    if window.unit is TimeUnit.YEAR and may_be_age(tokens, window):
        yield "as long as a life"
    if is_absence(tokens, window):
        yield "absent for a length of time"
    # "two attacks at least 4 weeks apart"
    if rule("apart").starts(tokens, length_end):
        yield "apart"
    # "4 attacks per month in the past 2 months"
    if rule("rate_before").ends(tokens, first, reach):
        yield "behind a rate"
    # what has a moment ("within 4 weeks before the first dose") is hardly anything but a window
    if parts.anchor:
        return
    # "planning a pregnancy in the next 6 months"
    for rule_name, feature in _BEFORE_LENGTH.items():
        if rule(rule_name).ends(tokens, first, reach):
            yield feature
    # "at least a 1-year history of migraine"
    if "-" in tokens.codes[length_start:length_end]:
        yield "a length in a compound"
    # "surgery of more than 3 hours"
    if window.unit in _SHORT_TIMES:
        yield "minutes or hours without a moment"
    # "for more than 30 days cumulative"
    if rule("goes_on").starts(tokens, window.end):
        yield "goes on behind its words"
    # "analgesics taken daily for 3 months"
    is_plain_length = window.rule in ("lasting", "compared_window")
    if is_plain_length and rule("used_so_long").ends(tokens, first, reach):
        yield "how long something is used"


def _describe_direction(tokens: Tokens, window: Window, parts: Parts) -> Iterator[str]:
    """Yield features that show how the direction of a window was determined (at most one), and that
    the duration may have none: an age, a planned duration, or the time after a treatment ends.
    """
    first = window.first
    is_anchored = parts.anchor is not None or is_past(tokens, window)
    # "28 days or 5 half-lives"
    if window.takes_direction:
        yield "its direction is that of another window"
    elif window.high is not None:
        yield "a range"
    elif _is_end_of_range(tokens, window):
        yield "one end of a range"
    elif not window.sure:
        yield "its direction is not in its words"
    elif not window.has_comparator and window.rule != "looking_back":
        if window.rule in _WITHOUT_COMPARATOR:
            yield _WITHOUT_COMPARATOR[window.rule]
        if not is_anchored:
            yield "a length without a comparator or a moment"
    if not is_anchored:
        yield from _describe_unanchored(tokens, window)
    if window.rule == "lasting":
        if is_past(tokens, window):
            yield "for the past"
        near = max(0, first - 1), window.length[1]
        # "scheduled for the next 6 months": it lies ahead, so nothing is counted back
        if rule("planned_for").search(tokens, *near):
            yield "planned for a length of time"
    # "stopped within 4 weeks" may mean at least or at most
    if window.comparator in UPPER:
        near = max(0, first - _STOP_REACH), min(len(tokens), window.end + _STOP_REACH)
        if rule("ends_treatment").search(tokens, *near):
            yield "at most, beside a word for stopping"


def _is_end_of_range(tokens: Tokens, window: Window) -> bool:
    """Return whether a duration is one end of a range with two units: "6 weeks to 12 months"."""
    if rule("range_behind").starts(tokens, window.length[1]):
        return True
    first = window.first
    return rule("range_before").ends(tokens, first, first - _JOINT_REACH) is not None


def _describe_unanchored(tokens: Tokens, window: Window) -> Iterator[str]:
    """Yield features that show that a window without a moment may be an age or a plain duration
    rather than a limit.
    """
    if window.has_comparator:
        # "Cyclists, at least 20 years"
        if window.unit is TimeUnit.YEAR and may_be_unnamed_age(tokens, window):
            yield "may be an age"
        near = max(0, window.first - _REACH), window.end
        if rule("weeks_of_pregnancy").search(tokens, *near):
            yield "may be a week of a pregnancy"
    # "over 3 months" may mean within or longer
    if window.is_reversible:
        yield "over or during a length of time"
    opening = tokens.words[window.first].lower()
    if window.rule == "looking_back" and opening != "within":
        yield "neither within nor past"


def _describe_name(
    tokens: Tokens, window: Window, parts: Parts, name: Range
) -> Iterator[str]:
    """Yield features for the name of a window: its position, its words, and the unexplained words
    around it.
    """
    first, end = name
    if parts.position:
        yield _POSITIONS[parts.position]
    word_count = sum(word[0].isalnum() for word in tokens.words[first:end])
    yield _WORDS_IN_NAME[bisect_left(_NAME_WORDS, word_count)]
    # a number in a name may belong to a limit or a dose that was not read
    if NUMBER in tokens.codes[first:end]:
        yield "a number within"
    for rule_name, feature in _RULES_IN_NAME.items():
        if rule(rule_name).search(tokens, first, end):
            yield feature
    known = _list_known(tokens)
    if bisect_left(known, end) > bisect_left(known, first):
        yield "a known name"
    is_short = word_count <= _SOME_WORDS
    last = tokens.words[end - 1].lower()
    if last.endswith(_USUAL_ENDS) or rule("usual_name").ends(tokens, end, first):
        yield "ends with a usual name"
        if is_short:
            yield "a short usual name"
    if parts.position is NamePosition.BEFORE:
        yield from _describe_lead(tokens, window, parts, name)
        yield from _describe_rest(tokens, window, parts, name, is_short=is_short)


@keep
def _list_known(tokens: Tokens) -> list[int]:
    """Return the tokens at which the agents that a line names begin, in order."""
    return [first for _, first, _ in find_general(tokens)]


def _describe_lead(
    tokens: Tokens, window: Window, parts: Parts, name: Range
) -> Iterator[str]:
    """Yield features for a name that precedes its time: whether it may go on behind the time, is
    far from it, or opens the line, and the kind of the words directly before it.
    """
    first, end = name
    time_end = window.length[1]
    behind = tokens.words[time_end : time_end + 2]
    # "use (within 14 days) of steroids": the name may be the steroids
    if parts.anchor is None and not _GO_ON.isdisjoint(behind):
        yield "goes on behind its time"
    if window.first - end > _FEW_WORDS:
        yield "apart from its time"
    start = max(0, first - _SOME_WORDS)
    if first == 0:
        yield "opens its line"
    elif rule("joint_word").search(tokens, start, first):
        yield "behind and or or"
    for rule_name, feature in _BEFORE_NAME.items():
        if rule(rule_name).ends(tokens, first, start):
            yield feature
            return
    yield "behind other words"


def _describe_rest(
    tokens: Tokens, window: Window, parts: Parts, name: Range, *, is_short: bool
) -> Iterator[str]:
    """Yield features for the number of words before a name and after its time that no rule
    explains, and for unexplained words between them. If there are none before the time, yield
    further features for a short name and for a line that states nothing else.
    """
    first, end = name
    last = window.end
    if parts.anchor:
        last = max(last, parts.anchor[1])
    before = _count_left(tokens, (max(0, first - _FAR), first), _LEADS)
    between = _count_left(tokens, (end, window.first), _TAILS)
    after = _count_left(tokens, (last, min(last + _FAR, len(tokens))), ())
    yield _describe_left(before, _LEFT_BEFORE)
    yield _describe_left(after, _LEFT_BEHIND)
    if between:
        yield "words left between its name and time"
    # the words that are left may be the real name
    if before + between:
        return
    if is_short and window.first - end <= 1:
        yield "a short name behind nothing"
    if after == 0:
        yield "nothing else in its line"
        if is_short:
            yield "a short name alone"


def _count_left(tokens: Tokens, place: Range, rule_names: Sequence[str]) -> int:
    """Return the number of words in a place that none of the named rules matches."""
    unexplained = {at for at in range(*place) if tokens.words[at][0].isalnum()}
    for rule_name in rule_names:
        unexplained -= cover(rule(rule_name).find(tokens, *place))
    return len(unexplained)


def _describe_left(count: int, features: tuple[str, str, str, str]) -> str:
    """Return the feature for no, few, some or many unexplained words."""
    return features[bisect_left(_LEFT_WORDS, count)]
