"""How likely each value was to the model: read from its tokens, carried with the reply, and what readings rest on."""

import json
import math
import pickle
import random
from contextlib import closing, suppress
from dataclasses import replace

import pytest

from extractor.ask.answer_mode import AnswerMode
from extractor.ask.call import Question, Reply
from extractor.ask.interview import _weakest_class, interview
from extractor.ask.keeping.recording import RecordingTransport, ReplayTransport
from extractor.ask.keeping.replies import ReplyStore
from extractor.ask.keeping.run_file import open_run
from extractor.ask.keeping.stored import RecallTransport, StoredTransport
from extractor.ask.model import AskSettings, Model
from extractor.ask.prompting.prompt import render_call, render_tuned
from extractor.ask.spec import ModelSpec
from extractor.ask.sureness import name_fields, read_sureness
from extractor.assemble.policy import ModelClass
from extractor.errors import AnswerRejected
from extractor.ground.check import MODEL_CONFIDENCE
from extractor.options import Assist, ExtractionOptions
from extractor.run.rounds_clerk import Proceed
from extractor.schemas import Category, Task, Usage

from .colours import ask_about, patient, render
from .samples import chunk, criterion, parsed_record, unsure
from .stub import Scripted, completion, items, serve

RED = {"n": 1, "colour": "red"}
GREEN = {"n": 2, "colour": "green"}
LINES = AskSettings(mode=AnswerMode.LINES)
CRITERION = Question(
    Task.ELIGIBILITY, chunk(7, "AST above 3 x ULN"), ("stands", "category", "constraints", "time_window")
)


def tell(*pieces):
    """Tokens with their probabilities, as a server lists them, and the text that they make up."""
    raw = [(piece.encode() if isinstance(piece, str) else piece, sure) for piece, sure in pieces]
    content = [
        {"token": piece.decode(errors="replace"), "bytes": list(piece), "logprob": math.log(sure), "top_logprobs": []}
        for piece, sure in raw
    ]
    return b"".join(piece for piece, _ in raw).decode(), {"content": content}


def read(*pieces, question=CRITERION):
    text, logprobs = tell(*pieces)
    return read_sureness(text, logprobs, [question])


HEAD = ('{"items":[{"n":7', 0.5)


@pytest.mark.parametrize(
    ("pieces", "sure"),
    [
        # "o" may become organ or other: both letters of the fork are doubt, what can only go on so is none.
        ([(',"cat":"', 0.3), ("o", 0.9), ("r", 0.5), ("gan", 0.01), ('"}]}', 0.01)], {"cat": 0.45}),
        ([(',"cat":"', 0.3), ("organ", 0.7), ('"}]}', 0.2)], {"cat": 0.7}),
        # A token that reaches into the value holds the choice.
        ([(',"cat":"or', 0.6), ("gan", 0.01), ('"}]}', 0.01)], {"cat": 0.6}),
        # Where nothing but text is asked, the end is a choice, too; quote and colon before it are none.
        ([(',"window":', 0.1), ('"', 0.1), ("4", 0.9), (" weeks", 0.8), ('"', 0.5), ("}]}", 0.1)], {"window": 0.36}),
        ([(',"ok":', 0.2), ("true", 0.75), ("}]}", 0.1)], {"ok": 0.75}),
        # A list is all its members, and that no other follows.
        (
            [
                (',"limits":', 0.1),
                ("[", 0.1),
                ('"', 0.9),
                ("A: 1", 0.8),
                ('","', 0.5),
                ("B: 2", 0.9),
                ('"]', 0.5),
                ("}]}", 0.1),
            ],
            {"limits": 0.9 * 0.8 * 0.5 * 0.9 * 0.5},
        ),
        ([(',"limits":', 0.1), ("[", 0.1), ("]", 0.4), ("}]}", 0.1)], {"limits": 0.4}),
        ([(',"limits":[],', 0.4), ('"cat":"', 0.1), ("age", 0.9), ('"}]}', 0.1)], {"limits": 0.4, "cat": 0.9}),
        ([("}]}", 0.1)], {}),
    ],
)
def test_a_value_is_as_likely_as_the_tokens_that_make_it(pieces, sure):
    found = read(HEAD, *pieces)
    assert found.get(7, {}) == pytest.approx(sure)


