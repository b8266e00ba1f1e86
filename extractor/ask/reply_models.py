"""What a model writes: items of short keys, under one JSON schema that is the same for every call.

Keys are short, since output tokens are the cost, and a key whose value the text does not state is left out. The prompt
defines each key. Attributes have the types of the public schemas; their aliases are the keys that a model writes. A
value that cannot be read is ``Unreadable`` and costs nothing else: not its item, and not the answer.
"""

import json
import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache, partial
from importlib.resources import files
from typing import Annotated, Any, Self, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue, SkipJsonSchema
from pydantic_core import CoreSchema, core_schema

from extractor.fields.declaration import Claim, CustomField
from extractor.fields.value_forms import cut_outcome, read_amount, read_instrument, read_limit, read_time, read_window
from extractor.ground.check import Answer, Unreadable
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

from .questions import LINE_BREAK, Question

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
_NEEDED = frozenset({"stands", "kind", "category", "role", "split", "concept", "time_kind"})
"""Fields with a value for every line, so that leaving one out is no answer."""
_LEFT_OUT = {"censored": False}
"""What it means to leave out a field, where that is not "none"."""
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


_LONGEST = 1000
"""Characters of a value that is no plain quote. The work to find its unit grows with its length."""


@dataclass(frozen=True, eq=False)
class Written:
    """Annotates a value that a model writes as text, such as "21 day"."""

    parse: Callable[[str], object]

    def read(self, text: object) -> object:
        """The value for a text. Raises ``ValueError`` with the form that is allowed."""
        if not isinstance(text, str):
            raise ValueError(f"{text!r} is not a string")  # noqa: TRY004  (pydantic collects ValueErrors)
        if len(text) > _LONGEST:
            raise ValueError(f"a value of more than {_LONGEST} characters; quote less of the text")
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


