"""A user's field: which items have it, what it means, and what it says.

``extractor.concepts.own.models`` makes a declaration of a pydantic model. It is plain data: it
travels between processes, and a run keeps it in ``run.json``, so that reading a run needs no code
of the user.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, Field, create_model, model_validator
from pydantic.alias_generators import to_pascal

from extractor.concepts.own.attributes import (
    Attribute,
    AttributeType,
    describe_keys,
    make_class,
    read_parts,
)
from extractor.schemas import (
    CustomItem,
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
    """The items that have a field: the whole record, or each criterion, regimen or endpoint."""

    RECORD = "record"
    CRITERION = "criterion"
    REGIMEN = "regimen"
    ENDPOINT = "endpoint"

    @property
    def task(self) -> Task:
        """The task whose items have the field. What is said of a whole record is mostly said in
        its eligibility.
        """
        return {Of.REGIMEN: Task.DOSING, Of.ENDPOINT: Task.ENDPOINTS}.get(
            self, Task.ELIGIBILITY
        )

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
"""What somebody says of a field at one place: values by attribute, and the words that bear them
out as ``quote``.
"""
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
    *(
        "arms",
        "interventions",
        "primary_outcomes",
        "secondary_outcomes",
        "other_outcomes",
    ),
)


_KEPT = 256
"""Most fields whose classes are kept: a service meets new ones with each caller."""


def _list_words(given: Any) -> Any:
    return (given,) if isinstance(given, str) else given


Words = Annotated[
    tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_list_words)
]
"""One word or several."""


class CustomField(FrozenModel):
    """A user's own field.

    A model says all but its ``definition`` and its ``attributes`` in its ``json_schema_extra``.

    Attributes:
        name: The key of its values, in the extraction and for a model.
        definition: What it is, for a model and for readers.
        attributes: What it says.
        of: The items that have it.
        where: Which of these items: the words that a built-in field of theirs may have, by its
            name.
        many: Whether an item may have several values.
        sections: Beginnings of the names of the sections in which a record's field is looked for;
            by default all.
        mentions: Beginnings of words; only texts with one of them may state the field.
        examples: Texts with their answers.
        confidence: The share of right values by how they follow from their words, counted on gold
            of the user's own.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")
    definition: str = Field(max_length=4000)
    attributes: tuple[Attribute, ...] = Field(min_length=1)
    of: Of = Of.RECORD
    where: Mapping[str, Words] = Field(default_factory=dict)
    many: bool = Field(default=False, strict=True)
    sections: Words = ()
    mentions: Words = ()
    examples: tuple[Example, ...] = ()
    confidence: Mapping[Support, Annotated[float, Field(ge=0, le=1)]] = Field(
        default_factory=dict
    )

    def __hash__(self) -> int:
        return hash((self.name, self.definition))

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        """Raise ``ValueError`` for parts that contradict each other, and unknown names."""
        names = [attribute.name for attribute in self.attributes]
        if self.needs_quote and "quote" in names:
            raise ValueError(
                "quote is the key of the words that prove a value; leave it out, each value has "
                "its own"
            )
        if self.of is not Of.RECORD and self.sections:
            raise ValueError(
                f"'sections' is for a field of the record; a {self.of} stands where it stands"
            )
        if self.of is Of.RECORD and self.where:
            raise ValueError(
                "'where' chooses among criteria, regimens or endpoints; a record is one"
            )
        unknown = [name for name in self.sections if not _is_section(name)]
        refuse_unknown("section", unknown, _SECTIONS)
        choices = {}
        for info in self.of.fields:
            if info.kind is ValueKind.CHOICE:
                choices[info.name] = tuple(info.type.__members__.values())
        refuse_unknown(f"closed set of a {self.of}", list(self.where), tuple(choices))
        for name, words in self.where.items():
            refuse_unknown(name, words, choices[name])
        return self

    @property
    def needs_quote(self) -> bool:
        """Whether an answer needs a quote beside its attributes; words of the record are their
        own.
        """
        types = {attribute.type for attribute in self.attributes}
        return not types <= {AttributeType.QUOTE}

    @property
    def has_patterns(self) -> bool:
        """Whether something of the field is read without a model."""
        return any(attribute.patterns for attribute in self.attributes)

    def list_unread(self) -> list[str]:
        """Return what no pattern reads: the whole field, or some of its attributes."""
        if not self.has_patterns:
            return [self.name]
        texts: list[str] = []
        for attribute in self.attributes:
            texts += [pattern.text for pattern in attribute.patterns]
        unread = []
        for attribute in self.attributes:
            if attribute.patterns:
                continue
            # a pattern of another attribute may have a part of its name
            if not any(names_part(text, attribute.name) for text in texts):
                unread.append(f"{self.name}.{attribute.name}")
        return unread

    @property
    def tokens(self) -> int:
        """Output tokens that an answer may take at most: a long sentence for the quote, and its
        values.
        """
        values = 0
        for attribute in self.attributes:
            values += len(attribute.parts) or 1
        if self.many:
            values *= 3
        return (60 if self.needs_quote else 10) + 30 * values

    @property
    def group(self) -> ItemGroup:
        """Its values as items of an extraction, with the attributes as their fields."""
        return _make_group(self)

    def attribute(self, name: str) -> Attribute:
        """Return an attribute by its name. Raises ``KeyError``."""
        return {attribute.name: attribute for attribute in self.attributes}[name]

    def applies(self, find: Callable[[str], object]) -> bool:
        """Return whether an item has the field; ``find`` gives the item's value of a built-in
        field.
        """
        return all(str(find(name)) in words for name, words in self.where.items())

    def may_stand_in(self, section: str) -> bool:
        """Return whether a field of the record is looked for in a section."""
        return not self.sections or section.startswith(self.sections)

    def may_be_in(self, text: str) -> bool:
        """Return whether a text has one of the words that a statement of the field mentions."""
        if not self.mentions:
            return True
        words = "|".join(map(re.escape, self.mentions))
        return re.search(rf"(?<!\w)(?:{words})", text, re.IGNORECASE) is not None

    def list_answers(self, written: Any) -> list[dict[str, Any]]:
        """Return the values in what a model or an example writes, each as a table."""
        if written in (None, "", [], ()):
            return []
        first = self.attributes[0]
        values = written if isinstance(written, list | tuple) else [written]
        # Bare values are those of the first attribute, which may be a list.
        if first.many and not any(isinstance(value, dict) for value in values):
            return [{first.name: values}]
        return [
            value if isinstance(value, dict) else {first.name: value}
            for value in values
        ]

    def read(
        self, written: Any
    ) -> tuple[tuple[Claim, ...], tuple[tuple[str, str], ...]]:
        """Return the claims that a model or an example writes, and what cannot be read: the text
        and the reason.
        """
        claims: list[Claim] = []
        unreadable: list[tuple[str, str]] = []
        for answer in self.list_answers(written):
            values, faults = read_parts(self.attributes, answer)
            quote = answer.get("quote") if self.needs_quote else None
            if values and quote:
                claims.append({"quote": str(quote)} | values)
            elif values:
                claims.append(values)
            unreadable += [(text, f"{self.name}: {reason}") for text, reason in faults]
        return tuple(claims), tuple(unreadable)

    def complete_answers(self, example: Example) -> list[dict[str, Any]]:
        """Return the answers of an example as a model is asked for them: one without a quote is
        proven by all of it.
        """
        quote = {"quote": example.text} if self.needs_quote else {}
        return [quote | answer for answer in self.list_answers(example.value)]

    def list_faults(self, example: Example) -> Iterator[str]:
        """Yield what is wrong with the form of an example's answer: each key that is no attribute,
        then each value that cannot be read. Whether the example's text bears the answer out is not
        checked here.

        An unknown key may bring two faults: in ``{"tme": "4 weeks"}``, the value of ``time`` is
        missing, too. ``quote`` is a key if answers need a quote beside their attributes.
        """
        answers = self.complete_answers(example)
        names = [attribute.name for attribute in self.attributes]
        if self.needs_quote:
            names.append("quote")
        for answer in answers:
            for key in answer:
                if key in names:
                    continue
                form = ", ".join(attribute.describe() for attribute in self.attributes)
                # in Python a key may be a number: {1: "4 weeks"}
                nearest = suggest(str(key), names)
                yield f"{key} is no attribute{nearest}; write {form}"
        _, unreadable = self.read(answers)
        for _, reason in unreadable:
            yield reason

    @property
    def json_schema(self) -> dict[str, Any]:
        """The JSON schema of what a model writes for one item."""
        first = ["quote"] if self.needs_quote else []
        schema = describe_keys(self.attributes, *first)
        return {"type": "array", "items": schema} if self.many else schema


