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


def _served(**settings: Any) -> Way:
    return replace(DEFAULTS, settings=replace(DEFAULTS.settings, **settings))


def _tuned(**tuning: Any) -> Way:
    return _served(tuning=replace(DEFAULTS.settings.tuning, **tuning))


VARIANTS: Mapping[str, Way] = MappingProxyType(
    {
        "2 slots": _served(slots=2),
        "4 slots": _served(slots=4),
        "1 thread more": _served(threads=DEFAULTS.settings.threads + 1),
        "context 4096": _served(context=4096),
        "context 16384": _served(context=16384),
        "batch 128": _tuned(batch=128),
        "batch 256": _tuned(batch=256),
        "batch 1024": _tuned(batch=1024),
        "flash attention on": _tuned(flash_attention=True),
        "flash attention off": _tuned(flash_attention=False),
        "8-bit cache": _tuned(cache_bits=8),
        "no prefix cache": _tuned(prefix_cache=False),
        "reuse from 64 tokens": _tuned(reuse=64),
        "schema, no grammar": replace(DEFAULTS, mode=AnswerMode.JSON_SCHEMA),
    }
)
"""By name, in the order of the table."""
