"""Find the abbreviations that a record explains: "acetylsalicylic acid (ASA)", "ASA
(acetylsalicylic acid)".

A short form is explained if its letters are in the words beside it, in order, and its first
letter begins the first of these words (Schwartz and Hearst, 2003).
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

_SHORT = r"[A-Z0-9][A-Za-z0-9-]{1,9}"
_SHORT_BEHIND = re.compile(
    rf"(?P<full>[^\n()\[\];:]{{1,90}})\(\s?(?P<short>{_SHORT})\s?\)"
)
_FULL_BEHIND = re.compile(
    rf"(?<!\S)(?P<short>{_SHORT}) ?\((?P<full>[A-Za-z][^()\n\d]{{4,90}})\)"
)
_MOST_WORDS = 8
"""The most words of a name with an abbreviation."""
_LONG = 3
"""A word of a name with more letters begins with one of the abbreviation."""


def find_explained(texts: Iterable[str]) -> Mapping[str, str]:
    """Return the full name of each abbreviation; one that is explained in two ways is left out.

    >>> find_explained(
    ...     ["Low-dose acetylsalicylic acid (ASA) or MTX (methotrexate) daily"]
    ... )
    {'ASA': 'acetylsalicylic acid', 'MTX': 'methotrexate'}
    >>> find_explained(["chemotherapy (CDDP) in asthma (n=20)"])
    {}
    """
    names: dict[str, dict[str, str]] = defaultdict(dict)
    for text in texts:
        for short, full in _find_pairs(text):
            spelled = "".join(filter(str.isalnum, full.casefold()))
            names[short].setdefault(spelled, full)
    return {
        short: next(iter(full.values()))
        for short, full in names.items()
        if len(full) == 1
    }


def _find_pairs(text: str) -> Iterator[tuple[str, str]]:
    """Yield each abbreviation of a text with the fewest words that it stands for."""
    for brackets in _SHORT_BEHIND.finditer(text):
        short = brackets["short"]
        words = brackets["full"].split()[-min(_MOST_WORDS, len(short) * 2) :]
        for count in range(1, len(words) + 1):
            full = " ".join(words[-count:])
            if _stands_for(short, full):
                yield short, full
                break
    for brackets in _FULL_BEHIND.finditer(text):
        full = " ".join(brackets["full"].split())
        if full.count(" ") < _MOST_WORDS and _stands_for(brackets["short"], full):
            yield brackets["short"], full


def _stands_for(short: str, full: str) -> bool:
    """Return whether a word with two capitals has its letters in order in a longer name, the first
    one at its beginning, and no long word of the name is passed over.
    """
    letters = [sign.lower() for sign in short if sign.isalnum()]
    words = re.split(r"[\s-]+", full.lower())
    heads = {word[0] for word in words if len(word) > _LONG}
    is_short = sum(map(str.isupper, short)) > 1 and len(full) > len(short) + 1
    if not is_short or short in full.split():
        return False
    if len(words) > 1 and not heads.issubset(letters):
        return False
    return re.match(".*?".join(letters), full.lower()) is not None
