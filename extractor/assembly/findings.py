"""Report findings for people: refused answers, values that a model left out, hostile text."""

from collections.abc import Iterable, Iterator, Mapping

from extractor.concepts.doses.assemble import covers
from extractor.concepts.provenance import list_read_fields
from extractor.concepts.resolve import DOUBTFUL
from extractor.evidence.drafts import RECORD, Draft, ModelResult, Span
from extractor.evidence.parsed import ParsedRecord
from extractor.schemas import Citation, Finding, FindingKind, Severity, Task

_LONGEST_CITED = 200
"""The most characters that the finding of a doubtful structure cites."""
_COMPARED: Mapping[str, Iterable[str]] = {
    "eligibility.criteria": ("constraints", "time_windows"),
    "endpoints": [field.name for field in list_read_fields(Task.ENDPOINTS)],
}
"""The fields for which a value that the model left out is reported."""


def report_refused(parsed: ParsedRecord, result: ModelResult) -> Iterator[Finding]:
    """Yield the refused values of a model, each with what the text has instead, answers that were
    lost entirely, and remarks on doubtful replies, each once.
    """
    for draft in result.drafts:
        # the answer about the record as a whole repeats what is said of its lines
        if draft.number == RECORD:
            continue
        for refusal in draft.refused:
            field = _name_field(draft, f"{refusal.field} of ")
            cited = cite(parsed, refusal.nearest) if refusal.nearest else None
            message = f"the model answered {refusal.value}: {refusal.why.value}; it was kept out"
            yield inform(refusal.kind, field, message, cited, Severity.WARNING)
    for reason in result.dropped:
        yield inform(FindingKind.ANSWER_MISSING, "", reason, None, Severity.WARNING)
    for remark in dict.fromkeys(result.remarks):
        yield inform(FindingKind.ANSWER_AMBIGUOUS, "", remark, None, Severity.WARNING)


def _name_field(draft: Draft, values: str = "") -> str:
    """Return what a finding is about: ``eligibility: constraints of eligibility[120:166]``.

    Args:
        draft: The item, whose group and chunk are named.
        values: The values that are meant, with " of " behind them; "" for the item as a whole.
    """
    group = draft.group.partition(".")[0]
    span = draft.chunk.span
    place = f"{span.section}[{span.start}:{span.end}]"
    return f"{group}: {values}{place}"


def report_skipped(parsed: ParsedRecord, result: ModelResult) -> Iterator[Finding]:
    """Yield the lines that a model was asked about and skipped while it answered others.

    A line that was asked about for its regimens counts only if the rules read a regimen there.
    """
    message = (
        "the model was asked about this line and skipped it; what stands here is the "
        "rules', and not confirmed"
    )
    for draft in result.drafts:
        if not draft.is_skipped:
            continue
        span = draft.chunk.span
        has_regimen = any(
            span.contains(regimen.chunk.span) for regimen in parsed.regimens
        )
        if draft.group == Task.DOSING and not has_regimen:
            continue
        yield inform(
            FindingKind.LINE_UNANSWERED,
            _name_field(draft),
            message,
            cite(parsed, span),
            Severity.WARNING,
        )


def report_unconfirmed(parsed: ParsedRecord, result: ModelResult) -> Iterator[Finding]:
    """Yield the doses of the rules that the model's regimens lack, and the values of the rules that
    the model left out of its answer about the field.

    Lines that the model takes for no criterion are passed over.
    """
    yield from _report_regimens(parsed, result)
    for item in (*parsed.criteria, *parsed.outcomes):
        stands = item.model.get("stands")
        if stands and not stands.value:
            continue
        for name in _COMPARED[item.group]:
            shown = name.replace("_", " ")
            message = (
                f"the rules read a value of {shown} here, and the model left it out"
            )
            for span in _list_left_out(item, name):
                yield inform(
                    FindingKind.VALUE_UNCONFIRMED,
                    _name_field(item, f"{name} of "),
                    message,
                    cite(parsed, span),
                )


