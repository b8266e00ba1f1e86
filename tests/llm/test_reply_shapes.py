"""The shapes in which models and their servers wrap one answer, each through a real HTTP
exchange.
"""

import json

import pytest

from extractor.errors import AnswerRejected

from .colours import complete
from .stub import completion, fault, items

RED = {"n": 1, "colour": "red"}
GREEN = {"n": 2, "colour": "green"}
FINAL = items(RED, GREEN)
DRAFT = items({"n": 1, "colour": "green"}, GREEN)
DIFFERS = "another complete answer in the reply differs (line 1); the last one behind all thoughts counts"

DRAFTED = {
    "no opening tag": "First try: {draft} No, line 1 is a rose. </think>{final}",
    "think": "<think>{draft}</think>{final}",
    "words before the tag": "Let me see.\n<think>\n{draft}\n</think>\n\n{final}",
    "two blocks": "<think>Hm.</think>So:<think>{draft}</think>\n{final}",
    "thinking": "<thinking>{draft}</thinking>\n{final}",
    "reasoning": "<reasoning>{draft}</reasoning>{final}",
    "reflection behind a draft": "{draft}<reflection>Wrong.</reflection>{final}",
    "a tag of a tag": "<think>I may use <think> here: {draft}</think>more: {draft}</think>{final}",
    "Mistral": "[THINK]{draft}[/THINK]{final}",
    "Seed": "<seed:think>{draft}</seed:think>{final}",
    "Kimi": "◁think▷{draft}◁/think▷{final}",
    "Command": "<|START_THINKING|>{draft}<|END_THINKING|><|START_RESPONSE|>{final}<|END_RESPONSE|>",
    "another closing tag": "<think>{draft}</thinking>{final}",
    "no closing tag": "<think>{draft}<answer>{final}</answer>",
    "harmony": "<|channel|>analysis<|message|>{draft}<|end|><|start|>assistant"
    "<|channel|>final<|message|>{final}<|return|>",
    "harmony without its signs": "analysisWe could say {draft} but no.assistantfinal{final}",
    "harmony's call": "<|channel|>analysis<|message|>{draft}<|end|><|start|>assistant<|channel|>commentary "
    "to=functions.Reply <|constrain|>json<|message|>{final}<|call|>",
    "two fences": "```json\n{draft}\n```\nOn a second look:\n```json\n{final}\n```",
    "words": "Draft: {draft}\nFinal answer: {final}",
    "thoughts behind the answer": "{final}<think>Or {draft}? No.</think>",
    "fence in thoughts": "<think>```json\n{draft}\n```</think>```json\n{final}\n```\nDone.",
}


def colours(reply):
    return {item.n: item.colour for item in reply.items}


@pytest.mark.parametrize("wording", DRAFTED.values(), ids=DRAFTED)
async def test_the_last_answer_behind_all_thoughts_counts_and_a_draft_that_differs_is_told(
    wording,
):
    text = wording.replace("{draft}", DRAFT).replace("{final}", FINAL)
    reply, stub = await complete([completion(text)], 1, 2)
    assert colours(reply) == {1: "red", 2: "green"}
    assert reply.remarks == (DIFFERS,)
    assert reply.dropped == ()
    assert len(stub.requests) == 1

    same, _ = await complete([completion(text.replace(DRAFT, FINAL))], 1, 2)
    assert colours(same) == {1: "red", 2: "green"}
    assert same.remarks == ()


def call(arguments, name="Reply"):
    return {
        "id": "x",
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }


def as_call(arguments):
    return json.dumps({"name": "Reply", "arguments": arguments})


ONE_BY_ONE = (items(RED), items(GREEN))
SHAPES = {
    "several calls of tools": completion(None, "tool_calls", message={"tool_calls": [*map(call, ONE_BY_ONE)]}),
    "arguments as an object": completion(None, message={"tool_calls": [call(json.loads(FINAL))]}),
    "arguments as a list": completion(None, message={"tool_calls": [call([RED, GREEN])]}),
    "a call as text": completion(as_call(json.loads(FINAL))),
    "a call as text, its arguments as a string": completion(as_call(FINAL)),
    "several calls as text": completion(
        "\n".join(f"<tool_call>{as_call(json.loads(one))}</tool_call>" for one in ONE_BY_ONE)
    ),
    "a list of calls": completion(json.dumps([{"name": "Reply", "parameters": json.loads(one)} for one in ONE_BY_ONE])),
    "the call of Llama": completion(f"<function=Reply>{FINAL}</function>"),
    "reasoning_content": completion(None, message={"reasoning_content": FINAL}),
    "reasoning, fenced": completion("", message={"reasoning": f"```json\n{FINAL}\n```"}),
    "parts": completion(None, message={"content": [{"type": "text", "text": FINAL}]}),
    "parts with a thought": completion(
        None, message={"content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": FINAL}]}
    ),
    "content as an object": completion(None, message={"content": json.loads(FINAL)}),
    "wrapped": completion(f'{{"Reply": {FINAL}}}'),
    "wrapped twice": completion(json.dumps({"result": {"answer": FINAL}})),
    "wrapped as the schema": completion(f'{{"type": "object", "properties": {FINAL}}}'),
    "JSON in a string": completion(json.dumps(FINAL)),
    "JSON in a string in a string": completion(json.dumps(json.dumps(FINAL))),
    "the list in a string": completion(json.dumps({"items": json.dumps([RED, GREEN])})),
    "items in strings": completion(json.dumps({"items": [json.dumps(RED), json.dumps(GREEN)]})),
    "a list": completion(json.dumps([RED, GREEN])),
    "lines": completion(f"{json.dumps(RED)}\n{json.dumps(GREEN)}"),
    "a trailing comma": completion('{"items": [{"n": 1, "colour": "red",}, {"n": 2, "colour": '
                                   '"green"},],}'),
    "no comma between": completion('{"items": [{"n": 1, "colour": "red"} {"n": 2, "colour": '
                                   '"green"}]}'),
    "a comment": completion('{"items": [{"n": 1, "colour": "red"}, // a rose\n {"n": 2, "colour": '
                            '"green"}]}'),
    "Python": completion("{'items': [{'n': 1, 'colour': 'red', 'word': None}, {'n': 2, 'colour': "
                         "'green'}]}"),
    "no last bracket": completion('{"items": [{"n": 1, "colour": "red"}, {"n": 2, "colour": '
                                  '"green"}]'),
    "the list twice": completion('{"items": [{"n": 1, "colour": "red"}], "items": [{"n": 2, '
                                 '"colour": "green"}]}'),
    "a quoted tag": completion(items({**RED, "x": "</think>"}, GREEN)),
}  # fmt: skip


