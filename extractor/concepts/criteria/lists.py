"""Find the list to which each block of an eligibility section belongs, the blocks that are
criteria, and the blocks that introduce other blocks.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cache

from extractor.evidence.drafts import StructureDoubt, span_of
from extractor.evidence.scoring import list_scored_words
from extractor.language.book import find_terms, rule, word_list
from extractor.language.lexer import NUMBER, Tokens
from extractor.language.passage import LexedSection, Passage
from extractor.language.values import replace
from extractor.outline import (
    UNSURE_END,
    Block,
    BlockKind,
    Blocks,
    Vocabulary,
    read_outline,
)
from extractor.schemas import CriterionKind, Origin

LISTS = Vocabulary(
    terms="criteria_lists",
    spelling=(
        "inclusion",
        "inclusions",
        "exclusion",
        "exclusions",
        "criteria",
        "criterion",
    ),
    lookalikes=word_list("not_misspelt"),
    within=(
        "run_on_list",
        "list_before_item",
        "list_at_end",
        "list_between_sentences",
        "foreign_list_within",
    ),
    after=("bare_heading", "list_in_line"),
    run_on="list_run_on",
    plain="list_name",
)
"""The headings of an eligibility section."""

_KINDS = {
    "inclusion": CriterionKind.INCLUSION,
    "exclusion": CriterionKind.EXCLUSION,
}
_KIND_OF_CODE = {
    **dict.fromkeys(("I#", "IC#", "IN#", "INC#", "INCL#"), CriterionKind.INCLUSION),
    **dict.fromkeys(("E#", "EC#", "EX#", "EXC#", "EXCL#"), CriterionKind.EXCLUSION),
}
"""The kind of list to which an item without a heading belongs, by the item's code: "EXCL 2"."""
# A tenth less reads "Asthma; wheezing; or a cough" otherwise.
_SURE_BORDERS = 0.9
"""An item with a lower probability of being one whole item is doubtful."""
# Without it, "Patients over 77 years are ineligible for this trial" may open a list.
_SHORT = 7
"""Maximum number of tokens in a line that may open a list."""
# Without it reads "Laboratory values: / - Heart failure" below exclusions otherwise.
_LONG = 5
"""Headings with at least this many words may state more than a topic."""
_NUMBERED = 2
"""Minimum number of items with numbers below which a sentence without a number may be a note."""
_SENTENCE = 8
"""Minimum number of words in such a sentence."""
_REMARKS = ("remark", "note_of_the_registry", "note_of_the_protocol")
# Half of it reads "Age: / - 15-75" otherwise.
_SHORT_VALUE = 5
"""Maximum number of tokens in an item that is only a value."""
# Half of it reads "* Heart Or Lung Disease / - Angina / - Asthma" otherwise.
_TITLE = 4
"""Maximum length of a title: in tokens for an item above the items that it names, or in words for
a line between two lists.
"""
# Chosen by hand.
_SHORT_TITLE = 5
"""Maximum number of tokens in a title of a template."""
# Chosen by hand.
_FEWEST_TITLES = 3
"""The least number of titles that show that a text follows a template."""
_READS_LIKE_EXCLUSION = "this item reads like an exclusion"
_MAY_START_EXCLUSIONS = "this line may start the exclusions"
_OF_PEOPLE = ("says_of_people", "says_who_may", "states_criterion")
"""Rules for lines that state something about people."""
FOREIGN_LISTS = ("foreign_inclusion", "foreign_exclusion")
"""Rules for the headings of lists in other languages."""
_FOR_ALL = ("list_for_all", "title_of_template")
"""Rules for headings that apply to everybody."""
_ONLY_INTRODUCES = ("time_alone", "length_alone", "group_title")
"""Rules for lines that only introduce the items below them."""


# One less reads "Criteria for inclusion and exclusion: / - Asthma ..." otherwise.
_STEM = 6
"""Number of letters to which a word is shortened, so that "allergy" and "allergic" are treated as
equal.
"""


