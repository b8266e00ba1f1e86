"""Merge two readings of the fields of guideline 1.5, and let a third reader decide where they
differ.

    python -m benchmarks.gold.readings FIRST SECOND --records INPUT... [--differences FILE]
    [--answers FILE]

FIRST and SECOND are folders of JSON lines, one trial each, about the items that the gold has: c1 is
its first criterion, c1.l2 the second limit of that, d1 its first regimen, d1.a2 the second amount
of that, arm 1 the first arm.

    {"record": "NCT01234567", "windows": {"c3": [{"quote": "within 3 days", "comparator": "<=",
     "value": 3, "value_high": null, "unit": "day",
                         "of": "Aspirin", "anchor": "before biopsy"}]},
     "conditions": {"c5.l1": "for men"}, "arms": {"d1": [1, 2], "d1.a1": [1], "d1.a2": [2]},
     "groups": [{"id": "g1", "lead_in": "One of:", "rule": "any", "n": null, "n_high": null,
     "parent": null,
                 "items": ["c5", "c6"]}]}

Where both say the same, that is gold; of two quotes that differ only in extent, the shorter one.
``--differences`` writes a sheet with all other places for the third reader, whose lines in
``--answers`` are "17: A", "17: B" or "17: " and JSON, or "NCT01234567 c3 windows: " and JSON, to
correct what both say of a place (also "c5.l1 condition", "d1 arms", "groups"). With the answers,
the gold is written, and both readings beside it, for ``--agreement 1.5``.
"""

import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.data import Row, parse_options, read_lines
from benchmarks.gold import GOLD, READINGS, read_annotated, read_gold
from benchmarks.gold.__main__ import keep_named_sections, write_gold
from benchmarks.gold.merging import EMPTY, correct, merge, read_number
from benchmarks.gold.standoff import to_standoff
from extractor.apps.evaluation.text import fold_quote
from extractor.formats import read_records
from extractor.schemas import TrialRecord

_SHOWN = 1500
"""Most characters of a section on the sheet of the third reader."""


def add_reading(annotation: Row, reading: Row, record: TrialRecord) -> Row:
    """Return the gold JSON of a trial with the fields of a reading."""
    eligibility = annotation["eligibility"]
    homes = {}
    for group in reading["groups"]:
        for item in group["items"]:
            homes[item] = group["id"]
    criteria = []
    for number, criterion in enumerate(eligibility.get("criteria", []), 1):
        name = f"c{number}"
        added = _read_criterion(criterion, reading, name)
        criteria.append(criterion | added | {"group": homes.get(name)})
    labels = list_labels(record)
    dosing = []
    for number, regimen in enumerate(annotation["dosing"], 1):
        name = f"d{number}"
        amounts = []
        for part, amount in enumerate(regimen.get("amounts", []), 1):
            numbers = reading["arms"].get(f"{name}.a{part}", [])
            arms = [labels[arm - 1] for arm in numbers]
            amounts.append(amount | {"arms": arms or None})
        arms = [labels[arm - 1] for arm in reading["arms"][name]]
        dosing.append(regimen | {"amounts": amounts, "arms": arms})
    groups = [_drop_items(group) for group in reading["groups"]]
    return annotation | {
        "eligibility": eligibility | {"groups": groups, "criteria": criteria},
        "dosing": dosing,
    }


def _drop_items(group: Row) -> Row:
    return {key: value for key, value in group.items() if key != "items"}


def _read_criterion(criterion: Row, reading: Row, name: str) -> Row:
    """Return the limits and windows of a criterion, windows in the order of its text."""
    limits = []
    for part, limit in enumerate(criterion.get("constraints", []), 1):
        condition = reading["conditions"].get(f"{name}.l{part}")
        limits.append(limit | {"condition": condition})
    text = fold_quote(criterion["quote"])
    windows = sorted(
        reading["windows"].get(name, []),
        key=lambda window: text.find(fold_quote(window["quote"])),
    )
    return {"constraints": limits, "time_windows": windows}


def list_labels(record: TrialRecord) -> list[str]:
    """Return the labels of a record's arms."""
    return [
        section.part("label") or ""
        for section in record.sections
        if section.name.startswith("arms[")
    ]


