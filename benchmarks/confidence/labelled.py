"""The values that the rules read in labelled texts, each with its features and whether it is right.

A value is judged if its item is labelled. Fields whose weights are fitted are judged value by value:
limits, time windows and amounts one by one, and the quotes that are parts of a value only if the value
is right. Other fields are judged as a whole; an empty value is right if nothing is annotated.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from benchmarks.confidence.rows import GOLD, Row, make_row
from benchmarks.data import Row as Line
from benchmarks.data import read_labels
from benchmarks.gold import DOSES, read_annotated, read_gold
from benchmarks.matching import (
    FIELDS_OF,
    Match,
    is_right,
    judge_record,
    list_regimens,
    match_items,
)
from benchmarks.training.labels import read_dose_labels
from extractor.apps.evaluation.comparers import Comparer, Verdict
from extractor.apps.evaluation.fields import FIELDS, Field
from extractor.apps.evaluation.judge import compare_values, pair_wholes
from extractor.apps.evaluation.text import share_words
from extractor.assembly.assemble import ModelResult, assemble_extraction
from extractor.concepts.limits.quantity_names import name_quantity
from extractor.concepts.parse import ParsedRecord, parse_unweighed
from extractor.confidence.table import EMPTY, read_field_tables, shorten
from extractor.evidence.drafts import Reading
from extractor.evidence.weighing import weigh_record
from extractor.formats import read_records
from extractor.language.units import read_unit
from extractor.schemas import (
    Constraint,
    Regimen,
    Section,
    Source,
    TrialExtraction,
    TrialRecord,
)
from extractor.schemas.values import PARTS

LIMITS = "eligibility.criteria.constraints"
WINDOWS = "eligibility.criteria.time_windows"
_FIRST_WINDOW = "eligibility.criteria.time_window"
_FIELD_OF = {field.name: field for field in FIELDS}
_AGES = frozenset({"age", "ages", "aged", "old", "older", "younger"})


def read_labelled(data: Path | None, gold: Sequence[Path]) -> Iterator[Row]:
    """Yield the rows for the records in ``gold``, and for the labels of other trials in ``data``, if
    any.
    """
    yield from _read_annotated_rows(read_gold(), gold)
    for path in DOSES:
        for row in _read_annotated_rows(read_gold(path), gold):
            if row.field.startswith("dosing"):
                yield row
    if data is None:
        return
    lines = read_gold()
    for record, doses in read_dose_labels(data):
        if record.record_id not in lines:
            dosing = [dose for dose in doses if _is_valid(dose)]
            labelled = _write_gold(record, dosing=dosing)
            parsed = parse_unweighed(record)
            yield from judge_members_of(parsed, labelled, "labelled doses", 0)
    for line in read_labels(data, "limits"):
        if line["record"] not in lines:
            yield from _judge_limits(line)


def _read_annotated_rows(
    lines: Mapping[str, Line], gold: Sequence[Path]
) -> Iterator[Row]:
    records = read_records(*gold, on_error=lambda _: None)
    for record, line, annotation in read_annotated(lines, records):
        labelled = TrialExtraction.model_validate(annotation)
        parsed = parse_unweighed(record)
        yield from judge_members_of(parsed, labelled, GOLD, line["fold"])
        yield from _judge_wholes(parsed, labelled, line["fold"])


def _judge_wholes(
    parsed: ParsedRecord, gold: TrialExtraction, fold: int
) -> Iterator[Row]:
    """Yield the values that are judged as a whole, because their fields have no weights."""
    for judged in judge_record(parsed, gold):
        if not judged.confidence or (judged.read and has_weights(judged.field)):
            continue
        yield make_row(
            judged.field if judged.read else judged.field + EMPTY,
            GOLD,
            judged.trial,
            judged.features,
            right=judged.right,
            probability=judged.confidence,
            fold=fold,
        )


def has_weights(field: str) -> bool:
    """Return whether a field, such as ``dosing.route``, has weights.

    >>> has_weights("dosing.route"), has_weights("eligibility.sex")
    (True, False)
    """
    table = read_field_tables().get(shorten(field))
    return table is not None and table.level is not None


def make_record(name: str, text: str) -> TrialRecord:
    """Return a record that consists of an eligibility text."""
    return TrialRecord(
        record_id=name,
        source=Source(path="labelled text", format="text"),
        sections=(Section(name="eligibility", text=text),),
    )


def _write_gold(record: TrialRecord, *criteria: Line, **parts: Any) -> TrialExtraction:
    known = {"record_id": record.record_id, "eligibility": {"criteria": criteria}}
    return TrialExtraction.model_validate(known | parts)


def _is_valid(dose: Line) -> bool:
    """Return whether a labelled regimen is valid under today's guideline."""
    try:
        Regimen.model_validate(dose)
    except ValidationError:
        return False
    return True


def _judge_limits(row: Line) -> Iterator[Row]:
    """Yield the limits of a labelled line."""
    heading = f"{row['list'].capitalize()} Criteria:\n\n* "
    record = make_record(row["record"], f"{heading}{row['text']}")
    criterion = {
        "kind": row["list"],
        "section": "eligibility",
        "quote": row["text"],
        "constraints": row["constraints"],
    }
    gold = _write_gold(record, criterion)
    for judged in judge_members_of(parse_unweighed(record), gold, "labelled limits", 0):
        if judged.field == LIMITS:
            yield judged


