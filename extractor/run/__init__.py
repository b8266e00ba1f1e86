"""Batches: many records into a folder or a stream."""

from .attending import attend
from .batch import BatchLimits, Sink, describe_failure, run_batch
from .folder import RunFolder
from .settings import describe_settings
from .sink import FailuresSink, StreamSink
from .tally import Tally

__all__ = [
    "BatchLimits",
    "FailuresSink",
    "RunFolder",
    "Sink",
    "StreamSink",
    "Tally",
    "attend",
    "describe_failure",
    "describe_settings",
    "run_batch",
]
