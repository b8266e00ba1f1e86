"""The text of a record as a page shows it: whole, or the quotes alone where the text is not at hand."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from extractor.ground.rederive import list_items
from extractor.pages import to_utf16
from extractor.schemas import Citation, Evidence, RegistryFields, TrialExtraction, TrialRecord

__all__ = ["ShownText", "show_quotes", "show_text"]

_GAP = " … "
_REGISTRY = "registry."
_Quoted = Evidence | Citation


@dataclass(frozen=True, slots=True)
class _Section:
    """``text`` holds ``pieces`` of the raw text: where each starts there, and where it starts here."""

    number: int
    text: str
    pieces: tuple[tuple[int, int], ...] = ((0, 0),)

    def place(self, offset: int) -> int:
        """The first character of a quote in the raw text as one in what is shown."""
        position = bisect_right(self.pieces, offset, key=itemgetter(0)) - 1
        raw, here = self.pieces[position]
        return here + offset - raw


class ShownText:
    """Sections by name, in the order in which they are shown."""

    def __init__(self, sections: dict[str, _Section]) -> None:
        self._sections = sections
        self._units = {name: to_utf16(section.text) for name, section in sections.items()}

    def export(self) -> list[dict[str, Any]]:
        """Name and text of each section."""
        return [{"name": name, "text": section.text} for name, section in self._sections.items()]

    def place(self, quoted: _Quoted) -> list[int] | None:
        """Number of the section, first character and the one past the last, in units of UTF-16; None if not there."""
        section = self._sections.get(quoted.section)
        if section is None or quoted.start >= quoted.end:
            return None
        units = self._units[quoted.section]
        start = section.place(quoted.start)
        return [section.number, units(start), units(start + quoted.end - quoted.start)]


def show_text(record: TrialRecord) -> ShownText:
    """All sections of a record, and the structured fields of the registry that hold something."""
    texts = {section.name: section.text for section in record.sections}
    fields = {name: record.registry.text(name) for name in RegistryFields.model_fields}
    texts |= {_REGISTRY + name: text for name, text in fields.items() if text}
    return ShownText({name: _Section(number, text) for number, (name, text) in enumerate(texts.items())})


def show_quotes(extraction: TrialExtraction) -> ShownText:
    """What an extraction quotes of each section, in the order of the text, with dots where something is left out."""
    quotes: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for one in _list_quoted(extraction):
        quotes[one.section].append((one.start, one.quote))
    return ShownText({name: _join(number, parts) for number, (name, parts) in enumerate(quotes.items())})


def _list_quoted(extraction: TrialExtraction) -> Iterator[_Quoted]:
    for _, item in list_items(extraction):
        yield from item.evidence
    for finding in extraction.findings:
        yield from finding.citations


def _join(number: int, quotes: Iterable[tuple[int, str]]) -> _Section:
    """Quotes that overlap or touch become one piece."""
    text, pieces, end = "", list[tuple[int, int]](), -1
    for start, quote in sorted(quotes, key=lambda pair: (pair[0], -len(pair[1]))):
        if start > end:
            text += _GAP if pieces else ""
            pieces.append((start, len(text)))
            text, end = text + quote, start + len(quote)
        elif start + len(quote) > end:
            text, end = text + quote[end - start :], start + len(quote)
    return _Section(number, text, tuple(pieces))
