"""Counts of a run's fields, findings and failures, and one row per record for the list and its
filters.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from extractor.apps.report.record import (
    RECORD,
    RunRecord,
    name_absence,
    name_field,
    name_value,
)
from extractor.run.finished import TextState
from extractor.run.folder import FAILURES, naming_file
from extractor.schemas import ExtractedItem, FindingKind, Task
from extractor.schemas.values import Value

_BINS = 10
_GROUPS = ("eligibility.criteria", "dosing", "endpoints")
_TITLE_LENGTH = 160
_PARTS = (*(task.value for task in Task), "custom")
"""Parts of an extraction; the last are the user's own fields."""


@dataclass(slots=True)
class FieldCount:
    """How often a field is stated, and why it is empty elsewhere. For a list of items: in how
    many records.
    """

    filled: int = 0
    empty: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """How often the field was looked for."""
        return self.filled + self.empty.total()


@dataclass(slots=True)
class Overview:
    """Counts over the records of a run, added one at a time, as the page shows them.

    ``confidence`` counts the items of each task, and of own fields, in ten bins of a tenth each.
    """

    records: int = 0
    texts: Counter[TextState] = field(default_factory=Counter)
    items: Counter[str] = field(default_factory=Counter)
    absences: Counter[str] = field(default_factory=Counter)
    severities: dict[str, Counter[str]] = field(
        default_factory=lambda: {kind.value: Counter() for kind in FindingKind}
    )
    finding_count: int = 0
    records_with_findings: int = 0
    origin: Counter[str] = field(default_factory=Counter)
    support: Counter[str] = field(default_factory=Counter)
    coverage: Counter[str] = field(default_factory=Counter)
    counts: dict[str, FieldCount] = field(
        default_factory=lambda: defaultdict(FieldCount)
    )
    confidence: dict[str, list[int]] = field(
        default_factory=lambda: {name: [0] * _BINS for name in _PARTS}
    )

    def add(self, result: RunRecord) -> None:
        """Add the result of one record: its findings, its coverage, its items with their values and
        evidence, and its empty fields.
        """
        extraction = result.extraction
        self.records += 1
        self.texts[result.text] += 1
        self.finding_count += len(extraction.findings)
        if extraction.findings:
            self.records_with_findings += 1
        for finding in extraction.findings:
            self.severities[finding.kind.value][finding.severity.value] += 1
        coverage = extraction.coverage
        if coverage:
            self.coverage.update(
                characters=coverage.characters,
                claimed=coverage.claimed,
                rest=coverage.boilerplate,
            )
        groups = Counter(name_field(path) for path, *_ in result.items)
        for name in _GROUPS:
            self.items[name] += groups[name]
            # of a list of items, the records that have some are counted
            if groups[name]:
                self.counts[name].filled += 1
        for path, item, values in result.items:
            self._add_item(path, item, values)
        for absence in result.absences:
            reason = absence.reason.value
            self.absences[reason] += 1
            self.counts[name_absence(absence.field)].empty[reason] += 1

    def _add_item(self, path: str, item: ExtractedItem, values: list[Value]) -> None:
        """Add an item: its confidence if it has one, each of its fields once however many values it
        has, and the origin and support of its evidence.
        """
        if item.confidence is not None:
            # A confidence of 1 belongs to the last bin.
            number = min(_BINS - 1, int(item.confidence * _BINS))
            self.confidence[_task_of(name_field(path))][number] += 1
        for name in {name_value(path, value) for value in values}:
            self.counts[name].filled += 1
        for proof in item.evidence:
            self.origin[str(proof.origin)] += 1
            self.support[str(proof.support)] += 1

    @property
    def filled(self) -> int:
        """The number of fields with a value."""
        return sum(count.filled for count in self.counts.values())

    @property
    def fields(self) -> dict[str, list[tuple[str, FieldCount]]]:
        """Fields that were looked for, with their counts, by task: sorted by name, those of
        criteria behind the others. A list of items comes before the fields of its items. Each
        counts all records, or all items, that may have it.
        """
        counted = []
        for name, count in self.counts.items():
            # what is said of the whole record is no field
            if name == RECORD or not count.total:
                continue
            is_of_criteria = name.startswith(_GROUPS[0])
            counted.append((is_of_criteria, name))
        fields: dict[str, list[tuple[str, FieldCount]]] = {part: [] for part in _PARTS}
        for _, name in sorted(counted):
            part = _task_of(name)
            if part in fields:
                fields[part].append((name, self._count_all(name)))
        return {part: counts for part, counts in fields.items() if counts}

    def _count_all(self, name: str) -> FieldCount:
        """Return the counts of a field, with those that are in no group: that is no gap, so it has
        no reason.
        """
        count = self.counts[name]
        wholes = {
            "eligibility.groups": self.records,
            "eligibility.criteria.group": self.items["eligibility.criteria"],
        }
        others = wholes.get(name, 0) - count.total
        if others <= 0:
            return count
        return FieldCount(count.filled, count.empty + Counter(not_grouped=others))

    @property
    def findings(self) -> list[tuple[str, Counter[str]]]:
        """Kinds of findings with their counts by severity, the most common first. Kinds without a
        finding are left out.
        """
        counted = [(kind, counts) for kind, counts in self.severities.items() if counts]
        return sorted(counted, key=lambda pair: -pair[1].total())


