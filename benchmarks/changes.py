"""Changes of quotes: in one critical token, so that the meaning changes, or only in form.

Each function takes a quote and a random generator, and returns the changed quote, or None if it
does not apply. ``changes.toml`` lists words and those in their place.
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


def _choose(pattern: str, quote: str, rng: random.Random) -> Match | None:
    """Choose one match of a pattern; None if there is none."""
    matches: list[Match | None] = [*re.finditer(pattern, quote)]
    return rng.choice(matches or [None])


def _at_one(
    pattern: str, change: Callable[[Match, random.Random], str | None]
) -> Mutation:
    """Replace one match of a pattern, unless ``change`` returns None."""

    def mutate(quote: str, rng: random.Random) -> str | None:
        match = _choose(pattern, quote, rng)
        new = change(match, rng) if match else None
        if match is None or new is None:
            return None
        return quote[: match.start()] + new + quote[match.end() :]

    return mutate


def _swap(table: str, *, behind: str = "") -> Mutation:
    """Replace one of the words of a table; ``behind`` is the pattern that must precede it."""
    words: Mapping[str, str] = _WORDS[table]
    listed = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
    # a word, or a sign that is no part of a longer one, such as the "<" of "<="
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
    others = [number for number in changed if number >= 0 and number != value]
    return str(rng.choice(others))


def _swap_digits(match: Match, rng: random.Random) -> str:
    """Swap two neighbouring digits: "21" for "12"."""
    digits = match[0]
    place = rng.randrange(len(digits) - 1)
    return digits[:place] + digits[place + 1] + digits[place] + digits[place + 2 :]


def _move_point(match: Match, rng: random.Random) -> str:
    """Leave out the decimal point, or move it by one digit: "15", ".15" or "15.0" for "1.5"."""
    whole, _, part = match[0].partition(".")
    to_the_left = f"{whole[:-1]}.{whole[-1]}{part}"
    to_the_right = f"{whole}{part[0]}.{part[1:] or '0'}"
    return rng.choice((whole + part, to_the_left, to_the_right))


def _other_exponent(match: Match, rng: random.Random) -> str:
    """Return another exponent, or none: "^8" or "9" behind a 10 for "^9"."""
    exponent = int(match[2]) + rng.choice((-3, -1, 1))
    return rng.choice((f"{match[1]}{exponent}", match[2]))


def _other_bound(match: Match, rng: random.Random) -> str:
    """Raise one bound of a range: "20-65" or "18-70" for "18-65"."""
    low = int(match[1])
    high = int(match[3])
    step = rng.choice((1, 2, 5, 10))
    higher_low = f"{low + step}{match[2]}{high}"
    return rng.choice((higher_low, f"{low}{match[2]}{high + step}"))


def _cut_number(quote: str, rng: random.Random) -> str | None:
    """End the quote within a number, or begin it there, whichever leaves more."""
    match = _choose(r"(?<=\d)[.,]?(?=\d)", quote, rng)
    if match is None:
        return None
    return max(quote[: match.start()], quote[match.end() :], key=len)


def _cut_unit(quote: str, rng: random.Random) -> str | None:
    """End the quote at "mg" where the text has "mg/kg"."""
    per = r"(?<=[a-zA-Zµ])\s?/\s?(?=kg|m2|m\^2|dL|dl|mL|ml|L\b|day|min|mm3)"
    match = _choose(per, quote, rng)
    return quote[: match.start()] if match else None


def _cut_negation(quote: str, rng: random.Random) -> str | None:
    """Begin the quote behind a negation, unless hardly anything is left."""
    denial = r"(?i)(?<!\w)(?<!or )(?:not|no|without|never)\s+(?=\w)"
    match = _choose(denial, quote, rng)
    if match is None or match.end() >= len(quote) - 8:
        return None
    return quote[match.end() :]


HARMFUL: Mapping[str, Mutation] = {
    "number": _at_one(r"(?<![\w.,^/-])\d{1,5}(?![\w^]|[.,]\d)", _other_number),
    "digits swapped": _at_one(r"(?<![\w.,^-])\d{2,6}(?![\w^]|[.,]\d)", _swap_digits),
    "decimal point moved": _at_one(r"(?<![\w.])\d+\.\d+(?![\w.])", _move_point),
    "decimal point added": _at_one(
        r"(?<![\w.,^/-])\d{2,4}(?![\w.,^/-])",
        lambda match, _: f"{match[0][:-1]}.{match[0][-1]}",
    ),
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
    "negation put in front": lambda quote, _: f"No {quote[0].lower()}{quote[1:]}",
    "negation removed": _at_one(
        r"(?i)(?<!\w)(?:not|no|without|never)\s+(?=\w)|(?<!\w)non-(?=\w)",
        lambda *_: "",
    ),
    "cut inside a number": _cut_number,
    "cut inside a unit": _cut_unit,
    "cut behind a negation": _cut_negation,
    "and/or": _swap("conjunction"),
}
"""Kinds of change in meaning, by name."""
_DASHES = "-‐‑‒–—−"
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺₀-₉"
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_LIGATURES = {"ffi": "ﬃ", "ffl": "ﬄ", "fi": "ﬁ", "fl": "ﬂ", "ff": "ﬀ"}
_SPACES = "\u00a0\u2009\u202f\u3000\t"
_QUOTES = (("“\\1”", "’"), ('"\\1"', "'"), ("„\\1“", "‘"), ("'\\1'", "'"))
_AROUND = (('"', '"'), ("“", "”"), ("'", "'"), ("* ", ""), ("- ", ""), ("... ", " ..."))


def _normalise(quote: str, rng: random.Random) -> str:
    """Apply one of Unicode's normal forms, but keep superscript digits: some forms lose the
    power.
    """
    form: Any = rng.choice(("NFD", "NFKC", "NFC", "NFKD"))
    others = f"[^{_RAISED}]+"
    return re.sub(others, lambda part: unicodedata.normalize(form, part[0]), quote)


def _write_wide(quote: str, rng: random.Random) -> str:
    """Write a word in full-width characters, which printable ones of ASCII have."""
    words = quote.split(" ")
    place = rng.randrange(len(words))
    wide = {number: number + 0xFEE0 for number in range(ord("!"), ord("~") + 1)}
    words[place] = _ESCAPE.sub(r"\1", words[place]).translate(wide)
    return " ".join(words)


def _write_power(quote: str, _: random.Random) -> str:
    """Write powers of ten and the square of a metre as superscripts."""
    power = r"(?<=10)\\?\^(-?\d+)"
    raised = re.sub(power, lambda found: found[1].translate(_SUPERSCRIPTS), quote)
    return re.sub(r"(?<=/m)2\b", "²", raised)


def _write_signs(quote: str, rng: random.Random) -> str:
    """Write comparators and tolerances as one character or as two. A quote without them stays."""
    contained = [(old, new) for old, new in _WORDS["signs"] if old in quote]
    old, new = rng.choice(contained or [("", "")])
    return quote.replace(f"\\{old}", old).replace(old, new) if old else quote


def _wrap(quote: str, rng: random.Random) -> str:
    """Break into lines at three blanks, with the indentation of a wrapped paragraph."""
    blanks = [match.start() for match in re.finditer(" ", quote)]
    # from the end, so that the places before stay
    for place in sorted(rng.sample(blanks, min(3, len(blanks))), reverse=True):
        line_break = rng.choice(("\n", "\r\n", "\n          "))
        quote = quote[:place] + line_break + quote[place + 1 :]
    return quote


def _hide(quote: str, rng: random.Random) -> str:
    """Insert an invisible character, but not in an escape."""
    place = rng.randrange(1, len(quote))
    if quote[place - 1] == "\\":
        return quote
    return quote[:place] + rng.choice("\u200b\u00ad\ufeff\u2060") + quote[place:]


def _escape(quote: str, _: random.Random) -> str:
    """Take away the backslashes of Markdown, or write them if there are none."""
    if _ESCAPE.search(quote):
        return _ESCAPE.sub(r"\1", quote)
    return re.sub(r"[<>\[\]~*_^+#|]", r"\\\g<0>", quote)


def _quote(quote: str, rng: random.Random) -> str:
    """Write quotation marks in another style."""
    double, single = rng.choice(_QUOTES)
    doubled = re.sub('["“”]([^"“”]*)["“”]', double, quote)
    return re.sub("['’‘]", single, doubled)


def _ligate(quote: str, _: random.Random) -> str:
    """Write letters as ligatures: "ﬁ" for "fi"."""
    for letters, ligature in _LIGATURES.items():
        quote = quote.replace(letters, ligature)
    return quote


def _damage(quote: str, _: random.Random) -> str:
    """Decode UTF-8 as Windows-1252, as in "â‰¥" for "≥"."""

    def misread(match: Match) -> str:
        # a byte that Windows-1252 does not have is read as Latin-1
        codes = [bytes([byte]) for byte in match[0].encode()]
        return "".join(
            one.decode("cp1252", "ignore") or one.decode("latin-1") for one in codes
        )

    with_signs = re.sub(r"(?<=\d)-(?=\d)", "–", quote).replace("'", "’")
    return re.sub(r"[^\x00-\x7f]+", misread, with_signs)


def _punctuate(quote: str, rng: random.Random) -> str:
    """End the quote without a sign of punctuation, or with another one."""
    bare = quote.rstrip(".,;:")
    if rng.random() < 0.3:
        return bare
    return bare + rng.choice((".", ",", ";", "..."))


def _write_blanks(quote: str, rng: random.Random) -> str:
    """Write each blank as one or two, or as another character of white space."""
    return re.sub(" ", lambda _: rng.choice((" ", "  ", rng.choice(_SPACES))), quote)


def _glue(quote: str, _: random.Random) -> str:
    """Leave out the blank between a number and its unit or comparator."""
    before_unit = r"(?<=\d) (?=mg|kg|ml|mL|%|g/dL|mm|cm|weeks|days)"
    return re.sub(rf"{before_unit}|(?<=[<>≥≤=]) (?=\d)", "", quote)


def _change_case(quote: str, rng: random.Random) -> str:
    """Write the quote in capitals, in small letters or as a title, or change its first letter."""
    first_swapped = quote[0].swapcase() + quote[1:]
    return rng.choice((quote.upper(), quote.lower(), quote.title(), first_swapped))


def _only_if_changed(mutate: Mutation) -> Mutation:
    """Make a mutation that does not apply where it changes nothing."""

    def mutate_or_not(quote: str, rng: random.Random) -> str | None:
        new = mutate(quote, rng)
        return None if new == quote else new

    return mutate_or_not


_HARMLESS: Mapping[str, Mutation] = {
    "Unicode form": _normalise,
    "full-width forms": _write_wide,
    "raised powers": _write_power,
    "signs": _write_signs,
    "white space": _write_blanks,
    "white space left out": _glue,
    "wrapped lines": _wrap,
    "invisible character": _hide,
    "escapes": _escape,
    "entities": lambda quote, _: html.escape(_ESCAPE.sub(r"\1", quote), quote=False),
    "dashes": lambda quote, rng: re.sub(f"[{_DASHES}]", rng.choice(_DASHES), quote),
    "quotation marks": _quote,
    "case": _change_case,
    "ligatures": _ligate,
    "mojibake": _damage,
    "closing punctuation": _punctuate,
    "wrapping": lambda quote, rng: quote.join(rng.choice(_AROUND)),
}
HARMLESS: Mapping[str, Mutation] = {
    name: _only_if_changed(mutate) for name, mutate in _HARMLESS.items()
}
"""Kinds of change in form only, by name."""
