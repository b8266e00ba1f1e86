"""What a model writes: small narrowed schemas, checks against what was asked, and values read from short strings."""

import json

import pytest
from pydantic import ValidationError

from extractor.llm.prompt import render_call
from extractor.llm.reply_models import WIRE_ITEMS, narrow_reply, read_answers
from extractor.llm.requests import Question, compact_schema
from extractor.llm.value_forms import (
    read_amount,
    read_instrument,
    read_limit,
    read_period,
    read_time_point,
)
from extractor.schemas import (
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
    Task,
    TimeKind,
    TimePoint,
)

from .samples import chunk, parsed_record

LONG = " ".join(["long words"] * 20)
OUTCOME = "Survival, overall, From infusion, to death., Up to 2 years, 30 days"


def ask(number, *fields, task=Task.ELIGIBILITY, text="Adults", options=None):
    narrowed = {field: frozenset(found) for field, found in (options or {}).items()}
    return Question(task, chunk(number, text), fields, options=narrowed)


def read(questions, *items, complete=True):
    """Number and values of each answer that the items hold."""
    call = render_call(parsed_record().record, questions)
    reply = call.reply_model.model_validate({"items": items}, context=dict(call.context))
    return [(a.chunk, dict(a.values)) for a in read_answers(call.questions, reply.items, complete=complete)]


def item_schema(*questions):
    return narrow_reply(questions).model_json_schema()["properties"]["items"]["items"]


def unbounded(schema):
    """Keys whose strings or lists could ramble."""
    for key, value in schema["properties"].items():
        for part in (value, value.get("items", {})):
            if part.get("type") == "string" and "enum" not in part and "maxLength" not in part:
                yield key
            if part.get("type") == "array" and "maxItems" not in part:
                yield key


@pytest.mark.parametrize("task", Task)
def test_schema_is_small_and_plain(task):
    fields = tuple(field for field in WIRE_ITEMS[task].allowance if field != "regimens")
    schema = compact_schema(narrow_reply([ask(1, *fields, task=task)]).model_json_schema())
    text = json.dumps(schema)
    assert [word for word in ("title", "description", "default", "anyOf", "null") if f'"{word}"' in text] == []
    assert len(text) < 1700
    for definition in (schema, schema["properties"]["items"]["items"], *schema.get("$defs", {}).values()):
        assert definition["additionalProperties"] is False
        assert list(unbounded(definition)) == []


@pytest.mark.parametrize(
    ("questions", "keys", "required"),
    [
        ([ask(1, "category", "constraints"), ask(2, "category", "kind")], ["n", "list", "cat", "limits"], ["n", "cat"]),
        (
            [ask(1, "category"), ask(2, "concept", "category", task=Task.ENDPOINTS)],
            ["n", "cat", "concept", "domain"],
            ["n"],
        ),
        ([ask(1, "stands", "category")], ["n", "ok", "cat"], ["n", "ok"]),  # what is no criterion has no category
    ],
)
def test_schema_has_only_the_keys_asked_and_requires_those_that_every_line_has(questions, keys, required):
    schema = item_schema(*questions)
    assert (list(schema["properties"]), schema["required"]) == (keys, required)


def test_no_key_means_something_else_in_another_task():
    keys = [item.key(field) for item in WIRE_ITEMS.values() for field in item.allowance]
    assert len(keys) == len(set(keys))


def test_words_are_narrowed_to_those_between_which_the_rules_waver():
    options = ({Category.AGE, Category.SEX}, {Category.SEX, Category.OTHER})
    questions = [ask(n, "category", options={"category": found}) for n, found in enumerate(options)]
    assert item_schema(*questions)["properties"]["cat"]["enum"] == ["age", "sex", "other"]
    assert len(item_schema(*questions, ask(7, "category"))["properties"]["cat"]["enum"]) == len(Category)
    assert read(questions, {"n": 0, "cat": "infection"}, {"n": 1, "cat": "sex"})[0] == (
        0,
        {"category": Category.INFECTION},
    )


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([{"n": 7, "cat": "age"}], "there is no line 7; the lines are 1, 3, 5"),
        ([{"cat": "age"}], "an item needs the number n of its line"),
        ([{"n": 1, "cat": "age"}], "no item for line 3, 5; give one item for each line"),
        ([{"n": n, "cat": "age"} for n in (1, 3, 5, 3)], "several items for line 3; give one item"),
        ([{"n": 1, "cat": "weather"}], "'weather' is none of: age, sex, diagnosis"),
        ([{"n": 1, "limits": ["good kidneys"]}], 'write a limit as "quantity: comparator number unit"'),
        ([{"n": 1, "window": "x" * 121}], "at most 120 characters"),
        ([{"n": 1, "limits": ["x" * 121]}], "longer than 120 characters"),
        ([{"n": 1, "limits": ["ECOG: 1"] * 11}], "at most 10 items"),
    ],
)
def test_invalid_replies_are_refused_with_what_is_allowed(items, message):
    fields = ("category", "constraints", "time_window")
    with pytest.raises(ValidationError, match=message):
        read([ask(number, *fields) for number in (1, 3, 5)], *items)


