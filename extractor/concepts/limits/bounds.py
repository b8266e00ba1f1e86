"""Comparators, grouped by the side that they bound."""

from extractor.language.book import read_term
from extractor.language.patterns import RuleMatch
from extractor.schemas import Comparator

LOWER = (Comparator.AT_LEAST, Comparator.MORE)
UPPER = (Comparator.AT_MOST, Comparator.LESS)


def read_comparator(vocabulary: str, match: RuleMatch, name: str) -> Comparator | None:
    """In a vocabulary of comparators, look up the words of the ``name`` part of a match; return
    None if the part did not match, or if the vocabulary does not contain its words.
    """
    part = match.part(name)
    entry = read_term(vocabulary, match.tokens, *part) if part else None
    return Comparator(entry.value) if entry else None
