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
_LINE = 300
"""How far from a number its line may name the limit of normal, in tokens."""
_LONGEST_STUB = 2
"""A longer word can name a quantity."""
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
    """Return whether the number at a place (tokens) has ``unit``: it is the first unit after the
    number, or if none follows, one before it.

    An area under the curve is "AUC" whatever follows. The "+" of a score must be joined to the
    number. The "20/" of a visual acuity stands in front of it.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("5 mg/kg or 10 g daily, creatinine (mg/dL): 1.5")
    >>> (
    ...     [has_unit(tokens, (0, 1), u) for u in ("mg/kg", "mg", "g")],
    ...     has_unit(tokens, (14, 15), "mg/dL"),
    ... )
    ([True, False, False], True)
    """
    # "AUC of 5": the number has no unit behind it
    if rule("exposure_before").ends(tokens, place[0], place[0] - 8):
        return unit == "AUC"
    # as in "proteinuria >= 2+ at entry"
    if unit == "+":
        return _has_plus_of_score(tokens, place[1])
    # the "20/" of "20/40"
    if unit.endswith("/"):
        before = tokens.read(max(0, place[0] - 2), place[0])
        return before.replace(" ", "") == unit
    if _begins_with(tokens, place[1], len(tokens), unit):
        return True
    return _has_unit_after(tokens, place, unit)


def _has_plus_of_score(tokens: Tokens, end: int) -> bool:
    """Return whether a plus is joined to the number that ends at token ``end`` and is that of a
    score, as in "IHC 2+/ISH+". The plus of "18+" is a comparator, that of "28+6" adds days.
    """
    if tokens.words[end : end + 1] != ["+"] or not tokens.joined(end):
        return False
    if rule("limit_plus").starts(tokens, end):
        return False
    return not rule("number").starts(tokens, end + 1)


def _has_unit_after(tokens: Tokens, place: Range, unit: str) -> bool:
    """Return whether the first unit behind a number is ``unit``.

    Behind what is counted, a rate is a part of the unit: "3 glasses of wine per day". If no unit
    follows, "{ULN}" is right for a multiple of a limit of normal that the line names elsewhere, and
    another unit if it stands before the number.
    """
    wanted = _name_unit(unit)
    first, end = _find_words_behind(tokens, place[1])
    reach = first + _UNIT_REACH
    for at in range(first, end):
        if _begins_with(tokens, at, end, unit):
            return True
        names = frozenset[str]()
        if at < reach:
            names = _read_unit(tokens, at, end, apart=at > first)
        # "{cigarettes}/d" is also the plain rate "/d"
        names |= {_COUNTED.sub("", name, count=1) for name in names if "}/" in name}
        rates = _name_rates(wanted, names)
        if rates:
            wanted = rates
            reach = end
        elif names:
            return not wanted.isdisjoint(names)
    if "{ULN}" in wanted and _is_multiple(tokens, place[0], first):
        return True
    return _has_unit_before(tokens, place, wanted)


def _has_unit_before(tokens: Tokens, place: Range, wanted: frozenset[str]) -> bool:
    """Return whether a unit with one of the ``wanted`` names stands in the ten tokens before a
    number: "creatinine (mg/dL): 1.5". If another number stands there too, only the words in a
    bracket behind that are searched.
    """
    first = place[0]
    start = max(0, first - _BEFORE)
    last_end = 0
    for number in find_numbers(tokens, start, first):
        if number.end <= first:
            last_end = max(last_end, number.end)
    if last_end:
        words = tokens.words[last_end:first]
        if "(" not in words:
            return False
        start = last_end + words.index("(") + 1
    return any(
        not wanted.isdisjoint(_read_unit(tokens, at, first))
        for at in range(start, first)
    )


def _name_rates(wanted: frozenset[str], names: frozenset[str]) -> frozenset[str]:
    """Return the rates, such as "/d", that must still follow behind counted things so that the unit
    is one of the ``wanted`` names; empty if nothing was counted, or nothing needs to follow.

    ``names`` are the names of the unit so far: for "3 glasses of wine per day", "{glass}" is read
    and "{glass}/d" wanted, so "/d" must follow.
    """
    nouns = [name for name in names if _COUNTED.fullmatch(name)]
    if not nouns or not wanted.isdisjoint(names):
        return frozenset()
    rates = set()
    for name in wanted:
        for noun in ("", *nouns):
            rate = name.removeprefix(noun)
            if rate.startswith("/"):
                rates.add(rate)
    return frozenset(rates)


