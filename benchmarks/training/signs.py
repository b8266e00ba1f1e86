"""Fit how much each sign of a value counts: makes ``extractor/evidence/weights/signs.toml``.

    python -m benchmarks.training.signs --data DIR --records INPUT... [--fields START] [--out FILE]

``--records`` are the records of the gold, ``--data`` holds the labels of other trials and the marks
of other people. Limits and time windows also learn from the lines of ``benchmarks.adversarial``
and ``benchmarks.certain``, which have kinds of errors that few records show; a third of these
lines, by a hash of their numbers, is never learned from. Prints, for each field and source that the weights
did not see, the figures of ``benchmarks.ranking``: folds 3 and 4 are left out in turn, and half of
the marks is never learned from. ``--out`` writes the weights; with ``--fields`` only of fields whose
names begin so, beside those that the file has for others.

    python -m benchmarks.training.signs --data ../shared/data --records ../shared/gold/records
        ../shared/data/records --fields eligibility.criteria.constraints
        --out extractor/evidence/weights/signs.toml

The model is a logistic regression on the signs and the log-odds of the rules' own estimate. Its
prior says that signs count nothing and the estimate means what it says; signs of doubt that are too
rare to be counted have a judged weight (``_EXPECTED``). Gold of folds 0 to 2, labels, marks and
lines were read while the rules were made, or count as right what gold does not, so each has a level
of its own; the level of the package is that of gold which nobody read. There is no randomness: the
same records and rules give the same file. A sign that the rules no longer have drops out, and a new
one gets a weight as soon as 20 values have it.
"""

import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.claims import Claim, format_claims
from benchmarks.data import parse_options
from benchmarks.training.sign_rows import GOLD_SOURCE, SignRow, read_rows
from extractor.evidence.signs import BASE, ESTIMATE, log_odds, weigh_by

