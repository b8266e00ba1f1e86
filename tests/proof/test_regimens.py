"""A regimen of a model is proven by what the text says of its agent: linked, open, or refused
with the reason.
"""

import pytest

from extractor.assembly.check import ground_answer
from extractor.concepts.doses.prove import prove_regimens
from extractor.concepts.parse import parse_record
from extractor.evidence.drafts import Chunk, Draft, Span, Why
from extractor.schemas import Amount, Frequency, Period, Route, Support, TimeUnit
from tests.growth import LARGEST_EXPONENT, fit_growth
from tests.trust import trial


def dose(value, unit="mg", low=None):
    return (Amount(low=value if low is None else low, high=value, unit=unit),)


def weeks(value):
    return Period(value=value, unit=TimeUnit.WEEK)


def prove(text, agent, quote=None, others=(), **values):
    """The proven answer about an agent of the only arm; ``others`` are further agents that the
    model lists.
    """
    parsed = parse_record(
        trial(
            arms=[{"label": "Arm 1", "description": text}],
            interventions=[{"name": DRUGS}],
        )
    )
    chunk = Chunk(900, Span("arms[0]", DESCRIPTION, DESCRIPTION + len(text)), text)
    draft = Draft("dosing", chunk, chunk.span)
    answers = [{"agent": agent, "quote": quote or text, **values}]
    answers += [{"agent": name, "quote": name} for name in others]
    grounded = [
        ground_answer({"stands": True, **answer}, draft, parsed) for answer in answers
    ]
    return prove_regimens(grounded, parsed)[0]


DRUGS = "Examplumab + Testamide + Prednisone"
BESIDE = (
    "Examplumab 100 mg IV every 2 weeks on top of testamide 30 mg orally once daily."
)
STEPS = "Prednisone 60 mg daily for 2 weeks, then 20 mg every other day for 6 weeks."


DESCRIPTION = len("Arm 1\n")


"""Where the text of the arm begins in its section."""


def read_span(text, span):
    return text[span.start - DESCRIPTION : span.end - DESCRIPTION]


@pytest.mark.parametrize(
    ("text", "agent", "field", "value", "quote"),
    [
        (BESIDE, "testamide", "amounts", dose(30), "30 mg"),
        (BESIDE, "testamide", "frequency", Frequency.QD, "once daily"),
        (BESIDE, "Examplumab", "route", Route.INTRAVENOUS, "IV"),
        (STEPS, "Prednisone", "duration", weeks(2), "2 weeks"),
    ],
)
def test_what_the_text_says_of_the_agent_is_linked_at_its_own_words(
    text, agent, field, value, quote
):
    amounts = {"amounts": dose(60)} if text is STEPS else {}

    reading = prove(text, agent, **amounts, **{field: value}).model[field]

    assert reading.support is Support.PARSED
    assert read_span(text, reading.spans[0]) == quote


@pytest.mark.parametrize(
    ("text", "agent", "values", "field", "stated"),
    [
        (BESIDE, "testamide", {"amounts": dose(100)}, "amounts", "30 mg"),
        (
            BESIDE,
            "testamide",
            {"amounts": dose(30), "frequency": Frequency.Q2W},
            "frequency",
            "once daily",
        ),
        (
            BESIDE,
            "testamide",
            {"amounts": dose(30), "route": Route.INTRAVENOUS},
            "route",
            "orally",
        ),
        (
            STEPS,
            "Prednisone",
            {"amounts": dose(60), "duration": weeks(6)},
            "duration",
            "2 weeks",
        ),
        (
            "Examplumab 2 mg/kg IV daily, at most 70 mg.",
            "Examplumab",
            {"amounts": dose(70)},
            "amounts",
            "2 mg/kg",
        ),
        (
            "Examplumab 5 mg orally to a trough of 8 ng/mL.",
            "Examplumab",
            {"amounts": dose(8, "ng/mL")},
            "amounts",
            "5 mg",
        ),
    ],
)
def test_what_the_text_says_of_something_else_is_refused_with_the_agents_own(
    text, agent, values, field, stated
):
    proven = prove(text, agent, **values)

    assert field not in proven.model
    (refusal, *_) = [refused for refused in proven.refused if refused.field == field]
    assert refusal.why is Why.OTHER_VALUE
    assert read_span(text, refusal.nearest) == stated


def test_without_another_value_of_the_agent_nothing_is_refused():
    text = "Examplumab IV every 2 weeks; oral testamide 30 mg."
    reading = prove(text, "Examplumab", amounts=dose(30)).model["amounts"]
    assert (reading.value, reading.support) == (dose(30), Support.INFERRED)


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("Examplumab 5 mg. Blood is taken every 6 hours.", "frequency", Frequency.Q6H),
        (
            "Examplumab 5 mg. Participants are observed for 6 weeks.",
            "duration",
            weeks(6),
        ),
        ("Examplumab until the platelets are below 5 mg.", "amounts", dose(5)),
    ],
)
def test_what_the_words_state_of_something_else_than_giving_is_refused(
    text, field, value
):
    (rejection,) = prove(text, "Examplumab", **{field: value}).refused
    assert rejection.why is Why.OTHER_OWNER


@pytest.mark.parametrize("words", ["IV or by mouth", "by mouth or IV"])
def test_alternatives_are_open(words):
    text = f"Examplumab 5 mg {words} daily."
    assert prove(text, "Examplumab", route=Route.INTRAVENOUS).refused == ()


def test_levels_of_other_words_of_the_section_are_merged_and_stay_open():
    text = "Cohort 1: Examplumab 5 mg weekly. Cohort 2: Examplumab 10 mg weekly."
    reading = prove(
        text,
        "Examplumab",
        quote="Examplumab 5 mg weekly",
        amounts=(*dose(5), *dose(10)),
    ).model["amounts"]
    assert reading.supports == (Support.PARSED, Support.INFERRED)


def test_agents_that_only_the_model_knows_own_their_doses():
    text = "Examplumab 15 mg and folinara 7.5 mg orally each morning."

    found = prove(text, "folinara", others=("Examplumab",), amounts=dose(7.5))

    assert found.model["amounts"].support is Support.PARSED
    assert (
        "amounts"
        not in prove(text, "folinara", others=("Examplumab",), amounts=dose(15)).model
    )


@pytest.mark.parametrize(
    "piece",
    [
        "Examplumab 5 mg, Testamide 7 mg and ",
        "Examplumab 5 mg IV daily, ",
        "Examplumab arms, ",
    ],
)
def test_the_proof_takes_linear_time(piece):
    def work(text):
        prove(
            text,
            "Examplumab",
            quote=text[:30],
            amounts=dose(9),
            frequency=Frequency.Q2W,
        )

    work(piece)  # loads the rules
    assert fit_growth(work, piece) <= LARGEST_EXPONENT
