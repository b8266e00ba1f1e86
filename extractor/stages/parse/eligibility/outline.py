"""The outline of an eligibility section: its criteria, with their headings and parents."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise, zip_longest

from extractor.schemas import CriterionKind
from extractor.stages.parse.scoring import measured
from extractor.text.book import rule
from extractor.text.lexer import NUMBER
from extractor.text.passage import LexedSection, Passage, split_sentences, strip_span

from . import headings
from .lines import Bullet, Line, read_blocks

_ADEQUATE = frozenset({"adequate", "normal", "acceptable", "sufficient", "preserved"})
_RANK = {bullet: rank for rank, bullet in enumerate(Bullet)} | {Bullet.STAR: list(Bullet).index(Bullet.DASH)}
_DEPTH = {"(": 1, "[": 1, "（": 1, ")": -1, "]": -1, "）": -1}
_LISTS = frozenset({"eligibility", "inclusion", "exclusion"})
_ENTITY = re.compile(r"&(?:[gl][te]|amp|nbsp|plusmn|micro|deg|times|#\d{2,6}|#x[0-9a-fA-F]{2,5});")
"""The semicolon of an entity ends no clause: "a body weight of &ge;50 kg"."""


class Role(StrEnum):
    """The role of an entry: a criterion, a line that introduces criteria, a remark, or a doubtful sentence."""

    CRITERION = "criterion"
    PARENT = "parent"
    REMARK = "remark"
    SUSPECT = "suspect"


@dataclass(frozen=True, slots=True)
class OutlineEntry:
    """A line of the list of ``kind``, if known, or a sentence of running text. ``passage`` stands alone.

    ``listed`` is true for list items, false for prose. ``heading`` is the nearest heading above, ``parent`` the line
    that introduces the entry; it is ``doubtful`` if other items stand between them. ``confidence`` is that of the role
    of a sentence of running text.
    """

    passage: Passage
    kind: CriterionKind | None
    role: Role = Role.CRITERION
    listed: bool = True
    parent: Passage | None = None
    heading: Passage | None = None
    confidence: float | None = None
    doubtful: bool = False

    @property
    def sense(self) -> CriterionKind:
        """The list of the entry. Without a list, its words decide."""
        refused = rule("refusal").search(self.passage.tokens) if not self.kind else None
        return self.kind or (CriterionKind.EXCLUSION if refused else CriterionKind.INCLUSION)


def read_outline(section: LexedSection) -> list[OutlineEntry]:
    r"""Return the entries of an eligibility section in reading order. Headings are not entries.

    >>> raw = "Inclusion Criteria:\n\n* Age 18 or older\n* One of the following:\n\n  * Asthma\n  * Rhinitis"
    >>> [(e.passage.raw, e.role.value) for e in read_outline(read_section("eligibility", raw))][1:3]
    [('One of the following:', 'parent'), ('Asthma', 'criterion')]
    """
    return list(_OutlineReader(section).list_entries())


class _OutlineReader:
    """Reads blocks in order, and tracks the current heading and items.

    ``items`` are the items that contain the next one; ``opener`` is the item with parts at its own level,
    of which ``first_part`` is the first. ``group`` names the people of the lists below it.
    ``decides`` is false under a heading such as "Withdrawal criteria".
    """

    def __init__(self, section: LexedSection) -> None:
        self.blocks = read_blocks(section)
        self.titles = _find_titles(self.blocks)
        self.kind: CriterionKind | None = None
        self.items: list[Line] = []
        self.group: Line | None = None
        self._open(None)

    def _open(self, heading: Line | None, *, decides: bool = True) -> None:
        self.heading, self.decides = heading, decides
        self.opener: Line | None = None
        self.first_part: Line | None = None

    def list_entries(self) -> Iterator[OutlineEntry]:
        """Yield the entries in reading order, moving the list and the heading under which they stand."""
        for place, block in enumerate(self.blocks):
            text = block.tokens
            following = self.blocks[place + 1] if place + 1 < len(self.blocks) else None
            named, kind = headings.read_list_heading(text, bulleted=bool(block.bullet))
            chosen = headings.chooses(text, self.kind if block.bullet else kind or self.kind)
            turned = chosen or (self.kind is CriterionKind.INCLUSION and headings.turns_list(text))
            if turned and block.bullet and _contains(block, following):
                named = False  # "Must not have any of the following:" within a list introduces its sub-items
            if following and headings.is_withdrawal(text):
                self._keep_items(block)
                self._open(block, decides=False)
            elif named and (not block.bullet or following):
                self._keep_items(block)
                for_some = rule("list_for_some").search(text) and not headings.is_generic(text)
                self._open(block if for_some or chosen else self.group)  # "Exclusion criteria for healthy subjects:"
                self.kind = kind
            elif not self.decides:
                yield OutlineEntry(block.passage, self.kind, Role.REMARK)
            elif block.bullet:
                yield self._read_item(block, following)
            elif _is_section_heading(block, following, self.items[-1].ordinal if self.items else None):
                self.items = []
                self._open(block)
                has_lists = following and headings.read_list_heading(following.tokens, bulleted=False)[0]
                self.group = block if has_lists and headings.names_group(text) else None
                # as in "Patients are excluded when there is:", and "Not eligible if" above a list
                excludes = headings.turns_list(text) or (
                    headings.ends_with_colon(text) and rule("excluded_are").search(text)
                )
                self.kind = CriterionKind.EXCLUSION if self.kind and excludes else self.kind
                if following and headings.states_too(text):
                    yield OutlineEntry(block.passage, self.kind, Role.CRITERION)
            else:
                yield from self._read_paragraph(place)
                self.items = self.items if following and not following.bullet else []

    def _keep_items(self, block: Line, *, inner: bool = False) -> None:
        """Keep the items that contain a block: those less indented, or with a bullet of a higher rank."""
        if not block.bullet:
            self.items = []
        while self.items and block.column <= self.items[-1].column + 1:
            last = self.items[-1]
            seen = any(item.bullet is block.bullet and _is_level(item, block) for item in self.items)
            if inner and not seen and _starts_inner_list(last, block):
                break
            self.items.pop()

    def _read_item(self, block: Line, following: Line | None) -> OutlineEntry:
        text = block.tokens
        self._keep_items(block, inner=True)
        self.items.append(block)
        role = Role.CRITERION
        if _contains(block, following):
            role = role if headings.carries_condition(text) and not self._is_title(block) else Role.PARENT
        elif headings.is_no_criterion(text) or block.start in self.titles:
            role = Role.REMARK
        elif following and (
            headings.names_group(text)
            or headings.opens_siblings(text, following.tokens, bulleted=bool(following.bullet))
        ):
            role = Role.PARENT
        parent, doubtful = self._find_parent(block, self.items[:-1]), False
        if role is not Role.PARENT and (opener := self.opener):  # its parts continue while they fit
            first = self.first_part or block
            alike = _is_level(opener, block) and opener.bullet is block.bullet
            self.opener = opener if alike and headings.is_part(opener.tokens, first.tokens, text) else None
            # Only their shape shows levels and short names.
            shaped = any(rule(name).search(opener.tokens) for name in ("levels", "kinds"))
            doubtful = not parent and block is not first and not shaped
            parent = parent or self.opener
        announced = headings.ends_with_colon(text) and rule("announced").search(text)  # "except for the following:"
        goes_on = announced and following and not headings.ends_with_colon(following.tokens)
        if role is Role.PARENT or goes_on:
            self.opener, self.first_part = block, following
        return replace(self._make_entry(block.passage, role, parent), doubtful=doubtful)

    def _is_title(self, block: Line) -> bool:
        return block.start in self.titles or headings.is_title(block.tokens, in_series=False)

    def _make_entry(
        self, passage: Passage, role: Role, parent: Line | None = None, *, listed: bool = True
    ) -> OutlineEntry:
        above, heading = (line.passage if line else None for line in (parent, self.heading))
        return OutlineEntry(passage, self.kind, role, listed, above, heading)

    def _read_paragraph(self, place: int) -> Iterator[OutlineEntry]:
        block, listed = self.blocks[place], _is_listed(self.blocks, place)
        parent = self._find_parent(block, [item for item in self.items[-1:] if item.tokens.codes.endswith(":")])
        clauses = list(_split_clauses(block))
        for passage in [block.passage] if listed and not _is_series(block, clauses) else clauses:
            text = passage.tokens
            adequate = text.words and text.words[0].lower() in _ADEQUATE
            remark = headings.is_no_criterion(text) or (headings.is_topic(text) and not adequate)
            role = Role.REMARK if remark else Role.CRITERION
            yield self._make_entry(passage, role, parent, listed=listed)

    def _find_parent(self, block: Line, above: list[Line]) -> Line | None:
        """The item above if it introduces this one, else a heading that names the people or quantity of the item."""
        if above:
            text = above[-1].tokens
            opens = headings.introduces(text) or headings.continues(text, block.tokens)
            opens = opens or (self._is_title(above[-1]) and headings.needs_heading(block.tokens, text))
            idle = headings.is_generic(text) and not (headings.turns_list(text) or headings.chooses(text, self.kind))
            return above[-1] if opens and not idle else None
        if not self.heading:
            return None
        text = self.heading.tokens
        if headings.chooses(text, self.kind):
            return self.heading
        if headings.opens_list(text) and not headings.carries_condition(text):
            return None
        needed = headings.count_words(text) > 4 or rule("population").search(text) or self.heading is self.group
        return self.heading if needed or headings.needs_heading(block.tokens, text) else None


def _is_level(one: Line, other: Line) -> bool:
    return abs(one.column - other.column) <= 1


def _starts_inner_list(last: Line, block: Line) -> bool:
    """Return whether the bullet of a block shows that it is a part of the item at its level."""
    if not _is_level(last, block) or last.bullet is block.bullet or block.ordinal not in (None, 1):
        return False
    if not last.bullet or not block.bullet:
        return False
    ranked = _RANK[block.bullet] > _RANK[last.bullet] and block.bullet is not Bullet.STAR
    return ranked or last.tokens.codes.endswith(":") or headings.introduces(last.tokens)


def _contains(item: Line, following: Line | None) -> bool:
    if not following or not following.bullet or headings.read_list_heading(following.tokens, bulleted=True)[0]:
        return False
    return following.column > item.column + 1 or _starts_inner_list(item, following)


def _find_titles(blocks: list[Line]) -> set[int]:
    """Return the starts of items that are titles of others: most items of their level are names with sub-items.

    Where several words in capitals ("Renal Disease") have sub-items, such words before text of another level are
    titles as well, however their list is indented.
    """
    pairs = [(block, following) for block, following in pairwise(blocks) if block.bullet]
    named = [(block, following) for block, following in pairs if headings.is_title(block.tokens, in_series=False)]
    titles: set[int] = set()
    if sum(_contains(*pair) for pair in named) > 1:
        titles |= {block.start for block, following in named if not following.bullet or not _is_level(block, following)}
    levels: list[list[tuple[Line, bool]]] = []
    for block, following in zip_longest(blocks, blocks[1:]):
        while levels and (not block.bullet or block.column < levels[-1][-1][0].column - 1):
            titles |= _list_titles(levels.pop())
        if block.bullet:
            if not levels or block.column > levels[-1][-1][0].column + 1:
                levels.append([])
            levels[-1].append((block, _contains(block, following) and headings.is_title(block.tokens, in_series=True)))
    return titles.union(*map(_list_titles, levels))


def _list_titles(level: list[tuple[Line, bool]]) -> set[int]:
    named = {block.start for block, is_title in level if is_title}
    return named if len(named) > 1 and 2 * len(named) > len(level) else set()


def _is_section_heading(block: Line, following: Line | None, last: int | None) -> bool:
    """Whether an unmarked line is the heading of a part of the list. ``last`` is the number of the item above."""
    text = block.tokens
    if headings.ends_with_colon(text) or headings.names_group(text):
        return following is not None
    short = len(text) <= 10 and headings.count_words(text) <= 7 and not any(code in "<>≤≥=;.%" for code in text.codes)
    if not short or not following or rule("share_or_age").search(text):
        return False
    if following.bullet:
        goes_on = last is not None and following.ordinal == last + 1 and block.gap and following.gap
        return following.ordinal in (None, 1) or (goes_on and text.words[0][0].isupper())
    # Longer words begin with a capital: "Dose Escalation of the Study Drug".
    words = [word for word in text.words if len(word) > 3 and word.isalpha()]
    titled = bool(words) and all(word[0].isupper() for word in words)
    return titled and f"{NUMBER}-{NUMBER}" not in text.codes and following.tokens.codes.endswith(":")


def _is_listed(blocks: list[Line], place: int) -> bool:
    """Return whether an unmarked paragraph is in a list without bullets: several short paragraphs in a row."""
    row = [blocks[place]]
    for beside in (blocks[place - 1 :: -1] if place else [], blocks[place + 1 :]):
        for block in beside:
            if block.bullet or headings.read_list_heading(block.tokens, bulleted=False)[0]:
                break
            row.append(block)
            if len(row) > 2:
                return True
    return len(row) == 2 and max(block.end - block.start for block in row) < 200


def _split_clauses(block: Line) -> Iterator[Passage]:
    """Yield the sentences of a block, split at semicolons outside brackets."""
    raw = block.section.raw
    inside = {found.end() - 1 for found in _ENTITY.finditer(raw, block.start, block.end)}
    for first, last in split_sentences(raw[block.start : block.end]):
        depth, borders = 0, [block.start + first - 1]
        for at in range(block.start + first, block.start + last):
            depth += _DEPTH.get(raw[at], 0)
            if raw[at] in ";；" and depth <= 0 and at not in inside:
                borders.append(at)
        for before, behind in pairwise([*borders, block.start + last]):
            start, _ = strip_span(raw, before + 1, behind, " \t\r\n,;")
            _, end = strip_span(raw, start, behind, " \t\r\n;")
            if end - start > 2:
                yield block.section.between(start, end).alone()


def _is_series(block: Line, clauses: Sequence[Passage]) -> bool:
    """Whether a paragraph is several criteria: three or more clauses with semicolons between them, and nothing else.

    A colon introduces parts of one criterion, and "or" or "but" joins a clause to the one before it.
    """
    raw = block.section.raw
    marked = all({";", "；"} & {*raw[one.raw_span[1] : other.raw_span[0]]} for one, other in pairwise(clauses))
    joined = any(rule("joins_clause").starts(clause.tokens, 0) for clause in clauses[1:])
    return len(clauses) > 2 and marked and not joined and ":" not in clauses[0].raw


def find_suspects(passages: Iterable[Passage]) -> Iterable[OutlineEntry]:
    """Return sentences of running text that may be criteria, each once.

    >>> text = "Asthma is common. Patients are eligible if they are over 12. The dose is raised weekly."
    >>> [(entry.passage.text, entry.role.value) for entry in find_suspects([read_passage(text, "brief_summary")])]
    [('Patients are eligible if they are over 12.', 'criterion')]
    """
    found: dict[str, OutlineEntry] = {}
    for entry in (entry for passage in passages for entry in _read_prose(passage)):
        found.setdefault(" ".join(entry.passage.text.lower().split()), entry)
    return found.values()


def _read_prose(passage: Passage) -> Iterator[OutlineEntry]:
    under: CriterionKind | None = None
    for sentence in _split_items(passage):
        tokens = sentence.tokens
        course = rule("trial_course").search(tokens)
        role, case = Role.SUSPECT, "suspect sentence of the trial's course" if course else "suspect sentence"
        if tokens.codes.endswith(":") and 1 < len(tokens) <= 7:  # opens a list, or something else: "Design:"
            words = [word.lower() for word in tokens.words if word.isalpha()][-2:]
            named = words and (words[-1] in _LISTS or (words[-1] == "criteria" and words[0] in _LISTS))
            kind = CriterionKind.EXCLUSION if "exclusion" in words else CriterionKind.INCLUSION
            under = kind if named else None
            continue
        if under:
            role, case = Role.CRITERION, "sentence under a heading"
        elif rule("states_criterion").search(tokens):
            stating = ((Role.CRITERION, "stating sentence"), (Role.SUSPECT, "stating sentence of the trial's course"))
            role, case = stating[bool(course)]
        elif not rule("suspects_criterion").search(tokens):
            continue
        yield OutlineEntry(sentence, under, role, listed=False, confidence=measured("criterion", case))


def _split_items(passage: Passage) -> Iterator[Passage]:
    """Yield the sentences of a passage, without their bullets."""
    tokens = passage.tokens
    for start, end in split_sentences(tokens.text):
        first, last = tokens.at(start), tokens.before(end)
        codes = tokens.codes[first : first + 2]
        first += 1 if codes[:1] in "-*•" else 2 if codes in (f"{NUMBER}.", f"{NUMBER})") else 0
        if first < last:
            yield passage.part(first, last).alone()
