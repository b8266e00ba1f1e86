r"""The layout of a copied text: codes of HTML, the edges of pages and breaks inside of sentences
are undone.

They become blanks, or soft hyphens within a word, so that all places stay those of the text as it
was given.
"""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from extractor.formats.headings import find_headings
from extractor.formats.listed import LINE, MARK
from extractor.language.book import read_text
from extractor.language.markup import CELL, EDGE, EMPHASIS, may_hold_markup
from extractor.language.passage import read_section
from extractor.language.wrapping import (
    ends_sentence,
    find_width,
    is_page_edge,
    opens_bracket,
)


def undo_breaks(text: str) -> str:
    r"""Return a text with line breaks in the place of HTML's codes for them, filled up with blanks
    to the same length.

    Codes of emphasis become blanks.

    >>> undo_breaks("Pain<br><b>Sleep</b>")
    'Pain   \n   Sleep    '
    """
    if not may_hold_markup(text):
        return text
    for codes in (EMPHASIS, CELL):
        text = codes.sub(lambda found: " " * len(found.group()), text)
    return EDGE.sub(lambda found: "\n".rjust(len(found.group())), text)


_SHARED = re.compile(
    r"(?:(?<=[^\s|])[ \t]*\||(?<=[.;])[ \t])[ \t]{0,9}"
    r"(?=(?:(?:key|main|major)[ \t])?(?:in|ex)clusion\b(?:[ \t]+criteri(?:a|on))?[ \t]*:[ "
    r"\t]*[^\s|])",
    re.IGNORECASE,
)
"""What stands between two lists of criteria that share a line."""
_PAGE = re.compile(
    r"\bpage[ \t]{1,9}\d{1,4}(?:[ \t]{0,9}(?:of|/)[ \t]{0,9}\d{1,4})?\b"
    r"|\A[ \t\f]{0,99}(?:\d{1,4}[ \t]{1,9}of[ \t]{1,9}\d{1,4}|[-–—][ \t]{0,9}\d{1,4}[ "
    r"\t]{0,9}[-–—])[ \t]{0,99}\Z",
    re.IGNORECASE,
)
_EDGE = 2
"""How many lines of a page's header or footer may stand on either side of its number."""
_LONGEST_EDGE = 200
_SHORT = 24
"""A line of so few characters is no sentence that was broken: the label of an arm, the name of
an outcome.
"""
_RUNS_ON = re.compile(
    r"\b(?:a|above|all|an|and|any|are|at|be|below|by|each|following|for|from|has|have|in|is|least"
    r"|meet|of|on|or|per"
    r"|than|that|the|these|this|to|which|who|whose|with|within)[ \t]*\Z"
)
_LOWER = re.compile(r"[ \t]*(?!o[ \t]|[a-z]{1,4}[.)]|(?:and|or|and/or)[ \t]*\Z)[a-z]")
_SEPARATES = ("|", "\t")
"""Signs between the cells of a table."""
_HYPHEN = re.compile(
    r"(?:(?<![\w-])(?!(?:anti|cross|follow|high|long|low|mid|multi|non|post|pre|self|short"
    r"|well)-)(?P<word>[a-z]{2,40})|\w)"
    r"(?P<sign>-)[ \t]*\Z"
)
"""A hyphen at the end of a line, with the word before it if the line's end may be the reason for
the hyphen.
"""
_WORD = re.compile(r"(?<![\w-])[a-z]{2,}(?!-?\w|-[ \t]*[\r\n])")
_SOFT = "\u00ad"


def undo_layout(text: str) -> str:
    r"""Return a text of the same length without codes of HTML, headers and footers of pages, and
    breaks in sentences.

    >>> undo_layout("1. No haemo-\nglobin within\nPage 3 of 80\nnormal limits").replace(
    ...     "\u00ad", ""
    ... )
    '1. No haemoglobin within              normal limits'
    """
    return "".join(
        _join_lines(
            _SHARED.sub(lambda found: "\n".rjust(len(found.group())), undo_breaks(text))
        )
    )


