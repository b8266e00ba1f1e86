"""Drop doubtful values from an extraction, and keep the rest consistent."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

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


class Sifted(NamedTuple):
    """An extraction without its doubtful values.

    Attributes:
        extraction: What stays.
        places: For each list that lost members, by its path before, the old positions of the
            members that stay.
    """

    extraction: TrialExtraction
    places: Mapping[str, tuple[int, ...]]


def drop_doubtful(extraction: TrialExtraction, minimum: float) -> TrialExtraction:
    """Return the extraction without values whose confidence is below ``minimum``, a probability
    from 0 to 1.

    A dropped field becomes empty, with the absence reason ``low_confidence``. Members of a list are
    dropped one by one. An item is dropped with a field that it requires, such as a criterion's
    quote. Absences and findings of remaining values get their new path; those of dropped values are
    dropped. Coverage and usage do not change. Values without evidence, such as gold, stay. If
    nothing is dropped, the same object is returned.
    """
    return sift_doubtful(extraction, minimum).extraction


def sift_doubtful(extraction: TrialExtraction, minimum: float) -> Sifted:
    """Return what ``drop_doubtful`` returns, and where the members of its lists stood before."""
    if minimum <= 0:
        return Sifted(extraction, {})
    sieve = _Sieve(minimum)
    before = extraction.eligibility
    eligibility = sieve.sift(before, "eligibility") or before
    criteria = sieve.sift_all(before.criteria, "eligibility.criteria")
    eligibility, criteria = _mend_groups(before.groups, eligibility, criteria)
    dosing = sieve.sift_all(extraction.dosing, "dosing")
    endpoints = sieve.sift_all(extraction.endpoints, "endpoints")
    # After the other items: a user's field names the place of the item that has it.
    custom: dict[str, tuple[CustomItem, ...]] = {}
    for name, items in extraction.custom.items():
        custom[name] = sieve.sift_own(items, name)
    if sieve.kept.is_all:
        return Sifted(extraction, {})
    absences = [*sieve.kept.relocate(extraction.absences), *sieve.list_absences()]
    changed = {
        "eligibility": eligibility.model_copy(update={"criteria": criteria}),
        "dosing": dosing,
        "endpoints": endpoints,
        "custom": custom,
        "absences": tuple(absences),
        "findings": tuple(sieve.kept.relocate(extraction.findings)),
    }
    return Sifted(extraction.model_copy(update=changed), sieve.kept.places)


@dataclass(slots=True)
class _Kept:
    """What is kept, by paths of the extraction as it was.

    Attributes:
        places: For each list that lost members, the old positions of the members that stay.
        dropped: The fields of which nothing stays.
    """

    places: dict[str, tuple[int, ...]] = field(default_factory=dict)
    dropped: set[str] = field(default_factory=set)

    @property
    def is_all(self) -> bool:
        """Whether nothing was dropped."""
        return not self.places and not self.dropped

    def follow(self, path: str) -> str | None:
        """Return where the value of a path stands now; None if it was dropped, or what it is part
        of.

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
            if path == item.field:
                yield item
            else:
                yield item.model_copy(update={"field": path})


class _Emptied(NamedTuple):
    """A field that became empty.

    Attributes:
        item: The path of its item before; "" for a list of items, which is in no item.
        name: The field within the item; of a list of items its path.
        sections: Where its values stood.
    """

    item: str
    name: str
    sections: tuple[str, ...]


