"""Changes of one critical token: the quote says something else than the text.

Each function takes a quote and a source of randomness and returns the changed quote, or None if it has no such token.
"""

import random
import re
from collections.abc import Callable, Mapping

__all__ = ["HARMFUL", "Mutation"]

Mutation = Callable[[str, random.Random], str | None]

_NUMBER = re.compile(r"(?<![\w.,^/-])\d{1,5}(?![\w^]|[.,]\d)")
_DIGITS = re.compile(r"(?<![\w.,^-])\d{2,6}(?![\w^]|[.,]\d)")
_DECIMAL = re.compile(r"(?<![\w.])\d+\.\d+(?![\w.])")
_BARE = re.compile(r"(?<![\w.,^/-])\d{2,4}(?![\w.,^/-])")
_POWER = re.compile(r"(?<=10)(\\?\^|\*\*)(\d{1,2})(?!\d)")
_RANGE = re.compile(r"(?<![\w.,-])(\d{1,4})(\s?(?:-|–|to)\s?)(\d{1,4})(?![\w.,-])")
_COMPARATORS = {
    "≥": "≤", "≤": "≥", ">=": "<=", "<=": ">=", ">": "<", "<": ">", "more than": "less than", "less than": "more than",
    "greater than": "less than", "at least": "at most", "at most": "at least", "minimum": "maximum",
    "maximum": "minimum", "above": "below", "below": "above", "older": "younger", "before": "after", "after": "before",
    "higher": "lower", "lower": "higher",
}  # fmt: skip
_LOOSER = {"≥": ">", "≤": "<", ">=": ">", "<=": "<", ">": ">=", "<": "<=", "more than": "at least"}
_UNITS = {
    "mg": "ug", "µg": "mg", "μg": "mg", "mcg": "mg", "ug": "mg", "g": "mg", "kg": "g", "mL": "L", "ml": "L", "dL": "mL",
    "dl": "ml", "m2": "kg", "m^2": "kg", "IU": "mg", "%": "mm", "mm": "cm", "cm": "mm", "mmol": "umol", "mm3": "L",
    "mmHg": "kPa", "cells": "IU", "L": "mL", "Gy": "cGy", "ng": "mg", "ULN": "LLN",
}  # fmt: skip
_TIMES = {
    "minutes": "hours", "hours": "days", "hour": "day", "day": "week", "days": "weeks", "week": "month",
    "weeks": "months", "month": "year", "months": "years", "year": "month", "years": "months", "hrs": "days",
    "daily": "weekly", "weekly": "monthly", "monthly": "weekly",
}  # fmt: skip
_COUNTS = {
    "one": "two",
    "two": "three",
    "three": "four",
    "four": "five",
    "six": "two",
    "once": "twice",
    "twice": "once",
}
_DENIABLE = r"is|are|be|was|were|must|should|will|has been|have been|had been|can|may"


def _swap(words: Mapping[str, str], *, behind: str = "") -> Mutation:
    """One of the words for its opposite; ``behind`` is what must stand in front of it."""
    listed = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    edges = rf"(?<![<>=])(?:(?<!\w)(?=\w)|(?=\W)){behind}(?P<word>{listed})(?:(?<=\w)(?!\w)|(?<=\W)(?![=<>]))"
    expression = re.compile(edges, re.IGNORECASE)

    def mutate(quote: str, rng: random.Random) -> str | None:
        found = _choose(expression, quote, rng)
        if found is None or (new := words.get(found["word"]) or words.get(found["word"].lower())) is None:
            return None
        return quote[: found.start("word")] + new + quote[found.end("word") :]

    return mutate


def _change(expression: re.Pattern[str], change: Callable[[re.Match[str], random.Random], str]) -> Mutation:
    def mutate(quote: str, rng: random.Random) -> str | None:
        found = _choose(expression, quote, rng)
        return None if found is None else quote[: found.start()] + change(found, rng) + quote[found.end() :]

    return mutate


def _choose(expression: re.Pattern[str], quote: str, rng: random.Random) -> re.Match[str] | None:
    return rng.choice(list(expression.finditer(quote)) or [None])


