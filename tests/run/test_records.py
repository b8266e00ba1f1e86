"""A batch keeps input order, continues after a failed record, and stops at errors that affect
all records.
"""

import asyncio
from contextlib import suppress

import pytest

from extractor.errors import (
    AnswerRejected,
    BudgetReached,
    EngineError,
    ModelUnavailable,
    RecordError,
    StoreError,
)
from extractor.model.cost.budget import Budget
from extractor.model.cost.prices import Price
from extractor.model.cost.tokens import Rates, RequestSize
from extractor.run.records import RunLimits, Sink, extract_records
from extractor.run.tally import Tally, to_line
from extractor.schemas import (
    Eligibility,
    Section,
    Source,
    TrialExtraction,
    TrialRecord,
    Usage,
)
from tests.skipping import skipping_time


class ListSink(Sink):
    def __init__(self, done=(), refused=(), *, in_any_order=False):
        self.done = done
        self.refused = refused
        self.in_any_order = in_any_order
        self.written = []
        self.skipped = []
        self.failures = []
        self.write_failure = self.failures.append

    def is_done(self, record):
        if record.record_id in self.refused:
            raise RecordError("a.jsonl", "the record is there twice", "leave one out")
        self.skipped += [record.record_id] * (record.record_id in self.done)
        return record.record_id in self.done

    def write(self, line, session):
        self.written.append(line.record_id)


def records(count):
    section = Section(name="title", text="A trial")
    for number in range(count):
        source = Source(path="a.jsonl", format="ctgov_json", place=f"line {number + 1}")
        yield TrialRecord(record_id=f"r{number}", source=source, sections=(section,))


async def extract(record):
    usage = Usage(prompt_tokens=0, calls=1)
    return to_line(
        TrialExtraction(
            record_id=record.record_id, eligibility=Eligibility(), usage=usage
        )
    )


def extract_all_but(errors, seconds=0):
    """An extraction that fails at some records, after ``seconds``."""

    async def extract_or_fail(record):
        if error := errors.get(record.record_id):
            await asyncio.sleep(seconds)
            raise error
        return await extract(record)

    return extract_or_fail


async def run(inputs, extract, sink=None, **limits):
    sink = sink or ListSink()
    tally = Tally()
    await extract_records(inputs, extract, sink, tally, RunLimits(**limits))
    return sink, tally


@skipping_time
async def test_results_keep_input_order_unless_the_sink_takes_any():
    async def extract_slowly(record):
        await asyncio.sleep(0.05 if record.record_id == "r0" else 0)
        return await extract(record)

    ids = [f"r{n}" for n in range(9)]
    sink, tally = await run(records(9), extract_slowly, concurrency=4)
    assert (sink.written, tally.extracted) == (ids, 9)
    sink, _ = await run(
        records(9), extract_slowly, ListSink(in_any_order=True), concurrency=2
    )
    assert sink.written == [*ids[1:], "r0"]


async def test_records_that_are_done_or_refused_are_not_extracted():
    sink = ListSink(done=["r0"], refused=["r1"])

    sink, tally = await run(
        records(3),
        extract_all_but({"r0": AssertionError(), "r1": AssertionError()}),
        sink,
    )

    assert sink.skipped == ["r0"]
    assert sink.written == ["r2"]
    assert tally.resumed == 1
    assert tally.failed == 1
    assert sink.failures[0]["record_id"] == "r1"
    assert "there twice" in sink.failures[0]["message"]


async def test_no_record_beyond_the_limit_is_read():
    def endless():
        yield from records(2)
        raise AssertionError("the third record was read")

    sink, _ = await run(endless(), extract, ListSink(done=["r0"]), records=2)
    assert (sink.skipped, sink.written) == (["r0"], ["r1"])


@pytest.mark.parametrize(
    ("error", "reported"),
    [
        (AnswerRejected("no item was valid"), "no item was valid"),
        (
            RuntimeError("Adults with asthma"),
            "unexpected RuntimeError at run/test_records.py:",
        ),
        (SystemExit(3), "unexpected SystemExit at run/test_records.py:"),
        (asyncio.CancelledError(), "unexpected CancelledError"),
        (ModelUnavailable("HTTP 400", lasting=False), "HTTP 400"),
    ],
)
@pytest.mark.parametrize("failing", [0, 1])
async def test_a_failed_record_is_written_and_the_others_continue(
    error, reported, failing
):
    sink, tally = await run(
        records(3), extract_all_but({f"r{failing}": error}), concurrency=2 - failing
    )
    assert sink.written == [f"r{number}" for number in range(3) if number != failing]
    assert tally.failed == 1
    (failure,) = sink.failures
    assert failure["record_id"] == f"r{failing}"
    assert failure["path"] == "a.jsonl"
    assert failure["place"] == f"line {failing + 1}"
    assert failure["error"] == type(error).__name__
    assert failure["message"].startswith(reported)
    assert "asthma" not in failure["message"]


