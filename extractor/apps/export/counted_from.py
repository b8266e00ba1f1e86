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
_FROM_BASELINE = re.compile(
    r"\bchang(?:es?|ed|ing)\b[^.;\n]{0,120}?\b(?:from|since|relative\sto|versus|vs\.?|compared\s(?:to|with))"
    r"\s(?:the\s|their\s|day\s1\s)?baseline\b"
    r"|\bbaseline\sto\b[^.;\n]{0,60}\bchanges?\b|\bchanges?\b[^.;\n]{0,60}\bbetween\sbaseline\b",
    re.IGNORECASE,
)
"""A change that is measured against baseline."""
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
    """Return what each time point of an endpoint is counted from; None for a time of which
    nothing says it. ``places`` are the characters (first, end) of each in the time frame.

    Where the time frame names no moment, the measure or the description may: "at 1, 3 and 6 months
    after surgery" of the time frame "6 months". Else the start of the endpoint's clock counts.
    Else a change from baseline is counted from baseline, unless its time is in hours or minutes.

    >>> endpoint = {
    ...     "description": "Pain at 1, 3 and 6 months after surgery",
    ...     "time_points": [{"value": 6, "unit": "month"}],
    ... }
    >>> [anchor.value for anchor in find_anchors(endpoint, "6 months", [(0, 8)])]
    ['surgery']
    """
    points = endpoint["time_points"]
    units = [point["unit"] for point in points]
    anchors = _AnchorReader(frame, places, units).read()
    if not any(anchors):
        anchors = [_find_elsewhere(endpoint, point) for point in points]
    start = _read_start(endpoint)
    baseline = _read_baseline(endpoint, frame)
    completed: list[AnchorClass | None] = []
    for anchor, unit in zip(anchors, units, strict=True):
        counted_from = anchor or start
        if counted_from is None and unit not in _WITHIN_A_DAY:
            counted_from = baseline
        completed.append(counted_from)
    return completed


def _read_baseline(endpoint: Json, frame: str) -> AnchorClass | None:
    """Return the class of baseline if the endpoint is a change from it: "12 weeks" of a change from
    baseline are 12 weeks after baseline.
    """
    for text in (frame, endpoint.get("measure"), endpoint.get("description")):
        if text and _FROM_BASELINE.search(text[:_LONGEST_TEXT]):
            return classify_anchor("from baseline")
    return None


def _find_elsewhere(endpoint: Json, point: Json) -> AnchorClass | None:
    """Return the moment from which the measure, else the description, counts the same time; None
    if they name none, or the text counts the time from several.
    """
    for name in ("measure", "description"):
        text = endpoint.get(name) or ""
        if len(text) > _LONGEST_TEXT or point["unit"] not in text.lower():
            continue
        if not _MOMENT_SIGN.search(text):
            continue
        anchors = set(filter(None, _read_same(text, point)))
        if len(anchors) > 1:
            return None
        if anchors:
            return anchors.pop()
    return None


def _read_same(text: str, point: Json) -> list[AnchorClass | None]:
    """Return what a text counts each mention of a time from; None for a mention with no moment.
    An event without a class of its own is None, too: the time may be another one of the same
    length.
    """
    read = read_time_frame(read_text(text))
    moments = [moment for group in read.groups for moment in group.moments]
    places = [read.locate(moment) for moment in moments]
    units = [moment.unit for moment in moments]
    of_point: list[AnchorClass | None] = []
    anchors = _AnchorReader(text, places, units).read()
    for moment, anchor in zip(moments, anchors, strict=True):
        if moment.value != point["value"] or moment.unit != point["unit"]:
            continue
        if anchor is AnchorClass.OTHER_EVENT:
            of_point.append(None)
        else:
            of_point.append(anchor)
    return of_point


class _AnchorReader:
    """Reads what the times of a text are counted from.

    In "2 hours after the dose at week 4", the dose belongs to the hours: days and longer times do
    not share it.
    """

    def __init__(
        self, text: str, places: Sequence[Place | None], units: Sequence[str]
    ) -> None:
        self._text = text
        self._places = places
        self._units = units
        self._anchors: list[AnchorClass | None] = []
        self._of_hours = set[int]()
        """The times whose moment is one of hours or minutes."""

    def read(self) -> list[AnchorClass | None]:
        """Return what each time is counted from. In a list, "1, 3 and 6 months after surgery", all
        share it.
        """
        around = [
            _list_neighbours(self._places, index) for index in range(len(self._places))
        ]
        for index, place in enumerate(self._places):
            first, last = around[index]
            anchor = _read_behind(self._text, place, first, last)
            self._anchors.append(anchor)
            if anchor and self._units[index] in _WITHIN_A_DAY:
                self._of_hours.add(index)
        joints = self._list_joints()
        # A moment behind the last time of a list is that of the others.
        for index in reversed(joints):
            self._share(lender=index + 1, borrower=index)
        for index, place in enumerate(self._places):
            if place is None or self._anchors[index] is not None:
                continue
            if not self._is_barred(lender=index - 1, borrower=index):
                first, _ = around[index]
                self._anchors[index] = _read_before(self._text, first, place[0])
        # A moment before the first time of a list, too.
        for index in joints:
            self._share(lender=index, borrower=index + 1)
        return self._anchors

    def _list_joints(self) -> list[int]:
        """Return the positions of the times that stand in one list with the next time."""
        joints = []
        for index, (place, following) in enumerate(pairwise(self._places)):
            if _are_listed(self._text, place, following):
                joints.append(index)
        return joints

    def _share(self, *, lender: int, borrower: int) -> None:
        """Give a time without a moment that of another one of its list."""
        if self._anchors[borrower] is not None:
            return
        if self._is_barred(lender=lender, borrower=borrower):
            return
        self._anchors[borrower] = self._anchors[lender]
        if lender in self._of_hours:
            self._of_hours.add(borrower)

    def _is_barred(self, *, lender: int, borrower: int) -> bool:
        """Return whether the lender's moment is one of hours, and the borrower a time of days or
        longer, which does not share it.
        """
        if lender not in self._of_hours:
            return False
        return self._units[borrower] not in _WITHIN_A_DAY


