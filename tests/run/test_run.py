"""Why a run stopped: for its caller, in its folder and in its log; and that a stop begins
nothing new.
"""

import asyncio
import json

import pytest

from extractor import read_records
from extractor.errors import (
    BudgetReached,
    ModelAway,
    ModelUnavailable,
    RecordError,
    RunStopped,
    StoreError,
)
from extractor.model.events import EventLog, listening
from extractor.run.executor import InlineExecutor
from extractor.run.folder import RunFolder
from extractor.run.manifest import Stop
from extractor.run.records import RunLimits
from extractor.run.run import Run
from extractor.run.setup import Setup
from tests.commands import read_lines

RECORDS = list(read_records("seeds/records"))


def make_run(read, **limits):
    return Run(setup=Setup(effort="none"), read=read, limits=RunLimits(**limits))


@pytest.mark.parametrize(
    ("error", "is_stopping", "stop", "state", "status"),
    [
        (None, False, None, "complete", "done"),
        (None, True, Stop.INTERRUPTED, "interrupted", "interrupted"),
        (KeyboardInterrupt(), False, Stop.INTERRUPTED, "interrupted", "interrupted"),
        (
            asyncio.CancelledError(),
            False,
            Stop.INTERRUPTED,
            "interrupted",
            "interrupted",
        ),
        (
            RunStopped("interrupted"),
            True,
            Stop.INTERRUPTED,
            "interrupted",
            "interrupted",
        ),
        (BudgetReached("spent"), True, Stop.BUDGET, "stopped", "budget"),
        (ModelAway("no connection"), False, Stop.MODEL_AWAY, "stopped", "failed"),
        (ModelUnavailable("no such model"), False, Stop.ERROR, "stopped", "failed"),
        (StoreError("the disk is full"), True, Stop.ERROR, "stopped", "failed"),
    ],
    ids=str,
)
def test_the_reason_of_an_end_is_returned_stored_and_logged(
    tmp_path, error, is_stopping, stop, state, status
):
    run = make_run(lambda on_error: RECORDS[:1])
    with (
        (tmp_path / "log").open("w") as file,
        listening(EventLog(file)),
        RunFolder(tmp_path / "run", {}) as folder,
    ):
        asyncio.run(run.perform(folder, InlineExecutor()))
        run.is_stopping = is_stopping
        assert run.finish(folder, error) is stop
    stored = json.loads((tmp_path / "run" / "run.json").read_text("utf-8"))
    assert (stored["state"], stored["stopped_by"]) == (state, stop)
    events = read_lines(tmp_path / "log")
    assert (events[0]["event"], events[-1]["event"], events[-1]["status"]) == (
        "run_started",
        "run_ended",
        status,
    )
    assert ("budget_reached" in [event["event"] for event in events]) is (
        stop is Stop.BUDGET
    )


def test_a_run_that_is_stopped_reads_no_further_not_even_broken_records(tmp_path):
    def read(on_error):
        yield RECORDS[0]
        run.is_stopping = True
        while True:
            on_error(RecordError("in.jsonl", "broken", "mend it"))

    run = make_run(read)
    with RunFolder(tmp_path, {}) as folder:
        asyncio.run(run.perform(folder, InlineExecutor()))
        assert run.finish(folder) is Stop.INTERRUPTED
    assert (run.tally.extracted, run.tally.failed) == (1, 0)
