"""Whom a criterion and its limits admit, as the extraction states it."""

import tomllib
from pathlib import Path

import pytest

from extractor import Extractor
from extractor.assembly.admission import complete_gold
from extractor.schemas import FieldRef, Section, Source, TrialExtraction, TrialRecord

ROWS = tomllib.loads(Path(__file__).with_name("tables.toml").read_text("utf-8"))


def extract(line, kind):
    text = f"{kind.capitalize()} Criteria:\n\n* {line}"
    source = Source(path="a", format="flat")
    record = TrialRecord(
        record_id="A", source=source, sections=(Section(name="eligibility", text=text),)
    )
    return Extractor(effort="none").extract(record)


def show(criterion):
    facts = {
        name
        for name in ("negated", "turned", "demanded", "has_exception")
        if getattr(criterion, name)
    }
    limits = [
        piece
        for piece in criterion.evidence
        if FieldRef(piece.field).path == "constraints"
    ]
    return facts, [f"{one.sex or ''} {one.quantity or ''}".strip() for one in limits]


@pytest.mark.parametrize("row", ROWS["admission"], ids=lambda row: row["line"])
def test_a_criterion_says_whom_it_admits(row):
    facts = set(row["facts"])
    found = extract(row["line"], row["kind"])
    (criterion,) = found.eligibility.criteria
    assert show(criterion) == (facts, row["limits"])
    stated = criterion.model_dump(mode="json")
    assert {
        name for name in ("turned", "demanded", "has_exception") if name in stated
    } == facts - {"negated"}
    gold = TrialExtraction.model_validate(found.to_gold())
    (again,) = complete_gold(gold).eligibility.criteria
    assert show(again) == (facts, row["limits"])
    assert all(
        criterion.quote[piece.start : piece.end] == piece.quote and not piece.section
        for piece in again.evidence
    )


@pytest.mark.parametrize(
    ("line", "comparators"),
    ROWS["test_the_evidence_of_an_age_says_how_it_bounds"],
)
def test_the_evidence_of_an_age_says_how_it_bounds(line, comparators):
    eligibility = extract(line, "inclusion").eligibility.model_dump(mode="json")
    stated = {
        piece["field"]: piece["comparator"]
        for piece in eligibility["evidence"]
        if "comparator" in piece
    }
    assert stated == comparators


@pytest.mark.parametrize(
    ("kind", "line", "alternatives"),
    ROWS["test_limits_of_which_one_is_enough_are_alternatives"],
)
def test_limits_of_which_one_is_enough_are_alternatives(kind, line, alternatives):
    (criterion,) = extract(line, kind).eligibility.criteria
    assert sum(piece.alternative for piece in criterion.evidence) == alternatives
