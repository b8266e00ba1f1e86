"""The time points of a time frame: its moments without baseline, intervals, tolerances and cycle lengths."""

import re
from collections.abc import Iterable

from extractor.schemas import TimeUnit

from .moments import NUMBER_IN_TIME, UNIT, Moment, MomentGroup

__all__ = ["mask_intervals", "select_time_points"]

_OPENS_RANGE = re.compile(r"\s*(?:-|~|\bto\b|\bthrough\b|\buntil\b|\bup to\b)\s*", re.IGNORECASE)
_SPAN = rf"{NUMBER_IN_TIME}(?:\s*(?:-|to|or)\s*{NUMBER_IN_TIME})?[\s-]*{UNIT}"
_MASKED = re.compile(
    rf"(?P<tolerance>\(?\s{{0,3}}(?:±|\+\s?/\s?-|\+-|-/\+|plus or minus)\s*{NUMBER_IN_TIME})"
    rf"(?P<tolerance_unit>\s*{UNIT}\s*\)?)?"
    # The length of a cycle.
    rf"|(?:each|every|one|1|a)\s+(?:treatment\s+)?cycle\s*(?:is|was|=|:|equals|lasts|of)[^,;()\d]{{0,24}}{_SPAN}"
    rf"|cycles?\s+(?:length|duration)[^,;()\d]{{0,24}}{_SPAN}|cycle\s*\d?\s*=\s*{_SPAN}"
    rf"|{_SPAN}\s+(?:intervals?|cycles?|(?:as|per|in)\s+(?:a|one|each)\s+cycle)\b"
    # How often, and how long before a dose.
    rf"|\b(?:every|each|per)\s+(?:other\s+|{NUMBER_IN_TIME}(?:\s*(?:-|to|or)\s*{NUMBER_IN_TIME})?\s*-?\s*)?{UNIT}"
    rf"|\b(?:once|twice|{NUMBER_IN_TIME}\s+times)\s+(?:a|per|every)\s+{UNIT}|\b\d+\s+times\b"
    rf"|\b{NUMBER_IN_TIME}\s+h(?:ours?)?\s+(?:a|per)\s+day"
    rf"|\bq\s?\d+\s?[a-z]+\b|\(\s*(?:up to|within)?\s*{_SPAN}\s+(?:prior|before|of)[^()]{{0,40}}\)",
    re.IGNORECASE,
)
_UNIT_BEFORE = re.compile(rf"{UNIT}[^,;]*$", re.IGNORECASE)
_REACH = 200
"""How many characters in front of a tolerance can hold the unit of its number."""


def mask_intervals(text: str) -> str:
    """The text with tolerances, intervals and cycle lengths blanked out, at the same length.

    >>> mask_intervals("Every 4 weeks up to week 52 (+/-3 days)").split()
    ['up', 'to', 'week', '52']
    """
    return _MASKED.sub(_blank, text)


def _blank(found: re.Match[str]) -> str:
    """Blanks; the unit stays where the tolerance stands between a number and its unit ("4±2 months")."""
    own_unit = found["tolerance_unit"] or ""
    bare = found["tolerance"] and not _UNIT_BEFORE.search(found.string, max(0, found.start() - _REACH), found.start())
    return " " * (len(found[0]) - len(own_unit)) + own_unit if bare else " " * len(found[0])


def select_time_points(masked: str, groups: Iterable[MomentGroup]) -> list[Moment]:
    """The moments that are listed: no zero, no "Day 1 of Cycle 1", no beginning of a range, no repetition.

    >>> from extractor.parse.outcomes.moments import find_moment_groups
    >>> masked = mask_intervals("Day 1 to day 28, cycle 1 day 1 and 3 months")
    >>> [(m.value, m.unit.value) for m in select_time_points(masked, find_moment_groups(masked))]
    [(28, 'day'), (3, 'month')]
    """
    moments = [moment for group in groups for moment in group.moments]
    has_zero = any(m.value == 0 for m in moments)
    kept: dict[tuple[float, TimeUnit], Moment] = {}
    for i, moment in enumerate(moments):
        if moment.value > 0 and not _is_start(masked, moments, i, has_zero=has_zero):
            kept.setdefault((moment.value, moment.unit), moment)
    return list(kept.values())


def _is_start(masked: str, moments: list[Moment], i: int, *, has_zero: bool) -> bool:
    """Whether this is day 1 counted from day 1, the first cycle named only to say so, or where a range begins."""
    moment = moments[i]
    if moment.value != 1 or not moment.named:
        return False
    if _OPENS_RANGE.match(masked, moment.end):
        return True
    if moment.unit is TimeUnit.DAY:
        return not has_zero
    near = [m for m in moments[max(0, i - 1) : i + 2] if m.unit is TimeUnit.DAY and m.named]
    return moment.unit is TimeUnit.CYCLE and any(m.value == 1 for m in near)
