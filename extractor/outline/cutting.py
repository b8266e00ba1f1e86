"""Cut the pieces of a text at the boundaries of the items that share a piece."""

import math
import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import zip_longest
from operator import attrgetter

from extractor.confidence import log_odds
from extractor.language.book import rule
from extractor.language.passage import Passage
from extractor.language.values import replace
from extractor.outline.boundaries import (
    Around,
    Boundaries,
    Boundary,
    CountedMark,
    Gap,
    Stretch,
    find_boundaries,
    find_own_mark,
    list_marker_meanings,
    read_mark,
)
from extractor.outline.headings import Heading
from extractor.outline.lines import TextLine, strip_punctuation

_START = attrgetter("gap.start")
# Chosen by hand; a tenth less changes no case, and none of 120 registry records.
_AT_BULLET = 0.4
# As high as elsewhere, it reads "Pregnancy; stroke; asthma" otherwise.
_AT_SEMICOLON = 0.2
# Without it reads "Asthma. It must be stable." otherwise.
_WITHOUT_MARK = 0.5
"""The least probability of a boundary at which a piece is cut: at a bullet and, in a piece that has
no list marker, after a semicolon and elsewhere.
"""
# Without it reads "Inclusion Criteria: / 1 - Adults 2 - 18 to 80 years" otherwise.
_STEP = 3.0
# Chosen by hand; a sixth less changes no case, and none of 120 registry records.
_BARE_STEP = 1.7
"""The log-odds that a number gains because it continues a run, the second without punctuation."""
# A tenth less reads "Inclusion Criteria: / 1 - Adults 2 - 18 to 80 years" otherwise.
_CONFIRMED = 0.95
"""The least probability of a boundary at a number that continues a run, or at one of many bullets.
"""
# One less reads "* Asthma: /  * Mild /  * Severe / * Gout" otherwise.
DEEPER = 2
"""Minimum number of columns by which a nested item is indented."""
_DASHES = frozenset("-–")
_FIRM = ("*", "•")
"""Bullets that are nothing else between two spaces."""
_LABEL = re.compile(
    r"(?<=\S )(?:[A-Z]{4,}(?: [A-Z]{4,}){1,3}|[A-Z][\w/]*(?: [a-z]\w*){0,3}):$"
)
"""Matches a label at the end of a text: "Age:", "PATIENT CHARACTERISTICS:"."""
# One less reads "Age: 6 months - 10 years" otherwise.
_FEW = 2
"""The least number of list markers of one kind, unless they continue the piece's own."""
# One less reads "Asthma for 6 months - Gout - 2 lesions or more" otherwise.
_MANY = 3
"""The number of bullets or semicolons that makes each of them a likely boundary."""


_SENTENCE_END = re.compile(r"[.?!;]\s")
# Chosen by hand.
_LONGEST_PART = 20
"""The greatest number of tokens of an item that shares a line with the words that introduce it."""
# Chosen by hand.
_OPEN_PART = 0.7
"""The probability that such a part is an item if it does not end as one."""


@dataclass(frozen=True, slots=True)
class CutPiece:
    """A line with the wrapped lines that continue it, or a part of such a line: a heading, the
    text after a heading, or an item.

    Attributes:
        line: The words, with the list marker and the columns of the first line.
        heading: The heading that begins the piece.
        doubt: The reason why the piece is doubtful; empty if it is not.
        whole: The probability that the piece is one item.
        in_prose: Whether it was cut out of a paragraph without list markers or semicolons.
    """

    line: TextLine
    heading: Heading | None = None
    doubt: str = ""
    whole: float = 1.0
    in_prose: bool = False

    @property
    def may_be_cut(self) -> bool:
        """Whether the piece may contain items."""
        return not (self.heading or self.line.is_furniture or self.line.is_row)


def list_stretches(
    pieces: Sequence[CutPiece],
) -> Iterator[tuple[CutPiece, Stretch]]:
    """Yield each piece with its text, in which boundaries are searched, and the list markers of
    the piece and of the piece below.
    """
    for piece, below in zip_longest(pieces, pieces[1:]):
        mark_below = CountedMark()
        if below:
            mark_below = read_mark(below.line.mark)
        has_mark = bool(piece.line.mark)
        yield (
            piece,
            Stretch(piece.line.text, has_mark, read_mark(piece.line.mark), mark_below),
        )


