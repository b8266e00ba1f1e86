"""Turn the lines of a text into blocks with levels."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise, zip_longest

from extractor.language.book import list_possible, read_weights, rule
from extractor.language.passage import LexedSection, Passage
from extractor.language.patterns import RuleMatch
from extractor.language.units import find_unit
from extractor.language.values import replace
from extractor.language.wrapping import (
    ends_sentence,
    find_width,
    opens_bracket,
    runs_on,
)
from extractor.outline.cutting import DEEPER, CutPiece, cut_first_parts, cut_items
from extractor.outline.headings import Heading, Vocabulary, find_heading
from extractor.outline.lines import TextLine, read_section_lines, strip_punctuation

# Without it is sure of "... by the formula of Cockcroft / Gault with the actual / weight".
_DOUBT = 0.5
"""The highest total, above or below zero, that is doubtful."""
# Half of it reads "Part A - escalation / 1. Planned operation / 2. ..." otherwise.
_FEW = 6
# Half of it reads "Cohort A must meet the following criteria: / * ..." otherwise.
_MANY = 12
"""A heading usually has at most ``_FEW`` words, and rarely more than ``_MANY``."""
# Half of it reads "Inclusion Criteria: / * Consent / Life expectancy ..." otherwise.
_SHORT_VALUE = 5
"""Maximum number of tokens in a line that is only a value."""
# Chosen by hand; half of it changes no case, and none of 120 registry records.
_LETTERS = 5
"""A line of capitals with at most this many letters is treated as an abbreviation."""
# Chosen by hand; one less changes no case, and none of 120 registry records.
_SAME = 1
"""Maximum number of columns by which the starts of two aligned lines may differ."""


def weigh_conditions(question: str, conditions: Mapping[str, bool]) -> float:
    """Return the sum of the weights of the conditions that are met, for a question (``heading`` or
    ``continues``). Above zero means yes, and exactly 0 is a tie.
    """
    weights: Mapping[str, float] = read_weights("line_signs")[question]
    met = [weights[name] for name, is_met in conditions.items() if is_met]
    return round(weights["start"] + sum(met), 6)


def is_doubtful(total: float) -> bool:
    """Return whether the weights come close to giving the opposite answer."""
    return abs(total) <= _DOUBT


def measure_width(lines: Sequence[TextLine]) -> int | None:
    """Return the width at which a text was wrapped; None if it was not."""
    broken = [
        _measure(above)
        for above, line in pairwise(lines)
        if not line.mark and line.text[:1].islower()
    ]
    return find_width(broken, list(map(_measure, lines)))


def _measure(line: TextLine) -> int:
    """Return the length of a line, including its indentation and list marker."""
    return line.text_column + len(line.text)


def weigh_continuation(
    line: TextLine, above: TextLine, below: TextLine | None, width: int | None
) -> float:
    """Weigh the signs that a line without a list marker continues the line above: a sum of weights
    (``weigh_conditions``), above zero if it does, and 0 or less if it begins a line of its own.
    ``width`` is the width at which the text was wrapped; None if it was not.
    """
    return weigh_conditions(
        "continues",
        {
            **_read_words_between(line, above, below),
            **_read_columns(line, above, width),
        },
    )


def _read_words_between(
    line: TextLine, above: TextLine, below: TextLine | None
) -> dict[str, bool]:
    """Return the signs based on the end of the line above and the words of the line."""
    end = above.text
    first_word = line.text.split(maxsplit=1)[0]
    # a word in small letters throughout: "mRNA" may begin a line of its own
    is_small = first_word[0].islower() and first_word.islower()
    if first_word[0] in "(,;/+&":
        is_small = True
    follows_open_line = runs_on(end)
    follows_bracket = opens_bracket(end)
    is_open = follows_open_line or follows_bracket or end.endswith(",")
    is_colon = end.endswith(":")
    return {
        "small_letter": is_small,
        "above_small": is_small and _begins_small(above),
        "above_runs_on": follows_open_line or _is_unit_of(line, end),
        "open_bracket": follows_bracket,
        "above_colon": is_colon,
        "above_ended": not is_colon and ends_sentence(end),
        "capital_after_break": not is_open and line.text[:1].isupper(),
        "small_below": below is not None and _begins_small(below),
        "group_name": _finds("group_title", line),
        "joins_clause": _finds("joins_clause", line),
    }


def _begins_small(line: TextLine) -> bool:
    """Return whether a line begins with a small letter, and has no list marker."""
    return not line.mark and line.text[:1].islower()


def _is_unit_of(line: TextLine, above: str) -> bool:
    """Return whether a line begins with the unit of the number that ends the line above."""
    ends_with_number = above.rsplit(" ", maxsplit=1)[-1].replace(".", "").isdigit()
    if not ends_with_number:
        return False
    return find_unit(line.tokens, 0) is not None


def _read_columns(
    line: TextLine, above: TextLine, width: int | None
) -> dict[str, bool]:
    """Return the signs based on the positions and lengths of a line and of the line above."""
    has_mark = above.mark != ""
    is_indented = line.column > above.column
    # wrapped lines of an item often begin below its words, not below its marker
    is_below_words = False
    if has_mark and line.column > 0 and not above.text.endswith(":"):
        is_below_words = abs(line.column - above.text_column) <= _SAME
    signs = {
        "blank_line": line.gap,
        "hanging": is_indented and not line.gap and not has_mark,
        "same_column": is_below_words,
        "counted_above": above.ordinal > 0 and not line.gap,
    }
    if width is None:
        signs["not_wrapped"] = not has_mark
        return signs
    first_word = line.text.split(maxsplit=1)[0]
    # the first word would have had room in the line above
    fits = _measure(above) + 1 + len(first_word) <= width
    signs["above_short"] = fits
    signs["above_full"] = not fits
    return signs


def weigh_heading(
    line: TextLine, above: TextLine | None, below: TextLine | None
) -> float:
    """Weigh the signs that a line without a list marker is a heading for the lines below it: a sum
    of weights (``weigh_conditions``), above zero if it is.
    """
    return weigh_conditions(
        "heading", {**_read_words(line), **_read_neighbours(line, above, below)}
    )


def _read_words(line: TextLine) -> dict[str, bool]:
    """Return the signs of a heading in the words of a line."""
    text = line.text.rstrip(" *_")
    words = text.split()
    # "COPD" is an abbreviation, "CARDIAC DISEASE" a heading
    is_capitals = text.isupper() and len(text) > _LETTERS
    is_marked = line.hashes > 0 or line.text.startswith("**")
    is_titled = False
    if len(words) > 1 and not is_capitals:
        is_titled = is_title_case(words)
    names_people = _finds("population", line)
    is_number = False
    is_limit = False
    if any(word[:1].isdigit() for word in words):
        is_number = not names_people
        is_limit = not text.endswith(":") and _finds("level", line)
    return {
        "colon": text.endswith((":", ":-")),
        "few_words": len(words) <= _FEW,
        "many_words": len(words) > _MANY,
        "emphasis": is_marked or is_capitals,
        "topic": ends_with(line, "topic"),
        "title_of_template": _finds("title_of_template", line),
        "group_name": _finds("group_title", line),
        "people": names_people,
        "title_case": is_titled,
        "ends_sentence": text.endswith((".", ";", ",")),
        "says_of_people": _finds("says_of_people", line),
        "number": is_number,
        "limit": is_limit,
        "small_letter": text[:1].islower(),
    }


def _read_neighbours(
    line: TextLine, above: TextLine | None, below: TextLine | None
) -> dict[str, bool]:
    """Return the signs of a heading in the lines above and below a line."""
    marks_below = False
    is_deeper = False
    if below:
        marks_below = below.mark != ""
        is_deeper = below.column > line.column + _SAME
    marks_above = False
    begins_items = False
    # a title with a blank line before it may stand between two items or above the first
    if above:
        marks_above = above.mark != ""
        begins_items = marks_above
        if above.text.endswith(":") and not line.text.endswith("."):
            begins_items = marks_above or is_title_case(line.text.split())
    return {
        "nothing_below": below is None,
        "no_mark_among_marks": marks_below,
        "deeper_below": marks_below and is_deeper,
        "marks_above": marks_above,
        "blank_above": line.gap,
        "between_items": begins_items and marks_below and line.gap,
        "value_below": _is_value(below),
    }


def is_title_case(words: Sequence[str]) -> bool:
    """Return whether each word begins with a capital.

    >>> is_title_case(["Parkinson's", "Disease"])
    True
    """
    return all(word[0].isupper() for word in words if word[0].isalpha())


def _is_value(line: TextLine | None) -> bool:
    """Return whether a line is only a value, such as "At least 8 weeks"."""
    if line is None:
        return False
    if len(line.tokens) > _SHORT_VALUE:
        return False
    return rule("level").starts(line.tokens, 0) is not None


def _finds(name: str, line: TextLine) -> bool:
    """Return whether a rule matches within the first words of a line."""
    passage = line.passage
    tokens = passage.tokens.cut(passage.first, min(passage.end, passage.first + 30))
    return rule(name).occurs(tokens)


def ends_with(line: TextLine, name: str) -> bool:
    """Return whether a rule matches the end of a line."""
    tokens = line.tokens
    return rule(name).ends(tokens) is not None


UNSURE_END = "its last line may be a separate item"
"""The reason for the doubt about a block whose last line might not continue it."""


class BlockKind(StrEnum):
    """The kind of a block."""

    HEADING = "heading"
    ITEM = "item"
    PARAGRAPH = "paragraph"
    ROW = "row"
    FURNITURE = "furniture"


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a text.

    Attributes:
        kind: The kind of block.
        passage: Its words without the list marker, including wrapped lines.
        level: The number of its ancestors.
        mark: Its list marker, such as "*", "1." or "a)"; empty if it has no marker.
        name: The heading's name in the vocabulary; None for a heading that is not in the
            vocabulary and for other blocks.
        parent: The index of its parent, which is its heading or the item that it belongs to.
        doubt: The reason why the block is doubtful; empty if it is not doubtful.
        whole: The probability that the block is one item: that it begins and ends where it does,
            and that no other item begins within it.
        in_prose: Whether it is a sentence or clause of a paragraph rather than an item of a list.
        column: The column at which it begins.
        style: The style of its list marker, such as "1." for "3."; empty if it has no marker.
        ordinal: The number of its list marker; 0 for a bullet or without a marker.
        introduces: Whether its ending introduces the blocks after it.
        gap: Whether an empty line precedes it.
    """

    kind: BlockKind
    passage: Passage
    level: int = 0
    mark: str = ""
    name: str | None = None
    parent: int | None = None
    doubt: str = ""
    column: int = 0
    style: str = ""
    ordinal: int = 0
    introduces: bool = False
    gap: bool = False
    whole: float = 1.0
    in_prose: bool = False

    @property
    def text(self) -> str:
        """The words, joined by single spaces."""
        return " ".join(self.passage.text.split())

    @property
    def start(self) -> int:
        """The offset in the raw text at which the words begin."""
        return self.passage.raw_span[0]

    @property
    def end(self) -> int:
        """The offset in the raw text at which the words end."""
        return self.passage.raw_span[1]


