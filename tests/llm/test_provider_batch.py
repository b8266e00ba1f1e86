"""Batches at a provider, with faults in each step, and a kill of the program after each step."""

import json
import threading
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler
from itertools import product

import pytest

from extractor.errors import AnswerPending, BudgetReached, ModelUnavailable
from extractor.model import batches
from extractor.model.asking.reply_models import Reply
from extractor.model.batches import Batches, list_open
from extractor.model.calls import Call, Prompt
from extractor.model.client import Model
from extractor.model.cost.budget import Budget
from extractor.model.cost.prices import Price
from extractor.model.cost.tokens import Rates
from extractor.model.database import open_run
from extractor.model.spec import ClientSettings, ModelSpec
from extractor.model.store import CallStore, State
from tests.commands import invoke
from tests.faults.running import read_manifest
from tests.loopback import QuietHandler, run_server
from tests.provider import serve_provider
from tests.stand_ins import answer_request, list_items

PROMPT = Prompt("questions", 1, "a" * 64, "Read.")
RATES = Rates(messages=1, schema=0, answer=1)
DOLLARS = Price(prompt=1_000_000, output=1_000_000)
CALLS = [Call(PROMPT, f"[{number}|ok] Adults", Reply, 100) for number in range(1, 6)]


def answer_well(_):
    message = {"role": "assistant", "content": '{"items":[]}'}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    return 200, {"model": "m", "choices": [choice], "usage": usage}


@pytest.fixture
def store(tmp_path):
    with closing(open_run(tmp_path)) as run:
        yield CallStore(run)


async def no_wait(_):
    pass


async def finish(provider, store, budget=None, poll_s=0, sleep=no_wait, rounds=4):
    """Put the calls into batches, and finish all. Returns the news, and what is left unfinished as text."""
    news = []
    async with Model(ModelSpec.parse(f"{provider.url}#m")) as model:
        client = Batches(
            model,
            store,
            {PROMPT.name: Reply},
            budget or Budget(),
            news.append,
            poll_s,
            sleep,
            rounds,
        )
        for call in CALLS if not store.models else ():
            with pytest.raises(AnswerPending):
                client.answer(call)
        await client.finish()
    if client.refused:
        raise client.refused
    return news, " ".join(client.unfinished.values())


def states(store):
    """The states of the calls; None for a call that must be asked."""
    sql = (
        "SELECT state FROM calls WHERE key = ? AND state IN ('answered', 'cut', 'waiting')"
        " ORDER BY state, id DESC"
    )
    return [store.database.value(sql, (call.key_for("m"),)) for call in CALLS]


def answered(store):
    return states(store).count(State.ANSWERED)


async def test_more_than_a_provider_accepts_at_once_goes_in_parts(store, monkeypatch):
    monkeypatch.setattr(batches, "MOST_REQUESTS", 2)
    with serve_provider(answer=answer_well) as provider:
        news, unfinished = await finish(provider, store)
    counts = {1: 2, 2: 2, 3: 1}
    told = [("submitted", number, 0) for number in counts]
    told += [("in_progress", number, 0) for number in counts]
    for number, count in counts.items():
        told += [("completed", number, count), ("fetched", number, count)]
    assert [(new.state, new.number, new.done) for new in news] == told
    assert {new.number: new.requests for new in news} == counts
    assert unfinished == ""
    assert answered(store) == 5
    files = [provider.files[one["input_file_id"]] for one in provider.batches.values()]
    assert [len(file.splitlines()) for file in files] == [2, 2, 1]
    assert len({line["custom_id"] for line in provider.requests}) == 5


ROUTES = ("POST /files", "POST /batches", "GET /batches", "GET /files/content")


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("fault", [429, 503, 0])
async def test_a_temporary_fault_costs_nothing_and_creates_no_second_batch(
    store, route, fault
):
    """Fault 0 means that the provider acted, but the connection broke before the response."""
    with serve_provider(answer=answer_well, faults={route: [fault, fault]}) as provider:
        await finish(provider, store)
    assert (answered(store), len(provider.batches)) == (5, 1)


@pytest.mark.parametrize(
    ("route", "status"),
    [(ROUTES[0], 404), (ROUTES[1], 404), *((one, 500) for one in ROUTES)],
)
async def test_a_lasting_fault_is_reported_and_the_run_can_continue(
    store, route, status
):
    with serve_provider(answer=answer_well, faults={route: [status] * 99}) as provider:
        with pytest.raises(ModelUnavailable, match=f"HTTP {status}"):
            await finish(provider, store)
        assert provider.asked.count(route) == (8 if status == 500 else 1)
        provider.faults.clear()
        await finish(provider, store)
    assert (answered(store), len(provider.batches)) == (5, 1)


