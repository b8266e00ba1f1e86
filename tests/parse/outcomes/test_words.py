import pytest
from extractor.parse.outcomes.instruments import find_instrument
from extractor.parse.outcomes.materials import find_methods, find_specimens

from extractor.parse.outcomes.events import mentions_censoring


@pytest.mark.parametrize(
    ("text", "expected"), [("death (censored)", True), ("or last follow-up", True), ("death", False)]
)
def test_censoring(text, expected):
    assert mentions_censoring(text) is expected


@pytest.mark.parametrize(
    ("text", "name", "version"),
    [
        ("graded according to NCI-CTCAE v5.0 criteria", "CTCAE", "5.0"),
        ("Common Terminology Criteria for Adverse Events (CTCAE, Version 4.0).", "CTCAE", "4.0"),
        ("National Comprehensive Cancer Network (NCCN) GuidelinesVersion 3.2023", "NCCN", "3.2023"),
        ("response by RECIST 1.1.", "RECIST", "1.1"),
        ("by the Lugano 2014 criteria", "Lugano", "2014"),
        ("a VAS 0 to 10 cm", "VAS", None),
        ("the Dry Cough Questionnaire (DCQ)", "DCQ", None),
    ],
)
def test_reads_instruments(text, name, version):
    found = find_instrument(text)
    assert found is not None
    assert (found.instrument.name, found.instrument.version) == (name, version)


def test_no_instrument():
    assert find_instrument("Number of deaths") is None


def test_specimens_and_methods_are_quoted_once():
    text = "Copies in bone marrow and peripheral blood by qPCR; cells in bone marrow by flow cytometry; blood pressure"
    assert [text[slice(*span)] for span in find_specimens(text)] == ["bone marrow", "peripheral blood"]
    assert [text[slice(*span)] for span in find_methods(text)] == ["qPCR", "flow cytometry"]
