"""Processes that die, or take too long: only their own wish fails."""

from multiprocessing import get_context

import pytest

from extractor.options import Assist, ExtractionOptions
from extractor.run.budget import Pricing
from extractor.serve import extractions, process
from extractor.serve.callers import CallerBook
from extractor.serve.messages import Trouble, TroubleKind, Wish
from extractor.serve.purse import Purse
from extractor.serve.settings import Bounds, ServiceSettings

from .lives import obey


def wish(name, body=b"a"):
    return Wish(0, "anna", name, body, ExtractionOptions(assist=Assist.NEVER))


@pytest.fixture
async def station(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "_context", get_context("spawn"))
    monkeypatch.setattr(extractions, "extract_by_rules_alone", obey)
    book = CallerBook(tmp_path)
    settings = ServiceSettings(tmp_path, "t" * 20, bounds=Bounds(workers=1, queue=2, timeout_s=1))
    opened = extractions.Extractions(settings, Purse(book, Pricing(), lambda *_: None), lambda _: None)
    opened.start()
    yield opened
    await opened.close()
    book.close()


async def ask(station, wanted):
    """The answer, once a process is there to give one."""
    for _ in range(300):
        try:
            return await station.extract(wanted)
        except extractions.TooSlow:
            continue
    raise AssertionError("no process came")


async def test_one_that_sleeps_or_dies_is_replaced(station):
    assert await ask(station, wish("echo", b"before")) == b"before"
    with pytest.raises(extractions.TooSlow):
        await station.extract(wish("sleep"))
    assert await ask(station, wish("echo", b"after")) == b"after"
    died = await ask(station, wish("die"))
    assert isinstance(died, Trouble)
    assert died.kind is TroubleKind.DIED
    assert await ask(station, wish("echo", b"again")) == b"again"
