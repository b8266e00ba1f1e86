"""A user's own fields under review: corrected as they are written, added, left out, and read
back from gold.
"""

import json
from contextlib import closing

import pytest

from extractor.apps.evaluation import evaluate
from extractor.apps.review.changes import NotReady, Review
from extractor.apps.review.draft import list_items
from extractor.apps.review.forms import FIELDS, describe_form
from extractor.apps.review.gold import name_gold
from extractor.apps.review.journal import Journal
from extractor.apps.review.queue import RunRecords
from extractor.schemas import TrialExtraction

from .reviewing import OWN, add, decide, describe, item, make_custom, read, set_value

PLAIN = {"rank", "index"}  # the registry's own
NAMES_ITSELF = {"route", "unit"}  # "intravenous" and "week" need no definition


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_custom(tmp_path_factory.mktemp("own"))


@pytest.fixture
def review(run, tmp_path):
    (tmp_path / "gold" / ".review").mkdir(parents=True)
    with closing(Journal(tmp_path / "gold" / ".review" / "journal.sqlite")) as journal:
        yield Review(RunRecords(run), tmp_path / "gold", journal, "anna")


def items(review):
    return [
        entry
        for entry in describe(review)["items"]
        if entry["group"].startswith("custom.")
    ]


def accept_rest(review):
    decide(
        review,
        "accept",
        *(
            entry["path"]
            for entry in describe(review)["items"]
            if entry["state"] == "open"
        ),
    )


def read_gold(review, tmp_path, *, anyway=False):
    accept_rest(review)
    review.finish(OWN, anyway=anyway)
    return json.loads((tmp_path / "gold" / name_gold(OWN)).read_text("utf-8"))


def flaws(review, name):
    return [
        (flaw["path"], flaw["problem"])
        for flaw in describe(review)["flaws"]
        if flaw["item"] == name
    ]


def test_a_value_is_shown_as_written_and_marked_in_the_text(review):
    first, last = items(review)
    assert first["path"] == "custom.ejection_fraction[0]"
    assert first["value"] == {"value": "< 40 %"}
    assert first["name"] == "ejection fraction of inclusion criterion 1"
    assert first["of"] == "eligibility.criteria[0]"
    (shown,) = first["values"]
    (span,) = shown["spans"]
    described = describe(review)
    section, start, end, *_ = described["spans"][span]
    assert shown["name"] == "value"
    assert described["sections"][section]["text"][start:end] == "below 40 %"
    assert first["doubts"] == {"value": first["confidence"]}
    assert last["of"] == "eligibility.criteria[2]"
    assert review.list_queue()["records"][0]["progress"]["items"] == len(
        describe(review)["items"]
    )


def test_the_form_has_a_menu_for_a_closed_set_and_rows_for_a_list(review):
    form = describe_form(review.fields)
    (plain,) = form["custom.ejection_fraction"]

    assert plain["label"] == "ejection fraction"
    assert plain["widget"] == "text"
    assert plain["marked"] is True
    assert "comparator number unit" in plain["help"]
    assert [
        (field["name"], field["widget"], field["many"])
        for field in form["custom.lead_in_phase"]
    ] == [
        *(
            ("kind", "choice", False),
            ("lasts", "text", False),
            ("drugs", "text", True),
            ("fixed", "flag", False),
        )
    ]
    assert form["custom.lead_in_phase"][0]["options"][0] == {
        "value": "washout",
        "meaning": "",
    }
    assert form["custom.lead_in_phase"][0]["help"] == "washout: drugs are left off."


