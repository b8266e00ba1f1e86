"""The attributes of a custom field: their types, and the written form of their values.

An attribute is a value, a list of values, a nested object, or a list of nested objects. While a
value is checked, it is keyed by its path, such as ``methods[0].name``; ``nest`` converts these
paths to the nested values of an extraction.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from functools import partial
from itertools import pairwise
from typing import Annotated, Any, NamedTuple, Self, cast

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from extractor.language.values import list_members
from extractor.schemas import (
    Age,
    Amount,
    Comparison,
    Constraint,
    FieldInfo,
    FieldRef,
    Instrument,
    Period,
    Quantity,
    Support,
    TimePoint,
)
from extractor.schemas.base import FrozenModel
from extractor.schemas.paths import read_path
from extractor.wire import value_forms as forms


class AttributeType(NamedTuple):
    """The type of an attribute's value, or of each member of a list.

    Attributes:
        name: The name of the type in a declaration.
        value_class: The class that declares the type.
        comparison: How two values are compared.
        form: The written form of a value, as described to people and models.
        read: The function that parses the written form.
        support: How a value follows from its quote.
    """

    name: str
    value_class: type[object]
    comparison: Comparison
    form: str
    read: Callable[[str], object] = str
    support: Support = Support.PARSED


CLASSES: Mapping[type[object], AttributeType] = {
    kind.value_class: kind
    for kind in (
        AttributeType(
            "quote", str, Comparison.EXTENT, "as a quote", str, Support.LITERAL
        ),
        AttributeType(
            "boolean",
            bool,
            Comparison.POLARITY,
            "true or false",
            forms.read_truth,
            Support.INFERRED,
        ),
        AttributeType(
            "number", float, Comparison.CHOICE, "a number", forms.read_bare_number
        ),
        AttributeType(
            "integer", int, Comparison.CHOICE, "a whole number", forms.read_whole_number
        ),
        AttributeType(
            "quantity",
            Quantity,
            Comparison.LIMIT,
            '"comparator number unit", such as ">= 40 %" or "3-5 mg/L"',
            forms.read_quantity,
        ),
        AttributeType(
            "constraint",
            Constraint,
            Comparison.LIMIT,
            '"quantity: comparator number unit"',
            forms.read_limit,
        ),
        AttributeType(
            "amount",
            Amount,
            Comparison.AMOUNT,
            'a dose, such as "300 mg/m2" or "1-2 mg"',
            forms.read_amount,
        ),
        AttributeType(
            "instrument",
            Instrument,
            Comparison.NAME,
            '"name | version"',
            forms.read_instrument,
        ),
        AttributeType(
            "duration",
            Period,
            Comparison.TIME,
            '"4 week"',
            partial(forms.read_time, Period),
        ),
        AttributeType(
            "age", Age, Comparison.TIME, '"18 year"', partial(forms.read_time, Age)
        ),
        AttributeType(
            "time_point",
            TimePoint,
            Comparison.TIME,
            '"30 day"',
            partial(forms.read_time, TimePoint),
        ),
    )
}
"""The type of an attribute, by the class that declares it."""
_TYPES = {kind.name: kind for kind in CLASSES.values()} | {
    "choice": AttributeType(
        "choice", str, Comparison.CHOICE, "a word", str, Support.INFERRED
    ),
    "object": AttributeType("object", dict, Comparison.CHOICE, "an object"),
}


Texts = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=1000)], ...],
    BeforeValidator(list_members),
    Field(max_length=200),
]
"""A single string or several strings."""


def _name_patterns(patterns: object) -> object:
    named = patterns if isinstance(patterns, Mapping) else {"": patterns}
    return {str(value): texts for value, texts in named.items()}


Patterns = Annotated[Mapping[str, Texts], BeforeValidator(_name_patterns)]
"""Regular expressions, keyed by the value that they indicate; "" if a single value or a list."""


# Chosen by hand; docs/how-to/your-own-fields.md states it.
_MOST_ATTRIBUTES = 50
"""Maximum number of attributes of a field, including those of nested objects."""
# Chosen by hand.
_VALUE_TOKENS = 30
# Chosen by hand.
_QUOTE_TOKENS = 60
# Chosen by hand.
_EMPTY_TOKENS = 10
"""Maximum number of output tokens for a plain value or a list of them, for the quote of an object,
and for the place of a quote in an object without one.
"""
# Chosen by hand.
_SEVERAL = 3
"""The number of objects in a list for which the output tokens suffice."""


Faults = list[tuple[str, str]]
"""Texts that cannot be read, each with the reason."""


class AttributeSet(FrozenModel):
    """The attributes of a field or of a nested object."""

    attributes: tuple["Attribute", ...] = ()

    @model_validator(mode="after")
    def _check_attributes(self) -> Self:
        if "quote" in self.by_name:
            raise ValueError(
                "quote is reserved for the words that prove a value; every value has a quote, so "
                "leave it out"
            )
        if self.size > _MOST_ATTRIBUTES:
            raise ValueError(
                f"has more than {_MOST_ATTRIBUTES} attributes, including nested ones; declare "
                "several fields"
            )
        return self

    @property
    def needs_quote(self) -> bool:
        """Whether an answer needs a quote in addition to its attributes. An answer does not need
        one if its attributes are themselves quotes, or contain quotes.
        """
        types = {attribute.type for attribute in self.attributes}
        return not types <= {"quote", "object"}

    @property
    def by_name(self) -> dict[str, "Attribute"]:
        """The attributes, keyed by their names."""
        return {attribute.name: attribute for attribute in self.attributes}

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
        if self.needs_quote:
            return _QUOTE_TOKENS
        return _EMPTY_TOKENS

    def list_answers(self, written: object) -> list[dict[str, object]]:
        """Return the objects that a model wrote or an example contains, each as a mapping of its
        attributes.

        Values that are not mappings are assigned to the first attribute: ``"4 week"`` becomes
        ``[{"time": "4 week"}]`` and, if the first attribute is a list, ``["MRI", "CT"]`` becomes
        ``[{"methods": ["MRI", "CT"]}]``.
        """
        values = list_members(written)
        if written == "" or not values or not self.attributes:
            return []
        first = self.attributes[0]
        # ["MRI", "CT"] is one answer with two methods, not two answers
        if first.many and not any(isinstance(value, dict) for value in values):
            return [{first.name: values}]
        answers: list[dict[str, object]] = []
        for value in values:
            if isinstance(value, dict):
                answers.append(value)
            else:
                answers.append({first.name: value})
        return answers

    def read_answer(
        self,
        answer: Mapping[str, object],
        place: str,
        faults: Faults,
        *,
        strict: bool = False,
    ) -> dict[str, object]:
        """Read one object. The texts that cannot be read are added to ``faults``, with the reason
        and its ``place``. Empty values are skipped.

        A person's gold (``strict``) must have no other keys. In a model's answer, an object without
        a value or without a required attribute is empty; this is a fault of its own if all texts
        can be read.
        """
        known_faults = len(faults)
        values: dict[str, object] = {}
        for attribute in self.attributes:
            written = answer.get(attribute.name)
            members = attribute.read_members(written, place, faults, strict=strict)
            if members:
                values[attribute.name] = attribute.pack(members)
        # a key that a person misspelt would otherwise be lost without a word
        if strict:
            faults += [
                (name, f"{place}: has no attribute {name!r}")
                for name in answer
                if name not in self.by_name
            ]
            return values
        missing = [name for name in self.required_names if name not in values]
        if missing or not values:
            if len(faults) == known_faults:
                names = ", ".join(missing) or "a value"
                faults.append((str(answer), f"{place}: {names} is missing"))
            return {}
        if self.needs_quote and answer.get("quote"):
            values["quote"] = str(answer["quote"])
        return values

    def complete(
        self, answer: Mapping[str, object], text: str, quote: str
    ) -> dict[str, object]:
        """Return an example's answer in the form that is requested from a model, with a ``quote``
        if the answer lacks one. The quote of a nested object is the shortest part of the ``text``
        that contains its words.
        """
        completed: dict[str, object] = {}
        if self.needs_quote:
            completed["quote"] = quote
        # a quote of the answer itself takes precedence
        completed |= answer
        for attribute in self.attributes:
            members = [
                attribute.complete(member, text, _find_stretch(member, text))
                for member in attribute.list_answers(answer.get(attribute.name))
            ]
            if members:
                completed[attribute.name] = attribute.pack(members)
        return completed

    def list_missing(self, values: Mapping[str, object]) -> Iterator[str]:
        """Yield the paths of the attributes without a value, such as ``methods[0].duration``."""
        for attribute in self.attributes:
            members = list_members(values.get(attribute.name))
            if not members:
                yield attribute.name
            for position, member in enumerate(members):
                place = ""
                # the place in "methods[0].duration"
                if attribute.many:
                    place = f"[{position}]"
                if isinstance(member, Mapping):
                    for path in attribute.list_missing(member):
                        yield f"{attribute.name}{place}.{path}"

    def list_tables(self, name: str) -> Iterator[str]:
        """Yield the names of the tables of nested lists; they begin with ``name``."""
        for attribute in self.attributes:
            path = f"{name}_{attribute.name}"
            if attribute.many and attribute.attributes:
                yield path
            yield from attribute.list_tables(path)

    def list_fields(self, path: str, label: str = "") -> Iterator[FieldInfo]:
        """Yield the fields of the values at ``path``, with those of nested objects. ``label`` is
        the name of the attributes for readers; by default, each attribute's own name.
        """
        for attribute in self.attributes:
            kind = attribute.kind
            if attribute.attributes:
                yield from attribute.list_fields(f"{path}.{attribute.name}")
                continue
            value_class: object = kind.value_class
            if attribute.choices:
                # a choice such as "high grade" cannot be the name of a member
                words = {f"word{n}": word for n, word in enumerate(attribute.choices)}
                value_class = cast("Any", StrEnum)(attribute.name, words)
            yield FieldInfo(kind.comparison, label=label).of(
                path,
                attribute.name,
                type=value_class,
                many=attribute.many,
                required=attribute.required,
            )

    @property
    def object_schema(self) -> dict[str, object]:
        """The JSON schema of one object as a model writes it."""
        keys: dict[str, object] = {}
        if self.needs_quote:
            keys["quote"] = {"type": "string"}
        keys |= {attribute.name: attribute.json_schema for attribute in self.attributes}
        return {"type": "object", "properties": keys, "additionalProperties": False}


def _find_stretch(values: Mapping[str, object], text: str) -> str:
    """Return the part of a text from the first to the last of the values that it contains word for
    word; the whole text if it contains none.
    """
    starts: list[int] = []
    ends: list[int] = []
    for value in values.values():
        if isinstance(value, dict):
            continue
        # the value "steroid" may be stated as "steroids", and a quote consists of whole words
        match = re.search(rf"{re.escape(str(value))}\w*", text)
        if match:
            starts.append(match.start())
            ends.append(match.end())
    if not starts:
        return text
    return text[min(starts) : max(ends)]


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
    type: str = Field(pattern=f"^({'|'.join(_TYPES)})$")
    definition: str = Field(default="", max_length=1000)
    many: bool = False
    required: bool = False
    choices: Texts = ()
    patterns: Patterns = Field(default_factory=dict)

    @property
    def kind(self) -> AttributeType:
        """The type with its class and its written form."""
        return _TYPES[self.type]

    def read(self, written: object) -> object:
        """Read one value from its written form or from an extraction. Raises a ``ValueError`` that
        states the allowed form.

        >>> Attribute(name="stable_for", type="duration").read("4 weeks")
        Period(value=4, unit=<TimeUnit.WEEK: 'week'>)
        """
        value_class = self.kind.value_class
        # an extraction contains the object itself, a model or an example writes a string
        is_object = isinstance(written, Mapping | FrozenModel)
        if is_object and issubclass(value_class, FrozenModel):
            # what is no such object is refused below
            with suppress(ValidationError):
                # from attributes: a stored "4 week" may be an Age, where the class is a duration
                return value_class.model_validate(written, from_attributes=True)
        if written == "" or not isinstance(written, str | int | float):
            raise ValueError(
                f"{written!r} is not of type {self.type}; write {self.form}"
            )
        text = str(written).strip()
        if not self.choices:
            return self.kind.read(text)
        for word in self.choices:
            if word.casefold() == text.casefold():
                return word
        raise ValueError(f"{text!r} is none of: {', '.join(self.choices)}")

    def pack(self, members: Sequence[object]) -> object:
        """Return the members as a list if the attribute is a list; otherwise, the only one."""
        if self.many:
            return members
        return members[0]

    def read_members(
        self, written: object, place: str, faults: Faults, *, strict: bool = False
    ) -> tuple[object, ...]:
        """Return the members of a list or the single value, without empty values. Values that
        cannot be read, such as a list for an attribute that is not a list, are added to ``faults``,
        and do not affect other values, as in ``read_answer``.
        """
        place = f"{place}.{self.name}"
        if self.attributes:
            answers = self.list_answers(written)
            if len(answers) > 1 and not self.many:
                faults.append((str(written), f"{place}: write one object"))
                return ()
            objects = [
                self.read_answer(answer, place, faults, strict=strict)
                for answer in answers
            ]
            return tuple(filter(None, objects))
        candidates: Sequence[object] = (written,)
        if self.many:
            candidates = list_members(written)
        members = []
        for member in candidates:
            if member in (None, "", []):
                continue
            try:
                members.append(self.read(member))
            except ValueError as error:
                faults.append((str(member), f"{place}: {error}"))
        return tuple(members)

    @property
    def needs_quote(self) -> bool:
        """Whether a nested object needs a quote. One with several values needs a quote that ties
        them together.
        """
        return super().needs_quote or len(self.attributes) > 1

    @property
    def tokens(self) -> int:
        """Maximum number of output tokens for the attribute: for a plain value or a list of them;
        for a nested object; or for a list of objects.
        """
        if not self.attributes:
            # short words, of which the limit leaves room for several
            return _VALUE_TOKENS
        tokens_per_object = self.quote_tokens + self.object_tokens
        if self.many:
            return tokens_per_object * _SEVERAL
        return tokens_per_object

    @property
    def form(self) -> str:
        """The form in which a value is written."""
        # a model copies one of these words
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        if not self.attributes:
            return self.kind.form
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

    @property
    def json_schema(self) -> dict[str, object]:
        """The JSON schema of the value as a model writes it."""
        # Small models copy words well, but are bad at filling in nested numbers.
        schema: dict[str, object] = {"type": "string"}
        if self.type == "boolean":
            schema = {"type": "boolean"}
        elif self.choices:
            schema = {"type": "string", "enum": list(self.choices)}
        elif self.attributes:
            schema = self.object_schema
        if self.many:
            return {"type": "array", "items": schema}
        return schema


def find_root(path: str) -> str:
    """Return the attribute of a field at the start of a path: ``methods`` of
    ``methods[0].name``.
    """
    return FieldRef(path).names[0]


def nest(flat: Mapping[str, object]) -> dict[str, object]:
    """Return values that are keyed by their paths as nested values. The members of a list must be
    in order.

    >>> nest({"sex": "both", "methods[0].name": "pill", "methods[1].name": "coil"})
    {'sex': 'both', 'methods': [{'name': 'pill'}, {'name': 'coil'}]}
    """
    nested: dict[str, Any] = {}
    for path, value in flat.items():
        steps = read_path(path)
        place: Any = nested
        for step, following in pairwise(steps):
            if isinstance(step, str):
                # a name is followed by a position in a list, or by a name in an object
                empty: Any = {}
                if isinstance(following, int):
                    empty = []
                place = place.setdefault(step, empty)
                continue
            if step == len(place):
                place.append({})
            place = place[step]
        place[steps[-1]] = value
    return nested
