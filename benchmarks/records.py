"""Synthetic records: distinct ones, and small ones with one open question each."""

import json
from pathlib import Path

_RECORD = Path(__file__).parents[1] / "tests" / "records" / "study.json"


def write_distinct_records(path: Path, count: int) -> None:
    """A file of ``count`` records that differ in id and title."""
    record = json.loads(_RECORD.read_text("utf-8"))
    known = record["protocolSection"]["identificationModule"]
    title = known["briefTitle"]
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            known |= {"nctId": f"NCT{number:08d}", "briefTitle": f"{title}, part {number}"}
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


_PLACES = ("home", "work", "the beach", "the clinic", "the gym", "sea", "altitude")


def write_open_records(path: Path, count: int) -> None:
    """A file of ``count`` small records, whose one outcome is of a kind that the rules do not know."""
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            file.write(json.dumps(_make_record(number)) + "\n")


def _make_record(number: int) -> dict[str, object]:
    place = _PLACES[number % len(_PLACES)]
    outcome = {"measure": f"Number of nights at {place} in period {number}", "timeFrame": "12 weeks"}
    return {
        "protocolSection": {
            "identificationModule": {"nctId": f"NCT{number:08d}", "briefTitle": f"Study {number} of a new device"},
            "descriptionModule": {"briefSummary": f"Participants of site {number} wear the device."},
            "outcomesModule": {"primaryOutcomes": [outcome]},
        }
    }
