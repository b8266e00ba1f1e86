"""Flattened outcomes of seeds."""

import json
from pathlib import Path

import pytest

from extractor.concepts.outcomes.split import Outcome, split_outcomes

SEEDS = Path("seeds")


@pytest.mark.parametrize(
    "gold", sorted((SEEDS / "gold").glob("*.json")), ids=lambda path: path.stem[:3]
)
def test_seeds_split_as_annotated(gold):
    endpoints = json.loads(gold.read_text("utf-8"))["endpoints"]
    lines = (SEEDS / "records" / f"{gold.stem}.txt").read_text("utf-8").split("\n")
    for rank in ("primary", "secondary"):
        outcomes = [
            Outcome(item["measure"], item["description"], item["time_frame"])
            for item in endpoints
            if item["rank"] == rank
        ]
        if outcomes:
            begin = f"{outcomes[0].measure}, "
            (cell, *_) = [line for line in lines if line.startswith(begin)]
            assert split_outcomes(cell) == outcomes
