import asyncio
from contextlib import suppress

import pytest

from extractor.assemble.policy import ModelClass
from extractor.errors import AnswerRejected, BudgetReached, EngineError, ModelUnavailable, RecordError, StoreError
from extractor.llm.plan.forecast import load_rates
from extractor.llm.plan.request_sizes import RequestSize
from extractor.llm.spec import ModelKind
from extractor.run.batch import BatchLimits, Sink, run_batch
from extractor.run.budget import Budget, Limits
from extractor.run.tally import Tally, to_line
from extractor.schemas import Eligibility, Section, Source, TrialExtraction, TrialRecord, Usage
from tests.skipping import skipping_time


class ListSink(Sink):
    def __init__(self, done=(), refused=(), *, in_any_order=False):
        self.done, self.refused, self.in_any_order = set(done), set(refused), in_any_order
        self.written, self.skipped, self.failures = [], [], []

    def is_done(self, record):
        if record.record_id in self.refused:
            raise RecordError("a.jsonl", "the record is there twice", "leave one out")
        if record.record_id in self.done:
            self.skipped.append(record.record_id)
        return record.record_id in self.done

    def write(self, line, asker):
        assert asker.record_id == line.record_id
        self.written.append(line.record_id)

    def write_failure(self, failure):
        self.failures.append(failure)


def records(count):
    return [
        TrialRecord(
            record_id=f"r{number}",
            source=Source(path="a.jsonl", format="ctgov_json", place=f"line {number + 1}"),
            sections=(Section(name="title", text="A trial"),),
        )
        for number in range(count)
    ]


def budget_of(tokens):
    return Budget(Limits(tokens=tokens), load_rates(ModelKind.SERVER, ModelClass.CAPABLE), None)


async def spend(budget, tokens):
    """A call of so many prompt tokens, and as many expected of it."""
    reservation = await budget.reserve(RequestSize(calls=1, messages=round(tokens * 3.95)))
    budget.settle(reservation, Usage(calls=1, prompt_tokens=tokens))


def extraction(record, tokens=0):
    usage = Usage(prompt_tokens=tokens, calls=1)
    return to_line(TrialExtraction(record_id=record.record_id, eligibility=Eligibility(), usage=usage))


@skipping_time
async def test_results_keep_input_order_whatever_finishes_first():
    async def extract(record):
        await asyncio.sleep(0 if int(record.record_id[1:]) % 2 else 0.005)
        return extraction(record)

    sink, tally = ListSink(), Tally()
    await run_batch(records(9), extract, sink, tally, BatchLimits(concurrency=4))
    assert sink.written == [f"r{n}" for n in range(9)]
    assert tally.extracted == 9


@skipping_time
async def test_a_sink_that_takes_any_order_gets_results_as_they_come():
    async def extract(record):
        await asyncio.sleep(0.05 if record.record_id == "r0" else 0)
        return extraction(record)

    sink = ListSink(in_any_order=True)
    await run_batch(records(9), extract, sink, Tally(), BatchLimits(concurrency=2))
    assert sink.written == [*(f"r{n}" for n in range(1, 9)), "r0"]


async def test_a_record_that_the_sink_cannot_take_is_a_failure_and_not_extracted():
    async def extract(record):
        assert record.record_id != "r1"
        return extraction(record)

    sink, tally = ListSink(refused=["r1"]), Tally()
    await run_batch(records(3), extract, sink, tally, BatchLimits())
    assert (sink.written, tally.failed, tally.resumed) == (["r0", "r2"], 1, 0)
    assert sink.failures[0]["record_id"] == "r1"
    assert "there twice" in sink.failures[0]["message"]


async def test_a_store_that_cannot_be_written_stops_the_run():
    async def extract(record):
        raise StoreError("run.sqlite: disk is full")

    sink = ListSink()
    with pytest.raises(StoreError, match="disk is full"):
        await run_batch(records(50), extract, sink, Tally(), BatchLimits())
    assert not sink.failures


async def test_no_more_records_are_in_flight_than_allowed():
    flying = peak = 0

    async def extract(record):
        nonlocal flying, peak
        flying += 1
        peak = max(peak, flying)
        await asyncio.sleep(0.001)
        flying -= 1
        return extraction(record)

    await run_batch(records(20), extract, ListSink(), Tally(), BatchLimits(concurrency=3))
    assert peak == 3


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (AnswerRejected("no item was valid"), "no item was valid"),
        (RuntimeError("Adults with asthma"), "unexpected RuntimeError at run/test_batch.py:"),
        (SystemExit(3), "unexpected SystemExit at run/test_batch.py:"),
        (asyncio.CancelledError(), "unexpected CancelledError"),
    ],
)
async def test_a_record_that_fails_is_written_down_and_the_others_go_on(error, told):
    async def extract(record):
        if record.record_id == "r1":
            raise error
        return extraction(record)

    sink, tally = ListSink(), Tally()
    await run_batch(records(3), extract, sink, tally, BatchLimits())
    assert sink.written == ["r0", "r2"]
    assert tally.failed == 1
    (failure,) = sink.failures
    assert (failure["record_id"], failure["path"], failure["place"]) == ("r1", "a.jsonl", "line 2")
    assert failure["error"] == type(error).__name__
    assert failure["message"].startswith(told)
    assert "asthma" not in failure["message"]


