"""Many processes give what one gives, and one that dies takes no other record with it."""

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import psutil
import pytest
from extractor.run.workers import WorkerPool, share_work

from extractor.api import extract_record
from extractor.options import Assist, ExtractionOptions
from extractor.read import read_records
from extractor.run import BatchLimits, Tally, run_batch
from extractor.run.worker import extract_line
from extractor.schemas import Section, Source, TrialExtraction, TrialRecord
from tests.commands import PATIENCE_S, extractor
from tests.llm.stub import completion, items, serve

RECORDS = list(read_records("tests/records"))


def record(number, text="Adults with pain"):
    name = f"NCT9{number:07}"
    source = Source(path="in.jsonl", format="flat", place=f"line {number}")
    return TrialRecord(record_id=name, source=source, sections=(Section(name="eligibility", text=text),))


BY_RULES = ExtractionOptions(assist=Assist.NEVER)


def rules(options=BY_RULES):
    return partial(extract_line, options=options)


def where(record):
    """Which process works on a record."""
    if "FAIL" in record.sections[0].text:
        raise ValueError("no such text")
    return record.record_id, os.getpid()


class Lines:
    """A sink that keeps what it is given."""

    in_any_order = False

    def __init__(self):
        self.lines, self.failures = [], []

    def is_done(self, _):
        return False

    def write(self, extracted):
        assert not isinstance(extracted, TrialExtraction)
        self.lines.append(extracted.line)

    def write_failure(self, failure):
        self.failures.append(failure)


async def run(records, options=BY_RULES, alone=0):
    sink, tally = Lines(), Tally()
    async with WorkerPool(rules(options), 2, alone) as pool:
        await run_batch(records, pool, sink, tally, BatchLimits(pool.concurrency))
    return sink, tally


@pytest.mark.parametrize(
    ("options", "alone"), [(BY_RULES, 0), (ExtractionOptions(), 5), (ExtractionOptions(min_confidence=1.0), 100)]
)
async def test_the_lines_are_those_of_one_process_in_the_order_of_the_input(forked_workers, options, alone):
    wanted = [await extract_record(each, None, options) for each in RECORDS]
    sink, tally = await run(RECORDS, options, alone)
    assert sink.lines == [each.model_dump_json().encode() for each in wanted]
    one = Tally()
    for each in wanted:
        one.add(each)
    assert tally == one


async def test_what_is_given_up_leaves_no_process():
    before = set(psutil.Process().children(recursive=True))
    async with WorkerPool(rules(), 2, 0) as pool:
        assert (await pool(record(1))).record_id == "NCT90000001"
        assert set(psutil.Process().children(recursive=True)) - before
    left = set(psutil.Process().children(recursive=True)) - before
    assert not [process for process in left if "spawn_main" in " ".join(process.cmdline())]


async def test_any_work_is_shared_in_the_order_of_the_input_and_what_fails_is_told(forked_workers):
    failed = []
    records = [record(number, "FAIL" if number == 7 else "Adults") for number in range(60)]
    async with WorkerPool(where, 2, alone=3) as pool:
        found = [each async for each in pool.map(iter(records), failed.append)]
    assert [name for name, _ in found] == [each.record_id for each in records if each is not records[7]]
    assert {process for _, process in found[:3]} == {os.getpid()}
    assert os.getpid() not in {process for _, process in found[3:]}
    (error,) = failed
    assert error.kind == "ValueError"
    assert error.frames[0].endswith(":where")


@pytest.mark.parametrize(("workers", "alone"), [(1, True), (2, False)])
async def test_one_worker_is_this_process(forked_workers, workers, alone):
    async with share_work(where, workers) as pool:
        assert ((await pool(record(1)))[1] == os.getpid()) is alone


def write_many(path, count):
    text = " ".join(Path("tests/records/study.json").read_text("utf-8").split())
    lines = [text.replace("NCT90000001", f"NCT9{number:07}") for number in range(count)]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def start(*arguments):
    command = [sys.executable, "-m", "extractor", "run", *map(str, arguments)]
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return subprocess.Popen(command, **streams, start_new_session=True)


def workers_of(process):
    return [child for child in psutil.Process(process.pid).children() if "spawn_main" in " ".join(child.cmdline())]


def wait_for(condition):
    until = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < until, "it took too long"
        time.sleep(0.02)
    return found


def wait_for_lines(folder, count):
    wait_for(lambda: count_lines(folder) >= count)


def count_lines(folder):
    path = folder / "extractions.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def test_a_real_process_that_is_killed_is_replaced_and_nothing_is_lost(tmp_path):
    lines = write_many(tmp_path / "in.jsonl", 120).read_bytes().splitlines(keepends=True)
    process = start("-", "--workers", 2, "--out", tmp_path / "out")
    process.stdin.writelines(lines[:80])  # the run cannot end before the rest is there
    process.stdin.flush()
    wait_for_lines(tmp_path / "out", 1)
    workers_of(process)[0].kill()
    _, stderr = process.communicate(b"".join(lines[80:]), timeout=PATIENCE_S)
    assert process.returncode == 0, stderr
    assert count_lines(tmp_path / "out") == 120


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL, and Ctrl-C is no signal to a group")
def test_no_process_outlives_a_run_that_is_killed_or_interrupted_and_it_goes_on_later(tmp_path):
    many, out = write_many(tmp_path / "in.jsonl", 2000), tmp_path / "out"
    done = 0
    # A terminal sends Ctrl-C to everyone in the group.
    for end, code in ((subprocess.Popen.kill, -signal.SIGKILL), (lambda run: os.killpg(run.pid, signal.SIGINT), 130)):
        process = start(many, "--workers", 2, "--out", out)
        wait_for_lines(out, done + 1)
        workers = wait_for(lambda process=process: workers_of(process))
        end(process)
        _, stderr = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == code, stderr
        wait_for(lambda workers=workers: not any(worker.is_running() for worker in workers))
        done = count_lines(out)
    assert b"go on with: extractor run" in stderr
    assert b"Traceback" not in stderr
    again = extractor("run", many, "--workers", 1, "--out", out, "--limit", done + 10)
    assert again.returncode == 0, again.stderr
    assert count_lines(out) == done + 10


def test_with_a_model_workers_change_nothing_but_the_time(tmp_path):
    lines = []
    with serve([completion(items())]) as stub:
        for workers in ("1", "2"):
            out = tmp_path / workers
            done = extractor("run", "tests/records", "--model", str(stub.spec), "--workers", workers, "--out", str(out))
            assert done.returncode == 0, done.stderr
            lines.append((out / "extractions.jsonl").read_bytes())
            lines.append(json.loads((out / "run.json").read_text("utf-8"))["usage"])
    assert lines[:2] == lines[2:]


async def test_what_cannot_be_sent_fails_alone(forked_workers):
    broken = record(2, "a lone surrogate: \ud800")
    sink, tally = await run([record(1), broken, record(3)])
    assert (tally.extracted, tally.failed) == (2, 1)
    assert sink.failures[0]["record_id"] == "NCT90000002"
