"""The store of replies in front of the network: sent requests, served replies, and costs."""

import asyncio
import sqlite3
import zlib
from contextlib import closing, contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractor.errors import AnswerRejected, CassetteMiss, ModelUnavailable
from extractor.llm.cache import ReplyStore
from extractor.llm.client import ClientSettings, Model
from extractor.llm.database import open_run, open_run_to_read
from extractor.llm.recordings import RecallTally, RecallTransport
from extractor.llm.requests import AnswerMode, mode_of
from extractor.llm.spec import ModelSpec
from extractor.llm.trace import session
from extractor.schemas import Usage
from tests.depth import choose

from .colours import ask_about, patient, render
from .stub import Scripted, completion, fault, items, serve

RED = {"n": 1, "colour": "red"}
BLUE = {"n": 1, "colour": "blue"}


@contextmanager
def store_in(folder):
    with closing(open_run(folder)) as run:
        yield ReplyStore(run)


def asking(replies, stub, settings=None, **spec):
    chosen = ModelSpec.parse(f"{stub.url}#stub", **spec)
    return Model(chosen, settings, patient(), replies=lambda: replies)


def recalling(replies, tally=None, settings=None):
    spec = ModelSpec.parse("http://nowhere.test/v1#another-name")
    return Model(spec, settings, patient(), transport=lambda: RecallTransport(replies, tally))


def query(folder, sql):
    with closing(open_run_to_read(folder)) as run:
        return run.execute(sql).fetchall()


async def ask(model, *numbers, record_id="r"):
    with session(record_id) as trace:
        return await model.complete(ask_about(*numbers), render), trace


async def test_an_answered_request_is_not_sent_again_and_costs_nothing_now(tmp_path):
    with serve([completion(items(RED))]) as stub:
        with store_in(tmp_path) as replies:
            first, _ = await ask(asking(replies, stub), 1)
        with store_in(tmp_path) as replies:
            model = asking(replies, stub)
            again, _ = await ask(model, 1, record_id="another")
            assert replies.spending.usage == first.usage.model_copy(update={"questions": 0})
    assert len(stub.requests) == 1
    assert again == first
    assert (first.usage.calls, first.usage.prompt_tokens) == (1, 10)
    assert model.usage == Usage(questions=1)


async def test_another_model_or_parameter_is_asked_anew(tmp_path):
    with serve([completion(items(RED))]) as stub, store_in(tmp_path) as replies:
        await ask(asking(replies, stub), 1)
        await ask(asking(replies, stub, ClientSettings(extra={"seed": 7})), 1)
        await ask(Model(ModelSpec.parse(f"{stub.url}#b"), replies=lambda: replies), 1)
    assert len(stub.requests) == 3


@pytest.mark.parametrize("mode", AnswerMode)
async def test_a_reask_that_ended_well_is_served_with_all_it_cost(tmp_path, mode):
    def answer(request):
        text = items(BLUE) if len(request["messages"]) == 2 else items(RED)
        if mode is not AnswerMode.TOOLS:
            return completion(text)
        call = {"name": request["tools"][0]["function"]["name"], "arguments": text}
        calls = [{"id": f"call_{len(stub.requests)}", "type": "function", "function": call}]
        return completion(None, "tool_calls", message={"tool_calls": calls})

    chosen = ClientSettings(mode=mode)
    with serve(answer) as stub, store_in(tmp_path) as replies:
        first, _ = await ask(asking(replies, stub, chosen), 1)
        again, _ = await ask(asking(replies, stub, chosen), 1)
        assert mode_of(replies.last_request) is mode
    assert len(stub.requests) == 2
    assert again == first
    assert again.usage.calls == 2


@pytest.mark.parametrize(
    ("bad", "verdict"),
    [
        (completion(items(BLUE)), "rejected"),
        (completion('{"items":[{"n":1,"col', "length"), "truncated"),
        (fault(500), "failed"),
        (Scripted(200, "<html>"), "failed"),
    ],
)
async def test_replies_that_are_not_valid_are_stored_and_asked_again(tmp_path, bad, verdict):
    chosen = ClientSettings(reasks=0)
    with serve([bad] * 4 + [completion(items(RED))]) as stub, store_in(tmp_path) as replies:
        asked = 0
        while not asked or len(stub.requests) < 4:
            with pytest.raises((AnswerRejected, ModelUnavailable)):
                await ask(asking(replies, stub, chosen), 1)
            asked += 1
        good, _ = await ask(asking(replies, stub, chosen), 1)
    assert [item.colour for item in good.items] == ["red"]
    assert query(tmp_path, "SELECT verdict FROM chains ORDER BY id") == [(verdict,)] * asked + [("valid",)]
    kept = 1 if bad.status == 500 else 5  # the text of an error is not stored
    assert query(tmp_path, "SELECT count(*), count(reply) FROM calls") == [(5, kept)]


async def test_an_answer_whose_chain_was_killed_is_served_and_judged_by_the_next(tmp_path):
    with serve([completion(items(BLUE)), completion(items(RED))]) as stub:
        with store_in(tmp_path) as replies:
            await ask(asking(replies, stub), 1)
        with (
            closing(sqlite3.connect(tmp_path / "run.sqlite")) as run,
            run,
        ):  # as a kill between the reply and its verdict leaves it
            run.execute("DELETE FROM calls WHERE id = 2")
            run.execute("UPDATE chains SET verdict = NULL")
        with store_in(tmp_path) as replies:
            again, _ = await ask(asking(replies, stub), 1)
            once_more, _ = await ask(asking(replies, stub), 1)
    assert len(stub.requests) == 3, "the re-ask alone was sent again"
    assert again == once_more
    assert again.usage.calls == 2
    assert query(tmp_path, "SELECT verdict FROM chains") == [("valid",), ("valid",)]


