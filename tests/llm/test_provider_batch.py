"""Batches at a provider, with faults in each step, and a kill of the program after each step."""

from contextlib import closing

import pytest

from extractor.errors import AnswerPending, BudgetReached, ModelUnavailable
from extractor.model.asking.reply_models import Reply
from extractor.model.batch_book import BatchBook
from extractor.model.batch_queue import BatchQueue
from extractor.model.batches import BatchPolicy, PollPolicy, open_batch_client
from extractor.model.calls import Call, PromptVersion, schema_of
from extractor.model.client import Model, Route
from extractor.model.cost.budget import Budget
from extractor.model.cost.prices import Price
from extractor.model.cost.tokens import Rates
from extractor.model.database import open_run
from extractor.model.spec import ClientSettings, ModelSpec
from extractor.model.store import CallStore, State
from tests.provider import serve_provider


async def no_wait(_):
    pass


POLICY = PollPolicy(sleep=no_wait)
PROMPT = PromptVersion("questions", 1, "a" * 64)


def answer_well(_):
    """An answer that states nothing."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": '{"items":[]}'},
        "finish_reason": "stop",
    }
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


def open_client(provider, book, policy=POLICY, note=lambda _: None, how=None):
    spec = ModelSpec.parse(f"{provider.url}#m")
    return open_batch_client(
        spec, book, ClientSettings(), policy, note, how or BatchPolicy()
    )


async def finish(provider, book):
    """Finish all batches. Returns how many answers came, and the news."""
    news = []
    async with open_client(provider, book, note=news.append) as client:
        return await client.finish_all(), news


async def finish_with(provider, book, **sending):
    """Finish all batches, as ``BatchPolicy`` says. Returns the news and what was left
    unfinished, as text.
    """
    news = []
    how = BatchPolicy(**sending)
    async with open_client(provider, book, note=news.append, how=how) as client:
        await client.finish_all()
        return news, " ".join(client.unfinished.values())


def states(book):
    """The states of the calls; None for a call that is not stored."""
    stored = [book.store.find(call, "m") for call in CALLS]
    return [call and call.state for call in stored]


def answered(book):
    return states(book).count(State.ANSWERED)


BYTES = 2 * (500 + len(schema_of(Reply).encode()) + len("Read.[1|ok] Adults"))
"""Two calls' size."""


@pytest.mark.parametrize("limits", [{"most_requests": 2}, {"most_bytes": BYTES}])
async def test_more_than_a_provider_accepts_at_once_goes_in_parts(book, limits):
    with serve_provider(answer=answer_well) as provider:
        book.plan("run", **limits)
        count, _ = await finish(provider, book)

    assert count == 5
    sizes = []
    for batch in provider.batches.values():
        content = provider.files[batch["input_file_id"]]
        sizes.append(len(content.splitlines()))
    assert sizes == [2, 2, 1]
    assert len({line["custom_id"] for line in provider.requests}) == 5
    for line in provider.requests:
        assert line.keys() == {"custom_id", "method", "url", "body"}
        assert line["method"] == "POST"
        assert line["url"] == "/v1/chat/completions"


ROUTES = ("POST /files", "POST /batches", "GET /batches", "GET /files/content")


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("fault", [429, 503, 0])
async def test_a_temporary_fault_costs_nothing_and_creates_no_second_batch(
    book, route, fault
):
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
    ("store", "step"),
    [
        (BatchBook, "note_sent"),
        (BatchBook, "note_made"),
        (CallStore, "end"),
        (BatchBook, "close"),
    ],
)
@pytest.mark.parametrize("after", [False, True])
async def test_a_program_that_is_killed_at_any_step_makes_no_batch_twice(
    book, monkeypatch, store, step, after
):
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
    assert len(provider.requests) == 5
    assert len({line["custom_id"] for line in provider.requests}) == 5


def answer_only_the_first(otherwise):
    """Answers the first question well, and the others so."""

    def answer(body):
        is_first = "[1|" in body["messages"][1]["content"]
        return answer_well(body) if is_first else otherwise

    return answer


@pytest.mark.parametrize(
    ("ends", "answers", "message"),
    [
        ("expired", 1, "not reached in time"),
        ("cancelled", 1, "not reached in time"),
        ("failed", 0, "line 1 is no JSON"),
    ],
)
async def test_unanswered_requests_of_a_batch_wait_for_another(
    book, ends, answers, message
):
    with serve_provider(answer=answer_only_the_first(None), ends=ends) as provider:
        book.plan("run")
        count, news = await finish(provider, book)

        assert count == answers
        assert book.count_waiting() == 5 - answers
        assert message in "; ".join(new.message for new in news if new.message)

        provider.answer = answer_well
        provider.ends = "completed"
        assert book.plan("next") == 5 - answers
        await finish(provider, book)

    assert answered(book) == 5


