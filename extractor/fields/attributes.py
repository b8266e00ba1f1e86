"""The attributes of a custom field: their types, the form in which a value is written, and its reader."""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import partial
from typing import Any, Self

from pydantic import Field, TypeAdapter, model_validator

from extractor.schemas import Age, Amount, Constraint, Instrument, Period, Quantity, TimePoint
from extractor.schemas.base import FrozenModel

from .value_forms import read_amount, read_bare_number, read_instrument, read_limit, read_quantity, read_time


class AttributeType(StrEnum):
    """The type of an attribute's value, or of each member of a list.

    - ``quote``: words of the record.
    - ``choice``: one of the words of a closed set; ``boolean``: true or false. Both are concluded from a quote.
    - ``number``: a bare number. ``quantity``: a comparator, a number or a range, and a unit.
    - ``constraint``: a quantity with the name of what is limited. ``amount``: a dose.
    - ``instrument``: a name and a version.
    - ``duration``, ``age``, ``time_point``: a number with a unit of time.
    """

    QUOTE = "quote"
    CHOICE = "choice"
    BOOLEAN = "boolean"
    NUMBER = "number"
    QUANTITY = "quantity"
    CONSTRAINT = "constraint"
    AMOUNT = "amount"
    INSTRUMENT = "instrument"
    DURATION = "duration"
    AGE = "age"
    TIME_POINT = "time_point"

    @property
    def is_concluded(self) -> bool:
        """Whether the value is a conclusion from a quote, not something that the quote states."""
        return self in (AttributeType.CHOICE, AttributeType.BOOLEAN)


_WORDS = {"true": True, "yes": True, "false": False, "no": False}


def _read_boolean(text: str) -> bool:
    if text.strip().casefold() not in _WORDS:
        raise ValueError(f"{text!r}: write true or false")
    return _WORDS[text.strip().casefold()]


_ONE_TIME = re.compile(r"\s*[^\W\d_]*\s*[\d.,/]*\s*-?\s*[^\W\d_]*\s*")
"""A number and a unit, or the other way round: no sign, no comparator, no second time."""


def _read_one_time(kind: type[Any], text: str) -> Any:
    value = read_time(kind, text)
    if not _ONE_TIME.fullmatch(text):
        raise ValueError(f'{text!r}: write a time as one number and a unit, such as "30 day" or "2 year"')
    return value


_FORMS: Mapping[AttributeType, tuple[type[Any], Callable[[str], Any], str]] = {
    AttributeType.QUOTE: (str, str, "as a quote"),
    AttributeType.CHOICE: (str, str.strip, ""),
    AttributeType.BOOLEAN: (bool, _read_boolean, "true or false"),
    AttributeType.NUMBER: (float, read_bare_number, "a number"),
    AttributeType.QUANTITY: (Quantity, read_quantity, '"comparator number unit", such as ">= 40 %" or "3-5 mg/L"'),
    AttributeType.CONSTRAINT: (Constraint, read_limit, '"quantity: comparator number unit"'),
    AttributeType.AMOUNT: (Amount, read_amount, 'a dose, such as "300 mg/m2" or "1-2 mg"'),
    AttributeType.INSTRUMENT: (Instrument, read_instrument, '"name | version"'),
    AttributeType.DURATION: (Period, partial(_read_one_time, Period), '"4 week"'),
    AttributeType.AGE: (Age, partial(_read_one_time, Age), '"18 year"'),
    AttributeType.TIME_POINT: (TimePoint, partial(_read_one_time, TimePoint), '"30 day"'),
}
"""The class of a value, the reader of its written form, and that form in words."""
CLASSES = {held: kind for kind, (held, _, _) in _FORMS.items() if kind is not AttributeType.CHOICE} | {
    int: AttributeType.NUMBER
}
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
        value = _FORMS[self.type][1](written)
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
        if isinstance(value, tuple):
            return tuple(map(self.restore, value))
        if isinstance(value, str) and self.type not in (AttributeType.QUOTE, AttributeType.CHOICE):
            return self.read(value)  # gold may have the written form
        held = _FORMS[self.type][0]
        return held.model_validate(value.model_dump()) if isinstance(value, FrozenModel) else value

    def describe(self) -> str:
        """How a model writes the value, and what it means."""
        form = _FORMS[self.type][2] or "one of " + "; ".join(
            f"{choice.word} ({choice.meaning})" if choice.meaning else choice.word for choice in self.choices
        )
        listed = "a list, each " if self.many else ""
        return f"{self.name}: {listed}{form}" + (f". {self.definition.strip()}" if self.definition else "")

    def value_schema(self) -> dict[str, Any]:
        """The JSON schema of a value in an extraction, of one member if the attribute is a list."""
        if self.choices:
            return {"type": "string", "enum": [choice.word for choice in self.choices]}
        return TypeAdapter(_FORMS[self.type][0]).json_schema(mode="serialization")

    @property
    def json_schema(self) -> dict[str, Any]:
        """The JSON schema of what a model writes."""
        kind = {"type": "boolean"} if self.type is AttributeType.BOOLEAN else {"type": "string"}
        if self.choices:
            kind["enum"] = [choice.word for choice in self.choices]  # type: ignore[assignment]
        return {"type": "array", "items": kind} if self.many else kind
