"""The limit of money: what is reserved, what waits, and that no order of answers exceeds it."""

import asyncio
import random
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractor.errors import BudgetReached
from extractor.model.calls import Call
from extractor.model.cost.budget import Budget
from extractor.model.cost.prices import Price
from extractor.model.cost.tokens import Rates
from extractor.model.store import Spending
from extractor.schemas import Usage
from tests.depth import choose
from tests.llm.colours import PROMPT, Answers

ONE = Rates(messages=1, schema=0, answer=1)
"""One token per character."""
PRICE = Price(prompt=1, output=10)
DOLLAR = Price(prompt=1_000_000, output=1_000_000)
"""A dollar for each token."""


def call(prompt, most=1000):
    """A call of so many tokens in the prompt, and at most in the answer."""
    return Call(PROMPT._replace(system=""), "x" * prompt, Answers, most)


@pytest.mark.parametrize(
    ("used", "spent"), [(Usage(prompt_tokens=60), 60), (None, 100)], ids=["", "unknown"]
)
async def test_a_request_that_does_not_fit_ends_the_budget(used, spent):
    budget = Budget(100, ONE, DOLLAR, Spending(dollars=0.0))
    budget.settle(await budget.reserve(call(50, most=50)), used)
    assert budget.is_spent is (spent == 100)
    for prompt in (101 - spent, 1):
        with pytest.raises(BudgetReached, match=r"of \$100 are spent"):
            await budget.reserve(call(prompt, most=0))


async def test_a_request_waits_until_others_in_flight_use_less_than_reserved():
    budget = Budget(1200, ONE, DOLLAR)
    first = await budget.reserve(call(50))
    second = asyncio.ensure_future(budget.reserve(call(200, most=900)))
    await asyncio.sleep(0)
    assert not second.done()
    budget.settle(first, Usage(prompt_tokens=50, output_tokens=10))
    budget.settle(await second, Usage())
    assert not budget.reached


async def test_waiting_requests_end_if_nothing_in_flight_can_make_room():
    budget = Budget(100, ONE, DOLLAR)
    first = await budget.reserve(call(50, most=40))
    asked = [budget.reserve(call(90, most=0)) for _ in range(3)]
    waiting = asyncio.gather(*asked, return_exceptions=True)
    await asyncio.sleep(0)
    budget.settle(first, Usage(prompt_tokens=60))
    assert {type(result) for result in await waiting} == {BudgetReached}


@pytest.mark.parametrize(
    "spent",
    [
        Spending(dollars=90.0),
        Spending(most_unpriced=Usage(calls=1, prompt_tokens=90)),
        Spending(unpriced=Usage(calls=1, prompt_tokens=90)),
    ],
    ids=["stated", "unknown", "without a price until now"],
)
async def test_earlier_invocations_count(spent):
    with pytest.raises(BudgetReached):
        await Budget(100, ONE, DOLLAR, spent).reserve(call(20, most=1))
    await Budget(200, ONE, DOLLAR, spent).reserve(call(20, most=1))


@settings(max_examples=choose(30, 1000), deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 8), st.integers(500, 20_000))
def test_no_limit_is_exceeded(seed, concurrency, limit):
    """This holds for any usage within the bounds and any order of answers."""
    lots = random.Random(seed)
    worth = 0.0

    async def ask(budget):
        nonlocal worth
        for _ in range(40):
            prompt = lots.randrange(10, 400)
            reservation = await budget.reserve(call(prompt, most=200))
            for _ in range(lots.randrange(5)):
                await asyncio.sleep(0)
            output = lots.randrange(201)
            usage = Usage(prompt_tokens=prompt, output_tokens=output)
            worth += PRICE.cost(usage)
            budget.settle(reservation, lots.choice((usage, usage, None)))

    async def run():
        budget = Budget(limit / 1e6, ONE, PRICE)
        with suppress(BudgetReached):
            await asyncio.gather(*(ask(budget) for _ in range(concurrency)))

    asyncio.run(run())
    assert worth <= limit / 1e6 + 1e-12
