"""``extractor run`` as a user starts it: files, exit codes, what goes to which stream."""

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from extractor import Extractor as ExtractorOfLibrary
from extractor import read_records
from tests.commands import extractor
from tests.llm.stub import fault, serve


def lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_a_folder_of_records_becomes_a_folder_of_results(tmp_path):
    done = extractor("run", "tests/records", "--assist", "never", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == b""
    results = lines(tmp_path / "extractions.jsonl")
    manifest = json.loads((tmp_path / "run.json").read_text("utf-8"))
    assert manifest["records"] == {"extracted": len(results), "lacking": 0, "resumed": 0, "failed": 0}
    assert manifest["settings"]["prompts"].keys() == {"questions.v4", "conflict.v1"}
    assert lines(tmp_path / "failures.jsonl") == []
    assert b"records extracted: 12" in done.stderr


def test_without_a_folder_results_go_to_standard_output():
    done = extractor("run", "tests/records/studies.jsonl", "--quiet")
    assert done.returncode == 0
    assert [json.loads(line)["record_id"] for line in done.stdout.splitlines()] == ["NCT90000006", "NCT90000007"]
    assert done.stderr == b""


def test_without_a_model_it_says_how_many_questions_stayed_open():
    done = extractor("run", "tests/records/study.json")
    open_questions = json.loads(done.stdout)["usage"]["open_questions"]
    assert open_questions > 0
    assert f"{open_questions} questions stayed open" in done.stderr.decode()


def test_the_same_command_again_resumes(tmp_path):
    command = ("run", "tests/records/studies.jsonl", "--out", tmp_path)
    extractor(*command, "--limit", "1")
    before = (tmp_path / "extractions.jsonl").read_bytes()
    done = extractor(*command)
    after = (tmp_path / "extractions.jsonl").read_bytes()
    assert done.returncode == 0
    assert after.startswith(before)
    assert [r["record_id"] for r in lines(tmp_path / "extractions.jsonl")] == ["NCT90000006", "NCT90000007"]
    assert b"records done: 2 (1 new)" in done.stderr


def test_values_that_are_not_sure_enough_are_left_out(tmp_path):
    source = "tests/records/studies.jsonl"
    done = extractor("run", source, "--assist", "never", "--min-confidence", "0.9", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    library = ExtractorOfLibrary(assist="never", min_confidence=0.9)
    results = lines(tmp_path / "extractions.jsonl")
    assert results == [library.extract(record).model_dump(mode="json") for record in read_records(source)]
    manifest = json.loads((tmp_path / "run.json").read_text("utf-8"))
    assert manifest["settings"]["min_confidence"] == 0.9
    assert manifest["absences"]["low_confidence"] > 0
    whole = [ExtractorOfLibrary(assist="never").extract(record) for record in read_records(source)]
    assert sum(len(result["dosing"]) for result in results) < sum(len(each.dosing) for each in whole)


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["run"], "INPUT"),
        (["run", "tests/records", "--assist", "sometimes"], "sometimes"),
        (
            ["run", "tests/records", "--tasks", "colours"],
            "colours: no such task; choose from eligibility, dosing, endpoints",
        ),
        (["run", "tests/records", "--min-confidence", "90"], "90.0: no confidence; choose a number from 0 to 1"),
        (["run", "tests/records", "--model", "http://localhost:8000/v1"], "#NAME"),
        (["run", "tests/records", "--record", "answers"], "--model"),
        (["run", "tests/records", "--fresh"], "--out"),
        (["run", "tests/records", "--out", "tests/records"], "is an input"),
        (["run", "tests/records", "--tasks", ""], "eligibility"),
        (["run", "tests/records", "--replay", "no-such-folder"], "no-such-folder"),
    ],
)
def test_a_wrong_call_exits_with_2_and_says_what_to_do(arguments, hint):
    done = extractor(*arguments)
    assert done.returncode == 2
    assert hint in done.stderr.decode()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("command", ["run", "parse"])
