"""The outline of an eligibility section: which blocks are criteria, under which heading and parent."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

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
    is_population,
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
        depth, done = 0, start + first
        for at in range(start + first, start + last):
            depth += _DEPTH.get(raw[at], 0)
            if raw[at] in ";；" and depth <= 0:
                yield from _strip(raw, done, at)
                done = at + 1
        yield from _strip(raw, done, start + last)


def _strip(raw: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    text = raw[start:end]
    start += len(text) - len(text.lstrip(" \t\r\n,;"))
    end = start + len(raw[start:end].rstrip(" \t\r\n;"))
    if end - start > 2:
        yield start, end


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
    listed: bool
    parent: tuple[int, int] | None = None
    heading: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class _Context:
    """Where in the section the reader is."""

    kind: CriterionKind | None = None
    heading: Block | None = None
    open_items: tuple[Block, ...] = ()
    decides: bool = True  # false under "Withdrawal criteria"
    opener: Block | None = None  # the item whose parts stand at its own level


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
            entries.append(Entry(block.start, block.end, block.passage, context.kind, Role.REMARK, listed=True))
        elif block.bullet:
            entry, context = _read_item(block, following, context)
            entries.append(entry)
        elif _is_section_heading(text, following):
            context = _Context(context.kind, block, ())
            if following and states_too(text):
                entries.append(Entry(block.start, block.end, block.passage, context.kind, Role.CRITERION, listed=True))
        else:
            entries += _paragraph(section, block, context, listed=_is_listed(blocks, place))
            kept = context.open_items if following and not following.bullet else ()
            context = replace(context, open_items=kept)
    return entries


def _read_item(block: Block, following: Block | None, context: _Context) -> tuple[Entry, _Context]:
    """The entry of an item, and where the reader is behind it."""
    open_items = (*_still_open(block, context, inner=True), block)
    context = _Context(context.kind, context.heading, open_items, opener=context.opener)
    entry = _item(block, following, context)
    if context.opener or entry.role is Role.PARENT:
        context = replace(context, opener=_follow_opener(block, entry, context))
    if context.opener and context.opener is not block and entry.parent is None:
        entry = replace(entry, parent=(context.opener.start, context.opener.end))
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


def _still_open(block: Block, context: _Context, *, inner: bool = False) -> tuple[Block, ...]:
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
        if inner and level and not seen and _starts_inner_list(last, block):
            break
        open_items.pop()
    return tuple(open_items)


def _starts_inner_list(last: Block, block: Block) -> bool:
    if last.bullet is block.bullet or not last.bullet or not block.bullet:
        return False
    introduced = last.tokens.codes.endswith(":") or introduces(last.tokens)
    counts = block.ordinal in (None, 1)
    return counts and (introduced or (_RANK[block.bullet] > _RANK[last.bullet] and block.bullet is not Bullet.STAR))


def _contains(item: Block, following: Block | None) -> bool:
    if not following or not following.bullet or read_list_heading(following.tokens, bulleted=True)[0]:
        return False
    return following.column > item.column + 1 or (
        abs(following.column - item.column) <= 1 and _starts_inner_list(item, following)
    )


def _item(block: Block, following: Block | None, context: _Context) -> Entry:
    text = block.tokens
    role = Role.CRITERION
    if _contains(block, following):
        if not carries_condition(text):
            role = Role.PARENT
    elif is_no_criterion(text):
        role = Role.REMARK
    elif following and (opens_flat_list if following.bullet else opens_paragraph)(text, following.tokens):
        role = Role.PARENT
    heading = context.heading
    return Entry(
        block.start,
        block.end,
        block.passage,
        context.kind,
        role,
        listed=True,
        parent=_parent(block, context),
        heading=(heading.start, heading.end) if heading else None,
    )


def _follow_opener(block: Block, entry: Entry, context: _Context) -> Block | None:
    """The item that introduces ``block`` from its own level, if one does: its parts go on while they are alike."""
    if entry.role is Role.PARENT:
        return block
    opener = context.opener
    if not opener or opener.bullet is not block.bullet or abs(opener.column - block.column) > 1:
        return None
    return opener if is_part(opener.tokens, block.tokens) else None


def _parent(block: Block, context: _Context) -> tuple[int, int] | None:
    """The parent item if it introduces this one, else a heading that says for whom, or what, the item limits."""
    parents = context.open_items[:-1] if context.open_items and context.open_items[-1] is block else context.open_items
    if parents:
        parent = parents[-1]
        text = parent.tokens
        opens = introduces(text) or continues(text, block.tokens)
        return (parent.start, parent.end) if opens and not is_generic(text) else None
    heading = context.heading
    if not heading:
        return None
    text = heading.tokens
    if opens_list(text) and not carries_condition(text):
        return None
    topic = count_words(text) <= 4
    if not topic or is_population(text) or needs_heading(block.tokens, text):
        return heading.start, heading.end
    return None


def _is_section_heading(text: Tokens, following: Block | None) -> bool:
    if ends_with_colon(text):
        return following is not None
    short = len(text) <= 10 and count_words(text) <= 7 and not any(code in "<>≤≥=;.%" for code in text.codes)
    if not short or not following or rule("share_or_age").search(text):
        return False
    if following.bullet:
        return following.ordinal in (None, 1)
    ranged = f"{NUMBER}-{NUMBER}" in text.codes
    return _is_title(text) and not ranged and following.tokens.codes.endswith(":")


def _is_title(text: Tokens) -> bool:
    """Words in capitals or with a capital, short ones apart ("Dose Escalation of the Study Drug")."""
    words = [word for word in text.words if len(word) > 3 and word.isalpha()]
    return bool(words) and all(word[0].isupper() for word in words)


def _is_listed(blocks: list[Block], place: int) -> bool:
    """Whether an unmarked paragraph stands in a list without bullets: several short paragraphs in a row."""
    row = 1
    longest = blocks[place].end - blocks[place].start
    for step in (-1, 1):
        at = place + step
        while 0 <= at < len(blocks) and not blocks[at].bullet and not _opens(blocks, at):
            row += 1
            if row >= 3:
                return True
            longest = max(longest, blocks[at].end - blocks[at].start)
            at += step
    return row == 2 and longest < 200


def _opens(blocks: list[Block], place: int) -> bool:
    text = blocks[place].tokens
    return read_list_heading(text, bulleted=False)[0] or _is_section_heading(text, None)


_ADEQUATE = frozenset({"adequate", "normal", "acceptable", "sufficient", "preserved"})


def _paragraph(section: Section, block: Block, context: _Context, *, listed: bool) -> Iterator[Entry]:
    heading = (block_heading.start, block_heading.end) if (block_heading := context.heading) else None
    opened = [item for item in context.open_items[-1:] if item.tokens.codes.endswith(":")]
    parent = _parent(block, replace(context, open_items=tuple(opened)))
    spans = [(block.start, block.end)] if listed else list(split_clauses(section.raw, block.start, block.end))
    for start, end in spans:
        passage = block.passage if listed else section.between(start, end).alone()
        text = passage.tokens
        adequate = text.words and text.words[0].lower() in _ADEQUATE
        says_nothing = is_no_criterion(text) or (is_topic(text) and not adequate)
        role = Role.REMARK if says_nothing else Role.CRITERION
        yield Entry(start, end, passage, context.kind, role, listed, parent, heading)
