"""Read a line into typed spans: numbers, units, comparators, quantities and connectives."""

import re
from collections.abc import Iterator

from extractor.language.book import find_terms, read_table, read_term, rule
from extractor.language.lexer import NUMBER, Range, Tokens, keep
from extractor.language.numbers import (
    MONTHS_OF_YEAR,
    MULTIPLES,
    ROMAN,
    Duration,
    find_durations,
    has_minus,
    list_readings,
    read_number,
    read_time_unit,
)
from extractor.language.patterns import RuleMatch
from extractor.language.units import find_unit, read_unit
from extractor.measures.grammar import Expression, find_rules
from extractor.measures.makers import Bound, NumberWithUnit, WrittenNumber, WrittenUnit
from extractor.measures.names import find_names, fold_words
from extractor.schemas.vocabulary import Comparator, TimeUnit

PRODUCED = ("amount", "open_end", "bounds")
"""The kinds of spans that the productions of the measures grammar form."""
_BEFORE_GAP = ("comparator", "distant", "scale", "aged_word", "age_not_reached_sign")
"""Kinds of spans after which filler words may precede the number: "at least a score of 3"."""
_BEFORE_UNIT = ("suffix", "bound_left_out")
"""Kinds of spans that may stand between a number and its unit."""
# Half of it reads "Visual acuity in each of both eyes with current glasses of ..." otherwise.
_NEAR = 12
"""Maximum number of tokens between a measurement and the word that explains its unit: "visual
acuity" before "20/40", or "walk" before "150 m".
"""
# One less reads "Diabetes without insulin and HbA1c > 7%" otherwise.
_SPREAD = 3
"""Maximum number of tokens, including punctuation, per word of a name."""
# Shorter ones are ambiguous: "G" stands for gauge, grade and gram.
_LONG_UNIT = 3
"""Minimum number of letters of a unit that only doses have."""
_NO_NAME = (",", ";", ":")
"""Punctuation that the name of a quantity cannot contain."""
_WEEK = 7
"""The number of days of a week."""
_GESTATION = range(1, 46)
"""The weeks of a pregnancy."""
_GRADES = range(101)
"""Whole numbers that can be grades, unlike versions and years."""


@keep
def read_terminals(tokens: Tokens) -> tuple[Expression, ...]:
    """Return all spans of a line that are not created by productions. The result is cached, since
    the window reader also needs it.
    """
    spans = [
        *find_rules(tokens, "measures", PRODUCED),
        *_find_comparators(tokens),
        *_find_at_bounds(tokens),
        *_find_acuities(tokens),
        *_find_gestations(tokens),
        *_find_times(tokens),
        *find_quantities(tokens),
        *_find_grades(tokens),
    ]
    for number in _find_numbers(tokens):
        spans.append(number)
        spans += _read_unit_after(tokens, number.end)
        if tokens.code_at(number.end) == "+":
            # in "proteinuria 2+", the plus sign is the unit; in "70+ years", the unit follows it
            sign_end = number.end + 1
            spans.append(
                Expression("unit", number.end, sign_end, "plus", WrittenUnit("+"))
            )
            spans += _read_unit_after(tokens, sign_end)
    # the unit in "10 or more mutations per megabase" and in "60 (exclusive) mL/min"
    for remark in [span for span in spans if span.kind in _BEFORE_UNIT]:
        if tokens.code_at(remark.first - 1) == NUMBER:
            spans += _read_unit_after(tokens, remark.end)
    starts = {span.end for span in spans if span.kind in _BEFORE_GAP}
    for at in starts:
        gap = rule("measure_gap").starts(tokens, at)
        if gap and gap.end > at:
            spans.append(Expression("gap", at, gap.end, "measure_gap", gap.text))
    return tuple(spans)


