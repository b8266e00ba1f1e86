"""The queries on the page of questions return the right rows for a few invented trials.
``trials.jsonl`` contains the trials, and ``answers.jsonl`` the rows for each question.
"""

import re
from pathlib import Path

import duckdb
import pytest

from extractor.apps.export import Destination, export_run, read_registry
from extractor.schemas import (
    Part,
    RegistryFields,
    Section,
    Source,
    TrialExtraction,
    TrialRecord,
)
from tests.commands import read_lines
from tests.tables import read_cases

CASES = read_cases(__file__)

HERE = Path(__file__).parent


def list_queries(page):
    """The queries of a page with the headings above them."""
    text = Path(f"docs/{page}.md").read_text("utf-8")
    for section in re.split(r"^(?=##+ )", text, flags=re.M):
        heading = section.partition("\n")[0].lstrip("# ")
        for block in section.split("```sql\n")[1:]:
            yield heading, block.partition("```")[0]


QUERIES = dict(list_queries("how-to/queries"))
ANSWERS = {
    (answer["page"], answer["question"]): answer["rows"]
    for answer in read_lines(HERE / "answers.jsonl")
}
REGISTRY = {"phases": ("PHASE1", "PHASE2")}
ADULTS = REGISTRY | {
    "healthy_volunteers": "No",
    "minimum_age": "40 Years",
    "sex": "FEMALE",
}


def write_section(name, /, **parts):
    """A section with its parts one behind the other; a list has several parts of one name."""
    text, places = "", []
    for part, values in parts.items():
        for value in values if isinstance(values, list) else [values]:
            end = len(text + value)
            places.append(Part(name=part, start=len(text), end=end))
            text += value
    return Section(name=name, text=text, parts=tuple(places))


def make_record(trial):
    name = trial["extraction"]["record_id"]
    sections = [Section(name="conditions", text=trial.get("conditions", ""))]
    for index, (label, kind) in enumerate(trial.get("arms", ())):
        sections.append(write_section(f"arms[{index}]", label=label, type=kind))
    if "intervention" in trial:
        first, *others = trial["intervention"]
        section = write_section("interventions[0]", name=first, other_names=others)
        sections.append(section)
    is_adult = trial["page"] == "queries" and name == "C"
    return TrialRecord(
        record_id=name,
        source=Source(path="a.json", format="ctgov_json"),
        sections=tuple(sections),
        registry=RegistryFields(**(ADULTS if is_adult else REGISTRY)),
    )


@pytest.fixture(scope="module")
def databases(tmp_path_factory):
    """The databases of the trials by page."""
    opened = {}
    for page in ("queries", "drugs"):
        folder = tmp_path_factory.mktemp(page)
        trials = [
            trial
            for trial in read_lines(HERE / "trials.jsonl")
            if trial["page"] == page
        ]
        lines = [TrialExtraction.model_validate(one["extraction"]) for one in trials]
        text = "".join(f"{line.model_dump_json()}\n" for line in lines)
        (folder / "extractions.jsonl").write_text(text, "utf-8")
        records = map(make_record, trials)
        registry = {record.record_id: read_registry(record) for record in records}
        to = Destination.choose(folder / "t.duckdb", None)
        export_run(folder, to, registry=registry)
        opened[page] = duckdb.connect(str(folder / "t.duckdb"))
    yield opened
    for database in opened.values():
        database.close()


@pytest.mark.parametrize(("page", "question"), ANSWERS)
def test_a_query_gives_the_right_rows(databases, page, question):
    query = QUERIES[question]
    answer = [tuple(row) for row in ANSWERS[page, question]]

    rows = databases[page].execute(query).fetchall()

    if "ORDER BY" not in query or page == "drugs":
        rows, answer = sorted(rows, key=str), sorted(answer, key=str)
    assert rows == answer


def test_every_query_has_an_answer_but_those_for_what_is_missing_which_run(databases):
    missing = "What is missing?"
    assert set(QUERIES) - {missing} == {question for _, question in ANSWERS}
    for question, query in list_queries("how-to/queries"):
        if question == missing:
            databases["queries"].execute(query)


def limit(quantity, comparator, value, unit=None, **parts):
    stated = {"quantity": quantity, "comparator": comparator, "value": value}
    return {**stated, "unit": unit, **parts}


def write(one):
    return f"{one['quantity']} {one['comparator']} {one['value']} {one['unit'] or ''}"


def trial(name, *criteria, **people):
    listed = [
        {"kind": kind, "section": "eligibility", "constraints": limits}
        | {"quote": "; ".join(map(write, limits))}
        for kind, *limits in criteria
    ]
    data = {"record_id": name, "eligibility": {"criteria": listed, **people}}
    return TrialExtraction.model_validate(data)


