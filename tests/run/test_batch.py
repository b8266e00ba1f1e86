import asyncio

import pytest

from extractor.errors import AnswerRejected, BudgetReached, ModelUnavailable
from extractor.run.batch import BatchLimits, run_batch
from extractor.run.tally import Tally
from extractor.schemas import Eligibility, Section, Source, TrialExtraction, TrialRecord, Usage


class ListSink:
    def __init__(self, done=()):
        self.done, self.written, self.skipped, self.failures = set(done), [], [], []

    def skip(self, record_id):
        self.skipped.append(record_id)

    def write(self, extraction):
        self.written.append(extraction.record_id)

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


def extraction(record, tokens=0):
    return TrialExtraction(
        record_id=record.record_id, eligibility=Eligibility(), usage=Usage(prompt_tokens=tokens, calls=1)
    )


async def test_results_keep_input_order_whatever_finishes_first():
    async def extract(record):
        await asyncio.sleep(0 if int(record.record_id[1:]) % 2 else 0.005)
        return extraction(record)

    sink, tally = ListSink(), Tally()
    await run_batch(records(9), extract, sink, tally, BatchLimits(concurrency=4))
    assert sink.written == [f"r{n}" for n in range(9)]
    assert tally.extracted == 9


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


@pytest.mark.parametrize("error", [AnswerRejected("no item was valid"), RuntimeError("a bug")])
async def test_a_record_that_fails_is_written_down_and_the_others_go_on(error):
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
    assert str(error) in failure["message"]


async def test_a_model_that_was_never_reached_stops_the_run():
    async def extract(record):
        raise ModelUnavailable("connection refused")

    sink = ListSink()
    with pytest.raises(ModelUnavailable):
        await run_batch(records(5), extract, sink, Tally(), BatchLimits(concurrency=2))
    assert sink.written == []


async def test_what_an_earlier_run_finished_is_not_done_again():
    async def extract(record):
        assert record.record_id != "r0"
        return extraction(record)

    sink, tally = ListSink(done=["r0"]), Tally()
    await run_batch(records(2), extract, sink, tally, BatchLimits())
    assert (sink.skipped, sink.written, tally.resumed) == (["r0"], ["r1"], 1)


async def test_the_token_limit_stops_after_the_records_in_flight():
    async def extract(record):
        return extraction(record, tokens=100)

    sink, tally = ListSink(), Tally()
    with pytest.raises(BudgetReached, match="limit is 250"):
        await run_batch(records(50), extract, sink, tally, BatchLimits(concurrency=2, tokens=250))
    assert sink.written == [f"r{n}" for n in range(len(sink.written))]
    assert 250 <= tally.tokens <= 500
    assert tally.usage.calls == len(sink.written)


async def test_the_limit_of_records_counts_from_the_start_of_the_input():
    async def extract(record):
        return extraction(record)

    sink = ListSink(done=["r0"])
    await run_batch(records(5), extract, sink, Tally(), BatchLimits(records=2))
    assert (sink.skipped, sink.written) == (["r0"], ["r1"])
