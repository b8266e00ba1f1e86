"""What becomes of the parts of an answer's values: conditions of limits, things and anchors of
windows, arms, rules.

A value stands as it was answered, or with another part; or bare, without the part that the text
gives it.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from operator import attrgetter, eq
from typing import Any, NamedTuple

from benchmarks.adversarial.__main__ import agree, to_forms
from benchmarks.data import Row
from extractor.apps.evaluation.text import (
    fold_text,
    is_inside,
    measure_overlap,
    share_words,
)
from extractor.assembly.check import UnreadableValue
from extractor.language.numbers import DAYS
from extractor.schemas import (
    Amount,
    Constraint,
    CriterionGroup,
    Evidence,
    ExtractedItem,
    TimeWindow,
    TrialExtraction,
)

Arms = frozenset[int]


class Held(NamedTuple):
    """A part of a value in a result, with its item and the paths of its evidence: its own, then
    its value's.
    """

    part: Any
    item: ExtractedItem
    paths: tuple[str, ...]

    def find_evidence(self) -> Sequence[Evidence]:
        """Return the evidence of the part, or if it has none of its own, of the value."""
        for path in self.paths:
            parts = (f"{path}.", f"{path}[")
            found = [
                piece
                for piece in self.item.evidence
                if piece.field == path or piece.field.startswith(parts)
            ]
            if found:
                return found
        return ()


class PartKind(NamedTuple):
    """One kind of part.

    Args:
        list_values: Lists the values of an answer.
        read: Takes the part from a value.
        find: Finds it in the result of a case.
        is_claimed: Whether it is the wrong one of an answer; also gets the right one.
        is_right: Whether it is the right one.
    """

    list_values: Callable[[Any], Sequence[Any]]
    read: Callable[[Any], Any]
    find: Callable[[Row, Any, TrialExtraction], Iterator[Held]]
    is_claimed: Callable[[Any, Any, Any], bool]
    is_right: Callable[[Any, Any], bool]


class Fate(NamedTuple):
    """What became of a part of an answer: ``held`` if it is in the result; ``bare`` if the value
    lacks a part there.
    """

    value: Any
    held: Held | None
    bare: bool


def follow_parts(case: Row, answer: Any, extraction: TrialExtraction) -> Iterator[Fate]:
    """Yield what became of the part of each value of an answer, or of the one that the case has
    ``at``.
    """
    kind = PARTS[case["field"]]
    stated = case.get("said")
    values = kind.list_values(answer)
    if "at" in case:
        values = values[case["at"] :][:1]
    for value in values:
        if isinstance(value, UnreadableValue):
            if not case["right"]:
                raise ValueError(value.reason)
            yield Fate(value.text, None, bare=False)
            continue
        claimed = kind.read(value)
        found = list(kind.find(case, value, extraction))
        is_given = bool(claimed if case["right"] else stated)
        for held in found:
            if case["right"]:
                is_held = kind.is_right(held.part, claimed)
            else:
                is_held = kind.is_claimed(held.part, claimed, stated)
            if is_held:
                yield Fate(value, held, bare=False)
                break
        else:
            lacks_part = any(not held.part for held in found)
            yield Fate(value, None, is_given and lacks_part)


def _has_words(given: str | None, claimed: str | None) -> bool:
    return share_words(given, claimed) if given and claimed else given is claimed


def _claims_words(given: str | None, claimed: str | None, said: str | None) -> bool:
    """Return whether words are the wrong ones of an answer, and no more like the right ones of
    the text.
    """
    if not given or not claimed:
        return given is claimed
    if said and measure_overlap(given, said) >= measure_overlap(given, claimed):
        return False
    return share_words(given, claimed)


def _find_conditions(
    _: Row, claimed: Constraint, extraction: TrialExtraction
) -> Iterator[Held]:
    for item in extraction.eligibility.criteria:
        for place, limit in enumerate(item.constraints):
            if _is_same_limit(limit, claimed):
                path = f"constraints[{place}]"
                yield Held(limit.condition, item, (f"{path}.condition", path))


def _is_same_limit(given: Constraint, claimed: Constraint) -> bool:
    """Return whether a limit has each bound of another."""
    bounds = to_forms(given)
    for form in to_forms(claimed):
        if not any(agree("constraint", bound, form) for bound in bounds):
            return False
    return True


def _find_windows(
    _: Row, claimed: TimeWindow, extraction: TrialExtraction, *, name: str
) -> Iterator[Held]:
    """Yield a part of the windows of this length: of those at the same words, if there are any."""
    near: list[Held] = []
    far: list[Held] = []
    for item in extraction.eligibility.criteria:
        for place, window in enumerate(item.time_windows):
            if _is_same_length(window, claimed):
                path = f"time_windows[{place}]"
                held = Held(getattr(window, name), item, (f"{path}.{name}", path))
                group = near if _have_one_quote(window, claimed) else far
                group.append(held)
    yield from near or far


def _list_windows(
    _: Row, __: TimeWindow, extraction: TrialExtraction
) -> Iterator[Held]:
    for item in extraction.eligibility.criteria:
        for place, window in enumerate(item.time_windows):
            yield Held(window, item, (f"time_windows[{place}]",))


def _is_same_length(given: TimeWindow, claimed: TimeWindow) -> bool:
    return _measure(given) == _measure(claimed)


def _measure(window: TimeWindow) -> tuple[Any, ...]:
    """Return the comparator, the numbers in days, and the unit if it has no length in days."""
    factor = DAYS.get(window.unit)
    low, high = (
        number and round(number * (factor or 1), 6)
        for number in (window.value, window.value_high)
    )
    return window.comparator, low, high, None if factor else window.unit


def _have_one_quote(one: TimeWindow, other: TimeWindow) -> bool:
    if fold_text(one.quote) == fold_text(other.quote):
        return True
    return is_inside(one.quote, other.quote) or is_inside(other.quote, one.quote)


def _claims_window(given: TimeWindow, claimed: TimeWindow, _: Any) -> bool:
    """Return whether a window is the wrong one: of this length, and at these words, where
    another may be right.
    """
    return _is_same_length(given, claimed) and _have_one_quote(given, claimed)


def _find_arms(case: Row, _: Any, extraction: TrialExtraction) -> Iterator[Held]:
    for item in extraction.dosing:
        if agree("agent", item.agent, case["answer"]["agent"]):
            yield Held(_number(item.arms, case), item, ("arms",))


def _find_arms_of_amount(
    case: Row, claimed: Amount, extraction: TrialExtraction
) -> Iterator[Held]:
    (wanted,) = to_forms(claimed)
    for item in extraction.dosing:
        if not agree("agent", item.agent, case["answer"]["agent"]):
            continue
        for place, amount in enumerate(item.amounts):
            if agree("amount", to_forms(amount)[0], wanted):
                # an entry of one arm has no others
                arms = amount.arms or (item.arms if len(item.arms) == 1 else ())
                paths = (f"amounts[{place}].arms", "arms")
                yield Held(_number(arms, case), item, paths)


def _number(labels: Sequence[str], case: Row) -> Arms:
    """Return the numbers of arms in a case, by their labels."""
    known = [_fold_label(arm["label"]) for arm in case["arms"]]
    return frozenset(known.index(_fold_label(label)) + 1 for label in labels)


def _fold_label(label: str) -> str:
    return "".join(label.split()).casefold()


def _claims_arms(given: Arms, claimed: Arms, said: Any) -> bool:
    """Return whether arms hold a wrong one, or lack the same right ones as the answer."""
    wrong = claimed - frozenset(said or ())
    return bool(given & wrong) if wrong else given == claimed


def _find_rules(case: Row, _: Any, extraction: TrialExtraction) -> Iterator[Held]:
    people = extraction.eligibility
    line = fold_text(case["text"])
    found = []
    for place, group in enumerate(people.groups):
        if group.lead_in and fold_text(group.lead_in) in line:
            paths = (f"groups[{place}].rule", f"groups[{place}]")
            found.append(Held(_name_rule(group), people, paths))
    # else its items stand without their group
    yield from found or [Held(None, people, ())]


def _name_rule(group: CriterionGroup) -> str:
    """Return how a model writes how many items of a group must hold."""
    if (group.n, group.n_high) == (1, None):
        return "any"
    words = {"any of": "any", "all of": "all"}.get(str(group))
    return words or f"{group.n}-{group.n_high or ''}".rstrip("-")


def _is_equal(given: Any, claimed: Any, _: Any) -> bool:
    return bool(given == claimed)


def _of_windows(name: str) -> PartKind:
    read = attrgetter(name)
    find = partial(_find_windows, name=name)
    return PartKind(attrgetter("time_windows"), read, find, _claims_words, _has_words)


PARTS = {
    "condition": PartKind(
        list_values=attrgetter("constraints"),
        read=attrgetter("condition"),
        find=_find_conditions,
        is_claimed=_claims_words,
        is_right=_has_words,
    ),
    "windows": PartKind(
        list_values=attrgetter("time_windows"),
        read=lambda window: window,
        find=_list_windows,
        is_claimed=_claims_window,
        is_right=_is_same_length,
    ),
    "of": _of_windows("of"),
    "anchor": _of_windows("anchor"),
    "arms": PartKind(
        list_values=lambda answer: [answer.arms],
        read=frozenset,
        find=_find_arms,
        is_claimed=_claims_arms,
        is_right=eq,
    ),
    "dose_arms": PartKind(
        list_values=attrgetter("amounts"),
        read=lambda amount: frozenset(map(int, amount.arms)),
        find=_find_arms_of_amount,
        is_claimed=_claims_arms,
        is_right=eq,
    ),
    "rule": PartKind(
        list_values=lambda answer: [answer.rule],
        read=_name_rule,
        find=_find_rules,
        is_claimed=_is_equal,
        is_right=eq,
    ),
}
"""The kinds of parts by the ``field`` of a case."""
