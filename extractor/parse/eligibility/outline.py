"""The outline of an eligibility section: which blocks are criteria, under which heading and parent."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

from extractor.schemas import CriterionKind
from extractor.text.book import rule
from extractor.text.lexer import NUMBER, Tokens
from extractor.text.passage import Passage, Section, split_sentences

from .headings import (
    carries_condition,
    continues,
    count_words,
    ends_with_colon,
    introduces,
    is_generic,
    is_no_criterion,
    is_part,
    is_topic,
    is_withdrawal,
    names_people,
    needs_heading,
    opens_flat_list,
    opens_list,
    opens_paragraph,
    read_list_heading,
    states_too,
)
from .lines import Block, Bullet, read_blocks

_DEPTH = {"(": 1, "[": 1, "（": 1, ")": -1, "]": -1, "）": -1}
_LISTS = frozenset({"eligibility", "inclusion", "exclusion"})


def read_sense(tokens: Tokens) -> CriterionKind:
    """The list in which a sentence belongs by its words.

    >>> read_sense(read_text("Pregnant women will be excluded")).value
    'exclusion'
    """
    return CriterionKind.EXCLUSION if rule("refusal").search(tokens) else CriterionKind.INCLUSION


Suspect = tuple[Passage, CriterionKind, bool, float]


def find_suspects(passage: Passage) -> Iterator[Suspect]:
    """Sentences of running text that may state who may take part: text, list, whether they do, and how surely.

    >>> text = "Asthma is common. Patients are eligible if they are over 12. The dose is raised weekly."
    >>> [(found.text, stands) for found, _, stands, _ in find_suspects(read_section("brief_summary", text).whole)]
    [('Patients are eligible if they are over 12.', True)]
    """
    under: CriterionKind | None = None
    for sentence in _sentences(passage):
        tokens = sentence.tokens
        if tokens.codes.endswith(":") and 1 < len(tokens) <= 7:
            under = _read_heading(tokens)
        elif under:
            yield sentence, under, True, 0.8
        elif rule("states_criterion").search(tokens):
            course = rule("trial_course").search(tokens)
            yield sentence, read_sense(tokens), not course, 0.5 if course else 0.85
        elif rule("suspects_criterion").search(tokens):
            course = rule("trial_course").search(tokens)
            yield sentence, read_sense(tokens), False, 0.7 if course else 0.55


def _sentences(passage: Passage) -> Iterator[Passage]:
    """The sentences of a passage, without the bullets in front of them."""
    tokens = passage.tokens
    for start, end in split_sentences(tokens.text):
        first, last = tokens.at(start), tokens.before(end)
        codes = tokens.codes[first : first + 2]
        first += 1 if codes[:1] in "-*•" else 2 if codes in (f"{NUMBER}.", f"{NUMBER})") else 0
        if first < last:
            yield passage.part(first, last).alone()


def _read_heading(tokens: Tokens) -> CriterionKind | None:
    """The list that a heading within a summary opens, None if it opens something else ("Design:")."""
    words = [word.lower() for word in tokens.words if word.isalpha()][-2:]
    if not words or (words[-1] not in _LISTS and (words[-1] != "criteria" or words[0] not in _LISTS)):
        return None
    return CriterionKind.EXCLUSION if "exclusion" in words else CriterionKind.INCLUSION


def split_clauses(raw: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Sentences of ``raw[start:end]``, and the clauses that semicolons separate in them outside of brackets.

    >>> raw = "Adult; asthma (mild; stable). Consent."
    >>> [raw[first:last] for first, last in split_clauses(raw, 0, len(raw))]
    ['Adult', 'asthma (mild; stable).', 'Consent.']
    """
    for first, last in split_sentences(raw[start:end]):
        depth, borders = 0, [start + first - 1]
        for at in range(start + first, start + last):
            depth += _DEPTH.get(raw[at], 0)
            if raw[at] in ";；" and depth <= 0:
                borders.append(at)
        for before, behind in pairwise([*borders, start + last]):
            opened = before + 1 + len(raw[before + 1 : behind]) - len(raw[before + 1 : behind].lstrip(" \t\r\n,;"))
            closed = opened + len(raw[opened:behind].rstrip(" \t\r\n;"))
            if closed - opened > 2:
                yield opened, closed


