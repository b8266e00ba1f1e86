"""Where workers do all but the asking, the lines are those of one process, whatever befalls a worker or a question."""

import asyncio
from itertools import count

import psutil
import pytest
from extractor.run.asking_pool import AskingPool

from extractor.api import OpenExtractor
from extractor.errors import ModelUnavailable
from extractor.llm.requests import Reply
from extractor.llm.wire import WIRE_ITEMS
from extractor.options import ExtractionOptions
from extractor.run.tally import to_line
from extractor.schemas import Part, Section, Source, TrialRecord, Usage

OPTIONS = ExtractionOptions(min_confidence=1.0)


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


async def until_ready(pool, record):
    """Start the processes of a pool, and wait until one of them is ready."""
    await pool(record)
    async with asyncio.timeout(300):
        while not any(seat.is_ready for seat in pool._seats):
            await asyncio.sleep(0.01)


async def extract_all(records):
    """What a pool with one worker makes of the records, once that is ready, and what it asked."""
    extract = OpenExtractor(Answering(), OPTIONS)
    async with AskingPool(extract, 1, alone=0) as pool:
        await until_ready(pool, records[0])
        before = extract.model.asked[:]
        found = await asyncio.gather(*map(pool, records), return_exceptions=True)
    return found, extract.model.asked[len(before) :]


@pytest.fixture(scope="module")
def records():
    return [record(number, "FAIL" if number == 5 else "nights at home") for number in range(20)]


async def test_the_lines_are_those_of_one_process(records):
    before = set(psutil.Process().children(recursive=True))
    found, asked = await extract_all(records)
    here = OpenExtractor(Answering(), OPTIONS)
    wanted = await asyncio.gather(*map(here, records), return_exceptions=True)
    failed, sound = found.pop(5), wanted.pop(5)
    assert (type(failed), str(failed), failed.usage) == (type(sound), str(sound), sound.usage)
    assert found == [to_line(extraction) for extraction in wanted]
    assert sorted(asked) == sorted(here.model.asked)
    assert len(asked) >= len(records)
    left = set(psutil.Process().children(recursive=True)) - before
    assert not [process for process in left if "spawn_main" in " ".join(process.cmdline())]
