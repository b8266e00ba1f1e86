"""The attributes of a custom field: their types, and the written form of their values."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import StrEnum
from functools import partial
from typing import Annotated, Any, Self, cast

from pydantic import BeforeValidator, Field, ValidationError
from pydantic.alias_generators import to_pascal

from extractor.concepts.own import value_forms as forms
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

    ``value_class`` is the class that declares the type, ``read`` parses a value's written form,
    ``form`` describes that form to people and models, and ``comparison`` states how two values are
    compared. Choices and booleans are inferred from a quote; other values are stated in the text.
    """

    value_class: type[Any]
    read: Callable[[str], Any]
    form: str
    comparison: Comparison

    def __new__(
        cls,
        value: str,
        value_class: type[Any],
        read: Callable[[str], Any],
        form: str,
        comparison: Comparison,
    ) -> Self:
        kind = str.__new__(cls, value)
        kind._value_ = value
        kind.value_class = value_class
        kind.read = read
        kind.form = form
        kind.comparison = comparison
        return kind

    QUOTE = "quote", str, str, "as a quote", Comparison.EXTENT
    CHOICE = "choice", str, str.strip, "a word", Comparison.CHOICE
    BOOLEAN = "boolean", bool, forms.read_truth, "true or false", Comparison.POLARITY
    NUMBER = "number", float, forms.read_bare_number, "a number", Comparison.CHOICE
    INTEGER = (
        "integer",
        int,
        forms.read_whole_number,
        "a whole number",
        Comparison.CHOICE,
    )
    QUANTITY = (
        "quantity",
        Quantity,
        forms.read_quantity,
        '"comparator number unit", such as ">= 40 %" or "3-5 mg/L"',
        Comparison.LIMIT,
    )
    CONSTRAINT = (
        "constraint",
        Constraint,
        forms.read_limit,
        '"quantity: comparator number unit"',
        Comparison.LIMIT,
    )
    AMOUNT = (
        "amount",
        Amount,
        forms.read_amount,
        'a dose, such as "300 mg/m2" or "1-2 mg"',
        Comparison.AMOUNT,
    )
    INSTRUMENT = (
        "instrument",
        Instrument,
        forms.read_instrument,
        '"name | version"',
        Comparison.NAME,
    )
    DURATION = (
        "duration",
        Period,
        partial(forms.read_time, Period),
        '"4 week"',
        Comparison.TIME,
    )
    AGE = (
        "age",
        Age,
        partial(forms.read_time, Age),
        '"18 year"',
        Comparison.TIME,
    )
    TIME_POINT = (
        "time_point",
        TimePoint,
        partial(forms.read_time, TimePoint),
        '"30 day"',
        Comparison.TIME,
    )

    @property
    def is_inferred(self) -> bool:
        """Whether the value is inferred from a quote rather than stated in it."""
        return self in (AttributeType.CHOICE, AttributeType.BOOLEAN)


CLASSES = {
    kind.value_class: kind for kind in AttributeType if kind != AttributeType.CHOICE
}
"""The type of an attribute, by the class that declares it."""


def _list_words(words: Any) -> Any:
    return (words,) if isinstance(words, str) else words


Words = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=1000)], ...],
    BeforeValidator(_list_words),
    Field(max_length=200),
]
"""A single string or several strings."""


