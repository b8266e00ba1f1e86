"""Name what speaks for or against each field of a regimen.

The names are those of ``evidence/weights/signs.toml``, which says how much each counts.
``rules/dose_signs.toml`` lists the signs that limit how sure a value is.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from extractor.concepts.doses.amounts import is_portion
from extractor.concepts.doses.marks import Mark, Place, within
from extractor.concepts.doses.merging import Regimen
from extractor.concepts.doses.names import is_salt
from extractor.concepts.doses.pairs import count_unexplained, find_gap
from extractor.concepts.doses.sections import DoseText
from extractor.concepts.doses.statements import Linked
from extractor.language.book import read_table, rule, word_set
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
_SEVERAL_A_DAY = (
    Frequency.QD,
    Frequency.BID,
    Frequency.TID,
    Frequency.QID,
    Frequency.Q4H,
    Frequency.Q6H,
    Frequency.Q8H,
    Frequency.Q12H,
)
_CHOICES = word_set("or versus vs")
_STEPS = (0.6, 0.75, 0.9, 0.97)
"""Probabilities of the scorers from which on another sign counts."""
_SLASHED = re.compile(f"[{NUMBER}]/[{NUMBER}]")


def list_limits(signs: Sequence[str]) -> Iterator[str]:
    """Yield the signs that limit how sure a value is at most."""
    for limit, limiting in read_table("dose_signs").items():
        if not set(limiting).isdisjoint(signs):
            yield limit


def _list_true(facts: Mapping[str, bool]) -> Iterator[str]:
    return (sign for sign, is_true in facts.items() if is_true)


def describe_around(regimen: Regimen, siblings: int) -> Iterator[str]:
    """Yield the signs of a regimen that count for all of its fields. ``siblings`` are the regimens
    of its agent.
    """
    main = regimen.main
    marks = within(main.text.marks, *main.clause)
    yield f"stated in {main.text.kind}"
    yield f"its agent is {main.owner.how}"
    yield f"its agent, {_measure(main.sure)}"
    yield from _list_true(
        {
            "several amounts near": sum(mark.field == "amounts" for mark in marks) > 1,
            "many agents in the clause": main.rivals >= _MANY_AGENTS,
            "two agents in the clause": 1 < main.rivals < _MANY_AGENTS,
            "no amount": not regimen.amounts(),
            "one of several regimens of its agent": siblings > 1,
            "put together from several places": len(regimen.statements) > 1,
            "a long clause": main.clause[1] - main.clause[0] > _LONG_CLAUSE,
            "a placebo": regimen.agent.is_placebo,
        }
    )


def describe_agent(regimen: Regimen) -> Iterator[str]:
    """Yield the signs of the name of an agent."""
    agent = regimen.agent
    main = regimen.main
    says_how = agent.is_registered and bool(main.facts.keys() - {"amounts"})
    yield f"registered {agent.is_registered}"
    yield f"kind {agent.kind}"
    yield f"registered {agent.is_registered}, kind {agent.kind}"
    yield from _list_true(
        {
            "a part of a longer name": _is_part(agent.source, agent.place),
            "a salt": is_salt(agent.source.tokens.words[agent.place[1] - 1]),
            "an agent of a description": not main.text.is_group and not says_how,
            "a weak agent": main.sure < _WEAK,
            "a long name": len(agent.name.split()) >= _LONG_NAME,
            "a code": any(sign.isdigit() for sign in agent.name),
        }
    )


def _is_part(text: DoseText, place: Place) -> bool:
    """Return whether the words of an agent's name may be only a part of it."""
    tokens = text.tokens
    first, end = place
    beside = tokens.codes[max(0, first - 1) : first] + tokens.codes[end : end + 1]
    if not set("/+").isdisjoint(beside) or ":" in tokens.codes[first:end]:
        return True
    if "-" in (tokens.gap(first), tokens.gap(end)):
        return True
    return any(
        mark.field == "frequency" and mark.first < end and first < mark.end
        for mark in text.marks
    )


def describe_rhythm(value: Frequency, link: Linked, regimen: Regimen) -> Iterator[str]:
    """Yield what makes a frequency doubtful: other rhythms, days and times of the day beside it."""
    tokens = link.text.tokens
    first = link.mark.first
    clause = link.text.find_clause(first)
    near = within(link.text.marks, *clause)
    is_stated = link.mark.field == "frequency"
    days = [mark.value for mark in near if mark.field == "days"]
    is_one_day = len(days) == 1 and len(days[0]) == 1
    is_daily = any(level.unit.endswith("/day") for level, _ in regimen.amounts())
    is_split = rule("splits_day").search(tokens, *clause) is not None or any(
        rule("time_of_day").search(tokens, *mark.place) for mark in near
    )
    yield f"frequency {value}"
    yield from _list_true(
        {
            "another rhythm": value is Frequency.OTHER,
            "a daily amount": is_daily and value not in _SEVERAL_A_DAY,
            "times of the day": value is Frequency.QD and is_split,
            "a limit or a part": rule("rhythm_in_doubt").ends(tokens, first)
            is not None,
            "days beside a rhythm": is_stated
            and bool(days)
            and (value is not Frequency.QD or is_one_day),
            "several rhythms near": is_stated and len(_list_values(near)) > 1,
            "an amount or a rhythm": is_stated
            and any(one.field == "amounts" and one.touches(link.mark) for one in near),
        }
    )