@dataclass(frozen=True, slots=True)
class CriterionEntry:
    """A line that is a criterion or introduces criteria.

    Attributes:
        passage: The words of the line.
        kind: The kind of its list; None if no heading states it.
        is_criterion: Whether it is a criterion; otherwise, it only introduces the criteria below
            it, or is a sentence that is only suspected of being a criterion.
        listed: Whether it is in a list rather than in running text.
        parent: The line that introduces it.
        heading: The general heading above it.
        case: How a sentence of running text states a criterion (``confidence/table.toml``); empty
            for an entry in a list.
        parent_is_criterion: Whether the line that introduces it is itself a criterion.
        has_doubtful_parent: Whether the introducing line is on the same level, in which case it
            might not be the parent.
        parent_opens_list: Whether the line that introduces it is the heading of its list.
        is_list_doubted: Whether ``kind`` is doubtful.
        borders: The probability that the entry is one whole item, if its boundaries are doubtful:
            1 if only another fact makes them so. None if they are not doubtful.
        origin: Whether rules, a model or both decided its words, its list and the line above it.
    """

    passage: Passage
    kind: CriterionKind | None
    is_criterion: bool = True
    listed: bool = True
    parent: Passage | None = None
    heading: Passage | None = None
    case: str = ""
    parent_is_criterion: bool = False
    has_doubtful_parent: bool = False
    parent_opens_list: bool = False
    is_list_doubted: bool = False
    borders: float | None = None
    origin: Origin = Origin.RULE

    @property
    def sense(self) -> CriterionKind:
        """The kind of its list or, without a heading, the kind that its own words indicate."""
        if self.kind:
            return self.kind
        passage = self.passage
        place = (passage.tokens, passage.first, passage.end)
        # "Pregnant women will be excluded"
        refuses = rule("refusal").occurs(*place)
        if refuses or rule("reads_like_exclusion").starts(*place):
            return CriterionKind.EXCLUSION
        return CriterionKind.INCLUSION


@dataclass(frozen=True, slots=True)
class Lists:
    """The entries of a text, with the doubts about its structure."""

    entries: tuple[CriterionEntry, ...]
    doubts: tuple[StructureDoubt, ...] = ()


@dataclass(slots=True)
class _State:
    """The open list at a position in the text, and the headings and doubts found so far."""

    kind: CriterionKind | None = None
    is_list_doubted: bool = False
    borders: float | None = None
    ended: bool = False
    numbered: int = 0
    has_titles: bool = False
    seen: set[CriterionKind] = field(default_factory=set)
    doubts: list[StructureDoubt] = field(default_factory=list)
    groups: Mapping[int, bool] = field(default_factory=dict)

    def doubt(self, passage: Passage, reason: str) -> None:
        """Record a doubt."""
        self.doubts.append(StructureDoubt(span_of(passage), reason))


def read_lists(section: LexedSection, target: frozenset[str] = frozenset()) -> Lists:
    r"""Return the criteria in a section and the lines that introduce them. ``target`` contains the
    stems of the record's titles and conditions, which tell a disease that some participants have
    from a topic.

    >>> from extractor.language.passage import read_section
    >>> lists = read_lists(
    ...     read_section("eligibility", "Exclusion: Stroke\nOne of:\n - Gout\n - COPD")
    ... )
    >>> [(entry.passage.text, entry.is_criterion) for entry in lists.entries]
    [('Stroke', True), ('Gout', True), ('COPD', True)]
    """
    blocks = read_outline(section, LISTS)
    announcers = _find_announcers(blocks)
    with_parts = {block.parent for block in blocks} | set(announcers.values())
    titled_levels = _find_titled_levels(blocks, with_parts)
    state = _State(groups=_find_groups(blocks, target))
    entries: list[CriterionEntry] = []
    roles: dict[int, str] = {}
    for place, block in enumerate(blocks):
        if block.name is not None:
            _open_list(state, blocks, place)
            continue
        if state.ended or block.kind is BlockKind.FURNITURE:
            continue
        tokens = block.passage.cut()
        has_parts = place in with_parts
        if _is_opening(blocks, place, state.kind):
            roles[place] = "opens"
        if block.kind is BlockKind.HEADING or place in roles:
            continue
        if _is_remark(tokens) and not (has_parts and block.introduces):
            continue
        role = _find_role(tokens, has_parts=has_parts, block=block)
        if block.level in titled_levels and role in ("both", "criterion"):
            role = "titles"
        roles[place] = role
        if role == "titles":
            continue
        entry = _make_entry(state, blocks, place, roles, announcers.get(place))
        entry = replace(entry, is_criterion=role != "introduces")
        entry = _doubt_borders(entry, state, blocks, place)
        state.numbered += block.ordinal > 0
        entries.append(replace(entry, passage=entry.passage.alone()))
    entries = _doubt_prose(_doubt_exclusions(entries, state), state)
    # the columns of a table follow each other
    entries.sort(key=lambda entry: entry.passage.raw_span)
    return Lists(tuple(entries), tuple(state.doubts))


