"""A run that fails leaves nothing empty behind, and says what to do; it names no results where
there are none.
"""

import gc

import pytest

from tests.commands import invoke, read_lines
from tests.llm.stub import fault, serve

PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


def list_empty(folder):
    return [
        path.name
        for path in folder.rglob("*")
        if path.name != ".lock" and not (path.is_dir() or path.stat().st_size)
    ]


@pytest.mark.parametrize(
    ("name", "problem"),
    [("paper.pdf", "the PDF is damaged"), ("empty", "holds no files")],
)
def test_a_run_without_results_leaves_no_empty_file_and_offers_no_report(
    tmp_path, name, problem
):
    (tmp_path / "empty").mkdir()
    (tmp_path / "paper.pdf").write_bytes(PDF)
    done = invoke(
        "run",
        tmp_path / name,
        "--effort",
        "none",
        "--out",
        tmp_path / "out",
        "--workers",
        1,
    )
    assert done.exit_code == 1
    assert problem in done.stderr
    assert "to read the results" not in done.stderr
    assert list_empty(tmp_path / "out") == []
    assert problem in read_lines(tmp_path / "out" / "failures.jsonl")[0]["message"]
    scored = invoke("evaluate", "seeds/gold", tmp_path / "out")
    assert "failures.jsonl" not in scored.output
    assert invoke(
        "run", "tests/records", "--effort", "none", "--out", tmp_path / "out"
    ).exit_code in (0, 2)


def test_a_run_that_cannot_begin_leaves_no_folder(tmp_path):
    done = invoke(
        "run",
        "tests/records",
        "--model",
        "gpt-5-mini",
        "--out",
        tmp_path / "deep" / "out",
    )
    assert done.exit_code == 2
    assert "there is no key" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_run_whose_model_is_away_or_refuses_the_key_does_not_claim_its_folder(
    tmp_path,
):
    with serve([fault(401)] * 9) as server:
        for address, code, told in (
            ("http://127.0.0.1:9/v1", 75, "questions: 0 asked"),
            (server.url, 1, "HTTP 401"),
        ):
            done = invoke(
                "run", "tests/records", "--model", f"{address}#m", "--out", tmp_path
            )
            assert done.exit_code == code, done.output
            assert told in done.stderr
    forecast = invoke(
        "run", "tests/records", "--model", "gpt-5-mini", "--out", tmp_path, "--dry-run"
    )
    assert "other settings" not in forecast.stderr
    done = invoke("run", "tests/records", "--effort", "none", "--out", tmp_path)
    assert (done.exit_code, read_lines(tmp_path / "failures.jsonl")) == (0, []), (
        done.output
    )


@pytest.mark.slow
def test_a_fetch_that_finds_nothing_leaves_nothing(tmp_path):
    away = {"EXTRACTOR_REGISTRY": "http://127.0.0.1:9"}
    assert (
        invoke(
            "run", "NCT01234567", "--effort", "none", "--out", tmp_path / "out", **away
        ).exit_code
        == 75
    )
    there = invoke(
        "fetch",
        "--condition",
        "x",
        "--out",
        tmp_path / "deep" / "folder" / "a.jsonl",
        **away,
    )
    assert there.exit_code == 75
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_what_follows_a_run_without_results_is_refused_and_leaves_nothing_empty(
    tmp_path,
):
    paper = tmp_path / "paper.pdf"
    run = tmp_path / "run"
    paper.write_bytes(PDF)
    invoke("run", paper, "--effort", "none", "--out", run, "--workers", 1)
    before = sorted(tmp_path.iterdir())
    for format_ in ("csv", "fhir"):
        done = invoke("export", run, "--to", tmp_path / "made", "--format", format_)
        assert (done.exit_code, "has no results to export" in done.stderr) == (
            1,
            True,
        ), done.output
    done = invoke("review", run, "--gold", tmp_path / "gold")
    assert (done.exit_code, "has no results to review" in done.stderr) == (1, True), (
        done.output
    )
    del (
        done
    )  # it holds the command's frames, and they the store, which a process closes
    gc.collect()
    assert sorted(tmp_path.iterdir()) == before
    assert list_empty(tmp_path) == []


def test_a_batch_that_cannot_begin_leaves_nothing(tmp_path, monkeypatch):
    paper = tmp_path / "paper.pdf"
    requests = tmp_path / "requests.jsonl"
    paper.write_bytes(PDF)
    submit = ("batch", "submit", "tests/records", "--model", "gpt-5-mini")
    done = invoke(*submit, "--out", tmp_path / "deep" / "out")
    assert (done.exit_code, "there is no key" in done.stderr) == (2, True), done.output
    done = invoke(
        "batch", "submit", paper, "--model", "gpt-5-mini", "--requests", requests
    )
    assert (done.exit_code, "there is nothing to ask" in done.stderr) == (1, True), (
        done.output
    )
    assert list(tmp_path.iterdir()) == [paper]


def test_files_without_an_answer_are_a_failure(tmp_path):
    answers = tmp_path / "answers.jsonl"
    answers.write_text("no answer\n", "utf-8")
    done = invoke(
        "batch",
        "collect",
        "seeds/records",
        "--model",
        "gpt-5-mini",
        "--answers",
        answers,
        "--out",
        tmp_path / "out",
    )
    assert done.exit_code == 1, done.output
    assert "no line of --answers answers a question" in done.stderr.splitlines()[0]


def test_a_model_without_a_key_costs_no_earlier_results(tmp_path, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    folder = tmp_path / "kept"
    run = ("run", "seeds/records", "--out", str(folder), "--quiet")
    assert invoke(*run).exit_code == 0
    kept = (folder / "extractions.jsonl").read_bytes()
    refused = invoke(*run, "--fresh", "--model", "gpt-5-mini")
    assert (refused.exit_code, "there is no key" in refused.stderr) == (2, True)
    assert (folder / "extractions.jsonl").read_bytes() == kept
