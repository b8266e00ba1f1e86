"""Fit the numbers of a table, and weigh rows with it."""

import tomllib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.confidence.curves import Stated, fit_curve
from benchmarks.confidence.fitting import fit
from benchmarks.confidence.rows import GOLD, Row, Rows
from extractor.confidence.table import ANSWERS, FILE, make_table, pick
from extractor.confidence.weighing import follow, weigh_by
from extractor.language.book import read_table as read_rules

Table = dict[str, Any]
"""The content of ``table.toml``."""
FITTED_FOLDS = frozenset({0, 1, 2})
"""The folds of the gold on which the table is fitted. The others only measure."""
_SHARED = {"criteria.time_window": "criteria.time_windows"}
"""The first window of a criterion is one of its windows, and has their numbers."""
FROZEN = "frozen"
"""The key of a field whose numbers stay as they are, with the reason."""
_LEAST = 20
"""Minimum number of values of a field that is fitted."""


def read_file() -> Table:
    """Read the table of the package."""
    return tomllib.loads(Path(str(FILE)).read_text("utf-8"))


def fit_table(rows: Rows, table: Table, names: Collection[str] = ()) -> Table:
    """Return a table with the numbers fitted to rows. Judged numbers stay, and so do those of fields
    with few rows and of frozen fields, in which a new feature gets its prior as its weight.

    Args:
        rows: The rows of all fields.
        table: The table, with the features and their priors.
        names: The fields that are fitted; empty for all.
    """
    names = {_SHARED.get(name, name) for name in names}
    fitted = deepcopy(table)
    for section in list_sections(fitted):
        # before a fit gives the new features their first weights
        for name, numbers in section["fields"].items():
            if FROZEN in numbers:
                _add_priors(name, section["features"])
        for name, numbers in section["fields"].items():
            if name in _SHARED or FROZEN in numbers or (names and name not in names):
                continue
            of_field = select(rows, name)
            if of_field.total() < _LEAST:
                continue
            if "level" in numbers:
                _fit_weights(of_field, name, section)
            else:
                _fit_shares(of_field, name, section)
        for name, other in _SHARED.items():
            if name in section["fields"] and (not names or other in names):
                section["fields"][name] = {**section["fields"][other]}
    return fitted


def list_sections(table: Table) -> Iterator[Table]:
    """Yield the sections that have fields and features."""
    for name, section in table.items():
        if name not in ("note", ANSWERS):
            yield section


def select(rows: Rows, name: str) -> Rows:
    """Return the rows of a field on which it may be fitted."""
    return Counter(
        {
            row: count
            for row, count in rows.items()
            if row.name == name and (row.source != GOLD or row.fold in FITTED_FOLDS)
        }
    )


def _add_priors(name: str, features: Mapping[str, Table]) -> None:
    """Give each feature that has a prior, but no weight, its prior as the weight for a field."""
    for row in features.values():
        if "prior" in row and "weight" not in row:
            row["weight"] = {name.rpartition(".")[2]: row["prior"]}


def _fit_weights(rows: Rows, name: str, section: Table) -> None:
    """Set the level, and the weight of each feature: one for all fields of the section, if a single
    one is fitted, or one for each.
    """
    features = section["features"]
    numbers = section["fields"][name]
    priors = {
        feature: row["prior"] for feature, row in features.items() if "prior" in row
    }
    found = fit(rows, name, priors, is_scored="probability" in numbers)
    numbers["level"] = found.level
    if "probability" in numbers:
        numbers["probability"] = found.probability
    weighed = [one for one, known in section["fields"].items() if "level" in known]
    is_alone = len({*weighed} - _SHARED.keys()) == 1
    short = name.rpartition(".")[2]
    for feature, row in features.items():
        weight = found.weights.get(feature)
        if is_alone:
            row.pop("weight", None)
            if weight is not None:
                row["weight"] = weight
            continue
        by_field = row.setdefault("weight", {})
        by_field.pop(short, None)
        if weight is not None:
            by_field[short] = weight
        if not by_field:
            del row["weight"]


def _fit_shares(rows: Rows, name: str, section: Table) -> None:
    """Set the curve of a field, and the highest confidence of each feature with a share."""
    features = section["features"]
    numbers = section["fields"][name]
    stated: list[Stated] = []
    seen: set[str] = set()
    for row, count in sorted(rows.items()):
        seen |= {*row.features}
        stated += [Stated(_state(row, features), row.right, row.group)] * count
    curve = fit_curve(stated, name)
    if "curve" in numbers:
        numbers["curve"] = [list(point) for point in curve]
    short = name.rpartition(".")[2]
    for feature, row in features.items():
        if "share" not in row or "most" not in row:
            continue
        most = follow(curve, read_share(row["share"]))
        if isinstance(row["most"], dict):
            if short in row["most"]:
                row["most"][short] = most
        elif feature in seen:
            row["most"] = most


def _state(row: Row, features: Mapping[str, Table]) -> float:
    """Return the probability that is stated for a value: the lowest of a scorer and the shares."""
    shares = [
        read_share(features[feature]["share"])
        for feature in row.features
        if "share" in features[feature]
    ]
    return min([row.probability, *shares])


def read_share(share: Any) -> float:
    """Return a share of right values. Of counts, it is computed as if there were one more wrong
    value, and rounded down to hundredths.

    >>> read_share([38, 42]), read_share(0.6)
    (0.88, 0.6)
    """
    if isinstance(share, float):
        return share
    right, values = share
    return int(100 * right / (values + 1)) / 100


def weigh_row(row: Row, table: Table) -> float | None:
    """Return the confidence of a value according to a table; None if the table lacks its field."""
    for section in list_sections(table):
        if row.name in section["fields"]:
            numbers = section["fields"][row.name]
            known = make_table(row.name, numbers, section["features"])
            return weigh_by(known, row.features, row.probability)
    return None


class Contrary(NamedTuple):
    """A feature whose fitted weight raises a confidence although people take it for a doubt, or the
    reverse.

    Attributes:
        field: The field, as in the table.
        feature: The feature.
        expected: Its prior; None if it has none.
        weight: Its weight.
        together: Its weight and that of the doubt that always comes with it, such as "a doubtful
            dose".
    """

    field: str
    feature: str
    expected: float | None
    weight: float
    together: float


def list_contrary(table: Table) -> Iterator[Contrary]:
    """Yield the features whose weight has another sign than their prior, and those with a positive
    weight that are doubts in ``dose_features.toml``; in the order of the table, then of the fields.
    """
    doubts: Mapping[str, Collection[str]] = read_rules("dose_features")["limit"]
    for section in list_sections(table):
        features = section["features"]
        weighed = [
            name for name, known in section["fields"].items() if "level" in known
        ]
        for feature, row in features.items():
            prior = row.get("prior")
            coming = [doubt for doubt, of in doubts.items() if feature in of]
            for name in weighed:
                weight = pick(row.get("weight"), name) or 0.0
                is_against_prior = (prior or 0.0) * weight < 0
                is_doubt_that_adds = bool(coming) and weight > 0
                if is_against_prior or is_doubt_that_adds:
                    others = [pick(features[one].get("weight"), name) for one in coming]
                    together = weight + sum(other or 0.0 for other in others)
                    yield Contrary(name, feature, prior, weight, round(together, 2))
