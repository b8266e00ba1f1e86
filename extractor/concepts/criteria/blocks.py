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
from extractor.language.numbers import read_time_unit
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
    """Yield the lines that are the edge of a page, or that recur and look like one, apart from
    their numbers.

    An item of the list is never one, nor a line of over 160 characters, nor what may be a heading
    in both lists ("Donors:").
    """
    plain = [
        line for line in lines if not line.bullet and line.end - line.start <= _LONGEST
    ]
    words_by_start = {line.start: _fold(line) for line in plain}
    counts = Counter(words_by_start.values())
    for line in plain:
        recurs = counts[words_by_start[line.start]] > 1
        # as in "Protocol ABC-123 Version 3.0"
        is_page_line = (
            recurs
            and rule("page_word").search(line.tokens) is not None
            and rule("page_mark").search(line.tokens) is not None
        )
        if is_page_line or is_page_edge(line.tokens):
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
_RANGE_CONTEXT = 16
"""How many characters before a dash the lower end of a range may begin."""
_LAST_UNIT = re.compile(r"\d[ \t]{0,2}(?P<unit>[^\W\d_]{1,12}|%)\.?[ \t]{0,2}\Z")
_FIRST_UNIT = re.compile(
    r"[ \t]{0,2}\d{1,6}(?:[.,]\d{1,3})?[ \t]{0,2}(?P<unit>[^\W\d_]{1,12}|%)"
)
_BOUND_OF_NORMAL = re.compile(
    r"(?:\b(?:[ul]ln|unl|limits?|normal)|\([ul]ln\))[ \t]{0,2}\Z", re.IGNORECASE
)
_FACTOR = re.compile(
    r"[ \t]{0,2}\d{1,2}(?:[.,]\d{1,2})?(?=[ \t]{0,2}(?:\Z|[\r\n),;.]|(?:and|or|if|in|for|with)\b))"
)
"""A number that is no age and no amount, since no noun stands behind it."""
_WIDE_GAP = re.compile(r"[ \t\u00a0]{2,}\Z")
_FIRST_COUNT = re.compile(r"(?:[(（]1[)）]\\?\.?|(?<!\w)1\\?[.)])[ \t\u00a0]*\Z")
"""The number of a first item, right before its words."""
_FIRST_SIGN = re.compile(r"[:.]\s+(?P<sign>[-–—*•])\s+\S")
_FIRST_NUMBER = re.compile(r"(?<=[:.;\s])(?=[(（]?(?:1|a|i)[.)）]\s)")


