"""The table of confidences is fitted from the committed rows, and names what the readers name."""

import ast
import tomllib
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

import extractor
from benchmarks.confidence.__main__ import hold_out
from benchmarks.confidence.curves import Stated, fit_curve
from benchmarks.confidence.fitting import fit
from benchmarks.confidence.rows import make_row, read_rows, write_rows
from benchmarks.confidence.tables import (
    fit_table,
    list_contrary,
    list_sections,
    read_file,
    weigh_row,
)
from benchmarks.confidence.writing import format_table
from benchmarks.matching import judge_record
from extractor import Extractor, read_records
from extractor.concepts.parse import parse_record
from extractor.confidence.table import FILE
from extractor.confidence.weighing import follow
from extractor.schemas import TrialExtraction
from tests.trust import trial

PACKAGE = Path(extractor.__file__).parent
RULES = Extractor(effort="none")
SHARED = Path(__file__).parents[3] / "shared" / "data" / "records"
FIELD = "criteria.time_windows"
CRITERION = {"kind": "inclusion", "section": "eligibility"}
AGE = CRITERION | {"quote": "Age 18 to 65 years", "category": "age"}
PLATELETS = CRITERION | {"quote": "Platelets >= 50 x 10^9/L", "category": "infection"}


def make_rows(features, right, wrong, source="gold"):
    rows = Counter()
    for at in range(right + wrong):
        row = make_row(
            f"eligibility.{FIELD}", source, f"{at}", features, right=at < right
        )
        rows[row] += 1
    return rows


@pytest.fixture(scope="module")
def rows():
    return read_rows()


@pytest.mark.parametrize(
    "name",
    [
        name
        for section in list_sections(read_file())
        for name, numbers in section["fields"].items()
        if "level" in numbers
    ],
)
def test_the_same_rows_give_the_numbers_of_the_table(rows, name):
    table = read_file()
    assert fit_table(rows, table, [name]) == table


def test_a_new_feature_of_a_frozen_field_counts_its_prior(rows):
    name = "criteria.time_windows.of"
    table = read_file()
    table["names"]["features"]["new"] = {"means": "a new doubt", "prior": -1.5}
    fitted = fit_table(rows, table, [name])
    assert fitted["names"]["features"]["new"]["weight"] == {"of": -1.5}
    del fitted["names"]["features"]["new"], table["names"]["features"]["new"]
    assert fitted == table


def test_a_fit_finds_what_speaks_against_a_value():
    rows = make_rows((), 380, 20) + make_rows(("far",), 60, 60)
    found = fit(rows, "arms", {}, is_scored=False)
    assert found.weights["far"] < -1
    assert 2 < found.level < 4

    # other labels are more often wrong, and say nothing of the level
    more = rows + make_rows((), 100, 100, source="Chia")
    level = fit(more, "arms", {}, is_scored=False).level
    assert level == pytest.approx(found.level, abs=0.1)


def test_a_source_is_judged_by_a_fit_without_it():
    table = read_file()
    feature = "neither within nor past"
    rows = make_rows((), 300, 10) + make_rows((feature,), 0, 200, source="odd")
    claims = {
        part: fitted
        for part, row, _, fitted, _ in hold_out(rows, table, [FIELD])
        if row.features
    }
    known = weigh_row(
        next(row for row in rows if row.features), fit_table(rows, table, [FIELD])
    )
    assert known < claims["odd"] - 0.05


def test_a_weight_that_contradicts_its_prior_is_listed():
    table = read_file()
    table["windows"]["features"]["apart"]["weight"] = 0.5
    found = {(one.field, one.feature): one for one in list_contrary(table)}
    assert found[FIELD, "apart"].expected == -3.0
    # a doubt without a prior, which comes with "a doubtful dose"
    doubt = found["amounts", "of what takes no dose"]
    assert doubt.expected is None
    assert doubt.together < 0 < doubt.weight


def test_a_table_is_written_in_one_form():
    assert format_table(read_file()) == Path(str(FILE)).read_text("utf-8")


def test_a_curve_gives_the_share_that_was_right():
    values = [
        Stated(claim, number % 10 >= wrong, f"{number}")
        for number in range(400)
        for claim, wrong in ((0.7, 4), (0.99, 1))
    ]
    curve = fit_curve(values, "concept")
    found = [follow(curve, claim) for claim in (0.7, 0.99)]
    assert found == pytest.approx([0.6, 0.9], abs=0.01)


def test_rows_are_read_as_they_were_written(tmp_path):
    rows = make_rows(("a range",), 2, 1)
    write_rows(tmp_path / "today.jsonl.gz", rows.elements())
    assert read_rows([tmp_path / "today.jsonl.gz"]) == rows


