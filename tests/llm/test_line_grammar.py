"""The grammar for the lines of one call, which a model of this machine writes under."""

import pytest

from extractor.llm.client import ClientSettings, Model
from extractor.llm.recordings import RecordingTransport, ReplayTransport
from extractor.llm.requests import AnswerMode, Question, mode_of
from extractor.llm.transport import NetworkTransport
from extractor.llm.wire import WIRE_ITEMS, write_grammar
from extractor.llm.wire.line_grammar import describe_line
from extractor.schemas import Category, Task

from .colours import GRAMMAR, ask_about, model_of, render
from .samples import chunk
from .stub import completion, fault, items, serve

RED = {"n": 1, "colour": "red"}


def question(number, *fields, task=Task.ELIGIBILITY, text="Adults", options=None):
    narrowed = {field: frozenset(found) for field, found in (options or {}).items()}
    return Question(task, chunk(number, text), fields, options=narrowed)


def doses(number, text):
    return question(number, "regimens", task=Task.DOSING, text=text)


def rules_of(*questions):
    """The rules by name, those of the items without their schemas."""
    rules = dict(rule.split(": ", 1) for rule in write_grammar(questions).splitlines()[1:])
    return {name: rule for name, rule in rules.items() if not name.startswith("item_")}


def test_a_line_has_its_own_number_and_keys_in_the_order_of_the_wire():
    line = describe_line(question(3, "constraints", "category"))
    assert line["properties"]["n"] == {"enum": [3]}
    assert list(line["properties"]) == ["n", "cat", "limits"]
    assert line["additionalProperties"] is False


@pytest.mark.parametrize(
    ("asked", "required"),
    [
        (question(1, "category", "constraints"), ["n", "cat"]),
        (question(1, "stands", "category"), ["n", "ok"]),
        (question(1, "instrument", task=Task.ENDPOINTS), ["n"]),
    ],
)
def test_a_line_must_have_what_every_such_line_has(asked, required):
    assert describe_line(asked)["required"] == required


def test_words_are_those_between_which_the_rules_waver_on_this_very_line():
    narrowed = describe_line(question(1, "category", options={"category": {Category.AGE, Category.OTHER}}))
    assert narrowed["properties"]["cat"]["enum"] == ["age", "other"]
    assert len(describe_line(question(2, "category"))["properties"]["cat"]["enum"]) == len(Category)


def test_a_line_needs_no_other_definitions():
    line = describe_line(question(1, "split", task=Task.ENDPOINTS))
    assert line["properties"]["split"]["properties"].keys() == {"d", "t"}


def test_each_line_is_answered_once_and_in_order():
    assert rules_of(question(4, "category"), question(9, "category")) == {
        "start": r'"{\"items\":[" first_0 "]}"',
        "first_0": "item_0 after_1",
        "after_0": '"," item_0 after_1',
        "first_1": "item_1",
        "after_1": '"," item_1',
    }


def test_a_line_may_hold_no_regimen_and_not_many_more_than_numbers():
    rules = rules_of(doses(1, "10 mg, then 20 mg"), question(2, "category"), doses(3, "Saline"))
    assert rules["list_0"] == 'item_0 ("," item_0){0,2}'
    assert rules["first_0"] == "list_0 after_1 | first_1"
    assert rules["after_2"] == '("," list_2)?'
    assert rules["list_2"] == "item_2"
    assert rules_of(doses(1, "10 mg"))["first_0"] == "list_0?"


def test_values_with_numbers_are_not_many_more_than_numbers():
    line = describe_line(question(1, "constraints", "time_window", text="Creatinine below 2 mg/dl"))
    assert line["properties"]["limits"]["maxItems"] == 2
    many = describe_line(question(1, "constraints", text=" ".join(map(str, range(30)))))
    assert many["properties"]["limits"]["maxItems"] == 10


@pytest.mark.parametrize("text", ["Saline", "5 mg", "1 mg, 2 mg, 3 mg, 4 mg, 5 mg, 6 mg, 7 mg, 8 mg, 9 mg"])
def test_every_grammar_is_one_that_llguidance_reads(text):
    """llama.cpp says nothing of one that it cannot read, and lets the model write what it likes."""
    llguidance = pytest.importorskip("llguidance", reason="comes with the extra `dev`")
    criterion = question(1, *WIRE_ITEMS[Task.ELIGIBILITY].allowance, text=text)
    outcome = question(3, *WIRE_ITEMS[Task.ENDPOINTS].allowance, task=Task.ENDPOINTS, text=text)
    dose = doses(2, text)
    known = question(4, "agent", "amounts", "timing", task=Task.DOSING, text=text)
    for asked in ([criterion], [dose], [dose, doses(5, text)], [criterion, dose, outcome], [known, dose]):
        _, rules = write_grammar(asked).split("\n", 1)
        assert llguidance.LLMatcher.validate_grammar(rules) == ""


async def test_a_grammar_is_sent_instead_of_a_response_format():
    with serve([completion(items(RED))]) as stub:
        reply = await model_of(stub, ClientSettings(mode=AnswerMode.LINES)).complete(ask_about(1), render)
    (request,) = stub.requests
    assert "response_format" not in request
    assert request["grammar"] == GRAMMAR
    assert mode_of(request) is AnswerMode.LINES
    assert [item.n for item in reply.items] == [1]


async def test_a_server_that_knows_no_such_grammar_is_told_a_schema():
    def answer(request):
        return fault(400, "failed to parse grammar") if "grammar" in request else completion(items(RED))

    with serve(answer) as stub:
        model = model_of(stub, ClientSettings(mode=AnswerMode.LINES))
        await model.complete(ask_about(1), render)
        await model.complete(ask_about(1), render)
    assert list(map(mode_of, stub.requests)) == [AnswerMode.LINES, AnswerMode.JSON_SCHEMA, AnswerMode.JSON_SCHEMA]


@pytest.mark.parametrize("mode", [AnswerMode.LINES, AnswerMode.JSON_SCHEMA])
async def test_an_answer_under_a_grammar_is_replayed_without_it(tmp_path, mode):
    with serve([completion(items(RED))]) as stub:
        asked = ClientSettings(mode=AnswerMode.LINES)
        recorder = Model(stub.spec, asked, transport=lambda: RecordingTransport(tmp_path, NetworkTransport()))
        recorded = await recorder.complete(ask_about(1), render)
    player = Model(stub.spec, ClientSettings(mode=mode), transport=lambda: ReplayTransport(tmp_path))
    assert await player.complete(ask_about(1), render) == recorded
