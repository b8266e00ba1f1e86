"""Bad input: an error that names file, place and remedy, and every other record is still read."""

import gzip
import json

import pytest

from .conftest import RECORDS
from .test_packaging import zip_members

LINES = (RECORDS / "studies.jsonl").read_bytes().splitlines(keepends=True)
ARRAY = (RECORDS / "studies_array.json").read_bytes()
TABLE = (RECORDS / "studies.csv").read_bytes().splitlines(keepends=True)
XML = (RECORDS / "study.xml").read_bytes()
FLAT = (RECORDS / "flat.txt").read_bytes()
DEEP = XML.replace(
    b"<brief_title>", b"<x>" * 20_000 + b"</x>" * 20_000 + b"<brief_title>"
)
TEXTLESS = json.dumps(
    {
        "protocolSection": {
            "identificationModule": {"nctId": "NCT90000050", "briefTitle": " "}
        }
    }
)
BOMB = b'<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]><clinical_study>&c;</clinical_study>'
EXTERNAL = b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><clinical_study>&b;</clinical_study>'


def encrypt(archive: bytes) -> bytes:
    """Set the flag that marks the first member as encrypted, in its header and in the directory."""
    directory = archive.index(b"PK\x01\x02")
    flagged = bytearray(archive)
    flagged[6] |= 1
    flagged[directory + 8] |= 1
    return bytes(flagged)


def damage(archive: bytes) -> bytes:
    """Change a byte in the middle of the first member's data."""
    damaged = bytearray(archive)
    damaged[80] ^= 0xFF
    return bytes(damaged)


ZIP = zip_members({"bad.txt": FLAT, "good.xml": XML})
# several of the blocks that are read at a time
LONG_LINE = json.dumps({"text": " ".join(map(str, range(40_000)))}).encode()
JSONL_IDS = ["NCT90000006", "NCT90000007"]


