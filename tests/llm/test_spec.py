"""The text after ``--model``, and the table of providers that interprets it."""

import re
import tomllib
from pathlib import Path

import instructor
import pytest

from extractor.model.providers import Reasoning, list_providers
from extractor.model.request_form import RequestForm
from extractor.model.spec import (
    SERVER,
    SERVER_KEY,
    ClientSettings,
    ModelSpec,
    read_spec,
)

from .colours import ask_about, render

MODELS = tomllib.loads((Path(__file__).parent / "models.toml").read_text("utf-8"))
EXTRAS = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"][
    "optional-dependencies"
]


@pytest.mark.parametrize(("text", "named"), MODELS["named"].items())
def test_the_forms_of_a_model(text, named):
    spec = ModelSpec.parse(text)

    assert [part for part in (spec.provider, spec.name, spec.base_url) if part] == named
    assert spec.is_server is (named[0] == SERVER)
    assert ModelSpec.parse(str(spec)) == spec


@pytest.mark.parametrize(("text", "message"), MODELS["refused"].items())
def test_nonsense_is_refused_with_a_remedy(text, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        ModelSpec.parse(text)


@pytest.mark.parametrize("secret", ["hunt,er2", "hunt@2", "hunt#2"])
def test_a_password_in_an_address_is_refused_and_not_shown(secret):
    with pytest.raises(ValueError, match="is not the address of a model") as caught:
        ModelSpec.parse(f"http://me:{secret}@host/v1#m")
    assert "hunt" not in str(caught.value)


def test_the_key_of_a_server_goes_to_no_provider():
    names = ("http://host/v1#m", "gpt-5-mini", "anthropic/claude-x", "ollama/qwen3")
    server, *others = (ModelSpec.parse(name, server_key="own") for name in names)
    assert server.api_key.get_secret_value() == "own"
    assert [other.api_key for other in others] == [None] * 3
    assert "own" not in f"{server!r} {server}"


def test_a_malformed_default_model_matters_only_to_the_key_of_a_server(monkeypatch):
    monkeypatch.setenv("EXTRACTOR_MODEL", "http://host/v1")
    monkeypatch.setenv(SERVER_KEY, "own")
    assert read_spec("gpt-5-mini", print).name == "gpt-5-mini"
    with pytest.raises(ValueError, match="does not name a model"):
        read_spec("http://other/v1#m", print)


@pytest.mark.parametrize("name", list_providers())
def test_every_provider_of_the_table_is_complete(name):
    """Its SDK is in the extras; each effort has its parameters, and more thinking more room."""
    provider = list_providers()[name]
    assert provider.extra is None or provider.extra in EXTRAS
    families = list_providers()[provider.like or name].family
    assert [bool(family.models) for family in families[:-1]].count(False) == 0
    assert families[-1].models == ""
    for family in families:
        assert set(family.mode) <= set(instructor.Mode.__members__)
        assert family.effort is None or family.effort in family.reasoning
        if not family.reasoning:
            with pytest.raises(ValueError, match="--model-option"):
                family.think(Reasoning.LOW)
            continue
        thinking = [family.think(effort) for effort in Reasoning]
        rooms = [thought.room for thought in thinking]
        assert rooms == sorted(rooms)
        for thought in thinking:
            budget = thought.parameters.get("thinking", {}).get("budget_tokens", 0)
            assert budget <= thought.room


@pytest.mark.parametrize(("model", "settings", "parameters"), MODELS["parameters"])
def test_thinking_gets_its_room_and_options_replace_what_the_table_has(
    model, settings, parameters
):
    form = RequestForm(ModelSpec.parse(model), ClientSettings(**settings))
    assert form.arguments(render(ask_about(1))) == parameters
