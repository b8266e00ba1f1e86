"""Several items of a reply about one line."""

import pytest

from extractor.evidence.drafts import Chunk, Span
from extractor.model.asking.questions import Question
from extractor.model.asking.reply_models import Reply, read_values
from extractor.model.asking.salvage import find_contradictions
from extractor.schemas import Task

ASKED = [
    Question(
        Task.ELIGIBILITY,
        Chunk(1, Span("eligibility", 0, 4), "ANC"),
        ("kind", "category", "constraints"),
    )
]


def read(*items):
    reply = Reply.model_validate({"items": items}, context=Reply.context_of(ASKED))
    values = [said for _, said in read_values(ASKED, reply.items)]
    return values, [*find_contradictions(reply.items, ASKED)]


FULL = {"n": 1, "list": "in", "cat": "lab", "limits": ["ANC: >= 1.5 x 10^9 /L"]}


@pytest.mark.parametrize(
    "items",
    [
        [{"n": 1}, FULL],
        [FULL, {"n": 1}],
        [{"n": 1, "limits": [], "cat": None}, FULL],
        [
            {"n": 1, "list": "in"},
            {"n": 1, "cat": "lab"},
            {"n": 1, "limits": FULL["limits"]},
        ],
        [FULL, FULL],
    ],
    ids=[
        "an empty one first",
        "an empty one last",
        "empty values first",
        "in pieces",
        "the same again",
    ],
)
def test_an_empty_item_takes_nothing_from_the_one_that_says_something(items):
    alone, _ = read(FULL)

    values, contradictions = read(*items)

    assert (values, contradictions) == (alone, [])
    assert len(values[0]["constraints"]) == 1


def test_items_that_contradict_each_other_are_told():
    values, contradictions = read(FULL, {"n": 1, "list": "ex", "cat": "lab"})
    assert values == read(FULL)[0]
    assert contradictions == [
        "line 1 has several answers for list; the first one counts"
    ]
