"""Each value has a separate confidence, and the fit finds the signs that speak against a value."""

import pytest
from extractor.evidence.calibration import weigh, weigh_by

from benchmarks.training.sign_rows import GOLD_SOURCE, SignRow
from benchmarks.training.signs import fit, format_weights
from extractor import Extractor

RULES = Extractor(effort="none")


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


def test_a_judged_sign_sets_the_highest_confidence():
    signs = ("words of two meanings",)
    assert weigh("eligibility.criteria.constraints", signs, 0.99) <= 0.75


def test_the_fit_finds_what_speaks_against_a_value():
    def rows(signs, right, wrong, fold):
        return [
            SignRow("dosing.route", f"{at}", GOLD_SOURCE, fold, signs, 0.8, at < right)
            for at in range(right + wrong)
        ]

    seen = rows((), 380, 20, 3) + rows(("far",), 60, 60, 3)
    weights = fit(seen)
    assert weights["far"] < -1
    assert weigh_by(weights, (), 0.8) > 0.9
    # what was read is more often right, and says nothing of the level
    read = fit([*seen, *rows((), 400, 0, 0)])
    assert weigh_by(read, (), 0.8) == pytest.approx(
        weigh_by(weights, (), 0.8), abs=0.03
    )
    assert '"far" = ' in format_weights({"dosing.route": weights})