def _find_titled_levels(blocks: Blocks, with_parts: Set[int | None]) -> set[int]:
    """Return the levels of a template whose items are only titles: each of at least three numbered
    items is short, states no number, and has parts that are lettered, as in "1. Age and sex", "a.
    Men of 40 to 80 years".
    """
    titled = Counter[int]()
    others: set[int] = set()
    for place, block in enumerate(blocks):
        if block.kind is not BlockKind.ITEM:
            continue
        if place in with_parts and _is_titled(block, blocks[place + 1]):
            titled[block.level] += 1
        else:
            others.add(block.level)
    levels: set[int] = set()
    for level, count in titled.items():
        if count >= _FEWEST_TITLES and level not in others:
            levels.add(level)
    return levels


def _is_titled(block: Block, part: Block) -> bool:
    """Return whether a numbered item above its first ``part`` is only the title of a template."""
    if not block.ordinal:
        return False
    if not part.style.lower().startswith("a"):
        return False
    words = block.passage.cut()
    return len(words) <= _SHORT_TITLE and NUMBER not in words.codes


def _may_be_title(state: _State, blocks: Blocks, place: int) -> bool:
    """Return whether a line directly above a list's heading may be the title of that list or, if
    the line precedes the first list, the title of the whole text.
    """
    block = blocks[place]
    if block.mark or block.kind is BlockKind.ROW:
        return False
    if not _is_followed_by_list(blocks, place):
        return False
    # after a list, the line is more likely the last item, and a single word ("Pregnancy") always is
    if state.seen:
        return block.text.istitle() and 1 < len(block.text.split()) <= _TITLE
    # above the first list, a line that states something about people is a criterion
    tokens = block.passage.cut()
    return not any(rule(name).occurs(tokens) for name in _OF_PEOPLE)


def _doubt_borders(
    entry: CriterionEntry, state: _State, blocks: Blocks, place: int
) -> CriterionEntry:
    """Mark the boundaries of an entry as doubtful if another item may begin within it, if it may
    belong to the item above, if its last line could be a separate item, or if it may be a title.
    """
    block = blocks[place]
    borders = 1.0
    # the most serious doubt is reported, and only one
    if block.whole < _SURE_BORDERS:
        reason = "this item could be several items, or a part of another"
        borders = round(block.whole, 2)
    elif block.doubt == UNSURE_END:
        reason = UNSURE_END
    elif _may_be_title(state, blocks, place):
        reason = "this line may be a title"
    elif _is_unnumbered(state, block):
        reason = "this sentence has no number in a list with numbers"
    else:
        return entry
    state.doubt(entry.passage, reason)
    return replace(entry, borders=borders)


def _is_unnumbered(state: _State, block: Block) -> bool:
    """Return whether a line is a sentence without a number below items with numbers, which may be a
    note about the study.
    """
    if state.numbered < _NUMBERED or block.mark:
        return False
    if block.kind is not BlockKind.PARAGRAPH or not block.text.endswith("."):
        return False
    is_sentence = len(block.text.split()) >= _SENTENCE
    return is_sentence and rule("says_what_happens").occurs(block.passage.cut())


