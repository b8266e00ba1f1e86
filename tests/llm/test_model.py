import asyncio
import json
import logging
import re
from dataclasses import replace

import pytest

from extractor.errors import AnswerRejected, ModelUnavailable
from extractor.llm.client import ClientSettings, Model
from extractor.llm.requests import AnswerMode
from extractor.llm.spec import ModelSpec
from extractor.schemas import Usage

from .colours import Answer, ask_about, complete, model_of, patient, render
from .stub import Scripted, completion, fault, items, serve

RED = {"n": 1, "colour": "red"}
GREEN = {"n": 2, "colour": "green"}
BLUE = {"n": 2, "colour": "blue"}


def colours(reply):
    return {item.n: item.colour for item in reply.items}


def answer_lines(request):
    """What a perfect model would say to the lines of the last user message."""
    asked = [int(n) for n in re.findall(r"^(\d+):", request["messages"][1]["content"], re.M)]
    return completion(items(*({"n": n, "colour": "red"} for n in asked)))


async def test_valid_answer_comes_back_with_its_cost():
    usage = {
        "prompt_tokens": 90,
        "completion_tokens": 7,
        "total_tokens": 97,
        "prompt_tokens_details": {"cached_tokens": 64},
    }
    reply, _ = await complete([completion(items(RED, GREEN), usage=usage)], 1, 2)
    assert reply.items == (Answer(**RED), Answer(**GREEN))
    assert reply.usage == Usage(questions=2, calls=1, prompt_tokens=90, cached_tokens=64, output_tokens=7)
    assert (reply.model, reply.rejected) == ("stub-model", ())


async def test_request_is_small_and_says_what_to_answer():
    with serve([completion(items(RED))]) as stub:
        await model_of(stub).complete(ask_about(1), render)
    (request,) = stub.requests
    assert request["messages"] == [
        {"role": "system", "content": "Name the colour."},
        {"role": "user", "content": "1: line 1"},
    ]
    assert (request["temperature"], request["max_tokens"], request["model"]) == (0, 100, "stub")
    schema = request["response_format"]["json_schema"]["schema"]
    answer = schema["$defs"]["Answer"]
    assert "title" not in json.dumps(schema)
    assert answer["required"] == ["n", "colour"]
    assert answer["properties"]["word"] == {"anyOf": [{"maxLength": 20, "type": "string"}, {"type": "null"}]}


async def test_text_that_looks_like_a_template_is_sent_as_it_is():
    text = "  {{ 7 * 7 }} {% for %}\n    indented {# note #}"

    def render_braces(questions):
        return replace(render(questions), user=text)

    with serve([completion(items(RED))]) as stub:
        await model_of(stub).complete(ask_about(1), render_braces)
    assert stub.said == [text]


@pytest.mark.parametrize("mode", AnswerMode)
async def test_every_mode_asks_and_reads(mode):
    def answer(request):
        if mode is not AnswerMode.TOOLS:
            return completion(items(RED))
        call = {"name": request["tools"][0]["function"]["name"], "arguments": items(RED)}
        return completion(
            None, "tool_calls", message={"tool_calls": [{"id": "x", "type": "function", "function": call}]}
        )

    reply, stub = await complete(answer, 1, settings=ClientSettings(mode=mode))
    assert colours(reply) == {1: "red"}
    assert "colour" in json.dumps(stub.requests[0])


async def test_invalid_answer_is_asked_again_with_the_error():
    reply, stub = await complete([completion(items(RED, BLUE)), completion(items(RED, GREEN))], 1, 2)
    assert colours(reply) == {1: "red", 2: "green"}
    assert reply.usage == Usage(questions=2, calls=2, prompt_tokens=20, output_tokens=10)
    assert "Input should be 'red' or 'green'" in stub.said[1]
    assert "errors.pydantic.dev" not in stub.said[1]


async def test_valid_items_outlive_the_last_reask():
    reply, _ = await complete([completion(items(RED, BLUE))], 1, 2, settings=ClientSettings(reasks=2))
    assert colours(reply) == {1: "red"}
    assert reply.rejected == ("2: colour: Input should be 'red' or 'green'",)
    assert reply.usage.calls == 3


async def test_best_attempt_is_kept_and_completed_from_the_others():
    first = completion(items(RED, BLUE, {"n": 3, "colour": "red"}))
    worse = completion(items({"n": 1, "colour": "mauve"}, GREEN))
    reply, _ = await complete([first, worse], 1, 2, 3)
    assert colours(reply) == {1: "red", 2: "green", 3: "red"}
    assert reply.rejected == ()


