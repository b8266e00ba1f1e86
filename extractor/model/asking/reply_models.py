"""What a model writes: items of short keys, under one JSON schema that is the same for every call.

The items' fields are those of the schemas that a model is asked for, with their keys
(``FieldMetadata``); ``reply_words.toml`` has short words for members of closed sets. Output tokens
are the cost, so a key whose value the text does not state is left out. A value that cannot be read
is an ``UnreadableValue`` and costs nothing else: not its item, and not the answer.
"""

import json
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache, partial
from importlib.resources import files
from itertools import starmap
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
    create_model,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_snake

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
from extractor.schemas import (
    Age,
    Amount,
    Comparison,
    Concept,
    Constraint,
    CriterionGroup,
    EndpointCategory,
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

REGIMENS = "regimens"
PEOPLE = "people"
"""Questions that a line may answer with several items, or with none."""

_ASKED = {
    task: [info for info in list_fields(task) if info.metadata.question == info.name]
    for task in Task
}
"""The fields that are asked by their own names."""
_PEOPLE = [
    info
    for info in list_fields(Task.ELIGIBILITY)
    if info.group == "eligibility" and info.metadata.evidence is EvidenceKind.READ
]
PEOPLE_FIELDS = tuple(info.name for info in _PEOPLE)
_CRITERION, REGIMEN_FIELDS, _OUTCOME = (
    tuple(info.name for info in asked) for asked in _ASKED.values()
)
PARTS = tuple(
    info.name
    for info in list_fields(Task.ENDPOINTS)
    if info.metadata.question == "split"
)
"""The parts of an outcome that ``split`` asks for."""
FIELDS: Mapping[Task, tuple[str, ...]] = {
    Task.ELIGIBILITY: ("stands", *_CRITERION, "lead_in", "rule"),
    Task.DOSING: REGIMEN_FIELDS,
    Task.ENDPOINTS: ("split", *_OUTCOME),
}
"""The fields that a model can be asked of an item of each task, in the order of asking."""
_EXPANDED = {REGIMENS: ("quote", *REGIMEN_FIELDS), PEOPLE: PEOPLE_FIELDS}
_NEEDED = {"stands", "kind", "split", "rule", "arms", *PEOPLE_FIELDS}
_NEEDED |= {
    info.name
    for asked in _ASKED.values()
    for info in asked
    if info.metadata.decided and info.kind is ValueKind.CHOICE
}
"""Fields with a value for every line that is asked for them, so that leaving one out is no
answer.
"""
_KINETICS = (Concept.PHARMACOKINETICS, Concept.CELLULAR_KINETICS)
_EMPTY: Sequence[Any] = (None, "", [], [None])
"""What a model may write for a key without a value."""
_LONGEST = 1000
"""Characters of a value that is no plain quote. The work to find its unit grows with its length."""
_HEAD = 60
_NOT_SENT = ("title", "description", "default", "maxLength", "maxItems")
"""Parts of a key's schema that no model gets, since the prompt defines each key."""

_SHORT: Mapping[str, Mapping[str, str]] = tomllib.loads(
    (files(__package__) / "reply_words.toml").read_text("utf-8")
)
_READERS: Mapping[type[Any], Callable[[str], Any]] = {
    CriterionGroup: read_group_rule,
    TimeWindow: read_window,
    Age: partial(read_time, Age),
    Period: partial(read_time, Period),
    TimePoint: partial(read_time, TimePoint),
    **{kind: CLASSES[kind].read for kind in (Amount, Constraint, Instrument)},
}
"""What reads a value that is written as text, such as "21 day", by its class."""


def _keep_unreadable(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    """Validate a value. A refused one becomes an ``UnreadableValue``."""
    try:
        return validate(value)
    except ValidationError as error:
        text = value
        if not isinstance(value, str):
            text = json.dumps(value, ensure_ascii=False)
        messages = [fault["msg"] for fault in error.errors()]
        reasons = [message.removeprefix("Value error, ") for message in messages]
        return UnreadableValue(text, "; ".join(reasons))


_OR_UNREADABLE = WrapValidator(_keep_unreadable)


def short_words(closed_set: type[StrEnum]) -> Mapping[str, str]:
    """Return what a model writes for the members of a closed set, by their values."""
    short = _SHORT.get(to_snake(closed_set.__name__), {})
    return {
        member.value: short.get(member.value, member.value) for member in closed_set
    }


def _as_word(closed_set: type[StrEnum]) -> Any:
    """Annotate a closed set, of which a model writes short words. Values are understood as well, in
    any case and with white space around them.
    """
    words = short_words(closed_set)
    members = {
        name.casefold(): closed_set(value)
        for value, word in words.items()
        for name in (value, word)
    }

    def parse(word: object) -> StrEnum:
        member = members.get(str(word).strip().casefold())
        if member is None:
            raise ValueError(f"{word!r} is none of: {', '.join(words.values())}")
        return member

    schema = {"type": "string", "enum": list(words.values())}
    return Annotated[closed_set, BeforeValidator(parse), WithJsonSchema(schema)]


def _as_text(written: type[Any]) -> Any:
    """Annotate a class whose values a model writes as text."""

    def parse(text: object) -> object:
        if not isinstance(text, str):
            raise ValueError(f"{text!r} is not a string")  # noqa: TRY004  (pydantic collects ValueErrors)
        if len(text) > _LONGEST:
            raise ValueError(
                f"a value of more than {_LONGEST} characters; quote less of the text"
            )
        return _READERS[written](text)

    # "within 6 months": the window stays text where the rules must tell its sense
    kind: Any = TimeWindow | str if written is TimeWindow else written
    return Annotated[kind, BeforeValidator(parse), WithJsonSchema({"type": "string"})]


def _shorten_schema(schema: dict[str, Any]) -> None:
    """Leave only what a model must read: no titles, descriptions, defaults and nulls."""
    for name in ("title", "description"):
        schema.pop(name, None)
    schema["additionalProperties"] = False
    for written in schema["properties"].values():
        options = written.pop("anyOf", [{}])
        written.update(options[0])
        for name in _NOT_SENT:
            written.pop(name, None)


class _Wire(BaseModel):
    """What a model writes. Its schema is small."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        validate_by_name=True,
        validate_by_alias=True,
        json_schema_extra=_shorten_schema,
    )


# A longer copy does no harm: its first words are enough.
_Head = Annotated[
    str, AfterValidator(lambda text: text[:_HEAD]), WithJsonSchema({"type": "string"})
]


class Split(_Wire):
    """First words of an outcome's description ``d`` and time frame ``t``, each left out where it
    is missing.
    """

    d: _Head | None = None
    t: _Head | None = None


def _declare(kind: Any, key: str | None = None, *, many: bool = False) -> Any:
    """Return the type and default of a field: a list is empty by default, any other one None."""
    member: Any = Annotated[kind, _OR_UNREADABLE]
    if not many:
        return (member | None, Field(None, alias=key))
    any_tuple: Any = tuple
    # one value is written without brackets at times
    members = Annotated[any_tuple[member, ...], BeforeValidator(_as_list)]
    return (members, Field((), alias=key))


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _declare_all(infos: Iterable[FieldInfo]) -> dict[str, Any]:
    """Return fields of the guideline, by attribute, as a model writes them: a time or an amount as
    text, a member of a closed set as a short word, an arm as its number in the call's list.
    """
    declared = {}
    for info in infos:
        kind: Any = info.type
        if info.metadata.comparison is Comparison.LABEL:
            kind = int
        elif kind in _READERS:
            kind = _as_text(kind)
        elif issubclass(kind, StrEnum):
            kind = _as_word(kind)
        # criteria have a category, too
        name = "domain" if info.type is EndpointCategory else info.name
        declared[name] = _declare(kind, info.metadata.key, many=info.many)
    return declared


# in the order of the guideline, which is that of asking
_Values = create_model(
    "_Values",
    __base__=_Wire,
    n=(int, ...),
    stands=_declare(bool, "ok"),
    **_declare_all(_ASKED[Task.ELIGIBILITY]),
    lead_in=_declare(int, "under"),
    rule=_declare(_as_text(CriterionGroup)),
    **_declare_all(_PEOPLE),
    quote=_declare(str),
    **_declare_all(_ASKED[Task.DOSING]),
    split=_declare(Split),
    **_declare_all(_ASKED[Task.ENDPOINTS]),
)


class Item(_Values):  # type: ignore[valid-type,misc]  # the fields come from the schemas
    """What a model says about the line with number ``n``: about a criterion, the participants, a
    regimen or an outcome. Other keys are kept as written: the user's own fields are among them.
    In the context of validation, ``lines`` are the numbers of the call's lines.
    """

    model_config = ConfigDict(extra="allow")

    @field_validator("n")
    @classmethod
    def _is_a_line_of_the_call(cls, number: int, info: ValidationInfo) -> int:
        lines = info.context["lines"] if info.context else {number}
        if number not in lines:
            known = ", ".join(map(str, sorted(lines)))
            raise ValueError(f"there is no line {number}; the lines are {known}")
        return number

    @model_validator(mode="before")
    @classmethod
    def _tidy(cls, data: Any) -> Any:
        """Drop empty values, and put line breaks in place of their marks in a prompt."""
        if not isinstance(data, dict):
            return data
        data = json.loads(json.dumps(data).replace(LINE_BREAK, r"\n"))
        return {key: value for key, value in data.items() if value not in _EMPTY}

    def completed_by(self, other: Self) -> Self:
        """Return the item with what another one about its line says, where this one says nothing or
        nothing readable.
        """
        unreadable = {
            name for name, value in self if isinstance(value, UnreadableValue)
        }
        added = other.model_fields_set - (self.model_fields_set - unreadable)
        values = {name: value for name, value in other if name in added}
        completed: Self = self.model_copy(update=values)
        return completed

    def read(self, question: Question) -> dict[str, Any]:
        """Return the values that answer ``question``, by field; {} if there are none.

        A field that is left out means "the text states none" (None, (), or False for yes and no).
        Only where every line has a value, or for the participants, it is no answer and is missing
        here. Each field of the user's own has a tuple of claims.
        """
        stated = dict(self)
        values: dict[str, Any] = {}
        if REGIMENS in question.fields:
            values["stands"] = True
        for field in self._list_answered(question):
            value = stated[_name_attribute(question.task, field)]
            if value not in (None, ()):
                values[field] = value
            elif field not in _NEEDED:
                values[field] = False if field == "censored" else value
        if values.get("concept") in _KINETICS:
            # Tmax is a time, but no time to an event
            values |= dict.fromkeys(values.keys() & {"start_event", "end_events"})
        split = values.get("split")
        if isinstance(split, Split):
            try:
                values |= cut_outcome(question.chunk.text, split.d, split.t)
                del values["split"]
            except ValueError as error:
                written = split.model_dump_json()
                values["split"] = UnreadableValue(written, str(error))
        claims: dict[str, tuple[Any, ...]] = {}
        for own in question.custom:
            readable, faults = own.read(stated.get(own.name))
            claims[own.name] = (*readable, *starmap(UnreadableValue, faults))
        if not values and not any(claims.values()):
            return {}
        return values | claims

    def _list_answered(self, question: Question) -> Sequence[str]:
        """List the guideline's fields that the item may answer. A line that is no criterion has
        none of one; it may introduce criteria, and speak of the participants.
        """
        if question.task is Task.ELIGIBILITY and self.stands is False:
            beside = [name for name in question.fields if name in ("rule", PEOPLE)]
            return expand(["stands", *beside])
        own = {field.name for field in question.custom}
        return expand(name for name in question.fields if name not in own)


class Reply(_Wire):
    """A model's answer to one call. An item that is none, or about no line of the call, is
    ``UnreadableValue``. An answer is invalid only if it has items and none can be read.
    """

    items: tuple[Annotated[Item, _OR_UNREADABLE], ...]

    @model_validator(mode="after")
    def _has_an_item(self) -> Self:
        broken = [item for item in self.items if isinstance(item, UnreadableValue)]
        if broken and len(broken) == len(self.items):
            raise ValueError(broken[0].reason)
        return self


@lru_cache(256)  # fields of the user's own have no end
def reply_for(fields: tuple[CustomField, ...]) -> type[Reply]:
    """Return the reply model of a run with these fields of the user's own: its JSON schema has a
    key for each. It validates as ``Reply`` does, and has its name.
    """
    if not fields:
        return Reply

    class CustomReply(Reply):
        @classmethod
        def model_json_schema(cls, *args: Any, **options: Any) -> dict[str, Any]:
            schema = super().model_json_schema(*args, **options)
            keys = schema["$defs"]["Item"]["properties"]
            keys |= {field.name: field.json_schema for field in fields}
            return schema

    CustomReply.__name__ = Reply.__name__
    return CustomReply


def is_listing(question: Question) -> bool:
    """Check whether the line of a question may have any number of items, or none: it asks for
    nothing but regimens, the participants and the user's own fields.
    """
    own = {field.name for field in question.custom}
    return set(question.fields) <= own.union(_EXPANDED)


def expand(fields: Iterable[str]) -> tuple[str, ...]:
    """Return the fields of an answer: those of a regimen or of the participants in place of
    ``regimens`` and ``people``.

    >>> expand(["kind", "people"])
    ('kind', 'minimum_age', 'maximum_age', 'sex', 'healthy_volunteers')
    """
    expanded: list[str] = []
    for field in fields:
        expanded += _EXPANDED.get(field, (field,))
    return tuple(expanded)


def _name_attribute(task: Task, field: str) -> str:
    """Return the attribute of ``Item`` for a field of a task, which most often has its name."""
    return "domain" if (task, field) == (Task.ENDPOINTS, "category") else field


def key_of(attribute: str) -> str:
    """Return the key that a model writes for an attribute of ``Item``; other names stay.

    >>> key_of("kind"), key_of("regimens")
    ('list', 'regimens')
    """
    info = Item.model_fields.get(attribute)
    return (info and info.alias) or attribute


def list_keys(question: Question) -> list[str]:
    """Return the keys that a line names: those of the asked fields, in their order."""
    attributes = [_name_attribute(question.task, field) for field in question.fields]
    return list(map(key_of, attributes))


Answers = Iterator[tuple[Question, Mapping[str, Any]]]
"""Questions, each with the values that answer it, by field."""


def read_values(asked: Sequence[Question], items: Iterable[Any]) -> Answers:
    """Read the items of a reply to the questions ``asked``.

    Of several items for a line that has one, later ones add what the first leaves out; an empty one
    says nothing.
    """
    questions = {question.number: question for question in asked}
    merged: dict[Any, tuple[Question, Item]] = {}
    for item in items:
        if not isinstance(item, Item) or item.n not in questions:
            continue
        question = questions[item.n]
        # each item of a list counts by itself
        place = (item.n, len(merged)) if is_listing(question) else item.n
        _, first = merged.get(place, (question, item))
        merged[place] = (question, first.completed_by(item))
    for question, item in merged.values():
        values = item.read(question)
        if values:
            yield question, values


def read_silence(silent: Iterable[Question]) -> Answers:
    """Read lines without an item, if the reply is the whole answer: a line that was asked for
    regimens has none (``stands`` is False), any other line for a list has none of the user's own
    fields. Lines that need an item say nothing, and are left out.
    """
    for question in silent:
        if not is_listing(question):
            continue
        if REGIMENS in question.fields:
            yield question, {"stands": False}
        elif question.custom:
            yield question, {field.name: () for field in question.custom}
