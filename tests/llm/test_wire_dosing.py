import pytest
from pydantic import ValidationError

from extractor.llm.prompting.prompt import render_call
from extractor.llm.requests import Question
from extractor.llm.wire import read_answers
from extractor.llm.wire.dosing import FREQUENCIES, ROLES, ROUTES
from extractor.llm.wire.forms import read_amount, read_period
from extractor.schemas import Amount, Frequency, Period, Role, Route, Task

from .samples import chunk, parsed_record

TEXT = "Testimab 5 mg IV weekly, Drugamide 2 tablets daily"


def _answers(fields, *items, complete=True):
    question = Question(Task.DOSING, chunk(3, TEXT, "arms[0]"), fields)
    call = render_call(parsed_record().record, [question])
    reply = call.reply_model.model_validate({"items": items}, context=dict(call.context))
    return [(a.chunk, dict(a.values)) for a in read_answers(call.questions, reply.items, complete=complete)]


def test_every_member_has_a_word():
    assert (set(ROLES.values()), set(ROUTES.values()), set(FREQUENCIES.values())) == (
        set(Role),
        set(Route),
        set(Frequency),
    )


def test_open_fields_of_a_known_regimen():
    fields = ("role", "amounts", "frequency", "cycle", "duration", "timing")
    item = {"n": 3, "role": "rescue", "dose": ["5 mg"], "freq": "QW", "cycle": "21 days", "for": "6 cycle"}
    assert _answers(fields, item) == [
        (
            3,
            {
                "role": Role.RESCUE,
                "amounts": (Amount(low=5, high=5, unit="mg"),),
                "frequency": Frequency.QW,
                "cycle": Period(value=21, unit="day"),
                "duration": Period(value=6, unit="cycle"),
                "timing": None,
            },
        )
    ]


def test_a_line_may_hold_several_regimens():
    answers = _answers(
        ("regimens",),
        {"n": 3, "quote": "5 mg IV weekly", "agent": "Testimab", "role": "investigational", "dose": ["5 mg"]},
        {"n": 3, "quote": "2 tablets daily", "agent": "Drugamide", "dose": ["2 tablet"], "freq": "QD"},
    )
    assert [(number, values["stands"], values["agent"]) for number, values in answers] == [
        (3, True, "Testimab"),
        (3, True, "Drugamide"),
    ]
    assert "role" in answers[0][1]
    assert "role" not in answers[1][1]
    assert answers[1][1]["quote"] == "2 tablets daily"


def test_a_quote_over_lines_of_the_record_has_its_line_breaks_again():
    (answer,) = _answers(("regimens",), {"n": 3, "quote": "Testimab // 5 mg IV", "agent": "Testimab", "route": "oral"})
    assert (answer[1]["quote"], answer[1]["route"]) == ("Testimab\n5 mg IV", Route.ORAL)
    assert type(answer[1]["route"]) is Route


def test_no_item_says_that_the_line_holds_no_regimen():
    assert _answers(("regimens",)) == [(3, {"stands": False})]


def test_of_an_incomplete_reply_silence_says_nothing():
    assert _answers(("regimens",), complete=False) == []


def test_a_known_regimen_needs_its_item():
    with pytest.raises(ValidationError, match="no item for line 3"):
        _answers(("route",))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("300 mg/m2", (300, 300, "mg/m2")),
        ("1-2 mg", (1, 2, "mg")),
        ("1 to 2 mg", (1, 2, "mg")),
        ("up to 40 mg", (None, 40, "mg")),
        ("1 x 10^6 cells/kg", (1_000_000, 1_000_000, "cells/kg")),
        ("1-2 x 10^6 cells/kg", (1_000_000, 2_000_000, "cells/kg")),
        ("1 x 10^6 - 5 x 10^6 cells", (1_000_000, 5_000_000, "cells")),
        ("1.8 Gy", (1.8, 1.8, "Gy")),
        ("1,000 mg", (1000, 1000, "mg")),
        ("0.5 %", (0.5, 0.5, "%")),
        ("at least 500 ug", (500, None, "ug")),
        ("200-none ug", None),
        ("5", None),
        ("mg", None),
        ("a few tablets", None),
    ],
)
def test_amounts_are_read_from_text(text, expected):
    if expected is None:
        with pytest.raises(ValueError, match="write a dose as number and unit"):
            read_amount(text)
    else:
        amount = read_amount(text)
        assert (amount.low, amount.high, amount.unit) == expected


@pytest.mark.parametrize("text", ["2-4 weeks", "a while", "12"])
def test_periods_are_one_number_and_a_unit(text):
    with pytest.raises(ValueError, match="write a time as one number and a unit"):
        read_period(text)
