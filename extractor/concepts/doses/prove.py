"""Check that the values of a model's regimen belong to its agent.

A value is linked if a statement of the agent has it. It is refused if the quoted words give the
agent another value, or state it of something else than giving. All others stay open.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import isclose
from typing import Any, NamedTuple

from extractor.concepts.doses.agents import Agent, Agents
from extractor.concepts.doses.amounts import list_other_amounts
from extractor.concepts.doses.arms import Arms, replace_arms
from extractor.concepts.doses.marks import LINKED, Mark
from extractor.concepts.doses.merging import Regimen
from extractor.concepts.doses.rhythms import list_other_frequencies, list_other_lengths
from extractor.concepts.doses.sections import DoseText, list_texts
from extractor.concepts.doses.statements import (
    Linked,
    Statement,
    is_aside,
    read_clauses,
)
from extractor.concepts.own.value_forms import show_value
from extractor.evidence.drafts import Draft, Reading, Refusal, Span, Why
from extractor.evidence.parsed import ParsedRecord
from extractor.language.numbers import DAYS
from extractor.language.units import find_dimension
from extractor.schemas import Amount, Frequency, Period, Support, Task

_ROUNDED = 0.05
"""How much half a year may differ from 26 weeks."""
_VAGUE = frozenset(
    {Frequency.OTHER, Frequency.ONCE, Frequency.CONTINUOUS, Frequency.PRN}
)
"""Frequencies that contradict no other."""
_SURE = 0.6
"""The least probability of a link that contradicts another value."""
_NEAR_BEST = 0.25
"""How much less likely than the likeliest mark of a statement another one may be."""
_OF_BLOOD = ("/mL", "/dL", "/L")
"""Ends of units that amounts in a form of no mark never have."""
_OTHERS = {
    "amounts": list_other_amounts,
    "frequency": list_other_frequencies,
    "duration": list_other_lengths,
}
"""The marks of each field that state something else than giving: limits, visits, pauses."""


class _Stated(NamedTuple):
    """A value that a statement has, with its link."""

    value: Any
    link: Linked
    statement: Statement

    @property
    def span(self) -> Span:
        return self.link.text.span(*self.link.mark.place)


@dataclass(frozen=True)
class _Text:
    """What a record says of its agents."""

    texts: Sequence[DoseText]
    agents: Agents
    statements: Sequence[Statement]
    arms: Arms


def prove_regimens(answers: Sequence[Draft], parsed: ParsedRecord) -> list[Draft]:
    """Return the answers, with what the text says of the agents of regimens, and without what it
    says of something else. Answers of other groups, and without an agent, stay as they are.

    A linked value has the support ``parsed`` and the place where its agent has it, an open one
    ``inferred``. All agents that the answers name count as agents of the record.
    """
    names = [_read_agent(answer) for answer in answers]
    if not any(names):
        return list(answers)
    texts = list_texts(parsed.record, parsed.sections)
    agents = Agents(texts, parsed.record.registry.arm_links)
    for named in filter(None, names):
        agents.name_agent(named, texts)
    statements = [one for text in texts for one in read_clauses(text, agents)]
    text = _Text(texts, agents, statements, Arms(parsed.record, texts, agents))
    proven: list[Draft] = []
    for answer, name in zip(answers, names, strict=True):
        agent = agents.find_called(name) if name else None
        if agent and answer.group == Task.DOSING:
            proven.append(_Proof(answer, agent, text).run())
        else:
            proven.append(answer)
    return proven


def _read_agent(answer: Draft) -> str | None:
    agent = answer.model.get("agent")
    return agent.value if agent is not None else None


@dataclass(frozen=True)
class _Proof:
    """The proof of one regimen of an agent."""

    draft: Draft
    agent: Agent
    text: _Text

    def run(self) -> Draft:
        """Return the answer with the values that stand, each with its support and place."""
        readings = dict(self.draft.model)
        refused = list(self.draft.refused)
        for field in LINKED:
            reading = readings.pop(field, None)
            if reading is None:
                continue
            proven, refusals = self._prove(field, reading)
            refused += refusals
            if proven:
                readings[field] = proven
        amounts = readings.get("amounts")
        if amounts and amounts.value:
            kept, refusals = self._prove_arms_of(amounts.list_values())
            readings["amounts"] = replace(amounts, value=tuple(kept))
            refused += refusals
        return replace(self.draft, model=readings, refused=tuple(refused))

    @property
    def quote(self) -> Span:
        """The words of the regimen; without them, those that the model was asked about."""
        quote = self.draft.model.get("quote")
        return quote.spans[0] if quote and quote.spans else self.draft.chunk.span

    @property
    def amounts(self) -> Sequence[Amount]:
        amounts = self.draft.model.get("amounts")
        return amounts.list_values() if amounts else ()

    def _prove(
        self, field: str, reading: Reading[Any]
    ) -> tuple[Reading[Any] | None, list[Refusal]]:
        """Return the reading with the values that stand, and why others go. None stands for a
        reading of which nothing stands.
        """
        values: list[Any] = []
        spans: list[Span] = []
        supports: list[Support] = []
        refused: list[Refusal] = []
        for value, span in zip(reading.list_values(), reading.spans, strict=True):
            judged = self._judge(field, value)
            if isinstance(judged, Refusal):
                refused.append(replace(judged, field=field, value=show_value(value)))
                continue
            values.append(value)
            spans.append(judged or span)
            supports.append(Support.PARSED if judged else Support.INFERRED)
        if not reading.list_values():
            return reading, []
        if not values:
            return None, refused
        is_inferred = Support.INFERRED in supports
        proven = replace(
            reading,
            value=tuple(values) if isinstance(reading.value, tuple) else values[0],
            spans=tuple(spans),
            support=Support.INFERRED if is_inferred else Support.PARSED,
            supports=tuple(supports),
        )
        return proven, refused

    def _judge(self, field: str, value: Any) -> Span | Refusal | None:
        """Return where the agent has a value, why it is not the agent's, or None if the text
        leaves it open.
        """
        if field == "arms":
            return self._judge_arm(value)
        stated = [one for one in self._list_stated(field) if self._fits(field, one)]
        same = [one for one in stated if is_same(one.value, value)]
        here = [one for one in stated if self._is_here(one.statement)]
        for one in same:
            is_here = self._is_here(one.statement)
            if is_here or self._is_of_its_arms(field, value, one.statement):
                return one.span
        near = [one for one in same if self._is_near(one.statement)]
        if near:
            return None if here else near[0].span
        return self._refuse(field, value, here)

    def _refuse(
        self, field: str, value: Any, here: Sequence[_Stated]
    ) -> Refusal | None:
        """Return why a value is not the agent's, if the words of the regimen say so. ``here`` is
        what they say of the agent.
        """
        if self._is_quoted_of_nobody(field, value):
            return None
        other_act = self._find_other_act(field, value)
        rivals = [one for one in here if _contradicts(one, field, value)]
        # an amount may be written in a form that no mark has
        is_stated = (
            field != "amounts"
            or other_act is not None
            or value.unit.endswith(_OF_BLOOD)
            or self._is_quoted(field, value)
        )
        if rivals and is_stated:
            return Refusal(Why.OTHER_VALUE, rivals[0].span)
        return other_act

    def _list_stated(self, field: str) -> Iterator[_Stated]:
        """Yield what the statements of the agent say of a field."""
        for statement in self.text.statements:
            if statement.agent is not self.agent:
                continue
            for link in _list_firm(field, statement):
                values = link.mark.value if field == "amounts" else (link.mark.value,)
                for value in values:
                    yield _Stated(value, link, statement)
            if field != "frequency" or statement.links("frequency"):
                continue
            rhythm = Regimen([statement]).frequency()
            if rhythm:
                yield _Stated(rhythm[0], rhythm[1], statement)

    def _fits(self, field: str, stated: _Stated) -> bool:
        """Return whether a statement has an amount of the regimen, or one of the two has none."""
        levels = [
            level for link in stated.statement.amounts for level in link.mark.value
        ]
        if field == "amounts" or not self.amounts or not levels:
            return True
        return any(is_same(one, level) for one in self.amounts for level in levels)

    def _is_here(self, statement: Statement) -> bool:
        """Return whether a statement's clause shares words with those of the regimen."""
        return statement.text.span(*statement.clause).overlaps(self.quote)

    def _is_near(self, statement: Statement) -> bool:
        """Return whether a statement stands in the section of the regimen, or in one that is no
        other arm.
        """
        name = statement.text.name
        is_arm = statement.text.is_arm and self.quote.section.startswith("arms[")
        return name == self.quote.section or not is_arm

    def _is_of_its_arms(self, field: str, value: Any, statement: Statement) -> bool:
        """Return whether a statement stands in an arm of an amount."""
        arms = self.text.arms
        name = statement.text.name
        if field != "amounts" or name not in arms.places:
            return False
        return arms.read_label(name) in value.arms

    def _is_quoted_of_nobody(self, field: str, value: Any) -> bool:
        """Return whether the words of the regimen have a mark of a value that no statement of
        another agent has for certain.
        """
        return any(
            not self._is_of_other(text, mark)
            for text, mark in self._list_quoted(field, value)
        )

    def _is_quoted(self, field: str, value: Any) -> bool:
        return any(True for _ in self._list_quoted(field, value))

    def _list_quoted(self, field: str, value: Any) -> Iterator[tuple[DoseText, Mark]]:
        """Yield the marks of a value in the words of the regimen, each with its section."""
        for text in self.text.texts:
            if text.name != self.quote.section:
                continue
            for mark in text.marks:
                is_here = text.span(*mark.place).overlaps(self.quote)
                if mark.field == field and is_here and _states(mark, field, value):
                    yield text, mark

    def _is_of_other(self, text: DoseText, mark: Mark) -> bool:
        """Return whether a mark belongs plainly to another statement, and to none of the agent."""
        owners = [
            (one, link)
            for one in self.text.statements
            if one.text is text
            for link in one.links(mark.field)
            if link.mark is mark
        ]
        if any(self._is_own(one) for one, _ in owners):
            return False
        return any(not link.is_shared and link.sure >= _SURE for _, link in owners)

    def _is_own(self, statement: Statement) -> bool:
        """Return whether a statement is of the agent, with an amount of the regimen or none."""
        if statement.agent is not self.agent:
            return False
        levels = [level for link in statement.amounts for level in link.mark.value]
        if not self.amounts or not levels:
            return True
        return any(is_same(one, level) for one in self.amounts for level in levels)

    def _find_other_act(self, field: str, value: Any) -> Refusal | None:
        """Return why a value is not given, if the words of the regimen state it of a limit, a visit
        or a pause alone.
        """
        list_others = _OTHERS.get(field)
        is_limit = field == "amounts" and value.low is None
        if list_others is None or is_limit:
            return None
        for text in self.text.texts:
            if text.name != self.quote.section:
                continue
            asides = [place for place in text.clauses if is_aside(text, place)]
            for mark in (*list_others(text.tokens), *text.marks):
                is_here = text.span(*mark.place).overlaps(self.quote)
                if (
                    mark.field != field
                    or not is_here
                    or not _states(mark, field, value)
                ):
                    continue
                is_aside_here = any(first <= mark.first < end for first, end in asides)
                if mark not in text.marks or is_aside_here:
                    return Refusal(Why.OTHER_OWNER, text.span(*mark.place))
        return None

    def _judge_arm(self, label: str) -> Span | Refusal | None:
        """Return the place of an arm's label if the arm gets the regimen, why it does not, or None.
        Several arms may have one label.
        """
        arms = self.text.arms
        judged = [
            self._judge_one_arm(arm)
            for arm in arms.places
            if arms.read_label(arm) == label
        ]
        for result in judged:
            if isinstance(result, Span):
                return result
        if None in judged or not judged:
            return None
        return judged[0]

    def _judge_one_arm(self, arm: str) -> Span | Refusal | None:
        arms = self.text.arms
        rival = self._find_rival_amount(arm, self.amounts)
        if rival:
            return Refusal(Why.OTHER_VALUE, rival)
        getting = arms.list_naming(self.agent)
        linked = arms.list_linked(self.agent)
        if arm in linked or arm in getting:
            return arms.places[arm]
        names_others = arms.names_any(arm)
        if names_others and (linked or getting) and not self._is_in_all_arms(arm):
            return Refusal(Why.OTHER_OWNER, arms.places[arm])
        return None

    def _is_in_all_arms(self, arm: str) -> bool:
        """Return whether the record may give the agent in an arm that does not name it."""
        return self.text.arms.refers(arm) or any(
            not one.is_arm
            and not one.is_intervention
            and any(
                mention.agent is self.agent for mention in self.text.agents.find(one)
            )
            for one in self.text.texts
        )

    def _find_rival_amount(self, arm: str, amounts: Sequence[Amount]) -> Span | None:
        """Return where an arm's own text gives the agent other amounts alone, while another arm has
        those of the regimen.
        """
        own: list[_Stated] = []
        others: list[Any] = []
        for one in self._list_stated("amounts"):
            if one.statement.text.name == arm:
                own.append(one)
            elif one.statement.text.is_arm:
                others.append(one.value)
        if not own or not amounts:
            return None
        if any(is_same(one.value, amount) for one in own for amount in amounts):
            return None
        is_of_other = any(is_same(one, amount) for one in others for amount in amounts)
        return own[0].span if is_of_other else None

    def _prove_arms_of(
        self, amounts: Sequence[Amount]
    ) -> tuple[list[Amount], list[Refusal]]:
        """Return amounts without the arms whose texts give another one, and why those go."""
        kept: list[Amount] = []
        refused: list[Refusal] = []
        arms = self.text.arms
        for amount in amounts:
            labels: list[str] = []
            rivals: list[Span] = []
            for label in amount.arms:
                found = [
                    self._find_rival_amount(arm, [amount])
                    for arm in arms.places
                    if arms.read_label(arm) == label
                ]
                if found and all(found):
                    rivals += [span for span in found if span]
                else:
                    labels.append(label)
            if rivals:
                refusal = Refusal(
                    Why.OTHER_VALUE,
                    rivals[0],
                    field="amounts",
                    value=show_value(amount),
                )
                refused.append(refusal)
            kept.append(replace_arms(amount, tuple(labels)))
        return kept, refused