class _Sieve:
    """Drops doubtful values, and notes in ``kept`` what stays and where. All paths are those of the
    extraction before.
    """

    def __init__(self, minimum: float) -> None:
        self.kept = _Kept()
        self._minimum = minimum
        self._emptied: list[_Emptied] = []

    def sift_all(self, items: tuple[ItemT, ...], path: str) -> tuple[ItemT, ...]:
        """Return the remaining items of a list, each without its doubtful values.

        Notes the old positions of the items that stay if any was dropped, and that the list became
        empty if none stays.
        """
        rests: list[ItemT] = []
        positions: list[int] = []
        for position, item in enumerate(items):
            rest = self.sift(item, f"{path}[{position}]")
            if rest is not None:
                rests.append(rest)
                positions.append(position)
        if len(positions) < len(items):
            self.kept.places[path] = tuple(positions)
        if items and not positions:
            evidence: list[Evidence] = []
            for item in items:
                evidence += item.evidence
            self._note_empty(item="", name=path, evidence=evidence)
        return tuple(rests)

    def sift_own(
        self, items: tuple[CustomItem, ...], name: str
    ) -> tuple[CustomItem, ...]:
        """Return the remaining values of a user's own field, with the new paths of the items that
        have them.

        The values of an item that was dropped are left out, those of the record itself stay.
        """
        placed: list[CustomItem] = []
        for item in items:
            if not item.of:
                placed.append(item.model_copy(update={"of": item.of}))
                continue
            path = self.kept.follow(item.of)
            if path is not None:
                placed.append(item.model_copy(update={"of": path}))
        return self.sift_all(tuple(placed), f"custom.{name}")

    def sift(self, item: ItemT, path: str) -> ItemT | None:
        """Return an item without its doubtful values; None if it is dropped as a whole.

        An item is dropped if a doubtful field is one that it requires. A value of a user's own
        field is kept or dropped as a whole. The item that stays is as sure as the least sure of its
        values, but never surer than an empty field made it. What is dropped is noted.
        """
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
        fields = type(item).model_fields
        if any(fields[name].is_required() for name in names):
            return None
        for name in doubtful:
            member, part = _split(name)
            if part and member not in doubtful:
                item = self._empty_part(item, path, member, part)
        # A member without evidence of its own was read together with the others, and shares their
        # confidence.
        sure = {_split(piece.field)[0] for piece in item.evidence} - doubtful
        update: dict[str, Any] = {}
        for name in names:
            update[name] = self._sift_field(item, path, name, sure)
        evidence = tuple(self._relocate_evidence(item.evidence, path))
        confidence = _find_least(evidence)
        # An empty field has no evidence, and may have made the item less sure than all of it. The
        # field is still empty.
        if item.confidence is not None and item.confidence < min(least.values()):
            confidence = item.confidence
        update |= describe_evidence(evidence, confidence)
        return item.model_copy(update=update)

    def _list_doubtful(self, least: Mapping[str, float]) -> set[str]:
        """Return the fields, members and parts that are less sure than they must be: ``route``,
        ``constraints[1]``, ``constraints[1].condition``.

        A member is doubtful with a part without which it would say too much: a limit without its
        condition would hold for everybody. A time window can do without its other quotes.
        """
        doubtful: set[str] = set()
        for name, confidence in least.items():
            if confidence >= self._minimum:
                continue
            doubtful.add(name)
            member, part = _split(name)
            if part in _CARRIED:
                doubtful.add(member)
        return doubtful

    def list_absences(self) -> Iterator[Absence]:
        """Yield an absence for each field that became empty, at its new path. The fields of dropped
        items have none.
        """
        for emptied in self._emptied:
            item = self.kept.follow(emptied.item)
            if item is None:
                continue
            field = f"{item}.{emptied.name}" if item else emptied.name
            yield Absence(
                field=field,
                reason=AbsenceReason.LOW_CONFIDENCE,
                sections=emptied.sections,
            )

    def _sift_field(
        self, item: ExtractedItem, path: str, name: str, sure: Collection[str]
    ) -> Any:
        """Return what stays of a field that has a doubtful value: of a list the members that are
        ``sure``, else None. Note what does not stay.
        """
        value = getattr(item, name)
        field_path = f"{path}.{name}"
        positions: list[int] = []
        if isinstance(value, tuple):
            for position in range(len(value)):
                if f"{name}[{position}]" not in sure:
                    continue
                positions.append(position)
            self.kept.places[field_path] = tuple(positions)
        if not positions:
            self.kept.dropped.add(field_path)
            self._note_empty(path, name, item.evidence_for(name))
        if not isinstance(value, tuple):
            return None
        return tuple(value[position] for position in positions)

    def _empty_part(self, item: ItemT, path: str, member: str, part: str) -> ItemT:
        """Return an item without a part of one of its values, and without its evidence; note that
        it is dropped.

        Args:
            item: The item, such as a criterion.
            path: Where the item stands.
            member: The value within the item: ``time_windows[0]``.
            part: The name of the part: ``anchor``.
        """
        part_of_item = f"{member}.{part}"
        self.kept.dropped.add(f"{path}.{part_of_item}")
        ref = FieldRef(member)
        position = ref.position or 0
        values = list(getattr(item, ref.path))
        values[position] = values[position].model_copy(update={part: None})
        evidence = [piece for piece in item.evidence if piece.field != part_of_item]
        update = {ref.path: tuple(values), "evidence": tuple(evidence)}
        return item.model_copy(update=update)

    def _relocate_evidence(
        self, evidence: Iterable[Evidence], path: str
    ) -> Iterator[Evidence]:
        """Yield the evidence of what stays in an item; its fields are paths within the item."""
        for piece in evidence:
            now = self.kept.follow(f"{path}.{piece.field}")
            if now is not None:
                yield piece.model_copy(update={"field": now.removeprefix(f"{path}.")})

    def _note_empty(self, item: str, name: str, evidence: Iterable[Evidence]) -> None:
        """Note that a field became empty: the path of its item, its name, and the sections of its
        evidence.
        """
        sections = dict.fromkeys(piece.section for piece in evidence)
        self._emptied.append(_Emptied(item, name, tuple(sections)))


def _split(name: str) -> tuple[str, str]:
    """Split ``constraints[1].condition`` into a member and the name of its part; without a part,
    the second is "".
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
    """Return the least confidence of an item's values, 1 without any.

    Evidence without a confidence does not count, nor does evidence of where the item stands, such
    as the group of a criterion.
    """
    least = 1.0
    for piece in evidence:
        if piece.confidence is None:
            continue
        name = FieldRef(piece.field).names[0]
        if name not in _PLACING:
            least = min(least, piece.confidence)
    return least


def _mend_groups(
    before: Sequence[CriterionGroup],
    eligibility: Eligibility,
    criteria: tuple[Criterion, ...],
) -> tuple[Eligibility, tuple[Criterion, ...]]:
    """Put the criteria and groups of a dropped group into the nearest kept group around it, or into
    none, so that each group that is named exists.

    Args:
        before: All groups.
        eligibility: What stays, with the kept groups.
        criteria: The criteria that stay.
    """
    around = {group.id: group.parent for group in before}
    kept = {group.id for group in eligibility.groups}

    def find_kept(name: str | None) -> str | None:
        while name and name not in kept:
            name = around.get(name)
        return name

    groups: list[CriterionGroup] = []
    for group in eligibility.groups:
        parent = find_kept(group.parent)
        groups.append(group.model_copy(update={"parent": parent}))
    members: list[Criterion] = []
    for criterion in criteria:
        group_of_criterion = find_kept(criterion.group)
        members.append(criterion.model_copy(update={"group": group_of_criterion}))
    mended = eligibility.model_copy(update={"groups": tuple(groups)})
    return mended, tuple(members)
