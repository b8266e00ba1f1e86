"""A run in numbers: its fields, its findings, its failures, and one line a record for the list and its filters."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from extractor.run.finished import TextState
from extractor.run.results import naming_file
from extractor.schemas import AbsenceReason, Coverage, Task

from .record import RunRecord, name_field, name_task, read_title

BINS = 10
_GROUPS = ("eligibility.criteria", "dosing", "endpoints")
_LOW = 0.5


@dataclass(slots=True)
class FieldCount:
    """How often a field is stated, and why it is empty elsewhere. Of a list of items: in how many records."""

    name: str
    filled: int = 0
    empty: Counter[AbsenceReason] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        return self.filled + self.empty.total()


@dataclass(slots=True)
class Histogram:
    """Items by confidence, in ten bins of a tenth each."""

    name: str
    bins: list[int] = field(default_factory=lambda: [0] * BINS)

    def add(self, confidence: float) -> None:
        self.bins[min(BINS - 1, int(confidence * BINS))] += 1

    @property
    def total(self) -> int:
        return sum(self.bins)

    @property
    def low(self) -> int:
        """Items that are more likely wrong than right."""
        return sum(self.bins[: int(_LOW * BINS)])


class Overview:
    """Counts over the records of a run, added one at a time."""

    def __init__(self) -> None:
        self.records = 0
        self.items: Counter[str] = Counter()
        self.texts: Counter[TextState] = Counter()
        self.findings: Counter[tuple[str, str]] = Counter()
        self.records_with_findings = 0
        self.origin: Counter[str] = Counter()
        self.support: Counter[str] = Counter()
        self.claimed = self.boilerplate = self.characters = 0
        self._fields: dict[str, FieldCount] = {}
        self._confidence: dict[Task, Histogram] = {task: Histogram(task.value) for task in Task}

    def add(self, one: RunRecord) -> None:
        """Take in one record."""
        extraction = one.extraction
        self.records += 1
        self.texts[one.text] += 1
        self.findings.update((finding.kind.value, finding.severity.value) for finding in extraction.findings)
        self.records_with_findings += bool(extraction.findings)
        self._add_coverage(extraction.coverage)
        counts: Counter[str] = Counter()
        for path, item, values in one.items:
            name = name_field(path)
            counts[name] += name in _GROUPS
            self._note_confidence(name, item.confidence)
            for filled in {value.name for value in values}:
                self._field(f"{name}.{filled}").filled += 1
            self.origin.update([str(proof.origin) for proof in item.evidence])
            self.support.update([str(proof.support) for proof in item.evidence])
        for name in _GROUPS:
            self.items[name] += counts[name]
            self._field(name).filled += bool(counts[name])
        for absence in extraction.absences:
            self._field(name_field(absence.field)).empty[absence.reason] += 1

    @property
    def absences(self) -> dict[str, int]:
        """Empty fields by reason, the commonest first."""
        total: Counter[str] = Counter()
        for one in self._fields.values():
            total.update({reason.value: count for reason, count in one.empty.items()})
        return dict(total.most_common())

    @property
    def filled(self) -> int:
        return sum(one.filled for one in self._fields.values())

    @property
    def fields(self) -> dict[str, list[FieldCount]]:
        """Fields by task, the task's own list of items first."""
        found: dict[str, list[FieldCount]] = defaultdict(list)
        for one in _sort(self._fields.values()):
            if (task := name_task(one.name)) and one.total:
                found[task.value].append(one)
        return found

    @property
    def confidence(self) -> list[Histogram]:
        """Of each task that has items."""
        return [one for one in self._confidence.values() if one.total]

    def _field(self, name: str) -> FieldCount:
        # Asked for every value: setdefault would make a new count each time.
        if name not in self._fields:
            self._fields[name] = FieldCount(name)
        return self._fields[name]

    def _note_confidence(self, field_name: str, confidence: float | None) -> None:
        task = name_task(field_name)
        if task and confidence is not None:
            self._confidence[task].add(confidence)

    def _add_coverage(self, coverage: Coverage | None) -> None:
        if coverage:
            self.characters += coverage.characters
            self.claimed += coverage.claimed
            self.boilerplate += coverage.boilerplate


def _sort(fields: Iterable[FieldCount]) -> list[FieldCount]:
    """In the order of tasks, then a list of items before its fields, then by how many there are."""
    order = {task.value: place for place, task in enumerate(Task)}
    return sorted(fields, key=lambda one: (order.get(one.name.partition(".")[0], len(order)), _group(one), one.name))


