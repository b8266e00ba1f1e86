"""The outline of an eligibility section: its criteria, with their headings and parents, and what
is in doubt.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise, zip_longest

from extractor.concepts.criteria import headings
from extractor.concepts.criteria.blocks import read_blocks
from extractor.concepts.criteria.doubts import OpenedList, StructureDoubt, doubt_lists
from extractor.concepts.criteria.endings import ListEnding, find_endings
from extractor.concepts.criteria.introductions import opens_siblings, states_too
from extractor.concepts.criteria.layout import Bullet
from extractor.concepts.criteria.lines import LineRole, OutlineEntry, TextLine
from extractor.concepts.criteria.list_headings import ListHeading, read_list_heading
from extractor.concepts.criteria.old_prose import split_clauses
from extractor.concepts.criteria.roles import UNSETTLED_CONFIDENCE, choose_headings
from extractor.language.book import rule
from extractor.language.lexer import NUMBER, Tokens
from extractor.language.passage import LexedSection, Passage
from extractor.schemas import CriterionKind

_ADEQUATE = frozenset({"adequate", "normal", "acceptable", "sufficient", "preserved"})
_RANK = {bullet: rank for rank, bullet in enumerate(Bullet)} | {
    Bullet.STAR: list(Bullet).index(Bullet.DASH)
}
_SHORT_PARAGRAPH = 200
"""The characters of a paragraph below which two in a row are a list."""
_SURE = 0.85
"""From this confidence a heading is not told as doubtful."""
_FEWEST_WORDS = 4
"""The fewest words of a section that should have a criterion."""
_AFTER_ENDING = 0.75
"""How sure the list of what follows is where the list above may have ended. Judged."""
_TWO_ITEMS = 0.8
"""How sure the borders of an item are that could be two. Judged."""


@dataclass(frozen=True, slots=True)
class Outline:
    """The entries of a section in reading order, and what of its structure is in doubt."""

    entries: list[OutlineEntry]
    doubts: list[StructureDoubt] = field(default_factory=list)


def read_outline(section: LexedSection) -> Outline:
    r"""Return the entries of an eligibility section in reading order. Headings are not entries.

    A text of at least four words without an entry, or without a list or a sentence that states a
    condition, gets a doubt about the whole of it.

    >>> raw = (
    ...     "Inclusion Criteria:\n\n* Age 18 or older\n* One of the following:\n\n  * Asthma\n"
    ...     "  * Rhinitis"
    ... )
    >>> [
    ...     (e.passage.raw, e.role.value)
    ...     for e in read_outline(read_section("eligibility", raw)).entries
    ... ][1:3]
    [('One of the following:', 'parent'), ('Asthma', 'criterion')]
    """
    reader = _OutlineReader(read_blocks(section))
    entries, doubts_of_lists = doubt_lists(list(reader.list_entries()), reader.opened)
    doubts = [*reader.doubts, *doubts_of_lists]
    end = len(section.raw.rstrip())
    if not entries:
        word_count = sum(word.isalpha() for word in section.tokens.words)
        if word_count >= _FEWEST_WORDS:
            reason = "no criterion was found in this text"
            doubts.append(StructureDoubt(0, end, reason))
        return Outline(entries, doubts)
    has_headings = bool(reader.list_headings.found)
    if has_headings or any(map(_states_condition, entries)):
        return Outline(entries, doubts)
    reason = "no list, and no sentence that states a condition"
    doubts.append(StructureDoubt(0, end, reason))
    return Outline([_limit_quote(entry) for entry in entries], doubts)


def _limit_quote(entry: OutlineEntry) -> OutlineEntry:
    """Return an entry whose borders are no surer than those of an item that could be two."""
    return replace(entry, quote_at_most=min(entry.quote_at_most, _TWO_ITEMS))


def _states_condition(entry: OutlineEntry) -> bool:
    """Return whether an entry is an item of a list, or a sentence with words of a condition."""
    if entry.listed:
        return True
    tokens = entry.passage.tokens
    if rule("states_a_condition").search(tokens) is not None:
        return True
    return rule("states_criterion").search(tokens) is not None


class _OutlineReader:
    """Reads blocks in order, and tracks the current heading and items.

    ``items`` are the items that contain the next one; ``opener`` is the item with parts at its own
    level, of which ``first_part`` is the first. ``group`` names the people of the lists below it.
    ``decides`` is false under a heading such as "Withdrawal criteria". ``sure`` says how sure
    ``kind`` is. ``ending`` is where the list ended, or may have ended, above.
    """

    def __init__(self, blocks: list[TextLine]) -> None:
        self.blocks = blocks
        self.list_headings = choose_headings(self.blocks)
        self.titles = _find_titles(self.blocks)
        self.endings = find_endings(self.blocks, self.list_headings.found)
        self.ending: ListEnding | None = None
        self.kind: CriterionKind | None = None
        self.sure = 1.0
        self.items: list[TextLine] = []
        self.stating: set[int] = set()
        self.group: TextLine | None = None
        self.doubts: list[StructureDoubt] = []
        self.opened: list[OpenedList] = []
        self._open(None)

    def _open(self, heading: TextLine | None, *, decides: bool = True) -> None:
        """Begin a part of the section under a heading, None for no heading. No item opens parts at
        its own level yet.
        """
        self.heading = heading
        self.decides = decides
        self.opener: TextLine | None = None
        self.first_part: TextLine | None = None

    def list_entries(self) -> Iterator[OutlineEntry]:
        """Yield the entries in reading order, moving the list and the heading under which they
        stand.

        A block is the heading of a list of reasons to leave the trial, else of a list of criteria,
        else the title of another section, else a remark below one of these, an item, a heading
        within the list, or a paragraph.
        """
        for place, block in enumerate(self.blocks):
            following = self.blocks[place + 1] if place + 1 < len(self.blocks) else None
            heading = self._find_heading(block, following)
            if block.start == self.list_headings.unsettled:
                self.sure = UNSETTLED_CONFIDENCE
                reason = "exclusions are named, and no heading opens their list"
                self.doubts.append(StructureDoubt(*block.span, reason))
            if following and headings.is_withdrawal(block.names):
                self._keep_items(block)
                self._open(block, decides=False)
            elif heading:
                self._open_list(block, heading, following)
            elif self._end_list(block):
                continue
            elif not self.decides:
                yield OutlineEntry(block.passage, self.kind, LineRole.REMARK)
            elif block.bullet:
                yield self._read_item(block, following)
            elif self._heads_part(block, following):
                yield from self._read_section_heading(block, following)
            else:
                yield from self._read_paragraph(place)
                if following is None or following.bullet:
                    self.items = []

    def _heads_part(self, block: TextLine, following: TextLine | None) -> bool:
        """Return whether a line without a bullet heads a part of the list, and is not its last
        item: "Severe COPD" directly above "Exclusion criteria:".
        """
        if not _is_section_heading(block, following, self._last_ordinal()):
            return False
        below = self.list_headings.found.get(following.start) if following else None
        text = block.tokens
        is_plain = not headings.ends_with_colon(text) and not headings.names_group(text)
        if not (following and below and is_plain) or self.kind is None:
            return True
        # inclusions behind exclusions begin another part: "Dose Escalation"
        if self.kind is CriterionKind.EXCLUSION and below.kind is not self.kind:
            return True
        return block.gap and not following.gap

    def _last_ordinal(self) -> int | None:
        """Return the number of the innermost item above; None if it has none, or none is open."""
        return self.items[-1].ordinal if self.items else None

    def _end_list(self, block: TextLine) -> bool:
        """End the list at a block where it ends or may end, and note the doubt, once for each run
        of such blocks. Return whether the block is a title, and no entry.
        """
        ending = self.endings.get(block.start)
        if ending is None or not self.decides:
            return False
        if self.ending is None or self.ending.sure is not ending.sure:
            self.doubts.append(StructureDoubt(*block.span, ending.reason))
        self.ending = ending
        if ending.is_title:
            self.items = []
            if ending.sure:
                self._open(None, decides=False)
            else:
                self._open(block)
        return ending.is_title

    def _find_heading(
        self, block: TextLine, following: TextLine | None
    ) -> ListHeading | None:
        """Return the heading of a list that a block is; None if it is none.

        An item that introduces its own sub-items is none, nor is a last item.
        """
        heading = self.list_headings.found.get(block.start)
        if heading is None or not block.bullet:
            return heading
        if following is None:
            return None
        if _contains(block, following):
            # "Must not have any of the following:" among inclusions introduces its sub-items
            is_included = self.kind is CriterionKind.INCLUSION
            if is_included and headings.turns_list(block.names):
                return None
            if headings.chooses(block.names, self.kind):
                return None
        return heading

    def _open_list(
        self, block: TextLine, heading: ListHeading, following: TextLine | None
    ) -> None:
        """Begin the list that a heading opens. A doubtful heading makes the list less sure, and a
        doubt is noted.

        The heading introduces its items if it names the people of the list, or says how many of
        them must hold. Otherwise the group of people above does, if there is one.
        """
        self._keep_items(block)
        text = block.names
        # as in "Exclusion criteria for healthy subjects:"
        is_for_some = rule("list_for_some").search(text) and not headings.is_generic(
            text
        )
        kind = self.kind if block.bullet else heading.kind or self.kind
        introduces_items = is_for_some or headings.chooses(text, kind)
        self._open(block if introduces_items else self.group)
        self.kind = heading.kind
        self.sure = heading.confidence
        self.opened.append(OpenedList(block, heading.kind))
        self.ending = None
        if heading.confidence < _SURE and following:
            self.doubts.append(StructureDoubt(*block.span, heading.doubt))

    def _read_section_heading(
        self, block: TextLine, following: TextLine | None
    ) -> Iterator[OutlineEntry]:
        """Open a part of the list. Yield its heading if that states a condition, too.

        A heading that excludes turns the list into exclusions; one that names a group of people
        above a list keeps that group for the lists below it.
        """
        text = block.names
        self.items = []
        self._open(block)
        self.group = None
        is_above_list = following and following.start in self.list_headings.found
        if is_above_list and headings.names_group(text):
            self.group = block
        if self.kind and _excludes(text):
            self.kind = CriterionKind.EXCLUSION
        if following and states_too(text):
            yield self._make_entry(block.passage, LineRole.CRITERION, titled=False)

    def _keep_items(self, block: TextLine, *, inner: bool = False) -> None:
        """Drop the items above that do not contain a block: all if it has no bullet, else those
        that are not less indented.

        ``inner``: an item at the level of the block is kept, too, if the block's bullet begins a
        list within it.
        """
        if not block.bullet:
            self.items = []
        while self.items and block.column <= self.items[-1].column + 1:
            last = self.items[-1]
            has_sibling = any(
                item.bullet is block.bullet and _is_level(item, block)
                for item in self.items
            )
            if inner and not has_sibling and _starts_inner_list(last, block):
                break
            self.items.pop()

    def _read_item(self, block: TextLine, following: TextLine | None) -> OutlineEntry:
        """Return the entry of an item, and note whether the next items are parts of it.

        Its parent is an item above that it continues, else the item at its own level that opens
        parts (``opener``). The latter is doubtful if other items stand between them.
        """
        text = block.tokens
        self._keep_items(block, inner=True)
        self.items.append(block)
        role = self._choose_role(block, following)
        parent = self._find_parent(block, self.items[:-1])
        also_states = headings.states_and_introduces(text)
        if also_states and _contains(block, following):
            # as a line that only introduces its sub-items ends the list above
            self.opener = None
        doubtful = False
        opener = self.opener
        if opener and role is not LineRole.PARENT:
            first_part = self.first_part or block
            if not _is_part(block, opener, first_part):
                self.opener = None
            is_alone = parent is None and block is not first_part
            doubtful = is_alone and not _shows_parts_by_shape(opener)
            parent = parent or self.opener
        if role is LineRole.PARENT or _announces_next(block, following):
            self.opener = block
            self.first_part = following
        if role is LineRole.CRITERION and also_states:
            self.stating.add(block.start)
        entry = self._make_entry(block.passage, role, parent)
        if block.doubt:
            self.doubts.append(StructureDoubt(*block.span, block.doubt))
            entry = _limit_quote(entry)
        return replace(entry, doubtful=doubtful)

    def _choose_role(self, block: TextLine, following: TextLine | None) -> LineRole:
        """Return whether an item is a criterion, introduces other items, or is a remark."""
        text = block.tokens
        if _contains(block, following):
            if self._is_title(block):
                return LineRole.PARENT
            if following and headings.names_length(text, following.tokens):
                return LineRole.PARENT
            # "Age 18-75 with one of the following:" is a criterion itself
            if headings.carries_condition(text):
                return LineRole.CRITERION
            return LineRole.PARENT
        if headings.is_no_criterion(text) or block.start in self.titles:
            return LineRole.REMARK
        if following is None:
            return LineRole.CRITERION
        if headings.names_group(text):
            return LineRole.PARENT
        if opens_siblings(text, following.tokens, bulleted=bool(following.bullet)):
            return LineRole.PARENT
        return LineRole.CRITERION

    def _is_title(self, block: TextLine) -> bool:
        return block.start in self.titles or headings.is_title(
            block.tokens, in_series=False
        )

    def _make_entry(
        self,
        passage: Passage,
        role: LineRole,
        parent: TextLine | None = None,
        *,
        listed: bool = True,
        titled: bool = True,
    ) -> OutlineEntry:
        """Return an entry of the current list, less sure where the list above may have ended.

        ``titled``: the heading above is that of the entry, too.
        """
        heading = self.heading if titled else None
        kind_at_most = self.sure
        quote_at_most = 1.0
        if self.ending is not None:
            kind_at_most = min(self.sure, _AFTER_ENDING)
            quote_at_most = _AFTER_ENDING
        return OutlineEntry(
            passage,
            self.kind,
            role,
            listed,
            parent=parent.passage if parent else None,
            heading=heading.passage if heading else None,
            parent_states=bool(parent and parent.start in self.stating),
            kind_at_most=kind_at_most,
            quote_at_most=quote_at_most,
        )

    def _read_paragraph(self, place: int) -> Iterator[OutlineEntry]:
        """Yield a paragraph of a list as one entry, and other text clause by clause.

        An item right above introduces the paragraph only if it ends with a colon.
        """
        block = self.blocks[place]
        listed = _is_listed(self.blocks, place)
        above = [item for item in self.items[-1:] if item.tokens.codes.endswith(":")]
        parent = self._find_parent(block, above)
        clauses = list(split_clauses(block))
        is_one_entry = listed and not _is_series(block, clauses)
        passages = [block.passage] if is_one_entry else clauses
        for passage in passages:
            role = LineRole.CRITERION
            if _is_remark(passage.tokens):
                role = LineRole.REMARK
            yield self._make_entry(passage, role, parent, listed=listed)

    def _find_parent(self, block: TextLine, above: list[TextLine]) -> TextLine | None:
        """Return the line that introduces a block; None if none does.

        It is the last item of ``above``, the items that contain the block, or, if there are none, a
        heading that names people, says how many items must hold, has more than four words, or
        without which the block is not understood.
        """
        if above:
            return above[-1] if self._introduces_item(above[-1], block) else None
        if not self.heading:
            return None
        text = self.heading.tokens
        if headings.chooses(text, self.kind):
            return self.heading
        if headings.opens_list(text) and not headings.carries_condition(text):
            return None
        if headings.count_words(text) > 4 or self.heading is self.group:
            return self.heading
        # as in "Donors:"
        if rule("population").search(text):
            return self.heading
        if headings.needs_heading(block.tokens, text):
            return self.heading
        return None

    def _introduces_item(self, above: TextLine, block: TextLine) -> bool:
        """Return whether an item above says something that a block below it needs."""
        text = above.tokens
        if headings.is_generic(text):
            # "All of the following:" adds nothing to inclusions, of which all must hold
            turns = headings.turns_list(text)
            if not turns and not headings.chooses(text, self.kind):
                return False
        if headings.introduces(text) or headings.continues(text, block.tokens):
            return True
        return self._is_title(above) and headings.needs_heading(block.tokens, text)


def _is_remark(text: Tokens) -> bool:
    """Return whether a clause states nothing. "Adequate renal function" names a subject, too, but
    states a condition.
    """
    if headings.is_no_criterion(text):
        return True
    demands_adequate = bool(text.words) and text.words[0].lower() in _ADEQUATE
    return not demands_adequate and headings.is_topic(text)


def _excludes(text: Tokens) -> bool:
    """Return whether a heading within a list turns it into exclusions: "Not eligible if", or
    "Patients are excluded when there is:".
    """
    if headings.turns_list(text):
        return True
    if not headings.ends_with_colon(text):
        return False
    return rule("excluded_are").search(text) is not None


def _is_part(block: TextLine, opener: TextLine, first_part: TextLine) -> bool:
    """Return whether an item at the level of an opener, with the same bullet, is a part of it."""
    if not _is_level(opener, block) or opener.bullet is not block.bullet:
        return False
    return headings.is_part(opener.tokens, first_part.tokens, block.tokens)


def _shows_parts_by_shape(opener: TextLine) -> bool:
    """Return whether an opener asks for levels or short names, which only their shape shows."""
    text = opener.tokens
    if rule("levels").search(text):
        return True
    return rule("kinds").search(text) is not None


def _announces_next(block: TextLine, following: TextLine | None) -> bool:
    """Return whether an item announces those behind it, such as "except for the following:"."""
    text = block.tokens
    if following is None or not headings.ends_with_colon(text):
        return False
    if rule("announced").search(text) is None:
        return False
    return not headings.ends_with_colon(following.tokens)


def _is_level(item: TextLine, other: TextLine) -> bool:
    """Return whether two lines are indented alike, within one column."""
    return abs(item.column - other.column) <= 1


def _starts_inner_list(last: TextLine, block: TextLine) -> bool:
    """Return whether the bullet of a block shows that it is a part of the ``last`` item, at the
    same level.

    It is another bullet that counts from 1 or counts nothing, and it ranks lower (a dash below a
    number), or the last item introduces what follows.
    """
    if not last.bullet or not block.bullet:
        return False
    if last.bullet is block.bullet or not _is_level(last, block):
        return False
    if block.ordinal not in (None, 1):
        return False
    ranks_lower = _RANK[block.bullet] > _RANK[last.bullet]
    if ranks_lower and block.bullet is not Bullet.STAR:
        return True
    return last.tokens.codes.endswith(":") or headings.introduces(last.tokens)


def _contains(item: TextLine, following: TextLine | None) -> bool:
    """Return whether the next line is a sub-item of an item: further indented, or with a bullet of
    an inner list. The heading of a list is none.
    """
    if following is None or not following.bullet:
        return False
    if read_list_heading(following.tokens, bulleted=True):
        return False
    if following.column > item.column + 1:
        return True
    return _starts_inner_list(item, following)


def _find_titles(blocks: list[TextLine]) -> set[int]:
    """Return the starts of items that are titles of others: most items of their level are names
    with sub-items.

    Where several words in capitals ("Renal Disease") have sub-items, such words before text of
    another level are titles as well, however their list is indented.
    """
    named: list[tuple[TextLine, TextLine]] = []
    for block, following in pairwise(blocks):
        if block.bullet and headings.is_title(block.tokens, in_series=False):
            named.append((block, following))
    titles = _find_titles_of_series(blocks)
    count_with_items = sum(_contains(block, following) for block, following in named)
    if count_with_items > 1:
        for block, following in named:
            if not following.bullet or not _is_level(block, following):
                titles.add(block.start)
    return titles


def _find_titles_of_series(blocks: list[TextLine]) -> set[int]:
    """Return the starts of the titles in each run of items of one level.

    ``levels`` has the run of each open level, outermost first: its items, and whether each could be
    a title.
    """
    titles: set[int] = set()
    levels: list[list[tuple[TextLine, bool]]] = []
    for block, following in zip_longest(blocks, blocks[1:]):
        while levels and _ends_level(levels[-1], block):
            titles |= _list_titles(levels.pop())
        if not block.bullet:
            continue
        if not levels or block.column > levels[-1][-1][0].column + 1:
            levels.append([])
        is_title = _contains(block, following) and headings.is_title(
            block.tokens, in_series=True
        )
        levels[-1].append((block, is_title))
    for level in levels:
        titles |= _list_titles(level)
    return titles


def _ends_level(level: list[tuple[TextLine, bool]], block: TextLine) -> bool:
    """Return whether a run of items ends at a block: it has no bullet, or is indented less than the
    last item of the run.
    """
    if not block.bullet:
        return True
    item, _ = level[-1]
    return block.column < item.column - 1


def _list_titles(level: list[tuple[TextLine, bool]]) -> set[int]:
    """Return the starts of the titles in a run of items: an empty set unless there are two or more,
    and more than half of the items are such.
    """
    titles = {block.start for block, is_title in level if is_title}
    if len(titles) < 2 or 2 * len(titles) <= len(level):
        return set()
    return titles


def _is_section_heading(
    block: TextLine, following: TextLine | None, last_ordinal: int | None
) -> bool:
    """Return whether a line without a bullet is the heading of a part of the list.

    A line with a colon and the name of a group are, if a line follows. Other lines must be a short
    name: above the first item of a list, or in title case above a line with a colon.

    ``last_ordinal`` is the number of the item above.
    """
    text = block.tokens
    if headings.ends_with_colon(text) or headings.names_group(text):
        return following is not None
    if following is None or not _is_short_name(text):
        return False
    if following.bullet:
        if following.ordinal in (None, 1):
            return True
        # Within a list that counts on, a heading stands apart and begins with a capital.
        if last_ordinal is None or following.ordinal != last_ordinal + 1:
            return False
        stands_apart = block.gap and following.gap
        return stands_apart and text.words[0][0].isupper()
    has_range = f"{NUMBER}-{NUMBER}" in text.codes
    if has_range or not _is_in_title_case(text):
        return False
    return following.tokens.codes.endswith(":")


def _is_in_title_case(text: Tokens) -> bool:
    """Return whether all words of more than three letters, at least one, begin with a capital:
    "Dose Escalation of the Study Drug".
    """
    words = [word for word in text.words if len(word) > 3 and word.isalpha()]
    return bool(words) and all(word[0].isupper() for word in words)


def _is_short_name(text: Tokens) -> bool:
    """Return whether a line is a few words without a limit, a share or an age."""
    if len(text) > 10 or headings.count_words(text) > 7:
        return False
    if any(code in "<>≤≥=;.%" for code in text.codes):
        return False
    return rule("share_or_age").search(text) is None


def _is_listed(blocks: list[TextLine], place: int) -> bool:
    """Return whether a paragraph without a bullet is in a list without bullets: three paragraphs in
    a row, or two short ones.

    Bullets and headings of lists end the row.
    """
    row = [blocks[place]]
    before = blocks[place - 1 :: -1] if place else []
    behind = blocks[place + 1 :]
    for beside in (before, behind):
        for block in beside:
            if block.bullet or read_list_heading(block.tokens, bulleted=False):
                break
            row.append(block)
            if len(row) > 2:
                return True
    longest = max(block.end - block.start for block in row)
    return len(row) == 2 and longest < _SHORT_PARAGRAPH


def _is_series(block: TextLine, clauses: Sequence[Passage]) -> bool:
    """Return whether a paragraph is several criteria: three or more clauses with semicolons between
    them, and nothing else.

    A colon introduces parts of one criterion, and "or" or "but" joins a clause to the one before
    it.
    """
    if len(clauses) < 3 or ":" in clauses[0].raw:
        return False
    raw = block.section.raw
    for before, behind in pairwise(clauses):
        _, start = before.raw_span
        end, _ = behind.raw_span
        between = raw[start:end]
        if ";" not in between and "；" not in between:
            return False
        # as in "or a history of asthma"
        if rule("joins_clause").starts(behind.tokens, 0):
            return False
    return True
