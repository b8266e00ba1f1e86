"""A regimen of a model is proven by what the text says of its agent and of its arms: linked, open, or
refused with the reason. Right answers stand, in whatever form the text has them.
"""

import tomllib
from functools import partial
from pathlib import Path

import pytest

from extractor.assembly.check import ground_answer
from extractor.concepts.doses.prove import prove_regimens
from extractor.concepts.parse import parse_record
from extractor.evidence.drafts import Chunk, Draft, Span, Why
from extractor.schemas import Amount, Frequency, Period, Route, Support
from extractor.wire.value_forms import read_amount, read_time
from tests.parse.test_arms import linked
from tests.trust import trial

ARMS, REGIMENS = (
    tomllib.loads(Path(__file__).with_name(name).read_text("utf-8"))
    for name in ("arms.toml", "regimens.toml")
)
READ = {
    "amounts": lambda written: (read_amount(written),),
    "frequency": Frequency,
    "route": Route,
    "duration": partial(read_time, Period),
    "cycle": partial(read_time, Period),
}
TWO = ["High: Examplumab 10 mg daily", "Low: Examplumab 5 mg daily"]


def prove_in_arms(
    texts,
    *,
    links=("01",),
    drugs=("Examplumab",),
    agent="Examplumab",
    quote="",
    others=(),
    description="",
    **values,
):
    """The proven answer about an agent, quoted from the first arm. Arms are "label: description";
    ``others`` are further agents that the model lists.
    """
    split = (arm.partition(": ") for arm in texts)
    arms = [{"label": label, "description": text or " "} for label, _, text in split]
    sections = {"detailed_description": description} if description else {}
    record = trial(
        arms=arms, interventions=[{"name": name} for name in drugs], **sections
    )
    parsed = parse_record(linked(record, *links))
    text = parsed.sections["arms[0]"].raw
    span = Span("arms[0]", 0, len(text))
    draft = Draft("dosing", Chunk(900, span, text), span, {})
    answers = [{"agent": agent, "quote": quote or text.strip(), **values}]
    answers += [{"agent": name, "quote": name} for name in others]
    grounded = [
        ground_answer({"stands": True, **answer}, draft, parsed) for answer in answers
    ]
    return prove_regimens(grounded, parsed)[0]


def prove(text, agent="Examplumab", quote="", others=(), **written):
    """The proven answer about an agent of the only arm, with values as a model writes them."""
    return prove_in_arms(
        [f"Arm 1: {text}"],
        links=(),
        drugs=["Examplumab + Testamide + Prednisone"],
        agent=agent,
        quote=quote or text,
        others=others,
        **{name: READ[name](value) for name, value in written.items() if value},
    )


def read_span(text, span):
    start = len("Arm 1\n")
    return text[span.start - start : span.end - start]


@pytest.mark.parametrize(
    ("text", "agent", "dose", "field", "written", "quote"), REGIMENS["linked"]
)
def test_what_the_text_says_of_the_agent_is_linked_at_its_own_words(
    text, agent, dose, field, written, quote
):
    reading = prove(text, agent, **{"amounts": dose, field: written}).model[field]
    assert reading.support is Support.PARSED
    assert read_span(text, reading.spans[0]) == quote


@pytest.mark.parametrize(
    ("text", "agent", "dose", "field", "written", "stated"), REGIMENS["doubted"]
)
def test_what_the_text_says_of_something_else_is_doubted_with_the_agents_own(
    text, agent, dose, field, written, stated
):
    proven = prove(text, agent, **{"amounts": dose, field: written})
    assert is_doubted(proven, field)
    (objection, *_) = [
        refused for refused in proven.objections if refused.field == field
    ]
    assert objection.why is Why.OTHER_VALUE
    assert read_span(text, objection.nearest) == stated


def test_what_the_text_says_of_another_agent_is_doubted():
    text = "Examplumab IV every 2 weeks; oral testamide 30 mg."
    (objection,) = prove(text, amounts="30 mg").objections
    assert objection.why is Why.OTHER_OWNER
    assert read_span(text, objection.nearest) == "30 mg"


def test_what_is_given_to_several_agents_is_not_refused():
    text = "Examplumab and testamide 20 and 30 mg respectively."
    assert "amounts" in prove(text, amounts="20 mg").model


