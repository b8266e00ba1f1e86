"""Each tool, its limits and its messages, over stdio and in this process."""

import json
import sys
from contextlib import asynccontextmanager

import pytest
from mcp import Client, StdioServerParameters

from extractor.apps.mcp.server import build_server
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
    server = build_server(ToolSettings(given, spec, pricing))
    async with Client(server) as client:
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
    command = StdioServerParameters(
        command=sys.executable,
        args=["-m", "extractor", "mcp", "--files", str(tmp_path)],
    )
    async with Client(command) as client:
        listed = (await client.list_tools()).tools
        assert sorted(tool.name for tool in listed) == TOOLS
        for tool in listed:
            assert tool.description
            assert tool.output_schema["type"] == "object"
            assert tool.annotations.read_only_hint
            for name, argument in tool.input_schema["properties"].items():
                assert argument.get("description"), (tool.name, name)
        extracted = await call(client, "extract_text", text=TEXT, title="A trial")
        assert extracted["record_id"] == "text"
        assert extracted["title"] == "A trial"
        limits = [
            value
            for value in extracted["values"]
            if value["said"].startswith("HbA1c ≥")
        ]
        assert limits[0]["value"]["value"] == 7.5
        assert limits[0]["quotes"] == ["HbA1c of at least 7.5 %"]
        noted = await call(client, "extract_record", source="note.txt")
        assert noted["record_id"] == "note"
        checked = await call(
            client, "verify_quote", quote="BMI below 35", source="note.txt"
        )
        assert checked["section"] in {"eligibility", None}


async def test_a_trial_of_the_registry_is_fetched_once(tmp_path):
    with serve_registry(make_study(1)) as registry:
        async with connect(base_url=registry.url) as client:
            found = await call(client, "extract_record", source="nct00000001")
            assert found["record_id"] == "NCT00000001"
            title = found["title"]
            asked = len(registry.asked)
            checked = await call(
                client, "verify_quote", quote=title, source="NCT00000001"
            )
            assert (checked["status"], checked["section"]) == ("exact", "title")
            assert len(registry.asked) == asked
            problem = await refuse(client, "extract_record", source="NCT00000002")
            assert "not known to" in problem


@pytest.mark.parametrize(
    ("quote", "status", "conflict"),
    [
        ("HbA1c of at least 7.5 %", "exact", None),
        ("hba1c of at least 7.5%", "folded", None),
        ("BMI < 30 kg/m2", "conflict", ("number", "30", "35")),
        ("BMI > 35 kg/m2", "conflict", ("comparator", ">", "<")),
        ("a history of stroke", "absent", None),
    ],
)
async def test_a_claim_is_checked(quote, status, conflict):
    async with connect() as client:
        answer = await call(client, "verify_quote", quote=quote, text=TEXT)

    assert answer["status"] == status
    conflicts = [
        (found["kind"], found["quoted"], found["stated"])
        for found in answer["conflicts"]
    ]
    assert conflicts == ([conflict] if conflict else [])
    if status != "absent":
        assert TEXT[answer["start"] : answer["end"]] == answer["words"]


async def test_the_fields_are_listed_with_the_users_own():
    async with connect(fields="extractor.catalogue:Blinding") as client:
        listed = await call(client, "list_fields")
        text = "A double-blind trial of examplumab.\n" + TEXT
        extracted = await call(client, "extract_text", text=text)
    fields = {field["field"]: field for field in listed["fields"]}
    assert fields["eligibility.sex"]["words"] == ["all", "female", "male"]
    assert "double" in fields["custom.blinding.level"]["words"]
    assert all(field["meaning"] for field in fields.values())
    levels = [
        value["said"] for value in extracted["values"] if "blinding" in value["field"]
    ]
    assert levels == ["double"]


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("../outside.txt", "outside of the folder"),
        ("/etc/passwd", "outside of the folder"),
        ("link.txt", "outside of the folder"),
        ("none.txt", "neither an NCT number nor a file"),
        (".", "neither an NCT number nor a file"),
        ("large.txt", "more than 1,000 bytes"),
        ("two.jsonl", "several records: a, b; choose one by record_id"),
        ("page.html", "a web page, which is not read"),
        ("a\0b", "no name of a file"),
    ],
)
async def test_only_readable_files_of_the_folder_are_read(tmp_path, source, problem):
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "outside.txt").write_text(TEXT, "utf-8")
    (folder / "link.txt").symlink_to(tmp_path / "outside.txt")
    (folder / "large.txt").write_text(TEXT * 50, "utf-8")
    (folder / "page.html").write_text("<html><body>Trial</body></html>", "utf-8")
    lines = (json.dumps({"text": TEXT, "record_id": name}) for name in "ab")
    (folder / "two.jsonl").write_text("\n".join(lines), "utf-8")
    async with connect(files=folder, max_bytes=1000) as client:
        assert problem in await refuse(client, "extract_record", source=source)
        chosen = await call(client, "extract_record", source="two.jsonl", record_id="b")
        assert chosen["record_id"] == "b"


async def test_wrong_arguments_are_told():
    async with connect(max_bytes=1000) as client:
        for tool, arguments, problem in (
            ("verify_quote", {"quote": "x"}, "one of the two"),
            ("verify_quote", {"quote": "x", "text": "x", "source": "y"}, "of the two"),
            ("verify_quote", {"quote": " ", "text": "x"}, "is empty"),
            ("extract_text", {"text": ""}, "at least 1 character"),
            ("extract_text", {"text": "x" * 1001}, "more than 1,000 bytes"),
            ("extract_text", {"text": '{"a": 1}'}, "text"),
            ("extract_text", {}, "Field required"),
        ):
            assert problem in await refuse(client, tool, **arguments)


async def test_a_call_ends_at_its_time_and_the_next_one_is_answered():
    lines = "\n".join(f"- HbA1c of at least {n}.5 % and BMI < {n}" for n in range(3000))
    async with connect(timeout=0.2) as client:
        problem = await refuse(
            client, "extract_text", text=f"Inclusion criteria:\n{lines}"
        )
        assert "longer than 0.2 seconds" in problem
        assert len((await call(client, "list_fields"))["fields"]) > 30


async def test_money_is_limited_over_all_calls(tmp_path):
    (tmp_path / "prices.toml").write_text(
        "as_of = 2026-11-01\n[model.stub]\nprompt = 2\noutput = 10\n", "utf-8"
    )
    text = f"{TEXT}\nPrimary endpoint: A measure of something at some time"

    with serve_faults() as server:
        given = {"effort": "all", "prices": tmp_path / "prices.toml"}
        async with connect(f"{server.url}#stub", max_usd=5.0, **given) as client:
            asked = (await call(client, "extract_text", text=text))["usage"]
        async with connect(f"{server.url}#stub", max_usd=0.000001, **given) as client:
            left = (await call(client, "extract_text", text=text))["usage"]

    assert asked["calls"] > 0
    assert asked["usd"] > 0
    assert (left["calls"], left["usd"]) == (0, 0.0)
    assert left["open_questions"] > 0
