"""What providers refuse, delay, cut off and filter, each in its own way, by their SDKs."""

import json
from dataclasses import replace

import pytest

from extractor import Extractor
from extractor.assembly.check import UnreadableValue
from extractor.errors import ArgumentError, ModelAway, ModelUnavailable
from extractor.model.answer_text import split_items
from extractor.model.completions import Ending
from extractor.model.providers import Reasoning, list_providers
from extractor.model.sdk import instruct, open_client
from extractor.model.spec import SERVER, ModelSpec
from extractor.schemas import Category, Constraint, Usage
from tests.commands import invoke
from tests.tables import read_cases

from .anthropic_server import Anthropic
from .asking import CALL, ask
from .gemini_server import Gemini
from .openai_server import OpenAI
from .standin import GOOD, Outcome, answer

CASES = read_cases(__file__)
GPT = "openai/gpt-5-mini"
CLAUDE = "anthropic/claude-haiku-4-5"
FLASH = "google/gemini-2.5-flash"
ALL = pytest.mark.parametrize(
    ("kind", "model"), [(OpenAI, GPT), (Anthropic, CLAUDE), (Gemini, FLASH)]
)


CUT = Outcome(
    "cut",
    answer({"n": 1, "ok": True}, {"n": 2, "cat": "age", "quote": "18 years"}).text[:-8],
)


@ALL
@pytest.mark.parametrize(
    ("script", "ending", "slept"),
    [
        # A wait that the provider asks for in a header is waited; Gemini's is in the body.
        ([Outcome("overloaded"), Outcome("limited", seconds=7)], Ending.COMPLETE, 8),
        ([Outcome("refused")], Ending.REFUSED, 0),
        ([Outcome("filtered")], Ending.REFUSED, 0),
        ([CUT, CUT], Ending.CUT, 0),
    ],
    ids=["limited", "refused", "filtered", "cut"],
)
def test_what_becomes_of_a_request_is_read_by_each_sdk(
    kind, model, script, ending, slept, stand
):
    faults = 2 if slept else 0
    standin = stand(kind, *script)
    waits = []
    (completion,) = ask(model, waits)
    if slept and kind is Gemini:
        slept = 1 + 2
    assert (completion.ending, completion.usage.calls) == (ending, 1)
    # in seconds, between which a stop is noticed
    assert waits == [1] * slept
    assert len(standin.requests) == 1 + faults
    if ending is Ending.CUT:
        assert split_items(completion.text, is_cut=True) == [{"n": 1, "ok": True}]


@ALL
def test_an_error_that_states_tokens_is_counted(kind, model, stand):
    """Each provider spells them in its own way."""
    stand(kind, Outcome("charged"))
    (completion,) = ask(model)
    usage = completion.usage
    assert (usage.calls, usage.prompt_tokens, usage.output_tokens) == (2, 14_000, 400)


KINDS = {"openai": OpenAI, "anthropic": Anthropic, "google": Gemini}


@pytest.mark.parametrize(
    ("model", "in_words", "refused", "key", "sent"), CASES["refused"]
)
def test_what_a_model_refuses_is_sent_no_more(
    model, in_words, refused, key, sent, stand
):
    """Anthropic and Gemini name a refused parameter in the message alone. A tool that cannot be
    forced, as with a model that thinks by itself, is not used; its words are an answer.
    """
    script = [Outcome("said", GOOD.text)] * 2 * in_words
    kind = KINDS[model.partition("/")[0]]
    standin = stand(kind, *script, refuses=frozenset({refused}))
    answers = ask(model, calls=2, reasoning=Reasoning.LOW if key == refused else None)
    assert [f'"{key}"' in json.dumps(request) for request in standin.requests] == sent
    assert [json.loads(one.text) for one in answers] == [json.loads(GOOD.text)] * 2


def test_a_server_gets_the_output_limit_under_the_name_that_it_asks_for(stand):
    standin = stand(OpenAI)
    (completion,) = ask(f"{standin.url}/v1#o3-mini")
    first, *_, last = standin.requests
    assert "max_tokens" in first
    assert "max_tokens" not in last
    assert last["max_completion_tokens"] == CALL.max_output_tokens
    assert json.loads(completion.text) == json.loads(GOOD.text)


def test_an_output_limit_that_is_too_high_is_the_error_of_the_user(stand):
    standin = stand(Anthropic)
    with pytest.raises(ModelUnavailable, match="64000, which is the maximum"):
        ask(CLAUDE, call=replace(CALL, max_output_tokens=100_000))
    assert len(standin.requests) == 1