ODD = [
    {"data": None, "status": ["completed"]},
    {"data": [5], "status": "completed", "errors": {"data": 5}},
    {"data": [{"id": 5}], "status": "completed", "request_counts": {"failed": "no"}},
    {"data": [{"metadata": None}], "status": "completed", "output_file_id": 7},
]
"""Replies without what OpenAI's API promises, to a request for the list of batches and to one for a batch."""


@pytest.mark.parametrize("odd", ODD)
async def test_a_reply_of_another_form_is_asked_for_again(store, odd):
    faults = {"GET /batches": [(200, odd), None, (200, odd)]}
    with serve_provider(answer=answer_well, faults=faults) as provider:
        _, unfinished = await finish(provider, store)
    assert (unfinished, answered(store), len(provider.batches)) == ("", 5, 1)


async def test_an_id_that_no_address_can_hold_is_a_reply_of_another_form(store):
    def lengthen(batch):
        return batch | {"output_file_id": "f" * 100_000}

    with serve_provider(answer=answer_well, looks=0, shows=lengthen) as provider:
        with pytest.raises(ModelUnavailable) as stopped:
            await finish(provider, store)
        provider.shows = dict
        await finish(provider, store)
    assert len(str(stopped.value)) < 1_000
    assert (answered(store), len(provider.batches)) == (5, 1)


async def test_the_waits_between_polls_grow_up_to_five_minutes(store):
    waits = []

    async def sleep(seconds):
        waits.append(seconds)

    with serve_provider(answer=answer_well, looks=5) as provider:
        await finish(provider, store, poll_s=100, sleep=sleep)
    assert waits == [100, 150, 225, 300, 300]


class Killed(BaseException):
    """The program ends here."""


@pytest.mark.parametrize("step", range(1, 17))
async def test_a_program_that_is_killed_at_any_step_makes_no_batch_twice(
    store, monkeypatch, step
):
    """Before each change of the store."""
    monkeypatch.setattr(batches, "MOST_REQUESTS", 3)
    steps = iter(range(-4, 99))  # the first five changes store the calls

    def execute(sql, *values, known=store.database.execute):
        if sql.startswith(("COMMIT", "UPDATE batches")) and next(steps) == step:
            raise Killed
        return known(sql, *values)

    with serve_provider(answer=answer_well) as provider:
        with monkeypatch.context() as patch:
            patch.setattr(store.database, "execute", execute)
            with suppress(Killed):
                await finish(provider, store)
        await finish(provider, store)
    assert answered(store) == 5
    assert len(provider.batches) == 2
    names = {line["custom_id"] for line in provider.requests}
    assert len(provider.requests) == len(names) == 5
    assert store.spending.unstated == 0


@pytest.mark.parametrize(
    ("ends", "answers", "message"),
    [
        ("expired", 1, "not reached in time"),
        ("cancelled", 1, "not reached in time"),
        ("failed", 0, "line 1 is no JSON"),
    ],
)
async def test_unanswered_requests_of_a_batch_wait_for_another(
    store, ends, answers, message
):

    def only_first(body):
        is_first = "[1|" in body["messages"][1]["content"]
        return answer_well(body) if is_first else None

    with serve_provider(answer=only_first, ends=ends) as provider:
        news, unfinished = await finish(provider, store)
        assert answered(store) == answers
        assert message in "; ".join(new.message for new in news if new.message)
        assert ("the provider rejected it" in unfinished) is (ends == "failed")
        provider.answer = answer_well
        provider.ends = "completed"
        await finish(provider, store)
    assert (answered(store), store.spending.unstated) == (5, 0)


@pytest.mark.parametrize("status", [400, 429, 500])
async def test_a_fault_or_a_refusal_is_no_answer_and_is_named(store, status):
    def refuse(_):
        return status, {"error": {"message": "no"}}

    with serve_provider(answer=refuse) as provider:
        news, _ = await finish(provider, store)
    assert states(store) == [State.WAITING] * 5
    assert news[-1].message == f"5 without an answer; status {status}, no"


WORTHLESS = {
    1: ({"content": "nonsense"}, "stop"),
    2: ({"content": '{"items":[{"n":2,"o'}, "length"),
    3: ({"content": None, "refusal": "no"}, "stop"),
}
"""By the number of a question: a message that is no answer, and why it ends."""


