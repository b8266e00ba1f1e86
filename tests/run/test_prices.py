"""Prices of tokens: the user's own, else those of genai-prices; and what a run may cost."""

import re
from pathlib import Path

import pytest

from extractor.model.calls import MOST_CALLS
from extractor.model.cost.budget import Pricing
from extractor.model.cost.prices import read_prices
from extractor.model.cost.tokens import RequestSize
from extractor.model.spec import ModelSpec
from extractor.run.forecast import forecast_run
from tests.tables import read_cases

CASES = read_cases(__file__)
OWN = """
as_of = 2026-11-01
[model."gpt-4o"]
prompt = 1
output = 2
[model."http://gpu:8000/v1#team-a"]
prompt = 0.0
output = 0.0
[model.team-a]
prompt = 0.5
output = 0.5
"""


@pytest.fixture
def write(tmp_path):
    """Write a file of prices. Returns its path."""

    def write(text, name="prices.toml"):
        (tmp_path / name).write_text(text, "utf-8")
        return tmp_path / name

    return write


@pytest.mark.parametrize(("model", "name", "prompt"), CASES["prices"])
def test_the_users_own_price_goes_first_and_a_server_has_no_other(
    write, model, name, prompt
):
    found = read_prices([write(OWN)]).find(ModelSpec.parse(model))

    assert (found and found.name, found and found.price.prompt) == (name, prompt)


@pytest.mark.parametrize(("prices", "reported"), CASES["broken_prices"])
def test_the_problem_of_a_broken_price_is_named(write, prices, reported):
    with pytest.raises(ValueError, match=reported):
        read_prices([write(f"as_of = 2026-01-01\n[model.m]\n{prices}\n")])
    with pytest.raises(ValueError, match="as_of"):
        read_prices([write("[model]\n")])


def test_the_example_of_the_documentation_is_a_file_of_prices(write):
    page = Path("docs/how-to/cost.md").read_text("utf-8")
    (shown,) = re.findall(r"^```toml\n(.*?)^```", page, re.M | re.S)

    model = ModelSpec.parse("http://gpu-1:8000/v1#llama-3.3-70b")
    assert read_prices([write(shown)]).find(model).price.output == 0


# The forecast of a run.

CACHED = "of them cached"
USD = "dollars"
LONG = RequestSize(1, 9000, 2000, 200.0, 300, system=8000)
"""A call whose system prompt of 8,000 characters has about 2,000 tokens."""


def pricing(model="gpt-4.1-mini", **more):
    return Pricing.of(ModelSpec.parse(model), read_prices(), **more)


def test_the_static_beginning_is_cached_after_the_first_calls():
    """The most dollars are those without a cache."""
    total = sum([LONG] * 99, LONG)
    forecasts = [forecast_run(total, pricing(), at_once) for at_once in (1, 8, 1000)]
    one, eight, many = (forecast.figures for forecast in forecasts)
    assert 2000 * 99 < one[CACHED].expected < 3000 * 99
    assert one[CACHED].expected > eight[CACHED].expected > many[CACHED].expected == 0
    assert one[USD].expected < 0.6 * many[USD].expected
    assert one[USD].high == many[USD].high
    assert one["calls"].high == 100 * MOST_CALLS
    price = forecasts[0].price.price
    saved = one[CACHED].expected / 1e6 * float(price.prompt - price.cached)
    dearer = many[USD].expected - one[USD].expected
    assert dearer == pytest.approx(saved, abs=1e-4)


@pytest.mark.parametrize(("system", "in_batches"), [(3000, False), (8000, True)])
def test_a_short_prompt_and_a_batch_have_no_cache(system, in_batches):
    size = LONG._replace(system=system, schema=0)
    total = sum([size] * 99, size)
    figures = forecast_run(total, pricing(in_batches=in_batches), 1).figures
    assert figures[CACHED].high == 0


@pytest.mark.parametrize("in_batches", [False, True])
def test_what_is_written_into_a_cache_costs_its_price(in_batches):
    """The first eight calls write their static beginning, in batches all do."""
    total = sum([LONG] * 99, LONG)
    marked = pricing("anthropic/claude-sonnet-4-5", in_batches=in_batches)
    figures = forecast_run(total, marked, 8).figures
    static = forecast_run(total, pricing(), 1).figures[CACHED].expected
    cached = figures[CACHED].expected
    uncached = figures["prompt tokens"].expected - static
    share = 0.5 if in_batches else 1
    prompt = uncached * 3 + cached * 0.3 + (static - cached) * 3.75
    dollars = (prompt + figures["output tokens"].expected * 15) * share / 1e6
    assert figures[USD].expected == pytest.approx(dollars, rel=0.02)


@pytest.mark.parametrize("model", ["gpt-5.4", "gpt-4o-mini"])
def test_cached_tokens_cost_in_a_batch_what_the_list_says_and_not_a_share(model):
    listed = read_prices().find(ModelSpec.parse(model))
    batch = listed.in_batches().price
    assert batch.prompt == listed.price.prompt / 2
    assert listed.price.cached / 2 < batch.cached <= batch.prompt
