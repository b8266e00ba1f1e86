"""Whether a number in a text has a unit: beside it, after other words, or shared with the next
number.
"""

import re
from collections.abc import Collection, Iterable
from functools import lru_cache

from extractor.concepts.limits.rows import find_numbers
from extractor.language.book import find_terms, rule, word_list
from extractor.language.lexer import NUMBER, Range, Tokens, lex
from extractor.language.patterns import Found
from extractor.language.units import UnitPlace, find_unit, read_unit

_BEFORE = 10
_BEHIND = 24
_UNIT_REACH = 7
"""The most words between a number and its unit: "3 x 10^6 CAR-positive viable T cells/kg"."""
_STOPS = frozenset(";:\n")
_LONGEST_LIST = 100
"""The most tokens of a list between a number and the list's unit. A text that is one list would
take the square.
"""
_LONGEST_UNIT = 30
"""The most words of a unit that the rules do not know."""
_COUNTED = re.compile(r"\{(?!ULN|LLN|times)\w+\}")
"""Counted things: cigarettes, servings, bowel movements."""
_COUNTING = frozenset({"{cycle}", "{giving}"})
"""Units that count events: "at least 2 cycles" is a bare count too."""
_RATES = {"daily": "/d", "weekly": "/wk", "monthly": "/mo", "yearly": "/a"}
_TOO_SHORT = frozenset("admcfuADMCFU")
_RATE_REACH = 4


def has_unit(tokens: Tokens, place: Range, unit: str) -> bool:
    """Return whether the number at a place (tokens) has ``unit``: it is the first unit behind it.

    An area under the curve is "AUC" whatever follows. The "+" of a score must be joined to the
    number. The "20/" of a visual acuity stands in front of it.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("5 mg/kg or 10 g daily")
    >>> [has_unit(tokens, (0, 1), unit) for unit in ("mg/kg", "mg", "g")]
    [True, False, False]
    """
    first, end = place
    # "AUC of 5": the number has no unit behind it
    if rule("exposure_before").ends(tokens, first, first - 8):
        return unit == "AUC"
    # as in "proteinuria >= 2+ at entry"; the plus of "18+" is a comparator
    if unit == "+":
        is_joined = tokens.words[end : end + 1] == ["+"] and tokens.joined(end)
        is_sign = rule("limit_plus").starts(tokens, end)
        return is_joined and not (is_sign or rule("number").starts(tokens, end + 1))
    # the "20/" of "20/40"
    if unit.endswith("/"):
        before = tokens.read(max(0, first - 2), first)
        return before.replace(" ", "") == unit
    wanted = _name_unit(unit)
    behind, stop = _find_words_behind(tokens, end)
    if not wanted:
        return _has_words(tokens, (behind, stop), unit)
    for at in range(behind, min(stop, behind + _UNIT_REACH)):
        names = _read_unit(tokens, at, stop, apart=at > behind)
        if names:
            return not wanted.isdisjoint(names)
    return False


def _has_words(tokens: Tokens, place: Range, unit: str) -> bool:
    """Return whether a unit that the rules do not know is among some tokens, and no slash follows
    it.
    """
    words = lex(unit.lower()).words[:_LONGEST_UNIT]
    for at in range(*place):
        end = at + len(words)
        if [word.lower() for word in tokens.words[at:end]] == words:
            return tokens.words[end : end + 1] != ["/"]
    return False


