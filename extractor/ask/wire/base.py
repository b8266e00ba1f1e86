"""What all wire items and replies share: small schemas, and checks against what was asked.

A wire item is what a model writes for one line. Its keys are short, since output tokens are the cost;
a key whose value the text does not state is left out rather than written as null. Each value is
validated straight into the type of the schemas.
"""

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, ValidationInfo, create_model, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from extractor.ask.call import Question

__all__ = ["WireItem", "WireModel", "WireReply", "narrow_reply"]


_REGIMENS = 8
"""Regimens that one line may hold."""


class WireModel(BaseModel):
    """Sends a small JSON schema: no titles, descriptions, defaults or nulls, since the prompt defines each key."""

    model_config = ConfigDict(frozen=True, extra="ignore", validate_by_name=True, validate_by_alias=True)

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler.resolve_ref_schema(handler(core))
        for key in ("title", "description"):
            schema.pop(key, None)
        schema["properties"] = {key: _bare(value) for key, value in schema["properties"].items()}
        schema["additionalProperties"] = False
        return schema


def _bare(schema: JsonSchemaValue) -> JsonSchemaValue:
    kept = {key: value for key, value in schema.items() if key not in {"title", "description", "default", "anyOf"}}
    options = [option for option in schema.get("anyOf", ()) if option != {"type": "null"}]
    return kept | options[0] if options else kept


class WireItem(WireModel):
    """What a model says about the line with number ``n``. Validated with the context that ``narrow_reply`` tells of.

    Attributes bear the names of the schemas' fields, aliases are the wire keys.
    """

    allowance: ClassVar[Mapping[str, int]] = {}
    """The fields that a model may be asked, in the order of asking, each with the output tokens that it may take."""
    always: ClassVar[frozenset[str]] = frozenset()
    """Fields of which every line has a value, so that leaving one out is no answer."""
    shown: ClassVar[frozenset[str] | None] = None
    """Fields in the JSON schema that is sent; None for all."""
    required: ClassVar[frozenset[str]] = frozenset()
    """Fields without which the sent schema lets no item pass. Validation is milder: a missing one stays open."""

    n: int

    @classmethod
    def expand(cls, fields: Collection[str]) -> frozenset[str]:
        """The attributes that answer the fields of a question."""
        return frozenset(fields)

    @classmethod
    def key(cls, field: str) -> str:
        """The wire key of a field."""
        info = cls.model_fields.get(field)
        return (info.alias if info else None) or field

    def read(self, question: Question) -> dict[str, Any]:
        """The answer to ``question``, in the terms of the schemas. A field that got no answer is left out."""
        return {field: getattr(self, field) for field in question.fields if self._answers(field)}

    def _answers(self, field: str) -> bool:
        return field not in self.always or getattr(self, field) is not None

    @model_validator(mode="before")
    @classmethod
    def _keep_what_was_asked(cls, data: Any, info: ValidationInfo) -> Any:
        """Refuse a number that was not asked; drop nulls and keys that were not asked."""
        number = _number(data)
        if number is None or not info.context:
            return data
        asked: Mapping[int, Collection[str]] = info.context["fields"]
        if number not in asked:
            raise ValueError(f"there is no line {number}; the lines are {_list(asked)}")
        names = {"n"} | {name for field in asked[number] for name in (field, cls.key(field))}
        return {key: value for key, value in data.items() if key in names and value not in (None, "", [], [None])}

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = super().__get_pydantic_json_schema__(core, handler)
        if cls.shown is not None:
            keys = {"n"} | {cls.key(field) for field in cls.shown}
            schema["properties"] = {key: value for key, value in schema["properties"].items() if key in keys}
        needed = {"n"} | {cls.key(field) for field in cls.required}
        schema["required"] = [key for key in schema["properties"] if key in needed]
        return schema


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
            raise ValueError(f"no item for line {_list(missing)}; give one item for each line")
        if repeated := [n for n in once if numbers.count(n) > 1]:
            raise ValueError(f"several items for line {_list(repeated)}; give one item for each line")
        return self


def narrow_reply(item: type[WireItem], questions: Collection[Question]) -> type[WireReply]:
    """The reply model whose JSON schema has only the keys that these questions ask.

    A grammar made from it cannot wander to other keys, and must write those that every question asks and
    every line has. The room for items grows in powers of two, so that few different schemas are ever
    sent and providers can cache them. Nothing here is for OpenAI's strict mode, which would make every
    absent key cost a written null.

    Validate with the context ``{"fields": {n: fields}, "once": numbers that need exactly one item,
    "texts": {n: text of the line}}``.
    """
    asked = [item.expand(question.fields) for question in questions]
    shown = frozenset.union(*asked)
    required = frozenset.intersection(*asked) & item.always
    if "stands" in shown:  # what does not stand has no other values
        required &= {"stands"}
    room = sum(_REGIMENS if "regimens" in question.fields else 1 for question in questions)
    return _build_reply(item, shown, required, 1 << (room - 1).bit_length())


@lru_cache(maxsize=256)
def _build_reply(item: type[WireItem], shown: frozenset[str], required: frozenset[str], room: int) -> type[WireReply]:
    narrowed = create_model("Item", __base__=item)
    narrowed.shown, narrowed.required = shown, required
    items: Any = (tuple[narrowed, ...], Field(max_length=room))  # type: ignore[valid-type]
    return create_model("Reply", __base__=WireReply, items=items)


def _number(data: Any) -> int | None:
    try:
        return int(data["n"])
    except (KeyError, TypeError, ValueError):
        return None


def _list(numbers: Collection[int]) -> str:
    return ", ".join(map(str, sorted(numbers)))
