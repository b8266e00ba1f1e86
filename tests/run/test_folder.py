import json

import pytest

from extractor.errors import StoreError
from extractor.run.folder import RunFolder
from extractor.schemas import Eligibility, TrialExtraction

SETTINGS = {"assist": "never", "model": None}


def extraction(record_id):
    return TrialExtraction(record_id=record_id, eligibility=Eligibility())


def written(path):
    return [json.loads(line)["record_id"] for line in (path / "extractions.jsonl").read_text().splitlines()]


def test_a_second_run_continues_the_first(tmp_path):
    with RunFolder(tmp_path, SETTINGS) as folder:
        folder.write(extraction("a"))
        folder.finish({"counts": 1})
    with RunFolder(tmp_path, SETTINGS) as again:
        assert "a" in again.done
        again.skip("a")
        again.write(extraction("b"))
        again.finish({"counts": 2})
    assert written(tmp_path) == ["a", "b"]
    assert json.loads((tmp_path / "run.json").read_text()) == {"settings": SETTINGS, "counts": 2}


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
        again.finish({})
    assert written(tmp_path) == ["a", "b", "c", "elsewhere"]


def test_other_settings_are_refused_with_what_differs(tmp_path):
    with RunFolder(tmp_path, SETTINGS):
        pass
    with pytest.raises(StoreError, match=r"assist was 'never', is 'auto'.*--fresh"):
        RunFolder(tmp_path, {**SETTINGS, "assist": "auto"})


def test_fresh_discards_the_earlier_run(tmp_path):
    with RunFolder(tmp_path, SETTINGS) as folder:
        folder.write(extraction("a"))
    with RunFolder(tmp_path, {**SETTINGS, "assist": "auto"}, fresh=True) as again:
        assert not again.done
    assert written(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "content"), [("extractions.jsonl", "{}\n"), ("run.json", "not json"), ("run.json", "[]")]
)
def test_a_folder_that_is_not_ours_is_refused(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    with pytest.raises(StoreError, match="another --out"):
        RunFolder(tmp_path, SETTINGS)
