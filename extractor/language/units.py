"""The package's table of units, and functions that read units from text.

Each unit is identified by its UCUM code. ``language/rules/units.toml`` lists the spellings.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from extractor.language.book import read_table, read_text, rule
from extractor.language.clean import clean_text
from extractor.language.lexer import (
    NAME_NUMBER,
    NUMBER,
    Tokens,
    is_abbreviation,
    keep,
)
from extractor.language.values import value_class

Dimension = tuple[tuple[str, int], ...]
"""Base units and their exponents, sorted. An annotation such as ``{ULN}`` is a base unit."""

_PIECE = re.compile(
    r"(?P<over>/)?\.?(?:10\*(?P<tens>\d*)|(?P<number>\d+)(?!\w)"
    r"|(?P<name>(?:\[[^\[\]]*\]|\d*[^./{}\[\]\d])+)?(?P<power>\d)?(?P<note>\{[^{}]*\})?)"
)
"""A piece of a UCUM code, including the preceding operator."""
_RATES = frozenset({"day", "week", "h", "min", "sec"})
# Half of it reads "Body Mass Index (BMI) >= 19 and <= 32 kg/m^2" otherwise.
_LONGEST_SPELLING = 4
"""Maximum number of tokens in a spelling, such as "cm of water", "m ^ 2" or "TCID 50"."""
_OPENING_SIGNS = ("^", "*", "(")
"""The signs before the power of a unit, with which none ends."""
_VOLUMES = frozenset({"uL", "mL", "dL", "L"})
"""Denominators after which cells are treated as a count, and units as enzyme units."""
_PARENTHESES = re.compile(r"\\?[(\[][^()\[\]]*\\?[)\]]?")
_POWER = re.compile(
    r"[x*]?\s?10(?:(?P<zeros>0+)|\s?[\^*]?\s?(?P<exponent>\d{1,2})?)\s?(?=/|cells)"
)


@lru_cache(maxsize=1024)
def find_dimension(code: str) -> tuple[float, Dimension]:
    """Return the factor that converts a UCUM code to base units, and the dimension of the code.

    >>> find_dimension("mg/dL") == find_dimension("cg/L"), find_dimension("10*")
    (True, (10.0, ()))
    >>> find_dimension("/uL")[1], find_dimension("{ULN}")[1], find_dimension("mg/g")[1]
    ((('m', -3),), (('{ULN}', 1),), (('g/g', 1),))
    """
    factor = 1.0
    exponents: Counter[str] = Counter()
    for piece in _PIECE.finditer(code):
        size, bases = _read_piece(piece)
        power = int(piece["power"] or 1)
        if piece["over"]:
            power = -power
        factor *= size**power
        for base, exponent in bases.items():
            exponents[base] += power * exponent
    remaining = [item for item in exponents.items() if item[1]]
    if exponents and not remaining:
        # "mg/g" has the dimension "g/g", because a ratio of masses differs from one of times
        base = min(exponents)
        return factor, ((f"{base}/{base}", 1),)
    return factor, tuple(sorted(remaining))


def _read_piece(piece: re.Match[str]) -> tuple[float, Mapping[str, int]]:
    """Return the factor that converts a piece of a UCUM code to base units, and the exponents of
    the base units.
    """
    if piece["tens"] is not None:
        return 10.0 ** int(piece["tens"] or 1), {}
    name = piece["name"]
    if not name:
        number = float(piece["number"] or 1)
        note = piece["note"]
        # "mL/min/{1.73_m2}" has the dimension of "mL/min"
        if not note or note == "{1.73_m2}":
            return number, {}
        return number, {note: 1}
    # body weight must not be cancelled against a mass in the numerator
    if name == "kg" and piece["over"]:
        return 1.0, {name: 1}
    table = read_table("units")
    whole = _read_atom(table["atoms"].get(name, {}))
    if whole:
        return whole
    for prefix, size in table["prefixes"].items():
        if not name.startswith(prefix):
            continue
        fields = table["atoms"].get(name.removeprefix(prefix), {})
        atom = _read_atom(fields)
        if atom and fields.get("prefixed"):
            factor, bases = atom
            return size * factor, bases
    # a unit that the table does not list is a base unit
    return 1.0, {name: 1}


def _read_atom(fields: Mapping[str, Any]) -> tuple[float, Mapping[str, int]] | None:
    """Return the factor of a listed unit to its base units, and their exponents; None if it is not
    listed, and has no fields. Without its own keys, the fields are the base units with their
    exponents: none for a number such as "%".
    """
    bases = dict(fields)
    bases.pop("prefixed", None)
    if not bases:
        return None
    factor = bases.pop("factor", 1.0)
    return factor, bases


def convert(
    value: float, unit: str, target: str, molar_mass: float | None = None
) -> float | None:
    """Return a value converted to another UCUM unit; None if the units are incompatible.

    ``molar_mass`` (g/mol) converts between moles and grams.

    >>> convert(1500, "/uL", "10*9/L"), convert(36, "mo", "a"), convert(1, "mg", "mL")
    (1.5, 3.0, None)
    >>> convert(177, "umol/L", "mg/dL", molar_mass=113.12)
    2.002224
    """
    factor, dimension = find_dimension(unit)
    target_factor, target_dimension = find_dimension(target)
    if dimension != target_dimension:
        # an equivalent ("meq/L") is a mole only for ions with one charge
        if molar_mass is None or "eq" in unit:
            return None
        if _moles_to_mass(dimension) != _moles_to_mass(target_dimension):
            return None
        if ("mol", 1) in dimension:
            factor *= molar_mass
        else:
            factor /= molar_mass
    # Rounding removes floating-point noise.
    return float(f"{value * factor / target_factor:.10g}")


def _moles_to_mass(dimension: Dimension) -> Dimension:
    """Return a dimension with grams instead of moles."""
    exponents: list[tuple[str, int]] = []
    for base, exponent in dimension:
        if base == "mol":
            exponents.append(("g", exponent))
        else:
            exponents.append((base, exponent))
    return tuple(sorted(exponents))


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit in the table.

    Attributes:
        code: The UCUM code.
        dose: The plain form of the unit in a dose; None if it is not a dose unit.
        per: The plain form after a slash; "" if it is omitted.
        piece: Whether the unit counts pieces, such as tablets.
        terms: The spellings of the unit.
        loose: The spellings that are recognised only where nothing but a unit is possible.
    """

    code: str
    dose: str | None = None
    per: str | None = None
    piece: bool = False
    terms: Sequence[str] = ()
    loose: Sequence[str] = ()


