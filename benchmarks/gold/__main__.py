"""Add annotations to the gold of this repository, which holds spans and no text of the records.

    python -m benchmarks.gold ANNOTATIONS... --records INPUT... --areas TSV [--readers 2] [--labels]

ANNOTATIONS are folders of gold JSON; a record that is already in the gold is replaced. TSV has two
columns, id and area. ``--readers`` is the number of annotators who have read each annotation. A
trial's fold never changes once it is written. ``--labels`` does the same for ``labels.jsonl``:
single items of trials that are not in the gold, for training and not for measuring.
"""

import json
from collections import Counter
from hashlib import sha256
from pathlib import Path

from benchmarks.data import FOLDS, Row, parse_options
from benchmarks.gold import GOLD, LABELS, read_gold
from benchmarks.gold.standoff import to_standoff
from extractor.formats import read_records


def write_gold(lines: dict[str, Row], path: Path) -> None:
    """Write a gold file, sorted by record; a line without a fold gets the rarest fold of its
    area.
    """
    found = [line for _, line in sorted(lines.items())]
    for line in sorted(
        found, key=lambda line: sha256(line["record_id"].encode()).digest()
    ):
        if "fold" not in line:
            in_area = Counter(
                each["fold"]
                for each in found
                if each["area"] == line["area"] and "fold" in each
            )
            in_all = Counter(each["fold"] for each in found if "fold" in each)
            line["fold"] = min(
                range(FOLDS), key=lambda fold: (in_area[fold], in_all[fold], fold)
            )
    path.write_text(
        "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in found),
        "utf-8",
    )


def keep_named_sections(line: Row) -> Row:
    """Keep only the hashes of sections that a line's items name."""
    items = json.dumps([line[key] for key in ("eligibility", "dosing", "endpoints")])
    homes = {f"{item['rank']}_outcomes[{item['index']}]" for item in line["endpoints"]}
    named = {
        name: digest
        for name, digest in line["sections"].items()
        if name in homes or f'"{name}"' in items
    }
    return line | {"sections": named}


def main() -> None:
    """Add the annotations, and print the number of records in each area."""
    chosen = parse_options(
        __doc__, "annotations+", records=[...], areas=..., readers=2, labels=False
    )
    path = LABELS if chosen.labels else GOLD
    areas = dict(
        line.split("\t") for line in chosen.areas.read_text("utf-8").splitlines()
    )
    gold = read_gold(path)
    annotations = {}
    for folder in chosen.annotations:
        for file in sorted(folder.rglob("*.json")):
            annotation = json.loads(file.read_text("utf-8"))
            annotations[annotation["record_id"]] = annotation
    # a record may stand in several inputs
    for record in read_records(*chosen.records, on_error=lambda _: None):
        name = record.record_id
        annotation = annotations.pop(name, None)
        if not annotation:
            continue
        line = {"record_id": name, "area": areas[name], "readers": chosen.readers}
        if name in gold:
            line["fold"] = gold[name]["fold"]
        # The sections that were read completely, so that an empty list means that there is
        # nothing.
        if annotation.get("labelled"):
            line["labelled"] = annotation["labelled"]
        line |= to_standoff(annotation, record)
        gold[name] = keep_named_sections(line) if chosen.labels else line
    if annotations:
        raise SystemExit(f"there is no record for {', '.join(sorted(annotations))}")
    write_gold(gold, path)
    counts = Counter(line["area"] for line in gold.values())
    listed = [f"{area} {number}" for area, number in counts.most_common()]
    print(f"{len(gold)} records:", *listed)


if __name__ == "__main__":
    main()
