"""Drop values below a minimum confidence, and keep the remaining extraction consistent."""

from collections.abc import Iterable, Iterator, Mapping, Set
from typing import Any, TypeVar

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
"""Parts whose removal causes the whole value to be dropped, because the rest would be too general:
a limit without its condition would apply to everybody. A time window is kept without its other
quotes.
"""
_PLACING = {
    info.name
    for task in Task
    for info in list_fields(task)
    if info.evidence is EvidenceKind.NONE
}
"""Fields that describe positions, such as the groups of criteria."""
_VALUES = {"eligibility", "dosing", "endpoints", "custom"}
"""The fields of an extraction that contain values."""


def drop_doubtful(extraction: TrialExtraction, minimum: float) -> TrialExtraction:
    """Return the extraction without the values whose confidence is below ``minimum``, a
    probability from 0 to 1.

    A dropped field becomes empty, with the absence reason ``low_confidence``. Members of a list
    are dropped individually. If a required field, such as a criterion's quote, is dropped, its
    item is also dropped. The paths of absences and findings are updated if their values remain;
    otherwise, the absences and findings are dropped. Coverage and usage do not change. Values
    without evidence, such as gold annotations, remain. If nothing is dropped, the same object is
    returned.
    """
    remaining, _ = sift_doubtful(extraction, minimum)
    return remaining


def sift_doubtful(
    extraction: TrialExtraction, minimum: float
) -> tuple[TrialExtraction, Mapping[str, tuple[int, ...]]]:
    """Return the result of ``drop_doubtful``, and the old positions of the remaining members of
    each list that lost members, keyed by the list's old path.
    """
    dropped = set[str]()
    for path, item in extraction.list_items():
        dropped.update(_list_doubtful(path, item, minimum))
        if isinstance(item, CustomItem) and item.of in dropped:
            dropped.add(path)
    if not dropped:
        return extraction, {}
    sieve = _Sieve(dropped)
    values = extraction.model_dump(include=_VALUES)
    kept = {name: sieve.keep(values[name], name, name) for name in values}
    _mend_groups(extraction, kept["eligibility"])
    absences = (*sieve.relocate(extraction.absences), *sieve.absences)
    findings = tuple(sieve.relocate(extraction.findings))
    fields = {name: getattr(extraction, name) for name in type(extraction).model_fields}
    changed = fields | kept | {"absences": absences, "findings": findings}
    return TrialExtraction.model_validate(changed), sieve.places


def _list_doubtful(path: str, item: ExtractedItem, minimum: float) -> Iterator[str]:
    """Yield the paths of an item's doubtful values: fields, members of lists, and their parts. If
    a required field is doubtful, the path of the item is included. The value of a custom field is
    treated as doubtful as a whole.
    """
    if isinstance(item, CustomItem):
        if item.confidence is not None and item.confidence < minimum:
            yield path
        return
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


class _Sieve:
    """Drops values, and tracks the new positions of the remaining values.

    Attributes:
        places: The old positions of the remaining members of each list that lost members, keyed by
            the list's old path.
        absences: The absences of the fields that became empty.
    """

    def __init__(self, dropped: Set[str]) -> None:
        self.places: dict[str, tuple[int, ...]] = {}
        self.absences: list[Absence] = []
        self._dropped = dropped
        self._moved: dict[str, str] = {}

    def keep(self, value: Any, old_path: str, new_path: str) -> Any:
        """Return the remaining part of a value, which moves from the path ``old_path`` to the path
        ``new_path``.
        """
        if old_path in self._dropped:
            self._explain(new_path)
            return None
        self._moved[old_path] = new_path
        if isinstance(value, dict):
            kept = {
                name: self.keep(member, f"{old_path}.{name}", f"{new_path}.{name}")
                for name, member in value.items()
                if name != "evidence"
            }
            if "evidence" in value:
                kept |= self._describe(value, old_path, new_path)
            return kept
        if not isinstance(value, tuple):
            return value
        remaining = [
            at for at in range(len(value)) if f"{old_path}[{at}]" not in self._dropped
        ]
        if len(remaining) < len(value):
            self.places[old_path] = tuple(remaining)
            if not remaining:
                self._explain(new_path)
        return tuple(
            self.keep(
                value[old_position],
                f"{old_path}[{old_position}]",
                f"{new_path}[{new_position}]",
            )
            for new_position, old_position in enumerate(remaining)
        )

    def _describe(
        self, item: Mapping[str, Any], old_path: str, new_path: str
    ) -> dict[str, Any]:
        """Return the remaining evidence of an item and, for the value of a custom field, the new
        path of the item to which it belongs (``of``). If evidence was dropped, the item's
        confidence becomes the lowest confidence of its remaining values.
        """
        described: dict[str, Any] = {}
        if item.get("of"):
            described["of"] = self._follow(item["of"])
        evidence: list[Evidence] = []
        confidence = 1.0
        for piece in item["evidence"]:
            place = self._follow(f"{old_path}.{piece['field']}")
            if place is None:
                continue
            name = place.removeprefix(f"{new_path}.")
            evidence.append(Evidence(**(piece | {"field": name})))
            if FieldRef(name).names[0] not in _PLACING:
                confidence = min(confidence, piece["confidence"] or confidence)
        if len(evidence) == len(item["evidence"]):
            return described | {"evidence": evidence}
        return described | describe_evidence(evidence, confidence)

    def _follow(self, path: str) -> str | None:
        """Return the new path of the value at an old path, or None if the value or a parent was
        dropped.
        """
        enclosing = (path, *FieldRef(path).parents)
        if not self._dropped.isdisjoint(enclosing):
            return None
        for place in enclosing:
            if place in self._moved:
                return self._moved[place] + path[len(place) :]
        return path

    def relocate(self, located: Iterable[_LocatedT]) -> Iterator[_LocatedT]:
        """Yield the absences or findings whose paths still exist, with their new paths."""
        for entry in located:
            path = self._follow(entry.field)
            if path is not None:
                yield entry.model_copy(update={"field": path})

    def _explain(self, path: str) -> None:
        """Add an absence for an empty field, unless the field is part of a member of a nested
        list, such as ``eligibility.criteria[0].time_windows[1].anchor``.
        """
        if path.count("[") < 2:
            reason = AbsenceReason.LOW_CONFIDENCE
            self.absences.append(Absence(field=path, reason=reason))


def _mend_groups(before: TrialExtraction, eligibility: dict[str, Any]) -> None:
    """Move the members of each dropped group to the innermost remaining group that contained it, if
    any.
    """
    parents = {group.id: group.parent for group in before.eligibility.groups}
    remaining = {group["id"] for group in eligibility["groups"]}
    for key, members in (("parent", "groups"), ("group", "criteria")):
        for member in eligibility[members]:
            while member[key] and member[key] not in remaining:
                member[key] = parents.get(member[key])
