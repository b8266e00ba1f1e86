"""Single criteria: category, constraints, time window."""

import re
from collections.abc import Iterable, Iterator, Mapping

from benchmarks.judging import Agreement, Judged, judge_reading, read_label
from benchmarks.label_files import Row
from extractor.parse.eligibility.category import CriterionLine, score_lines
from extractor.parse.eligibility.constraints import read_constraints, read_window
from extractor.parse.eligibility.limits import find_limits
from extractor.parse.parsed import Reading
from extractor.schemas import Constraint, CriterionKind
from extractor.text.passage import read_passage

__all__ = ["judge_categories", "judge_limits"]

_CATEGORY, _CONSTRAINTS, _WINDOW = (
    f"eligibility.criteria.{name}" for name in ("category", "constraints", "time_window")
)
_Constraints = Reading[tuple[Constraint, ...]] | Reading[tuple[Constraint, ...] | None]
_Bound = tuple[str, float]


def judge_categories(rows: Iterable[Row], targets: Mapping[str, frozenset[str]]) -> Iterator[Judged]:
    """The category of each line that is a criterion, with what is known of the trial's disease."""
    for row in rows:
        if row["category"] != "none":
            passage, target = read_passage(row["text"]), targets.get(row["record"], frozenset())
            line = CriterionLine(passage, CriterionKind(row["list"]))
            read, _ = score_lines([line], target)[0]
            label = read_label(_CATEGORY, row["category"])
            yield judge_reading(_CATEGORY, (row["record"], row["text"]), read, label)


def judge_limits(rows: Iterable[Row]) -> Iterator[Judged]:
    """Constraints (right with comparator, value and unit of each bound; a range is two bounds) and time windows.

    In detail: bounds without their units, and where a bound is right, what it limits and in which unit.
    """
    for row in rows:
        passage, kind, seen = read_passage(row["text"]), CriterionKind(row["list"]), (row["record"], row["text"])
        read = read_constraints(passage, find_limits(passage.tokens, kind))
        yield judge_reading(_CONSTRAINTS, seen, read, read_label(_CONSTRAINTS, row["constraints"]))
        yield from _judge_details(row, read)
        yield judge_reading(_WINDOW, seen, read_window(passage, kind), read_label(_WINDOW, row["time_window"]))


def _judge_details(row: Row, read: _Constraints) -> Iterator[Judged]:
    def judge(name: str, one: object, other: object, agreement: Agreement) -> Judged:
        return Judged(f"limit {name}", row["record"], row["text"], one, other, read.confidence, agreement)

    found = [one for value in read.value or () for one in _bounds(value.model_dump(mode="json"))]
    wanted = [one for label in row["constraints"] for one in _bounds(label)]
    pairs = list(_pair(found, wanted))
    ours, theirs = ([bound for bound, _ in side] for side in (wanted, found))
    yield judge("bound", theirs, ours, Agreement(len(found), len(wanted), len(pairs)))
    for one, other in pairs:
        same = bool(_words(one["quantity"]) & _words(other["quantity"]))
        yield judge("quantity", one["quantity"], other["quantity"], Agreement(1, 1, int(same)))
        same = _unit(one["unit"]) == _unit(other["unit"])
        yield judge("unit", one["unit"], other["unit"], Agreement(1, 1, int(same)))


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
