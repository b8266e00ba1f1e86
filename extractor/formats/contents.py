"""Find the table of contents of a long text, and the headings of its chapters.

The lines of a table of contents repeat the headings of the chapters, with page numbers. They are no
chapters themselves, but they show which lines of the text are headings if nothing else does.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_LEADERS = re.compile(
    r"(?<![.…·_])(?<![.…][ \t])(?:\.[ \t]?|…[ \t]?|[·_]){4,}[ \t]*(?:\d{1,4}|[ivxlc]{1,6})\W*$"
)
"""The end of a line of contents whose page number follows a row of dots."""
_PAGE = re.compile(r"(?:[\t ]|(?<=[a-z)]))\d{1,4}\W*$")
"""The end of a line of contents without dots."""
_TITLE = re.compile(
    r"\W*(?:table\s+of\s+contents?|contents|index|list\s+of\s+(?:in-text\s+)?(?:tables|figures"
    r"|appendices))\W*(?:page\W*)?$",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"(?P<number>\d{1,2}(?:\.\d{1,2}){0,5})\.?(?:[ \t]+|(?=[A-Z][a-z]))(?P<title>[A-Z(].*)"
)
"""A numbered heading."""
_ENTRY = re.compile(
    r"(?:\d{1,2}(?:\.\d{1,2}){0,5}\.?|Table|Figure|Appendix|Annex)[ \t]+\S"
)
_CRITERIA = re.compile(
    r"(?:key |main |general |(?:subject|patient|participant|study|trial)s?[’']? ){0,2}"
    r"(?:in|ex)clusion(?:\s?/\s?exclusion)?(?: criteri(?:a|on))?(?: for .{1,40})?\W*$",
    re.IGNORECASE,
)
"""The title of a chapter with criteria."""
_PROSE_END = re.compile(r"[.;,!?]\W{0,3}$")
_SIGNS = re.compile(r"[\W_]+")
_LONGEST_ENTRY = 160
_LONGEST_TITLE = 90
_FEW_ENTRIES = 3
"""Minimum number of lines in a table of contents."""
_MOST_WRAPPED = 2
"""Maximum number of successive lines of an entry before its page number."""


@dataclass(frozen=True, slots=True)
class Contents:
    """The tables of contents of a text.

    Attributes:
        lines: The indexes of their lines.
        titles: The entries, without page numbers, blanks and signs, in lower case.
    """

    lines: frozenset[int]
    titles: frozenset[str]


def find_contents(lines: Sequence[str]) -> Contents:
    """Return the tables of contents of a text: lines that end with dots and a page number, and the
    lines below a heading such as "Table of contents" until the first entry is repeated.

    >>> found = find_contents(
    ...     [
    ...         "1 Design .... 3",
    ...         "2 Who may take part .... 4",
    ...         "3 Dose .... 9",
    ...         "1 Design",
    ...     ]
    ... )
    >>> sorted(found.lines), "1design" in found.titles
    ([0, 1, 2], True)
    """
    found: set[int] = set()
    for block in _list_dotted(lines):
        found.update(block)
    for block in _list_titled(lines):
        found.update(block)
    titles = {_fold_entry(lines[number]) for number in found}
    return Contents(frozenset(found), frozenset(titles - {""}))


def _list_dotted(lines: Sequence[str]) -> Iterator[list[int]]:
    """Yield blocks of lines with dots, including the first lines of entries that are wrapped."""
    block: list[int] = []
    dotted = 0
    wrapped: list[int] = []
    for number, line in enumerate(lines):
        if _LEADERS.search(line):
            block += [*wrapped, number]
            wrapped = []
            dotted += 1
        elif block and len(wrapped) < _MOST_WRAPPED and len(line) <= _LONGEST_ENTRY:
            wrapped.append(number)
        else:
            if dotted >= _FEW_ENTRIES:
                yield block
            block, wrapped, dotted = [], [], 0
    if dotted >= _FEW_ENTRIES:
        yield block


def _list_titled(lines: Sequence[str]) -> Iterator[list[int]]:
    """Yield the lines below each heading of a table of contents, with the heading."""
    number = 0
    while number < len(lines):
        if not _TITLE.match(lines[number]):
            number += 1
            continue
        block = [number]
        seen: set[str] = set()
        paged = 0
        number += 1
        while number < len(lines) and _may_be_entry(lines[number]):
            entry = _fold_entry(lines[number])
            # the heading of the first chapter
            if entry in seen and not _ends_with_page(lines[number]):
                break
            seen.add(entry)
            paged += _ends_with_page(lines[number])
            block.append(number)
            number += 1
        if paged >= _FEW_ENTRIES:
            yield block


def _may_be_entry(line: str) -> bool:
    words = line.lstrip("# \t")
    if not words:
        return True
    if len(words) > _LONGEST_ENTRY:
        return False
    return _ends_with_page(words) or _ENTRY.match(words) is not None


def _ends_with_page(line: str) -> bool:
    return bool(_LEADERS.search(line) or _PAGE.search(line))


def _fold_entry(line: str) -> str:
    """Return the title of an entry of a table of contents, folded."""
    return fold_title(_PAGE.sub("", _LEADERS.sub("", line)))


def fold_title(line: str) -> str:
    """Return a heading in lower case, without blanks and signs."""
    return _SIGNS.sub("", line).casefold()


def find_headings(
    lines: Sequence[str], ranks: Sequence[int], contents: Contents
) -> list[int]:
    """Return the ranks of the lines as headings. A line is a heading if it has a rank already, if
    the table of contents lists it, if it is the numbered title of a list of criteria, or if its
    number follows that of the last heading: "5.2", "6" after "5.1". The items of a list count up,
    too, so that "6." below the item "5." is none.

    Args:
        lines: The lines.
        ranks: Their ranks according to style or font, 0 for a line that is not a heading.
        contents: The tables of contents.
    """
    found: list[int] = []
    # the number of the last heading, and that of the last item below it
    last: tuple[int, ...] = ()
    item = 0
    for index, (line, rank) in enumerate(zip(lines, ranks, strict=True)):
        if index in contents.lines:
            found.append(0)
            continue
        is_heading = rank > 0 or _is_listed(line, contents)
        numbered = _NUMBER.match(line)
        if numbered:
            number = tuple(map(int, numbered["number"].split(".")))
            if not is_heading and _may_be_title(line, numbered["title"]):
                is_criteria = _CRITERIA.match(numbered["title"]) is not None
                is_heading = is_criteria or _is_next(number, last, item, contents)
            if is_heading:
                last = number
                item = 0
            elif len(number) == 1:
                item = number[0]
        found.append(max(rank, int(is_heading)))
    return found


def _is_next(
    number: tuple[int, ...], last: tuple[int, ...], item: int, contents: Contents
) -> bool:
    """Return whether a title may have the number that follows that of the ``last`` heading. The
    number of the last item is ``item``, 0 without one.
    """
    if number not in list_next(last):
        return False
    if len(number) > 1:
        return True
    # the contents list all chapters with a single number
    if contents.titles:
        return False
    continues_items = item > 0 and number[0] == item + 1
    return not continues_items


def _may_be_title(line: str, title: str) -> bool:
    """Return whether a line with a number may be a heading, by its length and its end."""
    if len(line) > _LONGEST_ENTRY:
        return False
    if len(title) > _LONGEST_TITLE:
        return False
    return _PROSE_END.search(title) is None


def _is_listed(line: str, contents: Contents) -> bool:
    """Return whether the table of contents lists a line."""
    if len(line) > _LONGEST_ENTRY or line.startswith("#"):
        return False
    return fold_title(line) in contents.titles


def list_next(number: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return the numbers that may follow that of a heading or an item, except those of its own
    parts: the shortest first.

    >>> list_next((5, 1))
    [(6,), (5, 2)]
    """
    return [(*number[:depth], number[depth] + 1) for depth in range(len(number))]
