"""Word lists, written as running text, as sets and as regular expressions."""

__all__ = ["any_of", "set_of"]


def any_of(words: str) -> str:
    r"""An expression for any of the words, which white space separates; "_" stands for white space in a phrase.

    >>> any_of("old of_age years?_old")
    '(?:old|of\\s+age|years?\\s+old)'
    """
    return "(?:" + "|".join(word.replace("_", r"\s+") for word in words.split()) + ")"


def set_of(words: str) -> frozenset[str]:
    """The words, which white space separates.

    >>> sorted(set_of("all any"))
    ['all', 'any']
    """
    return frozenset(words.split())
