"""A plain pydantic model, or its JSON Schema, declares a field; errors in a declaration are
reported before anything is sent.
"""

import pickle
from enum import Enum
from typing import Literal, Optional

import pytest
from pydantic import BaseModel, Field, create_model

from extractor import Extractor
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


class Everything(BaseModel, json_schema_extra={"of": "criterion", "many": True}):
    """One of each."""

    grade: Grade
    flag: bool = False
    number: int
    share: float = 0.5
    limits: list[Quantity] = []
    words: Optional[str] = Field(None, description="In words.")  # noqa: UP045 - as many write it
    only: Literal["a"] = "a"
    lasts: Period | None
    methods: list[str] = Field(min_length=1)


def test_an_attribute_takes_its_type_from_the_annotation():
    (field,) = read_fields(Everything)
    shapes = [
        (attribute.name, attribute.type, attribute.many, attribute.required)
        for attribute in field.attributes
    ]
    assert shapes == [
        ("grade", "choice", False, True),
        ("flag", "boolean", False, False),
        ("number", "integer", False, True),
        ("share", "number", False, False),
        ("limits", "quantity", True, False),
        ("words", "quote", False, False),
        ("only", "choice", False, False),
        ("lasts", "duration", False, False),
        ("methods", "quote", True, True),
    ]
    attributes = {attribute.name: attribute for attribute in field.attributes}
    assert attributes["grade"].choices == ("low", "high grade")
    assert attributes["words"].definition == "In words."


def test_a_json_schema_declares_what_its_model_declares():
    schema = Everything.model_json_schema()
    assert read_fields(schema) == read_fields(Everything)


def test_a_declaration_travels_and_comes_back_from_what_a_run_keeps():
    for field in read_fields([Everything, *FIELDS]):
        assert pickle.loads(pickle.dumps(field)) == field
        kept = field.model_dump(mode="json", exclude_defaults=True)
        assert CustomField.model_validate(kept) == field


class Endless(BaseModel):
    """A model that holds itself."""

    inner: "list[Endless]"


class Bare(BaseModel):
    value: str


class Part(BaseModel):
    """A part."""

    name: str
    lasts: Period | None = None


class Left(BaseModel):
    """A model that holds itself through another."""

    right: "Right"


class Right(BaseModel):
    """The other."""

    left: Left | None = None


class Quoted(BaseModel):
    quote: str


class Searched(BaseModel):
    name: str = Field(json_schema_extra={"pattern": "a"})


def nest_models(depth):
    """A model inside as many others."""
    model = Part
    for _ in range(depth):
        model = create_model("Level", inner=(model, ...))
    return model


def widen(depth):
    """The schema of an object with as many levels, each of which has twenty objects."""
    levels = {f"Level{n}": widen_level(n - 1) for n in range(1, depth)}
    return schema(**widen_level(depth - 1), **{"$defs": levels | {"Level0": PLAIN}})


PLAIN = {"type": "object", "properties": {"a": {"type": "string"}}}


def widen_level(below):
    inner = {f"a{n}": {"$ref": f"#/$defs/Level{below}"} for n in range(20)}
    return {"type": "object", "properties": inner}


def schema(**changes):
    return {
        "title": "Lines",
        "description": "Prior lines.",
        "properties": {"count": {"type": "integer"}},
        **changes,
    }


