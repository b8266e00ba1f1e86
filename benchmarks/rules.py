"""What each rule of the rule book does on real records: ``python -m benchmarks.rules --data DIR [--records N]``.

For each rule: in how many records it found something, how often, what it costs (CPU microseconds a record, for one look
at every token), and of the values whose words it found in records of the gold, how many there were and the share
that is right. A rule that never fires is named at the end: it should go, or its examples do not occur.
"""

import argparse
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from benchmarks.gold.__main__ import read_gold
from benchmarks.judging import compare_values
from benchmarks.label_files import add_data_option
from benchmarks.reliability.records import FIELDS_OF, match_items
from extractor.assemble import ModelResult, assemble_extraction
from extractor.cli.explain import place_rules
from extractor.evaluation.standoff import find_changed_sections, from_standoff
from extractor.parse import parse_record
from extractor.parse.parsed import ParsedRecord, Span
from extractor.read import read_records
from extractor.schemas import TrialExtraction, TrialRecord
from extractor.text.book import load_book, read_text
from extractor.text.clean import clean_text
from extractor.text.patterns import trace_rules

__all__ = ["Tally", "measure_rules"]

_RECORDS = ("all_areas.jsonl.gz", "all_areas_more.jsonl.gz")
_TIMED = 50


class Tally:
    """Counts by rule."""

    def __init__(self) -> None:
        self.records: Counter[str] = Counter()
        self.hits: Counter[str] = Counter()
        self.values: dict[str, list[bool]] = defaultdict(list)


def measure_rules(records: Iterable[TrialRecord]) -> Tally:
    """Parse the records and count what each rule found."""
    gold, tally = read_gold(), Tally()
    for record in records:
        with trace_rules() as trace:
            parsed = parse_record(record)
        placed = place_rules(parsed, trace)
        tally.hits.update(name for name, _ in placed)
        tally.records.update({name for name, _ in placed})
        line = gold.get(record.record_id)
        if line and not find_changed_sections(line, record):
            for name, right in _judge(parsed, TrialExtraction.model_validate(from_standoff(line, record)), placed):
                tally.values[name].append(right)
    return tally


def _judge(
    parsed: ParsedRecord, gold: TrialExtraction, placed: Sequence[tuple[str, Span]]
) -> Iterator[tuple[str, bool]]:
    """The rules that found words of a value, and whether that value is right."""
    for match in match_items(parsed, assemble_extraction(parsed, ModelResult()), gold):
        for field in FIELDS_OF[match.path]:
            reading = getattr(match.read, field)
            if reading.value in (None, ()):
                continue
            agreement = compare_values(f"{match.path}.{field}", reading.value, getattr(match.gold, field))
            inside = {name for name, place in placed if any(span.contains(place) for span in reading.spans)}
            yield from ((name, agreement.right) for name in inside)


def _measure_cost(records: Sequence[TrialRecord]) -> dict[str, float]:
    """CPU microseconds a record of each rule."""
    texts = [[read_text(clean_text(section.text).text) for section in record.sections] for record in records]
    costs = {}
    for name, rule in load_book().rules.items():
        rule.expression  # noqa: B018  # is made before the clock runs
        begun = time.process_time()
        for tokens in (tokens for sections in texts for tokens in sections):
            for _ in rule.find(tokens):
                pass
        costs[name] = 1e6 * (time.process_time() - begun) / len(records)
    return costs


def main() -> None:
    """Print a line for each rule, the costliest first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_data_option(parser)
    parser.add_argument("--records", type=int, default=1000, metavar="N", help="how many records (default: 1000)")
    chosen = parser.parse_args()
    paths = [path for name in _RECORDS if (path := Path(chosen.data) / "records" / name).exists()]
    records = list(islice(read_records(*paths, on_error=lambda _: None), chosen.records))
    tally, costs = measure_rules(records), _measure_cost(records[:_TIMED])
    print(f"{'rule':34}{'records':>9}{'hits':>8}{'us':>8}{'values':>8}{'right':>7}")
    for name in sorted(costs, key=lambda name: -costs[name]):
        if tally.hits[name]:
            values = tally.values[name]
            right = f"{sum(values) / len(values):.3f}" if values else "-"
            print(
                f"{name:34}{tally.records[name]:>9}{tally.hits[name]:>8}{costs[name]:>8.0f}{len(values):>8}{right:>7}"
            )
    known = load_book().vocabularies
    silent = [name for name in costs if not tally.hits[name] and name not in known]
    print(f"\n{len(silent)} rules found nothing by themselves in {len(records)} records: {', '.join(sorted(silent))}")


if __name__ == "__main__":
    main()
