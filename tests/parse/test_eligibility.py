"""Chunks of criteria, and ages beside those that the registry has."""

import tomllib
from pathlib import Path

import pytest

from extractor.concepts.parse import parse_record
from extractor.schemas import RegistryFields
from tests.trust import trial

ROWS = tomllib.loads(Path(__file__).with_name("tables.toml").read_text("utf-8"))


def read_ages(lines, low=None, high=None, summary=""):
    """The ages of a record with these inclusion criteria and registered ages."""
    text = "Inclusion Criteria:\n\n* Asthma\n" + "".join(
        f"* {line}\n" for line in lines
    )
    record = trial(eligibility=text, brief_summary=summary)
    record = record.model_copy(
        update={"registry": RegistryFields(minimum_age=low, maximum_age=high)}
    )
    rules = parse_record(record).whole.rules
    return rules["minimum_age"], rules["maximum_age"]


@pytest.mark.parametrize(
    "line",
    ROWS["test_a_plain_age_stands_beside_another_registered_one_and_is_not_sure"],
)
def test_a_plain_age_stands_beside_another_registered_one_and_is_not_sure(line):
    low, high = read_ages([line], "18 Years", "75 Years")
    assert (low.value.value, high.value.value) == (18, 60)
    assert low.confidence > 0.8 > high.confidence


@pytest.mark.parametrize(
    "line",
    ROWS["test_an_age_of_some_people_is_never_sure_against_the_registered_one"],
)
def test_an_age_of_some_people_is_never_sure_against_the_registered_one(line):
    _, high = read_ages([line], "18 Years", "75 Years")
    assert high.confidence < 0.8 or not high.alternatives
