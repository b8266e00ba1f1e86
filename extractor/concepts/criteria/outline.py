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
from extractor.concepts.criteria.prose import split_clauses
from extractor.concepts.criteria.roles import choose_headings, unsettled_confidence
from extractor.language.book import rule
from extractor.language.lexer import NUMBER
from extractor.language.passage import LexedSection, Passage
from extractor.schemas import CriterionKind

_ADEQUATE = frozenset({"adequate", "normal", "acceptable", "sufficient", "preserved"})
_RANK = {bullet: rank for rank, bullet in enumerate(Bullet)} | {
    Bullet.STAR: list(Bullet).index(Bullet.DASH)
}
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
    entries = list(reader.list_entries())
    entries, in_doubt = doubt_lists(entries, reader.opened)
    doubts = [*reader.doubts, *in_doubt]
    if (
        not entries
        and sum(word.isalpha() for word in section.tokens.words) >= _FEWEST_WORDS
    ):
        doubts = [
            *doubts,
            StructureDoubt(
                0, len(section.raw.rstrip()), "no criterion was found in this text"
            ),
        ]
    elif (
        entries
        and not reader.list_headings.found
        and not any(map(_states_condition, entries))
    ):
        entries = [
            replace(entry, quote_at_most=min(entry.quote_at_most, _TWO_ITEMS))
            for entry in entries
        ]
        doubts = [
            *doubts,
            StructureDoubt(
                0,
                len(section.raw.rstrip()),
                "no list, and no sentence that states a condition",
            ),
        ]
    return Outline(entries, doubts)


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
        self.heading = heading
        self.decides = decides
        self.opener: TextLine | None = None
        self.first_part: TextLine | None = None

    def list_entries(self) -> Iterator[OutlineEntry]:
        """Yield the entries in reading order, moving the list and the heading under which they
        stand.
        """
        for place, block in enumerate(self.blocks):
            following = self.blocks[place + 1] if place + 1 < len(self.blocks) else None
            heading = self._find_heading(block, following)
            if block.start == self.list_headings.unsettled:
                self.sure = unsettled_confidence()
                self.doubts.append(
                    StructureDoubt(
                        *block.span,
                        "exclusions are named, and no heading opens their list",
                    )
                )
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
            elif _is_section_heading(
                block, following, self.items[-1].ordinal if self.items else None
            ):
                yield from self._read_section_heading(block, following)
            else:
                yield from self._read_paragraph(place)
                self.items = self.items if following and not following.bullet else []

    def _end_list(self, block: TextLine) -> bool:
        """End the list at a block where it ends or may end. Return whether the block is a title,
        and no entry.
        """
        ending = self.endings.get(block.start)
        if ending is None or not self.decides:
            return False
        if self.ending is None or self.ending.sure is not ending.sure:
            self.doubts.append(StructureDoubt(*block.span, ending.reason))
        self.ending = ending
        if ending.is_title:
            self.items = []
            self._open(block if not ending.sure else None, decides=not ending.sure)
        return ending.is_title

    def _find_heading(
        self, block: TextLine, following: TextLine | None
    ) -> ListHeading | None:
        """Return the heading of a list that a block is. A line that introduces its own sub-items
        is none.
        """
        heading = self.list_headings.found.get(block.start)
        if heading is None or (block.bullet and not following):
            return None
        if block.bullet and _contains(block, following):
            turned = self.kind is CriterionKind.INCLUSION and headings.turns_list(
                block.names
            )
            if turned or headings.chooses(block.names, self.kind):
                # "Must not have any of the following:" within a list introduces its sub-items
                return None
        return heading

    def _open_list(
        self, block: TextLine, heading: ListHeading, following: TextLine | None
    ) -> None:
        self._keep_items(block)
        text = block.names
        for_some = rule("list_for_some").search(text) and not headings.is_generic(text)
        chosen = headings.chooses(
            text, self.kind if block.bullet else heading.kind or self.kind
        )
        # Such as "Exclusion criteria for healthy subjects:"
        self._open(block if for_some or chosen else self.group)
        self.kind = heading.kind
        self.sure = heading.confidence
        self.opened.append(OpenedList(block, heading.kind))
        self.ending = None
        if heading.confidence < _SURE and following:
            self.doubts.append(StructureDoubt(*block.span, heading.doubt))

    def _read_section_heading(
        self, block: TextLine, following: TextLine | None
    ) -> Iterator[OutlineEntry]:
        text = block.names
        self.items = []
        self._open(block)
        has_lists = following and self.list_headings.found.get(following.start)
        self.group = block if has_lists and headings.names_group(text) else None
        # as in "Patients are excluded when there is:", and "Not eligible if" above a list
        excludes = headings.turns_list(text) or (
            headings.ends_with_colon(text) and rule("excluded_are").search(text)
        )
        self.kind = CriterionKind.EXCLUSION if self.kind and excludes else self.kind
        if following and states_too(text):
            yield self._make_entry(block.passage, LineRole.CRITERION, titled=False)

    def _keep_items(self, block: TextLine, *, inner: bool = False) -> None:
        """Keep the items that contain a block: those less indented, or with a bullet of a higher
        rank.
        """
        if not block.bullet:
            self.items = []
        while self.items and block.column <= self.items[-1].column + 1:
            last = self.items[-1]
            seen = any(
                item.bullet is block.bullet and _is_level(item, block)
                for item in self.items
            )
            if inner and not seen and _starts_inner_list(last, block):
                break
            self.items.pop()

    def _read_item(self, block: TextLine, following: TextLine | None) -> OutlineEntry:
        text = block.tokens
        self._keep_items(block, inner=True)
        self.items.append(block)
        role = LineRole.CRITERION
        if _contains(block, following):
            if not headings.carries_condition(text) or self._is_title(block):
                role = LineRole.PARENT
        elif headings.is_no_criterion(text) or block.start in self.titles:
            role = LineRole.REMARK
        elif following and (
            headings.names_group(text)
            or opens_siblings(text, following.tokens, bulleted=bool(following.bullet))
        ):
            role = LineRole.PARENT
        parent = self._find_parent(block, self.items[:-1])
        doubtful = False
        if _contains(block, following) and headings.states_and_introduces(text):
            self.opener = (
                None  # as a line that only introduces its sub-items ends the list above
            )
        # its parts continue while they fit
        if role is not LineRole.PARENT and (opener := self.opener):
            first = self.first_part or block
            alike = _is_level(opener, block) and opener.bullet is block.bullet
            self.opener = (
                opener
                if alike and headings.is_part(opener.tokens, first.tokens, text)
                else None
            )
            # Only their shape shows levels and short names.
            shaped = any(
                rule(name).search(opener.tokens) for name in ("levels", "kinds")
            )
            doubtful = not parent and block is not first and not shaped
            parent = parent or self.opener
        # Such as "except for the following:"
        announced = headings.ends_with_colon(text) and rule("announced").search(text)
        goes_on = (
            announced and following and not headings.ends_with_colon(following.tokens)
        )
        if role is LineRole.PARENT or goes_on:
            self.opener = block
            self.first_part = following
        if role is LineRole.CRITERION and headings.states_and_introduces(text):
            self.stating.add(block.start)
        entry = self._make_entry(block.passage, role, parent)
        if block.doubt:
            self.doubts.append(StructureDoubt(*block.span, block.doubt))
            entry = replace(entry, quote_at_most=min(entry.quote_at_most, _TWO_ITEMS))
        return replace(entry, doubtful=doubtful)

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
        """``titled``: the heading above is that of the entry, too."""
        heading = self.heading if titled else None
        doubtful = self.ending is not None
        return OutlineEntry(
            passage,
            self.kind,
            role,
            listed,
            parent=parent.passage if parent else None,
            heading=heading.passage if heading else None,
            parent_states=bool(parent and parent.start in self.stating),
            kind_at_most=min(self.sure, _AFTER_ENDING) if doubtful else self.sure,
            quote_at_most=_AFTER_ENDING if doubtful else 1.0,
        )

    def _read_paragraph(self, place: int) -> Iterator[OutlineEntry]:
        block = self.blocks[place]
        listed = _is_listed(self.blocks, place)
        parent = self._find_parent(
            block, [item for item in self.items[-1:] if item.tokens.codes.endswith(":")]
        )
        clauses = list(split_clauses(block))
        for passage in (
            [block.passage] if listed and not _is_series(block, clauses) else clauses
        ):
            text = passage.tokens
            adequate = text.words and text.words[0].lower() in _ADEQUATE
            remark = headings.is_no_criterion(text) or (
                headings.is_topic(text) and not adequate
            )
            role = LineRole.REMARK if remark else LineRole.CRITERION
            yield self._make_entry(passage, role, parent, listed=listed)

    def _find_parent(self, block: TextLine, above: list[TextLine]) -> TextLine | None:
        """The item above if it introduces this one, else a heading that names the people or
        quantity of the item.
        """
        if above:
            text = above[-1].tokens
            opens = headings.introduces(text) or headings.continues(text, block.tokens)
            opens = opens or (
                self._is_title(above[-1]) and headings.needs_heading(block.tokens, text)
            )
            idle = headings.is_generic(text) and not (
                headings.turns_list(text) or headings.chooses(text, self.kind)
            )
            return above[-1] if opens and not idle else None
        if not self.heading:
            return None
        text = self.heading.tokens
        if headings.chooses(text, self.kind):
            return self.heading
        if headings.opens_list(text) and not headings.carries_condition(text):
            return None
        needed = (
            headings.count_words(text) > 4
            or rule("population").search(text)
            or self.heading is self.group
        )
        return (
            self.heading
            if needed or headings.needs_heading(block.tokens, text)
            else None
        )


