"""What participants are given, settled between rules and model."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from extractor.ground.check import MODEL_CONFIDENCE, GroundedAnswer
from extractor.parse.parsed import Chunk, ParsedRecord, ParsedRegimen, Reading
from extractor.schemas import Absence, AbsenceReason, Origin, Regimen

from .ledger import Ledger
from .model_result import ModelResult
from .policy import ModelClass
from .regimen_pairs import name_agent, pair_reread
from .settle import Settled, agree, settle

__all__ = ["assemble_dosing"]

_FIELDS = ("role", "amounts", "route", "frequency", "cycle", "duration", "timing")
_AGENT_AND_FIELDS = ("agent", *_FIELDS)
_VALUES = ("role", "amounts", "route", "frequency", "cycle", "duration")
"""Fields that are no quotes, whose extent the rules may know better."""
_QUOTED = 0.5
"""How often the rules cut a quote just as an annotator does."""
_SEARCHED = ("arms", "interventions", "brief_summary", "detailed_description")


@dataclass(frozen=True, slots=True)
class _Entry:
    """A regimen to settle: what the rules read of it, and the result that concerns it alone.

    ``question`` is the name under which the fields of a regimen that the rules did not read were asked.
    """

    chunk: Chunk
    quote: Settled[str]
    readings: dict[str, Reading[Any]]
    result: ModelResult
    question: str | None = None


def assemble_dosing(parsed: ParsedRecord, result: ModelResult) -> tuple[tuple[Regimen, ...], list[Absence]]:
    """The rules' regimens, then those that only the model read, and why what is empty is empty."""
    regimens: list[Regimen] = []
    absences: list[Absence] = []
    for entry in _list_entries(parsed, result):
        span = entry.quote.spans[0]
        ledger = Ledger(parsed, f"dosing[{len(regimens)}]", span, entry.result)
        number = entry.chunk.number
        fields = {name: ledger.enter(name, entry.readings[name], number, entry.question) for name in _AGENT_AND_FIELDS}
        fields |= {"section": span.section, "quote": ledger.note("quote", entry.quote)}
        if fields["agent"] is None or any(_adds_nothing(fields, regimen) for regimen in regimens):
            continue
        fields["amounts"] = fields["amounts"] or ()
        regimens.append(Regimen.model_validate({**fields, **ledger.provenance()}))
        absences += ledger.absences
    if not regimens:
        absences.append(_explain_absence(parsed, result))
    return tuple(regimens), absences


def _list_entries(parsed: ParsedRecord, result: ModelResult) -> Iterator[_Entry]:
    """What the rules read, settled with the model where that was asked; then what only the model read."""
    reread = pair_reread(parsed, result)
    for place, regimen in enumerate(reread.regimens):
        if place in reread.pairs:
            stretch, answer = reread.answers[reread.pairs[place]]
            yield _settle_pair(parsed, stretch, regimen, result.only(stretch.number, answer))
        elif _outlives(regimen, result):
            yield _known(parsed, regimen, result.without(regimen.chunk.number))
    known = set(map(id, reread.regimens))
    yield from (_unread(parsed, regimen, result) for regimen in parsed.dosing.regimens if id(regimen) not in known)
    for place, (stretch, answer) in enumerate(reread.answers):
        if place not in reread.pairs.values():
            yield _read_by_model(parsed, stretch, answer, result)


def _unread(parsed: ParsedRecord, regimen: ParsedRegimen, result: ModelResult) -> _Entry:
    """A regimen of which no model spoke; what is open in it has the reason of the stretch, if that was to be asked."""
    known, stretch = _known(parsed, regimen, result), result.stretch_around(regimen.chunk.span)
    return replace(known, chunk=stretch, question="regimens") if stretch else known


def _read_by_model(parsed: ParsedRecord, stretch: Chunk, answer: GroundedAnswer, result: ModelResult) -> _Entry:
    """A regimen that the rules did not see."""
    readings: dict[str, Reading[Any]] = dict.fromkeys(_AGENT_AND_FIELDS, Reading.open_())
    quote = _quote_of(parsed, stretch, answer)
    return _Entry(stretch, quote, readings, result.only(stretch.number, answer), "regimens")


