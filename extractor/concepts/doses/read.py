"""Read the regimens of a record: statements, merged to regimens, with arms and roles."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from extractor.concepts.doses.agents import Agents
from extractor.concepts.doses.arms import Arms
from extractor.concepts.doses.drafts import make_draft
from extractor.concepts.doses.merging import Regimen, merge
from extractor.concepts.doses.references import repeat_referred
from extractor.concepts.doses.roles import Trial
from extractor.concepts.doses.sections import DoseText, list_texts
from extractor.concepts.doses.statements import Statement, read_clauses
from extractor.evidence.drafts import Chunk, Draft
from extractor.language.passage import LexedSection
from extractor.schemas import TrialRecord

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
    drafts = [
        make_draft(one, read.regimens, read.trial, next(numbers))
        for one in read.regimens
    ]
    return tuple(drafts), tuple(_list_unread(read.texts, read.regimens, numbers))


def read_regimens(
    record: TrialRecord, sections: Mapping[str, LexedSection]
) -> ReadDoses:
    """Return the regimens of a record."""
    texts = list_texts(record, sections)
    agents = Agents(texts, record.registry.arm_links)
    statements: list[Statement] = []
    for text in texts:
        statements += read_clauses(text, agents)
    statements = repeat_referred(texts, statements)
    regimens = [one for one in merge(statements) if _is_given(one)]
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
    return bool(fields & {"frequency", "days"}) and regimen.agent.kind != "class"


def _list_unread(
    texts: Sequence[DoseText], regimens: Sequence[Regimen], numbers: Iterator[int]
) -> Iterator[Chunk]:
    """Yield the clauses with an amount that is in no regimen."""
    used = {
        (statement.text.name, link.mark.place)
        for regimen in regimens
        for statement in regimen.statements
        for link in statement.amounts
    }
    for text in texts:
        for clause in text.clauses:
            for mark in text.marks:
                is_here = clause[0] <= mark.first < clause[1]
                if mark.field != "amounts" or not is_here:
                    continue
                if (text.name, mark.place) not in used:
                    yield text.chunk(next(numbers), *clause)
                    break