def _open_list(state: _State, blocks: Blocks, place: int) -> None:
    """Record that a heading opens a list or ends the lists. The ``name`` of its block is the list
    that it opens, ``both``, ``eligibility`` for a title of the whole section, ``withdrawal`` for
    the end of the criteria, or ``elsewhere`` or ``perhaps_elsewhere`` for another section.
    """
    block = blocks[place]
    if block.name == "eligibility":
        state.has_titles = True
        return
    if block.name in ("elsewhere", "perhaps_elsewhere"):
        # above the first list, there is no list to leave
        if state.seen:
            _leave_list(state, blocks, place)
        return
    state.ended = block.name == "withdrawal"
    state.is_list_doubted = False
    state.borders = None
    state.numbered = 0
    if state.ended:
        return
    if block.name == "both":
        state.kind = None
        state.has_titles = True
        if not _is_followed_by_list(blocks, place):
            state.is_list_doubted = True
            state.doubt(block.passage, "the heading names both lists")
        return
    state.kind = _KINDS[block.name or ""]
    state.seen.add(state.kind)
    reason = _doubt_heading(blocks, place)
    if reason:
        state.is_list_doubted = True
        state.doubt(block.passage, reason)
    elif block.name == "exclusion" and place + 1 == len(blocks):
        state.doubt(block.passage, "there is nothing below this heading")


def _leave_list(state: _State, blocks: Blocks, place: int) -> None:
    """Record that another section begins or may begin. The text after the heading is kept, with a
    doubt, if it may still contain criteria.
    """
    block = blocks[place]
    may_be_criteria = block.name == "perhaps_elsewhere"
    following = _get(blocks, place + 1)
    if following:
        tokens = following.passage.cut()
        says_who_may = rule("says_who_may").occurs(tokens)
        # short items below "Prior therapy:" are criteria; a sentence may describe procedures
        is_sentence = following.text.endswith((".", ";"))
        if may_be_criteria and not is_sentence and not says_who_may:
            return
        may_be_criteria = may_be_criteria or says_who_may
    state.ended = not may_be_criteria
    state.is_list_doubted = True
    state.borders = 1.0
    state.doubt(block.passage, "another section begins or may begin here")


def _doubt_heading(blocks: Blocks, place: int) -> str:
    """Return the reason why the heading of a list is doubtful; an empty string if it is not."""
    block = blocks[place]
    if block.doubt:
        return block.doubt
    above = _get(blocks, place - 1)
    following = _get(blocks, place + 1)
    # nothing can be in the wrong list
    if following is None:
        return ""
    if above and above.name in _KINDS and above.name != block.name:
        return "the heading of one list directly follows that of the other"
    tokens = block.passage.cut()
    if any(rule(name).occurs(tokens) for name in FOREIGN_LISTS):
        is_beside = block.name == following.name
        if above and above.name == block.name:
            is_beside = True
        is_translated = is_beside or rule("criteria_word").occurs(tokens)
        if not is_translated:
            return "the heading is in another language"
    if rule("led_list").covers(tokens) is None:
        return ""
    # "* Wrong inclusion" between other items may be one of them
    if block.mark or following.kind is BlockKind.PARAGRAPH:
        return "this line may start a list"
    return ""


def _find_announcers(blocks: Blocks) -> dict[int, int]:
    """Map the index of each item to the index of the line on the same level that announces it, as
    in "* One of the following:" above "* Asthma" and "* Eczema". The line must end with a colon
    and must not have items below it. The items that it announces end before a line that states a
    condition for everyone or that ends with a colon.
    """
    with_parts = {block.parent for block in blocks}
    announcers: dict[int, int] = {}
    announcer: int | None = None
    for place, block in enumerate(blocks):
        if block.kind is BlockKind.FURNITURE:
            continue
        if block.kind is BlockKind.HEADING:
            announcer = None
            continue
        tokens = block.passage.cut()
        if announcer is not None:
            announcing = blocks[announcer]
            if block.level > announcing.level:  # a part of an announced item
                continue
            if _is_announced(block, tokens, announcing):
                announcers[place] = announcer
                continue
        announcer = None
        is_announcing = block.text.endswith(":") and place not in with_parts
        if is_announcing and rule("announces_items_beside").occurs(tokens):
            announcer = place
    return announcers


