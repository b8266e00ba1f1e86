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
    """Return the readings of a regimen; those with a value have their signs."""
    around = tuple(_describe_statement(view))
    own: dict[str, Sequence[tuple[str, ...]]] = {
        "agent": [_describe_agent(rules["agent"].value, view)],
        "role": [(f"role {rules['role'].value}",)],
        "amounts": [
            (
                *view.trust.name_amounts(rules["amounts"].value),
                *_describe_amount(one, view),
            )
            for one in rules["amounts"].list_values()
        ],
        "arms": [_describe_arms(view)] * len(rules["arms"].list_values()),
        "route": [_describe_fact("route", view.statement.route, view)],
        "frequency": [_describe_frequency(rules["frequency"], view)],
        "cycle": [_describe_fact("cycle", view.statement.cycle, view)],
        "duration": [_describe_duration(view)],
        "timing": [_describe_timing(view)],
    }
    return {
        name: replace(
            reading, signs=tuple({"": (*signs, *around)} for signs in own[name])
        )
        if reading.value
        else reading
        for name, reading in rules.items()
    }


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
    if len(agents) > 1:
        many = len(agents) >= _MANY_AGENTS
        yield "many agents in the clause" if many else "two agents in the clause"
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
    if view.trust.is_contradicted:
        yield "contradicted elsewhere"
    if clause.end - clause.first > _LONG_CLAUSE:
        yield "a long clause"
    if statement.agent.kind == "placebo":
        yield "a placebo"


def _describe_agent(name: str, view: RegimenView) -> tuple[str, ...]:
    own = tuple(view.name_cases)
    return (*own, "a long name") if len(name.split()) >= _LONG_NAME else own


def _describe_amount(level: Amount, view: RegimenView) -> Iterator[str]:
    if level.high is not None and level.high != level.low:
        yield "a range"
    if says_little(level.unit):
        near = [one for own in list_near(view.statement, "amounts") for one in own]
        is_beside = not all(says_little(one.unit) for one in near)
        yield "a piece beside a substance" if is_beside else "a volume or a piece"
    if "/" in level.unit:
        yield "a unit with a slash"
    if level.arms:
        yield "arms of its own"


def _describe_arms(view: RegimenView) -> tuple[str, ...]:
    cases = {*view.arm_cases.values()}
    few = len(view.arm_cases) <= _FEW_ARMS
    return (*sorted(cases), "few arms" if few else "many arms")


def _describe_fact(name: str, fact: Fact | None, view: RegimenView) -> tuple[str, ...]:
    """Return where a fact stands, and whether its words are doubtful."""
    if fact is None:
        return ()
    doubts = []
    if fact.confidence < 1:
        doubts.append("doubtful words")
    if fact.confidence <= _IN_DOUBT:
        doubts.append("words of two meanings")
    return str(view.trust.link(name, fact)), *doubts


def _describe_frequency(reading: Reading[Any], view: RegimenView) -> tuple[str, ...]:
    if not reading.value:
        return ()
    coded = view.statement.frequency
    place = _describe_fact("frequency", coded, view)
    return *view.trust.name_frequency(), *place


def _describe_duration(view: RegimenView) -> tuple[str, ...]:
    length = find_length(view.statement)
    if length is None:
        return ("the length of the trial",)
    doubt = (length.doubt,) if length.doubt else ()
    return *_describe_fact("length", length.facts[0], view), *doubt


def _describe_timing(view: RegimenView) -> tuple[str, ...]:
    timing = resolve_timing(view.statement)
    if timing is None:
        return ()
    is_days = timing[0] is view.statement.days
    kind = "days" if is_days else "moment"
    return f"timed by {kind}", *_describe_fact(kind, timing[0], view)