def look_around(pieces: Sequence[CutPiece]) -> Around:
    """Describe the pieces that may be items, for the boundaries within each of them."""
    return Around.of([piece.line.text for piece in pieces if piece.may_be_cut])


def cut_items(pieces: Sequence[CutPiece]) -> list[CutPiece]:
    """Return the pieces, cut where several items share one. A likely boundary is cut at a list
    marker and in a piece that has no list marker of its own; elsewhere it is a doubt. Within the
    items of a list that lost its lines, the words are measured again, as those of marked items.
    """
    around = look_around(pieces)
    items: list[CutPiece] = []
    # the indexes of the items that are measured again
    of_lists: list[int] = []
    for piece, stretch in list_stretches(pieces):
        if not piece.may_be_cut:
            items.append(piece)
            continue
        found: Boundaries = find_boundaries(stretch, around)
        # the next line of the same list; a lower number begins a list below the piece
        if stretch.below.number > stretch.own_mark.number:
            found = _drop_repeated(found, stretch.below)
        cuts = _choose(piece, found)
        # a boundary that is not cut is a doubt, except at the words of a list, see below
        doubtful = _drop_marks_of_text(piece, found)
        is_list = len(cuts) >= _MANY and bool(cuts[0].gap.mark)
        if is_list:
            doubtful = [each for each in doubtful if each.gap.mark]
        for part in _cut_piece(piece, cuts):
            if is_list:
                of_lists.append(len(items))
            items.append(_doubt_inside(part, piece, doubtful))
    around = look_around(items)
    stretches = list(list_stretches(items))
    for place in of_lists:
        item, stretch = stretches[place]
        found = find_boundaries(stretch, around)
        at_words = [each for each in found if not each.gap.mark]
        items[place] = _doubt_inside(item, item, at_words)
    return items


def cut_first_parts(pieces: Sequence[CutPiece]) -> list[CutPiece]:
    """Return the pieces; an item above indented ones that begins with the words that introduce them
    is cut behind these words: "- History of any of: Stroke;" above "  - Epilepsy".
    """
    items: list[CutPiece] = []
    for piece, below in zip_longest(pieces, pieces[1:]):
        if below:
            items += _cut_first_part(piece, below)
        else:
            items.append(piece)
    return items


def _cut_first_part(piece: CutPiece, below: CutPiece) -> list[CutPiece]:
    """Return an item and, if its end is the first of the items ``below``, that end."""
    line = piece.line
    if not line.mark or not below.line.mark:
        return [piece]
    if below.line.column < line.column + DEEPER:
        return [piece]
    # the first of numbered items has the number 1
    if below.line.ordinal not in (0, 2):
        return [piece]
    if not piece.may_be_cut:
        return [piece]
    passage = line.passage
    lead_in = rule("parts_lead").search(line.tokens)
    if lead_in is None or lead_in.end == len(line.tokens):
        return [piece]
    first = passage.first + lead_in.end
    part = passage.part(first, passage.end)
    tokens = part.cut()
    if len(tokens) > _LONGEST_PART:
        return [piece]
    if _SENTENCE_END.search(part.text):
        return [piece]
    # as in "- One of: Adults with the following" above "  - Asthma"
    if rule("introduction").ends(tokens):
        return [piece]
    above = replace(line, passage=passage.part(passage.first, first))
    first_part = replace(
        below.line, passage=part, ordinal=min(1, below.line.ordinal), gap=False
    )
    # a part that does not end as an item of a list may explain the words above
    whole = piece.whole
    if not line.text.rstrip().endswith((";", ",", "or", "and")):
        whole = min(whole, _OPEN_PART)
    return [
        replace(piece, line=above, doubt=""),
        CutPiece(first_part, doubt=piece.doubt, whole=whole),
    ]


def _drop_repeated(found: Boundaries, below: CountedMark) -> Boundaries:
    """Return the boundaries without those at a number of the same style that is not less than the
    number ``below`` the line: the 2 of "1. Diabetes of type 2. No insulin", above "2. Asthma", is
    no list marker.
    """
    return [
        each
        for each in found
        if each.gap.style != below.style or each.gap.number < below.number
    ]


