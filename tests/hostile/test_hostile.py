"""Records with injected text: no value of it comes in, whoever answers, and nothing honest is lost."""

import pytest

from extractor import Extractor, pipeline
from extractor.model.client import Model, Route
from extractor.model.opening import ModelChoice, open_model
from extractor.model.spec import ModelSpec
from extractor.options import ExtractionOptions
from extractor.setup import OpenExtractor
from tests.snapshots import check_snapshot, summarize

from .obedient import Obedient
from .suite import (
    ANSWERS,
    RECORDS,
    list_injected,
    list_lost,
    list_misplaced,
    load_suite,
)

SUITE = load_suite()
FIRST_OF_EACH_ATTACK = [
    *{hostile.attack: hostile for hostile in reversed(SUITE)}.values()
]
OPTIONS = ExtractionOptions(effort="full")


@pytest.fixture(autouse=True)
def _parse_once(monkeypatch):
    """The rules read a record once, whoever answers, and once more for each answered structure."""
    parsed = {}
    parse = pipeline.parse_record

    def parse_once(record, fields, structure):
        if structure not in parsed:
            parsed[structure] = parse(record, fields, structure)
        return parsed[structure]

    monkeypatch.setattr(pipeline, "parse_record", parse_once)


def _check(extraction, hostile) -> None:
    assert list_injected(extraction, hostile) == []
    assert list_lost(extraction, hostile) == []
    assert list_misplaced(extraction, hostile.read()) == []
    assert set(hostile.findings) <= {finding.kind for finding in extraction.findings}


def test_suite_is_large_and_varied():
    assert len(SUITE) >= 64
    assert len(FIRST_OF_EACH_ATTACK) >= 12
    assert {hostile.file for hostile in SUITE} == {
        path.name for path in RECORDS.iterdir()
    }


@pytest.mark.parametrize("hostile", SUITE, ids=str)
async def test_neither_rules_nor_a_capable_model_take_what_was_injected(hostile):
    record = hostile.read()
    _check(pipeline.extract_by_rules(record, OPTIONS), hostile)

    async with open_model(ModelChoice(replay=ANSWERS)) as model:
        extraction = await OpenExtractor(model, OPTIONS)(record)

    _check(extraction, hostile)
    check_snapshot(f"hostile/{hostile.file}", summarize(extraction))


@pytest.mark.parametrize("hostile", FIRST_OF_EACH_ATTACK, ids=str)
async def test_a_model_that_obeys_sees_nothing_to_obey_and_cannot_prove_what_it_makes_up(
    hostile,
):
    async def extract(is_injected):
        stub = Obedient(is_injected, hostile.honest)
        spec = ModelSpec.parse("http://127.0.0.1:9/v1#obedient")
        async with Model(spec, route=Route(answer=stub.answer)) as model:
            return await OpenExtractor(model, OPTIONS)(hostile.read()), stub.prompts

    obeyed, prompts = await extract(hostile.has_injected)
    assert not any(map(hostile.has_injected, prompts))
    _check(obeyed, hostile)

    won_over, prompts = await extract(lambda _: True)
    assert prompts
    assert list_injected(won_over, hostile) == []
    assert list_misplaced(won_over, hostile.read()) == []
    assert any("Phantom" in finding.message for finding in won_over.findings), (
        "what was kept out is reported"
    )


@pytest.mark.parametrize(
    "line",
    [
        "- Haemoglobin at least 1\u202e3\u202c g/dL",
        "- Age \u202e18 to\u202c 65 years",
        "- Age 1\U000e0001\U000e0001\U000e0001\U000e0001\U000e00018 years or older",
        "- HbA1c below 1\x1b[2J2 %",
    ],
)
def test_no_value_on_a_line_with_hidden_characters_is_sure(line):
    found = Extractor().extract_text(
        f"Inclusion criteria:\n{line}\n- BMI below 30 kg/m2"
    )
    *cut, clean = found.eligibility.criteria
    pieces = [
        *found.eligibility.evidence,
        *(piece for item in cut for piece in item.evidence),
    ]
    assert cut
    assert max(piece.confidence for piece in pieces) < 0.85
    assert (
        min(
            piece.confidence
            for piece in clean.evidence
            if piece.field == "constraints[0]"
        )
        > 0.85
    )
    assert "values on the same line are doubtful" in found.findings[0].message
