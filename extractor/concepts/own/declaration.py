"""A custom field: which items have it, what it means, and what it states.

A declaration is plain data: it travels between processes, and a run keeps it in ``run.json``, so
that reading a run needs no code of the user.
"""

import re
from collections.abc import Container, Iterable, Mapping
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, Field, create_model, model_validator
from pydantic.alias_generators import to_pascal

from extractor.concepts.own.attributes import Attribute, AttributeType, Words
from extractor.schemas import (
    ExtractedItem,
    FieldInfo,
    ItemGroup,
    Task,
    TrialExtraction,
    list_fields,
)
from extractor.schemas.arguments import refuse_unknown
from extractor.schemas.base import FrozenModel
from extractor.schemas.fields import list_model


class Of(StrEnum):
    """The items that have a field: the whole record, or each criterion, regimen or endpoint."""

    RECORD = "record"
    CRITERION = "criterion"
    REGIMEN = "regimen"
    ENDPOINT = "endpoint"

    @property
    def task(self) -> Task:
        """The task whose items have the field; of a record, most is stated in its eligibility."""
        tasks = {Of.REGIMEN: Task.DOSING, Of.ENDPOINT: Task.ENDPOINTS}
        return tasks.get(self, Task.ELIGIBILITY)

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


Claim = Mapping[str, Any]
"""What somebody states about a field at one place: values by attribute, and the words that support
them as ``quote``.
"""
_SECTIONS = [
    "title",
    "official_title",
    "brief_summary",
    "detailed_description",
    "conditions",
    "keywords",
    "eligibility",
    "arms",
    "interventions",
    "primary_outcomes",
    "secondary_outcomes",
    "other_outcomes",
]
_KEPT = 256
"""Maximum number of fields whose classes are kept: a service meets new ones with each caller."""


