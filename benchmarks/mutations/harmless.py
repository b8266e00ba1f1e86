"""Changes of form alone: the quote says what the text says.

Each function takes a quote and a source of randomness and returns the changed quote, or None if nothing is to change.
"""

import html
import random
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Literal

from .harmful import Mutation

__all__ = ["HARMLESS"]

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