@pytest.mark.parametrize(
    ("kind", "model", "refused"),
    [
        (OpenAI, GPT, "none"),
        (OpenAI, "openai/gpt-4o-mini", "response_format"),
        (Anthropic, CLAUDE, "none"),
        (Gemini, FLASH, "none"),
    ],
)
def test_what_instructor_reads_into_the_reply_model_is_the_answer(
    kind, model, refused, stand
):
    """Its values are of the schema's own types."""
    said = answer({"n": 1, "cat": "prior", "limits": ["ECOG: 1", "well"], "max": ""})
    stand(kind, said, refuses=frozenset({refused}))
    (completion,) = ask(model)
    (item,) = completion.filled.items
    assert item.cat is Category.PRIOR_THERAPY
    assert list(map(type, item.limits)) == [Constraint, UnreadableValue]
    assert item.model_fields_set == {"n", "unknown", "cat", "limits"}


def test_claude_gets_one_mark_at_the_end_of_the_static_prefix(stand):
    standin = stand(Anthropic)
    ask(CLAUDE, calls=2)
    for request in standin.requests:
        assert json.dumps(request).count("cache_control") == 1
        assert request["tools"][0]["description"].endswith(
            "An item that is none, or about no line of the call, is"
        )
        mark = {"cache_control": {"type": "ephemeral"}}
        assert request["system"] == [
            {"type": "text", "text": CALL.prompt.system} | mark
        ]


@ALL
def test_tokens_are_counted_as_each_provider_states_them(kind, model, stand):
    stand(kind)
    first, second = ask(model, calls=2)
    more = {"written_tokens": 6_000} if kind is Anthropic else {"thinking_tokens": 64}
    stated = Usage(calls=1, prompt_tokens=7_000, output_tokens=200, **more)
    cached = {"cached_tokens": 6_000, "written_tokens": 0}
    assert (first.usage, second.usage) == (stated, stated.model_copy(update=cached))


SDKS = {
    # how each SDK is told the address of the server, and what its models are called
    "openai": (OpenAI, "OPENAI_BASE_URL", "/v1", "gpt-5-mini"),
    "azure": (OpenAI, "AZURE_OPENAI_ENDPOINT", "", "gpt-5-mini"),
    "anthropic": (Anthropic, "ANTHROPIC_BASE_URL", "", "claude-haiku-4-5"),
    "bedrock": (
        Anthropic,
        "ANTHROPIC_BEDROCK_BASE_URL",
        "",
        "eu.anthropic.claude-haiku-4-5-20251001-v1:0",
    ),
    "google": (Gemini, "GOOGLE_GEMINI_BASE_URL", "", "gemini-2.5-flash"),
    "vertex": (Gemini, "GOOGLE_VERTEX_BASE_URL", "", "gemini-2.5-flash"),
}


@pytest.mark.parametrize("name", sorted(list_providers().keys() - {SERVER}))
def test_each_provider_answers_by_its_name_and_gets_its_own_key_alone(
    name, stand, monkeypatch
):
    entry = list_providers()[name]
    kind, variable, path, model = SDKS.get(name, (OpenAI, "", "/v1", "org/model:8b"))
    standin = stand(kind)
    if variable:
        monkeypatch.setenv(variable, f"{standin.url}{path}")
        monkeypatch.setenv("AWS_REGION", "eu-central-1")
    else:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        there = entry.model_copy(update={"url": f"{standin.url}{path}"})
        monkeypatch.setitem(list_providers(), name, there)
    credential = entry.key or next(iter(entry.secrets), None)
    if credential:
        monkeypatch.setenv(credential, "key-of-it")
    (completion,) = ask(f"{name}/{model}")
    assert json.loads(completion.text) == json.loads(GOOD.text)
    (headers,) = standin.headers
    key = "key-of-it" if credential else "none"
    assert key in {value.removeprefix("Bearer ") for value in headers.values()}
    assert "sk-test-1" not in str(headers)
    spec = ModelSpec.parse(f"{name}/{model}")
    sdk, _ = open_client(spec)
    modes = [instruct(sdk, spec, mode).mode.name for mode in spec.family.mode]
    assert modes == list(spec.family.mode)


