"""A number or a range of a criterion, with the comparator in front of it and the unit behind it."""

import re
from typing import NamedTuple

from extractor.concepts.limits.bounds import (
    COUNTS,
    LOWER,
    UPPER,
    read_comparator,
    read_pair,
)
from extractor.concepts.limits.quantity_names import names_quantity
from extractor.language.book import rule
from extractor.language.lexer import NUMBER, Range, Tokens
from extractor.language.numbers import is_in_watts, read_time_unit
from extractor.language.patterns import Found
from extractor.language.units import find_unit, read_unit
from extractor.schemas import Comparator, TimeUnit

SIGN_REACH = 12
"""The most tokens of a comparator and its words before a number."""
FEW = 20
"""Counts of things are smaller: "at least two lesions"."""
_BIRTHDAY = "birthday"
"""Stands in the place of the unit of an age: "the 6th birthday" is 6 years."""
_ORDINAL_ENDINGS = ("th", "st", "nd", "rd")
_YEAR = re.compile("(19|20)[0-9]{2}")
_LIKE_A_YEAR = re.compile("(19|20)..")
_WEAK = (None, Comparator.EQUAL, Comparator.BETWEEN)
"""What gives way to a comparator behind the number: "score of 3 or more"."""


class Measure(NamedTuple):
    """A number or a range, ``low`` to ``high``, as the rule ``measure`` matched it.

    ``compared`` are the words of the comparator in front of it, None if there are none. ``first``
    is the token at which they begin, or else the number. ``unit`` are the tokens of the unit.
    """

    match: Found
    compared: Found | None
    first: int
    low: int | float
    high: int | float | None
    comparator: Comparator | None
    unit: Range | None
    time_unit: str | None

    @property
    def ends(self) -> tuple[Comparator, Comparator]:
        """Return the comparators of both ends of a range: ">" and "<" for an end that the text
        leaves out ("> 18 and < 65"), else "≥" and "≤".
        """
        low = Comparator.AT_LEAST
        if self.comparator is Comparator.MORE:
            low = Comparator.MORE
        high = Comparator.AT_MOST
        second = read_comparator("comparators", self.match, "second")
        if second is Comparator.LESS:
            high = Comparator.LESS
        return low, high


def read_measure(match: Found, floor: int) -> Measure | None:
    """Return the measure of a match of the rule ``measure``: its numbers with their comparator and
    their unit. None if it holds no number, or measures nothing: it is part of a name, a year or a
    sample size.

    A comparator behind the number ("or more") counts if none stands in front, or only "=" or
    "between". ``floor`` is the token at which the limit before it ends.
    """
    low, high = read_pair(match)
    if low is None:
        return None
    compared = _find_compared(match, floor)
    within = None
    if compared is None:
        within = _find_within(match, floor)
        compared = within
    if _measures_nothing(match, compared, floor):
        return None
    comparator = _read_front(compared) if compared else None
    # "ALT within 3 x ULN"
    if within:
        comparator = Comparator.AT_MOST
    suffix = _read_suffix(match)
    if suffix and comparator in _WEAK:
        comparator = suffix
    unit, time_unit = find_unit_of(match, "unit", "low_unit")
    # "proteinuria >= 2+": the plus is the unit
    if compared and not unit and high is None:
        unit = _find_plus(match, low)
    if compared:
        first = compared.first
    # the minus is a token before the match
    elif low < 0:
        first = match.first - 1
    else:
        first = match.first
    return Measure(match, compared, first, low, high, comparator, unit, time_unit)


def _find_compared(match: Found, floor: int) -> Found | None:
    """Return the comparator in front of a number, with the words between the two; None if there is
    none behind token ``floor``. A bare comparative counts only before a number with a unit.
    """
    tokens = match.tokens
    first = max(floor, match.first - SIGN_REACH)
    for name in ("comparison", "distant_comparison"):
        compared = rule(name).ends(tokens, match.first, first)
        if compared:
            return compared
    if not match.has("unit") and not match.has("low_unit"):
        return None
    return rule("bare_comparative").ends(
        tokens, match.first, max(floor, match.first - 1)
    )


def _find_within(match: Found, floor: int) -> Found | None:
    """Return the "within" before a multiple of the upper limit of normal ("within 2.5 x ULN"),
    which means at most; None for another number: "within 28 days" is a window.
    """
    first = max(floor, match.first - 2)
    within = rule("within_before").ends(match.tokens, match.first, first)
    if within and read_unit(match.read("unit") or "") == "{ULN}":
        return within
    return None


