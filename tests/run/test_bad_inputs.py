"""What is given in Python and is no record: a failure of that record like any other, as on the
command line.
"""

import json
import os
import sys
from pathlib import Path
from types import MappingProxyType

import pytest

from extractor import Extractor, make_record, read_records, read_results
from extractor.errors import ArgumentError, ExtractorError, RecordError
from extractor.run.joined import JoinedRuns
from extractor.schemas import Section, Source, TrialRecord
from tests.commands import extractor, read_lines

STUDY = json.loads(Path("tests/records/study.json").read_text("utf-8"))
GOOD = "tests/records/study.json"
RULES = Extractor(effort="none")
TEXT = "Inclusion criteria:\n- Adults with asthma\n- Age of 18 to 65 years\n" * 10
HALF = "\ud800"


def study(**more):
    """The study with another number, and with more in its first module."""
    copy = json.loads(json.dumps(STUDY))
    copy["protocolSection"]["identificationModule"] |= {"nctId": "NCT01234567"} | more
    return copy


def nest(depth):
    inner = {}
    for _ in range(depth):
        inner = {"more": inner}
    return inner


def make_cyclic():
    made = study()
    made["itself"] = made
    return made


class Failing(dict):
    def items(self):
        raise OSError("gone")


def section_record(title, path):
    sections = (Section(name="title", text=title),)
    source = Source(path=path, format="text")
    return TrialRecord(record_id="made", source=source, sections=sections)


BAD = {
    "half a pair in a dictionary": study(briefTitle=f"A {HALF} study"),
    "half a pair in a key": {f"a{HALF}": STUDY},
    "half a pair in a title": make_record(TEXT, title=f"A {HALF} trial"),
    "half a pair in an id": make_record(TEXT, record_id=f"a{HALF}"),
    "half a pair in a section": section_record(HALF, "made"),
    "half a pair in a record of a file": section_record(HALF, GOOD),
    "deep": study(more=nest(20_000)),
    "deep alone": nest(20_000),
    "cyclic": make_cyclic(),
    "a huge number": study(more=10**5000),
    "bytes": study(more=b"bytes"),
    "a set": study(more={1, 2}),
    "keys that are no texts": study(more={(1, 2): 3}),
    "fails by itself": {"protocolSection": Failing(a=1)},
    "not a number for a title": study(briefTitle=float("nan")),
    "empty": {},
    "a text": TEXT,
    "a short text": "Bewohner über 65 Jahre mit Größe über 1,50 m " * 5 + "ß" * 40,
    "a text with a pattern": "Inclusion criteria:\n**/*\n",
    "a text with an address": "See https://example.org/a\nInclusion criteria:\n- Adults",
    "a null": "a\0b",
    "a name that is too long": "x" * 256,
    "a path that is too long for a system": "x/" * 3000,
}


def test_each_bad_record_is_a_failure_and_stops_no_other(tmp_path):
    results = RULES.run([study(), *BAD.values(), GOOD], out=tmp_path / "run")

    assert [one.record_id for one in results] == ["NCT01234567", "NCT90000001"]
    assert len(results.failures) == len(BAD)
    for failure in results.failures:
        assert failure["error"] == "RecordError"
        assert failure["message"].isprintable()
        assert len(failure["message"]) < 500
        assert ";" in failure["message"]
    reread = [again.record_id for again in JoinedRuns([tmp_path / "run"]).reread()]
    assert reread == [extraction.record_id for extraction in results]


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_bad_record_alone_is_refused(bad):
    with pytest.raises(ExtractorError):
        RULES.extract(bad)


def test_what_does_not_matter_for_the_record_stops_it_not():
    more = [float("nan"), 10**4000, {1: 2}, ()]
    good = [study(nctId=f"NCT0000000{at}", more=one) for at, one in enumerate(more)]
    results = RULES.run([*good, MappingProxyType(STUDY)])
    assert (len(results), results.failures) == (5, [])


@pytest.mark.parametrize(
    "text", [TEXT, BAD["a short text"], "x" * 256, "a\0b"], ids=range(4)
)
def test_a_text_alone_is_no_file_but_can_be_extracted(text):
    problem = "a text, not the name of a file; make a record from it with make_record"
    with pytest.raises(ArgumentError, match=problem):
        RULES.run(text)
    with pytest.raises(RecordError, match="a text, not the name of a file"):
        list(read_records(text))
    if "\0" not in text:
        assert RULES.extract_text(text).record_id == "text"


WRONG = [
    (lambda: make_record(TEXT, title=5), "title: int is not text"),
    (lambda: make_record([TEXT]), "list is not one text; for several texts, use"),
    (lambda: make_record(TEXT, section="criteria"), "criteria: no such section"),
    (lambda: RULES.table("criteria", TEXT, section="criteria"), "no such section"),
    (lambda: RULES.table("criteria", GOOD, columns={"id": None}), "id: .* missing"),
    (lambda: RULES.run(GOOD, columns={"id": 3}), "id: .* missing"),
    (lambda: RULES.run(GOOD, columns=["id"]), "id: .* missing"),
    (lambda: RULES.run(GOOD, limit=0), "limit is 0; choose a number of at least 1"),
    (lambda: RULES.run(GOOD).export("a", file_format="exel"), r"exel: no .*, xlsx, "),
    (lambda: read_results([["a"]]), "list is not a path; pass each"),
    (lambda: Extractor("gpt-5-mini", max_usd="5"), "'5' is not a number; pass dollars"),
    (lambda: Extractor(min_confidence=85), "equal to 1; for 85 %, write 0.85"),
]


@pytest.mark.parametrize(("call", "message"), WRONG)
def test_a_wrong_argument_is_refused_with_a_remedy(call, message):
    with pytest.raises(ArgumentError, match=message):
        call()


def test_a_text_with_half_a_pair_is_refused_by_its_place():
    with pytest.raises(ArgumentError, match="not valid Unicode at character 2"):
        RULES.extract_text(f"a {HALF}")


@pytest.mark.slow
@pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere all names of files are Unicode"
)
def test_a_file_whose_name_is_no_unicode_fails_alone(tmp_path):
    (tmp_path / "in").mkdir()
    name = os.fsdecode(os.fsencode(tmp_path / "in") + b"/a\xff.json")
    Path(name).write_bytes(Path(GOOD).read_bytes())
    (tmp_path / "in" / "b.json").write_text(json.dumps(study()), "utf-8")

    words = ("--effort", "none", "--workers", 1, "--out", tmp_path / "run")
    done = extractor("run", tmp_path / "in", *words)

    assert done.returncode == 1
    said = b": the file name or the record id is not valid Unicode; rename it"
    assert said in done.stderr
    assert len(read_lines(tmp_path / "run" / "extractions.jsonl")) == 1