def test_lines_of_several_tasks_are_each_read_as_their_own():
    questions = [ask(1, "category"), ask(2, "category", task=Task.ENDPOINTS)]
    assert read(questions, {"n": 2, "domain": "other"}, {"n": 1, "cat": "other"}) == [
        (2, {"category": EndpointCategory.OTHER}),
        (1, {"category": Category.OTHER}),
    ]


def test_items_of_other_calls_are_not_read():
    call, other = (render_call(parsed_record().record, [ask(number, "category")]) for number in (1, 2))
    reply = other.reply_model.model_validate({"items": [{"n": 2, "cat": "age"}]}, context=dict(other.context))
    assert read_answers(call.questions, reply.items) == ()


@pytest.mark.parametrize(
    ("fields", "item", "values"),
    [
        (
            ("stands", "kind", "category", "constraints", "time_window"),
            {"ok": True, "list": "ex", "cat": "during", "limits": ["dose: > 10 mg"], "window": "within 4 weeks"},
            {
                "stands": True,
                "kind": CriterionKind.EXCLUSION,
                "category": Category.CONCOMITANT_THERAPY,
                "constraints": (Constraint(quantity="dose", comparator=">", value=10, unit="mg"),),
                "time_window": "within 4 weeks",
            },
        ),
        (("stands", "kind", "category"), {"ok": False, "list": "in", "cat": "age"}, {"stands": False}),
        # Every line has a kind and a category, so they stay open; constraints that are left out are known to be none.
        (("kind", "category", "constraints", "time_window"), {}, {"constraints": (), "time_window": None}),
        (
            ("category", "constraints", "time_window"),
            {"cat": None, "limits": [], "window": ""},
            {"constraints": (), "time_window": None},
        ),
        (("category",), {"cat": "age", "limits": ["no limit"], "mood": "good"}, {"category": Category.AGE}),
        (("category",), {"cat": " Prior_Therapy "}, {"category": Category.PRIOR_THERAPY}),
    ],
)
def test_criteria(fields, item, values):
    assert read([ask(1, *fields)], {"n": "1", **item}) == [(1, values)]


DOSES = "Testimab 5 mg IV weekly, Drugamide 2 tablets daily"


def test_open_fields_of_a_known_regimen():
    fields = ("role", "amounts", "frequency", "cycle", "duration", "timing")
    item = {"n": 3, "role": "rescue", "dose": ["5 mg"], "freq": "QW", "cycle": "21 days", "for": "6 cycle"}
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
    with pytest.raises(ValidationError, match="no item for line 3"):
        read([question])


def test_a_line_may_hold_several_regimens_or_none():
    question = ask(3, "regimens", task=Task.DOSING, text=DOSES)
    (one, first), (other, second) = read(
        [question],
        {"n": 3, "quote": "Testimab // 5 mg IV", "agent": "Testimab", "role": "investigational", "route": "oral"},
        {"n": 3, "quote": "2 tablets daily", "agent": "Drugamide", "dose": ["2 tablet"], "freq": "QD"},
    )
    assert (one, first["stands"], first["agent"], first["quote"]) == (3, True, "Testimab", "Testimab\n5 mg IV")
    assert first["route"] is Route.ORAL
    assert (other, second["quote"], "role" in first, "role" in second) == (3, "2 tablets daily", True, False)
    assert read([question]) == [(3, {"stands": False})]
    assert read([question], complete=False) == []


def outcome_values(*fields, text=OUTCOME, **item):
    ((_, values),) = read([ask(5, *fields, task=Task.ENDPOINTS, text=text)], {"n": 5, **item})
    return values


