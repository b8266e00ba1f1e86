"""The errors and texts of a page as JSON for its script."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from extractor.pages import escape_json, to_utf16
from extractor.parse.parsed import Span
from extractor.schemas import TrialRecord

from .collect import ShownError
from .highlight import Highlights, RecordText, highlight_error

__all__ = ["Payload", "build_payload", "dump_json"]

Json = dict[str, Any]


@dataclass(slots=True)
class Payload:
    """What the script gets: errors, and texts by record and section, only those that an error needs."""

    errors: list[Json]
    texts: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def without_text(self) -> int:
        """Records with errors whose text could not be read."""
        return len({error["record"] for error in self.errors} - self.texts.keys())


def build_payload(errors: Sequence[ShownError], records: Iterable[TrialRecord]) -> Payload:
    """Errors with their marks. ``records`` are read one at a time, and only sections with an error are kept."""
    payload = Payload([_export(error) for error in errors])
    _number(payload.errors)
    places: dict[str, list[int]] = {}
    for position, error in enumerate(errors):
        places.setdefault(error.example.record_id, []).append(position)
    for record in records:
        text, sections = RecordText(record), payload.texts.setdefault(record.record_id, {})
        for position in places[record.record_id]:
            found = highlight_error(errors[position], text)
            sections |= {name: section.text for name in found.sections if (section := record.section(name))}
            payload.errors[position] |= _export_marks(found, record)
    return payload


def dump_json(payload: Payload) -> str:
    r"""JSON that is safe inside a ``script`` element: no character of it can end the element or open a comment.

    >>> dump_json(Payload([], {"A": {"title": "</script>"}}))
    '{"errors":[],"texts":{"A":{"title":"\\u003c/script\\u003e"}}}'
    """
    return escape_json({"errors": payload.errors, "texts": payload.texts})


def _export(error: ShownError) -> Json:
    one = error.example
    return {
        "kind": one.kind.value,
        "harm": one.harm,
        "record": one.record_id,
        "field": one.field,
        "gold": _export_side(one.gold, one.gold_path, one.gold_quote, error.gold_place),
        "predicted": _export_side(one.predicted, one.predicted_path, one.predicted_quote, error.predicted_place),
        "belongsTo": one.belongs_to,
        "provenance": error.provenance,
    }


def _export_side(value: Any, path: str | None, quote: str | None, place: str | None) -> Json:
    return {"value": value, "path": path, "quote": quote, "file": place}


def _number(errors: list[Json]) -> None:
    """Give each error an id that stays the same as long as the error does: links to it go on working."""
    seen: Counter[str] = Counter()
    for error in errors:
        values = [error[side]["value"] for side in ("gold", "predicted")]
        identity = json.dumps([error["record"], error["field"], error["kind"], *values], sort_keys=True)
        name = hashlib.sha256(identity.encode()).hexdigest()[:10]
        seen[name] += 1
        error["id"] = name if seen[name] == 1 else f"{name}-{seen[name]}"


def _export_marks(found: Highlights, record: TrialRecord) -> Json:
    marks = {
        "gold": [_export_span(span, record) for span in found.gold],
        "predicted": [_export_span(span, record) for span in found.predicted],
    }
    return {"marks": marks, "sections": list(found.sections)}


def _export_span(span: Span, record: TrialRecord) -> list[str | int]:
    """Section and offsets as JavaScript counts them, in units of UTF-16."""
    section = record.section(span.section)
    assert section is not None
    return [span.section, *map(to_utf16(section.text), (span.start, span.end))]
