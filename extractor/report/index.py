"""One short line a record: what the list shows, and what its filters ask."""

from collections.abc import Iterator
from typing import Any

from extractor.schemas import Task

from .run_records import RunRecord
from .show_record import tell_title
from .values import name_field, name_task

__all__ = ["Index"]

TITLE_LENGTH = 160


class Index:
    """Rows of the list, in the order in which records are added.

    A record's facts say of each field how it is known (``origin rule``), why it is empty (``absence not_asked``) and
    what was found about it (``finding phase_differs``). Each is one number: that of the field times 100, plus that of
    what is said.
    """

    SAID_AT_MOST = 100

    def __init__(self) -> None:
        self._fields: dict[str, int] = {}
        self._said: dict[str, int] = {}
        self._rows: list[list[Any]] = []

    def add(self, one: RunRecord, chunk: int, place: int) -> None:
        """Add a record that lies at a place in a chunk."""
        extraction = one.extraction
        facts = {self._number(field, said) for field, said in _list_facts(one)}
        self._rows.append(
            [
                extraction.record_id,
                tell_title(one)[:TITLE_LENGTH],
                [chunk, place],
                [len(extraction.eligibility.criteria), len(extraction.dosing), len(extraction.endpoints)],
                [len(extraction.absences), len(extraction.findings)],
                _find_least(one),
                sorted(facts),
            ]
        )

    def export(self) -> dict[str, Any]:
        """Names of fields and of what is said, by number, and the rows."""
        return {"fields": list(self._fields), "said": list(self._said), "rows": self._rows, "base": self.SAID_AT_MOST}

    def _number(self, field: str, said: str) -> int:
        number = self._fields.setdefault(field, len(self._fields))
        return number * self.SAID_AT_MOST + self._said.setdefault(said, len(self._said))


def _list_facts(one: RunRecord) -> Iterator[tuple[str, str]]:
    extraction = one.extraction
    for path, _, values in one.items:
        name = name_field(path)
        for field, origin in {(value.name, proof.origin) for value in values for proof in value.evidence}:
            yield f"{name}.{field}", f"origin {origin}"
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
