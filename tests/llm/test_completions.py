"""Replies in the format of each provider, live (an SDK's object) or from a batch (JSON)."""

import pytest

from extractor.model import completions
from extractor.model.completions import Ending, is_json, read_completion
from extractor.model.pace import Failure
from extractor.schemas import Usage
from tests.tables import read_cases

CASES = read_cases(__file__)


@pytest.mark.parametrize("reply", CASES["answers"])
def test_an_answer_is_read_in_each_form(reply):
    found = read_completion(reply)
    assert found.text.replace(" ", "") == '{"items":[{"n":1}]}'
    assert (found.ending, found.remark) == (Ending.COMPLETE, "")
    assert found.usage == Usage(calls=1, prompt_tokens=10, output_tokens=5)


@pytest.mark.parametrize(("reply", "ending", "problem"), CASES["endings"])
def test_a_cut_or_refused_answer_differs_from_a_whole_one(reply, ending, problem):
    found = read_completion(reply)
    assert (found.ending, found.remark) == (ending, problem)
    assert not is_json(found.text)


@pytest.mark.parametrize(("reply", "tokens"), CASES["tokens"])
def test_tokens_are_counted_once_and_only_if_they_are_believable(reply, tokens):
    parts = ("prompt", "cached", "written", "output", "thinking")
    counts = {
        f"{part}_tokens": count for part, count in zip(parts, tokens, strict=True)
    }
    found = read_completion(reply)
    assert found.usage == Usage(calls=1, **counts)
    assert (found.stated_usage is not None) is any(tokens)


@pytest.mark.parametrize(("body", "told"), CASES["no_answers"])
def test_what_is_no_answer_is_never_taken_for_one(body, told):
    with pytest.raises(Failure) as caught:
        read_completion(body)
    assert str(caught.value) == told


def test_the_name_of_the_model_is_no_path():
    reply = CASES["answers"][0] | {"model": "/srv/me/weights/tiny.gguf"}
    assert read_completion(reply).model == "tiny"
    assert read_completion(CASES["answers"][7]).model == "claude-x"


def test_a_bug_in_reading_is_no_garbled_reply(monkeypatch):
    """Otherwise, paid answers would be lost, and nobody would know why."""

    def fail(*_, **__):
        raise TypeError("a bug")

    monkeypatch.setattr(completions, "_join_texts", fail)
    with pytest.raises(TypeError, match="a bug"):
        read_completion(CASES["answers"][0])
