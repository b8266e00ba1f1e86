"""Requests to a model, and the handling of its answers."""

import importlib
import re
import sys
from dataclasses import replace

import pytest

from extractor.errors import (
    AnswerRejected,
    MissingExtra,
    ModelUnavailable,
)
from extractor.model.calls import MOST_CALLS
from extractor.model.client import Model
from extractor.model.spec import ModelSpec
from extractor.schemas import Usage
from tests.tables import read_cases

from .colours import ask, ask_about, complete, model_of, patient, render
from .stub import completion, fault, items, serve

CASES = read_cases(__file__)
RED = {"n": 1, "colour": "red"}
GREEN = {"n": 2, "colour": "green"}


def colours(reply):
    return {item.n: item.values["colour"] for item in reply.items}


def asked_lines(request):
    return [
        int(n) for n in re.findall(r"^(\d+):", request["messages"][1]["content"], re.M)
    ]


def answer_lines(request):
    """The answer of a perfect model to the lines of the last user message."""
    return completion(items(*({"n": n, "colour": "red"} for n in asked_lines(request))))


def answer_in_mode(request, text):
    """The answer as a tool call where the request has tools."""
    if "tools" not in request:
        return completion(text)
    call = {"name": request["tools"][0]["function"]["name"], "arguments": text}
    calls = [{"id": "x", "type": "function", "function": call}]
    return completion(None, "tool_calls", message={"tool_calls": calls})


async def test_the_text_of_a_record_is_no_template():
    text = "  {{ 7 * 7 }} {% for %}\n    indented {# note #}"
    with serve([completion(items(RED))]) as stub:
        made = lambda questions: replace(render(questions), user=text)  # noqa: E731
        await ask(model_of(stub), ask_about(1), made)
    assert stub.said == [text]


MODES = {"JSON_SCHEMA": "response_format", "TOOLS": "tools", "JSON": "response_format"}


UNKNOWN = (400, "unknown: tools or response_format")
INVALID = (
    500,
    "1 validation error: {'type': 'literal_error', 'loc': ('body', 'response_format', 'type'), "
    "'msg': \"Input should be 'text' or 'json_object'\", 'input': 'json_schema'}",
)
"""As llama-cpp-python's server refuses a schema."""


@pytest.mark.parametrize(
    ("mode", "calls", "refusal"),
    [
        ("JSON_SCHEMA", 1, UNKNOWN),
        ("TOOLS", 2, UNKNOWN),
        ("TOOLS", 2, INVALID),
        ("JSON", 3, UNKNOWN),
        ("", 3, UNKNOWN),
    ],
)
async def test_a_server_is_asked_in_the_mode_that_it_knows_from_then_on(
    mode, calls, refusal
):
    def answer(request):
        kind = request.get("response_format", {}).get("type")
        given = {"json_schema": "JSON_SCHEMA", None: "TOOLS"}.get(kind, "JSON")
        if given == mode:
            return answer_in_mode(request, items(RED))
        return fault(*refusal)

    with serve(answer) as stub:
        async with model_of(stub) as model:
            if not mode:
                with pytest.raises(ModelUnavailable, match="unknown: tools"):
                    await ask(model, ask_about(1), render)
                assert len(stub.requests) == calls
                return
            replies = [await ask(model, ask_about(1), render) for _ in range(2)]
    assert [colours(reply) for reply in replies] == [{1: "red"}] * 2
    assert len(stub.requests) == calls + 1
    assert MODES[mode] in stub.requests[-1]


@pytest.mark.parametrize(("answer", "found", "rejected"), CASES["kept"])
async def test_valid_items_are_kept_and_the_rest_is_named(answer, found, rejected):
    reply, _ = await complete([completion(answer)], 1, 2)
    assert {str(n): colour for n, colour in colours(reply).items()} == found
    assert list(reply.rejected) == rejected
    assert reply.usage == Usage(questions=2, calls=1, prompt_tokens=10, output_tokens=5)


