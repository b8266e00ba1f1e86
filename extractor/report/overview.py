"""What a run holds in numbers."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from extractor.run.finished import TextState
from extractor.schemas import AbsenceReason, Coverage, Task

from .run_records import RunRecord
from .values import name_field, name_task

__all__ = ["FieldCount", "Histogram", "Overview"]

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
