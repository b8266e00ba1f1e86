"""The record of a PDF or a Word file, which is read as any free text."""

from collections.abc import Iterator
from functools import partial
from typing import IO, BinaryIO

from extractor.formats.documents import read_document
from extractor.formats.found import (
    Found,
    RecordContent,
    UnreadableSource,
    build_content,
)
from extractor.formats.free_text import TextReader
from extractor.schemas import DocumentText

_LONGEST = 100_000
"""Characters of a document that is read, some 40 pages."""
_MOST_NAMED = 12


def read_pdf(stream: BinaryIO | IO[bytes]) -> Iterator[Found]:
    """Yield the record of a PDF."""
    yield build_content(partial(_build, "pdf"), stream, None)


def read_word(stream: BinaryIO | IO[bytes]) -> Iterator[Found]:
    """Yield the record of a Word document."""
    yield build_content(partial(_build, "docx"), stream, None)


def _build(kind: str, stream: BinaryIO | IO[bytes]) -> RecordContent:
    """Build the content of a document. Raises ``UnreadableSource`` if it cannot be read, or is
    long: a protocol states its criteria and doses several times.
    """
    content = read_document(kind, stream)
    if len(content.text) > _LONGEST:
        raise UnreadableSource(
            f"a document of more than {_LONGEST:,} characters",
            "save only the pages with eligibility, treatment and outcomes",
        )
    notes: list[str] = []
    if content.empty_pages:
        empty = ", ".join(map(str, content.empty_pages[:_MOST_NAMED]))
        note = f"pages without a text, blank or scanned, were not read: {empty}"
        notes.append(note)
    reader = TextReader(content.text)
    reader.read()
    return RecordContent(
        reader.build(None),
        kind,
        reader.find_id(),
        notes=tuple(notes),
        document=DocumentText(text=reader.text, pages=content.pages),
    )
