"""The seeds by providers that speak as OpenAI does, by their own SDKs where they have one."""

from dataclasses import replace
from importlib.util import find_spec

import pytest

from extractor.llm import spec

from .anthropic_server import Anthropic
from .openai_server import OpenAI
from .standin import answer_seeds
from .test_seeds_by_providers import CLAUDE, check_bill, run_seeds


def needs(name):
    return pytest.mark.skipif(find_spec(name) is None, reason=f"{name} is not installed")


@pytest.mark.parametrize(
    ("model", "usd"),
    [
        # In dollars per million tokens: 0.25, from the cache 0.025, output 2.
        pytest.param("azure_openai/gpt-5-mini", (11_000 * 0.25 + 24_000 * 0.025 + 2_000) / 1e6, id="azure"),
        # 0.59, output 0.79.
        pytest.param("groq/llama-3.3-70b-versatile", 0.021_44, marks=needs("groq"), id="groq"),
        # 0.15, from the cache 0.075, output 0.6.
        pytest.param("litellm/openai/gpt-4o-mini", 0.004_05, marks=needs("litellm"), id="litellm"),
        pytest.param("ollama/qwen3:8b", None, id="ollama"),
    ],
)
def test_the_seeds_by_the_names_of_providers(model, usd, stand, monkeypatch, tmp_path, capfd):
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
    assert model.startswith("ollama") != any("authorization" in each or "api-key" in each for each in standin.headers)
    assert capfd.readouterr().out == ""


def test_calls_in_flight_take_the_way_that_another_call_has_found(stand, tmp_path):
    """The first one that is refused leaves one way to send the schema; the others had sent the old one."""
    said = lambda user: replace(answer_seeds(user), kind="said")  # noqa: E731
    standin = stand(Anthropic(refuses=frozenset({"tools"}), otherwise=said))
    manifest = run_seeds(["run"], tmp_path / "run", "--model", CLAUDE)
    assert (manifest["usage"]["calls"], manifest["records"]["failed"]) == (5, 0)
    assert ["tools" in request for request in standin.requests].count(False) == 5
