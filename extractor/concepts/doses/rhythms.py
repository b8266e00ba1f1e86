"""Find the routes, frequencies, days, cycles, treatment durations and times of administration in a
text.

``rules/dose_marks.toml`` lists the rules of frequencies, cycles and durations, the function that
builds the value for each rule, and the codes of intervals and counts.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from math import inf
from typing import Any

from extractor.concepts.doses.marks import (
    PART,
    Mark,
    drop_overlaps,
    within,
)
from extractor.language.book import find_terms, list_possible, read_table, rule
from extractor.language.lexer import Tokens, keep
from extractor.language.numbers import (
    ORDINALS,
    WHOLE_DAYS,
    find_durations,
    has_minus,
    read_number,
    read_time_unit,
)
from extractor.language.patterns import RuleMatch
from extractor.schemas import Frequency, Period, Route, TimeUnit

_ORDINALS = {"other": 2, "alternate": 2, "alternating": 2, **ORDINALS}
_FRACTIONS: Mapping[float, TimeUnit] = {
    7: TimeUnit.DAY,
    52: TimeUnit.WEEK,
    12: TimeUnit.MONTH,
}
"""The units of durations that prescriptions write as fractions: "2/52" is two weeks."""
_PIECES = (0, 0.5, 1, 2, 3)
"""The numbers of pieces that are taken at one time of the day."""
_NO_RHYTHM_BEFORE = (
    "no_giving_before",
    "step_before",
    "not_this_one",
    "least_interval_before",
    "washout_before",
)


def find_routes(tokens: Tokens) -> Iterator[Mark]:
    """Yield routes of administration. Codes ("DSM-IV"), devices ("IV line") and negated routes
    ("not intramuscularly") are skipped.
    """
    for term in find_terms(tokens, "routes"):
        if tokens.gap(term.first) == "-" and tokens.words[term.first].isupper():
            continue
        if rule("no_route_after").starts(tokens, term.end):
            continue
        if rule("no_route_before").ends(tokens, term.first):
            continue
        confidence = term.entry.confidence
        yield Mark("route", Route(term.value), term.first, term.end, confidence)


def find_frequencies(tokens: Tokens, amounts: Sequence[Mark] = ()) -> list[Mark]:
    """Return the frequencies in a text from left to right, except for those that refer to visits,
    dose changes or limits. ``amounts`` contains the amounts in the text.

    >>> from extractor.language.book import read_text
    >>> text = "every 3 weeks, then 2 times a day; visits every 8 weeks"
    >>> [str(mark.value) for mark in find_frequencies(read_text(text))]
    ['Q3W', 'BID']
    """
    return [
        mark
        for mark in _list_frequencies(tokens)
        if not _is_of_other_act(tokens, mark, amounts)
    ]


def list_other_frequencies(tokens: Tokens) -> list[Mark]:
    """Return the frequencies of visits, dose changes and limits."""
    marks = _list_frequencies(tokens)
    return [mark for mark in marks if _is_of_other_act(tokens, mark, ())]


def _list_frequencies(tokens: Tokens) -> list[Mark]:
    marks = list(_find(tokens, "frequency"))
    for term in find_terms(tokens, "frequencies"):
        place = term.first, term.end
        # "daily" alone is less certain than "once daily"
        is_bare = rule("bare_rhythm").covers(tokens, *place)
        confidence = 0.85 if is_bare else term.entry.confidence
        marks.append(Mark("frequency", Frequency(term.value), *place, confidence))
    return drop_overlaps(marks)


def _is_of_other_act(tokens: Tokens, mark: Mark, amounts: Sequence[Mark]) -> bool:
    """Return whether the words next to a frequency show that it refers to visits or dose changes.
    The words are ignored if an amount is between them and the frequency: "increased to 5 mg twice
    daily".
    """
    if rule("no_rhythm_after").starts(tokens, mark.end):
        return True
    for name in _NO_RHYTHM_BEFORE:
        match = rule(name).ends(tokens, mark.first)
        if match and not within(amounts, match.first, mark.first):
            return True
    return False


def _find(tokens: Tokens, field: str) -> Iterator[Mark]:
    """Yield the marks found by the rules that the table lists for a field. The mark of a cycle
    covers only its length, from the ``value`` part to the ``unit`` part of the rule.
    """
    rows = read_table("dose_marks")[field]
    for name in list_possible(tuple(rows), tokens):
        row = rows[name]
        for match in rule(name).find(tokens):
            value = _make_value(match, row)
            if value is None:
                continue
            place = match.first, match.end
            if field == "cycle":
                place = match.place("value")[0], match.place("unit")[1]
            yield Mark(field, value, *place, row["sure"])


def _make_value(match: RuleMatch, row: Mapping[str, Any]) -> Frequency | Period | None:
    """Return the value of a match: the code of its row, or what the function of the row makes."""
    if "makes" in row:
        return _MAKERS[row["makes"]](match)
    return Frequency(row["code"])


def _read_number(match: RuleMatch, name: str = "") -> float:
    """Return the first number or ordinal in the ``name`` part of a match or, if it has no such
    part, in the whole match. A number that is too large to be read is treated as infinite.
    """
    if match.has(name):
        words = [match.read(name) or ""]
    else:
        words = match.tokens.words[match.first : match.end]
    for word in words:
        number = _ORDINALS.get(word.lower()) or read_number(word)
        if number is not None:
            return number
    return inf


def _read_unit(match: RuleMatch) -> TimeUnit:
    """Return the time unit of a match. The rules admit two words that are not in the vocabulary of
    time units: "daily" and "nights". Both stand for days.
    """
    word = (match.read("unit") or "").lower().removesuffix("ly")
    return read_time_unit(word) or TimeUnit.DAY


def _make_interval(match: RuleMatch) -> Frequency:
    """Return the code of an interval: "every 3 weeks". A range has the code ``other``."""
    if match.has("high"):
        return Frequency.OTHER
    return code_interval(_read_number(match, "low"), _read_unit(match))


def code_interval(number: float, unit: TimeUnit) -> Frequency:
    """Return the frequency code of an interval.

    >>> str(code_interval(3, TimeUnit.WEEK)), str(code_interval(5, TimeUnit.HOUR))
    ('Q3W', 'other')
    """
    codes = read_table("dose_marks")["interval"]
    if unit not in codes:
        number *= WHOLE_DAYS.get(unit, 0)
        unit = TimeUnit.DAY
    return _find_code(codes[unit], number)


def _find_code(codes: Mapping[str, str], number: float) -> Frequency:
    """Return the code of a number. A number without a code, such as 1.5 days, has the code
    ``other``.
    """
    return Frequency(codes.get(f"{number:g}", Frequency.OTHER))


def _make_count(match: RuleMatch) -> Frequency:
    """Return the code for a number of times per day, week or month: "3 times a day", "in two
    divided doses". A range has the code ``other``.
    """
    if match.has("range"):
        return Frequency.OTHER
    codes = read_table("dose_marks")["count"][_read_unit(match)]
    return _find_code(codes, _read_number(match, "low"))


def _make_single(match: RuleMatch) -> Frequency | None:
    """Return ``once`` for a single dose: "one infusion". Other numbers of doses do not state a
    frequency.
    """
    if _read_number(match) == 1:
        return Frequency.ONCE
    return None


def _make_daytimes(match: RuleMatch) -> Frequency | None:
    """Return the code for the pieces that are taken at each time of the day: "1-0-1"."""
    words = match.tokens.words[match.first : match.end]
    pieces = [read_number(word) for word in words if word not in "-+"]
    if not any(pieces) or any(piece not in _PIECES for piece in pieces):
        return None
    taken = len(list(filter(None, pieces)))
    return _find_code(read_table("dose_marks")["count"]["day"], taken)


def _make_weekdays(match: RuleMatch) -> Frequency:
    """Return the code for a number of weekdays: "Monday and Friday". A range has the code
    ``other``.
    """
    if match.has("through"):
        return Frequency.OTHER
    words = match.tokens.words[match.first : match.end]
    days = [word for word in words if word[0].isalpha() and word.lower() != "and"]
    return _find_code(read_table("dose_marks")["count"]["week"], len(days))


def _make_period(match: RuleMatch) -> Period | None:
    """Return the duration that a match states; None for a range. If the number is missing, it is
    taken to be 1 ("for a week"); if the unit is missing, it is taken to be a cycle ("6 courses").
    """
    number = _read_number(match, "value") if match.has("value") else 1
    unit = _read_unit(match) if match.has("unit") else TimeUnit.CYCLE
    if number == inf or match.has("range"):
        return None
    return Period(value=number, unit=unit)


def _make_prescribed(match: RuleMatch) -> Period | None:
    """Return the duration in a fraction of a week, a year or months: "7/7", "2/52", "3/12"."""
    unit = _FRACTIONS.get(_read_number(match, "of"))
    if unit:
        return Period(value=_read_number(match, "value"), unit=unit)
    return None


_MAKERS: Mapping[str, Callable[[RuleMatch], Frequency | Period | None]] = {
    "interval": _make_interval,
    "count": _make_count,
    "single": _make_single,
    "daytimes": _make_daytimes,
    "weekdays": _make_weekdays,
    "period": _make_period,
    "prescribed": _make_prescribed,
}
"""The functions that turn a match into a value, keyed by their names in the table."""


def find_cycles(tokens: Tokens) -> list[Mark]:
    """Return the lengths of cycles: "each 21-day cycle", "4-weekly cycles"."""
    marks = list(_find(tokens, "cycle"))
    for time in find_durations(tokens):
        is_length = time.low == time.high and time.unit in WHOLE_DAYS
        if not is_length:
            continue
        if rule("no_cycle_after").starts(tokens, time.end):
            continue
        before = rule("cycle_before").ends(tokens, time.first)
        if before or rule("cycle_after").starts(tokens, time.end):
            period = Period(value=time.low, unit=time.unit)
            marks.append(Mark("cycle", period, time.first, time.end, 0.9))
    return drop_overlaps(marks)


def find_lengths(tokens: Tokens) -> list[Mark]:
    """Return the treatment durations: "for 12 weeks", "up to 6 cycles", "until week 24". The value
    of a range is None. The mark of the length of a part, "for the first 7 days", has another field.
    """
    marks = list(_find(tokens, "duration"))
    for time in find_durations(tokens):
        confidence = _rate_length(tokens, time.first, time.end)
        if confidence is None:
            continue
        if time.unit in (TimeUnit.MINUTE, TimeUnit.HOUR):
            continue
        is_days = time.unit is TimeUnit.DAY
        if is_days and rule("repeated_after").starts(tokens, time.end):
            continue
        period = Period(value=time.high, unit=time.unit)
        value = period if time.low == time.high else None
        is_of_part = rule("part_length_before").ends(tokens, time.first)
        field = PART if is_of_part else "duration"
        marks.append(Mark(field, value, time.first, time.end, confidence))
    return drop_overlaps(marks)


def list_other_lengths(tokens: Tokens) -> Iterator[Mark]:
    """Yield the durations of pauses and observation periods, which are not treatment durations."""
    for time in find_durations(tokens):
        if rule("other_length_before").ends(tokens, time.first):
            period = Period(value=time.high, unit=time.unit)
            yield Mark("duration", period, time.first, time.end)


def _rate_length(tokens: Tokens, first: int, end: int) -> float | None:
    """Return the confidence that a duration is a treatment duration; None if it is not."""
    if rule("no_length_after").starts(tokens, end):
        return None
    if rule("other_length_before").ends(tokens, first):
        return None
    before = rule("length_before").ends(tokens, first)
    if before and before.has("strong"):
        return 0.9
    if rule("length_after").starts(tokens, end):
        return 0.85
    if before:
        return 0.5
    return None


_MOST = 60
"""Ranges with more days than this are not expanded into individual days."""
_LARGEST = 1000
"""The largest number that can be a day."""
_MOMENT = 0.6
"""The confidence of a time such as "at bedtime", set by judgement: it may be the time of another
agent in the clause.
"""
_SIGNS = tuple("-+\\(")
"""The codes of signs before a day."""


@keep
def find_moments(tokens: Tokens) -> list[Mark]:
    """Return the times of administration; the value of each mark is its words in the text.

    >>> from extractor.language.book import read_text
    >>> [mark.value for mark in find_moments(read_text("5 mg with food, at bedtime"))]
    ['with food', 'at bedtime']
    """
    marks = [
        Mark("timing", match.text, match.first, match.end, _MOMENT)
        for match in rule("dose_moment").find(tokens)
    ]
    return drop_overlaps(marks)


def find_days(tokens: Tokens) -> list[Mark]:
    """Return the days of administration, counted from the start of treatment.

    >>> from extractor.language.book import read_text
    >>> [
    ...     mark.value
    ...     for mark in find_days(read_text("days 1, 8 and 15, then on days -3 to 1"))
    ... ]
    [(1, 8, 15), (-3, -2, -1, 0, 1)]
    """
    marks = [
        Mark("days", (1,), match.first, match.end, 0.7)
        for match in rule("first_day").find(tokens)
    ]
    marks += _find_listed(tokens)
    return drop_overlaps(marks)


def _find_listed(tokens: Tokens) -> Iterator[Mark]:
    """Yield the days listed after their unit: "on days 1-5", "at weeks 0 and 4"."""
    leads = [*rule("days_lead").find(tokens), *rule("weeks_lead").find(tokens)]
    listed = range(0)
    for lead in leads:
        # in "day 1, day 2", the second unit does not begin another list
        if lead.first in listed:
            continue
        unit = read_time_unit(lead.read("unit") or "") or TimeUnit.DAY
        days, end = _read_days(tokens, lead.end)
        if not days:
            continue
        if lead.has("start"):
            continue
        is_range = rule("week_range").starts(tokens, lead.end)
        is_time = is_range or rule("during_before").ends(tokens, lead.first)
        # "during weeks 1 to 12" is a duration
        if is_time and unit is not TimeUnit.DAY:
            continue
        cycle = rule("of_cycle").starts(tokens, end)
        value = tuple(day * WHOLE_DAYS[unit] for day in days)
        yield Mark("days", value, lead.first, cycle.end if cycle else end, 0.85)
        listed = range(lead.first, end)


def _read_days(tokens: Tokens, at: int) -> tuple[list[int], int]:
    """Return the numbers in a list that begins at token ``at``, and the token after the list. All
    numbers in a range are included.
    """
    days: list[int] = []
    end = at
    is_range = False
    while True:
        read = _read_day(tokens, at)
        if read is None:
            break
        day, following = read
        if rule("no_day_after").starts(tokens, following):
            break
        if is_range:
            days += _list_between(days[-1], day)
        days.append(day)
        end = following
        joint = rule("day_joint").starts(tokens, end)
        if joint is None:
            break
        at = joint.end
        is_range = _is_through(tokens, end, at)
    return days, end


def _list_between(first: int, last: int) -> Sequence[int]:
    """Return the days between the ends of a range; none if it is too long or runs backwards."""
    if last - first > _MOST:
        return ()
    return range(first + 1, last)


def _is_through(tokens: Tokens, end: int, at: int) -> bool:
    """Return whether the words between two days make them the ends of a range: "1-5", "1 to 5"."""
    is_bare = end == at
    if is_bare and tokens.gap(at) == "-":
        return True
    return rule("day_through").search(tokens, end, at) is not None


def _read_day(tokens: Tokens, at: int) -> tuple[int, int] | None:
    """Return the number of a day and the token after it; None if token ``at`` does not begin
    a day. A minus sign, as in "day -3", makes the number negative.
    """
    signs = at
    while tokens.codes[at : at + 1] in _SIGNS:
        at += 1
    if at == len(tokens):
        return None
    word = tokens.words[at]
    if not word.isdigit():
        return None
    number = int(read_number(word) or 0)
    if number > _LARGEST:
        return None
    if "-" in tokens.codes[signs:at] or has_minus(tokens, at):
        number = -number
    return number, at + 1


def code_days(days: tuple[int, ...], cycle: Period | None) -> Frequency:
    """Return the frequency code for days of administration, which repeat with the cycle if there is
    one.

    >>> three_weeks = Period(value=21, unit=TimeUnit.DAY)
    >>> [
    ...     str(code_days(days, cycle))
    ...     for days, cycle in [
    ...         ((1,), None),
    ...         ((1,), three_weeks),
    ...         ((1, 8), three_weeks),
    ...     ]
    ... ]
    ['once', 'Q3W', 'other']
    """
    gaps = {later - day for day, later in pairwise(days)}
    if len(days) == 1:
        if cycle and cycle.unit in WHOLE_DAYS:
            return code_interval(cycle.value, cycle.unit)
        return Frequency.ONCE
    # "days 1 and 8 of each 21" leaves one week and two weeks between doses
    if len(days) == 2 and cycle and cycle.unit in WHOLE_DAYS:
        length = cycle.value * WHOLE_DAYS[cycle.unit]
        is_even = any(length == gap * 2 for gap in gaps)
        if not is_even:
            return Frequency.OTHER
    if len(gaps) == 1:
        return code_interval(gaps.pop(), TimeUnit.DAY)
    return Frequency.OTHER