def _find_numbers(tokens: Tokens) -> Iterator[Expression]:
    """Yield a span for each possible reading of each number, giving less likely readings a lower
    weight. Numbers that are part of a name are omitted.
    """
    for match in rule("number").find(tokens):
        # "RECIST v. 1", "week 4"
        if rule("number_of_name").ends(tokens, match.first):
            continue
        start = match.first
        is_negative = has_minus(tokens, start)
        # the hyphen in "to-2.5" is not a token
        is_sign_apart = is_negative and tokens.words[start - 1].lower() in (
            "-",
            "minus",
        )
        if is_sign_apart or _has_plus(tokens, start):
            start -= 1
        kind = "number"
        before = tokens.read(max(0, start - 2), start).replace(" ", "")
        if before == "1:":
            # "1:80" is a titre, whose value is the second number
            start -= 2
        elif tokens.codes[max(0, start - 2) : start] == f"{NUMBER}/":
            # the 10 in "4/10", or the 90 in "140/90"
            kind = "below"
        weight = 0.0
        for value in list_readings(match.text):
            signed = value
            if is_negative:
                signed = -value
            read = WrittenNumber(signed, match.text)
            yield Expression(kind, start, match.end, "number", read, weight=weight)
            # the readings that follow are less likely
            weight = -1.0
    # "twice", "triple"
    for at, word in enumerate(tokens.words):
        times = MULTIPLES.get(word.lower())
        if times:
            yield Expression("number", at, at + 1, "times", WrittenNumber(times, ""))
            # "twice normal": the normal limit is the unit
            if tokens.words[at + 1 : at + 2] == ["normal"]:
                yield Expression(
                    "unit", at + 1, at + 2, "times_normal", WrittenUnit("normal")
                )


def _has_plus(tokens: Tokens, at: int) -> bool:
    """Return whether a number has a plus sign ("+2 SD") that does not denote an addition
    ("2+0").
    """
    codes = tokens.codes
    if not codes.endswith("+", 0, at):
        return False
    return not codes.endswith(NUMBER, 0, at - 1)


def _read_unit_after(tokens: Tokens, at: int) -> Iterator[Expression]:
    """Yield the unit after a number; a hyphen or a repetition may precede the unit: "six (6)
    weeks". A unit with a rate is also a unit, and so is the rate of counted things: "glasses of
    wine a day".
    """
    ordinal = _read_ordinal(tokens, at)
    if ordinal:
        yield ordinal
        return
    start = _begin_unit(tokens, at)
    if start is None:
        return
    unit = rule("unit_of_limit").starts(tokens, start)
    end = start
    if unit:
        end = unit.end
    rated = rule("rate_apart").starts(tokens, end)
    if unit is None or unit.end == unit.first:
        # "3 glasses of wine a day": counted things have only a rate
        if rated:
            words = WrittenUnit(rated.read("rate"))
            yield Expression("unit", at, rated.end, "rate_apart", words)
        else:
            yield from _read_unit_of_doses(tokens, at)
        return
    time = _read_time(tokens, unit)
    # "10 mg prednisone daily": the rate goes with the unit, not with the words between
    if rated and time is None:
        words = WrittenUnit(f"{unit.text} {rated.read('rate')}")
        yield Expression("unit", at, rated.end, "rate_apart", words)
    written = WrittenUnit(unit.text, time)
    in_brackets = start > at and tokens.codes[start - 1] in "(["
    if in_brackets:
        end += 1
    # the bracket must close directly behind the unit
    if not in_brackets or tokens.code_at(end - 1) in (")", "]"):
        yield Expression("unit", at, end, "limit_unit", written, weight=0.5)


def _read_unit_of_doses(tokens: Tokens, at: int) -> Iterator[Expression]:
    """Yield a unit of doses in words, such as "milligrammes", which is no name of a quantity."""
    place = find_unit(tokens, at)
    if place is None:
        return
    is_word = len(tokens.words[at]) >= _LONG_UNIT
    if is_word and place.code[0].isalpha():
        written = WrittenUnit(tokens.read(at, place.end))
        yield Expression("unit", at, place.end, "limit_unit", written, weight=0.5)


def _begin_unit(tokens: Tokens, at: int) -> int | None:
    """Return the token where the unit after a number may begin: after a repetition, a hyphen or an
    opening bracket. Return None if the brackets mention people: the "(F)" in ">= 12 (F)" is not
    degrees Fahrenheit.
    """
    repeat = rule("number_repeat").starts(tokens, at)
    if repeat:
        at = repeat.end
    # not as in "18-year-old" or "10 (mg/dL)"
    if at >= len(tokens):
        return at
    if tokens.codes[at] not in "-([":
        return at
    if rule("value_people").starts(tokens, at):
        return None
    return at + 1