def _is_multiple(tokens: Tokens, at: int, first: int) -> bool:
    """Return whether the number at token ``at`` multiplies a limit of normal. ``first`` is the
    token behind it.

    It does in "3 N"; with an "x" in front and the limit behind; and with a word such as "times"
    behind, if the line names the limit anywhere.
    """
    has_letter = tokens.words[first : first + 1] == ["N"]
    if has_letter and rule("highest_normal").starts(tokens, first):
        return True
    has_sign_before = at > 0 and tokens.words[at - 1] in "xX×"
    if has_sign_before and rule("upper_normal").starts(tokens, first):
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
    other = _find_next(tokens, end)
    if other is None:
        return is_age
    # "systolic BP > 150 or diastolic BP > 95 mmHg"
    if fits and _is_joined(tokens, end):
        return has_unit(tokens, other, unit)
    goes_on = rule("unit_goes_on").starts(tokens, end)
    if goes_on and not _names_another(tokens, (end, other[0]), subject):
        return has_unit(tokens, other, unit)
    return is_age


def _find_next(tokens: Tokens, end: int) -> Range | None:
    """Return the tokens of the next number behind token ``end``; None if there is none in the ten
    tokens behind it.
    """
    reach = min(len(tokens), end + _BEFORE)
    for number in find_numbers(tokens, end, reach):
        if number.first >= end:
            return number.first, number.end
    return None


def _is_joined(tokens: Tokens, end: int) -> bool:
    """Return whether the words behind a number that ends at token ``end`` join it with the next
    one, so that both may have one unit.
    """
    if tokens.words[end] == "+":
        return False
    shared = rule("unit_shared")
    return bool(shared.starts(tokens, end) or shared.starts(tokens, end + 1))


def _names_another(tokens: Tokens, between: Range, subject: Collection[str]) -> bool:
    """Return whether the tokens between two numbers, without comparators, hold a word that may name
    another quantity than ``subject``, the words of the first one's.
    """
    compared = set[int]()
    for term in find_terms(tokens, "comparators", *between):
        compared.update(range(term.first, term.end))
    for at in range(*between):
        if at in compared or tokens.words[at].lower() in subject:
            continue
        if _is_subject(tokens, at):
            return True
    return False


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


