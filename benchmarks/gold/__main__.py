"""Write annotations as lines of gold, which contain spans and hashes instead of the records' text.

    python -m benchmarks.gold FILE ANNOTATIONS... --records INPUT... --areas TSV

FILE is a gold file. If it already contains a line for a record, the line is replaced, but keeps its
fold. ANNOTATIONS are folders of gold JSON. TSV has two columns, ID and area.
"""

import csv
import json
from pathlib import Path
from typing import Any

from benchmarks.data import Row, fold_of, parse_options
from benchmarks.gold import read_gold
from benchmarks.gold.standoff import to_standoff
from extractor.formats import read_records


def main() -> None:
    """Add the annotations."""
    options: dict[str, Any] = {"records": [...], "areas": ...}
    chosen = parse_options(__doc__, "file", "annotations+", **options)
    with Path(chosen.areas).open(encoding="utf-8", newline="") as file:
        areas = {row[0]: row[1] for row in csv.reader(file, delimiter="\t")}
    annotations: dict[str, Row] = {}
    for folder in chosen.annotations:
        for path in sorted(folder.rglob("*.json")):
            annotation = json.loads(path.read_text("utf-8"))
            annotations[annotation["record_id"]] = annotation
    lines = read_gold(chosen.file)
    for record in read_records(*chosen.records, on_error=lambda _: None):
        name = record.record_id
        if name in annotations:
            known = {"area": areas[name], "fold": fold_of(name)} | lines.get(name, {})
            lines[name] = known | to_standoff(annotations.pop(name), record)
    if annotations:
        raise SystemExit(f"there is no record for {', '.join(sorted(annotations))}")
    written = [
        json.dumps(line, separators=(",", ":")) for _, line in sorted(lines.items())
    ]
    chosen.file.write_text("\n".join(written) + "\n", "utf-8")
    print(f"{len(lines)} records")


if __name__ == "__main__":
    main()
