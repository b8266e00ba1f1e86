"""Changes of quotes: in one critical token, so that the meaning changes, or only in form.

Each function takes a quote and a random generator, and returns the changed quote, or None if it
does not apply.
"""

import html
import random
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

Mutation = Callable[[str, random.Random], str | None]
Found = re.Match[str]
_COMPARATORS = {
    "≥": "≤",
    "≤": "≥",
    ">=": "<=",
    "<=": ">=",
    ">": "<",
    "<": ">",
    "more than": "less than",
    "less than": "more than",
    "greater than": "less than",
    "at least": "at most",
    "at most": "at least",
    "minimum": "maximum",
    "maximum": "minimum",
    "above": "below",
    "below": "above",
    "older": "younger",
    "before": "after",
    "after": "before",
    "higher": "lower",
    "lower": "higher",
}
_LOOSER = {
    "≥": ">",
    "≤": "<",
    ">=": ">",
    "<=": "<",
    ">": ">=",
    "<": "<=",
    "more than": "at least",
}
_UNITS = {
    "mg": "ug",
    "µg": "mg",
    "μg": "mg",
    "mcg": "mg",
    "ug": "mg",
    "g": "mg",
    "kg": "g",
    "mL": "L",
    "ml": "L",
    "dL": "mL",
    "dl": "ml",
    "m2": "kg",
    "m^2": "kg",
    "IU": "mg",
    "%": "mm",
    "mm": "cm",
    "cm": "mm",
    "mmol": "umol",
    "mm3": "L",
    "mmHg": "kPa",
    "cells": "IU",
    "L": "mL",
    "Gy": "cGy",
    "ng": "mg",
    "ULN": "LLN",
}
_TIMES = {
    "minutes": "hours",
    "hours": "days",
    "hour": "day",
    "day": "week",
    "days": "weeks",
    "week": "month",
    "weeks": "months",
    "month": "year",
    "months": "years",
    "year": "month",
    "years": "months",
    "hrs": "days",
    "daily": "weekly",
    "weekly": "monthly",
    "monthly": "weekly",
}
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
    """Replace one of the words; ``behind`` is the pattern that must precede it."""
    listed = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    edges = (
        rf"(?<![<>=])(?:(?<!\w)(?=\w)|(?=\W)){behind}(?P<word>{listed})(?:(?<=\w)(?!\w)"
        r"|(?<=\W)(?![=<>]))"
    )
    return _at_one(
        f"(?i){edges}",
        lambda found, _: words.get(found["word"]) or words.get(found["word"].lower()),
    )


def _at_one(
    pattern: str, change: Callable[[Found, random.Random], str | None]
) -> Mutation:
    """Replace one match of a pattern."""

    def mutate(quote: str, rng: random.Random) -> str | None:
        found = _choose(pattern, quote, rng)
        if found is None:
            return None
        new = change(found, rng)
        if new is None:
            return None
        return quote[: found.start()] + new + quote[found.end() :]

    return mutate


def _choose(pattern: str, quote: str, rng: random.Random) -> Found | None:
    return rng.choice(list(re.finditer(pattern, quote)) or [None])


def _other_number(found: Found, rng: random.Random) -> str:
    value = int(found[0])
    changed = (value + 1, value - 1, value + 5, value * 2, value * 10)
    others = [number for number in changed if number >= 0 and number != value]
    return str(rng.choice(others))


def _swap_digits(found: Found, rng: random.Random) -> str:
    digits = found[0]
    place = rng.randrange(len(found[0]) - 1)
    return digits[:place] + digits[place + 1] + digits[place] + digits[place + 2 :]


def _move_point(found: Found, rng: random.Random) -> str:
    whole, _, part = found[0].partition(".")
    return rng.choice(
        (
            whole + part,
            f"{whole[:-1]}.{whole[-1]}{part}",
            f"{whole}{part[0]}.{part[1:] or '0'}",
        )
    )


def _other_bound(found: Found, rng: random.Random) -> str:
    low = int(found[1])
    high = int(found[3])
    step = rng.choice((1, 2, 5, 10))
    return rng.choice(
        (f"{low + step}{found[2]}{high}", f"{low}{found[2]}{high + step}")
    )


def _cut_number(quote: str, rng: random.Random) -> str | None:
    """End the quote within a number, or begin it there, whichever leaves more."""
    found = _choose(r"(?<=\d)[.,]?(?=\d)", quote, rng)
    if found is None:
        return None
    return max(quote[: found.start()], quote[found.end() :], key=len)


