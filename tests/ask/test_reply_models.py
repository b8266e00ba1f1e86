"""What a model writes: one small schema, checks against what was asked, and values read from
short strings.
"""

import json
from functools import partial

import pytest

from extractor.assembly.check import UnreadableValue
from extractor.concepts.own.value_forms import (
    read_amount,
    read_instrument,
    read_limit,
    read_time,
)
from extractor.model.asking.prompt import load_prompt
from extractor.model.asking.questions import Question
from extractor.model.asking.reply_models import (
    FIELDS,
    Item,
    Reply,
    key_of,
    list_attributes,
    read_values,
)
from extractor.model.calls import estimate_tokens, schema_of
from extractor.schemas import (
    Age,
    Amount,
    Category,
    Concept,
    Constraint,
    CriterionKind,
    EndpointCategory,
    Frequency,
    Instrument,
    Period,
    Role,
    Route,
    Sex,
    Task,
    TimeKind,
    TimePoint,
    TimeWindow,
    list_fields,
)

from .samples import chunk

ADULT = Age(value=18, unit="year")
LONG = " ".join(["long words"] * 20)
OUTCOME = "Survival, overall, From infusion, to death., Up to 2 years, 30 days"


def test_each_field_of_the_schemas_that_is_asked_has_an_attribute_and_a_key_of_its_own():
    asked = [
        Question(task, chunk(1, "Adults"), (*FIELDS[task], "people")) for task in Task
    ]
    names = {name for question in asked for name in list_attributes(question)}
    fields = [
        info
        for task in Task
        for info in list_fields(task)
        if info.metadata.question == info.name
    ]

    assert (
        len({key_of(name) for name in names})
        == len(names)
        == len(fields) + len(("ok", "under", "split", "rule")) + 4
    )
    assert names | {"n", "quote", "custom"} == Item.model_fields.keys()


def ask(number, *fields, task=Task.ELIGIBILITY, text="Adults"):
    return Question(task, chunk(number, text), fields)


def read(questions, *items, complete=True):
    """Number and values of each answer that the items hold."""
    reply = Reply.model_validate({"items": items}, context=Reply.context_of(questions))
    return [
        (q.chunk.number, values)
        for q, values in read_values(questions, reply.items, complete=complete)
    ]


def test_the_time_to_a_highest_level_has_no_event():
    asked = [
        ask(
            1,
            "concept",
            "end_events",
            task=Task.ENDPOINTS,
            text="Time to maximum concentration (Tmax)",
        )
    ]
    assert (
        read(asked, {"n": 1, "concept": "PK", "ends": ["maximum concentration"]})[0][1][
            "end_events"
        ]
        is None
    )
    assert read(asked, {"n": 1, "concept": "TTE", "ends": ["maximum concentration"]})[
        0
    ][1]["end_events"]


def test_the_static_part_of_a_call_is_small_and_plain():
    text = json.dumps(json.loads(schema_of(Reply)), separators=(",", ":"))
    assert [
        word
        for word in ("title", "description", "default", "anyOf", "null")
        if f'"{word}"' in text
    ] == []
    assert estimate_tokens(load_prompt().system) + estimate_tokens(text) <= 6100


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"n": 7, "cat": "age"}, "there is no line 7; the lines are 1, 3, 5"),
        ({"cat": "age"}, "an item needs the number n of its line"),
    ],
)
def test_an_item_of_no_line_costs_only_itself(item, message):
    questions = [ask(number, "category") for number in (1, 3, 5)]

    reply = Reply.model_validate(
        {"items": [item, {"n": 1, "cat": "age"}]}, context=Reply.context_of(questions)
    )

    assert reply.items[0].reason == message
    assert read_values(questions, reply.items) == [
        (questions[0], {"category": Category.AGE})
    ]


def test_a_closed_word_that_is_not_said_stays_open_and_other_fields_are_empty():
    closed = ("concept", "category", "time_kind")
    others = ("split", "censored", "start_event", "end_events")

    values = outcome_values(*closed, *others)

    assert values == {"censored": False, "start_event": None, "end_events": ()}


