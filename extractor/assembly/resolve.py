"""Choose between the rules' reading and a model's answer, and estimate the confidence of the value.

The confidence of an answer depends on the field and on the rules' reading (``confidence``).
"""

import re
from collections.abc import Sequence

from extractor.concepts.aliases import name_instrument, trim_event
from extractor.concepts.limits.quantity_names import name_quantity
from extractor.confidence import AGREE, ANSWERS, find_meaning, find_most, weigh_answer
from extractor.evidence.drafts import (
    CERTAIN,
    NOT_READ,
    Reading,
    Span,
    Supported,
    ValuePart,
)
from extractor.language.units import read_unit
from extractor.language.values import group_pairs, list_members, replace
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
from extractor.schemas.vocabulary import DOUBTFUL_BELOW

UNPROVEN = "unproven"
"""A number from a model, or a detail of a model's regimen, that the text does not prove and the
rules do not confirm.
"""
LEFT_OUT = "left out by the model"
"""A value that the rules read, and that a model's answer about its line does not have."""
# Chosen by hand.
SURE = 0.97
"""The confidence from which a value that the rules parsed stands against an answer about the same
words that they cannot confirm.
"""
# Chosen by hand.
DOUBTFUL = 0.8
"""Readings from the rules whose confidence is below this value are treated as guesses."""
ALONE = "alone"
_NUMBERS = (Age, Amount, Constraint, Frequency, Period, Route, TimePoint, TimeWindow)


def resolve(
    rule: Reading[object], model: Reading[object] | None, gap: AbsenceReason, field: str
) -> Reading[object]:
    """Combine the rules' reading of a field with the model's supported answer.

    Since the model has read the whole text, its answer is kept, and the rules' reading determines
    its confidence. A list is combined member by member. If there is no answer, the rules' reading
    is kept, however doubtful it is; if the answer states no value, what the rules surely parsed is
    kept and doubted. If the rules left the field open, it is empty for the reason ``gap``. A
    reading without a value means that the text does not state the field.

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
        return rule
    if _is_left_out(rule, model):
        return rule.limited(ANSWERS, LEFT_OUT)
    if field == "dosing.arms":  # labels are exact names, in any order
        is_same = {*rule.list_values()} == {*model.list_values()}
    else:
        is_same = agree(rule.value, model.value)
    if is_same and not rule.is_open:
        return _confirm(rule, model, field)
    situation = name_situation(rule)
    if isinstance(model.value, tuple) and model.value:
        return _combine_members(rule, model, field)
    doubts = (*model.features, *_find_unproven(model.value, model.support))
    return replace(
        model,
        weighed=weigh_answer(field, situation, doubts),
        origin=Origin.MODEL,
        reasons=tuple(
            find_meaning(ANSWERS, feature) for feature in (situation, *doubts)
        ),
    )


def _is_left_out(rule: Reading[object], model: Reading[object]) -> bool:
    """Return whether a model's answer has no value where the rules surely parsed one. Of other
    values, such as specimens, the model knows better: of eight likely ones that it left out, none
    was right.
    """
    if model.list_values() or not rule.list_values():
        return False
    members = rule.list_supported()
    return bool(members) and all(
        member.confidence >= DOUBTFUL_BELOW and member.support is Support.PARSED
        for member in members
    )


def _confirm(
    rule: Reading[object], model: Reading[object], field: str
) -> Reading[object]:
    """Return a value on which both agree, in the model's words if it has no doubts."""
    # the rules use the usual abbreviation of an instrument
    keeps_rule = rule.value == model.value or isinstance(rule.value, Instrument)
    agreed = rule
    if not keeps_rule and not _is_doubted(model):
        agreed = _fill_parts(model, rule)
    # lists that agree have as many members each; a value that is no list may have none
    members = tuple(
        replace(member, confidence=weigh_answer(field, AGREE, read=read.confidence))
        for member, read in zip(agreed.members, rule.members, strict=False)
    )
    return replace(
        agreed,
        weighed=round(weigh_answer(field, AGREE, read=rule.confidence), 4),
        origin=Origin.BOTH,
        members=members,
    )


def _is_doubted(model: Reading[object]) -> bool:
    """Return whether the rules could not confirm a model's value or one of its members."""
    return any((model.features, *(member.features for member in model.members)))


