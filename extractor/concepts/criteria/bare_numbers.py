"""Numbers within an item that begin the next items, as where line breaks got lost: "Diabetes
6 Adequate liver function 7 Pregnancy", "Surgery within 4 weeks 2. Infection 3. HIV", "1 - Adult 2 -
Signed consent".
"""

import re

from extractor.concepts.criteria.layout import Bullet, Marker

_NUMBER = re.compile(
    r"(?<=\s)(?P<ordinal>\d{1,2})(?P<mark>\\?[.)])?[ \t]{1,4}(?=[A-Z][A-Za-z0-9-]{2,30}\b)"
)
"""A number before a word with a capital: "6 Adequate". Lists of values have none."""
_OWN_DASH = re.compile(r"(?<!\S)\d{1,2}[ \t]?[-–—][ \t]{1,4}\Z")
"""The number of the item itself, right before its words, if a dash stands behind it."""
_NUMBER_AND_DASH = re.compile(
    r"(?<=\s)(?P<ordinal>\d{1,2})[ \t]?[-–—][ \t]{1,4}"
    r"(?=[A-Z][A-Za-z0-9-]{1,30}\b|[<>≤≥]|\d{1,3}[ \t]{0,2}(?:-|–|to|and)[ \t]{0,2}\d)"
)
"""A number with a dash that is no lower end of a range: "2 - Asthma", "2 - 18 to 80 years"."""
_OWN_REACH = 10
"""How many characters before an item may hold its number."""
_NAMED = re.compile(
    r"\b(?:grade|type|stage|class|phase|part|group|arm|cohort|day|week|month|visit|cycle|level|"
    r"category|version|score|number|no|ecog|nyha|asa|of|to|and|or|than|least|most|every|is|are)"
    r"\W{0,3}$",
    re.IGNORECASE,
)
"""What a number belongs to, so that it begins nothing: "type 2 Diabetes"."""
_MARKS = (".", ")")
_NAME_REACH = 14
"""How many characters before a number may hold what it belongs to."""
_FEWEST = 2
"""The fewest numbers of a list whose own item is numbered, or has marks behind its numbers."""
_FEWEST_BARE = 3
"""The fewest numbers without marks below a bullet, which has no number from which they count."""


def find_bare_numbers(
    text: str,
    span: tuple[int, int],
    ordinal: int | None = None,
    follows: int | None = None,
) -> list[Marker]:
    """Return the numbers within an item that count up and begin further items; an empty list if
    they are too few, or if one of them is the number of the next item.

    ``span`` holds the characters of the item. ``ordinal`` is its number, None behind a bullet;
    ``follows`` is the number of the next item, None if there is none.

    >>> text = "Diabetes mellitus type 2 6 Adequate liver function 7 Pregnancy"
    >>> [mark.ordinal for mark in find_bare_numbers(text, (0, len(text)), 5)]
    [6, 7]
    >>> find_bare_numbers(text, (0, len(text)))
    []
    """
    has_dash = _has_dash(text, span[0])
    matches = _list_numbers(text, span, with_dash=has_dash)
    numbers = [int(match["ordinal"]) for match in matches]
    if ordinal is None and 1 in numbers:
        return []  # a list within the item: "in one of two ways: 1. By test 2. By biopsy"
    marks: list[Marker] = []
    wanted = ordinal + 1 if ordinal else None
    for number, match in zip(numbers, matches, strict=True):
        # Behind a bullet, any number may begin the count.
        if wanted is not None and number != wanted:
            continue
        mark = Marker(Bullet.NUMBER, number, match.end(), match.start(), sure=False)
        marks.append(mark)
        wanted = number + 1
    if follows in [mark.ordinal for mark in marks]:
        return []
    # "1 - Adult 2 - Signed consent": the first number has the same dash
    if has_dash and ordinal:
        return marks
    has_marks = all(
        text[mark.before : mark.end].rstrip()[-1:] in _MARKS for mark in marks
    )
    fewest = _FEWEST if ordinal or has_marks else _FEWEST_BARE
    return marks if len(marks) >= fewest else []


def _has_dash(text: str, start: int) -> bool:
    """Return whether a number with a dash stands right before an item: "1 - Adult"."""
    return _OWN_DASH.search(text, max(0, start - _OWN_REACH), start) is not None


def _list_numbers(
    text: str, span: tuple[int, int], *, with_dash: bool
) -> list[re.Match[str]]:
    """Return the numbers before items that belong to no word before them: with a dash ("2 - HIV"),
    or else before a word with a capital.
    """
    number = _NUMBER_AND_DASH if with_dash else _NUMBER
    start, end = span
    matches: list[re.Match[str]] = []
    for match in number.finditer(text, start, end):
        reach = max(start, match.start() - _NAME_REACH)
        if not _NAMED.search(text, reach, match.start()):
            matches.append(match)
    return matches