@pytest.mark.parametrize(("status", "kept"), [(400, 5), (429, 0), (500, 0), (404, 0)])
async def test_a_refusal_of_the_request_is_an_answer_and_a_fault_is_none(
    book, status, kept
):
    refusal = (status, {"error": {"message": "no"}})

    with serve_provider(answer=lambda _: refusal) as provider:
        book.plan("run")
        count, _ = await finish(provider, book)

    assert count == kept
    assert book.count_waiting() == 5 - kept
    assert states(book).count(State.REFUSED) == kept
    book.forgive()
    assert states(book).count(State.REFUSED) == 0


WORTHLESS = {
    1: ({"content": "nonsense"}, "stop"),
    2: ({"content": '{"items":[{"n":2,"o'}, "length"),
    3: ({"content": None, "refusal": "no"}, "stop"),
}


"""By the number of a question: a message that is no answer, and why it ends."""


async def test_every_fetched_answer_is_stored_and_counted_whatever_its_worth(book):
    def answer(body):
        number = int(body["messages"][1]["content"][1])
        status, reply = answer_well(body)
        (choice,) = reply["choices"]
        if number in WORTHLESS:
            message, choice["finish_reason"] = WORTHLESS[number]
            choice["message"] |= message
        reply["usage"] = {"prompt_tokens": 10, "completion_tokens": number}
        return status, reply

    with serve_provider(answer=answer) as provider:
        book.plan("run")
        count, _ = await finish(provider, book)

    assert count == 5
    assert states(book) == [None, State.CUT, None, State.ANSWERED, State.ANSWERED]
    usage = book.store.spending.usage
    assert usage.calls == 5
    assert usage.prompt_tokens == 50
    assert usage.output_tokens == 1 + 2 + 3 + 4 + 5


async def test_a_request_is_asked_live_before_a_batch_is_made_and_its_answer_is_kept(
    book,
):
    with serve_provider(answer=answer_well) as provider:
        async with open_client(provider, book) as client:
            assert await client.plan() == 5
            assert await client.finish_all() == 4

    assert provider.asked[0] == "POST /chat/completions"
    texts = [line["body"]["messages"][1]["content"] for line in provider.requests]
    assert [text[1] for text in texts] == ["2", "3", "4", "5"]
    assert book.count_waiting() == 0


async def queue_up(queue, book, call):
    """Ask a model that answers by batches."""
    spec = ModelSpec.parse("http://nowhere.test/v1#m")
    model = Model(
        spec, store=lambda: book.store, route=Route(answer=queue.answer, queues=True)
    )
    with pytest.raises(AnswerPending):
        await model.complete(call)


async def test_a_waiting_call_is_not_queued_again(book):
    queue = BatchQueue(book)

    await queue_up(queue, book, CALLS[0])
    await queue_up(queue, book, call_about(7))
    await queue_up(queue, book, call_about(7))

    assert book.count_waiting() == len(CALLS) + 1


async def test_questions_wait_for_a_batch_within_the_budget(book):
    price = Price(prompt=1_000_000, output=1_000_000)
    budget = Budget(2000, Rates(messages=1, schema=0, answer=1), price)
    queue = BatchQueue(book, budget)
    await queue_up(queue, book, CALLS[0])  # it waits already, and costs nothing

    is_refused = []
    for number in range(10, 40):
        try:
            await queue_up(queue, book, call_about(number))
        except BudgetReached:
            is_refused.append(True)
        else:
            is_refused.append(False)

    assert is_refused == sorted(is_refused), "after a refusal there are only others"
    assert book.count_waiting() == len(CALLS) + is_refused.count(False)
    assert True in is_refused


def count_lines(provider):
    """The requests of all batches that were not refused as a whole: each is paid for."""
    inputs = [
        batch["input_file_id"]
        for batch in provider.batches.values()
        if batch["status"] != "failed"
    ]
    return sum(len(provider.files[name].splitlines()) for name in inputs)


def end_in_a_line(content):
    return content[: len(content) - 40]


def end_between_lines(content):
    return b"\n".join(content.splitlines()[:2]) + b"\n"


