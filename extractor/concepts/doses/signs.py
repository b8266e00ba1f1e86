"""Name what speaks for or against each field of a regimen.

The names are those of ``evidence/weights/signs.toml``, which says how much each counts.
"""

import math
import re
from collections.abc import Iterator, Sequence

from extractor.concepts.doses.amounts import is_portion
from extractor.concepts.doses.marks import Mark, Place, within
from extractor.concepts.doses.merging import Regimen
from extractor.concepts.doses.names import is_salt
from extractor.concepts.doses.pairs import count_unexplained, find_gap
from extractor.concepts.doses.sections import DoseText
from extractor.concepts.doses.statements import Linked
from extractor.language.book import rule
from extractor.language.lexer import NUMBER
from extractor.language.numbers import DAYS
from extractor.schemas import Amount, Frequency, Period

_MANY_AGENTS = 3
_LONG_CLAUSE = 60
_LONG_NAME = 3
_IN_DOUBT = 0.7
"""The most confidence of words that may mean something else."""
_WEAK = 0.75
"""The least probability with which an agent is plainly that of its words."""
_LEAST_SURE = 0.02
_DOUBTFUL = frozenset(
    {
        "a name of no list",
        "a part of a longer name",
        "a sum",
        "a piece beside a substance",
        "nothing given",
        "speaks of supply",
        "one of a choice",
        "days beside a rhythm",
        "times of the day",
        "an amount or a rhythm",
        "a limit or a part",
        "levels with a slash",
        "of something else",
        "another rate elsewhere",
        "a unit that goes on",
        "a count of something",
        "a part of the cycle",
        "a daily amount",
        "levels of several texts",
    }
)
_NEVER_SURE = frozenset(
    {
        "a salt",
        "a volume or a piece",
        "a percentage",
        "an agent of a description",
        "an amount of a description",
        "an amount of a placebo",
        "a weak agent",
        "shared",
        "several rhythms near",
        "radiation",
        "another rhythm",
        "by days",
        "by cycle",
    }
)
"""Signs that gold has too seldom, or under which a value is never sure."""
_NOT_DAILY = frozenset(
    {
        Frequency.QOD,
        Frequency.QW,
        Frequency.BIW,
        Frequency.TIW,
        Frequency.Q2W,
        Frequency.Q3W,
        Frequency.Q4W,
    }
)
_STEPS = (0.6, 0.75, 0.9, 0.97)
"""Probabilities of the scorers from which on another sign counts."""


def list_limits(signs: Sequence[str]) -> Iterator[str]:
    """Yield the signs that limit how sure a value is at most."""
    if not _DOUBTFUL.isdisjoint(signs):
        yield "a doubtful dose"
    if not _NEVER_SURE.isdisjoint(signs):
        yield "a dose that is never sure"


def describe_around(regimen: Regimen, siblings: int) -> Iterator[str]:
    """Yield the signs of a regimen that count for all of its fields. ``siblings`` are the regimens
    of its agent.
    """
    main = regimen.main
    text = main.text
    if text.is_intervention:
        yield "stated in an intervention"
    elif text.is_arm:
        yield "stated in an arm"
    else:
        yield "stated in a description"
    yield f"its agent is {main.owner.how}"
    yield f"its agent, {_measure(main.sure)}"
    marks = within(text.marks, *main.clause)
    amounts = sum(mark.field == "amounts" for mark in marks)
    if amounts > 1:
        yield "several amounts near"
    if main.rivals >= _MANY_AGENTS:
        yield "many agents in the clause"
    elif main.rivals > 1:
        yield "two agents in the clause"
    if not regimen.amounts():
        yield "no amount"
    if siblings > 1:
        yield "one of several regimens of its agent"
    if len(regimen.statements) > 1:
        yield "put together from several places"
    if main.clause[1] - main.clause[0] > _LONG_CLAUSE:
        yield "a long clause"
    if regimen.agent.is_placebo:
        yield "a placebo"


