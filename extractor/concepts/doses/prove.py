"""Check that a dose, route or schedule of a model's regimen belongs to its agent.

The statements that the rules read are asked. A value that a statement of the agent has is linked to
it. A value that the text says of another agent, step or use is refused, if the agent has another
value there. All others stay open.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

from extractor.concepts.doses.agents import is_joint
from extractor.concepts.doses.amounts import choose_levels
from extractor.concepts.doses.clauses import Link, Statement, find_link
from extractor.concepts.doses.equality import amount_in, is_same, kind_of
from extractor.concepts.doses.marks import LINKED, Fact
from extractor.concepts.doses.prove_arms import ArmProof
from extractor.concepts.doses.read import DosingText, read_dosing_text
from extractor.concepts.doses.timing import resolve_frequency, resolve_length
from extractor.concepts.own.value_forms import show_value
from extractor.evidence.drafts import Draft, Reading, Refusal, Span, Why
from extractor.evidence.parsed import ParsedRecord
from extractor.language.book import rule
from extractor.schemas import Amount, Frequency, Route, Support, Task

_HERE, _BESIDE, _ELSEWHERE, _OTHER_ARM = range(4)
"""Where a statement stands: in the words of the regimen, in its section or the agent's own, in
another section, in another arm.
"""
_READERS: Mapping[str, Callable[[Statement], tuple[Any, Fact | None]]] = {
    "route": lambda one: (one.route and one.route.value, one.route),
    "frequency": lambda one: (
        resolve_frequency(one),
        one.frequency or one.days or next(iter(one.amounts), None),
    ),
    "cycle": lambda one: (one.cycle and one.cycle.value, one.cycle),
    "duration": lambda one: ((length := resolve_length(one)) and length.value, length),
}
"""What a statement says of a field, and the mark that says it."""
_NEAR_LINKS = frozenset({Link.BESIDE, Link.CLAUSE})
_SURE = {
    "route": _NEAR_LINKS,
    "frequency": _NEAR_LINKS,
    "cycle": _NEAR_LINKS | {Link.SECTION},
    "duration": _NEAR_LINKS,
}
"""The links of each field that are seldom wrong."""
_VAGUE = frozenset({Frequency.OTHER, Frequency.ONCE, Route.OTHER})
"""Values that say too little to contradict another one."""


class _Stated(NamedTuple):
    """What a statement of the agent says of a field: its place, the value, and the mark that
    says it.
    """

    place: int
    one: Statement
    value: Any
    mark: Fact


def prove_regimens(answers: Sequence[Draft], parsed: ParsedRecord) -> list[Draft]:
    """The answers, with what the text says of the agents of regimens, and without what it says of
    something else.

    A linked value has the support ``parsed`` and the place where its agent has it, an open one
    ``inferred``. All agents that the answers name count as agents of the record.
    """
    named = {
        id(one): one.model["agent"].value for one in answers if "agent" in one.model
    }
    if not any(named.values()):
        return list(answers)
    text = read_dosing_text(
        parsed.record, parsed.sections, filter(None, named.values())
    )
    return [
        _Proof(one, text, named[id(one)]).run()
        if one.group == Task.DOSING and named.get(id(one))
        else one
        for one in answers
    ]


@dataclass(frozen=True)
class _Proof:
    """The proof of one regimen of an agent."""

    draft: Draft
    text: DosingText
    agent: str

    def run(self) -> Draft:
        """Return the answer with the values that stand, each with its support and place."""
        readings = dict(self.draft.model)
        refused = list(self.draft.refused)
        for field in LINKED:
            reading = readings.get(field)
            if reading is None or not reading.list_values():
                continue
            places = zip(reading.list_values(), reading.spans, strict=True)
            judged = [(value, span, self.judge(field, value)) for value, span in places]
            kept = [
                (value, span, found)
                for value, span, found in judged
                if not isinstance(found, Refusal)
            ]
            refused += (
                replace(found, field=field, value=show_value(value))
                for value, _, found in judged
                if isinstance(found, Refusal)
            )
            if kept:
                readings[field] = _replace_members(reading, kept)
            else:
                del readings[field]
        amounts = readings.get("amounts")
        if amounts:
            judged_amounts = [
                self._arms.keep(amount) for amount in amounts.list_values()
            ]
            readings["amounts"] = replace(
                amounts, value=tuple(amount for amount, _ in judged_amounts)
            )
            refused += (one for _, reasons in judged_amounts for one in reasons)
        return replace(self.draft, model=readings, refused=tuple(refused))

    def judge(self, field: str, value: Any) -> Span | Refusal | None:
        """Where the agent has a value; why it is not the agent's; None if the text leaves it
        open.
        """
        if field == "arms":
            return self._arms.judge(value)
        stated = self._list_stated(field)
        if field == "amounts":
            found = self._judge_amount(value, stated)
        else:
            found = self._judge_code(
                field, value, [each for each in stated if self._fits(each.one)]
            )
        if found or any(is_same(value, each.value) for each in stated):
            return found
        return self._find_other_act(field, value)

    def _list_stated(self, field: str) -> list[_Stated]:
        """What the text says of a field of the agent, the nearest first."""
        if field == "amounts":
            facts = [
                (place, one, fact) for place, one in self._own for fact in one.amounts
            ]
            return [
                _Stated(place, one, level, fact)
                for place, one, fact in facts
                for level in fact.value
            ]
        read = ((place, one, *_READERS[field](one)) for place, one in self._own)
        return [
            _Stated(place, one, value, mark)
            for place, one, value, mark in read
            if mark and value is not None
        ]

    def _find_other_act(self, field: str, value: Any) -> Refusal | None:
        """Why a value is not given, if the words of the regimen state it of a limit, a visit, a
        pause alone.
        """
        name = _mark_of(field)
        section = self.text.sections.get(self._quote.section)
        # "up to 40 mg"
        if section is None or (field == "amounts" and value.low is None):
            return None
        given, others = (
            [
                mark
                for mark in marks
                if section.span(mark.first, mark.end).overlaps(self._quote)
                if any(
                    is_same(value, one)
                    for one in (
                        mark.value if isinstance(mark.value, tuple) else (mark.value,)
                    )
                )
            ]
            for marks in (getattr(section.marks, name), section.others.get(name, ()))
        )
        if given or not others:
            return None
        return Refusal(Why.OTHER_OWNER, section.span(others[0].first, others[0].end))

    def _judge_amount(
        self, amount: Amount, stated: Sequence[_Stated]
    ) -> Span | Refusal | None:
        near = [each for each in stated if each.place == stated[0].place]
        levels = choose_levels([each.value for each in near])
        if amount_in(amount, levels):
            same = next((each for each in near if is_same(amount, each.value)), None)
        else:
            same = None
        if same and same.mark.confidence == 1:
            return self._link_amount(same)
        if same:  # an amount of another agent, perhaps; not if nothing else is the agent's own
            near = [
                each for each in near if each.one.mention and each.mark.confidence == 1
            ]
        if not near:
            return None
        if near[0].place >= _ELSEWHERE:
            return None
        if self._can_be_beside(amount, [each.value for each in near]):
            return None
        return self._refuse(near[0].mark)

    def _can_be_beside(self, amount: Amount, levels: Sequence[Amount]) -> bool:
        """Return whether an amount can be one of the agent's beside its levels: it meets one, or
        is of another kind.
        """
        (low, high), *ends = (
            (each.low or each.high or 0, each.high or each.low or 0)
            for each in (amount, *levels)
        )
        if any(max(low, one) <= min(high, other) for one, other in ends):
            return True  # they have a number in common
        if any(amount_in(each, levels) for each in self._amounts):
            return True  # of several levels, the words near the quote state others
        reading = self.draft.model["amounts"]
        places = [
            span
            for value, span in zip(reading.value, reading.spans, strict=True)
            if value == amount
        ]
        sections = [(self.text.sections.get(span.section), span) for span in places]
        firsts = [
            (one, one.read.between(span.start, span.end).first if one else 0)
            for one, span in sections
        ]
        if all(
            one and first and one.tokens.words[first - 1] == "("
            for one, first in firsts
        ):
            return True  # "two tablets of 3 mg (6 mg)"
        is_daily = amount.unit.endswith("/day")
        if is_daily and all(
            one and rule("sums_up").ends(one.tokens, first) for one, first in firsts
        ):
            return True  # "four drops twice daily, totalling 240 mcg per day"
        own = [
            (one.section, one.reach)
            for place, one in self._own
            if place == _HERE and one.reach[0] < one.reach[1]
        ]
        reaches = [self.text.sections[section].span(*reach) for section, reach in own]
        beside = any(reach.contains(span) for span in places for reach in reaches)
        return beside and not any(kind_of(amount) == kind_of(level) for level in levels)

    def _link_amount(self, stated: _Stated) -> Span | Refusal | None:
        """Link an amount that its agent has. It is open if the words state levels that the regimen
        omits.

        It is refused if the text states the rest of the regimen with other amounts alone.
        """
        # The statements there that differ in amounts alone.
        facts = [read(stated.one)[0] for read in _READERS.values()]
        here = [one for place, one in self._own if place == _HERE]
        said = [
            one
            for one in here
            if one is stated.one
            or [read(one)[0] for read in _READERS.values()] == facts
        ]
        omitted = [
            level
            for one in said
            for level in one.levels
            if not amount_in(level, self._amounts)
        ]
        is_open = any(kind_of(level) == kind_of(stated.value) for level in omitted)
        for field, read in _READERS.items():
            reading = self.draft.model.get(field)
            states, mark = read(stated.one)
            if reading is None or reading.value in (None, states, *_VAGUE):
                continue
            having = [
                each
                for each in self._list_stated(field)
                if is_same(each.value, reading.value)
            ]
            if not having:
                continue
            if any(
                self._fits(each.one) for each in having if each.place == having[0].place
            ):
                continue
            if mark and states is not None and stated.one.holds(mark):
                return self._refuse(mark)
            # the words give it to another amount
            if mark and states is None and having[0].place == _HERE:
                return self._refuse(having[0].mark)
            is_open = True
        return None if is_open else self._span(stated.mark)

    def _judge_code(
        self, field: str, value: Any, stated: Sequence[_Stated]
    ) -> Span | Refusal | None:
        """Judge by the statements with one of the regimen's amounts, or without any."""
        same = next((each for each in stated if is_same(each.value, value)), None)
        near = stated[0] if stated else None
        if (
            near
            and same
            and (
                same.place == near.place
                or (near.place > _HERE and same.place < _OTHER_ARM)
            )
        ):
            if (
                find_link(same.one, _mark_of(field), same.mark, self.text.sections)
                in _SURE[field]
            ):
                others = [
                    each
                    for each in stated
                    if each.place == _HERE and not is_same(each.value, value)
                ]
                return None if others else self._span(same.mark)
            near = same
        if near is None or near.place > _HERE:
            return None
        states, mark = _find_rival(near, _mark_of(field), value)
        # The clause itself must say this explicitly: no single day, no rate of a dose.
        in_full = (
            len(mark.value) > 1
            if mark is near.one.days
            else mark not in near.one.amounts
        )
        if is_same(states, value):
            return None
        if not _VAGUE.isdisjoint({value, states}):
            return None
        if not (near.one.holds(mark) and in_full):
            return None
        return self._refuse(mark)

    def _refuse(self, mark: Fact) -> Refusal:
        """The text gives the agent another value there."""
        return Refusal(Why.OTHER_VALUE, self._span(mark))

    @cached_property
    def _quote(self) -> Span:
        quote = self.draft.model.get("quote")
        return quote.spans[0] if quote and quote.spans else self.draft.chunk.span

    @cached_property
    def _amounts(self) -> Sequence[Amount]:
        amounts = self.draft.model.get("amounts")
        return amounts.value or () if amounts else ()

    @cached_property
    def _arms(self) -> ArmProof:
        key = self.text.lexicon.key_of(self.agent)
        return ArmProof(self.text, key, [one for _, one in self._own], self._amounts)

    @cached_property
    def _own(self) -> Sequence[tuple[int, Statement]]:
        """The agent's statements, each with its place, the nearest first."""
        key = self.text.lexicon.key_of(self.agent)
        own = [
            (self._place(one), one)
            for one in self.text.statements
            if one.agent.key == key
        ]
        return sorted(own, key=lambda each: each[0])

    def _place(self, one: Statement) -> int:
        if one.section == self._quote.section:
            clause = self.text.sections[one.section].span(
                one.clause.first, one.clause.end
            )
            return _HERE if clause.overlaps(self._quote) else _BESIDE
        if one.section == one.agent.section:
            return _BESIDE
        if one.section.startswith("arms") and self._quote.section.startswith("arms"):
            return _OTHER_ARM
        return _ELSEWHERE

    def _span(self, fact: Fact) -> Span:
        return self.text.sections[fact.section].span(fact.first, fact.end)

    def _fits(self, one: Statement) -> bool:
        """Return whether a statement has an amount of the regimen, or one of the two has none."""
        if not self._amounts:
            return True
        if not one.amounts:
            return True
        return any(amount_in(each, one.levels) for each in self._amounts)


