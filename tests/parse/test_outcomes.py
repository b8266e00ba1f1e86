"""Flattened outcomes of seeds."""

import json
from pathlib import Path

import pytest

from extractor import Extractor
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


@pytest.mark.parametrize(
    ("statement", "outcomes", "most"),
    [
        (
            "Pain at weeks 6 and 12; sleep (PSQI) at week 12",
            [("Pain", "at weeks 6 and 12"), ("sleep (PSQI)", "at week 12")],
            1,
        ),
        ("Pain at week 6; sleep", [("Pain at week 6; sleep", "at week 6")], 0.7),
        ("FEV1; Time frame: week 12", [("FEV1", "week 12")], 1),
        (
            "Conversion, assessed to week 9",
            [("Conversion, assessed to week 9", None)],
            0.8,
        ),
        ("Nausea; vomiting", [("Nausea; vomiting", None)], 0.7),
    ],
)
def test_a_statement_is_split_at_semicolons_between_times_or_doubted(
    statement, outcomes, most
):
    trial = Extractor().extract_text(
        f"A trial of fictumab\nPrimary outcome: {statement}"
    )

    assert [(one.measure, one.time_frame) for one in trial.endpoints] == outcomes
    for endpoint in trial.endpoints:
        measure = next(e for e in endpoint.evidence if e.field == "measure")
        assert measure.confidence <= most
        assert (measure.confidence < 0.85) is (most < 1)
