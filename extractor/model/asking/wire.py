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

    The schema lists the short words. A member's value is understood as well, and both in any case
    and with white space around them. Any other word is a ``ValueError``.
    """
    short = short_words(closed_set)
    words: list[str] = []
    by_value: dict[str, StrEnum] = {}
    by_word: dict[str, StrEnum] = {}
    for member in closed_set:
        word = short.get(member.value, member.value)
        words.append(word)
        by_value[member.value.casefold()] = member
        by_word[word.casefold()] = member
    members = by_value | by_word

    def parse_word(word: object) -> StrEnum:
        """Return the member that a model wrote. Raises ``ValueError`` if it is none."""
        member = None
        if isinstance(word, str):
            member = members.get(word.strip().casefold())
        if member is None:
            raise ValueError(f"{word!r} is none of: {', '.join(words)}")
        return member

    return Annotated[
        closed_set,
        BeforeValidator(parse_word),
        WithJsonSchema({"type": "string", "enum": words}),
    ]


def as_text(kind: Any, parse: Callable[[str], object]) -> Any:
    """Annotate a value that a model writes as text, such as "21 day", which ``parse`` reads.

    A value that is no text, or longer than 1,000 characters, is a ``ValueError``.
    """

    def parse_text(text: object) -> object:
        """Return what ``parse`` makes of the text."""
        if not isinstance(text, str):
            raise ValueError(f"{text!r} is not a string")  # noqa: TRY004  (pydantic collects ValueErrors)
        if len(text) > _LONGEST:
            raise ValueError(
                f"a value of more than {_LONGEST} characters; quote less of the text"
            )
        return parse(text)

    schema = WithJsonSchema({"type": "string"})
    return Annotated[kind, BeforeValidator(parse_text), schema]


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
        properties = {}
        for key, value in schema["properties"].items():
            properties[key] = _bare_schema(value)
        schema["properties"] = properties
        schema["additionalProperties"] = False
        return schema


_NOT_SENT = {"title", "description", "default", "anyOf", "maxLength", "maxItems"}
"""Parts of a key's schema that no model gets."""


def _bare_schema(schema: JsonSchemaValue) -> JsonSchemaValue:
    """Return the schema of a key without what a model need not read (``_NOT_SENT``). A value that
    may be null (``anyOf`` of the value and null) has the schema of the value.
    """
    bare = {key: value for key, value in schema.items() if key not in _NOT_SENT}
    for option in schema.get("anyOf", ()):
        if option != {"type": "null"}:
            return bare | _bare_schema(option)
    return bare


def _keep_unreadable(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    """Return what ``validate`` makes of a value. If it refuses the value, return an
    ``UnreadableValue`` with what was written and why it was refused.
    """
    try:
        return validate(value)
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
