"""The reply schema: items for numbered lines, with values that are read from short strings."""

import json

import pytest

from extractor.assembly.check import UnreadableValue
from extractor.model.asking.answers import read_items, read_silence, read_values
from extractor.model.asking.prompt import Trial, load_prompt, render_call
from extractor.model.asking.reply_models import FIELDS, FORMS, Reply
from extractor.model.calls import estimate_tokens, schema_of
from extractor.model.completions import Completion, Ending
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

from .samples import ask

ADULT = Age(value=18, unit="year")
LONG = " ".join(["long words"] * 20)
OUTCOME = "Survival, overall, From infusion, to death., Up to 2 years, 30 days"
DOSES = "Testimab 5 mg IV weekly, Drugamide 2 tablets daily"
LIMIT = Constraint(quantity="ECOG", comparator="=", value=1)


def read(questions, *items):
    """Number and values of each answer that the items hold."""
    reply = Reply.model_validate({"items": items})
    return [(q.number, values) for q, values in read_values(questions, reply.items)]


def test_the_schema_of_a_reply_has_a_key_for_each_field_that_is_asked():
    schema = Reply.model_json_schema()["$defs"]["Item"]["properties"]
    infos = [info for task in Task for info in list_fields(task)]
    asked = {i.metadata.key or i.name for i in infos if i.metadata.question == i.name}
    assert schema.keys() == asked | {
        *("n", "ok", "under", "rule", "split", "quote"),
        *("min", "max", "sex", "healthy"),
    }
    for task in Task:
        for info in list_fields(task):
            form = FORMS[task].get(info.name)
            if form and form.key in schema:
                assert (schema[form.key]["type"] == "array") is form.many


def test_the_static_part_of_a_call_is_small_and_plain():
    text = json.dumps(json.loads(schema_of(Reply)), separators=(",", ":"))
    for word in ("title", "description", "default", "anyOf", "null"):
        assert f'"{word}"' not in text
    assert estimate_tokens(load_prompt().system) + estimate_tokens(text) <= 6100


CRITERION = ("stands", "kind", "category", "constraints", "time_windows")
WINDOWS = ["for 4 // weeks | >= 4 week | the // pain | -"]
FOR = TimeWindow(
    quote="for 4\nweeks", comparator=">=", value=4, unit="week", of="the\npain"
)


@pytest.mark.parametrize(
    ("fields", "item", "values"),
    [
        (
            CRITERION[:4],
            {"ok": True, "list": "ex", "cat": "during", "limits": ["ECOG: 1"]},
            {
                "stands": True,
                "kind": CriterionKind.EXCLUSION,
                "category": Category.CONCOMITANT_THERAPY,
                "constraints": (LIMIT,),
            },
        ),
        (("time_windows",), {"windows": WINDOWS}, {"time_windows": (FOR,)}),
        # What is no criterion has no fields of one, and may speak of the participants.
        (CRITERION, {"ok": False, "list": "in", "cat": "age"}, {"stands": False}),
        (
            ("stands", "people"),
            {"ok": False, "cat": "age", "sex": "male"},
            {"stands": False, "sex": Sex.MALE},
        ),
        (("people",), {"min": "18 year"}, {"minimum_age": ADULT}),
        (("lead_in",), {"under": 4}, {"lead_in": 4}),
        (("constraints",), {"limits": "ECOG: 1"}, {"constraints": (LIMIT,)}),
        # Every line has a kind and a category, so they stay open; constraints that are left out are
        # known to be none.
        (CRITERION[1:4], {"cat": None, "limits": []}, {"constraints": ()}),
        # Keys that were not asked are not read; words are understood in any case, and in full.
        (
            ("category",),
            {"cat": " Prior_Therapy ", "limits": ["no limit"], "mood": "good"},
            {"category": Category.PRIOR_THERAPY},
        ),
    ],
)
def test_criteria(fields, item, values):
    assert read([ask(1, *fields)], {"n": "1", **item}) == [(1, values)]


def test_regimens_of_a_line():
    question = ask(3, "regimens", task=Task.DOSING, text=DOSES)
    item = {
        "n": 3,
        "quote": "Testimab // 5 mg IV",
        "agent": "Testimab",
        "role": "rescue",
        "dose": ["5 mg"],
        "arms": [1, 2],
    }
    item |= {"route": "oral", "freq": "QW", "cycle": "21 days", "for": "6 cycle"}

    (_, full), (_, bare) = read([question], item, {"n": 3, "agent": "Drugamide"})

    assert full == {
        "stands": True,
        "quote": "Testimab\n5 mg IV",
        "agent": "Testimab",
        "role": Role.RESCUE,
        "arms": (1, 2),
        "amounts": (Amount(low=5, high=5, unit="mg"),),
        "route": Route.ORAL,
        "frequency": Frequency.QW,
        "timing": None,
        "cycle": Period(value=21, unit="day"),
        "duration": Period(value=6, unit="cycle"),
    }
    # a role and arms that are left out are no answer
    assert full.keys() - bare.keys() == {"role", "arms"}
    assert read([question], {"n": 3, "ok": True}) == []
    assert list(read_silence([question])) == [(question, {"stands": False})]


