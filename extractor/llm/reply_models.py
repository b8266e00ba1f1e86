"""What a model writes: one item for each line of a call, under the smallest JSON schema that the questions allow.

Keys are short, since output tokens are the cost, and a key whose value the text does not state is left out. A key means
the same in all tasks, so that one call can carry lines of several. Attributes are named like the fields of the public
schemas and are validated straight into their types; aliases are the keys that a model writes.
"""

import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from importlib.resources import files
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
    create_model,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from extractor.ground.check import Answer
from extractor.llm.requests import LINE_BREAK, Question
from extractor.schemas import (
    Amount,
    Category,
    Concept,
    Constraint,
    CriterionKind,
    EndpointCategory,
    Frequency,
    Instrument,
    Period,
    Role,
    Route,
    Task,
    TimeKind,
    TimePoint,
)

from .value_forms import cut_outcome, read_amount, read_instrument, read_limit, read_period, read_time_point

MOST_REGIMENS = 8
"""Regimens that one line may hold."""
REGIMEN_FIELDS = ("agent", "role", "amounts", "route", "frequency", "cycle", "duration", "timing")

_SHORT: Mapping[str, Mapping[str, str]] = tomllib.loads((files(__package__) / "reply_words.toml").read_text("utf-8"))


@dataclass(frozen=True, eq=False)
class Words:
    """Annotates a closed set with the words that a model writes for its members.

    A member's full name is understood as well, in any case.
    """

    members: Mapping[str, StrEnum]

    @classmethod
    def of(cls, closed_set: type[StrEnum], short: str = "") -> "Words":
        """Words for all members: those of a table of ``reply_words.toml``, else the member's value."""
        return cls({_SHORT.get(short, {}).get(member.value, member.value): member for member in closed_set})

    def read(self, word: object) -> StrEnum:
        """The member for a word. Raises ``ValueError`` with the words that are allowed."""
        if isinstance(word, str):
            known = {str(m).casefold(): m for m in self.members.values()}
            known |= {w.casefold(): m for w, m in self.members.items()}
            if word.strip().casefold() in known:
                return known[word.strip().casefold()]
        raise ValueError(f"{word!r} is none of: {', '.join(self.members)}")

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.read, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "enum": list(self.members)}


@dataclass(frozen=True, eq=False)
class Written:
    """Annotates a value that a model writes as text of at most ``length`` characters, such as "21 day"."""

    parse: Callable[[str], object]
    length: int

    def read(self, text: object) -> object:
        """The value for a text. Raises ``ValueError`` with the form that is allowed."""
        if not isinstance(text, str):
            raise ValueError(f"{text!r} is not a string")  # noqa: TRY004  (pydantic collects ValueErrors)
        if len(text) > self.length:
            raise ValueError(f"longer than {self.length} characters; give only the words that state the value")
        return self.parse(text)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.read, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "maxLength": self.length}


class WireModel(BaseModel):
    """Has a small JSON schema: no titles, descriptions, defaults or nulls, since the prompt defines each key."""

    model_config = ConfigDict(frozen=True, extra="ignore", validate_by_name=True, validate_by_alias=True)

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler.resolve_ref_schema(handler(core))
        for key in ("title", "description"):
            schema.pop(key, None)
        schema["properties"] = {key: _bare_schema(value) for key, value in schema["properties"].items()}
        schema["additionalProperties"] = False
        return schema


def _bare_schema(schema: JsonSchemaValue) -> JsonSchemaValue:
    kept = {key: value for key, value in schema.items() if key not in {"title", "description", "default", "anyOf"}}
    options = [option for option in schema.get("anyOf", ()) if option != {"type": "null"}]
    return kept | options[0] if options else kept


