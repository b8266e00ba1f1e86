"""How an extractor opens its model: usage, arguments, and invalid settings."""

import asyncio
import json
import threading
from itertools import islice
from pathlib import Path

import pytest

from extractor import (
    Extractor,
    fetch_records,
    make_record,
    parse_record,
    pipeline,
    read_records,
)
from extractor.errors import ArgumentError, ExtractorError, RecordError
from tests.faults.server import serve_faults
from tests.llm.stub import serve
from tests.trust import answering


async def test_a_record_is_extracted_where_an_event_loop_runs():
    assert Extractor().extract(next(read_records("seeds/records"))).endpoints


async def test_usage_counts_the_calls_to_the_model():
    with serve(answering({})) as stub:
        async with Extractor(stub.spec, effort="all").open() as extract:
            extractions = [
                await extract(record)
                for record in islice(read_records("seeds/records"), 2)
            ]
            spent = [extraction.usage.output_tokens for extraction in extractions]
            assert extract.usage.output_tokens == sum(spent)
            assert min(spent) > 0


STUDY = json.loads(Path("tests/records/study.json").read_text("utf-8"))


def test_a_study_of_the_registry_may_be_a_dictionary():
    record = next(read_records("tests/records/study.json"))
    ours = Extractor().extract(STUDY)
    read = Extractor().extract(record)
    assert ours.model_dump(exclude={"source"}) == read.model_dump(exclude={"source"})
    with pytest.raises(RecordError, match="free text"):
        Extractor().extract({"protocolSection": {}})


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (
            {"nctId": "NCT01234567"},
            "^the dictionary: JSON that is not a study .*; give a study of the registry's API",
        ),
        ({"protocolSection": {1, 2}}, "^the dictionary is no JSON .*set"),
    ],
)
def test_a_wrong_dictionary_is_called_one(wrong, problem):
    with pytest.raises(ExtractorError, match=problem):
        Extractor().extract(wrong)


@pytest.mark.parametrize(
    ("kind", "problem", "call"),
    [
        (ValueError, "did you mean", lambda: Extractor(efort="low")),
        (ValueError, "no known provider", lambda: Extractor("nobody/model")),
        (
            ValueError,
            "there is no run to replay",
            lambda: Extractor(replay="tests/ask"),
        ),
        (
            ValueError,
            "the key has characters",
            lambda: Extractor("gpt-5-mini", key="two\nlines"),
        ),
        (
            ValueError,
            "reasoning: that of this model cannot",
            lambda: Extractor("gpt-4o-mini", reasoning="low"),
        ),
        (
            ValueError,
            "name a file of prices",
            lambda: Extractor("gpt-5-mini", prices="none.toml", max_usd=1),
        ),
        (ValueError, "not an NCT number", lambda: next(fetch_records("NCT1"))),
        (TypeError, "names no model", lambda: Extractor(3)),
        (
            TypeError,
            "as an argument of its own",
            lambda: next(read_records(["seeds/records"])),
        ),
        (TypeError, "is no record", lambda: Extractor().extract(3)),
    ],
)
def test_arguments_that_are_wrong_raise_errors_of_this_package_and_of_python(
    kind, problem, call
):
    with pytest.raises(ArgumentError, match=problem) as raised:
        call()

    assert isinstance(raised.value, kind)


def test_a_number_of_the_registry_is_no_path_and_gets_the_function_that_fetches():
    with pytest.raises(
        RecordError, match=r"^NCT01234567: .*; fetch .* in Python fetch_records$"
    ):
        next(read_records("NCT01234567"))


@pytest.mark.parametrize("given", ["A trial of rest.", Path("tests/records"), 3])
def test_what_is_no_record_is_refused_with_what_is_needed(given):
    with pytest.raises(
        ValueError, match=r"is no record; give one of read_records\(PATH\), or a study"
    ):
        Extractor().extract(given)


NOTE = "Inclusion criteria\n- HbA1c of at least 7.5 %\n\nPrimary endpoint: Survival at 2 years"


def test_a_text_is_extracted_as_its_record_is():
    extraction = Extractor().extract_text(NOTE, title="A Trial", record_id="mine")
    assert extraction == Extractor().extract(
        make_record(NOTE, title="A Trial", record_id="mine")
    )
    assert extraction.record_id == "mine"
    assert [
        criterion.constraints[0].value for criterion in extraction.eligibility.criteria
    ] == [7.5]
    assert [endpoint.time_frame for endpoint in extraction.endpoints] == ["at 2 years"]
    with pytest.raises(RecordError, match="no free text"):
        Extractor().extract_text("")


async def test_a_text_is_extracted_where_an_event_loop_runs():
    """As in a notebook."""
    assert Extractor().extract_text(NOTE).endpoints[0].measure == "Survival"


def test_every_quote_leads_to_its_place_in_the_text():
    record = make_record(NOTE)

    extraction = Extractor().extract(record)

    items = (
        extraction.eligibility,
        *extraction.eligibility.criteria,
        *extraction.endpoints,
    )
    evidence = [piece for item in items for piece in item.evidence]
    assert len(evidence) > 5
    for piece in evidence:
        start, end = record.section(piece.section).locate(piece.start, piece.end)
        assert NOTE[start:end] == piece.quote


async def test_the_key_the_timeout_and_the_limit_of_money_are_arguments(tmp_path):
    prices = tmp_path / "prices.toml"
    prices.write_text(
        "as_of = 2026-11-01\n[model.stub]\nprompt = 2\noutput = 10\n", "utf-8"
    )
    record = next(read_records("tests/records/study.json"))
    with serve_faults() as server:
        extractor = Extractor(
            f"{server.url}#stub",
            effort="all",
            key="a-key",
            timeout=900.0,
            max_usd=0.000001,
            prices=prices,
        )

        async with extractor.open() as extract:
            extraction = await extract(record)
            assert extract.model.spec.api_key.get_secret_value() == "a-key"
            settings = extract.model._settings
            assert settings.timeout == 900.0
            assert settings.patience.seconds == 900.0

    assert server.calls == 0
    assert extraction.usage.open_questions > 0


def test_a_limit_of_money_needs_a_known_price():
    with pytest.raises(
        ArgumentError,
        match=r"^max_usd: the price of .* is unknown; .* name that with prices ",
    ):
        Extractor("http://127.0.0.1:9/v1#stub", max_usd=1.0)


def test_a_key_needs_its_model():
    with pytest.raises(ValueError, match="a key needs its model"):
        Extractor(key="a-key")


async def test_an_event_loop_goes_on_while_a_record_is_parsed(monkeypatch):
    """The parser waits for the loop, which could not answer if it were held."""
    answered = threading.Event()

    def parse(record, *fields):
        assert answered.wait(30.0)
        return parse_record(record, *fields)

    async def answer():
        await asyncio.sleep(0)
        answered.set()

    monkeypatch.setattr(pipeline, "parse_record", parse)
    (extraction, *_), _ = await asyncio.gather(
        collect(Extractor().extract_many([STUDY])), answer()
    )
    assert extraction.record_id


async def collect(extractions):
    return [extraction async for extraction in extractions]
