"""Name what speaks for or against each field of a regimen: the cases of its own evidence, and what
stands around the statement.

The names are those of ``evidence/weights/signs.toml``, which says how much each counts.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from extractor.concepts.doses.clauses import Statement, list_near
from extractor.concepts.doses.lengths import find_length
from extractor.concepts.doses.marks import Fact
from extractor.concepts.doses.timing import resolve_timing
from extractor.concepts.doses.trust import Trust, says_little
from extractor.evidence.drafts import Reading
from extractor.schemas import Amount

_MANY_AGENTS = 3
"""Agents of a clause from which on they are many."""
_LONG_CLAUSE = 60
"""Tokens from which on a clause is long."""
_LONG_NAME = 3
"""Words from which on a name is long."""
_IN_DOUBT = 0.7
"""The most confidence of words that may mean something else: "at least 28 days apart"."""
_FEW_ARMS = 2
"""The most arms of a regimen that are few."""


@dataclass(frozen=True, slots=True)
class RegimenView:
    """What is known of a regimen beside its values.

    ``name_cases`` are those of its agent's name, ``arm_cases`` those of its arms, ``siblings``
    counts the regimens of the agent.
    """

    trust: Trust
    name_cases: Sequence[str]
    arm_cases: Mapping[str, str]
    siblings: int

    @property
    def statement(self) -> Statement:
        """What the record says of the agent."""
        return self.trust.statement


def sign_regimen(
    rules: Mapping[str, Reading[Any]], view: RegimenView
) -> dict[str, Reading[Any]]:
    """Return the readings of a regimen by field; those with a value have their signs: one tuple for
    each of their members, with the signs of the whole statement behind its own.
    """
    statement = view.statement
    around = tuple(_describe_statement(view))
    own: dict[str, Sequence[tuple[str, ...]]] = {
        "agent": [_describe_agent(rules["agent"].value, view)],
        "role": [(f"role {rules['role'].value}",)],
        "amounts": _describe_amounts(rules["amounts"], view),
        "arms": [_describe_arms(view)] * len(rules["arms"].list_values()),
        "route": [_describe_fact("route", statement.route, view)],
        "frequency": [_describe_frequency(rules["frequency"], view)],
        "cycle": [_describe_fact("cycle", statement.cycle, view)],
        "duration": [_describe_duration(view)],
        "timing": [_describe_timing(view)],
    }
    signed: dict[str, Reading[Any]] = {}
    for name, reading in rules.items():
        if not reading.value:
            signed[name] = reading
            continue
        # under "": the signs are of the whole value, not of one quote in it
        members = [{"": (*signs, *around)} for signs in own[name]]
        signed[name] = replace(reading, signs=tuple(members))
    return signed


def _describe_amounts(
    reading: Reading[Any], view: RegimenView
) -> list[tuple[str, ...]]:
    """Return the signs of each amount: those of all amounts, then its own."""
    signs: list[tuple[str, ...]] = []
    for level in reading.list_values():
        of_all = view.trust.name_amounts(reading.value)
        signs.append((*of_all, *_describe_amount(level, view)))
    return signs


def _describe_statement(view: RegimenView) -> Iterator[str]:
    """Yield the signs of a statement that count for all of its fields."""
    statement = view.statement
    section = view.trust.sections[statement.section]
    clause = statement.clause
    if section.is_intervention:
        yield "stated in an intervention"
    elif section.is_arm:
        yield "stated in an arm"
    else:
        yield "stated in a description"
    if statement.mention is None:
        yield "the clause does not name the agent"
    if statement.linked < 1:
        yield "linked by words between"
    agents = {mention.value.key for mention in clause.named}
    if len(agents) >= _MANY_AGENTS:
        yield "many agents in the clause"
    elif len(agents) > 1:
        yield "two agents in the clause"
    if len(list_near(statement, "amounts")) > 1:
        yield "several amounts near"
    if statement.step:
        yield "a later step"
    if not statement.amounts:
        yield "no amount"
    if view.siblings > 1:
        yield "one of several regimens of its agent"
    if len(statement.parts) > 1:
        yield "put together from several places"
    if clause.end - clause.first > _LONG_CLAUSE:
        yield "a long clause"
    if statement.agent.kind == "placebo":
        yield "a placebo"


def _describe_agent(name: str, view: RegimenView) -> tuple[str, ...]:
    """Return the cases of an agent's name, and whether it is long."""
    cases = tuple(view.name_cases)
    if len(name.split()) >= _LONG_NAME:
        return (*cases, "a long name")
    return cases


def _describe_amount(level: Amount, view: RegimenView) -> Iterator[str]:
    """Yield what makes one amount doubtful: how its unit and number are written, and arms of its
    own.
    """
    if level.high is not None and level.high != level.low:
        yield "a range"
    if says_little(level.unit):
        near: list[Amount] = []
        for levels in list_near(view.statement, "amounts"):
            near += levels
        is_beside = not all(says_little(other.unit) for other in near)
        yield "a piece beside a substance" if is_beside else "a volume or a piece"
    if "/" in level.unit:
        yield "a unit with a slash"
    if level.arms:
        yield "arms of its own"


def _describe_arms(view: RegimenView) -> tuple[str, ...]:
    """Return the cases of the arms, each once, and whether the arms are few."""
    cases = {*view.arm_cases.values()}
    few = len(view.arm_cases) <= _FEW_ARMS
    return (*sorted(cases), "few arms" if few else "many arms")


def _describe_fact(name: str, fact: Fact | None, view: RegimenView) -> tuple[str, ...]:
    """Return where a fact stands, and whether its words are doubtful; nothing without a fact."""
    if fact is None:
        return ()
    doubts = []
    if fact.confidence < 1:
        doubts.append("doubtful words")
    if fact.confidence <= _IN_DOUBT:
        doubts.append("words of two meanings")
    return str(view.trust.link(name, fact)), *doubts


def _describe_frequency(reading: Reading[Any], view: RegimenView) -> tuple[str, ...]:
    """Return the cases of a frequency, and where it stands if words state it; nothing without a
    frequency.
    """
    if not reading.value:
        return ()
    coded = view.statement.frequency
    place = _describe_fact("frequency", coded, view)
    return *view.trust.name_frequency(), *place


def _describe_duration(view: RegimenView) -> tuple[str, ...]:
    """Return where a length of treatment stands, and what is doubtful about it."""
    length = find_length(view.statement)
    if length is None:
        return ("the length of the trial",)
    place = _describe_fact("length", length.facts[0], view)
    if length.doubt:
        return *place, length.doubt
    return place


def _describe_timing(view: RegimenView) -> tuple[str, ...]:
    """Return by what an agent's giving is timed, and where that stands; nothing without."""
    timing = resolve_timing(view.statement)
    if timing is None:
        return ()
    fact, _, _ = timing
    kind = "days" if fact is view.statement.days else "moment"
    return f"timed by {kind}", *_describe_fact(kind, fact, view)
