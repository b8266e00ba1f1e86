"""What participants are given, settled between rules and model."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from extractor.parse.parsed import Chunk, ParsedRecord, ParsedRegimen, Reading, Span
from extractor.schemas import Absence, AbsenceReason, Origin, Regimen

from .inquiry import Inquiry
from .ledger import Ledger
from .settle import Settled

__all__ = ["assemble_dosing"]

_FIELDS = ("role", "amounts", "route", "frequency", "cycle", "duration", "timing")
_SEARCHED = ("arms", "interventions", "brief_summary", "detailed_description")


@dataclass(frozen=True, slots=True)
class _Entry:
    """A regimen to settle: what the rules read of it, and the inquiry that concerns it alone."""

    chunk: Chunk
    quote: Settled[str]
    readings: dict[str, Reading[Any]]
    inquiry: Inquiry


def assemble_dosing(parsed: ParsedRecord, inquiry: Inquiry) -> tuple[tuple[Regimen, ...], list[Absence]]:
    """The rules' regimens, then those that only the model read, and why what is empty is empty."""
    regimens: list[Regimen] = []
    absences: list[Absence] = []
    known = [_known(parsed, regimen, inquiry) for regimen in parsed.dosing.regimens]
    for entry in (*known, *_read_by_model(parsed, inquiry)):
        span = entry.quote.spans[0]
        ledger = Ledger(parsed.record, f"dosing[{len(regimens)}]", span, entry.inquiry)
        number = entry.chunk.number
        fields = {name: ledger.enter(name, entry.readings[name], number) for name in ("agent", *_FIELDS)}
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
    readings = {name: getattr(regimen, name) for name in ("agent", *_FIELDS)}
    return _Entry(regimen.chunk, quote, readings, inquiry)


def _read_by_model(parsed: ParsedRecord, inquiry: Inquiry) -> Iterator[_Entry]:
    for chunk in parsed.dosing.candidates:
        for answer in inquiry.answers.get(chunk.number, ()):
            quote = answer.readings.get("quote")
            span: Span = quote.spans[0] if quote and quote.spans else chunk.span
            settled = Settled(parsed.raw(span), quote.confidence if quote else 0.0, Origin.MODEL, (span,))
            readings: dict[str, Reading[Any]] = dict.fromkeys(("agent", *_FIELDS), Reading.open_())
            yield _Entry(chunk, settled, readings, inquiry.only(chunk.number, answer))


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
    unread = [chunk.number for chunk in parsed.dosing.candidates if chunk.number not in inquiry.answers]
    if unread:
        reason = inquiry.gap(unread[0], "regimens")
    else:
        reason = AbsenceReason.NOT_REPORTED if searched else AbsenceReason.SECTION_ABSENT
    return Absence(field="dosing", reason=reason, sections=searched)