def _keep_unreadable(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    try:
        return read(value)
    except ValidationError as error:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        return Unreadable(text, "; ".join(line["msg"].removeprefix("Value error, ") for line in error.errors()))


_OrUnreadable = WrapValidator(_keep_unreadable)
_HEAD = 60
# A longer copy does no harm: its first words are enough.
_Head = Annotated[str, AfterValidator(lambda text: text[:_HEAD]), WithJsonSchema({"type": "string"})]
_Quote = Annotated[str, _OrUnreadable]
_Age = Annotated[Age, Written(partial(read_time, Age)), _OrUnreadable]
_Period = Annotated[Period, Written(partial(read_time, Period)), _OrUnreadable]
_YesNo = Annotated[bool, _OrUnreadable]


class Split(_WireModel):
    """First words of an outcome's description ``d`` and time frame ``t``, each left out where there is none."""

    d: _Head | None = None
    t: _Head | None = None


class Item(_WireModel):
    """What a model says about the line with number ``n``: about a criterion, the participants, a regimen or an outcome.

    ``Reply.context_of`` makes the context of validation.
    """

    n: int
    stands: _YesNo | None = Field(None, alias="ok")
    kind: Annotated[CriterionKind, Words.of(CriterionKind, "kind"), _OrUnreadable] | None = Field(None, alias="list")
    category: Annotated[Category, Words.of(Category, "category"), _OrUnreadable] | None = Field(None, alias="cat")
    constraints: tuple[Annotated[Constraint, Written(read_limit), _OrUnreadable], ...] = Field((), alias="limits")
    time_window: Annotated[TimeWindow | str, Written(read_window), _OrUnreadable] | None = Field(None, alias="window")
    lead_in: Annotated[int, _OrUnreadable] | None = Field(None, alias="under")

    minimum_age: _Age | None = Field(None, alias="min")
    maximum_age: _Age | None = Field(None, alias="max")
    sex: Annotated[Sex, Words.of(Sex), _OrUnreadable] | None = None
    healthy_volunteers: _YesNo | None = Field(None, alias="healthy")

    quote: _Quote | None = None
    agent: _Quote | None = None
    role: Annotated[Role, Words.of(Role), _OrUnreadable] | None = None
    amounts: tuple[Annotated[Amount, Written(read_amount), _OrUnreadable], ...] = Field((), alias="dose")
    route: Annotated[Route, Words.of(Route), _OrUnreadable] | None = None
    frequency: Annotated[Frequency, Words.of(Frequency), _OrUnreadable] | None = Field(None, alias="freq")
    cycle: _Period | None = None
    duration: _Period | None = Field(None, alias="for")
    timing: _Quote | None = Field(None, alias="when")

    split: Annotated[Split, _OrUnreadable] | None = None
    concept: Annotated[Concept, Words.of(Concept, "concept"), _OrUnreadable] | None = None
    domain: Annotated[EndpointCategory, Words.of(EndpointCategory, "endpoint_category"), _OrUnreadable] | None = None
    time_points: tuple[Annotated[TimePoint, Written(partial(read_time, TimePoint)), _OrUnreadable], ...] = Field(
        (), alias="times"
    )
    time_kind: Annotated[TimeKind, Words.of(TimeKind, "time_kind"), _OrUnreadable] | None = Field(None, alias="span")
    instrument: Annotated[Instrument, Written(read_instrument), _OrUnreadable] | None = Field(None, alias="tool")
    start_event: _Quote | None = Field(None, alias="start")
    end_events: tuple[_Quote, ...] = Field((), alias="ends")
    censored: _YesNo | None = None
    specimens: tuple[_Quote, ...] = ()
    methods: tuple[_Quote, ...] = ()

    custom: SkipJsonSchema[dict[str, Any]] = {}
    """What is said of the user's own fields, as it was written; their declarations read it."""

    @model_validator(mode="before")
    @classmethod
    def _keep_what_was_asked(cls, data: Any, info: ValidationInfo) -> Any:
        """Drop nulls and keys that were not asked of the line; make one value of a list a list."""
        if not isinstance(data, dict):
            return data
        kept = {key: value for key, value in data.items() if value not in (None, "", [], [None])}
        if info.context:
            questions: Mapping[int, Question] = info.context["questions"]
            question = questions.get(_number(data))
            if question is None:
                raise ValueError(f"there is no line {data.get('n')}; the lines are {_list_numbers(questions)}")
            names = {"n"} | {name for one in list_attributes(question) for name in (one, key_of(one))}
            own = {field.name for field in question.custom} & kept.keys()
            custom = {"custom": {key: kept[key] for key in own}} if own else {}
            kept = {key: value for key, value in kept.items() if key in names - own} | custom
        return {key: [value] if key in _LISTS and not isinstance(value, list) else value for key, value in kept.items()}

    @model_validator(mode="after")
    def _cut_is_in_the_text(self, info: ValidationInfo) -> Self:
        if not isinstance(self.split, Split) or not info.context:
            return self
        try:
            cut_outcome(info.context["questions"][self.n].chunk.text, self.split.d, self.split.t)
        except ValueError as error:
            return self.model_copy(update={"split": Unreadable(self.split.model_dump_json(), str(error))})
        return self

    def read(self, question: Question) -> Answer | None:
        """The values that answer ``question``, by field, None without any; fields without an answer are left out."""
        asked = set(question.fields)
        values: dict[str, Any] = {"stands": True} if REGIMENS in asked else {}
        unreadable: dict[str, tuple[Unreadable, ...]] = {}
        # What is no criterion has no fields of one, but may speak of the participants.
        denied = "stands" in asked and self.stands is False
        fields = ("stands", *PEOPLE_FIELDS) if denied and PEOPLE in asked else ("stands",)
        own = {one.name for one in question.custom}
        claims: dict[str, tuple[Claim, ...]] = {}
        for one in question.custom:
            claims[one.name], faults = one.read(_restore_lines(self.custom.get(one.name)))
            if faults:
                unreadable[one.name] = tuple(Unreadable(*fault) for fault in faults)
        for field in fields if denied else expand(name for name in question.fields if name not in own):
            value = getattr(self, _ATTRIBUTES.get((question.task, field), field))
            members = value if isinstance(value, tuple) else (value,)
            if broken := tuple(member for member in members if isinstance(member, Unreadable)):
                unreadable[field] = broken
                value = tuple(member for member in members if member not in broken) or None
            if value is not None or (field not in unreadable and field not in _NEEDED | set(PEOPLE_FIELDS)):
                values[field] = _LEFT_OUT.get(field) if value is None else value
        split: Split | None = values.pop("split", None)
        values |= cut_outcome(question.chunk.text, split.d, split.t) if split else {}
        restored = {field: _restore_lines(value) for field, value in values.items()}
        said = values or unreadable or any(claims.values())
        return Answer(question.task, self.n, restored, unreadable, claims) if said else None


class Reply(_WireModel):
    """A model's answer to one call. An item that is not about a line of the call is ``Unreadable``.

    Only an answer of which nothing can be used is invalid.
    """

    items: tuple[Annotated[Item, _OrUnreadable], ...]

    @model_validator(mode="after")
    def _holds_something(self) -> Self:
        broken = [item for item in self.items if isinstance(item, Unreadable)]
        if broken and len(broken) == len(self.items):
            raise ValueError(broken[0].reason)
        return self

    @staticmethod
    def context_of(questions: Iterable[Question]) -> dict[str, Any]:
        """The context in which a reply to these questions is validated."""
        return {"questions": {question.chunk.number: question for question in questions}}


_LISTS = frozenset(
    name
    for attribute, field in Item.model_fields.items()
    if get_origin(field.annotation) is tuple
    for name in (attribute, field.alias)
)
"""The keys and attributes that hold a list."""


@cache
def reply_for(fields: tuple[CustomField, ...]) -> type[Reply]:
    """The reply of a run with these fields of the user's own."""
    if not fields:
        return Reply

    class CustomReply(Reply):
        @classmethod
        def model_json_schema(cls, *args: Any, **options: Any) -> dict[str, Any]:
            schema = super().model_json_schema(*args, **options)
            schema["$defs"]["Item"]["properties"] |= {field.name: field.json_schema for field in fields}
            return schema

    CustomReply.__name__ = Reply.__name__
    return CustomReply


def is_listing(question: Question) -> bool:
    """Whether the line of a question may have any number of items, or none."""
    return set(question.fields) <= {*_EXPANDED, *(field.name for field in question.custom)}


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


def words_of(attribute: str) -> Words | None:
    """The words of an attribute that is a closed set, else None."""
    options = getattr(Item.model_fields[attribute].annotation, "__args__", ())  # of Annotated[Role, Words(...)] | None
    metadata = (part for option in options for part in getattr(option, "__metadata__", ()))
    return next((part for part in metadata if isinstance(part, Words)), None)


def read_answers(asked: Sequence[Question], items: Iterable[BaseModel], *, complete: bool = True) -> tuple[Answer, ...]:
    """The values in the items of a reply to the questions ``asked``.

    Of several items for a line that has one, later ones add what the first leaves out. A line without an item holds no
    regimens (``stands`` is False) and none of the user's own fields; this is concluded only from a ``complete`` reply.
    """
    questions = {question.chunk.number: question for question in asked}
    answers: list[Answer] = []
    for item in items:
        question = questions.get(item.n) if isinstance(item, Item) else None
        answer = item.read(question) if isinstance(item, Item) and question else None
        if answer is None or question is None:
            continue
        same = None if is_listing(question) else next((one for one in answers if one.chunk == answer.chunk), None)
        if same:
            claims = {name: (*same.claims.get(name, ()), *said) for name, said in answer.claims.items()}
            united = replace(same, values={**answer.values, **same.values}, claims=claims)
            answers[answers.index(same)] = united
        else:
            answers.append(answer)
    if complete:
        answered = {answer.chunk for answer in answers}
        silent = [q for q in asked if is_listing(q) and q.chunk.number not in answered]
        answers += [Answer(q.task, q.chunk.number, {"stands": False}) for q in silent if REGIMENS in q.fields]
        nothing = ((q, {field.name: () for field in q.custom}) for q in silent if q.custom and REGIMENS not in q.fields)
        answers += [Answer(q.task, q.chunk.number, {}, claims=claims) for q, claims in nothing]
    return tuple(answers)


def _restore_lines(value: Any) -> Any:
    """A value with the record's line breaks in place of the marks that stood for them in its line."""
    if type(value) is str:  # members of closed sets are strings too, and stay what they are
        return value.replace(LINE_BREAK, "\n")
    if isinstance(value, TimeWindow):
        return value.model_copy(update={"quote": _restore_lines(value.quote)})
    if isinstance(value, dict):
        return {key: _restore_lines(one) for key, one in value.items()}
    return type(value)(map(_restore_lines, value)) if isinstance(value, tuple | list) else value


def _number(data: Mapping[str, Any]) -> int:
    try:
        return int(data["n"])
    except (KeyError, TypeError, ValueError):
        raise ValueError("an item needs the number n of its line") from None


def _list_numbers(numbers: Collection[int]) -> str:
    return ", ".join(map(str, sorted(numbers)))
