"""A field by its JSON Schema: the same declaration as its model, and hostile schemas refused."""

import json
from datetime import date
from enum import Enum
from typing import Literal, Optional

import pytest
from pydantic import BaseModel, Field

from extractor import Extractor, catalogue
from extractor.concepts.own.json_schema import MOST_CHARACTERS, read_json_schema
from extractor.concepts.own.models import declare
from extractor.errors import FieldError
from extractor.schemas import Period, Quantity

EXAMPLE = {"text": "use condoms", "value": {"methods": ["condoms"], "lit": "a"}}


class Who(Enum):
    """Of whom it is asked."""

    WOMEN = "women"
    MEN = "men"


class Method(BaseModel):
    """A method."""

    name: str
    months: int | None = Field(None, ge=0)


class Everything(
    BaseModel,
    json_schema_extra={"of": "criterion", "many": True, "examples": [EXAMPLE]},
):
    """Contraception asked of participants."""

    methods: list[str] = Field(
        description="Each method.", examples=["condoms"], min_length=1
    )
    who: Optional[Who] = None  # noqa: UP045 - as many write it
    only: Literal["a"] = "a"
    lit: Literal["a", "b"]
    details: list[Method] = []
    best: Method | None = Field(None, description="The one preferred.")
    until: date | None = None
    lasts: Period | None = None
    limit: Quantity | None = None
    share: float = 0.5
    sure: bool = False


OF_CATALOGUE = [
    model
    for model in vars(catalogue).values()
    if isinstance(model, type)
    and issubclass(model, BaseModel)
    and model.__module__ == catalogue.__name__
    and model.__doc__
    and '"pattern"' not in json.dumps(model.model_json_schema())
]


@pytest.mark.parametrize("model", [Everything, *OF_CATALOGUE])
def test_a_schema_declares_what_its_model_declares(model):
    try:
        declared = declare(model)
    except FieldError:
        pytest.skip("a part of another model")
    assert read_json_schema(model.model_json_schema()) == declared
    assert read_json_schema(json.dumps(model.model_json_schema())) == declared


def test_python_takes_a_schema_too():
    with pytest.warns(
        UserWarning, match="stay empty, since no model is asked: everything"
    ):
        Extractor(fields=Everything.model_json_schema())


def change(**changes):
    return {
        "title": "Lines",
        "description": "Prior lines.",
        "type": "object",
        "properties": {"count": {"type": "integer"}},
        **changes,
    }


def of(schema):
    return change(properties={"count": schema})


def nest(depth):
    schema = {"type": "string"}
    for _ in range(depth):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


GROWING = {
    f"d{n}": {
        "type": "object",
        "properties": {letter: {"$ref": f"#/$defs/d{n + 1}"} for letter in "abcdefgh"},
    }
    for n in range(3)
} | {"d3": {"type": "string"}}
"""Four small definitions, which written out have hundreds of parts."""


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ("{", "JSON Schema: is not JSON"),
        ("[" * 9000, "JSON Schema: is not JSON"),
        ("[]", "JSON Schema: is no object"),
        (change(description="a" * MOST_CHARACTERS), "has more than 20,000 characters"),
        (change(title="../x"), "JSON Schema/title: the title names the field"),
        (change(title=7), "JSON Schema/title: "),
        (
            change(description=" "),
            "Lines/description: is missing; say what the field is",
        ),
        (change(properties={}), "Lines/properties: is missing; write one at least"),
        (change(properties=[1]), "Lines/properties: is missing"),
        (change(required=["nope"]), "Lines/required/0: 'nope' is no property"),
        (change(required="count"), "Lines/required: is no list"),
        (
            change(propertes={}),
            r"Lines/propertes: there is no such key \(did you mean properties",
        ),
        (change(of="arm"), "Lines/of: Input should be 'record'"),
        (change(examples=[{"text": "a"}] * 21), "Lines/examples: are too many"),
        (
            change(properties={"__class__": {"type": "string"}}),
            "Lines/properties/__class__",
        ),
        (
            of({"type": "lines"}),
            "Lines/properties/count/type: 'lines' is no type; write one of",
        ),
        (of({}), "Lines/properties/count/type: is missing"),
        (of(3), "Lines/properties/count: is no object"),
        (
            of({"type": ["string", "integer"]}),
            "count/type: nothing says which of several",
        ),
        (
            of({"anyOf": [{"type": "string"}, {"type": "integer"}]}),
            "count/anyOf: nothing says",
        ),
        (of({"anyOf": []}), "count/anyOf: is no list"),
        (of({"type": "string", "format": "uri"}), "count/format: 'uri' is not read"),
        (
            of({"type": "string", "pattern": "(a+)+$"}),
            "count/pattern: is not read from a JSON",
        ),
        (of({"type": "array"}), "count/items: is missing"),
        (
            of(
                {
                    "type": "array",
                    "items": {"type": "array", "items": {"type": "string"}},
                }
            ),
            "count/items: is an array of an array",
        ),
        (of({"enum": []}), "count/enum: is no list of words"),
        (of({"enum": [{}]}), "count/enum: {} is no word"),
        (
            of({"enum": [f"w{n}" for n in range(201)]}),
            "count/enum: is no list of words",
        ),
        (
            of({"$ref": "http://x.invalid/a.json"}),
            "count/\\$ref: 'http://x.invalid/a.json' is no",
        ),
        (of({"$ref": "#/$defs/A"}), "is no definition"),
        (of({"if": {}}), "Lines/properties/count/if: there is no such key"),
        (
            of({"patternProperties": {}, "type": "object"}),
            "patternProperties: there is no such",
        ),
        (of(nest(9)), "lies more than 8 deep"),
        (
            change(
                properties={"count": {"$ref": "#/$defs/A"}},
                **{
                    "$defs": {
                        "A": {
                            "type": "object",
                            "properties": {"b": {"$ref": "#/$defs/A"}},
                        }
                    }
                },
            ),
            "'A' holds itself, without an end",
        ),
        (
            change(properties={"count": {"$ref": "#/$defs/d0"}}, **{"$defs": GROWING}),
            "the schema has more than 200 parts",
        ),
        (
            change(properties={f"a{n}": {"type": "string"} for n in range(201)}),
            "the schema has more than 200 parts",
        ),
    ],
)
def test_a_wrong_or_hostile_schema_is_refused_with_its_place(schema, said):
    with pytest.raises(FieldError, match=said) as refused:
        read_json_schema(schema)
    assert len(str(refused.value)) < 1000
    assert "\n" not in str(refused.value)