@pytest.mark.parametrize(
    "model", ["vllm/mine", "together/org/new", "azure/production", "vertex/gemini-new"]
)
def test_only_a_limit_needs_the_price_of_a_model(model):
    with pytest.raises(ArgumentError, match=f"the price of {model} is unknown"):
        Extractor(model, max_usd=1)
    assert Extractor(model)


def test_calls_in_flight_take_the_way_that_another_call_has_found(stand):
    """The first one that is refused leaves one way to send the schema; the others had sent the
    old one.
    """
    said = replace(GOOD, kind="said")
    standin = stand(Anthropic, refuses=frozenset({"tools"}), otherwise=said)
    found = ask(CLAUDE, calls=5, at_once=True)
    assert [json.loads(one.text) for one in found] == [json.loads(GOOD.text)] * 5
    assert ["tools" in request for request in standin.requests].count(False) == 5


@pytest.mark.parametrize("model", [GPT, CLAUDE, FLASH])
def test_a_model_without_its_key_is_asked_nothing(model, monkeypatch):
    name = f"{model.partition('/')[0].upper()}_API_KEY"
    monkeypatch.delenv(name)
    done = invoke("run", "seeds/records", "--limit", 1, "--model", model)
    assert done.exit_code in (1, 2)
    assert f"its key is missing; set {name}" in done.output


def test_a_cloud_without_credentials_is_named_as_the_problem(monkeypatch, tmp_path):
    settings = {
        "GOOGLE_CLOUD_PROJECT": "trials",
        "GOOGLE_CLOUD_LOCATION": "europe-west4",
        "NO_GCE_CHECK": "true",
        "CLOUDSDK_CONFIG": str(tmp_path),
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("GOOGLE_API_KEY")
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    with pytest.raises(ModelUnavailable, match="its credentials are missing or wrong"):
        ask("vertex/gemini-2.5-flash")


def test_openai_gets_a_schema_that_is_not_strict(stand):
    """Strict, it would have to write every key of every item."""
    standin = stand(OpenAI)
    ask(GPT)
    form = standin.requests[0]["response_format"]["json_schema"]
    assert (form["name"], "strict" in form) == ("Reply", False)
    assert form["schema"]["$defs"]["Item"]["required"] == ["n"]


@pytest.mark.parametrize(("model", "reasoning", "sent"), CASES["reasoning"])
def test_reasoning_is_set_in_each_providers_way(model, reasoning, sent, stand):
    standin = stand(KINDS[model.partition("/")[0]])
    ask(model, reasoning=reasoning and Reasoning(reasoning))

    (request,) = standin.requests  # nothing was refused
    names = ("reasoning_effort", "thinking", "output_config")
    found = {name: request[name] for name in names if name in request}
    assert request.get("generationConfig", {}).get("thinkingConfig", found) == sent


def test_the_command_sets_reasoning_and_further_parameters(stand, tmp_path):
    standin = stand(OpenAI)
    out = tmp_path / "run"
    more = ("--quiet", "--model", GPT, "--out", out)
    command = ("run", "seeds/records", "--limit", 1, *more)
    options = ("--model-option", "service_tier=flex", "--model-option", "seed=7")
    assert invoke(*command, "--reasoning", "high", *options).exit_code == 0
    sent = {"service_tier": "flex", "seed": 7}
    assert standin.requests[0].items() >= (sent | {"reasoning_effort": "high"}).items()
    settings = json.loads((out / "run.json").read_text("utf-8"))["settings"]
    assert (settings["reasoning"], settings["model_options"]) == ("high", sent)
    changed = invoke(*command, "--reasoning", "low")
    assert changed.exit_code == 2
    assert "reasoning was high, is low" in changed.output


@pytest.mark.parametrize(
    ("kind", "model", "error", "message", "sent"),
    [
        # Servers take more than their provider's SDK names, such as vLLM's chat_template_kwargs.
        (OpenAI, GPT, ModelUnavailable, r"new_one.*not", [1]),
        (Anthropic, CLAUDE, ModelUnavailable, r"new_one.*not", [1]),
        # Google's SDK has no place for it.
        (Gemini, FLASH, ModelAway, r"does not accept this parameter .*: .*new_one", []),
    ],
)
def test_an_option_that_the_sdk_does_not_know_is_sent_all_the_same(
    kind, model, error, message, sent, stand
):
    standin = stand(kind)
    with pytest.raises(error, match=message):
        ask(model, options={"new_one": 1})
    assert [request["new_one"] for request in standin.requests] == sent
