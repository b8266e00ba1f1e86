import json
import os
from pathlib import Path

import pytest

from extractor.errors import StoreError
from extractor.run.folder import RunFolder
from extractor.run.tally import Tally
from extractor.schemas import Criterion, Eligibility, TrialExtraction, Usage

SETTINGS = {"assist": "never", "model": None}
CRITERION = Criterion(section="eligibility", kind="inclusion", quote="Adults")
COST = Usage(questions=2, calls=1, prompt_tokens=100, output_tokens=10)
NOTHING = Usage()


def extraction(record_id):
    return TrialExtraction(record_id=record_id, eligibility=Eligibility(criteria=(CRITERION,)), usage=COST)


def invoke(path, *record_ids, failed=0, lost=NOTHING, inputs=("in.jsonl",), finished=True):
    """One invocation of a run: these records are done, so many fail at the cost ``lost``."""
    tally = Tally(failed=failed)
    tally.meter = lambda: tally.counted + lost
    with RunFolder(path, SETTINGS) as folder:
        folder.begin()
        for record_id in record_ids:
            if record_id in folder.done:
                folder.skip(record_id)
                tally.resumed += 1
            else:
                folder.write(extraction(record_id))
                tally.add(extraction(record_id))
        if finished:
            folder.finish(tally, inputs)


def manifest(path):
    return json.loads((path / "run.json").read_text("utf-8"))


def written(path):
    return [json.loads(line)["record_id"] for line in (path / "extractions.jsonl").read_text().splitlines()]


def test_a_second_run_continues_the_first(tmp_path):
    invoke(tmp_path, "a")
    invoke(tmp_path, "a", "b")
    assert written(tmp_path) == ["a", "b"]
    assert manifest(tmp_path)["settings"] == SETTINGS


def test_the_manifest_holds_the_totals_of_all_invocations(tmp_path):
    invoke(tmp_path, "a", failed=2, lost=Usage(calls=3, prompt_tokens=7), inputs=("one.jsonl",))
    first = manifest(tmp_path)
    invoke(tmp_path, "a", "b", "c", inputs=("one.jsonl", "two.jsonl"))
    both = manifest(tmp_path)
    assert both["records"] == {"extracted": 3, "resumed": 1, "failed": 0}
    assert both["items"]["criteria"] == 3
    assert both["usage"] == {**COST.model_dump(), "questions": 6, "calls": 6, "prompt_tokens": 307, "output_tokens": 30}
    assert both["inputs"] == ["one.jsonl", "two.jsonl"]
    assert both["started"] == first["started"]
    assert both["seconds"] >= first["seconds"]


def test_a_finished_run_repeated_changes_no_totals(tmp_path):
    invoke(tmp_path, "a", "b", lost=Usage(calls=1))
    once = manifest(tmp_path)
    invoke(tmp_path, "a", "b")
    again = manifest(tmp_path)
    for name in ("items", "findings", "absences", "support", "usage", "inputs"):
        assert again[name] == once[name]


def test_what_a_killed_run_left_is_counted_by_the_next(tmp_path):
    invoke(tmp_path, "a", lost=Usage(calls=5))
    invoke(tmp_path, "a", "b", finished=False)
    invoke(tmp_path, "a", "b", "c")
    after = manifest(tmp_path)
    assert after["records"]["extracted"] == 3
    assert after["items"]["criteria"] == 3
    assert after["usage"]["prompt_tokens"] == 300
    assert after["usage"]["calls"] == 7  # the first run's 6 are known, and more than the 2 in the results


def test_a_result_is_on_disk_before_the_run_ends(tmp_path):
    with RunFolder(tmp_path, SETTINGS) as folder:
        folder.write(extraction("a"))
        assert written(tmp_path) == ["a"]


def test_a_torn_last_line_is_cut_off_and_done_again(tmp_path):
    with RunFolder(tmp_path, SETTINGS) as folder:
        folder.write(extraction("a"))
    with (tmp_path / "extractions.jsonl").open("ab") as file:
        file.write(b'{"record_id":"b","elig')
    with RunFolder(tmp_path, SETTINGS) as again:
        assert list(again.done) == ["a"]
    assert written(tmp_path) == ["a"]