def _read_front(compared: Found) -> Comparator | None:
    """Return the comparator that the words in front of a number say; None if their sense depends on
    a scale ("no worse than").
    """
    # "Triglycerides greater 150 mg/dL"
    if compared.has("more"):
        return Comparator.MORE
    # "Haemoglobin lower 8 g/dL"
    if compared.has("less"):
        return Comparator.LESS
    return read_comparator("comparators", compared, "comparator")


def _read_suffix(match: Found) -> Comparator | None:
    """Return the comparator behind a number: "or more", the plus of "18+"; None if there is
    none.
    """
    # "2+ prior lines", "aged 70+ years"
    if match.has("plus"):
        return Comparator.AT_LEAST
    return read_comparator("comparator_suffixes", match, "suffix")


def _find_plus(match: Found, low: float) -> Range | None:
    """Return the token of the plus that is the unit of a score: "proteinuria >= 2+". None if no
    plus is joined to the number, or if it is 20 or greater.
    """
    tokens = match.tokens
    end = match.place("low")[1]
    # "proteinuria >= 2+": the plus is a step of the dipstick, and no "or more"
    if low < FEW and tokens.joined(end) and tokens.words[end] == "+":
        return end, end + 1
    return None


def _measures_nothing(match: Found, compared: Found | None, floor: int) -> bool:
    """Return whether a number measures nothing. That is a year; behind a comparator, a sample size;
    without a comparator, a part of a name, or a word such as "twice".
    """
    tokens = match.tokens
    if compared is None:
        word = (match.read("low") or "").lower()
        if word in COUNTS:
            return True
        if _is_name(tokens, match, floor):
            return True
    # as in "Asthma (control group, n = 50)"
    elif rule("sample_size").ends(tokens, compared.first, compared.first - 1):
        return True
    return _is_year(match, compared)


def _is_year(match: Found, compared: Found | None) -> bool:
    """Return whether a number is a year: "diagnosed between 2010 and 2015", "before 2019". A number
    with a unit, or behind a sign ("> 2000"), is none.
    """
    tokens = match.tokens
    if match.has("unit") or match.has("low_unit"):
        return False
    if compared and tokens.codes[compared.end - 1] in "<>≤≥=":
        return False
    return _YEAR.fullmatch(tokens.words[match.place("low")[0]]) is not None


def _is_name(tokens: Tokens, match: Found, floor: int) -> bool:
    """Return whether a number without a comparator measures nothing: it is part of a name ("type
    2", "Day 1"), like a year ("2017"), or a number word alone. A word that opens a criterion and
    counts something does measure: "Two prior lines of therapy".
    """
    first, end = match.place("low")
    word = tokens.words[first]
    has_more = any(match.has(part) for part in ("high", "unit", "suffix", "plus"))
    is_alone = not has_more and end == first + 1
    if is_alone and word.isalpha():
        opens_criterion = first == floor == 0
        if not opens_criterion or not rule("counted_noun").starts(tokens, end):
            return True
    if word.isdecimal():
        # "study 007"
        if len(word) > 1 and word[0] == "0":
            return True
        # "Diagnosed in 2009"
        if is_alone and _LIKE_A_YEAR.match(word):
            return True
    # "PD-1", but "age-18" is an age
    is_joined = tokens.in_name(first) and not _is_range_of_quantity(match)
    if is_joined and not rule("age_word").starts(tokens, first - 1):
        return True
    return rule("numbered_name").ends(tokens, first, max(0, first - 4)) is not None


def _is_range_of_quantity(match: Found) -> bool:
    """Return whether a number that is joined to a word begins a range with a unit of the quantity
    that the word names: "BMI25-35kg/m2".
    """
    if not match.has("high") or not match.has("unit"):
        return False
    return names_quantity(match.tokens.words[match.first - 1])


def find_unit_of(match: Found, *names: str) -> tuple[Range | None, str | None]:
    """Return the tokens of the unit in the first of the named parts that matched, and its unit of
    time if it is one of times alone. Both are None if no part matched.

    The unit is without the hyphen of "18-year-old", the ending of an ordinal ("6th birthday"), and
    people in brackets: "ms (men)".
    """
    tokens = match.tokens
    written = None
    for name in names:
        written = written or match.part(name)
    if written is None:
        return None, None
    first, end = _trim_front(tokens, written)
    # "myopia > 6D": the "D" is no day; "cycled at > 25W": the "W" is no week
    if _is_in_dioptres(tokens, first) or is_in_watts(tokens, first):
        return (first, end), None
    # "Must be past their 21st birthday"
    if tokens.words[first].lower() == _BIRTHDAY:
        return (first, end), TimeUnit.YEAR.value
    end = _find_unit_end(tokens, first, end)
    has_inverse = rule("inverse").starts(tokens, end)
    # "110 min-1"
    if has_inverse and tokens.text[tokens.ends[end - 1]] == "-":
        return (first, end + 1), None
    # "4 mo. before"
    if end > first + 1 and tokens.words[end - 1] == ".":
        end -= 1
    # what stands around the letter tells it from a metre
    if rule("month_by_letter").starts(tokens, first):
        return (first, end), "month"
    if not rule("span_unit").covers(tokens, first, end):
        return (first, end), None
    timed = rule("time_unit").ends(tokens, end, first)
    time_unit = read_time_unit(timed.text) if timed else None
    return (first, end), time_unit


