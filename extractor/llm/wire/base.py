"""What the wire items of all tasks share: small schemas, and checks against what was asked.

A wire item is what a model writes for one line. Its keys are short, since output tokens are the cost;
a key whose value the text does not state is left out rather than written as null. Each value is
validated straight into the type of the schemas. A key means the same in all tasks, so that one call can
carry lines of several.
"""

from collections.abc import Collection, Mapping
from functools import cache
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, ValidationInfo, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from extractor.llm.requests import Question

from .words import Words

__all__ = ["WireItem", "WireModel", "bare_schema", "list_numbers"]


class WireModel(BaseModel):
    """Sends a small JSON schema: no titles, descriptions, defaults or nulls, since the prompt defines each key."""

    model_config = ConfigDict(frozen=True, extra="ignore", validate_by_name=True, validate_by_alias=True)

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler.resolve_ref_schema(handler(core))
        for key in ("title", "description"):
            schema.pop(key, None)
        schema["properties"] = {key: bare_schema(value) for key, value in schema["properties"].items()}
        schema["additionalProperties"] = False
        return schema


def bare_schema(schema: JsonSchemaValue) -> JsonSchemaValue:
    """A property's schema without what the prompt says anyway, and without null: a key is written or left out."""
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
        """The wire key of a field."""
        info = cls.model_fields.get(field)
        return (info.alias if info else None) or field

    @classmethod
    @cache
    def words(cls, field: str) -> Words | None:
        """The words for the members of a field that is a closed set."""
        info = cls.model_fields.get(field)
        if info is None:
            return None
        found = [*info.metadata, *(part for option in _options(info.annotation) for part in option)]
        return next((part for part in found if isinstance(part, Words)), None)

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
            raise ValueError(f"there is no line {number}; the lines are {list_numbers(asked)}")
        names = {"n"} | {name for field in asked[number] for name in (field, cls.key(field))}
        return {key: value for key, value in data.items() if key in names and value not in (None, "", [], [None])}


def _options(annotation: Any) -> list[tuple[Any, ...]]:
    """The metadata of the members of a union such as ``Annotated[Role, Words(...)] | None``."""
    return [getattr(option, "__metadata__", ()) for option in getattr(annotation, "__args__", ())]


def _number(data: Any) -> int | None:
    try:
        return int(data["n"])
    except (KeyError, TypeError, ValueError):
        return None


def list_numbers(numbers: Collection[int]) -> str:
    """Numbers in a sentence."""
    return ", ".join(map(str, sorted(numbers)))