def _replace_members(
    reading: Reading[Any], kept: Sequence[tuple[Any, Span, Span | None]]
) -> Reading[Any]:
    """Return the reading with these members: the value, where grounding found it, and where its
    agent has it.
    """
    values = tuple(value for value, _, _ in kept)
    spans = tuple(found or span for _, span, found in kept)
    supports = tuple(
        Support.PARSED if found else Support.INFERRED for _, _, found in kept
    )
    weakest = Support.INFERRED if Support.INFERRED in supports else Support.PARSED
    value = values if isinstance(reading.value, tuple) else values[0]
    return replace(
        reading, value=value, spans=spans, support=weakest, supports=supports
    )


def _find_rival(near: _Stated, name: str, value: Any) -> tuple[Any, Fact]:
    """Of several values in an agent's part of a clause, the one closest to its dose or name, with
    its mark.

    That is the given value, if it is an alternative to the closest one: "IV or by mouth".
    """
    one = near.one
    tokens = near.one.clause.tokens
    marks = getattr(one.clause.marks.inside(*one.reach), name)
    if near.mark not in marks or len({mark.value for mark in marks}) < 2:
        return near.value, near.mark
    anchors = [
        (each.first, each.end)
        for each in (*one.amounts, one.mention)
        if each and one.holds(each)
    ]
    gaps = anchors or [(one.first, one.end)]
    closest = min(
        marks,
        key=lambda mark: min(
            max(mark.first - end, first - mark.end) for first, end in gaps
        ),
    )
    for mark in marks:
        first, second = sorted((mark, closest), key=lambda each: each.first)
        if mark.value == value and is_joint(
            "or_between", tokens, first.end, second.first
        ):
            return value, mark
    return closest.value, closest


def _mark_of(field: str) -> str:
    return "length" if field == "duration" else field
