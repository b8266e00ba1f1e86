"""A fault in a file of several records in XML costs one record at most, and each that is mended
or lost is named.
"""

import re

import pytest

from .conftest import RECORDS, read_all
from .samples import ICTRP, ISRCTN, WHO, write_ictrp_xml

STUDY = (RECORDS / "study.xml").read_text("utf-8").partition("?>")[2].strip()
TRIAL = write_ictrp_xml(ICTRP).decode()


def cut(document: str, name: str) -> str:
    """The first element of a name."""
    return document[
        re.search(rf"<{name}\b", document).start() : document.index(f"</{name}>")
        + len(name)
        + 3
    ]


FORMATS = {
    "ctgov_xml": (
        "clinical_study",
        '<search_results count="3">',
        STUDY,
        "NCT90000008",
        "brief_title",
    ),
    "isrctn_xml": (
        "fullTrial",
        '<allTrials xmlns="http://www.67bricks.com/isrctn">',
        ISRCTN,
        "90000001",
        "title",
    ),
    "ictrp_xml": (
        "Trial",
        "<Trials_downloaded_from_ICTRP>",
        TRIAL,
        ICTRP["TrialID"],
        "Public_title",
    ),
    "who_xml": ("trial", "<trials>", WHO, "PER-001-31", "public_title"),
}
"""By format: the element of a record, the tag around records, a document, its number, and the
element of its title.
"""


class File:
    """Three records of a format, one of which can be changed."""

    def __init__(self, name: str) -> None:
        self.element, self.opening, document, number, self.title = FORMATS[name]
        if name == "who_xml":
            # of PER-001-31, the digit before "-31" is changed
            kept = number[:-4]
            last = number[-3:]
        else:
            kept = number[:-1]
            last = ""
        self.numbers = [f"{kept}{position}{last}" for position in (1, 2, 3)]
        record = cut(document, self.element)
        self.records = [record.replace(number, own) for own in self.numbers]
        root = self.opening[1:].partition(" ")[0].rstrip(">")
        self.closing = f"</{root}>"

    def change(self, place: int, old: str, new: str) -> None:
        assert old in self.records[place]
        self.records[place] = self.records[place].replace(old, new, 1)

    def read(self):
        content = "\n".join(
            [
                "<?xml version='1.0' encoding='UTF-8'?>",
                self.opening,
                *self.records,
                self.closing,
            ]
        )
        reading = read_all("-", stdin=content.encode(errors="surrogateescape"))
        return reading, [number.removeprefix("ISRCTN") for number in reading.ids]


IN_TEXT = {
    "vertical tab": ("\x0b", "\n"),
    "control character": ("\x02", "\ufffd"),
    "no character": ("\uffff", "\ufffd"),
    "bare and": (" & ", " & "),
    "bare less": (" < 5 ", " < 5 "),
    "less before a number": (" <5 ", " <5 "),
    "entity of HTML": ("&micro;g", "&micro;g"),
    "Latin-1": ("\udcb5g", "µg"),
    "half a character": ("\udce2\udc80 ", "\ufffd "),
}
"""What stands in a text, and how it is read."""


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("fault", IN_TEXT)
def test_a_fault_in_a_text_is_mended_and_told(fault, name):
    file = File(name)
    written, read = IN_TEXT[fault]
    file.change(1, f"</{file.title}>", f" IgE{written}of 5</{file.title}>")

    reading, ids = file.read()

    assert ids == file.numbers
    assert reading.errors == []
    before, mended, behind = (record.source.notes for record in reading.records)
    assert mended[0].startswith("the XML is broken at line ")
    assert not before
    assert not behind
    title = reading.records[1].section("title").text
    assert title.endswith(f" IgE{read}of 5")


BEYOND_MENDING = {
    "break of HTML": ("</{1}>", "<br></{1}>"),
    "less before a word": ("</{1}>", " <lower limit</{1}>"),
    "begin of a comment": ("</{1}>", " <!-- </{1}>"),
    "title that begins twice": ("<{1}>", "<{1}><{1}>"),
    "neither first nor last tag": ("{0}", "{0}s"),
    "control character in the first tag": ("<{0}", "<\x01{0}"),
    "control character in the last tag": ("</{0}>", "</{0}\x01>"),
    "no last tag": ("</{0}>", ""),
    "last tag without its bracket": ("</{0}>", "</{0}"),
    "title without its end": ("</{1}>", ""),
    "title with another end": ("</{1}>", "</b>"),
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("fault", BEYOND_MENDING)
def test_what_cannot_be_mended_is_named_and_the_others_are_read(fault, name):
    file = File(name)
    place = 1
    old, new = (text.format(file.element, file.title) for text in BEYOND_MENDING[fault])
    if fault.startswith("neither"):
        file.records[place] = re.sub(rf"(</?){old}\b", rf"\1{new}", file.records[place])
    else:
        file.change(place, old, new)

    reading, ids = file.read()

    assert ids == [number for number in file.numbers if number != file.numbers[place]]
    [error] = reading.errors
    assert (
        "XML (" in error.problem
        or error.problem.endswith("is expected")
        or error.problem.endswith("are expected")
    )
    assert error.place
    assert error.remedy


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_without_its_end_is_told_behind_its_records(name):
    file = File(name)
    file.closing = ""

    reading, ids = file.read()

    assert ids == file.numbers
    [error] = reading.errors
    assert "the file ends without </" in error.problem


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [("latin-1", "ISO-8859-1"), ("cp1252", "windows-1252"), ("gb18030", "GB2312")],
)
def test_declared_encodings(encoding, declared):
    study = STUDY.replace("</brief_title>", " à</brief_title>")
    text = f"<?xml version='1.0' encoding='{declared}'?>{study}"

    [record] = read_all("-", stdin=text.encode(encoding, "ignore")).records

    assert record.section("title").text.endswith(" à")


def test_an_encoding_that_no_file_has_is_refused():
    text = f"<?xml version='1.0' encoding='zlib'?>{STUDY}"

    [error] = read_all("-", stdin=text.encode()).errors

    assert "unknown encoding (zlib)" in error.problem


def test_other_xml_is_refused_by_its_root():
    [error] = read_all("-", stdin=b"<ANZCTR_Trial><item/></ANZCTR_Trial>").errors
    assert error.problem.endswith("known format (its root is <ANZCTR_Trial>)")
    assert "trialsearch.who.int" in error.remedy