def _list_values(marks: Sequence[Mark]) -> set[Frequency]:
    return {mark.value for mark in marks if mark.field == "frequency"}


def describe_amount(level: Amount, link: Linked, regimen: Regimen) -> Iterator[str]:
    """Yield what makes one amount doubtful."""
    text = link.text
    tokens = text.tokens
    first, end = link.mark.place
    clause = text.find_clause(first)
    levels = [other for _, other in regimen.amounts()]
    slashed = _SLASHED.search(tokens.codes[max(0, first - 2) : end])
    # "3 x 10^12 particles" does not say which
    is_unnamed = level.unit == "cells" and tokens.codes[end - 1] in NUMBER
    yield from describe_link(link, regimen)
    yield from _describe_size(level)
    yield from _describe_owner(link, regimen)
    yield from _list_true(
        {
            "a volume or a piece": is_portion(link.mark),
            "arms of its own": bool(level.arms),
            "several levels": len(levels) > 1,
            # An intervention and a description that state two amounts may contradict each other.
            "levels of several texts": len({one.text.kind for one in levels}) > 1,
            "a sum": bool(link.mark.also),
            "an amount of a placebo": regimen.agent.is_placebo,
            "an amount of a description": not text.is_group,
            "speaks of supply": rule("speaks_of_supply").occurs(tokens, *clause),
            "tells of steps": rule("tells_of_steps").occurs(tokens, *clause),
            "a unit that goes on": rule("amount_goes_on").starts(tokens, end)
            is not None,
            "a count of something": is_unnamed,
            "levels with a slash": slashed is not None,
            "another rate elsewhere": _has_other_rate(level, link, regimen),
        }
    )


def _has_other_rate(level: Amount, link: Linked, regimen: Regimen) -> bool:
    """Return whether it is in doubt that an amount is one of a day."""
    units = {
        other.unit
        for one in regimen.links("amounts")
        for other in one.mark.value
        if (other.low, other.high) == (level.low, level.high)
    }
    last = link.text.tokens.words[link.mark.end - 1].lower()
    is_lost = level.unit.endswith("/m2") and last in ("d", "day", "daily")
    return len(units) > 1 or is_lost


def _describe_owner(link: Linked, regimen: Regimen) -> Iterator[str]:
    """Yield what stands between an amount and the name of its agent."""
    tokens = link.text.tokens
    owners = [one.owner for one in regimen.statements if link in one.amounts]
    [owner] = owners[:1] or [regimen.main.owner]
    mention = owner.mention
    if mention is None or owner.how != "named":
        is_of_other = rule("of_what").starts(tokens, link.mark.end)
        if is_of_other or rule("other_name").starts(tokens, link.mark.end):
            yield "of something else"
        return
    gap = find_gap(mention.place, link.mark.place)
    yield f"{count_unexplained(tokens, *gap)} unexplained"
    if mention.first > link.mark.first:
        yield "its agent behind"


def _describe_size(level: Amount) -> Iterator[str]:
    is_open = level.low is None or level.high is None
    return _list_true(
        {
            "a limit": is_open,
            "a range": not is_open and level.low != level.high,
            "nothing given": level.low == 0,
            "radiation": level.unit == "Gy",
            "a unit with a slash": "/" in level.unit,
        }
    )


def describe_link(link: Linked, regimen: Regimen) -> Iterator[str]:
    """Yield how a mark is linked, and whether its words are doubtful."""
    field = link.mark.field
    values = {one.mark.value for one in regimen.main.links(field)}
    words = link.text.tokens.words
    first, end = link.mark.place
    around = [*words[max(0, first - 1) : first], *words[end : end + 1]]
    yield f"linked, {_measure(link.sure)}"
    yield f"by {field}"
    yield from _list_true(
        {
            "shared": link.is_shared,
            "elsewhere": link.text is not regimen.main.text,
            "doubtful words": link.mark.confidence < 1,
            "words of two meanings": link.mark.confidence <= _IN_DOUBT,
            "rivals": len(values) > 1,
            "one of a choice": not _CHOICES.isdisjoint(around),
        }
    )
    cycle = regimen.best("cycle")
    if field == "duration" and cycle:
        is_part = _count_days(link.mark.value) <= _count_days(cycle.mark.value)
        yield from _list_true({"a part of the cycle": is_part})


def _count_days(length: Period) -> float:
    """Return how many days a length has; a number of cycles is longer than any."""
    days = DAYS.get(length.unit)
    return float("inf") if days is None else length.value * days


def estimate(links: Sequence[Linked]) -> float:
    """Return the least probability of a mark's reading and of its link."""
    sure = min(link.sure * link.mark.confidence for link in links)
    return round(max(sure, _LEAST_SURE), 2)


def _measure(sure: float) -> str:
    reached = [step for step in _STEPS if sure >= step]
    return f"{reached[-1]} or more" if reached else "doubtful"
