"""Name the texts of a column of pandas by the labels of its index, and give the labels back."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from extractor.errors import ArgumentError
from extractor.plurals import counted

_NAMED = 5
"""Most labels named in a message."""


class RowNames(NamedTuple):
    """The record ids of a column's texts, and which of them stand for a label that is missing."""

    ids: list[str]
    unlabelled: list[str]


def is_column(given: Any) -> bool:
    """Return whether a column of pandas is given, whose index names the rows."""
    return hasattr(given, "iloc") and not hasattr(given, "columns")


def name_rows(column: Any) -> RowNames:
    """Return the record id of each text in a column: its label, or ``text-3`` for the third row if
    that has no label.

    Raises ``ArgumentError`` with the labels that several rows have: a table could not tell them
    apart.

    >>> import pandas as pd
    >>> name_rows(pd.Series(["Adults", "Children"], index=["A", None]))
    RowNames(ids=['A', 'text-2'], unlabelled=['text-2'])
    """
    # An index of several columns has tuples as labels, none of which is missing.
    labels = column.index.to_flat_index()
    ids: list[str] = []
    unlabelled: list[str] = []
    for number, (label, is_missing) in enumerate(
        zip(labels, labels.isna(), strict=True), 1
    ):
        if is_missing:
            unlabelled.append(f"text-{number}")
            ids.append(f"text-{number}")
        else:
            ids.append(str(label))
    doubled = [label for label, count in Counter(ids).items() if count > 1]
    if doubled:
        raise ArgumentError(
            f"given: several rows have one label in the index ({show_some(doubled)}), so that "
            "their values could not be told apart; make the labels distinct, such as by "
            "column.reset_index(drop=True)"
        )
    return RowNames(ids, unlabelled)


def explain_unlabelled(names: RowNames) -> str | None:
    """Return what to tell of rows without a label; None without such rows."""
    if not names.unlabelled:
        return None
    return (
        f"no label in the index for {len(names.unlabelled)} of {counted(len(names.ids), 'row')}; "
        f"the record_id is the number of the row ({show_some(names.unlabelled)})"
    )


def restore_labels(frame: Any, column: Any, names: RowNames) -> Any:
    """Return a data frame of pandas with whole numbers as ``record_id`` if the column's labels are
    such, so that it can be merged.

    >>> import pandas as pd
    >>> column = pd.Series(["Adults"], index=[7])
    >>> frame = pd.DataFrame({"record_id": ["7"]})
    >>> restore_labels(frame, column, name_rows(column))["record_id"].tolist()
    [7]
    """
    has_numbers = getattr(column.index.dtype, "kind", "") in ("i", "u")
    if not has_numbers or names.unlabelled or "record_id" not in frame:
        return frame
    return frame.assign(record_id=frame["record_id"].astype(column.index.dtype))


def show_some(names: Iterable[str], most: int = _NAMED) -> str:
    """Return the first names, and how many more there are.

    >>> show_some("abc"), show_some("abc", most=2)
    ('a, b, c', 'a, b and 1 more')
    """
    listed = list(names)
    shown = ", ".join(listed[:most])
    more = len(listed) - most
    return f"{shown} and {more:,} more" if more > 0 else shown
