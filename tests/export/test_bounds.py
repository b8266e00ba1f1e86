"""The table ``bounds`` turns exclusions round and splits joint limits; ``admits`` asks it."""

import duckdb
import pytest

from extractor.apps.export import Destination, export_run, tabulate
from extractor.schemas import TrialExtraction


def limit(quantity, comparator, value, unit=None, **parts):
    return {
        "quantity": quantity,
        "comparator": comparator,
        "value": value,
        "unit": unit,
        **parts,
    }


def trial(name, *criteria, **people):
    listed = [
        {
            "kind": kind,
            "section": "eligibility",
            "quote": "; ".join(
                f"{one['quantity']} {one['comparator']} {one['value']} {one['unit'] or ''}"
                for one in limits
            ),
            "constraints": limits,
        }
        for kind, *limits in criteria
    ]
    return TrialExtraction.model_validate(
        {"record_id": name, "eligibility": {"criteria": listed, **people}}
    )


def list_bounds(*criteria):
    rows = tabulate([trial("A", *criteria)])["bounds"]
    names = ("quantity", "low", "low_inclusive", "high", "high_inclusive", "unit")
    return [tuple(row[name] for name in names) for row in rows]


CASES = {
    "an inclusion": (
        ("inclusion", limit("Platelets", ">=", 75_000, "/mm3")),
        [("platelet_count", 75, True, None, None, "10*9/L")],
    ),
    "an exclusion is turned round": (
        ("exclusion", limit("Platelets", "<", 75, "x 10^9/L")),
        [("platelet_count", 75, True, None, None, "10*9/L")],
    ),
    "a range": (
        ("inclusion", limit("BMI", "between", 18, "kg/m2", value_high=30)),
        [("bmi", 18, True, 30, True, "kg/m2")],
    ),
    "an excluded range": (
        ("exclusion", limit("Heart rate", "between", 60, "bpm", value_high=80)),
        [("heart_rate", 60, False, 80, False, "/min")],
    ),
    "a value": (
        ("inclusion", limit("ECOG", "=", 0)),
        [("ecog_performance_status", 0, True, 0, True, "{score}")],
    ),
    "a joint limit": (
        ("inclusion", limit("ALT and AST", "<", 3, "x ULN")),
        [
            ("alt", None, None, 3, False, "{ULN}"),
            ("ast", None, None, 3, False, "{ULN}"),
        ],
    ),
    "a joint limit whose unit tells which": (
        ("inclusion", limit("Creatinine or creatinine clearance", "<=", 1.5, "mg/dL")),
        [("serum_creatinine", None, None, 1.5, True, "mg/dL")],
    ),
    "no joint limit, though the vocabulary names two parts": (
        ("inclusion", limit("Worst itch NRS", ">=", 4)),
        [("pruritus_nrs", 4, True, None, None, "{score}")],
    ),
    "a multiple has no canonical unit": (
        ("exclusion", limit("Creatinine", ">", 2, "x ULN")),
        [("serum_creatinine", None, None, 2, True, "{ULN}")],
    ),
    "an impossible value has the number and unit of the text": (
        ("inclusion", limit("Platelets", ">=", 75_000, "/L")),
        [("platelet_count", 75_000, True, None, None, "/L")],
    ),
    "what has no name": (("inclusion", limit("those", ">=", 2)), []),
}


@pytest.mark.parametrize(
    ("criterion", "expected"), CASES.values(), ids=list(CASES.keys())
)
def test_a_limit_has_two_ends(criterion, expected):
    assert list_bounds(criterion) == expected


def test_a_joint_floor_of_the_ill_is_met_by_either():
    both = trial(
        "A", ("inclusion", limit("ALT or AST", ">", 2, "x ULN"))
    )  # of patients with hepatitis
    assert {row["holds_for"] for row in tabulate([both])["bounds"]} == {"some"}


def holds_for(*limits, kind="inclusion", quote=None):
    whole = trial("A", (kind, *limits))
    if quote:
        data = whole.model_dump(mode="json")
        data["eligibility"]["criteria"][0]["quote"] = quote
        whole = TrialExtraction.model_validate(data)
    return [row["holds_for"] for row in tabulate([whole])["bounds"]]