class WireItem(WireModel):
    """What a model says about the line with number ``n``. ``narrow_reply`` describes the context of validation."""

    allowance: ClassVar[Mapping[str, int]] = {}
    """The fields that a model may be asked, in the order of asking, with the output tokens that each may take."""
    always: ClassVar[frozenset[str]] = frozenset()
    """Fields of which every line has a value, so that leaving one out is no answer."""

    n: int

    @classmethod
    def expand(cls, fields: Collection[str]) -> frozenset[str]:
        """The attributes that answer the fields of a question."""
        return frozenset(fields)

    @classmethod
    def covers(cls, field: str) -> tuple[str, ...]:
        """The fields whose definitions a question for ``field`` needs."""
        return (field,)

    @classmethod
    def key(cls, field: str) -> str:
        """The key that a model writes for a field."""
        info = cls.model_fields.get(field)
        return (info.alias if info else None) or field

    @classmethod
    @cache
    def words(cls, field: str) -> Words | None:
        """The words of a field that is a closed set, else None."""
        info = cls.model_fields.get(field)
        options = getattr(info.annotation, "__args__", ()) if info else ()  # of Annotated[Role, Words(...)] | None
        metadata = (part for option in options for part in getattr(option, "__metadata__", ()))
        return next((part for part in metadata if isinstance(part, Words)), None)

    def read(self, question: Question) -> dict[str, Any]:
        """The values that answer ``question``, by field; fields without an answer are left out."""
        return self._values(question.fields)

    def _values(self, fields: Iterable[str]) -> dict[str, Any]:
        values = {field: getattr(self, field) for field in fields}
        return {field: value for field, value in values.items() if value is not None or field not in self.always}

    @model_validator(mode="before")
    @classmethod
    def _keep_what_was_asked(cls, data: Any, info: ValidationInfo) -> Any:
        """Drop nulls and keys that were not asked."""
        number = _number(data)
        if number is None or not info.context:
            return data
        asked: Mapping[int, Collection[str]] = info.context["fields"]
        names = {"n"} | {name for field in asked.get(number, ()) for name in (field, cls.key(field))}
        return {key: value for key, value in data.items() if key in names and value not in (None, "", [], [None])}


def _number(data: Any) -> int | None:
    try:
        return int(data["n"])
    except (KeyError, TypeError, ValueError):
        return None


def _list_numbers(numbers: Collection[int]) -> str:
    return ", ".join(map(str, sorted(numbers)))


class CriterionItem(WireItem):
    """A criterion, or a sentence that may be one."""

    allowance: ClassVar = {"stands": 5, "kind": 5, "category": 8, "constraints": 90, "time_window": 30}
    always: ClassVar = frozenset({"stands", "kind", "category"})

    stands: bool | None = Field(None, alias="ok")
    kind: Annotated[CriterionKind, Words.of(CriterionKind, "kind")] | None = Field(None, alias="list")
    category: Annotated[Category, Words.of(Category, "category")] | None = Field(None, alias="cat")
    constraints: tuple[Annotated[Constraint, Written(read_limit, 120)], ...] = Field((), alias="limits", max_length=10)
    time_window: Annotated[str, StringConstraints(max_length=120)] | None = Field(None, alias="window")

    def read(self, question: Question) -> dict[str, Any]:
        """The answer; nothing else is believed about a sentence that is no criterion."""
        return {"stands": False} if self.stands is False else super().read(question)


class RegimenItem(WireItem):
    """A regimen: the open fields of a known one, or all fields of one that the model found.

    A line that was asked for its regimens may get several items.
    """

    # fmt: off
    allowance: ClassVar = {
        "agent": 15, "role": 8, "amounts": 50, "route": 8, "frequency": 8, "cycle": 8, "duration": 8, "timing": 40,
        "regimens": 250,
    }
    # fmt: on
    always: ClassVar = frozenset({"role"})

    quote: Annotated[str, StringConstraints(max_length=260)] | None = None
    agent: Annotated[str, StringConstraints(max_length=80)] | None = None
    role: Annotated[Role, Words.of(Role)] | None = None
    amounts: tuple[Annotated[Amount, Written(read_amount, 60)], ...] = Field((), alias="dose", max_length=8)
    route: Annotated[Route, Words.of(Route)] | None = None
    frequency: Annotated[Frequency, Words.of(Frequency)] | None = Field(None, alias="freq")
    cycle: Annotated[Period, Written(read_period, 20)] | None = None
    duration: Annotated[Period, Written(read_period, 20)] | None = Field(None, alias="for")
    timing: Annotated[str, StringConstraints(max_length=240)] | None = Field(None, alias="when")

    @classmethod
    def expand(cls, fields: Collection[str]) -> frozenset[str]:
        """A question for regimens is answered by a quote and all fields."""
        return frozenset(("quote", *REGIMEN_FIELDS)) if "regimens" in fields else frozenset(fields)

    @classmethod
    def covers(cls, field: str) -> tuple[str, ...]:
        """A question for regimens needs the definitions of all fields."""
        return ("regimens", *REGIMEN_FIELDS) if field == "regimens" else (field,)

    def read(self, question: Question) -> dict[str, Any]:
        """The answer; a regimen that was found stands, and has a quote."""
        if "regimens" not in question.fields:
            return super().read(question)
        return {"stands": True} | self._values(("quote", *REGIMEN_FIELDS))


