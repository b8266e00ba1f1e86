"""Merge two readings of the fields of guideline 1.5, and let a third reader decide where they differ.

    python -m benchmarks.gold.readings FIRST SECOND --records INPUT... [--differences FILE] [--answers FILE]

FIRST and SECOND are folders of JSON lines, one trial each, about the items that the gold has: c1 is its first
criterion, c1.l2 the second limit of that, d1 its first regimen, d1.a2 the second amount of that, arm 1 the first arm.

    {"record": "NCT01234567",
     "windows": {"c3": [{"quote": "within 3 days", "comparator": "<=", "value": 3, "value_high": null, "unit": "day",
                         "of": "Aspirin", "anchor": "before biopsy"}]},
     "conditions": {"c5.l1": "for men"},
     "arms": {"d1": [1, 2], "d1.a1": [1], "d1.a2": [2]},
     "groups": [{"id": "g1", "lead_in": "One of:", "rule": "any", "n": null, "n_high": null, "parent": null,
                 "items": ["c5", "c6"]}]}

Where both say the same, that is gold; of two quotes that differ only in extent, the shorter one. ``--differences``
writes a sheet with all other places for the third reader, whose lines in ``--answers`` are "17: A", "17: B" or
"17: " and JSON. With the answers, the gold is written, and both readings beside it, for ``--agreement 1.5``.
"""

import json
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.data import Row, parse_options, read_lines
from benchmarks.gold import GOLD, READINGS, read_annotated, read_gold
from benchmarks.gold.__main__ import keep_named_sections, write_gold
from benchmarks.gold.standoff import to_standoff
from extractor.results.evaluation.comparers import measure_window
from extractor.results.evaluation.text import fold_quote, share_words
from extractor.schemas import TimeWindow, TrialRecord
from extractor.stages.read import read_records

_TURNING = re.compile(r"\b(?:unless|except\w*|exclud\w*|without|no|not|un\w{4,})\b", re.IGNORECASE)
"""Words that turn a condition round: without them, a shorter quote is another condition."""
_SHOWN = 1500
"""Most characters of a section on the sheet of the third reader."""
EMPTY: Row = {"windows": {}, "conditions": {}, "arms": {}, "groups": []}
"""A reading that says nothing."""
Ask = Callable[[str, Any, Any], Any]
"""Returns what the third reader says of a place, given both answers."""


def share_sense(one: str | None, other: str | None) -> bool:
    """Return whether two quotes differ at most in their extent.

    >>> share_sense("with liver metastases", "liver metastases"), share_sense("marrow", "unless marrow")
    (True, False)
    """
    if one is None or other is None:
        return one is other
    turned = [bool(_TURNING.search(text)) for text in (one, other)]
    return fold_quote(one) == fold_quote(other) or (turned[0] == turned[1] and share_words(one, other))


def _take_shorter(one: str | None, other: str | None) -> str | None:
    return min(one, other, key=len) if one and other else one or other


def merge(first: Row, second: Row, ask: Ask) -> Row:
    """Return what two readings of a trial say together; ``ask`` decides where they differ.

    >>> readings = [{"arms": {"d1": [1, 2]}, "conditions": {"c1.l1": words}} for words in ("for men", "men")]
    >>> merge(*readings, ask=max)["conditions"]
    {'c1.l1': 'men'}
    """
    first, second = EMPTY | first, EMPTY | second
    merged: Row = {"windows": {}, "conditions": {}, "arms": {}}
    for name in _list_names(first, second, "windows"):
        one, other = (each["windows"].get(name, []) for each in (first, second))
        if windows := list(_merge_windows(name, one, other, ask)):
            merged["windows"][name] = windows
    for name in _list_names(first, second, "conditions"):
        one, other = (each["conditions"].get(name) for each in (first, second))
        if said := _take_shorter(one, other) if share_sense(one, other) else ask(f"{name} condition", one, other):
            merged["conditions"][name] = said
    for name in _list_names(first, second, "arms"):
        if "." not in name:
            one, other = (_read_arms(each["arms"], name) for each in (first, second))
            merged["arms"] |= one if one == other else ask(f"{name} arms", one, other)
    return merged | {"groups": list(_merge_groups(first["groups"], second["groups"], ask))}


def _list_names(first: Row, second: Row, key: str) -> list[str]:
    named = {*first[key], *second[key]}
    return sorted(named, key=lambda name: [int(number) for number in re.findall(r"\d+", name)])


def _read_arms(arms: Mapping[str, Sequence[int]], name: str) -> dict[str, list[int]]:
    """Return the arms of a regimen, and those of its amounts if they differ."""
    whole = sorted(arms.get(name, []))
    parts = {key: sorted(each) for key, each in arms.items() if key.startswith(f"{name}.")}
    return {name: whole} | (parts if any(each != whole for each in parts.values()) else {})


def _size(window: Row) -> tuple[Any, ...]:
    return measure_window(TimeWindow.model_validate(window))


