"""What a model that was tuned on this program's questions is asked, and how: as it was taught, and no otherwise."""

import json
import math
from dataclasses import replace

import pytest

from extractor.ask.answer_mode import AnswerMode
from extractor.ask.call import Reply
from extractor.ask.inquire import inquire, inquire_about
from extractor.ask.interview import interview, put_questions
from extractor.ask.keeping.recording import RecordingTransport, recorded_model
from extractor.ask.model import AskSettings, Model
from extractor.ask.opening import ModelChoice, open_model, served_name
from extractor.ask.plan.estimate import estimate_questions
from extractor.ask.plan.questions import REGIMEN_FIELDS, pack_for, plan_questions
from extractor.ask.plan.request_sizes import LINE, measure_call
from extractor.ask.prompting.lines import estimate_tokens, render_line
from extractor.ask.prompting.prompt import choose_render, render_call, render_tuned
from extractor.ask.prompting.prompt_files import load_frame, load_prompt
from extractor.ask.spec import ModelSpec
from extractor.ask.wire import WIRE_ITEMS
from extractor.assemble.policy import ModelClass, classify_model
from extractor.errors import CassetteError, CassetteMiss
from extractor.options import Assist, ExtractionOptions
from extractor.parse import parse_record
from extractor.parse.parsed import Reading
from extractor.read import read_records
from extractor.schemas import Category, Role, Section, Task, Usage
from tests.commands import extractor

from .colours import ask_about, patient, render
from .samples import OPEN, chunk, criterion, outcome, parsed_record, regimen, unsure, with_parts
from .stub import completion, items, serve

TASKS = frozenset(Task)
TUNED, CAPABLE, SMALL = ModelClass.TUNED, ModelClass.CAPABLE, ModelClass.SMALL
NAME = "registry-135m"
SYSTEM = load_frame("tuned").system.template.strip()
STUDY = parse_record(next(read_records("tests/records/study.json")))


def plan(*parsed_items, assist=Assist.AUTO, candidates=()):
    return plan_questions(parsed_record(*parsed_items, candidates=candidates), ExtractionOptions(assist=assist), TUNED)


def doses(**readings):
    return [regimen(n, f"Drugamide {n} mg by mouth once daily", f"arms[{n}]", **readings) for n in (1, 2)]


def test_each_regimen_is_asked_about_by_itself():
    candidates = (chunk(7, "2 scoops of Testimab", "arms[7]"),)
    questions = plan(*doses(role=OPEN), assist=Assist.ALWAYS, candidates=candidates)
    assert [(q.chunk.number, q.fields) for q in questions] == [(1, REGIMEN_FIELDS), (2, REGIMEN_FIELDS)]
    assert questions[0].hint == 'Drugamide: "Drugamide 1 mg by mouth once daily"'


def test_in_doubt_it_is_asked_what_it_was_counted_to_know():
    line = criterion(3, "Adults", category=OPEN, stands=OPEN, time_window=OPEN)
    event = outcome(9, "Overall survival", concept=OPEN, category=OPEN, instrument=OPEN)
    assert [(q.chunk.number, q.fields) for q in plan(line, *doses(role=OPEN), event)] == [
        (3, ("category",)),
        (9, ("concept",)),
    ]
    assert plan(*doses(role=OPEN, route=OPEN)) == ()


def test_a_second_annotator_is_asked_for_all_of_a_regimen_but_its_agent():
    assert {q.fields for q in plan(*doses(), assist=Assist.ALWAYS)} == {REGIMEN_FIELDS}
    assert set(REGIMEN_FIELDS) == set(WIRE_ITEMS[Task.DOSING].allowance) - {"agent", "regimens"}


@pytest.mark.parametrize("assist", [Assist.AUTO, Assist.ALWAYS])
def test_no_model_of_another_class_is_asked_so(assist):
    parsed = parsed_record(*doses(role=OPEN, route=OPEN, timing=OPEN))
    options = ExtractionOptions(assist=assist)
    asked = plan_questions(parsed, options, CAPABLE)
    assert {q.fields for q in asked} == {("regimens",)}
    assert plan_questions(parsed, options, SMALL) == plan_questions(parsed, options) == asked


def test_all_words_are_open():
    """It was taught to choose among all of them."""
    wavering = replace(unsure(Category.AGE), alternatives=(Category.SEX,))
    lines = [criterion(n, "Adults", category=wavering) for n in range(1, 4)]
    assert [dict(q.options) for q in plan(*lines)] == [{}] * 3
    (call,) = [render_tuned(parsed_record(*lines).record, pack) for pack in pack_for(plan(*lines), TUNED)]
    assert call.line_grammar
    assert call.line_grammar().count('"logistics"') == 3