def _list_left_out(item: Draft, name: str) -> list[Span]:
    """Return where the rules read values of a field that the model's answer about it lacks.

    Nothing is left out if the model gave no answer about the field or at least as many values, or
    if the rules doubt their own values.
    """
    by_rules = item.read(name)
    by_model = item.model.get(name)
    if by_model is None or by_rules.confidence < DOUBTFUL:
        return []
    if len(by_model.list_values()) >= len(by_rules.list_values()):
        return []
    return [
        span for span in by_rules.spans if not any(map(span.overlaps, by_model.spans))
    ]


def _report_regimens(parsed: ParsedRecord, result: ModelResult) -> Iterator[Finding]:
    """Yield the regimens of the rules that the model's list lacks.

    A regimen in a line that the model skipped stays, and is always reported. Any other is reported
    if it has a dose and the model gave a list at all.
    """
    left_out = "the rules read a dose here, and the model's regimens do not have it"
    kept = (
        "the rules read a regimen here, and the model skipped the line; it stays, and is not "
        "confirmed"
    )
    skipped = [passage.span for passage in result.passages if passage.is_skipped]
    listed = result.list_regimens()
    for regimen in parsed.regimens:
        if any(covers(by_model, regimen) for by_model in listed):
            continue
        cited = cite(parsed, regimen.span)
        if any(span.contains(regimen.chunk.span) for span in skipped):
            yield inform(
                FindingKind.REGIMEN_UNCONFIRMED, "dosing", kept, cited, Severity.WARNING
            )
        elif result.answers_any_passage and regimen.rules["amounts"].value:
            yield inform(FindingKind.REGIMEN_UNCONFIRMED, "dosing", left_out, cited)


def report_source(parsed: ParsedRecord) -> Iterator[Finding]:
    """Yield a finding for each thing that was mended or guessed to read the record's file."""
    for note in parsed.record.source.notes:
        yield inform(
            FindingKind.SOURCE_DOUBTFUL, "source", note, None, Severity.WARNING
        )


def report_structure(parsed: ParsedRecord) -> Iterator[Finding]:
    """Yield a finding for each place of the eligibility section whose structure is in doubt, with
    at most its first ``_LONGEST_CITED`` characters.
    """
    for doubt in parsed.doubts:
        place = doubt.span
        if place.length > _LONGEST_CITED:
            place = Span(place.section, place.start, place.start + _LONGEST_CITED)
        cited = cite(parsed, place)
        yield inform(
            FindingKind.STRUCTURE_DOUBTFUL,
            "eligibility.criteria",
            doubt.reason,
            cited,
            Severity.WARNING,
        )


_HOSTILE = {
    FindingKind.INSTRUCTION_IN_TEXT: "text that commands a model or writes an answer for it",
    FindingKind.INVISIBLE_CHARACTERS: "characters that nobody sees, or that turn the text round",
    FindingKind.LOOK_ALIKE_LETTERS: "letters of another alphabet that pass for Latin ones",
    FindingKind.MARKUP: "code that a page would run or hide",
    FindingKind.OVERSIZED_TOKEN: "a word without end, or words repeated over and over",
}


def report_hostile(parsed: ParsedRecord) -> Iterator[Finding]:
    """Yield a finding for each hostile span, with its characters: a warning if it was blanked, so
    that nobody reads it, else for information.
    """
    for hostile in parsed.hostile:
        span = hostile.span
        message = _HOSTILE[hostile.kind]
        severity = Severity.INFO
        if hostile.blanked:
            message += "; nothing was read in it, and no model was shown it"
            severity = Severity.WARNING
        cited = Citation(
            section=span.section,
            start=span.start,
            end=span.start + len(hostile.quote),
            quote=hostile.quote,
        )
        field = f"{span.section}[{span.start}:{span.end}]"
        yield inform(hostile.kind, field, message, cited, severity)


def inform(
    kind: FindingKind,
    field: str,
    message: str,
    cited: Citation | None,
    severity: Severity = Severity.INFO,
) -> Finding:
    """Make a finding with one citation, or with none if ``cited`` is None. ``field`` is the path or
    the name of what it is about, "" for the whole extraction.
    """
    citations = () if cited is None else (cited,)
    return Finding(
        kind=kind, severity=severity, field=field, message=message, citations=citations
    )


def cite(parsed: ParsedRecord, span: Span) -> Citation:
    """Cite the characters of a span, with their place."""
    quote = parsed.raw(span)
    return Citation(section=span.section, start=span.start, end=span.end, quote=quote)
