"""Instruments have one key, which limits of their scores share."""

import pytest

from extractor.apps.export.instruments import name_instrument
from extractor.concepts.limits.quantity_names import name_quantity


@pytest.mark.parametrize(
    ("written", "around", "key"),
    [
        ("MoCA", "", "moca"),
        ("Montreal Cognitive Assessment (MoCA)", "", "moca"),
        ("the Mini-Mental State Examination", "", "mmse"),
        ("Patient Health Questionnaire-9", "", "phq_9"),
        ("Expanded Disability Status Scale", "", "edss"),
        ("mRS", "", "modified_rankin_scale"),
        ("RECIST", "", "recist"),
        ("Quality of Sleep Index", "Quality of Sleep Index (QSI) at week 4", "qsi"),
        ("Quality of Sleep Index", "", "quality_of_sleep_index"),
    ],
)
def test_spellings_of_an_instrument_have_one_key(written, around, key):
    assert name_instrument(written, around) == key


@pytest.mark.parametrize("name", ["MoCA", "MMSE", "PHQ-9", "EDSS", "NIHSS", "MADRS"])
def test_a_limit_of_a_score_has_the_key_of_the_instrument(name):
    assert name_quantity(name).name == name_instrument(name)