_HEAD = 60
# A longer copy does no harm: its first words are enough.
_Head = Annotated[
    str, AfterValidator(lambda text: text[:_HEAD]), WithJsonSchema({"type": "string", "maxLength": _HEAD})
]
_Quote = Annotated[str, StringConstraints(max_length=120)]
_Term = Annotated[str, StringConstraints(max_length=60)]


class Split(WireModel):
    """First words of an outcome's description ``d`` and time frame ``t``, each left out where there is none."""

    d: _Head | None = None
    t: _Head | None = None


class OutcomeItem(WireItem):
    """A registered outcome."""

    # fmt: off
    allowance: ClassVar = {
        "split": 40, "concept": 7, "category": 7, "time_points": 30, "time_kind": 6, "instrument": 20,
        "start_event": 30, "end_events": 60, "censored": 5, "specimens": 20, "methods": 20,
    }
    # fmt: on
    always: ClassVar = frozenset({"split", "concept", "category", "time_kind", "censored"})

    split: Split | None = None
    concept: Annotated[Concept, Words.of(Concept, "concept")] | None = None
    category: Annotated[EndpointCategory, Words.of(EndpointCategory, "endpoint_category")] | None = Field(
        None, alias="domain"
    )
    time_points: tuple[Annotated[TimePoint, Written(read_time_point, 20)], ...] = Field(
        (), alias="times", max_length=20
    )
    time_kind: Annotated[TimeKind, Words.of(TimeKind, "time_kind")] | None = Field(None, alias="span")
    instrument: Annotated[Instrument, Written(read_instrument, 80)] | None = Field(None, alias="tool")
    start_event: _Quote | None = Field(None, alias="start")
    end_events: tuple[_Quote, ...] = Field((), alias="ends", max_length=6)
    censored: bool | None = None
    specimens: tuple[_Term, ...] = Field((), max_length=5)
    methods: tuple[_Term, ...] = Field((), max_length=5)

    @model_validator(mode="after")
    def _cut_stands_in_the_text(self, info: ValidationInfo) -> Self:
        if self.split and info.context:
            cut_outcome(info.context["texts"][self.n], self.split.d, self.split.t)
        return self

    def read(self, question: Question) -> dict[str, Any]:
        """The answer; a split becomes measure, description and time frame."""
        values = super().read(question)
        split: Split | None = values.pop("split", None)
        return values | cut_outcome(question.chunk.text, split.d, split.t) if split else values


WIRE_ITEMS: Mapping[Task, type[WireItem]] = {
    Task.ELIGIBILITY: CriterionItem,
    Task.DOSING: RegimenItem,
    Task.ENDPOINTS: OutcomeItem,
}
"""The item of each task."""


class WireReply(WireModel):
    """A model's answer to one call: exactly one item for each line that needs one."""

    items: tuple[WireItem, ...]

    @model_validator(mode="after")
    def _cover_the_lines(self, info: ValidationInfo) -> Self:
        if not info.context:
            return self
        numbers = [item.n for item in self.items]
        once: Collection[int] = info.context["once"]
        if missing := [n for n in once if n not in numbers]:
            raise ValueError(f"no item for line {_list_numbers(missing)}; give one item for each line")
        if repeated := [n for n in once if numbers.count(n) > 1]:
            raise ValueError(f"several items for line {_list_numbers(repeated)}; give one item for each line")
        return self


def read_answers(asked: Sequence[Question], items: Iterable[BaseModel], *, complete: bool = True) -> tuple[Answer, ...]:
    """The values in the valid items of a reply to the questions ``asked``.

    A line that was asked for its regimens and has no item holds none (``stands`` is False); this is concluded only from
    a ``complete`` reply, of which no item was rejected.
    """
    questions = {question.chunk.number: question for question in asked}
    answers = [
        Answer(question.task, item.n, {field: _restore_lines(value) for field, value in values.items()})
        for item in items
        if isinstance(item, WireItem) and (question := questions.get(item.n)) and (values := item.read(question))
    ]
    if complete:
        answered = {answer.chunk for answer in answers}
        empty = (q for q in asked if "regimens" in q.fields and q.chunk.number not in answered)
        answers += [Answer(q.task, q.chunk.number, {"stands": False}) for q in empty]
    return tuple(answers)


def _restore_lines(value: Any) -> Any:
    """A value with the record's line breaks in place of the marks that stood for them in its line."""
    if type(value) is str:  # members of closed sets are strings too, and stay what they are
        return value.replace(LINE_BREAK, "\n")
    return tuple(map(_restore_lines, value)) if isinstance(value, tuple) else value