def _is_level(one: TextLine, other: TextLine) -> bool:
    return abs(one.column - other.column) <= 1


def _starts_inner_list(last: TextLine, block: TextLine) -> bool:
    """Return whether the bullet of a block shows that it is a part of the item at its level."""
    if (
        not _is_level(last, block)
        or last.bullet is block.bullet
        or block.ordinal not in (None, 1)
    ):
        return False
    if not last.bullet or not block.bullet:
        return False
    ranked = (
        _RANK[block.bullet] > _RANK[last.bullet] and block.bullet is not Bullet.STAR
    )
    return ranked or last.tokens.codes.endswith(":") or headings.introduces(last.tokens)


def _contains(item: TextLine, following: TextLine | None) -> bool:
    if (
        not following
        or not following.bullet
        or read_list_heading(following.tokens, bulleted=True)
    ):
        return False
    return following.column > item.column + 1 or _starts_inner_list(item, following)


def _find_titles(blocks: list[TextLine]) -> set[int]:
    """Return the starts of items that are titles of others: most items of their level are names
    with sub-items.

    Where several words in capitals ("Renal Disease") have sub-items, such words before text of
    another level are titles as well, however their list is indented.
    """
    pairs = [
        (block, following) for block, following in pairwise(blocks) if block.bullet
    ]
    named = [
        (block, following)
        for block, following in pairs
        if headings.is_title(block.tokens, in_series=False)
    ]
    titles: set[int] = set()
    if sum(_contains(*pair) for pair in named) > 1:
        titles |= {
            block.start
            for block, following in named
            if not following.bullet or not _is_level(block, following)
        }
    levels: list[list[tuple[TextLine, bool]]] = []
    for block, following in zip_longest(blocks, blocks[1:]):
        while levels and (
            not block.bullet or block.column < levels[-1][-1][0].column - 1
        ):
            titles |= _list_titles(levels.pop())
        if block.bullet:
            if not levels or block.column > levels[-1][-1][0].column + 1:
                levels.append([])
            levels[-1].append(
                (
                    block,
                    _contains(block, following)
                    and headings.is_title(block.tokens, in_series=True),
                )
            )
    return titles.union(*map(_list_titles, levels))


