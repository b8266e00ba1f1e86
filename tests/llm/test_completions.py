"""Replies in the format of each provider, live (an SDK's object) or from a batch (JSON)."""

import json

import pytest

from extractor.model.completions import Ending, read_completion
from extractor.model.pace import Failure
from extractor.schemas import Usage

from .stub import completion

TEXT = '{"items": [{"n": 1}]}'
ANSWER = json.loads(TEXT)
CUT_TEXT = '{"items": [{"n": 1'
THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
TOOL = {"type": "tool_use", "id": "t", "name": "Reply", "input": ANSWER}
SAID = {"type": "text", "text": TEXT}
CALL = {"id": "t", "type": "function", "function": {"name": "Reply", "arguments": TEXT}}


def chat(content=TEXT, reason="stop", **more):
    return json.loads(completion(content, reason, **more).body)


def message(*parts, reason="end_turn", **usage):
    usage = {"input_tokens": 10, "output_tokens": 5} | usage
    return {
        "type": "message",
        "model": "claude-x",
        "content": list(parts),
        "stop_reason": reason,
        "usage": usage,
    }


def candidates(*parts, reason="STOP", **usage):
    usage = {"prompt_token_count": 10, "candidates_token_count": 5} | usage
    found = [
        {"content": {"parts": list(parts), "role": "model"}, "finish_reason": reason}
    ]
    return {"candidates": found, "usage_metadata": usage, "model_version": "gemini-x"}


def failed(reply):
    """Add the error of a gateway whose provider failed after it had begun to answer."""
    reply["choices"][0]["error"] = {"message": "its provider gave up"}
    return reply


@pytest.mark.parametrize(
    "reply",
    [
        chat(),
        chat([SAID]),
        chat(None, "tool_calls", message={"tool_calls": [CALL]}),
        chat(f"Here it is: {TEXT}"),
        chat(f"```json\n{TEXT}\n```"),
        chat(TEXT + "\n\n\n", "length"),  # cut after its end
        failed(chat()),  # an error behind an answer
        message(THOUGHT, SAID),
        message(
            THOUGHT,
            {"type": "text", "text": "I use the tool."},
            TOOL,
            reason="tool_use",
        ),
        candidates({"text": "Hm.", "thought": True}, {"text": TEXT}),
        candidates({"text": TEXT[:9]}, {"text": TEXT[9:]}),
        candidates({"function_call": {"name": "Reply", "args": ANSWER}}),
    ],
)
def test_an_answer_is_read_in_each_form(reply):
    found = read_completion(reply)
    assert json.loads(found.text) == ANSWER
    assert (found.ending, found.problem, found.remark) == (Ending.COMPLETE, "", "")
    assert found.usage == Usage(calls=1, prompt_tokens=10, output_tokens=5)


BEGUN = {"type": "text", "text": CUT_TEXT}
CUT = [
    chat(CUT_TEXT, "length"),
    chat(f"Cut: {CUT_TEXT}", "length"),
    message(BEGUN, reason="max_tokens"),
    message(TOOL, reason="max_tokens"),  # whose brackets the provider closes
    candidates(BEGUN, reason="MAX_TOKENS"),
    candidates(reason="MAX_TOKENS"),
]
FILTER = "the provider's filter stopped the answer"
REFUSED = {
    "the model refused: I will not": chat(None, message={"refusal": "I will not"}),
    f"{FILTER} (content_filter)": chat("", "content_filter"),
    "the model refused": message(reason="refusal"),
    f"{FILTER} (SAFETY)": candidates(reason="SAFETY"),
    "the model refused: OTHER": {"prompt_feedback": {"block_reason": "OTHER"}},
}


@pytest.mark.parametrize(
    ("reply", "ending", "problem"),
    [
        *((reply, Ending.CUT, "") for reply in CUT),
        *((reply, Ending.REFUSED, problem) for problem, reply in REFUSED.items()),
    ],
)
def test_a_cut_or_refused_answer_differs_from_a_whole_one(reply, ending, problem):
    found = read_completion(reply)
    assert (found.ending, found.problem) == (ending, problem)


def counted(**usage):
    return chat(usage={"prompt_tokens": 100, "completion_tokens": 5} | usage)


NO_COUNTS = (-5, True, "12", 10**30, float("inf"), float("nan"), {"a": 1}, [1])
CACHES = {"cache_read_input_tokens": 70, "cache_creation_input_tokens": 20}
THOUGHTS = {"thoughts_token_count": 40, "cached_content_token_count": 8}
REASONED = {"completion_tokens_details": {"reasoning_tokens": 100}}


@pytest.mark.parametrize(
    ("reply", "tokens"),
    [
        (message(SAID, **CACHES), (100, 70, 20, 5, 0)),
        (candidates(SAID, **THOUGHTS), (10, 8, 0, 45, 40)),
        (counted(completion_tokens=105, **REASONED), (100, 0, 0, 105, 100)),
        (counted(total_tokens=205), (100, 0, 0, 105, 100)),
        (chat(usage=None), (0, 0, 0, 0, 0)),
        (counted(prompt_tokens_details={"cached_tokens": 60}), (100, 60, 0, 5, 0)),
        (counted(prompt_tokens_details={"cached_tokens": 400}), (100, 100, 0, 5, 0)),
        (counted(prompt_tokens_details="60"), (100, 0, 0, 5, 0)),
        *(
            (counted(prompt_tokens=count, completion_tokens=count), (0, 0, 0, 0, 0))
            for count in NO_COUNTS
        ),
    ],
)
def test_tokens_are_counted_once_and_only_if_they_are_believable(reply, tokens):
    parts = ("prompt", "cached", "written", "output", "thinking")
    counts = {
        f"{part}_tokens": count for part, count in zip(parts, tokens, strict=True)
    }
    found = read_completion(reply)
    assert found.usage == Usage(calls=1, **counts)
    assert found.has_usage is any(tokens)


GAVE_UP = "; {'message': 'its provider gave up'}"
EMPTY = [{"choices": []}, {"choices": [{}]}, {"choices": [{"message": "text"}]}]
ODD = [chat(model=5), chat(None, message={"tool_calls": "x"}), {"candidates": [7]}]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("<html>Sign in</html>", "not JSON: '<html>Sign in</html>'"),
        ('{"choices": [', "broken JSON"),
        ({"error": {"message": "down"}}, "without a message; {'message': 'down'}"),
        (failed(chat("", "error")), f"without a message{GAVE_UP}"),
        (failed(chat(None, "error")), f"without a message{GAVE_UP}"),
        *((body, "without a message") for body in [*EMPTY, *ODD, {"a": 1}, [], None]),
    ],
)
def test_what_is_no_answer_is_never_taken_for_one(body, told):
    with pytest.raises(Failure) as caught:
        read_completion(body)
    assert str(caught.value) == told


def test_the_name_of_the_model_is_no_path():
    assert read_completion(chat(model="/srv/me/weights/tiny.gguf")).model == "tiny"
    assert read_completion(message(SAID)).model == "claude-x"
