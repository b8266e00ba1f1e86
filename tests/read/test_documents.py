"""PDF and Word files: what is read of them, where it stands, and what hostile ones come to."""

import io
import re
import tomllib
import zipfile
from pathlib import Path

import docx
import pytest
from docx.oxml import OxmlElement

from extractor import Extractor, read_records
from extractor.errors import RecordError
from extractor.formats.documents import reading
from extractor.formats.records import read_stream

from .pdfs import Text, set_lines, write_pdf
from .protocols import write_protocol

pytestmark = pytest.mark.slow

SAMPLES = Path("tests/read/samples/documents")
NOTE = (
    "Inclusion criteria",
    "- Adults with asthma",
    "- FEV1 of at least 50 %",
    "Primary endpoint: FEV1 at week 12",
)


def read(body, name="protocol.pdf"):
    [record] = read_stream(name, io.BytesIO(body))
    return record


def refuse(body, name="protocol.pdf"):
    with pytest.raises(RecordError) as caught:
        read(body, name)
    return caught.value


def write_word(fill):
    document = docx.Document()
    fill(document)
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def text_of(record, name):
    return record.section(name).text.splitlines()


def check_places(record):
    """Check that each line of each section stands in the document's text where it says."""
    for section in record.sections:
        for line in re.finditer(r"\S[^\n]*", section.text):
            start, end = section.locate(*line.span())
            assert record.document.text[start:end] == line.group()


# What is read.

PRINTED = tomllib.loads(Path("tests/read/documents.toml").read_text("utf-8"))


@pytest.mark.parametrize(("name", "sections"), PRINTED.items())
def test_printed_documents(name, sections):
    [record] = read_records(SAMPLES / name)
    assert record.record_id == Path(name).stem
    assert record.source.format == Path(name).suffix[1:]
    assert {section: text_of(record, section) for section in sections} == sections
    check_places(record)


def test_headers_footers_hyphens_and_breaks_of_pages_are_undone():
    frame = [Text(72, 805, "Protocol FIC-301"), Text(280, 30, "Page 1 of 2")]
    first = [
        "# Inclusion criteria",
        "1. Adults with a haemo-",
        "globin below 10 g/dL",
        "2. Transfusion of red cells within",
    ]
    second = ["8 weeks before randomisation", "3. Able to consent"]
    pages = [[*frame, *set_lines(first)], [*frame, *set_lines(second)]]

    record = read(write_pdf(pages))

    words = re.sub("\N{SOFT HYPHEN}+", "", record.section("eligibility").text)
    assert "haemoglobin below 10 g/dL" in words
    assert "FIC-301" not in words
    assert "Page" not in words
    criteria = Extractor().extract(record).eligibility.criteria
    assert criteria[-1].quote.endswith("Able to consent")


OUTLINE = [
    (1, "3 Study population", []),
    (2, "3.1 Inclusion criteria", []),
    (3, "Age", ["1. Adults"]),
    (3, "Disease", ["2. Asthma"]),
    (2, "3.2 Exclusion criteria", ["1. Pregnancy"]),
    (2, "3.3 Screen failures", ["Who fails may be screened again."] * 5),
    (1, "4 Endpoints", []),
    (2, "4.1 Primary endpoint", ["FEV1 at week 12"]),
]
"""Level, title and lines of the chapters of an invented protocol."""


def write_outline_as_word(*, numbered):
    def fill(document):
        document.add_heading("A Trial of Fictumab in Asthma", 0)
        for level, title, lines in OUTLINE:
            document.add_heading(title if numbered else title.lstrip("1234. "), level)
            for line in lines:
                document.add_paragraph(line)

    return write_word(fill)


def write_outline_as_pdf():
    lines = ["# A Trial of Fictumab in Asthma", "Protocol FIC-301"]
    for _, title, below in OUTLINE:
        lines += [f"# {title}", *below, "", ""]
    return write_pdf([set_lines(lines)])


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (write_outline_as_word(numbered=True), "protocol.docx"),
        (write_outline_as_word(numbered=False), "protocol.docx"),
        (write_outline_as_pdf(), "protocol.pdf"),
    ],
    ids=["Word, numbers", "Word, ranks", "PDF"],
)
def test_a_heading_of_a_lower_level_belongs_to_the_section_and_another_ends_it(
    body, name
):
    record = read(body, name)

    assert text_of(record, "title") == ["A Trial of Fictumab in Asthma"]
    criteria = [line.lstrip("# 1234.") for line in text_of(record, "eligibility")]
    assert criteria == [
        "Inclusion criteria",
        "Age",
        "Adults",
        "Disease",
        "Asthma",
        "Exclusion criteria",
        "Pregnancy",
    ]
    assert text_of(record, "primary_outcomes[0]") == ["FEV1 at week 12"]
    check_places(record)


