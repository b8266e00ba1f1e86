"""Declare a user's field: which items have it, what it means, its attributes, and rules that read
it.

A pydantic model and a TOML table that mean the same give equal declarations.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Self

from pydantic import (
    BeforeValidator,
    Field,
    ValidationError,
    create_model,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_pascal
from pydantic_core import ErrorDetails

from extractor.concepts.own.attributes import Attribute, AttributeType
from extractor.errors import FieldError
from extractor.schemas import (
    ExtractedItem,
    FieldInfo,
    ItemGroup,
    Support,
    Task,
    TrialExtraction,
    ValueKind,
    list_fields,
)
from extractor.schemas.arguments import refuse_unknown, suggest
from extractor.schemas.base import FrozenModel
from extractor.schemas.fields import list_model


class Of(StrEnum):
    """The items that have a field: the whole record, or each criterion, regimen or outcome."""

    RECORD = "record"
    CRITERION = "criterion"
    REGIMEN = "regimen"
    OUTCOME = "outcome"

    @property
    def task(self) -> Task:
        """The task whose items have the field. What is said of a whole record is mostly said in
        its eligibility.
        """
        return {Of.REGIMEN: Task.DOSING, Of.OUTCOME: Task.ENDPOINTS}.get(self, Task.ELIGIBILITY)

    @property
    def fields(self) -> tuple[FieldInfo, ...]:
        """The built-in fields of these items."""
        group = "eligibility.criteria" if self is Of.CRITERION else self.task.value
        return tuple(info for info in list_fields(self.task) if info.group == group)


class Example(FrozenModel):
    """A text of the user's own with the field's answer to it; without a ``value``, the text
    states nothing.
    """

    text: str = Field(min_length=1, max_length=2000)
    value: Any = None


class FieldRule(FrozenModel):
    """A token rule in the rule book's language, with values of attributes that it gives without
    capturing them.

    A named part of the pattern is the value of the attribute of that name. ``examples`` are texts
    in which it must be found, ``near_misses`` texts in which it must not. In TOML, ``value`` is
    short for ``gives = { value = ... }``.
    """

    pattern: str = Field(min_length=1, max_length=1000)
    gives: Mapping[str, Any] = Field(default_factory=dict)
    examples: tuple[str, ...] = Field(min_length=1)
    near_misses: tuple[str, ...] = ()
    confidence: float = Field(default=0.85, gt=0, le=1)

    @model_validator(mode="before")
    @classmethod
    def _give_value(cls, given: Any) -> Any:
        if (
            not isinstance(given, dict)
            or "value" not in given
            or not isinstance(given.get("gives", {}), dict)
        ):
            return given
        rest = {key: value for key, value in given.items() if key != "value"}
        return rest | {"gives": {"value": given["value"]} | given.get("gives", {})}


Claim = Mapping[str, Any]
"""What somebody says of a field at one place: values by attribute, and the words that bear them
out as ``quote``.
"""
_CONDITION = re.compile(r"\s*(?P<name>\w+)\s*(?P<sign>!?=)\s*(?P<words>[\w\s|]+?)\s*")
_SECTIONS = (
    *(
        "title",
        "official_title",
        "brief_summary",
        "detailed_description",
        "conditions",
        "keywords",
        "eligibility",
    ),
    *("arms", "interventions", "primary_outcomes", "secondary_outcomes", "other_outcomes"),
)
_Words = Annotated[
    tuple[Annotated[str, Field(min_length=1)], ...],
    BeforeValidator(lambda g: (g,) if isinstance(g, str) else g),
]


class CustomField(FrozenModel):
    """A user's own field.

    Attributes:
        name: The key of its values, in the extraction and for a model.
        of: The items that have it.
        when: Which of these items: ``category = biomarker``, ``kind = exclusion and category != age
            | sex``.
        definition: What it is, for a model and for readers.
        attributes: What it says. A field of one type has one attribute, ``value``.
        many: Whether an item may have several.
        judgement: Whether a value without a quote is kept; it is marked ``unproven``.
        sections: The sections in which a record's field is looked for; by default all.
        mentions: Beginnings of words; only texts with one of them may state the field.
        examples: Texts with their answers.
        rules: Rules that read it without a model.
        confidence: The share of right values by how they follow from their words, counted on gold
            of the user's own.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")
    of: Of = Of.RECORD
    when: str = ""
    definition: str = Field(max_length=4000)
    attributes: tuple[Attribute, ...]
    many: bool = False
    judgement: bool = False
    sections: _Words = ()
    mentions: _Words = ()
    examples: tuple[Example, ...] = ()
    rules: tuple[FieldRule, ...] = ()
    confidence: Mapping[Support, Annotated[float, Field(ge=0, le=1)]] = Field(default_factory=dict)

    def __hash__(self) -> int:
        return hash((self.name, self.definition))

    @model_validator(mode="before")
    @classmethod
    def _list_attributes(cls, given: Any) -> Any:
        """Take a table of attributes by their names, or the type of the only attribute."""
        if not isinstance(given, dict):
            return given
        alone = {key: given[key] for key in ("type", "choices") if key in given}
        rest = {key: value for key, value in given.items() if key not in alone}
        if "attributes" not in given:
            return rest | {"attributes": [{"name": "value", "required": True, **alone}]}
        if alone:
            raise ValueError(f"write attributes or {' and '.join(alone)}, not both")
        if not isinstance(named := given["attributes"], dict):
            return given
        return rest | {
            "attributes": [
                {"name": n} | one if isinstance(one, dict) else one for n, one in named.items()
            ]
        }

    @field_validator("definition")
    @classmethod
    def _join_lines(cls, definition: str) -> str:
        if not definition.strip():
            raise ValueError(
                "is empty; say what the field is, in Python in the docstring of the class"
            )
        return " ".join(definition.split())

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        names = [one.name for one in self.attributes]
        if not names:
            raise ValueError("a field needs at least one attribute, in Python such as value: str")
        if len(set(names)) < len(names):
            raise ValueError(f"two attributes have one name: {', '.join(names)}")
        if "quote" in names and self.needs_quote:
            raise ValueError(
                "'quote' is the key of the words that prove a value; name the attribute otherwise"
            )
        if self.of is not Of.RECORD and self.sections:
            raise ValueError(
                f"'sections' is for a field of the record; a {self.of} stands where it stands"
            )
        if self.when and self.of is Of.RECORD:
            raise ValueError("'when' chooses among criteria, regimens or outcomes; a record is one")
        list(self._conditions())
        unknown = [
            name
            for name in self.sections
            if not any(one.startswith(name.split("[")[0]) for one in _SECTIONS)
        ]
        refuse_unknown("section", unknown, _SECTIONS)
        return self

    @property
    def is_plain(self) -> bool:
        """Whether the field is one value, named ``value``."""
        return len(self.attributes) == 1 and self.attributes[0].name == "value"

    @property
    def needs_quote(self) -> bool:
        """Whether an answer needs a quote beside its attributes; words of the record are their
        own.
        """
        return any(one.type is not AttributeType.QUOTE for one in self.attributes)

    @property
    def tokens(self) -> int:
        """Output tokens that an answer may take at most: a long sentence for the quote, and its
        values.
        """
        return (60 if self.needs_quote else 10) + 30 * len(self.attributes) * (
            3 if self.many else 1
        )

    @property
    def group(self) -> ItemGroup:
        """Its values as items of an extraction, with the attributes as their fields.

        >>> field = CustomField(
        ...     name="pregnancy", type="boolean", definition="May pregnant women take part?"
        ... )
        >>> [(one.path, one.label, one.kind.value, one.required) for one in field.group.fields]
        [('custom.pregnancy.value', 'pregnancy', 'yes_no', True)]
        """
        return _make_group(self)

    def attribute(self, name: str) -> Attribute:
        """Return an attribute by its name. Raises ``KeyError``."""
        return {one.name: one for one in self.attributes}[name]

    def _conditions(self) -> Iterator[tuple[str, bool, frozenset[str]]]:
        """Yield the conditions of ``when``: a field, whether it must be one of the words, the
        words.
        """
        for text in self.when.split(" and ") if self.when else ():
            found = _CONDITION.fullmatch(text)
            if not found:
                raise ValueError(
                    f"when: {text.strip()!r}: write a condition as 'field = word | word', or with "
                    "!="
                )
            kinds = {
                info.name: info.type for info in self.of.fields if info.kind is ValueKind.CHOICE
            }
            closed = {name: tuple(kind.__members__.values()) for name, kind in kinds.items()}
            refuse_unknown(f"closed set of a {self.of}", [found["name"]], tuple(closed))
            words = frozenset(word.strip() for word in found["words"].split("|"))
            refuse_unknown(found["name"], sorted(words), closed[found["name"]])
            yield found["name"], found["sign"] == "=", words

    def applies(self, find: Callable[[str], object]) -> bool:
        """Return whether an item has the field; ``find`` gives the item's value of a built-in
        field.
        """
        return all(
            (str(find(name)) in words) is wanted for name, wanted, words in self._conditions()
        )

    def may_stand_in(self, section: str) -> bool:
        """Return whether a field of the record is looked for in a section."""
        return not self.sections or section.startswith(self.sections)

    def may_be_in(self, text: str) -> bool:
        """Return whether a text has one of the words that a statement of the field mentions."""
        beginnings = rf"(?<!\w)(?:{'|'.join(map(re.escape, self.mentions))})"
        return not self.mentions or re.search(beginnings, text, re.IGNORECASE) is not None

    def read(self, written: Any) -> tuple[tuple[Claim, ...], tuple[tuple[str, str], ...]]:
        """Return the claims that a model or an example writes, and what cannot be read: the text
        and the reason.

        >>> field = CustomField(name="assay", type="quote", definition="The test.")
        >>> field.read(["22C3", 5])[0][0]
        {'value': '22C3'}
        """
        claims: list[Claim] = []
        broken: list[tuple[str, str]] = []
        for one in self._split(written):
            given = one if isinstance(one, dict) else {self.attributes[0].name: one}
            values: dict[str, Any] = {}
            faults: list[tuple[str, str]] = []
            for attribute in self.attributes:
                raw = given.get(attribute.name)
                found: list[Any] = []
                for member in raw if attribute.many and isinstance(raw, list | tuple) else [raw]:
                    try:
                        found += [] if member in (None, "", []) else [attribute.read(member)]
                    except ValueError as error:
                        faults.append((str(member), str(error)))
                if found:
                    values[attribute.name] = tuple(found) if attribute.many else found[0]
            quote = given.get("quote") if self.needs_quote else None
            lacking = [
                one.name for one in self.attributes if one.required and one.name not in values
            ]
            if values and not lacking:
                claims.append(({"quote": str(quote)} if quote else {}) | values)
            elif not faults:
                faults.append(
                    (str(one), f"{self.name}: {', '.join(lacking) or 'a value'} is missing")
                )
            broken += faults
        return tuple(claims), tuple(broken)

    def list_answers(self, written: Any, quote: str) -> list[Any]:
        """Return what an example writes, each as a model is asked to write it: a bare value gets
        its quote.
        """
        bare = not self.needs_quote
        name = self.attributes[0].name
        return [
            one if bare or isinstance(one, dict) else {"quote": quote, name: one}
            for one in self._split(written)
        ]

    def _split(self, written: Any) -> list[Any]:
        """Return the values of the field in what is written: a list may be several, or the only
        attribute's value.
        """
        if not isinstance(written, list | tuple):
            return [] if written is None else [written]
        is_one = (
            self.is_plain
            and self.attributes[0].many
            and not any(isinstance(one, dict | list) for one in written)
        )
        return [written] if is_one else list(written)

    @property
    def json_schema(self) -> dict[str, Any]:
        """The JSON schema of what a model writes for one item."""
        if self.is_plain and not self.needs_quote:
            one = self.attributes[0].json_schema
        else:
            quote = {"quote": {"type": "string"}} if self.needs_quote else {}
            known = {one.name: one.json_schema for one in self.attributes}
            one = {"type": "object", "properties": quote | known, "additionalProperties": False}
        return {"type": "array", "items": one} if self.many and one.get("type") != "array" else one


