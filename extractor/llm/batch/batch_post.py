"""A model's place taken by batches: what an earlier batch answered is answered, what none did waits for the next."""

import json
from typing import Protocol

import httpx2

from extractor.errors import AnswerPending, BudgetReached
from extractor.llm.plan.request_sizes import RequestSize, measure_body
from extractor.llm.trace import Served, read_usage
from extractor.schemas import Usage

from .batch_requests import BatchAnswer, BatchRequests, name_body

__all__ = ["BatchPost", "Purse"]

_OK = 200


class Purse(Protocol):
    """A budget from which requests of a batch are set aside. All of a batch are under way at once: nothing waits."""

    def set_aside(self, size: RequestSize) -> int:
        """Set aside what a request that is on its way may take, whether there is room or not."""

    def try_reserve(self, size: RequestSize) -> int | None:
        """Set aside what a request may take, if there is room."""

    def settle(self, reservation: int, usage: Usage) -> None:
        """Give back what was set aside, and count what the request took."""


class BatchPost:
    """What a run's transports share over all its rounds: the requests, and what is set aside for them."""

    def __init__(self, requests: BatchRequests, purse: Purse | None = None) -> None:
        self._requests, self._purse = requests, purse
        self._reserved: dict[str, int] = {}
        requests.forget_taken()
        if purse:
            self._reserved = {name: purse.set_aside(measure_body(body)) for name, body in requests.not_taken()}

    def transport(self) -> httpx2.AsyncBaseTransport:
        """Answers what batches have answered, and notes down the rest."""
        return _PostTransport(self)

    async def send(self, request: httpx2.Request) -> httpx2.Response:
        """The answer of a batch. Raises ``AnswerPending`` if there is none yet, ``BudgetReached`` if none is asked."""
        body = json.loads(await request.aread())
        name = name_body(body)
        if answer := self._requests.find(name):
            return self._take(name, answer)
        if not self._requests.knows(name):
            if self._purse:
                reservation = self._purse.try_reserve(measure_body(body))
                if reservation is None:
                    raise BudgetReached("there is no room in the budget for another request")
                self._reserved[name] = reservation
            self._requests.add(body)
        raise AnswerPending("its answer is still to come: it is in a batch")

    def _take(self, name: str, answer: BatchAnswer) -> httpx2.Response:
        usage = read_usage(answer.content) if answer.status == _OK else Usage()
        self._requests.note_taken(name)
        if name in self._reserved and self._purse:
            self._purse.settle(self._reserved.pop(name), usage)
        counts_now = not answer.taken and answer.status == _OK
        extensions = {"served": Served(usage, spent=counts_now)}
        headers = {"content-type": "application/json"}
        return httpx2.Response(answer.status, headers=headers, content=answer.content, extensions=extensions)


class _PostTransport(httpx2.AsyncBaseTransport):
    def __init__(self, post: BatchPost) -> None:
        self._post = post

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return await self._post.send(request)
