"""Flattened text: lines may be missing, and the others still get the right names."""

import tomllib
from pathlib import Path

import pytest

from extractor.formats.flat import build_plain
from extractor.formats.found import RecordContent

ROWS = tomllib.loads(Path(__file__).with_name("tables.toml").read_text("utf-8"))

FIELDS = {
    "title": "Fictumab in Asthma",
    "brief_summary": (
        "This invented study compares fictumab with placebo, in adults, over 12 weeks."
    ),
    "conditions": "Asthma|Rhinitis",
    "interventions": "DRUG: Fictumab|OTHER: Placebo",
    "primary_outcomes": "Change in FEV1, Measured by spirometry., Baseline and week 12",
    "secondary_outcomes": "Exacerbations, 12 weeks|Quality of life, AQLQ score, week 12",
    "detailed_description": (
        "Fictumab binds a receptor that was invented, too.\n\nIt is given for 12 weeks."
    ),
}


def read_fields(text: str) -> dict[str, str]:
    content = build_plain(text)
    assert isinstance(content, RecordContent)
    fields = {section.name: section.text for section in content.sections}
    interventions = [
        fields.pop(name) for name in list(fields) if name.startswith("interventions[")
    ]
    return fields | (
        {"interventions": "|".join(interventions)} if interventions else {}
    )


@pytest.mark.parametrize(
    "missing",
    ROWS["test_missing_lines"],
    ids=lambda names: ", ".join(names) or "none",
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("end", ["", "\n"], ids=["no final newline", "final newline"])
def test_missing_lines(missing, newline, end):
    fields = {
        name: text.replace("\n", newline)
        for name, text in FIELDS.items()
        if name not in missing
    }
    assert read_fields(newline.join(fields.values()) + end) == fields


@pytest.mark.parametrize(
    "change",
    ROWS["test_fields_with_line_breaks_or_odd_shape"],
    ids=lambda change: next(iter(change.values()))[:30],
)  # fmt: skip
def test_fields_with_line_breaks_or_odd_shape(change):
    fields = FIELDS | change
    assert read_fields("\n".join(fields.values())) == fields
