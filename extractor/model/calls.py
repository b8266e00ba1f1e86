"""A call: what is asked of a model in one request."""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from math import ceil
from typing import NamedTuple

from pydantic import BaseModel

CHARACTERS_PER_TOKEN = 4
"""A rough mean for English text."""
MOST_CALLS = 5
"""How many times the questions of one call may be sent, in halves.

Repeats after faults, which bring no answer, do not count. The ``most`` calls of ``--dry-run`` come
from this number.
"""


def estimate_tokens(text: str) -> int:
    """Estimate the number of tokens in a text. A provider's tokenizer cannot run here.

    >>> estimate_tokens("overall survival")
    4
    """
    return ceil(len(text) / CHARACTERS_PER_TOKEN)


class PromptVersion(NamedTuple):
    """A prompt file: its name, version, and SHA-256."""

    name: str
    version: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Call:
    """Questions about one record in one request.

    ``system`` holds the definitions, ``user`` the record's chunks. ``reply_model`` has a field
    ``items``, a list of models with the chunk's number ``n``.
    """

    prompt: PromptVersion
    system: str
    user: str
    reply_model: type[BaseModel]
    max_output_tokens: int
    record_id: str | None = None

    @property
    def question_key(self) -> str:
        """A key that is equal for calls that ask the same, of any model and with any limits."""
        return _digest(self.system, self.user, schema_of(self.reply_model))

    def key_for(self, model: str) -> str:
        """Return a key that is equal for calls that ask the same of the same model, with any
        limits and sampling.
        """
        return _digest(model, self.question_key)


@cache
def schema_of(reply_model: type[BaseModel]) -> str:
    """Return the JSON schema of a reply, as it is sent."""
    return json.dumps(reply_model.model_json_schema(), ensure_ascii=False)


def _digest(*parts: str) -> str:
    """Return 32 hexadecimal digits of SHA-256. Each part is terminated, so that parts cannot run
    into each other.
    """
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode("utf-8", "surrogatepass") + b"\0")
    return digest.hexdigest()[:32]
