"""Declarations: a plain pydantic model is a field; what is wrong is said before anything is sent."""

import pickle
from datetime import date
from enum import Enum
from typing import Optional

import pytest
from pydantic import BaseModel, Field

from extractor import Extractor
from extractor.concepts.own.attributes import Attribute
from extractor.concepts.own.declaration import TAKEN, CustomField
from extractor.concepts.own.models import read_fields
from extractor.errors import FieldError
from extractor.model.asking.reply_models import FORMS
from extractor.schemas import Period, Quantity

from .models import FIELDS, Assay, BrainMetastases, make


class Grade(Enum):
    """A closed set."""

    LOW = "low"
    HIGH = "high grade"


class Method(BaseModel):
    """A part of a field."""

    name: str
    months: float | None = None


class Everything(
    BaseModel, json_schema_extra={"of": "criterion", "where": {"kind": "exclusion"}}
):
    """One of each."""

    grade: Grade
    flag: bool = False
    number: int
    day: date | None
    limits: list[Quantity] = []
    words: Optional[str] = None  # noqa: UP045 - as many write it
    methods: list[Method] = Field([], description="The methods.")
    first: Method | None = None


def test_an_attribute_takes_its_type_from_the_annotation():
    (field,) = read_fields(Everything)
    shapes = [
        (attribute.name, attribute.type.value, attribute.many, attribute.required)
        for attribute in field.attributes
    ]

    assert shapes == [
        ("grade", "choice", False, True),
        ("flag", "boolean", False, False),
        ("number", "integer", False, True),
        ("day", "date", False, False),
        ("limits", "quantity", True, False),
        ("words", "quote", False, False),
        ("methods", "object", True, False),
        ("first", "object", False, False),
    ]
    assert field.attribute("grade").choices == ("low", "high grade")
    assert [part.name for part in field.attribute("methods").parts] == [
        "name",
        "months",
    ]
    assert field.applies({"kind": "exclusion"}.get)
    assert not field.applies({"kind": "inclusion"}.get)


def test_a_declaration_travels_and_comes_back_from_what_a_run_keeps():
    for field in read_fields([Everything, *FIELDS]):
        assert pickle.loads(pickle.dumps(field)) == field
        kept = field.model_dump(mode="json", exclude_defaults=True)
        assert CustomField.model_validate(kept) == field


def test_a_model_that_follows_another_one_has_its_keys():
    class Stable(BaseModel, json_schema_extra={"mentions": ["stable"]}):
        """How long."""

        time: Period | None

    class Longer(Stable):
        """How much longer."""

    (field,) = read_fields(Longer)
    assert field.mentions == ("stable",)
    assert field.name == "longer"
    assert field.attributes[0].required is False


class Endless(BaseModel):
    """A model that holds itself."""

    inner: "list[Endless]"


class Bare(BaseModel):
    value: str


class Patterned(BaseModel):
    """A part with a pattern."""

    value: str = Field(json_schema_extra={"pattern": "a"})


