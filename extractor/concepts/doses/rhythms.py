"""Frequencies, cycles and lengths of treatment in a text."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import replace

from extractor.concepts.doses.amounts import AmountMark
from extractor.concepts.doses.days import find_days
from extractor.concepts.doses.daytimes import WEAK, find_daytimes
from extractor.concepts.doses.marks import (
    Mark,
    drop_overlaps,
    ends_any,
    number_sentences,
    starts_any,
)
from extractor.language.book import find_terms, rule
from extractor.language.lexer import NUMBER, Tokens
from extractor.language.numbers import (
    ORDINALS,
    WHOLE_DAYS,
    find_durations,
    read_number,
    read_time_unit,
)
from extractor.language.patterns import Found
from extractor.schemas import Frequency, Period, TimeUnit

PeriodMark = Mark[Period | None]
"""A length of time. The value of a range ("3-6 weeks") is None."""
_TOLD = 0.7
"""The confidence of a length in shorthand, and of one that its last week tells."""
_BELOW = {"7": TimeUnit.DAY, "52": TimeUnit.WEEK, "12": TimeUnit.MONTH}
"""The units of lengths such as 5/7, by the number below the line."""
STEP = 0.3
"""The confidence of each of several lengths in one sentence: they are steps, not the whole
treatment.
"""
_PER_DAY = {
    1: Frequency.QD,
    2: Frequency.BID,
    3: Frequency.TID,
    4: Frequency.QID,
    6: Frequency.Q4H,
}
_PER_WEEK = {1: Frequency.QW, 2: Frequency.BIW, 3: Frequency.TIW, 7: Frequency.QD}
_PER_MONTH = {1: Frequency.QM, 2: Frequency.Q2W, 4: Frequency.QW}
_OF_HOURS = {
    4: Frequency.Q4H,
    6: Frequency.Q6H,
    8: Frequency.Q8H,
    12: Frequency.Q12H,
    24: Frequency.QD,
    48: Frequency.QOD,
}
_OF_DAYS = {
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
}
_OF_MONTHS = {
    1: Frequency.QM,
    3: Frequency.Q3M,
    6: Frequency.Q6M,
    12: Frequency.QY,
}
_ORDINALS = {"other": 2, "alternate": 2, **ORDINALS}
_SEVERAL = frozenset({Frequency.BID, Frequency.TID, Frequency.QID})
_UNCODED = (
    "either_interval",
    "either_number",
    "times_every",
    "day_missed",
    "days_of_each_week",
)
"""Rules for rhythms that have no code."""
STRONG = 0.75
_LIMIT = 0.7
"""The confidence of a rhythm that is the most or the least allowed."""
_INTERVALS = (
    "every_interval",
    "interval_apart",
    "per_interval",
    "hyphened_interval",
)
_WORDINGS = {
    "one dose": ("single_giving", "one_giving"),
    "interval": _INTERVALS,
    "daily or weekly": ("bare_rhythm",),
    "per day": ("per_rhythm",),
    "some days": ("number_of_days", "consecutive_days"),
    "counted": ("counted_times", "times_after", "divided_doses"),
}
_RATES = {
    "rate_per_day": Frequency.QD,
    "rate_per_week": Frequency.QW,
    "rate_of_infusion": Frequency.CONTINUOUS,
}
_NO_RHYTHM_BEFORE = (
    "no_giving_before",
    "step_before",
    "not_this_one",
    "washout_before",
)
_NO_RHYTHM_AFTER = ("examined_after", "step_after")
_NO_RHYTHM = (Frequency.ONCE, Frequency.CONTINUOUS, Frequency.PRN)
_NO_LENGTH_BEFORE = ("no_length_before", "watched_before", "paused_before")


def find_frequencies(
    tokens: Tokens, taken: Collection[int] = ()
) -> tuple[Mark[Frequency], ...]:
    """Return the frequencies of a text from left to right, without those of visits, of changes of
    a dose, and of limits. ``taken`` holds the tokens of amounts.

    >>> from extractor.language.book import read_text
    >>> text = "every 3 weeks, then 2 times a day; visits every 8 weeks"
    >>> [str(mark.value) for mark in find_frequencies(read_text(text))]
    ['Q3W', 'BID']
    """
    kept = [
        mark
        for mark in _find_rhythms(tokens, taken)
        if not _is_of_other_act(tokens, mark, taken)
    ]
    return _drop_weak(_drop_implied(tokens, kept), taken)


def find_other_rhythms(tokens: Tokens) -> Iterator[Mark[Frequency]]:
    """Yield frequencies of something else than doses: of visits, tests, changes.

    >>> from extractor.language.book import read_text
    >>> [
    ...     mark.value.value
    ...     for mark in find_other_rhythms(
    ...         read_text("5 mg daily, with scans every 8 weeks")
    ...     )
    ... ]
    ['Q8W']
    """
    for mark in _find_rhythms(tokens, ()):
        if _is_of_other_act(tokens, mark, ()):
            yield mark


def _find_rhythms(
    tokens: Tokens, taken: Collection[int]
) -> tuple[Mark[Frequency], ...]:
    marks = [
        *_find_worded(tokens),
        *_find_intervals(tokens),
        *_find_counts(tokens),
        *find_daytimes(tokens),
    ]
    # the number of "AUC 2 weekly" begins no frequency
    own = [
        mark
        for mark in marks
        if mark.first not in taken or tokens.codes[mark.first] != NUMBER
    ]
    return drop_overlaps([_weigh(tokens, mark) for mark in own])


def _weigh(tokens: Tokens, mark: Mark[Frequency]) -> Mark[Frequency]:
    """Return a frequency, less sure where it is the most or the least that is allowed."""
    limits = ("most_often_before", "least_apart_before")
    is_limit = ends_any(limits, tokens, mark.first)
    return replace(mark, confidence=min(mark.confidence, _LIMIT)) if is_limit else mark


def _drop_implied(
    tokens: Tokens, marks: list[Mark[Frequency]]
) -> list[Mark[Frequency]]:
    """Return frequencies without those that others of their sentence explain: "biweekly (twice a
    week)", "a daily dose of 900 mg in three divided doses", times of the day beside a rhythm.
    """
    timed = [*marks, *find_days(tokens)]
    numbers = number_sentences(tokens, timed)
    firm = {
        number
        for mark, number in zip(timed, numbers, strict=True)
        if mark.confidence != WEAK
    }
    kept: list[Mark[Frequency]] = []
    for at, (mark, number) in enumerate(zip(marks, numbers, strict=False)):
        following = marks[at + 1] if at + 1 < len(marks) else None
        if number in firm and _is_implied(tokens, mark, marks, number, numbers):
            continue
        if following and numbers[at + 1] == number:
            is_split = rule("divided_doses").covers(
                tokens, following.first, following.end
            )
            is_daily = mark.value is Frequency.QD
            is_explained = tokens.codes[mark.end : following.first] == "("
            if (is_split and is_daily) or (is_explained and mark.confidence < STRONG):
                continue
        kept.append(mark)
    return kept


def _is_of_other_act(
    tokens: Tokens, mark: Mark[Frequency], taken: Collection[int]
) -> bool:
    """Return whether the words beside a frequency make it one of visits or of changes of a dose:
    not in "increased to 5 mg twice daily".
    """
    if starts_any(_NO_RHYTHM_AFTER, tokens, mark.end):
        return True
    # "to a maximum of 4 g daily"
    is_daily = mark.value is Frequency.QD
    if is_daily and rule("most_often_before").ends(tokens, mark.first):
        return True
    for name in _NO_RHYTHM_BEFORE:
        found = rule(name).ends(tokens, mark.first)
        if found and not _holds_any(taken, found.first, mark.first):
            return True
    return False


def _holds_any(taken: Collection[int], first: int, end: int) -> bool:
    return any(at in taken for at in range(first, end))


def _is_implied(
    tokens: Tokens,
    mark: Mark[Frequency],
    marks: list[Mark[Frequency]],
    number: int,
    numbers: list[int],
) -> bool:
    """Return whether times of the day imply a frequency that others of their sentence count."""
    if mark.confidence == WEAK:
        return True
    if rule("daytimes").covers(tokens, mark.first, mark.end) is None:
        return False
    return any(
        other.value in _SEVERAL and other is not mark and place == number
        for other, place in zip(marks, numbers, strict=False)
    )


def _drop_weak(
    marks: list[Mark[Frequency]], taken: Collection[int]
) -> tuple[Mark[Frequency], ...]:
    """Return frequencies without a "once" or "continuous" beside a rhythm: "a single dose daily",
    "a continuous infusion every 3 weeks".
    """
    kept: list[Mark[Frequency]] = []
    for mark in marks:
        rhythms = [
            other
            for other in marks
            if other.value not in _NO_RHYTHM
            and -6 < other.first - mark.end < 5
            and not _holds_any(
                taken, min(mark.end, other.end), max(mark.first, other.first)
            )
        ]
        is_weak = mark.value in _NO_RHYTHM and mark.value is not Frequency.PRN
        if not is_weak or not rhythms:
            kept.append(mark)
    return tuple(kept)


def _find_worded(tokens: Tokens) -> Iterator[Mark[Frequency]]:
    for term in find_terms(tokens, "frequencies"):
        sure = term.entry.confidence
        is_word = term.end - term.first == 1
        if is_word and rule("bare_rhythm").covers(tokens, term.first, term.end):
            sure = 1.0
        value = Frequency(term.value)
        # "once or twice a day"
        if rule("once_or_before").ends(tokens, term.first):
            value = Frequency.OTHER
            sure = 0.7
        yield Mark(value, term.first, term.end, sure)
    for found in rule("one_giving").find(tokens):
        numbers = [
            word
            for word in tokens.words[found.first : found.end]
            if read_number(word) is not None
        ]
        if numbers and read_number(numbers[0]) == 1:
            yield Mark(Frequency.ONCE, found.first, found.end)
    for found in rule("weekdays").find(tokens):
        yield Mark(_code_weekdays(found), found.first, found.end)
    for found in rule("one_weekday").find(tokens):
        yield Mark(Frequency.QW, found.first, found.end)


def _code_weekdays(found: Found) -> Frequency:
    if found.has("through"):
        return Frequency.OTHER
    words = found.tokens.words[found.first : found.end]
    count = sum(word[0].isalpha() and word.lower() != "and" for word in words)
    return _PER_WEEK.get(count, Frequency.OTHER)


def _find_intervals(tokens: Tokens) -> Iterator[Mark[Frequency]]:
    for name in _INTERVALS:
        for found in rule(name).find(tokens):
            value = _code_found(found)
            if value is None:
                continue
            sure = _LIMIT if value is Frequency.OTHER else 1.0
            # "at most every 6 hours"
            if rule("least_interval_before").ends(tokens, found.first):
                value = Frequency.OTHER
                sure = _LIMIT
            yield Mark(value, found.first, found.end, sure)
    for found in rule("ordinal_interval").find(tokens):
        ordinal = (found.read("ordinal") or "other").lower()
        unit = found.read("unit") or found.read("unit_alone") or ""
        value = code_interval(_ORDINALS.get(ordinal, 0), _read_unit(unit))
        yield Mark(value, found.first, found.end)
    for name in _UNCODED:
        for found in rule(name).find(tokens):
            yield Mark(Frequency.OTHER, found.first, found.end, 0.7)


def _code_found(found: Found) -> Frequency | None:
    number = read_number(found.read("low") or "")
    unit = _read_unit(found.read("unit") or "")
    if number is None or unit is None or unit is TimeUnit.MINUTE:
        return None
    is_apart = unit is TimeUnit.HOUR and found.text.lower().endswith("apart")
    if found.has("high") or is_apart:
        return Frequency.OTHER
    return code_interval(number, unit)


def _read_unit(word: str) -> TimeUnit | None:
    shortened = word.lower().removesuffix("ly")
    if shortened in ("night", "nights", "dai"):
        return TimeUnit.DAY
    return read_time_unit(shortened)


def code_interval(number: float, unit: TimeUnit | None) -> Frequency:
    """Return the code of an interval.

    >>> str(code_interval(3, TimeUnit.WEEK)), str(code_interval(5, TimeUnit.HOUR))
    ('Q3W', 'other')
    """
    if unit is TimeUnit.HOUR:
        return _OF_HOURS.get(int(number), Frequency.OTHER)
    if unit is TimeUnit.MONTH:
        return _OF_MONTHS.get(int(number), Frequency.OTHER)
    if unit is None or unit not in WHOLE_DAYS:
        return Frequency.OTHER
    return _OF_DAYS.get(int(number * WHOLE_DAYS[unit]), Frequency.OTHER)


def _find_counts(tokens: Tokens) -> Iterator[Mark[Frequency]]:
    """Yield how often in a day, a week or a month: "3 times a day", "in two divided doses"."""
    for name in ("counted_times", "times_after"):
        for found in rule(name).find(tokens):
            number = read_number(found.read("low") or found.read("high") or "")
            unit = _read_unit(found.read("unit") or found.read("unit_behind") or "")
            if number is None or unit is None:
                continue
            value = _code_count(int(number), unit)
            sure = 1.0
            if found.has("range"):
                value = Frequency.OTHER
                sure = 0.7
            yield Mark(value, found.first, found.end, sure)
    for found in rule("divided_doses").find(tokens):
        words = [
            found.read(name)
            for name in ("number_daily", "number", "number_doses", "number_before")
        ]
        number = read_number(next(filter(None, words), ""))
        value = _PER_DAY.get(int(number or 0), Frequency.OTHER)
        yield Mark(value, found.first, found.end)


def _code_count(number: int, unit: TimeUnit) -> Frequency:
    if unit is TimeUnit.DAY:
        return _PER_DAY.get(number, Frequency.OTHER)
    if unit is TimeUnit.WEEK:
        return _PER_WEEK.get(number, Frequency.OTHER)
    return _PER_MONTH.get(number, Frequency.OTHER)


def find_cycles(tokens: Tokens) -> tuple[PeriodMark, ...]:
    """Return the lengths of cycles: "each 21-day cycle", "4-weekly cycles"."""
    marks = [*_find_named_cycles(tokens), *_find_implied_cycles(tokens)]
    for on_and_off in _find_on_and_off(tokens):
        # "3 weeks on, 1 week off (28-day cycle)" names the cycle
        marks = [mark for mark in marks if not _touches(mark, on_and_off)]
        marks = marks or [on_and_off]
    return drop_overlaps(marks)


def _touches(one: PeriodMark, other: PeriodMark) -> bool:
    return one.first < other.end and other.first < one.end


def _find_named_cycles(tokens: Tokens) -> Iterator[PeriodMark]:
    for duration in find_durations(tokens):
        if duration.low != duration.high or duration.unit not in WHOLE_DAYS:
            continue
        if rule("no_cycle_after").starts(tokens, duration.end):
            continue
        is_named = rule("cycle_before").ends(tokens, duration.first)
        if is_named or rule("cycle_after").starts(tokens, duration.end):
            period = Period(value=duration.low, unit=duration.unit)
            yield Mark(period, duration.first, duration.end)


def _find_implied_cycles(tokens: Tokens) -> Iterator[PeriodMark]:
    for name in ("counted_cycle", "days_interval", "cycles_at", "first_day_cycle"):
        for found in rule(name).find(tokens):
            period = _read_period(found)
            if period:
                first, _ = found.place("value")
                _, end = found.place("unit")
                yield Mark(period, first, end)
    for found in rule("weekly_cycles").find(tokens):
        number = read_number(found.read("value") or "")
        if number is not None:
            period = Period(value=number, unit=TimeUnit.WEEK)
            yield Mark(period, found.first, found.end)


def _find_on_and_off(tokens: Tokens) -> Iterator[PeriodMark]:
    for found in rule("weeks_on_and_off").find(tokens):
        on = read_number(found.read("on") or "")
        off = read_number(found.read("off") or "")
        unit = _read_unit(found.read("unit") or "")
        if unit and on is not None and off is not None:
            period = Period(value=on + off, unit=unit)
            yield Mark(period, found.first, found.end)


def _read_period(found: Found) -> Period | None:
    """Return the time in the parts ``value`` and ``unit`` of a match; without a value, one unit."""
    number = read_number(found.read("value") or "1")
    unit = _BELOW.get(found.read("of") or "") or _read_unit(found.read("unit") or "")
    if number is None or unit is None:
        return None
    return Period(value=number, unit=unit)


def find_lengths(tokens: Tokens) -> tuple[PeriodMark, ...]:
    """Return the lengths of treatment: "for 12 weeks", "up to 6 cycles", "until week 24". A range
    has no value.
    """
    marks: list[PeriodMark] = []
    for duration in find_durations(tokens):
        if duration.unit in (TimeUnit.MINUTE, TimeUnit.HOUR):
            continue
        sure = _judge_length(tokens, duration.first, duration.end)
        if sure is None:
            continue
        period = Period(value=duration.high, unit=duration.unit)
        value = period if duration.low == duration.high else None
        before = rule("length_before").ends(tokens, duration.first)
        is_led = before is not None and before.has("strong")
        first = before.first if before and is_led else duration.first
        marks.append(Mark(value, first, duration.end, sure))
    marks += _find_other_lengths(tokens)
    return _doubt_steps(tokens, drop_overlaps(marks))


def find_other_lengths(tokens: Tokens) -> Iterator[PeriodMark]:
    """Yield lengths of something else than treatment: of observation, a pause, the time before."""
    for duration in find_durations(tokens):
        if ends_any(_NO_LENGTH_BEFORE, tokens, duration.first):
            value = Period(value=duration.high, unit=duration.unit)
            yield Mark(value, duration.first, duration.end)


def _doubt_steps(
    tokens: Tokens, marks: tuple[PeriodMark, ...]
) -> tuple[PeriodMark, ...]:
    """Return lengths, those of one sentence that has several as steps."""
    numbers = number_sentences(tokens, marks)
    counts = Counter(numbers)
    return tuple(
        replace(mark, confidence=STEP) if counts[number] > 1 else mark
        for mark, number in zip(marks, numbers, strict=True)
    )


def _judge_length(tokens: Tokens, first: int, end: int) -> float | None:
    """Return how sure a time is a length of treatment; None if it is none."""
    if rule("no_length_after").starts(tokens, end):
        return None
    if ends_any(_NO_LENGTH_BEFORE, tokens, first):
        return None
    # "for 3 days or 7 days"
    if rule("length_choice").starts(tokens, end):
        return 0.5
    before = rule("length_before").ends(tokens, first)
    if before and before.has("strong"):
        return 1.0
    if rule("length_after").starts(tokens, end):
        return 1.0
    return 0.5 if before else None


def _find_other_lengths(tokens: Tokens) -> Iterator[PeriodMark]:
    yield from _find_counted_cycles(tokens)
    for found in rule("until_week").find(tokens):
        last = _read_last(tokens, found)
        if last:
            yield Mark(last, found.first, found.end, _TOLD)
    for name in ("shorthand_length", "one_period", "glued_length", "nights_length"):
        for found in rule(name).find(tokens):
            period = _read_period(found)
            sure = _TOLD if name == "shorthand_length" else 1.0
            if period:
                yield Mark(period, found.first, found.end, sure)


def _find_counted_cycles(tokens: Tokens) -> Iterator[PeriodMark]:
    for found in rule("cycle_count").find(tokens):
        number = read_number(found.read("value") or "")
        if number is None or rule("cycle_before").ends(tokens, found.end):
            continue
        period = Period(value=number, unit=TimeUnit.CYCLE)
        first, _ = found.place("value")
        yield Mark(None if found.has("range") else period, first, found.end)


def _read_last(tokens: Tokens, found: Found) -> Period | None:
    """Return the length up to a last week, "through week 24"; None if it begins later."""
    last = read_number(found.read("last") or "")
    start = read_number(found.read("start") or "") or 0
    unit = _read_unit(found.read("unit") or "")
    if last is None or unit is None or start > 1:
        return None
    if rule("later_start").ends(tokens, found.first):
        return None
    return Period(value=last, unit=unit)


def name_rhythm(tokens: Tokens, mark: Mark[Frequency]) -> str:
    """Return how a frequency is worded: a case of ``measured``. Codes without a rhythm ("other",
    "as needed", "continuous", "once") are cases of their own, whatever their words.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("daily, every 3 weeks, 2 times a day, b.i.d.")
    >>> [name_rhythm(tokens, mark) for mark in find_frequencies(tokens)]
    ['daily or weekly', 'interval', 'counted', 'words']
    """
    if mark.value is Frequency.OTHER:
        return "other"
    if mark.value is Frequency.PRN:
        return "as needed"
    if mark.value is Frequency.CONTINUOUS:
        return "continuous"
    wording = _find_wording(tokens, mark)
    if mark.value is Frequency.ONCE and wording != "one dose":
        return "once"
    return wording


def _find_wording(tokens: Tokens, mark: Mark[Frequency]) -> str:
    """Return the first wording with a rule that covers a frequency, else "words"."""
    for wording, names in _WORDINGS.items():
        for name in names:
            if rule(name).covers(tokens, mark.first, mark.end):
                return wording
    return "words"


def read_rate(tokens: Tokens, amount: AmountMark) -> Mark[Frequency] | None:
    """Return the frequency of an amount per time, at the place of the amount; None if it is none.

    >>> from extractor.concepts.doses.amounts import find_amounts
    >>> from extractor.language.book import read_text
    >>> tokens = read_text("40 mg/day, then 10 mg")
    >>> rates = [read_rate(tokens, amount) for amount in find_amounts(tokens)]
    >>> [rate and rate.value.value for rate in rates]
    ['QD', None]
    """
    for name, code in _RATES.items():
        if rule(name).ends(tokens, amount.end, amount.first):
            return Mark(code, amount.first, amount.end, section=amount.section)
    return None
