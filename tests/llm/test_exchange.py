"""Calls and answers by files, in the form of a provider's batches."""

import json
from contextlib import suppress

import pytest

from extractor.errors import ArgumentError
from extractor.model.client import Model, Route
from extractor.model.exchange import Exchange
from extractor.model.spec import ClientSettings, ModelSpec

from .colours import ask, ask_about, render
from .stub import completion, items

SERVER = "http://nowhere.test/v1#some-model"
RED = {"n": 1, "colour": "red"}


async def put(exchange, *numbers):
    spec = ModelSpec.parse(SERVER)
    with exchange.open(spec, ClientSettings()) as files:
        return await ask(
            Model(spec, route=Route(answer=files.answer)), ask_about(*numbers), render
        )


def read_requests(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def answer_line(request, text, status=200):
    body = (
        json.loads(completion(text).body)
        if status == 200
        else {"error": {"message": "overloaded"}}
    )
    response = {"status_code": status, "body": body}
    return json.dumps({"custom_id": request["custom_id"], "response": response}) + "\n"


@pytest.fixture
def paths(tmp_path):
    return [tmp_path / f"{name}.jsonl" for name in ("requests", "answers", "more")]


async def test_requests_and_answers_have_the_form_of_openais_batches(paths):
    requests, answers, _ = paths
    for _ in range(2):
        reply = await put(Exchange(requests=requests), 1)
        assert (reply.items, reply.pending, reply.usage.calls) == ((), True, 0)
    (request,) = read_requests(requests)
    assert request.keys() == {"custom_id", "method", "url", "body"}
    assert request["custom_id"] == render(ask_about(1)).question_key
    body = request["body"]
    assert (body["messages"][-1]["content"], body["max_tokens"]) == ("1: line 1", 100)
    answers.write_text(answer_line(request, items(RED)), "utf-8")
    reply = await put(Exchange([answers]), 1)
    assert [item.colour for item in reply.items] == ["red"]
    assert reply.usage.calls == 1


def test_a_provider_without_batches_gets_no_file(paths):
    requests, *_ = paths
    spec = ModelSpec.parse("anthropic/claude-haiku-4-5")
    files = Exchange(requests=requests).open(spec, ClientSettings())
    with pytest.raises(ArgumentError, match="no batch API"), files:
        pass
    assert not requests.exists()


@pytest.mark.parametrize("fails", [True, False])
async def test_no_file_appears_before_the_run_succeeds(paths, fails):
    requests, *_ = paths
    requests.write_text("earlier", "utf-8")
    spec = ModelSpec.parse(SERVER)
    exchange = Exchange(requests=requests)
    with suppress(RuntimeError), exchange.open(spec, ClientSettings()) as files:
        model = Model(spec, route=Route(answer=files.answer))
        for number in (1, 2, 1):
            await ask(model, ask_about(number), render)
        assert requests.read_text("utf-8") == "earlier"
        if fails:
            raise RuntimeError
    assert [path.name for path in requests.parent.iterdir()] == [requests.name]
    assert exchange.written == 2
    assert len(requests.read_text("utf-8").splitlines()) == (1 if fails else 2)


async def test_failed_and_foreign_lines_are_listed_unless_a_later_line_answers(paths):
    requests, first, second = paths
    await put(Exchange(requests=requests), 1)
    (one,) = read_requests(requests)
    await put(Exchange(requests=requests), 2)
    (two,) = read_requests(requests)
    bad = answer_line(one, "", 500) + answer_line(two, "", 429)
    first.write_text(bad + '{broken\n{"custom_id": 7}\n', "utf-8")
    second.write_text("\n" + answer_line(one, items(RED)), "utf-8")
    exchange = Exchange([first, second])
    assert [item.colour for item in (await put(exchange, 1)).items] == ["red"]
    assert (await put(exchange, 2)).pending
    assert [why.partition("line ")[2][0] for why in exchange.failed] == ["2", "3", "4"]
    assert "line 2: status 429, overloaded" in exchange.failed[0]
    assert all("not an answer to a request" in why for why in exchange.failed[1:])
