"""Limits of money and tokens as their user sees them, against a server that counts."""

import json
import random
import sqlite3
from contextlib import closing

import pytest

from benchmarks.records import write_distinct_records
from benchmarks.servers import answer_request, serve_counting
from tests.cli.test_run import lines
from tests.commands import extractor
from tests.llm.stub import completion, fault, serve

RECORDS = 14


@pytest.fixture
def command(tmp_path):
    write_distinct_records(tmp_path / "records.jsonl", RECORDS)
    (tmp_path / "prices.toml").write_text("as_of = 2026-11-01\n[model.stub]\nprompt = 2\noutput = 10\n", "utf-8")

    def build(server, *options):
        model = ("--model", f"{server.url}#stub", "--prices", tmp_path / "prices.toml")
        return ("run", tmp_path / "records.jsonl", "--assist", "always", "--out", tmp_path / "out", *model, *options)

    return build


def totals(folder):
    """What ``run.json`` tells, after it was held against the sum of the calls in the store."""
    told = json.loads((folder / "run.json").read_text("utf-8"))
    with closing(sqlite3.connect(folder / "run.sqlite")) as run:
        sums = "sum(exchanges), sum(prompt_tokens), sum(output_tokens), coalesce(sum(picodollars), 0)"
        calls, prompt, output, cost = run.execute(f"SELECT {sums} FROM calls").fetchone()
    usage = told["usage"]
    assert (usage["calls"], usage["prompt_tokens"], usage["output_tokens"]) == (calls, prompt, output)
    assert told["cost"]["usd"] == pytest.approx(cost / 1e12)
    assert told["cost"]["usd"] == pytest.approx((prompt * 2 + output * 10) / 1e6)
    return told


def test_a_limit_in_money_stops_with_3_and_the_rest_is_asked_on_resume(tmp_path, command):
    with serve_counting() as server:
        stopped = extractor(*command(server, "--max-usd", "0.05"))
        assert stopped.returncode == 3
        assert b"of $0.05 are spent" in stopped.stderr
        assert b"go on with: extractor run" in stopped.stderr
        first = totals(tmp_path / "out")
        assert 0 < first["cost"]["usd"] <= 0.05
        assert first["records"]["lacking"] > 0
        again = extractor(*command(server, "--max-usd", "0.05"))
        assert again.returncode == 3
        assert totals(tmp_path / "out")["cost"]["usd"] <= 0.05
        assert extractor(*command(server, "--max-usd", "5")).returncode == 0
        last = totals(tmp_path / "out")
        assert last["records"]["extracted"] == RECORDS == len(lines(tmp_path / "out" / "extractions.jsonl"))
        assert last["usage"]["calls"] == server.calls
    assert last["records"]["lacking"] < 4  # whose answers were refused or broken


@pytest.mark.parametrize("seed", range(3))
def test_totals_are_the_sum_of_calls_whatever_befalls_them(tmp_path, command, seed):
    """Faults that pass, refusals, broken answers, and requests that the server never takes."""
    lots = random.Random(seed)

    def answer(request):
        lot = lots.random()
        if lot < 0.15:
            return fault(400, "not this one")
        if lot < 0.25:
            return completion("no JSON at all", usage={"prompt_tokens": 700, "completion_tokens": 3})
        reply = answer_request(request)
        return completion(reply["choices"][0]["message"]["content"], usage=reply["usage"])

    with serve(answer) as server:
        for limit in ("0.06", "9"):
            extractor(*command(server, "--max-usd", limit))
            told = totals(tmp_path / "out")
            assert told["usage"]["calls"] == len(server.requests)
    extracted, failed = told["records"]["extracted"], told["records"]["failed"]
    assert extracted <= RECORDS <= extracted + failed  # one that failed may have a result that lacks an answer


def test_earlier_calls_without_a_price_get_one_once_it_is_known(tmp_path, command):
    with serve_counting() as server:
        plain = [word for word in command(server, "--limit", "3") if word not in ("--prices", tmp_path / "prices.toml")]
        assert extractor(*plain).returncode == 0
        cost = json.loads((tmp_path / "out" / "run.json").read_text("utf-8"))["cost"]
        assert cost["usd"] is None
        assert cost["calls_without_price"] > 0
        assert extractor(*command(server, "--max-usd", "9")).returncode == 0
        assert totals(tmp_path / "out")["cost"]["calls_without_price"] == 0