@pytest.mark.parametrize(("text", "field", "written"), REGIMENS["not_given"])
def test_what_the_words_state_of_something_else_than_giving_is_doubted(
    text, field, written
):
    (objection,) = prove(text, **{field: written}).objections
    assert objection.why is Why.OTHER_OWNER


def test_agents_that_only_the_model_knows_own_their_doses():
    text = "Examplumab 15 mg and folinara 7.5 mg orally each morning."
    own, other = (
        prove(text, "folinara", others=("Examplumab",), amounts=dose)
        for dose in ("7.5 mg", "15 mg")
    )
    assert own.model["amounts"].support is Support.PARSED
    assert is_doubted(other, "amounts")


@pytest.mark.parametrize(("text", "quote", "field", "written"), REGIMENS["right"])
def test_a_right_value_stands(text, quote, field, written):
    assert field in prove(text, quote=quote, **{field: written}).model


@pytest.mark.parametrize(("text", "written"), REGIMENS["wrong_amounts"])
def test_what_is_no_dose_of_the_agent_is_doubted(text, written):
    assert is_doubted(prove(text, amounts=written), "amounts")


def is_doubted(proven, field):
    """Whether an answer is kept, and a reason to doubt it recorded."""
    reading = proven.model[field]
    return any(member.features for member in reading.list_supported())


def mg(value, *arms):
    return Amount(low=value, high=value, unit="mg", arms=tuple(map(str, arms)))


def show_amounts(proven):
    return list(map(str, proven.model["amounts"].value))


def test_numbers_are_grounded_in_the_labels():
    found = prove_in_arms(TWO, arms=(2, 1), amounts=(mg(10, 1), mg(5, 2)))
    arms = found.model["arms"]

    assert arms.value == ("High", "Low")
    assert [arm.support for arm in arms.members] == [Support.PARSED] * 2
    assert [(span.section, span.start, span.end) for span in arms.spans] == [
        ("arms[0]", 0, 4),
        ("arms[1]", 0, 3),
    ]
    assert show_amounts(found) == ["10 mg (High)", "5 mg (Low)"]
    assert found.objections == ()


def test_a_number_without_an_arm_costs_only_itself():
    found = prove_in_arms(TWO, arms=(1, 0, 3), amounts=(mg(10, 1, 4),))
    assert found.model["arms"].value == ("High",)
    assert show_amounts(found) == ["10 mg (High)"]


def test_an_arm_without_a_label_is_counted():
    arms = [TWO[0], ": Observation", TWO[1]]
    found = prove_in_arms(arms, amounts=(mg(10, 1), mg(5, 3)))
    assert show_amounts(found) == ["10 mg (High)", "5 mg (Low)"]


def test_an_amount_is_doubted_if_the_text_of_its_arm_gives_another_amount():
    """The arms of the amounts are those of the regimen."""
    found = prove_in_arms(TWO, amounts=(mg(10, 1, 2), mg(5, 2)))
    assert show_amounts(found) == ["10 mg (High, Low)", "5 mg (Low)"]
    amounts = found.model["amounts"].members
    assert [amount.features for amount in amounts] == [(Why.OTHER_VALUE,), ()]
    assert found.model["arms"].value == ("High", "Low")
    (objection,) = found.objections
    assert objection.field == "amounts"
    assert objection.value == "10 mg (High, Low)"
    assert objection.nearest.section == "arms[1]"
    assert objection.why is Why.OTHER_VALUE


@pytest.mark.parametrize(
    ("arms", "links", "description", "numbers", "amount", "undoubted"),
    ARMS["contrasts"],
)
def test_an_arm_is_doubted_by_contrast_alone(
    arms, links, description, numbers, amount, undoubted
):
    found = prove_in_arms(
        arms,
        links=links,
        drugs=("Examplumab", "Testimab"),
        description=description,
        arms=tuple(numbers),
        **({"amounts": READ["amounts"](amount)} if amount else {}),
    )
    known = found.model["arms"].members
    assert [arm.value for arm in known if not arm.features] == undoubted
    assert {objection.field for objection in found.objections} <= {"arms", "amounts"}


@pytest.mark.parametrize(("arms", "links", "support"), ARMS["supports"])
def test_an_arm_is_proven_by_a_link_or_by_its_own_text(arms, links, support):
    found = prove_in_arms(arms, links=links, arms=(2,))
    assert found.model["arms"].support == support
