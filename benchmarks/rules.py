"""Measure each rule of the rule book on real records.

    python -m benchmarks.rules --data DIR [--records 1000]

For each rule: the records with a match, the matches, the cost (CPU microseconds per record, for one look at every
token), and, in records of the gold, the values whose words it matched and the share of them that is right. Rules that
never match are listed at the end: remove them, or check whether their examples occur.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

from benchmarks.data import format_table, parse_options
from benchmarks.gold import read_annotated, read_gold
from benchmarks.matching import is_right, list_values, match_items
from benchmarks.processes import time_work
from extractor.cli.parse import place_rules
from extractor.schemas import TrialExtraction, TrialRecord
from extractor.stages.assemble import ModelResult, assemble_extraction
from extractor.stages.parse import parse_record
from extractor.stages.read import read_records
from extractor.text.book import load_book, read_text
from extractor.text.clean import clean_text
from extractor.text.patterns import trace_rules

_RECORDS = ("all_areas.jsonl.gz", "all_areas_more.jsonl.gz")
_TIMED = 50


class Tally(NamedTuple):
    """By rule: records with a match, matches, and whether the values whose words it matched are right."""

    records: Counter[str]
    hits: Counter[str]
    values: defaultdict[str, list[bool]]


def measure_rules(records: Iterable[TrialRecord]) -> Tally:
    """Parse the records and count each rule's matches."""
    gold, tally = read_gold(), Tally(Counter(), Counter(), defaultdict(list))
    for record in records:
        with trace_rules() as trace:
            parsed = parse_record(record)
        placed = place_rules(parsed, trace)
        tally.hits.update(name for name, _ in placed)
        tally.records.update({name for name, _ in placed})
        for _, _, annotation in read_annotated(gold, [record]):
            annotated = TrialExtraction.model_validate(annotation)
            for match in match_items(parsed, assemble_extraction(parsed, ModelResult()), annotated):
                for name, reading, label in list_values(match):
                    given = reading.value not in (None, ())
                    spans = reading.spans if given else ()
                    for rule in {rule for rule, place in placed if any(span.contains(place) for span in spans)}:
                        tally.values[rule].append(is_right(name, reading.value, label))
    return tally


def measure_cost(records: Sequence[TrialRecord]) -> dict[str, float]:
    """Measure each rule's CPU microseconds per record, the most costly first."""
    texts = [read_text(clean_text(section.text).text) for record in records for section in record.sections]
    costs = {}
    for name, rule in load_book().rules.items():
        rule.expression  # noqa: B018 - compile before the measurement
        costs[name] = 1e6 / len(records) * time_work(lambda rule=rule: [list(rule.find(one)) for one in texts])  # type: ignore[misc]
    return dict(sorted(costs.items(), key=lambda pair: -pair[1]))


def main() -> None:
    """Print a line for each rule, the most costly first."""
    chosen = parse_options(__doc__, data=..., records=1000)
    paths = [path for name in _RECORDS if (path := chosen.data / "records" / name).exists()]
    records = list(islice(read_records(*paths, on_error=lambda _: None), chosen.records))
    tally, costs = measure_rules(records), measure_cost(records[:_TIMED])
    rows = []
    for name, cost in costs.items():
        if tally.hits[name]:
            right = tally.values[name]
            share = sum(right) / len(right) if right else None
            rows.append((name, tally.records[name], tally.hits[name], round(cost), len(right), share))
    print(format_table(("rule", "records", "hits", "us", "values", "right"), rows))
    silent = sorted(name for name in costs if not tally.hits[name] and name not in load_book().vocabularies)
    print(f"\n{len(silent)} rules found nothing by themselves in {len(records)} records: {', '.join(silent)}")


if __name__ == "__main__":
    main()
