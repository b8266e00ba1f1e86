"""Where extractions come from, and how records are joined."""

import json
import sys

import pytest

import extractor.evaluation
from extractor.errors import GoldError, MissingExtra
from extractor.evaluation import evaluate
from extractor.schemas import TrialExtraction

from .annotations import make_gold

GOLDS = [make_gold(name) for name in ("A", "B", "C")]


def _lines(path, extractions):
    path.write_text("".join(json.dumps(one) + "\n" for one in extractions), "utf-8")
    return path


@pytest.fixture
def shapes(tmp_path):
    """The same extractions in every shape that can be given."""
    folder, run = tmp_path / "folder", tmp_path / "run"
    folder.mkdir()
    run.mkdir()
    for position, one in enumerate(GOLDS):
        (folder / f"{position}.json").write_text(json.dumps(one), "utf-8")
    _lines(run / "extractions.jsonl", reversed(GOLDS))
    (run / "run.json").write_text("{}", "utf-8")
    (run / "failures.jsonl").write_text("", "utf-8")
    models = (TrialExtraction.model_validate(one) for one in GOLDS)
    return {"folder": folder, "lines": _lines(tmp_path / "gold.jsonl", GOLDS), "run": run, "models": models}


@pytest.mark.parametrize("shape", ["folder", "lines", "run", "models"])
def test_each_shape_is_read(shapes, shape):
    report = evaluate(GOLDS, shapes[shape], resamples=0)
    assert (report.records, report.missing, report.without_gold, report.figure("all")) == (3, (), (), 1.0)


def test_a_folder_may_hold_lines_and_single_records(tmp_path):
    _lines(tmp_path / "two.jsonl", GOLDS[:2])
    (tmp_path / "third.json").write_text(json.dumps(GOLDS[2]), "utf-8")
    (tmp_path / "notes.txt").write_text("of no concern", "utf-8")
    (tmp_path / "folder.json").mkdir()
    report = evaluate(GOLDS, tmp_path, resamples=0)
    assert (report.records, report.missing, report.figure("all")) == (3, (), 1.0)


@pytest.mark.parametrize("name", ["gold.json", "gold.jsonl"])
def test_a_byte_order_mark_is_no_part_of_a_record(tmp_path, name):
    (tmp_path / name).write_text(json.dumps(GOLDS[0]), "utf-8-sig")
    assert evaluate(tmp_path / name, GOLDS, resamples=0).figure("all") == 1.0


def test_a_comparison_says_which_records_the_other_lacks():
    report = evaluate(GOLDS, GOLDS, compare=GOLDS[:1], resamples=0)
    assert (report.missing, report.comparison.missing) == ((), ("B", "C"))


def test_one_file_is_one_record(shapes):
    report = evaluate(str(shapes["folder"] / "0.json"), shapes["lines"], resamples=0)
    assert (report.records, report.without_gold) == (1, ("B", "C"))


def test_a_missing_record_is_all_missed():
    report = evaluate(GOLDS, GOLDS[:2], resamples=0)
    assert report.missing == ("C",)
    for one in report.fields:
        assert one.normalised.precision == 1.0
        assert one.normalised.recall == pytest.approx(2 / 3)
        assert one.missed * 3 == one.stated
    assert {one.kind.value for one in report.errors} == {"missed"}


def test_a_missing_record_gets_no_credit_for_being_empty():
    nothing = {"record_id": "Z", "eligibility": {}}
    report = evaluate([*GOLDS, nothing], GOLDS, resamples=0)
    assert report.figure("all") == 1.0
    assert report.missing == ("Z",)
    assert {one.empty.fields for one in report.fields if one.name == "eligibility.sex"} == {0}


def test_a_record_without_gold_is_listed_and_not_scored():
    wrong = {"record_id": "X", "eligibility": {"sex": "male"}}
    report = evaluate(GOLDS, [*GOLDS, wrong], resamples=0)
    assert report.without_gold == ("X",)
    assert report.figure("all") == 1.0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"eligibility": {}}\n', r"gold\.jsonl, line 1: is no extraction .*; correct or remove it"),
        ("{\n", r"gold\.jsonl, line 1: is no extraction"),
        ('{"record_id": "A"}\n', r"gold\.jsonl, line 1: eligibility: is missing; write it$"),
        ('{"record_id": 5, "eligibility": {}}\n', r"gold\.jsonl, line 1: is no extraction"),
        ('{"record_id": "\\ud800", "eligibility": {}}\n', r"gold\.jsonl, line 1: is no extraction"),
        ("[" * 100_000, r"gold\.jsonl, line 1: is no extraction"),
        (
            '{"record_id": "A", "eligibility": {"sex": "femal", "age": 1}}\n',
            r"eligibility\.sex: 'femal' is not allowed; did you mean 'female'\? \(and 1 more; .*--check lists them\)",
        ),
        (
            '{"record_id": "A", "eligibility": {"minimum_age": {"value": NaN, "unit": "year"}}}\n',
            r"eligibility\.minimum_age\.value: NaN is no number; write a plain number",
        ),
        ('{"record_id": "A", "eligibility": {}, "\\ud800": 1}\n', r"line 1: invalid JSON: .*; correct the JSON"),
        ('{"record_id": "A", "eligibility": {}}\n' * 2, r"line 2: record_id 'A' is in .*line 1 too; keep one"),
        ("", r"gold\.jsonl: holds no extractions; name a folder"),
    ],
)
def test_broken_files_are_told_with_a_remedy(tmp_path, content, message):
    path = tmp_path / "gold.jsonl"
    path.write_text(content, "utf-8")
    with pytest.raises(GoldError, match=message):
        evaluate(path, GOLDS, resamples=0)


def test_a_path_that_does_not_exist(tmp_path):
    with pytest.raises(GoldError, match="nowhere: does not exist; name a folder of JSON"):
        evaluate(GOLDS, tmp_path / "nowhere", resamples=0)


def test_a_broken_value(tmp_path):
    with pytest.raises(GoldError, match=r"predicted\[0\]: eligibility\.sex: "):
        evaluate(GOLDS, [{"record_id": "A", "eligibility": {"sex": "both"}}], resamples=0)


def test_a_value_that_is_no_json_is_told_too():
    with pytest.raises(GoldError, match=r"predicted\[0\]: eligibility\.minimum_age\.value: .*object.* is no number"):
        evaluate(GOLDS, [{"record_id": "A", "eligibility": {"minimum_age": {"value": object(), "unit": "year"}}}])


def test_a_negative_number_is_the_callers_mistake():
    with pytest.raises(ValueError, match="0 or more"):
        evaluate(GOLDS, GOLDS, resamples=-1)


def test_the_public_function_is_this_one():
    assert extractor.evaluate is evaluate


def test_without_the_extra_the_remedy_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(MissingExtra, match=r"needs scipy; install it with: pip install 'trial-extractor\[evaluate"):
        evaluate(GOLDS, GOLDS)
