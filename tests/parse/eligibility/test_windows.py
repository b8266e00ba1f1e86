import pytest

from extractor.parse.eligibility.constraints import read_window
from extractor.schemas import CriterionKind
from extractor.text.passage import read_passage


@pytest.mark.parametrize(
    ("text", "quote", "comparator", "value", "unit"),
    [
        ("Chemotherapy within 4 weeks before enrollment", "within 4 weeks before enrollment", "<=", 4, "week"),
        ("Vaccine less than 30 days prior to dosing", "less than 30 days prior to dosing", "<", 30, "day"),
        ("More than 3 months since transplant", "More than 3 months since transplant", ">", 3, "month"),
        ("Surgery in the past two years", "in the past two years", "<=", 2, "year"),
        ("Use of a tricyclic drug within the past month", "within the past month", "<=", 1, "month"),
        ("Stable asthma for at least 6 weeks", "for at least 6 weeks", ">=", 6, "week"),
        ("Contraception until 6 months after the last dose", "until 6 months after the last dose", ">=", 6, "month"),
        ("Asthma of 2 years or more", "of 2 years", ">=", 2, "year"),
        ("Stopped antihistamines 5 days before testing", "5 days before testing", ">=", 5, "day"),
        ("Resolved 5 or more years prior to surgery", "5 or more years prior to surgery", ">=", 5, "year"),
        ("Travel half a year prior to screening", "half a year prior to screening", "<=", 0.5, "year"),
        ("Regular cycles for at least 12 consecutive months", "for at least 12 consecutive months", ">=", 12, "month"),
        (
            "Loads measured over a period of at least 24 months",
            "over a period of at least 24 months",
            ">=",
            24,
            "month",
        ),
        ("Symptoms within 90 minutes of exposure", "within 90 minutes of exposure", "<=", 1.5, "hour"),
        ("Donation in the month prior to screening", "in the month prior to screening", "<=", 1, "month"),
        ("Contraception for up to 26 weeks after dosing", "for up to 26 weeks after dosing", ">=", 26, "week"),
        ("Having breastfed an infant in the last 2 months", "in the last 2 months", "<=", 2, "month"),
        ("Documented in the last 5 y", "in the last 5 y", "<=", 5, "year"),
        ("Infection 14days before screening", "14days before screening", "<=", 14, "day"),
        (
            "Donation in the 6 to 8 weeks preceding inclusion",
            "in the 6 to 8 weeks preceding inclusion",
            "<=",
            8,
            "week",
        ),
    ],
)
def test_reads_the_time_limit(text, quote, comparator, value, unit):
    window = read_window(read_passage(text)).value
    assert (window.quote, window.comparator.value, window.value, window.unit.value) == (quote, comparator, value, unit)


def test_first_of_several_counts():
    window = read_window(read_passage("Radiotherapy within 2 weeks or chemotherapy within 4 weeks")).value
    assert window.value == 2


@pytest.mark.parametrize(("kind", "comparator"), [(CriterionKind.INCLUSION, ">="), (CriterionKind.EXCLUSION, "<=")])
def test_washout_alone_takes_the_sense_of_its_list(kind, comparator):
    assert read_window(read_passage("Cetirizine: 3 days"), kind).value.comparator.value == comparator


@pytest.mark.parametrize(
    "text",
    ["Age 18 to 65 years", "Life expectancy of at least 3 months", "Pregnant", "Given every 3 weeks", "QTc > 450 ms"],
)
def test_other_lengths_of_time_are_no_windows(text):
    assert read_window(read_passage(text)).value is None


def test_quote_is_raw_text():
    passage = read_passage("Steroids in the\nlast \\~ 2 weeks")
    window = read_window(passage)
    assert window.value.quote in passage.raw
    assert passage.raw[window.spans[0].start : window.spans[0].end] == window.value.quote
