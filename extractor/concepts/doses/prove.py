"""Prove the regimens from a model: check each value against the statements about its agent in the
text.

A link may refute a value even if it is doubted; only a link without doubt proves one. A value is
linked if the regimen's quote, or other words in the record, state it for the agent without doubt.
It is doubted if the quote gives the agent another value or uses the value for something else.
Otherwise, it is open.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from math import inf, isclose
from typing import NamedTuple

from extractor.concepts.doses.agents import Agent, Agents
from extractor.concepts.doses.amounts import list_other_amounts
from extractor.concepts.doses.arms import Arms
from extractor.concepts.doses.linking import (
    NOT_OF_OWNER,
    OF_ALL,
    SHARED,
    Linked,
    Statement,
    read_clauses,
)
from extractor.concepts.doses.marks import LINKED, STEP, Mark
from extractor.concepts.doses.merging import Regimen, without_rate
from extractor.concepts.doses.rhythms import list_other_frequencies, list_other_lengths
from extractor.concepts.doses.sections import DoseText, list_texts
from extractor.concepts.places import split_parts
from extractor.evidence.drafts import (
    Draft,
    Objection,
    Reading,
    Span,
    Why,
)
from extractor.evidence.parsed import ParsedRecord
from extractor.language.book import word_set
from extractor.language.lexer import Tokens
from extractor.language.numbers import DAYS
from extractor.language.units import find_dimension
from extractor.schemas import Amount, Frequency, Period, Route, Support, Task
from extractor.wire.value_forms import show_value

DoseValue = Amount | Frequency | Period | Route | str
"""A value of a regimen; the name of an arm is a string."""
Verdict = Span | Objection | None
"""The place that proves a value, the reason to reject it, or None if it is open."""
_ROUNDED = 0.05
"""The maximum relative difference between equal durations, such as half a year and 26 weeks."""
_VAGUE = frozenset(
    {Frequency.OTHER, Frequency.ONCE, Frequency.CONTINUOUS, Frequency.PRN}
)
"""Frequencies that cannot contradict any other frequency."""
_UNCLEAR = 0.7
"""The confidence below which the words of a mark prove nothing."""
_DOUBTFUL = 2
"""Number of doubts from which a link to another agent does not refute a value."""
_OF_BLOOD = ("/mL", "/dL", "/L")
"""Endings of units that are used for laboratory values but not for doses."""
_OF_SEVERAL = word_set("respectively both same")
"""Words that give values to several agents at once, so that the nearest agent means nothing."""
_OTHER_ACTS: Mapping[str, Callable[[Tokens], Iterable[Mark]]] = {
    "amounts": list_other_amounts,
    "frequency": list_other_frequencies,
    "duration": list_other_lengths,
}
"""For each field, the function that finds values that are not part of the dosing."""


class _Stated(NamedTuple):
    """A value that a text states at ``span``, and the links of statements to it."""

    value: DoseValue
    span: Span
    links: Sequence[tuple[Statement, Linked]]


class _Place(NamedTuple):
    """A stated value as an agent's regimen sees it: the number of doubts that it is the agent's,
    which is infinite if it is not; whether it is another agent's; and whether the regimen's quote
    overlaps with the clause that states it.
    """

    value: DoseValue
    span: Span
    doubts: float
    is_others: bool
    in_quote: bool

    @property
    def is_own(self) -> bool:
        return self.doubts < inf


def prove_regimens(answers: Sequence[Draft], parsed: ParsedRecord) -> list[Draft]:
    """Check each regimen in the answers against the statements about its agent in the text, and
    doubt values that the text seems to refute. Answers for other groups, and answers without an
    agent, are left unchanged.

    The support of a linked value is ``parsed``, and its place is where the text states it for the
    agent. The support of an open value is ``inferred``. All agents that the answers name are
    treated as agents of the record.
    """
    names = [
        name
        for answer in answers
        if "agent" in answer.model
        for name in answer.model["agent"].list_values()
    ]
    if not names:
        return list(answers)
    text = _DoseTexts(parsed, names)
    proven: list[Draft] = []
    for answer in answers:
        agent = None
        if answer.group == Task.DOSING and "agent" in answer.model:
            agent = text.agents.find_called(answer.model["agent"].value or "")
        if agent:
            proven.append(_Proof(answer, agent, text).keep_proven())
        else:
            proven.append(answer)
    return proven


class _DoseTexts:
    """The texts, agents and arms of a record, and the values that it states, by field. ``names``
    lists the agents that a model's answers name.
    """

    def __init__(self, parsed: ParsedRecord, names: Iterable[str]) -> None:
        self.texts = list_texts(parsed.record, parsed.sections)
        self.agents = Agents(self.texts, parsed.record.registry.arm_links)
        for name in names:
            self.agents.name_agent(name, self.texts)
        self.arms = Arms(parsed.record, self.texts, self.agents)
        self.stated = defaultdict[str, list[_Stated]](list)
        for text in self.texts:
            self._add_text(text)

    def _add_text(self, text: DoseText) -> None:
        """Add the values of a text. Days and cycles also state a frequency."""
        links = defaultdict[int, list[tuple[Statement, Linked]]](list)
        for statement in read_clauses(text, self.agents):
            for link in chain.from_iterable(statement.facts.values()):
                links[id(link.mark)].append((statement, link))
            rhythm = Regimen([statement]).frequency()
            if rhythm and not statement.links("frequency"):
                code, link = rhythm
                stated = _Stated(code, link.span, [(statement, link)])
                self.stated["frequency"].append(stated)
        for mark in text.marks:
            span = text.span(*mark.place)
            field = mark.field
            if field == STEP:
                field = "duration"
            for value in _list_values(mark):
                self.stated[field].append(_Stated(value, span, links[id(mark)]))


@dataclass
class _Proof:
    """Checks a single regimen against the text. What is stated for another part of a combination
    is a doubtful value of the combination.
    """

    draft: Draft
    agent: Agent
    text: _DoseTexts

    def __post_init__(self) -> None:
        parts = split_parts(self.draft.model["agent"].value)
        self._owners = [self.agent, *map(self.text.agents.find_called, parts)]
        self._quote = self.draft.chunk.span
        quote = self.draft.model.get("quote")
        if quote and quote.spans:
            self._quote = quote.spans[0]
        self._amounts: Sequence[Amount] = ()
        if "amounts" in self.draft.model:
            self._amounts = self.draft.model["amounts"].list_values()
        self._objections = list(self.draft.objections)

    def keep_proven(self) -> Draft:
        """Return the answer with the support and place of the values of the linked fields, and with
        doubts about those that the text seems to refute. Other fields are unchanged. If a doubt
        suggests that the answer mixes up two regimens, all linked fields are only inferred.
        """
        readings = dict(self.draft.model)
        stated = [
            field
            for field in LINKED
            if field in readings and readings[field].list_values()
        ]
        for field in stated:
            readings[field] = self._prove(field, readings[field])
        # a rejected amount, frequency or duration may be that of another regimen
        if any(objection.field in _OTHER_ACTS for objection in self._objections):
            for field in readings.keys() & LINKED:
                readings[field] = readings[field].with_supported(
                    replace(member, support=Support.INFERRED)
                    for member in readings[field].list_supported()
                )
        return replace(self.draft, model=readings, objections=tuple(self._objections))

    def _prove(self, field: str, reading: Reading[object]) -> Reading[object]:
        """Return a reading with the support and the place of each value, and with a doubt about
        each value that the text seems to refute. The doubts are also recorded.
        """
        proven = []
        for member in reading.list_supported():
            verdict = self._judge_value(field, member.value)
            if isinstance(verdict, Span):
                proven.append(replace(member, span=verdict, support=Support.PARSED))
                continue
            doubts = member.features
            if verdict:
                shown = show_value(member.value)
                doubt = replace(verdict, field=field, value=shown, is_kept=True)
                self._objections.append(doubt)
                doubts = (*doubts, verdict.why)
            proven.append(replace(member, support=Support.INFERRED, features=doubts))
        return reading.with_supported(proven)

    def _judge_value(self, field: str, value: DoseValue) -> Verdict:
        """Return the verdict on an arm or a linked value. An amount is also doubted if the text of
        one of its arms states a different amount.
        """
        if field == "arms" and isinstance(value, str):
            return self._judge_arm(value)
        verdict = self._judge(field, value)
        if not isinstance(value, Amount) or isinstance(verdict, Objection):
            return verdict
        rivals = (self._find_rival(label, [value]) for label in value.arms)
        rival = next(filter(None, rivals), None)
        return Objection(Why.OTHER_VALUE, rival) if rival else verdict

    def _judge(self, field: str, value: DoseValue) -> Verdict:
        """Return the place where the text states a value for the agent, an objection if the value
        is not the agent's, or None if the text leaves it open.
        """
        places = self._list_places(field)
        same = [place for place in places if _is_equal(place.value, value)]
        own_here = [place for place in places if place.is_own and place.in_quote]
        stated = [place for place in own_here if place in same]
        sure = _find_sure(stated)
        if sure:
            return sure
        if _is_surest(field, stated, own_here):
            return None
        elsewhere = _list_elsewhere(same)
        if elsewhere and not own_here:
            return _find_sure(elsewhere)
        # an amount that is stated elsewhere may belong to another arm
        if elsewhere and field != "amounts":
            return None
        return self._refute(field, value, own_here, same)

    def _refute(
        self,
        field: str,
        value: DoseValue,
        own_here: Sequence[_Place],
        same: Sequence[_Place],
    ) -> Objection | None:
        """Return why a value that the text does not clearly give to the agent is not the agent's,
        or None if the text leaves it open. ``own_here`` are the agent's values in the quote, and
        ``same`` are the places that state the value.
        """
        other_act = self._find_other_act(field, value)
        # the text may state an amount in a form that the rules cannot read, unless it has the unit
        # of a laboratory value, which doses do not have
        may_be_unread = isinstance(value, Amount) and not value.unit.endswith(_OF_BLOOD)
        if may_be_unread and not (same or other_act):
            return None
        for place in own_here:
            if self._contradicts(place.value, value):
                return Objection(Why.OTHER_VALUE, place.span)
        # another place states it, and may give it to the agent
        if _list_elsewhere(same):
            return None
        for place in same:
            if place.is_others and place.in_quote:
                return Objection(Why.OTHER_OWNER, place.span)
        return other_act

    def _contradicts(self, stated: DoseValue, value: DoseValue) -> bool:
        """Return whether a value of the agent contradicts an answered value: it is another one of
        the same kind, and none of the regimen's other values.
        """
        answered: Sequence[DoseValue] = [value]
        if isinstance(value, Amount):
            answered = self._amounts
        return _can_contradict(stated, value) and not _contains(answered, stated)

    def _list_places(self, field: str) -> list[_Place]:
        return [self._see(stated) for stated in self.text.stated[field]]

    def _see(self, stated: _Stated) -> _Place:
        """Return a stated value with whether it is the agent's. Another dose of the same agent is
        as foreign as another agent.
        """
        doubts = inf
        is_others = False
        in_quote = stated.span.overlaps(self._quote)
        for statement, link in stated.links:
            words = statement.text.tokens.words[slice(*statement.clause)]
            if statement.agent in self._owners and self._fits(statement, link):
                is_part = statement.agent is not self.agent
                doubts = min(doubts, is_part + _count_doubts(statement, link))
                clause = statement.text.span(*statement.clause)
                in_quote |= clause.overlaps(self._quote)
            elif not link.is_shared and _OF_SEVERAL.isdisjoint(words):
                is_others |= len(_list_doubts(link)) < _DOUBTFUL
        return _Place(stated.value, stated.span, doubts, is_others, in_quote)

    def _fits(self, statement: Statement, link: Linked) -> bool:
        """Return whether a link may be about the regimen: about its amounts, or beside one of them.
        If the statement or the regimen lacks an amount, return True.
        """
        levels = [level for link in statement.amounts for level in link.mark.value]
        if link.mark.field == "amounts" or not levels or not self._amounts:
            return True
        return any(_contains(self._amounts, level) for level in levels)

    def _find_other_act(self, field: str, value: DoseValue) -> Objection | None:
        """Return an objection if the quote uses a value for something other than dosing."""
        if field not in _OTHER_ACTS:
            return None
        for text in self.text.texts:
            if text.name != self._quote.section:
                continue
            for mark in _OTHER_ACTS[field](text.tokens):
                span = text.span(*mark.place)
                if mark in text.marks or not span.overlaps(self._quote):
                    continue
                if _contains(_list_values(mark), value):
                    return Objection(Why.OTHER_OWNER, span)
        return None

    def _judge_arm(self, label: str) -> Verdict:
        """Return the place of an arm's label if the arm receives the agent, an objection if it does
        not receive the regimen, or None if the text leaves it open. Several arms may have the same
        label.
        """
        arms = self.text.arms
        labelled = self._list_arms(label)
        rival = self._find_rival(label, self._amounts)
        if rival:
            return Objection(Why.OTHER_VALUE, rival)
        getting = arms.list_naming(self.agent) | arms.list_linked(self.agent)
        for arm in labelled:
            if arm in getting:
                return arms.places[arm]
        if not getting or not all(map(arms.gives_others, labelled)):
            return None
        # a description that names the agent may be about all arms
        for text in self.text.texts:
            mentions = () if text.is_group else self.text.agents.find(text)
            if any(mention.agent is self.agent for mention in mentions):
                return None
        return Objection(Why.OTHER_OWNER, arms.places[labelled[0]])

    def _list_arms(self, label: str) -> list[str]:
        arms = self.text.arms
        return [arm for arm in arms.places if arms.read_label(arm) == label]

    def _find_rival(self, label: str, amounts: Sequence[Amount]) -> Span | None:
        """Return the place of a different amount if the arms with a label state only amounts of
        the agent that are not in ``amounts``, while another arm states one of them.
        """
        rivals: dict[str, Span] = {}
        confirming: set[str] = set()
        for place in self._list_places("amounts"):
            if not place.is_own:
                continue
            if _contains(amounts, place.value):
                confirming.add(place.span.section)
            else:
                rivals.setdefault(place.span.section, place.span)
        arms = self._list_arms(label)
        if not arms or not any(arm in confirming for arm in self.text.arms.places):
            return None
        if all(arm in rivals and arm not in confirming for arm in arms):
            return rivals[arms[0]]
        return None


def _count_doubts(statement: Statement, link: Linked) -> int:
    """Return the number of doubts that a value belongs to an agent, and that it was read well. A
    clause without the agent's name counts twice.
    """
    is_unclear = link.mark.confidence < _UNCLEAR
    is_unnamed = not statement.owner.is_named
    return len(_list_doubts(link)) + is_unclear + 2 * is_unnamed


def _list_doubts(link: Linked) -> set[str]:
    """Return the doubts about the agent of a link. What is stated for all agents is shared without
    doubt.
    """
    doubts = {*link.doubts} - NOT_OF_OWNER
    if link.mark.field in OF_ALL:
        doubts.discard(SHARED)
    return doubts


def _list_values(mark: Mark) -> Sequence[DoseValue]:
    """Return the dose levels of an amount, or the single value of any other mark."""
    if mark.field == "amounts":
        levels: Sequence[Amount] = mark.value
        return levels
    return [] if mark.value is None else [mark.value]


def _contains(values: Iterable[DoseValue], wanted: DoseValue) -> bool:
    return any(_is_equal(value, wanted) for value in values)


def _is_equal(stated: DoseValue, wanted: DoseValue) -> bool:
    """Return whether two values are equal. "50 mg" and "50 mg/day" are treated as equal, and so
    are durations in different units that differ only by rounding.
    """
    if isinstance(stated, Amount) and isinstance(wanted, Amount):
        return without_rate(stated) == without_rate(wanted)
    if stated != wanted and isinstance(stated, Period) and isinstance(wanted, Period):
        days = [period.value * DAYS.get(period.unit, 0) for period in (stated, wanted)]
        # a number of cycles cannot be converted to days
        return all(days) and isclose(*days, rel_tol=_ROUNDED)
    return stated == wanted


def _find_sure(places: Iterable[_Place]) -> Span | None:
    """Return the first place that no doubt concerns."""
    return next((place.span for place in places if not place.doubts), None)


def _list_elsewhere(places: Iterable[_Place]) -> list[_Place]:
    """Return the places outside the quote at which a value is the agent's."""
    return [place for place in places if place.is_own and not place.in_quote]


