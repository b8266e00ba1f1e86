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
from extractor.model.asking.reply_models import Item, key_of
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
        (one.name, one.type.value, one.many, one.required) for one in field.attributes
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
    assert [one.name for one in field.attribute("methods").parts] == ["name", "months"]
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
    assert (field.mentions, field.name, field.attributes[0].required) == (
        ("stable",),
        "longer",
        False,
    )


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
            "Own.value: a nested model has no pattern, only a model of a provider fills it",
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
        (make(name="Own"), "Own.name: 'Own': begin with a small letter"),
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
        place: [one.name for one in read_fields(place)]
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
            "no/such.py: there is no such file; write my_fields.py:Washout",
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
    ],
)
def test_a_place_without_models_is_told_with_what_to_write(
    tmp_path, monkeypatch, place, text, said
):
    monkeypatch.chdir(tmp_path)
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
    keys = {
        name
        for attribute in Item.model_fields
        for name in (attribute, key_of(attribute))
    }
    assert keys - {"custom"} <= TAKEN


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
    assert (claims, len(broken)) == ((), 2)
    (doses,) = read_fields(make(list[Period]))
    (listed,), lost = doses.read({"quote": "q", "value": ["0 day", "21-28 day"]})
    assert ([one.value for one in listed["value"]], [text for text, _ in lost]) == (
        [0],
        ["21-28 day"],
    )
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


class Who(Enum):
    """Of whom it is asked."""

    WOMEN = "women"
    MEN = "men"


WORDS = {"pattern": {"women": "women", "men": "men"}}
CASE = {
    "text": "women use condoms",
    "value": {"method": "condoms", "for_whom": "women"},
}


def make_contraception(words, people, **extra):
    """A field with many values, as a user writes it."""

    class Contraception(
        BaseModel, json_schema_extra={"many": True, "examples": [CASE], **extra}
    ):
        """Contraception that is asked."""

        method: str = Field(json_schema_extra={"pattern": words})
        for_whom: Who | None = Field(None, json_schema_extra=people)

    return Contraception


def test_a_pattern_that_can_never_give_a_value_is_refused():
    with pytest.raises(
        FieldError, match=r"for_whom.*method is required; name it in the same"
    ):
        read_fields(make_contraception("use method=( _ )", WORDS))
    together = "for_whom=( women | men ) use method=( _ )"
    (field,) = read_fields(make_contraception(together, None))
    assert field.list_unread() == []


def test_an_attribute_that_nothing_reads_is_announced():
    with pytest.warns(UserWarning, match="contraception.for_whom; name a model"):
        Extractor(fields=make_contraception("use method=( _ )", None))


def test_a_wrong_key_of_an_example_is_told_before_its_pattern_is_tried():
    examples = [CASE, {"text": "use a pill", "value": {"metod": "pill"}}]
    with pytest.raises(
        FieldError, match=r"metod is no attribute \(did you mean method"
    ):
        Extractor(
            fields=make_contraception("use a ? method=( _ )", None, examples=examples)
        )


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("31 May 2024", "2024-05-31"),
        ("May 31st, 2024", "2024-05-31"),
        ("31-Aug-2023", "2023-08-31"),
        ("1 Sept. 2023", "2023-09-01"),
        ("2024/5/1", "2024-05-01"),
    ],
)
def test_written_dates_are_read(written, day):
    assert Attribute(name="day", type="date").read(written) == day


@pytest.mark.parametrize(
    "written", ["05/04/2024", "31 Feb 2024", "May 2024", "24-05-31 x"]
)
def test_what_may_be_another_day_is_no_date(written):
    with pytest.raises(ValueError, match="write a date as year-month-day"):
        Attribute(name="day", type="date").read(written)


def test_a_pattern_of_a_date_reads_written_months():
    class Cutoff(
        BaseModel,
        json_schema_extra={
            "examples": [
                {"text": "closed on 31 May 2024", "value": {"day": "2024-05-31"}}
            ]
        },
    ):
        """When the trial closed."""

        day: date = Field(json_schema_extra={"pattern": "on day=( # _ # )"})

    extraction = Extractor(fields=Cutoff).extract_text(
        "It was closed on 1 June 2023 for good."
    )
    assert extraction.custom["cutoff"][0].values["day"] == "2023-06-01"


def test_a_pattern_whose_words_are_no_value_says_so():
    class Cutoff(
        BaseModel,
        json_schema_extra={
            "examples": [{"text": "closed in May 2024", "value": {"day": "2024-05-01"}}]
        },
    ):
        """When the trial closed."""

        day: date = Field(json_schema_extra={"pattern": "in day=( _ # )"})

    with pytest.raises(
        FieldError, match="finds 'May 2024' in an example, which is no date"
    ):
        read_fields(Cutoff)


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("my.py:", "names no model behind its colon"),
        ("notes.txt", "is no file of Python"),
    ],
)
def test_a_place_that_names_nothing_runs_nothing(tmp_path, monkeypatch, place, said):
    monkeypatch.chdir(tmp_path)
    for name in ("my.py", "notes.txt"):
        (tmp_path / name).write_text("raise SystemExit", "utf-8")
    with pytest.raises(FieldError, match=said):
        read_fields(place)


def test_a_model_without_attributes_is_refused():
    class Empty(BaseModel):
        """Nothing."""

    with pytest.raises(FieldError, match="Empty: has no attribute; write one"):
        read_fields(Empty)
