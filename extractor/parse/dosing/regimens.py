"""Merged statements become regimens whose every field says how sure it is and where it stands."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from extractor.parse.clean import CleanText
from extractor.parse.parsed import Chunk, ParsedRegimen, Reading, Span
from extractor.schemas import Amount, Frequency, Period, Route, Support

from .aliases import is_short_form
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
from .names import is_vague, name_key, omit_salt, reach_salt
from .passages import Passage
from .quotes import choose_quote
from .roles import read_role
from .settling import settle_frequency, settle_length, settle_timing
from .trials import Trial

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
    name, passage = _name_agent(statement, source), source.passages[statement.section]
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
        cycle=_read_period(cycle, source, trust_cycle(statement, stated=_is_stated(cycle), passage=passage)),
        duration=_read_period(length, source, trust_length(length, statement, source.passages.values())),
        timing=_read_timing(statement, source, raw),
    )


def _is_stated(fact: Fact | None) -> bool:
    return fact is not None and fact.value is not None


def _name_agent(statement: Statement, source: RecordText) -> Span:
    """Where the agent is named: in the clause, except that an intervention's own name is the fuller one."""
    agent, mention = statement.agent, statement.mention
    own = source.passages[agent.section].text if agent.section in source.passages else ""
    text = source.passages[statement.section].text
    if mention is None or (agent.kind == "placebo" and own):
        return _own_name(statement, source)
    same = name_key(text[mention.start : mention.end]) == agent.key
    if not same and own and is_short_form(text[mention.start : mention.end]):
        return _own_name(statement, source)
    if agent.section == statement.section and not same and not is_vague(agent.key):
        return _own_name(statement, source)
    return source.span(statement.section, mention.start, reach_salt(text, mention.end))


def _own_name(statement: Statement, source: RecordText) -> Span:
    """Where the agent's own name stands, in an intervention mostly."""
    agent = statement.agent
    if agent.section not in source.passages:
        return source.span(agent.section, agent.start, agent.end)
    name = source.passages[agent.section].text[agent.start : agent.end]
    kept = omit_salt(name, (passage.text for passage in source.passages.values()))
    return source.span(agent.section, agent.start, agent.start + kept)


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