async def test_every_answer_is_stored_and_counted_whatever_its_worth(store):
    def answer(body):
        number = int(body["messages"][1]["content"][1])
        status, reply = answer_well(body)
        (choice,) = reply["choices"]
        if number in WORTHLESS:
            message, choice["finish_reason"] = WORTHLESS[number]
            choice["message"] |= message
        # the last one does not state it
        usage = {"prompt_tokens": 10, "completion_tokens": number}
        return status, reply | {"usage": usage if number < 5 else {}}

    budget = Budget(1e9, RATES, DOLLARS)
    with serve_provider(answer=answer) as provider:
        await finish(provider, store, budget)
    assert states(store) == [None, State.CUT, None, State.ANSWERED, State.ANSWERED]
    spending = store.spending
    assert (spending.usage.prompt_tokens, spending.usage.output_tokens) == (40, 10)
    assert spending.unstated == 1
    assert "do not state a cost" in str(budget)


async def test_a_batch_has_only_what_fits_the_budget_at_the_most_also_after_a_kill(
    store,
):
    with serve_provider() as provider:
        for _ in range(2):
            async with Model(ModelSpec.parse(f"{provider.url}#m")) as model:
                budget = Budget(250, RATES, DOLLARS, store.spending)
                client = Batches(
                    model, store, {PROMPT.name: Reply}, budget, print, 0, no_wait, 4
                )
                for call, state in zip(CALLS, states(store), strict=True):
                    if state is None:
                        with suppress(AnswerPending, BudgetReached):
                            client.answer(call)
            assert (budget.reached, states(store).count(State.WAITING)) == (True, 2)


def hide(_):
    """A list that lags."""


def drop_metadata(batch):
    return batch | {"metadata": None}


def count_most():
    return sum(map(Budget(1e9, RATES, DOLLARS).price_most, CALLS))


async def test_a_batch_is_found_by_its_file_at_a_provider_without_tags(store):
    faults = {"POST /batches": [0]}
    with serve_provider(
        answer=answer_well, faults=faults, lists=drop_metadata
    ) as provider:
        await finish(provider, store, Budget(count_most(), RATES, DOLLARS))
    assert (answered(store), len(provider.batches)) == (5, 1)
    assert store.spending.unstated == 0


@pytest.mark.parametrize("fault", [0, -408, -499, -500, -504])
async def test_a_batch_that_may_exist_is_not_created_again_above_the_limit(
    fault, store
):
    """It may be paid for besides the one that is created instead. Each command has the limit."""
    faults = {"POST /batches": [fault]}
    with serve_provider(answer=answer_well, faults=faults, lists=hide) as provider:
        most = count_most()
        for _ in range(3):
            tight = Budget(most * 1.5, RATES, DOLLARS, store.spending)
            with pytest.raises((BudgetReached, ModelUnavailable)):
                await finish(provider, store, tight)
            assert (len(provider.batches), store.spending.unstated) == (1, 5)
        await finish(provider, store, Budget(most * 2, RATES, DOLLARS, store.spending))
    assert (answered(store), len(provider.batches)) == (5, 2)
    spending = store.spending
    assert (spending.usage.prompt_tokens, spending.unstated) == (50, 5)
    assert DOLLARS.most(spending.most_unpriced) == most


async def test_a_lower_limit_holds_for_the_batch_of_an_earlier_command(store):
    most = count_most()
    with serve_provider(faults={"POST /batches": [401]}) as provider:
        for limit, error in (most, ModelUnavailable), (most / 2, BudgetReached):
            budget = Budget(limit, RATES, DOLLARS, store.spending)
            with pytest.raises(error):
                await finish(provider, store, budget)
            assert not provider.batches
        await finish(provider, store, Budget(most, RATES, DOLLARS, store.spending))
    assert len(provider.batches) == 1


async def test_a_provider_that_lists_no_batches_is_used_all_the_same(store):
    faults = {"GET /batches": [404]}
    with serve_provider(answer=answer_well, faults=faults) as provider:
        await finish(provider, store)
    assert (answered(store), len(provider.batches)) == (5, 1)


SPOILED = {
    "a page": (lambda _: b"<html><body>Sign in</body></html>", "'<html>"),
    "nothing": (lambda _: b"", "5 of its requests have no line in the answer files"),
    "a cut last line": (
        lambda text: text[:-40],
        "1 may have been paid for without a readable answer",
    ),
    "a last line that is cut in its name": (
        lambda text: text[: text.rindex(b'"custom_id"') + 20],
        "line 5 of /files/file-1/content is",
    ),
    "an end between lines": (
        lambda text: b"\n".join(text.splitlines()[:2]),
        "3 of its requests have no line in the answer files",
    ),
    "another batch's answers": (
        lambda text: text.replace(b'"custom_id": "', b'"custom_id": "x'),
        "5 of its requests have no line in the answer files",
    ),
    "JSON that is deep": (lambda _: b"[" * 200_000, "line 1"),
    **{
        f"{after.decode()} in a line": (
            lambda text, pair=(before, after): text.replace(*pair, 1),
            "1 may have been paid for without a readable answer",
        )
        for before, after in [
            (b'"choices"', b'"chxices"'),
            (b'"status_code": 200', b'"status_code": 20'),
            (b'"status_code": 200', b'"status_code": 504'),
            (b'"response"', b'"respxnse"'),
        ]
    },
}


