# fmt: off
import json

from extractor.model.asking.salvage import read_items

from extractor.model.completions import Completion, Ending
from tests.llm.colours import ask_about, render


def test_each_item_is_judged_on_its_own_with_the_context_of_the_call():
    items = [
        {"n": 1, "colour": "red", "word": "rose"},
        {"n": 2, "colour": "green", "word": "violet"},
        {"n": "3", "colour": "red"},
        {"n": 4, "colour": "red"},
    ]
    questions = ask_about(1, 2, 3)

    whole = Completion(json.dumps({"items": items}), Ending.COMPLETE)
    reply = read_items(whole, render(questions), questions)
    assert [(item.n, item.word) for item in reply.items] == [(1, "rose"), (3, None)]
    assert reply.dropped == ((2, "is not a word of the text"), (4, "was not asked about"))

    unnumbered = Completion(json.dumps({"items": [items[0], {"colour": "red"}]}), Ending.COMPLETE)
    reply = read_items(unnumbered, render(questions), questions)
    assert [item.n for item in reply.items] == [1]
    assert reply.dropped == ((None, "the answer is empty or no JSON with items"),)
