"""The types of what a model writes: short words for members of closed sets, values as text, a
small JSON schema.
"""

import json
import tomllib
from collections.abc import Callable, Mapping
from enum import StrEnum
from importlib.resources import files
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetJsonSchemaHandler,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)
from pydantic.alias_generators import to_snake
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from extractor.assembly.check import UnreadableValue

_SHORT: Mapping[str, Mapping[str, str]] = tomllib.loads(
    (files(__package__) / "reply_words.toml").read_text("utf-8")
)
_LONGEST = 1000
"""Characters of a value that is no plain quote. The work to find its unit grows with its length."""


def short_words(closed_set: type[StrEnum]) -> Mapping[str, str]:
    """Return the short words of a closed set by its values, for those that have one."""
    return _SHORT.get(to_snake(closed_set.__name__), {})


def as_word(closed_set: type[StrEnum]) -> Any:
    """Annotate a closed set whose members a model writes in short: as in ``reply_words.toml``, else
    by their values.

    A member's value is understood as well, in any case.
    """
    short = short_words(closed_set)
    words = {short.get(member.value, member.value): member for member in closed_set}
    understood = {member.value.casefold(): member for member in closed_set}
    understood |= {word.casefold(): member for word, member in words.items()}

    def read(word: object) -> StrEnum:
        member = None
        if isinstance(word, str):
            member = understood.get(word.strip().casefold())
        if member is None:
            raise ValueError(f"{word!r} is none of: {', '.join(words)}")
        return member

    return Annotated[
        closed_set,
        BeforeValidator(read),
        WithJsonSchema({"type": "string", "enum": list(words)}),
    ]


def as_text(kind: Any, parse: Callable[[str], object]) -> Any:
    """Annotate a value that a model writes as text, such as "21 day", which ``parse`` reads."""

    def read(text: object) -> object:
        if not isinstance(text, str):
            raise ValueError(f"{text!r} is not a string")  # noqa: TRY004  (pydantic collects ValueErrors)
        if len(text) > _LONGEST:
            raise ValueError(
                f"a value of more than {_LONGEST} characters; quote less of the text"
            )
        return parse(text)

    return Annotated[kind, BeforeValidator(read), WithJsonSchema({"type": "string"})]


class WireModel(BaseModel):
    """Has a small JSON schema: no titles, descriptions, defaults or nulls, since the prompt
    defines each key.
    """

    model_config = ConfigDict(
        frozen=True, extra="ignore", validate_by_name=True, validate_by_alias=True
    )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler.resolve_ref_schema(handler(core))
        for key in ("title", "description"):
            schema.pop(key, None)
        schema["properties"] = {
            key: _bare_schema(value) for key, value in schema["properties"].items()
        }
        schema["additionalProperties"] = False
        return schema


_NOT_SENT = {"title", "description", "default", "anyOf", "maxLength", "maxItems"}
"""Parts of a key's schema that no model gets."""


def _bare_schema(schema: JsonSchemaValue) -> JsonSchemaValue:
    """Return the schema of a key without what a model need not read; of a value that may be null,
    that of the value.
    """
    bare = {key: value for key, value in schema.items() if key not in _NOT_SENT}
    for option in schema.get("anyOf", ()):
        if option != {"type": "null"}:
            return bare | _bare_schema(option)
    return bare


def _keep_unreadable(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    """Return what ``read`` makes of a value, or the value as one that cannot be read."""
    try:
        return read(value)
    except ValidationError as error:
        text = value
        if not isinstance(value, str):
            text = json.dumps(value, ensure_ascii=False)
        messages = [fault["msg"] for fault in error.errors()]
        reasons = [message.removeprefix("Value error, ") for message in messages]
        return UnreadableValue(text, "; ".join(reasons))


OR_UNREADABLE = WrapValidator(_keep_unreadable)
_HEAD = 60
# A longer copy does no harm: its first words are enough.
Head = Annotated[
    str, AfterValidator(lambda text: text[:_HEAD]), WithJsonSchema({"type": "string"})
]
