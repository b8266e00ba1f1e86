"""Calibrate the confidences of readings to the observed accuracy on annotated records.

A confidence is computed in these steps. Audit findings do not change it.

1. The reader estimates it. A scorer uses the probability of its class, capped at 0.995. Limits
   start from constants (``concepts/limits/criterion.py``), and so do the agents of regimens
   (``concepts/doses/drafts.py``). Values that are linked to an agent, such as amounts, start from
   the probability of the link (``concepts/doses/signs.py``). Most other readers look up their
   case in ``evidence/weights/measured.toml`` (``measured``) and use the lowest estimate if
   several cases apply. Entries in ``rules/terms`` and marks in ``concepts/doses`` lower the
   estimate if the words they match are ambiguous.
2. ``calibrate_record`` computes a value's confidence from its named signs and its estimate
   (``evidence/weights/signs.toml``); each member of a list is calibrated separately. Some signs
   cap the confidence. For fields without weights, the estimate is replaced
   by its observed accuracy (``calibration.toml``). If the structure of the text is doubtful,
   ``Draft.at_most`` caps every reading that depends on the structure.
3. ``concepts/resolve.py`` keeps this confidence or, if a model also answered, uses the observed
   accuracy of similar pairs of readings and answers (``concepts/policy.toml``). Until then, an
   answer has the placeholder ``MODEL_CONFIDENCE``.
4. ``assembly/items.py`` lowers the confidence of an age that differs from the registered age.
   ``concepts/provenance.py`` caps the values of an item that is itself less certain, and the
   rules' values on a line that the model skipped.
5. An item has the lowest confidence of its fields, including empty fields.
"""

import math
from bisect import bisect
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache, lru_cache
from importlib.resources import files
from operator import itemgetter
from typing import Any

import tomli

from extractor.evidence.drafts import Draft, Reading
from extractor.evidence.parsed import ParsedRecord
from extractor.evidence.scoring import measured
from extractor.language.book import find_weights
from extractor.schemas import Origin, Task

BASE = "base"
ESTIMATE = "estimate"
"""The keys in a table that are not names of signs."""
_LEAST = 0.01
_MOST = 0.99
"""The range to which estimates are clipped."""
_FLOOR = 0.35
"""The lowest confidence. The gold set has too few doubtful values to fit lower confidences."""
_AT_MOST = {
    "words of two meanings": 0.75,
    "a doubtful dose": 0.7,
    "a dose that is never sure": 0.84,
}
"""Maximum confidences set by judgement, for signs that are too rare in the gold set or that always
leave a value doubtful.
"""


def log_odds(estimate: float) -> float:
    """Return the log-odds of an estimate, which is clipped so that the log-odds are finite.

    >>> log_odds(0.5), round(log_odds(1.0), 2), round(log_odds(0.0), 2)
    (0.0, 4.6, -4.6)
    """
    within = min(max(estimate, _LEAST), _MOST)
    return math.log(within / (1 - within))


def is_weighed(field: str) -> bool:
    """Return whether a field, such as ``dosing.route``, has weights."""
    return field in _read_weights()


@lru_cache(maxsize=16384)
def weigh(field: str, signs: tuple[str, ...], estimate: float) -> float:
    """Return the confidence of a value, computed from its signs and its estimate and rounded to
    hundredths.

    The confidence is capped by the signs in ``_AT_MOST`` and is never lower than ``_FLOOR``. Signs
    without a weight are ignored. Raises ``KeyError`` if the field has no weights.
    """
    weights = _read_weights()[field]
    weighed = round(weigh_by(weights, signs, estimate), 2)
    for sign in signs:
        weighed = min(weighed, _AT_MOST.get(sign, _MOST))
    return max(_FLOOR, weighed)


def weigh_by(
    weights: Mapping[str, float], signs: Iterable[str], estimate: float
) -> float:
    """Return the confidence, from 0 to 1, that corresponds to the sum of the intercept, the
    weighted log-odds of the estimate and the weights of the signs. Repeated signs are counted only
    once; signs without a weight are ignored.

    >>> weights = {"base": 0.5, "estimate": 1.0, "no unit": -0.5}
    >>> weigh_by(weights, ["no unit", "an unknown sign"], 0.5)
    0.5
    """
    score = weights[BASE] + weights[ESTIMATE] * log_odds(estimate)
    score += sum(weights.get(sign, 0.0) for sign in {*signs})
    return 1 / (1 + math.exp(-score))


@cache
def _read_weights() -> Mapping[str, Mapping[str, float]]:
    return tomli.loads(find_weights("signs.toml").read_text("utf-8"))


