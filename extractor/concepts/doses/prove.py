"""Prove the regimens of a model: each value is among what the text states about the agent.

A value is linked if the text states it of the agent, refused if the quoted words state
something else about the agent, or state the value of something other than a dose, and open
otherwise.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import isclose
from operator import eq
from typing import Any, NamedTuple

from extractor.concepts.doses.agents import Agent, Agents
from extractor.concepts.doses.amounts import list_other_amounts
from extractor.concepts.doses.arms import Arms, replace_arms
from extractor.concepts.doses.marks import LINKED, Mark, Place
from extractor.concepts.doses.merging import Regimen
from extractor.concepts.doses.rhythms import list_other_frequencies, list_other_lengths
from extractor.concepts.doses.sections import DoseText, list_texts
from extractor.concepts.doses.statements import Statement, is_aside, read_clauses
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


def _has_one_dimension(one: Amount, other: Amount) -> bool:
    """Return whether two amounts can contradict each other: both are rates, or neither is."""
    rates = {amount.unit.endswith(_RATES) for amount in (one, other)}
    bases = [amount.unit.partition("/")[0] for amount in (one, other)]
    dimensions = {find_dimension(base)[1] or base for base in bases}
    return len(rates) == len(dimensions) == 1


def _are_exact(one: Frequency, other: Frequency) -> bool:
    return _VAGUE.isdisjoint({one, other})


class _Field(NamedTuple):
    """How the values of a field are compared: when two are the same; when two that differ
    contradict each other, by default always; and which words state one of something else than
    giving, by default none.
    """

    is_same: Callable[[Any, Any], Any] = eq
    can_contradict: Callable[[Any, Any], bool] | None = None
    list_others: Callable[[Tokens], Iterable[Mark]] | None = None


_FIELDS: Mapping[str, _Field] = {
    "amounts": _Field(_is_same_amount, _has_one_dimension, list_other_amounts),
    "route": _Field(),
    "frequency": _Field(eq, _are_exact, list_other_frequencies),
    "cycle": _Field(_is_same_length),
    "duration": _Field(_is_same_length, None, list_other_lengths),
}


class _Stated(NamedTuple):
    """A value that the text states; ``own`` is how probably it belongs to the agent, ``other`` to
    another one. ``is_here``: it is in the clauses of the quoted words. ``is_quoted``: they hold it.
    ``is_given``: no words beside it make it a limit, a visit, or a pause.
    """

    value: Any
    text: DoseText
    span: Span
    own: float
    other: float
    is_here: bool
    is_quoted: bool
    is_given: bool


class _Owner(NamedTuple):
    """A statement that has a mark, how probably, and whether it shares it with another."""

    statement: Statement
    sure: float
    is_shared: bool


class _Text:
    """What a record states about its agents."""

    def __init__(self, parsed: ParsedRecord, names: Iterable[str]) -> None:
        self.texts = list_texts(parsed.record, parsed.sections)
        self.agents = Agents(self.texts, parsed.record.registry.arm_links)
        for name in names:
            self.agents.name_agent(name, self.texts)
        self.arms = Arms(parsed.record, self.texts, self.agents)
        self.statements: list[Statement] = []
        self.owners: dict[int, list[_Owner]] = defaultdict(list)
        for text in self.texts:
            self.statements += read_clauses(text, self.agents)
        for statement in self.statements:
            for links in statement.facts.values():
                for link in links:
                    sure = link.sure * link.mark.confidence
                    if statement.owner.how != "named":
                        sure *= _UNNAMED
                    owner = _Owner(statement, sure, link.is_shared)
                    self.owners[id(link.mark)].append(owner)


def prove_regimens(answers: Sequence[Draft], parsed: ParsedRecord) -> list[Draft]:
    """Return the answers, with what the text states about the agents of regimens, and without
    what it states about something else. Answers of other groups, and without an agent, stay as
    they are.

    A linked value has the support ``parsed`` and the place where its agent has it, an open one
    ``inferred``. All agents that the answers name count as agents of the record.
    """
    names = [_read_agent(answer) for answer in answers]
    if not any(names):
        return list(answers)
    text = _Text(parsed, filter(None, names))
    proven: list[Draft] = []
    for answer, name in zip(answers, names, strict=True):
        agent = text.agents.find_called(name) if name else None
        if agent and answer.group == Task.DOSING:
            proven.append(_Proof(answer, agent, text).run())
        else:
            proven.append(answer)
    return proven


def _read_agent(answer: Draft) -> str | None:
    agent = answer.model.get("agent")
    return agent.value if agent is not None else None


def _is_in_any(mark: Mark, places: Iterable[Place]) -> bool:
    return any(first <= mark.first < end for first, end in places)


def _list_likely(
    field: str, linked: Sequence[_Stated], own: Sequence[_Stated]
) -> list[_Stated]:
    """Return the places of a value in the words of the regimen, of fields with one value only
    those that are about as likely as the most likely value.
    """
    best = max((one.own for one in own), default=0.0)
    least = 0.0 if field == "amounts" else best - _NEAR_BEST
    return [one for one in linked if one.is_here and one.own >= least]


def _refuse(
    field: str, value: Any, same: Sequence[_Stated], own: Sequence[_Stated]
) -> Refusal | None:
    """Return why a value is not the agent's, if the words of the regimen say so."""
    can_contradict = _FIELDS[field].can_contradict
    # an amount may be written in a form that no mark has
    is_stated = field != "amounts" or bool(same) or value.unit.endswith(_OF_BLOOD)
    for one in own if is_stated else ():
        is_rival = can_contradict is None or can_contradict(one.value, value)
        if is_rival and one.own >= _FIRM:
            return Refusal(Why.OTHER_VALUE, one.span)
    for one in same:
        if one.is_quoted and not one.is_given:
            return Refusal(Why.OTHER_OWNER, one.span)
    return None


