"""The record of a PDF or a Word file.

A short document is read like any free text. In a long document, only the first page and the
chapters on design, eligibility, treatment and outcomes are read, plus the synopsis if there is no
eligibility chapter. ``rules/chapters.toml`` lists the heading words. A note, which becomes a
finding, lists the chapters that were left out.
"""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import IO, BinaryIO, NamedTuple

from extractor.formats.documents import read_document
from extractor.formats.found import (
    Found,
    RecordContent,
    UnreadableSource,
    build_content,
)
from extractor.formats.free_text import TextReader
from extractor.language.book import read_table
from extractor.schemas import DocumentText

_LONG = 40_000
"""Number of characters above which a document is read by chapter."""
_LONGEST_READ = 300_000
"""Maximum number of characters that are read from a document."""
_LONGEST_FRONT = 3_000
"""Maximum number of characters that are read before the first chapter."""
_MOST_NAMED = 12
_WANTED = {"design", "eligibility", "treatment", "outcomes"}
_RULING = ("synopsis", "barred")
"""Chapter kinds that all subchapters inherit."""
_HEADING = re.compile(
    r"^(?P<level>#{1,6}) (?P<number>[\d.]+\s+)?(?P<title>.*?)\W*$", re.MULTILINE
)


class _Chapter(NamedTuple):
    """A chapter without its subchapters: its heading, its kind, and its start and end."""

    title: str
    kind: str
    start: int
    end: int


def read_pdf(stream: BinaryIO | IO[bytes]) -> Iterator[Found]:
    """Yield the record of a PDF."""
    yield build_content(partial(_build, "pdf"), stream, None)


def read_word(stream: BinaryIO | IO[bytes]) -> Iterator[Found]:
    """Yield the record of a Word document."""
    yield build_content(partial(_build, "docx"), stream, None)


def _build(kind: str, stream: BinaryIO | IO[bytes]) -> RecordContent:
    """Build the content of a document. Raises ``UnreadableSource`` if it cannot be read or is too
    long.
    """
    content = read_document(kind, stream)
    notes: list[str] = []
    if content.empty_pages:
        empty = ", ".join(map(str, content.empty_pages[:_MOST_NAMED]))
        note = f"pages without a text, blank or scanned, were not read: {empty}"
        notes.append(note)
    reader = TextReader(content.text)
    if len(content.text) > _LONG:
        chapters = list(_list_chapters(content.text))
        read = _choose(chapters)
        left = [chapter for chapter in chapters if chapter not in read]
        notes.append(
            f"of a long document, these sections were read: {_list_titles(read)}. Not read: "
            f"{_list_titles(left)}"
        )
        reader.keep([(chapter.start, chapter.end) for chapter in read])
    if sum(entry.end - entry.start for entry in reader.entries) > _LONGEST_READ:
        raise UnreadableSource(
            'a long document without headings such as "Inclusion criteria"',
            "save only the pages with eligibility, treatment and outcomes",
        )
    reader.read()
    return RecordContent(
        reader.build(None),
        kind,
        reader.find_id(),
        notes=tuple(notes),
        document=DocumentText(text=reader.text, pages=content.pages),
    )


def _list_chapters(text: str) -> Iterator[_Chapter]:
    """Yield the text before the first heading, then the chapters. A chapter of unknown kind has
    the kind of its parent.
    """
    headings = list(_HEADING.finditer(text))
    first, *ends = [*(heading.start() for heading in headings), len(text)]
    yield _Chapter("", "front", 0, first)
    above: list[tuple[int, str]] = []
    for heading, end in zip(headings, ends, strict=True):
        level = len(heading["level"])
        while above and above[-1][0] >= level:
            above.pop()
        kind = _find_kind(heading["title"], above[-1][1] if above else "")
        above.append((level, kind))
        title = f"{heading['number'] or ''}{heading['title']}"
        yield _Chapter(title, kind, heading.start(), end)


def _find_kind(title: str, inherited: str) -> str:
    """Return the kind of a chapter, from its title or its parent's title; empty if unknown."""
    if inherited in _RULING:
        return inherited
    for one in read_table("chapters")["chapter"]:
        if re.search(one["pattern"].replace("\n", ""), title, re.IGNORECASE):
            return str(one["kind"])
    return inherited


def _choose(chapters: Sequence[_Chapter]) -> list[_Chapter]:
    """Return the chapters of a long document to read, which are all chapters if no kind is
    wanted.
    """
    front, *others = chapters
    kinds = {chapter.kind for chapter in others}
    if kinds.isdisjoint(_WANTED):
        return list(chapters)
    wanted = set(_WANTED)
    if "eligibility" not in kinds:
        wanted.add("synopsis")
    front = front._replace(end=min(front.end, _LONGEST_FRONT))
    return [front, *(chapter for chapter in others if chapter.kind in wanted)]


def _list_titles(chapters: Sequence[_Chapter]) -> str:
    titles = [chapter.title for chapter in chapters if chapter.title]
    return ", ".join(titles[:_MOST_NAMED])