async def test_items_that_nobody_asked_about_are_dropped():
    reply, _ = await complete([completion(items(RED, {"n": 9, "colour": "red"}))], 1)
    assert colours(reply) == {1: "red"}
    assert reply.rejected == ("9: was not asked about",)


@pytest.mark.parametrize(
    "prose",
    [
        "Here is the answer:\n\n{}\n\nLine 1 says so [1].",
        "Sure! ```{}``` Anything else?",
        "<think>{{1}}? No.</think> The result: {}",
        "<think>easy</think>\n```json\n{}\n```",
    ],
)
async def test_answer_inside_prose_needs_no_reask(prose):
    reply, _ = await complete([completion(prose.format(items(RED)))], 1)
    assert (colours(reply), reply.usage.calls) == ({1: "red"}, 1)


async def test_a_server_that_knows_no_schema_is_asked_in_another_mode_from_then_on():
    def answer(request):
        if "response_format" in request and request["response_format"]["type"] == "json_schema":
            return fault(400, "'response_format.type' must be 'text'", param="response_format")
        if "tools" in request:
            return fault(400, "this model does not support tools")
        return completion(items(RED))

    with serve(answer) as stub:
        model = model_of(stub)
        replies = [await model.complete(ask_about(1), render) for _ in range(2)]
    assert [colours(reply) for reply in replies] == [{1: "red"}] * 2
    assert [reply.usage.calls for reply in replies] == [3, 1]


async def test_a_server_that_knows_no_mode_is_reported():
    with serve([fault(400, "response_format is not supported")]) as stub, pytest.raises(ModelUnavailable) as caught:
        await model_of(stub).complete(ask_about(1), render)
    assert "response_format is not supported" in str(caught.value)
    assert len(stub.requests) == 3


@pytest.mark.parametrize(
    ("answer", "reason", "calls"),
    [
        (completion(None, message={"refusal": "I would rather not"}), "the model refused: I would rather not", 1),
        (completion("", "content_filter"), "content filter", 1),
        (completion(""), "the answer is empty", 2),
        (completion("I think it is red."), "Invalid JSON", 2),
        (completion(items({"n": 9, "colour": "red"})), "was not asked about", 1),
    ],
)
async def test_useless_answers_are_rejected_with_the_reason_and_the_cost(answer, reason, calls):
    with serve([answer]) as stub, pytest.raises(AnswerRejected, match=reason) as caught:
        await model_of(stub).complete(ask_about(1), render)
    assert caught.value.usage == Usage(questions=1, calls=calls, prompt_tokens=10 * calls, output_tokens=5 * calls)


async def test_cut_answer_keeps_whole_items_and_asks_the_rest_in_halves():
    cut = '{"items":[{"n":1,"colour":"red"},{"n":2,"colour":"green"},{"n":3,"colour":"re'

    def answer(request):
        whole = answer_lines(request)
        return (
            completion(cut, "length")
            if "4:" in request["messages"][1]["content"] and len(stub.requests) == 1
            else whole
        )

    with serve(answer) as stub:
        reply = await model_of(stub).complete(ask_about(1, 2, 3, 4, 5), render)
    assert stub.said[1:] == ["3: line 3\n4: line 4", "5: line 5"]
    assert colours(reply) == {1: "red", 2: "green", 3: "red", 4: "red", 5: "red"}
    assert (reply.usage.calls, reply.rejected) == (3, ())


async def test_one_question_whose_answer_never_fits_does_not_take_the_others_with_it():
    def answer(request):
        long_one = "2:" in request["messages"][1]["content"]
        return completion('{"items":[{"n":2,"colour":"', "length") if long_one else answer_lines(request)

    reply, _ = await complete(answer, 1, 2, 3)
    assert colours(reply) == {1: "red", 3: "red"}
    assert reply.rejected == ("2: the answer did not fit into the output limit",)


async def test_whole_answer_followed_by_white_space_until_the_limit_is_whole():
    reply, _ = await complete([completion(items(RED) + "\n" * 90, "length")], 1)
    assert (colours(reply), reply.usage.calls) == ({1: "red"}, 1)


async def test_questions_too_long_for_the_model_are_asked_in_halves():
    def answer(request):
        long = request["messages"][1]["content"].count("\n") > 0
        return fault(400, "too long", type="exceed_context_size_error") if long else answer_lines(request)

    reply, _ = await complete(answer, 1, 2)
    assert colours(reply) == {1: "red", 2: "red"}


