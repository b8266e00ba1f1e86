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

_EMPTY: Sequence[Any] = (None, "", [], [None])
"""What a model may write for a key without a value."""

_READERS: Mapping[type[Any], Callable[[str], Any]] = {
    TimeWindow: read_window,
    Age: partial(read_time, Age),
    Period: partial(read_time, Period),
    TimePoint: partial(read_time, TimePoint),
    **{kind: CLASSES[kind].read for kind in (Amount, Constraint, Instrument)},
}
"""What reads a value that is written as text, by its class."""


def _declare(info: FieldInfo) -> Any:
    """Return the type and default of a field of the guideline, as a model writes it: a time or an
    amount as text, a member of a closed set as a short word, an arm as its number in the call's
    list of arms.

    A field with many values is a list, empty by default; any other is None by default. A value that
    cannot be read becomes ``UnreadableValue``.
    """
    held: Any = info.type
    parse = _READERS.get(held)
    written: Any
    if held is TimeWindow:
        # "within 6 months": the window stays text where the rules must tell its sense
        written = as_text(held | str, read_window)
    elif parse:
        written = as_text(held, parse)
    elif issubclass(held, StrEnum):
        written = as_word(held)
    elif info.metadata.comparison is Comparison.LABEL:
        written = int
    else:
        written = held
    member: Any = Annotated[written, OR_UNREADABLE]
    any_tuple: Any = tuple
    key = info.metadata.key
    if info.many:
        return (any_tuple[member, ...], Field((), alias=key))
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
        written = schema["properties"]
        ordered = {"n": written["n"]}
        for task in Task:
            for field in (*_FRONT.get(task, ()), *FIELDS[task]):
                key = key_of(_attribute_of(task, field))
                ordered[key] = written[key]
        return schema | {"properties": ordered}

    @model_validator(mode="before")
    @classmethod
    def _keep_what_was_asked(cls, data: Any, info: ValidationInfo) -> Any:
        """Drop empty values and keys that were not asked of the line; write a single value of a
        list field as a list.

        Without a context of validation, all keys are kept. Data that is no object goes on to
        pydantic, which refuses it. Raises ``ValueError`` for an item about no line of the call.
        """
        if not isinstance(data, dict):
            return data
        stated: dict[Any, Any] = {}
        for key, value in data.items():
            if value in _EMPTY:
                continue
            stated[key] = value
        if info.context:
            question = _find_question(data, info.context["questions"])
            stated = _select_asked(stated, question)
        for key, value in stated.items():
            if key in _LISTS and not isinstance(value, list):
                stated[key] = [value]
        return stated

    @model_validator(mode="after")
    def _cut_is_in_the_text(self, info: ValidationInfo) -> Self:
        """Mark ``split`` as unreadable if its first words do not stand in the outcome's text.
        Without a context of validation the text is not known, and nothing is checked.
        """
        if not isinstance(self.split, Split) or not info.context:
            return self
        text = info.context["questions"][self.n].chunk.text
        try:
            cut_outcome(text, self.split.d, self.split.t)
        except ValueError as error:
            unreadable = UnreadableValue(self.split.model_dump_json(), str(error))
            marked: Self = self.model_copy(update={"split": unreadable})
            return marked
        return self

    def completed_by(self, other: Self) -> Self:
        """Return the item with what another item about the same line says, where this one says
        nothing or nothing readable. Of the user's own fields, the values of both count.
        """
        added: dict[str, Any] = {}
        for name in other.model_fields_set - {"custom"}:
            is_left_out = name not in self.model_fields_set
            if is_left_out or isinstance(getattr(self, name), UnreadableValue):
                added[name] = getattr(other, name)
        if other.custom:
            united = dict(self.custom)
            for name, written in other.custom.items():
                united[name] = _unite(self.custom.get(name), written)
            added["custom"] = united
        completed: Self = self.model_copy(update=added)
        return completed

    def read(self, question: Question) -> dict[str, Any]:
        """Return the values that answer ``question``, by field; {} if there are none.

        A field that is left out means "the text states none" (None, (), or False for yes and no).
        Only where every line has a value, or for the participants, it is no answer and is missing
        here. A value that cannot be read is ``UnreadableValue``. Each field of the user's own has a
        tuple of claims, () if there are none.
        """
        values: dict[str, Any] = {}
        if REGIMENS in question.fields:
            values["stands"] = True
        for field in self._list_answered(question):
            value = getattr(self, _attribute_of(question.task, field))
            is_left_out = value in (None, ())
            needs_value = field in _NEEDED or field in PEOPLE_FIELDS
            if is_left_out and needs_value:
                continue
            if value is None:
                value = _LEFT_OUT.get(field)
            values[field] = value
        if values.get("concept") in _KINETICS:
            # Tmax is a time, but no time to an event
            for field in ("start_event", "end_events"):
                if field in values:
                    values[field] = _LEFT_OUT.get(field)
        split = values.get("split")
        if isinstance(split, Split):
            values |= cut_outcome(question.chunk.text, split.d, split.t)
            del values["split"]
        for field, value in values.items():
            values[field] = _restore_lines(value)
        claims: dict[str, Any] = {}
        for own in question.custom:
            written = _restore_lines(self.custom.get(own.name))
            readable, faults = own.read(written)
            unreadable = (UnreadableValue(*fault) for fault in faults)
            claims[own.name] = (*readable, *unreadable)
        if not values and not any(claims.values()):
            return {}
        return values | claims

    def _list_answered(self, question: Question) -> Sequence[str]:
        """List the fields of the guideline that the item may answer: those that were asked, without
        the user's own; for ``people`` and ``regimens`` the fields that they ask for.

        A line that the model calls no criterion has no fields of a criterion. It may introduce
        criteria (``rule``), and speak of the participants.
        """
        is_no_criterion = question.task is Task.ELIGIBILITY and self.stands is False
        if not is_no_criterion:
            own = {field.name for field in question.custom}
            return expand(name for name in question.fields if name not in own)
        answered = ["stands"]
        if "rule" in question.fields:
            answered.append("rule")
        if PEOPLE in question.fields:
            answered += PEOPLE_FIELDS
        return answered


