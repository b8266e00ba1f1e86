"""Make the limit that a number states: its comparator, its quantity, its unit and its rate."""

from dataclasses import replace

from extractor.concepts.limits.bounds import Limit, find_quantity, turn_comparator
from extractor.concepts.limits.denials import (
    cut_denial,
    find_denied,
    must_not,
    must_not_exceed,
    turns_comparator,
)
from extractor.concepts.limits.measures import (
    FEW,
    SIGN_REACH,
    Measure,
    find_bounds,
    find_unit_of,
)
from extractor.concepts.limits.quantity_names import names_quantity
from extractor.concepts.limits.units_apart import find_unit_apart, name_beside_unit
from extractor.language.book import read_term, rule
from extractor.language.lexer import NUMBER, Range, Tokens
from extractor.language.numbers import multiply
from extractor.language.units import read_unit
from extractor.schemas import Comparator, CriterionKind

_ACRONYM = 4
"""The fewest letters of the name of a scale in capitals."""
_SCALES = frozenset({"VAS", "NRS", "SCALE", "SCORE"})
_SHARES = frozenset({"half", "twice", "thrice", "double"})
"""Numbers in words that count shares of something."""
_MASSES = frozenset({"mg", "mcg", "ug", "μg"})
_SHORT_WORD = 4
"""A substance has a longer word."""
_AGE_REACH = 7
"""How many tokens before a bare number may say that it is an age."""


def read_stated(
    measure: Measure, floor: int, kind: CriterionKind | None
) -> Limit | None:
    """Return the limit that a measure states; None if it states none: a difference ("> 5 points
    above baseline"), a range of a scale ("(range 0-10)"), a number without a comparator.

    Three kinds of numbers need no comparator: an age, a multiple of a limit of normal, and a count
    that opens a criterion ("Two prior lines of therapy"). The unit stands behind the number, else
    in brackets before or behind the limit, and then its power of ten scales the numbers: "platelets
    (x10^9/L) > 100". ``floor`` is the token at which the limit before it ends. ``kind`` is that of
    the list.
    """
    tokens = measure.match.tokens
    denied = find_denied(measure)
    comparator, is_sure = _decide_comparator(measure, floor, kind, denied)
    if comparator is None:
        return _count_things(measure)
    _, high, end = find_bounds(measure)
    unit, time_unit, end = _find_own_unit(measure, high, end)
    # "> 5 points above baseline"
    if rule("relative_after").starts(tokens, end):
        return None
    if unit is None and rule("no_limit_after").starts(tokens, end):
        return None
    # "Weight above twice the ideal weight"
    if unit is None and _is_share(tokens, end):
        return None
    apart = find_unit_apart(measure, floor, end) if unit is None else None
    # as in "Albumin in g/L of at least 30", "Age (yrs) > 18"
    if apart:
        unit = apart.unit
        time_unit = apart.time_unit
    quantity = cut_denial(_find_limited(measure, floor, unit, end), denied)
    if apart and _touches(quantity, apart.unit):
        quantity = name_beside_unit(tokens, floor, measure.first, apart.unit)
    # as in "PHQ-9 of 10 or more (possible values 0 to 27)"
    if comparator is Comparator.BETWEEN and _is_scale(measure, quantity, time_unit):
        return None
    # "at least one seizure per week"
    if unit is None and quantity:
        unit = _find_counted_per_time(tokens, quantity, end)
    limit = Limit(
        comparator,
        measure.low,
        high,
        measure.first,
        _find_end(measure, unit, end),
        quantity,
        unit,
        time_unit,
        is_sure,
        _find_rate_behind(tokens, unit, quantity),
    )
    return _scale(limit, apart.factor) if apart else limit


def _is_share(tokens: Tokens, end: int) -> bool:
    """Return whether a number that ends at token ``end`` is a share of something that has no number
    of its own: "at least half the maximum", "twice the ideal weight".
    """
    if tokens.words[end - 1].lower() not in _SHARES:
        return False
    return rule("share_after").starts(tokens, end) is not None


def _decide_comparator(
    measure: Measure, floor: int, kind: CriterionKind | None, denied: Range | None
) -> tuple[Comparator | None, bool]:
    """Return the comparator of a measure, turned into its opposite if the words before it deny it,
    and whether it is sure. It is None if the measure is no limit.

    ``kind`` is that of the list, ``denied`` what ``find_denied`` returns.
    """
    comparator, is_sure = _compare(measure, floor, kind)
    if comparator is None:
        return None, False
    if kind is CriterionKind.EXCLUSION:
        # "tumour without nodes > 1 cm" among exclusions bars the others, or these
        is_sure = is_sure and denied is None
        # so does "BMI must not be above 40"
        is_sure = is_sure and not must_not(measure)
        # "Weight should not exceed 120 kg" says the same in one word
        if must_not_exceed(measure):
            return comparator.opposite or comparator, False
    if turns_comparator(measure, kind, denied):
        comparator = comparator.opposite or comparator
    return comparator, is_sure