def _is_announced(block: Block, tokens: Tokens, announcing: Block) -> bool:
    """Return whether the line ``announcing`` announces an item with these tokens: both have the
    same parent and list mark, and the item does not end the announced items.
    """
    is_level = (announcing.parent, announcing.style) == (block.parent, block.style)
    if not is_level or block.text.endswith(":"):
        return False
    # a line about everybody who takes part ends the announced items
    if rule("those_who_take_part").starts(tokens, 0):
        return False
    return not rule("ends_list").occurs(tokens)


def _get(blocks: Blocks, place: int) -> Block | None:
    """Return the block at an index; None if the index is out of range."""
    if 0 <= place < len(blocks):
        return blocks[place]
    return None


def _is_followed_by_list(blocks: Blocks, place: int) -> bool:
    """Return whether the next block is the heading of the inclusion or exclusion list."""
    following = _get(blocks, place + 1)
    return following is not None and following.name in _KINDS


def _is_remark(tokens: Tokens) -> bool:
    """Return whether a line does not state a condition: "Not applicable", a note from the registry,
    punctuation, or a single letter or digit.
    """
    letters = "".join(word for word in tokens.words if word[0].isalnum())
    if not letters:
        return True
    # a single Chinese character may be a word
    if len(letters) == 1 and letters.isascii():
        return True
    return any(rule(name).covers(tokens) for name in _REMARKS)


def _is_opening(blocks: Blocks, place: int, kind: CriterionKind | None) -> bool:
    """Return whether the line below the heading of a list of the given ``kind`` only opens the
    list: "Patients must meet all of the following criteria within 28 days:". "Any of the
    following:" opens a list of exclusions, but introduces the parts of one inclusion criterion;
    "All of the following:" does the reverse.
    """
    block = blocks[place]
    if not _is_below_heading(blocks, place):
        return False
    tokens = block.passage.cut()
    is_whole = rule("takes_part").occurs(tokens) and _is_whole_list(blocks, place)
    if block.mark and not is_whole and not rule("must_meet").occurs(tokens):
        return False
    # "Cohort 2 must meet the following:" introduces only the criteria of this cohort
    if rule("trial_division").starts(tokens, 0):
        return False
    names_examples = rule("ends_with_examples").ends(tokens) is not None
    is_about_list = rule("about_list").occurs(tokens) and not names_examples
    # "Gout, defined as:" states the gout
    announced = rule("announces_parts").ends(tokens)
    if announced and announced.first > 0 and not rule("must_meet").occurs(tokens):
        return False
    if block.text.endswith(":") and is_about_list:
        return True
    if rule("opening_words").covers(tokens) is None:
        return False
    if len(tokens) == 1:
        return False
    introduces_parts = "any_of_parts"
    if kind is CriterionKind.EXCLUSION:
        introduces_parts = "all_of_parts"
    return not rule(introduces_parts).occurs(tokens)


def _is_below_heading(blocks: Blocks, place: int) -> bool:
    """Return whether a line is the first below the heading of a list. Between them may be lines
    without list markers ("All criteria are assessed before the first dose.") if the line does not
    have one, but the line below it does.
    """
    below = _get(blocks, place + 1)
    begins_items = not blocks[place].mark and below is not None and bool(below.mark)
    for at in reversed(range(place)):
        above = blocks[at]
        if above.name is not None:
            return True
        if not begins_items or above.mark or above.introduces:
            return False
    return False


def _is_whole_list(blocks: Blocks, place: int) -> bool:
    """Return whether an item has items below it, and all other items of its list are among them."""
    end = place + 1
    while end < len(blocks) and blocks[end].name is None:
        if blocks[end].level <= blocks[place].level:
            return False
        end += 1
    return end > place + 1