def _join_lines(text: str) -> Iterator[str]:
    """Yield the lines that stay, each behind what is between it and the line before."""
    lines = [line for line in LINE.finditer(text) if line.group().strip()]
    dropped = _find_edges([line.group() for line in lines])
    words = set(_WORD.findall(text))
    width = _find_width(
        [line.group() for at, line in enumerate(lines) if at not in dropped]
    )
    before = ""
    end = 0
    in_item = False
    for line in (line for at, line in enumerate(lines) if at not in dropped):
        gap = text[end : line.start()]
        here = line.group()
        marked = bool(MARK.match(line.group()))
        over_page = bool(gap.strip())
        is_next = before and not marked and (over_page or gap.count("\n") == 1)
        is_full = (
            width is not None
            and len(before.rstrip()) + 1 + len(here.split(maxsplit=1)[0]) > width - 2
        )
        joins = is_next and _continues(
            before, here, in_item=over_page or in_item, is_full=is_full
        )
        if joins and (hyphen := _HYPHEN.search(before)):
            broken = hyphen["word"] and hyphen["word"] not in words
            yield (
                before[: hyphen.start("sign")] + len(hyphen["sign"]) * _SOFT
                if broken
                else before
            )
            gap = len(gap) * _SOFT
        else:
            yield before
            if joins:
                gap = len(gap) * " "
            elif over_page:
                gap = "\n".rjust(len(gap))
        yield gap
        before = here
        end = line.end()
        in_item = marked or (in_item and bool(joins))
    yield before
    yield re.sub(r"\S", " ", text[end:])


def _find_width(lines: list[str]) -> int | None:
    """Return the width at which the lines were wrapped."""
    lengths = [len(line.rstrip()) for line in lines]
    broken = [
        length
        for length, (line, below) in zip(lengths, pairwise(lines), strict=False)
        if _LOWER.match(below) and not ends_sentence(line.rstrip())
    ]
    return find_width(broken, lengths)


def _continues(before: str, line: str, *, in_item: bool, is_full: bool) -> bool:
    """Return whether a line goes on with the sentence of the line before it.

    ``in_item``: that is an item, or a page ends between them. ``is_full``: it has no room for
    another word.
    """
    said = before.rstrip(" ")
    ended = said.endswith(_SEPARATES) or ends_sentence(said)
    sentence_ends = in_item and is_full and said.endswith((".", ";"))
    if ended and not sentence_ends:
        return False
    open_end = bool(_RUNS_ON.search(before)) or opens_bracket(before)
    if _LOWER.match(line):
        likely = (
            (in_item and len(before) > _SHORT)
            or is_full
            or open_end
            or _HYPHEN.search(before) is not None
        )
    else:
        likely = in_item and (open_end or is_full)
    if not likely:
        return False
    return not any(
        one.is_alone
        for text in (before, line)
        for one in find_headings(read_section("line", text))
    )


def _find_edges(lines: list[str]) -> set[int]:
    """Return the numbers of the lines that are a page's number, or what recurs beside such
    numbers or form feeds.
    """
    said = [" ".join(_PAGE.sub(" ", line).split()) for line in lines]
    numbered = [
        at for at, line in enumerate(lines) if _PAGE.search(line) or "\f" in line
    ]
    near = {
        at
        for number in numbered
        for at in range(max(0, number - _EDGE), min(len(lines), number + _EDGE + 1))
    }
    recurring = Counter(said[at] for at in near)
    return {
        at
        for at, words in enumerate(said)
        if recurring[words] > 1
        or (at in near and (words.isdigit() or not any(map(str.isalnum, words))))
        or _is_edge(lines[at])
    }


def _is_edge(line: str) -> bool:
    """Return whether a line is no item, and the header or footer of a page."""
    return (
        len(line) <= _LONGEST_EDGE
        and not MARK.match(line)
        and is_page_edge(read_text(line))
    )
