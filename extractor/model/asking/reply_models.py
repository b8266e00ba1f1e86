"""The format of a model's reply: items with short keys, in the same JSON schema for every call
(``model/prompts/reply_schema.json``).

For each field that a model can be asked for, ``FORMS`` contains its key and the function that reads
its values. Because output tokens are expensive, keys are omitted if the text does not state their
value. ``answers`` reads the items.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache, partial
from typing import Any, ClassVar, NamedTuple

from pydantic import TypeAdapter, model_validator

from extractor.concepts.own.attributes import CLASSES
from extractor.concepts.own.declaration import CustomField
from extractor.concepts.own.value_forms import read_group_rule, read_time, read_window
from extractor.model.asking.questions import LINE_BREAK, Question
from extractor.model.calls import PROMPTS, ReplyItem, ReplyModel
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
"""Questions whose answer may contain any number of items for a line."""
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
    "amounts",
    "arms",
    "route",
    "frequency",
    "cycle",
    "duration",
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
_EXPANDED = {REGIMENS: ("quote", *REGIMEN_FIELDS), PEOPLE: PEOPLE_FIELDS}
_EMPTY: Sequence[object] = (None, "", [], [None])
"""Values that a model may write for a key without a value."""
_LONGEST = 1000
"""Maximum number of characters in a value with numbers and units. The time to parse a value grows
with its length.
"""
_SCHEMA = "reply_schema.json"
_KEYS = json.loads((PROMPTS / _SCHEMA).read_text("utf-8"))["$defs"]["Item"][
    "properties"
]
_VALUES: Mapping[str, Mapping[str, str]] = {
    "list": {"in": "inclusion", "ex": "exclusion"},
    "cat": {
        "prior": "prior_therapy",
        "during": "concomitant_therapy",
        "organ": "organ_function",
        "performance": "performance_status",
        "expectancy": "life_expectancy",
        "consent": "consent_compliance",
    },
    "concept": {
        "OS": "overall_survival",
        "PFS": "progression_free_survival",
        "EFS": "event_free_survival",
        "DFS": "disease_free_survival",
        "TTP": "time_to_progression",
        "TTE": "time_to_event_other",
        "response": "response_rate",
        "DOR": "duration_of_response",
        "TTR": "time_to_response",
        "MRD": "minimal_residual_disease",
        "relapse": "relapse_or_progression_rate",
        "AE": "adverse_events",
        "DLT": "dose_limiting_toxicity",
        "MTD": "maximum_tolerated_dose",
        "harm": "specific_toxicity",
        "labs": "laboratory_or_vital_safety",
        "PK": "pharmacokinetics",
        "cells": "cellular_kinetics",
        "symptoms": "symptom_score",
        "QoL": "quality_of_life",
        "function": "functional_status",
        "event": "clinical_event",
        "physiology": "physiological_measure",
        "imaging": "imaging_measure",
        "medication": "medication_use",
        "challenge": "desensitization_or_challenge",
        "economics": "health_economics",
    },
    "domain": {
        "PK": "pharmacokinetics",
        "PD": "pharmacodynamics",
        "patient": "patient_reported",
    },
    "span": {"none": "unspecified"},
}
"""By key of a reply, the values that a model writes as shorter words, to save output tokens. All
other words of the schema are the values themselves.
"""
_READERS: Mapping[type, Callable[[str], object]] = {
    TimeWindow: read_window,
    Age: partial(read_time, Age),
    Period: partial(read_time, Period),
    TimePoint: partial(read_time, TimePoint),
    **{kind: CLASSES[kind].read for kind in (Amount, Constraint, Instrument)},
}
"""For each class, the function that reads a value of that class from text such as "21 day"."""


class AnswerForm(NamedTuple):
    """How a model writes a field: the key, and the function that reads a value or, if ``many``,
    each of several values. Members of a closed set are written as short ``words``.
    """

    key: str
    read: Callable[[object], object]
    many: bool = False
    words: Mapping[str, StrEnum] = {}


def _read_text(read: Callable[[str], object], raw_value: object) -> object:
    """Read a value from text. Raises ``ValueError`` if it is not text, too long or unreadable."""
    if not isinstance(raw_value, str):
        raise ValueError(f"{raw_value!r} is not a string")  # noqa: TRY004 - the same error as for other values
    if len(raw_value) > _LONGEST:
        raise ValueError(
            f"the value has more than {_LONGEST} characters; quote less of the text"
        )
    return read(raw_value)


def _read_word(words: Mapping[str, StrEnum], raw_value: object) -> StrEnum:
    """Read a member of a closed set from its short word or its value, ignoring case. Raises
    ``ValueError`` for any other word.
    """
    folded = str(raw_value).strip().casefold()
    for word, member in words.items():
        if folded in (word.casefold(), member.casefold()):
            return member
    raise ValueError(f"{raw_value!r} is not one of: {', '.join(words)}")


def _make_form(key: str, info: FieldInfo) -> AnswerForm:
    """Return the form of a guideline field with this key."""
    if info.kind is ValueKind.CHOICE:
        values = _VALUES.get(key, {})
        words = {word: info.type(values.get(word, word)) for word in _KEYS[key]["enum"]}
        return AnswerForm(key, partial(_read_word, words), info.many, words)
    if info.type in _READERS:
        return AnswerForm(key, partial(_read_text, _READERS[info.type]), info.many)
    # an arm is written as its number in the call's list of arms
    kind = int if key == "arms" else info.type
    return AnswerForm(key, TypeAdapter(kind).validate_python, info.many)


def _list_forms(task: Task) -> Mapping[str, AnswerForm]:
    forms = {}
    for info in list_fields(task):
        key = info.key
        if key in _KEYS:
            forms[info.name] = _make_form(key, info)
    return forms | {
        "stands": AnswerForm("ok", TypeAdapter(bool).validate_python),
        "lead_in": AnswerForm("under", TypeAdapter(int).validate_python),
        "rule": AnswerForm("rule", partial(_read_text, read_group_rule)),
        "quote": AnswerForm("quote", TypeAdapter(str).validate_python),
        "split": AnswerForm(
            "split", TypeAdapter(dict[str, str | None]).validate_python
        ),
    }


FORMS = {task: _list_forms(task) for task in Task}
"""How a model writes each field, keyed by task and field."""


def expand(fields: Iterable[str]) -> list[str]:
    """Return these fields, with ``regimens`` and ``people`` replaced by the fields of a regimen and
    of the participants.

    >>> expand(["kind", "people"])
    ['kind', 'minimum_age', 'maximum_age', 'sex', 'healthy_volunteers']
    """
    return [name for field in fields for name in _EXPANDED.get(field, (field,))]


def is_listing(question: Question) -> bool:
    """Return True if the line of a question may have any number of items, because it asks only for
    regimens, the participants and custom fields.
    """
    return not set(question.guideline_fields).difference(_EXPANDED)


def list_keys(question: Question) -> list[str]:
    """Return the keys of the fields that a question asks for, in order. The names of custom fields,
    ``regimens`` and ``people`` are keys themselves.
    """
    forms = FORMS[question.task]
    return [forms[name].key if name in forms else name for name in question.fields]


class Item(ReplyItem, frozen=True, extra="allow"):
    """A model's values for the line with number ``n``, by key. Each value is read separately
    later.
    """

    @model_validator(mode="before")
    @classmethod
    def _tidy(cls, data: dict[str, object]) -> dict[str, object]:
        """Drop empty values, and restore the line breaks that the prompt replaced."""
        data = json.loads(json.dumps(data).replace(LINE_BREAK, r"\n"))
        return {key: value for key, value in data.items() if value not in _EMPTY}


class Reply(ReplyModel, frozen=True):
    """A model's answer to one call. An item that is none, or about no line of the call, is
    left out.
    """

    # this docstring is sent to providers as the description of the tool

    schema_file = _SCHEMA
    custom: ClassVar[tuple[CustomField, ...]] = ()
    items: tuple[Item, ...]

    @classmethod
    def model_json_schema(cls, *_: object, **__: object) -> dict[str, Any]:
        """Return the schema with a key for each custom field."""
        schema = super().model_json_schema()
        keys = schema["$defs"]["Item"]["properties"]
        keys |= {field.name: field.json_schema for field in cls.custom}
        return schema


@lru_cache(256)  # the number of custom fields is unlimited
def reply_for(fields: tuple[CustomField, ...]) -> type[Reply]:
    """Return the reply model of a run with these custom fields, each of which has a key in the JSON
    schema.
    """
    if not fields:
        return Reply
    return type("Reply", (Reply,), {"custom": fields, "__module__": __name__})
