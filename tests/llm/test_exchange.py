import json

import pytest

from extractor.llm.batch_api.requests import Exchange, name_request
from extractor.llm.client import Model
from extractor.llm.opening import ModelChoice
from extractor.llm.spec import ModelSpec

from .colours import ask_about, patient, render
from .stub import completion, items

SPEC = ModelSpec.parse("http://nowhere.test/v1#some-model")


def answer_line(request, text, status=200, finish_reason="stop"):
    body = json.loads(completion(text, finish_reason).body) if status == 200 else {"error": {"message": "overloaded"}}
    return json.dumps({"custom_id": request["custom_id"], "response": {"status_code": status, "body": body}})


async def put(exchange, *numbers, settings=None):
    with exchange.open() as transport:
        return await Model(SPEC, settings, patient(), transport=lambda: transport).complete(ask_about(*numbers), render)


def read_requests(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


async def test_a_request_without_an_answer_is_written_once_and_stays_pending(tmp_path):
    exchange = Exchange(requests=tmp_path / "requests.jsonl")
    with exchange.open() as transport:
        model = Model(SPEC, None, patient(), transport=lambda: transport)
        replies = [await model.complete(ask_about(1), render) for _ in range(2)]
    assert [(reply.items, reply.pending, reply.rejected) for reply in replies] == [((), True, ())] * 2
    assert model.usage.calls == 0
    (request,) = read_requests(tmp_path / "requests.jsonl")
    assert request["custom_id"] == name_request(request["body"])
    assert (request["method"], request["url"]) == ("POST", "/v1/chat/completions")
    assert request["body"]["model"] == "some-model"
    assert request["body"]["messages"][1]["content"] == "1: line 1"


async def test_an_imported_answer_is_used_and_its_tokens_count(tmp_path):
    requests, answers = tmp_path / "requests.jsonl", tmp_path / "answers.jsonl"
    await put(Exchange(requests=requests), 1)
    answers.write_text(answer_line(read_requests(requests)[0], items({"n": 1, "colour": "red"})), "utf-8")
    reply = await put(Exchange([answers]), 1)
    assert [item.colour for item in reply.items] == ["red"]
    assert (reply.pending, reply.usage.prompt_tokens, reply.usage.output_tokens) == (False, 10, 5)


async def test_a_bad_answer_is_asked_again_by_the_next_file_and_its_good_items_are_kept(tmp_path):
    requests, answers, rest = (tmp_path / f"{name}.jsonl" for name in ("requests", "answers", "rest"))
    await put(Exchange(requests=requests), 1, 2)
    text = items({"n": 1, "colour": "red"}, {"n": 2, "colour": "no colour"})
    answers.write_text(answer_line(read_requests(requests)[0], text), "utf-8")
    reply = await put(Exchange([answers], rest), 1, 2)
    assert [item.n for item in reply.items] == [1]
    assert reply.pending
    (again,) = read_requests(rest)
    assert len(again["body"]["messages"]) > 2
    more = tmp_path / "more.jsonl"
    more.write_text(answer_line(again, items({"n": 1, "colour": "red"}, {"n": 2, "colour": "green"})), "utf-8")
    whole = await put(Exchange([answers, more]), 1, 2)
    assert [(item.n, item.colour) for item in whole.items] == [(1, "red"), (2, "green")]
    assert not whole.pending


async def test_failed_and_foreign_lines_are_listed_unless_a_later_line_answers(tmp_path):
    for number in (1, 2):
        await put(Exchange(requests=tmp_path / f"{number}.jsonl"), number)
    one, two = (read_requests(tmp_path / f"{number}.jsonl")[0] for number in (1, 2))
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    first.write_text("\n".join([answer_line(one, "", 500), answer_line(two, "", 429), "{broken", '{"custom_id": 7}']))
    second.write_text("\n" + answer_line(one, items({"n": 1, "colour": "red"})))
    exchange = Exchange([first, second])
    reply = await put(exchange, 1)
    assert [item.colour for item in reply.items] == ["red"]
    assert (await put(exchange, 2)).pending
    assert [why.partition("line ")[2][0] for why in exchange.failed] == ["2", "3", "4"]
    assert "line 2: status 429, overloaded" in exchange.failed[0]
    assert all("no custom_id" in why for why in exchange.failed[1:])


@pytest.mark.parametrize(
    ("limits", "counts"), [({"most_requests": 2}, [2, 1]), ({"most_bytes": 1500}, [1, 1, 1])], ids=["requests", "bytes"]
)
async def test_requests_beyond_a_files_limits_go_to_further_files(tmp_path, limits, counts):
    exchange = Exchange(requests=tmp_path / "r.jsonl")
    with exchange.open(**limits) as transport:
        for number in (1, 2, 1, 3):
            await Model(SPEC, None, patient(), transport=lambda: transport).complete(ask_about(number), render)
        assert not list(tmp_path.iterdir()), "an incomplete file must not look complete"
    assert exchange.written == 3
    assert [path.name for path in exchange.parts] == ["r.jsonl", "r-2.jsonl", "r-3.jsonl"][: len(counts)]
    assert [len(read_requests(path)) for path in exchange.parts] == counts


def test_a_failed_run_leaves_no_file(tmp_path):
    with pytest.raises(OSError, match="disk"), Exchange(requests=tmp_path / "r.jsonl").open():
        raise OSError("disk full")
    assert not list(tmp_path.iterdir())


def test_unusable_files_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"missing\.jsonl: there is no such file"):
        Exchange([tmp_path / "missing.jsonl"])
    with pytest.raises(ValueError, match="an exchange needs"):
        Exchange()


def test_requests_are_not_written_for_no_model(tmp_path):
    with pytest.raises(ValueError, match="--model"):
        ModelChoice(None, exchange=Exchange(requests=tmp_path / "r.jsonl"))
