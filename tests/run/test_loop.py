"""The loop of a run: its bound of memory, the reason of its end, and its live line."""

import asyncio
import threading

import pytest

from extractor import read_records
from extractor.errors import (
    AnswerRejected,
    BudgetReached,
    EngineError,
    MissingKey,
    ModelAway,
    ModelUnavailable,
    RecordError,
    RequestTooLong,
    RunStopped,
    StoreError,
)
from extractor.model.events import EventLog, listening
from extractor.run.executor import Executor
from extractor.run.finished import find_run
from extractor.run.folder import RunFolder
from extractor.run.manifest import Stop
from extractor.run.progress import _list_figures
from extractor.run.records import RecordLoop, Sink
from extractor.run.run import Run
from extractor.run.tally import Tally, to_line
from extractor.schemas import TrialExtraction, Usage
from extractor.setup import Setup
from tests.commands import read_lines
from tests.skipping import skipping_time

RECORDS = list(read_records("seeds/records"))
EMPTY = to_line(TrialExtraction.model_validate({"record_id": "r", "eligibility": {}}))


@skipping_time
async def test_no_more_records_are_in_memory_than_the_bound_allows():
    """The first record takes long, so that others wait behind it."""
    read = []

    def read_many(on_error):
        for _ in range(100):
            read.append(RECORDS[0])
            yield RECORDS[0]

    async def wait_for_first(_):
        if len(read) == 1:
            await asyncio.sleep(5)
            assert len(read) <= 4 * 3 + 1
        return EMPTY

    tally = Tally()
    await RecordLoop(wait_for_first, Sink(), tally, concurrency=3).run(read_many)
    assert tally.extracted == 100


LASTING = ModelUnavailable("no key", lasting=True)
SPENT = Usage(calls=1, questions=3, unanswered=3)


@pytest.mark.parametrize(
    ("error", "fails_at", "counts"),
    [
        (RecordError("in.jsonl", "broken", "mend it"), 0, (4, 1, 0)),
        (ModelUnavailable("HTTP 500", lasting=False), 0, (4, 1, 1)),
        (AnswerRejected("no", SPENT), 0, (4, 1, 1)),
        (RequestTooLong("no", lasting=False), 0, (4, 1, 0)),
        (LASTING, 2, (4, 1, 0)),  # the model has worked for other records
        (LASTING, 0, None),
        (MissingKey("HTTP 401"), 2, None),
        (EngineError("no process"), 2, None),
        (StoreError("the disk is full"), 2, None),
    ],
    ids=str,
)
async def test_an_error_ends_the_run_only_if_it_concerns_all_records(
    error, fails_at, counts
):
    async def extract(record):
        if record is RECORDS[fails_at]:
            raise error
        return EMPTY

    tally = Tally()
    loop = RecordLoop(extract, Sink(), tally, concurrency=1)
    if counts is None:
        with pytest.raises(type(error)):
            await loop.run(lambda on_error: RECORDS)
        assert (tally.extracted, tally.failed) == (fails_at, error is LASTING)
        return
    await loop.run(lambda on_error: RECORDS)
    assert (tally.extracted, tally.failed, tally.failed_by_model) == counts
    assert tally.usage.unanswered == 3 * isinstance(error, AnswerRejected)


@skipping_time
async def test_results_that_wait_for_an_earlier_record_are_kept_if_it_ends_the_run():
    async def extract(record):
        if record is RECORDS[0]:
            await asyncio.sleep(5)
            raise ModelAway("no connection")
        return EMPTY

    tally = Tally()
    with pytest.raises(ModelAway):
        await RecordLoop(extract, Sink(), tally, 3).run(lambda on_error: RECORDS)
    assert (tally.extracted, tally.failed) == (4, 0)


AWAY = "stopped (the model was away)"


@pytest.mark.parametrize(
    ("error", "is_stopping", "state", "status"),
    [
        (None, False, None, "done"),
        (None, True, "interrupted", "interrupted"),
        (KeyboardInterrupt(), False, "interrupted", "interrupted"),
        (asyncio.CancelledError(), False, "interrupted", "interrupted"),
        (RunStopped("stop"), True, "interrupted", "interrupted"),
        (BudgetReached("spent"), True, "stopped (the budget was reached)", "budget"),
        (ModelAway("no connection"), False, AWAY, "failed"),
        (ModelUnavailable("no such model"), False, "stopped (an error)", "failed"),
        (StoreError("the disk is full"), True, "stopped (an error)", "failed"),
    ],
    ids=str,
)
def test_the_reason_of_an_end_is_stored_and_logged(
    tmp_path, error, is_stopping, state, status
):
    run = Run(setup=Setup(effort="none"), read=lambda on_error: RECORDS[:1])
    with (
        (tmp_path / "log").open("w") as file,
        listening(EventLog(file)),
        RunFolder(tmp_path / "run", {}) as folder,
    ):
        asyncio.run(run.extract(folder, Executor()))
        run.is_stopping = is_stopping
        run.finish(folder, error)
    found = find_run(tmp_path / "run" / "extractions.jsonl")
    assert found.incomplete == (state and f"1 record, {state}")
    events = read_lines(tmp_path / "log")
    names = [event["event"] for event in events]
    assert (names[0], names[-1]) == ("run_started", "run_ended")
    assert events[-1]["status"] == status
    assert ("budget_reached" in names) is (status == "budget")


def test_a_run_that_is_stopped_reads_no_further_not_even_broken_records(tmp_path):
    def read(on_error):
        yield RECORDS[0]
        run.is_stopping = True
        while True:
            on_error(RecordError("in.jsonl", "broken", "mend it"))

    run = Run(setup=Setup(effort="none"), read=read)
    with RunFolder(tmp_path, {}) as folder:
        asyncio.run(run.extract(folder, Executor()))
        assert run.finish(folder) is Stop.INTERRUPTED
    assert (run.tally.extracted, run.tally.failed) == (1, 0)


def test_a_run_that_is_stopped_at_once_reads_nothing(tmp_path, monkeypatch):
    raised = []
    monkeypatch.setattr(threading, "excepthook", raised.append)
    run = Run(setup=Setup(effort="none"), read=raised.append)
    run.is_stopping = True
    others = threading.enumerate()
    with RunFolder(tmp_path, {}) as folder:
        asyncio.run(run.extract(folder, Executor()))
    for thread in set(threading.enumerate()).difference(others):
        thread.join(10)
    assert raised == []


@pytest.mark.parametrize(
    ("total", "left"), [(None, []), (40, ["60 s left of 40 records"])]
)
def test_the_live_line_shows_rate_and_time_and_the_time_left_if_known(total, left):
    tally = Tally(extracted=8, failed=2, resumed=10, total=total)
    shown = ["20 records (8 new)", "0.3/s", "30 s", *left, "2 failed"]
    assert list(_list_figures(tally, 30.0)) == shown
    tally.meter = lambda: Usage(calls=1, prompt_tokens=1200, output_tokens=34)
    tally.price = lambda _: 0.25
    shown += ["1,234 tokens", "$0.2500"]
    assert list(_list_figures(tally, 30.0)) == shown
