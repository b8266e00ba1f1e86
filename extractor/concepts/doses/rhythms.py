"""Routes, frequencies, cycles and lengths of treatment in a text."""

from collections.abc import Iterator, Sequence

from extractor.concepts.doses.marks import (
    Mark,
    drop_overlaps,
    ends_any,
    starts_any,
)
from extractor.language.book import find_terms, rule
from extractor.language.lexer import Tokens
from extractor.language.numbers import (
    ORDINALS,
    WHOLE_DAYS,
    find_durations,
    read_number,
    read_time_unit,
)
from extractor.language.patterns import Found
from extractor.schemas import Frequency, Period, Route, TimeUnit

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
_INTERVALS = (
    "every_interval",
    "interval_apart",
    "per_interval",
    "hyphened_interval",
)
_NO_RHYTHM_BEFORE = (
    "no_giving_before",
    "step_before",
    "not_this_one",
    "least_interval_before",
    "washout_before",
)
_NO_RHYTHM_AFTER = ("examined_after", "step_after")
_NO_RHYTHM = (Frequency.ONCE, Frequency.CONTINUOUS, Frequency.PRN)
_NO_LENGTH_BEFORE = ("no_length_before", "watched_before", "paused_before")


def find_routes(tokens: Tokens) -> Iterator[Mark]:
    """Yield the routes of giving, without codes, devices and denials: "DSM-IV", "IV line", "not
    intramuscularly".
    """
    for term in find_terms(tokens, "routes"):
        start = tokens.starts[term.first]
        follows_hyphen = tokens.text[max(0, start - 1) : start] == "-"
        if follows_hyphen and tokens.words[term.first].isupper():
            continue
        if rule("no_route_before").ends(tokens, term.first, term.first - 5):
            continue
        if rule("no_route_after").starts(tokens, term.end):
            continue
        sure = term.entry.confidence
        yield Mark("route", Route(term.value), term.first, term.end, sure)


def find_frequencies(tokens: Tokens, amounts: Sequence[Mark] = ()) -> list[Mark]:
    """Return the frequencies of a text from left to right, without those of visits, of changes of
    a dose, and of limits. ``amounts`` are those of the text.

    >>> from extractor.language.book import read_text
    >>> text = "every 3 weeks, then 2 times a day; visits every 8 weeks"
    >>> [str(mark.value) for mark in find_frequencies(read_text(text))]
    ['Q3W', 'BID']
    """
    kept = [
        mark
        for mark in _list_frequencies(tokens)
        if not _is_of_other_act(tokens, mark, amounts)
    ]
    return _drop_weak(kept, amounts)


def list_other_frequencies(tokens: Tokens) -> list[Mark]:
    """Return the frequencies of visits, of changes of a dose, and of limits."""
    marks = _list_frequencies(tokens)
    return [mark for mark in marks if _is_of_other_act(tokens, mark, ())]


def _list_frequencies(tokens: Tokens) -> list[Mark]:
    marks = [*_find_worded(tokens), *_find_intervals(tokens), *_find_counts(tokens)]
    return drop_overlaps(marks)


def _is_of_other_act(tokens: Tokens, mark: Mark, amounts: Sequence[Mark]) -> bool:
    """Return whether the words beside a frequency make it one of visits or of changes of a dose:
    not in "increased to 5 mg twice daily".
    """
    if starts_any(_NO_RHYTHM_AFTER, tokens, mark.end):
        return True
    for name in _NO_RHYTHM_BEFORE:
        found = rule(name).ends(tokens, mark.first)
        if found is None:
            continue
        has_amount = any(
            found.first <= amount.first and amount.end <= mark.first
            for amount in amounts
        )
        if not has_amount:
            return True
    return False


def _drop_weak(marks: list[Mark], amounts: Sequence[Mark]) -> list[Mark]:
    """Return frequencies without a "once" or "continuous" beside a rhythm: "a single dose daily",
    "a continuous infusion every 3 weeks".
    """
    kept: list[Mark] = []
    for mark in marks:
        is_weak = mark.value in _NO_RHYTHM and mark.value is not Frequency.PRN
        near = [
            other
            for other in marks
            if other is not mark
            and -6 < other.first - mark.end < 5
            and not _is_amount_between(mark, other, amounts)
        ]
        has_rhythm = any(other.value not in _NO_RHYTHM for other in near)
        if not is_weak or not has_rhythm:
            kept.append(mark)
    return kept


def _is_amount_between(one: Mark, other: Mark, amounts: Sequence[Mark]) -> bool:
    first = min(one.end, other.end)
    end = max(one.first, other.first)
    return any(first <= amount.first and amount.end <= end for amount in amounts)


