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
    full_names = dict[str, str]()
    doubtful = set[str]()
    for text in texts:
        if "(" not in text:
            continue
        for short, full in _find_pairs(text):
            earlier = full_names.setdefault(short, full)
            if _fold(earlier) != _fold(full):
                doubtful.add(short)
    for short in doubtful:
        del full_names[short]
    return full_names


def _find_pairs(text: str) -> Iterator[tuple[str, str]]:
    """Yield each abbreviation of a text with the words that it stands for: first those with the
    abbreviation in brackets, then those with the words in brackets.
    """
    # as in "acetylsalicylic acid (ASA)"
    for brackets in _SHORT_BEHIND.finditer(text):
        short = brackets[1]
        if not _has_capitals(short):
            continue
        opening = brackets.start()
        near = text[max(0, opening - _REACH) : opening]
        before = _BORDER.split(near)[-1]
        full = _find_full(short, before.split())
        if full:
            yield short, full
    # as in "ASA (acetylsalicylic acid)"
    for brackets in _NAME_BEHIND.finditer(text):
        opening = brackets.start()
        before = text[max(0, opening - _LONGEST_SHORT) : opening]
        end = _SHORT_END.search(before)
        full = " ".join(brackets[1].split())
        if end is None or full.count(" ") >= _MOST_WORDS:
            continue
        short = end[1]
        if _has_capitals(short) and _stands_for(short, full):
            yield short, full


def _fold(name: str) -> str:
    """Return a name without case, spaces and hyphens: two spellings are one explanation."""
    return "".join(filter(str.isalnum, name.casefold()))


def _find_full(short: str, before: Sequence[str]) -> str | None:
    """Return the fewest words directly before an abbreviation that hold its letters, or None. The
    words are at most eight, and at most twice as many as its letters.
    """
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
    at its beginning, and no long word of the name is passed over.
    """
    letters = [sign.lower() for sign in short if sign.isalnum()]
    folded = full.lower()
    if len(full) <= len(short) + 1:
        return False
    if folded[0] != letters[0]:
        return False
    if short in full.split():
        return False
    at = 0
    for letter in letters:
        at = folded.find(letter, at) + 1
        if not at:
            return False
    # of several words, each but the small ones begins with one of the letters
    words = re.split(r"[\s-]+", folded)
    heads = [word[0] for word in words if len(word) > 3]
    if len(heads) < 2:
        return True
    return all(head in letters for head in heads)
