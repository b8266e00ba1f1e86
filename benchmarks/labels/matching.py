"""When a value that was read agrees with a labelled one."""

import re
from collections.abc import Sequence

__all__ = ["count_similar"]

_SIMILAR = 0.6
_SMALL_WORDS = frozenset({"the", "of", "date", "first", "a", "an"})


def count_similar(found: Sequence[str], wanted: Sequence[str]) -> int:
    """How many quotes at the same place of both lists share most of their words.

    >>> count_similar(["the date of randomization"], ["randomization"])
    1
    """
    return sum(_similarity(one, other) >= _SIMILAR for one, other in zip(found, wanted, strict=False))


def _similarity(one: str, other: str) -> float:
    first, second = (set(re.findall(r"\w+", text.lower())) - _SMALL_WORDS for text in (one, other))
    return 2 * len(first & second) / (len(first) + len(second)) if first or second else 1.0