@pytest.mark.parametrize(("problem", "text", "reason", "message"), CASES["useless"])
async def test_useless_answers_are_rejected_with_the_reason_and_the_cost(
    problem, text, reason, message
):
    with pytest.raises(AnswerRejected, match=problem) as caught:
        await complete([completion(text, reason, message=message)], 1)
    usage = {"prompt_tokens": 10, "output_tokens": 5}
    assert caught.value.usage == Usage(questions=1, calls=1, **usage)


CUT = '{"items":[{"n":1,"colour":"red"},{"n":2,"colour":"green"},{"n":3,"colour":"re'
NEVER = "2: the answer did not fit into the output limit (finish reason length)"


@pytest.mark.parametrize(
    ("cut", "of", "lines", "sent", "found", "rejected"),
    [
        (completion(CUT, "length"), 1, 5, ["2345"], [1, 2, 3, 4, 5], ()),
        (completion(CUT[:25], "length"), 2, 3, ["12", "3", "1", "2"], [1, 3], (NEVER,)),
    ],
    ids=["cut", "cut at each size"],
)
async def test_only_the_rest_of_a_cut_answer_is_asked_again_and_whole_items_are_kept(
    cut, of, lines, sent, found, rejected
):
    asked = complete(
        lambda request: cut if of in asked_lines(request) else answer_lines(request),
        *range(1, lines + 1),
    )
    reply, stub = await asked
    assert ["".join(map(str, asked_lines(r))) for r in stub.requests[1:]] == sent
    assert sorted(colours(reply)) == found
    assert (reply.usage.calls, reply.rejected) == (len(stub.requests), rejected)


async def test_the_answers_of_one_call_are_bounded_however_often_they_are_cut():
    cut = completion('{"items":[{"n":1,"colour":"red"},' + " " * 100, "length")
    with serve([cut]) as stub, pytest.raises(AnswerRejected, match="did not fit"):
        await ask(model_of(stub), ask_about(*range(2, 40)), render)
    assert len(stub.requests) == MOST_CALLS


async def test_no_key_and_no_organisation_go_to_a_server_named_by_url(monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, "sk-of-the-environment")

    _, stub = await complete([completion(items(RED))], 1)

    assert "sk-of-the-environment" not in str(stub.headers)
    assert stub.headers[0]["authorization"] == "Bearer none"


@pytest.mark.filterwarnings(
    "ignore:Inheritance class AiohttpClientSession:DeprecationWarning"
)  # google-genai's own
@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("openai/gpt-x", "OPENAI_BASE_URL"),
        ("anthropic/claude-x", "ANTHROPIC_BASE_URL"),
        ("google/gemini-x", "GOOGLE_GEMINI_BASE_URL"),
    ],
)
async def test_the_address_in_the_variable_of_an_sdk_is_asked_and_no_other(
    name, variable, monkeypatch
):
    provider, _, model = name.partition("/")
    monkeypatch.setenv(f"{provider.upper()}_API_KEY", "sk-of-the-environment")
    with serve([fault(404, "no such model")]) as stub:
        monkeypatch.setenv(variable, stub.url.replace("//", "//me:secret-word@"))
        with pytest.raises(ModelUnavailable) as caught:
            await ask(
                Model(ModelSpec.parse(name), policy=patient()), ask_about(1), render
            )
    assert len(stub.requests) == 1
    assert str(caught.value).startswith(f"model {model} at {provider}: HTTP 404")


@pytest.mark.parametrize(
    ("name", "module", "extra"),
    [
        ("anthropic/claude-x", "anthropic", "anthropic"),
        ("bedrock/claude-x", "boto3", "bedrock"),
        ("google/gemini-x", "google.genai", "google"),
        ("vertex/gemini-x", "google.genai", "google"),
    ],
)
async def test_a_provider_without_its_sdk_says_what_to_install(
    name, module, extra, monkeypatch
):
    for key in ("ANTHROPIC_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.setenv(key, "sk-of-the-environment")
    package, _, part = module.rpartition(".")
    monkeypatch.setitem(sys.modules, module, None)
    if package:
        monkeypatch.delattr(importlib.import_module(package), part, raising=False)
    with pytest.raises(MissingExtra, match=rf"pip install '\.\[{extra}\]'"):
        async with Model(ModelSpec.parse(name)):
            pass