def _cut_piece(piece: CutPiece, cuts: Boundaries) -> Iterator[CutPiece]:
    """Yield the items of a piece, each with the probability that it begins and ends there."""
    line = piece.line
    start = 0
    own = _find_missed_mark(piece, cuts)
    if own:
        start = own.start
        line = replace(line, mark=own.mark)
    if cuts:
        line = replace(line, style=line.style or "run-in")
    in_prose = bool(cuts) and not _mark_list(piece.line.text, cuts)
    is_nested = bool(cuts) and _is_nested(piece, cuts)
    probability = 1.0
    # ``start``, ``line`` and ``probability`` are those of the item that ends at the cut
    for cut in cuts:
        words = strip_punctuation(_take(line, start, cut.gap.end), ";,~")
        if words.end > words.first:
            whole = min(probability, cut.probability)
            item = replace(line, passage=words)
            cut_out = replace(piece, line=item, whole=whole, in_prose=in_prose)
            yield from _split_label(cut_out, cut.gap.mark)
        start = cut.gap.start
        probability = cut.probability
        line = _begin_item(line, cut.gap)
        # the items of a list that begins within an item are parts of it
        if is_nested:
            column = piece.line.column + DEEPER
            line = replace(line, column=column, style=cut.gap.style)
    words = strip_punctuation(_take(line, start, None), "~")
    if words.end > words.first:
        item = replace(line, passage=words)
        yield replace(piece, line=item, whole=probability, in_prose=in_prose)


def _mark_list(text: str, cuts: Boundaries) -> bool:
    """Return whether a list marker, a semicolon or a colon stands at a cut."""
    return any(cut.gap.mark or text[cut.gap.end - 1] in ";:" for cut in cuts)


def _take(line: TextLine, start: int, end: int | None) -> Passage:
    """Return the words between two places in the text of a line; without an end, up to its last."""
    passage = line.passage
    begin, _ = line.span
    stop = passage.end
    if end is not None:
        stop = passage.tokens.before(begin + end)
    return passage.part(passage.tokens.at(begin + start), stop)


def _begin_item(line: TextLine, gap: Gap) -> TextLine:
    """Return the line of the item that begins behind a gap."""
    item = replace(line, mark=gap.mark, gap=False)
    # the same list goes on, so its number counts
    if gap.style == line.style:
        return replace(item, ordinal=gap.number)
    return item


def _split_label(item: CutPiece, mark: str) -> Iterator[CutPiece]:
    """Yield an item and the labels of the next one, which a list that lost its lines has at the end
    of the item: "* ECOG 0 to 2 Life expectancy: * 3 months". ``mark`` is the next item's.
    """
    line = item.line
    label = _LABEL.search(line.text)
    if label is None or mark not in _FIRM:
        yield item
        return
    passage = line.passage
    at = passage.tokens.at(line.span[0] + label.start())
    rest = replace(line, passage=passage.part(passage.first, at))
    yield from _split_label(replace(item, line=rest), mark)
    title = replace(line, passage=passage.part(at, passage.end), mark="", style="")
    yield replace(item, line=title)


def _is_nested(piece: CutPiece, cuts: Boundaries) -> bool:
    """Return whether the first item of a piece introduces the others: "- Any of: o Gout o COPD"."""
    gap = cuts[0].gap
    own_mark = piece.line.mark
    is_led = piece.line.text[gap.end - 1] == ":"
    if not is_led or not own_mark:
        return False
    return own_mark[0] not in gap.mark


def _doubt_inside(item: CutPiece, piece: CutPiece, boundaries: Boundaries) -> CutPiece:
    """Return an item whose probability is no higher than the one that no other item begins within
    it. The boundaries are those of the piece from which it was cut.
    """
    begin, _ = piece.line.span
    start, end = item.line.span
    first = bisect_right(boundaries, start - begin, key=_START)
    stop = bisect_left(boundaries, end - begin, key=_START)
    inside = [1 - each.probability for each in boundaries[first:stop]]
    return replace(item, whole=min([item.whole, *inside]))


def _drop_marks_of_text(piece: CutPiece, boundaries: Boundaries) -> list[Boundary]:
    """Return the boundaries without those at markers that belong to the text."""
    numbers = {(_plain(each.gap.style), each.gap.number) for each in boundaries}
    own = read_mark(piece.line.mark)
    numbers.add((_plain(own.style), own.number))
    text = piece.line.text
    return [each for each in boundaries if not _is_of_text(each.gap, text, numbers)]


