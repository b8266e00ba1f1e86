"""Find numeric and graded limits of a criterion, and the names of the limited quantities."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from extractor.schemas import Comparator, CriterionKind
from extractor.text.book import read_term, rule
from extractor.text.lexer import NUMBER, Span, Tokens
from extractor.text.numbers import read_number, read_time_unit
from extractor.text.patterns import Found

LOWER = (Comparator.AT_LEAST, Comparator.MORE)
UPPER = (Comparator.AT_MOST, Comparator.LESS)
_TIMES = {"once": 1, "twice": 2}
_ROMAN = {"I": 1, "II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6}
_VALUE_WORDS = _TIMES.keys() | _ROMAN.keys()
_MASSES = frozenset({"mg", "mcg", "ug", "μg"})
_REACH = 12
"""The most tokens of a comparator and its words before a number."""


@dataclass(frozen=True, slots=True)
class Limit:
    """``first:end`` limits ``quantity``, all in tokens of the criterion. ``unit`` is None for counts and grades.

    ``rate`` is the part of the unit after the substance ("10 mg prednisone per day"). ``time_unit`` is set if the
    limit is a length of time or an age. ``sure`` is false if the comparator follows from the kind of the list.
    """

    comparator: Comparator
    value: int | float
    value_high: int | float | None
    first: int
    end: int
    quantity: Span | None = None
    unit: Span | None = None
    time_unit: str | None = None
    sure: bool = True
    rate: Span | None = None


def find_limits(tokens: Tokens, kind: CriterionKind | None) -> list[Limit]:
    """All limits in the tokens of one criterion, including lengths of time, in order.

    The kind of the list decides the comparator of a bare age.

    >>> found = find_limits(read_text("ECOG 0-2, ANC >= 1.5 x 10^9/L"), None)
    >>> [(limit.comparator.value, limit.value, limit.value_high) for limit in found]
    [('between', 0, 2), ('>=', 1500000000, None)]
    """
    if NUMBER not in tokens.codes and _VALUE_WORDS.isdisjoint(tokens.words):
        return []
    graded = [limit for found in rule("graded_limit").find(tokens) if (limit := _read_grades(tokens, found))]
    return _join_bounds(tokens, sorted([*graded, *_find_measured(tokens, graded, kind)], key=lambda limit: limit.first))


def read_comparator(vocabulary: str, found: Found, name: str) -> Comparator | None:
    """The comparator in a named part of a match; None if the part did not match."""
    part = found.part(name)
    entry = read_term(vocabulary, found.tokens, *part) if part else None
    return Comparator(entry.value) if entry else None


def _read_grades(tokens: Tokens, found: Found) -> Limit | None:
    stated = read_comparator("comparators", found, "comparator") or read_comparator("comparators", found, "before")
    comparator = read_comparator("comparator_suffixes", found, "suffix") or stated
    first, last = found.place("values")
    item = last == first + 1 and tokens.codes[last : last + 1] == ")" and tokens.codes[first - 1] == "("
    if item or rule("rate_unit").starts(tokens, last):
        return None  # a measurement, or the number of an item in a sentence: "(2) two exacerbations"
    values = [_read_grade(tokens, at) for at in range(first, last) if rule("grade_value").starts(tokens, at)]
    grades = [grade for grade in values if grade is not None]
    if not grades or len(grades) < len(values):
        return None
    scale, end = found.place("scale")
    quantity = _find_quantity(tokens, max(0, scale - 6), end) or (scale, end)
    low, high = min(grades), max(grades)
    unit = found.part("unit")
    if low != high and comparator not in (*LOWER, *UPPER):
        return Limit(Comparator.BETWEEN, low, high, found.first, found.end, quantity, unit)
    bound = low if comparator in LOWER else grades[0]
    return Limit(comparator or Comparator.EQUAL, bound, None, found.first, found.end, quantity, unit)


def _read_grade(tokens: Tokens, at: int) -> int | None:
    """The value of a grade in digits or as a Roman numeral; None for a part of a name ("F2", "2D", "v5")."""
    word = tokens.words[at]
    behind = at + 1 < len(tokens) and tokens.joined(at + 1) and tokens.words[at + 1].isalpha()
    if behind or (tokens.joined(at) and tokens.words[at - 1].isalpha()):
        return None
    return _ROMAN.get(word) or (int(word) if word.isdecimal() and len(word) <= 3 else None)


class _Measure(NamedTuple):
    """A number or range as the rule matched it. ``first`` is the start of its comparator, else of the number."""

    found: Found
    compared: Found | None
    first: int
    low: int | float
    high: int | float | None
    comparator: Comparator | None
    unit: Span | None
    time_unit: str | None


def _find_measured(tokens: Tokens, graded: list[Limit], kind: CriterionKind | None) -> Iterator[Limit]:
    """The limits other than the graded ones, left to right."""
    floor = at = 0
    last: Limit | None = None
    chained = tokens.codes.count("<") + tokens.codes.count("≤") > 1
    while found := rule("measure").search(tokens, at):
        at = found.end
        chain = rule("chained_limit").starts(tokens, found.first) if chained else None
        if chain and (limit := _read_chain(chain)):
            yield limit
            floor = at = chain.end
            continue
        if taken := [other.end for other in graded if other.first < found.end and found.first < other.end]:
            floor = at = max(floor, *taken)
            continue
        measure = _read_measure(tokens, found, floor)
        limit = (_decide(measure, floor, kind) or _read_alternative(measure, last)) if measure else None
        for part in _split(found, limit) if limit else ():
            yield part
            floor, last = part.end, part
        if found.has("high") and not (limit and limit.value_high is not None):
            at = max(place[1] for name in ("low", "low_unit") if (place := found.part(name)))


def _read_measure(tokens: Tokens, found: Found, floor: int) -> _Measure | None:
    words = (found.read("low") or "").lower()
    low = _TIMES.get(words) or read_number(words)
    compared = rule("comparison").ends(tokens, found.first, max(floor, found.first - _REACH))
    if low is None or (not compared and (words in _TIMES or _is_name(tokens, found))):
        return None
    if compared and rule("sample_size").ends(tokens, compared.first, compared.first - 1):
        return None
    if compared and tokens.text[tokens.starts[found.first] - 1] == "-":
        low = -low
    comparator = read_comparator("comparator_suffixes", found, "suffix")
    if compared and not comparator:
        comparator = read_comparator("comparators", compared, "comparator")
    first, high = (compared or found).first, read_number(found.read("high") or "")
    return _Measure(found, compared, first, low, high, comparator, *_read_unit(found, "unit", "low_unit"))


def _read_unit(found: Found, *names: str) -> tuple[Span | None, str | None]:
    """The unit in the first of some named parts that matched, without a hyphen, and its unit of time."""
    tokens, unit = found.tokens, next(filter(None, map(found.part, names)), None)
    if not unit:
        return None, None
    unit = (unit[0] + (tokens.codes[unit[0]] == "-"), unit[1])
    timed = rule("time_unit").ends(tokens, unit[1], unit[0]) if rule("span_unit").covers(tokens, *unit) else None
    return unit, read_time_unit(timed.text) if timed else None


def _is_name(tokens: Tokens, found: Found) -> bool:
    """Whether it is a number in a name ("type 2", "Day 1", "2017") or a lone number word, without a comparator."""
    first, end = found.place("low")
    word = tokens.words[first]
    alone = not found.has("unit") and not found.has("suffix") and end == first + 1
    numeral = word.isdecimal() and ((len(word) > 1 and word[0] == "0") or (alone and re.fullmatch("(19|20)..", word)))
    joined = first > 0 and tokens.text[tokens.ends[first - 1] : tokens.starts[first]] in ("", "-")
    named = joined and tokens.words[first - 1].isalpha() and not rule("age_word").starts(tokens, first - 1)
    numbered = rule("numbered_name").ends(tokens, first, max(0, first - 4))
    return bool((alone and word.isalpha()) or numeral or named or numbered)


def _decide(measure: _Measure, floor: int, kind: CriterionKind | None) -> Limit | None:
    found, tokens = measure.found, measure.found.tokens
    comparator, high, end = _bounds(measure)
    sure = comparator is not None
    if comparator is None:
        near = rule("age_word").search(tokens, max(0, measure.first - 7), measure.first)
        if not measure.time_unit or not (near or rule("age_after").starts(tokens, found.end)):
            return None
        comparator = Comparator.AT_MOST if kind is CriterionKind.EXCLUSION else Comparator.AT_LEAST
    unit, time_unit = measure.unit, measure.time_unit
    if high is None and found.has("high") and found.has("low_unit"):  # "15 years and 9 months"
        unit, time_unit = _read_unit(found, "low_unit")
    if time_unit == "cycle" and unit:  # "at least 2 cycles" counts cycles
        end, unit, time_unit = unit[0], None, None
    if unit is None and rule("no_limit_after").starts(tokens, end):
        return None
    if kind is not CriterionKind.EXCLUSION and rule("must_not").ends(tokens, measure.first, measure.first - _REACH):
        comparator = comparator.opposite or comparator
    quantity = _quantity(measure, floor, unit, end)
    if quantity and comparator is Comparator.BETWEEN and rule("scale_range").starts(tokens, quantity[0]):
        return None  # "(range 0-10)"
    behind = unit and quantity and quantity[0] >= unit[1]
    rate = rule("rate_after").starts(tokens, quantity[1]) if behind and quantity else None
    end = max(end, found.place("suffix")[1] if found.has("suffix") else end)
    given = rate.part("rate") if rate else None
    return Limit(comparator, measure.low, high, measure.first, end, quantity, unit, time_unit, sure, given)


def _bounds(measure: _Measure) -> tuple[Comparator | None, int | float | None, int]:
    """Comparator, upper value and end. A range needs rising numbers, else only its first number counts."""
    comparator, high, found = measure.comparator, measure.high, measure.found
    only = None if comparator is Comparator.BETWEEN else comparator
    if high is None:
        return only, None, found.end
    second = read_comparator("comparators", found, "second")
    ranged = comparator not in UPPER if second is None else second in UPPER and comparator in (*LOWER, None)
    if found.read("join") == "and" and not second and comparator is not Comparator.BETWEEN:
        ranged = False
    rises = high > measure.low or _read_unit(found, "low_unit")[1]
    if not ranged or not rises:
        return only, None, found.place("low")[1]
    return Comparator.BETWEEN, high, found.end


def _quantity(measure: _Measure, floor: int, unit: Span | None, end: int) -> Span | None:
    """The limited quantity, named before the limit, or after a count ("at least one measurable lesion") or a dose."""
    tokens = measure.found.tokens
    named = _find_quantity(tokens, floor, measure.first)
    if unit is None:
        by_words = tokens.words[measure.first].isalpha() if measure.compared else measure.found.has("suffix")
        if by_words or not named or (isinstance(measure.low, int) and measure.low < 20):
            counted = rule("counted_noun").starts(tokens, end)
            return (counted.part("noun") if counted else None) or named
        return named
    per_volume = any(word.endswith(("L", "l")) for word in tokens.words[unit[0] + 1 : unit[1]])
    if tokens.words[unit[0]] in _MASSES and not per_volume:  # "> 10 mg/day of prednisone"
        substance = rule("substance").starts(tokens, unit[1])
        long = substance and max(map(len, substance.text.split())) > 4
        return (substance.part("name") if substance and long else None) or named
    return named


def _read_alternative(measure: _Measure, last: Limit | None) -> Limit | None:
    """A second value in another unit after a limit, with the same comparator ("> 12% or 200 mL")."""
    unit, tokens = measure.unit, measure.found.tokens
    if not last or not unit or measure.time_unit or not last.unit or last.time_unit or measure.high is not None:
        return None
    joined = rule("second_value").covers(tokens, last.end, measure.found.first)
    if not joined or tokens.read(*unit) == tokens.read(*last.unit):
        return None
    end = max(unit[1], measure.found.end)
    return Limit(last.comparator, measure.low, None, measure.first, end, last.quantity, unit, sure=False)


def _split(found: Found, limit: Limit) -> Iterator[Limit]:
    """Two limits written as one: a range with two units ("6 months to 5 years"), or a blood pressure."""
    tokens = found.tokens
    low_unit, low_time = _read_unit(found, "low_unit")
    low_end = found.place("low")[1]
    pressure = rule("pressure").starts(tokens, low_end) if limit.value_high is None else None
    if limit.value_high is not None and low_unit and low_time not in (None, limit.time_unit):
        low = replace(limit, value_high=None, end=low_unit[1], unit=low_unit, time_unit=low_time)
        high = replace(limit, value=limit.value_high, value_high=None, first=found.place("high")[0])
        yield replace(low, comparator=Comparator.AT_LEAST)
        yield replace(high, comparator=Comparator.AT_MOST)
    elif pressure and rule("pressure_word").search(tokens, max(0, limit.first - 10), limit.first):
        limit, diastolic = replace(limit, unit=pressure.part("unit")), int(pressure.read("diastolic") or 0)
        yield replace(limit, end=low_end)
        yield replace(limit, value=diastolic, first=low_end, end=pressure.end)
    else:
        yield limit


def _read_chain(found: Found) -> Limit | None:
    """A quantity between two numbers ("18 ≤ age ≤ 65"); None if the numbers do not rise."""
    low, high = read_number(found.read("low") or ""), read_number(found.read("high") or "")
    if low is None or high is None or low >= high:
        return None
    unit, time_unit = _read_unit(found, "unit", "low_unit")
    return Limit(Comparator.BETWEEN, low, high, found.first, found.end, found.part("quantity"), unit, time_unit)


def _join_bounds(tokens: Tokens, limits: Sequence[Limit]) -> list[Limit]:
    """Join a lower and an upper bound of one quantity into a range (">= 1 and <= 65")."""
    joined: list[Limit] = []
    for limit in limits:
        if not joined or not _is_range(tokens, joined[-1], limit):
            joined.append(limit)
            continue
        last = joined[-1]
        joined[-1] = replace(
            last,
            comparator=Comparator.BETWEEN,
            value_high=limit.value,
            end=limit.end,
            quantity=last.quantity or limit.quantity,
            unit=limit.unit or last.unit,
            time_unit=limit.time_unit or last.time_unit,
            sure=last.sure and limit.sure,
        )
    return joined


def _is_range(tokens: Tokens, low: Limit, high: Limit) -> bool:
    same_unit = not low.time_unit or not high.time_unit or low.time_unit == high.time_unit
    if low.comparator not in LOWER or high.comparator not in UPPER or low.value >= high.value or not same_unit:
        return False
    return low.end == high.first or rule("fills_range").covers(tokens, low.end, high.first) is not None


_PHRASE = 32
"""How many tokens before a limit are searched for its quantity."""
_OPEN, _CLOSED = "([（", ")]）"
_EDGES = " ,:;([-)]<>≤≥="


def _find_quantity(tokens: Tokens, floor: int, end: int) -> Span | None:
    """The name of the quantity of a limit that begins at ``end``, searched from token ``floor`` on."""
    first, last = _open_phrase(tokens, floor, end)
    closed = max((tokens.codes.rfind(sign, first, last) for sign in _CLOSED), default=-1)
    if closed >= 0 and "(" not in tokens.codes[first:closed] and _trim_end(tokens, closed + 1, last) > closed + 1:
        first = closed + 1
    last = _trim_end(tokens, first, last)
    first = max([first, *(found.end for found in rule("quantity_break").find(tokens, first, last))])
    opened = tokens.codes.find("(", first, last)
    front = opened + 1 if opened > first and tokens.codes[last - 1] == ")" else last
    if not rule("joined_quantities").covers(tokens, first, last):
        cuts = [found.end for found in rule("quantity_split").find(tokens, first, front)]
        first = max((cut for cut in cuts if _has_words(tokens, cut, last)), default=first)
    leads = (found.end for found in rule("quantity_lead").find(tokens, first, front))
    first = max((lead for lead in leads if lead < last and not tokens.joined(lead)), default=first)
    while first < last and tokens.codes[first] in _EDGES:
        first += 1
    named = any(word[0].isalpha() for word in tokens.words[first:last])
    return (first, last) if named and (last > first + 1 or len(tokens.words[first]) > 1) else None


def _open_phrase(tokens: Tokens, floor: int, end: int) -> Span:
    """The tokens before ``end``, or before the bracket if the limit stands alone in one."""
    first, depth = max(floor, end - _PHRASE), 0
    for at in range(end - 1, first - 1, -1):
        code = tokens.codes[at]
        if code in _CLOSED:
            depth += 1
        elif code in _OPEN:
            if depth == 0:
                return (at + 1, end) if _has_words(tokens, at + 1, end) else _open_phrase(tokens, floor, at)
            depth -= 1
    return first, end


def _has_words(tokens: Tokens, first: int, end: int) -> bool:
    last = _trim_end(tokens, first, end)
    return any(len(word) > 1 and word.isalpha() for word in tokens.words[first:last])


def _trim_end(tokens: Tokens, first: int, end: int) -> int:
    found = rule("quantity_tail").ends(tokens, end, first)
    return found.first if found else end
