"""The shapes in which models and their servers wrap one answer, each through a real HTTP exchange."""

import json
import tomllib
from pathlib import Path

import pytest

from extractor.errors import AnswerRejected
from extractor.model.answer_text import find_answer, split_items
from extractor.schemas.vocabulary import MENDED
from tests.growth import is_linear
from tests.tables import read_cases

from .colours import complete
from .stub import completion, items

CASES = read_cases(__file__)
TABLES = tomllib.loads(Path(__file__).with_name("shapes.toml").read_text("utf-8"))
RED = {"n": 1, "colour": "red"}
GREEN = {"n": 2, "colour": "green"}
FINAL = items(RED, GREEN)
DRAFT = items({"n": 1, "colour": "green"}, GREEN)
BROKEN = (
    *("several calls as text", "lines", "a trailing comma", "no comma between"),
    *("a comment", "no last bracket"),
)
"""The shapes that are no single JSON document."""
DIFFERS = (
    "another complete answer in the reply differs; the last one after all reasoning was used: "
    'line 1, colour: "red" and "green"'
)


def colours(reply):
    return {item.n: item.values["colour"] for item in reply.items}


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


def complete_by(text, reason, message):
    return completion(text, reason, message=message)


SHAPES = [complete_by(*shape) for shape in CASES["messages"]]
SHAPES += map(completion, TABLES["shapes"].values())


@pytest.mark.parametrize("answer", SHAPES)
async def test_one_answer_is_read_in_all_its_shapes(answer):
    reply, stub = await complete([answer], 1, 2)
    assert colours(reply) == {1: "red", 2: "green"}
    assert not reply.dropped
    assert {*reply.remarks} <= {MENDED}
    assert len(stub.requests) == 1, "what is read is not asked again"


async def test_a_mended_reply_is_told():
    told = {}
    for name, text in TABLES["shapes"].items():
        reply, _ = await complete([completion(text)], 1, 2)
        told[name] = reply.remarks == (MENDED,)
    assert told == dict.fromkeys(told, False) | dict.fromkeys(BROKEN, True)


LONG = "7" * 5000
"""More digits than Python reads as a number."""
LONG_NUMBERS = [
    f'{{"items": [{item}, {json.dumps(GREEN)}]}}'
    for item in (
        f'{{"n": {LONG}, "colour": "red"}}',
        f'{{"n": "{LONG}", "colour": "red"}}',
        f'{{"n": 1, "colour": "red", "x": {LONG}}}',
        f'{{"n": 1, "colour": "red", "x": {LONG}.5}}',
    )
]


@pytest.mark.parametrize("text", [*CASES["losses"], *LONG_NUMBERS])
async def test_what_spoils_one_item_costs_no_other_and_is_never_repaired_into_a_value(
    text,
):
    reply, _ = await complete([completion(text)], 1, 2)
    assert colours(reply) == {2: "green"}
    assert reply.dropped


@pytest.mark.parametrize(("text", "reason", "message", "remark"), CASES["doubtful"])
async def test_what_can_be_read_in_two_ways_is_read_with_a_remark(
    text, reason, message, remark
):
    reply, _ = await complete([complete_by(text, reason, message)], 1, 2)
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
    ("text", "numbers"), [*CASES["cut"], ('{"items":' + "[" * 100_000, [])]
)
def test_a_truncated_answer_keeps_its_whole_items(text, numbers):
    whole = split_items(text, is_cut=True)
    assert [item["n"] for item in whole] == numbers


@pytest.mark.parametrize(
    "piece", ['{"a":', "{\"{'", '{"items":[', '{"n":1,"a":', '{"n":1} x ', "[["]
)
async def test_a_hostile_reply_is_refused_in_linear_time(piece):
    """The square of the length took 6 to 36 seconds."""
    with pytest.raises(AnswerRejected):
        await complete([completion(piece * 10_000)], 3)

    def read(text):
        reply = piece * (20 * len(text))
        answer, _ = find_answer(reply)
        assert split_items(answer, is_cut=False) in ([], [{"n": 1}])

    assert is_linear(read, "x")
