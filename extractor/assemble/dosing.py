"""What participants are given, settled between rules and model."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from extractor.ground.check import MODEL_CONFIDENCE, GroundedAnswer
from extractor.parse.parsed import Chunk, ParsedRecord, ParsedRegimen, Reading
from extractor.schemas import Absence, AbsenceReason, Origin, Regimen, Support

from .inquiry import Inquiry
from .ledger import Ledger
from .settle import Settled

__all__ = ["assemble_dosing"]

_FIELDS = ("role", "amounts", "route", "frequency", "cycle", "duration", "timing")
_AGENT_AND_FIELDS = ("agent", *_FIELDS)
_SEARCHED = ("arms", "interventions", "brief_summary", "detailed_description")


@dataclass(frozen=True, slots=True)
class _Entry:
    """A regimen to settle: what the rules read of it, and the inquiry that concerns it alone.

    ``question`` is the name under which the fields of a regimen that the rules did not read were asked.
    """

    chunk: Chunk
    quote: Settled[str]
    readings: dict[str, Reading[Any]]
    inquiry: Inquiry
    question: str | None = None


def assemble_dosing(parsed: ParsedRecord, inquiry: Inquiry) -> tuple[tuple[Regimen, ...], list[Absence]]:
    """The rules' regimens, then those that only the model read, and why what is empty is empty."""
    regimens: list[Regimen] = []
    absences: list[Absence] = []
    known = [_known(parsed, regimen, inquiry) for regimen in parsed.dosing.regimens]
    for entry in (*known, *_read_by_model(parsed, inquiry)):
        span = entry.quote.spans[0]
        ledger = Ledger(parsed.record, f"dosing[{len(regimens)}]", span, entry.inquiry)
        number = entry.chunk.number
        fields = {name: ledger.enter(name, entry.readings[name], number, entry.question) for name in _AGENT_AND_FIELDS}
        fields |= {"section": span.section, "quote": ledger.note("quote", entry.quote)}
        if fields["agent"] is None or any(_same(fields, regimen) for regimen in regimens):
            continue
        fields["amounts"] = fields["amounts"] or ()
        regimens.append(Regimen.model_validate({**fields, **ledger.provenance()}))
        absences += ledger.absences
    if not regimens:
        absences.append(_explain_absence(parsed, inquiry))
    return tuple(regimens), absences


def _known(parsed: ParsedRecord, regimen: ParsedRegimen, inquiry: Inquiry) -> _Entry:
    quote = Settled(parsed.raw(regimen.quote), 1.0, Origin.RULE, (regimen.quote,))
    readings = {name: getattr(regimen, name) for name in _AGENT_AND_FIELDS}
    return _Entry(regimen.chunk, quote, readings, inquiry)


def _read_by_model(parsed: ParsedRecord, inquiry: Inquiry) -> Iterator[_Entry]:
    for chunk in parsed.dosing.candidates:
        for answer in inquiry.answers.get(chunk.number, ()):
            readings: dict[str, Reading[Any]] = dict.fromkeys(_AGENT_AND_FIELDS, Reading.open_())
            alone = inquiry.only(chunk.number, answer)
            yield _Entry(chunk, _quote_of(parsed, chunk, answer), readings, alone, "regimens")


def _quote_of(parsed: ParsedRecord, chunk: Chunk, answer: GroundedAnswer) -> Settled[str]:
    """The model's quote, or the chunk as a whole where that was kept out."""
    quote = answer.readings.get("quote")
    if quote and quote.spans:
        return Settled(quote.value, quote.confidence, Origin.MODEL, quote.spans)
    return Settled(parsed.raw(chunk.span), MODEL_CONFIDENCE, Origin.MODEL, (chunk.span,), Support.INFERRED)


def _same(fields: dict[str, Any], regimen: Regimen) -> bool:
    return (
        all(
            (fields[name] or ()) == (getattr(regimen, name) or ())
            for name in ("amounts", "route", "frequency", "timing")
        )
        and str(fields["agent"]).casefold() == regimen.agent.casefold()
    )


def _explain_absence(parsed: ParsedRecord, inquiry: Inquiry) -> Absence:
    searched = tuple(s.name for s in parsed.record.sections if s.name.split("[")[0] in _SEARCHED)
    candidates = [chunk.number for chunk in parsed.dosing.candidates]
    unread = [number for number in candidates if number not in inquiry.answers]
    if any(map(inquiry.rejected, candidates)):
        reason = AbsenceReason.UNSUPPORTED_ANSWER
    elif unread:
        reason = inquiry.gap(unread[0], "regimens")
    else:
        reason = AbsenceReason.NOT_REPORTED if searched else AbsenceReason.SECTION_ABSENT
    return Absence(field="dosing", reason=reason, sections=searched)