def leaves_units_out(tokens: Tokens) -> bool:
    """Return whether a statement names no unit of measurement anywhere, neither behind its number
    nor in front of it as in "creatinine (mg/dL): 1.5".

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


def _find_words_behind(tokens: Tokens, at: int) -> Range:
    """Return the tokens in which the unit of a number that ends at token ``at`` is searched.

    They begin behind the list that the number belongs to ("1, 3 or 10 mg") and behind a factor ("25
    x 40 cm"). They end at a stop, at the end of the sentence, at the next number that is no part of
    a unit, or after 24 tokens. They are empty before a power of ten, which is part of the number.
    """
    reach = at + _LONGEST_LIST
    while at < reach and (item := rule("next_of_list").starts(tokens, at)):
        at = item.end
    factor = rule("factor_after").starts(tokens, at)
    if factor:
        if tokens.words[factor.end - 1].startswith("10"):
            return at, at
        at = factor.end
    stop = min(len(tokens), at + _BEHIND)
    for end in range(at, stop):
        if tokens.codes[end] in _STOPS or _ends_sentence(tokens, end):
            return at, end
        is_number = end > at and tokens.codes[end] == NUMBER
        if is_number and not _is_in_unit(tokens, end):
            return at, end
    return at, max(at, stop)


def _ends_sentence(tokens: Tokens, at: int) -> bool:
    """Return whether a token is a full stop with white space and further words behind it."""
    has_more = at + 1 < len(tokens) and not tokens.joined(at + 1)
    return has_more and tokens.words[at] == "."


def _is_in_unit(tokens: Tokens, at: int) -> bool:
    """Return whether the number at a token is part of a unit: "mm3", "per 48 hours", "/ 1.73
    m2".
    """
    before = tokens.words[at - 1]
    # "eGFR < 60 mL per minute/1.73 m2"
    if before.lower() in ("per", "every", "/"):
        return True
    return tokens.joined(at) and (before.isalpha() or before in "/^")


@lru_cache(maxsize=256)
def _name_unit(unit: str) -> frozenset[str]:
    """Return the names by which a unit is compared with one that is read in a text: its UCUM code
    and its unit of dose; none if the rules do not know it.
    """
    names = set[str | None]()
    place = find_unit(lex(unit), 0, loose=True)
    if place and place.is_dose:
        names.add(place.dose)
    code = read_unit(unit)
    if code:
        names |= {code, code.removesuffix("{predicted}")}
        # "2 x 10^6/kg" are cells
        if code.startswith("{cells}/"):
            names.add(code.removeprefix("{cells}"))
    return frozenset(filter(None, names))


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
    # the hyphen of "18 -year-old"
    first = at + 1 if word == "-" else at
    is_bracketed = first > 0 and tokens.words[first - 1] == "("
    place = find_unit(tokens, first, end, loose=is_bracketed)
    limit = _find_limit_unit(tokens, first, end)
    if apart and word in _TOO_SHORT:
        goes_on = any(unit.end > at + 1 for unit in (place, limit) if unit)
        if not goes_on:
            return frozenset()
    names = _name_longer(limit, place)
    if place and not names:
        is_counted = place.parts[0].piece or place.code in _COUNTING
        if is_counted and not counted:
            return frozenset()
        names = _name_place(tokens, place, end)
    if limit:
        names |= _name_below(limit.text, names, has_place=place is not None)
    names |= set(map(_drop_predicted, names))
    return frozenset(names - {""})


def _drop_predicted(name: str) -> str:
    return name.removesuffix("{predicted}")


def _name_longer(limit: Found | None, place: UnitPlace | None) -> set[str]:
    """Return the UCUM code of ``limit``, a unit that a rule matched, if it has more tokens than
    ``place``, the unit of the table of units; else nothing.
    """
    if limit is None:
        return set()
    if place and place.end >= limit.end:
        return set()
    return set(filter(None, [read_unit(limit.text)]))


def _name_place(tokens: Tokens, place: UnitPlace, end: int) -> set[str]:
    """Return the names of a unit of the table: its UCUM code, its unit of dose, and its code with
    the rate behind its substance, as far as it has them.
    """
    names = (place.code, place.dose, _add_rate(tokens, place, end))
    return {name for name in names if name}


def _add_rate(tokens: Tokens, place: UnitPlace, end: int) -> str | None:
    """Return the UCUM code of a unit with the rate behind its substance, "mg/d" of "10 mg
    prednisone per day"; None if no rate follows one to three words behind the unit.
    """
    for at in range(place.end + 1, min(place.end + 4, end - 1)):
        # "more than 15 units of alcohol per week"
        if tokens.words[at].lower() in ("/", "per"):
            rate = find_unit(tokens, at + 1, end, loose=True)
            return f"{place.code}/{rate.code}" if rate else None
    return None


def _name_below(text: str, names: Collection[str], *, has_place: bool) -> set[str]:
    """Return the names of what is below the slash of a unit, such as "/uL" of "350 CD4/uL".

    ``names`` are those that the unit has already: it has a numerator then, and nothing is returned,
    unless that only counts things. ``has_place``: the table of units has it; if not, the text
    itself is one of the names.
    """
    if "/" not in text:
        return set()
    is_counted = any(name.startswith("{") for name in names)
    if names and not is_counted:
        return set()
    front, _, below = text.partition("/")
    code = read_unit(f"/{below}")
    below_names = {code} if code else set()
    if not has_place:
        below_names.add(f"{front}/{below}".lower())
    return below_names


def _find_limit_unit(tokens: Tokens, first: int, end: int) -> Found | None:
    """Return the unit of limits that begins at token ``first``, "mmHg" or "times the upper limit of
    normal", as the first of some rules matches it; None if none does.
    """
    for name in ("limit_unit", "normal_limit", "doubled_normal"):
        found = rule(name).starts(tokens, first, end)
        if found:
            return found
    return None


def _begins_with(tokens: Tokens, at: int, end: int, unit: str) -> bool:
    """Return whether the words of ``unit`` stand at token ``at``, for a unit that the rules do not
    know, and no slash follows them. For a known unit the answer is no: ``_read_unit`` reads it.
    """
    words = _list_unknown(unit)
    if not words:
        return False
    words_end = at + len(words)
    stated = tokens.words[at : min(end, words_end)]
    if [word.lower() for word in stated] != words:
        return False
    return tokens.words[words_end : words_end + 1] != ["/"]


@lru_cache(maxsize=256)
def _list_unknown(unit: str) -> list[str]:
    """Return the words of a unit, in lower case, if the rules do not know it; none if they do, or
    if it has more than 30 words.
    """
    alone = lex(unit.lower())
    if len(alone) > _LONGEST_UNIT:
        return []
    place = find_unit(alone, 0)
    if place and place.end == len(alone):
        return []
    is_known = unit[:1] == "/" or rule("limit_unit").covers(alone, 0, len(alone))
    if is_known and read_unit(unit):
        return []
    return alone.words


def _is_subject(tokens: Tokens, at: int) -> bool:
    """Return whether the word at a token can name a quantity: it has three letters or more, is no
    usual word between two limits ("greater"), and begins no unit.
    """
    word = tokens.words[at]
    if len(word) <= _LONGEST_STUB:
        return False
    if not word.isalpha():
        return False
    if word.lower() in _FILLERS:
        return False
    return not find_unit(tokens, at)
