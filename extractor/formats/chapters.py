"""Choose the chapters of a long text to read, by the words of their headings.

Only the first page and the chapters on design, eligibility, treatment and outcomes are read; if no
chapter is about eligibility, the synopsis is also read. ``rules/chapters.toml`` lists the words.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

from extractor.formats.contents import find_contents, find_headings
from extractor.language.book import read_table

LONG = 40_000
"""Number of characters above which a text is read by chapter."""
_LONGEST_FRONT = 3_000
"""Maximum number of characters that are read before the first chapter."""
_MOST_NAMED = 12
_HASHES = re.compile(r"#{1,6} ")
_HEADING = re.compile(
    r"(?:(?P<hashes>#{1,6}) )?(?P<number>\d[\d.]*[ \t]*)?(?P<title>.*?)\W*$"
)
_WANTED = {"design", "eligibility", "treatment", "outcomes"}
_RULING = ("synopsis", "barred")
"""Kinds of chapters that all subchapters inherit, whatever their titles."""


class ChapterHeading(NamedTuple):
    """A heading: the offset of its line, its level, its number with the blank behind it, and its
    title.
    """

    start: int
    level: int
    number: str
    title: str


class Chapter(NamedTuple):
    """A chapter, excluding its subchapters: its title, its kind and its text,
    ``text[start:end]``.
    """

    title: str
    kind: str
    start: int
    end: int


def find_text_headings(text: str) -> list[ChapterHeading]:
    """Return the numbered headings of a plain text, and those in Markdown."""
    lines = text.split("\n")
    starts = [0, *accumulate(len(line) + 1 for line in lines)]
    ranks = [int(_HASHES.match(line) is not None) for line in lines]
    contents = find_contents(lines)
    ranks = find_headings(lines, ranks, contents)
    headings: list[ChapterHeading] = []
    for line, start, rank in zip(lines, starts, ranks, strict=False):
        heading = None
        if rank:
            heading = _HEADING.match(line)
        if not heading:
            continue
        number = heading["number"] or ""
        level = len(heading["hashes"] or "") or 1 + number.rstrip(". \t").count(".")
        headings.append(ChapterHeading(start, level, number, heading["title"]))
    return headings


def list_chapters(length: int, headings: Sequence[ChapterHeading]) -> Iterator[Chapter]:
    """Yield the text before the first heading as a chapter of the kind "front", then the text from
    each heading to the next as a chapter. A chapter whose title does not show its kind inherits
    the kind of its parent. ``length`` is the number of characters of the text.
    """
    starts = [heading.start for heading in headings]
    front_end, *ends = [*starts, length]
    yield Chapter("", "front", 0, front_end)
    kinds = {0: ""}  # the kinds of the chapter's ancestors, by heading level
    is_numbered = _have_numbered_criteria(headings)
    in_synopsis = False
    for heading, end in zip(headings, ends, strict=True):
        for level in list(kinds):
            if level >= heading.level:
                del kinds[level]
        # the deepest of them is that of the parent
        kind = _find_kind(heading.title, kinds[max(kinds)])
        # the rows of a synopsis are often as high as its heading
        if heading.number:
            in_synopsis = False
        elif kind == "synopsis":
            in_synopsis = True
        if in_synopsis and is_numbered and kind != "barred":
            kind = "synopsis"
        kinds[heading.level] = kind
        title = f"{heading.number}{heading.title}"
        yield Chapter(title, kind, heading.start, end)


def _have_numbered_criteria(headings: Sequence[ChapterHeading]) -> bool:
    """Return whether a heading with a number names the criteria: a synopsis repeats them."""
    for heading in headings:
        if heading.number and _find_kind(heading.title, "") == "eligibility":
            return True
    return False


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


def choose_chapters(chapters: Sequence[Chapter]) -> list[Chapter]:
    """Return the chapters to read in a long text. If no chapter is of a wanted kind, return all
    chapters.
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


def describe_choice(
    chapters: Sequence[Chapter],
    read: Sequence[Chapter],
    unit: str,
    find_page: Callable[[int], int | None],
) -> str:
    """Return the sentence that tells which chapters of a long text were read and which were not,
    with their places.

    Args:
        chapters: All chapters.
        read: Those that were read.
        unit: What places are: "page" or "line".
        find_page: Returns the number of the page or line of an offset, or None.
    """
    starts = {chapter.start for chapter in read}
    omitted = [chapter for chapter in chapters if chapter.start not in starts]
    return (
        "because the text is long, only these chapters were read: "
        f"{_list_titles(read, unit, find_page)}. "
        f"Not read: {_list_titles(omitted, unit, find_page) or 'none'}"
    )


def _list_titles(
    chapters: Sequence[Chapter], unit: str, find_page: Callable[[int], int | None]
) -> str:
    """Return the first titles, each with its place, and all places."""
    titled = [chapter for chapter in chapters if chapter.title]
    shown: list[str] = []
    for chapter in titled[:_MOST_NAMED]:
        page = find_page(chapter.start)
        shown.append(f"{chapter.title} ({unit} {page})" if page else chapter.title)
    if len(titled) > _MOST_NAMED:
        shown.append(f"and {len(titled) - _MOST_NAMED} more")
    pages: set[int] = set()
    for chapter in chapters:
        first, last = (
            find_page(chapter.start),
            find_page(max(chapter.start, chapter.end - 1)),
        )
        if first and last:
            pages.update(range(first, last + 1))
    if not pages:
        return ", ".join(shown)
    return f"{', '.join(shown)} [{unit}s {_join_pages(sorted(pages))}]"


def _join_pages(pages: Sequence[int]) -> str:
    """Return page numbers as ranges.

    >>> _join_pages([1, 4, 5, 6, 9])
    '1, 4-6, 9'
    """
    breaks = [
        place
        for place, (page, following) in enumerate(pairwise(pages), 1)
        if following != page + 1
    ]
    ranges: list[str] = []
    for start, end in pairwise([0, *breaks, len(pages)]):
        first, last = pages[start], pages[end - 1]
        ranges.append(str(first) if first == last else f"{first}-{last}")
    return ", ".join(ranges)
