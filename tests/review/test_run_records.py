"""The run that is reviewed, and its texts."""

import shutil

import pytest

from extractor.errors import StoreError
from extractor.review.queue import RunRecords

from .runs import SEED


def test_a_text_that_changed_since_the_run_is_not_shown(spoilt_run, tmp_path):
    other = tmp_path / "records"
    other.mkdir()
    (other / f"{SEED}.txt").write_text("Another title\nAnother summary\nLeukemia\n", "utf-8")
    records = RunRecords(spoilt_run, [other])
    assert not records.has_text(SEED)
    assert records.count_without_text() == len(records.doubts) == 5


def test_a_folder_without_a_run_is_told(tmp_path):
    with pytest.raises(StoreError, match="holds no run"):
        RunRecords(tmp_path)


def test_a_run_that_was_changed_by_hand_is_told(spoilt_run, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(spoilt_run, run)
    results = run / "extractions.jsonl"
    results.write_bytes(b"x" + results.read_bytes())
    with pytest.raises(StoreError, match="a result at byte 0 cannot be read"):
        RunRecords(run)
