"""The attributes of a custom field: their types, the form in which a value is written, and its reader."""

import re
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from typing import Annotated, Any, Self, cast

from pydantic import Field, field_validator, model_validator
from pydantic.alias_generators import to_pascal

from extractor.schemas import (
    Age,
    Amount,
    Comparison,
    Constraint,
    FieldMetadata,
    Instrument,
    Period,
    Quantity,
    TimePoint,
)
from extractor.schemas.base import FrozenModel, Number

from .value_forms import read_amount, read_bare_number, read_instrument, read_limit, read_quantity, read_time

_WORDS = {"true": True, "yes": True, "false": False, "no": False}


def _read_boolean(text: str) -> bool:
    if text.strip().casefold() not in _WORDS:
        raise ValueError(f"{text!r}: write true or false")
    return _WORDS[text.strip().casefold()]


def _read_integer(text: str) -> int:
    number = read_bare_number(text)
    if number != int(number):
        raise ValueError(f"{text!r}: write a whole number")
    return int(number)


_ONE_TIME = re.compile(r"\s*+[^\W\d_]*+\s*+[\d.,/]*+\s*+-?\s*+[^\W\d_]*+\s*+")
"""A number and a unit, or the other way round: no sign, no comparator, no second time."""


def _read_one_time(kind: type[Any], text: str) -> Any:
    value = read_time(kind, text)
    if not _ONE_TIME.fullmatch(text):
        raise ValueError(f'{text!r}: write a time as one number and a unit, such as "30 day" or "2 year"')
    return value


class AttributeType(StrEnum):
    """The type of an attribute's value, or of each member of a list.

    - ``quote``: words of the record.
    - ``choice``: one of the words of a closed set; ``boolean``: true or false. Both are concluded from a quote.
    - ``number``, ``integer``: a bare number. ``quantity``: a comparator, a number or a range, and a unit.
    - ``constraint``: a quantity with the name of what is limited. ``amount``: a dose.
    - ``instrument``: a name and a version.
    - ``duration``, ``age``, ``time_point``: a number with a unit of time.

    ``held`` is the class of its values, ``read`` makes one of its written form, ``form`` says that form in words, and
    ``comparison`` is how two values are compared.
    """

    held: type[Any]
    read: Callable[[str], Any]
    form: str
    comparison: Comparison

    def __new__(
        cls, value: str, held: type[Any], read: Callable[[str], Any], form: str, comparison: Comparison
    ) -> Self:
        kind = str.__new__(cls, value)
        kind._value_, kind.held, kind.read, kind.form, kind.comparison = value, held, read, form, comparison
        return kind

    QUOTE = "quote", str, str, "as a quote", Comparison.EXTENT
    CHOICE = "choice", str, str.strip, "", Comparison.CHOICE
    BOOLEAN = "boolean", bool, _read_boolean, "true or false", Comparison.POLARITY
    NUMBER = "number", float, read_bare_number, "a number", Comparison.CHOICE
    INTEGER = "integer", int, _read_integer, "a whole number", Comparison.CHOICE
    QUANTITY = (
        "quantity",
        Quantity,
        read_quantity,
        '"comparator number unit", such as ">= 40 %" or "3-5 mg/L"',
        Comparison.LIMIT,
    )
    CONSTRAINT = "constraint", Constraint, read_limit, '"quantity: comparator number unit"', Comparison.LIMIT
    AMOUNT = "amount", Amount, read_amount, 'a dose, such as "300 mg/m2" or "1-2 mg"', Comparison.AMOUNT
    INSTRUMENT = "instrument", Instrument, read_instrument, '"name | version"', Comparison.NAME
    DURATION = "duration", Period, partial(_read_one_time, Period), '"4 week"', Comparison.TIME
    AGE = "age", Age, partial(_read_one_time, Age), '"18 year"', Comparison.TIME
    TIME_POINT = "time_point", TimePoint, partial(_read_one_time, TimePoint), '"30 day"', Comparison.TIME

    @property
    def annotation(self) -> Any:
        """The annotation of its values in a model."""
        return Number if self is AttributeType.NUMBER else self.held

    @property
    def is_concluded(self) -> bool:
        """Whether the value is a conclusion from a quote, not something that the quote states."""
        return self in (AttributeType.CHOICE, AttributeType.BOOLEAN)


CLASSES = {kind.held: kind for kind in AttributeType if kind is not AttributeType.CHOICE}
"""The type of an attribute by the class of its values."""


class Choice(FrozenModel):
    """One word of a closed set, and what it means."""

    word: str = Field(pattern=r"^[A-Za-z]\w{0,39}$")
    meaning: str = ""


