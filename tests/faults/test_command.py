"""Messages, exit codes and next steps of the command if a server has faults or a model's answers
are unusable.
"""

import json
import shutil
from pathlib import Path

import pytest

from extractor.apps.cli.console import LATER
from tests.commands import invoke, read_lines
from tests.llm.stub import completion, serve
from tests.stand_ins import write_distinct_records

from .running import count_lines, read_manifest
from .server import WELL, Fault, serve_faults

pytestmark = pytest.mark.slow

RECORDS = 12
KEY = "a-key-of-this-server"
STUDY = "tests/records/study.json"
TOO_LONG = Fault(400, error={"message": "exceeds the available context size (4096)"})
NONSENSE = Fault(content='{"items": [{"n": 987654}]}')


def run(records, out, url, *options, **environment):
    model = ("--model", f"{url}#stub", "--effort", "full", "--concurrency", "3")
    return invoke("run", records, *model, "--out", out, *options, **environment)


def test_an_absent_server_is_reported_and_no_record_fails(tmp_path):
    """One record has no questions, so its extraction does not prove that the model is available."""
    records = shutil.copytree("seeds/records", tmp_path / "records")
    named = {"nctId": "NCT99000009"}
    rest = {"conditions": ["Rest"]}
    study = {"identificationModule": named, "conditionsModule": rest}
    quiet = {"protocolSection": study}
    Path(records, "0.json").write_text(json.dumps(quiet), "utf-8")
    with serve_faults() as server:
        pass
    out = tmp_path / "run"
    ended = run(records, out, server.url, "--effort", "full", "--workers", "2")
    assert ended.exit_code == 75
    for said in (
        f"model stub at {server.url}: no connection: ",
        "check that the server is running",
        "resume with: extractor",
    ):
        assert said in ended.stderr
    assert "Traceback" not in ended.stderr
    assert (out / "failures.jsonl").read_text("utf-8") == ""
    counts = read_manifest(out)["records"]
    assert (counts["extracted"], counts["failed"]) == (1, 0)


def test_useless_answers_in_a_row_end_the_run_before_all_are_paid(tmp_path):
    write_distinct_records(tmp_path / "in.jsonl", 30)
    with serve_faults(lambda _: TOO_LONG) as server:
        ended = run(tmp_path / "in.jsonl", tmp_path / "run", server.url)
    assert ended.exit_code == 75
    assert "20 unusable answers in a row; the last one: " in ended.stderr
    assert "context size (4096)" in ended.stderr
    assert "choose another model, or fix this" in ended.stderr
    counts = read_manifest(tmp_path / "run")["records"]
    assert counts["extracted"] + counts["failed"] < 30


@pytest.mark.parametrize(
    ("fault", "usable", "code"),
    [(NONSENSE, 4, 0), (TOO_LONG, 4, 0), (NONSENSE, 0, 75), (TOO_LONG, 0, 75)],
)
def test_records_that_a_working_model_cannot_answer_stop_one_run_but_not_the_next(
    tmp_path, fault, usable, code
):
    write_distinct_records(tmp_path / "in.jsonl", 30)
    out = tmp_path / "run"
    with serve_faults(lambda number: WELL if number < usable else fault) as server:
        ended = run(tmp_path / "in.jsonl", out, server.url)
        assert ended.exit_code == 75
        assert "20 unusable answers in a row" in ended.stderr
        first = server.calls
        share = {"EXTRACTOR_MAX_LACKING": "1"}
        ended = run(tmp_path / "in.jsonl", out, server.url, **share)
    assert ended.exit_code == code, ended.stderr
    assert server.calls - first <= 30
    assert (read_manifest(out)["state"] == "complete") is (code != 75)


@pytest.mark.parametrize(("share", "code"), [("0.05", 75), ("1", 0)])
def test_a_run_that_brought_nothing_usable_explains_it_first_and_ends_with_75(
    records, tmp_path, share, code
):
    """Three calls in four are empty: the model is not given up, but most questions have no
    answer.
    """
    empty = Fault(content='{"items": []}')
    with serve_faults(lambda number: WELL if number % 4 == 0 else empty) as server:
        limit = {"EXTRACTOR_MAX_LACKING": share}
        ended = run(records, tmp_path / "run", server.url, **limit)
    assert ended.exit_code == code
    first = ended.stderr.splitlines()[0]
    said = "questions, more than the limit EXTRACTOR_MAX_LACKING (0.05); for example: "
    for told in ("no usable answer to", said, "resume with: extractor"):
        assert (told in first) is (code == 75)


@pytest.mark.parametrize(
    ("environment", "is_sent"),
    [
        ({"EXTRACTOR_MODEL_TOKEN": KEY}, True),
        ({"EXTRACTOR_TOKEN": KEY}, False),
        (
            {"EXTRACTOR_MODEL_TOKEN": KEY, "EXTRACTOR_MODEL": "http://b.test/v1#m"},
            False,
        ),
    ],
    ids=["the server's", "the service's", "another server's"],
)
def test_a_key_goes_only_to_the_server_that_it_is_for(tmp_path, environment, is_sent):
    with serve([completion('{"items": []}')]) as server:
        ended = run(STUDY, tmp_path / "run", server.url, **environment)
    assert {KEY in str(headers) for headers in server.headers} == {is_sent}
    noted = "127.0.0.1:" in ended.stderr.partition("does not get it")[0]
    assert noted is ("EXTRACTOR_MODEL" in environment)


# A server that moves to another address: its run goes on there, and is replayed.

NO_CREDIT = {"code": "insufficient_quota", "message": "You exceeded your quota"}
BROKE = Fault(429, error=NO_CREDIT)


def replay(records, run, out):
    return invoke("run", records, "--replay", run, "--effort", "full", "--out", out)


def model_of(out):
    return read_manifest(out)["settings"]["model"]


@pytest.fixture
def begun(records, tmp_path):
    """A run that stopped in its middle without credit, and its server, which is gone now."""
    with serve_faults(lambda number: WELL if number < 3 else BROKE) as server:
        ended = run(records, tmp_path / "run", server.url, "--concurrency", "1")
    assert ended.exit_code == LATER
    said = "the account has no credit left: You exceeded your quota; resume with: extractor"
    assert said in ended.stderr
    assert 0 < count_lines(tmp_path / "run") < RECORDS
    assert read_lines(tmp_path / "run" / "failures.jsonl") == []
    assert read_manifest(tmp_path / "run")["usage"]["calls"] == server.answers
    return tmp_path / "run", server


@pytest.mark.parametrize("is_replay", [False, True], ids=["run", "replay"])
def test_a_run_goes_on_at_another_address_and_pays_for_nothing_again(
    is_replay, records, begun, tmp_path
):
    first, old = begun
    out = first
    if is_replay:
        out = tmp_path / "new"
        replay(records, first, out)
        assert model_of(out) == f"{old.url}#stub"

    with serve_faults() as new:
        ended = run(records, out, new.url)

    assert ended.exit_code == 0, ended.output
    assert count_lines(out) == RECORDS
    assert not +old.answered & +new.asked, "no answer is paid twice"
    assert model_of(out) == f"{new.url}#stub"
    if is_replay:
        again = replay(records, first, out)
        assert again.exit_code in (0, LATER), again.output
