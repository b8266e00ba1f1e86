"""Where the words of items stand in their record, to be marked there."""

from collections.abc import Callable, Iterator
from typing import Any

from extractor.evaluation.highlight import Clue
from extractor.evaluation.highlight import RecordText
from extractor.evaluation.standoff import name_outcome
from extractor.pages import to_utf16
from extractor.parse.parsed import Span
from extractor.schemas import Citation, Evidence, Rank

from .draft import DraftItem
from .items import ItemKind, Json

__all__ = ["Mark", "RecordMarks"]

Mark = tuple[str, str, int, int]
"""Field, section, and offsets as JavaScript counts them."""

_QUOTES = {
    ItemKind.PEOPLE: (),
    ItemKind.CRITERION: ("quote", "lead_in", "time_window"),
    ItemKind.REGIMEN: ("quote", "agent", "timing"),
    ItemKind.ENDPOINT: (
        *("measure", "description", "time_frame", "start_event", "end_events", "specimens", "methods", "instrument"),
    ),
}


class RecordMarks:
    """Finds the words of one record's items."""

    def __init__(self, text: RecordText) -> None:
        self._text = text
        self._offsets: dict[str, Callable[[int], int]] = {
            section.name: to_utf16(section.text) for section in text.record.sections
        }
        self._found: dict[tuple[Clue, Span | None], Span | None] = {}

    def list_marks(self, item: DraftItem) -> list[Mark]:
        """The evidence of what is as it was predicted, and the quotes of what is not."""
        base = item.base
        # What is not stated has evidence too, of where it was looked for: that is no mark.
        kept = {name for name, value in item.value.items() if value and base and base.value.get(name) == value}
        proof = [one for one in (base.evidence if base else ()) if _field(one) in kept]
        marks = [(_field(one), Span(one.section, one.start, one.end)) for one in proof]
        proven = {name for name, _ in marks}
        marks += [pair for pair in self._locate_quotes(item) if pair[0] not in proven]
        return [(name, *place) for name, span in marks if (place := self.export(span))]

    def list_starts(self) -> dict[str, list[int]]:
        """By section: where its items begin, in units of UTF-16, if it holds several in one text."""
        found: dict[str, set[int]] = {}
        for name, span in self._text.places.items():
            if name.endswith("]"):
                found.setdefault(span.section, set()).add(self._offsets[span.section](span.start))
        return {section: sorted(starts) for section, starts in found.items() if len(starts) > 1}

    def export(self, span: Span | Citation) -> tuple[str, int, int] | None:
        """Section and offsets as JavaScript counts them; None for what stands in no section."""
        turn = self._offsets.get(span.section)
        return (span.section, turn(span.start), turn(span.end)) if turn else None

    def _locate_quotes(self, item: DraftItem) -> Iterator[tuple[str, Span]]:
        section = _name_section(item.value)
        near = self._locate(section, item.value.get("quote") or item.value.get("measure"), None)
        for name in _QUOTES[item.kind]:
            for quote in _read_quotes(item.value.get(name)):
                if span := self._locate(section, quote, near):
                    yield name, span

    def _locate(self, section: str | None, quote: Any, near: Span | None) -> Span | None:
        if section is None or not isinstance(quote, str) or not quote.strip():
            return None
        key = (Clue(section, quote), near)
        if key not in self._found:
            self._found[key] = self._text.locate(key[0], (near,) if near else ())
        return self._found[key]


def _field(evidence: Evidence) -> str:
    return evidence.field.partition("[")[0].partition(".")[0]


def _name_section(value: Json) -> str | None:
    rank, index, section = value.get("rank"), value.get("index"), value.get("section")
    if rank in {one.value for one in Rank} and isinstance(index, int):
        return name_outcome(Rank(rank), index)
    return section if isinstance(section, str) else None


def _read_quotes(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    return [value.get("quote") or value.get("name") if isinstance(value, dict) else value]
