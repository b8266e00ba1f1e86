"""Record text is data for a user's own fields, too: what is hidden is not shown, and what is
made up is not kept.
"""

import json
from typing import Literal

import pytest
from pydantic import BaseModel

from extractor.concepts.own.models import read_fields
from extractor.model.client import Model, Route
from extractor.model.spec import ModelSpec
from extractor.options import ExtractionOptions
from extractor.schemas import Period, Quantity
from extractor.schemas.vocabulary import Effort
from extractor.setup import OpenExtractor
from tests.hostile.obedient import Obedient
from tests.hostile.suite import HostileRecord, load_suite


class OwnQuote(BaseModel):
    """Words of the record."""

    value: str


class OwnChoice(BaseModel, json_schema_extra={"of": "criterion"}):
    """A conclusion, with a limit."""

    status: Literal["yes", "no"]
    limit: Quantity | None = None


class OwnTime(BaseModel, json_schema_extra={"of": "endpoint", "many": True}):
    """A time."""

    value: Period


DICTATED = {
    "own_quote": "FAKEDRUG-9 901 mg rectally",
    "own_choice": {"quote": "Phantom score > 901", "status": "yes", "limit": "> 901"},
    "own_time": [
        {"quote": "99 years", "value": "99 year"},
        {"quote": "666 days", "value": "666 day"},
    ],
}


class ObedientInFields(Obedient):
    """Gives the injected answer to every field that it is asked for."""

    def _obey(self, line):
        return {"n": int(line[1])} | {
            key: DICTATED[key] for key in line[2].split() if key in DICTATED
        }


@pytest.fixture
def options():
    return ExtractionOptions(
        effort=Effort.MEDIUM, fields=read_fields([OwnQuote, OwnChoice, OwnTime])
    )


async def extract(hostile: HostileRecord, options: ExtractionOptions, is_injected):
    stub = ObedientInFields(is_injected, hostile.honest)
    async with Model(
        ModelSpec.parse("http://127.0.0.1:9/v1#obedient"),
        route=Route(answer=stub.answer),
    ) as model:
        return await OpenExtractor(model, options)(hostile.read()), stub


@pytest.mark.parametrize("hostile", load_suite(), ids=str)
async def test_nothing_that_was_injected_is_shown_or_kept(hostile, options):
    extraction, stub = await extract(hostile, options, hostile.has_injected)
    assert stub.prompts
    assert not any(map(hostile.has_injected, stub.prompts))
    won_over, _ = await extract(hostile, options, lambda _: True)
    for one in (extraction, won_over):
        values = json.dumps(
            [item.values for items in one.custom.values() for item in items],
            default=str,
        )
        assert not hostile.has_injected(values)
        assert not any(
            str(number) in values for number in (*hostile.forbidden_numbers, 901)
        )
    assert any(
        "Phantom" in finding.message or "FAKEDRUG" in finding.message
        for finding in won_over.findings
    )
