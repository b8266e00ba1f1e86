"""Findings on an extraction: rejected answers, unproven values, unread text and hostile text."""

from collections.abc import Collection, Iterator

from extractor.ground.check import Rejection
from extractor.parse.dosing.amounts import find_amounts
from extractor.parse.parsed import Chunk, ParsedRecord, Span
from extractor.schemas import (
    Citation,
    Criterion,
    Endpoint,
    Finding,
    FindingKind,
    Severity,
    Support,
    Task,
    TimeKind,
    TrialExtraction,
)
from extractor.text.book import read_text, rule
from extractor.text.numbers import read_number

from .coverage import list_unclaimed
from .resolve import ModelResult
from .unconfirmed import list_unconfirmed_regimens, list_unconfirmed_values


def report_rejections(parsed: ParsedRecord, result: ModelResult) -> Iterator[Finding]:
    """Yield the model's rejected values, each with the text's own value, and answers lost as a whole."""
    for answer in (answer for answers in result.answers.values() for answer in answers):
        for rejection in answer.rejections:
            span, near = rejection.chunk.span, rejection.refusal.nearest
            yield Finding(
                kind=rejection.kind,
                severity=Severity.WARNING,
                field=f"{answer.task}: {rejection.field} of {span.section}[{span.start}:{span.end}]",
                message="; ".join(_explain_rejection(rejection, parsed)),
                citations=(_cite(parsed, near),) if near else (),
            )
    for reason in result.dropped:
        yield Finding(kind=FindingKind.ANSWER_MISSING, severity=Severity.WARNING, field="", message=reason)


def _explain_rejection(rejection: Rejection, parsed: ParsedRecord) -> Iterator[str]:
    if reason := rejection.refusal.reason:
        yield f"the model answered {rejection.value}: {reason}"
    else:
        yield f"the model answered {rejection.value}, which the text does not state"
    near = rejection.refusal.nearest
    if near and rejection.refusal.conflicts:
        conflicts = (
            f"{c.kind.replace('_', ' ')} {c.quoted or 'none'} instead of {c.stated or 'none'}"
            for c in rejection.refusal.conflicts
        )
        yield f"it has {parsed.raw(near)!r} ({', '.join(conflicts)})"
    if rejection.again is not None:
        answered = ", ".join(rejection.again)
        yield f"asked again, it answered {answered}" if answered else "asked again, it withdrew it"
    yield "it was kept out"


def report_unconfirmed(parsed: ParsedRecord, result: ModelResult) -> Iterator[Finding]:
    """Yield what the rules read and the model left out, also when it was asked again."""
    message = "the rules read a dose here, and the model's regimens do not have it"
    for regimen in list_unconfirmed_regimens(parsed, result):
        yield _inform(FindingKind.REGIMEN_UNCONFIRMED, "dosing", message, _cite(parsed, regimen.quote))
    for one in list_unconfirmed_values(parsed, result):
        span = one.chunk.span
        field = f"{one.task}: {one.field} of {span.section}[{span.start}:{span.end}]"
        message = f"the rules read a value of {one.field.replace('_', ' ')} here, and the model left it out"
        for left in one.spans:
            yield _inform(FindingKind.VALUE_UNCONFIRMED, field, message, _cite(parsed, left))


def report_unproven(extraction: TrialExtraction) -> Iterator[Finding]:
    """Yield rule values that cannot be derived again from their quotes. They stay in the extraction."""
    message = "the rules read a value here that cannot be derived again from these words"
    for path, item in extraction.list_items():
        for piece in item.evidence:
            if piece.support is Support.UNSUPPORTED:
                yield _inform(FindingKind.VALUE_NOT_IN_QUOTE, f"{path}.{piece.field}", message, piece.cite())


_HOSTILE = {
    FindingKind.INSTRUCTION_IN_TEXT: "text that commands a model or writes an answer for it",
    FindingKind.INVISIBLE_CHARACTERS: "characters that nobody sees, or that turn the text round",
    FindingKind.LOOK_ALIKE_LETTERS: "letters of another alphabet that pass for Latin ones",
    FindingKind.MARKUP: "code that a page would run or hide",
    FindingKind.OVERSIZED_TOKEN: "a word without end, or words repeated over and over",
}


def report_hostile(parsed: ParsedRecord) -> Iterator[Finding]:
    """Yield a finding for each hostile span, with its characters."""
    for hostile in parsed.hostile:
        span, end = hostile.span, hostile.span.start + len(hostile.quote)
        blanked = "; nothing was read in it, and no model was shown it" if hostile.blanked else ""
        yield Finding(
            kind=hostile.kind,
            severity=Severity.WARNING if hostile.blanked else Severity.INFO,
            field=f"{span.section}[{span.start}:{span.end}]",
            message=_HOSTILE[hostile.kind] + blanked,
            citations=(Citation(section=span.section, start=span.start, end=end, quote=hostile.quote),),
        )


_FEWEST_WORDS = 5
_GIVEN_IN = ("arms[", "interventions[")
_VOLUMES = frozenset({"ml", "l", "mg/ml", "ug/ml", "iu/ml", "%"})
"""Units of substances that are drawn, dissolved or prepared far more often than given."""
_COUNTS = range(2, 1000)
"""Numbers that name the start of a trial beside a unit, such as "day 1"."""
_MOMENTS = (TimeKind.AT, TimeKind.UP_TO, TimeKind.FROM_TO)


