"""Headers and footers of pages within a list of criteria."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from extractor.concepts.criteria.lines import Line
from extractor.language.book import rule
from extractor.language.page_edges import is_page_edge

_DIGITS = re.compile(r"\d+")
_LONGEST = 160


def find_furniture(lines: Sequence[Line]) -> Iterator[Line]:
    """Yield the lines that are the edge of a page, or that recur and look like one.

    An item of the list is never one, nor is what may be its heading in both lists ("Donors:").
    """
    plain = [line for line in lines if not line.bullet and line.end - line.start <= _LONGEST]
    said = {line.start: _fold(line) for line in plain}
    counts = Counter(said.values())
    for line in plain:
        recurs = counts[said[line.start]] > 1 and rule("page_word").search(line.tokens) is not None
        names_page = recurs and rule("page_mark").search(line.tokens) is not None
        if names_page or is_page_edge(line.tokens):
            yield line


def _fold(line: Line) -> str:
    """Return a line's words without the numbers, which count pages."""
    return _DIGITS.sub("#", " ".join(line.section.raw[line.start : line.end].split()))
