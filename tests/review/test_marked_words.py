"""Items and values from marked words, as the rules read them."""

import pytest

from extractor.apps.review.forms import describe_form
from extractor.apps.review.selection import read_age
from extractor.formats.records import make_record

from .reviewing import (
    add,
    add_criterion,
    decide,
    describe,
    item,
    read,
    read_gold,
    set_value,
)


@pytest.mark.parametrize("name", ["category", "lead_in"])
def test_marked_words_become_a_criterion_that_is_decided_when_its_category_is(
    start_review, name
):
    review = start_review()
    added = add_criterion(review)
    # The rules are not certain of its category, so the reviewer decides it.
    assert item(review, added)["state"] == "open"
    assert item(review, added)["doubts"] == {"category": None}
    assert item(review, added)["value"] == read_gold()["eligibility"]["criteria"][1]
    set_value(review, added, name, "biomarker")
    assert item(review, added)["state"] == ("added" if name == "category" else "open")
    decide(review, "accept", added)
    assert item(review, added)["state"] == "added"


@pytest.mark.parametrize(
    ("section", "words", "message"),
    [
        ("brief_summary", "heavily treated", "registered outcome"),
        ("primary_outcomes", "NCCN", "is already an endpoint"),
    ],
)
def test_no_outcome_is_added_that_is_not_registered_or_already_an_item(
    start_review, section, words, message
):
    with pytest.raises(ValueError, match=message):
        add(start_review(), "endpoints", section, words)


def test_a_rejected_outcome_is_added_anew_from_its_words(start_review):
    review = start_review()

    decide(review, "reject", "endpoints[0]")

    value = item(review, add(review, "endpoints", "primary_outcomes", "NCCN"))["value"]
    assert (value["rank"], value["index"]) == ("primary", 0)


def test_several_outcomes_in_one_text_are_kept_apart(start_review):
    described = start_review().describe("001_7c5a8bd566a2bac6")

    sections = {section["name"]: section for section in described["sections"]}
    secondary = sections["secondary_outcomes"]
    bars = [position for position, sign in enumerate(secondary["text"]) if sign == "|"]
    assert secondary["starts"] == [0, *(bar + 1 for bar in bars)]
    assert sections["primary_outcomes"]["starts"] == []


@pytest.mark.parametrize(
    ("name", "path", "section", "words", "value"),
    [
        ("endpoints[0]", "time_points", "primary_outcomes", "three months", [{"value": 3, "unit": "month"}]),
        ("endpoints[0]", "specimens", "brief_summary", "leukemia blasts", ["leukemia blasts"]),
        ("endpoints[0]", "description", "primary_outcomes", "according to "
                                                            "NCCN", "according to NCCN"),
        ("eligibility.criteria[0]", "time_windows", "brief_summary", "for more than three months",
         [{"quote": "for more than three months", "comparator": ">", "value": 3, "unit": "month"}]),
        ("eligibility.criteria[0]", "time_windows", "brief_summary", "after relapse",
         [{"quote": "after relapse", "comparator": None, "value": None, "unit": None}]),
        ("eligibility", "groups", "brief_summary", "heavily treated",
         [{"id": "g1", "lead_in": "heavily treated", "rule": None, "n": None, "n_high": None, "parent": None}]),
        ("eligibility.criteria[0]", "constraints", "brief_summary", ">95% CD19",
         [{"quantity": "CD19", "comparator": ">", "value": 95, "value_high": None, "unit": "%"}]),
        ("dosing[0]", "agent", "interventions[0]", "T cell", "T cell"),
    ],
)  # fmt: skip
def test_marked_words_fill_a_field(start_review, name, path, section, words, value):
    review = start_review()
    read(review, name, path, section, words)
    assert item(review, name)["value"][path] == value


def test_an_added_item_is_placed_by_its_words(start_review):
    review = start_review()
    added = add(review, "eligibility.criteria", "title", "eukemia Childre")
    assert (
        item(review, added)["value"]["quote"] == "Leukemia Children"
    )  # cut words are made whole
    assert item(review, added)["value"]["section"] == "title"
    order = [
        entry["path"]
        for entry in describe(review)["items"]
        if entry["group"] == "eligibility.criteria"
    ]
    assert order == [added, "eligibility.criteria[0]"]


@pytest.mark.parametrize(
    ("words", "low", "high"),
    [
        ("Age 3 to 25 years", 3, 25),
        ("3 to 25 years", 3, 25),
        ("18-65", 18, 65),
        ("up to 25 years", None, 25),
        ("Aged 18 or older", 18, None),
        ("no age", None, None),
    ],
)
def test_an_age_is_that_of_its_field(words, low, high):
    record = make_record("Inclusion Criteria: adults")
    ages = [read_age(record, words, field) for field in ("minimum_age", "maximum_age")]
    assert [age and age["value"] for age in ages] == [low, high]


def test_an_agent_that_stands_in_another_section_is_marked_there(start_review):
    review = start_review()
    read(review, "dosing[0]", "agent", "title", "Sequential CAR-T Cell")
    values = {value["name"]: value for value in item(review, "dosing[0]")["values"]}
    record = describe(review)
    places = [record["spans"][span] for span in values["agent"]["spans"]]
    names = [record["sections"][section]["name"] for section, *_ in places]
    assert names == ["title"]
    assert item(review, "dosing[0]")["value"]["section"] == "brief_summary"


def test_an_age_has_only_the_units_of_the_guideline():
    fields = {field["name"]: field for field in describe_form()["eligibility"]}
    parts = {part["name"]: part for part in fields["minimum_age"]["fields"]}
    units = [option["value"] for option in parts["unit"]["options"]]
    assert sorted(units) == ["day", "month", "week", "year"]
