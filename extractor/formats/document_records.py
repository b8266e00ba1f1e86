"""The record of a PDF or a Word file.

A short document is read as any free text. Of a long one, the first page and the chapters on design,
eligibility, treatment and outcomes are read; without a chapter on eligibility, the synopsis is,
too. Chapters begin at the headings that the layout shows; ``rules/chapters.toml`` has their words.
A note names what was left out; it becomes a finding.
"""

import re
from collections.abc import Iterator
from functools import partial
from typing import IO, BinaryIO, NamedTuple

from extractor.formats.documents import DocumentContent, read_document
from extractor.formats.found import (
    Found,
    RecordContent,
    UnreadableSource,
    build_content,
)
from extractor.formats.free_text import TextReader
from extractor.formats.headings import DESCRIPTION, ELIGIBILITY, INTERVENTIONS
from extractor.formats.layout import Entry
from extractor.language.book import read_table
from extractor.schemas import DocumentText

_WANTED = ("eligibility", "treatment", "outcomes")
_OPENED = {"eligibility": ELIGIBILITY, "treatment": INTERVENTIONS}
"""Sections opened by chapters whose words are not headings of free text; all others are
descriptions."""
_RULING = ("synopsis", "barred")
"""Kinds of chapters below which all chapters are of that kind."""
_LONGEST_HEADING = 160
_LONG = 40_000
_MANY_PAGES = 12
"""Characters and pages above which a document is read by its chapters."""
_LONGEST_READ = 300_000
"""Characters of what is read of a document."""
_FRONT = 3_000
"""Characters of what is read of the first pages."""
_MOST_NAMED = 12
_TITLE = re.compile(
    r"\s*(?:(?:section|chapter)\s+)?(?:(?P<number>\d{1,2}(?:\.\d{1,2}){0,5})\.?\s+(?=[A-Z]))?"
    r"(?P<title>.*?)\W*\Z",
    re.IGNORECASE | re.DOTALL,
)
_PROSE_END = re.compile(r"[.;,!?]\W{0,3}\Z")


class _Line(NamedTuple):
    """A line of a document: the kind of its chapter, and its words if it is the heading."""

    entry: Entry
    kind: str
    title: str


def read_pdf(stream: BinaryIO | IO[bytes]) -> Iterator[Found]:
    """Yield the record of a PDF."""
    yield build_content(partial(_build, "pdf"), stream, None)


def read_word(stream: BinaryIO | IO[bytes]) -> Iterator[Found]:
    """Yield the record of a Word document."""
    yield build_content(partial(_build, "docx"), stream, None)


def _build(kind: str, stream: BinaryIO | IO[bytes]) -> RecordContent:
    """Build the content of a document. Raises ``UnreadableSource`` if it cannot be read, or too
    much is to be read.
    """
    content = read_document(kind, stream)
    reader = TextReader(content.text)
    lines = _divide(content, reader)
    is_long = len(content.text) > _LONG or len(content.pages) > _MANY_PAGES
    read = _choose(lines) if is_long else lines
    if sum(line.entry.end - line.entry.start for line in read) > _LONGEST_READ:
        raise UnreadableSource(
            'a long document without headings such as "Inclusion criteria"',
            "save only the pages with eligibility, treatment and outcomes",
        )
    openings: dict[int, str] = {}
    for line in read:
        if line.title and (openings or line.kind in _WANTED):
            openings[line.entry.words] = _OPENED.get(line.kind, DESCRIPTION)
    reader.read([line.entry for line in read], openings)
    kinds = {line.kind for line in read}
    left = [line for line in lines if line.kind not in kinds]
    return RecordContent(
        reader.build(None),
        kind,
        reader.find_id(),
        notes=tuple(_list_notes(content, read, left if is_long else None)),
        document=DocumentText(text=reader.text, pages=content.pages),
    )


def _choose(lines: list[_Line]) -> list[_Line]:
    """Return the lines of a long document that are read: all, if no chapter is known."""
    kinds = {line.kind for line in lines}
    if kinds.isdisjoint(_WANTED):
        return lines
    wanted = ["front", "design", *_WANTED]
    if "eligibility" not in kinds:
        wanted.append("synopsis")
    read = [line for line in lines if line.kind in wanted]
    return [one for one in read if one.kind != "front" or one.entry.end <= _FRONT]


def _list_notes(
    content: DocumentContent, read: list[_Line], left: list[_Line] | None
) -> Iterator[str]:
    """Yield what is said of a document; ``left`` are the lines of a long one that are not read."""
    if content.empty_pages:
        empty = ", ".join(map(str, content.empty_pages[:_MOST_NAMED]))
        yield f"pages without a text, blank or scanned, were not read: {empty}"
    if left is not None:
        yield (
            f"of a long document, these sections were read: {_list_titles(read)}. Not read: "
            f"{_list_titles(left)}"
        )


def _list_titles(lines: list[_Line]) -> str:
    titles = [line.title for line in lines if line.title]
    return ", ".join(titles[:_MOST_NAMED])


def _divide(content: DocumentContent, reader: TextReader) -> list[_Line]:
    """Return the lines with their chapters; what is before the first known one is the front."""
    ranks = dict(content.headings)
    depth = 0
    kind = "front"
    above: list[tuple[int, str]] = []
    lines: list[_Line] = []
    for entry in reader.entries:
        begin = reader.text.rfind("\n", 0, entry.words) + 1
        words = reader.text[begin : entry.end]
        found = _TITLE.match(words) if len(words) <= _LONGEST_HEADING else None
        title = ""
        if found and begin in ranks and not _PROSE_END.search(words):
            number = found["number"] or ""
            title = f"{number} {found['title']}".strip()
            # a title without a number is below the last one that has a number
            level = number.count(".") + 1 if number else depth + ranks[begin]
            depth = level if number else depth
            while above and above[-1][0] >= level:
                above.pop()
            inherited = above[-1][1] if above else ""
            chapter = _find_kind(found["title"], inherited)
            above.append((level, chapter))
            is_front = kind == "front" and not chapter
            kind = "front" if is_front else chapter
        lines.append(_Line(entry, kind, title))
    return lines


def _find_kind(title: str, inherited: str) -> str:
    """Return what a chapter is about, by its title or the one above it; empty if unknown."""
    if inherited in _RULING:
        return inherited
    for one in read_table("chapters")["chapter"]:
        if re.search(one["pattern"].replace("\n", ""), title, re.IGNORECASE):
            return str(one["kind"])
    return inherited