def test_all_fields_of_an_outcome():
    item = {"concept": "OS", "domain": "efficacy", "times": ["2 year", "day 30"], "span": "up_to", "tool": "CTCAE|5.0"}
    events = {"start": "infusion", "ends": ["death"], "censored": False, "specimens": ["serum"]}
    fields = tuple(field for field in WIRE_ITEMS[Task.ENDPOINTS].allowance if field != "split")
    assert outcome_values(*fields, **item, **events) == {
        "concept": Concept.OVERALL_SURVIVAL,
        "category": EndpointCategory.EFFICACY,
        "time_points": (TimePoint(value=2, unit="year"), TimePoint(value=30, unit="day")),
        "time_kind": TimeKind.UP_TO,
        "instrument": Instrument(name="CTCAE", version="5.0"),
        "start_event": "infusion",
        "end_events": ("death",),
        "censored": False,
        "specimens": ("serum",),
        "methods": (),
    }
    assert outcome_values("split", "concept", "category", "time_kind", "censored", "start_event", "end_events") == {
        "start_event": None,
        "end_events": (),
    }


@pytest.mark.parametrize(
    ("text", "split", "parts"),
    [
        ("Pain, VAS, From it, to 1., Up to 2", ("From it", "Up to 2"), ("Pain, VAS", "From it, to 1.", "Up to 2")),
        ("Pain, From it., 2 years, 30 days", ("from  IT", "30"), ("Pain", "From it., 2 years", "30 days")),
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
    values = outcome_values("split", text=text, split=dict(zip("dt", split, strict=True)))
    assert (values["measure"], values["description"], values["time_frame"]) == parts


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ({"d": "From transplant"}, "no part begins with 'From transplant' after a comma"),
        ({"t": "2 years"}, "no part begins with '2 years' after a comma"),
        ({"t": "..."}, "no part begins with '...'"),
        ({"d": "30 days", "t": "Up to"}, "begins after the time frame"),
    ],
)
def test_a_split_that_does_not_stand_in_the_text_is_refused(split, message):
    with pytest.raises(ValidationError, match=message):
        outcome_values("split", split=split)


@pytest.mark.parametrize(
    ("parse", "text", "expected"),
    [
        (read_limit, "age: 18 to 75 years", ("age", "between", 18, 75, "years")),
        (read_limit, "AST ≤ 2.5 x ULN", ("AST", "<=", 2.5, None, "x ULN")),
        (read_limit, "platelets: >= 75 x 10^9 /L", ("platelets", ">=", 75_000_000_000, None, "/L")),
        (read_limit, "prior lines: = 2", ("prior lines", "=", 2, None, None)),
        (read_limit, "T-score: < -2.5", ("T-score", "<", -2.5, None, None)),
        (read_limit, "ratio, total:HDL: < 4", ("ratio, total:HDL", "<", 4, None, None)),
        (read_amount, "300 mg/m2", (300, 300, "mg/m2")),
        (read_amount, "1 to 2 mg", (1, 2, "mg")),
        (read_amount, "up to 40 mg", (None, 40, "mg")),
        (read_amount, "1 x 10^6 - 5 x 10^6 cells", (1_000_000, 5_000_000, "cells")),
        (read_amount, "1,000 mg", (1000, 1000, "mg")),
        (read_amount, "at least 500 ug", (500, None, "ug")),
        (read_instrument, "NCCN Version 1.2015", ("NCCN", "1.2015")),
        (read_instrument, "EORTC QLQ-C30", ("EORTC QLQ-C30", None)),
        (read_instrument, "Vividness Scale", ("Vividness Scale", None)),
        (read_time_point, "Week 12", (12, "week")),
        (read_period, "1 cycle", (1, "cycle")),
    ],
)
def test_values_are_read_from_text(parse, text, expected):
    assert tuple(parse(text).model_dump(mode="json").values()) == expected


@pytest.mark.parametrize(
    ("parse", "text", "message"),
    [
        *((read_limit, text, "write") for text in ("NYHA class: III to IV", "good function", "ECOG", ": >= 5", "")),
        *((read_amount, text, "write a dose as number and unit") for text in ("2-none ug", "5", "mg", "few tablets")),
        *((read_period, text, "write a time as one number and a unit") for text in ("2-4 weeks", "a while", "12")),
    ],
)  # fmt: skip
def test_unreadable_values_say_which_form_is_allowed(parse, text, message):
    with pytest.raises(ValueError, match=message):
        parse(text)
