"""Find how often an agent is given, in which cycles, and for how long."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import compress, pairwise
from operator import not_

from extractor.concepts.doses.days import code_interval, count_days, find_days
from extractor.concepts.doses.daytimes import WEAK, find_daytimes
from extractor.concepts.doses.equality import is_same
from extractor.concepts.doses.marks import Mark, drop_overlaps, number_sentences
from extractor.language.book import find_terms, rule
from extractor.language.lexer import Tokens
from extractor.language.numbers import (
    ORDINALS,
    WHOLE_DAYS,
    Duration,
    find_durations,
    read_number,
    read_time_unit,
)
from extractor.language.patterns import Found
from extractor.schemas import Frequency, Period, TimeUnit

PeriodMark = Mark[Period | None]

_PER: Mapping[str, Mapping[float, Frequency]] = {
    "d": {1: Frequency.QD, 2: Frequency.BID, 3: Frequency.TID, 4: Frequency.QID},
    "w": {1: Frequency.QW, 2: Frequency.BIW, 3: Frequency.TIW, 7: Frequency.QD},
    "m": {1: Frequency.QM, 2: Frequency.Q2W},
}
_SEVERAL = frozenset({Frequency.BID, Frequency.TID, Frequency.QID})
_HOURS: Mapping[float, Frequency] = {
    4: Frequency.Q4H,
    6: Frequency.Q6H,
    8: Frequency.Q8H,
    12: Frequency.Q12H,
    24: Frequency.QD,
    48: Frequency.QOD,
}
_INTERVALS = ("every_interval", "interval_apart", "per_interval", "hyphened_interval")
_FIXED = {
    "days_every": Frequency.QD,
    "either_interval": Frequency.OTHER,
    "either_number": Frequency.OTHER,
    "day_missed": Frequency.OTHER,
    "one_weekday": Frequency.QW,
    "days_of_each_week": Frequency.OTHER,
}
"""Rules whose matches have one code."""
_CYCLES = (
    "first_day_cycle",
    "weekly_cycles",
    "days_every",
    "counted_cycle",
    "days_interval",
    "cycles_at",
)
"""Rules whose interval is the length of a cycle."""
_NO_TREATMENT = ("watched_before", "paused_before", "no_length_before")
"""Rules for words before the length of something else than treatment."""
STEP = 0.3
"""The confidence of each of several lengths in one sentence: they are steps, not the whole
treatment.
"""
_LENGTH_CONTEXT = 14
"""How many tokens before a duration can decide its meaning."""
_BELOW = {"7": TimeUnit.DAY, "52": TimeUnit.WEEK, "12": TimeUnit.MONTH}
"""The units of lengths such as 5/7, by the number below the line."""
_SHORTHAND = 0.7
_UNTIL = 0.7
"""The confidence of a length in shorthand, and of one that is told by its last week."""
_CHOICE = 0.5
"""The confidence of the first of two lengths that are choices: "for 3 days or 7 days"."""
_NIGHTS = ("night", "nights")
_LEAST = 0.7
"""The confidence of a rhythm whose interval is the least: "two doses at least 4 weeks apart"."""
_OFTEN = frozenset(
    {
        Frequency.ONCE,
        Frequency.QD,
        Frequency.BID,
        Frequency.TID,
        Frequency.QID,
        Frequency.PRN,
        Frequency.CONTINUOUS,
    }
)
_WORDINGS = {
    "one dose": ("single_giving", "one_giving"),
    "interval": _INTERVALS,
    "daily or weekly": ("bare_rhythm",),
    "per day": ("per_rhythm",),
    "some days": ("number_of_days", "consecutive_days"),
    "counted": ("counted_times", "times_after", "divided_doses"),
}


def find_frequencies(
    tokens: Tokens, taken: Collection[int] = ()
) -> tuple[Mark[Frequency], ...]:
    """Return every stated frequency, left to right, as a code of the guideline. ``taken`` holds the
    tokens of amounts.

    >>> found = find_frequencies(
    ...     read_text("q12h, then every three weeks, 3 times a week, b.i.d.")
    ... )
    >>> [mark.value.value for mark in found]
    ['Q12H', 'Q3W', 'TIW', 'BID']
    """
    stated = [
        _weigh(tokens, mark)
        for mark in _find_rhythms(tokens, taken)
        if _is_giving(tokens, mark)
    ]
    given = _drop_implied(tokens, _drop_weak(tokens, stated))
    # What the next frequency explains does not count: "biweekly (twice a week)", "1 g a day in two
    # doses".
    explained = (
        (
            one.confidence < 1
            and tokens.codes[one.end : other.first] in ("(", ",", ":", "=")
        )
        or (
            one.value is Frequency.QD
            and other.value in _SEVERAL
            and (
                _ends("total_word", tokens, one.first)
                or _is_divided(tokens, one, other)
                or _is_told_by_times(tokens, one, other)
            )
        )
        for one, other in pairwise(given)
    )
    return (*compress(given, map(not_, explained)), *given[-1:])


def _is_told_by_times(
    tokens: Tokens, daily: Mark[Frequency], times: Mark[Frequency]
) -> bool:
    """Return whether times of the day say how often "daily" is: "daily, in the morning and at
    bedtime".
    """
    beside = tokens.codes[daily.end : times.first] in ("", ",", "(", ":")
    return (
        beside and rule("daytimes").covers(tokens, times.first, times.end) is not None
    )


def _is_divided(tokens: Tokens, total: Mark[Frequency], parts: Mark[Frequency]) -> bool:
    """Return whether a day's dose is given in parts: "a day in two divided doses"."""
    beside = parts.first - total.end <= 1
    divided = rule("divided_doses").covers(tokens, parts.first, parts.end)
    return beside and divided is not None


