"""The values of the rules on labelled texts, each with its signs and whether it is right.

A value is judged where its item is labelled. Limits, time windows and amounts are judged one by
one; the quotes that are parts of a value, where the value is right. Labels that only measure have
fold 3: half of the marks of other people, and a third of the lines of ``wordings``.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

from pydantic import ValidationError

from benchmarks.data import Row, fold_of, read_labels, read_lines
from benchmarks.gold import GOLD, read_annotated, read_gold
from benchmarks.human import bounds, owners
from benchmarks.human.texts import is_same_number, make_record
from benchmarks.matching import FIELDS_OF, Match, list_regimens, match_items
from benchmarks.training.labels import DoseLabels, read_dose_labels
from benchmarks.training.wordings import LIMITS, WINDOWS, read_wordings
from extractor.apps.evaluation.comparers import Comparer, Verdict
from extractor.apps.evaluation.fields import FIELDS, Field
from extractor.apps.evaluation.judge import compare_values, pair_wholes
from extractor.apps.evaluation.text import share_words
from extractor.assembly.assemble import ModelResult, assemble_extraction
from extractor.concepts.limits.quantity_names import name_quantity
from extractor.concepts.parse import parse_uncalibrated
from extractor.evidence.calibration import estimate_part
from extractor.evidence.drafts import Reading
from extractor.formats import read_records
from extractor.language.units import read_unit
from extractor.schemas import Constraint, Regimen, TrialExtraction, TrialRecord
from extractor.schemas.values import PARTS

GOLD_SOURCE = "gold"
"""The source whose confidences are those of the package."""
_FIELD_OF = {field.name: field for field in FIELDS}
_AGES = frozenset({"age", "ages", "aged", "old", "older", "younger"})


class SignRow(NamedTuple):
    """A value: its field, its signs, the rules' estimate, and whether it is right.

    ``group`` are values that may be wrong together: a trial. ``source`` is who labelled it.
    """

    field: str
    group: str
    source: str
    fold: int
    signs: tuple[str, ...]
    estimate: float
    right: bool


def read_rows(data: Path, gold: Sequence[Path]) -> Iterator[SignRow]:
    """Yield the rows of gold whose records are in ``gold``, of the labels and marks in ``data``, and
    of ``wordings``.
    """
    records = read_records(*gold, on_error=lambda _: None)
    for record, line, annotation in read_annotated(read_gold(GOLD), records):
        labelled = TrialExtraction.model_validate(annotation)
        yield from judge_signs(record, labelled, GOLD_SOURCE, line["fold"])
    held_back = read_gold(GOLD)
    for of_doses in read_dose_labels(data):
        if of_doses.record.record_id not in held_back:
            yield from _judge_doses(of_doses)
    for row in read_labels(data, "limits"):
        if row["record"] not in held_back:
            yield from _judge_limits(row)
    for row in read_lines(data / "human" / "chia_marks.jsonl.gz"):
        yield from _judge_owners(row)
    for row in read_lines(data / "human" / "lct_comparisons.jsonl.gz"):
        yield from _judge_bounds(row)
    for one in read_wordings():
        only_measures = crc32(one.line.encode()) % 3 == 0
        known = (one.line, one.source, 3 if only_measures else 0)
        yield SignRow(one.field, *known, one.signs, one.estimate, one.right)


def _judge_doses(labelled: DoseLabels) -> Iterator[SignRow]:
    """Yield the values of the regimens of a labelled trial."""
    trial = labelled.record.record_id
    doses = [dose for dose in labelled.doses if _is_valid(dose)]
    known = {"record_id": trial, "eligibility": {}, "dosing": doses}
    gold = TrialExtraction.model_validate(known)
    yield from judge_signs(labelled.record, gold, "labelled doses", 0)


def _is_valid(dose: Row) -> bool:
    """Return whether the guideline of today still has the words of a labelled regimen."""
    try:
        Regimen.model_validate(dose)
    except ValidationError:
        return False
    return True


def _judge_limits(row: Row) -> Iterator[SignRow]:
    """Yield the limits of a labelled line."""
    heading = f"{row['list'].capitalize()} Criteria:\n\n* "
    record = make_record(row["record"], f"{heading}{row['text']}")
    criterion = {
        "kind": row["list"],
        "section": "eligibility",
        "quote": row["text"],
        "constraints": row["constraints"],
    }
    known = {"record_id": row["record"], "eligibility": {"criteria": [criterion]}}
    gold = TrialExtraction.model_validate(known)
    for judged in judge_signs(record, gold, "labelled limits", 0):
        if judged.field == LIMITS:
            yield judged


def judge_signs(
    record: TrialRecord, gold: TrialExtraction, source: str, fold: int
) -> Iterator[SignRow]:
    """Yield every value with signs whose item is labelled."""
    parsed = parse_uncalibrated(record)
    extraction = assemble_extraction(parsed, ModelResult())
    known = (record.record_id, source, fold)
    matches = list(match_items(parsed, extraction, gold))
    paired = {id(match.read) for match in matches}
    for regimen in list_regimens(parsed, extraction.dosing):
        agent = regimen.rules["agent"]
        stands = id(regimen) in paired
        yield SignRow(
            "dosing.regimens", *known, agent.signs[0][""], agent.confidence, stands
        )
    for match in matches:
        for name in FIELDS_OF[match.path]:
            reading = match.read.read(name)
            if not reading.signs or not _is_labelled(match, name):
                continue
            label = getattr(match.gold, name)
            if f"{match.path}.{name}" == LIMITS:
                label = (*label, *_list_other_limits(match, gold))
            for field, signs, estimate, right in _judge_reading(
                match, name, reading, label
            ):
                yield SignRow(field, *known, signs, estimate, right)


def _is_labelled(match: Match, name: str) -> bool:
    """Return whether gold was read for a field: the keys of guideline 1.5 may be missing."""
    field = _FIELD_OF[f"{match.path}.{name}"]
    return field.counts or name in match.gold.model_fields_set


def _list_other_limits(match: Match, gold: TrialExtraction) -> Iterator[Constraint]:
    """Yield the limits of other items of gold in the line of an item: where one item ends is not
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
) -> Iterator[tuple[str, tuple[str, ...], float, bool]]:
    field = _FIELD_OF[f"{match.path}.{name}"]
    members = reading.list_values()
    rights = judge_members(field.comparer, members, label)
    for at, (member, right) in enumerate(zip(members, rights, strict=True)):
        signs = reading.signs[at]
        yield field.name, signs[""], reading.confidence, right
        for part, same in _judge_parts(match, field, member) if right else ():
            if part in signs:
                estimate = estimate_part(reading, at, part)
                yield f"{field.name}.{part}", signs[part], estimate, same


