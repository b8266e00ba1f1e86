"""The attributes of a user's field: their types, the form in which a value is written, and its
reader.
"""

from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from functools import partial
from typing import Annotated, Any, Self, cast

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic.alias_generators import to_pascal

from extractor.concepts.own.value_forms import (
    read_amount,
    read_bare_number,
    read_instrument,
    read_limit,
    read_one_time,
    read_quantity,
    read_truth,
    read_whole_number,
)
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


class AttributeType(StrEnum):
    """The type of an attribute's value, or of each member of a list.

    - ``quote``: words of the record.
    - ``choice``: one of the words of a closed set; ``boolean``: true or false. Both are concluded
      from a quote.
    - ``number``, ``integer``: a bare number. ``quantity``: a comparator, a number or a range, and a
      unit.
    - ``constraint``: a quantity with the name of what is limited. ``amount``: a dose.
    - ``instrument``: a name and a version.
    - ``duration``, ``age``, ``time_point``: a number with a unit of time.

    ``held`` is the class of its values, ``read`` makes one of its written form, ``form`` describes
    that form to people and models, and ``comparison`` is how two values are compared.
    """

    held: type[Any]
    read: Callable[[str], Any]
    form: str
    comparison: Comparison

    def __new__(
        cls,
        value: str,
        held: type[Any],
        read: Callable[[str], Any],
        form: str,
        comparison: Comparison,
    ) -> Self:
        kind = str.__new__(cls, value)
        kind._value_ = value
        kind.held = held
        kind.read = read
        kind.form = form
        kind.comparison = comparison
        return kind

    QUOTE = "quote", str, str, "as a quote", Comparison.EXTENT
    CHOICE = "choice", str, str.strip, "", Comparison.CHOICE
    BOOLEAN = "boolean", bool, read_truth, "true or false", Comparison.POLARITY
    NUMBER = "number", float, read_bare_number, "a number", Comparison.CHOICE
    INTEGER = "integer", int, read_whole_number, "a whole number", Comparison.CHOICE
    QUANTITY = (
        "quantity",
        Quantity,
        read_quantity,
        '"comparator number unit", such as ">= 40 %" or "3-5 mg/L"',
        Comparison.LIMIT,
    )
    CONSTRAINT = (
        "constraint",
        Constraint,
        read_limit,
        '"quantity: comparator number unit"',
        Comparison.LIMIT,
    )
    AMOUNT = (
        "amount",
        Amount,
        read_amount,
        'a dose, such as "300 mg/m2" or "1-2 mg"',
        Comparison.AMOUNT,
    )
    INSTRUMENT = "instrument", Instrument, read_instrument, '"name | version"', Comparison.NAME
    DURATION = "duration", Period, partial(read_one_time, Period), '"4 week"', Comparison.TIME
    AGE = "age", Age, partial(read_one_time, Age), '"18 year"', Comparison.TIME
    TIME_POINT = (
        "time_point",
        TimePoint,
        partial(read_one_time, TimePoint),
        '"30 day"',
        Comparison.TIME,
    )

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
    """One thing that a field says. ``many``: a list. ``required``: without it the field says
    nothing.
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
        """Take words alone, or a table of words and their meanings."""
        if isinstance(given, dict):
            return [{"word": word, "meaning": meaning} for word, meaning in given.items()]
        return (
            [{"word": one} if isinstance(one, str) else one for one in given]
            if isinstance(given, list)
            else given
        )

    @model_validator(mode="after")
    def _choices_fit(self) -> Self:
        words = [choice.word for choice in self.choices]
        if (self.type is AttributeType.CHOICE) != bool(words):
            raise ValueError(
                f"{self.name}: a choice needs its words in 'choices', and no other type has them"
            )
        if len(words) != len({word.casefold() for word in words}):
            raise ValueError(f"{self.name}: two choices are the same word: {', '.join(words)}")
        return self

    def read(self, given: Any) -> Any:
        """Read one value: its written form, or a value of an extraction. Raises ``ValueError`` with
        the allowed form.

        >>> Attribute(name="stable_for", type="duration").read("4 weeks")
        Period(value=4, unit=<TimeUnit.WEEK: 'week'>)
        """
        held = self.type.held
        if isinstance(given, FrozenModel) and issubclass(held, FrozenModel):
            with suppress(ValidationError):  # a stored time may have another class
                return held.model_validate(given.model_dump())
        if type(given) is held and held is not str:
            return given
        if isinstance(given, int | float) and not isinstance(given, bool):
            given = str(given)
        if not isinstance(given, str) or not given.strip():
            raise ValueError(
                f"{self.name}: {given!r} is no {self.type}; write {self.type.form or 'a word'}"
            )
        value = self.type.read(given)
        if self.type is AttributeType.CHOICE:
            known = {choice.word.casefold(): choice.word for choice in self.choices}
            if value.casefold() not in known:
                raise ValueError(f"{self.name}: {value!r} is none of: {', '.join(known.values())}")
            return known[value.casefold()]
        return value

    def read_all(self, given: Any) -> Any:
        """Read a value, or all members if the attribute is a list. Raises ``ValueError``."""
        if not self.many:
            return self.read(given)
        return tuple(map(self.read, given if isinstance(given, list | tuple) else [given]))

    def annotate(self, owner: str, label: str) -> tuple[Any, Any]:
        """Return annotation and default of its field in the model of ``owner``; ``label`` is its
        name for people.
        """
        held: Any = Number if self.type is AttributeType.NUMBER else self.type.held
        if self.choices:
            words = {f"word{n}": one.word for n, one in enumerate(self.choices)}
            held = cast("Any", StrEnum)(to_pascal(f"{owner}_{self.name}"), words)
        if self.many:
            said = cast("Any", tuple)[held, ...]
        elif self.required:
            said = held
        else:
            said = held | None
        default = Field(
            ... if self.required else () if self.many else None, description=self.definition or None
        )
        return Annotated[said, FieldMetadata(self.type.comparison, label=label)], default

    def describe(self) -> str:
        """Say how a model writes the value, and what it means."""
        form = self.type.form or "one of " + "; ".join(
            f"{choice.word} ({choice.meaning})" if choice.meaning else choice.word
            for choice in self.choices
        )
        listed = "a list, each " if self.many else ""
        return f"{self.name}: {listed}{form}" + (
            f". {self.definition.strip()}" if self.definition else ""
        )

    @property
    def json_schema(self) -> dict[str, Any]:
        """The JSON schema of what a model writes."""
        kind: dict[str, Any] = {
            "type": "boolean" if self.type is AttributeType.BOOLEAN else "string"
        }
        if self.choices:
            kind["enum"] = [choice.word for choice in self.choices]
        return {"type": "array", "items": kind} if self.many else kind
