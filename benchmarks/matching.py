"""The readings of a whole record compared with gold, item by item, paired as an evaluation pairs items."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

from benchmarks.scores import is_right
from extractor.assemble import ModelResult, assemble_extraction
from extractor.evaluation.alignment import KINDS, pair_items, place_items
from extractor.evaluation.fields import FIELDS
from extractor.parse.parsed import (
    ParsedCriterion,
    ParsedEligibility,
    ParsedOutcome,
    ParsedRecord,
    ParsedRegimen,
    Reading,
    Span,
)
from extractor.schemas import Criterion, Item, Regimen, TrialExtraction

_NAMES = frozenset(field.name for field in FIELDS) - {"endpoints.rank", "dosing.quote", "eligibility.criteria"}
FIELDS_OF: dict[str, tuple[str, ...]] = {
    path: tuple(field.name for field in fields(parsed) if f"{path}.{field.name}" in _NAMES)
    for path, parsed in {
        "eligibility": ParsedEligibility,
        "eligibility.criteria": ParsedCriterion,
        "dosing": ParsedRegimen,
        "endpoints": ParsedOutcome,
    }.items()
}
"""The fields that are read of each kind of item."""


@dataclass(frozen=True, slots=True)
class Match:
    """What was read as an item, and the item of gold that it stands for. ``path`` is a key of ``FIELDS_OF``."""

    path: str
    text: str
    read: ParsedCriterion | ParsedRegimen | ParsedOutcome
    gold: Item


@dataclass(frozen=True, slots=True)
class Judged:
    """A reading of a field and its label. ``trial`` is what folds go by, ``text`` what was read."""

    field: str
    trial: str
    text: str
    read: Any
    label: Any
    confidence: float
    right: bool


def judge_record(parsed: ParsedRecord, gold: TrialExtraction) -> Iterator[Judged]:
    """Every reading that has a counterpart in gold, and whether what was read as an item is one.

    Whether a regimen exists is the field "dosing.regimens"; before calibration its confidence is that of the agent.
    What the rules did not see at all has no reading to judge.
    """
    trial = parsed.record.record_id

    def judge(field: str, text: str, reading: Reading[Any], label: Any, *, exists: bool = False) -> Judged:
        right = reading.value == label if exists else is_right(field, reading.value, label)
        return Judged(field, trial, text, reading.value, label, reading.confidence, right)

    extraction = assemble_extraction(parsed, ModelResult())
    for name in FIELDS_OF["eligibility"]:
        reading = getattr(parsed.eligibility, name)
        text = " | ".join(parsed.raw(span) for span in reading.spans)
        yield judge(f"eligibility.{name}", text, reading, getattr(gold.eligibility, name))
    matches = list(match_items(parsed, extraction, gold))
    paired, taken = {id(match.read) for match in matches}, {id(match.gold) for match in matches}
    left = [criterion for criterion in gold.eligibility.criteria if id(criterion) not in taken]
    for criterion in parsed.eligibility.criteria if extraction.eligibility.criteria or left else ():
        stands = id(criterion) in paired or (not criterion.stands.value and _is_among(parsed, criterion, left))
        yield judge("eligibility.criteria.stands", criterion.chunk.text, criterion.stands, stands, exists=True)
    for regimen, read in zip(extraction.dosing, _readings_of(parsed, extraction.dosing), strict=True):
        exists = Reading(value=True, confidence=read.exists.confidence or read.agent.confidence)
        text = f"{regimen.agent}: {parsed.raw(read.quote)}"
        yield judge("dosing.regimens", text, exists, id(read) in paired, exists=True)
    for match in matches:
        for field, reading, label in list_values(match):
            yield judge(field, match.text, reading, label)


def list_values(match: Match) -> Iterator[tuple[str, Reading[Any], Any]]:
    """Each field of a match by its name in an evaluation, with its reading and its label."""
    for name in FIELDS_OF[match.path]:
        yield f"{match.path}.{name}", getattr(match.read, name), getattr(match.gold, name)


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


def _is_among(parsed: ParsedRecord, criterion: ParsedCriterion, gold: Sequence[Criterion]) -> bool:
    """Whether gold has what was read as no criterion."""
    kind, span = KINDS["eligibility.criteria"], criterion.chunk.span
    read = Criterion.model_validate(
        {"kind": criterion.kind.value or "inclusion", "section": span.section, "quote": parsed.raw(span)}
    )
    return any(kind.likeness(other, read) >= kind.threshold for other in gold)


def _readings_of(parsed: ParsedRecord, regimens: Sequence[Regimen]) -> list[ParsedRegimen]:
    """The readings that became the regimens of an extraction: each the first with its quote's place and its agent."""
    left = list(parsed.dosing.regimens)
    found = []
    for regimen in regimens:
        span = quote_span(regimen)
        place = next(n for n, one in enumerate(left) if one.quote == span and one.agent.value == regimen.agent)
        found.append(left.pop(place))
    return found


def pair_positions(path: str, gold: Sequence[Any], predicted: Sequence[Any]) -> dict[int, int]:
    """Positions in gold and in the extraction of the items that stand for one another."""
    ours, theirs = place_items(gold), place_items(predicted)
    pairs = pair_items(KINDS[path], ours, theirs).pairs
    return {ours[row].position: theirs[column].position for row, column in pairs}


def quote_span(item: Item) -> Span:
    """Where the quote of an assembled item stands."""
    proof = next(evidence for evidence in item.evidence if evidence.field == "quote")
    return Span(proof.section, proof.start, proof.end)
