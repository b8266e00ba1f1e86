"""Find how often an agent is given, in which cycles, and for how long."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

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
"""A length of time. The value of a range ("3-6 weeks") is None."""

_PER: Mapping[str, Mapping[float, Frequency]] = {
    "d": {1: Frequency.QD, 2: Frequency.BID, 3: Frequency.TID, 4: Frequency.QID},
    "w": {1: Frequency.QW, 2: Frequency.BIW, 3: Frequency.TIW, 7: Frequency.QD},
    "m": {1: Frequency.QM, 2: Frequency.Q2W},
}
"""The codes of so many doses a day, week or month, by the first letter of the unit."""
_SEVERAL = frozenset({Frequency.BID, Frequency.TID, Frequency.QID})
"""Codes of several doses a day."""
_HOURS: Mapping[float, Frequency] = {
    4: Frequency.Q4H,
    6: Frequency.Q6H,
    8: Frequency.Q8H,
    12: Frequency.Q12H,
    24: Frequency.QD,
    48: Frequency.QOD,
}
"""The codes of a dose every so many hours."""
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
"""Rhythms that visits and tests seldom have."""
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
    """Return every stated frequency of giving, left to right, as a code of the guideline. Of two
    that say one thing ("1 g a day in two doses"), the later one stays.

    ``taken`` holds the tokens of amounts, whose numbers begin no frequency.

    >>> frequencies = find_frequencies(
    ...     read_text("q12h, then every three weeks, 3 times a week, b.i.d.")
    ... )
    >>> [mark.value.value for mark in frequencies]
    ['Q12H', 'Q3W', 'TIW', 'BID']
    """
    rhythms = _find_rhythms(tokens, taken)
    stated = [_weigh(tokens, mark) for mark in rhythms if _is_giving(tokens, mark)]
    stated = _drop_weak(tokens, stated)
    stated = _drop_implied(tokens, stated)
    frequencies: list[Mark[Frequency]] = []
    for mark, following in pairwise(stated):
        # as in "biweekly (twice a week)"
        if _explains_surely(tokens, mark, following):
            continue
        # "total daily dose of 900 mg in three divided doses" is given three times a day
        if _splits_the_day(tokens, mark, following):
            continue
        frequencies.append(mark)
    # nothing follows the last one
    return (*frequencies, *stated[-1:])


def _explains_surely(
    tokens: Tokens, doubtful: Mark[Frequency], following: Mark[Frequency]
) -> bool:
    """Return whether the next frequency says what a doubtful one means: "biweekly (twice a
    week)".
    """
    if doubtful.confidence >= 1:
        return False
    between = tokens.codes[doubtful.end : following.first]
    return between in ("(", ",", ":", "=")


def _splits_the_day(
    tokens: Tokens, daily: Mark[Frequency], following: Mark[Frequency]
) -> bool:
    """Return whether the next frequency says in how many doses a day's amount is given: "1 g a
    day in two doses". Only "daily" before several doses a day can be split.
    """
    if daily.value is not Frequency.QD or following.value not in _SEVERAL:
        return False
    if _ends("total_word", tokens, daily.first):
        return True
    between = tokens.codes[daily.end : following.first]
    # "a day in two divided doses"
    if len(between) <= 1:
        divided = rule("divided_doses").covers(tokens, following.first, following.end)
        if divided:
            return True
    # "daily, in the morning and at bedtime"
    if between not in ("", ",", "(", ":"):
        return False
    return rule("daytimes").covers(tokens, following.first, following.end) is not None


def _weigh(tokens: Tokens, mark: Mark[Frequency]) -> Mark[Frequency]:
    """Return a rhythm as it is meant, with less confidence where words before it make it a limit:
    the least time between two doses, or the most doses of a day, need not be the rhythm. The least
    interval, and hours between two doses, have no code.
    """
    apart = rule("interval_apart").covers(tokens, mark.first, mark.end)
    every = rule("every_interval").covers(tokens, mark.first, mark.end)
    # "4 weeks apart", but "21-day intervals" are a rhythm
    if apart and not rule("intervals_word").ends(tokens, mark.end):
        in_hours = read_time_unit(apart.read("unit") or "") is TimeUnit.HOUR
        # hours between two doses of one day are no rhythm, weeks between several are
        if in_hours:
            return replace(mark, value=Frequency.OTHER, confidence=WEAK)
        # "at least 4 weeks apart"
        if _ends("least_apart_before", tokens, mark.first):
            return replace(mark, confidence=min(mark.confidence, _LEAST))
        return mark
    # "as needed, not more often than every 6 hours" sets a distance, and no frequency
    if every and _ends("least_interval_before", tokens, mark.first):
        return replace(mark, value=Frequency.OTHER, confidence=WEAK)
    # "up to three times a day"
    if _ends("most_often_before", tokens, mark.first):
        return replace(mark, confidence=min(mark.confidence, WEAK))
    return mark


def _drop_weak(
    tokens: Tokens, marks: Sequence[Mark[Frequency]]
) -> list[Mark[Frequency]]:
    """Return the frequencies without weak ones beside others: a rhythm of confidence ``WEAK`` holds
    only where its sentence states no other rhythm and no days.
    """
    if all(mark.confidence != WEAK for mark in marks):
        return list(marks)
    timed = [*marks, *find_days(tokens)]
    numbers = number_sentences(tokens, timed)
    # sentences that say more than a weak rhythm
    firm: set[int] = set()
    for mark, number in zip(timed, numbers, strict=True):
        if mark.confidence != WEAK:
            firm.add(number)
    kept: list[Mark[Frequency]] = []
    # the numbers of the days, behind those of the frequencies, are left over
    for mark, number in zip(marks, numbers, strict=False):
        if mark.confidence == WEAK and number in firm:
            continue
        kept.append(mark)
    return kept


def _drop_implied(
    tokens: Tokens, marks: Sequence[Mark[Frequency]]
) -> list[Mark[Frequency]]:
    """Return the frequencies without those that times of the day imply, where their sentence counts
    several doses a day otherwise: "in the morning and at bedtime, 2 g three times daily".
    """
    numbers = number_sentences(tokens, marks)
    is_implied = [
        rule("daytimes").covers(tokens, mark.first, mark.end) is not None
        for mark in marks
    ]
    counted: set[int] = set()
    for mark, number, implied in zip(marks, numbers, is_implied, strict=True):
        if mark.value in _SEVERAL and not implied:
            counted.add(number)
    kept: list[Mark[Frequency]] = []
    for mark, number, implied in zip(marks, numbers, is_implied, strict=True):
        # as in "four times a day, also at breakfast and at bedtime"
        if implied and number in counted:
            continue
        kept.append(mark)
    return kept


def _find_rhythms(
    tokens: Tokens, taken: Collection[int]
) -> tuple[Mark[Frequency], ...]:
    """Return the rhythms of doses and of anything else, left to right and without overlaps."""
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
    for name in ("step_after", "examined_after"):
        # "5 mg twice daily, with monthly clinic visits"
        if rule(name).starts(tokens, mark.end):
            return False
    for name in ("not_this_one", "step_before", "washout_before"):
        if _ends(name, tokens, mark.first):
            return False
    # Daily doses stand behind words for tests more often than daily tests do.
    if mark.value in _OFTEN:
        return True
    return not _ends("no_giving_before", tokens, mark.first)


def find_other_rhythms(tokens: Tokens) -> Iterator[Mark[Frequency]]:
    """Yield frequencies of something else than doses: of visits, tests, changes.

    >>> [
    ...     mark.value.value
    ...     for mark in find_other_rhythms(
    ...         read_text("5 mg daily, with scans every 8 weeks")
    ...     )
    ... ]
    ['Q8W']
    """
    for mark in _find_rhythms(tokens, ()):
        if not _is_giving(tokens, mark):
            yield mark


def find_other_lengths(tokens: Tokens) -> Iterator[PeriodMark]:
    """Yield lengths of something else than treatment: of observation, a pause, an infusion, the
    time before.
    """
    for duration in find_durations(tokens):
        if _follows(_NO_TREATMENT, tokens, duration.first):
            yield Mark(_period(duration), duration.first, duration.end)


def _follows(names: Sequence[str], tokens: Tokens, first: int) -> bool:
    """Return whether one of several rules matches directly before a token."""
    return any(_ends(name, tokens, first) for name in names)


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


def _find_intervals(
    tokens: Tokens, taken: Collection[int]
) -> Iterator[Mark[Frequency]]:
    """Yield every stated interval, rule by rule, with overlaps. An interval without a code has the
    value "other"; one that cannot be read is skipped.

    The number of an amount (``taken``) begins no interval: "40 mg/m2 weekly", "AUC 2 weekly".
    """
    for name, fixed in _FIXED.items():
        for match in rule(name).find(tokens):
            yield Mark(fixed, match.first, match.end)
    yield from _find_ordinal_intervals(tokens)
    for name in _INTERVALS:
        for match in rule(name).find(tokens):
            number, _ = match.place("low")
            if number in taken:
                continue
            code = _code_interval_of(match)
            if code is not None:
                yield Mark(code, match.first, match.end)


def _code_interval_of(interval: Found) -> Frequency | None:
    """Return the code of an interval with a number and a unit; None if it is one of minutes, or
    its number cannot be read. A range ("every 3-4 weeks") has the code "other".
    """
    # "q.6.h."
    number = (interval.read("low") or "").lstrip(".")
    low = read_number(number)
    # "hourly" and "weekly" without a number are 1; "m" is a month
    unit = (interval.read("unit") or "").lower().removesuffix("ly")
    time_unit = read_time_unit(unit) or TimeUnit.MONTH
    # "every 20 minutes" is no frequency of the schema
    if low is None or time_unit is TimeUnit.MINUTE:
        return None
    if interval.has("high"):
        return Frequency.OTHER
    if time_unit is TimeUnit.HOUR:
        return _HOURS.get(low, Frequency.OTHER)
    return code_interval(low * WHOLE_DAYS[time_unit])


def _find_ordinal_intervals(tokens: Tokens) -> Iterator[Mark[Frequency]]:
    """Yield intervals whose number is an ordinal: "every other week", "each third month". Units
    without whole days, such as hours, are skipped.
    """
    for match in rule("ordinal_interval").find(tokens):
        ordinal = (match.read("ordinal") or "other").lower()
        unit = match.read("unit") or match.read("unit_alone") or ""
        time_unit = read_time_unit(unit)
        if unit.lower() in _NIGHTS:
            time_unit = TimeUnit.DAY
        if time_unit is None or time_unit not in WHOLE_DAYS:
            continue
        # "other" is every second one
        number = ORDINALS.get(ordinal, 2)
        code = code_interval(number * WHOLE_DAYS[time_unit])
        yield Mark(code, match.first, match.end)


def _find_counts(tokens: Tokens, taken: Collection[int]) -> Iterator[Mark[Frequency]]:
    """Yield counted doses, rule by rule, with overlaps: "3 times a week", "in 2 divided doses",
    "one dose", "on Mondays and Fridays". Ranges and counts without a code are "other".

    The number of an amount (``taken``) counts no doses.
    """
    # "twice every 2 weeks"; once every 2 weeks is an interval
    for match in rule("times_every").find(tokens):
        if read_number(match.read("low") or "") != 1:
            yield Mark(Frequency.OTHER, match.first, match.end)
    # "3 times a week"
    for match in rule("counted_times").find(tokens):
        number, _ = match.place("low")
        if number in taken:
            continue
        code = Frequency.OTHER
        if not match.has("range"):
            code = _count(match, "low", "unit")
        yield Mark(code, match.first, match.end)
    # "x 3/day"
    for match in rule("times_after").find(tokens):
        unit = "unit" if match.has("unit") else "unit_behind"
        yield Mark(_count(match, "high", unit), match.first, match.end)
    # "divided into 2 equal doses"
    for match in rule("divided_doses").find(tokens):
        numbers = ("number", "number_before", "number_daily", "number_doses")
        stated = [name for name in numbers if match.has(name)]
        yield Mark(_count(match, stated[0]), match.first, match.end)
    yield from _find_single_doses(tokens)
    yield from _find_weekdays(tokens)


def _find_single_doses(tokens: Tokens) -> Iterator[Mark[Frequency]]:
    """Yield what says that an agent is given once: "one dose", but not "phase 1 dose
    escalation", "day 1 dose", "2-1 dose".
    """
    for match in rule("one_giving").find(tokens):
        first = match.first
        words = [word.lower() for word in tokens.words[first : first + 2]]
        if "1" not in words and "one" not in words:
            continue
        # "Cohort 1 dose"
        if rule("label_before").ends(tokens, first):
            continue
        before = tokens.words[first - 1].lower() if first else ""
        if before in ("day", "week", "-", "/", ",", "."):
            continue
        yield Mark(Frequency.ONCE, first, match.end)


def _find_weekdays(tokens: Tokens) -> Iterator[Mark[Frequency]]:
    """Yield lists of weekdays: two or three are so many doses a week, "on Mondays and Fridays".
    "Monday through Friday", and any other number, has no code.
    """
    for match in rule("weekdays").find(tokens):
        weekdays = list(rule("weekday").find(tokens, match.first, match.end))
        code = Frequency.OTHER
        if len(weekdays) in (2, 3) and not match.has("through"):
            code = _PER["w"][len(weekdays)]
        yield Mark(code, match.first, match.end)


def _count(match: Found, number: str, unit: str | None = None) -> Frequency:
    """Return the code for a number of doses in a unit of time, by default a day; "other" if there
    is no code for it.

    ``number`` and ``unit`` are names of groups of the match.
    """
    letter = "d"
    if unit is not None:
        letter = (match.read(unit) or "")[0].lower()
    doses = read_number(match.read(number) or "") or 0
    return _PER[letter].get(doses, Frequency.OTHER)


def _find_fixed(tokens: Tokens) -> Iterator[Mark[Frequency]]:
    """Yield the rhythms of the vocabulary: "b.i.d.", "daily". "Once or twice daily" is "other", for
    it leaves the rhythm open.
    """
    for term in find_terms(tokens, "frequencies"):
        before = tokens.words[max(0, term.first - 2) : term.first]
        lowered = [word.lower() for word in before]
        is_either = lowered in (["once", "or"], ["once", "to"])
        # "once or twice a day"
        if term.value == "BID" and is_either:
            yield Mark(Frequency.OTHER, term.first - 2, term.end)
            continue
        code = Frequency(term.value)
        yield Mark(code, term.first, term.end, term.entry.confidence)


def _period(duration: Duration) -> Period | None:
    """Return a duration as a period; None for a range ("3-6 weeks")."""
    if duration.low == duration.high:
        return Period(value=duration.high, unit=duration.unit)
    return None


def _ends(name: str, tokens: Tokens, end: int) -> Found | None:
    """Return the match of a rule that ends directly before token ``end``, on the same line and at
    most ``_LENGTH_CONTEXT`` tokens long; else None.
    """
    line = tokens.codes.rfind("\n", 0, end) + 1
    return rule(name).ends(tokens, end, max(end - _LENGTH_CONTEXT, line))


def find_cycles(tokens: Tokens) -> tuple[PeriodMark, ...]:
    """Return lengths of treatment cycles, in reading order. A range has the value None."""
    named: list[PeriodMark] = []
    for duration in find_durations(tokens):
        if duration.unit not in {TimeUnit.DAY, TimeUnit.WEEK, TimeUnit.MONTH}:
            continue
        after = rule("cycle_after").starts(tokens, duration.end)
        if _is_cycle(tokens, duration, after):
            end = after.end if after else duration.end
            named.append(Mark(_period(duration), duration.first, end))
    lengths = {count_days(mark.value) for mark in named}
    others: list[PeriodMark] = []
    for mark in _read_intervals(tokens):
        # "3 weeks on, 1 week off (28-day cycle)" is one cycle, in its own words.
        if mark.value is not None and count_days(mark.value) in lengths:
            continue
        others.append(mark)
    return drop_overlaps([*named, *others])


def _is_cycle(tokens: Tokens, duration: Duration, after: Found | None) -> bool:
    """Return whether words beside a duration make it the length of a cycle. ``after`` are the
    words for a cycle or course behind it, if such words stand there.
    """
    before = tokens.words[duration.first - 1].lower() if duration.first else ""
    # "a 10-day course" is the length of treatment, "each 10-day course" a cycle
    if after and after.has("course"):
        return before in ("each", "every", "per", "subsequent")
    if after or _ends("cycle_before", tokens, duration.first):
        return True
    # weeks are more likely the interval between doses
    if duration.unit is not TimeUnit.DAY:
        return False
    # "every 21 days for up to 6 cycles"
    if before in ("every", "q"):
        return rule("counted_cycles_after").starts(tokens, duration.end) is not None
    # as in "cycles (21 days)"
    if before != "(":
        return False
    return tokens.words[duration.first - 2].lower() in ("cycle", "cycles")


def _read_intervals(tokens: Tokens) -> Iterator[PeriodMark]:
    """Yield the cycles that intervals state, and those of weeks with and without treatment, whose
    sum is the cycle: "3 weeks on/1 week off".
    """
    for name in _CYCLES:
        for found in rule(name).find(tokens):
            yield from _mark_cycle(found, "value")
    for found in rule("weeks_on_and_off").find(tokens):
        yield from _mark_cycle(found, "on", "off")


def _mark_cycle(match: Found, *parts: str) -> Iterator[PeriodMark]:
    """Yield the cycle that a match states, in days or weeks: the sum of the numbers in its groups
    ``parts``. Yield nothing if one of them cannot be read.
    """
    values: list[float] = []
    for part in parts:
        value = read_number(match.read(part) or "")
        if value is None:
            return
        values.append(value)
    unit = match.read("unit")
    if unit:
        in_weeks = unit.lower().startswith("w")
    else:
        in_weeks = "weekly" in match.text.lower()
    time_unit = TimeUnit.WEEK if in_weeks else TimeUnit.DAY
    yield Mark(Period(value=sum(values), unit=time_unit), match.first, match.end)


def find_lengths(tokens: Tokens) -> tuple[PeriodMark, ...]:
    """Return lengths of the treatment, in reading order. A range has the value None. Several
    lengths in one sentence are those of steps, and have the confidence ``STEP``.
    """
    timed = (
        *_read_lengths(tokens),
        *_read_single_periods(tokens),
        *_read_short_lengths(tokens),
        *_read_spans(tokens),
    )
    # "observed for 3 weeks" is no treatment
    watched = _NO_TREATMENT[:2]
    treated = [mark for mark in timed if not _follows(watched, tokens, mark.first)]
    stated = drop_overlaps([*treated, *_read_cycle_counts(tokens)])
    stated = _drop_repeats(tokens, stated)
    lengths = _drop_summed(tokens, stated)
    sentences = number_sentences(tokens, lengths)
    lengths_in = Counter(sentences)
    for place, sentence in enumerate(sentences):
        if lengths_in[sentence] > 1:
            lengths[place] = replace(lengths[place], confidence=STEP)
    return tuple(lengths)


def _drop_summed(tokens: Tokens, lengths: Sequence[PeriodMark]) -> list[PeriodMark]:
    """Return the lengths without those that stand before their sum in one sentence: "for 12 weeks,
    then for 4 weeks, for a total of 16 weeks".
    """
    sentences = number_sentences(tokens, lengths)
    sums: dict[int, int] = {}
    for mark, sentence in zip(lengths, sentences, strict=True):
        if rule("total_of").starts(tokens, mark.first):
            sums[sentence] = mark.first
    kept: list[PeriodMark] = []
    for mark, sentence in zip(lengths, sentences, strict=True):
        if mark.first < sums.get(sentence, 0):
            continue
        kept.append(mark)
    return kept


def _drop_repeats(
    tokens: Tokens, lengths: Sequence[PeriodMark]
) -> tuple[PeriodMark, ...]:
    """Return the lengths without those that say the one before them again in brackets: "for 14 days
    (2 weeks)".
    """
    kept = list(lengths[:1])
    for before, mark in pairwise(lengths):
        is_in_brackets = tokens.codes[before.end : mark.first] == "("
        # as in "once daily for 14 days (2 weeks)"
        if is_in_brackets and before.value and is_same(before.value, mark.value):
            continue
        kept.append(mark)
    return tuple(kept)


def _read_lengths(tokens: Tokens) -> Iterator[PeriodMark]:
    """Yield the durations that words around them make lengths of treatment: "for 3 weeks". The
    first of two that are choices has the confidence ``_CHOICE``: "for 3 days or 7 days".
    """
    for duration in find_durations(tokens):
        # minutes and hours are those of an infusion; cycles are read apart
        if duration.unit in {TimeUnit.MINUTE, TimeUnit.HOUR, TimeUnit.CYCLE}:
            continue
        end = duration.end
        lead = _find_lead(tokens, duration)
        if lead is None and not _is_told_behind(tokens, duration):
            continue
        # "2 weeks before surgery"
        if rule("no_length_after").starts(tokens, end):
            continue
        # "monitored in long-term follow-up for 15 years": nothing is given for so long
        if _ends("no_length_before", tokens, duration.first):
            continue
        first = duration.first if lead is None else lead
        is_choice = rule("length_choice").starts(tokens, end) is not None
        confidence = _CHOICE if is_choice else 1.0
        yield Mark(_period(duration), first, end, confidence)


def _is_told_behind(tokens: Tokens, duration: Duration) -> bool:
    """Return whether what stands behind a duration makes it a length of treatment: words ("a 10-day
    course of"), or brackets around weeks, months or years, as in "24 doses (24 weeks)".
    """
    if rule("length_after").starts(tokens, duration.end):
        return True
    before = tokens.codes[max(0, duration.first - 1) : duration.first]
    behind = tokens.codes[duration.end : duration.end + 1]
    is_in_brackets = before == "(" and behind == ")"
    return is_in_brackets and duration.unit is not TimeUnit.DAY


def _read_single_periods(tokens: Tokens) -> Iterator[PeriodMark]:
    """Yield lengths of one unit without a number: "for a week"."""
    for match in rule("one_period").find(tokens):
        unit = read_time_unit(match.read("unit") or "")
        if not unit:
            continue
        if rule("no_length_after").starts(tokens, match.end):
            continue
        period = Period(value=1, unit=TimeUnit(unit))
        yield Mark(period, match.first, match.end)


def _read_short_lengths(tokens: Tokens) -> Iterator[PeriodMark]:
    """Yield lengths in shorthand: "for 5/7" (days), "for 2/52" (weeks), "x5 days"."""
    for match in rule("shorthand_length").find(tokens):
        value = read_number(match.read("value") or "")
        unit = _BELOW.get(match.read("of") or "")
        if value and unit:
            period = Period(value=value, unit=unit)
            yield Mark(period, match.first, match.end, _SHORTHAND)
    for name in ("glued_length", "nights_length"):
        for match in rule(name).find(tokens):
            if rule("no_length_after").starts(tokens, match.end):
                continue
            value = read_number(match.read("value") or "")
            word = (match.read("unit") or "").lower()
            unit = read_time_unit(word)
            # "at bedtime for three nights"
            if word == "d" or word in _NIGHTS:
                unit = TimeUnit.DAY
            if value and unit:
                period = Period(value=value, unit=unit)
                yield Mark(period, match.first, match.end)


def _read_spans(tokens: Tokens) -> Iterator[PeriodMark]:
    """Yield lengths that numbered weeks tell: "through week 24" of a treatment that begins with the
    trial, and "weeks 1-4" as a step.
    """
    for match in rule("until_week").find(tokens):
        # "from week 4 through week 24", "starting on day 7 until day 21"
        if match.read("start") not in (None, "0", "1"):
            continue
        if _ends("later_start", tokens, match.first):
            continue
        yield from _mark_span(match, 0, _UNTIL)
    for match in rule("span_of_weeks").find(tokens):
        first = read_number(match.read("first") or "") or 0
        # week 4 is part of "weeks 1-4", and the end of "weeks 0-4"
        yield from _mark_span(match, max(0, first - 1), STEP)


def _mark_span(match: Found, before: float, confidence: float) -> Iterator[PeriodMark]:
    """Yield the length to the last week of a match, less the weeks ``before`` it."""
    last = read_number(match.read("last") or "")
    unit = read_time_unit(match.read("unit") or "")
    if not last or not unit or last <= before:
        return
    period = Period(value=last - before, unit=unit)
    yield Mark(period, match.first, match.end, confidence)


def _find_lead(tokens: Tokens, duration: Duration) -> int | None:
    """Return the first token of the words that make a duration a length of treatment, such as
    "for"; None without such words. Weak ones, such as a comma, need the end of a clause or more
    words behind the duration.
    """
    before = _ends("length_before", tokens, duration.first)
    if before is None:
        return None
    if before.has("strong"):
        return before.first
    end = duration.end
    is_closed = end == len(tokens) or tokens.codes[end] in ",;.)"
    if is_closed and duration.unit is not TimeUnit.DAY:
        return before.first
    if rule("length_after").starts(tokens, end):
        return before.first
    return None


def _read_cycle_counts(tokens: Tokens) -> Iterator[PeriodMark]:
    """Yield lengths in cycles: "for 6 cycles". A range has the value None, and numbers of cycles
    ("courses II-VII") are no length.
    """
    for match in rule("cycle_count").find(tokens):
        value = read_number(match.read("value") or "")
        if value is None:
            continue
        behind = tokens.words[match.end] if match.end < len(tokens) else ""
        # "day 1 courses II-VII"
        is_roman = bool(behind) and set(behind) <= set("IVX")
        if is_roman:
            continue
        period = None
        if not match.has("range"):
            period = Period(value=value, unit=TimeUnit.CYCLE)
        first, _ = match.place("value")
        yield Mark(period, first, match.end)
