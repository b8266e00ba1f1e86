"""What a model says, in the terms of the schemas, before anyone believes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from extractor.schemas import Task

__all__ = ["Answer"]


@dataclass(frozen=True, slots=True)
class Answer:
    """A model's values for the chunk with that number.

    ``values`` maps fields of the parsed item to values of the schemas' types. Free text is a quote
    still to be located: a string, or a tuple of strings. None says that the text does not state the field.

    - eligibility: ``stands`` (bool), ``kind``, ``category``, ``constraints`` (tuple of ``Constraint``),
      ``time_window`` (quote)
    - dosing: ``stands`` (bool), ``quote``, ``agent`` (quote), ``role``, ``amounts`` (tuple of ``Amount``),
      ``route``, ``frequency``, ``cycle`` and ``duration`` (``Period``), ``timing`` (quote)
    - endpoints: ``measure``, ``description``, ``time_frame`` (quotes), ``concept``, ``category``,
      ``time_points`` (tuple of ``TimePoint``), ``time_kind``, ``instrument`` (``Instrument``),
      ``start_event`` (quote), ``end_events`` (quotes), ``censored`` (bool), ``specimens``, ``methods`` (quotes)
    """

    task: Task
    chunk: int
    values: Mapping[str, Any]
