"""Units: the package's table, and reading them from text.

A UCUM code identifies a unit. ``language/rules/units.toml`` lists the spellings.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from extractor.language.book import read_table, read_text, rule
from extractor.language.clean import clean_text
from extractor.language.lexer import NAME_NUMBER, NUMBER, Tokens, is_abbreviation

Dimension = tuple[tuple[str, int], ...]
"""Base units and their exponents, sorted. An annotation such as ``{ULN}`` is a base unit."""

_PIECE = re.compile(r"([./]?)((?:\{[^{}]*\}|\[[^\[\]]*\]|[^./{}\[\]])+)")
_EXPONENT = re.compile(r"(?<=\D)\d$")
_TENS = re.compile(r"10\*(\d+)?")
_RATES = frozenset({"day", "week", "h", "min", "sec"})
_LONGEST_SPELLING = 4
"""The most tokens of one spelling: "cm of water", "m ^ 2", "TCID 50"."""
_PRODUCT = "•·.*"
_VOLUMES = frozenset({"uL", "mL", "dL", "L"})
"""Before these, cells are a count and units are enzyme units."""
_PARENTHESES = re.compile(r"\\?[(\[][^()\[\]]*\\?[)\]]?")
_POWER = re.compile(
    r"[x*]?\s?10(?:(?P<zeros>0+)|\s?[\^*]?\s?(?P<exponent>\d{1,2})?)\s?(?=/|cells)"
)


@lru_cache(maxsize=1024)
def find_dimension(code: str) -> tuple[float, Dimension]:
    """Return the factor of a UCUM code to base units, and its dimension.

    >>> find_dimension("mg/dL") == find_dimension("cg/L")
    True
    >>> find_dimension("/uL")[1], find_dimension("{ULN}")[1]
    ((('m', -3),), (('{ULN}', 1),))
    """
    factor = 1.0
    exponents = dict[str, int]()
    for operator, piece in _PIECE.findall(code):
        sign = -1 if operator == "/" else 1
        # Per kilogram of body weight: must not cancel as a quotient of masses.
        size, bases = (
            (1.0, {"kg": 1}) if (operator, piece) == ("/", "kg") else _read_piece(piece)
        )
        factor *= size**sign
        for base, exponent in bases.items():
            exponents[base] = exponents.get(base, 0) + sign * exponent
    dimension = tuple(
        sorted((base, exponent) for base, exponent in exponents.items() if exponent)
    )
    if not dimension and exponents:  # a ratio of masses is no ratio of times
        dimension = ((f"{min(exponents)}/{min(exponents)}", 1),)
    return factor, dimension


def _read_piece(piece: str) -> tuple[float, Mapping[str, int]]:
    if piece.startswith("{"):
        return 1.0, {} if piece == "{1.73_m2}" else {piece: 1}
    piece = piece.partition("{")[0]
    tens = _TENS.fullmatch(piece)
    if tens:
        return 10.0 ** int(tens[1] or 1), {}
    if piece.isdecimal():
        return float(piece), {}
    power = int(found[0]) if (found := _EXPONENT.search(piece)) else 1
    name = piece[:-1] if found else piece
    atoms = read_table("units")["atoms"]
    for prefix, size in {**read_table("units")["prefixes"], "": 1.0}.items():
        atom = name.removeprefix(prefix)
        known = atoms.get(atom)
        if known and (
            not prefix or (atom != name and known["prefixed"] and name not in atoms)
        ):
            bases = {
                base: exponent * power
                for base, exponent in known.items()
                if base not in ("factor", "prefixed")
            }
            return float((size * known.get("factor", 1.0)) ** power), bases
    return 1.0, {name: power}


def convert(
    value: float, unit: str, target: str, molar_mass: float | None = None
) -> float | None:
    """Convert a value to another UCUM unit. Returns None if the units are incompatible.

    ``molar_mass`` (g/mol) converts between moles and grams.

    >>> convert(1500, "/uL", "10*9/L"), convert(36, "mo", "a"), convert(1, "mg", "mL")
    (1.5, 3.0, None)
    >>> convert(177, "umol/L", "mg/dL", molar_mass=113.12)
    2.002224
    """
    factor, dimension = find_dimension(unit)
    target_factor, target_dimension = find_dimension(target)
    if dimension != target_dimension:
        # an equivalent is a mole only for ions with one charge
        if molar_mass is None or "eq" in unit:
            return None
        if _moles_to_mass(dimension) != _moles_to_mass(target_dimension):
            return None
        factor *= molar_mass if ("mol", 1) in dimension else 1 / molar_mass
    return float(f"{value * factor / target_factor:.10g}")


def _moles_to_mass(dimension: Dimension) -> Dimension:
    return tuple(
        sorted(
            ("g" if base == "mol" else base, exponent) for base, exponent in dimension
        )
    )


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of the table. ``dose`` and ``per`` are its plain forms in a dose, before and after
    a slash.
    """

    code: str
    dose: str | None = None
    per: str | None = None
    piece: bool = False
    terms: tuple[str, ...] = ()
    loose: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UnitPlace:
    """A unit with its denominators, read from ``tokens.words[first:end]``."""

    parts: tuple[Unit, ...]
    first: int
    end: int

    @property
    def code(self) -> str:
        """The UCUM code."""
        return _join_codes([part.code for part in self.parts])

    @property
    def dose(self) -> str | None:
        """The plain form of this unit in a dose, or None if it measures no dose.

        Per body surface, and for pieces, a daily rate is one dose and loses "/day"; other units
        keep it.

        >>> [
        ...     find_unit(read_text(text), 0).dose
        ...     for text in ("milligrams per kilogram", "mg/m^2/day", "ug•kg-1•h-1")
        ... ]
        ['mg/kg', 'mg/m2', 'ug/kg/h']
        """
        base, *below = self.parts
        if base.dose is None or any(
            part.per is None and not part.piece for part in below
        ):
            return None
        per = [part.per for part in below if part.per]
        per.sort(key=_RATES.__contains__)  # "ug/min/kg" is "ug/kg/min"
        if base.piece or "m2" in per:
            per = [each for each in per if each != "day"]
        return "/".join([base.dose, *dict.fromkeys(per)])

    @property
    def is_dose(self) -> bool:
        """Whether the plain form in a dose says all: "mg/infusion" is "mg", "mg/month" is more
        than "mg".
        """
        return all(part.per != "" or part.code == "{giving}" for part in self.parts)