def describe_agent(regimen: Regimen) -> Iterator[str]:
    """Yield the signs of the name of an agent."""
    agent = regimen.agent
    yield f"registered {agent.is_registered}"
    yield from describe_name(agent.source, agent.place)
    mention = regimen.main.owner.mention
    if mention and mention.is_new:
        yield "a name of no list"
    says_how = regimen.main.facts.keys() - {"amounts"}
    if not _is_of_group(regimen.main.text) and not (agent.is_registered and says_how):
        yield "an agent of a description"
    if regimen.main.sure < _WEAK:
        yield "a weak agent"
    yield f"kind {agent.kind}"
    yield f"registered {agent.is_registered}, kind {agent.kind}"
    if len(agent.name.split()) >= _LONG_NAME:
        yield "a long name"
    if any(sign.isdigit() for sign in agent.name):
        yield "a code"


def _is_of_group(text: DoseText) -> bool:
    return text.is_arm or text.is_intervention


def describe_name(text: DoseText, place: Place) -> Iterator[str]:
    """Yield what makes the words of an agent's name doubtful."""
    tokens = text.tokens
    first, end = place
    beside = tokens.codes[max(0, first - 1) : first] + tokens.codes[end : end + 1]
    has_joint = "/" in beside or "+" in beside or ":" in tokens.codes[first:end]
    has_hyphen = tokens.gap(first) == "-" or tokens.gap(end) == "-"
    has_rhythm = any(
        mark.field == "frequency" and mark.first < end and first < mark.end
        for mark in text.marks
    )
    if has_joint or has_hyphen or has_rhythm:
        yield "a part of a longer name"
    if is_salt(tokens.words[end - 1]):
        yield "a salt"


def describe_rhythm(value: Frequency, link: Linked, regimen: Regimen) -> Iterator[str]:
    """Yield what makes a frequency doubtful: other rhythms, days and times of the day beside it."""
    yield f"frequency {value}"
    if value is Frequency.OTHER:
        yield "another rhythm"
    text = link.text
    first, end = link.mark.place
    around = (
        *text.tokens.words[max(0, first - 1) : first],
        *text.tokens.words[end : end + 1],
    )
    if "or" in around:
        yield "one of a choice"
    clause = _find_clause(text, link)
    near = within(text.marks, *clause)
    is_daily = any(level.unit.endswith("/day") for level, _ in regimen.amounts())
    if is_daily and value in _NOT_DAILY:
        yield "a daily amount"
    if link.mark.field == "frequency":
        yield from _describe_beside(value, link, near)
    if value is Frequency.QD and rule("splits_day").search(text.tokens, *clause):
        yield "times of the day"
    if rule("rhythm_in_doubt").ends(text.tokens, first):
        yield "a limit or a part"
    times = [
        mark for mark in near if rule("time_of_day").search(text.tokens, *mark.place)
    ]
    if times and value is Frequency.QD:
        yield "times of the day"


def _describe_beside(
    value: Frequency, link: Linked, near: Sequence[Mark]
) -> Iterator[str]:
    """Yield what the other marks of a clause say against a stated rhythm."""
    days = [mark.value for mark in near if mark.field == "days"]
    is_one_day = len(days) == 1 and len(days[0]) == 1
    if days and (value is not Frequency.QD or is_one_day):
        yield "days beside a rhythm"
    rhythms = {mark.value for mark in near if mark.field == "frequency"}
    if len(rhythms) > 1:
        yield "several rhythms near"
    if any(mark.field == "amounts" and mark.touches(link.mark) for mark in near):
        yield "an amount or a rhythm"


def _find_clause(text: DoseText, link: Linked) -> Place:
    for first, end in text.clauses:
        if first <= link.mark.first < end:
            return first, end
    return link.mark.place


def describe_amount(level: Amount, link: Linked, regimen: Regimen) -> Iterator[str]:
    """Yield what makes one amount doubtful."""
    yield from describe_link(link, regimen)
    if is_portion(link.mark):
        near = within(link.text.marks, *regimen.main.clause)
        others = [mark for mark in near if mark.field == "amounts"]
        is_beside = any(not is_portion(mark) for mark in others)
        yield "a piece beside a substance" if is_beside else "a volume or a piece"
    if level.arms:
        yield "arms of its own"
    levels = [other for _, other in regimen.amounts()]
    if len(levels) > 1:
        yield "several levels"
    # An intervention and a description that state two amounts may contradict each other.
    if len({other.text.name.partition("[")[0] for other in levels}) > 1:
        yield "levels of several texts"
    if link.mark.also:
        yield "a sum"
    if regimen.agent.is_placebo:
        yield "an amount of a placebo"
    yield from _describe_size(level)
    yield from _describe_words(link)
    yield from _describe_rate(level, link, regimen)
    yield from _describe_owner(link, regimen)


