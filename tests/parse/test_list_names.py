"""Words that are nearly the name of a list of criteria, and words of their own."""

import pytest

from extractor.concepts.criteria.lists import LISTS
from extractor.language.book import read_text
from extractor.outline.headings import mend_spelling


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("Inclution", "inclusion"),
        ("Inclusoin", "inclusion"),
        ("exlcusion", "exclusion"),
        ("Exculsion", "exclusion"),
        ("exclusios", "exclusion"),
    ],
)
def test_a_misspelt_name_is_mended(word, meant):
    assert mend_spelling(read_text(f"{word} criteria:"), LISTS).words[0] == meant


@pytest.mark.parametrize(
    "word",
    ["Incursion", "excursions", "Excision", "infusions", "Intrusion", "Explosion"],
)
def test_another_noun_of_latin_stays(word):
    assert mend_spelling(read_text(f"{word} criteria:"), LISTS) is None
