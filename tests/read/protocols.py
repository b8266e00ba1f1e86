"""An invented protocol of 100 pages, as lines of its pages."""

import tomllib
from pathlib import Path

from .pdfs import Text, set_lines, write_pdf

_DATA = tomllib.loads(Path(__file__).with_name("protocol.toml").read_text("utf-8"))
OUTLINE = _DATA["outline"]
_PROSE = "The study staff follow the manual of operations at each visit and record it."
_PAGES_A_CHAPTER = 5


def write_protocol(
    *, synopsis: bool = False, running: bool = True, leader: str = " ..... "
) -> bytes:
    """Return the protocol as a PDF: a title page, a table of contents, and five pages a section."""
    title_page = [
        "A Phase 3 Trial of Fictumab in Plaque Psoriasis",
        "Protocol FIC-301",
        "Sponsor: Example University",
    ]
    entries = [
        f"{number} {title}{leader}{page}"
        for page, (number, title, _) in enumerate(OUTLINE, 3)
    ]
    pages = [title_page, ["# Table of Contents", *entries]]
    for number, title, lines in OUTLINE:
        heading = f"# {number} {title}"
        if synopsis and title == "Protocol Synopsis":
            pages.append([heading, *_DATA["synopsis"], *[_PROSE] * 3])
        elif lines:
            pages.append([heading, *lines])
        else:
            pages.append([heading, *[_PROSE] * 3])
            pages += [[_PROSE] * 20] * (_PAGES_A_CHAPTER - 1)
    placed = [set_lines(lines) for lines in pages]
    if running:
        placed = [
            [*_frame(number, len(placed)), *page]
            for number, page in enumerate(placed, 1)
        ]
    return write_pdf(placed)


def _frame(page: int, pages: int) -> list[Text]:
    return [
        Text(72, 805, "Protocol FIC-301 Version 2.0", size=9),
        Text(72, 30, f"Confidential Page {page} of {pages}", size=9),
    ]