Blocks = Sequence[Block]
"""The blocks of one text, in reading order."""


def read_outline(section: LexedSection, vocabulary: Vocabulary) -> list[Block]:
    """Return the blocks of a section, in reading order.

    Args:
        section: The tokenised text.
        vocabulary: The headings that matter to the caller.
    """
    pieces = cut_first_parts(cut_items(read_pieces(section, vocabulary)))
    lines = [piece.line for piece in pieces]
    # the last of them is above nothing
    lines_above = [None, *lines]
    lines_below = [*lines[1:], None]
    blocks: list[Block] = []
    for piece, above, below in zip(pieces, lines_above, lines_below, strict=False):
        blocks.append(_make_block(piece, above, below))
    return _set_levels(_keep_items_behind_parts(blocks))


def _is_last_line(blocks: Blocks, place: int) -> bool:
    """Return whether the block at a place goes on in no other line: below it, there is nothing, a
    heading from the vocabulary, or a line without a list marker behind a blank line.
    """
    if place + 1 == len(blocks):
        return True
    below = blocks[place + 1]
    if below.name is not None:
        return True
    return below.gap and not below.mark


def _keep_items_behind_parts(blocks: Blocks) -> list[Block]:
    """Return the blocks, of which a line is no heading if it stands in a list without list markers,
    between the parts of the line above and the next item: "Informed consent" in "Gout, shown by:",
    "* Two attacks", "", "Informed consent", "", "Able to swallow".
    """
    kept = list(blocks)
    lead_in: Block | None = None
    for place, block in enumerate(blocks):
        has_parts = lead_in is not None and blocks[place - 1].mark != ""
        if has_parts and _may_be_item(block, lead_in) and _is_last_line(blocks, place):
            kept[place] = replace(block, kind=BlockKind.PARAGRAPH)
        if block.mark:
            continue
        lead_in = None
        if block.name is None and block.text.endswith(":"):
            lead_in = block
    return kept


