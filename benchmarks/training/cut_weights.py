"""Fit the weights of the cuts of a flattened outcome: makes
``extractor/concepts/outcomes/weights/outcome_cuts.toml``.

    python -m benchmarks.training.cut_weights --data DIR [--out FILE]

Prints how often both cuts are right on held-out trials, and among the certain ones. ``--out`` names
the file to write.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.data import Row, parse_options, read_lines
from benchmarks.training.log_linear import (
    Choice,
    Weights,
    cross_validate,
    fit_weights,
    format_calibration,
)
from extractor.concepts.outcomes.cuts import (
    OutcomeItem,
    describe_cuts,
    find_items,
)
from extractor.language.clean import clean_text
from extractor.language.passage import read_section

_BY_HAND = {"d:short form": -2.5, "d:refers in measure": -1.5}
"""Features too rare in the labels to be fitted well."""
_HEAD = """\
# Weights of a log-linear model, in nats, for each feature of a cut (see cuts.py).
# t: a time frame that begins at a comma; d: a description that begins at a comma; n: no description.
# Fitted on labelled cells, except short forms and references, which are rare and set by hand.
"""
_LEAST = 0.05


def main() -> None:
    """Print held-out figures, and write weights fitted on all labels with ``--out``."""
    chosen = parse_options(__doc__, data=..., out=Path)
    names: dict[str, int] = {}
    cells = read_lines(chosen.data / "outcome_split" / "dev.jsonl")
    choices = [choice for cell in cells for choice in describe_cell(cell, names)]
    print(
        f"{len(choices)} outcomes, {len(names)} features, {sum(c.right is None for c in choices)} "
        "out of reach"
    )
    print(
        "Held out by trial:",
        format_calibration(cross_validate(choices, lambda some: train(some, names))),
    )
    if chosen.out:
        chosen.out.write_text(format_weights(train(choices, names), names), "utf-8")


def describe_cell(cell: Row, names: dict[str, int]) -> Iterator[Choice]:
    """Yield each outcome of a labelled cell with all pairs of cuts; new features are numbered in
    ``names``.
    """
    keys = ("measure", "description", "time_frame")
    parts = [
        [clean_text(item[key] or "").text.replace("|", "/") for key in keys]
        for item in cell["items"]
    ]
    written = [", ".join(filter(None, three)) for three in parts]
    items = find_items(read_section("outcomes", "|".join(written)).whole)
    for item, (measure, description, time_frame) in zip(items, parts, strict=True):
        first = None
        second = len(item.commas)
        behind = len(measure)
        if description:
            first = _comma_at(item, behind)
            behind += len(description) + 2
        if time_frame:
            second = _comma_at(item, behind)
        true = (second if first is None else first, second)
        cuts, described = zip(*describe_cuts(item), strict=True)
        candidates = tuple(
            tuple(names.setdefault(feature, len(names)) for feature in features)
            for features in described
        )
        yield Choice(cell["id"], candidates, cuts.index(true) if true in cuts else None)


def _comma_at(item: OutcomeItem, position: int) -> int:
    """Return the number of the comma at a position of the item; -1, which no candidate has, if
    there is no comma.
    """
    starts_of = item.whole.tokens.starts
    begin = starts_of[item.whole.first]
    starts = [starts_of[comma] - begin for comma in item.commas]
    return starts.index(position) if position in starts else -1


def train(choices: Sequence[Choice], names: Mapping[str, int]) -> Weights:
    """Fit the weights of all features, in the order of their numbers."""
    by_hand = {
        names[name]: weight for name, weight in _BY_HAND.items() if name in names
    }
    return fit_weights(choices, len(names), by_hand)


def format_weights(weights: Weights, names: Mapping[str, int]) -> str:
    """Format the data file without negligible weights.

    >>> import numpy as np
    >>> print(
    ...     format_weights(
    ...         np.array([1.234, 0.01]), {"t:last": 0, "n:verb": 1}
    ...     ).splitlines()[-1]
    ... )
    "t:last" = 1.23
    """
    kept = sorted(
        (name, round(float(weights[number]), 2)) for name, number in names.items()
    )
    return _HEAD + "".join(
        f'"{name}" = {weight}\n' for name, weight in kept if abs(weight) >= _LEAST
    )


if __name__ == "__main__":
    main()
