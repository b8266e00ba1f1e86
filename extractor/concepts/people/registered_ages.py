"""The registered ages beside those of the text: whether both agree, and whose age a phrase is if
they do not.
"""

import re
from collections.abc import Mapping
from math import inf

from extractor.language.book import read_text, rule
from extractor.language.lexer import Range, Tokens
from extractor.language.numbers import DAYS, find_durations, read_number
from extractor.language.passage import LexedSection
from extractor.schemas import Age, RegistryFields, TimeUnit

AGES = ("minimum_age", "maximum_age")
DESCRIPTIONS = frozenset({"brief_summary", "detailed_description"})
"""Sections that also tell of the illness, of other trials and of people who only compare."""
UNLIKE = "age unlike the registry's"
"""How sure an age is that is not the registered one: a case of ``measured``."""
ROUNDED = 1.02
"""Two limits within this factor are one limit that was rounded; registries turn "under 18" into
17.
"""
_YEAR = DAYS[TimeUnit.YEAR]
OLDEST = 120 * _YEAR
"""The highest age in days."""
_ADULT = 18 * _YEAR
_EVERYBODY = 99 * _YEAR
"""A registered upper limit of at least this many days admits everybody."""
_SHORT_AGE = re.compile(
    r"(?:[<>]=?|[≤≥])?\s?(?P<number>\d{1,3}(?:[.,]\d{1,2})?)\s?(?:(?P<months>m)|age(?:s|d)?(?: "
    r"old)?|yrs?\.?)?",
    re.IGNORECASE,
)
"""An age that only a registry writes so: a number alone, "6M", "20age old"."""
_ITEM_REACH = 18
"""Most tokens between the start of an item and its age."""
_BOUND_REACH = 4
"""Tokens after an age that may name its bound."""


def count_days(age: Age) -> float:
    """Return an age in days.

    >>> count_days(Age(value=2, unit=TimeUnit.WEEK))
    14.0
    """
    return float(age.value * DAYS[age.unit])


def read_registered_age(written: str) -> Age | None:
    """Return an age as a registry writes it, or None if it is none.

    Registers write "18 Years", "15Y", "6M", "20age old" (Japan) or the number of years alone. Here
    "M" stands for months, which in a text it does not.

    >>> [
    ...     str(read_registered_age(text))
    ...     for text in ("18 Years", "15Y", "6M", "20age old", "65")
    ... ]
    ['18 year', '15 year', '6 month', '20 year', '65 year']
    >>> read_registered_age("Adults") is None
    True
    """
    found = next(find_durations(read_text(written)), None)
    if found and found.days is not None:
        return Age(value=found.low, unit=found.unit)
    short = _SHORT_AGE.fullmatch(written.strip())
    if not short:
        return None
    number = read_number(short["number"])
    unit = TimeUnit.MONTH if short["months"] else TimeUnit.YEAR
    return None if number is None else Age(value=number, unit=unit)


def read_registered_ages(registry: RegistryFields) -> Mapping[str, float | None]:
    """Return the registered ages in days by field; None for an age that cannot be read, and for
    both if the record registers none.

    A record that registers one end only has no limit at the other: 0 days, or infinitely many. An
    upper limit of 99 years or more is none either. "N/A" and "-" are read as nothing.

    >>> ages = read_registered_ages(
    ...     RegistryFields(minimum_age="2 Years", maximum_age="N/A")
    ... )
    >>> ages["minimum_age"], ages["maximum_age"]
    (730.5, inf)
    """
    ages: dict[str, float | None] = dict.fromkeys(AGES)
    written = {name: registry.text(name) for name in AGES}
    if all(text is None for text in written.values()):
        return ages
    for name, unlimited in (("minimum_age", 0.0), ("maximum_age", inf)):
        text = written[name]
        if text is None:
            ages[name] = unlimited
            continue
        age = read_registered_age(text)
        ages[name] = count_days(age) if age else None
    highest = ages["maximum_age"]
    if highest is not None and highest >= _EVERYBODY:
        ages["maximum_age"] = inf
    return ages


def agrees(age: Age | None, registered: float | None) -> bool:
    """Return whether an age is the registered one: they differ by at most a year, or, for infants
    up to two years, a month. Without either, it is not.
    """
    if age is None or registered is None:
        return False
    stated = count_days(age)
    if registered == inf:
        return stated >= _EVERYBODY
    free = _YEAR if max(stated, registered) > 2 * _YEAR else DAYS[TimeUnit.MONTH]
    return abs(stated - registered) <= ROUNDED * free