def _may_be_item(block: Block, lead_in: Block | None) -> bool:
    """Return whether a heading without a colon or capitals stands as far left as ``lead_in``."""
    if block.kind is not BlockKind.HEADING:
        return False
    if block.name is not None:
        return False
    if block.mark:
        return False
    if lead_in is None:
        return False
    if block.column != lead_in.column:
        return False
    if not block.gap:
        return False
    if block.text.endswith(":"):
        return False
    return not is_title_case(block.text.split())


def read_pieces(section: LexedSection, vocabulary: Vocabulary) -> list[CutPiece]:
    """Return the lines of a section, wrapped lines joined, and cut at the headings within them.
    Items that share a line are not cut yet.
    """
    joined = _join_wrapped(read_section_lines(section, vocabulary), vocabulary)
    pieces: list[CutPiece] = []
    for whole in joined:
        pieces += _split_joined(whole, vocabulary)
        # the doubt is whether the last joined line belongs to it, so it concerns the last piece
        if whole.doubt:
            pieces[-1] = replace(pieces[-1], doubt=whole.doubt)
    return pieces


def _join_wrapped(lines: Sequence[TextLine], vocabulary: Vocabulary) -> list[CutPiece]:
    """Return the lines, joining each continuation line to the line above."""
    width = measure_width(lines)
    joined: list[CutPiece] = []
    # the words of the line above, with the marker and the columns of the line that it continues
    last: TextLine | None = None
    for line, below in zip_longest(lines, lines[1:]):
        heading = None
        is_continued = last is not None and _continues_sentence(line, last)
        if not is_continued and not _is_only_item(line, below, vocabulary):
            heading = find_heading(line.passage, vocabulary)
        whole = CutPiece(line, heading)
        total = 0.0
        if last and _may_continue(joined[-1], whole):
            total = weigh_continuation(line, last, below, width)
        if last is None or total <= 0:
            joined.append(whole)
            last = line
            continue
        above = joined[-1]
        passage = above.line.passage
        longer = passage.part(passage.first, line.passage.end)
        doubt = above.doubt
        if is_doubtful(total):
            doubt = UNSURE_END
        joined[-1] = replace(
            above, line=replace(above.line, passage=longer), doubt=doubt
        )
        last = replace(last, passage=line.passage)
    return joined


