"""How sure the values of an item are together, and an extraction without those that are not sure enough."""

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any, TypeVar

from extractor.schemas import Absence, AbsenceReason, Evidence, Finding, Item, Origin, Support, TrialExtraction

__all__ = ["describe_provenance", "drop_doubtful"]

ItemT = TypeVar("ItemT", bound=Item)
_Located = TypeVar("_Located", Absence, Finding)

_STRENGTH = list(Support)
_LAST_STEP = re.compile(r"(?:\.\w+|\[\d+\])$")


def describe_provenance(
    evidence: Sequence[Evidence | Mapping[str, Any]], origins: Set[Origin], supports: Set[Support], confidence: float
) -> dict[str, Any]:
    """An item's own fields of provenance, given the origins and the kinds of support among its evidence."""
    return {
        "evidence": tuple(evidence),
        "origin": next(iter(origins)) if len(origins) == 1 else Origin.BOTH if origins else None,
        "support": max(supports, key=_STRENGTH.index) if supports else None,
        "confidence": confidence,
    }


def drop_doubtful(extraction: TrialExtraction, minimum: float) -> TrialExtraction:
    """The extraction without values whose evidence is less sure than ``minimum``.

    Such a field becomes empty, and an absence with the reason ``low_confidence`` says so. Members of a list go one by
    one. An item goes as a whole with a field that it cannot lack, such as a criterion's quote or a regimen's agent.
    Absences and findings of what is left follow it to its new place, and those of what goes are dropped. Coverage and
    usage still tell of all that was read. What has no evidence, such as gold, stays.
    """
    if minimum <= 0:
        return extraction
    dropping = _Dropping(minimum)
    people = dropping.thin(extraction.eligibility, "eligibility", "eligibility") or extraction.eligibility
    criteria = dropping.thin_all(extraction.eligibility.criteria, "eligibility.criteria")
    regimens = dropping.thin_all(extraction.dosing, "dosing")
    endpoints = dropping.thin_all(extraction.endpoints, "endpoints")
    if not dropping.moved:
        return extraction
    return extraction.model_copy(
        update={
            "eligibility": people.model_copy(update={"criteria": criteria}),
            "dosing": regimens,
            "endpoints": endpoints,
            "absences": (*_follow(extraction.absences, dropping.moved), *dropping.absences),
            "findings": tuple(_follow(extraction.findings, dropping.moved)),
        }
    )


class _Dropping:
    """Drops doubtful values. ``moved`` has the new paths of what stands elsewhere now, None for what is gone."""

    def __init__(self, minimum: float) -> None:
        self._minimum = minimum
        self.moved: dict[str, str | None] = {}
        self.absences: list[Absence] = []

    def thin_all(self, items: tuple[ItemT, ...], path: str) -> tuple[ItemT, ...]:
        """The items that are left of a list."""
        kept: list[ItemT] = []
        for place, item in enumerate(items):
            before, after = f"{path}[{place}]", f"{path}[{len(kept)}]"
            left = self.thin(item, before, after)
            if left is None:
                self.moved[before] = None
                continue
            if before != after:
                self.moved[before] = after
            kept.append(left)
        if items and not kept:
            self._note_absence(path, [piece for item in items for piece in item.evidence])
        return tuple(kept)

    def thin(self, item: ItemT, before: str, after: str) -> ItemT | None:
        """What is left of an item, None if that cannot be one. ``before`` and ``after`` are its paths."""
        least: dict[str, float] = {}
        for piece in item.evidence:
            if piece.confidence is not None:
                least[piece.field] = min(least.get(piece.field, 1.0), piece.confidence)
        doubtful = {field for field, confidence in least.items() if confidence < self._minimum}
        names = list(dict.fromkeys(field.partition("[")[0] for field in least if field in doubtful))
        if not names:
            return item
        if any(type(item).model_fields[name].is_required() for name in names):
            return None
        sure = {piece.field for piece in item.evidence} - doubtful
        update: dict[str, Any] = {}
        places: dict[str, str | None] = {}
        for name in names:
            value = getattr(item, name)
            # A member without evidence of its own was read together with the others, and is no surer.
            kept = [place for place in range(len(value)) if f"{name}[{place}]" in sure] if type(value) is tuple else []
            update[name] = tuple(value[place] for place in kept) if type(value) is tuple else None
            if type(value) is tuple:
                places |= dict.fromkeys(f"{name}[{place}]" for place in range(len(value)))
                places |= {f"{name}[{place}]": f"{name}[{new}]" for new, place in enumerate(kept)}
            if not kept:
                places[name] = None
                self._note_absence(f"{after}.{name}", [p for p in item.evidence if p.field.partition("[")[0] == name])
        self.moved |= {f"{before}.{old}": new and f"{after}.{new}" for old, new in places.items()}
        moved = ((piece, places.get(piece.field, piece.field)) for piece in item.evidence)
        evidence = [piece.model_copy(update={"field": field}) for piece, field in moved if field]
        origins, supports = {piece.origin for piece in evidence}, {piece.support for piece in evidence}
        provenance = describe_provenance(evidence, origins, supports, _weigh(item, least, evidence))
        return item.model_copy(update={**update, **provenance})

    def _note_absence(self, path: str, evidence: Iterable[Evidence]) -> None:
        searched = tuple(dict.fromkeys(piece.section for piece in evidence))
        self.absences.append(Absence(field=path, reason=AbsenceReason.LOW_CONFIDENCE, sections=searched))


def _weigh(item: Item, before: Mapping[str, float], left: Iterable[Evidence]) -> float:
    """The least confidence of what is left. A field that is surely or likely empty has none in its evidence: where it
    was the least sure of all, it still is.
    """
    if item.confidence is not None and item.confidence < min(before.values()):
        return item.confidence
    return min((piece.confidence for piece in left if piece.confidence is not None), default=1.0)


def _follow(located: Iterable[_Located], moved: Mapping[str, str | None]) -> Iterable[_Located]:
    """Those that speak of something that is still there, with its new path."""
    for one in located:
        path = one.field
        while path not in moved and (step := _LAST_STEP.search(path)):
            path = path[: step.start()]
        if path not in moved:
            yield one
        elif (new := moved[path]) is not None:
            yield one.model_copy(update={"field": new + one.field[len(path) :]})
