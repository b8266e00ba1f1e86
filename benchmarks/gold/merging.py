"""Merge two readings of one trial: what both say, and what a third reader says where they
differ.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from benchmarks.data import Row
from extractor.apps.evaluation.comparers import measure_window
from extractor.apps.evaluation.text import fold_quote, share_words
from extractor.schemas import TimeWindow

_TURNING = re.compile(
    r"\b(?:unless|except\w*|exclud\w*|without|no|not|un\w{4,})\b", re.IGNORECASE
)
"""Words that turn a condition round: without them, a shorter quote is another condition."""
EMPTY: Row = {"windows": {}, "conditions": {}, "arms": {}, "groups": []}
"""A reading that says nothing."""
Ask = Callable[[str, Any, Any], Any]
"""Returns what the third reader says of a place, given both answers."""


def share_sense(one: str | None, other: str | None) -> bool:
    """Return whether two quotes differ at most in their extent.

    >>> (
    ...     share_sense("with liver metastases", "liver metastases"),
    ...     share_sense("marrow", "unless marrow"),
    ... )
    (True, False)
    """
    if one is None or other is None:
        return one is other
    turned = [bool(_TURNING.search(text)) for text in (one, other)]
    return fold_quote(one) == fold_quote(other) or (
        turned[0] == turned[1] and share_words(one, other)
    )


def _take_shorter(one: str | None, other: str | None) -> str | None:
    return min(one, other, key=len) if one and other else one or other


def merge(first: Row, second: Row, ask: Ask) -> Row:
    """Return what two readings of a trial say together; ``ask`` decides where they differ.

    >>> readings = [
    ...     {"arms": {"d1": [1, 2]}, "conditions": {"c1.l1": words}}
    ...     for words in ("for men", "men")
    ... ]
    >>> merge(*readings, ask=max)["conditions"]
    {'c1.l1': 'men'}
    """
    first = EMPTY | first
    second = EMPTY | second
    merged: Row = {"windows": {}, "conditions": {}, "arms": {}}
    for name in _list_names(first, second, "windows"):
        one, other = (each["windows"].get(name, []) for each in (first, second))
        if windows := list(_merge_windows(name, one, other, ask)):
            merged["windows"][name] = windows
    for name in _list_names(first, second, "conditions"):
        one, other = (each["conditions"].get(name) for each in (first, second))
        if (
            said := _take_shorter(one, other)
            if share_sense(one, other)
            else ask(f"{name} condition", one, other)
        ):
            merged["conditions"][name] = said
    for name in _list_names(first, second, "arms"):
        if "." not in name:
            one, other = (_read_arms(each["arms"], name) for each in (first, second))
            merged["arms"] |= one if one == other else ask(f"{name} arms", one, other)
    return merged | {
        "groups": list(_merge_groups(first["groups"], second["groups"], ask))
    }


def _list_names(first: Row, second: Row, key: str) -> list[str]:
    named = {*first[key], *second[key]}
    return sorted(
        named, key=lambda name: [int(number) for number in re.findall(r"\d+", name)]
    )


def _read_arms(arms: Mapping[str, Sequence[int]], name: str) -> dict[str, list[int]]:
    """Return the arms of a regimen, and those of its amounts if they differ."""
    whole = sorted(arms.get(name, []))
    parts = {
        key: sorted(each) for key, each in arms.items() if key.startswith(f"{name}.")
    }
    return {name: whole} | (
        parts if any(each != whole for each in parts.values()) else {}
    )


def _size(window: Row) -> tuple[Any, ...]:
    return measure_window(TimeWindow.model_validate(window))


def _merge_windows(
    name: str, first: list[Row], second: list[Row], ask: Ask
) -> Iterator[Row]:
    """Yield the windows of a criterion: of equal sense, number and unit together, then those
    beside each other.
    """
    left = list(second)
    alone = list[Row]()
    slots: list[tuple[Any, Any]] = []
    for one in first:
        same = [other for other in left if _size(other) == _size(one)]
        if same:
            slots.append(
                (
                    one,
                    next(
                        (each for each in same if share_sense(one["of"], each["of"])),
                        same[0],
                    ),
                )
            )
            left.remove(slots[-1][1])
        else:
            alone.append(one)
    for one in alone:
        near = next((other for other in left if other["value"] == one["value"]), None)
        if near:
            left.remove(near)
        slots.append((one, near))
    slots += [(None, other) for other in left]
    for one, other in slots:
        if one is None or other is None or _size(one) != _size(other):
            said = ask(f"{name} window", one, other)
        else:
            parts = [
                part for part in ("of", "anchor") if share_sense(one[part], other[part])
            ]
            agreed = {
                part: _take_shorter(one[part], other[part])
                for part in ("quote", *parts)
            }
            both = (
                one | agreed,
                one | {part: other[part] for part in ("of", "anchor")} | agreed,
            )
            said = both[0] if len(parts) == 2 else ask(f"{name} window", *both)
        yield from said if isinstance(said, list) else [said] if said else []


def _merge_groups(first: list[Row], second: list[Row], ask: Ask) -> Iterator[Row]:
    """Yield the groups of a trial: those that share items or a parent are one question, unless
    both say the same.
    """
    number = count(1)
    for found in _join_groups(first, second):
        one, other = map(_renumber, found)
        senses = [
            [group | {"lead_in": None} for group in each] for each in (one, other)
        ]
        pairs = zip(one, other, strict=False)
        agreed = [
            ours | {"lead_in": _take_shorter(ours["lead_in"], theirs["lead_in"])}
            for ours, theirs in pairs
        ]
        said = agreed if senses[0] == senses[1] else ask("groups", one, other)
        names = {group["id"]: f"g{next(number)}" for group in said or ()}
        yield from (
            group | {"id": names[group["id"]], "parent": names.get(group["parent"])}
            for group in said or ()
        )


def _join_groups(
    first: list[Row], second: list[Row]
) -> Iterator[tuple[list[Row], list[Row]]]:
    """Yield the groups of both readings that share items, or of which one is the parent of the
    other.
    """
    left = [
        (side, group) for side, each in enumerate((first, second)) for group in each
    ]
    while left:
        found = [left.pop(0)]
        for side, group in found:  # it grows
            near = [
                (place, other)
                for place, other in left
                if not {*group["items"]}.isdisjoint(other["items"])
                or (
                    place == side
                    and (
                        other["parent"] == group["id"] or group["parent"] == other["id"]
                    )
                )
            ]
            left = [one for one in left if one not in near]
            found += near
        yield (
            [group for side, group in found if not side],
            [group for side, group in found if side],
        )


def _renumber(groups: Sequence[Row]) -> list[Row]:
    """Return groups in the order of the text, with ids in that order, so that they do not tell
    the reading.
    """
    ordered = [
        group | {"items": sorted(group["items"], key=read_number)} for group in groups
    ]
    ordered.sort(
        key=lambda group: (
            group["parent"] is not None,
            [*map(read_number, group["items"])],
        )
    )
    names = {group["id"]: f"g{number}" for number, group in enumerate(ordered, 1)}
    return [
        group | {"id": names[group["id"]], "parent": names.get(group["parent"])}
        for group in ordered
    ]


def read_number(name: str) -> int:
    return int(name[1:])


def correct(merged: Row, about: str, said: Any) -> None:
    """Replace what a merged reading says of a place: "c3 windows", "c5.l1 condition", "d1 arms" or
    "groups".

    >>> merged = EMPTY | {"arms": {"d1": [1, 2], "d1.a1": [1]}}
    >>> correct(merged, "d1 arms", {"d1": [2]})
    >>> merged["arms"]
    {'d1': [2]}
    """
    name, _, what = about.rpartition(" ")
    if what == "groups":
        merged["groups"] = said
    elif what == "arms":
        kept = {
            key: arms
            for key, arms in merged["arms"].items()
            if key.partition(".")[0] != name
        }
        merged["arms"] = kept | said
    elif what in ("windows", "condition"):
        key = "windows" if what == "windows" else "conditions"
        merged[key] = {
            place: one for place, one in merged[key].items() if place != name
        } | ({name: said} if said else {})
    else:
        raise ValueError(
            f"{about!r} is no place; write one such as 'c3 windows', 'c5.l1 condition', 'd1 "
            "arms', 'groups'"
        )