def test_a_correction_is_read_and_becomes_gold_that_is_opened_again(
    review, run, tmp_path
):
    set_value(review, "custom.ejection_fraction[0]", "value", "at most 35 %")
    assert item(review, "custom.ejection_fraction[0]")["state"] == "corrected"
    # nothing in the record states 35 %
    gold = read_gold(review, tmp_path, anyway=True)
    found = gold["custom"]["ejection_fraction"]
    assert [entry["of"] for entry in found] == [
        "eligibility.criteria[0]",
        "eligibility.criteria[2]",
    ]
    assert found[0]["values"]["value"] == {
        "comparator": "<=",
        "value": 35,
        "value_high": None,
        "unit": "%",
    }
    assert gold["custom"]["named_test"] == []
    assert gold["custom"]["lead_in_phase"] == []
    report = evaluate([gold], run, fields=review.fields.values())
    score = next(
        field
        for field in report.fields
        if field.name == "custom.ejection_fraction.value"
    )
    assert score.stated == 2
    assert score.predicted == 2
    assert score.normalised.f1 == 0.5
    again = list_items(TrialExtraction.model_validate(gold), "accepted", review.fields)
    assert [(entry.value, entry.path, entry.of) for entry in again if entry.of] == [
        (
            {"value": "<= 35 %"},
            "custom.ejection_fraction[0]",
            "eligibility.criteria[0]",
        ),
        ({"value": "> 70 %"}, "custom.ejection_fraction[1]", "eligibility.criteria[2]"),
    ]


def test_an_unreadable_value_is_told_with_the_form_that_is_allowed_and_is_no_gold(
    review,
):
    set_value(review, "custom.ejection_fraction[0]", "value", "rather low")
    ((path, problem),) = flaws(review, "custom.ejection_fraction[0]")
    assert path == "value"
    assert 'write a quantity as "comparator number unit"' in problem
    accept_rest(review)
    with pytest.raises(NotReady, match="1 thing is wrong"):
        review.finish(OWN)
    read(review, "custom.ejection_fraction[0]", "value", "eligibility", "below 40 %")
    assert item(review, "custom.ejection_fraction[0]")["value"] == {"value": "< 40 %"}
    with pytest.raises(ValueError, match="no such field"):
        read(review, "custom.ejection_fraction[0]", "of", "eligibility", "below 40 %")


def test_marked_words_become_a_value_of_the_item_that_quotes_them(review, tmp_path):
    added = add(
        review,
        "custom.named_test",
        "eligibility",
        "Examplography",
        item="eligibility.criteria[1]",
    )
    made = item(review, added)
    assert made["state"] == "added"
    assert made["of"] == "eligibility.criteria[0]"
    assert made["value"] == {"value": "Examplography"}
    (shown,) = made["values"]
    assert shown["spans"] == [made["added"]]
    with pytest.raises(ValueError, match="no criterion quotes these words"):
        add(review, "custom.named_test", "title", "washout")
    elsewhere = add(
        review, "custom.named_test", "title", "washout", item="eligibility.criteria[1]"
    )
    assert item(review, elsewhere)["of"] == "eligibility.criteria[1]"
    set_value(review, elsewhere, "value", "a test of nobody")
    assert flaws(review, elsewhere) == [
        ("value", "'a test of nobody' stands nowhere in the record")
    ]
    review.step(OWN, "undo")
    review.step(OWN, "undo")
    assert elsewhere not in [entry["path"] for entry in items(review)]
    assert read_gold(review, tmp_path)["custom"]["named_test"] == [
        {"of": "eligibility.criteria[0]", "values": {"value": "Examplography"}}
    ]


def test_an_added_value_of_several_attributes_starts_empty_with_its_words_marked(
    review, tmp_path
):
    added = add(review, "custom.lead_in_phase", "title", "two week washout")
    made = item(review, added)
    assert (made["state"], made["of"]) == ("open", None)
    assert made["value"] == {"kind": None, "lasts": None, "drugs": [], "fixed": None}
    assert made["values"] == []
    assert made["added"] == len(describe(review)["spans"]) - 1
    assert flaws(review, added) == [("kind", "is empty")]
    for path, value in {
        "kind": "washout",
        "lasts": "2 weeks",
        "drugs": ["examplumab"],
        "fixed": False,
    }.items():
        set_value(review, added, path, value)
    twice = add(review, "custom.lead_in_phase", "title", "washout")
    set_value(review, twice, "kind", "screening")
    assert flaws(review, twice) == [("", "is stated twice")]
    decide(review, "reject", twice)
    (found,) = read_gold(review, tmp_path)["custom"]["lead_in_phase"]
    lasts = {"value": 2, "unit": "week"}
    assert found == {
        "of": None,
        "values": {
            "kind": "washout",
            "lasts": lasts,
            "drugs": ["examplumab"],
            "fixed": False,
        },
    }


