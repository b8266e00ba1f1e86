"""What a model writes: items of short keys, under one JSON schema that is the same for every call.

Keys are short, since output tokens are the cost, and a key whose value the text does not state is left out. The prompt
defines each key. Attributes have the types of the public schemas; their aliases are the keys that a model writes.
"""

import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, partial
from importlib.resources import files
from typing import Annotated, Any, Self

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
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from extractor.ground.check import Answer
from extractor.llm.requests import LINE_BREAK, Question
from extractor.schemas import (
    Age,
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
    Sex,
    Task,
    TimeKind,
    TimePoint,
    TimeWindow,
)

from .value_forms import cut_outcome, read_amount, read_instrument, read_limit, read_time
from .value_forms import read_window as read_window_form

REGIMENS, PEOPLE = "regimens", "people"
"""Questions that a line may answer with several items, or with none."""
PEOPLE_FIELDS = ("minimum_age", "maximum_age", "sex", "healthy_volunteers")
REGIMEN_FIELDS = ("agent", "role", "amounts", "route", "frequency", "cycle", "duration", "timing")

FIELDS: Mapping[Task, tuple[str, ...]] = {
    Task.ELIGIBILITY: ("stands", "kind", "category", "constraints", "time_window", "lead_in"),
    Task.DOSING: REGIMEN_FIELDS,
    Task.ENDPOINTS: (
        *("split", "concept", "category", "time_points", "time_kind", "instrument"),
        *("start_event", "end_events", "censored", "specimens", "methods"),
    ),
}
"""The fields that a model can be asked of an item of each task, in the order of asking."""
_NEEDED = frozenset({"stands", "kind", "category", "role", "split", "concept", "time_kind", "censored"})
"""Fields with a value for every line, so that leaving one out is no answer."""
_EXPANDED = {REGIMENS: ("quote", *REGIMEN_FIELDS), PEOPLE: PEOPLE_FIELDS}
_ATTRIBUTES = {(Task.ENDPOINTS, "category"): "domain"}
"""Attributes that have another name than the field, since two tasks have a field of that name."""

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
        return {"type": "string"}


class _WireModel(BaseModel):
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
    dropped = {"title", "description", "default", "anyOf", "maxLength", "maxItems"}
    kept = {key: value for key, value in schema.items() if key not in dropped}
    options = [option for option in schema.get("anyOf", ()) if option != {"type": "null"}]
    return kept | _bare_schema(options[0]) if options else kept


_HEAD = 60
# A longer copy does no harm: its first words are enough.
_Head = Annotated[str, AfterValidator(lambda text: text[:_HEAD]), WithJsonSchema({"type": "string"})]
_Quote = Annotated[str, StringConstraints(max_length=260)]
_Term = Annotated[str, StringConstraints(max_length=60)]
_Name = Annotated[str, StringConstraints(max_length=80)]
_Age = Annotated[Age, Written(partial(read_time, Age), 20)]
_Period = Annotated[Period, Written(partial(read_time, Period), 20)]


class Split(_WireModel):
    """First words of an outcome's description ``d`` and time frame ``t``, each left out where there is none."""

    d: _Head | None = None
    t: _Head | None = None


