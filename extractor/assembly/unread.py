"""Report doses that are not in any regimen, and mark empty fields to which an unread number may
belong.
"""

from collections.abc import Collection, Iterator, Mapping

from extractor.concepts.limits.mentions import find_mentions
from extractor.concepts.limits.written_numbers import NumberRole, find_numbers
from extractor.concepts.places import GROUPS_OF_DOSES
from extractor.evidence.drafts import place_of, span_of
from extractor.evidence.parsed import ParsedRecord, is_touched, sort_places
from extractor.language.book import read_text, rule
from extractor.language.lexer import NUMBER, Range, cover
from extractor.language.numbers import ORDINALS, find_durations
from extractor.language.passage import Passage
from extractor.schemas import (
    Absence,
    AbsenceReason,
    Category,
    Criterion,
    Eligibility,
    Endpoint,
    Finding,
    Task,
    TimeKind,
    TrialExtraction,
)


def find_unread(
    parsed: ParsedRecord, extraction: TrialExtraction, tasks: Collection[Task]
) -> tuple[list[Finding], tuple[Absence, ...]]:
    """Return findings about doses that are not in any regimen, and the extraction's absences. In
    these absences, another reason replaces "not reported" for an empty field to which unread text
    may belong: ``UNREAD_NUMBER``, or ``AMBIGUOUS`` for words about a dose.
    """
    reasons = dict.fromkeys(
        _list_unread_in_criteria(parsed, extraction.eligibility),
        AbsenceReason.UNREAD_NUMBER,
    )
    for number, endpoint in enumerate(extraction.endpoints):
        if _has_unread_time(endpoint):
            reasons[f"endpoints[{number}].time_points"] = AbsenceReason.UNREAD_NUMBER
    findings: list[Finding] = []
    has_groups = any(name.startswith(GROUPS_OF_DOSES) for name in parsed.sections)
    if Task.DOSING in tasks and (parsed.candidates or has_groups):
        from extractor.assembly.unread_doses import (  # noqa: PLC0415 - many texts have no doses
            find_unread_doses,
            list_unread_fields,
        )

        findings += find_unread_doses(parsed, extraction.dosing)
        reasons.update(list_unread_fields(parsed, extraction.dosing))
    absences = []
    for absence in extraction.absences:
        is_silent = absence.reason is AbsenceReason.NOT_REPORTED
        if is_silent and absence.field in reasons:
            reason = {"reason": reasons[absence.field]}
            absences.append(absence.model_copy(update=reason))
        else:
            absences.append(absence)
    return findings, tuple(absences)


def _list_unread_in_criteria(
    parsed: ParsedRecord, eligibility: Eligibility
) -> Iterator[str]:
    """Yield the fields of the criteria to which an unread number may belong, and both ages if no
    age was read and such a number is in a criterion about age that has a word such as "aged".
    """
    has_age = eligibility.minimum_age or eligibility.maximum_age
    for number, criterion in enumerate(eligibility.criteria):
        fields = set(_list_fields(parsed, criterion))
        yield from (f"eligibility.criteria[{number}].{name}" for name in fields)
        if not fields:
            continue
        if has_age:
            continue
        if criterion.category is not Category.AGE:
            continue
        tokens = read_text(criterion.quote)
        # "5 to 20 years" alone may be the length of a disease
        if rule("says_age").occurs(tokens) or rule("age_in_words").occurs(tokens):
            yield from ("eligibility.minimum_age", "eligibility.maximum_age")


def _list_fields(parsed: ParsedRecord, criterion: Criterion) -> Iterator[str]:
    """Yield the fields to which each number of a criterion may belong that is not part of a limit,
    a window or a name: ``time_window`` and ``time_windows`` if it has a time unit, and
    ``constraints`` otherwise. Numbers in words count too, except "zero" and "one", and so do words
    such as "sixties" for an age.
    """
    values = sort_places(
        place_of(piece)
        for piece in criterion.evidence
        if piece.field.startswith(("constraints", "time_window"))
    )
    for quote in criterion.evidence_for("quote"):
        words = parsed.passage(place_of(quote)).alone()
        tokens = words.tokens
        if rule("age_in_words").occurs(tokens):
            yield "constraints"
        # most lines have none, and need no search for mentions
        has_unread = any(
            (word[0].isdigit() or tokens.codes[at] == NUMBER)
            and not is_touched(span_of(words.part(at, at + 1)), values)
            for at, word in enumerate(tokens.words)
        )
        if not has_unread:
            continue
        in_lists = cover(rule("number_of_lists").find(tokens))
        in_times = cover(find_durations(tokens))
        for at, is_several in _list_unread_numbers(words, values):
            # "IV" or "twice" is no level
            is_word = tokens.codes[at] == NUMBER and is_several
            is_number = is_word or tokens.words[at][0].isdigit()
            if not is_number or at in in_lists:
                continue
            if at in in_times:
                yield from ("time_window", "time_windows")
            else:
                yield "constraints"


def _list_unread_numbers(
    words: Passage, values: Mapping[str, list[Range]]
) -> Iterator[tuple[int, bool]]:
    """Yield each number in a passage that is neither part of a name nor in a value: its token, and
    whether it is above one. "One" is more often an article.
    """
    in_names = cover(rule("part_of_name").find(words.tokens))
    for mention in find_mentions(words.tokens):
        at, _ = mention.number
        if at in in_names:
            continue
        if mention.role is NumberRole.PART:
            continue
        if not is_touched(span_of(words.part(at, at + 1)), values):
            yield at, mention.likeliest[0] > 1


def _has_unread_time(endpoint: Endpoint) -> bool:
    """Return True if a time frame states a time as a number, in digits or words, but no time point
    was read from it. An interval such as "every 2 weeks" is no such time.
    """
    if endpoint.time_kind is TimeKind.PER:
        return False
    if endpoint.time_points:
        return False
    tokens = read_text(endpoint.time_frame or "")
    # the digits of "T2" are part of a name, which no number contains
    numbers = [float(word) for word in tokens.words if word.isdecimal()]
    numbers += (number.value for number in find_numbers(tokens))
    numbers += (ORDINALS.get(word.lower(), 0) for word in tokens.words)
    # "day 1" and "the first visit" are the start of a trial
    return any(number > 1 for number in numbers)