def test_a_full_disk_behind_standard_output_is_told_in_one_line(command):
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "extractor", command, "tests/records/study.json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1] == "extractor: standard output: No space left on device"
    assert "Traceback" not in ended.stderr


def test_a_folder_that_cannot_be_used_is_told_in_one_line(tmp_path):
    (tmp_path / "extractions.jsonl").mkdir()
    (tmp_path / "run.json").write_text("{}", "utf-8")
    done = extractor("run", "tests/records/study.json", "--out", tmp_path)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1


def test_fresh_keeps_the_earlier_results_if_the_model_is_not_there(tmp_path):
    extractor("run", "tests/records/study.json", "--out", tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    command = ("run", "tests/records/study.json", "--out", tmp_path, "--fresh", "--model", "local:smollm2-135m")
    assert extractor(*command).returncode == 1
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_key_that_is_refused_stops_the_run_and_is_written_down(tmp_path):
    with serve([fault(401)]) as server:
        command = ("run", "seeds/records", "--out", tmp_path, "--assist", "always", "--concurrency", "1")
        done = extractor(*command, "--model", f"{server.url}#stub")
    assert done.returncode == 1
    (failure,) = lines(tmp_path / "failures.jsonl")
    manifest = json.loads((tmp_path / "run.json").read_text("utf-8"))
    assert "HTTP 401" in failure["message"]
    assert manifest["records"]["failed"] == 1
    assert manifest["usage"]["calls"] == len(server.requests)


def test_a_finished_run_repeated_leaves_its_totals(tmp_path):
    command = ("run", "seeds/records", "--replay", "seeds/answers", "--out", tmp_path)
    extractor(*command, "--limit", "2")
    extractor(*command)
    once = json.loads((tmp_path / "run.json").read_text("utf-8"))
    extractor(*command)
    again = json.loads((tmp_path / "run.json").read_text("utf-8"))
    results = lines(tmp_path / "extractions.jsonl")
    assert again["usage"] == once["usage"]
    assert once["usage"]["output_tokens"] == sum(result["usage"]["output_tokens"] for result in results) > 0
    assert again["records"] == {"extracted": 5, "lacking": 0, "resumed": 5, "failed": 0}
    assert once["inputs"] == ["seeds/records"]


def test_a_dry_run_counts_and_asks_nothing():
    done = extractor("run", "tests/records/study.json", "--dry-run", "--assist", "always")
    quote = json.loads(done.stdout)
    assert quote["records"] == 1
    assert quote["calls"]["expected"] == 1
    assert quote["prompt_tokens"]["expected"] > quote["questions"]["expected"] > 10
    assert quote["usd"] is None
    assert "--model" in quote["notes"][0]


def test_a_replay_without_the_recording_explains_the_miss(tmp_path):
    (tmp_path / "answers").mkdir()
    done = extractor("run", "seeds/records", "--replay", tmp_path / "answers", "--out", tmp_path / "out")
    assert done.returncode == 1
    assert "CassetteMiss" in (tmp_path / "out" / "failures.jsonl").read_text("utf-8")


def test_the_version_is_that_of_the_distribution():
    assert extractor("--version").stdout.decode().strip() == version("trial-extractor")


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
def test_on_a_terminal_progress_and_a_table_are_shown():
    terminal, stderr = os.openpty()
    command = [sys.executable, "-m", "extractor", "run", "tests/records", "--assist", "never"]
    with subprocess.Popen(command, stderr=stderr, stdout=subprocess.DEVNULL) as running:
        os.close(stderr)
        shown = "".join(iter(lambda: read_terminal(terminal), ""))
    os.close(terminal)
    assert running.returncode == 0
    assert "records extracted" in shown
    assert "\x1b[" in shown


def read_terminal(terminal):
    """What was written to it, "" once the last process that had it open has ended."""
    try:
        return os.read(terminal, 100_000).decode(errors="replace")
    except OSError:
        return ""
