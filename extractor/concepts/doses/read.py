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

from extractor.concepts.doses.agents import PROCEDURES, Agent, AgentNames, build_lexicon
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
    texts = list(text.sections.values())
    statements = text.list_given()
    merged = merge_statements(statements)
    titled = [*texts, *read_title(sections)]
    trial = view_trial(titled, text.lexicon, merged, text.arms)
    agents = {statement.agent.key for statement in merged}
    length = find_trial_length(texts, text.lexicon, agents)
    regimens: tuple[Draft, ...] = ()
    if merged:
        regimens = build_regimens(merged, text.arms, trial, numbers, length)
    used = [statement for statement in statements if statement.agent.key in agents]
    candidates = _find_candidates(used, texts, text.lexicon, numbers)
    return regimens, tuple(candidates)


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
        another one ("as in arm I").

        All statements of arms and interventions count. Those of descriptions count if they say that
        something is given: about a registered agent with amounts only if arms and interventions
        state none for it, about another agent only if they say enough of its dosing.
        """
        registered: list[Statement] = []
        described: list[Statement] = []
        for statement in self.statements:
            if self.sections[statement.section].is_group:
                registered.append(statement)
            else:
                described.append(statement)
        known = {agent.key for agent in self.lexicon.agents}
        dosed = {statement.agent.key for statement in registered if statement.amounts}
        no_registered_dosing = not any(map(_says_dosing, registered))
        given = registered
        for statement in described:
            key = statement.agent.key
            is_known = key in known
            if not is_known and not _is_full(statement, is_alone=no_registered_dosing):
                continue
            if not _is_given(statement):
                continue
            if statement.amounts:
                adds = key not in dosed
            else:
                adds = statement.mention is not None
            if adds:
                given.append(statement)
        return resolve_references(list(self.sections.values()), given)


def _says_dosing(statement: Statement) -> bool:
    """Return whether a statement has an amount or says how often or on which days."""
    return bool(statement.amounts or statement.frequency or statement.days)


def read_dosing_text(
    record: TrialRecord,
    sections: Mapping[str, LexedSection],
    others: Iterable[str] = (),
) -> DosingText:
    """Return what each clause of a record says about each agent. ``others`` are agents that a model
    found in it, which then count as agents of the record.

    A clause that names no agent is about the agent of its arm or intervention; in a description,
    about the only agent of the record. Descriptions without any agent are not read.
    """
    groups, descriptions = list_sections(record, sections)
    lexicon = build_lexicon(groups, others)
    # the first agent of a section is its own
    own = {agent.section: agent for agent in reversed(lexicon.agents)}
    statements: list[Statement] = []
    for section in groups:
        topic = own.get(section.name) or _find_topic(section, lexicon)
        statements += read_statements(section, lexicon, topic)
    for section in descriptions:
        # nothing is said about no agent
        if lexicon.only or lexicon.find(section):
            statements += read_statements(section, lexicon, lexicon.only)
    texts = {section.name: section for section in (*groups, *descriptions)}
    arms = Arms(locate_arms(record), record.registry.arm_links, texts, lexicon)
    return DosingText(texts, lexicon, statements, arms)


def _find_topic(section: DosingSection, lexicon: AgentNames) -> Agent | None:
    """Return the first agent that the title of an arm or intervention names. Without one, the topic
    of an arm is the only agent of the record; an intervention has none, for it may be something
    else.
    """
    for mention in lexicon.find(section):
        if mention.end <= section.title[1]:
            return mention.value
    return None if section.is_intervention else lexicon.only


def _is_given(statement: Statement) -> bool:
    """Return whether the clause of a description says that the agent is given: it has a route, a
    schedule or a dosing verb, and describes no test, other trial or limit.
    """
    clause = statement.clause
    tokens = clause.tokens
    # "The approved dose is 5 mg"
    if describes_other(tokens, clause.first, clause.end):
        return False
    timed = [statement.route, statement.frequency, statement.days]
    facts = [fact for fact in timed if fact]
    if statement.mention and not statement.amounts:
        # "A on pain, as measured daily": what stands behind the test is the test's
        behind = statement.mention.end
        tested = rule("other_act").search(tokens, behind, statement.reach[1])
        if tested:
            return any(fact.first < tested.first for fact in facts)
    if facts:
        return True
    # "patients receive"
    return rule("giving_verb").search(tokens, clause.first, clause.end) is not None


def _is_full(statement: Statement, *, is_alone: bool) -> bool:
    """Return whether a statement names an agent that is no registered intervention, with enough
    about its dosing: a dose, or a route with a time. Procedures, and cells on listed days, count
    only where nothing else is dosed; a placebo needs no dose.

    ``is_alone``: arms and interventions state no dosing at all.
    """
    if statement.mention is None:
        return False
    kind = statement.agent.kind
    is_dosed = bool(statement.amounts)
    is_routed = bool(statement.route)
    is_timed = bool(statement.frequency or statement.days)
    is_limited = statement.length is not None
    are_timed_cells = kind == "cells" and bool(statement.days)
    if kind in PROCEDURES or are_timed_cells:
        return is_alone and any((is_dosed, is_routed, is_timed, is_limited))
    if kind == "placebo":
        return is_timed or is_routed
    if is_dosed:
        return True
    return is_routed and (is_timed or is_limited)


def _find_candidates(
    statements: Sequence[Statement],
    sections: Collection[DosingSection],
    lexicon: AgentNames,
    numbers: Iterator[int],
) -> Iterator[Chunk]:
    """Yield clauses with signs of a dose, or of dosing and its route or time, that no statement
    covers. A model is asked about them.

    ``statements`` are those that became regimens or parts of regimens. A clause is no candidate if
    they contain all its amounts, or if it has no amount and names one of their agents. In an arm or
    intervention, a clause without an amount and an agent that follows theirs is none either.
    """
    levels = frozenset(level for statement in statements for level in statement.levels)
    keys = frozenset(statement.agent.key for statement in statements)
    places: dict[str, list[Place]] = defaultdict(list)
    for statement in statements:
        clause = statement.clause
        places[statement.section].append((clause.first, clause.end))
    for section in sections:
        covered = sorted(places[section.name])
        for first, end in _list_unread(section, covered):
            stated = section.marks.inside(first, end)
            if _has_dose(section, (first, end), stated, levels):
                yield section.chunk(next(numbers), first, end)
                continue
            mentions = within(lexicon.find(section), first, end)
            named = {mention.value.key for mention in mentions}
            if not named.isdisjoint(keys):
                continue
            # a clause without an agent continues the one before
            follows = bool(covered) and covered[0][0] < first
            continues = follows and not named
            if section.is_group and continues:
                continue
            if _is_giving(section, (first, end), stated, names_agent=bool(named)):
                yield section.chunk(next(numbers), first, end)


def _list_unread(section: DosingSection, covered: Sequence[Place]) -> Iterator[Place]:
    """Yield the title and the clauses of a section that overlap none of the sorted places
    ``covered``. Empty ones are left out.
    """
    # of the first 0, 1, 2, ... places, the furthest end
    furthest = list(accumulate((end for _, end in covered), max, initial=0))
    for first, end in (section.title, *section.clauses):
        if first >= end:
            continue
        begun_before = bisect_left(covered, (end,))
        if furthest[begun_before] <= first:
            yield first, end


def _has_dose(
    section: DosingSection, clause: Place, stated: Findings, known: frozenset[Amount]
) -> bool:
    """Return whether a clause has an amount that is not ``known``, or in an arm or intervention
    counts doses without an amount ("a dose of 3 scoops"). In a description, the clause must also
    speak of giving. ``stated`` are the marks of the clause.
    """
    if not stated.amounts:
        if not section.is_group:
            return False
        return rule("number_of_doses").search(section.tokens, *clause) is not None
    levels = {level for amount in stated.amounts for level in amount.value}
    if levels <= known:
        return False
    return section.is_group or _speaks_of_giving(section, clause)


def _is_giving(
    section: DosingSection, clause: Place, stated: Findings, *, names_agent: bool
) -> bool:
    """Return whether a clause without a dose states how or when something is given, and is about
    no test. In a description it must name an agent (``names_agent``), or state both.

    ``stated`` are the marks of the clause. A title states no giving.
    """
    if clause == section.title:
        return False
    is_routed = bool(stated.route)
    is_timed = bool(stated.frequency or stated.days or stated.length)
    if not is_routed and not is_timed:
        return False
    has_owner = names_agent or section.is_group
    if not has_owner and not (is_routed and is_timed):
        return False
    if not _speaks_of_giving(section, clause):
        return False
    return not is_aside(section.tokens, *clause)


def _speaks_of_giving(section: DosingSection, clause: Place) -> bool:
    """Return whether a clause has a word of giving ("is administered") or of doses, and describes
    no dose of something else ("The approved dose is 5 mg").
    """
    for name in ("giving_verb", "dose_word"):
        if rule(name).search(section.tokens, *clause):
            return not describes_other(section.tokens, *clause)
    return False
