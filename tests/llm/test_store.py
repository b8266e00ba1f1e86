"""The store of calls: which calls are repeated, their cost, and their replay."""

import asyncio
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from functools import partial

import pytest

from extractor.errors import (
    AnswerMissing,
    AnswerRejected,
    ArgumentError,
    ModelUnavailable,
)
from extractor.model.client import Model, Route
from extractor.model.cost.budget import Budget
from extractor.model.cost.prices import Price
from extractor.model.cost.tokens import Rates
from extractor.model.database import open_run, open_run_to_read
from extractor.model.exchange import Exchange
from extractor.model.opening import recall
from extractor.model.pace import RetryPolicy
from extractor.model.spec import ClientSettings, ModelSpec
from extractor.model.store import CallStore
from extractor.schemas import Usage
from tests.skipping import skipping_time
from tests.tables import read_cases

from .colours import ask, ask_about, patient, render
from .stub import InLoop, Scripted, Through, completion, fault, items, serve

CASES = read_cases(__file__)
RED = {"n": 1, "colour": "red"}
BLUE = {"n": 1, "colour": "blue"}
CUT = '{"items":[{"n":1,"colour":"red"},{"n":2,"colour":"gr'


@contextmanager
def store_in(folder, price=None):
    with closing(open_run(folder)) as run:
        yield CallStore(run, price)


def asking(calls, stub, settings=None, **spec):
    chosen = ModelSpec.parse(f"{stub.url}#stub", **spec)
    return Model(chosen, settings or ClientSettings(), patient(), store=lambda: calls)


def replaying(calls):
    spec = ModelSpec.parse("http://nowhere.test/v1#another-name")
    return Model(spec, policy=patient(), route=Route(answer=partial(recall, calls)))


def query(folder, sql):
    with closing(open_run_to_read(folder)) as run:
        return run.execute(sql).fetchall()


async def put(model, *numbers, record_id="r"):
    def render_here(some):
        return replace(render(some), record_id=record_id)

    return await ask(model, ask_about(*numbers), render_here)


async def test_an_answered_call_is_not_sent_again_and_costs_nothing_now(tmp_path):
    with serve([completion(items(RED))]) as stub:
        with store_in(tmp_path) as calls:
            first = await put(asking(calls, stub), 1)
        with store_in(tmp_path) as calls:
            model = asking(calls, stub)
            again = await put(model, 1, record_id="another")
            assert calls.spending.usage == first.usage.model_copy(
                update={"questions": 0}
            )
    assert len(stub.requests) == 1
    assert again == first
    assert (first.usage.calls, first.usage.prompt_tokens) == (1, 10)
    assert model.usage == Usage()


async def test_another_model_or_question_is_asked_anew_and_other_sampling_is_not(
    tmp_path,
):
    with serve([completion(items(RED))]) as stub, store_in(tmp_path) as calls:
        await put(asking(calls, stub), 1)
        await put(asking(calls, stub, ClientSettings(options={"seed": 7})), 1)
        assert len(stub.requests) == 1
        await put(Model(ModelSpec.parse(f"{stub.url}#b"), store=lambda: calls), 1)
        await put(asking(calls, stub), 1, 2)
    assert len(stub.requests) == 3


@pytest.mark.parametrize(
    ("bad", "state", "answers", "unknown"),
    [
        (completion(items(BLUE)), "rejected", 1, 0),
        (completion(None, message={"refusal": "no"}), "rejected", 1, 0),
        (fault(404), "asked", 0, 0),
        (Scripted(200, "<html>"), "asked", 0, 4),
    ],
)
async def test_what_is_of_no_use_is_stored_and_asked_again_by_the_next_run(
    tmp_path, bad, state, answers, unknown
):
    with (
        serve([bad]) as stub,
        store_in(tmp_path) as calls,
        pytest.raises((AnswerRejected, ModelUnavailable)),
    ):
        await put(asking(calls, stub), 1)

    with serve([completion(items(RED))]) as stub, store_in(tmp_path) as calls:
        good = await put(asking(calls, stub), 1)
        assert calls.spending.unstated == unknown

    assert [item.values["colour"] for item in good.items] == ["red"]
    assert query(
        tmp_path, "SELECT state, answer IS NOT NULL FROM calls ORDER BY id"
    ) == [
        (state, answers),
        ("answered", 1),
    ]


