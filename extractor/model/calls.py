"""A call: the content of one request to a model."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import ceil
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

from pydantic import BaseModel, StrictInt, model_validator

from extractor.model.answer_text import read_strict
from extractor.schemas.base import JsonObject

PROMPTS = Path(__file__).parent / "prompts"
CHARACTERS_PER_TOKEN = 4
"""A rough average for English text."""
LINE_BREAK = " // "
"""The replacement for a line break, because a prompt shows a record's text on one line."""
_EMPTY: Sequence[object] = (None, "", [], [None])
"""Values that a model may write for a key without a value."""
MOST_CALLS = 5
"""The maximum number of calls that may be used to answer the questions of one call, including the
calls that split these questions in half and ask them again.

Retries after faults are not counted, because an attempt that fails does not return an answer.
``--dry-run`` computes its maximum number of calls from this number.
"""


def estimate_tokens(text: str) -> int:
    """Estimate the number of tokens in a text, because the providers' tokenizers are not available.

    >>> estimate_tokens("overall survival")
    4
    """
    return ceil(len(text) / CHARACTERS_PER_TOKEN)


class Prompt(NamedTuple):
    """The static system part of calls, with its name, version, and SHA-256."""

    name: str
    version: int
    sha256: str
    system: str


class ReplyItem(BaseModel, frozen=True, extra="forbid"):
    """An item of an answer: values for the line, or about the place, with number ``n``. The values
    of ``unknown`` keys are not read.
    """

    n: StrictInt
    unknown: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _tidy(cls, data: dict[str, object]) -> dict[str, object]:
        """Drop empty values, set unknown keys apart, and restore the line breaks that the prompt
        replaced.
        """
        # in JSON, the texts at every depth are reached at once
        data = json.loads(json.dumps(data).replace(LINE_BREAK, r"\n"))
        keys = {info.alias or name for name, info in cls.model_fields.items()}
        keys.remove("unknown")
        written = {key: data[key] for key in data if data[key] not in _EMPTY}
        known = {key: written[key] for key in written if key in keys}
        return known | {"unknown": sorted(written.keys() - keys)}


class ReplyModel(BaseModel, frozen=True, extra="forbid"):
    """The format of an answer to a call. Its JSON schema is a file among the prompts.

    instructor fills it from a live reply; the text of any other reply is validated in the same way.
    """

    schema_file: ClassVar[str]
    items: tuple[ReplyItem, ...]

    @classmethod
    def model_json_schema(cls, *_: object, **__: object) -> JsonObject:
        """Return a minimal schema, because the prompt already defines each key."""
        return dict(json.loads((PROMPTS / cls.schema_file).read_text("utf-8")))

    @classmethod
    def model_validate_json(cls, json_data: Any, **_: Any) -> Self:
        """Validate an answer. Raises ``ValueError`` also if a key has two values."""
        return cls.model_validate(read_strict(json_data))


@dataclass(frozen=True, slots=True)
class Call:
    """Questions about one record in one request.

    ``prompt`` contains the definitions, and ``user`` the record's chunks. ``reply_model`` is the
    format of the answer.
    """

    prompt: Prompt
    user: str
    reply_model: type[ReplyModel]
    max_output_tokens: int
    record_id: str | None = None

    @property
    def question_key(self) -> str:
        """A key that is the same for calls with the same questions, regardless of the model and
        the limits.
        """
        return _digest(self.prompt.system, self.user, schema_of(self.reply_model))

    def key_for(self, model: str) -> str:
        """Return a key that is the same for calls with the same questions to the same model,
        regardless of limits and sampling.
        """
        return _digest(model, self.question_key)


@cache
def schema_of(reply_model: type[ReplyModel]) -> str:
    """Return the JSON schema of a reply as it is sent."""
    return json.dumps(reply_model.model_json_schema(), ensure_ascii=False)


def _digest(*parts: str) -> str:
    """Return the first 32 hexadecimal digits of the SHA-256 digest of these parts, each of which is
    terminated by a zero byte.
    """
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode("utf-8", "surrogatepass") + b"\0")
    return digest.hexdigest()[:32]
