"""Whether a number in a text has a unit: beside it, after other words, or shared with the next
number.
"""

import re
from collections.abc import Collection
from functools import lru_cache

from extractor.concepts.limits.rows import find_numbers
from extractor.language.book import find_terms, rule, word_set
from extractor.language.lexer import NUMBER, Range, Tokens, lex
from extractor.language.patterns import Found
from extractor.language.units import find_unit, read_unit

_BEFORE = 10
_BEHIND = 24
_UNIT_REACH = 7
"""The most words between a number and its unit: "3 x 10^6 CAR-positive viable T cells/kg"."""
_STOPS = frozenset(";:\n")
_LONGEST_LIST = 100
"""The most tokens of a list between a number and the list's unit. A text that is one list would
take the square.
"""
_LINE = 300
"""How far from a number its line may name the limit of normal, in tokens."""
_LONGEST_UNIT = 30
"""The most words of a unit that the rules do not know."""
_COUNTED = re.compile(r"\{(?!ULN|LLN|times)\w+\}")
"""Counted things: cigarettes, servings, bowel movements."""
_COUNTING = frozenset({"{cycle}", "{giving}"})
"""Units that count events: "at least 2 cycles" is a bare count too."""
_RATES = {"daily": "/d", "weekly": "/wk", "monthly": "/mo", "yearly": "/a"}
_TOO_SHORT = frozenset("admcfuADMCFU")
_FILLERS = word_set(
    """
    and but also the than equal with for not nor more less least most greater higher lower above
    below over under within
    between minimum maximum inclusive old age aged either both normal predicted upper limit baseline
    """
)


def has_unit(tokens: Tokens, place: Range, unit: str) -> bool:
    """Return whether the number at a place has ``unit``: the first unit after it, or if none
    follows, one before it.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("5 mg/kg or 10 g daily, creatinine (mg/dL): 1.5")
    >>> (
    ...     [has_unit(tokens, (0, 1), u) for u in ("mg/kg", "mg", "g")],
    ...     has_unit(tokens, (14, 15), "mg/dL"),
    ... )
    ([True, False, False], True)
    """
    if rule("exposure_before").ends(tokens, place[0], place[0] - 8):
        return unit == "AUC"
    if unit == "+":  # of a score, as in "IHC 2+/ISH+"
        plain = tokens.words[place[1] : place[1] + 1] == [unit] and tokens.joined(
            place[1]
        )
        if not plain:
            return False
        if rule("limit_plus").starts(tokens, place[1]):
            return False
        return not rule("number").starts(tokens, place[1] + 1)
    if unit.endswith("/"):  # "20/" of a visual acuity of 20/40
        return tokens.read(max(0, place[0] - 2), place[0]).replace(" ", "") == unit
    return _begins_with(tokens, place[1], len(tokens), unit) or _has_unit_after(
        tokens, place, unit
    )


def _has_unit_after(tokens: Tokens, place: Range, unit: str) -> bool:
    wanted = _name_unit(unit)
    first, end = _words_after(tokens, place[1])
    reach = first + _UNIT_REACH
    for at in range(first, end):
        if _begins_with(tokens, at, end, unit):
            return True
        found = (
            _read_unit(tokens, at, end, apart=at > first) if at < reach else frozenset()
        )
        found |= {_COUNTED.sub("", name, count=1) for name in found if "}/" in name}
        rates = _name_rates(wanted, found)
        if rates:  # "3 glasses of wine per day"
            wanted = rates
            reach = end
        elif found:
            return not wanted.isdisjoint(found)
    if "{ULN}" in wanted and _is_multiple(tokens, place[0], first):
        return True
    return _has_unit_before(tokens, place, wanted)


def _has_unit_before(tokens: Tokens, place: Range, wanted: frozenset[str]) -> bool:
    """Return whether a unit stands before a number, in the words of its quantity: "creatinine
    (mg/dL): 1.5".
    """
    low = max(0, place[0] - _BEFORE)
    numbers = [
        number.end
        for number in find_numbers(tokens, low, place[0])
        if number.end <= place[0]
    ]
    brackets = [
        at
        for at in range(max(numbers, default=low), place[0])
        if tokens.words[at] == "("
    ]
    if numbers and brackets:
        start = brackets[0] + 1
    elif numbers:
        start = place[0]
    else:
        start = low
    return any(
        not wanted.isdisjoint(_read_unit(tokens, at, place[0]))
        for at in range(start, place[0])
    )


