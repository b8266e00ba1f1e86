"""The abbreviations of agents."""

import pytest

from extractor.concepts.parse import parse_record
from extractor.language.book import terms_of
from tests.trust import trial


@pytest.mark.parametrize(
    "entry", terms_of("agent_abbreviations"), ids=lambda entry: entry.value
)
def test_an_abbreviation_is_the_agent_of_its_example(entry):
    arm = {"label": "A", "type": "EXPERIMENTAL", "description": entry.example}
    drug = {"type": "DRUG", "name": entry.value, "description": ""}
    (regimen,) = parse_record(trial(arms=[arm], interventions=[drug])).regimens
    assert regimen.rules["agent"].value == entry.value
