"""The settings of a model's client."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .patience import MOST_CALLS, Patience
from .providers import Reasoning


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """Settings of the client.

    ``reasoning`` is how much the model thinks, None for the default of its family; ``options`` are further parameters
    of each request. ``reasks`` is the number of re-asks after an answer that breaks its schema. ``concurrency`` limits
    the requests in flight. ``timeout`` is in seconds, from sending a request to the end of its reply.
    ``output_tokens`` lowers the output limit of each call. ``patience`` says when the model is given up; with None it
    never is. ``most_calls`` may be answered for the questions of one call, re-asks and halves included.
    """

    reasoning: Reasoning | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    reasks: int = 1
    concurrency: int = 8
    timeout: float = 600.0
    output_tokens: int | None = None
    patience: Patience | None = field(default_factory=Patience)
    most_calls: int = MOST_CALLS
