"""What the wire schemas of all tasks share: narrowing, and checks against the numbers and fields asked."""

import json

import pytest
from pydantic import ValidationError

from extractor.llm.prompting.prompt import render_call
from extractor.llm.requests import Question, compact_schema
from extractor.llm.wire import WIRE_ITEMS, narrow_reply, read_answers
from extractor.schemas import Category, EndpointCategory, Task

from .samples import chunk, parsed_record


def _question(number, *fields, task=Task.ELIGIBILITY, text="Adults", options=None):
    narrowed = {field: frozenset(found) for field, found in (options or {}).items()}
    return Question(task, chunk(number, text), fields, options=narrowed)


def _item_schema(questions):
    return narrow_reply(questions).model_json_schema()["properties"]["items"]["items"]


def _validate(questions, *items):
    call = render_call(parsed_record().record, questions)
    return call, call.reply_model.model_validate({"items": items}, context=dict(call.context))


def _read(questions, *items):
    call, reply = _validate(questions, *items)
    return [(answer.chunk, dict(answer.values)) for answer in read_answers(call.questions, reply.items)]


@pytest.mark.parametrize("task", Task)
def test_schema_is_small_and_plain(task):
    item = WIRE_ITEMS[task]
    fields = tuple(field for field in item.allowance if field != "regimens")
    schema = compact_schema(narrow_reply([_question(1, *fields, task=task)]).model_json_schema())
    text = json.dumps(schema)
    assert [word for word in ("title", "description", "default", "anyOf", "null") if f'"{word}"' in text] == []
    assert len(text) < 1700
    for definition in (schema, schema["properties"]["items"]["items"], *schema.get("$defs", {}).values()):
        assert definition["additionalProperties"] is False
        assert _unbounded(definition) == []


def _unbounded(schema):
    """Keys whose strings or lists could ramble."""
    found = []
    for key, value in schema["properties"].items():
        for part in (value, value.get("items", {})):
            if part.get("type") == "string" and "enum" not in part and "maxLength" not in part:
                found.append(key)
            if part.get("type") == "array" and "maxItems" not in part:
                found.append(key)
    return found


def test_schema_has_only_the_keys_asked_and_requires_those_that_every_question_asks():
    questions = [_question(1, "category", "constraints"), _question(2, "category", "kind")]
    schema = _item_schema(questions)
    assert list(schema["properties"]) == ["n", "list", "cat", "limits"]
    assert schema["required"] == ["n", "cat"]


def test_schema_of_several_tasks_has_the_keys_of_all():
    schema = _item_schema([_question(1, "category"), _question(2, "concept", "category", task=Task.ENDPOINTS)])
    assert list(schema["properties"]) == ["n", "cat", "concept", "domain"]
    assert schema["required"] == ["n"]


def test_no_key_means_something_else_in_another_task():
    keys = [item.key(field) for item in WIRE_ITEMS.values() for field in item.allowance]
    assert len(keys) == len(set(keys))


def test_lines_of_several_tasks_are_each_read_as_their_own():
    questions = [_question(1, "category"), _question(2, "category", task=Task.ENDPOINTS)]
    assert _read(questions, {"n": 2, "domain": "other"}, {"n": 1, "cat": "other"}) == [
        (2, {"category": EndpointCategory.OTHER}),
        (1, {"category": Category.OTHER}),
    ]


def test_words_are_narrowed_to_those_between_which_the_rules_waver():
    options = ({Category.AGE, Category.SEX}, {Category.SEX, Category.OTHER})
    questions = [_question(n, "category", options={"category": found}) for n, found in enumerate(options)]
    assert _item_schema(questions)["properties"]["cat"]["enum"] == ["age", "sex", "other"]
    open_too = [*questions, _question(7, "category")]
    assert len(_item_schema(open_too)["properties"]["cat"]["enum"]) == len(Category)


def test_a_word_beyond_the_narrowed_ones_is_understood():
    question = _question(1, "category", options={"category": {Category.AGE, Category.SEX}})
    assert _read([question], {"n": 1, "cat": "infection"}) == [(1, {"category": Category.INFECTION})]


def test_what_may_not_stand_need_not_have_a_category():
    assert _item_schema([_question(1, "stands", "category")])["required"] == ["n", "ok"]


@pytest.mark.parametrize(("count", "room"), [(1, 1), (2, 2), (3, 4), (9, 16)])
def test_room_for_items_grows_in_powers_of_two(count, room):
    questions = [_question(n, "category") for n in range(count)]
    schema = narrow_reply(questions).model_json_schema()
    assert schema["properties"]["items"]["maxItems"] == room


def test_same_questions_have_the_same_model():
    one, other = ([_question(n, "category")] for n in (1, 2))
    assert narrow_reply(one) is narrow_reply(other)


def test_a_number_that_was_not_asked_is_refused_with_those_that_were():
    with pytest.raises(ValidationError, match="there is no line 7; the lines are 1, 3"):
        _validate([_question(1, "category"), _question(3, "category")], {"n": 7, "cat": "age"})


def test_a_missing_number_is_refused_by_name():
    with pytest.raises(ValidationError, match="no item for line 3; give one item for each line"):
        _validate([_question(1, "category"), _question(3, "category")], {"n": 1, "cat": "age"})


def test_a_number_answered_twice_is_refused():
    questions = [_question(n, "category") for n in (1, 2, 3)]
    items = [{"n": n, "cat": "age"} for n in (1, 2, 3, 2)]
    with pytest.raises(ValidationError, match="several items for line 2; give one item"):
        _validate(questions, *items)


def test_keys_that_were_not_asked_are_dropped_unread():
    item = {"n": "1", "cat": "age", "limits": ["not a limit at all"], "mood": "good"}
    assert _read([_question(1, "category")], item) == [(1, {"category": Category.AGE})]


def test_nulls_and_empty_values_say_that_the_text_states_nothing():
    item = {"n": 1, "cat": None, "limits": [], "window": ""}
    values = _read([_question(1, "category", "constraints", "time_window")], item)
    assert values == [(1, {"constraints": (), "time_window": None})]


def test_a_word_outside_a_closed_set_is_refused_with_the_words_that_would_do():
    with pytest.raises(ValidationError, match="'weather' is none of: age, sex, diagnosis"):
        _validate([_question(1, "category")], {"n": 1, "cat": "weather"})


@pytest.mark.parametrize("word", ["prior", "prior_therapy", " Prior_Therapy "])
def test_full_names_are_understood_too(word):
    assert _read([_question(1, "category")], {"n": 1, "cat": word}) == [(1, {"category": Category.PRIOR_THERAPY})]


def test_items_of_other_calls_are_not_read():
    asked, other = [_question(1, "category")], [_question(2, "category")]
    call, _ = _validate(asked, {"n": 1, "cat": "age"})
    _, reply = _validate(other, {"n": 2, "cat": "age"})
    assert read_answers(call.questions, reply.items) == ()
