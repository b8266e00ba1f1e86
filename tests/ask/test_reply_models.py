"""The reply schema: items for numbered lines, with values that are read from short strings."""

import json

import pytest
from pydantic import TypeAdapter

from extractor.assembly.check import UnreadableValue
from extractor.model.asking.answers import read_items, read_silence
from extractor.model.asking.prompt import load_prompt
from extractor.model.asking.reply_models import FIELDS, FORMS, Reply, list_choice_words
from extractor.model.calls import estimate_tokens, schema_of
from extractor.model.completions import Completion, Ending
from extractor.schemas import Category, Task, ValueKind, list_fields
from tests.tables import read_cases

from .samples import CALL, Lines, ask, read_answers

CASES = read_cases(__file__)
OUTCOME = "Survival, overall, From infusion, to death., Up to 2 years, 30 days"
DOSES = "Testimab 5 mg IV weekly, Drugamide 2 tablets daily"


def read(questions, *items):
    """Number and values of each answer that the items hold."""
    return [(q.number, values) for q, values in read_answers(questions, items)]


def as_plain(values):
    """The values as JSON, without what is usual."""
    dump = json.dumps(values, default=lambda one: one.model_dump(exclude_defaults=True))
    return json.loads(dump)


def test_the_schema_of_a_reply_has_a_key_for_each_field_that_is_asked():
    schema = Reply.model_json_schema()["$defs"]["Item"]["properties"]
    infos = [info for task in Task for info in list_fields(task)]
    asked = {i.key for i in infos if i.question == i.name}
    assert schema.keys() == asked | {
        *("n", "ok", "under", "rule", "split", "quote"),
        *("rank", "time_frame"),
        *("min", "max", "sex", "healthy"),
    }
    for form in (form for forms in FORMS.values() for form in forms.values()):
        is_array = TypeAdapter(form.kind).json_schema().get("type") == "array"
        assert (schema[form.key].get("type") == "array") is is_array, form.key


def test_each_member_of_a_closed_set_has_one_word():
    """A word that the schema lists is read by its name, wherever it stands in the list."""
    for task in Task:
        for info in list_fields(task):
            if info.kind is ValueKind.CHOICE and info.name in FORMS[task]:
                words = list_choice_words(info)
                assert sorted(words.values()) == sorted(info.type), info.path


def test_the_static_part_of_a_call_is_small_and_plain():
    text = json.dumps(json.loads(schema_of(Reply)), separators=(",", ":"))
    for word in ("title", "description", "default", "anyOf", "null"):
        assert f'"{word}"' not in text
    assert estimate_tokens(load_prompt().system) + estimate_tokens(text) <= 7000


CRITERION = ("stands", "kind", "category", "constraints", "time_windows")


@pytest.mark.parametrize(("fields", "item", "values"), CASES["criteria"])
def test_criteria(fields, item, values):
    """What is no criterion has no fields of one, and may speak of the participants. Every line has
    a kind and a category, so they stay open; limits that are left out are known to be none. Keys
    that were not asked are not read; words are understood in any case, and in full.
    """
    assert as_plain(read([ask(1, *fields)], {"n": "1", **item})) == [[1, values]]


@pytest.mark.parametrize(("item", "values"), CASES["regimens"])
def test_regimens_of_a_line(item, values):
    question = ask(3, "regimens", task=Task.DOSING, text=DOSES)
    (_, full), (_, bare) = read([question], item, {"n": 3, "agent": "Drugamide"})
    assert as_plain(full) == values
    # a role and arms that are left out are no answer
    assert full.keys() - bare.keys() == {"role", "arms"}
    assert read([question], {"n": 3, "ok": True}) == []
    assert read_silence(question) == {"stands": False}


def outcome_values(*fields, text=OUTCOME, **item):
    ((_, values),) = read(
        [ask(5, *fields, task=Task.ENDPOINTS, text=text)], {"n": 5, **item}
    )
    return values


@pytest.mark.parametrize(("item", "values"), CASES["outcomes"])
def test_all_fields_of_an_outcome(item, values):
    fields = [field for field in FIELDS[Task.ENDPOINTS] if field != "split"]
    silent = outcome_values(*fields)
    kinetics = outcome_values(*fields, **item | {"concept": "PK"})
    assert as_plain(outcome_values(*fields, **item)) == values
    # a closed word that is left out stays open, other fields are none
    assert values.keys() - silent.keys() == {"concept", "category", "time_kind"}
    assert (silent["censored"], silent["start_event"]) == (False, None)
    # Tmax is a time, but no time to an event
    assert (kinetics["start_event"], kinetics["end_events"]) == (None, None)


def test_lines_of_several_tasks_are_each_read_as_their_own():
    questions = [ask(1, "category"), ask(2, "category", task=Task.ENDPOINTS)]
    found = read(questions, {"n": 2, "domain": "safety"}, {"n": 1, "cat": "age"})
    assert found == [(2, {"category": "safety"}), (1, {"category": "age"})]


FULL = {"n": 1, "list": "in", "cat": "lab"}


@pytest.mark.parametrize(
    "items",
    [[{"n": 1, "cat": None}, FULL], [FULL, {"n": 1}], [FULL, FULL]],
    ids=["empty first", "empty last", "equal"],
)
def test_of_several_items_of_a_line_later_ones_add_what_is_missing(items):
    question = ask(1, "kind", "category")
    assert read([question], *items) == read([question], FULL)


@pytest.mark.parametrize(("item", "field"), CASES["wrongs"])
def test_a_value_in_no_readable_form_costs_only_itself(item, field):
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
    assert len(unreadable) == 1
    if field == "constraints":
        assert [one for one in members if one not in unreadable] == list(wanted)
    assert values == expected


@pytest.mark.parametrize(("text", "split", "parts"), CASES["splits"])
def test_an_outcome_is_split_at_first_words_that_its_text_has(text, split, parts):
    written = dict(zip("dt", split, strict=True))
    values = outcome_values("split", text=text, split=written)
    if parts is None:
        assert isinstance(values.pop("split"), UnreadableValue)
        assert values == {}
    else:
        assert [values[p] for p in ("measure", "description", "time_frame")] == parts


def test_each_item_is_judged_on_its_own():
    items = [{"n": 1, "cat": "age"}, {"n": "3", "cat": "sex"}, {"n": 4, "cat": "age"}]
    lines = Lines([ask(number, "category") for number in (1, 2, 3)])

    def read_text(items):
        answer = Completion(json.dumps({"items": items}), Ending.COMPLETE)
        reply = read_items(answer, CALL, lines, range(1, 4))
        return [item.n for item in reply.items], reply.dropped

    assert read_text(items) == ([1, 3], ((4, "was not asked about"),))
    broken = (None, "the answer is empty, is not JSON, or contains no items")
    assert read_text([items[0], {"cat": "age"}]) == ([1], (broken,))


def test_a_key_that_no_item_has_is_told_and_costs_only_itself():
    item = {"n": 1, "cat": "age", "mood": "good", "unknown": 1}
    lines = Lines([ask(1, "category")])
    answer = Completion(json.dumps({"items": [item]}), Ending.COMPLETE)
    reply = read_items(answer, CALL, lines, range(1, 2))
    assert [item.values for item in reply.items] == [{"cat": Category.AGE}]
    told = "line 1 has unknown keys, which were not read: mood, unknown"
    assert (reply.remarks, reply.dropped) == ((told,), ())
