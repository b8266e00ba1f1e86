"""What comes back from a model, in the form of each provider, live (an SDK's object) or from a batch (JSON)."""

import json

import pytest

from extractor.llm.completions import Ending, GarbledReply, read_completion
from extractor.schemas import Usage

from .stub import completion

ANSWER = {"items": [{"n": 1}]}
TEXT = '{"items": [{"n": 1}]}'


def chat(content=TEXT, reason="stop", **more):
    return json.loads(completion(content, reason, **more).body)


def message(*parts, reason="end_turn", **usage):
    usage = {"input_tokens": 10, "output_tokens": 5} | usage
    head = {"id": "m", "type": "message", "role": "assistant", "model": "claude-x"}
    return head | {"content": list(parts), "stop_reason": reason, "stop_sequence": None, "usage": usage}


def candidates(*parts, reason="STOP", **usage):
    content = {"parts": list(parts), "role": "model"}
    usage = {"prompt_token_count": 10, "candidates_token_count": 5} | usage
    found = [{"content": content, "finish_reason": reason}]
    return {"candidates": found, "usage_metadata": usage, "model_version": "gemini-x"}


def converse(*parts, reason="end_turn", **usage):
    usage = {"inputTokens": 10, "outputTokens": 5} | usage
    return {"output": {"message": {"content": list(parts)}}, "stopReason": reason, "usage": usage}


TOOL_CALLS = {"tool_calls": [{"id": "t", "type": "function", "function": {"name": "Reply", "arguments": TEXT}}]}
THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
TOOL = {"type": "tool_use", "id": "t", "name": "Reply", "input": ANSWER}
SAID = {"type": "text", "text": TEXT}

ANSWERED = {
    "chat": chat(),
    "chat in parts": chat([{"type": "text", "text": TEXT}]),
    "chat with a tool": chat(None, "tool_calls", message=TOOL_CALLS),
    "chat in prose": chat(f"Here it is: {TEXT}"),
    "chat cut after its end": chat(TEXT + "\n\n\n", "length"),
    "message": message(THOUGHT, SAID),
    "message with a tool": message(THOUGHT, {"type": "text", "text": "I use the tool."}, TOOL, reason="tool_use"),
    "candidates": candidates({"text": "Hm.", "thought": True}, {"text": TEXT}),
    "candidates with a function": candidates({"function_call": {"name": "Reply", "args": ANSWER}}),
    "converse": converse({"text": TEXT}),
    "converse with a tool": converse(
        {"toolUse": {"toolUseId": "t", "name": "Reply", "input": ANSWER}}, reason="tool_use"
    ),
}


@pytest.mark.parametrize("form", ANSWERED)
def test_an_answer_is_read_in_each_form(form):
    found = read_completion(ANSWERED[form])
    assert (json.loads(found.text), found.ending, found.problem) == (ANSWER, Ending.COMPLETE, "")
    assert found.usage == Usage(calls=1, prompt_tokens=10, output_tokens=5)


CUT_TEXT = '{"items": [{"n": 1'


@pytest.mark.parametrize(
    "reply",
    [
        chat(CUT_TEXT, "length"),
        message({"type": "text", "text": CUT_TEXT}, reason="max_tokens"),
        candidates({"text": CUT_TEXT}, reason="MAX_TOKENS"),
        candidates(reason="MAX_TOKENS"),
        converse({"text": CUT_TEXT}, reason="max_tokens"),
    ],
)
def test_an_answer_at_the_output_limit_is_cut(reply):
    assert read_completion(reply).ending is Ending.CUT


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (chat(None, message={"refusal": "I would rather not"}), "the model refused: I would rather not"),
        (chat("", "content_filter"), "the provider's content filter stopped the answer"),
        (message(reason="refusal"), "the model refused"),
        (candidates(reason="SAFETY"), "the provider's filter stopped the answer (SAFETY)"),
        ({"prompt_feedback": {"block_reason": "OTHER"}}, "the provider's filter stopped the answer (OTHER)"),
        (converse(reason="guardrail_intervened"), "the provider's filter stopped the answer"),
    ],
)
def test_a_refusal_is_told_from_an_answer(reply, problem):
    found = read_completion(reply)
    assert (found.ending, found.problem) == (Ending.REFUSED, problem)


