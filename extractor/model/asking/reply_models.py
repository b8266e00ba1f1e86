"""What a model writes: items of short keys, under one JSON schema that is the same for every call.

Keys are short, since output tokens are the cost, and a key whose value the text does not state is
left out. The prompt defines each key. Attributes have the types of the public schemas; their
aliases are the keys that a model writes. A value that cannot be read is ``UnreadableValue`` and
costs nothing else: not its item, and not the answer.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from functools import cache, lru_cache, partial
from typing import Annotated, Any, Self, get_origin

from pydantic import (
    Field,
    GetJsonSchemaHandler,
    ValidationInfo,
    create_model,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue, SkipJsonSchema
from pydantic_core import CoreSchema

from extractor.assembly.check import UnreadableValue
from extractor.concepts.own.attributes import CLASSES
from extractor.concepts.own.declaration import CustomField
from extractor.concepts.own.value_forms import (
    cut_outcome,
    read_group_rule,
    read_time,
    read_window,
)
from extractor.model.asking.questions import LINE_BREAK, Question
from extractor.model.asking.wire import (
    OR_UNREADABLE,
    Head,
    WireModel,
    as_text,
    as_word,
    short_words,
)
from extractor.schemas import (
    Age,
    Amount,
    Comparison,
    Concept,
    Constraint,
    CriterionGroup,
    EvidenceKind,
    FieldInfo,
    Instrument,
    Period,
    Task,
    TimePoint,
    TimeWindow,
    ValueKind,
    list_fields,
)

_KINETICS = (Concept.PHARMACOKINETICS, Concept.CELLULAR_KINETICS)
REGIMENS = "regimens"
PEOPLE = "people"
"""Questions that a line may answer with several items, or with none."""

_PEOPLE = tuple(
    info
    for info in list_fields(Task.ELIGIBILITY)
    if info.group == "eligibility" and info.metadata.evidence is EvidenceKind.READ
)
_ASKED = {
    task: tuple(
        info for info in list_fields(task) if info.metadata.question == info.name
    )
    for task in Task
}
"""The fields that are asked by their own names."""
PEOPLE_FIELDS = tuple(info.name for info in _PEOPLE)
PARTS = tuple(
    info.name
    for info in list_fields(Task.ENDPOINTS)
    if info.metadata.question == "split"
)
"""The parts of an outcome that ``split`` asks for."""
REGIMEN_FIELDS = tuple(info.name for info in _ASKED[Task.DOSING])
FIELDS: Mapping[Task, tuple[str, ...]] = {
    Task.ELIGIBILITY: (
        "stands",
        *(info.name for info in _ASKED[Task.ELIGIBILITY]),
        "lead_in",
        "rule",
    ),
    Task.DOSING: REGIMEN_FIELDS,
    Task.ENDPOINTS: ("split", *(info.name for info in _ASKED[Task.ENDPOINTS])),
}
"""The fields that a model can be asked of an item of each task, in the order of asking."""
_DECIDED = [
    info for asked in _ASKED.values() for info in asked if info.metadata.decided
]
_NEEDED = {"stands", "kind", "split", "rule"} | {
    info.name for info in _DECIDED if info.kind is ValueKind.CHOICE
}
_NEEDED |= {
    info.name
    for asked in _ASKED.values()
    for info in asked
    if info.metadata.comparison is Comparison.LABEL
}
"""Fields with a value for every line that is asked for them, so that leaving one out is no
answer.
"""
_LEFT_OUT = {info.name: False for info in _DECIDED if info.kind is ValueKind.YES_NO}
"""What it means to leave out a field, where that is not "none"."""
_EXPANDED = {REGIMENS: ("quote", *REGIMEN_FIELDS), PEOPLE: PEOPLE_FIELDS}
_FRONT = {Task.DOSING: (*PEOPLE_FIELDS, "quote")}
"""What a line may say besides, before the fields of a task."""
_ATTRIBUTES = {(Task.ENDPOINTS, "category"): "domain"}
"""Attributes that have another name than the field, since two tasks have a field of that name."""

_READERS: Mapping[type[Any], Callable[[str], Any]] = {
    TimeWindow: read_window,
    Age: partial(read_time, Age),
    Period: partial(read_time, Period),
    TimePoint: partial(read_time, TimePoint),
    **{kind: CLASSES[kind].read for kind in (Amount, Constraint, Instrument)},
}
"""What reads a value that is written as text, by its class."""


def _declare(info: FieldInfo) -> Any:
    """Return the type and default of a field of the guideline, as a model writes it."""
    held: Any = info.type
    said: Any = held
    read = _READERS.get(held)
    if read:
        # a window may leave its sense to the rules
        said = as_text(held | str if held is TimeWindow else held, read)
    elif issubclass(held, StrEnum):
        said = as_word(held)
    elif info.metadata.comparison is Comparison.LABEL:
        said = int  # the number of the arm in the list of the call
    member: Any = Annotated[said, OR_UNREADABLE]
    listed: Any = tuple
    key = info.metadata.key
    if info.many:
        return (listed[member, ...], Field((), alias=key))
    return (member | None, Field(None, alias=key))


class Split(WireModel):
    """First words of an outcome's description ``d`` and time frame ``t``, each left out where it
    is missing.
    """

    d: Head | None = None
    t: Head | None = None


_RULE: Any = Annotated[as_text(CriterionGroup, read_group_rule), OR_UNREADABLE]
_Values = create_model(
    "_Values",
    __base__=WireModel,
    rule=(_RULE | None, None),
    **{
        _ATTRIBUTES.get((task, info.name), info.name): _declare(info)
        for task, asked in {
            **_ASKED,
            Task.ELIGIBILITY: (*_ASKED[Task.ELIGIBILITY], *_PEOPLE),
        }.items()
        for info in asked
    },
)


class Item(_Values):  # type: ignore[valid-type,misc]  # the fields come from the schemas
    """What a model says about the line with number ``n``: about a criterion, the participants, a
    regimen or an outcome.

    ``Reply.context_of`` makes the context of validation.
    """

    n: int
    stands: Annotated[bool, OR_UNREADABLE] | None = Field(None, alias="ok")
    lead_in: Annotated[int, OR_UNREADABLE] | None = Field(None, alias="under")
    quote: Annotated[str, OR_UNREADABLE] | None = None
    split: Annotated[Split, OR_UNREADABLE] | None = None
    custom: SkipJsonSchema[dict[str, Any]] = Field(default_factory=dict)
    """What is said of the user's own fields, as it was written; their declarations read it. A class
    with a field for each would not travel between processes.
    """

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return the keys in the order of the guideline, which is that of asking."""
        schema: JsonSchemaValue = super().__get_pydantic_json_schema__(core, handler)
        asked = [
            (task, name)
            for task in Task
            for name in (*_FRONT.get(task, ()), *FIELDS[task])
        ]
        order = ("n", *(key_of(_ATTRIBUTES.get(each, each[1])) for each in asked))
        return schema | {
            "properties": {key: schema["properties"][key] for key in order}
        }

    @model_validator(mode="before")
    @classmethod
    def _keep_what_was_asked(cls, data: Any, info: ValidationInfo) -> Any:
        """Drop nulls and keys that were not asked of the line; make one value of a list a list."""
        if not isinstance(data, dict):
            return data
        kept = {
            key: value
            for key, value in data.items()
            if value not in (None, "", [], [None])
        }
        if info.context:
            questions: Mapping[int, Question] = info.context["questions"]
            try:
                question = questions.get(int(data["n"]))
            except (KeyError, TypeError, ValueError):
                raise ValueError("an item needs the number n of its line") from None
            if question is None:
                known = ", ".join(map(str, sorted(questions)))
                raise ValueError(
                    f"there is no line {data.get('n')}; the lines are {known}"
                )
            # A line that turns out to be no criterion says so, whatever was asked of it.
            denial = {"stands", "ok"} if question.task is Task.ELIGIBILITY else set()
            names = (
                {"n"}
                | denial
                | {
                    name
                    for one in list_attributes(question)
                    for name in (one, key_of(one))
                }
            )
            custom = {
                field.name: kept[field.name]
                for field in question.custom
                if field.name in kept
            }
            kept = {
                key: value
                for key, value in kept.items()
                if key in names and key not in custom
            }
            kept |= {"custom": custom} if custom else {}
        return {
            key: [value] if key in _LISTS and not isinstance(value, list) else value
            for key, value in kept.items()
        }

    @model_validator(mode="after")
    def _cut_is_in_the_text(self, info: ValidationInfo) -> Self:
        if not isinstance(self.split, Split) or not info.context:
            return self
        try:
            cut_outcome(
                info.context["questions"][self.n].chunk.text, self.split.d, self.split.t
            )
        except ValueError as error:
            read: Self = self.model_copy(
                update={
                    "split": UnreadableValue(self.split.model_dump_json(), str(error))
                }
            )
            return read
        return self

    def completed_by(self, other: Self) -> Self:
        """Add what another item about the same line says and this one leaves out, or says in no
        readable form.

        Of the user's own fields, all values count.
        """
        lacking = {
            name for name in other.model_fields_set if name not in self.model_fields_set
        }
        lacking |= {
            name
            for name in other.model_fields_set
            if isinstance(getattr(self, name), UnreadableValue)
        }
        added = {name: getattr(other, name) for name in lacking - {"custom"}}
        if other.custom:
            names = {**self.custom, **other.custom}
            added["custom"] = {
                name: _unite(self.custom.get(name), other.custom.get(name))
                for name in names
            }
        completed: Self = self.model_copy(update=added)
        return completed

    def read(self, question: Question) -> dict[str, Any]:
        """Return the values that answer ``question``, by field, without those that have no answer.

        A value that cannot be read is ``UnreadableValue``. A user's field has a list of claims.
        """
        asked = set(question.fields)
        values: dict[str, Any] = {"stands": True} if REGIMENS in asked else {}
        # What is no criterion has no fields of one, but may introduce some, and speak of the
        # participants.
        denied = question.task is Task.ELIGIBILITY and self.stands is False
        fields = (
            "stands",
            *(("rule",) if "rule" in asked else ()),
            *(PEOPLE_FIELDS if PEOPLE in asked else ()),
        )
        own = {one.name for one in question.custom}
        for field in (
            fields
            if denied
            else expand(name for name in question.fields if name not in own)
        ):
            value = getattr(self, _ATTRIBUTES.get((question.task, field), field))
            if value not in (None, ()) or field not in _NEEDED | set(PEOPLE_FIELDS):
                values[field] = _LEFT_OUT.get(field) if value is None else value
        # Tmax is a time, but no time to an event
        if values.get("concept") in _KINETICS:
            values |= {
                field: _LEFT_OUT.get(field)
                for field in ("start_event", "end_events")
                if field in values
            }
        if isinstance(split := values.get("split"), Split):
            values |= cut_outcome(question.chunk.text, split.d, split.t)
            del values["split"]
        values = {field: _restore_lines(value) for field, value in values.items()}
        claims: dict[str, Any] = {}
        for one in question.custom:
            said, faults = one.read(_restore_lines(self.custom.get(one.name)))
            claims[one.name] = (*said, *(UnreadableValue(*fault) for fault in faults))
        return values | claims if values or any(claims.values()) else {}


