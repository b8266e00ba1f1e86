"""Changes to quotes: a change to one critical token, which alters the meaning, or to the form only.

Each change is a function that takes a quote and a random generator, and returns the changed quote,
or None if the change does not apply. ``changes.toml`` lists words and their replacements.
"""

import html
import random
import re
import tomllib
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Mutation = Callable[[str, random.Random], str | None]
Match = re.Match[str]
_WORDS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
_DENIABLE = r"is|are|be|was|were|must|should|will|has been|have been|had been|can|may"
_DENIAL = r"(?<!\w)(?:not|no|without|never)\s+(?=\w)"


def _choose(pattern: str, quote: str, rng: random.Random) -> Match | None:
    """Choose a match of a pattern at random; None if there is no match."""
    matches: list[Match | None] = [*re.finditer(pattern, quote)]
    return rng.choice(matches or [None])


def _at_one(
    pattern: str, change: Callable[[Match, random.Random], str | None]
) -> Mutation:
    """Return a change that replaces one match of a pattern, unless ``change`` returns None."""

    def mutate(quote: str, rng: random.Random) -> str | None:
        match = _choose(pattern, quote, rng)
        new = change(match, rng) if match else None
        if match is None or new is None:
            return None
        return quote[: match.start()] + new + quote[match.end() :]

    return mutate


def _swap(table: str, *, behind: str = "") -> Mutation:
    """Return a change that replaces a word by its counterpart in a table of ``changes.toml``.
    ``behind`` is a lookbehind for the text that must precede the word.
    """
    words: Mapping[str, str] = _WORDS[table]
    listed = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
    # a word, or a sign that is not part of a longer sign, such as the "<" in "<="
    edges = (
        rf"(?<![<>=])(?:(?<!\w)(?=\w)|(?=\W)){behind}(?P<word>{listed})(?:(?<=\w)(?!\w)"
        r"|(?<=\W)(?![=<>]))"
    )

    def change(match: Match, _: random.Random) -> str | None:
        word = match["word"]
        return words.get(word) or words.get(word.lower())

    return _at_one(f"(?i){edges}", change)


def _other_number(match: Match, rng: random.Random) -> str:
    """Return another number: "12" for "6"."""
    value = int(match[0])
    changed = (value + 1, value - 1, value + 5, value * 2, value * 10)
    different = [number for number in changed if number >= 0 and number != value]
    return str(rng.choice(different))


def _move_point(match: Match, rng: random.Random) -> str:
    """Remove the decimal point, or move it by one digit: "15", ".15" or "15.0" for "1.5"."""
    whole, _, part = match[0].partition(".")
    to_the_left = f"{whole[:-1]}.{whole[-1]}{part}"
    to_the_right = f"{whole}{part[0]}.{part[1:] or '0'}"
    return rng.choice((whole + part, to_the_left, to_the_right))


def _other_exponent(match: Match, rng: random.Random) -> str:
    """Return another exponent, or one without its sign: "^8" or "9" for the "^9" in "10^9"."""
    exponent = int(match[2]) + rng.choice((-3, -1, 1))
    return rng.choice((f"{match[1]}{exponent}", match[2]))


def _other_bound(match: Match, rng: random.Random) -> str:
    """Increase one bound of a range: "20-65" or "18-70" for "18-65"."""
    low = int(match[1])
    high = int(match[3])
    step = rng.choice((1, 2, 5, 10))
    higher_low = f"{low + step}{match[2]}{high}"
    return rng.choice((higher_low, f"{low}{match[2]}{high + step}"))


def _cut_number(quote: str, rng: random.Random) -> str | None:
    """Truncate the quote inside a number, and return the longer part."""
    match = _choose(r"(?<=\d)[.,]?(?=\d)", quote, rng)
    if match is None:
        return None
    return max(quote[: match.start()], quote[match.end() :], key=len)


def _cut_unit(quote: str, rng: random.Random) -> str | None:
    """Truncate the quote inside a unit: after "mg" in "mg/kg"."""
    per = r"(?<=[a-zA-Zµ])\s?/\s?(?=kg|m2|m\^2|dL|dl|mL|ml|L\b|day|min|mm3)"
    match = _choose(per, quote, rng)
    return quote[: match.start()] if match else None


def _cut_negation(quote: str, rng: random.Random) -> str | None:
    """Begin the quote after a negation, unless fewer than nine characters remain."""
    match = _choose(rf"(?i)(?<!or ){_DENIAL}", quote, rng)
    if match is None or match.end() >= len(quote) - 8:
        return None
    return quote[match.end() :]


