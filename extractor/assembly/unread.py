"""Report doses that are not in any regimen, and mark empty fields to which an unread number may
belong.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence

from extractor.assembly.findings import cite, inform
from extractor.concepts.criteria.unheaded import list_sentences
from extractor.concepts.doses.amounts import find_amounts, is_portion
from extractor.concepts.doses.marks import Mark
from extractor.concepts.limits.mentions import find_mentions
from extractor.concepts.limits.roles import NumberRole
from extractor.evidence.drafts import Span, span_of
from extractor.evidence.parsed import ParsedRecord, is_touched, sort_places
from extractor.language.book import read_text, rule
from extractor.language.numbers import find_durations
from extractor.language.passage import Passage
from extractor.schemas import (
    Absence,
    AbsenceReason,
    Amount,
    Criterion,
    Endpoint,
    Evidence,
    Finding,
    FindingKind,
    Regimen,
    Task,
    TimeKind,
    TrialExtraction,
)

_GIVEN_IN = ("arms[", "interventions[")
_CUE_REACH = 10
"""Number of tokens around an amount that are searched for words about supply or preparation."""
_MOMENTS = (TimeKind.AT, TimeKind.UP_TO, TimeKind.FROM_TO)
_DOSE = "these words look like a dose that no regimen contains"


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
        findings += _list_doses(parsed, extraction.dosing)
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
            if is_digits and not is_read and mention.role is not NumberRole.PART:
                yield "time_windows" if at in in_times else "constraints"


def _place(piece: Evidence) -> Span:
    return Span(piece.section, piece.start, piece.end)


def _has_unread_time(endpoint: Endpoint) -> bool:
    """Return True if a time frame states a time as a number but no time point was read from it."""
    if endpoint.time_kind not in _MOMENTS or endpoint.time_points:
        return False
    words = read_text(endpoint.time_frame or "").words
    # "day 1" is the start of a trial
    return any(word.isdecimal() and int(word) > 1 for word in words)


def _list_doses(parsed: ParsedRecord, regimens: Sequence[Regimen]) -> Iterator[Finding]:
    """Yield a finding for each dose in arms and interventions that is not in any regimen, once per
    number and unit. If there are no regimens, prose is searched too.

    Amounts supplied or prepared, volumes, numbers of pieces, and concentrations are not treated as
    doses.
    """
    reported = _list_levels(
        amount for regimen in regimens for amount in regimen.amounts
    )
    quoted = sort_places(
        _place(piece)
        for regimen in regimens
        for piece in regimen.evidence
        if piece.field != "quote"
    )
    for sentence in _list_sentences(parsed, in_prose=not regimens):
        for mark in find_amounts(sentence.tokens):
            place = span_of(sentence.part(mark.first, mark.end))
            levels = _list_levels(mark.value)
            is_known = levels <= reported or is_touched(place, quoted)
            if not is_known and _is_given(mark, sentence):
                reported |= levels
                cited = cite(parsed, span_of(sentence))
                yield inform(FindingKind.DOSE_UNREAD, "dosing", _DOSE, cited)


def _list_sentences(parsed: ParsedRecord, *, in_prose: bool) -> Iterator[Passage]:
    """Yield the sentences in which doses are searched for, each as a separate passage."""
    for name, section in parsed.sections.items():
        if name.startswith(_GIVEN_IN):
            for line in section.lines():
                yield from (sentence.alone() for sentence in list_sentences(line))
    for chunk in parsed.candidates if in_prose else ():
        if not chunk.span.section.startswith(_GIVEN_IN):
            yield parsed.passage(chunk.span).alone()


def _list_levels(amounts: Iterable[Amount]) -> set[tuple[float, str]]:
    """Return the bounds of amounts, each with the first part of the unit: for "5 mg/kg/day", (5,
    "mg").
    """
    levels: set[tuple[float, str]] = set()
    for amount in amounts:
        unit, _, _ = amount.unit.partition("/")
        ends = (amount.low, amount.high)
        levels.update((end, unit) for end in ends if end is not None)
    return levels


def _is_given(mark: Mark, sentence: Passage) -> bool:
    """Return True if an amount is an amount of a substance, is not a dose change, and is not near
    words about supply or preparation.
    """
    # a rate or a volume by weight is a dose: "15 L/min", "20 mL/kg"
    is_weighed = "/" in mark.value[0].unit or not is_portion(mark)
    if not is_weighed or rule("dose_change").ends(sentence.tokens, mark.first):
        return False
    first = max(0, mark.first - _CUE_REACH)
    end = mark.end + _CUE_REACH
    return rule("speaks_of_supply").search(sentence.tokens, first, end) is None
