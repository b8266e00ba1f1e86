"""Changes of quotes: of one critical token, so that the quote says something else, and of form alone.

Each function takes a quote and a source of randomness and returns the changed quote, or None if nothing is to change.
"""

import html
import random
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

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
"""Kinds of change that say something else, by name."""
_DASHES = "-‐‑‒–—−"
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺₀-₉"
_ESCAPED = re.compile(r"[<>\[\]~*_^+#|]")
_UNESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_LIGATURES = {"ffi": "ﬃ", "ffl": "ﬄ", "fi": "ﬁ", "fl": "ﬂ", "ff": "ﬀ"}
_SPACES = "\u00a0\u2009\u202f\u3000\t"


def _normalise(quote: str, rng: random.Random) -> str:
    """In one of Unicode's normal forms; raised digits are left, for which some forms lose the power."""
    form: Literal["NFD", "NFKC", "NFC", "NFKD"] = rng.choice(("NFD", "NFKC", "NFC", "NFKD"))
    return re.sub(rf"[^{_RAISED}]+", lambda found: unicodedata.normalize(form, found[0]), quote)


def _write_wide(quote: str, rng: random.Random) -> str:
    """A word in the full-width forms of its characters."""
    words = quote.split(" ")
    place = rng.randrange(len(words))
    words[place] = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in _UNESCAPED.sub(r"\1", words[place]))
    return " ".join(words)


def _write_power(quote: str, _: random.Random) -> str:
    """Powers and the square of a metre raised."""
    raised = re.sub(r"(?<=10)\\?\^(-?\d+)", lambda found: found[1].translate(_SUPERSCRIPTS), quote)
    return re.sub(r"(?<=/m)2\b", "²", raised)


def _write_signs(quote: str, rng: random.Random) -> str:
    """Comparators and tolerances as one character or as two."""
    pairs = [("≥", ">="), ("≤", "<="), ("±", "+/-"), (">=", "≥"), ("<=", "≤"), ("+/-", "±"), ("μ", "µ"), ("µ", "μ")]
    old, new = rng.choice([pair for pair in pairs if pair[0] in quote] or [("", "")])
    return quote.replace(f"\\{old}", old).replace(old, new) if old else quote


def _space_out(quote: str, rng: random.Random) -> str:
    return re.sub(" ", lambda _: rng.choice((" ", "  ", rng.choice(_SPACES))), quote)


def _close_up(quote: str, _: random.Random) -> str:
    """No space between a number and its unit, or beside a comparator."""
    return re.sub(r"(?<=\d) (?=mg|kg|ml|mL|%|g/dL|mm|cm|weeks|days)|(?<=[<>≥≤=]) (?=\d)", "", quote)


def _wrap(quote: str, rng: random.Random) -> str:
    """Broken into lines, with the indentation of a wrapped paragraph."""
    places = [found.start() for found in re.finditer(" ", quote)]
    for place in sorted(rng.sample(places, min(3, len(places))), reverse=True):
        quote = quote[:place] + rng.choice(("\n", "\r\n", "\n          ")) + quote[place + 1 :]
    return quote


def _escape(quote: str, _: random.Random) -> str:
    if _UNESCAPED.search(quote):
        return _UNESCAPED.sub(r"\1", quote)
    return _ESCAPED.sub(lambda found: "\\" + found[0], quote)


def _write_entities(quote: str, _: random.Random) -> str:
    return html.escape(_UNESCAPED.sub(r"\1", quote), quote=False)


def _hide(quote: str, rng: random.Random) -> str:
    """A character that nobody sees, inside the quote."""
    place = rng.randrange(1, len(quote))
    inside_escape = quote[place - 1] == "\\"
    return quote if inside_escape else quote[:place] + rng.choice("\u200b\u00ad\ufeff\u2060") + quote[place:]


def _dash(quote: str, rng: random.Random) -> str:
    dash = rng.choice(_DASHES)
    return re.sub(rf"[{_DASHES}]", dash, quote)


def _quote(quote: str, rng: random.Random) -> str:
    styles: Sequence[tuple[str, str]] = [("“\\1”", "’"), ('"\\1"', "'"), ("„\\1“", "‘"), ("'\\1'", "'")]
    double, single = rng.choice(styles)
    return re.sub("['’‘]", single, re.sub('["“”]([^"“”]*)["“”]', double, quote))


def _case(quote: str, rng: random.Random) -> str:
    return rng.choice((quote.upper(), quote.lower(), quote.title(), quote[0].swapcase() + quote[1:]))


def _ligate(quote: str, _: random.Random) -> str:
    for letters, ligature in _LIGATURES.items():
        quote = quote.replace(letters, ligature)
    return quote


def _damage(quote: str, _: random.Random) -> str:
    """UTF-8 read as Windows-1252, as in "â‰¥" for "≥"."""
    return re.sub(r"[^\x00-\x7f]+", _misread, re.sub(r"(?<=\d)-(?=\d)", "–", quote).replace("'", "’"))


def _misread(found: re.Match[str]) -> str:
    data = found[0].encode()
    return "".join(bytes([b]).decode("cp1252", "ignore") or chr(b) for b in data)


def _punctuate(quote: str, rng: random.Random) -> str:
    return quote.rstrip(".,;:") if rng.random() < 0.3 else quote.rstrip(".,;:") + rng.choice((".", ",", ";", "..."))


def _enclose(quote: str, rng: random.Random) -> str:
    before, behind = rng.choice((('"', '"'), ("“", "”"), ("'", "'"), ("* ", ""), ("- ", ""), ("... ", " ...")))
    return before + quote + behind


def _only_if_changed(mutate: Mutation) -> Mutation:
    def changed(quote: str, rng: random.Random) -> str | None:
        new = mutate(quote, rng)
        return None if new == quote else new

    return changed


_KINDS: Mapping[str, Mutation] = {
    "Unicode form": _normalise,
    "full-width forms": _write_wide,
    "raised powers": _write_power,
    "signs": _write_signs,
    "white space": _space_out,
    "white space left out": _close_up,
    "wrapped lines": _wrap,
    "invisible character": _hide,
    "escapes": _escape,
    "entities": _write_entities,
    "dashes": _dash,
    "quotation marks": _quote,
    "case": _case,
    "ligatures": _ligate,
    "mojibake": _damage,
    "closing punctuation": _punctuate,
    "wrapping": _enclose,
}
HARMLESS: Mapping[str, Mutation] = {name: _only_if_changed(mutate) for name, mutate in _KINDS.items()}
"""Kinds of change, by name."""
