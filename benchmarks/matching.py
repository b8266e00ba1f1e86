"""Compare the readings of a record with gold. Items are paired and compared as in an evaluation."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from scipy.stats import binomtest

from benchmarks.data import Row
from benchmarks.gold import read_annotated
from extractor.apps.evaluation.alignment import align, compare_criteria
from extractor.apps.evaluation.fields import FIELDS, GROUPS
from extractor.assembly.assemble import ModelResult, assemble_extraction
from extractor.evidence.drafts import Draft, Reading, Span
from extractor.evidence.items import CriterionDraft, RegimenDraft
from extractor.evidence.parsed import ParsedRecord
from extractor.evidence.weighing import weigh_record
from extractor.schemas import (
    Criterion,
    EvidenceKind,
    ExtractedItem,
    Regimen,
    TrialExtraction,
    TrialRecord,
    list_groups,
)

_FIELDS = {field.name: field for field in FIELDS}
_GOLD = {field.name for field in FIELDS if field.attribute and not field.whole}
_NAMES = _GOLD - {"endpoints.rank", "dosing.quote", "eligibility.criteria"}
FIELDS_OF: Mapping[str, tuple[str, ...]] = {
    group.path: tuple(
        info.name
        for info in group.fields
        if info.path in _NAMES and info.evidence is EvidenceKind.READ
    )
    for group in list_groups()
}
"""The fields of each kind of item that are read from the text and that gold contains."""


def is_right(field: str, value: Any, label: Any) -> bool:
    """Return whether a value agrees with an annotation at the normalised level. None and () are
    both empty. A timing may be quoted with more or fewer words (``has_same_time``).

    >>> (
    ...     is_right("dosing.route", None, None),
    ...     is_right("endpoints.methods", ("ELISA",), ("PCR",)),
    ... )
    (True, False)
    """
    if field == _TIMING and value:
        return has_same_time(value, label)
    shape = _FIELDS[field].comparer
    wanted = Counter(map(shape.key, shape.spread(label)))
    return wanted == Counter(map(shape.key, shape.spread(value)))


_TIMING = "dosing.timing"
_WORDS_OF_TIME = {
    "d": "day",
    "days": "day",
    "wk": "week",
    "weeks": "week",
    "months": "month",
    "h": "hour",
    "hours": "hour",
    "min": "minute",
    "minutes": "minute",
}
_IDLE = frozenset(
    ["on", "at", "the", "of", "in", "a", "each", "every", "to", "through", "and"]
)
"""Words of a timing that tell nothing about it."""


def has_same_time(read: str, label: str | None) -> bool:
    """Return whether a timing, which quotes the text, says what its label says. It may begin or end
    elsewhere, but has all of its numbers.

    >>> has_same_time("d1-5", "on Days 1-5"), has_same_time("Day 8", "days 8 and 10")
    (True, False)
    >>> has_same_time("day 1 every 21 days", "day 1"), has_same_time("Week 1", None)
    (True, False)
    """
    if not label:
        return False
    found, wanted = _list_time_words(read), _list_time_words(label)
    if wanted <= found:
        return True
    left = wanted - found
    return found <= wanted and not any(word.isdigit() for word in left)


def _list_time_words(timing: str) -> set[str]:
    words = re.findall(r"\d+|[^\W\d_]+", timing.lower())
    return {_WORDS_OF_TIME.get(word, word) for word in words} - _IDLE


def wilson(hits: int, count: int) -> tuple[float, float]:
    """Return the 95 % Wilson interval of a proportion.

    >>> [round(bound, 3) for bound in wilson(98, 100)]
    [0.93, 0.994]
    """
    interval = binomtest(hits, count).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


class Match(NamedTuple):
    """A reading of an item, and its gold item. ``path`` is a key of ``FIELDS_OF``."""

    path: str
    read: Draft
    gold: ExtractedItem


@dataclass(frozen=True, slots=True)
class Judged:
    """A reading of a field and its label, with its features, and the trial's area and fold.
    ``item`` numbers the items of a trial; it is None for whether an item exists.
    """

    field: str
    trial: str
    read: Any
    label: Any
    confidence: float
    right: bool
    area: str = ""
    fold: int = 0
    features: tuple[str, ...] = ()
    item: int | None = None


def judge_gold(
    gold: Mapping[str, Row],
    records: Iterable[TrialRecord],
    parse: Callable[[TrialRecord], ParsedRecord],
) -> Iterator[Judged]:
    """Yield every reading of the records whose text is the annotated text, each trial once."""
    for record, line, annotation in read_annotated(gold, records):
        extraction = TrialExtraction.model_validate(annotation)
        for judged in judge_record(parse(record), extraction):
            yield replace(judged, area=line["area"], fold=line["fold"])


def judge_record(parsed: ParsedRecord, gold: TrialExtraction) -> Iterator[Judged]:
    """Yield every reading that has a counterpart in gold, and readings of whether items exist.

    Whether a regimen exists is the field "dosing.stands". Items that the rules did not find have
    no reading. If the record is not weighed, the probabilities take the place of the confidences.
    """

    def judge(
        field: str, reading: Reading[Any], label: Any, *, exists: bool = False
    ) -> Judged:
        value = reading.value
        # whether an item exists is no field of an evaluation, so no comparer belongs to it
        right = value == label if exists else is_right(field, value, label)
        confidence = reading.probability
        if reading.weighed is not None:
            confidence = reading.weighed
        return Judged(
            field,
            trial=parsed.record.record_id,
            read=value,
            label=label,
            confidence=confidence,
            right=right,
            features=reading.features,
        )

    extraction = assemble_extraction(weigh_record(parsed), ModelResult())
    for name in FIELDS_OF["eligibility"]:
        label = getattr(gold.eligibility, name)
        yield judge(f"eligibility.{name}", parsed.whole.read(name), label)
    matches = list(match_items(parsed, extraction, gold))
    paired = {id(match.read) for match in matches}
    paired_gold = {id(match.gold) for match in matches}
    unread = [item for item in gold.eligibility.criteria if id(item) not in paired_gold]
    # without criteria on either side, gold does not say what a text is
    if extraction.eligibility.criteria or unread:
        for criterion in parsed.criteria:
            stands = criterion.rules.stands
            is_criterion = id(criterion) in paired
            # a rejected text is not in the extraction, and so not paired
            if not is_criterion and not stands.value:
                rejected = draft_criterion(parsed, criterion)
                is_criterion = any(compare_criteria(item, rejected) for item in unread)
            field = "eligibility.criteria.stands"
            yield judge(field, stands, is_criterion, exists=True)
    for read in list_regimens(parsed, extraction.dosing):
        is_regimen = id(read) in paired
        yield judge("dosing.stands", read.read("stands"), is_regimen, exists=True)
    for number, match in enumerate(matches):
        for field, reading, label in list_values(match):
            yield replace(judge(field, reading, label), item=number)


def list_values(match: Match) -> Iterator[tuple[str, Reading[Any], Any]]:
    """Yield the fields of a match, each with its name in an evaluation, its reading and its label.

    A field of guideline 1.5 is omitted if its key is missing from the gold item, because the item
    was then not annotated for that field.
    """
    for name in FIELDS_OF[match.path]:
        field = f"{match.path}.{name}"
        if _FIELDS[field].counts or name in match.gold.model_fields_set:
            yield field, match.read.read(name), getattr(match.gold, name)


def match_items(
    parsed: ParsedRecord, extraction: TrialExtraction, gold: TrialExtraction
) -> Iterator[Match]:
    """Yield the readings of items in the rules' ``extraction`` that have a counterpart in gold."""
    criteria = {criterion.chunk.span: criterion for criterion in parsed.criteria}
    readings: dict[str, Sequence[Any]] = {
        "eligibility.criteria": [
            criteria[quote_span(criterion)]
            for criterion in extraction.eligibility.criteria
        ],
        "dosing": list_regimens(parsed, extraction.dosing),
        "endpoints": parsed.outcomes,
    }
    for group in GROUPS:
        if group.path not in readings:
            continue
        gold_items = group.items(gold)
        for old, new in align(group, gold_items, group.items(extraction)):
            if old.item and new.item:
                read = readings[group.path][new.position]
                yield Match(group.path, read, gold_items[old.position])


def draft_criterion(parsed: ParsedRecord, criterion: CriterionDraft) -> Criterion:
    """Convert a reading of a criterion, accepted or rejected, to the form of gold."""
    span = criterion.chunk.span
    kind = criterion.rules.kind.value or "inclusion"
    known = {"kind": kind, "section": span.section, "quote": parsed.raw(span)}
    return Criterion.model_validate(known)


def list_regimens(
    parsed: ParsedRecord, regimens: Sequence[Regimen]
) -> list[RegimenDraft]:
    """Return the reading of each regimen: the first unused one with its span and agent."""
    unused = list(parsed.regimens)
    readings = []
    for regimen in regimens:
        span = quote_span(regimen)
        for draft in unused:
            if draft.span == span and draft.rules.agent.value == regimen.agent:
                readings.append(draft)
                break
        # each regimen of the rules has a reading, which was just found
        unused = [draft for draft in unused if draft is not readings[-1]]
    return readings


def quote_span(item: ExtractedItem) -> Span:
    """Return the span of an assembled item's quote."""
    proof = next(evidence for evidence in item.evidence if evidence.field == "quote")
    return Span(proof.section, proof.start, proof.end)
