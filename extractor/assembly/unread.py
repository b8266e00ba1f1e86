"""Find text that looks like a value but became none, and numbers that have two readings."""

from collections.abc import Collection, Iterator

from extractor.assembly.coverage import list_unclaimed
from extractor.assembly.findings import cite, inform
from extractor.concepts.doses.amounts import find_amounts
from extractor.concepts.limits.mentions import (
    Measured,
    Mention,
    NumberRole,
    find_mentions,
)
from extractor.concepts.limits.quantity_names import choose_reading
from extractor.evidence.drafts import Chunk, Span, span_of
from extractor.evidence.parsed import ParsedRecord
from extractor.language.book import read_text, rule
from extractor.language.lexer import NUMBER, Tokens
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
    Constraint,
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
    findings: list[Finding] = []
    if Task.ELIGIBILITY in tasks:
        findings += _report_criteria(parsed, extraction)
    explained = {
        absence.field
        for absence in extraction.absences
        if absence.reason is not AbsenceReason.NOT_REPORTED
    }
    unread: set[str] = set()
    for number, criterion in enumerate(extraction.eligibility.criteria):
        path = f"eligibility.criteria[{number}]"
        limits, fields = _compare_numbers(parsed, criterion)
        unread.update(f"{path}.{name}" for name in fields)
        field = f"{path}.constraints"
        if field in explained:
            continue
        message = "this limit is in no value of its criterion"
        for limit in limits:
            cited = cite(parsed, limit)
            findings.append(inform(FindingKind.NUMBER_UNREAD, field, message, cited))
    if Task.DOSING in tasks:
        findings += _report_doses(parsed, extraction)
    for number, endpoint in enumerate(extraction.endpoints):
        field = f"endpoints[{number}].time_points"
        times = list(_report_times(endpoint, field))
        findings += times
        if times:
            unread.add(field)
    absences: list[Absence] = []
    for absence in extraction.absences:
        is_unexplained = absence.reason is AbsenceReason.NOT_REPORTED
        if is_unexplained and absence.field in unread:
            reason = {"reason": AbsenceReason.UNREAD_NUMBER}
            absences.append(absence.model_copy(update=reason))
        else:
            absences.append(absence)
    return findings, tuple(absences)


def _report_criteria(
    parsed: ParsedRecord, extraction: TrialExtraction
) -> Iterator[Finding]:
    section = parsed.record.section("eligibility")
    if section is None:
        return
    message = "this line looks like a criterion, and is none of those that were read"
    evidence = list(extraction.eligibility.evidence)
    for criterion in extraction.eligibility.criteria:
        evidence += criterion.evidence
    for start, end in list_unclaimed(section, evidence):
        tokens = parsed.sections[section.name].between(start, end).alone().tokens
        words = [word for word in tokens.words if len(word) > 1 and word.isalpha()]
        if len(words) < _FEWEST_WORDS:
            continue
        if not rule("states_a_condition").search(tokens):
            continue
        if section.text[start:end].isupper():  # a title
            continue
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
    quotes = [piece for piece in criterion.evidence if piece.field == "quote"]
    if not quotes:
        return [], []
    words = _place(parsed, quotes[0]).alone()
    tokens = words.tokens
    left = _list_left(parsed, criterion, quotes[0].section, tokens)
    if not left:
        return [], []
    limits: list[Span] = []
    numbers: set[int] = set()
    for mention in find_mentions(tokens):
        if mention.number[0] not in left:
            continue
        if _states_limit(mention):
            limits.append(span_of(words.part(mention.first, mention.end)))
        if mention.role is not NumberRole.PART:
            numbers.add(mention.number[0])
    return limits, _name_empty_fields(criterion, tokens, numbers)


def _name_empty_fields(
    criterion: Criterion, tokens: Tokens, numbers: set[int]
) -> list[str]:
    """Return the empty fields of a criterion that these numbers may belong to: the time windows for
    one with a unit of time, else the limits.
    """
    if not numbers:
        return []
    timed: set[int] = set()
    for length in find_durations(tokens):
        timed.update(range(length.first, length.end))
    fields: list[str] = []
    if numbers - timed and not criterion.constraints:
        fields.append("constraints")
    if numbers & timed and not criterion.time_windows:
        fields.append("time_windows")
    return fields