SORTS = CASES["sorts"]
BOUNDS = [
    ("inclusion", limit("Platelets", ">=", 75_000, "/mm3"), [("platelet_count", 75, True, None, None, "10*9/L")]),
    ("exclusion", limit("Platelets", "<", 75, "x 10^9/L"), [("platelet_count", 75, True, None, None, "10*9/L")]),
    ("inclusion", limit("BMI", "between", 18, "kg/m2", value_high=30), [("bmi", 18, True, 30, True, "kg/m2")]),
    ("exclusion", limit("Heart rate", "between", 60, "bpm", value_high=80), [("heart_rate", 60, False, 80, False, "/min")]),
    ("inclusion", limit("ECOG", "=", 0), [("ecog_performance_status", 0, True, 0, True, "{score}")]),
    ("inclusion", limit("ALT and AST", "<", 3, "x ULN"), [("alt", None, None, 3, False, "{ULN}"), ("ast", None, None, 3, False, "{ULN}")]),
    ("inclusion", limit("Creatinine or creatinine clearance", "<=", 1.5, "mg/dL"), [("serum_creatinine", None, None, 1.5, True, "mg/dL")]),
    ("exclusion", limit("Creatinine", ">", 2, "x ULN"), [("serum_creatinine", None, None, 2, True, "{ULN}")]),
    ("inclusion", limit("Platelets", ">=", 75_000, "/L"), [("platelet_count", 75_000, True, None, None, "/L")]),
    ("inclusion", limit("those", ">=", 2), []),
]  # fmt: skip
HEARTBEAT = limit("Heart rate", "between", 60, "bpm", value_high=80)
HAEMOGLOBIN = [
    limit("Haemoglobin", ">=", 13, "g/dL", condition="for men"),
    limit("Haemoglobin", ">=", 12, "g/dL", condition="for women"),
]
ALT = [
    limit("ALT", "<=", 3, "x ULN"),
    limit("ALT", "<=", 5, "x ULN", condition="with liver metastases"),
]
ASKED = [
    trial(
        "sorts", ("inclusion", *(limit(name, "<", 30, unit) for name, unit, _ in SORTS))
    ),
    *(trial(f"bounds {at}", (kind, one)) for at, (kind, one, _) in enumerate(BOUNDS)),
    trial("ill", ("inclusion", limit("ALT or AST", ">", 2, "x ULN"))),
    trial("floor", ("exclusion", limit("Platelets", "<", 75, "x 10^9/L"))),
    trial("sexes", ("inclusion", *HAEMOGLOBIN)),
    trial("metastases", ("inclusion", *ALT)),
    trial("kidney", ("inclusion", limit("Creatinine clearance", ">", 50, "mL/min"))),
    trial("gap", ("exclusion", HEARTBEAT)),
    trial("old", minimum_age={"value": 60, "unit": "year"}),
]


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    """Returns the rows of a query about one of the trials above."""
    folder = tmp_path_factory.mktemp("asked")
    lines = "".join(f"{one.model_dump_json()}\n" for one in ASKED)
    (folder / "extractions.jsonl").write_text(lines, "utf-8")
    export_run(folder, Destination(folder / "t.duckdb"))
    with duckdb.connect(str(folder / "t.duckdb"), read_only=True) as opened:
        yield lambda query, name: opened.execute(query, [name]).fetchall()


def test_limits_without_a_canonical_name_are_kept(ask):
    query = "SELECT quantity, sort FROM all_limits WHERE record_id = ? ORDER BY constraint_index"
    assert ask(query, "sorts") == [(name, sort) for name, _, sort in SORTS]


@pytest.mark.parametrize("number", range(len(BOUNDS)))
def test_a_limit_has_two_ends(ask, number):
    columns = "quantity, low, low_inclusive, high, high_inclusive, unit"
    query = f"SELECT {columns} FROM bounds WHERE record_id = ? ORDER BY quantity"
    assert ask(query, f"bounds {number}") == BOUNDS[number][2]


def test_a_joint_floor_of_the_ill_is_met_by_either(ask):
    query = "SELECT DISTINCT holds_for FROM bounds WHERE record_id = ?"
    assert ask(query, "ill") == [("some",)]


@pytest.mark.parametrize(
    ("name", "question", "answer"), CASES["a_database_answers_whom_a_trial_admits"]
)
def test_a_database_answers_whom_a_trial_admits(ask, name, question, answer):
    query = f"SELECT admits(record_id, {question}) FROM records WHERE record_id = ?"
    assert ask(query, name) == [(answer,)]
