"""What a model writes: items of short keys, under one JSON schema that is the same for every call
(``model/prompts/reply_schema.json``).

``FORMS`` gives, for each field that a model can be asked for, its key and the function that reads
its values. Output tokens are the cost, so a key whose value the text does not state is left out.
``answers`` reads items.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from pydantic import BaseModel, TypeAdapter, model_validator

from extractor.concepts.own.attributes import CLASSES
from extractor.concepts.own.declaration import CustomField
from extractor.concepts.own.value_forms import read_group_rule, read_time, read_window
from extractor.model.asking.questions import LINE_BREAK, Question
from extractor.schemas import (
    Age,
    Amount,
    Constraint,
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
    *("agent", "role", "amounts", "arms", "route", "frequency", "cycle", "duration"),
    "timing",
)
_OUTCOME = (
    *("split", "concept", "category", "time_points", "time_kind", "instrument"),
    *("start_event", "end_events", "censored", "specimens", "methods"),
)
FIELDS: Mapping[Task, tuple[str, ...]] = {
    Task.ELIGIBILITY: _CRITERION,
    Task.DOSING: REGIMEN_FIELDS,
    Task.ENDPOINTS: _OUTCOME,
}
"""The fields that a model can be asked of an item of each task, in the order of asking."""
_EXPANDED = {REGIMENS: ("quote", *REGIMEN_FIELDS), PEOPLE: PEOPLE_FIELDS}
_EMPTY: Sequence[Any] = (None, "", [], [None])
"""What a model may write for a key without a value."""
_LONGEST = 1000
"""Characters of a value that is no plain quote. The work to find its unit grows with its length."""
_SCHEMA = Path(__file__).parents[1] / "prompts" / "reply_schema.json"
_KEYS = json.loads(_SCHEMA.read_text("utf-8"))["$defs"]["Item"]["properties"]
_READERS: Mapping[type[Any], Callable[[str], Any]] = {
    TimeWindow: read_window,
    Age: partial(read_time, Age),
    Period: partial(read_time, Period),
    TimePoint: partial(read_time, TimePoint),
    **{kind: CLASSES[kind].read for kind in (Amount, Constraint, Instrument)},
}
"""What reads a value that is written as text, such as "21 day", by its class."""


class Form(NamedTuple):
    """How a model writes a field: its key, and what reads a value (one of several, if ``many``).
    Members of a closed set are written as short ``words``.
    """

    key: str
    read: Callable[[Any], Any]
    many: bool = False
    words: Mapping[str, StrEnum] = {}


def _read_text(read: Callable[[str], Any], written: object) -> Any:
    if not isinstance(written, str):
        raise ValueError(f"{written!r} is not a string")  # noqa: TRY004 - as for other values
    if len(written) > _LONGEST:
        raise ValueError(
            f"a value of more than {_LONGEST} characters; quote less of the text"
        )
    return read(written)


def _read_word(words: Mapping[str, StrEnum], written: object) -> StrEnum:
    """Read a member of a closed set: its short word or its value, in any case."""
    folded = str(written).strip().casefold()
    for word, member in words.items():
        if folded in (word.casefold(), member.casefold()):
            return member
    raise ValueError(f"{written!r} is none of: {', '.join(words)}")


def _make_form(key: str, info: FieldInfo) -> Form:
    """Return the form of a field of the guideline."""
    if info.kind is ValueKind.CHOICE:
        # the schema has the words in the order of the closed set
        members = info.type.__members__.values()
        words = dict(zip(_KEYS[key]["enum"], members, strict=True))
        return Form(key, partial(_read_word, words), info.many, words)
    if info.type in _READERS:
        return Form(key, partial(_read_text, _READERS[info.type]), info.many)
    # an arm is written as its number in the list of the call
    kind = int if key == "arms" else info.type
    return Form(key, TypeAdapter(kind).validate_python, info.many)


def _list_forms(task: Task) -> Mapping[str, Form]:
    forms = {}
    for info in list_fields(task):
        key = info.metadata.key or info.name
        if key in _KEYS:
            forms[info.name] = _make_form(key, info)
    return forms | {
        "stands": Form("ok", TypeAdapter(bool).validate_python),
        "lead_in": Form("under", TypeAdapter(int).validate_python),
        "rule": Form("rule", partial(_read_text, read_group_rule)),
        "quote": Form("quote", TypeAdapter(str).validate_python),
        "split": Form("split", TypeAdapter(dict[str, str | None]).validate_python),
    }


FORMS = {task: _list_forms(task) for task in Task}
"""How a model writes each field, by task."""


def expand(fields: Iterable[str]) -> list[str]:
    """Return the fields of an answer: those of a regimen or of the participants in place of
    ``regimens`` and ``people``.

    >>> expand(["kind", "people"])
    ['kind', 'minimum_age', 'maximum_age', 'sex', 'healthy_volunteers']
    """
    return [name for asked in fields for name in _EXPANDED.get(asked, (asked,))]


def is_listing(question: Question) -> bool:
    """Return whether the line of a question may have any number of items, or none: it asks for
    nothing but regimens, the participants and the user's own fields.
    """
    return not set(question.guideline_fields).difference(_EXPANDED)


def list_keys(question: Question) -> list[str]:
    """Return the keys that a line names: those of the asked fields, in their order."""
    forms = FORMS[question.task]
    return [forms[name].key if name in forms else name for name in question.fields]


class Item(BaseModel, frozen=True, extra="allow"):
    """What a model writes about the line with number ``n``, by key. Its values are read later, each
    by itself.
    """

    n: int

    @model_validator(mode="before")
    @classmethod
    def _tidy(cls, data: Any) -> Any:
        """Drop empty values, and put line breaks in place of their marks in a prompt."""
        if not isinstance(data, dict):
            return data
        data = json.loads(json.dumps(data).replace(LINE_BREAK, r"\n"))
        return {key: value for key, value in data.items() if value not in _EMPTY}


class Reply(BaseModel, frozen=True):
    """A model's answer to one call. An item that is none, or about no line of the call, is
    left out.
    """

    # a provider of tools gets this text as the tool's description

    custom: ClassVar[tuple[CustomField, ...]] = ()
    items: tuple[Item, ...]

    @classmethod
    def model_json_schema(cls, *_: Any, **__: Any) -> dict[str, Any]:
        """Return only what a model must read: the prompt defines each key."""
        schema: dict[str, Any] = json.loads(_SCHEMA.read_text("utf-8"))
        keys = schema["$defs"]["Item"]["properties"]
        keys |= {own.name: own.json_schema for own in cls.custom}
        return schema


@lru_cache(256)  # fields of the user's own have no end
def reply_for(fields: tuple[CustomField, ...]) -> type[Reply]:
    """Return the reply model of a run with these fields of the user's own: its JSON schema has a
    key for each.
    """
    if not fields:
        return Reply
    return type("Reply", (Reply,), {"custom": fields, "__module__": __name__})
