"""The command ``extractor evaluate``."""

import json
import sys
from pathlib import Path

import pytest

from extractor.apps.cli.evaluate import print_report
from extractor.apps.evaluation import evaluate as score
from tests.commands import extract, invoke
from tests.evaluation.annotations import make_gold


@pytest.fixture
def sources(tmp_path):
    """Gold of two records, and a prediction with one wrong dose."""
    gold = tmp_path / "gold.jsonl"
    predicted = tmp_path / "predicted.jsonl"
    golds, predictions = ([make_gold("A"), make_gold("B")] for _ in range(2))
    predictions[0]["dosing"][0]["amounts"][0] |= {"low": 9, "high": 9}
    gold.write_text("\n".join(map(json.dumps, golds)), "utf-8")
    predicted.write_text("\n".join(map(json.dumps, predictions)), "utf-8")
    return str(gold), str(predicted)


def _invoke(*arguments):
    return invoke("evaluate", *arguments, "--resamples", "20")


def test_piped_output_is_a_table_of_tabs(sources):
    result = _invoke(*sources, "--compare", sources[0])
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "2 records, 0 missing, 0 without gold"
    assert lines[4].split("\t")[:5] == [
        *("score", "stated", "exact", "normalised", "95 % interval"),
    ]
    row = "dosing.amounts\t4\t0.750\t0.750\t\t0.750\t0.750\t1\t0\t0\t1.000\t-0.250\t"
    assert row in lines
    assert "number\t1\t9\tdosing.amounts 1\tA dosing[0].amounts" in lines
    assert lines[2] == f"compared with: {sources[0]}"


def test_json_is_the_report_of_the_library(sources):
    printed = _invoke(*sources, "--json").stdout
    assert json.loads(printed) == score(*sources, resamples=20).model_dump(mode="json")


def test_fail_under_names_the_scores_that_fell(sources):
    floors = "all=0.9,dosing.amounts=0.8,dosing.micro=0.99,endpoints.methods=1"
    result = _invoke(*sources, "--fail-under", floors)
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "extractor: dosing.amounts is 0.750, below 0.8",
        "extractor: dosing.micro is 0.967, below 0.99",
    ]
    empty = _invoke(*sources, "--fields", "sex", "--fail-under", "amounts=0.9")
    assert empty.exit_code == 0
    assert "amounts has nothing to score" in empty.stderr
    wrong = _invoke(*sources, "--fail-under", "all")
    assert (wrong.exit_code, "write NAME=SCORE" in wrong.stderr) == (2, True)


def test_the_last_of_several_extractions_counts_but_gold_has_one(sources):
    gold, predicted = sources
    with Path(predicted).open("a", encoding="utf-8") as file:
        file.write("\n" + json.dumps(make_gold("A")))
    result = _invoke(gold, predicted, "--fail-under", "all=1")
    assert result.exit_code == 0
    assert "of which the last is used, for 1 record: A" in result.stderr
    strict = _invoke(predicted, gold)
    assert (strict.exit_code, "occurs twice" in strict.stderr) == (1, True)


def test_a_terminal_shows_aligned_columns(sources, monkeypatch, capsys):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    print_report(score(*sources, resamples=0))
    printed = capsys.readouterr().out
    assert "\t" not in printed
    head, first, *_ = printed[printed.index("score ") :].splitlines()
    assert first[head.index("exact") :].startswith("0.")


def test_no_record_id_controls_the_terminal(tmp_path):
    gold = tmp_path / "gold.jsonl"
    predicted = tmp_path / "predicted.jsonl"
    gold.write_text(json.dumps(make_gold("A\x1b[2J\tB\nC")), "utf-8")
    predicted.write_text(json.dumps(make_gold("D")), "utf-8")
    result = _invoke(str(gold), str(predicted), "--compare", str(predicted))
    assert result.exit_code == 0
    assert "\x1b" not in result.stdout
    assert "missing: A\ufffd[2J B C\n" in result.stdout


def test_gold_is_checked_and_the_page_is_written(tmp_path):
    checked = invoke("evaluate", "--check", "seeds/gold", "seeds/records")
    assert (checked.exit_code, checked.stderr) == (0, "extractor: 0 problems\n")
    broken = tmp_path / "gold.jsonl"
    broken.write_text('{"record_id": "A", "eligibility": {"sex": "men"}}')
    checked = invoke("evaluate", "--check", str(broken), "seeds/records")
    assert (checked.exit_code, checked.stderr) == (1, "extractor: 1 problem\n")
    assert "gold.jsonl, line 1: eligibility.sex: Input should be" in checked.stdout
    run = extract("seeds/records", tmp_path / "run")
    assert "GOLD comes first" in _invoke(str(run), "seeds/gold").stderr
    page = tmp_path / "page.html"
    assert _invoke("seeds/gold", str(run), "--html", str(page)).exit_code == 0
    assert "could not be read" not in page.read_text("utf-8")
