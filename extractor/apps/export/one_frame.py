"""All values of extractions in one table: a row a value, with the words that support it."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from extractor.apps.export.cells import RAW_QUOTE
from extractor.apps.export.columns import Column, Row
from extractor.apps.export.tables import Table
from extractor.language.shown import show_line
from extractor.schemas import ExtractedItem, TrialExtraction
from extractor.schemas.values import Value, list_all_values

_KEYS = (
    Column("record_id", "The record."),
    Column("field", "Path of the value, such as dosing[0].amounts[0]."),
)
_VALUES = (
    Column("value", "The value on one line."),
    Column("quote", "The words that support it; joined by … if they stand apart."),
    RAW_QUOTE,
    Column("section", "The section of the first words."),
    Column("char_start", "First character of the first words.", "integer"),
    Column("char_end", "One past their last character.", "integer"),
    Column("origin", "Who found the value: rule, model or both."),
    Column("support", "How it follows from the words."),
    Column("confidence", "The probability that it is right.", "number"),
)
VALUES = Table("values", None, _KEYS, _VALUES)
"""The table; its rows are those of ``list_rows``."""


def list_rows(extractions: Iterable[TrialExtraction]) -> Iterator[Row]:
    """Yield a row for each value, in the order of the extractions and their items.

    >>> extraction = TrialExtraction.model_validate(
    ...     {"record_id": "A", "eligibility": {"sex": "male"}}
    ... )
    >>> [row[:3] for row in list_rows([extraction])]
    [('A', 'eligibility.sex', 'male')]
    """
    for extraction in extractions:
        for value, item in list_all_values(extraction):
            yield (extraction.record_id, *_describe(value, item))


def _describe(value: Value, item: ExtractedItem) -> Row:
    """Return the cells of a value, in the order of the columns but the first. Gold has a path, a
    value and the confidence of its item alone.
    """
    written = _write(value.value)
    # Gold has no evidence.
    if not value.evidence:
        nothing = [None] * 7
        return (value.path, written, *nothing, item.confidence)
    first = value.evidence[0]
    raw = " … ".join(dict.fromkeys(piece.quote for piece in value.evidence))
    quote = show_line(raw)
    least = item.confidence
    confidences = [piece.confidence for piece in value.evidence]
    counted = [confidence for confidence in confidences if confidence is not None]
    if counted:
        # Words that stand apart are as sure as the least of them.
        least = min(counted)
    # The column of the raw quote is empty where the clean one is the same.
    raw_quote = None if raw == quote else raw
    return (
        value.path,
        written,
        quote,
        raw_quote,
        first.section,
        first.start,
        first.end,
        first.origin.value,
        first.support.value,
        least,
    )


def _write(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return show_line(str(value))
