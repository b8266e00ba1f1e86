"""A regimen of a model is proven by what the text says of its agent: linked, open, or refused
with the reason. Right answers stand, in whatever form the text has them.
"""

import tomllib
from functools import partial
from pathlib import Path

import pytest

from extractor.assembly.check import ground_answer
from extractor.concepts.doses.prove import prove_regimens
from extractor.concepts.own.value_forms import read_amount, read_time
from extractor.concepts.parse import parse_record
from extractor.evidence.drafts import Chunk, Draft, Span, Why
from extractor.schemas import Frequency, Period, Route, Support
from tests.growth import LARGEST_EXPONENT, fit_growth
from tests.trust import trial

TABLES = tomllib.loads(Path(__file__).with_name("regimens.toml").read_text("utf-8"))
READ = {
    "amounts": lambda written: (read_amount(written),),
    "frequency": Frequency,
    "route": Route,
    "duration": partial(read_time, Period),
    "cycle": partial(read_time, Period),
}
DRUGS = "Examplumab + Testamide + Prednisone"
DESCRIPTION = len("Arm 1\n")
"""Where the text of the arm begins in its section."""


def prove(text, agent="Examplumab", quote="", others=(), **written):
    """The proven answer about an agent of the only arm, with values as a model writes them;
    ``others`` are further agents that the model lists.
    """
    arms = [{"label": "Arm 1", "description": text}]
    parsed = parse_record(trial(arms=arms, interventions=[{"name": DRUGS}]))
    chunk = Chunk(900, Span("arms[0]", DESCRIPTION, DESCRIPTION + len(text)), text)
    draft = Draft("dosing", chunk, chunk.span)
    values = {name: READ[name](value) for name, value in written.items() if value}
    answers = [{"agent": agent, "quote": quote or text, **values}]
    answers += [{"agent": name, "quote": name} for name in others]
    grounded = [
        ground_answer({"stands": True, **answer}, draft, parsed) for answer in answers
    ]
    return prove_regimens(grounded, parsed)[0]


def read_span(text, span):
    return text[span.start - DESCRIPTION : span.end - DESCRIPTION]


@pytest.mark.parametrize(
    ("text", "agent", "dose", "field", "written", "quote"), TABLES["linked"]
)
def test_what_the_text_says_of_the_agent_is_linked_at_its_own_words(
    text, agent, dose, field, written, quote
):
    reading = prove(text, agent, **{"amounts": dose, field: written}).model[field]
    assert reading.support is Support.PARSED
    assert read_span(text, reading.spans[0]) == quote


@pytest.mark.parametrize(
    ("text", "agent", "dose", "field", "written", "stated"), TABLES["refused"]
)
def test_what_the_text_says_of_something_else_is_refused_with_the_agents_own(
    text, agent, dose, field, written, stated
):
    proven = prove(text, agent, **{"amounts": dose, field: written})
    assert field not in proven.model
    (refusal, *_) = [refused for refused in proven.refused if refused.field == field]
    assert refusal.why is Why.OTHER_VALUE
    assert read_span(text, refusal.nearest) == stated


def test_without_another_value_of_the_agent_nothing_is_refused():
    text = "Examplumab IV every 2 weeks; oral testamide 30 mg."
    reading = prove(text, amounts="30 mg").model["amounts"]
    assert reading.support is Support.INFERRED


@pytest.mark.parametrize(("text", "field", "written"), TABLES["not_given"])
def test_what_the_words_state_of_something_else_than_giving_is_refused(
    text, field, written
):
    (refusal,) = prove(text, **{field: written}).refused
    assert refusal.why is Why.OTHER_OWNER


@pytest.mark.parametrize("words", ["IV or by mouth", "by mouth or IV"])
def test_alternatives_are_open(words):
    text = f"Examplumab 5 mg {words} daily."
    assert prove(text, route="intravenous").refused == ()


def test_agents_that_only_the_model_knows_own_their_doses():
    text = "Examplumab 15 mg and folinara 7.5 mg orally each morning."
    own, other = (
        prove(text, "folinara", others=("Examplumab",), amounts=dose)
        for dose in ("7.5 mg", "15 mg")
    )
    assert own.model["amounts"].support is Support.PARSED
    assert "amounts" not in other.model


@pytest.mark.parametrize(("text", "written"), TABLES["right_amounts"])
def test_a_right_amount_stands(text, written):
    assert "amounts" in prove(text, amounts=written).model


@pytest.mark.parametrize(
    ("text", "quote", "field", "written"), TABLES["right_schedules"]
)
def test_a_right_schedule_stands(text, quote, field, written):
    assert field in prove(text, quote=quote, **{field: written}).model


@pytest.mark.parametrize(("text", "written"), TABLES["wrong_amounts"])
def test_what_is_no_dose_of_the_agent_is_refused(text, written):
    assert "amounts" not in prove(text, amounts=written).model


@pytest.mark.parametrize(
    "piece",
    ["Examplumab 5 mg, Testamide 7 mg and ", "Examplumab 5 mg IV daily, "],
)
def test_the_proof_takes_linear_time(piece):
    def work(text):
        prove(text, quote=text[:30], amounts="9 mg", frequency="Q2W")

    work(piece)  # loads the rules
    assert fit_growth(work, piece) <= LARGEST_EXPONENT
