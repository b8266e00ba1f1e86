"""Two readings of one trial as one, and what a third reader says where they differ."""

import pytest

from benchmarks.gold.merging import EMPTY, correct, merge
from benchmarks.gold.readings import Judge, read_answers


def window(value=3, unit="day", of="Aspirin", anchor=None, quote="within 3 days"):
    known = {
        "quote": quote,
        "comparator": "<=",
        "value": value,
        "value_high": None,
        "unit": unit,
    }
    return known | {"of": of, "anchor": anchor}


def group(name, items, rule="any", parent=None, lead_in=None):
    known = {"id": name, "lead_in": lead_in, "rule": rule, "n": None, "n_high": None}
    return known | {"parent": parent, "items": items.split()}


@pytest.mark.parametrize(
    ("key", "first", "second", "merged", "asked"),
    [
        ("conditions", {"c1.l1": "for men"}, {"c1.l1": "men"}, {"c1.l1": "men"}, []),
        ("conditions", {"c1.l1": "for men"}, {}, {"c1.l1": "for men"}, ["c1.l1 condition"]),
        ("conditions", {"c1.l1": "the marrow"}, {"c1.l1": "unless the marrow"}, {"c1.l1": "the marrow"},
         ["c1.l1 condition"]),
        ("windows", {"c2": [window()]}, {"c2": [window(of="any aspirin "
                                                          "tablet")]}, {"c2": [window()]}, []),
        ("windows", {"c2": [window(14)]}, {"c2": [window(2, "week")]}, {"c2": [window(14)]}, []),
        ("windows", {"c2": [window()]}, {"c2": [window(anchor="before biopsy")]}, {"c2": [window()]}, ["c2 window"]),
        ("windows", {"c2": [window(), window(9)]}, {"c2": [window(9)]}, {"c2": [window(9), window()]}, ["c2 window"]),
        ("windows", {"c2": [window()]}, {"c2": [window(unit="week")]}, {"c2": [window()]}, ["c2 window"]),
        ("arms", {"d1": [2, 1]}, {"d1": [1, 2], "d1.a1": [1, 2]}, {"d1": [1, 2]}, []),
        ("arms", {"d1": [1, 2], "d1.a1": [1]}, {"d1": [1, 2]}, {"d1": [1, 2], "d1.a1": [1]}, ["d1 arms"]),
        ("groups", [group("g7", "c2 c1", lead_in="One of:")], [group("g1", "c1 c2")],
         [group("g1", "c1 c2", lead_in="One of:")], []),
        ("groups", [group("g1", "c1 c2")], [group("g1", "c1 c2", "all")], [group("g1", "c1 c2")], ["groups"]),
        ("groups", [group("g1", "c1 c2"), group("g2", "c3 c4")], [group("g1", "c3 c4"), group("g2", "c5 c6")],
         [group("g1", "c1 c2"), group("g2", "c3 c4")], ["groups", "groups"]),
        ("groups", [group("g1", "c1"), group("g2", "c2 c3", "all", "g1")],
         [group("b", "c1"), group("a", "c2 c3", "all", "b")],
         [group("g1", "c1"), group("g2", "c2 c3", "all", "g1")], []),
        ("groups", [group("g1", "c1"), group("g2", "c2 c3", "all", "g1")],
         [group("a", "c1"), group("b", "c2 c3", "all")],
         [group("g1", "c1"), group("g2", "c2 c3", "all", "g1")], ["groups"]),
    ],
)  # fmt: skip
def test_what_both_say_is_gold_and_the_rest_is_asked(key, first, second, merged, asked):
    about = []

    def ask(place, question, other):
        about.append(place)
        return question

    assert merge({key: first}, {key: second}, ask)[key] == merged
    assert about == asked


def test_the_third_reader_answers_by_number_or_corrects_a_place(tmp_path):
    path = tmp_path / "answers.txt"
    path.write_text(
        '1: A\n2: B\n3: {"d1": [3]}\nNCT1 c1.l1 condition: "for men"\nNCT1 groups: []\n',
        "utf-8",
    )
    judge = Judge(read_answers(path))
    both = [judge.ask("NCT1", "d1 arms", {"d1": [1]}, {"d1": [2]}) for _ in range(4)]
    answers = [difference.answers for difference in judge.differences]
    assert both == [answers[0]["A"], answers[1]["B"], {"d1": [3]}, {"d1": [1]}]
    assert judge.unanswered == ["4"]
    merged = EMPTY | {
        "groups": [group("g1", "c1 c2")],
        "conditions": {"c1.l1": "men", "c2.l1": "women"},
    }
    corrected = judge.correct("NCT1", merged)
    assert corrected["groups"] == []
    assert corrected["conditions"] == {"c1.l1": "for men", "c2.l1": "women"}


def test_a_wrong_answer_is_named():
    judge = Judge({"1": "C", "NCT1 c1": "[]"})
    with pytest.raises(SystemExit, match="answer 1: 'C' is neither A nor B nor JSON"):
        judge.ask("NCT1", "d1 arms", {}, {})
    with pytest.raises(
        ValueError, match="'c1' is no place; write one such as 'c3 windows'"
    ):
        correct(dict(EMPTY), "c1", [])
