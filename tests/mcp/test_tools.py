"""Each tool, its limits and its messages, over stdio and in this process."""

import json
import os
import sys
from collections import Counter
from contextlib import asynccontextmanager

import pytest
from mcp import Client, StdioServerParameters

from extractor.apps.mcp.server import open_server
from extractor.apps.mcp.settings import ToolOptions, ToolSettings
from extractor.model.cost.budget import Pricing
from extractor.model.cost.prices import read_prices
from extractor.model.patience import MOST_USELESS
from extractor.setup import Setup
from tests.commands import start_extractor
from tests.faults.server import WELL, Fault, serve_faults
from tests.fetch.registry import make_study, serve_registry
from tests.tables import read_cases


@pytest.fixture(autouse=True)
def _fast_workers(forked_workers):
    """Each server has a worker process of its own."""


CASES = read_cases(__file__)
TEXT = "Inclusion criteria:\n- HbA1c of at least 7.5 %\n- BMI < 35 kg/m2"
# fmt: off


@asynccontextmanager
async def connect(model=None, **options):
    """A client of a server in this process."""
    given = ToolOptions.read(options)
    setup = Setup(model, effort=given.effort, min_confidence=given.min_confidence, fields=given.fields)
    pricing = Pricing.of(setup.choice.spec, read_prices(given.prices), given.max_usd)
    async with open_server(ToolSettings(given, setup, pricing)) as server, Client(server) as client:
        yield client


async def call(client, tool, **arguments):
    answer = await client.call_tool(tool, arguments)
    assert not answer.is_error, answer.content[0].text
    # a client without structured answers reads the same
    assert json.loads(answer.content[0].text) == answer.structured_content
    return answer.structured_content


async def refuse(client, tool, **arguments):
    answer = await client.call_tool(tool, arguments)
    assert answer.is_error
    return answer.content[0].text


@pytest.mark.slow
async def test_the_command_serves_its_tools_over_stdio(tmp_path):
    (tmp_path / "note.txt").write_text(TEXT, "utf-8")
    args = ["-m", "extractor", "mcp", "--files", str(tmp_path)]
    async with Client(StdioServerParameters(command=sys.executable, args=args)) as client:
        listed = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert sorted(listed) == ["extract_record", "extract_text", "list_fields", "verify_quote"]
        for tool in listed.values():
            assert tool.annotations.read_only_hint
            assert tool.description
            for argument in tool.input_schema["properties"].values():
                assert argument["description"]
        extracted = await call(client, "extract_text", text=TEXT, title="A trial")
        assert (extracted["record_id"], extracted["title"]) == ("text", "A trial")
        (limit,) = [one for one in extracted["values"] if "HbA1c: >=" in one["text"]]
        assert (limit["value"]["value"], limit["quote"]) == (7.5, "HbA1c of at least 7.5 %")
        assert (await call(client, "extract_record", source="note.txt"))["record_id"] == "note"


def test_a_message_that_cannot_be_read_gets_an_error_and_the_next_one_is_read(tmp_path):
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}}
    hello["clientInfo"] = {"name": "test", "version": "1"}
    broken = {"name": "verify_quote", "arguments": {"quote": "\ud800", "text": "a"}}
    sent = [
        {"id": 1, "method": "initialize", "params": hello},
        {"id": 2, "method": "tools/call", "params": broken},
        *({"id": odd, "method": "ping"} for odd in ([], None, 1.5, True, {}, "half \ud800")),
        {"id": "\udfff", "result": {}},
        {"id": [], "method": "\ud800"},
        {"id": 3, "method": "ping"},
    ]
    lines = [json.dumps({"jsonrpc": "2.0"} | message) for message in sent]
    lines.insert(2, '{"jsonrpc": "2.0", "id": 4, "method": "ping", "params": ' + "[" * 100_000)
    os.mkfifo(tmp_path / "stdin")
    with start_extractor("mcp", stdin=tmp_path / "stdin") as running:
        # a client keeps the pipe open until it has its answers
        with (tmp_path / "stdin").open("w") as pipe:
            pipe.write("\n".join([*lines, ""]))
            pipe.flush()
            running.wait_for(lambda: running.stdout.read_bytes().count(b"\n") == len(lines))
        told = running.wait().stdout.splitlines()
    answers = Counter((answer["id"], "error" in answer) for answer in map(json.loads, told))
    assert answers == {(1, False): 1, (2, True): 1, (None, True): len(lines) - 3, (3, False): 1}


