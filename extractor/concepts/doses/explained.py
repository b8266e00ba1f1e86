"""Find the abbreviations that a record explains: "acetylsalicylic acid (ASA)", "ASA
(acetylsalicylic acid)".

A short form is explained if its letters stand in the words beside it, in order, and its first
letter begins the first of these words (Schwartz and Hearst, 2003).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

_SHORT_BEHIND = re.compile(r"\(\s?([A-Z0-9][A-Za-z0-9-]{1,9})\s?\)")
_NAME_BEHIND = re.compile(r"\(([A-Za-z][^()\n\d]{4,90})\)")
_SHORT_END = re.compile(r"(?:^|\s)([A-Z0-9][A-Za-z0-9-]{1,9}) ?$")
_BORDER = re.compile(r"[\n()\[\];:]")
_REACH = 90
"""How many characters before brackets the name may begin that they explain."""
_LONGEST_SHORT = 12
"""The most characters of an abbreviation, with the spaces around it."""
_MOST_WORDS = 8
"""The most words of a name with an abbreviation."""


def find_explained(texts: Iterable[str]) -> Mapping[str, str]:
    """Return the full name of each abbreviation; one that is explained in two ways is left out.

    >>> find_explained(
    ...     ["Low-dose acetylsalicylic acid (ASA) or MTX (methotrexate) daily"]
    ... )
    {'ASA': 'acetylsalicylic acid', 'MTX': 'methotrexate'}
    >>> find_explained(["chemotherapy (CDDP) in asthma (n=20)"])
    {}
    """
    found = dict[str, str]()
    doubtful = set[str]()
    for text in texts:
        for short, full in _find_pairs(text) if "(" in text else ():
            if _fold(found.setdefault(short, full)) != _fold(full):
                doubtful.add(short)
    return {short: full for short, full in found.items() if short not in doubtful}


def _find_pairs(text: str) -> Iterator[tuple[str, str]]:
    """Yield each abbreviation of a text with the words that it stands for."""
    for brackets in _SHORT_BEHIND.finditer(text):
        short = brackets[1]
        if _has_capitals(short):
            start = max(0, brackets.start() - _REACH)
            before = _BORDER.split(text[start : brackets.start()])[-1]
            full = _find_full(short, before.split())
            if full:
                yield short, full
    for brackets in _NAME_BEHIND.finditer(text):
        before = text[max(0, brackets.start() - _LONGEST_SHORT) : brackets.start()]
        short = _SHORT_END.search(before)
        full = " ".join(brackets[1].split())
        if short is None or full.count(" ") >= _MOST_WORDS:
            continue
        if _has_capitals(short[1]) and _stands_for(short[1], full):
            yield short[1], full


def _fold(name: str) -> str:
    """Return a name without case, spaces and hyphens: two spellings are one explanation."""
    return "".join(filter(str.isalnum, name.casefold()))


def _find_full(short: str, before: Sequence[str]) -> str | None:
    """Return the fewest words before an abbreviation that hold its letters."""
    words = before[-min(_MOST_WORDS, len(short) * 2) :]
    for count in range(1, len(words) + 1):
        full = " ".join(words[-count:])
        if _stands_for(short, full):
            return full
    return None


def _has_capitals(text: str) -> bool:
    """Return whether a word looks like an abbreviation: it has two capitals at least."""
    return sum(map(str.isupper, text)) > 1


def _stands_for(short: str, full: str) -> bool:
    """Return whether the letters of an abbreviation stand in order in a longer name, the first one
    at its beginning.
    """
    letters = [sign.lower() for sign in short if sign.isalnum()]
    folded = full.lower()
    if len(full) <= len(short) + 1 or folded[0] != letters[0]:
        return False
    if short in full.split():
        return False
    at = 0
    for letter in letters:
        at = folded.find(letter, at) + 1
        if not at:
            return False
    # of several words, each but the small ones gives a letter: no word is passed over
    heads = [word[0] for word in re.split(r"[\s-]+", folded) if len(word) > 3]
    return len(heads) < 2 or sum(head in letters for head in heads) == len(heads)