def _name_rates(wanted: frozenset[str], found: frozenset[str]) -> frozenset[str]:
    """Return the rates that must follow the counted things that were found; empty if nothing
    else needs to follow.
    """
    nouns = [name for name in found if _COUNTED.fullmatch(name)]
    if not nouns or not wanted.isdisjoint(found):
        return frozenset()
    return frozenset(
        rate
        for name in wanted
        for noun in ("", *nouns)
        if (rate := name.removeprefix(noun))[:1] == "/"
    )


def _is_multiple(tokens: Tokens, at: int, first: int) -> bool:
    """Whether a number multiplies a limit of normal that its line names elsewhere, or that
    follows an "x" before it; "3 N" is short for that.
    """
    if tokens.words[first : first + 1] == ["N"] and rule("highest_normal").starts(
        tokens, first
    ):
        return True
    if (
        at > 0
        and tokens.words[at - 1] in "xX×"
        and rule("upper_normal").starts(tokens, first)
    ):
        return True
    if not rule("fold_word").starts(tokens, first):
        return False
    return bool(rule("times_normal").search(tokens, max(0, at - _LINE), at + _LINE))


def borrows_unit(
    tokens: Tokens,
    place: Range,
    unit: str,
    subject: Collection[str],
    *,
    fits: bool = False,
) -> bool:
    """Whether a number without a unit has that of the next number of its quantity: "BMI below 18 or
    above 40 kg/m2".

    ``subject`` holds the words of the quantity, in lower case. If the unit ``fits`` it, any words
    may stand between: "fasting glucose under 126 and random glucose under 200 mg/dL". An age
    without a unit is in years.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("BMI below 18 or above 40 kg/m2")
    >>> (
    ...     borrows_unit(tokens, (2, 3), "kg/m2", ["bmi"]),
    ...     borrows_unit(tokens, (2, 3), "kg", ["bmi"]),
    ... )
    (True, False)
    """
    is_age = "age" in subject and read_unit(unit) == "a"
    # "the over-60s", "the 50th birthday"
    if is_age and rule("aged_after").starts(tokens, place[1]):
        return True
    if not stands_bare(tokens, place):
        return False
    reach = min(len(tokens), place[1] + _BEFORE)
    other = next(
        (
            number
            for number in find_numbers(tokens, place[1], reach)
            if number.first >= place[1]
        ),
        None,
    )
    is_joined = any(
        rule("unit_shared").starts(tokens, at) for at in (place[1], place[1] + 1)
    )
    if other and fits and is_joined and tokens.words[place[1]] != "+":
        return has_unit(tokens, (other.first, other.end), unit)
    if other and rule("unit_goes_on").starts(tokens, place[1]):
        compared = [
            range(term.first, term.end)
            for term in find_terms(tokens, "comparators", place[1], other.first)
        ]
        between = [
            at
            for at in range(place[1], other.first)
            if not any(at in each for each in compared)
        ]
        if not any(
            _is_subject(tokens, at) and tokens.words[at].lower() not in subject
            for at in between
        ):
            return has_unit(tokens, (other.first, other.end), unit)
    return is_age


def stands_bare(tokens: Tokens, place: Range, subject: Collection[str] = ()) -> bool:
    """Return whether the number at a place has no unit directly after it, so that it is a count or
    a grade.

    ``subject`` holds the words of its quantity, in lower case: "10 cigarettes per day" is a count
    of them.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("ECOG 0-2 for 3 weeks")
    >>> stands_bare(tokens, (3, 4)), stands_bare(tokens, (5, 6))
    (True, False)
    """
    first, end = _words_after(tokens, place[1])
    named = first < end and tokens.words[first].lower() in subject
    graded = rule("class_before").ends(tokens, place[0], place[0] - 1)
    return bool(named or graded or not _read_unit(tokens, first, end, counted=False))


def leaves_units_out(tokens: Tokens) -> bool:
    """Return whether a statement names no unit at all, also none in front of its number:
    "creatinine (mg/dL): 1.5" names one.

    >>> from extractor.language.book import read_text
    >>> [
    ...     leaves_units_out(read_text(text))
    ...     for text in ("BP > 150/90", "creatinine (mg/dL): 1.5")
    ... ]
    [True, False]
    """
    end = len(tokens)
    return not any(
        _read_unit(tokens, at, end, counted=False, apart=True) for at in range(end)
    )