class Item(_WireModel):
    """What a model says about the line with number ``n``: about a criterion, the participants, a regimen or an outcome.

    ``Reply.context_of`` makes the context of validation.
    """

    n: int
    stands: bool | None = Field(None, alias="ok")
    kind: Annotated[CriterionKind, Words.of(CriterionKind, "kind")] | None = Field(None, alias="list")
    category: Annotated[Category, Words.of(Category, "category")] | None = Field(None, alias="cat")
    constraints: tuple[Annotated[Constraint, Written(read_limit, 160)], ...] = Field((), alias="limits", max_length=16)
    time_window: Annotated[TimeWindow | str, Written(read_window_form, 160)] | None = Field(None, alias="window")
    lead_in: int | None = Field(None, alias="under")

    minimum_age: _Age | None = Field(None, alias="min")
    maximum_age: _Age | None = Field(None, alias="max")
    sex: Annotated[Sex, Words.of(Sex)] | None = None
    healthy_volunteers: bool | None = Field(None, alias="healthy")

    quote: _Quote | None = None
    agent: _Name | None = None
    role: Annotated[Role, Words.of(Role)] | None = None
    amounts: tuple[Annotated[Amount, Written(read_amount, 60)], ...] = Field((), alias="dose", max_length=16)
    route: Annotated[Route, Words.of(Route)] | None = None
    frequency: Annotated[Frequency, Words.of(Frequency)] | None = Field(None, alias="freq")
    cycle: _Period | None = None
    duration: _Period | None = Field(None, alias="for")
    timing: _Quote | None = Field(None, alias="when")

    split: Split | None = None
    concept: Annotated[Concept, Words.of(Concept, "concept")] | None = None
    domain: Annotated[EndpointCategory, Words.of(EndpointCategory, "endpoint_category")] | None = None
    time_points: tuple[Annotated[TimePoint, Written(partial(read_time, TimePoint), 20)], ...] = Field(
        (), alias="times", max_length=30
    )
    time_kind: Annotated[TimeKind, Words.of(TimeKind, "time_kind")] | None = Field(None, alias="span")
    instrument: Annotated[Instrument, Written(read_instrument, 120)] | None = Field(None, alias="tool")
    start_event: _Quote | None = Field(None, alias="start")
    end_events: tuple[_Quote, ...] = Field((), alias="ends", max_length=8)
    censored: bool | None = None
    specimens: tuple[_Term, ...] = Field((), max_length=8)
    methods: tuple[_Term, ...] = Field((), max_length=8)

    @model_validator(mode="before")
    @classmethod
    def _keep_what_was_asked(cls, data: Any, info: ValidationInfo) -> Any:
        """Drop nulls and keys that were not asked of the line."""
        if not isinstance(data, dict) or not info.context:
            return data
        questions: Mapping[int, Question] = info.context["questions"]
        question = questions.get(_number(data))
        if question is None:
            raise ValueError(f"there is no line {data.get('n')}; the lines are {_list_numbers(questions)}")
        names = {"n"} | {name for one in list_attributes(question) for name in (one, key_of(one))}
        return {key: value for key, value in data.items() if key in names and value not in (None, "", [], [None])}

    @model_validator(mode="after")
    def _cut_is_in_the_text(self, info: ValidationInfo) -> Self:
        if self.split and info.context:
            cut_outcome(info.context["questions"][self.n].chunk.text, self.split.d, self.split.t)
        return self

    def read(self, question: Question) -> dict[str, Any]:
        """The values that answer ``question``, by field; fields without an answer are left out."""
        asked = set(question.fields)
        values: dict[str, Any] = {"stands": True} if REGIMENS in asked else {}
        # What is no criterion has no fields of one, but may speak of the participants.
        denied = "stands" in asked and self.stands is False
        fields = ("stands", *PEOPLE_FIELDS) if denied and PEOPLE in asked else ("stands",)
        for field in fields if denied else expand(question.fields):
            value = getattr(self, _ATTRIBUTES.get((question.task, field), field))
            if value is not None or field not in _NEEDED | set(PEOPLE_FIELDS):
                values[field] = value
        split: Split | None = values.pop("split", None)
        return values | cut_outcome(question.chunk.text, split.d, split.t) if split else values


class Reply(_WireModel):
    """A model's answer to one call."""

    items: tuple[Item, ...]

    @model_validator(mode="after")
    def _cover_the_lines(self, info: ValidationInfo) -> Self:
        """Every line that does not list regimens or people has exactly one item."""
        if not info.context:
            return self
        numbers = [item.n for item in self.items]
        once = [n for n, q in info.context["questions"].items() if not is_listing(q)]
        if missing := [n for n in once if n not in numbers]:
            raise ValueError(f"no item for line {_list_numbers(missing)}; give one item for each line")
        if repeated := [n for n in once if numbers.count(n) > 1]:
            raise ValueError(f"several items for line {_list_numbers(repeated)}; give one item for each line")
        return self

    @staticmethod
    def context_of(questions: Iterable[Question]) -> dict[str, Any]:
        """The context in which a reply to these questions is validated."""
        return {"questions": {question.chunk.number: question for question in questions}}