def _other_number(found: re.Match[str], rng: random.Random) -> str:
    value = int(found[0])
    return str(
        rng.choice([n for n in (value + 1, value - 1, value + 5, value * 2, value * 10) if n >= 0 and n != value])
    )


def _swapped_digits(found: re.Match[str], rng: random.Random) -> str:
    digits = found[0]
    place = rng.randrange(len(digits) - 1)
    return digits[:place] + digits[place + 1] + digits[place] + digits[place + 2 :]


def _moved_point(found: re.Match[str], rng: random.Random) -> str:
    whole, _, part = found[0].partition(".")
    return rng.choice((whole + part, f"{whole[:-1]}.{whole[-1]}{part}", f"{whole}{part[0]}.{part[1:] or '0'}"))


def _other_power(found: re.Match[str], rng: random.Random) -> str:
    return rng.choice((f"{found[1]}{int(found[2]) + rng.choice((-3, -1, 1))}", found[2]))


def _other_bound(found: re.Match[str], rng: random.Random) -> str:
    low, high, step = int(found[1]), int(found[3]), rng.choice((1, 2, 5, 10))
    return rng.choice((f"{low + step}{found[2]}{high}", f"{low}{found[2]}{high + step}"))


_DENY = _change(
    re.compile(rf"(?<!\w)(?:{_DENIABLE})(?=\s(?!not\b))", re.IGNORECASE), lambda found, _: f"{found[0]} not"
)
_AFFIRM = re.compile(r"(?<!\w)(?:not|no|without|never)\s+(?=\w)|(?<!\w)non-(?=\w)", re.IGNORECASE)
_INSIDE_NUMBER = re.compile(r"(?<=\d)[.,]?(?=\d)")
_RATE = re.compile(r"(?<=[a-zA-Zµ])\s?/\s?(?=kg|m2|m\^2|dL|dl|mL|ml|L\b|day|min|mm3)")
_DENIAL = re.compile(r"(?<!\w)(?<!or )(?:not|no|without|never)\s+(?=\w)", re.IGNORECASE)


def _cut_number(quote: str, rng: random.Random) -> str | None:
    """The quote begins or ends inside a number."""
    found = _choose(_INSIDE_NUMBER, quote, rng)
    if found is None:
        return None
    return max(quote[: found.start()], quote[found.end() :], key=len)


def _cut_unit(quote: str, rng: random.Random) -> str | None:
    """The quote ends at "mg" where the text has "mg/kg"."""
    found = _choose(_RATE, quote, rng)
    return quote[: found.start()] if found else None


def _cut_negation(quote: str, rng: random.Random) -> str | None:
    """The quote begins behind a negation."""
    found = _choose(_DENIAL, quote, rng)
    return quote[found.end() :] if found and found.end() < len(quote) - 8 else None


HARMFUL: Mapping[str, Mutation] = {
    "number": _change(_NUMBER, _other_number),
    "digits swapped": _change(_DIGITS, _swapped_digits),
    "decimal point moved": _change(_DECIMAL, _moved_point),
    "decimal point added": _change(_BARE, lambda found, _: f"{found[0][:-1]}.{found[0][-1]}"),
    "exponent": _change(_POWER, _other_power),
    "range bound": _change(_RANGE, _other_bound),
    "number word": _swap(_COUNTS),
    "comparator flipped": _swap(_COMPARATORS),
    "comparator loosened": _swap(_LOOSER),
    "unit": _swap(_UNITS, behind=r"(?<=[\d/ ])"),
    "time unit": _swap(_TIMES),
    "negation added": _DENY,
    "negation put in front": lambda quote, _: f"No {quote[0].lower()}{quote[1:]}",
    "negation removed": _change(_AFFIRM, lambda *_: ""),
    "cut inside a number": _cut_number,
    "cut inside a unit": _cut_unit,
    "cut behind a negation": _cut_negation,
    "and/or": _swap({"and": "or", "or": "and"}),
}
"""Kinds of change, by name."""
