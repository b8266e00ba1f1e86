"""Patterns of a field with several attributes: what fills a value, what cannot, and what is said."""

from datetime import date
from typing import Literal

import pytest
from pydantic import BaseModel, Field, create_model

from extractor import Extractor, find_values
from extractor.concepts.own.declaration import explain_unread
from extractor.concepts.own.models import read_fields
from extractor.concepts.own.value_forms import read_date
from extractor.errors import FieldError

WHO = Literal["women", "men"]


def make(extra, **fields):
    """Make a model of a field with these attributes: type, default, pattern."""
    declared = {}
    for name, (kind, default, pattern) in fields.items():
        more = {"json_schema_extra": {"pattern": pattern}} if pattern else {}
        declared[name] = (kind, Field(default, **more))
    model = create_model("Contraception", __doc__="A method.", **declared)
    model.model_config["json_schema_extra"] = extra
    return model


EXAMPLES = [
    {"text": "Women use oral pills", "value": {"who": "women", "method": "pills"}}
]
OF_MEN = {"text": "men use oral gel", "value": {"who": "men", "method": "gel"}}
TABLE = {"women": "women", "men": "men"}


def test_a_pattern_that_can_never_fill_a_value_is_an_error():
    model = make(
        {"of": "criterion", "many": True, "examples": EXAMPLES},
        method=(str, ..., "use oral method=( _ )"),
        who=(WHO, None, TABLE),
    )
    with pytest.raises(
        FieldError,
        match=r"contraception.who: the pattern 'women' can never fill a value: it does not read "
        r"method, which is required, and each match is a value; add a part such as method=",
    ):
        read_fields(model)


@pytest.mark.parametrize("many", [False, True])
def test_a_required_attribute_that_nothing_reads_is_an_error(many):
    model = make(
        {"many": many, "examples": EXAMPLES},
        method=(str, ..., "use oral method=( _ )"),
        who=(WHO, ..., None),
    )
    with pytest.raises(FieldError, match="does not read who, which is required"):
        read_fields(model)


def test_one_pattern_reads_three_attributes_of_each_value():
    model = make(
        {"of": "criterion", "many": True, "examples": EXAMPLES},
        method=(str, ..., "who=( women | men ) must ? use oral ? method=( _ )"),
        who=(WHO, None, None),
    )

    extraction = Extractor(fields=[model]).extract_text(
        "Inclusion Criteria:\n- Women must use oral pills; men use condoms."
    )

    values = [(value.who, value.method) for value in find_values(extraction, model)]
    assert values == [("women", "pills"), ("men", "condoms")]


def test_without_many_each_attribute_may_have_its_own_pattern():
    model = make(
        {"of": "criterion", "examples": [*EXAMPLES, OF_MEN]},
        method=(str, ..., "use oral method=( _ )"),
        who=(WHO, ..., TABLE),
    )
    extraction = Extractor(fields=[model]).extract_text(
        "Inclusion Criteria:\n- Women who use oral pills."
    )
    assert [value.who for value in find_values(extraction, model)] == ["women"]


def test_a_named_part_narrows_the_evidence_of_a_choice():
    table = {"women": "who=( females | women ) of childbearing potential must use"}
    text = "females of childbearing potential must use pills"
    model = make(
        {"of": "criterion", "examples": [{"text": text, "value": "women"}]},
        who=(WHO, ..., table),
    )

    extraction = Extractor(fields=[model]).extract_text(
        f"Inclusion Criteria:\n- {text}"
    )

    (item,) = extraction.custom["contraception"]
    assert item.values["who"] == "women"
    assert [piece.quote for piece in item.evidence] == ["females"]


@pytest.mark.parametrize(
    "written",
    [
        "31 May 2024",
        "May 31, 2024",
        "31st of May 2024",
        "31-May-2024",
        "31 . 5 . 2024",
        "31/05/2024",
        "2024 - 05 - 31",
        "2024-05-31",
    ],
)
def test_a_date_is_read_as_texts_write_it(written):
    assert read_date(written) == "2024-05-31"


@pytest.mark.parametrize("written", ["05/06/2024", "May 2024", "soon", "31 Juni 2024"])
def test_a_date_of_two_readings_is_refused(written):
    with pytest.raises(ValueError, match="write a date as year-month-day"):
        read_date(written)


@pytest.mark.parametrize(
    ("pattern", "text", "day"),
    [
        ("cutoff on=( # may # )", "cutoff 31 May 2024", 31),
        ("cutoff on=( # _ # )", "cutoff 5 June 2024", 5),
        ("cutoff on=( _ # . # )", "cutoff March 7, 2024", 7),
        ("cutoff on=( # - # - # )", "cutoff 2024-05-30", 30),
    ],
)
def test_a_pattern_reads_a_written_date(pattern, text, day):
    examples = [
        {"text": "cutoff 31 May 2024", "value": "2024-05-31"},
        {"text": text, "value": text.removeprefix("cutoff ")},
    ]
    model = make({"examples": examples}, on=(date, ..., [pattern]))

    extraction = Extractor(fields=[model]).extract_text(f"The {text} ends it.")

    assert [value.on.day for value in find_values(extraction, model)] == [day]