@pytest.mark.parametrize(
    ("error", "failed", "calls"),
    [
        (StoreError("run.sqlite: disk is full"), 0, 0),
        (EngineError("no process can be started"), 0, 0),
        (ModelUnavailable("refused", Usage(calls=6)), 1, 6),
    ],
)
async def test_an_error_that_affects_all_records_stops_the_run_and_its_cost_is_counted(
    error, failed, calls
):
    sink = ListSink()
    tally = Tally()

    with pytest.raises(type(error), match=str(error)):
        await extract_records(
            records(50),
            extract_all_but({"r0": error}),
            sink,
            tally,
            RunLimits(concurrency=1),
        )

    assert sink.written == []
    assert len(sink.failures) == failed
    assert tally.failed == failed
    assert tally.usage.calls == calls


async def test_an_engine_that_breaks_down_keeps_what_is_finished():
    sink = ListSink()

    with pytest.raises(EngineError):
        await run(
            records(50),
            extract_all_but({"r1": EngineError("no process")}),
            sink,
            concurrency=4,
        )

    assert "r0" in sink.written
    assert "r49" not in sink.written


@pytest.mark.parametrize(
    "before", ["extracted", "failed", "resumed", "finished behind it"]
)
@skipping_time
async def test_a_model_that_was_reached_before_does_not_stop_the_run(before):
    errors = {"r1": ModelUnavailable("connection refused")}
    if before == "failed":
        errors["r0"] = AnswerRejected("no item was valid")
    wanted = list(records(3))[before == "finished behind it" :]
    sink = ListSink(done=["r0"] if before == "resumed" else [])

    sink, _ = await run(
        wanted, extract_all_but(errors, seconds=0.01), sink, concurrency=2
    )

    assert sink.written[-1] == "r2"
    assert sink.failures[-1]["record_id"] == "r1"


@skipping_time
async def test_an_interrupted_run_keeps_finished_results_and_ends_the_rest():
    ended = []
    sink = ListSink()

    async def extract_some(record):
        try:
            await asyncio.sleep(60 if record.record_id in {"r0", "r3"} else 0)
        finally:
            ended.append(record.record_id)
        return await extract(record)

    running = asyncio.ensure_future(run(records(4), extract_some, sink))
    await asyncio.sleep(0.02)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert sink.written == ["r1", "r2"]
    assert sorted(ended) == ["r0", "r1", "r2", "r3"]


@pytest.mark.parametrize(
    ("number", "done", "limit", "concurrency"),
    [
        pytest.param(50, [], 250, 2, id="of many records"),
        pytest.param(3, ["r1", "r2"], 100, 1, id="all others are done"),
    ],
)
async def test_a_spent_budget_stops_after_the_records_in_flight_unless_all_others_are_done(
    number, done, limit, concurrency, monkeypatch
):
    monkeypatch.setattr(
        "extractor.model.cost.budget.measure_call",
        lambda _: RequestSize(calls=1, messages=395),
    )
    a_dollar_a_token = Price(prompt=1_000_000, output=1_000_000)
    budget = Budget(limit, Rates(0.25, 0, 1), a_dollar_a_token)

    async def spend(record):
        # as ``ask_round`` does, which leaves the questions open
        with suppress(BudgetReached):
            reservation = await budget.reserve(record)
            budget.settle(reservation, Usage(calls=1, prompt_tokens=100))
        return await extract(record)

    sink = ListSink(done=done)
    running = run(records(number), spend, sink, concurrency=concurrency, budget=budget)
    if done:
        with suppress(BudgetReached):
            await running
        assert len(sink.written) == 1
    else:
        with pytest.raises(BudgetReached, match=r"of \$250"):
            await running
        assert 3 <= len(sink.written) <= 4
    assert sink.skipped == done
    assert sink.written == [f"r{position}" for position in range(len(sink.written))]
