"""Read a clause into typed spans: numbers, units, comparators, quantities and connectives."""

from collections.abc import Iterator, Mapping
from functools import cache

from extractor.language.book import find_terms, read_table, rule
from extractor.language.lexer import NUMBER, Tokens
from extractor.language.numbers import (
    ROMAN,
    find_durations,
    has_minus,
    list_readings,
    read_number,
    read_time_unit,
)
from extractor.language.passage import Passage
from extractor.measures.grammar import Span
from extractor.measures.makers import Amount
from extractor.schemas.vocabulary import TimeUnit

_LONGEST_NAME = 8
"""The most words of a known quantity's name that are looked for."""
_IDLE_SPELLINGS = {"haemoglobin": "hemoglobin", "leucocyte": "leukocyte"}
_GRADES = range(101)
"""Whole numbers that grades can be: no versions, no years."""


def read_terminals(clause: Passage) -> list[Span]:
    """Return all spans of the clause that no production makes."""
    tokens, first, end = clause.tokens, clause.first, clause.end
    spans = [
        *_find_rules(tokens, first, end),
        *_find_comparators(tokens, first, end),
        *_find_times(tokens, first, end),
        *_find_quantities(tokens, first, end),
        *_find_grades(tokens, first, end),
    ]
    for number in _find_numbers(tokens, first, end):
        spans.append(number)
        spans += _read_behind(tokens, number.end, end)
    return spans


def _find_rules(tokens: Tokens, first: int, end: int) -> Iterator[Span]:
    """Yield the matches of the rules that are terminals by themselves."""
    for kind, name in read_table("measures")["terminal"].items():
        for found in rule(name).find(tokens, first, end):
            if found.end == found.first:
                continue
            yield Span(kind, found.first, found.end, name, found.text)


def _find_numbers(tokens: Tokens, first: int, end: int) -> Iterator[Span]:
    """Yield each number, with a span for each of its readings. Those of names are left out."""
    for found in rule("number").find(tokens, first, end):
        value = read_number(found.text)
        if value is None or rule("number_of_name").ends(tokens, found.first):
            continue
        start = found.first
        is_negative = start > first and has_minus(tokens, start - 1)
        if is_negative:
            start -= 1
        yield Span(
            "number", start, found.end, "number", -value if is_negative else value
        )
        for other in list_readings(found.text)[1:]:
            yield Span("number", start, found.end, "other_reading", other, weight=-1.0)
    for at in range(first, end):
        if tokens.words[at].lower() in ("once", "twice"):
            times = 1 if tokens.words[at].lower() == "once" else 2
            yield Span("number", at, at + 1, "times", times)


def _read_behind(tokens: Tokens, at: int, end: int) -> Iterator[Span]:
    """Yield the unit behind a number, also behind a hyphen and a repetition: "six (6) weeks"."""
    repeat = rule("number_repeat").starts(tokens, at, end)
    start = repeat.end if repeat else at
    if start < end and tokens.codes[start] == "-":
        start += 1
    unit = rule("relative_unit").starts(tokens, start, end)
    unit = unit or rule("limit_unit").starts(tokens, start, end)
    rated = rule("rate_apart").starts(tokens, unit.end if unit else start, end)
    time = read_time_unit(unit.text) if unit else None
    if rated and time is None:
        words = f"{unit.text if unit else ''} {rated.read('rate')}".strip()
        yield Span("unit", at, rated.end, "rate_apart", (words, None))
    if unit is None or unit.end == unit.first:
        return
    yield Span("unit", at, unit.end, "limit_unit", (unit.text, time), weight=0.5)


def _find_comparators(tokens: Tokens, first: int, end: int) -> Iterator[Span]:
    for term in find_terms(tokens, "comparators", first, end):
        yield Span("comparator", term.first, term.end, "comparators", term.value)
    for found in rule("distant_comparison").find(tokens, first, end):
        least = (found.read("comparator") or "").lower().startswith("min")
        sign = ">=" if least else "<="
        yield Span("distant", found.first, found.end, "distant_comparison", sign)
    for term in find_terms(tokens, "comparator_suffixes", first, end):
        yield Span("suffix", term.first, term.end, "comparator_suffixes", term.value)


def _find_times(tokens: Tokens, first: int, end: int) -> Iterator[Span]:
    """Yield lengths of time, which are amounts, and ranges of them."""
    for duration in find_durations(tokens, first, end):
        is_range = duration.low != duration.high
        high = duration.high if is_range else None
        amount = Amount(duration.low, high, duration.unit.value, duration.unit)
        kind = "duration" if is_range else "time"
        yield Span(kind, duration.first, duration.end, "duration", amount, weight=0.5)
    for found in rule("half_lives").find(tokens, first, end):
        low = read_number(found.read("low") or "")
        if low is not None:
            amount = Amount(low, None, "half-lives", TimeUnit.HALF_LIFE)
            yield Span("time", found.first, found.end, "half_lives", amount, weight=0.5)
    for found in rule("last_unit").find(tokens, first, end):
        unit = read_time_unit(found.read("unit") or "")
        if unit:
            amount = Amount(1, None, unit.value, unit)
            yield Span("last_unit", found.first, found.end, "last_unit", amount)


def _find_grades(tokens: Tokens, first: int, end: int) -> Iterator[Span]:
    """Yield the grades behind a scale: digits or Roman numerals, the least and the greatest."""
    for scale in rule("graded_scale").find(tokens, first, end):
        yield Span("scale", *scale.place("scale"), "graded_scale", scale.text)
    for found in rule("grade_list").find(tokens, first, end):
        grades = [
            grade
            for word in tokens.words[found.first : found.end]
            if (grade := ROMAN.get(word, read_number(word))) is not None
        ]
        is_plain = all(grade in _GRADES for grade in grades)
        has_letter = rule("grade_letter").starts(tokens, found.end, end) is not None
        if grades and is_plain and not has_letter:
            value = min(grades), max(grades)
            yield Span("grades", found.first, found.end, "grade_list", value)


@cache
def _list_names() -> Mapping[tuple[str, ...], str]:
    """Return the names of known quantities, word by word."""
    names: dict[tuple[str, ...], str] = {}
    for quantity, fields in read_table("quantity_names").items():
        if fields.get("general") or quantity == "count":
            continue
        for name in fields.get("names", ()):
            names.setdefault(tuple(map(_fold_word, name.split())), quantity)
    return names


def _fold_word(word: str) -> str:
    """Return a word without case, plural and British spelling."""
    folded = word.lower()
    if len(folded) > 3 and folded.endswith("s") and not folded.endswith("ss"):
        folded = folded[:-1]
    return _IDLE_SPELLINGS.get(folded, folded)


def _find_quantities(tokens: Tokens, first: int, end: int) -> Iterator[Span]:
    """Yield the known quantities, the longest name at each token. Signs in names do not count."""
    names = _list_names()
    words = [
        (at, _fold_word(tokens.words[at]))
        for at in range(first, end)
        if tokens.words[at][0].isalnum()
    ]
    done = 0
    for index in range(len(words)):
        if index < done:
            continue
        for length in range(min(_LONGEST_NAME, len(words) - index), 0, -1):
            run = words[index : index + length]
            name = names.get(tuple(word for _, word in run))
            start, last = run[0][0], run[-1][0]
            if name is None or last - start > 2 * length:
                continue
            if length == 1 and tokens.codes[start] == NUMBER:
                continue
            yield Span("quantity", start, last + 1, "quantity_names", name)
            done = index + length
            break
