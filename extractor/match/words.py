"""The lists of words around the limits and names of a criterion."""

from functools import cache

from extractor.language.book import read_table, word_set


@cache
def words_of(*names: str) -> frozenset[str]:
    """Return the words of lists in ``match_words.toml``."""
    return word_set(" ".join(read_table("match_words")[name] for name in names))
