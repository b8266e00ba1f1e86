"""Synthetic gold in which every field of guideline 1.4 has a value, and all values differ."""

import copy
import random
from typing import Any

from extractor.apps.evaluation import ScoreReport, evaluate

Extraction = dict[str, Any]


def limit(
    quantity: str,
    comparator: str,
    value: float,
    unit: str | None = None,
    high: float | None = None,
):
    return {
        "quantity": quantity,
        "comparator": comparator,
        "value": value,
        "value_high": high,
        "unit": unit,
    }


def criterion(
    quote: str, kind: str = "inclusion", category: str = "diagnosis", **more: Any
):
    return {
        "kind": kind,
        "section": "eligibility",
        "quote": quote,
        "category": category,
        **more,
    }


def make_gold(record_id: str = "A") -> Extraction:
    window = {
        "quote": "within 4 weeks before entry",
        "comparator": "<=",
        "value": 4,
        "unit": "week",
    }
    criteria = [
        criterion(
            "Age 18 to 75 years",
            category="age",
            constraints=[limit("Age", "between", 18, "year", 75)],
        ),
        criterion(
            "Platelet count of at least 100 x 10^9/L",
            category="organ_function",
            lead_in="Adequate function of the marrow:",
            constraints=[limit("Platelet count", ">=", 100000000000, "/L")],
        ),
        criterion(
            "Serum creatinine below 1.5 mg/dL and bilirubin below 2 mg/dL",
            category="organ_function",
            constraints=[
                limit("creatinine", "<", 1.5, "mg/dL"),
                limit("bilirubin", "<", 2, "mg/dL"),
            ],
        ),
        criterion(
            "Surgery of the spine within 4 weeks before entry",
            "exclusion",
            "prior_therapy",
            time_window=window,
        ),
        criterion("Pregnant women, nursing mothers", "exclusion", "reproductive"),
        criterion("Known allergy to peanuts", "exclusion", "allergy"),
    ]
    regimens = [
        regimen(
            "foscarnet",
            "foscarnet 90 mg/kg twice daily for 14 days",
            90,
            "mg/kg",
            role="investigational",
        ),
        regimen(
            "loratadine",
            "loratadine tablets of 10 mg",
            10,
            "mg",
            role="premedication",
            route="oral",
        ),
    ]
    regimens[0] |= {
        "route": "intravenous",
        "frequency": "BID",
        "timing": "days 1 to 14",
    }
    regimens[0] |= {
        "duration": {"value": 14, "unit": "day"},
        "cycle": {"value": 28, "unit": "day"},
    }
    endpoints = [
        endpoint(
            "primary",
            0,
            "Viral load in plasma",
            [(7, "day"), (14, "day")],
            concept="biomarker",
        ),
        endpoint(
            "secondary",
            0,
            "Time to relapse of retinitis",
            [(1, "year")],
            concept="time_to_event_other",
        ),
        endpoint(
            "secondary",
            1,
            "Kidney injury graded by CTCAE",
            [(60, "day")],
            concept="specific_toxicity",
        ),
    ]
    endpoints[0] |= {
        "specimens": ["plasma"],
        "methods": ["PCR"],
        "description": "Copies in each mL, by PCR.",
    }
    endpoints[1] |= {
        "start_event": "first infusion",
        "end_events": ["relapse of retinitis", "loss of sight"],
    }
    endpoints[2] |= {
        "instrument": {"name": "CTCAE", "version": "5.0"},
        "category": "safety",
    }
    eligibility = {
        "minimum_age": {"value": 18, "unit": "year"},
        "maximum_age": {"value": 75, "unit": "year"},
        "sex": "all",
        "healthy_volunteers": False,
        "criteria": criteria,
    }
    return {
        "record_id": record_id,
        "eligibility": eligibility,
        "dosing": regimens,
        "endpoints": endpoints,
    }


def regimen(agent: str, quote: str, amount: float, unit: str, **more: Any):
    amounts = [{"low": amount, "high": amount, "unit": unit}]
    return {
        "agent": agent,
        "section": "arms[0]",
        "quote": quote,
        "amounts": amounts,
        **more,
    }


def endpoint(
    rank: str, index: int, measure: str, points: list[tuple[float, str]], **more: Any
):
    time_points = [{"value": value, "unit": unit} for value, unit in points]
    frame = ", ".join(f"{unit} {value}" for value, unit in points)
    base = {
        "rank": rank,
        "index": index,
        "measure": measure,
        "time_frame": frame,
        "time_points": time_points,
    }
    return {
        **base,
        "category": "efficacy",
        "time_kind": "at",
        "censored": False,
        **more,
    }


def make_repetitive(seed: int, record_id: str = "A") -> Extraction:
    """Make items with few differences, so that many pairings are equally good."""
    draw = random.Random(seed)
    quotes = ("no infection", "no active infection", "no infection of the lung")
    criteria = [
        criterion(
            draw.choice(quotes),
            draw.choice(("inclusion", "exclusion")),
            draw.choice(("infection", "comorbidity")),
            constraints=[
                limit("count", ">=", draw.randint(1, 3))
                for _ in range(draw.randint(0, 3))
            ],
        )
        for _ in range(9)
    ]
    regimens = [
        regimen("zinc", "zinc daily", draw.randint(1, 3), draw.choice(("mg", "g")))
        for _ in range(5)
    ]
    endpoints = [
        endpoint(
            "other",
            0,
            "Count of cells",
            [(draw.randint(1, 3), "week") for _ in range(draw.randint(1, 4))],
        )
        for _ in range(5)
    ]
    eligibility = {"criteria": criteria}
    return {
        "record_id": record_id,
        "eligibility": eligibility,
        "dosing": regimens,
        "endpoints": endpoints,
    }


def shuffle(extraction: Extraction, seed: int = 0) -> Extraction:
    """Shuffle all lists, at every depth."""
    draw = random.Random(seed)

    def mix(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: mix(part) for name, part in value.items()}
        if isinstance(value, list):
            mixed = [mix(part) for part in value]
            draw.shuffle(mixed)
            return mixed
        return value

    return mix(copy.deepcopy(extraction))


def score(gold: Extraction, predicted: Extraction) -> ScoreReport:
    return evaluate([gold], [predicted], resamples=0, examples=100)


def name_errors(gold: Extraction, predicted: Extraction) -> list[tuple[str, str]]:
    """Return kind and field of each error."""
    report = score(gold, predicted)
    return sorted(
        (error.kind.value, example.field)
        for error in report.errors
        for example in error.examples
    )


def without_places(report: ScoreReport) -> dict[str, Any]:
    """Return the report without places in files, which depend on the order."""
    places = {"gold": {"path"}, "predicted": {"path"}}
    return report.model_dump(
        exclude={"errors": {"__all__": {"examples": {"__all__": places}}}}
    )