def test_one_range_in_two_units_is_a_range_of_all():
    cells = limit("WBC", "between", 3.6, "x 10^3/mm^3", value_high=11)
    litres = limit("WBC", "between", 3.6, "x 10^9/L", value_high=11)
    assert holds_for(cells, litres) == ["all", "all"]
    other = limit("WBC", "between", 20, "x 10^9/L", value_high=30)
    assert holds_for(cells, other) == ["some", "some"]


def test_two_limits_of_a_quantity_joined_by_or_are_alternatives():
    high = limit("BMI", ">", 30, "kg/m2")
    lower = limit("BMI", ">", 27, "kg/m2")
    quote = "BMI > 30 kg/m2, or BMI > 27 kg/m2 and diabetes"
    assert holds_for(high, lower, quote=quote) == ["some", "some"]
    mass = limit("Glucose", ">=", 126, "mg/dL")
    moles = limit("Glucose", ">=", 7, "mmol/L")
    quote = "Glucose >= 126 mg/dL or >= 7 mmol/L"
    assert holds_for(mass, moles, quote=quote) == ["all", "all"]


TRIALS = [
    trial("floor", ("exclusion", limit("Platelets", "<", 75, "x 10^9/L"))),
    trial(
        "sexes",
        (
            "inclusion",
            limit("Haemoglobin", ">=", 13, "g/dL", condition="for men"),
            limit("Haemoglobin", ">=", 12, "g/dL", condition="for women"),
        ),
    ),
    trial(
        "metastases",
        (
            "inclusion",
            limit("ALT", "<=", 3, "x ULN"),
            limit("ALT", "<=", 5, "x ULN", condition="with liver metastases"),
        ),
    ),
    trial("kidney", ("inclusion", limit("Creatinine clearance", ">", 50, "mL/min"))),
    trial("filtration", ("exclusion", limit("eGFR", "<", 30, "mL/min/1.73m2"))),
    trial(
        "gap", ("exclusion", limit("Heart rate", "between", 60, "bpm", value_high=80))
    ),
    trial("old", minimum_age={"value": 60, "unit": "year"}),
]
QUESTIONS = [
    ("floor", "'platelet_count', 75", "admits"),
    ("floor", "'platelet_count', 74.9", "does not admit"),
    ("floor", "'haemoglobin', 10", "states no limit"),
    ("floor", "'platelet_count', 80, unit_of := '{ULN}'", "unclear"),
    ("sexes", "'haemoglobin', 13", "admits"),
    ("sexes", "'haemoglobin', 12.5", "depends"),
    ("sexes", "'haemoglobin', 11", "does not admit"),
    ("metastases", "'alt', 4, unit_of := '{ULN}'", "depends"),
    ("metastases", "'alt', 2, unit_of := '{ULN}'", "admits"),
    ("metastases", "'alt', 60", "unclear"),
    ("kidney", "'kidney_function', 50", "does not admit"),
    ("filtration", "'kidney_function', 30", "admits"),
    ("kidney", "'egfr', 60", "states no limit"),
    ("gap", "'heart_rate', 60", "does not admit"),
    ("gap", "'heart_rate', 59", "admits"),
    ("old", "'age', 59", "does not admit"),
    ("old", "'age', 60", "admits"),
]


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    lines = "".join(f"{extraction.model_dump_json()}\n" for extraction in TRIALS)
    (folder / "extractions.jsonl").write_text(lines, "utf-8")
    export_run(folder, Destination.choose(folder / "t.duckdb", None), ())
    with duckdb.connect(str(folder / "t.duckdb"), read_only=True) as opened:
        yield opened


@pytest.mark.parametrize(("name", "question", "answer"), QUESTIONS)
def test_a_database_answers_whom_a_trial_admits(database, name, question, answer):
    query = f"SELECT admits(record_id, {question}) FROM records WHERE record_id = ?"
    assert database.execute(query, [name]).fetchall() == [(answer,)]
