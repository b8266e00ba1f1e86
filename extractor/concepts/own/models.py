"""Read the fields that a user declares as pydantic models, as files or modules that contain models,
or as JSON Schemas.
"""

import re
import warnings
from collections.abc import Container, Iterable, Mapping
from functools import partial, reduce
from itertools import chain
from operator import getitem
from pathlib import Path
from typing import Annotated, Any, TypeVar, cast

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    Field,
    ValidationError,
)
from pydantic.errors import PydanticUserError

from extractor.concepts.own.attributes import CLASSES, Attribute
from extractor.concepts.own.declaration import (
    TAKEN,
    CustomField,
    CustomFields,
    Declarations,
    Declared,
)
from extractor.concepts.own.files import load_models
from extractor.concepts.own.patterns import check_patterns
from extractor.errors import FieldError
from extractor.language.values import list_members
from extractor.schemas import TrialExtraction
from extractor.schemas.arguments import suggest
from extractor.schemas.base import FrozenModel, JsonObject

ModelT = TypeVar("ModelT", bound=BaseModel)

_PLAIN = {
    "string": "quote",
    "boolean": "boolean",
    "integer": "integer",
    "number": "number",
}
"""The type of an attribute, keyed by the type in its schema."""
_CLASSES = {
    (value_class.__name__, frozenset(value_class.model_fields)): kind.name
    for value_class, kind in CLASSES.items()
    if issubclass(value_class, FrozenModel)
}
"""The type of an attribute, keyed by the name and the fields of the values' class, since a user's
own class may have the same name.
"""
_CHECKED_KEYS = ("description", "pattern", "enum", "type")
"""The attribute keys that are checked for misspellings."""
# Chosen by hand; docs/how-to/your-own-fields.md states it.
_DEEPEST = 3
"""Maximum number of nested objects that contain a value."""
_SCHEMA_KEYS = frozenset(
    {
        "$defs",
        "$schema",
        "additionalProperties",
        "description",
        "properties",
        "required",
        "title",
        "type",
    }
)
"""The keys of a field's schema that are not part of the declaration."""


def read_fields(declared: Declarations) -> CustomFields:
    """Return the declarations of fields, in order, after checking their patterns and examples.

    Args:
        declared: One or more declarations: pydantic models, JSON Schemas as produced by
            ``model_json_schema()``, or the locations of models: ``my_fields.py:Washout`` or
            ``my_package.fields:Washout,Visits``. If a file or module is given without names, all
            its models are used, except those that are nested in another one.

    Raises:
        FieldError: A field is invalid, or two fields have the same name. The message states the
            location of the problem and a remedy.

    >>> from extractor.catalogue import Blinding
    >>> [field.name for field in read_fields(["extractor.catalogue:Washout", Blinding])]
    ['washout', 'blinding']
    """
    declarations: Any = declared
    is_one = isinstance(declared, BaseModel | str | Mapping)
    if is_one or not isinstance(declared, Iterable):
        declarations = [declared]
    fields: dict[str, CustomField] = {}
    tables: dict[str, str] = {}
    for field in chain.from_iterable(map(_declare_all, declarations)):
        if field.name in TAKEN:
            raise FieldError(
                f"{field.name}: the guideline has a field or key with this name; rename the "
                "class, or set another name in its json_schema_extra"
            )
        if field.name in fields:
            raise FieldError(f"{field.name}: two fields have this name; rename one")
        for table in (field.name, *field.list_tables(field.name)):
            if table in tables:
                raise FieldError(
                    f"{field.name}: the field {tables[table]} also has a table custom_{table}; "
                    "rename one"
                )
            tables[table] = field.name
        check_patterns(field)
        for example in field.examples:
            _, faults = field.read(field.complete_answers(example))
            for _, reason in faults:
                raise FieldError(
                    f"{field.name}: in the example {example.text!r}: {reason}"
                )
        fields[field.name] = field
    return tuple(fields.values())


def _declare_all(declared: Declared) -> Iterable[CustomField]:
    """Return the fields of one declaration; a file or module may contain several models."""
    if isinstance(declared, CustomField):
        return [declared]
    if isinstance(declared, Mapping):
        return [read_json_schema(declared)]
    if isinstance(declared, str | Path):
        return map(declare, load_models(str(declared)))
    return [declare(declared)]


