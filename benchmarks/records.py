"""Synthetic records: distinct ones, and small ones with one open question each."""

import json
from pathlib import Path

_RECORD = Path(__file__).parents[1] / "tests" / "records" / "study.json"
_PLACES = ("home", "work", "the beach", "the clinic", "the gym", "sea", "altitude")


def write_distinct_records(path: Path, count: int) -> None:
    """Write ``count`` records that differ in id and title."""
    record = json.loads(_RECORD.read_text("utf-8"))
    known = record["protocolSection"]["identificationModule"]
    title = known["briefTitle"]
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            known |= {
                "nctId": f"NCT{number:08d}",
                "briefTitle": f"{title}, part {number}",
            }
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


def write_open_records(path: Path, count: int) -> None:
    """Write ``count`` small records, each with one outcome of a kind that the rules do not know."""
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            measure = f"Number of nights at {_PLACES[number % len(_PLACES)]} in period {number}"
            study = {
                "identificationModule": {
                    "nctId": f"NCT{number:08d}",
                    "briefTitle": f"Study {number} of a new device",
                },
                "descriptionModule": {
                    "briefSummary": f"Participants of site {number} wear the device."
                },
                "outcomesModule": {
                    "primaryOutcomes": [{"measure": measure, "timeFrame": "12 weeks"}]
                },
            }
            file.write(json.dumps({"protocolSection": study}) + "\n")
