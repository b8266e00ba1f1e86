"""The arms of a model's regimen are named by their numbers, and refused where the text says
otherwise.
"""

import tomllib
from pathlib import Path

import pytest

from extractor.assembly.check import ground_answer
from extractor.concepts.doses.prove import prove_regimens
from extractor.concepts.own.value_forms import read_amount
from extractor.concepts.parse import parse_record
from extractor.evidence.drafts import Chunk, Draft, Span, Why
from extractor.schemas import Amount, Support
from tests.parse.test_arms import linked
from tests.trust import trial

TABLES = tomllib.loads(Path(__file__).with_name("arms.toml").read_text("utf-8"))
TWO = ["High: Examplumab 10 mg daily", "Low: Examplumab 5 mg daily"]


def mg(value, *arms):
    return Amount(low=value, high=value, unit="mg", arms=tuple(map(str, arms)))


def prove(
    texts,
    *,
    links=("01",),
    drugs=("Examplumab",),
    agent="Examplumab",
    description="",
    **values,
):
    """The proven answer about an agent, quoted from the first arm. Arms are "label:
    description".
    """
    split = (arm.partition(": ") for arm in texts)
    arms = [{"label": label, "description": text or " "} for label, _, text in split]
    sections = {"detailed_description": description} if description else {}
    record = trial(
        arms=arms, interventions=[{"name": name} for name in drugs], **sections
    )
    parsed = parse_record(linked(record, *links))
    text = parsed.sections["arms[0]"].raw
    draft = Draft(
        "dosing",
        Chunk(900, Span("arms[0]", 0, len(text)), text),
        Span("arms[0]", 0, len(text)),
    )
    said = {"stands": True, "agent": agent, "quote": text.strip(), **values}
    return prove_regimens([ground_answer(said, draft, parsed)], parsed)[0]


def test_numbers_are_grounded_in_the_labels():
    found = prove(TWO, arms=(2, 1), amounts=(mg(10, 1), mg(5, 2)))
    arms = found.model["arms"]

    assert arms.value == ("High", "Low")
    assert arms.supports == (Support.PARSED,) * 2
    assert [(span.section, span.start, span.end) for span in arms.spans] == [
        ("arms[0]", 0, 4),
        ("arms[1]", 0, 3),
    ]
    assert list(map(str, found.model["amounts"].value)) == [
        "10 mg (High)",
        "5 mg (Low)",
    ]
    assert found.refused == ()


def test_a_number_without_an_arm_costs_only_itself():
    found = prove(TWO, arms=(1, 0, 3), amounts=(mg(10, 1, 4),))
    assert found.model["arms"].value == ("High",)
    assert list(map(str, found.model["amounts"].value)) == ["10 mg (High)"]


def test_the_arms_of_amounts_are_those_of_the_regimen():
    assert prove(TWO, amounts=(mg(10, 1), mg(5, 2))).model["arms"].value == (
        "High",
        "Low",
    )


def test_an_amount_loses_an_arm_whose_text_gives_another_amount():
    found = prove(TWO, arms=(1, 2), amounts=(mg(10, 1, 2), mg(5, 2)))
    assert list(map(str, found.model["amounts"].value)) == [
        "10 mg (High)",
        "5 mg (Low)",
    ]
    assert found.model["arms"].value == ("High", "Low")
    (refusal,) = found.refused
    assert refusal.field == "amounts"
    assert refusal.value == "10 mg (High, Low)"
    assert refusal.nearest.section == "arms[1]"
    assert refusal.why is Why.OTHER_VALUE


@pytest.mark.parametrize(
    ("arms", "links", "description", "numbers", "amount", "kept"), TABLES["contrasts"]
)
def test_an_arm_is_refused_by_contrast_alone(
    arms, links, description, numbers, amount, kept
):
    values = {"arms": tuple(numbers)}
    if amount:
        values["amounts"] = (read_amount(amount),)
    drugs = ("Examplumab", "Testimab")
    found = prove(arms, links=links, drugs=drugs, description=description, **values)
    assert list(found.model["arms"].value) == kept
    assert {refusal.field for refusal in found.refused} <= {"arms", "amounts"}


@pytest.mark.parametrize(
    ("arms", "links", "support"),
    [
        (["A: Examplumab daily", "B"], ("1",), Support.PARSED),
        (["A: Examplumab daily", "B: Examplumab weekly"], (), Support.PARSED),
        (["A: Examplumab daily", "B"], (), Support.INFERRED),
    ],
)
def test_an_arm_is_proven_by_a_link_or_by_its_own_text(arms, links, support):
    assert prove(arms, links=links, arms=(2,)).model["arms"].support is support
