"""A custom field: the items that have it, its meaning, and the values that it states.

A declaration is plain data. It is passed between processes and stored in ``run.json``, so that a
run can be opened without the user's code.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, Field, field_validator

from extractor.concepts.own.attributes import Attribute, AttributeSet, Faults, Texts
from extractor.schemas import (
    ExtractedItem,
    ItemGroup,
    Task,
    TrialExtraction,
    list_fields,
)
from extractor.schemas.arguments import refuse_unknown
from extractor.schemas.base import FrozenModel, JsonObject


class Of(StrEnum):
    """The items that can have a field: the whole record, or each criterion, regimen or endpoint."""

    RECORD = "record"
    CRITERION = "criterion"
    REGIMEN = "regimen"
    ENDPOINT = "endpoint"

    @property
    def task(self) -> Task:
        """The task whose items have the field. A field of the record belongs to eligibility, whose
        text states the values of most of these fields.
        """
        tasks = {Of.REGIMEN: Task.DOSING, Of.ENDPOINT: Task.ENDPOINTS}
        return tasks.get(self, Task.ELIGIBILITY)


class Example(FrozenModel):
    """An example text and the expected answer, both written by the user. If ``value`` is missing,
    the text does not state a value for the field.
    """

    text: str = Field(min_length=1, max_length=2000)
    value: object = None


Claim = Mapping[str, object]
"""A statement made by a person or a model about a field: its values by attribute, and the
supporting words as ``quote``.
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
_SHAPE: JsonObject = dict.fromkeys(("name", "type", "of", "many"), True)
for _ in range(4):  # a field and three levels of nested objects
    _SHAPE = {**_SHAPE, "attributes": {"__all__": _SHAPE}}
# Chosen by hand.
_MOST_VALUES = 3
"""The number of values of an item for which the output tokens suffice."""
# Chosen by hand, to bound the memory.
_MOST_CACHED = 256
"""Maximum number of fields whose classes are cached, since each caller of a service may declare new
fields.
"""


