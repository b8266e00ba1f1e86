"""Choose between the rules' reading and a model's answer, and estimate the confidence of the value.

The confidence of an answer depends on the field and on the rules' reading (``confidence``).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from extractor.concepts.aliases import name_instrument, trim_event
from extractor.confidence import AGREE, ANSWERS, find_meaning, find_most, weigh_answer
from extractor.evidence.drafts import (
    CERTAIN,
    NO_FEATURES,
    NOT_READ,
    MemberFeatures,
    Reading,
    Span,
    find_weakest,
)
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
        return rule.with_confidence(round(rule.confidence, 4))
    if _is_left_out(rule, model):
        return rule.limited(ANSWERS, LEFT_OUT)
    is_same = agree(rule.value, model.value)
    if field == "dosing.arms":  # labels are exact names, in any order
        is_same = {*rule.list_values()} == {*model.list_values()}
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
    members = _list_members(rule)
    return bool(members) and all(map(_is_sure, members))


def _confirm(
    rule: Reading[object], model: Reading[object], field: str
) -> Reading[object]:
    """Return a value on which both agree, in the model's words if it has no doubts."""
    # the rules use the usual abbreviation of an instrument
    is_equal = rule.value == model.value or isinstance(rule.value, Instrument)
    agreed = rule
    if not is_equal and not _is_doubted(model):
        agreed = _fill_parts(model, rule)
    return replace(
        agreed,
        weighed=round(weigh_answer(field, AGREE, read=rule.confidence), 4),
        origin=Origin.BOTH,
        member_confidences=tuple(
            weigh_answer(field, AGREE, read=sure) for sure in rule.member_confidences
        ),
    )


def _is_doubted(model: Reading[object]) -> bool:
    """Return whether the rules could not confirm a model's value or one of its members."""
    own = (features.own for features in model.list_member_features())
    return any((model.features, *own))


def _find_unproven(value: object, support: Support) -> tuple[str, ...]:
    if isinstance(value, _NUMBERS) and support is Support.INFERRED:
        return (UNPROVEN,)
    return ()


@dataclass(slots=True)
class _Member:
    """A member of a list, its place, the features of an answer, and its confidence."""

    value: object
    span: Span
    support: Support
    confidence: float
    doubts: MemberFeatures = NO_FEATURES


def _list_members(reading: Reading[object]) -> list[_Member]:
    """Return the members of a weighed list."""
    values = reading.list_values()
    sure = reading.member_confidences or (reading.confidence,) * len(values)
    places = zip(values, reading.spans, reading.list_supports(), sure, strict=False)
    return [_Member(*place) for place in places]


def _is_sure(member: _Member) -> bool:
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
    read = _list_members(rule)
    members = _list_members(model)
    for member, doubts in zip(members, model.list_member_features(), strict=True):
        same = next((each for each in read if _is_same(each, member)), None)
        if same:
            read.remove(same)
            member.confidence = weigh_answer(field, AGREE, read=same.confidence)
            member.doubts = doubts._replace(own=(AGREE,))
            if doubts.own:
                member.value = same.value
                member.span = same.span
                member.support = same.support
            else:
                member.value = _fill_member(member.value, same.value)
            continue
        own = (*doubts.own, *_find_unproven(member.value, member.support))
        member.confidence = weigh_answer(field, situation, own)
        member.doubts = doubts._replace(own=(situation, *own))
    for left in read:
        is_answered = any(left.span.overlaps(member.span) for member in members)
        if _is_sure(left) and not is_answered:
            left.confidence = min(left.confidence, find_most(ANSWERS, LEFT_OUT))
            left.doubts = MemberFeatures((LEFT_OUT,))
            members.append(left)
    supports = tuple(member.support for member in members)
    return replace(
        model,
        value=tuple(member.value for member in members),
        spans=tuple(member.span for member in members),
        support=find_weakest(supports),
        supports=supports,
        weighed=min(member.confidence for member in members),
        member_features=tuple(member.doubts for member in members),
        member_confidences=tuple(member.confidence for member in members),
        origin=Origin.MODEL,
    )


def _is_same(read: _Member, answered: _Member) -> bool:
    """Return whether the rules read the same member, and not as a guess. A limit must also name its
    quantity in some of the same words.
    """
    if read.confidence < DOUBTFUL or not agree(read.value, answered.value):
        return False
    limits = [each.value for each in (read, answered)]
    named = [
        {*limit.quantity.lower().split()}
        for limit in limits
        if isinstance(limit, Constraint)
    ]
    if len(named) < len(limits):
        return True
    return not named[0].isdisjoint(named[1])


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
    for member in _list_members(rule):
        if _is_sure(member) and member.span.overlaps(span):
            return member.span
    return None


def _fill_parts(model: Reading[object], rule: Reading[object]) -> Reading[object]:
    """Fill in missing parts in a model's list from the rules' reading of the same limits or time
    windows. Any other value is returned unchanged.
    """
    if not isinstance(model.value, tuple) or PARTS.keys().isdisjoint(
        map(type, model.value)
    ):
        return model
    members = Members(rule)
    filled = [_fill_member(member, members.find(member)) for member in model.value]
    return replace(model, value=tuple(filled))


def _fill_member(member: object, read: object) -> object:
    """Fill in missing parts of a limit or a time window from the rules' reading of it. This matters
    because a limit without its condition would apply to more people than the text states.
    """
    if not isinstance(member, Constraint | TimeWindow) or read is None:
        return member
    parts = {
        name: getattr(member, name) or getattr(read, name)
        for name in PARTS[type(member)]
    }
    return member.model_copy(update=parts)


class Members:
    """The members of a list that was read, with the confidences and the features of their parts.
    The index is made once for a list, because each member is looked up.
    """

    def __init__(self, reading: Reading[object]) -> None:
        values = reading.list_values()
        self.confidence = reading.confidence
        self.parts = dict(zip(values, reading.list_part_confidences(), strict=True))
        self.features = dict(zip(values, reading.list_member_features(), strict=True))
        self._by_key = {_make_key(value): value for value in reversed(values)}

    def find(self, wanted: object) -> object:
        """Return the first member that agrees with ``wanted``, or None if no member does."""
        return self._by_key.get(_make_key(wanted))


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
    >>> answer = Reading((window.model_copy(update={"of": "fever"}),), weighed=0.9)
    >>> rule = Reading((window,), weighed=0.9)
    >>> resolve_part(window, "of", Members(rule), Members(answer))[0].value
    'both'
    """
    answered = model and model.find(member)
    read = rule.find(member)
    if model is None or answered is None or getattr(answered, name) is None:
        # only the rules read this part
        return Origin.RULE, rule.parts.get(read, {}).get(name, rule.confidence), ()
    words = getattr(read, name, None)
    if words is not None and agree(words, getattr(member, name)):
        return Origin.BOTH, weigh_answer(name, AGREE), ()
    situation = ALONE if read is None else "doubtful"
    doubts = model.features[answered].parts.get(name, ())
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
