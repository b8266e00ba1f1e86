"""How a time frame relates to its time points: at, up to, from-to, per, unspecified.

Rules give a first answer. It is one feature among others of a log-linear choice (see ``kind_features``), whose
weights decide, and whose softmax says how sure they are. The rules read a skeleton of the time frame in which each
length of time ("4 weeks") is ``#``, each named moment ("week 4") is ``@``, a list of either is doubled and a range
is ``#-#`` or ``@-@``.
"""

import re
from collections.abc import Sequence

from extractor.schemas import TimeKind, TimeUnit

from .kind_features import Guess, describe_kind
from .kind_scores import choose_kind
from .moments import Moment, MomentGroup

__all__ = ["guess_kind", "read_time_kind"]


_LONGEST = 800  # characters of a skeleton that are read; no real time frame is longer


def _words(expression: str) -> re.Pattern[str]:
    return re.compile(expression, re.IGNORECASE)


_ABOUT = (
    r"(?:[^\w#@]|about|approx(?:\.|imately)?|around|estimated|an?|average|of|the"
    r"|total|maximum|minimum|max|at least|first|full|next|in|for|median|mean"
    r"|study|whole|entire|to|is|was|planned|expected|additional|day|date|period"
    r"|time ?points?|followed|until|will be|age|end|visit \d+)*"
)
_LIMIT = _words(
    rf"\b(?:up\s?-?t[op]|upto|until|till|through(?:out)?|within|no (?:later|longer) than"
    rf"|maxim\w+|over|for|at most|less than|lasting|lasted|duration"
    rf"|average|median|every|followed|during|assessed (?:up|for)|(?:in|during) (?:the )?(?:first"
    rf"|next|following)){_ABOUT}[#@](?![@])|[<≤]\s*#"
)
_LOOSE_LIMIT = _words(
    r"\b(?:through(?:out)?|until|till|up to|during|over|from (?:the )?(?:date"
    r"|time|first|start|enrol\w+|randomi\w+|baseline|day|infusion|initiation).{0,200}?\b(?:to"
    r"|until|and)"
    r"|to (?:the )?(?:end|completion|death|progression))\b.*#(?!#)|#.*\bthrough study completion"
    r"|^\W*(?:daily|weekly|monthly|all year)\b.*#"
)
_BEGIN = (
    r"(?:baseline|screening|randomi[sz]ation|enrol+ment|inclusion|entry|start"
    r"|beginning|initiation|first|birth|pre-?dose|pre-?treatment"
    r"|registration|consent|admission|infusion|surgery|operation|transplant\w*"
    r"|dose|diagnosis|treatment|vaccination|0|@)"
)
_FROM_BEGINNING = _words(
    rf"\b(?:from|since|between)\b.*?\b(?:to|until|till|through)\b{_ABOUT}[#@](?![@#])"
    rf"|{_BEGIN}[^,;]{{0,60}}?(?:\bto\b|\bthrough\b|\s-+\s|(?<![#@])-(?=[#@])){_ABOUT}[#@](?![@#])"
    r"|\b(?:during|within|over)\b[^#@]*\(##"
    rf"|{_BEGIN}[^,;]{{0,60}}?\bto (?:the )?(?:end|completion)\b.*[#@](?![@#])"
)
_BARE = _words(
    r"^(?:[\W_]|about|approx(?:\.|imately)?|around|estimated|an|average|of|a|total"
    r"|minimum|maximum|at least|for|the|first|full|next|in|post|median|mean|date)*"
    r"#(?:\W*(?:or|and|plus)?\W*#)*(?:\W|of|for|each|per|follow|up|study|treatment"
    r"|therapy|patients?|participants?|subjects?|duration|period|total|time|observation"
    r"|the|or|longer|more|on|in|trial|course|phase|only|approximately"
    r"|average|maximum|planned|placebo)*$"
)
_COUNTED_FROM = _words(
    r"^\W*(?:the )?first #|^\W*(?:about |approximately )?#\s+(?:from|following the start"
    r"|of|treatment|therapy|follow|since|survival|duration|(?:post )?study|on"
    r"|in)\b[^,;#@]*$"
)
_RANGE = _words(r"[#@]-[#@]|^\W*(?:from )?[#@] to [#@](?![#@])|\bbetween (?:[#@] (?:and|to) [#@]|##|@@)")
_LIMIT_IS_RANGE = _words(rf"\b(?:up to|until|to (?:the )?end|through(?:out)?|maximum){_ABOUT}\(?[#@]-")
_OPENS_SPAN = _words(rf"\b(?:between|from|within)\b{_ABOUT}(?:[#@]-|[#@] (?:and|to) [#@])|\bbetween (?:##|@@)")
_BEFORE_AND_AFTER = _words(r"\b(?:before|pre) and (?:after|post)\b")
_EXPLAINED = _words(r"^\W*#\s*\(#\)\W*$")
_MOMENTS_BEFORE = _words(r"\b(?:baseline|visit|at|before|after|prior|day 0)\b")
_NAMED = _words(
    r"\b(?:at|on|bas[ei]*line|screening|before|after|pre|post|prior|immediate\w*"
    r"|following|days?|visits?|end of|time of|once|admission|single"
    r"|surgery|(?:intra|peri|pre|post)-?operative\w*|(?:during|in) (?:the )?(?:surgery"
    r"|operation|procedure)|delivery|birth|enrol+ment|inclusion"
    r"|randomi[sz]ation|discharge|cross-?sectional|entry)\b|\bpre-|\bpost-|\b[TVJ]\d|@"
)
_VAGUE = _words(
    r"\b(?:through(?:out)?|until|till|up to|during(?! (?:the )?(?:surgery|operation"
    r"|procedure))|(?<!entry )to|completion|study period|whole|entire|season|average"
    r"|duration|20\d\d|19\d\d|analy[sz]ed|recruitment)\b"
)
_EACH = _words(
    r"\b(?:every|each|per)\b|\b(?:daily|weekly|monthly|yearly|annually|quarterly"
    r"|\w*intervals?)\b|\b(?:once|twice|times) (?:a|per|every)\b"
)


