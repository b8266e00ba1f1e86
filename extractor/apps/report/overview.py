"""Counts of a run's fields, findings and failures, and one row per record for the list and its
filters.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
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
from extractor.run.folder import naming_file
from extractor.schemas import FindingKind, Task

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

    def add(self, one: RunRecord) -> None:
        """Add one record."""
        extraction = one.extraction
        self.records += 1
        self.texts[one.text] += 1
        self.finding_count += len(extraction.findings)
        self.records_with_findings += bool(extraction.findings)
        for finding in extraction.findings:
            self.severities[finding.kind.value][finding.severity.value] += 1
        coverage = extraction.coverage
        if coverage:
            self.coverage.update(
                characters=coverage.characters,
                claimed=coverage.claimed,
                rest=coverage.boilerplate,
            )
        groups = Counter(name_field(path) for path, *_ in one.items)
        for name in _GROUPS:
            self.items[name] += groups[name]
            self.counts[name].filled += bool(groups[name])
        for path, item, values in one.items:
            if item.confidence is not None:
                # A confidence of 1 belongs to the last bin.
                last = min(_BINS - 1, int(item.confidence * _BINS))
                self.confidence[_task_of(name_field(path))][last] += 1
            for name in {name_value(path, value) for value in values}:
                self.counts[name].filled += 1
            self.origin.update(str(proof.origin) for proof in item.evidence)
            self.support.update(str(proof.support) for proof in item.evidence)
        for absence in one.absences:
            reason = absence.reason.value
            self.absences[reason] += 1
            self.counts[name_absence(absence.field)].empty[reason] += 1

    @property
    def filled(self) -> int:
        """The number of fields with a value."""
        return sum(one.filled for one in self.counts.values())

    @property
    def fields(self) -> dict[str, list[tuple[str, FieldCount]]]:
        """Fields by task, a list of items before the fields of its items. Each counts all records,
        or all items, that may have it.
        """
        counted = [
            (name, self._count_all(name, count))
            for name, count in self.counts.items()
            if name != RECORD and count.total
        ]
        counted.sort(key=lambda pair: (pair[0].startswith(_GROUPS[0]), pair[0]))
        fields: dict[str, list[tuple[str, FieldCount]]] = {part: [] for part in _PARTS}
        for name, count in counted:
            part = _task_of(name)
            if part in fields:
                fields[part].append((name, count))
        return {part: counts for part, counts in fields.items() if counts}

    def _count_all(self, name: str, count: FieldCount) -> FieldCount:
        """Add those that are in no group: that is no gap, so it has no reason."""
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
        """Kinds of findings with their counts by severity, the most common first."""
        return sorted(
            ((kind, one) for kind, one in self.severities.items() if one),
            key=lambda pair: -pair[1].total(),
        )


def _task_of(name: str) -> str:
    return name.partition(".")[0]


class Index:
    """Rows of the list, in the order in which records are added.

    A record's facts give for each field its origin (``origin rule``), the reason why it is empty
    (``absence not_asked``) and its findings (``finding phase_differs``). A row holds their indices
    in the list of all facts.
    """

    def __init__(self) -> None:
        self._facts: dict[tuple[str, str], int] = {}
        self._rows: list[list[Any]] = []

    def add(self, one: RunRecord, chunk: int, place: int) -> None:
        """Add the record at this place in a chunk."""
        extraction = one.extraction
        self._rows.append(
            [
                extraction.record_id,
                one.title[:_TITLE_LENGTH],
                [chunk, place],
                [
                    len(extraction.eligibility.criteria),
                    len(extraction.dosing),
                    len(extraction.endpoints),
                ],
                [len(one.absences), len(extraction.findings)],
                [_find_least_sure(one, part) for part in _PARTS],
                sorted({self._number(fact) for fact in _list_facts(one)}),
            ]
        )

    def _number(self, fact: tuple[str, str]) -> int:
        return self._facts.setdefault(fact, len(self._facts))

    def export(self) -> dict[str, Any]:
        """Return the facts, each with its field, and the rows."""
        return {"facts": list(self._facts), "rows": self._rows}


def _list_facts(one: RunRecord) -> Iterator[tuple[str, str]]:
    """Yield what a record's fields can be filtered by: each field with its fact."""
    for path, _, values in one.items:
        for value in values:
            name = name_value(path, value)
            for proof in value.evidence:
                yield name, f"origin {proof.origin}"
    for absence in one.absences:
        yield name_absence(absence.field), f"absence {absence.reason}"
    for finding in one.extraction.findings:
        yield name_field(finding.field), f"finding {finding.kind}"


def _find_least_sure(one: RunRecord, part: str) -> float | None:
    """Return the least confidence of a part's items; None if none has a confidence."""
    confidences = [
        item.confidence
        for path, item, _ in one.items
        if path.startswith(part) and item.confidence is not None
    ]
    return min(confidences, default=None)


_NUMBER = re.compile(r"(?<!HTTP )\d+")


class Reason(NamedTuple):
    """A reason for failures, and the records that failed for it: their ids, or their places if
    they have none.
    """

    message: str
    places: tuple[str, ...]


def read_failures(path: Path) -> list[dict[str, Any]]:
    """Read ``failures.jsonl``, if it exists. A line that is not JSON is left out: it was not
    written in full.
    """
    found = []
    if path.exists():
        with naming_file(path):
            lines = path.read_text("utf-8", "replace").splitlines()
        for line in lines:
            with suppress(json.JSONDecodeError):
                found.append(json.loads(line))
    return [failure for failure in found if isinstance(failure, dict)]


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
    places = defaultdict(list)
    for failure in failures:
        place = ", ".join(
            str(failure[name]) for name in ("path", "place") if failure.get(name)
        )
        name = str(failure.get("record_id") or place)
        message = str(failure.get("message", "")).removeprefix(f"{place}: ")
        alike = (
            str(failure.get("error")),
            _NUMBER.sub("N", message.replace(name, "ID")),
        )
        messages.setdefault(alike, message)
        places[alike].append(name)
    reasons = [
        Reason(message, tuple(places[alike])) for alike, message in messages.items()
    ]
    return sorted(reasons, key=lambda reason: -len(reason.places))
