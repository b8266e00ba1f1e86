"""The format of a model's reply: items with short keys, in the same JSON schema for every call
(``model/prompts/reply_schema.json``).

For each field that a model can be asked for, ``FORMS`` contains its key and the pydantic type that
reads its values. Because output tokens are expensive, keys are omitted if the text does not state
their value. ``answers`` reads the items.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from functools import lru_cache, partial
from typing import Annotated, Any, ClassVar, NamedTuple

import tomli
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    PlainValidator,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    create_model,
)

from extractor.assembly.check import UnreadableValue
from extractor.concepts.own.attributes import CLASSES
from extractor.concepts.own.declaration import CustomField, CustomFields
from extractor.language.values import list_members
from extractor.model.asking.questions import Question
from extractor.model.calls import PROMPTS, ReplyItem, ReplyModel
from extractor.schemas import (
    FieldInfo,
    Maximum,
    Task,
    TimeWindow,
    ValueKind,
    list_fields,
)
from extractor.schemas.base import JsonObject
from extractor.wire.value_forms import (
    read_group_rule,
    read_maximum,
    read_window,
)

REGIMENS = "regimens"
PEOPLE = "people"
CRITERIA = "criteria"
ENDPOINTS = "endpoints"
"""Questions whose answer may contain any number of items for a line. Criteria and endpoints are
those that the sentences of a passage state, each with its quote.
"""
PEOPLE_FIELDS = ("minimum_age", "maximum_age", "sex", "healthy_volunteers")
PARTS = ("measure", "description", "time_frame")
"""The parts of an outcome that ``split`` asks for."""
_CRITERION = (
    "stands",
    "kind",
    "category",
    "constraints",
    "time_windows",
    "lead_in",
    "rule",
)
REGIMEN_FIELDS = (
    "agent",
    "role",
    "step",
    "step_kind",
    "amounts",
    "maximum",
    "arms",
    "route",
    "frequency",
    "cycle",
    "duration",
    "total_duration",
    "as_needed",
    "timing",
)
_OUTCOME = (
    "split",
    "concept",
    "category",
    "time_points",
    "time_kind",
    "instrument",
    "start_event",
    "end_events",
    "censored",
    "specimens",
    "methods",
)
FIELDS: Mapping[Task, tuple[str, ...]] = {
    Task.ELIGIBILITY: _CRITERION,
    Task.DOSING: REGIMEN_FIELDS,
    Task.ENDPOINTS: _OUTCOME,
}
"""The fields of an item that a model can be asked for in each task, in the order of the keys."""
_OF_STRUCTURE = ("stands", "kind", "lead_in", "rule")
STATED_CRITERION = tuple(name for name in _CRITERION if name not in _OF_STRUCTURE)
STATED_OUTCOME = tuple(name for name in _OUTCOME if name != "split")
"""The fields of a criterion and of an endpoint that running text states."""
_EXPANDED = {
    REGIMENS: ("quote", *REGIMEN_FIELDS),
    PEOPLE: PEOPLE_FIELDS,
    CRITERIA: ("quote", "stands", "kind", *STATED_CRITERION),
    ENDPOINTS: ("quote", "rank", "time_frame", *STATED_OUTCOME),
}


UNANSWERED = ...
"""The value of a key that an item omits although every line has one, and of a key for which two
items of a line contradict each other.
"""
_NEEDED = {
    "kind",
    "category",
    "role",
    "arms",
    "concept",
    "time_kind",
    *PEOPLE_FIELDS,
}
"""Fields that have a value for every line for which they are requested. If an item omits such a
field, the field remains unanswered.
"""
_LONGEST = 1000
"""Maximum number of characters in a value with numbers and units. The time to parse a value grows
with its length.
"""
_SCHEMA = "reply_schema.json"
_KEYS = json.loads((PROMPTS / _SCHEMA).read_text("utf-8"))["$defs"]["Item"][
    "properties"
]
_VALUES = tomli.loads((PROMPTS / "reply_words.toml").read_text("utf-8"))
_READERS: dict[type, Callable[[str], object]] = {
    value_class: kind.read
    for value_class, kind in CLASSES.items()
    if issubclass(value_class, BaseModel)
}
_READERS[TimeWindow] = read_window
_READERS[Maximum] = read_maximum
"""For each class, the function that reads a value of that class from text such as "21 day"."""


class AnswerForm(NamedTuple):
    """How a model writes a field: the key, the pydantic type that reads its value, and the value
    that a missing key means.
    """

    key: str
    kind: object
    missing: object = UNANSWERED


def _find_member(words: Mapping[str, StrEnum], raw_value: object) -> object:
    """Return the member of a closed set with this short word, whose case is ignored, or, if there
    is none, the value itself.
    """
    return words.get(str(raw_value).strip().casefold(), raw_value)


def _leave_out(raw_value: object, read: ValidatorFunctionWrapHandler) -> object:
    """Validate a value. One that cannot be read is left out, and does not affect the others."""
    try:
        return read(raw_value)
    except ValidationError:
        return UnreadableValue(str(raw_value))


def _kind_of(read: Any, *, many: bool = False) -> object:
    """Return the pydantic type of the values of a field. A single value of a list may be written
    without brackets.
    """
    one = Annotated[read, WrapValidator(_leave_out)]
    if many:
        return Annotated[tuple[one, ...], BeforeValidator(list_members)]
    return one


def list_choice_words(info: FieldInfo) -> Mapping[str, StrEnum]:
    """Return the members of a closed set, keyed by the short words for them."""
    values = _VALUES.get(info.key, {})
    return {word: info.type(values.get(word, word)) for word in _KEYS[info.key]["enum"]}


def _make_form(info: FieldInfo) -> AnswerForm:
    """Return the form of a guideline field."""
    key = info.key
    read: object = info.type
    if info.kind is ValueKind.CHOICE:
        words = list_choice_words(info)
        members = {word.casefold(): member for word, member in words.items()}
        read = Annotated[info.type, BeforeValidator(partial(_find_member, members))]
    elif info.type in _READERS:
        read = _from_text(_READERS[info.type])
    # an arm is written as its number in the call's list of arms
    elif key == "arms":
        read = int
    missing: object = None
    if info.name in _NEEDED:
        missing = UNANSWERED
    elif info.many:
        missing = ()
    elif key == "censored":
        missing = False
    return AnswerForm(key, _kind_of(read, many=info.many), missing)


def _from_text(read: Callable[[str], object]) -> object:
    """Return the pydantic type of a value that is read from text."""
    return Annotated[str, Field(max_length=_LONGEST), AfterValidator(read)]


class Split(BaseModel, frozen=True, extra="forbid"):
    """The first words of an outcome's description and of its time frame."""

    d: str | None = None
    t: str | None = None


