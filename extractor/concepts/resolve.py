"""Choose between the rules' reading and a model's answer, and estimate the confidence of the value.

``policy.toml`` contains the proportion of a model's answers that were correct on gold records,
broken down by field and by the rules' reading. ``python -m benchmarks.policy`` writes this file.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

import tomli

from extractor.concepts.aliases import name_instrument, trim_event
from extractor.evidence.drafts import CERTAIN, Reading
from extractor.evidence.scoring import measured
from extractor.schemas import (
    AbsenceReason,
    Age,
    Amount,
    Constraint,
    Frequency,
    Instrument,
    Origin,
    Period,
    Route,
    Support,
    Task,
    TimePoint,
    TimeWindow,
    ValueKind,
    list_fields,
)
from extractor.schemas.values import PARTS

BELIEVED = 0.35
"""Values from the rules with a confidence lower than this are omitted. The threshold is below one
half because a list is correct only if all its values are, and most of the values may be correct
even if one is wrong.
"""
UNPROVEN = 0.8
"""The maximum confidence of a number from a model, or a detail of a model's regimen, that the text
does not prove and the rules do not confirm.
"""
UNCONFIRMED = 0.8
"""The maximum confidence of the rules' reading of a line that a model was asked about but skipped.
"""
_NUMBERS = (Age, Amount, Constraint, Frequency, Period, Route, TimePoint, TimeWindow)
_OF_EVERY_ITEM = tuple(
    info.type
    for task in Task
    for info in list_fields(task)
    if info.kind is ValueKind.CHOICE and (info.required or info.metadata.decided)
)
"""Choices that every item must have. The most likely choice is used, however doubtful it is."""


def resolve(
    rule: Reading[Any], model: Reading[Any] | None, gap: AbsenceReason, field: str
) -> Reading[Any]:
    """Combine the rules' reading of a field with the model's supported answer.

    Since the model has read the whole text, its answer is kept, and the rules' reading determines
    its confidence. If there is no answer, the rules' reading is kept if it is probable, or if it is
    a choice that every item must have. Otherwise, the field is empty for the reason ``gap``. A
    probable reading without a value means that the text does not state the field.

    Args:
        rule: The rules' reading.
        model: The model's supported answer, or None.
        gap: The reason why there is no answer, such as ``not_asked``.
        field: The field, such as ``dosing.route``.

    >>> resolve(
    ...     Reading("oral", 0.7),
    ...     Reading("oral", 0.9),
    ...     AbsenceReason.NOT_ASKED,
    ...     "dosing.route",
    ... ).origin.value
    'both'
    >>> resolve(
    ...     Reading("oral", 0.99),
    ...     Reading("rectal", 0.9),
    ...     AbsenceReason.NOT_ASKED,
    ...     "dosing.route",
    ... ).value
    'rectal'
    >>> resolve(
    ...     Reading("oral", 0.2), None, AbsenceReason.NOT_ASKED, "dosing.route"
    ... ).gap.value
    'not_asked'
    """
    if model is None:
        if rule.confidence < BELIEVED and not isinstance(rule.value, _OF_EVERY_ITEM):
            return Reading(None, 0.0, gap=gap)
        return rule.with_confidence(round(rule.confidence, 4))
    is_same = agree(rule.value, model.value)
    if field == "dosing.arms":  # labels are exact names, in any order
        is_same = {*rule.list_values()} == {*model.list_values()}
    if is_same and not rule.is_open:
        # the rules use the usual abbreviation of an instrument
        is_equal = rule.value == model.value or isinstance(rule.value, Instrument)
        least = share_right(field, AGREE)
        return replace(
            rule if is_equal else _fill_parts(model, rule),
            confidence=round(max(least, rule.confidence), 4),
            origin=Origin.BOTH,
            sure=tuple(max(least, sure) for sure in rule.sure),
        )
    confidence = share_right(field, name_situation(rule))
    has_number = any(isinstance(value, _NUMBERS) for value in model.list_values())
    if has_number and Support.INFERRED in model.list_supports():
        confidence = min(confidence, UNPROVEN)
    return replace(_fill_parts(model, rule), confidence=confidence, origin=Origin.MODEL)


def _fill_parts(model: Reading[Any], rule: Reading[Any]) -> Reading[Any]:
    """Fill in missing parts in a model's list from the rules' reading of the same limits or time
    windows. This matters because a limit without its condition would apply to more people than the
    text states. Any other value is returned unchanged.
    """
    if not isinstance(model.value, tuple):
        return model
    filled = []
    for member in model.value:
        same = _find_same(rule, member)
        parts = {}
        for name in PARTS.get(type(member), ()) if same else ():
            parts[name] = getattr(member, name) or getattr(same, name)
        filled.append(member.model_copy(update=parts) if parts else member)
    return replace(model, value=tuple(filled))


def _find_same(reading: Reading[Any] | None, wanted: Any) -> Any:
    """Return the first member of a reading that agrees with ``wanted``, or None if no member
    does.
    """
    values = reading.list_values() if reading else ()
    return next((value for value in values if agree(value, wanted)), None)


def resolve_part(
    member: Any, name: str, rule: Reading[Any], model: Reading[Any] | None
) -> tuple[Origin, float]:
    """Return the origin and the confidence of a quote that is part of a list member. ``name`` is
    the name of the part. The origin is ``both`` if the words from the rules and the model are
    identical or differ only in articles.

    >>> window = TimeWindow(
    ...     quote="for 2 days", comparator=">=", value=2, unit="day", of="the fever"
    ... )
    >>> answer = Reading((window.model_copy(update={"of": "fever"}),), 0.9)
    >>> resolve_part(window, "of", Reading((window,), 0.9), answer)[0].value
    'both'
    """
    answered = _find_same(model, member)
    read = _find_same(rule, member)
    if answered is None or getattr(answered, name) is None:
        # only the rules read this part; its confidence may have been calibrated
        parts = dict(zip(rule.list_values(), rule.list_sure_parts(), strict=True))
        confidence = parts.get(read, {}).get(name)
        return Origin.RULE, measured(
            "parts", name
        ) if confidence is None else confidence
    if read is None:
        return Origin.MODEL, share_right(name, ALONE)
    if agree(getattr(read, name), getattr(member, name)):
        return Origin.BOTH, share_right(name, AGREE)
    return Origin.MODEL, share_right(name, "doubtful")


DOUBTFUL = 0.8
"""Readings from the rules whose confidence is below this value are treated as guesses."""
AGREE = "agree"
ALONE = "alone"


def name_situation(rule: Reading[object]) -> str:
    """Return the name of the situation in which the rules' reading differs from a model's answer:
    ``alone`` if the rules left the field open; ``silent`` or ``silent_certain`` if they concluded
    that there is no value; or ``doubtful``, ``likely`` or ``certain`` if they read a different
    value, depending on its confidence.
    """
    if rule.is_open:
        return ALONE
    if rule.value is None or rule.value == ():
        return "silent_certain" if rule.certain else "silent"
    if rule.confidence < DOUBTFUL:
        return "doubtful"
    if rule.confidence >= CERTAIN:
        return "certain"
    return "likely"


def share_right(field: str, situation: str) -> float:
    """Return the share of a model's answers that are correct, for a field such as
    ``eligibility.category`` in a situation such as ``AGREE``.

    >>> share_right("a field that was never asked", "alone")
    0.9
    """
    shares = _load_shares()
    return shares.get(field, {}).get(situation, shares["other"][situation])


@cache
def _load_shares() -> Mapping[str, Mapping[str, float]]:
    return tomli.loads((files(__package__) / "policy.toml").read_text("utf-8"))


_NOT_DECISIVE = re.compile(r"\([^()]*\)|\bthe\b")


def agree(value: object, other: object) -> bool:
    """Return whether two annotators state the same value. Quotes may differ in articles and in
    bracketed text; limits and time windows may differ in their wording; instruments may differ in
    the name that is used; and amounts may differ in their arms.

    >>> agree(("the date of infusion", "death"), ("infusion", "Death (any cause)"))
    True
    """
    return bool(_make_key(value) == _make_key(other))


def _make_key(value: Any) -> Any:
    """Return a key that is the same for values that agree."""
    match value:
        case tuple():
            return tuple(map(_make_key, value))
        case Constraint() | TimeWindow():
            unit = value.unit if isinstance(value, TimeWindow) else None
            return type(value), value.comparator, value.value, value.value_high, unit
        case Amount():
            return value.low, value.high, value.unit
        case Instrument():
            return name_instrument(value.name, value.version)
        case str() if type(value) is str:
            plain = " ".join(_NOT_DECISIVE.sub(" ", value.lower()).split())
            start, end = trim_event(plain)
            return plain[start:end].strip(" .,;")
    return value
