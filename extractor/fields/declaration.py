"""What a custom field is: where it stands, what it means, its attributes, and rules that read it.

A declaration is a value: a pydantic model and a TOML table that mean the same give equal ones.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Self

from pydantic import Field, create_model, field_validator, model_validator
from pydantic.alias_generators import to_pascal

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
from extractor.schemas.base import FrozenModel
from extractor.schemas.fields import list_model
from extractor.suggestions import refuse_unknown

from .attributes import Attribute, AttributeType


class Of(StrEnum):
    """The items that have a field: the whole record, or each criterion, regimen or outcome."""

    RECORD = "record"
    CRITERION = "criterion"
    REGIMEN = "regimen"
    OUTCOME = "outcome"

    @property
    def task(self) -> Task:
        """The task whose items have the field. What is said of a whole record is mostly said in its eligibility."""
        return {Of.REGIMEN: Task.DOSING, Of.OUTCOME: Task.ENDPOINTS}.get(self, Task.ELIGIBILITY)

    @property
    def fields(self) -> tuple[FieldInfo, ...]:
        """The built-in fields of these items."""
        group = "eligibility.criteria" if self is Of.CRITERION else self.task.value
        return tuple(info for info in list_fields(self.task) if info.group == group)


def _without(given: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in given.items() if key not in names}


class Example(FrozenModel):
    """A text of the user's own, and what the field's answer to it is; ``value`` None says that there is none."""

    text: str = Field(min_length=1, max_length=2000)
    value: Any = None


class FieldRule(FrozenModel):
    """A token rule of the rule book's language, and what it gives: values of attributes that it does not capture.

    A named part of the pattern is the value of the attribute of that name. ``examples`` are texts in which it must
    be found, ``near_misses`` texts in which it must not.
    """

    pattern: str = Field(min_length=1, max_length=1000)
    gives: Mapping[str, Any] = Field(default_factory=dict)
    examples: tuple[str, ...] = Field(min_length=1)
    near_misses: tuple[str, ...] = ()
    confidence: float = Field(default=0.85, gt=0, le=1)

    @model_validator(mode="before")
    @classmethod
    def _give_value(cls, given: Any) -> Any:
        """``value`` is what the rule gives a field of one type."""
        if not isinstance(given, dict) or "value" not in given or not isinstance(given.get("gives", {}), dict):
            return given
        return _without(given, "value") | {"gives": {"value": given["value"]} | given.get("gives", {})}


Claim = Mapping[str, Any]
"""What somebody says of a field at one place: values by attribute, and the words that bear them out as ``quote``."""
_CONDITION = re.compile(r"\s*(?P<name>\w+)\s*(?P<sign>!?=)\s*(?P<words>[\w\s|]+?)\s*")


_SECTIONS = (
    *("title", "official_title", "brief_summary", "detailed_description", "conditions", "keywords", "eligibility"),
    *("arms", "interventions", "primary_outcomes", "secondary_outcomes", "other_outcomes"),
)


class CustomField(FrozenModel):
    """A user's own field.

    Attributes:
        name: The key of its values, in the extraction and for a model.
        of: The items that have it.
        when: Which of these items: ``category = biomarker``, ``kind = exclusion and category != age | sex``.
        definition: What it is, for a model and for readers.
        attributes: What it says. A field of one type has one attribute, ``value``.
        many: Whether an item may have several.
        judgement: Whether a value without a quote is kept; it is marked ``unproven``.
        sections: The sections in which a record's field is looked for; by default all.
        mentions: Beginnings of words; only texts with one of them may state the field.
        examples: Texts with their answers.
        rules: Rules that read it without a model.
        confidence: The share of right values by how they follow from their words, counted on gold of the user's own.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")
    of: Of = Of.RECORD
    when: str = ""
    definition: str = Field(min_length=1, max_length=4000)
    attributes: tuple[Attribute, ...]
    many: bool = False
    judgement: bool = False
    sections: tuple[str, ...] = ()
    mentions: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    examples: tuple[Example, ...] = ()
    rules: tuple[FieldRule, ...] = ()
    confidence: Mapping[Support, Annotated[float, Field(ge=0, le=1)]] = Field(default_factory=dict)

    def __hash__(self) -> int:
        return hash((self.name, self.definition))

    @model_validator(mode="before")
    @classmethod
    def _name_attributes(cls, given: Any) -> Any:
        """A table of attributes by their names; without one, the field's type is that of its only attribute."""
        if not isinstance(given, dict):
            return given
        named = given.get("attributes")
        if "attributes" in given:
            if both := [key for key in ("type", "choices") if key in given]:
                raise ValueError(f"write attributes or {' and '.join(both)}, not both")
            if not isinstance(named, dict):
                return given
            listed = [{"name": name} | one if isinstance(one, dict) else one for name, one in named.items()]
            return given | {"attributes": listed}
        alone = {"name": "value", "required": True} | {key: given[key] for key in ("type", "choices") if key in given}
        return _without(given, "type", "choices") | {"attributes": [alone]}

    @field_validator("rules", mode="before")
    @classmethod
    def _refuse_one_rule(cls, given: Any) -> Any:
        if isinstance(given, dict):
            raise ValueError("write each rule as a table [[field.rules]], with two brackets")  # noqa: TRY004
        return given

    @field_validator("mentions", "sections", mode="before")
    @classmethod
    def _list_one(cls, given: Any) -> Any:
        return (given,) if isinstance(given, str) else given

    @field_validator("definition")
    @classmethod
    def _one_paragraph(cls, definition: str) -> str:
        if not definition.strip():
            raise ValueError("is empty; say what the field is")
        return " ".join(definition.split())

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        names = [one.name for one in self.attributes]
        if not names:
            raise ValueError("a field needs at least one attribute")
        if len(set(names)) < len(names):
            raise ValueError(f"two attributes have one name: {', '.join(names)}")
        if "quote" in names and self.needs_quote:
            raise ValueError("'quote' is the key of the words that prove a value; name the attribute otherwise")
        if self.of is not Of.RECORD and self.sections:
            raise ValueError(f"'sections' is for a field of the record; a {self.of} stands where it stands")
        if self.when and self.of is Of.RECORD:
            raise ValueError("'when' chooses among criteria, regimens or outcomes; a record is one")
        list(self._conditions())
        unknown = [name for name in self.sections if not any(one.startswith(name.split("[")[0]) for one in _SECTIONS)]
        refuse_unknown("section", unknown, _SECTIONS)
        for example in self.examples:
            if example.value is not None:
                self._refuse_unknown_names(example)
                claims, broken = self.read(example.value)
                if broken or not claims:
                    raise ValueError(f"example {example.text!r}: {broken[0][1] if broken else 'no value'}")
                quotes = [claim["quote"] for claim in claims if "quote" in claim and self.needs_quote]
                if missing := [quote for quote in quotes if quote not in example.text]:
                    raise ValueError(f"example {example.text!r}: the quote {missing[0]!r} is not in the text")
        return self

    def _refuse_unknown_names(self, example: Example) -> None:
        given = example.value if isinstance(example.value, list) else [example.value]
        names = [name for one in given if isinstance(one, dict) for name in one]
        known = ("quote", *(one.name for one in self.attributes))
        if self.is_plain and given and isinstance(given[0], dict) and not {"quote", "value"} >= given[0].keys():
            form = self.attributes[0].type.form or "as one of its words"
            raise ValueError(f"example {example.text!r}: {given[0]!r}: write the value {form}")
        refuse_unknown("attribute", names, known)

    @property
    def is_plain(self) -> bool:
        """Whether the field is one value, named ``value``."""
        return len(self.attributes) == 1 and self.attributes[0].name == "value"

    @property
    def needs_quote(self) -> bool:
        """Whether an answer needs a quote beside its attributes; words of the record are their own."""
        return any(one.type is not AttributeType.QUOTE for one in self.attributes)

    @property
    def tokens(self) -> int:
        """Output tokens that an answer may take at most: a long sentence for the quote, and its values."""
        return (60 if self.needs_quote else 10) + 30 * len(self.attributes) * (3 if self.many else 1)

    @property
    def label(self) -> str:
        """A readable name of the field."""
        return self.name.replace("_", " ")

    @property
    def group(self) -> ItemGroup:
        """Its values as items of an extraction, with the attributes as their fields.

        >>> value = Attribute(name="value", type="boolean", required=True)
        >>> field = CustomField(name="pregnancy", definition="May pregnant women take part?", attributes=(value,))
        >>> [(one.path, one.label, one.kind.value, one.required) for one in field.group.fields]
        [('custom.pregnancy.value', 'pregnancy', 'yes_no', True)]
        """
        return _make_group(self)

    def attribute(self, name: str) -> Attribute:
        """An attribute by its name. Raises ``KeyError``."""
        return {one.name: one for one in self.attributes}[name]

    def _conditions(self) -> Iterator[tuple[str, bool, frozenset[str]]]:
        """The conditions of ``when``: a field, whether it must be one of the words, the words."""
        for text in self.when.split(" and ") if self.when else ():
            found = _CONDITION.fullmatch(text)
            if not found:
                raise ValueError(f"when: {text.strip()!r}: write a condition as 'field = word | word', or with !=")
            kinds = {info.name: info.type for info in self.of.fields if info.kind is ValueKind.CHOICE}
            closed = {name: tuple(kind.__members__.values()) for name, kind in kinds.items()}
            refuse_unknown(f"closed set of a {self.of}", [found["name"]], tuple(closed))
            words = frozenset(word.strip() for word in found["words"].split("|"))
            refuse_unknown(found["name"], sorted(words), closed[found["name"]])
            yield found["name"], found["sign"] == "=", words

    def may_stand_in(self, section: str) -> bool:
        """Whether a field of the record is looked for in a section."""
        return not self.sections or section.startswith(self.sections)

    def may_be_in(self, text: str) -> bool:
        """Whether a text has one of the words that a statement of the field mentions."""
        return not self.mentions or _find_beginnings(self.mentions).search(text) is not None

    def applies(self, find: Callable[[str], object]) -> bool:
        """Whether an item has the field; ``find`` gives the item's value of a built-in field."""
        return all((str(find(name)) in words) is wanted for name, wanted, words in self._conditions())

    def read(self, written: Any) -> tuple[tuple[Claim, ...], tuple[tuple[str, str], ...]]:
        """The claims that a model or an example writes, and what cannot be read: the text and the reason.

        >>> value = Attribute(name="value", type="quote")
        >>> field = CustomField(name="assay", definition="The test.", attributes=(value,))
        >>> field.read(["22C3", 5])[0][0]
        {'value': '22C3'}
        """
        if written is None:
            return (), ()
        claims: list[Claim] = []
        broken: list[tuple[str, str]] = []
        for one in written if isinstance(written, list | tuple) and not self._is_one_list(written) else [written]:
            given = one if isinstance(one, dict) else {self.attributes[0].name: one}
            values: dict[str, Any] = {}
            faults = len(broken)
            for attribute in self.attributes:
                raw = given.get(attribute.name)
                found: list[Any] = []
                for member in raw if attribute.many and isinstance(raw, list | tuple) else [raw]:
                    try:
                        found += [] if member in (None, "", []) else [attribute.read(member)]
                    except ValueError as error:
                        broken.append((str(member), str(error)))
                if found:
                    values[attribute.name] = tuple(found) if attribute.many else found[0]
            quote = given.get("quote") if self.needs_quote else None
            lacking = [one.name for one in self.attributes if one.required and one.name not in values]
            if values and not lacking:
                claims.append(({"quote": str(quote)} if quote else {}) | values)
            elif len(broken) == faults:
                broken.append((str(one), f"{self.name}: {', '.join(lacking) or 'a value'} is missing"))
        return tuple(claims), tuple(broken)

    def list_answers(self, written: Any, quote: str) -> list[Any]:
        """What an example writes, each as a model is asked to write it: a bare value gets its quote."""
        several = written if isinstance(written, list | tuple) and not self._is_one_list(written) else [written]
        name = self.attributes[0].name
        return [
            one if isinstance(one, dict) or not self.needs_quote else {"quote": quote, name: one} for one in several
        ]

    def _is_one_list(self, written: Any) -> bool:
        """Whether a list is the value of the only attribute, and not several values of the field."""
        return self.is_plain and self.attributes[0].many and not any(isinstance(one, dict | list) for one in written)

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


@cache
def _find_beginnings(words: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, words))})", re.IGNORECASE)


@cache
def _make_group(field: CustomField) -> ItemGroup:
    path = f"custom.{field.name}"
    hosts = None if field.of is Of.RECORD else field.of.fields[0].group
    return ItemGroup(path, tuple(list_model(path, make_model(field))), field.of.task, hosts)


@cache
def make_model(field: CustomField) -> type[FrozenModel]:
    """The model of a field's values: a field of it for each attribute."""
    label = {one.name: field.label if field.is_plain else one.name.replace("_", " ") for one in field.attributes}
    fields: dict[str, Any] = {one.name: one.annotate(field.name, label[one.name]) for one in field.attributes}
    return create_model(to_pascal(field.name), __base__=FrozenModel, __doc__=field.definition, **fields)


_PROTOCOL = ("regimens", "people", "n", "stands", "ok", "split", "d", "t", "under")
TAKEN = frozenset(
    [
        *_PROTOCOL,
        *TrialExtraction.model_fields,
        *ExtractedItem.model_fields,
        *(name for task in Task for i in list_fields(task) for name in (i.name, i.metadata.key) if name),
    ]
)
"""The guideline's names, and the short keys that a model writes for them; no custom field may have one."""
