"""What a criterion means for a patient."""

import json
from datetime import date
from pathlib import Path

import pytest

from extractor import Extractor
from extractor.apps.match import read_patients, write_form
from tests.commands import invoke
from tests.tables import read_cases

CASES = read_cases(__file__)


@pytest.mark.parametrize(
    ("kind", "line", "patient", "verdict"), CASES["a_criterion_is_judged"]
)
def test_a_criterion_is_judged(kind, line, patient, verdict):
    text = f"{kind.capitalize()} Criteria:\n\n* {line}"
    trial = Extractor().extract_text(text, record_id="A")

    match = trial.match(patient)

    judged = [one for one in match.criteria if one["index"] is not None]
    assert judged[-1]["verdict"] == verdict, judged[-1]["why"]


@pytest.mark.parametrize(("kind", "line", "patient", "asked"), CASES["what_is_asked"])
def test_what_is_asked(kind, line, patient, asked):
    text = f"{kind.capitalize()} Criteria:\n\n* {line}"
    trial = Extractor().extract_text(text, record_id="A")

    assert list(trial.match(patient).ask) == asked


@pytest.mark.parametrize(
    ("text", "patient", "answer", "verdicts"), CASES["a_list_is_judged"]
)
def test_a_list_is_judged(text, patient, answer, verdicts):
    trial = Extractor().extract_text(text, record_id="A")

    match = trial.match(patient)

    assert match.answer == answer
    assert [
        one["verdict"] for one in match.criteria if one["index"] is not None
    ] == verdicts


@pytest.mark.parametrize(("patient", "told"), CASES["what_is_not_used_is_told"])
def test_what_is_not_used_is_told(patient, told):
    trial = Extractor().extract_text("Inclusion criteria:\n- ECOG 0-1", record_id="A")

    match = trial.match(patient)

    assert match.unused == (told,)
    assert match.answer != "excluded"


def test_a_line_with_many_examples_is_judged():
    examples = ", ".join(f"severe disease{n}" for n in range(60))
    line = f"Asthma or other diseases such as {examples}"
    trial = Extractor().extract_text(f"Exclusion Criteria:\n\n* {line}")

    match = trial.match({"absent": ["severe disease1"]})

    # an example that is absent says nothing of the others
    assert match.criteria[0]["verdict"] != "met"


def test_an_unknown_field_is_an_error():
    trial = Extractor().extract_text("Inclusion criteria:\n- ECOG 0-1", record_id="A")

    with pytest.raises(ValueError, match="height"):
        trial.match({"height": 3})


def test_a_bundle_of_fhir_is_a_patient():
    done = invoke("match", "seeds/gold", "--patient", "tests/match/bundle.json")
    [patient] = read_patients(Path("tests/match/bundle.json")).patients

    assert done.exit_code == 0
    assert "p1" in done.stdout
    stated = patient.model_dump(exclude_defaults=True)
    assert stated == {
        "id": "p1",
        "sex": "female",
        "birth_date": date(1956, 3, 2),
        "on": date(2026, 5, 31),
        "values": {
            "haemoglobin": "9.1 g/dL",
            "ALT": "120 U/L",
            "ECOG": 1,
            "systolic blood pressure": "132 mmHg",
            "diastolic blood pressure": "84 mmHg",
            "No known food allergies": "not compared: is no confirmed, active allergy",
            "breast cancer (mother)": (
                "not compared: is about a relative, not the patient"
            ),
        },
        "upper_limits": {"ALT": "40 U/L"},
        "drugs": ("metformin", "warfarin"),
        "had": ("aspirin",),
        "conditions": ("Breast cancer", "254837009", "penicillin allergy"),
        "absent": ("HIV infection",),
        "since": {"surgery": "2026-05-10"},
    }


@pytest.mark.parametrize(
    ("name", "text", "patients", "faults"),
    CASES["a_fault_of_one_patient_stops_no_other"],
)
def test_a_fault_of_one_patient_stops_no_other(name, text, patients, faults, tmp_path):
    path = tmp_path / name
    path.write_text(text, "utf-8")

    read = read_patients(path, {"MRN": "id", "gender": "sex"})

    shown = [
        one.model_dump(mode="json", exclude_defaults=True) for one in read.patients
    ]
    assert shown == patients
    shown_faults = [fault.removeprefix(f"{path}")[2:] for fault in read.faults]
    assert shown_faults == faults