def _is_of_text(gap: Gap, text: str, numbers: Set[tuple[str, int]]) -> bool:
    """Return whether a marker that is not cut is a part of the text: a number in brackets or a
    letter without a neighbour, as in "one (1) of these" and "i.e.", or a dash before a number.
    """
    if not gap.number:
        if not gap.mark:
            return False
        return text[gap.start].isdigit()
    # "2." that is not cut may still be an item: it is left as a doubt
    if gap.mark[0].isdigit():
        return False
    style = _plain(gap.style)
    beside = {(style, gap.number - 1), (style, gap.number + 1)}
    return numbers.isdisjoint(beside)


def _choose(piece: CutPiece, boundaries: Boundaries) -> Boundaries:
    """Return the boundaries at which a piece is cut: those at list markers of one kind or, if there
    are none and the piece has no list marker of its own, those without.
    """
    bullets = _find_bullets(piece, boundaries)
    counted = _find_numbering(piece, boundaries)
    if bullets or counted:
        return max(bullets, counted, key=len)
    # an item with a marker may consist of several sentences
    if piece.line.mark:
        return ()
    return _choose_unmarked(piece.line, boundaries)


def _choose_unmarked(line: TextLine, boundaries: Boundaries) -> Boundaries:
    """Return the likely boundaries of sentences and clauses in a piece without list markers."""
    text = line.text
    chosen: list[Boundary] = []
    for each in boundaries:
        # where a line was wrapped
        is_wrapped = each.gap.is_line_end and text[each.gap.start].islower()
        if each.gap.mark or is_wrapped:
            continue
        least = _WITHOUT_MARK
        if _ends_clause(text, each):
            least = _AT_SEMICOLON
        if each.probability >= least:
            chosen.append(each)
        elif _refuses(line, each):
            chosen += _confirm([each])
    # several semicolons make a list; a single one is no surer sign than a full stop
    if len(chosen) == 1 and chosen[0].probability < _WITHOUT_MARK:
        return ()
    # "Organ function: ALT > 3 x ULN; bilirubin > 2 x ULN" is one item
    are_clauses = bool(chosen) and all(_ends_clause(text, each) for each in chosen)
    if are_clauses and ":" in text[: chosen[0].gap.end]:
        return ()
    if are_clauses and len(chosen) >= _MANY:
        return _confirm(chosen)
    return chosen


def _refuses(line: TextLine, boundary: Boundary) -> bool:
    """Return whether a sentence of its own begins at a boundary and says who is excluded."""
    if line.text[boundary.gap.end - 1] != ".":
        return False
    tokens = line.passage.tokens
    begin, _ = line.span
    place = tokens.at(begin + boundary.gap.start)
    return rule("refuses_people").starts(tokens, place, line.passage.end) is not None


def _ends_clause(text: str, boundary: Boundary) -> bool:
    return text[boundary.gap.end - 1] == ";"


def _find_bullets(piece: CutPiece, boundaries: Boundaries) -> Boundaries:
    """Return the boundaries at bullets, if two items of the piece have the same one."""
    # how many items have each bullet
    signs = Counter([_find_first_sign(piece)])
    likely = set[Gap]()
    for boundary in boundaries:
        gap = boundary.gap
        is_bullet = gap.mark != "" and not gap.number
        if is_bullet and boundary.probability >= _AT_BULLET:
            signs[gap.mark[0]] += 1
            likely.add(gap)
    text = piece.line.text
    chosen: list[Boundary] = []
    for boundary in boundaries:
        gap = boundary.gap
        if signs[gap.mark[:1]] < _FEW:
            continue
        # behind a colon, a bullet of the same kind need not be likely by itself
        if gap in likely or text[gap.end - 1] == ":":
            chosen.append(boundary)
    # three bullets or more confirm each other
    if len(chosen) >= _MANY:
        return _confirm(chosen)
    return chosen


def _confirm(boundaries: Boundaries) -> Boundaries:
    """Return boundaries that others of their kind confirm."""
    return [
        each._replace(probability=max(each.probability, _CONFIRMED))
        for each in boundaries
    ]