def test_a_smaller_doubt_is_worth_a_question():
    """Its tokens cost time on this machine alone, and it needs no definitions."""
    lines = (criterion(1, "Adults with stable disease", category=Reading(Category.AGE, 0.9)),)
    parsed = parsed_record(*lines)
    assert plan_questions(parsed, ExtractionOptions(), CAPABLE) == ()
    assert [q.fields for q in plan_questions(parsed, ExtractionOptions(), TUNED)] == [("category",)]


def test_what_the_rules_know_is_not_asked():
    assert plan(criterion(1, "Adults"), *doses(), outcome(9, "Overall survival")) == ()
    assert plan(criterion(1, "Adults", category=OPEN), assist=Assist.NEVER) == ()


def test_a_call_has_no_more_than_eight_lines():
    questions = plan(*(criterion(n, "Adults", category=OPEN) for n in range(1, 21)))
    assert [len(pack) for pack in pack_for(questions, TUNED)] == [8, 8, 4]
    assert [len(pack) for pack in pack_for(questions, CAPABLE)] == [20]


def test_a_call_has_no_more_than_three_hundred_tokens():
    questions = plan(*(criterion(n, "word " * 90, category=OPEN) for n in range(1, 6)))
    size = estimate_tokens(render_line(questions[0]))
    assert 2 * size < 300 < 3 * size
    assert [len(pack) for pack in pack_for(questions, TUNED)] == [2, 2, 1]


def tuned_call(parsed, assist=Assist.ALWAYS, tasks=TASKS):
    return render_tuned(parsed.record, plan_questions(parsed, ExtractionOptions(tasks, assist), TUNED))


def test_keys_are_asked_without_being_defined():
    call = tuned_call(STUDY)
    assert call.prompt == load_frame("tuned").version
    assert call.system == SYSTEM == tuned_call(STUDY, tasks={Task.ENDPOINTS}).system
    assert estimate_tokens(call.system) < 40
    definitions = [d.text for task in load_prompt().tasks.values() for d in task.definitions.values()]
    assert not any(text in call.system + call.user for text in definitions)
    assert "Example" not in call.system
    capable = render_call(STUDY.record, call.questions)
    assert len(call.system) * 20 < len(capable.system)


def test_lines_are_those_of_every_model():
    call = tuned_call(STUDY)
    lines = [line for line in call.user.splitlines() if LINE.match(line)]
    assert lines == [render_line(question) for question in call.questions]
    assert lines == [line for line in render_call(STUDY.record, call.questions).user.splitlines() if LINE.match(line)]


def told(parsed, tasks=TASKS):
    """What is told of the trial, by name."""
    lines = [line for line in tuned_call(parsed, tasks=tasks).user.splitlines() if line and not LINE.match(line)]
    return dict(line.split(": ", 1) for line in lines)


def test_of_the_trial_little_is_told():
    parsed = parsed_record(criterion(1, "Adults"), *doses())
    long = [
        Section(name="title", text="A trial of " + "very " * 60),
        Section(name="conditions", text="Hay fever|" * 40),
    ]
    sections = [s for s in parsed.record.sections if s.name not in ("title", "conditions")]
    parsed = replace(parsed, record=parsed.record.model_copy(update={"sections": (*long, *sections)}))
    lines = [line for line in tuned_call(parsed).user.splitlines() if not LINE.match(line)]
    assert max(map(len, lines)) == 160


def test_where_doses_are_asked_the_arms_tell_what_is_tested_against_what():
    parsed = parsed_record(criterion(1, "Adults"), *doses())
    parsed = with_parts(parsed, "arms[1]", label="Drugamide 1 mg", type="EXPERIMENTAL", description="once daily")
    parsed = with_parts(parsed, "arms[2]", label="Sham", type="SHAM_COMPARATOR", description="no dose")
    assert told(parsed) == {
        "Trial": "A trial of $Drugamide in hay fever",
        "Conditions": "Hay Fever|Asthma",
        "Interventions": "Drugamide",
        "Arms": "EXPERIMENTAL: Drugamide 1 mg; SHAM_COMPARATOR: Sham",
    }
    assert told(parsed, {Task.ELIGIBILITY}).keys() == {"Trial", "Conditions"}


def test_many_arms_are_cut_off():
    parsed = parsed_record(*doses())
    for n in range(3, 30):
        parsed = with_parts(parsed, f"arms[{n}]", label=f"Dose level {n}", type="EXPERIMENTAL")
    assert len(told(parsed)["Arms"]) == 160


