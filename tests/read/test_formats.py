"""Each format: sections and parts hold the source's text unchanged, under the names of the guideline."""

import json
from pathlib import Path

import pytest

from extractor.stages.read import read_records

from .conftest import RECORDS, read_all

ROOT = Path(__file__).parents[2]
SEEDS = ROOT / "seeds" / "records"
SHARED = ROOT.parent / "shared"
needs_records = pytest.mark.skipif(not SHARED.is_dir(), reason="no collection of real records beside the checkout")


def read_one(name: str, record_id: str):
    return next(record for record in read_all(RECORDS / name).records if record.record_id == record_id)


@pytest.mark.parametrize(
    ("name", "record_id", "section", "text"),
    [
        ("flat.txt", "flat", "title", "Fictucel Followed by Fabricel in Children With Relapsed B-cell Leukemia"),
        ("flat.txt", "flat", "interventions[2]", "DRUG: Fludarabine"),
        ("study.json", "NCT90000001", "conditions", "Large B-cell Lymphoma\nFollicular Lymphoma, Grade 3B"),
        ("study.xml", "NCT90000008", "conditions", "Peripheral T-cell Lymphoma\nAnaplastic Large Cell Lymphoma"),
        ("studies.csv", "NCT90000011", "title", 'Fictumab in "Borderline" Pancreatic Cancer'),
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


@pytest.mark.parametrize(
    ("name", "record_id", "registry"),
    [
        ("study.json", "NCT90000001", ("18 Years", "75 Years", "ALL", "false", "24", ("PHASE1",), "INTERVENTIONAL")),
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


STUDY = {
    "protocolSection": {
        "identificationModule": {"nctId": "NCT90000001", "briefTitle": "A Study", "acronym": "FICTU"},
        "statusModule": {"overallStatus": "COMPLETED", "startDateStruct": {"date": "2019-03"}},
        "sponsorCollaboratorsModule": {"leadSponsor": {"name": "Example University"}},
        "designModule": {
            "enrollmentInfo": {"count": 40, "type": "ESTIMATED"},
            "designInfo": {
                "allocation": "RANDOMIZED",
                "interventionModel": "CROSSOVER",
                "primaryPurpose": "PREVENTION",
                "maskingInfo": {"masking": "DOUBLE", "whoMasked": ["PARTICIPANT", "INVESTIGATOR"]},
            },
        },
        "armsInterventionsModule": {
            "armGroups": [{"label": "A", "interventionNames": ["Drug: X"]}, {"label": "B"}],
            "interventions": [{"name": "X"}],
        },
    }
}
XML = """<clinical_study><brief_title>A Study</brief_title><id_info><nct_id>NCT90000001</nct_id></id_info>
<acronym>FICTU</acronym><sponsors><lead_sponsor><agency>Example University</agency></lead_sponsor></sponsors>
<overall_status>Completed</overall_status><start_date>March 2019</start_date>
<enrollment type="Anticipated">40</enrollment>
<study_design_info><allocation>Randomized</allocation><masking>None (Open Label)</masking></study_design_info>
<arm_group><arm_group_label>A</arm_group_label></arm_group><arm_group><arm_group_label>B</arm_group_label></arm_group>
<intervention><intervention_name>X</intervention_name><arm_group_label>A</arm_group_label></intervention>
</clinical_study>"""
TABLE = """NCT Number,Study Title,Conditions,Study Design
NCT90000001,A Study,Asthma,Allocation: RANDOMIZED|Intervention Model: PARALLEL|Masking: DOUBLE (PARTICIPANT)
"""


def read_text(tmp_path, name, text):
    (tmp_path / name).write_text(text, "utf-8")
    (record,) = read_records(tmp_path / name)
    return record


@pytest.mark.parametrize(
    ("name", "text", "design", "bare"),
    [
        ("a.json", json.dumps(STUDY), ("ESTIMATED", "RANDOMIZED", "DOUBLE"), ("arms[1]",)),
        ("a.xml", XML, ("Anticipated", "Randomized", "None (Open Label)"), ("arms[1]",)),
        ("a.csv", TABLE, (None, "RANDOMIZED", "DOUBLE"), ()),
    ],
)
def test_design(tmp_path, name, text, design, bare):
    fields = read_text(tmp_path, name, text).registry
    assert (fields.enrollment_type, fields.allocation, fields.masking) == design
    assert fields.bare_arms == bare


def test_status_dates_and_sponsor(tmp_path):
    fields, same = (read_text(tmp_path, *one).registry for one in (("a.json", json.dumps(STUDY)), ("a.xml", XML)))
    for one, status, start in ((fields, "COMPLETED", "2019-03"), (same, "Completed", "March 2019")):
        assert (one.status, one.start_date, one.completion_date) == (status, start, None)
        assert (one.sponsor, one.acronym) == ("Example University", "FICTU")
    assert (fields.assignment, fields.primary_purpose) == ("CROSSOVER", "PREVENTION")
    assert fields.who_masked == ("PARTICIPANT", "INVESTIGATOR")


@pytest.mark.parametrize(
    ("labels", "names", "bare"),
    [
        ([["A", "B"]], [None, None], ()),
        ([[" b"]], [["Drug: X"], None], ()),  # each linked from one side; case and blanks do not matter
        ([[]], [["Drug: X"], []], ("arms[1]",)),
        ([[]], [None, None], ()),  # the study links nothing: nothing is known
        ([["A", "Bee"]], [None, None], ()),  # another spelling of an arm
    ],
)
def test_an_arm_may_name_its_interventions_or_an_intervention_its_arms(tmp_path, labels, names, bare):
    study = json.loads(json.dumps(STUDY))
    arms = [{"label": label, "interventionNames": named} for label, named in zip("AB", names, strict=True)]
    interventions = [{"name": "X", "armGroupLabels": named} for named in labels]
    study["protocolSection"]["armsInterventionsModule"] = {"armGroups": arms, "interventions": interventions}
    assert read_text(tmp_path, "a.json", json.dumps(study)).registry.bare_arms == bare


def test_structured_fields_are_quoted_as_text(tmp_path):
    record = read_text(tmp_path, "a.json", json.dumps(STUDY))
    assert record.raw_text("registry.enrollment") == "40"
    assert record.raw_text("title") == "A Study"
    assert [record.raw_text(name) for name in ("registry.phases", "registry.nothing", "nothing")] == [None] * 3


@pytest.mark.parametrize(
    ("number", "secondary", "paragraphs"),
    [("000", True, 1), ("001", True, 2), ("002", True, 1), ("003", False, 1), ("004", True, 1)],
)
def test_sections_are_the_lines_of_the_file(number, secondary, paragraphs):
    [path] = SEEDS.glob(f"{number}_*.txt")
    [record] = read_all(path).records
    assert record.record_id == path.stem
    assert "\n".join(section.text for section in record.sections) == path.read_bytes().decode()
    assert [section.name for section in record.sections] == [
        *("title", "brief_summary", "conditions", "interventions[0]", "primary_outcomes"),
        *(["secondary_outcomes"] if secondary else []),
        "detailed_description",
    ]
    assert len(record.section("detailed_description").text.split("\n\n")) == paragraphs


@needs_records
@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("ctgov_v2.jsonl.gz", 1162),
        ("ctgov_v2_array.json", 10),
        ("ctgov_xml", 120),
        ("ctgov_leukaemia.csv", 245),
        ("eligibility_general.jsonl.gz", 1423),
        ("all_areas.jsonl.gz", 137),
    ],
)
def test_every_real_record_reads(name, count):
    reading = read_all(SHARED / "data" / "records" / name)
    assert reading.errors == []
    assert len(reading.ids) == count
    assert all(record_id.startswith("NCT") for record_id in reading.ids)