def is_listing(question: Question) -> bool:
    """Whether the line of a question may have any number of items."""
    return set(question.fields) <= set(_EXPANDED)


def expand(fields: Iterable[str]) -> tuple[str, ...]:
    """The fields of an answer to a question for ``fields``.

    >>> expand(["kind", "people"])
    ('kind', 'minimum_age', 'maximum_age', 'sex', 'healthy_volunteers')
    """
    return tuple(part for field in fields for part in _EXPANDED.get(field, (field,)))


def list_attributes(question: Question) -> tuple[str, ...]:
    """The attributes of ``Item`` that answer a question."""
    return tuple(_ATTRIBUTES.get((question.task, field), field) for field in expand(question.fields))


def key_of(attribute: str) -> str:
    """The key that a model writes for an attribute of ``Item``; other names stay.

    >>> key_of("kind"), key_of("regimens")
    ('list', 'regimens')
    """
    info = Item.model_fields.get(attribute)
    return (info.alias if info else None) or attribute


def keys_asked(question: Question) -> tuple[str, ...]:
    """The keys that a line names."""
    return tuple(key_of(_ATTRIBUTES.get((question.task, field), field)) for field in question.fields)


def keys_needed(question: Question) -> frozenset[str]:
    """The keys without which an item is no answer to its line."""
    if "stands" in question.fields:  # what is no criterion has no other values
        return frozenset({"n", "ok"})
    needed = (field for field in expand(question.fields) if field in _NEEDED)
    return frozenset({"n", *(key_of(_ATTRIBUTES.get((question.task, field), field)) for field in needed)})


@cache
def words_of(attribute: str) -> Words | None:
    """The words of an attribute that is a closed set, else None."""
    options = getattr(Item.model_fields[attribute].annotation, "__args__", ())  # of Annotated[Role, Words(...)] | None
    metadata = (part for option in options for part in getattr(option, "__metadata__", ()))
    return next((part for part in metadata if isinstance(part, Words)), None)


def read_answers(asked: Sequence[Question], items: Iterable[BaseModel], *, complete: bool = True) -> tuple[Answer, ...]:
    """The values in the valid items of a reply to the questions ``asked``.

    A line that was asked for its regimens and has no item holds none (``stands`` is False); this is concluded only from
    a ``complete`` reply: no item was rejected.
    """
    questions = {question.chunk.number: question for question in asked}
    answers = [
        Answer(question.task, item.n, {field: _restore_lines(value) for field, value in values.items()})
        for item in items
        if isinstance(item, Item) and (question := questions.get(item.n)) and (values := item.read(question))
    ]
    if complete:
        answered = {answer.chunk for answer in answers}
        empty = (q for q in asked if REGIMENS in q.fields and q.chunk.number not in answered)
        answers += [Answer(q.task, q.chunk.number, {"stands": False}) for q in empty]
    return tuple(answers)


def _restore_lines(value: Any) -> Any:
    """A value with the record's line breaks in place of the marks that stood for them in its line."""
    if type(value) is str:  # members of closed sets are strings too, and stay what they are
        return value.replace(LINE_BREAK, "\n")
    if isinstance(value, TimeWindow):
        return value.model_copy(update={"quote": _restore_lines(value.quote)})
    return tuple(map(_restore_lines, value)) if isinstance(value, tuple) else value


def _number(data: Mapping[str, Any]) -> int:
    try:
        return int(data["n"])
    except (KeyError, TypeError, ValueError):
        raise ValueError("an item needs the number n of its line") from None


def _list_numbers(numbers: Collection[int]) -> str:
    return ", ".join(map(str, sorted(numbers)))
