"""The attributes of a user's field: their types, the form in which a value is written, and its
reader.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import date
from enum import StrEnum
from functools import partial
from typing import Annotated, Any, Self, cast

from pydantic import Field, ValidationError, create_model, model_validator
from pydantic.alias_generators import to_pascal

from extractor.concepts.own.value_forms import (
    read_amount,
    read_bare_number,
    read_date,
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
    - ``number``, ``integer``: a bare number. ``date``: a day, as ISO 8601 writes it.
    - ``quantity``: a comparator, a number or a range, and a unit.
    - ``constraint``: a quantity with the name of what is limited. ``amount``: a dose.
    - ``instrument``: a name and a version.
    - ``duration``, ``age``, ``time_point``: a number with a unit of time.
    - ``object``: a table of parts, each an attribute of its own.

    ``held`` is the class that declares it, ``read`` makes a value of its written form, ``form``
    describes that form to people and models, and ``comparison`` is how two values are compared.
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
    CHOICE = "choice", str, str.strip, "a word", Comparison.CHOICE
    BOOLEAN = "boolean", bool, read_truth, "true or false", Comparison.POLARITY
    NUMBER = "number", float, read_bare_number, "a number", Comparison.CHOICE
    INTEGER = "integer", int, read_whole_number, "a whole number", Comparison.CHOICE
    DATE = (
        "date",
        date,
        read_date,
        '"year-month-day", such as "2024-05-31"',
        Comparison.CHOICE,
    )
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
    INSTRUMENT = (
        "instrument",
        Instrument,
        read_instrument,
        '"name | version"',
        Comparison.NAME,
    )
    DURATION = (
        "duration",
        Period,
        partial(read_one_time, Period),
        '"4 week"',
        Comparison.TIME,
    )
    AGE = "age", Age, partial(read_one_time, Age), '"18 year"', Comparison.TIME
    TIME_POINT = (
        "time_point",
        TimePoint,
        partial(read_one_time, TimePoint),
        '"30 day"',
        Comparison.TIME,
    )
    OBJECT = "object", dict, str, "an object", Comparison.CHOICE

    @property
    def is_concluded(self) -> bool:
        """Whether the value is a conclusion from a quote, not something that the quote states."""
        return self in (AttributeType.CHOICE, AttributeType.BOOLEAN, AttributeType.DATE)

    @property
    def is_written(self) -> bool:
        """Whether people write a value as text: "< 40 %"."""
        return self not in (
            AttributeType.CHOICE,
            AttributeType.BOOLEAN,
            AttributeType.OBJECT,
        )


_NOT_FROM_A_CLASS = (AttributeType.CHOICE, AttributeType.OBJECT)
CLASSES = {kind.held: kind for kind in AttributeType if kind not in _NOT_FROM_A_CLASS}
"""The type of an attribute by the class that declares it."""


class Pattern(FrozenModel):
    """A pattern of the rule book's language that reads an attribute without a model.

    The value is what the pattern finds, or ``gives``: the word of a choice, or whether something
    holds.
    """

    text: str = Field(min_length=1, max_length=1000)
    gives: str | None = None


class Attribute(FrozenModel):
    """One thing that a field says.

    Attributes:
        name: Its key.
        type: The type of its value.
        definition: What it is, for a model and for readers.
        many: Whether it is a list.
        required: Whether the field says nothing without it.
        choices: The words of a choice.
        parts: The attributes of an object.
        examples: Values in their written form.
        patterns: What reads it without a model. A list has all that they find.
    """

    name: str = Field(pattern=r"^[a-z]\w{0,39}$")
    type: AttributeType
    definition: str = Field(default="", max_length=1000)
    many: bool = False
    required: bool = False
    choices: tuple[Annotated[str, Field(min_length=1, max_length=80)], ...] = ()
    parts: tuple["Attribute", ...] = ()
    examples: tuple[Any, ...] = ()
    patterns: tuple[Pattern, ...] = ()

    @model_validator(mode="after")
    def _examples_can_be_read(self) -> Self:
        """Raise ``ValueError`` if an example, or what a pattern gives, is no value of this type."""
        for example in self.examples:
            self.read_all(example)
        for pattern in self.patterns:
            if pattern.gives:
                self.read_all(pattern.gives)
        return self

    def read(self, given: Any) -> Any:
        """Read one value: its written form, or a value of an extraction.

        Raises ``ValueError`` with the allowed form.

        >>> Attribute(name="stable_for", type="duration").read("4 weeks")
        Period(value=4, unit=<TimeUnit.WEEK: 'week'>)
        """
        if self.parts and isinstance(given, dict):
            values, faults = read_parts(self.parts, given)
            if faults:
                raise ValueError(f"{self.name}: {faults[0][1]}")
            return values
        held = self.type.held
        if isinstance(given, FrozenModel):  # a stored time may have another class
            given = given.model_dump()
        if isinstance(given, dict) and issubclass(held, FrozenModel):
            with suppress(ValidationError):
                return held.model_validate(given)
        written = self._write(given)
        if not written.strip() or self.parts:
            shown = written or given
            raise ValueError(
                f"{self.name}: {shown!r} is no {self.type}; write {self.form}"
            )
        value = self.type.read(written)
        return self._choose(value, written) if self.choices else value

    def _write(self, given: Any) -> str:
        """Return the written form of a value; "" for what has none."""
        if isinstance(given, str):
            return given
        if isinstance(given, bool) and self.type.held is not bool:
            return ""
        return str(given) if isinstance(given, int | float | date) else ""

    def _choose(self, value: str, written: str) -> str:
        """Return the word of the closed set that a value is, in any case. Raises ``ValueError``."""
        for word in reversed(self.choices):
            if word.casefold() == value.casefold():
                return word
        raise ValueError(
            f"{self.name}: {written!r} is none of: {', '.join(self.choices)}"
        )

    def read_all(self, given: Any) -> Any:
        """Read a value, or all members if the attribute is a list. Raises ``ValueError``."""
        if not self.many:
            return self.read(given)
        members = given if isinstance(given, list | tuple) else [given]
        return tuple(map(self.read, members))

    @property
    def form(self) -> str:
        """How a value is written."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        if self.parts:
            return f"an object of {'; '.join(part.describe() for part in self.parts)}"
        return self.type.form

    def describe(self) -> str:
        """Say how a model writes the value, and what it means."""
        listed = "a list, each " if self.many else ""
        description = f"{self.name}: {listed}{self.form}"
        if self.definition:
            description += f". {self.definition}"
        if self.examples:
            description += f" Such as: {'; '.join(map(str, self.examples))}"
        return description

    def annotate(self, owner: str, label: str | None) -> tuple[Any, Any]:
        """Return annotation and default of its field in the class of values ``owner``."""
        held: Any = self._make_type(to_pascal(f"{owner}_{self.name}"))
        default: Any = () if self.many else None
        if self.many:
            held = tuple[held, ...]
        elif not self.required:
            held = held | None
        if self.required:
            default = ...
        annotation = Annotated[held, FieldMetadata(self.type.comparison, label=label)]
        return annotation, Field(default, description=self.definition or None)

    def _make_type(self, title: str) -> Any:
        """Return the type of one value. A class that is made for it has the name ``title``."""
        if self.choices:
            words = {f"word{n}": word for n, word in enumerate(self.choices)}
            return cast("Any", StrEnum)(title, words)
        if self.parts:
            return make_class(title, self.parts, self.definition)
        if self.type is AttributeType.NUMBER:
            return Number
        if self.type is AttributeType.DATE:
            return str
        return self.type.held

    @property
    def json_schema(self) -> dict[str, Any]:
        """The JSON schema of what a model writes."""
        schema: dict[str, Any] = {"type": "string"}
        if self.type is AttributeType.BOOLEAN:
            schema = {"type": "boolean"}
        elif self.choices:
            schema = {"type": "string", "enum": list(self.choices)}
        elif self.parts:
            schema = describe_keys(self.parts)
        return {"type": "array", "items": schema} if self.many else schema


