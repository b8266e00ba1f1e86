"""How often the readings of criteria are right, by the confidence that they claim.

    python -m benchmarks.eligibility_confidence --data DIR

Each confidence of the eligibility readers is the share that was measured for one shape of text; this prints the
shapes and the shares again. ``stands`` and ``kind``: labelled lines of ``criteria.jsonl`` that are entries of the
outline of their record. ``constraints`` and ``time_window``: ``limits.jsonl``; all trials are counted.
"""

import argparse
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from pathlib import Path

from benchmarks.label_files import Row, add_data_option, read_labels
from benchmarks.labels.criteria import judge_limits
from extractor.parse import eligibility
from extractor.parse.eligibility import constraints, read_eligibility, windows
from extractor.parse.eligibility.measured import share
from extractor.read import read_records
from extractor.schemas import TrialRecord
from extractor.text.clean import clean_text

__all__ = ["Outcome", "format_shares", "judge_lines"]

Outcome = tuple[str, float, bool]
"""Field, confidence, and whether the value was right."""

_TINY = 1e-6
"""Keeps 0.29 from becoming 28 hundredths."""

_SHAPES: Mapping[str, Mapping[str, tuple[int, int]]] = {
    "stands": {
        name: counts for name, counts in eligibility.MEASURED.items() if name.startswith(("listed", "prose", "lead"))
    },
    "kind": {name: counts for name, counts in eligibility.MEASURED.items() if name.startswith("kind")},
    "constraints": constraints.MEASURED,
    "time_window": windows.MEASURED,
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_data_option(parser)
    data: Path = parser.parse_args().data
    lines: dict[str, list[Row]] = defaultdict(list)
    for row in read_labels(data, "criteria"):
        lines[row["record"]].append(row)
    records = (record for path in sorted((data / "records").iterdir()) for record in read_records(path))
    labelled = {record.record_id: record for record in records if record.record_id in lines}
    outcomes = [one for record_id, record in labelled.items() for one in judge_lines(record, lines[record_id])]
    outcomes += [
        (judged.field.rpartition(".")[2], judged.confidence, judged.agreement.right)
        for judged in judge_limits(read_labels(data, "limits"))
        if not judged.is_detail
    ]
    print(format_shares(outcomes))


def judge_lines(record: TrialRecord, rows: Iterable[Row]) -> Iterator[Outcome]:
    """Whether each labelled line of a record stands, and in which list, as the outline says."""
    labels = {_key(row["text"]): row for row in rows}
    cleaned = {section.name: clean_text(section.text) for section in record.sections}
    for criterion in read_eligibility(record, cleaned, count()).criteria:
        if row := labels.get(_key(criterion.chunk.text)):
            stands, kind = criterion.stands, criterion.kind
            yield "stands", stands.confidence, stands.value == (row["category"] != "none")
            if stands.value and kind.value:
                yield "kind", kind.confidence, kind.value.value == row["list"]


def format_shares(outcomes: Iterable[Outcome]) -> str:
    """One line for each field and confidence, with the shapes that claim it.

    >>> print(format_shares([("kind", 0.99, True), ("kind", 0.99, False)]))
    kind          0.99      1 of      2  0.500  kind of the list
    """
    counts: dict[tuple[str, float], list[int]] = defaultdict(lambda: [0, 0])
    for field, confidence, was_right in outcomes:
        claimed = int(100 * confidence + _TINY) / 100
        counts[field, claimed][0] += int(was_right)
        counts[field, claimed][1] += 1
    lines = []
    for (field, confidence), (right, of) in sorted(counts.items()):
        shapes = [name for name, measured in _SHAPES.get(field, {}).items() if share(measured) == confidence]
        lines.append(f"{field:12}{confidence:6.2f}{right:7} of{of:7}  {right / of:.3f}  {'; '.join(shapes)}")
    return "\n".join(lines)


def _key(text: str) -> str:
    """What a line and an entry have in common: the first letters, without marks and spaces."""
    return re.sub(r"\W+", "", text.lower())[:60]


if __name__ == "__main__":
    main()
