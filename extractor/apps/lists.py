"""Lists from a run: values, doubts, findings, absences or failures, one per row.

A list is a selection from the table of values (``extractor.apps.values``); failures come from the
runs' ``failures.jsonl``. Doubts are values with low confidence, and empty fields whose text was
not understood. Each row includes its address in the report. If a run is compared with an older
run, a list contains only the rows that were added or removed.

To add a list, add its name to ``cli/list.py`` (type, metavar, help) and to ``Selection``. Select
its rows in ``_is_listed`` or, if it contains all rows of one kind, in ``_KINDS``. Add the options
that it rejects to ``refuse_selection``. The columns are derived from the table of values.
``write_sheet`` from the export writes a file.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import count
from math import inf
from typing import NamedTuple
from urllib.parse import quote

from extractor.apps.report.record import name_field
from extractor.apps.values import (
    RowKind,
    ValueRow,
    drop_same,
    list_all_rows,
    list_less_sure_items,
)
from extractor.errors import ArgumentError
from extractor.run.files import find_place, name_failed
from extractor.run.joined import JoinedRuns
from extractor.schemas import list_groups
from extractor.schemas.arguments import refuse_unknown
from extractor.schemas.vocabulary import DOUBTFUL_BELOW, SETTLED_ABSENCES

_DOUBTS = "doubts"
_FAILURES = "failures"
_KINDS = {
    "values": RowKind.VALUE,
    "findings": RowKind.FINDING,
    "absences": RowKind.ABSENCE,
}
_USUAL_MAXIMUM = {_DOUBTS: DOUBTFUL_BELOW}
"""The bound below which values are listed, unless the user sets another one."""
_PLAIN = "-_.!~*'()[]"
"""Characters other than letters and digits that the report does not escape in addresses."""


class Selection(NamedTuple):
    """The selection of the rows to list.

    Attributes:
        name: The list: values, doubts, findings, absences or failures.
        fields: The fields to list, such as ``amounts`` or ``dosing.amounts``. If it is empty, all
            fields are listed.
        records: The records to list. If it is empty, all records are listed.
        min_confidence: The minimum confidence of the values to list.
        max_confidence: The bound below which values are listed. None means no bound, or 0.85 for
            doubts.
        severity: The severity of the findings to list.
        kind: The kind of the findings to list.
    """

    name: str
    fields: Sequence[str] = ()
    records: Sequence[str] = ()
    min_confidence: float = 0
    max_confidence: float | None = None
    severity: str | None = None
    kind: str | None = None


def refuse_selection(
    selection: Selection, run: JoinedRuns, since: JoinedRuns | None = None
) -> None:
    """Raise ``ArgumentError`` for an unknown field or record, and for an option that does not
    apply to the list. A record is known if the list for ``run``, or for the older run ``since``,
    can contain it.
    """
    name = selection.name
    has_bounds = selection.min_confidence != 0 or selection.max_confidence is not None
    if has_bounds and name not in ("values", _DOUBTS):
        raise ArgumentError(f"{name} have no confidence; remove the confidence bounds")
    if name != "findings" and (selection.severity or selection.kind):
        raise ArgumentError(f"{name} are not findings; remove --severity and --kind")
    _refuse_fields(selection.fields, run)
    listed = _list_ids(run, name)
    if since:
        listed += _list_ids(since, name)
    for record_id in selection.records:
        if record_id not in listed:
            raise ArgumentError(f"{record_id}: no such record in this list")


def _refuse_fields(fields: Sequence[str], run: JoinedRuns) -> None:
    """Raise ``ArgumentError`` for a field that is neither in the schema nor a custom field of the
    run.
    """
    custom = ["custom", *(field.name for field in run.fields)]
    known = dict.fromkeys(
        step
        for group in list_groups()
        for step in (*group.path.split("."), *(field.name for field in group.fields))
    ) | dict.fromkeys(custom)
    for field in fields:
        steps = field.split(".")
        # The attributes of custom fields are not checked.
        if steps[0] not in custom:
            refuse_unknown("field", steps, known)


def list_rows(
    run: JoinedRuns, selection: Selection, since: JoinedRuns | None = None
) -> Iterator[ValueRow]:
    """Yield a run's rows in order or, with ``since``, each record's new and removed rows.

    Raises ``StoreError`` for a result that cannot be read.
    """
    record_ids = _list_ids(run, selection.name)
    # A record that failed only in the older run has a result now.
    if since and selection.name == _FAILURES:
        record_ids += _list_ids(since, selection.name)
    for record_id in dict.fromkeys(record_ids):
        if selection.records and record_id not in selection.records:
            continue
        rows = _list_record(run, record_id, selection)
        if not since:
            yield from rows
            continue
        old = _list_record(since, record_id, selection)
        for row in drop_same(rows, old, _make_content_key):
            yield row._replace(change="new")
        for row in drop_same(old, rows, _make_content_key):
            yield row._replace(change="gone")


def _list_ids(run: JoinedRuns, name: str) -> list[str]:
    """Return the records that a list may contain: the failed records, or those with a result."""
    if name == _FAILURES:
        return list(_list_failures(run))
    return list(run.record_ids)


@lru_cache(2)
def _list_failures(run: JoinedRuns) -> dict[str, list[ValueRow]]:
    """Return a run's failures, keyed by record. The ``section`` of a failure's row is the location
    in the input.
    """
    failures = defaultdict[str, list[ValueRow]](list)
    for failure in run.failures:
        name = name_failed(failure)
        row = ValueRow(
            RowKind.FAILURE,
            name,
            item="",
            field="",
            value=failure.get("message"),
            section=find_place(failure),
            reason=failure.get("error"),
        )
        failures[name].append(row)
    return failures


def _list_record(
    run: JoinedRuns, record_id: str, selection: Selection
) -> list[ValueRow]:
    """Return the selected rows of a record. If the run does not contain the record, return an empty
    list.
    """
    if selection.name == _FAILURES:
        return _list_failures(run).get(record_id, [])
    if record_id not in run.record_ids:
        return []
    extraction = run.read(record_id)
    rows = list(list_all_rows(extraction))
    listed = []
    finding_numbers = count()
    for row in rows:
        path = row.path
        # The report addresses a finding by its number.
        if row.kind == RowKind.FINDING:
            path = f"findings[{next(finding_numbers)}]"
        address = _make_address(record_id, path)
        listed.append(row._replace(value=row.text, address=address))
    if selection.name == _DOUBTS:
        for row in list_less_sure_items(extraction, rows):
            address = _make_address(record_id, row.item)
            listed.append(row._replace(address=address))
    return [row for row in listed if _is_listed(row, selection)]


def _make_address(record_id: str, path: str) -> str:
    place = f"{quote(record_id, safe=_PLAIN)}/{quote(path, safe=_PLAIN)}"
    return f"report.html#{place}"


def _is_listed(row: ValueRow, selection: Selection) -> bool:
    """Return whether a row is selected."""
    if selection.severity not in (None, row.severity):
        return False
    if selection.kind not in (None, row.reason):
        return False
    if selection.name == _DOUBTS and not _can_be_doubtful(row):
        return False
    if selection.name in _KINDS and row.kind != _KINDS[selection.name]:
        return False
    if not _is_within_bounds(row.confidence, selection):
        return False
    # "amounts", "dosing" and "dosing.amounts" all select the field dosing.amounts.
    path = f".{name_field(row.path)}."
    fields = selection.fields
    return not fields or any(f".{field}." in path for field in fields)


def _can_be_doubtful(row: ValueRow) -> bool:
    """Return whether a row may be doubtful, that is, whether it is a value with a confidence or an
    empty field whose text was not understood.
    """
    if row.kind == RowKind.ABSENCE:
        return row.reason not in SETTLED_ABSENCES
    return row.confidence is not None


def _is_within_bounds(confidence: float | None, selection: Selection) -> bool:
    """Return whether a confidence is at least the minimum and below the maximum. An unknown
    confidence is always within the bounds.
    """
    if confidence is None:
        return True
    below = selection.max_confidence
    if below is None:
        below = _USUAL_MAXIMUM.get(selection.name, inf)
    return selection.min_confidence <= confidence < below


def _make_content_key(row: ValueRow) -> tuple[str | None, ...]:
    """Return a key that is equal for two rows with the same content, even if the item or its words
    have moved.
    """
    return name_field(row.path), row.text, row.quote, row.reason
