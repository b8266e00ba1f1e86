"""Inputs and ids: files, folders and patterns in the order given; each record has an id, and no
id comes twice.
"""

import json
import os
import tomllib
import zipfile
from pathlib import Path

import pytest

from .conftest import RECORDS, read_all

ROWS = tomllib.loads(Path(__file__).with_name("tables.toml").read_text("utf-8"))

FLAT = (RECORDS / "flat.txt").read_bytes()


@pytest.fixture
def folder(tmp_path):
    for name in (
        "b/2.txt",
        "b/10.txt",
        "a/x/deep.txt",
        "c.txt",
        ".hidden",
        ".git/object.txt",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(FLAT)
    # reading it would never end
    os.mkfifo(tmp_path / "b" / "pipe.txt")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("absent.txt", "no such file"),
        (
            "*.json",
            "the folder contains no files, or the pattern does not match any files",
        ),
        (
            "empty",
            "the folder contains no files, or the pattern does not match any files",
        ),
    ],
)
def test_missing_and_empty_inputs_are_errors(tmp_path, name, problem):
    (tmp_path / "empty").mkdir()
    (tmp_path / "good.txt").write_bytes(FLAT)
    reading = read_all(tmp_path / name, tmp_path / "good.txt")
    assert reading.ids == ["good"]
    [error] = reading.errors
    assert error.path == str(tmp_path / name)
    assert problem in error.problem
    assert error.remedy


def study(title: str, nct_id: str | None = None) -> dict[str, object]:
    return {
        "protocolSection": {
            "identificationModule": {
                "briefTitle": title,
                **({"nctId": nct_id} if nct_id else {}),
            }
        }
    }


def test_second_record_of_an_id_is_an_error_that_names_both_places(tmp_path):
    first = tmp_path / "first.jsonl"
    second = tmp_path / "second.zip"
    lines = [
        study("A", "NCT90000041"),
        study("B", "NCT90000042"),
        study("C", "NCT90000042"),
    ]
    first.write_text("\n".join(map(json.dumps, lines)))
    members = [study("A", "NCT90000043"), study("D", "NCT90000041")]
    with zipfile.ZipFile(second, "w") as archive:
        archive.writestr("a.json", json.dumps(members))

    reading = read_all(first, second)

    assert reading.ids == ["NCT90000041", "NCT90000042", "NCT90000043"]
    within, across = reading.errors
    assert within.place == "line 3"
    assert f"already read from {first}, line 2" in within.problem
    assert across.path == str(second)
    assert across.place == "a.json, record 2"
    assert f"already read from {first}, line 1" in across.problem


@pytest.mark.parametrize(
    ("inputs", "ids"),
    ROWS["test_inputs_keep_their_order_and_folders_are_searched_in_depth"],
)
def test_inputs_keep_their_order_and_folders_are_searched_in_depth(folder, inputs, ids):
    if "a[1].txt" in inputs:
        (folder / "a[1].txt").write_bytes(FLAT)
    paths = [folder / name for name in inputs]

    first = read_all(*paths)
    second = read_all(*paths)

    assert first.ids == ids
    assert first.errors == []
    assert second.ids == ids
    assert second.errors == []


@pytest.mark.parametrize(
    ("name", "studies", "ids"),
    [
        ("my.trial.json.gz", [study("A")], ["my.trial"]),
        (
            "trials.json",
            [study("A"), study("B", "nct90000040 "), study("C", "2020-000000-00")],
            ["trials-1", "NCT90000040", "trials-3"],
        ),
    ],
)
def test_a_record_without_id_has_the_stem_of_its_file_and_its_position(
    read_bytes, name, studies, ids
):
    assert read_bytes(json.dumps(studies).encode(), name).ids == ids


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege")
def test_a_link_out_of_a_folder_is_read_only_if_it_is_specified(tmp_path):
    outside = tmp_path / "outside.jsonl"
    outside.write_bytes((RECORDS / "studies.jsonl").read_bytes())
    (folder := tmp_path / "folder").mkdir()
    (folder / "study.json").write_bytes((RECORDS / "study.json").read_bytes())
    (folder / "away.jsonl").symlink_to(outside)
    (folder / "circle.json").symlink_to(folder / "circle.json")
    (folder / "within").mkdir()
    (folder / "within" / "again.json").symlink_to(folder / "study.json")
    reading = read_all(folder)
    assert reading.ids == ["NCT90000001"]
    found = {Path(error.path).name: error for error in reading.errors}
    assert found.keys() == {"away.jsonl", "circle.json", "again.json"}
    assert "a link to a file outside the folder" in found["away.jsonl"].problem
    assert "cannot be opened" in found["circle.json"].problem
    assert "was already read" in found["again.json"].problem
    assert len(read_all(folder / "away.jsonl").ids) == 2