@pytest.mark.parametrize(("spoil", "said"), SPOILED.values(), ids=SPOILED)
async def test_a_spoilt_download_is_fetched_by_the_next_command_and_not_bought_twice(
    store, spoil, said
):
    with serve_provider(answer=answer_well, spoils=[spoil]) as provider:
        _, unfinished = await finish(provider, store)
        kept = answered(store)
        assert said in unfinished
        assert f"{5 - kept} of its questions are unanswered" in unfinished
        assert len(list_open(store)) == 1
        _, unfinished = await finish(provider, store)
    assert (unfinished, answered(store), len(provider.requests)) == ("", 5, 5)
    assert (store.spending.usage.calls, store.spending.unstated) == (5, 0)


ODD_STATUSES = {
    "0": {"status_code": 0},
    "null": {"status_code": None},
    "true": {"status_code": True},
    "a word": {"status_code": "late"},
    "a list": {"status_code": [500]},
    "missing": {},
    "a failure": {"status_code": 500},
}
SHAPES = {
    "usual": lambda line: line,
    "without usage": lambda line: _change_body(line, {"usage": None}),
    "broken": lambda line: _change_body(line, {"choices": None, "text": "{}"}),
    "in a list": lambda line: line | {"response": [line["response"]]},
    "elsewhere": lambda line: (
        {"answer": line["response"]["body"]} | line | {"response": None}
    ),
}


def _change_body(line, change):
    response = line["response"]
    return line | {"response": response | {"body": response["body"] | change}}


@pytest.mark.parametrize(
    ("status", "shape"),
    # a failed request without an answer is free
    [pair for pair in product(ODD_STATUSES, SHAPES) if pair != ("a failure", "broken")],
)
async def test_an_answer_beside_an_error_is_paid_and_not_bought_again(
    store, status, shape
):
    """Whatever the line says of its status."""

    def rewrite(content):
        rows = []
        for row in map(json.loads, content.splitlines()):
            body = row["response"]["body"]
            row["response"] = ODD_STATUSES[status] | {"body": body}
            row["error"] = {"code": "lost", "message": "it failed"}
            rows.append(json.dumps(SHAPES[shape](row)).encode())
        return b"\n".join(rows)

    with serve_provider(answer=answer_well, spoils=[rewrite] * 3) as provider:
        for _ in range(3):
            _, unfinished = await finish(provider, store)
            assert "5 may have been paid for without a readable answer" in unfinished
            assert len(provider.requests) == 5
            spending = store.spending
            assert spending.usage.calls + spending.unstated == 5


async def test_a_status_that_is_written_as_text_is_read(store):
    texts = (b'"status_code": 200', b'"status_code": "200"')
    with serve_provider(
        answer=answer_well, spoils=[lambda content: content.replace(*texts)]
    ) as provider:
        await finish(provider, store)
    assert (answered(store), len(provider.requests)) == (5, 5)


async def test_a_question_is_in_as_many_batches_as_the_rounds_of_all_commands(store):
    with serve_provider(answer=lambda _: (500, {})) as provider:
        for _ in range(4):
            await finish(provider, store, rounds=2)
        assert len(provider.batches) == 2
        provider.answer = answer_well
        await finish(provider, store, rounds=3)
    assert (len(provider.batches), answered(store)) == (3, 5)


async def test_a_batch_that_cannot_be_created_again_does_not_hold_up_another(
    store, monkeypatch
):
    monkeypatch.setattr(batches, "MOST_REQUESTS", 3)
    faults = {"POST /batches": [0]}
    with serve_provider(answer=answer_well, faults=faults, lists=hide) as provider:
        tight = Budget(count_most(), RATES, DOLLARS, store.spending)
        with pytest.raises(BudgetReached, match="batch 1 is not created"):
            await finish(provider, store, tight)
    # the second batch has two of the five questions
    assert (answered(store), len(provider.batches)) == (2, 2)


