"""Text that says nothing of its own: white space, bullets, headings of lists, the registry's own notes."""

import re
from functools import lru_cache

from extractor.parse.eligibility.headings import (
    is_generic,
    is_withdrawal,
    opens_list,
    read_list_heading,
)
from extractor.text.book import read_text

__all__ = ["find_words", "is_boilerplate"]

_BULLET = re.compile(r"\s*(?:(?:\\?[-*•·‣▪◦–—]+|[(\[]?(?:\d{1,2}|[A-Za-z]|[ivxIVX]{1,4})[.)\]]+|\\\.)(?=\s|$)\s*)*")
_ENDS = " \t\r\n.,;:|)(]["
_NOTE = re.compile(
    r"\W*(?:o\s)?(?:(?:please\s+)?note\b|for (?:more|further|full) (?:information|details)|please (?:see|refer|contact)"
    r"|(?:disease|patient) characteristics|prior/?\s?concurrent therapy)"
    r"|.*\bprotocol[- ](?:defined|specified|specific|related)\b"
    r"|.*\b(?:other|additional) (?:\w+[\s/]+){0,3}criteria (?:may|could|apply|applied|will)\b"
    r"|.*\bnot intended to contain all\b",
    re.IGNORECASE,
)

_UNFINISHED = re.compile(r"\b(?:eligible|criteria|exclu\w+|inclu\w+|must|meet|participat\w+)\b.* (?:the|in|of|if|be)$")
"""The first line of a heading that goes on in the next."""


@lru_cache(maxsize=2048)
def is_boilerplate(text: str) -> bool:
    """Whether a line of an eligibility section is a heading, a title, or a registry's note.

    >>> [is_boilerplate(t) for t in ("Exclusion Criteria:", "Other protocol-defined criteria may apply", "No asthma")]
    [True, True, False]
    """
    words = text.strip()
    if words.endswith((":", "：", ":-")) or _UNFINISHED.search(words) or _NOTE.match(words):
        return True
    tokens = read_text(words)
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