def _find_worded(tokens: Tokens) -> Iterator[Mark]:
    for term in find_terms(tokens, "frequencies"):
        sure = term.entry.confidence
        is_word = term.end - term.first == 1
        if is_word and rule("bare_rhythm").covers(tokens, term.first, term.end):
            sure = 0.85
        yield Mark("frequency", Frequency(term.value), term.first, term.end, sure)
    for found in rule("one_giving").find(tokens):
        numbers = [
            word
            for word in tokens.words[found.first : found.end]
            if read_number(word) is not None
        ]
        if numbers and read_number(numbers[0]) == 1:
            yield Mark("frequency", Frequency.ONCE, found.first, found.end, 0.8)
    for found in rule("morning_and_night").find(tokens):
        has_noon = rule("noon").search(tokens, found.first, found.end) is not None
        value = Frequency.TID if has_noon else Frequency.BID
        yield Mark("frequency", value, found.first, found.end, 0.9)
    for found in rule("weekdays").find(tokens):
        yield Mark("frequency", _code_weekdays(found), found.first, found.end, 0.8)
    for found in rule("one_weekday").find(tokens):
        yield Mark("frequency", Frequency.QW, found.first, found.end, 0.8)


def _code_weekdays(found: Found) -> Frequency:
    if found.has("through"):
        return Frequency.OTHER
    words = found.tokens.words[found.first : found.end]
    count = sum(word[0].isalpha() and word.lower() != "and" for word in words)
    return _PER_WEEK.get(count, Frequency.OTHER)


def _find_intervals(tokens: Tokens) -> Iterator[Mark]:
    for name in _INTERVALS:
        for found in rule(name).find(tokens):
            value = _code_found(found)
            if value is not None:
                yield Mark("frequency", value, found.first, found.end, 0.95)
    for found in rule("ordinal_interval").find(tokens):
        ordinal = (found.read("ordinal") or "other").lower()
        unit = found.read("unit") or found.read("unit_alone") or ""
        value = code_interval(_ORDINALS.get(ordinal, 0), _read_unit(unit))
        yield Mark("frequency", value, found.first, found.end, 0.95)
    for name in ("either_interval", "either_number", "times_every", "day_missed"):
        for found in rule(name).find(tokens):
            yield Mark("frequency", Frequency.OTHER, found.first, found.end, 0.7)


def _code_found(found: Found) -> Frequency | None:
    number = read_number(found.read("low") or "")
    unit = _read_unit(found.read("unit") or "")
    if number is None or unit is None:
        return None
    # hours apart may be those of a single day
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


def _find_counts(tokens: Tokens) -> Iterator[Mark]:
    """Yield how often in a day, a week or a month: "3 times a day", "in two divided doses"."""
    for name in ("counted_times", "times_after"):
        for found in rule(name).find(tokens):
            number = read_number(found.read("low") or found.read("high") or "")
            unit = _read_unit(found.read("unit") or found.read("unit_behind") or "")
            if number is None or unit is None:
                continue
            value = _code_count(int(number), unit)
            sure = 0.95
            if found.has("range"):
                value = Frequency.OTHER
                sure = 0.7
            yield Mark("frequency", value, found.first, found.end, sure)
    for found in rule("divided_doses").find(tokens):
        words = [
            found.read(name)
            for name in ("number_daily", "number", "number_doses", "number_before")
        ]
        number = read_number(next(filter(None, words), ""))
        value = _PER_DAY.get(int(number or 0), Frequency.OTHER)
        yield Mark("frequency", value, found.first, found.end, 0.8)


def _code_count(number: int, unit: TimeUnit) -> Frequency:
    if unit is TimeUnit.DAY:
        return _PER_DAY.get(number, Frequency.OTHER)
    if unit is TimeUnit.WEEK:
        return _PER_WEEK.get(number, Frequency.OTHER)
    return _PER_MONTH.get(number, Frequency.OTHER)


def find_cycles(tokens: Tokens) -> list[Mark]:
    """Return the lengths of cycles: "each 21-day cycle", "4-weekly cycles"."""
    return drop_overlaps([*_find_plain_cycles(tokens), *_find_other_cycles(tokens)])


def _find_plain_cycles(tokens: Tokens) -> Iterator[Mark]:
    """Yield the times that the words beside them make cycles."""
    for duration in find_durations(tokens):
        if duration.low != duration.high or duration.unit not in WHOLE_DAYS:
            continue
        if rule("no_cycle_after").starts(tokens, duration.end):
            continue
        before = rule("cycle_before").ends(tokens, duration.first)
        after = rule("cycle_after").starts(tokens, duration.end)
        if before or after:
            period = Period(value=duration.low, unit=duration.unit)
            yield Mark("cycle", period, duration.first, duration.end, 0.9)


