"""Prove the regimens from a model: check each value against the statements about its agent in the
text.

A value is linked if the regimen's quote, or other words in the record, state it for the agent. It
is rejected if the quote states a different value for the agent, or uses the value for something
other than dosing. Otherwise, it is open.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import isclose
from typing import Any, NamedTuple

from extractor.concepts.doses.agents import Agent, Agents
from extractor.concepts.doses.amounts import list_other_amounts
from extractor.concepts.doses.arms import Arms, replace_arms
from extractor.concepts.doses.linking import Linked, Statement, read_clauses
from extractor.concepts.doses.marks import LINKED, Mark
from extractor.concepts.doses.merging import Regimen, without_rate
from extractor.concepts.doses.rhythms import list_other_frequencies, list_other_lengths
from extractor.concepts.doses.sections import DoseText, list_texts
from extractor.concepts.own.value_forms import show_value
from extractor.evidence.drafts import Draft, Reading, Refusal, Span, Why, find_weakest
from extractor.evidence.parsed import ParsedRecord
from extractor.language.lexer import Tokens
from extractor.language.numbers import DAYS
from extractor.language.units import Dimension, find_dimension
from extractor.schemas import Amount, Frequency, Period, Support, Task

_ROUNDED = 0.05
"""The maximum relative difference between equal durations, such as half a year and 26 weeks."""
_VAGUE = frozenset(
    {Frequency.OTHER, Frequency.ONCE, Frequency.CONTINUOUS, Frequency.PRN}
)
"""Frequencies that cannot contradict any other frequency."""
_FIRM = 0.57
"""The minimum probability of a link that proves a value or contradicts another value."""
_NEAR_BEST = 0.1
"""The maximum difference in probability between a mark and the most likely mark of its field."""
_CLOSE = 0.1
"""The maximum difference in probability between a proven value and a different value in the
regimen's quote.
"""
_UNNAMED = 0.5
"""The factor applied to a link in a clause that does not name the agent."""
_OF_BLOOD = ("/mL", "/dL", "/L")
"""Endings of units that are used for laboratory values but not for doses."""
_RATES = ("/h", "/min")
"""Endings of infusion-rate units; infusion rates do not contradict amounts."""
_OTHER_ACTS: Mapping[str, Callable[[Tokens], Iterable[Mark]]] = {
    "amounts": list_other_amounts,
    "frequency": list_other_frequencies,
    "duration": list_other_lengths,
}
"""For each field, the function that finds values that are not part of the dosing."""


def _is_equal(stated: Any, wanted: Any) -> bool:
    """Return whether two values are equal. "50 mg" and "50 mg/day" are treated as equal, and so
    are durations in different units that differ only by rounding.
    """
    if isinstance(stated, Amount):
        return without_rate(stated) == without_rate(wanted)
    if stated == wanted or not isinstance(stated, Period):
        return bool(stated == wanted)
    days = [period.value * DAYS.get(period.unit, 0) for period in (stated, wanted)]
    # a number of cycles cannot be converted to days
    if not all(days):
        return False
    return isclose(*days, rel_tol=_ROUNDED)


def _can_contradict(stated: Any, wanted: Any) -> bool:
    """Return whether two different values can contradict each other, as amounts of the same
    dimension can if both are rates or neither is, and as exact frequencies can.
    """
    if isinstance(stated, Frequency):
        return _VAGUE.isdisjoint({stated, wanted})
    if not isinstance(stated, Amount):
        return True
    if stated.unit.endswith(_RATES) != wanted.unit.endswith(_RATES):
        return False
    return _find_dimension(stated) == _find_dimension(wanted)


def _find_dimension(amount: Amount) -> Dimension | str:
    """Return the dimension of an amount without its rate; if its unit does not have a dimension,
    return the unit.
    """
    unit = amount.unit.partition("/")[0]
    return find_dimension(unit)[1] or unit


class _Stated(NamedTuple):
    """A value that the text states. ``chance`` is the probability that it belongs to the agent, and
    ``rival_chance`` the highest probability that it belongs to another agent. ``in_quote`` means
    that the regimen's quote overlaps with the clause that contains the value.
    """

    value: Any
    span: Span
    chance: float
    rival_chance: float
    in_quote: bool


class _Text:
    """The texts, agents, arms and statements of a record. ``names`` lists the agents that a model's
    answers name, and ``owners`` maps the ``id`` of each mark to the statements that it belongs to.
    """

    def __init__(self, parsed: ParsedRecord, names: Iterable[str]) -> None:
        self.texts = list_texts(parsed.record, parsed.sections)
        self.agents = Agents(self.texts, parsed.record.registry.arm_links)
        for name in names:
            self.agents.name_agent(name, self.texts)
        self.arms = Arms(parsed.record, self.texts, self.agents)
        self.statements: list[Statement] = []
        self.owners: dict[int, list[tuple[Statement, Linked]]] = defaultdict(list)
        for text in self.texts:
            self.statements += read_clauses(text, self.agents)
        for statement in self.statements:
            for links in statement.facts.values():
                for link in links:
                    self.owners[id(link.mark)].append((statement, link))


def prove_regimens(answers: Sequence[Draft], parsed: ParsedRecord) -> list[Draft]:
    """Check each regimen in the answers against the statements about its agent in the text, and
    remove values that the text refutes. Answers for other groups, and answers without an agent,
    are left unchanged.

    The support of a linked value is ``parsed``, and its place is where the text states it for the
    agent. The support of an open value is ``inferred``. All agents that the answers name are
    treated as agents of the record.
    """
    names = [_read_agent(answer) for answer in answers]
    if not any(names):
        return list(answers)
    text = _Text(parsed, filter(None, names))
    proven: list[Draft] = []
    for answer, name in zip(answers, names, strict=True):
        agent = None
        if name:
            agent = text.agents.find_called(name)
        if agent and answer.group == Task.DOSING:
            proven.append(_Proof(answer, agent, text).run())
        else:
            proven.append(answer)
    return proven


def _read_agent(answer: Draft) -> str | None:
    agent = answer.model.get("agent")
    return agent.value if agent is not None else None


def _list_values(mark: Mark) -> Sequence[Any]:
    """Return the dose levels of an amount, or the single value of any other mark."""
    return mark.value if mark.field == "amounts" else [mark.value]


def _is_of_blood(value: Any) -> bool:
    """Return whether a value is an amount in a unit of blood concentration."""
    if not isinstance(value, Amount):
        return False
    return value.unit.endswith(_OF_BLOOD)


def _list_elsewhere(same: Iterable[_Stated]) -> list[_Stated]:
    """Return the statements outside the quote that may belong to the agent."""
    return [place for place in same if place.chance and not place.in_quote]


def _find_other_owner(same: Iterable[_Stated]) -> Refusal | None:
    """Return a refusal if the quote states the value for another agent; otherwise, return None."""
    for place in same:
        if place.in_quote and place.rival_chance >= _FIRM:
            return Refusal(Why.OTHER_OWNER, place.span)
    return None


def _list_likely(
    field: str, same: Sequence[_Stated], in_quote: Sequence[_Stated]
) -> list[_Stated]:
    """From the statements that give a value (``same``), return those that are in the quote and may
    belong to the agent. If the field has a single value, omit statements that are less likely than
    the most likely statement in the quote.
    """
    likely = [place for place in same if place.chance and place.in_quote]
    if field == "amounts":
        return likely
    best = max((place.chance for place in in_quote), default=0.0)
    return [place for place in likely if place.chance >= best - _NEAR_BEST]


def _is_firm(place: _Stated) -> bool:
    """Return whether a value probably belongs to the agent, and is at least as likely to belong to
    it as to any other agent.
    """
    return place.chance >= max(_FIRM, place.rival_chance)


def _doubt(reading: Reading[Any]) -> Reading[Any]:
    """Return a linked reading as an open reading; return any other reading unchanged."""
    if reading.support != Support.PARSED:
        return reading
    supports = tuple(Support.INFERRED for _ in reading.supports)
    return replace(reading, support=Support.INFERRED, supports=supports)


class _Proof:
    """Checks a single regimen against the text."""

    def __init__(self, draft: Draft, agent: Agent, text: _Text) -> None:
        self._draft = draft
        self._agent = agent
        self._text = text
        quote = draft.model.get("quote")
        if quote and quote.spans:
            self._quote = quote.spans[0]
        else:
            self._quote = draft.chunk.span
        amounts = draft.model.get("amounts")
        self._amounts: Sequence[Amount] = amounts.list_values() if amounts else ()
        self._refused = list(draft.refused)

    def run(self) -> Draft:
        """Return the answer with only the values that are not rejected, each with its support and
        place.
        """
        readings = dict(self._draft.model)
        for field in LINKED:
            reading = readings.get(field)
            if not reading:
                continue
            if not reading.list_values():
                continue
            del readings[field]
            readings |= self._prove(field, reading)
        # a rejected amount, frequency or duration suggests that the answer mixes up two regimens
        if any(refusal.field in _OTHER_ACTS for refusal in self._refused):
            readings = {field: _doubt(reading) for field, reading in readings.items()}
        return replace(self._draft, model=readings, refused=tuple(self._refused))

    def _prove(self, field: str, reading: Reading[Any]) -> dict[str, Reading[Any]]:
        """Map the field to a reading with only the values that are not rejected, and record the
        rejected values. The result is empty if all values are rejected.
        """
        values: list[Any] = []
        spans: list[Span] = []
        supports: list[Support] = []
        for value, span in zip(reading.list_values(), reading.spans, strict=True):
            if field == "arms":
                verdict = self._judge_arm(value)
            else:
                verdict = self._judge(field, value)
            if isinstance(verdict, Refusal):
                self._refuse(verdict, field, value)
                continue
            values.append(self._keep_arms(value) if field == "amounts" else value)
            spans.append(verdict or span)
            supports.append(Support.PARSED if verdict else Support.INFERRED)
        if not values:
            return {}
        is_list = isinstance(reading.value, tuple)
        proven = replace(
            reading,
            value=tuple(values) if is_list else values[0],
            spans=tuple(spans),
            support=find_weakest(supports),
            supports=tuple(supports),
        )
        return {field: proven}

    def _judge(self, field: str, value: Any) -> Span | Refusal | None:
        """Return the place where the text states a value for the agent, a refusal if the value is
        not the agent's, or None if the text leaves it open.
        """
        stated = list(self._list_stated(field))
        same = [place for place in stated if _is_equal(place.value, value)]
        in_quote = [place for place in stated if place.chance and place.in_quote]
        rivals = self._list_rivals(value, in_quote)
        likely = _list_likely(field, same, in_quote)
        firm = next(filter(_is_firm, likely), None)
        if firm:
            best = max((rival.chance for rival in rivals), default=0.0)
            if firm.chance >= best - _CLOSE:
                return firm.span
            return None
        elsewhere = _list_elsewhere(same)
        if elsewhere and not in_quote:
            return elsewhere[0].span
        # an amount that is stated elsewhere may belong to another arm
        is_elsewhere = field != "amounts" and bool(elsewhere)
        if likely or is_elsewhere:
            return None
        return self._find_refusal(field, value, same, in_quote)

    def _find_refusal(
        self,
        field: str,
        value: Any,
        same: Sequence[_Stated],
        in_quote: Sequence[_Stated],
    ) -> Refusal | None:
        """Return the refusal of a value that the text does not support, or None if the value may
        still be correct. ``same`` contains the statements of the value, and ``in_quote`` the
        quote's statements about the agent.
        """
        other_act = self._find_other_act(field, value)
        is_read = bool(same) or other_act is not None
        # the text may state an amount in a form that the rules cannot read, unless it has the unit
        # of a laboratory value, which doses do not have
        if field == "amounts" and not is_read and not _is_of_blood(value):
            return None
        rivals = self._list_rivals(value, in_quote)
        if rivals:
            return Refusal(Why.OTHER_VALUE, rivals[0].span)
        if _list_elsewhere(same):
            return None
        if not in_quote:
            return other_act
        return _find_other_owner(same) or other_act

    def _list_rivals(self, value: Any, in_quote: Sequence[_Stated]) -> list[_Stated]:
        """Return the statements in the quote that contradict a value: those that give the agent a
        different value that is not one of the regimen's other values.
        """
        if isinstance(value, Amount):
            answered = self._amounts
        else:
            answered = [value]
        return [
            place
            for place in in_quote
            if _is_firm(place)
            and _can_contradict(place.value, value)
            and not _contains_equal(answered, place.value)
        ]

    def _list_stated(self, field: str) -> Iterator[_Stated]:
        """Yield the record's statements about a field, for any agent."""
        for text in self._text.texts:
            for mark in text.marks:
                if mark.field != field:
                    continue
                if mark.value is None:
                    continue
                for value in _list_values(mark):
                    yield self._weigh(text, mark, value)
        if field != "frequency":
            return
        # days and cycles also imply a frequency
        for statement in self._text.statements:
            rhythm = Regimen([statement]).frequency()
            if not rhythm:
                continue
            if statement.links(field):
                continue
            code, link = rhythm
            yield self._weigh(link.text, link.mark, code)

    def _weigh(self, text: DoseText, mark: Mark, value: Any) -> _Stated:
        """Return a value of a mark as a statement, with the probability that it belongs to the
        agent.
        """
        span = text.span(*mark.place)
        in_quote = span.overlaps(self._quote)
        chance = rival_chance = 0.0
        for statement, link in self._text.owners[id(mark)]:
            probability = link.sure * mark.confidence
            if statement.owner.how != "named":
                probability *= _UNNAMED
            is_agent = statement.agent is self._agent
            # another dose of the same agent is a rival, as is another agent
            if is_agent and (mark.field == "amounts" or self._fits(statement)):
                chance = max(chance, probability)
                clause = text.span(*statement.clause)
                in_quote = in_quote or clause.overlaps(self._quote)
            elif not link.is_shared:
                rival_chance = max(rival_chance, probability)
        return _Stated(value, span, chance, rival_chance, in_quote)

    def _fits(self, statement: Statement) -> bool:
        """Return whether a statement has an amount in common with the regimen. If either of them
        lacks an amount, return True.
        """
        levels = [level for link in statement.amounts for level in link.mark.value]
        if not levels or not self._amounts:
            return True
        return any(_contains_equal(self._amounts, level) for level in levels)

    def _find_other_act(self, field: str, value: Any) -> Refusal | None:
        """Return a refusal if the quote uses a value for something other than dosing; otherwise,
        return None.
        """
        texts = [
            section
            for section in self._text.texts
            if section.name == self._quote.section
        ]
        for text in texts if field in _OTHER_ACTS else ():
            for mark in _OTHER_ACTS[field](text.tokens):
                span = text.span(*mark.place)
                is_other = mark not in text.marks and span.overlaps(self._quote)
                if not is_other:
                    continue
                if not _contains_equal(_list_values(mark), value):
                    continue
                return Refusal(Why.OTHER_OWNER, span)
        return None

    def _judge_arm(self, label: str) -> Span | Refusal | None:
        """Return the place of an arm's label if the arm receives the agent, a refusal if it does
        not receive the regimen, or None if the text leaves it open. Several arms may have the same
        label.
        """
        arms = self._text.arms
        labelled = self._list_arms(label)
        rival = self._find_rival(labelled, self._amounts)
        if rival:
            return Refusal(Why.OTHER_VALUE, rival)
        getting = arms.list_naming(self._agent) | arms.list_linked(self._agent)
        receiving = [arm for arm in labelled if arm in getting]
        if receiving:
            return arms.places[receiving[0]]
        if not getting:
            return None
        if not all(map(self._gets_others, labelled)):
            return None
        return Refusal(Why.OTHER_OWNER, arms.places[labelled[0]])

    def _gets_others(self, arm: str) -> bool:
        """Return whether an arm names other agents while no description that could apply to all
        arms names this agent.
        """
        arms = self._text.arms
        if not arms.names_any(arm):
            return False
        if arms.refers(arm):
            return False
        prose = [text for text in self._text.texts if not text.is_group]
        mentions = [
            mention for text in prose for mention in self._text.agents.find(text)
        ]
        return all(mention.agent is not self._agent for mention in mentions)

    def _list_arms(self, label: str) -> list[str]:
        arms = self._text.arms
        return [arm for arm in arms.places if arms.read_label(arm) == label]

    def _find_rival(
        self, arms: Sequence[str], amounts: Sequence[Amount]
    ) -> Span | None:
        """Return the place of a different amount if each of the ``arms`` states only amounts of
        the agent that are not in ``amounts``, while another arm states one of the ``amounts``;
        otherwise, return None.
        """
        places: dict[str, Span] = {}
        confirming: set[str] = set()
        for stated in self._list_stated("amounts"):
            section = stated.span.section
            if not stated.chance:
                continue
            if not section.startswith("arms["):
                continue
            places.setdefault(section, stated.span)
            if _contains_equal(amounts, stated.value):
                confirming.add(section)
        contradicting = places.keys() - confirming
        if not arms:
            return None
        if not confirming:
            return None
        if not contradicting.issuperset(arms):
            return None
        return places[arms[0]]

    def _keep_arms(self, amount: Amount) -> Amount:
        """Remove from an amount any arms whose texts state a different amount. Only the first such
        amount is recorded as a refusal.
        """
        rivals: dict[str, Span] = {}
        for label in amount.arms:
            rival = self._find_rival(self._list_arms(label), [amount])
            if rival:
                rivals[label] = rival
        for span in list(rivals.values())[:1]:
            self._refuse(Refusal(Why.OTHER_VALUE, span), "amounts", amount)
        kept = tuple(label for label in amount.arms if label not in rivals)
        return replace_arms(amount, kept)

    def _refuse(self, refusal: Refusal, field: str, value: Any) -> None:
        self._refused.append(replace(refusal, field=field, value=show_value(value)))


def _contains_equal(values: Iterable[Any], wanted: Any) -> bool:
    return any(_is_equal(value, wanted) for value in values)
