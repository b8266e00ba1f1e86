"""A server that is named by its address may be broken or hostile: its replies cost a retry, never a record or a key."""

import pytest

from extractor.errors import AnswerRejected, ModelUnavailable
from extractor.llm import network
from extractor.llm.client import Model
from extractor.llm.spec import ModelSpec
from extractor.stages.ask.querying import ask

from .colours import ask_about, complete, model_of, patient, render
from .stub import Scripted, completion, fault, items, serve

FINE = completion(items({"n": 1, "colour": "red"}))
KEY = "a-key-of-this-server"


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")  # of the library that dumps the reply
@pytest.mark.parametrize(
    "broken",
    [
        Scripted(body="[" * 100_000),
        Scripted(body='{"choices": [{"message": "text"}]}'),
        completion(5),
        Scripted(body=FINE.body, headers={"Content-Encoding": "gzip"}),  # packed wrongly
    ],
    ids=lambda broken: broken.body[-60:],
)
async def test_a_reply_of_no_known_shape_costs_a_retry(broken):
    reply, stub = await complete([broken, FINE], 1)
    assert (len(reply.items), len(stub.requests)) == (1, 2)


async def test_a_reply_beyond_all_bounds_is_not_read(monkeypatch):
    monkeypatch.setattr(network, "_LONGEST_REPLY", 100_000)
    with (
        serve([Scripted(body=" " * 200_000)]) as stub,
        pytest.raises(ModelUnavailable, match="more than 100,000 bytes"),
    ):
        await ask(model_of(stub), ask_about(1), render)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            fault(307, headers={"Location": "https://other.test/v1"}),
            "moved to https://other.test/v1; give that address",
        ),
        (Scripted(400, "[" * 100_000), "HTTP 400"),
        (fault(400, "odd", param={"a": 1}, code=[1]), "HTTP 400, the server refuses the request: odd"),
    ],
)
async def test_a_refusal_is_reported_at_once_and_a_redirect_is_not_followed(answer, said):
    with serve([answer]) as stub, pytest.raises(ModelUnavailable, match=said):
        await ask(model_of(stub), ask_about(1), render)
    assert len(stub.requests) == 1


@pytest.mark.parametrize("pattern", ["“{}”", "line\n{}", "key={}.", "{}"])
async def test_a_key_that_a_server_repeats_goes_no_further(pattern):
    leak = pattern.format(KEY)
    answer = completion(None, message={"refusal": leak}, model=leak)
    with serve([answer]) as stub:
        model = Model(ModelSpec.parse(f"{stub.url}#stub", server_key=KEY), policy=patient())
        with pytest.raises(AnswerRejected) as caught:
            await ask(model, ask_about(1), render)
    assert str(caught.value) == f"model stub: the model refused: {pattern.format('***')}"