def _cut_unit(quote: str, rng: random.Random) -> str | None:
    """End the quote at "mg" where the text has "mg/kg"."""
    found = _choose(
        r"(?<=[a-zA-Zµ])\s?/\s?(?=kg|m2|m\^2|dL|dl|mL|ml|L\b|day|min|mm3)", quote, rng
    )
    return quote[: found.start()] if found else None


def _cut_negation(quote: str, rng: random.Random) -> str | None:
    """Begin the quote behind a negation, unless hardly anything is left."""
    found = _choose(r"(?i)(?<!\w)(?<!or )(?:not|no|without|never)\s+(?=\w)", quote, rng)
    if found is None or found.end() >= len(quote) - 8:
        return None
    return quote[found.end() :]


HARMFUL: Mapping[str, Mutation] = {
    "number": _at_one(r"(?<![\w.,^/-])\d{1,5}(?![\w^]|[.,]\d)", _other_number),
    "digits swapped": _at_one(r"(?<![\w.,^-])\d{2,6}(?![\w^]|[.,]\d)", _swap_digits),
    "decimal point moved": _at_one(r"(?<![\w.])\d+\.\d+(?![\w.])", _move_point),
    "decimal point added": _at_one(
        r"(?<![\w.,^/-])\d{2,4}(?![\w.,^/-])",
        lambda found, _: f"{found[0][:-1]}.{found[0][-1]}",
    ),
    "exponent": _at_one(
        r"(?<=10)(\\?\^|\*\*)(\d{1,2})(?!\d)",
        lambda found, rng: rng.choice(
            (f"{found[1]}{int(found[2]) + rng.choice((-3, -1, 1))}", found[2])
        ),
    ),
    "range bound": _at_one(
        r"(?<![\w.,-])(\d{1,4})(\s?(?:-|–|to)\s?)(\d{1,4})(?![\w.,-])", _other_bound
    ),
    "number word": _swap(_COUNTS),
    "comparator flipped": _swap(_COMPARATORS),
    "comparator loosened": _swap(_LOOSER),
    "unit": _swap(_UNITS, behind=r"(?<=[\d/ ])"),
    "time unit": _swap(_TIMES),
    "negation added": _at_one(
        rf"(?i)(?<!\w)(?:{_DENIABLE})(?=\s(?!not\b))",
        lambda found, _: f"{found[0]} not",
    ),
    "negation put in front": lambda quote, _: f"No {quote[0].lower()}{quote[1:]}",
    "negation removed": _at_one(
        r"(?i)(?<!\w)(?:not|no|without|never)\s+(?=\w)|(?<!\w)non-(?=\w)",
        lambda found, _: found[0][:0],
    ),
    "cut inside a number": _cut_number,
    "cut inside a unit": _cut_unit,
    "cut behind a negation": _cut_negation,
    "and/or": _swap({"and": "or", "or": "and"}),
}
"""Kinds of change in meaning, by name."""
_DASHES = "-‐‑‒–—−"
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺₀-₉"
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_LIGATURES = {"ffi": "ﬃ", "ffl": "ﬄ", "fi": "ﬁ", "fl": "ﬂ", "ff": "ﬀ"}
_SPACES = "\u00a0\u2009\u202f\u3000\t"
_SIGNS = [
    ("≥", ">="),
    ("≤", "<="),
    ("±", "+/-"),
    (">=", "≥"),
    ("<=", "≤"),
    ("+/-", "±"),
    ("μ", "µ"),
    ("µ", "μ"),
]
_QUOTES = (("“\\1”", "’"), ('"\\1"', "'"), ("„\\1“", "‘"), ("'\\1'", "'"))
_AROUND = (('"', '"'), ("“", "”"), ("'", "'"), ("* ", ""), ("- ", ""), ("... ", " ..."))


def _normalise(quote: str, rng: random.Random) -> str:
    """Apply one of Unicode's normal forms, but keep superscript digits: some forms lose the
    power.
    """
    form: Any = rng.choice(("NFD", "NFKC", "NFC", "NFKD"))
    return re.sub(
        rf"[^{_RAISED}]+", lambda found: unicodedata.normalize(form, found[0]), quote
    )


def _write_wide(quote: str, rng: random.Random) -> str:
    """Write a word in full-width characters."""
    words = quote.split(" ")
    place = rng.randrange(len(words))
    words[place] = "".join(
        chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c
        for c in _ESCAPE.sub(r"\1", words[place])
    )
    return " ".join(words)


