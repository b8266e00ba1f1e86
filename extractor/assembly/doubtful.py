"""Drop values below a confidence from a finished extraction, and keep the rest consistent."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel

from extractor.concepts.provenance import describe_evidence
from extractor.schemas import (
    Absence,
    AbsenceReason,
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

_ModelT = TypeVar("_ModelT", bound=BaseModel)
_LocatedT = TypeVar("_LocatedT", Absence, Finding)
_CARRIED = ("condition", "arms", "lead_in", "rule")
"""Parts without which a value would be too general: a limit without its condition would apply to
everybody. A time window can do without its other quotes.
"""
_PLACING = {
    info.name
    for task in Task
    for info in list_fields(task)
    if info.metadata.evidence is EvidenceKind.NONE
}
"""Fields that locate something, such as the groups of criteria."""
_VALUES = ("eligibility", "dosing", "endpoints", "custom")
"""The fields of an extraction that have values."""


class Sifted(NamedTuple):
    """An extraction without its doubtful values.

    Attributes:
        extraction: What remains.
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
    """Return what ``drop_doubtful`` returns, and where the members of its lists were before."""
    # in the order in which they were found, so that absences are, too
    dropped = dict.fromkeys(_list_doubtful(extraction, minimum))
    for path, item in extraction.list_items():
        if isinstance(item, CustomItem) and item.of in dropped:
            dropped[path] = None
    if not dropped:
        return Sifted(extraction, {})
    sieve = _Sieve(dropped)
    changed = {name: sieve.keep(getattr(extraction, name), name) for name in _VALUES}
    changed["eligibility"] = _mend_groups(
        extraction.eligibility, changed["eligibility"]
    )
    changed["absences"] = (
        *sieve.relocate(extraction.absences),
        *sieve.explain(),
    )
    changed["findings"] = tuple(sieve.relocate(extraction.findings))
    return Sifted(extraction.model_copy(update=changed), sieve.places)


def _list_doubtful(extraction: TrialExtraction, minimum: float) -> Iterator[str]:
    """Yield the paths of the doubtful values: fields, members of lists, their parts, and whole
    items that require a doubtful field. A value of a custom field is doubtful as a whole.
    """
    for path, item in extraction.list_items():
        if isinstance(item, CustomItem):
            if item.confidence is not None and item.confidence < minimum:
                yield path
            continue
        for piece in item.evidence:
            if piece.confidence is None or piece.confidence >= minimum:
                continue
            member, _, part = piece.field.partition(".")
            if part and part not in _CARRIED:
                yield f"{path}.{piece.field}"
                continue
            yield f"{path}.{member}"
            name = FieldRef(member).path
            if type(item).model_fields[name].is_required():
                yield path
            yield from _list_unproven(item, path, name)


def _list_unproven(item: ExtractedItem, path: str, name: str) -> Iterator[str]:
    """Yield the members of a list that have no evidence of their own: they were read together with
    the others, and are as doubtful.
    """
    value = getattr(item, name)
    proven = {piece.field.partition(".")[0] for piece in item.evidence}
    for position in range(len(value) if isinstance(value, tuple) else 0):
        member = f"{name}[{position}]"
        if member not in proven:
            yield f"{path}.{member}"