Faults = list[tuple[str, str]]
"""What cannot be read: the text and the reason."""


def list_members(value: Any) -> tuple[Any, ...]:
    """Return the members of a list, or the value; none without a value."""
    if isinstance(value, tuple):
        return value
    return () if value is None else (value,)


def read_parts(
    attributes: Iterable[Attribute], given: Mapping[str, Any]
) -> tuple[dict[str, Any], Faults]:
    """Return the values by attribute, and what cannot be read.

    A member of a list that cannot be read costs no other member. Without one that is required there
    are no values.
    """
    values: dict[str, Any] = {}
    faults: Faults = []
    lacking: list[str] = []
    for attribute in attributes:
        members, wrong = _read_members(attribute, given.get(attribute.name))
        faults += wrong
        if members:
            values[attribute.name] = tuple(members) if attribute.many else members[0]
        elif attribute.required:
            lacking.append(attribute.name)
    if values and not lacking:
        return values, faults
    if not faults:
        missing = ", ".join(lacking) or "a value"
        faults = [(str(given), f"{missing} is missing")]
    return {}, faults


def _read_members(attribute: Attribute, written: Any) -> tuple[list[Any], Faults]:
    """Return the members of a list that can be read, or one value, and what cannot be read."""
    is_list = attribute.many and isinstance(written, list | tuple)
    members: list[Any] = []
    faults: Faults = []
    for member in written if is_list else [written]:
        value, wrong = _read_member(attribute, member)
        if value is not None:
            members.append(value)
        faults += wrong
    return members, faults


def _read_member(attribute: Attribute, written: Any) -> tuple[Any, Faults]:
    """Return a value, or None, and what cannot be read; of an object, the parts that can be."""
    if written in (None, "", []):
        return None, []
    if attribute.parts and isinstance(written, dict):
        values, faults = read_parts(attribute.parts, written)
        located = [(text, f"{attribute.name}: {reason}") for text, reason in faults]
        return values or None, located
    try:
        return attribute.read(written), []
    except ValueError as error:
        return None, [(str(written), str(error))]


def describe_keys(attributes: Iterable[Attribute], *first: str) -> dict[str, Any]:
    """Return the JSON schema of an object with these attributes, behind ``first`` keys of text."""
    keys: dict[str, Any] = {key: {"type": "string"} for key in first}
    for attribute in attributes:
        keys[attribute.name] = attribute.json_schema
    return {"type": "object", "properties": keys, "additionalProperties": False}


def make_class(
    title: str,
    attributes: Iterable[Attribute],
    definition: str,
    label: str | None = None,
) -> type[FrozenModel]:
    """Make the class of a field's values, in which each attribute is a field with its metadata.

    ``label`` is what people read of the only attribute; by default its name.
    """
    fields: Any = {}
    for attribute in attributes:
        fields[attribute.name] = attribute.annotate(title, label)
    return create_model(title, __base__=FrozenModel, __doc__=definition, **fields)
