"""Drop values below a confidence from a finished extraction, and keep the rest consistent."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

from extractor.concepts.provenance import describe_evidence
from extractor.schemas import (
    Absence,
    AbsenceReason,
    CustomItem,
    Evidence,
    EvidenceKind,
    ExtractedItem,
    FieldRef,
    Finding,
    Task,
    TrialExtraction,
    list_fields,
)

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
_VALUES = {"eligibility", "dosing", "endpoints", "custom"}
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
    values = extraction.model_dump(include=_VALUES)
    kept = {name: sieve.keep(values[name], name) for name in values}
    _mend_groups(extraction, kept["eligibility"])
    absences = (*sieve.relocate(extraction.absences), *sieve.explain())
    findings = tuple(sieve.relocate(extraction.findings))
    others = {name: getattr(extraction, name) for name in type(extraction).model_fields}
    changed = others | kept | {"absences": absences, "findings": findings}
    return Sifted(TrialExtraction.model_validate(changed), sieve.places)


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
            kept = {
                name: self.keep(one, f"{path}.{name}")
                for name, one in value.items()
                if name != "evidence"
            }
            return self._describe(value, kept, path) if "evidence" in value else kept
        if isinstance(value, tuple):
            places = {place: f"{path}[{place}]" for place in range(len(value))}
            places = {n: at for n, at in places.items() if at not in self._dropped}
            if len(places) < len(value):
                self.places[path] = tuple(places)
            if value and not places:
                self._emptied.append(path)
            return tuple(self.keep(value[place], at) for place, at in places.items())
        return value

    def _describe(
        self, item: Mapping[str, Any], kept: dict[str, Any], path: str
    ) -> dict[str, Any]:
        """Return what is kept of an item, with the evidence of what stays. If any was dropped, the
        item is as sure as the least sure of its values.
        """
        if item.get("of"):
            kept["of"] = self.follow(item["of"])
        evidence: list[Evidence] = []
        confidence = 1.0
        for piece in item["evidence"]:
            place = self.follow(f"{path}.{piece['field']}")
            if place is None:
                continue
            name = place.removeprefix(f"{self.follow(path)}.")
            evidence.append(Evidence(**(piece | {"field": name})))
            if FieldRef(name).names[0] not in _PLACING:
                confidence = min(confidence, piece["confidence"] or confidence)
        if len(evidence) == len(item["evidence"]):
            return kept | {"evidence": evidence}
        return kept | describe_evidence(evidence, confidence)

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
            old = f"{old}.{name}".removeprefix(".")
            new = f"{new}.{name}".removeprefix(".")
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
                field = f"{place}.{name}".removeprefix(".")
                yield Absence(field=field, reason=AbsenceReason.LOW_CONFIDENCE)


def _mend_groups(before: TrialExtraction, eligibility: dict[str, Any]) -> None:
    """Put what was in a dropped group into the nearest kept group around it, or into none."""
    around = {group.id: group.parent for group in before.eligibility.groups}
    stays = {group["id"] for group in eligibility["groups"]}
    for key, members in (("parent", "groups"), ("group", "criteria")):
        for member in eligibility[members]:
            while member[key] and member[key] not in stays:
                member[key] = around.get(member[key])
