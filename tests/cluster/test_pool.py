"""The driver and its workers, all in this process: what is asked, kept and counted, and what a lost worker costs."""

import time
from collections import Counter

import pytest

from benchmarks.servers import serve_counting
from extractor import pipeline
from extractor.assemble.policy import ModelClass
from extractor.cluster import worker
from extractor.cluster.messages import Extract, Go
from extractor.cluster.worker import Greeting
from extractor.errors import BudgetReached, ModelAway
from extractor.llm.keeping.run_file import open_run_to_read
from extractor.llm.plan.forecast import load_rates
from extractor.llm.spec import ModelKind
from extractor.options import Assist
from extractor.run.budget import Limits
from tests.faults.server import WELL, Fault, serve_faults

from .running import CONCURRENCY, ROOM, NearColleague, count_answered_twice, run_here, run_near, write_records

RECORDS = 16
RATES = load_rates(ModelKind.SERVER, ModelClass.CAPABLE)


@pytest.mark.parametrize(
    "options", [{"assist": Assist.NEVER}, {"assist": Assist.AUTO}, {"assist": Assist.NEVER, "min_confidence": 1.0}]
)
def test_by_the_rules_alone_the_lines_are_those_of_one_machine(records, tmp_path, options):
    here = run_here(records, tmp_path / "here", **options)
    near = run_near(records, tmp_path / "near", **options, workers=3)
    assert (b"low_confidence" in here.results) == ("min_confidence" in options)
    assert near.results == here.results
    assert near.tally.counts() == here.tally.counts()


def test_with_a_model_the_folder_is_that_of_one_machine(records, tmp_path, whole):
    here, calls = whole
    with serve_counting() as server:
        near = run_near(records, tmp_path, server.url)
        assert (server.calls, server.repeated) == (calls, 0)
    assert near.results == here.results
    assert near.failures == here.failures
    assert near.tally.usage == here.tally.usage
    assert _sums(tmp_path) == _sums(here.folder)


def test_what_is_done_is_not_extracted_again_and_what_lacks_an_answer_is_asked_again(records, tmp_path, whole):
    with serve_counting() as server:
        run_near(records, tmp_path, server.url)
        before = server.calls
        again = run_near(records, tmp_path, server.url)
        assert again.tally.resumed == RECORDS - again.tally.extracted > 0
        assert server.calls - before < before / 4  # the answers that were refused
    assert again.results == whole[0].results


def test_a_lost_worker_costs_what_it_had_under_way_and_nothing_that_was_answered(records, tmp_path, whole):
    lots = Counter()

    def die_at_the_third_request(colleague, message):
        lots[colleague] += isinstance(message, Go)
        if lots[colleague] == 3 and len(lots) <= 3:
            colleague.dismiss()

    with serve_counting(0.02) as server:
        near = run_near(records, tmp_path, server.url, lives=die_at_the_third_request)
        assert near.lost in {2, 3}
        assert server.calls <= whole[1] + near.lost * ROOM
    assert near.results == whole[0].results
    assert near.failures == whole[0].failures
    assert count_answered_twice(tmp_path) == 0


def test_a_record_that_its_workers_die_of_fails_alone(records, tmp_path):
    def die_of_one(colleague, message):
        if isinstance(message, Extract) and b"NCT00000005" in message.record:
            colleague.dismiss()

    near = run_near(records, tmp_path, lives=die_of_one, assist=Assist.NEVER)
    assert (near.tally.extracted, near.tally.failed, near.lost) == (RECORDS - 1, 1, 3)
    assert "NCT00000005" in near.failures
    assert "3 workers were lost" in near.failures


def test_workers_that_all_die_end_the_run_without_a_failed_record(records, tmp_path):
    def die(colleague, message):
        colleague.dismiss()

    near = run_near(records, tmp_path, lives=die, assist=Assist.NEVER)
    assert isinstance(near.error, ModelAway)
    assert near.tally.extracted == 0


def test_a_worker_that_runs_another_program_is_refused(records, tmp_path):
    class Stranger(NearColleague):
        async def greet(self, assignment):
            await super().greet(assignment)
            return Greeting("0.0.1", "other rules")

    near = run_near(records, tmp_path, hire=Stranger, assist=Assist.NEVER)
    assert "install the same one on every node" in str(near.error)
    assert near.failures == ""