_KEYS = (
    *CustomField.model_fields,
    *Attribute.model_fields,
    *Example.model_fields,
    *FieldRule.model_fields,
)


def read_declaration(table: Any, where: str) -> CustomField:
    """Read a field from a table of TOML, or what a model says in this form.

    Raises ``FieldError`` with ``where``, the place of each fault in the table, and its remedy.
    """
    try:
        return CustomField.model_validate(table)
    except ValidationError as error:
        # that of one type has no name
        named = table.get("attributes", {"": table}) if isinstance(table, dict) else {}
        faults = [
            f"{_name_place(one['loc'], list(named))}{_explain(one)}" for one in error.errors()
        ]
        raise FieldError(f"{where}: {'; '.join(faults)}") from error


def _name_place(place: tuple[int | str, ...], attributes: Sequence[str]) -> str:
    if place[:1] == ("attributes",) and len(place) > 1:
        place = (attributes[int(place[1])], *place[2:])
    shown = ".".join(str(part) for part in place if part != "")
    return f"{shown}: " if shown else ""


def _explain(fault: ErrorDetails) -> str:
    given = fault["input"]
    name = str(fault["loc"][-1]) if fault["loc"] else ""
    match fault["type"]:
        case "extra_forbidden":
            return f"there is no such key{suggest(name, _KEYS)}"
        case "missing":
            return "is missing; write it"
        case "tuple_type":
            return (
                "write a list; one of tables has each under two brackets, such as [[field.rules]]"
            )
        case "enum":
            return (
                f"{given!r} is none of "
                f"{', '.join(AttributeType)}{suggest(str(given), list(AttributeType))}"
            )
        case "string_pattern_mismatch":
            small = ", all small, such as my_field" if name == "name" else ""
            return f"{given!r}: begin with a letter, go on with letters, digits and _{small}"
    return fault["msg"].removeprefix("Value error, ")


