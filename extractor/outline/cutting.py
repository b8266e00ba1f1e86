"""Cut the pieces of a text at the boundaries of the items that share a piece."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from extractor.outline.boundaries import (
    Around,
    Boundary,
    Gap,
    Stretch,
    find_boundaries,
    find_own_mark,
    read_mark,
)
from extractor.outline.headings import Heading
from extractor.outline.lines import Line, strip_punctuation

_AT_NUMBER = 0.15
_AT_BULLET = 0.4
_AT_SEMICOLON = 0.2
_WITHOUT_MARK = 0.5
"""The least probability of a boundary at which a piece is cut: at a number that continues a run, at
a bullet and, in a piece that has no list marker, after a semicolon and elsewhere.
"""
_FEW = 2
"""The least number of list markers of one kind, unless they continue the piece's own."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A line with the wrapped lines that continue it, or a part of such a line: a heading, the
    text after a heading, or an item.

    Attributes:
        line: The words, with the list marker and the columns of the first line.
        heading: The heading that begins the piece.
        doubt: The reason why the piece is doubtful; empty if it is not.
        continues_sentence: Whether the piece continues the sentence of the line above.
        whole: The probability that the piece is one item.
        in_prose: Whether it was cut out of a paragraph without list markers or semicolons.
    """

    line: Line
    heading: Heading | None = None
    doubt: str = ""
    continues_sentence: bool = False
    whole: float = 1.0
    in_prose: bool = False

    @property
    def may_be_cut(self) -> bool:
        """Whether the piece may contain items."""
        return not (self.heading or self.line.is_furniture or self.line.is_row)

    @property
    def number(self) -> tuple[str, int]:
        """The style and the number of its list marker."""
        return read_mark(self.line.mark)


def list_stretches(
    pieces: Sequence[Piece],
) -> Iterator[tuple[Piece, Stretch]]:
    """Yield each piece with its words, in which boundaries are searched."""
    for piece, below in zip_longest(pieces, pieces[1:]):
        has_mark = bool(piece.line.mark)
        style, number = piece.number
        following = below.number if below else ("", 0)
        yield piece, Stretch(piece.line.text, has_mark, style, number, following)


def look_around(pieces: Sequence[Piece]) -> Around:
    """Describe the pieces that may be items, for the boundaries within each of them."""
    return Around.of([piece.line.text for piece in pieces if piece.may_be_cut])


def cut_items(pieces: Sequence[Piece]) -> list[Piece]:
    """Return the pieces, cut where several items share one. A likely boundary is cut at a list
    marker and in a piece that has no list marker of its own; elsewhere it is a doubt.
    """
    around = look_around(pieces)
    items: list[Piece] = []
    for piece, stretch in list_stretches(pieces):
        if piece.may_be_cut:
            found = find_boundaries(stretch, around)
            items += _cut_piece(piece, _drop_repeated(found, *stretch.below))
        else:
            items.append(piece)
    return items


def _drop_repeated(
    found: Sequence[Boundary], style: str, number: int
) -> Sequence[Boundary]:
    """Return the boundaries without those at a number that is not below the ``number`` of the next
    line: the 2 of "1. Diabetes of type 2. No insulin", above "2. Asthma", is no list marker.
    """
    if not number:
        return found
    return [
        each for each in found if each.gap.style != style or each.gap.number < number
    ]


def _cut_piece(piece: Piece, boundaries: Sequence[Boundary]) -> Iterator[Piece]:
    """Yield the items of a piece, each with the probability that it is one item."""
    cuts = _choose(piece, boundaries)
    left = [
        found
        for found in boundaries
        if found not in cuts and not _is_single(found, boundaries)
    ]
    line = piece.line
    tokens = line.passage.tokens
    begin, _ = line.span
    own = _find_own_mark(piece, cuts)
    start = own.start if own else 0
    if own:
        line = replace(line, mark=own.mark)
    if cuts:
        line = replace(line, style=line.style or "run-in")
    in_prose = bool(cuts) and not any(_lists(line.text, cut) for cut in cuts)
    begins = 1.0
    for cut in (*cuts, None):
        end = cut.gap.end if cut else len(line.text)
        last = tokens.before(begin + end) if cut else line.passage.end
        words = line.passage.part(tokens.at(begin + start), last)
        words = strip_punctuation(words, ";,~" if cut else "~")
        inside = max(
            (each.probability for each in left if start < each.gap.start < end),
            default=0.0,
        )
        ends = cut.probability if cut else 1.0
        if words.end > words.first:
            whole = min(begins, ends, 1 - inside)
            yield replace(
                piece, line=replace(line, passage=words), whole=whole, in_prose=in_prose
            )
        if cut:
            start, begins = cut.gap.start, cut.probability
            line = replace(line, mark=cut.gap.mark, gap=False)


def _choose(piece: Piece, boundaries: Sequence[Boundary]) -> Sequence[Boundary]:
    """Return the boundaries at which a piece is cut: those at list markers of one kind or, if there
    are none and the piece has no list marker of its own, those without.
    """
    bullets = _find_bullets(piece, boundaries)
    counted = _count_up(piece, boundaries)
    if bullets or counted:
        return max(bullets, counted, key=len)
    if piece.line.mark:
        return ()
    text = piece.line.text
    chosen = [
        each
        for each in boundaries
        if not each.gap.mark
        and each.probability
        >= (_AT_SEMICOLON if _ends_clause(text, each) else _WITHOUT_MARK)
    ]
    if len(chosen) == 1 and chosen[0].probability < _WITHOUT_MARK:
        return ()
    # "Organ function: ALT > 3 x ULN; bilirubin > 2 x ULN" is one item
    is_announced = bool(chosen) and ":" in text[: chosen[0].gap.end]
    if is_announced and all(_ends_clause(text, each) for each in chosen):
        return ()
    return chosen


def _ends_clause(text: str, boundary: Boundary) -> bool:
    return text[boundary.gap.end - 1] == ";"


def _find_bullets(piece: Piece, boundaries: Sequence[Boundary]) -> Sequence[Boundary]:
    """Return the boundaries at bullets, if two items of the piece have the same one. In a piece
    with a marker of its own, dashes before numbers belong to the text: "MI - 6 months".
    """
    own = find_own_mark(piece.line.text)
    text = piece.line.text
    marked = [
        each
        for each in boundaries
        if each.gap.mark and not each.gap.number and each.probability >= _AT_BULLET
    ]
    if piece.line.mark and all(text[each.gap.start].isdigit() for each in marked):
        return ()
    signs = [each.gap.mark[0] for each in marked]
    signs += [piece.line.mark[:1] or (own.mark[0] if own else "")]
    often = {sign for sign in signs if signs.count(sign) >= _FEW}
    return [each for each in marked if each.gap.mark[0] in often]


def _count_up(piece: Piece, boundaries: Sequence[Boundary]) -> Sequence[Boundary]:
    """Return the longest run of markers of one style that count up. It continues the piece's own
    number, or begins with 1 in a piece without a marker. Below a bullet, a list that begins with 1
    belongs to the item, but one that begins with another number has lost its lines.
    """
    own = find_own_mark(piece.line.text)
    style, number = piece.number
    if own and not piece.line.mark:
        style, number = own.style, own.number
    marked: dict[str, list[Boundary]] = {}
    for each in boundaries:
        if each.gap.number and each.probability >= _AT_NUMBER:
            marked.setdefault(_plain(each.gap.style), []).append(each)
    longest: list[Boundary] = []
    for name, alike in marked.items():
        continues = number > 0 and name == _plain(style)
        last = number if continues else _find_start(piece, alike)
        run: list[Boundary] = []
        for each in alike:
            if each.gap.number == last + 1:
                run.append(each)
                last += 1
        is_enough = len(run) >= _FEW or (run and continues)
        if is_enough and len(run) > len(longest):
            longest = run
    return longest


def _plain(style: str) -> str:
    """Return the style of a marker without what may be missing: "1" for "1." and "1 -"."""
    return style.rstrip(" .:-–")


def _find_start(piece: Piece, alike: Sequence[Boundary]) -> int:
    """Return the number before the first marker of a run, or -1 if no list begins with it."""
    first = alike[0].gap.number
    if piece.line.mark:
        return first - 1 if first > 1 else -1
    return first - 1 if piece.line.follows_heading or first == 1 else -1


def _is_single(found: Boundary, boundaries: Sequence[Boundary]) -> bool:
    """Return whether a boundary is at a number that no other number follows, before a small letter:
    "one (1) of these criteria".
    """
    style, number = found.gap.style, found.gap.number
    numbers = {each.gap.number for each in boundaries if each.gap.style == style}
    return number == 1 and number + 1 not in numbers


def _lists(text: str, cut: Boundary) -> bool:
    """Return whether a boundary is that of a list rather than of sentences."""
    return bool(cut.gap.mark) or text[cut.gap.end - 1] in ";:"


def _find_own_mark(piece: Piece, cuts: Sequence[Boundary]) -> Gap | None:
    """Return the list marker at the start of a piece that has none yet: after a heading on its
    line, or the marker of the other items.
    """
    own = find_own_mark(piece.line.text)
    if piece.line.mark or own is None:
        return None
    is_marker = piece.line.follows_heading and not own.mark[0].isalpha()
    is_like_others = any(
        cut.gap.style == own.style or (cut.gap.mark and not cut.gap.number + own.number)
        for cut in cuts
    )
    return own if is_marker or is_like_others else None
