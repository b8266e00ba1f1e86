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
    """Return the words of the name to which each number before a "respectively" belongs, by the
    token of the number. It is empty for most lines.

    Two to six numbers in one sentence belong, in order, to the last names before the first number.
    A sentence with fewer names than numbers tells nothing.

    >>> from extractor.language.book import read_text
    >>> text = "Weight and height of at least 40 kg and 145 cm, respectively"
    >>> [
    ...     (at, "height" in words)
    ...     for at, words in find_respective(read_text(text)).items()
    ... ]
    [(6, False), (9, True)]
    """
    words_by_number: dict[int, frozenset[str]] = {}
    for sign in rule("respectively").find(tokens):
        first = max(0, sign.first - _REACH)
        for sentence_end in rule("sentence_break").find(tokens, first, sign.first):
            first = max(first, sentence_end.end)
        # a number with several readings is one
        places = {number.first for number in find_numbers(tokens, first, sign.first)}
        numbers = sorted(places)
        if not 1 < len(numbers) <= _MOST:
            continue
        names = _BETWEEN_NAMES.split(tokens.read(first, numbers[0]))
        names = [name for name in names if name.strip()]
        if len(names) < len(numbers):
            continue
        last_names = names[-len(numbers) :]
        for number, name in zip(numbers, last_names, strict=True):
            words_by_number[number] = frozenset(spell_words(name))
    return words_by_number
