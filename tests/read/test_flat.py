"""Flattened text: lines may be missing, and the others still get the right names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractor.formats.flat import build_plain
from extractor.formats.found import RecordContent

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
    [
        [],
        ["secondary_outcomes"],
        ["detailed_description"],
        ["secondary_outcomes", "detailed_description"],
        ["brief_summary"],
        ["interventions"],
        ["interventions", "secondary_outcomes"],
        ["primary_outcomes", "secondary_outcomes"],
    ],
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
    [
        {"secondary_outcomes": "Exacerbations"},
        {"primary_outcomes": ("Response, Defined by:\n\n1. no symptoms\n2. no rescue drug, at week 12")},
        {"secondary_outcomes": ("Response, One of these\n* no symptoms\n* no rescue drug., Week 12|Safety, 1 year")},
        {"brief_summary": "The aims are\n\n* safety\n* efficacy\n\nin adults."},
        {"detailed_description": ("Background:\nFictumab is new.\nMethods:\n- visits at weeks 2, 4 and 12\n- calls")},
        {"primary_outcomes": ("Objective response (ORR), according to NCCN, during three months after infusion")},
    ],
    ids=lambda change: next(iter(change.values()))[:30],
)  # fmt: skip
def test_fields_with_line_breaks_or_odd_shape(change):
    fields = FIELDS | change
    assert read_fields("\n".join(fields.values())) == fields


WORDS = st.lists(
    st.sampled_from(["fictumab", "cells", "(CR)", "50%", "naïve", "≥2", "blood"]),
    min_size=1,
    max_size=6,
)
PHRASE = WORDS.map(" ".join)
SENTENCE = PHRASE.map(lambda words: f"The study tests {words} in adults.")
OUTCOME = st.builds(
    ", ".join,
    st.tuples(
        PHRASE,
        SENTENCE,
        st.sampled_from(["2 years", "Day 28", "Up to 6 months", "Baseline, week 4"]),
    ),
)
OUTCOMES = st.lists(OUTCOME, min_size=1, max_size=4).map("|".join)


@given(
    fields=st.fixed_dictionaries(
        {
            "title": PHRASE,
            "brief_summary": st.lists(SENTENCE, min_size=1, max_size=3).map(
                "\n\n".join
            ),
            "conditions": st.lists(PHRASE, min_size=1, max_size=3).map("|".join),
            "interventions": st.lists(
                PHRASE.map("DRUG: {}".format), min_size=1, max_size=3
            ).map("|".join),
            "primary_outcomes": OUTCOMES,
            "secondary_outcomes": st.one_of(st.just(""), OUTCOMES),
            "detailed_description": st.lists(SENTENCE, max_size=3).map("\n\n".join),
        }
    )
)
def test_round_trip(fields):
    present = {name: fields[name] for name in FIELDS if fields[name]}
    assert read_fields("\n".join(present.values())) == present
