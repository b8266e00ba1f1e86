"""Find text that looks like a value but became none, and numbers that have two readings."""

from collections.abc import Collection, Iterator

from extractor.assembly.coverage import list_unclaimed
from extractor.assembly.findings import cite, inform
from extractor.concepts.doses.amounts import find_amounts
from extractor.concepts.limits.mentions import Measured, NumberRole, find_mentions
from extractor.concepts.limits.quantity_names import choose_reading
from extractor.evidence.drafts import Chunk, Span, span_of
from extractor.evidence.parsed import ParsedRecord
from extractor.language.book import read_text, rule
from extractor.language.lexer import NUMBER
from extractor.language.numbers import (
    find_durations,
    is_two_ways,
    list_readings,
    read_number,
)
from extractor.language.passage import Passage
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

_FEWEST_WORDS = 5
_GIVEN_IN = ("arms[", "interventions[")
_VOLUMES = frozenset({"ml", "l", "mg/ml", "ug/ml", "iu/ml", "%"})
"""Units of substances that are drawn, dissolved or prepared far more often than given."""
_COUNTS = range(2, 1000)
"""Numbers that name the start of a trial beside a unit, such as "day 1"."""
_MOMENTS = (TimeKind.AT, TimeKind.UP_TO, TimeKind.FROM_TO)


def find_unread(
    parsed: ParsedRecord, extraction: TrialExtraction, tasks: Collection[Task]
) -> tuple[list[Finding], tuple[Absence, ...]]:
    """Find text of these tasks that looks like a value, but from which no value was read.

    Returns findings, and the extraction's absences: a field is not "not reported" where its text
    has a number that no field took. Kinds with many false alarms are not reported;
    docs/explanation/proof.md gives counts and precision.
    """
    findings = (
        list(_report_criteria(parsed, extraction)) if Task.ELIGIBILITY in tasks else []
    )
    explained = {
        one.field
        for one in extraction.absences
        if one.reason is not AbsenceReason.NOT_REPORTED
    }
    unread: set[str] = set()
    for place, criterion in enumerate(extraction.eligibility.criteria):
        path = f"eligibility.criteria[{place}]"
        limits, fields = _compare_numbers(parsed, criterion)
        message = "this limit is in no value of its criterion"
        unread = unread | {f"{path}.{name}" for name in fields}
        for limit in limits if f"{path}.constraints" not in explained else ():
            findings.append(
                inform(
                    FindingKind.NUMBER_UNREAD,
                    f"{path}.constraints",
                    message,
                    cite(parsed, limit),
                )
            )
    findings += _report_doses(parsed, extraction) if Task.DOSING in tasks else ()
    for place, endpoint in enumerate(extraction.endpoints):
        field = f"endpoints[{place}].time_points"
        times = list(_report_times(endpoint, field))
        findings = findings + times
        unread = unread | ({field} if times else set())
    absences = (
        one.model_copy(update={"reason": AbsenceReason.UNREAD_NUMBER})
        if one.reason is AbsenceReason.NOT_REPORTED and one.field in unread
        else one
        for one in extraction.absences
    )
    return findings, tuple(absences)


def _report_criteria(
    parsed: ParsedRecord, extraction: TrialExtraction
) -> Iterator[Finding]:
    section = parsed.record.section("eligibility")
    if section is None:
        return
    message = "this line looks like a criterion, and is none of those that were read"
    items = (extraction.eligibility, *extraction.eligibility.criteria)
    for start, end in list_unclaimed(
        section, [piece for item in items for piece in item.evidence]
    ):
        tokens = parsed.sections[section.name].between(start, end).alone().tokens
        words = sum(len(word) > 1 and word.isalpha() for word in tokens.words)
        is_title = section.text[start:end].isupper()
        if (
            words >= _FEWEST_WORDS
            and rule("states_a_condition").search(tokens)
            and not is_title
        ):
            cited = cite(parsed, Span(section.name, start, end))
            yield inform(
                FindingKind.CRITERION_UNREAD, "eligibility.criteria", message, cited
            )