def schema_of(given):
    return schema(properties={"count": given})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (Bare, "Bare: describe the field in the docstring of its class"),
        (Endless, "Endless.inner.inner.inner.inner: is inside more than 3 nested models, or contains itself"),
        (make(Endless), "Own.value.inner.inner.inner: is inside more than 3 nested"),
        (make(Left | None), "Own.value.right.left.right: is inside more than 3 nested models, or contains"),
        (make(list[nest_models(3)]), "Own.value.inner.inner.inner: is inside more than 3 nested"),
        (make(list[dict]), "Own.value: object is not a type that can be checked"),
        (make(Part | Bare), "Own.value: it is unclear which of several types to check"),
        (make(Quoted), "Own.value: quote is reserved for the words"),
        (make(Searched), "Own.value.name: a pattern inside a nested model is not searched; write"),
        (widen(3), "has more than 50 attributes, including nested ones; declare several"),
        (make(int | str), "Own.value: it is unclear which of several types to check"),
        (make(dict), "Own.value: object is not a type that can be checked against a text; use one"),
        (make(tuple[str, int]), "Own.value: array is not a type that can be checked"),
        (make(list[str | int]), "Own.value: this is not a type that can be checked"),
        (make(type), "Own: Cannot generate a JsonSchema .*; use another type"),
        (make(name="dosing"), "dosing: the guideline has a field or key with this name; rename"),
        (make(name="Own"), "Own.name: String should match pattern"),
        (make(of="arm"), "Own.of: Input should be 'record', 'criterion', 'regimen' or"),
        (make(many="yes"), "Own.many: Input should be a valid boolean"),
        (make(sections=["eligibilty"]), "eligibilty: no such section .did you mean eligibility"),
        (make(mention=["brain"]), r"Own.mention: no such key \(did you mean mentions"),
        (
            schema_of({"type": "integer", "patern": "a"}),
            r"Lines.count.patern: no such key \(did you mean pattern",
        ),
        (make(examples=[{"value": "a"}]), "Own.examples.0.text: Field required"),
        (make(examples=[{"text": "a"}] * 51), "Own.examples: Tuple should have at most 50"),
        (dict, "dict: pass a subclass of pydantic.BaseModel"),
        (BrainMetastases.model_construct(), "BrainMetastases: pass a subclass"),
        (5, "int: pass a subclass of pydantic.BaseModel or its location"),
        ([Assay, Assay], "assay: two fields have this name; rename one"),
        (schema(title="../x"), r"../x.name: String should match pattern"),
        (schema(title="a" * 9000), "a.title: String should have at most 100"),
        (schema(description=" "), "Lines: describe the field"),
        (schema(description="a" * 9000), "definition: String should have at most 4000"),
        (schema(properties={}), "Lines: the field has no attributes; add one"),
        (schema(properties=[1]), "Lines.properties: Input should be a valid dictionary"),
        (schema(properties={f"a{n}": {"type": "string"} for n in range(51)}), "more than 50 attr"),
        (schema(properties={"__class__": {"type": "string"}}), "Lines.__class__.name: String"),
        (schema(properties={"quote": {"type": "string"}}), "Lines: quote is reserved for the words"),
        (schema_of(3), "Lines.properties.count: Input should be a valid dictionary"),
        (schema_of({}), "Lines.count: this is not a type that can be checked"),
        (schema_of({"anyOf": [{"type": "null"}]}), "Lines.count: it is unclear which of several"),
        (schema_of({"anyOf": 3}), "Lines.properties.count.anyOf: Input should be a valid tuple"),
        (schema_of({"type": "string", "format": "uri"}), "Lines.count: uri is not a type"),
        (schema_of({"type": "array"}), "Lines.count: array is not a type"),
        (schema_of({"enum": [f"w{n}" for n in range(201)]}), "Lines.count.choices: .* at most 200"),
        (schema_of({"$ref": "http://x.invalid/a.json"}), "Lines.count: this is not a type"),
        (schema_of({"type": "object", "properties": {"a": {}}}), "Lines.count.a: this is not a"),
        (schema_of({"title": "Period", "properties": {"a": {}}}), "Lines.count.a: this is not a"),
        (make(sections=["summary"]), "summary: no such section"),
    ],
)  # fmt: skip
def test_a_wrong_or_hostile_declaration_is_refused_with_its_place(given, said):
    with pytest.raises(FieldError, match=said) as refused:
        read_fields(given)
    assert len(str(refused.value)) < 1000
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"quote": "six weeks", "value": "6 week"}, None),
        ("6 week", None),
        ({"value": {"value": 6, "unit": "week"}}, None),
        ({"length": "6 week"}, "'Stable for six weeks': own: value is missing"),
        ({1: "6 week"}, "own: value is missing"),
        ("a while", "'a while': write a time as one number and a unit"),
        ({"quote": "six weeks"}, "own: value is missing"),
        (None, None),
    ],
)  # fmt: skip
def test_an_example_is_read_as_an_answer_is(value, said):
    model = make(Period, examples=[{"text": "Stable for six weeks", "value": value}])
    if said is None:
        Extractor("gpt-5-mini", fields=model)
        return
    with pytest.raises(FieldError, match=said):
        Extractor("gpt-5-mini", fields=model)


