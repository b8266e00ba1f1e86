"""The record of a PDF or a Word file.

A short document is read as any free text. Of a long one, the first page and the chapters on design,
eligibility, treatment and outcomes are read; without a chapter on eligibility, the synopsis is,
too. Chapters begin at the headings that the layout shows; ``rules/chapters.toml`` has their words.
A note names what was left out; it becomes a finding.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import IO, BinaryIO

from extractor.errors import MissingExtra
from extractor.formats.documents import DocumentContent, DocumentProblem, read_document
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
_LONGEST_FRONT = 3_000
_MOST_NAMED = 12
_TITLE = re.compile(
    r"\s*(?:(?:section|chapter)\s+)?(?:(?P<number>\d{1,2}(?:\.\d{1,2}){0,5})\.?\s+(?=[A-Z]))?"
    r"(?P<title>.*?)\W*\Z",
    re.IGNORECASE | re.DOTALL,
)
_PROSE_END = re.compile(r"[.;,!?]\W{0,3}\Z")


@dataclass(slots=True)
class _Chapter:
    """A heading of a document, with the lines up to the next one; level 1 is the highest."""

    title: str
    level: int
    kind: str
    entries: list[Entry] = field(default_factory=list)


def read_pdf(stream: BinaryIO | IO[bytes]) -> Iterator[Found]:
    """Yield the record of a PDF."""
    yield _read("pdf", stream)


def read_word(stream: BinaryIO | IO[bytes]) -> Iterator[Found]:
    """Yield the record of a Word document."""
    yield _read("docx", stream)


def _read(kind: str, stream: BinaryIO | IO[bytes]) -> Found:
    try:
        content = read_document(kind, stream)
    except DocumentProblem as error:
        raise UnreadableSource(error.problem, error.remedy) from error
    except MissingExtra as error:
        problem, _, remedy = str(error).partition("; ")
        raise UnreadableSource(problem, remedy) from error
    return build_content(partial(_build, kind), content, None)


def _build(kind: str, content: DocumentContent) -> RecordContent:
    """Build the content of a document. Raises ``UnreadableSource`` if too much is to be read."""
    reader = TextReader(content.text)
    chapters = _divide(content, reader)
    kinds = {one.kind for one in chapters}
    is_long = len(content.text) > _LONG or len(content.pages) > _MANY_PAGES
    is_chosen = is_long and not kinds.isdisjoint(_WANTED)
    read_kinds = ("front", "design", *_WANTED) if is_chosen else kinds
    if "eligibility" not in kinds:
        read_kinds = (*read_kinds, "synopsis")
    read = [one for one in chapters if one.kind in read_kinds]
    entries: list[Entry] = []
    openings: dict[int, str] = {}
    for one in read:
        if openings or one.kind in _WANTED:
            openings[one.entries[0].words] = _OPENED.get(one.kind, DESCRIPTION)
        is_cut = is_chosen and one.kind == "front"
        most = _LONGEST_FRONT if is_cut else len(content.text)
        entries += [entry for entry in one.entries if entry.end <= most]
    if sum(entry.end - entry.start for entry in entries) > _LONGEST_READ:
        raise UnreadableSource(
            'a long document without headings such as "Inclusion criteria"',
            "save only the pages with eligibility, treatment and outcomes",
        )
    reader.read(entries, openings)
    notes: list[str] = []
    if content.empty_pages:
        empty = _list_first(content.empty_pages)
        notes.append(f"pages without a text, blank or scanned, were not read: {empty}")
    if is_long:
        titles = [one.title for one in read if one.title]
        left = [one.title for one in chapters if one.kind not in read_kinds]
        notes.append(
            f"of a long document, these sections were read: {_list_first(titles)}. Not read: "
            f"{_list_first(left)}"
        )
    return RecordContent(
        reader.build(None),
        kind,
        reader.find_id(),
        notes=tuple(notes),
        document=DocumentText(text=reader.text, pages=content.pages),
    )


def _divide(content: DocumentContent, reader: TextReader) -> list[_Chapter]:
    """Return the chapters; what is before the first known one is the front."""
    ranks = dict(content.headings)
    depth = 0
    chapters = [_Chapter("", 0, "front")]
    above: list[_Chapter] = []
    for entry in reader.entries:
        begin = reader.text.rfind("\n", 0, entry.words) + 1
        words = reader.text[begin : entry.end]
        found = _TITLE.match(words) if len(words) <= _LONGEST_HEADING else None
        if found and begin in ranks and not _PROSE_END.search(words):
            number = found["number"]
            # a title without a number is below the last one that has a number
            level = number.count(".") + 1 if number else depth + ranks[begin]
            depth = level if number else depth
            while above and above[-1].level >= level:
                above.pop()
            kind = _find_kind(found["title"], above)
            if not kind and chapters[-1].kind == "front":
                kind = "front"
            title = f"{number or ''} {found['title']}".strip()
            above.append(_Chapter(title, level, kind))
            chapters.append(above[-1])
        chapters[-1].entries.append(entry)
    return [one for one in chapters if one.entries]


def _find_kind(title: str, above: Sequence[_Chapter]) -> str:
    """Return what a chapter is about, by its title or the one above it; empty if unknown."""
    inherited = above[-1].kind if above else ""
    if inherited in _RULING:
        return inherited
    for one in read_table("chapters")["chapter"]:
        if re.search(one["pattern"].replace("\n", ""), title, re.IGNORECASE):
            return str(one["kind"])
    return "" if inherited == "front" else inherited


def _list_first(names: Sequence[object]) -> str:
    """Return names as a list; of many, only the first."""
    others = ["and others"] if len(names) > _MOST_NAMED else []
    return ", ".join([*map(str, names[:_MOST_NAMED]), *others])
