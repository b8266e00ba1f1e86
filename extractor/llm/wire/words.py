"""How a model writes single values: a word for a member of a closed set, a short text for a value with parts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

__all__ = ["Words", "Written"]


@dataclass(frozen=True, eq=False)
class Words:
    """Annotation of a closed set: the words that a model writes for its members.

    A member's full name is understood too, in any case.
    """

    members: Mapping[str, StrEnum]

    def read(self, word: object) -> StrEnum:
        """The member for ``word``. Raises ``ValueError`` with the words that would do."""
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
    """Annotation of a value that a model writes as text of at most ``length`` characters, such as "21 day"."""

    read: Callable[[str], object]
    length: int

    def _read(self, text: object) -> object:
        if not isinstance(text, str):
            raise ValueError(f"{text!r} is not a string")  # noqa: TRY004  (pydantic collects ValueErrors)
        if len(text) > self.length:
            raise ValueError(f"longer than {self.length} characters; give only the words that state the value")
        return self.read(text)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._read, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "maxLength": self.length}
