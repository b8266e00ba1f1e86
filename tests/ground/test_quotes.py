import tomllib
from importlib.resources import files

import pytest

from extractor.ground.quotes import QuoteStatus, locate_quote, verify_quote
from extractor.text.clean import clean_text

KINDS = tomllib.loads((files("extractor.ground") / "critical_words.toml").read_text("utf-8"))["kind"]
REFUSED = {QuoteStatus.CONFLICT, QuoteStatus.ABSENT}


@pytest.mark.parametrize(
    ("quote", "text", "status", "located"),
    [
        ("platelets > 50", "and platelets > 50 or more", QuoteStatus.EXACT, "platelets > 50"),
        ("platelets > 50", r"and Platelets \> 50", QuoteStatus.FOLDED, r"Platelets \> 50"),
        ("no prior therapy", "had no\n      prior therapy", QuoteStatus.FOLDED, "no\n      prior therapy"),
        ("classification", "the classiﬁcation", QuoteStatus.FOLDED, "classiﬁcation"),
        ('the "target" dose', "the “target” dose", QuoteStatus.FOLDED, "the “target” dose"),
        ("the 'target' dose", 'the "target" dose', QuoteStatus.FOLDED, 'the "target" dose'),
        ("Sjögren's", "Sjo\u0308gren’s disease", QuoteStatus.FOLDED, "Sjo\u0308gren’s"),
        ("naive patients", "naïve patients", QuoteStatus.FOLDED, "naïve patients"),
        ("aged >= 18", "aged ≥18 years", QuoteStatus.FOLDED, "aged ≥18"),
        ("aged ≥18", r"aged \>/= 18 years", QuoteStatus.FOLDED, r"aged \>/= 18"),
        ("5mg daily", "at 5 mg daily", QuoteStatus.FOLDED, "5 mg daily"),
        ("10^9 cells", "10⁹ cells", QuoteStatus.FOLDED, "10⁹ cells"),
        ("day 7 (+/- 2)", "on day 7 (±2)", QuoteStatus.FOLDED, "day 7 (±2)"),
        ("Drugamab tablets", "Drugamab® tablets", QuoteStatus.FOLDED, "Drugamab® tablets"),
        ("* Consent given.", "1. Consent given", QuoteStatus.FOLDED, "Consent given"),
        ("“Consent given...”", "1. Consent given", QuoteStatus.FOLDED, "Consent given"),
        ("con\u00adsent", "consent", QuoteStatus.FOLDED, "consent"),
        ('"on day 40"', "seen on day 40", QuoteStatus.FOLDED, "on day 40"),
        ("non small cell", "non-small-cell cancer", QuoteStatus.FOLDED, "non-small-cell"),
    ],
)
def test_finds_quotes_that_differ_only_in_form(quote, text, status, located):
    check = verify_quote(quote, text)
    assert check.status is status
    assert text[check.start : check.end] == located


@pytest.mark.parametrize(
    ("quote", "text", "kind", "tokens", "passage"),
    [
        ("Hb at least 8 g/dL", "Hb at least 9 g/dL, ECOG 0-1", "number", ("8", "9"), "Hb at least 9 g/dL"),
        (
            "platelets > 5 x 10^9/L",
            r"platelets \> 5 x 10\^8/L.",
            "number",
            ("10^9", "10^8"),
            r"platelets \> 5 x 10\^8/L",
        ),
        ("5 mg/kg once a day", "5 ug/kg once a day", "unit", ("mg", "ug"), "5 ug/kg once a day"),
        ("for 3 weeks at most", "for 3 days at most", "time_unit", ("weeks", "days"), "for 3 days at most"),
        ("at least 5 lesions", "at most 5 lesions", "comparator", ("least", "most"), "at most 5 lesions"),
        ("age > 18", "age ≥ 18", "comparator", (">", "≥"), "age ≥ 18"),
        ("had prior therapy", "had no prior therapy", "negation", ("", "no"), "had no prior therapy"),
        ("must not be treated", "must be treated", "negation", ("not", ""), "must be treated"),
        ("disease is stable", "disease is unstable", "negation", ("stable", "unstable"), "disease is unstable"),
        ("fever and chills", "with fever or chills", "conjunction", ("and", "or"), "fever or chills"),
        ("5 mg daily", "5 mg/kg daily", "unit", ("", "kg"), "5 mg/kg daily"),
        ("dose of 5 mg", "dose of 5 mg/kg", "unit", ("", "/kg"), "dose of 5 mg"),
        ("pregnant women", "not pregnant women", "negation", ("", "not"), "not pregnant women"),
        ("smokers", "only non-smokers", "negation", ("", "non"), "non-smokers"),
    ],
)
def test_reports_the_conflicting_token_and_the_nearest_passage(quote, text, kind, tokens, passage):
    check = verify_quote(quote, text)
    assert check.status is QuoteStatus.CONFLICT
    assert (kind, *tokens) in [(c.kind.value, c.quoted, c.stated) for c in check.conflicts]
    assert text[check.start : check.end] == passage


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("written consent of a parent", "ECOG performance status 0-2"),
        ("for two weeks", "for 2 wks"),
        ("the participants had fever", "the subjects had fever"),
    ],
)
def test_a_quote_with_little_overlap_or_no_critical_difference_is_absent(quote, text):
    assert verify_quote(quote, text).status is QuoteStatus.ABSENT