def _group(one: FieldCount) -> tuple[str, int]:
    group = next((name for name in _GROUPS if one.name == name or one.name.startswith(f"{name}.")), "")
    return group, 0 if one.name == group else 1


TITLE_LENGTH = 160


class Index:
    """Rows of the list, in the order in which records are added.

    A record's facts say of each field how it is known (``origin rule``), why it is empty (``absence not_asked``) and
    what was found about it (``finding phase_differs``). Each is one number: that of the field times 100, plus that of
    the fact.
    """

    MOST_FACTS = 100

    def __init__(self) -> None:
        self._fields: dict[str, int] = {}
        self._facts: dict[str, int] = {}
        self._rows: list[list[Any]] = []

    def add(self, one: RunRecord, chunk: int, place: int) -> None:
        """Add a record that lies at a place in a chunk."""
        extraction = one.extraction
        facts = {self._number(field, fact) for field, fact in _list_facts(one)}
        self._rows.append(
            [
                extraction.record_id,
                read_title(one)[:TITLE_LENGTH],
                [chunk, place],
                [len(extraction.eligibility.criteria), len(extraction.dosing), len(extraction.endpoints)],
                [len(extraction.absences), len(extraction.findings)],
                _find_least(one),
                sorted(facts),
            ]
        )

    def export(self) -> dict[str, Any]:
        """Names of fields and of facts, by number, and the rows."""
        return {"fields": list(self._fields), "said": list(self._facts), "rows": self._rows, "base": self.MOST_FACTS}

    def _number(self, field: str, fact: str) -> int:
        number = self._fields.setdefault(field, len(self._fields))
        return number * self.MOST_FACTS + self._facts.setdefault(fact, len(self._facts))


def _list_facts(one: RunRecord) -> Iterator[tuple[str, str]]:
    extraction = one.extraction
    for path, _, values in one.items:
        name = name_field(path)
        for name_of, origin in {(value.name, proof.origin) for value in values for proof in value.evidence}:
            yield f"{name}.{name_of}", f"origin {origin}"
    for absence in extraction.absences:
        yield name_field(absence.field), f"absence {absence.reason}"
    for finding in extraction.findings:
        yield name_field(finding.field), f"finding {finding.kind}"


def _find_least(one: RunRecord) -> list[float | None]:
    """The least confidence of an item, by task."""
    least: dict[Task, float] = {}
    for path, item, _ in one.items:
        task = name_task(path.partition("[")[0])
        if task and item.confidence is not None:
            least[task] = min(item.confidence, least.get(task, 1.0))
    return [least.get(task) for task in Task]


_NUMBER = re.compile(r"(?<!HTTP )\d+")


class Reason(NamedTuple):
    """Why so many records failed, and one of them: its id, or its place where it has none."""

    message: str
    records: int
    example: str


def read_failures(path: Path) -> list[dict[str, Any]]:
    """What ``failures.jsonl`` says, nothing where there is none. A line that is no JSON is left out: it was torn."""
    if not path.exists():
        return []
    with naming_file(path):
        lines = path.read_text("utf-8", "replace").splitlines()
    return [failure for line in lines if isinstance(failure := _read(line), dict)]


def count_reasons(failures: Iterable[dict[str, Any]]) -> list[Reason]:
    """Why records failed, the commonest first. Messages of one class that differ in a place, an id or a number are one.

    >>> count_reasons([
    ...     {"record_id": None, "path": "a.json", "place": "line 2", "error": "RecordError",
    ...      "message": "a.json, line 2: broken JSON; check the file"},
    ...     {"record_id": None, "path": "a.json", "place": "line 9", "error": "RecordError",
    ...      "message": "a.json, line 9: broken JSON; check the file"}])
    [Reason(message='broken JSON; check the file', records=2, example='a.json, line 2')]
    """
    reasons: dict[tuple[str, str], Reason] = {}
    for failure in failures:
        place = ", ".join(str(failure[name]) for name in ("path", "place") if failure.get(name))
        example = str(failure.get("record_id") or place)
        message = str(failure.get("message", "")).removeprefix(f"{place}: ")
        alike = str(failure.get("error")), _NUMBER.sub("N", message.replace(example, "ID"))
        known = reasons.get(alike, Reason(message, 0, example))
        reasons[alike] = known._replace(records=known.records + 1)
    return sorted(reasons.values(), key=lambda reason: -reason.records)


def _read(line: str) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError:
        return None