def _compare_numbers(
    parsed: ParsedRecord, criterion: Criterion
) -> tuple[list[Span], list[str]]:
    """Return the stated limits of a criterion that are in no limit or window of it, and the empty
    fields that a number outside of all values may belong to.
    """
    quote = next(
        (piece for piece in criterion.evidence if piece.field == "quote"), None
    )
    words = _place(parsed, quote).alone() if quote else None
    if not quote or not words or NUMBER not in words.tokens.codes:
        return [], []
    tokens = words.tokens
    taken = [
        piece
        for piece in criterion.evidence
        if piece.field.startswith(("constraints", "time_window"))
    ]
    places = [
        _place(parsed, piece) for piece in taken if piece.section == quote.section
    ]
    spans = [each.tokens.span(each.first, each.end) for each in places]
    left = {
        at
        for at, code in enumerate(tokens.codes)
        if code == NUMBER and tokens.words[at][0].isdigit()
        if not any(start <= tokens.starts[at] < end for start, end in spans)
    }
    if left:
        left -= {
            at
            for name in rule("part_of_name").find(tokens)
            for at in range(name.first, name.end)
        }
    mentions = (
        [one for one in find_mentions(tokens) if one.number[0] in left] if left else []
    )
    limits = [
        span_of(words.part(one.first, one.end))
        for one in mentions
        if one.kind is Measured.AGE or (one.kind is Measured.LIMIT and one.subject)
        # "1 cup = 250 mL" defines
        if one.stated
        and one.comparators[0] is not Comparator.EQUAL
        and one.role is NumberRole.STATED
    ]
    numbers = {one.number[0] for one in mentions if one.role is not NumberRole.PART}
    if numbers:
        timed = {
            at
            for length in find_durations(tokens)
            for at in range(length.first, length.end)
        }
    else:
        timed = set()
    fields = {"constraints": numbers - timed, "time_windows": numbers & timed}
    return limits, [
        name for name, found in fields.items() if found and not criterion.value_of(name)
    ]


def _report_doses(
    parsed: ParsedRecord, extraction: TrialExtraction
) -> Iterator[Finding]:
    """Yield clauses with a dose that no regimen has; in prose only if no regimen was read at
    all.
    """
    amounts = [amount for regimen in extraction.dosing for amount in regimen.amounts]
    known = {bound for amount in amounts for bound in (amount.low, amount.high)}
    evidence = (
        piece
        for regimen in extraction.dosing
        for piece in regimen.evidence
        if piece.field == "quote"
    )
    quotes = [Span(piece.section, piece.start, piece.end) for piece in evidence]
    for chunk in parsed.candidates:
        span = chunk.span
        is_given = not extraction.dosing or span.section.startswith(_GIVEN_IN)
        if (
            is_given
            and _states_dose(chunk, known)
            and not any(quote.overlaps(span) for quote in quotes)
        ):
            message = "these words look like a dose, and no regimen has it"
            yield inform(FindingKind.DOSE_UNREAD, "dosing", message, cite(parsed, span))


def _states_dose(chunk: Chunk, known: Collection[float | None]) -> bool:
    tokens = read_text(chunk.text)
    if rule("speaks_of_supply").search(tokens):
        return False
    values = (mark.value for mark in find_amounts(tokens))
    amounts = [
        amount
        for value in values
        for amount in (value if isinstance(value, tuple) else (value,))
    ]
    return any(
        a.unit.lower() not in _VOLUMES and not {a.low, a.high} & set(known)
        for a in amounts
    )


def _report_times(endpoint: Endpoint, field: str) -> Iterator[Finding]:
    """Yield a time frame that names a moment, but from which no time was read."""
    message = "this time frame names a time, and none was read"
    for piece in (
        endpoint.evidence
        if endpoint.time_kind in _MOMENTS and not endpoint.time_points
        else ()
    ):
        if piece.field == "time_frame":
            found = rule("dated_count").find(read_text(piece.quote))
            if any(
                read_number(one.read("count") or one.read("later") or "") in _COUNTS
                for one in found
            ):
                yield inform(FindingKind.NUMBER_UNREAD, field, message, piece.cite())


def report_ambiguous(
    parsed: ParsedRecord, extraction: TrialExtraction
) -> Iterator[Finding]:
    """Yield limits whose number has two readings ("1.500"), of which none is usual for the
    quantity.
    """
    for place, criterion in enumerate(extraction.eligibility.criteria):
        for piece in criterion.evidence:
            ref = FieldRef(piece.field)
            if ref.path == "constraints" and ref.position is not None:
                limit = criterion.constraints[ref.position]
                words = _place(parsed, piece)
                for word in filter(
                    is_two_ways, words.tokens.words[words.first : words.end]
                ):
                    value, sure = choose_reading(
                        word, limit.quantity, limit.unit, criterion.quote
                    )
                    if not sure and value in (limit.value, limit.value_high):
                        readings = " or ".join(
                            f"{reading:,}" for reading in list_readings(word)
                        )
                        field = f"eligibility.criteria[{place}].{piece.field}"
                        yield inform(
                            FindingKind.AMBIGUOUS_NUMBER,
                            field,
                            f"{word!r} means {readings}",
                            piece.cite(),
                        )


def _place(parsed: ParsedRecord, piece: Evidence) -> Passage:
    return parsed.sections[piece.section].between(piece.start, piece.end)