def _list_neighbours(
    places: Sequence[Place | None], index: int
) -> tuple[int, int | None]:
    """Return the characters between which the words of a time point stand: the last end of the
    times before it, or 0, and the first start of the times behind it, or None.
    """
    end_before = 0
    for place in places[:index]:
        if place:
            end_before = max(end_before, place[1])
    start_behind = None
    for place in places[index + 1 :]:
        if place and (start_behind is None or place[0] < start_behind):
            start_behind = place[0]
    return end_before, start_behind


def _are_listed(frame: str, place: Place | None, following: Place | None) -> bool:
    """Return whether two times stand in one list, or are the ends of a range."""
    if not place or not following:
        return False
    start = place[1]
    end = following[0]
    if end < start:
        return False
    if _LISTED.fullmatch(frame, start, end):
        return True
    return RANGE.fullmatch(frame, start, end) is not None


def _read_behind(
    frame: str, place: Place | None, first: int, last: int | None
) -> AnchorClass | None:
    """Return the class of the moment named behind a time, before the next time; None without one.
    The words "postoperative" count before it and shortly behind it.

    ``place``, ``first`` and ``last`` are characters: of the time, the end of the time before it,
    and the start of the next time.
    """
    if place is None:
        return None
    start, end = place
    stop = len(frame)
    if last is not None:
        stop = max(last, end)
    words_before = frame[first:start]
    words_behind = frame[end : min(stop, end + _NEAR)]
    if _POSTOPERATIVE.search(words_before) or _POSTOPERATIVE.search(words_behind):
        return AnchorClass.SURGERY
    behind = _BEHIND.match(frame, end, stop)
    if behind is None:
        return None
    # "Change from baseline at week 12": the change is from there, the time is not.
    is_change = _CHANGE.search(frame, 0, start) is not None
    if is_change and _BASELINE.match(behind["moment"]):
        return None
    return _classify(behind["sign"], behind["moment"])


def _read_before(frame: str, first: int, start: int) -> AnchorClass | None:
    """Return the class of the nearest moment named before a time; at the start of a frame, also
    that of its first words. None if there is none. The baseline of a change from baseline counts
    last of all, so it is no moment here.

    ``first`` and ``start`` are characters: the end of the time before, and the start of this one.
    """
    for before in reversed(list(_BEFORE.finditer(frame, first, start))):
        is_change = _CHANGE.search(frame, first, before.start()) is not None
        if is_change and _BASELINE.match(before["moment"]):
            continue
        anchor = _classify(before["sign"], before["moment"])
        if anchor:
            return anchor
    if first != 0:
        return None
    leading = _LEADING.match(frame, 0, start)
    if leading is None:
        return None
    anchor = _classify("", leading["moment"])
    # What begins a frame may be anything; only a moment that has a class of its own counts.
    if anchor is AnchorClass.OTHER_EVENT:
        return None
    return anchor


def _classify(sign: str, moment: str) -> AnchorClass | None:
    """Return the class of a moment, by its words and the word before them, such as "after"; None
    for a number, which is another time.
    """
    words = _ENDS.split(moment.strip())[0]
    if words[:1].isdigit():
        return None
    sign = sign.strip()
    # "Between surgery and week 12" is counted from the surgery.
    if sign.casefold() == "between":
        sign = "from"
    begun = _BEGUN.fullmatch(words)
    if begun:
        return classify_anchor(f"{sign} initiation of {begun['what']}")
    return classify_anchor(f"{sign} {words}".strip())


def _read_start(endpoint: Json) -> AnchorClass | None:
    """Return the start of an endpoint's clock, if the endpoint has an end that is a time ("up to
    2 years") and starts with the trial: at the randomisation, enrolment or first dose.
    """
    event = endpoint.get("start_event")
    if not event or endpoint.get("time_kind") != TimeKind.UP_TO:
        return None
    anchor = classify_anchor(event)
    if anchor not in _STARTS:
        return None
    return anchor
