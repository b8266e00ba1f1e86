"""Regimens, resolved between rules and model: first which regimens of the two are the same, then each field."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from extractor.ground.check import MODEL_CONFIDENCE, GroundedAnswer
from extractor.parse.parsed import Chunk, ParsedRecord, ParsedRegimen, Reading
from extractor.schemas import Absence, AbsenceReason, Origin, Regimen, Task

from .provenance import ProvenanceBuilder, list_read_fields
from .resolve import ModelResult, Resolved, resolve

_FIELDS = list_read_fields(Task.DOSING)
_SEARCHED = ("arms", "interventions", "brief_summary", "detailed_description")
_SAID = ("amounts", "route", "frequency", "cycle", "duration", "timing")
"""An agent has a regimen only if one of these is stated."""
_QUOTED = 0.5
"""How often the rules cut a quote just as an annotator does."""


@dataclass(frozen=True, slots=True)
class _Draft:
    """A regimen before its fields are resolved.

    ``result`` is the part of the model's result that concerns it. ``question`` is the name under which the fields of
    a regimen were asked that the rules did not read.
    """

    chunk: Chunk
    quote: Resolved[str]
    readings: Mapping[str, Reading[Any]]
    result: ModelResult
    question: str | None = None


def assemble_dosing(parsed: ParsedRecord, result: ModelResult) -> tuple[tuple[Regimen, ...], list[Absence]]:
    """The rules' regimens, then those that only the model read, and why each empty field is empty."""
    regimens: list[Regimen] = []
    absences: list[Absence] = []
    for draft in _list_drafts(parsed, result):
        span = draft.quote.spans[0]
        builder = ProvenanceBuilder(parsed, f"dosing[{len(regimens)}]", span, draft.result)
        fields = builder.add_fields(_FIELDS, draft.readings, draft.chunk.number, draft.question)
        fields["quote"] = builder.add_resolved("quote", draft.quote)
        if fields["agent"] is None or not any(fields[name] for name in _SAID):
            continue
        if any(_adds_nothing(fields, regimen) for regimen in regimens):
            continue
        regimens.append(Regimen(section=span.section, **fields, **builder.build()))
        absences += builder.absences
    if not regimens:
        absences.append(_explain_absence(parsed, result))
    return tuple(regimens), absences


def _list_drafts(parsed: ParsedRecord, result: ModelResult) -> Iterator[_Draft]:
    """The rules' regimens, paired with the model's answers where it was asked; then those that only the model read."""
    reread = pair_reread(parsed, result)
    for place, regimen in enumerate(reread.regimens):
        if place in reread.pairs:
            chunk, answer = reread.answers[reread.pairs[place]]
            yield _draft_pair(parsed, chunk, regimen, result.only(chunk.number, answer))
        elif _outlives(regimen, result):
            yield _draft_rules(parsed, regimen, result.only(regimen.chunk.number))
    known = set(map(id, reread.regimens))
    for regimen in parsed.dosing.regimens:
        if id(regimen) not in known:
            # An open field has the reason of the chunk that should have been reread.
            chunks = [chunk for chunk in result.reread.values() if chunk.span.contains(regimen.chunk.span)]
            draft = _draft_rules(parsed, regimen, result)
            yield replace(draft, chunk=chunks[0], question="regimens") if chunks else draft
    for place, (chunk, answer) in enumerate(reread.answers):
        if place not in reread.pairs.values():
            given = answer.readings.get("quote")
            if not given or not given.spans:  # the model's quote was kept out
                given = Reading(parsed.raw(chunk.span), MODEL_CONFIDENCE, (chunk.span,))
            quote = Resolved(given.value, given.confidence, Origin.MODEL, given.spans)
            readings = {field.name: Reading.open_() for field in _FIELDS}
            yield _Draft(chunk, quote, readings, result.only(chunk.number, answer), "regimens")


def _draft_rules(parsed: ParsedRecord, regimen: ParsedRegimen, result: ModelResult) -> _Draft:
    quote = Resolved(parsed.raw(regimen.quote), regimen.exists.confidence, Origin.RULE, (regimen.quote,))
    return _Draft(regimen.chunk, quote, {field.name: getattr(regimen, field.name) for field in _FIELDS}, result)


def _draft_pair(parsed: ParsedRecord, chunk: Chunk, regimen: ParsedRegimen, result: ModelResult) -> _Draft:
    """A regimen that both read. Of two quotes that overlap, the shorter one is nearer to the dose."""
    rules = _draft_rules(parsed, regimen, result)
    both = max(regimen.exists.confidence, result.policy.of("dosing.regimens").agree)
    draft = _Draft(chunk, replace(rules.quote, confidence=both), rules.readings, result, "regimens")
    theirs = result.reading(chunk.number, "quote")
    shorter = theirs and any(regimen.quote.overlaps(s) and regimen.quote.length <= s.length for s in theirs.spans)
    if shorter and not result.policy.prior.trusts_model:
        return draft
    ours = Reading(parsed.raw(regimen.quote), _QUOTED, (regimen.quote,))
    quote = resolve(ours, theirs, AbsenceReason.NOT_ASKED, result.policy.of("dosing.quote"))
    return replace(draft, quote=quote) if quote.spans else draft


