"""A folder of labels and records that is read in a moment, and has labels of all kinds."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from random import Random
from typing import Any

__all__ = ["CELL", "HELD_OUT", "OTHER", "PARTS", "TAUGHT", "Keen", "write_data"]

TAUGHT, OTHER, HELD_OUT = "NCT90000201", "NCT90000204", "NCT90000207"
"""Trials of three folds; that of ``HELD_OUT`` is 0."""
CELL = "NCT90000203"
"""A trial of which there is a flattened cell of outcomes, and nothing else."""

_NEUTROPHILS, _WINDOW = "Absolute neutrophil count >= 1.5 x 10^9/L", "within 4 weeks before enrollment"
_CATEGORIES = {
    "Adults of 18 to 75 years": "age",
    _NEUTROPHILS: "organ_function",
    "Hay fever is a common disease": "none",
    "Pregnant women": "reproductive",
    f"Chemotherapy {_WINDOW}": "prior_therapy",
}
_OUTCOMES = (
    ("Progression-free survival", "From randomisation to progression or death", "2 years"),
    ("Overall response rate by RECIST v1.1", "Complete and partial responses", "Weeks 6 and 12"),
    ("Serum interleukin-6", "Measured by ELISA in serum", "Day 30"),
)
_DOSE = "Drugamide 100 mg by mouth twice daily for 12 weeks"
PARTS = (
    ("Pain score, at rest", "Mean, of three readings that are written into a diary", "day 3, day 4"),
    ("Nausea, vomiting, or both", None, "within 4 days"),
    ("Sleep, hours", "By day 3, as told", None),
)
"""The parts of the outcomes in the cell, with commas in them."""


class Keen(Random):
    """Draws by which whatever may be asked, or spoiled, or is told in a cell, is."""

    def random(self) -> float:
        return 0.01


def write_data(folder: Path) -> Path:
    """Three trials with the same text and labels, one in two files of records, and a cell."""
    trials = (TAUGHT, OTHER, HELD_OUT)
    records = folder / "records"
    records.mkdir()
    (records / "all.jsonl").write_text("\n".join(json.dumps(_study(name)) for name in trials), "utf-8")
    (records / "again.json").write_text(json.dumps(_study(TAUGHT)), "utf-8")
    for name, rows in _label(trials).items():
        _write_lines(folder / "labels" / f"{name}.jsonl", rows)
    items = [{"measure": measure, "description": told, "time_frame": when} for measure, told, when in PARTS]
    _write_lines(folder / "outcome_split" / "dev.jsonl", [{"id": CELL, "flat": "", "items": items}])
    return folder


def _study(name: str) -> Mapping[str, Any]:
    criteria = "".join(f"* {text}\n" for text in _CATEGORIES)
    arms = [("Drugamide", "EXPERIMENTAL", _DOSE), ("Placebo", "PLACEBO_COMPARATOR", "Tablets without drugamide")]
    keys = ("measure", "description", "timeFrame")
    return {
        "protocolSection": {
            "identificationModule": {"nctId": name, "briefTitle": "Drugamide in Lymphoma"},
            "conditionsModule": {"conditions": ["Lymphoma"]},
            "eligibilityModule": {"eligibilityCriteria": f"Inclusion Criteria:\n\n{criteria}"},
            "armsInterventionsModule": {
                "armGroups": [{"label": label, "type": kind, "description": told} for label, kind, told in arms],
                "interventions": [{"type": "DRUG", "name": "Drugamide"}],
            },
            "outcomesModule": {"primaryOutcomes": [dict(zip(keys, parts, strict=True)) for parts in _OUTCOMES]},
        }
    }


def _label(trials: Iterable[str]) -> Mapping[str, list[Mapping[str, Any]]]:
    """The rows of each file, the same of each trial."""
    rows: dict[str, list[Mapping[str, Any]]] = {
        name: [] for name in ("criteria", "limits", "outcomes", "instruments", "dosing")
    }
    for trial in trials:
        for name, labels in _label_trial().items():
            rows[name] += [{"id": trial, "record": trial, **label} for label in labels]
    frames = [
        ("2 years", "up_to", [(2, "year")]),
        ("Weeks 6 and 12", "at", [(6, "week"), (12, "week")]),
        ("Day 30", "at", [(30, "day")]),
    ]
    rows["time_frames"] = [
        {
            "time_frame": text,
            "time_kind": kind,
            "time_points": [{"value": value, "unit": unit} for value, unit in points],
        }
        for text, kind, points in frames
    ]
    return rows


def _label_trial() -> Mapping[str, list[Mapping[str, Any]]]:
    survival, response, protein = (measure for measure, _, _ in _OUTCOMES)
    at_least = {"quantity": "Absolute neutrophil count", "comparator": ">=", "value_high": None, "unit": "/L"}
    window = {"quote": _WINDOW, "comparator": "<=", "value": 4, "unit": "week"}
    events = {"start_event": "randomisation", "end_events": ["progression", "death"]}
    dose = {"agent": "Drugamide", "section": "arms[0]", "quote": _DOSE, "role": "investigational", "route": "oral"}
    amounts = [{"low": 100, "high": 100, "unit": "mg"}]
    return {
        "criteria": [
            {"list": "inclusion", "text": text, "category": category} for text, category in _CATEGORIES.items()
        ],
        "limits": [
            {"text": _NEUTROPHILS, "constraints": [at_least | {"value": 1500000000}], "time_window": None},
            {"text": f"Chemotherapy {_WINDOW}", "constraints": [], "time_window": window},
        ],
        "outcomes": [
            {"measure": survival, "concept": "progression_free_survival", "category": "efficacy", **events},
            {"measure": response, "concept": "response_rate", "category": "efficacy"},
            {"measure": protein, "concept": "biomarker", "category": "pharmacodynamics"},
        ],
        "instruments": [
            {
                "measure": response,
                "instrument": {"name": "RECIST", "version": "1.1"},
                "specimens": [],
                "methods": [],
            },
            {"measure": protein, "instrument": None, "specimens": ["serum"], "methods": ["ELISA"]},
        ],
        "dosing": [
            {
                "dosing": [
                    dose
                    | {
                        "amounts": amounts,
                        "frequency": "BID",
                        "duration": {"value": 12, "unit": "week"},
                        "cycle": None,
                    },
                    # Of a text that the record no longer has.
                    dose | {"quote": "Drugamide 7 mg on Sundays"},
                ]
            }
        ],
    }


def _write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
