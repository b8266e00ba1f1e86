"""Count the wrong values to which the rules give a high confidence, on judged lines.

    python -m benchmarks.certain [--sure 0.85] [--show wrong|unsure|new]

Each line in ``lines.jsonl`` is a criterion or an outcome. When the line was added, a reader judged
the limits, windows, ages and time points that the rules had read with a confidence of 0.85 or more.
For each set of lines, prints the number of these values and how many were wrong; then the number of
today's values with a high confidence, and how many of them the reader found wrong, was unsure
about, or has not judged. ``--show`` also prints today's values with the given verdict.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.adversarial.__main__ import extract_wordings, list_given
from benchmarks.data import Row, format_table, parse_options, read_lines
from extractor.schemas.vocabulary import DOUBTFUL_BELOW

_FIELDS = ("constraint", "time_window", "minimum_age", "maximum_age", "time_point")


def main() -> None:
    """Print the table, preceded by the values requested with ``--show``."""
    chosen = parse_options(__doc__, sure=DOUBTFUL_BELOW, show=str)
    lines = read_lines(Path(__file__).with_name("lines.jsonl"))
    then = defaultdict[str, Counter[str]](Counter)
    now = defaultdict[str, Counter[str]](Counter)
    for line in lines:
        then[line["set"]].update(verdict for _, _, verdict, *_ in line["judged"])
    for line, value, verdict in judge(lines, chosen.sure):
        now[line["set"]][verdict] += 1
        if chosen.show == verdict:
            text = f"{line['text']} {line.get('time_frame', '')}"
            print(f"{line['id']} {value}\n    {text}")
    rows = []
    for name, before in then.items():
        today = now[name]
        share = f"{before['wrong'] / before.total():.1%}"
        counts = [today.total(), today["wrong"], today["unsure"], today["new"]]
        rows.append([name, before.total(), before["wrong"], share, *counts])
    heads = ["set", "judged", "wrong", "share", "today", "wrong", "unsure", "new"]
    print(format_table(heads, rows))


def judge(lines: Sequence[Row], sure: float) -> Iterator[tuple[Row, list[Any], str]]:
    """Yield today's confident values with their line and the verdict; "new" if not judged."""
    extractions = extract_wordings([to_wording(line) for line in lines])
    for line, extraction in zip(lines, extractions, strict=True):
        judged = {
            json.dumps([field, value]): verdict
            for field, value, verdict, *_ in line["judged"]
        }
        for given in list_given(extraction):
            if given.field in _FIELDS and given.confidence >= sure:
                value = json.dumps([given.field, given.value])
                yield line, json.loads(value), judged.get(value, "new")


def to_wording(line: Row) -> Row:
    """Return a line in the form expected by ``make_study``, which creates a registry record."""
    if line["part"] != "outcome":
        return {"task": "eligibility", "text": line["text"], "list": line["part"]}
    frame = line.get("time_frame")
    return {"task": "outcome", "measure": line["text"], "time_frame": frame}


if __name__ == "__main__":
    main()