def _list_titles(level: list[tuple[TextLine, bool]]) -> set[int]:
    named = {block.start for block, is_title in level if is_title}
    return named if len(named) > 1 and 2 * len(named) > len(level) else set()


def _is_section_heading(
    block: TextLine, following: TextLine | None, last: int | None
) -> bool:
    """Whether an unmarked line is the heading of a part of the list. ``last`` is the number of
    the item above.
    """
    text = block.tokens
    if headings.ends_with_colon(text) or headings.names_group(text):
        return following is not None
    short = (
        len(text) <= 10
        and headings.count_words(text) <= 7
        and not any(code in "<>≤≥=;.%" for code in text.codes)
    )
    if not short or not following or rule("share_or_age").search(text):
        return False
    if following.bullet:
        goes_on = (
            last is not None
            and following.ordinal == last + 1
            and block.gap
            and following.gap
        )
        return following.ordinal in (None, 1) or (
            goes_on and text.words[0][0].isupper()
        )
    # Longer words begin with a capital: "Dose Escalation of the Study Drug".
    words = [word for word in text.words if len(word) > 3 and word.isalpha()]
    titled = bool(words) and all(word[0].isupper() for word in words)
    if not titled:
        return False
    if f"{NUMBER}-{NUMBER}" in text.codes:
        return False
    return following.tokens.codes.endswith(":")


def _is_listed(blocks: list[TextLine], place: int) -> bool:
    """Return whether an unmarked paragraph is in a list without bullets: several short
    paragraphs in a row.
    """
    row = [blocks[place]]
    for beside in (blocks[place - 1 :: -1] if place else [], blocks[place + 1 :]):
        for block in beside:
            if block.bullet or read_list_heading(block.tokens, bulleted=False):
                break
            row.append(block)
            if len(row) > 2:
                return True
    return len(row) == 2 and max(block.end - block.start for block in row) < 200


def _is_series(block: TextLine, clauses: Sequence[Passage]) -> bool:
    """Whether a paragraph is several criteria: three or more clauses with semicolons between them,
    and nothing else.

    A colon introduces parts of one criterion, and "or" or "but" joins a clause to the one before
    it.
    """
    raw = block.section.raw
    marked = all(
        {";", "；"} & {*raw[one.raw_span[1] : other.raw_span[0]]}
        for one, other in pairwise(clauses)
    )
    joined = any(
        rule("joins_clause").starts(clause.tokens, 0) for clause in clauses[1:]
    )
    return len(clauses) > 2 and marked and not joined and ":" not in clauses[0].raw