def _is_surest(field: str, stated: Sequence[_Place], own: Sequence[_Place]) -> bool:
    """Return whether a value is stated at the place with the fewest doubts. An amount is one of
    several, so any place will do.
    """
    if not stated:
        return False
    if field == "amounts":
        return True
    return min(place.doubts for place in stated) == min(place.doubts for place in own)


def _can_contradict(stated: DoseValue, wanted: DoseValue) -> bool:
    """Return whether two different values can contradict each other, as exact frequencies and
    amounts of the same dimension can. An answer in the unit of a laboratory value is no dose, so
    any stated amount contradicts it.
    """
    if isinstance(stated, Frequency):
        return _VAGUE.isdisjoint({stated, wanted})
    if isinstance(stated, Amount) and isinstance(wanted, Amount):
        if wanted.unit.endswith(_OF_BLOOD):
            return True
        kinds = {_find_kind(amount.unit) for amount in (stated, wanted)}
        return len(kinds) == 1
    return True


def _find_kind(unit: str) -> tuple[object, bool]:
    """Return the dimension of a unit of doses, or the unit if it has none, and whether it is a rate
    of infusion, which does not contradict an amount.
    """
    substance = unit.partition("/")[0]
    return find_dimension(substance)[1] or substance, unit.endswith(("/h", "/min"))