def _weigh(tokens: Tokens, mark: Mark[Frequency]) -> Mark[Frequency]:
    """Return a rhythm as it is meant: the least time between doses has no code, and the most
    doses of a day are not always given.
    """
    apart = rule("interval_apart").covers(tokens, mark.first, mark.end)
    every = rule("every_interval").covers(tokens, mark.first, mark.end)
    if apart and not rule("intervals_word").ends(tokens, mark.end):
        in_hours = read_time_unit(apart.read("unit") or "") is TimeUnit.HOUR
        # hours between two doses of one day are no rhythm, weeks between several are
        if in_hours:
            return replace(mark, value=Frequency.OTHER, confidence=WEAK)
        if _ends("least_apart_before", tokens, mark.first):
            return replace(mark, confidence=min(mark.confidence, _LEAST))
        return mark
    if every and _ends("least_interval_before", tokens, mark.first):
        return replace(mark, value=Frequency.OTHER, confidence=WEAK)
    if _ends("most_often_before", tokens, mark.first):
        return replace(mark, confidence=min(mark.confidence, WEAK))
    return mark


def _drop_weak(
    tokens: Tokens, marks: Sequence[Mark[Frequency]]
) -> list[Mark[Frequency]]:
    """Drop rhythms that hold only where their sentence states no other and no days."""
    if all(mark.confidence != WEAK for mark in marks):
        return list(marks)
    days = find_days(tokens)
    numbers = number_sentences(tokens, [*marks, *days])
    strong = {
        number
        for number, mark in zip(numbers, [*marks, *days], strict=True)
        if mark.confidence != WEAK
    }
    return [
        mark
        for mark, number in zip(marks, numbers, strict=False)
        if mark.confidence != WEAK or number not in strong
    ]


def _drop_implied(
    tokens: Tokens, marks: Sequence[Mark[Frequency]]
) -> list[Mark[Frequency]]:
    """Drop what times of the day imply where the sentence counts the doses otherwise: "in the
    morning and at bedtime, 2 g three times daily".
    """
    numbers = number_sentences(tokens, marks)
    implied = [
        rule("daytimes").covers(tokens, mark.first, mark.end) is not None
        for mark in marks
    ]
    counted = {
        number
        for mark, number, is_implied in zip(marks, numbers, implied, strict=True)
        if mark.value in _SEVERAL and not is_implied
    }
    return [
        mark
        for mark, number, is_implied in zip(marks, numbers, implied, strict=True)
        if not (is_implied and number in counted)
    ]


