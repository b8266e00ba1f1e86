import json
from pathlib import Path

import pytest

from extractor.parse.endpoints import Outcome, split_outcomes

SEEDS = Path(__file__).parents[3] / "seeds"
LABELLED = Path(__file__).parents[4] / "shared" / "data" / "outcome_split" / "dev.jsonl"


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ("Overall survival, 2 years", ("Overall survival", None, "2 years")),
        ("Pain", ("Pain", None, None)),
        (
            "Adverse events, Graded by CTCAE v5.0., Day 1, day 8, day 15",
            ("Adverse events", "Graded by CTCAE v5.0.", "Day 1, day 8, day 15"),
        ),
        (
            "Change in weight, height, and head size, 3 months",
            ("Change in weight, height, and head size", None, "3 months"),
        ),
        (
            "Response rate (CR, PR), Response rate is the share of patients with CR, or PR., Up to 6 months",
            ("Response rate (CR, PR)", "Response rate is the share of patients with CR, or PR.", "Up to 6 months"),
        ),
        (
            "Lung function, FEV1 will be measured at weeks 4, 8, and 12., Baseline, weeks 4, 8, 12",
            ("Lung function", "FEV1 will be measured at weeks 4, 8, and 12.", "Baseline, weeks 4, 8, 12"),
        ),
        (
            "Survival (OS), OS is the time to death, whatever the cause., From infusion to death, up to 5 years",
            (
                "Survival (OS)",
                "OS is the time to death, whatever the cause.",
                "From infusion to death, up to 5 years",
            ),
        ),
    ],
)
def test_cuts_an_item_into_its_parts(item, expected):
    assert split_outcomes(item) == [Outcome(*expected)]


def test_an_empty_cell_has_no_outcomes():
    assert split_outcomes(" ") == []


def test_parts_are_raw_characters():
    assert split_outcomes(r"Share with \>50% relief, 30 (Â±2) days") == [
        Outcome(r"Share with \>50% relief", None, "30 (Â±2) days")
    ]


@pytest.mark.parametrize("gold", sorted((SEEDS / "gold").glob("*.json")), ids=lambda path: path.stem[:3])
def test_seeds_split_as_annotated(gold):
    endpoints = json.loads(gold.read_text("utf-8"))["endpoints"]
    lines = (SEEDS / "records" / f"{gold.stem}.txt").read_text("utf-8").split("\n")
    for rank in ("primary", "secondary"):
        expected = [Outcome(e["measure"], e["description"], e["time_frame"]) for e in endpoints if e["rank"] == rank]
        if expected:
            cell = next(line for line in lines if line.startswith(f"{expected[0].measure}, "))
            assert split_outcomes(cell) == expected


@pytest.mark.skipif(not LABELLED.exists(), reason="the labelled cells are not part of the project")
def test_nine_of_ten_labelled_items_split_exactly():
    right = total = 0
    with LABELLED.open(encoding="utf-8") as lines:
        for line in list(lines)[::10]:
            row = json.loads(line)
            expected = [Outcome(i["measure"], i["description"], i["time_frame"]) for i in row["items"]]
            right += sum(a == b for a, b in zip(split_outcomes(row["flat"]), expected, strict=True))
            total += len(expected)
    assert right / total > 0.93
