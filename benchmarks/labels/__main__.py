"""How well the rules alone do on every file of labels, as a table on stdout.

    python -m benchmarks.labels --data DIR [--only dosing|dose-facts] [--part development|held-out|all] [--errors N]

right: share of items of which every value is right; P, R, F1: of the values; certain: share of items that claim
to need no second annotator, and how many of these are right.

The weights of the split, of concepts and of criteria's categories were fitted on these labels. How well they do
on trials that they have not seen is what the commands of ``benchmarks.training`` print.

Dosing is judged by whole records: F1 of each field as an evaluation scores it, on two thirds of the trials
(development), the last third (held-out) or all; with ``--errors`` that many disagreements of each kind follow.
``--only dose-facts`` tells what the rules read of each dose when they are given its labelled quote; its last third
is another one.
"""

import argparse

from benchmarks.gold.figures import GROUPS
from benchmarks.judging import tally_judged
from benchmarks.label_files import add_data_option, read_labels
from benchmarks.scores import format_tallies

from .dose_facts import choose_fact_rows, judge_facts
from .dosing import PARTS, choose_labelled, format_report, list_errors, read_dose_labels, score_dosing
from .sources import judge_labels


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_data_option(parser)
    parser.add_argument("--only", choices=("dosing", "dose-facts"), help="leave out all other labels")
    parser.add_argument("--part", choices=PARTS, default="all", help="the trials of dosing (default: all)")
    parser.add_argument("--errors", type=int, default=0, metavar="N", help="show N errors of each kind in dosing")
    chosen = parser.parse_args()
    if chosen.only is None:
        print(format_tallies(tally_judged(judge_labels(chosen.data))), end="\n\n")
    if chosen.only == "dose-facts":
        rows = read_labels(chosen.data, "dosing")
        print(format_tallies(tally_judged(judge_facts(choose_fact_rows(rows, chosen.part)))))
        return
    labelled = choose_labelled(read_dose_labels(chosen.data), chosen.part)
    for group in GROUPS:
        if members := [one for one in labelled if one.group == group]:
            report = score_dosing(members, examples=chosen.errors)
            print(f"{group}: {len(members)} trials", format_report(report), *list_errors(report), sep="\n")


if __name__ == "__main__":
    main()