def _is_section(name: str) -> bool:
    """Return whether a record can have sections whose names begin so."""
    begin = name.split("[", maxsplit=1)[0]
    return any(section.startswith(begin) for section in _SECTIONS)


def names_part(pattern: str, name: str) -> bool:
    """Return whether a pattern has a part of that name.

    >>> names_part("use method=( _ )", "method"), names_part("use _", "method")
    (True, False)
    """
    return re.search(rf"(?<!\w){name}=", pattern) is not None


Declared = CustomField | type[BaseModel] | str | Path | Mapping[str, Any]
"""A user's field as it is given: a pydantic model, or where one is, such as
``my_fields.py:Washout``; its JSON Schema; or its declaration.
"""


@lru_cache(_KEPT)
def _make_group(field: CustomField) -> ItemGroup:
    """Return the values of a field as items: their path, their fields, and the items that have
    them.
    """
    path = f"custom.{field.name}"
    fields = tuple(list_model(path, make_model(field)))
    hosts = None
    if field.of is not Of.RECORD:
        hosts = field.of.fields[0].group
    return ItemGroup(path, fields, field.of.task, hosts)


@lru_cache(_KEPT)
def make_model(field: CustomField) -> type[FrozenModel]:
    """Make the class of a field's values as an extraction has them."""
    label = field.name.replace("_", " ") if len(field.attributes) == 1 else None
    return make_class(to_pascal(field.name), field.attributes, field.definition, label)


