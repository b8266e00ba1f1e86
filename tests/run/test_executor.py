"""All executors give equal results after failures of records and processes, and never wait for a
dead process.
"""

import asyncio
import errno
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from functools import partial

import psutil
import pytest

from benchmarks.records import write_distinct_records
from extractor.concepts.parse import parse_record
from extractor.errors import EngineError, ModelUnavailable
from extractor.formats import read_records
from extractor.model.asking.questions import ModelReply
from extractor.model.asking.reply_models import Item
from extractor.model.events import EventLog, listening
from extractor.options import ExtractionOptions
from extractor.pipeline import extract_by_rules
from extractor.run.executor import InlineExecutor, ProcessExecutor, extract_with
from extractor.run.records import RunLimits, Sink, extract_records
from extractor.run.setup import OpenExtractor
from extractor.run.tally import Tally, to_line
from extractor.schemas import Part, Section, Source, TrialRecord, Usage
from extractor.schemas.vocabulary import Effort
from tests.commands import PATIENCE_S, extractor, read_lines
from tests.failing import RAISED, fail_for_some, path_with_failures

RULES = ExtractionOptions(effort=Effort.NONE)
RECORDS = list(read_records("tests/records"))


class Lines(Sink):
    """A sink that stores results and failures."""

    def __init__(self):
        self.lines = []
        self.failures = []

    def write(self, record, line, *, lacking=False):
        self.lines.append(line)

    def write_failure(self, failure):
        self.failures.append(failure)


@pytest.fixture(autouse=True)
def the_fake_model_answers_questions(monkeypatch):
    """No call is made: what a model is asked, the fake one answers itself."""
    monkeypatch.setattr(
        "extractor.model.asking.querying.ask",
        lambda model, questions, render: model.complete(questions, render),
    )


class Answering:
    """A model that gives no evidence, so that it is asked again, and fails at marked texts."""

    name = "stub"

    def __init__(self):
        self.asked = []

    async def complete(self, questions, render):
        call = render(questions)
        self.asked.append(call.user)
        await asyncio.sleep(0)
        if "FAIL" in call.user:
            raise ModelUnavailable("no reply", lasting=False)
        found = tuple(Item(n=q.chunk.number) for q in questions)
        return ModelReply(
            found, Usage(calls=1, prompt_tokens=10, output_tokens=2), self.name
        )


def record(number, text="nights at home"):
    measure = f"Number of {text} in period {number}"
    part = Part(name="measure", start=0, end=len(measure))
    section = Section(name="primary_outcomes[0]", text=measure, parts=(part,))
    source = Source(path="in.jsonl", format="ctgov_json", place=f"line {number}")
    return TrialRecord(record_id=f"NCT9{number:07}", source=source, sections=(section,))


def build_records(*, deadly):
    """Records that succeed, raise each class of error, or kill their process, and their failures
    by id.
    """
    made = [record(number) for number in range(20)]
    kinds = dict(zip((1, 2, 3, 9, 10, 18), RAISED, strict=True)) | (
        {4: "kill"} if deadly else {}
    )
    for number, kind in kinds.items():
        made[number] = record(number, f"nights that fails by {kind}")
    return made, {made[number].record_id: kind for number, kind in kinds.items()}


@pytest.fixture
def failing(monkeypatch):
    """Make the parser fail for some records, in this process and in new ones."""
    monkeypatch.setattr("extractor.pipeline.parse_record", fail_for_some(parse_record))
    monkeypatch.setenv("PYTHONPATH", path_with_failures())


async def run(executor, records, options=RULES, model=None):
    sink = Lines()
    tally = Tally()
    extract = partial(extract_with, executor, OpenExtractor(model, options))
    async with asyncio.timeout(PATIENCE_S):
        await extract_records(
            records, extract, sink, tally, RunLimits(max(30, executor.capacity))
        )
    assert tally.extracted == len(sink.lines)
    assert tally.failed == len(sink.failures)
    assert len(sink.lines) + len(sink.failures) == len(records)
    return sink


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "inline_first"),
    [
        (RULES, 100),
        (ExtractionOptions(), 5),
        (ExtractionOptions(min_confidence=1.0), 0),
    ],
)
async def test_processes_give_the_lines_of_one_in_the_order_of_the_input(
    forked_workers, options, inline_first
):
    wanted = (await run(InlineExecutor(), RECORDS, options)).lines
    if not options.asks:  # a run counts the questions that a model could answer
        assert wanted == [to_line(extract_by_rules(name, options)) for name in RECORDS]
    async with ProcessExecutor(2, inline_first) as executor:
        assert (await run(executor, RECORDS, options)).lines == wanted


async def test_processes_ask_a_model_the_same_questions_and_give_equal_results(
    forked_workers,
):
    records = [
        record(number, "FAIL" if number == 5 else "nights at home")
        for number in range(20)
    ]
    here = Answering()
    there = Answering()
    options = ExtractionOptions(min_confidence=1.0)
    wanted = await run(InlineExecutor(), records, options, here)

    async with ProcessExecutor(1, inline_first=0) as executor:
        found = await run(executor, records, options, there)

    assert (found.lines, found.failures) == (wanted.lines, wanted.failures)
    assert [failure["record_id"] for failure in found.failures] == ["NCT90000005"]
    assert sorted(there.asked) == sorted(here.asked)
    assert len(there.asked) >= len(records)


