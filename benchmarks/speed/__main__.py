"""How fast records are read, parsed, assembled and written without a model, on one core, as tables on stdout.

    python -m benchmarks.speed [--data DIR] [--records N] [--megabytes 1] [--only stages|growth|hostile] [--json]
    python -m benchmarks.speed --data DIR --compare [--records N]

stages: CPU time of each stage over ``records/ctgov_v2.jsonl.gz`` of the folder, and of the whole command ``extractor
run --assist never``. The yardstick is decoding the same JSON and cutting the same text into tokens with one
expression: a stage's multiple of it can be compared between machines, seconds cannot. Function calls do not depend
on the machine's load at all.

growth: CPU time and function calls for a synthetic record whose part (criteria, prose, outcomes, arms) is 10 and 100
times as long, each over the shorter record's. 10 times the text should take at most 11 times as much.

``--compare`` times this pipeline beside spaCy's blank English tokenizer and medSpaCy's default pipeline, on the same
records of all areas, and prints ratios to the tokenizer; it needs the extra `compare` (medSpaCy apart, which
asks for an older numpy, and is timed where it is installed).

hostile: texts that repeat one piece in one line. The slowest of each reader, measured in a line of so many megabytes.
"""

import argparse
import json
import os

from benchmarks.label_files import add_data_option

os.environ.setdefault("OMP_NUM_THREADS", "1")  # one core, also for matrices: before anything loads them

from .growth import measure_growth
from .hostile import measure_hostile
from .peers import compare_speed, format_peers
from .stages import measure_stages
from .tables import format_growth, format_hostile, format_stages

PARTS = ("stages", "growth", "hostile")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_data_option(parser, required=False)
    parser.add_argument("--records", type=int, metavar="N", help="only the first N records of the stages")
    parser.add_argument("--megabytes", type=float, default=1.0, metavar="X", help="length of a hostile line")
    parser.add_argument("--only", choices=PARTS, help="leave out the other parts")
    parser.add_argument("--json", action="store_true", help="each part as one JSON object a line")
    parser.add_argument("--compare", action="store_true", help="time other pipelines on the same text, too")
    chosen = parser.parse_args()
    if chosen.compare:
        if chosen.data is None:
            parser.error("--compare needs --data")
        peers = compare_speed(chosen.data / "records" / "all_areas.jsonl.gz", chosen.records)
        _show(peers, format_peers(peers), as_json=chosen.json)
        return
    if chosen.only == "stages" and chosen.data is None:
        parser.error("the stages need --data")
    if chosen.data and chosen.only in (None, "stages"):
        stages = measure_stages(chosen.data / "records" / "ctgov_v2.jsonl.gz", chosen.records)
        _show(stages, format_stages(stages), as_json=chosen.json)
    if chosen.only in (None, "growth"):
        growth = measure_growth((1, 10, 100))
        _show(growth, format_growth(growth), as_json=chosen.json)
    if chosen.only in (None, "hostile"):
        hostile = measure_hostile(int(chosen.megabytes * 1_000_000))
        _show(hostile, format_hostile(hostile), as_json=chosen.json)


def _show(found: object, table: str, *, as_json: bool) -> None:
    print(json.dumps(found, default=vars) if as_json else f"{table}\n", flush=True)


if __name__ == "__main__":
    main()
