"""Synthetic records with one open question each, each with a text of its own."""

import json
from pathlib import Path

__all__ = ["write_open_records"]

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
