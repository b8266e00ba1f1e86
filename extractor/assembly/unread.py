"""Report the numbers that no value explains, and name the empty fields that they may belong to."""

from collections.abc import Collection

from extractor.assembly.citing import cite, inform
from extractor.assembly.unread_doses import Unread, find_unread_doses
from extractor.concepts.limits.mentions import (
    Measured,
    Mention,
    find_mentions,
)
from extractor.concepts.limits.roles import NumberRole
from extractor.evidence.drafts import span_of
from extractor.evidence.parsed import ParsedRecord
from extractor.language.book import read_text, rule
from extractor.language.lexer import Tokens
from extractor.language.numbers import (
    find_durations,
)
from extractor.language.passage import Passage
from extractor.schemas import (
    Absence,
    AbsenceReason,
    Comparator,
    Criterion,
    Endpoint,
    Evidence,
    Finding,
    FindingKind,
    Task,
    TimeKind,
    TrialExtraction,
)

_MOMENTS = (TimeKind.AT, TimeKind.UP_TO, TimeKind.FROM_TO)
_LIMIT = "this limit is missing from the values of its criterion"
_TIME = "this time frame contains a time that was not read"


def find_unread(
    parsed: ParsedRecord, extraction: TrialExtraction, tasks: Collection[Task]
) -> tuple[list[Finding], tuple[Absence, ...]]:
    """Return findings of text that looks like a value and is in none, and the extraction's
    absences: an empty field to which an unexplained number may belong has the reason
    ``UNREAD_NUMBER`` instead of "not reported".

    A limit is not reported if its criterion has another reason for having none.
    """
    findings: list[Finding] = []
    unread: set[str] = set()
    reasons = {absence.field: absence.reason for absence in extraction.absences}
    parts = [
        _find_unread_limits(parsed, criterion, f"eligibility.criteria[{number}]")
        for number, criterion in enumerate(extraction.eligibility.criteria)
    ]
    if Task.DOSING in tasks:
        parts.append(find_unread_doses(parsed, extraction.dosing))
    for number, endpoint in enumerate(extraction.endpoints):
        parts.append(_find_unread_times(endpoint, f"endpoints[{number}].time_points"))
    not_reported = (AbsenceReason.NOT_REPORTED, None)
    for part in parts:
        unread |= part.fields
        for finding in part.findings:
            is_open = reasons.get(finding.field) in not_reported
            if is_open or finding.field == Task.DOSING:
                findings.append(finding)
    absences = tuple(
        absence.model_copy(update={"reason": AbsenceReason.UNREAD_NUMBER})
        if absence.field in unread and absence.reason is AbsenceReason.NOT_REPORTED
        else absence
        for absence in extraction.absences
    )
    return findings, absences


def _find_unread_limits(
    parsed: ParsedRecord, criterion: Criterion, path: str
) -> Unread:
    """Return the numbers of a criterion that are in no limit or window of it, and in no name.

    One that surely states a limit is reported. A number with a unit of time may belong to an empty
    list of time windows, any other one to an empty list of limits.
    """
    unread = Unread()
    for quote in criterion.evidence_for("quote"):
        words = _place(parsed, quote).alone()
        free = _list_free_numbers(parsed, criterion, quote.section, words.tokens)
        if not free:
            break
        timed = [(time.first, time.end) for time in find_durations(words.tokens)]
        for mention in find_mentions(words.tokens):
            at, _ = mention.number
            if at not in free or mention.role is NumberRole.PART:
                continue
            is_timed = any(first <= at < end for first, end in timed)
            name = "time_windows" if is_timed else "constraints"
            if not getattr(criterion, name):
                unread.fields.add(f"{path}.{name}")
            if _states_limit(mention):
                cited = cite(parsed, span_of(words.part(mention.first, mention.end)))
                field = f"{path}.constraints"
                finding = inform(FindingKind.NUMBER_UNREAD, field, _LIMIT, cited)
                unread.findings.append(finding)
    return unread


def _list_free_numbers(
    parsed: ParsedRecord, criterion: Criterion, section: str, tokens: Tokens
) -> set[int]:
    """Return the digits among the tokens of a criterion's quote that neither a limit or window of
    it quotes nor a name has.
    """
    free = {at for at, word in enumerate(tokens.words) if word[0].isdigit()}
    for piece in criterion.evidence:
        is_number = piece.field.startswith(("constraints", "time_window"))
        if not is_number or piece.section != section:
            continue
        place = _place(parsed, piece)
        start, end = place.tokens.span(place.first, place.end)
        free = {at for at in free if not start <= tokens.starts[at] < end}
    if free:
        for name in rule("part_of_name").find(tokens):
            free.difference_update(range(name.first, name.end))
    return free


def _states_limit(mention: Mention) -> bool:
    """Return True if a number surely limits a named quantity or an age: "1 cup = 250 mL" defines a
    measure, and limits nothing.
    """
    is_named = mention.kind is Measured.LIMIT and bool(mention.subject)
    if not is_named and mention.kind is not Measured.AGE:
        return False
    if not mention.stated or mention.role is not NumberRole.STATED:
        return False
    return mention.comparators[0] is not Comparator.EQUAL


def _find_unread_times(endpoint: Endpoint, field: str) -> Unread:
    """Return a time frame that names a moment with a number, and from which no time was read."""
    unread = Unread()
    if endpoint.time_kind not in _MOMENTS or endpoint.time_points:
        return unread
    for piece in endpoint.evidence_for("time_frame"):
        # "day 1" is the start of a trial
        words = read_text(piece.quote).words
        if any(word.isdecimal() and int(word) > 1 for word in words):
            unread.fields.add(field)
            finding = inform(FindingKind.NUMBER_UNREAD, field, _TIME, piece.cite())
            unread.findings.append(finding)
    return unread


def _place(parsed: ParsedRecord, piece: Evidence) -> Passage:
    return parsed.sections[piece.section].between(piece.start, piece.end)
