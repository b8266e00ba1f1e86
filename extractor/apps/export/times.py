"""Compute the columns of times: days, the length of a cycle, and what a time is counted from."""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from extractor.apps.export.columns import Json, find_least, list_evidence, to_days
from extractor.apps.export.counted_from import RANGE, Place, find_anchors
from extractor.language.numbers import read_number, read_time_unit
from extractor.schemas import TimeKind, TimeUnit

_CYCLE = "cycle"
_DAY_OF_CYCLE = re.compile(
    r"\bC(?:ycle)?\s?(?P<cycle>\d{1,2})[\s,(-]{0,3}D(?:ay)?[\s-]{0,2}\d{1,3}$",
    re.IGNORECASE,
)
"""The cycle before a day of it: "Cycle 2 Day 15", "C2D15"."""
_OF_CYCLE = re.compile(
    r"\s(?:of|in)\s(?:the\s)?(?P<which>each|every|all|cycles?\s(?P<cycle>\d{1,2}))\b",
    re.IGNORECASE,
)
"""The cycle behind a day of it: "day 15 of cycle 2"."""
_CYCLE_LENGTH = re.compile(
    r"\bcycles?\s(?:lengths?\s)?(?:is|are|=|equals|lasts|lasting|of|length|lengths)\s"
    r"(?P<number>\d{1,3})[\s-]?(?P<unit>days?|weeks?|months?)\b"
    r"|\b(?P<number2>\d{1,3})[\s-](?P<unit2>days?|weeks?|months?)[\s-](?:treatment\s)?cycles?\b",
    re.IGNORECASE,
)
"""How long a cycle is, in a time frame itself."""


def find_cycle_days(regimens: Sequence[Json]) -> float | None:
    """Return the length of a cycle in days, if all regimens that state one agree.

    >>> weeks = {"cycle": {"value": 3, "unit": "week"}}
    >>> days = {"cycle": {"value": 28, "unit": "day"}}
    >>> find_cycle_days([weeks, {}]), find_cycle_days([weeks, days])
    (21.0, None)
    """
    lengths = {to_days(regimen.get("cycle")) for regimen in regimens} - {None}
    if len(lengths) != 1:
        return None
    return lengths.pop()


def describe_regimen_times(regimen: Json) -> dict[str, float | None]:
    """Return the cycle and the duration of a regimen in days; a duration in cycles needs the length
    of one.
    """
    cycle = to_days(regimen.get("cycle"))
    duration = regimen.get("duration")
    days = to_days(duration)
    if duration and duration["unit"] == _CYCLE and cycle:
        days = duration["value"] * cycle
    return {"cycle_days": cycle, "duration_days": days}


def describe_times(endpoint: Json, cycle: float | None) -> list[dict[str, Any]]:
    """Return the cells of each time point of an endpoint. ``cycle`` is the length of a cycle in the
    record, in days; the length that the time frame states goes before it.

    >>> endpoint = {
    ...     "time_frame": "4-8 weeks after the last dose",
    ...     "time_kind": "from_to",
    ...     "time_points": [
    ...         {"value": 4, "unit": "week"},
    ...         {"value": 8, "unit": "week"},
    ...     ],
    ... }
    >>> first, last = describe_times(endpoint, None)
    >>> first["days"], first["days_high"], str(first["counted_from"])
    (28.0, 56.0, 'last_dose')
    """
    points = endpoint["time_points"]
    if not points:
        return []
    frame = endpoint.get("time_frame") or ""
    places = _find_places(endpoint, frame)
    cycle = _read_cycle(frame) or cycle
    days = []
    for point, place in zip(points, places, strict=True):
        of_cycle = _find_cycle(frame, point, place)
        days.append(_count_days(point, endpoint, cycle, of_cycle))
    anchors = find_anchors(endpoint, frame, places)
    highs = _find_highs(frame, places, days, endpoint)
    described = []
    for point, day, high, anchor in zip(points, days, highs, anchors, strict=True):
        pieces = list_evidence(endpoint, "time_points", point)
        cells = {
            "days": day,
            "days_high": high,
            "cycle_days": cycle if point["unit"] == _CYCLE else None,
            "counted_from": anchor,
            "confidence": find_least(pieces),
        }
        described.append(cells)
    return described