@pytest.mark.parametrize("counts", ["stated", "not stated"])
async def test_answers_of_a_cancelled_batch_are_not_bought_again_if_their_file_is_lost(
    store, counts
):
    """The provider answered the first two, and the other three have lines that say that they failed."""

    def answer(body):
        return answer_well(body) if body["messages"][1]["content"][1] in "12" else None

    def lose(content):
        return b""

    provided = serve_provider(answer=answer, ends="cancelled", spoils=[lose], looks=0)
    with provided as provider:
        if counts == "not stated":
            provider.shows = lambda batch: batch | {"request_counts": None}
        _, unfinished = await finish(provider, store)
        assert "2 of its requests have no line" in unfinished
        await finish(provider, store)
    assert (answered(store), len(provider.requests)) == (2, 5)


async def test_a_batch_that_ends_early_is_not_sent_again_before_its_answers_are_read(
    store,
):
    """It counts five answers, but its file holds two."""
    cut = SPOILED["an end between lines"][0]
    provided = serve_provider(answer=answer_well, ends="cancelled", spoils=[cut])
    with provided as provider:
        _, unfinished = await finish(provider, store)
        assert "3 of its requests have no line" in unfinished
        await finish(provider, store)
    assert (answered(store), len(provider.requests)) == (5, 5)


async def test_a_batch_whose_id_got_lost_is_found_on_any_page_of_the_list(store):
    """The connection breaks after the batch is made, and others make batches after it."""
    with serve_provider(answer=answer_well, page=2, later=5) as provider:
        provider.faults["POST /batches"] = [0]
        await finish(provider, store)
    assert (answered(store), len(provider.batches)) == (5, 6)


LOST = {"batch-0": "the provider does not know it", "file-1": "is no longer there"}


@pytest.mark.parametrize(("name", "said"), LOST.items())
async def test_answers_that_a_provider_no_longer_has_are_reported(store, name, said):
    with serve_provider(answer=answer_well, gone={name}) as provider:
        _, unfinished = await finish(provider, store)
    assert said in unfinished
    assert "5 of its questions are unanswered" in unfinished
    assert len(list_open(store)) == 1


def answer_usably(body):
    """A usable answer to each request, also to one that ``answer_request`` answers badly."""
    reply = answer_request(body)
    message = {"role": "assistant", "content": list_items(body)}
    reply["choices"][0]["message"] = message
    return 200, reply


@pytest.mark.parametrize(
    ("settings", "code", "said"),
    [
        ({"answer": answer_usably}, 0, ""),
        ({"answer": lambda _: None}, 75, "did not return an answer to 1 call"),
    ],
    ids=["answered", "expired"],
)
def test_a_run_by_batches_ends_with_its_results(tmp_path, settings, code, said):
    words = ("tests/records/study.json", "--effort", "full", "--out", tmp_path)
    with serve_provider(looks=0, **settings) as provider:
        model = ("--model", f"{provider.url}#m", "--quiet")
        assert invoke("batch", "submit", *words, *model).exit_code == 0
        assert read_manifest(tmp_path)["records"]["lacking"] == 1
        done = invoke("batch", "collect", *words, *model, "--poll", 0)
    assert (done.exit_code, said in done.stderr) == (code, True)
    counts = read_manifest(tmp_path)["records"]
    assert (counts["extracted"], counts["lacking"]) == (1, bool(code))
    # one request reads the whole record; one that expires is sent again
    assert (len(provider.batches) == 1) is (code == 0)


async def test_second_lines_other_line_ends_and_a_mark_of_the_encoding_are_read(store):
    def rewrite(content):
        twice = content.replace(b"items", b"others") + b"\n"
        return b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n") + b"\r\n \n" + twice

    with serve_provider(answer=answer_well, spoils=[rewrite]) as provider:
        _, unfinished = await finish(provider, store)
    assert (unfinished, answered(store), store.spending.usage.calls) == ("", 5, 5)
    assert provider.asked.count("GET /files/content") == 1


async def test_a_provider_that_never_answers_ends_the_batch(store):
    """Each attempt lasts as long as a request may."""

    class Handler(QuietHandler, BaseHTTPRequestHandler):
        def do_POST(self):
            gone.wait(60)

        do_GET = do_POST  # noqa: N815 - a name of http.server

    gone = threading.Event()
    with run_server(Handler) as url:
        settings = ClientSettings(timeout=0.05)
        async with Model(ModelSpec.parse(f"{url}#m"), settings) as model:
            client = Batches(
                *(model, store, {PROMPT.name: Reply}, Budget(), lambda _: None),
                0,
                no_wait,
                4,
            )
            with pytest.raises(AnswerPending):
                client.answer(CALLS[0])
            with pytest.raises(ModelUnavailable, match="no answer in time"):
                await client.finish()
        gone.set()
    assert list_open(store)