def describe_extraction(fields: Iterable[CustomField]) -> dict[str, Any]:
    """Return the JSON schema of an extraction in which ``custom`` has these fields."""
    listed: Any = {}
    for field in fields:
        title = f"{to_pascal(field.name)}Item"
        values: Any = make_model(field)
        item: Any = create_model(
            title, __base__=CustomItem, __doc__=field.definition, values=(values, ...)
        )
        listed[field.name] = (tuple[item, ...], ())
    custom = create_model("Custom", __base__=FrozenModel, **listed)
    whole = create_model(
        "TrialExtraction", __base__=TrialExtraction, custom=(custom, ...)
    )
    return whole.model_json_schema(mode="serialization")


def explain_unread(fields: Iterable[CustomField]) -> str | None:
    """Return what to tell of fields that stay empty if no model is asked; None without such fields.

    >>> field = CustomField(
    ...     name="washout",
    ...     definition="Time.",
    ...     attributes=[{"name": "time", "type": "duration"}],
    ... )
    >>> explain_unread([field])  # doctest: +ELLIPSIS
    'your own fields without a pattern stay empty, since no model is asked: washout; ...'
    """
    unread: list[str] = []
    for field in fields:
        unread += field.list_unread()
    if not unread:
        return None
    return (
        "your own fields without a pattern stay empty, since no model is asked: "
        f"{', '.join(unread)}; name a model, or add patterns"
    )


TAKEN = frozenset(
    [
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
