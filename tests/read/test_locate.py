"""Inputs: files, folders, patterns, in the order given."""

import os
from pathlib import Path

import pytest

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


def test_file_without_permission(folder, monkeypatch):
    opened = Path.open

    def refuse(path, *args, **kwargs):
        if path.name == "10.txt":
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *args, **kwargs)

    monkeypatch.setattr(Path, "open", refuse)
    reading = read_all(folder)
    assert reading.ids == ["c", "deep", "2"]
    assert [(error.path, error.problem) for error in reading.errors] == [
        (str(folder / "b" / "10.txt"), "no permission to read it")
    ]


def test_folder_without_permission(folder, monkeypatch):
    scan = os.scandir

    def refuse(path):
        if os.fspath(path).endswith("/b"):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    reading = read_all(folder)
    assert reading.ids == ["c", "deep"]
    assert [error.path for error in reading.errors] == [str(folder / "b")]
