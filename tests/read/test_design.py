"""The structured design of a study, as each format keeps it."""

import json
from pathlib import Path

import pytest

from extractor.read import read_records

STUDY = {
    "protocolSection": {
        "identificationModule": {"nctId": "NCT90000001", "briefTitle": "A Study"},
        "designModule": {
            "enrollmentInfo": {"count": 40, "type": "ESTIMATED"},
            "designInfo": {"allocation": "RANDOMIZED", "maskingInfo": {"masking": "DOUBLE"}},
        },
        "armsInterventionsModule": {
            "armGroups": [{"label": "A", "interventionNames": ["Drug: X"]}, {"label": "B"}],
            "interventions": [{"name": "X"}],
        },
    }
}
XML = """<clinical_study><brief_title>A Study</brief_title><id_info><nct_id>NCT90000001</nct_id></id_info>
<enrollment type="Anticipated">40</enrollment>
<study_design_info><allocation>Randomized</allocation><masking>None (Open Label)</masking></study_design_info>
<arm_group><arm_group_label>A</arm_group_label></arm_group><arm_group><arm_group_label>B</arm_group_label></arm_group>
<intervention><intervention_name>X</intervention_name><arm_group_label>A</arm_group_label></intervention>
</clinical_study>"""
TABLE = """NCT Number,Study Title,Conditions,Study Design
NCT90000001,A Study,Asthma,Allocation: RANDOMIZED|Intervention Model: PARALLEL|Masking: DOUBLE (PARTICIPANT)
"""


def _read(tmp_path: Path, name: str, text: str):
    (tmp_path / name).write_text(text, "utf-8")
    (record,) = read_records(tmp_path / name)
    return record


def test_json(tmp_path: Path) -> None:
    fields = _read(tmp_path, "a.json", json.dumps(STUDY)).registry
    assert (fields.enrollment_type, fields.allocation, fields.masking) == ("ESTIMATED", "RANDOMIZED", "DOUBLE")
    assert fields.bare_arms == ("arms[1]",)


def test_xml(tmp_path: Path) -> None:
    fields = _read(tmp_path, "a.xml", XML).registry
    assert (fields.enrollment_type, fields.allocation) == ("Anticipated", "Randomized")
    assert fields.masking == "None (Open Label)"
    assert fields.bare_arms == ("arms[1]",)


@pytest.mark.parametrize(
    ("labels", "names", "bare"),
    [
        ([["A", "B"]], [None, None], ()),
        ([["A"]], [None, None], ("arms[1]",)),
        ([[" b"]], [["Drug: X"], None], ()),  # each by one side; case and blanks do not matter
        ([[]], [["Drug: X"], []], ("arms[1]",)),
        ([[]], [None, None], ()),  # the study links nothing: nothing is known
        ([["A", "Bee"]], [None, None], ()),  # an arm of another spelling
    ],
)
def test_an_arm_may_name_its_interventions_or_an_intervention_its_arms(tmp_path: Path, labels, names, bare) -> None:
    study = json.loads(json.dumps(STUDY))
    arms = [{"label": label, "interventionNames": named} for label, named in zip("AB", names, strict=True)]
    interventions = [{"name": "X", "armGroupLabels": named} for named in labels]
    study["protocolSection"]["armsInterventionsModule"] = {"armGroups": arms, "interventions": interventions}
    assert _read(tmp_path, "a.json", json.dumps(study)).registry.bare_arms == bare


def test_table(tmp_path: Path) -> None:
    fields = _read(tmp_path, "a.csv", TABLE).registry
    assert (fields.allocation, fields.masking, fields.bare_arms) == ("RANDOMIZED", "DOUBLE", ())


def test_structured_fields_are_quoted_as_text(tmp_path: Path) -> None:
    record = _read(tmp_path, "a.json", json.dumps(STUDY))
    assert record.raw_text("registry.enrollment") == "40"
    assert record.raw_text("title") == "A Study"
    assert [record.raw_text(name) for name in ("registry.phases", "registry.nothing", "nothing")] == [None] * 3