@pytest.mark.parametrize(
    ("item", "field", "message"),
    [
        ({"cat": "weather"}, "category", "'weather' is none of: age, sex, diagnosis"),
        (
            {"limits": ["good kidneys", "ECOG: 1"]},
            "constraints",
            'write a limit as "quantity: comparator number unit"',
        ),
        ({"windows": 4}, "time_windows", "4 is not a string"),
        (
            {"limits": ["ECOG: 1 " + "mg " * 400, "ECOG: 1"]},
            "constraints",
            "more than 1000 characters",
        ),
        ({"ok": "perhaps"}, "stands", "Input should be a valid boolean"),
    ],
)
def test_a_value_in_no_readable_form_costs_only_itself(item, field, message):
    question = ask(1, "stands", "kind", "category", "constraints", "time_windows")
    well = {
        "n": 1,
        "ok": True,
        "list": "in",
        "cat": "age",
        "limits": ["ECOG: 1"],
        "windows": ["for 4 weeks"],
    }
    reply = Reply.model_validate(
        {"items": [well | item]}, context=Reply.context_of([question])
    )

    ((_, values),) = read_values([question], reply.items)

    value = values.pop(field)
    members = list(value) if isinstance(value, tuple) else [value]
    (unreadable,) = [
        member for member in members if isinstance(member, UnreadableValue)
    ]
    assert message in unreadable.reason
    limit = Constraint(quantity="ECOG", comparator="=", value=1)
    readable = {
        "stands": True,
        "kind": CriterionKind.INCLUSION,
        "category": Category.AGE,
        "constraints": (limit,),
        "time_windows": ("for 4 weeks",),
    }
    members.remove(unreadable)
    assert members == ([limit] if field == "constraints" else [])
    del readable[field]
    assert values == readable


def test_of_two_items_of_one_line_the_second_adds_what_the_first_leaves_out():
    items = {"n": 1, "cat": "age"}, {"n": 1, "cat": "sex", "list": "ex"}
    expected = {"category": Category.AGE, "kind": CriterionKind.EXCLUSION}
    assert read([ask(1, "kind", "category")], *items) == [(1, expected)]


def test_one_value_of_a_list_is_a_list():
    ((_, values),) = read([ask(1, "constraints")], {"n": 1, "limits": "ECOG: 1"})
    assert len(values["constraints"]) == 1


def test_lines_of_several_tasks_are_each_read_as_their_own():
    questions = [ask(1, "category"), ask(2, "category", task=Task.ENDPOINTS)]
    assert read(questions, {"n": 2, "domain": "other"}, {"n": 1, "cat": "other"}) == [
        (2, {"category": EndpointCategory.OTHER}),
        (1, {"category": Category.OTHER}),
    ]


@pytest.mark.parametrize(
    ("fields", "item", "values"),
    [
        (
            ("stands", "kind", "category", "constraints", "time_windows"),
            {
                "ok": True,
                "list": "ex",
                "cat": "during",
                "limits": ["dose: > 10 mg"],
                "windows": "within 4 weeks",
            },
            {
                "stands": True,
                "kind": CriterionKind.EXCLUSION,
                "category": Category.CONCOMITANT_THERAPY,
                "constraints": (
                    Constraint(quantity="dose", comparator=">", value=10, unit="mg"),
                ),
                "time_windows": ("within 4 weeks",),
            },
        ),
        (
            ("time_windows",),
            {
                "windows": [
                    "for 4 // weeks | >= 4 week | the // pain | -",
                    "5 half-lives | <= 5 half_life",
                ]
            },
            {
                "time_windows": (
                    TimeWindow(
                        quote="for 4\nweeks",
                        comparator=">=",
                        value=4,
                        unit="week",
                        of="the\npain",
                    ),
                    TimeWindow(
                        quote="5 half-lives", comparator="<=", value=5, unit="half_life"
                    ),
                )
            },
        ),
        (
            ("stands", "kind", "category"),
            {"ok": False, "list": "in", "cat": "age"},
            {"stands": False},
        ),
        (
            ("stands", "people"),
            {"ok": False, "cat": "age", "sex": "male"},
            {"stands": False, "sex": Sex.MALE},
        ),
        (
            ("people",),
            {"min": "18 year", "healthy": False},
            {"minimum_age": ADULT, "healthy_volunteers": False},
        ),
        (
            ("category", "constraints"),
            {"ok": False, "cat": "age", "limits": ["ECOG: 1"]},
            {"stands": False},
        ),
        (("category",), {"ok": True, "cat": "age"}, {"category": Category.AGE}),
        (("lead_in",), {"under": 4}, {"lead_in": 4}),
        # Every line has a kind and a category, so they stay open; constraints that are left out are
        # known to be none.
        (
            ("kind", "category", "constraints", "time_windows"),
            {},
            {"constraints": (), "time_windows": ()},
        ),
        (
            ("category", "constraints", "time_windows"),
            {"cat": None, "limits": [], "windows": []},
            {"constraints": (), "time_windows": ()},
        ),
        (
            ("category",),
            {"cat": "age", "limits": ["no limit"], "mood": "good"},
            {"category": Category.AGE},
        ),
        (
            ("category",),
            {"cat": " Prior_Therapy "},
            {"category": Category.PRIOR_THERAPY},
        ),
    ],
)
def test_criteria(fields, item, values):
    assert read([ask(1, *fields)], {"n": "1", **item}) == [(1, values)]


