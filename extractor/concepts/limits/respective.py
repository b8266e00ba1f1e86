"""Numbers that belong to names in their order: "weight and height of at least 40 kg and 145 cm,
respectively".
"""

import re
from collections.abc import Mapping
from functools import lru_cache

from extractor.concepts.limits.quantity_names import spell_words
from extractor.concepts.limits.rows import find_numbers
from extractor.language.book import rule
from extractor.language.lexer import Tokens

_REACH = 80
"""How many tokens before "respectively" the names and numbers may stand."""
_BETWEEN_NAMES = re.compile(r",\s*(?:and|or)\b|[,(:]|\b(?:and|or)\b", re.IGNORECASE)
_MOST = 6
"""The most numbers of one list."""


@lru_cache(maxsize=16)
def find_respective(tokens: Tokens) -> Mapping[int, frozenset[str]]:
    """Return the words of the name to which each number belongs, by the token of the number.

    >>> from extractor.language.book import read_text
    >>> text = "Weight and height of at least 40 kg and 145 cm, respectively"
    >>> [
    ...     (at, "height" in words)
    ...     for at, words in find_respective(read_text(text)).items()
    ... ]
    [(6, False), (9, True)]
    """
    found: dict[int, frozenset[str]] = {}
    for sign in rule("respectively").find(tokens):
        first = max(0, sign.first - _REACH)
        breaks = rule("sentence_break").find(tokens, first, sign.first)
        first = max([first, *(one.end for one in breaks)])
        places = {one.first for one in find_numbers(tokens, first, sign.first)}
        numbers = sorted(places)
        if not 1 < len(numbers) <= _MOST:
            continue
        names = _BETWEEN_NAMES.split(tokens.read(first, numbers[0]))
        names = [name for name in names if name.strip()]
        if len(names) < len(numbers):
            continue
        ordered = zip(numbers, names[-len(numbers) :], strict=True)
        found |= {at: frozenset(spell_words(name)) for at, name in ordered}
    return found
