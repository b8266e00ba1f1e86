"""The command against a server with faults and a model that answers nothing usable: messages,
exit code, next steps.
"""

import json
import shutil
from pathlib import Path

import pytest

from tests.commands import invoke
from tests.llm.stub import completion, serve

from .server import WELL, Fault, serve_faults

pytestmark = pytest.mark.slow

RECORDS = 12
KEY = "a-key-of-this-server"


def run(records, out, url, *options, **environment):
    command = (
        "run",
        records,
        "--effort",
        "all",
        "--concurrency",
        "3",
        "--model",
        f"{url}#stub",
        "--out",
        out,
    )
    return invoke(*command, *options, **environment)


def test_a_run_stops_without_credit_and_can_continue(records, tmp_path):
    broke = Fault(
        429, error={"code": "insufficient_quota", "message": "You exceeded your quota"}
    )
    with serve_faults(lambda number: WELL if number < 6 else broke) as server:
        stopped = run(records, tmp_path / "run", server.url)
        assert stopped.exit_code == 75
        assert (
            "the account has no credit left: You exceeded your quota; go on with: extractor"
            in stopped.stderr
        )
        assert (tmp_path / "run" / "failures.jsonl").read_text("utf-8") == ""
        server.plan = lambda _: WELL
        assert run(records, tmp_path / "run", server.url).exit_code == 0

    manifest = json.loads((tmp_path / "run" / "run.json").read_text("utf-8"))

    resumed = manifest["records"]["resumed"]
    assert manifest["records"] == {
        "extracted": RECORDS,
        "lacking": 0,
        "left": 0,
        "resumed": resumed,
        "failed": 0,
    }
    assert 0 < resumed < RECORDS
    assert manifest["usage"]["calls"] == server.answers


def test_an_absent_server_is_reported_and_no_record_fails(tmp_path):
    """One record has no questions, so its extraction does not prove that the model is available."""
    records = shutil.copytree("seeds/records", tmp_path / "records")
    named = {"nctId": "NCT99000009", "briefTitle": "A Study of Rest"}
    quiet = {"protocolSection": {"identificationModule": named}}
    Path(records, "0.json").write_text(json.dumps(quiet), "utf-8")
    with serve_faults() as server:
        pass
    ended = run(
        str(records),
        tmp_path / "run",
        server.url,
        "--effort",
        "medium",
        "--workers",
        "2",
    )
    assert ended.exit_code == 75
    assert f"model stub at {server.url}: no connection: " in ended.stderr
    assert "is the server running, and the address right?" in ended.stderr
    assert "go on with: extractor" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert (tmp_path / "run" / "failures.jsonl").read_text("utf-8") == ""
    manifest = json.loads((tmp_path / "run" / "run.json").read_text("utf-8"))
    assert manifest["records"] == {
        "extracted": 1,
        "lacking": 0,
        "left": 0,
        "resumed": 0,
        "failed": 0,
    }


@pytest.mark.parametrize("inputs", ["seeds/records", None], ids=["few", "many"])
def test_a_context_that_is_too_small_is_an_error_that_does_not_pass(
    inputs, records, tmp_path
):
    """With few records all questions stay open; with many the model is given up."""
    small = Fault(400, error={"message": "exceeds the available context size (4096)"})
    with serve_faults(lambda _: small) as server:
        folder = tmp_path / "run"
        given = inputs or records
        ended = run(given, folder, server.url, EXTRACTOR_MAX_LACKING="0.05")
    assert ended.exit_code == 2
    assert "available context size (4096)" in ended.stderr
    assert "the context of this model is too small" in ended.stderr
    assert "go on with: extractor" in ended.stderr


def test_a_run_that_brought_nothing_usable_says_so_first_and_ends_with_75(
    records, tmp_path
):
    """Three calls in four are empty: the model is not given up, but most questions have no
    answer.
    """
    empty = Fault(content='{"items": []}')
    with serve_faults(lambda number: Fault() if number % 4 == 0 else empty) as server:
        ended = run(records, tmp_path / "run", server.url, EXTRACTOR_MAX_LACKING="0.05")
        said = ended.stderr.splitlines()
        assert ended.exit_code == 75
        assert (
            " questions, more than EXTRACTOR_MAX_LACKING (0.05) allows; such as: "
        ) in said[0]
        assert "go on with: extractor" in said[0]
        assert any(
            "without any usable answer)" in line
            for line in said
            if line.startswith("questions: ")
        )
        quiet = run(
            records, tmp_path / "quiet", server.url, "--quiet", EXTRACTOR_MAX_LACKING=""
        )
        assert quiet.exit_code == 75
        assert "no usable answer" in quiet.stderr
        assert (
            run(
                records, tmp_path / "other", server.url, EXTRACTOR_MAX_LACKING="1"
            ).exit_code
            == 0
        )


def test_a_share_that_is_none_is_refused_before_anything_is_asked(records, tmp_path):
    with serve_faults() as server:
        ended = run(records, tmp_path / "run", server.url, EXTRACTOR_MAX_LACKING="5")
    assert (ended.exit_code, server.calls) == (2, 0)
    assert "--max-lacking: 5.0: input should be less than" in ended.stderr


def test_the_findings_on_what_a_model_left_out_are_counted(tmp_path):
    with serve([completion('{"items": []}')]) as server:
        ended = run(
            "tests/records/study.json",
            tmp_path / "run",
            server.url,
            "--tasks",
            "dosing",
        )
    kinds = json.loads((tmp_path / "run" / "run.json").read_text("utf-8"))[
        "finding_kinds"
    ]

    assert kinds["regimen_unconfirmed"] > 0
    assert (
        f"read by the rules, left out by the model: {kinds['regimen_unconfirmed']}\n"
        in ended.stderr
    )


@pytest.mark.parametrize(
    ("environment", "is_sent"),
    [
        ({"EXTRACTOR_MODEL_TOKEN": KEY}, True),
        ({"EXTRACTOR_TOKEN": KEY}, False),
        (
            {
                "EXTRACTOR_MODEL_TOKEN": KEY,
                "EXTRACTOR_MODEL": "http://other.invalid/v1#m",
            },
            False,
        ),
    ],
    ids=["the server's", "the service's", "another server's"],
)
def test_a_key_goes_only_to_the_server_that_it_is_for(tmp_path, environment, is_sent):
    with serve([completion('{"items": []}')]) as server:
        ended = run(
            "tests/records/study.json", tmp_path / "run", server.url, **environment
        )
    assert server.headers
    assert [KEY in str(headers) for headers in server.headers] == [is_sent] * len(
        server.headers
    )
    assert ("127.0.0.1:" in ended.stderr.partition("does not get it")[0]) is (
        "EXTRACTOR_MODEL" in environment
    )
