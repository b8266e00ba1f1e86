"""Report doses that are not in any regimen, and mark empty fields to which an unread number may
belong.
"""

from collections.abc import Collection, Iterator

from extractor.concepts.limits.mentions import find_mentions
from extractor.concepts.limits.written_numbers import NumberRole
from extractor.concepts.places import GROUPS_OF_DOSES
from extractor.evidence.drafts import Span, span_of
from extractor.evidence.parsed import ParsedRecord, is_touched, sort_places
from extractor.language.book import read_text, rule
from extractor.language.numbers import find_durations
from extractor.schemas import (
    Absence,
    AbsenceReason,
    Criterion,
    Endpoint,
    Evidence,
    Finding,
    Task,
    TimeKind,
    TrialExtraction,
)

_MOMENTS = (TimeKind.AT, TimeKind.UP_TO, TimeKind.FROM_TO)


def find_unread(
    parsed: ParsedRecord, extraction: TrialExtraction, tasks: Collection[Task]
) -> tuple[list[Finding], tuple[Absence, ...]]:
    """Return findings about doses that are not in any regimen, and the extraction's absences. In
    these absences, the reason ``UNREAD_NUMBER`` replaces "not reported" for an empty field to
    which an unexplained number may belong.
    """
    unread = set[str]()
    for number, criterion in enumerate(extraction.eligibility.criteria):
        path = f"eligibility.criteria[{number}]"
        unread.update(f"{path}.{name}" for name in _list_fields(parsed, criterion))
    for number, endpoint in enumerate(extraction.endpoints):
        if _has_unread_time(endpoint):
            unread.add(f"endpoints[{number}].time_points")
    absences = []
    for absence in extraction.absences:
        is_silent = absence.reason is AbsenceReason.NOT_REPORTED
        if is_silent and absence.field in unread:
            reason = {"reason": AbsenceReason.UNREAD_NUMBER}
            absences.append(absence.model_copy(update=reason))
        else:
            absences.append(absence)
    findings: list[Finding] = []
    if Task.DOSING in tasks:
        names = parsed.sections
        if parsed.candidates or any(name.startswith(GROUPS_OF_DOSES) for name in names):
            from extractor.assembly.unread_doses import find_unread_doses  # noqa: PLC0415 - many texts have no doses

            findings += find_unread_doses(parsed, extraction.dosing)
    return findings, tuple(absences)


def _list_fields(parsed: ParsedRecord, criterion: Criterion) -> Iterator[str]:
    """Yield the field to which each number of a criterion may belong that is not part of a limit, a
    window or a name: ``time_windows`` if it has a time unit, and ``constraints`` otherwise.
    """
    values = sort_places(
        _place(piece)
        for piece in criterion.evidence
        if piece.field.startswith(("constraints", "time_window"))
    )
    for quote in criterion.evidence_for("quote"):
        words = parsed.passage(_place(quote)).alone()
        tokens = words.tokens
        if not any(word[0].isdigit() for word in tokens.words):
            continue
        in_names = set[int]()
        for name in rule("part_of_name").find(tokens):
            in_names.update(range(name.first, name.end))
        in_times = set[int]()
        for length in find_durations(tokens):
            in_times.update(range(length.first, length.end))
        for mention in find_mentions(tokens):
            at, _ = mention.number
            place = span_of(words.part(at, at + 1))
            is_digits = tokens.words[at][0].isdigit()
            is_read = at in in_names or is_touched(place, values)
            if not is_digits:
                continue
            if is_read:
                continue
            if mention.role is NumberRole.PART:
                continue
            yield "time_windows" if at in in_times else "constraints"


def _place(piece: Evidence) -> Span:
    return Span(piece.section, piece.start, piece.end)


def _has_unread_time(endpoint: Endpoint) -> bool:
    """Return True if a time frame states a time as a number but no time point was read from it."""
    if endpoint.time_kind not in _MOMENTS:
        return False
    if endpoint.time_points:
        return False
    words = read_text(endpoint.time_frame or "").words
    # "day 1" is the start of a trial
    return any(word.isdecimal() and int(word) > 1 for word in words)
