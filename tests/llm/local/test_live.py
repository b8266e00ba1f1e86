"""The real runtime with real weights: ``pytest -m live``. Pulls smollm2-135m (98 MB) into EXTRACTOR_CACHE, by default a
temporary folder.
"""

import json
import os
import threading
import time
from importlib.util import find_spec
from pathlib import Path

import openai
import psutil
import pytest

from extractor.llm.grammar import write_grammar
from extractor.llm.local.models import pull_model
from extractor.llm.local.server import ServerSettings, serve_model
from extractor.llm.requests import Question
from extractor.schemas import Task
from tests.llm.samples import chunk

from .conftest import NEEDS_LOCAL

pytestmark = pytest.mark.live

CACHE = os.environ.get("EXTRACTOR_CACHE")  # read before the tests, each of which gets an empty one

SCHEMA = {
    "type": "object",
    "properties": {"sex": {"enum": ["female", "male", "all"]}, "minimum_age": {"type": ["integer", "null"]}},
    "required": ["sex", "minimum_age"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return Path(CACHE) if CACHE else tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def weights(cache):
    if find_spec("xllamacpp") is None:
        pytest.skip(NEEDS_LOCAL)
    return pull_model("smollm2-135m", cache_dir=cache)


@pytest.fixture(scope="module")
def server(weights):
    with serve_model(weights, ServerSettings(context=2048), name="smollm2-135m") as running:
        yield running


def connect(server, token=None):
    return openai.OpenAI(base_url=server.base_url, api_key=token or server.token, max_retries=0)


def test_reply_is_held_to_the_schema(server):
    with connect(server) as client:
        reply = client.chat.completions.create(
            model=server.model,
            messages=[{"role": "user", "content": "Women aged 18 years or older. Give sex and minimum age as JSON."}],
            response_format={"type": "json_schema", "json_schema": {"name": "a", "strict": True, "schema": SCHEMA}},
            max_tokens=100,
        )
    answer = json.loads(reply.choices[0].message.content or "")
    assert set(answer) == {"sex", "minimum_age"}
    assert answer["sex"] in {"female", "male", "all"}
    assert reply.model == "smollm2-135m"
    assert reply.usage is not None
    assert reply.usage.completion_tokens > 0


def test_reply_is_held_to_the_grammar_of_its_lines(server):
    asked = [
        Question(Task.DOSING, chunk(4, "5 mg of Drugamide, then 10 mg"), ("regimens",)),
        Question(Task.DOSING, chunk(5, "Saline"), ("regimens",)),
        Question(Task.ENDPOINTS, chunk(7, "Overall survival"), ("concept", "category")),
        Question(Task.ENDPOINTS, chunk(9, "Pain"), ("concept",)),
    ]
    with connect(server) as client:
        reply = client.chat.completions.create(
            model=server.model,
            messages=[{"role": "user", "content": "Write JSON about line 906."}],
            extra_body={"grammar": write_grammar(asked)},
            max_tokens=1500,
        )
    text = reply.choices[0].message.content or ""
    *doses, survival, pain = json.loads(text)["items"]
    assert {dose["n"] for dose in doses} <= {4, 5}
    assert survival.keys() == {"n", "concept", "domain"}
    assert (survival["n"], pain["n"], pain.keys()) == (7, 9, {"n", "concept"})
    assert "\n" not in text


def test_server_stops_while_a_request_is_under_way(weights):
    failures: list[openai.APIError] = []

    def tell_a_long_story(running):
        with connect(running) as client:
            try:
                client.completions.create(
                    model=running.model, prompt="Once", max_tokens=1800, extra_body={"ignore_eos": True}
                )
            except openai.APIError as error:
                failures.append(error)

    with serve_model(weights, ServerSettings(context=2048)) as running:
        caller = threading.Thread(target=tell_a_long_story, args=(running,))
        caller.start()
        time.sleep(1.0)
    assert not psutil.pid_exists(running.process.pid)
    caller.join(timeout=10)
    assert len(failures) == 1