def read_blocks(section: LexedSection) -> list[TextLine]:
    r"""Return the blocks of an eligibility section, without the edges of pages.

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
        parts += _split_items(layout, block, _read_neighbours(blocks, place))
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
    its broken sentences show; None if neither shows one.
    """
    if len(lines) > 2:
        widest = sorted(line.width for line in lines)[-3:]
        is_usual = _NARROW <= widest[-1] <= _WIDE
        if is_usual and widest[-1] - widest[0] <= _EVEN:
            return _Width(widest[-1], certain=True)
    widths_of_broken: list[int] = []
    for line, below in itertools.pairwise(lines):
        if below.gap or below.bullet:
            continue
        if not layout.text[below.start].islower():
            continue
        if not ends_sentence(layout.text[line.start : line.end]):
            widths_of_broken.append(line.width)
    width = find_width(widths_of_broken, [line.width for line in lines])
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
    """Return whether a line continues the block above it.

    A line with a bullet and a heading of a list never do, and nothing continues a heading. Behind
    an empty line only an indented line continues, and behind a colon none.

    ``last`` is the last line of the block so far. ``following`` has the bullet and the number of
    the next line with a bullet.
    """
    # as in "B, oxygen saturation"
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

    It was if it is indented like the words of its item, if its first word did not fit on the last
    line, or if the last line ends within a sentence that it continues.

    ``before`` has the words of the last line, ``text`` those of this one. ``following`` has the
    bullet and the number of the next line with a bullet.
    """
    if block.bullet and line.column >= max(block.column - 1, 1):
        return True
    first_word = text.split(maxsplit=1)[0]
    has_ended = ends_sentence(before)
    if width and last.width + 1 + len(first_word) > width.characters - 2:
        # its first word did not fit on the last line
        if width.certain or not has_ended:
            return True
        if block.bullet and not before.endswith(":"):
            return True
    if has_ended:
        return False
    if text[0].islower():
        return _is_open(block, before)
    if runs_on(before) or opens_bracket(before):
        return True
    if block.ordinal is None or text.endswith(":"):
        return False
    # Between the items 1 and 2 of a numbered list stands nothing but item 1, or a heading.
    return following == (block.bullet, block.ordinal + 1)


@dataclass(frozen=True, slots=True)
class _Neighbours:
    """What stands beside a block: whether it is the only item of its list, and the number of the
    next item; None if that has none, or no item follows.
    """

    is_alone: bool
    next_ordinal: int | None


_NO_NEIGHBOURS = _Neighbours(is_alone=True, next_ordinal=None)


def _read_neighbours(blocks: Sequence[TextLine], place: int) -> _Neighbours:
    """Return what stands beside a block: the next block with its bullet among the next twelve, and
    whether the blocks right before and behind have another bullet or level.
    """
    block = blocks[place]
    next_ordinal = None
    for other in blocks[place + 1 : place + 1 + _NEXT_ITEM_REACH]:
        if other.bullet is block.bullet:
            next_ordinal = other.ordinal
            break
    is_alone = True
    for beside in (place - 1, place + 1):
        if not 0 <= beside < len(blocks):
            continue
        other = blocks[beside]
        if other.bullet is block.bullet and abs(other.column - block.column) <= 1:
            is_alone = False
    return _Neighbours(is_alone=is_alone, next_ordinal=next_ordinal)


def _is_open(block: TextLine, before: str) -> bool:
    """Return whether small letters may continue a block behind its last line, ``before``."""
    if block.bullet or before.endswith(","):
        return True
    return len(before) > _LONG or runs_on(before)


def _split_items(
    layout: Layout, block: TextLine, neighbours: _Neighbours
) -> Iterator[TextLine]:
    """Cut a block of several items ("1. a 2. b 3. c"), and drop signs of the layout.

    Signs of the layout are a dangling dash, and a semicolon between items. A block that could be
    two items, and is not cut, gets a doubt.
    """
    text = layout.text
    parts = [block]
    marks = sorted(_find_marks(text, block, neighbours), key=lambda mark: mark.end)
    for mark in marks:
        start, _ = strip_span(text, mark.end, block.end)
        if start >= block.end or mark.before <= parts[-1].start:
            continue
        bullet = block.bullet or mark.bullet
        column = block.column
        if mark.bullet is Bullet.CIRCLE:
            reach = max(block.start, mark.before - _INTRODUCTION_REACH)
            front = text[reach : mark.before].rstrip()
            # a circle behind a colon begins a sub-item
            if front.endswith((":", "：")):
                bullet = mark.bullet
                column = block.column + 2
        item = replace(
            block, start=start, column=column, bullet=bullet, ordinal=mark.ordinal
        )
        parts[-1] = replace(parts[-1], end=mark.before)
        parts.append(item)
    if len(parts) == 1 and _could_be_two(text, block):
        parts = [replace(block, doubt="this item could be two")]
    for part in parts:
        words = text[part.start : part.end]
        if not words[-1:].isalnum():
            words = expression("dangling_mark").sub("", words)
        if len(parts) > 1:
            words = words.rstrip(" \t\r\n;；")
        yield replace(part, end=part.start + len(words))


def _could_be_two(text: str, block: TextLine) -> bool:
    """Return whether the block's own bullet stands in it before a capital, as if an item began
    there.
    """
    if block.bullet not in _INNER_SIGNS or text[block.start].islower():
        return False
    signs = _list_signs(text, block.start, block.end, block.bullet)
    return any(_ITEM_BEGINS.match(text, sign.end, block.end) for sign in signs)


def _find_marks(
    text: str, block: TextLine, neighbours: _Neighbours
) -> Iterator[Marker]:
    """Yield the marks of items within a block, by what stands before the block.

    Circles and signs count in any block. Below a number, further numbers count; below another
    bullet, bare numbers; without a bullet, a list behind words that introduce it.
    """
    yield from _find_circles(text, block)
    yield from _find_signs(text, block, neighbours)
    second = _read_second_count(text, block)
    if second:
        counted = _find_numbers(text, second, _NO_NEIGHBOURS)
        if len(counted) + 1 >= _MANY_ITEMS:
            yield from counted
            return
    if block.bullet is None:
        yield from _find_list_in_sentence(text, block)
    elif not block.ordinal:
        yield from find_bare_numbers(text, block.span)
    else:
        counted = _find_numbers(text, block, neighbours)
        if not counted and block.bullet is Bullet.NUMBER:
            counted = find_bare_numbers(
                text, block.span, block.ordinal, neighbours.next_ordinal
            )
        yield from counted


def _read_second_count(text: str, block: TextLine) -> TextLine | None:
    """Return a block as the first of the items that count up behind its own mark: "* (1). Asthma
    (2). COPD"; None if no such count begins right before its words.
    """
    if not block.bullet:
        return None
    if block.bullet is Bullet.NUMBER and block.ordinal == 1:
        return None
    reach = max(0, block.start - _SIGN_CONTEXT)
    mark = _FIRST_COUNT.search(text, reach, block.start)
    return replace(block, bullet=Bullet.NUMBER, ordinal=1) if mark else None


def _find_circles(text: str, block: TextLine) -> Iterator[Marker]:
    """Yield bullets such as "•", and circled numbers from "②", within a block, outside brackets."""
    done = block.start
    for circle in expression("circle_inside").finditer(text, *block.span):
        if not _is_in_bracket(text, done, circle.start(), block.end):
            yield Marker(Bullet.CIRCLE, None, circle.end(), circle.start())
            done = circle.end()


def _is_in_bracket(text: str, start: int, place: int, end: int) -> bool:
    """Return whether a bracket opens before a place and closes behind it. One that nobody closes
    is a slip.
    """
    opened = text.rfind("(", start, place)
    if opened < 0 or text.find(")", opened, place) >= 0:
        return False
    closed = text.find(")", place, min(end, place + _LONGEST_BRACKET))
    return closed >= 0 and text.find("(", place, closed) < 0


def _find_signs(text: str, block: TextLine, neighbours: _Neighbours) -> list[Marker]:
    """Return the bullets of the block's own kind within it, if they divide it into items; else an
    empty list.

    In an item among others only signs behind wide gaps divide it, unless it is long and has many.
    Elsewhere signs before capitals do, and all signs where the items begin in small letters.
    """
    if block.bullet not in _INNER_SIGNS:
        return []
    signs = list(_list_signs(text, block.start, block.end, block.bullet))
    is_long = block.end - block.start > _LONG_LINE
    has_many = is_long and len(signs) >= _MANY_ITEMS
    if not neighbours.is_alone and not has_many:
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
    """Yield the bullets of one kind within ``text[start:end]``. They are ``sure`` behind several
    blanks.

    A sign without words behind it, and one that joins two numbers ("5 - 10", "3 * 4", "6 months -
    10 years") or a bound of normal and its factor ("ULN * 1.5"), are skipped.
    """
    for sign in _INNER_SIGNS[bullet].finditer(text, start, end):
        before = text[max(start, sign.start() - _SIGN_CONTEXT) : sign.start()]
        behind = text[sign.end() : min(end, sign.end() + _SIGN_CONTEXT)].lstrip()
        if not behind:
            continue
        is_wide = _WIDE_GAP.search(before) is not None
        if is_wide or not _joins_numbers(text, sign, (start, end), bullet):
            yield Marker(bullet, None, sign.end(), sign.start(), is_wide)


def _joins_numbers(
    text: str, sign: re.Match[str], within: tuple[int, int], bullet: Bullet
) -> bool:
    """Return whether a sign joins two numbers, or a bound of normal and its factor, and so is no
    bullet. Only the characters ``within`` count.
    """
    before = text[max(within[0], sign.start() - _SIGN_CONTEXT) : sign.start()]
    behind = text[sign.end() : min(within[1], sign.end() + _SIGN_CONTEXT)].lstrip()
    if before.rstrip()[-1:].isdigit():
        return bullet is Bullet.STAR or behind[:1].isdigit()
    # as in "Age: 6 months - 10 years"
    if bullet is Bullet.DASH:
        return _are_ends(text, sign, within)
    # as in "upper limit of normal (ULN) * 1.5"
    if bullet is Bullet.STAR and _BOUND_OF_NORMAL.search(before):
        return _FACTOR.match(text, sign.end(), within[1]) is not None
    return False


def _are_ends(text: str, dash: re.Match[str], within: tuple[int, int]) -> bool:
    """Return whether a dash joins the ends of a range: a number with a unit stands on each side,
    and both units are of time or the same. Only the characters ``within`` count.
    """
    first = max(within[0], dash.start() - _RANGE_CONTEXT)
    low = _LAST_UNIT.search(text, first, dash.start())
    high = _FIRST_UNIT.match(text, dash.end(), within[1])
    if low is None or high is None:
        return False
    unit = low["unit"].lower()
    if unit == high["unit"].lower():
        return True
    return bool(read_time_unit(unit) and read_time_unit(high["unit"]))


def _find_list_in_sentence(text: str, block: TextLine) -> Iterator[Marker]:
    """Yield the signs or numbers of a list behind words that introduce it: "Patients must have: 1)
    Asthma 2) Consent".

    Signs need three items, most of them before capitals. Numbers need two items behind words that
    only open a list, and three behind other words with a colon.
    """
    sign = _FIRST_SIGN.search(text, *block.span)
    bullet = _SIGN_BULLETS.get(sign["sign"]) if sign else None
    if sign and bullet:
        signs = list(_list_signs(text, sign.start(), block.end, bullet))
        titled = [mark for mark in signs if _CAPITAL.match(text, mark.end, block.end)]
        # Where many dashes stand before small letters, they belong to sentences.
        if len(titled) >= _MANY_ITEMS and len(titled) >= _MOSTLY * len(signs):
            yield from signs
        return
    first = _FIRST_NUMBER.search(text, *block.span)
    if first is None:
        return
    marker = read_marker(text, first.end(), block.end)
    if marker is None:
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
    others = _find_numbers(text, item, _NO_NEIGHBOURS)
    if 1 + len(others) >= fewest:
        yield marker._replace(before=first.start())
        yield from others


def _find_numbers(text: str, block: TextLine, neighbours: _Neighbours) -> list[Marker]:
    """Return the numbers and letters within a block that count up from the block's own number.

    Without punctuation before them, they count only if the next item continues the count, or if
    there are several or the list has no other item, and the next item does not repeat one of them.
    """
    next_ordinal = neighbours.next_ordinal
    is_only_item = block.ordinal == 1 and next_ordinal in (None, 1)
    if is_only_item:
        in_any_case = list(_count_up(text, block, any_case=True))
        if len(in_any_case) >= _MANY_ITEMS:
            return in_any_case
    counted = list(_count_up(text, block))
    if all(mark.sure for mark in counted):
        return counted
    if next_ordinal == (counted[-1].ordinal or 0) + 1:
        return counted
    is_repeated = next_ordinal in [mark.ordinal for mark in counted]
    if not is_repeated and (is_only_item or len(counted) > 1):
        return counted
    return list(_count_up(text, block, sure_only=True))


def _read_next(text: str, start: int, block: TextLine, ordinal: int) -> Marker | None:
    """Return the mark at ``start`` if it is of the block's kind and has this ``ordinal``; None if
    another mark or none stands there. "i)" is a letter behind "h)".
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
    """Yield the marks within a block that count up from the block's own number.

    They are sure behind punctuation, and at the start of a line. Others stand before a capital,
    unless the block itself begins in small letters, or ``any_case``; ``sure_only`` skips them.
    """
    ordinal = block.ordinal or 0
    any_case = any_case or text[block.start].islower()
    for gap in expression("number_ahead").finditer(text, *block.span):
        marker = _read_next(text, gap.end(), block, ordinal + 1)
        if not marker:
            continue
        before = gap["before"]
        begins_line = not gap["blank"] and before.isspace()
        is_sure = begins_line or before in _PUNCTUATION
        if not is_sure:
            if sure_only:
                continue
            if not any_case and not _CAPITAL.match(text, marker.end, block.end):
                continue
        yield marker._replace(before=gap.end("before"), sure=is_sure)
        ordinal = marker.ordinal or 0
