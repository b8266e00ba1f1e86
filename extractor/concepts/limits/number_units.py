"""Check whether a number in a text has a given unit, which may be adjacent, follow other words, or
be shared with the next number.
"""

import re
from collections.abc import Collection
from functools import lru_cache

from extractor.concepts.limits.rows import find_numbers
from extractor.language.book import rule
from extractor.language.lexer import NUMBER, Range, Tokens, keep, lex
from extractor.language.units import find_unit, read_unit

_BEFORE = 10
_BEHIND = 24
_UNIT_REACH = 7
"""Maximum number of words between a number and its unit: "3 x 10^6 CAR-positive viable T
cells/kg".
"""
_STOPS = frozenset(";:\n")
_LONGEST_LIST = 100
"""Maximum number of tokens in a list between a number and the list's unit. Without a maximum, a
text that consists of one long list would take quadratic time to read.
"""
_COUNTED = re.compile(r"\{(?!ULN|LLN|times)\w+\}")
"""Counted nouns, such as "cigarettes" in "10 cigarettes per day"; the unit may also be written as a
plain rate.
"""


def has_unit(tokens: Tokens, place: Range, unit: str) -> bool:
    """Return whether the number at a token range has ``unit``, which must be the first unit after
    it.

    An area under the curve has the unit "AUC" regardless of what follows. The "+" in a score must
    be joined to the number. The "20/" in a visual acuity precedes the number.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("5 mg/kg or 10 g daily")
    >>> [has_unit(tokens, (0, 1), unit) for unit in ("mg/kg", "mg", "g")]
    [True, False, False]
    """
    first, end = place
    # in "AUC of 5", the unit precedes the number
    if rule("exposure_before").ends(tokens, first, first - 8):
        return unit == "AUC"
    # as in "proteinuria >= 2+ at entry"; the plus sign of "18+" is a comparator
    if unit == "+":
        is_joined = tokens.words[end : end + 1] == ["+"] and tokens.joined(end)
        is_sign = rule("limit_plus").starts(tokens, end)
        if not is_joined:
            return False
        return not (is_sign or rule("number").starts(tokens, end + 1))
    # the "20/" in "20/40"
    if unit.endswith("/"):
        return tokens.read(max(0, first - 2), first).replace(" ", "") == unit
    start, stop = _find_words_after(tokens, end)
    wanted = _name_unit(unit)
    if not wanted:
        written = lex(unit).words
        return tokens.words[start : start + len(written)] == written
    for at in range(start, min(stop, start + _UNIT_REACH)):
        names = _read_unit(tokens, at, stop)
        # a single letter that is separate from its number is not a unit
        if names and (at == start or len(tokens.words[at]) > 1):
            return not wanted.isdisjoint(names)
    return False


@lru_cache(maxsize=256)
def _name_unit(unit: str) -> frozenset[str]:
    """Return the names under which a unit is compared with the units in a text: its UCUM code and
    its dose unit. The result is empty if the rules do not know the unit.
    """
    place = find_unit(lex(unit), 0, loose=True)
    dose = None
    if place and place.is_dose:
        dose = place.dose
    code = read_unit(unit) or ""
    # "2 x 10^6/kg" is a number of cells
    names = {dose, code, code.removesuffix("{predicted}"), code.removeprefix("{cells}")}
    return frozenset(filter(None, names))


def shares_unit(tokens: Tokens, place: Range, unit: str) -> bool:
    """Return whether a number without a unit shares ``unit`` with the next number, from which it
    may be separated only by a conjunction or a comma: "BMI below 18 or above 40 kg/m2".

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("BMI below 18 or above 40 kg/m2")
    >>> [shares_unit(tokens, (2, 3), unit) for unit in ("kg/m2", "kg")]
    [True, False]
    """
    end = place[1]
    following = find_numbers(tokens, end, min(len(tokens), end + _BEFORE))
    if not following:
        return False
    if tokens.words[end] == "+":
        return False
    if not stands_bare(tokens, place):
        return False
    # a word may be in between: "above 160 systolic or 100 diastolic"
    if not any(rule("unit_shared").starts(tokens, at) for at in (end, end + 1)):
        return False
    return has_unit(tokens, (following[0].first, following[0].end), unit)


def may_be_years(tokens: Tokens, place: Range) -> bool:
    """Return whether a number that may be an age is in years, that is, whether it has no unit or
    is part of a phrase such as "the over-60s" or "the 50th birthday".
    """
    is_aged = rule("aged_after").starts(tokens, place[1]) is not None
    if is_aged:
        return True
    return stands_bare(tokens, place)


def stands_bare(tokens: Tokens, place: Range, subject: Collection[str] = ()) -> bool:
    """Return True if the number at a token range is not followed by a unit of measurement and is
    therefore a count or a grade. ``subject`` contains the words of the number's quantity in lower
    case: if it is "cigarettes", "10 cigarettes per day" is a count of cigarettes. A number that
    denotes a class or a grade is always treated as a count.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("ECOG 0-2 for 3 weeks")
    >>> stands_bare(tokens, (3, 4)), stands_bare(tokens, (5, 6))
    (True, False)
    """
    first, end = _find_words_after(tokens, place[1])
    if first < end and tokens.words[first].lower() in subject:
        return True
    # as in "Recovered to <= grade 1"
    if rule("class_before").ends(tokens, place[0], place[0] - 1):
        return True
    names = _read_unit(tokens, first, end)
    if not names:
        return True
    return any(map(_COUNTED.fullmatch, names))


def _find_words_after(tokens: Tokens, at: int) -> Range:
    """Return the tokens in which to search for the unit of a number that ends at token ``at``. The
    search begins after the list that the number belongs to ("1, 3 or 10 mg") and after a factor
    ("25 x 40 cm"). It ends at a stop word, at the end of the sentence, at the next number that is
    not part of a unit, or after 24 tokens.
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
        if not is_number:
            continue
        if _is_in_unit(tokens, end):
            continue
        return at, end
    return at, max(at, stop)


def _is_in_unit(tokens: Tokens, at: int) -> bool:
    """Return whether the number at a token is part of a unit: "mm3", "per 48 hours", "/ 1.73
    m2".
    """
    before = tokens.words[at - 1]
    if before.lower() in ("per", "every", "/"):
        return True
    if not tokens.joined(at):
        return False
    if before.isalpha():
        return True
    return before == "^"


@keep
def _read_unit(tokens: Tokens, at: int, end: int) -> frozenset[str]:
    """Return the names of the unit that begins at token ``at``, before token ``end``: its UCUM
    code, its dose unit, and its code including a rate that follows the substance ("10 mg prednisone
    per day"). If the unit is unknown, its denominator is used ("350 CD4/uL"). The result is empty
    if no unit begins there.
    """
    if at >= end:
        return frozenset()
    # the hyphen in "18 -year-old"
    first = at + (tokens.words[at] == "-")
    is_bracketed = tokens.words[first - 1] == "("
    place = find_unit(tokens, first, end, loose=is_bracketed)
    limit = rule("limit_unit").starts(tokens, first, end)
    limit = limit or rule("normal_limit").starts(tokens, first, end)
    names = set[str | None]()
    if place:
        names = {place.code, place.dose}
    if limit and (place is None or place.end < limit.end):
        code = read_unit(limit.text)
        below = limit.text.partition("/")[2]
        names = {code} if code else names
        names = names or {below and read_unit(f"/{below}")}
    read = {name for name in names if name}
    read |= {_COUNTED.sub("", name, count=1) for name in read if "}/" in name}
    return frozenset({*read, *(name.removesuffix("{predicted}") for name in read)})