def _words_after(tokens: Tokens, at: int) -> Range:
    """Return the range of words after a number, or after the list that contains it."""
    reach = at + _LONGEST_LIST
    while at < reach and (found := rule("next_of_list").starts(tokens, at)):
        at = found.end
    factor = rule("factor_after").starts(tokens, at)
    if factor and tokens.words[factor.end - 1].startswith("10"):
        return at, at
    at = factor.end if factor else at  # "25 x 40 cm"
    end = at
    while end < len(tokens) and end < at + _BEHIND and tokens.codes[end] not in _STOPS:
        # "mm3"
        part = tokens.joined(end) and (
            tokens.words[end - 1].isalpha() or tokens.words[end - 1] in "/^"
        )
        # "per 48 hours", "/ 1.73 m2"
        part |= end > at and tokens.words[end - 1].lower() in (
            "per",
            "every",
            "/",
        )
        number = tokens.codes[end] == NUMBER and not part
        stop = (
            tokens.words[end] == "."
            and end + 1 < len(tokens)
            and not tokens.joined(end + 1)
        )
        if (number and end > at) or stop:
            break
        end += 1
    return at, end


@lru_cache(maxsize=256)
def _name_unit(unit: str) -> frozenset[str]:
    place = find_unit(lex(unit), 0, loose=True)
    code = read_unit(unit)
    # "2 x 10^6/kg" are cells
    bare = (
        code.removeprefix("{cells}") if code and code.startswith("{cells}/") else None
    )
    of_predicted = code.removesuffix("{predicted}") if code else None
    return frozenset(
        filter(
            None,
            (code, bare, of_predicted, place.dose if place and place.is_dose else None),
        )
    )


def _read_unit(
    tokens: Tokens, at: int, end: int, *, apart: bool = False, counted: bool = True
) -> frozenset[str]:
    """List the names of the unit that begins at a token, if any: its UCUM code and its plain dose
    unit.

    ``apart``: other words separate it from its number, so a single letter is no unit. The substance
    may stand inside the unit ("10 mg prednisone per day") or replace its numerator ("350 CD4/uL").
    """
    if at >= end:
        return frozenset()
    word = tokens.words[at].lower()
    if word in _RATES:
        return frozenset({_RATES[word]})
    first = at + (tokens.words[at] == "-")
    place = find_unit(
        tokens, first, end, loose=first > 0 and tokens.words[first - 1] == "("
    )
    limit = _find_limit_unit(tokens, first, end)
    if (
        apart
        and tokens.words[at] in _TOO_SHORT
        and not any(each.end > at + 1 for each in (place, limit) if each)
    ):
        return frozenset()
    names: set[str | None] = set()
    if limit and (not place or limit.end > place.end):
        names.add(read_unit(limit.text))
    if place and names <= {None}:
        if not counted and (place.parts[0].piece or place.code in _COUNTING):
            return frozenset()
        # the rate after the substance
        behind = range(place.end + 1, min(place.end + 4, end - 1))
        sign = next(
            (at for at in behind if tokens.words[at].lower() in ("/", "per")), None
        )
        rate = find_unit(tokens, sign + 1, end, loose=True) if sign else None
        names |= {place.code, place.dose, f"{place.code}/{rate.code}" if rate else None}
    front, slash, below = limit.text.partition("/") if limit else ("", "", "")
    if slash and (
        names <= {None} or any(name and name.startswith("{") for name in names)
    ):
        names |= {
            read_unit(slash + below),
            f"{front}/{below}".lower() if not place else None,
        }
    return frozenset(
        filter(
            None,
            (*names, *(name.removesuffix("{predicted}") for name in names if name)),
        )
    )


def _find_limit_unit(tokens: Tokens, first: int, end: int) -> Found | None:
    for name in ("limit_unit", "normal_limit", "doubled_normal"):
        found = rule(name).starts(tokens, first, end)
        if found:
            return found
    return None


def _begins_with(tokens: Tokens, at: int, end: int, unit: str) -> bool:
    """Whether the words of a unit that the rules do not read in a text begin at a token, and no
    rate follows them.
    """
    words = _list_unknown(unit)
    stated = [word.lower() for word in tokens.words[at : min(end, at + len(words))]]
    if not words:
        return False
    if stated != words:
        return False
    return tokens.words[at + len(words) : at + len(words) + 1] != ["/"]


@lru_cache(maxsize=256)
def _list_unknown(unit: str) -> list[str]:
    """Return the words of a unit that the rules do not read in a text; none if they read it."""
    alone = lex(unit.lower())
    place = find_unit(alone, 0)
    known = unit[:1] == "/" or rule("limit_unit").covers(alone, 0, len(alone))
    is_read = (place and place.end == len(alone)) or (known and read_unit(unit))
    return [] if is_read or len(alone) > _LONGEST_UNIT else alone.words


def _is_subject(tokens: Tokens, at: int) -> bool:
    """Return whether a word can name a quantity."""
    word = tokens.words[at]
    if not (len(word) > 2):
        return False
    if not word.isalpha():
        return False
    if word.lower() in _FILLERS:
        return False
    return not find_unit(tokens, at)