Weights = Mapping[str, float]
_HEAD = """\
# Log-odds by field, for a member of a list by itself: the level of the field, how much the rules' own estimate counts, and
# each sign that speaks for or against a value. `python -m benchmarks.training.signs` fits them.
"""
UNREAD = frozenset({3, 4})
"""Folds that nobody reads while rules are made."""
_LEAST = 20
"""Fewest values with a sign for a weight of its own."""
_SIGN_PRIOR = 10.0
_SIGN_PRIORS = {
    "eligibility.criteria.constraints": 4.0,
    "eligibility.criteria.time_windows.of": 4.0,
}
_ESTIMATE_PRIOR = 10.0
_SOURCE_PRIOR = 0.5
_BASE_PRIOR = 0.01
"""How firmly a weight is expected: that of a sign and of a source at 0, of the estimate at 1. Fields
with many labels have a weaker one for signs.
"""
_COST_OF_WRONG = {
    "dosing.agent": 1.4,
    "dosing.amounts": 2.0,
    "dosing.duration": 1.4,
    "eligibility.criteria.constraints": 2.5,
    "eligibility.criteria.time_window": 2.0,
    "eligibility.criteria.time_windows": 2.0,
    "eligibility.criteria.time_windows.of": 1.3,
}
"""What a wrong value counts beside a right one, where a wrong value that seems sure does more harm
than a right one that is asked about. Confidences are lower than the share right by that.
"""
_READ_WEIGHT = 0.5
"""What a value counts whose trial was read while the rules were made, or that others labelled."""
_EXPECTED_OF_WINDOWS: Weights = {
    "a length in a compound": -4.0,
    "a length without a comparator or a moment": -2.0,
    "apart": -3.0,
    "as long as a life": -3.0,
    "at most, beside a word for stopping": -1.5,
    "behind a part of the trial": -1.0,
    "behind a rate": -1.0,
    "for the past": -2.5,
    "goes on behind its words": -1.0,
    "how a measurement is made": -3.0,
    "how long something is used": -2.5,
    "its direction is not in its words": -3.0,
    "its direction is that of another window": -2.0,
    "minutes or hours without a moment": -2.0,
    "neither within nor past": -2.0,
    "of the line above": -2.5,
    "over or during a length of time": -1.0,
    "planned for a length of time": -3.0,
    "one end of a range": -5.0,
    "placed_after without a comparator": -2.0,
    "placed_before without a comparator": -1.5,
    "read as alone": -1.0,
    "something ahead is asked": -3.0,
}
_EXPECTED: Mapping[str, Weights] = {
    "eligibility.criteria.constraints": {
        "a calendar year": -4.0,
        "a comparator from the kind of list": -2.5,
        "a length that may be no age": -2.0,
        "a count that is a rate": -1.5,
        "a name that begins with a sign": -2.0,
        "a name that nothing explains": -1.0,
        "a number beside it": -1.5,
        "a number with two readings": -2.0,
        "an age of somebody else": -2.0,
        "an unknown unit": -1.5,
        "another reading": -1.0,
        "denied twice": -1.5,
        "a stage": -4.0,
        "a unit of another quantity": -2.0,
        "equal to a measured value": -2.0,
        "left open by its line": -3.0,
        "name behind relation": -2.0,
        "name of people": -1.0,
        "name with verb": -1.0,
        "named by what measures it": -1.0,
        "no name in its line": -1.5,
        "not asked for": -1.5,
        "only a condition": -1.0,
        "other people": -1.0,
        "read by at_bound": -1.0,
        "read by grades_of_compared_scale": -1.0,
        "read by pressure": -1.0,
        "respectively": -1.0,
    },
    "eligibility.criteria.time_window": _EXPECTED_OF_WINDOWS,
    "eligibility.criteria.time_windows": _EXPECTED_OF_WINDOWS,
    "eligibility.criteria.time_windows.of": {
        "a length of time within": -5.0,
        "a number within": -0.5,
        "goes on behind its time": -2.0,
        "named in another line": -2.0,
        "very many words": -2.0,
    },
}
"""Judged, by field: signs of doubt that few labelled values have are expected at these weights,
all others at 0.
"""
_SMALLEST = 0.05
"""Smaller weights are left out."""
_MOST_STEPS = 50
_SOURCE = "source: "
"""Begins the names of sources among those of signs."""


def main() -> None:
    """Print held-out figures, and write the weights with ``--out``."""
    chosen = parse_options(__doc__, data=..., records=[...], fields="", out=Path)
    rows = [
        row
        for row in read_rows(chosen.data, chosen.records)
        if row.field.startswith(chosen.fields)
    ]
    print(format_claims(test(rows)))
    if chosen.out:
        kept: dict[str, Weights] = {}
        if chosen.fields:
            kept |= tomllib.loads(chosen.out.read_text("utf-8"))
        fitted = kept | fit_all(_list_known(rows))
        chosen.out.write_text(format_weights(dict(sorted(fitted.items()))), "utf-8")


def _list_known(rows: Sequence[SignRow]) -> list[SignRow]:
    """Return the rows that may be learned from: not the half of the marks that only measures."""
    return [row for row in rows if _is_gold(row) or row.fold not in UNREAD]


def _is_gold(row: SignRow) -> bool:
    return row.source == GOLD_SOURCE


def _is_gold_of(row: SignRow, fold: int) -> bool:
    return _is_gold(row) and row.fold == fold


def test(rows: Sequence[SignRow]) -> list[Claim]:
    """Return each value that weights did not see, with the confidence that these give it."""
    known = _list_known(rows)
    claims: list[Claim] = []
    for fold in sorted(UNREAD):
        rest = [row for row in known if not _is_gold_of(row, fold)]
        held_out = [row for row in rows if _is_gold_of(row, fold)]
        claims += _claim_all(held_out, fit_all(rest))
    unread = []
    for row in rows:
        if _is_gold(row) or row.fold not in UNREAD:
            continue
        unread.append(row)
    claims += _claim_all(unread, fit_all(known))
    return claims