class Role(StrEnum):
    """What an entry is: a criterion, a line that only introduces criteria, or a remark."""

    CRITERION = "criterion"
    PARENT = "parent"
    REMARK = "remark"


@dataclass(frozen=True, slots=True)
class Entry:
    """``raw[start:end]`` in its list; ``passage`` is the same in one line, with no tokens around it.

    ``listed`` is true if the text is a list item, false for a sentence of prose. ``heading`` is the nearest heading
    above, ``parent`` the span of the line that introduces the entry.
    """

    start: int
    end: int
    passage: Passage
    kind: CriterionKind | None
    role: Role
    listed: bool = True
    parent: tuple[int, int] | None = None
    heading: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class _Context:
    """Where in the section the reader is. ``opener`` is the item whose parts stand at its own level.

    ``decides`` is false under a heading such as "Withdrawal criteria".
    """

    kind: CriterionKind | None = None
    heading: Block | None = None
    open_items: tuple[Block, ...] = ()
    decides: bool = True
    opener: Block | None = None


def read_outline(section: Section) -> list[Entry]:
    r"""The entries of an eligibility section in reading order; headings are no entries.

    >>> raw = "Inclusion Criteria:\n\n* Age 18 or older\n* One of the following:\n\n  * Asthma\n  * Rhinitis"
    >>> [(raw[e.start:e.end], e.role.value) for e in read_outline(read_section("eligibility", raw))][1:3]
    [('One of the following:', 'parent'), ('Asthma', 'criterion')]
    """
    blocks = read_blocks(section)
    entries: list[Entry] = []
    context = _Context()
    for place, block in enumerate(blocks):
        text = block.tokens
        following = blocks[place + 1] if place + 1 < len(blocks) else None
        named, kind = read_list_heading(text, bulleted=bool(block.bullet))
        if following and is_withdrawal(text):
            context = _Context(context.kind, block, _still_open(block, context), decides=False)
        elif named and (not block.bullet or following):
            heading = block if names_people(text) else None
            context = _Context(kind if kind or not context.kind else None, heading, _still_open(block, context))
        elif not context.decides:
            entries.append(Entry(*block.span, block.passage, context.kind, Role.REMARK))
        elif block.bullet:
            entry, context = _read_item(block, following, context)
            entries.append(entry)
        elif _is_section_heading(text, following):
            context = _Context(context.kind, block)
            if following and states_too(text):
                entries.append(Entry(*block.span, block.passage, context.kind, Role.CRITERION))
        else:
            entries += _read_paragraph(section, block, context, listed=_is_listed(blocks, place))
            kept = context.open_items if following and not following.bullet else ()
            context = replace(context, open_items=kept)
    return entries


def _read_item(block: Block, following: Block | None, context: _Context) -> tuple[Entry, _Context]:
    """The entry of an item, and where the reader is behind it."""
    text, opener = block.tokens, context.opener
    context = replace(context, open_items=(*_still_open(block, context, inner=True), block))
    role = Role.CRITERION
    if _contains(block, following):
        role = role if carries_condition(text) else Role.PARENT
    elif is_no_criterion(text):
        role = Role.REMARK
    elif following and (opens_flat_list if following.bullet else opens_paragraph)(text, following.tokens):
        role = Role.PARENT
    if role is Role.PARENT:
        opener = block
    elif opener and not (_is_level(opener, block) and opener.bullet is block.bullet and is_part(opener.tokens, text)):
        opener = None  # the parts of an opener go on while they are alike
    parent = _find_parent(block, context) or (opener.span if opener and opener is not block else None)
    heading = context.heading.span if context.heading else None
    entry = Entry(*block.span, block.passage, context.kind, role, parent=parent, heading=heading)
    return entry, replace(context, opener=opener)


_RANKS = [
    [Bullet.NUMBER],
    [Bullet.DECIMAL],
    [Bullet.LETTER],
    [Bullet.ROMAN],
    [Bullet.DASH, Bullet.STAR],
    [Bullet.CIRCLE],
]
_RANK = {bullet: rank for rank, bullets in enumerate(_RANKS) for bullet in bullets}


