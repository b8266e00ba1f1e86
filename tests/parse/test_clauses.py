"""Sentences split at semicolons, without what is only a sign between them."""

import pytest

from extractor.concepts.criteria.prose import split_clauses
from extractor.language.passage import read_section


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("Asthma, ; COPD,", ["Asthma", "COPD"]),
        ("Asthma,;;COPD;", ["Asthma", "COPD"]),
        ("Fever above 38 &deg;; chills", ["Fever above 38 &deg;", "chills"]),
        ("BMI &ge;", ["BMI &ge;"]),
        ("Pain &ge; ; ;", ["Pain &ge;"]),
        ("Asthma &amp; COPD &amp;; gout", ["Asthma &amp; COPD &amp;", "gout"]),
        (
            "a) aspirin (100 mg; daily); warfarin use",
            ["a) aspirin (100 mg; daily)", "warfarin use"],
        ),
        ("b] steroids [oral; inhaled]; gout", ["b] steroids [oral; inhaled]", "gout"]),
    ],
)
def test_a_clause_keeps_entities_and_brackets(text, clauses):
    section = read_section("eligibility", text)

    assert [clause.raw for clause in split_clauses(section.whole)] == clauses
