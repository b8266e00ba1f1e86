"""PDF and Word files: what is read, where it is in the document, and how hostile files fail."""

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
from extractor.formats import document_records
from extractor.formats.documents import reading
from extractor.formats.documents.pdf import read_pdf_content
from extractor.formats.documents.word import read_word_content
from extractor.formats.records import read_stream

from .pdfs import Text, set_lines, write_pdf
from .test_free_text import tidy

SAMPLES = Path("tests/read/samples/documents")
CASES = tomllib.loads(Path("tests/read/documents.toml").read_text("utf-8"))
PROTOCOL = tomllib.loads(Path("tests/read/protocol.toml").read_text("utf-8"))
SPONSOR = tomllib.loads(Path("tests/read/sponsor.toml").read_text("utf-8"))
NOTE = (
    "Inclusion criteria",
    "- Adults with asthma",
    "- FEV1 of at least 50 %",
    "Primary endpoint: FEV1 at week 12",
)
PROSE = "The study staff follow the manual of operations at each visit and record it."


@pytest.fixture
def in_process(monkeypatch):
    """Parse documents in this process, which is faster than a child process for each."""
    readers = {"pdf": read_pdf_content, "docx": read_word_content}
    monkeypatch.setattr(
        document_records,
        "read_document",
        lambda kind, stream: readers[kind](stream.read()),
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
    """Check that each line of each section is in the document's text where it says."""
    for section in record.sections:
        for line in re.finditer(r"\S[^\n]*", section.text):
            start, end = section.locate(*line.span())
            assert record.document.text[start:end] == line.group()


@pytest.mark.parametrize(("name", "sections"), CASES["printed"].items())
@pytest.mark.usefixtures("in_process")
def test_printed_documents(name, sections):
    [record] = read_records(SAMPLES / name)
    assert record.record_id == Path(name).stem
    assert record.source.format == Path(name).suffix[1:]
    assert {section: text_of(record, section) for section in sections} == sections
    check_places(record)


@pytest.mark.usefixtures("in_process")
def test_evidence_has_its_place_and_page_and_page_breaks_are_undone():
    frame = [Text(72, 805, "Protocol FIC-301"), Text(280, 30, "Page 1 of 2")]
    first = [
        "# Inclusion criteria",
        "1. Adults with a haemo-",
        "globin below 10 g/dL",
        "2. Transfusion of red cells within",
    ]
    second = ["8 weeks before randomisation", "3. HbA1c above 7 %"]
    pages = [frame + set_lines(first), [], frame + set_lines(second)]

    record = read(write_pdf(pages))

    words = re.sub("\N{SOFT HYPHEN}+", "", record.section("eligibility").text)
    assert "haemoglobin below 10 g/dL" in words
    assert "FIC-301" not in words
    assert "Page" not in words
    assert record.source.notes == (
        "blank or scanned pages without text were not read: 2",
        "4 lines of page headers and footers were not read",
    )
    pages_of_quotes = {}
    for criterion in Extractor().extract(record).eligibility.criteria:
        for piece in criterion.evidence:
            start, end = piece.document_start, piece.document_end
            assert record.document.text[start:end] == piece.quote
            pages_of_quotes[criterion.quote] = piece.page
    assert list(pages_of_quotes.values()) == [1, 1, 3]


def write_outline_as_word(*, numbered):
    def fill(document):
        document.add_heading("A Trial of Fictumab in Asthma", 0)
        for level, title, lines in CASES["outline"]["chapters"]:
            document.add_heading(title if numbered else title.lstrip("1234. "), level)
            for line in lines:
                document.add_paragraph(line)

    return write_word(fill)


def write_outline_as_pdf():
    lines = ["# A Trial of Fictumab in Asthma", "Protocol FIC-301"]
    for level, title, below in CASES["outline"]["chapters"]:
        lines += [f"{'#' if level == 1 else '##'} {title}", *below, "", ""]
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
@pytest.mark.usefixtures("in_process")
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


def write_protocol():
    """Return a protocol of 50 pages: a title page, contents, and one or three pages a section."""
    pages = [PROTOCOL["title_page"]]
    entries = [f"{number} {title} ..... 7" for number, title, _ in PROTOCOL["outline"]]
    pages.append(["# Table of Contents", *entries])
    for number, title, lines in PROTOCOL["outline"]:
        pages.append([f"# {number} {title}", *(lines or [PROSE] * 3)])
        pages += [[PROSE] * 20] * (0 if lines else 2)
    running = [Text(72, 805, "Protocol FIC-301", size=9)]
    return write_pdf(
        [
            [*running, Text(72, 30, f"Confidential Page {number}", 9), *set_lines(page)]
            for number, page in enumerate(pages, 1)
        ]
    )


@pytest.mark.usefixtures("in_process")
def test_a_long_protocol_is_read_by_its_chapters():
    record = read(write_protocol())

    criteria = [line for line in text_of(record, "eligibility") if line[0].isdigit()]
    assert criteria[0] == "1. Adults aged 18 to 75 years"
    assert criteria[-1] == "2. Pregnancy"
    assert text_of(record, "primary_outcomes[0]") == ["PASI 90 at week 16"]
    assert text_of(record, "secondary_outcomes[0]") == ["DLQI of 0 or 1 at week 52"]
    everything = "\n".join(section.text for section in record.sections)
    assert "Fictumab 150 mg is given" in everything
    assert "Emollients" not in everything
    assert "Confidential" not in everything
    count, choice = record.source.notes
    assert count == "104 lines of page headers and footers were not read"
    read_headings, _, unread_headings = choice.partition("Not read: ")
    assert "5 Trial Population (page 27)" in read_headings
    assert "1.1 Protocol Synopsis (page 6)" in unread_headings
    assert "[pages 1-2, 16-23, 27-31, 35-38]" in read_headings
    check_places(record)


@pytest.mark.usefixtures("in_process")
def test_a_long_document_without_chapters_is_refused(monkeypatch):
    monkeypatch.setattr(document_records, "_LONGEST_READ", 40_000)

    error = refuse(write_pdf([set_lines([PROSE] * 40)] * 15))

    assert error.problem.startswith("a long document without headings")
    assert error.remedy.startswith("save only the pages")


def set_cells(lines, top):
    """Return lines below each other, whose cells are drawn one after the other."""
    placed = []
    for number, line in enumerate(lines):
        size = 15 if line.startswith("# ") else 10
        for place, cell in enumerate(line.removeprefix("# ").split("\t")):
            for depth, words in enumerate(filter(None, cell.split(" / "))):
                bottom = top - 14 * (number + depth)
                placed.append(Text(SPONSOR["columns"][place], bottom, words, size))
    return placed


def write_sponsors_protocol():
    """Return the protocol, with a header below the edge of each page, and 20 pages of filler."""
    pages = [*SPONSOR["pages"], *[[SPONSOR["filler"]] * 40] * 20]
    return write_pdf(
        [
            [
                *set_cells([*SPONSOR["header"], f"Page\t{number} (28)"], 790),
                *set_cells(lines, 700),
            ]
            for number, lines in enumerate(pages, 1)
        ]
    )


@pytest.mark.usefixtures("in_process")
def test_a_sponsors_protocol():
    record = read(write_sponsors_protocol())

    found = Extractor().extract(record)
    criteria = [
        [
            item.kind,
            tidy(item.quote),
            item.evidence[0].page,
            item.evidence[0].confidence >= 0.85,
        ]
        for item in found.eligibility.criteria
    ]
    assert criteria == SPONSOR["criteria"]
    assert [
        [item.rank, item.measure, item.time_frame] for item in found.endpoints
    ] == SPONSOR["endpoints"]
    [regimen] = found.dosing
    assert (regimen.agent, regimen.amounts[0].low, regimen.frequency) == (
        "Antravimab",
        300,
        "Q4W",
    )
    assert (found.eligibility.minimum_age.value, record.source.notes[0]) == (
        18,
        "224 lines of page headers and footers were not read",
    )
    check_places(record)


@pytest.mark.usefixtures("in_process")
def test_two_columns_that_are_drawn_line_by_line_are_read_one_after_the_other():
    left = [
        "Inclusion criteria",
        *(f"{n}. Disease {n} on the left side of the page" for n in range(1, 13)),
    ]
    right = [
        "Exclusion criteria",
        *(f"{n}. Disease {n} on the right side of the page" for n in range(1, 13)),
    ]
    page = [Text(72, 760, "Fictumab in rare diseases of adults and of children", 15)]
    for number, words in enumerate(zip(left, right, strict=True)):
        page += [
            Text(72, 700 - 14 * number, words[0]),
            Text(340, 700 - 14 * number, words[1]),
        ]

    record = read(write_pdf([page]))

    assert text_of(record, "eligibility") == [*left, *right]


def track_change(paragraph, tag, name, words):
    """Add words of a tracked change to a paragraph, which python-docx cannot."""
    text = OxmlElement(name)
    text.text = words
    run = OxmlElement("w:r")
    run.append(text)
    change = OxmlElement(tag)
    change.append(run)
    paragraph._p.append(change)


@pytest.mark.usefixtures("in_process")
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
    assert "Primary endpoint\tFEV1 at week 12\n" in record.document.text
    assert record.document.pages == ()
    check_places(record)


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
    """Return a Word file in which the content of one member is replaced."""
    unchanged = write_word(lambda document: document.add_paragraph(NOTE[0]))
    changed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(unchanged)) as old,
        zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for member in old.namelist():
            part = old.read(member)
            new.writestr(member, replace(part) if member == name else part)
    return changed.getvalue()