def _list_left(
    parsed: ParsedRecord, criterion: Criterion, section: str, tokens: Tokens
) -> set[int]:
    """Return the numbers of a criterion's quote that are in no limit or window of it, and in no
    name.
    """
    left: set[int] = set()
    for at, code in enumerate(tokens.codes):
        if code == NUMBER and tokens.words[at][0].isdigit():
            left.add(at)
    if not left:
        return left
    for piece in criterion.evidence:
        if piece.section != section:
            continue
        if not piece.field.startswith(("constraints", "time_window")):
            continue
        place = _place(parsed, piece)
        start, end = place.tokens.span(place.first, place.end)
        left = {at for at in left if not start <= tokens.starts[at] < end}
    if left:
        for name in rule("part_of_name").find(tokens):
            left.difference_update(range(name.first, name.end))
    return left


def _states_limit(mention: Mention) -> bool:
    """Return whether a number is surely one of a limit."""
    is_measured = mention.kind is Measured.LIMIT and bool(mention.subject)
    if not is_measured and mention.kind is not Measured.AGE:
        return False
    if not mention.stated or mention.role is not NumberRole.STATED:
        return False
    # "1 cup = 250 mL" defines
    return mention.comparators[0] is not Comparator.EQUAL


def _report_doses(
    parsed: ParsedRecord, extraction: TrialExtraction
) -> Iterator[Finding]:
    """Yield clauses with a dose that no regimen has; in prose only if no regimen was read at
    all.
    """
    message = "these words look like a dose, and no regimen has it"
    bounds: set[float | None] = set()
    quotes: list[Span] = []
    for regimen in extraction.dosing:
        for amount in regimen.amounts:
            bounds.update((amount.low, amount.high))
        quotes += [
            Span(piece.section, piece.start, piece.end)
            for piece in regimen.evidence
            if piece.field == "quote"
        ]
    for chunk in parsed.candidates:
        span = chunk.span
        is_prose = not span.section.startswith(_GIVEN_IN)
        if is_prose and extraction.dosing:
            continue
        if not _states_dose(chunk, bounds):
            continue
        if not any(quote.overlaps(span) for quote in quotes):
            yield inform(FindingKind.DOSE_UNREAD, "dosing", message, cite(parsed, span))


def _states_dose(chunk: Chunk, bounds: Collection[float | None]) -> bool:
    """Return whether words state an amount that is given, and has none of these bounds. An end
    that an amount does not have ("up to 5 mg") is no bound.
    """
    tokens = read_text(chunk.text)
    if rule("speaks_of_supply").search(tokens):
        return False
    for mark in find_amounts(tokens):
        amounts = mark.value if isinstance(mark.value, tuple) else (mark.value,)
        for amount in amounts:
            if amount.unit.lower() in _VOLUMES:
                continue
            ends = {amount.low, amount.high} - {None}
            if ends.isdisjoint(bounds):
                return True
    return False


def _report_times(endpoint: Endpoint, field: str) -> Iterator[Finding]:
    """Yield a time frame that names a moment, but from which no time was read."""
    if endpoint.time_kind not in _MOMENTS or endpoint.time_points:
        return
    message = "this time frame names a time, and none was read"
    for piece in endpoint.evidence:
        if piece.field != "time_frame":
            continue
        for date in rule("dated_count").find(read_text(piece.quote)):
            count = read_number(date.read("count") or date.read("later") or "")
            if count in _COUNTS:
                yield inform(FindingKind.NUMBER_UNREAD, field, message, piece.cite())
                break


def report_ambiguous(
    parsed: ParsedRecord, extraction: TrialExtraction
) -> Iterator[Finding]:
    """Yield limits whose number has two readings ("1.500"), of which none is usual for the
    quantity.
    """
    for number, criterion in enumerate(extraction.eligibility.criteria):
        for piece in criterion.evidence:
            ref = FieldRef(piece.field)
            if ref.path != "constraints" or ref.position is None:
                continue
            field = f"eligibility.criteria[{number}].{piece.field}"
            limit = criterion.constraints[ref.position]
            words = _place(parsed, piece)
            for word in words.tokens.words[words.first : words.end]:
                if is_two_ways(word) and _is_doubtful(word, limit, criterion.quote):
                    readings = [f"{reading:,}" for reading in list_readings(word)]
                    yield inform(
                        FindingKind.AMBIGUOUS_NUMBER,
                        field,
                        f"{word!r} means {' or '.join(readings)}",
                        piece.cite(),
                    )


def _is_doubtful(word: str, limit: Constraint, quote: str) -> bool:
    """Return whether a number of a limit was read in one of two ways, neither of them surely."""
    value, is_sure = choose_reading(word, limit.quantity, limit.unit, quote)
    return not is_sure and value in (limit.value, limit.value_high)


def _place(parsed: ParsedRecord, piece: Evidence) -> Passage:
    return parsed.sections[piece.section].between(piece.start, piece.end)
