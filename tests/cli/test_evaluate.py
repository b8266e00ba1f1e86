"""The command ``extractor evaluate``."""

import io
import json
import re
import sys

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
    result = _invoke(*sources)
    assert result.exit_code == 0
    rows = {
        row[0]: row for line in result.stdout.splitlines() if (row := line.split("\t"))
    }
    assert rows["score"][:4] == ["score", "stated", "exact", "normalised"]
    assert rows["dosing.amounts"][1:4] == ["4", "0.750", "0.750"]
    assert rows["number"][1:] == ["1", "9", "dosing.amounts 1", "A dosing[0].amounts"]
    assert "2 records, 0 missing, 0 without gold" in rows
    header = rows["score"]
    sex = rows["eligibility.sex"]
    assert sex[header.index("95 % interval")] == ""  # two values are too few
    assert (
        rows["eligibility.criteria"][header.index("95 % interval")] == "1.000 to 1.000"
    )
    instrument = rows["endpoints.instrument"]
    assert [
        instrument[header.index(name)] for name in ("stated", "empty", "left empty")
    ] == [
        "2",
        "4",
        "1.000",
    ]
    assert "left empty: 58 of 58 fields that gold leaves empty, 1.000" in rows


def test_the_names_in_the_json_stay_the_same(sources):
    report = json.loads(_invoke(*sources, "--json", "--compare", sources[0]).stdout)
    assert list(report) == [
        *(
            "gold",
            "predicted",
            "records",
            "missing",
            "without_gold",
            "resamples",
            "seed",
            "groups",
            "fields",
        ),
        *("empty", "errors", "harm_per_record", "comparison", "undeclared"),
        "chosen",
    ]
    assert list(report["fields"][0]) == [
        *(
            "name",
            "exact",
            "normalised",
            "relaxed",
            "task",
            "stated",
            "predicted",
            "missed",
            "invented",
            "empty",
        ),
        "records",
    ]
    assert (
        list(report["empty"])
        == list(report["fields"][0]["empty"])
        == ["fields", "left_empty", "specificity"]
    )
    assert list(report["fields"][0]["exact"]) == [
        "precision",
        "recall",
        "f1",
        "interval",
    ]
    assert list(report["errors"][0]) == ["kind", "count", "harm", "fields", "examples"]
    assert list(report["comparison"]) == ["other", "missing", "differences"]
    assert [one["name"] for one in report["groups"][::2]] == [
        "all",
        "eligibility",
        "dosing",
        "endpoints",
    ]


def test_compare_adds_differences(sources):
    result = _invoke(*sources, "--compare", sources[0])
    assert result.exit_code == 0
    assert "dosing.amounts\t0.750\t1.000\t-0.250\t" in result.stdout
    assert f"predicted less {sources[0]}, in normalised F1:" in result.stdout


def test_fail_under_names_the_scores_that_fell(sources):
    result = _invoke(*sources, "--fail-under", "all=0.9,dosing.amounts=0.8,dosing=0.99")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "extractor: dosing.amounts is 0.750, under 0.8",
        "extractor: dosing is 0.972, under 0.99",
    ]


def test_a_floor_with_nothing_to_score_is_named_and_does_not_fail(sources, tmp_path):
    empty = tmp_path / "empty.jsonl"
    empty.write_text(json.dumps({"record_id": "A", "eligibility": {}}), "utf-8")
    result = _invoke(
        str(empty), str(empty), "--fail-under", "dosing.amounts=0.9,eligibility.sex=1"
    )
    assert result.exit_code == 0
    assert result.stderr.splitlines() == [
        "extractor: dosing.amounts has nothing to score; its floor is not checked",
        # empty on both sides
        "extractor: eligibility.sex has nothing to score; its floor is not checked",
    ]
    assert _invoke(*sources, "--fail-under", "dosing.amounts=0.9").exit_code == 1


@pytest.mark.parametrize("width", [24, 32, 80, 200])
def test_a_terminal_of_any_width_shows_every_score(sources, monkeypatch, width):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    drawn = Terminal()
    monkeypatch.setattr(sys, "stdout", drawn)
    monkeypatch.setenv("COLUMNS", str(width))
    report = score(*sources, resamples=0)
    print_report(report)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", drawn.getvalue())
    scores = plain.partition("\n\n")[2].partition("(not shown")[0].partition("\n\n")[0]
    assert max(map(len, scores.splitlines())) <= width
    assert "normalised" in scores
    assert "0.750" in scores


def test_no_record_id_controls_the_terminal(tmp_path):
    hostile = "A\x1b[2J\tB\nC\x07"
    gold = tmp_path / "gold.jsonl"
    predicted = tmp_path / "predicted.jsonl"
    gold.write_text(json.dumps(make_gold(hostile)), "utf-8")
    predicted.write_text(json.dumps(make_gold(f"{hostile}D")), "utf-8")
    result = _invoke(str(gold), str(predicted), "--compare", str(predicted))
    assert result.exit_code == 0
    assert not set(result.stdout) & {"\x1b", "\x07"}
    assert "missing: A\ufffd[2J B C\ufffd\n" in result.stdout
    assert "missing in the other: A\ufffd[2J B C\ufffd\n" in result.stdout
    assert "without gold: A\ufffd[2J B C\ufffdD\n" in result.stdout


def test_a_run_in_the_place_of_gold_gets_a_remark(tmp_path):
    run = extract("tests/records/study.json", tmp_path / "run")
    assert "GOLD comes first, then PREDICTED" in _invoke(str(run), "seeds/gold").stderr
    assert "GOLD comes first" not in _invoke("seeds/gold", str(run)).stderr
