"""Lengths of treatment cycles ("each 21-day cycle"), and of the whole treatment ("for 12 weeks", "up to 6 cycles")."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise

from extractor.schemas import Period, TimeUnit
from extractor.text.book import rule
from extractor.text.lexer import Tokens
from extractor.text.numbers import read_number
from extractor.text.patterns import Found
from extractor.text.times import Duration, find_durations, read_time_unit

from .days import find_days
from .marks import Mark, drop_overlaps, number_sentences

__all__ = ["PeriodMark", "find_cycles", "find_lengths"]

PeriodMark = Mark[Period | None]

_TRUST_OF_CYCLE = 0.98
"""Share of right cycles among those that stand in the words about a labelled dose."""
_TRUST, _TRUST_OF_STEP = 0.92, 0.3
"""Shares of right lengths among those that stand in the words about a labelled dose: one in a sentence, several."""
_LEAD = 14
"""How many tokens in front of a duration can tell what it is the length of."""


def _period(duration: Duration) -> Period | None:
    return Period(value=duration.high, unit=duration.unit) if duration.low == duration.high else None


def _ends(name: str, tokens: Tokens, end: int, reach: int = _LEAD) -> Found | None:
    """A rule that ends before a token, in the same line."""
    first = max(0, end - reach, tokens.codes.rfind("\n", 0, end) + 1)
    return rule(name).ends(tokens, end, first)


def find_cycles(tokens: Tokens) -> tuple[PeriodMark, ...]:
    """Lengths of treatment cycles; a range reads as None.

    >>> from extractor.text.book import read_text
    >>> found = find_cycles(read_text("Day 1 of each 21-day cycle; d1, 8, q4w"))
    >>> [(mark.value.value, mark.value.unit.value) for mark in found]
    [(21, 'day'), (4, 'week')]
    """
    return drop_overlaps([*_read_named(tokens), *_read_intervals(tokens)])


def _read_named(tokens: Tokens) -> Iterator[PeriodMark]:
    for duration in find_durations(tokens):
        if duration.unit in {TimeUnit.DAY, TimeUnit.WEEK, TimeUnit.MONTH}:
            after = rule("cycle_after").starts(tokens, duration.end)
            if _is_cycle(tokens, duration, after):
                end = after.end if after else duration.end
                yield Mark(_period(duration), tokens.starts[duration.first], tokens.ends[end - 1], _TRUST_OF_CYCLE)


def _is_cycle(tokens: Tokens, duration: Duration, after: Found | None) -> bool:
    before = tokens.words[duration.first - 1].lower() if duration.first else ""
    if after and after.has("course"):  # "a 10-day course" is the length of all
        return before in ("each", "every", "per", "subsequent")
    if after or _ends("cycle_before", tokens, duration.first):
        return True
    if duration.unit is TimeUnit.DAY and before in ("every", "q"):  # weeks are rather those between two givings
        return rule("counted_cycles_behind").starts(tokens, duration.end) is not None
    opened = before == "(" and tokens.words[duration.first - 2].lower() in ("cycle", "cycles")
    if duration.unit is TimeUnit.DAY and opened:
        return True
    interval = tokens.words[duration.end : duration.end + 1] in (["interval"], ["intervals"])
    return interval and _ends("repeated_before", tokens, duration.first) is not None


def _read_intervals(tokens: Tokens) -> Iterator[PeriodMark]:
    for days in find_days(tokens):
        end = tokens.before(days.end)
        found = rule("interval_behind").starts(tokens, end)
        each_cycle = tokens.words[end - 1].lower() == "cycle" and not {"each", "every"}.isdisjoint(
            word.lower() for word in tokens.words[end - 4 : end]
        )
        if found and (len(days.value) > 1 or each_cycle):
            yield from _mark_cycle(found, "value")
    for name in ("first_day_cycle", "weekly_cycles", "naked_cycle", "days_every"):
        for found in rule(name).find(tokens):
            yield from _mark_cycle(found, "value")
    for found in rule("weeks_on_and_off").find(tokens):  # together they make a cycle
        yield from _mark_cycle(found, "on", "off")


def _mark_cycle(found: Found, *parts: str) -> Iterator[PeriodMark]:
    values = [value for part in parts if (value := read_number(found.read(part) or "")) is not None]
    if len(values) == len(parts):
        unit = (found.read("unit") if "unit" in found.match.re.groupindex else None) or (
            "w" if "weekly" in found.text.lower() else "d"
        )
        kind = TimeUnit.WEEK if unit.lower().startswith("w") else TimeUnit.DAY
        yield Mark(Period(value=sum(values), unit=kind), *found.span, _TRUST_OF_CYCLE)


def find_lengths(tokens: Tokens) -> tuple[PeriodMark, ...]:
    """Lengths of the treatment; a range reads as None.

    >>> from extractor.text.book import read_text
    >>> found = find_lengths(read_text("daily for 12 weeks; up to 6 cycles"))
    >>> [(mark.value.value, mark.value.unit.value) for mark in found]
    [(12, 'week'), (6, 'cycle')]
    """
    found = (*_read_lengths(tokens), *_read_week_limits(tokens), *_read_cycle_counts(tokens))
    given = [mark for mark in found if not _is_watched(tokens, mark)]
    return _trust(tokens.text, _drop_parts(tokens, drop_overlaps(given)))


def _is_watched(tokens: Tokens, mark: PeriodMark) -> bool:
    if mark.value and mark.value.unit is TimeUnit.CYCLE:
        return False
    return _ends("watched_before", tokens, tokens.at(mark.start)) is not None


def _trust(text: str, lengths: Sequence[PeriodMark]) -> tuple[PeriodMark, ...]:
    """Several lengths in one sentence are steps of a treatment: none of them is that of the whole."""
    sentences = number_sentences(text, lengths)
    shared = {one for one, other in pairwise(sentences) if one == other}
    return tuple(
        Mark(mark.value, mark.start, mark.end, _TRUST_OF_STEP if sentence in shared else _TRUST)
        for mark, sentence in zip(lengths, sentences, strict=True)
    )


def _drop_parts(tokens: Tokens, lengths: Sequence[PeriodMark]) -> tuple[PeriodMark, ...]:
    """Without the lengths of which a sentence gives the sum: "for 12 weeks, then for 4, for a total of 16 weeks"."""
    sums = [mark.start for mark in lengths if rule("total_of").starts(tokens, tokens.at(mark.start))]
    kept = []
    for mark in lengths:
        place = bisect_left(sums, mark.end)
        if mark.start in sums or place == len(sums):
            kept.append(mark)
        else:
            between = tokens.codes[tokens.before(mark.end) : tokens.at(sums[place])]
            if not {".", ";", "\n"}.isdisjoint(between):
                kept.append(mark)
    return tuple(kept)


def _read_lengths(tokens: Tokens) -> Iterator[PeriodMark]:
    for duration in find_durations(tokens):
        if duration.unit in {TimeUnit.MINUTE, TimeUnit.HOUR, TimeUnit.CYCLE}:
            continue
        lead = _find_lead(tokens, duration)
        if (
            lead is None
            and not rule("length_after").starts(tokens, duration.end)
            and not _is_bracketed(tokens, duration)
        ):
            continue
        if rule("no_length_behind").starts(tokens, duration.end) and not _ends_at_event(tokens, duration):
            continue
        if not _ends("no_length_before", tokens, duration.first):
            first = duration.first if lead is None else lead
            yield Mark(_period(duration), tokens.starts[first], tokens.ends[duration.end - 1])


def _find_lead(tokens: Tokens, duration: Duration) -> int | None:
    """Where the words begin that make a duration that of a treatment; a comma does only with more words behind."""
    before = _ends("length_before", tokens, duration.first)
    if before is None or before.has("strong"):
        return before.first if before else None
    closed = duration.end == len(tokens) or tokens.codes[duration.end] in ",;.)"
    if duration.unit is not TimeUnit.DAY and closed:
        return before.first
    return before.first if rule("length_after").starts(tokens, duration.end) else None


def _is_bracketed(tokens: Tokens, duration: Duration) -> bool:
    """Whether it stands alone in brackets: "24 doses (24 weeks)"."""
    around = tokens.codes[max(0, duration.first - 1) : duration.first] + tokens.codes[duration.end : duration.end + 1]
    return around == "()" and duration.unit is not TimeUnit.DAY


def _ends_at_event(tokens: Tokens, duration: Duration) -> bool:
    if not rule("event_behind").starts(tokens, duration.end) or not _ends("firm_before", tokens, duration.first):
        return False
    return not _ends("no_treatment_before", tokens, duration.first)


def _read_week_limits(tokens: Tokens) -> Iterator[PeriodMark]:
    for found in rule("to_week").find(tokens):
        value, unit = read_number(found.read("value") or ""), read_time_unit(found.read("unit") or "")
        if value is not None and unit:
            yield Mark(Period(value=value, unit=unit), *found.span)


def _read_cycle_counts(tokens: Tokens) -> Iterator[PeriodMark]:
    for found in rule("cycle_count").find(tokens):
        value = read_number(found.read("value") or "")
        behind = tokens.words[found.end] if found.end < len(tokens) else ""
        if value is not None and not (behind and set(behind) <= set("IVX")):  # "day 1 courses II-VII"
            first = (found.part("value") or (found.first, 0))[0]
            period = None if found.has("range") else Period(value=value, unit=TimeUnit.CYCLE)
            yield Mark(period, tokens.starts[first], found.span[1])
