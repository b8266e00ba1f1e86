"""Merged statements become regimens whose every field says how sure it is and where it stands."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter

from extractor.parse.parsed import ParsedRegimen, Reading, Span
from extractor.schemas import Amount, Frequency, Period, Route, Support

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
from .naming import find_name
from .quotes import choose_quote
from .record_text import RecordText
from .roles import read_role
from .settling import is_rate, settle_frequency, settle_length, settle_timing
from .trial import Trial

__all__ = ["build_regimens"]


def build_regimens(
    statements: Sequence[Statement],
    source: RecordText,
    trial: Trial,
    numbers: Iterator[int],
    raw: Mapping[str, str],
    trial_length: Fact | None = None,
) -> tuple[ParsedRegimen, ...]:
    """One regimen for each statement, in reading order; ``raw`` is the raw text of each section.

    ``trial_length`` is that of regimens that are given more than once and state none, if no regimen states another.
    """
    order = {section: place for place, section in enumerate(source.passages)}
    ordered = sorted(statements, key=lambda s: (order[s.section], s.start))
    lengths = [settle_length(statement) for statement in ordered]
    if trial_length and any(length and length.value not in {None, trial_length.value} for length in lengths):
        trial_length = None
    return tuple(
        _build(statement, length, source, trial, next(numbers), raw, trial_length)
        for statement, length in zip(ordered, lengths, strict=True)
    )


def _build(
    statement: Statement,
    length: Fact | None,
    source: RecordText,
    trial: Trial,
    number: int,
    raw: Mapping[str, str],
    trial_length: Fact | None,
) -> ParsedRegimen:
    name, passage = find_name(statement, source), source.passages[statement.section]
    cycle, frequency = statement.cycle, _read_frequency(statement, source, trial)
    sure = trust_length(length, statement, source.whole)
    if trial_length and length is None and frequency.value not in {None, Frequency.ONCE}:
        length, sure = trial_length, trial_length.mark.confidence
    first, last, _ = choose_quote(statement)
    role, role_sure = read_role(statement, passage.text, trial)
    return ParsedRegimen(
        chunk=source.chunk(number, statement.section, *_find_clause(statement, source)),
        quote=source.span(statement.section, first, last),
        agent=Reading(
            raw[name.section][name.start : name.end],
            trust_agent(statement, source.passages.get(statement.agent.section)),
            (name,),
        ),
        role=Reading(role, role_sure, (name,), Support.INFERRED),
        amounts=_read_amounts(statement, source),
        route=_read_route(statement, source),
        frequency=frequency,
        cycle=_read_period(cycle, source, trust_cycle(statement, source.whole, stated=_is_stated(cycle))),
        duration=_read_period(length, source, sure),
        timing=_read_timing(statement, source, raw),
    )


def _is_stated(fact: Fact | None) -> bool:
    return fact is not None and fact.value is not None


def _find_clause(statement: Statement, source: RecordText) -> tuple[int, int]:
    passage = source.passages[statement.section]
    clauses = _list_clauses(passage.text, passage.title, passage.body)
    start, end = clauses[max(0, bisect_right(clauses, statement.start, key=itemgetter(0)) - 1)]
    if not start <= statement.start < end:
        start, end = statement.start, statement.end
    return min(start, statement.start), max(end, statement.end)


@lru_cache(maxsize=8)
def _list_clauses(text: str, title: tuple[int, int], body: tuple[int, int]) -> list[tuple[int, int]]:
    """The title and the clauses of a passage, in the order of the text."""
    return sorted([title, *split_clauses(text, *body)])


def _read_amounts(statement: Statement, source: RecordText) -> Reading[tuple[Amount, ...] | None]:
    spans: dict[Amount, Span] = {}
    for fact in statement.amounts:
        for amount in fact.value:
            spans.setdefault(amount, source.fact_span(fact))
    levels = choose_levels(spans)
    sure = trust_amounts(statement, levels, source.described)
    return Reading(levels, sure, tuple(spans[level] for level in levels), Support.PARSED)


def _read_route(statement: Statement, source: RecordText) -> Reading[Route | None]:
    sure = trust_route(statement)
    if statement.route is None:
        return Reading(None, sure)
    return Reading(statement.route.value, sure, (source.fact_span(statement.route),), Support.INFERRED)


def _read_frequency(statement: Statement, source: RecordText, trial: Trial) -> Reading[Frequency | None]:
    value = settle_frequency(statement)
    fact = statement.frequency or statement.days or (statement.amounts[0] if is_rate(statement) else None)
    sure = trust_frequency(statement, value, source.passages[statement.section], few=trial.frequencies <= 2)
    if fact is None and value is Frequency.ONCE and statement.moment:
        return Reading(value, sure, (source.fact_span(statement.moment),), Support.INFERRED)
    if value is None or fact is None:
        return Reading(None, sure)
    return Reading(value, sure, (source.fact_span(fact),), Support.PARSED)


def _read_period(fact: Fact | None, source: RecordText, sure: float) -> Reading[Period | None]:
    if fact is None or fact.value is None:
        return Reading(None, sure)
    return Reading(fact.value, sure, (source.fact_span(fact),), Support.PARSED)


def _read_timing(statement: Statement, source: RecordText, raw: Mapping[str, str]) -> Reading[str | None]:
    timing = settle_timing(statement)
    sure = trust_timing(statement, timing[0] if timing else None, source.whole)
    if timing is None:
        return Reading(None, sure)
    fact, start, end = timing
    span = source.span(fact.section, start, end)
    return Reading(raw[span.section][span.start : span.end], sure, (span,))
