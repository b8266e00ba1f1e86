"""What becomes of the parts of an answer's values: conditions of limits, things and anchors of
windows, arms, rules.

A value stands as it was answered, or with another part; or bare, without the part that the text
gives it.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from operator import attrgetter
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
        each = (
            [one for one in self.item.evidence if _is_of(one.field, path)]
            for path in self.paths
        )
        return next(filter(None, each), ())


def _is_of(field: str, path: str) -> bool:
    return field == path or field.startswith((f"{path}.", f"{path}["))


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
        if case["right"]:
            matching = [held for held in found if kind.is_right(held.part, claimed)]
            is_given = bool(claimed)
        else:
            matching = [
                held for held in found if kind.is_claimed(held.part, claimed, stated)
            ]
            is_given = bool(stated)
        if matching:
            yield Fate(value, matching[0], bare=False)
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
    likeness = measure_overlap(given, claimed)
    return share_words(given, claimed) and not (
        said and measure_overlap(given, said) >= likeness
    )


def _find_conditions(
    _: Row, claimed: Constraint, extraction: TrialExtraction
) -> Iterator[Held]:
    forms = to_forms(claimed)
    for item in extraction.eligibility.criteria:
        for place, limit in enumerate(item.constraints):
            if all(
                any(agree("constraint", given, form) for given in to_forms(limit))
                for form in forms
            ):
                path = f"constraints[{place}]"
                yield Held(limit.condition, item, (f"{path}.condition", path))


def _find_windows(
    _: Row, claimed: TimeWindow, extraction: TrialExtraction, *, name: str
) -> Iterator[Held]:
    found = [
        (
            window,
            Held(
                getattr(window, name),
                item,
                (f"time_windows[{place}].{name}", f"time_windows[{place}]"),
            ),
        )
        for item in extraction.eligibility.criteria
        for place, window in enumerate(item.time_windows)
        if _measure(window) == _measure(claimed)
    ]
    near = [held for window, held in found if _have_one_quote(window, claimed)]
    yield from near or (held for _, held in found)


def _measure(window: TimeWindow) -> tuple[Any, ...]:
    factor = DAYS.get(window.unit)
    numbers = (
        one and round(one * (factor or 1), 6)
        for one in (window.value, window.value_high)
    )
    return window.comparator, *numbers, None if factor else window.unit


def _have_one_quote(one: TimeWindow, other: TimeWindow) -> bool:
    quotes = one.quote, other.quote
    return (
        fold_text(one.quote) == fold_text(other.quote)
        or is_inside(*quotes)
        or is_inside(*quotes[::-1])
    )


def _list_windows(
    _: Row, __: TimeWindow, extraction: TrialExtraction
) -> Iterator[Held]:
    for item in extraction.eligibility.criteria:
        for place, window in enumerate(item.time_windows):
            yield Held(window, item, (f"time_windows[{place}]",))


def _claims_window(given: TimeWindow, claimed: TimeWindow, _: Any) -> bool:
    """Return whether a window is the wrong one: of this length, and at these words, where
    another may be right.
    """
    return _measure(given) == _measure(claimed) and _have_one_quote(given, claimed)


def _find_arms(case: Row, _: Any, extraction: TrialExtraction) -> Iterator[Held]:
    for item in extraction.dosing:
        if agree("agent", item.agent, case["answer"]["agent"]):
            yield Held(_number(item.arms, case), item, ("arms",))


def _find_arms_of_amount(
    case: Row, claimed: Amount, extraction: TrialExtraction
) -> Iterator[Held]:
    for item in extraction.dosing:
        for place, amount in enumerate(item.amounts):
            same = agree("amount", to_forms(amount)[0], to_forms(claimed)[0])
            if same and agree("agent", item.agent, case["answer"]["agent"]):
                # an entry of one arm has no others
                arms = amount.arms or (item.arms if len(item.arms) == 1 else ())
                yield Held(
                    _number(arms, case), item, (f"amounts[{place}].arms", "arms")
                )


def _number(labels: Sequence[str], case: Row) -> Arms:
    folded = ["".join(one["label"].split()).casefold() for one in case["arms"]]
    return frozenset(
        folded.index("".join(label.split()).casefold()) + 1 for label in labels
    )


def _claims_arms(given: Arms, claimed: Arms, said: Any) -> bool:
    """Return whether arms hold a wrong one, or lack the same right ones as the answer."""
    wrong = claimed - frozenset(said or ())
    return bool(given & wrong) if wrong else given == claimed


def _find_rules(case: Row, _: Any, extraction: TrialExtraction) -> Iterator[Held]:
    people = extraction.eligibility
    line = fold_text(case["text"])
    found = [
        (n, one)
        for n, one in enumerate(people.groups)
        if one.lead_in and fold_text(one.lead_in) in line
    ]
    yield from (
        Held(_name_rule(one), people, (f"groups[{n}].rule", f"groups[{n}]"))
        for n, one in found
    )
    if not found:  # its items stand without their group
        yield Held(None, people, ())


def _name_rule(group: CriterionGroup) -> str:
    is_one = (group.n, group.n_high) == (1, None)
    return (
        "any"
        if is_one
        else {"any of": "any", "all of": "all"}.get(
            str(group), f"{group.n}-{group.n_high or ''}".rstrip("-")
        )
    )


def _equal(given: Any, claimed: Any, _: Any = None) -> bool:
    return bool(given == claimed)


def _is_same_length(given: TimeWindow, claimed: TimeWindow) -> bool:
    return _measure(given) == _measure(claimed)


def _of_windows(name: str) -> PartKind:
    read = attrgetter(name)
    find = partial(_find_windows, name=name)
    return PartKind(attrgetter("time_windows"), read, find, _claims_words, _has_words)


PARTS = {
    "condition": PartKind(
        attrgetter("constraints"),
        attrgetter("condition"),
        _find_conditions,
        _claims_words,
        _has_words,
    ),
    "windows": PartKind(
        attrgetter("time_windows"),
        lambda window: window,
        _list_windows,
        _claims_window,
        _is_same_length,
    ),
    "of": _of_windows("of"),
    "anchor": _of_windows("anchor"),
    "arms": PartKind(
        lambda answer: [answer.arms], frozenset, _find_arms, _claims_arms, _equal
    ),
    "dose_arms": PartKind(
        attrgetter("amounts"),
        lambda amount: frozenset(map(int, amount.arms)),
        _find_arms_of_amount,
        _claims_arms,
        _equal,
    ),
    "rule": PartKind(
        lambda answer: [answer.rule], _name_rule, _find_rules, _equal, _equal
    ),
}
"""The kinds of parts by the ``field`` of a case."""
