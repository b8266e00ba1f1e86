"""Prove the regimens of a model: each value is among what the text states about the agent.

A value is linked if the text states it of the agent, refused if the quoted words state
something else about the agent, or state the value of something other than a dose, and open
otherwise.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import chain, product
from math import isclose
from operator import eq, ne
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
from extractor.evidence.drafts import Draft, Reading, Refusal, Span, Why, find_weakest
from extractor.evidence.parsed import ParsedRecord
from extractor.language.lexer import Tokens
from extractor.language.numbers import DAYS
from extractor.language.units import find_dimension
from extractor.schemas import Amount, Frequency, Period, Support, Task

_ROUNDED = 0.05
"""The allowed difference between half a year and 26 weeks."""
_VAGUE = frozenset(
    {Frequency.OTHER, Frequency.ONCE, Frequency.CONTINUOUS, Frequency.PRN}
)
"""Frequencies that contradict no other."""
_FIRM = 0.57
"""The minimum probability of a link that proves a value, or contradicts another."""
_NEAR_BEST = 0.25
"""How much less likely than the most likely mark of a statement another one may be."""
_UNNAMED = 0.7
"""How much a link counts if its clause does not name the agent."""
_OF_BLOOD = ("/mL", "/dL", "/L")
"""Ends of units that amounts in a form of no mark never have."""
_RATES = ("/h", "/min")


def _is_same_amount(one: Amount, other: Amount) -> bool:
    """Return whether two amounts are the same; one may be of a dose, the other of a day."""
    units = {amount.unit.removesuffix("/day") for amount in (one, other)}
    return (one.low, one.high) == (other.low, other.high) and len(units) == 1


def _is_same_length(one: Period, other: Period) -> bool:
    """Return whether two lengths of time are the same, in any units, and rounded."""
    days = [period.value * DAYS.get(period.unit, 0) for period in (one, other)]
    return one == other or (all(days) and isclose(*days, rel_tol=_ROUNDED))


def _have_one_dimension(one: Amount, other: Amount) -> bool:
    """Return whether two amounts can contradict each other: both are rates, or neither is."""
    rates = {amount.unit.endswith(_RATES) for amount in (one, other)}
    bases = [amount.unit.partition("/")[0] for amount in (one, other)]
    dimensions = {find_dimension(base)[1] or base for base in bases}
    return len(rates) == len(dimensions) == 1


def _are_exact(one: Frequency, other: Frequency) -> bool:
    return _VAGUE.isdisjoint({one, other})


class _Field(NamedTuple):
    """How the values of a field are compared: when two are the same; when two that differ
    contradict each other; and which words state one of something else than giving.
    """

    is_same: Callable[[Any, Any], Any] = eq
    can_contradict: Callable[[Any, Any], bool] = ne
    list_others: Callable[[Tokens], Iterable[Mark]] = lambda _: ()


_FIELDS: Mapping[str, _Field] = {
    "amounts": _Field(_is_same_amount, _have_one_dimension, list_other_amounts),
    "route": _Field(),
    "frequency": _Field(eq, _are_exact, list_other_frequencies),
    "cycle": _Field(_is_same_length),
    "duration": _Field(_is_same_length, ne, list_other_lengths),
}


class _Stated(NamedTuple):
    """A value that the words of a mark state, and the statements that have the mark."""

    value: Any
    text: DoseText
    mark: Mark
    owners: Sequence[tuple[Statement, Linked]]

    @property
    def span(self) -> Span:
        return self.text.span(*self.mark.place)


class _Claim(NamedTuple):
    """What the text states, seen from a regimen: how probably it belongs to the agent, and to
    another one, and whether it is in the clauses of the quoted words.
    """

    stated: _Stated
    own: float
    other: float
    is_here: bool


class _Ground:
    """What a record states about its agents."""

    def __init__(self, parsed: ParsedRecord, names: Iterable[str]) -> None:
        self.texts = {
            text.name: text for text in list_texts(parsed.record, parsed.sections)
        }
        texts = list(self.texts.values())
        self.agents = Agents(texts, parsed.record.registry.arm_links)
        for name in names:
            self.agents.name_agent(name, texts)
        self.arms = Arms(parsed.record, texts, self.agents)

    @cached_property
    def stated(self) -> Mapping[str, Sequence[_Stated]]:
        """What the texts state of each field."""
        stated: dict[str, list[_Stated]] = defaultdict(list)
        owners: dict[int, list[tuple[Statement, Linked]]] = defaultdict(list)
        for text in self.texts.values():
            statements = list(read_clauses(text, self.agents))
            for statement in statements:
                for link in chain.from_iterable(statement.facts.values()):
                    owners[id(link.mark)].append((statement, link))
            for mark in text.marks:
                for value in _list_values(mark):
                    one = _Stated(value, text, mark, owners[id(mark)])
                    stated[mark.field].append(one)
            # days, and a cycle, are a rhythm too
            for statement in statements:
                rhythm = Regimen([statement]).frequency()
                if rhythm and not statement.links("frequency"):
                    code, link = rhythm
                    one = _Stated(code, text, link.mark, owners[id(link.mark)])
                    stated["frequency"].append(one)
        return stated

    def may_get(self, agent: Agent, arm: str) -> bool:
        """Return whether an arm names no other agents, or a text may mean all arms."""
        if not self.arms.names_any(arm) or self.arms.refers(arm):
            return True
        prose = [text for text in self.texts.values() if not text.is_group]
        return any(
            one.agent is agent for text in prose for one in self.agents.find(text)
        )


def prove_regimens(answers: Sequence[Draft], parsed: ParsedRecord) -> list[Draft]:
    """Return the answers, with what the text states about the agents of regimens, and without
    what it states about something else. Answers of other groups, and without an agent, stay as
    they are.

    A linked value has the support ``parsed`` and the place where its agent has it, an open one
    ``inferred``. All agents that the answers name count as agents of the record.
    """
    names = [_list_answered(answer, "agent") for answer in answers]
    if not any(names):
        return list(answers)
    ground = _Ground(parsed, chain.from_iterable(names))
    proven: list[Draft] = []
    for answer, named in zip(answers, names, strict=True):
        agent = ground.agents.find_called(named[0]) if named else None
        if agent and answer.group == Task.DOSING:
            proven.append(_Proof(answer, agent, ground).run())
        else:
            proven.append(answer)
    return proven


def _list_answered(answer: Draft, field: str) -> Sequence[Any]:
    reading = answer.model.get(field)
    return reading.list_values() if reading else ()


def _list_values(mark: Mark) -> Sequence[Any]:
    """Return the values of a mark; none of a range without one."""
    if mark.field == "amounts":
        levels: Sequence[Amount] = mark.value
        return levels
    return () if mark.value is None else (mark.value,)


class _Proof:
    """The proof of one regimen of an agent."""

    def __init__(self, draft: Draft, agent: Agent, ground: _Ground) -> None:
        self._draft = draft
        self._agent = agent
        self._ground = ground
        quote = draft.model.get("quote")
        self._quote = quote.spans[0] if quote and quote.spans else draft.chunk.span
        self._amounts = _list_answered(draft, "amounts")
        self._refused = list(draft.refused)

    def run(self) -> Draft:
        """Return the answer with the values that are kept, each with its support and place."""
        readings = dict(self._draft.model)
        for field in LINKED:
            if not _list_answered(self._draft, field):
                continue
            proven = self._prove(field, readings.pop(field))
            if proven.spans:
                readings[field] = proven
        if "amounts" in readings:
            amounts = readings["amounts"]
            kept = tuple(map(self._keep_arms, amounts.list_values()))
            readings["amounts"] = replace(amounts, value=kept)
        return replace(self._draft, model=readings, refused=tuple(self._refused))

    def _prove(self, field: str, reading: Reading[Any]) -> Reading[Any]:
        """Return the reading with the values that are kept, and note why others are refused."""
        values: list[Any] = []
        spans: list[Span] = []
        supports: list[Support] = []
        for value, span in zip(reading.list_values(), reading.spans, strict=True):
            judged = self._judge(field, value)
            if isinstance(judged, Refusal):
                self._refuse(judged, field, value)
                continue
            values.append(value)
            spans.append(judged or span)
            supports.append(Support.PARSED if judged else Support.INFERRED)
        is_list = isinstance(reading.value, tuple)
        return replace(
            reading,
            value=tuple(values) if is_list else next(iter(values), None),
            spans=tuple(spans),
            support=find_weakest(supports),
            supports=tuple(supports),
        )

    def _judge(self, field: str, value: Any) -> Span | Refusal | None:
        """Return where the text states a value of the agent, why it is not the agent's, or None if
        the text leaves it open.
        """
        if field == "arms":
            return self._judge_arm(value)
        is_same = _FIELDS[field].is_same
        claims = list(map(self._claim, self._ground.stated[field]))
        same = [one for one in claims if is_same(one.stated.value, value)]
        own = [one for one in claims if one.own and one.is_here]
        least = max((one.own for one in own), default=0.0) - _NEAR_BEST
        if field == "amounts":
            least = 0.0
        here = [one for one in same if one in own and one.own >= least]
        firm = [one for one in here if one.own >= max(_FIRM, one.other)]
        if firm:
            return firm[0].stated.span
        # a further amount may be that of another arm
        is_further = field == "amounts" and any(self._has(one.stated) for one in own)
        elsewhere = [
            one
            for one in same
            if one.own and not one.is_here and (is_further or self._is_near(one.stated))
        ]
        if elsewhere and not own:
            return elsewhere[0].stated.span
        if here or elsewhere:
            return None
        return self._contradict(field, value, same, own)

    def _claim(self, stated: _Stated) -> _Claim:
        """Return what the text states, seen from the regimen."""
        own = other = 0.0
        is_here = stated.span.overlaps(self._quote)
        for statement, link in stated.owners:
            sure = link.sure * link.mark.confidence
            if statement.owner.how != "named":
                sure *= _UNNAMED
            if statement.agent is not self._agent:
                other = max(other, 0.0 if link.is_shared else sure)
            elif self._fits(stated.mark.field, statement):
                own = max(own, sure)
                clause = statement.text.span(*statement.clause)
                is_here = is_here or clause.overlaps(self._quote)
        return _Claim(stated, own, other, is_here)

    def _fits(self, field: str, statement: Statement) -> bool:
        """Return whether a statement has an amount of the regimen, or one of the two has none."""
        levels = [level for link in statement.amounts for level in link.mark.value]
        if field == "amounts" or not self._amounts or not levels:
            return True
        return any(_is_same_amount(*pair) for pair in product(levels, self._amounts))

    def _has(self, stated: _Stated) -> bool:
        return any(_is_same_amount(stated.value, amount) for amount in self._amounts)

    def _is_near(self, stated: _Stated) -> bool:
        """Return whether a section is that of the regimen, or no other arm."""
        if stated.text.name == self._quote.section:
            return True
        return not (stated.text.is_arm and self._quote.section.startswith("arms["))

    def _contradict(
        self, field: str, value: Any, same: Sequence[_Claim], own: Sequence[_Claim]
    ) -> Refusal | None:
        """Return why a value is not the agent's, if the words of the regimen say so."""
        is_same, can_contradict, list_others = _FIELDS[field]
        others = [
            one.stated
            for one in same
            if is_aside(
                one.stated.text, one.stated.text.find_clause(one.stated.mark.first)
            )
        ]
        text = self._ground.texts.get(self._quote.section)
        if text:
            others += [
                _Stated(one, text, mark, ())
                for mark in list_others(text.tokens)
                for one in _list_values(mark)
                if mark not in text.marks and is_same(one, value)
            ]
        # an amount may be written in a form that no mark has
        is_stated = bool(same or others) or field != "amounts"
        for one in own if is_stated or value.unit.endswith(_OF_BLOOD) else ():
            if one.own >= _FIRM and can_contradict(one.stated.value, value):
                return Refusal(Why.OTHER_VALUE, one.stated.span)
        spans = [one.span for one in others if one.span.overlaps(self._quote)]
        return Refusal(Why.OTHER_OWNER, spans[0]) if spans else None

    def _judge_arm(self, label: str) -> Span | Refusal | None:
        """Return the place of an arm's label if the arm gets the agent, why it does not get the
        regimen, or None. Several arms may have one label.
        """
        arms = self._ground.arms
        getting = arms.list_naming(self._agent) | arms.list_linked(self._agent)
        labelled = arms.list_labelled(label)
        rival = self._find_rival(labelled, self._amounts)
        if rival:
            return Refusal(Why.OTHER_VALUE, rival)
        for arm in labelled:
            if arm in getting:
                return arms.places[arm]
        if any(self._ground.may_get(self._agent, arm) for arm in labelled):
            return None
        is_known = bool(getting and labelled)
        return Refusal(Why.OTHER_OWNER, arms.places[labelled[0]]) if is_known else None

    def _find_rival(
        self, labelled: Sequence[str], amounts: Sequence[Amount]
    ) -> Span | None:
        """Return where the own texts of arms give the agent other amounts alone, while another arm
        has one of these.
        """
        levels: dict[str, list[_Stated]] = defaultdict(list)
        for one in self._ground.stated["amounts"]:
            agents = [statement.agent for statement, _ in one.owners]
            if one.text.is_arm and self._agent in agents:
                levels[one.text.name].append(one)
        having = {
            arm
            for arm, stated in levels.items()
            for one, amount in product(stated, amounts)
            if _is_same_amount(one.value, amount)
        }
        rivals = [levels[arm][0].span for arm in labelled if levels[arm]]
        is_of_others = bool(having) and having.isdisjoint(labelled)
        return (
            rivals[0]
            if rivals and is_of_others and all(map(levels.get, labelled))
            else None
        )

    def _keep_arms(self, amount: Amount) -> Amount:
        """Return an amount without the arms whose texts give another one, and note the first."""
        rivals: dict[str, Span] = {}
        for label in amount.arms:
            labelled = self._ground.arms.list_labelled(label)
            rival = self._find_rival(labelled, [amount])
            if rival:
                rivals[label] = rival
        for span in list(rivals.values())[:1]:
            self._refuse(Refusal(Why.OTHER_VALUE, span), "amounts", amount)
        kept = tuple(label for label in amount.arms if label not in rivals)
        return replace_arms(amount, kept)

    def _refuse(self, refusal: Refusal, field: str, value: Any) -> None:
        self._refused.append(replace(refusal, field=field, value=show_value(value)))