def _find_role(tokens: Tokens, *, has_parts: bool, block: Block) -> str:
    """Return the role of a line: "criterion"; "introduces" if it only introduces the lines below
    it; "both"; or "titles" if it is only a title, which is ignored.
    """
    if not has_parts:
        return "criterion"
    if any(rule(name).covers(tokens) for name in _ONLY_INTRODUCES):
        return "introduces"
    if block.introduces:
        if states_condition(tokens):
            return "both"
        return "introduces"
    # "Adequate organ function"
    if rule("topic").ends(tokens) and rule("levels").occurs(tokens):
        return "introduces"
    if _is_title(tokens):
        return "titles"
    # a sentence is complete without the items below it
    if block.text.endswith("."):
        return "criterion"
    return "both"


def _is_title(tokens: Tokens) -> bool:
    """Return whether an item with items below it is only their title: "Endocrine Disease". Long
    lines and lines about people state more than a title.
    """
    if len(tokens) > _TITLE or rule("says_of_people").occurs(tokens):
        return False
    return all(word.istitle() or word in "&/-" for word in tokens.words)


def states_condition(tokens: Tokens) -> bool:
    """Return whether a line that introduces other lines also states a condition.

    >>> from extractor.language.book import read_text
    >>> [
    ...     states_condition(read_text(line))
    ...     for line in ("Diabetes with any of the following:", "Any of the following:")
    ... ]
    [True, False]
    """
    if rule("condition_too").occurs(tokens):
        return True
    if rule("laboratory").covers(tokens):
        return False
    # "Recent heart disease, including:" states the heart disease
    if rule("examples_below").occurs(tokens):
        return True
    joined = rule("joins_parts").search(tokens)
    if joined and joined.first > 0:
        is_idle = rule("idle_front").covers(tokens, 0, joined.first)
        runs_on = rule("runs_into_parts").ends(tokens, joined.first)
        # "Type 2 diabetes with any of the following:", unlike "Patients with ..." and "Headache is
        # associated with ..."
        if not is_idle and not runs_on:
            return True
    # the number of parts that must apply is no limit of the line
    counted = rule("count_of_parts").search(tokens)
    end = len(tokens)
    if counted:
        end = counted.first
    return rule("own_limit").occurs(tokens, 0, end)


def _make_entry(
    state: _State,
    blocks: Blocks,
    place: int,
    roles: dict[int, str],
    announcer: int | None,
) -> CriterionEntry:
    """Create the entry of a block in the open list. ``roles`` contains the roles of the preceding
    lines (see ``_find_role``), keyed by index; a heading with the role "opens" opens the list and
    is not a parent. ``announcer`` is the index of the line on the same level that announces the
    block. Of the lines above, the nearest line that introduces the block is its parent; a heading
    introduces the block only if the heading names a group of people or the topic of a value.
    """
    block = blocks[place]
    parent = None
    if announcer is not None:
        parent = blocks[announcer].passage
    heading: Passage | None = None
    parent_is_criterion = False
    is_doubtful = announcer is not None
    opens_list = False
    # from the nearest line to the outermost: the first one that introduces the block is its parent,
    # and the first heading that is not in the vocabulary its heading
    place_above = block.parent
    while place_above is not None:
        above = blocks[place_above]
        role = roles.get(place_above)
        if above.kind is BlockKind.HEADING:
            if above.name is None:
                heading = heading or above.passage
            group = state.groups.get(place_above)
            introduces = group is not None or _is_value_of(block, above)
            if parent is None and role != "opens" and introduces:
                parent = above.passage
                # only the form of the heading shows that it names a group
                is_doubtful = group is False
                opens_list = above.name is not None
        elif parent is None and role in ("introduces", "both"):
            parent = above.passage
            parent_is_criterion = role == "both" and not above.text.endswith(":")
            is_doubtful = _may_end_parts(blocks, place, place_above)
        place_above = above.parent
    return CriterionEntry(
        block.passage,
        state.kind or _KIND_OF_CODE.get(block.style),
        parent=parent,
        heading=heading,
        parent_is_criterion=parent_is_criterion,
        listed=not block.in_prose,
        has_doubtful_parent=is_doubtful,
        parent_opens_list=opens_list,
        is_list_doubted=state.is_list_doubted,
        borders=state.borders,
    )