@pytest.mark.parametrize("answer", SHAPES.values(), ids=SHAPES)
async def test_one_answer_is_read_in_all_its_shapes(answer):
    reply, stub = await complete([answer], 1, 2)
    assert colours(reply) == {1: "red", 2: "green"}
    assert reply.dropped == ()
    assert reply.remarks == ()
    assert len(stub.requests) == 1, "what is read is not asked again"


@pytest.mark.parametrize(
    "shape",
    ["several calls of tools", "a call as text", "wrapped", "reasoning_content"],
)
async def test_a_server_that_takes_tools_alone_is_read_in_these_shapes_too(shape):
    def answer(request):
        return (
            SHAPES[shape]
            if "tools" in request
            else fault(400, "unknown response_format json_schema")
        )

    reply, _ = await complete(answer, 1, 2)
    assert colours(reply) == {1: "red", 2: "green"}
    assert reply.dropped == ()


LOSSES = {
    "half of a surrogate pair": (
        '{"items": [{"n": 1, "colour": "red", "word": "\\ud83d"},{"n": 2, "colour": "green"}]}'
    ),
    "half a pair in the reply's JSON": (
        '{"items": [{"n":1,"colour":"red","word":"\ud83d"}, {"n":2,"colour":"green"}]}'
    ),
    "a raw line break": (
        '{"items": [{"n": 1, "colour": "red", "word": "ro\nse"}, {"n": 2, "colour": "green"}]}'
    ),
    "quotation marks in a value": (
        '{"items": [{"n": 1, "word": "a "red" rose"}, {"n": 2, "colour": "green"}]}'
    ),
    "an ellipsis": '{"items": [{"n": 1, ...}, {"n": 2, "colour": "green"}]}',
}


@pytest.mark.parametrize("text", LOSSES.values(), ids=LOSSES)
async def test_what_spoils_one_item_costs_no_other(text):
    reply, _ = await complete([completion(text)], 1, 2)
    assert colours(reply) == {2: "green"}
    assert any(number == 1 for number, _ in reply.dropped)


DOUBTFUL = {
    "a draft alone": (
        completion(
            None, message={"reasoning_content": f"First try: {FINAL}. Let me check."}
        ),
        "the answer stands only among the model's thoughts (reasoning_content)",
    ),
    "thoughts without end": (
        completion(f"<think>First try: {FINAL}"),
        "the answer stands only among the model's thoughts (content)",
    ),
    "a later one breaks off": (
        completion(f'{FINAL} Or rather: {{"items": [{{"n": 1, "colour": "gr'),
        "a later answer in the reply breaks off; the last complete one counts",
    ),
    "one of two calls is broken": (
        completion(None, message={"tool_calls": [call(FINAL), call("oops")]}),
        "tool call 2 of 2 cannot be read",
    ),
    "a line twice": (
        completion(items(RED, GREEN, {"n": 1, "colour": "green"})),
        "line 1 has several answers for colour; the first one counts",
    ),
}


@pytest.mark.parametrize(("answer", "remark"), DOUBTFUL.values(), ids=DOUBTFUL)
async def test_what_can_be_read_in_two_ways_is_read_and_told(answer, remark):
    reply, _ = await complete([answer], 1, 2)
    assert {item.n for item in reply.items} == {1, 2}
    assert remark in reply.remarks


async def test_an_empty_answer_says_where_the_text_stands():
    with pytest.raises(
        AnswerRejected,
        match="the answer is empty; reasoning_content has text, and no complete answer",
    ):
        await complete(
            [completion(None, message={"reasoning_content": "Line 1 may be red."})], 1
        )


async def test_items_without_a_list_are_not_all_if_the_limit_cuts_them():
    lines = f'{json.dumps(RED)}\n{{"n": 2, "words": ["green"]'

    def answer(request):
        asks_both = "1: line 1\n2: line 2" in request["messages"][1]["content"]
        return (
            completion(lines, "length") if asks_both else completion(items(RED, GREEN))
        )

    reply, _ = await complete(answer, 1, 2)
    assert colours(reply) == {1: "red", 2: "green"}


async def test_a_draft_in_thoughts_that_the_limit_cuts_is_no_answer():
    cut = completion(f"<think>First try: {DRAFT}", "length")
    with pytest.raises(AnswerRejected, match="before the answer began"):
        await complete([cut], 1, 2)
