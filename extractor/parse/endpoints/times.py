"""Read the moments of a time frame, single or in lists, and choose its time points."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise

from extractor.parse.scoring import load_scorer
from extractor.schemas import TimeKind, TimeUnit
from extractor.text.book import read_table, rule
from extractor.text.lexer import LEXICON, NUMBER, Tokens
from extractor.text.numbers import MONTHS_OF_YEAR, read_number
from extractor.text.patterns import Found

_UNITS = {"h": "hour", "d": "day", "w": "week", "m": "month", "y": "year", "c": "cycle", "p": "day"}
_ORDINALS = tuple(
    "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split()  # noqa: SIM905
)
_STARTS = (TimeUnit.DAY, TimeUnit.CYCLE)
_LONGEST = {
    TimeUnit.YEAR: 120,
    TimeUnit.MONTH: 1440,
    TimeUnit.WEEK: 6240,
    TimeUnit.DAY: 43_800,
    TimeUnit.HOUR: 1_051_200,
}
"""No trial waits longer than a lifetime."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One number of a time frame: ``tokens.words[first:end]``, at ``span`` in the text.

    ``named`` moments have the unit first ("week 4"), others last ("4 weeks"). ``after_range``: a range sign precedes
    the number.
    """

    value: int | float
    unit: TimeUnit
    first: int
    end: int
    span: tuple[int, int]
    named: bool
    after_range: bool = False


@dataclass(frozen=True, slots=True)
class MomentGroup:
    """Numbers that share a unit, and the tokens of numbers and unit."""

    moments: tuple[Moment, ...]
    first: int
    end: int


@dataclass(frozen=True, slots=True)
class TimeFrame:
    """A time frame on one line; ``kept`` is the rest without intervals and tolerances.

    ``groups`` are all moments, as places in ``kept``; ``points`` are the time points among them. ``others``: how many
    lengths of something else ("2-week run-in") it names.
    """

    tokens: Tokens
    kept: Tokens
    groups: tuple[MomentGroup, ...]
    points: tuple[Moment, ...]
    others: int = 0


def read_time_frame(tokens: Tokens) -> TimeFrame:
    """The moments of a time frame.

    >>> frame = read_time_frame(read_text("Every 4 weeks up to week 52 (+/-3 days)"))
    >>> frame.kept.words, [(point.value, point.unit.value) for point in frame.points]
    (['up', 'to', 'week', '52'], [(52, 'week')])
    """
    others = [(at.first, at.end) for at in rule("other_length_aside").find(tokens)]
    frame = _read_without(tokens, others)
    # "Walking test (6 min)": the only length is the time frame.
    return frame if frame.points or not others else replace(_read_without(tokens, []), others=len(others))


def _read_without(tokens: Tokens, others: Sequence[tuple[int, int]]) -> TimeFrame:
    kept = _drop_intervals(tokens, others)
    groups = tuple(_find_groups(kept))
    return TimeFrame(tokens, kept, groups, tuple(_select_points(kept, groups, tokens)), len(others))


def _drop_intervals(tokens: Tokens, others: Sequence[tuple[int, int]]) -> Tokens:
    """The tokens of a time frame without ``others``, tolerances, intervals and cycle lengths."""
    places = [*others, *((at.first, at.end) for at in rule("no_moment").find(tokens))]
    for found in rule("tolerance").find(tokens):
        unit = found.part("unit")
        # "4 ± 2 months": keep the unit, since it belongs to the number before.
        keeps = unit and not any(rule("moment_unit").find(tokens, max(0, found.first - 4), found.first))
        places.append((found.first, unit[0] if unit and keeps else found.end))
    return tokens.without(places, 0, len(tokens))


def _find_groups(tokens: Tokens) -> Iterator[MomentGroup]:
    """Every list of numbers with a unit of time, left to right, including baseline."""
    named, counted = rule("named_moments").search(tokens), rule("counted_moments").search(tokens)
    while named or counted:
        if named and (not counted or named.first <= counted.first):
            group = _read_named(tokens, named)
        elif counted:
            group = MomentGroup(tuple(_read_list(tokens, counted, named=False)), counted.first, counted.end)
        if group.moments:
            yield group
        # Search again only after passing a match, so that time stays linear.
        if named and named.first < group.end:
            named = rule("named_moments").search(tokens, group.end)
        if counted and counted.first < group.end:
            counted = rule("counted_moments").search(tokens, group.end)


def _read_named(tokens: Tokens, found: Found) -> MomentGroup:
    """The numbers after a unit. A last number with its own unit is left for the next group."""
    moments = list(_read_list(tokens, found, named=True))
    own = rule("moment_unit")
    while len(moments) > 1 and own.starts(tokens, moments[-1].end + (tokens.codes[moments[-1].end :][:1] == "-")):
        moments.pop()
    # No moment is left if each number is too large to represent.
    return MomentGroup(tuple(moments), found.first, moments[-1].end if moments else found.end)


def _read_list(tokens: Tokens, found: Found, *, named: bool) -> Iterator[Moment]:
    word = (found.read("unit") or "").lower()
    unit = TimeUnit("minute" if word.startswith("min") else _UNITS[word[0]])
    first, end = found.part("list") or (0, 0)
    done = first
    for at in rule("listed_number").find(tokens, first, end):
        text = at.text.lower()
        starts = text == "first" and unit in _STARTS and not rule("first_of_days").starts(tokens, at.first)
        number = 0 if starts else _read_number(text)
        too_long = number is not None and number > _LONGEST.get(unit, number)
        if too_long and "," not in text:
            continue  # a calendar year, or the number of a drug or trial
        negative = _is_negative(tokens, at.first, alone=at.first == first)
        in_range = rule("range_mark").covers(tokens, done, at.first) is not None
        done = at.end
        # "the 4th week" names a moment like "week 4".
        as_name = named or (text[-1].isalpha() and rule("ordinal").covers(tokens, at.first, at.end) is not None)
        if "," in text and (too_long or (at.first, at.end) != (first, end)):
            for piece in re.finditer(r"\d+", text):  # "72,96,120 hours": not thousands
                span = (at.span[0] + piece.start(), at.span[0] + piece.end())
                yield Moment(int(piece[0]), unit, at.first, at.end, span, as_name)
        elif number is not None:
            yield Moment(-number if negative else number, unit, at.first, at.end, at.span, as_name, in_range)


def _is_negative(tokens: Tokens, number: int, *, alone: bool) -> bool:
    """Whether a hyphen before a number is its sign: it begins a list, or follows another joint."""
    codes = tokens.codes
    if number == 0 or codes[number - 1] != "-" or not tokens.joined(number):
        return False
    return number == 1 or not tokens.joined(number - 1) or codes[number - 2] in ("(", ",", ";", "/") or alone


def _read_number(text: str) -> int | float | None:
    if text in _ORDINALS:
        return _ORDINALS.index(text)
    return read_number(text[:-2].rstrip() if text[-2:] in ("st", "nd", "rd", "th") and text[0].isdigit() else text)


def _select_points(tokens: Tokens, groups: Sequence[MomentGroup], whole: Tokens) -> list[Moment]:
    """The listed moments, without zero, "Day 1 of Cycle 1", starts of ranges, and repetitions."""
    cycles = rule("cycle_in_frame").search(whole) is not None
    moments = _sum_up(tokens, [moment for group in groups for moment in group.moments])
    kept: dict[tuple[float, TimeUnit], Moment] = {}
    for place, moment in enumerate(moments):
        if moment.value > 0 and not _is_start(tokens, moments, place, cycles=cycles):
            kept.setdefault((moment.value, moment.unit), moment)
    return list(kept.values())


def _sum_up(tokens: Tokens, moments: list[Moment]) -> list[Moment]:
    """The only two moments as one that is stated in two units: "3 years and 9 months". With a comma they are a list."""
    if [moment.unit for moment in moments] != [TimeUnit.YEAR, TimeUnit.MONTH]:
        return moments
    years, months = moments
    joint = rule("months_of_years").starts(tokens, years.end + 1)
    if not joint or joint.text.startswith(",") or joint.end != months.end or months.value >= MONTHS_OF_YEAR:
        return moments
    value, span = years.value * MONTHS_OF_YEAR + months.value, (years.span[0], months.span[1])
    return [replace(months, value=value, first=years.first, span=span)]


def _is_start(tokens: Tokens, moments: Sequence[Moment], place: int, *, cycles: bool) -> bool:
    """Whether this is day 1 as the origin, the first cycle as part of the origin, or the start of a range."""
    moment = moments[place]
    if moment.value != 1 or not moment.named:
        return False
    if rule("range_mark").starts(tokens, moment.end):
        return True
    if moment.unit is TimeUnit.DAY:
        named = any(found.first < moment.end <= found.end for found in rule("day_as_start").find(tokens))
        return named or cycles
    near = [other for other in moments[max(0, place - 1) : place + 2] if other.unit is TimeUnit.DAY and other.named]
    return moment.unit is TimeUnit.CYCLE and any(other.value == 1 for other in near)


_PROSE = 10
"""More words than this around several moments are a sentence, which may name the time of something else."""


def describe_points(frame: TimeFrame) -> str:
    """The case of the time points by what stands around them, to look up how often such a reading is right.

    >>> [describe_points(read_time_frame(read_text(text))) for text in ("2 years", "Week 8 (3 months in Arm 2)")]
    ['time points', 'time points, other numbers']
    """
    kept, moments = frame.kept, [moment for group in frame.groups for moment in group.moments]
    within = {at for group in frame.groups for at in range(group.first, group.end)}
    outside = [at for at in range(len(kept)) if at not in within]
    words = sum(kept.words[at][0].isalpha() for at in outside)
    numbers = any(kept.codes[at] == NUMBER for at in outside) or (not frame.points and NUMBER in frame.tokens.codes)
    cases = (
        (not frame.points, "no time points, other numbers" if numbers else "no time points"),
        (frame.others and len(frame.kept) == len(frame.tokens), "the length of something else alone"),
        (len({(moment.value, moment.unit) for moment in moments}) < len(moments), "time points repeated"),
        (len(frame.groups) > 1 and rule("perhaps_other_length").search(kept), "time points, perhaps another length"),
        (any(point.value == 1 and point.unit is TimeUnit.DAY for point in moments), "time points, day 1"),
        (frame.others, "time points beside other lengths"),
        (numbers, "time points, other numbers"),
        (len(frame.groups) > 1 and words > _PROSE, "time points in prose"),
    )
    return next((case for applies, case in cases if applies), "time points")


_MOST_WORDS = 60
_MOST_TOKENS = 150
"""The longest skeleton that is read. No real time frame is longer."""
_SIGNS = frozenset(",;:(/+-")


def _make_skeleton(tokens: Tokens, groups: Sequence[MomentGroup]) -> tuple[Tokens, tuple[str, ...]]:
    """The tokens with a sign for each group, and the words with one word for each group."""
    codes: list[str] = []
    words: list[str] = []
    done = 0
    for group in (*groups, None):
        stop = group.first if group else len(tokens)
        codes += tokens.codes[done:stop]
        words += (word.lower() for word in tokens.words[done:stop])
        if group:
            shown = _show(group)
            codes += shown.replace(" to ", LEXICON["to"]).replace("0", NUMBER)
            words += shown.split()
            done = group.end
    codes = codes[:_MOST_TOKENS]
    places = list(range(len(codes)))
    return Tokens("", [""] * len(codes), places, places, "".join(codes)), tuple(words)


def _show(group: MomentGroup) -> str:
    moments = group.moments
    sign = "@" if moments[0].named else "#"
    if len(moments) == 2 and moments[1].after_range:
        one = moments[0]
        begins = one.value <= 0 or (one.named and one.value == 1 and one.unit is not TimeUnit.CYCLE)
        return f"0 to {sign}" if begins else f"{sign}-{sign}"
    return sign * min(2, len(moments))


def _guess_without_points(tokens: Tokens) -> tuple[TimeKind, str]:
    if rule("vague_time").search(tokens):
        return TimeKind.UNSPECIFIED, "vague"
    if rule("each_time").search(tokens):
        return TimeKind.PER, "each"
    return (TimeKind.AT, "named") if rule("named_moment").search(tokens) else (TimeKind.UNSPECIFIED, "nothing")


def _guess_with_points(skeleton: Tokens, points: Sequence[Moment]) -> tuple[TimeKind, str]:
    """A range is a span between moments, a bare length of time a span from the start; the rest names moments."""
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
    before = rule("moments_before").search(skeleton, 0, skeleton.codes.find("-") % (len(skeleton) + 1))
    return (TimeKind.AT, "moment is a range") if before else (TimeKind.FROM_TO, "range")


@cache
def _word_classes() -> dict[str, str]:
    """The class of each word of time frames, by ``rulebook/words.toml``."""
    return {word: name for name, words in read_table("words")["time_frame"].items() for word in words.split()}


def describe_time_frame(frame: TimeFrame) -> list[str]:
    """The features of a time frame, in a fixed order. The kind by the rules and the rule come first.

    >>> describe_time_frame(read_time_frame(read_text("Up to 2 years")))[:3]
    ['rule up_to', 'rule up_to limit', 'up_to 1 points']
    """
    skeleton, shown = _make_skeleton(frame.kept, frame.groups)
    kind, by = _guess_with_points(skeleton, frame.points) if frame.points else _guess_without_points(frame.tokens)
    kept = [word for word in shown if word[0].isalnum() or word[0] in "#@" or word in _SIGNS][:_MOST_WORDS]
    words = ["0" if word[0].isnumeric() else word for word in kept]
    classes = [_word_classes().get(word, "WORD") if word[0].isalpha() else word for word in words]
    groups, points = frame.groups, frame.points
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
    """Features of the words around moments."""
    signs = [number for number, word in enumerate(words) if word[0] in "#@"]
    if not signs:
        return []
    first, last = signs[0], signs[-1]
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


def read_time_kind(frame: TimeFrame) -> tuple[TimeKind, float]:
    """The most probable kind and its probability.

    >>> read_time_kind(read_time_frame(read_text("Up to 2 years")))[0]
    <TimeKind.UP_TO: 'up_to'>
    """
    choice = load_scorer("time_kinds").choose([describe_time_frame(frame)])[0]
    return TimeKind(choice.value), choice.confidence
