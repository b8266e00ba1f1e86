"""Calibrate the confidences of readings to the observed accuracy on annotated records.

A confidence is made in these steps. No finding of the audit changes it.

1. The estimate. A scorer gives the probability of its class, at most 0.995. Any other reader gives
   the number of its case in ``evidence/weights/measured.toml`` (``measured``), the lowest of
   several cases. Entries of ``rules/terms`` and the marks of ``concepts/doses`` lower it where
   their words are doubtful.
2. ``calibrate_record`` weighs a value by its named signs and its estimate
   (``evidence/weights/signs.toml``), a list member by member; some signs cap it
   (``evidence/signs.py``). Values of other fields get the observed accuracy of their estimate
   (``calibration.toml``). Where the structure of the text is in doubt, no reading that rests on it
   is more certain than ``Draft.at_most`` states.
3. ``concepts/resolve.py`` takes it or, with a model's answer, the accuracy of such pairs
   (``concepts/policy.toml``). ``MODEL_CONFIDENCE`` only stands in for an answer until then.
4. ``assembly/items.py`` lowers an age that differs from the registered one;
   ``concepts/provenance.py`` lowers a value that its words do not support, or whose item is less
   certain.
5. An item has the lowest confidence of its fields, empty ones included.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np

from extractor.evidence.drafts import Draft, Reading
from extractor.evidence.parsed import ParsedRecord
from extractor.evidence.scoring import measured
from extractor.evidence.signs import is_weighed, weigh
from extractor.schemas import Task

Curve = tuple[tuple[float, float], ...]
"""Pairs of stated confidence and share right, both rising."""
CURVES = files(__package__) / "calibration.toml"
OF_MEMBERS = frozenset(
    {"eligibility.criteria.constraints", "eligibility.criteria.time_windows"}
)
"""Lists that are as sure as their least sure member, and have a curve for empty ones alone."""
FOUND = "found"
NOTHING = "nothing"
"""The curves of a field: for values found, and for empty or False values."""


def calibrate_record(parsed: ParsedRecord) -> ParsedRecord:
    """Calibrate all confidences. Open readings, and readings of fields without weights and curves,
    stay unchanged.
    """
    return replace(
        parsed,
        whole=_calibrate(parsed.whole),
        criteria=tuple(map(_calibrate, parsed.criteria)),
        regimens=tuple(map(_calibrate, parsed.regimens)),
        outcomes=tuple(map(_calibrate, parsed.outcomes)),
    )


def apply_curve(curve: Curve, stated: float) -> float:
    """Return the calibrated confidence: linear between the knots of the curve, constant beyond
    them.

    >>> (
    ...     apply_curve(((0.5, 0.4), (0.9, 0.8)), 0.7),
    ...     apply_curve(((0.5, 0.4), (0.9, 0.8)), 1.0),
    ... )
    (0.6, 0.8)
    """
    knots, shares = zip(*curve, strict=True)
    return round(float(np.interp(stated, knots, shares)), 4)


def _calibrate(item: Draft) -> Draft:
    """Return an item with calibrated readings of the rules, of which none is more certain than
    ``Draft.at_most`` allows. A regimen is as sure as the signs of its agent say.
    """
    rules: dict[str, Reading[Any]] = {}
    for name, reading in item.rules.items():
        most = item.at_most.get(name, 1.0)
        rules[name] = _calibrate_reading(f"{item.group}.{name}", reading, most)
    if item.group == Task.DOSING:
        agent = item.rules["agent"]
        sure = weigh("dosing.regimens", agent.signs[0][""], agent.confidence)
        rules["stands"] = Reading(value=True, confidence=sure)
    return replace(item, rules=rules)


def _calibrate_reading(field: str, reading: Reading[Any], most: float) -> Reading[Any]:
    """Return a reading with its calibrated confidence, and with those of the members of a list, of
    which none is above ``most``.
    """
    is_list = isinstance(reading.value, tuple)
    if not reading.signs or not is_weighed(field):
        confidence = _follow_curve(field, reading)
    elif not is_list:
        confidence = weigh(field, reading.signs[0][""], reading.confidence)
    else:
        confidence = _follow_curve(field, reading)
        reading = _weigh_members(field, reading, most)
        if field in OF_MEMBERS:
            confidence = min(reading.sure)
    return replace(reading, confidence=min(confidence, most))


def _follow_curve(field: str, reading: Reading[Any]) -> float:
    """Return the confidence by the curve of a field; as stated without one."""
    curve = _read_curves().get(field, {}).get(FOUND if reading.value else NOTHING)
    if curve is None or reading.is_open:
        return reading.confidence
    return apply_curve(curve, reading.confidence)


def _weigh_members(field: str, reading: Reading[Any], most: float) -> Reading[Any]:
    """Weigh each member of a list by itself, and the quotes that are parts of it.

    No member is more certain than ``most``, and no part more certain than its member: what a
    wrong time window is counted from is wrong, too. Parts without weights keep their confidences.
    """
    sure: list[float] = []
    sure_parts: list[dict[str, float]] = []
    for position, signs in enumerate(reading.signs):
        # the signs of the member itself have no name
        member = min(weigh(field, signs[""], reading.confidence), most)
        parts = dict(reading.list_sure_parts()[position])
        for name, signs_of_part in signs.items():
            if is_weighed(f"{field}.{name}"):
                estimate = estimate_part(reading, position, name)
                weight = weigh(f"{field}.{name}", signs_of_part, estimate)
                parts[name] = min(weight, member)
        sure.append(member)
        sure_parts.append(parts)
    return replace(reading, sure=tuple(sure), sure_parts=tuple(sure_parts))


def estimate_part(reading: Reading[Any], at: int, name: str) -> float:
    """Return the rules' own estimate of a quote that is a part of a member of a list, before
    calibration: of a part without one, the measured share of all parts of this name.

    Args:
        reading: The list.
        at: The position of the member.
        name: The name of the part.
    """
    own = reading.list_sure_parts()[at].get(name)
    return measured("parts", name) if own is None else own


@cache
def _read_curves() -> Mapping[str, Mapping[str, Curve]]:
    return tomllib.loads(CURVES.read_text("utf-8"))
