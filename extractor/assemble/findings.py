"""What was kept out of an extraction, or could not be proven, told to its reader with the text that says so."""

from collections.abc import Iterator

from extractor.ground.check import Rejection
from extractor.ground.rederive import list_items
from extractor.parse.parsed import ParsedRecord, Span
from extractor.schemas import Citation, Finding, FindingKind, Severity, Support, TrialExtraction

from .model_result import ModelResult

__all__ = ["report_rejections", "report_unproven"]


def report_rejections(parsed: ParsedRecord, result: ModelResult) -> Iterator[Finding]:
    """The model's answers that were kept out, each with what the text has there; and answers lost as a whole."""
    for answer in (answer for answers in result.answers.values() for answer in answers):
        for rejection in answer.rejections:
            span, near = rejection.chunk.span, rejection.refusal.nearest
            yield Finding(
                kind=rejection.kind,
                severity=Severity.WARNING,
                field=f"{answer.task}: {rejection.field} of {span.section}[{span.start}:{span.end}]",
                message="; ".join(_tell(rejection, parsed)),
                citations=(_cite(parsed, near),) if near else (),
            )
    for reason in result.dropped:
        yield Finding(kind=FindingKind.ANSWER_MISSING, severity=Severity.WARNING, field="", message=reason)


def report_unproven(extraction: TrialExtraction) -> Iterator[Finding]:
    """Values of the rules that cannot be derived again from what they quote: they stay, and their reader is told."""
    for path, item in list_items(extraction):
        for piece in item.evidence:
            if piece.support is Support.UNSUPPORTED:
                yield Finding(
                    kind=FindingKind.VALUE_NOT_IN_QUOTE,
                    severity=Severity.INFO,
                    field=f"{path}.{piece.field}",
                    message="the rules read a value here that cannot be derived again from these words",
                    citations=(Citation(section=piece.section, start=piece.start, end=piece.end, quote=piece.quote),),
                )


def _tell(rejection: Rejection, parsed: ParsedRecord) -> Iterator[str]:
    yield f"the model answered {rejection.value}, which the text does not state"
    if near := rejection.refusal.nearest:
        tokens = (
            f"{c.kind.replace('_', ' ')} {c.quoted or 'none'} instead of {c.stated or 'none'}"
            for c in rejection.refusal.conflicts
        )
        yield f"it has {parsed.raw(near)!r} ({', '.join(tokens)})"
    if rejection.again is not None:
        yield (
            f"asked again, it answered {', '.join(rejection.again)}"
            if rejection.again
            else "asked again, it withdrew it"
        )
    yield "it was kept out"


def _cite(parsed: ParsedRecord, span: Span) -> Citation:
    return Citation(section=span.section, start=span.start, end=span.end, quote=parsed.raw(span))
