"""Spending limits apply live and in batches, after kills, and to replies that do not state usage."""

import json
import signal
import sqlite3
from contextlib import closing

import pytest

from tests.commands import invoke, read_lines, start_extractor
from tests.faults.server import WELL, serve_faults
from tests.llm.stub import Scripted, serve
from tests.provider import answer_well, serve_provider
from tests.stand_ins import answer_request, serve_counting

from .conftest import RECORDS

pytestmark = pytest.mark.slow

POLL = ("--poll", "0.05")


@pytest.fixture
def totals(tmp_path, manifest):
    """Reads ``run.json``, and checks it against the sum of the calls in the store."""

    def read(batched=1.0):
        totals = manifest()
        usage = totals["usage"]
        with closing(sqlite3.connect(tmp_path / "out" / "run.sqlite")) as store:
            sums = (
                "sum(exchanges), sum(prompt_tokens), sum(output_tokens), sum(dollars)"
            )
            *counts, dollars = store.execute(f"SELECT {sums} FROM calls").fetchone()
            tokens = "total(prompt_tokens), total(output_tokens)"
            live = store.execute(f"SELECT {tokens} FROM calls WHERE batch IS NULL")
            prompt, output = live.fetchone()
        names = ("calls", "prompt_tokens", "output_tokens")
        assert [usage[name] for name in names] == [count or 0 for count in counts]
        batch_prompt = usage["prompt_tokens"] - prompt
        batch_output = usage["output_tokens"] - output
        priced = prompt * 2 + output * 10
        priced += batched * (batch_prompt * 2 + batch_output * 10)
        cost = totals["cost"]["usd"]
        assert cost == pytest.approx(dollars or 0) == pytest.approx(priced / 1e6)
        return totals

    return read


def count_answers(provider):
    """The answers in batches, and those to live calls, which come before the first batch."""
    return len(provider.requests) + provider.asked.count("POST /chat/completions")


def test_a_limit_stops_with_3_and_the_rest_is_asked_on_resume(words, totals, tmp_path):
    with serve_counting() as server:
        stopped = invoke(*words("run", server.url, "--max-usd", "0.12"))
        assert stopped.exit_code == 3
        assert "; with a higher limit, resume with: extractor " in stopped.stderr
        first = totals()
        assert 0 < first["cost"]["usd"] <= 0.12
        assert first["records"]["lacking"] > 0
        again = invoke(*words("run", server.url, "--max-usd", "0.12"))
        assert again.exit_code == 3
        assert invoke(*words("run", server.url, "--max-usd", "5")).exit_code == 0
        last = totals()
        assert last["usage"]["calls"] == server.calls
    assert last["records"]["extracted"] == RECORDS
    assert len(read_lines(tmp_path / "out" / "extractions.jsonl")) == RECORDS


def test_a_limit_holds_through_kills(words, totals):
    """Whether the answers that the server holds back were paid for is never known."""
    asked = []
    with serve_faults() as server:
        server.judge = lambda body: asked.append(body) or WELL
        command = words("run", server.url, "--max-usd", 0.3, "--concurrency", 4)
        for _ in range(3):
            target = server.calls + 2
            server.holds_after = server.calls + 1
            with start_extractor(*command) as running:
                running.wait_for(
                    lambda at=target, one=running: server.calls >= at or one.has_ended()
                )
                if not running.has_ended():
                    running.send_signal(signal.SIGKILL)
                running.wait()
        server.holds_after = None
        stopped = invoke(*command)
    assert stopped.exit_code == 3, stopped.stderr
    worth = 0
    for body in asked:
        usage = json.loads(WELL.reply(body))["usage"]
        worth += 2 * usage["prompt_tokens"] + 10 * usage["completion_tokens"]
    cost = totals()["cost"]
    of_one_call = 0.1
    assert worth / 1e6 <= cost["usd"] + cost["usd_without_reply"] <= 0.3 + of_one_call
    told = f"{cost['calls_without_reply']}, at most"
    most = f"${cost['usd_without_reply']:.4f} in addition"
    assert f"calls with unknown cost: {told} {most}" in stopped.stderr


def answer_at_most_half(body):
    """Answer well, but cut the answers to all lines of a record; those to half of them fit."""
    status, reply = answer_well(body)
    if body["messages"][-1]["content"].count("\n[") > 30:
        cut = {"role": "assistant", "content": '{"items": ['}
        reply["choices"][0] |= {"finish_reason": "length", "message": cut}
    return status, reply


def test_batches_run_in_rounds_at_their_price_and_within_their_limit(words, totals):
    with serve_provider(answer=answer_at_most_half) as provider:
        limited = (*POLL, "--max-usd", "0.1")
        stopped = invoke(*words("batch collect", provider.url, *limited))
        assert stopped.exit_code == 3, stopped.stderr
        assert totals(0.5)["cost"]["usd"] <= 0.1
        assert 0 < count_answers(provider) < RECORDS
        more = (*POLL, "--max-usd", "1")
        done = invoke(*words("batch collect", provider.url, *more))
        assert done.exit_code == 0, done.stderr
        assert totals(0.5)["usage"]["calls"] == count_answers(provider)
        assert len(provider.batches) > 2  # later ones ask halves
    assert "batch 1: fetched" in stopped.stderr


def answer_without_output(request):
    """Answer with an empty list, and a usage that cannot be right."""
    usage = {"prompt_tokens": 900, "completion_tokens": 0, "total_tokens": 900}
    reply = answer_request(request) | {"usage": usage}
    reply["choices"][0]["message"] = {"role": "assistant", "content": '{"items": []}'}
    return Scripted(body=json.dumps(reply))


def test_a_limit_holds_against_replies_without_a_usage(words, manifest):
    with serve(answer_without_output) as stub:
        one = ("--concurrency", "1", "--max-usd", "0.5")
        stopped = invoke(*words("run", stub.url, *one))
        cost = manifest()["cost"]
        sent = len(stub.requests)
        assert invoke(*words("run", stub.url, *one)).exit_code == 3
        assert (manifest()["cost"], len(stub.requests)) == (cost, sent)
    assert stopped.exit_code == 3, stopped.stderr
    assert (cost["calls_without_reply"], cost["usd"]) == (sent, 0)
    most = cost["usd_without_reply"]
    assert 0.3 < most <= 0.5, "calls are counted at the most, so they fit"
    told = f"calls with unknown cost: {sent}, at most ${most:.4f} in addition"
    assert told in stopped.stderr