class _Sieve:
    """Drops values. All paths are those of the extraction before.

    Attributes:
        places: For each list that lost members, the old positions of the members that stay.
    """

    def __init__(self, dropped: Collection[str]) -> None:
        self.places: dict[str, tuple[int, ...]] = {}
        self._dropped = dropped
        self._emptied: list[str] = []

    def keep(self, value: Any, path: str) -> Any:
        """Return what remains of the value at a path."""
        if path in self._dropped:
            self._emptied.append(path)
            return None
        if isinstance(value, dict):
            return {
                name: self.keep(one, f"{path}.{name}") for name, one in value.items()
            }
        if isinstance(value, tuple):
            kept = [
                place
                for place in range(len(value))
                if f"{path}[{place}]" not in self._dropped
            ]
            if len(kept) < len(value):
                self.places[path] = tuple(kept)
            if value and not kept:
                self._emptied.append(path)
            return tuple(self.keep(value[place], f"{path}[{place}]") for place in kept)
        if isinstance(value, BaseModel):
            return self._keep_model(value, path)
        return value

    def _keep_model(self, model: _ModelT, path: str) -> _ModelT:
        """Return a model without what is dropped of it."""
        if not any(name.startswith(f"{path}.") for name in self._dropped):
            if isinstance(model, CustomItem):
                return model.model_copy(update={"of": self.follow(model.of or "")})
            return model
        update: dict[str, Any] = {}
        for name in type(model).model_fields:
            if name in ExtractedItem.model_fields:
                continue
            update[name] = self.keep(getattr(model, name), f"{path}.{name}")
        if isinstance(model, ExtractedItem):
            update |= self._describe(model, path)
        return model.model_copy(update=update)

    def _describe(self, model: ExtractedItem, path: str) -> dict[str, Any]:
        """Return the evidence of what stays of an item, and how sure the item is for it: as sure as
        the least sure of its values, but never more certain than an empty field made it.
        """
        evidence: list[Evidence] = []
        for piece in model.evidence:
            place = self.follow(f"{path}.{piece.field}")
            if place is not None:
                field = place.removeprefix(f"{self.follow(path)}.")
                evidence.append(piece.model_copy(update={"field": field}))
        if evidence == list(model.evidence):
            return {}
        confidence = model.confidence
        if confidence is None or confidence >= min(_list_sure(model.evidence)):
            names = [(FieldRef(piece.field).names[0], piece) for piece in evidence]
            values = [piece for name, piece in names if name not in _PLACING]
            confidence = min(_list_sure(values), default=1.0)
        return describe_evidence(evidence, confidence)

    def follow(self, path: str) -> str | None:
        """Return where the value of a path is now; None if it was dropped, or what it is part
        of.

        >>> sieve = _Sieve({"dosing[0]"})
        >>> sieve.places["dosing"] = (1, 2)
        >>> sieve.follow("dosing[2].amounts[0]"), sieve.follow("dosing[0].route")
        ('dosing[1].amounts[0]', None)
        """
        old = ""
        new = ""
        for name, place in FieldRef(path).steps:
            old += f".{name}" if old else name
            new += f".{name}" if new else name
            if old in self._dropped or self.places.get(old) == ():
                return None
            if place is None:
                continue
            kept = self.places.get(old, range(place + 1))
            if place not in kept:
                return None
            old += f"[{place}]"
            new += f"[{kept.index(place)}]"
        return new

    def relocate(self, located: Iterable[_LocatedT]) -> Iterator[_LocatedT]:
        """Yield the absences or findings whose place still exists, with its new path."""
        for one in located:
            path = self.follow(one.field)
            if path is not None:
                yield one.model_copy(update={"field": path})

    def explain(self) -> Iterator[Absence]:
        """Yield the reason of each field that became empty in what remains."""
        for path in self._emptied:
            around, _, name = path.rpartition(".")
            place = self.follow(around)
            # neither an item or member as a whole, nor a part of a member
            is_field = path.count("[") < 2 and not path.endswith("]")
            if place is not None and is_field:
                field = f"{place}.{name}" if place else name
                yield Absence(field=field, reason=AbsenceReason.LOW_CONFIDENCE)


def _list_sure(evidence: Iterable[Evidence]) -> list[float]:
    return [piece.confidence for piece in evidence if piece.confidence is not None]


def _mend_groups(before: Eligibility, after: Eligibility) -> Eligibility:
    """Put what was in a dropped group into the nearest kept group around it, or into none."""
    around = {group.id: group.parent for group in before.groups}
    stays = {group.id for group in after.groups}

    def find_kept(name: str | None) -> str | None:
        while name and name not in stays:
            name = around.get(name)
        return name

    groups = [
        group.model_copy(update={"parent": find_kept(group.parent)})
        for group in after.groups
    ]
    criteria = [
        criterion.model_copy(update={"group": find_kept(criterion.group)})
        for criterion in after.criteria
    ]
    return after.model_copy(
        update={"groups": tuple(groups), "criteria": tuple(criteria)}
    )
