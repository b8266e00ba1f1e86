"""``extractor run --batch`` as its user sees it."""

import json
import random
import signal
import sqlite3
import time
from contextlib import closing

import pytest

from benchmarks.records import write_distinct_records
from benchmarks.servers import answer_request
from tests.cli.test_run import lines
from tests.commands import extractor, start_extractor
from tests.provider import serve_provider

RECORDS = 12


@pytest.fixture
def command(tmp_path):
    write_distinct_records(tmp_path / "records.jsonl", RECORDS)
    (tmp_path / "prices.toml").write_text(
        "as_of = 2026-11-01\n[model.stub]\nprompt = 2\noutput = 10\nbatch = 0.5\n", "utf-8"
    )

    def build(provider, *options):
        model = ("--model", f"{provider.url}#stub", "--prices", tmp_path / "prices.toml")
        how = ("--assist", "always", "--batch", "--poll", "0.05", "--out", tmp_path / "out")
        return ("run", tmp_path / "records.jsonl", *how, *model, *options)

    return build


def is_good(completion):
    """Whether it is an answer that keeps the schema: what was refused or broken is asked again by the next command."""
    message = completion["choices"][0]["message"]
    return not message.get("refusal") and "987654" not in message["content"]


def manifest(folder):
    return json.loads((folder / "run.json").read_text("utf-8"))


def summed(folder):
    """What the calls in the store add up to."""
    with closing(sqlite3.connect(folder / "run.sqlite")) as run:
        sums = "sum(exchanges), sum(prompt_tokens), sum(output_tokens), sum(picodollars)"
        return run.execute(f"SELECT {sums} FROM calls").fetchone()


def check_totals(folder):
    """The manifest is the sum of the calls."""
    calls, prompt, output, picodollars = summed(folder)
    told = manifest(folder)
    assert (told["usage"]["calls"], told["usage"]["prompt_tokens"], told["usage"]["output_tokens"]) == (
        calls, prompt, output)  # fmt: skip
    assert told["cost"]["usd"] == pytest.approx((picodollars or 0) / 1e12)
    return told


def test_batches_round_by_round_at_their_price(tmp_path, command):
    with serve_provider() as provider:
        done = extractor(*command(provider))
        assert done.returncode == 0, done.stderr
        assert len(lines(tmp_path / "out" / "extractions.jsonl")) == RECORDS
        told = check_totals(tmp_path / "out")
        assert told["usage"]["calls"] == len(provider.requests)
        usage = told["usage"]
        assert told["cost"]["usd"] == pytest.approx((usage["prompt_tokens"] * 1 + usage["output_tokens"] * 5) / 1e6)
        assert len(provider.batches) == 2  # the second for answers that broke their schema
        assert b"batch 1: fetched, 12 of 12 done" in done.stderr


def test_a_limit_holds_and_the_run_goes_on_with_a_higher_one(tmp_path, command):
    with serve_provider() as provider:
        stopped = extractor(*command(provider, "--max-usd", "0.02"))
        assert stopped.returncode == 3, stopped.stderr
        first = check_totals(tmp_path / "out")
        assert first["cost"]["usd"] <= 0.02
        assert 0 < len(provider.requests) < RECORDS
        assert extractor(*command(provider, "--max-usd", "1")).returncode == 0
        last = check_totals(tmp_path / "out")
        assert last["usage"]["calls"] == len(provider.requests)
        assert last["records"]["extracted"] == RECORDS


def test_killed_again_and_again_it_submits_nothing_twice(tmp_path, command):
    lots = random.Random(3)
    with serve_provider(looks=2) as provider:
        for number in range(4):
            asked = len(provider.asked)
            with start_extractor(*command(provider)) as running:
                running.wait_for(lambda r=running, asked=asked: len(provider.asked) > asked or r.has_ended())
                time.sleep(lots.uniform(0, 0.3))
                if not running.has_ended():
                    running.send_signal(signal.SIGKILL if number % 2 else signal.SIGINT)
                    running.wait()
        done = extractor(*command(provider))
        assert done.returncode == 0, done.stderr
        good = [line["custom_id"] for line in provider.requests if is_good(answer_request(line["body"]))]
        assert len(good) == len(set(good)) >= RECORDS - 4
        told = check_totals(tmp_path / "out")
        assert told["usage"]["calls"] == len(provider.requests)
        assert len(lines(tmp_path / "out" / "extractions.jsonl")) == RECORDS


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--batch", "--model", "m"), b"--out"),
        (("--batch", "--out", "o"), b"--model"),
        (("--batch", "--out", "o", "--model", "m", "--replay", "seeds/answers"), b"drop --replay"),
    ],
)
def test_what_does_not_go_with_batches_is_refused(tmp_path, monkeypatch, options, told):
    done = extractor("run", "seeds/records", *(tmp_path / "o" if word == "o" else word for word in options))
    assert done.returncode == 2
    assert told in done.stderr