async def test_a_model_that_was_never_reached_stops_the_run():
    async def extract(record):
        raise ModelUnavailable("connection refused")

    sink = ListSink()
    with pytest.raises(ModelUnavailable):
        await run_batch(records(5), extract, sink, Tally(), BatchLimits(concurrency=2))
    assert sink.written == []
    assert sink.failures[0]["record_id"] == "r0"


async def test_the_failure_that_stops_a_run_is_counted_with_its_cost():
    async def extract(record):
        raise ModelUnavailable("connection refused", Usage(calls=6))

    tally = Tally()
    with pytest.raises(ModelUnavailable):
        await run_batch(records(1), extract, ListSink(), tally, BatchLimits())
    assert (tally.failed, tally.usage.calls) == (1, 6)


async def test_a_request_that_the_model_refuses_does_not_stop_the_run():
    async def extract(record):
        if record.record_id == "r0":
            raise ModelUnavailable("HTTP 400", lasting=False)
        return extraction(record)

    sink = ListSink()
    await run_batch(records(3), extract, sink, Tally(), BatchLimits(concurrency=1))
    assert sink.written == ["r1", "r2"]
    assert [failure["record_id"] for failure in sink.failures] == ["r0"]


@pytest.mark.parametrize("before", ["extracted", "failed", "resumed", "finished behind it"])
@skipping_time
async def test_a_model_that_was_reached_before_does_not_stop_the_run(before):
    async def extract(record):
        if record.record_id == "r0" and before == "failed":
            raise AnswerRejected("no item was valid")
        if record.record_id == "r1":
            await asyncio.sleep(0.01)
            raise ModelUnavailable("connection refused")
        return extraction(record)

    wanted = records(3)[1:] if before == "finished behind it" else records(3)
    sink = ListSink(done=["r0"] if before == "resumed" else [])
    await run_batch(wanted, extract, sink, Tally(), BatchLimits(concurrency=2))
    assert sink.written[-1] == "r2"
    assert sink.failures[-1]["record_id"] == "r1"


@skipping_time
async def test_what_is_finished_when_a_run_is_interrupted_is_kept():
    async def extract(record):
        await asyncio.sleep(60 if record.record_id in {"r0", "r3"} else 0)
        return extraction(record)

    sink = ListSink()
    run = asyncio.ensure_future(run_batch(records(4), extract, sink, Tally(), BatchLimits()))
    await asyncio.sleep(0.02)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert sink.written == ["r1", "r2"]


@skipping_time
async def test_a_record_that_is_given_up_has_ended_when_the_run_ends():
    ended = []

    async def extract(record):
        if record.record_id == "r0":
            await asyncio.sleep(0.01)
            raise ModelUnavailable("no key")
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(record.record_id)

    with pytest.raises(ModelUnavailable):
        await run_batch(records(3), extract, ListSink(), Tally(), BatchLimits())
    assert sorted(ended) == ["r1", "r2"]


async def test_a_spent_budget_does_not_stop_at_what_is_done_already():
    budget = budget_of(50)

    async def extract(record):
        await spend(budget, 50)
        return extraction(record)

    sink = ListSink(done=["r1", "r2"])
    await run_batch(records(3), extract, sink, Tally(), BatchLimits(concurrency=1, budget=budget))
    assert sink.skipped == ["r1", "r2"]


async def test_no_record_behind_the_limit_is_read():
    async def extract(record):
        return extraction(record)

    def endless():
        yield from records(2)
        raise AssertionError("the third record was read")

    sink = ListSink()
    await run_batch(endless(), extract, sink, Tally(), BatchLimits(records=2))
    assert sink.written == ["r0", "r1"]


async def test_what_an_earlier_run_finished_is_not_done_again():
    async def extract(record):
        assert record.record_id != "r0"
        return extraction(record)

    sink, tally = ListSink(done=["r0"]), Tally()
    await run_batch(records(2), extract, sink, tally, BatchLimits())
    assert (sink.skipped, sink.written, tally.resumed) == (["r0"], ["r1"], 1)


async def test_the_token_limit_stops_after_the_records_in_flight():
    budget = budget_of(250)

    async def extract(record):
        with suppress(BudgetReached):  # as ``query_model`` does, which leaves the questions open
            await spend(budget, 100)
        return extraction(record)

    sink, tally = ListSink(), Tally()
    with pytest.raises(BudgetReached, match="limit is 250"):
        await run_batch(records(50), extract, sink, tally, BatchLimits(concurrency=2, budget=budget))
    assert sink.written == [f"r{n}" for n in range(len(sink.written))]
    assert 3 <= len(sink.written) <= 4


async def test_the_limit_of_records_counts_from_the_start_of_the_input():
    async def extract(record):
        return extraction(record)

    sink = ListSink(done=["r0"])
    await run_batch(records(5), extract, sink, Tally(), BatchLimits(records=2))
    assert (sink.skipped, sink.written) == (["r0"], ["r1"])


async def test_an_engine_that_breaks_down_stops_the_run_and_keeps_what_is_finished():
    async def extract(record):
        if record.record_id == "r1":
            raise EngineError("no process can be started")
        return extraction(record)

    sink, tally = ListSink(), Tally()
    with pytest.raises(EngineError, match="no process"):
        await run_batch(records(50), extract, sink, tally, BatchLimits(concurrency=4))
    assert "r0" in sink.written
    assert "r49" not in sink.written
    assert (sink.failures, tally.failed) == ([], 0)
