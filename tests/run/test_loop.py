"""The loop of a run: bounds, failures of models, errors that stop it, and the reason of its end."""

import asyncio

import pytest

from extractor import read_records
from extractor.errors import (
    AnswerRejected,
    BudgetReached,
    EngineError,
    ModelAway,
    ModelUnavailable,
    RecordError,
    RunStopped,
    StoreError,
)
from extractor.model.events import EventLog, listening
from extractor.run.executor import Executor
from extractor.run.finished import find_run
from extractor.run.folder import RunFolder
from extractor.run.manifest import Stop
from extractor.run.records import RecordLoop, Sink
from extractor.run.run import Run
from extractor.run.tally import Tally, to_line
from extractor.schemas import Section, Source, TrialExtraction, TrialRecord, Usage
from extractor.setup import Setup
from tests.commands import read_lines
from tests.skipping import skipping_time


class ListSink(Sink):
    def __init__(self, done=()):
        self.done = done
        self.written = []
        self.failures = []
        self.write_failure = self.failures.append

    def is_done(self, record):
        return record.record_id in self.done

    def write(self, record, line):
        assert record.record_id == line.record_id
        self.written.append(line.record_id)


def records(count):
    section = Section(name="title", text="A trial")
    for number in range(count):
        source = Source(path="a.jsonl", format="ctgov_json", place=f"line {number + 1}")
        yield TrialRecord(record_id=f"r{number}", source=source, sections=(section,))


async def extract(record):
    empty = {"record_id": record.record_id, "eligibility": {}}
    return to_line(TrialExtraction.model_validate(empty | {"usage": {"calls": 1}}))


def fail_at(errors, seconds=0):
    """An extraction that fails at some records, after ``seconds``."""

    async def extract_or_fail(record):
        if error := errors.get(record.record_id):
            await asyncio.sleep(seconds)
            raise error
        return await extract(record)

    return extract_or_fail


async def run(inputs, extract, sink=None, tally=None, **limits):
    sink = sink or ListSink()
    tally = tally or Tally()
    loop = RecordLoop(extract, sink, tally, **limits)
    await loop.run(lambda on_error: inputs)
    return sink


@skipping_time
async def test_no_more_records_are_in_memory_than_the_bound_allows():
    """The first record takes long, so that others wait behind it."""
    read = 0

    def count():
        nonlocal read
        for record in records(100):
            read += 1
            yield record

    async def wait_for_first(record):
        if record.record_id == "r0":
            await asyncio.sleep(5)
            assert read <= 4 * 3 + 1
        return await extract(record)

    sink = await run(count(), wait_for_first, concurrency=3)
    assert len(sink.written) == 100


@pytest.mark.parametrize(
    ("error", "failed", "calls"),
    [
        (StoreError("run.sqlite: disk is full"), 0, 0),
        (EngineError("no process can be started"), 0, 0),
        (ModelAway("no credit", Usage(calls=2)), 0, 2),
        (ModelUnavailable("refused", Usage(calls=6)), 1, 6),
    ],
)
async def test_an_error_that_affects_all_records_stops_the_run_and_its_cost_counts(
    error, failed, calls
):
    sink = ListSink()
    tally = Tally()
    with pytest.raises(type(error), match=str(error)):
        await run(records(50), fail_at({"r0": error}), sink, tally, concurrency=1)
    assert (sink.written, len(sink.failures)) == ([], failed)
    assert (tally.failed, tally.usage.calls) == (failed, calls)


@skipping_time
@pytest.mark.parametrize("error", [EngineError("no process"), ModelAway("no credit")])
async def test_what_is_finished_when_the_run_is_stopped_is_kept(error):
    sink = ListSink()
    with pytest.raises(type(error)):
        await run(records(50), fail_at({"r1": error}, 0.01), sink, concurrency=4)
    assert "r0" in sink.written
    assert "r49" not in sink.written


@pytest.mark.parametrize("before", ["extracted", "failed", "resumed", "finished later"])
@skipping_time
async def test_a_model_that_was_reached_before_does_not_stop_the_run(before):
    errors = {"r1": ModelUnavailable("connection refused")}
    if before == "failed":
        errors["r0"] = AnswerRejected("no item was valid")
    wanted = list(records(3))[before == "finished later" :]
    sink = ListSink(done=["r0"] if before == "resumed" else [])
    sink = await run(wanted, fail_at(errors, 0.01), sink, concurrency=2)
    assert sink.written[-1] == "r2"
    assert sink.failures[-1]["record_id"] == "r1"


RECORDS = list(read_records("seeds/records"))
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