class Attribute(FrozenModel):
    """One thing that a field says.

    ``many``: a list. ``required``: without it the field says nothing.
    """

    name: str = Field(pattern=r"^[a-z]\w{0,39}$")
    type: AttributeType
    definition: str = Field(default="", max_length=1000)
    many: bool = False
    required: bool = False
    choices: tuple[Choice, ...] = ()

    @field_validator("choices", mode="before")
    @classmethod
    def _list_choices(cls, given: Any) -> Any:
        """A table of words and their meanings, or words alone."""
        if not isinstance(given, list | tuple | dict):
            raise ValueError(f'write ["{given}", ...], or a table of words and their meanings')  # noqa: TRY004
        meanings = given.items() if isinstance(given, dict) else [(one, "") for one in given]
        return [{"word": word, "meaning": said} if isinstance(word, str) else word for word, said in meanings]

    @model_validator(mode="after")
    def _choices_fit(self) -> Self:
        words = [choice.word for choice in self.choices]
        if (self.type is AttributeType.CHOICE) != bool(words):
            raise ValueError(f"{self.name}: a choice needs its words in 'choices', and no other type has them")
        if len(words) != len({word.casefold() for word in words}):
            raise ValueError(f"{self.name}: two choices are the same word: {', '.join(words)}")
        return self

    def read(self, written: Any) -> Any:
        """The value that a model, an example or a rule writes. Raises ``ValueError`` with the form that is allowed.

        >>> Attribute(name="stable_for", type="duration").read("4 weeks")
        Period(value=4, unit=<TimeUnit.WEEK: 'week'>)
        """
        if isinstance(written, bool) and self.type is AttributeType.BOOLEAN:
            return written
        if isinstance(written, int | float) and not isinstance(written, bool):
            written = str(written)
        if not isinstance(written, str) or not written.strip():
            raise ValueError(f"{self.name}: {written!r} is not a text")
        value = self.type.read(written)
        if self.type is AttributeType.CHOICE:
            known = {choice.word.casefold(): choice.word for choice in self.choices}
            if value.casefold() not in known:
                raise ValueError(f"{self.name}: {value!r} is none of: {', '.join(known.values())}")
            return known[value.casefold()]
        return value

    def read_all(self, written: Any) -> Any:
        """The value, or all members if the attribute is a list. Raises ``ValueError``."""
        if not self.many:
            return self.read(written)
        return tuple(map(self.read, written if isinstance(written, list | tuple) else [written]))

    def restore(self, value: Any) -> Any:
        """A value of an extraction, or of gold, in the class of its type. Raises ``ValueError`` for another form."""
        if isinstance(value, tuple) and self.many:
            return tuple(map(self.restore, value))
        if isinstance(value, str) and self.type is not AttributeType.QUOTE:
            return self.read(value)  # gold may have the written form
        held = self.type.held
        if isinstance(value, FrozenModel) and value.model_dump().keys() <= getattr(held, "model_fields", {}).keys():
            return held.model_validate(value.model_dump())
        if type(value) is held or (held is float and type(value) is int):
            return value
        raise ValueError(f"{self.name}: {value!r} is no {self.type}; write {self.type.form or 'a word'}")

    def annotate(self, owner: str, label: str) -> tuple[Any, Any]:
        """The annotation and the default of its field in the model of ``owner``; ``label`` is its name for people."""
        held, listed, name = self.type.annotation, cast("Any", tuple), to_pascal(f"{owner}_{self.name}")
        if self.choices:
            words = {f"word{n}": one.word for n, one in enumerate(self.choices)}
            held = cast("Any", StrEnum)(name, words)
        said: Any = listed[held, ...] if self.many else held if self.required else held | None
        told = Field(... if self.required else () if self.many else None, description=self.definition or None)
        return Annotated[said, FieldMetadata(self.type.comparison, label=label)], told

    def describe(self) -> str:
        """How a model writes the value, and what it means."""
        form = self.type.form or "one of " + "; ".join(
            f"{choice.word} ({choice.meaning})" if choice.meaning else choice.word for choice in self.choices
        )
        listed = "a list, each " if self.many else ""
        return f"{self.name}: {listed}{form}" + (f". {self.definition.strip()}" if self.definition else "")

    @property
    def json_schema(self) -> dict[str, Any]:
        """The JSON schema of what a model writes."""
        kind = {"type": "boolean"} if self.type is AttributeType.BOOLEAN else {"type": "string"}
        if self.choices:
            kind["enum"] = [choice.word for choice in self.choices]  # type: ignore[assignment]
        return {"type": "array", "items": kind} if self.many else kind
