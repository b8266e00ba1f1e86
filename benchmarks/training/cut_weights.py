"""Fit the weights for cutting a flattened outcome into its parts. The output is
``extractor/concepts/outcomes/weights/outcome_cuts.toml``.

    python -m benchmarks.training.cut_weights --data DIR [--out FILE]

Prints how often both cuts are right on held-out trials, in total and among the certain answers.
``--out`` is the file to write.
"""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.data import Row, parse_options, read_lines
from benchmarks.training.log_linear import Choice, Plan, fit_file
from extractor.concepts.outcomes.cuts import (
    OutcomeItem,
    describe_cuts,
    find_barred_outcomes,
)
from extractor.language.clean import clean_text
from extractor.language.passage import read_section

_BY_HAND = {"d:short form": -2.5, "d:refers in measure": -1.5}
PLAN = Plan(rare=1, least=0.05, penalty=2.0, by_hand=_BY_HAND)
_HEAD = """\
# Weights of a log-linear model, in nats, for each feature of a cut (see cuts.py).
# t: a time frame that begins at a comma; d: a description that begins at a comma; n: no description.
# Fitted on labelled cells, except short forms and references, which are rare and set by hand.
"""


def main() -> None:
    """Print held-out figures, and write weights fitted on all labels with ``--out``."""
    chosen = parse_options(__doc__, data=..., out=Path)
    choices: list[Choice] = []
    for cell in read_lines(chosen.data / "outcome_split" / "dev.jsonl"):
        choices += describe_cell(cell)
    fit_file(choices, PLAN, chosen.out, _HEAD)


def describe_cell(cell: Row) -> Iterator[Choice]:
    """Yield each outcome of a labelled cell with all pairs of cuts."""
    keys = ("measure", "description", "time_frame")
    parts = [
        [clean_text(item[key] or "").text.replace("|", "/") for key in keys]
        for item in cell["items"]
    ]
    written = [", ".join(filter(None, three)) for three in parts]
    items = find_barred_outcomes(read_section("outcomes", "|".join(written)).whole)
    for item, (measure, description, time_frame) in zip(items, parts, strict=True):
        first = None
        second = len(item.commas)
        behind = len(measure)
        if description:
            first = _find_comma(item, behind)
            behind += len(description) + 2
        if time_frame:
            second = _find_comma(item, behind)
        right = (second if first is None else first, second)
        cuts, described = zip(*describe_cuts(item), strict=True)
        place = cuts.index(right) if right in cuts else None
        yield Choice(cell["id"], [list(features) for features in described], place)


def _find_comma(item: OutcomeItem, position: int) -> int:
    """Return the index of the comma at a position in the item; -1 if there is no comma."""
    starts_of = item.whole.tokens.starts
    begin = starts_of[item.whole.first]
    starts = [starts_of[comma] - begin for comma in item.commas]
    return starts.index(position) if position in starts else -1


if __name__ == "__main__":
    main()