async def test_usage_of_the_model_is_the_sum_over_all_puts_failed_ones_included():
    with serve([completion(items(RED)), fault(500)]) as stub:
        model = model_of(stub, policy=patient(attempts=2))
        await model.complete(ask_about(1), render)
        with pytest.raises(ModelUnavailable) as caught:
            await model.complete(ask_about(2, 3), render)
    assert caught.value.usage == Usage(questions=2, calls=2)
    assert model.usage == Usage(questions=3, calls=3, prompt_tokens=10, output_tokens=5)


async def test_many_puts_at_once_share_one_connection_and_get_their_own_answers():
    with serve(answer_lines) as stub:
        async with model_of(stub, ClientSettings(concurrency=5)) as model:
            replies = await asyncio.gather(*(model.complete(ask_about(n, n + 100), render) for n in range(40)))
    assert [colours(reply) for reply in replies] == [{n: "red", n + 100: "red"} for n in range(40)]
    assert model.usage == Usage(questions=80, calls=40, prompt_tokens=400, output_tokens=200)


async def test_reasoning_model_teaches_which_parameters_it_takes():
    def answer(request):
        if "max_completion_tokens" in request:
            return fault(400, "unsupported", param="max_completion_tokens", code="unsupported_parameter")
        if "temperature" in request:
            return fault(400, "only 1", param="temperature", code="unsupported_value")
        return answer_lines(request)

    with serve(answer) as stub:
        spec = ModelSpec.parse("thinker", api_key="sk-test-key", base_url=stub.url)
        model = Model(spec, policy=patient())
        first = await model.complete(ask_about(1), render)
        second = await model.complete(ask_about(2), render)
    assert (first.usage.calls, second.usage.calls) == (3, 1)
    assert stub.requests[-1].get("max_tokens") == 100


async def test_limit_grows_for_a_model_that_thinks_before_it_answers():
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 100,
        "total_tokens": 110,
        "completion_tokens_details": {"reasoning_tokens": 100},
    }

    def answer(request):
        return answer_lines(request) if request["max_tokens"] > 100 else completion("", "length", usage=usage)

    reply, _ = await complete(answer, 1)
    assert colours(reply) == {1: "red"}
    assert reply.usage == Usage(questions=1, calls=2, prompt_tokens=20, output_tokens=105)


async def test_no_key_and_no_organisation_go_to_a_server_named_by_url(monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, "sk-of-the-environment")
    with serve([completion(items(RED))]) as stub:
        await model_of(stub).complete(ask_about(1), render)
    assert "sk-of-the-environment" not in str(stub.headers)
    assert "authorization" not in stub.headers[0]


async def test_key_is_sent_and_never_shown():
    with serve([fault(401, "bad key sk-secret-123456")]) as stub:
        model = Model(ModelSpec.parse("gpt-x", api_key="sk-secret-123456", base_url=stub.url), policy=patient())
        with pytest.raises(ModelUnavailable) as caught:
            await model.complete(ask_about(1), render)
    assert stub.headers[0]["authorization"] == "Bearer sk-secret-123456"
    assert "sk-secret" not in f"{model!r} {model.spec!r} {caught.value}"
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


async def test_failures_are_raised_and_not_printed(capsys, monkeypatch):
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    with serve([completion("nonsense"), fault(404)]) as stub, pytest.raises(ModelUnavailable):
        await model_of(stub).complete(ask_about(1), render)
    assert capsys.readouterr().err == ""


async def test_nothing_asked_is_nothing_sent():
    with serve([Scripted(500)]) as stub:
        reply = await model_of(stub).complete([], render)
    assert (reply.items, reply.usage, stub.requests) == ((), Usage(), [])


def test_local_model_needs_a_server_first():
    with pytest.raises(ValueError, match="no server yet"):
        asyncio.run(Model(ModelSpec.parse("local")).complete(ask_about(1), render))


async def test_a_hosted_model_without_any_key_is_refused_before_anything_is_sent(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ModelUnavailable, match="set OPENAI_API_KEY"):
        async with Model(ModelSpec.parse("gpt-x")):
            pass


@pytest.mark.parametrize(("given", "sent"), [(None, "from-environment"), ("given", "given")])
async def test_a_hosted_model_takes_the_key_of_the_environment_unless_given_one(given, sent, monkeypatch):
    with serve([completion(items(RED))]) as stub:
        monkeypatch.setenv("OPENAI_API_KEY", "from-environment")
        monkeypatch.setenv("OPENAI_BASE_URL", stub.url)
        await Model(ModelSpec.parse("gpt-x", api_key=given)).complete(ask_about(1), render)
    assert stub.headers[0]["authorization"] == f"Bearer {sent}"
