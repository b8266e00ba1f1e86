"""Times in days, and what the times of an outcome are counted from."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from extractor.concepts.outcomes.moments import read_time_frame
from extractor.concepts.windows.anchors import AnchorClass, classify_anchor
from extractor.language.book import read_text
from extractor.language.numbers import DAYS
from extractor.schemas import (
    Endpoint,
    Regimen,
    TimeKind,
    TimePoint,
    TimeUnit,
)

_UNITS = r"(?:minutes?|hours?|days?|weeks?|months?|years?)?"
_IN_CYCLE = re.compile(r"\bc(?:ycles?\b|\d)", re.IGNORECASE)
"""A text that counts days within a cycle: "Cycle 2 Day 15", "C2D15"."""
_BEHIND = re.compile(
    rf"[\s)-]{{0,3}}{_UNITS}\s?"
    r"(?P<sign>(?:after|following|from|since|post|of|before|prior\sto)\b[\s-]?)"
    r"(?P<moment>[^,;:()\n]{1,80})",
    re.IGNORECASE,
)
"""The moment after a time: "12 weeks after the last dose"."""
_BEFORE = re.compile(
    r"\b(?P<sign>(?:from|since|after|following|post|between)\b[\s-]?)"
    r"(?P<moment>[^,;:()\n]{1,80}?)(?:\s\([^()]{1,40}\))?"
    r"(?:,|:|\s(?:to|until|till|through|up\sto|for|and)\b|[\s,]{1,3}$)",
    re.IGNORECASE,
)
"""The moment before a time: "from randomisation to week 12"."""
_LEADING = re.compile(
    r"\W{0,3}([a-z][^,;:()\n]{2,60}?)\s(?:to|until|till|through|up\sto)\s",
    re.IGNORECASE,
)
"""The moment at which a time frame begins: "baseline to week 12"."""
_BEGUN = re.compile(
    r"(.{2,70}?)\s(?:is\s|was\s|has\s)?"
    r"(?:initiat(?:ed|ion)|start(?:ed|s)?|beg[ai]ns?|begun|commence[sd]?|commencement)\s?",
    re.IGNORECASE,
)
"""A beginning that is named behind what begins: "treatment initiated"."""
_ENDS = re.compile(r"\s(?:to|until|till|through|up\sto|and|at)\s|\.\s", re.IGNORECASE)
"""Words that end the name of a moment."""
_FROM_BASELINE = re.compile(
    r"\bchang(?:es?|ed|ing)\b[^.;\n]{0,120}?"
    r"\b(?:from|since|relative\sto|versus|vs\.?|compared\s(?:to|with))"
    r"\s(?:the\s|their\s|day\s1\s)?baseline\b"
    r"|\bbaseline\sto\b[^.;\n]{0,60}\bchanges?\b|\bchanges?\b[^.;\n]{0,60}\bbetween\sbaseline\b",
    re.IGNORECASE,
)
"""A change that is measured against baseline."""
_LISTED = re.compile(
    rf"[\s)]{{0,2}}{_UNITS}[\s,&/]{{0,5}}(?:and|or|then)?[\s,]{{0,3}}", re.IGNORECASE
)
"""The words between two times of a list: "24 hours and 7 days"."""
_RANGE = re.compile(
    rf"[\s)]{{0,2}}{_UNITS}\s{{0,2}}(?:-|–|—|~|to|through|until|up\sto)\s{{0,2}}{_UNITS}\s{{0,2}}",
    re.IGNORECASE,
)
"""The words between the start and the end of a range."""
_LONGEST_TEXT = 2000
"""A longer description is not read."""
_SHORT = frozenset({TimeUnit.MINUTE, TimeUnit.HOUR})
_BASELINE = AnchorClass.RANDOMISATION_OR_ENROLMENT

Anchor = AnchorClass | None


class _CountedTime(NamedTuple):
    """A time in a text.

    ``end`` is the last time of the range that it begins.
    """

    time: TimePoint
    anchor: Anchor = None
    end: TimePoint | None = None


def to_days(time: Any) -> float | None:
    """Return a value with a unit of time in days; None for half-lives and cycles.

    >>> (
    ...     to_days(TimePoint(value=2, unit="week")),
    ...     to_days(TimePoint(value=2, unit="cycle")),
    ... )
    (14.0, None)
    """
    if time is None or time.unit not in DAYS:
        return None
    return float(time.value * DAYS[time.unit])


def describe_regimen_times(regimen: Regimen) -> dict[str, float | None]:
    """Return the cycle and the duration of a regimen in days."""
    cycle = to_days(regimen.cycle)
    duration = regimen.duration
    days = to_days(duration)
    if duration and duration.unit == TimeUnit.CYCLE and cycle:
        days = duration.value * cycle
    return {"cycle_days": cycle, "duration_days": days}


def find_cycle_days(regimens: Sequence[Regimen]) -> float | None:
    """Return the length of a cycle in days, if all regimens that state one agree."""
    lengths = {to_days(regimen.cycle) for regimen in regimens} - {None}
    return lengths.pop() if len(lengths) == 1 else None


def describe_times(endpoint: Endpoint, cycle: float | None) -> list[dict[str, Any]]:
    """Return the derived cells of the time points of an endpoint. ``cycle`` is the length of a
    cycle of the record in days.

    >>> endpoint = Endpoint.model_validate(
    ...     {
    ...         "rank": "primary",
    ...         "index": 0,
    ...         "time_frame": "4-8 weeks after the last dose",
    ...         "time_points": [
    ...             {"value": 4, "unit": "week"},
    ...             {"value": 8, "unit": "week"},
    ...         ],
    ...     }
    ... )
    >>> first, last = describe_times(endpoint, None)
    >>> first["days"], first["days_high"], first["counted_from"].value
    (28.0, 56.0, 'last_dose')
    """
    frame = (endpoint.time_frame or "")[:_LONGEST_TEXT]
    known = {
        (moment.time.value, moment.time.unit): moment
        for moment in reversed(_read(frame))
    }
    moments = [
        known.get((point.value, point.unit), _CountedTime(point))
        for point in endpoint.time_points
    ]
    cells = []
    for moment in moments:
        days = _count_days(moment, endpoint, cycle)
        high = to_days(moment.end)
        is_range = days is not None and high is not None and high > days
        anchor = _complete(moment.anchor, endpoint, moment.time.unit)
        cells.append(
            {
                "days": days,
                "days_high": high if is_range else None,
                "counted_from": anchor,
            }
        )
    return cells


def _complete(found: Anchor, endpoint: Endpoint, unit: TimeUnit) -> Anchor:
    """Return what a time is counted from: what was found, else the baseline of a change. Within the
    day of a treatment, baseline is before the dose.
    """
    if found not in (None, _BASELINE):
        return found
    texts = (endpoint.time_frame, endpoint.measure, endpoint.description)
    said = "\n".join(text[:_LONGEST_TEXT] for text in texts if text)
    if not _FROM_BASELINE.search(said):
        return found
    return None if unit in _SHORT else _BASELINE


def _count_days(
    moment: _CountedTime, endpoint: Endpoint, cycle: float | None
) -> float | None:
    """Return a time in days; None if it depends on cycles and cannot be counted."""
    point = moment.time
    if point.unit == TimeUnit.CYCLE:
        # "Cycle 3" may be its beginning or its end; only "up to 3 cycles" has a length.
        is_span = endpoint.time_kind == TimeKind.UP_TO
        return point.value * cycle if cycle and is_span else None
    # "Day 15 of cycle 2" is not a day of the trial.
    is_of_cycle = point.unit == TimeUnit.DAY and moment.anchor in (
        None,
        AnchorClass.OTHER_EVENT,
    )
    if is_of_cycle and _IN_CYCLE.search(endpoint.time_frame or ""):
        return None
    return to_days(point)


@lru_cache(maxsize=4096)
def _read(raw: str) -> Sequence[_CountedTime]:
    """Return the times of a text, each with the event that it is counted from.

    All times of a list share one event ("1, 3 and 6 months after surgery"). An event that follows
    one list is not taken as the event of the next: in "2 hours after the dose at week 4" the dose
    belongs to the hours.
    """
    frame = read_time_frame(read_text(raw))
    text = frame.tokens.text
    # "Day 1 to week 12": the first day is a start, not a time.
    found = frame.points or [one for group in frame.groups for one in group.moments]
    times = [TimePoint(value=one.value, unit=one.unit) for one in found]
    places = [frame.locate(moment) for moment in found]
    moments: list[_CountedTime] = []
    done = 0
    for run in _list_runs(text, times, places):
        first = places[run[0]][0]
        last = places[run[-1]][1]
        following = places[run[-1] + 1 :]
        stop = max(following[0][0], last) if following else len(text)
        behind = _BEHIND.match(text, last, stop)
        anchor = _classify(behind["sign"], behind["moment"]) if behind else None
        before = anchor or _read_before(text, done, first)
        done = behind.end() if behind and anchor else last
        moments += [
            _CountedTime(
                times[index],
                before,
                _find_end(text, times, places, index),
            )
            for index in run
        ]
    return moments


def _find_end(
    text: str,
    times: Sequence[TimePoint],
    places: Sequence[tuple[int, int]],
    index: int,
) -> TimePoint | None:
    """Return the end of the range that a time begins."""
    following = places[index + 1 : index + 2]
    if not following:
        return None
    is_range = _RANGE.fullmatch(text, places[index][1], following[0][0])
    return times[index + 1] if is_range else None


def _list_runs(
    text: str, times: Sequence[TimePoint], places: Sequence[tuple[int, int]]
) -> Iterator[list[int]]:
    """Yield the positions of the times of each list or range. In "day 1, 2 hours after the dose"
    the day is not in the list.
    """
    run: list[int] = []
    for index, time in enumerate(times):
        if run:
            between = text[places[index - 1][1] : places[index][0]]
            is_listed = _LISTED.fullmatch(between) or _RANGE.fullmatch(between)
            is_shorter = time.unit in _SHORT and times[index - 1].unit not in _SHORT
            if not is_listed or is_shorter:
                yield run
                run = []
        run.append(index)
    if run:
        yield run


def _read_before(text: str, first: int, start: int) -> Anchor:
    """Return the class of the nearest moment that is named before a time and behind ``first``; at
    the start of a text, also that of its first words.
    """
    for before in reversed(list(_BEFORE.finditer(text, first, start))):
        anchor = _classify(before["sign"], before["moment"])
        if anchor:
            return anchor
    leading = None if first else _LEADING.match(text, 0, start)
    anchor = _classify("", leading[1]) if leading else None
    # The first words may be anything; only a moment with a class of its own counts.
    return None if anchor is AnchorClass.OTHER_EVENT else anchor


def _classify(sign: str, moment: str) -> Anchor:
    """Return the class of a moment behind a word such as "after"; None for a number, which is
    another time.
    """
    words = _ENDS.split(moment.strip())[0]
    if words[:1].isdigit():
        return None
    # "Between surgery and week 12" is counted from the surgery.
    sign = re.sub("between", "from", sign.strip(), flags=re.IGNORECASE)
    # "Change from baseline 6 minute walk test"
    if words.lower().startswith("baseline"):
        words = "baseline"
    begun = _BEGUN.fullmatch(words)
    if begun:
        words = f"initiation of {begun[1]}"
    return classify_anchor(f"{sign} {words}".strip())
