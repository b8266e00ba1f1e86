"""Merged statements become regimens whose every field says how sure it is and where it stands.

The confidences are shares of right values, measured on labelled arms and interventions.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from extractor.parse.clean import CleanText
from extractor.parse.parsed import Chunk, ParsedRegimen, Reading, Span
from extractor.schemas import Amount, Frequency, Period, Route, Support

from .clauses import split_clauses
from .facts import Fact, Statement
from .merging import settle_frequency
from .passages import Passage
from .roles import Trial, read_role

__all__ = ["RecordText", "build_regimens"]


@dataclass(frozen=True, slots=True)
class RecordText:
    """The passages of a record by section, and the way from cleaned to raw text."""

    passages: Mapping[str, Passage]
    cleaned: Mapping[str, CleanText]

    def span(self, section: str, start: int, end: int) -> Span:
        """The raw span of ``start:end`` in the cleaned text of a section, without white space at its ends."""
        return Span(section, *self.cleaned[section].match_span(start, end))

    def fact_span(self, fact: Fact) -> Span:
        """The raw span of a fact's words."""
        return self.span(fact.section, fact.mark.start, fact.mark.end)

    def chunk(self, number: int, section: str, start: int, end: int) -> Chunk:
        """The numbered chunk of a section's ``start:end``."""
        passage = self.passages[section]
        return Chunk(number, passage.chunk_kind, self.span(section, start, end), passage.text[start:end])


def build_regimens(
    statements: Iterable[Statement], source: RecordText, trial: Trial, numbers: Iterator[int], raw: Mapping[str, str]
) -> tuple[ParsedRegimen, ...]:
    """One regimen for each statement, in reading order; ``raw`` is the raw text of each section."""
    order = {section: place for place, section in enumerate(source.passages)}
    ordered = sorted(statements, key=lambda s: (order[s.section], s.start))
    return tuple(_build(statement, source, trial, next(numbers), raw) for statement in ordered)


def _build(
    statement: Statement, source: RecordText, trial: Trial, number: int, raw: Mapping[str, str]
) -> ParsedRegimen:
    agent = statement.agent
    name = source.span(agent.section, agent.start, agent.end)
    role, sure = read_role(statement, source.passages[statement.section].text, trial)
    return ParsedRegimen(
        chunk=source.chunk(number, statement.section, *_find_clause(statement, source)),
        quote=source.span(statement.section, statement.start, statement.end),
        agent=Reading(raw[name.section][name.start : name.end], _trust_agent(statement), (name,)),
        role=Reading(role, sure, (name,), Support.INFERRED),
        amounts=_read_amounts(statement, source),
        route=_read_route(statement, source),
        frequency=_read_frequency(statement, source),
        cycle=_read_period(statement.cycle, source, 0.92),
        duration=_read_period(statement.length, source, 0.72),
        timing=_read_timing(statement, source, raw),
    )


def _find_clause(statement: Statement, source: RecordText) -> tuple[int, int]:
    passage = source.passages[statement.section]
    clauses = [passage.title, *split_clauses(passage.text, *passage.body)]
    holding = [(start, end) for start, end in clauses if start <= statement.start < end]
    start, end = holding[0] if holding else (statement.start, statement.end)
    return min(start, statement.start), max(end, statement.end)


def _trust_agent(statement: Statement) -> float:
    return 0.88 if statement.linked >= 0.8 else 0.8


def _read_amounts(statement: Statement, source: RecordText) -> Reading[tuple[Amount, ...] | None]:
    spans: dict[Amount, Span] = {}
    for fact in statement.amounts:
        for amount in fact.value:
            spans.setdefault(amount, source.fact_span(fact))
    sure = 0.57 if len(spans) > 1 else 0.92
    return Reading(tuple(spans), sure, tuple(spans.values()), Support.PARSED)


def _read_route(statement: Statement, source: RecordText) -> Reading[Route | None]:
    fact = statement.route
    if fact is None:
        return Reading(None, 0.84)
    sure = 0.96 if fact.section == statement.section else 0.94
    return Reading(fact.value, sure, (source.fact_span(fact),), Support.INFERRED)


def _read_frequency(statement: Statement, source: RecordText) -> Reading[Frequency | None]:
    value = settle_frequency(statement)
    fact = statement.frequency or statement.days
    if value is None or fact is None:
        return Reading(None, 0.63)
    sure = 0.9 if fact is statement.frequency and value is not Frequency.OTHER else 0.82
    return Reading(value, sure, (source.fact_span(fact),), Support.PARSED)


def _read_period(fact: Fact | None, source: RecordText, sure: float) -> Reading[Period | None]:
    if fact is None or fact.value is None:
        return Reading(None, 0.91)
    return Reading(fact.value, sure, (source.fact_span(fact),), Support.PARSED)


def _read_timing(statement: Statement, source: RecordText, raw: Mapping[str, str]) -> Reading[str | None]:
    fact = statement.days or statement.moment
    if fact is None:
        return Reading(None, 0.85)
    span = source.fact_span(fact)
    return Reading(raw[span.section][span.start : span.end], 0.78 if fact is statement.days else 0.3, (span,))