class Attribute(FrozenModel):
    """A value that a field states.

    Attributes:
        name: The key of the value.
        type: The type of the value or, for a list, of its members.
        definition: The meaning of the value, as shown to models and readers.
        many: Whether the value is a list.
        required: Whether a claim without this attribute is ignored.
        choices: The members of a closed set; empty for other types.
        patterns: Regular expressions that read the value without a model, keyed by the value that
            they indicate: a choice, the word "true" or "false", or "" if the match itself is the
            value. A list contains all matches.
    """

    name: str = Field(pattern=r"^[a-z]\w{0,39}$")
    type: AttributeType
    definition: str = Field(default="", max_length=1000)
    many: bool = False
    required: bool = False
    choices: Words = ()
    patterns: Mapping[str, Words] = Field(default_factory=dict)

    def read(self, written: Any) -> Any:
        """Read one value from its written form or from an extraction. Raises a ``ValueError`` that
        states the allowed form.

        >>> Attribute(name="stable_for", type="duration").read("4 weeks")
        Period(value=4, unit=<TimeUnit.WEEK: 'week'>)
        """
        # a stored "4 week" may be an Age, although the attribute is a duration
        if isinstance(written, FrozenModel):
            written = written.model_dump()
        if isinstance(written, Mapping) and issubclass(
            self.type.value_class, FrozenModel
        ):
            with suppress(ValidationError):
                return self.type.value_class.model_validate(written)
        if written == "" or not isinstance(written, str | int | float):
            raise ValueError(
                f"{self.name}: {written!r} is not of type {self.type}; write {self.form}"
            )
        value = self.type.read(str(written).strip())
        if not self.choices:
            return value
        for word in self.choices:
            if word.casefold() == value.casefold():
                return word
        raise ValueError(
            f"{self.name}: {value!r} is none of: {', '.join(self.choices)}"
        )

    def read_all(self, written: Any) -> Any:
        """Read a value, or all members if the attribute is a list. Raises ``ValueError`` if a value
        cannot be read.
        """
        if not self.many:
            return self.read(written)
        members = written if isinstance(written, list | tuple) else [written]
        return tuple(map(self.read, members))

    def read_members(
        self, written: Any, faults: list[tuple[str, str]]
    ) -> tuple[Any, ...]:
        """Return the values that a model wrote: the members if the attribute is a list; otherwise,
        the single value. Empty values are skipped. Values that cannot be read, such as a list for
        an attribute that is not a list, are added to ``faults`` as (text, reason) pairs.
        """
        is_list = self.many and isinstance(written, list | tuple)
        written_members: Any = written if is_list else [written]
        members = []
        for member in written_members:
            if member in (None, "", []):
                continue
            try:
                members.append(self.read(member))
            except ValueError as error:
                faults.append((str(member), str(error)))
        return tuple(members)

    @property
    def form(self) -> str:
        """The form in which a value is written."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        return self.type.form

    def describe(self) -> str:
        """Describe the form and the meaning of the value to a model."""
        list_form = "a list, each " if self.many else ""
        description = f"{self.name}: {list_form}{self.form}"
        if self.definition:
            description += f". {self.definition}"
        return description

    def annotate(self, owner: str, label: str | None) -> tuple[Any, Any]:
        """Return the annotation and the default of the attribute in the class of a field's values.

        Args:
            owner: The name of that class.
            label: The name of the attribute for readers; None to use the attribute's own name.
        """
        value_type: Any = self.type.value_class
        if self.choices:
            # a choice such as "high grade" cannot be the name of a member
            words = {f"word{n}": word for n, word in enumerate(self.choices)}
            value_type = cast("Any", StrEnum)(to_pascal(f"{owner}_{self.name}"), words)
        elif self.type is AttributeType.NUMBER:
            value_type = Number
        default: Any = None
        if self.many:
            value_type = tuple[value_type, ...]
            default = ()
        elif not self.required:
            value_type = value_type | None
        if self.required:
            default = ...  # pydantic's mark of a field without a default
        annotation = Annotated[
            value_type, FieldMetadata(self.type.comparison, label=label)
        ]
        return annotation, Field(default, description=self.definition or None)

    @property
    def json_schema(self) -> dict[str, Any]:
        """The JSON schema of the value as a model writes it."""
        schema: dict[str, Any] = {"type": "string"}
        if self.type is AttributeType.BOOLEAN:
            schema = {"type": "boolean"}
        elif self.choices:
            schema = {"type": "string", "enum": list(self.choices)}
        return {"type": "array", "items": schema} if self.many else schema


def list_members(value: Any) -> tuple[Any, ...]:
    """Return the members of a list, or a single value as a tuple; an empty tuple for None."""
    if isinstance(value, tuple):
        return value
    return () if value is None else (value,)
