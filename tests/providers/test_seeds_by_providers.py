"""The five seeds come out right by each provider's SDK, and the bill is that of the provider's
own counts.
"""

import json
from dataclasses import replace
from importlib.util import find_spec

import pytest

from extractor.model import spec
from tests.commands import invoke, read_lines
from tests.test_seeds import GOLD, PARTS, fold

from .anthropic_server import Anthropic
from .gemini_server import Gemini
from .openai_server import OpenAI
from .standin import Outcome, answer_seeds

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


def run_seeds(command, out, *options):
    """The manifest of a run of the seeds, whose values are right."""
    done = invoke(*command, "seeds/records", "--out", out, "--quiet", *options)
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
    names = (
        "rank",
        "concept",
        "category",
        "time_points",
        "time_kind",
        "instrument",
        "censored",
    )
    limits = ("quantity", "comparator", "value", "value_high", "unit")
    return (
        [
            [fold(endpoint[part]) for part in PARTS]
            + [endpoint[name] for name in names]
            for endpoint in extraction["endpoints"]
        ],
        [
            [
                criterion["kind"],
                fold(criterion["quote"]),
                criterion["category"],
                [[x[y] for y in limits] for x in criterion["constraints"]],
            ]
            for criterion in extraction["eligibility"]["criteria"]
        ],
    )


def check_bill(manifest, standin, usd, **more):
    usage = manifest["usage"]
    expected = COUNTS | {"written_tokens": 0} | more
    for name, count in expected.items():
        assert usage[name] == count, name
    assert manifest["cost"]["usd"] == (None if usd is None else pytest.approx(usd))
    assert standin.billed == usage["calls"]


@pytest.mark.parametrize(
    ("standin", "model", "usd", "more"),
    [
        # In dollars per million tokens: 0.25, from the cache 0.025, output 2.
        (
            OpenAI(),
            "gpt-5-mini",
            (11_000 * 0.25 + 24_000 * 0.025 + 1_000 * 2) / 1e6,
            {"thinking_tokens": 320},
        ),
        # 0.15, from the cache 0.075, output 0.6.
        (
            OpenAI(),
            "openai/gpt-4o-mini",
            (11_000 * 0.15 + 24_000 * 0.075 + 1_000 * 0.6) / 1e6,
            {},
        ),
        # 3, into the cache 3.75, from it 0.3, output 15.
        (
            Anthropic(),
            CLAUDE,
            (5_000 * 3 + 6_000 * 3.75 + 24_000 * 0.3 + 15_000) / 1e6,
            {"written_tokens": 6_000},
        ),
        # 0.3, from the cache 0.03, output and thinking 2.5.
        (
            Gemini(),
            FLASH,
            (11_000 * 0.3 + 24_000 * 0.03 + 1_000 * 2.5) / 1e6,
            {"thinking_tokens": 320},
        ),
    ],
    ids=["gpt-5", "gpt-4o", "claude", "gemini"],
)
def test_the_seeds_live(standin, model, usd, more, stand, tmp_path):
    stand(standin)
    manifest = run_seeds(["run"], tmp_path / "run", "--model", model)
    assert len(standin.requests) == 5
    check_bill(manifest, standin, usd, **more)


@pytest.mark.parametrize(
    "name", ["llama3.1", "anthropic/claude-sonnet-4-5"], ids=["ollama", "litellm-proxy"]
)
def test_the_seeds_by_a_server_that_speaks_as_openai_does(name, stand, tmp_path):
    standin = stand(OpenAI())
    manifest = run_seeds(
        ["run"], tmp_path / "run", "--model", f"{standin.url}/v1#{name}"
    )
    assert {request["model"] for request in standin.requests} == {name}
    assert not any(
        "authorization" in headers for headers in standin.headers
    )  # no key of OpenAI
    check_bill(manifest, standin, None)


@pytest.mark.parametrize(("kind", "model"), [(OpenAI, GPT), (Gemini, FLASH)])
def test_thinking_without_room_halves_no_questions_and_buys_nothing_twice(
    kind, model, stand, tmp_path
):
    standin = stand(kind([Outcome("thought")]))
    for _ in range(2):  # the same command asks nothing more
        manifest = run_seeds(["run"], tmp_path / "run", "--model", model)
    asked = list(map(standin.read_user, standin.requests))

    assert len(asked) == 6
    assert len(set(asked)) == 5
    assert (
        (manifest["usage"]["calls"], manifest["usage"]["unanswered"])
        == (standin.billed, 0)
        == (6, 0)
    )


def needs(name):
    return pytest.mark.skipif(
        find_spec(name) is None, reason=f"{name} is not installed"
    )


@pytest.mark.parametrize(
    ("model", "usd"),
    [
        # In dollars per million tokens: 0.25, from the cache 0.025, output 2.
        pytest.param(
            "azure_openai/gpt-5-mini",
            (11_000 * 0.25 + 24_000 * 0.025 + 2_000) / 1e6,
            id="azure",
        ),
        # 0.59, output 0.79.
        pytest.param(
            "groq/llama-3.3-70b-versatile", 0.021_44, marks=needs("groq"), id="groq"
        ),
        # 0.15, from the cache 0.075, output 0.6.
        pytest.param(
            "litellm/openai/gpt-4o-mini", 0.004_05, marks=needs("litellm"), id="litellm"
        ),
        pytest.param("ollama/qwen3:8b", None, id="ollama"),
    ],
)
def test_the_seeds_by_the_names_of_providers(
    model, usd, stand, monkeypatch, tmp_path, capfd
):
    standin = stand(OpenAI())
    for name, value in {
        "AZURE_OPENAI_API_KEY": "key-test-1",
        "AZURE_OPENAI_ENDPOINT": standin.url,
        "GROQ_API_KEY": "gsk-test-1",
        "GROQ_BASE_URL": standin.url,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "HTTP_PROXY": "http://127.0.0.1:9" if model.startswith("ollama") else "",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(spec, "_OLLAMA", f"{standin.url}/v1")
    manifest = run_seeds(["run"], tmp_path / "run", "--model", model)

    check_bill(manifest, standin, usd)

    assert model.startswith("ollama") != any(
        "authorization" in header or "api-key" in header for header in standin.headers
    )
    assert capfd.readouterr().out == ""


def test_calls_in_flight_take_the_way_that_another_call_has_found(stand, tmp_path):
    """The first one that is refused leaves one way to send the schema; the others had sent the
    old one.
    """
    said = lambda user: replace(answer_seeds(user), kind="said")  # noqa: E731
    standin = stand(Anthropic(refuses=frozenset({"tools"}), otherwise=said))

    manifest = run_seeds(["run"], tmp_path / "run", "--model", CLAUDE)

    assert manifest["usage"]["calls"] == 5
    assert manifest["records"]["failed"] == 0
    assert ["tools" in request for request in standin.requests].count(False) == 5