class Difference(NamedTuple):
    """A place where two readings differ, with both answers in random order. ``about`` is such as
    "c3 window".
    """

    record: str
    about: str
    answers: dict[str, Any]


class Judge:
    """Collects the differences of all trials, and answers those that a third reader has decided."""

    def __init__(self, answers: Mapping[str, str]) -> None:
        self.differences: list[Difference] = []
        self.unanswered: list[str] = []
        self._answers, self._random = answers, random.Random(52)

    def ask(self, record: str, about: str, first: Any, second: Any) -> Any:
        """Return the answer to a difference, which gets the next number; the first reading
        without one.
        """
        both = [first, second]
        self._random.shuffle(both)
        answers = dict(zip("AB", both, strict=True))
        self.differences.append(Difference(record, about, answers))
        number = str(len(self.differences))
        if number not in self._answers:
            self.unanswered.append(number)
            return first
        said = self._answers[number]
        return answers[said] if said in answers else _parse(number, said)

    def correct(self, record: str, merged: Row) -> Row:
        """Correct a merged reading where the third reader says so of a place in both."""
        for place, said in self._answers.items():
            name, _, about = place.partition(" ")
            if name == record:
                correct(merged, about, _parse(place, said))
        return merged


def _parse(place: str, said: str) -> Any:
    try:
        return json.loads(said)
    except ValueError:
        raise SystemExit(
            f"answer {place}: {said!r} is neither A nor B nor JSON; correct it"
        ) from None


def read_answers(path: Path | None) -> dict[str, str]:
    """Read the lines of the third reader by what they answer: the number of a difference, or a
    trial and a place.
    """
    lines = path.read_text("utf-8").splitlines() if path else []
    parts = (line.partition(":") for line in lines if line.strip())
    return {place.strip(): said.strip() for place, _, said in parts}


def write_sheet(
    differences: Sequence[Difference], trials: Mapping[str, tuple[TrialRecord, Row]]
) -> str:
    """Return the sheet for the third reader, by trial: what of the record matters, and both
    answers.
    """
    lines = [_HEAD]
    last = None
    for number, difference in enumerate(differences, 1):
        name = difference.record
        record, annotation = trials[name]
        if name != last:
            lines.append(f"\n# {name}: {record.raw_text('title') or ''}\n")
        last = name
        lines += [f"## {number}. {difference.about}", ""]
        lines += _quote(difference, record, annotation)
        lines.append("")
        for letter, answer in difference.answers.items():
            lines.append(f"- {letter}: {json.dumps(answer, ensure_ascii=False)}")
        lines.append("")
    return "\n".join(lines)


_HEAD = """\
# Where two readers differ

Decide each place by the guideline. Answer in one line each: "17: A", "17: B", or, if neither is right, "17: " and
JSON in the form of the answers (null for nothing; a list of windows where the criterion has another number of them).
"""


def _quote(
    difference: Difference, record: TrialRecord, annotation: Row
) -> Iterator[str]:
    """Yield the lines of the record that matter for a difference."""
    name, _, what = difference.about.rpartition(" ")
    if what == "arms":
        regimen = annotation["dosing"][read_number(name) - 1]
        yield from _quote_regimen(name, regimen, record)
        return
    criteria = annotation["eligibility"].get("criteria", [])
    if name:
        number = read_number(name.partition(".")[0])
        yield from _quote_criterion(number, criteria[number - 1])
        return
    numbers = _list_numbers(difference)
    for number in range(min(numbers), max(numbers) + 1):
        yield from _quote_criterion(number, criteria[number - 1])
    yield from _quote_text([criteria[number - 1] for number in numbers], record)


def _quote_regimen(name: str, regimen: Row, record: TrialRecord) -> Iterator[str]:
    """Yield the arms and interventions of a record, the section of a regimen, and the regimen."""
    for section in record.sections:
        is_of_arms = section.name.startswith(("arms", "interventions"))
        if not is_of_arms and section.name != regimen["section"]:
            continue
        number = re.fullmatch(r"arms\[(\d+)\]", section.name)
        arm = f" (arm {int(number[1]) + 1})" if number else ""
        yield f"    {section.name}{arm}: {' '.join(section.text.split())[:_SHOWN]}"
    yield f"    {name}: {regimen['agent']} in {regimen['section']}: {regimen['quote']!r}"
    for part, amount in enumerate(regimen.get("amounts", []), 1):
        yield f"    {name}.a{part}: {amount}"


