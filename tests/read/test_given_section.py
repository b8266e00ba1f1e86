"""A text without any heading: told, or read as the section that the user names."""

import json
import tomllib
from io import BytesIO
from pathlib import Path

import pandas as pd
import pytest

from extractor import Extractor
from extractor.errors import RecordError
from extractor.formats import read_stream
from extractor.schemas import FindingKind

ROWS = tomllib.loads(Path(__file__).with_name("tables.toml").read_text("utf-8"))

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


def read_json(**record):
    return next(read_stream("a.json", BytesIO(json.dumps(record).encode())))


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"section": ["eligibility"]}, "JSON that does not match the format"),
        ({"section": "criteria"}, "unknown section 'criteria'; choose from eligib"),
        ({"colour": "red"}, "; use the keys text, title, record_id, section$"),
        ({"sections": []}, "; use the keys record_id, source, sections, registry$"),
    ],
)
def test_a_wrong_key_or_section_in_json_is_refused(record, message):
    with pytest.raises(RecordError, match=message):
        read_json(text="Adults", **record)


def test_a_text_in_json_names_its_section():
    record = read_json(text="Age 18 years or older", section="eligibility")
    assert [section.name for section in record.sections] == ["eligibility"]


@pytest.mark.parametrize("empty", ["", " \n", None, float("nan"), pd.NA])
def test_an_empty_cell_costs_no_other(empty):
    texts = ["Adults", empty, "No HIV"]
    if empty is pd.NA:
        names = ["text-1", "text-2", "text-3"]
        texts = pd.Series(texts, dtype="string", index=names)
    with pytest.warns(UserWarning, match="text-2: the record contains no text"):
        table = Extractor().table("criteria", texts, section="eligibility")
    assert table["record_id"].tolist() == ["text-1", "text-3"]


@pytest.mark.parametrize("section", [None, "eligibility"])
@pytest.mark.parametrize(
    "text",
    ROWS["test_short_names_of_the_lists_are_headings"],
)
def test_short_names_of_the_lists_are_headings(text, section):
    found = Extractor().extract_text(text, section=section).eligibility.criteria
    assert [(one.kind.value, one.quote) for one in found] == [
        ("inclusion", "Age over 18"),
        ("exclusion", "Pregnancy"),
    ]
