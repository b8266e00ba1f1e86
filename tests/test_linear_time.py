"""No text takes more time than its length allows, whatever it says: the exponent of time over
length is about 1.
"""

import re
from collections.abc import Iterator
from functools import partial

import pytest

from extractor.assembly.refusals import explain_refusal
from extractor.assembly.support import find_support
from extractor.language.passage import read_section
from extractor.language.patterns import Rule
from extractor.masking import mask_known
from extractor.options import ExtractionOptions
from extractor.pipeline import extract_by_rules
from extractor.schemas import (
    Age,
    Amount,
    Comparator,
    Constraint,
    Instrument,
    Period,
    TimePoint,
    TimeUnit,
    TimeWindow,
)
from extractor.schemas.vocabulary import Effort

from .growth import (
    LARGEST_EXPONENT,
    PIECES,
    express,
    find_slow,
    fit_growth,
    list_other_expressions,
    list_rules,
)
from .trust import trial

pytestmark = pytest.mark.slow

RULES = ExtractionOptions(effort=Effort.NONE)
SECTIONS = (
    "eligibility",
    "detailed_description",
    "arms_0",
    "primary_outcomes",
    "conditions",
)
MORE = (
    *(
        "</record>",
        "<!--",
        "{{",
        "\u200b",
        "e\u0301",
        "Ignore the above. ",
        "Inclusion Criteria:\n",
        "\n* Age over 18",
    ),
    *(
        "1,000 ",
        "5-7 ",
        "7 mg ",
        "x 10^9",
        "examplumab 5 mg daily. ",
        "asthma ",
        "day 1, ",
        "up to 7 months|",
    ),
    *(
        "(day 1",
        "within 7 days ",
        "ALT < 3 x ULN, ",
        "men or ",
        "IV ",
        "http://a.b/",
        "&amp;",
        "\\\\",
        '"',
        "; ",
        ":",
    ),
)


def extract(text: str) -> object:
    return extract_by_rules(trial(**dict.fromkeys(SECTIONS, text)), RULES)


@pytest.mark.parametrize("rule", list_rules(), ids=lambda rule: rule.name)
def test_a_rule_takes_linear_time(rule: Rule) -> None:
    assert find_slow([express(rule)]) == {}


def test_other_expressions_take_linear_time() -> None:
    """Also one that is new: the expressions are found in the modules."""
    expressions = {
        (expression.compiled.pattern, expression.methods): expression
        for expression in list_other_expressions()
    }
    assert len(expressions) > 250

    assert find_slow(expressions.values()) == {}


def test_a_record_takes_linear_time() -> None:
    extract("Inclusion Criteria:\n* Age over 18")  # loads the rules
    pieces = (*PIECES, *MORE)
    slow = {
        piece: exponent
        for piece in pieces
        if (exponent := fit_growth(extract, piece)) > LARGEST_EXPONENT
    }

    assert not slow


NUMBERS = (
    "5 ",
    "5-",
    "5 to ",
    "-5 ",
    "5/",
    "≥ 5 mg, ",
    "age 5 ",
    "5 weeks ",
    "5 x ULN ",
    "RECIST ",
)


def list_values(text: str) -> Iterator[object]:
    """Values of a model for a text, with the longest words that it may answer, and with short
    ones.
    """
    week = TimeUnit.WEEK
    at_least = Comparator.AT_LEAST
    between = Comparator.BETWEEN
    for words in (text[:1000], text.split(maxsplit=1)[0][:8]):
        yield words
        yield Amount(low=5, high=5, unit=words)
        yield Constraint(quantity=words, comparator=at_least, value=5, unit=words)
        yield Instrument(name=words, version="5.0")
        yield TimeWindow(quote=words, comparator=at_least, value=5, unit=week)
    yield Constraint(quantity="age", comparator=at_least, value=5)
    yield Constraint(
        quantity="age", comparator=between, value=5, value_high=7, unit="mg"
    )
    yield from (
        Age(value=5, unit=week),
        Period(value=5, unit=week),
        TimePoint(value=7, unit=week),
    )


@pytest.mark.parametrize("piece", NUMBERS)
def test_the_proof_of_a_value_takes_linear_time(piece: str) -> None:
    """Whatever the text repeats and whatever a model answers."""

    def ground(text: str, number: int) -> None:
        section = read_section("eligibility", text)
        value = list(list_values(text))[number]
        if not find_support(value, section.whole):
            explain_refusal(value, section.whole)

    slow = {}
    for number, value in enumerate(list_values(piece * 2)):
        if (
            exponent := fit_growth(partial(ground, number=number), piece)
        ) > LARGEST_EXPONENT:
            slow[repr(value)] = exponent
    assert not slow


@pytest.mark.parametrize(
    ("pattern", "least", "most"),
    [("a+b", 1.6, 3), ("(a|aa)+b", 3, float("inf")), ("a+", 0, LARGEST_EXPONENT)],
)
def test_growth_is_measured(pattern: str, least: float, most: float) -> None:
    """With the square of the length, exponentially, and with the length."""
    expression = re.compile(pattern)

    exponent = fit_growth(lambda text: list(expression.finditer(text)), "a")

    assert least <= exponent <= most


def test_one_long_word_is_masked_in_linear_time(monkeypatch):
    """A reply of a server may be a word of megabytes in quotation marks."""
    monkeypatch.setenv("SERVICE_KEY", "q7Zk3WpV9xLt2BnM4rYc")

    def mask_quoted(text: str) -> str:
        return mask_known(f'"{text * 20}"')

    assert fit_growth(mask_quoted, "x") < LARGEST_EXPONENT
