"""Fit the weight of each sign of a value. The output is ``extractor/evidence/weights/signs.toml``.

    python -m benchmarks.training.signs --data DIR --records INPUT... [--fields START] [--out FILE]

``--records`` are the records of the gold; ``--data`` contains the labels of other trials and the
marks of other projects. Limits and time windows are also fitted on two thirds of the lines in
``benchmarks.adversarial`` and ``benchmarks.certain``. Prints the figures of ``benchmarks.ranking``
for values that were not used to fit the weights: folds 3 and 4 are held out in turn; half of the
marks and a third of the lines are always held out. ``--out`` writes the weights; with ``--fields``,
only the weights of fields whose names begin with START are replaced.

The model is a logistic regression on the signs and the log-odds of the rules' estimate. A priori,
signs have no weight and the estimate is true; signs of doubt that are too rare to be fitted have an
assumed weight (``judged_signs.toml``). Each source of labels has a separate intercept; the package
uses the intercept of folds 3 and 4 of the gold. The same records and rules always give the same
file. A sign that the rules no longer use is dropped, and a new sign gets a weight as soon as 20
values have it.
"""

import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import NamedTuple

import numpy as np
from sklearn.metrics import roc_auc_score

from benchmarks.data import format_table, parse_options, read_lines
from benchmarks.training.marks import judge_chia, judge_leaf
from benchmarks.training.sign_rows import GOLD_SOURCE, SignRow, read_labelled
from benchmarks.training.wordings import read_wordings
from extractor.evidence.calibration import BASE, ESTIMATE, log_odds, weigh_by

Weights = Mapping[str, float]
_HEAD = """\
# Log-odds by field, for a member of a list by itself: the level of the field, how much the rules' own estimate counts, and
# each sign that speaks for or against a value. `python -m benchmarks.training.signs` fits them.
"""
UNREAD = frozenset({3, 4})
"""Folds whose records the authors of rules do not read."""
_SURE = 0.85
_LEAST = 20
"""Minimum number of values with a sign that is given a weight."""
_JUDGED = tomllib.loads(
    Path(__file__).with_name("judged_signs.toml").read_text("utf-8")
)
_LIST_OF = {"eligibility.criteria.time_window": "eligibility.criteria.time_windows"}
_SIGN_PRIOR = 10.0
_ESTIMATE_PRIOR = 10.0
_SOURCE_PRIOR = 0.5
_BASE_PRIOR = 0.01
"""The strength of the prior of each kind of weight: signs and sources are expected at 0, the
estimate at 1.
"""
_READ_WEIGHT = 0.5
"""The weight of a value whose trial was read during the development of the rules, or that comes
from another source.
"""
_SMALLEST = 0.05
"""Smaller weights are omitted."""
_MOST_STEPS = 50
_SOURCE = "source: "
"""The prefix of a source's name among the names of signs."""


class Claim(NamedTuple):
    """A value with its confidence, and whether it is right. ``group`` is its trial."""

    source: str
    field: str
    group: str
    confidence: float
    right: bool


def main() -> None:
    """Print held-out figures, and write the weights with ``--out``."""
    chosen = parse_options(__doc__, data=..., records=[...], fields="", out=Path)
    read = read_rows(chosen.data, chosen.records)
    rows = [row for row in read if row.field.startswith(chosen.fields)]
    print(format_claims(test(rows)))
    if chosen.out:
        kept: dict[str, Weights] = {}
        if chosen.fields:
            kept |= tomllib.loads(chosen.out.read_text("utf-8"))
        fitted = kept | fit_all([row for row in rows if _is_known(row)])
        chosen.out.write_text(format_weights(dict(sorted(fitted.items()))), "utf-8")


def read_rows(data: Path, gold: Sequence[Path]) -> Iterator[SignRow]:
    """Yield all rows: for the gold records, the labels and marks in ``data``, and ``wordings``."""
    yield from read_labelled(data, gold)
    for row in read_lines(data / "human" / "chia_marks.jsonl.gz"):
        yield from judge_chia(row)
    for row in read_lines(data / "human" / "lct_comparisons.jsonl.gz"):
        yield from judge_leaf(row)
    yield from read_wordings()


def _is_gold(row: SignRow) -> bool:
    return row.source == GOLD_SOURCE


def _is_known(row: SignRow) -> bool:
    """Return whether a row may be used for fitting: it is gold, or not only for measuring."""
    return _is_gold(row) or row.fold not in UNREAD


def test(rows: Sequence[SignRow]) -> list[Claim]:
    """Return each held-out value with its confidence by weights that were fitted without it."""
    known = [row for row in rows if _is_known(row)]
    claims: list[Claim] = []
    for fold in sorted(UNREAD):
        held_out = [row for row in rows if _is_gold(row) and row.fold == fold]
        rest = [row for row in known if not (_is_gold(row) and row.fold == fold)]
        claims += _claim_all(held_out, fit_all(rest))
    unread = [row for row in rows if not _is_known(row)]
    return [*claims, *_claim_all(unread, fit_all(known))]


def _claim_all(
    rows: Iterable[SignRow], weights: Mapping[str, Weights]
) -> Iterator[Claim]:
    """Yield each value with its confidence, omitting fields that have no weights."""
    for row in rows:
        if row.field in weights:
            confidence = weigh_by(weights[row.field], row.signs, row.estimate)
            yield Claim(row.source, row.field, row.group, confidence, row.right)


def fit_all(rows: Sequence[SignRow]) -> dict[str, Weights]:
    """Fit the weights of each field."""
    by_field: dict[str, list[SignRow]] = defaultdict(list)
    for row in rows:
        by_field[row.field].append(row)
    return {field: fit(values) for field, values in sorted(by_field.items())}


