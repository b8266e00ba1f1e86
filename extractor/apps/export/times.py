"""Compute the columns of times: days, the length of a cycle, and what a time is counted from."""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from extractor.apps.export.columns import Json, find_least, list_evidence, to_days
from extractor.concepts.windows.anchors import AnchorClass, classify_anchor
from extractor.language.numbers import read_number, read_time_unit
from extractor.schemas import TimeKind

_CYCLE = "cycle"
_BEHIND = re.compile(
    r"[\s)-]{0,3}(?:days?|weeks?|months?|years?|hours?)?\s?"
    r"(?P<sign>(?:after|following|from|since|post|of|before|prior\sto)\b[\s-]?)"
    r"(?P<moment>[^,;:()\n]{1,80})",
    re.IGNORECASE,
)
"""The moment behind a time: "12 weeks after the last dose"."""
_BEFORE = re.compile(
    r"\b(?P<sign>(?:from|since|after|following|post|between)\b[\s-]?)"
    r"(?P<moment>[^,;:()\n]{1,80}?)"
    r"(?:\s\([^()]{1,40}\))?"
    r"(?:,|:|\s(?:to|until|till|through|up\sto|for|and)\b|[\s,]{1,3}$)",
    re.IGNORECASE,
)
"""The moment before a time: "from randomisation to week 12"."""
_LEADING = re.compile(
    r"\W{0,3}(?P<moment>[a-z][^,;:()\n]{2,60}?)\s(?:to|until|till|through|up\sto)\s",
    re.IGNORECASE,
)
"""The moment with which a time frame begins: "baseline to week 12"."""
_BEGUN = re.compile(
    r"(?P<what>.{2,70}?)\s(?:is\s|was\s|has\s)?"
    r"(?:initiat(?:ed|ion)|start(?:ed|s)?|beg[ai]ns?|begun|commence[sd]?|commencement)\s?",
    re.IGNORECASE,
)
"""A beginning that is named behind what begins: "treatment initiated"."""
_POSTOPERATIVE = re.compile(r"post[\s-]?op(?:erative(?:ly)?)?\b", re.IGNORECASE)
_ENDS = re.compile(r"\s(?:to|until|till|through|up\sto|and|at)\s|\.\s", re.IGNORECASE)
"""What ends the name of a moment."""
_CHANGE = re.compile(r"\bchanges?\b", re.IGNORECASE)
_BASELINE = re.compile(r"(?:the\s)?baseline", re.IGNORECASE)
_NEAR = 25
"""How many characters behind a time may say that it follows an operation."""
_LISTED = re.compile(r"[\s,&/]{0,5}(?:and|or|then)?[\s,]{0,3}", re.IGNORECASE)
_RANGE = re.compile(
    r"[\s)]{0,2}(?:minutes?|hours?|days?|weeks?|months?|years?)?\s{0,2}"
    r"(?:-|–|—|~|to|through|until|up\sto)\s{0,2}"
    r"(?:minutes?|hours?|days?|weeks?|months?|years?)?\s{0,2}",
    re.IGNORECASE,
)
"""What stands between the start and the end of a range."""
_CYCLE_LENGTH = re.compile(
    r"\bcycles?\s(?:lengths?\s)?(?:is|are|=|equals|lasts|lasting|of|length|lengths)\s"
    r"(?P<number>\d{1,3})[\s-]?(?P<unit>days?|weeks?|months?)\b"
    r"|\b(?P<number2>\d{1,3})[\s-](?P<unit2>days?|weeks?|months?)[\s-](?:treatment\s)?cycles?\b",
    re.IGNORECASE,
)
"""How long a cycle is, in a time frame itself."""
_STARTS = frozenset({AnchorClass.FIRST_DOSE, AnchorClass.RANDOMISATION_OR_ENROLMENT})
"""Events at which the clock of a whole trial starts."""


def find_cycle_days(regimens: Sequence[Json]) -> float | None:
    """Return the length of a cycle in days, if all regimens that state one agree.

    >>> weeks = {"cycle": {"value": 3, "unit": "week"}}
    >>> days = {"cycle": {"value": 28, "unit": "day"}}
    >>> find_cycle_days([weeks, {}]), find_cycle_days([weeks, days])
    (21.0, None)
    """
    lengths = [to_days(regimen.get("cycle")) for regimen in regimens]
    known = {length for length in lengths if length is not None}
    return min(known) if len(known) == 1 else None


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
    record, in days.

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
    days = [_count_days(point, endpoint, cycle) for point in points]
    anchors = _find_anchors(frame, places)
    from_start = _read_start(endpoint)
    highs = _find_highs(frame, places, days, endpoint)
    return [
        {
            "days": day,
            "days_high": high,
            "cycle_days": cycle if point["unit"] == _CYCLE else None,
            "counted_from": anchor or from_start,
            "confidence": find_least(list_evidence(endpoint, "time_points", point)),
        }
        for point, day, high, anchor in zip(points, days, highs, anchors, strict=True)
    ]


def _read_cycle(frame: str) -> float | None:
    """Return the length of a cycle that the time frame itself states: "each cycle is 21 days"."""
    found = _CYCLE_LENGTH.search(frame)
    if found is None:
        return None
    number = read_number(found["number"] or found["number2"])
    unit = read_time_unit(found["unit"] or found["unit2"])
    return to_days({"value": number, "unit": unit})


def _count_days(point: Json, endpoint: Json, cycle: float | None) -> float | None:
    if point["unit"] != _CYCLE:
        return to_days(point)
    # "cycle 3" as a moment may be its beginning or its end
    if cycle is None or endpoint.get("time_kind") != TimeKind.UP_TO:
        return None
    return float(point["value"] * cycle)


