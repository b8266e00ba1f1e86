"""What a prompt shows as a worked example, or a model invents, never becomes a value of a record."""

from enum import StrEnum

import pytest

from extractor.ground.check import Answer, ground_answer
from extractor.llm.prompt import load_prompt
from extractor.llm.recheck import drop_repeated
from extractor.llm.reply_models import WIRE_ITEMS, read_answers
from extractor.parse import parse_record
from extractor.schemas import (
    Amount,
    Category,
    Comparator,
    Constraint,
    FindingKind,
    Instrument,
    Part,
    Period,
    Role,
    Section,
    Source,
    Task,
    TimePoint,
    TimeUnit,
    TrialRecord,
)

RECORD = parse_record(
    TrialRecord(
        record_id="x",
        source=Source(path="x", format="flat"),
        sections=(
            Section(name="eligibility", text="Inclusion Criteria:\n\n* Willing to walk"),
            Section(name="arms[0]", text="Fictumab 300 mg orally", parts=(Part(name="description", start=0, end=22),)),
            Section(name="primary_outcomes[0]", text="Walking\nWeek 7", parts=(Part(name="measure", start=0, end=7),)),
        ),
    )
)
CHUNKS = {
    Task.ELIGIBILITY: RECORD.eligibility.criteria[0].chunk,
    Task.DOSING: RECORD.dosing.regimens[0].chunk,
    Task.ENDPOINTS: RECORD.outcomes[0].chunk,
}
INVENTED = {
    "constraints": (Constraint(quantity="steps", comparator=Comparator.AT_LEAST, value=4, unit=None),),
    "time_window": "within 4 weeks",
    "quote": "Testimab 5 mg/kg",
    "agent": "Testimab",
    "amounts": (Amount(low=5, high=5, unit="mg/kg"),),
    "cycle": Period(value=21, unit=TimeUnit.DAY),
    "duration": Period(value=6, unit=TimeUnit.CYCLE),
    "timing": "on day 1",
    "measure": "Graft-free time",
    "description": "From transplant to graft failure",
    "time_frame": "Up to 2 years",
    "time_points": (TimePoint(value=2, unit=TimeUnit.YEAR),),
    "instrument": Instrument(name="VAS", version="2.0"),
    "start_event": "transplant",
    "end_events": ("graft failure",),
    "specimens": ("marrow",),
    "methods": ("qPCR",),
}
"""A value for every field of the wire forms that is no member of a closed set; none stands in the record."""
CLOSED = {"stands", "kind", "role", "route", "frequency", "concept", "category", "time_kind", "censored"}
EXAMPLES = [(task, example) for task, prompt in load_prompt().tasks.items() for example in prompt.examples]


def _ground(task, values):
    return ground_answer(Answer(task, CHUNKS[task].number, values), RECORD, CHUNKS[task])


def _answer_examples(task, example):
    """The example's answers, as if a model gave them for a line of the record."""
    number, text = example.question.chunk.number, example.question.chunk.text
    context = {"fields": {number: WIRE_ITEMS[task].expand(example.question.fields)}, "texts": {number: text}}
    items = [WIRE_ITEMS[task].model_validate(raw, context=context) for raw in example.answer]
    return [_ground(task, answer.values) for answer in read_answers([example.question], items)]


def _says(value):
    """Whether a value has words or numbers of its own, and is no member of a closed set."""
    return bool(value) and not isinstance(value, bool | StrEnum)


def _list_open_fields():
    for task, item in WIRE_ITEMS.items():
        fields = item.expand(["regimens"]) if task is Task.DOSING else set(item.allowance) - {"split"}
        fields |= {"measure", "description", "time_frame"} if task is Task.ENDPOINTS else set()
        yield from ((task, name) for name in sorted(fields - CLOSED))


@pytest.mark.parametrize(("task", "name"), [*_list_open_fields()])
def test_what_the_record_does_not_say_is_kept_out_and_told(task, name):
    grounded = _ground(task, {name: INVENTED[name]})
    assert not grounded.readings
    assert [rejection.field for rejection in grounded.rejections] == [name]


@pytest.mark.parametrize(("task", "example"), EXAMPLES)
def test_no_text_or_number_of_an_example_becomes_a_value(task, example):
    for grounded in _answer_examples(task, example):
        assert [name for name, reading in grounded.readings.items() if _says(reading.value)] == []


@pytest.mark.parametrize("values", [{"agent": "Testimab"}, {"agent": "TESTIMAB", "timing": "on day 1"}])
def test_words_of_closed_sets_go_with_an_answer_that_repeats_an_example(values):
    dropped = drop_repeated(_ground(Task.DOSING, values | {"role": Role.PLACEBO}))
    assert not dropped.readings
    assert FindingKind.EXAMPLE_REPEATED in {rejection.kind for rejection in dropped.rejections}


def test_an_answer_that_is_merely_wrong_keeps_its_other_values():
    grounded = _ground(Task.DOSING, {"agent": "Otherumab", "role": Role.PLACEBO})
    assert drop_repeated(grounded) == grounded
    assert grounded.readings["role"].value is Role.PLACEBO


def test_an_example_that_the_record_itself_states_is_no_leak():
    grounded = _ground(Task.ELIGIBILITY, {"category": Category.OTHER})
    assert drop_repeated(grounded) is grounded


def test_examples_have_numbers_that_no_line_of_a_record_has():
    assert min(example.question.chunk.number for _, example in EXAMPLES) > 900
