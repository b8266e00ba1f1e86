"""Whether the pre-parser's confidences are true, as tables on stdout.

    python -m benchmarks.reliability --data DIR [--gold DIR --records DIR] [--field NAME [--errors N]] [--json]

For each field: values, mean confidence, share right, expected calibration error, the share that is certain
(confidence of 0.95 or more), and how many of these are right with Wilson's 95 % interval. Then by bins of confidence:
count, mean confidence, share right. A value that is empty counts too: it is right if nothing is labelled. Readings
that are open (confidence 0) claim nothing and are left out of the calibration error.

Labels are judged on the trials that rules are developed on (two thirds, by the trial's hash) and on the others
(held-out). With ``--gold``, the records of ``--records`` are read and paired with gold as an evaluation pairs them.
``--field`` shows one field ("category" or "endpoints.category"), with its certain values that are wrong: those of the
trials for development, or of gold if no labels are named. Held-out trials only tell whether a change generalises.

Rows on labels are in-sample where weights were fitted on these labels (the split, categories, concepts): what they do
on trials that they have not seen is what the commands of ``benchmarks.training`` print.
"""

import argparse
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from benchmarks.judging import Judged
from benchmarks.label_files import add_data_option
from extractor.evaluation.report import to_json_value
from extractor.parse.parsed import CERTAIN

from .figures import format_bins, format_summary, measure_reliability, to_json
from .sources import judge_all_labels, judge_gold, split_held_out

_NOTE = (
    "Labels are in-sample for fitted weights (split, categories, concepts); see benchmarks.training for trials unseen."
)


def main() -> None:
    """Print the tables."""
    chosen = _read_arguments()
    sources = dict(_judge(chosen))
    if chosen.json:
        figures = {name: [to_json(row) for row in measure_reliability(judged)] for name, judged in sources.items()}
        print(json.dumps(figures))
        return
    if chosen.data:
        print(_NOTE)
    for name, judged in sources.items():
        rows = measure_reliability(judged)
        print(f"\n== {name}\n{format_summary(rows)}\n\n{format_bins(rows)}")
    if chosen.field:
        print(*_show_wrong(next(iter(sources.values())), chosen.errors), sep="\n")


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_data_option(parser, required=False)
    parser.add_argument("--gold", type=Path, metavar="DIR", help="folder of gold extractions")
    parser.add_argument("--records", type=Path, metavar="DIR", help="the records of the gold")
    parser.add_argument("--field", metavar="NAME", help="only this field, with its certain values that are wrong")
    parser.add_argument("--errors", type=int, default=20, metavar="N", help="how many of these (default: 20)")
    parser.add_argument("--json", action="store_true", help="all figures as one JSON object")
    chosen = parser.parse_args()
    if (chosen.gold is None) != (chosen.records is None):
        parser.error("--gold and --records go together")
    if chosen.data is None and chosen.gold is None:
        parser.error("name labels with --data, or gold with --gold and --records")
    return chosen


def _judge(chosen: argparse.Namespace) -> Iterator[tuple[str, Sequence[Judged]]]:
    if chosen.data:
        held_out, development = split_held_out(_choose(judge_all_labels(chosen.data, chosen.field), chosen.field))
        yield "labels, development (two thirds of the trials)", development
        yield "labels, held-out (the last third)", held_out
    if chosen.gold:
        yield "gold", list(_choose(judge_gold(chosen.gold, chosen.records), chosen.field))


def _choose(judged: Iterable[Judged], field: str | None) -> Iterator[Judged]:
    return (one for one in judged if field is None or is_named(one.field, field))


def is_named(field: str, name: str) -> bool:
    """Whether a name, or the end of one, means a field.

    >>> is_named("endpoints.category", "category"), is_named("endpoints.category", "kind")
    (True, False)
    """
    return field == name or field.endswith(f".{name}")


def _show_wrong(judged: Iterable[Judged], limit: int) -> Iterator[str]:
    wrong = [one for one in judged if one.confidence >= CERTAIN and not one.agreement.right and not one.is_detail]
    yield f"\n{len(wrong)} certain values are wrong:"
    for one in sorted(wrong, key=lambda one: -one.confidence)[:limit]:
        yield f"  {one.trial} {one.confidence:.3f} {one.field}: read {_show(one.read)}, labelled {_show(one.label)}"
        yield "      " + " ".join(one.text.split())[:300]


def _show(value: object) -> str:
    return json.dumps(to_json_value(value), ensure_ascii=False)


if __name__ == "__main__":
    main()
