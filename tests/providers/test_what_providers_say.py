"""What providers refuse, delay, cut off and filter, each in its own way, by their SDKs."""

import json
from dataclasses import replace

import pytest

from extractor.errors import ModelAway, ModelUnavailable
from extractor.model.asking.salvage import read_complete_items
from extractor.model.completions import Ending
from extractor.model.providers import Reasoning
from tests.commands import invoke

from .anthropic_server import Anthropic
from .asking import CALL, GOOD, Clock, ask
from .gemini_server import Gemini
from .openai_server import OpenAI
from .standin import THOUGHT, Outcome, answer

GPT = "openai/gpt-5-mini"
CLAUDE = "anthropic/claude-haiku-4-5"
FLASH = "google/gemini-2.5-flash"
ALL = pytest.mark.parametrize(
    ("kind", "model"), [(OpenAI, GPT), (Anthropic, CLAUDE), (Gemini, FLASH)]
)


@pytest.fixture
def stand(stand):
    """A stand-in that answers well after the outcomes of its script."""
    return lambda kind, *script, **settings: stand(
        kind(list(script), lambda _: GOOD, **settings)
    )


CUT = Outcome(
    "cut",
    answer({"n": 1, "ok": True}, {"n": 2, "cat": "age", "quote": "18 years"}).text[:-8],
)
BROKEN = Outcome("answer", '{"things": []}')


@ALL
@pytest.mark.parametrize(
    ("script", "ending", "answers", "slept"),
    [
        # A wait that the provider asks for is waited.
        (
            [Outcome("overloaded"), Outcome("limited", seconds=7)],
            Ending.COMPLETE,
            1,
            [1, 7],
        ),
        ([Outcome("refused")], Ending.REFUSED, 1, []),
        ([Outcome("filtered")], Ending.REFUSED, 1, []),
        # A broken answer is asked again once.
        ([BROKEN, BROKEN], Ending.COMPLETE, 2, []),
        # Of an answer that was cut off, few tokens came, so it was the context that was full.
        ([CUT, CUT], Ending.CUT, 1, []),
    ],
    ids=["limited", "refused", "filtered", "broken", "cut"],
)
def test_what_becomes_of_a_request_is_read_by_each_sdk(
    kind, model, script, ending, answers, slept, stand
):
    standin = stand(kind, *script)
    clock = Clock()

    ((completion, came),) = ask(model, clock)

    assert completion.ending == ending
    assert came == answers
    assert completion.usage.calls == answers
    assert clock.slept == slept
    assert len(standin.requests) == answers + len(slept)
    assert script != [CUT, CUT] or read_complete_items(completion.text) == [
        {"n": 1, "ok": True}
    ]
    assert script != [BROKEN, BROKEN] or "things" in json.dumps(
        standin.requests[1]
    )  # the model sees what it said


def limit_of(request):
    """The output limit of a request in any form."""
    config = request.get("generationConfig", {})
    return (
        config.get("maxOutputTokens")
        or request.get("max_tokens")
        or request.get("max_completion_tokens")
    )


@ALL
def test_thinking_that_took_the_whole_limit_gets_more_room_once(kind, model, stand):
    standin = stand(kind, Outcome("thought"))

    (completion, answers), (_, later) = ask(model, calls=2)

    limits = [limit_of(request) for request in standin.requests]
    assert limits[1] == limits[2] > 2 * limits[0]
    assert completion.ending is Ending.COMPLETE
    assert (answers, later, completion.usage.calls) == (2, 1, 2)


def test_an_output_limit_of_the_user_is_kept(stand):
    standin = stand(OpenAI, *[Outcome("thought")] * 9)

    ((completion, _),) = ask(GPT, options={"max_completion_tokens": 300})

    assert completion.ending is Ending.CUT
    assert [limit_of(request) for request in standin.requests] == [300]


def test_thinking_that_usage_does_not_name_gets_more_room_too(stand):
    """Gemini's endpoint in OpenAI's form counts thinking in the total alone."""
    standin = stand(OpenAI, Outcome("thought"), names_thinking=False)

    ((completion, _),) = ask(f"{standin.url}/v1#gemini-2.5-flash")

    assert (
        limit_of(standin.requests[1])
        > limit_of(standin.requests[0])
        == CALL.max_output_tokens
    )
    assert completion.usage.thinking_tokens == CALL.max_output_tokens + THOUGHT