HARMFUL: Mapping[str, Mutation] = {
    "number": _at_one(r"(?<![\w.,^/-])\d{1,5}(?![\w^]|[.,]\d)", _other_number),
    "decimal point moved": _at_one(r"(?<![\w.])\d+\.\d+(?![\w.])", _move_point),
    "exponent": _at_one(r"(?<=10)(\\?\^|\*\*)(\d{1,2})(?!\d)", _other_exponent),
    "range bound": _at_one(
        r"(?<![\w.,-])(\d{1,4})(\s?(?:-|–|to)\s?)(\d{1,4})(?![\w.,-])", _other_bound
    ),
    "number word": _swap("count"),
    "comparator flipped": _swap("comparator"),
    "comparator loosened": _swap("looser"),
    "unit": _swap("unit", behind=r"(?<=[\d/ ])"),
    "time unit": _swap("time"),
    "negation added": _at_one(
        rf"(?i)(?<!\w)(?:{_DENIABLE})(?=\s(?!not\b))",
        lambda match, _: f"{match[0]} not",
    ),
    "negation removed": _at_one(
        rf"(?i){_DENIAL}|(?<!\w)non-(?=\w)",
        lambda *_: "",
    ),
    "cut inside a number": _cut_number,
    "cut inside a unit": _cut_unit,
    "cut after a negation": _cut_negation,
    "and/or": _swap("conjunction"),
}
"""The changes that alter the meaning, by name."""
_DASHES = "-‐‑‒–—−"
_RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺₀-₉"
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_SPACES = "\u00a0\u2009\u202f\u3000\t"
_QUOTES = (("“\\1”", "’"), ('"\\1"', "'"), ("„\\1“", "‘"), ("'\\1'", "'"))


def _normalise(quote: str, rng: random.Random) -> str:
    """Apply a Unicode normal form, but keep the "⁹" in "10⁹", which some forms change to "9"."""
    form: Any = rng.choice(("NFD", "NFKC", "NFC", "NFKD"))
    not_raised = f"[^{_RAISED}]+"
    return re.sub(not_raised, lambda part: unicodedata.normalize(form, part[0]), quote)


def _write_signs(quote: str, rng: random.Random) -> str:
    """Write comparators and tolerances with one character or with two."""
    contained = [(old, new) for old, new in _WORDS["signs"] if old in quote]
    old, new = rng.choice(contained or [("", "")])
    return quote.replace(f"\\{old}", old).replace(old, new) if old else quote


def _wrap(quote: str, rng: random.Random) -> str:
    """Replace up to three spaces by line breaks, some with the indentation of a wrapped paragraph."""
    blanks = [match.start() for match in re.finditer(" ", quote)]
    # from the end, so that earlier positions remain valid
    for place in sorted(rng.sample(blanks, min(3, len(blanks))), reverse=True):
        line_break = rng.choice(("\n", "\r\n", "\n          "))
        quote = quote[:place] + line_break + quote[place + 1 :]
    return quote


def _escape(quote: str, _: random.Random) -> str:
    """Remove the backslashes of Markdown, or add them if there are none."""
    if _ESCAPE.search(quote):
        return _ESCAPE.sub(r"\1", quote)
    return re.sub(r"[<>\[\]~*_^+#|]", r"\\\g<0>", quote)


def _quote(quote: str, rng: random.Random) -> str:
    """Write quotation marks in another style."""
    double, single = rng.choice(_QUOTES)
    doubled = re.sub('["“”]([^"“”]*)["“”]', double, quote)
    return re.sub("['’‘]", single, doubled)


def _punctuate(quote: str, rng: random.Random) -> str:
    """End the quote without punctuation, or with another character."""
    return quote.rstrip(".,;:") + rng.choice(("", ".", ",", ";", "..."))


def _write_blanks(quote: str, rng: random.Random) -> str:
    """Replace each space by one or two spaces, or by another white-space character."""
    return re.sub(" ", lambda _: rng.choice((" ", "  ", rng.choice(_SPACES))), quote)


def _change_case(quote: str, rng: random.Random) -> str:
    """Write the quote in upper, lower or title case, or change the case of its first letter."""
    first_swapped = quote[0].swapcase() + quote[1:]
    return rng.choice((quote.upper(), quote.lower(), quote.title(), first_swapped))


HARMLESS: Mapping[str, Mutation] = {
    "Unicode form": _normalise,
    "signs": _write_signs,
    "white space": _write_blanks,
    "wrapped lines": _wrap,
    "escapes": _escape,
    "entities": lambda quote, _: html.escape(_ESCAPE.sub(r"\1", quote), quote=False),
    "dashes": lambda quote, rng: re.sub(f"[{_DASHES}]", rng.choice(_DASHES), quote),
    "quotation marks": _quote,
    "case": _change_case,
    "closing punctuation": _punctuate,
}
"""The changes that affect only the form, by name. They may return the same quote."""