def _is_level(one: Block, other: Block) -> bool:
    return abs(one.column - other.column) <= 1


def _still_open(block: Block, context: _Context, *, inner: bool = False) -> tuple[Block, ...]:
    """The items that contain ``block``: less indented ones, or such with a bullet of a higher rank."""
    open_items = list(context.open_items) if block.bullet else []
    while open_items and block.column <= open_items[-1].column + 1:
        last = open_items[-1]
        seen = any(item.bullet is block.bullet and _is_level(item, block) for item in open_items)
        if inner and _is_level(last, block) and not seen and _starts_inner_list(last, block):
            break
        open_items.pop()
    return tuple(open_items)


def _starts_inner_list(last: Block, block: Block) -> bool:
    if last.bullet is block.bullet or not last.bullet or not block.bullet or block.ordinal not in (None, 1):
        return False
    if last.tokens.codes.endswith(":") or introduces(last.tokens):
        return True
    return _RANK[block.bullet] > _RANK[last.bullet] and block.bullet is not Bullet.STAR


def _contains(item: Block, following: Block | None) -> bool:
    if not following or not following.bullet or read_list_heading(following.tokens, bulleted=True)[0]:
        return False
    if following.column > item.column + 1:
        return True
    return _is_level(following, item) and _starts_inner_list(item, following)


def _find_parent(block: Block, context: _Context) -> tuple[int, int] | None:
    """The item above if it introduces this one, else a heading that says for whom, or what, the item limits."""
    above = [item for item in context.open_items if item is not block][-1:]
    if above:
        text = above[0].tokens
        opens = introduces(text) or continues(text, block.tokens)
        return above[0].span if opens and not is_generic(text) else None
    if not context.heading:
        return None
    text = context.heading.tokens
    if opens_list(text) and not carries_condition(text):
        return None
    needed = count_words(text) > 4 or rule("population").search(text) or needs_heading(block.tokens, text)
    return context.heading.span if needed else None


def _is_section_heading(text: Tokens, following: Block | None) -> bool:
    if ends_with_colon(text):
        return following is not None
    short = len(text) <= 10 and count_words(text) <= 7 and not any(code in "<>≤≥=;.%" for code in text.codes)
    if not short or not following or rule("share_or_age").search(text):
        return False
    if following.bullet:
        return following.ordinal in (None, 1)
    # In capitals or with a capital, short words apart: "Dose Escalation of the Study Drug".
    words = [word for word in text.words if len(word) > 3 and word.isalpha()]
    titled = bool(words) and all(word[0].isupper() for word in words)
    return titled and f"{NUMBER}-{NUMBER}" not in text.codes and following.tokens.codes.endswith(":")


def _is_listed(blocks: list[Block], place: int) -> bool:
    """Whether an unmarked paragraph stands in a list without bullets: several short paragraphs in a row."""
    row, longest = 1, blocks[place].end - blocks[place].start
    for step in (-1, 1):
        at = place + step
        while 0 <= at < len(blocks) and not blocks[at].bullet and not _opens(blocks[at].tokens):
            row += 1
            if row >= 3:
                return True
            longest = max(longest, blocks[at].end - blocks[at].start)
            at += step
    return row == 2 and longest < 200


def _opens(text: Tokens) -> bool:
    return read_list_heading(text, bulleted=False)[0] or _is_section_heading(text, None)


def _read_paragraph(section: Section, block: Block, context: _Context, *, listed: bool) -> Iterator[Entry]:
    heading = context.heading.span if context.heading else None
    opened = tuple(item for item in context.open_items[-1:] if item.tokens.codes.endswith(":"))
    parent = _find_parent(block, replace(context, open_items=opened))
    spans = [block.span] if listed else split_clauses(section.raw, block.start, block.end)
    for start, end in spans:
        passage = block.passage if listed else section.between(start, end).alone()
        text = passage.tokens
        adequate = text.words and text.words[0].lower() in _ADEQUATE
        says_nothing = is_no_criterion(text) or (is_topic(text) and not adequate)
        role = Role.REMARK if says_nothing else Role.CRITERION
        yield Entry(start, end, passage, context.kind, role, listed, parent, heading)


_ADEQUATE = frozenset({"adequate", "normal", "acceptable", "sufficient", "preserved"})
