"""Patterns: Python regular expressions that read a field without a model, checked by its examples."""

from typing import Annotated

import pytest
from pydantic import Field

from extractor import Extractor
from extractor.catalogue import Blinding
from extractor.concepts.own.models import read_fields
from extractor.errors import FieldError
from extractor.schemas import Quantity
from tests.trust import trial

from .models import make as make_model


def make(pattern, value_type=str, **extra):
    """Make a model of a field whose attribute has this pattern."""
    return make_model(
        Annotated[value_type, Field(json_schema_extra={"pattern": pattern})], **extra
    )


def read(model, criterion):
    text = f"Inclusion Criteria:\n- {criterion}"
    return Extractor(fields=[model]).extract_text(text)


LIMIT = make(r"LVEF (?P<value>\D{0,12}\d+ ?%( or \w+)?)", Quantity, of="criterion")


@pytest.mark.parametrize(
    ("text", "shown", "quote"),
    [
        (r"LVEF \> 40%", "> 40 %", r"\> 40%"),
        ("LVEF of at least 40 %", None, None),
        ("LVEF at least 40 %", ">= 40 %", "at least 40 %"),
        ("lvef 40 % or higher", ">= 40 %", "40 % or higher"),
        ("LVEF is low at 40 %", None, None),
        ("No LVEF < 40 %", None, None),
    ],
)
def test_a_value_is_read_from_the_clean_text_and_quoted_from_the_raw_one(
    text, shown, quote
):
    items = read(LIMIT, text).custom["own"]
    assert [str(item.values["value"]) for item in items] == [shown] * bool(shown)
    assert [item.evidence[0].quote for item in items] == [quote] * bool(quote)


@pytest.mark.parametrize(
    "text",
    [
        "This is not a double-blind trial.",
        "A redouble blinded trial.",
        "open labelling",
    ],
)
def test_a_match_that_is_denied_or_cuts_a_word_is_no_value(text):
    record = trial(title="Trial", brief_summary=text)
    assert Extractor(fields=Blinding).extract(record).custom["blinding"] == ()


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        (r"use oral (?P<value>\w+", r"own.value: the pattern .* cannot be read: missing"),
        (r"use oral (?P<valu>\w+)", r"captures valu, which is not an attribute .*did you mean value"),
        ("((a{1000}){1000}){1000}", "cannot be read: it repeats a part more than 10,000 times"),
        ("(" * 400 + "a" + ")" * 400, "cannot be read: "),
        ("a" * 1001, "patterns..0: String should have at most 1000 characters"),
    ],
)  # fmt: skip
def test_a_wrong_or_hostile_pattern_is_refused_with_what_to_write(pattern, said):
    with pytest.raises(FieldError, match=said):
        read_fields(make(pattern))


def test_a_pattern_that_takes_too_long_is_an_error_that_names_it(monkeypatch):
    """Without an end, it would take years."""
    monkeypatch.setattr("extractor.concepts.own.patterns._SECONDS", 0.2)
    with pytest.raises(FieldError, match=r"own.value: the pattern .* takes more than"):
        read(make(r"(a|aa)+$"), "Adults with " + "a" * 60 + "!")