def declare(model: type[BaseModel]) -> CustomField:
    """Return the declaration of a pydantic model. Raises a ``FieldError`` that states the location
    of the problem, the problem itself, and a remedy.

    >>> class BrainMetastases(BaseModel):
    ...     "May participants with brain metastases take part?"
    ...
    ...     status: bool
    >>> declare(BrainMetastases).name, declare(BrainMetastases).attributes[0].type
    ('brain_metastases', 'boolean')
    """
    is_class = isinstance(model, type) and issubclass(model, BaseModel)
    if not is_class or model is BaseModel:
        raise FieldError(
            f"{getattr(model, '__name__', type(model).__name__)}: pass a subclass of "
            "pydantic.BaseModel or its location, such as my_fields.py:Washout"
        )
    try:
        with warnings.catch_warnings():
            # a default that JSON cannot represent is not part of the field
            warnings.simplefilter("ignore")
            schema = model.model_json_schema(by_alias=False)
    except PydanticUserError as error:
        raise FieldError(
            f"{model.__name__}: {error.message}; use another type"
        ) from error
    return read_json_schema(schema | {"title": model.__name__})


def find_values(extraction: TrialExtraction, model: type[ModelT]) -> tuple[ModelT, ...]:
    """Return the values of a field in an extraction as instances of its model, in order. Their
    evidence remains in ``extraction.custom``. The model's defaults, constraints and validators are
    applied here, so a value that the text states but the model does not allow raises pydantic's
    ``ValidationError``.

    >>> from extractor import Extractor
    >>> from extractor.catalogue import Blinding
    >>> extraction = Extractor(fields=Blinding).extract_text(
    ...     "A double-blind trial of examplumab in 40 adults."
    ... )
    >>> find_values(extraction, Blinding)
    (Blinding(level='double'),)
    """
    items = extraction.custom.get(declare(model).name, ())
    return tuple(
        _restore_instance(model, item.model_dump(mode="json")["values"])
        for item in items
    )


def _restore_instance(model: type[ModelT], values: JsonObject) -> ModelT:
    """Return an instance of the user's model. A required attribute that the text does not state is
    None, because pydantic requires "time: Period | None".
    """
    read = partial(model.model_validate, by_alias=False, by_name=True)
    try:
        return read(values)
    except ValidationError as error:
        faults = error.errors(include_url=False)
    for fault in faults:
        if fault["type"] == "missing":
            *steps, name = fault["loc"]
            # in the nested object that lacks the attribute
            reduce(getitem, steps, cast("Any", values))[name] = None
    return read(values)


class _Schema(BaseModel, extra="allow"):
    """The parts of the schema of a field or a value that are read."""

    title: str = Field("", max_length=100)
    description: str = ""
    type: str = ""
    format: str = ""
    reference: str = Field("", alias="$ref")
    # pydantic writes the only word of Literal["open"] as a constant
    words: Annotated[tuple[str | int | float, ...], BeforeValidator(list_members)] = (
        Field((), validation_alias=AliasChoices("enum", "const"))
    )
    any_of: tuple["_Schema", ...] = Field((), alias="anyOf")
    items: "_Schema | None" = None
    properties: dict[str, "_Schema"] = {}
    required: tuple[str, ...] | bool = ()
    definitions: dict[str, "_Schema"] = Field({}, alias="$defs")
    pattern: object = {}

    @property
    def meaning(self) -> str:
        """The description on one line."""
        return " ".join(self.description.split())


def read_json_schema(written: Mapping[str, object]) -> CustomField:
    """Return the declaration of a field. Raises a ``FieldError`` that states the location of the
    problem, the problem itself, and a remedy.

    >>> field = read_json_schema(
    ...     {
    ...         "title": "PriorLines",
    ...         "description": "Prior lines of therapy.",
    ...         "properties": {"count": {"type": "integer"}},
    ...     }
    ... )
    >>> field.name, field.attributes[0].type
    ('prior_lines', 'integer')
    """
    title = str(written.get("title"))[:100]
    schema = _build_or_refuse(title, _Schema, written)
    # the schema of a recursive model is only a reference to a definition
    owner = _follow_reference(schema, schema.definitions)
    if not owner.meaning:
        raise FieldError(
            f"{title}: describe the field in the docstring of its class (the description of the "
            "JSON Schema)"
        )
    if not owner.properties:
        raise FieldError(
            f"{title}: the field has no attributes; add one, such as name: str"
        )
    table = {
        "name": re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", title).lower(),
        "definition": owner.meaning,
        "attributes": _read_attributes(title, owner, schema.definitions),
    }
    settings = {key: written[key] for key in written if key not in _SCHEMA_KEYS}
    return _build_or_refuse(title, CustomField, table | settings)


