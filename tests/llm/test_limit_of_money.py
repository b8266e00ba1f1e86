"""Spending limits in cases other than the kills and replies of ``tests/cli/test_money.py``."""

import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

from extractor import Extractor
from extractor.errors import ArgumentError
from tests.stand_ins import answer_request
from tests.tables import read_cases

from .stub import completion, serve

CASES = read_cases(__file__)
PRICES = """
as_of = 2026-11-01
[model.stub]
prompt = 2
output = 10
"""
LIMIT = 0.09


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

    def answer(request):
        text = answer_request(request)["choices"][0]["message"]["content"]
        used = {"prompt_tokens": 8000, "completion_tokens": 400, "total_tokens": 8400}
        return completion(text, usage=used)

    def make(number):
        text = f"Inclusion criteria:\n- No prior line {number} of treatment"
        return {"text": text, "record_id": f"r{number}"}

    with serve(answer) as server, warnings.catch_warnings(action="ignore"):
        model = f"{server.url}#stub"
        extractor = Extractor(model, effort="all", max_usd=LIMIT, prices=prices)
        for number in range(0, 9, 3):
            extractor.run([make(number)], quiet=True)
            extractor.table("criteria", [make(number + 1)["text"]])
            extractor.extract_text(make(number + 2)["text"])
        sent = len(server.requests)
        folder = {"out": tmp_path / "run", "quiet": True}
        extractor.run([make(10)], **folder)
        assert len(server.requests) == sent + 1  # a folder has its own budget
    assert 1 < sent < 9
    assert sent * 0.02 <= LIMIT


def test_threads_share_the_limit_of_their_extractor(tmp_path):
    """The limit has room for a few of the calls; each text ends, with its answer or without."""
    prices = tmp_path / "prices.toml"
    prices.write_text(PRICES, "utf-8")
    begun = threading.Barrier(8)

    def answer(request):
        text = answer_request(request)["choices"][0]["message"]["content"]
        time.sleep(0.3)
        used = {"prompt_tokens": 8000, "completion_tokens": 400, "total_tokens": 8400}
        return completion(text, usage=used)

    with serve(answer) as server:
        model = f"{server.url}#stub"
        extractor = Extractor(model, effort="all", max_usd=LIMIT, prices=prices)

        def extract(number):
            begun.wait()
            text = f"Inclusion criteria:\n- No prior line {number} of treatment"
            return extractor.extract_text(text, section="eligibility")

        with ThreadPoolExecutor(8) as threads:
            extracted = list(threads.map(extract, range(8)))
        sent = len(server.requests)
    assert len(extracted) == 8
    assert 1 < sent < 8
    assert sent * 0.02 <= LIMIT