def test_words_that_are_not_open_are_told_apart_by_what_the_line_allows():
    narrow = replace(CRITERION, options={"category": frozenset({Category.ORGAN_FUNCTION, Category.AGE})})
    pieces = [HEAD, (',"cat":"', 0.3), ("o", 0.9), ("r", 0.5), ('gan"}]}', 0.01)]
    assert read(*pieces, question=narrow)[7] == pytest.approx({"cat": 0.9})


def test_characters_may_be_cut_over_tokens():
    micro = "µ".encode()
    pieces = [
        ('{"items":[{"n":7,"window":"é', 0.5),
        (b"2 " + micro[:1], 0.8),
        (micro[1:], 0.5),
        ("g", 0.9),
        ('"}]}', 1.0),
    ]
    assert read(*pieces)[7] == pytest.approx({"window": 0.5 * 0.8 * 0.5 * 0.9})


@pytest.mark.parametrize("seed", range(20))
def test_wherever_an_answer_is_cut_only_the_tokens_of_a_value_are_its_doubt(seed):
    """With a doubt on one token alone, just the values that it has characters of are doubtful."""
    draw = random.Random(seed)
    answer = {"items": [{"n": 7, "limits": ["AST: ≤ 3 x ULN", "µ: > 1"], "window": 'within "4" weeks – naïve'}]}
    raw = json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()
    cuts = sorted(draw.sample(range(1, len(raw)), draw.randint(3, 40)))
    pieces = [raw[start:end] for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    spans = {key: _held(raw, key) for key in ("limits", "window")}
    place = 0
    for doubted, piece in enumerate(pieces):
        found = read(*((one, 0.5 if other == doubted else 1.0) for other, one in enumerate(pieces)))
        held = {key for key, (start, end) in spans.items() if place < end and place + len(piece) > start}
        assert {key for key, sure in found[7].items() if sure == pytest.approx(0.5)} == held
        place += len(piece)


def _held(raw, key):
    """Where a value's bytes are, behind the mark that opens it."""
    start = raw.index(f'"{key}":'.encode()) + len(key) + 4
    behind = b',"window"' if key == "limits" else b"}]}"
    return start, raw.index(behind)


def test_what_is_whole_of_an_answer_that_broke_off_is_read():
    rest = [(',"cat":"', 1.0), ("age", 0.5), ('"},{"n":8,"cat":"', 1.0), ("a", 0.5)]
    assert read(HEAD, *rest) == {7: pytest.approx({"cat": 0.5})}


def test_of_several_items_of_a_line_the_least_sure_value_counts():
    line = Question(Task.DOSING, chunk(7, "5 mg, 10 mg"), ("regimens",))
    pieces = [HEAD, (',"for":"', 1.0), ("2 day", 0.9), ('"},{"n":7,"for":"', 1.0), ("3 day", 0.4), ('"}]}', 1.0)]
    assert read(*pieces, question=line)[7] == pytest.approx({"for": 0.4})


@pytest.mark.parametrize(
    "logprobs",
    [
        None,
        {"content": None},
        {"content": []},
        {"tokens": ["{"], "token_logprobs": [-0.1]},
        {"content": ["{"]},
        {"content": [{"token": '{"items":[{"n":7,"cat":"age"}]}', "logprob": None}]},
        {"content": [{"token": '{"items":[{"n":7,"cat":"age"}]}', "logprob": math.nan}]},
        {"content": [{"token": "another text", "logprob": -0.1}]},
        {"content": [{"token": "", "bytes": 5, "logprob": -0.1}]},
    ],
)
def test_tokens_that_do_not_make_up_the_text_tell_nothing(logprobs):
    assert read_sureness('{"items":[{"n":7,"cat":"age"}]}', logprobs, [CRITERION]) == {}


@pytest.mark.parametrize(
    "text", ["", "[]", "no JSON", '{"items":[', '{"items":[7]}', '{"items":[{}]}', '{"items":[{"n":']
)
def test_text_without_items_tells_nothing(text):
    assert read_sureness(text, {"content": [{"token": text, "logprob": -0.1}]}, [CRITERION]) == {}


def test_tokens_around_the_answer_are_no_part_of_it():
    text, logprobs = tell(("```json\n", 0.1), HEAD, (',"ok":', 1.0), ("true", 0.5), ("}]}", 1.0), ("\n```", 0.1))
    answer = text.removeprefix("```json\n").removesuffix("\n```")
    assert read_sureness(answer, logprobs, [CRITERION]) == {7: pytest.approx({"ok": 0.5})}


def test_fields_are_named_as_those_of_the_schemas():
    outcome = Question(Task.ENDPOINTS, chunk(2, "Pain, At rest, 2 years"), ("split", "category", "time_points"))
    told = {
        7: {"cat": 0.9, "limits": 0.8, "window": 0.7},
        2: {"split": 0.6, "domain": 0.5, "times": 0.4},
        3: {"cat": 1},
    }
    assert name_fields(told, [CRITERION, outcome]) == {
        7: {"category": 0.9, "constraints": 0.8, "time_window": 0.7},
        2: {"measure": 0.6, "description": 0.6, "time_frame": 0.6, "category": 0.5, "time_points": 0.4},
    }


def render_sure(questions):
    return replace(render(questions), tells_sureness=True)


def sure_completion(*found, finish_reason="stop", cut=0):
    """Items, each with the probability of its colour, a token each."""
    pieces = [('{"items":[', 1.0)]
    for place, (item, sure) in enumerate(found):
        pieces += [("," * bool(place) + f'{{"n":{item["n"]},"colour":"', 1.0), (item["colour"], sure), ('"}', 1.0)]
    pieces.append(("]}", 1.0))
    text, logprobs = tell(*(pieces[:-cut] if cut else pieces))
    scripted = completion(text, finish_reason)
    reply = json.loads(scripted.body)
    reply["choices"][0]["logprobs"] = logprobs
    return Scripted(body=json.dumps(reply))


def lines_of(stub, transport=None):
    return Model(stub.spec, LINES, patient(), transport)


async def test_a_reply_tells_how_sure_its_values_are():
    with serve([sure_completion((RED, 0.75), (GREEN, 0.5))]) as stub:
        reply = await lines_of(stub).put(ask_about(1, 2), render_sure)
    assert reply.sureness == {1: pytest.approx({"colour": 0.75}), 2: pytest.approx({"colour": 0.5})}


async def test_only_a_call_that_tells_it_and_goes_under_a_grammar_asks_for_it():
    async def request_of(settings, rendering):
        with serve([completion(items(RED))]) as stub, suppress(AnswerRejected):  # a stub calls no tools
            await Model(stub.spec, settings, patient()).put(ask_about(1), rendering)
        return stub.requests[0]

    plain, sure = [await request_of(LINES, rendering) for rendering in (render, render_sure)]
    assert sure == plain | {"logprobs": True, "top_logprobs": 1}
    for mode in (AnswerMode.JSON_SCHEMA, AnswerMode.TOOLS, AnswerMode.JSON):
        settings = AskSettings(mode=mode, reasks=0)
        assert await request_of(settings, render_sure) == await request_of(settings, render)


async def test_what_a_server_tells_unasked_is_not_heard():
    with serve([sure_completion((RED, 0.75))]) as stub:
        reply = await lines_of(stub).put(ask_about(1), render)
    assert reply.sureness == {}


async def test_only_what_the_call_is_about_is_told():
    with serve([sure_completion((RED, 0.75), (GREEN, 0.5))]) as stub:
        reply = await lines_of(stub).put(ask_about(1), render_sure)
    assert set(reply.sureness) == {item.n for item in reply.items} == {1}


async def test_each_value_is_as_sure_as_the_attempt_that_it_is_from():
    blue = {"n": 2, "colour": "blue"}
    loud = {"n": 3, "colour": "loud"}
    first = sure_completion((RED, 0.9), (blue, 0.8), ({"n": 3, "colour": "red"}, 0.6))
    second = sure_completion((RED, 0.3), (GREEN, 0.2), (loud, 0.1))
    with serve([first, second]) as stub:
        reply = await lines_of(stub).put(ask_about(1, 2, 3), render_sure)
    assert len(stub.requests) == 2
    # The later of two with as many good items; what it lacks is the first one's.
    assert {item.n: item.colour for item in reply.items} == {1: "red", 2: "green", 3: "red"}
    assert {n: round(told["colour"], 4) for n, told in reply.sureness.items()} == {1: 0.3, 2: 0.2, 3: 0.6}


async def test_what_was_cut_off_and_its_halves_are_each_as_sure_as_they_were_said():
    def answer(request):
        numbers = [int(line.partition(":")[0]) for line in request["messages"][1]["content"].splitlines()]
        found = [({"n": n, "colour": "red"}, 0.9 if len(numbers) > 2 else n / 10) for n in numbers]
        return sure_completion(*found, finish_reason="length", cut=6) if len(numbers) > 2 else sure_completion(*found)

    with serve(answer) as stub:
        reply = await lines_of(stub).put(ask_about(1, 2, 3, 4), render_sure)
    assert {n: round(told["colour"], 4) for n, told in reply.sureness.items()} == {1: 0.9, 2: 0.9, 3: 0.3, 4: 0.4}


async def test_replies_that_were_kept_tell_it_again(tmp_path):
    async def put(model):
        return await model.put(ask_about(1), render_sure)

    with serve([sure_completion((RED, 0.75))]) as stub, closing(open_run(tmp_path)) as run:
        replies = ReplyStore(run)
        asked = await put(lines_of(stub, lambda: StoredTransport(lambda: replies)))
        served = await put(lines_of(stub, lambda: StoredTransport(lambda: replies)))
        recalled = await put(lines_of(stub, lambda: RecallTransport(replies)))
        assert len(stub.requests) == 1
        recorded = await put(lines_of(stub, lambda: RecordingTransport(tmp_path / "answers")))
    nowhere = ModelSpec.parse("http://nowhere.test/v1#stub")
    replayed = await put(Model(nowhere, AskSettings(), patient(), lambda: ReplayTransport(tmp_path / "answers")))
    assert asked.sureness == {1: pytest.approx({"colour": 0.75})}
    assert all(reply.sureness == asked.sureness for reply in (served, recalled, recorded, replayed))


def test_a_reply_keeps_it_on_its_way_to_another_process():
    reply = Reply((), Usage(), "registry-135m", sureness={7: {"category": 0.75}})
    assert pickle.loads(pickle.dumps(Proceed(1, (reply, None)))) == Proceed(1, (reply, None))


def test_calls_to_tuned_models_tell_it_and_others_do_not():
    parsed = parsed_record(criterion(7, "AST above 3 x ULN"))
    assert render_tuned(parsed.record, [CRITERION]).tells_sureness
    assert not render_call(parsed.record, [CRITERION]).tells_sureness


def ask_interview(model, sureness=None, **item):
    """What an interview makes of one item about a criterion whose category and time are in doubt."""
    doubts = {"category": unsure(Category.OTHER), "time_window": unsure(None)}
    parsed = parsed_record(criterion(4, "Hepatitis B within 4 weeks", **doubts))
    rounds = interview(parsed, ExtractionOptions({Task.ELIGIBILITY}, Assist.ALWAYS), ModelClass.TUNED)
    asked = next(rounds)
    replies = []
    for pack in asked.packs:
        call = asked.render(pack)
        found = call.reply_model.model_validate({"items": [{"n": 4, **item}]}, context=dict(call.context))
        replies.append(Reply(tuple(found.items), Usage(), model, sureness=sureness or {}))
    with pytest.raises(StopIteration) as end:
        rounds.send(tuple(replies))
    return end.value.value


def confidences(inquiry):
    return {name: inquiry.reading(4, name).confidence for name in ("category", "time_window", "constraints")}


def test_a_reading_is_as_sure_as_its_reply_says_and_hardly_where_that_says_nothing():
    told = {4: {"category": 0.83, "time_window": 0.0}, 5: {"constraints": 0.9}}
    inquiry = ask_interview("registry-135m", told, list="in", cat="infection", window="within 4 weeks")
    assert confidences(inquiry) == {"category": 0.83, "time_window": 0.01, "constraints": 0.01}
    assert inquiry.policy.model_class is ModelClass.TUNED
    assert not any(reading.is_open for answer in inquiry.answers[4] for reading in answer.readings.values())


@pytest.mark.parametrize(
    ("model", "confidence"),
    [("registry-135m", 0.01), ("capable", MODEL_CONFIDENCE), ("smollm2-135m", MODEL_CONFIDENCE)],
)
def test_only_of_a_tuned_model_it_means_something_that_nothing_is_told(model, confidence):
    inquiry = ask_interview(model, list="in", cat="infection", window="within 4 weeks")
    assert set(confidences(inquiry).values()) == {confidence}


@pytest.mark.parametrize(
    ("names", "weakest"),
    [
        ([], ModelClass.CAPABLE),
        (["capable", "registry-135m"], ModelClass.TUNED),
        (["registry-135m", "smollm2-135m", "capable"], ModelClass.SMALL),
    ],
)
def test_several_models_are_believed_as_the_weakest_of_them(names, weakest):
    assert _weakest_class(Reply((), Usage(), name) for name in names) is weakest
