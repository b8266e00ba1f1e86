"""Drop doubtful values from an extraction, and keep the rest consistent."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    filtered = _Filter(minimum)
    eligibility = (
        filtered.keep(extraction.eligibility, "eligibility", "eligibility")
        or extraction.eligibility
    )
    criteria = filtered.keep_all(extraction.eligibility.criteria, "eligibility.criteria")
    eligibility, criteria = _mend_groups(extraction.eligibility.groups, eligibility, criteria)
    changed = {
        "eligibility": eligibility.model_copy(update={"criteria": criteria}),
        "dosing": filtered.keep_all(extraction.dosing, "dosing"),
        "endpoints": filtered.keep_all(extraction.endpoints, "endpoints"),
        "custom": {
            name: filtered.keep_custom(items, name) for name, items in extraction.custom.items()
        },
        "absences": (*filtered.follow(extraction.absences), *filtered.absences),
        "findings": tuple(filtered.follow(extraction.findings)),
    }
    return extraction.model_copy(update=changed) if filtered.moved else extraction


def _split(field: str) -> tuple[str, str]:
    """Return a member and the name of its part: ``constraints[1]`` and ``condition``; else the
    field and nothing.
    """
    member, _, part = field.partition(".")
    return member, part


def _empty_parts(item: ItemT, parts: Iterable[tuple[str, str]]) -> ItemT:
    """Return an item without some parts of its values, and without their evidence."""
    for member, part in parts:
        name = FieldRef(member).path
        at = FieldRef(member).position or 0
        values = list(getattr(item, name))
        values[at] = values[at].model_copy(update={part: None})
        left = tuple(piece for piece in item.evidence if piece.field != f"{member}.{part}")
        item = item.model_copy(update={name: tuple(values), "evidence": left})
    return item


def _follow(field: str, places: Mapping[str, str | None]) -> str | None:
    """Return the new path of a field, and of the member that it belongs to; None if it is
    dropped.
    """
    member = _split(field)[0]
    new = places.get(member, member)
    return new and field.replace(member, new, 1)


def _mend_groups(
    before: Sequence[CriterionGroup], eligibility: Eligibility, criteria: tuple[Criterion, ...]
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
        one.model_copy(update={"parent": find(one.parent)}) for one in eligibility.groups
    )
    members = tuple(one.model_copy(update={"group": find(one.group)}) for one in criteria)
    return eligibility.model_copy(update={"groups": groups}), members


def _find_least(evidence: Iterable[Evidence]) -> float:
    """Return the least confidence of the values that make an item sure or unsure: not of where
    it stands.
    """
    counted = (one.confidence for one in evidence if FieldRef(one.field).names[0] not in _PLACING)
    return min((confidence for confidence in counted if confidence is not None), default=1.0)


class _Filter:
    """Drops doubtful values. ``moved`` maps old paths to new ones, or to None for dropped
    values.
    """

    def __init__(self, minimum: float) -> None:
        self._minimum = minimum
        self.moved: dict[str, str | None] = {}
        self.absences: list[Absence] = []

    def keep_all(self, items: tuple[ItemT, ...], path: str) -> tuple[ItemT, ...]:
        """Return the remaining items of a list."""
        kept: list[ItemT] = []
        for place, item in enumerate(items):
            before = f"{path}[{place}]"
            after = f"{path}[{len(kept)}]"
            left = self.keep(item, before, after)
            if left is None or before != after:
                self.moved[before] = after if left else None
            kept += [left] if left else []
        if items and not kept:
            self._add_absence(path, [piece for item in items for piece in item.evidence])
        return tuple(kept)

    def keep_custom(self, items: tuple[CustomItem, ...], name: str) -> tuple[CustomItem, ...]:
        """Return the remaining values of a user's own field, at the new places of their items."""
        places = [(item, item.of and self.moved.get(item.of, item.of)) for item in items]
        left = tuple(item.model_copy(update={"of": of}) for item, of in places if of or not item.of)
        return self.keep_all(left, f"custom.{name}")

    def keep(self, item: ItemT, before: str, after: str) -> ItemT | None:
        """Return the rest of an item, None if it lacks a required field. ``before`` and
        ``after`` are its paths.
        """
        if isinstance(item, CustomItem):
            return item if item.confidence is None or item.confidence >= self._minimum else None
        least: dict[str, float] = {}
        for piece in item.evidence:
            if piece.confidence is not None:
                least[piece.field] = min(least.get(piece.field, 1.0), piece.confidence)
        doubtful = {field for field, confidence in least.items() if confidence < self._minimum}
        if not doubtful:
            return item
        # Without its condition a limit would hold for everybody; a time window can do without its
        # other quotes.
        doubtful |= {member for member, part in map(_split, doubtful) if part in _CARRIED}
        parts = [
            (member, part)
            for member, part in map(_split, doubtful)
            if part and member not in doubtful
        ]
        item = _empty_parts(item, parts)
        lowest = min(least.values())
        dropped = (member for member, _ in map(_split, least) if member in doubtful)
        names = dict.fromkeys(FieldRef(member).path for member in dropped)
        if any(type(item).model_fields[name].is_required() for name in names):
            return None
        sure = {_split(piece.field)[0] for piece in item.evidence} - doubtful
        update: dict[str, Any] = {}
        places: dict[str, str | None] = {}
        for name in names:
            value = getattr(item, name)
            members = (
                [f"{name}[{place}]" for place in range(len(value))]
                if isinstance(value, tuple)
                else []
            )
            # A member without evidence of its own was read together with the others, and shares
            # their confidence.
            kept = [place for place, member in enumerate(members) if member in sure]
            places |= dict.fromkeys(members) | {
                members[place]: members[new] for new, place in enumerate(kept)
            }
            update[name] = (
                tuple(value[place] for place in kept) if isinstance(value, tuple) else None
            )
            if not kept:
                places[name] = None
                self._add_absence(f"{after}.{name}", item.evidence_for(name))
        self.moved |= {f"{before}.{old}": new and f"{after}.{new}" for old, new in places.items()}
        self.moved |= {f"{before}.{member}.{part}": None for member, part in parts}
        moved = ((piece, _follow(piece.field, places)) for piece in item.evidence)
        evidence = [piece.model_copy(update={"field": field}) for piece, field in moved if field]
        confidence = _find_least(evidence)
        if item.confidence is not None and item.confidence < lowest:
            confidence = item.confidence  # an empty field has no evidence, and stays empty
        return item.model_copy(update={**update, **describe_evidence(evidence, confidence)})

    def follow(self, located: Iterable[_Located]) -> Iterator[_Located]:
        """Yield the entries whose place still exists, with its new path."""
        for one in located:
            field: str = one.field
            places = (field, *FieldRef(field).parents)
            path = next((place for place in places if place in self.moved), field)
            new = self.moved.get(path, path)
            if new is not None:
                yield (
                    one.model_copy(update={"field": new + field[len(path) :]})
                    if new != path
                    else one
                )

    def _add_absence(self, path: str, evidence: Iterable[Evidence]) -> None:
        searched = tuple(dict.fromkeys(piece.section for piece in evidence))
        self.absences.append(
            Absence(field=path, reason=AbsenceReason.LOW_CONFIDENCE, sections=searched)
        )
