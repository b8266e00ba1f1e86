"""Read the agents that participants are given, with dose, route and schedule, by rules.

Arms and interventions are cut into clauses. Each clause's marks (amounts, routes, frequencies, ...)
are linked to the agents that it names. Statements about one regimen are merged, wherever they
stand.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from extractor.concepts.doses.agents import PROCEDURES, AgentNames, build_lexicon
from extractor.concepts.doses.arms import Arms, locate_arms
from extractor.concepts.doses.clauses import Statement, describes_other, is_aside
from extractor.concepts.doses.marks import Place, within
from extractor.concepts.doses.merging import merge_statements
from extractor.concepts.doses.references import resolve_references
from extractor.concepts.doses.regimens import build_regimens
from extractor.concepts.doses.sections import DosingSection, Findings, list_sections
from extractor.concepts.doses.statements import read_statements
from extractor.concepts.doses.timing import find_trial_length
from extractor.concepts.doses.trial_view import read_title, view_trial
from extractor.evidence.drafts import Chunk, Draft
from extractor.language.book import rule
from extractor.language.passage import LexedSection
from extractor.schemas import Amount, TrialRecord

__all__ = ["DosingText", "read_dosing", "read_dosing_text"]


def read_dosing(
    record: TrialRecord, sections: Mapping[str, LexedSection], numbers: Iterator[int]
) -> tuple[tuple[Draft, ...], tuple[Chunk, ...]]:
    """Return the regimens of a record, and the chunks that seem to hold a regimen that the rules
    could not read.

    ``numbers`` gives each chunk its number. A record without any dose yields no regimen and no
    candidate.

    >>> from itertools import count
    >>> from extractor.schemas import Section, Source
    >>> text = "DRUG: Examplumab 300 mg subcutaneously every 4 weeks"
    >>> record = TrialRecord(
    ...     record_id="T1",
    ...     source=Source(path="t", format="flat"),
    ...     sections=(Section(name="interventions[0]", text=text),),
    ... )
    >>> sections = {"interventions[0]": read_section("interventions[0]", text)}
    >>> (regimen,), _ = read_dosing(record, sections, count(1))
    >>> (
    ...     regimen.rules["agent"].value,
    ...     regimen.rules["amounts"].value[0].high,
    ...     regimen.rules["frequency"].value.value,
    ... )
    ('Examplumab', 300, 'Q4W')
    """
    text = read_dosing_text(record, sections)
    statements = text.list_given()
    merged = merge_statements(statements)
    trial = view_trial(
        [*text.sections.values(), *read_title(sections)],
        text.lexicon,
        merged,
        text.arms,
    )
    kept = {statement.agent.key for statement in merged}
    length = find_trial_length([*text.sections.values()], text.lexicon, kept)
    regimens = (
        build_regimens(merged, text.arms, trial, numbers, length) if merged else ()
    )
    used = [statement for statement in statements if statement.agent.key in kept]
    return regimens, tuple(
        _find_candidates(used, text.sections.values(), text.lexicon, numbers)
    )


@dataclass(frozen=True, slots=True)
class DosingText:
    """What a record says of doses: its sections by name, the agents that it names, what each clause
    says of each.

    ``arms`` tells which arms get an agent.
    """

    sections: Mapping[str, DosingSection]
    lexicon: AgentNames
    statements: Sequence[Statement]
    arms: Arms

    def list_given(self) -> list[Statement]:
        """Return the statements about what participants are given, with those of arms that refer to
        another one.

        Descriptions count about the record's own agents, with amounts only if arms and
        interventions state none. Other agents count only if arms and interventions state no dosing.
        """
        registered = [
            one for one in self.statements if self.sections[one.section].is_group
        ]
        known = {agent.key for agent in self.lexicon.agents}
        dosed = {statement.agent.key for statement in registered if statement.amounts}
        silent = not any(
            statement.amounts or statement.frequency or statement.days
            for statement in registered
        )
        described = (
            one
            for one in self.statements
            if not self.sections[one.section].is_group
            if (one.agent.key in known or _is_full(one, silent=silent))
            and _is_given(one)
            if (one.agent.key not in dosed if one.amounts else one.mention is not None)
        )
        return resolve_references([*self.sections.values()], [*registered, *described])


def read_dosing_text(
    record: TrialRecord,
    sections: Mapping[str, LexedSection],
    others: Iterable[str] = (),
) -> DosingText:
    """Read what each clause of a record says about each agent; ``others`` are agents that a
    model found in it.
    """
    groups, descriptions = list_sections(record, sections)
    lexicon = build_lexicon(groups, others)
    own = {agent.section: agent for agent in reversed(lexicon.agents)}
    statements: list[Statement] = []
    for section in (*groups, *descriptions):
        if section.is_group:
            # The agent in an arm's label or in the shared name of interventions, else the record's
            # only agent.
            titled = (
                m.value for m in lexicon.find(section) if m.end <= section.title[1]
            )
            only = None if section.is_intervention else lexicon.only
            topic = own.get(section.name) or next(titled, only)
            statements += read_statements(section, lexicon, topic)
        elif lexicon.only or lexicon.find(section):  # nothing is said about no agent
            statements += read_statements(section, lexicon, lexicon.only)
    named = {one.name: one for one in (*groups, *descriptions)}
    return DosingText(
        named,
        lexicon,
        statements,
        Arms(locate_arms(record), record.registry.arm_links, named, lexicon),
    )


def _is_given(statement: Statement) -> bool:
    """Whether the clause has a route, a schedule or a dosing verb, and describes no test, other
    trial or limit.
    """
    clause = statement.clause
    if describes_other(clause.tokens, clause.first, clause.end):
        return False
    timed = [statement.route, statement.frequency, statement.days]
    facts = [fact for fact in timed if fact]
    if statement.mention and not statement.amounts:
        # "A on pain, as measured daily"
        tested = rule("other_act").search(
            clause.tokens, statement.mention.end, statement.reach[1]
        )
        if tested:
            return any(fact.first < tested.first for fact in facts)
    if facts:
        return True
    gives = rule("giving_verb").search(clause.tokens, clause.first, clause.end)
    return gives is not None


def _is_full(statement: Statement, *, silent: bool) -> bool:
    """Return whether a statement names an agent that is no registered intervention, with enough
    about its dosing.

    ``silent``: arms and interventions state no dosing at all.
    """
    kind = statement.agent.kind
    timed = bool(statement.frequency or statement.days)
    said = [
        bool(statement.amounts),
        bool(statement.route),
        timed,
        statement.length is not None,
    ]
    if statement.mention is None:
        return False
    if kind in PROCEDURES or (kind == "cells" and statement.days):
        return silent and any(said)
    if kind == "placebo":
        return timed or bool(statement.route)
    return bool(statement.amounts) or (bool(statement.route) and sum(said) > 1)


def _find_candidates(
    statements: Sequence[Statement],
    sections: Collection[DosingSection],
    lexicon: AgentNames,
    numbers: Iterator[int],
) -> Iterator[Chunk]:
    """Yield clauses with signs of a dose, or of dosing and its route or time, that no statement
    covers.

    ``statements`` are those that became regimens or parts of regimens. A clause is no candidate if
    they contain all its amounts, or if it has no amount and names one of their agents.
    """
    levels = frozenset(level for statement in statements for level in statement.levels)
    keys = frozenset(statement.agent.key for statement in statements)
    places: dict[str, list[Place]] = defaultdict(list)
    for statement in statements:
        places[statement.section].append((statement.clause.first, statement.clause.end))
    for section in sections:
        read = sorted(places[section.name])
        furthest = list(accumulate((end for _, end in read), max, initial=0))
        mentions = lexicon.find(section)
        for first, end in [section.title, *section.clauses]:
            if first >= end or furthest[bisect_left(read, (end,))] > first:
                continue
            named = {mention.value.key for mention in within(mentions, first, end)}
            follows = (
                section.is_group and not named and bool(read) and read[0][0] < first
            )
            # a clause without an agent continues the one before
            other = named.isdisjoint(keys) and not follows
            stated = section.marks.inside(first, end)
            if _has_dose(section, (first, end), stated, levels) or (
                other and _is_giving(section, (first, end), stated, named=bool(named))
            ):
                yield section.chunk(next(numbers), first, end)


def _has_dose(
    section: DosingSection, clause: Place, stated: Findings, known: frozenset[Amount]
) -> bool:
    if stated.amounts:
        new = any(
            level not in known for amount in stated.amounts for level in amount.value
        )
        return new and (section.is_group or _speaks_of_giving(section, clause))
    return (
        section.is_group
        and rule("number_of_doses").search(section.tokens, *clause) is not None
    )


def _is_giving(
    section: DosingSection, clause: Place, stated: Findings, *, named: bool
) -> bool:
    """Return whether a clause without a dose states how or when something is given."""
    timed = bool(stated.frequency or stated.days or stated.length)
    if clause == section.title or not (stated.route or timed):
        return False
    if not (named or section.is_group or (stated.route and timed)):
        return False
    return _speaks_of_giving(section, clause) and not is_aside(section.tokens, *clause)


def _speaks_of_giving(section: DosingSection, clause: Place) -> bool:
    gives = any(
        rule(name).search(section.tokens, *clause)
        for name in ("giving_verb", "dose_word")
    )
    return gives and not describes_other(section.tokens, *clause)
