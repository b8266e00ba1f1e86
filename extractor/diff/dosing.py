"""Compare what is given: agents, amounts, routes, frequencies, cycles and durations."""

from collections import Counter
from collections.abc import Hashable, Iterator
from typing import Any

from extractor.evaluation.alignment import KINDS
from extractor.evaluation.comparers import COMPARERS
from extractor.schemas import Comparison, Regimen, Role, TrialExtraction

from .changes import ChangeKind, ChangeSeverity, StatedValue, TrialChange
from .criteria import cite_field
from .pairing import Paired, Placed, pair_versions
from .wording import read_wording

_KIND = KINDS["dosing"]
_FIELDS = {
    "amounts": Comparison.AMOUNT,
    "route": Comparison.CHOICE,
    "frequency": Comparison.FREQUENCY,
    "cycle": Comparison.TIME,
    "duration": Comparison.TIME,
}
_DECISIVE = frozenset({"amounts", "route", "frequency"})
_STUDIED = frozenset({None, Role.INVESTIGATIONAL, Role.COMPARATOR, Role.CONDITIONING})
"""Roles whose doses belong to what the trial compares."""


def pair_regimens(old: TrialExtraction, new: TrialExtraction) -> list[Paired[Regimen]]:
    """Pair the regimens of two versions. One that the other version states too, elsewhere, is left out."""

    def measure(one: Placed[Regimen], other: Placed[Regimen]) -> float:
        if not one.wording.words & other.wording.words:
            return 0.0
        return _KIND.likeness(one.item, other.item) + 0.1 * (_key(one.item) == _key(other.item))

    before, after = _place(old), _place(new)
    stated = [{_key(placed.item) for placed in side} for side in (before, after)]
    pairs = pair_versions(before, after, measure, _KIND.threshold)
    return [
        pair
        for pair in pairs
        if (pair.old and pair.new) or _key((pair.old or pair.new)[0].item) not in stated[bool(pair.old)]
    ]


def _place(extraction: TrialExtraction) -> list[Placed[Regimen]]:
    return [Placed(f"dosing[{n}]", one, read_wording(one.agent)) for n, one in enumerate(extraction.dosing)]


def _key(regimen: Regimen) -> tuple[Hashable, ...]:
    agent = frozenset(read_wording(regimen.agent).spoken)
    return agent, *(frozenset(_normalise(name, getattr(regimen, name)).items()) for name in _FIELDS)


def _normalise(name: str, value: Any) -> Counter[Hashable]:
    comparer = COMPARERS[_FIELDS[name]]
    return Counter(map(comparer.key, comparer.spread(value)))


def compare_regimen(pair: Paired[Regimen]) -> Iterator[TrialChange]:
    """Yield the changes of one regimen."""
    if not pair.old or not pair.new:
        kind = ChangeKind.ADDED if pair.new else ChangeKind.REMOVED
        placed = (pair.new or pair.old)[0]
        old, new = ([_state(one, None) for one in side] for side in (pair.old, pair.new))
        dose = _show("amounts", placed.item.amounts) if placed.item.amounts else ""
        message = " ".join(filter(None, (placed.item.agent, dose, kind.value)))
        yield TrialChange(
            item="regimen",
            kind=kind,
            severity=_rate(placed.item),
            message=message,
            old=old[0] if old else None,
            new=new[0] if new else None,
        )
        return
    before, after = pair.old[0], pair.new[0]
    for name in _FIELDS:
        values = [getattr(one.item, name) for one in (before, after)]
        if _normalise(name, values[0]) == _normalise(name, values[1]):
            continue
        decided = name in _DECISIVE and all(values)
        shown = [_show(name, value) for value in values]
        yield TrialChange(
            item="regimen",
            kind=ChangeKind.CHANGED,
            severity=_rate(after.item) if decided else ChangeSeverity.MINOR,
            field=name,
            message=f"{after.item.agent}, {name.rstrip('s')}: {shown[0]} -> {shown[1]}",
            old=_state(before, name),
            new=_state(after, name),
        )


def _rate(regimen: Regimen) -> ChangeSeverity:
    return ChangeSeverity.MAJOR if regimen.role in _STUDIED else ChangeSeverity.MINOR


def _state(placed: Placed[Regimen], name: str | None) -> StatedValue:
    dumped = placed.item.model_dump(mode="json")
    citations = cite_field(placed.item.evidence, *filter(None, (name, "quote", "agent")))
    if name is None:
        return StatedValue(path=placed.path, value=placed.item.quote, citations=citations)
    return StatedValue(path=f"{placed.path}.{name}", value=dumped[name], citations=citations)


def _show(name: str, value: Any) -> str:
    if not value:
        return "not stated"
    if name == "amounts":
        return ", ".join(_show_amount(one.low, one.high, one.unit) for one in value)
    return str(value) if isinstance(value, str) else f"{value.value} {value.unit}"


def _show_amount(low: float | None, high: float | None, unit: str) -> str:
    numbers = dict.fromkeys(f"{one:,}" if one < 1e7 else f"{one:g}" for one in (low, high) if one is not None)
    return f"{'up to ' if low is None else ''}{'-'.join(numbers)} {unit}"
