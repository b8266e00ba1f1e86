"""The record of a PDF or a Word file.

A short document is read as any free text. Of a long one, the first page, the synopsis and the
chapters on design, eligibility, treatment and outcomes are read. Chapters are found by their
headings (``rules/chapters.toml``): numbered ones, and those that the layout shows. What the
synopsis states is not read again. Notes name what was left out; they become findings.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import IO, Any, BinaryIO

from extractor.errors import MissingExtra
from extractor.formats.documents import DocumentContent, DocumentProblem, read_document
from extractor.formats.found import (
    Found,
    RecordContent,
    UnreadableSource,
    build_content,
)
from extractor.formats.free_text import TextReader
from extractor.formats.headings import (
    ARMS,
    DESCRIPTION,
    ELIGIBILITY,
    INTERVENTIONS,
    OUTCOMES,
    name_section,
)
from extractor.language.book import read_table
from extractor.outline import Block, BlockKind
from extractor.plurals import counted
from extractor.schemas import DocumentText
from extractor.schemas.record_limits import MAX_CHARACTERS

_SYNOPSIS = "synopsis"
_SECTIONS = {
    "eligibility": (ELIGIBILITY,),
    "treatment": (INTERVENTIONS, ARMS),
    "outcomes": OUTCOMES,
}
"""The kinds of chapters that are wanted, and the sections that a synopsis states of them."""
_READ = (_SYNOPSIS, "design", *_SECTIONS)
_OPENED = {"eligibility": ELIGIBILITY, "treatment": INTERVENTIONS}
"""What a chapter opens whose words are no heading of a free text; others are descriptions."""
_LONGEST_HEADING = 160
_LONG = 40_000
_MANY_PAGES = 12
"""Characters and pages above which a document is read by its chapters."""
_LONGEST_WHOLE = 300_000
"""Characters up to which a document without known headings is read as a whole."""
_LONGEST_FRONT = 3_000
_MOST_NAMED = 12
_MOST_BROKEN = 2
"""The most lines without a page between two entries of a table of contents."""
_TITLE = re.compile(
    r"\s*(?:(?:section|chapter)\s+)?(?P<number>\d{1,2}(?:\.\d{1,2}){0,5})\.?\s+(?P<title>[A-Z].*)",
    re.IGNORECASE | re.DOTALL,
)
_PROSE_END = re.compile(r"[.;,!?]\W{0,3}\Z")
_CONTENTS = re.compile(
    r"(?:\d{1,2}\.?\s+)?(?:table of )?contents|list of \w+", re.IGNORECASE
)
_PAGE_OF_ENTRY = re.compile(
    r"(?<=.)(?<![ \t.…·_])[ \t.…·_]*+(?:(?<!\d)\d{1,4}|\b[ivxl]{1,6})\s*+\Z", re.DOTALL
)
"""The page of an entry of a table of contents, with the dots in front of it."""


@dataclass(slots=True)
class _Chapter:
    """A heading of a document, with the blocks up to the next one. ``level`` is 1 for the highest;
    ``number`` is empty for one that only its letters show.
    """

    title: str
    number: str
    level: int
    start: int
    blocks: list[Block] = field(default_factory=list)
    kind: str = ""


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
    """Build the content of a document. Raises ``UnreadableSource`` for one that is too long and
    has no known headings.
    """
    reader = TextReader(content.text, dict(content.headings))
    blocks, titles = _drop_contents(content, reader)
    front, chapters = _find_chapters(content, reader, blocks, titles)
    _name_kinds(chapters)
    while chapters and not chapters[0].kind:
        front += chapters.pop(0).blocks
    is_long = len(content.text) > _LONG or len(content.pages) > _MANY_PAGES
    choice = _choose(chapters, is_long=is_long)
    if choice.read and is_long:
        front = [one for one in front if one.end <= _LONGEST_FRONT]
    read = choice.read or chapters
    kept = [*front, *(block for chapter in read for block in chapter.blocks)]
    size = sum(block.end - block.start for block in kept)
    if size > (MAX_CHARACTERS if choice.read else _LONGEST_WHOLE):
        raise UnreadableSource(
            'a long document without headings such as "Inclusion criteria"',
            "save only the pages with eligibility, treatment and outcomes",
        )
    reader.read(kept, choice.openings)
    notes = list(_note_empty_pages(content))
    if is_long:
        notes.append(_note_chapters(content, choice.read, choice.left))
    doubles = _name(content, choice.doubles)
    if doubles:
        what = " and ".join(choice.stated)
        notes.append(f"the synopsis states {what}, so these were not read: {doubles}")
    return RecordContent(
        reader.build(None),
        kind,
        reader.find_id(),
        notes=tuple(notes),
        document=DocumentText(text=reader.restore(content.text), pages=content.pages),
    )


@dataclass(slots=True)
class _Choice:
    """The chapters that are read (none: all of a text without known ones), those that are left, and
    those whose kinds the synopsis states; ``openings`` as in ``TextReader.read``.
    """

    read: list[_Chapter] = field(default_factory=list)
    left: list[_Chapter] = field(default_factory=list)
    doubles: list[_Chapter] = field(default_factory=list)
    stated: list[str] = field(default_factory=list)
    openings: dict[int, str] = field(default_factory=dict)


def _choose(chapters: Sequence[_Chapter], *, is_long: bool) -> _Choice:
    choice = _Choice()
    if not any(one.kind in _SECTIONS for one in chapters):
        return choice
    choice.stated = _list_stated(chapters)
    is_known = False
    for one in chapters:
        is_known = is_known or one.kind in _SECTIONS
        if one.kind in choice.stated:
            choice.doubles.append(one)
        elif is_long and one.kind not in _READ:
            choice.left.append(one)
        else:
            choice.read.append(one)
            if is_known:
                choice.openings[one.start] = _OPENED.get(one.kind, DESCRIPTION)
    return choice


def _drop_contents(
    content: DocumentContent, reader: TextReader
) -> tuple[list[Block], set[str]]:
    """Return the blocks without tables of contents and the heads and feet of pages, and the titles
    in these tables.
    """
    hidden: set[int] = set()
    for start, end in (*content.edges, *content.contents):
        hidden.update(range(start, end))
    kept: list[Block] = []
    titles: set[str] = set()
    broken = _MOST_BROKEN + 1
    for block in reader.blocks:
        words = block.text[: _LONGEST_HEADING * 2]
        page = _PAGE_OF_ENTRY.search(words)
        if _CONTENTS.fullmatch(block.text.strip(" :")):
            broken = 0
        elif reader.laid.find_place(block.start) in hidden:
            continue
        elif broken <= _MOST_BROKEN and page:
            titles.add(_fold(words[: page.start()]))
            broken = 0
        elif block.kind is not BlockKind.FURNITURE:
            broken += 1
            kept.append(block)
    return kept, titles


def _fold(words: str) -> str:
    return re.sub(r"[\W\d_]+", " ", words).strip().lower()


def _find_chapters(
    content: DocumentContent,
    reader: TextReader,
    blocks: Sequence[Block],
    titles: set[str],
) -> tuple[list[Block], list[_Chapter]]:
    """Return the blocks before the first chapter, and the chapters."""
    ranks = dict(content.headings)
    depth = 0
    front: list[Block] = []
    chapters: list[_Chapter] = []
    for block in blocks:
        line = reader.laid.text.rfind("\n", 0, block.start) + 1
        rank = ranks.get(reader.laid.find_place(line))
        words = reader.laid.text[line : block.end]
        found = _TITLE.match(words)
        is_short = len(words) <= _LONGEST_HEADING and not _PROSE_END.search(words)
        is_known = rank is not None or (found and _fold(words) in titles)
        if is_known and is_short:
            number = found["number"] if found else ""
            title = found["title"] if found else words.strip(" *#")
            # a title without a number is below the last one that has a number
            level = depth + (rank or 1)
            if number:
                depth = number.count(".") + 1
                level = depth
            chapters.append(_Chapter(title, number, level, block.start))
        target = chapters[-1].blocks if chapters else front
        target.append(block)
    return front, chapters


def _name_kinds(chapters: Sequence[_Chapter]) -> None:
    """Say of each chapter what it is about, by its title and those above it."""
    above: list[_Chapter] = []
    is_synopsis = False
    for chapter in chapters:
        while above and above[-1].level >= chapter.level:
            above.pop()
        own = _read_kind(chapter.title)
        is_synopsis = own == _SYNOPSIS or (
            is_synopsis
            and not chapter.number
            and not _pattern("ends_synopsis").search(chapter.title)
        )
        chapter.kind = own or (above[-1].kind if above else "")
        if is_synopsis:
            chapter.kind = _SYNOPSIS
        elif any(_pattern("barred").search(one.title) for one in above):
            chapter.kind = "other"
        elif any(_pattern("list_name").search(one.title) for one in above):
            chapter.kind = own if own == "eligibility" else above[-1].kind
        above.append(chapter)


@cache
def _pattern(name: str) -> re.Pattern[str]:
    return _compile(read_table("chapters")[name])


def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern.replace("\n", ""), re.IGNORECASE)


@cache
def _kinds() -> list[tuple[str, re.Pattern[str]]]:
    table: Any = read_table("chapters")["chapter"]
    return [(one["kind"], _compile(one["pattern"])) for one in table]


def _read_kind(title: str) -> str:
    """Return the kind of a chapter by its title alone; empty if it is not known."""
    words = re.sub(r"\W+$", "", title)
    return next((kind for kind, pattern in _kinds() if pattern.search(words)), "")


def _list_stated(chapters: Sequence[_Chapter]) -> list[str]:
    """Return the kinds of chapters whose content the synopsis states, both lists of criteria."""
    synopsis = [
        block for one in chapters if one.kind == _SYNOPSIS for block in one.blocks
    ]
    named = {name_section(block.name) for block in synopsis}
    words = " ".join(block.text.lower() for block in synopsis if block.name)
    has_lists = "inclu" in words and "exclu" in words
    return [
        kind
        for kind, sections in _SECTIONS.items()
        if named.intersection(sections) and (has_lists or kind != "eligibility")
    ]


def _note_chapters(
    content: DocumentContent, read: Sequence[_Chapter], left: Sequence[_Chapter]
) -> str:
    """Return what was read of a long document: these chapters, or without any all of it."""
    size = f"{len(content.text):,} characters"
    if content.pages:
        size = counted(len(content.pages), "page")
    if not read:
        return (
            "no heading of eligibility, treatment or outcomes was found among "
            f"{size}: all was read as one text"
        )
    note = f"of {size}, these sections were read: {_name(content, read)}"
    return f"{note}. Not read: {_name(content, left)}" if left else note


def _name(content: DocumentContent, chapters: Sequence[_Chapter]) -> str:
    """Return the titles of chapters, with their pages; of many, only the first."""
    document = DocumentText(text="", pages=content.pages)
    names: list[str] = []
    for chapter in chapters[:_MOST_NAMED]:
        page = document.find_page(chapter.start)
        title = f"{chapter.number} {chapter.title}".strip()
        names.append(f"{title} (page {page})" if page else title)
    more = len(chapters) - len(names)
    if more > 0:
        return f"{', '.join(names)}, and {more:,} more"
    return ", ".join(names)


def _note_empty_pages(content: DocumentContent) -> Iterator[str]:
    pages = content.empty_pages
    if pages:
        shown = ", ".join(map(str, pages[:_MOST_NAMED]))
        more = " and more" if len(pages) > _MOST_NAMED else ""
        word = "page" if len(pages) == 1 else "pages"
        yield f"{word} {shown}{more} without a text, blank or scanned: not read"
