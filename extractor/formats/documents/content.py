"""The content of a document, or the reason why the document cannot be read."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from extractor.formats.contents import find_contents, find_headings
from extractor.formats.documents.limits import MAX_DOCUMENT_CHARACTERS

_NUMBER = re.compile(r"\d{1,2}(?:\.\d{1,2}){0,5}(?=\.?\s+[A-Z]|\.?[A-Z][a-z])")
_PROSE_END = re.compile(r"[.;,!?]\W{0,3}\Z")
_OBJECTIVE = re.compile(r"(?:[-•*]|\d{1,2}[.)])?\s*To [a-z]")
"""The start of an objective: "To show that"."""
_LABEL_CHARACTERS = 80
_DEEPEST = 6
"""The number of heading levels in Markdown."""


class DocumentProblem(Exception):
    """The reason why a document cannot be read, and a remedy."""

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem = problem
        self.remedy = remedy
        super().__init__(problem, remedy)


@dataclass(frozen=True, slots=True)
class DocumentContent:
    """The text of a document in reading order, with its layout.

    Attributes:
        text: The text without running headers and footers. The cells of a table row are separated
            by tabs, and headings are written as in Markdown.
        pages: The offset at which each page begins; empty for Word files, which have no pages.
        empty_pages: The numbers of the pages without text, counted from 1.
        running: The number of lines in running headers and footers, which the text does not have.
    """

    text: str
    pages: tuple[int, ...] = ()
    empty_pages: tuple[int, ...] = ()
    running: int = 0


def write_content(
    lines: Sequence[str],
    ranks: Sequence[int],
    pages: Sequence[int] = (),
    empty_pages: Sequence[int] = (),
    running: int = 0,
) -> DocumentContent:
    r"""Return the content of a document with these lines. Raises ``DocumentProblem`` if the lines
    have too many characters.

    Args:
        lines: The lines.
        ranks: The rank of each line as a heading, according to its style or font: 1 for the
            highest rank, or 0 for a line that is not a heading.
        pages: The index of the first line of each page.
        empty_pages: The numbers of the pages without text.
        running: The number of lines in running headers and footers.

    >>> write_content(["3.1 Inclusion criteria", "Age", "Adults"], [1, 1, 0]).text
    '## 3.1 Inclusion criteria\n### Age\nAdults\n'
    """
    ranks = find_headings(lines, ranks, find_contents(lines))
    shown = list(_mark_headings(lines, ranks))
    starts = [0, *accumulate(len(line) + 1 for line in shown)]
    if starts[-1] > MAX_DOCUMENT_CHARACTERS:
        raise DocumentProblem(
            f"a document of more than {MAX_DOCUMENT_CHARACTERS:,} characters",
            "save only the part that describes eligibility, treatment and outcomes",
        )
    return DocumentContent(
        "".join(f"{line}\n" for line in shown),
        tuple(starts[number] for number in pages),
        tuple(empty_pages),
        running,
    )


def join_cells(cells: Sequence[Sequence[str]]) -> list[str] | None:
    """Return the lines of a table row, whose cells are lists of paragraphs. The cells are joined by
    tabs. Beside an objective, each paragraph is a cell of its own; beside any other short label,
    None is returned, because each paragraph is a line.
    """
    first, *others = cells
    if len(others) == 1 and len(others[0]) > 1:
        if _OBJECTIVE.match(first[0] if first else ""):
            return ["\t".join([" ".join(first), *others[0]])]
        if len(first) == 1 and len(first[0]) <= _LABEL_CHARACTERS:
            return None
    return ["\t".join(" ".join(cell) for cell in cells)]


def _mark_headings(lines: Sequence[str], ranks: Sequence[int]) -> Iterator[str]:
    """Yield the lines, with headings in Markdown syntax. The level of a numbered heading is
    determined by its number. An unnumbered heading is placed below the last numbered heading by as
    many levels as its rank indicates.
    """
    depth = 0
    for line, rank in zip(lines, ranks, strict=True):
        if not rank or _PROSE_END.search(line):
            yield line
            continue
        number = _NUMBER.match(line)
        level = depth + rank
        if number:
            depth = number[0].count(".") + 1
            level = depth
        # the number and the title may be two cells
        title = line.replace("\t", " ")
        yield f"{'#' * min(level, _DEEPEST)} {title}"