def judge_members(comparer: Comparer, members: Sequence[Any], label: Any) -> list[bool]:
    """Return whether each member of a list is in the label, and each entry of that only once.

    A range is right if both of its ends are.
    """
    left = list(comparer.spread(label))
    rights = []
    for member in members:
        wanted = comparer.spread((member,))
        found = []
        for one in wanted:
            same = next((other for other in left if _agree(comparer, other, one)), None)
            if same is not None:
                left.remove(same)
                found.append(same)
        rights.append(len(found) == len(wanted))
    return rights


def _agree(comparer: Comparer, gold: Any, read: Any) -> bool:
    """Return whether a value is that of gold; limits also need one quantity."""
    verdict, error = comparer.judge(gold, read)
    if verdict is not Verdict.RIGHT:
        return False
    return error is None or _is_one_quantity(gold, read)


def _is_one_quantity(gold: Any, read: Any) -> bool:
    """Return whether two limits with the same value name one quantity in different words: both
    an age ("aged", "years old"), with common words ("BMI", "men with BMI"), or with one name in the
    vocabulary ("performance status", "ECOG").
    """
    names = (gold.quantity, read.quantity)
    if all(not _AGES.isdisjoint(name.lower().split()) for name in names):
        return True
    if share_words(*names):
        return True
    known = [
        name_quantity(one.quantity, read_unit(one.unit or ""), value=one.value)
        for one in (gold, read)
    ]
    return known[0] is not None and known[0] == known[1]