def test_a_long_protocol_is_read_by_its_chapters():
    record = read(write_protocol(synopsis=True))

    criteria = [line for line in text_of(record, "eligibility") if line[0].isdigit()]
    assert criteria[0] == "1. Adults aged 18 to 75 years"
    assert criteria[-1] == "2. Pregnancy"
    assert text_of(record, "primary_outcomes[0]") == ["PASI 90 at week 16"]
    assert text_of(record, "secondary_outcomes[0]") == ["DLQI of 0 or 1 at week 52"]
    everything = "\n".join(section.text for section in record.sections)
    assert "Fictumab 150 mg is given" in everything
    assert "Emollients" not in everything
    assert "Confidential" not in everything
    [note] = record.source.notes
    read_headings, _, unread_headings = note.partition("Not read: ")
    assert "5 Trial Population" in read_headings
    assert "1.1 Protocol Synopsis" in unread_headings
    check_places(record)


def test_a_long_document_without_chapters_is_refused():
    pages = [set_lines(["The study staff follow the manual of operations."] * 40)] * 180

    error = refuse(write_pdf(pages))

    assert error.problem.startswith("a long document without headings")
    assert error.remedy.startswith("save only the pages")


def track_change(paragraph, tag, name, words):
    """Add words of a tracked change to a paragraph, which python-docx cannot."""
    text = OxmlElement(name)
    text.text = words
    run = OxmlElement("w:r")
    run.append(text)
    change = OxmlElement(tag)
    change.append(run)
    paragraph._p.append(change)


def test_word_lists_tables_and_tracked_changes():
    def fill(document):
        document.add_heading("A Trial of Fictumab", 0)
        document.add_heading("Inclusion criteria", 1)
        document.add_paragraph("Adults", style="List Bullet")
        changed = document.add_paragraph("ECOG 0 to ", style="List Bullet")
        track_change(changed, "w:del", "w:delText", "2")
        track_change(changed, "w:ins", "w:t", "1")
        document.add_heading("Exclusion criteria", 1)
        document.add_paragraph("Pregnancy", style="List Number")
        table = document.add_table(2, 2)
        table.cell(0, 0).text = "Primary endpoint"
        table.cell(0, 1).text = "FEV1 at week 12"
        table.cell(1, 0).text = "Treatment"
        table.cell(1, 1).text = "Fictumab 5 mg"
        table.cell(1, 1).add_paragraph("Placebo")

    record = read(write_word(fill), "notes.docx")

    assert text_of(record, "title") == ["A Trial of Fictumab"]
    assert text_of(record, "eligibility") == [
        "Inclusion criteria",
        "- Adults",
        "- ECOG 0 to 1",
        "Exclusion criteria",
        "- Pregnancy",
    ]
    assert text_of(record, "primary_outcomes[0]") == ["FEV1 at week 12"]
    assert text_of(record, "interventions[0]") == ["Fictumab 5 mg"]
    assert text_of(record, "interventions[1]") == ["Placebo"]
    assert record.document.pages == ()
    check_places(record)


# Where it stands.


def test_evidence_has_its_place_and_page():
    pages = [["# Inclusion criteria", "1. Age 18 to 75 years"], ["2. HbA1c above 7 %"]]
    record = read(write_pdf([set_lines(page) for page in pages]))
    document = record.document

    extraction = Extractor().extract(record).model_dump(mode="json")

    found = set()
    for criterion in extraction["eligibility"]["criteria"]:
        for piece in criterion["evidence"]:
            start = piece["document_start"]
            assert document.text[start : piece["document_end"]] == piece["quote"]
            assert piece["page"] == document.find_page(start)
            found.add(piece["page"])
    assert found == {1, 2}


# What hostile ones come to.


