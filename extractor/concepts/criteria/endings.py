"""Lines at which a list of criteria ends, or may end: titles of other sections, questions, steps,
and footnotes.

Subheadings of criteria ("Cardiac:", "Prior therapy:") are none. A list ends for sure only where the
words of a title name another section, and nothing below says who may take part. Elsewhere what
follows is kept, and is doubtful.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from extractor.concepts.criteria.headings import (
    count_words,
    ends_with_colon,
    names_group,
)
from extractor.concepts.criteria.layout import Bullet
from extractor.concepts.criteria.lines import TextLine
from extractor.language.book import rule

_MOST_WORDS = 6
"""The most words of the title of a step ("2 Getting started")."""
_STEP = re.compile(r"\d{1,2}[ \t]*\r?\n[ \t]*(?:\r?\n[ \t]*)*[A-Z]")
"""The number of a step on a line of its own, above its title."""
_FOOTNOTE = re.compile(r"(?:[†‡§¶]|(?P<letter>[a-f])(?=[A-Z][a-z]+\s))")
"""A mark glued to the first word of a footnote."""
_FOOTNOTE_DOUBT = "this line looks like a footnote"
_STEP_DOUBT = "this line looks like the title of a step"
_TITLE_DOUBT = "this line may begin another section"
_OTHER_SECTION = (
    "this line begins another section: what follows is not read as criteria"
)


@dataclass(frozen=True, slots=True)
class ListEnding:
    """A line at which the list ends, if it is ``sure``, or may end; ``reason`` says why.

    ``is_title``: the line only names what follows, and is no entry itself.
    """

    reason: str
    sure: bool
    is_title: bool


def find_endings(
    blocks: Sequence[TextLine], list_headings: Collection[int]
) -> dict[int, ListEnding]:
    """Return the lines at which lists end or may end, by the start of their block.

    ``list_headings`` holds the starts of the blocks that are headings of lists. What stands before
    the first heading or item is skipped. A line is the title of another section, else a footnote,
    else the title of a step.
    """
    endings: dict[int, ListEnding] = {}
    first = _find_first_of_list(blocks, list_headings)
    bullets_of_list: set[Bullet | None] = set()
    letters_of_footnotes = ""
    spoken = _find_spoken(blocks, list_headings)
    for place in range(first, len(blocks)):
        block = blocks[place]
        if block.start in list_headings:
            bullets_of_list = set()
            continue
        ending = None
        if place > first:
            ending = _read_section_title(blocks, place, spoken)
        if ending is None:
            mark = _FOOTNOTE.match(block.section.raw, *block.span)
            # Footnotes with letters begin with "a", and go on with the next letter.
            letter = (mark["letter"] or "a") if mark else ""
            if mark and letter in ("a", *letters_of_footnotes):
                letters_of_footnotes += chr(ord(mark["letter"] or "`") + 1)
                ending = ListEnding(_FOOTNOTE_DOUBT, sure=False, is_title=False)
        if ending is None and _may_be_title(blocks, place, bullets_of_list):
            ending = ListEnding(_TITLE_DOUBT, sure=False, is_title=False)
        if ending is None and _names_step(blocks, place, bullets_of_list):
            ending = ListEnding(_STEP_DOUBT, sure=False, is_title=False)
        if ending:
            endings[block.start] = ending
        elif block.bullet:
            bullets_of_list.add(block.bullet)
    return endings


def _find_first_of_list(
    blocks: Sequence[TextLine], list_headings: Collection[int]
) -> int:
    """Return the place of the first heading of a list or item; the number of blocks if there is
    none.
    """
    for place, block in enumerate(blocks):
        if block.start in list_headings or block.bullet is not None:
            return place
    return len(blocks)


def _read_section_title(
    blocks: Sequence[TextLine], place: int, spoken: Sequence[bool]
) -> ListEnding | None:
    """Return the ending that the title of another section makes, such as "Sites / Locations" or
    "How to join"; None if a line is no such title, or is the last line.

    ``spoken`` says for each block whether people are spoken of below: then the ending is not sure.
    """
    block = blocks[place]
    text = block.tokens
    if block.bullet or not text.words or names_group(text):
        return None
    # as in "What are the benefits?"
    is_question = rule("reader_question").covers(text, 0, len(text)) is not None
    named = rule("other_section").starts(text, 0)
    is_title = False
    opens_text = False
    if named:
        whole = rule("other_section_title").covers(text, 0, len(text))
        is_title = whole is not None
        # as in "Treatment schedule: 5 mg daily"
        opens_text = ":" in text.words[named.end : named.end + 1]
    if not is_question:
        if not is_title and not opens_text:
            return None
        if not text.words[0][0].isupper() and not ends_with_colon(text):
            return None
    if is_title and place + 1 == len(blocks):
        return None  # nothing follows, and a last line is kept
    if named and not spoken[place]:
        return ListEnding(_OTHER_SECTION, sure=True, is_title=True)
    return ListEnding(_TITLE_DOUBT, sure=False, is_title=is_question or is_title)


def _may_be_title(
    blocks: Sequence[TextLine], place: int, bullets: Collection[Bullet | None]
) -> bool:
    """Return whether a line without a bullet below items that have one may be a title: it names
    what a trial does ("Follow-up procedures"), and a sentence without a bullet follows.

    ``bullets`` are the marks of the items above.
    """
    if not bullets or place + 1 == len(blocks):
        return False
    block = blocks[place]
    following = blocks[place + 1]
    if block.bullet or following.bullet:
        return False
    text = block.tokens
    if not text.words or not text.words[0][0].isupper():
        return False
    if rule("says_who_may").search(text) is not None:
        return False
    if rule("trial_activity").covers(text, 0, len(text)) is None:
        return False
    return following.tokens.codes.endswith(".") and count_words(following.tokens) > 3


def _find_spoken(
    blocks: Sequence[TextLine], list_headings: Collection[int]
) -> list[bool]:
    """Return for each block whether it, or one between it and the next heading of a list, says
    who may take part ("History of asthma", "Age over 18"). A heading of a list itself does not.
    """
    spoken_from_end: list[bool] = []
    is_spoken = False
    for block in reversed(blocks):
        if block.start in list_headings:
            is_spoken = False
        elif not is_spoken:
            is_spoken = rule("says_who_may").search(block.tokens) is not None
        spoken_from_end.append(is_spoken)
    return spoken_from_end[::-1]


def _names_step(
    blocks: Sequence[TextLine], place: int, bullets: Collection[Bullet | None]
) -> bool:
    """Return whether a block is the title of a step ("2 Getting started") below items that have
    other marks than numbers.

    Its number stands on a line of its own, or before at most six words that say nothing of people.
    ``bullets`` are the marks of the items above.
    """
    block = blocks[place]
    raw = block.section.raw
    if not bullets or Bullet.NUMBER in bullets:
        return False
    if _STEP.match(raw, *block.span):
        return True
    if place + 1 == len(blocks) or blocks[place + 1].bullet:
        return False
    if block.bullet is None:
        is_numbered = raw[block.start].isdigit()
    else:
        is_numbered = block.bullet is Bullet.NUMBER
    if not is_numbered:
        return False
    text = block.tokens
    if any(code in "<>≤≥=;.%:" for code in text.codes):
        return False
    if rule("says_of_people").search(text):
        return False
    return count_words(text) <= _MOST_WORDS
