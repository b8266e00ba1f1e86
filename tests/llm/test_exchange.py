import json

import pytest

from extractor.model.asking.querying import ask
from extractor.model.client import Model, Route
from extractor.model.exchange import Exchange
from extractor.model.spec import ClientSettings, ModelSpec

from .colours import ask_about, patient, render
from .stub import completion, items

SPEC = ModelSpec.parse("http://nowhere.test/v1#some-model")


def answer_line(request, text, status=200, finish_reason="stop"):
    body = (
        json.loads(completion(text, finish_reason).body)
        if status == 200
        else {"error": {"message": "overloaded"}}
    )
    return json.dumps(
        {
            "custom_id": request["custom_id"],
            "response": {"status_code": status, "body": body},
        }
    )


async def put(exchange, *numbers, settings=None):
    settings = settings or ClientSettings()
    with exchange.open(SPEC, settings) as files:
        return await ask(
            Model(SPEC, settings, patient(), route=Route(answer=files.answer)),
            ask_about(*numbers),
            render,
        )


def read_requests(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


async def test_a_request_without_an_answer_is_written_once_and_stays_pending(tmp_path):
    exchange = Exchange(requests=tmp_path / "requests.jsonl")
    with exchange.open(SPEC, ClientSettings()) as files:
        model = Model(SPEC, None, patient(), route=Route(answer=files.answer))
        replies = [await ask(model, ask_about(1), render) for _ in range(2)]
    assert [(reply.items, reply.pending, reply.rejected) for reply in replies] == [
        ((), True, ())
    ] * 2
    assert model.usage.calls == 0
    (request,) = read_requests(tmp_path / "requests.jsonl")
    assert request["custom_id"] == render(ask_about(1)).question_key
    assert request["method"] == "POST"
    assert request["url"] == "/v1/chat/completions"
    assert request["body"]["model"] == "some-model"
    assert [message["content"] for message in request["body"]["messages"]] == [
        "Name the colour.",
        "1: line 1",
    ]
    assert request["body"]["max_tokens"] == 100
    assert request["body"]["temperature"] == 0
    assert request["body"]["response_format"]["json_schema"]["schema"][
        "properties"
    ].keys() == {"items"}


async def test_requests_are_written_in_the_form_of_their_provider(tmp_path):
    spec = ModelSpec.parse("anthropic/claude-haiku-4-5")
    exchange = Exchange(requests=tmp_path / "requests.jsonl")
    with exchange.open(spec, ClientSettings()) as files:
        await ask(
            Model(spec, None, patient(), route=Route(answer=files.answer)),
            ask_about(1),
            render,
        )
    (request,) = read_requests(tmp_path / "requests.jsonl")
    assert request.keys() == {"custom_id", "params"}
    assert request["params"]["system"][0]["cache_control"] == {"type": "ephemeral"}
    message = {
        "type": "tool_use",
        "id": "t",
        "name": "Reply",
        "input": {"items": [{"n": 1, "colour": "red"}]},
    }
    usage = {"input_tokens": 3, "cache_creation_input_tokens": 7, "output_tokens": 5}
    result = {
        "type": "succeeded",
        "message": {"stop_reason": "tool_use", "content": [message], "usage": usage},
    }
    answers = tmp_path / "answers.jsonl"
    answers.write_text(
        json.dumps({"custom_id": request["custom_id"], "result": result}), "utf-8"
    )
    reply = await put(Exchange([answers]), 1)
    assert [item.colour for item in reply.items] == ["red"]
    assert reply.usage.prompt_tokens == 10
    assert reply.usage.written_tokens == 7
    assert reply.usage.output_tokens == 5


async def test_the_good_items_of_a_bad_answer_are_kept_and_a_later_answer_replaces_it(
    tmp_path,
):
    requests, answers, more = (
        tmp_path / f"{name}.jsonl" for name in ("requests", "answers", "more")
    )
    await put(Exchange(requests=requests), 1, 2)
    (request,) = read_requests(requests)
    red = {"n": 1, "colour": "red"}
    green = {"n": 2, "colour": "green"}
    answers.write_text(
        answer_line(request, items(red, {"n": 2, "colour": "no colour"})), "utf-8"
    )
    reply = await put(Exchange([answers]), 1, 2)
    assert [item.n for item in reply.items] == [1]
    assert "Input should be 'red' or 'green'" in reply.rejected[0]
    more.write_text(answer_line(request, items(red, green)), "utf-8")
    whole = await put(Exchange([answers, more]), 1, 2)
    assert [(item.n, item.colour) for item in whole.items] == [(1, "red"), (2, "green")]


async def test_what_was_cut_is_asked_in_halves_by_the_next_file(tmp_path):
    requests, answers, rest = (
        tmp_path / f"{name}.jsonl" for name in ("requests", "answers", "rest")
    )
    await put(Exchange(requests=requests), 1, 2, 3)
    text = '{"items":[{"n":1,"colour":"red"},{"n":2,"colour":"gre'
    answers.write_text(
        answer_line(read_requests(requests)[0], text, finish_reason="length"), "utf-8"
    )

    reply = await put(Exchange([answers], rest), 1, 2, 3)

    assert [item.n for item in reply.items] == [1]
    assert reply.pending is True
    assert [line["body"]["messages"][1]["content"] for line in read_requests(rest)] == [
        "2: line 2",
        "3: line 3",
    ]


async def test_failed_and_foreign_lines_are_listed_unless_a_later_line_answers(
    tmp_path,
):
    for number in (1, 2):
        await put(Exchange(requests=tmp_path / f"{number}.jsonl"), number)
    one, two = (read_requests(tmp_path / f"{number}.jsonl")[0] for number in (1, 2))
    first = tmp_path / "first.jsonl"
    second = tmp_path / "second.jsonl"
    first.write_text(
        "\n".join(
            [
                answer_line(one, "", 500),
                answer_line(two, "", 429),
                "{broken",
                '{"custom_id": 7}',
            ]
        )
    )
    second.write_text("\n" + answer_line(one, items({"n": 1, "colour": "red"})))
    exchange = Exchange([first, second])

    reply = await put(exchange, 1)

    assert [item.colour for item in reply.items] == ["red"]
    assert (await put(exchange, 2)).pending
    assert [why.partition("line ")[2][0] for why in exchange.failed] == ["2", "3", "4"]
    assert "line 2: status 429, overloaded" in exchange.failed[0]
    assert all("no custom_id" in why for why in exchange.failed[1:])


@pytest.mark.parametrize(
    ("limits", "counts"),
    [({"most_requests": 2}, [2, 1]), ({"most_bytes": 1500}, [1, 1, 1])],
    ids=["requests", "bytes"],
)
async def test_requests_beyond_a_files_limits_go_to_further_files(
    tmp_path, limits, counts
):
    exchange = Exchange(requests=tmp_path / "r.jsonl")

    with exchange.open(SPEC, ClientSettings(), **limits) as files:
        for number in (1, 2, 1, 3):
            await ask(
                Model(SPEC, None, patient(), route=Route(answer=files.answer)),
                ask_about(number),
                render,
            )
        assert not list(tmp_path.iterdir()), "an incomplete file must not look complete"

    assert exchange.written == 3
    assert [path.name for path in exchange.parts] == [
        "r.jsonl",
        "r-2.jsonl",
        "r-3.jsonl",
    ][: len(counts)]
    assert [len(read_requests(path)) for path in exchange.parts] == counts
