"""The attributes of a custom field: their types, and the written form of their values.

An attribute is a value, a list of values, a nested object, or a list of nested objects. While a
value is read and checked, it is keyed by its path, such as ``methods[0].name``; ``nest`` converts
these paths to the nested values of an extraction.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from enum import StrEnum
from functools import partial
from typing import Annotated, Any, Self, cast

from pydantic import (
    BeforeValidator,
    Field,
    ValidationError,
    create_model,
    model_validator,
)
from pydantic.alias_generators import to_pascal

from extractor.concepts.own import value_forms as forms
from extractor.schemas import (
    Age,
    Amount,
    Comparison,
    Constraint,
    FieldMetadata,
    FieldRef,
    Instrument,
    Period,
    Quantity,
    TimePoint,
)
from extractor.schemas.base import FrozenModel, Number


class AttributeType(StrEnum):
    """The type of an attribute's value, or of each member of a list.

    An ``object`` has attributes of its own. ``value_class`` is the class that declares the type,
    ``read`` parses a value's written form, ``form`` describes that form to people and models, and
    ``comparison`` states how two values are compared. Choices and booleans are inferred from a
    quote; other values are stated in the text.
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
    OBJECT = "object", dict, dict, "an object", Comparison.CHOICE

    @property
    def is_inferred(self) -> bool:
        """Whether the value is inferred from a quote rather than stated in it."""
        return self in (AttributeType.CHOICE, AttributeType.BOOLEAN)


