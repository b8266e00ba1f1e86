"""The table of providers and model families (``providers.toml``), which records how they differ."""

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from extractor.errors import ArgumentError
from extractor.resources import read_toml


class Reasoning(StrEnum):
    """The amount of reasoning before a model answers. Reasoning tokens are billed as output."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Thinking(_Entry, extra="allow"):
    """The parameters for a reasoning effort, and the number of reasoning tokens (``room``) to add
    to the output limit.
    """

    room: int = 0

    @property
    def parameters(self) -> dict[str, object]:
        """The parameters, which each provider names differently."""
        return dict(self.model_extra or {})


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
    reasoning: Mapping[Reasoning, Thinking] = Field(default_factory=dict)

    def think(self, reasoning: Reasoning | None) -> Thinking:
        """Return the parameters for a reasoning-effort level. None selects the family's default
        effort; if the family does not have a default, there are no parameters and no tokens for
        reasoning.

        Raises ``ArgumentError`` if this effort cannot be set for the family.

        >>> find_family("anthropic", "claude-haiku-4-5").think(Reasoning.LOW)
        Thinking(room=2000, thinking={'type': 'enabled', 'budget_tokens': 2000})
        """
        chosen = reasoning or self.effort
        if chosen is None:
            return Thinking()
        if chosen not in self.reasoning:
            remedy = (
                "pass the provider's own parameter instead (--model-option, or "
                "model_options in Python)"
            )
            raise ArgumentError(
                f"reasoning: this level cannot be set for this model; {remedy}"
            )
        return self.reasoning[chosen]


class Provider(_Entry):
    """The properties of a provider; ``providers.toml`` explains the fields."""

    key: str | None = None
    secrets: tuple[str, ...] = ()
    url: str | None = None
    extra: str | None = None
    prices: str | None = None
    batches: bool = False
    sdk: Literal["openai", "anthropic", "google"] = "openai"
    cloud: bool = False
    like: str | None = None
    family: tuple[Family, ...] = ()


@cache
def list_providers() -> Mapping[str, Provider]:
    """Return the providers, keyed by the name in ``--model provider/name``. ``server`` is the entry
    for servers that are named by their address.
    """
    table = read_toml(__package__, "providers.toml")
    return {
        name: Provider.model_validate(entry)
        for name, entry in table["provider"].items()
    }


def find_family(provider: str, model: str) -> Family:
    """Return the first family in the provider's table whose pattern matches the name of the model.
    The last family of each provider matches any name.

    >>> find_family("openai", "gpt-5-mini").temperature
    False
    >>> find_family("openai", "gpt-4o-mini").temperature
    True
    """
    providers = list_providers()
    families = providers[providers[provider].like or provider].family
    return next(family for family in families if re.match(family.models, model))
