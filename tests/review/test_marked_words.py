"""What marked words of a text become: items and values as the rules read them."""

import pytest

from .acting import add_criterion, change, decide, item, select, set_value
from .runs import SEED, read_gold


def test_marked_words_become_a_criterion_as_the_rules_read_it(sit_down):
    desk = sit_down()
    added = item(desk, add_criterion(desk))
    # The rules are not sure of its category: that is for the reviewer.
    assert (added["state"], added["doubts"]) == ("open", {"category": None})
    assert added["value"] == read_gold()["eligibility"]["criteria"][1]


@pytest.mark.parametrize("name", ["category", "lead_in"])
def test_an_added_item_is_decided_when_its_category_is(sit_down, name):
    desk = sit_down()
    added = add_criterion(desk)
    set_value(desk, added, name, "biomarker")
    assert item(desk, added)["state"] == ("added" if name == "category" else "open")
    decide(desk, "accept", added)
    assert item(desk, added)["state"] == "added"


def test_words_without_a_doubt_are_added_at_once(sit_down, monkeypatch):
    monkeypatch.setattr("extractor.review.selection.CERTAIN", 0.5)
    desk = sit_down()
    assert item(desk, add_criterion(desk))["state"] == "added"


@pytest.mark.parametrize(
    ("section", "words", "told"),
    [("brief_summary", "heavily treated", "registered outcome"), ("primary_outcomes", "NCCN", "is among the items")],
)
def test_no_outcome_is_added_that_is_not_registered_or_there_already(sit_down, section, words, told):
    desk = sit_down()
    with pytest.raises(ValueError, match=told):
        change(desk, kind="add", add="endpoint", selection=select(desk, section, words))


def test_a_rejected_outcome_is_added_anew_from_its_words(sit_down):
    desk = sit_down()
    decide(desk, "reject", "endpoint-0")
    name = change(desk, kind="add", add="endpoint", selection=select(desk, "primary_outcomes", "NCCN"))
    assert (item(desk, name)["value"]["rank"], item(desk, name)["value"]["index"]) == ("primary", 0)


def test_several_outcomes_in_one_text_are_told_apart(sit_down):
    described = sit_down().describe("001_7c5a8bd566a2bac6")
    sections = {one["name"]: one for one in described["sections"]}
    text, starts = (sections["secondary_outcomes"][name] for name in ("text", "starts"))
    assert starts == [0, *(place + 1 for place, letter in enumerate(text) if letter == "|")]
    assert sections["primary_outcomes"]["starts"] == []


def test_cut_words_are_made_whole(sit_down):
    desk = sit_down()
    name = change(desk, kind="add", add="criterion", selection=select(desk, "brief_summary", "eavily treated B-AL"))
    assert item(desk, name)["value"]["quote"] == "heavily treated B-ALL"


@pytest.mark.parametrize(
    ("name", "path", "section", "words", "value"),
    [
        ("endpoint-0", "time_points", "primary_outcomes", "three months", [{"value": 3, "unit": "month"}]),
        ("endpoint-0", "specimens", "brief_summary", "leukemia blasts", ["leukemia blasts"]),
        ("endpoint-0", "description", "primary_outcomes", "according to NCCN", "according to NCCN"),
        ("criterion-0", "time_window", "brief_summary", "for more than three months",
         {"quote": "for more than three months", "comparator": ">", "value": 3, "unit": "month"}),
        ("criterion-0", "time_window", "brief_summary", "after relapse",
         {"quote": "after relapse", "comparator": None, "value": None, "unit": None}),
        ("criterion-0", "constraints", "brief_summary", ">95% CD19",
         [{"quantity": "CD19", "comparator": ">", "value": 95, "value_high": None, "unit": "%"}]),
        ("regimen-0", "agent", "interventions[0]", "T cell", "T cell"),
    ],
)  # fmt: skip
def test_marked_words_fill_a_field(sit_down, name, path, section, words, value):
    desk = sit_down()
    version = item(desk, name)["version"]
    change(desk, kind="read", item=name, version=version, path=path, selection=select(desk, section, words))
    assert item(desk, name)["value"][path] == value


def test_a_quote_takes_its_section_along(sit_down):
    desk = sit_down()
    place = select(desk, "title", "Leukemia Children")
    change(desk, kind="read", item="criterion-0", version=0, path="quote", selection=place)
    assert item(desk, "criterion-0")["value"]["section"] == "title"


def test_an_added_item_stands_where_its_words_do(sit_down):
    desk = sit_down()
    added = change(desk, kind="add", add="criterion", selection=select(desk, "title", "Leukemia Children"))
    order = [one["id"] for one in desk.describe(SEED)["items"] if one["kind"] == "criterion"]
    assert order == [added, "criterion-0"]


def test_marks_are_counted_as_the_browser_does(sit_down, records):
    desk = sit_down()
    text = records.read_text(SEED).raw_text("brief_summary").encode("utf-16-le")
    marks = {field: (start, end) for field, section, start, end in item(desk, "criterion-0")["marks"]}
    start, end = marks["quote"]
    assert text[2 * start : 2 * end].decode("utf-16-le") == item(desk, "criterion-0")["value"]["quote"]
