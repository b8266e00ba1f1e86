"""Replies that do not say what they cost: they count at the most that they may have cost, live
and in batches.
"""

import json

import pytest

from benchmarks.records import write_distinct_records
from benchmarks.servers import answer_request
from tests.commands import invoke
from tests.llm.stub import Scripted, serve
from tests.provider import serve_provider

RECORDS = 14
PRICES = "as_of = 2026-11-01\n[model.stub]\nprompt = 2\noutput = 10\nbatch = 0.5\n"
TOLD = "calls whose price is unknown, since their replies state no usage: "
LEFT_OUT = object()

UNKNOWN = {
    "left out": LEFT_OUT,
    "null": None,
    "empty": {},
    "a list": [],
    "zeros": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
    "texts": {"prompt_tokens": "n/a", "completion_tokens": "12", "total_tokens": ""},
    "negative": {"prompt_tokens": -1, "completion_tokens": -1, "total_tokens": -2},
    "truth values": {
        "prompt_tokens": True,
        "completion_tokens": True,
        "total_tokens": True,
    },
    "no numbers": {"prompt_tokens": float("nan"), "completion_tokens": float("inf")},
    "the total alone": {"total_tokens": 900},
    "no output": {"prompt_tokens": 900, "completion_tokens": 0, "total_tokens": 900},
    "no prompt": {"prompt_tokens": None, "completion_tokens": 9},
}


def answer_without_usage(request, usage):
    reply = answer_request(request)
    reply["choices"][0]["message"] = {"role": "assistant", "content": '{"items": []}'}
    if usage is LEFT_OUT:
        del reply["usage"]
    else:
        reply["usage"] = usage
    return reply


@pytest.fixture
def command(tmp_path):
    write_distinct_records(tmp_path / "records.jsonl", RECORDS)
    (tmp_path / "prices.toml").write_text(PRICES, "utf-8")

    def run(verb, url, *options):
        given = (
            "--model",
            f"{url}#stub",
            "--effort",
            "all",
            "--prices",
            tmp_path / "prices.toml",
        )
        ended = invoke(
            *verb,
            tmp_path / "records.jsonl",
            "--out",
            tmp_path / "out",
            *given,
            *options,
        )
        return ended, json.loads((tmp_path / "out" / "run.json").read_text("utf-8"))[
            "cost"
        ]

    return run


@pytest.mark.slow
@pytest.mark.parametrize("usage", UNKNOWN.values(), ids=UNKNOWN)
def test_a_limit_of_money_holds_against_replies_without_a_usage(usage, command):
    with serve(
        lambda request: Scripted(body=json.dumps(answer_without_usage(request, usage)))
    ) as stub:
        stopped, cost = command(
            ("run",), stub.url, "--concurrency", "1", "--max-usd", "0.5"
        )
        sent = len(stub.requests)
    assert stopped.exit_code == 3, stopped.stderr
    assert (cost["calls_without_usage"], cost["usd"], cost["usd_known"]) == (
        sent,
        None,
        0.0,
    )
    assert 0.3 < cost["usd_without_usage"] <= 0.5, (
        "calls are counted at the most, so they fit"
    )
    assert (
        f"{TOLD}{sent}, which may have cost up to ${cost['usd_without_usage']:.4f} more"
        in stopped.stderr
    )
    assert (
        f"up to ${cost['usd_without_usage']:.4f} by calls whose replies state no usage"
        in stopped.stderr
    )


def test_a_resumed_run_still_counts_them(command):
    with serve(
        lambda request: Scripted(body=json.dumps(answer_without_usage(request, None)))
    ) as stub:
        _, first = command(("run",), stub.url, "--concurrency", "1", "--max-usd", "0.5")
        sent = len(stub.requests)
        again, cost = command(
            ("run",), stub.url, "--concurrency", "1", "--max-usd", "0.5"
        )
        assert (again.exit_code, len(stub.requests), cost) == (3, sent, first)


def test_what_replies_do_say_is_counted_beside_them(command):
    def answer(request):
        usage = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
        return Scripted(
            body=json.dumps(
                answer_without_usage(request, usage if len(stub.requests) % 2 else None)
            )
        )

    with serve(answer) as stub:
        ended, cost = command(
            ("run",), stub.url, "--concurrency", "1", "--max-usd", "100"
        )
    known = len(stub.requests) - cost["calls_without_usage"]
    assert known > 2
    assert cost["usd_known"] == pytest.approx(known * (1000 * 2 + 100 * 10) / 1e6)
    assert cost["usd"] is None
    assert f"cost: ${cost['usd_known']:.4f}" in ended.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "usage",
    [LEFT_OUT, {}, {"prompt_tokens": 0, "completion_tokens": 0}],
    ids=["left out", "empty", "zeros"],
)
def test_batches_count_them_too(usage, command):
    with serve_provider(
        answer=lambda request: (200, answer_without_usage(request, usage))
    ) as provider:
        ended, cost = command(
            ("batch", "collect"), provider.url, "--poll", "0.05", "--max-usd", "0.3"
        )
        asked = len(provider.requests) + provider.asked.count("POST /chat/completions")
    assert ended.exit_code == 3, ended.stderr
    assert 0 < cost["calls_without_usage"] == asked < RECORDS
    assert 0 < cost["usd_without_usage"] <= 0.3
    assert f"{TOLD}{asked}, which may" in ended.stderr
