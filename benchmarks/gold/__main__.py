"""Put annotations into the gold of this repository, which holds places and no text of the records.

    python -m benchmarks.gold ANNOTATIONS --records INPUT --areas TSV --readers 2

ANNOTATIONS are folders of gold JSON; a record that is in the gold already is replaced. TSV has two columns, id and
area. A trial's fold depends on nothing but its id and area, and never changes once it is written.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from extractor.evaluation.standoff import to_standoff
from extractor.read import read_records

__all__ = ["FOLDS", "GOLD", "read_gold", "write_gold"]

GOLD = Path(__file__).with_name("gold.jsonl")
FOLDS = 5


def read_gold(path: Path = GOLD) -> dict[str, dict[str, Any]]:
    """The lines of a gold file by record."""
    if not path.is_file():
        return {}
    return {line["record_id"]: line for line in map(json.loads, path.read_text("utf-8").splitlines())}


def write_gold(lines: Iterable[dict[str, Any]], path: Path = GOLD) -> None:
    """Write a gold file, sorted by record; a line that has no fold yet gets the one of which its area has fewest."""
    found = sorted(lines, key=lambda line: str(line["record_id"]))
    for line in sorted(found, key=lambda line: sha256(line["record_id"].encode()).digest()):
        if "fold" not in line:
            taken = Counter(each["fold"] for each in found if each["area"] == line["area"] and "fold" in each)
            whole = Counter(each["fold"] for each in found if "fold" in each)
            line["fold"] = min(range(FOLDS), key=lambda fold: (taken[fold], whole[fold], fold))
    path.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in found), "utf-8")


def _read_annotations(folders: Iterable[Path]) -> Iterator[dict[str, Any]]:
    for folder in folders:
        for path in sorted(folder.rglob("*.json")):
            yield json.loads(path.read_text("utf-8"))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gold", description=__doc__)
    parser.add_argument("annotations", nargs="+", type=Path)
    parser.add_argument("--records", nargs="+", required=True)
    parser.add_argument("--areas", type=Path, required=True)
    parser.add_argument("--readers", type=int, required=True, help="How many readers have seen each annotation.")
    chosen = parser.parse_args()
    areas = dict(line.split("\t") for line in chosen.areas.read_text("utf-8").splitlines())
    gold, annotations = read_gold(), {each["record_id"]: each for each in _read_annotations(chosen.annotations)}
    for record in read_records(*chosen.records):
        if annotation := annotations.pop(record.record_id, None):
            head = {"record_id": record.record_id, "area": areas[record.record_id], "readers": chosen.readers}
            if record.record_id in gold:
                head["fold"] = gold[record.record_id]["fold"]
            gold[record.record_id] = head | to_standoff(annotation, record)
    if annotations:
        raise SystemExit(f"no record at hand for {', '.join(sorted(annotations))}")
    write_gold(gold.values())
    print(
        f"{len(gold)} records:", *(f"{area} {n}" for area, n in Counter(g["area"] for g in gold.values()).most_common())
    )


if __name__ == "__main__":
    main()
