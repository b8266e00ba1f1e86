"""Count the certain values of the rules on lines that were judged, and list those that nobody
judged.

    python -m benchmarks.certain [--sure 0.85] [--show wrong|unsure|new]

Each of ``lines.jsonl`` is a criterion or an outcome, with what a reader said of the limits,
windows, ages and time points that the rules gave for it with 0.85 and more when it was new to them.
By set: those values and how many of them were wrong then; the certain values of today, and how many
of them that reader found wrong, was unsure about, or never saw. ``--show`` prints values of today.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.adversarial.__main__ import extract_wordings, list_given
from benchmarks.data import Row, format_table, parse_options, read_lines

_FIELDS = ("constraint", "time_window", "minimum_age", "maximum_age", "time_point")


def main() -> None:
    """Print the table, and values on request."""
    chosen = parse_options(__doc__, sure=0.85, show=str)
    lines = read_lines(Path(__file__).with_name("lines.jsonl"))
    then = defaultdict[str, Counter[str]](Counter)
    now = defaultdict[str, Counter[str]](Counter)
    for line in lines:
        then[line["set"]].update(verdict for _, _, verdict, *_ in line["judged"])
    for line, value, verdict in judge(lines, chosen.sure):
        now[line["set"]][verdict] += 1
        if chosen.show == verdict:
            print(
                f"{line['id']} {value}\n    {line['text']} {line.get('time_frame', '')}"
            )
    heads = ["set", "judged", "wrong", "share", "today", "wrong", "unsure", "new"]
    rows = [
        [
            name,
            *_count(then[name]),
            *_count(now[name])[:2],
            now[name]["unsure"],
            now[name]["new"],
        ]
        for name in then
    ]
    print(format_table(heads, rows))


def judge(lines: Sequence[Row], sure: float) -> Iterator[tuple[Row, list[Any], str]]:
    """Yield the certain values of today, each with its line and with what the reader said of it,
    or "new".
    """
    for line, values in zip(lines, _extract(lines, sure), strict=True):
        judged = {
            json.dumps([field, value]): verdict
            for field, value, verdict, *_ in line["judged"]
        }
        yield from (
            (line, value, judged.get(json.dumps(value), "new")) for value in values
        )


def _count(verdicts: Counter[str]) -> tuple[int, int, str]:
    return (
        verdicts.total(),
        verdicts["wrong"],
        f"{verdicts['wrong'] / verdicts.total():.1%}",
    )


def _extract(lines: Sequence[Row], sure: float) -> Iterator[list[list[Any]]]:
    """Yield the certain values of each line, as JSON holds them."""
    for extraction in extract_wordings(list(map(to_wording, lines))):
        sure_ones = (
            one
            for one in list_given(extraction)
            if one.field in _FIELDS and one.confidence >= sure
        )
        yield [json.loads(json.dumps([one.field, one.value])) for one in sure_ones]


def to_wording(line: Row) -> Row:
    """Return a line in the form that ``make_study`` turns into a registry's record."""
    if line["part"] == "outcome":
        return {
            "task": "outcome",
            "measure": line["text"],
            "time_frame": line.get("time_frame"),
        }
    return {"task": "eligibility", "text": line["text"], "list": line["part"]}


if __name__ == "__main__":
    main()
