"""The text of the EU Clinical Trials Register: one record a trial, each field once and in
English.
"""

import pytest

from extractor import Extractor, make_record
from extractor.errors import RecordError

from .conftest import read_all
from .samples import EU_TEXT
from .test_registers import read_one, texts

SECOND = EU_TEXT.replace("2031-000001-11", "2031-000002-22")


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ("Weeks 12 and 52", ["Weeks 12 and 52", "Weeks 12 and 52"]),
        ("1. Week 26\n2. Week 52", ["Week 26", "Week 52"]),
        ("Week 26\nWeek 52", ["Week 26\nWeek 52"] * 2),
        ("1. Week 26\n2. Week 52\n3. Year 2", ["1. Week 26\n2. Week 52\n3. Year 2"] * 2),
        ("", [None, None]),
    ],
)  # fmt: skip
def test_time_points_of_several_outcomes(times, expected):
    record = read_one(EU_TEXT.replace("- Week 26\n- Week 52", times).encode())
    frames = [
        record.section(f"secondary_outcomes[{number}]").part("time_frame")
        for number in (0, 1)
    ]
    assert frames == expected


@pytest.mark.parametrize(
    ("times", "expected"),
    [("- Week 26\n- Week 52", "Week 52"), ("Weeks 12 and 52", None)],
)
def test_an_outcome_that_states_a_time_keeps_a_time_frame_of_its_own(times, expected):
    text = EU_TEXT.replace("- Week 26\n- Week 52", times)
    record = read_one(text.replace("- Relief", "- Relief at week 4").encode())

    assert record.section("secondary_outcomes[1]").part("time_frame") == expected


def test_a_text_in_another_language_only_is_kept_and_told():
    text = EU_TEXT[: EU_TEXT.rindex("Summary")].replace("E.3 Principal inclusion criteria: 1. "
                                                        "Asthma\n2. Age 18 to 65 years; criteria "
                                                        "of section\nE.1 of the protocol "
                                                        "hold\n", "")  # fmt: skip
    record = read_one(text.encode())
    assert "1. Asma\n2. Edad de 18 a 65 años" in texts(record)["eligibility"]
    assert record.source.notes == (
        "eligibility is available only in Spanish, which is not supported",
    )
    extraction = Extractor(effort="none").extract(record)
    assert [criterion.quote for criterion in extraction.eligibility.criteria] == [
        "Pregnancy"
    ]
    assert {"source_doubtful", "language_other"} <= {
        finding.kind.value for finding in extraction.findings
    }


def test_several_trials_and_a_fault_in_one():
    broken = (
        (EU_TEXT + "\n" + SECOND)
        .encode()
        .replace(b"To see whether it is safe", b"To see \xb5", 1)
    )
    reading = read_all("-", stdin=broken)
    assert reading.ids == ["2031-000001-11", "2031-000002-22"]
    assert reading.errors == []
    [first], second = (record.source.notes for record in reading.records)
    assert "bytes that are not UTF-8 were read as Windows-1252 (1)" in first
    assert second == ()
    assert "To see µ" in texts(reading.records[0])["detailed_description"]


def test_a_copied_text_is_read_like_a_file():
    record = make_record(EU_TEXT)
    assert record.record_id == "2031-000001-11"
    assert record.source.format == "euctr_text"
    assert record.sections == read_one(EU_TEXT.encode()).sections
    with pytest.raises(
        RecordError,
        match="a text with 2 trials from the EU Clinical Trials Register; save the text as a file",
    ):
        make_record(EU_TEXT + SECOND)


def test_a_page_without_its_first_line_is_read_like_a_whole_one():
    page = EU_TEXT[EU_TEXT.index("A.3") :].partition("EudraCT Number:")[0]

    record = make_record(page)

    assert record.source.format == "euctr_text"
    assert texts(record)["eligibility"] == texts(make_record(EU_TEXT))["eligibility"]


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        ("Pacientes adultos con gota y sin insuficiencia renal", "Adults with gout"),
        ("Erwachsene mit Gicht und ohne Niereninsuffizienz", "Adults with gout"),
        ("Voksne med gigt og uden nyresygdom", "Adults with gout"),
        ("Men and women with gout", "Men and women with gout"),
    ],
)
def test_the_language_of_a_first_country_is_told_from_its_words(first, expected):
    number = "EudraCT Number: 2031-000004-44\n"
    label = "E.3 Principal inclusion criteria"
    text = f"{number}{label}: {first}\n{number}{label} (en): Adults with gout\n"

    record = read_one(text.encode())

    assert texts(record)["eligibility"].splitlines()[-1] == expected
