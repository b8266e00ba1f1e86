"""A record that is too large, or takes too long, fails alone and by name, in this process and in
workers.
"""

import asyncio
import time
from contextlib import nullcontext
from functools import partial

import pytest

from extractor import Extractor
from extractor.concepts.parse import parse_record
from extractor.errors import RecordTooLarge, RecordTooSlow
from extractor.options import ExtractionOptions
from extractor.pipeline import extract_by_rules
from extractor.run.executor import InlineExecutor, ProcessExecutor, extract_with
from extractor.run.records import RunLimits, extract_records
from extractor.run.setup import OpenExtractor
from extractor.run.tally import Tally
from extractor.schemas import Section, Source, TrialRecord, record_limits
from extractor.schemas.vocabulary import Effort
from tests.failing import fail_for_some, path_with_failures

from .test_executor import Lines, record

pytestmark = pytest.mark.slow

RULES = ExtractionOptions(effort=Effort.NONE)


def text_record(*texts: str) -> TrialRecord:
    names = ["eligibility", *(f"arms[{place}]" for place in range(len(texts) - 1))]
    sections = tuple(
        Section(name=name, text=text) for name, text in zip(names, texts, strict=True)
    )
    return TrialRecord(
        record_id="NCT1",
        source=Source(path="in.jsonl", format="ctgov_json"),
        sections=sections,
    )


@pytest.mark.parametrize(
    ("texts", "problem"),
    [
        (["x " * 500_001], "the record has more than 1,000,000 characters"),
        (["x\n" * 20_001], "the record has more than 20,000 lines"),
        (["x|" * 20_001], "the record has more than 20,000 lines"),
        (["x"] * 5_001, "the record has more than 5,000 sections"),
        (
            [
                "Inclusion Criteria:"
                + "".join(f"\n* Asthma {at}" for at in range(6_000))
            ],
            "more than 5,000 criteria",
        ),
    ],
)
def test_a_record_beyond_a_limit_is_refused(texts: list[str], problem: str) -> None:
    with pytest.raises(RecordTooLarge, match=problem):
        extract_by_rules(text_record(*texts), RULES)


def test_a_record_at_the_limits_is_read() -> None:
    lines = [
        f"* Age over {number % 70} years, or asthma of grade {number}"
        for number in range(800)
    ]
    extraction = extract_by_rules(
        text_record("\n".join(["Inclusion Criteria:", *lines])), RULES
    )
    assert len(extraction.eligibility.criteria) == len(lines)


@pytest.fixture
def failing(monkeypatch):
    extract_by_rules(record(1), RULES)  # loads the rules, which counts too
    monkeypatch.setattr("extractor.pipeline.parse_record", fail_for_some(parse_record))
    monkeypatch.setattr(record_limits, "MAX_SECONDS", 0.5)
    monkeypatch.setattr(record_limits, "MAX_CLOCK_SECONDS", 0.5)
    monkeypatch.setenv("PYTHONPATH", path_with_failures())


async def run(executor, records):
    sink = Lines()
    tally = Tally()
    async with executor:
        extract = partial(extract_with, executor, OpenExtractor(None, RULES))
        await extract_records(records, extract, sink, tally, RunLimits(8))
    return sink


@pytest.mark.parametrize("inline_first", [100, None])
def test_a_slow_record_fails_in_this_process_and_the_others_do_not(
    failing, inline_first
) -> None:
    executor = (
        InlineExecutor() if inline_first is None else ProcessExecutor(1, inline_first)
    )
    sink = asyncio.run(
        run(executor, [record(1), record(2, "nights that fails by sleep"), record(3)])
    )
    assert [line.record_id for line in sink.lines] == ["NCT90000001", "NCT90000003"]
    (failure,) = sink.failures
    assert failure["record_id"] == "NCT90000002"
    assert failure["error"] == "RecordTooSlow"
    assert "the record took longer than 0.5 seconds" in failure["message"]


def test_a_worker_that_no_signal_stops_is_killed_and_replaced(failing) -> None:
    records = [record(1), record(2, "nights that fails by count"), record(3)]
    executor = ProcessExecutor(
        1, inline_first=0, timeout=2, example=record(9)
    )  # which loads the rules, untimed
    sink = asyncio.run(run(executor, records))
    assert [line.record_id for line in sink.lines] == ["NCT90000001", "NCT90000003"]
    (failure,) = sink.failures
    assert failure["record_id"] == "NCT90000002"
    assert failure["error"] == "RecordTooSlow"


def test_the_python_api_limits_a_record_too(failing) -> None:
    since = time.monotonic()
    with pytest.raises(RecordTooSlow):
        Extractor(effort="none").extract(record(1, "nights that fails by sleep"))
    assert time.monotonic() - since < 60


def spin() -> None:
    while True:
        pass


@pytest.mark.parametrize(
    ("work", "most_on_clock", "problem"),
    [
        (spin, 300, "took longer than 0.1 seconds of processor time"),
        (partial(time.sleep, 300), 0.3, "took longer than 0.3 seconds"),
        (partial(time.sleep, 0.5), 300, None),  # as on a machine that does other work
    ],
    ids=["busy", "waiting too long", "waiting"],
)
def test_a_step_is_limited_by_its_processor_time_and_more_widely_by_the_clock(
    monkeypatch, work, most_on_clock, problem
) -> None:
    monkeypatch.setattr(record_limits, "MAX_SECONDS", 0.1)
    monkeypatch.setattr(record_limits, "MAX_CLOCK_SECONDS", most_on_clock)
    monkeypatch.setattr(record_limits, "_AGAIN_S", 0.05)
    refused = pytest.raises(RecordTooSlow, match=problem) if problem else nullcontext()
    with refused, record_limits.limit_time(record(1).source):
        work()
