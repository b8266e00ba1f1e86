"""From the lines of a text to its blocks, with their levels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from extractor.language.book import rule
from extractor.language.passage import LexedSection, Passage
from extractor.language.wrapping import runs_on
from extractor.outline.headings import Heading, Vocabulary, find_heading, find_within
from extractor.outline.lines import Line, read_lines, strip_signs
from extractor.outline.run_in import split_run_in
from extractor.outline.signs import (
    Beside,
    Signs,
    is_doubtful,
    is_yes,
    measure,
    measure_width,
    weigh_continuation,
    weigh_heading,
)

UNSURE_HEADING = "this line could be a heading, or an item"
UNSURE_END = "the last line of this could be one of its own"
_DEEPER = 2
"""The fewest columns by which an item is below another."""


class BlockKind(StrEnum):
    """What a block is."""

    HEADING = "heading"
    ITEM = "item"
    PARAGRAPH = "paragraph"
    ROW = "row"
    FURNITURE = "furniture"


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a text.

    Attributes:
        kind: What it is.
        passage: Its words without the mark; wrapped lines are included.
        level: How many blocks are above it.
        mark: What was written before it: "*", "1.", "a)"; empty without a mark.
        name: The name of a heading in the vocabulary; None for a general heading and other blocks.
        parent: The index of the block above it: its heading, or the item to which it belongs.
        doubt: Why it is in doubt; empty if it is not.
        signs: What was weighed for its first line, with weights.
        column: Where it begins on its line.
        introduces: Whether it ends as what introduces the blocks below it.
        gap: Whether an empty line is above it.
    """

    kind: BlockKind
    passage: Passage
    level: int = 0
    mark: str = ""
    name: str | None = None
    parent: int | None = None
    doubt: str = ""
    signs: Signs = field(default_factory=dict)
    column: int = 0
    style: str = ""
    introduces: bool = False
    gap: bool = False

    @property
    def text(self) -> str:
        """Its words on one line."""
        return " ".join(self.passage.text.split())

    @property
    def start(self) -> int:
        """Where its words begin in the raw text."""
        return self.passage.raw_span[0]

    @property
    def end(self) -> int:
        """Where its words end in the raw text."""
        return self.passage.raw_span[1]


@dataclass(frozen=True, slots=True)
class _Piece:
    """A line, or a part of it that begins a block: a heading, text behind it, an item within."""

    line: Line
    heading: Heading | None = None
    begins: bool = True
    doubt: str = ""


def read_outline(section: LexedSection, vocabulary: Vocabulary) -> list[Block]:
    """Return the blocks of a section, in reading order.

    Args:
        section: The text, read into tokens.
        vocabulary: The headings that matter to the caller.
    """
    lines = read_lines(section)
    width = measure_width(lines)
    pieces: list[_Piece] = []
    for place, line in enumerate(lines):
        above = lines[place - 1] if place else None
        below = lines[place + 1] if place + 1 < len(lines) else None
        if above and _is_rest_of_sentence(line, above):
            pieces += _split_items(line, below)
        else:
            pieces += _split_line(line, vocabulary, below)
    joined = _join_wrapped(pieces, width)
    blocks = [
        _make_block(place, joined, lines_width=width) for place in range(len(joined))
    ]
    return _set_levels(blocks)


def explain_line(
    section: LexedSection, words: str, vocabulary: Vocabulary
) -> list[tuple[str, str, Signs]]:
    r"""Return, for each block that begins with these words, its kind, its name in the vocabulary,
    and the signs that were weighed with their weights.

    >>> from extractor.language.passage import read_section
    >>> section = read_section("text", "Inclusion:\n\nCardiac:\n* Angina")
    >>> explain_line(section, "Cardiac", Vocabulary("criteria_lists"))[0][:2]
    ('heading', '')
    """
    return [
        (block.kind.value, block.name or "", block.signs)
        for block in read_outline(section, vocabulary)
        if block.text.startswith(words)
    ]


def _is_rest_of_sentence(line: Line, above: Line) -> bool:
    """Return whether a line ends the sentence of the line above, whatever its words name: "Patients
    who smoke are not / to be included in this study" is no heading.
    """
    if line.mark or line.gap or above.is_furniture or not line.text[:1].islower():
        return False
    ends = line.text.endswith((".", ";", ",")) or runs_on(above.text)
    return ends and not above.text.endswith((".", ";", ":"))


