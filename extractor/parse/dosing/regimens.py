"""Merged statements become regimens whose every field says how sure it is and where it stands.

A stated confidence only ranks: calibration (``extractor.parse.calibration``) turns it into the share that was right on
annotated records.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import Any

from extractor.parse.parsed import ParsedRegimen, Reading, Span
from extractor.schemas import Amount, Frequency, Route, Support
from extractor.text.book import rule

from .amounts import choose_levels
from .clauses import has_rule
from .facts import FIELDS, Fact, Statement
from .findings import Findings
from .naming import find_name
from .passages import RecordText
from .quotes import choose_quote
from .roles import read_role
from .settling import find_trial_cycle, is_cyclic, is_rate, settle_frequency, settle_length, settle_timing
from .trial import Trial

__all__ = ["build_regimens"]

_ALONE, _RIVALS, _ELSEWHERE = 0.97, 0.85, 0.8
"""Of what the clause of a dose states alone, beside other values of the field, and of what another clause states."""
_NOWHERE, _IN_RECORD, _IN_CLAUSE = 0.98, 0.9, 0.65
"""That a field is empty: no word of the record tells of such a thing; other clauses do; the own one does."""
_SIGNS = {"cycle": "cycle_word", "length": "duration"}
"""Rules that find words about a field, even where none of its values is read."""
_MENTIONED, _OF_TOPIC = 0.95, 0.85
"""Of an agent that the clause names by its registered name; of one that the clause is about."""
_RENAMED = 0.65


def build_regimens(
    statements: Sequence[Statement],
    source: RecordText,
    findings: Mapping[str, Findings],
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
    if trial_cycle := find_trial_cycle(findings):
        ordered = [replace(s, cycle=trial_cycle) if s.cycle is None and s.days and is_cyclic(s) else s for s in ordered]
    lengths = [settle_length(statement, findings[statement.section]) for statement in ordered]
    if trial_length and any(length and length.value not in {None, trial_length.value} for length in lengths):
        trial_length = None
    told = {name for found in findings.values() for name in ("amounts", *FIELDS) if getattr(found, name)}
    texts = [passage.tokens for passage in source.passages.values()]
    told |= {name for name, sign in _SIGNS.items() if any(rule(sign).search(tokens) for tokens in texts)}
    return tuple(
        _Builder(statement, source, raw, told).build(trial, next(numbers), length, trial_length)
        for statement, length in zip(ordered, lengths, strict=True)
    )


class _Builder:
    """Builds the regimen of one statement. ``told`` names the kinds of findings that the record has anywhere."""

    def __init__(self, statement: Statement, source: RecordText, raw: Mapping[str, str], told: Collection[str]) -> None:
        self.statement = statement
        self.source = source
        self.raw = raw
        self.told = told
        self.near = statement.clause.marks.inside(*statement.reach)

    def build(self, trial: Trial, number: int, length: Fact | None, trial_length: Fact | None) -> ParsedRegimen:
        statement, source = self.statement, self.source
        name, passage = find_name(statement, source), source.passages[statement.section]
        frequency = self.read_frequency()
        duration = self.read_fact("length", length)
        if trial_length and length is None and frequency.value not in {None, Frequency.ONCE}:
            spans = (self.span(trial_length),)
            duration = Reading(trial_length.value, trial_length.mark.confidence, spans, Support.PARSED)
        role, role_confidence = read_role(statement, passage.text, trial)
        return ParsedRegimen(
            chunk=source.chunk(number, statement.section, *self.find_clause()),
            quote=source.span(statement.section, *choose_quote(statement)),
            agent=Reading(self.raw[name.section][name.start : name.end], self.trust_agent(), (name,)),
            role=Reading(role, role_confidence, (name,), Support.INFERRED),
            amounts=self.read_amounts(),
            route=self.read_route(),
            frequency=frequency,
            cycle=self.read_fact("cycle", statement.cycle),
            duration=duration,
            timing=self.read_timing(),
        )

    def span(self, fact: Fact) -> Span:
        return self.source.span(fact.section, fact.mark.start, fact.mark.end)

    def find_clause(self) -> tuple[int, int]:
        """The clause, or title, in which the statement begins, as far as the statement reaches."""
        statement, passage = self.statement, self.source.passages[self.statement.section]
        place = bisect_right(passage.clauses, statement.start, key=itemgetter(0))
        start, end = passage.clauses[place - 1] if place else passage.title
        if not start <= statement.start < end:
            start, end = statement.start, statement.end
        return min(start, statement.start), max(end, statement.end)

    def trust(self, name: str, fact: Fact | None) -> float:
        """How sure a field is, by where it stands and by what else in the record could be meant."""
        if fact is None:
            return self.trust_absence(name)
        if not self.statement.holds(fact):
            return _ELSEWHERE
        return _ALONE if len({mark.value for mark in getattr(self.near, name)}) <= 1 else _RIVALS

    def trust_absence(self, name: str) -> float:
        clause, sign = self.statement.clause, _SIGNS.get(name)
        if getattr(self.near, name) or (sign and has_rule(sign, clause.tokens, clause.start, clause.end)):
            return _IN_CLAUSE
        return _IN_RECORD if name in self.told else _NOWHERE

    def trust_agent(self) -> float:
        statement = self.statement
        if statement.mention is None:
            return _OF_TOPIC
        return _MENTIONED if statement.linked == 1 else _RENAMED

    def read_amounts(self) -> Reading[tuple[Amount, ...] | None]:
        spans: dict[Amount, Span] = {}
        for fact in self.statement.amounts:
            for amount in fact.value:
                spans.setdefault(amount, self.span(fact))
        levels = choose_levels(spans)
        confidence = self.trust("amounts", self.statement.amounts[0] if levels else None)
        return Reading(levels, confidence, tuple(spans[level] for level in levels), Support.PARSED)

    def read_route(self) -> Reading[Route | None]:
        route = self.statement.route
        reading: Reading[Route | None] = self.read_fact("route", route)
        return Reading(reading.value, reading.confidence, reading.spans, Support.INFERRED) if route else reading

    def read_frequency(self) -> Reading[Frequency | None]:
        statement = self.statement
        value = settle_frequency(statement)
        stated = statement.frequency or statement.days
        fact = stated or (statement.amounts[0] if is_rate(statement) else statement.moment)
        if value is None or fact is None:
            timed = statement.days or self.near.frequency or self.near.days
            return Reading(None, _IN_CLAUSE if timed else self.trust("frequency", None))
        confidence = self.trust("frequency", statement.frequency) if statement.frequency else _RIVALS
        return Reading(value, confidence, (self.span(fact),), Support.PARSED if stated else Support.INFERRED)

    def read_fact(self, name: str, fact: Fact | None) -> Reading[Any]:
        """A field that one fact states as it is."""
        if fact is None or fact.value is None:
            return Reading(None, self.trust(name, None))
        return Reading(fact.value, self.trust(name, fact), (self.span(fact),), Support.PARSED)

    def read_timing(self) -> Reading[str | None]:
        timing = settle_timing(self.statement)
        if timing is None:
            return Reading(None, min(self.trust("days", None), self.trust("moment", None)))
        fact, start, end = timing
        span = self.source.span(fact.section, start, end)
        confidence = self.trust("days" if fact is self.statement.days else "moment", fact)
        return Reading(self.raw[span.section][span.start : span.end], confidence, (span,))