def _quote_criterion(number: int, criterion: Row) -> Iterator[str]:
    """Yield a criterion with the line above it, and its limits."""
    lead_in = ""
    if criterion.get("lead_in"):
        lead_in = f" under {' '.join(criterion['lead_in'].split())!r}"
    quote = " ".join(criterion["quote"].split())
    yield f"    c{number} [{criterion['kind']}]{lead_in}: {quote}"
    for part, limit in enumerate(criterion.get("constraints", []), 1):
        yield f"        c{number}.l{part}: {json.dumps(limit, ensure_ascii=False)}"


def _quote_text(criteria: Sequence[Row], record: TrialRecord) -> Iterator[str]:
    """Yield the lines of the section in which these criteria stand, and a little around them."""
    text = record.raw_text(criteria[0]["section"]) or ""
    found = []
    for criterion in criteria:
        for key in ("lead_in", "quote"):
            if not criterion.get(key):
                continue
            offset = text.find(criterion[key])
            if offset >= 0:
                found.append(offset)
    first = min(found, default=0)
    last = max(found, default=0)
    start = text.rfind("\n", 0, max(0, first - 100)) + 1
    for line in text[start : last + 300].splitlines():
        if line.strip():
            yield f"    | {line}"


def _list_numbers(difference: Difference) -> list[int]:
    """List the numbers of the criteria in the groups of both answers."""
    numbers: set[int] = set()
    for groups in difference.answers.values():
        for group in groups:
            numbers.update(map(read_number, group["items"]))
    return sorted(numbers)


def _read_folder(folder: Path) -> dict[str, Row]:
    """Return the readings in a folder, by trial."""
    readings = {}
    for file in sorted(folder.glob("*.jsonl")):
        for reading in read_lines(file):
            readings[reading["record"]] = reading
    return readings


def _complete_line(
    line: Row, reading: Row, annotation: Row, record: TrialRecord
) -> Row:
    """Return a line of gold with what a reading adds to its annotation."""
    whole = add_reading(annotation, EMPTY | reading, record)
    return line | to_standoff(whole, record)


def main() -> None:
    """Write the differences, or with all answers the gold."""
    chosen = parse_options(
        __doc__, "first", "second", records=[...], differences=Path, answers=Path
    )
    first = _read_folder(chosen.first)
    second = _read_folder(chosen.second)
    odd = first.keys() ^ second.keys()
    if odd:
        raise SystemExit(f"only one reader has {', '.join(sorted(odd))}")
    gold = read_gold()
    records = read_records(*chosen.records, on_error=lambda _: None)
    read = {name: gold[name] for name in first}
    trials = {}
    for record, _, annotation in read_annotated(read, records):
        trials[record.record_id] = (record, annotation)
    lost = first.keys() - trials.keys()
    if lost:
        names = ", ".join(sorted(lost))
        raise SystemExit(f"there is no record with the annotated text for {names}")
    judge = Judge(read_answers(chosen.answers))
    by_reader = [dict[str, Row](), dict[str, Row]()]
    for name in first:
        record, annotation = trials[name]
        merged = merge(first[name], second[name], partial(judge.ask, name))
        merged = judge.correct(name, merged)
        line = _complete_line(gold[name], merged, annotation, record)
        for lines, reading in zip(by_reader, (first, second), strict=True):
            own = _complete_line(gold[name], reading[name], annotation, record)
            lines[name] = keep_named_sections(own | {"endpoints": []})
        gold[name] = line
    print(
        f"{len(first)} trials, {len(judge.differences)} differences, {len(judge.unanswered)} "
        "without an answer"
    )
    if chosen.differences:
        chosen.differences.write_text(write_sheet(judge.differences, trials), "utf-8")
    if not chosen.answers:
        return
    if judge.unanswered:
        numbers = ", ".join(judge.unanswered)
        raise SystemExit(f"no answer to {numbers}: nothing is written")
    write_gold(gold, GOLD)
    for lines, path in zip(by_reader, READINGS["1.5"], strict=True):
        write_gold(lines, path)


if __name__ == "__main__":
    main()
