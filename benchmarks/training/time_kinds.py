"""Weights of the kinds of a time frame: makes ``extractor/parse/outcomes/kind_weights.toml``.

    python -m benchmarks.training.time_kinds --data DIR [--out FILE]

Prints how often the kind is right on time frames that the weights have not seen, and on those that they have learned
from, by group of areas; and the calibration.
"""

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.label_files import FOLDS, Row, add_data_option
from benchmarks.scores import Guess, format_calibration
from benchmarks.training.labelled import group_of, read_training_records, read_training_rows
from extractor.parse.outcomes.time_kind import KINDS, describe_kind, guess_kind
from extractor.parse.outcomes.times import read_time_frame
from extractor.schemas import TimeKind
from extractor.text.book import read_text
from extractor.text.clean import clean_text

from .log_linear import Choice, Weights, choose, fit_weights

_RARE = 3
"""A feature that fewer time frames have is left out."""
_LEAST = 0.05
_BY_HAND = {("rule from_to span", TimeKind.FROM_TO): 2.5}
"""What the guideline says outright ("from 120 days to 2 years: both"), and the labels have too seldom."""
_HEAD = f"""\
# How much each feature of a time frame (see time_kind.py) speaks for {", ".join(KINDS)}:
# the weights of a log-linear model, in nats, fitted on labelled time frames; one is set by hand, see time_kinds.py.
"""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A time frame by its features, the number of its kind, its fold, and its group of areas."""

    features: tuple[str, ...]
    kind: int
    fold: int
    group: str


def main() -> None:
    """Print held-out figures; write the weights of all labels if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_data_option(parser)
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to write the weights")
    chosen = parser.parse_args()
    rows = read_training_rows(chosen.data, read_training_records(chosen.data)).time_frames
    labelled = [describe_label(row) for row in rows]
    held_out = cross_validate(labelled)
    names = count_features(labelled)
    weights = fit(labelled, names)
    for group in sorted({one.group for one in labelled}):
        inside = [(one, guess) for one, guess in zip(labelled, held_out, strict=True) if one.group == group]
        print(f"{group}, held out:", format_calibration([guess for _, guess in inside]))
        print(f"{group}, seen:", format_calibration([_judge(one, names, weights) for one, _ in inside]).splitlines()[0])
    text = format_weights(weights, names)
    print(f"{len(labelled)} time frames, {text.count(' = ')} features")
    if chosen.out:
        chosen.out.write_text(text, "utf-8")


def describe_label(row: Row) -> Labelled:
    """The features of a labelled time frame (``time_frame``, ``time_kind``, ``fold``, ``area``)."""
    text = clean_text(row["time_frame"]).text
    frame = read_time_frame(read_text(text))
    features = describe_kind(frame, guess_kind(frame))
    kind = [str(kind) for kind in KINDS].index(row["time_kind"])
    return Labelled(tuple(features), kind, row["fold"], group_of(row))


def count_features(labelled: Sequence[Labelled]) -> dict[str, int]:
    """A number for each feature that is not rare."""
    counts = Counter(name for one in labelled for name in one.features)
    return {name: number for number, name in enumerate(sorted(n for n, count in counts.items() if count >= _RARE))}


def fit(labelled: Sequence[Labelled], names: dict[str, int]) -> Weights:
    """One weight for each pair of feature and kind."""
    fixed = {
        names[name] * len(KINDS) + KINDS.index(kind): weight
        for (name, kind), weight in _BY_HAND.items()
        if name in names
    }
    return fit_weights([_choice(one, names) for one in labelled], len(names) * len(KINDS), fixed)


def cross_validate(labelled: Sequence[Labelled]) -> list[Guess]:
    """Every time frame judged by weights fitted on the other folds."""
    models: list[tuple[dict[str, int], Weights]] = []
    for fold in range(FOLDS):
        others = [one for one in labelled if one.fold != fold]
        names = count_features(others)
        models.append((names, fit(others, names)))
    return [_judge(one, *models[one.fold]) for one in labelled]


def _judge(one: Labelled, names: dict[str, int], weights: Weights) -> Guess:
    best, probability = choose(_choice(one, names), weights)
    return Guess(best == one.kind, probability)


def _choice(one: Labelled, names: dict[str, int]) -> Choice:
    """The five kinds as candidates: each has the features of the time frame, joined with the kind."""
    known = [names[name] * len(KINDS) for name in one.features if name in names]
    candidates = tuple(tuple(number + kind for number in known) for kind in range(len(KINDS)))
    return Choice(trial="", candidates=candidates, right=one.kind)


def format_weights(weights: Weights, names: dict[str, int]) -> str:
    """The data file; features that hardly count are left out.

    >>> import numpy as np
    >>> print(format_weights(np.array([1.234, 0, 0, 0, -0.5]), {"zero": 0}).splitlines()[-1])
    "zero" = [1.23, 0.0, 0.0, 0.0, -0.5]
    """
    rows = {
        name: [round(float(w), 2) + 0.0 for w in weights[n * len(KINDS) :][: len(KINDS)]] for name, n in names.items()
    }
    kept = {name: row for name, row in rows.items() if max(map(abs, row)) >= _LEAST}
    return _HEAD + "".join(f'"{name}" = {row}\n' for name, row in kept.items())


if __name__ == "__main__":
    main()