def _describe_words(link: Linked) -> Iterator[str]:
    """Yield what the words around an amount say against it."""
    text = link.text
    tokens = text.tokens
    clause = _find_clause(text, link)
    first, end = link.mark.place
    if not _is_of_group(text):
        yield "an amount of a description"
    if rule("speaks_of_supply").search(tokens, *clause):
        yield "speaks of supply"
    if rule("tells_of_steps").search(tokens, *clause):
        yield "tells of steps"
    if rule("amount_goes_on").starts(tokens, end):
        yield "a unit that goes on"
    # "3 x 10^12 particles" does not say which
    is_unnamed = link.mark.value[0].unit == "cells" and re.search(
        f"[{NUMBER}]", tokens.codes[end - 1]
    )
    if is_unnamed:
        yield "a count of something"
    if re.search(f"[{NUMBER}]/[{NUMBER}]", tokens.codes[max(0, first - 2) : end]):
        yield "levels with a slash"


def _describe_rate(level: Amount, link: Linked, regimen: Regimen) -> Iterator[str]:
    """Yield whether it is in doubt that an amount is one of a day."""
    units = {
        other.unit
        for one in regimen.links("amounts")
        for other in one.mark.value
        if (other.low, other.high) == (level.low, level.high)
    }
    last = link.text.tokens.words[link.mark.end - 1].lower()
    is_lost = level.unit.endswith("/m2") and last in ("d", "day", "daily")
    if len(units) > 1 or is_lost:
        yield "another rate elsewhere"


def _describe_owner(link: Linked, regimen: Regimen) -> Iterator[str]:
    """Yield what stands between an amount and the name of its agent."""
    tokens = link.text.tokens
    owners = [one.owner for one in regimen.statements if link in one.amounts]
    [owner] = owners[:1] or [regimen.main.owner]
    mention = owner.mention
    is_named = mention is not None and owner.how == "named"
    if rule("of_what").starts(tokens, link.mark.end) and not is_named:
        yield "of something else"
    if mention is None or not is_named:
        return
    gap = find_gap(mention.place, link.mark.place)
    yield f"{count_unexplained(tokens, *gap)} unexplained"
    if mention.first > link.mark.first:
        yield "its agent behind"


def _describe_size(level: Amount) -> Iterator[str]:
    if level.low is None or level.high is None:
        yield "a limit"
    elif level.high != level.low:
        yield "a range"
    if level.low == 0:
        yield "nothing given"
    if level.unit == "Gy":
        yield "radiation"
    if level.unit == "%":
        yield "a percentage"
    if "/" in level.unit:
        yield "a unit with a slash"


def describe_link(link: Linked, regimen: Regimen) -> Iterator[str]:
    """Yield how a mark is linked, and whether its words are doubtful."""
    field = link.mark.field
    yield f"linked, {_measure(link.sure)}"
    if link.is_shared:
        yield "shared"
    if link.text is not regimen.main.text:
        yield "elsewhere"
    if link.mark.confidence < 1:
        yield "doubtful words"
    if link.mark.confidence <= _IN_DOUBT:
        yield "words of two meanings"
    values = {one.mark.value for one in regimen.main.links(field)}
    if len(values) > 1:
        yield "rivals"
    if field in ("days", "cycle", "amounts"):
        yield f"by {field}"
    cycle = regimen.cycle()
    if (
        field == "duration"
        and cycle
        and _count_days(link.mark.value) <= _count_days(cycle)
    ):
        yield "a part of the cycle"


def _count_days(length: Period) -> float:
    return float(length.value * DAYS.get(length.unit, math.inf))


def estimate(links: Sequence[Linked]) -> float:
    """Return the least probability of a mark's reading and of its link."""
    sure = min(link.sure * link.mark.confidence for link in links)
    return round(max(sure, _LEAST_SURE), 2)


def _measure(sure: float) -> str:
    reached = [step for step in _STEPS if sure >= step]
    return f"{reached[-1]} or more" if reached else "doubtful"
