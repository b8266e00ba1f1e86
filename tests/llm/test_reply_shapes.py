"""The shapes in which models and their servers wrap one answer, each through a real HTTP exchange."""

import json
import time
import tomllib
from pathlib import Path

import pytest

from extractor.errors import AnswerRejected
from extractor.model.answer_text import split_items

from .colours import complete
from .stub import completion, items

TABLES = tomllib.loads(Path(__file__).with_name("shapes.toml").read_text("utf-8"))
RED = {"n": 1, "colour": "red"}
GREEN = {"n": 2, "colour": "green"}
FINAL = items(RED, GREEN)
DRAFT = items({"n": 1, "colour": "green"}, GREEN)
DIFFERS = "another complete answer in the reply differs; the last one after all reasoning was used"


def colours(reply):
    return {item.n: item.colour for item in reply.items}


@pytest.mark.parametrize("wording", TABLES["drafts"].values(), ids=TABLES["drafts"])
async def test_the_last_answer_behind_all_thoughts_counts_and_a_different_draft_is_a_remark(
    wording,
):
    text = wording.replace("{draft}", DRAFT).replace("{final}", FINAL)
    reply, stub = await complete([completion(text)], 1, 2)
    assert colours(reply) == {1: "red", 2: "green"}
    assert (reply.remarks, reply.dropped, len(stub.requests)) == ((DIFFERS,), (), 1)

    same, _ = await complete([completion(text.replace(DRAFT, FINAL))], 1, 2)
    assert (colours(same), same.remarks) == ({1: "red", 2: "green"}, ())


def call(arguments):
    return {
        "id": "x",
        "type": "function",
        "function": {"name": "Reply", "arguments": arguments},
    }


def calls(*arguments):
    return completion(
        None, "tool_calls", message={"tool_calls": [*map(call, arguments)]}
    )


def as_call(arguments):
    return json.dumps({"name": "Reply", "arguments": arguments})


def as_tagged(arguments):
    return f"<tool_call>{as_call(json.loads(arguments))}</tool_call>"


ONE_BY_ONE = (items(RED), items(GREEN))
SHAPES = {
    "several calls of tools": calls(*ONE_BY_ONE),
    "arguments as an object": calls(json.loads(FINAL)),
    "arguments as a list": calls([RED, GREEN]),
    "reasoning_content": completion(None, message={"reasoning_content": FINAL}),
    "reasoning, fenced": completion(
        "", message={"reasoning": f"```json\n{FINAL}\n```"}
    ),
    "reasoning twice": completion(
        "", message={"reasoning": FINAL, "reasoning_content": FINAL}
    ),
    "parts": completion(None, message={"content": [{"type": "text", "text": FINAL}]}),
    "parts with a thought": completion(
        None,
        message={
            "content": [
                {"type": "thinking", "thinking": "Hm."},
                {"type": "text", "text": FINAL},
            ]
        },
    ),
    "content as an object": completion(None, message={"content": json.loads(FINAL)}),
}
SHAPES |= {name: completion(text) for name, text in TABLES["shapes"].items()}


@pytest.mark.parametrize("answer", SHAPES.values(), ids=SHAPES)
async def test_one_answer_is_read_in_all_its_shapes(answer):
    reply, stub = await complete([answer], 1, 2)
    assert colours(reply) == {1: "red", 2: "green"}
    assert (reply.dropped, reply.remarks) == ((), ())
    assert len(stub.requests) == 1, "what is read is not asked again"


LOSSES = {
    "half of a surrogate pair": '{"items": [{"n": 1, "colour": "red", "word": "\\ud83d"},{"n": 2, "colour": "green"}]}',
    "half a pair in the reply's JSON": '{"items": [{"n":1,"colour":"red","word":"\ud83d"}, {"n":2,"colour":"green"}]}',
    "a raw line break": '{"items": [{"n": 1, "colour": "red", "word": "ro\nse"}, {"n": 2, "colour": "green"}]}',
    "quotation marks in a value": '{"items": [{"n": 1, "word": "a "red" rose"}, {"n": 2, "colour": "green"}]}',
    "an ellipsis": '{"items": [{"n": 1, ...}, {"n": 2, "colour": "green"}]}',
    "a key with two values": '{"items": [{"n": 1, "colour": "red", "colour": "green"}, {"n": 2, "colour": "green"}]}',
    "two lists": '{"items": [{"n": 1, "x": [1], "x": [2]}, {"n": 2, "colour": "green"}]}',
    "a number that JSON has not": '{"items": [{"n": 1, "colour": "red", "x": NaN}, {"n": 2, "colour": "green"}]}',
    "two numbers": '{"items": [{"n": 1, "colour": "red", "x": 1 8}, {"n": 2, "colour": "green"}]}',
}


