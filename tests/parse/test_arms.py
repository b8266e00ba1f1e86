"""Which arms receive a regimen and its amounts, according to the registry's links, the texts of the
arms, and sentences.
"""

import tomllib
from pathlib import Path

import pytest

from extractor.concepts.parse import parse_record
from extractor.schemas import RegistryFields
from tests.trust import trial

ROWS = tomllib.loads(Path(__file__).with_name("tables.toml").read_text("utf-8"))

CASES = tomllib.loads(Path(__file__).with_name("arms.toml").read_text("utf-8"))


def linked(record, *links):
    """The record, whose interventions are linked to these arms, "01" for the first two."""
    found = {
        f"interventions[{at}]": tuple(f"arms[{arm}]" for arm in link)
        for at, link in enumerate(links)
    }
    return record.model_copy(update={"registry": RegistryFields(arm_links=found)})


def read(arms, interventions, links, expected=None):
    """The rules' readings of each regimen. Arms and interventions are "label: description"."""
    described = []
    for arm in arms:
        label, _, text = arm.partition(": ")
        kind = "PLACEBO_COMPARATOR" if arm.startswith("Placebo") else "EXPERIMENTAL"
        described.append({"label": label, "type": kind, "description": text or " "})
    drugs = [
        {"name": name, "description": text or " "}
        for name, _, text in (one.partition(": ") for one in interventions)
    ]
    record = linked(trial(arms=described, interventions=drugs), *links)
    return [regimen.rules for regimen in parse_record(record).regimens]


def show(rules):
    return f"{rules['agent'].value}: {', '.join(rules['arms'].value)}"


@pytest.mark.parametrize("case", CASES["regimens"], ids=lambda case: case["arms"][0])
def test_arms_of_regimens(case):
    assert list(map(show, read(**case))) == case["expected"]


@pytest.mark.parametrize(
    "text",
    ROWS["test_an_arm_that_only_mentions_an_agent_does_not_get_it"],
)
def test_an_arm_that_only_mentions_an_agent_does_not_get_it(text):
    arms = [text, "Drug: Examplumab 5 mg daily"]
    found = map(show, read(arms, ["Examplumab", "Placebo"], ["1", "0"]))
    assert "Examplumab: Drug" in found


@pytest.mark.parametrize("case", CASES["amounts"], ids=lambda case: case["arms"][0])
def test_amounts_have_arms_where_these_differ(case):
    (rules,) = read(**case)
    assert list(map(str, rules["amounts"].value)) == case["expected"]
    assert len(rules["arms"].value) == len(case["arms"])
