"""Read the regimens of a record: statements, merged to regimens, with arms and roles."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import NamedTuple

from extractor.concepts.doses.agents import Agents
from extractor.concepts.doses.arms import Arms
from extractor.concepts.doses.drafts import make_draft
from extractor.concepts.doses.marks import Mark, Place, within
from extractor.concepts.doses.merging import Regimen, merge
from extractor.concepts.doses.references import repeat_referred
from extractor.concepts.doses.roles import Trial
from extractor.concepts.doses.sections import DoseText, list_texts
from extractor.concepts.doses.statements import Statement, is_aside, read_clauses
from extractor.evidence.drafts import Chunk, Draft
from extractor.language.book import rule
from extractor.language.passage import LexedSection
from extractor.schemas import Amount, TrialRecord

_TITLES = ("title", "official_title")


class ReadDoses(NamedTuple):
    """The regimens of a record, and the texts and the trial that they are read from."""

    regimens: list[Regimen]
    texts: list[DoseText]
    trial: Trial


def read_dosing(
    record: TrialRecord, sections: Mapping[str, LexedSection], numbers: Iterator[int]
) -> tuple[tuple[Draft, ...], tuple[Chunk, ...]]:
    """Return the regimens of a record, and the clauses that seem to hold one that was not read."""
    read = read_regimens(record, sections)
    of_agent = defaultdict[str, list[Regimen]](list)
    for one in read.regimens:
        of_agent[one.agent.key].append(one)
    drafts = [
        make_draft(one, of_agent[one.agent.key], read.trial, next(numbers))
        for one in read.regimens
    ]
    unread = _list_unread(read, read.trial.agents, numbers)
    return tuple(drafts), tuple(unread)


def read_regimens(
    record: TrialRecord, sections: Mapping[str, LexedSection]
) -> ReadDoses:
    """Return the regimens of a record."""
    texts = list_texts(record, sections)
    agents = Agents(texts, record.registry.arm_links)
    statements: list[Statement] = []
    for text in texts:
        statements += read_clauses(text, agents)
    regimens = [
        one for one in merge(repeat_referred(texts, statements)) if _is_given(one)
    ]
    arms = Arms(record, texts, agents)
    titles = [
        DoseText(sections[name], (0, 0), (0, len(sections[name].tokens)))
        for name in _TITLES
        if name in sections
    ]
    return ReadDoses(regimens, texts, Trial(titles, texts, agents, arms, regimens))


def _is_given(regimen: Regimen) -> bool:
    """Return whether statements say enough to be a regimen."""
    fields = {name for one in regimen.statements for name in one.facts}
    if "amounts" in fields:
        return True
    if regimen.agent.is_registered:
        return bool(fields & {"frequency", "route", "duration", "days", "timing"})
    return (
        bool(fields & {"frequency", "days", "cycle"}) and regimen.agent.kind != "class"
    )


def _list_unread(
    read: ReadDoses, agents: Agents, numbers: Iterator[int]
) -> Iterator[Chunk]:
    """Yield the clauses that seem to state a dose and are in no regimen: with an amount that no
    regimen has, or with a route or a time of giving an agent that has none.
    """
    used: set[tuple[str, Place]] = set()
    levels: set[Amount] = set()
    for regimen in read.regimens:
        used |= {(one.text.name, one.clause) for one in regimen.statements}
        levels.update(level for level, _ in regimen.amounts())
    given = {regimen.agent.key for regimen in read.regimens}
    for text in read.texts:
        mentions = agents.find(text)
        for clause in text.clauses:
            marks = within(text.marks, *clause)
            if (text.name, clause) in used or not marks or is_aside(text, clause):
                continue
            here = [one for one in mentions if clause[0] <= one.first < clause[1]]
            named = {one.agent.key for one in here}
            is_new = _is_new(marks, named, levels, given)
            if is_new and _speaks_of_giving(text, clause, marks, named):
                yield text.chunk(next(numbers), *clause)


def _is_new(
    marks: Sequence[Mark], named: Set[str], levels: Set[Amount], given: Set[str]
) -> bool:
    """Return whether a clause has an amount that no regimen has; without amounts, whether it names
    only agents that have no regimen. ``levels`` and ``given`` are those of the regimens.
    """
    amounts = [mark for mark in marks if mark.field == "amounts"]
    if amounts:
        return not all(levels >= set(mark.value) for mark in amounts)
    return given.isdisjoint(named) if named else not given


def _speaks_of_giving(
    text: DoseText, clause: Place, marks: Sequence[Mark], named: Set[str]
) -> bool:
    """Return whether a clause of an arm or intervention has an amount; otherwise, whether it
    has a word of giving or of doses, and a route or a time of an agent.
    """
    is_group = text.is_arm or text.is_intervention
    fields = {mark.field for mark in marks}
    if is_group and "amounts" in fields:
        return True
    is_given = rule("giving_verb").search(text.tokens, *clause)
    if not is_given and not rule("dose_word").search(text.tokens, *clause):
        return False
    if clause == text.title or not fields & {"route", "frequency", "days", "duration"}:
        return False
    return is_group or bool(named)