def _find_question(
    data: Mapping[Any, Any], questions: Mapping[int, Question]
) -> Question:
    """Return the question about the line whose number ``n`` an item has, as JSON was read.

    ``questions`` are those of the call, by number. Raises ``ValueError`` if the item has no number,
    or one of no line of the call.
    """
    try:
        question = questions.get(int(data["n"]))
    except (KeyError, TypeError, ValueError):
        raise ValueError("an item needs the number n of its line") from None
    if question is None:
        lines = ", ".join(map(str, sorted(questions)))
        raise ValueError(f"there is no line {data.get('n')}; the lines are {lines}")
    return question


def _select_asked(stated: Mapping[Any, Any], question: Question) -> dict[Any, Any]:
    """Return the keys of an item that were asked of its line, written as keys or as the names of
    attributes, with the user's own fields under ``custom``.

    A line of eligibility may always have ``stands``: one that is no criterion says so, whatever was
    asked of it.
    """
    names = {"n"}
    if question.task is Task.ELIGIBILITY:
        names |= {"stands", "ok"}
    for attribute in list_attributes(question):
        names |= {attribute, key_of(attribute)}
    custom = {}
    for field in question.custom:
        if field.name in stated:
            custom[field.name] = stated[field.name]
    names -= custom.keys()
    selected = {key: value for key, value in stated.items() if key in names}
    if custom:
        selected["custom"] = custom
    return selected


def _unite(written: Any, other: Any) -> Any:
    """Return what two items say of a user's own field as a list: the first one's values, then the
    other's that differ from them. If only one says something, or both the same, it stays as it is.
    """
    if written is None:
        return other
    if other is None or written == other:
        return written
    values = list(written) if isinstance(written, list) else [written]
    others = other if isinstance(other, list) else [other]
    added = [value for value in others if value not in values]
    return values + added


class Reply(WireModel):
    """A model's answer to one call. An item that is not about a line of the call is
    ``UnreadableValue``.

    An answer is invalid only if no part of it can be used.
    """

    items: tuple[Annotated[Item, OR_UNREADABLE], ...]

    @model_validator(mode="after")
    def _holds_something(self) -> Self:
        """Raise ``ValueError`` if there are items and none can be read. No items are an answer."""
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
    """Return the reply model of a run with these fields of the user's own: its JSON schema has a
    key for each. It validates as ``Reply`` does, and has its name.
    """
    if not fields:
        return Reply

    class CustomReply(Reply):
        @classmethod
        def model_json_schema(cls, *args: Any, **options: Any) -> dict[str, Any]:
            """Return the schema of ``Reply`` with the user's own keys in each item."""
            schema = super().model_json_schema(*args, **options)
            keys = schema["$defs"]["Item"]["properties"]
            for field in fields:
                keys[field.name] = field.json_schema
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
    """Return the fields of an answer to a question for ``fields``: those of a regimen or of the
    participants in place of ``regimens`` and ``people``.

    >>> expand(["kind", "people"])
    ('kind', 'minimum_age', 'maximum_age', 'sex', 'healthy_volunteers')
    """
    expanded: list[str] = []
    for field in fields:
        expanded += _EXPANDED.get(field, (field,))
    return tuple(expanded)