def _find_unproven(value: object, support: Support) -> tuple[str, ...]:
    if isinstance(value, _NUMBERS) and support is Support.INFERRED:
        return (UNPROVEN,)
    return ()


def _is_sure(member: Supported[object]) -> bool:
    return member.confidence >= SURE and member.support is Support.PARSED


def _combine_members(
    rule: Reading[object], model: Reading[object], field: str
) -> Reading[object]:
    """Return a model's list in which each member has its own confidence and features.

    A member that the rules read too is as sure as any value on which both agree; if it is doubted,
    it is replaced by what the rules read. What the rules surely parsed and the answer leaves out is
    added, and doubted.
    """
    situation = name_situation(rule)
    remaining = list(rule.list_supported())
    members: list[Supported[object]] = []
    for answered in model.members:
        same = next((each for each in remaining if _is_same(each, answered)), None)
        if same is None:
            unproven = _find_unproven(answered.value, answered.support)
            doubts = (*answered.features, *unproven)
            sure = weigh_answer(field, situation, doubts)
            features = (situation, *doubts)
            members.append(replace(answered, features=features, confidence=sure))
            continue
        remaining.remove(same)
        kept = same
        if not answered.features:
            value = _fill_member(answered.value, same.value)
            kept = replace(answered, value=value)
        sure = weigh_answer(field, AGREE, read=same.confidence)
        members.append(
            replace(kept, features=(AGREE,), parts=answered.parts, confidence=sure)
        )
    most = find_most(ANSWERS, LEFT_OUT)
    for left in remaining:
        is_answered = any(left.span.overlaps(member.span) for member in members)
        if _is_sure(left) and not is_answered:
            sure = min(left.confidence, most)
            members.append(replace(left, features=(LEFT_OUT,), confidence=sure))
    least = min(member.confidence for member in members)
    combined = replace(model, weighed=least, origin=Origin.MODEL)
    return combined.with_supported(members)


def _is_same(read: Supported[object], answered: Supported[object]) -> bool:
    """Return whether the rules read the same member, and not as a guess."""
    return read.confidence >= DOUBTFUL and agree(read.value, answered.value)


def _list_quantity_words(limit: object) -> set[str]:
    """Return the words of a limit's quantity."""
    return (
        set(limit.quantity.lower().split()) if isinstance(limit, Constraint) else set()
    )


def name_origin(resolved: Reading[object], features: Sequence[str]) -> Origin:
    """Return who read a member of a resolved list with these features."""
    if AGREE in features:
        return Origin.BOTH
    if LEFT_OUT in features:
        return Origin.RULE
    return resolved.origin


def agrees_with_member(rule: Reading[object], value: object) -> bool:
    """Return whether the rules read the same value, perhaps as a member of a list."""
    return any(agree(member, value) for member in rule.list_values())


def find_sure(rule: Reading[object], span: Span) -> Span | None:
    """Return the place of a value that the rules surely parsed in some of the same words, or
    None.
    """
    for member in rule.list_supported():
        if _is_sure(member) and member.span.overlaps(span):
            return member.span
    return None


def names_another(rule: Reading[object], limit: Supported[object]) -> bool:
    """Return whether the rules surely read the same numbers as a limit of another quantity, or in
    another unit: "Haemoglobin >= 9 g/dL without transfusion" is no limit of transfusions.
    """
    if not isinstance(limit.value, Constraint) or agrees_with_member(rule, limit.value):
        return False
    return any(
        _is_sure(member)
        and member.span.overlaps(limit.span)
        and _make_key(member.value) == _make_key(limit.value)
        for member in rule.list_supported()
    )


def _fill_parts(model: Reading[object], rule: Reading[object]) -> Reading[object]:
    """Fill in missing parts in a model's list from the rules' reading of the same limits or time
    windows, which agrees with it in order. Any other value is returned unchanged.
    """
    if not isinstance(model.value, tuple) or PARTS.keys().isdisjoint(
        map(type, model.value)
    ):
        return model
    return model.with_supported(
        replace(member, value=_fill_member(member.value, read.value))
        for member, read in zip(model.members, rule.members, strict=True)
    )


