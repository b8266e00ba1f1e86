"""Read the record in a PDF or Word file.

A short document is read like any free text. In a long document, only the first page and the
chapters on design, eligibility, treatment and outcomes are read; if no chapter is about
eligibility, the synopsis is also read. ``rules/chapters.toml`` lists the heading words. A note,
which becomes a finding, lists the chapters that were read and those that were omitted.
"""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import IO, NamedTuple

from extractor.formats.documents import read_document
from extractor.formats.found import (
    ReadResult,
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
"""Kinds of chapters that all subchapters inherit, whatever their titles."""
_HEADING = re.compile(
    r"^(?P<level>#{1,6}) (?P<number>[\d.]+\s+)?(?P<title>.*?)\W*$", re.MULTILINE
)


class _Chapter(NamedTuple):
    """A chapter, excluding its subchapters: its title, its kind and its text,
    ``text[start:end]``.
    """

    title: str
    kind: str
    start: int
    end: int


def read_pdf(stream: IO[bytes]) -> Iterator[ReadResult]:
    """Yield the record in a PDF."""
    yield build_content(partial(_build, "pdf"), stream, None)


def read_word(stream: IO[bytes]) -> Iterator[ReadResult]:
    """Yield the record in a Word document."""
    yield build_content(partial(_build, "docx"), stream, None)


def _build(kind: str, stream: IO[bytes]) -> RecordContent:
    """Build the content of a document. Raises ``UnreadableSource`` if the document is too long or
    cannot be read.
    """
    content = read_document(kind, stream)
    notes: list[str] = []
    if content.empty_pages:
        empty = ", ".join(map(str, content.empty_pages[:_MOST_NAMED]))
        notes.append(f"blank or scanned pages without text were not read: {empty}")
    reader = TextReader(content.text)
    if len(content.text) > _LONG:
        chapters = list(_list_chapters(content.text))
        read = _choose_chapters(chapters)
        omitted = [chapter for chapter in chapters if chapter not in read]
        notes.append(
            "because the document is long, only these sections were read: "
            f"{_list_titles(read)}. Not read: {_list_titles(omitted)}"
        )
        reader.keep([(chapter.start, chapter.end) for chapter in read])
    if sum(entry.end - entry.start for entry in reader.entries) > _LONGEST_READ:
        raise UnreadableSource(
            'a long document without headings such as "Inclusion criteria"',
            "save only the pages that describe eligibility, treatment and outcomes",
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
    """Yield the text before the first heading as a chapter of the kind "front", then the text from
    each heading to the next as a chapter. A chapter whose title does not show its kind inherits
    the kind of its parent.
    """
    headings = list(_HEADING.finditer(text))
    starts = [heading.start() for heading in headings]
    front_end, *ends = [*starts, len(text)]
    yield _Chapter("", "front", 0, front_end)
    kinds = {0: ""}  # the kinds of the chapter's ancestors, by heading level
    for heading, end in zip(headings, ends, strict=True):
        level = len(heading["level"])
        kinds = {above: kind for above, kind in kinds.items() if above < level}
        # the deepest of them is that of the parent
        kinds[level] = _find_kind(heading["title"], kinds[max(kinds)])
        yield _Chapter(
            f"{heading['number'] or ''}{heading['title']}",
            kinds[level],
            heading.start(),
            end,
        )


def _find_kind(title: str, inherited: str) -> str:
    """Return the kind of a chapter, determined from its title or inherited from its parent, or ""
    if the kind is unknown.
    """
    # "Primary endpoint" in a chapter about statistics does not state the endpoint
    if inherited in _RULING:
        return inherited
    for row in read_table("chapters")["chapter"]:
        if re.search(row["pattern"].replace("\n", ""), title, re.IGNORECASE):
            return str(row["kind"])
    return inherited


def _choose_chapters(chapters: Sequence[_Chapter]) -> list[_Chapter]:
    """Return the chapters to read in a long document. If no chapter is of a wanted kind, return
    all chapters.
    """
    front, *rest = chapters
    kinds = {chapter.kind for chapter in rest}
    if kinds.isdisjoint(_WANTED):
        return list(chapters)
    wanted = set(_WANTED)
    # a synopsis repeats the criteria of its protocol, so it is read only in their place
    if "eligibility" not in kinds:
        wanted.add("synopsis")
    front = front._replace(end=min(front.end, _LONGEST_FRONT))
    return [front, *(chapter for chapter in rest if chapter.kind in wanted)]


def _list_titles(chapters: Sequence[_Chapter]) -> str:
    titles = [chapter.title for chapter in chapters if chapter.title]
    return ", ".join(titles[:_MOST_NAMED])
