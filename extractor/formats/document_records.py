"""Documents: a PDF or a Word file is one record, read by the headings of its text."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import accumulate
from typing import IO, BinaryIO

from extractor.errors import MissingExtra
from extractor.formats.documents import DocumentContent, DocumentProblem, read_document
from extractor.formats.found import (
    Found,
    RecordContent,
    UnreadableSource,
    build_content,
)
from extractor.formats.free_text import build_laid_out
from extractor.formats.headings import DESCRIPTION, ELIGIBILITY, FRONT, Heading
from extractor.formats.layout import undo_layout
from extractor.formats.listed import Place
from extractor.formats.protocol import (
    CRITERIA,
    LIST_NAME,
    SYNOPSIS,
    TREATMENT,
    Chapter,
    select_sections,
)
from extractor.schemas import DocumentText, Piece, Section
from extractor.schemas.record_limits import MAX_CHARACTERS

_ENDS = tuple(".;:!?|-")
_MARK_ENDS = (".", ")", " ")
"""What stands behind a letter that marks an item."""
_LONGEST_END = 200


def read_pdf(stream: BinaryIO | IO[bytes]) -> Iterator[Found]:
    """Yield the record of a PDF."""
    yield from _read("pdf", stream)


def read_word(stream: BinaryIO | IO[bytes]) -> Iterator[Found]:
    """Yield the record of a Word document."""
    yield from _read("docx", stream)


def _read(kind: str, stream: BinaryIO | IO[bytes]) -> Iterator[Found]:
    try:
        content = read_document(kind, stream)
    except DocumentProblem as error:
        raise UnreadableSource(error.problem, error.remedy) from error
    except MissingExtra as error:
        problem, _, remedy = str(error).partition("; ")
        raise UnreadableSource(problem, remedy) from error
    yield build_content(partial(_build, kind), content, None)


def _build(kind: str, content: DocumentContent) -> RecordContent:
    """Build the content of a document from the sections that are read of it.

    Places in the record's sections are those of the document's whole text, which the record has,
    too. Raises ``UnreadableSource`` for a document that is too long and has no known headings.
    """
    selection = select_sections(content)
    read = sum(end - start for start, end in selection.places)
    if not selection.is_readable or read > MAX_CHARACTERS:
        raise UnreadableSource(
            'a long document without headings such as "Inclusion criteria"',
            "save only the pages with eligibility, treatment and outcomes",
        )
    joined = _join_pages(content.text, content.pages)
    text = "".join(undo_layout(joined[start:end]) for start, end in selection.places)
    placed = _Placed(selection.places)
    headings: list[Heading] = []
    for chapter in selection.chapters:
        heading = _make_heading(text, placed.find(chapter.start), chapter)
        if heading:
            headings.append(heading)
    built = build_laid_out(text, headings)
    return replace(
        built,
        format=kind,
        sections=tuple(map(placed.move, built.sections)),
        notes=(*selection.notes, *built.notes),
        document=DocumentText(text=placed.put_back(joined, text), pages=content.pages),
    )


def _join_pages(text: str, pages: Sequence[int]) -> str:
    """Return a text of the same length, with a blank for the line break between two pages within a
    sentence: the page does not end with a sign of an end, and the next one begins with a small
    letter that is no mark of an item. ``pages`` are where the pages begin.
    """
    signs = list(text)
    for start in pages[1:]:
        ending = text[max(0, start - _LONGEST_END) : start]
        if not ending.endswith("\n") or not ending.strip():
            continue
        if ending.rstrip().endswith(_ENDS):
            continue
        following = text[start : start + 2]
        # the item "b)"
        is_mark = following[1:] in _MARK_ENDS
        if following[:1].islower() and not is_mark:
            signs[start - 1] = " "
    return "".join(signs)


def _make_heading(text: str, start: int | None, chapter: Chapter) -> Heading | None:
    """Return the heading of a chapter, which stands at ``start`` in what is read.

    None if it is not read (``start`` is None), and for a chapter of the synopsis or a label. A
    chapter of treatment begins interventions, a list of criteria the eligibility, and any other
    chapter, with its title, a description.
    """
    if start is None:
        return None
    # A synopsis has headings of its own, and a label belongs to the list that it divides.
    if chapter.kind == SYNOPSIS or chapter.is_label:
        return None
    end = text.find("\n", start)
    if end < 0:
        end = len(text)
    front = FRONT.match(text, start, end)
    if front is None:
        return None
    if chapter.kind == TREATMENT:
        section = "interventions"
    elif chapter.kind == CRITERIA and LIST_NAME.search(chapter.title):
        section = ELIGIBILITY
    else:
        section = DESCRIPTION
    keeps_title = section != "interventions"
    return Heading(
        section=section,
        kind="",
        line=start,
        shown=front.end(),
        words=(front.end(), end),
        start=front.end() if keeps_title else end,
        style="1.1",
    )


class _Placed:
    """The places of a document that were read one after the other, to turn places in what was
    read into those there.
    """

    def __init__(self, places: Sequence[Place]) -> None:
        self._places = places
        sizes = (end - start for start, end in places)
        self._starts = list(accumulate(sizes, initial=0))

    def find(self, at: int) -> int | None:
        """Return where a character of the document stands in what was read; None if it was not."""
        for (start, end), first in zip(self._places, self._starts, strict=False):
            if start <= at < end:
                return first + at - start
        return None

    def move(self, section: Section) -> Section:
        """Return a section whose pieces stand in the document."""
        bounds = [*(piece.start for piece in section.pieces[1:]), len(section.text)]
        moved: list[Piece] = []
        for piece, end in zip(section.pieces, bounds, strict=False):
            moved += self._split(piece, end)
        return section.model_copy(update={"pieces": tuple(moved)})

    def _split(self, piece: Piece, end: int) -> Iterator[Piece]:
        """Yield a piece in parts, one for each place that it reaches into, with where they stand in
        the document. ``end`` is where the piece ends in its section.
        """
        at = piece.at
        start = piece.start
        number = bisect_right(self._starts, at) - 1
        while start < end and number < len(self._places):
            first = self._places[number][0]
            yield Piece(start=start, at=first + at - self._starts[number])
            start += self._starts[number + 1] - at
            at = self._starts[number + 1]
            number += 1

    def put_back(self, given: str, read: str) -> str:
        """Return the document's whole text: as it was read in its places, and as it was given
        elsewhere.
        """
        kept: list[str] = []
        before = 0
        for (start, end), at in zip(self._places, self._starts, strict=False):
            kept += [given[before:start], read[at : at + end - start]]
            before = end
        return "".join([*kept, given[before:]])
