"""Each request under way has a connection to itself, and the next one uses it again."""

import asyncio

import httpx2
import pytest

from extractor.llm.sending.lanes import LaneTransport

REQUEST = httpx2.Request("POST", "http://model.test/v1/chat/completions", content=b"{}")


class Body(httpx2.AsyncByteStream):
    async def __aiter__(self):
        yield b"ok"


class Lane(httpx2.AsyncBaseTransport):
    made: list["Lane"]

    def __init__(self):
        self.made.append(self)
        self.under_way = self.served = 0
        self.closed = False

    async def handle_async_request(self, request):
        self.under_way += 1
        assert self.under_way == 1
        try:
            await asyncio.sleep(0)
            if request.headers.get("x-fault"):
                raise httpx2.ConnectError("no")
        finally:
            self.under_way -= 1
        self.served += 1
        return httpx2.Response(200, stream=Body())

    async def aclose(self):
        self.closed = True


@pytest.fixture
def lanes():
    Lane.made = []
    return LaneTransport(Lane)


async def send(lanes):
    response = await lanes.handle_async_request(REQUEST)
    assert await response.aread() == b"ok"
    await response.aclose()
    await response.aclose()


async def test_as_many_lanes_as_requests_at_once_and_no_more(lanes):
    for _ in range(3):
        await asyncio.gather(*(send(lanes) for _ in range(5)))
    assert [lane.served for lane in Lane.made] == [3] * 5
    await send(lanes)
    await send(lanes)
    assert max(lane.served for lane in Lane.made) == 5


async def test_a_lane_is_busy_until_its_reply_is_read(lanes):
    held = await lanes.handle_async_request(REQUEST)
    await send(lanes)
    assert len(Lane.made) == 2
    await held.aclose()
    await send(lanes)
    assert len(Lane.made) == 2


async def test_a_lane_that_failed_is_used_again_and_all_are_closed_at_the_end(lanes):
    with pytest.raises(httpx2.ConnectError):
        await lanes.handle_async_request(httpx2.Request("POST", REQUEST.url, headers={"x-fault": "1"}))
    await send(lanes)
    await lanes.aclose()
    assert [lane.closed for lane in Lane.made] == [True]
