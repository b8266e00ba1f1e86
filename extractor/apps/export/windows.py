"""Compute the columns of time windows: days, the class of the moment that they are counted from,
and the things that they limit.
"""

from collections.abc import Iterator
from typing import Any

from extractor.apps.export.agent_names import AgentNamer
from extractor.apps.export.columns import Json, find_least, list_evidence, to_days
from extractor.concepts.windows.anchors import classify_anchor
from extractor.concepts.windows.things import find_sex, list_things

THINGS = "window_things"
"""The table of the things that windows limit, and the key of a window that holds them."""


def describe_windows(criterion: Json, namer: AgentNamer) -> Iterator[dict[str, Any]]:
    """Yield the computed cells of each time window of a criterion; under ``THINGS`` the things that
    it limits.

    >>> window = {
    ...     "quote": "within 4 weeks before enrolment",
    ...     "value": 4,
    ...     "unit": "week",
    ...     "of": "chemotherapy or other biologics",
    ...     "anchor": "before enrolment",
    ... }
    >>> criterion = {"quote": "No chemotherapy ...", "time_windows": [window]}
    >>> cells = next(describe_windows(criterion, AgentNamer()))
    >>> cells["days"], cells["anchor_class"], cells["of_things"]
    (28.0, 'randomisation_or_enrolment', 'chemotherapy|biologic')
    """
    for window in criterion["time_windows"]:
        high = window.get("value_high")
        days_high = None
        if high is not None:
            days_high = to_days({**window, "value": high})
        # "Women within 3 months postpartum": the window is one of women.
        of_sex = find_sex(window["quote"], criterion["quote"])
        sex = of_sex.value if of_sex else None
        names = list_things(window.get("of") or "")
        things = []
        for name in names:
            agent = namer.find_registered(name)
            things.append({"thing": name, "agent_canonical": agent, "sex": sex})
        yield {
            "days": to_days(window),
            "days_high": days_high,
            "anchor_class": _name_class(window.get("anchor")),
            "of_things": "|".join(names) or None,
            "sex": sex,
            "confidence": find_least(list_evidence(criterion, "time_windows", window)),
            THINGS: things,
        }


def find_parts(criterion: Json) -> dict[str, str]:
    """Return what a criterion's ``time_window`` limits and what it is counted from, where only the
    same window in ``time_windows`` says so.

    >>> window = {"quote": "within 4 weeks", "of": "steroids", "anchor": None}
    >>> chosen = {"quote": "within 4 weeks"}
    >>> find_parts({"time_window": chosen, "time_windows": [window]})
    {'of': 'steroids'}
    """
    chosen = criterion.get("time_window")
    if not chosen:
        return {}
    parts = {}
    for window in criterion["time_windows"]:
        if window["quote"] != chosen["quote"]:
            continue
        for name in ("of", "anchor"):
            if window.get(name) and not chosen.get(name):
                parts[name] = window[name]
        break
    return parts


def find_anchor_class(criterion: Json) -> str | None:
    """Return the class of the moment that a criterion's ``time_window`` is counted from; None
    without a window, a moment or a class.

    The same window in ``time_windows`` names the moment, where it is there; else the window itself.
    """
    chosen = criterion.get("time_window")
    if not chosen:
        return None
    for window in criterion["time_windows"]:
        if window["quote"] == chosen["quote"] and window.get("anchor"):
            return _name_class(window["anchor"])
    return _name_class(chosen.get("anchor"))


def _name_class(anchor: str | None) -> str | None:
    """Return the class of the moment that some words name; None without words or a class."""
    if not anchor:
        return None
    anchor_class = classify_anchor(anchor)
    return anchor_class.value if anchor_class else None
