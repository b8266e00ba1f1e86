"""Count the sure values of the rules and the wrong ones among them: ``python -m
benchmarks.gold.sure GOLD --records INPUT... [--folds 3,4]``.

GOLD is a file of this folder, such as ``2026_11_first.jsonl``. A value is sure if its confidence is
0.85 or more. A list, such as the limits of a criterion, is one value; empty values do not count.

The last line, "dosing, whole rows", counts regimens that gold has, too. One is sure if all of its
values are, and right if they are.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable

from benchmarks.data import format_table, parse_options, read_folds
from benchmarks.gold import read_gold
from benchmarks.matching import Judged, judge_gold
from extractor.concepts.parse import parse_record
from extractor.formats import read_records

_SURE = 0.85


def count_sure(judged: Iterable[Judged]) -> dict[str, Counter[str]]:
    """Return the numbers of values, of right ones, of sure ones and of wrong sure ones by field."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for value in judged:
        if not value.read:
            continue
        is_sure = value.confidence >= _SURE
        of_field = counts[value.field]
        of_field["values"] += 1
        of_field["right"] += value.right
        of_field["sure"] += is_sure
        of_field["sure and wrong"] += is_sure and not value.right
    return counts


def count_sure_rows(judged: Iterable[Judged]) -> Counter[str]:
    """Return the numbers of regimens, of those whose values are all right, of those whose values
    are all sure, and of wrong ones among the sure.
    """
    rows: dict[tuple[str, int], list[Judged]] = defaultdict(list)
    for value in judged:
        is_stated = value.field.startswith("dosing.") and value.read
        if is_stated and value.item is not None:
            rows[value.trial, value.item].append(value)
    counts: Counter[str] = Counter()
    for values in rows.values():
        is_right = all(value.right for value in values)
        is_sure = all(value.confidence >= _SURE for value in values)
        counts["values"] += 1
        counts["right"] += is_right
        counts["sure"] += is_sure
        counts["sure and wrong"] += is_sure and not is_right
    return counts


def main() -> None:
    """Print the counts."""
    chosen = parse_options(__doc__, "gold", records=[...], folds="")
    folds = read_folds(chosen.folds)
    lines = {
        name: line
        for name, line in read_gold(chosen.gold).items()
        if line["fold"] in folds
    }
    records = read_records(*chosen.records, on_error=lambda _: None)
    judged = list(judge_gold(lines, records, parse_record))
    counts = count_sure(judged)
    names = ("values", "right", "sure", "sure and wrong")
    rows = [(field, *(of[name] for name in names)) for field, of in counts.items()]
    of_rows = count_sure_rows(judged)
    whole = ("dosing, whole rows", *(of_rows[name] for name in names))
    print(format_table(("", *names), [*sorted(rows), whole]))


if __name__ == "__main__":
    main()