@pytest.mark.parametrize("text", LOSSES.values(), ids=LOSSES)
async def test_what_spoils_one_item_costs_no_other_and_is_never_repaired_into_a_value(
    text,
):
    reply, _ = await complete([completion(text)], 1, 2)
    assert colours(reply) == {2: "green"}
    assert reply.dropped


ONLY_THOUGHTS = "the reply contains an answer only in the model's reasoning"
BREAKS_OFF = (
    "a later answer in the reply is incomplete; the last complete answer was used"
)
DOUBTFUL = {
    "a draft alone": (
        completion(None, message={"reasoning_content": f"First try: {FINAL}. Hm."}),
        ONLY_THOUGHTS,
    ),
    "thoughts without end": (completion(f"<think>First try: {FINAL}"), ONLY_THOUGHTS),
    "a later one breaks off": (
        completion(f'{FINAL} Or rather: {{"items": [{{"n": 1, "colour": "gr'),
        BREAKS_OFF,
    ),
    "the second call breaks off": (calls(FINAL, FINAL[:-9]), BREAKS_OFF),
}


@pytest.mark.parametrize(("answer", "remark"), DOUBTFUL.values(), ids=DOUBTFUL)
async def test_what_can_be_read_in_two_ways_is_read_with_a_remark(answer, remark):
    reply, _ = await complete([answer], 1, 2)
    assert {item.n for item in reply.items} == {1, 2}
    assert remark in reply.remarks


async def test_items_without_a_list_are_not_all_if_the_limit_cuts_them():
    lines = f'{json.dumps(RED)}\n{{"n": 2, "words": ["green"]'

    def answer(request):
        asks_both = "1: line 1\n2: line 2" in request["messages"][1]["content"]
        return (
            completion(lines, "length") if asks_both else completion(items(RED, GREEN))
        )

    reply, _ = await complete(answer, 1, 2)
    assert colours(reply) == {1: "red", 2: "green"}


@pytest.mark.parametrize("text", ["<think>First try: {draft}", "<think>{draft}"])
async def test_a_draft_in_thoughts_that_the_limit_cuts_is_no_answer(text):
    cut = completion(text.replace("{draft}", DRAFT), "length")
    with pytest.raises(AnswerRejected, match="before the answer began"):
        await complete([cut], 1, 2)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ('{"items":[{"n":1},{"n":2,"a":1}]', [1]),  # more items on 2 may have followed
        ('{"items":[{"n":1},{"n":1},{"n":2,"a":"x', [1, 1]),
        ('{"items":[{"n":1},{"n":2,"a":"x"},{"n":2', [1]),  # 2, or the start of 20
        ('{"items":[{"n":1},{"n":2,"a":"x"},{"n":2,"a":"y', [1]),
        ('{"items":[{"n":1},{"n":2,"a":"x"},{', [1]),
        ('{"items":[{"n":1,"a":"x', []),
        ('{"items":[{"a":1,"n":4},{"a":2,"n":5},{"a":3', [4]),
        ("{'items': [{'n': 1, 'a': True}, {'n': 2, 'a': 'x", [1]),
        ('{"ite', []),
        ("", []),
        ("\ud800", []),
        ('{"items":' + "[" * 100_000, []),
        ('{"items":[1,2]}', []),
    ],
)
def test_a_truncated_answer_keeps_its_whole_items(text, numbers):
    whole = split_items(text, is_cut=True)
    assert [item["n"] for item in whole] == numbers


@pytest.mark.parametrize(
    "piece", ['{"a":', "{\"{'", '{"items":[', '{"n":1,"a":', '{"n":1} x ', "[["]
)
async def test_a_hostile_reply_is_refused_soon(piece):
    since = time.process_time()
    with pytest.raises(AnswerRejected):
        await complete([completion(piece * (1_000_000 // len(piece)))], 3)
    assert time.process_time() - since < 3, "these took 6 to 36 seconds"