def test_questions_that_cannot_be_told_apart_are_no_call():
    (question,) = plan(criterion(1, "Adults", category=OPEN))
    for questions in ([], [question, question]):
        with pytest.raises(ValueError, match="could not be told apart"):
            render_tuned(STUDY.record, questions)


REFUSED = {"n": 1, "window": "within 9 weeks"}
IN_DOUBT = parsed_record(criterion(1, "Hepatitis B within 4 weeks", time_window=OPEN))


def rounds_of(model_class):
    """How many rounds there are after an answer that the text does not bear out."""
    questions = plan_questions(IN_DOUBT, ExtractionOptions(assist=Assist.ALWAYS), model_class)
    rounds, count = put_questions(IN_DOUBT, questions, model_class), 1
    asked = next(rounds)
    try:
        while True:
            call = asked.render(asked.packs[0])
            item = REFUSED | {"n": call.questions[0].chunk.number}
            reply = call.reply_model.model_validate({"items": [item]}, context=dict(call.context))
            asked = rounds.send((Reply(tuple(reply.items), Usage(), NAME if model_class is TUNED else "scripted"),))
            count += 1
    except StopIteration:
        return count


def test_a_tuned_model_is_not_asked_again_what_the_text_refused():
    assert (rounds_of(TUNED), rounds_of(CAPABLE)) == (1, 2)


def test_an_interview_asks_as_the_class_is_asked():
    for model_class in (TUNED, CAPABLE):
        asked = next(interview(STUDY, ExtractionOptions(assist=Assist.ALWAYS), model_class))
        questions = plan_questions(STUDY, ExtractionOptions(assist=Assist.ALWAYS), model_class)
        assert asked.packs == pack_for(questions, model_class)
        known = choose_render(model_class)(STUDY.record, asked.packs[0])
        sent = asked.render(asked.packs[0])
        assert (sent.system, sent.user, sent.prompt) == (known.system, known.user, known.prompt)


@pytest.mark.parametrize("assist", [Assist.AUTO, Assist.ALWAYS])
def test_what_is_estimated_is_what_the_class_is_asked(assist):
    for model_class in (TUNED, CAPABLE):
        estimate = estimate_questions(STUDY, ExtractionOptions(assist=assist), model_class)
        asked = next(interview(STUDY, ExtractionOptions(assist=assist), model_class))
        sizes = [measure_call(asked.render(pack)) for pack in asked.packs]
        assert estimate.questions == sum(map(len, asked.packs))
        assert estimate.size.calls == len(asked.packs)
        assert estimate.size.messages == sum(size.messages for size in sizes)
    assert estimate_questions(STUDY, ExtractionOptions(assist=assist)) == estimate


def test_a_quote_goes_by_the_class_of_the_model_that_is_named():
    def quote(*model):
        done = extractor("run", "tests/records/study.json", "--dry-run", *model)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    by_class = {
        model_class: estimate_questions(STUDY, ExtractionOptions(), model_class) for model_class in (TUNED, CAPABLE)
    }
    assert by_class[TUNED].size.messages < by_class[CAPABLE].size.messages
    for model, model_class in (("local:registry-135m", TUNED), ("local:smollm2-135m", CAPABLE)):
        told = quote("--model", model)
        assert told["questions"]["expected"] == pytest.approx(by_class[model_class].questions)


@pytest.mark.parametrize("spec", ["local:registry-135m", "http://127.0.0.1:8000/v1#registry-135m"])
def test_the_name_that_a_server_gives_tells_the_class(spec):
    assert classify_model(served_name(ModelSpec.parse(spec))) is TUNED
    assert classify_model(served_name(ModelSpec.parse("local"))) is not TUNED
    assert classify_model(served_name(None)) is not TUNED


LINES = AskSettings(mode=AnswerMode.LINES)
OF_STUDY = ExtractionOptions({Task.ELIGIBILITY, Task.DOSING}, Assist.ALWAYS)


def answer_as_tuned(request, sure=0.75):
    """Every criterion is of age and every dose investigational, each token of that as sure; as a tuned model's server
    says it.
    """
    assert "Example" not in request["messages"][0]["content"]
    found = [
        {"n": int(number)} | ({"cat": "age"} if "cat" in keys.split() else {"role": "investigational"})
        for number, keys in LINE.findall(request["messages"][1]["content"])
    ]
    text = json.dumps({"items": found}, separators=(",", ":"))
    pieces = [piece for word in text.split('"') for piece in (word, '"')][:-1]
    logprobs = [
        {
            "id": 7,
            "token": piece,
            "bytes": list(piece.encode()),
            "logprob": math.log(sure) if piece in {"age", "investigational"} else 0.0,
            "top_logprobs": [{"token": "x", "bytes": [120], "logprob": -9.0}],
        }
        for piece in pieces
    ]
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    if request.get("logprobs"):
        choice["logprobs"] = {"content": logprobs}
    return completion(text, model=NAME, choices=[choice])