def _compare(
    measure: Measure, floor: int, kind: CriterionKind | None
) -> tuple[Comparator | None, bool]:
    """Return the comparator of a measure as its words say it, and whether the text states it. It is
    None if the measure is no limit.

    The scale of the quantity decides the sense of "or better", and the list that of a bare age.
    """
    match = measure.match
    turned = match.read("turn")
    if not turned and measure.compared:
        turned = measure.compared.read("turn")
    if turned:
        return _compare_turned(measure, floor, turned), True
    comparator = find_bounds(measure)[0]
    if comparator:
        return comparator, True
    behind = match.place("low")[1]
    # "Children before their 13th birthday"
    if measure.time_unit and rule("birthday").starts(match.tokens, behind):
        return _compare_birthday(measure)
    return _compare_bare(measure, kind)


def _compare_turned(measure: Measure, floor: int, turned: str) -> Comparator | None:
    """Return the comparator of words such as "or better" (``turned``), by the scale of the quantity
    that is named behind token ``floor``; None if its direction is not known.
    """
    tokens = measure.match.tokens
    subject = find_quantity(tokens, floor, measure.first)
    name = tokens.read(*subject) if subject else ""
    unit = tokens.read(*measure.unit) if measure.unit else None
    return turn_comparator(turned, name, unit)


def _compare_bare(
    measure: Measure, kind: CriterionKind | None
) -> tuple[Comparator | None, bool]:
    """Return the comparator of a number that has none beside it, and False, as it is never sure.

    A multiple of a limit of normal is a lower bound. An age is one too, but among exclusions an
    upper bound, unless it is reached ("have completed 18 years"). All other numbers, and the
    members of a list, have no comparator.
    """
    match = measure.match
    tokens = match.tokens
    first = measure.first
    before = tokens.words[first - 1].lower() if first else ""
    is_listed = before in (",", "and", "or")
    is_multiple = read_unit(match.read("unit") or "") == "{ULN}"
    # "three times the upper limit of normal", but not "1.5 and 2 times ULN, respectively"
    if is_multiple and not is_listed:
        return Comparator.AT_LEAST, False
    if not measure.time_unit:
        return None, False
    # "16 weeks 0 days" has one length.
    if rule("time_unit").ends(tokens, match.first, match.first - 2):
        return None, False
    is_age = rule("age_word").search(tokens, max(0, first - _AGE_REACH), first)
    if not is_age and not rule("age_after").starts(tokens, match.end):
        return None, False
    # "vaccinated at 2, 4 and 6 months of age"
    if is_listed and tokens.codes[first - 2 : first - 1] == NUMBER:
        return None, False
    # "pubic hair before 8 years of age"
    if rule("before_an_age").ends(tokens, first, first - 2):
        return Comparator.LESS, False
    has_reached = before in ("completed", "attained", "reached")
    if kind is CriterionKind.EXCLUSION and not has_reached:
        return Comparator.AT_MOST, False
    return Comparator.AT_LEAST, False


def _compare_birthday(measure: Measure) -> tuple[Comparator | None, bool]:
    """Return the comparator of a birthday that only the words before it tell, and whether it is
    sure: "<" for "until the 6th birthday", "≥" for "has reached the 18th birthday", else None.
    """
    tokens = measure.match.tokens
    first = measure.first
    # "Children before their 13th birthday"
    if rule("until_before").ends(tokens, first, first - SIGN_REACH):
        return Comparator.LESS, True
    # "Has celebrated the 50th birthday"
    if rule("reached_before").ends(tokens, first, first - SIGN_REACH):
        return Comparator.AT_LEAST, True
    return None, False


def _count_things(measure: Measure) -> Limit | None:
    """Return the limit of a bare count that opens a criterion: "Two prior lines of therapy" are
    exactly two, "three prior regimens at most" are at most three.

    None if the number does not open the criterion, has a unit or is a range, or if nothing
    countable follows it.
    """
    match = measure.match
    tokens = match.tokens
    if measure.first:
        return None
    if measure.unit or match.has("high"):
        return None
    counted = rule("counted_noun").starts(tokens, match.end)
    if counted is None:
        return None
    # "80 adults will be enrolled" and "1½ tablets" ask for nothing
    if not rule("counted_thing").search(tokens, match.end, counted.end):
        return None
    comparator = Comparator.EQUAL
    is_stated = False
    end = match.end
    suffix = rule("comparator_suffixes").starts(tokens, counted.end)
    if suffix:
        end = suffix.end
        term = read_term("comparator_suffixes", tokens, counted.end, end)
        if term:
            comparator = Comparator(term.value)
            is_stated = True
    return Limit(
        comparator,
        measure.low,
        None,
        match.first,
        end,
        counted.part("noun"),
        sure=is_stated,
    )


