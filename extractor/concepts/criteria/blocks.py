r"""The blocks of an eligibility section: headings, items and paragraphs, each a line with its
wrapped continuations.

Items that share a line ("1. Adult 2. Asthma 3. Consent") are separate blocks.
"""

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from extractor.concepts.criteria.bare_numbers import find_bare_numbers
from extractor.concepts.criteria.headings import (
    ends_with_colon,
    is_generic,
    names_group,
)
from extractor.concepts.criteria.layout import (
    Bullet,
    Layout,
    Marker,
    lay_out,
    read_marker,
)
from extractor.concepts.criteria.lines import TextLine, read_lines
from extractor.concepts.criteria.list_headings import read_list_heading
from extractor.language.book import expression, rule
from extractor.language.passage import LexedSection, strip_span
from extractor.language.wrapping import (
    ends_sentence,
    find_width,
    is_page_edge,
    opens_bracket,
    runs_on,
)

_DIGITS = re.compile(r"\d+")
_LONGEST = 160


def find_furniture(lines: Sequence[TextLine]) -> Iterator[TextLine]:
    """Yield the lines that are the edge of a page, or that recur and look like one.

    An item of the list is never one, nor is what may be its heading in both lists ("Donors:").
    """
    plain = [
        line for line in lines if not line.bullet and line.end - line.start <= _LONGEST
    ]
    said = {line.start: _fold(line) for line in plain}
    counts = Counter(said.values())
    for line in plain:
        recurs = (
            counts[said[line.start]] > 1
            and rule("page_word").search(line.tokens) is not None
        )
        names_page = recurs and rule("page_mark").search(line.tokens) is not None
        if names_page or is_page_edge(line.tokens):
            yield line


def _fold(line: TextLine) -> str:
    """Return a line's words without the numbers, which count pages."""
    return _DIGITS.sub("#", " ".join(line.section.raw[line.start : line.end].split()))


_NEXT_ITEM_REACH = 12
"""How many blocks ahead the next item may be, after sub-items."""
_LONGEST_HEADING = 2000
"""In characters, including white space of the layout."""
_PUNCTUATION = ".;:,)]）；。"
_CAPITAL = re.compile(r"\s*(?:[A-Z\d]|\\?[<>≤≥])")
_INTRODUCTION_REACH = 200
"""How many characters before a sub-item can introduce it."""
_LONG = 60
"""The characters of a line that may have been broken."""
_NARROW = 72
_WIDE = 112
_EVEN = 12
"""A text was wrapped at a width between these if its three longest lines differ by so few
characters.
"""
_FEW_ITEMS = 2
_MANY_ITEMS = 3
_LONG_LINE = 200
_ITEM_BEGINS = re.compile(r"\s+[A-Z][a-z]+[ ][a-z]")
_SIGN_CONTEXT = 8
_LONGEST_BRACKET = 120
_MOSTLY = 0.6
"""From this share of signs before capitals, the signs in a sentence divide it into items."""
_INNER_SIGNS = {
    Bullet.DASH: re.compile(r"(?<=[\s;,.])\\?[-–—−](?=\s+\S)"),
    Bullet.STAR: re.compile(r"(?<=\s)\\?\*(?=\s+\S)"),
    Bullet.CIRCLE: re.compile(r"(?<=\s)o(?=\s+\S)"),
}
"""Bullets within a line, by the bullet with which it begins."""
_SIGN_BULLETS = {"-": Bullet.DASH, "–": Bullet.DASH, "—": Bullet.DASH, "*": Bullet.STAR}
_LETTERED = re.compile(r"[B-H][,、][ \t]")
"""A letter and a comma, which some write before the parts of an item: "B, oxygen saturation"."""
_WIDE_GAP = re.compile(r"[ \t\u00a0]{2,}\Z")
_FIRST_COUNT = re.compile(r"(?:[(（]1[)）]\\?\.?|(?<!\w)1\\?[.)])[ \t\u00a0]*\Z")
"""The number of a first item, right before its words."""
_FIRST_SIGN = re.compile(r"[:.]\s+(?P<sign>[-–—*•])\s+\S")
_FIRST_NUMBER = re.compile(r"(?<=[:.;\s])(?=[(（]?(?:1|a|i)[.)）]\s)")