@cache
def list_units() -> tuple[Unit, ...]:
    """Return all units of the table.

    >>> [unit.dose for unit in list_units() if unit.code == "[drp]"]
    ['drop']
    """
    return tuple(
        Unit(
            **(
                entry
                | {"code": code}
                | {key: tuple(entry.get(key, ())) for key in ("terms", "loose")}
            )
        )
        for code, entry in read_table("units")["unit"].items()
    )


@cache
def _spellings() -> tuple[Mapping[str, Unit], Mapping[str, Unit]]:
    """Return the units by spelling: in running text, and where only a unit can stand."""
    running = {_key(term): unit for unit in list_units() for term in unit.terms}
    folded = {key.lower(): unit for key, unit in running.items()}
    return running, folded | {
        _key(term).lower(): unit for unit in list_units() for term in unit.loose
    }


def _key(term: str) -> str:
    """Return a spelling without spaces and signs, in lower case unless it is an abbreviation in
    capitals.
    """
    bare = re.sub(r"[\s.^()-]", "", term)
    is_cased = is_abbreviation(bare) or (len(bare) == 1 and bare.isupper())
    return bare if is_cased else bare.lower()


def _look_up(glued: str, *, loose: bool) -> Unit | None:
    running, folded = _spellings()
    found = running.get(glued) or (folded if loose else running).get(glued.lower())
    if (
        not found
        and len(glued) > 2
        and (glued[-1] == "s" or (glued[-1] == "S" and glued.isupper()))
    ):
        return _look_up(glued[:-1].removesuffix("'"), loose=loose)
    return found


def _match(
    tokens: Tokens, first: int, end: int, *, loose: bool
) -> tuple[Unit, int] | None:
    """Return the unit with the longest spelling that begins at a token, and its end."""
    glued = ""
    best = None
    for at in range(first, min(first + _LONGEST_SPELLING, end)):
        word = tokens.words[at]
        dotted = word == "." and tokens.joined(at)
        if dotted or word == "^" or (word in "()" and glued in ("m", "m2")):
            if not glued:
                return None
        elif word[0].isalnum() or word == "%":
            if glued and word in ("s", "S", "in"):  # "5 mg s/c", "150 m in the test"
                break
            glued += word
        else:
            break
        unit = _look_up(glued, loose=loose)
        # the last dot of "I.U." ends no sentence
        if unit and (not dotted or "." in tokens.words[first:at]):
            best = unit, at + 1
    return best