class _Proof:
    """The proof of one regimen of an agent."""

    def __init__(self, draft: Draft, agent: Agent, text: _Text) -> None:
        self._draft = draft
        self._agent = agent
        self._text = text
        quote = draft.model.get("quote")
        self._quote = quote.spans[0] if quote and quote.spans else draft.chunk.span
        amounts = draft.model.get("amounts")
        self._amounts: Sequence[Amount] = amounts.list_values() if amounts else ()
        self._refused = list(draft.refused)

    def run(self) -> Draft:
        """Return the answer with the values that are kept, each with its support and place."""
        readings = dict(self._draft.model)
        for field in LINKED:
            reading = readings.get(field)
            if not reading or not reading.list_values():
                continue
            proven = self._prove(field, reading)
            if proven:
                readings[field] = proven
            else:
                del readings[field]
        if readings.get("amounts"):
            amounts = readings["amounts"]
            kept = tuple(map(self._keep_arms, amounts.list_values()))
            readings["amounts"] = replace(amounts, value=kept)
        return replace(self._draft, model=readings, refused=tuple(self._refused))

    def _prove(self, field: str, reading: Reading[Any]) -> Reading[Any] | None:
        """Return the reading with the values that are kept, None if none does, and note why others
        are refused.
        """
        values: list[Any] = []
        spans: list[Span] = []
        supports: list[Support] = []
        for value, span in zip(reading.list_values(), reading.spans, strict=True):
            judge = self._judge_arm if field == "arms" else self._judge
            judged = judge(field, value)
            if isinstance(judged, Refusal):
                self._refuse(judged, field, value)
                continue
            values.append(value)
            spans.append(judged or span)
            supports.append(Support.PARSED if judged else Support.INFERRED)
        if not values:
            return None
        return replace(
            reading,
            value=tuple(values) if isinstance(reading.value, tuple) else values[0],
            spans=tuple(spans),
            support=find_weakest(supports),
            supports=tuple(supports),
        )

    def _judge(self, field: str, value: Any) -> Span | Refusal | None:
        """Return where the text states a value of the agent, why it is not the agent's, or None if
        the text leaves it open.
        """
        is_same = _FIELDS[field].is_same
        stated = list(self._list_stated(field))
        same = [one for one in stated if is_same(one.value, value)]
        linked = [one for one in same if one.own]
        own = [one for one in stated if one.own and one.is_here]
        here = _list_likely(field, linked, own)
        firm = [one for one in here if one.own >= max(_FIRM, one.other)]
        if firm:
            return firm[0].span
        near = self._list_near(field, linked, own)
        if near and not own:
            return near[0].span
        if here or near:
            return None
        return _refuse(field, value, same, own)

    def _list_near(
        self, field: str, linked: Sequence[_Stated], own: Sequence[_Stated]
    ) -> list[_Stated]:
        """Return the places of a value outside the words of the regimen that may be of it."""
        elsewhere = [one for one in linked if not one.is_here]
        # a further amount may be that of another arm
        if field == "amounts" and any(self._has(one.value) for one in own):
            return elsewhere
        return [one for one in elsewhere if self._is_near(one.text)]

    def _list_stated(self, field: str) -> Iterator[_Stated]:
        """Yield what the record states of a field, anyone who has it."""
        for text in self._text.texts:
            asides = [place for place in text.clauses if is_aside(text, place)]
            for mark in text.marks:
                if mark.field == field and mark.value is not None:
                    is_given = not _is_in_any(mark, asides)
                    yield from self._weigh(text, mark, is_given=is_given)
            for mark in self._list_others(field, text):
                yield from self._weigh(text, mark, is_given=False)
        if field != "frequency":
            return
        # days, and a cycle, are a rhythm too
        for statement in self._text.statements:
            rhythm = Regimen([statement]).frequency()
            if rhythm and not statement.links(field):
                code, link = rhythm
                for one in self._weigh(link.text, link.mark, is_given=True):
                    yield one._replace(value=code)

    def _list_others(self, field: str, text: DoseText) -> list[Mark]:
        """Return what the section of the regimen states of something else than giving."""
        list_others = _FIELDS[field].list_others
        if list_others is None or text.name != self._quote.section:
            return []
        marks = [mark for mark in list_others(text.tokens) if mark.field == field]
        return [mark for mark in marks if mark not in text.marks]

    def _weigh(
        self, text: DoseText, mark: Mark, *, is_given: bool
    ) -> Iterator[_Stated]:
        """Yield the values of a mark with how probably they belong to the agent."""
        span = text.span(*mark.place)
        is_quoted = is_here = span.overlaps(self._quote)
        own = other = 0.0
        for statement, sure, is_shared in self._text.owners[id(mark)]:
            if statement.agent is not self._agent:
                other = max(other, 0.0 if is_shared else sure)
            elif self._fits(mark.field, statement):
                own = max(own, sure)
                is_here = is_here or text.span(*statement.clause).overlaps(self._quote)
        for value in mark.value if mark.field == "amounts" else (mark.value,):
            yield _Stated(value, text, span, own, other, is_here, is_quoted, is_given)

    def _fits(self, field: str, statement: Statement) -> bool:
        """Return whether a statement has an amount of the regimen, or one of the two has none."""
        if field == "amounts" or not self._amounts or not statement.amounts:
            return True
        return any(
            self._has(level) for link in statement.amounts for level in link.mark.value
        )

    def _has(self, level: Amount) -> bool:
        return any(_is_same_amount(level, amount) for amount in self._amounts)

    def _is_near(self, text: DoseText) -> bool:
        """Return whether a section is that of the regimen, or no other arm."""
        is_other_arm = text.is_arm and self._quote.section.startswith("arms[")
        return text.name == self._quote.section or not is_other_arm

    def _judge_arm(self, _: str, label: str) -> Span | Refusal | None:
        """Return the place of an arm's label if the arm gets the agent, why it does not get the
        regimen, or None. Several arms may have one label.
        """
        arms = self._text.arms
        getting = arms.list_naming(self._agent) | arms.list_linked(self._agent)
        labelled = self._list_arms(label)
        rivals = [self._find_rival(arm, self._amounts) for arm in labelled]
        if rivals and all(rivals):
            return Refusal(Why.OTHER_VALUE, rivals[0])
        if not getting.isdisjoint(labelled):
            return arms.places[min(getting.intersection(labelled))]
        if getting and all(map(self._gets_others, labelled)):
            return Refusal(Why.OTHER_OWNER, arms.places[labelled[0]])
        return None

    def _gets_others(self, arm: str) -> bool:
        """Return whether an arm names other agents, and no text may mean all arms."""
        arms = self._text.arms
        if not arms.names_any(arm) or arms.refers(arm):
            return False
        for text in self._text.texts:
            is_prose = not text.is_arm and not text.is_intervention
            mentions = self._text.agents.find(text) if is_prose else ()
            if any(one.agent is self._agent for one in mentions):
                return False
        return True

    def _list_arms(self, label: str) -> list[str]:
        arms = self._text.arms
        return [arm for arm in arms.places if arms.read_label(arm) == label]

    def _find_rival(self, arm: str, amounts: Sequence[Amount]) -> Span | None:
        """Return where an arm's own text gives the agent other amounts alone, while another arm has
        one of these.
        """
        own: list[_Stated] = []
        arms_of_amounts: set[str] = set()
        for one in self._list_stated("amounts"):
            if not one.own or not one.text.is_arm:
                continue
            if one.text.name == arm:
                own.append(one)
            if any(_is_same_amount(one.value, amount) for amount in amounts):
                arms_of_amounts.add(one.text.name)
        if own and arms_of_amounts and arm not in arms_of_amounts:
            return own[0].span
        return None

    def _keep_arms(self, amount: Amount) -> Amount:
        """Return an amount without the arms whose texts give another one, and note the first."""
        rivals: dict[str, Span] = {}
        for label in amount.arms:
            found = [self._find_rival(arm, [amount]) for arm in self._list_arms(label)]
            if found and found[0] and all(found):
                rivals[label] = found[0]
        for span in list(rivals.values())[:1]:
            self._refuse(Refusal(Why.OTHER_VALUE, span), "amounts", amount)
        kept = tuple(label for label in amount.arms if label not in rivals)
        return replace_arms(amount, kept)

    def _refuse(self, refusal: Refusal, field: str, value: Any) -> None:
        self._refused.append(replace(refusal, field=field, value=show_value(value)))