def _find_own_unit(
    measure: Measure, high: float | None, end: int
) -> tuple[Range | None, str | None, int]:
    """Return the tokens of the unit behind the number of a limit, its unit of time, and the token
    at which the limit ends. ``high`` and ``end`` are those of ``find_bounds``.

    "At least 2 cycles" is a count of cycles: it has no unit, and ends before the word. The unit of
    a share holds what the share is a difference from: "% above the ULN".
    """
    unit = measure.unit
    time_unit = measure.time_unit
    # "15 years and 9 months"
    if high is None and measure.match.has("high") and measure.match.has("low_unit"):
        unit, time_unit = find_unit_of(measure.match, "low_unit")
        # "testosterone < 350 ng/dL and > 100 ng/dL": the second limit begins behind the unit
        if unit:
            end = max(end, unit[1])
    if unit is None:
        return None, time_unit, end
    # "at least 2 cycles of therapy": a count, and no length of time
    if time_unit == "cycle":
        return None, None, unit[0]
    relative = rule("relative_unit").starts(measure.match.tokens, unit[0])
    # the unit of "HbA1c > 0.5 % above the ULN"
    if relative:
        return (relative.first, relative.end), time_unit, max(end, relative.end)
    return unit, time_unit, end


def _touches(quantity: Range | None, unit: Range) -> bool:
    """Return whether a unit stands in the words of a quantity, or directly beside them."""
    if quantity is None:
        return False
    return quantity[0] <= unit[1] and unit[0] <= quantity[1]


def _find_limited(
    measure: Measure, floor: int, unit: Range | None, end: int
) -> Range | None:
    """Return the tokens that name the limited quantity; None if there are none.

    They stand within the comparator's words, or else behind the number: what a number without a
    unit counts ("at least one measurable lesion"), a drink ("> 14 units of alcohol"), a substance
    ("> 10 mg/day of prednisone"). Else they stand in front of the limit. ``unit`` are the tokens of
    the unit, ``end`` is the token behind the number and its unit.
    """
    tokens = measure.match.tokens
    if measure.compared:
        name = measure.compared.part("name")
        if name:
            return name
    first = measure.first
    # "ANA of 1:160": the name ends before the whole titre
    is_titre = tokens.words[max(0, first - 2) : first] == ["1", ":"]
    if is_titre and tokens.joined(first):
        first -= 2
    named = find_quantity(tokens, floor, first, unit)
    if unit is None:
        return _find_counted(measure, named, end)
    drink = rule("drink_behind").starts(tokens, unit[1])
    if drink and measure.comparator is not Comparator.EQUAL:
        word = tokens.words[drink.end - 1].lower()
        if named and word in tokens.read(*named).lower():
            return named
        return drink.part("name")
    return _find_substance(tokens, unit, end) or named


def _find_counted(measure: Measure, named: Range | None, end: int) -> Range | None:
    """Return the tokens of what a number without a unit counts, behind its ``end``: "at least one
    measurable lesion".

    It is ``named``, the quantity in front, if that is a scale, or if nothing countable follows.
    Otherwise the thing behind goes first if no quantity is named in front, or if the number looks
    like a count: small, in words, or with a suffix ("or more").
    """
    tokens = measure.match.tokens
    # "ICDAS <= 2 molars" names its scale in front
    if named and _names_scale(tokens, named):
        return named
    counted = rule("counted_noun").starts(tokens, end)
    if counted is None:
        return named
    if named is None or rule("nameless_words").covers(tokens, *named):
        return counted.part("noun")
    # "at least", but not "≥"
    if measure.compared:
        has_comparator_in_words = tokens.words[measure.first].isalpha()
    else:
        has_comparator_in_words = measure.match.has("suffix")
    is_small = isinstance(measure.low, int) and measure.low < FEW
    return counted.part("noun") if has_comparator_in_words or is_small else named


def _names_scale(tokens: Tokens, named: Range) -> bool:
    """Return whether the words at ``named`` are a scale that has bare numbers: they end with an
    acronym of four capitals or more, or surely name a known quantity.
    """
    last = tokens.words[named[1] - 1]
    is_acronym = len(last) >= _ACRONYM and last.isupper()
    # a criterion all in capitals has no acronyms
    if is_acronym and not tokens.text.isupper():
        return True
    return names_quantity(tokens.read(*named), surely=True)