def report_unread(parsed: ParsedRecord, extraction: TrialExtraction, tasks: Collection[Task]) -> Iterator[Finding]:
    """Yield text of these tasks that looks like a value, but from which no value was read.

    Kinds with many false alarms are not reported; docs/explanation/proof.md gives counts and precision.
    """
    if Task.ELIGIBILITY in tasks:
        yield from _report_criteria(parsed, extraction)
        for place, criterion in enumerate(extraction.eligibility.criteria):
            yield from _report_limits(parsed, criterion, f"eligibility.criteria[{place}].constraints")
    if Task.DOSING in tasks:
        yield from _report_doses(parsed, extraction)
    if Task.ENDPOINTS in tasks:
        for place, endpoint in enumerate(extraction.endpoints):
            yield from _report_times(endpoint, f"endpoints[{place}].time_points")


def _report_criteria(parsed: ParsedRecord, extraction: TrialExtraction) -> Iterator[Finding]:
    section = parsed.record.section("eligibility")
    if section is None:
        return
    message = "this line looks like a criterion, and is none of those that were read"
    items = (extraction.eligibility, *extraction.eligibility.criteria)
    for start, end in list_unclaimed(section, [piece for item in items for piece in item.evidence]):
        tokens = parsed.sections[section.name].between(start, end).alone().tokens
        words = sum(len(word) > 1 and word.isalpha() for word in tokens.words)
        is_title = section.text[start:end].isupper()
        if words >= _FEWEST_WORDS and rule("states_a_condition").search(tokens) and not is_title:
            cited = _cite(parsed, Span(section.name, start, end))
            yield _inform(FindingKind.CRITERION_UNREAD, "eligibility.criteria", message, cited)


def _report_limits(parsed: ParsedRecord, criterion: Criterion, field: str) -> Iterator[Finding]:
    """Yield numbers after a comparator sign that are in no limit or window of their criterion."""
    place = next((piece for piece in criterion.evidence if piece.field == "quote"), None)
    if place is None:
        return
    read = [piece for piece in criterion.evidence if piece.field.startswith(("constraints", "time_window"))]
    quote = parsed.sections[place.section].between(place.start, place.end)
    for found in rule("bare_limit").find(quote.tokens, quote.first, quote.end):
        start, end = quote.part(found.end - 1, found.end).raw_span
        if not any(piece.start <= start and end <= piece.end for piece in read):
            cited = _cite(parsed, Span(place.section, quote.part(found.first, found.end).raw_span[0], end))
            yield _inform(FindingKind.NUMBER_UNREAD, field, "this limit is in no value of its criterion", cited)


def _report_doses(parsed: ParsedRecord, extraction: TrialExtraction) -> Iterator[Finding]:
    """Yield clauses with a dose that no regimen has; in prose only if no regimen was read at all."""
    amounts = [amount for regimen in extraction.dosing for amount in regimen.amounts]
    known = {bound for amount in amounts for bound in (amount.low, amount.high)}
    evidence = (piece for regimen in extraction.dosing for piece in regimen.evidence if piece.field == "quote")
    quotes = [Span(piece.section, piece.start, piece.end) for piece in evidence]
    for chunk in parsed.dosing.candidates:
        span = chunk.span
        is_given = not extraction.dosing or span.section.startswith(_GIVEN_IN)
        if is_given and _states_dose(chunk, known) and not any(quote.overlaps(span) for quote in quotes):
            message = "these words look like a dose, and no regimen has it"
            yield _inform(FindingKind.DOSE_UNREAD, "dosing", message, _cite(parsed, span))


def _states_dose(chunk: Chunk, known: Collection[float | None]) -> bool:
    tokens = read_text(chunk.text)
    if rule("speaks_of_supply").search(tokens):
        return False
    values = (mark.value for mark in find_amounts(tokens))
    amounts = [amount for value in values for amount in (value if isinstance(value, tuple) else (value,))]
    return any(a.unit.lower() not in _VOLUMES and not {a.low, a.high} & set(known) for a in amounts)


def _report_times(endpoint: Endpoint, field: str) -> Iterator[Finding]:
    """Yield a time frame that names a moment, but from which no time was read."""
    message = "this time frame names a time, and none was read"
    for piece in endpoint.evidence if endpoint.time_kind in _MOMENTS and not endpoint.time_points else ():
        if piece.field == "time_frame":
            found = rule("dated_count").find(read_text(piece.quote))
            if any(read_number(one.read("count") or one.read("later") or "") in _COUNTS for one in found):
                yield _inform(FindingKind.NUMBER_UNREAD, field, message, piece.cite())


def _inform(kind: FindingKind, field: str, message: str, cited: Citation) -> Finding:
    return Finding(kind=kind, severity=Severity.INFO, field=field, message=message, citations=(cited,))


def _cite(parsed: ParsedRecord, span: Span) -> Citation:
    return Citation(section=span.section, start=span.start, end=span.end, quote=parsed.raw(span))
