"""The command ``extractor run``: files, exit codes, output streams."""

import json
import re
from pathlib import Path

import pytest

from extractor import Effort, Extractor, read_records
from tests.commands import extract, invoke, read_lines
from tests.llm.stub import fault, serve

STUDY = "tests/records/study.json"
STUDIES = "tests/records/studies.jsonl"


def read_manifest(folder):
    return json.loads((folder / "run.json").read_text("utf-8"))


def test_a_folder_of_records_becomes_a_folder_of_results(tmp_path):
    done = invoke("run", "tests/records", "--effort", "none", "--out", tmp_path)
    assert (done.exit_code, done.stdout) == (0, "")
    results = read_lines(tmp_path / "extractions.jsonl")
    manifest = read_manifest(tmp_path)
    assert manifest["records"] == {
        "extracted": len(results),
        "lacking": 0,
        "left": 0,
        "resumed": 0,
        "failed": 0,
    }
    assert manifest["settings"]["prompts"].keys() == {"questions.v8"}
    assert read_lines(tmp_path / "failures.jsonl") == []
    assert "records extracted: 12" in done.stderr


def test_without_a_folder_results_go_to_standard_output():
    done = invoke("run", STUDIES, "--quiet")
    assert (done.exit_code, done.stderr) == (0, "")
    assert [json.loads(line)["record_id"] for line in done.stdout.splitlines()] == [
        "NCT90000006",
        "NCT90000007",
    ]


def test_folders_of_results_inside_the_inputs_are_no_records(tmp_path):
    (tmp_path / "study.json").write_bytes(Path(STUDY).read_bytes())
    for name in ("results", "results", "again"):
        extract(tmp_path, tmp_path / name)
        assert (tmp_path / name / "failures.jsonl").read_text() == ""


def test_values_below_the_minimum_confidence_are_left_out(tmp_path):
    results = read_lines(
        extract(STUDIES, tmp_path, "--min-confidence", "0.9") / "extractions.jsonl"
    )
    library = Extractor(effort="none", min_confidence=0.9)
    assert results == [
        library.extract(record).model_dump(mode="json")
        for record in read_records(STUDIES)
    ]
    assert read_manifest(tmp_path)["settings"]["min_confidence"] == 0.9
    assert read_manifest(tmp_path)["absences"]["low_confidence"] > 0
    whole = [
        Extractor(effort="none").extract(record).model_dump(mode="json")
        for record in read_records(STUDIES)
    ]
    kept, stated = (
        sum(len(one["evidence"]) for each in runs for one in each["dosing"])
        for runs in (results, whole)
    )
    assert kept < stated


@pytest.mark.parametrize(
    ("first", "second", "difference"),
    [
        (["--effort", "all"], ["--effort", "all"], ""),
        ([], ["--effort", "all"], "effort was medium, is all"),
        (["--effort", "none"], [], "effort was none, is medium"),
    ],
)
def test_a_run_goes_on_with_its_own_effort_alone(tmp_path, first, second, difference):
    assert invoke("run", STUDY, "--out", tmp_path, *first).exit_code == 0
    done = invoke("run", STUDY, "--out", tmp_path, *second)
    assert done.exit_code == (2 if difference else 0)
    assert difference in done.stderr


def test_a_run_of_an_effort_that_is_gone_is_read_but_does_not_go_on(tmp_path):
    out = tmp_path / "run"
    assert invoke("run", STUDY, "--out", out, "--effort", "none").exit_code == 0
    manifest = json.loads((out / "run.json").read_text("utf-8"))
    manifest["settings"]["effort"] = "high"
    (out / "run.json").write_text(json.dumps(manifest), "utf-8")
    assert (
        invoke("export", out, "--to", tmp_path / "tables", "--format", "csv").exit_code
        == 0
    )
    assert invoke("report", out, "--records", STUDY).exit_code == 0
    done = invoke("run", STUDY, "--out", out)
    assert done.exit_code == 2
    assert "effort was high, is medium" in done.stderr


def test_prompts_are_no_setting_of_a_run_that_asks_no_model(tmp_path):
    assert invoke("run", STUDY, "--out", tmp_path).exit_code == 0
    manifest = json.loads((tmp_path / "run.json").read_text("utf-8"))
    manifest["settings"]["prompts"] = {"older": "0" * 64}
    (tmp_path / "run.json").write_text(json.dumps(manifest), "utf-8")

    done = invoke("run", STUDY, "--out", tmp_path)

    assert done.exit_code == 0
    assert "records done: 1 (0 new)" in done.stderr


