import json
import math

import pytest

from benchmarks.coverage import correlate, main, measure_record
from extractor.assemble import ModelResult, assemble_extraction
from extractor.parse import parse_record
from extractor.read import read_records
from extractor.schemas import Task, TrialExtraction


@pytest.fixture
def extraction():
    return assemble_extraction(parse_record(next(read_records("tests/records/study.json"))), ModelResult())


def test_a_record_that_is_gold_itself_has_full_recall(extraction):
    measured = measure_record(extraction, extraction)
    assert {one.task for one in measured} == set(Task)
    assert all(one.recall == 1 for one in measured)
    assert all(0 <= one.unclaimed < 1 for one in measured)


def test_what_is_missed_lowers_the_recall_of_its_task_alone(extraction):
    poor = extraction.model_copy(update={"dosing": ()})
    recall = {one.task: one.recall for one in measure_record(extraction, poor)}
    assert recall == {Task.ELIGIBILITY: 1, Task.DOSING: 0, Task.ENDPOINTS: 1}


def test_a_task_without_gold_or_without_text_is_left_out(extraction):
    bare = TrialExtraction(record_id=extraction.record_id, eligibility=extraction.eligibility)
    assert [one.task for one in measure_record(bare, extraction)] == [Task.ELIGIBILITY]


def test_a_side_that_does_not_vary_has_no_correlation():
    middle, _, _ = correlate([1, 1, 1, 1], [1, 2, 3, 4], resamples=10)
    assert math.isnan(middle)


def test_the_interval_holds_the_correlation():
    middle, low, high = correlate([1, 2, 3, 4, 5, 6], [2, 1, 4, 3, 6, 5], resamples=200)
    assert low <= middle <= high


def test_the_command_prints_a_line_for_each_task(tmp_path, extraction, capsys):
    gold = tmp_path / "gold"
    gold.mkdir()
    (gold / "a.json").write_text(json.dumps(extraction.to_gold()), "utf-8")
    main([str(gold), "tests/records/study.json", "--resamples", "10"])
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]] == list(Task)
