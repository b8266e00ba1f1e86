r"""The tables of a text as lines: cells of a row whose first cell is a heading get lines of their
own, and columns that are sections follow each other. A map leads back to the text that was given.

>>> laid = lay_out("Inclusion criteria\tExclusion criteria\nAdults\tGout\n")
>>> laid.text
'Inclusion criteria\nAdults\nExclusion criteria\nGout'
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

from extractor.formats.headings import ELIGIBILITY, RANKS, VOCABULARY, name_section
from extractor.language.book import read_text, rule
from extractor.language.passage import read_passage
from extractor.language.wrapping import runs_on
from extractor.outline import Block, BlockKind
from extractor.outline.headings import Heading, find_heading
from extractor.schemas import Piece

Span = tuple[int, int]
"""Half-open offsets into a text."""
LINE = re.compile(r"[^\r\n]+")
_ANY_LINE = re.compile(r"(?:\A|(?<=\n)|(?<=\r)(?!\n))[^\r\n]*")
_BORDER = re.compile(r"\|[ \t|]*|\t[ \t]*(?:\|[ \t|]*)?")
_MARK = re.compile(r"\W{0,2}(?:\w{1,3}|)[.)]?")
_RULE = re.compile(r"[\s|:=+-]+")
_LONGEST_HEADING = 200
_MOST_COLUMNS = 4
_SHORT = 25
_NARROWEST = 60
"""The fewest characters in a line that was wrapped before a word with a capital."""
_BREAK = re.compile(
    r"(?:(?<![\w-])(?P<word>[a-z]{2,40})-(?=[ \t]*\n\s*[a-z]))?(?<![ \t])[ \t]*+\n\s*+"
)
_WORD = re.compile(r"(?<![\w-])[a-z]{2,40}(?!-?\w|-[ \t]*\n)")
_SOFT = "\u00ad"


@dataclass(slots=True)
class LaidOut:
    """A text in lines. ``starts`` and ``places`` say from where on which character of the given
    text is at which of this one, ``labels`` where rows with an unknown label begin.
    """

    text: str = ""
    starts: list[int] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    labels: set[int] = field(default_factory=set)

    def find_place(self, at: int) -> int:
        """Return where a character stands in the given text."""
        number = max(0, bisect_right(self.starts, at) - 1)
        return self.places[number] + at - self.starts[number]

    def restore(self, text: str, given: str) -> str:
        """Return the given text with the characters of ``text``, a change of this one, in their
        places.
        """
        signs = list(given)
        ends = [*(start - 1 for start in self.starts[1:]), len(text)]
        for start, end, place in zip(self.starts, ends, self.places, strict=True):
            signs[place : place + end - start] = text[start:end]
        return "".join(signs)

    def list_pieces(self, start: int, end: int, at: int) -> Iterator[Piece]:
        """Yield the pieces of a range of the text that is to stand at ``at``."""
        number = max(0, bisect_right(self.starts, start) - 1)
        while number < len(self.starts) and self.starts[number] < end:
            first = max(self.starts[number], start)
            yield Piece(start=at + first - start, at=self.find_place(first))
            number += 1


class _Row(NamedTuple):
    """A line of the text, its cells, and the headings that these are."""

    span: Span
    cells: list[Span]
    headings: list[Heading | None]

    @property
    def is_alone(self) -> bool:
        """Whether it is a line outside of a table."""
        return len(self.cells) < 2

    @property
    def names(self) -> list[str]:
        """The names of headings behind which nothing follows."""
        return [one.name for one in self.headings if one and one.is_whole]

    @property
    def is_of_columns(self) -> bool:
        """Whether it may be below headings of columns; a rank alone divides all of them."""
        if self.is_alone:
            return not RANKS.keys().isdisjoint(self.names)
        return len(self.names) < 2

    @property
    def is_labelled(self) -> bool:
        """Whether its first cell is the heading of the others."""
        first = self.headings[:1]
        return not self.is_alone and first[0] is not None and first[0].is_whole

    def list_spans(self) -> list[Span]:
        """Return its lines: a heading and the rest, cells one of which is a heading, or all."""
        if self.is_alone:
            return [self.span]
        if self.is_labelled:
            return [self.cells[0], (self.cells[1][0], self.cells[-1][1])]
        if any(self.headings):
            return self.cells
        # no row continues another
        return [self.span, (self.span[1], self.span[1])]


def lay_out(text: str) -> LaidOut:
    """Return a text in lines."""
    if not any(sign in text for sign in "\t|\r"):
        return LaidOut(text, [0], [0])
    spans: list[Span] = []
    labels: list[int] = []
    columns: list[list[Span]] = []
    is_labelled = False
    for row in _list_rows(text):
        if columns and row.is_of_columns:
            cells = row.cells * len(columns) if row.is_alone else row.cells
            for column, cell in zip(columns, cells, strict=False):
                column.append(cell)
            continue
        spans += chain.from_iterable(columns)
        columns = []
        if len(row.names) > 1:
            columns = [[cell] for cell in row.cells]
            continue
        is_labelled = row.is_labelled or (is_labelled and not row.is_alone)
        if is_labelled and not any(row.headings):
            labels.append(len(spans))
        spans += row.list_spans()
    spans += chain.from_iterable(columns)
    return _put_together(text, spans, labels)


def _list_rows(text: str) -> Iterator[_Row]:
    """Yield the lines of a text, without borders of tables and names of columns."""
    for line in _ANY_LINE.finditer(text):
        is_border = "|" in line[0] and _RULE.fullmatch(line[0])
        cells = _list_cells(text, *line.span())
        if not is_border and not names_columns(text, cells):
            shown = [text[slice(*cell)] for cell in cells[:_MOST_COLUMNS]]
            yield _Row(line.span(), cells, list(map(_find_heading, shown)))


def _put_together(text: str, spans: Sequence[Span], labels: Sequence[int]) -> LaidOut:
    laid = LaidOut("\n".join(text[slice(*span)] for span in spans))
    starts: list[int] = []
    at = 0
    done = -1
    for start, end in spans:
        starts.append(at)
        if done < 0 or text[done:start] != "\n":
            laid.starts.append(at)
            laid.places.append(start)
        at += end - start + 1
        done = end
    laid.labels = {starts[number] for number in labels}
    return laid


def _find_heading(cell: str) -> Heading | None:
    """Return the heading that a cell is, or that begins a list of criteria in it."""
    if len(cell) > _LONGEST_HEADING:
        return None
    heading = find_heading(read_passage(cell), VOCABULARY)
    is_list = heading and name_section(heading.name) == ELIGIBILITY
    return heading if heading and (heading.is_whole or is_list) else None


def _list_cells(text: str, start: int, end: int) -> list[Span]:
    """Return the cells of a row that have words; one for a line that is no row."""
    cells: list[Span] = []
    begin = start
    for border in _BORDER.finditer(text, start, end):
        cell = text[begin : border.start()].rstrip(" \t")
        is_mark = not cells and "|" not in border[0] and _MARK.fullmatch(cell.strip())
        if is_mark:
            continue
        if cell:
            cells.append((begin, begin + len(cell)))
        begin = border.end()
    return [*cells, (begin, end)] if end > begin else cells


def names_columns(text: str, cells: Sequence[Span]) -> bool:
    """Return whether the cells of a row are the names of columns of arms or outcomes.

    >>> names_columns("Outcome Measure, Time Frame", [(0, 15), (17, 27)])
    True
    """
    rows = [read_text(text[slice(*cell)].strip(" *_:")) for cell in cells]
    covered = [rule("name_of_column").covers(row, 0, len(row)) for row in rows]
    return len(cells) > 1 and None not in covered


def join_lines(text: str, blocks: Sequence[Block]) -> str:
    """Return a text of the same length whose wrapped lines are joined by blanks, or by soft hyphens
    where a hyphen breaks a word.
    """
    # "treatment-naive" is no word that was broken, if "treatment" is one
    words = set(_WORD.findall(text)) if "-\n" in text else set()

    begin = 0

    def fill(found: re.Match[str]) -> str:
        if found.start() and _would_fit(text, begin + found.start(), found):
            return found[0]
        word = found["word"] or ""
        if not word:
            return " " * len(found[0])
        kept = f"{word}-" if word in words else word
        return kept.ljust(len(found[0]), _SOFT)

    kept: list[str] = []
    done = 0
    above: Block | None = None
    for block in blocks:
        begin = above.end if above and _continues(block, above) else block.start
        kept += [text[done:begin], _BREAK.sub(fill, text[begin : block.end])]
        done = block.end
        above = block
    return "".join([*kept, text[done:]])


def _would_fit(text: str, at: int, found: re.Match[str]) -> bool:
    """Return whether the first word below a line break would have fitted on the line above: the
    break, which is found at a place of the text, is no wrapping.
    """
    above = text[text.rfind("\n", 0, at) + 1 : at]
    if found["word"] or runs_on(above):
        return False
    end = found.string.find("\n", found.end())
    below = found.string[found.end() : end if end >= 0 else None]
    is_new = len(above) < _NARROWEST and below[:1].isupper()
    return is_new or len(above) + len(below.split(" ", 1)[0]) < len(below)


def _continues(block: Block, above: Block) -> bool:
    """Return whether a block surely goes on with the item above it."""
    is_below = above.kind is BlockKind.ITEM and not block.gap
    if block.kind is not BlockKind.PARAGRAPH or not is_below:
        return False
    text = above.text
    if len(text) < _SHORT or text.endswith((".", ":", ";")):
        return False
    ends_open = text.endswith((" and", " or")) or runs_on(text)
    return block.text[:1].islower() or ends_open
