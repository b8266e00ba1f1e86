"""The queries on the page of questions return the right rows for a few invented trials.
``trials.jsonl`` contains the trials with their records, and ``answers.jsonl`` the rows for each
question. The views are asked about the trials in ``test_queries.json``.
"""

import re
from pathlib import Path

import duckdb
import pytest

from extractor import Extractor
from extractor.apps.export import Destination, export_run, read_registry
from extractor.run.joined import JoinedRuns
from extractor.schemas import TrialExtraction, TrialRecord
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


def write_database(folder, extractions, records=()):
    lines = [TrialExtraction.model_validate(one) for one in extractions]
    text = "".join(f"{line.model_dump_json()}\n" for line in lines)
    (folder / "extractions.jsonl").write_text(text, "utf-8")
    known = map(TrialRecord.model_validate, records)
    registry = {record.record_id: read_registry(record) for record in known}
    export_run(
        JoinedRuns([folder]), Destination(folder / "t.duckdb"), registry=registry
    )
    return duckdb.connect(str(folder / "t.duckdb"), read_only=True)


@pytest.fixture(scope="module")
def databases(tmp_path_factory):
    """The databases of the trials by page."""
    opened = {}
    trials = read_lines(HERE / "trials.jsonl")
    for page in ("queries", "drugs"):
        of_page = [trial for trial in trials if trial["page"] == page]
        parts = (
            [trial[part] for trial in of_page] for part in ("extraction", "record")
        )
        opened[page] = write_database(tmp_path_factory.mktemp(page), *parts)
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


def test_a_look_back_has_a_drug_or_says_why_not(databases):
    sql = "SELECT drug IS NULL, no_drug, category FROM look_backs"
    rows = [
        row for page in databases for row in databases[page].execute(sql).fetchall()
    ]
    assert all(lacks is (why is not None) for lacks, why, _ in rows)
    assert {why for *_, why, _ in rows} == {
        None,
        "the window does not name it; see words",
        "the category of the criterion is not a therapy",
        "the words mention drugs, but the category of the criterion is not a therapy",
    }


def test_a_look_back_does_not_lie_ahead(tmp_path):
    lines = """
    Aspirin within 7 days before planned surgery
    Planned kidney transplant within 6 months
    Hip replacement scheduled within 3 months
    Radiotherapy within the next 8 weeks
    Stroke within the past 5 years
    """
    trial = Extractor().extract_text(
        "Exclusion criteria:" + lines.replace("    ", "- ").rstrip(" -"), record_id="A"
    )

    with write_database(tmp_path, [trial.model_dump(mode="json")]) as opened:
        rows = opened.execute("SELECT words FROM look_backs ORDER BY days").fetchall()

    assert rows == [
        ("Aspirin within 7 days before planned surgery",),
        ("Stroke within the past 5 years",),
    ]


def test_every_query_has_an_answer_but_those_for_what_is_missing_which_run(databases):
    missing = "What is missing?"
    assert set(QUERIES) - {missing} == {question for _, question in ANSWERS}
    for question, query in list_queries("how-to/queries"):
        if question == missing:
            databases["queries"].execute(query)


PARTS = ("quantity", "comparator", "value", "unit", "value_high", "condition")


def make_trial(name, criteria, people):
    """A trial; each criterion is its list and the parts of its limits."""
    listed = []
    for kind, *limits in criteria:
        quote = "; ".join(" ".join(map(str, limit[:4])) for limit in limits)
        constraints = [dict(zip(PARTS, limit, strict=False)) for limit in limits]
        place = {"kind": kind, "section": "eligibility", "quote": quote}
        listed.append(place | {"constraints": constraints})
    return {"record_id": name, "eligibility": {"criteria": listed, **people}}


SORTS = CASES["sorts"]
BOUNDS = CASES["bounds"]


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    """Returns the rows of a query about one of the trials."""
    limits = ([name, "<", 30, unit] for name, unit, _ in SORTS)
    trials = [make_trial("sorts", [["inclusion", *limits]], {})]
    for number, (kind, limit, _) in enumerate(BOUNDS):
        trials.append(make_trial(f"bounds {number}", [[kind, limit]], {}))
    trials += [make_trial(*trial) for trial in CASES["trials"]]
    with write_database(tmp_path_factory.mktemp("asked"), trials) as opened:
        yield lambda query, name: opened.execute(query, [name]).fetchall()


def test_limits_without_a_canonical_name_are_kept(ask):
    query = "SELECT quantity, sort FROM all_limits WHERE record_id = ? ORDER BY constraint_index"
    assert ask(query, "sorts") == [(name, sort) for name, _, sort in SORTS]


@pytest.mark.parametrize("number", range(len(BOUNDS)))
def test_a_limit_has_two_ends(ask, number):
    columns = "quantity, low, low_inclusive, high, high_inclusive, unit"
    query = f"SELECT {columns} FROM bounds WHERE record_id = ? ORDER BY quantity"
    assert ask(query, f"bounds {number}") == [*map(tuple, BOUNDS[number][2])]


def test_a_joint_floor_of_the_ill_is_met_by_either(ask):
    query = "SELECT DISTINCT holds_for FROM bounds WHERE record_id = ?"
    assert ask(query, "ill") == [("some",)]