@pytest.mark.parametrize(
    ("reply", "usage"),
    [
        (message(SAID, cache_read_input_tokens=70, cache_creation_input_tokens=20), (100, 70, 20, 5, 0)),
        (candidates({"text": TEXT}, thoughts_token_count=40, cached_content_token_count=8), (10, 8, 0, 45, 40)),
        (converse({"text": TEXT}, cacheReadInputTokens=70, cacheWriteInputTokens=20), (100, 70, 20, 5, 0)),
        (
            chat(
                usage={
                    "prompt_tokens": 10,
                    "completion_tokens": 105,
                    "completion_tokens_details": {"reasoning_tokens": 100},
                }
            ),
            (10, 0, 0, 105, 100),
        ),
        (chat(usage={"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 115}), (10, 0, 0, 105, 100)),
        (chat(usage=None), (0, 0, 0, 0, 0)),
    ],
)
def test_tokens_are_counted_once_in_each_form(reply, usage):
    prompt, cached, written, output, thinking = usage
    assert read_completion(reply).usage == Usage(
        calls=1,
        prompt_tokens=prompt,
        cached_tokens=cached,
        written_tokens=written,
        output_tokens=output,
        thinking_tokens=thinking,
    )


@pytest.mark.parametrize(
    ("reported", "cached"),
    [
        ({"usage": {"prompt_tokens_details": {"cached_tokens": 60}}, "timings": {"cache_n": 50}}, 60),
        ({"usage": {"prompt_tokens_details": {"cached_tokens": None}}, "timings": {"cache_n": 50}}, 50),
        ({"usage": {}, "timings": {"cache_n": 50, "prompt_n": 50}}, 50),
        ({"usage": {}, "tokens_cached": 40}, 40),
        ({"usage": {}, "tokens_cached": 400}, 100),
        ({"usage": {"prompt_tokens_details": "60"}, "timings": [], "tokens_cached": "40"}, 0),
        ({"usage": {"prompt_tokens_details": {"cached_tokens": -5}}}, 0),
        ({"usage": {"prompt_tokens_details": {"cached_tokens": True}}}, 0),
    ],
)
def test_cached_tokens_are_read_where_servers_report_them(reported, cached):
    usage = {"prompt_tokens": 100, "completion_tokens": 5} | reported["usage"]
    assert read_completion(chat() | reported | {"usage": usage}).usage == Usage(
        calls=1, prompt_tokens=100, cached_tokens=cached, output_tokens=5
    )


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("<html>Sign in</html>", "not JSON: '<html>Sign in</html>'"),
        ('{"choices": [', "broken JSON"),
        ({"error": {"message": "down"}}, "no message in it; {'message': 'down'}"),
        ({"choices": []}, "no message in it"),
        ({"choices": [{}]}, "no message in it"),
        ({"stop_reason": "end_turn", "content": [{}]}, "no message in it"),
        ({"candidates": [7]}, "no message in it"),
        ({"a": 1}, "no message in it"),
        ([], "no message in it"),
        (None, "no message in it"),
    ],
)
def test_what_is_no_answer_is_never_taken_for_one(body, told):
    with pytest.raises(GarbledReply) as caught:
        read_completion(body)
    assert str(caught.value) == told


def test_the_name_of_the_model_is_no_path():
    assert read_completion(chat(model="/srv/me/weights/tiny.gguf")).model == "tiny"
    assert read_completion(message(SAID)).model == "claude-x"


@pytest.mark.parametrize(
    ("text", "json_text"),
    [
        ('{"a":1}', '{"a":1}'),
        ('```json\n{"a":1}\n```', '{"a":1}'),
        ("```\n[]\n```  ", "[]"),
        ('<think>{"a":2}</think>\n{"a":1}', '{"a":1}'),
        ('{"a":"```json\\n1\\n```"}', '{"a":"```json\\n1\\n```"}'),
        ('Here: ```json\n{"a":1}\n```', 'Here: ```json\n{"a":1}\n```'),
        ('Here: {"items":[{"n":1}]} and [2]', '{"items":[{"n":1}]}'),
        ('Cut: {"items":[{"n":1', '{"items":[{"n":1'),
        ('[{"n":1}]', '{"items":[{"n":1}]}'),
    ],
)
def test_wrapping_is_removed(text, json_text):
    assert read_completion(chat(text, "length" if text.startswith("Cut") else "stop")).text == json_text