def list_literals():
    """Return the strings in the Python and TOML files of the package, without the table."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    for path in PACKAGE.rglob("*.toml"):
        if path.name != "table.toml":
            found |= {*list_strings(tomllib.loads(path.read_text("utf-8")))}
    return found


def list_strings(value):
    if isinstance(value, str):
        yield value
    if isinstance(value, dict):
        yield from value
        value = value.values()
    if not isinstance(value, str) and hasattr(value, "__iter__"):
        for each in value:
            yield from list_strings(each)


def test_each_feature_is_a_literal_in_the_package():
    table = read_file()
    del table["doses"]  # their names are composed
    names = {name for section in list_sections(table) for name in section["features"]}
    assert len(names) > 200
    assert names <= list_literals()


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.exists(), reason="needs the shared records")
def test_the_table_has_each_feature_that_records_give():
    records = read_records(SHARED / "all_areas.jsonl.gz", on_error=lambda _: None)
    # an unknown feature is an error
    parsed = [parse_record(record) for record in islice(records, 100)]
    assert len(parsed) == 100
    assert any(criterion.rules["kind"].features for criterion in parsed[0].criteria)


def judge(criteria, eligibility, **parts):
    """Return the verdicts by field on the readings of a text."""
    people = {"minimum_age": {"value": 18, "unit": "year"}, "criteria": criteria}
    known = {"record_id": "T1", "eligibility": people} | parts
    record = trial(
        eligibility=eligibility,
        **{
            "interventions[0]": "DRUG: Examplumab 300 mg subcutaneously every 4 weeks",
            "primary_outcomes[0]": "Overall survival, 2 years",
        },
    )
    gold = TrialExtraction.model_validate(known)
    rights = {}
    for judged in judge_record(parse_record(record), gold):
        rights.setdefault(judged.field, []).append(judged.right)
    return rights


def test_readings_are_paired_with_gold():
    regimen = {
        "agent": "Examplumab",
        "section": "interventions[0]",
        "quote": "300 mg subcutaneously every 4 weeks",
        "route": "subcutaneous",
        "frequency": "Q2W",
    }
    outcome = {"rank": "primary", "index": 0, "measure": "Overall survival"}
    text = (
        f"Inclusion Criteria:\n\n* {AGE['quote']}\n* {PLATELETS['quote']}\n\n"
        "Exclusion Criteria:\n\n* Pregnant women"
    )

    rights = judge(
        [AGE, PLATELETS],
        text,
        dosing=[regimen],
        endpoints=[outcome | {"time_frame": "2 years"}],
    )

    assert rights["eligibility.minimum_age"] == [True]
    assert rights["eligibility.maximum_age"] == [False]
    assert sorted(rights["eligibility.criteria.stands"]) == [False, True, True]
    assert rights["eligibility.criteria.category"] == [True, False]
    assert rights["dosing.stands"] == rights["dosing.route"] == [True]
    assert rights["dosing.frequency"] == [False]
    assert "eligibility.criteria.negated" not in rights  # gold does not state it
    assert rights["endpoints.measure"] == rights["endpoints.time_frame"] == [True]


def read_confidences(text: str, field: str) -> list[float]:
    """Return the confidence of each piece of evidence of a field."""
    extraction = RULES.extract_text(f"Inclusion Criteria:\n\n* {text}")
    return [
        piece.confidence
        for criterion in extraction.eligibility.criteria
        for piece in criterion.evidence
        if piece.field.startswith(field)
    ]


@pytest.mark.parametrize(
    "hard",
    [
        "zorp index of at least 3",
        "zorp index of three or more of the seven items above 3",
    ],
)
def test_a_hard_limit_does_not_lower_its_easy_neighbour(hard):
    text = f"Platelets >= 100 x 10^9/L and {hard}"
    easy, *others = read_confidences(text, "constraints")
    assert max(others) < easy
    assert easy >= 0.8


@pytest.mark.parametrize(
    "doubtful",
    [
        "Total hip replacement performed between 2014 and 2019",
        "Kidney graft from a deceased donor older than 70 years",
    ],
)
def test_a_limit_whose_words_are_doubtful_is_not_sure(doubtful):
    assert max(read_confidences(doubtful, "constraints"), default=0) < 0.85


def test_what_opens_its_clause_is_surer_than_what_stands_in_a_long_list():
    (short,) = read_confidences(
        "No surgery within 4 weeks before enrolment", "time_windows[0].of"
    )
    (long,) = read_confidences(
        "No evidence of a change of treatment with drugs for any other disease of the "
        "heart, lungs and kidneys in the hospital within 4 weeks before enrolment",
        "time_windows[0].of",
    )
    assert long < 0.85 <= short