class CustomField(FrozenModel):
    """A user's own field.

    A model gives all but its ``definition`` and its ``attributes`` in its ``json_schema_extra``.

    Attributes:
        name: The key of its values, in the extraction and for a model.
        definition: What it is, for a model and for readers.
        attributes: What it states.
        of: The items that have it.
        many: Whether an item may have several values.
        sections: Beginnings of the names of the sections in which a record's field is looked for;
            by default all.
        mentions: Beginnings of words; only texts with one of them may state the field.
        examples: Texts with their answers.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")
    definition: str = Field(max_length=4000)
    attributes: tuple[Attribute, ...] = Field(min_length=1, max_length=50)
    of: Of = Of.RECORD
    many: bool = Field(default=False, strict=True)
    sections: Words = ()
    mentions: Words = ()
    examples: tuple[Example, ...] = Field(default=(), max_length=50)

    def __hash__(self) -> int:
        return hash((self.name, self.definition))

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        """Raise ``ValueError`` for an unknown section, and for a name that the quote has."""
        known = " ".join(_SECTIONS)
        unknown = [name for name in self.sections if name.split("[")[0] not in known]
        refuse_unknown("section", unknown, _SECTIONS)
        if "quote" in [attribute.name for attribute in self.attributes]:
            raise ValueError(
                "quote is the key of the words that prove a value; each value has its own, so "
                "leave it out"
            )
        return self

    @property
    def needs_quote(self) -> bool:
        """Whether an answer needs a quote beside its attributes; words of the record are their
        own.
        """
        types = {attribute.type for attribute in self.attributes}
        return types != {AttributeType.QUOTE}

    @property
    def needed(self) -> list[str]:
        """The names of the attributes without which the field states nothing."""
        return [attribute.name for attribute in self.attributes if attribute.required]

    @property
    def has_patterns(self) -> bool:
        """Whether something of the field is read without a model."""
        return any(attribute.patterns for attribute in self.attributes)

    @property
    def tokens(self) -> int:
        """Output tokens that an answer may take at most: a long sentence for the quote, and its
        values.
        """
        values = len(self.attributes) * (3 if self.many else 1)
        return (60 if self.needs_quote else 10) + 30 * values

    @property
    def group(self) -> ItemGroup:
        """Its values as items of an extraction, with the attributes as their fields."""
        return _make_group(self)

    def attribute(self, name: str) -> Attribute:
        """Return an attribute by its name. Raises ``KeyError``."""
        return {attribute.name: attribute for attribute in self.attributes}[name]

    def list_missing(self, values: Container[str]) -> list[str]:
        """Return the names of the attributes that are not among these."""
        return [one.name for one in self.attributes if one.name not in values]

    def may_stand_in(self, section: str) -> bool:
        """Return whether a field of the record is looked for in a section."""
        return not self.sections or section.startswith(self.sections)

    def may_be_in(self, text: str) -> bool:
        """Return whether a text has one of the words that a statement of the field mentions."""
        words = "|".join(map(re.escape, self.mentions))
        return re.search(rf"(?<!\w)(?:{words})", text, re.IGNORECASE) is not None

    def list_answers(self, written: Any) -> list[dict[str, Any]]:
        """Return the values in what a model or an example writes, each as a table. Bare values are
        those of the first attribute, which may be a list.
        """
        if written in (None, "", [], ()):
            return []
        first = self.attributes[0]
        values = written if isinstance(written, list | tuple) else [written]
        if first.many and not any(isinstance(value, dict) for value in values):
            return [{first.name: values}]
        return [
            value if isinstance(value, dict) else {first.name: value}
            for value in values
        ]

    def read(self, written: Any) -> tuple[tuple[Claim, ...], list[tuple[str, str]]]:
        """Return the claims that a model or an example writes, and what cannot be read: the text
        and the reason.

        A member of a list that cannot be read does not affect the others. Without a value of each
        required attribute there is no claim.
        """
        claims: list[Claim] = []
        unreadable: list[tuple[str, str]] = []
        for answer in self.list_answers(written):
            claim: dict[str, Any] = {}
            faults: list[tuple[str, str]] = []
            for attribute in self.attributes:
                members = attribute.read_members(answer.get(attribute.name), faults)
                if members:
                    claim[attribute.name] = members if attribute.many else members[0]
            lacking = [one for one in self.needed if one not in claim]
            if claim and not lacking:
                quote = str(answer.get("quote") or "") if self.needs_quote else ""
                claims.append(claim | {"quote": quote} if quote else claim)
            elif not faults:
                missing = ", ".join(lacking) or "a value"
                faults.append((str(answer), f"{missing} is missing"))
            unreadable += [(text, f"{self.name}: {reason}") for text, reason in faults]
        return tuple(claims), unreadable

    def complete_answers(self, example: Example) -> list[dict[str, Any]]:
        """Return the answers of an example as a model is asked for them: one without a quote is
        proven by all of it.
        """
        quote = {"quote": example.text} if self.needs_quote else {}
        return [quote | answer for answer in self.list_answers(example.value)]

    @property
    def json_schema_of_one(self) -> dict[str, Any]:
        """The JSON schema of one value as a model writes it."""
        keys: dict[str, Any] = {"quote": {"type": "string"}} if self.needs_quote else {}
        keys |= {attribute.name: attribute.json_schema for attribute in self.attributes}
        return {"type": "object", "properties": keys, "additionalProperties": False}

    @property
    def json_schema(self) -> dict[str, Any]:
        """The JSON schema of what a model writes for one item."""
        schema = self.json_schema_of_one
        return {"type": "array", "items": schema} if self.many else schema


Declared = CustomField | type[BaseModel] | str | Path | Mapping[str, Any]
"""A custom field as it is given: a pydantic model, or where one is, such as
``my_fields.py:Washout``; its JSON Schema; or its declaration.
"""


@lru_cache(_KEPT)
def _make_group(field: CustomField) -> ItemGroup:
    """Return the values of a field as items: their path, their fields, and the items that have
    them.
    """
    path = f"custom.{field.name}"
    hosts = None if field.of is Of.RECORD else field.of.fields[0].group
    fields = tuple(list_model(path, make_model(field)))
    return ItemGroup(path, fields, field.of.task, hosts)


@lru_cache(_KEPT)
def make_model(field: CustomField) -> type[FrozenModel]:
    """Make the class of a field's values as an extraction has them."""
    title = to_pascal(field.name)
    # people read of an only attribute by the name of its field
    label = field.name.replace("_", " ") if len(field.attributes) == 1 else None
    parts: Any = {one.name: one.annotate(title, label) for one in field.attributes}
    return create_model(title, __base__=FrozenModel, __doc__=field.definition, **parts)


def explain_unread(fields: Iterable[CustomField]) -> str | None:
    """Return the message about fields that stay empty if no model is asked; None without such
    fields.

    >>> field = CustomField(
    ...     name="washout",
    ...     definition="Time.",
    ...     attributes=[{"name": "time", "type": "duration"}],
    ... )
    >>> explain_unread([field])  # doctest: +ELLIPSIS
    'your own fields without a pattern stay empty, since no model is asked: washout; ...'
    """
    unread = [field.name for field in fields if not field.has_patterns]
    if not unread:
        return None
    return (
        "your own fields without a pattern stay empty, since no model is asked: "
        f"{', '.join(unread)}; name a model, or add patterns"
    )


_INFOS = [info for task in Task for info in list_fields(task)]
TAKEN = frozenset(
    {
        *(
            "regimens",
            "people",
            "n",
            "stands",
            "ok",
            "split",
            "d",
            "t",
            "under",
            "rule",
        ),
        *TrialExtraction.model_fields,
        *ExtractedItem.model_fields,
        *(info.name for info in _INFOS),
        *(info.metadata.key or info.name for info in _INFOS),
    }
)
"""The guideline's names, and the short keys that a model writes for them; no custom field may
have one.
"""
