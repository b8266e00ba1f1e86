r"""The layout of a copied text: codes of HTML, the edges of pages and breaks inside of sentences
are undone.

They become blanks, or soft hyphens within a word, so that all places stay those of the text as it
was given.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
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
        text = codes.sub(lambda code: " " * len(code.group()), text)
    return EDGE.sub(_break_line, text)


def _break_line(sign: re.Match[str]) -> str:
    """Return a line break of the same length as a sign."""
    return "\n".rjust(len(sign.group()))


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
_REFUSES = ("no", "not", "without", "any")
"""Words with which a criterion begins, and no header."""
_LIMITS = frozenset("<>≤≥=")
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
    with_breaks = undo_breaks(text)
    return "".join(_join_lines(_SHARED.sub(_break_line, with_breaks)))


def _join_lines(text: str) -> Iterator[str]:
    """Yield the lines that stay, each behind what is between it and the line before.

    Edges of pages are blanked. The break between two lines becomes a blank if the second one
    continues a sentence of the first, and soft hyphens if that ends with a hyphen that only broke a
    word. All keeps its length.
    """
    lines = [line for line in LINE.finditer(text) if line.group().strip()]
    dropped = _find_edges([line.group() for line in lines])
    kept = [line for number, line in enumerate(lines) if number not in dropped]
    words = set(_WORD.findall(text))
    width = _find_width(kept)
    before = ""
    end = 0
    in_item = False
    for line in kept:
        gap = text[end : line.start()]
        here = line.group()
        marked = MARK.match(here) is not None
        # the edges of a page, which are dropped, stand in the gap
        over_page = bool(gap.strip())
        is_next = over_page or gap.count("\n") == 1
        joins = False
        if before and not marked and is_next:
            is_full = _is_full(before, here, width)
            in_list = over_page or in_item
            joins = _continues(before, here, in_item=in_list, is_full=is_full)
        hyphen = _HYPHEN.search(before) if joins else None
        if hyphen:
            yield _soften_hyphen(before, hyphen, words)
            yield len(gap) * _SOFT
        else:
            yield before
            yield _fill_gap(gap, joins=joins, over_page=over_page)
        before = here
        end = line.end()
        in_item = marked or (in_item and joins)
    yield before
    yield re.sub(r"\S", " ", text[end:])


def _fill_gap(gap: str, *, joins: bool, over_page: bool) -> str:
    """Return what stands between two lines in the place of a gap, at the same length."""
    if joins:
        return len(gap) * " "
    if over_page:
        return "\n".rjust(len(gap))
    return gap


def _is_full(line: str, following: str, width: int | None) -> bool:
    """Return whether a line has no room for the first word of the next one, where the text was
    wrapped at ``width`` characters.
    """
    if width is None:
        return False
    first_word = following.split(maxsplit=1)[0]
    return len(line.rstrip()) + 1 + len(first_word) > width - 2


def _soften_hyphen(line: str, hyphen: re.Match[str], words: set[str]) -> str:
    """Return a line whose last hyphen only broke a word with a soft one; the line itself if the
    hyphen is part of the word.

    ``words`` are those of the text: "long-" is no broken word where "long" is used alone.
    """
    word = hyphen["word"]
    if not word or word in words:
        return line
    return line[: hyphen.start("sign")] + len(hyphen["sign"]) * _SOFT


def _find_width(lines: Sequence[re.Match[str]]) -> int | None:
    """Return the width at which the lines were wrapped."""
    written = [line.group() for line in lines]
    lengths = [len(line.rstrip()) for line in written]
    broken: list[int] = []
    for length, (line, below) in zip(lengths, pairwise(written), strict=False):
        if _LOWER.match(below) and not ends_sentence(line.rstrip()):
            broken.append(length)
    return find_width(broken, lengths)


def _continues(before: str, line: str, *, in_item: bool, is_full: bool) -> bool:
    """Return whether a line goes on with the sentence of the line before it.

    Neither may be a heading. The line before has not ended its sentence, except in a full line of
    an item, and ends within a phrase or bracket, is full, or is followed by a small letter.

    Args:
        before: The line before.
        line: The line.
        in_item: Whether the line before is in an item, or a page ends between them.
        is_full: Whether the line before has no room for another word.
    """
    said = before.rstrip(" ")
    ended = said.endswith(_SEPARATES) or ends_sentence(said)
    # In a full line of an item, a full stop may end one of several sentences.
    may_go_on = in_item and is_full and said.endswith((".", ";"))
    if ended and not may_go_on:
        return False
    is_open = bool(_RUNS_ON.search(before)) or opens_bracket(before)
    if not _could_continue(
        before, line, in_item=in_item, is_full=is_full, is_open=is_open
    ):
        return False
    return not _is_heading(before) and not _is_heading(line)


def _could_continue(
    before: str, line: str, *, in_item: bool, is_full: bool, is_open: bool
) -> bool:
    """Return whether a line may go on with a sentence that has not ended.

    Behind an open or full line it may, in an item in any case, elsewhere if it begins with a small
    letter. Behind any other line it must begin with a small letter, and the line before must break
    a word or be a longer line of an item.

    ``is_open``: the line before ends with a word that others follow, or within a bracket. The other
    arguments are those of ``_continues``.
    """
    if is_open or is_full:
        # A capital begins a line of its own, unless an item goes on.
        return in_item or _LOWER.match(line) is not None
    if not _LOWER.match(line):
        return False
    if _HYPHEN.search(before):
        return True
    return in_item and len(before) > _SHORT


def _is_heading(line: str) -> bool:
    """Return whether a line is a heading with nothing behind it."""
    headings = find_headings(read_section("line", line))
    return any(heading.is_alone for heading in headings)


def _find_edges(lines: list[str]) -> set[int]:
    """Return the numbers of the lines that are the edge of a page: a header or footer by its words,
    or near the number of a page or a form feed a line that recurs there or has only digits or
    signs.

    A header recurs at the same distance from the number of its page. An item, and a line that
    refuses or limits something, is none, wherever it recurs: "No pregnancy".
    """
    said = [" ".join(_PAGE.sub(" ", line).split()) for line in lines]
    distances: dict[int, set[int]] = {}
    for number, line in enumerate(lines):
        if _PAGE.search(line) or "\f" in line:
            first = max(0, number - _EDGE)
            for near in range(first, min(len(lines), number + _EDGE + 1)):
                distances.setdefault(near, set()).add(near - number)
    recurring: Counter[tuple[str, int]] = Counter()
    for number, from_pages in distances.items():
        recurring.update((said[number], distance) for distance in from_pages)
    edges: set[int] = set()
    for number, from_pages in distances.items():
        words = said[number]
        says_nothing = words.isdigit() or not any(map(str.isalnum, words))
        recurs = any(recurring[words, distance] > 1 for distance in from_pages)
        if says_nothing or (recurs and not _states_criterion(lines[number])):
            edges.add(number)
    edges.update(number for number, line in enumerate(lines) if _is_edge(line))
    return edges


def _states_criterion(line: str) -> bool:
    """Return whether a line is an item, or one that refuses or limits something."""
    if MARK.match(line):
        return True
    tokens = read_text(line.strip())
    if not tokens.words:
        return False
    return tokens.words[0].lower() in _REFUSES or not _LIMITS.isdisjoint(tokens.codes)


def _is_edge(line: str) -> bool:
    """Return whether a line is no item, and the header or footer of a page."""
    if len(line) > _LONGEST_EDGE:
        return False
    if MARK.match(line):
        return False
    return is_page_edge(read_text(line))
