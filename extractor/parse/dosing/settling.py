"""What the facts of one statement amount to together: the frequency, the length of the treatment, the timing."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from extractor.schemas import Frequency, Period, TimeUnit

from .clauses import is_aside, split_clauses
from .facts import Fact, Statement
from .findings import find_all
from .lengths import find_lengths
from .marks import within
from .passages import Passage
from .schedules import Schedule, code_schedule

__all__ = ["Timing", "find_trial_length", "fits", "is_rate", "settle_frequency", "settle_length", "settle_timing"]

Timing = tuple[Fact, int, int]
"""The fact that tells when an agent is given, and start and end of all that belongs to it, in its section."""

_DAYS = {TimeUnit.DAY: 1, TimeUnit.WEEK: 7, TimeUnit.MONTH: 30}
_REPEATS = 160
"""How many characters behind a length the number of cycles may stand."""
_JOINTS = frozenset({"", " ", ", ", " and "})
_GOES_ON = re.compile(
    r"\s(?:and\scontinu(?:ing|ed?|es)\s(?:until|through|till)\s[^.,;()\n]{3,80}"
    r"|with\s(?:a\s)?taper\w*\s(?:on|beginning|starting)\s[^.,;()\n]{3,40}"
    r"|until\s(?!disease|progress|unaccept|death|relapse|toxic)[a-z][^.,;()\n]{3,60})",
    re.IGNORECASE,
)
"""What belongs to the days of giving before it: how long it goes on from there."""

_SINGLE_EVENT = re.compile(
    r"^(?!until|during|throughout|start|begin|commenc|initiat)(?:(?!\b(?:each|every|any|days?|weeks?|months?)\b).)*"
    r"\b(?:surg(?:ery|ical)|operation|operative(?:ly)?|intraoperatively|preoperatively|incision|skin\sclosure|induction|an?esthesia|(?:in|ex)tubation|"
    r"c(?:a?e|ae)sa?rian|caesarean|cesarean|delivery|birth|cord\sclamping|admission|randomi[sz]ation|"
    r"bronchoscopy|colonoscopy|endoscopy|hysteroscopy|biopsy|extraction|tourniquet|block|insertion|procedure)\b",
    re.IGNORECASE,
)
"""Moments of what happens once in a trial."""

_NO_TREATMENT = re.compile(
    r"follow|wash|screen|observ|surviv|visit|run-in|enrol|recruit|extension|prior|previous", re.IGNORECASE
)
"""What else a description says how long it takes."""
_TRUST_OF_TRIAL = 0.55
"""Share of right lengths among those that regimens take from descriptions."""


def find_trial_length(descriptions: Sequence[Passage]) -> Fact | None:
    """How long the trial treats, if its descriptions name one length and no other."""
    found = list(_find_described_lengths(descriptions))
    return found[0] if len({fact.value for fact in found}) == 1 else None


def _find_described_lengths(descriptions: Sequence[Passage]) -> Iterator[Fact]:
    for passage in descriptions:
        lengths = find_all(passage.tokens).length
        for start, end in split_clauses(passage.text, *passage.body) if lengths else ():
            inside = within(lengths, start, end)
            if not inside or _NO_TREATMENT.search(passage.text, start, end) or is_aside(passage.text, start, end):
                continue
            for mark in inside:
                if mark.value and mark.value.unit is not TimeUnit.CYCLE:
                    yield Fact(replace(mark, confidence=_TRUST_OF_TRIAL), passage.section)


def settle_frequency(statement: Statement) -> Frequency | None:
    """The frequency that the words, the listed days and the cycle amount to; doses per m2 are given in cycles."""
    surface = any("m2" in amount.unit or amount.unit == "AUC" for amount in statement.levels)
    stated = code_schedule(
        Schedule(
            stated=statement.frequency.value if statement.frequency else None,
            days=statement.days.value if statement.days else (),
            cycle=statement.cycle.value if statement.cycle else None,
            cyclic=statement.cyclic or surface,
        )
    )
    if stated is None and is_rate(statement):
        return Frequency.CONTINUOUS
    return Frequency.ONCE if stated is None and _is_at_single_event(statement) else stated


def _is_at_single_event(statement: Statement) -> bool:
    """Whether a dose is given at what happens once, and no length says that it goes on: "1 hour before surgery"."""
    moment = statement.moment if _belongs(statement.moment, statement) else None
    return bool(moment and statement.amounts and not statement.length and _SINGLE_EVENT.search(moment.value))


def is_rate(statement: Statement) -> bool:
    """Whether the dose is told as a rate of infusion: "0.5 ug/kg/h"."""
    return any(amount.unit.endswith(("/h", "/min")) for amount in statement.levels)


def settle_length(statement: Statement) -> Fact | None:
    """The length of the treatment; "for 3 weeks, repeated every 4 weeks" is that of a cycle, and cycles are counted."""
    length, cycle = statement.length, statement.cycle
    if length is None or cycle is None or not fits(length.value, cycle.value):
        return length
    text, end = statement.clause.text, length.mark.end
    for mark in find_lengths(text[end : end + _REPEATS]):
        if mark.value and mark.value.unit is TimeUnit.CYCLE:
            return Fact(replace(mark, start=mark.start + end, end=mark.end + end), length.section)
    return None


def fits(length: Period | None, cycle: Period | None) -> bool:
    """Whether a length is not longer than a cycle; both are stated in days, weeks or months.

    >>> fits(Period(value=5, unit=TimeUnit.DAY), Period(value=1, unit=TimeUnit.WEEK))
    True
    """
    if length is None or cycle is None or not (length.unit in _DAYS and cycle.unit in _DAYS):
        return False
    return _count_days(length) <= _count_days(cycle)


def _count_days(period: Period) -> float:
    return period.value * _DAYS[period.unit]


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
    text = statement.clause.text
    if moment:
        start, end = _join(fact, moment, text)
    goes_on = _GOES_ON.match(text, end)
    return fact, start, goes_on.end() if goes_on else end


def _find_part(statement: Statement) -> Fact | None:
    """For how much of each cycle an agent is given: "daily for 3 weeks. Treatment repeats every 4 weeks"."""
    length, cycle = statement.length, statement.cycle
    if length is None or cycle is None or not _belongs(length, statement) or not fits(length.value, cycle.value):
        return None
    return length if _count_days(length.value) < _count_days(cycle.value) else None


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
    clause = statement.clause
    inside = fact.section == statement.section and clause.start <= fact.mark.start < clause.end
    return inside or (lists and len(fact.value) > 1)