def _merge_windows(name: str, first: list[Row], second: list[Row], ask: Ask) -> Iterator[Row]:
    """Yield the windows of a criterion: of equal sense, number and unit together, then those beside each other."""
    left, alone = list(second), list[Row]()
    slots: list[tuple[Any, Any]] = []
    for one in first:
        same = [other for other in left if _size(other) == _size(one)]
        if same:
            slots.append((one, next((each for each in same if share_sense(one["of"], each["of"])), same[0])))
            left.remove(slots[-1][1])
        else:
            alone.append(one)
    for one in alone:
        near = next((other for other in left if other["value"] == one["value"]), None)
        if near:
            left.remove(near)
        slots.append((one, near))
    slots += [(None, other) for other in left]
    for one, other in slots:
        if one is None or other is None or _size(one) != _size(other):
            said = ask(f"{name} window", one, other)
        else:
            parts = [part for part in ("of", "anchor") if share_sense(one[part], other[part])]
            agreed = {part: _take_shorter(one[part], other[part]) for part in ("quote", *parts)}
            both = one | agreed, one | {part: other[part] for part in ("of", "anchor")} | agreed
            said = both[0] if len(parts) == 2 else ask(f"{name} window", *both)
        yield from said if isinstance(said, list) else [said] if said else []


def _merge_groups(first: list[Row], second: list[Row], ask: Ask) -> Iterator[Row]:
    """Yield the groups of a trial: those that share items or a parent are one question, unless both say the same."""
    number = count(1)
    for found in _join_groups(first, second):
        one, other = map(_renumber, found)
        senses = [[group | {"lead_in": None} for group in each] for each in (one, other)]
        pairs = zip(one, other, strict=False)
        agreed = [ours | {"lead_in": _take_shorter(ours["lead_in"], theirs["lead_in"])} for ours, theirs in pairs]
        said = agreed if senses[0] == senses[1] else ask("groups", one, other)
        names = {group["id"]: f"g{next(number)}" for group in said}
        yield from (group | {"id": names[group["id"]], "parent": names.get(group["parent"])} for group in said)


def _join_groups(first: list[Row], second: list[Row]) -> Iterator[tuple[list[Row], list[Row]]]:
    """Yield the groups of both readings that share items, or of which one is the parent of the other."""
    left = [(side, group) for side, each in enumerate((first, second)) for group in each]
    while left:
        found = [left.pop(0)]
        for side, group in found:  # it grows
            near = [
                (place, other)
                for place, other in left
                if not {*group["items"]}.isdisjoint(other["items"])
                or (place == side and (other["parent"] == group["id"] or group["parent"] == other["id"]))
            ]
            left = [one for one in left if one not in near]
            found += near
        yield [group for side, group in found if not side], [group for side, group in found if side]


def _renumber(groups: Sequence[Row]) -> list[Row]:
    """Return groups in the order of the text, with ids in that order, so that they do not tell the reading."""
    ordered = [group | {"items": sorted(group["items"], key=_read_number)} for group in groups]
    ordered.sort(key=lambda group: (group["parent"] is not None, [*map(_read_number, group["items"])]))
    names = {group["id"]: f"g{number}" for number, group in enumerate(ordered, 1)}
    return [group | {"id": names[group["id"]], "parent": names.get(group["parent"])} for group in ordered]


def _read_number(name: str) -> int:
    return int(name[1:])


def add_reading(annotation: Row, reading: Row, record: TrialRecord) -> Row:
    """Return the gold JSON of a trial with the fields of a reading."""
    eligibility, labels = annotation["eligibility"], list_labels(record)
    homes = {item: group["id"] for group in reading["groups"] for item in group["items"]}
    criteria = []
    for at, criterion in enumerate(eligibility.get("criteria", []), 1):
        limits = []
        for part, limit in enumerate(criterion.get("constraints", []), 1):
            limits.append(limit | {"condition": reading["conditions"].get(f"c{at}.l{part}")})
        text = fold_quote(criterion["quote"])
        windows = sorted(reading["windows"].get(f"c{at}", []), key=lambda one: text.find(fold_quote(one["quote"])))
        more = {"constraints": limits, "time_windows": windows, "group": homes.get(f"c{at}")}
        criteria.append(criterion | more)
    dosing = []
    for at, regimen in enumerate(annotation["dosing"], 1):
        amounts = []
        for part, amount in enumerate(regimen.get("amounts", []), 1):
            numbers = reading["arms"].get(f"d{at}.a{part}", [])
            amounts.append(amount | {"arms": [labels[one - 1] for one in numbers] or None})
        arms = [labels[one - 1] for one in reading["arms"][f"d{at}"]]
        dosing.append(regimen | {"amounts": amounts, "arms": arms})
    groups = [{k: v for k, v in one.items() if k != "items"} for one in reading["groups"]]
    return annotation | {"eligibility": eligibility | {"groups": groups, "criteria": criteria}, "dosing": dosing}


def list_labels(record: TrialRecord) -> list[str]:
    """Return the labels of a record's arms."""
    return [section.part("label") or "" for section in record.sections if section.name.startswith("arms[")]


class Difference(NamedTuple):
    """A place where two readings differ, with both answers in random order. ``about`` is such as "c3 window"."""

    record: str
    about: str
    answers: dict[str, Any]