def test_a_name_may_follow_a_negation():
    assert locate_quote("exampline", clean_text("no exampline")) == (3, 12)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind["name"])
def test_the_example_of_a_kind_is_a_conflict_of_that_kind(kind):
    check = verify_quote(kind["quote"], kind["text"])
    assert check.status is QuoteStatus.CONFLICT
    assert {conflict.kind.value for conflict in check.conflicts} == {kind["name"]}
    assert {word for group in kind["same"] for word in group} <= set(kind["words"])


@pytest.mark.parametrize(
    ("text", "quotes"),
    [
        ("15 mg daily", ["5 mg"]),
        ("take .5 mg daily", ["5 mg"]),
        ("1.5 mg daily", [".5 mg", "1.", "1"]),
        ("within 4.5 weeks", ["within 4"]),
        ("prior therapies", ["prior therapy"]),
        ("any text...", ["", " ", "..."]),
        ("105 cells", ["10 5"]),
        ("1. 5 mg daily", ["1.5 mg"]),
        ("days 1, 500 mg", ["1,500 mg"]),
        ("1½ tablets", ["11/2 tablets"]),
        ("take ⅕ mg", ["5 mg", "1"]),
        ("10^9 or 10⁹ cells", ["109 cells"]),
        ("x ≠ 5", ["x = 5"]),
        ("x ≮ 5", ["x < 5"]),
        ("at 5 mM of glucose", ["at 5 mm"]),
        ("5 mU daily", ["5 MU daily"]),
        ("DrugA", ["Drug A"]),
        ("a dose >= 5 mg", ["= 5 mg", "dose >"]),
        ("a dose </= 5 mg", ["= 5 mg", "dose <"]),
        ("a dose > or = 5 mg", ["= 5 mg"]),
        ("a dose ≥ 5", ["= 5"]),
        ("counts << 5", ["< 5"]),
        ("stored at -5 degrees", ["5 degrees"]),
        ("(-5)", ["5"]),
        ("2-5 mg daily", ["-5 mg"]),
        ("IL-6 level", ["-6"]),
        ("day 28 +/-5 days", ["-5 days"]),
        ("1,500 cells", [",500 cells"]),
        ("5 mg/kg daily", ["5 mg"]),
        ("5 mg/m² daily", ["5 mg/m"]),
        ("75 mg/m2/week", ["75 mg/m2"]),
        ("at 10 mmol/L", ["at 10 mmol"]),
        ("platelets > 50 x 10^9/L", ["platelets > 50", "9/L", "10^9/L", "10"]),
        ("ﬁbrosis", ["ibrosis"]),
        ("IgE in IU/mL", ["IgE in IU"]),
        ("CAR T cells/kg", ["T cells"]),
        ("0hour of 2,4,6cycles", ["2,4"]),
        ("at most 2 million cells", ["at most 2"]),
    ],
)
def test_refuses_other_substances_and_cuts_inside_signs_numbers_and_units(text, quotes):
    assert {verify_quote(quote, text).status for quote in quotes} <= REFUSED


@pytest.mark.parametrize(
    ("text", "quotes"),
    [
        ("a dose >= 5 mg", [">= 5 mg", "5 mg"]),
        ("stored at -5 degrees", ["-5 degrees"]),
        ("aged 18-65 years", ["18", "65"]),
        ("Inclusion:\n  -18 years or older", ["18 years"]),
        ("-18 years or older", ["18 years"]),
        ("day 28 +/-5 days", ["5 days"]),
        ("2-5 mg daily", ["2-5 mg"]),
        ("IL-6 level", ["6"]),
        ("best response of CR/CRi", ["CR"]),
        ("and/or", ["and"]),
        ("phase 1/2 study", ["1/2", "phase 1"]),
        ("grade 2 ALT/AST", ["grade 2 ALT"]),
        ("on day 1, day 8", ["day 1"]),
        ("platelets > 50 x 10^9/L", ["50 x 10^9/L"]),
        ("with or without metastases", ["metastases"]),
        ("whether or not related", ["related"]),
    ],
)
def test_finds_a_cut_that_changes_nothing(text, quotes):
    checks = [verify_quote(quote, text) for quote in quotes]
    assert [text[check.start : check.end] for check in checks] == quotes


VISITS = "visit 1, week 4, visit 2, month 4, visit 3"


@pytest.mark.parametrize(
    ("quote", "text", "near", "start"),
    [
        *(("visit", VISITS, near, start) for near, start in ((None, 0), (0, 0), (14, 17), (30, 35), (99, 35))),
        ("5 mg", "15 mg, -5 mg, 5 mg/kg, 5 mg", None, 23),
        ("ECOG", "ecog or ECOG", None, 8),
        ("pregnant women", "not pregnant women, or pregnant women with consent", None, 23),
        ("rash on day", "no rash on day 1. no rash on day 2", 34, 18),
        ("gets 6 mg daily", "arm A gets 5 mg daily. " * 3 + "arm A gets 7 mg daily", 90, 75),
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
