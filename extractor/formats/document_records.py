"""The record of a PDF or a Word file.

A protocol has 60 to 300 pages, of which a tenth says what the trial is: the first page, the
synopsis, and the chapters on design, eligibility, treatment and outcomes. They are found by their
headings, whose words are in ``rules/chapters.toml``; a short document is read as a whole. Whatever
is not read (other chapters, running heads, tables of contents, chapters that only repeat the
synopsis) becomes blanks, so that offsets are those of the whole text. Then the text is read as any
free text. Notes name what was left out; they become findings.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
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
from extractor.formats.headings import (
    DESCRIPTION,
    ELIGIBILITY,
    FRONT,
    ITEMS,
    OUTCOMES,
    Heading,
    find_headings,
)
from extractor.formats.layout import undo_layout
from extractor.formats.listed import LINE, Place
from extractor.language.book import read_table
from extractor.language.passage import read_section
from extractor.plurals import counted
from extractor.schemas import DocumentText
from extractor.schemas.record_limits import MAX_CHARACTERS

_SYNOPSIS = "synopsis"
_TREATMENT = "treatment"
_OTHER = "other"
_WANTED = (ELIGIBILITY, _TREATMENT, "outcomes")
_READ = (_SYNOPSIS, "design", *_WANTED)
_LONGEST_HEADING = 160
_LONGEST_ENTRY = 260
_LONG = 40_000
_MANY_PAGES = 12
"""Characters and pages above which a document is read by its chapters."""
_LONGEST_WHOLE = 300_000
"""Characters up to which a document without known headings is read as a whole."""
_LONGEST_FRONT = 3_000
_MOST_NAMED = 12
_ENTRIES = 3
"""The fewest entries of a table of contents."""
_BROKEN_ENTRY = 2
"""Most lines without a page between two entries: the first lines of long ones."""

_TITLE = re.compile(
    r"[ \t]*(?:(?:(?:section|chapter)[ \t]+)?(?P<number>\d{1,2}(?:\.\d{1,2}){0,5})\.?[ \t]+)?"
    r"(?P<title>[^\W\d_].*)",
    re.IGNORECASE,
)
_PROSE_END = re.compile(r"[.;,!?]\W{0,3}$")
_CONTENTS = re.compile(
    r"(?i)[ \t]*(?:\d{1,2}\.?[ \t]+)?"
    r"(?:table of contents|contents|list of (?:tables|figures)(?: and figures)?)[ \t:]*"
)
_LEADER = re.compile(
    r"(?:[ \t]?[.…·_]){3}[ \t.…·_]{0,200}(?:\d{1,4}|[ivxl]{1,6})[ \t]{0,9}$"
)
_ENTRY = re.compile(
    r"[ \t]{0,40}(?P<words>\S.{0,300}?[^\d \t.…·_])"
    r"(?:[ \t.…·_]{0,200}\d{1,4}|[ \t.…·_]{1,200}[ivxl]{1,6})[ \t]{0,9}$"
)


@dataclass(frozen=True, slots=True)
class _Chapter:
    """A heading of a document, with what is below it up to the next heading.

    Attributes:
        start: Where the heading begins in the text.
        end: Where the next heading begins.
        words: The words of the heading, with its number.
        level: How many parts its number has: 2 for "5.1". If no heading of the document has a
            number, the rank of its letters; else 0.
        kind: What it is about, such as "eligibility"; "other" if that is unknown.
        is_label: Whether it divides a list, such as "Age" among inclusion criteria.
    """

    start: int
    end: int
    words: str
    level: int
    kind: str = _OTHER
    is_label: bool = False


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


@dataclass(slots=True)
class _Selection:
    """What is read of a document: places, without the hidden ones; its headings, and notes."""

    places: list[Place]
    hidden: list[Place]
    notes: list[str]
    chapters: Sequence[_Chapter] = ()


def _build(kind: str, content: DocumentContent) -> RecordContent:
    """Build the content of a document. Raises ``UnreadableSource`` for one that is too long and
    has no known headings.
    """
    text = content.text
    selection = _select(content)
    kept = _blank_others(text, selection.places, selection.hidden)
    laid_out = undo_layout(kept)
    headings = (_make_heading(laid_out, one) for one in selection.chapters)
    built = build_laid_out(laid_out, list(filter(None, headings)))
    # as it is read, and as it was given where it is not read
    signs = zip(text, kept, laid_out, strict=True)
    whole = "".join(read if given == left else given for given, left, read in signs)
    return replace(
        built,
        format=kind,
        notes=(*selection.notes, *built.notes),
        document=DocumentText(text=whole, pages=content.pages),
    )


def _select(content: DocumentContent) -> _Selection:
    """Return what is read: all, or of a long document the first page and the chapters that say
    what the trial is; never what the synopsis states too.
    """
    text = content.text
    contents, titles = _find_contents(content)
    chapters = _find_chapters(content, contents, titles)
    notes = list(_note_empty_pages(content))
    selection = _Selection([(0, len(text))], [*content.edges, *contents], notes)
    is_long = len(text) > _LONG or len(content.pages) > _MANY_PAGES
    wanted = [chapter for chapter in chapters if chapter.kind in _WANTED]
    if wanted:
        doubles, note = _find_doubles(content, chapters)
        known = [chapter for chapter in chapters if chapter not in doubles]
        selection.hidden += [(chapter.start, chapter.end) for chapter in doubles]
        selection.chapters = [one for one in known if one.start >= wanted[0].start]
        if is_long:
            _select_chapters(content, known, selection)
        notes += note
    elif is_long:
        notes.append(
            "no heading of eligibility, treatment or outcomes was found among "
            f"{_count_size(content)}: all was read as one text"
        )
    size = sum(end - start for start, end in selection.places)
    if size > (MAX_CHARACTERS if wanted else _LONGEST_WHOLE):
        raise UnreadableSource(
            'a long document without headings such as "Inclusion criteria"',
            "save only the pages with eligibility, treatment and outcomes",
        )
    return selection


def _select_chapters(
    content: DocumentContent, chapters: Sequence[_Chapter], selection: _Selection
) -> None:
    """Select the first page and the chapters that say what the trial is."""
    read = [chapter for chapter in chapters if chapter.kind in _READ]
    left = [chapter for chapter in chapters if chapter.kind not in _READ]
    front = min(_find_front(content, chapters), _LONGEST_FRONT)
    selection.places = [(0, front), *((chapter.start, chapter.end) for chapter in read)]
    selection.chapters = read
    selection.notes.append(_note_chapters(content, read, left))


def _blank_others(text: str, places: Sequence[Place], hidden: Sequence[Place]) -> str:
    """Return a text of the same length, with blanks for what is hidden or in none of the places."""
    kept = [" "] * len(text)
    for start, end in places:
        kept[start:end] = text[start:end]
        # a line break on either side
        kept[start - 1 : start] = "\n" * bool(start)
        kept[end - 1 : end] = "\n" * (end > start)
    for start, end in hidden:
        kept[start:end] = " " * (end - start)
    return "".join(kept)


# Chapters.


def _find_contents(content: DocumentContent) -> tuple[set[Place], set[str]]:
    """Return the lines of tables of contents, and the words of their entries as ``_normalise``
    writes them.

    A table is a line with leaders and a page number, or "Contents" with the entries below it, or
    what the document marks as one.
    """
    text = content.text
    lines = [line.span() for line in LINE.finditer(text) if line.group().strip()]
    found = set(content.contents)
    done = 0
    for number, line in enumerate(lines):
        words = text[slice(*line)]
        if _LEADER.search(words):
            found.add(line)
        elif number >= done and _CONTENTS.fullmatch(words):
            done = _find_last_entry(text, lines, number) + 1
            found.update(lines[number:done])
    titles: set[str] = set()
    for start, end in found:
        entry = _ENTRY.match(text[start:end])
        if entry:
            titles.add(_normalise(entry["words"]))
    return found, titles


def _find_last_entry(text: str, lines: Sequence[Place], start: int) -> int:
    """Return the number of the last entry below the title ``start`` of a table of contents;
    ``start - 1`` if there are too few.
    """
    last = start
    count = 0
    for number in range(start + 1, len(lines)):
        line = text[slice(*lines[number])]
        is_entry = len(line) <= _LONGEST_ENTRY and _ENTRY.match(line)
        if is_entry and not _PROSE_END.search(line):
            last = number
            count += 1
        elif number - last > _BROKEN_ENTRY:
            break
    return last if count >= _ENTRIES else start - 1


def _normalise(words: str) -> str:
    """Return the letters of a heading, behind a sign for its number if it has one.

    >>> _normalise("5.1 Inclusion criteria"), _normalise("Synopsis")
    ('#inclusioncriteria', 'synopsis')
    """
    title = _TITLE.match(words)
    letters = "".join(sign for sign in words.casefold() if sign.isalpha())
    return f"#{letters}" if title and title["number"] else letters


def _find_chapters(
    content: DocumentContent, contents: set[Place], titles: set[str]
) -> list[_Chapter]:
    """Return the chapters of a document, by its layout and its table of contents, else by the
    numbers of its headings.
    """
    ranks = dict(content.headings)
    shown = _sort_chapters(_list_headings(content, contents, ranks, titles))
    if any(chapter.kind in _WANTED for chapter in shown):
        return shown
    return _sort_chapters(_list_headings(content, contents, {}, set()))


def _list_headings(
    content: DocumentContent,
    contents: set[Place],
    ranks: dict[int, int],
    titles: set[str],
) -> list[_Chapter]:
    """Return the headings of a document: lines that the layout shows as such (``ranks``), or that
    the table of contents has; without both, those with a number of at least two parts.
    """
    headings: list[_Chapter] = []
    for line in LINE.finditer(content.text):
        if line.span() not in contents:
            heading = _read_title(line, ranks, titles)
            headings += [heading] if heading else []
    # Without any numbers, the size and weight of the letters show which heading is above which.
    if not any(heading.level for heading in headings):
        headings = [
            replace(heading, level=ranks.get(heading.start, 0)) for heading in headings
        ]
    ends = [*(heading.start for heading in headings), len(content.text)][1:]
    return [
        replace(heading, end=end) for heading, end in zip(headings, ends, strict=False)
    ]


def _read_title(
    line: re.Match[str], ranks: dict[int, int], titles: set[str]
) -> _Chapter | None:
    """Return the heading that a line is, without its end; None for another line, such as a row with
    tabs, or one that ends as prose does.
    """
    words = line.group()
    named = _TITLE.fullmatch(words) if len(words) <= _LONGEST_HEADING else None
    if named is None or "\t" in words.strip() or _PROSE_END.search(words):
        return None
    is_capital = named["title"][0].isupper()
    level = named["number"].count(".") + 1 if named["number"] else 0
    may_be_listed = len(named["title"]) > 3 and (level > 0 or is_capital)
    signs = (
        line.start() in ranks,
        may_be_listed and _normalise(words) in titles,
        # "5 Patients" may begin a sentence
        not ranks and not titles and level > 1 and is_capital,
    )
    return _Chapter(line.start(), 0, words.strip(), level) if any(signs) else None


def _sort_chapters(headings: Sequence[_Chapter]) -> list[_Chapter]:
    """Return the chapters with their kinds. One without a kind of its own has that of the chapter
    above it; below a barred one, such as one of statistics, all are "other".
    """
    # the chapters above the next one: their levels, kinds and titles
    path: list[tuple[int, str, str]] = []
    sorted_: list[_Chapter] = []
    kind = ""
    for heading in headings:
        before = kind
        title = _name_title(heading.words)
        while heading.level and path and path[-1][0] >= heading.level:
            path.pop()
        _, kind_above, title_above = path[-1] if path else (0, "", "")
        own = _read_kind(title)
        is_barred = bool(heading.level and _pattern("barred").search(title_above))
        kind = own or kind_above or _OTHER
        if is_barred:
            kind = _OTHER
        elif not heading.level:
            kind = _find_kind_of_label(title, own, kind_above, before)
        divides_list = not heading.level or _pattern("list_name").search(title_above)
        is_label = bool(divides_list and not own and kind in _WANTED)
        if heading.level:
            # Chapters below a barred one or a label see the title above that, too.
            shown = [title_above] * (is_barred or is_label)
            path.append((heading.level, kind, " ".join([*shown, title])))
        sorted_.append(replace(heading, kind=kind, is_label=is_label))
    return sorted_


def _find_kind_of_label(title: str, own: str, above: str, before: str) -> str:
    """Return the kind of a heading without a level, whose words alone have the kind ``own``: a
    synopsis has labels of its own; elsewhere, a label is part of the numbered chapter around it.
    """
    if before == _SYNOPSIS and not _pattern("ends_synopsis").search(title):
        return _SYNOPSIS
    return above or own or _OTHER


def _name_title(words: str) -> str:
    """Return a heading without its number."""
    return words.lstrip("0123456789. ").strip()


@cache
def _pattern(name: str) -> re.Pattern[str]:
    """Return a pattern of the table of chapters."""
    return _compile(read_table("chapters")[name])


@cache
def _kinds() -> list[tuple[str, re.Pattern[str]]]:
    """Return the kinds of chapters with their patterns, the first that counts first."""
    chapters = read_table("chapters")["chapter"]
    return [(chapter["kind"], _compile(chapter["pattern"])) for chapter in chapters]


def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern.replace("\n", ""), re.IGNORECASE)


def _read_kind(title: str) -> str:
    """Return what a heading is about; "" if its words are unknown.

    >>> titles = (
    ...     "Trial Population",
    ...     "Study Intervention(s) Administered",
    ...     "Screen Failures",
    ... )
    >>> [_read_kind(title) for title in titles]
    ['eligibility', 'treatment', 'other']
    """
    words = re.sub(r"\([a-z]{1,3}\)", "", title).strip(" .:")
    return next((kind for kind, pattern in _kinds() if pattern.search(words)), "")


def _find_front(content: DocumentContent, chapters: Sequence[_Chapter]) -> int:
    """Return where the first page ends: at the second page, or at the first known heading that
    does not begin the document.
    """
    ends = [*content.pages[1:2], len(content.text)]
    for chapter in chapters:
        if chapter.start and _read_kind(_name_title(chapter.words)):
            ends.append(chapter.start)
            break
    return min(ends)


def _find_doubles(
    content: DocumentContent, chapters: Sequence[_Chapter]
) -> tuple[list[_Chapter], list[str]]:
    """Return the chapters whose content the synopsis states too, and a note that names them."""
    stated: set[str] = set()
    for chapter in chapters:
        if chapter.kind == _SYNOPSIS:
            stated |= _list_stated(content.text[chapter.start : chapter.end])
    doubles = [chapter for chapter in chapters if chapter.kind in stated]
    if not doubles:
        return [], []
    double_kinds = {chapter.kind for chapter in doubles}
    kinds = " and ".join(kind for kind in _WANTED if kind in double_kinds)
    note = f"the synopsis states {kinds}, so these were not read: "
    return doubles, [note + _name(content, doubles)]


def _list_stated(synopsis: str) -> set[str]:
    """Return the kinds of chapters whose content a synopsis states, by the headings in it."""
    headings = find_headings(read_section("synopsis", synopsis))
    names = {heading.section for heading in headings}
    # Many synopses name the key inclusions alone.
    has_exclusions = re.search(r"(?i)\bexclu(?:sion|ded)\b", synopsis)
    stated: set[str] = set()
    if ELIGIBILITY in names and has_exclusions:
        stated.add(ELIGIBILITY)
    if not names.isdisjoint(OUTCOMES):
        stated.add("outcomes")
    if not names.isdisjoint(ITEMS[:2]):
        stated.add(_TREATMENT)
    return stated


def _make_heading(text: str, chapter: _Chapter) -> Heading | None:
    """Return the heading that a chapter is for a reader of free text: of interventions, of the
    eligibility, or else of a description.

    None for a chapter of the synopsis, which has headings of its own, and for a label, which
    belongs to the list that it divides.
    """
    end = text.find("\n", chapter.start)
    front = FRONT.match(text, chapter.start, end)
    if chapter.kind == _SYNOPSIS or chapter.is_label or front is None:
        return None
    section = DESCRIPTION
    start = front.end()
    if chapter.kind == _TREATMENT:
        section = "interventions"
        start = end
    elif chapter.kind == ELIGIBILITY and _pattern("list_name").search(chapter.words):
        section = ELIGIBILITY
    words = (front.end(), end)
    return Heading(section, "", chapter.start, front.end(), words, start, "1.1")


# Notes.


def _note_chapters(
    content: DocumentContent, read: Sequence[_Chapter], left: Sequence[_Chapter]
) -> str:
    note = (
        f"of {_count_size(content)}, these sections were read by their headings: "
        f"{_name(content, read)}"
    )
    highest = [chapter for chapter in left if chapter.level <= 1]
    return f"{note}. Not read: {_name(content, highest)}" if highest else note


def _name(content: DocumentContent, chapters: Sequence[_Chapter]) -> str:
    """Name chapters with their pages, the first ``_MOST_NAMED`` of many and how many more."""
    shown: list[str] = []
    for chapter in chapters[:_MOST_NAMED]:
        page = sum(start <= chapter.start for start in content.pages)
        shown.append(f"{chapter.words} (page {page})" if page else chapter.words)
    more = len(chapters) - len(shown)
    if more:
        shown.append(f"and {more} more")
    return "; ".join(shown)


def _count_size(content: DocumentContent) -> str:
    """Count the pages of a document, or its characters if its file has no pages."""
    if content.pages:
        return counted(len(content.pages), "page")
    return counted(len(content.text), "character")


def _note_empty_pages(content: DocumentContent) -> Iterator[str]:
    pages = content.empty_pages
    if pages:
        shown = ", ".join(map(str, pages[:_MOST_NAMED]))
        more = ", ..." if len(pages) > _MOST_NAMED else ""
        yield f"page {shown}{more} without a text, blank or scanned: not read"
