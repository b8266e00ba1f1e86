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
_READ = ("front", "design", *_WANTED)
_OPENED = {"eligibility": ELIGIBILITY, "treatment": INTERVENTIONS}
"""Sections opened by chapters whose words are not headings of free text; all others are
descriptions."""
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
    r"(?P<title>.*?)[\s*#]*\Z",
    re.IGNORECASE | re.DOTALL,
)
_PROSE_END = re.compile(r"[.;,!?]\W{0,3}\Z")


@dataclass(slots=True)
class _Chapter:
    """A heading of a document, with the lines up to the next one. ``level`` is 1 for the highest;
    ``number`` is empty for one that only its letters show.
    """

    title: str
    number: str = ""
    level: int = 0
    start: int = 0
    kind: str = ""
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
    is_long = len(content.text) > _LONG or len(content.pages) > _MANY_PAGES
    read, left = _choose(chapters) if is_long else (chapters, [])
    entries = [entry for one in read for entry in one.entries]
    if sum(entry.end - entry.start for entry in entries) > _LONGEST_READ:
        raise UnreadableSource(
            'a long document without headings such as "Inclusion criteria"',
            "save only the pages with eligibility, treatment and outcomes",
        )
    reader.read(entries, _list_openings(read))
    notes: list[str] = []
    if content.empty_pages:
        empty = ", ".join(map(str, content.empty_pages[:_MOST_NAMED]))
        notes.append(f"pages without a text, blank or scanned, were not read: {empty}")
    if is_long:
        notes.append(
            f"of a long document, these sections were read: {_list_titles(read)}. Not read: "
            f"{_list_titles(left)}"
        )
    return RecordContent(
        reader.build(None),
        kind,
        reader.find_id(),
        notes=tuple(notes),
        document=DocumentText(text=reader.text, pages=content.pages),
    )


def _choose(chapters: list[_Chapter]) -> tuple[list[_Chapter], list[_Chapter]]:
    """Return the chapters of a long document that are read, and those that are not."""
    kinds = {one.kind for one in chapters}
    if kinds.isdisjoint(_WANTED):
        return chapters, []
    wanted = _READ if "eligibility" in kinds else (*_READ, "synopsis")
    front = chapters[0]
    front.entries = [one for one in front.entries if one.end <= _LONGEST_FRONT]
    left = [one for one in chapters if one.kind not in wanted]
    return [one for one in chapters if one.kind in wanted], left


def _divide(content: DocumentContent, reader: TextReader) -> list[_Chapter]:
    """Return the chapters; the first one is what is before the first known chapter."""
    ranks = dict(content.headings)
    depth = 0
    chapters = [_Chapter("")]
    for entry in reader.entries:
        begin = reader.text.rfind("\n", 0, entry.words) + 1
        words = reader.text[begin : entry.end]
        rank = ranks.get(begin)
        found = _TITLE.match(words) if len(words) <= _LONGEST_HEADING else None
        if rank and found and not _PROSE_END.search(words):
            number = found["number"] or ""
            # a title without a number is below the last one that has a number
            level = number.count(".") + 1 if number else depth + rank
            depth = level if number else depth
            chapters.append(_Chapter(found["title"], number, level, entry.words))
        chapters[-1].entries.append(entry)
    _name_kinds(chapters)
    front = chapters.pop(0)
    front.kind = "front"
    while chapters and not chapters[0].kind:
        front.entries += chapters.pop(0).entries
    return [front, *chapters]


def _name_kinds(chapters: Sequence[_Chapter]) -> None:
    """Say of each chapter what it is about, by its title and those above it."""
    above: list[_Chapter] = []
    is_synopsis = False
    for chapter in chapters:
        while above and above[-1].level >= chapter.level:
            above.pop()
        own = _read_kind(chapter.title)
        ends_synopsis = chapter.number or _names("ends_synopsis", [chapter])
        is_synopsis = own == "synopsis" or (is_synopsis and not ends_synopsis)
        inherited = above[-1].kind if above else ""
        chapter.kind = own or inherited
        if is_synopsis:
            chapter.kind = "synopsis"
        elif _names("barred", above):
            chapter.kind = "other"
        above.append(chapter)


def _names(pattern: str, chapters: Sequence[_Chapter]) -> bool:
    """Return whether the title of a chapter has a word of the table's pattern of that name."""
    words = read_table("chapters")[pattern]
    return any(_has(words, one.title) for one in chapters)


def _has(pattern: str, title: str) -> bool:
    """Return whether a title has a word of a pattern, which may be on several lines."""
    return re.search(pattern.replace("\n", ""), title, re.IGNORECASE) is not None


def _read_kind(title: str) -> str:
    """Return the kind of a chapter by its title alone; empty if it is not known."""
    words = re.sub(r"\W+$", "", title)
    for one in read_table("chapters")["chapter"]:
        if _has(one["pattern"], words):
            return str(one["kind"])
    return ""


def _list_openings(chapters: Sequence[_Chapter]) -> dict[int, str]:
    """Return the section that each chapter opens, by where it begins; what is before the first
    wanted one is a free text.
    """
    openings: dict[int, str] = {}
    for one in chapters:
        if openings or one.kind in _WANTED:
            openings[one.start] = _OPENED.get(one.kind, DESCRIPTION)
    return openings


def _list_titles(chapters: Sequence[_Chapter]) -> str:
    """Return the titles of chapters; of many, only the first."""
    titles = [f"{one.number} {one.title}".strip() for one in chapters if one.title]
    return ", ".join(
        titles[:_MOST_NAMED] + ["and others"] * (len(titles) > _MOST_NAMED)
    )