DOSES = "Testimab 5 mg IV weekly, Drugamide 2 tablets daily"


def test_open_fields_of_a_known_regimen():
    fields = ("role", "amounts", "frequency", "cycle", "duration", "timing")
    item = {
        "n": 3,
        "role": "rescue",
        "dose": ["5 mg"],
        "freq": "QW",
        "cycle": "21 days",
        "for": "6 cycle",
    }
    values = {
        "role": Role.RESCUE,
        "amounts": (Amount(low=5, high=5, unit="mg"),),
        "frequency": Frequency.QW,
        "cycle": Period(value=21, unit="day"),
        "duration": Period(value=6, unit="cycle"),
        "timing": None,
    }

    question = ask(3, *fields, task=Task.DOSING, text=DOSES)

    assert read([question], item) == [(3, values)]


def test_a_line_may_hold_several_regimens():
    question = ask(3, "regimens", task=Task.DOSING, text=DOSES)

    (number, first), (other_number, second) = read(
        [question],
        {
            "n": 3,
            "quote": "Testimab // 5 mg IV",
            "agent": "Testimab",
            "role": "investigational",
            "route": "oral",
        },
        {
            "n": 3,
            "quote": "2 tablets daily",
            "agent": "Drugamide",
            "dose": ["2 tablet"],
            "freq": "QD",
        },
    )

    assert number == 3
    assert first["stands"] is True
    assert first["agent"] == "Testimab"
    assert first["quote"] == "Testimab\n5 mg IV"
    assert first["route"] is Route.ORAL
    assert "role" in first
    assert other_number == 3
    assert second["quote"] == "2 tablets daily"
    assert "role" not in second


def test_a_line_without_an_item_holds_no_regimen_if_the_reply_is_complete():
    question = ask(3, "regimens", task=Task.DOSING, text=DOSES)

    assert read([question]) == [(3, {"stands": False})]
    assert read([question], complete=False) == []


def test_arms_that_are_left_out_are_no_answer():
    question = ask(3, "regimens", task=Task.DOSING, text=DOSES)

    ((_, none), (_, both)) = read(
        [question],
        {"n": 3, "agent": "Testimab"},
        {"n": 3, "agent": "A", "arms": [1, 2]},
    )

    assert "arms" not in none
    assert none["amounts"] == ()
    assert both["arms"] == (1, 2)


def outcome_values(*fields, text=OUTCOME, **item):
    ((_, values),) = read(
        [ask(5, *fields, task=Task.ENDPOINTS, text=text)], {"n": 5, **item}
    )
    return values


def test_all_fields_of_an_outcome():
    fields = [field for field in FIELDS[Task.ENDPOINTS] if field != "split"]

    values = outcome_values(
        *fields,
        concept="OS",
        domain="efficacy",
        times=["2 year", "day 30"],
        span="up_to",
        tool="CTCAE|5.0",
        start="infusion",
        ends=["death"],
        censored=False,
        specimens=["serum"],
    )

    assert values == {
        "concept": Concept.OVERALL_SURVIVAL,
        "category": EndpointCategory.EFFICACY,
        "time_points": (
            TimePoint(value=2, unit="year"),
            TimePoint(value=30, unit="day"),
        ),
        "time_kind": TimeKind.UP_TO,
        "instrument": Instrument(name="CTCAE", version="5.0"),
        "start_event": "infusion",
        "end_events": ("death",),
        "censored": False,
        "specimens": ("serum",),
        "methods": (),
    }


