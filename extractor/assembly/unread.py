"""Find text that looks like a value but became none, and numbers that have two readings."""

from collections.abc import Collection, Iterator

from extractor.assembly.coverage import list_unclaimed
from extractor.assembly.findings import cite, inform
from extractor.assembly.unread_doses import find_unread_doses
from extractor.concepts.limits.mentions import (
    Measured,
    Mention,
    find_mentions,
)
from extractor.concepts.limits.quantity_names import choose_reading
from extractor.concepts.limits.roles import NumberRole
from extractor.evidence.drafts import Span, span_of
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
_COUNTS = range(2, 1000)
"""Numbers that name the start of a trial beside a unit, such as "day 1"."""
_MOMENTS = (TimeKind.AT, TimeKind.UP_TO, TimeKind.FROM_TO)


def find_unread(
    parsed: ParsedRecord, extraction: TrialExtraction, tasks: Collection[Task]
) -> tuple[list[Finding], tuple[Absence, ...]]:
    """Find text of these tasks that looks like a value, but from which no value was read.

    Returns findings, and the extraction's absences: where the text of an empty field has a number
    that no field took, "not reported" becomes ``UNREAD_NUMBER``. Criteria, limits, doses and times
    are looked for; a limit is not reported if the criterion has another reason for having none.
    Kinds with many false alarms are not reported; docs/explanation/proof.md gives counts and
    precision.
    """
    findings: list[Finding] = []
    if Task.ELIGIBILITY in tasks:
        findings += _report_criteria(parsed, extraction)
    explained: set[str] = set()
    for absence in extraction.absences:
        if absence.reason is not AbsenceReason.NOT_REPORTED:
            explained.add(absence.field)
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
        unread_doses, fields_of_doses = find_unread_doses(parsed, extraction)
        findings += unread_doses
        unread |= fields_of_doses
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
    """Yield the lines of the eligibility section that look like a criterion and that no criterion
    quotes.

    Such a line has at least ``_FEWEST_WORDS`` words and states a condition by the rules; a title in
    capitals is none.
    """
    section = parsed.record.section("eligibility")
    if section is None:
        return
    message = "this line looks like a criterion, and is none of those that were read"
    evidence = list(extraction.eligibility.evidence)
    for criterion in extraction.eligibility.criteria:
        evidence += criterion.evidence
    for start, end in list_unclaimed(section, evidence):
        line = parsed.sections[section.name].between(start, end)
        tokens = line.alone().tokens
        count = 0
        for word in tokens.words:
            # no bullets such as "a" and "o"
            if len(word) > 1 and word.isalpha():
                count += 1
        if count < _FEWEST_WORDS:
            continue
        if not rule("states_a_condition").search(tokens):
            continue
        is_title = section.text[start:end].isupper()
        if is_title:
            continue
        cited = cite(parsed, Span(section.name, start, end))
        yield inform(
            FindingKind.CRITERION_UNREAD, "eligibility.criteria", message, cited
        )


def _compare_numbers(
    parsed: ParsedRecord, criterion: Criterion
) -> tuple[list[Span], list[str]]:
    """Return where a criterion states limits that are in no limit or window of it, and which empty
    fields of it a number outside of all values may belong to.

    A limit relative to something else ("at least half the maximum") is never read, and belongs to
    the limits. Numbers that are part of something else, such as of a name, may belong to no field.
    A criterion without a quote has neither.
    """
    quotes = [piece for piece in criterion.evidence if piece.field == "quote"]
    if not quotes:
        return [], []
    quote = quotes[0]
    words = _place(parsed, quote).alone()
    tokens = words.tokens
    limits: list[Span] = []
    fields: list[str] = []
    # "at least half the maximum" limits, but has no value of its own
    relative = rule("relative_limit").search(tokens)
    if relative and not criterion.constraints:
        limits.append(span_of(words.part(relative.first, relative.end)))
        fields.append("constraints")
    unclaimed = _list_unclaimed_numbers(parsed, criterion, quote.section, tokens)
    if not unclaimed:
        return limits, fields
    numbers: set[int] = set()
    for mention in find_mentions(tokens):
        at, _ = mention.number
        if at not in unclaimed:
            continue
        if _states_limit(mention):
            limits.append(span_of(words.part(mention.first, mention.end)))
        if mention.role is not NumberRole.PART:
            numbers.add(at)
    fields += _name_empty_fields(criterion, tokens, numbers)
    return limits, fields