class Judge:
    """Collects the differences of all trials, and answers those that a third reader has decided."""

    def __init__(self, answers: Mapping[int, str]) -> None:
        self.differences: list[Difference] = []
        self.unanswered: list[int] = []
        self._answers, self._random = answers, random.Random(52)

    def ask(self, record: str, about: str, first: Any, second: Any) -> Any:
        """Return the answer to a difference, which gets the next number; the first reading without one."""
        both = [first, second]
        self._random.shuffle(both)
        answers = dict(zip("AB", both, strict=True))
        self.differences.append(Difference(record, about, answers))
        number = len(self.differences)
        said = self._answers.get(number)
        if said is None:
            self.unanswered.append(number)
            return first
        try:
            return answers[said] if said in answers else json.loads(said)
        except ValueError:
            raise SystemExit(f"answer {number}: {said!r} is neither A nor B nor JSON; correct it") from None


def read_answers(path: Path | None) -> dict[int, str]:
    """Read the lines of the third reader: "17: A"."""
    lines = path.read_text("utf-8").splitlines() if path else []
    parts = (line.partition(":") for line in lines if line.strip())
    return {int(number): said.strip() for number, _, said in parts}


def write_sheet(differences: Sequence[Difference], trials: Mapping[str, tuple[TrialRecord, Row]]) -> str:
    """Return the sheet for the third reader, by trial: what of the record matters, and both answers."""
    said = [_HEAD]
    last = None
    for number, one in enumerate(differences, 1):
        record, annotation = trials[one.record]
        said += [f"\n# {one.record}: {record.raw_text('title') or ''}\n"] if one.record != last else []
        last = one.record
        said += [f"## {number}. {one.about}", "", *_quote(one, record, annotation), ""]
        said += [f"- {letter}: {json.dumps(answer, ensure_ascii=False)}" for letter, answer in one.answers.items()]
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
        regimen = annotation["dosing"][_read_number(name) - 1]
        for section in record.sections:
            if section.name.startswith(("arms", "interventions")) or section.name == regimen["section"]:
                number = re.fullmatch(r"arms\[(\d+)\]", section.name)
                arm = f" (arm {int(number[1]) + 1})" if number else ""
                yield f"    {section.name}{arm}: {' '.join(section.text.split())[:_SHOWN]}"
        yield f"    {name}: {regimen['agent']} in {regimen['section']}: {regimen['quote']!r}"
        yield from (f"    {name}.a{at}: {amount}" for at, amount in enumerate(regimen.get("amounts", []), 1))
        return
    numbers = [_read_number(name.partition(".")[0])] if name else _list_numbers(one)
    for at in range(min(numbers), max(numbers) + 1):
        criterion = criteria[at - 1]
        lead_in = f" under {' '.join(criterion['lead_in'].split())!r}" if criterion.get("lead_in") else ""
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
        yield from ("    | " + line for line in text[start : max(found) + 300].splitlines() if line.strip())


def _list_numbers(one: Difference) -> list[int]:
    return sorted({_read_number(item) for each in one.answers.values() for group in each for item in group["items"]})


def main() -> None:
    """Write the differences, or with all answers the gold."""
    chosen = parse_options(__doc__, "first", "second", records=[...], differences=Path, answers=Path)
    folders = chosen.first, chosen.second
    first, second = (
        {one["record"]: one for file in sorted(folder.glob("*.jsonl")) for one in read_lines(file)}
        for folder in folders
    )
    if odd := first.keys() ^ second.keys():
        raise SystemExit(f"only one reader has {', '.join(sorted(odd))}")
    gold = read_gold()
    records = read_records(*chosen.records, on_error=lambda _: None)
    trials = {
        record.record_id: (record, annotation)
        for record, _, annotation in read_annotated({name: gold[name] for name in first}, records)
    }
    if lost := first.keys() - trials.keys():
        raise SystemExit(f"there is no record with the annotated text for {', '.join(sorted(lost))}")
    judge, readings = Judge(read_answers(chosen.answers)), [dict[str, Row](), dict[str, Row]()]
    for name in first:
        record, annotation = trials[name]
        merged = merge(first[name], second[name], partial(judge.ask, name))
        for lines, reading in ((readings[0], first[name]), (readings[1], second[name]), (gold, merged)):
            line = to_standoff(add_reading(annotation, EMPTY | reading, record), record)
            lines[name] = (
                {**gold[name], **line}
                if lines is gold
                else keep_named_sections({**gold[name], **line, "endpoints": []})
            )
    print(f"{len(first)} trials, {len(judge.differences)} differences, {len(judge.unanswered)} without an answer")
    if chosen.differences:
        chosen.differences.write_text(write_sheet(judge.differences, trials), "utf-8")
    if chosen.answers and not judge.unanswered:
        write_gold(gold, GOLD)
        for lines, path in zip(readings, READINGS["1.5"], strict=True):
            write_gold(lines, path)
    elif chosen.answers:
        raise SystemExit(f"no answer to {', '.join(map(str, judge.unanswered))}: nothing is written")


if __name__ == "__main__":
    main()
