"""All executors give equal results after failures of records and processes; a record that is too
large or takes too long fails alone and by name.
"""

import asyncio
import errno
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import nullcontext
from functools import partial

import psutil
import pytest

from benchmarks.records import write_distinct_records
from extractor import Extractor
from extractor.concepts.parse import parse_record
from extractor.errors import (
    EngineError,
    ModelUnavailable,
    RecordTooLarge,
    RecordTooSlow,
)
from extractor.formats import read_records
from extractor.model.asking.questions import ModelReply
from extractor.model.asking.reply_models import Item
from extractor.model.events import EventLog, listening
from extractor.options import ExtractionOptions
from extractor.pipeline import extract_by_rules
from extractor.run.executor import Executor, ProcessExecutor, extract_with
from extractor.run.records import RecordLoop, Sink
from extractor.run.tally import Tally, to_line
from extractor.schemas import (
    Part,
    Section,
    Source,
    TrialRecord,
    Usage,
    record_limits,
)
from extractor.schemas.vocabulary import Effort
from extractor.setup import OpenExtractor
from tests.commands import PATIENCE_S, extractor, read_lines
from tests.failing import RAISED, fail_for_some, path_with_failures

RULES = ExtractionOptions(effort=Effort.NONE)
RECORDS = list(read_records("tests/records"))


class Lines(Sink):
    """A sink that stores results and failures."""

    def __init__(self):
        self.lines = []
        self.failures = []
        self.write_failure = self.failures.append

    def write(self, record, line):
        self.lines.append(line)

    @property
    def errors(self):
        return {failure["record_id"]: failure["error"] for failure in self.failures}


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
        usage = Usage(calls=1, prompt_tokens=10, output_tokens=2)
        return ModelReply(found, usage)


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
    kinds = dict(zip((1, 2, 3, 9, 10, 18), RAISED, strict=True))
    if deadly:
        kinds[4] = "kill"
    made = [record(number) for number in range(20)]
    for number, kind in kinds.items():
        made[number] = record(number, f"nights that fails by {kind}")
    return made, {made[number].record_id: kind for number, kind in kinds.items()}


@pytest.fixture
def failing(monkeypatch):
    """Make the parser fail for some records, in this process and in new ones."""
    extract_by_rules(record(1), RULES)  # loads the rules, which counts too
    monkeypatch.setattr("extractor.pipeline.parse_record", fail_for_some(parse_record))
    monkeypatch.setenv("PYTHONPATH", path_with_failures())


async def run(executor, records, options=RULES, model=None):
    sink = Lines()
    tally = Tally()
    async with executor, asyncio.timeout(PATIENCE_S):
        extract = partial(extract_with, executor, OpenExtractor(model, options))
        loop = RecordLoop(extract, sink, tally, max(30, executor.capacity))
        await loop.run(lambda on_error: records)
    assert (tally.extracted, tally.failed) == (len(sink.lines), len(sink.failures))
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
    wanted = (await run(Executor(), RECORDS, options)).lines
    if not options.asks:  # a run counts the questions that a model could answer
        assert wanted == [to_line(extract_by_rules(name, options)) for name in RECORDS]
    found = await run(ProcessExecutor(2, inline_first), RECORDS, options)
    assert found.lines == wanted


async def test_processes_ask_a_model_the_same_questions_and_give_equal_results(
    forked_workers,
):
    texts = ["FAIL" if number == 5 else "nights at home" for number in range(20)]
    records = [record(number, text) for number, text in enumerate(texts)]
    here = Answering()
    there = Answering()
    options = ExtractionOptions(min_confidence=1.0)
    wanted = await run(Executor(), records, options, here)
    found = await run(ProcessExecutor(1, inline_first=0), records, options, there)
    assert (found.lines, found.failures) == (wanted.lines, wanted.failures)
    assert list(found.errors) == ["NCT90000005"]
    assert sorted(there.asked) == sorted(here.asked)
    assert len(there.asked) >= len(records)


async def test_a_record_is_parsed_once_though_a_model_is_asked(monkeypatch):
    parsed = Counter()
    model = Answering()

    def count(each, *fields):
        parsed[each.record_id] += 1
        return parse_record(each, *fields)

    monkeypatch.setattr("extractor.pipeline.parse_record", count)
    # the steps of worker processes, in this one
    executor = ProcessExecutor(1, inline_first=1000)
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
    failing, tmp_path, model, workers, inline_first
):
    records, kinds = build_records(deadly=not inline_first)
    with (tmp_path / "log").open("w") as file, listening(EventLog(file)):
        sink = await run(ProcessExecutor(workers, inline_first), records, model=model)
    wanted = {name: kind.replace("kill", "RecordError") for name, kind in kinds.items()}
    assert sink.errors == wanted
    for failure in sink.failures:
        problem = f"unexpected {failure['error']} at failing/__init__.py:"
        if failure["error"] == "RecordError":
            problem = "the process that worked on the record died"
        assert problem in failure["message"]
        assert "Adults" not in failure["message"]
    # the log has the traceback, and no text
    events = read_lines(tmp_path / "log")
    frames = [event["traceback"] for event in events if event.get("traceback")]
    assert len(frames) == len(RAISED)
    assert all(trace.startswith("failing/__init__.py:") for trace in frames)
    assert any("pipeline.py" in trace for trace in frames)
    assert "Adults" not in (tmp_path / "log").read_text("utf-8")


