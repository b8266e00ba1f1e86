"""Find numeric and graded limits of a criterion, and the names of the limited quantities."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from extractor.concepts.limits.bounds import (
    BOTH_COUNT,
    COUNTS,
    LOWER,
    UPPER,
    Limit,
    find_quantity,
    join_bounds,
    join_sums,
    mirror_comparator,
    read_comparator,
    read_pair,
    read_value,
    share_units,
    turn_comparator,
)
from extractor.concepts.limits.graded import read_acuity, read_acuity_range, read_grades
from extractor.concepts.limits.quantity_names import choose_reading, names_quantity
from extractor.language.book import read_term, rule
from extractor.language.lexer import NUMBER, Range, Tokens
from extractor.language.numbers import (
    ROMAN,
    is_two_ways,
    multiply,
    read_number,
    read_time_unit,
)
from extractor.language.patterns import Found
from extractor.language.units import convert, find_unit, read_unit
from extractor.schemas import Comparator, CriterionKind, TimeUnit

_VALUE_WORDS = COUNTS.keys() | set(map(str.lower, ROMAN))
_SIGNS = 12
"""The most tokens of a comparator and its words before a number."""
_ACRONYM = 4
"""The fewest letters of the name of a scale in capitals."""
_SCALES = frozenset({"VAS", "NRS", "SCALE", "SCORE"})
_BIRTHDAY = "birthday"
"""Stands in the place of the unit of an age: "the 6th birthday" is 6 years."""
_FEW = 20
"""Counts of things are smaller: "at least two lesions"."""


def find_limits(tokens: Tokens, kind: CriterionKind | None) -> list[Limit]:
    """Return all limits in the tokens of one criterion, including lengths of time, in order.

    The kind of the list decides the comparator of a bare age.

    >>> found = find_limits(read_text("ECOG 0-2, ANC >= 1.5 x 10^9/L"), None)
    >>> [(limit.comparator.value, limit.value, limit.value_high) for limit in found]
    [('between', 0, 2), ('>=', 1500000000, None)]
    """
    if NUMBER not in tokens.codes and _VALUE_WORDS.isdisjoint(
        map(str.lower, tokens.words)
    ):
        return []
    graded = [
        limit
        for found in rule("graded_limit").find(tokens)
        if (limit := read_grades(tokens, found))
    ]
    found = sorted(
        [*graded, *_find_measured(tokens, graded, kind)], key=lambda limit: limit.first
    )
    return join_bounds(
        tokens,
        share_units(
            tokens,
            join_sums(
                tokens, [_sign(tokens, _settle(tokens, limit)) for limit in found]
            ),
        ),
    )


def _settle(tokens: Tokens, limit: Limit) -> Limit:
    """Choose between the readings of a number such as "1.500" by what is usual for the limited
    quantity.
    """
    for at in range(limit.first, limit.end):
        if is_two_ways(tokens.words[at]):
            name = tokens.read(*limit.quantity) if limit.quantity else ""
            unit = tokens.read(*limit.unit) if limit.unit else None
            value, sure = choose_reading(tokens.words[at], name, unit, tokens.text)
            likeliest, _ = choose_reading(tokens.words[at], "", None)
            pair = (limit.value, limit.value_high)
            low, high = (value if bound == likeliest else bound for bound in pair)
            limit = replace(
                limit, value=low or 0, value_high=high, settled=limit.settled and sure
            )
    return limit


def _sign(tokens: Tokens, limit: Limit) -> Limit:
    """Give deviations below a mean their sign: "at least 2.5 SD below the mean" is at most -2.5."""
    place = limit.unit[0] if limit.unit else limit.end
    if limit.value <= 0 or not rule("below_mean").starts(tokens, place):
        return limit
    low, high = (
        (limit.value, None)
        if limit.value_high is None
        else (limit.value_high, -limit.value)
    )
    return replace(
        limit,
        value=-low,
        value_high=high,
        comparator=mirror_comparator(limit.comparator),
    )


class _Measure(NamedTuple):
    """A number or range as the rule matched it. ``first`` is the start of its comparator, else
    of the number.
    """

    found: Found
    compared: Found | None
    first: int
    low: int | float
    high: int | float | None
    comparator: Comparator | None
    unit: Range | None
    time_unit: str | None

    @property
    def ends(self) -> tuple[Comparator, Comparator]:
        """The comparators of the two ends of a range: a bound that the text leaves out is "<" or
        ">".
        """
        second = read_comparator("comparators", self.found, "second")
        low = (
            Comparator.MORE
            if self.comparator is Comparator.MORE
            else Comparator.AT_LEAST
        )
        return low, Comparator.LESS if second is Comparator.LESS else Comparator.AT_MOST


def _find_measured(
    tokens: Tokens, graded: list[Limit], kind: CriterionKind | None
) -> Iterator[Limit]:
    """Yield the limits other than the graded ones, left to right."""
    floor = at = 0
    last: Limit | None = None
    while found := rule("measure").search(tokens, at):
        at = found.end
        chain = _find_chain(tokens, found.first)
        if chain:
            yield from chain
            floor = at = max(limit.end for limit in chain)
            continue
        sight = _find_sight(tokens, found, floor)
        if sight:
            if limit := _read_sight(sight, floor):
                yield limit
            floor = at = sight.end
            continue
        taken = [
            other.end
            for other in graded
            if other.first < found.end and found.first < other.end
        ]
        if taken:
            floor = at = max(floor, *taken)
            continue
        measure = _read_measure(tokens, found, floor)
        stated = _decide(measure, floor, kind) if measure else None
        other = _read_other_case(measure, last, stated) if measure and last else None
        if measure and last and not other:
            other = _read_alternative(measure, last)
            # Such as "177 umol/L (= 2 mg/dL)"
            converted = other and measure.comparator is Comparator.EQUAL
            other = other if converted or not stated else None
        limit = other or stated
        for part in _split(measure, limit) if measure and limit else ():
            yield part
            floor = part.end
            last = part
        if found.has("high") and not (limit and limit.value_high is not None):
            at = max(
                place[1] for name in ("low", "low_unit") if (place := found.part(name))
            )


def _find_sight(tokens: Tokens, found: Found, floor: int) -> Found | None:
    """Return the fraction of visual acuity, or the range of two, at a number."""
    if not rule("vision_word").search(
        tokens, max(0, found.first - _SIGNS), found.first
    ):
        return None
    ranged = rule("acuity_range").starts(tokens, found.first)
    if ranged:
        return ranged
    fraction = rule("acuity_fraction").search(
        tokens, max(floor, found.first - 2), found.end + 4
    )
    return fraction if fraction and fraction.first <= found.first else None


def _read_sight(found: Found, floor: int) -> Limit | None:
    read = read_acuity_range if found.has("high") else read_acuity
    return read(found.tokens, found, floor)


def _find_compared(found: Found, floor: int) -> Found | None:
    """Return the comparator before a number, with the words between them."""
    tokens = found.tokens
    first = max(floor, found.first - _SIGNS)
    for name in ("comparison", "distant_comparison"):
        if compared := rule(name).ends(tokens, found.first, first):
            return compared
    if not found.has("unit") and not found.has("low_unit"):
        return None
    return rule("bare_comparative").ends(
        tokens, found.first, max(floor, found.first - 1)
    )


def _read_front(compared: Found) -> Comparator | None:
    """Return the comparator before a number."""
    if compared.has("more"):
        return Comparator.MORE
    if compared.has("less"):
        return Comparator.LESS
    return read_comparator("comparators", compared, "comparator")


def _read_measure(tokens: Tokens, found: Found, floor: int) -> _Measure | None:
    words = (found.read("low") or "").lower()
    low, high = read_pair(found)
    compared = _find_compared(found, floor)
    if compared:
        within = None
    else:
        within = rule("within_before").ends(
            tokens, found.first, max(floor, found.first - 2)
        )
    if within and read_unit(found.read("unit") or "") == "{ULN}":
        compared = within
    if low is None or (
        not compared and (words in COUNTS or _is_name(tokens, found, floor))
    ):
        return None
    if compared and rule("sample_size").ends(
        tokens, compared.first, compared.first - 1
    ):
        return None
    signed = compared and tokens.codes[compared.end - 1] in "<>≤≥="
    lacks_unit = not signed and not found.has("unit") and not found.has("low_unit")
    if lacks_unit and re.fullmatch(
        "(19|20)[0-9]{2}", tokens.words[found.place("low")[0]]
    ):
        return None  # "diagnosed between 2010 and 2015", "before 2019"
    suffix = read_comparator("comparator_suffixes", found, "suffix")
    if found.has("plus"):
        suffix = Comparator.AT_LEAST
    comparator = _read_front(compared) if compared else None
    comparator = Comparator.AT_MOST if compared and compared is within else comparator
    if comparator in (None, Comparator.EQUAL, Comparator.BETWEEN) and suffix:
        comparator = suffix
    unit, time_unit = _find_unit_of(found, "unit", "low_unit")
    score = found.place("low")[1]
    if (
        compared
        and low < _FEW
        and high is None
        and not unit
        and tokens.joined(score)
        and tokens.words[score] == "+"
    ):
        unit = score, score + 1  # "proteinuria >= 2+"
    first = (compared or found).first - (low < 0 and not compared)
    return _Measure(found, compared, first, low, high, comparator, unit, time_unit)


def _find_unit_of(found: Found, *names: str) -> tuple[Range | None, str | None]:
    """Return the unit in the first of some named parts that matched, without a hyphen, and its
    unit of time.
    """
    tokens = found.tokens
    unit = next(filter(None, map(found.part, names)), None)
    if not unit:
        return None, None
    if (
        tokens.words[unit[0]] == "/"
        and (own := find_unit(tokens, unit[0] + 1))
        and own.code.startswith("mL/min")
    ):
        unit = own.first, max(own.end, unit[1])  # "60/ml/min"
    ordinal = tokens.codes[unit[0]] == "-" or tokens.words[unit[0]] in (
        "th",
        "st",
        "nd",
        "rd",
    )
    unit = (unit[0] + ordinal, unit[1])
    if _is_in_dioptres(tokens, unit):
        return unit, None  # no days
    if tokens.words[unit[0]].lower() == _BIRTHDAY:
        return unit, TimeUnit.YEAR.value
    aside = rule("people_aside").ends(tokens, unit[1], unit[0])
    if aside:  # "ms (men)"
        unit = unit[0], aside.first
    whole = find_unit(tokens, unit[0])
    if whole and whole.end > unit[1]:
        unit = unit[0], whole.end - (tokens.words[whole.end - 1] in "()")
    # "110 min-1"
    if (
        rule("inverse").starts(tokens, unit[1])
        and tokens.text[tokens.ends[unit[1] - 1]] == "-"
    ):
        return (unit[0], unit[1] + 1), None
    if unit[1] > unit[0] + 1 and tokens.words[unit[1] - 1] == ".":  # "4 mo. before"
        unit = unit[0], unit[1] - 1
    # what stands around the letter tells it from a metre
    if rule("month_by_letter").starts(tokens, unit[0]):
        return unit, "month"
    if rule("span_unit").covers(tokens, *unit):
        timed = rule("time_unit").ends(tokens, unit[1], unit[0])
    else:
        timed = None
    return unit, read_time_unit(timed.text) if timed else None


def _is_in_dioptres(tokens: Tokens, unit: Range) -> bool:
    """Return whether the "D" behind a number is dioptres: "-6 D", "0.75 D", "myopia > 6D"."""
    if tokens.words[unit[0]] != "D":
        return False
    if tokens.codes[unit[0] - 2] == "-" or "." in tokens.words[unit[0] - 1]:
        return True
    return rule("refraction_word").search(tokens) is not None


def _is_name(tokens: Tokens, found: Found, floor: int) -> bool:
    """Whether it is a number in a name ("type 2", "Day 1", "2017") or a lone number word,
    without a comparator.
    """
    first, end = found.place("low")
    word = tokens.words[first]
    alone = (
        not any(map(found.has, ("unit", "suffix", "plus")))
        and not found.has("high")
        and end == first + 1
    )
    numeral = word.isdecimal() and (
        (len(word) > 1 and word[0] == "0")
        or (alone and re.fullmatch("(19|20)..", word))
    )
    named = tokens.in_name(first) and not rule("age_word").starts(tokens, first - 1)
    numbered = rule("numbered_name").ends(tokens, first, max(0, first - 4))
    opens = first == floor == 0 and rule("counted_noun").starts(tokens, end)
    return bool(
        (alone and word.isalpha() and not opens) or numeral or named or numbered
    )


def _compare(
    measure: _Measure, floor: int, kind: CriterionKind | None
) -> tuple[Comparator | None, bool]:
    """Return the comparator of a measure, and whether the text states it; None if the measure is no
    limit.

    The list decides the sense of a bare age, the direction of the scale that of "or better".
    """
    found = measure.found
    tokens = measure.found.tokens
    front = measure.compared.read("turn") if measure.compared else None
    turned = found.read("turn") or front
    if turned:
        subject = find_quantity(tokens, floor, measure.first)
        name, unit = (
            tokens.read(*place) if place else "" for place in (subject, measure.unit)
        )
        return turn_comparator(turned, name, unit or None), True
    comparator = _bounds(measure)[0]
    if comparator:
        return comparator, True
    if measure.time_unit and rule("birthday").starts(tokens, found.place("low")[1]):
        return _compare_birthday(measure)
    return _compare_bare(measure, kind)


def _compare_bare(
    measure: _Measure, kind: CriterionKind | None
) -> tuple[Comparator | None, bool]:
    """Return the comparator of a number without one: an age, or a multiple of a limit of normal."""
    found = measure.found
    tokens = found.tokens
    before = tokens.words[measure.first - 1].lower() if measure.first else ""
    # "three times the upper limit of normal", but not "1.5 and 2 times ULN, respectively"
    is_listed = before in (",", "and", "or")
    if read_unit(found.read("unit") or "") == "{ULN}" and not is_listed:
        return Comparator.AT_LEAST, False
    if not measure.time_unit:
        return None, False
    # "16 weeks 0 days" has one length.
    if rule("time_unit").ends(tokens, found.first, found.first - 2):
        return None, False
    aged = rule("age_word").search(tokens, max(0, measure.first - 7), measure.first)
    if not aged and not rule("age_after").starts(tokens, found.end):
        return None, False
    if is_listed and tokens.codes[measure.first - 2 : measure.first - 1] == NUMBER:
        return None, False  # "vaccinated at 2, 4 and 6 months of age"
    has_reached = before in ("completed", "attained", "reached")
    if kind is CriterionKind.EXCLUSION and not has_reached:
        return Comparator.AT_MOST, False
    return Comparator.AT_LEAST, False


def _compare_birthday(measure: _Measure) -> tuple[Comparator | None, bool]:
    """Return the comparator of a birthday without one: "until the 6th birthday", "has reached
    the 18th birthday".
    """
    tokens = measure.found.tokens
    first = measure.first
    if rule("until_before").ends(tokens, first, first - _SIGNS):
        return Comparator.LESS, True
    reached = rule("reached_before").ends(tokens, first, first - _SIGNS)
    return (Comparator.AT_LEAST, True) if reached else (None, False)


def _decide(measure: _Measure, floor: int, kind: CriterionKind | None) -> Limit | None:
    found = measure.found
    tokens = measure.found.tokens
    _, high, end = _bounds(measure)
    comparator, sure = _compare(measure, floor, kind)
    if comparator is None:
        return _count_things(measure)
    unit = measure.unit
    time_unit = measure.time_unit
    # "15 years and 9 months"
    if high is None and found.has("high") and found.has("low_unit"):
        unit, time_unit = _find_unit_of(found, "low_unit")
    if time_unit == "cycle" and unit:  # "at least 2 cycles" counts cycles
        end = unit[0]
        unit = None
        time_unit = None
    unit, end = _take_relative(tokens, unit, end)
    if rule("relative_after").starts(tokens, end):
        return None
    if unit is None and rule("no_limit_after").starts(tokens, end):
        return None
    denied = _find_denied(measure)
    # "tumour without nodes > 1 cm" among exclusions bars the others, or these
    sure = sure and not _is_open(kind, denied)
    if _turns(measure, kind, denied):
        comparator = comparator.opposite or comparator
    apart = _find_unit_apart(measure, floor, end) if unit is None else None
    unit, time_unit = (apart.unit, apart.time_unit) if apart else (unit, time_unit)
    quantity = _cut_denial(_quantity(measure, floor, unit, end), denied)
    if (
        apart
        and quantity
        and quantity[0] <= apart.unit[1]
        and apart.unit[0] <= quantity[1]
    ):
        quantity = _name_beside_unit(tokens, floor, measure.first, apart.unit)
    scale = (
        quantity and not time_unit and rule("scale_range").starts(tokens, quantity[0])
    )
    if comparator is Comparator.BETWEEN and (
        scale or _is_scale(tokens, found, quantity)
    ):
        return None  # "(range 0-10)"
    if unit is None and quantity:
        unit = _find_rate(tokens, quantity, end)
    behind = unit and quantity and quantity[0] >= unit[1]
    rate = (
        rule("rate_after").starts(tokens, quantity[1]) if behind and quantity else None
    )
    drink = rule("drink_behind").starts(tokens, unit[1]) if unit else None
    if drink:
        rate = rule("period_rate").starts(tokens, drink.end) or rule(
            "rate_after"
        ).starts(tokens, drink.end)
    end = max(
        [end, *(place[1] for name in ("suffix", "turn") if (place := found.part(name)))]
    )
    end = unit[1] if unit and tokens.words[unit[0]] == "+" else end
    given = (rate.part("rate") or (rate.first, rate.end)) if rate else None
    limit = Limit(
        comparator,
        measure.low,
        high,
        measure.first,
        end,
        quantity,
        unit,
        time_unit,
        sure,
        given,
    )
    return _scale(limit, apart.factor) if apart else limit


def _is_open(kind: CriterionKind | None, denied: Range | None) -> bool:
    """Return whether nobody can say whom a denied limit bars."""
    return denied is not None and kind is CriterionKind.EXCLUSION


def _turns(measure: _Measure, kind: CriterionKind | None, denied: Range | None) -> bool:
    """Return whether the words before a limit turn its comparator."""
    tokens = measure.found.tokens
    first = measure.first
    if is_turned(tokens, first):
        return True
    if kind is CriterionKind.EXCLUSION:
        return False
    return bool(denied or rule("must_not").ends(tokens, first, first - _SIGNS))


def _cut_denial(quantity: Range | None, denied: Range | None) -> Range | None:
    """Return the name of a quantity without the word that denies what is beyond its limit."""
    if quantity and denied and quantity[0] < denied[0] < quantity[1]:
        return denied[0], quantity[1]
    return quantity


def _find_denied(measure: _Measure) -> Range | None:
    """Return the words of a clause that denies what is beyond a limit, behind its "no": "asthma,
    no FEV1 < 50 %", "diabetes without BMI > 40".

    A whole criterion that is denied keeps its comparators, for it is marked as negated. Lengths of
    time have their own sense: "no seizures for > 4 weeks".
    """
    if measure.time_unit not in (None, "cycle") or not measure.compared:
        return None
    tokens = measure.found.tokens
    found = rule("denied_clause").ends(tokens, measure.first, measure.first - _SIGNS)
    if found is None:
        return None
    opens_criterion = found.first == 0 and not found.has("opening")
    return None if opens_criterion else found.part("named")


def _take_relative(
    tokens: Tokens, unit: Range | None, end: int
) -> tuple[Range | None, int]:
    """Return the unit of a share and its end, with what it is a difference from: "% above the
    ULN".
    """
    relative = rule("relative_unit").starts(tokens, unit[0]) if unit else None
    if relative is None:
        return unit, end
    return (relative.first, relative.end), max(end, relative.end)


def _scale(limit: Limit, factor: float) -> Limit:
    """Return a limit with its numbers times the power of ten of its unit."""
    high = None if limit.value_high is None else multiply(limit.value_high, factor)
    return replace(limit, value=multiply(limit.value, factor), value_high=high)


class _UnitApart(NamedTuple):
    """A unit that does not stand behind its number, with its power of ten."""

    unit: Range
    time_unit: str | None
    factor: int | float


def _find_unit_apart(measure: _Measure, floor: int, end: int) -> _UnitApart | None:
    """Return the unit in brackets before or behind a limit: "Haemoglobin (g/dL) >= 9.5", "<= 2
    (mg/dL)".
    """
    return next(
        filter(None, map(_read_unit_apart, _list_units_apart(measure, floor, end))),
        None,
    )


def _list_units_apart(measure: _Measure, floor: int, end: int) -> Iterator[Found]:
    """Yield what may be the unit of a number that has none behind it, the likeliest first."""
    tokens = measure.found.tokens
    found = rule("unit_in_brackets").starts(tokens, end)
    if found:
        yield found
    if measure.found.has("suffix") and (
        found := rule("unit_behind_suffix").starts(tokens, end)
    ):
        yield found
    for name in ("unit_in_brackets", "unit_behind_comma", "unit_behind_in"):
        for found in rule(name).find(
            tokens, max(floor, measure.first - _SIGNS), measure.first
        ):
            if found.end == measure.first or rule("unit_filler").covers(
                tokens, found.end, measure.first
            ):
                yield found


def _read_unit_apart(found: Found) -> _UnitApart | None:
    """Return the unit that a rule found; None for words that are none, and for the letter of
    "lesion(s)", "eye (L)".
    """
    unit = found.part("unit")
    words = found.read("unit") or ""
    if not unit or (len(words) == 1 and words.isalpha()):
        return None
    timed = rule("time_unit").covers(found.tokens, *unit)
    if not timed and read_unit(words) is None:
        return None
    power = read_number(f"1 {found.read('power')}") if found.has("power") else 1
    return _UnitApart(unit, read_time_unit(timed.text) if timed else None, power or 1)


def _name_beside_unit(
    tokens: Tokens, floor: int, first: int, unit: Range
) -> Range | None:
    """Return the name of a quantity whose unit stands between it and the limit, or behind the
    comparator.
    """
    if unit[0] > first:  # "60 or more mL/min of creatinine clearance"
        named = find_quantity(tokens, floor, first)
        if tokens.words[unit[1] : unit[1] + 1] == ["of"]:
            behind = rule("counted_noun").starts(tokens, unit[1] + 1)
        else:
            behind = None
        return named or (behind.part("noun") if behind else None)
    opened = rule("unit_opening").ends(tokens, unit[0], floor)
    return find_quantity(tokens, floor, opened.first if opened else unit[0])


def _count_things(measure: _Measure) -> Limit | None:
    """Return a bare count that opens a criterion: "Two prior lines of therapy"."""
    found = measure.found
    tokens = measure.found.tokens
    if not measure.unit and not found.has("high"):
        counted = rule("counted_noun").starts(tokens, found.end)
    else:
        counted = None
    if measure.first:
        return None
    if not counted:
        return None
    if not rule("counted_thing").search(tokens, found.end, counted.end):
        return None
    # "three prior regimens at most"
    suffix = rule("comparator_suffixes").starts(tokens, counted.end)
    stated = (
        read_term("comparator_suffixes", tokens, counted.end, suffix.end)
        if suffix
        else None
    )
    comparator = Comparator(stated.value) if stated else Comparator.EQUAL
    end = suffix.end if suffix else found.end
    return Limit(
        comparator,
        measure.low,
        None,
        found.first,
        end,
        counted.part("noun"),
        sure=stated is not None,
    )


def _find_rate(tokens: Tokens, quantity: Range, end: int) -> Range | None:
    """How often something is counted: "one seizure per week", "AHI below 15 events per hour"."""
    if quantity[0] >= end:
        rate = rule("period_rate").starts(tokens, quantity[1])
        return (rate.first, rate.end) if rate else None
    counted = rule("counted_noun").starts(tokens, end)
    rate = rule("period_rate").starts(tokens, counted.end) if counted else None
    return (end, rate.end) if rate else None


def is_turned(tokens: Tokens, first: int) -> bool:
    """Return whether a denied verb turns the comparator behind it: "has not dropped below 8" is
    at least 8.
    """
    return any(
        rule(name).ends(tokens, first, first - _SIGNS)
        for name in ("fails_to", "denied_verb", "not_recovered")
    )


def _bounds(measure: _Measure) -> tuple[Comparator | None, int | float | None, int]:
    """Comparator, upper value and end. A range needs rising numbers, else only its first number
    counts.
    """
    comparator = measure.comparator
    high = measure.high
    found = measure.found
    only = None if comparator is Comparator.BETWEEN else comparator
    if high is None:
        return only, None, found.end
    second = read_comparator("comparators", found, "second")
    if second is None:
        ranged = comparator not in UPPER
    else:
        ranged = second in UPPER and comparator in (*LOWER, None)
    if (
        found.read("join") == "and"
        and not second
        and comparator is not Comparator.BETWEEN
    ):
        # "18 and 65 years old", but not "at 3, 6, 12 and 24 months of age"
        of_age = rule("age_after").starts(found.tokens, found.end) is not None
        ranged = of_age and not _lists_moments(found)
    rises = high > measure.low or _find_unit_of(found, "low_unit")[1] is not None
    if not ranged or not rises:
        return only, None, found.place("low")[1]
    return Comparator.BETWEEN, high, found.end


def _lists_moments(found: Found) -> bool:
    """Return whether a number goes on with a list of ages, or is one at which something is done:
    "seen at 6 and 12 months of age".
    """
    tokens = found.tokens
    first = found.first
    before = [word.lower() for word in tokens.words[max(0, first - 2) : first]]
    if before[-1:] == ["at"] or before in (["at", "age"], ["at", "ages"]):
        return True
    return before[-1:] == [","] and tokens.codes[first - 2 : first - 1] == NUMBER


def _quantity(
    measure: _Measure, floor: int, unit: Range | None, end: int
) -> Range | None:
    """The limited quantity, named before the limit, or after a count ("at least one measurable
    lesion") or a dose.
    """
    tokens = measure.found.tokens
    if measure.compared and (name := measure.compared.part("name")):
        return name
    first = measure.first
    # Such as "ANA of 1:160"
    is_titre = tokens.words[max(0, first - 2) : first] == ["1", ":"] and tokens.joined(
        first
    )
    named = find_quantity(tokens, floor, first - 2 if is_titre else first, unit)
    if unit is None:
        # "ICDAS <= 2 molars" names its scale in front
        last = tokens.words[named[1] - 1] if named else ""
        in_capitals = (
            len(last) >= _ACRONYM and last.isupper() and not tokens.text.isupper()
        )
        is_scale = named and (
            in_capitals or names_quantity(tokens.read(*named), surely=True)
        )
        noun = None if is_scale else rule("counted_noun").starts(tokens, end)
        small = isinstance(measure.low, int) and measure.low < _FEW
        if measure.compared:
            by_words = tokens.words[measure.first].isalpha()
        else:
            by_words = measure.found.has("suffix")
        if noun and (
            by_words
            or small
            or not named
            or rule("nameless_words").covers(tokens, *named)
        ):
            return noun.part("noun")
        return named
    drink = rule("drink_behind").starts(tokens, unit[1])
    # "14 units of alcohol per week"
    if drink and measure.comparator is not Comparator.EQUAL:
        word = tokens.words[drink.end - 1].lower()
        return (
            named
            if named and word in tokens.read(*named).lower()
            else drink.part("name")
        )
    per_volume = any(
        word.endswith(("L", "l")) for word in tokens.words[unit[0] + 1 : unit[1]]
    )
    # "> 10 mg/day of prednisone"
    if tokens.words[unit[0]] in {"mg", "mcg", "ug", "μg"} and not per_volume:
        # "35 mg or more of elemental iron"
        after_suffix = end > unit[1] and tokens.words[end : end + 1] == ["of"]
        substance = rule("substance").starts(tokens, end if after_suffix else unit[1])
        long = substance and max(map(len, substance.text.split())) > 4
        return (substance.part("name") if substance and long else None) or named
    return named


def _is_scale(tokens: Tokens, found: Found, quantity: Range | None) -> bool:
    """Return whether a range is that of a scale: "itch NRS (0-10) ≥ 7", "4 on a numeric scale
    from 0 to 10".
    """
    from_start = found.read("low") in ("0", "1") and not found.has("unit")
    if from_start and quantity and tokens.words[quantity[1] - 1].lower() == "scale":
        return True
    bracketed = (
        tokens.codes[found.first - 1 : found.first] == "("
        and tokens.codes[found.end : found.end + 1] == ")"
    )
    if (
        bracketed
        and from_start
        and tokens.codes[found.first - 2 : found.first - 1] == NUMBER
    ):
        return True  # "pain >= 4 (0-10)"
    if (
        bracketed
        and found.read("low") == "0"
        and quantity
        and tokens.words[quantity[1] - 1].upper() in _SCALES
    ):
        return True  # "a pain VAS (0-100 mm)"
    if not bracketed:
        return False
    return rule("comparison").search(tokens, found.end, found.end + _SIGNS) is not None


def _read_other_case(
    measure: _Measure, last: Limit, stated: Limit | None
) -> Limit | None:
    """Return a limit of the same quantity for others: "80 % in men and 75 % in women", "13 (men) or
    > 12 (women)".

    It has the comparator and the unit of the limit before it, unless it has its own: then it was
    ``stated``.
    """
    unit = measure.unit
    tokens = measure.found.tokens
    end = (unit or measure.found.place("high" if measure.high is not None else "low"))[
        1
    ]
    before = last.unit[1] if last.unit and last.first < last.unit[0] else last.end
    between = rule("other_case").covers(tokens, before, measure.first)
    behind = rule("case_behind").starts(tokens, end) if between else None
    if (
        not between
        or not behind
        or (measure.high is None) is not (last.value_high is None)
    ):
        return None
    of_people = between.has("words") and behind.has("person")
    mine, theirs = (
        read_unit(tokens.read(*one)) or tokens.read(*one).lower() if one else ""
        for one in (unit, last.unit)
    )
    if mine != theirs and not (
        of_people and (not mine or convert(1, mine, theirs) is not None)
    ):
        return None  # "40 inches (102 cm) in men and 35 inches"
    if measure.compared:
        unnamed = (
            stated
            and of_people
            and (stated.quantity is None or stated.quantity[0] < stated.first)
        )
        if stated and unnamed:
            return replace(stated, quantity=last.quantity, unit=unit or last.unit)
        return None
    if unit is None and not of_people:
        return None
    time_unit = measure.time_unit or last.time_unit
    # "94 cm (men) / 80 cm": no row of numbers
    first = measure.first if measure.first > last.end + 2 else last.end
    limit = replace(
        last, value=measure.low, value_high=measure.high, first=first, end=end
    )
    return replace(
        limit,
        unit=unit or last.unit,
        time_unit=time_unit,
        sure=last.sure and (unit or last.unit) is not None,
    )


def _read_alternative(measure: _Measure, last: Limit) -> Limit | None:
    """Return a second value in another unit after a limit, with the same comparator ("> 12% or
    200 mL").
    """
    unit = measure.unit
    tokens = measure.found.tokens
    if not unit or measure.time_unit or not last.unit or last.time_unit:
        return None
    joined = rule("second_value").covers(tokens, last.end, measure.found.first)
    if (measure.high is not None) is not (last.value_high is not None):
        return None
    opening = joined.text.rstrip("= ") if joined else ""
    bracketed = opening in ("(", "[")  # "7.0 mmol/L (126 mg/dL)" is one value twice
    if bracketed and tokens.codes[measure.found.end : measure.found.end + 1] not in (
        ")",
        "]",
    ):
        return None
    # Such as "thirty percent (30%)"
    repeated = (measure.low, measure.high) == (
        last.value,
        last.value_high,
    )
    if not joined or repeated or tokens.read(*unit) == tokens.read(*last.unit):
        return None
    end = max(unit[1], measure.found.end)
    return Limit(
        last.comparator,
        measure.low,
        measure.high,
        measure.first,
        end,
        last.quantity,
        unit,
        sure=bracketed,
    )


def _split(measure: _Measure, limit: Limit) -> Iterator[Limit]:
    """Two limits written as one: ends that do not both count, a range with two units, or a blood
    pressure.
    """
    found = measure.found
    tokens = measure.found.tokens
    low_unit, low_time = _find_unit_of(found, "low_unit")
    low_end = found.place("low")[1]
    pressure = (
        rule("pressure").starts(tokens, low_end) if limit.value_high is None else None
    )
    outside = rule("outside_before").ends(tokens, limit.first, limit.first - _SIGNS)
    if limit.value_high is not None and outside:
        # The comparators below have the sense of "not", which so belongs to the limits.
        first = (
            outside.first
            if tokens.words[outside.first].lower() == "not"
            else limit.first
        )
        yield replace(limit, comparator=Comparator.LESS, value_high=None, first=first)
        yield replace(
            limit,
            comparator=Comparator.MORE,
            value=limit.value_high,
            value_high=None,
            first=first,
        )
        return
    two_units = low_unit and low_time not in (None, limit.time_unit)
    if limit.value_high is not None and (two_units or measure.ends != BOTH_COUNT):
        low = replace(limit, comparator=measure.ends[0], value_high=None)
        start = found.place("second" if found.has("second") else "high")[0]
        yield (
            replace(low, unit=low_unit, time_unit=low_time, end=low_unit[1])
            if two_units and low_unit
            else low
        )
        yield replace(
            limit,
            comparator=measure.ends[1],
            value=limit.value_high,
            value_high=None,
            first=start,
        )
    elif (
        limit.value_high is not None
        and (ranges := rule("pressure_ranges").starts(tokens, found.place("high")[1]))
        and rule("pressure_word").search(tokens, max(0, limit.first - 10), limit.first)
    ):
        values = [int(ranges.read(name) or 0) for name in ("low", "high")]
        limit = replace(limit, unit=ranges.part("unit"))
        yield replace(limit, end=found.end)
        yield replace(
            limit,
            value=values[0],
            value_high=values[1],
            first=ranges.first,
            end=ranges.end,
        )
    elif pressure and rule("pressure_word").search(
        tokens, max(0, limit.first - 10), limit.first
    ):
        limit = replace(limit, unit=pressure.part("unit"))
        diastolic = int(pressure.read("diastolic") or 0)
        yield replace(limit, end=low_end)
        yield replace(limit, value=diastolic, first=low_end, end=pressure.end)
    elif (
        measure.compared
        and not limit.unit
        and (pair := rule("slash_pair").starts(tokens, low_end))
    ):
        yield replace(limit, unit=pair.part("unit"), end=low_end)
        yield replace(
            limit,
            unit=pair.part("unit"),
            value=int(pair.read("other") or 0),
            first=low_end,
            end=pair.end,
        )
    else:
        yield limit


def _find_chain(tokens: Tokens, first: int) -> list[Limit]:
    """Return the limits of a quantity between two numbers, which begin at a token; nothing if
    there are none.
    """
    if tokens.codes.count("<") + tokens.codes.count("≤") > 1 and (
        found := rule("chained_limit").starts(tokens, first)
    ):
        return _read_chain(found)
    if tokens.codes.count("=") > 1 and (
        found := rule("lost_chain").starts(tokens, first)
    ):
        return _read_lost_chain(found)
    return []


def _read_lost_chain(found: Found) -> list[Limit]:
    """Return the range of "18 = age = 65 years", whose signs lost what is not "="; it has
    another reading.
    """
    low = read_value(found, "low")
    high = read_value(found, "high")
    if low is None or high is None or low >= high:
        return []
    unit, time_unit = _find_unit_of(found, "unit", "low_unit")
    quantity = found.part("quantity")
    return [
        Limit(
            Comparator.BETWEEN,
            low,
            high,
            found.first,
            found.end,
            quantity,
            unit,
            time_unit,
            settled=False,
        )
    ]


def _read_chain(found: Found) -> list[Limit]:
    """Return a quantity between two numbers ("18 ≤ age < 65"); nothing if the numbers do not
    rise with the signs.
    """
    low = read_value(found, "low")
    high = read_value(found, "high")
    if low is None or high is None or low == high:
        return []
    unit, time_unit = _find_unit_of(found, "unit", "low_unit")
    front, behind = (
        read_comparator("comparators", found, name) for name in ("front", "behind")
    )
    if (
        front is None
        or behind is None
        or (front in UPPER) is not (behind in UPPER)
        or (low < high) is not (front in UPPER)
    ):
        return []
    whole = Limit(
        Comparator.BETWEEN,
        min(low, high),
        max(low, high),
        found.first,
        found.end,
        found.part("quantity"),
        unit,
    )
    whole = replace(whole, time_unit=time_unit)
    if (front, behind) in ((Comparator.AT_MOST,) * 2, (Comparator.AT_LEAST,) * 2):
        return [whole]
    first = found.place("behind")[0]
    opposite = {
        Comparator.LESS: Comparator.MORE,
        Comparator.AT_MOST: Comparator.AT_LEAST,
    }
    opposite |= {sign: other for other, sign in opposite.items()}
    return [
        replace(
            whole, comparator=opposite[front], value=low, value_high=None, end=first
        ),
        replace(whole, comparator=behind, value=high, value_high=None, first=first),
    ]
