"""The order of a patient's trials, and which of them are for the patient's conditions."""

import csv
import io
import json

import pytest

from extractor import Extractor
from extractor.apps.export.registered import Registered
from extractor.apps.match import list_cells, match_trials, sort_matches
from extractor.face import Patient
from tests.commands import invoke


def _match(conditions, patient, text="Inclusion criteria:\n- ECOG 0-1"):
    """Return the match of a patient with a trial that is registered for some conditions."""
    trial = Extractor().extract_text(text, record_id="A")
    registry = {"A": Registered({"conditions": conditions})}
    [match] = match_trials([trial], [Patient(**patient)], registry=registry)
    return match


@pytest.mark.parametrize(
    ("registered", "stated", "shared"),
    [
        ("Asthma", "asthma", ("Asthma",)),
        ("Severe Asthma|Obesity", "asthma", ("Severe Asthma",)),
        ("Asthma", "severe asthma", ("Asthma",)),
        ("Diabetes Mellitus, Type 2", "T2DM", ("Diabetes Mellitus, Type 2",)),
        ("Breast Neoplasms", "breast cancer", ("Breast Neoplasms",)),
        ("Breast Cancer Stage IV", "breast cancer", ("Breast Cancer Stage IV",)),
        ("Chronic Obstructive Pulmonary Disease (COPD)", "COPD", None),
        ("Advanced Solid Tumors", "breast cancer", ("Advanced Solid Tumors",)),
        ("Diabetes", "type 1 diabetes", ("Diabetes",)),
        # near misses
        ("Pulmonary Hypertension", "hypertension", ()),
        ("Lung Cancer", "breast cancer", ()),
        ("Heat Stroke", "stroke", ()),
        ("Disease", "asthma", ()),
        ("", "asthma", ()),
    ],
)
def test_a_registered_condition_is_compared_with_those_of_the_patient(
    registered, stated, shared
):
    match = _match(registered, {"conditions": [stated]})

    if shared is None:
        shared = (registered,)
    assert match.conditions == shared


@pytest.mark.parametrize(
    "patient",
    [{"absent": ["asthma"]}, {"had": ["asthma"]}, {"drugs": ["aspirin"]}, {}],
)
def test_what_is_no_condition_of_the_patient_is_not_shared(patient):
    assert _match("Asthma|Aspirin", patient).conditions == ()


def test_trials_for_the_condition_come_first_among_those_of_which_nothing_is_met():
    text = "Inclusion criteria:\n- Age 18 to 80 years\n- ECOG 0-1"
    excluding = "Inclusion criteria:\n- Age under 40 years"
    trials = [
        Extractor().extract_text(excluding, record_id="D"),
        Extractor().extract_text(text, record_id="A"),
        Extractor().extract_text(text, record_id="B"),
        Extractor().extract_text(
            text + "\nExclusion criteria:\n- Stroke", record_id="C"
        ),
    ]
    registry = {
        "B": Registered({"conditions": "Asthma"}),
        "D": Registered({"conditions": "Asthma"}),
        "A": Registered({"conditions": "Gout"}),
    }
    patient = Patient(age=60, conditions=["asthma"], absent=["stroke"])

    found = sort_matches(match_trials(trials, [patient], registry=registry))

    # a stroke that is absent is met; an age is, of most trials
    assert [match.record_id for match in found] == ["C", "B", "A", "D"]


def test_trials_for_other_conditions_are_left_out_on_demand(tmp_path):
    Extractor().run("tests/records", out=tmp_path / "run")
    asked = ("match", tmp_path / "run", "--condition", "asthma")

    table = invoke(*asked, "--only-conditions").stdout
    lines = invoke(*asked, "--only-conditions", "--json").stdout.splitlines()
    total = len(invoke(*asked).stdout.splitlines())

    rows = list(csv.DictReader(io.StringIO(table), delimiter="\t"))
    assert [row["conditions"] for row in rows] == ["Asthma", "Asthma"]
    assert [row["record_id"] for row in rows] == ["NCT90000012", "NCT90000003"]
    assert [json.loads(line)["record_id"] for line in lines] == [
        row["record_id"] for row in rows
    ]
    assert len(rows) < total - 1
    left_out = total - 1 - len(rows)
    assert f"left out: {left_out} pairs" in invoke(*asked, "--only-conditions").stderr


@pytest.mark.parametrize(
    ("registered", "stated", "is_kept"),
    [
        ("Breast Cancer", "HER2+ breast cancer", True),
        ("Breast Cancer", "HER2-positive breast cancer", True),
        ("Heart Failure", "congestive heart failure NYHA III", True),
        ("Epilepsy", "focal epilepsy", True),
        ("Breast Cancer", "lung cancer", False),
        ("Epilepsy", "gout", False),
    ],
)
def test_no_trial_is_left_out_by_a_word_more(registered, stated, is_kept):
    trial = Extractor().extract_text("Inclusion criteria:\n- ECOG 0-1", record_id="A")
    registry = {"A": Registered({"conditions": registered})}
    patient = Patient(conditions=[stated])

    found = match_trials([trial], [patient], registry=registry, only_conditions=True)

    assert bool(list(found)) is is_kept


def test_who_states_no_condition_is_told():
    done = invoke("match", "seeds/gold", "--drug", "aspirin", "--only-conditions")

    assert "patient: no condition is stated, so all trials are compared" in done.stderr
    assert len(done.stdout.splitlines()) > 1


def test_a_cell_has_three_questions_of_120_characters():
    lines = "\n".join(
        f"- Treated at hospital number {n}, " + "x" * 200 for n in range(9)
    )
    text = f"Exclusion criteria:\n- Asthma\n- Gout\n- Stroke\n- Epilepsy\n{lines}"
    match = _match("", {"age": 40}, text)

    questions = str(list_cells(match)[5]).split("|")

    assert len(questions) == 3
    assert all(len(question) <= 120 for question in match.ask)


def test_a_table_and_json_exclude_each_other(tmp_path):
    done = invoke(
        "match", "seeds/gold", "--age", 7, "--json", "--to", tmp_path / "m.csv"
    )

    assert done.exit_code == 2
    assert "--to writes a table, and --json prints lines: choose one" in done.stderr


def test_results_leave_out_trials_for_other_conditions(tmp_path):
    results = Extractor().run("tests/records", out=tmp_path / "run")

    rows = results.match([{"conditions": ["asthma"]}], only_conditions=True)

    assert set(rows["conditions"].dropna()) == {"Asthma"}
    assert len(rows) < len(results.match([{"conditions": ["asthma"]}]))
