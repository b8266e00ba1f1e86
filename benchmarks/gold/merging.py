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
        ours = first["windows"].get(name, [])
        theirs = second["windows"].get(name, [])
        windows = list(_merge_windows(name, ours, theirs, ask))
        if windows:
            merged["windows"][name] = windows
    for name in _list_names(first, second, "conditions"):
        ours = first["conditions"].get(name)
        theirs = second["conditions"].get(name)
        if share_sense(ours, theirs):
            condition = _take_shorter(ours, theirs)
        else:
            condition = ask(f"{name} condition", ours, theirs)
        if condition:
            merged["conditions"][name] = condition
    for name in _list_names(first, second, "arms"):
        if "." in name:  # an amount, which is read with its regimen
            continue
        ours = _read_arms(first["arms"], name)
        theirs = _read_arms(second["arms"], name)
        if ours != theirs:
            ours = ask(f"{name} arms", ours, theirs)
        merged["arms"] |= ours
    groups = list(_merge_groups(first["groups"], second["groups"], ask))
    return merged | {"groups": groups}


def _list_names(first: Row, second: Row, key: str) -> list[str]:
    named = {*first[key], *second[key]}
    return sorted(
        named, key=lambda name: [int(number) for number in re.findall(r"\d+", name)]
    )


def _read_arms(arms: Mapping[str, Sequence[int]], name: str) -> dict[str, list[int]]:
    """Return the arms of a regimen, and those of its amounts if they differ."""
    whole = sorted(arms.get(name, []))
    parts = {}
    for key, numbers in arms.items():
        if key.startswith(f"{name}."):
            parts[key] = sorted(numbers)
    differ = any(numbers != whole for numbers in parts.values())
    return {name: whole} | parts if differ else {name: whole}


def _size(window: Row) -> tuple[Any, ...]:
    return measure_window(TimeWindow.model_validate(window))


def _merge_windows(
    name: str, first: list[Row], second: list[Row], ask: Ask
) -> Iterator[Row]:
    """Yield the windows of a criterion: of equal sense, number and unit together, then those
    beside each other.
    """
    for ours, theirs in _pair_windows(first, second):
        decided = _merge_window(name, ours, theirs, ask)
        if isinstance(decided, list):
            yield from decided
        elif decided:
            yield decided


def _pair_windows(
    first: list[Row], second: list[Row]
) -> list[tuple[Row | None, Row | None]]:
    """Return the windows of two readings that are compared with each other, None without one."""
    left = list(second)
    alone = list[Row]()
    pairs: list[tuple[Row | None, Row | None]] = []
    for ours in first:
        same = [theirs for theirs in left if _size(theirs) == _size(ours)]
        if not same:
            alone.append(ours)
            continue
        alike = [theirs for theirs in same if share_sense(ours["of"], theirs["of"])]
        theirs = alike[0] if alike else same[0]
        pairs.append((ours, theirs))
        left.remove(theirs)
    for ours in alone:
        near = [theirs for theirs in left if theirs["value"] == ours["value"]]
        if near:
            pairs.append((ours, near[0]))
            left.remove(near[0])
        else:
            pairs.append((ours, None))
    return pairs + [(None, theirs) for theirs in left]


def _merge_window(name: str, ours: Row | None, theirs: Row | None, ask: Ask) -> Any:
    """Return what two windows say together, each with the shorter words for a part in which they
    agree; else what ``ask`` decides.
    """
    about = f"{name} window"
    if ours is None or theirs is None or _size(ours) != _size(theirs):
        return ask(about, ours, theirs)
    agreed = {"quote": _take_shorter(ours["quote"], theirs["quote"])}
    for part in ("of", "anchor"):
        if share_sense(ours[part], theirs[part]):
            agreed[part] = _take_shorter(ours[part], theirs[part])
    merged = ours | agreed
    if "of" in agreed and "anchor" in agreed:
        return merged
    parts = {"of": theirs["of"], "anchor": theirs["anchor"]}
    return ask(about, merged, ours | parts | agreed)


def _merge_groups(first: list[Row], second: list[Row], ask: Ask) -> Iterator[Row]:
    """Yield the groups of a trial: those that share items or a parent are one question, unless
    both say the same.
    """
    number = count(1)
    for joined in _join_groups(first, second):
        ours, theirs = map(_renumber, joined)
        if _drop_lead_ins(ours) == _drop_lead_ins(theirs):
            decided = []
            for group, other in zip(ours, theirs, strict=True):
                lead_in = _take_shorter(group["lead_in"], other["lead_in"])
                decided.append(group | {"lead_in": lead_in})
        else:
            decided = ask("groups", ours, theirs) or []
        names = {group["id"]: f"g{next(number)}" for group in decided}
        for group in decided:
            parent = names.get(group["parent"])
            yield group | {"id": names[group["id"]], "parent": parent}


def _drop_lead_ins(groups: Sequence[Row]) -> list[Row]:
    return [group | {"lead_in": None} for group in groups]


def _join_groups(
    first: list[Row], second: list[Row]
) -> Iterator[tuple[list[Row], list[Row]]]:
    """Yield the groups of both readings that share items, or of which one is the parent of the
    other.
    """
    left = [(0, group) for group in first] + [(1, group) for group in second]
    while left:
        joined = [left.pop(0)]
        for group in joined:  # it grows
            near = [other for other in left if _belong_together(group, other)]
            left = [other for other in left if other not in near]
            joined += near
        yield (
            [group for side, group in joined if side == 0],
            [group for side, group in joined if side == 1],
        )


def _belong_together(one: tuple[int, Row], other: tuple[int, Row]) -> bool:
    """Return whether two groups, each with its reading, share items, or are parent and child."""
    side, group = one
    other_side, other_group = other
    if not {*group["items"]}.isdisjoint(other_group["items"]):
        return True
    if side != other_side:  # names of one reading say nothing of the other's
        return False
    if other_group["parent"] == group["id"]:
        return True
    return bool(group["parent"] == other_group["id"])


def _renumber(groups: Sequence[Row]) -> list[Row]:
    """Return groups in the order of the text, with ids in that order, so that they do not tell
    the reading.
    """
    ordered = []
    for group in groups:
        items = sorted(group["items"], key=read_number)
        ordered.append(group | {"items": items})
    ordered.sort(key=_order_of_group)
    names = {group["id"]: f"g{number}" for number, group in enumerate(ordered, 1)}
    renumbered = []
    for group in ordered:
        parent = names.get(group["parent"])
        renumbered.append(group | {"id": names[group["id"]], "parent": parent})
    return renumbered


def _order_of_group(group: Row) -> tuple[bool, list[int]]:
    """Return the order of a group: those without a parent first, then by their first items."""
    return group["parent"] is not None, [*map(read_number, group["items"])]


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
