"""Drop values below a minimum confidence, and keep the remaining extraction consistent."""

import re
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from extractor.assembly.provenance import describe_evidence
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
from extractor.schemas.base import JsonObject

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
"""Fields that state no value: positions, such as the groups of criteria, and marks such as
``has_exception``.
"""
_POSITION = re.compile(r"\[(\d+)\]")
_MEMBER = re.compile(r"(.+)\[(\d+)\]")
"""Matches the path of a member of a list."""
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
    dropped = find_doubtful(extraction, minimum)
    if not dropped:
        return extraction
    sieve = _Sieve(dropped)
    values = extraction.model_dump(include=_VALUES)
    kept = {name: sieve.keep(values[name], name) for name in values}
    _mend_groups(extraction, kept["eligibility"])
    absences = (*sieve.relocate(extraction.absences), *sieve.absences)
    findings = tuple(sieve.relocate(extraction.findings))
    fields = {name: getattr(extraction, name) for name in type(extraction).model_fields}
    changed = fields | kept | {"absences": absences, "findings": findings}
    return TrialExtraction.model_validate(changed)


def find_doubtful(extraction: TrialExtraction, minimum: float) -> set[str]:
    """Return the paths of the values that ``drop_doubtful`` drops."""
    dropped = set[str]()
    for path, item in extraction.list_items():
        dropped.update(_list_doubtful(path, item, minimum))
        # a value of a custom field cannot stay without the item that it describes
        if isinstance(item, CustomItem) and item.of in dropped:
            dropped.add(path)
    return dropped


def _list_doubtful(path: str, item: ExtractedItem, minimum: float) -> Iterator[str]:
    """Yield the paths of an item's doubtful values: fields, members of lists, and their parts. A
    doubtful part that the value needs, such as a limit's condition (``_CARRIED``), makes the whole
    value doubtful. If a required field is doubtful, the path of the item is included. The value of
    a custom field is treated as doubtful as a whole.
    """
    if isinstance(item, CustomItem):
        if item.confidence is not None and item.confidence < minimum:
            yield path
        return
    for piece in item.evidence:
        if piece.confidence is None:
            continue
        if piece.confidence >= minimum:
            continue
        # an exception in doubt still qualifies the values around it
        if piece.field in _PLACING:
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
    """Drops values, and finds the new positions of the remaining values.

    Attributes:
        absences: The absences of the fields that became empty.
    """

    def __init__(self, dropped: set[str]) -> None:
        self.absences: list[Absence] = []
        self._dropped = dropped
        self._lost = defaultdict[str, list[int]](list)
        for member in filter(None, map(_MEMBER.fullmatch, dropped)):
            insort(self._lost[member[1]], int(member[2]))

    def keep(self, value: Any, path: str) -> Any:
        """Return the remaining part of the value at a path."""
        if path in self._dropped:
            self._explain(path)
            return None
        if isinstance(value, dict):
            kept = {
                name: self.keep(member, f"{path}.{name}")
                for name, member in value.items()
                if name != "evidence"
            }
            if "evidence" in value:
                return kept | self._describe(value, path)
            return kept
        if not isinstance(value, tuple):
            return value
        places = {f"{path}[{at}]": member for at, member in enumerate(value)}
        # the list is empty because its members were doubtful, not because none is stated
        if places and self._dropped.issuperset(places):
            self._explain(path)
        return tuple(
            self.keep(member, place)
            for place, member in places.items()
            if place not in self._dropped
        )

    def _describe(self, item: Mapping[str, Any], path: str) -> JsonObject:
        """Return the remaining evidence of an item and, for the value of a custom field, the new
        path of the item to which it belongs (``of``). If evidence was dropped, the item's
        confidence becomes the lowest confidence of its remaining values.
        """
        described: JsonObject = {}
        if item.get("of"):
            described["of"] = self._follow(item["of"])
        evidence: list[Evidence] = []
        confidence = 1.0
        for piece in item["evidence"]:
            place = self._follow(f"{path}.{piece['field']}")
            if place is None:
                continue
            name = place.removeprefix(f"{self._follow(path)}.")
            evidence.append(Evidence(**(piece | {"field": name})))
            # the place of an item says nothing of its values
            if FieldRef(name).names[0] not in _PLACING:
                confidence = min(confidence, piece["confidence"] or confidence)
        if len(evidence) == len(item["evidence"]):
            return described | {"evidence": evidence}
        return described | describe_evidence(evidence, confidence)

    def _follow(self, path: str) -> str | None:
        """Return the new path of the value at an old path, or None if the value or a parent was
        dropped.
        """
        if self._dropped.isdisjoint((path, *FieldRef(path).parents)):
            return _POSITION.sub(self._move, path)
        return None

    def _move(self, position: re.Match[str]) -> str:
        """Return the new position of a member of a list, given the old one in a path."""
        lost = self._lost[position.string[: position.start()]]
        old = int(position[1])
        return f"[{old - bisect_left(lost, old)}]"

    def relocate(self, located: Iterable[_LocatedT]) -> Iterator[_LocatedT]:
        """Yield the absences or findings whose paths still exist, with their new paths."""
        for entry in located:
            path = self._follow(entry.field)
            if path is not None:
                yield entry.model_copy(update={"field": path})

    def _explain(self, path: str) -> None:
        """Add an absence for the field at an old path, which became empty, unless it is part of a
        member of a nested list, such as ``eligibility.criteria[0].time_windows[1].anchor``.
        """
        if path.count("[") < 2:
            field = _POSITION.sub(self._move, path)
            reason = AbsenceReason.LOW_CONFIDENCE
            self.absences.append(Absence(field=field, reason=reason))


def _mend_groups(before: TrialExtraction, eligibility: JsonObject) -> None:
    """Move the members of each dropped group to the innermost remaining group that contained it, if
    any.
    """
    parents = {group.id: group.parent for group in before.eligibility.groups}
    remaining = {group["id"] for group in eligibility["groups"]}
    for key, members in (("parent", "groups"), ("group", "criteria")):
        for member in eligibility[members]:
            while member[key] and member[key] not in remaining:
                member[key] = parents.get(member[key])
