"""When an agent is given: listed days ("days 1, 8 and 15", "D-5 to -3"), moments, and the
frequency of the days.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

from extractor.concepts.doses.marks import Mark, drop_overlaps
from extractor.language.book import rule
from extractor.language.lexer import NAME_NUMBER, NUMBER, Tokens
from extractor.language.numbers import DAYS, WHOLE_DAYS, read_number, read_time_unit
from extractor.language.patterns import Found
from extractor.schemas import Frequency, Period, TimeUnit

Days = tuple[int, ...]
"""Days of treatment or of a cycle, in the order of the text; 0 and less are before its start."""
_LONGEST_RANGE = 400
"""The most days in a range."""
_LOOSE_ENDS = frozenset(
    {
        "the",
        "a",
        "an",
        "of",
        "to",
        "in",
        "each",
        "is",
        "was",
        "are",
        "from",
        "subsequent",
    }
)
"""Words that no moment ends with."""
_INTERVALS = {
    1: Frequency.QD,
    2: Frequency.QOD,
    7: Frequency.QW,
    14: Frequency.Q2W,
    21: Frequency.Q3W,
    28: Frequency.Q4W,
    30: Frequency.QM,
    35: Frequency.Q5W,
    42: Frequency.Q6W,
    56: Frequency.Q8W,
    84: Frequency.Q12W,
    90: Frequency.Q3M,
    180: Frequency.Q6M,
    365: Frequency.QY,
    360: Frequency.QY,
}
"""The code of a dose every so many days."""
_PER_WEEK = {2: Frequency.BIW, 3: Frequency.TIW}
"""The code of so many days in each week."""
_LONGEST_OF_TWO = 14
"""The longest interval that two days imply, in days. Whole months are exceptions."""
_MONTHLY = frozenset({28, 30, 56, 84, 90, 168, 180})
_LENGTH_OF = {code: days for days, code in _INTERVALS.items()}
"""The days from one dose to the next, by code."""
_LENGTHS_OF_CYCLES = frozenset(
    {
        Frequency.Q2W,
        Frequency.Q3W,
        Frequency.Q4W,
        Frequency.Q5W,
        Frequency.Q6W,
        Frequency.Q8W,
        Frequency.QM,
    }
    | {Frequency.OTHER}
)
"""Codes that give only the cycle length beside a list of days."""

_RATE_REACH = 16
"""How many tokens before and behind listed weeks may say that something is given daily."""


def find_days(tokens: Tokens) -> tuple[Mark[Days], ...]:
    """Return lists of days, or of weeks as days, in reading order. A range lists every day."""
    return tuple(mark for mark in find_dates(tokens) if mark.value)


@lru_cache(maxsize=2)
def find_dates(tokens: Tokens) -> tuple[Mark[Days], ...]:
    """Return what ``find_days`` returns, and marks with no days for limits of time: "starting on
    day 7", "from day 0 up to week 48".

    The last result is cached, since the readers of amounts, frequencies, lengths and days ask for
    it in turn.
    """
    marks: list[Mark[Days]] = []
    for lead in rule("days_lead").find(tokens):
        days = _read_days(tokens, lead)
        if days:
            marks.append(days)
    marks += _read_weeks(tokens)
    marks += _read_times(tokens)
    for match in rule("first_day").find(tokens):
        cycle = rule("of_cycle").starts(tokens, match.end)
        end = cycle.end if cycle else match.end
        marks.append(Mark((1,), match.first, end))
    return drop_overlaps(marks)


def _read_times(tokens: Tokens) -> Iterator[Mark[Days]]:
    """Yield lists of times from 0 on, as days, with their unit behind them: "at 0, 4 and 8 weeks",
    "a 0, 1, 6 month schedule". Other lists, and lists in hours, are skipped.
    """
    # (first token of the mark, first token of the list)
    starts = [(lead.first, lead.end) for lead in rule("times_list").find(tokens)]
    starts += [(lead.first, lead.first) for lead in rule("schedule_list").find(tokens)]
    for first, start in starts:
        # other lists count doses or levels
        if start >= len(tokens) or tokens.words[start] != "0":
            continue
        listed = _read_list(tokens, start, counted=True)
        if listed is None:
            continue
        _, end = listed
        unit = read_time_unit(tokens.words[end]) if end < len(tokens) else None
        if unit is None or unit not in WHOLE_DAYS:
            continue
        days: list[int] = []
        for word in tokens.words[start:end]:
            if not word.isdecimal():
                continue
            days.append(int(word) * WHOLE_DAYS[unit])
        yield Mark(tuple(days), first, end + 1)


def _read_weeks(tokens: Tokens) -> Iterator[Mark[Days]]:
    """Yield lists of weeks or months as days ("at weeks 0, 4" is days 0 and 28); for stretches of
    time ("weeks 1-4") a mark with no days.
    """
    for lead in rule("weeks_lead").find(tokens):
        unit = tokens.words[lead.end - 1].lower()
        days_of_unit = 30 if unit.startswith("m") else 7
        listed = _read_list(tokens, lead.end, factor=days_of_unit)
        if listed is None:
            continue
        weeks, end = listed
        if not _is_span(tokens, lead, weeks):
            yield Mark(weeks, lead.first, end)
            continue
        # "in week 1" is said with its preposition
        during = rule("during_before").ends(tokens, lead.first)
        first = during.first if during else lead.first
        yield Mark((), first, end)


def _is_span(tokens: Tokens, lead: Found, weeks: Days) -> bool:
    """Return whether weeks are a stretch of time, and no days on which something is given:
    "weeks 1-4", "in week 1", "Week 1: ...". ``weeks`` are in days: weeks 1 and 2 are 7 and 14.
    """
    if rule("week_range").starts(tokens, lead.end):
        return True
    if len(weeks) == 1:
        return rule("during_before").ends(tokens, lead.first) is not None
    days_between = weeks[-1] - weeks[0]
    are_in_a_row = days_between == 7 * (len(weeks) - 1)
    # "Examplumab 5 mg at weeks 0 and 4" is given twice, and not for weeks
    if not are_in_a_row:
        return False
    # "week 1 and 2: 1 mg/kg/day": what is given daily is given through both weeks
    first = max(0, lead.first - _RATE_REACH)
    end = min(len(tokens), lead.end + _RATE_REACH)
    return rule("daily_rate").search(tokens, first, end) is not None


def _read_days(tokens: Tokens, lead: Found) -> Mark[Days] | None:
    """Return the list of days behind words such as "on days"; None if no number stands there, or
    the "d" before it is part of a name. A limit of time ("starting on day 7", "day 0 up to week
    48", "day 1 onwards") gives a mark with no days.
    """
    word = tokens.words[lead.end - 1]
    before = tokens.words[lead.end - 2] if lead.end > 1 else ""
    # "Fel d 1"
    is_allergen = word == "d" and len(before) == 3 and before.istitle()
    if is_allergen or _is_code(tokens, lead.end - 1):
        return None
    listed = _read_list(tokens, lead.end)
    if not listed:
        return None
    days, end = listed
    span = rule("up_to_week").starts(tokens, end)
    # "from day 0 up to week 48"
    if span:
        days = ()
        end = span.end
    # "starting on day 7 of each cycle" is no single day
    if lead.has("start") or rule("onwards").starts(tokens, end):
        days = ()
    # "of each 21-day cycle" belongs to the mark
    cycle = rule("of_cycle").starts(tokens, end)
    if cycle is None:
        return Mark(days, lead.first, end)
    # "day 1 every 21 days": keep the interval separate
    is_interval = len(days) == 1 and cycle.has("interval")
    if not is_interval:
        end = cycle.end
    return Mark(days, lead.first, end)


def _is_code(tokens: Tokens, at: int) -> bool:
    """Return whether the word at token ``at`` is a "D" inside a name ("AB12-34D5"), and not one
    behind a cycle ("C1D8").
    """
    if tokens.words[at] not in ("D", "d"):
        return False
    before = at - 1
    # "in 5 mL of D5W": dextrose, and no day 5
    if before <= 0 or not tokens.joined(at):
        return False
    if not tokens.words[before].isdecimal():
        return False
    counted = tokens.words[before - 1].lower()
    return counted not in ("c", "cycle", "cy")


def _read_list(
    tokens: Tokens, at: int, *, factor: int = 1, counted: bool = False
) -> tuple[Days, int] | None:
    """Return the days of a list that begins at token ``at``, and its end; None if no number stands
    there. Of choices ("day 1 or 2") only the first is listed, but the end is behind the last.

    ``factor`` is the days of a number's unit. ``counted``: the unit stands behind the list ("at 0,
    4 and 8 weeks"), so that the words behind a number do not speak against a day.
    """
    days: list[int] = []
    end = at
    is_closed = False
    while number := _read_day(tokens, at, is_counted=counted):
        value, behind = number
        start_of_gap = tokens.ends[end - 1]
        end_of_gap = tokens.starts[behind - 1]
        between = tokens.text[start_of_gap:end_of_gap].lower().lstrip()
        # "day 1 or 2" is a single day
        if " or " in f" {between} ":
            is_closed = True
        if not is_closed:
            if days:
                factor = _find_factor(between, factor)
            days += _add_days(days, value, between, factor)
        # "(+/-3)" behind "day 7"
        aside = rule("day_aside").starts(tokens, behind)
        end = aside.end if aside else behind
        at = end
        # "1 and again on day 15"
        joint = rule("day_joint").starts(tokens, end)
        if joint and joint.end > end:
            at = joint.end
        elif end == len(tokens) or tokens.gap(end) != "-":
            break
    return (tuple(days), end) if days else None


def _find_factor(between: str, factor: int) -> int:
    """Return the days of the unit that the words between two numbers name ("day 1, week 4 and week
    8"); ``factor``, those of the unit so far, if they name none.
    """
    words = between.replace("-", " ").split()
    unit = read_time_unit(words[-1]) if words else None
    if not unit:
        return factor
    return WHOLE_DAYS.get(unit, factor)


def _add_days(
    days: list[int], value: int, between: str, factor: int
) -> "range | list[int]":
    """Return the days that a number adds to ``days``, those before it: itself, or every day of a
    range up to it. Of a range of weeks only the last week is added.

    ``value`` is the number without its sign, ``factor`` the days of its unit; ``between`` is the
    text from the number before it on, so that a dash in it is a sign ("D-5") or joins a range.
    """
    is_opened = between.startswith("-")
    is_through = bool(days) and _says_through(between)
    dashes = between.count("-")
    # the dash that joins a range is no sign
    if is_through and is_opened:
        dashes -= 1
    # "days -7-2": the sign of the first day holds for the last one
    goes_on_before = is_through and days[-1] < 0 and value < -days[-1]
    is_signed = goes_on_before and "-" in between
    if dashes > 0 or is_signed:
        value = -value
    if is_through and factor == 1:
        last = min(value, days[-1] + _LONGEST_RANGE)
        return range(days[-1] + 1, last + 1)
    return [value * factor]


def _says_through(between: str) -> bool:
    """Return whether the text between two numbers makes them a range: "1-5", "1 through 5"."""
    if between.startswith("-") or "~" in between:
        return True
    words = between.replace("-", " ").split()
    return not {"to", "through", "until", "till"}.isdisjoint(words)


def _read_day(tokens: Tokens, at: int, *, is_counted: bool) -> tuple[int, int] | None:
    """Return the number of a day at token ``at``, without its sign, and the token behind it; None
    if no number of a day stands there.

    A day is a number of at most three digits, also the 1 of "D1", or a word up to seven. It has
    no letters joined to it but "d" or "day". ``is_counted`` is for "at 0, 4 and 8 weeks", where
    the unit follows: there the words behind the number do not speak against a day.
    """
    if tokens.codes[at : at + 1] == "-":
        at += 1
    # a NAME_NUMBER is the 1 of "D1"
    if at >= len(tokens) or tokens.codes[at] not in (NUMBER, NAME_NUMBER):
        return None
    word = tokens.words[at]
    value = read_number(word)
    if value is None:
        return None
    # "one" to "seven"
    if not word.isdecimal() and value not in range(1, 8):
        return None
    if len(word) > 5 or value > 999:
        return None
    behind = at + 1
    # "5 mg", "14 days", "3 times a day"
    if not is_counted and rule("no_day_after").starts(tokens, behind):
        return None
    is_glued = tokens.joined(behind) and tokens.words[behind][0].isalpha()
    if is_glued and tokens.words[behind].lower() not in ("d", "day"):
        return None
    return (int(value), behind)


def find_moments(tokens: Tokens) -> tuple[Mark[str], ...]:
    """Return moments of dosing other than counted days, as written and in reading order: "30
    minutes before infusion", "with food", "starting on day 7".
    """
    moments: list[Mark[str]] = []
    for mark in find_dates(tokens):
        # a limit of time has no days
        if not mark.value:
            text = tokens.read(mark.first, mark.end)
            moments.append(Mark(text, mark.first, mark.end))
    for first, end in _read_moments(tokens):
        moments.append(Mark(tokens.read(first, end), first, end))
    return drop_overlaps(moments)


def _read_moments(tokens: Tokens) -> Iterator[tuple[int, int]]:
    """Yield the tokens of words for a moment, without what says how long it lasts ("for 7 days
    before surgery" is "before surgery") and without loose words at the end. A lone word counts
    only if it names a time by itself: "bedtime", "preoperatively".
    """
    for match in rule("dose_moment").find(tokens):
        first = match.first
        end = match.end
        before = tokens.words[first - 1].lower() if first else ""
        is_number = tokens.codes[first] == NUMBER
        if is_number and before in ("for", "over", "of", "every", "each"):
            # "for 7 days before surgery"
            event = rule("around_event").search(tokens, first, end)
            if not event:
                continue
            first = event.first
        while end > first and tokens.words[end - 1].lower() in _LOOSE_ENDS:
            end -= 1
        word = tokens.words[first].lower()
        # a lone word is a moment only if it names a time or an operation by itself
        is_time_alone = word in ("bedtime", "hs", "qhs")
        shortest = 1 if is_time_alone else 2
        if end - first >= shortest:
            yield first, end
        elif word.endswith("operatively"):
            yield first, first + 1


def code_interval(days: float) -> Frequency:
    """Return the code for one dose every ``days`` days.

    >>> code_interval(21).value, code_interval(10).value
    ('Q3W', 'other')
    """
    return _INTERVALS.get(days, Frequency.OTHER)  # type: ignore[call-overload,no-any-return]


def code_days(days: Days, cycle: Period | None) -> Frequency:
    """Return the frequency of a list of days, within a cycle if there is one: the code of the gap
    between the days, "other" if the gaps differ or imply no rhythm. A single day is once, or once a
    cycle.

    >>> weeks = [Period(value=value, unit=TimeUnit.WEEK) for value in (2, 3)]
    >>> [
    ...     code_days((1, 8), cycle).value for cycle in weeks
    ... ]  # in a cycle of three weeks, the second gap is longer
    ['QW', 'other']
    """
    length = None
    if cycle and cycle.unit in WHOLE_DAYS:
        length = cycle.value * WHOLE_DAYS[cycle.unit]
    gaps = {after - before for before, after in pairwise(days)}
    if not gaps:
        return code_interval(length) if length else Frequency.ONCE
    shortest = min(gaps)
    # days 1 and 8 of 3 weeks: the gap to the next cycle is another
    if length and len(days) == 2 and shortest not in (1, length / 2):
        return Frequency.OTHER
    if len(gaps) > 1:
        return _code_weekdays(days)
    # two days far apart imply no rhythm, unless they are whole months apart
    is_near = shortest <= _LONGEST_OF_TWO or shortest in _MONTHLY
    if len(days) > 2 or is_near:
        return code_interval(shortest)
    return _code_weekdays(days)


def _code_weekdays(days: Days) -> Frequency:
    """Return the frequency of the same two or three days of each week ("days 1, 3, 8 and 10"), else
    "other".
    """
    weeks: dict[int, set[int]] = {}
    for day in days:
        week, weekday = divmod(day - days[0], 7)
        weeks.setdefault(week, set()).add(weekday)
    first_week = weeks[0]
    are_alike = all(weekdays == first_week for weekdays in weeks.values())
    # "according to a 0-1-6 month schedule" has no frequency
    if len(weeks) < 2 or not are_alike:
        return Frequency.OTHER
    return _PER_WEEK.get(len(first_week), Frequency.OTHER)


def code_schedule(
    stated: Frequency | None, days: Days, cycle: Period | None, *, cyclic: bool
) -> Frequency | None:
    """Return the frequency implied by words, listed days and the cycle.

    ``stated`` is what words say. ``cyclic``: the text mentions cycles, or doses are per body
    surface or AUC, which is typical of cycles. Returns None if nothing is stated, and for a single
    day of a cycle of unknown length.

    >>> [
    ...     code_schedule(Frequency.Q4W, days, None, cyclic=True).value
    ...     for days in ((1, 8, 15), (1, 2, 3, 8))
    ... ]
    ['QW', 'other']
    >>> code_schedule(None, (1,), None, cyclic=True) is None
    True
    """
    if len(days) > 1:
        return _code_listed(stated, days, cycle)
    # "500 mg daily on the first day"
    if stated is Frequency.QD and cycle is None and _is_one_day(days):
        return Frequency.ONCE
    if not days:
        return stated
    # "once on day 1" of a cycle is once a cycle
    is_once_a_cycle = stated is Frequency.ONCE and cycle is not None
    # "once daily on day 1 of each 21-day cycle"
    if stated and not is_once_a_cycle:
        return stated
    is_of_unknown_cycle = cyclic and cycle is None and days[0] > 0
    if is_of_unknown_cycle:
        return None
    return code_days(days, cycle)


def _code_listed(
    stated: Frequency | None, days: Days, cycle: Period | None
) -> Frequency:
    """Return the frequency of several days beside the one that words state: that of the days if
    none is stated, or if the stated one is how often cycles come; else the stated one.

    Two wordings have no code: days in a row of each week, and an open rhythm on days in a row.
    """
    listed = code_days(days, cycle)
    # "once on days 1, 8 and 15"
    if stated is None or stated is Frequency.ONCE:
        return listed
    # "every 14 days on days 1-43"
    if _spans_intervals(days, stated):
        return stated
    if listed is Frequency.QD:
        is_open = stated is Frequency.OTHER and cycle is None
        # "days 1-5 every week", "once or twice daily on days 8-180"
        if stated is Frequency.QW or is_open:
            return Frequency.OTHER
    # "every 28 days, days 1, 8 and 15"
    if stated in _LENGTHS_OF_CYCLES:
        return listed
    return stated


def _spans_intervals(days: Days, stated: Frequency) -> bool:
    """Return whether days in a row go on beyond an interval, so that they only say how long:
    "every 14 days on days 1-43".
    """
    interval = _LENGTH_OF.get(stated)
    if interval is None:
        return False
    is_in_a_row = days[-1] - days[0] == len(days) - 1
    return is_in_a_row and len(days) > interval


def _is_one_day(days: Days) -> bool:
    """Return whether days are a single one, and not the last day of a week: "5 mg daily in week
    1" is daily.
    """
    if len(days) != 1:
        return False
    return days[0] == 0 or days[0] % 7 != 0


def count_days(period: Period | None) -> float | None:
    """Return the length in days of a period in days, weeks or months; None for others.

    >>> count_days(Period(value=3, unit=TimeUnit.WEEK))
    21.0
    """
    if period is None:
        return None
    if period.unit not in {TimeUnit.DAY, TimeUnit.WEEK, TimeUnit.MONTH}:
        return None
    return period.value * DAYS[period.unit]