def read_time_kind(
    text: str, masked: str, groups: Sequence[MomentGroup], points: Sequence[Moment]
) -> tuple[TimeKind, float]:
    """The kind of a cleaned time frame and the probability that it is right.

    ``masked``, ``groups`` and ``points`` are what ``mask_intervals``, ``find_moment_groups`` and
    ``select_time_points`` made of it.
    """
    return choose_kind(describe_kind(guess_kind(text, masked, groups, points), groups, points))


def guess_kind(text: str, masked: str, groups: Sequence[MomentGroup], points: Sequence[Moment]) -> Guess:
    """What the rules say."""
    skeleton = _skeleton(masked, groups)
    kind, rule = _with_points(skeleton, points) if points else _without_points(text)
    return Guess(kind, rule, skeleton)


def _skeleton(masked: str, groups: Sequence[MomentGroup]) -> str:
    pieces: list[str] = []
    done = 0
    for group in groups:
        sign = "@" if group.moments[0].named else "#"
        shown = sign * min(2, len(group.moments))
        if len(group.moments) == 2 and group.moments[1].after_range:
            shown = f"0 to {sign}" if _is_beginning(group.moments[0]) else f"{sign}-{sign}"
        pieces += (masked[done : group.start], shown)
        done = group.end
    return " ".join(("".join(pieces) + masked[done:]).split())[:_LONGEST]


def _is_beginning(moment: Moment) -> bool:
    return moment.value <= 0 or (moment.named and moment.value == 1 and moment.unit is not TimeUnit.CYCLE)


def _without_points(text: str) -> tuple[TimeKind, str]:
    vague = _VAGUE.search(text)
    if _EACH.search(text) and not vague:
        return TimeKind.PER, "each"
    if _NAMED.search(text) and not vague:
        return TimeKind.AT, "named"
    return TimeKind.UNSPECIFIED, "vague" if vague else "nothing"


def _with_points(skeleton: str, points: Sequence[Moment]) -> tuple[TimeKind, str]:
    if _BEFORE_AND_AFTER.search(skeleton):
        return TimeKind.AT, "before and after"
    if _RANGE.search(skeleton) and len(points) == 2:
        return _range_kind(skeleton)
    listed = sum(point.named for point in points) >= 3 and "#" not in skeleton
    if not listed and _LIMIT.search(skeleton):
        return TimeKind.UP_TO, "limit"
    if not listed and _FROM_BEGINNING.search(skeleton):
        return TimeKind.UP_TO, "from beginning"
    return _span_or_moment(skeleton, points)


def _span_or_moment(skeleton: str, points: Sequence[Moment]) -> tuple[TimeKind, str]:
    """A bare length of time is a span from the start; what is left names moments."""
    alone = len(points) == 1
    if (alone and "##" not in skeleton and _BARE.match(skeleton)) or _EXPLAINED.match(skeleton):
        return TimeKind.UP_TO, "bare"
    if _COUNTED_FROM.match(skeleton) or (alone and _LOOSE_LIMIT.search(skeleton)):
        return TimeKind.UP_TO, "loose limit"
    return TimeKind.AT, "moments"


def _range_kind(skeleton: str) -> tuple[TimeKind, str]:
    """A range is a span from a later moment, unless it says when something is done or ends."""
    if _LIMIT_IS_RANGE.search(skeleton):
        return TimeKind.UP_TO, "limit is a range"
    if _OPENS_SPAN.search(skeleton):
        return TimeKind.FROM_TO, "span"
    if _MOMENTS_BEFORE.search(skeleton.split("-", maxsplit=1)[0]):
        return TimeKind.AT, "moment is a range"
    return TimeKind.FROM_TO, "range"
