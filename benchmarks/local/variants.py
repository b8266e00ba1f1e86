"""Ways of serving that are tried, one difference to the defaults each."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from extractor.ask.local import ServerSettings, Tuning

__all__ = ["DEFAULTS", "VARIANTS"]

DEFAULTS = ServerSettings()


def _tuned(tuning: Tuning) -> ServerSettings:
    return replace(DEFAULTS, tuning=tuning)


VARIANTS: Mapping[str, ServerSettings] = MappingProxyType(
    {
        "1 slot": replace(DEFAULTS, slots=1),
        "4 slots": replace(DEFAULTS, slots=4),
        "1 thread more": replace(DEFAULTS, threads=DEFAULTS.threads + 1),
        "context 4096": replace(DEFAULTS, context=4096),
        "context 16384": replace(DEFAULTS, context=16384),
        "batch 128": _tuned(Tuning(batch=128)),
        "batch 256": _tuned(Tuning(batch=256)),
        "batch 1024": _tuned(Tuning(batch=1024)),
        "flash attention on": _tuned(Tuning(flash_attention=True)),
        "flash attention off": _tuned(Tuning(flash_attention=False)),
        "8-bit cache": _tuned(Tuning(cache_bits=8)),
        "no prefix cache": _tuned(Tuning(prefix_cache=False)),
        "reuse from 64 tokens": _tuned(Tuning(reuse=64)),
    }
)
"""By name, in the order of the table."""