@pytest.mark.parametrize(
    ("kind", "model", "name"),
    [
        (OpenAI, GPT, "reasoning_effort"),
        (Anthropic, CLAUDE, "thinking"),
        (Gemini, FLASH, "thinkingConfig"),
    ],
)
def test_a_refused_parameter_is_left_out_from_then_on(kind, model, name, stand):
    """Anthropic and Gemini name it in the message alone."""
    standin = stand(kind, refuses=frozenset({name}))

    answers = ask(model, calls=3, reasoning=Reasoning.LOW)

    assert [count for _, count in answers] == [1, 1, 1]
    assert len(standin.requests) == 4
    assert [f'"{name}"' in json.dumps(request) for request in standin.requests] == [
        True,
        False,
        False,
        False,
    ]


def test_an_output_limit_that_is_too_high_is_the_error_of_the_user(stand):
    standin = stand(Anthropic)
    with pytest.raises(ModelUnavailable, match="64000, which is the maximum"):
        ask(CLAUDE, call=replace(CALL, max_output_tokens=100_000))
    assert len(standin.requests) == 1


def test_claude_gets_one_mark_at_the_end_of_the_static_prefix(stand):
    standin = stand(Anthropic)

    (first, _), (second, _) = ask(CLAUDE, calls=2)

    for request in standin.requests:
        assert json.dumps(request).count("cache_control") == 1
        assert request["system"] == [
            {
                "type": "text",
                "text": CALL.system,
                "cache_control": {"type": "ephemeral"},
            }
        ]
    assert first.usage.written_tokens == 6_000
    assert first.usage.cached_tokens == 0
    assert second.usage.written_tokens == 0
    assert second.usage.cached_tokens == 6_000


def test_a_tool_that_cannot_be_forced_is_not_used(stand):
    """As with a model that thinks by itself, unlike its elders."""
    standin = stand(Anthropic, Outcome("said", GOOD.text), Outcome("said", GOOD.text))

    answers = ask("anthropic/claude-sonnet-4-9", calls=2)

    assert [count for _, count in answers] == [1, 1]
    assert ["tools" in request for request in standin.requests] == [True, False, False]
    assert json.dumps(standin.requests[1]).count("cache_control") == 1


def test_a_schema_that_gemini_does_not_take_is_sent_as_a_function(stand):
    standin = stand(Gemini, refuses=frozenset({"responseSchema"}))

    answers = ask(FLASH, calls=2)

    assert ["tools" in request for request in standin.requests] == [False, True, True]
    assert [(json.loads(one.text), count) for one, count in answers] == [
        (json.loads(GOOD.text), 1)
    ] * 2


def test_a_text_of_claude_in_place_of_the_tool_call_is_an_answer(stand):
    standin = stand(Anthropic, Outcome("said", GOOD.text))

    ((completion, answers),) = ask("anthropic/claude-opus-5-5")

    assert json.loads(completion.text) == json.loads(GOOD.text)
    assert answers == len(standin.requests) == 1


@pytest.mark.parametrize("model", [GPT, CLAUDE, FLASH])
def test_a_model_without_its_key_is_asked_nothing(model, monkeypatch):
    name = f"{model.partition('/')[0].upper()}_API_KEY"
    monkeypatch.delenv(name)

    done = invoke("run", "seeds/records", "--limit", 1, "--model", model)

    assert done.exit_code in (1, 2)
    assert f"there is no key for it; set {name}" in done.output


def test_openai_gets_a_schema_that_is_not_strict(stand):
    """Strict, it would have to write every key of every item."""
    standin = stand(OpenAI)

    ask(GPT)

    form = standin.requests[0]["response_format"]["json_schema"]
    assert form["name"] == "Reply"
    assert "strict" not in form
    assert form["schema"]["$defs"]["Item"]["required"] == ["n"]


ADAPTIVE = {"thinking": {"type": "adaptive"}}