@value_class()
class UnitPlace:
    """A unit with its denominators, in the tokens ``first:end``."""

    parts: tuple[Unit, ...]
    first: int
    end: int

    @property
    def code(self) -> str:
        """The UCUM code."""
        return _join_codes([part.code for part in self.parts])

    @property
    def dose(self) -> str | None:
        """The plain form of this unit in a dose, or None if this is not a dose unit.

        "/day" is omitted from a dose per body surface area or a dose in pieces, because the daily
        rate is treated as a single dose. Other units keep "/day".

        >>> [
        ...     find_unit(read_text(text), 0).dose
        ...     for text in ("milligrams per kilogram", "mg/m^2/day", "ug•kg-1•h-1")
        ... ]
        ['mg/kg', 'mg/m2', 'ug/kg/h']
        """
        base, *below = self.parts
        if base.dose is None:
            return None
        rates: list[str] = []
        references: list[str] = []
        for part in below:
            if part.per is None and not part.piece:
                return None
            if part.per in _RATES:
                rates.append(part.per)
            elif part.per:
                references.append(part.per)
        if base.piece or "m2" in references:
            rates = [per for per in rates if per != "day"]
        # "ug/min/kg" becomes "ug/kg/min": the reference comes before the rate.
        return "/".join([base.dose, *dict.fromkeys(references + rates)])

    @property
    def is_dose(self) -> bool:
        """Whether the plain form in a dose is complete. "mg" is complete for "mg/infusion" and
        "mg/dose" but not for "mg/month".
        """
        omitted = {part.code for part in self.parts if part.per == ""}
        return omitted <= {"{giving}", "{doses}", "{times}"}


