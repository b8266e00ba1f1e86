import pytest

from extractor.text.book import read_text, rule
from extractor.text.numbers import read_number


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1,500/mL", [1500]),
        ("1.0 x 10^9/L", [1_000_000_000]),
        ("2.3 x 10^9/L", [2_300_000_000]),
        ("0.5 x 109/L", [500_000_000]),
        ("1x10(6) cells", [1_000_000]),
        ("1e6 cells", [1_000_000]),
        ("10^6 CFU", [1_000_000]),
        ("10^-3", [0.001]),
        ("2 x 100 mg", [2, 100]),
        ("two or three lines", [2, 3]),
        ("twenty-four hours", [24]),
        ("2 million cells", [2_000_000]),
        ("CD19 and IL6", []),
        (".5 mg", [0.5]),
        ("18-75", [18, 75]),
        ("FEV1/FVC < 0,7", [0.7]),
    ],
)
def test_every_spelling_is_read(text, values):
    assert [read_number(found.text) for found in rule("number").find(read_text(text))] == values


def test_what_is_no_number_is_refused():
    assert read_number("many") is None
    assert read_number("1.2.3") is None


@pytest.mark.parametrize("text", ["9" * 400, "9" * 305 + " billion", "9" * 305 + " x 10^9", "9" * 5000])
def test_what_is_too_large_to_be_finite_is_refused(text):
    assert read_number(text) is None