def fit(rows: Sequence[SignRow]) -> Weights:
    """Fit the weights of one field. Rare signs get no weight; small weights and the weights of
    sources are omitted.
    """
    field = rows[0].field
    judged = _JUDGED["expected"].get(_LIST_OF.get(field, field), {})
    expected = {ESTIMATE: 1.0} | judged
    described = [_describe(row) for row in rows]
    counts: Counter[str] = Counter()
    for names in described:
        counts.update(names)
    frequent = {name for name, count in counts.items() if count >= _LEAST}
    signs = sorted((frequent | expected.keys()) - {ESTIMATE})
    columns = {name: column for column, name in enumerate((BASE, ESTIMATE, *signs))}
    matrix = np.zeros((len(rows), len(columns)))
    matrix[:, 0] = 1
    matrix[:, 1] = [log_odds(row.estimate) for row in rows]
    for row_number, names in enumerate(described):
        for name in names & columns.keys():
            matrix[row_number, columns[name]] = 1
    firm = np.array([_find_prior(field, name) for name in columns])
    means = np.array([expected.get(name, 0.0) for name in columns])
    fitted = dict(zip(columns, _maximise(matrix, rows, firm, means), strict=True))
    weights = {}
    for name, weight in fitted.items():
        is_kept = name in (BASE, ESTIMATE) or abs(weight) >= _SMALLEST
        if is_kept and not name.startswith(_SOURCE):
            weights[name] = round(float(weight), 2)
    return weights


def _describe(row: SignRow) -> set[str]:
    """Return the signs of a value, and its source unless it is gold in an unread fold."""
    is_level = _is_gold(row) and row.fold in UNREAD
    return {*row.signs} if is_level else {*row.signs, f"{_SOURCE}{row.source}"}


def _find_prior(field: str, name: str) -> float:
    """Return the strength of the prior for the weight of a column."""
    if name == BASE:
        return _BASE_PRIOR
    if name == ESTIMATE:
        return _ESTIMATE_PRIOR
    if name.startswith(_SOURCE):
        return _SOURCE_PRIOR
    prior: float = _JUDGED["sign_prior"].get(field, _SIGN_PRIOR)
    return prior


def _maximise(
    matrix: np.ndarray, rows: Sequence[SignRow], firm: np.ndarray, expected: np.ndarray
) -> np.ndarray:
    """Return the most likely weights, found by Newton's method. ``firm`` is the strength of the
    prior of each weight, and ``expected`` its mean.
    """
    right = np.array([row.right for row in rows], float)
    is_level = [_is_gold(row) and row.fold in UNREAD for row in rows]
    counts = np.where(is_level, 1.0, _READ_WEIGHT)
    counts[right == 0] *= _JUDGED["cost_of_wrong"].get(rows[0].field, 1.0)
    weights = expected.copy()
    for _ in range(_MOST_STEPS):
        chance = 1 / (1 + np.exp(-matrix @ weights))
        slope = matrix.T @ (counts * (chance - right)) + firm * (weights - expected)
        curve = (matrix * (counts * chance * (1 - chance))[:, None]).T @ matrix
        step = np.linalg.solve(curve + np.diag(firm), slope)
        weights = weights - step
        if np.abs(step).max() < 1e-6:
            break
    return weights


def format_weights(weights: Mapping[str, Weights]) -> str:
    """Format the weights file: by field, the level, the estimate, and the signs by weight."""
    tables = []
    for field, own in weights.items():
        lines = [
            f'["{field}"]',
            f"{BASE} = {own[BASE]}",
            f"{ESTIMATE} = {own[ESTIMATE]}",
        ]
        signs = sorted(
            own.keys() - {BASE, ESTIMATE}, key=lambda name: (own[name], name)
        )
        lines += [f'"{name}" = {own[name]}' for name in signs]
        tables.append("\n".join(lines))
    return _HEAD + "\n" + "\n\n".join(tables) + "\n"


def format_claims(claims: Iterable[Claim], *, markdown: bool = False) -> str:
    """Format a row for each source and field."""
    found: dict[str, list[Claim]] = defaultdict(list)
    for claim in sorted(claims, key=lambda claim: (claim.source, claim.field)):
        found[f"{claim.source}: {claim.field}"].append(claim)
    head = ["source, field", "values", "confidence", "right", "ranks"]
    rows = [[name, *describe(values)] for name, values in found.items()]
    return format_table([*head, f"right from {_SURE}"], rows, markdown=markdown)


def describe(claims: Sequence[Claim]) -> list[object]:
    """Return the figures of one row: the number of values, their mean confidence, the share of
    right values, the share of pairs of a right and a wrong value in which the right value has the
    higher confidence, and how many of the values with a high confidence are right.

    >>> claims = [
    ...     Claim("gold", "route", "x", sure, sure > 0.65) for sure in (0.9, 0.6, 0.7)
    ... ]
    >>> [round(float(figure), 2) for figure in describe(claims)[:4]]
    [3.0, 0.73, 0.67, 1.0]
    """
    confidences = [claim.confidence for claim in claims]
    right = [claim.right for claim in claims]
    ranks = float(roc_auc_score(right, confidences)) if len(set(right)) > 1 else None
    sure = [claim.right for claim in claims if claim.confidence >= _SURE]
    counted = f"{sum(sure)} of {len(sure)}"
    return [len(claims), mean(confidences), mean(map(float, right)), ranks, counted]


if __name__ == "__main__":
    main()
