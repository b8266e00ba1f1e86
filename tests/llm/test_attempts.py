"""What a call sends is the same whether instructor or a kept draft of it made the request."""

from typing import Any

import instructor
import pytest

from extractor.errors import ModelError
from extractor.llm import attempts
from extractor.llm.answer_mode import AnswerMode
from extractor.llm.drafts import draft_request
from extractor.llm.model import AskSettings

from .colours import ask_about, model_of, render
from .stub import completion, fault, items, serve

RED = {"n": 1, "colour": "red"}


@pytest.fixture
def patched(monkeypatch):
    """The modes in which instructor was used, from a beginning without drafts."""
    modes = []

    def patch(create: Any, mode: instructor.Mode) -> Any:
        modes.append(mode)
        return instructor.patch(create=create, mode=mode)

    class Instructor:
        Mode = instructor.Mode

    Instructor.patch = staticmethod(patch)
    monkeypatch.setattr(attempts, "instructor", Instructor)
    monkeypatch.setattr("extractor.llm.drafts._drafts", {})
    return modes


async def test_only_the_first_of_many_good_answers_needs_instructor(patched):
    with serve([completion(items(RED))]) as stub:
        replies = [await model_of(stub).put(ask_about(1), render) for _ in range(3)]
    assert len(patched) == 1
    assert stub.requests[0] == stub.requests[1] == stub.requests[2]
    assert all(reply == replies[0] for reply in replies)


@pytest.mark.parametrize(
    "first",
    [
        completion(items({"n": 1, "colour": "loud"})),
        completion(items(RED)[:-6], finish_reason="length"),
        completion("I cannot say."),
        completion("", message={"refusal": "No."}),
        fault(400, "unknown field"),
    ],
    ids=["invalid", "cut off", "prose", "refused", "bad request"],
)
async def test_what_is_not_good_takes_the_same_course_with_a_draft_and_without(patched, first):
    def ask(stub):
        return model_of(stub).put(ask_about(1), render)

    with serve([first, completion(items(RED))]) as without:
        told = await _outcome(ask(without))
    with serve([completion(items(RED)), first, completion(items(RED))]) as stub:
        await ask(stub)
        assert await _outcome(ask(stub)) == told
    assert stub.requests[1:] == without.requests
    assert patched


async def test_a_request_that_instructor_writes_into_the_messages_is_not_kept(patched):
    with serve([completion(items(RED))]) as stub:
        for _ in range(2):
            await model_of(stub, settings=AskSettings(mode=AnswerMode.JSON)).put(ask_about(1), render)
    assert patched == [instructor.Mode.JSON] * 2
    assert stub.requests[0] == stub.requests[1]
    assert draft_request(dict, []) is None


async def _outcome(asking: Any) -> Any:
    try:
        reply = await asking
    except ModelError as error:
        return type(error), str(error).rpartition("/v1")[2]
    return reply.items, reply.rejected, reply.usage
