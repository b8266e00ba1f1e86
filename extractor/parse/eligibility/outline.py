"""The outline of an eligibility section: which blocks are criteria, under which heading and lead-in."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from extractor.parse.sentences import split_sentences
from extractor.schemas import CriterionKind

from .blocks import Block, read_blocks
from .headings import is_generic, is_population, is_topic, read_list_heading
from .lead_ins import carries_condition, introduces, is_no_criterion, needs_heading
from .lines import Bullet

__all__ = ["Entry", "Role", "read_outline"]


class Role(StrEnum):
    """What an entry is: a criterion, a line that only introduces criteria, or a remark."""

    CRITERION = "criterion"
    LEAD_IN = "lead_in"
    REMARK = "remark"


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class _Context:
    """Where in the section the reader is."""

    kind: CriterionKind | None = None
    heading: Block | None = None
    open_items: tuple[Block, ...] = ()


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
        if named and (not block.bullet or following):
            context = _Context(kind if kind or not context.kind else None, None, _still_open(block, context))
        elif block.bullet:
            context = replace(context, open_items=(*_still_open(block, context, raw), block))
            entries.append(_item(raw, block, following, context))
        elif _is_section_heading(text, following, raw):
            context = _Context(context.kind, block, ())
        else:
            entries += _paragraph(raw, block, context, listed=_is_listed(raw, blocks, place))
            context = replace(context, open_items=())
    return entries


_RANK = {Bullet.NUMBER: 0, Bullet.LETTER: 1, Bullet.ROMAN: 2, Bullet.DASH: 3, Bullet.STAR: 3, Bullet.CIRCLE: 4}


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
    elif _opens_flat_list(text, following, raw):
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


def _opens_flat_list(text: str, following: Block | None, raw: str) -> bool:
    """An item that introduces the items behind it, which stand at its own level; or a title in capitals, where
    these are not in capitals too.
    """
    if not following or not following.bullet:
        return False
    shouted = text.isupper() and not following.words(raw).isupper()
    title = shouted and 2 <= len(text.split()) <= 14 and not re.search(r"[<>≤≥=\d]", text)
    return title or (text.endswith((":", "：")) and not carries_condition(text))


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
    if is_generic(text):
        return None
    topic = len(text.split()) <= 4
    if not topic or is_population(text) or needs_heading(block.words(raw)):
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
    return _is_title(text) and following.words(raw).endswith((":", "："))


def _is_title(text: str) -> bool:
    """Words in capitals or with a capital, short ones apart ("Dose Escalation of the Study Drug")."""
    return all(word[0].isupper() for word in re.findall(r"[A-Za-z]+", text) if len(word) > 3)


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


def _paragraph(raw: str, block: Block, context: _Context, *, listed: bool) -> Iterator[Entry]:
    heading = (block_heading.start, block_heading.end) if (block_heading := context.heading) else None
    lead_in = _lead_in(raw, block, replace(context, open_items=()))
    spans = [(block.start, block.end)] if listed else list(_clauses(raw, block.start, block.end))
    for start, end in spans:
        text = " ".join(raw[start:end].split())
        role = Role.REMARK if is_no_criterion(text) or is_topic(text) else Role.CRITERION
        yield Entry(start, end, context.kind, role, listed, lead_in, heading)


def _clauses(raw: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Sentences, and the clauses that semicolons separate in them outside of brackets."""
    for first, last in split_sentences(raw[start:end]):
        depth, done = 0, start + first
        for at in range(start + first, start + last):
            depth += {"(": 1, "[": 1, "（": 1, ")": -1, "]": -1, "）": -1}.get(raw[at], 0)
            if raw[at] in ";；" and depth <= 0:
                yield from _stripped(raw, done, at)
                done = at + 1
        yield from _stripped(raw, done, start + last)


def _stripped(raw: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    text = raw[start:end]
    start += len(text) - len(text.lstrip(" \t\r\n,;"))
    end = start + len(raw[start:end].rstrip(" \t\r\n;"))
    if end - start > 2:
        yield start, end