def _follow_reference(schema: _Schema, definitions: Mapping[str, _Schema]) -> _Schema:
    """Return the definition that a schema refers to; otherwise, the schema."""
    return definitions.get(schema.reference.removeprefix("#/$defs/"), schema)


def _read_attributes(
    where: str,
    owner: _Schema,
    definitions: Mapping[str, _Schema],
    depth: int = 0,
) -> tuple[Attribute, ...]:
    """Return the attributes of a field or of an object that is inside ``depth`` - 1 other objects.
    Raises ``FieldError``.
    """
    if depth > _DEEPEST:
        raise FieldError(
            f"{where}: is inside more than {_DEEPEST} nested models, or contains itself; move its "
            "attributes into the model that contains it"
        )
    required: Container[str] = ()
    # in the schema of a single property, "required" may be a boolean
    if isinstance(owner.required, tuple):
        required = owner.required
    attributes: list[Attribute] = []
    for name, schema in owner.properties.items():
        place = f"{where}.{name}"
        table = _read_property(place, schema, definitions, depth)
        table |= {"name": name, "required": table["required"] and name in required}
        attribute = _build_or_refuse(place, Attribute, table)
        attributes.append(attribute)
        if depth and attribute.patterns:
            raise FieldError(
                f"{place}: a pattern inside a nested model is not searched; write it at the "
                "attribute of the field that contains the model, with a group for each attribute"
            )
    return tuple(attributes)


def _read_property(
    where: str,
    schema: _Schema,
    definitions: Mapping[str, _Schema],
    depth: int,
) -> dict[str, object]:
    """Return the declaration of a property, except for its name. Raises ``FieldError``."""
    for key in schema.model_extra or {}:
        # JSON Schema has many other keys, such as "minimum", which are ignored
        nearest = suggest(key, _CHECKED_KEYS)
        if nearest:
            raise FieldError(f"{where}.{key}: no such key{nearest}")
    # "Period | None" has two options, and the value is not required
    options = schema.any_of or (schema,)
    types = [option for option in options if option.type != "null"]
    if len(types) != 1:
        raise FieldError(
            f"{where}: it is unclear which of several types to check; give it one type, or write "
            "two attributes"
        )
    value = types[0]
    many = value.type == "array"
    if many:
        value = value.items or value
    value = _follow_reference(value, definitions)
    table = {
        "type": "choice",
        "definition": schema.meaning,
        "many": many,
        "required": len(options) == 1,
        "choices": tuple(map(str, value.words)),
        "patterns": schema.pattern,
    }
    if not value.words:
        table["type"] = _find_type(where, value)
    if table["type"] == "object":
        table["definition"] = schema.meaning or value.meaning
        table["attributes"] = _read_attributes(where, value, definitions, depth + 1)
    return table


def _find_type(where: str, value: _Schema) -> str:
    """Return the attribute type for a value's schema. Raises ``FieldError`` if values of this type
    cannot be checked against a text.
    """
    if value.type in _PLAIN and not value.format:  # a date is a string with a format
        return _PLAIN[value.type]
    kind = _CLASSES.get((value.title, frozenset(value.properties)))
    if kind:
        return kind
    if value.properties:
        return "object"
    types = ", ".join(sorted(value_class.__name__ for value_class in CLASSES))
    raise FieldError(
        f"{where}: {value.format or value.type or 'this'} is not a type that can be checked "
        f"against a text; use one of {types}, Literal[...], an Enum, a nested model, or a list of "
        "one of these"
    )


def _build_or_refuse(
    where: str, model: type[ModelT], table: Mapping[str, object]
) -> ModelT:
    """Create a schema, a field or an attribute from its declaration. Raises ``FieldError`` with the
    first problem, preceded by its location: ``where``, the name of the declaration, and the keys
    that lead to the problem.
    """
    try:
        return model.model_validate(table)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
    place = ".".join([where, *map(str, fault["loc"])])
    problem = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "extra_forbidden":
        problem = f"no such key{suggest(str(fault['loc'][-1]), model.model_fields)}"
    raise FieldError(" ".join(f"{place}: {problem}".split()))
