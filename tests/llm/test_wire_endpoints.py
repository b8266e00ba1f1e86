import pytest
from pydantic import ValidationError

from extractor.llm.prompting.prompt import render_call
from extractor.llm.requests import Question
from extractor.llm.wire import read_answers
from extractor.llm.wire.endpoints import CATEGORIES, CONCEPTS, TIME_KINDS, cut_outcome
from extractor.llm.wire.forms import read_instrument, read_time_point
from extractor.schemas import Concept, EndpointCategory, Instrument, Task, TimeKind, TimePoint

from .samples import chunk, parsed_record

TEXT = "Survival, overall, From infusion, to death., Up to 2 years, 30 days"


def _values(fields, text=TEXT, **item):
    call = render_call(parsed_record().record, [Question(Task.ENDPOINTS, chunk(5, text), fields)])
    reply = call.reply_model.model_validate({"items": [{"n": 5, **item}]}, context=dict(call.context))
    (answer,) = read_answers(call.questions, reply.items)
    return dict(answer.values)


def test_every_member_has_a_word():
    assert (set(CONCEPTS.values()), set(CATEGORIES.values()), set(TIME_KINDS.values())) == (
        set(Concept),
        set(EndpointCategory),
        set(TimeKind),
    )


def test_all_fields():
    item = {
        "concept": "OS",
        "domain": "efficacy",
        "times": ["2 year", "day 30"],
        "span": "up_to",
        "tool": "CTCAE | 5.0",
    }
    events = {"start": "infusion", "ends": ["death"], "censored": False, "specimens": ["serum"]}
    fields = ("concept", "category", "time_points", "time_kind", "instrument")
    more = ("start_event", "end_events", "censored", "specimens", "methods")
    assert _values(fields + more, **item, **events) == {
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


def test_fields_that_every_outcome_has_stay_open_without_answer():
    fields = ("split", "concept", "category", "time_kind", "censored", "start_event", "end_events")
    assert _values(fields) == {"start_event": None, "end_events": ()}


@pytest.mark.parametrize(
    ("text", "split", "parts"),
    [
        (
            TEXT,
            {"d": "From infusion", "t": "Up to 2"},
            ("Survival, overall", "From infusion, to death.", "Up to 2 years, 30 days"),
        ),
        (
            TEXT,
            {"d": "from  INFUSION", "t": "30"},
            ("Survival, overall", "From infusion, to death., Up to 2 years", "30 days"),
        ),
        ("Pain, day 3", {"t": "day 3"}, ("Pain", None, "day 3")),
        ("Pain, day 3", {"d": None, "t": "day 3"}, ("Pain", None, "day 3")),
        ("Pain, by diary", {"d": "by diary..."}, ("Pain", "by diary", None)),
        ("Pain and itch", {}, ("Pain and itch", None, None)),
        (
            "Duration ,DOR, From response, 1 year",
            {"d": "DOR, From", "t": "1 year"},
            ("Duration", "DOR, From response", "1 year"),
        ),
        # The same words begin description and time frame: the later place is the time frame.
        (
            "Relapse, 1 year, after infusion, 1 year",
            {"d": "1 year", "t": "1 year"},
            ("Relapse", "1 year, after infusion", "1 year"),
        ),
        (
            "Pain, " + "long words " * 20 + ", day 3",
            {"d": "long words " * 9, "t": "day"},
            ("Pain", ("long words " * 20).strip(), "day 3"),
        ),
    ],
)
def test_split_by_first_words(text, split, parts):
    values = _values(("split",), text, split=split or {"d": None})
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
def test_a_split_that_is_not_in_the_text_is_refused_with_advice(split, message):
    with pytest.raises(ValidationError, match=message):
        _values(("split",), split=split)


def test_the_three_parts_lose_no_character_but_the_commas_between_them():
    parts = cut_outcome(TEXT, "From infusion", "Up to")
    assert ", ".join(parts.values()) == TEXT


@pytest.mark.parametrize(
    ("text", "name", "version"),
    [
        ("CTCAE | 5.0", "CTCAE", "5.0"),
        ("CTCAE|v", "CTCAE", "v"),
        ("CTCAE |", "CTCAE", None),
        ("NCCN Version 1.2015", "NCCN", "1.2015"),
        ("RECIST v1.1", "RECIST", "1.1"),
        ("EORTC QLQ-C30", "EORTC QLQ-C30", None),
        ("Vividness Scale", "Vividness Scale", None),
    ],
)
def test_instruments_are_read_from_text(text, name, version):
    assert read_instrument(text) == Instrument(name=name, version=version)


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [("30 day", 30, "day"), ("Week 12", 12, "week"), ("6 months", 6, "month"), ("cycle 1", 1, "cycle")],
)
def test_time_points_are_read_from_text(text, value, unit):
    assert read_time_point(text) == TimePoint(value=value, unit=unit)