def _read_ordinal(tokens: Tokens, at: int) -> Expression | None:
    """Return the unit (a birthday or a percentile) that follows an ordinal number, or None if
    neither follows.
    """
    birthday = rule("birthday").starts(tokens, at)
    # "18th birthday"
    if birthday:
        return Expression(
            "unit", at, birthday.end, "birthday", WrittenUnit("years", TimeUnit.YEAR)
        )
    ordinal = rule("ordinal_unit").starts(tokens, at)
    if ordinal is None:
        return None
    return Expression(
        "unit", at, ordinal.end, "ordinal", WrittenUnit(ordinal.read("unit") or None)
    )


def _read_time(tokens: Tokens, unit: RuleMatch) -> TimeUnit | None:
    """Return the time unit that corresponds to a matched unit, including "consecutive months", or
    None if the matched unit is not a time unit.
    """
    # "D" after a number means dioptres; days are "d"
    if unit.text == "D":
        return None
    near = max(0, unit.first - _NEAR)
    # "6MWD of at least 150 m" is a distance
    if unit.text == "m" and rule("walked").search(tokens, near, unit.first):
        return None
    if rule("span_unit").covers(tokens, unit.first, unit.end):
        return read_time_unit(unit.text.split()[-1])
    return read_time_unit(unit.text)


def _find_at_bounds(tokens: Tokens) -> Iterator[Expression]:
    """Yield comparisons with a normal limit that is not preceded by a number: "<= ULN", "<= ULN x
    2.5".
    """
    for match in rule("at_normal_bound").find(tokens):
        # "within the ULN" has no comparator
        sign = "<="
        comparator = match.part("comparator")
        entry = comparator and read_term("comparators", tokens, *comparator)
        if entry:
            sign = entry.value
        code = read_unit(match.read("unit")) or ""
        factor = read_number(match.read("times") or match.read("low")) or 1
        amount = NumberWithUnit(factor, None, f"x {code.strip('{}')}")
        bound = Bound(Comparator(sign), amount, match.first, match.end)
        yield Expression(
            "bounds", match.first, match.end, "at_bound", (bound,), weight=5.0
        )


def _find_acuities(tokens: Tokens) -> Iterator[Expression]:
    """Yield visual acuity fractions as amounts: the denominator is the number, and the numerator is
    the unit, "20/". A word for vision must precede the fraction, and the line must not name another
    scale of vision.
    """
    for match in rule("acuity").find(tokens):
        near = max(0, match.first - _NEAR)
        low = read_number(match.read("low"))
        # "visual analogue scale 20/100" is no acuity
        if low is None:
            continue
        if rule("visual_scale").search(tokens, near):
            continue
        if rule("vision_word").search(tokens, near, match.first):
            amount = NumberWithUnit(low, None, f"{tokens.words[match.first]}/")
            yield Expression(
                "amount", match.first, match.end, "acuity", amount, weight=4.0
            )


def _find_gestations(tokens: Tokens) -> Iterator[Expression]:
    """Yield the weeks and days of a pregnancy as amounts in weeks, and two of them as a range:
    "24+0 to 27+6 weeks". A line that does not speak of a pregnancy or a birth has none.
    """
    last: tuple[RuleMatch, float] | None = None
    for match in rule("weeks_and_days").find(tokens):
        weeks = _read_weeks(match.text)
        if weeks is None or not rule("gestation_word").occurs(tokens):
            continue
        amount = NumberWithUnit(weeks, None, "weeks", written=match.text)
        yield Expression(
            "amount", match.first, match.end, "weeks_and_days", amount, weight=4.0
        )
        if last and last[1] < weeks and _joins_range(tokens, last[0].end, match.first):
            whole = last[0].first, match.end
            amount = NumberWithUnit(last[1], weeks, "weeks", written=match.text)
            bound = Bound(Comparator.BETWEEN, amount, *whole)
            yield Expression("bounds", *whole, "weeks_and_days", (bound,), weight=6.0)
        last = match, weeks


def _read_weeks(text: str) -> float | None:
    """Return the number of weeks in "24+3", "24 3/7" or "24w3d"; None if it is no such number."""
    weeks, days, *of_week = map(int, re.findall(r"\d+", text))
    # a week has seven days
    if days >= _WEEK or of_week not in ([], [_WEEK]) or weeks not in _GESTATION:
        return None
    if days == 0:
        return weeks
    return round(weeks + days / _WEEK, 2)