def narrow_reply(questions: Collection[Question]) -> type[WireReply]:
    """The reply model whose JSON schema has only the keys and words that these questions ask.

    Required are the keys that every question asks and every line has. The number of items is limited to a power of two,
    so that few different schemas are sent and providers can cache them. OpenAI's strict mode is not used: every absent
    key would cost a written null.

    Validate with the context ``{"tasks": {n: task}, "fields": {n: fields}, "once": numbers that need exactly one item,
    "texts": {n: text of the line}}``.
    """
    asked = [asked_keys(question) for question in questions]
    required = frozenset.intersection(*(keys & needed for keys, needed in asked))
    if any("ok" in keys for keys, _ in asked):  # what is no criterion has no other values
        required &= {"ok"}
    room = sum(MOST_REGIMENS if "regimens" in question.fields else 1 for question in questions)
    enums = [
        (WIRE_ITEMS[task].key(field), words)
        for task in Task
        for field, words in unite_options(WIRE_ITEMS[task], [q for q in questions if q.task is task]).items()
    ]
    shape = _Shape(
        tuple(task for task in Task if any(question.task is task for question in questions)),
        frozenset.union(*(keys for keys, _ in asked)) | {"n"},
        required | {"n"},
        tuple(enums),
    )
    return _build_reply(shape, 1 << (room - 1).bit_length())


def unite_options(item: type[WireItem], questions: Sequence[Question]) -> dict[str, tuple[str, ...]]:
    """For each closed field that no question leaves open: the words between which the rules waver in any of them."""
    united: dict[str, tuple[str, ...]] = {}
    for field in item.allowance:
        asking = [question for question in questions if field in item.expand(question.fields)]
        words = item.words(field)
        if words and asking and all(field in question.options for question in asking):
            wanted: frozenset[StrEnum] = frozenset().union(*(question.options[field] for question in asking))
            united[field] = tuple(word for word, member in words.members.items() if member in wanted)
    return united


def asked_keys(question: Question) -> tuple[frozenset[str], frozenset[str]]:
    """The keys that answer a question, and those of them that every line has."""
    item = WIRE_ITEMS[question.task]
    fields = item.expand(question.fields)
    return frozenset(map(item.key, fields)), frozenset(map(item.key, fields & item.always))


_TASK = "task of the line"


@dataclass(frozen=True, slots=True)
class _Shape:
    """Annotates an item with its tasks, the keys to show and to require, and the words of its closed sets.

    Validation is milder than the schema: a missing key stays open, and any word of the set is understood.
    """

    tasks: tuple[Task, ...]
    shown: frozenset[str]
    required: frozenset[str]
    words: tuple[tuple[str, tuple[str, ...]], ...]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        choices = {task: handler.generate_schema(WIRE_ITEMS[task]) for task in Task}
        union = core_schema.tagged_union_schema(choices=choices, discriminator=_TASK)
        return core_schema.with_info_before_validator_function(_mark_task, union)

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        properties: dict[str, JsonSchemaValue] = {}
        for task in self.tasks:
            schema = handler.resolve_ref_schema(handler(WIRE_ITEMS[task].__pydantic_core_schema__))
            shown = {key: value for key, value in schema["properties"].items() if key in self.shown}
            properties |= {key: _bare_schema(value) for key, value in shown.items()}
        for key, words in self.words:
            properties[key] = {"type": "string", "enum": list(words)}
        return {
            "type": "object",
            "properties": properties,
            "required": [key for key in properties if key in self.required],
            "additionalProperties": False,
        }


def _mark_task(data: Any, info: ValidationInfo) -> Any:
    """Mark an item with the task of its line, which decides how it is read."""
    if isinstance(data, WireItem):
        return data.model_dump(by_alias=True) | {_TASK: next(t for t, kind in WIRE_ITEMS.items() if type(data) is kind)}
    if not isinstance(data, dict) or not info.context:
        return data
    tasks: Mapping[int, Task] = info.context["tasks"]
    number = _number(data)
    if number is None:
        raise ValueError("an item needs the number n of its line")
    if number not in tasks:
        raise ValueError(f"there is no line {number}; the lines are {_list_numbers(tasks)}")
    return data | {_TASK: tasks[number]}


@lru_cache(maxsize=256)
def _build_reply(shape: _Shape, room: int) -> type[WireReply]:
    items: Any = (tuple[Annotated[WireItem, shape], ...], Field(max_length=room))
    return create_model("Reply", __base__=WireReply, items=items)