def read_blocks(section: LexedSection) -> list[TextLine]:
    r"""Return the blocks of an eligibility section.

    >>> raw = "Criteria:\n\n  1. Able to give\n     consent\n\n  2. Adult"
    >>> [
    ...     " ".join(raw[b.start : b.end].split())
    ...     for b in read_blocks(read_section("eligibility", raw))
    ... ]
    ['Criteria:', 'Able to give consent', 'Adult']
    """
    layout = lay_out(section.raw)
    lines = read_lines(section, layout)
    edges = {line.start for line in find_furniture(lines)}
    lines = [line for line in lines if line.start not in edges]
    blocks = _join_lines(layout, lines)
    parts: list[TextLine] = []
    for place, block in enumerate(blocks):
        parts += _split_items(layout, block, _see_around(blocks, place))
    return parts


def _join_lines(layout: Layout, lines: Sequence[TextLine]) -> list[TextLine]:
    """Join the lines of each block."""
    width = _find_width(layout, lines)
    following = _list_next_ordinals(lines)
    blocks: list[TextLine] = []
    last: TextLine | None = None
    for line, next_ordinal in zip(lines, following, strict=True):
        if last and _continues(layout, blocks[-1], last, line, width, next_ordinal):
            blocks[-1] = replace(blocks[-1], end=line.end)
        else:
            blocks.append(line)
        last = line
    return blocks


@dataclass(frozen=True, slots=True)
class _Width:
    """The width at which a text was wrapped. It is ``certain`` if its longest lines show it."""

    characters: int
    certain: bool


def _find_width(layout: Layout, lines: Sequence[TextLine]) -> _Width | None:
    """Return the width at which the text was wrapped: that of its longest lines, or the one that
    its broken sentences show.
    """
    if len(lines) > 2:
        widest = sorted(line.width for line in lines)[-3:]
        is_usual = _NARROW <= widest[-1] <= _WIDE
        if is_usual and widest[-1] - widest[0] <= _EVEN:
            return _Width(widest[-1], certain=True)
    broken: list[int] = []
    for line, below in itertools.pairwise(lines):
        if below.gap or below.bullet:
            continue
        if not layout.text[below.start].islower():
            continue
        if not ends_sentence(layout.text[line.start : line.end]):
            broken.append(line.width)
    width = find_width(broken, [line.width for line in lines])
    return _Width(width, certain=False) if width else None


def _list_next_ordinals(
    lines: Sequence[TextLine],
) -> list[tuple[Bullet | None, int | None]]:
    """Return for each line the bullet and the number of the next line with a bullet."""
    found: list[tuple[Bullet | None, int | None]] = []
    following: tuple[Bullet | None, int | None] = (None, None)
    for line in reversed(lines):
        found.append(following)
        if line.bullet:
            following = (line.bullet, line.ordinal)
    return found[::-1]


def _continues(
    layout: Layout,
    block: TextLine,
    last: TextLine,
    line: TextLine,
    width: _Width | None,
    following: tuple[Bullet | None, int | None],
) -> bool:
    """Return whether a line continues a block with this ``last`` line. A heading never does."""
    if line.bullet or _LETTERED.match(layout.text, *line.span):
        return False
    before = layout.text[last.start : last.end]
    if line.gap:
        if before.endswith(":") or not _stands_below_item(block, line):
            return False
    else:
        text = layout.text[line.start : line.end]
        if not _is_wrapped(block, last, line, before, text, width, following):
            return False
    for part in (block, line):
        if part.end - part.start > _LONGEST_HEADING:
            continue
        if read_list_heading(part.tokens, bulleted=False):
            return False
    return True


