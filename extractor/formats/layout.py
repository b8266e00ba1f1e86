r"""A text laid out in lines: cells of a table whose first cell is a heading get lines of their own,
and columns that are sections follow each other. A map leads back to the text that was given.

>>> laid = lay_out("Inclusion criteria\tExclusion criteria\nAdults\tGout\n")
>>> laid.text
'Inclusion criteria\nAdults\nExclusion criteria\nGout\n\n'
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from extractor.formats.headings import ELIGIBILITY, RANKS, VOCABULARY, name_section
from extractor.language.book import read_text, rule
from extractor.language.markup import CELL, EDGE, EMPHASIS, may_hold_markup
from extractor.language.passage import read_passage
from extractor.language.wrapping import runs_on
from extractor.outline import Block, BlockKind
from extractor.outline.headings import Heading, find_heading
from extractor.schemas import Piece

Span = tuple[int, int]
"""Half-open offsets into a text."""
LINE = re.compile(r"[^\r\n]+")
_LINE_OR_EMPTY = re.compile(r"(?:(?<=\n)|(?<=\r)(?!\n)|\A)[^\r\n]*")
_BORDER = re.compile(r"\|[ \t|]*|\t[ \t]*(?:\|[ \t|]*)?")
_MARK = re.compile(r"\W{0,2}(?:\w{1,3}|)[.)]?")
_RULE = re.compile(r"[\s|:=+-]+")
_LONGEST_CELL = 200
"""Characters of a cell that may be a heading."""
_HYPHEN = re.compile(r"(?:(?<![\w-])(?P<word>[a-z]{2,40})|\w)-\Z")
_BREAK = re.compile(r"\n[ \t]*")
_WORD = re.compile(r"(?<![\w-])[a-z]{2,40}(?!-?\w|-[ \t]*[\r\n])")
_NARROWEST = 60
"""The fewest characters in a line that was wrapped before a word with a capital."""
_SHORT = 24
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
            words = text[start:end][: len(given) - place]
            signs[place : place + len(words)] = words
        return "".join(signs)

    def list_pieces(self, start: int, end: int, at: int) -> Iterator[Piece]:
        """Yield the pieces of a range of the text that is to stand at ``at``."""
        number = max(0, bisect_right(self.starts, start) - 1)
        while number < len(self.starts) and self.starts[number] < end:
            begin = self.starts[number]
            first = max(begin, start)
            yield Piece(
                start=at + first - start, at=self.places[number] + first - begin
            )
            number += 1


def lay_out(text: str) -> LaidOut:
    """Return a text in lines."""
    if not any(sign in text for sign in "\t|\r"):
        return LaidOut(text, [0], [0])
    maker = _Maker(text)
    for found in _LINE_OR_EMPTY.finditer(text):
        maker.add_line(*found.span())
    maker.end_table()
    maker.laid.text = "".join(maker.parts)
    return maker.laid


class _Maker:
    """Puts a text together line by line."""

    def __init__(self, text: str) -> None:
        self.given = text
        self.laid = LaidOut()
        self.parts: list[str] = []
        self._size = 0
        self._done = 0
        self._columns: list[list[Span]] = []
        self._has_labels = False
        self._has_header = False

    def add_line(self, start: int, end: int) -> None:
        """Add a line of the text, or the cells of a row."""
        cells = _list_cells(self.given, start, end)
        if not cells and "|" in self.given[start:end]:
            return
        headings = [self._find_heading(cell) for cell in cells[:4]]
        names = _list_whole(headings)
        is_row = len(cells) > 1
        is_header = names_columns(self.given, cells)
        if len(names) > 1 and not is_header:
            self.end_table()
            self._columns = [[cell] for cell in cells]
        elif self._columns and (is_row or not RANKS.keys().isdisjoint(names)):
            self._add_to_columns(cells)
        else:
            self.end_table()
            self._has_header = is_header or (self._has_header and is_row)
            self._has_labels = self._has_labels and is_row
            if not is_header:
                known = headings[: 0 if self._has_header else None]
                self._add_row((start, end), cells, known)

    def _add_row(
        self, span: Span, cells: Sequence[Span], known: Sequence[Heading | None]
    ) -> None:
        if len(cells) < 2:
            self._add(*span)
        elif known and known[0] and known[0].is_whole:
            self._has_labels = True
            self._add(*cells[0])
            self._add(cells[1][0], cells[-1][1])
        elif any(known[1:]):
            for cell in cells:
                self._add(*cell)
        else:
            if self._has_labels:
                self.laid.labels.add(self._size)
            self._add(*span)
            # no row continues another
            self._add(span[1], span[1])

    def _add_to_columns(self, cells: Sequence[Span]) -> None:
        """Add a row to the columns; what stands alone divides all of them."""
        for number, column in enumerate(self._columns):
            if len(cells) == 1:
                column.append(cells[0])
            elif number < len(cells):
                column.append(cells[number])

    def end_table(self) -> None:
        """Add the columns of a table one below the other."""
        for cell in (cell for column in self._columns for cell in column):
            self._add(*cell)
        self._columns = []

    def _find_heading(self, cell: Span) -> Heading | None:
        words = self.given[slice(*cell)]
        if len(words) > _LONGEST_CELL:
            return None
        heading = find_heading(read_passage(words), VOCABULARY)
        is_list = heading and name_section(heading.name) == ELIGIBILITY
        return heading if heading and (heading.is_whole or is_list) else None

    def _add(self, start: int, end: int) -> None:
        is_next = self.parts and self.given[self._done : start] == "\n"
        if not is_next:
            self.laid.starts.append(self._size)
            self.laid.places.append(start)
        self._done = end
        self.parts += [self.given[start:end], "\n"]
        self._size += end - start + 1


def _list_whole(headings: Sequence[Heading | None]) -> list[str]:
    """Return the names of headings behind which nothing follows."""
    return [one.name for one in headings if one and one.is_whole]


def _list_cells(text: str, start: int, end: int) -> list[Span]:
    """Return the cells of a row that have words; one for a line that is no row."""
    if _RULE.fullmatch(text, start, end):
        return []
    cells: list[Span] = []
    begin = start
    for border in _BORDER.finditer(text, start, end):
        cell = text[begin : border.start()].rstrip(" \t")
        is_mark = not cells and _MARK.fullmatch(cell.strip())
        if is_mark and "|" not in border.group():
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
    if len(cells) < 2:
        return False
    for cell in cells:
        tokens = read_text(text[slice(*cell)].strip(" *_:"))
        if rule("name_of_column").covers(tokens, 0, len(tokens)) is None:
            return False
    return True


def _undo_markup(text: str) -> str:
    """Return a text of the same length without codes of HTML."""
    if not may_hold_markup(text):
        return text
    for codes in (EMPHASIS, CELL):
        text = codes.sub(lambda code: " " * len(code.group()), text)
    return EDGE.sub(lambda code: "\n".rjust(len(code.group())), text)


def join_lines(text: str, blocks: Sequence[Block]) -> str:
    """Return a text of the same length whose wrapped lines are joined by blanks, or by soft hyphens
    where a hyphen breaks a word.
    """
    text = _undo_markup(text)
    words: set[str] = set()
    kept: list[str] = []
    done = 0
    for block, above in zip(blocks, [None, *blocks], strict=False):
        begin = above.end if above and _continues(block, above) else block.start
        line = begin
        for found in _BREAK.finditer(text, begin, block.end):
            start = line + len(text[line : found.start()].rstrip(" \t"))
            end = found.end()
            line = end
            if begin == block.start and _would_fit(text, start, end, block.end):
                continue
            hyphen = _HYPHEN.search(text, max(0, start - 42), start)
            fill = " "
            if hyphen:
                words = words or set(_WORD.findall(text))
                # "treatment-naive" is no word that was broken
                is_broken = hyphen["word"] and hyphen["word"] not in words
                start -= bool(is_broken)
                fill = _SOFT
            kept += [text[done:start], fill * (end - start)]
            done = end
    return "".join([*kept, text[done:]])


def _continues(block: Block, above: Block) -> bool:
    """Return whether a block surely continues the item above it."""
    if block.kind is not BlockKind.PARAGRAPH or above.kind is not BlockKind.ITEM:
        return False
    text = above.text
    is_open = len(text) > _SHORT and not text.endswith((".", ":", ";"))
    goes_on = (
        block.text[:1].islower() or text.endswith((" and", " or")) or runs_on(text)
    )
    return is_open and goes_on and not block.gap


def _would_fit(text: str, start: int, end: int, stop: int) -> bool:
    """Return whether the first word below a line break would have fitted on the line above: the
    break is no wrapping.
    """
    if runs_on(text[max(0, start - 40) : start]):
        return False
    above = start - text.rfind("\n", 0, start)
    below = text[end:stop].split("\n", 1)[0]
    word = below.split(" ", 1)[0]
    is_new = above < _NARROWEST and below[:1].isupper()
    return is_new or above + len(word) < len(below)