@cache
def list_units() -> tuple[Unit, ...]:
    """Return all units in the table.

    >>> [unit.dose for unit in list_units() if unit.code == "[drp]"]
    ['drop']
    """
    return tuple(
        Unit(code, **fields) for code, fields in read_table("units")["unit"].items()
    )


@cache
def _spellings(*, loose: bool) -> Mapping[str, Unit]:
    """Return the units, keyed by their spellings and plurals, without spaces or punctuation.

    Spellings are in lower case, except for abbreviations in capitals. If ``loose`` is True, all
    spellings are in lower case, and the spellings that are recognised only where nothing but a unit
    is possible are included.
    """
    spellings: dict[str, Unit] = {}
    for unit in list_units():
        for term in (*unit.terms, *(unit.loose if loose else ())):
            bare = re.sub(r"[\s.^()-]", "", term)
            is_capital = len(bare) == 1 and bare.isupper()
            is_cased = not loose and (is_capital or is_abbreviation(bare))
            spellings[bare if is_cased else bare.lower()] = unit
    for spelling, unit in tuple(spellings.items()):
        if len(spelling) > 1:
            for plural in (f"{spelling}s", f"{spelling}'s"):
                spellings.setdefault(plural, unit)
    return spellings


def _look_up(spelling: str, *, loose: bool) -> Unit | None:
    """Return the unit with the given spelling; None if the spelling is unknown."""
    strict = _spellings(loose=False).get(spelling)
    return strict or _spellings(loose=loose).get(spelling.lower())


def _match(
    tokens: Tokens, first: int, end: int, *, loose: bool
) -> tuple[Unit, int] | None:
    """Return the unit with the longest spelling that begins at token ``first``, and the index of
    the token after the unit. Return None if no unit begins at the token.

    A spelling such as "cm of water" or "m ^ 2" may have at most four tokens, all of which must
    precede token ``end``.
    """
    spelling = ""
    longest = None
    for at in range(first, min(first + _LONGEST_SPELLING, end)):
        word = tokens.words[at]
        is_dotted = word == "." and tokens.joined(at)
        # as in "m ^ 2", "m**2" and "m^(2)"
        is_in_power = word == "^" or (word in "()*" and spelling in ("m", "m2"))
        if is_dotted or is_in_power:
            # no unit begins with a sign
            if not spelling:
                return None
        elif word[0].isalnum() or word == "%":
            # "5 mg s/c", "150 m in the test"
            if spelling and word in ("s", "S", "in"):
                break
            spelling += word
        else:
            break
        # the bracket in "m2 (maximum 2 mg)" opens no power
        if word in _OPENING_SIGNS:
            continue
        unit = _look_up(spelling, loose=loose)
        if unit is None:
            continue
        # the last dot in "I.U." does not end a sentence
        if not is_dotted or "." in tokens.words[first:at]:
            longest = unit, at + 1
    return longest


@keep
def find_unit(
    tokens: Tokens, first: int, end: int | None = None, *, loose: bool = False
) -> UnitPlace | None:
    """Return the unit that begins at token ``first``, with its denominators, or None.

    ``loose`` means that nothing but a unit is possible here, so that "u" and "c" are also treated
    as units.

    >>> place = find_unit(read_text("5 mg per kg body weight per day, orally"), 1)
    >>> place.code, place.dose, place.end
    ('mg/kg/d', 'mg/kg/day', 8)
    """
    if end is None:
        end = len(tokens)
    base = _match(tokens, first, end, loose=loose)
    if base is None:
        return None
    unit, after = base
    # the "G" in "5 G-CSF" is part of a name
    is_letter = len(tokens.words[after - 1]) == 1 and tokens.gap(after) == "-"
    if is_letter and after < end and tokens.words[after][0].isalpha():
        return None
    parts = [unit]
    at = _skip_repeat(tokens, after, end, parts)
    while step := _read_step(tokens, at, end):
        denominator, at = step
        parts.append(denominator)
    if len(parts) > 1:
        at = _skip_repeat(tokens, at, end, parts)
    return UnitPlace(tuple(parts), first, at)


