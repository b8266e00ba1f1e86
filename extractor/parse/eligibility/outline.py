"""The outline of an eligibility section: which blocks are criteria, under which heading and lead-in."""

import re
from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum

from extractor.parse.values import value
from extractor.schemas import CriterionKind

from .blocks import Block, read_blocks
from .headings import is_generic, is_population, is_topic, is_withdrawal, opens_list, read_list_heading
from .lead_ins import carries_condition, introduces, is_no_criterion, needs_heading
from .lines import Bullet
from .openers import is_part, opens_flat_list, opens_paragraph, states_too
from .prose import split_clauses

__all__ = ["Entry", "Role", "read_outline"]


class Role(StrEnum):
    """What an entry is: a criterion, a line that only introduces criteria, or a remark."""

    CRITERION = "criterion"
    LEAD_IN = "lead_in"
    REMARK = "remark"


@value(frozen=True, slots=True)
class Entry:
    """``raw[start:end]`` in its list. ``listed`` is true if the text is a list item, false for a sentence of prose.

    ``heading`` is the nearest heading above, ``lead_in`` the span of the line that introduces the entry.
    """

    start: int
    end: int
    kind: CriterionKind | None
    role: Role
    listed: bool
    lead_in: tuple[int, int] | None = None
    heading: tuple[int, int] | None = None


@value(frozen=True, slots=True)
class _Context:
    """Where in the section the reader is."""

    kind: CriterionKind | None = None
    heading: Block | None = None
    open_items: tuple[Block, ...] = ()
    decides: bool = True  # false under "Withdrawal criteria"
    opener: Block | None = None  # the item whose parts stand at its own level


def read_outline(raw: str) -> list[Entry]:
    r"""The entries of an eligibility section in reading order; headings are no entries.

    >>> raw = "Inclusion Criteria:\n\n* Age 18 or older\n* One of the following:\n\n  * Asthma\n  * Rhinitis"
    >>> [(raw[e.start:e.end], e.role.value) for e in read_outline(raw)][1:3]
    [('One of the following:', 'lead_in'), ('Asthma', 'criterion')]
    """
    blocks = read_blocks(raw)
    entries: list[Entry] = []
    context = _Context()
    for place, block in enumerate(blocks):
        text = block.words(raw)
        following = blocks[place + 1] if place + 1 < len(blocks) else None
        named, kind = read_list_heading(text, bulleted=bool(block.bullet))
        if following and is_withdrawal(text):
            context = _Context(context.kind, block, _still_open(block, context), decides=False)
        elif named and (not block.bullet or following):
            context = _Context(kind if kind or not context.kind else None, None, _still_open(block, context))
        elif not context.decides:
            entries.append(Entry(block.start, block.end, context.kind, Role.REMARK, listed=True))
        elif block.bullet:
            entry, context = _read_item(raw, block, following, context)
            entries.append(entry)
        elif _is_section_heading(text, following, raw):
            context = _Context(context.kind, block, ())
            if following and states_too(text):
                entries.append(Entry(block.start, block.end, context.kind, Role.CRITERION, listed=True))
        else:
            entries += _paragraph(raw, block, context, listed=_is_listed(raw, blocks, place))
            kept = context.open_items if following and not following.bullet else ()
            context = replace(context, open_items=kept)
    return entries


def _read_item(raw: str, block: Block, following: Block | None, context: _Context) -> tuple[Entry, _Context]:
    """The entry of an item, and where the reader is behind it."""
    open_items = (*_still_open(block, context, raw), block)
    context = _Context(context.kind, context.heading, open_items, opener=context.opener)
    entry = _item(raw, block, following, context)
    if context.opener or entry.role is Role.LEAD_IN:
        context = replace(context, opener=_follow_opener(raw, block, entry, context))
    if context.opener and context.opener is not block and entry.lead_in is None:
        entry = replace(entry, lead_in=(context.opener.start, context.opener.end))
    return entry, context


_RANKS = (
    (Bullet.NUMBER,),
    (Bullet.DECIMAL,),
    (Bullet.LETTER,),
    (Bullet.ROMAN,),
    (Bullet.DASH, Bullet.STAR),
    (Bullet.CIRCLE,),
)
_RANK = {bullet: rank for rank, bullets in enumerate(_RANKS) for bullet in bullets}


def _still_open(block: Block, context: _Context, raw: str = "") -> tuple[Block, ...]:
    """The items that contain ``block``: less indented ones, or such with a bullet of a higher rank."""
    if not block.bullet:
        return ()
    open_items = list(context.open_items)
    while open_items:
        last = open_items[-1]
        if block.column > last.column + 1:
            break
        level = abs(block.column - last.column) <= 1
        seen = any(item.bullet is block.bullet and abs(item.column - block.column) <= 1 for item in open_items)
        if level and not seen and _starts_inner_list(raw, last, block):
            break
        open_items.pop()
    return tuple(open_items)


