"""Instruments have one key, which limits of their scores share."""

import pytest

from extractor.apps.export.instruments import name_instrument
from extractor.apps.export.limits import name_limit
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
        ("IIEF-5 score", "", "iief_5"),
        ("SHIM", "", "iief_5"),
        ("MADRS-S", "", "madrs_s"),
        ("ACQ-6", "", "acq_6"),
        ("SF-12", "", "sf_12"),
        ("SF-36", "", "sf_36"),
        ("QLQ-C15", "", "qlq_c15"),
    ],
)
def test_spellings_of_an_instrument_have_one_key(written, around, key):
    assert name_instrument(written, around) == key


@pytest.mark.parametrize("name", ["MoCA", "MMSE", "PHQ-9", "EDSS", "NIHSS", "MADRS"])
def test_a_limit_of_a_score_has_the_key_of_the_instrument(name):
    assert name_quantity(name).name == name_instrument(name)


@pytest.mark.parametrize(
    ("quantity", "measured", "key"),
    [
        ("IIEF", (), "iief"),
        ("IIEF-5", (), "iief_5"),
        ("MADRS-S", (), "madrs_s"),
        ("ACQ-7 score", (), "acq_7"),
        ("PHQ-15", (), "phq_15"),
        ("HAM-D-17", (), "hamd17"),
        ("PHQ-9", (), "phq_9"),
        ("ACT", ("act",), "act"),
        ("ACT", ("moca",), None),
        ("ACT", (), None),
        ("SF-36", ("sf_36",), "sf_36"),
        ("SF-12", ("sf_36",), None),
    ],
)
def test_a_limit_has_the_key_of_its_version_and_of_an_instrument_of_the_record(
    quantity, measured, key
):
    limit = {"quantity": quantity, "comparator": "<=", "value": 19}

    found = name_limit(limit, measured=set(measured))

    assert found.quantity_canonical == key
    assert found.value_canonical == (19 if key else None)
