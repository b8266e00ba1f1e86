import pytest

from extractor.model.asking.salvage import read_complete_items, salvage_items
from tests.llm.colours import ask_about, render


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
