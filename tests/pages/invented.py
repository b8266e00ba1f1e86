"""An invented trial: its limits have conditions, its criteria time windows and groups, its
regimens arms. ``invented.json`` has the study and its extraction.
"""

import json
from pathlib import Path
from typing import Any

from extractor import TrialExtraction, TrialRecord, read_records
from tests.commands import extract
from tests.review.reviewing import write_results

TRIAL = "NCT00000077"
_FILE = Path(__file__).with_name("invented.json")


def make_extraction() -> dict[str, Any]:
    """The invented extraction of the trial."""
    return json.loads(_FILE.read_text("utf-8"))["extraction"]


def make_doubtful() -> dict[str, Any]:
    """The same with values in doubt, cycles, an endpoint, gaps and a finding."""
    extraction = make_extraction()
    regimen = extraction["dosing"][1]
    regimen["confidence"] = 0.7
    for number, evidence in enumerate(regimen["evidence"]):
        evidence["confidence"] = (0.5, 0.84, 0.85)[number % 3]
    regimen["cycle"] = {"value": 21, "unit": "day"}
    regimen["duration"] = {"value": 6, "unit": "cycle"}
    endpoint = {"rank": "primary", "index": 0, "measure": "Pain", "censored": False}
    endpoint |= {"time_frame": "Weeks 4-8", "time_kind": "from_to"}
    endpoint["time_points"] = [{"value": value, "unit": "week"} for value in (4, 8)]
    endpoint |= {"instrument": {"name": "VAS", "version": "2"}, "methods": ["a diary"]}
    reasons = {"sex": "not_reported", "minimum_age": "ambiguous"}
    gaps = [{"field": f"eligibility.{at}", "reason": reasons[at]} for at in reasons]
    words = regimen["evidence"][0]
    places = [{name: words[name] for name in ("section", "start", "end", "quote")}]
    finding = {"kind": "age_differs", "severity": "warning", "field": "dosing[1]"}
    finding |= {"message": "another age is registered", "citations": places}
    doubts = {"absences": gaps, "findings": [finding]}
    return extraction | doubts | {"endpoints": [endpoint]}


def read_trial(folder: Path) -> tuple[TrialRecord, TrialExtraction]:
    """The record of the trial, and its extraction."""
    study = json.loads(_FILE.read_text("utf-8"))["study"]
    path = folder / "study.json"
    path.write_text(json.dumps(study), "utf-8")
    return next(read_records(path)), TrialExtraction.model_validate(make_extraction())


def make_run(folder: Path, extraction: dict[str, Any] | None = None) -> Path:
    """Make a run of the trial."""
    study = json.loads(_FILE.read_text("utf-8"))["study"]
    records = folder / "records.json"
    records.write_text(json.dumps(study), "utf-8")
    return write_results(
        extract(records, folder / "run"), [extraction or make_extraction()]
    )
