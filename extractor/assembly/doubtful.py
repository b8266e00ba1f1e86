"""Drop doubtful values from an extraction, and keep the rest consistent."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from extractor.concepts.provenance import describe_evidence
from extractor.schemas import (
    Absence,
    AbsenceReason,
    Criterion,
    CriterionGroup,
    CustomItem,
    Eligibility,
    Evidence,
    EvidenceKind,
    ExtractedItem,
    FieldRef,
    Finding,
    Task,
    TrialExtraction,
    list_fields,
)

ItemT = TypeVar("ItemT", bound=ExtractedItem)
_CARRIED = ("condition", "arms", "lead_in", "rule")
"""Parts without which a value would say too much."""
_Located = TypeVar("_Located", Absence, Finding)
_PLACING = frozenset(
    info.name
    for task in Task
    for info in list_fields(task)
    if info.metadata.evidence is EvidenceKind.NONE
)
"""Fields that say where something stands, such as the groups of criteria."""


def drop_doubtful(extraction: TrialExtraction, minimum: float) -> TrialExtraction:
    """Return the extraction without values whose confidence is below ``minimum``, a probability
    from 0 to 1.

    A dropped field becomes empty, with the absence reason ``low_confidence``. Members of a list are
    dropped one by one. An item is dropped with a field that it requires, such as a criterion's
    quote. Absences and findings of remaining values get their new path; those of dropped values are
    dropped. Coverage and usage do not change. Values without evidence, such as gold, stay.
    """
    if minimum <= 0:
        return extraction
    sieve = _Sieve(minimum)
    eligibility = (
        sieve.sift(extraction.eligibility, "eligibility") or extraction.eligibility
    )
    criteria = sieve.sift_all(extraction.eligibility.criteria, "eligibility.criteria")
    eligibility, criteria = _mend_groups(
        extraction.eligibility.groups, eligibility, criteria
    )
    dosing = sieve.sift_all(extraction.dosing, "dosing")
    endpoints = sieve.sift_all(extraction.endpoints, "endpoints")
    custom = {
        name: sieve.sift_own(items, name) for name, items in extraction.custom.items()
    }
    if sieve.kept.is_all:
        return extraction
    changed = {
        "eligibility": eligibility.model_copy(update={"criteria": criteria}),
        "dosing": dosing,
        "endpoints": endpoints,
        "custom": custom,
        "absences": (*sieve.kept.relocate(extraction.absences), *sieve.list_absences()),
        "findings": tuple(sieve.kept.relocate(extraction.findings)),
    }
    return extraction.model_copy(update=changed)


@dataclass(slots=True)
class _Kept:
    """What is kept, by paths of the extraction as it was.

    Attributes:
        places: For each list that lost members, the places of those that stay.
        dropped: The fields of which nothing stays.
    """

    places: dict[str, tuple[int, ...]] = field(default_factory=dict)
    dropped: set[str] = field(default_factory=set)

    @property
    def is_all(self) -> bool:
        """Whether nothing was dropped."""
        return not self.places and not self.dropped

    def follow(self, path: str) -> str | None:
        """Return where the value of a path stands now; None if it was dropped.

        >>> _Kept({"dosing": (1, 2)}, {"dosing[2].route"}).follow(
        ...     "dosing[2].amounts[0]"
        ... )
        'dosing[1].amounts[0]'
        """
        old = ""
        new = ""
        for name, place in FieldRef(path).steps:
            old += f".{name}" if old else name
            new += f".{name}" if new else name
            if old in self.dropped:
                return None
            if place is None:
                continue
            kept = self.places.get(old)
            if kept is None:
                new_place = place
            elif place in kept:
                new_place = kept.index(place)
            else:
                return None
            old += f"[{place}]"
            new += f"[{new_place}]"
        return new

    def relocate(self, located: Iterable[_Located]) -> Iterator[_Located]:
        """Yield the absences or findings whose place still exists, with its new path."""
        for item in located:
            path = self.follow(item.field)
            if path is None:
                continue
            yield (
                item if path == item.field else item.model_copy(update={"field": path})
            )


class _Sieve:
    """Drops doubtful values, and knows what is kept. All paths are those before."""

    def __init__(self, minimum: float) -> None:
        self.kept = _Kept()
        self._minimum = minimum
        self._emptied: list[tuple[str, str, tuple[str, ...]]] = []
        """Of each field that became empty: its item's path, its name, the sections searched."""

    def sift_all(self, items: tuple[ItemT, ...], path: str) -> tuple[ItemT, ...]:
        """Return the remaining items of a list."""
        rests: list[ItemT] = []
        places: list[int] = []
        for place, item in enumerate(items):
            rest = self.sift(item, f"{path}[{place}]")
            if rest is not None:
                rests.append(rest)
                places.append(place)
        if len(places) < len(items):
            self.kept.places[path] = tuple(places)
        if items and not places:
            evidence = [piece for item in items for piece in item.evidence]
            self._note_empty("", path, evidence)
        return tuple(rests)

    def sift_own(
        self, items: tuple[CustomItem, ...], name: str
    ) -> tuple[CustomItem, ...]:
        """Return the remaining values of a user's own field, at the new places of their items."""
        placed: list[CustomItem] = []
        for item in items:
            of = self.kept.follow(item.of) if item.of else item.of
            if item.of is None or of is not None:
                placed.append(item.model_copy(update={"of": of}))
        return self.sift_all(tuple(placed), f"custom.{name}")

    def sift(self, item: ItemT, path: str) -> ItemT | None:
        """Return the rest of an item; None if it lacks a field that it requires."""
        if isinstance(item, CustomItem):
            is_sure = item.confidence is None or item.confidence >= self._minimum
            return item if is_sure else None
        least = _find_least_by_field(item.evidence)
        doubtful = self._list_doubtful(least)
        if not doubtful:
            return item
        names: dict[str, None] = {}
        for name in least:
            member, _ = _split(name)
            if member in doubtful:
                names[FieldRef(member).path] = None
        if any(type(item).model_fields[name].is_required() for name in names):
            return None
        for name in doubtful:
            member, part = _split(name)
            if part and member not in doubtful:
                item = self._empty_part(item, path, member, part)
        # A member without evidence of its own was read together with the others, and shares their
        # confidence.
        sure = {_split(piece.field)[0] for piece in item.evidence} - doubtful
        update = {name: self._sift_field(item, path, name, sure) for name in names}
        evidence = tuple(self._relocate_evidence(item.evidence, path))
        confidence = _find_least(evidence)
        if item.confidence is not None and item.confidence < min(least.values()):
            # an empty field has no evidence, and stays empty
            confidence = item.confidence
        return item.model_copy(
            update={**update, **describe_evidence(evidence, confidence)}
        )

    def _list_doubtful(self, least: Mapping[str, float]) -> set[str]:
        """Return the fields, members and parts that are less sure than they must be.

        Without its condition a limit would hold for everybody, so it is as doubtful as that; a time
        window can do without its other quotes.
        """
        doubtful = {
            name for name, confidence in least.items() if confidence < self._minimum
        }
        for name in list(doubtful):
            member, part = _split(name)
            if part in _CARRIED:
                doubtful.add(member)
        return doubtful

    def list_absences(self) -> Iterator[Absence]:
        """Yield why each field is empty that became so."""
        for path, name, sections in self._emptied:
            now = self.kept.follow(path)
            if now is not None:
                place = f"{now}.{name}" if now else name
                reason = AbsenceReason.LOW_CONFIDENCE
                yield Absence(field=place, reason=reason, sections=sections)

    def _sift_field(
        self, item: ExtractedItem, path: str, name: str, sure: Collection[str]
    ) -> Any:
        """Return what stays of a field, and note what does not."""
        value = getattr(item, name)
        if not isinstance(value, tuple):
            self.kept.dropped.add(f"{path}.{name}")
            self._note_empty(path, name, item.evidence_for(name))
            return None
        places = tuple(
            place for place in range(len(value)) if f"{name}[{place}]" in sure
        )
        self.kept.places[f"{path}.{name}"] = places
        if not places:
            self.kept.dropped.add(f"{path}.{name}")
            self._note_empty(path, name, item.evidence_for(name))
        return tuple(value[place] for place in places)

    def _empty_part(self, item: ItemT, path: str, member: str, part: str) -> ItemT:
        """Return an item without a part of one of its values, and without its evidence."""
        self.kept.dropped.add(f"{path}.{member}.{part}")
        name = FieldRef(member).path
        position = FieldRef(member).position or 0
        values = list(getattr(item, name))
        values[position] = values[position].model_copy(update={part: None})
        evidence = tuple(
            piece for piece in item.evidence if piece.field != f"{member}.{part}"
        )
        return item.model_copy(update={name: tuple(values), "evidence": evidence})

    def _relocate_evidence(
        self, evidence: Iterable[Evidence], path: str
    ) -> Iterator[Evidence]:
        """Yield the evidence of what stays in an item; its fields are paths within the item."""
        for piece in evidence:
            now = self.kept.follow(f"{path}.{piece.field}")
            if now is not None:
                yield piece.model_copy(update={"field": now.removeprefix(f"{path}.")})

    def _note_empty(self, path: str, name: str, evidence: Iterable[Evidence]) -> None:
        sections = tuple(dict.fromkeys(piece.section for piece in evidence))
        self._emptied.append((path, name, sections))


