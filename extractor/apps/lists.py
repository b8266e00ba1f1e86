"""Lists of a run for people: values, doubts, findings, absences or failures, one row each.

A list is a selection of the table of values (``extractor.apps.values``); failures come from the
run's ``failures.jsonl``. Doubts are values with a low confidence, and empty fields whose text was
not understood. Each row has its address in the report. Compared with an older run, a list has the
rows that are new or gone.

To add a list, extend ``_is_listed``; columns are those of the table of values. The command is
``extractor/apps/cli/list.py``; ``write_sheet`` of the export writes a file.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from urllib.parse import quote

from extractor.apps.report.overview import find_place, name_failed, read_failures
from extractor.apps.report.record import name_field
from extractor.apps.values import RowKind, ValueRow, list_values
from extractor.errors import ArgumentError
from extractor.run.finished import FinishedRun
from extractor.run.folder import FAILURES
from extractor.run.manifest import restore_fields
from extractor.schemas import TrialExtraction, list_groups
from extractor.schemas.arguments import suggest
from extractor.schemas.vocabulary import DOUBTFUL_BELOW, SETTLED_ABSENCES

COLUMNS = (*ValueRow._fields, "address", "change")
"""The columns of a list: those of the table of values, the address in the report and, compared
with an older run, whether a row is new or gone.
"""
_FAILURES = "failures"
_KINDS = {
    "values": RowKind.VALUE,
    "findings": RowKind.FINDING,
    "absences": RowKind.ABSENCE,
}
_PLAIN = "-_.!~*'()[]"
"""What the report leaves as it is in an address, beside letters and digits."""


class ListRow(NamedTuple):
    """A row of the table of values, its address in the report, and how it has changed."""

    row: ValueRow
    address: str = ""
    change: str = ""


class Selection(NamedTuple):
    """Which rows are listed.

    Attributes:
        name: The list: values, doubts, findings, absences or failures.
        fields: Only these fields, such as ``amounts`` or ``dosing.amounts``; all if empty.
        records: Only these records; all if empty.
        min_confidence: Only values with at least this confidence.
        max_confidence: Only values with a lower confidence; 0.85 for doubts if None.
        severity: Only findings of this severity.
    """

    name: str
    fields: Sequence[str] = ()
    records: Sequence[str] = ()
    min_confidence: float = 0
    max_confidence: float | None = None
    severity: str | None = None


def refuse_selection(
    selection: Selection, run: FinishedRun, since: FinishedRun | None = None
) -> None:
    """Raise ``ArgumentError`` for a field or a record that there is not, and for an option that the
    list does not have.
    """
    name = selection.name
    bounds = (selection.min_confidence, selection.max_confidence)
    if name not in ("values", "doubts") and bounds != (0, None):
        raise ArgumentError(f"{name} have no confidence; leave out its bounds")
    if name != "findings" and selection.severity:
        raise ArgumentError(f"{name} have no severity; leave out --severity")
    own = {one.name for one in restore_fields(run.manifest.settings)}
    known = set(own)
    for group in list_groups():
        known.update(group.path.split("."), (field.name for field in group.fields))
    for field in selection.fields:
        _refuse_field(field, known, own)
    runs = [_Rows(one, selection) for one in (run, since) if one]
    for record_id in selection.records:
        if not any(record_id in rows.record_ids for rows in runs):
            raise ArgumentError(f"{record_id}: no such record in this list")


def _refuse_field(field: str, known: set[str], own: set[str]) -> None:
    """Raise ``ArgumentError`` for a path with an unknown step. Attributes of own fields are not
    checked.
    """
    steps = field.split(".")
    if steps[0] in {*own, "custom"}:
        return
    for step in steps:
        if step not in known:
            raise ArgumentError(f"{field}: no such field{suggest(step, known)}")


def list_rows(
    run: FinishedRun, selection: Selection, since: FinishedRun | None = None
) -> Iterator[ListRow]:
    """Yield the rows of a run in its order; with ``since``, by record those that are new and those
    that are gone.

    Raises ``StoreError`` for a result that cannot be read.
    """
    new = _Rows(run, selection)
    old = _Rows(since, selection) if since else None
    record_ids = new.record_ids
    # a record that failed in the older run alone has a result now
    if old and selection.name == _FAILURES:
        record_ids = record_ids | old.record_ids
    for record_id in record_ids:
        if selection.records and record_id not in selection.records:
            continue
        rows = new.read(record_id)
        yield from _compare(old.read(record_id), rows) if old else rows


class _Rows:
    """The selected rows of a run, by record."""

    def __init__(self, run: FinishedRun, selection: Selection) -> None:
        self._run = run
        self._selection = selection
        self.record_ids = dict.fromkeys(run.record_ids)
        self._failures: dict[str, list[ListRow]] = defaultdict(list)
        if selection.name == _FAILURES:
            for failure in read_failures(run.folder / FAILURES):
                name = name_failed(failure)
                message = (failure.get("message"), None, find_place(failure))
                row = ValueRow(RowKind.FAILURE, name, "", "", *message)
                row = row._replace(reason=failure.get("error"))
                self._failures[name].append(ListRow(row))
            self.record_ids = dict.fromkeys(self._failures)

    def read(self, record_id: str) -> list[ListRow]:
        """Return the rows of a record; none if the run does not have it."""
        is_failure = self._selection.name == _FAILURES
        if is_failure or record_id not in self.record_ids:
            return self._failures[record_id]
        extraction = self._run.read_result(record_id, TrialExtraction)
        rows = []
        findings = 0
        for row in list_values(extraction):
            path = row.path
            if row.kind == RowKind.FINDING:
                path = f"findings[{findings}]"
                findings += 1
            if _is_listed(row, self._selection):
                written = row._replace(value=row.text)
                rows.append(ListRow(written, _make_address(record_id, path)))
        if self._selection.name == "doubts":
            rows += self._list_items(extraction)
        return rows

    def _list_items(self, extraction: TrialExtraction) -> Iterator[ListRow]:
        """Yield the items that are less sure than each of their values: they may be none, or in
        another list.
        """
        least: dict[str, float] = {}
        for row in list_values(extraction):
            if row.confidence is not None:
                known = least.get(row.item, 1)
                least[row.item] = min(known, row.confidence)
        for path, item in extraction.list_items():
            if item.confidence is None or item.confidence >= least.get(path, 1):
                continue
            row = ValueRow(RowKind.VALUE, extraction.record_id, path, "item")
            words = getattr(item, "quote", None) or getattr(item, "measure", None)
            section = getattr(item, "section", None)
            row = row._replace(quote=words, section=section, confidence=item.confidence)
            if _is_listed(row, self._selection):
                yield ListRow(row, _make_address(extraction.record_id, path))


def _make_address(record_id: str, path: str) -> str:
    place = f"{quote(record_id, safe=_PLAIN)}/{quote(path, safe=_PLAIN)}"
    return f"report.html#{place}"


def _is_listed(row: ValueRow, selection: Selection) -> bool:
    """Return whether a row is selected."""
    # the first of the time windows, which has the same reason as their list
    if row.field == "time_window":
        return False
    if selection.severity not in (None, row.severity):
        return False
    if selection.name == "doubts" and not _is_doubt(row):
        return False
    if selection.name in _KINDS and row.kind != _KINDS[selection.name]:
        return False
    return _is_as_sure(row.confidence, selection) and _is_named(row, selection.fields)


def _is_doubt(row: ValueRow) -> bool:
    """Return whether a row may be doubtful: a value with a confidence, or an empty field whose
    text was not understood.
    """
    if row.kind == RowKind.ABSENCE:
        return row.reason not in SETTLED_ABSENCES
    return row.confidence is not None


def _is_as_sure(confidence: float | None, selection: Selection) -> bool:
    """Return whether a confidence is within the bounds; one that is not known is."""
    if confidence is None:
        return True
    below = selection.max_confidence
    if below is None and selection.name == "doubts":
        below = DOUBTFUL_BELOW
    if below is not None and confidence >= below:
        return False
    return confidence >= selection.min_confidence


def _is_named(row: ValueRow, fields: Sequence[str]) -> bool:
    """Return whether one of the fields, or of their ends, is that of a row; all if empty."""
    path = f".{name_field(row.path)}."
    return not fields or any(f".{field}." in path for field in fields)


def _compare(old: list[ListRow], new: list[ListRow]) -> Iterator[ListRow]:
    """Yield the rows of a record that are new and those that are gone. Rows are the same if field,
    value, quote and reason are, wherever their item and their words are now.
    """
    left = Counter(map(_identify, old)) - Counter(map(_identify, new))
    added = Counter(map(_identify, new)) - Counter(map(_identify, old))
    for change, counts, rows in (("new", added, new), ("gone", left, old)):
        for row in rows:
            if counts[_identify(row)] > 0:
                counts[_identify(row)] -= 1
                yield row._replace(change=change)


def _identify(listed: ListRow) -> tuple[str | None, ...]:
    row = listed.row
    return name_field(row.path), row.text, row.quote, row.reason
