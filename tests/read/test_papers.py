"""Papers: PubMed XML, MEDLINE and text, and the JATS XML of PubMed Central, as
``papers/expected.json`` has them.
"""

import gzip
from pathlib import Path

import pytest

from extractor.formats import free_text
from tests.snapshots import check_json

from .test_registers import describe

FOLDER = Path(__file__).with_name("papers")
FILES = {
    "jats.xml": "jats_xml",
    "papers.nbib": "medline",
    "pubmed.txt": "pubmed_text",
    "pubmed.xml": "pubmed_xml",
}
PUBMED = (FOLDER / "pubmed.xml").read_text("utf-8")
JATS = (FOLDER / "jats.xml").read_text("utf-8")


def describe_paper(record):
    source = record.source
    ids = [source.registry_id, source.pmid, source.pmcid, source.doi]
    return describe(record) | {"ids": ids}


def test_papers_are_read(read_bytes):
    found = {}
    for name in FILES:
        reading = read_bytes((FOLDER / name).read_bytes())
        papers = [describe_paper(record) for record in reading.records]
        errors = [[error.place, error.problem] for error in reading.errors]
        found[name] = {"papers": papers, "errors": errors}
    check_json(FOLDER / "expected.json", found)


@pytest.mark.parametrize("name", FILES)
def test_the_format_is_seen_in_the_content_and_each_place_leads_to_the_text(
    read_bytes, name
):
    content = (FOLDER / name).read_bytes().replace(b"\n", b"\r\n")
    for record in read_bytes(gzip.compress(content)).records:
        assert record.source.format == FILES[name]
        for section in record.sections:
            for piece in section.pieces:
                place = section.locate(piece.start, piece.start + 3)
                first, end = place
                assert record.given[first:end] == section.text[piece.start :][:3]


def test_one_broken_paper_leaves_the_others(read_bytes):
    broken = PUBMED.replace("<VernacularTitle>", "", 1)
    reading = read_bytes(broken.encode())
    assert reading.ids == ["PMC9930001", "PMID99300003"]
    assert "broken XML (mismatched tag)" in [error.problem for error in reading.errors]


ENTITIES = '<!DOCTYPE article [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;">]>\n<article>'
DEEP = f"<article><body>{'<sec>' * 50_000}{'</sec>' * 50_000}</body></article>"
LONG = f"<article><body><p>{'words ' * 20}</p></body></article>"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (f"{ENTITIES}<body><p>&b;</p></body></article>", "XML that declares entities"),
        ("<article><front/></article>", "the record contains no text"),
        (DEEP, "the record is nested too deeply"),
        (LONG, "text of more than 100 characters"),
        ("<articles><book/></articles>", "XML without a record in a known format (its root is <articles>)"),
        (PUBMED[:400], "broken XML (the record is not closed)"),
    ],
    ids=["entities", "empty", "deep", "long", "other", "cut"],
)  # fmt: skip
def test_hostile_and_broken_papers_are_refused(
    read_bytes, monkeypatch, content, problem
):
    monkeypatch.setattr(free_text, "MAX_CHARACTERS", 100)
    reading = read_bytes(content.encode())
    assert [error.problem for error in reading.errors] == [problem]
    assert reading.records == []


def test_an_undeclared_entity_is_kept_and_told(read_bytes):
    [record, *_] = read_bytes(JATS.replace("[<xref", "&alpha; [<xref").encode()).records
    assert "Asthma is common &alpha;." in record.section("brief_summary").text
    assert "was repaired" in record.source.notes[0]


def test_the_name_of_a_file_shows_the_format_if_its_first_line_does_not(read_bytes):
    content = b"OWN - NLM\nTI  - Fictumab in gout.\n\nPMID- 7\nTI  - In flu.\n"
    reading = read_bytes(content, "found.nbib")
    assert reading.ids == ["found-1", "PMID7"]
    assert [record.source.format for record in reading.records] == ["medline"] * 2