def outcome_values(*fields, text=OUTCOME, **item):
    ((_, values),) = read(
        [ask(5, *fields, task=Task.ENDPOINTS, text=text)], {"n": 5, **item}
    )
    return values


def test_all_fields_of_an_outcome():
    fields = [field for field in FIELDS[Task.ENDPOINTS] if field != "split"]
    item = {
        "concept": "OS",
        "domain": "efficacy",
        "times": ["2 year", "day 30"],
        "span": "up_to",
        "tool": "CTCAE|5.0",
    }
    item |= {
        "start": "infusion",
        "ends": ["death"],
        "censored": True,
        "specimens": ["serum"],
    }

    values = outcome_values(*fields, **item)
    silent = outcome_values(*fields)
    kinetics = outcome_values(*fields, **item | {"concept": "PK"})

    assert values == {
        "concept": Concept.OVERALL_SURVIVAL,
        "category": EndpointCategory.EFFICACY,
        "time_kind": TimeKind.UP_TO,
        "time_points": (
            TimePoint(value=2, unit="year"),
            TimePoint(value=30, unit="day"),
        ),
        "instrument": Instrument(name="CTCAE", version="5.0"),
        "start_event": "infusion",
        "end_events": ("death",),
        "censored": True,
        "specimens": ("serum",),
        "methods": (),
    }
    # a closed word that is left out stays open, other fields are none
    assert values.keys() - silent.keys() == {"concept", "category", "time_kind"}
    assert (silent["censored"], silent["start_event"]) == (False, None)
    # Tmax is a time, but no time to an event
    assert (kinetics["start_event"], kinetics["end_events"]) == (None, None)


def test_lines_of_several_tasks_are_each_read_as_their_own():
    questions = [ask(1, "category"), ask(2, "category", task=Task.ENDPOINTS)]
    items = ({"n": 2, "domain": "other"}, {"n": 1, "cat": "other"})
    assert read(questions, *items) == [
        (2, {"category": EndpointCategory.OTHER}),
        (1, {"category": Category.OTHER}),
    ]


FULL = {"n": 1, "list": "in", "cat": "lab"}


@pytest.mark.parametrize(
    "items",
    [[{"n": 1, "cat": None}, FULL], [FULL, {"n": 1}], [FULL, FULL | {"list": "ex"}]],
    ids=["empty first", "empty last", "contradicting"],
)
def test_of_several_items_of_a_line_later_ones_add_what_is_missing(items):
    question = ask(1, "kind", "category")
    assert read([question], *items) == read([question], FULL)


@pytest.mark.parametrize(
    ("item", "field", "message"),
    [
        (
            {"cat": "weather"},
            "category",
            "'weather' is not one of: age, sex, diagnosis",
        ),
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
    well = {
        "ok": True,
        "list": "in",
        "cat": "age",
        "limits": ["ECOG: 1"],
        "windows": ["for 4 weeks"],
    }
    ((_, expected),) = read([ask(1, *CRITERION)], {"n": 1} | well)

    ((_, values),) = read([ask(1, *CRITERION)], {"n": 1} | well | item)

    value, wanted = values.pop(field), expected.pop(field)
    members = value if isinstance(value, tuple) else [value]
    unreadable = [one for one in members if isinstance(one, UnreadableValue)]
    assert [message in one.reason for one in unreadable] == [True]
    if field == "constraints":
        assert [one for one in members if one not in unreadable] == list(wanted)
    assert values == expected


@pytest.mark.parametrize(
    ("text", "split", "parts"),
    [
        ("Pain, It, to 1., to 2", ("It", "to 2"), ("Pain", "It, to 1.", "to 2")),
        ("Pain, day 3", (None, "day 3"), ("Pain", None, "day 3")),
        ("Pain and itch", (None, None), ("Pain and itch", None, None)),
        # The same words begin description and time frame: the later place is the time frame.
        ("Ill, 1 d, later, 1 d", ("1 d", "1 d"), ("Ill", "1 d, later", "1 d")),
        (f"Pain, {LONG}, day 3", (LONG[:99], "day"), ("Pain", LONG, "day 3")),
        (OUTCOME, ("From transplant", None), "no part begins with 'From transplant'"),
        (OUTCOME, ("30 days", "Up to"), "begins after the time frame"),
    ],
)
def test_an_outcome_is_split_at_first_words_that_its_text_has(text, split, parts):
    written = dict(zip("dt", split, strict=True))
    values = outcome_values("split", text=text, split=written)
    if isinstance(parts, str):
        assert parts in values.pop("split").reason
        assert values == {}
    else:
        assert (
            tuple(values[p] for p in ("measure", "description", "time_frame")) == parts
        )


def test_each_item_is_judged_on_its_own():
    items = [{"n": 1, "cat": "age"}, {"n": "3", "cat": "sex"}, {"n": 4, "cat": "age"}]
    questions = [ask(1, "category"), ask(3, "category")]
    call = render_call(Trial("x"), questions)

    def read_text(items):
        answer = Completion(json.dumps({"items": items}), Ending.COMPLETE)
        reply = read_items(answer, call, questions)
        return [item.n for item in reply.items], reply.dropped

    assert read_text(items) == ([1, 3], ((4, "was not asked about"),))
    broken = (None, "the answer is empty or not JSON with items")
    assert read_text([items[0], {"cat": "age"}]) == ([1], (broken,))