def _stands_below_item(block: TextLine, line: TextLine) -> bool:
    """Return whether a line after an empty one is indented like the words of an item, and names no
    group.
    """
    if not block.bullet or block.column <= 1:
        return False
    is_aligned = block.column - 1 <= line.column <= block.column + 1
    return is_aligned and not names_group(line.tokens)


def _is_wrapped(
    block: TextLine,
    last: TextLine,
    line: TextLine,
    before: str,
    text: str,
    width: _Width | None,
    following: tuple[Bullet | None, int | None],
) -> bool:
    """Return whether a line was broken off from the ``last`` line of a block, with no empty line
    between them.
    """
    if block.bullet and line.column >= max(block.column - 1, 1):
        return True  # it is indented like the words of its item
    first_word = text.split(maxsplit=1)[0]
    ended = ends_sentence(before)
    if width and last.width + 1 + len(first_word) > width.characters - 2:
        # its first word did not fit on the last line
        if width.certain or not ended:
            return True
        if block.bullet and not before.endswith(":"):
            return True
    if ended:
        return False
    if text[0].islower():
        return _is_open(block, before)
    if runs_on(before) or opens_bracket(before):
        return True
    if block.ordinal is None or text.endswith(":"):
        return False
    # Between the items 1 and 2 of a numbered list stands nothing but item 1, or a heading.
    return following == (block.bullet, block.ordinal + 1)


def _is_open(block: TextLine, before: str) -> bool:
    """Return whether small letters may continue a block behind its last line, ``before``."""
    if block.bullet or before.endswith(","):
        return True
    return len(before) > _LONG or runs_on(before)


@dataclass(frozen=True, slots=True)
class _Around:
    """What stands beside a block: whether it is the only item of its list, and the number of the
    next item.
    """

    is_alone: bool
    follows: int | None


def _see_around(blocks: Sequence[TextLine], place: int) -> _Around:
    block = blocks[place]
    ahead = blocks[place + 1 : place + 1 + _NEXT_ITEM_REACH]
    follows = next(
        (other.ordinal for other in ahead if other.bullet is block.bullet), None
    )
    beside = (
        [*blocks[place - 1 : place], *blocks[place + 1 : place + 2]]
        if place
        else blocks[1:2]
    )
    alike = any(
        other.bullet is block.bullet and abs(other.column - block.column) <= 1
        for other in beside
    )
    return _Around(is_alone=not alike, follows=follows)


def _split_items(
    layout: Layout, block: TextLine, around: _Around
) -> Iterator[TextLine]:
    """Cut a block of several items ("1. a 2. b 3. c"), and drop signs of the layout.

    Signs of the layout are a dangling dash, and a semicolon between items.
    """
    text = layout.text
    parts = [block]
    for mark in sorted(_find_marks(text, block, around), key=lambda mark: mark.end):
        start, _ = strip_span(text, mark.end, block.end)
        if start < block.end and mark.before > parts[-1].start:
            front = text[
                max(block.start, mark.before - _INTRODUCTION_REACH) : mark.before
            ].rstrip()
            inner = mark.bullet is Bullet.CIRCLE and front.endswith((":", "："))
            bullet, column = (
                (mark.bullet, block.column + 2)
                if inner
                else (block.bullet or mark.bullet, block.column)
            )
            parts[-1] = replace(parts[-1], end=mark.before)
            parts.append(
                replace(
                    block,
                    start=start,
                    column=column,
                    bullet=bullet,
                    ordinal=mark.ordinal,
                )
            )
    if len(parts) == 1 and _could_be_two(text, block):
        parts = [replace(block, doubt="this item could be two")]
    for part in parts:
        words = text[part.start : part.end]
        words = (
            words
            if words[-1:].isalnum()
            else expression("dangling_mark").sub("", words)
        )
        yield replace(
            part,
            end=part.start
            + len(words.rstrip(" \t\r\n;；") if len(parts) > 1 else words),
        )


def _could_be_two(text: str, block: TextLine) -> bool:
    """Return whether the block's own bullet stands in it before a capital, as if an item began
    there.
    """
    if block.bullet not in _INNER_SIGNS or text[block.start].islower():
        return False
    signs = _list_signs(text, block.start, block.end, block.bullet)
    return any(_ITEM_BEGINS.match(text, sign.end, block.end) for sign in signs)