CLASSES = {
    kind.value_class: kind
    for kind in AttributeType
    if kind not in (AttributeType.CHOICE, AttributeType.OBJECT)
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


_VALUE_TOKENS = 30
_QUOTE_TOKENS = 60
_EMPTY_TOKENS = 10
"""Maximum number of output tokens for a value, and for an object with or without a quote."""
_SEVERAL = 3
"""The number of objects in a list for which the output tokens suffice."""


class AttributeSet(FrozenModel):
    """The attributes of a field or of a nested object."""

    attributes: tuple["Attribute", ...] = ()

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        if "quote" in [attribute.name for attribute in self.attributes]:
            raise ValueError(
                "quote is reserved for the words that prove a value; every value has a quote, so "
                "leave it out"
            )
        return self

    @property
    def needs_quote(self) -> bool:
        """Whether an answer needs a quote in addition to its attributes. An answer does not need
        one if its attributes are themselves quotes, or contain quotes.
        """
        types = {attribute.type for attribute in self.attributes}
        return not types <= {AttributeType.QUOTE, AttributeType.OBJECT}

    @property
    def required_names(self) -> list[str]:
        """The names of the required attributes."""
        return [attribute.name for attribute in self.attributes if attribute.required]

    @property
    def size(self) -> int:
        """The number of attributes, including those of nested objects."""
        return sum(1 + attribute.size for attribute in self.attributes)

    @property
    def object_tokens(self) -> int:
        """Maximum number of output tokens for the values of one object, without its quote."""
        return sum(attribute.tokens for attribute in self.attributes)

    @property
    def quote_tokens(self) -> int:
        """Maximum number of output tokens for the quote of one object: that of a long sentence."""
        return _QUOTE_TOKENS if self.needs_quote else _EMPTY_TOKENS

    def attribute(self, name: str) -> "Attribute":
        """Return the attribute with the given name. Raises ``KeyError``."""
        return {attribute.name: attribute for attribute in self.attributes}[name]

    def list_answers(self, written: Any) -> list[dict[str, Any]]:
        """Return the objects that a model wrote or an example contains, each as a mapping of its
        attributes.

        Values that are not mappings are assigned to the first attribute: ``"4 week"`` becomes
        ``[{"time": "4 week"}]`` and, if the first attribute is a list, ``["MRI", "CT"]`` becomes
        ``[{"methods": ["MRI", "CT"]}]``.
        """
        if written in (None, "", [], ()) or not self.attributes:
            return []
        first = self.attributes[0]
        values = written if isinstance(written, list | tuple) else [written]
        if first.many and not any(isinstance(value, dict) for value in values):
            return [{first.name: values}]
        return [
            value if isinstance(value, dict) else {first.name: value}
            for value in values
        ]

    def read_answer(
        self, answer: Mapping[str, Any], faults: list[tuple[str, str]]
    ) -> dict[str, Any] | None:
        """Read one object. Return None if it does not contain a value, or if the value of a
        required attribute is missing.

        The texts that cannot be read are added to ``faults`` as (text, reason) pairs. If all texts
        can be read, a missing value is added instead.
        """
        own_faults: list[tuple[str, str]] = []
        values: dict[str, Any] = {}
        for attribute in self.attributes:
            members = attribute.read_members(answer.get(attribute.name), own_faults)
            if members:
                values[attribute.name] = members if attribute.many else members[0]
        faults += own_faults
        missing = [name for name in self.required_names if name not in values]
        if not values or missing:
            if not own_faults:
                names = ", ".join(missing) or "a value"
                faults.append((str(answer), f"{names} is missing"))
            return None
        if self.needs_quote and answer.get("quote"):
            values["quote"] = str(answer["quote"])
        return values

    def complete(
        self, answer: Mapping[str, Any], text: str, quote: str
    ) -> dict[str, Any]:
        """Return an example's answer in the form that is requested from a model, with a ``quote``
        if the answer lacks one. The quote of a nested object is the shortest part of the ``text``
        that contains its words.
        """
        completed: dict[str, Any] = {"quote": quote} if self.needs_quote else {}
        completed |= answer
        for attribute in self.attributes:
            members = [
                attribute.complete(member, text, _find_stretch(member, text))
                for member in attribute.list_answers(answer.get(attribute.name))
            ]
            if members:
                completed[attribute.name] = members if attribute.many else members[0]
        return completed

    def list_missing(self, values: Mapping[str, Any]) -> Iterator[str]:
        """Yield the paths of the attributes without a value, such as ``methods[0].duration``."""
        for attribute in self.attributes:
            members = list_members(values.get(attribute.name))
            if not members:
                yield attribute.name
            for position, member in enumerate(members if attribute.attributes else ()):
                place = f"[{position}]" if attribute.many else ""
                for path in attribute.list_missing(member):
                    yield f"{attribute.name}{place}.{path}"

    def make_class(
        self, title: str, meaning: str, label: str | None = None
    ) -> type[FrozenModel]:
        """Create the class of the values. ``label`` is the label of each attribute for readers;
        None to use the attribute's own name.
        """
        parts: Any = {
            attribute.name: attribute.annotate(title, label)
            for attribute in self.attributes
        }
        return create_model(title, __base__=FrozenModel, __doc__=meaning, **parts)

    @property
    def object_schema(self) -> dict[str, Any]:
        """The JSON schema of one object as a model writes it."""
        keys: dict[str, Any] = {"quote": {"type": "string"}} if self.needs_quote else {}
        keys |= {attribute.name: attribute.json_schema for attribute in self.attributes}
        return {"type": "object", "properties": keys, "additionalProperties": False}


def _find_stretch(values: Mapping[str, Any], text: str) -> str:
    """Return the part of a text from the first to the last of the values that it contains word for
    word; the whole text if it contains none.
    """
    words = [str(value) for value in values.values() if not isinstance(value, dict)]
    places = [
        match.span()
        for word in words
        if (match := re.search(rf"{re.escape(word)}\w*", text))
    ]
    if not places:
        return text
    return text[min(start for start, _ in places) : max(end for _, end in places)]


class Attribute(AttributeSet):
    """A value that a field or a nested object states.

    Attributes:
        name: The key of the value.
        type: The type of the value or, for a list, of its members.
        definition: The meaning of the value, as shown to models and readers.
        many: Whether the value is a list.
        required: Whether a claim without this attribute is ignored.
        choices: The members of a closed set; empty for other types.
        patterns: Regular expressions that read the value without a model, keyed by the value that
            they indicate: a choice, the word "true" or "false", or "" if the match itself is the
            value. A list contains all matches. A pattern of nested objects names their attributes
            as groups.
        attributes: The attributes of a nested object; empty for other types.
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
        if self.attributes:
            return self._read_object(written)
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

    def _read_object(self, written: Any) -> dict[str, Any]:
        """Read a nested object, without its empty values. Raises a ``ValueError`` that states the
        attribute that cannot be read.
        """
        if not isinstance(written, Mapping):
            raise ValueError(  # noqa: TRY004 - an answer that cannot be read
                f"{self.name}: {written!r} is not an object; write its attributes by name"
            )
        for name in written.keys() - {part.name for part in self.attributes}:
            raise ValueError(f"{self.name}: has no attribute {name!r}")
        values = {}
        for part in self.attributes:
            value = written.get(part.name)
            if value in (None, "", [], ()):
                continue
            try:
                values[part.name] = part.read_all(value)
            except ValueError as error:
                reason = str(error).removeprefix(f"{part.name}: ")
                raise ValueError(f"{self.name}.{part.name}: {reason}") from error
        return values

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
        if self.attributes:
            return self._read_objects(written, faults)
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

    def _read_objects(
        self, written: Any, faults: list[tuple[str, str]]
    ) -> tuple[dict[str, Any], ...]:
        """Return the nested objects that a model wrote, as ``read_members`` does. A value that
        cannot be read does not affect the other values of its object.
        """
        own_faults: list[tuple[str, str]] = []
        answers = self.list_answers(written)
        if len(answers) > 1 and not self.many:
            own_faults.append((str(written), "write one object"))
            answers = []
        read = [self.read_answer(answer, own_faults) for answer in answers]
        faults += [(text, f"{self.name}: {reason}") for text, reason in own_faults]
        return tuple(values for values in read if values)

    @property
    def needs_quote(self) -> bool:
        """Whether a nested object needs a quote. One with several values needs a quote that ties
        them together.
        """
        return super().needs_quote or len(self.attributes) > 1

    @property
    def tokens(self) -> int:
        """Maximum number of output tokens for the value."""
        if not self.attributes:
            return _VALUE_TOKENS
        tokens = self.quote_tokens + self.object_tokens
        return tokens * _SEVERAL if self.many else tokens

    @property
    def form(self) -> str:
        """The form in which a value is written."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        if not self.attributes:
            return self.type.form
        if self.needs_quote:
            return "an object of quote (the words that state this one alone) and these"
        return "an object of these"

    def describe(self, indent: str = "") -> str:
        """Describe the form and the meaning of the value to a model, as an entry of a list. The
        attributes of a nested object are indented.
        """
        list_form = "a list, each " if self.many else ""
        description = f"{indent}- {self.name}: {list_form}{self.form}"
        if self.definition:
            description += f". {self.definition}"
        parts = [part.describe(f"{indent}  ") for part in self.attributes]
        return "\n".join([description, *parts])

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
        elif self.attributes:
            title = to_pascal(f"{owner}_{self.name}")
            value_type = self.make_class(title, self.definition)
        default: Any = None
        if self.many:
            value_type = tuple[value_type, ...]
            default = ()
        elif not self.required:
            value_type = value_type | None
        if self.required:
            default = ...  # pydantic's mark of a field without a default
        annotation = value_type
        # the attributes of a nested object have metadata of their own
        if not self.attributes:
            metadata = FieldMetadata(self.type.comparison, label=label)
            annotation = Annotated[value_type, metadata]
        return annotation, Field(default, description=self.definition or None)

    @property
    def json_schema(self) -> dict[str, Any]:
        """The JSON schema of the value as a model writes it."""
        schema: dict[str, Any] = {"type": "string"}
        if self.type is AttributeType.BOOLEAN:
            schema = {"type": "boolean"}
        elif self.choices:
            schema = {"type": "string", "enum": list(self.choices)}
        elif self.attributes:
            schema = self.object_schema
        return {"type": "array", "items": schema} if self.many else schema


def list_members(value: Any) -> tuple[Any, ...]:
    """Return the members of a list, or a single value as a tuple; an empty tuple for None."""
    if isinstance(value, tuple | list):
        return tuple(value)
    return () if value is None else (value,)


def find_root(path: str) -> str:
    """Return the attribute of a field at the start of a path: ``methods`` of
    ``methods[0].name``.
    """
    return FieldRef(path).names[0]


def nest(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Return values that are keyed by their paths as nested values. The members of a list must be
    in order.

    >>> nest({"sex": "both", "methods[0].name": "pill", "methods[1].name": "coil"})
    {'sex': 'both', 'methods': [{'name': 'pill'}, {'name': 'coil'}]}
    """
    nested: dict[str, Any] = {}
    for path, value in flat.items():
        *outer, (name, _) = FieldRef(path).steps
        place = nested
        for step, position in outer:
            if position is None:
                place = place.setdefault(step, {})
                continue
            members = place.setdefault(step, [])
            if position == len(members):
                members.append({})
            place = members[position]
        place[name] = value
    return nested


def drop_quotes(values: Any) -> Any:
    """Return the values of an answer without the quotes that prove them."""
    if isinstance(values, tuple):
        return tuple(map(drop_quotes, values))
    if not isinstance(values, dict):
        return values
    return {name: drop_quotes(part) for name, part in values.items() if name != "quote"}
