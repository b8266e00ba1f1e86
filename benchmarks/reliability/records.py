"""The readings of a whole record held against gold, paired as an evaluation pairs items."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from benchmarks.judging import Agreement, Judged, judge_reading
from extractor.assemble import ALL_TASKS, Inquiry, assemble_extraction
from extractor.evaluation.items import KINDS, pair_items, place_items
from extractor.parse.parsed import ParsedCriterion, ParsedRecord, ParsedRegimen, Reading, Span
from extractor.schemas import Criterion, Item, Regimen, Task, TrialExtraction

__all__ = ["judge_record"]

_PEOPLE = ("minimum_age", "maximum_age", "sex", "healthy_volunteers")
_OF_CRITERION = ("kind", "lead_in", "category", "constraints", "time_window")
_OF_REGIMEN = ("agent", "role", "amounts", "route", "frequency", "cycle", "duration", "timing")
_OF_OUTCOME = (
    *("measure", "description", "time_frame", "concept", "category", "time_points", "time_kind", "instrument"),
    *("start_event", "end_events", "censored", "specimens", "methods"),
)
_Seen = tuple[str, str]


def judge_record(
    parsed: ParsedRecord, gold: TrialExtraction, trial: str, tasks: Collection[Task] = ALL_TASKS
) -> Iterator[Judged]:
    """Every reading that has a counterpart in gold, and whether what was read as an item is one.

    ``trial`` is what folds go by. The existence of a regimen has no reading of its own: its confidence is that of
    the agent, and its field is "dosing.regimens". What the rules did not see at all has no reading to judge.
    """
    extraction = assemble_extraction(parsed, Inquiry(), tasks)
    if Task.ELIGIBILITY in tasks:
        for name in _PEOPLE:
            reading, label = getattr(parsed.eligibility, name), getattr(gold.eligibility, name)
            yield judge_reading(f"eligibility.{name}", (trial, _words(parsed, reading)), reading, label)
        yield from _judge_criteria(parsed, extraction.eligibility.criteria, gold.eligibility.criteria, trial)
    if Task.DOSING in tasks:
        yield from _judge_regimens(parsed, extraction.dosing, gold.dosing, trial)
    if Task.ENDPOINTS in tasks:
        for row, column in _pair("endpoints", gold.endpoints, extraction.endpoints).items():
            outcome = parsed.outcomes[column]
            yield from _judge_fields(
                "endpoints", _OF_OUTCOME, (trial, outcome.chunk.text), outcome, gold.endpoints[row]
            )


def _judge_criteria(
    parsed: ParsedRecord, predicted: Sequence[Criterion], gold: Sequence[Criterion], trial: str
) -> Iterator[Judged]:
    pairs = _pair("eligibility.criteria", gold, predicted)
    of_span = {_quote_span(predicted[column]): gold[row] for row, column in pairs.items()}
    left = [criterion for row, criterion in enumerate(gold) if row not in pairs]
    for criterion in parsed.eligibility.criteria:
        seen, counterpart = (trial, criterion.chunk.text), of_span.get(criterion.chunk.span)
        stands = counterpart is not None or (not criterion.stands.value and _is_among(parsed, criterion, left))
        yield _judge_standing("eligibility.criteria.stands", seen, criterion.stands, label=stands)
        if counterpart:
            yield from _judge_fields("eligibility.criteria", _OF_CRITERION, seen, criterion, counterpart)


def _is_among(parsed: ParsedRecord, criterion: ParsedCriterion, gold: Sequence[Criterion]) -> bool:
    """Whether gold has what was read as no criterion."""
    kind, span = KINDS["eligibility.criteria"], criterion.chunk.span
    read = Criterion.model_validate(
        {"kind": criterion.kind.value or "inclusion", "section": span.section, "quote": parsed.raw(span)}
    )
    return any(kind.likeness(other, read) >= kind.threshold for other in gold)


def _judge_regimens(
    parsed: ParsedRecord, predicted: Sequence[Regimen], gold: Sequence[Regimen], trial: str
) -> Iterator[Judged]:
    back = {column: row for row, column in _pair("dosing", gold, predicted).items()}
    left = list(parsed.dosing.regimens)
    for column, regimen in enumerate(predicted):
        read = _take_reading(left, regimen)
        seen = trial, f"{regimen.agent}: {parsed.raw(read.quote)}"
        exists = Reading(value=True, confidence=read.agent.confidence)
        yield _judge_standing("dosing.regimens", seen, exists, label=column in back)
        if column in back:
            yield from _judge_fields("dosing", _OF_REGIMEN, seen, read, gold[back[column]])


def _take_reading(left: list[ParsedRegimen], regimen: Regimen) -> ParsedRegimen:
    """The reading that became a regimen of the extraction: the first with its quote's place and its agent."""
    span = _quote_span(regimen)
    place = next(n for n, one in enumerate(left) if one.quote == span and one.agent.value == regimen.agent)
    return left.pop(place)


def _judge_standing(field: str, seen: _Seen, reading: Reading[bool], *, label: bool) -> Judged:
    agreement = Agreement(1, 1, int(reading.value == label))
    return Judged(field, *seen, reading.value, label, reading.confidence, agreement)


def _judge_fields(path: str, names: Sequence[str], seen: _Seen, read: Any, gold: Any) -> Iterator[Judged]:
    for name in names:
        yield judge_reading(f"{path}.{name}", seen, getattr(read, name), getattr(gold, name))


def _pair(path: str, gold: Sequence[Any], predicted: Sequence[Any]) -> dict[int, int]:
    """Positions in gold and in the extraction of the items that stand for one another."""
    ours, theirs = place_items(gold), place_items(predicted)
    pairs = pair_items(KINDS[path], ours, theirs).pairs
    return {ours[row].position: theirs[column].position for row, column in pairs}


def _quote_span(item: Item) -> Span:
    proof = next(evidence for evidence in item.evidence if evidence.field == "quote")
    return Span(proof.section, proof.start, proof.end)


def _words(parsed: ParsedRecord, reading: Reading[Any]) -> str:
    return " | ".join(parsed.raw(span) for span in reading.spans)
