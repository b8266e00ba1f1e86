"""``run --fresh`` keeps the earlier results until the new run has begun in earnest."""

from pathlib import Path
from shutil import copytree

import pytest

from extractor.model.asking.questions import Session
from extractor.run.folder import RunFolder
from extractor.run.tally import Tally
from tests.commands import invoke
from tests.run.test_folder import SETTINGS, call_model, line, record, written
from tests.run.test_folder import invoke as perform

RECORD = str(Path("tests/records/studies.jsonl").resolve())


def list_files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.fixture
def keep(tmp_path):
    """A finished run of the rules."""
    folder = tmp_path / "keep"
    done = invoke("run", RECORD, "--effort", "none", "--out", str(folder), "--quiet")
    assert done.exit_code == 0
    (folder / "texts").mkdir()
    (folder / "texts" / "a.txt").write_text("mine")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        # no key
        (RECORD, "--model", "gpt-5-mini"),
        # nobody answers at this address
        (RECORD, "--model", "http://127.0.0.1:9/v1#stub"),
        (RECORD, "--model", "nobody/nothing"),
        (RECORD, "--fields", "extractor.catalogue:Washoutt"),
        ("nowhere.json", "--effort", "none"),
        ("broken.json", "--effort", "none"),
    ],
)
def test_a_fresh_run_that_fails_keeps_the_earlier_results(keep, words, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.chdir(keep.parent)
    (keep.parent / "broken.json").write_text("[")
    before = list_files(keep)

    result = invoke("run", *words, "--out", str(keep), "--fresh")

    assert result.exit_code in (1, 2, 75)
    assert list_files(keep) == before
    assert (keep / "texts" / "a.txt").read_text() == "mine"
    assert not [path for path in keep.iterdir() if path.name in (".earlier", ".moving")]


@pytest.mark.slow
def test_a_fresh_run_without_a_result_says_that_the_earlier_ones_stay(keep):
    address = "http://127.0.0.1:9/v1#stub"
    result = invoke("run", RECORD, "--out", str(keep), "--fresh", "--model", address)
    assert "nothing was extracted; the earlier results stay" in result.stderr


def test_a_fresh_run_that_works_replaces_the_earlier_one(keep):
    words = ("--effort", "none", "--quiet", "--limit", "1")
    assert invoke("run", RECORD, "--out", str(keep), "--fresh", *words).exit_code == 0
    assert len((keep / "extractions.jsonl").read_text("utf-8").splitlines()) == 1
    assert not (keep / "texts").exists()
    assert not (keep / ".earlier").exists()


def test_after_a_kill_without_a_result_the_earlier_run_goes_on(tmp_path):
    perform(tmp_path, "a")
    copy = tmp_path / "copy"
    with RunFolder(tmp_path, SETTINGS, fresh=True) as new:
        new.begin()
        copytree(tmp_path, copy, ignore=lambda *_: {"copy", ".lock"})
    assert (copy / ".earlier").is_dir()
    with RunFolder(copy, SETTINGS) as again:
        assert again.is_done(record("a"))
    assert written(copy) == written(tmp_path) == ["a"]


@pytest.mark.parametrize("moved", [["run.json"], ["run.json", "run.sqlite"]])
def test_after_a_kill_between_two_moves_nothing_is_lost(moved, tmp_path):
    perform(tmp_path, "a")
    before = list_files(tmp_path)
    (tmp_path / ".moving").mkdir()
    for name in moved:
        (tmp_path / name).rename(tmp_path / ".moving" / name)

    with RunFolder(tmp_path, SETTINGS, fresh=True):
        pass

    assert list_files(tmp_path) == before


def test_the_first_result_of_the_rules_replaces_the_earlier_run(tmp_path):
    perform(tmp_path, "a")
    with RunFolder(tmp_path, SETTINGS, fresh=True) as new:
        assert not new.is_done(record("b"))
        new.write(line("b"), Session())
        assert not (tmp_path / ".earlier").exists()
        new.finish(Tally())
    assert written(tmp_path) == ["b"]


@pytest.mark.parametrize("answers", [True, False])
def test_where_a_model_is_asked_its_answer_is_needed(answers, tmp_path):
    """The result of a record without a question may come before the key is refused."""
    perform(tmp_path, "a")
    with RunFolder(tmp_path, {**SETTINGS, "model": "m"}, fresh=True) as new:
        assert not new.is_done(record("b"))
        if answers:
            call_model(new, "x", "b")
        new.write(line("b"), Session())
        assert (tmp_path / ".earlier").exists() is not answers