def _fill_member(member: object, read: object) -> object:
    """Fill in missing parts of a limit, an amount or a time window, and a missing unit, from the
    rules' reading of it. This matters because a limit without its condition would apply to more
    people than the text states.
    """
    if not isinstance(member, Constraint | TimeWindow | Amount) or read is None:
        return member
    names = [
        *PARTS[type(member)],
        *(["unit"] if isinstance(member, Constraint) else []),
    ]
    parts = {name: getattr(member, name) or getattr(read, name) for name in names}
    return member.model_copy(update=parts)


class Members:
    """The members of a list that was read. The index is made once for a list, because each member
    is looked up.
    """

    def __init__(self, reading: Reading[object]) -> None:
        self.confidence = reading.confidence
        self._by_value = {member.value: member for member in reading.members}
        self._by_key = group_pairs(
            (_make_key(member.value), member.value) for member in reading.members
        )

    def find(self, wanted: object) -> object:
        """Return the first member that agrees with ``wanted``, or None if no member does. Of
        several limits with the same number, it is the one whose quantity has the same words.
        """
        if wanted in self._by_value:
            return wanted
        agreeing = self._by_key.get(_make_key(wanted), [])
        if len(agreeing) > 1 and isinstance(wanted, Constraint):
            words = _list_quantity_words(wanted)
            agreeing = [
                one
                for one in agreeing
                if not words.isdisjoint(_list_quantity_words(one))
            ]
        return next(iter(agreeing), None)

    def find_part(self, member: object, name: str) -> ValuePart | None:
        """Return a part of a member; None if there is no such member, or if it lacks the part."""
        found = self._by_value.get(member)
        return found.parts.get(name) if found else None


def resolve_part(
    member: object, name: str, rule: Members, model: Members | None
) -> tuple[Origin, float, tuple[str, ...]]:
    """Return the origin and the confidence of a quote that is part of a list member, and what
    speaks against it if only the model read it, in words. ``name`` is the name of the part. The
    origin is ``both`` if the words from the rules and the model are identical or differ only in
    articles.

    >>> window = TimeWindow(
    ...     quote="for 2 days", comparator=">=", value=2, unit="day", of="the fever"
    ... )
    >>> rule, answer = (
    ...     Reading((), weighed=0.9).with_supported([Supported(value, Span("", 0, 1))])
    ...     for value in (window, window.model_copy(update={"of": "fever"}))
    ... )
    >>> resolve_part(window, "of", Members(rule), Members(answer))[0].value
    'both'
    """
    answered = model and model.find(member)
    read = rule.find(member)
    if model is None or answered is None or getattr(answered, name) is None:
        # only the rules read this part
        source = rule.find_part(read, name) or rule
        return Origin.RULE, source.confidence, ()
    words = getattr(read, name, None)
    if words is not None and agree(words, getattr(member, name)):
        return Origin.BOTH, weigh_answer(name, AGREE), ()
    situation = ALONE if read is None else "doubtful"
    doubts, _ = model.find_part(answered, name) or ValuePart()
    reasons = tuple(find_meaning(ANSWERS, doubt) for doubt in doubts)
    return Origin.MODEL, weigh_answer(name, situation, doubts), reasons


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
    bracketed text; time windows may differ in their wording; instruments may differ in the name
    that is used; and amounts may differ in their arms. Limits agree if they have the same
    comparator, numbers and unit, and name the same quantity.

    >>> agree(("the date of infusion", "death"), ("infusion", "Death (any cause)"))
    True
    >>> limit = Constraint(
    ...     quantity="Haemoglobin", comparator=">=", value=9, unit="g/dL"
    ... )
    >>> agree(limit, limit.model_copy(update={"quantity": "transfusion"}))
    False
    """
    if _make_key(value) != _make_key(other):
        return False
    pairs = zip(list_members(value), list_members(other), strict=True)
    return all(_names_same(*pair) for pair in pairs)


def _names_same(one: object, other: object) -> bool:
    """Return whether two values name the same quantity and unit, if they are limits. A limit whose
    unit is missing may be in any.
    """
    if not isinstance(one, Constraint) or not isinstance(other, Constraint):
        return True
    units = {
        read_unit(limit.unit) or limit.unit for limit in (one, other) if limit.unit
    }
    if len(units) > 1:
        return False
    if not _list_quantity_words(one).isdisjoint(_list_quantity_words(other)):
        return True
    known = name_quantity(one.quantity)
    return known is not None and known == name_quantity(other.quantity)


def _make_key(value: object) -> object:
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
