"""Turn merged statements into regimens: name the agent, choose the quote, and state each field's
confidence.

Stated confidences only rank; ``extractor.evidence.calibration`` turns them into shares that were
right.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any

from extractor.concepts.doses.amounts import choose_levels, is_volume_or_piece
from extractor.concepts.doses.arms import Arms, Claims
from extractor.concepts.doses.clauses import Link, Statement, find_link, list_near
from extractor.concepts.doses.marks import Fact
from extractor.concepts.doses.merging import (
    find_trial_cycle,
    is_cyclic,
    is_rate,
    resolve_frequency,
    resolve_length,
    resolve_timing,
)
from extractor.concepts.doses.naming import find_name, trust_name
from extractor.concepts.doses.roles import read_role
from extractor.concepts.doses.schedule import name_rhythm
from extractor.concepts.doses.sections import FIELDS, DosingSection
from extractor.concepts.doses.trial_view import Trial
from extractor.evidence.drafts import Draft, Reading, Span
from extractor.evidence.scoring import measured
from extractor.language.book import rule
from extractor.schemas import Amount, Frequency, Route, Support

_SIGNS = {"cycle": "cycle_word", "length": "duration"}
"""Rules that find words about a field even if no value was read."""
_SETTINGS = frozenset({"%", "Hz"})
"""Units of a mixture or a device that say little of what is given."""
_OWN = frozenset({"route", "length"})
"""Fields without a value if only a description elsewhere states one."""


def build_regimens(
    statements: Sequence[Statement],
    arms: Arms,
    trial: Trial,
    numbers: Iterator[int],
    trial_length: Fact | None = None,
) -> tuple[Draft, ...]:
    """Build one regimen per statement, in reading order, numbered by ``numbers``.

    Regimens that are given more than once and state no length get ``trial_length``, if no regimen
    states another.
    """
    sections = arms.texts
    order = {name: place for place, name in enumerate(sections)}
    ordered = sorted(statements, key=lambda s: (order[s.section], s.first))
    trial_cycle = find_trial_cycle(sections.values())
    if trial_cycle:
        ordered = [
            replace(s, cycle=trial_cycle)
            if s.cycle is None and s.days and is_cyclic(s)
            else s
            for s in ordered
        ]
    if trial_length and any(
        s.length and s.length.value not in {None, trial_length.value} for s in ordered
    ):
        trial_length = None
    texts = sections.values()
    stated = {
        name
        for one in texts
        for name in ("amounts", *FIELDS)
        if getattr(one.marks, name)
    }
    stated |= {
        name
        for name, sign in _SIGNS.items()
        if any(rule(sign).search(one.tokens) for one in texts)
    }
    same = defaultdict[str, list[Statement]](list)
    for one in ordered:
        same[one.agent.key].append(one)
    claims = {key: arms.count(group) for key, group in same.items()}
    return tuple(
        _Builder(one, sections, stated, arms, claims[one.agent.key]).build(
            trial, next(numbers), trial_length
        )
        for one in ordered
    )


@dataclass(frozen=True)
class _Builder:
    """Builds the regimen of one statement. ``stated`` names the kinds of findings anywhere in the
    record, ``claims`` are those of all regimens of its agent on arms.
    """

    statement: Statement
    sections: Mapping[str, DosingSection]
    stated: Collection[str]
    arms: Arms
    claims: Claims

    def build(self, trial: Trial, number: int, trial_length: Fact | None) -> Draft:
        statement = self.statement
        section = self.sections[self.statement.section]
        named, *place = find_name(statement, self.sections)
        name = named.span(*place)
        sure_of_name = trust_name(statement, named, place, self.sections)
        frequency = self.read_frequency()
        duration = self.read_fact("length", resolve_length(statement))
        if (
            trial_length
            and statement.length is None
            and frequency.value not in {None, Frequency.ONCE}
        ):
            confidence = measured("length", "of the trial")
            duration = Reading(
                trial_length.value,
                confidence,
                (self.span(trial_length),),
                Support.PARSED,
            )
        role, role_confidence = read_role(statement, trial)
        given = self.arms.find(statement, self.claims)
        # The clause or title in which the statement begins, extended to the end of the statement.
        clause = bisect_right(section.clauses, statement.first, key=itemgetter(0))
        first, end = section.clauses[clause - 1] if clause else section.title
        rules: dict[str, Reading[Any]] = {
            "agent": Reading(named.raw(*place), sure_of_name, (name,)),
            "role": Reading(role, role_confidence, (name,), Support.INFERRED),
            "amounts": self.read_amounts(given),
            "arms": self.arms.read(given),
            "route": self.read_route(),
            "frequency": frequency,
            "cycle": self.read_fact("cycle", statement.cycle),
            "duration": duration,
            "timing": self.read_timing(),
        }
        chunk = section.chunk(
            number, min(first, statement.first), max(end, statement.end)
        )
        return Draft(
            "dosing", chunk, section.span(statement.first, statement.end), rules
        )

    def span(self, fact: Fact) -> Span:
        return self.sections[fact.section].span(fact.first, fact.end)

    def link(self, name: str, fact: Fact) -> Link:
        return find_link(self.statement, name, fact, self.sections)

    def trust(self, name: str, fact: Fact | None) -> float:
        """The confidence of a field: by the place of its fact, or for none, by other candidates
        in the record.
        """
        if fact is not None:
            return measured(
                "timing" if name in {"days", "moment"} else name, self.link(name, fact)
            )
        clause = self.statement.clause
        sign = _SIGNS.get(name)
        near = list_near(self.statement, name) or (
            sign and rule(sign).search(clause.tokens, clause.first, clause.end)
        )
        if near:
            return measured("regimen", "in clause")
        return measured("regimen", "in record" if name in self.stated else "nowhere")

    def read_amounts(
        self, given: Collection[str]
    ) -> Reading[tuple[Amount, ...] | None]:
        spans: dict[Amount, Span] = {}
        for fact in self.statement.amounts:
            for amount in fact.value:
                spans.setdefault(amount, self.span(fact))
        levels = choose_levels(spans)
        confidence = self.trust(
            "amounts", self.statement.amounts[0] if levels else None
        )
        doubts = {
            "doubtful": any(fact.confidence < 1 for fact in self.statement.amounts),
            "several levels": len(levels) > 1,
            "volume or pieces": any(
                is_volume_or_piece(level.unit) or level.unit in _SETTINGS
                for level in levels
            ),
        }
        confidence = min(
            [
                confidence,
                *(measured("amounts", case) for case, holds in doubts.items() if holds),
            ]
        )
        value = tuple(self.arms.read_amounts(self.statement, levels, given))
        return Reading(
            value, confidence, tuple(spans[level] for level in levels), Support.PARSED
        )

    def read_route(self) -> Reading[Route | None]:
        reading: Reading[Route | None] = self.read_fact("route", self.statement.route)
        return replace(reading, support=Support.INFERRED) if reading.spans else reading

    def read_frequency(self) -> Reading[Frequency | None]:
        statement = self.statement
        value = resolve_frequency(statement)
        stated = statement.frequency or statement.days
        fact = stated or (
            statement.amounts[0] if is_rate(statement) else statement.moment
        )
        if value is None or fact is None:
            timed = (
                statement.days
                or list_near(self.statement, "frequency")
                or list_near(self.statement, "days")
            )
            return Reading(
                None,
                measured("regimen", "in clause")
                if timed
                else self.trust("frequency", None),
            )
        coded = statement.frequency
        confidence = measured(
            "frequency", self.name_wording(coded) if coded else self.name_days()
        )
        confidence = min(confidence, coded.confidence) if coded else confidence
        return Reading(
            value,
            confidence,
            (self.span(fact),),
            Support.PARSED if stated else Support.INFERRED,
        )

    def name_wording(self, coded: Fact) -> str:
        """Return the case of a stated frequency: how it is worded if it is beside the dose, or
        else where it stands.
        """
        statement = self.statement
        tokens = self.sections[coded.section].tokens
        case = name_rhythm(tokens, coded)
        link = self.link("frequency", coded)
        again = rule("given_again").search(
            tokens, coded.first, max(coded.end, statement.clause.end)
        )
        # "a loading dose, then 5 mg for 2 months"
        if coded.value is Frequency.ONCE and (statement.length or again):
            return "rivals"
        if link is not Link.BESIDE:
            return f"{link}, in full" if case in {"words", "interval"} else link
        beside = [fact for fact in statement.amounts if fact.section == coded.section]
        if any(fact.first <= coded.first and coded.end <= fact.end for fact in beside):
            return "rate"
        return (
            "beside a change"
            if rule("changed_dose").search(tokens, *statement.reach)
            else case
        )

    def name_days(self) -> str:
        """Return the case of a frequency that follows from days, a moment or a rate."""
        listed = self.statement.days
        if listed is None:
            return "moment or rate"
        if len(listed.value) > 1:
            if self.link("days", listed) is Link.BESIDE:
                return "listed days"
            return "listed days elsewhere"
        return "day of a cycle" if self.statement.cycle else "one day"

    def read_fact(self, name: str, fact: Fact | None) -> Reading[Any]:
        """A field with the value of one fact, if not only a description elsewhere states it:
        that of another agent.
        """
        own = {self.statement.section, self.statement.agent.section}
        elsewhere = (
            fact is not None
            and fact.section not in own
            and not self.sections[fact.section].is_group
        )
        if fact is None or fact.value is None or (name in _OWN and elsewhere):
            return Reading(None, self.trust(name, None))
        return Reading(
            fact.value, self.trust(name, fact), (self.span(fact),), Support.PARSED
        )

    def read_timing(self) -> Reading[str | None]:
        timing = resolve_timing(self.statement)
        if timing is None:
            return Reading(
                None, min(self.trust("days", None), self.trust("moment", None))
            )
        fact, *place = timing
        section = self.sections[fact.section]
        name = "days" if fact is self.statement.days else "moment"
        return Reading(
            section.raw(*place), self.trust(name, fact), (section.span(*place),)
        )
