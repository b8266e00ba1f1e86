"""The edges of pages: running headers and footers of a copied document."""

from extractor.language.book import rule
from extractor.language.lexer import Tokens

_LONGEST = 40
_MOST_NAMES = 6
"""Words of the names of a protocol and its sponsor."""


def is_page_edge(tokens: Tokens) -> bool:
    """Return whether a line is the header or footer of a page: a page's number, "confidential", a
    version, and names.

    >>> from extractor.language.book import read_text
    >>> lines = (
    ...     "Protocol ABC-123 Version 3.0 CONFIDENTIAL Page 35 of 112",
    ...     "Confidential interview at week 2",
    ... )
    >>> [is_page_edge(read_text(line)) for line in lines]
    [True, False]
    """
    if not tokens.words or len(tokens) > _LONGEST or rule("page_mark").search(tokens) is None:
        return False
    known = {at for found in rule("page_word").find(tokens) for at in range(found.first, found.end)}
    others = [word for at, word in enumerate(tokens.words) if word[0].isalpha() and at not in known]
    names = [word for word in others if word[0].isupper()]
    if len(names) < len(others):
        return False  # a word in small letters says something
    return len(names) <= (_MOST_NAMES if rule("page_number").search(tokens) else 1)
