"""Each tool, its limits and its messages, over stdio and in this process."""

import json
import sys
from contextlib import asynccontextmanager

import pytest
from mcp import Client, StdioServerParameters

from extractor.apps.mcp.server import open_server
from extractor.apps.mcp.settings import ToolOptions, ToolSettings
from extractor.model.cost.budget import Pricing
from extractor.model.cost.prices import read_prices
from extractor.model.spec import ModelSpec
from tests.faults.server import serve_faults
from tests.fetch.registry import make_study, serve_registry

pytestmark = pytest.mark.slow

TEXT = "Inclusion criteria:\n- HbA1c of at least 7.5 %\n- BMI < 35 kg/m2"
TOOLS = ["extract_record", "extract_text", "list_fields", "verify_quote"]


@asynccontextmanager
async def connect(model=None, **options):
    """A client of a server in this process."""
    given = ToolOptions.read(options)
    spec = ModelSpec.parse(model) if model else None
    pricing = Pricing.of(spec, read_prices(given.prices), given.max_usd, None)
    async with (
        open_server(ToolSettings(given, spec, pricing)) as server,
        Client(server) as client,
    ):
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


async def test_the_command_serves_its_tools_over_stdio(tmp_path):
    (tmp_path / "note.txt").write_text(TEXT, "utf-8")
    args = ["-m", "extractor", "mcp", "--files", str(tmp_path)]
    async with Client(
        StdioServerParameters(command=sys.executable, args=args)
    ) as client:
        listed = (await client.list_tools()).tools
        assert sorted(tool.name for tool in listed) == TOOLS
        for tool in listed:
            assert (tool.description, tool.output_schema["type"]) > ("", "object")
            assert tool.annotations.read_only_hint
            for name, argument in tool.input_schema["properties"].items():
                assert argument.get("description"), (tool.name, name)
        extracted = await call(client, "extract_text", text=TEXT, title="A trial")
        assert (extracted["record_id"], extracted["title"]) == ("text", "A trial")
        (limit,) = [one for one in extracted["values"] if "HbA1c: >=" in one["text"]]
        assert limit["value"]["value"] == 7.5
        assert limit["quote"] == "HbA1c of at least 7.5 %"
        noted = await call(client, "extract_record", source="note.txt")
        assert noted["record_id"] == "note"
        words = {"quote": "BMI < 35 kg/m2", "source": "note.txt"}
        assert (await call(client, "verify_quote", **words))["status"] == "exact"


async def test_a_trial_of_the_registry_is_fetched_once(monkeypatch):
    with serve_registry(make_study(1)) as registry:
        monkeypatch.setenv("EXTRACTOR_REGISTRY", registry.url)
        async with connect() as client:
            found = await call(client, "extract_record", source="nct00000001")
            asked = {"quote": found["title"], "source": "NCT00000001"}
            checked = await call(client, "verify_quote", **asked)
            assert (checked["status"], checked["section"]) == ("exact", "title")
            assert len(registry.asked) == 1
            problem = await refuse(client, "extract_record", source="NCT00000002")
            assert "not known to" in problem


@pytest.mark.parametrize(
    ("quote", "status", "conflict"),
    [
        ("HbA1c of at least 7.5 %", "exact", []),
        ("hba1c of at least 7.5%", "folded", []),
        ("BMI < 30 kg/m2", "conflict", [("number", "30", "35")]),
        ("BMI > 35 kg/m2", "conflict", [("comparator", ">", "<")]),
        ("a history of stroke", "absent", []),
    ],
)
async def test_a_claim_is_checked(quote, status, conflict):
    async with connect() as client:
        answer = await call(client, "verify_quote", quote=quote, text=TEXT)
    assert answer["status"] == status
    assert [tuple(found.values()) for found in answer["conflicts"]] == conflict
    if status != "absent":
        assert TEXT[answer["start"] : answer["end"]] == answer["words"]


async def test_the_fields_are_listed_with_the_users_own():
    async with connect(fields="extractor.catalogue:Blinding") as client:
        listed = await call(client, "list_fields")
        text = f"A double-blind trial of examplumab.\n{TEXT}"
        extracted = await call(client, "extract_text", text=text)
    fields = {field["field"]: field for field in listed["fields"]}
    assert fields["eligibility.sex"]["words"] == ["all", "female", "male"]
    assert "double" in fields["custom.blinding.level"]["words"]
    assert all(field["meaning"] for field in fields.values())
    own = [one["text"] for one in extracted["values"] if "blinding" in one["path"]]
    assert own == ["double"]


async def test_only_readable_files_of_the_folder_are_read(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "outside.txt").write_text(TEXT, "utf-8")
    (folder / "link.txt").symlink_to(tmp_path / "outside.txt")
    (folder / "large.txt").write_text(TEXT * 50, "utf-8")
    (folder / "page.html").write_text("<html><body>Trial</body></html>", "utf-8")
    lines = (json.dumps({"text": TEXT, "record_id": name}) for name in "ab")
    (folder / "two.jsonl").write_text("\n".join(lines), "utf-8")
    async with connect(files=folder, max_bytes=1000) as client:
        for source, problem in (
            ("../outside.txt", "outside of the folder"),
            ("/etc/passwd", "outside of the folder"),
            ("link.txt", "outside of the folder"),
            (".", "neither an NCT number nor a file"),
            ("large.txt", "more than 1,000 bytes"),
            ("two.jsonl", "several records: a, b; choose one by record_id"),
            ("page.html", "a web page, which is not read"),
            ("a\0b", "no name of a file"),
        ):
            assert problem in await refuse(client, "extract_record", source=source)
        chosen = await call(client, "extract_record", source="two.jsonl", record_id="b")
        assert chosen["record_id"] == "b"
        for tool, arguments, problem in (
            ("verify_quote", {"quote": "x"}, "one of the two"),
            ("verify_quote", {"quote": "x", "text": "x", "source": "y"}, "of the two"),
            ("verify_quote", {"quote": " ", "text": "x"}, "is empty"),
            ("extract_text", {"text": ""}, "at least 1 character"),
            ("extract_text", {"text": "x" * 1001}, "more than 1,000 bytes"),
            ("extract_text", {"text": '{"a": 1}'}, "text"),
        ):
            assert problem in await refuse(client, tool, **arguments)


async def test_a_call_ends_at_its_time_and_the_next_one_is_answered():
    lines = "\n".join(f"- HbA1c of at least {n}.5 % and BMI < {n}" for n in range(3000))
    text = f"Inclusion criteria:\n{lines}"
    async with connect(timeout=0.2) as client:
        problem = await refuse(client, "extract_text", text=text)
        assert "longer than 0.2 seconds" in problem
        assert len((await call(client, "list_fields"))["fields"]) > 30


async def test_money_is_limited_over_all_calls(tmp_path):
    prices = tmp_path / "prices.toml"
    model = "as_of = 2026-11-01\n[model.stub]\nprompt = 2\noutput = 10\n"
    prices.write_text(model, "utf-8")
    text = f"{TEXT}\nPrimary endpoint: A measure of something at some time"
    answers = []
    with serve_faults() as server:
        for most in (5.0, 0.000001):
            given = {"effort": "all", "prices": prices, "max_usd": most}
            async with connect(f"{server.url}#stub", **given) as client:
                answers.append(await call(client, "extract_text", text=text))
    asked, left = answers
    assert asked["usage"]["calls"] > 0
    assert asked["usd"] > 0
    assert (left["usage"]["calls"], left["usd"]) == (0, 0.0)
    assert left["usage"]["open_questions"] > 0