async def test_a_cut_answer_is_not_asked_for_again_unless_it_may_be_longer(tmp_path):
    def answer(request):
        return (
            completion(CUT, "length")
            if "1: line 1" in request["messages"][1]["content"]
            else completion(rest)
        )

    rest = items({"n": 2, "colour": "green"})
    with serve(answer) as stub, store_in(tmp_path) as calls:
        first = await put(asking(calls, stub), 1, 2)
        again = await put(asking(calls, stub), 1, 2)
        assert len(stub.requests) == 2
        assert again == first
        assert [item.n for item in again.items] == [1, 2]
        longer = [
            replace(render(ask_about(1, 2)), max_output_tokens=limit)
            for limit in (99, 100, 101)
        ]
        assert [calls.find(call, "stub") is None for call in longer] == [
            False,
            False,
            True,
        ]


async def test_a_call_without_an_answer_is_missing_in_a_replay(tmp_path):
    with serve([fault(404)]) as stub, store_in(tmp_path) as calls:
        with pytest.raises(ModelUnavailable):
            await put(asking(calls, stub), 1)
        model = replaying(calls)
        for numbers in ((1,), (1, 2)):
            with pytest.raises(AnswerMissing, match="replay with the prompts and"):
                await put(model, *numbers)
    assert model.usage.calls == 0


@pytest.mark.parametrize(("reply", "stated", "unknown"), CASES["bills"])
@skipping_time
async def test_a_request_counts_what_its_reply_states_or_at_the_most_if_it_may_be_paid(
    tmp_path, reply, stated, unknown
):
    """Before it is sent, it is in the store at the most; in a budget as in the store."""
    answer = Scripted(**reply) if reply else fault(500)
    server = InLoop(answer, seconds=0.0 if reply else 50.0)
    budget = Budget(
        1.0, Rates(messages=1, schema=0, answer=1), Price(prompt=10, output=10)
    )
    policy = RetryPolicy(attempts=1)
    with store_in(tmp_path) as calls:
        model = Through(
            server,
            ModelSpec.parse("http://model.test/v1#stub"),
            ClientSettings(timeout=30.0, patience=None),
            policy,
            store=lambda: calls,
            route=Route(budget),
        )
        async with model:
            ended = asyncio.ensure_future(model.complete(render(ask_about(1))))
            await asyncio.wait([ended])
        spending = calls.spending
        error = ended.exception()
        assert error is None or not stated or "no message" in str(error)
    assert (spending.usage.calls, spending.unstated) == (stated, unknown)
    assert spending.most_unpriced.output_tokens == 100 * unknown
    assert ("by calls whose replies do not state a cost" in str(budget)) is bool(
        unknown
    )


async def test_calls_have_the_price_of_their_day(tmp_path):
    with serve([completion(items(RED, {"n": 2, "colour": "red"}))]) as stub:
        with store_in(tmp_path) as calls:
            await put(asking(calls, stub), 1)
            assert (calls.spending.dollars, calls.spending.unpriced.calls) == (0, 1)
        for price in (Price(prompt=1, output=2), Price(prompt=3, output=3)):
            with store_in(tmp_path, price) as calls:
                await put(asking(calls, stub), 2)
                spending = calls.spending
                assert spending.dollars == pytest.approx(0.00002)
                assert spending.unpriced.calls == 1


# Files of requests; ``tests/cli/test_batch.py`` has those of answers.


def test_a_provider_without_batches_gets_no_file(tmp_path):
    requests = tmp_path / "requests.jsonl"
    spec = ModelSpec.parse("anthropic/claude-haiku-4-5")
    files = Exchange(requests=requests).open(spec, ClientSettings())
    with pytest.raises(ArgumentError, match="no batch API"), files:
        pass
    assert not requests.exists()


def test_answers_are_not_overwritten_by_requests_whatever_their_path(tmp_path):
    answers = tmp_path / "answers.jsonl"
    answers.touch()
    with pytest.raises(ArgumentError, match="contains answers"):
        Exchange([answers], tmp_path / ".." / tmp_path.name / answers.name)


@pytest.mark.parametrize("fails", [True, False])
async def test_no_file_appears_before_the_run_succeeds(tmp_path, fails):
    requests = tmp_path / "requests.jsonl"
    requests.write_text("earlier", "utf-8")
    spec = ModelSpec.parse("http://nowhere.test/v1#some-model")
    exchange = Exchange(requests=requests)
    with suppress(RuntimeError), exchange.open(spec, ClientSettings()) as files:
        model = Model(spec, route=Route(answer=files.answer))
        for number in (1, 2, 1):
            await ask(model, ask_about(number), render)
        assert requests.read_text("utf-8") == "earlier"
        if fails:
            raise RuntimeError
    assert [path.name for path in requests.parent.iterdir()] == [requests.name]
    assert exchange.written == 2
    assert len(requests.read_text("utf-8").splitlines()) == (1 if fails else 2)
