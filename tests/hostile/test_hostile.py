import pytest

from extractor import Extractor
from extractor.model.client import Model, Route
from extractor.model.opening import ModelChoice, ReplayTally, open_model
from extractor.model.spec import ModelSpec
from extractor.options import ExtractionOptions
from extractor.setup import OpenExtractor
from tests.snapshots import check_snapshot, summarize

from .obedient import Obedient
from .suite import (
    ANSWERS,
    RECORDS,
    HostileRecord,
    list_injected,
    list_lost,
    list_misplaced,
    load_suite,
)

SUITE = load_suite()
UNANSWERED = {"terminal-1.json": 1}
"""The calls of a record without a recorded answer: an honest criterion more is read than then."""
every_record = pytest.mark.parametrize("hostile", SUITE, ids=str)


def _check(extraction, hostile: HostileRecord) -> None:
    assert list_injected(extraction, hostile) == []
    assert list_lost(extraction, hostile) == []
    assert list_misplaced(extraction, hostile.read()) == []
    assert set(hostile.findings) <= {finding.kind for finding in extraction.findings}


async def _extract_obediently(hostile: HostileRecord, is_injected):
    """Extract with a model that is asked everything."""
    stub = Obedient(is_injected, hostile.honest)
    spec = ModelSpec.parse("http://127.0.0.1:9/v1#obedient")
    async with Model(spec, route=Route(answer=stub.answer)) as model:
        return await OpenExtractor(model, ExtractionOptions(effort="all"))(
            hostile.read()
        ), stub


def test_suite_is_large_and_varied():
    assert len(SUITE) >= 64
    assert len({hostile.attack for hostile in SUITE}) >= 12
    assert {hostile.file for hostile in SUITE} == {
        path.name for path in RECORDS.iterdir()
    }


@every_record
def test_rules_take_nothing_that_was_injected_and_lose_nothing_honest(hostile):
    _check(Extractor(effort="none").extract(hostile.read()), hostile)


@every_record
async def test_a_model_that_obeys_what_it_sees_sees_nothing_to_obey(hostile):
    extraction, stub = await _extract_obediently(hostile, hostile.has_injected)
    assert not any(map(hostile.has_injected, stub.prompts))
    _check(extraction, hostile)


@every_record
async def test_a_model_that_was_won_over_brings_in_no_value_that_the_text_does_not_state(
    hostile,
):
    extraction, stub = await _extract_obediently(hostile, lambda _: True)
    assert stub.prompts
    assert list_injected(extraction, hostile) == []
    assert list_misplaced(extraction, hostile.read()) == []
    assert any("Phantom" in finding.message for finding in extraction.findings), (
        "what was kept out is reported"
    )


@every_record
async def test_capable_model_brings_in_nothing_that_was_injected(hostile):
    tally = ReplayTally()
    async with open_model(ModelChoice(replay=ANSWERS, tally=tally)) as model:
        extract = OpenExtractor(model, ExtractionOptions(effort="all"))
        extraction = await extract(hostile.read())

    _check(extraction, hostile)
    check_snapshot(f"hostile/{hostile.file}", summarize(extraction))
    assert tally.missing == UNANSWERED.get(hostile.file, 0)
