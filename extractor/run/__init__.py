"""Batches: many records into a folder or a stream."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .attending import attend
    from .batch import BatchLimits, Sink, describe_failure, note_unread, run_batch
    from .folder import RunFolder
    from .pricing import Pricing
    from .settings import describe_settings
    from .sink import FailuresSink, StreamSink
    from .tally import Tally

__all__ = [
    "BatchLimits",
    "FailuresSink",
    "Pricing",
    "RunFolder",
    "Sink",
    "StreamSink",
    "Tally",
    "attend",
    "describe_failure",
    "describe_settings",
    "note_unread",
    "run_batch",
]

# Imported when first used: the processes of ``.worker`` need none of what talks to a model, which takes a second.
_HOMES = {
    "BatchLimits": ".batch",
    "FailuresSink": ".sink",
    "Pricing": ".pricing",
    "RunFolder": ".folder",
    "Sink": ".batch",
    "StreamSink": ".sink",
    "Tally": ".tally",
    "attend": ".attending",
    "describe_failure": ".batch",
    "describe_settings": ".settings",
    "note_unread": ".batch",
    "run_batch": ".batch",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name], __name__), name)
