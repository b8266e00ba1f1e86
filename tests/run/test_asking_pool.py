"""Where workers do all but the asking, the lines are those of one process, whatever befalls a worker or a question."""

import asyncio
from functools import partial
from itertools import count

import psutil
import pytest

from extractor.ask.call import Reply
from extractor.ask.plan.questions import Assist
from extractor.ask.wire import WIRE_ITEMS
from extractor.errors import ModelUnavailable, RecordError
from extractor.pipeline import OpenExtractor
from extractor.run.asking_pool import AskingPool
from extractor.run.tally import to_line
from extractor.schemas import Part, Section, Source, Task, TrialRecord, Usage

from .clerks import MortalClerk

ALL = frozenset(Task)


class Answering:
    """A model that proves nothing of what it says, so that it is asked again, and fails where the text wants it."""

    name = "stub"

    def __init__(self):
        self.rounds = count(1)
        self.asked = []

    async def put(self, questions, render):
        call = render(questions)
        next(self.rounds)
        self.asked.append(call.user)
        await asyncio.sleep(0)
        if "FAIL" in call.user:
            raise ModelUnavailable("no reply", lasting=False)
        items = tuple(WIRE_ITEMS[q.task](n=q.chunk.number) for q in questions)
        return Reply(items, Usage(calls=1, prompt_tokens=10, output_tokens=2), self.name)


def record(number, text="nights at home"):
    measure = f"Number of {text} in period {number}"
    part = Part(name="measure", start=0, end=len(measure))
    section = Section(name="primary_outcomes[0]", text=measure, parts=(part,))
    source = Source(path="in.jsonl", format="ctgov_json", place=f"line {number}")
    return TrialRecord(record_id=f"NCT9{number:07}", source=source, sections=(section,))


async def extract_all(records, clerk=None):
    """What a pool with one worker makes of the records, once that is ready, and the process that it had."""
    extract = OpenExtractor(Answering(), ALL, Assist.AUTO)
    async with AskingPool(extract, 1, alone=0) as pool:
        (seat,) = pool._seats
        seat._open_clerk = clerk or seat._open_clerk
        await pool(records[0])
        async with asyncio.timeout(60):
            while not seat.is_ready:
                await asyncio.sleep(0.01)
        before = extract.model.asked[:]
        found = await asyncio.gather(*map(pool, records), return_exceptions=True)
        process = seat._process.pid
    return found, extract.model.asked[len(before) :], process


@pytest.fixture(scope="module")
def records():
    return [record(number, "FAIL" if number == 5 else "nights at home") for number in range(20)]


async def test_the_lines_are_those_of_one_process(records):
    found, asked, process = await extract_all(records)
    here = OpenExtractor(Answering(), ALL, Assist.AUTO)
    wanted = await asyncio.gather(*map(here, records), return_exceptions=True)
    failed, sound = found.pop(5), wanted.pop(5)
    assert (type(failed), str(failed), failed.usage) == (type(sound), str(sound), sound.usage)
    assert found == [to_line(extraction) for extraction in wanted]
    assert sorted(asked) == sorted(here.model.asked)
    assert len(asked) >= len(records)
    assert not psutil.pid_exists(process)


async def test_a_record_of_which_processes_die_fails_alone():
    records = [record(number, "DIE" if number == 3 else "nights at home") for number in range(8)]
    found, _, _ = await extract_all(records, partial(MortalClerk, ALL, Assist.AUTO))
    died = found.pop(3)
    assert isinstance(died, RecordError)
    assert "died" in str(died)
    assert [each.record_id for each in found] == [each.record_id for each in records if each is not records[3]]