def _find_marks(text: str, block: TextLine, around: _Around) -> Iterator[Marker]:
    """Yield the marks of items within a block."""
    yield from _find_circles(text, block)
    yield from _find_signs(text, block, around)
    if second := _read_second_count(text, block):
        counted = _find_numbers(text, second, _Around(is_alone=True, follows=None))
        if len(counted) + 1 >= _MANY_ITEMS:
            yield from counted
            return
    if block.bullet and block.ordinal:
        counted = _find_numbers(text, block, around)
        is_number = block.bullet is Bullet.NUMBER
        bare = is_number and find_bare_numbers(
            text, block.span, block.ordinal, around.follows
        )
        yield from counted or bare or ()
    elif block.bullet:
        yield from find_bare_numbers(text, block.span)
    else:
        yield from _find_list_in_sentence(text, block)


def _read_second_count(text: str, block: TextLine) -> TextLine | None:
    """Return a block as the first of the items that count up behind its own mark: "* (1). Asthma
    (2). COPD"; None if its mark is the only one.
    """
    if not block.bullet or (block.bullet is Bullet.NUMBER and block.ordinal == 1):
        return None
    mark = _FIRST_COUNT.search(text, max(0, block.start - _SIGN_CONTEXT), block.start)
    return replace(block, bullet=Bullet.NUMBER, ordinal=1) if mark else None


def _find_circles(text: str, block: TextLine) -> Iterator[Marker]:
    done = block.start
    for found in expression("circle_inside").finditer(text, *block.span):
        if not _is_in_bracket(text, done, found.start(), block.end):
            yield Marker(Bullet.CIRCLE, None, found.end(), found.start())
            done = found.end()


def _is_in_bracket(text: str, start: int, place: int, end: int) -> bool:
    """Return whether a bracket opens before a place and closes behind it. One that nobody closes
    is a slip.
    """
    opened = text.rfind("(", start, place)
    if opened < 0 or text.find(")", opened, place) >= 0:
        return False
    closed = text.find(")", place, min(end, place + _LONGEST_BRACKET))
    return closed >= 0 and text.find("(", place, closed) < 0


def _find_signs(text: str, block: TextLine, around: _Around) -> list[Marker]:
    """Return the bullets of the block's own kind within it, if they divide it into items."""
    if block.bullet not in _INNER_SIGNS:
        return []
    signs = list(_list_signs(text, block.start, block.end, block.bullet))
    is_long = block.end - block.start > _LONG_LINE
    if not around.is_alone and not (is_long and len(signs) >= _MANY_ITEMS):
        # It is an item among others: only signs behind wide gaps divide it.
        return signs if all(sign.sure for sign in signs) else []
    titled = [
        sign for sign in signs if sign.sure or _CAPITAL.match(text, sign.end, block.end)
    ]
    # Signs before small letters belong to sentences, unless the items themselves begin so.
    is_in_small = text[block.start].islower()
    if is_in_small or len(signs) - len(titled) >= _MANY_ITEMS:
        return signs
    return titled


def _list_signs(text: str, start: int, end: int, bullet: Bullet) -> Iterator[Marker]:
    """Yield the bullets of one kind within a text. They are ``sure`` behind several blanks."""
    for sign in _INNER_SIGNS[bullet].finditer(text, start, end):
        before = text[max(start, sign.start() - _SIGN_CONTEXT) : sign.start()]
        behind = text[sign.end() : min(end, sign.end() + _SIGN_CONTEXT)].lstrip()
        if not behind:
            continue
        is_wide = _WIDE_GAP.search(before) is not None
        joins_numbers = before.rstrip()[-1:].isdigit() and (
            bullet is Bullet.STAR or behind[:1].isdigit()
        )
        if is_wide or not joins_numbers:
            yield Marker(bullet, None, sign.end(), sign.start(), is_wide)


