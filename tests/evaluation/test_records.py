"""Sources of extractions, and the join of records."""

import json

import pytest

import extractor
from extractor.apps.evaluation import evaluate
from extractor.apps.evaluation.fields import FIELDS
from extractor.errors import GoldError
from extractor.schemas import TrialExtraction

from .annotations import make_gold

GOLDS = [make_gold(name) for name in ("A", "B", "C")]


def _lines(path, extractions):
    path.write_text(
        "".join(json.dumps(extraction) + "\n" for extraction in extractions), "utf-8"
    )
    return path


def write_folder(folder):
    for number, gold in enumerate(GOLDS):
        (folder / f"{number}.json").write_text(json.dumps(gold), "utf-8")
    return folder


def write_run(folder):
    _lines(folder / "extractions.jsonl", reversed(GOLDS))
    (folder / "run.json").write_text("{}", "utf-8")
    (folder / "failures.jsonl").write_text("", "utf-8")
    return folder


def write_mixed(folder):
    _lines(folder / "two.jsonl", GOLDS[:2])
    (folder / "third.json").write_text(json.dumps(GOLDS[2]), "utf-8-sig")
    (folder / "notes.txt").write_text("no extraction", "utf-8")
    (folder / "folder.json").mkdir()
    return folder


def write_with_a_mark(folder):
    """A file that begins with the mark of its encoding."""
    path = _lines(folder / "gold.jsonl", GOLDS)
    path.write_text(path.read_text("utf-8"), "utf-8-sig")
    return path


def make_models(_):
    return (TrialExtraction.model_validate(gold) for gold in GOLDS)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(write_folder, id="folder"),
        pytest.param(write_run, id="run"),
        pytest.param(make_models, id="models"),
        pytest.param(write_mixed, id="mixed"),
        pytest.param(write_with_a_mark, id="with a mark"),
    ],
)
def test_each_source_is_read(tmp_path, make):
    report = evaluate(GOLDS, make(tmp_path), resamples=0)

    assert report.records == 3
    assert report.missing == ()
    assert report.without_gold == ()
    assert report.figure("all") == 1.0


def test_all_values_of_a_missing_record_are_missed():
    report = evaluate(GOLDS, GOLDS[:2], resamples=0)
    assert report.missing == ("C",)
    of_guideline = [
        one for one, field in zip(report.fields, FIELDS, strict=True) if field.counts
    ]
    assert len(of_guideline) > 30
    for one in of_guideline:
        assert one.normalised.precision == 1.0
        assert one.normalised.recall == pytest.approx(2 / 3)
        assert one.missed * 3 == one.stated
    assert {error.kind.value for error in report.errors} == {"missed"}


def test_other_records_do_not_count():
    nothing, other = ({"record_id": name, "eligibility": {}} for name in "ZX")

    report = evaluate([*GOLDS, nothing], [*GOLDS, other], resamples=0)

    assert report.missing == ("Z",)
    assert report.without_gold == ("X",)
    assert report.figure("all") == 1.0
    assert {
        field.empty.fields for field in report.fields if field.name == "eligibility.sex"
    } == {0}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            '{"eligibility": {}}\n',
            r"gold\.jsonl, line 1: is not an extraction .*; correct or remove it",
        ),
        (
            '{"record_id": "A", "scored": ["minimum_agee"]}\n',
            r"line 1: scored: minimum_agee: no such field \(did you mean minimum_age\?\)$",
        ),
        (
            '{"record_id": 5, "eligibility": {}}\n',
            r"gold\.jsonl, line 1: is not an extraction",
        ),
        (
            '{"record_id": "\\ud800", "eligibility": {}}\n',
            r"gold\.jsonl, line 1: is not an extraction",
        ),
        ("[" * 100_000, r"gold\.jsonl, line 1: is not an extraction"),
        (
            '{"record_id": "A", "eligibility": {"sex": "femal", "age": 1}}\n',
            r"eligibility\.sex: input should be .*, not 'femal'; .* \(and 1 more; .*--check lists "
            r"them\)",
        ),
        (
            '{"record_id": "A", "eligibility": {}, "\\ud800": 1}\n',
            r"line 1: invalid JSON: .*; correct the JSON",
        ),
        (
            '{"record_id": "A", "eligibility": {}}\n' * 2,
            r"line 2: record_id 'A' is in .*line 1 too; keep one",
        ),
        ("", r"gold\.jsonl: holds no extractions; name a folder"),
    ],
)
def test_broken_files_are_named_with_a_remedy(tmp_path, content, message):
    path = tmp_path / "gold.jsonl"
    path.write_text(content, "utf-8")
    with pytest.raises(GoldError, match=message):
        evaluate(path, GOLDS, resamples=0)


def test_broken_arguments_are_refused(tmp_path):
    with pytest.raises(
        GoldError, match="nowhere: does not exist; name a folder of JSON"
    ):
        evaluate(GOLDS, tmp_path / "nowhere", resamples=0)
    with pytest.raises(
        GoldError,
        match=r"predicted\[0\]: eligibility.*\.value: .* valid number, not <obj",
    ):
        evaluate(
            GOLDS,
            [
                {
                    "record_id": "A",
                    "eligibility": {"minimum_age": {"value": object(), "unit": "year"}},
                }
            ],
        )
    with pytest.raises(ValueError, match="0 or more"):
        extractor.evaluate(GOLDS, GOLDS, resamples=-1)
