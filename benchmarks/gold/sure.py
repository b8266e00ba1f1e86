"""Count the sure values of the rules and the wrong ones among them: ``python -m
benchmarks.gold.sure GOLD --records INPUT... [--folds 3,4]``.

GOLD is a file of this folder, such as ``2026_11_first.jsonl``. A value is sure if its confidence is
0.85 or more. A list, such as the limits of a criterion, is one value; empty values do not count.

The last line, "dosing, whole rows", counts regimens that gold has, too. One is sure if all of its
values are, and right if they are.

``--rows`` prints what keeps these regimens from being sure instead, by field: in how many of them
the field is not sure, in how many it alone, and how many of the values just below the limit, from
0.7 on, are right. Its first lines count the rows of the exported table ``doses`` that have an
agent, and those of them whose ``confidence`` is 0.85 or more.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping

from benchmarks.data import RULES, Row, format_table, parse_options, read_folds
from benchmarks.gold import read_annotated, read_gold
from benchmarks.matching import Judged, judge_gold
from extractor.apps.export.columns import list_tables
from extractor.apps.export.rows import find_rows
from extractor.concepts.parse import parse_record
from extractor.formats import read_records
from extractor.pipeline import extract_by_rules
from extractor.schemas import TrialRecord
from extractor.schemas.vocabulary import DOUBTFUL_BELOW

_NEARLY = 0.7
"""The confidence from which a value that is not sure is nearly so."""


def count_sure(judged: Iterable[Judged]) -> dict[str, Counter[str]]:
    """Return the numbers of values, of right ones, of sure ones and of wrong sure ones by field."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for value in judged:
        if not value.read:
            continue
        is_sure = value.confidence >= DOUBTFUL_BELOW
        of_field = counts[value.field]
        of_field["values"] += 1
        of_field["right"] += value.right
        of_field["sure"] += is_sure
        of_field["sure and wrong"] += is_sure and not value.right
    return counts


def list_regimens(judged: Iterable[Judged]) -> Iterator[list[Judged]]:
    """Yield the stated values of each regimen that gold has, too."""
    rows: dict[tuple[str, int], list[Judged]] = defaultdict(list)
    for value in judged:
        is_stated = value.field.startswith("dosing.") and value.read
        if is_stated and value.item is not None:
            rows[value.trial, value.item].append(value)
    yield from rows.values()


def count_sure_rows(judged: Iterable[Judged]) -> Counter[str]:
    """Return the numbers of regimens, of those whose values are all right, of those whose values
    are all sure, and of wrong ones among the sure.
    """
    counts: Counter[str] = Counter()
    for values in list_regimens(judged):
        is_right = all(value.right for value in values)
        is_sure = all(value.confidence >= DOUBTFUL_BELOW for value in values)
        counts["values"] += 1
        counts["right"] += is_right
        counts["sure"] += is_sure
        counts["sure and wrong"] += is_sure and not is_right
    return counts


def count_doubts(judged: Iterable[Judged]) -> dict[str, Counter[str]]:
    """Return by field in how many regimens it is not sure, in how many it alone, how many of its
    values are nearly sure, and how many of these are right.
    """
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for values in list_regimens(judged):
        unsure = [value for value in values if value.confidence < DOUBTFUL_BELOW]
        for value in unsure:
            of_field = counts[value.field]
            of_field["not sure"] += 1
            of_field["it alone"] += len(unsure) == 1
            if value.confidence >= _NEARLY:
                of_field["nearly sure"] += 1
                of_field["right"] += value.right
    return counts


def count_exported(
    lines: Mapping[str, Row], records: Iterable[TrialRecord]
) -> Counter[str]:
    """Return the numbers of the exported rows of ``doses`` with an agent, and of the sure ones."""
    table = next(table for table in list_tables(()) if table.name == "doses")
    agent = table.names.index("agent")
    confidence = table.names.index("confidence")
    counts: Counter[str] = Counter()
    for record, _, _ in read_annotated(lines, records):
        for name, cells in find_rows(extract_by_rules(record, RULES)):
            if name != "doses" or cells[agent] is None:
                continue
            counts["rows"] += 1
            sure = cells[confidence]
            counts["sure"] += isinstance(sure, float) and sure >= DOUBTFUL_BELOW
    return counts


def main() -> None:
    """Print the counts."""
    chosen = parse_options(__doc__, "gold", records=[...], folds="", rows=False)
    folds = read_folds(chosen.folds)
    lines = {
        name: line
        for name, line in read_gold(chosen.gold).items()
        if line["fold"] in folds
    }
    records = list(read_records(*chosen.records, on_error=lambda _: None))
    judged = list(judge_gold(lines, records, parse_record))
    if chosen.rows:
        exported = count_exported(lines, records)
        print(f"rows of doses: {exported['rows']}, sure: {exported['sure']}")
        names = ("not sure", "it alone", "nearly sure", "right")
        table = [
            (field, *(of[name] for name in names))
            for field, of in count_doubts(judged).items()
        ]
        print(format_table(("", *names), sorted(table)))
        return
    counts = count_sure(judged)
    names = ("values", "right", "sure", "sure and wrong")
    table = [(field, *(of[name] for name in names)) for field, of in counts.items()]
    of_rows = count_sure_rows(judged)
    whole = ("dosing, whole rows", *(of_rows[name] for name in names))
    print(format_table(("", *names), [*sorted(table), whole]))


if __name__ == "__main__":
    main()
