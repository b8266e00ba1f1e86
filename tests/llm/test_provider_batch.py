"""Batches at a provider, with faults in each step, and a kill of the program after each step."""

import asyncio
from contextlib import closing

import pytest

from extractor.errors import AnswerPending, BudgetReached, ModelUnavailable
from extractor.llm.batch_book import BatchBook, BatchQueue
from extractor.llm.batches import PollPolicy, open_batch_client
from extractor.llm.calls import Call, PromptVersion, schema_of
from extractor.llm.client import Model
from extractor.llm.cost.budget import Budget
from extractor.llm.cost.prices import Price
from extractor.llm.cost.tokens import Cases, Rates
from extractor.llm.database import open_run
from extractor.llm.spec import ClientSettings, ModelSpec
from extractor.llm.store import CallStore, State
from extractor.stages.ask.reply_models import Reply
from tests.provider import serve_provider


async def no_wait(_):
    pass


POLICY = PollPolicy(sleep=no_wait)
PROMPT = PromptVersion("questions", 1, "a" * 64)


def answer_well(_):
    """An answer that states nothing."""
    choice = {"index": 0, "message": {"role": "assistant", "content": '{"items":[]}'}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    return 200, {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [choice],
        "usage": usage,
    }


def call_about(number):
    return Call(PROMPT, "Read.", f"[{number}|ok] Adults", Reply, 100)


CALLS = [call_about(number) for number in range(1, 6)]


@pytest.fixture
def book(tmp_path):
    with closing(open_run(tmp_path)) as run:
        store = CallStore(run)
        for call in CALLS:
            store.begin(call, "m", State.WAITING)
        yield BatchBook(store, Reply)


async def finish(provider, book, policy=POLICY):
    news = []
    spec = ModelSpec.parse(f"{provider.url}#m")
    async with open_batch_client(spec, book, ClientSettings(), policy, news.append) as client:
        return await client.finish_all(), news


def states(book):
    return [stored.state if (stored := book.store.find(call, "m")) else None for call in CALLS]


def answered(book):
    return states(book).count(State.ANSWERED)


BYTES = 2 * (500 + len(schema_of(Reply).encode()) + len("Read.[1|ok] Adults"))
"""Two calls' size."""


@pytest.mark.parametrize("limits", [{"most_requests": 2}, {"most_bytes": BYTES}])
async def test_more_than_a_provider_accepts_at_once_goes_in_parts(book, limits):
    with serve_provider(answer=answer_well) as provider:
        book.plan("run", **limits)
        assert (await finish(provider, book))[0] == 5
        assert [len(provider.files[b["input_file_id"]].splitlines()) for b in provider.batches.values()] == [2, 2, 1]
        assert len({line["custom_id"] for line in provider.requests}) == 5
        assert all(line.keys() == {"custom_id", "method", "url", "body"} for line in provider.requests)
        assert {(line["method"], line["url"]) for line in provider.requests} == {("POST", "/v1/chat/completions")}


ROUTES = ("POST /files", "POST /batches", "GET /batches", "GET /files/content")


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("fault", [429, 503, 0])
async def test_a_temporary_fault_costs_nothing_and_creates_no_second_batch(book, route, fault):
    """Fault 0 means that the provider acted, but the connection broke before the response."""
    with serve_provider(answer=answer_well, faults={route: [fault, fault]}) as provider:
        book.plan("run")
        assert (await finish(provider, book))[0] == 5
        assert len(provider.batches) == 1


@pytest.mark.parametrize("route", ROUTES)
async def test_a_lasting_fault_is_reported_and_the_run_can_continue(book, route):
    with serve_provider(answer=answer_well, faults={route: [500] * 99}) as provider:
        book.plan("run")
        with pytest.raises(ModelUnavailable, match="HTTP 500"):
            await finish(provider, book)
        provider.faults.clear()
        assert (await finish(provider, book))[0] == 5
        assert len(provider.batches) == 1


class Killed(BaseException):
    """The program ends here."""


@pytest.mark.parametrize(
    ("store", "step"), [(BatchBook, "note_sent"), (BatchBook, "note_made"), (CallStore, "end"), (BatchBook, "close")]
)
@pytest.mark.parametrize("after", [False, True])
async def test_a_program_that_is_killed_at_any_step_makes_no_batch_twice(book, monkeypatch, store, step, after):
    noted = getattr(store, step)

    def end(self, *arguments):
        if after:
            noted(self, *arguments)
        raise Killed

    with serve_provider(answer=answer_well) as provider:
        book.plan("run", most_requests=3)
        with monkeypatch.context() as patch:
            patch.setattr(store, step, end)
            with pytest.raises(Killed):
                await finish(provider, book)
        await finish(provider, book)
        assert answered(book) == 5
        assert len(provider.batches) == 2
        assert len({line["custom_id"] for line in provider.requests}) == len(provider.requests) == 5


@pytest.mark.parametrize("ends", ["expired", "cancelled", "failed"])
async def test_unanswered_requests_of_a_batch_wait_for_another(book, ends):
    def answer(body):
        return answer_well(body) if "[1|" in body["messages"][1]["content"] else None

    with serve_provider(answer=answer, ends=ends) as provider:
        book.plan("run")
        count, news = await finish(provider, book)
        assert count == (0 if ends == "failed" else 1)
        assert book.count_waiting() == 5 - count
        message = "; ".join(one.message for one in news if one.message)
        assert ("too many tokens" if ends == "failed" else "not reached in time") in message
        provider.answer, provider.ends = answer_well, "completed"
        assert book.plan("next") == 5 - count
        await finish(provider, book)
        assert answered(book) == 5


@pytest.mark.parametrize(("status", "kept"), [(400, 5), (429, 0), (500, 0), (404, 0)])
async def test_a_refusal_of_the_request_is_an_answer_and_a_fault_is_none(book, status, kept):
    with serve_provider(answer=lambda _: (status, {"error": {"message": "no"}})) as provider:
        book.plan("run")
        count, _ = await finish(provider, book)
        assert (count, book.count_waiting()) == (kept, 5 - kept)
        assert states(book).count(State.REFUSED) == kept
        book.forgive()
        assert states(book).count(State.REFUSED) == 0


async def test_every_fetched_answer_is_stored_and_counted_whatever_its_worth(book):
    def answer(body):
        reply = answer_well(body)[1]
        choice, number = reply["choices"][0], int(body["messages"][1]["content"][1])
        texts = {1: "nonsense", 2: '{"items":[{"n":2,"o', 3: None}
        message = {"role": "assistant", "content": texts.get(number, '{"items":[]}')}
        choice |= {"message": message | ({"refusal": "no"} if number == 3 else {})}
        choice["finish_reason"] = "length" if number == 2 else "stop"
        return 200, reply | {"usage": {"prompt_tokens": 10, "completion_tokens": number}}

    with serve_provider(answer=answer) as provider:
        book.plan("run")
        count, _ = await finish(provider, book)
    assert count == 5
    assert states(book) == [None, State.CUT, None, State.ANSWERED, State.ANSWERED]
    usage = book.store.spending.usage
    assert (usage.calls, usage.prompt_tokens, usage.output_tokens) == (5, 50, 1 + 2 + 3 + 4 + 5)


async def test_a_request_is_asked_live_before_a_batch_is_made_and_its_answer_is_kept(book):
    with serve_provider(answer=answer_well) as provider:
        spec = ModelSpec.parse(f"{provider.url}#m")
        async with open_batch_client(spec, book, ClientSettings(), POLICY, lambda _: None) as client:
            assert await client.plan() == 5
            assert await client.finish_all() == 4
    assert provider.asked[0] == "POST /chat/completions"
    assert [line["body"]["messages"][1]["content"][1] for line in provider.requests] == ["2", "3", "4", "5"]
    assert book.count_waiting() == 0


async def test_a_provider_that_refuses_the_live_request_gets_no_batch(book):
    with serve_provider(answer=answer_well, faults={"POST /chat/completions": [404]}) as provider:
        spec = ModelSpec.parse(f"{provider.url}#m")
        async with open_batch_client(spec, book, ClientSettings(), POLICY, lambda _: None) as client:
            with pytest.raises(ModelUnavailable, match="HTTP 404"):
                await client.plan()
    assert provider.asked == ["POST /chat/completions"]
    assert book.count_waiting() == 5


async def test_questions_wait_for_a_batch_within_the_budget(book):
    def model():
        return Model(ModelSpec.parse("http://nowhere.test/v1#m"), store=lambda: book.store, answerer=lambda: queue)

    async def queue_up(call):
        with pytest.raises(AnswerPending):
            await model().complete(call)
        return True

    queue = BatchQueue(book)
    assert [await queue_up(call) for call in (CALLS[0], call_about(7), call_about(7))] == [True] * 3
    assert book.count_waiting() == 6, "a waiting call is not queued again"
    one = Rates(messages=1, schema=0, answer=1)
    queue = BatchQueue(book, Budget(2000, Cases(one, one, one), Price(prompt=1_000_000, output=1_000_000)))
    assert await queue_up(call_about(7))
    ended = [await asyncio.gather(queue_up(call_about(number)), return_exceptions=True) for number in range(10, 40)]
    refused = [isinstance(one, BudgetReached) for (one,) in ended]
    assert refused == sorted(refused)
    assert book.count_waiting() == 6 + refused.count(False) < 36
