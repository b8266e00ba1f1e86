"""Declarations: a pydantic model and a TOML file mean the same; what is wrong is said before
anything is sent.
"""

import tomllib
from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field

from extractor import Extractor
from extractor.concepts.own import (
    CriterionField,
    CustomField,
    Duration,
    Quantity,
    RecordField,
    declare,
    list_catalogue,
    read_fields,
)
from extractor.concepts.own.attributes import Attribute
from extractor.concepts.own.declaration import TAKEN
from extractor.errors import FieldError
from extractor.model.asking.reply_models import Item, key_of


class BrainMetastases(RecordField, mentions=("brain", "CNS")):
    """May participants with brain metastases take part?"""  # noqa: D400 - a question

    status: Literal["allowed", "allowed_if_treated", "excluded"] = Field(
        description="What holds for them."
    )
    stable_for: Duration | None = Field(None, description="How long they must have been stable.")


TOML = """
[[field]]
name = "brain_metastases"
definition = "May participants with brain metastases take part?"
mentions = ["brain", "CNS"]
[field.attributes.status]
type = "choice"
choices = ["allowed", "allowed_if_treated", "excluded"]
definition = "What holds for them."
required = true
[field.attributes.stable_for]
type = "duration"
definition = "How long they must have been stable."
"""
WRONG = tomllib.loads((Path(__file__).parent / "wrong.toml").read_text("utf-8"))


def read(tmp_path, text):
    path = tmp_path / "my.toml"
    path.write_text(text, "utf-8")
    return read_fields(path)


def test_a_model_and_a_file_that_mean_the_same_are_equal(tmp_path):
    assert read(tmp_path, TOML) == (declare(BrainMetastases),)


def test_an_attribute_takes_its_type_from_the_annotation():
    class Grade(StrEnum):
        LOW = "low"
        HIGH = "high"

    class Everything(CriterionField, when="kind = exclusion", many=True):
        """One of each."""

        grade: Grade
        flag: bool
        number: int
        limits: list[Quantity] = Field(default_factory=list)
        words: str | None = None

    field = declare(Everything)
    shapes = [(one.name, one.type.value, one.many, one.required) for one in field.attributes]
    assert shapes == [
        ("grade", "choice", False, True),
        ("flag", "boolean", False, True),
        ("number", "integer", False, True),
        ("limits", "quantity", True, False),
        ("words", "quote", False, False),
    ]
    assert field.applies({"kind": "exclusion"}.get)
    assert not field.applies({"kind": "inclusion"}.get)


def _make(annotation, doc="A field.", base=RecordField, default=..., **settings):
    body = {"__annotations__": {"value": annotation}, "__doc__": doc, "__module__": __name__}
    return type(base)(
        "Wrong", (base,), body if default is ... else body | {"value": default}, **settings
    )


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (
            lambda: _make(str, doc=""),
            "Wrong: definition: is empty; .* in the docstring of the class",
        ),
        (
            lambda: _make(Annotated[int, Field(ge=100)]),
            r"Wrong.value: Ge\(ge=100\) is not checked against a text",
        ),
        (lambda: _make(int | str), r"Wrong.value: of int \| str nothing says which one to check"),
        (
            lambda: _make(dict),
            "Wrong.value: dict is no type that can be checked against a text; use one of",
        ),
        (
            lambda: _make(str, default="none"),
            "Wrong.value: the default 'none' would stand where the text says nothing",
        ),
        (lambda: _make(list[str | int]), "Wrong.value: .* is no type that can be checked"),
        (
            lambda: _make(str, name="dosing"),
            "dosing: the guideline has a field or key of that name",
        ),
        (
            lambda: _make(str, base=CriterionField, when="colour = red"),
            "colour: no such closed set of a criterion",
        ),
        (
            lambda: _make(str, base=CriterionField, when="kind is red"),
            "write a condition as 'field = word",
        ),
        (
            lambda: _make(str, base=CriterionField, when="kind = includes"),
            "includes: no such kind; choose from inclusion, exclusion",
        ),
        (lambda: _make(str, when="kind = inclusion"), "a record is one"),
        (
            lambda: _make(Literal["double-blind"]),
            "Wrong: value.choices.0.word: 'double-blind': begin with a letter, go on with letters",
        ),
        (
            lambda: _make(str, mention=("brain",)),
            r"Wrong: mention: there is no such key \(did you mean mentions",
        ),
        (
            lambda: RecordField,
            "give a class, and write it as a subclass of one of RecordField, CriterionField",
        ),
        (lambda: dict, "dict: give a class"),
    ],
)
def test_a_wrong_model_is_refused_with_its_remedy(made, said):
    with pytest.raises(FieldError, match=said):
        read_fields(made())


