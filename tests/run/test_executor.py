"""All executors give equal results after failures of records and processes; a record that is too
large or takes too long fails alone and by name.
"""

import asyncio
import errno
import os
import signal
import struct
import subprocess
import sys
import time
from multiprocessing.connection import Connection

import psutil
import pytest

from extractor import Extractor
from extractor.concepts.parse import parse_record
from extractor.errors import RecordError, RecordTooLarge, RecordTooSlow
from extractor.options import ExtractionOptions
from extractor.run.executor import ProcessExecutor
from extractor.run.steps import extract_with
from extractor.run.tally import ExtractedLine
from extractor.schemas import Section, Source, TrialRecord, record_limits
from extractor.setup import OpenExtractor
from tests.commands import PATIENCE_S, extractor, invoke, read_lines
from tests.failing import (
    RAISED,
    fail_for_some,
    path_with_failures,
    write_failing_records,
)
from tests.faults.running import count_lines
from tests.faults.server import Fault, serve_faults
from tests.stand_ins import write_distinct_records

RULES = Extractor(effort="none")


def make_record(number, *texts):
    names = ["title", "eligibility", *(f"arms[{place}]" for place in range(len(texts)))]
    pairs = zip(names, texts, strict=False)
    sections = tuple(Section(name=name, text=text) for name, text in pairs)
    source = Source(path="in.jsonl", format="ctgov_json", place=f"line {number}")
    return TrialRecord(record_id=f"NCT{number}", source=source, sections=sections)


@pytest.fixture
def failing(monkeypatch):
    """Make the parser fail for some records, in this process and in new ones."""
    RULES.extract_text("Age over 18 years")  # loads the rules, which counts too
    monkeypatch.setattr("extractor.pipeline.parse_record", fail_for_some(parse_record))
    monkeypatch.setenv("PYTHONPATH", path_with_failures())


def find_workers(process_id):
    children = psutil.Process(process_id).children()
    return [one for one in children if "spawn_main" in " ".join(one.cmdline())]


@pytest.mark.slow
@pytest.mark.usefixtures("forked_workers")
@pytest.mark.parametrize("asks", [False, True], ids=["rules", "a model"])
def test_processes_ask_the_same_and_give_the_files_of_one(asks, tmp_path):
    write_distinct_records(tmp_path / "in.jsonl", 12)
    found = []
    with serve_faults() as server:
        server.judge = lambda body: Fault(400 if b"part 5" in body else 200)
        model = ("--model", f"{server.url}#stub") if asks else ()
        for workers in (1, 2):
            out = tmp_path / str(workers)
            words = ("--workers", workers, "--effort", "full", "--out", out, *model)
            ended = invoke("run", tmp_path / "in.jsonl", *words)
            files = [out / f"{name}.jsonl" for name in ("extractions", "failures")]
            found.append(
                (ended.exit_code, server.asked.copy(), *map(read_lines, files))
            )
            server.asked.clear()
    assert found[0] == found[1]
    code, asked, extracted, failures = found[0]
    assert bool(code) == bool(asked) == bool(failures) == asks
    assert len(extracted) == 12 - len(failures) >= 11


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_record_that_fails_or_kills_its_process_fails_alone_and_by_name(
    failing, tmp_path, workers
):
    deadly = ["kill"] * (workers > 1)
    kinds = write_failing_records(tmp_path / "in.jsonl", [*deadly, *RAISED])
    words = ("run", tmp_path / "in.jsonl", "--effort", "none", "--workers", workers)
    log = tmp_path / "log"
    done = invoke(*words, "--out", tmp_path / "run", "--log-json", log)
    assert done.exit_code == 1
    good = [
        line["record_id"] for line in read_lines(tmp_path / "run/extractions.jsonl")
    ]
    assert good == [f"NCT{number:08d}" for number in range(0, 2 * len(kinds) + 1, 2)]
    failures = read_lines(tmp_path / "run/failures.jsonl")
    assert [failure["record_id"] for failure in failures] == list(kinds)
    for failure in failures:
        problem = f"unexpected {failure['error']} at failing/__init__.py:"
        if kinds[failure["record_id"]] == "kill":
            problem = "the process for the record died"
        assert problem in failure["message"]
    # the log has the traceback, and no text
    events = read_lines(log)
    frames = [event["traceback"] for event in events if event.get("traceback")]
    assert len(frames) == len(RAISED)
    assert all(trace.startswith("failing/__init__.py:") for trace in frames)
    assert any("pipeline.py" in trace for trace in frames)
    assert "Adults" not in log.read_text("utf-8") + str(failures)
    assert ("worker_lost" in {event["event"] for event in events}) is bool(deadly)
    assert find_workers(os.getpid()) == []


def test_no_record_fails_if_processes_cannot_start(monkeypatch, tmp_path):
    """They die at their start, or the system refuses them."""
    write_distinct_records(tmp_path / "in.jsonl", 2)
    words = ("run", tmp_path / "in.jsonl", "--effort", "none", "--workers", 2, "--out")
    # Only workers fall into the trap, and not the helper that multiprocessing starts at its first
    # use in a process.
    trap = 'import os, sys; "spawn_main" in " ".join(sys.orig_argv) and os._exit(1)'
    (tmp_path / "sitecustomize.py").write_text(trap)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def refuse(*_):
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    for said in ("died before it was ready", "a worker process could not be started ("):
        done = invoke(*words, tmp_path / "run")
        assert done.exit_code == 75
        assert said in done.stderr
        assert read_lines(tmp_path / "run/failures.jsonl") == []
        monkeypatch.setattr("multiprocessing.util.spawnv_passfds", refuse)