def _list_firm(field: str, statement: Statement) -> list[Linked]:
    """Return the marks of a field that a statement has most likely; all of its amounts."""
    links = statement.links(field)
    if field == "amounts" or not links:
        return links
    own = [link for link in links if not link.is_shared] or links
    best = max(link.sure for link in own)
    return [link for link in own if link.sure >= best - _NEAR_BEST]


def _states(mark: Mark, field: str, value: Any) -> bool:
    values = mark.value if field == "amounts" else (mark.value,)
    return any(is_same(value, one) for one in values)


def _contradicts(stated: _Stated, field: str, value: Any) -> bool:
    """Return whether what the agent has keeps it from having another value."""
    link = stated.link
    if link.is_shared or link.sure < _SURE or link.mark.confidence < _SURE:
        return False
    if field == "amounts":
        return _is_alike(stated.value, value)
    return not _VAGUE.intersection({stated.value, value})


def _is_alike(one: Amount, other: Amount) -> bool:
    """Return whether two amounts can contradict each other: both are rates, or neither is."""
    rates = [amount.unit.endswith(("/h", "/min")) for amount in (one, other)]
    bases = [amount.unit.partition("/")[0] for amount in (one, other)]
    dimensions = [find_dimension(base)[1] or base for base in bases]
    return rates[0] == rates[1] and dimensions[0] == dimensions[1]


def is_same(one: Any, other: Any) -> bool:
    """Return whether two values are the same. Amounts may be of a dose or of a day; lengths of time
    may be in different units, and rounded: half a year is 26 weeks.
    """
    if isinstance(one, Period) and isinstance(other, Period):
        days = [period.value * DAYS.get(period.unit, 0) for period in (one, other)]
        is_close = all(days) and isclose(days[0], days[1], rel_tol=_ROUNDED)
        return one == other or is_close
    if not isinstance(one, Amount) or not isinstance(other, Amount):
        return bool(one == other)
    units = [amount.unit.removesuffix("/day") for amount in (one, other)]
    return (one.low, one.high) == (other.low, other.high) and units[0] == units[1]
