"""Each format: sections and parts hold the source's text unchanged, under the names of the
guideline.
"""

import json
import tomllib
from pathlib import Path

import pytest

from extractor.formats import read_records

from .conftest import read_all

ROWS = tomllib.loads(Path(__file__).with_name("tables.toml").read_text("utf-8"))

ROOT = Path(__file__).parents[2]
SEEDS = ROOT / "seeds" / "records"


STUDY = {
    "protocolSection": {
        "identificationModule": {
            "nctId": "NCT90000001",
            "briefTitle": "A Study",
            "acronym": "FICTU",
        },
        "sponsorCollaboratorsModule": {"leadSponsor": {"name": "Example University"}},
        "designModule": {
            "enrollmentInfo": {"count": 40, "type": "ESTIMATED"},
            "designInfo": {
                "maskingInfo": {"masking": "DOUBLE", "whoMasked": ["PARTICIPANT"]}
            },
        },
    }
}
XML = """<clinical_study><brief_title>A Study</brief_title><id_info><nct_id>NCT90000001</nct_id></id_info>
<acronym>FICTU</acronym><sponsors><lead_sponsor><agency>Example University</agency></lead_sponsor></sponsors>
<enrollment type="Anticipated">40</enrollment>
<study_design_info><masking>Double (Participant)</masking></study_design_info>
<arm_group><arm_group_label>A</arm_group_label></arm_group><arm_group><arm_group_label>B</arm_group_label></arm_group>
<intervention><intervention_name>X</intervention_name><arm_group_label>A</arm_group_label></intervention>
</clinical_study>"""
TABLE = """NCT Number,Study Title,Enrollment,Study Design
NCT90000001,A Study,40,Allocation: RANDOMIZED|Masking: DOUBLE (PARTICIPANT)
"""
FIELDS = {"enrollment": "40", "masking": "DOUBLE", "who_masked": ("PARTICIPANT",)}
NAMED = {
    "acronym": "FICTU",
    "sponsor": "Example University",
    "enrollment_type": "ESTIMATED",
}


def read_text(tmp_path, name, text):
    (tmp_path / name).write_text(text, "utf-8")
    (record,) = read_records(tmp_path / name)
    return record


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (json.dumps(STUDY), FIELDS | NAMED),
        (XML, FIELDS | NAMED | {"bare_arms": ("arms[1]",)}),
        (TABLE, FIELDS | {"allocation": "RANDOMIZED"}),
    ],
)
def test_structured_fields(tmp_path, text, values):
    record = read_text(tmp_path, "a.txt", text)
    assert {name: getattr(record.registry, name) for name in values} == values


@pytest.mark.parametrize(
    ("labels", "names", "bare", "linked"),
    [
        ([["A", "B"]], [None, None], (), ["arms[0]", "arms[1]"]),
        ([[" b"]], [["Drug: X"], None], (), ["arms[1]"]),  # case and blanks
        ([[]], [["Drug: X"], []], ("arms[1]",), ["arms[0]"]),
        ([[]], [["X"], ["Drug: Xylo"]], (), ["arms[0]"]),
        ([[]], [None, None], (), []),  # the study links nothing: nothing is known
        ([["A", "Bee"]], [None, None], (), ["arms[0]"]),  # another spelling of an arm
    ],
)
def test_an_arm_may_name_its_interventions_or_an_intervention_its_arms(
    tmp_path, labels, names, bare, linked
):
    study = json.loads(json.dumps(STUDY))
    arms = [
        {"label": label, "interventionNames": named}
        for label, named in zip("AB", names, strict=True)
    ]
    interventions = [{"name": "X", "armGroupLabels": named} for named in labels]
    study["protocolSection"]["armsInterventionsModule"] = {
        "armGroups": arms,
        "interventions": interventions,
    }
    registry = read_text(tmp_path, "a.json", json.dumps(study)).registry

    assert registry.bare_arms == bare
    assert registry.arm_links == ({"interventions[0]": tuple(linked)} if linked else {})


@pytest.mark.parametrize(
    ("number", "secondary", "paragraphs"),
    ROWS["test_sections_are_the_lines_of_the_file"],
)
def test_sections_are_the_lines_of_the_file(number, secondary, paragraphs):
    [path] = SEEDS.glob(f"{number}_*.txt")
    [record] = read_all(path).records

    assert record.record_id == path.stem
    assert (
        "\n".join(section.text for section in record.sections)
        == path.read_bytes().decode()
    )
    names = [section.name for section in record.sections]
    assert names[:4] == ["title", "brief_summary", "conditions", "interventions[0]"]
    seconds = ["secondary_outcomes"] if secondary else []
    assert names[4:] == ["primary_outcomes", *seconds, "detailed_description"]
    assert len(record.section("detailed_description").text.split("\n\n")) == paragraphs
