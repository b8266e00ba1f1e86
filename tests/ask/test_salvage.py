import pytest

from extractor.ask.salvage import RejectedItem, Salvage, read_complete_items, salvage_items
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
    salvage = salvage_items(raw, render(ask_about(1, 2, 3)), ask_about(1, 2, 3))
    assert [(item.n, item.word) for item in salvage.items] == [(1, "rose"), (3, None)]
    assert salvage.rejected == (
        RejectedItem(2, "word: Value error, is not a word of the text"),
        RejectedItem(4, "was not asked about"),
        RejectedItem(None, "n: Field required"),
    )


def test_completing_takes_what_is_missing_and_forgets_why():
    best = Salvage((RED,), (RejectedItem(2, "bad"), RejectedItem(3, "bad")))
    completed = best.completed_by(Salvage((Answer(n=1, colour="green"), GREEN), (RejectedItem(1, "other"),)))
    assert completed == Salvage((RED, GREEN), (RejectedItem(3, "bad"),))


def test_joining_drops_rejections_about_chunks_that_the_other_answers():
    one = Salvage((RED,), (RejectedItem(2, "was not asked about"),))
    two = Salvage((GREEN,), (RejectedItem(3, "bad"),))
    assert one.joined_with(two) == Salvage((RED, GREEN), (RejectedItem(3, "bad"),))