def _outlives(regimen: ParsedRegimen, result: ModelResult) -> bool:
    """Whether a regimen that the model did not see is more probably there than not."""
    ours, theirs = result.policy.of("dosing.regimens").when_they_differ(regimen.exists.confidence)
    return ours > theirs or bool(result.dropped)  # a dropped answer may have been about it


def _adds_nothing(fields: Mapping[str, Any], regimen: Regimen) -> bool:
    """Whether a regimen says no more than another one of the same agent."""
    same_agent = _normalize_agent(fields["agent"]) == _normalize_agent(regimen.agent)
    compared = ("amounts", "route", "frequency", "timing")
    return same_agent and all(not fields[name] or fields[name] == getattr(regimen, name) for name in compared)


def _explain_absence(parsed: ParsedRecord, result: ModelResult) -> Absence:
    searched = tuple(s.name for s in parsed.record.sections if s.name.partition("[")[0] in _SEARCHED)
    unread = [number for number in result.reread if number not in result.answers]
    if any(map(result.rejected, result.reread)):
        reason = AbsenceReason.UNSUPPORTED_ANSWER
    elif unread:
        reason = result.gap(unread[0], "regimens")
    elif parsed.dosing.candidates and not result.reread:
        reason = AbsenceReason.NOT_ASKED
    else:
        reason = AbsenceReason.NOT_REPORTED if searched else AbsenceReason.SECTION_ABSENT
    return Absence(field="dosing", reason=reason, sections=searched)


_SAME_AGENT, _SIMILAR_AGENT, _SAME_QUOTE, _SAME_FIELD = 4.0, 2.5, 2.0, 1.0
_ENOUGH = 2.5
"""The score of a similar agent, or of half of the other signs."""


@dataclass(frozen=True, slots=True)
class Reread:
    """Text that a model read again.

    Attributes:
        regimens: The rules' regimens in that text.
        answers: The model's regimens, each with the chunk that it was asked about.
        pairs: Positions of the regimens, and of the answers about the same regimens.
    """

    regimens: Sequence[ParsedRegimen]
    answers: Sequence[tuple[Chunk, GroundedAnswer]]
    pairs: Mapping[int, int]


def pair_reread(parsed: ParsedRecord, result: ModelResult) -> Reread:
    """Pair the rules' regimens with the model's, the most similar pairs first.

    A model lists the regimens of all chunks as one, so a regimen may be in another chunk of its answer than where the
    rules found it. If every chunk was answered, all of the rules' regimens are compared with its list.
    """
    answered = [chunk for number, chunk in result.reread.items() if number in result.answers]
    complete = bool(answered) and len(answered) == len(result.reread)
    regimens = [
        regimen
        for regimen in parsed.dosing.regimens
        if complete or any(chunk.span.contains(regimen.chunk.span) for chunk in answered)
    ]
    answers = [(chunk, answer) for chunk in answered for answer in result.answers[chunk.number]]
    scored = sorted(
        (-_score(regimen, answer), row, column)
        for row, regimen in enumerate(regimens)
        for column, (_, answer) in enumerate(answers)
    )
    pairs: dict[int, int] = {}
    for score, row, column in scored:
        if -score >= _ENOUGH and row not in pairs and column not in pairs.values():
            pairs[row] = column
    return Reread(regimens, answers, pairs)


def _score(regimen: ParsedRegimen, answer: GroundedAnswer) -> float:
    """How similar two regimens are."""
    theirs = {name: reading.value for name, reading in answer.readings.items()}
    score = 0.0
    one, other = _normalize_agent(regimen.agent.value or ""), _normalize_agent(theirs.get("agent") or "")
    if one and other and (one in other or other in one):
        score = _SAME_AGENT if one == other else _SIMILAR_AGENT
    quote = answer.readings.get("quote")
    score += _SAME_QUOTE * bool(quote and quote.spans and quote.spans[0].overlaps(regimen.quote))
    for name in ("amounts", "route", "frequency"):
        ours = getattr(regimen, name).value
        score += _SAME_FIELD * bool(ours and ours == theirs.get(name))
    return score


def _normalize_agent(agent: str) -> str:
    """An agent's name for comparison: "Examplumab (EX-1)" is "examplumab"."""
    return " ".join(agent.partition("(")[0].casefold().split())