def find_unit(
    tokens: Tokens, first: int, end: int | None = None, *, loose: bool = False
) -> UnitPlace | None:
    """Return the unit that begins at a token, with its denominators.

    ``loose``: only a unit can stand there, so "u" and "c" are units too.

    >>> place = find_unit(read_text("5 mg per kg body weight per day, orally"), 1)
    >>> place.code, place.dose, place.end
    ('mg/kg/d', 'mg/kg/day', 8)
    """
    end = len(tokens) if end is None else end
    base = _match(tokens, first, end, loose=loose)
    if base is None:
        return None
    at = base[1]  # "5 g-CSF", "L-dopa": a hyphen joins the letter to a name
    if (
        at < end
        and len(tokens.words[at - 1]) == 1
        and tokens.words[at][0].isalpha()
        and tokens.gap(at) == "-"
    ):
        return None
    parts = [base[0]]
    at = _skip_repeat(tokens, at, end, base[:1])
    while step := _read_step(tokens, at, end):
        parts.append(step[0])
        at = step[1]
    return UnitPlace(
        tuple(parts),
        first,
        _skip_repeat(tokens, at, end, parts) if len(parts) > 1 else at,
    )


def _skip_repeat(tokens: Tokens, at: int, end: int, parts: Sequence[Unit]) -> int:
    """Skip an abbreviation in brackets that repeats the unit: "milligrams (mg) per ...", "mg per
    kg (mg/kg)".
    """
    if at >= end or tokens.words[at] != "(":
        return at
    whole = find_unit(tokens, at + 1, end) if len(parts) > 1 else None
    single = _match(tokens, at + 1, end, loose=True)
    again: Sequence[Unit] = ()
    behind = at
    if whole:
        again = whole.parts
        behind = whole.end
    elif single:
        again = single[:1]
        behind = single[1]
    same = [part.code for part in again] == [part.code for part in parts]
    return (
        behind + 1
        if same and tokens.words[behind : min(behind + 1, end)] == [")"]
        else at
    )


Step = tuple[Unit, int]
"""A denominator, and the token after it."""


def _read_step(tokens: Tokens, at: int, end: int) -> Step | None:
    """Return the denominator after a slash or "per", or with the exponent -1."""
    if at + 1 >= end:
        return None
    word = tokens.words[at].lower()
    if word in {"/", "\u2044", "\u2215", "per", "pr"} or (
        word == "*" and tokens.codes[at + 1] != NUMBER
    ):
        return _read_denominator(tokens, at + 1, end)
    if (
        word == "for"
        and tokens.words[at + 1].lower() in ("each", "every")
        and at + 2 < end
    ):
        body = _read_denominator(tokens, at + 2, end)
        # "10 g for each day" says how often
        return body if body and body[0].code in ("kg", "m2") else None
    # "mg kg-1 hr-1", "mg•kg-1"
    found = _match(tokens, at + (word in _PRODUCT), end, loose=True)
    if found and word in _PRODUCT and found[0].code == "m2":
        return found
    if found:  # and "-1" or "^-1"
        unit, behind = found
        place = behind + (behind < end and tokens.words[behind] == "^")
        place += tokens.words[place : min(place + 1, end)] == ["-"]
        is_one = place < end and tokens.words[place] in ("1", "2")
        if is_one and "-" in tokens.text[tokens.ends[behind - 1] : tokens.ends[place]]:
            return unit, place + 1
    return _read_antibody(tokens, at, end)


def _read_denominator(tokens: Tokens, at: int, end: int) -> Step | None:
    counted = tokens.codes[at] in (NUMBER, NAME_NUMBER)
    antibody = _read_antibody(tokens, at, end)
    if antibody:
        return antibody
    found = _match(tokens, at + counted, end, loose=True)
    if not found:
        return None
    unit, behind = found
    if counted:  # 24 hours are a day; "40 mg/0.8 mL" gives the volume of the dose
        by_volume = _BY_VOLUME if unit.code == "mL" else None
        below = _COUNTED.get((tokens.words[at].replace(",", "."), unit.code), by_volume)
        return (below, behind) if below else None
    behind = _skip_repeat(tokens, behind, end, [unit])
    body = rule("of_body").starts(tokens, behind, end) if unit.code == "kg" else None
    return unit, body.end if body else behind