def _unite(one: Any, other: Any) -> Any:
    """Return what two items say of a user's own field, each value once."""
    if one is None or other is None or one == other:
        return other if one is None else one
    values = [*(one if isinstance(one, list) else [one])]
    return values + [
        value
        for value in (other if isinstance(other, list) else [other])
        if value not in values
    ]


class Reply(WireModel):
    """A model's answer to one call. An item that is not about a line of the call is
    ``UnreadableValue``.

    An answer is invalid only if no part of it can be used.
    """

    items: tuple[Annotated[Item, OR_UNREADABLE], ...]

    @model_validator(mode="after")
    def _holds_something(self) -> Self:
        broken = [item for item in self.items if isinstance(item, UnreadableValue)]
        if broken and len(broken) == len(self.items):
            raise ValueError(broken[0].reason)
        return self

    @staticmethod
    def context_of(questions: Iterable[Question]) -> dict[str, Any]:
        """Return the context in which a reply to these questions is validated."""
        return {
            "questions": {question.chunk.number: question for question in questions}
        }


_LISTS = frozenset(
    name
    for attribute, field in Item.model_fields.items()
    if get_origin(field.annotation) is tuple
    for name in (attribute, field.alias)
)
"""The keys and attributes that hold a list."""


@lru_cache(256)  # fields of the user's own have no end
def reply_for(fields: tuple[CustomField, ...]) -> type[Reply]:
    """Return the reply of a run with these fields of the user's own."""
    if not fields:
        return Reply

    class CustomReply(Reply):
        @classmethod
        def model_json_schema(cls, *args: Any, **options: Any) -> dict[str, Any]:
            schema = super().model_json_schema(*args, **options)
            schema["$defs"]["Item"]["properties"] |= {
                field.name: field.json_schema for field in fields
            }
            return schema

    CustomReply.__name__ = Reply.__name__
    return CustomReply