def _split_line(
    line: Line, vocabulary: Vocabulary, below: Line | None
) -> Iterator[_Piece]:
    """Yield the pieces of a line: a heading of the vocabulary at its start or within it, the text
    behind that, items that are written in one line.
    """
    if line.is_furniture:
        yield _Piece(line)
        return
    heading = find_heading(line.passage, vocabulary)
    if heading and not _only_introduces(line, below, vocabulary):
        passage = line.passage.part(heading.first, heading.end)
        yield _Piece(replace(line, passage=passage), heading)
        if not heading.is_whole:
            behind = line.passage.part(heading.end, line.passage.end)
            rest = replace(
                line,
                passage=behind,
                mark="",
                style="",
                ordinal=0,
                gap=False,
                hashes=0,
                is_behind_heading=True,
            )
            yield from _split_within(rest, vocabulary, below, vocabulary.behind)
        return
    yield from _split_within(line, vocabulary, below)


def _only_introduces(line: Line, below: Line | None, vocabulary: Vocabulary) -> bool:
    """Return whether an item that reads like a heading introduces the items below it: "* Must not
    have any of the following:".
    """
    if not line.mark or not vocabulary.plain or below is None:
        return False
    if not below.mark or below.column <= line.column:
        return False
    passage = line.passage
    return not rule(vocabulary.plain).occurs(passage.tokens, passage.first, passage.end)


def _split_within(
    line: Line,
    vocabulary: Vocabulary,
    below: Line | None,
    rules: tuple[str, ...] = (),
) -> Iterator[_Piece]:
    """Yield the text before a heading within a line, that heading, and what follows it."""
    for name in (*vocabulary.within, *vocabulary.behind):
        found = find_within(line.passage, name)
        if found is None or found.first <= line.passage.first:
            continue
        sign = found.tokens.words[found.first - 1]
        is_capital = found.tokens.words[found.first][0].isupper()
        is_behind_sign = sign == ";" or (sign == "." and not line.mark)
        may_begin = is_behind_sign or (is_capital and bool(rules))
        if name in vocabulary.behind and not may_begin:
            continue
        before = replace(
            line,
            passage=strip_signs(
                line.passage.part(line.passage.first, found.first), ";,/"
            ),
        )
        rest = line.passage.part(found.first, line.passage.end)
        if find_heading(rest, vocabulary) is None:
            continue
        yield from _split_items(before, None)
        yield from _split_line(
            replace(line, passage=rest, mark="", style="", ordinal=0, gap=False),
            vocabulary,
            below,
        )
        return
    yield from _split_items(line, below)


def _split_items(line: Line, below: Line | None) -> Iterator[_Piece]:
    """Yield a line, or the items that are written in it."""
    pieces = split_run_in(line, below)
    if len(pieces) == 1:
        yield _Piece(line, begins=bool(line.mark) or line.is_row)
        return
    for number, (passage, mark) in enumerate(pieces):
        item = replace(line, passage=passage, mark=mark, style=line.style or "run-in")
        if number:
            item = replace(item, gap=False)
        yield _Piece(item, begins=bool(mark))


def _join_wrapped(pieces: Sequence[_Piece], width: int | None) -> list[_Piece]:
    """Return the pieces with those that continue the one above joined to it."""
    joined: list[_Piece] = []
    last: Line | None = None
    for place, piece in enumerate(pieces):
        above = joined[-1] if joined else None
        below = pieces[place + 1].line if place + 1 < len(pieces) else None
        if above and last and _may_continue(above, piece):
            length = measure(last)
            signs = weigh_continuation(Beside(piece.line, last, below, width, length))
            if is_yes(signs):
                passage = above.line.passage
                whole = passage.part(passage.first, piece.line.passage.end)
                doubt = UNSURE_END if is_doubtful(signs) else above.doubt
                joined[-1] = _Piece(
                    replace(above.line, passage=whole), begins=above.begins, doubt=doubt
                )
                last = replace(above.line, passage=piece.line.passage)
                continue
        joined.append(piece)
        last = piece.line
    return joined


def _may_continue(above: _Piece, piece: _Piece) -> bool:
    if piece.heading or above.heading or piece.begins:
        return False
    if piece.line.is_furniture or above.line.is_furniture:
        return False
    return not piece.line.mark and not piece.line.hashes and not piece.line.is_row


