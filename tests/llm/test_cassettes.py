from dataclasses import replace
from datetime import UTC, datetime

import pytest
import yaml

from extractor.ask.answers import ask
from extractor.errors import AnswerMissing, AnswersError, ModelUnavailable
from extractor.llm.client import Model
from extractor.llm.spec import ModelSpec
from tests.cassette import NOTE, check_cassettes, use_cassette

from .colours import PROMPT, ask_about, model_of, patient, render
from .stub import completion, fault, items, serve

RED = {"n": 1, "colour": "red"}
BLUE = {"n": 1, "colour": "blue"}
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def offline():
    """A model of the recorded name, at an address without a server."""
    return Model(ModelSpec.parse("http://127.0.0.1:9/v1#stub"), policy=patient())


async def record(path, script, *numbers):
    with serve(script) as stub, use_cassette(path, record=True, now=NOON):
        return await ask(model_of(stub), ask_about(*numbers), render)


async def replay(path, *numbers, times=1):
    with use_cassette(path):
        return [await ask(offline(), ask_about(*numbers), render) for _ in range(times)][-1]


@pytest.fixture
async def cassette(tmp_path):
    path = tmp_path / "one.yaml"
    await record(path, [completion(items(RED))], 1)
    return path


async def test_rate_limit_and_reask_are_replayed(tmp_path):
    path = tmp_path / "storm.yaml"
    script = [fault(429, headers={"Retry-After": "3"}), completion(items(BLUE)), completion(items(RED))]
    recorded = await record(path, script, 1)
    replayed = await replay(path, 1)
    assert replayed == recorded
    assert replayed.usage.calls == 2


async def test_cassette_holds_no_address_no_key_and_says_who_answered(tmp_path):
    path = tmp_path / "one.yaml"
    with serve([completion(items(RED))]) as stub, use_cassette(path, record=True, now=NOON):
        await ask(Model(ModelSpec.parse(f"{stub.url}#stub", server_key="sk-very-secret")), ask_about(1), render)
    text = path.read_text()
    assert not [word for word in ("127.0.0.1", "sk-very", "uthorization", "x-stainless", "date:") if word in text]
    note = yaml.safe_load(text)["metadata"][NOTE]
    prompts = [{"name": "colours", "version": 1, "sha256": PROMPT.sha256}]
    assert note | {"digest": ""} == {
        "recorded": "2026-03-01",
        "models": ["stub-model"],
        "prompts": prompts,
        "digest": "",
    }


async def test_folders_of_the_recording_machine_are_not_kept(tmp_path):
    path = tmp_path / "one.yaml"
    recorded = await record(path, [completion(items(RED), model="/srv/me/weights/tiny.gguf")], 1)
    assert "/srv/me" not in path.read_text()
    assert await replay(path, 1) == recorded
    assert recorded.model == "tiny"


async def test_a_miss_shows_the_differences(cassette):
    with pytest.raises(AnswerMissing, match=r"(?s)nearest is exchange 1:.*\+2: line 2"):
        await replay(cassette, 1, 2)
    with pytest.raises(AnswerMissing, match="only the number of times"):
        await replay(cassette, 1, times=2)


async def test_unplayed_exchange_fails(cassette):
    with pytest.raises(AnswersError, match="1 of 1 recorded exchanges were not used"), use_cassette(cassette):
        pass


async def test_recording_that_fails_leaves_the_old_cassette(cassette):
    before = cassette.read_bytes()

    with serve([fault(404)]) as stub, pytest.raises(ModelUnavailable), use_cassette(cassette, record=True):
        await ask(model_of(stub), ask_about(7), render)
    assert cassette.read_bytes() == before
    assert [path.name for path in cassette.parent.iterdir()] == ["one.yaml"]


def test_changed_and_lost_prompts_are_found(cassette):
    newer = replace(PROMPT, version=2, sha256="b" * 64)
    (changed,) = check_cassettes(cassette.parent, [newer])
    assert "another text of prompt 'colours' (version 1, today 2)" in changed
    (lost,) = check_cassettes(cassette.parent, [])
    assert "prompt 'colours', which no longer exists" in lost


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("red", "green", "edited after it was recorded"),
        ("metadata:", "remarks:", "written by hand"),
        ("stub-model", "sk-abcdefgh12345", "looks like a key"),
        ("content-type:", "authorization:", "looks like a key"),
        ("interactions:", "things:", "not a cassette"),
        ("version: 1", "version: [", "not a cassette"),
    ],
)
def test_tampered_cassettes_are_found(cassette, old, new, message):
    text = cassette.read_text()
    assert old in text
    cassette.write_text(text.replace(old, new))
    assert message in "\n".join(check_cassettes(cassette.parent, [PROMPT]))