def _claim_all(
    rows: Iterable[SignRow], weights: Mapping[str, Weights]
) -> Iterator[Claim]:
    """Yield each value with the confidence that weights give it, without those of fields that have
    no weights.
    """
    for row in rows:
        if row.field not in weights:
            continue
        confidence = weigh_by(weights[row.field], row.signs, row.estimate)
        yield Claim(row.source, row.field, row.group, confidence, row.right)


def fit_all(rows: Sequence[SignRow]) -> dict[str, Weights]:
    """Fit the weights of each field."""
    by_field: dict[str, list[SignRow]] = defaultdict(list)
    for row in rows:
        by_field[row.field].append(row)
    return {field: fit(values) for field, values in sorted(by_field.items())}


def fit(rows: Sequence[SignRow]) -> Weights:
    """Fit the weights of one field, those of sources left out. Signs that few values have get no
    weight, and signs that hardly count are left out.
    """
    described = [_describe(row) for row in rows]
    counts: Counter[str] = Counter()
    for names in described:
        counts.update(names)
    field = rows[0].field
    expected_here = _EXPECTED.get(field, {})
    frequent = {name for name, count in counts.items() if count >= _LEAST}
    signs = sorted(frequent | expected_here.keys())
    columns = {name: column for column, name in enumerate((BASE, ESTIMATE, *signs))}
    matrix = np.zeros((len(rows), len(columns)))
    matrix[:, 0] = 1
    matrix[:, 1] = [log_odds(row.estimate) for row in rows]
    for row_number, names in enumerate(described):
        for name in names & columns.keys():
            matrix[row_number, columns[name]] = 1
    priors = [_BASE_PRIOR, _ESTIMATE_PRIOR]
    prior_of_sign = _SIGN_PRIORS.get(field, _SIGN_PRIOR)
    for name in signs:
        is_source = name.startswith(_SOURCE)
        priors.append(_SOURCE_PRIOR if is_source else prior_of_sign)
    expected = np.array([0.0, 1.0, *(expected_here.get(name, 0.0) for name in signs)])
    fitted = _maximise(matrix, rows, np.array(priors), expected)
    weights = {}
    for name, column in columns.items():
        if name.startswith(_SOURCE):
            continue
        is_sign = name not in (BASE, ESTIMATE)
        if is_sign and abs(fitted[column]) < _SMALLEST:
            continue
        weights[name] = round(float(fitted[column]), 2)
    return weights


def _describe(row: SignRow) -> set[str]:
    """Return the signs of a value, and its source if that is not gold which nobody read."""
    if _is_gold(row) and row.fold in UNREAD:
        return {*row.signs}
    return {*row.signs, f"{_SOURCE}{row.source}"}


def _maximise(
    matrix: np.ndarray, rows: Sequence[SignRow], firm: np.ndarray, expected: np.ndarray
) -> np.ndarray:
    """Return the likeliest weights, by Newton's method."""
    right = np.array([row.right for row in rows], float)
    counts = np.array(
        [1.0 if _is_gold(row) and row.fold in UNREAD else _READ_WEIGHT for row in rows]
    )
    counts[right == 0] *= _COST_OF_WRONG.get(rows[0].field, 1.0)
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
    """Format the file of the package: the level and the estimate, then the signs, strongest first."""
    tables = []
    for field, own in weights.items():
        signs = sorted(own.items() - {(BASE, own[BASE]), (ESTIMATE, own[ESTIMATE])})
        signs.sort(key=lambda pair: pair[1])
        lines = [f"{BASE} = {own[BASE]}", f"{ESTIMATE} = {own[ESTIMATE]}"]
        lines += [f'"{name}" = {weight}' for name, weight in signs]
        tables.append("\n".join([f'["{field}"]', *lines]))
    return _HEAD + "\n" + "\n\n".join(tables) + "\n"


if __name__ == "__main__":
    main()
