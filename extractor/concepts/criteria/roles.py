"""Which blocks are headings of lists: each is scored, and the headings of a section are chosen
together.

A line that is a heading by its words alone is one. A line that could be one is, if the section
lacks the list that it names: "Transplant Exclusion" below inclusions, where nothing else opens the
exclusions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from extractor.concepts.criteria.headings import count_words, ends_with_colon
from extractor.concepts.criteria.lines import TextLine
from extractor.concepts.criteria.list_headings import ListHeading, read_list_heading
from extractor.language.book import rule
from extractor.language.lexer import NUMBER
from extractor.schemas import CriterionKind

_MOST_WORDS = 12
"""The most words of a line that could be a heading."""


_ONLY_NAME = 0.7
"""How sure it is that the only line that names exclusions opens their list. Judged."""


UNSETTLED_CONFIDENCE = 0.75
"""How sure the list of items is after a line that names exclusions, where nothing opens such a
list. Judged.
"""


@dataclass(frozen=True, slots=True)
class Headings:
    """The headings of a section by the start of their block, a place in the raw text.

    ``unsettled`` is the start of a line that names exclusions, if no heading opens any: after it,
    the list is in doubt. None if there is no such line.
    """

    found: Mapping[int, ListHeading]
    unsettled: int | None = None


def choose_headings(blocks: Sequence[TextLine]) -> Headings:
    """Choose the headings of lists among the blocks of a section, which are in reading order.

    If no heading opens exclusions, the only line that could open them becomes their heading, with
    a doubt. If several or none could, the first line that names exclusions is unsettled.
    """
    found: dict[int, ListHeading] = {}
    for place, block in enumerate(blocks):
        heading = read_list_heading(
            block.tokens,
            bulleted=bool(block.bullet),
            above_items=_stands_above_items(blocks, place),
        )
        if heading:
            found[block.start] = heading
    kinds = {heading.kind for heading in found.values()}
    # A heading without a kind opens both lists.
    if CriterionKind.EXCLUSION in kinds or None in kinds:
        return Headings(found)
    naming: list[int] = []
    for place, block in enumerate(blocks):
        if block.start not in found and _names_exclusions(block):
            naming.append(place)
    if not naming:
        return Headings(found)
    likely = [place for place in naming if _looks_like_heading(blocks, place)]
    if len(likely) != 1:
        return Headings(found, unsettled=blocks[naming[0]].start)
    doubt = "only its place shows that this line opens the exclusions"
    opening = ListHeading(CriterionKind.EXCLUSION, _ONLY_NAME, doubt)
    found[blocks[likely[0]].start] = opening
    return Headings(found)


def _stands_above_items(blocks: Sequence[TextLine], place: int) -> bool:
    """Return whether a block without a bullet stands above items, or above an empty line."""
    if place + 1 >= len(blocks) or blocks[place].bullet:
        return False
    following = blocks[place + 1]
    return following.bullet is not None or following.gap


def _names_exclusions(block: TextLine) -> bool:
    """Return whether a short line names exclusions, without a number or a sign of a limit."""
    tokens = block.names
    if count_words(tokens) > _MOST_WORDS:
        return False
    # as in "Reasons for study exclusion"
    if rule("names_exclusions").search(tokens) is None:
        return False
    return not any(code in f"<>≤≥={NUMBER}" for code in tokens.codes)


def _looks_like_heading(blocks: Sequence[TextLine], place: int) -> bool:
    """Return whether a block within the section stands as headings do.

    An item needs a colon, and an empty line before it or another bullet behind it. A line without a
    bullet needs a colon, or an item behind it, and no full stop.
    """
    block = blocks[place]
    if place == 0 or place + 1 >= len(blocks):
        return False
    following = blocks[place + 1]
    if block.bullet:
        if not ends_with_colon(block.tokens):
            return False
        return following.bullet is not block.bullet or block.gap
    if block.tokens.codes.endswith("."):
        return False
    return ends_with_colon(block.tokens) or following.bullet is not None
