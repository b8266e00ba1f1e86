"""Text that says nothing of its own: white space, bullets, headings of lists, the registry's own notes."""

import re
from functools import lru_cache

from extractor.parse.eligibility.headings import (
    is_generic,
    is_withdrawal,
    opens_list,
    read_list_heading,
)
from extractor.text.book import read_text, rule

__all__ = ["find_words", "is_boilerplate"]

_BULLET = re.compile(r"\s*(?:(?:\\?[-*•·‣▪◦–—]+|[(\[]?(?:\d{1,2}|[A-Za-z]|[ivxIVX]{1,4})[.)\]]+|\\\.)(?=\s|$)\s*)*")
_ENDS = " \t\r\n.,;:|)(]["
_RULES = ("note_of_the_registry", "note_of_the_protocol", "unfinished_heading")


@lru_cache(maxsize=2048)
def is_boilerplate(text: str) -> bool:
    """Whether a line of an eligibility section is a heading, a title, or a registry's note.

    >>> [is_boilerplate(t) for t in ("Exclusion Criteria:", "Other protocol-defined criteria may apply", "No asthma")]
    [True, True, False]
    """
    words = text.strip()
    tokens = read_text(words)
    if words.endswith((":", "：", ":-")) or any(rule(name).search(tokens) for name in _RULES):
        return True
    if read_list_heading(tokens, bulleted=False)[0]:
        return True
    return any(test(tokens) for test in (is_generic, opens_list, is_withdrawal))


def find_words(text: str, start: int, end: int) -> tuple[int, int] | None:
    """The part of ``text[start:end]``, in one line, that is more than a bullet and punctuation at its ends; or None.

    >>> text = "  * Asthma;"
    >>> text[slice(*find_words(text, 0, len(text)))], find_words(text, 0, 4)
    ('Asthma', None)
    """
    bullet = _BULLET.match(text, start, end) if start == 0 or text[start - 1] == "\n" else None
    first = bullet.end() if bullet else start
    words = text[first:end]
    first += len(words) - len(words.lstrip(_ENDS))
    last = first + len(words.strip(_ENDS))
    return (first, last) if last > first else None