def _find_rhythms(
    tokens: Tokens, taken: Collection[int]
) -> tuple[Mark[Frequency], ...]:
    return drop_overlaps(
        (
            *_find_intervals(tokens, taken),
            *_find_counts(tokens, taken),
            *_find_fixed(tokens),
            *find_daytimes(tokens),
        )
    )


def _is_giving(tokens: Tokens, mark: Mark[Frequency]) -> bool:
    """Return whether a frequency is that of doses, not of their changes or of visits, and is not
    negated.
    """
    if any(
        rule(name).starts(tokens, mark.end) for name in ("step_after", "examined_after")
    ):
        return False
    # Daily doses stand behind words for tests more often than daily tests do.
    names = (
        "not_this_one",
        "step_before",
        "washout_before",
        *(["no_giving_before"] if mark.value not in _OFTEN else []),
    )
    return not any(_ends(name, tokens, mark.first) for name in names)


def find_other_rhythms(tokens: Tokens) -> Iterator[Mark[Frequency]]:
    """Return frequencies of something else than doses: of visits, tests, changes.

    >>> [
    ...     mark.value.value
    ...     for mark in find_other_rhythms(
    ...         read_text("5 mg daily, with scans every 8 weeks")
    ...     )
    ... ]
    ['Q8W']
    """
    return (mark for mark in _find_rhythms(tokens, ()) if not _is_giving(tokens, mark))


def find_other_lengths(tokens: Tokens) -> Iterator[PeriodMark]:
    """Yield lengths of something else than treatment: of observation, a pause, an infusion, the
    time before.
    """
    for duration in find_durations(tokens):
        if any(_ends(name, tokens, duration.first) for name in _NO_TREATMENT):
            yield Mark(_period(duration), duration.first, duration.end)


def name_rhythm(tokens: Tokens, mark: Mark[Frequency]) -> str:
    """Return how a frequency is worded: a case of ``measured``.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("daily, every 3 weeks, 2 times a day, b.i.d.")
    >>> [name_rhythm(tokens, mark) for mark in find_frequencies(tokens)]
    ['daily or weekly', 'interval', 'counted', 'words']
    """
    by_value = {
        Frequency.OTHER: "other",
        Frequency.PRN: "as needed",
        Frequency.CONTINUOUS: "continuous",
    }
    if mark.value in by_value:
        return by_value[mark.value]
    case = next(
        (
            case
            for case, names in _WORDINGS.items()
            if any(rule(name).covers(tokens, mark.first, mark.end) for name in names)
        ),
        "words",
    )
    return "once" if mark.value is Frequency.ONCE and case != "one dose" else case


def _find_intervals(
    tokens: Tokens, taken: Collection[int]
) -> Iterator[Mark[Frequency]]:
    """Yield every stated interval, rule by rule, with overlaps. "hourly" means 1, and "m" is a
    month.

    The number of an amount does not belong to an interval: "40 mg/m2 weekly", "AUC 2 weekly".
    """
    for name, code in _FIXED.items():
        yield from (
            Mark(code, found.first, found.end) for found in rule(name).find(tokens)
        )
    yield from _find_ordinal_intervals(tokens)
    for found in (found for name in _INTERVALS for found in rule(name).find(tokens)):
        # "q.6.h."
        low = read_number((found.read("low") or "").lstrip("."))
        unit = (found.read("unit") or "").lower().removesuffix("ly")
        of_time = read_time_unit(unit) or TimeUnit.MONTH
        if low is None or of_time is TimeUnit.MINUTE or found.place("low")[0] in taken:
            continue
        in_hours = of_time is TimeUnit.HOUR
        if in_hours:
            code = _HOURS.get(low, Frequency.OTHER)
        else:
            code = code_interval(low * WHOLE_DAYS[of_time])
        yield Mark(
            Frequency.OTHER if found.has("high") else code, found.first, found.end
        )


