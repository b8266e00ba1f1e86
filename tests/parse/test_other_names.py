"""Other names of interventions, as registries give them: a dose of a brand or a code is that of
its agent.
"""

import tomllib
from pathlib import Path

import pytest

from extractor import Extractor

ROWS = tomllib.loads(Path(__file__).with_name("tables.toml").read_text("utf-8"))


def extract(interventions, text, **arm):
    """Extract a study of these interventions (name and other names) that this text describes."""
    listed = [
        {"type": "DRUG", "name": name, "otherNames": others}
        for name, others in interventions
    ]
    arms = [{"label": "Active", "type": "EXPERIMENTAL", **arm}] if arm else []
    return Extractor().extract({
        "protocolSection": {
            "identificationModule": {"nctId": "NCT90000001", "briefTitle": "A Study"},
            "descriptionModule": {"briefSummary": ("Treatment is "
                                                  "compared."), "detailedDescription": text},
            "armsInterventionsModule": {"armGroups": arms, "interventions": listed},
        }
    })  # fmt: skip


GIVEN = "Participants receive {} 40 mg subcutaneously every 2 weeks."


def list_given(found):
    return [
        (regimen.agent, [str(amount) for amount in regimen.amounts])
        for regimen in found.dosing
    ]


@pytest.mark.parametrize(
    ("others", "said"),
    ROWS["test_a_dose_of_another_name_is_the_agents"],
)
def test_a_dose_of_another_name_is_the_agents(others, said):
    found = extract([("Fictumab", others)], GIVEN.format(said))

    assert list_given(found) == [("Fictumab", ["40 mg"])]


def test_an_interventions_own_name_is_no_other_name_of_another_one():
    interventions = [("Fictumab biosimilar", ["Fictumab"]), ("Fictumab", ["Fictira"])]
    found = extract(interventions, GIVEN.format("Fictumab"))

    assert list_given(found) == [("Fictumab", ["40 mg"])]