def _find_places(endpoint: Json, frame: str) -> list[tuple[int, int] | None]:
    """Return where in the time frame each time point stands, as far as it is known."""
    pieces: Mapping[str, Json] = {
        piece["field"]: piece for piece in reversed(endpoint.get("evidence") or ())
    }
    whole = pieces.get("time_frame")
    places = list[tuple[int, int] | None]()
    done = 0
    for index, point in enumerate(endpoint["time_points"]):
        piece = pieces.get(f"time_points[{index}]")
        if piece and whole and piece["section"] == whole["section"]:
            start = piece["start"] - whole["start"]
            end = piece["end"] - whole["start"]
        else:
            # gold has no evidence
            found = re.compile(rf"(?<!\d){point['value']:g}(?!\d)").search(frame, done)
            start, end = found.span() if found else (-1, -1)
        is_inside = 0 <= start < end <= len(frame)
        places.append((start, end) if is_inside else None)
        done = end if is_inside else done
    return places


def _find_highs(
    frame: str,
    places: Sequence[tuple[int, int] | None],
    days: Sequence[float | None],
    endpoint: Json,
) -> list[float | None]:
    """Return for each time point the end of the range that it begins, in days."""
    highs: list[float | None] = [None] * len(days)
    is_from_to = endpoint.get("time_kind") == TimeKind.FROM_TO
    is_range = is_from_to and len(days) == 2 and places == [None, None]
    for index, (place, following) in enumerate(pairwise(places)):
        low = days[index]
        high = days[index + 1]
        if low is None or high is None or high <= low:
            continue
        joined = place and following and _RANGE.fullmatch(frame, place[1], following[0])
        if joined or is_range:
            highs[index] = high
    return highs


def _find_anchors(
    frame: str, places: Sequence[tuple[int, int] | None]
) -> list[AnchorClass | None]:
    """Return what each time point is counted from. In a list, "1, 3 and 6 months after surgery",
    all share it.
    """
    around = [_list_neighbours(places, index) for index in range(len(places))]
    joints = [_are_listed(frame, *pair) for pair in pairwise(places)]
    anchors = [
        _read_behind(frame, place, *ends)
        for place, ends in zip(places, around, strict=True)
    ]
    for index in reversed(range(len(joints))):
        if joints[index] and anchors[index] is None:
            anchors[index] = anchors[index + 1]
    for index, place in enumerate(places):
        if place and anchors[index] is None:
            anchors[index] = _read_before(frame, around[index][0], place[0])
    for index, joint in enumerate(joints):
        if joint and anchors[index + 1] is None:
            anchors[index + 1] = anchors[index]
    return anchors


def _list_neighbours(
    places: Sequence[tuple[int, int] | None], index: int
) -> tuple[int, int | None]:
    """Return the end of the time point before one, and the start of the next."""
    before = [place[1] for place in places[:index] if place]
    behind = [place[0] for place in places[index + 1 :] if place]
    return max(before, default=0), min(behind, default=None)


def _are_listed(
    frame: str, place: tuple[int, int] | None, following: tuple[int, int] | None
) -> bool:
    if not place or not following:
        return False
    between = (place[1], following[0])
    if between[1] < between[0]:
        return False
    listed = _LISTED.fullmatch(frame, *between) or _RANGE.fullmatch(frame, *between)
    return listed is not None


def _read_behind(
    frame: str, place: tuple[int, int] | None, first: int, last: int | None
) -> AnchorClass | None:
    """Return the class of the moment named behind a time, before the next one."""
    if place is None:
        return None
    start, end = place
    stop = len(frame) if last is None else max(last, end)
    around = (frame[first:start], frame[end : min(stop, end + _NEAR)])
    if any(_POSTOPERATIVE.search(part) for part in around):
        return AnchorClass.SURGERY
    behind = _BEHIND.match(frame, end, stop)
    is_change = _CHANGE.search(frame, 0, start) is not None
    if behind and not (is_change and _BASELINE.match(behind["moment"])):
        anchor = _classify(behind["sign"], behind["moment"])
        if anchor:
            return anchor
    return None


def _read_before(frame: str, first: int, start: int) -> AnchorClass | None:
    """Return the class of the nearest moment named before a time. A change from baseline is
    counted from none.
    """
    for named in reversed(list(_BEFORE.finditer(frame, first, start))):
        is_change = _CHANGE.search(frame, first, named.start()) is not None
        if is_change and _BASELINE.match(named["moment"]):
            continue
        anchor = _classify(named["sign"], named["moment"])
        if anchor:
            return anchor
    leading = _LEADING.match(frame, 0, start) if first == 0 else None
    anchor = _classify("", leading["moment"]) if leading else None
    # what begins a frame may be anything; only a moment that has a class of its own counts
    return None if anchor is AnchorClass.OTHER_EVENT else anchor


def _classify(sign: str, moment: str) -> AnchorClass | None:
    words = _ENDS.split(moment.strip())[0]
    if words[:1].isdigit():
        return None
    sign = "from" if sign.strip().casefold() == "between" else sign
    begun = _BEGUN.fullmatch(words)
    if begun:
        return classify_anchor(f"{sign.strip()} initiation of {begun['what']}")
    return classify_anchor(f"{sign.strip()} {words}".strip())


def _read_start(endpoint: Json) -> AnchorClass | None:
    """Return the start of an endpoint's clock, if it starts with the trial: "up to 2 years" of the
    time from randomisation to death.
    """
    event = endpoint.get("start_event")
    if not event or endpoint.get("time_kind") != TimeKind.UP_TO:
        return None
    anchor = classify_anchor(event)
    return anchor if anchor in _STARTS else None
