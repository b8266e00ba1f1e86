"""Callers that go away free their places, and reading a body has a limit of time."""

import asyncio

import pytest
from starlette.requests import ClientDisconnect

from extractor.apps.serve import routes
from extractor.apps.serve.reading import Posted, read_posted
from extractor.errors import RecordTooSlow
from extractor.schemas import record_limits


class Left:
    """A request whose caller goes away once the work has begun."""

    def __init__(self):
        self.begun = asyncio.Event()

    async def receive(self):
        await self.begun.wait()
        return {"type": "http.disconnect"}


async def test_work_ends_whose_caller_goes_away():
    request = Left()
    ended = asyncio.Event()

    async def work():
        try:
            request.begun.set()
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(ClientDisconnect):
        await routes.while_connected(request, work())
    await ended.wait()


# The signal may come inside a destructor, where Python prints and drops what is raised; it comes
# again.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_reading_a_body_has_a_limit_of_time(monkeypatch):
    monkeypatch.setattr(record_limits, "MAX_SECONDS", 0.02)
    with pytest.raises(RecordTooSlow):
        read_posted(
            Posted(
                "a.xml", b"<clinical_study>" + b"<a/>" * 500_000 + b"</clinical_study>"
            )
        )
