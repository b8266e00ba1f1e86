"""The lists of words around the limits and names of a criterion, and its phrases."""

import re
from functools import cache, lru_cache

from extractor.language.book import read_table, read_text, rule, word_set
from extractor.language.lexer import Range, Tokens
from extractor.language.patterns import RuleMatch


@cache
def words_of(*names: str) -> frozenset[str]:
    """Return the words of lists in ``match_words.toml``."""
    return word_set(" ".join(read_table("match_words")[name] for name in names))


_COMBINED = re.compile(
    r"^\W*(?:combined|complicated|complicating) with\b", re.IGNORECASE
)


def drop_combined(line: str) -> str:
    """Return a line without the words that say that it is about what comes with the disease.

    >>> drop_combined("Combined with glaucoma")
    ' glaucoma'
    """
    return _COMBINED.sub("", line)


@lru_cache(64)
def _read(text: str) -> Tokens:
    return read_text(text)


def find_phrase(name: str, text: str) -> RuleMatch | None:
    """Return the first match of a rule of ``match_lines.toml`` in a line.

    >>> find_phrase("match_denied", "No asthma").span
    (0, 2)
    """
    return rule(name).search(_read(text))


def has_phrase(name: str, text: str) -> bool:
    """Return whether a rule matches in a line."""
    return rule(name).occurs(_read(text))


def find_spans(name: str, text: str) -> list[Range]:
    """Return the characters of each match of a rule in a line.

    >>> find_spans("match_together", "Both of these:")
    [(0, 4)]
    """
    return [found.span for found in rule(name).find(_read(text))]


def drop_phrases(name: str, text: str) -> str:
    """Return a line with spaces for the matches of a rule.

    >>> drop_phrases("match_together", "Both of these:")
    '     of these:'
    """
    letters = [*text]
    for start, end in find_spans(name, text):
        letters[start:end] = " " * (end - start)
    return "".join(letters)
