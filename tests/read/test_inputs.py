"""Inputs and ids: files, folders and patterns in the order given; each record has an id, and no id comes twice."""

import io
import json
import os
import zipfile
from pathlib import Path

import pytest

from extractor.errors import RecordError
from extractor.read import read_records
from extractor.read.drafts import Unreadable, build_draft

from .conftest import RECORDS, read_all

FLAT = (RECORDS / "flat.txt").read_bytes()


@pytest.fixture
def folder(tmp_path):
    for name in ("b/2.txt", "b/10.txt", "a/x/deep.txt", "c.txt", ".hidden", ".git/object.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(FLAT)
    return tmp_path


def test_folder_is_searched_in_depth_and_in_order(folder):
    reading = read_all(folder)
    assert reading.ids == ["c", "deep", "10", "2"]
    assert reading.errors == []


def test_inputs_keep_their_order(folder):
    assert read_all(folder / "c.txt", str(folder / "b"), folder / ".hidden").ids == ["c", "10", "2", ".hidden"]


@pytest.mark.parametrize(
    ("pattern", "ids"), [("b/*.txt", ["10", "2"]), ("**/*ee*", ["deep"]), ("[ab]", ["deep", "10", "2"])]
)
def test_pattern(folder, pattern, ids):
    assert read_all(f"{folder}/{pattern}").ids == ids


def test_path_with_pattern_characters_is_a_path_first(tmp_path):
    path = tmp_path / "record[1].txt"
    path.write_bytes(FLAT)
    assert read_all(path).ids == ["record[1]"]


@pytest.mark.parametrize(
    ("name", "problem"),
    [("absent.txt", "no such file"), ("*.json", "no file matches"), ("empty", "the folder holds no files")],
)
def test_nothing_there(tmp_path, name, problem):
    (tmp_path / "empty").mkdir()
    (tmp_path / "good.txt").write_bytes(FLAT)
    reading = read_all(tmp_path / name, tmp_path / "good.txt")
    assert reading.ids == ["good"]
    [error] = reading.errors
    assert error.path == str(tmp_path / name)
    assert problem in error.problem
    assert error.remedy


@pytest.mark.parametrize(
    ("owner", "opens", "refused", "ids", "problem"),
    [
        (Path, "open", "10.txt", ["c", "deep", "2"], "no permission to read it"),
        (os, "scandir", "b", ["c", "deep"], "the folder cannot be listed"),
    ],
)
def test_what_may_not_be_read_is_an_error(folder, monkeypatch, owner, opens, refused, ids, problem):
    allowed = getattr(owner, opens)

    def refuse(path, *args, **kwargs):
        if Path(path).name == refused:
            raise PermissionError(13, "Permission denied", str(path))
        return allowed(path, *args, **kwargs)

    monkeypatch.setattr(owner, opens, refuse)
    reading = read_all(folder)
    assert reading.ids == ids
    [error] = reading.errors
    assert Path(error.path).name == refused
    assert problem in error.problem


@pytest.mark.parametrize("error", [KeyError, StopIteration, RecursionError, MemoryError, SystemExit])
def test_whatever_one_record_raises_is_its_problem(error):
    def build(_):
        raise error("a word of the record")

    found = build_draft(build, {}, "line 3")
    assert isinstance(found, Unreadable)
    assert (found.problem, found.place) == (f"an unexpected {error.__name__}", "line 3")


def study(title: str, nct_id: str | None = None) -> dict[str, object]:
    return {"protocolSection": {"identificationModule": {"briefTitle": title, **({"nctId": nct_id} if nct_id else {})}}}


def test_stem_of_the_only_record(read_bytes):
    assert read_bytes(json.dumps([study("A")]).encode(), "my.trial.json.gz").ids == ["my.trial"]


def test_records_without_id_are_numbered_by_their_position(read_bytes):
    studies = [study("A"), study("B", "nct90000040 "), study("C", "2020-000000-00")]
    assert read_bytes(json.dumps(studies).encode(), "trials.json").ids == ["trials-1", "NCT90000040", "trials-3"]


def test_stdin_has_a_stem_and_a_path():
    [record] = read_all("-", stdin=(RECORDS / "flat.txt").read_bytes()).records
    assert (record.record_id, record.source.path) == ("stdin", "<stdin>")


def test_second_record_of_an_id_is_an_error_that_names_both_places(tmp_path):
    first, second = tmp_path / "first.jsonl", tmp_path / "second.zip"
    lines = [study("A", "NCT90000041"), study("B", "NCT90000042"), study("C", "NCT90000042")]
    first.write_text("\n".join(map(json.dumps, lines)))
    with zipfile.ZipFile(second, "w") as archive:
        archive.writestr("a.json", json.dumps([study("A", "NCT90000043"), study("D", "NCT90000041")]))
    reading = read_all(first, second)
    assert reading.ids == ["NCT90000041", "NCT90000042", "NCT90000043"]
    within, across = reading.errors
    assert within.place == "line 3"
    assert f"already read from {first}, line 2" in within.problem
    assert (across.path, across.place) == (str(second), "a.json, record 2")
    assert f"already read from {first}, line 1" in across.problem


def test_each_call_starts_anew():
    assert read_all(RECORDS).ids == read_all(RECORDS).ids


def test_without_on_error_the_first_error_is_raised():
    stdin = io.BytesIO(b'{"protocolSection": {}}\n' + (RECORDS / "studies.jsonl").read_bytes())
    with pytest.raises(RecordError, match=r"^<stdin>, line 1: the record holds no free text; "):
        next(read_records("-", stdin=stdin))


def test_each_of_many_ids_is_noticed_with_its_own_place():
    text = "".join(json.dumps(study("A", f"NCT{number:08d}")) + "\n" for number in [*range(3000), *range(3000)])
    reading = read_all("-", stdin=text.encode())
    assert len(reading.ids) == 3000
    problems = [error.problem for error in reading.errors]
    assert problems == [f"the record NCT{n:08d} was already read from <stdin>, line {n + 1}" for n in range(3000)]
