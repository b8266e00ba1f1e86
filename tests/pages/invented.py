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


def read_trial(folder: Path) -> tuple[TrialRecord, TrialExtraction]:
    """The record of the trial, and its extraction."""
    study = json.loads(_FILE.read_text("utf-8"))["study"]
    path = folder / "study.json"
    path.write_text(json.dumps(study), "utf-8")
    return next(read_records(path)), TrialExtraction.model_validate(make_extraction())


def make_run(folder: Path) -> Path:
    """Make a run of the trial."""
    study = json.loads(_FILE.read_text("utf-8"))["study"]
    records = folder / "records.json"
    records.write_text(json.dumps(study), "utf-8")
    return write_results(extract(records, folder / "run"), [make_extraction()])
