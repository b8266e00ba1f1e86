"""Synthetic records of which no two ask the same."""

import json
from pathlib import Path

__all__ = ["write_distinct_records"]

_RECORD = Path(__file__).parents[2] / "tests" / "records" / "study.json"


def write_distinct_records(path: Path, count: int) -> None:
    """A file of ``count`` records that differ in id and title."""
    record = json.loads(_RECORD.read_text("utf-8"))
    known = record["protocolSection"]["identificationModule"]
    title = known["briefTitle"]
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            known |= {"nctId": f"NCT{number:08d}", "briefTitle": f"{title}, part {number}"}
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
