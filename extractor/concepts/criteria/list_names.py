"""Names of the lists of criteria that are nearly right: "Exclsuion Critera".

A heading is read with its names as they were meant. Whoever reads it knows that it was mended, and
is less sure.
"""

from collections.abc import Mapping
from functools import lru_cache

from rapidfuzz.distance import OSA

from extractor.language.book import expression, word_list
from extractor.language.lexer import LEXICON, Tokens

_NAMES = (
    "inclusion",
    "inclusions",
    "exclusion",
    "exclusions",
    "criteria",
    "criterion",
    "eligibility",
    "ineligibility",
)
_OTHER_FORMS = frozenset({"criterias", "criterions", "criterium"})
_FIRST_LETTERS = frozenset("ceilnrxIl") | frozenset("CEILNRX")
"""First letters of names, and of names whose first letter is lost or was read as another one."""
_LONGEST = 18
_SHORTEST = 6
_BEHIND_HYPHEN = "clusion"
_HYPHENATED = {"in": "inclusion", "ex": "exclusion"}
"""Names that are broken in two: "Ex-clusion"."""
_FEW_LETTERS = 7
"""A word of so many letters may differ by one of them, a longer one by two."""


def mend_names(tokens: Tokens) -> Tokens:
    """Return tokens in which names of lists are spelt as they were meant: the same object if
    nothing is wrong.

    Both have the same number of tokens, and each stands at the place of the other.

    >>> from extractor.language.book import read_text
    >>> mend_names(read_text("Exclsuion Critera:")).words
    ['exclusion', 'criteria', ':']
    >>> mend_names(read_text("Infusion criteria:")).words
    ['Infusion', 'criteria', ':']
    """
    mended: dict[int, str] = {}
    for at, word in enumerate(tokens.words):
        if word[0] not in _FIRST_LETTERS or not _SHORTEST <= len(word) <= _LONGEST:
            continue
        name = _find_meant(word)
        if name is not None:
            mended[at] = name
    for at, word in enumerate(tokens.words[1:], 1):
        if word.casefold() != _BEHIND_HYPHEN:
            continue
        # "ex clusion": the word before it stays
        name = _HYPHENATED.get(tokens.words[at - 1].casefold())
        if name:
            mended[at] = name
    if not mended:
        return tokens
    return _replace_words(tokens, mended)


def _replace_words(tokens: Tokens, mended: Mapping[int, str]) -> Tokens:
    """Return tokens of a text in which the words at the places of ``mended`` are replaced.

    The text between two words stays, so that later words move with their length.
    """
    text: list[str] = []
    words: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    codes = list(tokens.codes)
    length = 0
    done = 0
    for at, word in enumerate(tokens.words):
        between = tokens.text[done : tokens.starts[at]]
        meant = mended.get(at, word)
        text += (between, meant)
        words.append(meant)
        start = length + len(between)
        starts.append(start)
        length = start + len(meant)
        ends.append(length)
        done = tokens.ends[at]
        if at in mended:
            codes[at] = LEXICON[meant]
    return Tokens("".join(text), words, starts, ends, "".join(codes))


@lru_cache(maxsize=4096)
def _find_meant(word: str) -> str | None:
    """Return the name of a list that a misspelt word was meant to be.

    None: the word is a right name or another word, is too far from any name, or is as near to two
    names.
    """
    folded = word.casefold()
    if not folded.isalpha() or _is_word_of_its_own(folded):
        return None
    for list_name in ("inclusion", "exclusion"):
        # the blank between the words of a heading is lost: "Inclusioncriteria"
        if not folded.startswith(list_name):
            continue
        if folded.removeprefix(list_name) in ("criteria", "criterion", "scriteria"):
            return list_name
    most = 1 if len(folded) <= _FEW_LETTERS else 2
    distances = sorted(
        (OSA.distance(folded, name, score_cutoff=most), name) for name in _NAMES
    )
    smallest, nearest = distances[0]
    if smallest > most:
        return None
    if smallest == 2 and folded[0] != nearest[0]:
        return None
    for distance, rival in distances[1:]:
        # "exclusion" and "exclusions" are one name
        if distance == smallest and rival[:2] != nearest[:2]:
            return None
    return nearest


def _is_word_of_its_own(folded: str) -> bool:
    """Return whether a word in small letters is a right name of a list or another English word:
    "incursion", "excision".
    """
    if folded in _NAMES or folded in _OTHER_FORMS:
        return True
    if folded in word_list("no_names_of_lists"):
        return True
    return expression("latin_noun").fullmatch(folded) is not None