def _find_ordinal_intervals(tokens: Tokens) -> Iterator[Mark[Frequency]]:
    """Yield intervals whose number is an ordinal: "every other week", "each third month"."""
    for found in rule("ordinal_interval").find(tokens):
        word = (found.read("ordinal") or "other").lower()
        unit = found.read("unit") or found.read("unit_alone") or ""
        of_time = TimeUnit.DAY if unit.lower() in _NIGHTS else read_time_unit(unit)
        if of_time is not None and of_time in WHOLE_DAYS:
            days = ORDINALS.get(word, 2) * WHOLE_DAYS[of_time]
            yield Mark(code_interval(days), found.first, found.end)


def _find_counts(tokens: Tokens, taken: Collection[int]) -> Iterator[Mark[Frequency]]:
    """Yield counted doses: "3 times a week", "in 2 divided doses", "one dose", "on Mondays and
    Fridays".
    """
    for found in rule("times_every").find(tokens):
        if read_number(found.read("low") or "") != 1:
            yield Mark(Frequency.OTHER, found.first, found.end)
    for found in rule("counted_times").find(tokens):
        if found.place("low")[0] in taken:
            continue
        yield Mark(
            Frequency.OTHER if found.has("range") else _count(found, "low", "unit"),
            found.first,
            found.end,
        )
    for found in rule("times_after").find(tokens):
        yield Mark(
            _count(found, "high", "unit" if found.has("unit") else "unit_behind"),
            found.first,
            found.end,
        )
    for found in rule("divided_doses").find(tokens):
        name = next(
            name
            for name in ("number", "number_before", "number_daily", "number_doses")
            if found.has(name)
        )
        yield Mark(_count(found, name), found.first, found.end)
    for found in rule("one_giving").find(tokens):
        ones = {"1", "one"}.intersection(
            word.lower() for word in tokens.words[found.first : found.first + 2]
        )
        before = tokens.words[found.first - 1].lower() if found.first else ""
        # "phase 1 dose escalation", "day 1 dose"
        label = rule("label_before").ends(tokens, found.first) or before in (
            "day",
            "week",
            "-",
            "/",
            ",",
            ".",
        )
        if ones and not label:
            yield Mark(Frequency.ONCE, found.first, found.end)
    for found in rule("weekdays").find(tokens):
        if found.has("through"):
            days = 0
        else:
            days = sum(1 for _ in rule("weekday").find(tokens, found.first, found.end))
        yield Mark(
            _PER["w"][days] if days in (2, 3) else Frequency.OTHER,
            found.first,
            found.end,
        )


def _count(found: Found, number: str, unit: str | None = None) -> Frequency:
    """Return the code for a number of doses in a unit of time, by default a day."""
    letter = (found.read(unit) or "")[0].lower() if unit else "d"
    return _PER[letter].get(read_number(found.read(number) or "") or 0, Frequency.OTHER)


def _find_fixed(tokens: Tokens) -> Iterator[Mark[Frequency]]:
    for term in find_terms(tokens, "frequencies"):
        first = term.first
        either = term.value == "BID" and [
            word.lower() for word in tokens.words[max(0, first - 2) : first]
        ]
        if either in (["once", "or"], ["once", "to"]):
            yield Mark(Frequency.OTHER, first - 2, term.end)
        else:
            yield Mark(Frequency(term.value), first, term.end, term.entry.confidence)


def _period(duration: Duration) -> Period | None:
    if duration.low == duration.high:
        return Period(value=duration.high, unit=duration.unit)
    return None


def _ends(name: str, tokens: Tokens, end: int) -> Found | None:
    """Return the match of a rule that ends before a token, on the same line."""
    return rule(name).ends(
        tokens, end, max(end - _LENGTH_CONTEXT, tokens.codes.rfind("\n", 0, end) + 1)
    )


def find_cycles(tokens: Tokens) -> tuple[PeriodMark, ...]:
    """Return lengths of treatment cycles. A range has the value None."""
    named = []
    for duration in find_durations(tokens):
        after = rule("cycle_after").starts(tokens, duration.end)
        timed = duration.unit in {TimeUnit.DAY, TimeUnit.WEEK, TimeUnit.MONTH}
        if timed and _is_cycle(tokens, duration, after):
            named.append(
                Mark(
                    _period(duration),
                    duration.first,
                    after.end if after else duration.end,
                )
            )
    lengths = {count_days(mark.value) for mark in named}
    # "3 weeks on, 1 week off (28-day cycle)" is one cycle, in its own words.
    others = (
        mark
        for mark in _read_intervals(tokens)
        if mark.value is None or count_days(mark.value) not in lengths
    )
    return drop_overlaps([*named, *others])