def _continues_sentence(line: TextLine, above: TextLine) -> bool:
    """Return whether a line continues the sentence of the line above, even if it contains a
    heading's words: the second line of "Patients who smoke are not / to be included in this study"
    is not a heading.
    """
    if line.mark:
        return False
    if line.gap:
        return False
    if not line.text[:1].islower():
        return False
    is_in_item = bool(above.mark) and line.column >= max(above.column, 1)
    # a heading ends with no such sign, and follows no "are not" or "at least"
    is_of_sentence = line.text.endswith((".", ";", ",")) or runs_on(above.text)
    if not (is_of_sentence or is_in_item):
        return False
    return not above.text.endswith((".", ";", ":"))


def _is_only_item(
    line: TextLine, below: TextLine | None, vocabulary: Vocabulary
) -> bool:
    """Return whether an item that resembles a heading is none: it only introduces the items below
    it ("* Must not have any of the following:"), or the line below continues its numbering ("2.
    Incorrect inclusion" above "3. Pregnancy").
    """
    if not line.mark:
        return False
    if not vocabulary.plain:
        return False
    if below is None:
        return False
    tokens = line.passage.tokens
    place = (line.passage.first, line.passage.end)
    # above items that are indented further, only the plain words of a heading make one
    if below.column > line.column:
        return not rule(vocabulary.plain).occurs(tokens, *place)
    is_numbered = line.ordinal > 1 and line.style == below.style
    if not is_numbered:
        return False
    if below.ordinal != line.ordinal + 1:
        return False
    if line.text.endswith(":"):
        return False
    # "2. Exclusions", "2. Key exclusion criteria" are headings even then
    words = map(str.lower, tokens.words[slice(*place)])
    has_two_words = sum(word in vocabulary.spelling for word in words) > 1
    if has_two_words:
        return False
    return not rule(vocabulary.plain).starts(tokens, *place)


