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
    labels = list_labels(record)
    homes = {
        item: group["id"] for group in reading["groups"] for item in group["items"]
    }
    criteria = []
    for at, criterion in enumerate(eligibility.get("criteria", []), 1):
        limits = []
        for part, limit in enumerate(criterion.get("constraints", []), 1):
            limits.append(
                limit | {"condition": reading["conditions"].get(f"c{at}.l{part}")}
            )
        text = fold_quote(criterion["quote"])
        windows = sorted(
            reading["windows"].get(f"c{at}", []),
            key=lambda one: text.find(fold_quote(one["quote"])),
        )
        more = {
            "constraints": limits,
            "time_windows": windows,
            "group": homes.get(f"c{at}"),
        }
        criteria.append(criterion | more)
    dosing = []
    for at, regimen in enumerate(annotation["dosing"], 1):
        amounts = []
        for part, amount in enumerate(regimen.get("amounts", []), 1):
            numbers = reading["arms"].get(f"d{at}.a{part}", [])
            amounts.append(
                amount | {"arms": [labels[one - 1] for one in numbers] or None}
            )
        arms = [labels[one - 1] for one in reading["arms"][f"d{at}"]]
        dosing.append(regimen | {"amounts": amounts, "arms": arms})
    groups = [
        {k: v for k, v in one.items() if k != "items"} for one in reading["groups"]
    ]
    return annotation | {
        "eligibility": eligibility | {"groups": groups, "criteria": criteria},
        "dosing": dosing,
    }


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
    said = [_HEAD]
    last = None
    for number, one in enumerate(differences, 1):
        record, annotation = trials[one.record]
        said += (
            [f"\n# {one.record}: {record.raw_text('title') or ''}\n"]
            if one.record != last
            else []
        )
        last = one.record
        said += [f"## {number}. {one.about}", "", *_quote(one, record, annotation), ""]
        said += [
            f"- {letter}: {json.dumps(answer, ensure_ascii=False)}"
            for letter, answer in one.answers.items()
        ]
        said.append("")
    return "\n".join(said)


_HEAD = """\
# Where two readers differ

Decide each place by the guideline. Answer in one line each: "17: A", "17: B", or, if neither is right, "17: " and
JSON in the form of the answers (null for nothing; a list of windows where the criterion has another number of them).
"""


def _quote(one: Difference, record: TrialRecord, annotation: Row) -> Iterator[str]:
    """Yield the lines of the record that matter for a difference."""
    name, _, what = one.about.rpartition(" ")
    criteria = annotation["eligibility"].get("criteria", [])
    if what == "arms":
        regimen = annotation["dosing"][read_number(name) - 1]
        for section in record.sections:
            if (
                section.name.startswith(("arms", "interventions"))
                or section.name == regimen["section"]
            ):
                number = re.fullmatch(r"arms\[(\d+)\]", section.name)
                arm = f" (arm {int(number[1]) + 1})" if number else ""
                yield f"    {section.name}{arm}: {' '.join(section.text.split())[:_SHOWN]}"
        yield f"    {name}: {regimen['agent']} in {regimen['section']}: {regimen['quote']!r}"
        yield from (
            f"    {name}.a{at}: {amount}"
            for at, amount in enumerate(regimen.get("amounts", []), 1)
        )
        return
    numbers = [read_number(name.partition(".")[0])] if name else _list_numbers(one)
    for at in range(min(numbers), max(numbers) + 1):
        criterion = criteria[at - 1]
        lead_in = (
            f" under {' '.join(criterion['lead_in'].split())!r}"
            if criterion.get("lead_in")
            else ""
        )
        yield f"    c{at} [{criterion['kind']}]{lead_in}: {' '.join(criterion['quote'].split())}"
        for part, limit in enumerate(criterion.get("constraints", []), 1):
            yield f"        c{at}.l{part}: {json.dumps(limit, ensure_ascii=False)}"
    if not name:
        text = record.raw_text(criteria[numbers[0] - 1]["section"]) or ""
        places = [
            text.find(criteria[at - 1][key] or "")
            for at in numbers
            for key in ("lead_in", "quote")
            if criteria[at - 1].get(key)
        ]
        found = [place for place in places if place >= 0] or [0]
        start = text.rfind("\n", 0, max(0, min(found) - 100)) + 1
        yield from (
            "    | " + line
            for line in text[start : max(found) + 300].splitlines()
            if line.strip()
        )


def _list_numbers(one: Difference) -> list[int]:
    return sorted(
        {
            read_number(item)
            for each in one.answers.values()
            for group in each
            for item in group["items"]
        }
    )


def main() -> None:
    """Write the differences, or with all answers the gold."""
    chosen = parse_options(
        __doc__, "first", "second", records=[...], differences=Path, answers=Path
    )
    folders = chosen.first, chosen.second
    first, second = (
        {
            one["record"]: one
            for file in sorted(folder.glob("*.jsonl"))
            for one in read_lines(file)
        }
        for folder in folders
    )
    if odd := first.keys() ^ second.keys():
        raise SystemExit(f"only one reader has {', '.join(sorted(odd))}")
    gold = read_gold()
    records = read_records(*chosen.records, on_error=lambda _: None)
    trials = {
        record.record_id: (record, annotation)
        for record, _, annotation in read_annotated(
            {name: gold[name] for name in first}, records
        )
    }
    if lost := first.keys() - trials.keys():
        raise SystemExit(
            f"there is no record with the annotated text for {', '.join(sorted(lost))}"
        )
    judge = Judge(read_answers(chosen.answers))
    readings = [dict[str, Row](), dict[str, Row]()]
    for name in first:
        record, annotation = trials[name]
        merged = judge.correct(
            name, merge(first[name], second[name], partial(judge.ask, name))
        )
        lines = [
            gold[name]
            | to_standoff(add_reading(annotation, EMPTY | reading, record), record)
            for reading in (first[name], second[name], merged)
        ]
        for known, line in zip(readings, lines, strict=False):
            known[name] = keep_named_sections(line | {"endpoints": []})
        gold[name] = lines[-1]
    print(
        f"{len(first)} trials, {len(judge.differences)} differences, {len(judge.unanswered)} "
        "without an answer"
    )
    if chosen.differences:
        chosen.differences.write_text(write_sheet(judge.differences, trials), "utf-8")
    if chosen.answers and not judge.unanswered:
        write_gold(gold, GOLD)
        for known, path in zip(readings, READINGS["1.5"], strict=True):
            write_gold(known, path)
    elif chosen.answers:
        raise SystemExit(
            f"no answer to {', '.join(judge.unanswered)}: nothing is written"
        )


if __name__ == "__main__":
    main()