PATTERN = {"pattern": "by value=( _ )"}
BY_HAND = [{"text": "by hand", "value": "hand"}]


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (Bare, "Bare: say what the field is, in the docstring of the class"),
        (Endless, "Endless: a model that holds itself has no end"),
        (
            make(Patterned),
            "Own.value: a model within a field has no pattern, nor have its attributes",
        ),
        (make(int | str), r"Own.value: of int \| str nothing says which one to check"),
        (
            make(dict),
            "Own.value: dict is no type that can be checked against a text; use one of",
        ),
        (make(list[str | int]), "Own.value: .* is no type that can be checked"),
        (make(tuple[str, int]), r"Own.value: write a list as list\[str\]"),
        (make(str, Field(examples=[""])), "Own.value: value: '' is no quote"),
        (
            make(Period, Field(examples=["a while"])),
            "Own.value: 'a while': write a time as one",
        ),
        (
            make(str, Field(json_schema_extra={"patern": "x"})),
            "Own.value: json_schema_extra has",
        ),
        (make(name="dosing"), "dosing: the guideline has a field or key of that name"),
        (
            make(name="Own"),
            "Own.name: 'Own' must have 2 to 40 characters: small letters",
        ),
        (make(name="c"), "Own.name: 'c' must have 2 to 40 characters"),
        (make(name="1st"), "Own.name: '1st' must have 2 to 40 characters"),
        (
            make(of="arm"),
            "Own.of: Input should be 'record', 'criterion', 'regimen' or 'endpoint'",
        ),
        (
            make(of="criterion", where={"colour": "red"}),
            "colour: no such closed set of a criterion",
        ),
        (
            make(of="criterion", where={"kind": "includes"}),
            "includes: no such kind; choose from",
        ),
        (
            make(of="criterion", sections=["title"]),
            "Own: 'sections' is for a field of the record",
        ),
        (
            make(sections=["eligibilty"]),
            "eligibilty: no such section .did you mean eligibility",
        ),
        (make(where={"kind": "inclusion"}), "Own: 'where' chooses .* a record is one"),
        (
            make(mention=["brain"]),
            r"Own.mention: there is no such key \(did you mean mentions",
        ),
        (
            make(examples=[{"value": "a"}]),
            "Own.examples.0.text: is missing; write an example as",
        ),
        (
            make(examples=[{"txt": "a", "text": "b"}]),
            r"Own.examples.0.txt: .*\(did you mean text",
        ),
        (
            make(str, Field(json_schema_extra=PATTERN)),
            "own.value: the pattern .* finds no value in",
        ),
        (
            make(
                str, Field(json_schema_extra={"pattern": "value=( a"}), examples=BY_HAND
            ),
            r"own.value: the pattern 'value=\( a' cannot be read: its brackets do not match",
        ),
        (
            make(
                str, Field(json_schema_extra={"pattern": "<nothing>"}), examples=BY_HAND
            ),
            "refers to 'nothing', which does not exist .did you mean",
        ),
        (
            make(str, Field(json_schema_extra={"pattern": "CD 19"}), examples=BY_HAND),
            "cannot read '19'; a number is #",
        ),
        (
            make(
                str,
                Field(json_schema_extra={"pattern": "by valu=( _ )"}),
                examples=BY_HAND,
            ),
            r"captures valu, which is no attribute of the field \(did you mean value",
        ),
        (
            make(
                str,
                Field(json_schema_extra=PATTERN),
                examples=[*BY_HAND, {"text": "by chance"}],
            ),
            "own.value: the patterns read chance in 'by chance', whose example does not say so",
        ),
        (
            make(bool, Field(json_schema_extra={"pattern": {"perhaps": "a"}})),
            "Own.value: 'perhaps': write true or false",
        ),
        (dict, "dict: give a class, and write it as a subclass of pydantic.BaseModel"),
        (BrainMetastases.model_construct(), r"BrainMetastases\(...\): give a class"),
        (5, "5: give pydantic models, or where they are"),
        ([Assay, Assay], "assay: two fields have this name; rename one"),
    ],
)
def test_a_wrong_model_is_refused_with_its_place_and_remedy(model, said):
    with pytest.raises(FieldError, match=said) as refused:
        read_fields(model)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (
            {"quote": "six weeks", "value": "8 week"},
            "'Stable for six weeks': 8 week: the text does",
        ),
        ({"quote": "six weeks", "value": "6 week"}, None),
        ({"value": "6 week"}, None),
        ("6 week", None),
        ({"value": {"value": 6, "unit": "week"}}, None),
        ({"length": "6 week"}, "length is no attribute; write value: "),
        ({1: "6 week"}, "1 is no attribute; write value: "),
        ("a while", "'a while': write a time as one number and a unit"),
        ({"quote": "six weeks"}, "own: value is missing"),
        (None, None),
    ],
)
def test_an_example_is_checked_as_an_answer_is(value, said):
    model = make(Period, examples=[{"text": "Stable for six weeks", "value": value}])
    if said is None:
        Extractor("gpt-5-mini", fields=model)
        return
    with pytest.raises(FieldError, match=said):
        Extractor("gpt-5-mini", fields=model)


def test_words_of_the_record_have_no_quote_beside_them():
    example = {
        "text": "by hand",
        "value": {"value": "by hand", "quote": "nowhere at all"},
    }
    with pytest.raises(FieldError, match="quote is no attribute; write value: "):
        Extractor("gpt-5-mini", fields=make(examples=[example]))


MODELS = '''
from __future__ import annotations
from pydantic import BaseModel

class Part(BaseModel):
    name: str

class Visits(BaseModel):
    """When participants are seen."""
    parts: list[Part]

class Washout(BaseModel):
    """How long."""
    drug: str
'''


def test_models_are_loaded_from_a_file_or_a_module(tmp_path, monkeypatch):
    path = tmp_path / "my_models.py"
    path.write_text(MODELS, "utf-8")

    monkeypatch.chdir(tmp_path)

    names = {
        place: [field.name for field in read_fields(place)]
        for place in (str(path), f"{path}:Washout", "my_models:Washout,Visits")
    }
    assert list(names.values()) == [
        ["visits", "washout"],
        ["washout"],
        ["washout", "visits"],
    ]
    assert read_fields(path) == read_fields("my_models")


