"""Rows of findings: which are contradictions, what two runs share, and what stands in the cells."""

import re
from pathlib import Path

import pytest

from extractor.apps.report.record import RunRecord
from extractor.apps.sheets import doubts
from extractor.apps.sheets.findings import COLUMNS, compare_findings, list_findings
from extractor.run.finished import TextState
from extractor.schemas import (
    Citation,
    Finding,
    FindingKind,
    Section,
    Source,
    TrialExtraction,
    TrialRecord,
)
from extractor.schemas.vocabulary import CONTRADICTIONS

ROOT = Path(__file__).parents[2]


def test_contradictions_are_the_kinds_that_the_audit_reports():
    reported = set()
    for module in (ROOT / "extractor/audit").glob("*.py"):
        reported.update(re.findall(r"FindingKind\.(\w+)", module.read_text("utf-8")))

    assert {FindingKind[name] for name in reported} == CONTRADICTIONS


def test_contradictions_stand_under_their_heading_on_the_page():
    page = (ROOT / "docs/reference/findings.md").read_text("utf-8")
    chapter = page.split("## The record contradicts itself")[1].split("\n## ")[0]

    assert set(re.findall(r"^\| `(\w+)` \|", chapter, re.M)) == CONTRADICTIONS


def finding(kind, message, *quotes, section="eligibility", sections=()):
    citations = [
        Citation(section=section, start=0, end=len(quote), quote=quote)
        for quote in quotes
    ]
    return Finding(
        kind=kind,
        severity="warning",
        field="",
        message=message,
        citations=tuple(citations),
        sections=sections,
    )


AGE = finding("age_differs", "the text says 65 years, the registry 75", "65", "75")
AGE_NOW = finding("age_differs", "the text says 60 years, the registry 75", "60", "75")
TIMES = finding("time_points_differ", "secondary outcome 2 differs", "day 1", "day 2")
TIMES_MOVED = finding(
    "time_points_differ", "secondary outcome 3 differs", "day\n 1", "day 2"
)
SPONSOR = finding("arm_count_differs", "the text has 2 arms")
SPONSOR_NOW = finding("arm_count_differs", "the text has 3 arms")


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ((), (), []),
        ((), (AGE,), [("new", 0)]),
        ((AGE,), (), [("gone", 0)]),
        ((AGE, TIMES), (TIMES, AGE), [("kept", 0), ("kept", 1)]),
        ((AGE,), (AGE_NOW,), [("new", 0), ("gone", 0)]),
        ((TIMES,), (TIMES_MOVED,), [("kept", 0)]),
        ((TIMES,), (TIMES, TIMES_MOVED), [("kept", 0), ("new", 1)]),
        ((TIMES,), (TIMES_MOVED, TIMES), [("new", 0), ("kept", 1)]),
        ((SPONSOR,), (SPONSOR_NOW,), [("new", 0), ("gone", 0)]),
        ((AGE, AGE), (AGE,), [("kept", 0), ("gone", 1)]),
    ],
    ids=[
        "nothing",
        "a new one",
        "one is gone",
        "in another order",
        "another number in message and quote",
        "an outcome more: the same quotes in other lines",
        "the same message goes before the same quotes",
        "the same message goes before the same quotes, whatever the order",
        "without quotes, the message decides",
        "one of two equal ones",
    ],
)
def test_the_findings_of_two_versions_are_paired(old, new, changes):
    compared = compare_findings(old, new)

    assert [(change.value, place) for change, place, _ in compared] == changes


def test_a_row_has_both_sides_in_the_words_of_the_report():
    extraction = TrialExtraction(
        record_id="my trial/1",
        eligibility={},
        findings=[
            finding(
                "time_points_differ",
                "they differ",
                "day \\> 1",
                "day\n2",
                "day 3",
                section="secondary_outcomes[2]",
                sections=("registry.maximum_age", "brief_summary"),
            )
        ],
    )
    record = TrialRecord(
        record_id="my trial/1",
        source=Source(path="a.txt", format="text"),
        sections=[Section(name="title", text="A\n Trial")],
    )

    (row,) = list_findings(RunRecord(extraction, record, TextState.SAME))

    assert row._asdict() == {
        "record_id": "my trial/1",
        "title": "A Trial",
        "change": None,
        "contradiction": True,
        "kind": "time_points_differ",
        "severity": "warning",
        "message": "they differ",
        "first_quote": "day > 1",
        "first_place": "Secondary outcome 3",
        "other_quotes": "day 2 | day 3",
        "other_places": "Secondary outcome 3 | Secondary outcome 3",
        "searched": "Registry: maximum age | Brief summary",
        "address": "report.html#my%20trial%2F1/findings[0]",
    }
    assert list(row._asdict()) == [column.name for column in COLUMNS]


@pytest.mark.parametrize(
    ("chapter", "columns"), [("Findings", COLUMNS), ("Doubts", doubts.COLUMNS)]
)
def test_the_page_has_each_column_with_its_meaning(chapter, columns):
    page = (ROOT / "docs/reference/sheets.md").read_text("utf-8")
    table = page.split(f"## {chapter}\n")[1].split("\n\n")[0]

    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", table.replace("\\|", "|"), re.M)
    assert rows == [(column.name, column.meaning) for column in columns]


def test_the_page_has_each_reason_of_a_doubt():
    page = (ROOT / "docs/reference/sheets.md").read_text("utf-8")
    table = page.split("| reason | meaning |")[1].split("\n\n")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*)\. \|$", table, re.M))

    assert set(rows) == set(doubts.REASONS)
    for reason, meaning in rows.items():
        said = doubts.MEANINGS[reason].replace("``", "`")
        assert meaning[:1].lower() + meaning[1:] == said
