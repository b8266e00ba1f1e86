"""The registered ages beside those of the text: whether both agree, and whose age a phrase is if
they do not.
"""

import re
from collections.abc import Mapping
from math import inf

from extractor.language.book import read_text, rule
from extractor.language.lexer import Tokens
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
    """Return the registered ages in days by field; None where no age is registered, or none that
    can be read.

    A record that registers one end only has no limit at the other: 0 days, or infinitely many.

    >>> ages = read_registered_ages(
    ...     RegistryFields(minimum_age="2 Years", maximum_age="N/A")
    ... )
    >>> ages["minimum_age"], ages["maximum_age"]
    (730.5, inf)
    """
    ages: dict[str, float | None] = dict.fromkeys(AGES)
    written = {name: registry.text(name) for name in AGES}
    if not any(written.values()):
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
    """Return whether an age is the registered one: they differ by at most a year, or a month for
    infants.
    """
    if age is None or registered is None:
        return False
    stated = count_days(age)
    free = _YEAR if max(stated, registered) > 2 * _YEAR else DAYS[TimeUnit.MONTH]
    return (
        stated >= _EVERYBODY
        if registered == inf
        else abs(stated - registered) <= ROUNDED * free
    )


def differs(age: Age | None, registered: float | None) -> bool:
    """Whether an age of the text is not the registered one. Without a registered one, it is not
    known to differ.
    """
    return age is not None and registered is not None and not agrees(age, registered)


def is_plain(
    section: LexedSection, span: tuple[int, int], age: Age, registered: float | None
) -> bool:
    """Return whether a phrase that states another age than the registered one, or the only one, is
    plainly that of all.

    ``section`` is that of the criteria, since a summary may speak of some participants only.
    ``span`` are the phrase's raw offsets.
    """
    tokens = section.tokens
    place = section.between(*span)
    first = place.first
    last = place.end
    start = _find_item(tokens, first)
    opening = [
        line
        for line in section.lines()
        if line.end <= first and line.text.endswith(":")
    ]
    of_signs = opening and rule("lists_signs").search(
        tokens, opening[-1].first, opening[-1].end
    )
    if start is None or of_signs:
        return False
    line_end = tokens.codes.find("\n", last)
    end = min(last + _ITEM_REACH, len(tokens) if line_end < 0 else line_end)
    near = min(end, last + _BOUND_REACH)
    clause = next((at for at in range(last, end) if tokens.words[at] in ",.;("), end)
    young = count_days(age) < _ADULT
    if _is_of_families(
        tokens,
        start,
        end,
        adult=(young, young if registered is None else registered < _ADULT),
    ):
        return False
    if any(
        rule("age_of_some").search(tokens, *part)
        for part in ((start, first), (last, end))
    ):
        return False
    range_end = rule("other_end").starts(tokens, last, end)
    before = tokens.words[start:first]
    behind = tokens.words[range_end.end if range_end else last : clause]
    of_range = rule("anybody").covers(tokens, start, first)  # "Age of at least 18 and"
    if any(word[0].isdigit() for word in (behind if of_range else before + behind)):
        return False
    if first > start and tokens.words[first - 1] in ("-", "~"):
        return False
    ranged = rule("age_range").search(tokens, first, last)
    is_bound = ranged or rule("bounds_an_age").search(tokens, start, near)
    is_event = rule("age_at_an_event").search(tokens, last, end)
    return bool(
        is_bound and not is_event and rule("about_age").search(tokens, start, near)
    )


def _find_item(tokens: Tokens, at: int) -> int | None:
    """The start of the item that holds a token; None if it is too far away. The word for age and
    a colon open none.
    """
    low = max(0, at - _ITEM_REACH)
    for one in range(at - 1, low - 1, -1):
        if tokens.words[one] in ("\n", ";") or (
            tokens.words[one] == ":" and not rule("said_age").ends(tokens, one)
        ):
            start = one + 1
            break
    else:
        if low:
            return None
        start = 0
    marker = rule("item_marker").starts(tokens, start, at)
    return marker.end if marker else start


def _is_of_families(
    tokens: Tokens, first: int, end: int, *, adult: tuple[bool, bool]
) -> bool:
    """Whether an item is about children where elders take part as well, or the other way round, and
    the ages show it.

    ``adult`` says of both ages whether they are below that of adults.
    """
    if adult[0] is adult[1]:
        return False
    pairs = (("names_children", "names_elders"), ("names_elders", "names_children"))
    return any(
        rule(one).search(tokens, first, end) and rule(other).search(tokens)
        for one, other in pairs
    )
