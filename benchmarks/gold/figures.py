"""Score the rules alone on the gold, by field: ``python -m benchmarks.gold.figures --records
INPUT...``.

Prints macro-F1 over annotated or predicted values, for oncology and allergy, for which the rules
were developed, and for all other areas. ``--write`` stores the figures in ``figures.json``; no
field may fall below its interval there (``tests/test_accuracy.py``). A record whose text is missing
or has changed is omitted; if no record remains, the command fails. ``seeds/records`` contains the
texts of five trials in folds 3 and 4. The authors of rules may inspect errors in folds 0, 1 and 2;
``--folds 3,4`` measures the other folds. ``--agreement VERSION`` instead prints how far two
independent annotations under that version of the guideline agree, which is the ceiling for all
other figures; ``--write`` stores it in ``agreement_VERSION.json``.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.data import FOLDS, RULES, parse_options, read_folds
from benchmarks.gold import GROUPS, READINGS, name_group, read_annotated, read_gold
from benchmarks.gold.standoff import from_standoff
from extractor.apps.evaluation.scoring import evaluate
from extractor.formats import read_records
from extractor.pipeline import extract_by_rules
from extractor.schemas import TrialRecord

FIGURES = Path(__file__).with_name("figures.json")


def read_figures() -> dict[str, Any]:
    """Read the committed figures."""
    figures: dict[str, Any] = json.loads(FIGURES.read_text("utf-8"))
    return figures


def measure_figures(
    records: Iterable[TrialRecord],
    resamples: int = 1000,
    folds: Collection[int] = range(FOLDS),
) -> dict[str, Any]:
    """Return, for each group of areas, the number of scored records in the given folds, and the F1
    and interval of each figure.

    A figure without an interval has fewer than ten values and is omitted.
    """
    lines = {name: line for name, line in read_gold().items() if line["fold"] in folds}
    scored: dict[str, list[tuple[Any, Any]]] = defaultdict(list)
    for record, line, annotation in read_annotated(lines, records):
        extraction = extract_by_rules(record, RULES)
        scored[name_group(line["area"])].append((annotation, extraction))
    return _score_groups(scored, resamples)


def measure_agreement(records: Iterable[TrialRecord], guideline: str) -> dict[str, Any]:
    """Return the F1 of the second annotation against the first, by group of areas."""
    first, second = map(read_gold, READINGS[guideline])
    pairs: dict[str, list[tuple[Any, Any]]] = defaultdict(list)
    for record, line, annotation in read_annotated(first, records):
        other = from_standoff(second[record.record_id], record)
        pairs[name_group(line["area"])].append((annotation, other))
    return _score_groups(pairs, resamples=200)


def _score_groups(
    pairs: Mapping[str, list[tuple[Any, Any]]], resamples: int
) -> dict[str, Any]:
    """Return the figures for each group of areas that has a record."""
    figures = {}
    for group in GROUPS:
        if pairs.get(group):
            figures[group] = _score(pairs[group], resamples)
    return figures


def _score(pairs: list[tuple[Any, Any]], resamples: int) -> dict[str, Any]:
    """Return the number of pairs, and the F1 and interval of each figure."""
    golds = [gold for gold, _ in pairs]
    others = [other for _, other in pairs]
    report = evaluate(golds, others, resamples=resamples)
    macros = [score for score in report.groups if not score.name.endswith(".micro")]
    figures = {}
    for score in (*macros, *report.fields):
        if score.normalised is None or score.interval is None:
            continue
        interval = [round(bound, 3) for bound in score.interval]
        figures[score.name] = {"f1": round(score.normalised, 3), "interval": interval}
    return {"records": len(pairs), "figures": figures}


def main() -> None:
    """Print the figures, and store them with ``--write``."""
    chosen = parse_options(__doc__, records=[...], write=False, folds="", agreement=str)
    records = read_records(*chosen.records, on_error=lambda _: None)
    version = chosen.agreement
    if version:
        path = FIGURES.with_name(f"agreement_{version}.json")
        measured = measure_agreement(records, version)
    else:
        path = FIGURES
        measured = measure_figures(records, folds=read_folds(chosen.folds))
    if not measured:
        inputs = " ".join(map(str, chosen.records))
        of_folds = f" of the folds {chosen.folds}" if chosen.folds else ""
        sys.exit(
            f"No record of {inputs} is in the gold{of_folds} with the text that was annotated, so "
            "nothing was measured. The gold has no texts: name your downloads of its trials. The "
            "five seeds are always available: --records seeds/records, without --folds"
        )
    heads = []
    names: dict[str, None] = {}  # each once, in order
    for group, of_group in measured.items():
        heads.append(f"{group} ({of_group['records']} records)")
        names |= dict.fromkeys(of_group["figures"])
    print("", *heads, sep="\t")
    for name in names:
        shown = [_show(of_group["figures"].get(name)) for of_group in measured.values()]
        print(name, *shown, sep="\t")
    if chosen.write and not chosen.folds:
        path.write_text(json.dumps(measured, indent=1) + "\n", "utf-8")


def _show(figure: Mapping[str, Any] | None) -> str:
    if figure is None:
        return "-"
    low, high = figure["interval"]
    return f"{figure['f1']:.3f} ({low:.3f} to {high:.3f})"


if __name__ == "__main__":
    main()