def _may_end_parts(blocks: Blocks, place: int, place_above: int) -> bool:
    """Return whether an item with a list marker may be no part of the line above it: the parts of
    that line begin without markers, and the item is not indented further than the line.
    """
    block = blocks[place]
    if not block.mark or blocks[place_above + 1].mark:
        return False
    return block.column <= blocks[place_above].column


def _is_value_of(block: Block, heading: Block) -> bool:
    """Return whether an item is a value, such as "At least 6 months" or "16 and over", for the
    topic of its heading, such as "Life expectancy" or "Age".
    """
    tokens = block.passage.cut()
    if heading.name is not None or len(tokens) > _SHORT_VALUE:
        return False
    # "16 and over" below "Age"
    if rule("bare_range").covers(tokens):
        return True
    return rule("level").starts(tokens, 0) is not None


def _find_groups(blocks: Blocks, target: frozenset[str]) -> dict[int, bool]:
    """Map the index of each heading that restricts the items below it to a group of people to
    whether its own words say so. A heading of the same form as one of a group also names a group:
    "Parkinson's Disease" beside "Healthy controls". So do two diseases that the trial treats.
    """
    groups: dict[int, bool] = {}
    # the forms of the headings of groups, and other headings by their forms
    forms: set[tuple[object, ...]] = set()
    others: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for place, block in enumerate(blocks):
        if block.kind is not BlockKind.HEADING:
            continue
        if names_people(block):
            groups[place] = True
            forms.add(_describe_form(block))
        elif _may_name_group(block):
            others[_describe_form(block)].append(place)
    for form, places in others.items():
        diseases: set[frozenset[str]] = set()
        for place in places:
            diseases.add(frozenset(target_words(blocks[place].passage) & target))
        diseases.discard(frozenset())
        # only their form says so, or that the trial treats both diseases
        if form in forms or len(diseases) > 1:
            groups |= dict.fromkeys(places, False)
    return groups


def _describe_form(heading: Block) -> tuple[object, ...]:
    """Return what the headings of two groups have in common."""
    if heading.name is not None:
        return (heading.name,)
    return (heading.column, heading.style, heading.text.endswith(":"))


def _may_name_group(heading: Block) -> bool:
    """Return whether a heading could name a group of people, if another heading of its form does:
    the heading of a list that is not for all, or a short unknown one that is no topic of values.
    """
    tokens = heading.passage.cut()
    # "Inclusion criteria for all participants" names no group
    if rule("list_for_all").covers(tokens):
        return False
    if heading.name in _KINDS:
        return True
    if heading.name is not None or len(tokens) > _SHORT:
        return False
    is_topic = rule("topic").ends(tokens) is not None
    return not is_topic and not rule("levels").occurs(tokens)


def names_people(heading: Block) -> bool:
    """Return whether a heading restricts the items below it to a group of people."""
    tokens = heading.passage.cut()
    if heading.name in _KINDS:
        return rule("list_for_some").occurs(tokens)
    if heading.name is not None:
        return False
    if any(rule(name).covers(tokens) for name in _FOR_ALL):
        return False
    # "Participants with one of the following:" restricts what is below it
    if rule("announced").occurs(tokens) or names_group(tokens):
        return True
    # "Gout, defined as:" above marked items of a list without marks
    if rule("announces_parts").ends(tokens):
        return True
    # "Patients with a relapse after surgery:", unlike "Laboratory values:"
    is_long = len(heading.text.split()) >= _LONG and heading.text.endswith(":")
    return is_long and not rule("about_list").occurs(tokens)