_BY_VOLUME = Unit("{volume}", per="")
_COUNTED = {
    ("24", "h"): Unit("d", per="day"),
    ("1.73", "m2"): Unit("{1.73_m2}"),
    ("100", "mL"): Unit("100mL", per="100mL"),
}


def _read_antibody(tokens: Tokens, at: int, end: int) -> Step | None:
    """Doses of anti-IgE depend on the IgE level: "0.016 mg/kg/IgE (IU/mL)"."""
    if tokens.words[at] != "IgE":
        return None
    behind = at + 1
    if behind < end and tokens.words[behind] in "([":
        level = find_unit(tokens, behind + 1, end, loose=True)
        if level and level.end < end and tokens.words[level.end] in ")]":
            return _IGE_LEVEL, level.end + 1
    return _IGE, behind


_IGE = Unit("{IgE}", per="IgE")
_IGE_LEVEL = Unit("{IgE}.[IU]/mL", per="IgE(IU/mL)")


def _join_codes(codes: Sequence[str]) -> str:
    above, *below = codes
    if below and (above == "{times}" or (above == "{cells}" and below[0] in _VOLUMES)):
        above = ""
    if above == "{units}" and below and below[0] in _VOLUMES:
        above = "U"
    return "/".join(
        [above, *(code for code in below if code not in ("", "{volume}", "{giving}"))]
    )


@lru_cache(maxsize=4096)
def read_unit(text: str) -> str | None:
    """Return the UCUM code of a unit in any spelling, or None if the unit is unknown.

    >>> (
    ...     read_unit("x 10^9/L"),
    ...     read_unit("cells/mm³"),
    ...     read_unit("times the upper limit of normal (ULN)"),
    ... )
    ('10*9/L', '/uL', '{ULN}')
    >>> (
    ...     read_unit("mL/min/1.73 m^2"),
    ...     read_unit("cigarettes per day"),
    ...     read_unit("parent/guardian"),
    ... )
    ('mL/min/{1.73_m2}', '{cigarettes}/d', None)
    """
    text = clean_text(text).text
    bare = re.sub(
        r"[\s\\^]", "", _PARENTHESES.sub("", unicodedata.normalize("NFKC", text))
    ).replace("μ", "u")
    if bare in read_table("units")["as_written"]:
        return str(read_table("units")["as_written"][bare])
    folded = _fold(text)
    for pattern, code in read_table("units")["phrases"].items():
        if re.search(pattern, folded):
            return str(code)
    return _read_folded(folded) if folded else None


def _fold(text: str) -> str:
    folded = (
        unicodedata.normalize("NFKC", text.replace("º", "°"))
        .casefold()
        .replace("×", "x")
        .replace("μ", "u")
    )
    folded = folded.replace("\\", "")
    folded = (
        _PARENTHESES.sub("", folded) if not folded.startswith(("(", "[")) else folded
    )
    folded = re.sub(
        r"(?:\bper(?!\s+cent\b)|\ba|\ban|(?<=\w)\s+each)\b(?=\s*\w)", "/", folded
    )
    folded = re.sub(r"\b(?:daily)$", "/day", re.sub(r"\bweekly$", "/week", folded))
    return re.sub(r"(?<!\s)\s*/[\s/]*", "/", folded).strip(" .,;")


def _read_folded(folded: str) -> str | None:
    power = _POWER.match(folded)
    if power:
        folded = folded[power.end() :]
    tokens = read_text(folded)
    bare = folded.startswith("/")
    place = None if bare else find_unit(tokens, 0, loose=True)
    below = list[Unit]()
    at = 0
    while bare and (step := _read_step(tokens, at, len(tokens))):
        below.append(step[0])
        at = step[1]
    codes = (
        [part.code for part in place.parts]
        if place
        else ["", *(unit.code for unit in below)]
    )
    if (place.end if place else at) < len(tokens) or not any(codes):
        return None
    if power:
        if codes[0] not in ("", "{cells}"):
            return None
        codes[0] = (
            f"10*{len(power['zeros']) + 1 if power['zeros'] else power['exponent'] or ''}"
        )
    return _join_codes(codes)
