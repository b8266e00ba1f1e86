"""Every gold annotation survives a round trip through the models."""

import json
from pathlib import Path

import pytest

from extractor.schemas import TrialExtraction

ROOT = Path(__file__).parents[2]
SEEDS = sorted((ROOT / "seeds" / "gold").glob("*.json"))
SHARED = sorted((ROOT.parent / "shared" / "gold" / "dev").glob("*.json"))


@pytest.mark.parametrize(
    "path", [*SEEDS, *SHARED], ids=lambda path: f"{path.parent.parent.name}-{path.stem}"
)
def test_gold_survives_the_models(path):
    """Gold of an older guideline gets the fields of newer ones, empty."""
    gold = json.loads(path.read_text("utf-8"))
    assert _fit(TrialExtraction.model_validate(gold).to_gold(), gold) == gold


def _fit(written, gold):
    """Return what was written without the empty fields that gold lacks."""
    if isinstance(written, dict) and isinstance(gold, dict):
        fitted = {}
        for key, value in written.items():
            is_empty = value in (None, [])
            if key in gold or not is_empty:
                fitted[key] = _fit(value, gold.get(key))
        return fitted
    if isinstance(written, list) and isinstance(gold, list):
        if len(written) != len(gold):
            return written
        return [_fit(*pair) for pair in zip(written, gold, strict=True)]
    return written


@pytest.mark.parametrize(
    "damage",
    [
        lambda gold: gold["eligibility"].update(sex="men"),
        lambda gold: gold["eligibility"].update(
            minimum_age={"value": 2, "unit": "half_life"}
        ),
        lambda gold: gold["endpoints"][0].update(concept="survival"),
        lambda gold: gold["endpoints"][0].update(colour="blue"),
        lambda gold: gold.pop("record_id"),
    ],
)
def test_fields_and_words_outside_the_guideline_are_refused(damage):
    gold = json.loads(SEEDS[0].read_text("utf-8"))
    damage(gold)
    with pytest.raises(ValueError, match="validation error"):
        TrialExtraction.model_validate(gold)
