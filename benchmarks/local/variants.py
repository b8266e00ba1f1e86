"""Ways of serving and asking that are tried, one difference to the defaults each."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from extractor.llm.local import ServerSettings
from extractor.llm.requests import AnswerMode

__all__ = ["DEFAULTS", "VARIANTS", "Way"]


@dataclass(frozen=True, slots=True)
class Way:
    """How the model is served, and how the answer's schema is told."""

    settings: ServerSettings = field(default_factory=ServerSettings)
    mode: AnswerMode = AnswerMode.LINES


DEFAULTS = Way()
_Q8_0 = 8
"""llama.cpp's number for its 8-bit type."""


def _served(**settings: Any) -> Way:
    return replace(DEFAULTS, settings=replace(DEFAULTS.settings, **settings))


def _with_parameters(**parameters: Any) -> Way:
    return _served(parameters=parameters)


VARIANTS: Mapping[str, Way] = MappingProxyType(
    {
        "2 slots": _served(slots=2),
        "4 slots": _served(slots=4),
        "1 thread more": _served(threads=DEFAULTS.settings.threads + 1),
        "context 4096": _served(context=4096),
        "context 16384": _served(context=16384),
        "batch 128": _with_parameters(n_ubatch=128),
        "batch 256": _with_parameters(n_ubatch=256),
        "batch 1024": _with_parameters(n_ubatch=1024),
        "flash attention on": _with_parameters(flash_attn_type=1),
        "flash attention off": _with_parameters(flash_attn_type=0),
        "8-bit cache": _with_parameters(cache_type_k=_Q8_0, cache_type_v=_Q8_0),
        "no prefix cache": _with_parameters(cache_prompt=False),
        "reuse from 64 tokens": _with_parameters(n_cache_reuse=64),
        "schema, no grammar": replace(DEFAULTS, mode=AnswerMode.JSON_SCHEMA),
    }
)
"""By name, in the order of the table."""
