"""Spending limits in cases other than the kills and replies of ``tests/cli/test_money.py``."""

import json
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from extractor import Extractor
from extractor.errors import ArgumentError, ModelUnavailable
from tests.stand_ins import answer_request
from tests.tables import read_cases

from .stub import Scripted, completion, serve

CASES = read_cases(__file__)
PRICES = """
as_of = 2026-11-01
[model.stub]
prompt = 2
output = 10
"""
LIMIT = 0.09


def count_prompt(request):
    """One token for four characters."""
    return sum(len(message["content"]) for message in request["messages"]) // 4


def answer_counting(request, cached=0):
    """Answer, and state all tokens of the prompt, a share of them cached, and few of the answer."""
    text = answer_request(request)["choices"][0]["message"]["content"]
    prompt = count_prompt(request)
    used = {"prompt_tokens": prompt, "completion_tokens": 50}
    used["prompt_tokens_details"] = {"cached_tokens": prompt * cached}
    return completion(text, usage=used)


def price(requests):
    return sum(2 * count_prompt(request) + 10 * 50 for request in requests) / 1e6


@pytest.mark.parametrize("lifted", CASES["lifted"], ids=str)
def test_a_parameter_that_lifts_what_a_call_may_cost_is_refused_with_a_limit(lifted):
    with pytest.raises(ArgumentError, match="may change the price or the maximum cost"):
        Extractor("gpt-5-mini", max_usd=1, model_options=lifted)
    Extractor("gpt-5-mini", model_options=lifted)


def test_a_query_of_an_own_server_is_refused_with_a_limit(tmp_path):
    prices = tmp_path / "prices.toml"
    prices.write_text(PRICES, "utf-8")
    query = {"extra_query": {"service_tier": "priority"}}
    own = "http://127.0.0.1:9/v1#stub"
    with pytest.raises(ArgumentError, match="extra_query: it may change the price"):
        Extractor(own, max_usd=1, prices=prices, model_options=query)
    Extractor(own, prices=prices, model_options=query)


@pytest.mark.parametrize("harmless", CASES["harmless"], ids=str)
def test_a_parameter_without_a_price_is_accepted_with_a_limit(harmless, tmp_path):
    prices = tmp_path / "prices.toml"
    prices.write_text(PRICES, "utf-8")
    model = "http://127.0.0.1:9/v1#stub"
    Extractor(model, max_usd=1, prices=prices, model_options=harmless)


def test_runs_tables_and_single_calls_share_the_limit_of_their_extractor(tmp_path):
    prices = tmp_path / "prices.toml"
    prices.write_text(PRICES, "utf-8")

    def make(number):
        text = f"Inclusion criteria:\n- No prior line {number} of treatment"
        return {"text": text, "record_id": f"r{number}"}

    with serve(answer_counting) as server, warnings.catch_warnings(action="ignore"):
        model = f"{server.url}#stub"
        extractor = Extractor(model, effort="full", max_usd=LIMIT, prices=prices)
        for number in range(0, 9, 3):
            extractor.run([make(number)], quiet=True)
            extractor.table("criteria", [make(number + 1)["text"]])
            extractor.extract_text(make(number + 2)["text"])
        sent = len(server.requests)
        folder = {"out": tmp_path / "run", "quiet": True}
        extractor.run([make(10)], **folder)
        assert len(server.requests) > sent  # a folder has its own budget
        del server.requests[sent:]
    assert 2 < sent < 18
    assert 0 < price(server.requests) <= LIMIT


@pytest.mark.parametrize(
    ("prices", "cached"),
    [
        ("written = 0.1", 0),
        ("cached = 9", 1),
    ],
    ids=["written for less than others", "cached for more than others"],
)
def test_the_limit_holds_whatever_a_cache_costs(prices, cached, tmp_path):
    """The limit has room for a few of the calls. ``cached`` is the share of cached tokens."""
    file = tmp_path / "prices.toml"
    text = f"as_of = 2026-11-01\n[model.stub]\nprompt = 2\noutput = 0\n{prices}\n"
    file.write_text(text, "utf-8")

    records = [
        {"text": f"Inclusion criteria:\n- No prior line {n}", "record_id": f"r{n}"}
        for n in range(12)
    ]
    answer = partial(answer_counting, cached=cached)
    with serve(answer) as server, warnings.catch_warnings(action="ignore"):
        model = f"{server.url}#stub"
        limited = Extractor(model, effort="full", max_usd=LIMIT, prices=file)
        run = limited.run(records, quiet=True, concurrency=12)
    assert 0 < run.usage.usd <= LIMIT
    assert len(server.requests) < 2 * len(records)


@pytest.mark.parametrize("output", [50, 0])
@pytest.mark.parametrize("is_inside", [False, True])
@pytest.mark.parametrize("status", [400, 499])
def test_a_failed_reply_that_states_tokens_is_counted(
    status, is_inside, output, tmp_path
):
    file = tmp_path / "prices.toml"
    file.write_text(PRICES, "utf-8")
    used = {"usage": {"prompt_tokens": 1000, "completion_tokens": output}}
    error = {"error": {"message": "no"}}
    body = json.dumps({"error": error["error"] | used} if is_inside else error | used)
    with serve(lambda _: Scripted(status, body)) as server:
        asking = Extractor(f"{server.url}#stub", effort="full", prices=file)
        with pytest.raises(ModelUnavailable) as raised:
            asking.extract_text("Inclusion criteria:\n- No prior line 1 of treatment")
        sent = len(server.requests)
    assert raised.value.usage.prompt_tokens == 1000 * sent > 0


def test_threads_share_the_limit_of_their_extractor(tmp_path):
    """The limit has room for a few of the calls; each text ends, with its answer or without."""
    prices = tmp_path / "prices.toml"
    prices.write_text(PRICES, "utf-8")
    begun = threading.Barrier(8)

    with serve(answer_counting) as server:
        model = f"{server.url}#stub"
        extractor = Extractor(model, effort="full", max_usd=LIMIT, prices=prices)

        def extract(number):
            begun.wait()
            text = f"Inclusion criteria:\n- No prior line {number} of treatment"
            return extractor.extract_text(text, section="eligibility")

        with ThreadPoolExecutor(8) as threads:
            extracted = list(threads.map(extract, range(8)))
        sent = len(server.requests)
    assert len(extracted) == 8
    assert 2 < sent < 16
    assert price(server.requests) <= LIMIT