def _doubt_exclusions(
    entries: Sequence[CriterionEntry], state: _State
) -> list[CriterionEntry]:
    """If no heading opens a list of exclusions, mark ``kind`` as doubtful in the entries that may
    be exclusions: entries that read like exclusions, and entries below a line that may be the
    missing heading. If no heading opens any list, the kind of every entry is marked as doubtful.
    """
    if CriterionKind.EXCLUSION in state.seen or (state.has_titles and not state.seen):
        return list(entries)
    doubted: list[CriterionEntry] = []
    # whether a line above may be the missing heading
    are_exclusions = False
    for entry in entries:
        may_be_heading = _may_name_exclusions(entry)
        reads_so = _reads_like_exclusion(entry)
        if may_be_heading and not are_exclusions:
            state.doubt(entry.passage, _MAY_START_EXCLUSIONS)
        elif reads_so and not are_exclusions:
            state.doubt(entry.passage, _READS_LIKE_EXCLUSION)
        is_below = False
        if entry.heading is not None:
            is_below = _doubt_unknown_heading(entry.heading, state)
        may_be_exclusion = are_exclusions or may_be_heading or reads_so or is_below
        if may_be_exclusion or not state.seen:
            doubted.append(replace(entry, is_list_doubted=True))
        else:
            doubted.append(entry)
        are_exclusions = are_exclusions or may_be_heading or is_below
    return doubted


def _may_name_exclusions(entry: CriterionEntry) -> bool:
    """Return whether an item may be the missing heading of the exclusions."""
    tokens = entry.passage.tokens
    if len(tokens) > _SHORT:
        return False
    return rule("names_exclusions").occurs(tokens)


def _reads_like_exclusion(entry: CriterionEntry) -> bool:
    """Return whether an item that is no part of another is worded like an exclusion."""
    if entry.parent is not None:
        return False
    return rule("reads_like_exclusion").starts(entry.passage.tokens, 0) is not None


def _doubt_unknown_heading(heading: Passage, state: _State) -> bool:
    """Record a doubt, once, about a heading that names neither list if it may open the exclusions
    in words that are not known, as a heading in another language does. Return whether it may.
    """
    tokens = heading.cut()
    names = heading.text.endswith(":") or len(tokens) == 1
    known = (
        "topic",
        "levels",
        "population",
        "announced",
        "group_title",
        "list_for_all",
    )
    if not names or any(rule(name).occurs(tokens) for name in known):
        return False
    # "Allergies:" is a topic
    if find_terms(tokens, "categories", 0, len(tokens)):
        return False
    place = span_of(heading)
    if all(doubt.span != place for doubt in state.doubts):
        state.doubt(heading, "this heading may open another list")
    return True


def _doubt_prose(
    entries: Sequence[CriterionEntry], state: _State
) -> list[CriterionEntry]:
    """Mark all entries as doubtful if the text contains no headings or items and none of its
    sentences states a criterion.
    """
    if state.seen or state.has_titles or any(entry.listed for entry in entries):
        return list(entries)
    # "Participants must have asthma"
    if any(rule("states_criterion").occurs(entry.passage.tokens) for entry in entries):
        return list(entries)
    for entry in entries[:1]:
        state.doubt(
            entry.passage, "this text has no list and might not contain any criteria"
        )
    # any value marks the borders as doubtful; 1.0 adds no doubt of its own
    return [replace(entry, borders=1.0) for entry in entries]


def names_group(tokens: Tokens) -> bool:
    """Return whether a line names a group of participants: "Healthy volunteers:"."""
    if rule("group_title").occurs(tokens):
        return True
    is_topic = rule("topic").ends(tokens) is not None
    return rule("population").occurs(tokens) and not is_topic


def target_words(*passages: Passage) -> frozenset[str]:
    """From titles, conditions or criteria, return the stems of words that can name a disease:
    uncommon words with more than three letters.

    >>> sorted(target_words(read_passage("Treatment of Peanut Allergy in Children")))
    ['allerg', 'peanut']
    """
    return list_stems(
        word for passage in passages for word in list_scored_words(passage)
    )


def list_stems(words: Iterable[str]) -> frozenset[str]:
    """Return the stems of the words that can name a disease."""
    return frozenset(
        {word[:_STEM] for word in words if len(word) > 3} - _common_stems()
    )


@cache
def _common_stems() -> frozenset[str]:
    return frozenset(word[:_STEM] for word in word_list("common_words"))
