"""Confidences that are true: what a reader states becomes the share that was right on whole annotated records.

Readers state shares of labelled items, which flatter. ``calibration.toml`` has a curve for each field, one for readings
that give a value and one for those that find nothing; ``python -m benchmarks.reliability`` fits and judges them. Within
the pre-parser confidences are as stated; everything after it sees calibrated ones.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, TypeVar

import numpy as np

from .parsed import ParsedCriterion, ParsedEligibility, ParsedOutcome, ParsedRecord, ParsedRegimen, Reading

__all__ = ["CURVES", "FOUND", "NOTHING", "Curve", "apply_curve", "calibrate_record"]

Curve = tuple[tuple[float, float], ...]
"""Stated confidence and share right, both rising."""
CURVES = files(__package__) / "calibration.toml"
FOUND, NOTHING = "found", "nothing"
"""The curves of a field. A value that is empty or False finds nothing."""

_Parsed = TypeVar("_Parsed", ParsedCriterion, ParsedEligibility, ParsedOutcome, ParsedRegimen)


def calibrate_record(parsed: ParsedRecord) -> ParsedRecord:
    """The record with calibrated confidences. Open readings stay open, as do those of a field without a curve."""
    criteria = tuple(_calibrate("eligibility.criteria", one) for one in parsed.eligibility.criteria)
    return replace(
        parsed,
        eligibility=replace(_calibrate("eligibility", parsed.eligibility), criteria=criteria),
        dosing=replace(parsed.dosing, regimens=tuple(map(_calibrate_regimen, parsed.dosing.regimens))),
        outcomes=tuple(_calibrate("endpoints", one) for one in parsed.outcomes),
    )


def apply_curve(curve: Curve, stated: float) -> float:
    """The confidence that a curve gives for a stated one: linear between its knots, constant beyond them.

    >>> apply_curve(((0.5, 0.4), (0.9, 0.8)), 0.7), apply_curve(((0.5, 0.4), (0.9, 0.8)), 1.0)
    (0.6, 0.8)
    """
    stated_knots, right = zip(*curve, strict=True)
    return round(float(np.interp(stated, stated_knots, right)), 4)


def _calibrate(path: str, item: _Parsed) -> _Parsed:
    readings: dict[str, Any] = {
        name: _adjust(field, reading)
        for name, field in _list_curves(path)
        if isinstance(reading := getattr(item, name, None), Reading)
    }
    return replace(item, **readings)


@cache
def _list_curves(path: str) -> tuple[tuple[str, str], ...]:
    """The fields of an item that have curves: their names, and what the curves call them."""
    named = ((field.rpartition("."), field) for field in _curves())
    return tuple((name, field) for (parent, _, name), field in named if parent == path)


def _calibrate_regimen(regimen: ParsedRegimen) -> ParsedRegimen:
    exists = Reading(value=True, confidence=_confidence("dosing.regimens", FOUND, regimen.agent.confidence))
    return replace(_calibrate("dosing", regimen), exists=exists)


def _adjust(field: str, reading: Reading[Any]) -> Reading[Any]:
    confidence = _confidence(field, FOUND if reading.value else NOTHING, reading.confidence)
    if confidence == reading.confidence:
        return reading
    return Reading(reading.value, confidence, reading.spans, reading.support, reading.alternatives)


@lru_cache(maxsize=8192)
def _confidence(field: str, found: str, stated: float) -> float:
    curve = _curves().get(field, {}).get(found)
    return apply_curve(curve, stated) if curve and stated else stated


@cache
def _curves() -> Mapping[str, Mapping[str, Curve]]:
    return tomllib.loads(CURVES.read_text("utf-8"))
