"""Find what the times of an outcome are counted from: in its time frame, else in its measure or
description, where these name the same time.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

from extractor.apps.export.columns import Json
from extractor.concepts.outcomes.moments import read_time_frame
from extractor.concepts.windows.anchors import AnchorClass, classify_anchor
from extractor.language.book import read_text
from extractor.schemas import TimeKind, TimeUnit

Place = tuple[int, int]
"""Where in a text a time stands: its first character, and one past its last."""
_BEHIND = re.compile(
    r"[\s)-]{0,3}(?:minutes?|hours?|days?|weeks?|months?|years?)?\s?"
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
_LISTED = re.compile(
    r"[\s)]{0,2}(?:minutes?|hours?|days?|weeks?|months?|years?)?"
    r"[\s,&/]{0,5}(?:and|or|then)?[\s,]{0,3}",
    re.IGNORECASE,
)
"""What stands between two times of a list: "24 hours and 7 days"."""
RANGE = re.compile(
    r"[\s)]{0,2}(?:minutes?|hours?|days?|weeks?|months?|years?)?\s{0,2}"
    r"(?:-|–|—|~|to|through|until|up\sto)\s{0,2}"
    r"(?:minutes?|hours?|days?|weeks?|months?|years?)?\s{0,2}",
    re.IGNORECASE,
)
"""What stands between the start and the end of a range."""
_MOMENT_SIGN = re.compile(r"\b(?:after|following|from|since|post|of)\b", re.IGNORECASE)
"""A text without these words names no moment."""
_LONGEST_TEXT = 2000
"""A longer description is not read for the moments of its times."""
_WITHIN_A_DAY = frozenset({TimeUnit.MINUTE, TimeUnit.HOUR})
_STARTS = frozenset({AnchorClass.FIRST_DOSE, AnchorClass.RANDOMISATION_OR_ENROLMENT})
"""Events at which the clock of a whole trial starts."""


def find_anchors(
    endpoint: Json, frame: str, places: Sequence[Place | None]
) -> list[AnchorClass | None]:
    """Return what each time point of an endpoint is counted from. ``places`` says where they stand
    in its time frame.

    Where the time frame names no moment, the measure or the description may: "at 1, 3 and 6 months
    after surgery" of the time frame "6 months". Else the start of the endpoint's clock counts.

    >>> endpoint = {
    ...     "description": "Pain at 1, 3 and 6 months after surgery",
    ...     "time_points": [{"value": 6, "unit": "month"}],
    ... }
    >>> [anchor.value for anchor in find_anchors(endpoint, "6 months", [(0, 8)])]
    ['surgery']
    """
    points = endpoint["time_points"]
    anchors = _read_anchors(frame, places, [point["unit"] for point in points])
    if not any(anchors):
        anchors = [_find_elsewhere(endpoint, point) for point in points]
    start = _read_start(endpoint)
    return [anchor or start for anchor in anchors]


def _find_elsewhere(endpoint: Json, point: Json) -> AnchorClass | None:
    """Return the moment from which the measure or the description counts the same time, if it is
    only one.
    """
    for name in ("measure", "description"):
        text = endpoint.get(name) or ""
        may_name = point["unit"] in text.lower() and _MOMENT_SIGN.search(text)
        if len(text) > _LONGEST_TEXT or not may_name:
            continue
        named = {anchor for anchor in _read_same(text, point) if anchor}
        if named:
            return named.pop() if len(named) == 1 else None
    return None


def _read_same(text: str, point: Json) -> list[AnchorClass | None]:
    """Return what a text counts each mention of a time from. Where it names any other event, the
    time may be another one of the same length.
    """
    read = read_time_frame(read_text(text))
    moments = [moment for group in read.groups for moment in group.moments]
    places = [read.locate(moment) for moment in moments]
    units = [moment.unit for moment in moments]
    anchors = _read_anchors(text, places, units)
    return [
        None if anchor is AnchorClass.OTHER_EVENT else anchor
        for moment, anchor in zip(moments, anchors, strict=True)
        if (moment.value, moment.unit) == (point["value"], point["unit"])
    ]


def _read_anchors(
    text: str, places: Sequence[Place | None], units: Sequence[str]
) -> list[AnchorClass | None]:
    """Return what each time is counted from. In a list, "1, 3 and 6 months after surgery", all
    share it.

    In "2 hours after the dose at week 4", the dose belongs to the hours: days and longer times do
    not share it.
    """
    around = [_list_neighbours(places, index) for index in range(len(places))]
    pairs = enumerate(pairwise(places))
    joints = [index for index, pair in pairs if _are_listed(text, *pair)]
    anchors = [
        _read_behind(text, place, *ends)
        for place, ends in zip(places, around, strict=True)
    ]
    of_hours = {
        index
        for index, anchor in enumerate(anchors)
        if anchor and units[index] in _WITHIN_A_DAY
    }
    for index in reversed(joints):
        _share(anchors, units, of_hours, lender=index + 1, borrower=index)
    for index, place in enumerate(places):
        is_taken = index - 1 in of_hours and units[index] not in _WITHIN_A_DAY
        if place and anchors[index] is None and not is_taken:
            anchors[index] = _read_before(text, around[index][0], place[0])
    for index in joints:
        _share(anchors, units, of_hours, lender=index, borrower=index + 1)
    return anchors


def _share(
    anchors: list[AnchorClass | None],
    units: Sequence[str],
    of_hours: set[int],
    *,
    lender: int,
    borrower: int,
) -> None:
    """Give a time without a moment that of another one of its list. ``of_hours`` has the times
    whose moment is one of hours or minutes; those that share it are added.
    """
    is_barred = lender in of_hours and units[borrower] not in _WITHIN_A_DAY
    if anchors[borrower] is not None or is_barred:
        return
    anchors[borrower] = anchors[lender]
    if lender in of_hours:
        of_hours.add(borrower)


def _list_neighbours(
    places: Sequence[Place | None], index: int
) -> tuple[int, int | None]:
    """Return the end of the time point before one, and the start of the next."""
    before = [place[1] for place in places[:index] if place]
    behind = [place[0] for place in places[index + 1 :] if place]
    return max(before, default=0), min(behind, default=None)


def _are_listed(frame: str, place: Place | None, following: Place | None) -> bool:
    if not place or not following:
        return False
    between = (place[1], following[0])
    if between[1] < between[0]:
        return False
    listed = _LISTED.fullmatch(frame, *between) or RANGE.fullmatch(frame, *between)
    return listed is not None


def _read_behind(
    frame: str, place: Place | None, first: int, last: int | None
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
