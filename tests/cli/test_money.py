"""Spending limits apply live and in batches, after kills, and to replies that do not state usage."""

import json
import signal
import sqlite3
from contextlib import closing
from time import sleep

import pytest

from tests.commands import invoke, read_lines, start_extractor
from tests.faults.server import WELL, serve_faults
from tests.llm.stub import Scripted, fault, serve
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


@pytest.mark.parametrize("done", [0, 4], ids=["at once", "after some records"])
def test_a_rejected_key_stops_a_run_and_costs_nothing(done, words, totals, tmp_path):
    """The replies to the requests in flight arrive one after the other."""

    def refuse(_):
        sleep(0.1)
        return fault(401)

    if done:
        with serve_counting() as server:
            invoke(*words("run", server.url, "--limit", done))
    with serve(refuse) as server:
        stopped = invoke(*words("run", server.url, "--max-usd", "1"))
    assert stopped.exit_code == 2
    assert stopped.stderr.count("HTTP 401, the key is missing or wrong; set ") == 1
    assert len(server.requests) > 1
    last = totals()
    assert (last["state"], last["records"]["failed"]) == ("stopped", 0)
    assert last["cost"]["usd_without_reply"] == 0
    assert last["records"]["extracted"] == done
    assert (tmp_path / "out" / "failures.jsonl").read_text("utf-8") == ""


def answer_at_most_half(body):
    """Answer well, but cut the answers to all lines of a record; those to half of them fit."""
    status, reply = answer_well(body)
    if body["messages"][-1]["content"].count("\n[") > 30:
        cut = {"role": "assistant", "content": '{"items": ['}
        reply["choices"][0] |= {"finish_reason": "length", "message": cut}
    return status, reply


def test_batches_run_in_rounds_at_their_price_and_within_their_limit(words, totals):
    with serve_provider(answer=answer_at_most_half) as provider:
        limited = (*POLL, "--effort", "full", "--max-usd", "0.1")
        stopped = invoke(*words("batch collect", provider.url, *limited))
        assert stopped.exit_code == 3, stopped.stderr
        assert totals(0.5)["cost"]["usd"] <= 0.1
        assert 0 < count_answers(provider) < RECORDS
        more = (*POLL, "--effort", "full", "--max-usd", "1")
        done = invoke(*words("batch collect", provider.url, *more))
        assert done.exit_code == 0, done.stderr
        assert totals(0.5)["usage"]["calls"] == count_answers(provider)
        assert len(provider.batches) > 2  # later ones ask halves
    assert "batch 1: fetched" in stopped.stderr


def charge(body, output=400):
    """The usage of a request at a provider."""
    prompt = sum(len(message["content"]) for message in body["messages"]) // 4
    return {"prompt_tokens": prompt, "completion_tokens": output}


def say(content, **more):
    choice = {"index": 0, "message": {"role": "assistant", "content": content}}
    return {"model": "stub", "choices": [choice | {"finish_reason": "stop"}], **more}


UNREADABLE = {
    "no choice": (lambda body: {"choices": [], "usage": charge(body)}, 75),
    "nor a usage": (lambda _: {"choices": []}, 75),
    "a page": (lambda _: "<html>", 75),
    "nonsense": (lambda body: say("nonsense", usage=charge(body)), 75),
}
"""The bodies of paid replies, with status 200, and the exit code after them."""


@pytest.mark.parametrize(("reply", "code"), UNREADABLE.values(), ids=UNREADABLE)
def test_paid_answers_that_cannot_be_read_count_and_are_asked_again_on_request_only(
    reply, code, words, manifest, monkeypatch
):
    """The second command fetches the answers again, and a live run pays for them again."""
    monkeypatch.setenv("EXTRACTOR_MAX_LACKING", "0.05")
    limited = ("--max-usd", "5")
    with serve_provider(answer=lambda body: (200, reply(body))) as provider:
        for _ in range(3):
            stopped = invoke(*words("batch collect", provider.url, *POLL, *limited))
            assert stopped.exit_code == code, stopped.stderr
            assert "extractor run with the same options" in stopped.stderr
            assert len(provider.batches) == 1
        cost = manifest()["cost"]
        used = [charge(line["body"]) for line in provider.requests]
        paid = sum(2 * one["prompt_tokens"] + 4000 for one in used) * 0.5 / 1e6
        is_stated = "usage" in str(reply(provider.requests[0]["body"]))
        assert paid <= (cost["usd"] + cost["usd_without_reply"]) * 1.001
        assert cost["calls_without_reply"] == (0 if is_stated else len(used))
        assert len(used) == RECORDS
        spent = str(cost["usd"] + cost["usd_without_reply"])
        assert invoke(*words("run", provider.url, "--max-usd", spent)).exit_code == 3
        assert provider.asked.count("POST /chat/completions") == 0
        provider.answer = answer_well
        invoke(*words("run", provider.url, *limited))
        assert provider.asked.count("POST /chat/completions") == RECORDS
    assert manifest()["cost"]["usd"] > cost["usd"]