def _skip_repeat(tokens: Tokens, at: int, end: int, parts: Sequence[Unit]) -> int:
    """Return the index of the token after an abbreviation in brackets that repeats the unit, as in
    "milligrams (mg) per ..." or "mg per kg (mg/kg)". If there is no such abbreviation, return
    ``at``.
    """
    if at >= end or tokens.words[at] != "(":
        return at
    repeat = find_unit(tokens, at + 1, end, loose=True)
    if repeat is None:
        return at
    if repeat.end >= end:
        return at
    if tokens.words[repeat.end] != ")":
        return at
    is_same = [part.code for part in repeat.parts] == [part.code for part in parts]
    if is_same:
        return repeat.end + 1
    return at


_Step = tuple[Unit, int]
"""A denominator, and the index of the token after it."""


def _read_step(tokens: Tokens, at: int, end: int) -> _Step | None:
    """Return the denominator that begins at token ``at``: a denominator introduced by a slash or
    "per", a unit with a negative exponent ("mg kg-1 hr-1", "mg•kg^-1"), or the time in "mg/kg.d".
    Return None if no denominator begins there.
    """
    divider = rule("unit_divider").starts(tokens, at, end)
    if divider:
        return _read_denominator(tokens, divider.end, end)
    if at >= end:
        return None
    negative = _NEGATIVE.match(tokens.text, tokens.ends[at - 1])
    if negative is None:
        return None
    unit = _look_up(negative["unit"], loose=True)
    last = tokens.at(negative.end() - 1)
    if unit is None or last >= end:
        return None
    return unit, last + 1


def _read_denominator(tokens: Tokens, at: int, end: int) -> _Step | None:
    """Return the denominator that begins at token ``at``: a unit, "kg" followed by "body weight",
    or a number with a unit. For example, "24 hours" is treated as a day, and "0.8 mL" in "40 mg/0.8
    mL" as the volume of the dose. Return None for any other text.
    """
    is_number = tokens.code_at(at) in (NUMBER, NAME_NUMBER)
    first = at
    if is_number:
        first += 1
    denominator = _match(tokens, first, end, loose=True)
    if not denominator:
        return None
    unit, after = denominator
    if is_number:
        # any number of millilitres may be the volume that holds the dose
        default = None
        if unit.code == "mL":
            default = _BY_VOLUME
        counted = _COUNTED.get((tokens.words[at].replace(",", "."), unit.code), default)
        if counted:
            return (counted, after)
        return None
    after = _skip_repeat(tokens, after, end, [unit])
    if unit.code == "kg":
        body = rule("of_body").starts(tokens, after, end)
        if body:
            after = body.end
    return unit, after


_NEGATIVE = re.compile(
    r"\s?[•·.*]?\s?(?P<unit>[A-Za-z]{1,4})"
    r"(?:\s?\^?\s?-\s?[12](?!\d)|(?<=kg[•·.][dh])(?![\w-]))"
)
"""A denominator with a negative exponent, such as "kg-1", whose hyphen is not a token, or the time
behind the weight in "mg/kg.d".
"""
_BY_VOLUME = Unit("{volume}", per="")
_PER_VOLUME = {"{cells}": "", "{units}": "U"}
"""What is written for a unit whose first denominator is a volume."""
_OMITTED = ("", "{volume}", "{giving}")
"""Denominators that are not written."""
_COUNTED = {
    ("24", "h"): Unit("d", per="day"),
    ("1.73", "m2"): Unit("{1.73_m2}"),
    ("100", "mL"): Unit("100mL", per="100mL"),
}


