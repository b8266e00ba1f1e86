import tomllib
from pathlib import Path

import pytest

from extractor.evidence.quotes import QuoteStatus, locate_quote, verify_quote
from extractor.language.book import read_table
from extractor.language.clean import clean_text

KINDS = read_table("critical_words")
TABLES = tomllib.loads(Path(__file__).with_name("quotes.toml").read_text("utf-8"))
REFUSED = {QuoteStatus.CONFLICT, QuoteStatus.ABSENT}


@pytest.mark.parametrize(("quote", "text", "located"), TABLES["found"])
def test_finds_quotes_that_differ_only_in_form(quote, text, located):
    check = verify_quote(quote, text)
    assert check.status is (
        QuoteStatus.EXACT if quote == located else QuoteStatus.FOLDED
    )
    assert text[check.start : check.end] == located


@pytest.mark.parametrize(
    ("quote", "text", "kind", "quoted", "stated", "nearest"), TABLES["conflicts"]
)
def test_reports_the_conflicting_token_and_the_nearest_words(
    quote, text, kind, quoted, stated, nearest
):
    check = verify_quote(quote, text)
    assert check.status is QuoteStatus.CONFLICT
    assert (kind, quoted, stated) in [
        (c.kind.value, c.quoted, c.stated) for c in check.conflicts
    ]
    assert text[check.start : check.end] == nearest


@pytest.mark.parametrize(("quote", "text"), TABLES["absent"])
def test_a_quote_with_little_overlap_or_no_critical_difference_is_absent(quote, text):
    assert verify_quote(quote, text).status is QuoteStatus.ABSENT


def test_a_name_may_follow_a_negation():
    assert locate_quote("exampline", clean_text("no exampline")) == (3, 12)


@pytest.mark.parametrize(("name", "kind"), KINDS.items(), ids=KINDS)
def test_the_example_of_a_kind_is_a_conflict_of_that_kind(name, kind):
    check = verify_quote(kind["quote"], kind["text"])

    assert check.status is QuoteStatus.CONFLICT
    assert {conflict.kind.value for conflict in check.conflicts} == {name}
    for group in kind.get("same", ()):
        assert set(group) <= set(kind["words"])


@pytest.mark.parametrize(("text", "quotes"), TABLES["refused"].items())
def test_refuses_other_substances_and_cuts_inside_signs_numbers_and_units(text, quotes):
    assert {verify_quote(quote, text).status for quote in quotes} <= REFUSED


VISITS = "visit 1, week 4, visit 2, month 4, visit 3"


@pytest.mark.parametrize(
    ("quote", "text", "near", "start"),
    [
        *(
            ("visit", VISITS, near, start)
            for near, start in ((None, 0), (0, 0), (14, 17), (30, 35), (99, 35))
        ),
        ("5 mg", "15 mg, -5 mg, 5 mg/kg, 5 mg", None, 23),
        ("ECOG", "ecog or ECOG", None, 8),
        (
            "pregnant women",
            "not pregnant women, or pregnant women with consent",
            None,
            23,
        ),
        ("rash on day", "no rash on day 1. no rash on day 2", 34, 18),
        (
            "gets 6 mg daily",
            "arm A gets 5 mg daily. " * 3 + "arm A gets 7 mg daily",
            90,
            75,
        ),
    ],
)
def test_returns_the_best_place_nearest_to_the_expected_one(quote, text, near, start):
    assert verify_quote(quote, text, near).start == start


DOSES = "the dose is 5 mg or 6 mg on day 1 " * 1000


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("5 mg", "-5 mg/kg " * 20_000),
        ("5 mg", "<" * 100_000),
        ("- " * 50_000, "any text"),
        ("a " * 40 + "b", "a " * 50_000),
        (DOSES.replace("5 mg", "7 mg", 1), DOSES),
    ],
    ids=range(5),
)
def test_long_texts_and_quotes_are_refused_without_quadratic_work(quote, text):
    assert verify_quote(quote, text).status in REFUSED
