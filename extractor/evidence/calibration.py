"""Calibrate the confidences of readings to the observed accuracy on annotated records.

A confidence comes from these places, in this order, and from no other. No finding of the audit
changes one.

1. The estimate. A scorer gives the probability of its class, at most 0.995. Any other reader gives
   the number of its case in ``evidence/weights/measured.toml`` (``measured``), the least of several
   cases. Entries of ``rules/terms`` and the marks of ``parse/dosing`` lower it where their words
   are doubtful.
2. ``calibrate_record`` maps the estimate to the observed accuracy, by field
(``calibration.toml``). A regimen is as sure as its agent, a list of limits as its least sure
member. Where the structure of the text is in doubt, no reading that rests on it is more certain
than ``Draft.at_most`` states.
3. ``assemble/resolve.py`` takes it, or with a model's answer the accuracy of such pairs
   (``assemble/policy.toml``). ``MODEL_CONFIDENCE`` only stands in for an answer until then.
4. ``assemble`` lowers it: an age unlike the registered one (``items.py``), an amount beyond all
   that anybody is given (``dosing.py``), a value that its words do not support, or whose item is
   less sure (``provenance.py``).
5. An item is as sure as its least sure field; empty fields count, too.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache, lru_cache
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
_OF_PEOPLE = frozenset(
    {
        "eligibility.minimum_age",
        "eligibility.maximum_age",
        "eligibility.healthy_volunteers",
    }
)
"""Fields whose doubtful cases are too rare in gold for a curve: below its first knot, the
measured share is used.
"""
COUNTED = frozenset({"dosing.agent"})
"""Fields whose cases were counted on so many labelled items that no curve of the gold knows better;
the gold's pairs leave out the agents that nobody gives.
"""
OF_MEMBERS = frozenset({"eligibility.criteria.constraints"})
"""Lists that are as sure as their least sure member, and have a curve for empty ones alone."""
FOUND = "found"
NOTHING = "nothing"
"""The curves of a field: for values found, and for empty or False values."""


def calibrate_record(parsed: ParsedRecord) -> ParsedRecord:
    """Calibrate all confidences. Open readings, and readings of fields without a curve, stay
    unchanged.
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

    Below the knot of a curve that has only one, it falls in proportion: too few values are lower to
    measure their accuracy.

    >>> (
    ...     apply_curve(((0.5, 0.4), (0.9, 0.8)), 0.7),
    ...     apply_curve(((0.5, 0.4), (0.9, 0.8)), 1.0),
    ... )
    (0.6, 0.8)
    >>> apply_curve(((0.9, 0.8),), 0.45)
    0.4
    """
    stated_knots, right = zip(*curve, strict=True)
    share = float(np.interp(stated, stated_knots, right))
    if len(curve) == 1 and stated < stated_knots[0]:
        share *= stated / stated_knots[0]
    return round(share, 4)


def _calibrate(item: Draft) -> Draft:
    """Return an item with calibrated readings of the rules, of which none is more certain than
    ``Draft.at_most`` allows. A regimen is as surely as the signs of its agent say.
    """
    rules: dict[str, Reading[Any]] = {}
    for name, reading in item.rules.items():
        field = f"{item.group}.{name}"
        most = item.at_most.get(name, 1.0)
        confidence = min(_calibrate_value(field, reading), most)
        calibrated = _weigh_members(field, reading, most)
        if field in OF_MEMBERS and calibrated.sure:
            confidence = min(calibrated.sure)
        if confidence != calibrated.confidence:
            calibrated = replace(calibrated, confidence=confidence)
        rules[name] = calibrated
    if item.group == Task.DOSING:
        agent = item.rules["agent"]
        signs_of_agent = agent.signs[0][""]
        sure = weigh("dosing.regimens", signs_of_agent, agent.confidence)
        rules["stands"] = Reading(value=True, confidence=sure)
    return replace(item, rules=rules)


def _calibrate_value(field: str, reading: Reading[Any]) -> float:
    """Return the confidence of a value, or of a list as a whole: a single value of a weighed field
    by its signs, all others by the curve of their field.
    """
    is_list = isinstance(reading.value, tuple)
    if reading.signs and not is_list and is_weighed(field):
        return weigh(field, reading.signs[0][""], reading.confidence)
    curve = FOUND if reading.value else NOTHING
    return _confidence(field, curve, reading.confidence)


def _weigh_members(field: str, reading: Reading[Any], most: float) -> Reading[Any]:
    """Weigh each member of a list by itself, and the quotes that are parts of it.

    No member is more certain than ``most``, and no part more certain than its member: what a
    wrong time window is counted from is wrong, too. A single value, a reading without signs,
    and a field without weights stay as they are; so do the confidences of parts without weights.
    """
    is_list = isinstance(reading.value, tuple)
    if not reading.signs or not is_list or not is_weighed(field):
        return reading
    sure: list[float] = []
    sure_parts: list[dict[str, float]] = []
    parts_of_members = reading.list_sure_parts()
    for position, signs in enumerate(reading.signs):
        # the signs of the member itself have no name
        sure_of_member = min(weigh(field, signs[""], reading.confidence), most)
        parts = dict(parts_of_members[position])
        for name, signs_of_part in signs.items():
            field_of_part = f"{field}.{name}"
            if not is_weighed(field_of_part):
                continue
            estimate = estimate_part(reading, position, name)
            weight = weigh(field_of_part, signs_of_part, estimate)
            parts[name] = min(weight, sure_of_member)
        sure.append(sure_of_member)
        sure_parts.append(parts)
    return replace(reading, sure=tuple(sure), sure_parts=tuple(sure_parts))


def estimate_part(reading: Reading[Any], at: int, name: str) -> float:
    """Return the rules' own estimate of a quote that is a part of a member of a list.

    Args:
        reading: The list, before calibration.
        at: The position of the member.
        name: The name of the part. A part without an estimate of its own has the measured share of
            all parts of this name.
    """
    own = reading.list_sure_parts()[at].get(name)
    return measured("parts", name) if own is None else own


@lru_cache(maxsize=8192)
def _confidence(field: str, kind: str, stated: float) -> float:
    """Return a stated confidence as the share that was right, by the curve of a field.

    It stays as it is for a field without such a curve, for a field of ``COUNTED``, for an open
    reading, and for a fact about the participants below the curve's first knot.

    Args:
        field: The field: ``dosing.route``.
        kind: Which of its curves: ``FOUND`` or ``NOTHING``.
        stated: The confidence; 0 of an open reading.
    """
    if field in COUNTED:
        return stated
    curve = _curves().get(field, {}).get(kind)
    if not curve or not stated:
        return stated
    is_rare_case = field in _OF_PEOPLE and kind == FOUND and stated < curve[0][0]
    if is_rare_case:
        return stated
    return apply_curve(curve, stated)


@cache
def _curves() -> Mapping[str, Mapping[str, Curve]]:
    return tomllib.loads(CURVES.read_text("utf-8"))
