"""What the scorers count is what is shown as their reason."""

import sys

import pytest

from extractor.parse.scoring.tokens import find_token, read_tokens


@pytest.mark.parametrize("text", ["HİV test", "İ", "İİ allergy İ penicillin", "Known ANTİ-TNF ≥ 2", "ΣΑΣ \u212a ŉ x"])
def test_every_token_is_found_in_the_text(text):
    places = [find_token(text, place) for place in range(len(read_tokens(text)))]
    assert [text[start:end] for start, end in filter(None, places)] == text.replace("-", " ").split()


def test_no_capital_is_a_token_for_one_and_none_for_the_other():
    capitals = [one for one in map(chr, range(sys.maxunicode + 1)) if one.lower() != one]
    for one in capitals:
        text = f"a {one} b{one}c"
        for place in range(len(read_tokens(text))):
            find_token(text, place)
