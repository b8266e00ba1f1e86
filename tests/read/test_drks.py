"""DRKS's download as JSON: the English texts, and those that are in German only, which are told."""

import json
from copy import deepcopy

import pytest

from extractor import Extractor

from .conftest import read_all
from .samples import DRKS
from .test_registries import read_one, texts

ENGLISH = 1
GERMAN = 0


def test_english_texts_are_read():
    found = texts(read_one(json.dumps(DRKS).encode()))
    assert found == {
        "title": "Fictumab in Asthma",
        "brief_summary": "Does it help?",
        "detailed_description": "A trial with placebo",
        "conditions": "Asthma",
        "eligibility": (
            "Inclusion Criteria:\nAsthma\nAge 18 years or older\n\nExclusion Criteria:\nPregnancy"
        ),
        "arms[0]": "Fictumab 5 mg once daily for 12 weeks",
        "arms[1]": "Placebo once daily for 12 weeks",
        "primary_outcomes[0]": "FEV1 at week 12",
        "secondary_outcomes[0]": "Attacks",
        "secondary_outcomes[1]": "Relief",
    }


def test_registered_fields():
    registry = read_one(json.dumps(DRKS).encode()).registry
    assert registry.minimum_age == "18 Years"
    assert registry.maximum_age is None
    assert registry.sex == "ALL"
    assert registry.healthy_volunteers == "false"
    assert registry.enrollment == "40"
    assert registry.phases == ("PHASE2",)
    assert registry.allocation == "RANDOMIZED"
    assert registry.start_date == "2031-03-01"
    assert registry.completion_date == "2032-03-01"


def test_doses_and_times_are_read():
    record = read_one(json.dumps(DRKS).encode())

    extraction = Extractor(effort="none").extract(record)

    [dose] = [regimen for regimen in extraction.dosing if regimen.amounts]
    assert dose.agent == "Fictumab"
    assert dose.amounts[0].low == 5
    assert dose.amounts[0].unit == "mg"
    [time] = extraction.endpoints[0].time_points
    assert time.value == 12
    assert time.unit == "week"


def test_a_text_in_german_only_is_kept_and_told():
    trial = deepcopy(DRKS)
    trial["recruitment"]["recruitmentDescriptions"][ENGLISH]["inclusionCriteria"] = None
    del trial["studyCharacteristic"]["characteristicDescriptions"][ENGLISH]
    record = read_one(json.dumps(trial).encode())
    assert "Asthma, Alter ab 18 Jahren" in texts(record)["eligibility"]
    assert record.source.notes == (
        "given in German only, which is not read: eligibility, primary_outcomes[0], "
        "secondary_outcomes[0], secondary_outcomes[1]",
    )
    extraction = Extractor(effort="none").extract(record)
    assert [criterion.quote for criterion in extraction.eligibility.criteria] == [
        "Pregnancy"
    ]
    assert extraction.endpoints == ()
    assert "language_other" in {finding.kind.value for finding in extraction.findings}


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        (
            ("recruitment", "minimumAge", "amount"),
            [18],
            "recruitment.minimumAge.amount",
        ),
        (("recruitment",), [], "recruitment"),
        (("trialDescriptions",), {}, "trialDescriptions"),
        (
            ("observationalGroups", 3, "comment"),
            5,
            "observationalGroups[].translations[1].comment",
        ),
    ],
)
def test_a_wrong_type_is_named_with_its_place(path, value, place):
    trial = deepcopy(DRKS)
    node = trial
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    [error] = read_all("-", stdin=json.dumps(trial).encode()).errors

    assert place in error.place