def _name_empty_fields(
    criterion: Criterion, tokens: Tokens, numbers: set[int]
) -> list[str]:
    """Return the empty fields of a criterion that these numbers may belong to: the time windows for
    a number with a unit of time, the limits for any other.

    ``numbers`` are tokens. A field that has a value is not empty, whatever numbers are left.
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


def _list_unclaimed_numbers(
    parsed: ParsedRecord, criterion: Criterion, section: str, tokens: Tokens
) -> set[int]:
    """Return the numbers of a criterion's quote that are in no limit or window of it, and in no
    name.

    Args:
        parsed: The record.
        criterion: The criterion.
        section: The section of its quote.
        tokens: The tokens of its quote; the numbers are indexes into them. Number words are left
            out.
    """
    unclaimed: set[int] = set()
    for at, code in enumerate(tokens.codes):
        if code == NUMBER and tokens.words[at][0].isdigit():
            unclaimed.add(at)
    if not unclaimed:
        return unclaimed
    for piece in criterion.evidence:
        if piece.section != section:
            continue
        if not piece.field.startswith(("constraints", "time_window")):
            continue
        place = _place(parsed, piece)
        start, end = place.tokens.span(place.first, place.end)
        for at in list(unclaimed):
            if start <= tokens.starts[at] < end:
                unclaimed.remove(at)
    if unclaimed:
        for name in rule("part_of_name").find(tokens):
            unclaimed.difference_update(range(name.first, name.end))
    return unclaimed


def _states_limit(mention: Mention) -> bool:
    """Return whether a number surely states a limit: of a named quantity or of an age, with a
    comparator other than "equal".
    """
    is_measured = mention.kind is Measured.LIMIT and bool(mention.subject)
    if not is_measured and mention.kind is not Measured.AGE:
        return False
    if not mention.stated or mention.role is not NumberRole.STATED:
        return False
    # "1 cup = 250 mL" defines a measure, and limits nothing.
    return mention.comparators[0] is not Comparator.EQUAL


def _report_times(endpoint: Endpoint, field: str) -> Iterator[Finding]:
    """Yield a time frame that names a moment, but from which no time was read."""
    if endpoint.time_kind not in _MOMENTS or endpoint.time_points:
        return
    message = "this time frame names a time, and none was read"
    for piece in endpoint.evidence:
        if piece.field != "time_frame":
            continue
        for date in rule("dated_count").find(read_text(piece.quote)):
            number = date.read("count") or date.read("later") or ""
            if read_number(number) in _COUNTS:
                yield inform(FindingKind.NUMBER_UNREAD, field, message, piece.cite())
                break


def report_ambiguous(
    parsed: ParsedRecord, extraction: TrialExtraction
) -> Iterator[Finding]:
    """Yield each number of a limit that has two readings, 1.5 and 1,500 of "1.500", neither of
    which is usual for the quantity.
    """
    for number, criterion in enumerate(extraction.eligibility.criteria):
        for piece in criterion.evidence:
            ref = FieldRef(piece.field)
            if ref.path != "constraints" or ref.position is None:
                continue
            field = f"eligibility.criteria[{number}].{piece.field}"
            limit = criterion.constraints[ref.position]
            passage = _place(parsed, piece)
            for word in passage.tokens.words[passage.first : passage.end]:
                if not is_two_ways(word):
                    continue
                if not _is_doubtful(word, limit, criterion.quote):
                    continue
                readings = [f"{reading:,}" for reading in list_readings(word)]
                message = f"{word!r} means {' or '.join(readings)}"
                cited = piece.cite()
                yield inform(FindingKind.AMBIGUOUS_NUMBER, field, message, cited)


def _is_doubtful(word: str, limit: Constraint, quote: str) -> bool:
    """Return whether a number with two readings is a number of a limit, and neither reading is
    surely meant.
    """
    value, is_sure = choose_reading(word, limit.quantity, limit.unit, quote)
    return not is_sure and value in (limit.value, limit.value_high)


def _place(parsed: ParsedRecord, piece: Evidence) -> Passage:
    return parsed.sections[piece.section].between(piece.start, piece.end)
