"""What was registered for a trial and published in its paper differently."""

import csv
import json
from pathlib import Path

import pytest

from extractor import TrialExtraction, diff_published, read_records
from extractor.apps.diff.published import KINDS, PUBLISHED_COLUMNS
from extractor.options import ExtractionOptions
from extractor.pipeline import extract_by_rules
from tests.commands import extract, invoke
from tests.report.test_report import read_records as read_page
from tests.snapshots import check_json
from tests.tables import read_cases

FOLDER = Path("tests/diff/papers")
REGISTERED = FOLDER / "registered.json"
PUBLISHED = FOLDER / "published.xml"
CASES = read_cases(__file__)


LIMIT = ("quantity", "comparator", "value", "unit")


def make_criterion(kind, *limit):
    constraints = [dict(zip(LIMIT, limit, strict=True))]
    words = {"section": "eligibility", "quote": limit[0]}
    return {"kind": kind, "constraints": constraints, **words}


def make_regimen(agent, amount, unit):
    amounts = [{"low": amount, "high": amount, "unit": unit}]
    return {"agent": agent, "section": "arms[0]", "quote": agent, "amounts": amounts}


def make_endpoint(rank, measure, *times):
    points = [{"value": value, "unit": unit} for value, unit in times]
    named = {"rank": rank, "index": 0, "measure": measure}
    return {**named, "time_points": points, "time_kind": "at"}


def make(name, endpoints=(), dosing=(), criteria=(), form="jats_xml", **people):
    """An extraction with outcomes (rank, measure, times), amounts (agent, number, unit) and limits
    (kind, quantity, comparator, value, unit).
    """
    listed = [make_criterion(*criterion) for criterion in criteria]
    return TrialExtraction.model_validate(
        {
            "record_id": name,
            "source": {"path": "a", "format": form},
            "eligibility": {**people, "criteria": listed},
            "dosing": [make_regimen(*regimen) for regimen in dosing],
            "endpoints": [make_endpoint(*endpoint) for endpoint in endpoints],
        }
    )


@pytest.mark.parametrize(("old", "new", "expected"), CASES["discrepancies"])
def test_only_what_both_texts_state_differs(old, new, expected):
    found = diff_published(make("NCT90000001", **old), make("PMC1", **new))
    assert [
        [
            one.kind,
            one.field,
            one.cells["registered_value"],
            one.cells["published_value"],
        ]
        for one in found
    ] == expected


def test_records_are_paired_with_papers_and_each_discrepancy_quotes_both(tmp_path):
    rows = invoke("diff", REGISTERED, PUBLISHED, "--json").stdout.splitlines()
    found = {"rows": [json.loads(row) for row in rows]}
    page = tmp_path / "page.html"
    printed = invoke("diff", REGISTERED, PUBLISHED, "--html", page)
    found["printed"] = printed.output.splitlines()
    found["page"] = read_page(page.read_text("utf-8"))
    check_json(FOLDER / "discrepancies.json", found)
    texts = {}
    for record in read_records(REGISTERED, PUBLISHED):
        texts[record.record_id] = record
    for row in found["rows"]:
        for side, name in (("registered", "record_id"), ("published", "paper_id")):
            if row[f"{side}_quote"]:
                text = texts[row[name]].raw_text(row[f"{side}_section"])
                quoted = text[row[f"{side}_start"] : row[f"{side}_end"]]
                assert quoted == row[f"{side}_quote"]


def test_a_sheet_has_the_rows_and_the_exit_code_says_whether_anything_differs(tmp_path):
    sheet = tmp_path / "found.csv"
    done = invoke("diff", REGISTERED, PUBLISHED, "--to", sheet, "--exit-code")
    assert (done.exit_code, done.stdout) == (1, "")
    with sheet.open(encoding="utf-8", newline="") as file:
        rows = [*csv.DictReader(file)]
    assert tuple(rows[0]) == PUBLISHED_COLUMNS
    assert {row["discrepancy"] for row in rows} <= set(KINDS)


def test_runs_are_compared_as_records_are_and_papers_come_second(tmp_path):
    runs = (extract(path, tmp_path / path.stem) for path in (REGISTERED, PUBLISHED))
    by_rules = invoke("diff", REGISTERED, PUBLISHED, "--json").stdout
    assert invoke("diff", *runs, "--json").stdout == by_rules
    done = invoke("diff", PUBLISHED, REGISTERED)
    assert (done.exit_code, "the papers come first" in done.stderr) == (2, True)
    assert "no change" in invoke("diff", PUBLISHED, PUBLISHED).stderr


TEXT = "Fictumab in chronic gout.\n\nPrimary outcome: Serum urate at week 24\n{}"


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("Trial registration: NCT99300031", None),
        ("As in NCT99300031.", "does not say that it is its own"),
        ("As in NCT99300031 and NCT99300099.", "states several trial numbers"),
        ("", "does not state the number"),
        ("Trial registration: NCT99300099", "papers without a registered record"),
    ],
)
def test_a_text_is_a_paper_if_said_so_and_a_doubtful_pair_is_told(tmp_path, end, said):
    studies = json.loads(REGISTERED.read_text("utf-8"))
    alone = tmp_path / "one.json"
    alone.write_text(json.dumps(studies[0]), "utf-8")
    paper = tmp_path / "paper.txt"
    paper.write_text(TEXT.format(end), "utf-8")
    done = invoke("diff", alone, paper, "--published")
    assert done.exit_code == 0
    if said:
        assert said in done.stderr
    else:
        assert "doubtful" not in done.stderr
        assert "1 paper compared: " in done.stderr
    # without it, the text is a draft of the record
    assert "1 trial compared" in invoke("diff", alone, paper).stderr


def test_registered_ages_are_compared_if_the_text_states_none():
    [registered, *_] = read_records(REGISTERED)
    paper = make("PMC1", minimum_age={"value": 16, "unit": "year"})
    extraction = extract_by_rules(registered, ExtractionOptions())
    extraction = extraction.model_copy(
        update={
            "eligibility": extraction.eligibility.model_copy(
                update={"minimum_age": None}
            )
        }
    )
    found = diff_published(extraction, paper, registered_record=registered)
    [age] = [one for one in found if one.field == "eligibility.minimum_age"]
    assert (age.old.text, age.old.section) == ("18 Years", "registry.minimum_age")
