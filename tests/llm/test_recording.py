import json
from dataclasses import replace

import pytest

from extractor.errors import CassetteError, CassetteMiss
from extractor.llm.cache import exchange_key
from extractor.llm.client import ClientSettings, Model
from extractor.llm.recordings import RecordingTransport, ReplayTransport
from extractor.llm.spec import ModelSpec
from extractor.llm.transport import NetworkTransport

from .colours import PROMPT, ask_about, patient, render
from .stub import Scripted, completion, fault, items, serve

RED = {"n": 1, "colour": "red"}
BLUE = {"n": 1, "colour": "blue"}


def recorder(folder, stub, settings=None):
    return Model(stub.spec, settings, patient(), transport=lambda: RecordingTransport(folder, NetworkTransport()))


def replayer(folder, settings=None):
    spec = ModelSpec.parse("http://nowhere.test/v1#another-name")
    return Model(spec, settings, patient(), transport=lambda: ReplayTransport(folder))


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


async def test_recording_is_one_readable_file_named_by_its_key_and_gives_the_same_answer(tmp_path):
    with serve([completion(items(RED))]) as stub:
        recorded = await recorder(tmp_path, stub).complete(ask_about(1), render)
    assert await replayer(tmp_path).complete(ask_about(1), render) == recorded
    assert recorded.model == "stub-model"
    (path,) = tmp_path.iterdir()
    exchange = json.loads(path.read_text())
    assert path.name == f"{exchange_key(stub.requests[0])[:16]}.json"
    assert exchange["key"] == exchange_key(stub.requests[0])
    assert exchange["prompt"] == {"name": PROMPT.name, "version": 1, "sha256": PROMPT.sha256}
    assert exchange["model"] == "stub-model"
    assert exchange["request"]["messages"][1] == {"role": "user", "content": "1: line 1"}
    assert exchange["reply"] == {"message": {"role": "assistant", "content": items(RED)}, "finish_reason": "stop"}
    assert exchange["usage"]["prompt_tokens"] == 10


async def test_neither_keys_nor_addresses_nor_faults_are_kept(tmp_path):
    with serve([fault(503), Scripted(200, "<html>"), completion(items(RED))]) as stub:
        spec = ModelSpec.parse(f"{stub.url}#stub", server_key="sk-very-secret")
        model = Model(spec, None, patient(), lambda: RecordingTransport(tmp_path, NetworkTransport()))
        await model.complete(ask_about(1), render)
    (kept,) = contents(tmp_path).values()
    assert b"sk-very-secret" not in kept
    assert b"127.0.0.1" not in kept


async def test_cut_answer_does_not_replace_a_whole_one(tmp_path):
    with serve([completion(items(RED)), completion('{"items":[{', "length")]) as stub:
        model = recorder(tmp_path, stub, ClientSettings(reasks=0))
        await model.complete(ask_about(1), render)
        before = contents(tmp_path)
        with pytest.raises(Exception, match="did not fit"):
            await model.complete(ask_about(1), render)
    assert contents(tmp_path) == before


async def test_miss_shows_the_nearest_recording_and_what_differs(tmp_path):
    with serve([completion(items(RED)), completion(items({"n": 50, "colour": "red"}))]) as stub:
        await recorder(tmp_path, stub).complete(ask_about(1), render)
        await recorder(tmp_path, stub).complete(ask_about(50), lambda q: replace(render(q), system="Another prompt."))

    with pytest.raises(CassetteMiss) as caught:
        await replayer(tmp_path).complete(ask_about(1, 2), render)
    lines = str(caught.value).splitlines()
    near = f"{exchange_key(stub.requests[0])[:16]}.json"
    assert lines[0].endswith(f"nearest is {near}:")
    assert "+2: line 2" in lines
    assert not [line for line in lines if line.startswith("-") and not line.startswith("---")]


async def test_miss_costs_nothing_and_is_not_tried_again(tmp_path):
    sleeps: list[float] = []
    model = Model(
        ModelSpec.parse("http://nowhere.test/v1#m"), policy=patient(sleeps), transport=lambda: ReplayTransport(tmp_path)
    )
    with pytest.raises(CassetteMiss, match="which is empty"):
        await model.complete(ask_about(1), render)
    assert (sleeps, model.usage.calls) == ([], 0)


async def test_missing_and_broken_recordings_are_named(tmp_path):
    with pytest.raises(CassetteError, match="no such folder"):
        await replayer(tmp_path / "absent").complete(ask_about(1), render)
    (tmp_path / "broken.json").write_text('{"request": ')
    with pytest.raises(CassetteError, match=r"broken\.json: not a recording"):
        await replayer(tmp_path).complete(ask_about(1), render)


async def test_folder_that_cannot_be_written_is_not_taken_for_a_dead_server(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with serve([completion(items(RED))]) as stub, pytest.raises(CassetteError, match="cannot be written"):
        await recorder(blocked, stub).complete(ask_about(1), render)
    assert len(stub.requests) == 1