async def test_a_record_is_parsed_once_though_a_model_is_asked(monkeypatch):
    parsed = Counter()
    model = Answering()

    def count(each, *fields):
        parsed[each.record_id] += 1
        return parse_record(each, *fields)

    monkeypatch.setattr("extractor.pipeline.parse_record", count)
    async with ProcessExecutor(
        1, inline_first=1000
    ) as executor:  # the steps of worker processes, in this one
        sink = await run(executor, RECORDS, ExtractionOptions(), model)
    assert parsed == dict.fromkeys([each.record_id for each in RECORDS], 1)
    assert model.asked
    assert len(sink.lines) == len(RECORDS)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "workers", "inline_first"),
    [(None, 2, 0), (Answering(), 1, 0), (None, 2, 100)],
)
async def test_a_record_that_fails_or_kills_its_process_fails_alone_and_by_name(
    failing, model, workers, inline_first
):
    records, kinds = build_records(deadly=not inline_first)

    async with ProcessExecutor(workers, inline_first) as executor:
        sink = await run(executor, records, model=model)

    assert {failure["record_id"]: failure["error"] for failure in sink.failures} == {
        name: "RecordError" if kind == "kill" else kind for name, kind in kinds.items()
    }
    for failure in sink.failures:
        if failure["error"] == "RecordError":
            assert "the process that worked on the record died" in failure["message"]
            assert failure["record_id"] not in failure["message"]
        else:
            assert (
                f"unexpected {failure['error']} at failing/__init__.py:"
                in failure["message"]
            )
            assert "Adults" not in failure["message"]


@pytest.mark.slow
async def test_the_log_has_the_traceback_and_no_text(failing, tmp_path):
    records, _ = build_records(deadly=False)
    with (tmp_path / "log").open("w") as file, listening(EventLog(file)):
        async with ProcessExecutor(1, inline_first=2) as executor:
            await run(executor, records)
    log = (tmp_path / "log").read_text("utf-8")

    events = read_lines(tmp_path / "log")

    failed = {
        event["error"]: event["traceback"]
        for event in events
        if event["event"] == "record_failed"
    }
    assert failed.keys() == RAISED.keys()
    assert all(frames.startswith("failing/__init__.py:") for frames in failed.values())
    assert "pipeline.py" in failed["KeyError"]
    assert "Adults" not in log


async def test_no_record_fails_if_processes_cannot_start(monkeypatch, tmp_path):
    # Only workers fall into the trap, and not the helper that multiprocessing starts at its first
    # use in a process.
    trap = 'import os, sys; "spawn_main" in " ".join(sys.orig_argv) and os._exit(1)'
    (tmp_path / "sitecustomize.py").write_text(trap)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    async with ProcessExecutor(1, inline_first=0) as executor:
        with pytest.raises(EngineError, match="died before they were ready"):
            await run(executor, [record(1), record(2)])


async def test_no_record_fails_if_the_system_refuses_processes(monkeypatch):
    def refuse(*_):
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr("multiprocessing.util.spawnv_passfds", refuse)
    async with ProcessExecutor(1, inline_first=0) as executor:
        with pytest.raises(
            EngineError,
            match=r"3 processes in a row could not be started \(.*--workers 1",
        ):
            await run(executor, [record(1), record(2)])


async def test_a_killed_process_is_replaced_and_no_process_is_left(forked_workers):
    before = set(psutil.Process().children(recursive=True))

    async with ProcessExecutor(2, inline_first=0) as executor:
        _, killed = await executor.compute(where, record(1))
        os.kill(killed, signal.SIGKILL)
        for number in range(3):
            _, process = await executor.compute(where, record(number))
            assert process not in (os.getpid(), killed)

    left = set(psutil.Process().children(recursive=True)) - before
    for process in left:
        assert "forkserver" in " ".join(process.cmdline())


def where(record):
    """Return the id of the process that works on a record."""
    return record.record_id, os.getpid()


def count_lines(folder):
    path = folder / "extractions.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def wait_for(condition):
    until = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < until, "it took too long"
        time.sleep(0.02)
    return found


def workers_of(process):
    return [
        child
        for child in psutil.Process(process.pid).children()
        if "spawn_main" in " ".join(child.cmdline())
    ]


@pytest.mark.slow
@pytest.mark.skipif(
    sys.platform == "win32",
    reason="there is no SIGKILL, and Ctrl-C is no signal to a group",
)
def test_no_process_outlives_a_killed_or_interrupted_run_which_can_continue(tmp_path):
    many = tmp_path / "in.jsonl"
    out = tmp_path / "out"
    done = 0
    write_distinct_records(many, 600)
    words = ("run", many, "--effort", "none", "--out", out)
    command = [sys.executable, "-m", "extractor", *map(str, (*words, "--workers", 2))]
    ends = (
        (subprocess.Popen.kill, -signal.SIGKILL),
        (
            lambda run: os.killpg(run.pid, signal.SIGINT),
            130,
        ),  # a terminal sends Ctrl-C to the whole process group
        (lambda run: os.killpg(run.pid, signal.SIGTERM), 130),
    )
    for end, code in ends:
        process = subprocess.Popen(
            command, stderr=subprocess.PIPE, start_new_session=True
        )
        wait_for(lambda done=done: count_lines(out) >= done + 1)
        workers = wait_for(lambda process=process: workers_of(process))
        end(process)
        _, stderr = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == code, stderr
        wait_for(
            lambda workers=workers: not any(worker.is_running() for worker in workers)
        )
        done = count_lines(out)
        assert code < 0 or b"leaked" not in stderr
    assert b"go on with: extractor run" in stderr
    assert b"Traceback" not in stderr
    again = extractor(*words, "--workers", 1, "--limit", done + 10)
    assert again.returncode == 0, again.stderr
    assert [line["record_id"] for line in read_lines(out / "extractions.jsonl")] == [
        f"NCT{number:08d}" for number in range(done + 10)
    ]