def is_listing(question: Question) -> bool:
    """Check whether the line of a question may have any number of items, or none."""
    return set(question.fields) <= {
        *_EXPANDED,
        *(field.name for field in question.custom),
    }


def expand(fields: Iterable[str]) -> tuple[str, ...]:
    """Return the fields of an answer to a question for ``fields``.

    >>> expand(["kind", "people"])
    ('kind', 'minimum_age', 'maximum_age', 'sex', 'healthy_volunteers')
    """
    return tuple(part for field in fields for part in _EXPANDED.get(field, (field,)))


def list_attributes(question: Question) -> tuple[str, ...]:
    """Return the attributes of ``Item`` that answer a question."""
    return tuple(
        _ATTRIBUTES.get((question.task, field), field)
        for field in expand(question.fields)
    )


def key_of(attribute: str) -> str:
    """Return the key that a model writes for an attribute of ``Item``; other names stay.

    >>> key_of("kind"), key_of("regimens")
    ('list', 'regimens')
    """
    info = Item.model_fields.get(attribute)
    return (info.alias if info else None) or attribute


@cache
def name_words(task: Task) -> Mapping[str, str]:
    """Return what a model writes for the names of a task's fields and for the members of their
    closed sets.

    >>> (
    ...     name_words(Task.ENDPOINTS)["time_points"],
    ...     name_words(Task.ENDPOINTS)["overall_survival"],
    ... )
    ('times', 'OS')
    """
    infos = list_fields(task)
    sets = [
        info.type
        for info in infos
        if isinstance(info.type, type) and issubclass(info.type, StrEnum)
    ]
    words = {value: word for one in sets for value, word in short_words(one).items()}
    return words | {info.name: info.metadata.key or info.name for info in infos}


