"""Weights of the kinds of a time frame: makes ``extractor/parse/outcomes/kind_weights.toml``.

    python -m benchmarks.training.time_kinds --data DIR [--out FILE]

Prints how often the kind is right on time frames that the weights have not seen, and the calibration.
"""

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.label_files import FOLDS, Row, add_data_option, fold_of, read_labels
from benchmarks.scores import Guess, format_calibration
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
    """A time frame by its features, and the number of its kind. Frames of one text are in one fold."""

    features: tuple[str, ...]
    kind: int
    fold: int


def main() -> None:
    """Print held-out figures; write the weights of all labels if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_data_option(parser)
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to write the weights")
    chosen = parser.parse_args()
    labelled = [describe_label(row) for row in read_labels(chosen.data, "time_frames")]
    print("Held out:", format_calibration(list(cross_validate(labelled))))
    names = count_features(labelled)
    text = format_weights(fit(labelled, names), names)
    print(f"{len(labelled)} time frames, {text.count(' = ')} features")
    if chosen.out:
        chosen.out.write_text(text, "utf-8")


def describe_label(row: Row) -> Labelled:
    """The features of a labelled time frame (``time_frame``, ``time_kind``)."""
    text = clean_text(row["time_frame"]).text
    frame = read_time_frame(read_text(text))
    features = describe_kind(frame, guess_kind(frame))
    return Labelled(tuple(features), [str(kind) for kind in KINDS].index(row["time_kind"]), fold_of(text.lower()))


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


def cross_validate(labelled: Sequence[Labelled]) -> Iterator[Guess]:
    """Every time frame judged by weights fitted on the other folds."""
    for fold in range(FOLDS):
        others = [one for one in labelled if one.fold != fold]
        names = count_features(others)
        weights = fit(others, names)
        for one in labelled:
            if one.fold == fold:
                best, probability = choose(_choice(one, names), weights)
                yield Guess(best == one.kind, probability)


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