def _find_substance(tokens: Tokens, unit: Range, end: int) -> Range | None:
    """Return the tokens of the substance behind a dose: "> 10 mg/day of prednisone".

    ``unit`` are the tokens of the unit, ``end`` is where the limit ends. None if the unit is no
    mass, or is a concentration ("mg/dL"), or if all words behind it are too short for a substance.
    """
    if tokens.words[unit[0]] not in _MASSES:
        return None
    below = tokens.words[unit[0] + 1 : unit[1]]
    if any(word.endswith(("L", "l")) for word in below):
        return None
    first = unit[1]
    # "35 mg or more of elemental iron"
    if end > first and tokens.words[end : end + 1] == ["of"]:
        first = end
    substance = rule("substance").starts(tokens, first)
    if substance is None:
        return None
    longest = max(map(len, substance.text.split()))
    return substance.part("name") if longest > _SHORT_WORD else None


def _is_scale(measure: Measure, quantity: Range | None, time_unit: str | None) -> bool:
    """Return whether a range is that of a scale, and so no limit: "4 on a numeric scale from 0 to
    10".

    In brackets it is if a limit stands before or behind it ("pain >= 4 (0-10)", "itch NRS (0-10) ≥
    7"), or if it begins at 0 behind the name of a scale ("a pain VAS (0-100 mm)").
    """
    match = measure.match
    tokens = match.tokens
    last = ""
    if quantity:
        last = tokens.words[quantity[1] - 1]
        # "Pain of at least 4 on a scale of 0 to 10"
        if not time_unit and rule("scale_range").starts(tokens, quantity[0]):
            return True
    starts_low = match.read("low") in ("0", "1") and not match.has("unit")
    if starts_low and last.lower() == "scale":
        return True
    opening = tokens.codes[match.first - 1 : match.first]
    closing = tokens.codes[match.end : match.end + 1]
    is_bracketed = opening == "(" and closing == ")"
    if not is_bracketed:
        return False
    # the range of "pain >= 4 (0-10)"
    if starts_low and tokens.codes[match.first - 2 : match.first - 1] == NUMBER:
        return True
    # the range of "a pain VAS (0-100 mm)"
    if match.read("low") == "0" and last.upper() in _SCALES:
        return True
    # "itch NRS (0-10) ≥ 7": a limit stands behind
    limit = rule("comparison").search(tokens, match.end, match.end + SIGN_REACH)
    return limit is not None


def _find_counted_per_time(tokens: Tokens, quantity: Range, end: int) -> Range | None:
    """Return the tokens that say how often something is counted, which are the unit of a count: the
    "per week" of "one seizure per week", the "events per hour" of "AHI below 15 events per hour".
    None if there are none. ``end`` is where the limit ends.
    """
    # the quantity is what is counted, behind the number
    if quantity[0] >= end:
        rate = rule("period_rate").starts(tokens, quantity[1])
        return (rate.first, rate.end) if rate else None
    counted = rule("counted_noun").starts(tokens, end)
    if counted is None:
        return None
    rate = rule("period_rate").starts(tokens, counted.end)
    return (end, rate.end) if rate else None


def _find_rate_behind(
    tokens: Tokens, unit: Range | None, quantity: Range | None
) -> Range | None:
    """Return the tokens of the rate behind the drink or the substance that follows a unit: the "per
    day" of "> 10 mg prednisone per day". None without a unit, substance or rate.
    """
    if unit is None:
        return None
    drink = rule("drink_behind").starts(tokens, unit[1])
    rate = None
    if drink:
        rate = rule("period_rate").starts(tokens, drink.end)
        rate = rate or rule("rate_after").starts(tokens, drink.end)
    elif quantity and quantity[0] >= unit[1]:
        rate = rule("rate_after").starts(tokens, quantity[1])
    if rate is None:
        return None
    return rate.part("rate") or (rate.first, rate.end)


def _find_end(measure: Measure, unit: Range | None, end: int) -> int:
    """Return the token at which a limit ends: behind the plus that is its unit ("2+"), else behind
    the comparator that follows its number ("or more"), and ``end`` at least.
    """
    match = measure.match
    # as in "proteinuria >= 2+ at entry"
    if unit and match.tokens.words[unit[0]] == "+":
        return unit[1]
    for name in ("suffix", "turn"):
        part = match.part(name)
        if part:
            end = max(end, part[1])
    return end


def _scale(limit: Limit, factor: float) -> Limit:
    """Return a limit with its numbers times ``factor``, the power of ten of its unit."""
    value = multiply(limit.value, factor)
    if limit.value_high is None:
        return replace(limit, value=value)
    return replace(limit, value=value, value_high=multiply(limit.value_high, factor))