@cache
def _make_group(field: CustomField) -> ItemGroup:
    path = f"custom.{field.name}"
    hosts = None if field.of is Of.RECORD else field.of.fields[0].group
    return ItemGroup(path, tuple(list_model(path, make_model(field))), field.of.task, hosts)


@cache
def make_model(field: CustomField) -> type[FrozenModel]:
    """Make the model of a field's values, in which each attribute is a field with its metadata."""
    names = {one.name: field.name if field.is_plain else one.name for one in field.attributes}
    fields: Any = {
        one.name: one.annotate(field.name, names[one.name].replace("_", " "))
        for one in field.attributes
    }
    return create_model(
        to_pascal(field.name), __base__=FrozenModel, __doc__=field.definition, **fields
    )


def add_fields(schema: dict[str, Any], fields: Iterable[CustomField]) -> dict[str, Any]:
    """Return the schema of an extraction in which ``custom`` has these fields, with the types of
    their values.

    >>> field = CustomField(
    ...     name="pregnancy", type="boolean", definition="May pregnant women take part?"
    ... )
    >>> whole = add_fields(TrialExtraction.model_json_schema(mode="serialization"), [field])
    >>> list(whole["properties"]["custom"]["properties"])
    ['pregnancy']
    """
    definitions = dict(schema["$defs"])
    listed = {}
    item = definitions["CustomItem"]
    for field in fields:
        values = make_model(field).model_json_schema(mode="serialization")
        definitions |= values.pop("$defs", {})
        own = item | {
            "description": field.definition,
            "properties": item["properties"] | {"values": values},
        }
        listed[field.name] = {"type": "array", "items": own}
    custom = schema["properties"]["custom"] | {"properties": listed, "additionalProperties": False}
    return schema | {"$defs": definitions, "properties": schema["properties"] | {"custom": custom}}


TAKEN = frozenset(
    [
        *("regimens", "people", "n", "stands", "ok", "split", "d", "t", "under", "rule"),
        *TrialExtraction.model_fields,
        *ExtractedItem.model_fields,
        *(
            name
            for task in Task
            for i in list_fields(task)
            for name in (i.name, i.metadata.key)
            if name
        ),
    ]
)
"""The guideline's names, and the short keys that a model writes for them; no custom field may
have one.
"""
