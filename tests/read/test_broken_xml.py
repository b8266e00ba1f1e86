"""A fault in an XML file of several records costs one record at most, and each record that is
repaired or lost is reported.
"""

import pytest

from .conftest import RECORDS, read_all
from .samples import ICTRP, ISRCTN, WHO, write_ictrp_xml

STUDY = (RECORDS / "study.xml").read_text("utf-8").partition("?>")[2].strip()
IDS = [f"NCT9000000{number}" for number in (1, 2, 3)]


def read_studies(old: str = "", new: str = "", end: str = "</search_results>"):
    """Read three studies, the second of which has ``new`` in place of the first ``old``."""
    studies = [STUDY.replace("NCT90000008", record_id) for record_id in IDS]
    assert old in studies[1]
    studies[1] = studies[1].replace(old, new, 1)
    lines = ["<?xml version='1.0'?>", '<search_results count="3">', *studies, end]
    return read_all("-", stdin="\n".join(lines).encode(errors="surrogateescape"))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("\x0b", "\n"),
        ("\x02", "\ufffd"),
        ("\uffff", "\ufffd"),
        (" & ", " & "),
        (" < 5 ", " < 5 "),
        (" <5 ", " <5 "),
        ("&micro;g", "&micro;g"),
        ("\udcb5g", "µg"),
        ("\udce2\udc80 ", "\ufffd "),
    ],
)
def test_a_fault_in_a_text_is_repaired_and_reported(written, read):
    reading = read_studies("</brief_title>", f" IgE{written}of 5</brief_title>")

    assert (reading.ids, reading.errors) == (IDS, [])
    before, repaired, after = (record.source.notes for record in reading.records)
    assert repaired[0].startswith("the XML is broken at line ")
    assert before == after == ()
    title = reading.records[1].section("title").text
    assert title.endswith(f" IgE{read}of 5")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("</brief_title>", "<br></brief_title>"),
        ("</brief_title>", " <lower limit</brief_title>"),
        ("</brief_title>", " <!-- </brief_title>"),
        ("</brief_title>", ""),
        ("</brief_title>", "</b>"),
        ("<brief_title>", "<brief_title><brief_title>"),
        ("<clinical_study", "<clinical_studys"),
        ("<clinical_study", "<\x01clinical_study"),
        ("</clinical_study>", "</clinical_study\x01>"),
        ("</clinical_study>", ""),
        ("</clinical_study>", "</clinical_study"),
    ],
)
def test_a_record_that_cannot_be_repaired_is_named_and_the_others_are_read(old, new):
    reading = read_studies(old, new)

    assert reading.ids == [IDS[0], IDS[2]]
    [error] = reading.errors
    assert "XML (" in error.problem or error.problem.endswith("expected")
    assert error.place
    assert error.remedy


def test_a_file_without_its_end_is_reported_after_its_records():
    reading = read_studies(end="")

    assert reading.ids == IDS
    [error] = reading.errors
    assert "the file ends without </search_results>" in error.problem


@pytest.mark.parametrize(
    ("document", "title"),
    [
        (ISRCTN, "title"),
        (WHO, "public_title"),
        (write_ictrp_xml(ICTRP).decode(), "Public_title"),
    ],
)
def test_a_fault_is_repaired_in_every_format(document, title):
    broken = document.replace(f"</{title}>", f" A & B</{title}>")

    [record] = read_all("-", stdin=broken.encode()).records

    assert record.section("title").text.strip().endswith(" A & B")
    assert record.source.notes[0].startswith("the XML is broken at line ")


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [("latin-1", "ISO-8859-1"), ("cp1252", "windows-1252"), ("gb18030", "GB2312")],
)
def test_declared_encodings(encoding, declared):
    study = STUDY.replace("</brief_title>", " à</brief_title>")
    text = f"<?xml version='1.0' encoding='{declared}'?>{study}"

    [record] = read_all("-", stdin=text.encode(encoding, "ignore")).records

    assert record.section("title").text.endswith(" à")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"<?xml version='1.0' encoding='zlib'?>{STUDY}", "unknown encoding (zlib)"),
        ("<ANZCTR_Trial><item/></ANZCTR_Trial>", "(its root is <ANZCTR_Trial>)"),
    ],
)
def test_other_xml_is_refused(text, problem):
    [error] = read_all("-", stdin=text.encode()).errors

    assert error.problem.endswith(problem)