def _joins_range(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether the tokens between two numbers make them a range."""
    if first == end:
        return "-" in tokens.gap(end)
    return rule("measure_joint").covers(tokens, first, end) is not None


def _find_comparators(tokens: Tokens) -> Iterator[Expression]:
    """Yield comparators as spans of kind "comparator" before a number ("at least"), or "suffix"
    after it ("or more"), and the comparators that may be apart from their number. The value of a
    span is a sign, such as ">=", or the words of a comparator whose sign depends on the scale.
    """
    for term in find_terms(tokens, "comparators"):
        # the "min" in "mL/min"
        is_behind_slash = term.first and tokens.codes[term.first - 1] == "/"
        is_word = tokens.words[term.first][0].isalpha()
        if is_behind_slash and is_word and tokens.joined(term.first):
            continue
        yield Expression(
            "comparator", term.first, term.end, rule="comparators", value=term.value
        )
    yield from _find_comparators_apart(tokens)
    yield from _find_turned_comparators(tokens)
    for term in find_terms(tokens, "comparator_suffixes"):
        yield Expression(
            "suffix", term.first, term.end, rule="comparator_suffixes", value=term.value
        )


def _find_comparators_apart(tokens: Tokens) -> Iterator[Expression]:
    """Yield the comparators that may be apart from their number, with a sign as the value: of kind
    "age_not_reached_sign" ("has not reached the age of"), of kind "age_from_sign" ("adults from"),
    or of kind "distant" before the name of the quantity ("minimum life expectancy of").
    """
    name = "age_not_reached_sign"
    for match in rule(name).find(tokens):
        yield Expression(name, match.first, match.end, rule=name, value="<")
    for match in rule("age_from_sign").find(tokens):
        place = match.place("sign")
        yield Expression("age_from_sign", *place, rule="age_from_sign", value=">=")
    for match in rule("distant_comparison").find(tokens):
        # the rule begins with "minimum", "minimal", "maximum" or "maximal"
        sign = "<="
        if tokens.words[match.first].lower().startswith("min"):
            sign = ">="
        yield Expression(
            "distant", match.first, match.end, rule="distant_comparison", value=sign
        )


def _find_turned_comparators(tokens: Tokens) -> Iterator[Expression]:
    """Yield the comparators whose sign depends on the scale ("turned"), before or after a number:
    "no worse than 2", "20/40 or better". Better means lower on the ECOG scale, but higher on
    Karnofsky's. The quantity is not known here, so the value of a span is not a sign but the words.
    """
    for name, kind in (("turned_in_front", "comparator"), ("turned", "suffix")):
        for match in rule(name).find(tokens):
            yield Expression(kind, match.first, match.end, rule=name, value=match.text)


def _find_times(tokens: Tokens) -> Iterator[Expression]:
    """Yield durations and ranges of durations as amounts."""
    for duration in find_durations(tokens):
        if duration.is_sum:
            yield from _read_sum(duration)
            continue
        first = duration.first
        end = duration.end
        kind = "time"
        high = None
        if duration.low != duration.high:
            kind = "duration"
            high = duration.high
            # "6 and 12 months" are two times, unless the words open the text or follow "between"
            opens = first == 0 or rule("range_opening").ends(tokens, first)
            if not opens and "and" in map(str.lower, tokens.words[first:end]):
                continue
        amount = NumberWithUnit(duration.low, high, duration.unit.value, duration.unit)
        yield Expression(kind, first, end, "duration", amount, weight=0.5)
    for match in rule("half_lives").find(tokens):
        low = read_number(match.read("low"))
        if low is not None:
            amount = NumberWithUnit(low, None, "half-lives", TimeUnit.HALF_LIFE)
            yield Expression(
                "time", match.first, match.end, "half_lives", amount, weight=0.5
            )
    for match in rule("last_unit").find(tokens):
        unit = read_time_unit(match.read("unit"))
        if unit:
            amount = NumberWithUnit(1, None, unit.value, unit)
            yield Expression("last_unit", match.first, match.end, "last_unit", amount)


def _read_sum(duration: Duration) -> Iterator[Expression]:
    """Yield a duration in two units, or a range whose upper end has two units: "6 to 17 years 11
    months".
    """
    place = duration.first, duration.end
    upper = NumberWithUnit(duration.high, None, duration.unit.value, duration.unit)
    # the heavy weight outweighs the readings of "5 years" and "10 months" alone
    if duration.low == duration.high:
        yield Expression("amount", *place, "duration", upper, weight=6.0)
        return
    lower = NumberWithUnit(duration.low / MONTHS_OF_YEAR, None, "year", TimeUnit.YEAR)
    bounds = (
        Bound(Comparator.AT_LEAST, lower, *place),
        Bound(Comparator.AT_MOST, upper, *place),
    )
    yield Expression("bounds", *place, "duration", bounds, weight=6.0)


def _find_grades(tokens: Tokens) -> Iterator[Expression]:
    """Yield graded scales, and lists of grades in digits or Roman numerals as (lowest, highest)
    pairs. A list in Roman numerals is yielded as both kinds, "grades" and "roman".
    """
    for scale in rule("graded_scale").find(tokens):
        yield Expression("scale", *scale.place("scale"), "graded_scale", scale.text)
    for match in rule("grade_list").find(tokens):
        words = tokens.words[match.first : match.end]
        numbers = [ROMAN.get(word, read_number(word)) for word in words]
        grades = [number for number in numbers if number is not None]
        if not grades:
            continue
        if not all(grade in _GRADES for grade in grades):
            continue
        if _is_no_grade(tokens, match):
            continue
        value = min(grades), max(grades)
        yield Expression("grades", match.first, match.end, "grade_list", value)
        if NUMBER not in tokens.codes[match.first : match.end]:
            yield Expression("roman", match.first, match.end, "grade_list", value)


def _is_no_grade(tokens: Tokens, match: RuleMatch) -> bool:
    """Return True if numbers are not grades but part of another expression: "CTCAE 5", "-2", "+2",
    "3rd", "IIIA", "2/4".
    """
    first = match.first
    if rule("number_of_grade").ends(tokens, first):
        return True
    # "the GINA guidelines [9]" cites a paper
    if tokens.code_at(first - 1) == "[" and tokens.code_at(match.end) == "]":
        return True
    if has_minus(tokens, first):
        return True
    if _has_plus(tokens, first):
        return True
    if rule("grade_letter").starts(tokens, match.end):
        return True
    return tokens.codes.startswith("/", match.end)


@keep
def find_quantities(tokens: Tokens) -> tuple[Expression, ...]:
    """Return the known quantities in a line. At each token, the longest name is matched;
    punctuation within names is ignored, except commas, semicolons and colons.
    """
    words: list[str] = []
    places: list[Range] = []
    for first, end in _list_runs(tokens):
        written = tokens.read(first, end)
        folded = fold_words(written) if written[0].isalnum() else (written,)
        words += folded
        places += [(first, end)] * len(folded)
    table = read_table("quantity_names")
    spans = []
    for first, end, name in find_names(words):
        start = places[first][0]
        stop = places[end - 1][1]
        # "score" or "count" alone does not identify a quantity
        is_general = table[name].get("general") or name == "count"
        is_near = stop - start <= _SPREAD * (end - first)
        # "K" is potassium, but not in "K/uL"
        begins_unit = len(tokens.words[start]) == 1 and tokens.code_at(stop) == "/"
        if not is_near or begins_unit or is_general:
            continue
        spans.append(Expression("quantity", start, stop, "quantity_names", name))
    return tuple(spans)


def _list_runs(tokens: Tokens) -> list[Range]:
    """Return the token range of each word, including attached numbers ("HbA1c"), and of each
    punctuation mark that a name cannot cross.
    """
    runs: list[Range] = []
    for at, word in enumerate(tokens.words):
        is_word = word[0].isalnum()
        if not is_word and word not in _NO_NAME:
            continue
        is_adjacent = bool(runs) and runs[-1][1] == at and tokens.joined(at)
        is_attached = is_adjacent and is_word and tokens.words[at - 1][0].isalnum()
        first = at
        # the "1" and "c" of "HbA1c" are tokens of their own
        if is_attached:
            first = runs.pop()[0]
        runs.append((first, at + 1))
    return runs