def differs(age: Age | None, registered: float | None) -> bool:
    """Return whether an age of the text is not the registered one. Without a registered one, it is
    not known to differ.
    """
    return age is not None and registered is not None and not agrees(age, registered)


def is_plain(
    section: LexedSection, span: tuple[int, int], age: Age, registered: float | None
) -> bool:
    """Return whether a phrase that states another age than the registered one, or the only one, is
    plainly that of all: it bounds an age near the start of an item, with no other number beside it,
    and nothing limits it to some people, to a list of signs, or to an event.

    ``section`` is that of the criteria, since a summary may speak of some participants only.
    ``span`` are the phrase's raw offsets.
    """
    tokens = section.tokens
    phrase = section.between(*span)
    first = phrase.first
    last = phrase.end
    start = _find_item(tokens, first)
    if start is None or _is_below_signs(section, first):
        return False
    line_end = tokens.codes.find("\n", last)
    if line_end < 0:
        line_end = len(tokens)
    end = min(last + _ITEM_REACH, line_end)
    near = min(end, last + _BOUND_REACH)
    is_young = count_days(age) < _ADULT
    is_registered_young = is_young if registered is None else registered < _ADULT
    if _is_of_families(
        tokens, start, end, is_young=is_young, is_registered_young=is_registered_young
    ):
        return False
    if rule("age_of_some").search(tokens, start, first):
        return False
    if rule("age_of_some").search(tokens, last, end):
        return False
    if _has_numbers_beside(tokens, (start, first), (last, end)):
        return False
    if first > start and tokens.words[first - 1] in ("-", "~"):
        return False
    is_range = rule("age_range").search(tokens, first, last)
    if not is_range and not rule("bounds_an_age").search(tokens, start, near):
        return False
    if rule("age_at_an_event").search(tokens, last, end):
        return False
    return rule("about_age").search(tokens, start, near) is not None


def _is_below_signs(section: LexedSection, first: int) -> bool:
    """Return whether the last introducing line before a token lists signs, such as risk factors."""
    introducing = [
        line
        for line in section.lines()
        if line.end <= first and line.text.endswith(":")
    ]
    if not introducing:
        return False
    line = introducing[-1]
    signs = rule("lists_signs").search(section.tokens, line.first, line.end)
    return signs is not None


def _has_numbers_beside(tokens: Tokens, before: Range, behind: Range) -> bool:
    """Return whether a number stands beside an age in its item and clause.

    The other end of its range does not count, nor does what stands before if that is only the start
    of the range: "Age of at least 18 and". ``before`` and ``behind`` are the tokens of the item on
    both sides of the age.
    """
    first, end = behind
    clause_end = end
    for at in range(first, end):
        if tokens.words[at] in ",.;(":
            clause_end = at
            break
    range_end = rule("other_end").starts(tokens, first, end)
    if range_end:
        first = range_end.end
    words = tokens.words[first:clause_end]
    if not rule("anybody").covers(tokens, *before):
        words = tokens.words[before[0] : before[1]] + words
    return any(word[0].isdigit() for word in words)


def _find_item(tokens: Tokens, at: int) -> int | None:
    """Return the start of the item that holds a token, behind its mark; None if it is too far away.
    An item begins behind a line end, a semicolon or a colon, but not the colon of "Age:".
    """
    low = max(0, at - _ITEM_REACH)
    start = 0 if low == 0 else None
    for before in range(at - 1, low - 1, -1):
        word = tokens.words[before]
        is_colon = word == ":" and not rule("said_age").ends(tokens, before)
        if word in ("\n", ";") or is_colon:
            start = before + 1
            break
    if start is None:
        return None
    marker = rule("item_marker").starts(tokens, start, at)
    return marker.end if marker else start


def _is_of_families(
    tokens: Tokens, first: int, end: int, *, is_young: bool, is_registered_young: bool
) -> bool:
    """Return whether an item is about children where elders take part as well, or the other way
    round, and the ages show it: one of them is below 18 years, and the other is not.

    ``is_young`` and ``is_registered_young`` say so of the age and of the registered one. The item
    is ``tokens.words[first:end]``; the others may stand anywhere in the section.
    """
    if is_young is is_registered_young:
        return False
    children = rule("names_children")
    elders = rule("names_elders")
    if children.search(tokens, first, end) and elders.search(tokens):
        return True
    return bool(elders.search(tokens, first, end) and children.search(tokens))
