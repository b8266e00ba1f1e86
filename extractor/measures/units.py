"""Units as UCUM codes: how text writes them, what they measure, and conversion between them."""

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

__all__ = ["Dimension", "convert", "find_dimension", "read_unit"]

Dimension = tuple[tuple[str, int], ...]
"""Base units and their exponents, sorted. An annotation such as ``{ULN}`` is a base unit of its own."""

_PREFIXES = {"k": 1e3, "M": 1e6, "G": 1e9, "d": 1e-1, "c": 1e-2, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "": 1.0}
# Atom: base units with exponents, factor, and whether it takes a prefix. The factors are those of UCUM.
_ATOMS: dict[str, tuple[dict[str, int], float, bool]] = {
    "g": ({"g": 1}, 1, True),
    "m": ({"m": 1}, 1, True),
    "L": ({"m": 3}, 1e-3, True),
    "mol": ({"mol": 1}, 1, True),
    "eq": ({"mol": 1}, 1, True),
    "s": ({"s": 1}, 1, True),
    "min": ({"s": 1}, 60, False),
    "h": ({"s": 1}, 3600, False),
    "d": ({"s": 1}, 86400, False),
    "wk": ({"s": 1}, 7 * 86400, False),
    "mo": ({"s": 1}, 365.25 / 12 * 86400, False),
    "a": ({"s": 1}, 365.25 * 86400, False),
    "m[Hg]": ({"pressure": 1}, 133_322, True),
    "m[H2O]": ({"pressure": 1}, 9806.65, True),
    "Pa": ({"pressure": 1}, 1, True),
    "%": ({}, 0.01, False),
    "[ppm]": ({}, 1e-6, False),
    "[ppb]": ({}, 1e-9, False),
    "Hz": ({"s": -1}, 1, True),
    "Bq": ({"Bq": 1}, 1, True),
    "Ci": ({"Bq": 1}, 3.7e10, True),
    "[lb_av]": ({"g": 1}, 453.59237, False),
    "[oz_av]": ({"g": 1}, 28.349523125, False),
    "[in_i]": ({"m": 1}, 0.0254, False),
    "[ft_i]": ({"m": 1}, 0.3048, False),
    "[tsp_us]": ({"m": 3}, 4.92892159375e-6, False),
}
_METRIC = frozenset({"U", "[IU]", "Gy", "osm", "B", "V", "cal", "J"})
"""Further atoms that take a prefix, each a base unit."""
_PIECE = re.compile(r"([./]?)((?:\{[^{}]*\}|\[[^\[\]]*\]|[^./{}\[\]])+)")
_EXPONENT = re.compile(r"(?<=\D)\d$")
_TENS = re.compile(r"10\*(\d+)?")


@lru_cache(maxsize=1024)
def find_dimension(code: str) -> tuple[float, Dimension]:
    """How many base units a UCUM code is, and which.

    >>> find_dimension("mg/dL") == find_dimension("cg/L")
    True
    >>> find_dimension("/uL")[1], find_dimension("{ULN}")[1]
    ((('m', -3),), (('{ULN}', 1),))
    """
    factor, exponents = 1.0, dict[str, int]()
    for operator, piece in _PIECE.findall(code):
        sign = -1 if operator == "/" else 1
        # Per kilogram of a person: no quotient of masses, which would cancel.
        size, bases = (1.0, {"kg": 1}) if (operator, piece) == ("/", "kg") else _read_piece(piece)
        factor *= size**sign
        for base, exponent in bases.items():
            exponents[base] = exponents.get(base, 0) + sign * exponent
    dimension = tuple(sorted((base, exponent) for base, exponent in exponents.items() if exponent))
    if not dimension and exponents:  # a share of a mass is none of a time
        dimension = ((f"{min(exponents)}/{min(exponents)}", 1),)
    return factor, dimension


def _read_piece(piece: str) -> tuple[float, Mapping[str, int]]:
    if piece.startswith("{"):
        return 1.0, {} if piece == "{1.73_m2}" else {piece: 1}
    piece = piece.partition("{")[0]
    if tens := _TENS.fullmatch(piece):
        return 10.0 ** int(tens[1] or 1), {}
    if piece.isdecimal():
        return float(piece), {}
    power = int(found[0]) if (found := _EXPONENT.search(piece)) else 1
    name = piece[:-1] if found else piece
    for prefix, size in _PREFIXES.items():
        atom = name.removeprefix(prefix)
        if prefix and atom == name:
            continue
        bases, unit, metric = _ATOMS.get(atom, ({atom: 1}, 1.0, atom in _METRIC))
        if (not prefix and atom in _ATOMS) or (prefix and metric and name not in _ATOMS):
            return (size * unit) ** power, {base: exponent * power for base, exponent in bases.items()}
    return 1.0, {name: power}


