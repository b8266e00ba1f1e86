"""Find the abbreviations that a record explains: "acetylsalicylic acid (ASA)", "ASA
(acetylsalicylic acid)".

A short form is explained if its letters stand in the words beside it, in order, and its first
letter begins the first of these words (Schwartz and Hearst, 2003).
"""

import re
from collections.abc import Iterable, Mapping

_PAIR = re.compile(r"([^\n()\[\];:]{2,90}?)\s?\(\s?([^()\n]{2,90})\s?\)")
_SHORT = re.compile(r"[A-Z0-9][A-Za-z0-9-]{1,9}")
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
        for pair in _PAIR.finditer(text) if "(" in text else ():
            before, inside = pair[1].strip(), " ".join(pair[2].split())
            explained = _explain(inside, before) or _explain_behind(before, inside)
            if explained is None:
                continue
            short, full = explained
            if found.setdefault(short, full).casefold() != full.casefold():
                doubtful.add(short)
    return {short: full for short, full in found.items() if short not in doubtful}


def _explain(short: str, before: str) -> tuple[str, str] | None:
    """Return an abbreviation in brackets with the words before them that it stands for."""
    if not _is_short(short):
        return None
    words = before.split()[-min(_MOST_WORDS, len(short) * 2) :]
    # the fewest words that hold its letters
    for count in range(1, len(words) + 1):
        full = " ".join(words[-count:])
        if _stands_for(short, full):
            return short, full
    return None


def _explain_behind(before: str, inside: str) -> tuple[str, str] | None:
    """Return an abbreviation before brackets with the words in them."""
    short = before.rsplit(maxsplit=1)[-1] if before.split() else ""
    is_name = len(inside.split()) <= _MOST_WORDS and not any(map(str.isdigit, inside))
    if is_name and _is_short(short) and _stands_for(short, inside):
        return short, inside
    return None


def _is_short(text: str) -> bool:
    """Return whether a text looks like an abbreviation: with two capitals at least."""
    return bool(_SHORT.fullmatch(text)) and sum(map(str.isupper, text)) > 1


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