def test_what_is_said_of_a_rejected_item_goes_and_comes_back_with_it(review, tmp_path):
    decide(review, "reject", "eligibility.criteria[0]")
    assert item(review, "custom.ejection_fraction[0]")["state"] == "rejected"
    review.step(OWN, "undo")
    assert item(review, "custom.ejection_fraction[0]")["state"] == "open"
    review.step(OWN, "redo")
    decide(review, "restore", "eligibility.criteria[0]")
    assert item(review, "custom.ejection_fraction[0]")["state"] == "open"
    decide(review, "reject", "eligibility.criteria[0]")
    decide(review, "restore", "custom.ejection_fraction[0]")
    (left,) = read_gold(review, tmp_path)["custom"]["ejection_fraction"]
    assert left["of"] == "eligibility.criteria[1]"
    assert left["values"]["value"]["value"] == 70


def test_values_of_fields_declared_later_are_offered_beside_the_gold(review, tmp_path):
    gold = read_gold(review, tmp_path)
    del gold["custom"]
    gold["eligibility"]["criteria"].pop(0)
    (tmp_path / "later").mkdir()
    (tmp_path / "later" / name_gold(OWN)).write_text(json.dumps(gold), "utf-8")

    with closing(Journal(tmp_path / "journal.sqlite")) as journal:
        later = Review(review._records, tmp_path / "later", journal, "ben")
        assert later.list_queue()["records"][0]["progress"]["state"] == "changed"
        (offered,) = items(later)
        assert offered["state"] == "open"
        assert offered["of"] == "eligibility.criteria[1]"
        assert offered["value"] == {"value": "> 70 %"}
        decide(later, "accept", "custom.ejection_fraction[1]")
        assert [entry["state"] for entry in items(later)] == ["accepted"]
        later.finish(OWN)
        assert later.list_queue()["records"][0]["progress"]["state"] == "finished"

    (found,) = json.loads((tmp_path / "later" / name_gold(OWN)).read_text("utf-8"))[
        "custom"
    ]["ejection_fraction"]
    assert found["of"] == "eligibility.criteria[1]"


def test_gold_of_a_field_that_the_run_does_not_declare_stays_as_it_is():
    values = {
        "value": {"comparator": "<", "value": 40, "value_high": None, "unit": "%"}
    }
    gold = {
        "record_id": OWN,
        "eligibility": {},
        "custom": {"another": [{"of": None, "values": values}]},
    }
    assert list_items(TrialExtraction.model_validate(gold))[-1].value == values


def test_a_run_without_custom_fields_has_none_in_its_review(start_review):
    review = start_review()
    assert describe_form(review.fields) == describe_form()
    (_, record), *_ = review._list_progress()
    assert record["state"] == "open"


@pytest.mark.parametrize("kind", FIELDS)
def test_every_field_and_word_is_in_the_form_and_explained(kind):
    fields = describe_form()[kind]
    names = [field["name"] for field in fields]
    assert names == [name for name in FIELDS[kind] if name != "time_window"]

    parts = []
    for field in fields:
        assert field["help"] or field["name"] in PLAIN, field["name"]
        parts += [field, *field.get("fields", ())]
    for part in parts:
        if part["widget"] == "choice" and part["name"] not in NAMES_ITSELF | PLAIN:
            for option in part["options"]:
                assert option["meaning"], option["value"]
