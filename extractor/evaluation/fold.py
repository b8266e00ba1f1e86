r"""Texts made comparable: white space, case and the registry's backslashes do not count.

>>> fold_text("Platelets  \\> 50 x 10^9/L;")
'platelets > 50 x 10^9/l'
>>> measure_overlap("active infection", "any active infection")
0.8
"""

import re
from functools import lru_cache

__all__ = ["fold_text", "is_inside", "list_tokens", "measure_overlap"]

_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_SPACE = re.compile(r"\s+")
_TOKEN = re.compile(r"\d+(?:\.\d+)?|[^\W\d_]+|[<>=≤≥%+]")


@lru_cache(maxsize=2048)
def fold_text(text: str) -> str:
    """The text as comparison sees it, without a closing full stop, comma or semicolon."""
    return _SPACE.sub(" ", _ESCAPE.sub(r"\1", text)).strip().rstrip(".,; ").casefold()


@lru_cache(maxsize=2048)
def list_tokens(text: str) -> frozenset[str]:
    """The different words, numbers and comparison signs of a text, folded."""
    return frozenset(_TOKEN.findall(fold_text(text)))


def measure_overlap(one: str, other: str) -> float:
    """Shared tokens over all tokens, 0 to 1 (Dice). Two texts without tokens overlap if they are equal."""
    if one == other:
        return 1.0
    first, second = list_tokens(one), list_tokens(other)
    if not first or not second:
        return float(fold_text(one) == fold_text(other))
    return 2 * len(first & second) / (len(first) + len(second))


def is_inside(part: str, whole: str) -> bool:
    """Whether a text is a proper piece of another one, at word boundaries.

    >>> is_inside("no infection", "No infection, no fever")
    True
    >>> is_inside("no fever", "no fever")
    False
    """
    short, long = fold_text(part), fold_text(whole)
    if not short or len(short) >= len(long) or short not in long:
        return False
    return re.search(rf"(?<!\w){re.escape(short)}(?!\w)", long) is not None