async def test_equal_requests_at_one_time_share_one_call(tmp_path):
    with serve([completion(items(RED))]) as stub, store_in(tmp_path) as replies:
        async with asking(replies, stub) as model:
            shared = await asyncio.gather(*(ask(model, 1, record_id=f"r{n}") for n in range(5)))
        assert replies.spending.usage.calls == len(stub.requests) == 1
    assert {(reply.usage.calls, reply.usage.prompt_tokens) for reply, _ in shared} == {(1, 10)}
    assert model.usage.calls == 1


async def test_no_key_address_or_header_is_stored(tmp_path):
    with serve([fault(401, "wrong key sk-very-secret"), completion(items(RED))]) as stub, store_in(tmp_path) as replies:
        for _ in range(2):
            try:
                await ask(asking(replies, stub, server_key="sk-very-secret"), 1)
            except ModelUnavailable:
                continue
    with closing(open_run_to_read(tmp_path)) as run:
        kept = []
        for (table,) in run.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in run.execute(f"SELECT * FROM {table}"):
                kept += [zlib.decompress(value).decode() if isinstance(value, bytes) else str(value) for value in row]
    text = "\n".join(kept)
    assert "line 1" in text
    for secret in ("Authorization", "Bearer", "127.0.0.1", "user-agent", "sk-very-secret"):
        assert secret.lower() not in text.lower()


async def test_a_run_is_replayed_record_by_record(tmp_path):
    """Two records ask the same at different times, and get different answers, one of them invalid."""
    with serve([completion(items(BLUE)), completion(items(RED))]) as stub, store_in(tmp_path) as replies:
        model = asking(replies, stub, ClientSettings(reasks=0))
        with pytest.raises(AnswerRejected) as refused:
            await ask(model, 1, record_id="one")
        good, _ = await ask(model, 1, record_id="two")
    with store_in(tmp_path) as replies:
        model = recalling(replies, settings=ClientSettings(reasks=0))
        again, _ = await ask(model, 1, record_id="two")
        with pytest.raises(AnswerRejected) as refused_again:
            await ask(model, 1, record_id="one")
        with pytest.raises(CassetteMiss, match="nearest is"):
            await ask(model, 2)
    assert again == good
    assert refused_again.value.usage == refused.value.usage
    assert len(stub.requests) == 2


async def test_questions_without_an_answer_in_the_replayed_run_stay_open_and_are_counted(tmp_path):
    with serve([completion(items(RED))]) as stub, store_in(tmp_path) as replies:
        await ask(asking(replies, stub), 1)
        tally = RecallTally()
        model = recalling(replies, tally)
        known, _ = await ask(model, 1)
        unknown, trace = await ask(model, 2)
    assert (known.pending, unknown.pending, trace.pending) == (False, True, True)
    assert (tally.answered, tally.missing) == (1, 1)
    assert tally.missing_tokens > 10
    assert model.usage.calls == 0


SCRIPTS = st.lists(
    st.sampled_from(["good", "bad", "refused", "cut", "fault", "page", "thinking"]), min_size=1, max_size=12
)
ANSWERS = {
    "good": completion(items(RED)),
    "bad": completion(items(BLUE)),
    "refused": completion(None, message={"refusal": "no"}),
    "cut": completion('{"items":[{"n":1,"col', "length"),
    "fault": fault(500),
    "page": Scripted(200, "<html>"),
    "thinking": completion("", "length", message={"reasoning_content": "Hm."}),
}


@settings(max_examples=choose(5, 100), deadline=None)
@given(script=SCRIPTS, cancelled=st.sets(st.integers(0, 3)))
def test_the_total_is_the_sum_over_all_calls(tmp_path_factory, script, cancelled):
    """This includes cancelled invocations and failed records. A record's usage never counts a call twice."""
    folder = tmp_path_factory.mktemp("run")
    with serve([ANSWERS[name] for name in [*script, "good"]]) as stub:
        spent = Usage()
        for invocation in range(3):
            spent += asyncio.run(invoke(folder, stub, cancelled if invocation == 0 else set()))
        with store_in(folder) as replies:
            total = replies.spending.usage
    calls, received = query(folder, "SELECT count(*), count(status) FROM calls")[0]
    assert total.calls == calls == spent.calls
    assert received <= len(stub.requests) <= calls
    assert (total.prompt_tokens, total.output_tokens) == (spent.prompt_tokens, spent.output_tokens)
    assert query(folder, "SELECT key FROM calls JOIN chains ON chain = chains.id WHERE verdict = 'valid'"
                 " AND finish_reason = 'stop' GROUP BY key HAVING count(DISTINCT chain) > 1") == []  # fmt: skip


async def invoke(folder, stub, cancelled):
    """Ask about four records, two of them equal, and cancel some. Returns the model's total usage."""
    with store_in(folder) as replies:
        async with asking(replies, stub) as model:
            tasks = [
                asyncio.ensure_future(ask(model, n, record_id=f"r{place}")) for place, n in enumerate((1, 2, 1, 3))
            ]
            for number in cancelled:
                await asyncio.sleep(0.002)
                tasks[number].cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return model.usage
