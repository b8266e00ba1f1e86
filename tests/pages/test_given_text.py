"""A free text on a page: every character as it was given, and the marks on the right ones."""

import pytest

from extractor import Extractor
from extractor.apps.pages.notebook import show
from extractor.apps.pages.view import view
from extractor.apps.report.record import RunRecord, show_record
from extractor.formats.records import make_record, read_records
from extractor.run.finished import TextState

INDENTED = """A Trial of Fictumab
   Inclusion criteria:

   1. Adults, 18 to 65 years
      a) with ECOG 0-1

Exclusion criteria:
\t- Pregnancy
\t\t- Surgery within 4 weeks  before   enrolment

Intervention: Fictumab 300 mg every 4 weeks
Primary endpoint: Survival at week 52
"""
TEXTS = {
    "indents, tabs and labels": INDENTED,
    "line ends of Windows": INDENTED.replace("\n", "\r\n"),
    "labels in front of words": "Inclusion criteria: Age > 18 years; ECOG 0-1\n"
    "Exclusion criteria: pregnancy\nArm A: Fictumab 5 mg daily\n"
    "Primary outcome: Pain at week 4\nSecondary outcomes: Sleep; Cost at 1 year",
    "blank lines": "\n\n  \nInclusion criteria\n\n\n- HbA1c of at least 7.5 %\n\n\n"
    "- BMI < 35 kg/m2\n\n\n\nPrimary endpoint\n\n\nWeight at week 12\n\n",
    "no heading": "  - Age 18 years or older\n  - HbA1c > 7.5 %\n  - no insulin\n",
    "one line": "Haemoglobin at least 13 g/dL in men",
    "a table": "| Inclusion criteria | Exclusion criteria |\n|---|---|\n| Age > 18 | Pregnancy |\n"
    "| ECOG 0-1 | HIV |\n",
    "Markdown": "# A Trial of Fictumab\n\n## Eligibility\n\n**Inclusion criteria**\n\n"
    "* Age \\>= 18 years\n* Weight 50\\-90 kg\n",
    "HTML": "Inclusion criteria:<br>- Age &gt; 18 years<br>- <b>ECOG</b> 0-1",
    "wrapped lines": "Inclusion criteria:\n- Platelets of at least\n  100,000 per µL within 2 "
    "weeks\n  before enrolment\n- Age > 18 years\n",
    "characters beyond UTF-16": "Inclusion criteria:\n😀 - Age > 18 years 😀\n- ECOG 0-1\n",
    "a flattened record": "A Trial of Fictumab\nA summary.\nAsthma|COPD\n"
    "DRUG: Fictumab 5 mg|OTHER: Visit\nPain, on a scale, 4 weeks|Sleep, 8 weeks\n"
    "Cost, , 1 year\nA description of the trial.\n",
}


def cut(text: str, start: int, end: int) -> str:
    """The characters of a page's text, which counts in UTF-16 units."""
    units = text.encode("utf-16-le")
    return units[2 * start : 2 * end].decode("utf-16-le")


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_every_character_is_shown_and_each_quote_is_marked(text):
    record = make_record(text)
    extraction = Extractor().extract(record)
    shown = show_record(RunRecord(extraction, record, TextState.SAME), as_given=True)
    (section,) = shown["sections"]
    assert section["text"] == text
    assert len(section["parts"]) == len(record.sections)
    items = dict(extraction.list_items())
    assert items
    for item in shown["items"]:
        quoted = {
            (proof.section, proof.start, proof.end): proof.quote
            for proof in items[item["path"]].evidence
        }
        for value in item["values"]:
            marks: dict[tuple[str, int, int], str] = {}
            for number in value["spans"]:
                _, start, end, *place, name = shown["spans"][number]
                key = (name, *place)
                marks[key] = marks.get(key, "") + cut(text, start, end)
            for key, words in marks.items():
                # In the place of codes of HTML, the reader of the text has blanks.
                if "<" not in words:
                    assert words.split() == quoted[key].split()


def test_parts_begin_where_their_words_do():
    record = make_record(INDENTED)
    (section,) = view(record, as_given=True)["sections"]
    assert [
        (title, INDENTED[start:].splitlines()[0]) for start, title in section["parts"]
    ] == [
        ("Title", "A Trial of Fictumab"),
        ("Eligibility", "Inclusion criteria:"),
        ("Intervention 1", "Fictumab 300 mg every 4 weeks"),
        ("Primary outcome 1", "Survival at week 52"),
    ]


def test_a_title_beside_the_text_stays_before_it():
    record = make_record("Inclusion criteria:\n- Adults", title="A Trial of Fictumab")
    sections = view(record, as_given=True)["sections"]
    assert [section["text"] for section in sections] == [
        "A Trial of Fictumab",
        "Inclusion criteria:\n- Adults",
    ]


def test_line_ends_of_old_programs_are_shown():
    record = make_record("Inclusion criteria:\r- Adults\u2028- ECOG 0-1\r\n")
    (section,) = view(record, as_given=True)["sections"]
    assert section["text"] == "Inclusion criteria:\n- Adults\n- ECOG 0-1\r\n"


def test_words_on_both_sides_of_other_text_have_a_mark_each():
    """In a table of two columns, the criteria of one column are not beside each other."""
    record = make_record(TEXTS["a table"])
    (section,) = record.sections
    places = section.list_places(0, len(section.text))
    assert [TEXTS["a table"][start:end] for start, end in places] == [
        "Inclusion criteria",
        "Age > 18",
        "ECOG 0-1",
        "Exclusion criteria",
        "Pregnancy",
        "HIV",
    ]


def test_a_notebook_shows_the_labels():
    record = make_record(INDENTED)
    card = show(Extractor().extract(record), record)._repr_html_()
    assert "Primary endpoint: " in card
    assert "\n   1. " in card


def test_a_report_shows_a_free_text_whole_and_a_flattened_record_by_its_fields():
    names = {}
    for text in (INDENTED, TEXTS["a flattened record"]):
        record = make_record(text)
        result = RunRecord(Extractor().extract(record), record, TextState.SAME)
        shown = show_record(result)
        names[record.source.format] = [part["name"] for part in shown["sections"]]
    assert names["text"] == ["given"]
    assert names["flat"][:3] == ["title", "brief_summary", "conditions"]


@pytest.mark.parametrize(
    "name", ["synopsis_table.docx", "synopsis_table.pdf", "two_columns.pdf"]
)
def test_a_document_is_shown_whole(name):
    (record,) = read_records(f"tests/read/samples/documents/{name}")
    result = RunRecord(Extractor().extract(record), record, TextState.SAME)
    shown = show_record(result)
    (section,) = shown["sections"]
    assert section["text"] == record.document.text
    assert "Primary endpoint" in section["text"] or "Inclusion" in section["text"]
    for _, start, end, *_ in shown["spans"]:
        assert cut(section["text"], start, end).strip()


def test_other_views_keep_the_sections():
    record = make_record(INDENTED)
    names = [section["name"] for section in view(record)["sections"]]
    assert names == ["title", "eligibility", "interventions[0]", "primary_outcomes[0]"]


def test_a_written_record_is_shown_by_its_sections():
    """The given text is not written to JSON, and a page without it shows the sections."""
    record = make_record(INDENTED)
    again = type(record).model_validate_json(record.model_dump_json())
    names = [section["name"] for section in view(again, as_given=True)["sections"]]
    assert names == [section.name for section in record.sections]
