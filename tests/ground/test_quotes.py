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


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("= 5 mg", "a dose >= 5 mg"),
        ("= 5 mg", "a dose > = 5 mg"),
        ("= 5 mg", "a dose </= 5 mg"),
        ("= 5 mg", "a dose > or = 5 mg"),
        ("dose >", "a dose >= 5 mg"),
        ("dose <", "a dose </= 5 mg"),
        ("< 5", "counts << 5"),
        ("5 degrees", "stored at -5 degrees"),
        ("5 degrees", "stored at −5 degrees"),
        ("5", "(-5)"),
        ("-5 mg", "2-5 mg daily"),
        ("-6", "IL-6 level"),
        ("-5 days", "day 28 +/-5 days"),
        (".5 mg", "1.5 mg daily"),
        (",500 cells", "1,500 cells"),
        ("5 mg", "take .5 mg daily"),
        ("take 1.", "take 1.5 mg"),
        ("take 1", "take 1.5 mg"),
        ("5 mg", "5 mg/kg daily"),
        ("5 mg", "5 mg / kg daily"),
        ("5 mg/m", "5 mg/m² daily"),
        ("75 mg/m2", "75 mg/m2/week"),
        ("at 10 mmol", "at 10 mmol/L"),
        ("platelets > 50", "platelets > 50 x 10^9/L"),
        ("9/L", "platelets > 50 x 10^9/L"),
        ("10^9/L", "platelets > 50 x 10^9/L"),
        ("10", "platelets > 10^9/L"),
    ],
)
def test_refuses_a_cut_through_a_sign_a_comparator_a_number_or_a_unit(quote, text):
    assert verify_quote(quote, text).status is QuoteStatus.ABSENT


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        (">= 5 mg", "a dose >= 5 mg"),
        ("5 mg", "a dose >= 5 mg"),
        ("-5 degrees", "stored at -5 degrees"),
        ("-5", "(-5)"),
        ("65", "aged 18-65 years"),
        ("65 years", "aged 18 -65 years"),
        ("18", "aged 18-65 years"),
        ("18 years", "Inclusion:\n  -18 years or older"),
        ("18 years", "-18 years or older"),
        ("5 days", "day 28 +/-5 days"),
        ("2-5 mg", "2-5 mg daily"),
        ("6", "IL-6 level"),
        ("CR", "best response of CR/CRi"),
        ("and", "and/or"),
        ("1/2", "phase 1/2 study"),
        ("phase 1", "phase 1/2 study"),
        ("grade 2 ALT", "grade 2 ALT/AST"),
        ("5 mg/kg", "5 mg/kg daily"),
        ("5 mg", "up to 5 mg."),
        ("day 1", "on day 1, day 8"),
        ("50 x 10^9/L", "platelets > 50 x 10^9/L"),
    ],
)
def test_finds_a_cut_that_changes_nothing(quote, text):
    check = verify_quote(quote, text)
    assert text[check.start : check.end] == quote


def test_finds_the_first_place_that_is_not_a_cut():
    check = verify_quote("5 mg", "15 mg, -5 mg, 5 mg/kg, 5 mg")
    assert (check.start, check.end) == (23, 27)


@pytest.mark.parametrize("text", ["-5 mg/kg " * 50_000, "5 mg/5 " * 50_000, "5" * 200_000, "<" * 200_000])
def test_takes_linear_time_on_a_text_of_refused_cuts(text):
    assert verify_quote("5 mg", text).status is QuoteStatus.ABSENT


def test_takes_linear_time_on_a_text_of_one_repeated_word():
    text = "a " * 200_000
    assert verify_quote("a " * 40 + "b", text).status is QuoteStatus.ABSENT