async def record_tuned(folder, model_name=NAME):
    """What is made of the answers of a server that are recorded on the way, and what it was sent."""
    with serve(answer_as_tuned) as stub:
        spec = ModelSpec.parse(f"{stub.url}#{model_name}")
        model = Model(spec, LINES, patient(), lambda: RecordingTransport(folder))
        return await inquire(STUDY, model, OF_STUDY), stub.requests


async def test_a_replay_of_what_a_tuned_model_said_asks_as_it_was_asked(tmp_path):
    recorded, requests = await record_tuned(tmp_path)
    assert all(request["messages"][0]["content"] == requests[0]["messages"][0]["content"] for request in requests)
    assert len(requests) == recorded.usage.calls > 2
    async with open_model(ModelChoice(replay=tmp_path)) as model:
        assert model
        assert model.name == NAME
        replayed = await inquire(STUDY, model, OF_STUDY)
    assert replayed == recorded
    assert replayed.policy.model_class is TUNED
    assert {answer.task for answers in replayed.answers.values() for answer in answers} == OF_STUDY.tasks


async def test_how_sure_it_was_is_kept_and_given_back(tmp_path):
    recorded, requests = await record_tuned(tmp_path)
    assert all(request["logprobs"] for request in requests)
    for path in tmp_path.iterdir():
        (known,) = json.loads(path.read_text())["reply"]["logprobs"].values()
        assert {tuple(token) for token in known} == {("top_logprobs", "token", "bytes", "logprob")}
        assert all(token["top_logprobs"] == [] for token in known)
    async with open_model(ModelChoice(replay=tmp_path)) as model:
        assert model
        replayed = await inquire(STUDY, model, OF_STUDY)
    for inquiry in (recorded, replayed):
        found = [
            answer.readings[field].confidence
            for answers in inquiry.answers.values()
            for answer in answers
            for field in ("category", "role")
            if field in answer.readings
        ]
        assert len(found) > 10
        assert found == [0.75] * len(found)


async def test_another_recording_is_asked_as_ever(tmp_path):
    with serve([completion(items({"n": 1, "colour": "red"}))]) as stub:
        spec = ModelSpec.parse(f"{stub.url}#stub")
        await Model(spec, None, patient(), lambda: RecordingTransport(tmp_path)).put(ask_about(1), render)
    assert recorded_model(tmp_path) == "stub-model"
    async with open_model(ModelChoice(replay=tmp_path)) as model:
        assert model
        assert classify_model(model.name) is CAPABLE


async def test_a_folder_of_several_models_names_none(tmp_path):
    await record_tuned(tmp_path)
    with serve([completion(items({"n": 1, "colour": "red"}))]) as stub:
        spec = ModelSpec.parse(f"{stub.url}#stub")
        await Model(spec, None, patient(), lambda: RecordingTransport(tmp_path)).put(ask_about(1), render)
    assert recorded_model(tmp_path) is None
    async with open_model(ModelChoice(replay=tmp_path)) as model:
        assert model
        assert classify_model(model.name) is CAPABLE
        with pytest.raises(CassetteMiss):
            await inquire(STUDY, model, OF_STUDY)


def test_an_empty_folder_names_no_model_and_a_broken_one_is_refused(tmp_path):
    assert recorded_model(tmp_path) is None
    (tmp_path / "broken.json").write_text('{"request": ')
    with pytest.raises(CassetteError, match=r"broken\.json: no recording"):
        recorded_model(tmp_path)
    with pytest.raises(CassetteError, match="no such folder"):
        recorded_model(tmp_path / "absent")


async def test_given_questions_are_put_in_the_way_of_the_model(tmp_path):
    """Without a plan: what is counted on labelled lines is asked like this."""
    questions = plan_questions(STUDY, ExtractionOptions({Task.DOSING}, Assist.ALWAYS), TUNED)[:1]
    narrowed = [replace(question, fields=("role",)) for question in questions]
    with serve(answer_as_tuned) as stub:
        model = Model(ModelSpec.parse(f"{stub.url}#{NAME}"), LINES, patient())
        inquiry = await inquire_about(STUDY, narrowed, model)
    (request,) = stub.requests
    assert request["messages"][0]["content"] == SYSTEM
    (number,) = inquiry.asked
    assert inquiry.reading(number, "role").value is Role.INVESTIGATIONAL
    assert inquiry.reading(number, "role").confidence == 0.75