def _settle_pair(parsed: ParsedRecord, stretch: Chunk, regimen: ParsedRegimen, result: ModelResult) -> _Entry:
    """A regimen that both read. Of two quotes that overlap the shorter one is nearer to the shortest that carries the
    dose; else who is believed is a matter of policy, too.
    """
    known = replace(_known(parsed, regimen, result), chunk=stretch, question="regimens")
    both = max(regimen.exists.confidence, result.policy.of("dosing.regimens").agree)
    known = replace(known, quote=replace(known.quote, confidence=both))
    known = replace(known, readings=_yield_values(known.readings, stretch, result))
    theirs = result.reading(stretch.number, "quote")
    if theirs and any(regimen.quote.overlaps(span) and regimen.quote.length <= span.length for span in theirs.spans):
        return known
    ours = Reading(parsed.raw(regimen.quote), _QUOTED, (regimen.quote,))
    quote = settle(ours, theirs, AbsenceReason.NOT_ASKED, result.policy.of("dosing.quote"))
    return replace(known, quote=quote) if quote.spans else known


def _yield_values(readings: dict[str, Reading[Any]], stretch: Chunk, result: ModelResult) -> dict[str, Reading[Any]]:
    """The rules' readings without those that a capable model contradicts: it saw all lines of the record at once, so
    that it knows which amounts and lengths belong to which regimen. Where it is silent, they stand.
    """
    if result.policy.model_class is not ModelClass.CAPABLE:
        return readings
    answers = {name: result.reading(stretch.number, name) for name in _VALUES}
    contradicted = {
        name
        for name, theirs in answers.items()
        if theirs and theirs.value and not agree(readings[name].value, theirs.value)
    }
    return readings | dict.fromkeys(contradicted, Reading.open_())


def _outlives(regimen: ParsedRegimen, result: ModelResult) -> bool:
    """Whether a regimen that the model did not see is likelier there than not."""
    ours, theirs = result.policy.of("dosing.regimens").when_they_differ(regimen.exists.confidence)
    return ours > theirs or bool(result.dropped)  # what was dropped may have spoken of it


def _known(parsed: ParsedRecord, regimen: ParsedRegimen, result: ModelResult) -> _Entry:
    quote = Settled(parsed.raw(regimen.quote), regimen.exists.confidence, Origin.RULE, (regimen.quote,))
    readings = {name: getattr(regimen, name) for name in _AGENT_AND_FIELDS}
    return _Entry(regimen.chunk, quote, readings, result)


def _quote_of(parsed: ParsedRecord, chunk: Chunk, answer: GroundedAnswer) -> Settled[str]:
    """The model's quote, or the chunk as a whole where that was kept out."""
    quote = answer.readings.get("quote")
    if quote and quote.spans:
        return Settled(quote.value, quote.confidence, Origin.MODEL, quote.spans)
    return Settled(parsed.raw(chunk.span), MODEL_CONFIDENCE, Origin.MODEL, (chunk.span,))


def _adds_nothing(fields: dict[str, Any], regimen: Regimen) -> bool:
    """Whether a regimen says no more than another one of the same agent says already."""
    told = ("amounts", "route", "frequency", "timing")
    return name_agent(str(fields["agent"])) == name_agent(regimen.agent) and all(
        not fields[name] or fields[name] == getattr(regimen, name) for name in told
    )


def _explain_absence(parsed: ParsedRecord, result: ModelResult) -> Absence:
    searched = tuple(s.name for s in parsed.record.sections if s.name.split("[")[0] in _SEARCHED)
    asked = list(result.stretches)
    unread = [number for number in asked if number not in result.answers]
    if any(map(result.rejected, asked)):
        reason = AbsenceReason.UNSUPPORTED_ANSWER
    elif unread or (parsed.dosing.candidates and not asked):
        reason = result.gap(unread[0], "regimens") if unread else AbsenceReason.NOT_ASKED
    else:
        reason = AbsenceReason.NOT_REPORTED if searched else AbsenceReason.SECTION_ABSENT
    return Absence(field="dosing", reason=reason, sections=searched)
