"""Choose between the rules' reading and a model's answer, and estimate the confidence of the value.

The confidence of an answer depends on the field and on the rules' reading (``confidence``).
"""

import re
from dataclasses import replace

from extractor.concepts.aliases import name_instrument, trim_event
from extractor.confidence import AGREE, ANSWERS, find_meaning, weigh_answer
from extractor.evidence.drafts import CERTAIN, NOT_READ, Reading
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
    TimePoint,
    TimeWindow,
)
from extractor.schemas.values import PARTS

UNPROVEN = "unproven"
"""A number from a model, or a detail of a model's regimen, that the text does not prove and the
rules do not confirm.
"""
_NUMBERS = (Age, Amount, Constraint, Frequency, Period, Route, TimePoint, TimeWindow)


def resolve(
    rule: Reading[object], model: Reading[object] | None, gap: AbsenceReason, field: str
) -> Reading[object]:
    """Combine the rules' reading of a field with the model's supported answer.

    Since the model has read the whole text, its answer is kept, and the rules' reading determines
    its confidence. If there is no answer, the rules' reading is kept, however doubtful it is. If
    they left the field open, it is empty for the reason ``gap``. A reading without a value means
    that the text does not state the field.

    Args:
        rule: The rules' reading.
        model: The model's supported answer, or None.
        gap: The reason why there is no answer, such as ``not_asked``.
        field: The field, such as ``dosing.route``.

    >>> resolve(
    ...     Reading("oral", weighed=0.7),
    ...     Reading("oral", weighed=0.9),
    ...     AbsenceReason.NOT_ASKED,
    ...     "dosing.route",
    ... ).origin.value
    'both'
    >>> resolve(
    ...     Reading("oral", weighed=0.99),
    ...     Reading("rectal", weighed=0.9),
    ...     AbsenceReason.NOT_ASKED,
    ...     "dosing.route",
    ... ).value
    'rectal'
    >>> resolve(
    ...     Reading.open_(), None, AbsenceReason.NOT_ASKED, "dosing.route"
    ... ).gap.value
    'not_asked'
    """
    if model is None:
        if rule.is_open:
            return replace(NOT_READ, gap=gap)
        return rule.with_confidence(round(rule.confidence, 4))
    is_same = agree(rule.value, model.value)
    if field == "dosing.arms":  # labels are exact names, in any order
        is_same = {*rule.list_values()} == {*model.list_values()}
    if is_same and not rule.is_open:
        # the rules use the usual abbreviation of an instrument
        is_equal = rule.value == model.value or isinstance(rule.value, Instrument)
        agreed = rule
        if not is_equal:
            agreed = _fill_parts(model, rule)
        return replace(
            agreed,
            weighed=round(weigh_answer(field, AGREE, read=rule.confidence), 4),
            origin=Origin.BOTH,
            member_confidences=tuple(
                weigh_answer(field, AGREE, read=sure)
                for sure in rule.member_confidences
            ),
        )
    has_number = any(isinstance(value, _NUMBERS) for value in model.list_values())
    is_unproven = has_number and Support.INFERRED in model.list_supports()
    features: tuple[str, ...] = ()
    if is_unproven:
        features = (UNPROVEN,)
    situation = name_situation(rule)
    return replace(
        _fill_parts(model, rule),
        weighed=weigh_answer(field, situation, features),
        origin=Origin.MODEL,
        reasons=tuple(
            find_meaning(ANSWERS, feature) for feature in (situation, *features)
        ),
    )


def _fill_parts(model: Reading[object], rule: Reading[object]) -> Reading[object]:
    """Fill in missing parts in a model's list from the rules' reading of the same limits or time
    windows. This matters because a limit without its condition would apply to more people than the
    text states. Any other value is returned unchanged.
    """
    if not isinstance(model.value, tuple):
        return model
    filled: list[object] = []
    for member in model.value:
        same = _find_same(rule, member)
        #  TimeWindow)|the words of a model take precedence
        if isinstance(member, Constraint | TimeWindow) and same:
            parts = {
                name: getattr(member, name) or getattr(same, name)
                for name in PARTS[type(member)]
            }
            filled.append(member.model_copy(update=parts))
        else:
            filled.append(member)
    return replace(model, value=tuple(filled))


def _find_same(reading: Reading[object] | None, wanted: object) -> object:
    """Return the first member of a reading that agrees with ``wanted``, or None if no member
    does.
    """
    if reading is None:
        return None
    return next(
        (value for value in reading.list_values() if agree(value, wanted)), None
    )


def resolve_part(
    member: object,
    name: str,
    rule: Reading[object],
    model: Reading[object] | None,
) -> tuple[Origin, float]:
    """Return the origin and the confidence of a quote that is part of a list member. ``name`` is
    the name of the part. The origin is ``both`` if the words from the rules and the model are
    identical or differ only in articles.

    >>> window = TimeWindow(
    ...     quote="for 2 days", comparator=">=", value=2, unit="day", of="the fever"
    ... )
    >>> answer = Reading((window.model_copy(update={"of": "fever"}),), weighed=0.9)
    >>> resolve_part(window, "of", Reading((window,), weighed=0.9), answer)[0].value
    'both'
    """
    answered = _find_same(model, member)
    read = _find_same(rule, member)
    if answered is None or getattr(answered, name) is None:
        # only the rules read this part
        parts = dict(zip(rule.list_values(), rule.list_part_confidences(), strict=True))
        return Origin.RULE, parts.get(read, {}).get(name, rule.confidence)
    if read is None:
        return Origin.MODEL, weigh_answer(name, ALONE)
    if agree(getattr(read, name), getattr(member, name)):
        return Origin.BOTH, weigh_answer(name, AGREE)
    return Origin.MODEL, weigh_answer(name, "doubtful")


DOUBTFUL = 0.8
"""Readings from the rules whose confidence is below this value are treated as guesses."""
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
        if rule.certain:
            return "silent_certain"
        return "silent"
    if rule.confidence < DOUBTFUL:
        return "doubtful"
    if rule.confidence >= CERTAIN:
        return "certain"
    return "likely"


_NOT_DECISIVE = re.compile(r"\([^()]*\)|\bthe\b")


def agree(value: object, other: object) -> bool:
    """Return whether two annotators state the same value. Quotes may differ in articles and in
    bracketed text; limits and time windows may differ in their wording; instruments may differ in
    the name that is used; and amounts may differ in their arms.

    >>> agree(("the date of infusion", "death"), ("infusion", "Death (any cause)"))
    True
    """
    return _make_key(value) == _make_key(other)


def _make_key(value: object) -> object:
    """Return a key that is the same for values that agree."""
    match value:
        case tuple():
            return tuple(map(_make_key, value))
        case Constraint() | TimeWindow():
            unit = None
            if isinstance(value, TimeWindow):
                unit = value.unit
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
