"""A text without any heading: told, or read as the section that the user names."""

import json
import warnings
from io import BytesIO

import pytest

from extractor import Extractor, make_record
from extractor.errors import RecordError
from extractor.formats import read_stream
from extractor.schemas import FindingKind

LONE = (
    "Age 18 years or older",
    "Histologically confirmed breast cancer",
    "ECOG 0-1\nNo prior chemotherapy",
    "Age over 18; ECOG 0-1; adequate organ function",
    "Written informed consent",
)


@pytest.mark.parametrize("text", LONE)
def test_a_text_without_a_heading_is_told(text):
    extraction = Extractor().extract_text(text)
    assert not extraction.eligibility.criteria
    (finding,) = extraction.findings
    assert finding.kind is FindingKind.STRUCTURE_DOUBTFUL
    assert "no heading" in finding.message
    assert "Inclusion criteria" in finding.message
    assert finding.citations[0].quote == text


@pytest.mark.parametrize(
    "text", [*LONE, "HbA1c >= 7.5 %", "1. HbA1c > 7 %\n2. BMI < 35"]
)
def test_a_text_is_read_as_the_section_that_is_named(text):
    extraction = Extractor().extract_text(text, section="eligibility")
    assert extraction.eligibility.criteria
    for criterion in extraction.eligibility.criteria:
        assert criterion.quote in text
        assert criterion.section == "eligibility"


def test_a_sentence_that_was_passed_over_is_told():
    text = "Patients must have HbA1c of at least 7.5 %. BMI below 35 kg/m2."
    extraction = Extractor().extract_text(text)
    assert len(extraction.eligibility.criteria) == 1
    (finding,) = extraction.findings
    assert finding.citations[0].quote == text


@pytest.mark.parametrize(
    "text",
    [
        "Inclusion criteria:\n- Adults",
        "Examplumab 300 mg intravenously every 3 weeks for 6 cycles.",
        "A Trial\nA summary.\nAsthma\nDRUG: A\nSurvival\n",
    ],
)
def test_other_texts_have_no_such_finding(text):
    messages = [finding.message for finding in Extractor().extract_text(text).findings]
    assert not any("no heading" in message for message in messages)


def test_headings_of_lists_still_count_in_the_named_section():
    text = "Age 18 years or older\nExclusion criteria:\n- Pregnancy"
    found = Extractor().extract_text(text, section="eligibility").eligibility.criteria
    assert [(one.kind.value, one.quote) for one in found] == [
        ("inclusion", "Age 18 years or older"),
        ("exclusion", "Pregnancy"),
    ]


def test_outcomes_are_items():
    record = make_record(
        "Overall survival at 2 years\nPain", section="primary_outcomes"
    )
    assert [section.text for section in record.sections] == [
        "Overall survival at 2 years",
        "Pain",
    ]
    start, end = record.section("primary_outcomes[1]").locate(0, 4)
    assert (start, end) == (28, 32)


def test_a_section_that_there_is_not_is_refused():
    with pytest.raises(
        RecordError, match="no section 'criteria'; choose from eligibility"
    ):
        make_record("Adults", section="criteria")
    body = json.dumps({"text": "Adults", "section": ["eligibility"]})
    with pytest.raises(RecordError, match="JSON that does not fit"):
        next(read_stream("a.json", BytesIO(body.encode())))
    body = json.dumps({"text": "Adults", "section": "criteria"})
    with pytest.raises(
        RecordError, match="no section 'criteria'; choose from eligibility"
    ):
        next(read_stream("a.json", BytesIO(body.encode())))


def test_a_text_in_json_names_its_section():
    body = json.dumps({"text": "Age 18 years or older", "section": "eligibility"})
    record = next(read_stream("a.json", BytesIO(body.encode())))
    assert [section.name for section in record.sections] == ["eligibility"]


def test_an_empty_table_of_texts_is_never_silent():
    with pytest.warns(UserWarning, match='without a heading.*section="eligibility"'):
        assert Extractor().table("criteria", LONE[0]).empty
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = Extractor().table("criteria", list(LONE), section="eligibility")
    assert set(table["record_id"]) == {f"text-{n}" for n in range(1, 6)}


@pytest.mark.parametrize("empty", ["", " \n", None, float("nan")])
def test_an_empty_cell_costs_no_other(empty):
    with pytest.warns(UserWarning, match="text-2: the record holds no free text"):
        table = Extractor().table(
            "criteria", ["Adults", empty, "No HIV"], section="eligibility"
        )
    assert table["record_id"].tolist() == ["text-1", "text-3"]


def test_one_word_is_a_text_where_its_section_is_named():
    table = Extractor().table(
        "criteria", ["Pregnancy", "Adults"], section="eligibility"
    )
    assert table["quote"].tolist() == ["Pregnancy", "Adults"]


@pytest.mark.parametrize("section", [None, "eligibility"])
@pytest.mark.parametrize(
    "text",
    [
        "INCL:\n- Age over 18\nEXCL:\n- Pregnancy",
        "Incl.:\nAge over 18\nExcl.:\nPregnancy",
        "IC:\n- Age over 18\nEC:\n- Pregnancy",
        "Incl\n- Age over 18\nExcl\n- Pregnancy",
        "Inc: Age over 18\nExc: Pregnancy",
        "Inclusion: Age over 18; Exclusion: Pregnancy",
    ],
)
def test_short_names_of_the_lists_are_headings(text, section):
    found = Extractor().extract_text(text, section=section).eligibility.criteria
    assert [(one.kind.value, one.quote) for one in found] == [
        ("inclusion", "Age over 18"),
        ("exclusion", "Pregnancy"),
    ]


@pytest.mark.parametrize(
    "text", ["EC: approved by the committee", "IC 50 of examplumab"]
)
def test_other_abbreviations_open_no_list(text):
    assert not Extractor().extract_text(text).eligibility.criteria
