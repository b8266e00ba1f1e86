"""The command against a server with faults: its messages, its exit code, and whether it can continue."""

import json
import shutil
from pathlib import Path

from tests.commands import invoke

from .server import WELL, Fault, serve_faults

RECORDS = 10


def run(records, out, server, *options):
    command = ("run", records, "--effort", "high", "--concurrency", "3", "--quiet")
    return invoke(*command, "--model", f"{server.url}#stub", "--out", out, *options)


def test_a_run_stops_without_credit_and_can_continue(records, tmp_path):
    broke = Fault(429, error={"code": "insufficient_quota", "message": "You exceeded your quota"})
    with serve_faults(lambda number: WELL if number < 6 else broke) as server:
        stopped = run(records, tmp_path / "run", server)
        assert stopped.exit_code == 1
        assert "the account has no credit left: You exceeded your quota; go on with: extractor" in stopped.stderr
        assert (tmp_path / "run" / "failures.jsonl").read_text("utf-8") == ""
        server.plan = lambda _: WELL
        assert run(records, tmp_path / "run", server).exit_code == 0
    manifest = json.loads((tmp_path / "run" / "run.json").read_text("utf-8"))
    resumed = manifest["records"]["resumed"]
    assert manifest["records"] == {"extracted": RECORDS, "lacking": 0, "left": 0, "resumed": resumed, "failed": 0}
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
    ended = run(str(records), tmp_path / "run", server, "--effort", "medium", "--workers", "2")
    assert ended.exit_code == 1
    assert f"model stub at {server.url}: no connection: " in ended.stderr
    assert "is the server running, and the address right?" in ended.stderr
    assert "go on with: extractor" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert (tmp_path / "run" / "failures.jsonl").read_text("utf-8") == ""
    manifest = json.loads((tmp_path / "run" / "run.json").read_text("utf-8"))
    assert manifest["records"] == {"extracted": 1, "lacking": 0, "left": 0, "resumed": 0, "failed": 0}