def _may_continue(above: CutPiece, whole: CutPiece) -> bool:
    """Return whether a line may continue the piece above: not if it has a list marker or a heading,
    is a row of a table or furniture, or is below furniture or a heading without further words.
    """
    line = whole.line
    if line.mark or line.is_row:
        return False
    if line.is_furniture:
        return False
    if above.line.is_furniture:
        return False
    if whole.heading:
        return False
    # a heading with words behind it, as in "Exclusion: pregnancy, / breast-feeding", goes on
    return above.heading is None or not above.heading.is_whole


def _split_joined(whole: CutPiece, vocabulary: Vocabulary) -> Iterator[CutPiece]:
    """Yield the pieces of a joined line: a heading from the vocabulary at its start or within it,
    the text before and after that heading, and items that share the line. Furniture, such as a
    page header or the column names of a table, is one piece, and has no heading.
    """
    line = whole.line
    if line.is_furniture:
        yield CutPiece(line)
    elif whole.heading:
        yield from _split_at_heading(line, whole.heading, vocabulary)
    else:
        yield from _split_within(line, vocabulary)


def _split_at_heading(
    line: TextLine, heading: Heading, vocabulary: Vocabulary
) -> Iterator[CutPiece]:
    """Yield a heading, then the items and other headings that follow it on its line."""
    following: Heading | None = heading
    ahead: dict[str, RuleMatch | None] = {}
    while following:
        passage = line.passage.part_at(following)
        yield CutPiece(replace(line, passage=passage), following, following.doubt)
        if following.is_whole:
            return
        rest = line.passage.part(following.end, line.passage.end)
        line = replace(_narrow_to(rest, line), hashes=0, follows_heading=True)
        repeated = find_heading(line.passage, vocabulary)
        if repeated and repeated.is_whole:  # in another language
            following = repeated
            continue
        following = _find_inner(line, vocabulary, ahead)
        if following:
            yield from _split_before(line, following)
            rest = line.passage.part(following.first, line.passage.end)
            line = _narrow_to(rest, line)
    yield CutPiece(line)


def _narrow_to(passage: Passage, line: TextLine) -> TextLine:
    """Return a line reduced to the words of ``passage``, which begins behind its list marker."""
    return replace(line, passage=passage, mark="", style="", ordinal=0, gap=False)


def _split_within(line: TextLine, vocabulary: Vocabulary) -> Iterator[CutPiece]:
    """Yield the text that precedes the first heading within a line, then the heading, then the
    text that follows it, which may contain further headings; the line itself if it has no heading.
    """
    heading = _find_inner(line, vocabulary, {})
    if heading is None:
        yield CutPiece(line)
        return
    yield from _split_before(line, heading)
    rest = line.passage.part(heading.first, line.passage.end)
    yield from _split_at_heading(_narrow_to(rest, line), heading, vocabulary)


