"""Create findings for readers about rejected answers, values that a model omitted, hostile text,
and uncertain structure.
"""

from collections.abc import Iterator

from extractor.assembly.citing import cite, inform, warn
from extractor.concepts.doses.assemble import covers
from extractor.evidence.drafts import RECORD, Draft, ModelResult, Span
from extractor.evidence.parsed import ParsedRecord
from extractor.schemas import Citation, Finding, FindingKind, Severity, Task

_LONGEST_CITED = 200
"""Maximum number of characters that a finding about a doubtful structure quotes."""
_SKIPPED_LINE = (
    "the model was asked about this line and skipped it; the values here come from the rules and "
    "are not confirmed"
)
_SKIPPED_REGIMEN = (
    "the rules read a regimen here, and the model skipped the line; the regimen is kept but not "
    "confirmed"
)
_LEFT_OUT_DOSE = "the rules found a dose here that is missing from the model's regimens"
_HOSTILE = {
    FindingKind.INSTRUCTION_IN_TEXT: "text that instructs a model or dictates its answer",
    FindingKind.INVISIBLE_CHARACTERS: "invisible characters, or characters that reverse the text",
    FindingKind.LOOK_ALIKE_LETTERS: "letters of another alphabet that look like Latin letters",
    FindingKind.MARKUP: "code that a web page would run or hide",
    FindingKind.OVERSIZED_TOKEN: "an extremely long word, or words repeated many times",
}


def report_record(parsed: ParsedRecord) -> Iterator[Finding]:
    """Yield findings about corrections and guesses made while reading the record's file, and about
    each hostile span. The finding is a warning if the span was blanked, which hides it from rules
    and models.
    """
    for note in parsed.record.source.notes:
        yield warn(FindingKind.SOURCE_DOUBTFUL, "source", note)
    for hostile in parsed.hostile:
        place = hostile.span
        end = place.start + len(hostile.quote)
        cited = Citation(
            section=place.section, start=place.start, end=end, quote=hostile.quote
        )
        message = _HOSTILE[hostile.kind]
        severity = Severity.INFO
        if hostile.blanked:
            message += "; it was not read, and it was not shown to a model"
            severity = Severity.WARNING
            if hostile.kind is FindingKind.INVISIBLE_CHARACTERS:
                message += "; values on the same line are doubtful"
        yield inform(
            hostile.kind, _name_place(place), message, cited, severity=severity
        )


def report_structure(parsed: ParsedRecord) -> Iterator[Finding]:
    """Yield a finding for each place with an uncertain structure in the eligibility section."""
    for doubt in parsed.doubts:
        place = doubt.span
        end = min(place.end, place.start + _LONGEST_CITED)
        cited = cite(parsed, Span(place.section, place.start, end))
        kind = FindingKind.STRUCTURE_DOUBTFUL
        yield warn(kind, "eligibility.criteria", doubt.reason, cited)


def report_answers(parsed: ParsedRecord, result: ModelResult) -> Iterator[Finding]:
    """Yield findings about a model's rejected values (citing the conflicting text), about answers
    that were lost entirely, and about doubtful replies.
    """
    for draft in result.drafts:
        # refusals in the answer about the whole record repeat those about its lines
        for refusal in draft.refused if draft.number != RECORD else ():
            yield warn(
                refusal.kind,
                _name_draft(draft, f"{refusal.field} of "),
                f"the model answered {refusal.value}: {refusal.why.value}; it was rejected",
                cite(parsed, refusal.nearest) if refusal.nearest else None,
            )
    for reason in result.dropped:
        yield warn(FindingKind.ANSWER_MISSING, "", reason)
    for remark in dict.fromkeys(result.remarks):
        yield warn(FindingKind.ANSWER_AMBIGUOUS, "", remark)


def report_skipped(parsed: ParsedRecord, result: ModelResult) -> Iterator[Finding]:
    """Yield a finding for each line that a model was asked about but skipped while answering other
    lines.

    If the question was about regimens, the line is reported only if the rules read a regimen there.
    """
    places = [regimen.chunk.span for regimen in parsed.regimens]
    for draft in result.drafts:
        span = draft.chunk.span
        has_regimen = any(map(span.contains, places))
        if draft.is_skipped and (draft.group != Task.DOSING or has_regimen):
            kind = FindingKind.LINE_UNANSWERED
            yield warn(kind, _name_draft(draft), _SKIPPED_LINE, cite(parsed, span))


def report_unconfirmed(parsed: ParsedRecord, result: ModelResult) -> Iterator[Finding]:
    """Yield a finding for each regimen that the rules read but that is missing from the model's
    list.

    A regimen in a line that the model skipped is kept and always reported. Other regimens are
    reported only if they have a dose and the model listed at least one regimen.
    """
    skipped = [passage.span for passage in result.passages if passage.is_skipped]
    listed = result.list_regimens()
    kind = FindingKind.REGIMEN_UNCONFIRMED
    for regimen in parsed.regimens:
        if any(covers(by_model, regimen) for by_model in listed):
            continue
        cited = cite(parsed, regimen.span)
        if any(span.contains(regimen.chunk.span) for span in skipped):
            yield warn(kind, "dosing", _SKIPPED_REGIMEN, cited)
        elif result.answers_any_passage and regimen.rules["amounts"].value:
            yield inform(kind, "dosing", _LEFT_OUT_DOSE, cited)


def _name_draft(draft: Draft, lead: str = "") -> str:
    """Return a reference to the text that a finding is about, such as ``eligibility: constraints of
    eligibility[120:166]``. The ``lead`` is "constraints of " here; it is empty if the finding is
    about the whole line.
    """
    # the task: "eligibility.criteria" is shown as "eligibility"
    group = draft.group.partition(".")[0]
    return f"{group}: {lead}{_name_place(draft.chunk.span)}"


def _name_place(span: Span) -> str:
    return f"{span.section}[{span.start}:{span.end}]"
