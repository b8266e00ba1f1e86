"""The readings of a whole record held against gold, paired as an evaluation pairs items."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.judging import Agreement, Judged, judge_reading
from extractor.assemble import ALL_TASKS, ModelResult, assemble_extraction
from extractor.evaluation.alignment import KINDS, pair_items, place_items
from extractor.parse.parsed import ParsedCriterion, ParsedOutcome, ParsedRecord, ParsedRegimen, Reading, Span
from extractor.schemas import Criterion, Item, Regimen, Task, TrialExtraction

__all__ = ["FIELDS_OF", "Match", "judge_record", "match_items", "pair_positions", "quote_span"]

_PEOPLE = ("minimum_age", "maximum_age", "sex", "healthy_volunteers")
_OF_CRITERION = ("kind", "lead_in", "category", "constraints", "time_window")
_OF_REGIMEN = ("agent", "role", "amounts", "route", "frequency", "cycle", "duration", "timing")
_OF_OUTCOME = (
    *("measure", "description", "time_frame", "concept", "category", "time_points", "time_kind", "instrument"),
    *("start_event", "end_events", "censored", "specimens", "methods"),
)
FIELDS_OF = {"eligibility.criteria": _OF_CRITERION, "dosing": _OF_REGIMEN, "endpoints": _OF_OUTCOME}
"""The fields of each kind of item."""
_Seen = tuple[str, str]
_ParsedItem = ParsedCriterion | ParsedRegimen | ParsedOutcome


@dataclass(frozen=True, slots=True)
class Match:
    """What was read as an item, and the item of gold that it stands for. ``path`` is a key of ``FIELDS_OF``."""

    path: str
    text: str
    read: _ParsedItem
    gold: Item


def judge_record(
    parsed: ParsedRecord, gold: TrialExtraction, trial: str, tasks: Collection[Task] = ALL_TASKS
) -> Iterator[Judged]:
    """Every reading that has a counterpart in gold, and whether what was read as an item is one.

    ``trial`` is what folds go by. Whether a regimen exists is the field "dosing.regimens"; before calibration its
    confidence is that of the agent. What the rules did not see at all has no reading to judge.
    """
    extraction = assemble_extraction(parsed, ModelResult(), tasks)
    if Task.ELIGIBILITY in tasks:
        for name in _PEOPLE:
            reading, label = getattr(parsed.eligibility, name), getattr(gold.eligibility, name)
            yield judge_reading(f"eligibility.{name}", (trial, _words(parsed, reading)), reading, label)
    matches = list(match_items(parsed, extraction, gold))
    yield from _judge_standings(parsed, extraction, gold, matches, trial)
    for match in matches:
        for name in FIELDS_OF[match.path]:
            reading = getattr(match.read, name)
            yield judge_reading(f"{match.path}.{name}", (trial, match.text), reading, getattr(match.gold, name))


def match_items(parsed: ParsedRecord, extraction: TrialExtraction, gold: TrialExtraction) -> Iterator[Match]:
    """The items of the rules' own ``extraction`` that have a counterpart in gold, as they were read."""
    predicted, wanted = extraction.eligibility.criteria, gold.eligibility.criteria
    of_span = {criterion.chunk.span: criterion for criterion in parsed.eligibility.criteria}
    for row, column in pair_positions("eligibility.criteria", wanted, predicted).items():
        criterion = of_span[quote_span(predicted[column])]
        yield Match("eligibility.criteria", criterion.chunk.text, criterion, wanted[row])
    regimens = _readings_of(parsed, extraction.dosing)
    for row, column in pair_positions("dosing", gold.dosing, extraction.dosing).items():
        text = f"{extraction.dosing[column].agent}: {parsed.raw(regimens[column].quote)}"
        yield Match("dosing", text, regimens[column], gold.dosing[row])
    for row, column in pair_positions("endpoints", gold.endpoints, extraction.endpoints).items():
        outcome = parsed.outcomes[column]
        yield Match("endpoints", outcome.chunk.text, outcome, gold.endpoints[row])


def _judge_standings(
    parsed: ParsedRecord, extraction: TrialExtraction, gold: TrialExtraction, matches: Sequence[Match], trial: str
) -> Iterator[Judged]:
    """Whether what was read as a criterion or a regimen is one, and what was not is none."""
    paired = {id(match.read) for match in matches}
    taken = {id(match.gold) for match in matches}
    left = [criterion for criterion in gold.eligibility.criteria if id(criterion) not in taken]
    for criterion in parsed.eligibility.criteria if extraction.eligibility.criteria or left else ():
        stands = id(criterion) in paired or (not criterion.stands.value and _is_among(parsed, criterion, left))
        seen = (trial, criterion.chunk.text)
        yield _judge_standing("eligibility.criteria.stands", seen, criterion.stands, label=stands)
    for regimen, read in zip(extraction.dosing, _readings_of(parsed, extraction.dosing), strict=True):
        exists = Reading(value=True, confidence=read.exists.confidence or read.agent.confidence)
        seen = (trial, f"{regimen.agent}: {parsed.raw(read.quote)}")
        yield _judge_standing("dosing.regimens", seen, exists, label=id(read) in paired)


def _is_among(parsed: ParsedRecord, criterion: ParsedCriterion, gold: Sequence[Criterion]) -> bool:
    """Whether gold has what was read as no criterion."""
    kind, span = KINDS["eligibility.criteria"], criterion.chunk.span
    read = Criterion.model_validate(
        {"kind": criterion.kind.value or "inclusion", "section": span.section, "quote": parsed.raw(span)}
    )
    return any(kind.likeness(other, read) >= kind.threshold for other in gold)


def _readings_of(parsed: ParsedRecord, regimens: Sequence[Regimen]) -> list[ParsedRegimen]:
    left = list(parsed.dosing.regimens)
    return [_take_reading(left, regimen) for regimen in regimens]


def _take_reading(left: list[ParsedRegimen], regimen: Regimen) -> ParsedRegimen:
    """The reading that became a regimen of the extraction: the first with its quote's place and its agent."""
    span = quote_span(regimen)
    place = next(n for n, one in enumerate(left) if one.quote == span and one.agent.value == regimen.agent)
    return left.pop(place)


def _judge_standing(field: str, seen: _Seen, reading: Reading[bool], *, label: bool) -> Judged:
    agreement = Agreement(1, 1, int(reading.value == label))
    return Judged(field, *seen, reading.value, label, reading.confidence, agreement)


def pair_positions(path: str, gold: Sequence[Any], predicted: Sequence[Any]) -> dict[int, int]:
    """Positions in gold and in the extraction of the items that stand for one another."""
    ours, theirs = place_items(gold), place_items(predicted)
    pairs = pair_items(KINDS[path], ours, theirs).pairs
    return {ours[row].position: theirs[column].position for row, column in pairs}


def quote_span(item: Item) -> Span:
    proof = next(evidence for evidence in item.evidence if evidence.field == "quote")
    return Span(proof.section, proof.start, proof.end)


def _words(parsed: ParsedRecord, reading: Reading[Any]) -> str:
    return " | ".join(parsed.raw(span) for span in reading.spans)
