import pytest

from extractor.model.asking.questions import ModelReply
from extractor.model.asking.salvage import read_complete_items, salvage_items
from tests.llm.colours import Answer, ask_about, render

RED = Answer(n=1, colour="red")
GREEN = Answer(n=2, colour="green")


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ('{"items":[{"n":1},{"n":2}]}', [1, 2]),
        ('{"items":[{"n":1},{"n":2}]}   \n\n', [1, 2]),
        ('{"items":[]}', []),
        ('{"items":[{"n":1},{"n":2,"a":1}]', [1]),  # more items on 2 may have followed
        ('{"items":[{"n":1},{"n":1},{"n":2,"a":"x', [1, 1]),
        ('{"items":[{"n":1},{"n":2,"a":"x"},{"n":2', [1]),  # 2, or the start of 20
        ('{"items":[{"n":1},{"n":2,"a":"x"},{', [1]),
        ('{"items":[{"n":1,"a":"x', []),
        ('{"items":[{"a":1,"n":4},{"a":2,"n":5},{"a":3', [4]),
        ('{"items":[', []),
        ('{"ite', None),
        ("", None),
        ("no JSON at all", None),
        ("\ud800", None),
        ('{"items":' + "[" * 100_000, None),
        ('{"items":[1,2]}', None),
        ('{"items":{"n":1}}', None),
        ('[{"n":1}]', None),
    ],
)
def test_complete_items_of_a_truncated_answer(text, numbers):
    items = read_complete_items(text)
    assert (None if items is None else [item["n"] for item in items]) == numbers


def test_each_item_is_judged_on_its_own_with_the_call_s_context():
    raw = [
        {"n": 1, "colour": "red", "word": "rose"},
        {"n": 2, "colour": "green", "word": "violet"},
        {"n": "3", "colour": "red"},
        {"n": 4, "colour": "red"},
        {"colour": "red"},
    ]

    reply = salvage_items(raw, render(ask_about(1, 2, 3)), ask_about(1, 2, 3))

    assert [(item.n, item.word) for item in reply.items] == [(1, "rose"), (3, None)]
    assert reply.dropped == (
        (2, "word: Value error, is not a word of the text"),
        (4, "was not asked about"),
        (None, "n: Field required"),
    )


def reply(*items, **dropped):
    return ModelReply(
        items,
        dropped=tuple((int(number[1:]), reason) for number, reason in dropped.items()),
    )


def test_completing_takes_what_is_missing_and_forgets_why():
    completed = reply(RED, _2="bad", _3="bad").completed_by(
        reply(Answer(n=1, colour="green"), GREEN, _1="other")
    )
    assert completed == reply(RED, GREEN, _3="bad")


def test_joining_drops_reasons_about_lines_that_the_other_answers():
    joined = reply(RED, _2="was not asked about").joined_with(reply(GREEN, _3="bad"))
    assert joined == reply(RED, GREEN, _3="bad")
