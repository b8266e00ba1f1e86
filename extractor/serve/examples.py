"""Invented records and answers, as the service's description shows them. A test sends each, and compares."""

import json
from importlib.resources import files
from typing import Any

__all__ = ["EXAMPLE_EVENT", "EXAMPLE_EXTRACTION", "EXAMPLE_ID", "EXAMPLE_JOB", "EXAMPLE_RECORD", "EXAMPLE_RECORDS"]

EXAMPLE_ID = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
"""Of a job that there is not."""

EXAMPLE_EVENT = 'id: 142\nevent: record_done\ndata: {"record_id": "NCT99000001", "seconds": 0.02}\n\n'

EXAMPLE_RECORD = """\
Fictucel in Adults With Relapsed Lymphoma
Participants must be 18 to 75 years old. They must have had at least two lines of therapy.
Lymphoma, B-cell
BIOLOGICAL: Fictucel
Overall survival, From infusion to death from any cause., 2 years
Fictucel 1 x 10^6 cells/kg is infused on day 0.
"""

EXAMPLE_EXTRACTION: dict[str, Any] = json.loads(
    files("extractor.serve").joinpath("assets", "extraction.json").read_text("utf-8")
)
"""A part of the record's extraction: its evidence and its absences are more."""


def _study(number: int) -> dict[str, Any]:
    return {
        "protocolSection": {
            "identificationModule": {"nctId": f"NCT{number:08d}", "briefTitle": f"Invented Asthma Study {number}"},
            "descriptionModule": {"briefSummary": "An invented inhaler is compared with placebo."},
            "eligibilityModule": {"eligibilityCriteria": "Inclusion Criteria:\n\n* Age 12 years or older\n* Asthma"},
            "outcomesModule": {"primaryOutcomes": [{"measure": "FEV1", "timeFrame": "Week 12"}]},
        }
    }


EXAMPLE_RECORDS = "".join(json.dumps(_study(number)) + "\n" for number in (99000001, 99000002))

EXAMPLE_JOB: dict[str, Any] = {
    "id": EXAMPLE_ID,
    "state": "queued",
    "reason": None,
    "name": "records",
    "bytes": len(EXAMPLE_RECORDS.encode()),
    "tasks": ["dosing", "eligibility", "endpoints"],
    "assist": "auto",
    "min_confidence": 0.0,
    "created": "2026-11-20T12:00:00+00:00",
    "started": None,
    "ended": None,
    "extracted": 0,
    "failed": 0,
    "usage": {
        "questions": 0,
        "open_questions": 0,
        "calls": 0,
        "prompt_tokens": 0,
        "cached_tokens": 0,
        "output_tokens": 0,
    },
}