@pytest.mark.parametrize("case", WRONG["file"], ids=lambda case: case["said"][:40])
def test_a_wrong_file_is_refused_with_its_place(tmp_path, case):
    with pytest.raises(FieldError, match=case["said"]):
        read(tmp_path, case["text"])


@pytest.mark.parametrize("case", WRONG["example"], ids=lambda case: case["value"])
def test_an_example_is_checked_as_an_answer_is(tmp_path, case):
    example = f'examples = [{{ text = "{case["text"]}", value = {case["value"]} }}]'
    stable = f'[[field]]\nname = "assay"\ntype = "duration"\ndefinition = "The test."\n{example}\n'
    with pytest.raises(FieldError, match=case["said"]) if case["said"] else nullcontext():
        Extractor(fields=read(tmp_path, stable))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (5, "5: give pydantic models, TOML files, or names"),
        ("oncology,cardiology", "one name or file at a time; repeat --fields"),
        ("brain_metastases", "this field is one of the file oncology"),
        (
            "no/such.toml",
            r"no/such.toml: cannot be read .No such file or directory.; give a TOML file",
        ),
        ("models.py", "a file of fields is TOML; give a pydantic model"),
        (BrainMetastases.model_construct(), r"BrainMetastases\(...\): give a class"),
        ("blindin", r"no such field \(did you mean blinding\?\); give a file, or one of"),
    ],
)
def test_what_is_no_field_is_told_with_what_to_give(given, said):
    with pytest.raises(FieldError, match=said):
        read_fields(given)


def test_an_attribute_that_may_be_missing_needs_no_default():
    class Stable(RecordField, mentions=("stable",)):
        """How long."""

        value: Duration | None

    class Longer(Stable):
        """How much longer."""

    assert not declare(Stable).attributes[0].required
    assert (declare(Longer).mentions, declare(Longer).name) == (("stable",), "longer")
    assert read_fields(declare(Stable)) == (declare(Stable),)


@pytest.mark.parametrize("name", list_catalogue())
def test_each_field_of_the_catalogue_can_be_read(name):
    fields = read_fields(name)
    assert fields
    assert all(field.examples or field.rules for field in fields)


def test_no_field_can_have_a_key_of_the_reply():
    assert {name for attribute in Item.model_fields for name in (attribute, key_of(attribute))} - {
        "custom"
    } <= TAKEN


def test_an_answer_is_read_by_type(tmp_path):
    (field,) = read(tmp_path, TOML)
    claims, broken = field.read({"quote": "stable", "status": "Excluded", "stable_for": "long"})
    assert claims == ({"quote": "stable", "status": "excluded"},)
    assert broken[0][0] == "long"
    assert "write a time" in broken[0][1]
    schedule = Attribute(name="at", type="time_point", many=True)
    (listed,), lost = CustomField(name="doses", definition="When.", attributes=(schedule,)).read(
        {"quote": "q", "at": ["0 day", "21-28 day"]}
    )
    assert ([one.value for one in listed["at"]], [text for text, _ in lost]) == ([0], ["21-28 day"])
    assert Attribute(name="every", type="duration").read(f"{' ' * 5000}4 weeks").value == 4
    with pytest.raises(ValueError, match="write a time"):
        Attribute(name="every", type="duration").read(f"{' ' * 5000}4 weeks!")
    claims, broken = field.read([{"quote": "a", "status": "maybe"}, {"quote": "b"}])
    assert (claims, len(broken)) == ((), 2)
    assert Attribute(name="visits", type="integer").read("three") == 3
    assert field.read({"stable_for": "4 week"}) == (
        (),
        (("{'stable_for': '4 week'}", "brain_metastases: status is missing"),),
    )
