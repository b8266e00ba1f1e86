"""Measure whether lists keep their items.

    python -m benchmarks.structure --data DIR [GOLD]

Without GOLD, clean lists of registry records (fold 0, which no weights have seen) are written
without their form in twelve ways. Prints, for each way, the share of items that are found whole,
that are lost without a doubt, and that are found but doubted. DIR contains ``records/``.

With GOLD, a file such as benchmarks/gold/fresh_first.jsonl, prints the criteria of these trials
that are found, merged (more than one in an item) and extra, the trials with a wrong item, and how
many of them are told; then the lines above. ``--folds`` selects folds of GOLD.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.data import RULES, Row, fold_of, format_table, parse_options
from benchmarks.gold import read_annotated, read_gold
from benchmarks.structure.flatten import FILES, WAYS, flatten, read_lists
from extractor.concepts.criteria.lists import read_lists as find_lists
from extractor.formats import read_records
from extractor.language.passage import read_section
from extractor.pipeline import extract_by_rules
from extractor.schemas import TrialExtraction, TrialRecord
from extractor.schemas.vocabulary import DOUBTFUL_BELOW

_HELD_OUT = 0
_FINDING = "structure_doubtful"
_EDGES = " .;,:-*~；，。"
_HEADS = ("Inclusion Criteria:", "Exclusion Criteria:")


def main() -> None:
    """Run the command line."""
    chosen = parse_options(__doc__, "gold?", data=..., folds="")
    records = Path(chosen.data) / "records"
    if chosen.gold:
        folds = [int(fold) for fold in chosen.folds.split(",") if fold]
        print(measure_gold(Path(chosen.gold), records, folds))
    else:
        print(measure_flattened(records))


def measure_flattened(records: Path) -> str:
    """Return a table of the ways of writing a list."""
    lists = [each for each in read_lists(records) if fold_of(each[0]) == _HELD_OUT]
    rows, total = [], Counter[str]()
    for number, way in enumerate(WAYS):
        counts = Counter[str]()
        for trial, of_trial in lists:
            counts += _measure_text(trial, of_trial, way, number)
        rows.append((way, *_format_shares(counts)))
        total += counts
    rows.append(("all", *_format_shares(total)))
    return format_table(("way", "items", "found", "lost", "doubted"), rows)


def _format_shares(counts: Counter[str]) -> Iterator[str]:
    yield str(counts["items"])
    for name in ("found", "lost", "doubted"):
        yield f"{counts[name] / max(counts['items'], 1):.3f}"


def _measure_text(
    trial: str, lists: Sequence[Sequence[str]], way: str, form: int
) -> Counter[str]:
    """Count the items of a text in which each list is one paragraph."""
    rng = random.Random(f"{trial} {form}")
    shown = [flatten(items, way, rng.randrange(10**9)).text for items in lists[:2]]
    text = "\n\n".join(
        f"{head}\n\n{words}" for head, words in zip(_HEADS, shown, strict=False)
    )
    items = [_fold(item) for of_list in lists[:2] for item in of_list]
    found = list(_list_entries(text))
    sure = dict(found)
    counts = Counter(items=len(items))
    for item in items:
        counts["found"] += item in sure
        counts["doubted"] += item in sure and not sure[item]
        if item not in sure:
            around = [is_sure for words, is_sure in found if item in words]
            parts = [is_sure for words, is_sure in found if words and words in item]
            counts["lost"] += all(around or parts or [True])
    return counts


def _list_entries(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the words of each criterion of a text, and whether its boundaries are sure."""
    for entry in find_lists(read_section("eligibility", text)).entries:
        if entry.is_criterion:
            yield _fold(entry.passage.text), entry.borders is None


def _list_items(extraction: TrialExtraction) -> Iterator[tuple[str, bool]]:
    """Yield the words of each criterion, and whether its boundaries are sure."""
    for criterion in extraction.eligibility.criteria:
        quotes = [each for each in criterion.evidence if each.field == "quote"]
        is_sure = all((each.confidence or 0) >= DOUBTFUL_BELOW for each in quotes)
        yield _fold(criterion.quote or ""), is_sure


def _fold(words: str) -> str:
    """Return words without what may differ between two ways of writing an item."""
    plain = " ".join(words.replace("\\", "").split()).strip(_EDGES).lower()
    return plain.removesuffix(" and").removesuffix(" or").rstrip(_EDGES)


def measure_gold(path: Path, records: Path, folds: Sequence[int]) -> str:
    """Return a table of the criteria and the lines above them in the trials of a gold file."""
    gold = read_gold(path)
    if folds:
        gold = {name: line for name, line in gold.items() if line["fold"] in folds}
    counts = Counter[str]()
    for record, _, annotated in read_annotated(gold, _read_records(records)):
        counts += _measure_trial(extract_by_rules(record, RULES), annotated)
    rows = [(name, str(counts[name])) for name in sorted(counts)]
    right, said, true = (
        counts[f"lead_in {name}"] for name in ("right", "said", "true")
    )
    rows.append(("lead_in F1", f"{2 * right / max(said + true, 1):.3f}"))
    found = counts["criteria found"]
    both = counts["criteria"] + counts["criteria of the rules"]
    rows.append(("criteria F1", f"{2 * found / max(both, 1):.3f}"))
    return format_table(("", "count"), rows)


def _read_records(records: Path) -> Iterator[TrialRecord]:
    for name in (*FILES, "ctgov_xml"):
        yield from read_records(records / name)


def _measure_trial(extraction: TrialExtraction, gold: Row) -> Counter[str]:
    criteria: list[Row] = gold["eligibility"]["criteria"]
    true = {_fold(each["quote"]): each for each in criteria}
    rows: Any = extraction.eligibility.criteria
    found = dict(_list_items(extraction))
    merged = [
        words
        for words in found
        if words not in true
        and sum(len(each) > 3 and each in words for each in true) > 1
    ]
    extra = [words for words in found if words not in true and words not in merged]
    told = any(finding.kind == _FINDING for finding in extraction.findings)
    doubted = [words for words in (*merged, *extra) if not found[words]]
    counts = Counter(trials=1)
    counts["criteria"] = len(true)
    counts["criteria of the rules"] = len(found)
    counts["criteria found"] = len(true.keys() & found.keys())
    counts["criteria in merged ones"] = sum(
        any(each in words for words in merged) for each in true.keys() - found.keys()
    )
    counts["extra"] = len(extra)
    counts["right and doubted"] = sum(
        not found[each] for each in true.keys() & found.keys()
    )
    counts["trials with a wrong item"] = bool(merged or extra)
    counts["trials with a wrong item, told"] = bool(merged or extra) and bool(
        told or doubted
    )
    counts["trials that are right and told"] = bool(told and not merged and not extra)
    for row in rows:
        words = _fold(row.quote or "")
        if words not in true:
            continue
        said, right = _fold(row.lead_in or ""), _fold(true[words].get("lead_in") or "")
        counts["lead_in said"] += bool(said)
        counts["lead_in true"] += bool(right)
        counts["lead_in right"] += bool(said) and said == right
    return +counts


if __name__ == "__main__":
    main()
