"""What the facts of one statement amount to together: the frequency, the length of the treatment, the timing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from extractor.schemas import Frequency, Period, TimeUnit
from extractor.text.book import rule
from extractor.text.times import DAYS

from .clauses import has_rule, is_aside
from .days import Schedule, code_schedule
from .facts import Fact, Statement
from .findings import Findings
from .marks import within
from .passages import Passage

__all__ = [
    "Timing",
    "count_days",
    "find_trial_cycle",
    "find_trial_length",
    "fits",
    "is_cyclic",
    "is_rate",
    "settle_frequency",
    "settle_length",
    "settle_timing",
]

Timing = tuple[Fact, int, int]
"""The fact that tells when an agent is given, and start and end of all that belongs to it, in its section."""

_REPEATS = 160
"""How many characters behind a length the number of cycles may stand."""
_JOINTS = frozenset({"", " ", ", ", " and "})
_TRUST_OF_TRIAL = 0.55
"""Share of right lengths among those that regimens take from descriptions."""
_UNITS = frozenset({TimeUnit.DAY, TimeUnit.WEEK, TimeUnit.MONTH})


def find_trial_length(descriptions: Sequence[Passage], findings: Mapping[str, Findings]) -> Fact | None:
    """How long the trial treats, if its descriptions name one length and no other."""
    found = list(_find_described_lengths(descriptions, findings))
    return found[0] if len({fact.value for fact in found}) == 1 else None


def _find_described_lengths(descriptions: Sequence[Passage], findings: Mapping[str, Findings]) -> Iterator[Fact]:
    for passage in descriptions:
        lengths = findings[passage.section].length
        for place in passage.clauses if lengths else ():
            inside = within(lengths, *place)
            if not inside or has_rule("no_treatment", passage.tokens, *place) or is_aside(passage.tokens, *place):
                continue
            for mark in inside:
                if mark.value and mark.value.unit is not TimeUnit.CYCLE:
                    yield Fact(replace(mark, confidence=_TRUST_OF_TRIAL), passage.section)


def find_trial_cycle(findings: Mapping[str, Findings]) -> Fact | None:
    """The cycle of the trial, if the record names one and no other."""
    stated = [
        Fact(mark, section) for section, found in findings.items() for mark in found.cycle if mark.value is not None
    ]
    return stated[0] if len({count_days(fact.value) for fact in stated}) == 1 else None


def is_cyclic(statement: Statement) -> bool:
    """Whether an agent is given in cycles: its passage speaks of them, or its dose is per m2, as in cycles."""
    return statement.cyclic or any("m2" in amount.unit or amount.unit == "AUC" for amount in statement.levels)


def settle_frequency(statement: Statement) -> Frequency | None:
    """The frequency that the words, the listed days and the cycle amount to; doses per m2 are given in cycles."""
    stated = code_schedule(
        Schedule(
            stated=statement.frequency.value if statement.frequency else None,
            days=statement.days.value if statement.days else (),
            cycle=statement.cycle.value if statement.cycle else None,
            cyclic=is_cyclic(statement),
        )
    )
    if stated is None and is_rate(statement):
        return Frequency.CONTINUOUS
    return Frequency.ONCE if stated is None and _is_at_single_event(statement) else stated


def _is_at_single_event(statement: Statement) -> bool:
    """Whether a dose is given at what happens once, and no length says that it goes on: "1 hour before surgery"."""
    moment, tokens = statement.moment, statement.clause.tokens
    if moment is None or not _belongs(moment, statement) or statement.length:
        return False
    place = tokens.at(moment.mark.start), tokens.before(moment.mark.end)
    return bool(rule("single_event").search(tokens, *place)) and not rule("repeated_event").search(tokens, *place)


def is_rate(statement: Statement) -> bool:
    """Whether the dose is told as a rate of infusion: "0.5 ug/kg/h"."""
    return any(amount.unit.endswith(("/h", "/min")) for amount in statement.levels)


def settle_length(statement: Statement, findings: Findings) -> Fact | None:
    """The length of the treatment; "for 3 weeks, repeated every 4 weeks" is that of a cycle, and cycles are counted.

    ``findings`` are those of the whole section.
    """
    length, cycle = statement.length, statement.cycle
    if length is None or cycle is None or not fits(length.value, cycle.value):
        return length
    for mark in within(findings.length, length.mark.end, length.mark.end + _REPEATS):
        if mark.value and mark.value.unit is TimeUnit.CYCLE:
            return Fact(mark, length.section)
    return None


def fits(length: Period | None, cycle: Period | None) -> bool:
    """Whether a length is not longer than a cycle; both are stated in days, weeks or months.

    >>> fits(Period(value=5, unit=TimeUnit.DAY), Period(value=1, unit=TimeUnit.WEEK))
    True
    """
    one, other = count_days(length), count_days(cycle)
    return one is not None and other is not None and one <= other


def count_days(period: Period | None) -> float | None:
    """The days of a period that is told in days, weeks or months.

    >>> count_days(Period(value=3, unit=TimeUnit.WEEK))
    21.0
    """
    return period.value * DAYS[period.unit] if period and period.unit in _UNITS else None


def settle_timing(statement: Statement) -> Timing | None:
    """When an agent is given: by days or by a moment, with what stands next to them."""
    days = statement.days if _belongs(statement.days, statement, lists=True) else None
    moment = statement.moment if _belongs(statement.moment, statement) else None
    fact = days or moment or _find_part(statement)
    if fact is None:
        return None
    start, end = fact.mark.start, fact.mark.end
    if fact.section != statement.section:
        return fact, start, end
    tokens = statement.clause.tokens
    if moment:
        start, end = _join(fact, moment, tokens.text)
    goes_on = rule("goes_on").starts(tokens, tokens.before(end))
    return fact, start, goes_on.span[1] if goes_on else end


def _find_part(statement: Statement) -> Fact | None:
    """For how much of each cycle an agent is given: "daily for 3 weeks. Treatment repeats every 4 weeks"."""
    length, cycle = statement.length, statement.cycle
    if length is None or cycle is None or not _belongs(length, statement) or not fits(length.value, cycle.value):
        return None
    return length if count_days(length.value) != count_days(cycle.value) else None


def _join(fact: Fact, moment: Fact, text: str) -> tuple[int, int]:
    """Start and end of a timing, with the moment if it stands next to it."""
    (start, end), (first, last) = (fact.mark.start, fact.mark.end), (moment.mark.start, moment.mark.end)
    if last <= start and text[last:start] in _JOINTS:
        return first, end
    return (start, last) if end <= first and text[end:first] in _JOINTS else (start, end)


def _belongs(fact: Fact | None, statement: Statement, *, lists: bool = False) -> bool:
    """Whether days or a moment stand in the clause of the dose; of those of other clauses only lists of days count."""
    if fact is None:
        return False
    return statement.holds(fact) or (lists and len(fact.value) > 1)