def _list_forms(task: Task) -> Mapping[str, AnswerForm]:
    forms = {
        info.name: _make_form(info) for info in list_fields(task) if info.key in _KEYS
    }
    return forms | {
        "stands": AnswerForm("ok", _kind_of(bool)),
        "lead_in": AnswerForm("under", _kind_of(int), None),
        "rule": AnswerForm("rule", _kind_of(_from_text(read_group_rule))),
        "quote": AnswerForm("quote", _kind_of(str), None),
        "time_frame": AnswerForm("time_frame", _kind_of(str), None),
        "split": AnswerForm("split", _kind_of(Split)),
    }


FORMS = {task: _list_forms(task) for task in Task}
"""How a model writes each field, keyed by task and field."""


def expand(fields: Iterable[str]) -> list[str]:
    """Return these fields, with those that ask for any number of items, such as ``regimens`` and
    ``people``, replaced by the fields of such an item.

    >>> expand(["kind", "people"])
    ['kind', 'minimum_age', 'maximum_age', 'sex', 'healthy_volunteers']
    """
    return [name for field in fields for name in _EXPANDED.get(field, (field,))]


def list_asked_keys(task: Task, *fields: str) -> frozenset[str]:
    """Return the keys of fields of a task, without the quote, which items of all tasks have.

    >>> sorted(list_asked_keys(Task.ELIGIBILITY, "people"))
    ['healthy', 'max', 'min', 'sex']
    """
    keys = {FORMS[task][name].key for name in expand(fields)}
    return frozenset(keys - {"quote"})


def is_listing(question: Question) -> bool:
    """Return True if the line of a question may have any number of items, because it asks only for
    lists, the participants and custom fields.
    """
    return not set(question.guideline_fields).difference(_EXPANDED)


CLAIMS = "own_"
"""The prefix of the attributes of an item that contain claims of custom fields. Without it, a
user's name could be that of an attribute of all pydantic models.
"""


def _make_item(custom: Iterable[CustomField]) -> type[ReplyItem]:
    """Return the model of an item, which has a field for each key."""
    fields: dict[str, Any] = {
        form.key: (form.kind, None)
        for forms in FORMS.values()
        for form in forms.values()
    }
    for field in custom:
        claims = Annotated[
            tuple[object, ...], PlainValidator(partial(_read_claims, field))
        ]
        fields[f"{CLAIMS}{field.name}"] = (claims, Field(None, alias=field.name))
    return create_model("Item", __base__=ReplyItem, **fields)


def _read_claims(field: CustomField, raw_value: object) -> tuple[object, ...]:
    claims, faults = field.read(raw_value)
    return (*claims, *(UnreadableValue(text) for text, _ in faults))


Item = _make_item(())


class Reply(ReplyModel, frozen=True):
    """A model's answer to one call. An item that is none, or about no line of the call, is
    left out.
    """

    # this docstring is sent to providers as the description of the tool

    schema_file = _SCHEMA
    custom: ClassVar[CustomFields] = ()
    items: tuple[Item, ...]  # type: ignore[valid-type]

    @classmethod
    def model_json_schema(cls, *_: object, **__: object) -> JsonObject:
        """Return the schema with a key for each custom field."""
        schema = super().model_json_schema()
        keys = schema["$defs"]["Item"]["properties"]
        keys |= {field.name: field.json_schema for field in cls.custom}
        return schema


@lru_cache(256)  # the number of custom fields is unlimited
def reply_for(custom: CustomFields) -> type[Reply]:
    """Return the reply model of a run with these custom fields, each of which has a key in the JSON
    schema.
    """
    if not custom:
        return Reply
    members: dict[str, Any] = {
        "custom": (ClassVar[CustomFields], custom),
        "items": (tuple[_make_item(custom), ...], ...),  # type: ignore[misc]
    }
    # providers see this name
    return create_model("Reply", __base__=Reply, __module__=__name__, **members)
