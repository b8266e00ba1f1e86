"""What UCUM units measure, and conversion between them."""

import re
from collections.abc import Mapping
from functools import lru_cache

from extractor.schemas import TimeUnit

from .times import DAYS

__all__ = ["Dimension", "convert", "find_dimension"]

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
    "mo": ({"s": 1}, DAYS[TimeUnit.MONTH] * 86400, False),
    "a": ({"s": 1}, DAYS[TimeUnit.YEAR] * 86400, False),
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