def change_text(replace):
    return change_word("word/document.xml", replace)


BOMB = b'<!DOCTYPE w [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'


def declare(part):
    return part.replace(b"<w:document", BOMB + b"<w:document", 1)


def nest(part):
    """Nest content controls more deeply than the XML parser accepts."""
    begin = b"<w:sdt><w:sdtContent>" * 140
    end = b"</w:sdtContent></w:sdt>" * 140
    return part.replace(b"<w:sectPr", begin + end + b"<w:sectPr", 1)


HOSTILE = {
    "scan": lambda: write_pdf([[], []]),
    "encrypted": encrypt,
    "broken": lambda: write_pdf([set_lines(NOTE)])[:600],
    "too many pages": lambda: write_pdf([[]] * 2_001),
    "entities": lambda: change_text(declare),
    "entities in UTF-16": lambda: change_text(
        lambda part: declare(part).decode().encode("utf-16")
    ),
    "zip bomb": lambda: change_word("word/styles.xml", lambda _: b" " * 200_000_000),
    "Word without a text": lambda: write_word(lambda _: None),
    "deep parts": lambda: change_text(nest),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_documents_end_with_one_line(name):
    problem, remedy = CASES["hostile"][name]

    error = refuse(HOSTILE[name](), "given.bin")

    assert str(error).startswith("given.bin: ")
    assert problem in error.problem
    assert remedy in error.remedy
    assert "\n" not in str(error)


@pytest.mark.slow
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


@pytest.mark.parametrize("name", ["synopsis_table.pdf", "synopsis_table.docx"])
def test_without_the_extra_the_record_fails_with_the_command_that_installs_it(
    monkeypatch, name
):
    monkeypatch.setattr(reading, "find_spec", lambda _: None)

    error = refuse((SAMPLES / name).read_bytes(), name)

    assert "needs py" in error.problem
    assert error.remedy.endswith("pip install '.[documents]'")
