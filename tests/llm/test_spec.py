"""The text after ``--model``, and the table of providers that it is read with."""

import re
import tomllib
from pathlib import Path

import instructor
import pytest
from instructor.auto_client import supported_providers

from extractor.model.providers import Reasoning, guess_provider, list_providers
from extractor.model.request_form import RequestForm
from extractor.model.spec import SERVER, ClientSettings, ModelSpec

from .colours import ask_about, render

MODELS = tomllib.loads((Path(__file__).parent / "models.toml").read_text("utf-8"))


@pytest.mark.parametrize(("text", "named"), MODELS["named"].items())
def test_the_forms_of_a_model(text, named):
    spec = ModelSpec.parse(text)

    parts = (spec.provider, spec.name, spec.base_url)
    assert [part for part in parts if part] == named
    assert spec.is_server is (named[0] == SERVER)
    assert ModelSpec.parse(str(spec)) == spec


@pytest.mark.parametrize(("text", "message"), MODELS["refused"].items())
def test_nonsense_is_refused_with_a_remedy(text, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        ModelSpec.parse(text)


@pytest.mark.parametrize(
    "key", ["schlüssel-1234", "a-key\nof-two-lines", "“a-key-1234”"]
)
def test_a_key_that_no_header_can_hold_is_refused_and_not_shown(key):
    for text, name in (("gpt-x", "api_key"), ("http://host/v1#m", "server_key")):
        with pytest.raises(
            ValueError, match="the key has characters that no key has"
        ) as caught:
            ModelSpec.parse(text, **{name: key})
        assert key not in str(caught.value)


@pytest.mark.parametrize(
    "secret", ["hunter2", "hunt,er2", "hunt@2", "hunt/2", "hunt#2", "hunt?2"]
)
def test_password_in_any_address_is_refused_and_not_shown(secret):
    url = f"http://me:{secret}@host/v1"
    for text, base_url in ((f"{url}#m", None), ("gpt-5-mini", url)):
        with pytest.raises(ValueError, match=r"model|address|URL") as caught:
            ModelSpec.parse(text, base_url=base_url)
        assert "hunt" not in str(caught.value)


def test_no_key_goes_to_another_provider_or_server():
    keys = {
        "api_key": "sk-hosted",
        "server_key": "of-the-server",
        "base_url": "http://gateway/v1",
    }
    server, hosted, other = (
        ModelSpec.parse(text, **keys)
        for text in ("http://host/v1#m", "gpt-5-mini", "anthropic/claude-sonnet-4-5")
    )

    assert server.api_key.get_secret_value() == "of-the-server"
    assert hosted.api_key.get_secret_value() == "sk-hosted"
    assert hosted.base_url == "http://gateway/v1"
    assert (other.api_key, other.base_url) == (None, None)
    assert "sk-hosted" not in f"{hosted!r} {hosted}"


FAMILIES = [
    pytest.param(name, family, id=f"{name} {family.models or 'all'}")
    for name, provider in list_providers().items()
    for family in provider.family
]


@pytest.mark.parametrize(("provider", "family"), FAMILIES)
def test_every_family_of_models_is_complete(provider, family):
    """Each mode is one of instructor's, and an effort is one that the family knows."""
    for mode in family.mode:
        assert mode in instructor.Mode.__members__
    assert set(family.reasoning) in (set(), set(Reasoning)), (
        "an effort of --reasoning is missing"
    )
    assert family.effort is None or family.effort in family.reasoning
    if not family.reasoning:
        with pytest.raises(ValueError, match="--model-option"):
            family.think(Reasoning.LOW)


@pytest.mark.parametrize(
    ("provider", "family"),
    [parameter for parameter in FAMILIES if parameter.values[1].reasoning],
)
def test_more_thinking_has_more_room(provider, family):
    rooms = []
    for effort in Reasoning:
        parameters, room = family.think(effort)
        rooms.append(room)
        assert "room" not in parameters
        assert parameters.get("thinking", {}).get("budget_tokens", 0) <= room
    assert rooms == sorted(rooms)


@pytest.mark.parametrize("name", list_providers())
def test_every_provider_is_known_to_instructor_and_its_sdk_to_the_extras(name):
    provider = list_providers()[name]
    assert provider.family[-1].models == "", (
        "the last family is that of all other models"
    )
    assert all(family.models for family in provider.family[:-1]), (
        "no family hides behind one of all models"
    )
    if name != SERVER:
        assert name in supported_providers
    extras = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"][
        "optional-dependencies"
    ]
    assert provider.extra is None or provider.extra in extras


def test_a_provider_is_guessed_from_the_names_of_its_models_alone():
    guessed = [
        guess_provider(name)
        for name in ("claude-opus-4-1", "grok-4", "deepseek-chat", "o3-mini", "llama-3")
    ]
    assert guessed == ["anthropic", "xai", "deepseek", "openai", None]


def parameters_of(model, reasoning=None, **options):
    form = RequestForm(
        ModelSpec.parse(model), ClientSettings(reasoning=reasoning, options=options)
    )
    return form.parameters(render(ask_about(1)))


def test_thinking_gets_its_room_beside_the_answer():
    assert parameters_of("gpt-5-mini", Reasoning.HIGH) == {
        "max_completion_tokens": 30100,
        "prompt_cache_key": "a" * 32,
        "reasoning_effort": "high",
    }
    assert parameters_of("anthropic/claude-haiku-4-5", Reasoning.LOW) == {
        "max_tokens": 2100,
        "thinking": {"type": "enabled", "budget_tokens": 2000},
    }
    assert parameters_of("http://host/v1#m") == {"max_tokens": 100, "temperature": 0}
    assert parameters_of("http://host/v1#m", temperature=0.6, seed=7) == {
        "max_tokens": 100,
        "temperature": 0.6,
        "seed": 7,
    }
