"""Single criteria: category, constraints, time window."""

import re
from collections.abc import Iterable, Iterator, Mapping

from benchmarks.label_files import Row
from benchmarks.scores import Tally
from extractor.parse.eligibility.category import Setting, read_category
from extractor.parse.eligibility.constraints import read_constraints
from extractor.parse.eligibility.windows import read_window
from extractor.parse.passage import passage_of
from extractor.schemas import CriterionKind

from .matching import count_same

__all__ = ["judge_categories", "judge_limits"]

_Bound = tuple[str, float]


def judge_categories(rows: Iterable[Row], targets: Mapping[str, frozenset[str]]) -> list[Tally]:
    """The category of each line that is a criterion, with what is known of the trial's disease."""
    tally = Tally("criterion category")
    for row in rows:
        if row["category"] != "none":
            setting = Setting(CriterionKind(row["list"]), target=targets.get(row["record"], frozenset()))
            read = read_category(passage_of(row["text"]), setting)
            tally.add_class(read.value, row["category"], read.confidence)
    return [tally]


def judge_limits(rows: Iterable[Row]) -> list[Tally]:
    """Constraints by their bounds (a range is two), what they limit and in which unit, and time windows.

    The quantity and the unit are judged where a bound is right.
    """
    bounds, quantity, unit = Tally("constraint"), Tally("constraint quantity"), Tally("constraint unit")
    window = Tally("time window")
    for row in rows:
        passage, kind = passage_of(row["text"]), CriterionKind(row["list"])
        read = read_constraints(passage, kind)
        found = [one for value in read.value or () for one in _bounds(value.model_dump(mode="json"))]
        wanted = [one for label in row["constraints"] for one in _bounds(label)]
        pairs = list(_pair(found, wanted))
        bounds.add(len(found), len(wanted), len(pairs), read.confidence)
        for one, other in pairs:
            quantity.add(1, 1, bool(_words(one["quantity"]) & _words(other["quantity"])), read.confidence)
            unit.add(1, 1, _unit(one["unit"]) == _unit(other["unit"]), read.confidence)
        _add_window(window, row, kind)
    return [bounds, quantity, unit, window]


def _add_window(tally: Tally, row: Row, kind: CriterionKind) -> None:
    read, label = read_window(passage_of(row["text"]), kind), row["time_window"]
    value = read.value
    found = [(str(value.comparator), float(value.value), str(value.unit))] if value else []
    wanted = [(label["comparator"], float(label["value"]), label["unit"])] if label else []
    tally.add(len(found), len(wanted), count_same(found, wanted), read.confidence)


def _bounds(constraint: Row) -> list[tuple[_Bound, Row]]:
    value = float(constraint["value"])
    if constraint["comparator"] != "between":
        return [((constraint["comparator"], value), constraint)]
    return [((">=", value), constraint), (("<=", float(constraint["value_high"])), constraint)]


def _pair(found: list[tuple[_Bound, Row]], wanted: list[tuple[_Bound, Row]]) -> Iterator[tuple[Row, Row]]:
    """The constraints whose bounds are equal, each used once."""
    left = list(wanted)
    for bound, constraint in found:
        place = next((place for place, (other, _) in enumerate(left) if other == bound), None)
        if place is not None:
            yield constraint, left.pop(place)[1]


def _words(text: str | None) -> set[str]:
    return set(re.findall(r"\w+", (text or "").lower()))


def _unit(unit: str | None) -> str:
    """A unit without differences of spelling: ``x ULN``, ``times the upper limit of normal (ULN)``."""
    plain = (unit or "").lower().replace("×", "x").replace("times", "x").replace("μ", "u").replace("µ", "u")
    plain = plain.replace("upper limit of normal", "uln").replace("^", "")
    return re.sub(r"\(uln\)|\b(?:the|of)\b|\s", "", plain).rstrip("s")