async def test_no_record_fails_if_processes_cannot_start(monkeypatch, tmp_path):
    """They die at their start, or the system refuses them."""
    # Only workers fall into the trap, and not the helper that multiprocessing starts at its first
    # use in a process.
    trap = 'import os, sys; "spawn_main" in " ".join(sys.orig_argv) and os._exit(1)'
    (tmp_path / "sitecustomize.py").write_text(trap)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(EngineError, match="died before it was ready"):
        await run(ProcessExecutor(1, inline_first=0), [record(1), record(2)])

    def refuse(*_):
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr("multiprocessing.util.spawnv_passfds", refuse)
    refused = r"a worker process could not be started \(.*--workers 1"
    with pytest.raises(EngineError, match=refused):
        await run(ProcessExecutor(1, inline_first=0), [record(1), record(2)])


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
    write_distinct_records(many, 600)
    words = ("run", many, "--effort", "none", "--out", out)
    command = [sys.executable, "-m", "extractor", *map(str, (*words, "--workers", 2))]

    def count_lines():
        path = out / "extractions.jsonl"
        return path.read_bytes().count(b"\n") if path.exists() else 0

    def find_workers(process):
        children = psutil.Process(process.pid).children()
        return [one for one in children if "spawn_main" in " ".join(one.cmdline())]

    done = 0
    for number, code in ((signal.SIGKILL, -9), (signal.SIGINT, 130), (15, 130)):
        process = subprocess.Popen(
            command, stderr=subprocess.PIPE, start_new_session=True
        )
        wait_for(lambda done=done: count_lines() > done)
        workers = wait_for(lambda process=process: find_workers(process))
        if code < 0:
            process.kill()
        else:  # a terminal sends Ctrl-C to the whole process group
            os.killpg(process.pid, number)
        _, stderr = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == code, stderr
        wait_for(lambda workers=workers: not any(one.is_running() for one in workers))
        done = count_lines()
        assert code < 0 or b"leaked" not in stderr
    assert b"go on with: extractor run" in stderr
    assert b"Traceback" not in stderr
    again = extractor(*words, "--workers", 1, "--limit", done + 10)
    assert again.returncode == 0, again.stderr
    ids = [line["record_id"] for line in read_lines(out / "extractions.jsonl")]
    assert ids == [f"NCT{number:08d}" for number in range(done + 10)]


# Limits of a record.


def text_record(*texts):
    names = ["eligibility", *(f"arms[{place}]" for place in range(len(texts) - 1))]
    pairs = zip(names, texts, strict=True)
    sections = tuple(Section(name=name, text=text) for name, text in pairs)
    source = Source(path="in.jsonl", format="ctgov_json")
    return TrialRecord(record_id="NCT1", source=source, sections=sections)


MANY = "Inclusion Criteria:" + "".join(f"\n* Asthma {at}" for at in range(6_000))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("texts", "problem"),
    [
        (["x " * 500_001], "the record has more than 1,000,000 characters"),
        (["x\n" * 20_001], "the record has more than 20,000 lines"),
        (["x|" * 20_001], "the record has more than 20,000 lines"),
        (["x"] * 5_001, "the record has more than 5,000 sections"),
        ([MANY], "more than 5,000 criteria"),
    ],
)
def test_a_record_beyond_a_limit_is_refused(texts, problem):
    with pytest.raises(RecordTooLarge, match=problem):
        extract_by_rules(text_record(*texts), RULES)


@pytest.mark.slow
def test_a_record_at_the_limits_is_read():
    ages = [f"* Age over {n % 70} years, or asthma of grade {n}" for n in range(800)]
    text = "\n".join(["Inclusion Criteria:", *ages])
    extraction = extract_by_rules(text_record(text), RULES)
    assert len(extraction.eligibility.criteria) == len(ages)


@pytest.mark.slow
@pytest.mark.parametrize("place", ["here", "in processes", "killed", "in Python"])
def test_a_record_that_takes_too_long_fails_alone(failing, monkeypatch, place):
    """In this process, in others, where no signal stops it, and in Python."""
    monkeypatch.setattr(record_limits, "MAX_SECONDS", 0.5)
    monkeypatch.setattr(record_limits, "MAX_CLOCK_SECONDS", 0.5)
    slow = "nights that fails by sleep"
    executor = Executor()
    if place == "in processes":
        executor = ProcessExecutor(1, inline_first=100)
    if place == "killed":
        slow = "nights that fails by count"
        # an example loads the rules, untimed
        executor = ProcessExecutor(1, inline_first=0, timeout=2, example=record(9))
    if place == "in Python":
        with pytest.raises(RecordTooSlow):
            Extractor(effort="none").extract(record(1, slow))
        return
    sink = asyncio.run(run(executor, [record(1), record(2, slow), record(3)]))
    assert [line.record_id for line in sink.lines] == ["NCT90000001", "NCT90000003"]
    assert sink.errors == {"NCT90000002": "RecordTooSlow"}


def spin():
    while True:
        pass


@pytest.mark.slow
@pytest.mark.parametrize(
    ("work", "most_on_clock", "problem"),
    [
        (spin, 300, "took longer than 0.1 seconds of processor time"),
        (partial(time.sleep, 300), 0.3, "took longer than 0.3 seconds"),
        (partial(time.sleep, 0.5), 300, None),  # as on a machine that does other work
    ],
    ids=["busy", "waiting too long", "waiting"],
)
def test_a_step_is_limited_by_its_processor_time_and_more_widely_by_the_clock(
    monkeypatch, work, most_on_clock, problem
):
    monkeypatch.setattr(record_limits, "MAX_SECONDS", 0.1)
    monkeypatch.setattr(record_limits, "MAX_CLOCK_SECONDS", most_on_clock)
    monkeypatch.setattr(record_limits, "_AGAIN_S", 0.05)
    refused = pytest.raises(RecordTooSlow, match=problem) if problem else nullcontext()
    with refused, record_limits.limit_time(record(1).source):
        work()
