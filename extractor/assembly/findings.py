"""Create findings for readers about rejected answers, values that a model omitted, hostile text,
and uncertain structure.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial

from extractor.assembly.items import find_unread_endpoint, find_unread_people
from extractor.evidence.drafts import RECORD, Draft, ModelResult, Span, span_of
from extractor.evidence.parsed import ParsedRecord
from extractor.language.lexer import Range
from extractor.schemas import (
    Absence,
    AbsenceReason,
    Citation,
    Coverage,
    Evidence,
    ExtractedItem,
    FieldRef,
    Finding,
    FindingKind,
    Section,
    SectionCoverage,
    Severity,
    Support,
    Task,
    TrialRecord,
)
from extractor.schemas.vocabulary import LIMITED, MENDED

_GAP = re.compile(rb"\0+")
_LINE = re.compile(r"[^\n]+")
_BULLET = re.compile(
    r"\s*(?:(?:\\?[-*•·‣▪◦–—]+|[(\[]?(?:\d{1,2}|[A-Za-z]|[ivxIVX]{1,4})[.)\]]+|\\\.)(?=\s|$)\s*)*"
)
_ENDS = " \t\r\n.,;:|)(]["


def measure_coverage(
    record: TrialRecord, items: Iterable[tuple[str, ExtractedItem]]
) -> Coverage:
    """Count the quoted characters of a record, and the boilerplate between them: white space,
    bullets, punctuation, and lines that end with a colon.

    Characters are counted for the whole record and for each kind of section, such as ``arms`` for
    all arms. All other characters are unexplained.

    Args:
        record: The record.
        items: The items with their paths, such as ``dosing[0]``.
    """
    quoted: dict[str, list[Evidence]] = {}
    for path, item in items:
        for piece in item.evidence:
            # a conclusion such as a role cites the whole text of an arm but does not explain its
            # words
            is_conclusion = piece.support is Support.INFERRED and piece.field != "quote"
            if path.startswith(Task.DOSING) and is_conclusion:
                continue
            quoted.setdefault(piece.section, []).append(piece)
    total = Counter[str](characters=0, claimed=0, boilerplate=0)
    kinds: dict[str, Counter[str]] = {}
    for section in record.sections:
        count = _count(section, quoted.get(section.name, ()))
        total.update(count)
        kinds.setdefault(FieldRef(section.name).path, Counter()).update(count)
    sections = (SectionCoverage(kind=kind, **count) for kind, count in kinds.items())
    return Coverage(**total, sections=tuple(sections))


def _count(section: Section, evidence: Iterable[Evidence]) -> dict[str, int]:
    """Return the numbers of characters in a section: all characters, quoted characters, and
    boilerplate.
    """
    marks = bytearray(len(section.text))
    for piece in evidence:
        marks[piece.start : piece.end] = b"\1" * (piece.end - piece.start)
    claimed = sum(marks)
    unexplained = 0
    for gap in _GAP.finditer(marks):
        for start, end in list_gap_words(section.text, gap.start(), gap.end()):
            unexplained += end - start
    size = len(section.text)
    rest = size - claimed - unexplained
    return {"characters": size, "claimed": claimed, "boilerplate": rest}


def list_gap_words(text: str, start: int, end: int) -> Iterator[Range]:
    r"""Yield the (start, end) span of the words in each line of ``text[start:end]``, without the
    bullet and surrounding punctuation. Lines that end with a colon are skipped.

    >>> list(list_gap_words("Inclusion:\n* Asthma;\n", 0, 21))
    [(13, 19)]
    """
    for line in _LINE.finditer(text, start, end):
        first = line.start()
        if first == 0 or text[first - 1] == "\n":
            bullet = _BULLET.match(text, first, line.end())
            if bullet:
                first = bullet.end()
        # the colon may directly follow the given range
        if text[first : line.end() + 1].rstrip().endswith((":", "：")):
            continue
        words = text[first : line.end()].lstrip(_ENDS)
        first = line.end() - len(words)
        last = first + len(words.rstrip(_ENDS))
        if first < last:
            yield first, last


def inform(
    kind: FindingKind,
    field: str,
    message: str,
    *cited: Citation | None,
    severity: Severity = Severity.INFO,
    sections: tuple[str, ...] = (),
) -> Finding:
    """Return a finding, which is informational by default.

    Args:
        kind: The kind of finding.
        field: The path or name of the affected field; "" for the whole record.
        message: The message for readers.
        cited: The citations; any ``None`` is skipped.
        severity: How important the finding is.
        sections: The names of the sections that were searched without result.
    """
    citations = tuple(citation for citation in cited if citation is not None)
    return Finding(
        kind=kind,
        severity=severity,
        field=field,
        message=message,
        citations=citations,
        sections=sections,
    )


warn = partial(inform, severity=Severity.WARNING)
"""Return a finding that a curator must check. Takes the same arguments as ``inform``."""


def cite(parsed: ParsedRecord, span: Span) -> Citation:
    """Cite the characters of a span in a section or in a structured field, such as
    ``registry.sex``.
    """
    if span.section in parsed.sections:
        quote = parsed.raw(span)
    else:
        text = parsed.record.raw_text(span.section) or ""
        quote = text[span.start : span.end]
    return Citation(section=span.section, start=span.start, end=span.end, quote=quote)


def cite_field(parsed: ParsedRecord, name: str) -> Citation:
    """Cite a whole section or structured field."""
    text = parsed.record.raw_text(name) or ""
    return Citation(section=name, start=0, end=len(text), quote=text)


# Chosen by hand, for a message that people read.
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
_KEPT = "the rules could not confirm it, so its confidence is low"
_LEFT_OUT_REGIMEN = (
    "the rules are sure of a dose here that is missing from the model's regimens; it is kept but "
    "not confirmed"
)
_LEFT_OUT_DOSE = "the rules found a dose here that is missing from the model's regimens"
_REMARKS = {MENDED: FindingKind.ANSWER_MENDED, LIMITED: FindingKind.LIMIT_REACHED}
"""The kinds of findings for remarks about replies; any other remark is an ambiguity."""
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
        if hostile.doubts_line:
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


def report_unread_text(
    parsed: ParsedRecord, absences: Iterable[Absence]
) -> Iterator[Finding]:
    """Yield a finding for each absence with the reason ``unread_text``: the first sentence about
    what is missing.
    """
    for absence in absences:
        if absence.reason is not AbsenceReason.UNREAD_TEXT:
            continue
        is_endpoint = absence.field == "endpoints"
        find = find_unread_people
        if is_endpoint:
            find = find_unread_endpoint
        unread = find(parsed)
        if unread is None:
            continue
        span = span_of(unread)
        end = min(span.end, span.start + _LONGEST_CITED)
        cited = cite(parsed, Span(span.section, span.start, end))
        about = "who takes part"
        missing = "no criterion"
        if is_endpoint:
            about = "an endpoint"
            missing = "no endpoint"
        message = f"this sentence speaks of {about}, but {missing} was read"
        yield warn(FindingKind.TEXT_UNREAD, absence.field, message, cited)


def report_answers(parsed: ParsedRecord, result: ModelResult) -> Iterator[Finding]:
    """Yield findings about a model's rejected and unconfirmed values (citing the conflicting
    text), about answers that were lost entirely, and about doubtful replies.
    """
    for draft in result.drafts:
        # objections in the answer about the whole record repeat those about its lines
        if draft.number == RECORD:
            continue
        for objection in draft.objections:
            kind = objection.kind
            outcome = "it was rejected"
            if objection.is_kept:
                kind = FindingKind.ANSWER_UNCONFIRMED
                outcome = _KEPT
            nearest = None
            if objection.nearest:
                nearest = cite(parsed, objection.nearest)
            yield warn(
                kind,
                _name_draft(draft, f"{objection.field} of "),
                f"the model answered {objection.value}: {objection.why.value}; {outcome}",
                nearest,
            )
    for reason in result.dropped:
        yield warn(FindingKind.ANSWER_MISSING, "", reason)
    for remark in dict.fromkeys(result.remarks):
        yield warn(_REMARKS.get(remark, FindingKind.ANSWER_AMBIGUOUS), "", remark)


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

    A regimen in a line that the model skipped is kept and always reported, as is one with an amount
    of which the rules are sure. Other regimens are reported only if they have a dose and the model
    listed at least one regimen.
    """
    skipped = [passage.span for passage in result.passages if passage.is_skipped]
    listed = result.list_regimens()
    kind = FindingKind.REGIMEN_UNCONFIRMED
    if not parsed.regimens:
        return
    from extractor.assembly.regimens import covers, is_left_out  # noqa: PLC0415 - many texts have no doses

    for regimen in parsed.regimens:
        if any(covers(by_model, regimen) for by_model in listed):
            continue
        cited = cite(parsed, regimen.span)
        if any(span.contains(regimen.chunk.span) for span in skipped):
            yield warn(kind, "dosing", _SKIPPED_REGIMEN, cited)
        elif result.answers_any_passage and is_left_out(regimen, listed):
            yield warn(kind, "dosing", _LEFT_OUT_REGIMEN, cited)
        elif result.answers_any_passage and regimen.rules.amounts.value:
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