def _is_cycle(tokens: Tokens, duration: Duration, after: Found | None) -> bool:
    before = tokens.words[duration.first - 1].lower() if duration.first else ""
    if after and after.has("course"):  # "a 10-day course" is the length of treatment
        return before in ("each", "every", "per", "subsequent")
    if after or _ends("cycle_before", tokens, duration.first):
        return True
    # weeks are more likely the interval between doses
    if duration.unit is not TimeUnit.DAY:
        return False
    if before in ("every", "q"):
        return rule("counted_cycles_after").starts(tokens, duration.end) is not None
    return before == "(" and tokens.words[duration.first - 2].lower() in (
        "cycle",
        "cycles",
    )


def _read_intervals(tokens: Tokens) -> Iterator[PeriodMark]:
    for name in _CYCLES:
        for found in rule(name).find(tokens):
            yield from _mark_cycle(found, "value")
    for found in rule("weeks_on_and_off").find(tokens):  # their sum is the cycle
        yield from _mark_cycle(found, "on", "off")


def _mark_cycle(found: Found, *parts: str) -> Iterator[PeriodMark]:
    values = [
        value
        for part in parts
        if (value := read_number(found.read(part) or "")) is not None
    ]
    if len(values) == len(parts):
        unit = found.read("unit")
        weeks = unit.lower().startswith("w") if unit else "weekly" in found.text.lower()
        yield Mark(
            Period(value=sum(values), unit=TimeUnit.WEEK if weeks else TimeUnit.DAY),
            found.first,
            found.end,
        )


def find_lengths(tokens: Tokens) -> tuple[PeriodMark, ...]:
    """Return lengths of the treatment. A range has the value None."""
    timed = (
        *_read_lengths(tokens),
        *_read_single_periods(tokens),
        *_read_short_lengths(tokens),
        *_read_spans(tokens),
    )
    given = [
        mark
        for mark in timed
        if not any(_ends(name, tokens, mark.first) for name in _NO_TREATMENT[:2])
    ]
    found = _drop_repeats(tokens, drop_overlaps([*given, *_read_cycle_counts(tokens)]))
    # "for 12 weeks, then for 4 weeks, for a total of 16 weeks": only the sum counts.
    numbered = list(zip(found, number_sentences(tokens, found), strict=True))
    sums = {
        number: mark.first
        for mark, number in numbered
        if rule("total_of").starts(tokens, mark.first)
    }
    lengths = [mark for mark, number in numbered if mark.first >= sums.get(number, 0)]
    sentences = number_sentences(tokens, lengths)
    shared = {one for one, other in pairwise(sentences) if one == other}
    return tuple(
        replace(mark, confidence=STEP) if sentence in shared else mark
        for mark, sentence in zip(lengths, sentences, strict=True)
    )


def _drop_repeats(
    tokens: Tokens, lengths: Sequence[PeriodMark]
) -> tuple[PeriodMark, ...]:
    """Drop lengths that say the one before them again: "for 14 days (2 weeks)"."""
    repeated = {
        place + 1
        for place, (one, other) in enumerate(pairwise(lengths))
        if one.value
        and is_same(one.value, other.value)
        and tokens.codes[one.end : other.first] == "("
    }
    return tuple(mark for place, mark in enumerate(lengths) if place not in repeated)


