"""The part of the trial to which a criterion is confined."""

import pytest

from extractor.apps.export.parts import find_part


@pytest.mark.parametrize(
    ("quote", "lead_in", "part"),
    [
        ("Part 1: major surgery within 4 weeks", None, "part 1"),
        ("[Part 2] Prior radiotherapy", None, "part 2"),
        ("Part 2 (head and neck): ECOG 0-1", None, "part 2"),
        ("Part A and B: ALT below 3 x ULN", None, "part a and b"),
        ("Cohort 1 (NSCLC) - measurable disease", None, "cohort 1"),
        ("Asthma", "Part 2 (H&N cancer)", "part 2"),
        ("Asthma", "For Cohort B only:", "cohort b"),
        ("Asthma", "Exclusion criteria for Part 1:", "part 1"),
        ("Asthma", "Phase 2 participants:", "phase 2"),
        ("Phase 3 trial within 30 days", None, None),
        ("Stage II: melanoma", None, None),
        ("Part of the liver: removed", None, None),
        ("Asthma", "History of baseline findings of:", None),
        ("Part 1", None, None),
    ],
)
def test_a_label_names_the_part(quote, lead_in, part):
    assert find_part({"quote": quote, "lead_in": lead_in}) == part