def encrypt():
    """Return a PDF whose dictionary says that it is encrypted."""
    locked = write_pdf([set_lines(NOTE)])
    key = b"<" + b"00" * 32 + b">"
    encryption = (
        b"/Encrypt << /Filter /Standard /V 1 /R 2 /O %b /U %b /P -4 >> /ID [<00> <00>] /Root"
        % (key, key)
    )
    return locked.replace(b"/Root", encryption, 1)


def change_word(name, replace):
    """Return a Word file of which one part is changed."""
    unchanged = write_word(
        lambda document: document.add_paragraph("Inclusion criteria")
    )
    changed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(unchanged)) as old,
        zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for member in old.namelist():
            part = old.read(member)
            new.writestr(member, replace(part) if member == name else part)
    return changed.getvalue()


BOMB = b'<!DOCTYPE w [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'


def declare(part):
    return part.replace(b"<w:document", BOMB + b"<w:document", 1)


def nest(part):
    """Put content controls into each other, deeper than the parser of XML takes them."""
    begin = b"<w:sdt><w:sdtContent>" * 140
    end = b"</w:sdtContent></w:sdt>" * 140
    return part.replace(b"<w:sectPr", begin + end + b"<w:sectPr", 1)


HOSTILE = {
    "scan": (
        lambda: write_pdf([[], []]),
        "the PDF is a scan: pictures of pages without text",
        "(OCR)",
    ),
    "encrypted": (encrypt, "the PDF is encrypted", "without its password"),
    "broken": (lambda: b"%PDF-1.7\nnothing", "the PDF is damaged", "download it again"),
    "cut off": (
        lambda: write_pdf([set_lines(NOTE)])[:600],
        "the PDF is damaged",
        "download it again",
    ),
    "too many pages": (
        lambda: write_pdf([[]] * 2_001),
        "a PDF of 2,001 pages, more than 2,000",
        "save only the pages",
    ),
    "entities": (
        lambda: change_word("word/document.xml", declare),
        "declares XML entities",
        "copy its text",
    ),
    "entities in UTF-16": (
        lambda: change_word(
            "word/document.xml", lambda part: declare(part).decode().encode("utf-16")
        ),
        "declares XML entities",
        "copy its text",
    ),
    "zip bomb": (
        lambda: change_word("word/styles.xml", lambda _: b" " * 200_000_000),
        "as decompression bombs do",
        "unpack it yourself",
    ),
    "broken Word": (
        lambda: change_word("word/document.xml", lambda _: b"<w:doc"),
        "the Word document is damaged",
        "save",
    ),
    "Word without a text": (
        lambda: write_word(lambda _: None),
        "the Word document has no text",
        "(OCR)",
    ),
    "old Word": (
        lambda: b"\xd0\xcf\x11\xe0" + bytes(600),
        "binary data",
        ".docx",
    ),
    "deep parts": (
        lambda: change_word("word/document.xml", nest),
        "the Word document is damaged",
        "save it again",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_documents_end_with_one_line(name):
    make, problem, remedy = HOSTILE[name]

    error = refuse(make(), "given.bin")

    assert str(error).startswith("given.bin: ")
    assert problem in error.problem
    assert remedy in error.remedy
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("limit", "value", "problem"),
    [
        ("MAX_DOCUMENT_BYTES", 1_000, "a document of more than 1,000 bytes"),
        ("MAX_SECONDS", 0.001, "took longer than 0.001 seconds"),
        ("MAX_REPLY_BYTES", 10, "the process that read the document ended"),
    ],
)
def test_limits(monkeypatch, limit, value, problem):
    monkeypatch.setattr(reading, limit, value)
    assert problem in refuse(write_pdf([set_lines(NOTE)] * 20)).problem


def test_the_child_gets_no_key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    assert "OPENAI_API_KEY" not in reading._environment()


@pytest.mark.parametrize(
    ("name", "library"), [("a.pdf", "pypdfium2"), ("a.docx", "docx")]
)
def test_without_the_extra_the_record_fails_with_the_command_that_installs_it(
    monkeypatch, name, library
):
    monkeypatch.setattr(reading, "find_spec", lambda _: None)
    body = (
        write_pdf([set_lines(NOTE)])
        if name == "a.pdf"
        else write_word(lambda document: document.add_paragraph(NOTE[0]))
    )

    error = refuse(body, name)

    assert "needs py" in error.problem
    assert error.remedy.endswith("pip install '.[documents]'")