def _split(name: str) -> tuple[str, str]:
    """Return a member and the name of its part: ``constraints[1]`` and ``condition``; else the
    field and nothing.
    """
    member, _, part = name.partition(".")
    return member, part


def _find_least_by_field(evidence: Iterable[Evidence]) -> dict[str, float]:
    """Return the least confidence of each field, member or part that has evidence."""
    least: dict[str, float] = {}
    for piece in evidence:
        if piece.confidence is not None:
            least[piece.field] = min(least.get(piece.field, 1.0), piece.confidence)
    return least


def _find_least(evidence: Iterable[Evidence]) -> float:
    """Return the least confidence of the values that make an item sure or unsure: not of where
    it stands.
    """
    least = 1.0
    for piece in evidence:
        if FieldRef(piece.field).names[0] in _PLACING or piece.confidence is None:
            continue
        least = min(least, piece.confidence)
    return least


def _mend_groups(
    before: Sequence[CriterionGroup],
    eligibility: Eligibility,
    criteria: tuple[Criterion, ...],
) -> tuple[Eligibility, tuple[Criterion, ...]]:
    """Put criteria and groups of a dropped group into the one around that, so that each group
    that is named exists.
    """
    around = {group.id: group.parent for group in before}
    kept = {group.id for group in eligibility.groups}

    def find(name: str | None) -> str | None:
        while name and name not in kept:
            name = around.get(name)
        return name

    groups = tuple(
        group.model_copy(update={"parent": find(group.parent)})
        for group in eligibility.groups
    )
    members = tuple(
        criterion.model_copy(update={"group": find(criterion.group)})
        for criterion in criteria
    )
    return eligibility.model_copy(update={"groups": groups}), members
