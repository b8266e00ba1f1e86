"""Losses: right answers of a model that the extraction does not hold."""

import pytest

from benchmarks.losses import Cause, ask, format_losses, judge
from extractor.concepts.parse import parse_record
from extractor.model.client import Model
from extractor.model.spec import ModelSpec
from extractor.options import ExtractionOptions
from extractor.schemas import TrialExtraction
from tests.llm.stub import serve
from tests.trust import answering, trial

RECORD = trial(
    title="A trial", primary_outcomes_0="Zinc in plasma by flame photometry, 4 weeks"
)
GOLD = TrialExtraction.model_validate(
    {
        "record_id": RECORD.record_id,
        "eligibility": {},
        "endpoints": [
            {
                "rank": "primary",
                "index": 0,
                "measure": "Zinc in plasma by flame photometry",
                "time_frame": "4 weeks",
                "specimens": ["serum"],
                "methods": ["flame photometry"],
                "instrument": {"name": "CTCAE"},
            }
        ],
    }
)


async def lose(**values):
    """What is lost of an answer about the outcome."""
    parsed = parse_record(RECORD)
    with serve(answering({"Zinc": values})) as stub:
        async with Model(ModelSpec.parse(f"{stub.url}#capable")) as model:
            return judge(
                parsed,
                GOLD,
                *await ask(
                    parsed, ExtractionOptions(tasks=["endpoints"], effort="all"), model
                ),
            )


@pytest.mark.parametrize(
    ("values", "field", "cause"),
    [
        (
            {"specimens": ["serum"], "methods": ["flame photometry"]},
            "endpoints.specimens",
            Cause.CHECK,
        ),
        (
            {"tool": 5, "methods": ["flame photometry"]},
            "endpoints.instrument",
            Cause.FORM,
        ),
    ],
)
async def test_a_right_answer_that_is_not_in_the_extraction_is_a_loss_with_its_cause(
    values, field, cause
):
    judged = await lose(**values)
    assert [(loss.field, loss.cause) for loss in judged.losses] == [(field, cause)]
    assert judged.right["endpoints.methods"] == 1
    (row,) = [
        line.split()
        for line in format_losses([judged]).splitlines()
        if line.startswith(field)
    ]
    assert row[2] == "1"


async def test_a_wrong_answer_is_no_loss():
    assert (await lose(specimens=["urine"], methods=["flame photometry"])).losses == ()