def test_words_that_a_pattern_finds_and_that_are_no_value_are_named():
    examples = [{"text": "cutoff 31 May 2024", "value": "2024-05-31"}]
    model = make({"examples": examples}, on=(date, ..., "cutoff on=( # _ )"))
    with pytest.raises(
        FieldError, match=r"finds '31 May' in .*, which is no date: .*write a date"
    ):
        read_fields(model)


class Part(BaseModel):
    """A part."""

    name: str = Field(json_schema_extra={"pattern": "use name=( _ )"})


class Plain(BaseModel):
    """A part without patterns."""

    name: str


@pytest.mark.parametrize(
    ("held", "pattern"),
    [
        (list[Part], None),
        (Part, None),
        (list[Plain], "use name=( _ )"),
        (Plain, "use _"),
    ],
)
def test_one_message_says_that_only_a_model_fills_a_model_within_a_field(held, pattern):
    model = make({}, parts=(held, ..., pattern))
    with pytest.raises(
        FieldError, match="a model within a field has no pattern, nor have its"
    ):
        read_fields(model)


def test_attributes_that_nothing_reads_are_told_before_a_run():
    model = make(
        {"examples": [{"text": "Women use oral pills", "value": {"method": "pills"}}]},
        method=(str, ..., "use oral method=( _ )"),
        who=(WHO, None, None),
    )
    told = explain_unread(read_fields(model))
    assert "no model is asked: contraception.who; name a model, or add patterns" in told
    with pytest.warns(UserWarning, match=r"contraception\.who"):
        Extractor(fields=[model])


def test_the_example_is_checked_before_the_pattern():
    model = make(
        {"examples": [{"text": "use oral pills", "value": {"metod": "pills"}}]},
        method=(str, ..., "use oral method=( _ )"),
    )
    with pytest.raises(
        FieldError, match=r"metod is no attribute \(did you mean method\?\)"
    ):
        read_fields(model)


def test_a_model_without_attributes_says_to_add_one():
    with pytest.raises(FieldError, match=r"Contraception: has no attribute; add one"):
        read_fields(make({}))


SINCE = [
    {
        "text": "Men use condoms since 2 June 2025",
        "value": {"who": "men", "since": "2025-06-02"},
    }
]


@pytest.mark.parametrize("written", ["31 February 2025", "40 May 2024", "3 visits 4"])
def test_a_date_that_is_none_costs_no_other_attribute_and_is_told(written):
    pattern = "who=( men | women ) use _ since since=( # _ # )"
    model = make(
        {"many": True, "examples": SINCE},
        who=(WHO, ..., None),
        since=(date | None, None, pattern),
    )
    extraction = Extractor(fields=[model]).extract_text(
        f"Women use pills since {written}."
    )
    assert [(value.who, value.since) for value in find_values(extraction, model)] == [
        ("women", None)
    ]
    reasons = {absence.field: absence.reason.value for absence in extraction.absences}
    assert reasons["custom.contraception[0].values.since"] == "unread_number"
    (finding,) = [
        finding
        for finding in extraction.findings
        if finding.field == "custom.contraception.since"
    ]
    assert finding.citations[0].quote == written


@pytest.mark.parametrize(
    "text", ["follow-up on 1 Sept 2024", "Follow up by 1 Sep 2024"]
)
def test_a_hyphen_in_a_pattern_is_as_in_a_text(text):
    examples = [{"text": "follow-up on 2 June 2025", "value": "2025-06-02"}]
    model = make(
        {"examples": examples}, on=(date, ..., "follow-up ( by | on ) on=( # _ # )")
    )

    extraction = Extractor(fields=[model]).extract_text(f"The last {text}.")

    assert [value.on for value in find_values(extraction, model)] == [date(2024, 9, 1)]


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        (
            "who=( men | women ) use method=( _ )",
            "part method: a model within a field has no pattern",
        ),
        (
            "who=( men | women ) use",
            "only a language model fills; give method a default",
        ),
    ],
)
def test_a_pattern_cannot_fill_a_model_within_a_field(pattern, said):
    value = {"who": "men", "method": [{"name": "condoms"}]}
    examples = [{"text": "men use condoms", "value": value}]
    model = make(
        {"many": True, "examples": examples},
        who=(WHO, ..., pattern),
        method=(list[Plain], ..., None),
    )

    with pytest.raises(FieldError, match=said) as raised:
        read_fields(model)

    assert "add a part" not in str(raised.value)


@pytest.mark.parametrize("many", ["yes", "no", 1])
def test_many_is_true_or_false(many):
    with pytest.raises(FieldError, match=r"many: .*: write True or False"):
        read_fields(make({"many": many}, who=(WHO, ..., None)))