def _make_block(
    place: int, pieces: Sequence[_Piece], *, lines_width: int | None
) -> Block:
    """Return the block of a piece, without its level."""
    piece = pieces[place]
    line = piece.line
    block = Block(
        BlockKind.PARAGRAPH,
        line.passage,
        mark=line.mark,
        column=line.column,
        style=line.style,
        gap=line.gap,
        introduces=introduces(line.passage),
        doubt=piece.doubt,
    )
    if line.is_furniture:
        return replace(block, kind=BlockKind.FURNITURE)
    heading = piece.heading
    if heading:
        return replace(
            block, kind=BlockKind.HEADING, name=heading.name, doubt=heading.doubt
        )
    above = pieces[place - 1] if place else None
    below = pieces[place + 1] if place + 1 < len(pieces) else None
    beside = Beside(
        line,
        above.line if above else None,
        below.line if below else None,
        lines_width,
    )
    signs = weigh_heading(beside)
    block = replace(block, signs=signs)
    if line.is_row:
        return replace(block, kind=BlockKind.ROW)
    if not line.mark and is_yes(signs):
        return replace(block, kind=BlockKind.HEADING)
    if line.mark:
        return replace(block, kind=BlockKind.ITEM)
    if not block.doubt and is_doubtful(signs):
        return replace(block, doubt=UNSURE_HEADING)
    return block


def introduces(passage: Passage) -> bool:
    """Return whether words end as what introduces parts below them: "any of the following:"."""
    tokens = passage.tokens.cut(passage.first, passage.end)
    return rule("introduction").ends(tokens, len(tokens)) is not None


def _set_levels(blocks: Sequence[Block]) -> list[Block]:
    """Return the blocks with the block above each."""
    placed: list[Block] = []
    stack: list[int] = []
    for block in blocks:
        if block.kind is BlockKind.FURNITURE:
            placed.append(block)
            continue
        _close(stack, placed, block)
        parent = stack[-1] if stack else None
        placed.append(replace(block, level=len(stack), parent=parent))
        stack.append(len(placed) - 1)
    return placed


def _close(stack: list[int], placed: Sequence[Block], block: Block) -> None:
    """Remove the blocks from the stack that the next block does not belong to."""
    if block.name is not None:
        stack.clear()
        return
    while stack:
        top = placed[stack[-1]]
        if top.name is not None or _is_below(top, block, stack, placed):
            return
        stack.pop()


def _is_like_first(block: Block, stack: Sequence[int], placed: Sequence[Block]) -> bool:
    """Return whether an item is like the first one below the line on the top of the stack: not
    further left, and of the same style in the same column.
    """
    first_place = stack[-1] + 1
    if first_place >= len(placed):
        return True
    first = placed[first_place]
    if block.column <= first.column - _DEEPER:
        return False
    return block.column >= first.column + _DEEPER or block.style == first.style


def _is_below(
    top: Block, block: Block, stack: Sequence[int], placed: Sequence[Block]
) -> bool:
    """Return whether a block belongs to the one that is the top of the stack."""
    is_deeper = block.column >= top.column + _DEEPER
    if top.kind is BlockKind.HEADING:
        return _is_below_heading(top, block, stack, placed)
    if block.kind is BlockKind.HEADING:
        return top.kind is BlockKind.ITEM and is_deeper
    if block.kind is not BlockKind.ITEM:
        return top.kind is BlockKind.ITEM and (top.introduces or is_deeper)
    if top.kind is not BlockKind.ITEM:
        is_led = top.introduces and bool(block.mark)
        return is_led and _is_like_first(block, stack, placed)
    if is_deeper:
        return True
    if block.column <= top.column - _DEEPER or block.style == top.style:
        return False
    is_known = any(placed[index].style == block.style for index in stack)
    return top.introduces and not is_known


def _is_below_heading(
    top: Block, block: Block, stack: Sequence[int], placed: Sequence[Block]
) -> bool:
    if block.kind is BlockKind.HEADING:
        return block.column >= top.column + _DEEPER and not block.mark
    is_nested = any(placed[index].kind is BlockKind.ITEM for index in stack)
    return not is_nested or block.column > top.column - _DEEPER