def _find_first_sign(piece: CutPiece) -> str:
    """Return the bullet at the start of a piece, or "". A dash counts only after a heading on its
    line: "- Pain score - Time Frame: 6 months" is one item.
    """
    own = find_own_mark(piece.line.text)
    first = piece.line.mark[:1]
    if own and not first:
        first = own.mark[0]
    # "*" or "•" begins nothing but an item
    if first not in _DASHES:
        return first
    if piece.line.follows_heading:
        return first
    return ""


def _find_numbering(piece: CutPiece, boundaries: Boundaries) -> Boundaries:
    """Return the likeliest run of markers of one style that count up. It continues the piece's own
    number, or begins with 1 in a piece without a marker. Below a bullet, a list that begins with 1
    belongs to the item, but one that begins with another number has lost its lines.
    """
    alike: dict[str, list[tuple[int, Boundary]]] = {}
    for each in boundaries:
        if each.gap.number:
            # "i)" is a letter or a Roman numeral
            for style, number in _list_meanings_of(each.gap):
                alike.setdefault(_plain(style), []).append((number, each))
    line = piece.line
    # without a marker, the text may begin with one; with one, a word must follow it
    marked = line.text
    if line.mark:
        marked = f"{line.mark} X"
    own = find_own_mark(marked)
    own_numbers: dict[str, int] = {}
    if own:
        own_numbers = {
            _plain(style): number for style, number in _list_meanings_of(own)
        }
    runs = [
        _find_run(piece, numbered, own_numbers.get(style, 0))
        for style, numbered in alike.items()
    ]
    return _confirm(max(runs, key=len, default=()))


def _find_run(
    piece: CutPiece, numbered: Sequence[tuple[int, Boundary]], own: int
) -> Boundaries:
    """Return the likeliest run of markers that count up from the piece's ``own`` number. A marker
    that continues a run is likely to be one, even if its own words do not tell.
    """
    # the likeliest run that ends with each number, and its total
    best: dict[int, tuple[float, tuple[Boundary, ...]]] = {}
    nothing: tuple[float, tuple[Boundary, ...]] = (-math.inf, ())
    for number, each in numbered:
        run = best.get(number - 1, nothing)
        if _may_start(piece, number, own, numbered[0][0]):
            run = max(run, (0.0, ()))
        gain = _STEP
        # a number without a full stop or bracket is a weaker sign
        if each.gap.kind == "bare":
            gain = _BARE_STEP
        total = run[0] + gain + log_odds(each.probability, least=0)
        if total > best.get(number, nothing)[0]:
            best[number] = (total, (*run[1], each))
    total, likeliest = max(best.values(), default=nothing)
    if total > 0 and (own or len(likeliest) >= _FEW):
        return likeliest
    return ()


def _may_start(piece: CutPiece, number: int, own: int, first: int) -> bool:
    """Return whether a run may begin with a number. ``first`` is the first number of its style."""
    if own:
        return number == own + 1
    # below a bullet, a list that begins with 1 is a part of the item
    if piece.line.mark:
        return number == first > 1
    # behind a heading on its line, the numbers may go on from a list above
    if piece.line.follows_heading:
        return True
    return number == 1


def _list_meanings_of(gap: Gap) -> Iterator[tuple[str, int]]:
    """Yield the (style, number) pairs that the list marker of a gap may stand for."""
    return list_marker_meanings(gap.mark, gap.style, gap.number)


def _plain(style: str) -> str:
    """Return the style of a marker without what may be missing: "1" for "1." and "1 -"."""
    return style.rstrip(" .:-–")


def _find_missed_mark(piece: CutPiece, cuts: Boundaries) -> Gap | None:
    """Return the list marker at the start of a piece that has none yet: after a heading on its
    line, or the marker of the other items.
    """
    own = find_own_mark(piece.line.text)
    if piece.line.mark or own is None:
        return None
    # "Inclusion criteria 1. Age"; a letter there may be a word
    is_marker = piece.line.follows_heading and not own.mark[0].isalpha()
    styles = {style for style, _ in _list_meanings_of(own)}
    is_like_others = any(cut.gap.style in styles for cut in cuts)
    if is_marker or is_like_others:
        return own
    return None