def _write_power(quote: str, _: random.Random) -> str:
    """Write powers and the square of a metre as superscripts."""
    raised = re.sub(
        r"(?<=10)\\?\^(-?\d+)", lambda found: found[1].translate(_SUPERSCRIPTS), quote
    )
    return re.sub(r"(?<=/m)2\b", "²", raised)


def _write_signs(quote: str, rng: random.Random) -> str:
    """Write comparators and tolerances as one character or as two."""
    contained = [pair for pair in _SIGNS if pair[0] in quote]
    old, new = rng.choice(contained or [("", "")])
    if not old:
        return quote
    unescaped = quote.replace(f"\\{old}", old)
    return unescaped.replace(old, new)


def _wrap(quote: str, rng: random.Random) -> str:
    """Break into lines, with the indentation of a wrapped paragraph."""
    places = [found.start() for found in re.finditer(" ", quote)]
    for place in sorted(rng.sample(places, min(3, len(places))), reverse=True):
        quote = (
            quote[:place]
            + rng.choice(("\n", "\r\n", "\n          "))
            + quote[place + 1 :]
        )
    return quote


def _hide(quote: str, rng: random.Random) -> str:
    """Insert an invisible character, but not in an escape."""
    place = rng.randrange(1, len(quote))
    return (
        quote
        if quote[place - 1] == "\\"
        else quote[:place] + rng.choice("\u200b\u00ad\ufeff\u2060") + quote[place:]
    )


def _escape(quote: str, _: random.Random) -> str:
    return (
        _ESCAPE.sub(r"\1", quote)
        if _ESCAPE.search(quote)
        else re.sub(r"[<>\[\]~*_^+#|]", r"\\\g<0>", quote)
    )


def _quote(quote: str, rng: random.Random) -> str:
    double, single = rng.choice(_QUOTES)
    return re.sub("['’‘]", single, re.sub('["“”]([^"“”]*)["“”]', double, quote))


def _ligate(quote: str, _: random.Random) -> str:
    for letters, ligature in _LIGATURES.items():
        quote = quote.replace(letters, ligature)
    return quote


def _damage(quote: str, _: random.Random) -> str:
    """Decode UTF-8 as Windows-1252, as in "â‰¥" for "≥"."""

    def misread(found: Found) -> str:
        return "".join(
            bytes([b]).decode("cp1252", "ignore") or chr(b) for b in found[0].encode()
        )

    return re.sub(
        r"[^\x00-\x7f]+",
        misread,
        re.sub(r"(?<=\d)-(?=\d)", "–", quote).replace("'", "’"),
    )


def _punctuate(quote: str, rng: random.Random) -> str:
    return (
        quote.rstrip(".,;:")
        if rng.random() < 0.3
        else quote.rstrip(".,;:") + rng.choice((".", ",", ";", "..."))
    )


def _only_if_changed(mutate: Mutation) -> Mutation:
    return lambda quote, rng: None if (new := mutate(quote, rng)) == quote else new


_HARMLESS: Mapping[str, Mutation] = {
    "Unicode form": _normalise,
    "full-width forms": _write_wide,
    "raised powers": _write_power,
    "signs": _write_signs,
    "white space": lambda quote, rng: re.sub(
        " ", lambda _: rng.choice((" ", "  ", rng.choice(_SPACES))), quote
    ),
    "white space left out": lambda quote, _: re.sub(
        r"(?<=\d) (?=mg|kg|ml|mL|%|g/dL|mm|cm|weeks|days)|(?<=[<>≥≤=]) (?=\d)",
        "",
        quote,
    ),
    "wrapped lines": _wrap,
    "invisible character": _hide,
    "escapes": _escape,
    "entities": lambda quote, _: html.escape(_ESCAPE.sub(r"\1", quote), quote=False),
    "dashes": lambda quote, rng: re.sub(f"[{_DASHES}]", rng.choice(_DASHES), quote),
    "quotation marks": _quote,
    "case": lambda quote, rng: rng.choice(
        (quote.upper(), quote.lower(), quote.title(), quote[0].swapcase() + quote[1:])
    ),
    "ligatures": _ligate,
    "mojibake": _damage,
    "closing punctuation": _punctuate,
    "wrapping": lambda quote, rng: quote.join(rng.choice(_AROUND)),
}
HARMLESS: Mapping[str, Mutation] = {
    name: _only_if_changed(mutate) for name, mutate in _HARMLESS.items()
}
"""Kinds of change in form only, by name."""