def convert(value: float, unit: str, target: str, molar_mass: float | None = None) -> float | None:
    """The value in another UCUM unit, or None if one cannot be converted to the other.

    ``molar_mass`` (g/mol) leads from moles to grams and back.

    >>> convert(1500, "/uL", "10*9/L"), convert(36, "mo", "a"), convert(1, "mg", "mL")
    (1.5, 3.0, None)
    >>> convert(177, "umol/L", "mg/dL", molar_mass=113.12)
    2.002224
    """
    (factor, dimension), (target_factor, target_dimension) = find_dimension(unit), find_dimension(target)
    if dimension != target_dimension:
        if molar_mass is None or "eq" in unit:  # equivalents are moles of ions with one charge alone
            return None
        if _moles_to_mass(dimension) != _moles_to_mass(target_dimension):
            return None
        factor *= molar_mass if ("mol", 1) in dimension else 1 / molar_mass
    return float(f"{value * factor / target_factor:.10g}")


def _moles_to_mass(dimension: Dimension) -> Dimension:
    return tuple(sorted(("g" if base == "mol" else base, exponent) for base, exponent in dimension))


@lru_cache(maxsize=4096)
def read_unit(text: str) -> str | None:
    """The UCUM code of a unit as text writes it, or None if it is no known unit.

    >>> read_unit("x 10^9/L"), read_unit("cells/mm³"), read_unit("times the upper limit of normal (ULN)")
    ('10*9/L', '/uL', '{ULN}')
    >>> read_unit("mL/min/1.73 m^2"), read_unit("cigarettes per day"), read_unit("parent/guardian")
    ('mL/min/{1.73_m2}', '{cigarettes}/d', None)
    """
    table = _read_table()
    bare = re.sub(r"[\s\\^]", "", _PARENTHESES.sub("", unicodedata.normalize("NFKC", text))).replace("μ", "u")
    if bare in table["as_written"]:
        return str(table["as_written"][bare])
    folded = _fold(text)
    for pattern, code in table["phrases"].items():
        if re.search(pattern, folded):
            return str(code)
    return _read_parts(folded, table["spellings"]) if folded else None


_PARENTHESES = re.compile(r"\\?[(\[][^()\[\]]*\\?[)\]]?")
_VOLUMES = frozenset({"uL", "mL", "dL", "L"})
"""Behind these, cells are a count and units those of an enzyme."""
_POWER = re.compile(r"[x*]?\s?10\s?[\^*]?\s?(\d{1,2})?\s?(?=/|cells)")


def _fold(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold().replace("×", "x").replace("μ", "u").replace("\\", "")
    folded = _PARENTHESES.sub("", folded) if not folded.startswith(("(", "[")) else folded
    folded = re.sub(r"(?:\bper|\ba|\ban|(?<=\w)\s+each)\b(?=\s*\w)", "/", folded)
    folded = re.sub(r"\b(?:daily)$", "/day", re.sub(r"\bweekly$", "/week", folded))
    folded = re.sub(r"/\s*1[.,]73\s*m\s?\^?2", "/{1.73_m2}", folded)
    return re.sub(r"\s*/[\s/]*", "/", folded).strip(" .,;")


def _read_parts(folded: str, spellings: Mapping[str, str]) -> str | None:
    power = _POWER.match(folded)
    if power:
        folded = folded[power.end() :]
    numerator, *denominators = folded.split("/")
    codes = [_read_atom(part, spellings) for part in denominators]
    above = _read_atom(numerator, spellings) if numerator else ""
    if power:
        above = f"10*{power[1] or ''}" if above in {"", "{cells}"} else None
    if above is None or None in codes or (not above and not codes):
        return None
    if codes and (above == "{times}" or (above == "{cells}" and codes[0] in _VOLUMES)):
        above = ""
    if above == "{units}" and codes and codes[0] in _VOLUMES:
        above = "U"
    return "/".join([above, *(code for code in codes if code)])


def _read_atom(part: str, spellings: Mapping[str, str]) -> str | None:
    name = re.sub(r"[\s^.-]", "", part) if not part.startswith("{") else part
    return spellings.get(name) or spellings.get(name.removesuffix("s"))


@cache
def _read_table() -> Mapping[str, Any]:
    table = tomllib.loads((files(__package__) / "units.toml").read_text("utf-8"))
    table["spellings"] = {name: code for code, names in table["units"].items() for name in names}
    return table