def _judge_parts(match: Match, whole: Field, member: Any) -> Iterator[tuple[str, bool]]:
    """Yield the stated parts of a right value, and whether gold agrees."""
    read = match.gold.model_copy(update={str(whole.attribute): (member,)})
    for name in PARTS.get(type(member), ()):
        if not getattr(member, name):
            continue
        part = _FIELD_OF[f"{whole.name}.{name}"]
        for one, other in pair_wholes(part, match.gold, read):
            rows = compare_values(part, getattr(one, name), getattr(other, name))
            yield name, all(row.verdict is Verdict.RIGHT for row in rows)


class _Member(NamedTuple):
    """A limit or window of the rules at a mark: its field, value, place, signs and estimate."""

    name: str
    value: Any
    place: tuple[int, int]
    signs: Mapping[str, tuple[str, ...]]
    estimate: float
    estimate_of: float

    def judge(self, trial: str, source: str, *, right: bool, part: str = "") -> SignRow:
        # Half of the marked texts are never shown.
        fold = 3 if fold_of(trial) % 2 else 0
        field = LIMITS if self.name == "constraints" else WINDOWS
        if part:
            path = f"{field}.{part}"
            estimate = self.estimate_of
        else:
            path = field
            estimate = self.estimate
        return SignRow(path, trial, source, fold, self.signs[part], estimate, right)


def _list_members(record: TrialRecord, offset: int) -> Iterator[_Member]:
    """Yield each limit and window of the rules; the marked text starts at ``offset``."""
    for draft in parse_uncalibrated(record).criteria:
        for name in ("constraints", "time_windows"):
            reading = draft.read(name)
            for at, span in enumerate(reading.spans):
                place = (span.start - offset, span.end - offset)
                signs = reading.signs[at]
                of = estimate_part(reading, at, "of") if "of" in signs else 0.0
                value = reading.value[at]
                yield _Member(name, value, place, signs, reading.confidence, of)


def _judge_owners(row: Row) -> Iterator[SignRow]:
    """Yield the limits and windows at the marks of a text of Chia: right if the numbers are, and
    the owner of a limit.
    """
    trial = row["id"].partition("_")[0]
    heading = owners.HEADINGS[row["list"]]
    marks = list(owners.list_marked(row))
    record = make_record(row["id"], heading + row["text"])
    for member in _list_members(record, len(heading)):
        start, end = member.place
        there = [mark for mark in marks if start < mark.end and mark.start < end]
        if not there:
            continue
        read = owners.describe_read(member.name, member.value, member.place, None)
        judged = [owners.judge_read(read, mark) for mark in there]
        found = [verdict for verdict in judged if verdict.found]
        if member.name == "constraints":
            right = any(verdict.owned is not False for verdict in found)
            yield member.judge(trial, "Chia", right=right)
            continue
        yield member.judge(trial, "Chia", right=bool(found))
        if found and "of" in member.signs and member.value.of:
            owned = any(_names(mark, member.value.of) for mark in there)
            yield member.judge(trial, "Chia", right=owned, part="of")


def _names(marked: owners.Marked, words: str) -> bool:
    """Return whether words share one with an owner that people marked."""
    named = owners.list_words(words)
    return any(named & owners.list_words(owner["text"]) for owner in marked.owners)


def _judge_bounds(row: Row) -> Iterator[SignRow]:
    """Yield the limits at the bounds of a text of Leaf: right if number and comparator are."""
    trial = row["id"].partition("_")[0]
    marked = bounds.list_marked(row)
    for member in _list_members(make_record(row["id"], row["text"]), 0):
        start, end = member.place
        there = [mark for mark in marked if mark.start < end and start < mark.end]
        if member.name != "constraints" or not there:
            continue
        limit = member.value
        values = [limit.value, limit.value_high]
        ours = bounds.split_limit(limit.comparator, values, start, end)
        right = all(_is_marked(bound, there) for bound in ours)
        yield member.judge(trial, "Leaf", right=right)


def _is_marked(bound: bounds.Bound, marked: Sequence[bounds.Bound]) -> bool:
    """Return whether people marked a bound: its comparator with its number."""
    same = [mark for mark in marked if mark.sign == bound.sign]
    return any(is_same_number(bound.value, mark.value) for mark in same)
