import pytest

from extractor.ground.numerals import find_numbers


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
    assert {value for value, _, _ in find_numbers(text)} == expected


@pytest.mark.parametrize("text", ["IL-6", "COVID-19"])
def test_a_name_holds_no_negative_number(text):
    assert all(value > 0 for value, _, _ in find_numbers(text))


def test_the_sign_belongs_to_the_place_of_a_negative_number():
    assert (-2.5, 8, 12) in set(find_numbers("T-score -2.5"))