Curve = tuple[tuple[float, float], ...]
"""(Estimate, observed accuracy) pairs. Both numbers increase from pair to pair."""
CURVES = files(__package__) / "calibration.toml"
OF_MEMBERS = frozenset(
    {"eligibility.criteria.constraints", "eligibility.criteria.time_windows"}
)
"""List fields whose confidence is that of their least certain member. Only empty lists have a
curve.
"""
FOUND = "found"
NOTHING = "nothing"
"""The names of a field's curves: one for values, and one for empty or False values."""


def calibrate_record(parsed: ParsedRecord) -> ParsedRecord:
    """Return the record with all confidences calibrated. Open readings are unchanged, and so are
    the readings of fields that have neither weights nor a curve.
    """
    return replace(
        parsed,
        whole=_calibrate(parsed.whole),
        criteria=tuple(map(_calibrate, parsed.criteria)),
        regimens=tuple(map(_calibrate, parsed.regimens)),
        outcomes=tuple(map(_calibrate, parsed.outcomes)),
    )


def apply_curve(curve: Curve, stated: float) -> float:
    """Return the calibrated confidence, interpolated linearly between the points of the curve and
    constant outside them.

    >>> (
    ...     apply_curve(((0.5, 0.4), (0.9, 0.8)), 0.7),
    ...     apply_curve(((0.5, 0.4), (0.9, 0.8)), 1.0),
    ... )
    (0.6, 0.8)
    """
    at = bisect(curve, stated, key=itemgetter(0))
    if at in {0, len(curve)}:
        return round(curve[max(at - 1, 0)][1], 4)
    (low, share), (high, next_share) = curve[at - 1 : at + 1]
    slope = (next_share - share) / (high - low)
    return round(slope * (stated - low) + share, 4)


def _calibrate(item: Draft) -> Draft:
    """Return an item with the rules' readings calibrated and capped by ``Draft.at_most``. The
    confidence that a regimen exists depends on the signs of its agent.
    """
    rules: dict[str, Reading[Any]] = {}
    for name, reading in item.rules.items():
        most = item.at_most.get(name, 1.0)
        rules[name] = _calibrate_reading(f"{item.group}.{name}", reading, most)
    if item.group == Task.DOSING:
        agent = item.rules["agent"]
        confidence = weigh("dosing.regimens", agent.signs[0][""], agent.confidence)
        rules["stands"] = Reading(value=True, confidence=confidence)
    return replace(item, rules=rules)


def _calibrate_reading(field: str, reading: Reading[Any], most: float) -> Reading[Any]:
    """Return a reading with its confidence calibrated; the members of a list are also calibrated.
    No confidence exceeds ``most``.
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
    confidence = min(confidence, most)
    return reading.with_confidence(confidence)


def _follow_curve(field: str, reading: Reading[Any]) -> float:
    """Return the confidence according to the field's curve. Without a curve, or if a model decided
    the value, the estimate is returned unchanged.
    """
    if reading.is_open or reading.origin is not Origin.RULE:
        return reading.confidence
    return _follow(field, FOUND if reading.value else NOTHING, reading.confidence)


@lru_cache(maxsize=16384)
def _follow(field: str, kind: str, stated: float) -> float:
    curve = _read_curves().get(field, {}).get(kind)
    return stated if curve is None else apply_curve(curve, stated)


def _weigh_members(field: str, reading: Reading[Any], most: float) -> Reading[Any]:
    """Return a list with a separate confidence for each member, and for each quote that is a part
    of a member.

    The confidence of a member is capped at ``most``, and the confidence of a part is capped at that
    of its member: if a time window is wrong, so is the event that it is counted from. Parts without
    weights keep their confidences.
    """
    sure: list[float] = []
    sure_parts: list[dict[str, float]] = []
    for position, signs in enumerate(reading.signs):
        # the key "" has the signs of the member itself
        member = min(weigh(field, signs[""], reading.confidence), most)
        parts = dict(reading.list_sure_parts()[position])
        for name, part_signs in signs.items():
            if is_weighed(f"{field}.{name}"):
                estimate = estimate_part(reading, position, name)
                confidence = weigh(f"{field}.{name}", part_signs, estimate)
                parts[name] = min(confidence, member)
        sure.append(member)
        sure_parts.append(parts)
    return replace(reading, sure=tuple(sure), sure_parts=tuple(sure_parts))


def estimate_part(reading: Reading[Any], at: int, name: str) -> float:
    """Return the rules' uncalibrated estimate for a part of a list member. If the rules have no
    estimate for the part, return the measured accuracy of all parts with this name.

    Args:
        reading: The list.
        at: The position of the member.
        name: The name of the part.
    """
    estimate = reading.list_sure_parts()[at].get(name)
    return measured("parts", name) if estimate is None else estimate


@cache
def _read_curves() -> Mapping[str, Mapping[str, Curve]]:
    return tomli.loads(CURVES.read_text("utf-8"))