@pytest.mark.parametrize(
    ("text", "split", "parts"),
    [
        ("Pain, VAS, From it, to 1., Up to 2", ("From it", "Up to 2"), ("Pain, VAS", "From it, to 1.", "Up to 2")),
        ("Pain, From it., 2 years, 30 days", ("from  IT", "30"), ("Pain", "From it., 2 "
                                                                          "years", "30 days")),
        ("Pain, day 3", (None, "day 3"), ("Pain", None, "day 3")),
        ("Pain, by diary", ("by diary...", None), ("Pain", "by diary", None)),
        ("Pain and itch", (None, None), ("Pain and itch", None, None)),
        ("Duration ,DOR, From it, 1 year", ("DOR, From", "1 year"), ("Duration", "DOR, From it", "1 year")),
        # The same words begin description and time frame: the later place is the time frame.
        ("Relapse, 1 year, after, 1 year", ("1 year", "1 year"), ("Relapse", "1 year, after", "1 year")),
        (f"Pain, {LONG}, day 3", (LONG[:99], "day"), ("Pain", LONG, "day 3")),
    ],
)  # fmt: skip
def test_an_outcome_is_split_at_first_words(text, split, parts):
    values = outcome_values(
        "split", text=text, split=dict(zip("dt", split, strict=True))
    )
    assert (values["measure"], values["description"], values["time_frame"]) == parts


@pytest.mark.parametrize(
    ("split", "message"),
    [
        (
            {"d": "From transplant"},
            "no part begins with 'From transplant' after a comma",
        ),
        ({"t": "2 years"}, "no part begins with '2 years' after a comma"),
        ({"t": "..."}, "no part begins with '...'"),
        ({"d": "30 days", "t": "Up to"}, "begins after the time frame"),
    ],
)
def test_a_split_that_does_not_stand_in_the_text_cannot_be_read(split, message):
    question = ask(5, "split", task=Task.ENDPOINTS, text=OUTCOME)
    reply = Reply.model_validate(
        {"items": [{"n": 5, "split": split}]}, context=Reply.context_of([question])
    )

    ((_, values),) = read_values([question], reply.items)

    assert list(values) == ["split"]
    assert message in values["split"].reason


@pytest.mark.parametrize(
    ("parse", "text", "expected"),
    [
        (read_limit, "age: 18 to 75 years", ("age", "between", 18, 75, "years")),
        (read_limit, "AST ≤ 2.5 x ULN", ("AST", "<=", 2.5, None, "x ULN")),
        (
            read_limit,
            "platelets: >= 75 x 10^9 /L",
            ("platelets", ">=", 75_000_000_000, None, "/L"),
        ),
        (read_limit, "prior lines: = 2", ("prior lines", "=", 2, None, None)),
        (read_limit, "T-score: < -2.5", ("T-score", "<", -2.5, None, None)),
        (read_limit, "ratio, total:HDL: < 4", ("ratio, total:HDL", "<", 4, None, None)),
        (read_amount, "300 mg/m2", (300, 300, "mg/m2")),
        (read_amount, "1 to 2 mg", (1, 2, "mg")),
        (read_amount, "up to 40 mg", (None, 40, "mg")),
        (read_amount, "1 x 10^6 - 5 x 10^6 cells", (1_000_000, 5_000_000, "cells")),
        (read_amount, "1,000 mg", (1000, 1000, "mg")),
        (read_amount, "600/100 mg", (600, 600, "mg")),
        (read_amount, "600 mg/100 mg", (600, 600, "mg")),
        (read_amount, "600 mg/100 mL", (600, 600, "mg/100 mL")),
        (read_amount, "at least 500 ug", (500, None, "ug")),
        (read_instrument, "NCCN Version 1.2015", ("NCCN", "1.2015")),
        (read_instrument, "EORTC QLQ-C30", ("EORTC QLQ-C30", None)),
        (read_instrument, "Vividness Scale", ("Vividness Scale", None)),
        (partial(read_time, TimePoint), "Week 12", (12, "week")),
        (partial(read_time, Period), "1 cycle", (1, "cycle")),
    ],
)
def test_values_are_read_from_text(parse, text, expected):
    assert tuple(parse(text).model_dump(mode="json").values()) == expected


@pytest.mark.parametrize(
    ("parse", "text", "message"),
    [
        *((read_limit, text, "write") for text in ("NYHA class: "
                                                   "high", "good function", "ECOG", ": >= 5", "")),
        *((read_amount, text, "write a dose as number and "
                              "unit") for text in ("2-none ug", "5", "mg", "few tablets")),
        *((partial(read_time, Period), text, "write a time as "
                                             "one") for text in ("2-4 weeks", "a while", "12")),
    ],
)  # fmt: skip
def test_unreadable_values_say_which_form_is_allowed(parse, text, message):
    with pytest.raises(ValueError, match=message):
        parse(text)
