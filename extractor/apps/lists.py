"""Lists from a run: values, doubts, findings, absences or failures, one per row.

A list is a selection from the table of values (``extractor.apps.values``); failures come from the
runs' ``failures.jsonl``. Each row includes its address in the report. If a run is compared with an
older run, a list contains only the rows that were added or removed.

To add a list, add its name to ``cli/list.py`` (type, metavar, help) and to ``Selection``. Select
its rows in ``_is_listed``, unless it contains all rows of the kind that it is named after. Add the
options that it rejects to ``refuse_selection``. The columns are derived from the table of values.
``write_sheet`` from the export writes a file.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import count
from math import inf
from typing import NamedTuple
from urllib.parse import quote

from extractor.apps.export import tabulate
from extractor.apps.report.record import name_field
from extractor.apps.values import (
    RowKind,
    ValueRow,
    drop_same,
    list_all_rows,
    name_doubt,
)
from extractor.errors import ArgumentError
from extractor.face import JoinedRuns, find_place, name_failed
from extractor.schemas import list_groups
from extractor.schemas.arguments import refuse_unknown
from extractor.schemas.values import UNPROVEN
from extractor.schemas.vocabulary import DOUBTFUL_BELOW

_DOUBTS = "doubts"
_FAILURES = "failures"
_UNLISTED = {*UNPROVEN, "time_window"}
"""Fields without rows. The first time window is also in the list of time windows."""
_PLAIN = "-_.!~*'()[]"
"""Characters other than letters and digits that the report does not escape in addresses."""


DOSE_COLUMNS = (
    "record_id",
    "arm",
    "agent",
    "step",
    "low",
    "high",
    "unit",
    "condition",
    "maximum",
    "route",
    "frequency",
    "duration_value",
    "duration_unit",
    "timing",
    "confidence",
    "told",
)
"""The columns of a list of doses: those of the table ``doses``, and the dose in words."""


def list_doses(
    run: JoinedRuns, records: Sequence[str] = (), min_confidence: float = 0
) -> Iterator[dict[str, object]]:
    """Yield the rows of the table ``doses`` that have an agent, with the dose in words (``told``).
    ``records`` are the records to list, by default all.
    """
    for record_id in run.record_ids:
        if records and record_id not in records:
            continue
        for row in tabulate([run.read(record_id)])["doses"]:
            if not row["agent"]:
                continue
            # a row without a confidence is listed if any confidence is enough
            confidence = row["confidence"] or 0
            assert isinstance(confidence, int | float)
            if confidence >= min_confidence:
                yield row | {"told": _tell_dose(row)}


def _tell_dose(row: Mapping[str, object]) -> str:
    """Return a dose in words: "step 2: 200 mg (weight < 30 kg), at most ..., Q4W"."""
    amount = _tell_amount(row)
    if row["condition"]:
        amount = f"{amount} ({row['condition']})".strip()
    parts: list[object] = [amount]
    if row["maximum"]:
        parts.append(f"at most {row['maximum']}")
    parts.append(row["route"])
    parts.append(row["frequency"])
    if row["as_needed"]:
        parts.append("as needed")
    if row["duration_value"] is not None:
        parts.append(f"for {row['duration_value']:g} {row['duration_unit']}")
    parts.append(row["timing"])
    told = ", ".join(str(part) for part in parts if part)
    if row["step"]:
        return f"step {row['step']}: {told}"
    return told


def _tell_amount(row: Mapping[str, object]) -> str:
    """Return the amount of a dose in words: "200 mg", "100-200 mg" or "up to 200 mg"; "" without
    one.
    """
    low = row["low"]
    high = row["high"]
    numbers = [f"{one:g}" for one in (low, high) if isinstance(one, int | float)]
    if not numbers:
        return ""
    # a single amount is both its lowest and its highest
    amount = f"{'-'.join(dict.fromkeys(numbers))} {row['unit']}"
    if low is None:
        return f"up to {amount}"
    return amount


def refuse_records(records: Sequence[str], run: JoinedRuns) -> None:
    """Raise ``ArgumentError`` for a record without a result."""
    known = set(run.record_ids)
    for record_id in records:
        if record_id not in known:
            raise ArgumentError(f"{record_id}: no such record in this list")


class Selection(NamedTuple):
    """The selection of the rows to list.

    Attributes:
        name: The list: values, doubts, findings, absences or failures.
        fields: The fields to list, such as ``amounts`` or ``dosing.amounts``. If it is empty, all
            fields are listed.
        records: The records to list. If it is empty, all records are listed.
        min_confidence: The minimum confidence of the values to list.
        max_confidence: The bound below which values are listed. With either bound, rows without a
            confidence are left out.
        severity: The severity of the findings to list.
        kind: The kind of the findings to list.
    """

    name: str
    fields: Sequence[str] = ()
    records: Sequence[str] = ()
    min_confidence: float = 0
    max_confidence: float = inf
    severity: str | None = None
    kind: str | None = None

    @property
    def has_bounds(self) -> bool:
        """Whether rows are selected by their confidence."""
        return (self.min_confidence, self.max_confidence) != (0, inf)


def refuse_selection(
    selection: Selection, run: JoinedRuns, since: JoinedRuns | None = None
) -> None:
    """Raise ``ArgumentError`` for an unknown field or record, and for an option that does not
    apply to the list. A record is known if the list for ``run``, or for the older run ``since``,
    can contain it.
    """
    name = selection.name
    if selection.has_bounds and name not in ("values", _DOUBTS):
        raise ArgumentError(f"{name} have no confidence; remove the confidence bounds")
    bounds = (selection.min_confidence, selection.max_confidence)
    is_above_doubt = any(DOUBTFUL_BELOW < bound < inf for bound in bounds)
    if name == _DOUBTS and is_above_doubt:
        raise ArgumentError(
            f"a doubt has a confidence below {DOUBTFUL_BELOW}; to select other values, list values"
        )
    is_of_findings = bool(selection.severity or selection.kind)
    if is_of_findings and name != "findings":
        raise ArgumentError(f"{name} are not findings; remove --severity and --kind")
    _refuse_fields(selection.fields, run)
    listed = _list_ids(run, name)
    if since:
        listed += _list_ids(since, name)
    for record_id in selection.records:
        if record_id not in listed:
            raise ArgumentError(f"{record_id}: no such record in this list")


def _refuse_fields(fields: Sequence[str], run: JoinedRuns) -> None:
    """Raise ``ArgumentError`` for a field that no row of the run can have."""
    paths: list[str] = []
    for group in list_groups():
        paths.append(f"{group.path}.item")
        listed = [one.name for one in group.fields if one.name not in _UNLISTED]
        paths += [f"{group.path}.{name}" for name in listed]
    paths.append("record")
    paths += [f"custom.{own.name}" for own in run.fields]
    names: dict[str, None] = {}
    for path in paths:
        names |= dict.fromkeys(path.split("."))
    for given in fields:
        is_known = any(_is_part(given, path) for path in paths)
        if is_known:
            continue
        # the message names what could have been meant: paths for a path, names for a name
        if "." in given:
            refuse_unknown("field", [given], paths)
        else:
            refuse_unknown("field", [given], names)


def _is_part(field: str, path: str) -> bool:
    """Return whether a field selects a path. "amounts", "dosing" and "dosing.amounts" all select
    the path dosing.amounts.
    """
    return f".{field}." in f".{path}."


def list_rows(
    run: JoinedRuns,
    selection: Selection,
    since: JoinedRuns | None,
    unrated: list[ValueRow],
) -> Iterator[ValueRow]:
    """Yield a run's rows in order or, with ``since``, each record's new and removed rows. The rows
    that confidence bounds leave out because they have no confidence are added to ``unrated``.

    Raises ``StoreError`` for a result that cannot be read.
    """
    record_ids = _list_ids(run, selection.name)
    # A record that failed only in the older run has a result now.
    if since and selection.name == _FAILURES:
        record_ids += _list_ids(since, selection.name)
    for record_id in dict.fromkeys(record_ids):
        if selection.records and record_id not in selection.records:
            continue
        rows = _list_record(run, record_id, selection, unrated)
        if not since:
            yield from rows
            continue
        old = _list_record(since, record_id, selection, unrated)
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
    run: JoinedRuns,
    record_id: str,
    selection: Selection,
    unrated: list[ValueRow],
) -> list[ValueRow]:
    """Return the selected rows of a record, and add those that are left out because they have no
    confidence to ``unrated``. If the run does not contain the record, return an empty list.
    """
    if selection.name == _FAILURES:
        return _list_failures(run).get(record_id, [])
    if record_id not in run.record_ids:
        return []
    listed = []
    finding_numbers = count()
    for row in list_all_rows(run.read(record_id)):
        path = row.path
        # The report addresses a finding by its number, and an item by its own path.
        if row.kind is RowKind.FINDING:
            path = f"findings[{next(finding_numbers)}]"
        elif row.kind is RowKind.ITEM:
            path = row.item
        if not _is_listed(row, selection):
            continue
        if selection.has_bounds and row.confidence is None:
            unrated.append(row)
            continue
        confidence = row.confidence or 0
        if selection.min_confidence <= confidence < selection.max_confidence:
            record_part = quote(record_id, safe=_PLAIN)
            row_part = quote(path, safe=_PLAIN)
            address = f"report.html#{record_part}/{row_part}"
            listed.append(row._replace(value=row.text, address=address))
    return listed


def _is_listed(row: ValueRow, selection: Selection) -> bool:
    """Return whether a row is selected, except by its confidence."""
    if selection.severity not in (None, row.severity):
        return False
    if selection.kind not in (None, row.reason):
        return False
    is_of_list = f"{row.kind}s" == selection.name
    if selection.name == _DOUBTS:
        is_of_list = name_doubt(row) is not None
    if not is_of_list:
        return False
    if not selection.fields:
        return True
    path = name_field(row.path)
    return any(_is_part(field, path) for field in selection.fields)


def _make_content_key(row: ValueRow) -> tuple[str | None, ...]:
    """Return a key that is equal for two rows with the same content, even if the item or its words
    have moved.
    """
    return name_field(row.path), row.text, row.quote, row.reason
