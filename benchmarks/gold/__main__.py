"""Put annotations into the gold of this repository, which holds places and no text of the records.

    python -m benchmarks.gold ANNOTATIONS --records INPUT --areas TSV --readers 2

ANNOTATIONS are folders of gold JSON; a record that is in the gold already is replaced. TSV has two columns, id and
area. A trial's fold never changes once it is written. ``--into labels.jsonl --part`` does the same for labels: single
items of trials that are not in the gold, for learning and not for measuring.
"""

import json
from collections import Counter
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

from benchmarks.data import FOLDS, option_parser
from benchmarks.gold import GOLD, read_gold
from extractor.evaluation.standoff import to_standoff
from extractor.read import read_records


def write_gold(lines: Iterable[dict[str, Any]], path: Path = GOLD) -> None:
    """Write a gold file, sorted by record; a line that has no fold yet gets the one of which its area has fewest."""
    found = sorted(lines, key=lambda line: str(line["record_id"]))
    for line in sorted(found, key=lambda line: sha256(line["record_id"].encode()).digest()):
        if "fold" not in line:
            taken = Counter(each["fold"] for each in found if each["area"] == line["area"] and "fold" in each)
            whole = Counter(each["fold"] for each in found if "fold" in each)
            line["fold"] = min(range(FOLDS), key=lambda fold: (taken[fold], whole[fold], fold))
    path.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in found), "utf-8")


def _keep_part(line: dict[str, Any]) -> dict[str, Any]:
    """A line with the hashes of those sections alone that its items name, and without empty parts."""
    items = json.dumps([line[key] for key in ("eligibility", "dosing", "endpoints")])
    homes = {f"{item['rank']}_outcomes[{item['index']}]" for item in line["endpoints"]}
    named = {name: digest for name, digest in line["sections"].items() if name in homes or f'"{name}"' in items}
    return line | {"sections": named}


def main() -> None:
    """The command line."""
    parser = option_parser(__doc__)
    parser.add_argument("annotations", nargs="+", type=Path)
    parser.add_argument("--records", nargs="+", required=True)
    parser.add_argument("--areas", type=Path, required=True)
    parser.add_argument("--readers", type=int, required=True, help="How many readers have seen each annotation.")
    parser.add_argument("--into", type=Path, default=GOLD, help="The file that takes them.")
    parser.add_argument("--part", action="store_true", help="Only some items of each record are annotated.")
    chosen = parser.parse_args()
    areas = dict(line.split("\t") for line in chosen.areas.read_text("utf-8").splitlines())
    gold = read_gold(chosen.into)
    files = (path for folder in chosen.annotations for path in sorted(folder.rglob("*.json")))
    annotations = {each["record_id"]: each for each in (json.loads(path.read_text("utf-8")) for path in files)}
    for record in read_records(*chosen.records):
        if annotation := annotations.pop(record.record_id, None):
            head = {"record_id": record.record_id, "area": areas[record.record_id], "readers": chosen.readers}
            if record.record_id in gold:
                head["fold"] = gold[record.record_id]["fold"]
            if annotation.get("labelled"):  # what was read as a whole, so that an empty list means none
                head["labelled"] = annotation["labelled"]
            line = head | to_standoff(annotation, record)
            gold[record.record_id] = _keep_part(line) if chosen.part else line
    if annotations:
        raise SystemExit(f"no record at hand for {', '.join(sorted(annotations))}")
    write_gold(gold.values(), chosen.into)
    print(
        f"{len(gold)} records:", *(f"{area} {n}" for area, n in Counter(g["area"] for g in gold.values()).most_common())
    )


if __name__ == "__main__":
    main()
