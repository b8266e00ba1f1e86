import pytest

from extractor.ground.quotes import QuoteStatus, verify_quote


@pytest.mark.parametrize(
    ("quote", "text", "status", "located"),
    [
        ("platelets > 50", "and platelets > 50 or more", QuoteStatus.EXACT, "platelets > 50"),
        ("platelets > 50", r"and Platelets \> 50", QuoteStatus.FOLDED, r"Platelets \> 50"),
        ("no prior therapy", "had no\n      prior therapy", QuoteStatus.FOLDED, "no\n      prior therapy"),
        ("day 30 (±2)", "on day 30 (Â±2)", QuoteStatus.FOLDED, "day 30 (Â±2)"),
        ("classification", "the classiﬁcation", QuoteStatus.FOLDED, "classiﬁcation"),
        ('the "target" dose', "the “target” dose", QuoteStatus.FOLDED, "the “target” dose"),
    ],
)
def test_finds_what_differs_only_in_form(quote, text, status, located):
    check = verify_quote(quote, text)
    assert check.status is status
    assert text[check.start : check.end] == located


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("5 mg", "15 mg daily"),
        ("5 mg", "0.5 mg daily"),
        ("within 4", "within 4.5 weeks"),
        ("ECOG 0-1", "ECOG 0-2"),
        ("prior therapy", "prior therapies"),
        ("had prior therapy", "had no prior therapy"),
        ("", "any text"),
    ],
)
def test_refuses_what_differs_in_substance(quote, text):
    assert verify_quote(quote, text).status is QuoteStatus.ABSENT


def test_takes_linear_time_on_a_text_of_one_repeated_word():
    text = "a " * 200_000
    assert verify_quote("a " * 40 + "b", text).status is QuoteStatus.ABSENT