def test_a_form_that_is_filled_in_is_a_patient(tmp_path):
    text = """Inclusion criteria:\n- Women aged 18 to 75 years\n- ECOG 0-1\n- Asthma
    Exclusion criteria:\n- HIV infection\n- History of epilepsy"""
    form = tmp_path / "form.csv"
    trial = Extractor().extract_text(text, record_id="A")
    head, *lines = write_form([trial]).splitlines()
    answers = {"age": "61", "sex": "F", "has": "no", "had": "yes"}
    filled = [line + answers.get(line.split(",")[0], "") for line in lines]
    form.write_text("\n".join([head, *filled]), "utf-8")

    [patient] = read_patients(form).patients

    assert patient.model_dump(exclude_defaults=True) == {
        "age": "61",
        "sex": "female",
        "had": ("epilepsy",),
        "absent": ("asthma", "HIV"),
    }


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("deep.json", "[" * 100_000, "JSON that is nested too deeply"),
        (
            "deep.jsonl",
            '{"id": "a"}\n' + "[" * 100_000,
            "line 2: JSON that is nested too deeply",
        ),
        ("deep.yaml", "[" * 10_000, "not YAML (maximum recursion depth exceeded"),
        ("alias.yaml", "a: &a {b: c}\nd: *a", "YAML with aliases"),
        ("broken.yaml", "id: a\nage: [", "not YAML (while parsing a flow node"),
    ],
)
def test_a_file_of_patients_that_cannot_be_read_is_one_line(
    name, text, problem, tmp_path
):
    (tmp_path / name).write_text(text)

    done = invoke("match", "seeds/gold", "--patient", tmp_path / name)

    (line,) = done.stderr.splitlines()
    assert done.exit_code == 2
    assert f"{name}: cannot be read: {problem}" in line


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("empty.csv", "", "is empty; write a patient with id, age, sex and so on"),
        ("empty.json", " \n", "is empty; write a patient"),
        ("head.csv", "id,age\n", "has no patient; write one below the columns"),
        ("list.json", "[]", "has no patient; write one below the columns"),
        (
            "rows.csv",
            "1,70,F\n2,60,M\n",
            "the first row has a number; name the columns",
        ),
        ("cut.jsonl", '{"id": 1}\n{"id": 2', "cannot be read: line 2: not JSON"),
        (
            "one.json",
            '{"resourceType": "Patient", "id": "x"}',
            "a Patient of FHIR; put all resources of the patient into a Bundle",
        ),
        (
            "none.json",
            '{"resourceType": "Bundle", "entry": []}',
            "the Bundle has no Patient; add the resource of the patient",
        ),
    ],
)
def test_a_file_without_patients_names_the_place_and_the_remedy(
    name, text, told, tmp_path
):
    (tmp_path / name).write_text(text)

    done = invoke("match", "seeds/gold", "--patient", tmp_path / name)

    (line,) = done.stderr.splitlines()
    assert done.exit_code == 2
    assert f"{name}: {told}" in line


def test_a_file_that_is_missing_is_told_without_a_number():
    done = invoke("match", "seeds/gold", "--patient", "nowhere.csv")

    assert done.exit_code == 2
    assert "nowhere.csv: cannot be read: No such file" in done.stderr
    assert "Errno" not in done.stderr


def test_what_is_about_a_relative_is_told_so(tmp_path):
    subject = {"reference": "Patient/p"}
    mother = [{"text": "mother"}]
    resources = [
        {"resourceType": "Patient", "id": "p", "gender": "female"},
        {
            "resourceType": "FamilyMemberHistory",
            "status": "completed",
            "patient": subject,
            "relationship": {"text": "mother"},
            "condition": [{"code": {"text": "gout"}}],
        },
        {"resourceType": "RelatedPerson", "patient": subject, "relationship": mother},
        {
            "resourceType": "Condition",
            "id": "c",
            "subject": {"reference": "Patient/other"},
            "code": {"text": "asthma"},
        },
    ]
    entries = [{"resource": resource} for resource in resources]
    path = tmp_path / "bundle.json"
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    path.write_text(json.dumps(bundle))
    trial = Extractor().extract_text("Exclusion criteria:\n- Gout\n- Asthma")

    [patient] = read_patients(path).patients
    match = trial.match(patient)

    assert match.unused == (
        "gout (mother): is about a relative, not the patient",
        "RelatedPerson (mother): is about a relative, not the patient",
        "Condition c: is not about a patient of the Bundle",
    )
    assert {one["verdict"] for one in match.criteria} == {"not_stated"}
