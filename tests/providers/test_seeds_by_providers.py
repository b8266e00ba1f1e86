"""The five seeds come out right by each provider's SDK, and the bill is that of the provider's
own counts.
"""

import json
from dataclasses import replace

import pytest

from extractor.model.providers import list_providers
from tests.commands import invoke, read_lines
from tests.test_seeds import GOLD, PARTS, fold

from .anthropic_server import Anthropic
from .gemini_server import Gemini
from .openai_server import OpenAI
from .standin import answer_seeds

pytestmark = pytest.mark.slow

GPT = "openai/gpt-5-mini"
CLAUDE = "anthropic/claude-sonnet-4-6"
FLASH = "google/gemini-2.5-flash"
COUNTS = {
    "calls": 5,
    "prompt_tokens": 35_000,
    "cached_tokens": 24_000,
    "output_tokens": 1_000,
}
"""Five times 7,000 and 200; the prefix of 6,000 comes from the cache four times."""


def run_seeds(out, model):
    """The manifest of a run of the seeds, whose values are right."""
    done = invoke("run", "seeds/records", "--out", out, "--quiet", "--model", model)
    assert done.exit_code == 0, done.output
    found = {
        line["record_id"]: essence(line)
        for line in read_lines(out / "extractions.jsonl")
    }
    assert found == {name: essence(gold) for name, gold in GOLD.items()}
    manifest = json.loads((out / "run.json").read_text("utf-8"))
    assert manifest["state"] == "complete"
    return manifest


def essence(extraction):
    """What the model decides about."""
    names = ("rank", "concept", "category", "time_points", "time_kind", "instrument")
    limits = ("quantity", "comparator", "value", "value_high", "unit")
    endpoints = [
        [fold(endpoint[part]) for part in PARTS]
        + [endpoint[name] for name in (*names, "censored")]
        for endpoint in extraction["endpoints"]
    ]
    criteria = [
        (one["kind"], fold(one["quote"]), one["category"])
        for one in extraction["eligibility"]["criteria"]
    ]
    values = [
        [limit[name] for limit in one["constraints"] for name in limits]
        for one in extraction["eligibility"]["criteria"]
    ]
    return endpoints, criteria, values


def price(prompt, cached, output, written=0.0):
    """The dollars of the five calls, by prices per million tokens. With a price for tokens that are
    written into the cache, the prefix is.
    """
    plain = 5_000 * prompt + 6_000 * (written or prompt)
    return (plain + 24_000 * cached + 1_000 * output) / 1e6


def check_bill(manifest, standin, usd, **more):
    usage = manifest["usage"]
    for name, count in (COUNTS | {"written_tokens": 0} | more).items():
        assert usage[name] == count, name
    assert manifest["cost"]["usd"] == (None if usd is None else pytest.approx(usd))
    assert standin.billed == usage["calls"]


@pytest.mark.parametrize(
    ("standin", "model", "usd", "more"),
    [
        (OpenAI(), "gpt-5-mini", price(0.25, 0.025, 2), {"thinking_tokens": 320}),
        (OpenAI(), "openai/gpt-4o-mini", price(0.15, 0.075, 0.6), {}),
        (Anthropic(), CLAUDE, price(3, 0.3, 15, 3.75), {"written_tokens": 6_000}),
        (Gemini(), FLASH, price(0.3, 0.03, 2.5), {"thinking_tokens": 320}),
    ],
    ids=["gpt-5", "gpt-4o", "claude", "gemini"],
)
def test_the_seeds_live(standin, model, usd, more, stand, tmp_path):
    stand(standin)
    manifest = run_seeds(tmp_path / "run", model)
    assert len(standin.requests) == 5
    check_bill(manifest, standin, usd, **more)


@pytest.mark.parametrize(
    ("model", "key", "usd"),
    [
        ("groq/llama-3.3-70b-versatile", "gsk-test-1", price(0.59, 0.59, 0.79)),
        ("ollama/qwen3:8b", "none", None),
    ],
)
def test_the_seeds_by_a_provider_with_an_address(
    model, key, usd, stand, monkeypatch, tmp_path, capfd
):
    """Its server is on this machine here, so that no proxy is asked."""
    standin = stand(OpenAI())
    monkeypatch.setenv("GROQ_API_KEY", "gsk-test-1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    name, _, _ = model.partition("/")
    there = list_providers()[name].model_copy(update={"url": f"{standin.url}/v1"})
    monkeypatch.setitem(list_providers(), name, there)

    manifest = run_seeds(tmp_path / "run", model)

    check_bill(manifest, standin, usd)
    sent = {headers["authorization"] for headers in standin.headers}
    assert sent == {f"Bearer {key}"}
    assert capfd.readouterr().out == ""


def test_calls_in_flight_take_the_way_that_another_call_has_found(stand, tmp_path):
    """The first one that is refused leaves one way to send the schema; the others had sent the
    old one.
    """
    said = lambda user: replace(answer_seeds(user), kind="said")  # noqa: E731
    standin = stand(Anthropic(refuses=frozenset({"tools"}), otherwise=said))

    manifest = run_seeds(tmp_path / "run", CLAUDE)

    assert manifest["usage"]["calls"] == 5
    assert manifest["records"]["failed"] == 0
    assert ["tools" in request for request in standin.requests].count(False) == 5