async def test_a_trial_of_the_registry_is_fetched_once(monkeypatch):
    monkeypatch.setattr("extractor.apps.mcp.desk._KEPT", 1)
    with serve_registry(make_study(1), make_study(3)) as registry:
        monkeypatch.setenv("EXTRACTOR_REGISTRY", registry.url)
        async with connect() as client:
            found = await call(client, "extract_record", source="nct00000001")
            checked = await call(client, "verify_quote", quote=found["title"], source="NCT00000001")
            assert (checked["status"], checked["section"]) == ("exact", "title")
            assert len(registry.asked) == 1
            assert "not in " in await refuse(client, "extract_record", source="NCT00000002")
            for number in (3, 1):
                await call(client, "extract_record", source=f"NCT0000000{number}")
            assert len(registry.asked) == 4


async def test_a_claim_is_checked():
    async with connect() as client:
        for quote, status, conflicts in CASES["claims"]:
            answer = await call(client, "verify_quote", quote=quote, text=TEXT)
            assert (answer["status"], answer["conflicts"]) == (status, conflicts)
            words = None if status == "absent" else TEXT[answer["start"] : answer["end"]]
            assert answer["words"] == words


async def test_the_fields_are_listed_with_the_users_own():
    async with connect(fields="extractor.catalogue:Blinding") as client:
        fields = {field["field"]: field for field in (await call(client, "list_fields"))["fields"]}
        extracted = await call(client, "extract_text", text=f"A double-blind trial of examplumab.\n{TEXT}")
        only_criteria = await call(client, "extract_text", text=TEXT)
    assert fields["eligibility.sex"]["words"] == ["all", "female", "male"]
    assert "double" in fields["custom.blinding.level"]["words"]
    assert all(field["meaning"] for field in fields.values())
    assert "double" in [one["text"] for one in extracted["values"] if "blinding" in one["path"]]
    assert (extracted["usd"], extracted["usage"]["calls"]) == (0, 0)
    # a description may state doses and endpoints, a list of criteria none
    assert set(extracted["empty_fields"]) == {"not_reported"}
    assert only_criteria["empty_fields"]["section_absent"] > 0


async def test_only_readable_files_of_the_folder_are_read_and_wrong_arguments_are_refused(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "outside.txt").write_text(TEXT, "utf-8")
    (folder / "link.txt").symlink_to(tmp_path / "outside.txt")
    (folder / "large.txt").write_text(TEXT * 50, "utf-8")
    (folder / "page.html").write_text("<html><body>Trial</body></html>", "utf-8")
    lines = (json.dumps({"text": TEXT, "record_id": name}) for name in "ab")
    (folder / "two.jsonl").write_text("\n".join(lines), "utf-8")
    async with connect(files=folder, max_bytes=1000) as client:
        large = ["extract_text", {"text": "x" * 1001}, "more than 1,000 bytes"]
        for tool, arguments, problem in (*CASES["wrong_calls"], large):
            assert problem in await refuse(client, tool, **arguments)
        assert (await call(client, "extract_record", source="two.jsonl", record_id="b"))["record_id"] == "b"


async def test_a_call_ends_at_its_time_and_the_next_one_is_answered():
    lines = "\n".join(f"- HbA1c of at least {n}.5 % and BMI < {n}" for n in range(3000))
    async with connect(timeout=0.2) as client:
        problem = await refuse(client, "extract_text", text=f"Inclusion criteria:\n{lines}")
        assert "longer than 0.2 seconds" in problem
        assert len((await call(client, "list_fields"))["fields"]) > 30


async def test_a_model_that_answered_uselessly_for_long_is_asked_again():
    with serve_faults(lambda _: Fault(content="no idea")) as server:
        async with connect(f"{server.url}#stub", effort="full") as client:
            for _ in range(MOST_USELESS):
                await client.call_tool("extract_text", {"text": TEXT})
            server.plan = lambda _: WELL
            assert (await call(client, "extract_text", text=TEXT))["usage"]["calls"]


async def test_money_is_limited_over_all_calls(tmp_path):
    prices = tmp_path / "prices.toml"
    prices.write_text("as_of = 2026-11-01\n[model.stub]\nprompt = 2\noutput = 10\n", "utf-8")
    text = f"{TEXT}\nPrimary endpoint: A measure of something at some time"
    answers = []
    with serve_faults() as server:
        for most in (5.0, 0.000001):
            async with connect(f"{server.url}#stub", effort="full", prices=prices, max_usd=most) as client:
                answers.append(await call(client, "extract_text", text=text))
    asked, left = answers
    assert min(asked["usage"]["calls"], asked["usd"]) > 0
    assert (left["usage"]["calls"], left["usd"]) == (0, 0.0)
    assert left["usage"]["open_questions"] > 0