def _find_list_in_sentence(text: str, block: TextLine) -> Iterator[Marker]:
    """Yield the signs or numbers of a list behind words that introduce it: "Patients must have: 1)
    Asthma 2) Consent".
    """
    sign = _FIRST_SIGN.search(text, *block.span)
    bullet = _SIGN_BULLETS.get(sign["sign"]) if sign else None
    if sign and bullet:
        signs = list(_list_signs(text, sign.start(), block.end, bullet))
        titled = [each for each in signs if _CAPITAL.match(text, each.end, block.end)]
        # Where many dashes stand before small letters, they belong to sentences.
        if len(titled) >= _MANY_ITEMS and len(titled) >= _MOSTLY * len(signs):
            yield from signs
        return
    first = _FIRST_NUMBER.search(text, *block.span)
    marker = read_marker(text, first.end(), block.end) if first else None
    if not first or not marker:
        return
    front = block.section.between(block.start, first.start()).alone().tokens
    if is_generic(front):
        fewest = _FEW_ITEMS
    elif ends_with_colon(front):
        fewest = _MANY_ITEMS
    else:
        return
    item = replace(
        block, start=marker.end, bullet=marker.bullet, ordinal=marker.ordinal
    )
    others = _find_numbers(text, item, _Around(is_alone=True, follows=None))
    if 1 + len(others) >= fewest:
        yield marker._replace(before=first.start())
        yield from others


def _find_numbers(text: str, block: TextLine, around: _Around) -> list[Marker]:
    """Return the numbers and letters that count up from the block's own number.

    Without punctuation before them, they count only if there are several, if the next item
    continues the count, or if the list has no other item.
    """
    is_only_item = block.ordinal == 1 and around.follows in (None, 1)
    if is_only_item:
        in_any_case = list(_count_up(text, block, any_case=True))
        if len(in_any_case) >= _MANY_ITEMS:
            return in_any_case
    counted = list(_count_up(text, block))
    if all(mark.sure for mark in counted):
        return counted
    next_of_count = (counted[-1].ordinal or 0) + 1
    if around.follows == next_of_count:
        return counted
    is_repeated = around.follows in [mark.ordinal for mark in counted]
    if not is_repeated and (is_only_item or len(counted) > 1):
        return counted
    return list(_count_up(text, block, sure_only=True))


def _read_next(text: str, start: int, block: TextLine, ordinal: int) -> Marker | None:
    """Return the mark at a place if it is of the block's kind and has the next number. "i)" is a
    letter behind "h)".
    """
    marker = read_marker(text, start, block.end)
    if not marker:
        return None
    if block.bullet is Bullet.LETTER and marker.bullet is Bullet.ROMAN:
        letters = [sign for sign in text[start : marker.end].lower() if sign.isalpha()]
        if len(letters) == 1:
            place_in_alphabet = ord(letters[0]) - ord("a") + 1
            if place_in_alphabet == ordinal:
                return marker._replace(bullet=Bullet.LETTER, ordinal=ordinal)
    if marker.bullet is not block.bullet or marker.ordinal != ordinal:
        return None
    return marker


def _count_up(
    text: str, block: TextLine, *, sure_only: bool = False, any_case: bool = False
) -> Iterator[Marker]:
    """Yield the marks that count up from the block's own number.

    They are sure behind punctuation, and at the start of a line. Others stand before a capital,
    unless the block itself begins in small letters, or ``any_case``.
    """
    ordinal = block.ordinal or 0
    any_case = any_case or text[block.start].islower()
    for found in expression("number_ahead").finditer(text, *block.span):
        marker = _read_next(text, found.end(), block, ordinal + 1)
        if not marker:
            continue
        before = found["before"]
        begins_line = not found["blank"] and before.isspace()
        is_sure = begins_line or before in _PUNCTUATION
        if not is_sure:
            if sure_only:
                continue
            if not any_case and not _CAPITAL.match(text, marker.end, block.end):
                continue
        yield marker._replace(before=found.end("before"), sure=is_sure)
        ordinal = marker.ordinal or 0
