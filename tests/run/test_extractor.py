"""``Extractor``: one record or text, in and outside an event loop, and wrong arguments."""

import asyncio
import json
import threading
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

STUDY = json.loads(Path("tests/records/study.json").read_text("utf-8"))
NOTE = "Inclusion criteria\n- HbA1c of at least 7.5 %\n\nPrimary endpoint: Survival at 2 years"


async def test_a_study_of_the_registry_may_be_a_dictionary():
    """Where an event loop runs, as in a notebook."""
    record = next(read_records("tests/records/study.json"))
    ours, read = map(Extractor().extract, (STUDY, record))
    assert ours.model_dump(exclude={"source"}) == read.model_dump(exclude={"source"})


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"nctId": "NCT1"}, "^the dictionary: JSON that is not a study .*; give a study"),
        ({"protocolSection": {1, 2}}, "^the dictionary is no JSON .*set"),
        ({"protocolSection": {}}, "^the dictionary: the record holds no free text"),
        ("A trial of rest.", r"str is no record; give one of read_records\(PATH\), or"),
        (Path("tests/records"), "Path is no record; give one of read_records"),
    ],
)  # fmt: skip
def test_what_is_no_record_is_refused_with_what_is_needed(wrong, problem):
    with pytest.raises(ExtractorError, match=problem):
        Extractor().extract(wrong)


@pytest.mark.parametrize(
    ("kind", "problem", "call"),
    [
        (ValueError, "choose from .* effort,", lambda: Extractor(efort="low")),
        (ValueError, "no known provider", lambda: Extractor("nobody/model")),
        (ValueError, "no run to replay", lambda: Extractor(replay="tests/ask")),
        (ValueError, "characters", lambda: Extractor("gpt-5-mini", key="two\nlines")),
        (ValueError, "a key needs its model", lambda: Extractor(key="a-key")),
        (ValueError, "reasoning: that of this model cannot", lambda: Extractor("gpt-4o-mini", reasoning="low")),
        (ValueError, "not a file of prices", lambda: Extractor("gpt-5-mini", prices="none.toml", max_usd=1)),
        (ValueError, "^max_usd: the price of .* is unknown; .* prices ", lambda: Extractor("http://127.0.0.1:9/v1#m", max_usd=1)),
        (ValueError, "not an NCT number", lambda: next(fetch_records("NCT1"))),
        (TypeError, "names no model", lambda: Extractor(3)),
        (TypeError, "as an argument of its own", lambda: next(read_records(["seeds/records"]))),
        (TypeError, "is no record", lambda: Extractor().extract(3)),
    ],
)  # fmt: skip
def test_wrong_arguments_raise_errors_of_this_package_and_of_python(
    kind, problem, call
):
    with pytest.raises(ArgumentError, match=problem) as raised:
        call()
    assert isinstance(raised.value, kind)


async def test_a_text_is_extracted_as_its_record_is():
    extraction = Extractor().extract_text(NOTE, title="A Trial", record_id="mine")
    record = make_record(NOTE, title="A Trial", record_id="mine")
    assert extraction == Extractor().extract(record)
    assert extraction.record_id == "mine"
    [criterion] = extraction.eligibility.criteria
    assert criterion.constraints[0].value == 7.5
    assert [endpoint.time_frame for endpoint in extraction.endpoints] == ["at 2 years"]
    for piece in (*criterion.evidence, *extraction.endpoints[0].evidence):
        start, end = record.section(piece.section).locate(piece.start, piece.end)
        assert NOTE[start:end] == piece.quote
    with pytest.raises(RecordError, match="no free text"):
        Extractor().extract_text("")


async def test_the_key_the_timeout_and_the_limit_of_money_are_arguments(tmp_path):
    prices = tmp_path / "prices.toml"
    prices.write_text("as_of = 2026-11-01\n[model.stub]\nprompt = 2\noutput = 10\n")
    record = next(read_records("tests/records/study.json"))
    with serve_faults() as server:
        limits = {"timeout": 900.0, "max_usd": 0.000001, "prices": prices}
        extractor = Extractor(f"{server.url}#stub", effort="all", key="a-key", **limits)
        async with extractor.open() as extract:
            extraction = await extract(record)
            assert extract.usage.calls == 0
            assert extract.model.spec.api_key.get_secret_value() == "a-key"
    assert extractor.setup.asking.timeout == 900.0
    assert server.calls == 0
    assert extraction.usage.open_questions > 0


async def test_an_event_loop_goes_on_while_a_record_is_parsed(monkeypatch):
    """The parser waits for the loop, which could not answer if it were blocked."""
    answered = threading.Event()

    def parse(record, *fields):
        assert answered.wait(30.0)
        return parse_record(record, *fields)

    async def answer():
        await asyncio.sleep(0)
        answered.set()

    monkeypatch.setattr(pipeline, "parse_record", parse)
    async with Extractor().open() as extract:
        work = extract(next(read_records("tests/records/study.json")))
        extraction, _ = await asyncio.gather(work, answer())
    assert extraction.record_id
