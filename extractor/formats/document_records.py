"""Read the record in a PDF or Word file.

A short document is read like any free text. Of a long document, some chapters are read
(``chapters``). Notes, which become findings, list the chapters that were read and those that were
omitted, and count the lines of page headers and footers.
"""

import re
from collections.abc import Iterator
from functools import partial
from typing import IO

from extractor.formats.chapters import (
    LONG,
    ChapterHeading,
    choose_chapters,
    describe_choice,
    list_chapters,
)
from extractor.formats.documents import read_document
from extractor.formats.found import (
    ReadResult,
    RecordContent,
    UnreadableSource,
    build_content,
)
from extractor.formats.free_text import TextReader, count_running
from extractor.schemas import DocumentText

_LONGEST_READ = 300_000
"""Maximum number of characters that are read from a document."""
_MOST_NAMED = 12
_HEADING = re.compile(
    r"^(?P<level>#{1,6}) (?P<number>[\d.]+\s+)?(?P<title>.*?)\W*$", re.MULTILINE
)


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
    notes += count_running(content.running + reader.furniture.running)
    document = DocumentText(text=reader.text, pages=content.pages)
    if len(content.text) > LONG:
        chapters = list(
            list_chapters(len(content.text), list(_list_headings(content.text)))
        )
        read = choose_chapters(chapters)
        notes.append(describe_choice(chapters, read, "page", document.find_page))
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
        document=document,
    )


def _list_headings(text: str) -> Iterator[ChapterHeading]:
    """Yield the headings of a document, which are written as in Markdown."""
    for heading in _HEADING.finditer(text):
        yield ChapterHeading(
            heading.start(),
            len(heading["level"]),
            heading["number"] or "",
            heading["title"],
        )
