"""Specimens and methods that an outcome names."""

from extractor.parse.vocabulary import Match, load_vocabulary

from .terms import TermIndex

__all__ = ["find_methods", "find_specimens"]

_SPECIMENS = TermIndex(load_vocabulary("specimens"))
_METHODS = TermIndex(load_vocabulary("methods"))


def find_specimens(text: str) -> list[Match]:
    """The specimens in a cleaned text, each once, in order.

    >>> text = "IgE in serum and in nasal lavage; serum was frozen"
    >>> [text[match.start : match.end] for match in find_specimens(text)]
    ['serum', 'nasal lavage']
    """
    return _once(text, _SPECIMENS)


def find_methods(text: str) -> list[Match]:
    """The methods of measuring in a cleaned text, each once, in order.

    >>> text = "copies by qPCR and cells by flow cytometry"
    >>> [text[match.start : match.end] for match in find_methods(text)]
    ['qPCR', 'flow cytometry']
    """
    return _once(text, _METHODS)


def _once(text: str, index: TermIndex) -> list[Match]:
    seen: dict[str, Match] = {}
    for match in index.find(text):
        seen.setdefault(text[match.start : match.end].lower(), match)
    return list(seen.values())
