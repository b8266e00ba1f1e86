"""The table of providers and families of models (``providers.toml``): what differs between them,
as data.
"""

import re
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from extractor.errors import ArgumentError


class Reasoning(StrEnum):
    """How much a model thinks before it answers. Thinking is paid for as output."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Family(_Entry):
    """The properties that some models of a provider share; ``providers.toml`` explains the
    fields.
    """

    models: str = ""
    mode: tuple[str, ...]
    limit: str = "max_tokens"
    temperature: bool = True
    cache: str = "auto"
    effort: Reasoning | None = None
    reasoning: Mapping[Reasoning, Mapping[str, Any]] = Field(default_factory=dict)

    def think(self, reasoning: Reasoning | None) -> tuple[dict[str, Any], int]:
        """Return the parameters of an effort, and the output tokens that thinking may take. None is
        the family's default; a family without one has no parameters, and no room for thinking.

        Raises ``ArgumentError`` if the effort of these models cannot be set.

        >>> find_family("anthropic", "claude-haiku-4-5").think(Reasoning.LOW)
        ({'thinking': {'type': 'enabled', 'budget_tokens': 2000}}, 2000)
        """
        chosen = reasoning or self.effort
        if chosen is None:
            return {}, 0
        if chosen not in self.reasoning:
            remedy = "give its own parameter (--model-option, in Python model_options)"
            raise ArgumentError(
                f"reasoning: that of this model cannot be set; {remedy}"
            )
        parameters = dict(self.reasoning[chosen])
        return parameters, parameters.pop("room", 0)


class Provider(_Entry):
    """What differs of a provider; ``providers.toml`` explains the fields."""

    key: str | None = None
    secrets: tuple[str, ...] = ()
    url: str | None = None
    extra: str | None = None
    prices: str | None = None
    options: str = "body"
    batches: bool = False
    family: tuple[Family, ...]


@cache
def list_providers() -> Mapping[str, Provider]:
    """List the providers by their names in ``--model provider/name``. ``server`` is one named by
    its address.
    """
    table = tomllib.loads((files(__package__) / "providers.toml").read_text("utf-8"))
    return {
        name: Provider.model_validate(entry)
        for name, entry in table["provider"].items()
    }


def find_family(provider: str, model: str) -> Family:
    """Find the family of a provider's model: the first in the table whose pattern matches its name.
    The last family of each provider matches any name.

    >>> find_family("openai", "gpt-5-mini").temperature
    False
    >>> find_family("openai", "gpt-4o-mini").temperature
    True
    """
    families = list_providers()[provider].family
    return next(family for family in families if re.match(family.models, model))