SPOILED = {
    "a page": (lambda _: b"<html><body>Sign in</body></html>", "'<html>"),
    "nothing": (lambda _: b"", "empty"),
    "blank lines": (lambda _: b"\n \n", "empty"),
    "an error with 200": (
        lambda _: b'{"error": {"message": "try later"}}',
        "try later",
    ),
    "half a body": (
        lambda content: content[: len(content) // 2],
        "ends in the middle of line",
    ),
    "a cut last line": (end_in_a_line, "ends in the middle of line 5"),
    "an end between lines": (end_between_lines, "2 of 5 answers"),
    "another batch's answers": (
        lambda content: content.replace(b'"custom_id": "', b'"custom_id": "x'),
        "0 of 5 answers",
    ),
    "JSON that is deep": (lambda _: b"[" * 200_000, "no file of answers"),
    "zeros": (lambda _: bytes(2_000), "no file of answers"),
}


@pytest.mark.parametrize("counts", [False, True])
@pytest.mark.parametrize(("spoil", "said"), SPOILED.values(), ids=SPOILED)
async def test_an_unreadable_download_is_fetched_again_and_nothing_is_bought_twice(
    book, spoil, said, counts
):
    with serve_provider(
        answer=answer_well, spoils=[spoil, spoil], counts=counts
    ) as provider:
        book.plan("run")
        news, unfinished = await finish_with(provider, book)
    assert unfinished == ""
    assert said in next(new.message for new in news if new.state == "unread")
    assert news[-1].state == "fetched"
    assert answered(book) == 5
    assert count_lines(provider) == 5


@pytest.mark.parametrize(("spoil", "said"), SPOILED.values(), ids=SPOILED)
async def test_a_batch_that_stays_unreadable_stays_open_and_keeps_what_was_read(
    book, spoil, said
):
    with serve_provider(answer=answer_well, spoils=[spoil] * 4) as provider:
        book.plan("run")
        _, unfinished = await finish_with(provider, book)
        kept = answered(book)
        assert said in unfinished
        assert f"{5 - kept} of its questions have no answer" in unfinished
        assert len(book.open_batches()) == 1
        assert book.count_unanswered() == 5 - kept
        _, unfinished = await finish_with(provider, book)
    assert unfinished == ""
    assert answered(book) == 5
    assert count_lines(provider) == 5
    assert book.store.spending.usage.calls == 5


async def test_other_line_ends_and_a_mark_of_the_encoding_are_read(book):
    def rewrite(content):
        return b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n")

    with serve_provider(answer=answer_well, spoils=[rewrite]) as provider:
        book.plan("run")
        news, unfinished = await finish_with(provider, book)
    assert unfinished == ""
    assert answered(book) == 5
    assert "unread" not in [new.state for new in news]


async def test_counts_that_say_that_there_are_no_answers_close_a_batch(book):
    with serve_provider(answer=lambda _: None, ends="expired", counts=True) as provider:
        book.plan("run")
        _, unfinished = await finish_with(provider, book)
    assert unfinished == ""
    assert book.open_batches() == []
    assert book.count_waiting() == 5


@pytest.mark.parametrize("lost", ["batch-0", "file-1"])
async def test_what_is_gone_is_named_and_only_what_it_held_is_asked_again(book, lost):
    with serve_provider(answer=answer_well, looks=0) as provider:
        book.plan("run", most_requests=3)
        provider.looks = 99
        async with open_client(provider, book) as client:
            await client.submit_all()
        provider.looks = 0
        for name in provider.batches:
            provider.look(name)
        if lost == "file-1":
            lost = provider.batches["batch-0"]["output_file_id"]
        provider.gone.add(lost)

        for _ in range(2):
            _, unfinished = await finish_with(provider, book)
            assert "no longer" in unfinished
            assert "HTTP 404" in unfinished
            assert "3 of its questions have no answer" in unfinished
            assert "check the model's name" not in unfinished
            assert answered(book) == 2
            assert len(provider.batches) == 2

        news, unfinished = await finish_with(provider, book, asks_again=True)
        assert unfinished == ""
        assert answered(book) == 2
        assert book.count_waiting() == 3
        assert "what has no answer is asked again (3 questions)" in news[-1].message

        assert book.plan("next") == 3
        await finish_with(provider, book)

    assert answered(book) == 5
    assert len(provider.requests) == 5 + 3


NO = (500, {"error": {"message": "no"}})


async def test_answers_are_kept_though_the_file_of_errors_is_gone(book):
    answer = answer_only_the_first(NO)

    with serve_provider(answer=answer, gone={"file-2"}) as provider:
        book.plan("run")
        _, unfinished = await finish_with(provider, book)

        assert "its file of errors (file-2) is no longer there" in unfinished
        assert answered(book) == 1
        assert book.count_unanswered() == 4

        provider.counts = True
        provider.answer = answer_well
        await finish_with(provider, book, asks_again=True)
        assert book.plan("next") == 4
        await finish_with(provider, book)

    assert answered(book) == 5


async def test_with_counts_a_lost_file_of_errors_holds_nothing_up(book):
    answer = answer_only_the_first(NO)

    with serve_provider(answer=answer, gone={"file-2"}, counts=True) as provider:
        book.plan("run")
        _, unfinished = await finish_with(provider, book)

    assert unfinished == ""
    assert answered(book) == 1
    assert book.count_waiting() == 4


async def test_at_another_address_no_batch_is_given_up(book):
    with serve_provider(answer=answer_well, looks=99) as provider:
        book.plan("run")
        async with open_client(provider, book) as client:
            await client.submit_all()

        provider.gone.add("batches")
        with pytest.raises(ModelUnavailable, match="the batch API is not there"):
            await finish_with(provider, book, asks_again=True)
        assert len(book.open_batches()) == 1

        provider.gone.clear()
        provider.looks = 0
        await finish_with(provider, book)

    assert answered(book) == 5
    assert len(provider.batches) == 1


async def test_a_lost_upload_is_sent_again(book):
    faults = {"POST /batches": [500] * 9}

    with serve_provider(answer=answer_well, faults=faults) as provider:
        book.plan("run")
        with pytest.raises(ModelUnavailable):
            await finish(provider, book)
        provider.faults = {"POST /batches": [404]}
        count, _ = await finish(provider, book)

    assert count == 5
    assert provider.asked.count("POST /files") == 2
    assert len(provider.batches) == 1


async def test_a_server_without_batches_is_not_taken_for_a_wrong_name_of_a_model(book):
    faults = {"POST /files": [404] * 9}

    with serve_provider(answer=answer_well, faults=faults) as provider:
        book.plan("run")
        with pytest.raises(
            ModelUnavailable, match="the batch API is not there"
        ) as caught:
            await finish(provider, book)

    assert "model's name" not in str(caught.value)


async def test_batches_are_split_by_tokens_and_wait_for_room(book):
    two = 2 * book._measure(CALLS[0])[1]

    with serve_provider(answer=answer_well, room=2, looks=3) as provider:
        book.plan("run", most_tokens=two)
        _, unfinished = await finish_with(provider, book, most_tokens=two)

    assert unfinished == ""
    assert answered(book) == 5
    assert [batch["status"] for batch in provider.batches.values()] == ["completed"] * 3


async def test_a_batch_that_is_refused_waits_for_those_under_way(book):
    with serve_provider(answer=answer_well, room=3, looks=3) as provider:
        book.plan("run", most_requests=3)
        news, unfinished = await finish_with(provider, book)
    assert unfinished == ""
    assert answered(book) == 5
    assert count_lines(provider) == 5
    refused = next(new.message for new in news if new.state == "refused")
    assert "Enqueued token limit reached" in refused


async def test_a_batch_that_is_refused_alone_asks_for_the_limit(book):
    two = 2 * book._measure(CALLS[0])[1]

    with serve_provider(answer=answer_well, room=2) as provider:
        book.plan("run")
        _, unfinished = await finish_with(provider, book)
        assert "name its limit with --batch-tokens N" in unfinished
        assert answered(book) == 0
        assert count_lines(provider) == 0
        _, unfinished = await finish_with(provider, book, most_tokens=two)

    assert unfinished == ""
    assert answered(book) == 5
    assert count_lines(provider) == 5


async def test_a_limit_that_stays_ends_unfinished_and_asks_nothing_else(book):
    with serve_provider(answer=answer_well, room=0) as provider:
        book.plan("run")
        _, unfinished = await finish_with(provider, book)
        assert "had no room" in unfinished
        assert "Enqueued token limit reached" in unfinished
        assert count_lines(provider) == 0
        assert book.count_unanswered() == 5
        assert len(provider.batches) <= 12
        provider.room = None
        await finish_with(provider, book)
    assert answered(book) == 5


async def test_a_refusal_at_once_is_told_as_one_that_comes_later(book):
    message = "Enqueued token limit reached for m. Limit: 90,000 enqueued tokens."
    full = (429, {"error": {"message": message}})

    with serve_provider(
        answer=answer_well, faults={"POST /batches": [full]}
    ) as provider:
        book.plan("run")
        news, unfinished = await finish_with(provider, book)
        assert message in unfinished
        assert [new.state for new in news].count("refused") == 1
        await finish_with(provider, book)

    assert answered(book) == 5
    assert count_lines(provider) == 5