def _read_cycle(frame: str) -> float | None:
    """Return the length of a cycle that the time frame itself states: "each cycle is 21 days"."""
    match = _CYCLE_LENGTH.search(frame)
    if match is None:
        return None
    number = read_number(match["number"] or match["number2"])
    unit = read_time_unit(match["unit"] or match["unit2"])
    return to_days({"value": number, "unit": unit})


def _find_cycle(frame: str, point: Json, place: Place | None) -> int | None:
    """Return the number of the cycle of which a time is a day: 2 for "cycle 2 day 15", 0 where it
    is a day of each cycle; None if it is none of a cycle.
    """
    if point["unit"] != TimeUnit.DAY or place is None:
        return None
    _, end = place
    of_cycle = _DAY_OF_CYCLE.search(frame, 0, end) or _OF_CYCLE.match(frame, end)
    if of_cycle is None:
        return None
    return int(of_cycle["cycle"] or 0)


def _count_days(
    point: Json, endpoint: Json, cycle: float | None, of_cycle: int | None
) -> float | None:
    """Return a time in days; None if it depends on cycles and cannot be counted. ``cycle`` is the
    length of a cycle in days, ``of_cycle`` what ``_find_cycle`` returns.
    """
    if point["unit"] == _CYCLE:
        # "Cycle 3" as a moment may be its beginning or its end; only "up to 3 cycles" has a length.
        if cycle is None or endpoint.get("time_kind") != TimeKind.UP_TO:
            return None
        return float(point["value"] * cycle)
    if of_cycle is None or of_cycle == 1:
        return to_days(point)
    # "Day 1 of each cycle" is many days.
    if of_cycle == 0 or cycle is None:
        return None
    return float((of_cycle - 1) * cycle + point["value"])


def _find_places(endpoint: Json, frame: str) -> list[Place | None]:
    """Return the characters (first, end) of each time point in the time frame; None for a point
    that is not found, or whose evidence lies outside the frame.
    """
    # Of several pieces of one field, the first counts: it is written last.
    pieces: Mapping[str, Json] = {
        piece["field"]: piece for piece in reversed(endpoint.get("evidence") or ())
    }
    whole = pieces.get("time_frame")
    places = list[Place | None]()
    done = 0
    for index, point in enumerate(endpoint["time_points"]):
        piece = pieces.get(f"time_points[{index}]")
        place: Place | None = None
        if piece and whole and piece["section"] == whole["section"]:
            offset = whole["start"]
            place = (piece["start"] - offset, piece["end"] - offset)
        else:
            # Gold has no evidence: the number is looked for behind that of the time before.
            number = re.compile(rf"(?<!\d){point['value']:g}(?!\d)")
            match = number.search(frame, done)
            if match:
                place = match.span()
        if place and not 0 <= place[0] < place[1] <= len(frame):
            place = None
        if place:
            done = place[1]
        places.append(place)
    return places


def _find_highs(
    frame: str,
    places: Sequence[Place | None],
    days: Sequence[float | None],
    endpoint: Json,
) -> list[float | None]:
    """Return for each time point the end of the range that it begins, in days; None if it begins
    none. A range ends later than it begins.
    """
    highs: list[float | None] = [None] * len(days)
    is_from_to = endpoint.get("time_kind") == TimeKind.FROM_TO
    # Two points whose words are not found are the ends of the only range.
    is_only_range = is_from_to and places == [None, None] and len(days) == 2
    for index, (place, following) in enumerate(pairwise(places)):
        low = days[index]
        high = days[index + 1]
        if low is None or high is None or high <= low:
            continue
        is_range = is_only_range
        if place and following:
            is_range = RANGE.fullmatch(frame, place[1], following[0]) is not None
        if is_range:
            highs[index] = high
    return highs