CASES = {
    "empty": (b"", [], None, "the file is empty"),
    "typographic blanks": ("\u00a0\n\u2003".encode(), [], None, "the record contains no text"),
    "binary": (b"\x7fELF\x02\x00\x00", [], None, "binary data"),
    "unknown table": (b"a,b\n1,2\n3,4\n", [], None, "a table without any known columns ('a', 'b')"),
    "broken JSON": (b"{broken", [], None, "an unknown format"),
    "text of JSON": (b'"abc"', [], None, "an unknown format"),
    "web page": (b"<!DOCTYPE html>\n<html><p>Inclusion Criteria</p></html>", [], None, "a web page"),
    "PNG": (b"\x89PNG\r\n\x1a\n\0\0", [], None, "binary data"),
    "RTF": (b"{\\rtf1 Inclusion Criteria}", [], None, "binary data"),
    "Excel": (zip_members({"[Content_Types].xml": XML, "xl/workbook.xml": XML}), [], None, "an unsupported workbook"),
    "long text": (b"Arms\n" + b"A " * 500_000, [], None, "text of more than 1,000,000 characters"),
    "flat in Latin-1": (FLAT + b"\xe9", [], None, "'utf-8' codec can't decode"),
    "UTF-16": ("Arms".encode("utf-16"), [], None, "binary data"),
    "truncated line": (LINES[0] + LINES[1][:900], JSONL_IDS[:1], "line 2, ", "broken JSON"),
    "broken line": (LINES[0] + b'{"nctId": NCT90000007}\n', JSONL_IDS[:1], "line 2, ", "broken JSON"),
    "line of NULs": (LINES[0] + b"\0" * 99 + b"\n" + LINES[1], JSONL_IDS, "line 2, ", "broken JSON"),
    "first line of NULs": (b"\0" * 99 + b"\n" + LINES[0], JSONL_IDS[:1], "line 1, ", "broken JSON"),
    "unfinished last line": (LINES[0] + b'{"text":\n', JSONL_IDS[:1], "line 2, character 9", "broken JSON"),
    "first line": (LINES[0][:900] + b"\n" + LINES[1], JSONL_IDS[1:], "line 1, ", "broken JSON"),
    "first line without JSON": (b"not JSON at all\n" + LINES[1], JSONL_IDS[1:], "line 1, ", "broken JSON"),
    "first line null": (b"null\n" + LINES[1], JSONL_IDS[1:], "line 1", "neither a study"),
    "end of a record": (b'Inclusion Criteria:\\n* Adults"}}}\n' + LINES[1], JSONL_IDS[1:], "line 1, ", "broken JSON"),
    "end of a record with values": (b'"sex": "ALL"}}}\n' + LINES[1], JSONL_IDS[1:], "line 1", "neither a study"),
    "line in Latin-1": (LINES[0] + LINES[1].replace(b"Fabricel", b"\xe9"), JSONL_IDS[:1], "line 2, ", "not valid Unicode"),
    "line without study": (LINES[0] + b"[1]\n" + LINES[1], JSONL_IDS, "record 2", "neither a study"),
    "deep line": (LINES[0] + b"[" * 10**5 + b"\n" + LINES[1], JSONL_IDS, "record 2", "JSON"),
    "deep array": (b'[{"a": ' + b"[" * 10**5, [], "record 1", "maximum recursion depth"),
    "no text": (LINES[0] + TEXTLESS.encode(), JSONL_IDS[:1], "line 2", "contains no text"),
    "surrogate": (LINES[0] + LINES[1].replace(b"Fabricel", b"\\ud800"), JSONL_IDS[:1], "line 2", "valid Unicode"),
    "surrogate in a list": (LINES[0] + b'{"text": "Inclusion criteria:\\n- Adults \\ud800"}', JSONL_IDS[:1], "line 2", "the text is not valid Unicode"),
    "truncated array": (ARRAY[:-900], ["NCT90000002"], "record 2", "broken JSON"),
    "a number longer than integers may be": (b'{"a": ' + b"9" * 100_000, [], "line 1", "JSON"),
    "Latin-1 array": (ARRAY.replace(b"Asthma", b"\xe9"), ["NCT90000002"], "record 2", "not valid Unicode"),
    "item": (b'[{"a": 1}, ' + ARRAY.strip()[1:], ["NCT90000002", "NCT90000003"], "record 1", "neither a study"),
    "empty array": (b"[]", [], "line 1", "contains no record"),
    "other JSON": (b'{"swagger": "2.0"}', [], "line 1", "neither a study"),
    "truncated XML": (XML[:-900], [], "line ", "broken XML"),
    "deep XML": (zip_members({"bad.xml": DEEP, "good.xml": XML}), ["NCT90000008"], "bad.xml", "nested too deeply"),
    "entity bomb": (BOMB, [], None, "declares entities"),
    "external entity": (EXTERNAL, [], None, "declares entities"),
    "header only": (TABLE[0], [], None, "contains no record"),
    "short row": (b"".join([*TABLE[:4], b"NCT90000051,one cell\r\n", *TABLE[4:]]), ["NCT90000010", "NCT90000011", "NCT90000012"], "line 5", "the row has 2 cells, the header 17"),
    "open quote": (b"".join([*TABLE[:4], b'NCT90000051,"never closed\r\nnext line\r\n', *TABLE[4:]]), ["NCT90000010", "NCT90000011", "NCT90000012"], "line 5", "broken table row"),
    "open quote at the end": (TABLE[0] + b'NCT90000051,"never closed\r\n', [], "line 2", "broken table row"),
    "truncated gzip": (gzip.compress(FLAT)[:-20], [], None, "damaged"),
    "gzip truncated in a line": (gzip.compress(LINES[0] + LONG_LINE)[:-20], JSONL_IDS[:1], "line 2", "damaged"),
    "gzip without its last bytes": (gzip.compress(b"".join(LINES))[:-4], JSONL_IDS, None, "the rest of the file is lost"),
    "gzip with a wrong checksum": (gzip.compress(b"".join(LINES))[:-8] + bytes(8), JSONL_IDS, None, "the rest of the file is lost"),
    "table in a truncated gzip": (gzip.compress(b"".join(TABLE))[:-4], ["NCT90000010", "NCT90000011", "NCT90000012"], None, "number of records"),
    "gzip in gzip": (gzip.compress(gzip.compress(FLAT)), [], None, "packed twice"),
    "truncated zip": (ZIP[:-30], [], None, "damaged"),
    "empty zip": (zip_members({}), [], None, "the archive contains no files"),
    "encrypted member": (encrypt(ZIP), ["NCT90000008"], "bad.txt", "encrypted"),
    "damaged member": (damage(ZIP), ["NCT90000008"], "bad.txt", "damaged"),
    "nested zip": (zip_members({"in.zip": ZIP, "good.xml": XML}), ["NCT90000008"], "in.zip", "zip inside a zip"),
}  # fmt: skip
"""By what is wrong: the content, the ids that are still read, where the problem is, and how it
is described.
"""


@pytest.mark.parametrize(
    ("before", "values"),
    [
        ("", ["5", '"text"', "NaN", "null", "true", "[]"]),
        ("[]", ["5", '"text"', "[]", "-1.5", "null"]),
        ("[" * 10**5, ["NaN", '"text"', "[]", "true"]),
        ('{"text":', ["5", '"text"', "null"]),
    ],
    ids=["a record", "an empty list", "a deep line", "a broken line"],
)
def test_each_line_that_is_no_record_is_one_error(before, values, read_bytes):
    failing = [*filter(None, [before]), *values]
    lines = [LINES[0].decode().strip(), *failing, LINES[1].decode().strip()]
    reading = read_bytes("\n".join(lines).encode())
    assert reading.ids == JSONL_IDS
    assert len(reading.errors) == len(failing)


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.ndjson"])
def test_a_name_tells_json_lines_whose_first_line_is_damaged(read_bytes, name):
    content = b"Inclusion Criteria: " + b"A " * 40_000 + b"\n" + LINES[1]
    if name.endswith(".gz"):
        content = gzip.compress(content)
    reading = read_bytes(content, name)
    assert reading.ids == JSONL_IDS[1:]
    assert [error.place for error in reading.errors] == ["line 1, character 0"]


@pytest.mark.parametrize("name", CASES)
def test_bad_input(read_bytes, name):
    content, ids, place, problem = CASES[name]
    reading = read_bytes(content)
    assert reading.ids == ids
    [error] = reading.errors
    assert error.path.endswith("download.bin")
    assert problem in error.problem
    assert (error.place or "").startswith(place or "")
    assert bool(error.place) == bool(place)
    assert error.remedy
