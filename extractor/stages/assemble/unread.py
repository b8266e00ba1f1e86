"""Text that looks like a value and became none, and numbers that may be read in two ways."""

from collections.abc import Collection, Iterator

from extractor.schemas import (
    Absence,
    AbsenceReason,
    Comparator,
    Criterion,
    Endpoint,
    Evidence,
    FieldRef,
    Finding,
    FindingKind,
    Task,
    TimeKind,
    TrialExtraction,
)
from extractor.stages.parse.dosing.amounts import find_amounts
from extractor.stages.parse.drafts import Chunk, Span, span_of
from extractor.stages.parse.parsed import ParsedRecord
from extractor.text.book import read_text, rule
from extractor.text.lexer import NUMBER
from extractor.text.mentions.find import Kind, Mention, Role, find_mentions
from extractor.text.numbers import find_durations, is_two_ways, list_readings, read_number
from extractor.text.passage import Passage
from extractor.text.quantity_names import choose_reading

from .coverage import list_unclaimed
from .findings import cite, inform

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
        explained = {one.field for one in extraction.absences if one.reason is not AbsenceReason.NOT_REPORTED}
        for place, criterion in enumerate(extraction.eligibility.criteria):
            field = f"eligibility.criteria[{place}].constraints"
            yield from _report_limits(parsed, criterion, field) if field not in explained else ()
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
            cited = cite(parsed, Span(section.name, start, end))
            yield inform(FindingKind.CRITERION_UNREAD, "eligibility.criteria", message, cited)


def _report_limits(parsed: ParsedRecord, criterion: Criterion, field: str) -> Iterator[Finding]:
    """Yield stated limits that are in no limit or window of their criterion."""
    place = next((piece for piece in criterion.evidence if piece.field == "quote"), None)
    if place is None:
        return
    for one in _list_left(parsed, criterion, place):
        is_limit = one.kind is Kind.AGE or (one.kind is Kind.LIMIT and one.subject)
        defines = one.comparators[0] is Comparator.EQUAL  # "1 cup = 250 mL"
        if is_limit and one.stated and not defines and one.role is Role.STATED:
            words = _place(parsed, place).alone()
            cited = cite(parsed, span_of(words.part(one.first, one.end)))
            yield inform(FindingKind.NUMBER_UNREAD, field, "this limit is in no value of its criterion", cited)


def _report_doses(parsed: ParsedRecord, extraction: TrialExtraction) -> Iterator[Finding]:
    """Yield clauses with a dose that no regimen has; in prose only if no regimen was read at all."""
    amounts = [amount for regimen in extraction.dosing for amount in regimen.amounts]
    known = {bound for amount in amounts for bound in (amount.low, amount.high)}
    evidence = (piece for regimen in extraction.dosing for piece in regimen.evidence if piece.field == "quote")
    quotes = [Span(piece.section, piece.start, piece.end) for piece in evidence]
    for chunk in parsed.candidates:
        span = chunk.span
        is_given = not extraction.dosing or span.section.startswith(_GIVEN_IN)
        if is_given and _states_dose(chunk, known) and not any(quote.overlaps(span) for quote in quotes):
            message = "these words look like a dose, and no regimen has it"
            yield inform(FindingKind.DOSE_UNREAD, "dosing", message, cite(parsed, span))


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
                yield inform(FindingKind.NUMBER_UNREAD, field, message, piece.cite())


def report_ambiguous(parsed: ParsedRecord, extraction: TrialExtraction) -> Iterator[Finding]:
    """Yield limits whose number has two readings ("1.500"), of which none is usual for the quantity."""
    for place, criterion in enumerate(extraction.eligibility.criteria):
        for piece in criterion.evidence:
            ref = FieldRef(piece.field)
            if ref.path == "constraints" and ref.position is not None:
                limit = criterion.constraints[ref.position]
                words = _place(parsed, piece)
                for word in filter(is_two_ways, words.tokens.words[words.first : words.end]):
                    value, sure = choose_reading(word, limit.quantity, limit.unit, criterion.quote)
                    if not sure and value in (limit.value, limit.value_high):
                        readings = " or ".join(f"{reading:,}" for reading in list_readings(word))
                        field = f"eligibility.criteria[{place}].{piece.field}"
                        yield inform(FindingKind.AMBIGUOUS_NUMBER, field, f"{word!r} means {readings}", piece.cite())


def explain_unread(parsed: ParsedRecord, extraction: TrialExtraction) -> tuple[Absence, ...]:
    """Return the absences; a field is not "not reported" where its text has a number that no field took."""
    fields = {
        f"eligibility.criteria[{place}].{name}"
        for place, criterion in enumerate(extraction.eligibility.criteria)
        for name in _list_unread_fields(parsed, criterion)
    }
    fields |= {
        f"endpoints[{place}].time_points"
        for place, endpoint in enumerate(extraction.endpoints)
        if any(_report_times(endpoint, ""))
    }
    return tuple(
        absence.model_copy(update={"reason": AbsenceReason.UNREAD_NUMBER})
        if absence.reason is AbsenceReason.NOT_REPORTED and absence.field in fields
        else absence
        for absence in extraction.absences
    )


def _list_unread_fields(parsed: ParsedRecord, criterion: Criterion) -> Iterator[str]:
    """Yield the fields of a criterion that a number outside of all values may belong to."""
    quote = next((piece for piece in criterion.evidence if piece.field == "quote"), None)
    if quote is None or (criterion.constraints and criterion.time_window):
        return
    left = {one.number[0] for one in _list_left(parsed, criterion, quote) if one.role is not Role.PART}
    lengths = find_durations(_place(parsed, quote).alone().tokens) if left else ()
    timed = {at for length in lengths for at in range(length.first, length.end)}
    if not criterion.constraints and left - timed:
        yield "constraints"
    if criterion.time_window is None and left & timed:
        yield "time_window"


def _list_left(parsed: ParsedRecord, criterion: Criterion, quote: Evidence) -> list[Mention]:
    """Return the mentions of a criterion, in digits, that no limit and no window of it has."""
    tokens = _place(parsed, quote).alone().tokens
    if NUMBER not in tokens.codes:
        return []
    taken = [piece for piece in criterion.evidence if piece.field.startswith(("constraints", "time_window"))]
    spans = [_place(parsed, piece) for piece in taken if piece.section == quote.section]
    offsets = [each.tokens.span(each.first, each.end) for each in spans]
    left = {
        at
        for at, code in enumerate(tokens.codes)
        if code == NUMBER and tokens.words[at][0].isdigit()
        if not any(start <= tokens.starts[at] < end for start, end in offsets)
    }
    if left:
        left -= {at for name in rule("part_of_name").find(tokens) for at in range(name.first, name.end)}
    return [one for one in find_mentions(tokens) if one.number[0] in left] if left else []


def _place(parsed: ParsedRecord, piece: Evidence) -> Passage:
    return parsed.sections[piece.section].between(piece.start, piece.end)