def judge_members_of(
    parsed: ParsedRecord, gold: TrialExtraction, source: str, fold: int
) -> Iterator[Row]:
    """Yield every value whose item is labelled and whose field has weights."""
    extraction = assemble_extraction(weigh_record(parsed), ModelResult())
    trial = parsed.record.record_id
    matches = list(match_items(parsed, extraction, gold))
    paired = {id(match.read) for match in matches}
    for regimen in list_regimens(parsed, extraction.dosing):
        yield make_row(
            "dosing.stands",
            source,
            trial,
            regimen.rules.stands.features,
            right=id(regimen) in paired,
            fold=fold,
        )
    for match in matches:
        for name in FIELDS_OF[match.path]:
            path = f"{match.path}.{name}"
            reading = match.read.read(name)
            # the first window of a criterion is one of its windows, which are judged one by one
            is_repeated = path == _FIRST_WINDOW
            is_judged = has_weights(path) and _is_labelled(match, name)
            if not reading.value or is_repeated or not is_judged:
                continue
            label = getattr(match.gold, name)
            if path == LIMITS:
                label = (*label, *_list_other_limits(match, gold))
            for field, features, right in _judge_reading(match, name, reading, label):
                is_part = field != path
                yield make_row(
                    field,
                    source,
                    trial,
                    features,
                    right=right,
                    probability=1.0 if is_part else reading.probability,
                    fold=fold,
                )


def _is_labelled(match: Match, name: str) -> bool:
    """Return whether the gold item was annotated for a field: keys of guideline 1.5 may be missing."""
    field = _FIELD_OF[f"{match.path}.{name}"]
    return field.counts or name in match.gold.model_fields_set


def _list_other_limits(match: Match, gold: TrialExtraction) -> Iterator[Constraint]:
    """Yield the limits of other gold items in the same line, because item boundaries are not
    judged.
    """
    line = _fold_space(match.read.chunk.text)
    for other in gold.eligibility.criteria:
        if other is not match.gold and _fold_space(other.quote) in line:
            yield from other.constraints


def _fold_space(text: str) -> str:
    return " ".join(text.split())


def _judge_reading(
    match: Match, name: str, reading: Reading[Any], label: Any
) -> Iterator[tuple[str, tuple[str, ...], bool]]:
    """Yield the field, the features and the verdict of each member, and of the parts of right ones."""
    field = _FIELD_OF[f"{match.path}.{name}"]
    if field.name == "dosing.timing" and reading.value:
        yield field.name, reading.features, is_right(field.name, reading.value, label)
        return
    rights = judge_members(field.comparer, reading.list_values(), label)
    if not reading.members:
        yield field.name, reading.features, rights[0]
    for member, right in zip(reading.members, rights, strict=False):
        yield field.name, (*member.features, *reading.features), right
        for part, same in _judge_parts(match, field, member.value) if right else ():
            if part in member.parts:
                yield f"{field.name}.{part}", member.parts[part].features, same


def judge_members(
    comparer: Comparer[Any], members: Sequence[Any], label: Any
) -> list[bool]:
    """Return whether each member of a list is in the label. Each entry of the label counts once.

    A range is right if both of its ends are right.
    """
    left = list(comparer.spread(label))
    rights = []
    for member in members:
        wanted = comparer.spread((member,))
        found = []
        for end in wanted:
            same = next((entry for entry in left if _agree(comparer, entry, end)), None)
            if same is not None:
                left.remove(same)
                found.append(same)
        rights.append(len(found) == len(wanted))
    return rights


def _agree(comparer: Comparer[Any], gold: Any, read: Any) -> bool:
    """Return whether a value agrees with gold. Limits must also have the same quantity."""
    verdict, error = comparer.judge(gold, read)
    if verdict is not Verdict.RIGHT:
        return False
    return error is None or _is_one_quantity(gold, read)


def _is_one_quantity(gold: Any, read: Any) -> bool:
    """Return whether two limits with the same value have the same quantity: both are ages ("aged",
    "years old"), they share words ("BMI", "men with BMI"), or they have the same name in the
    vocabulary ("performance status", "ECOG").
    """
    names = (gold.quantity, read.quantity)
    if all(not _AGES.isdisjoint(name.lower().split()) for name in names):
        return True
    if share_words(*names):
        return True
    known = [
        name_quantity(limit.quantity, read_unit(limit.unit or ""), value=limit.value)
        for limit in (gold, read)
    ]
    return known[0] is not None and known[0] == known[1]


def _judge_parts(match: Match, whole: Field, member: Any) -> Iterator[tuple[str, bool]]:
    """Yield the stated parts of a right value, and whether gold agrees."""
    read = match.gold.model_copy(update={str(whole.attribute): (member,)})
    for name in PARTS.get(type(member), ()):
        if not getattr(member, name):
            continue
        part = _FIELD_OF[f"{whole.name}.{name}"]
        for gold_whole, read_whole in pair_wholes(part, match.gold, read):
            rows = compare_values(
                part, getattr(gold_whole, name), getattr(read_whole, name)
            )
            yield name, all(row.verdict is Verdict.RIGHT for row in rows)