def test_a_field_of_ones_own_that_changed_is_named_and_not_the_prompts(tmp_path):
    file = tmp_path / "own.py"
    written = (
        "from pydantic import BaseModel\n"
        "class Sites(BaseModel):\n"
        '    """How many WHICH take part."""\n'
        "    count: int\n"
    )
    words = ("run", STUDY, "--fields", file, "--out", tmp_path / "run")
    file.write_text(written.replace("WHICH", "sites"), "utf-8")
    assert invoke(*words).exit_code == 0
    file.write_text(written.replace("WHICH", "centres"), "utf-8")

    done = invoke(*words)

    assert done.exit_code == 2
    assert "(the fields have changed (other definitions: sites))" in done.stderr


def test_more_effort_asks_more_questions():
    asked = [
        json.loads(invoke("run", STUDY, "--effort", effort).stdout)["usage"][
            "open_questions"
        ]
        for effort in Effort
    ]
    assert asked[0] == 0
    assert asked == sorted(set(asked))


def test_a_refused_key_stops_the_run_and_is_recorded(tmp_path):
    with serve([fault(401)]) as server:
        command = (
            "run",
            "seeds/records",
            "--out",
            tmp_path,
            "--effort",
            "all",
            "--concurrency",
            "1",
        )
        done = invoke(*command, "--model", f"{server.url}#stub")
    assert done.exit_code == 1
    (failure,) = read_lines(tmp_path / "failures.jsonl")
    assert "HTTP 401" in failure["message"]
    assert read_manifest(tmp_path)["records"]["failed"] == 1
    assert read_manifest(tmp_path)["usage"]["calls"] == 0
    assert len(server.requests) <= 2


def test_a_finished_run_repeated_leaves_its_totals(tmp_path):
    command = ("run", "seeds/records", "--replay", "seeds/answers", "--out", tmp_path)
    invoke(*command, "--limit", "2")
    invoke(*command)
    once = read_manifest(tmp_path)
    invoke(*command)
    again = read_manifest(tmp_path)
    results = read_lines(tmp_path / "extractions.jsonl")
    assert again["usage"] == once["usage"]
    assert (
        once["usage"]["output_tokens"]
        == sum(result["usage"]["output_tokens"] for result in results)
        > 0
    )
    assert again["records"] == {
        "extracted": 5,
        "lacking": 0,
        "left": 0,
        "resumed": 5,
        "failed": 0,
    }
    assert once["inputs"] == ["seeds/records"]


def test_a_batch_is_estimated_at_its_price():
    words = ("seeds/records", "--dry-run", "--model", "gpt-5-mini")
    run, batch = (
        invoke(*command, *words).stdout for command in (("run",), ("batch", "submit"))
    )
    dollars = [
        float(re.search(r"^dollars\t[\d.]+\t([\d.]+)", found, re.M)[1])
        for found in (run, batch)
    ]
    assert dollars[1] == pytest.approx(dollars[0] / 2, rel=0.1)


def test_no_batch_is_forecast_for_a_provider_without_batches():
    done = invoke(
        "batch", "submit", STUDY, "--model", "mistral/mistral-large-latest", "--dry-run"
    )
    assert (done.exit_code, done.stdout) == (2, "")
    assert (
        "mistral has no batch API that this program knows; use extractor run"
        in done.stderr
    )


def test_a_dry_run_prints_a_table_and_its_assumptions(tmp_path):
    (tmp_path / "prices.toml").write_text(
        "as_of = 2026-11-01\n[model.mine]\nprompt = 3\noutput = 4\n", "utf-8"
    )
    hosted, own, none = (
        invoke("run", "seeds/records", "--dry-run", "--effort", "all", *model)
        for model in (
            ("--model", "gpt-5-mini"),
            ("--model", "mine", "--prices", tmp_path / "prices.toml"),
            (),
        )
    )
    head, *rows = (line.split("\t") for line in hosted.stdout.splitlines())
    assert head == ["5 records", "least", "expected", "most"]
    figures = {
        name: [float(one.replace(",", "")) for one in each] for name, *each in rows
    }
    assert figures["calls"][1] == 5
    assert (
        figures["dollars"][0]
        < figures["dollars"][2]
        <= figures["dollars without a cache"][2]
    )
    assert "gpt-5-mini costs $0.25 for a million prompt tokens" in hosted.stderr
    assert (
        "the thinking of this model is assumed: 500 tokens per call, at most 4,000"
        in hosted.stderr
    )
    assert (
        "mine costs $3 for a million prompt tokens, and $4 for a million output tokens"
        in own.stderr
    )
    assert "dollars" not in none.stdout
    assert "--model NAME shows the cost" in none.stderr


def test_a_run_prints_the_next_steps(tmp_path):
    done = invoke("run", STUDY, "--effort", "none", "--out", tmp_path / "my run")
    folder = f"'{tmp_path / 'my run'}'"
    last = [line.partition("extractor ")[2] for line in done.stderr.splitlines()[-2:]]
    assert last == [f"report {folder}", f"review {folder} --gold GOLD"]
