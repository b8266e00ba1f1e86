"""Rows: the values that rules read where the right value is known. ``benchmarks/rows`` keeps them.

A row tells what was known about a value and whether it is right, and contains no text. There are rows
of today's rules (gold, labels, marks of other projects, misleading wordings), and rows of odd texts
that older rules read, before these rules were corrected on the texts.
"""

import gzip
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.data import read_lines
from extractor.confidence.table import read_field_tables, shorten

FOLDER = Path(__file__).parents[1] / "rows"
GOLD = "gold"
TODAY = "today"
"""The version of the rules of this checkout."""
ODD = frozenset(
    {"odd", "public", "registers", "given", "windows", "adversarial", "certain"}
)
"""The sources of odd texts, which older versions of the rules read, too."""
WITHOUT_FEATURES = frozenset({"5fba8a439", "43449ad68", "6a432c470", "89928223a"})
"""Versions that named no or few features: a row without features tells nothing about weights."""
OF_ODD = ("criteria.constraints", "criteria.time_windows")
"""The fields that are fitted on odd texts."""
_MOST_WORDS = 30
"""Longer items have words that concern something else."""
_KINDS = ("number", "comparator", "percent", "uln", "lln", "unit")
_PLACES = {
    "beside": "unexplained beside it",
    "in brackets": "unexplained in brackets",
    "in clause": "unexplained elsewhere",
    "elsewhere": "unexplained elsewhere",
}
"""The features of today for words that older versions left unexplained, by their place."""


class Row(NamedTuple):
    """A value: its field, what was known about it, and whether it is right.

    Attributes:
        field: The field, such as ``dosing.route``; ``dosing.route, none`` for an empty value.
        source: The set of texts.
        group: A hash of the trial or the text, whose values may be wrong together.
        fold: The fold of the gold; 0 for other sources.
        right: Whether the value is right.
        probability: The probability that a scorer gave the value; 1 without one.
        features: The features of the value, sorted.
    """

    field: str
    source: str
    group: str
    fold: int
    right: bool
    probability: float
    features: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of the field in the table."""
        return shorten(self.field)


Rows = Counter[Row]
"""Rows, each with the number of equal values in one trial or text."""


def make_row(
    field: str,
    source: str,
    known_as: str,
    features: Iterable[str],
    *,
    right: bool,
    probability: float = 1.0,
    fold: int = 0,
) -> Row:
    """Return a row. ``known_as`` is the name of the trial or the text, which becomes the group."""
    group = hashlib.sha256(known_as.encode()).hexdigest()[:12]
    names = tuple(sorted({*features}))
    return Row(field, source, group, fold, right, round(probability, 4), names)


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Write rows of today's rules, compressed. The same rows give the same file."""
    lines = []
    for row, count in Counter(rows).items():
        known = row._asdict() | {"version": TODAY, "count": count}
        known["features"] = dict.fromkeys(row.features, 1.0)
        lines.append(json.dumps(known, separators=(",", ":"), sort_keys=True) + "\n")
    path.write_bytes(gzip.compress("".join(sorted(lines)).encode(), mtime=0))


def read_rows(paths: Sequence[Path] = ()) -> Rows:
    """Read rows, by default all that are committed. A value that several versions of the rules read
    with the same features in the same text counts once.
    """
    by_version: dict[str, Rows] = defaultdict(Counter)
    for path in paths or sorted(FOLDER.glob("*.jsonl.gz")):
        for line in read_lines(path):
            row = _parse_row(line)
            if row is not None:
                by_version[line["version"]][row] += line.get("count", 1)
    rows: Rows = Counter()
    for counted in by_version.values():
        rows |= counted
    return rows


def _parse_row(line: Mapping[str, Any]) -> Row | None:
    """Return a row with the features that the table has; None if the row is not for fitting."""
    name = shorten(line["field"])
    table = read_field_tables().get(name)
    is_for_fitting = line["source"] not in ODD or name in OF_ODD
    if table is None or not is_for_fitting or line["version"] in WITHOUT_FEATURES:
        return None
    names = {*line["features"]}
    if line["version"] != TODAY:
        names |= {*_list_unexplained(line["features"])}
    return Row(
        line["field"],
        line["source"],
        line["group"],
        line.get("fold", 0),
        line["right"],
        line.get("probability", 1.0),
        tuple(sorted(names & table.means.keys())),
    )


def _list_unexplained(features: Mapping[str, float]) -> Iterator[str]:
    """Yield today's features for the words that an older version left unexplained."""
    if features.get("words", 0) >= _MOST_WORDS or "an age" in features:
        return
    for kind in _KINDS:
        for place, feature in _PLACES.items():
            if f"left {kind} {place}" in features:
                yield feature
