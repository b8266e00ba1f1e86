"""What participants are given: agents with dose, way and times of giving, read by rules.

Arms and interventions are cut into clauses; each clause's marks (amounts, routes, frequencies, ...) are linked to the
agents it names; statements about one way of giving are merged, wherever they stand.
"""

from collections.abc import Iterator, Mapping, Sequence

from extractor.parse.parsed import ParsedDosing
from extractor.schemas import TrialRecord
from extractor.text.passage import Section

from .agents import PROCEDURES, Agent, Lexicon, build_lexicon
from .clauses import describes_other, find_candidates, has_rule, resolve_references
from .facts import Findings, Statement, find_all
from .merging import find_trial_length, merge_statements
from .passages import Passage, RecordText, list_passages
from .regimens import build_regimens
from .roles import view_trial
from .statements import read_passage

__all__ = ["read_dosing", "read_statements"]

_TITLES = ("title", "official_title")


def read_dosing(record: TrialRecord, sections: Mapping[str, Section], numbers: Iterator[int]) -> ParsedDosing:
    """The regimens of a record, and the chunks that seem to hold one which the rules could not read.

    ``numbers`` gives each chunk its number. A record without any dose yields no regimen and no candidate.

    >>> from itertools import count
    >>> from extractor.schemas import Section, Source
    >>> text = "DRUG: Examplumab 300 mg subcutaneously every 4 weeks"
    >>> record = TrialRecord(record_id="T1", source=Source(path="t", format="flat"),
    ...                      sections=(Section(name="interventions[0]", text=text),))
    >>> sections = {"interventions[0]": read_section("interventions[0]", text)}
    >>> regimen = read_dosing(record, sections, count(1)).regimens[0]
    >>> regimen.agent.value, regimen.amounts.value[0].high, regimen.route.value.value, regimen.frequency.value.value
    ('Examplumab', 300, 'subcutaneous', 'Q4W')
    """
    groups, descriptions = list_passages(record, sections)
    passages = (*groups, *descriptions)
    findings = {passage.section: find_all(passage.tokens, passage.section) for passage in passages}
    lexicon = build_lexicon(groups, descriptions)
    statements = read_statements(groups, descriptions, lexicon, findings)
    places = {passage.section: passage for passage in passages}
    merged = merge_statements(statements)
    source = RecordText(places, {name: section.cleaned for name, section in sections.items()})
    raw = {section.name: section.text for section in record.sections}
    trial = view_trial(passages, lexicon, merged, [sections[name].tokens for name in _TITLES if name in sections])
    length = find_trial_length(descriptions, findings)
    regimens = build_regimens(merged, source, findings, trial, numbers, raw, length) if merged else ()
    kept = {statement.agent.key for statement in merged}
    used = [statement for statement in statements if statement.agent.key in kept]
    return ParsedDosing(regimens, find_candidates(used, passages, findings, source, lexicon, numbers))


def read_statements(
    groups: Sequence[Passage], descriptions: Sequence[Passage], lexicon: Lexicon, findings: Mapping[str, Findings]
) -> tuple[Statement, ...]:
    """What the passages say of each agent, not yet merged. ``findings`` has those of each section."""
    own = {agent.section: agent for agent in reversed(lexicon.agents)}
    statements: list[Statement] = []
    for passage in groups:
        topic = own.get(passage.section) or _find_topic(passage, lexicon)
        statements += read_passage(passage, findings[passage.section], lexicon, topic)
    statements += _read_descriptions(descriptions, lexicon, findings, statements)
    return resolve_references((*groups, *descriptions), findings, statements)


def _find_topic(group: Passage, lexicon: Lexicon) -> Agent | None:
    """The agent in the label of an arm, or in a name that interventions share; else the only one of the record."""
    named = (m.value for m in lexicon.find(group.tokens, group.section) if m.end <= group.title[1])
    return next(named, None) or (None if group.is_intervention else lexicon.only)


def _read_descriptions(
    descriptions: Sequence[Passage],
    lexicon: Lexicon,
    findings: Mapping[str, Findings],
    statements: Sequence[Statement],
) -> list[Statement]:
    """Statements about the record's own agents; amounts only where arms and interventions state none.

    Other agents count where arms and interventions say nothing of any giving.
    """
    known = {agent.key for agent in lexicon.agents}
    dosed = {statement.agent.key for statement in statements if statement.amounts}
    silent = not any(statement.amounts or statement.frequency or statement.days for statement in statements)
    return [
        statement
        for passage in descriptions
        for statement in read_passage(passage, findings[passage.section], lexicon, lexicon.only)
        if (statement.agent.key in known or _is_full(statement, silent=silent))
        and _is_given(statement)
        and (statement.agent.key not in dosed if statement.amounts else statement.mention is not None)
    ]


def _is_given(statement: Statement) -> bool:
    """A dose needs a word of giving, and none that it is one of a test, of other trials or a limit."""
    clause = statement.clause
    if describes_other(clause.tokens, clause.start, clause.end):
        return False
    timed = statement.route or statement.frequency or statement.days
    return bool(timed or has_rule("giving_verb", clause.tokens, clause.start, clause.end))


def _is_full(statement: Statement, *, silent: bool) -> bool:
    """Whether a statement names an agent that no intervention is named after, and enough of its giving.

    ``silent`` holds where arms and interventions state no giving at all.
    """
    kind = statement.agent.kind
    timed = bool(statement.frequency or statement.days)
    said = [bool(statement.amounts), bool(statement.route), timed, statement.length is not None]
    if kind in PROCEDURES or (kind == "cells" and statement.days):
        return silent and statement.mention is not None and any(said)
    if kind == "placebo":
        return statement.mention is not None and (timed or bool(statement.route))
    return statement.mention is not None and bool(statement.amounts or statement.route) and sum(said) > 1
