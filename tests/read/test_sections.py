"""Sections and parts hold the source's text as it stands, under the names of the guideline."""

import pytest

from .conftest import RECORDS, read_all


def read_one(name: str, record_id: str):
    return next(record for record in read_all(RECORDS / name).records if record.record_id == record_id)


@pytest.mark.parametrize(
    ("name", "record_id", "section", "text"),
    [
        ("flat.txt", "flat", "title", "Fictucel Followed by Fabricel in Children With Relapsed B-cell Leukemia"),
        ("flat.txt", "flat", "conditions", "Leukemia, B-cell|Leukemia in Relapse"),
        ("flat.txt", "flat", "interventions[2]", "DRUG: Fludarabine"),
        ("study.json", "NCT90000001", "conditions", "Large B-cell Lymphoma\nFollicular Lymphoma, Grade 3B"),
        ("study.json", "NCT90000001", "keywords", "CAR-T\nCD19\nfictucel"),
        (
            "study.json",
            "NCT90000001",
            "arms[1]",
            "Dose level 2\nEXPERIMENTAL\nFictucel 3 x 10\\^6 cells/kg, one intravenous infusion on day 0",
        ),
        ("study.json", "NCT90000001", "other_outcomes[0]", "Serum interleukin-6\nDay 0 to day 28"),
        ("study.xml", "NCT90000008", "conditions", "Peripheral T-cell Lymphoma\nAnaplastic Large Cell Lymphoma"),
        (
            "study.xml",
            "NCT90000008",
            "interventions[0]",
            "Drug\nFictinib\n40 mg by mouth once daily\nFTB-40\nINV-8",
        ),
        ("study.xml", "NCT90000008", "secondary_outcomes[2]", "Overall survival"),
        ("studies.csv", "NCT90000011", "title", 'Fictumab in "Borderline" Pancreatic Cancer'),
        (
            "studies.csv",
            "NCT90000010",
            "brief_summary",
            "This invented study tests whether one infusion of fictucel is safe and whether it shrinks the lymphoma."
            "\n\nParticipants are followed for 24 months.",
        ),
        (
            "studies.csv",
            "NCT90000011",
            "primary_outcomes",
            "Overall survival, Time from randomization to death from any cause, Up to 36 months",
        ),
    ],
)
def test_text_of_a_section(name, record_id, section, text):
    assert read_one(name, record_id).section(section).text == text


@pytest.mark.parametrize(
    ("name", "section", "parts"),
    [
        ("flat.txt", "interventions[0]", [("type", "BIOLOGICAL"), ("name", "Fictucel")]),
        (
            "study.json",
            "interventions[0]",
            [
                ("type", "BIOLOGICAL"),
                ("name", "Fictucel"),
                (
                    "description",
                    "Single intravenous infusion of 1 x 10\\^6 or 3 x 10\\^6 CAR-positive T cells/kg on day 0",
                ),
                ("other_names", "FCT-019"),
                ("other_names", "autologous anti-CD19 CAR-T cells"),
            ],
        ),
        (
            "study.json",
            "primary_outcomes[0]",
            [
                ("measure", "Incidence of dose-limiting toxicity"),
                ("description", "Dose-limiting toxicities graded according to CTCAE version 5.0"),
                ("time_frame", "28 days after infusion"),
            ],
        ),
        (
            "study.xml",
            "arms[0]",
            [
                ("label", "Fictinib"),
                ("type", "Experimental"),
                ("description", "Fictinib 40 mg by mouth once daily on days 1-21 of a 28-day cycle"),
            ],
        ),
    ],
)
def test_parts_of_a_section(name, section, parts):
    [record] = read_all(RECORDS / name).records
    found = record.section(section)
    assert [(part.name, found.text[part.start : part.end]) for part in found.parts] == parts


def test_xml_text_keeps_wrapping_and_indentation():
    text = read_one("study.xml", "NCT90000008").section("eligibility").text
    assert text.startswith("\n        Inclusion Criteria:\n\n          -  Histologically confirmed")
    assert "\n\n          -  Age >= 18 years\n\n" in text


@pytest.mark.parametrize(
    ("name", "record_id", "registry"),
    [
        (
            "study.json",
            "NCT90000001",
            ("18 Years", "75 Years", "ALL", "false", "24", ("PHASE1",), "INTERVENTIONAL"),
        ),
        ("study.xml", "NCT90000008", ("18 Years", "N/A", "All", "No", "48", ("Phase 2",), "Interventional")),
        ("studies.csv", "NCT90000011", (None, None, "ALL", None, "420", ("PHASE3",), "INTERVENTIONAL")),
        ("flat.txt", "flat", (None, None, None, None, None, (), None)),
    ],
)
def test_registry_fields(name, record_id, registry):
    fields = read_one(name, record_id).registry
    assert (
        *(fields.minimum_age, fields.maximum_age, fields.sex, fields.healthy_volunteers),
        *(fields.enrollment, fields.phases, fields.study_type),
    ) == registry


@pytest.mark.parametrize("path", sorted(RECORDS.iterdir()), ids=lambda path: path.name)
def test_no_section_is_blank_and_names_are_unique(path):
    for record in read_all(path).records:
        names = [section.name for section in record.sections]
        assert len(names) == len(set(names))
        assert all(section.text.strip() for section in record.sections)
