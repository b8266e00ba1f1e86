"""Properties of quotes and their offsets, on generated text."""

import re

from hypothesis import given
from hypothesis import strategies as st

from extractor.evidence.fold import fold_raw
from extractor.evidence.quotes import QuoteStatus, verify_quote

MARKS = r"""
ECOG 0-2 ≥ 18 \> 10\^9/L mg/kg 5 1.5 ﬁbrosis naïve Â± not and or ½ &lt;3 – “x” weeks µg mm ® K . , ( ) - 10⁹ H₂O ±
IL-6 AST/ALT
"""
PIECES = MARKS.split()
PIECES += ["day 7", "\u200b", "\u00a0", "e\u0301", "\r\n", "\n* ", "\n          "]
TEXTS = st.lists(
    st.one_of(st.sampled_from(PIECES), st.text(max_size=4)), max_size=25
).map(" ".join)
WORDS = st.lists(
    st.sampled_from(["fever", "rash", "of", "grade", "platelets", "visit"]),
    min_size=1,
    max_size=30,
)


def essence(text):
    return re.sub(r"\W", "", fold_raw(text).folded.text)


@given(TEXTS, st.data())
def test_an_accepted_quote_has_the_meaning_of_its_place(text, data):
    start = data.draw(st.integers(0, len(text)))
    quote = text[start : data.draw(st.integers(start, len(text)))]
    check = verify_quote(quote, text)
    if check.status in (QuoteStatus.EXACT, QuoteStatus.FOLDED):
        located = text[check.start : check.end]
        without_bullet = re.sub(
            r"^\W*o\s", "", fold_raw(quote).folded.text
        )  # a quote may begin with a bullet "o"
        assert essence(located) in {essence(quote), essence(without_bullet)}
        assert (located == quote) is (check.status is QuoteStatus.EXACT)


@given(TEXTS, TEXTS)
def test_a_result_has_offsets_within_the_text_and_a_conflict_its_tokens(quote, text):
    check = verify_quote(quote, text)
    if check.status is QuoteStatus.ABSENT:
        assert (check.start, check.end, check.conflicts) == (None, None, ())
    else:
        assert 0 <= check.start <= check.end <= len(text)
        assert bool(check.conflicts) is (check.status is QuoteStatus.CONFLICT)


@given(WORDS, WORDS, WORDS)
def test_whole_words_are_found_anywhere(before, quote, behind):
    text = " ".join([*before, *quote, *behind])

    check = verify_quote(" ".join(quote), text)

    assert check.status is QuoteStatus.EXACT
    assert text[check.start : check.end] == " ".join(quote)


@given(TEXTS)
def test_every_span_of_folded_text_has_ordered_raw_offsets(text):
    folded = fold_raw(text)
    places = [folded.raw_span(at, at + 1)[0] for at in range(len(folded.tokens))]

    assert places == sorted(places)
    assert all(0 <= place <= len(text) for place in places)