def wait_for(condition):
    until = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < until, "it took too long"
        time.sleep(0.02)
    return found


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_no_process_outlives_a_killed_or_interrupted_run_which_can_continue(tmp_path):
    many = tmp_path / "in.jsonl"
    out = tmp_path / "out"
    write_distinct_records(many, 400)
    words = ("run", many, "--effort", "none", "--out", out)
    command = [sys.executable, "-m", "extractor", *map(str, (*words, "--workers", 2))]

    done = 0
    for number, code in ((signal.SIGKILL, -9), (signal.SIGINT, 130)):
        process = subprocess.Popen(
            command, stderr=subprocess.PIPE, start_new_session=True
        )
        wait_for(lambda done=done: count_lines(out) > done)
        workers = wait_for(lambda at=process.pid: find_workers(at))
        if code < 0:
            process.kill()
        else:  # a terminal sends Ctrl-C to the whole process group
            os.killpg(process.pid, number)
        _, stderr = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == code, stderr
        wait_for(lambda workers=workers: not any(one.is_running() for one in workers))
        done = count_lines(out)
        assert code < 0 or b"leaked" not in stderr
    assert b"resume with: extractor run" in stderr
    assert b"Traceback" not in stderr
    again = extractor(*words, "--workers", 1, "--limit", done + 10)
    assert again.returncode == 0, again.stderr
    ids = [line["record_id"] for line in read_lines(out / "extractions.jsonl")]
    assert ids == [f"NCT{number:08d}" for number in range(done + 10)]


CRITERIA = "".join(f"\n* Asthma {at}" for at in range(51))


@pytest.mark.parametrize(
    ("texts", "problem"),
    [
        (["x" * 1_000_001], "the record has more than 1,000,000 characters"),
        (["x\n" * 20_001], "the record has more than 20,000 lines"),
        (["x|" * 20_001], "the record has more than 20,000 lines"),
        (["x"] * 5_001, "the record has more than 5,000 sections"),
        (["A trial", f"Inclusion Criteria:{CRITERIA}"], "more than 50 criteria"),
    ],
    ids=["characters", "lines", "cells", "sections", "criteria"],
)
def test_a_record_beyond_a_limit_is_refused(texts, problem, monkeypatch):
    monkeypatch.setattr("extractor.pipeline.MAX_ITEMS", 50)
    with pytest.raises(RecordTooLarge, match=problem):
        RULES.extract(make_record(1, *texts))


def _die_while_answering(_record):
    """In a worker: be killed after the length of a result is written, and before the result is."""

    def send_length(connection, content):
        connection._send(struct.pack("!i", len(content)))
        os.kill(os.getpid(), signal.SIGKILL)

    Connection._send_bytes = send_length


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.usefixtures("forked_workers")
async def test_a_process_that_dies_while_it_writes_a_result_is_noticed():
    async with ProcessExecutor(1, inline_first=0) as executor:
        with pytest.raises(RecordError, match="the process for the record died"):
            await executor.compute(_die_while_answering, make_record(1))


@pytest.mark.slow
async def test_a_record_that_takes_too_long_fails_alone(failing, monkeypatch):
    """Also in a process in which no signal stops it."""
    for name in ("MAX_SECONDS", "MAX_CLOCK_SECONDS"):
        monkeypatch.setattr(record_limits, name, 0.5)
    with pytest.raises(RecordTooSlow):
        RULES.extract(make_record(1, "nights that fails by sleep"))
    texts = ("nights", "nights that fails by count")
    records = [make_record(number, text) for number, text in enumerate(texts)]
    # an example loads the rules, untimed
    killing = ProcessExecutor(1, inline_first=0, timeout=2, example=records[0])
    opened = OpenExtractor(None, ExtractionOptions(effort="none"))
    async with killing as executor:
        work = [extract_with(executor, opened, record) for record in records]
        ends = await asyncio.gather(*work, return_exceptions=True)
    assert list(map(type, ends)) == [ExtractedLine, RecordTooSlow]


def _take_two_steps(record):
    for _ in range(2):
        with record_limits.limit_time(record.source):
            end = time.thread_time() + 0.6
            # mostly outside of system calls, whose time a limit may not count
            while time.thread_time() < end:
                sum(range(1_000))


@pytest.mark.usefixtures("forked_workers")
async def test_the_steps_of_a_record_share_the_limit_of_a_call():
    for limit in (30, 0.8):
        async with ProcessExecutor(1, inline_first=0, call_limit=limit) as executor:
            work = executor.compute(_take_two_steps, make_record(1))
            if limit == 30:
                await work
                continue
            with pytest.raises(RecordTooSlow, match=r"0\.8 seconds of processor"):
                await work


def test_a_script_without_the_guard_of_its_commands_is_told_to_add_it(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from extractor import Extractor\n"
        "Extractor().run('tests/records/study.json', workers=2, quiet=True)\n"
    )
    words = [sys.executable, str(script)]
    ended = subprocess.run(words, capture_output=True, check=False, text=True)
    assert ended.returncode == 1
    assert 'put the script\'s commands under if __name__ == "__main__":' in ended.stderr
    assert "unexpected" not in ended.stderr
    assert "check its output above" in ended.stderr.splitlines()[-1]