@pytest.mark.parametrize(
    ("model", "reasoning", "sent"),
    [
        (GPT, None, {"reasoning_effort": "low"}),
        (GPT, "none", {"reasoning_effort": "minimal"}),
        (GPT, "high", {"reasoning_effort": "high"}),
        ("openai/gpt-5.4-mini", "none", {"reasoning_effort": "none"}),
        (CLAUDE, None, {}),
        (CLAUDE, "high", {"thinking": {"type": "enabled", "budget_tokens": 24_000}}),
        ("anthropic/claude-sonnet-4-6", None, {}),
        (
            "anthropic/claude-sonnet-4-6",
            "low",
            ADAPTIVE | {"output_config": {"effort": "low"}},
        ),
        ("anthropic/claude-opus-5", None, {"thinking": {"type": "disabled"}}),
        (
            "anthropic/claude-opus-5",
            "high",
            ADAPTIVE | {"output_config": {"effort": "high"}},
        ),
        ("anthropic/claude-opus-5-5", None, {"output_config": {"effort": "low"}}),
        (
            "anthropic/claude-opus-5-5",
            "medium",
            {"output_config": {"effort": "medium"}},
        ),
        (FLASH, None, {"thinking_budget": 0}),
        (FLASH, "low", {"thinking_budget": 2_000}),
        ("google/gemini-3-flash-preview", None, {"thinking_level": "LOW"}),
        ("google/gemini-3-flash-preview", "high", {"thinking_level": "HIGH"}),
    ],
)
def test_reasoning_is_set_in_each_providers_way(model, reasoning, sent, stand):
    standin = stand(
        {"openai": OpenAI, "anthropic": Anthropic, "google": Gemini}[
            model.partition("/")[0]
        ]
    )

    ask(model, reasoning=reasoning and Reasoning(reasoning))

    (request,) = standin.requests  # nothing was refused
    names = ("reasoning_effort", "thinking", "output_config")
    found = {name: request[name] for name in names if name in request}
    assert request.get("generationConfig", {}).get("thinkingConfig", found) == sent


def test_the_command_sets_reasoning_and_further_parameters(stand, tmp_path):
    standin = stand(OpenAI)
    run = tmp_path / "run"
    command = (
        *("run", "seeds/records", "--limit", 1, "--quiet"),
        *("--model", GPT, "--out", run),
    )
    options = ("--model-option", "service_tier=flex", "--model-option", "seed=7")

    done = invoke(*command, "--reasoning", "high", *options)

    assert done.exit_code == 0
    request = standin.requests[0]
    assert request["reasoning_effort"] == "high"
    assert request["service_tier"] == "flex"
    assert request["seed"] == 7
    settings = json.loads((run / "run.json").read_text("utf-8"))["settings"]
    assert settings["reasoning"] == "high"
    assert settings["model_options"] == {"service_tier": "flex", "seed": 7}

    changed = invoke(*command, "--reasoning", "low")
    assert changed.exit_code == 2
    assert "reasoning was high, is low" in changed.output


@pytest.mark.parametrize(("kind", "model"), [(OpenAI, GPT), (Anthropic, CLAUDE)])
def test_an_option_that_the_sdk_does_not_know_is_sent_all_the_same(kind, model, stand):
    """Servers take more than their provider's SDK names, such as vLLM's chat_template_kwargs."""
    standin = stand(kind)
    with pytest.raises(ModelUnavailable, match=r"new_one.*not"):
        ask(model, options={"new_one": 1})
    assert [request["new_one"] for request in standin.requests] == [1]


def test_an_option_for_which_the_sdk_has_no_place_ends_the_run(stand):
    standin = stand(Gemini)
    with pytest.raises(
        ModelAway, match=r"takes no such parameter \(--model-option\): .*new_one"
    ):
        ask(FLASH, options={"new_one": 1, "top_p": 0.5})
    assert not standin.requests


def test_options_that_cannot_be_are_refused():
    refused = {
        "--model-option seed": "not KEY=VALUE",
        "--model gpt-4o-mini --reasoning low": "cannot be set",
    }
    for options, said in refused.items():
        done = invoke("run", "seeds/records", *options.split())
        assert (done.exit_code, said in done.output) == (2, True)
