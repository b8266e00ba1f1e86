"""Declare a field by a JSON Schema, as pydantic's ``model_json_schema()`` writes it.

A schema may come from anybody. It is read as data: nothing of it is run, no class is made of its
names, and no expression of it is compiled. Its size, its depth and its parts are limited, each use
of a definition counted.

What is read: objects with ``properties`` and ``required``, ``$ref`` into ``$defs``, arrays of one
type, ``enum`` and ``const`` of text, ``anyOf`` of one type and null, and the types string (also of
the format ``date``), integer, number and boolean. The models of ``extractor.schemas``, such as
``Quantity``, are known by their titles and properties. ``description`` and ``examples`` go to the
model that is asked. Limits, such as ``minimum``, and a ``default`` are no part of the question, as
in Python.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from extractor.concepts.own.attributes import CLASSES, Attribute, AttributeType
from extractor.concepts.own.declaration import CustomField, Example
from extractor.errors import FieldError
from extractor.schemas.arguments import suggest

MOST_CHARACTERS = 20_000
"""Most characters of a schema."""
_MOST_DEPTH = 8
"""Most objects, arrays and references within each other."""
_MOST_PARTS = 200
"""Most attributes and types of a schema, each use of a definition counted."""
_MOST_EXAMPLES = 20
_MOST_CHOICES = 200
_MOST_SHOWN = 60
"""Most characters of a schema's own words in a message."""
_OF_FIELD = frozenset(CustomField.model_fields) - {
    "definition",
    "attributes",
    "confidence",
}
"""What an object says of the field beside its properties, as a model does in its
``json_schema_extra``.
"""
_SAID = frozenset(
    {"title", "description", "default", "examples", "deprecated", "readOnly"}
)
_LIMITS = frozenset(
    {
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "uniqueItems",
    }
)
"""Keywords that say which values are allowed. They are no part of the question."""
_OF_OBJECT = frozenset(
    {"type", "properties", "required", "additionalProperties", "$defs"}
)
_OF_DOCUMENT = frozenset({"$schema", "$id", "$comment"})
_OF_TYPE = frozenset(
    {"type", "enum", "const", "format", "items", "$ref", "anyOf", "oneOf", "allOf"}
)
_SIMPLE = {
    "string": AttributeType.QUOTE,
    "integer": AttributeType.INTEGER,
    "number": AttributeType.NUMBER,
    "boolean": AttributeType.BOOLEAN,
}

Schema = Mapping[str, Any]
KindT = TypeVar("KindT", CustomField, Attribute)


def read_json_schema(given: Schema | str) -> CustomField:
    """Return the field that a JSON Schema declares.

    Args:
        given: The schema, or its text.

    Raises:
        FieldError: It cannot be read. The message has the place in the schema as a JSON pointer.

    >>> schema = {
    ...     "title": "PriorLines",
    ...     "description": "How many prior lines of therapy are allowed.",
    ...     "type": "object",
    ...     "properties": {"lines": {"type": "integer"}},
    ...     "required": ["lines"],
    ... }
    >>> declared = read_json_schema(schema)
    >>> (
    ...     declared.name,
    ...     declared.attributes[0].type.value,
    ...     declared.attributes[0].required,
    ... )
    ('prior_lines', 'integer', True)
    >>> read_json_schema({**schema, "properties": {"lines": {"type": "lines"}}})
    Traceback (most recent call last):
    extractor.errors.FieldError: PriorLines/properties/lines/type: 'lines' is no type; write ...
    """
    schema = _load(given)
    return _Reader(schema).read()


def _load(given: Schema | str) -> dict[str, Any]:
    """Return a schema as JSON has it, within the limit of its size."""
    not_json = "JSON Schema: is not JSON; give what model_json_schema() returns"
    try:
        written = given if isinstance(given, str) else json.dumps(given)
    except (TypeError, ValueError, RecursionError):
        raise FieldError(not_json) from None
    if len(written) > MOST_CHARACTERS:
        raise FieldError(
            f"JSON Schema: has more than {MOST_CHARACTERS:,} characters; leave out what the "
            "question does not need"
        )
    try:
        loaded = json.loads(written)
    except (ValueError, RecursionError):
        raise FieldError(not_json) from None
    if not isinstance(loaded, dict):
        raise FieldError(
            "JSON Schema: is no object; give what model_json_schema() returns"
        )
    return loaded


