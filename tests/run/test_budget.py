import asyncio
import random
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractor.errors import BudgetReached
from extractor.model.cost.budget import Budget
from extractor.model.cost.prices import Price
from extractor.model.cost.tokens import Rates, RequestSize
from extractor.model.store import Spending
from extractor.schemas import Usage
from tests.depth import choose

ONE = Rates(messages=1, schema=0, answer=1)
"""One token per character."""
PRICE = Price(prompt=1, output=10)
DOLLAR = Price(prompt=1_000_000, output=1_000_000)
"""The second asks a dollar for each token."""


@pytest.fixture(autouse=True, scope="module")
def sizes_in_place_of_calls():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("extractor.model.cost.budget.measure_call", lambda size: size)
        yield


def call(prompt, answer, most=1000):
    return RequestSize(1, prompt, 0, answer, most)


async def test_a_call_that_does_not_fit_ends_the_budget():
    budget = Budget(100, ONE, DOLLAR)
    budget.charge(
        await budget.reserve(call(50, 10, most=50)), Usage(calls=1, prompt_tokens=60)
    )
    assert not budget.reached
    with pytest.raises(BudgetReached, match=r"\$60.0000 of \$100 are spent"):
        await budget.reserve(call(31, 0, most=10))
    assert budget.reached
    with pytest.raises(BudgetReached):
        await budget.reserve(call(1, 0))


async def test_a_call_waits_until_calls_in_flight_use_less_than_reserved():
    budget = Budget(1200, ONE, DOLLAR)
    first = await budget.reserve(call(50, 10, most=1000))
    second = asyncio.ensure_future(budget.reserve(call(200, 10, most=900)))
    await asyncio.sleep(0)
    assert not second.done()
    budget.charge(first, Usage(prompt_tokens=50, output_tokens=10))
    budget.charge(await second, Usage())
    assert not budget.reached


async def test_waiting_calls_end_if_no_call_in_flight_can_make_room():
    budget = Budget(100, ONE, DOLLAR)
    first = await budget.reserve(call(50, 10, most=40))
    waiting = [
        asyncio.ensure_future(budget.reserve(call(90, 0, most=0))) for _ in range(3)
    ]
    await asyncio.sleep(0)
    budget.charge(first, Usage(prompt_tokens=60))

    results = await asyncio.gather(*waiting, return_exceptions=True)

    assert [type(result) for result in results] == [BudgetReached] * 3


async def test_earlier_invocations_count():
    spent = Spending(Usage(prompt_tokens=90), dollars=0.00009)
    with pytest.raises(BudgetReached):
        await Budget(0.0001, ONE, PRICE, spent).reserve(call(20, 0, most=1))
    await Budget(0.0002, ONE, PRICE, spent).reserve(call(20, 0, most=1))


@settings(max_examples=choose(30, 1000), deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 8), st.integers(500, 20_000))
def test_no_limit_is_exceeded(seed, concurrency, limit):
    """This holds for any usage within the bounds and any order of answers."""
    lots = random.Random(seed)
    most = 200
    spent = 0.0

    async def ask(budget):
        nonlocal spent
        for _ in range(40):
            prompt = lots.randrange(10, 400)
            reservation = await budget.reserve(call(prompt, 20, most=most))
            for _ in range(lots.randrange(5)):
                await asyncio.sleep(0)
            usage = Usage(prompt_tokens=prompt, output_tokens=lots.randrange(most + 1))
            spent += PRICE.cost(usage)
            budget.charge(reservation, usage)

    async def run():
        budget = Budget(limit / 1e6, ONE, PRICE)
        with suppress(BudgetReached):
            await asyncio.gather(*(ask(budget) for _ in range(concurrency)))
        return budget

    asyncio.run(run())
    assert spent <= limit / 1e6 + 1e-12
