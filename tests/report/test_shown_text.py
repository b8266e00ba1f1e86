"""What is shown of a text that is not at hand: its quotes, put together."""

import pytest

from extractor.report.record import show_quotes
from extractor.schemas import Citation, Eligibility, Finding, TrialExtraction

TEXT = "Age 18 \N{GRINNING FACE} or older, weight over 40 kg"


def cite(start, end):
    return Citation(section="eligibility", start=start, end=end, quote=TEXT[start:end])


def show(*citations):
    finding = Finding(kind="age_differs", severity="info", field="", message="", citations=citations)
    shown = show_quotes(TrialExtraction(record_id="a", eligibility=Eligibility(), findings=(finding,)))
    return shown, shown.export()[0]["text"] if shown.export() else None


@pytest.mark.parametrize(
    ("spans", "text"),
    [
        ([(0, 6)], "Age 18"),
        ([(0, 6), (4, 8)], TEXT[0:8]),
        ([(4, 6), (0, 6)], "Age 18"),
        ([(0, 3), (3, 6)], "Age 18"),
        ([(19, 30), (0, 6)], f"Age 18 … {TEXT[19:30]}"),
        ([], None),
    ],
)
def test_quotes_stand_in_the_order_of_the_text(spans, text):
    citations = [cite(*span) for span in spans]
    shown, found = show(*citations)
    assert found == text
    for one in citations:
        section, start, end = shown.place(one)
        assert section == 0
        assert found.encode("utf-16-le")[2 * start : 2 * end].decode("utf-16-le") == one.quote


def test_an_empty_quote_and_a_foreign_section_have_no_place():
    shown, _ = show(cite(0, 6))
    assert shown.place(cite(3, 3)) is None
    assert shown.place(Citation(section="arms[0]", start=0, end=1, quote="x")) is None
