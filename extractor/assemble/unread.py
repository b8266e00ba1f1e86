"""Text that nothing was read from and that looks as if something should have been: told to the reader, with its words.

Only what is seldom a false alarm is told: counts and precision are in docs/trust.md.
"""

from collections.abc import Collection, Iterator

from extractor.parse.dosing.amounts import find_amounts
from extractor.parse.parsed import Chunk, ParsedRecord, Span
from extractor.schemas import (
    Amount,
    Citation,
    Criterion,
    Endpoint,
    Finding,
    FindingKind,
    Severity,
    Task,
    TimeKind,
    TrialExtraction,
)
from extractor.text.book import read_text, rule
from extractor.text.numbers import read_number

from .coverage import list_unclaimed

__all__ = ["report_unread"]

_FEWEST_WORDS = 5
_GIVEN_IN = ("arms[", "interventions[")
_VOLUMES = frozenset({"ml", "l", "mg/ml", "ug/ml", "iu/ml", "%"})
"""Units of what is drawn, dissolved or made up far oftener than given."""
_COUNTS = range(2, 1000)
"""Numbers beside a unit that name a moment: "day 1" is where a trial begins."""
_MOMENTS = (TimeKind.AT, TimeKind.UP_TO, TimeKind.FROM_TO)


_CRITERION = "this line looks like a criterion, and is none of those that were read"
_DOSE = "these words look like a dose, and no regimen has it"
_NUMBER = "this limit is in no value of its criterion"
_TIME = "this time frame names a time, and none was read"


def report_unread(parsed: ParsedRecord, extraction: TrialExtraction, tasks: Collection[Task]) -> Iterator[Finding]:
    """Findings about the tasks that were wanted."""
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
    items = (extraction.eligibility, *extraction.eligibility.criteria)
    for start, end in list_unclaimed(section, [piece for item in items for piece in item.evidence]):
        text = section.text[start:end]
        tokens = parsed.sections[section.name].between(start, end).alone().tokens
        words = sum(len(word) > 1 and word.isalpha() for word in tokens.words)
        if words >= _FEWEST_WORDS and rule("states_a_condition").search(tokens) and not text.isupper():
            span = Span(section.name, start, end)
            yield _tell(FindingKind.CRITERION_UNREAD, "eligibility.criteria", _CRITERION, _cite(parsed, span))


def _report_doses(parsed: ParsedRecord, extraction: TrialExtraction) -> Iterator[Finding]:
    """Clauses with a dose that no regimen has; in running text only where no regimen was read at all."""
    told = {bound for regimen in extraction.dosing for amount in regimen.amounts for bound in (amount.low, amount.high)}
    quotes = [piece for regimen in extraction.dosing for piece in regimen.evidence if piece.field == "quote"]
    for chunk in parsed.dosing.candidates:
        span = chunk.span
        if extraction.dosing and not span.section.startswith(_GIVEN_IN):
            continue
        if any(q.section == span.section and q.start < span.end and span.start < q.end for q in quotes):
            continue
        if _states_dose(chunk, told):
            yield _tell(FindingKind.DOSE_UNREAD, "dosing", _DOSE, _cite(parsed, span))


def _states_dose(chunk: Chunk, told: Collection[float | None]) -> bool:
    tokens = read_text(chunk.text)
    if rule("speaks_of_supply").search(tokens):
        return False
    amounts = [amount for mark in find_amounts(tokens) for amount in _amounts_of(mark.value)]
    return any(a.unit.lower() not in _VOLUMES and not {a.low, a.high} & set(told) for a in amounts)


def _amounts_of(value: Amount | tuple[Amount, ...]) -> tuple[Amount, ...]:
    return value if isinstance(value, tuple) else (value,)


def _report_limits(parsed: ParsedRecord, criterion: Criterion, field: str) -> Iterator[Finding]:
    """Numbers behind a comparator sign that are in no limit or window of their criterion."""
    place = next((piece for piece in criterion.evidence if piece.field == "quote"), None)
    if place is None:
        return
    read = [piece for piece in criterion.evidence if piece.field.startswith(("constraints", "time_window"))]
    quote = parsed.sections[place.section].between(place.start, place.end)
    for found in rule("bare_limit").find(quote.tokens, quote.first, quote.end):
        start, end = quote.part(found.end - 1, found.end).raw_span
        if not any(piece.start <= start and end <= piece.end for piece in read):
            span = Span(place.section, quote.part(found.first, found.end).raw_span[0], end)
            yield _tell(FindingKind.NUMBER_UNREAD, field, _NUMBER, _cite(parsed, span))


def _report_times(endpoint: Endpoint, field: str) -> Iterator[Finding]:
    """A time frame that names a moment, of which no time was read."""
    if endpoint.time_points or endpoint.time_kind not in _MOMENTS:
        return
    for piece in endpoint.evidence:
        if piece.field == "time_frame" and _names_moment(piece.quote):
            cited = Citation(section=piece.section, start=piece.start, end=piece.end, quote=piece.quote)
            yield _tell(FindingKind.NUMBER_UNREAD, field, _TIME, cited)


def _names_moment(text: str) -> bool:
    counts = rule("dated_count").find(read_text(text))
    return any(read_number(found.read("count") or found.read("later") or "") in _COUNTS for found in counts)


def _tell(kind: FindingKind, field: str, message: str, cited: Citation) -> Finding:
    return Finding(kind=kind, severity=Severity.INFO, field=field, message=message, citations=(cited,))


def _cite(parsed: ParsedRecord, span: Span) -> Citation:
    return Citation(section=span.section, start=span.start, end=span.end, quote=parsed.raw(span))
