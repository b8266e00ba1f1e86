"""Flattened outcomes of seeds and of labelled cells, and what is uncertain about an outcome."""

import json
from pathlib import Path

import pytest

from extractor.concepts.parse import Outcome, split_outcomes

SEEDS = Path("seeds")
LABELLED = Path("../shared/data/outcome_split/dev.jsonl")


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


@pytest.mark.skipif(
    not LABELLED.exists(), reason="the labelled cells are not part of the project"
)
def test_nine_of_ten_labelled_items_split_exactly():
    right = total = 0
    with LABELLED.open(encoding="utf-8") as lines:
        for line in list(lines)[::20]:
            row = json.loads(line)
            expected = [
                Outcome(i["measure"], i["description"], i["time_frame"])
                for i in row["items"]
            ]
            right += sum(
                a == b
                for a, b in zip(split_outcomes(row["flat"]), expected, strict=True)
            )
            total += len(expected)
    assert right / total > 0.93
