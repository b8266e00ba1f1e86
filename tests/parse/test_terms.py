import re

from hypothesis import given
from hypothesis import strategies as st

from extractor.parse.terms import TermTable, write_expression
from extractor.parse.words import find_starts, fold_spaces

TERMS = (
    "free survival", "survival", "IV", "iv line", "i.v.", "day", "day 1", "day one", "T1", "T1c", "non-small cell",
    "non small cell lung", "HER2/neu", "her", "2 weeks", ">= 5", "investigator", "cow's milk", "milk", "a", "a b c",
)  # fmt: skip
PIECES = sorted({*TERMS, " ", "  ", "-", " - ", "\n", "_", "'s", "'", "1", "c", "x", ".", ",", "İ", "é", "μ"})


def _search(terms: tuple[str, ...], text: str) -> list[tuple[int, int, str]]:
    """The terms by their expressions alone, tried everywhere."""
    ranked = sorted(terms, key=lambda term: -len(term))
    expressions = [re.compile(write_expression(term), re.IGNORECASE) for term in ranked]
    found, done = [], 0
    for place in range(len(text)):
        matches = ((expression.match(text, place), term) for expression, term in zip(expressions, ranked, strict=True))
        first = next(((match, term) for match, term in matches if match), None)
        if first and not (text[place] == ">" and place < done):
            found.append((place, first[0].end(), first[1]))
            done = first[0].end()
    return found


@given(text=st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_the_table_finds_what_the_expressions_of_its_terms_find(text):
    table = TermTable((term, term) for term in TERMS)
    assert sorted(table.find(text)) == _search(TERMS, text)


@given(st.text(max_size=40))
def test_folding_keeps_every_character_in_its_place(text):
    folded = fold_spaces(text)
    assert len(folded) == len(text)
    assert all(two == one.lower() for one, two in zip(text, folded, strict=True) if one.isascii() and one.isalnum())


@given(st.text(max_size=40))
def test_a_word_or_sign_begins_wherever_an_expression_may_begin_with_one(text):
    starts = set(find_starts(text, 0, len(text)))
    assert {found.start() for found in re.finditer(r"(?<!\w)\w+|[^\w\s]", text)} - starts <= {
        at for at, sign in enumerate(text) if sign == "_"
    }