def borrows_unit(
    tokens: Tokens,
    place: Range,
    unit: str,
    subject: Collection[str],
    *,
    fits: bool = False,
) -> bool:
    """Return whether a number without a unit of its own has ``unit``: that of the next number of
    its quantity, as in "BMI below 18 or above 40 kg/m2", or years for an age.

    ``place`` are the tokens of the number, ``subject`` the words of its quantity, in lower case. If
    the unit ``fits`` the quantity, other words may stand between: "fasting glucose under 126 and
    random glucose under 200 mg/dL".

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("BMI below 18 or above 40 kg/m2")
    >>> (
    ...     borrows_unit(tokens, (2, 3), "kg/m2", ["bmi"]),
    ...     borrows_unit(tokens, (2, 3), "kg", ["bmi"]),
    ... )
    (True, False)
    """
    end = place[1]
    is_age = "age" in subject and read_unit(unit) == "a"
    # "the over-60s", "the 50th birthday"
    if is_age and rule("aged_after").starts(tokens, end):
        return True
    if not stands_bare(tokens, place):
        return False
    following = find_numbers(tokens, end, min(len(tokens), end + _BEFORE))
    if not following:
        return is_age
    other = following[0].first, following[0].end
    joint = rule("unit_shared")
    may_share = fits and tokens.words[end] != "+"
    shares = may_share and any(joint.starts(tokens, at) for at in (end, end + 1))
    goes_on = rule("unit_goes_on").starts(tokens, end)
    if shares or (goes_on and not _names_another(tokens, (end, other[0]), subject)):
        return has_unit(tokens, other, unit)
    return is_age


def _names_another(tokens: Tokens, between: Range, subject: Collection[str]) -> bool:
    """Return whether a word between two numbers may name another quantity than ``subject``, the
    words of the first one's: it is of three letters or more, and no part of a comparator.
    """
    compared = set[int]()
    for term in find_terms(tokens, "comparators", *between):
        compared.update(range(term.first, term.end))
    left = (tokens.words[at].lower() for at in range(*between) if at not in compared)
    known = {*subject, *word_list("function_words")}
    return any(word.isalpha() and len(word) > 2 and word not in known for word in left)


def stands_bare(tokens: Tokens, place: Range, subject: Collection[str] = ()) -> bool:
    """Return whether the number at a place (tokens) has no unit of measurement directly behind it,
    so that it is a count or a grade.

    ``subject`` are the words of its quantity, in lower case: with "cigarettes", "10 cigarettes per
    day" is a count of them. So is any number of a class or a grade.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("ECOG 0-2 for 3 weeks")
    >>> stands_bare(tokens, (3, 4)), stands_bare(tokens, (5, 6))
    (True, False)
    """
    first, end = _find_words_behind(tokens, place[1])
    if first < end and tokens.words[first].lower() in subject:
        return True
    # as in "Recovered to <= grade 1"
    if rule("class_before").ends(tokens, place[0], place[0] - 1):
        return True
    return not _read_unit(tokens, first, end, counted=False)


def _find_words_behind(tokens: Tokens, at: int) -> Range:
    """Return the tokens in which the unit of a number that ends at token ``at`` is searched.

    They begin behind the list that the number belongs to ("1, 3 or 10 mg") and behind a factor ("25
    x 40 cm"). They end at a stop, at the end of the sentence, at the next number that is no part of
    a unit, or after 24 tokens.
    """
    reach = at + _LONGEST_LIST
    while at < reach and (item := rule("next_of_list").starts(tokens, at)):
        at = item.end
    factor = rule("factor_after").starts(tokens, at)
    at = factor.end if factor else at
    stop = min(len(tokens), at + _BEHIND)
    for end in range(at, stop):
        is_sentence = tokens.words[end] == "." and not tokens.joined(end + 1)
        is_number = end > at and tokens.codes[end] == NUMBER
        if tokens.codes[end] in _STOPS or is_sentence:
            return at, end
        if is_number and not _is_in_unit(tokens, end):
            return at, end
    return at, max(at, stop)


def _is_in_unit(tokens: Tokens, at: int) -> bool:
    """Return whether the number at a token is part of a unit: "mm3", "per 48 hours", "/ 1.73
    m2".
    """
    before = tokens.words[at - 1]
    if before.lower() in ("per", "every", "/"):
        return True
    return tokens.joined(at) and (before.isalpha() or before == "^")


@lru_cache(maxsize=256)
def _name_unit(unit: str) -> frozenset[str]:
    """Return the names by which a unit is compared with one that is read in a text: its UCUM code
    and its unit of dose; none if the rules do not know it.
    """
    place = find_unit(lex(unit), 0, loose=True)
    dose = place.dose if place and place.is_dose else None
    code = read_unit(unit) or ""
    # "2 x 10^6/kg" are cells
    names = {dose, code, code.removesuffix("{predicted}"), code.removeprefix("{cells}")}
    return frozenset(filter(None, names))