def _task_of(name: str) -> str:
    """Return the part of an extraction to which a field belongs, such as "dosing"."""
    part, _, _ = name.partition(".")
    return part


class Index:
    """Rows of the list, in the order in which records are added.

    A record's facts give for each field its origin (``origin rule``), the reason why it is empty
    (``absence not_asked``) and its findings (``finding phase_differs``). A row holds their indices
    in the list of all facts.
    """

    def __init__(self) -> None:
        self._facts: dict[tuple[str, str], int] = {}
        self._rows: list[list[Any]] = []

    def add(self, result: RunRecord, chunk: int, place: int) -> None:
        """Add the row of the record at this place in a chunk: its id and title, its place, the
        numbers of its items, of its empty fields and findings, its least confidences by part, and
        the numbers of its facts.
        """
        extraction = result.extraction
        item_counts = [
            len(extraction.eligibility.criteria),
            len(extraction.dosing),
            len(extraction.endpoints),
        ]
        facts = {self._number(fact) for fact in _list_facts(result)}
        row = [
            extraction.record_id,
            result.title[:_TITLE_LENGTH],
            [chunk, place],
            item_counts,
            [len(result.absences), len(extraction.findings)],
            [_find_least_sure(result, part) for part in _PARTS],
            sorted(facts),
        ]
        self._rows.append(row)

    def _number(self, fact: tuple[str, str]) -> int:
        """Return the number of a fact, the next one for a new fact."""
        return self._facts.setdefault(fact, len(self._facts))

    def export(self) -> dict[str, Any]:
        """Return the facts, each with its field, and the rows."""
        return {"facts": list(self._facts), "rows": self._rows}


def _list_facts(result: RunRecord) -> Iterator[tuple[str, str]]:
    """Yield what a record's fields can be filtered by: each field with its fact."""
    for path, _, values in result.items:
        for value in values:
            name = name_value(path, value)
            for proof in value.evidence:
                yield name, f"origin {proof.origin}"
    for absence in result.absences:
        yield name_absence(absence.field), f"absence {absence.reason}"
    for finding in result.extraction.findings:
        yield name_field(finding.field), f"finding {finding.kind}"


def _find_least_sure(result: RunRecord, part: str) -> float | None:
    """Return the least confidence of a part's items; None if none has a confidence."""
    least: float | None = None
    for path, item, _ in result.items:
        if not path.startswith(part) or item.confidence is None:
            continue
        if least is None or item.confidence < least:
            least = item.confidence
    return least


_NUMBER = re.compile(r"(?<!HTTP )\d+")


class Reason(NamedTuple):
    """A reason for failures, and the records that failed for it: their ids, or their places if
    they have none.
    """

    message: str
    places: tuple[str, ...]


def read_failures(path: Path) -> list[dict[str, Any]]:
    """Read ``failures.jsonl``; without the file there are no failures. A line that is no JSON
    object is left out: it was not written in full.
    """
    if not path.exists():
        return []
    with naming_file(path):
        lines = path.read_text("utf-8", "replace").splitlines()
    failures = []
    for line in lines:
        try:
            failure = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(failure, dict):
            failures.append(failure)
    return failures


def list_failed(folder: Path) -> list[str]:
    """Return the records of a run that have no result, by id, or by their place in the input if
    they have no id.
    """
    return [_name_record(failure) for failure in read_failures(folder / FAILURES)]


def _name_record(failure: dict[str, Any]) -> str:
    """Return the id of a record that failed, or its place in the input if it has none."""
    return str(failure.get("record_id") or _find_place(failure))


def _find_place(failure: dict[str, Any]) -> str:
    parts = [failure.get("path"), failure.get("place")]
    return ", ".join(str(part) for part in parts if part)


def count_reasons(failures: Iterable[dict[str, Any]]) -> list[Reason]:
    """Count why records failed, most common first. Messages of one class that differ only in a
    place, an id or a number count as one.

    >>> count_reasons(
    ...     [
    ...         {
    ...             "record_id": None,
    ...             "path": "a.json",
    ...             "place": "line 2",
    ...             "error": "RecordError",
    ...             "message": "a.json, line 2: broken JSON; check the file",
    ...         },
    ...         {
    ...             "record_id": None,
    ...             "path": "a.json",
    ...             "place": "line 9",
    ...             "error": "RecordError",
    ...             "message": "a.json, line 9: broken JSON; check the file",
    ...         },
    ...     ]
    ... )
    [Reason(message='broken JSON; check the file', places=('a.json, line 2', 'a.json, line 9'))]
    """
    messages: dict[tuple[str, str], str] = {}
    places: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for failure in failures:
        name = _name_record(failure)
        place = _find_place(failure)
        message = str(failure.get("message", "")).removeprefix(f"{place}: ")
        # the same for messages that differ only in an id or a number
        general = _NUMBER.sub("N", message.replace(name, "ID"))
        kind = (str(failure.get("error")), general)
        messages.setdefault(kind, message)
        places[kind].append(name)
    reasons = [
        Reason(message, tuple(places[kind])) for kind, message in messages.items()
    ]
    return sorted(reasons, key=lambda reason: -len(reason.places))