@pytest.mark.parametrize("error", [StopIteration, SystemExit, MemoryError, RecursionError, ZeroDivisionError])
def test_whatever_one_record_raises_the_others_go_on(records, tmp_path, monkeypatch, error):
    def extract_some(record):
        if record.record_id == "NCT00000005":
            raise error("its text")
        return parse_record(record)

    parse_record = pipeline.parse_record
    monkeypatch.setattr(pipeline, "parse_record", extract_some)
    near = run_near(records, tmp_path, assist=Assist.NEVER)
    assert (near.error, near.tally.extracted, near.tally.failed, near.lost) == (None, RECORDS - 1, 1, 0)
    assert error.__name__ in near.failures


@pytest.mark.parametrize("method", ["greet", "exchange"])
def test_a_conversation_that_breaks_off_ends_the_run_at_once(records, tmp_path, monkeypatch, method):
    """Whatever is wrong with it, nobody waits for that worker."""

    async def fail(*_):
        raise KeyError("a bug")

    monkeypatch.setattr(NearColleague, method, fail)
    near = run_near(records, tmp_path, assist=Assist.NEVER)
    assert isinstance(near.error, ModelAway)
    assert "broke off (unexpected KeyError" in str(near.error)


def test_a_model_that_cannot_be_opened_for_an_unexpected_reason_ends_the_run_at_once(records, tmp_path, monkeypatch):
    monkeypatch.setattr(worker, "Extractor", lambda *_, **__: 1 / 0)
    near = run_near(records, tmp_path, assist=Assist.NEVER)
    assert "broke off (unexpected ZeroDivisionError at cluster/test_pool.py:" in str(near.error)


def test_equal_requests_of_two_workers_are_asked_once(tmp_path, whole):
    records = write_records(tmp_path / "records.jsonl", 2)
    lines = [line.replace("part 1", "part 0") for line in records.read_text().splitlines()]
    records.write_text("\n".join(lines))
    with serve_counting(0.05) as server:
        near = run_near(records, tmp_path / "out", server.url)
        assert server.repeated == 0
        assert near.tally.extracted == 2


def test_requests_a_minute_hold_over_all_workers(records, tmp_path):
    with serve_faults() as server:
        began = time.monotonic()
        run_near(records, tmp_path, server.url, workers=3, rate=480)
    assert len(server.times) >= RECORDS
    # Eight go in the first moment, then eight a second; three workers by themselves would take a third of that.
    assert server.times[-1] - began >= (len(server.times) - 9) / 8 - 0.1


def test_a_server_that_asks_to_wait_is_waited_for_by_all_workers(records, tmp_path, whole):
    def plan(number):
        return Fault(429, headers={"Retry-After": "1"}) if number == 5 else WELL

    with serve_faults(plan) as server:
        near = run_near(records, tmp_path, server.url)
    assert near.tally.extracted == RECORDS
    # Only what was on its way comes meanwhile, however late.
    assert sum(server.times[5] < sent < server.times[5] + 0.95 for sent in server.times) <= 3 * CONCURRENCY


def test_the_budget_ends_the_run_in_the_middle_and_more_of_it_goes_on(records, tmp_path, whole):
    with serve_counting() as server:
        first = run_near(records, tmp_path, server.url, budget=(Limits(tokens=40_000), RATES))
        assert isinstance(first.error, BudgetReached)
        spent = first.tally.usage.prompt_tokens + first.tally.usage.output_tokens
        assert 13_000 < spent < 50_000
        run_near(records, tmp_path, server.url)
        assert count_answered_twice(tmp_path) == 0
        assert server.calls <= whole[1] + ROOM
    assert (tmp_path / "extractions.jsonl").read_bytes() == whole[0].results


def _sums(folder):
    run = open_run_to_read(folder)
    try:
        return [
            run.row("SELECT count(*), sum(exchanges), sum(prompt_tokens), sum(output_tokens) FROM calls"),
            run.execute("SELECT verdict, count(*) FROM chains GROUP BY verdict ORDER BY verdict").fetchall(),
            run.execute("SELECT * FROM answers ORDER BY record_id, chunk, task, fields").fetchall(),
            run.value("SELECT count(*) FROM uses"),
        ]
    finally:
        run.close()