@lru_cache(maxsize=512)
def _read_unit(
    tokens: Tokens, at: int, end: int, *, apart: bool = False, counted: bool = True
) -> frozenset[str]:
    """Return the names of the unit that begins at token ``at``: its UCUM code and its unit of dose;
    none if no unit begins there before token ``end``.

    ``apart``: other words separate it from its number, so a single letter is no unit. ``counted``:
    what is counted ("tablets", "cycles") is a unit too. The substance may stand inside the unit
    ("10 mg prednisone per day") or replace its numerator ("350 CD4/uL").
    """
    if at >= end:
        return frozenset()
    word = tokens.words[at]
    if word.lower() in _RATES:
        return frozenset({_RATES[word.lower()]})
    place, limit = _find_units(tokens, at, end)
    if apart and word in _TOO_SHORT and not _goes_on((place, limit), at + 1):
        return frozenset()
    names = _name_limit(limit, place)
    is_count = place is not None and _is_count(place)
    if is_count and not names and not counted:
        return frozenset()
    if place and not names:
        names = _name_place(tokens, place, end, is_count=is_count)
    names = names or _name_below(limit)
    names |= {_COUNTED.sub("", name, count=1) for name in names if "}/" in name}
    return frozenset({*names, *map(_drop_predicted, names)})


def _find_units(
    tokens: Tokens, at: int, end: int
) -> tuple[UnitPlace | None, Found | None]:
    """Return the unit of the table and that of the rules which begin at a token."""
    # the hyphen of "18 -year-old"
    first = at + 1 if tokens.words[at] == "-" else at
    is_bracketed = first > 0 and tokens.words[first - 1] == "("
    limit = rule("limit_unit").starts(tokens, first, end)
    limit = limit or rule("normal_limit").starts(tokens, first, end)
    return find_unit(tokens, first, end, loose=is_bracketed), limit


def _goes_on(units: Iterable[UnitPlace | Found | None], end: int) -> bool:
    return any(unit is not None and unit.end > end for unit in units)


def _is_count(place: UnitPlace) -> bool:
    return bool(place.parts[0].piece) or place.code in _COUNTING


def _drop_predicted(name: str) -> str:
    return name.removesuffix("{predicted}")


def _name_limit(limit: Found | None, place: UnitPlace | None) -> set[str]:
    """Return the UCUM code of a unit that a rule matched, if the table has none as long."""
    if limit is None or (place and place.end >= limit.end):
        return set()
    return set(filter(None, [read_unit(limit.text)]))


def _name_place(
    tokens: Tokens, place: UnitPlace, end: int, *, is_count: bool
) -> set[str]:
    """Return the names of a unit of the table: its UCUM code, its unit of dose, and its code with
    the rate behind its substance. "{cigarettes}/d" is also the plain rate "/d".
    """
    rate = _find_rate(tokens, place.end, end)
    names = {place.code, place.dose, f"{place.code}{rate}", rate if is_count else ""}
    return {name for name in names if name}


def _name_below(limit: Found | None) -> set[str]:
    """Return the names of what is below the slash of an unknown unit: "/uL" of "350 CD4/uL"."""
    if limit is None or "/" not in limit.text:
        return set()
    below = limit.text.partition("/")[2]
    written = limit.text.replace(" ", "").lower()
    return {written, *filter(None, [read_unit(f"/{below}")])}


def _find_rate(tokens: Tokens, at: int, end: int) -> str:
    """Return the rate behind a unit and its substance: "/d" of "10 mg prednisone per day"."""
    for behind in range(at, min(at + _RATE_REACH, end)):
        word = tokens.words[behind].lower()
        if word in _RATES:
            return _RATES[word]
        if word in ("/", "per"):
            rate = find_unit(tokens, behind + 1, end, loose=True)
            return f"/{rate.code}" if rate else ""
    return ""
