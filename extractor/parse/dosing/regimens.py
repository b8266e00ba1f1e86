"""Merged statements become regimens whose every field says how sure it is and where it stands."""

from collections.abc import Iterable, Iterator, Mapping

from extractor.parse.parsed import ParsedRegimen, Reading, Span
from extractor.schemas import Amount, Frequency, Period, Route, Support

from .calling import find_name
from .clauses import split_clauses
from .confidences import (
    trust_agent,
    trust_amounts,
    trust_cycle,
    trust_frequency,
    trust_length,
    trust_route,
    trust_timing,
)
from .doses import choose_levels
from .facts import Fact, Statement
from .quotes import choose_quote
from .record_text import RecordText
from .roles import read_role
from .settling import settle_frequency, settle_length, settle_timing
from .trials import Trial

__all__ = ["build_regimens"]


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
    name, passage = find_name(statement, source), source.passages[statement.section]
    cycle, length = statement.cycle, settle_length(statement)
    first, last, _ = choose_quote(statement)
    role, sure = read_role(statement, passage.text, trial)
    return ParsedRegimen(
        chunk=source.chunk(number, statement.section, *_find_clause(statement, source)),
        quote=source.span(statement.section, first, last),
        agent=Reading(
            raw[name.section][name.start : name.end],
            trust_agent(statement, source.passages.get(statement.agent.section)),
            (name,),
        ),
        role=Reading(role, sure, (name,), Support.INFERRED),
        amounts=_read_amounts(statement, source),
        route=_read_route(statement, source),
        frequency=_read_frequency(statement, source, trial),
        cycle=_read_period(cycle, source, trust_cycle(statement, source.passages.values(), stated=_is_stated(cycle))),
        duration=_read_period(length, source, trust_length(length, statement, source.passages.values())),
        timing=_read_timing(statement, source, raw),
    )


def _is_stated(fact: Fact | None) -> bool:
    return fact is not None and fact.value is not None


def _find_clause(statement: Statement, source: RecordText) -> tuple[int, int]:
    passage = source.passages[statement.section]
    clauses = [passage.title, *split_clauses(passage.text, *passage.body)]
    holding = [(start, end) for start, end in clauses if start <= statement.start < end]
    start, end = holding[0] if holding else (statement.start, statement.end)
    return min(start, statement.start), max(end, statement.end)


def _read_amounts(statement: Statement, source: RecordText) -> Reading[tuple[Amount, ...] | None]:
    spans: dict[Amount, Span] = {}
    for fact in statement.amounts:
        for amount in fact.value:
            spans.setdefault(amount, source.fact_span(fact))
    levels = choose_levels(spans)
    passages = (p for name, p in source.passages.items() if name == statement.section or not p.is_group)
    sure = trust_amounts(statement, levels, passages)
    return Reading(levels, sure, tuple(spans[level] for level in levels), Support.PARSED)


def _read_route(statement: Statement, source: RecordText) -> Reading[Route | None]:
    sure = trust_route(statement)
    if statement.route is None:
        return Reading(None, sure)
    return Reading(statement.route.value, sure, (source.fact_span(statement.route),), Support.INFERRED)


def _read_frequency(statement: Statement, source: RecordText, trial: Trial) -> Reading[Frequency | None]:
    value = settle_frequency(statement)
    fact = statement.frequency or statement.days
    sure = trust_frequency(statement, value, source.passages[statement.section], few=trial.frequencies <= 2)
    if value is None or fact is None:
        return Reading(None, sure)
    return Reading(value, sure, (source.fact_span(fact),), Support.PARSED)


def _read_period(fact: Fact | None, source: RecordText, sure: float) -> Reading[Period | None]:
    if fact is None or fact.value is None:
        return Reading(None, sure)
    return Reading(fact.value, sure, (source.fact_span(fact),), Support.PARSED)


def _read_timing(statement: Statement, source: RecordText, raw: Mapping[str, str]) -> Reading[str | None]:
    timing = settle_timing(statement)
    sure = trust_timing(statement, timing[0] if timing else None, source.passages.values())
    if timing is None:
        return Reading(None, sure)
    fact, start, end = timing
    span = source.span(fact.section, start, end)
    return Reading(raw[span.section][span.start : span.end], sure, (span,))