def _trim_front(tokens: Tokens, written: Range) -> Range:
    """Return the tokens of a unit without a hyphen, an ending of an ordinal ("th"), or the slash of
    "60/ml/min", in front of it. The slash of "10^9/L" stays, as it is a part of the unit.
    """
    first, end = written
    if tokens.words[first] == "/":
        clearance = find_unit(tokens, first + 1)
        # "eGFR<60/ml/min/1,73 m2": the stroke before the unit is a slip
        if clearance and clearance.code.startswith("mL/min"):
            first = clearance.first
            end = max(clearance.end, end)
    if tokens.codes[first] == "-" or tokens.words[first] in _ORDINAL_ENDINGS:
        first += 1
    return first, end


def _find_unit_end(tokens: Tokens, first: int, end: int) -> int:
    """Return the token behind the whole unit that begins at ``first`` and was matched up to
    ``end``: it may go on, and people in brackets behind it are no part of it ("ms (men)").
    """
    aside = rule("people_aside").ends(tokens, end, first)
    if aside:
        end = aside.first
    whole = find_unit(tokens, first)
    if whole is None or whole.end <= end:
        return end
    if tokens.words[whole.end - 1] in "()":
        return whole.end - 1
    return whole.end


def _is_in_dioptres(tokens: Tokens, at: int) -> bool:
    """Return whether the token at ``at``, behind a number, is a "D" for dioptres and no day: behind
    a minus ("-6 D"), behind decimals ("0.75 D"), or in a text on refraction ("myopia > 6D").
    """
    if tokens.words[at] != "D":
        return False
    number = tokens.words[at - 1]
    # "Refraction of 0 ± 0.5 D": dioptres have a sign or decimals
    if tokens.codes[at - 2] == "-" or "." in number:
        return True
    return rule("refraction_word").search(tokens) is not None


def find_bounds(
    measure: Measure,
) -> tuple[Comparator | None, int | float | None, int]:
    """Return the comparator of a measure, its upper number and the token behind its words.

    If the two numbers of a measure are no range, only the first counts: the upper number is None,
    and the words end behind the first. The comparator is None if the text has none for a single
    number; "between" without a second number is none.
    """
    only = measure.comparator
    if only is Comparator.BETWEEN:
        only = None
    if measure.high is None:
        return only, None, measure.match.end
    if _is_range(measure, measure.high):
        return Comparator.BETWEEN, measure.high, measure.match.end
    return only, None, measure.match.place("low")[1]


def _is_range(measure: Measure, high: float) -> bool:
    """Return whether both numbers of a measure are the ends of a range: they rise, and what joins
    them and stands in front fits a range.

    Behind a second comparator, it must be one of an upper bound, and the first none of one. An
    "and" needs a "between" in front, or an age behind. Otherwise ("18 to 65", "18-65") a "<" or
    "≤" in front makes it no range.
    """
    match = measure.match
    # "6 months to 2 years" rises by its units
    rises = high > measure.low or find_unit_of(match, "low_unit")[1] is not None
    if not rises:
        return False
    comparator = measure.comparator
    second = read_comparator("comparators", match, "second")
    if second is not None:
        return second in UPPER and comparator in (*LOWER, None)
    if match.read("join") == "and" and comparator is not Comparator.BETWEEN:
        # "18 and 65 years old", but not "at 3, 6, 12 and 24 months of age"
        of_age = rule("age_after").starts(match.tokens, match.end) is not None
        return of_age and not _lists_moments(match)
    return comparator not in UPPER


def _lists_moments(match: Found) -> bool:
    """Return whether two numbers with an "and" are ages at which something is done, or the end of a
    list of ages: "seen at 6 and 12 months of age", "3, 6, 12 and 24 months".
    """
    tokens = match.tokens
    first = match.first
    before = list(map(str.lower, tokens.words[max(0, first - 2) : first]))
    last = before[-1] if before else ""
    # "seen at 6 and 12 months of age"
    if last == "at" or before in (["at", "age"], ["at", "ages"]):
        return True
    # the end of "3, 6, 12 and 24 months"
    return last == "," and tokens.codes[first - 2 : first - 1] == NUMBER
