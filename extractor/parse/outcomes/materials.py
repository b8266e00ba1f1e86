"""Specimens and methods that an outcome names."""

import re
from functools import lru_cache

from extractor.parse.vocabulary import load_vocabulary
from extractor.parse.words import find_words

__all__ = ["find_methods", "find_specimens", "may_name_method", "may_name_specimen"]

Span = tuple[int, int]
# "immunohistochemistry (IHC)": the letters in brackets are quoted with the name.
_ABBREVIATED = re.compile(r"\s?\([a-z]?[A-Z][A-Za-z]{1,7}\)")
_METHOD_WORD = re.compile(
    r"assays?|tests?|testing|technolog\w+|imaging|analy[sz]\w+|techniques?|staining|\w+metry|\w+meter|\w+graphy"
    r"|monitor\w*"
    r"|device|questionnaires?|survey|exam\w*|models?|using|app|genom\w+|transcript\w+|method\w*"
)
_SPECIMEN_WORD = re.compile(
    r"samples?|blood\w*|tissues?|cells?|dna|biops\w+|urin\w+|lavage|mucosa\w*|swabs?|specimens?|basophils?"
    r"|epithel\w+|hair"
    r"|nail|fluid|secret\w+|eosinophils?|ige|cytokines?|antibod\w+"
)
_SHORT_FORM = 5
"""A name of so few letters is a short form itself."""


def find_specimens(text: str) -> list[Span]:
    """The specimens in a cleaned text, each once, in order.

    >>> text = "IgE in serum and in nasal lavage; serum was frozen"
    >>> [text[slice(*span)] for span in find_specimens(text)]
    ['serum', 'nasal lavage']
    """
    return _find_once(text, "specimens")


def find_methods(text: str) -> list[Span]:
    """The methods of measuring in a cleaned text, each once, in order.

    >>> text = "copies by quantitative polymerase chain reaction (qPCR), cells by flow cytometry, again by qPCR"
    >>> [text[slice(*span)] for span in find_methods(text)]
    ['quantitative polymerase chain reaction (qPCR)', 'flow cytometry']
    """
    return _find_once(text, "methods")


def may_name_method(text: str) -> bool:
    """Whether words stand in the text that often come with a method."""
    return any(map(_is_method_word, find_words(text)))


def may_name_specimen(text: str) -> bool:
    """Whether words stand in the text that often come with a specimen."""
    return any(map(_is_specimen_word, find_words(text)))


@lru_cache(maxsize=8192)
def _is_method_word(word: str) -> bool:
    return _METHOD_WORD.fullmatch(word) is not None


@lru_cache(maxsize=8192)
def _is_specimen_word(word: str) -> bool:
    return _SPECIMEN_WORD.fullmatch(word) is not None


def _find_once(text: str, vocabulary: str) -> list[Span]:
    """Every name once; one that only stands in a longer name before it is left out."""
    found: dict[str, Span] = {}
    for match in load_vocabulary(vocabulary).find(text):
        start, end = match.start, match.end
        brackets = _ABBREVIATED.match(text, end) if end - start > _SHORT_FORM else None
        end = brackets.end() if brackets else end
        name = text[start:end].lower()
        if not any(_holds(longer, name) for longer in found):
            found[name] = (start, end)
    return list(found.values())


def _holds(longer: str, name: str) -> bool:
    """Whether a name stands in another as a word of its own."""
    return name in longer and re.search(rf"(?<![\w/-]){re.escape(name)}(?![\w/-])", longer) is not None