class CustomField(AttributeSet):
    """A field that a user declares.

    A pydantic model sets all of the following in its ``json_schema_extra``, except ``definition``
    and ``attributes``.

    Attributes:
        name: The key of its values in the extraction and in a model's answer.
        definition: Its meaning, as shown to models and readers.
        attributes: The values that it states.
        of: The items that have it.
        many: Whether an item can have several values.
        sections: The sections that are searched for a field of the record, such as ``arms`` for
            all arms or ``arms[0]`` for the first arm; all sections by default.
        mentions: Word prefixes. If any are given, only texts containing a word that begins with
            one of these prefixes can state a value for the field.
        examples: Texts with the expected answers.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")
    definition: str = Field(default="", max_length=4000)
    attributes: tuple[Attribute, ...] = Field(min_length=1)
    of: Of = Of.RECORD
    many: bool = Field(default=False, strict=True)
    sections: Texts = ()
    mentions: Texts = ()
    examples: tuple[Example, ...] = Field(default=(), max_length=50)

    def __hash__(self) -> int:
        return hash((self.name, self.definition))

    @field_validator("sections")
    @classmethod
    def _check_sections(cls, sections: tuple[str, ...]) -> tuple[str, ...]:
        # "arms" of "arms[0]"
        kinds = [name.partition("[")[0] for name in sections]
        refuse_unknown("section", kinds, _SECTIONS)
        return sections

    def is_wanted(self, tasks: Collection[Task]) -> bool:
        """Return whether the field is extracted together with these tasks."""
        return self.of is Of.RECORD or self.of.task in tasks

    @property
    def has_patterns(self) -> bool:
        """Whether any attribute of the field is read without a model."""
        return any(attribute.patterns for attribute in self.attributes)

    @property
    def tokens(self) -> int:
        """Maximum number of output tokens for an answer: enough for a long sentence as the quote,
        and for the answer's values.
        """
        values = _MOST_VALUES if self.many else 1
        return self.quote_tokens + self.object_tokens * values

    @property
    @lru_cache(_MOST_CACHED)  # noqa: B019
    def group(self) -> ItemGroup:
        """The group of items in an extraction that contain its values; the fields of the items are
        the attributes.
        """
        path = f"custom.{self.name}"
        hosts = {Of.RECORD: None, Of.CRITERION: "eligibility.criteria"}
        # the label of a single attribute is the name of its field
        label = self.name.replace("_", " ") if len(self.attributes) == 1 else ""
        return ItemGroup(
            path,
            tuple(self.list_fields(path, label)),
            self.of.task,
            hosts.get(self.of, self.of.task),
        )

    def searches(self, section: str) -> bool:
        """Return whether a section is searched for a field of the record."""
        # "arms" means all of arms[0], arms[1] and so on
        return not self.sections or section.startswith(self.sections)

    def is_mentioned_in(self, text: str) -> bool:
        """Return whether a text contains a word with one of the prefixes in ``mentions``. If there
        are no ``mentions``, any text may state a value for the field.
        """
        # Prefixes, so that "stop" also finds "stopped"; without any, an empty one is found.
        words = "|".join(map(re.escape, self.mentions))
        return re.search(rf"(?<!\w)(?:{words})", text, re.IGNORECASE) is not None

    def read(self, written: object) -> tuple[tuple[Claim, ...], Faults]:
        """Return the claims that a model wrote or an example contains, and, as (text, reason)
        pairs, the texts that cannot be read. If a member of a list cannot be read, the other
        members are kept. If the value of a required attribute is missing, no claim is returned.
        """
        faults: Faults = []
        claims = [
            self.read_answer(answer, self.name, faults)
            for answer in self.list_answers(written)
        ]
        return tuple(filter(None, claims)), faults

    def complete_answers(self, example: Example) -> list[JsonObject]:
        """Return the answers of an example in the form that is requested from a model. If an answer
        does not have its own quote, the quote is the whole text of the example.
        """
        return [
            self.complete(answer, example.text, example.text)
            for answer in self.list_answers(example.value)
        ]

    @property
    def json_schema(self) -> JsonObject:
        """The JSON schema of a model's answer for one item."""
        value = self.object_schema
        if self.many:
            return {"type": "array", "items": value}
        return value

    @property
    def shape(self) -> JsonObject:
        """The part of the declaration that an extraction keeps, as JSON: what is needed to make
        tables of its values.
        """
        return self.model_dump(mode="json", exclude_defaults=True, include=_SHAPE)


Declared = CustomField | type[BaseModel] | str | Path | Mapping[str, object]
"""A custom field in any form that a user can declare: a pydantic model, the location of a model
(``my_fields.py:Washout``), a JSON Schema, or a ``CustomField``.
"""
Declarations = Iterable[Declared] | Declared
"""One custom field, or several."""
CustomFields = tuple[CustomField, ...]


def explain_unread(fields: Iterable[CustomField]) -> str | None:
    """Return the message about fields that will be empty because no model is used; None if there
    are no such fields.

    >>> field = CustomField(
    ...     name="washout",
    ...     definition="Time.",
    ...     attributes=[{"name": "time", "type": "duration"}],
    ... )
    >>> explain_unread([field])  # doctest: +ELLIPSIS
    'your own fields without a pattern stay empty because no model is used: washout; ...'
    """
    unread = [field.name for field in fields if not field.has_patterns]
    if not unread:
        return None
    return (
        "your own fields without a pattern stay empty because no model is used: "
        f"{', '.join(unread)}; specify a model, or add patterns"
    )


_INFOS = [info for task in Task for info in list_fields(task)]
TAKEN = frozenset(
    {
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
        *TrialExtraction.model_fields,
        *ExtractedItem.model_fields,
        *(info.name for info in _INFOS),
        *(info.key for info in _INFOS),
    }
)
"""The names in the guideline and the short keys that a model writes for them. Custom fields must
not use any of these names or keys.
"""
