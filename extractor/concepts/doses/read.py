"""Read the regimens of a record: statements, merged to regimens, with arms and roles."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from extractor.concepts.doses.agents import Agents
from extractor.concepts.doses.arms import Arms
from extractor.concepts.doses.drafts import make_draft
from extractor.concepts.doses.marks import within
from extractor.concepts.doses.merging import Regimen, merge
from extractor.concepts.doses.references import repeat_referred
from extractor.concepts.doses.roles import Trial
from extractor.concepts.doses.sections import DoseText, list_texts
from extractor.concepts.doses.statements import Statement, is_aside, read_clauses
from extractor.evidence.drafts import Chunk, Draft
from extractor.language.book import rule
from extractor.language.passage import LexedSection
from extractor.schemas import TrialRecord

_TITLES = ("title", "official_title")
_TOLD = ("route", "frequency", "days", "duration")
"""Fields that state how an agent is given."""


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
    unread = _list_unread(read, numbers)
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


def _list_unread(read: ReadDoses, numbers: Iterator[int]) -> Iterator[Chunk]:
    """Yield the clauses that are in no regimen and seem to state a dose: with an amount that no
    regimen has, in an arm or intervention or beside a word of giving. Without any regimen, also
    those with such a word and a route or a time.
    """
    used = {
        (one.text.name, one.clause)
        for regimen in read.regimens
        for one in regimen.statements
    }
    levels = {level for one in read.regimens for level, _ in one.amounts()}
    for text in read.texts:
        for clause in text.clauses:
            if (text.name, clause) in used or is_aside(text, clause):
                continue
            marks = within(text.marks, *clause)
            amounts = [mark for mark in marks if mark.field == "amounts"]
            has_told = any(mark.field in _TOLD for mark in marks)
            is_new = bool(not read.regimens and has_told and clause != text.title)
            if amounts:
                is_new = not all(levels >= set(mark.value) for mark in amounts)
            words = (text.tokens, *clause)
            is_given = rule("giving_verb").search(*words) or rule("dose_word").search(
                *words
            )
            is_told = bool(text.is_group and amounts) or bool(is_given)
            if is_new and is_told:
                yield text.chunk(next(numbers), *clause)
