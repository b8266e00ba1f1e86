"""Synthetic gold in which every field of guideline 1.4 has a value, and all values differ."""

import copy
import json
import random
from pathlib import Path
from typing import Any

from extractor.apps.evaluation import ScoreReport, evaluate

Extraction = dict[str, Any]
_GOLD = Path(__file__).with_name("gold.json").read_text("utf-8")


def limit(name: str, comparator: str, value: float, unit: str | None = None):
    compared = {"comparator": comparator, "value": value, "value_high": None}
    return {"quantity": name, **compared, "unit": unit}


def criterion(
    quote: str, kind: str = "inclusion", category: str = "diagnosis", **more: Any
):
    place = {"kind": kind, "section": "eligibility", "quote": quote}
    return {**place, "category": category, **more}


def make_gold(record_id: str = "A") -> Extraction:
    gold: Extraction = json.loads(_GOLD)
    return gold | {"record_id": record_id}


def regimen(agent: str, quote: str, amount: float, unit: str, **more: Any):
    amounts = [{"low": amount, "high": amount, "unit": unit}]
    place = {"agent": agent, "section": "arms[0]", "quote": quote}
    return {**place, "amounts": amounts, **more}


def endpoint(
    rank: str, index: int, measure: str, points: list[tuple[float, str]], **more: Any
):
    time_points = [{"value": value, "unit": unit} for value, unit in points]
    frame = ", ".join(f"{unit} {value}" for value, unit in points)
    shared = {"category": "efficacy", "time_kind": "at", "censored": False}
    place = {"rank": rank, "index": index, "measure": measure, "time_frame": frame}
    return {**place, "time_points": time_points, **shared, **more}


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
