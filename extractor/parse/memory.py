"""What is remembered of a record's texts while it is parsed: several readers ask the same of the same text."""

from collections.abc import Callable
from functools import lru_cache
from typing import ParamSpec, TypeVar

__all__ = ["forget_texts", "remember"]

P = ParamSpec("P")
T = TypeVar("T")

_KEPT = 65_536
"""Answers of one function. No record has so many texts; other callers than the parser never forget by themselves."""
_caches: list[Callable[[], None]] = []


def remember(function: Callable[P, T]) -> Callable[P, T]:
    """Ask ``function`` once for the same arguments, until ``forget_texts``.

    >>> asked = []
    >>> @remember
    ... def measure(text: str) -> int:
    ...     asked.append(text)
    ...     return len(text)
    >>> measure("ECOG"), measure("ECOG"), asked
    (4, 4, ['ECOG'])
    """
    cached = lru_cache(maxsize=_KEPT)(function)
    _caches.append(cached.cache_clear)
    return cached  # type: ignore[return-value]  # the wrapper takes what the function takes


def forget_texts() -> None:
    """Forget all answers: the next record has other texts."""
    for clear in _caches:
        clear()