def _find_inner(
    line: TextLine, vocabulary: Vocabulary, ahead: dict[str, RuleMatch | None]
) -> Heading | None:
    """Return the first heading that begins after the first word of a line. ``ahead`` contains what
    was found in the line with these words and more before them, and is updated.
    """
    words = line.passage
    names = (*vocabulary.within, *vocabulary.after)
    for name in list_possible(names, words.tokens, words.first, words.end):
        match = _search_ahead(words, name, ahead)
        if match is None or match.first <= words.first:
            continue
        # within a sentence, the words of such a heading may be only words
        if name in vocabulary.after and not _may_begin_heading(match, line):
            continue
        rest = words.part(match.first, words.end)
        heading = find_heading(rest, vocabulary)
        if heading:
            return heading
    return None


def _search_ahead(
    words: Passage, name: str, ahead: dict[str, RuleMatch | None]
) -> RuleMatch | None:
    """Return the first match of a rule in the words. A match that was found before counts, unless
    the words begin behind its first one.
    """
    if name in ahead:
        match = ahead[name]
        if match is None or match.first >= words.first:
            return match
    match = ahead[name] = words.search(name)
    return match


def _may_begin_heading(match: RuleMatch, line: TextLine) -> bool:
    """Return whether a heading may begin in the middle of a line: behind the end of a clause or,
    with a capital, behind another heading.
    """
    words = match.tokens.words
    previous = words[match.first - 1]
    if previous == ";":
        return True
    # behind a list marker, a sentence of the item may end there
    if previous == "." and not line.mark:
        return True
    return line.follows_heading and words[match.first][0].isupper()


def _split_before(line: TextLine, heading: Heading) -> Iterator[CutPiece]:
    """Yield the items that precede a heading within a line."""
    before = line.passage.part(line.passage.first, heading.first)
    yield CutPiece(replace(line, passage=strip_punctuation(before, ";,/")))


def _make_block(
    piece: CutPiece, above: TextLine | None, below: TextLine | None
) -> Block:
    """Return a piece as a block whose level is not yet set."""
    line = piece.line
    block = Block(
        BlockKind.PARAGRAPH,
        line.passage,
        mark=line.mark,
        column=line.column,
        style=line.style,
        ordinal=line.ordinal,
        gap=line.gap,
        introduces=ends_with(line, "introduction"),
        doubt=piece.doubt,
        whole=piece.whole,
        in_prose=piece.in_prose,
    )
    if line.is_furniture:
        return replace(block, kind=BlockKind.FURNITURE)
    if piece.heading:
        return replace(block, kind=BlockKind.HEADING, name=piece.heading.name)
    if line.is_row:
        return replace(block, kind=BlockKind.ROW)
    if line.mark:
        return replace(block, kind=BlockKind.ITEM)
    # a line without a marker that no vocabulary knows
    if weigh_heading(line, above, below) > 0:
        return replace(block, kind=BlockKind.HEADING)
    return block


def _set_levels(blocks: Blocks) -> list[Block]:
    """Return the blocks with their levels and parents. Furniture stays at level 0, and no block
    belongs to it.
    """
    placed: list[Block] = []
    # the indexes of the blocks that the next block may belong to, the outermost first
    stack: list[int] = []
    for block in blocks:
        if block.kind is BlockKind.FURNITURE:
            placed.append(block)
            continue
        _close(stack, placed, block)
        parent = None
        if stack:
            parent = stack[-1]
        placed.append(replace(block, level=len(stack), parent=parent))
        stack.append(len(placed) - 1)
    return placed


def _close(stack: list[int], placed: Blocks, block: Block) -> None:
    """Remove from the stack the blocks that the next block does not belong to. A heading from the
    vocabulary belongs to no block, and stays until another one, or a block with the number after
    its own, follows.
    """
    if block.name is not None:
        stack.clear()
        return
    counted = _find_counted(block, stack, placed)
    if counted is not None:
        del stack[counted:]
        return
    while stack:
        top = placed[stack[-1]]
        # a heading from the vocabulary stays open for all its list
        if top.name is not None:
            return
        if _is_below(top, block, stack, placed):
            return
        stack.pop()


def _find_counted(block: Block, stack: Sequence[int], placed: Blocks) -> int | None:
    """Return the place in the stack of the item that an item follows by its number, even if it is
    indented further, as "2." is in "1. Any of:", "  - Stroke", "    2. Asthma"; otherwise, None.
    """
    # a bullet, or the first item of a list
    if block.ordinal < 2:
        return None
    number_above = (block.style, block.ordinal - 1)
    for depth in reversed(range(len(stack))):
        above = placed[stack[depth]]
        if (above.style, above.ordinal) != number_above:
            continue
        # directly above: no block between the two has to be closed
        if depth + 1 == len(stack):
            return None
        return depth
    return None


