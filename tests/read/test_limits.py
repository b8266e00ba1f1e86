"""Limits stop hostile files, and memory does not grow with the number of records."""

import gzip
import json
import signal
import tracemalloc

import pytest

from extractor import Extractor
from extractor.formats import eu_register, files, read_records, streams
from tests.growth import is_linear

from .conftest import RECORDS, read_all
from .samples import TABLES, zip_tables
from .test_packaging import zip_members

STUDY = json.dumps(json.loads((RECORDS / "study.json").read_text()))
COUNT = 250


def study_text(number: int) -> str:
    return STUDY.replace("NCT90000001", f"NCT{number:08}")


def json_array(count: int) -> str:
    return (
        f'{{"totalCount": 9, "studies": [{", ".join(map(study_text, range(count)))}]}}'
    )


def json_lines(count: int) -> str:
    return "\n".join(map(study_text, range(count)))


def wrapped_xml(count: int) -> str:
    study = (RECORDS / "study.xml").read_text("utf-8").partition("?>")[2]
    studies = (
        study.replace("NCT90000008", f"NCT{number:08}") for number in range(count)
    )
    return f"<search_results>{''.join(studies)}</search_results>"


def table(count: int) -> str:
    header = (RECORDS / "studies.csv").read_text("utf-8").splitlines()[0]
    cells = header.count(",") * ['"' + "words, " * 50 + '\r\n"']
    return "\r\n".join(
        [header, *(",".join([f"NCT{number:08}", *cells]) for number in range(count))]
    )


@pytest.mark.slow
@pytest.mark.parametrize("write", [json_array, json_lines, wrapped_xml, table])
def test_memory_stays_flat(tmp_path, write):
    (tmp_path / "many").write_text(write(COUNT), "utf-8", newline="")
    records = read_records(tmp_path / "many")
    for _ in range(100):
        next(records)

    tracemalloc.start()

    try:
        assert sum(1 for _ in records) == COUNT - 100
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000


@pytest.mark.parametrize(
    "pack",
    [
        gzip.compress,
        lambda content: zip_members({"bomb.txt": content}),
        lambda content: zip_members({"bomb.gz": gzip.compress(content)}),
    ],
    ids=["gzip", "zip", "gzip in zip"],
)
def test_bomb_is_refused_early(read_bytes, pack):
    bomb = pack(b"a, b\n" * 8_000_000)

    reading = read_bytes(bomb)

    assert reading.ids == []
    assert any("decompression bomb" in error.problem for error in reading.errors)


@pytest.mark.parametrize("inside", ["", '"{[", ', '{"a": [1]}, '])
def test_endless_nesting_is_refused(inside):
    reading = read_all("-", stdin=f"[{STUDY}, {inside}".encode() + b"[" * 100_000)
    assert reading.ids == ["NCT90000001"]
    assert "maximum recursion depth" in reading.errors[-1].problem


@pytest.fixture
def small_records(monkeypatch):
    monkeypatch.setattr(streams, "MAX_RECORD_BYTES", 10_000)
    monkeypatch.setattr(files, "MAX_RECORD_BYTES", 10_000)
    monkeypatch.setattr(eu_register, "MAX_RECORD_BYTES", 10_000)


@pytest.mark.usefixtures("small_records")
@pytest.mark.parametrize(
    ("content", "ids", "place"),
    [
        ("\n".join([study_text(1), json.dumps("x" * 200_000), study_text(2)]), [1, 2], "line 2"),
        (f'[{study_text(1)}, {{"a": "{"x" * 300_000}"}}, {study_text(2)}]', [1], "record 2"),
        (f"<all><clinical_study><brief_title>{'x' * 300_000}</brief_title></clinical_study></all>", [], "line 1"),
        (f"Title\nSummary\nAsthma\nDRUG: Fictumab\n{'x' * 300_000}", [], None),
        (zip_tables(TABLES | {"keywords": ["id|nct_id|name", *["1|NCT90000001|gout"] * 900]}), [], "studies.txt, line 2"),
    ],
    ids=["line", "array", "xml", "flat", "rows"],
)  # fmt: skip
def test_endless_content_is_refused(read_bytes, content, ids, place):
    reading = read_bytes(content if isinstance(content, bytes) else content.encode())
    assert reading.ids == [f"NCT{number:08}" for number in ids]
    [error] = reading.errors
    assert error.place == place
    assert error.problem == "a record of more than 10,000 bytes"


@pytest.mark.usefixtures("small_records")
def test_the_rest_of_an_endless_trial_is_not_kept(tmp_path):
    begin = (
        "EudraCT Number: 2031-00000{}-11\nE.3 Principal inclusion criteria: Adults\n"
    )
    content = begin.format(1) + "* more words\n" * 200_000 + begin.format(2)
    (tmp_path / "trials.txt").write_text(content, "utf-8")

    tracemalloc.start()

    try:
        reading = read_all(tmp_path / "trials.txt")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000
    assert reading.ids == ["2031-000002-11"]
    assert [error.problem for error in reading.errors] == [
        "a record of more than 10,000 bytes"
    ]


def test_a_quotation_mark_that_is_never_closed_takes_linear_time(read_bytes):
    row = 'NCT Number,Study Title,Conditions\nNCT00000001,"open\n'

    def read(text):
        reading = read_bytes((row + text * 20).encode())
        assert len(reading.errors) == 1

    assert is_linear(read, "x y\n")


def test_the_alarm_of_a_program_is_restored():
    before = signal.signal(signal.SIGALRM, print)
    Extractor().extract_text("Inclusion criteria:\n- Adults")
    assert signal.signal(signal.SIGALRM, before) is print
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
