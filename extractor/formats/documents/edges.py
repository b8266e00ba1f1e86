"""Running headers and footers of a PDF: what recurs at the same height near the top or the
bottom of its pages.
"""

import re
from collections import defaultdict
from collections.abc import Sequence

from extractor.formats.documents.lines import Line, Page

_ZONE = 0.1
"""The share of a page's height, at its top and at its bottom, where headers and footers stand."""
_HEIGHT = 3.0
"""Points by which the same header may differ in height."""
_FEWEST = 2
_DIGITS = re.compile(r"\d+")
_PAGE_NUMBER = re.compile(
    r"\W*(?:page\s*)?(?:\d{1,4}|[ivxlc]{1,7})(?:\s*(?:of|/)\s*\d{1,4})?\W*", re.IGNORECASE
)


def find_edges(pages: Sequence[Page]) -> list[set[int]]:
    """Return for each page the numbers of its lines that belong to a header or footer, or are a
    page's number.
    """
    seen: dict[tuple[str, int], set[int]] = defaultdict(set)
    for at, page in enumerate(pages):
        for line in page.lines:
            if _is_in_zone(line, page):
                for height in _heights(line):
                    seen[_words(line), height].add(at)
    return [
        {
            number
            for number, line in enumerate(page.lines)
            if _is_in_zone(line, page) and _is_edge(line, seen)
        }
        for page in pages
    ]


def _is_edge(line: Line, seen: dict[tuple[str, int], set[int]]) -> bool:
    if _PAGE_NUMBER.fullmatch(line.text):
        return True
    return any(len(seen[_words(line), height]) >= _FEWEST for height in _heights(line))


def _words(line: Line) -> str:
    """Return what a line says, without numbers, which count pages."""
    return " ".join(_DIGITS.sub("0", line.text).split())


def _heights(line: Line) -> tuple[int, int]:
    """Return two keys for the height of a line, of which lines that differ by rounding share
    one.
    """
    return round(line.middle / _HEIGHT), -round(line.middle / _HEIGHT + 0.5)


def _is_in_zone(line: Line, page: Page) -> bool:
    return not _ZONE * page.height <= line.middle <= (1 - _ZONE) * page.height
