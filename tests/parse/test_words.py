import pytest

from extractor.parse.words import find_starts, find_words


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("Day 15mg, dose_2", {"day": [0], "15": [4], "mg": [6], "dose": [10], "2": [15]}),
        ("≥ 5 µg naïve Naïve", {"5": [2], "µg": [4], "naïve": [7, 13]}),
        ("İ 2 A", {"i": [0], "2": [2], "a": [4]}),  # in lower case the first letter would be two characters
        ("", {}),
    ],
)
def test_words_and_their_places_in_plain_and_in_other_text(text, places):
    assert find_words(text) == places


@pytest.mark.parametrize("text", ["at >= 5mg", "at ≥≥ 5mg"])
def test_words_numbers_and_signs_start_in_plain_and_in_other_text(text):
    assert list(find_starts(text, 0, len(text))) == [0, 3, 4, 6, 7]