def _find_other_cycles(tokens: Tokens) -> Iterator[Mark]:
    for name in ("counted_cycle", "days_interval", "cycles_at", "first_day_cycle"):
        for found in rule(name).find(tokens):
            period_or_none = _read_period(found)
            if period_or_none:
                first, _ = found.place("value")
                _, end = found.place("unit")
                yield Mark("cycle", period_or_none, first, end, 0.8)
    for found in rule("weekly_cycles").find(tokens):
        number = read_number(found.read("value") or "")
        if number is not None:
            period = Period(value=number, unit=TimeUnit.WEEK)
            yield Mark("cycle", period, found.first, found.end, 0.9)
    for found in rule("weeks_on_and_off").find(tokens):
        numbers = [read_number(found.read(name) or "") for name in ("on", "off")]
        unit = _read_unit(found.read("unit") or "")
        if unit and numbers[0] is not None and numbers[1] is not None:
            period = Period(value=numbers[0] + numbers[1], unit=unit)
            yield Mark("cycle", period, found.first, found.end, 0.8)


def _read_period(found: Found) -> Period | None:
    number = read_number(found.read("value") or "")
    unit = _read_unit(found.read("unit") or "")
    if number is None or unit is None:
        return None
    return Period(value=number, unit=unit)


def find_lengths(tokens: Tokens) -> list[Mark]:
    """Return the lengths of treatment: "for 12 weeks", "up to 6 cycles", "until week 24". A range
    has no value.
    """
    marks: list[Mark] = []
    for duration in find_durations(tokens):
        mark = _read_length(tokens, duration.first, duration.end)
        if mark is None or duration.unit in (TimeUnit.MINUTE, TimeUnit.HOUR):
            continue
        period = Period(value=duration.high, unit=duration.unit)
        value = period if duration.low == duration.high else None
        marks.append(Mark("duration", value, duration.first, duration.end, mark))
    marks += _find_other_lengths(tokens)
    return drop_overlaps(marks)


def list_other_lengths(tokens: Tokens) -> Iterator[Mark]:
    """Yield the lengths of pauses and of observation, which are none of treatment."""
    for duration in find_durations(tokens):
        if ends_any(_NO_LENGTH_BEFORE, tokens, duration.first):
            period = Period(value=duration.high, unit=duration.unit)
            yield Mark("duration", period, duration.first, duration.end)


def _read_length(tokens: Tokens, first: int, end: int) -> float | None:
    """Return how sure a time is a length of treatment; None if it is none."""
    if rule("no_length_after").starts(tokens, end):
        return None
    if ends_any(_NO_LENGTH_BEFORE, tokens, first):
        return None
    before = rule("length_before").ends(tokens, first)
    if before and before.has("strong"):
        return 0.9
    if rule("length_after").starts(tokens, end):
        return 0.85
    return 0.5 if before else None


def _find_other_lengths(tokens: Tokens) -> Iterator[Mark]:
    for found in rule("cycle_count").find(tokens):
        number = read_number(found.read("value") or "")
        if number is None or rule("cycle_before").ends(tokens, found.end):
            continue
        period = Period(value=number, unit=TimeUnit.CYCLE)
        value = None if found.has("range") else period
        first, end = found.place("value")
        yield Mark("duration", value, first, max(end, found.end), 0.85)
    yield from _find_last_weeks(tokens)
    yield from _find_short_lengths(tokens)


def _find_last_weeks(tokens: Tokens) -> Iterator[Mark]:
    for found in rule("until_week").find(tokens):
        last = read_number(found.read("last") or "")
        start = read_number(found.read("start") or "") or 0
        unit = _read_unit(found.read("unit") or "")
        if last is None or unit is None or start > 1:
            continue
        period = Period(value=last, unit=unit)
        yield Mark("duration", period, found.first, found.end, 0.8)


def _find_short_lengths(tokens: Tokens) -> Iterator[Mark]:
    for found in rule("one_period").find(tokens):
        unit = _read_unit(found.read("unit") or "")
        if unit:
            period = Period(value=1, unit=unit)
            yield Mark("duration", period, found.first, found.end, 0.8)
    for name in ("glued_length", "nights_length"):
        for found in rule(name).find(tokens):
            read = _read_period(found)
            if read:
                yield Mark("duration", read, found.first, found.end, 0.8)
