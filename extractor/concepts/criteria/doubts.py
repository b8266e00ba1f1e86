"""Doubts about the lists of a section, which show only when all of its entries are known."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from extractor.concepts.criteria.lines import LineRole, OutlineEntry, TextLine
from extractor.language.book import rule
from extractor.schemas import CriterionKind

_MIXED = 0.75
"""How sure the list of an item is, if its heading does not decide it. Judged; below what counts
as sure.
"""
_LIKE_EXCLUSION = 0.7
"""How sure it is that an item that reads like an exclusion is none, if no heading opens
exclusions. Judged.
"""


@dataclass(frozen=True, slots=True)
class StructureDoubt:
    """A place of a section whose structure is in doubt, as offsets into the raw text, and why."""

    start: int
    end: int
    reason: str


@dataclass(frozen=True, slots=True)
class OpenedList:
    """The heading of a list, and the list that it opens; None if it names both."""

    heading: TextLine
    kind: CriterionKind | None

    @property
    def names_both(self) -> bool:
        """Whether the heading names inclusions and exclusions, so that its items may be
        either.
        """
        if self.kind is CriterionKind.EXCLUSION:
            return False
        words = [word.lower() for word in self.heading.names.words]
        return all(
            any(word.startswith(name) for word in words) for name in ("incl", "excl")
        )


def doubt_lists(
    entries: Sequence[OutlineEntry], opened: Sequence[OpenedList]
) -> tuple[list[OutlineEntry], list[StructureDoubt]]:
    """Return the entries, less sure where their list is in doubt, and these doubts.

    In doubt are the items below a heading that names both lists, which their own words class, all
    items if two headings stand
    one after the other, a heading of exclusions with nothing below it, and, if no heading opens
    exclusions, the items that read like exclusions.

    ``opened`` are the headings of lists in reading order.
    """
    doubts: list[StructureDoubt] = []
    at_most = [1.0] * len(entries)
    below = [_list_below(entries, opened, place) for place in range(len(opened))]
    for opening, places in zip(opened, below, strict=True):
        if not places or not opening.names_both:
            continue
        reason = "this heading names inclusions and exclusions"
        doubts.append(StructureDoubt(*opening.heading.span, reason))
        for place in places:
            at_most[place] = _MIXED
        if opening.kind is None:
            entries = _class_by_words(entries, places)
    stacked = _find_stacked(opened, below)
    empty = _find_empty_exclusions(opened, below)
    if stacked:
        above, lower = stacked
        reason = (
            "two headings stand one after the other, and the items below could be in "
            "either list"
        )
        doubts.append(StructureDoubt(above.heading.start, lower.heading.end, reason))
        at_most = [min(sure, _MIXED) for sure in at_most]
    elif empty:
        reason = "this heading opens exclusions, and none was found below it"
        doubts.append(StructureDoubt(*empty.heading.span, reason))
    if not any(opening.kind is CriterionKind.EXCLUSION for opening in opened):
        alike = _list_like_exclusions(entries, at_most)
        if alike:
            start, end = entries[alike[0]].passage.raw_span
            doubts.append(StructureDoubt(start, end, _tell_alike(len(alike))))
        # inclusions and exclusions in one list: the others there may be either
        if len(alike) > 1 and not opened:
            alike = list(range(alike[0], len(entries)))
        for place in alike:
            at_most[place] = min(at_most[place], _LIKE_EXCLUSION)
    return list(map(_limit_kind, entries, at_most)), doubts


def _class_by_words(
    entries: Sequence[OutlineEntry], places: Sequence[int]
) -> list[OutlineEntry]:
    """Return the entries, of which those at ``places`` stand below a heading of both lists: each is
    in the list that its own words name, and in that of the line that introduces it.

    An item that reads like an exclusion is one. Ages, consent, and what nobody may have ("No
    history of stroke") are inclusions, like all others.
    """
    classed = list(entries)
    exclusions: set[tuple[int, int]] = set()
    for place in places:
        entry = entries[place]
        if entry.parent:
            is_exclusion = entry.parent.raw_span in exclusions
        else:
            is_exclusion = _reads_like_exclusion(entry)
            is_exclusion = is_exclusion or entry.sense is CriterionKind.EXCLUSION
        if is_exclusion:
            exclusions.add(entry.passage.raw_span)
            classed[place] = replace(entry, kind=CriterionKind.EXCLUSION)
    return classed


def _list_like_exclusions(
    entries: Sequence[OutlineEntry], at_most: Sequence[float]
) -> list[int]:
    """Return the places of the entries that read like exclusions, and whose list is not in doubt
    yet.
    """
    alike: list[int] = []
    for place, entry in enumerate(entries):
        if at_most[place] > _MIXED and _reads_like_exclusion(entry):
            alike.append(place)
    return alike


def _limit_kind(entry: OutlineEntry, sure: float) -> OutlineEntry:
    """Return an entry whose list is at most so ``sure``."""
    if sure >= 1:
        return entry
    return replace(entry, kind_at_most=min(entry.kind_at_most, sure))


def _list_below(
    entries: Sequence[OutlineEntry], opened: Sequence[OpenedList], place: int
) -> list[int]:
    """Return the places of the entries between a heading and the next one."""
    start = opened[place].heading.start
    is_last = place + 1 == len(opened)
    below: list[int] = []
    for number, entry in enumerate(entries):
        entry_start, _ = entry.passage.raw_span
        if entry_start < start:
            continue
        if is_last or entry_start < opened[place + 1].heading.start:
            below.append(number)
    return below


def _find_stacked(
    opened: Sequence[OpenedList], below: Sequence[Sequence[int]]
) -> tuple[OpenedList, OpenedList] | None:
    """Return the first two headings, of inclusions and of exclusions, with nothing between them,
    if no heading of the upper list has items anywhere in the section. None if there are none.

    "Eligibility criteria" above "Exclusion criteria" only says what the section is about.
    ``below`` has the places of the items below each heading.
    """
    kinds_with_items: set[CriterionKind | None] = set()
    for opening, places in zip(opened, below, strict=True):
        if places:
            kinds_with_items.add(opening.kind)
    pairs = zip(opened, below, strict=True)
    for (above, items_above), (lower, items_lower) in pairwise(pairs):
        if items_above or not items_lower:
            continue
        if {above.kind, lower.kind} != set(CriterionKind):
            continue
        if above.kind in kinds_with_items:
            continue
        if rule("names_eligibility").search(above.heading.names) is None:
            return above, lower
    return None


def _find_empty_exclusions(
    opened: Sequence[OpenedList], below: Sequence[Sequence[int]]
) -> OpenedList | None:
    """Return the last heading of exclusions, if no heading of exclusions has items below it.

    "None" below a heading is an item, and an answer. None is returned if exclusions have items, or
    no heading.
    """
    last = None
    for opening, places in zip(opened, below, strict=True):
        if opening.kind is not CriterionKind.EXCLUSION:
            continue
        if places:
            return None
        last = opening
    return last


def _reads_like_exclusion(entry: OutlineEntry) -> bool:
    """Return whether a criterion without a parent begins like one that bars people ("Known
    hypersensitivity to milk"), and is not an exclusion already.
    """
    if entry.role is not LineRole.CRITERION:
        return False
    if entry.parent:
        return False
    if entry.sense is CriterionKind.EXCLUSION:
        return False
    return rule("reads_like_exclusion").starts(entry.passage.tokens, 0) is not None


def _tell_alike(count: int) -> str:
    """Return why so many items (at least one) that read like exclusions are in doubt."""
    if count == 1:
        return "this item reads like an exclusion, and no heading opens exclusions"
    return f"{count} items read like exclusions, this one first, and no heading opens exclusions"