def _read_lengths(tokens: Tokens) -> Iterator[PeriodMark]:
    for duration in find_durations(tokens):
        if duration.unit in {TimeUnit.MINUTE, TimeUnit.HOUR, TimeUnit.CYCLE}:
            continue
        lead = _find_lead(tokens, duration)
        behind = duration.end
        codes = tokens.codes
        around = (
            codes[max(0, duration.first - 1) : duration.first]
            + codes[behind : behind + 1]
        )
        # Such as "24 doses (24 weeks)"
        bracketed = around == "()" and duration.unit is not TimeUnit.DAY
        if lead is None and not (
            rule("length_after").starts(tokens, behind) or bracketed
        ):
            continue
        if rule("no_length_after").starts(tokens, behind):
            continue
        if not _ends("no_length_before", tokens, duration.first):
            first = duration.first if lead is None else lead
            is_choice = rule("length_choice").starts(tokens, behind) is not None
            confidence = _CHOICE if is_choice else 1.0
            yield Mark(_period(duration), first, behind, confidence)


def _read_single_periods(tokens: Tokens) -> Iterator[PeriodMark]:
    for found in rule("one_period").find(tokens):
        unit = read_time_unit(found.read("unit") or "")
        if unit and not rule("no_length_after").starts(tokens, found.end):
            yield Mark(Period(value=1, unit=TimeUnit(unit)), found.first, found.end)


def _read_short_lengths(tokens: Tokens) -> Iterator[PeriodMark]:
    """Yield lengths in shorthand: "for 5/7" (days), "for 2/52" (weeks), "x5 days"."""
    for found in rule("shorthand_length").find(tokens):
        value = read_number(found.read("value") or "")
        unit = _BELOW.get(found.read("of") or "")
        if value and unit:
            period = Period(value=value, unit=unit)
            yield Mark(period, found.first, found.end, _SHORTHAND)
    for name in ("glued_length", "nights_length"):
        for found in rule(name).find(tokens):
            value = read_number(found.read("value") or "")
            word = (found.read("unit") or "").lower()
            unit = TimeUnit.DAY if word in ("d", *_NIGHTS) else read_time_unit(word)
            if value and unit and not rule("no_length_after").starts(tokens, found.end):
                yield Mark(Period(value=value, unit=unit), found.first, found.end)


def _read_spans(tokens: Tokens) -> Iterator[PeriodMark]:
    """Yield lengths that numbered weeks tell: "through week 24", and as a step "weeks 1-4"."""
    for found in rule("until_week").find(tokens):
        # "from week 4 through week 24", "starting on day 7 until day 21"
        is_late = found.read("start") not in (None, "0", "1")
        if not is_late and not _ends("later_start", tokens, found.first):
            yield from _mark_span(found, 0, _UNTIL)
    for found in rule("span_of_weeks").find(tokens):
        first = read_number(found.read("first") or "") or 0
        # week 4 is part of "weeks 1-4", and the end of "weeks 0-4"
        yield from _mark_span(found, max(0, first - 1), STEP)


def _mark_span(found: Found, before: float, confidence: float) -> Iterator[PeriodMark]:
    """Yield the length to the last week of a match, less the weeks ``before`` it."""
    last = read_number(found.read("last") or "")
    unit = read_time_unit(found.read("unit") or "")
    if last and unit and last > before:
        period = Period(value=last - before, unit=unit)
        yield Mark(period, found.first, found.end, confidence)


def _find_lead(tokens: Tokens, duration: Duration) -> int | None:
    """Return the start of the words that make a duration a length of treatment. A comma needs
    more words after it.
    """
    before = _ends("length_before", tokens, duration.first)
    if before is None or before.has("strong"):
        return before.first if before else None
    closed = duration.end == len(tokens) or tokens.codes[duration.end] in ",;.)"
    if duration.unit is not TimeUnit.DAY and closed:
        return before.first
    return before.first if rule("length_after").starts(tokens, duration.end) else None


def _read_cycle_counts(tokens: Tokens) -> Iterator[PeriodMark]:
    for found in rule("cycle_count").find(tokens):
        value = read_number(found.read("value") or "")
        behind = tokens.words[found.end] if found.end < len(tokens) else ""
        # "day 1 courses II-VII"
        if value is not None and not (behind and set(behind) <= set("IVX")):
            period = (
                None if found.has("range") else Period(value=value, unit=TimeUnit.CYCLE)
            )
            yield Mark(period, found.place("value")[0], found.end)
