"""Patterns: Python regular expressions that read a field without a model, checked by its examples."""

import time
from typing import Literal

import pytest
from pydantic import Field, create_model

from extractor import Extractor, find_values
from extractor.catalogue import Blinding
from extractor.concepts.own.models import read_fields
from extractor.errors import FieldError
from extractor.schemas import Quantity
from tests.trust import trial

WHO = Literal["women", "men"]
EXAMPLES = [
    {"text": "Women use oral pills", "value": {"who": "women", "method": "pills"}},
    {"text": "men use oral gel", "value": {"who": "men", "method": "gel"}},
]


def make(extra, **fields):
    """Make a model of a field with these attributes: type, default, pattern."""
    declared = {}
    for name, (kind, default, pattern) in fields.items():
        more = {"json_schema_extra": {"pattern": pattern}} if pattern else {}
        declared[name] = (kind, Field(default, **more))
    model = create_model("Contraception", __doc__="A method.", **declared)
    model.model_config["json_schema_extra"] = extra
    return model


def read(model, criterion):
    text = f"Inclusion Criteria:\n- {criterion}"
    return Extractor(fields=[model]).extract_text(text)


def test_without_many_each_attribute_may_have_its_own_pattern():
    table = {"women": "women", "men": "men"}
    model = make(
        {"of": "criterion", "examples": EXAMPLES},
        method=(str, ..., r"use oral (?P<method>\w+)"),
        who=(WHO, ..., table),
    )
    extraction = read(model, "Women who use oral pills.")
    assert [value.who for value in find_values(extraction, model)] == ["women"]


LIMIT = make(
    {"of": "criterion", "examples": [{"text": "LVEF < 40 %", "value": "< 40 %"}]},
    limit=(Quantity, ..., r"LVEF (?P<limit>\D{0,12}\d+ ?%( or \w+)?)"),
)


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
    items = read(LIMIT, text).custom["contraception"]
    assert [str(item.values["limit"]) for item in items] == [shown] * bool(shown)
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
        (r"use oral (?P<method>\w+", r"contraception.method: the pattern .* cannot be read: missing"),
        (r"use oral (?P<metod>\w+)", r"captures metod, which is not an attribute .*did you mean method"),
        ("((a{1000}){1000}){1000}", "cannot be read: it repeats a part more than 10,000 times"),
        ("(" * 400 + "a" + ")" * 400, "cannot be read: "),
        ("a" * 1001, "patterns..0: String should have at most 1000 characters"),
    ],
)  # fmt: skip
def test_a_wrong_or_hostile_pattern_is_refused_with_what_to_write(pattern, said):
    model = make(
        {"examples": EXAMPLES}, method=(str, ..., pattern), who=(WHO, None, None)
    )
    with pytest.raises(FieldError, match=said):
        read_fields(model)


def test_a_pattern_that_takes_too_long_is_an_error_that_names_it():
    examples = [{"text": "aa", "value": "aa"}]
    model = make({"examples": examples}, method=(str, ..., r"(a|aa)+$"))
    begun = time.monotonic()
    with pytest.raises(
        FieldError, match=r"contraception.method: the pattern .* takes more than"
    ):
        read(model, "Adults with " + "a" * 60 + "!")
    assert time.monotonic() - begun < 30
