"""How well the rules alone do on every file of labels, as a table on stdout.

    python -m benchmarks.labels --data DIR

right: share of items of which every value is right; P, R, F1: of the values; certain: share of items that claim
to need no second annotator, and how many of these are right.

The weights of the split, of concepts and of criteria's categories were fitted on these labels. How well they do
on trials that they have not seen is what the commands of ``benchmarks.training`` print.
"""

import argparse
from collections.abc import Iterator

from benchmarks.label_files import add_data_option, read_cells, read_labels, read_targets
from benchmarks.scores import Tally, format_tallies

from .cells import judge_cells
from .criteria import judge_categories, judge_limits
from .outcomes import judge_outcomes, judge_time_frames, judge_words


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_data_option(parser)
    print(format_tallies(_judge(parser.parse_args())))


def _judge(chosen: argparse.Namespace) -> Iterator[Tally]:
    data = chosen.data
    yield from judge_cells(read_cells(data))
    yield from judge_time_frames(read_labels(data, "time_frames"))
    yield from judge_outcomes(read_labels(data, "outcomes"))
    yield from judge_words(read_labels(data, "instruments"))
    yield from judge_categories(read_labels(data, "criteria"), read_targets(data))
    yield from judge_limits(read_labels(data, "limits"))


if __name__ == "__main__":
    main()