@pytest.mark.parametrize(
    ("place", "text", "said"),
    [
        (
            "no/such.py",
            None,
            "no/such.py: there is no such file; check the path",
        ),
        (
            "no_such_module:Washout",
            None,
            "no_such_module: ModuleNotFoundError: No module named",
        ),
        (
            "my.py:Washot",
            MODELS,
            r"my.py: there is no model Washot \(did you mean Washout\?\); it has",
        ),
        ("my.py", "a = 1", "my.py: has no pydantic model; write my_fields.py:Washout"),
        ("my.py", "a = 1\n1 / 0", "my.py: line 2: ZeroDivisionError: division by zero"),
        ("my.py", "a = ", r"my.py: SyntaxError: invalid syntax \(my.py, line 1\)"),
        ("blinding", None, "blinding: ModuleNotFoundError"),
        # a module of that name would run
        ("my.txt", "1 / 0", "my.txt: is no Python file or module; write my_fields.py"),
        ("../my", "1 / 0", "../my: is no Python file or module"),
    ],
)
def test_a_place_without_models_is_told_with_what_to_write(
    tmp_path, monkeypatch, place, text, said
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.txt").write_text("no code")
    if text:
        (tmp_path / "my.py").write_text(text, "utf-8")
    with pytest.raises(FieldError, match=said):
        read_fields(place)


def test_each_field_of_the_catalogue_has_examples_that_its_text_bears_out():
    fields = read_fields("extractor.catalogue")
    assert len(fields) == 14
    assert all(field.examples for field in fields)
    assert Extractor("gpt-5-mini", fields=fields).setup.options.fields == fields


def test_no_field_can_have_a_key_of_the_reply():
    keys = {"n", "d", "t"}
    for forms in FORMS.values():
        keys |= forms.keys() | {form.key for form in forms.values()}
    assert keys <= TAKEN


def test_fields_without_a_pattern_say_that_they_need_a_model():
    with pytest.warns(
        UserWarning,
        match="no model is asked: brain_metastases, assay, with_food; name a model",
    ):
        Extractor(fields=FIELDS)
    assert Extractor("gpt-5-mini", fields=FIELDS).setup.unread is None


def test_an_answer_is_read_by_type():
    (field,) = read_fields(BrainMetastases)
    claims, broken = field.read(
        {"quote": "stable", "status": "Excluded", "stable_for": "long"}
    )
    assert claims == ({"quote": "stable", "status": "excluded"},)
    assert broken[0][0] == "long"
    assert "write a time" in broken[0][1]
    assert field.read({"stable_for": "4 week"}) == (
        (),
        (("{'stable_for': '4 week'}", "brain_metastases: status is missing"),),
    )
    claims, broken = field.read([{"quote": "a", "status": "maybe"}, {"quote": "b"}])
    assert claims == ()
    assert len(broken) == 2
    (doses,) = read_fields(make(list[Period]))
    (listed,), lost = doses.read({"quote": "q", "value": ["0 day", "21-28 day"]})
    assert [value.value for value in listed["value"]] == [0]
    assert [text for text, _ in lost] == ["21-28 day"]
    assert Attribute(name="visits", type="integer").read("three") == 3
    assert Attribute(name="day", type="date").read(date(2024, 5, 31)) == "2024-05-31"
    every = Attribute(name="every", type="duration")
    assert every.read(f"{' ' * 5000}4 weeks").value == 4
    with pytest.raises(ValueError, match="write a time"):
        every.read(f"{' ' * 5000}4 weeks!")


def test_an_object_is_read_by_its_parts_and_loses_no_more_than_is_wrong():
    (field,) = read_fields(Everything)
    methods = [{"name": "condoms", "months": "6"}, {"name": "pill", "months": "some"}]
    written = {
        "grade": "low",
        "number": "3",
        "methods": [*methods, {"months": 2}, "IUD"],
    }

    (claim,), broken = field.read(written)

    assert claim["methods"] == ({"name": "condoms", "months": 6}, {"name": "pill"})
    assert [reason.partition("methods: ")[2] for _, reason in broken] == [
        "'some': write a number alone, such as 3 or 1.5",
        "name is missing",
        "'IUD' is no object; write an object of name: as a quote; months: a number",
    ]