PAGE = Scripted(body="<html>Sign in</html>")
PACKED = Scripted(body="packed", headers={"Content-Encoding": "gzip"})
EMPTY = Scripted(body='{"choices": [], "usage": {"prompt_tokens": 9}}')
LONG = Scripted(body=" " * (2**24 + 1))
REPLIES = {"page": PAGE, "gzip": PACKED, "empty": EMPTY, "long": LONG}


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
def test_live_replies_that_cannot_be_read_count_at_the_most_and_end_the_run(
    reply, words, manifest
):
    with serve([reply]) as stub:
        ended = invoke(*words("run", stub.url, "--concurrency", "4"))
        sent = len(stub.requests)
        assert ended.exit_code == 75, ended.stderr
        assert "20 unusable answers in a row" in ended.stderr
        assert 20 <= sent < 24
        cost = manifest()["cost"]
        assert (cost["calls_without_reply"], cost["usd"]) == (sent, 0)
        spent = str(cost["usd_without_reply"])
        assert invoke(*words("run", stub.url, "--max-usd", spent)).exit_code == 3
        assert len(stub.requests) == sent


def test_a_server_that_only_accepts_requests_ends_the_run_after_twice_the_timeout(
    words, manifest
):
    with serve_faults() as server:
        server.holds_after = 0
        few = ("--concurrency", "4", "--timeout", "1")
        ended = invoke(*words("run", server.url, *few))
        assert ended.exit_code == 75, ended.stderr
        assert "no answer for 2 seconds" in ended.stderr
        assert server.calls == manifest()["cost"]["calls_without_reply"] <= 12
        server.holds_after = None


DENSE = {"emoji": "\N{SKULL}", "mathematical letters": "\N{MATHEMATICAL BOLD SMALL A}"}
DENSE |= {"ideographs": "\N{CJK UNIFIED IDEOGRAPH-9F98}", "digits": "7"}
DENSE |= {"ligatures": "\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}"}


def answer_by_bytes(request):
    """Charge a token for each byte of the record's text, and the whole output limit."""
    *_, asked = request["messages"]
    usage = charge(request, output=request["max_tokens"])
    usage["prompt_tokens"] += len(asked["content"].encode())
    return Scripted(body=json.dumps(answer_request(request) | {"usage": usage}))


@pytest.mark.parametrize("character", DENSE.values(), ids=DENSE)
def test_a_limit_holds_for_texts_with_many_tokens_for_a_character(
    character, words, manifest, tmp_path
):
    records = tmp_path / "records.jsonl"
    text = records.read_text("utf-8")
    records.write_text(text.replace(", part ", f" {character * 400} part "), "utf-8")
    with serve(answer_by_bytes) as stub:
        stopped = invoke(*words("run", stub.url, "--max-usd", 0.3))
    assert stopped.exit_code == 3, stopped.stderr
    assert 0 < manifest()["cost"]["usd"] <= 0.3


def test_a_cost_above_the_reserved_one_is_expected_of_the_next_calls(words, manifest):
    """A server that does not observe the output limit exceeds the limit by one call at most."""

    def answer(request):
        usage = charge(request, output=3 * request["max_tokens"])
        return Scripted(body=json.dumps(answer_request(request) | {"usage": usage}))

    with serve(answer) as stub:
        one = ("--effort", "full", "--concurrency", "1", "--max-usd", "1")
        stopped = invoke(*words("run", stub.url, *one))
    assert stopped.exit_code == 3, stopped.stderr
    assert len(stub.requests) > 1
    assert 0 < manifest()["cost"]["usd"] <= 1


@pytest.mark.parametrize("option", ["model=other", "service_tier=priority", "n=2"])
def test_an_option_with_a_price_is_refused_with_a_limit(option, words, tmp_path):
    with serve([PAGE]) as stub:
        more = ("--model-option", option, "--max-usd", "5")
        refused = invoke(*words("run", stub.url, *more))
    assert (refused.exit_code, stub.requests) == (2, [])
    name = option.partition("=")[0]
    assert f"{name}: it may change the price" in refused.stderr
    assert "--reasoning sets how much it thinks" in refused.stderr


def answer_without_output(request):
    """Answer with an empty list, and a usage that cannot be right."""
    usage = {"prompt_tokens": 900, "completion_tokens": 0, "total_tokens": 900}
    reply = answer_request(request) | {"usage": usage}
    reply["choices"][0]["message"] = {"role": "assistant", "content": '{"items": []}'}
    return Scripted(body=json.dumps(reply))


def test_a_limit_holds_against_replies_without_a_usage(words, manifest):
    with serve(answer_without_output) as stub:
        one = ("--effort", "full", "--concurrency", "1", "--max-usd", "1")
        stopped = invoke(*words("run", stub.url, *one))
        cost = manifest()["cost"]
        sent = len(stub.requests)
        assert invoke(*words("run", stub.url, *one)).exit_code == 3
        assert (manifest()["cost"], len(stub.requests)) == (cost, sent)
    assert stopped.exit_code == 3, stopped.stderr
    assert (cost["calls_without_reply"], cost["usd"]) == (sent, 0)
    most = cost["usd_without_reply"]
    assert 0.5 < most <= 1, "calls are counted at the most, so they fit"
    told = f"calls with unknown cost: {sent}, at most ${most:.4f} in addition"
    assert told in stopped.stderr