def _is_below(top: Block, block: Block, stack: Sequence[int], placed: Blocks) -> bool:
    """Return whether a block belongs to the block at the top of the stack. To an item belongs what
    is indented further, and to a line that introduces items also an item of another style.
    """
    is_deeper = block.column >= top.column + DEEPER
    if top.kind is BlockKind.HEADING:
        return _is_below_heading(top, block, stack, placed)
    # a title within an item, above its parts
    if block.kind is BlockKind.HEADING:
        return top.kind is BlockKind.ITEM and is_deeper
    if block.kind is not BlockKind.ITEM:
        if top.kind is not BlockKind.ITEM:
            return False
        return is_deeper or _may_have_paragraph(stack[-1], block, placed)
    if top.kind is not BlockKind.ITEM:
        # in "Any of:", "* Stroke", "1. Asthma", the last item is not below "Any of:"
        below = placed[stack[-1] + 1 :]
        is_like_first = not below or below[0].style == block.style
        return top.introduces and is_like_first
    if is_deeper:
        return not _is_beside(block, stack, placed)
    if block.column <= top.column - DEEPER:
        return _is_lost_part(block, stack[-1], placed)
    # in "1. Any of:", "a) Stroke", "2. Asthma", the style "1." is known, so "2." is not nested
    is_known = any(placed[index].style == block.style for index in stack)
    return top.introduces and not is_known


def _may_have_paragraph(top: int, block: Block, placed: Blocks) -> bool:
    """Return whether a paragraph may belong to an item that introduces its parts. Behind parts with
    list markers and a blank line, it is none of them.
    """
    if not placed[top].introduces:
        return False
    has_marked_parts = any(part.mark for part in placed[top + 1 : top + 2])
    return not (has_marked_parts and block.gap)


def _is_beside(block: Block, stack: Sequence[int], placed: Blocks) -> bool:
    """Return whether an item continues the list of an item in the stack that is indented as far,
    although the parts of that item are indented less.
    """
    return any(
        (placed[place].column, placed[place].style) == (block.column, block.style)
        for place in stack[:-1]
    )


def _is_lost_part(block: Block, top: int, placed: Blocks) -> bool:
    """Return whether an item belongs to a line that ends with a colon and has no parts that are
    indented further: "  * Adequate organ function, defined as:" above "* Platelets >= 100".
    """
    if not placed[top].text.endswith(":"):
        return False
    # the parts that it has already
    return all(
        (first.column, first.style) == (block.column, block.style)
        for first in placed[top + 1 : top + 2]
    )


def _is_below_heading(
    top: Block, block: Block, stack: Sequence[int], placed: Blocks
) -> bool:
    """Return whether a block belongs to the heading at the top of the stack: another heading, if it
    is indented further; any other block, unless the heading is inside an item and the block begins
    to the left of it.
    """
    if block.kind is BlockKind.HEADING:
        return block.column >= top.column + DEEPER
    if _follows_parts(top, block, placed[stack[-1] + 1 :]):
        return False
    # a heading inside an item ends where a line begins to its left
    is_nested = any(placed[index].kind is BlockKind.ITEM for index in stack)
    return not is_nested or block.column > top.column - DEEPER


def _follows_parts(top: Block, block: Block, between: Blocks) -> bool:
    """Return whether a line without a list marker stands beside a line that ends with a colon, and
    not below it: behind its parts, which have list markers, and a blank line, as "Age 18 to 65
    years" in "Gout, shown by:", "* Two attacks", "", "Age 18 to 65 years".
    """
    if block.mark:
        return False
    if not block.gap:
        return False
    if block.column > top.column:
        return False
    # a heading from the vocabulary, and an item, are no such lines
    if top.name is not None or top.mark:
        return False
    if not top.text.endswith(":"):
        return False
    return bool(between) and all(part.mark for part in between)