def test_results_end_in_input_order_even_if_they_were_appended_later(tmp_path):
    with RunFolder(tmp_path, SETTINGS) as folder:
        for record_id in ("a", "c", "elsewhere"):
            folder.write(extraction(record_id))
    with RunFolder(tmp_path, SETTINGS) as again:
        again.skip("a")
        again.write(extraction("b"))
        again.skip("c")
        again.finish(Tally(), ())
    assert written(tmp_path) == ["a", "b", "c", "elsewhere"]


def test_other_settings_are_refused_with_what_differs(tmp_path):
    invoke(tmp_path)
    with pytest.raises(StoreError, match=r"assist was 'never', is 'auto'.*--fresh"):
        RunFolder(tmp_path, {**SETTINGS, "assist": "auto"})


def test_fresh_discards_the_earlier_run(tmp_path):
    with RunFolder(tmp_path, SETTINGS) as folder:
        folder.write(extraction("a"))
    with RunFolder(tmp_path, {**SETTINGS, "assist": "auto"}, fresh=True) as again:
        assert not again.done
        again.begin()
    assert written(tmp_path) == []
    assert manifest(tmp_path)["settings"]["assist"] == "auto"


def test_fresh_discards_nothing_before_the_run_begins(tmp_path):
    invoke(tmp_path, "a")
    before = manifest(tmp_path)
    with RunFolder(tmp_path, SETTINGS, fresh=True) as again:
        again.finish(Tally(), ())
    assert (written(tmp_path), manifest(tmp_path)) == (["a"], before)


def test_a_folder_that_a_living_process_writes_into_is_refused(tmp_path):
    (tmp_path / ".lock").write_text(str(os.getppid()))
    with pytest.raises(StoreError, match=f"process {os.getppid()} writes into it"):
        RunFolder(tmp_path, SETTINGS)
    assert (tmp_path / ".lock").exists()


@pytest.mark.parametrize("owner", [2**22 + 1, os.getpid()])
def test_the_lock_of_a_dead_process_is_taken_over_and_removed_at_the_end(tmp_path, owner):
    (tmp_path / ".lock").write_text(str(owner))
    with RunFolder(tmp_path, SETTINGS):
        assert (tmp_path / ".lock").read_text() == str(os.getpid())
    assert not (tmp_path / ".lock").exists()


def test_a_folder_that_is_refused_is_not_left_locked(tmp_path):
    (tmp_path / "run.json").write_text("[]")
    with pytest.raises(StoreError):
        RunFolder(tmp_path, SETTINGS)
    assert not (tmp_path / ".lock").exists()


@pytest.mark.parametrize("name", ["extractions.jsonl", "failures.jsonl", "run.json"])
def test_a_file_that_cannot_be_opened_is_told_with_its_name(tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(StoreError, match=name), RunFolder(tmp_path, SETTINGS) as folder:
        folder.begin()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_told_with_the_files_name(tmp_path):
    invoke(tmp_path)
    (tmp_path / "failures.jsonl").unlink()
    (tmp_path / "failures.jsonl").symlink_to("/dev/full")
    with pytest.raises(StoreError, match=r"failures.jsonl: No space left"), RunFolder(tmp_path, SETTINGS) as folder:
        folder.write_failure({"message": "no"})


def test_a_failure_in_a_file_whose_name_is_no_text_is_kept_as_an_escape(tmp_path):
    with RunFolder(tmp_path, SETTINGS) as folder:
        folder.write_failure({"path": "caf\udce9.json"})
    assert json.loads((tmp_path / "failures.jsonl").read_text("utf-8"))["path"] == "caf\udce9.json"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("extractions.jsonl", "{}\n"),
        ("run.json", "not json"),
        ("run.json", "[]"),
        ("run.json", '{"settings": []}'),
        ("run.json", '{"settings": {"assist": "never", "model": null}, "usage": 3}'),
        ("run.json", '{"settings": {"assist": "never", "model": null}, "records": {"extracted": "many"}}'),
    ],
)
def test_a_folder_that_is_not_ours_is_refused(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    with pytest.raises(StoreError, match="another --out"):
        RunFolder(tmp_path, SETTINGS)
