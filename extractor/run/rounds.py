"""A run by a provider's batches: what is open is put into a batch, and what its answers leave open into the next."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import uuid4

from extractor.llm.batch_api.provider import BatchClient
from extractor.llm.batch_api.requests import MOST_BYTES, MOST_REQUESTS, BatchRequests

__all__ = ["Rounds", "run_rounds"]


@dataclass(frozen=True, slots=True)
class Rounds:
    """How many rounds of batches an invocation makes at most, and how large a batch may be."""

    most: int = 4
    most_requests: int = MOST_REQUESTS
    most_bytes: int = MOST_BYTES


async def run_rounds(
    requests: BatchRequests, desk: BatchClient, go_over: Callable[[], Awaitable[None]], rounds: Rounds
) -> bool:
    """Finish the batches under way, go over all records, put what waits into batches, and so on; whether nothing waits
    at the end.

    Raises what ``go_over`` raises, and ``ModelUnavailable`` where the provider cannot be used.
    """
    await desk.finish_all()
    for _ in range(rounds.most):
        await go_over()
        if not requests.plan(uuid4().hex[:12], rounds.most_requests, rounds.most_bytes):
            return True
        await desk.finish_all()
    await go_over()
    return not requests.count_waiting()
