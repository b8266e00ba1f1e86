"""Limits hold against hostile files, and memory stays flat over many records."""

import gzip
import io
import json
import tracemalloc

import pytest

from extractor.read import flat, read_records, streams

from .conftest import RECORDS, read_all
from .test_packaging import zip_members

STUDY = json.dumps(json.loads((RECORDS / "study.json").read_text()))


class GeneratedStream(io.RawIOBase):
    """A stream of pieces that are made while it is read."""

    def __init__(self, pieces) -> None:
        self._pieces, self._rest = iter(pieces), b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        self._rest = self._rest or next(self._pieces, b"")
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


def study_text(number: int) -> str:
    return STUDY.replace("NCT90000001", f"NCT{number:08}")


def json_array(count: int):
    yield b'{"totalCount": 9, "studies": ['
    for number in range(count):
        yield (", " * bool(number) + study_text(number)).encode()
    yield b"]}"


def json_lines(count: int):
    return (f"{study_text(number)}\n".encode() for number in range(count))


def wrapped_xml(count: int):
    study = (RECORDS / "study.xml").read_text().partition("?>")[2]
    yield b"<search_results>"
    for number in range(count):
        yield study.replace("NCT90000008", f"NCT{number:08}").encode()
    yield b"</search_results>"


def table(count: int):
    header = (RECORDS / "studies.csv").read_bytes().splitlines(keepends=True)[0]
    cells = header.count(b",") * [b'"%s"' % (b"words, " * 50 + b"\r\n")]
    yield header
    for number in range(count):
        yield b",".join([b"NCT%08d" % number, *cells]) + b"\r\n"


@pytest.mark.parametrize("generate", [json_array, json_lines, wrapped_xml, table])
def test_memory_stays_flat(generate):
    count = 400
    records = read_records("-", stdin=io.BufferedReader(GeneratedStream(generate(count))))
    for _ in range(100):
        next(records)
    tracemalloc.start()
    try:
        assert sum(1 for _ in records) == count - 100
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000


@pytest.mark.parametrize(
    "pack", [gzip.compress, lambda content: zip_members({"bomb.txt": content})], ids=["gzip", "zip"]
)
def test_bomb_is_refused_early(read_bytes, pack):
    bomb = pack(b"a, b\n" * 8_000_000)
    reading = read_bytes(bomb)
    assert reading.ids == []
    assert any("decompression bomb" in error.problem for error in reading.errors)


def test_many_members_count_together(read_bytes, monkeypatch):
    monkeypatch.setattr(streams, "MAX_UNPACKED_BYTES", 5000)
    study = (RECORDS / "study.xml").read_bytes()
    reading = read_bytes(zip_members({f"{n}.xml": study.replace(b"90000008", b"9000006%d" % n) for n in range(3)}))
    assert reading.ids == ["NCT90000060"]
    assert [error.place for error in reading.errors] == ["1.xml", "2.xml"]


def test_repetitive_small_archive_is_no_bomb(read_bytes):
    study = (RECORDS / "study.xml").read_bytes().replace(b"OBJECTIVES", b" " * 2_000_000)
    assert read_bytes(gzip.compress(study)).ids == ["NCT90000008"]


@pytest.mark.parametrize("inside", ["", '"{[", ', '{"a": [1]}, '])
def test_nesting_without_end_is_refused(inside):
    reading = read_all("-", stdin=f"[{STUDY}, {inside}".encode() + b"[" * 100_000)
    assert reading.ids == ["NCT90000001"]
    assert "nested more than 500 deep" in reading.errors[-1].problem


@pytest.mark.usefixtures("small_records")
@pytest.mark.parametrize(
    "content",
    [
        f"[{STUDY.replace('CAR-T', '[{' * 600)}]".encode(),
        b"".join(json_array(100)),
    ],
    ids=["brackets in a string", "many small records"],
)
def test_what_only_looks_too_large_is_read(read_bytes, content):
    assert read_bytes(content).errors == []


@pytest.fixture
def small_records(monkeypatch):
    monkeypatch.setattr(streams, "MAX_RECORD_BYTES", 10_000)
    monkeypatch.setattr(flat, "MAX_RECORD_BYTES", 10_000)


@pytest.mark.usefixtures("small_records")
def test_long_line_is_skipped(read_bytes):
    lines = [study_text(1), json.dumps("x" * 200_000), study_text(2)]
    reading = read_bytes("\n".join(lines).encode())
    assert reading.ids == ["NCT00000001", "NCT00000002"]
    [error] = reading.errors
    assert (error.place, error.problem) == ("line 2", "a line of more than 10,000 bytes")


@pytest.mark.usefixtures("small_records")
@pytest.mark.parametrize(
    ("content", "ids"),
    [
        (f'[{study_text(1)}, {{"a": "{"x" * 300_000}"}}, {study_text(2)}]', ["NCT00000001"]),
        (f"<all><clinical_study><brief_title>{'x' * 300_000}</brief_title></clinical_study></all>", []),
        (f"Title\nSummary\nAsthma\nDRUG: Fictumab\n{'x' * 300_000}", []),
    ],
    ids=["array", "xml", "flat"],
)
def test_record_without_end_is_refused(read_bytes, content, ids):
    reading = read_bytes(content.encode())
    assert reading.ids == ids
    assert [error.problem for error in reading.errors] == ["a record of more than 10,000 bytes"]
