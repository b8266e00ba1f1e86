"""Specimens and methods that an outcome names."""

from extractor.parse.vocabulary import Match, load_vocabulary

__all__ = ["find_methods", "find_specimens"]


def find_specimens(text: str) -> list[Match]:
    """The specimens in a cleaned text, each once, in order.

    >>> text = "IgE in serum and in nasal lavage; serum was frozen"
    >>> [text[match.start : match.end] for match in find_specimens(text)]
    ['serum', 'nasal lavage']
    """
    return _once(text, "specimens")


def find_methods(text: str) -> list[Match]:
    """The methods of measuring in a cleaned text, each once, in order.

    >>> text = "copies by qPCR and cells by flow cytometry"
    >>> [text[match.start : match.end] for match in find_methods(text)]
    ['qPCR', 'flow cytometry']
    """
    return _once(text, "methods")


def _once(text: str, vocabulary: str) -> list[Match]:
    seen: dict[str, Match] = {}
    for match in load_vocabulary(vocabulary).find(text):
        seen.setdefault(text[match.start : match.end].lower(), match)
    return list(seen.values())