def _join_codes(codes: Sequence[str]) -> str:
    """Combine the codes of a unit and its denominators into one UCUM code.

    Cells per volume are treated as a plain count ("/uL"), and units per volume as enzyme units
    ("U/L"). "per infusion" and the volume that contains the dose are omitted.
    """
    above, *below = codes
    if below and below[0] in _VOLUMES:
        above = _PER_VOLUME.get(above, above)
    # "times/week" is "/wk"
    if below and above == "{times}":
        above = ""
    denominators = [code for code in below if code not in _OMITTED]
    return "/".join([above, *denominators])


@lru_cache(maxsize=4096)
def read_unit(text: str | None) -> str | None:
    """Return the UCUM code of a unit in any spelling, or None if the unit is unknown or missing.

    >>> (
    ...     read_unit("x 10^9/L"),
    ...     read_unit("cells/mm³"),
    ...     read_unit("times the upper limit of normal (ULN)"),
    ... )
    ('10*9/L', '/uL', '{ULN}')
    >>> read_unit("units/L"), read_unit("units/day"), read_unit("times/week")
    ('U/L', '{units}/d', '/wk')
    >>> (
    ...     read_unit("mL/min/1.73 m^2"),
    ...     read_unit("cigarettes per day"),
    ...     read_unit("parent/guardian"),
    ... )
    ('mL/min/{1.73_m2}', '{cigarettes}/d', None)
    """
    if not text:
        return None
    table = read_table("units")
    text = clean_text(text).text
    without_brackets = _PARENTHESES.sub("", unicodedata.normalize("NFKC", text))
    bare = re.sub(r"[\s\\^]", "", without_brackets).replace("μ", "u")
    if bare in table["as_written"]:
        return str(table["as_written"][bare])
    folded = _fold_unit(text)
    for pattern, code in table["phrases"].items():
        if re.search(pattern, folded):
            return str(code)
    return _read_folded_unit(folded)


_SLASHES = {
    r"(?:\bper(?!\s+cent\b)|\ba|\ban|(?<=\w)\s+each)\b(?=\s*\w)": "/",
    r"\bweekly$": "/week",
    r"\bdaily$": "/day",
    r"(?<!\s)\s*/[\s/]*": "/",
}
"""Spellings of a slash, in order of precedence."""


def _fold_unit(text: str) -> str:
    """Return the normalised spelling of a unit: in lower case, with "/" for "per" and without text
    in brackets.
    """
    # NFKC would convert the ordinal indicator "º" to the letter "o".
    folded = unicodedata.normalize("NFKC", text.replace("º", "°")).casefold()
    folded = folded.replace("×", "x").replace("μ", "u").replace("\\", "")
    if not folded.startswith(("(", "[")):
        folded = _PARENTHESES.sub("", folded)
    for written, spelling in _SLASHES.items():
        folded = re.sub(written, spelling, folded)
    return folded.strip(" .,;")


def _read_folded_unit(folded: str) -> str | None:
    """Return the UCUM code of a folded unit, which may begin with a power of ten; None if the text
    is not a unit.
    """
    power = _POWER.match(folded)
    if power is None:
        unit = _find_whole_unit(folded)
        return unit.code if unit else None
    counted = _find_whole_unit(folded[power.end() :])
    if counted is None:
        return None
    # the power takes the place of what is counted: "10^9 cells/L" is "10*9/L"
    denominators = [part.code for part in counted.parts[1:]]
    return _join_codes([f"10*{_read_exponent(power)}", *denominators])


def _find_whole_unit(folded: str) -> UnitPlace | None:
    """Return the unit that the whole text states; None if there is none, or if words are left."""
    if folded.startswith("/"):
        folded = f"times{folded}"
    tokens = read_text(folded)
    unit = find_unit(tokens, 0, loose=True)
    if unit is None or unit.end < len(tokens):
        return None
    return unit


def _read_exponent(power: re.Match[str]) -> str:
    """Return the exponent of a power of ten; empty if it states none."""
    if power["zeros"]:
        # "x 1000/uL" is 10^3: the zero of "10", and two more zeros
        return str(len(power["zeros"]) + 1)
    return power["exponent"] or ""
