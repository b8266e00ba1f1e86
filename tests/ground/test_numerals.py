import pytest

from extractor.ground.values import find_numbers
from extractor.text.book import read_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("T-score <= -2.5", {2.5, -2.5}),
        ("T-score <=-2.5", {2.5, -2.5}),
        ("-2 or lower", {2, -2}),
        ("from (-1) to -.5", {1, -1, 0.5, -0.5}),
        ("aged 18-65", {18, 65}),
        ("aged 18 -65", {18, 65}),
        ("aged 18 - 65", {18, 65}),
        ("day 28 +/-5", {28, 5}),
        ("two-three lines", {2, 3}),
    ],
)
def test_a_number_behind_a_minus_is_negative_too(text, expected):
    assert {number.value for number in find_numbers(read_text(text))} == expected


@pytest.mark.parametrize("text", ["IL-6", "COVID-19"])
def test_a_name_holds_no_negative_number(text):
    assert all(number.value > 0 for number in find_numbers(read_text(text)))


def test_the_sign_belongs_to_the_place_of_a_negative_number():
    tokens = read_text("T-score -2.5")
    assert [tokens.read(number.first, number.end) for number in find_numbers(tokens)] == ["-2.5", "2.5"]