MODELS = '''
from __future__ import annotations
from pydantic import BaseModel

class Visits(BaseModel):
    """When participants are seen."""
    parts: list[str]

class Washout(BaseModel):
    """How long."""
    drug: str
'''


def test_models_are_loaded_from_a_file_or_a_module(tmp_path):
    path = tmp_path / "my_models.py"
    path.write_text(MODELS, "utf-8")
    module = "extractor.catalogue:Washout,Blinding"
    names = {
        place: [field.name for field in read_fields(place)]
        for place in (path, f"{path}:Washout", module)
    }
    assert list(names.values()) == [
        ["visits", "washout"],
        ["washout"],
        ["washout", "blinding"],
    ]


@pytest.mark.parametrize(
    ("place", "text", "said"),
    [
        ("no/such.py", None, "no/such.py: the file does not exist; check the path"),
        ("no_such_module:Washout", None, "no_such_module: ModuleNotFoundError: No module named"),
        ("my.py:Washot", MODELS, r"my.py: no model named Washot \(did you mean Washout\?\); it"),
        ("my.py", "a = 1", "my.py: contains no pydantic model; write my_fields.py:Washout"),
        ("my.py", "a = 1\n1 / 0", "my.py: ZeroDivisionError: division by zero; correct"),
        ("my.py", "a = ", r"my.py: SyntaxError: invalid syntax \(my.py, line 1\); correct"),
        # a module of that name would run
        ("my.txt", "1 / 0", "my.txt: not a Python file or module; write my_fields.py"),
        ("../my", "1 / 0", "../my: not a Python file or module"),
    ],
)  # fmt: skip
def test_a_place_without_models_is_told_with_what_to_write(
    tmp_path, monkeypatch, place, text, said
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.txt").write_text("no code")
    if text:
        (tmp_path / "my.py").write_text(text, "utf-8")
    with pytest.raises(FieldError, match=said):
        read_fields(place)


def test_each_field_of_the_catalogue_has_examples():
    fields = read_fields("extractor.catalogue")
    assert len(fields) == 4
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
        match="no model is used: brain_metastases, assay, with_food; specify a model",
    ):
        Extractor(fields=FIELDS)
    assert Extractor("gpt-5-mini", fields=FIELDS).setup.unread is None


def test_an_answer_is_read_by_type_and_loses_no_more_than_is_wrong():
    (field,) = read_fields(BrainMetastases)
    claims, broken = field.read(
        {"quote": "stable", "status": "Excluded", "stable_for": "long"}
    )
    assert claims == ({"quote": "stable", "status": "excluded"},)
    assert broken[0][0] == "long"
    assert "write a time" in broken[0][1]
    assert field.read({"stable_for": "4 week"}) == (
        (),
        [("{'stable_for': '4 week'}", "brain_metastases: status is missing")],
    )
    claims, broken = field.read([{"status": "maybe"}, {"status": ["excluded"]}, {}])
    assert claims == ()
    assert len(broken) == 3
    (methods,) = read_fields(make(list[str]))
    assert methods.read(["MRI", "CT"])[0] == ({"value": ("MRI", "CT")},)
    (doses,) = read_fields(make(list[Period]))
    (listed,), lost = doses.read({"quote": "q", "value": ["0 day", "21-28 day"]})
    assert [value.value for value in listed["value"]] == [0]
    assert [text for text, _ in lost] == ["21-28 day"]
