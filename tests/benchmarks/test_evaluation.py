"""The benchmark of an evaluation, on few records."""

import json

import pytest

from benchmarks.evaluation import measure_evaluation, write_extractions
from extractor.evaluation import ErrorKind, evaluate


@pytest.fixture
def sources(tmp_path):
    gold, predicted = tmp_path / "gold.jsonl", tmp_path / "predicted.jsonl"
    write_extractions(gold, predicted, 12)
    return gold, predicted


def test_the_predictions_differ_from_gold_in_several_ways(sources):
    report = evaluate(*sources, resamples=0)
    assert report.records == 12
    assert {ErrorKind.MISSED, ErrorKind.INVENTED, ErrorKind.NUMBER, ErrorKind.WRONG_CATEGORY} <= {
        one.kind for one in report.errors
    }
    assert 0.8 < report.figure("all.micro") < 1


def test_records_are_of_usual_size(sources):
    sizes = [len(json.loads(line)["eligibility"]["criteria"]) for line in sources[0].read_text("utf-8").splitlines()]
    assert 8 <= min(sizes) <= max(sizes) <= 26


def test_time_and_memory_are_measured(sources):
    busy, waited, peak = measure_evaluation(*map(str, sources))
    assert busy > 0
    assert waited > 0
    assert peak > 1024