@cache
def _list_known() -> dict[tuple[str, frozenset[str]], AttributeType]:
    """Return the types of the product's own models, by title and properties."""
    known = {}
    for held, kind in CLASSES.items():
        if issubclass(held, BaseModel):
            known[held.__name__, frozenset(held.model_fields)] = kind
    return known


@dataclass(slots=True)
class _Found:
    """The type that a schema says, its parts or choices, and whether it may be null."""

    type: AttributeType | None = None
    choices: tuple[str, ...] = ()
    parts: tuple[Attribute, ...] = ()
    many: bool = False
    may_be_null: bool = False


@dataclass(slots=True)
class _Reader:
    """Reads one schema, and counts its parts."""

    schema: dict[str, Any]
    title: str = ""
    parts: int = 0
    open: list[str] = field(default_factory=list)

    def read(self) -> CustomField:
        """Return the field. Raises ``FieldError``."""
        title = self.schema.get("title")
        if not isinstance(title, str) or not re.fullmatch(r"[A-Za-z]\w{1,39}", title):
            raise FieldError(
                "JSON Schema/title: the title names the field; write one of letters and digits, "
                "such as PriorLines"
            )
        self.title = title
        definition = self.schema.get("description")
        if not isinstance(definition, str) or not definition.strip():
            self._refuse(("description",), "is missing", "say what the field is")
        known = _OF_FIELD | _OF_OBJECT | _OF_DOCUMENT | _SAID
        self._refuse_unknown((), self.schema, known)
        table = {key: self.schema[key] for key in _OF_FIELD if key in self.schema}
        examples = table.get("examples", [])
        if isinstance(examples, list) and len(examples) > _MOST_EXAMPLES:
            self._refuse(
                ("examples",), "are too many", f"give at most {_MOST_EXAMPLES}"
            )
        name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", title).lower()
        attributes = list(self._read_properties((), self.schema, 0))
        said = {
            "name": name,
            "definition": " ".join(str(definition).split()),
            "attributes": attributes,
        }
        return self._validate((), CustomField, said | table)

    def _read_properties(
        self, at: tuple[str, ...], schema: Schema, depth: int
    ) -> Iterator[Attribute]:
        """Yield the attributes of an object."""
        properties = schema.get("properties")
        if not isinstance(properties, dict) or not properties:
            self._refuse((*at, "properties"), "is missing", "write one at least")
        required = schema.get("required", [])
        if not isinstance(required, list):
            self._refuse((*at, "required"), "is no list", "list names of properties")
        for number, name in enumerate(required):
            if isinstance(name, str) and name in properties:
                continue
            here = (*at, "required", str(number))
            problem = f"{_shorten(name)} is no property"
            self._refuse(here, problem, "name one, or leave it out")
        for name, declared in properties.items():
            here = (*at, "properties", name)
            yield self._read_attribute(here, name, declared, name in required, depth)

    def _read_attribute(
        self,
        at: tuple[str, ...],
        name: str,
        schema: Any,
        is_required: bool,  # noqa: FBT001
        depth: int,
    ) -> Attribute:
        found = self._read_type(at, schema, depth)
        description = schema.get("description") or ""
        examples = schema.get("examples") or []
        if not isinstance(description, str):
            self._refuse((*at, "description"), "is no text", "write a sentence")
        if not isinstance(examples, list) or len(examples) > _MOST_EXAMPLES:
            here = (*at, "examples")
            self._refuse(
                here, "is no short list", f"list at most {_MOST_EXAMPLES} values"
            )
        table = {
            "name": name,
            "type": found.type,
            "definition": " ".join(description.split()),
            "many": found.many,
            "required": is_required and not found.may_be_null,
            "choices": found.choices,
            "parts": found.parts,
            "examples": examples,
        }
        return self._validate(at, Attribute, table)

    def _read_type(self, at: tuple[str, ...], schema: Any, depth: int) -> _Found:
        """Return the type that a schema says. Raises ``FieldError`` for a type that cannot be
        checked against a text.
        """
        self._count(at, depth)
        if not isinstance(schema, dict):
            self._refuse(
                at, "is no object", 'write a schema such as {"type": "string"}'
            )
        if "pattern" in schema:
            remedy = "leave it out; rules are read from fields of `extractor serve --fields` alone"
            self._refuse((*at, "pattern"), "is not read from a JSON Schema", remedy)
        known = _OF_TYPE | _OF_OBJECT | _SAID | _LIMITS
        self._refuse_unknown(at, schema, known)
        for combined in ("anyOf", "oneOf", "allOf"):
            if combined in schema:
                return self._read_options((*at, combined), schema[combined], depth)
        if "$ref" in schema:
            return self._follow((*at, "$ref"), schema["$ref"], depth)
        if "enum" in schema or "const" in schema:
            return self._read_choices(at, schema)
        return self._read_plain(at, schema, depth)

    def _read_plain(self, at: tuple[str, ...], schema: Schema, depth: int) -> _Found:
        """Return the type that the key ``type`` names."""
        kind = schema.get("type")
        if isinstance(kind, list):
            return self._read_alone(at, kind, schema, depth)
        if kind == "object":
            return self._read_object(at, schema, depth)
        if kind == "array":
            return self._read_array(at, schema, depth)
        if kind == "string" and "format" in schema:
            if schema["format"] == "date":
                return _Found(AttributeType.DATE)
            problem = f"{_shorten(schema['format'])} is not read"
            self._refuse((*at, "format"), problem, "write date, or leave it out")
        if not isinstance(kind, str) or kind not in _SIMPLE:
            problem = "is missing" if kind is None else f"{_shorten(kind)} is no type"
            types = ", ".join((*_SIMPLE, "array", "object"))
            self._refuse((*at, "type"), problem, f"write one of {types}")
        return _Found(_SIMPLE[kind])

    def _read_alone(
        self, at: tuple[str, ...], kinds: list[Any], schema: Schema, depth: int
    ) -> _Found:
        """Return the type of which a list of types has only one beside null."""
        stated = [kind for kind in kinds if kind != "null"]
        if len(stated) != 1 or isinstance(stated[0], list):
            problem = "nothing says which of several to check"
            remedy = "give one type beside null, or two attributes"
            self._refuse((*at, "type"), problem, remedy)
        found = self._read_plain(at, {**schema, "type": stated[0]}, depth)
        if len(kinds) > 1:
            found.may_be_null = True
        return found

    def _read_object(self, at: tuple[str, ...], schema: Schema, depth: int) -> _Found:
        """Return the model of the product that an object is, or an object of its own."""
        properties = schema.get("properties")
        names: frozenset[str] = frozenset()
        if isinstance(properties, dict):
            names = frozenset(properties)
        known = _list_known().get((str(schema.get("title")), names))
        if known:
            return _Found(known)
        parts = tuple(self._read_properties(at, schema, depth + 1))
        return _Found(AttributeType.OBJECT, parts=parts)

    def _read_array(self, at: tuple[str, ...], schema: Schema, depth: int) -> _Found:
        here = (*at, "items")
        if "items" not in schema:
            self._refuse(
                here, "is missing", 'write a schema such as {"type": "string"}'
            )
        found = self._read_type(here, schema["items"], depth + 1)
        if found.many:
            self._refuse(here, "is an array of an array", "write one array")
        found.many = True
        found.may_be_null = False
        return found

    def _read_options(self, at: tuple[str, ...], options: Any, depth: int) -> _Found:
        """Return the type of alternatives, of which one is no null."""
        if not isinstance(options, list) or not options:
            self._refuse(at, "is no list", "list one type, and null")
        stated = []
        for number, option in enumerate(options):
            is_null = isinstance(option, dict) and option.get("type") == "null"
            if not is_null:
                stated.append((number, option))
        if len(stated) != 1:
            remedy = "give one type beside null, or two attributes"
            self._refuse(at, "nothing says which of several to check", remedy)
        number, only = stated[0]
        found = self._read_type((*at, str(number)), only, depth)
        if len(options) > 1:
            found.may_be_null = True
        return found

    def _follow(self, at: tuple[str, ...], reference: Any, depth: int) -> _Found:
        """Return the type of a definition, which may not hold itself."""
        definitions = self.schema.get("$defs")
        name = str(reference).removeprefix("#/$defs/")
        is_known = isinstance(definitions, dict) and name in definitions
        if reference != f"#/$defs/{name}" or not is_known:
            shown = _shorten(reference)
            remedy = "write #/$defs/NAME of a definition in the same schema"
            self._refuse(at, f"{shown} is no definition", remedy)
        if name in self.open:
            remedy = "leave that property out"
            self._refuse(at, f"{_shorten(name)} holds itself, without an end", remedy)
        assert isinstance(definitions, dict)
        self.open.append(name)
        found = self._read_type(("$defs", name), definitions[name], depth + 1)
        self.open.pop()
        return found

    def _read_choices(self, at: tuple[str, ...], schema: Schema) -> _Found:
        """Return a choice. Numbers are its words, as the values of an ``Enum`` are."""
        if "const" in schema:
            here = (*at, "const")
            words = [schema["const"]]
        else:
            here = (*at, "enum")
            words = schema["enum"]
        if not isinstance(words, list) or not 0 < len(words) <= _MOST_CHOICES:
            self._refuse(here, "is no list of words", f"list 1 to {_MOST_CHOICES}")
        choices: dict[str, None] = {}  # each once, in order
        for word in words:
            if word is None:
                continue
            if not isinstance(word, str | int) or isinstance(word, bool):
                self._refuse(here, f"{_shorten(word)} is no word", "write texts")
            choices[str(word)] = None
        if not choices:
            self._refuse(here, "has no word", "write one at least")
        may_be_null = None in words
        return _Found(AttributeType.CHOICE, tuple(choices), may_be_null=may_be_null)

    def _count(self, at: tuple[str, ...], depth: int) -> None:
        """Count a part. Raises ``FieldError`` beyond the limits of parts and depth."""
        self.parts += 1
        if self.parts > _MOST_PARTS:
            problem = f"the schema has more than {_MOST_PARTS} parts"
            self._refuse(at, problem, "ask less in one field")
        if depth > _MOST_DEPTH:
            problem = f"lies more than {_MOST_DEPTH} deep"
            self._refuse(at, problem, "write it flatter")

    def _refuse_unknown(
        self, at: tuple[str, ...], schema: Schema, known: frozenset[str]
    ) -> None:
        for key in schema:
            if key in known:
                continue
            guess = suggest(key[:_MOST_SHOWN], known)
            problem = f"there is no such key{guess}"
            self._refuse((*at, key), problem, "leave it out")

    def _validate(
        self, at: tuple[str, ...], kind: type[KindT], table: Mapping[str, Any]
    ) -> KindT:
        """Make a part of the declaration. Raises ``FieldError`` with the first fault."""
        try:
            return kind.model_validate(table)
        except ValidationError as error:
            self._refuse_fault(
                at, error.errors(include_url=False, include_input=False)[0]
            )

    def _refuse_fault(self, at: tuple[str, ...], fault: Mapping[str, Any]) -> NoReturn:
        """Raise ``FieldError`` for what a declaration forbids."""
        place = tuple(str(part) for part in fault["loc"])
        reason = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            guess = suggest(place[-1], list(Example.model_fields))
            reason = f"there is no such key{guess}"
        elif fault["type"] == "string_pattern_mismatch":
            reason = (
                "begin a name with a small letter, go on with letters, digits and _"
            )
        problem, _, remedy = reason.partition("; ")
        self._refuse((*at, *place), problem, remedy or "correct it")

    def _refuse(self, at: tuple[str, ...], problem: str, remedy: str) -> NoReturn:
        """Raise ``FieldError`` with the place in the schema."""
        place = "/".join([self.title, *(_shorten_key(part) for part in at)])
        raise FieldError(f"{place}: {problem}; {remedy}")


def _shorten(given: Any) -> str:
    shown = repr(given)
    return shown if len(shown) <= _MOST_SHOWN else f"{shown[:_MOST_SHOWN]}..."


def _shorten_key(key: str) -> str:
    """Return a key of a place, as a JSON pointer writes it."""
    escaped = key.replace("~", "~0").replace("/", "~1")
    letters = [letter if letter.isprintable() else "?" for letter in escaped]
    return "".join(letters)[:_MOST_SHOWN]
