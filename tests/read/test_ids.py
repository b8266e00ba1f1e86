"""Ids: the NCT number, else the file's stem, numbered where there are several; none twice."""

import io
import json
import zipfile

import pytest

from extractor.errors import RecordError
from extractor.read import read_records

from .conftest import RECORDS, read_all


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
    told = [error.problem for error in reading.errors]
    assert told == [f"the record NCT{n:08d} was already read from <stdin>, line {n + 1}" for n in range(3000)]