def list_attributes(question: Question) -> tuple[str, ...]:
    """Return the attributes of ``Item`` that answer a question."""
    fields = expand(question.fields)
    return tuple(_attribute_of(question.task, field) for field in fields)


def _attribute_of(task: Task, field: str) -> str:
    """Return the attribute of ``Item`` for a field of a task, which most often has its name."""
    return _ATTRIBUTES.get((task, field), field)


def key_of(attribute: str) -> str:
    """Return the key that a model writes for an attribute of ``Item``; other names stay.

    >>> key_of("kind"), key_of("regimens")
    ('list', 'regimens')
    """
    info = Item.model_fields.get(attribute)
    alias: str | None = info.alias if info else None
    return alias or attribute


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
    words: dict[str, str] = {}
    infos = list_fields(task)
    for info in infos:
        if isinstance(info.type, type) and issubclass(info.type, StrEnum):
            words |= short_words(info.type)
    for info in infos:
        words[info.name] = info.metadata.key or info.name
    return words


def keys_asked(question: Question) -> tuple[str, ...]:
    """Return the keys that a line names: those of the asked fields, in their order."""
    keys = []
    for field in question.fields:
        attribute = _attribute_of(question.task, field)
        keys.append(key_of(attribute))
    return tuple(keys)


def read_values(
    asked: Sequence[Question], items: Iterable[Any], *, complete: bool = True
) -> list[tuple[Question, Mapping[str, Any]]]:
    """Read the items of a reply to the questions ``asked``: each time a question, and its values by
    field.

    Of several items for a line that has one, later ones add what the first leaves out; an empty one
    says nothing. A line without an item holds no regimens (``stands`` is False) and none of the
    user's own fields; this is concluded only from a ``complete`` reply.
    """
    questions = {question.number: question for question in asked}
    counted: list[tuple[Question, Item]] = []
    # positions in ``counted``, by the number of the line
    positions: dict[int, int] = {}
    for item in items:
        if not isinstance(item, Item) or item.n not in questions:
            continue
        question = questions[item.n]
        if is_listing(question) or item.n not in positions:
            positions[item.n] = len(counted)
            counted.append((question, item))
        else:
            position = positions[item.n]
            _, first = counted[position]
            counted[position] = (question, first.completed_by(item))
    answers: list[tuple[Question, Mapping[str, Any]]] = []
    for question, item in counted:
        values = item.read(question)
        if values:
            answers.append((question, values))
    if not complete:
        return answers
    answered = {question.number for question, _ in answers}
    silent = [question for question in asked if question.number not in answered]
    return [*answers, *read_silence(silent)]


def read_silence(
    silent: Iterable[Question],
) -> list[tuple[Question, Mapping[str, Any]]]:
    """Return what lines without an item say, if the reply is the whole answer: a line that was
    asked for regimens has none (``stands`` is False), any other line for a list has none of the
    user's own fields. Lines that need an item say nothing, and are left out.
    """
    answers: list[tuple[Question, Mapping[str, Any]]] = []
    for question in silent:
        if not is_listing(question):
            continue
        if REGIMENS in question.fields:
            answers.append((question, {"stands": False}))
        elif question.custom:
            none = {field.name: () for field in question.custom}
            answers.append((question, none))
    return answers


def _restore_lines(value: Any) -> Any:
    """Return a value with the record's line breaks in place of the marks " // " that stood for them
    in its line: in a text, in the words of a window or limit, and in any list, tuple or object.
    Other values stay.
    """
    # members of closed sets are strings too, and stay what they are
    if type(value) is str:
        return value.replace(LINE_BREAK, "\n")
    if isinstance(value, TimeWindow | Constraint):
        restored = {}
        for name in ("quote", "of", "anchor", "condition"):
            words = getattr(value, name, None)
            if words:
                restored[name] = _restore_lines(words)
        return value.model_copy(update=restored)
    if isinstance(value, dict):
        return {key: _restore_lines(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_restore_lines(member) for member in value]
    if isinstance(value, tuple):
        return tuple(_restore_lines(member) for member in value)
    return value