def keys_asked(question: Question) -> tuple[str, ...]:
    """Return the keys that a line names."""
    return tuple(
        key_of(_ATTRIBUTES.get((question.task, field), field))
        for field in question.fields
    )


def read_values(
    asked: Sequence[Question], items: Iterable[Any], *, complete: bool = True
) -> list[tuple[Question, Mapping[str, Any]]]:
    """Read the items of a reply to the questions ``asked``: each time a question, and its values by
    field.

    Of several items for a line that has one, later ones add what the first leaves out; an empty one
    says nothing. A line without an item holds no regimens (``stands`` is False) and none of the
    user's own fields; this is concluded only from a ``complete`` reply.
    """
    questions = {question.chunk.number: question for question in asked}
    said: list[tuple[Question, Item]] = []
    places: dict[int, int] = {}
    for item in items:
        question = questions.get(item.n) if isinstance(item, Item) else None
        if question is None:
            continue
        known = None if is_listing(question) else places.get(item.n)
        if known is None:
            places[item.n] = len(said)
            said.append((question, item))
        else:
            said[known] = (question, said[known][1].completed_by(item))
    found: list[tuple[Question, Mapping[str, Any]]] = [
        (question, values) for question, item in said if (values := item.read(question))
    ]
    answered = {question.chunk.number for question, _ in found}
    silent = [question for question in asked if question.chunk.number not in answered]
    return [*found, *read_silence(silent)] if complete else found


def read_silence(
    silent: Iterable[Question],
) -> list[tuple[Question, Mapping[str, Any]]]:
    """Return what lines without an item say, if the reply is the whole answer: no regimens, and
    no own fields.
    """
    said: list[tuple[Question, Mapping[str, Any]]] = []
    for question in filter(is_listing, silent):
        none: dict[str, Any]
        if REGIMENS in question.fields:
            none = {"stands": False}
        else:
            none = {one.name: () for one in question.custom}
        if none:
            said.append((question, none))
    return said


def _restore_lines(value: Any) -> Any:
    """Return a value with the record's line breaks in place of the marks that stood for them in
    its line.
    """
    # members of closed sets are strings too, and stay what they are
    if type(value) is str:
        return value.replace(LINE_BREAK, "\n")
    if isinstance(value, TimeWindow | Constraint):
        quotes = {
            name: getattr(value, name, None)
            for name in ("quote", "of", "anchor", "condition")
        }
        return value.model_copy(
            update={
                name: _restore_lines(words) for name, words in quotes.items() if words
            }
        )
    if isinstance(value, dict):
        return {key: _restore_lines(one) for key, one in value.items()}
    return (
        type(value)(map(_restore_lines, value))
        if isinstance(value, tuple | list)
        else value
    )