def _starts_inner_list(raw: str, last: Block, block: Block) -> bool:
    if last.bullet is block.bullet or not last.bullet or not block.bullet:
        return False
    introduced = last.words(raw).endswith((":", "：")) or introduces(last.words(raw))
    counts = block.ordinal in (None, 1)
    return counts and (introduced or (_RANK[block.bullet] > _RANK[last.bullet] and block.bullet is not Bullet.STAR))


def _contains(item: Block, following: Block | None, raw: str) -> bool:
    if not following or not following.bullet or read_list_heading(following.words(raw), bulleted=True)[0]:
        return False
    return following.column > item.column + 1 or (
        abs(following.column - item.column) <= 1 and _starts_inner_list(raw, item, following)
    )


def _item(raw: str, block: Block, following: Block | None, context: _Context) -> Entry:
    text = block.words(raw)
    role = Role.CRITERION
    if _contains(block, following, raw):
        if not carries_condition(text):
            role = Role.LEAD_IN
    elif is_no_criterion(text):
        role = Role.REMARK
    elif following and (opens_flat_list if following.bullet else opens_paragraph)(text, following.words(raw)):
        role = Role.LEAD_IN
    heading = context.heading
    return Entry(
        block.start,
        block.end,
        context.kind,
        role,
        listed=True,
        lead_in=_lead_in(raw, block, context),
        heading=(heading.start, heading.end) if heading else None,
    )


def _follow_opener(raw: str, block: Block, entry: Entry, context: _Context) -> Block | None:
    """The item that introduces ``block`` from its own level, if one does: its parts go on while they are alike."""
    if entry.role is Role.LEAD_IN:
        return block
    opener = context.opener
    if not opener or opener.bullet is not block.bullet or abs(opener.column - block.column) > 1:
        return None
    return opener if is_part(opener.words(raw), block.words(raw)) else None


def _lead_in(raw: str, block: Block, context: _Context) -> tuple[int, int] | None:
    """The parent item if it introduces this one, else a heading that says for whom, or what, the item limits."""
    parents = context.open_items[:-1] if context.open_items and context.open_items[-1] is block else context.open_items
    if parents:
        parent = parents[-1]
        text = parent.words(raw)
        return (parent.start, parent.end) if introduces(text) and not is_generic(text) else None
    heading = context.heading
    if not heading:
        return None
    text = heading.words(raw)
    if opens_list(text) and not carries_condition(text):
        return None
    topic = len(text.split()) <= 4
    if not topic or is_population(text) or needs_heading(block.words(raw), text):
        return heading.start, heading.end
    return None


def _is_section_heading(text: str, following: Block | None, raw: str = "") -> bool:
    if text.rstrip(" *_").endswith((":", "：")):
        return following is not None
    short = len(text) <= 60 and len(text.split()) <= 7 and not re.search(r"[<>≤≥=;.]|\d\s?(?:%|y)", text)
    if not short or not following:
        return False
    if following.bullet:
        return following.ordinal in (None, 1)
    return _is_title(text) and not re.search(r"\d-\d", text) and following.words(raw).endswith((":", "："))


def _is_title(text: str) -> bool:
    """Words in capitals or with a capital, short ones apart ("Dose Escalation of the Study Drug")."""
    words = [word for word in re.findall(r"[A-Za-z]+", text) if len(word) > 3]
    return bool(words) and all(word[0].isupper() for word in words)


def _is_listed(raw: str, blocks: list[Block], place: int) -> bool:
    """Whether an unmarked paragraph stands in a list without bullets: several short paragraphs in a row."""
    row = 1
    longest = blocks[place].end - blocks[place].start
    for step in (-1, 1):
        at = place + step
        while 0 <= at < len(blocks) and not blocks[at].bullet and not _opens(raw, blocks, at):
            row += 1
            if row >= 3:
                return True
            longest = max(longest, blocks[at].end - blocks[at].start)
            at += step
    return row == 2 and longest < 200


def _opens(raw: str, blocks: list[Block], place: int) -> bool:
    text = blocks[place].words(raw)
    return read_list_heading(text, bulleted=False)[0] or _is_section_heading(text, None)


_ADEQUATE = re.compile(r"\W*(?:adequate|normal|acceptable|sufficient|preserved)\b", re.IGNORECASE)


def _paragraph(raw: str, block: Block, context: _Context, *, listed: bool) -> Iterator[Entry]:
    heading = (block_heading.start, block_heading.end) if (block_heading := context.heading) else None
    opened = [item for item in context.open_items[-1:] if item.words(raw).endswith((":", "："))]
    lead_in = _lead_in(raw, block, replace(context, open_items=tuple(opened)))
    spans = [(block.start, block.end)] if listed else list(split_clauses(raw, block.start, block.end))
    for start, end in spans:
        text = " ".join(raw[start:end].split())
        says_nothing = is_no_criterion(text) or (is_topic(text) and not _ADEQUATE.match(text))
        role = Role.REMARK if says_nothing else Role.CRITERION
        yield Entry(start, end, context.kind, role, listed, lead_in, heading)
