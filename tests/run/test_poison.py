"""Whatever a record does to its reader, it fails by name, all others are extracted, and nobody waits for ever."""

import asyncio
import json
from functools import partial

import pytest
from extractor.run.asking_pool import AskingPool
from extractor.run.event_log import EventLog
from extractor.run.observed import observe
from extractor.run.seat import Seat
from extractor.run.workers import WorkerPool

import extractor.parse
from extractor.api import OpenExtractor
from extractor.errors import EngineError
from extractor.events import listening
from extractor.options import Assist, ExtractionOptions
from extractor.run import BatchLimits, Tally, run_batch
from extractor.run.worker import Worker
from extractor.schemas import Section
from tests.poison import KILLS, RAISES, PoisonedClerk, extract_poisoned, poison_reader

from .test_asking_pool import Answering, record, until_ready
from .test_batch import ListSink

KILLERS = ("NCT90000004", "NCT90000017")
PATIENCE_S = 300.0
"""After which something is taken to hang; nothing depends on how long it takes until then."""


@pytest.fixture
def poisoned(monkeypatch, forked_workers):
    monkeypatch.setattr(extractor.parse, "read_eligibility", poison_reader())
    monkeypatch.setattr("extractor.run.asking_pool.RoundsClerk", PoisonedClerk)


def rules():
    return partial(extract_poisoned, options=ExtractionOptions(assist=Assist.NEVER))


def build_records(*, deadly):
    """Sound ones, one for each class that is raised, and some that kill their process."""
    made = [record(number) for number in range(20)]
    kinds = dict(zip((1, 2, 3, 9, 10, 18), RAISES, strict=True)) | ({4: KILLS, 17: KILLS} if deadly else {})
    for number, kind in kinds.items():
        poison = Section(name="eligibility", text=f"Adults. poison: {kind}")
        made[number] = made[number].model_copy(update={"sections": (*made[number].sections, poison)})
    return made, {made[number].record_id: kind for number, kind in kinds.items()}


async def run(extract, records, log=None):
    sink, tally = ListSink(), Tally()
    async with asyncio.timeout(PATIENCE_S):
        await run_batch(records, extract, sink, tally, BatchLimits(30))
    assert len(sink.written) + len(sink.failures) == len(records)
    assert (tally.extracted, tally.failed) == (len(sink.written), len(sink.failures))
    return sink


def check_failures(failures, poisons):
    assert {failure["record_id"]: failure["error"] for failure in failures} == {
        name: "RecordError" if kind == KILLS else kind for name, kind in poisons.items()
    }
    for failure in failures:
        if failure["record_id"] in KILLERS:
            assert f"the process that worked on {failure['record_id']} died" in failure["message"]
        else:
            assert f"unexpected {failure['error']} at poison/__init__.py:" in failure["message"]
            assert "Adults" not in failure["message"]


async def test_one_process(poisoned):
    records, poisons = build_records(deadly=False)
    sink = await run(OpenExtractor(None, ExtractionOptions(assist=Assist.NEVER)), records)
    check_failures(sink.failures, poisons)


async def test_worker_processes(poisoned):
    records, poisons = build_records(deadly=True)
    async with WorkerPool(rules(), 2, alone=0) as pool:
        sink = await run(pool, records)
    check_failures(sink.failures, poisons)


async def test_records_that_are_extracted_before_the_workers_start(poisoned):
    records, poisons = build_records(deadly=False)
    async with WorkerPool(rules(), 2, alone=100) as pool:
        sink = await run(pool, records)
    check_failures(sink.failures, poisons)


async def test_the_pool_that_asks(poisoned):
    records, poisons = build_records(deadly=True)
    async with AskingPool(OpenExtractor(Answering(), ExtractionOptions()), 2, alone=0) as pool:
        await until_ready(pool, records[0])
        sink = await run(pool, records)
    check_failures(sink.failures, poisons)


async def test_the_log_has_the_traceback_and_no_text(poisoned, tmp_path):
    records, _ = build_records(deadly=False)
    with (tmp_path / "log").open("w") as file, listening(EventLog(file)):
        async with WorkerPool(rules(), 1, alone=2) as pool:
            await run(observe(pool), records)
    log = (tmp_path / "log").read_text("utf-8")
    events = [json.loads(line) for line in log.splitlines()]
    failed = {event["error"]: event for event in events if event["event"] == "record_failed"}
    assert failed.keys() == RAISES.keys()
    for event in failed.values():
        frames = event["traceback"].split(" < ")
        assert frames[0].startswith("poison/__init__.py:")
        assert "parse_record" in event["traceback"] or event["error"] == "RecursionError"
    assert "Adults" not in log


async def test_a_task_of_the_workers_that_ends_is_an_error_at_once(monkeypatch, forked_workers):
    monkeypatch.setattr(Worker, "ask", lambda *_: 1 / 0)
    async with WorkerPool(rules(), 2, alone=0) as pool:
        with pytest.raises(EngineError, match="unexpected ZeroDivisionError"):
            await run(pool, [record(number) for number in range(20)])
        with pytest.raises(EngineError):
            await pool(record(1))


async def test_a_task_of_the_workers_that_is_cancelled_is_an_error_at_once():
    async with WorkerPool(rules(), 1, alone=0) as pool:
        waiting = asyncio.ensure_future(pool(record(1)))
        await asyncio.sleep(0)
        pool._serving[0].cancel()
        with pytest.raises(EngineError, match="CancelledError"):
            await waiting


async def test_processes_that_cannot_start_are_no_records_fault(monkeypatch, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import os; os._exit(1)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    async with WorkerPool(rules(), 1, alone=0) as pool:
        with pytest.raises(EngineError, match="died before they were ready"):
            await run(pool, [record(1)])


async def test_a_task_of_the_pool_that_asks_that_ends_is_an_error_at_once(monkeypatch, forked_workers):
    async with AskingPool(OpenExtractor(Answering(), ExtractionOptions()), 1, alone=0) as pool:
        await until_ready(pool, record(0))
        monkeypatch.setattr("extractor.run.seat._settle", lambda *_: 1 / 0)
        waiting = asyncio.ensure_future(pool(record(1)))
        while not pool._serving[0].done():
            await asyncio.sleep(0.01)
        monkeypatch.undo()
        pool._seats[0].close()
        with pytest.raises(EngineError, match="unexpected ZeroDivisionError"):
            await pool(record(2))
        waiting.cancel()


async def test_a_seat_whose_process_died_as_it_was_ready_gets_another(monkeypatch):
    """On a busy machine its greeting and its end are read in one go."""
    seat, conversations = Seat(lambda: None), []

    async def hire(greeting):
        reader = asyncio.StreamReader()
        if len(conversations) < 3:
            reader.feed_data(b"\x00\x00\x00\x02N.")
        reader.feed_eof()
        conversations.append(greeting)
        return reader

    monkeypatch.setattr(seat, "_hire", hire)
    await seat.serve("hello")
    assert len(conversations) == 4
