"""Check that the doses, routes, schedules and arms of a model's regimens belong to their agents.

The statements that the rules read are asked. A value that a statement of the agent has is linked
to it. A value that the text plainly gives to something else is refused. All others stay open.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

from extractor.concepts.doses.answered import AnsweredRegimen
from extractor.concepts.doses.equality import is_same
from extractor.concepts.doses.marks import LINKED, Fact
from extractor.concepts.doses.prove_amounts import AmountProof
from extractor.concepts.doses.prove_arms import ArmProof
from extractor.concepts.doses.prove_codes import CodeProof, mark_of
from extractor.concepts.doses.read import read_dosing_text
from extractor.concepts.doses.sections import DosingSection
from extractor.concepts.own.value_forms import show_value
from extractor.evidence.drafts import Draft, Reading, Refusal, Span, Why
from extractor.evidence.parsed import ParsedRecord
from extractor.schemas import Support, Task


class _Kept(NamedTuple):
    """A value that stands: where grounding found it, and where its agent has it, if it is
    linked.
    """

    value: Any
    grounded: Span
    linked: Span | None


def prove_regimens(answers: Sequence[Draft], parsed: ParsedRecord) -> list[Draft]:
    """Return the answers, with what the text says of the agents of regimens, and without what it
    says of something else. Answers of other groups, and without an agent, stay as they are.

    A linked value has the support ``parsed`` and the place where its agent has it, an open one
    ``inferred``. All agents that the answers name count as agents of the record.
    """
    agents = [_read_agent(answer) for answer in answers]
    named = [agent for agent in agents if agent]
    if not named:
        return list(answers)
    text = read_dosing_text(parsed.record, parsed.sections, named)
    proven: list[Draft] = []
    for answer, agent in zip(answers, agents, strict=True):
        if agent and answer.group == Task.DOSING:
            proof = _Proof(AnsweredRegimen(answer, text, agent))
            proven.append(proof.run())
        else:
            proven.append(answer)
    return proven


def _read_agent(answer: Draft) -> Any:
    """Return the agent that a model's answer names, or None."""
    agent = answer.model.get("agent")
    return agent.value if agent is not None else None


@dataclass(frozen=True)
class _Proof:
    """The proof of one regimen of an agent."""

    regimen: AnsweredRegimen

    def run(self) -> Draft:
        """Return the answer with the values that stand, each with its support and place."""
        draft = self.regimen.draft
        readings = dict(draft.model)
        refused = list(draft.refused)
        for field in LINKED:
            reading = readings.pop(field, None)
            if reading is None:
                continue
            proven, refusals = self._prove(field, reading)
            refused += refusals
            if proven:
                readings[field] = proven
        if amounts := readings.get("amounts"):
            readings["amounts"], refusals = self._prove_arms_of_amounts(amounts)
            refused += refusals
        return replace(draft, model=readings, refused=tuple(refused))

    def _prove(
        self, field: str, reading: Reading[Any]
    ) -> tuple[Reading[Any] | None, list[Refusal]]:
        """Return the reading of a field with the values that stand, and why others go. The reading
        is None if no value stands; one without values is returned as it is.
        """
        if not reading.list_values():
            return reading, []
        kept: list[_Kept] = []
        refused: list[Refusal] = []
        for value, span in zip(reading.list_values(), reading.spans, strict=True):
            judged = self.judge(field, value)
            if isinstance(judged, Refusal):
                refused.append(replace(judged, field=field, value=show_value(value)))
            else:
                kept.append(_Kept(value, span, judged))
        return (_replace_members(reading, kept) if kept else None), refused

    def _prove_arms_of_amounts(
        self, reading: Reading[Any]
    ) -> tuple[Reading[Any], list[Refusal]]:
        """Return the amounts without the arms whose texts give another one, and why those go."""
        amounts: list[Any] = []
        refused: list[Refusal] = []
        for amount in reading.list_values():
            proven, refusals = self._arms.keep(amount)
            amounts.append(proven)
            refused += refusals
        return replace(reading, value=tuple(amounts)), refused

    def judge(self, field: str, value: Any) -> Span | Refusal | None:
        """Return where the agent has a value, why it is not the agent's, or None if the text
        leaves it open.
        """
        if field == "arms":
            return self._arms.judge(value)
        if field == "amounts":
            judged = AmountProof(self.regimen).judge(value)
        else:
            judged = CodeProof(self.regimen, field).judge(value)
        if judged:
            return judged
        for stated in self.regimen.list_stated(field):
            if is_same(value, stated.value):
                return None
        return self._find_other_act(field, value)

    def _find_other_act(self, field: str, value: Any) -> Refusal | None:
        """Return why a value is not given, if the words of the regimen state it of a limit, a visit
        or a pause alone; else None.
        """
        # "up to 40 mg" is a limit itself
        is_limit = field == "amounts" and value.low is None
        if is_limit:
            return None
        section = self.regimen.text.sections.get(self.regimen.quote.section)
        if section is None:
            return None
        name = mark_of(field)
        if self._list_quoted(getattr(section.marks, name), value, section):
            return None
        others = self._list_quoted(section.others.get(name, ()), value, section)
        if not others:
            return None
        place = section.span(others[0].first, others[0].end)
        return Refusal(Why.OTHER_OWNER, place)

    def _list_quoted(
        self, marks: Sequence[Fact], value: Any, section: DosingSection
    ) -> list[Fact]:
        """Return those of the section's marks that state a value in the words of the regimen."""
        quoted: list[Fact] = []
        for mark in marks:
            if not section.span(mark.first, mark.end).overlaps(self.regimen.quote):
                continue
            if any(is_same(value, stated) for stated in _list_values(mark)):
                quoted.append(mark)
        return quoted

    @cached_property
    def _arms(self) -> ArmProof:
        regimen = self.regimen
        statements = [statement for _, statement in regimen.own]
        return ArmProof(regimen.text, regimen.key, statements, regimen.amounts)


def _list_values(mark: Fact) -> tuple[Any, ...]:
    """Return the values of a mark: an amount may have several levels."""
    return mark.value if isinstance(mark.value, tuple) else (mark.value,)


def _replace_members(reading: Reading[Any], kept: Sequence[_Kept]) -> Reading[Any]:
    """Return the reading with the members that stand, each with its support and place. The whole
    is parsed if all members are linked to the agent.
    """
    values: list[Any] = []
    spans: list[Span] = []
    supports: list[Support] = []
    for member in kept:
        values.append(member.value)
        spans.append(member.linked or member.grounded)
        supports.append(Support.PARSED if member.linked else Support.INFERRED)
    is_inferred = Support.INFERRED in supports
    is_list = isinstance(reading.value, tuple)
    return replace(
        reading,
        value=tuple(values) if is_list else values[0],
        spans=tuple(spans),
        support=Support.INFERRED if is_inferred else Support.PARSED,
        supports=tuple(supports),
    )
