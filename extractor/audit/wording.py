"""Where a sentence begins and ends, and when two wordings are the same."""

import re

__all__ = ["count_headings", "fold_wording", "sentence_around"]

_STOP = re.compile(r"[.;!?](?=\s)|\n")
_REACH = 400
"""How far a sentence is followed; what is longer is a list or a damaged text."""
_HEADING = re.compile(r":[ \t]*$|^[^\n.]{0,60}\bcriteria\b[^\n.]{0,40}$", re.IGNORECASE | re.MULTILINE)
_SIGNS = re.compile(r"[^\w<>=≥≤%]+")


def sentence_around(text: str, start: int, end: int) -> tuple[int, int]:
    """The sentence that holds ``text[start:end]``, at most ``_REACH`` characters to either side.

    >>> text = "It is open. We will enroll 12 adults. All are seen twice."
    >>> text[slice(*sentence_around(text, 15, 20))]
    'We will enroll 12 adults.'
    """
    first = max(0, start - _REACH)
    for stop in _STOP.finditer(text, first, start):
        first = stop.end()
    last = _STOP.search(text, end, end + _REACH)
    while first < start and text[first].isspace():
        first += 1
    return first, last.end() if last else min(len(text), end + _REACH)


def count_headings(text: str, start: int, end: int) -> int:
    r"""How many headings stand there. More than one begins a list for other people: "Inclusion Criteria (Child):".

    >>> count_headings("* Adults\n\nExclusion Criteria:\n\n* Smokers", 0, 40)
    1
    """
    return len(_HEADING.findall(text, start, end))


def fold_wording(text: str) -> str:
    """The words of a text without case, white space and punctuation; signs of comparison stay.

    >>> fold_wording("Age >= 18  years."), fold_wording("age >=18 years")
    ('age >= 18 years', 'age >=18 years')
    """
    return _SIGNS.sub(" ", text.casefold()).strip()
