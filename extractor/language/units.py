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


def find_dimension(code: str) -> tuple[float, Dimension]:
    """Return the factor of a UCUM code to base units, and its dimension.

    >>> find_dimension("mg/dL") == find_dimension("cg/L")
    True
    >>> find_dimension("/uL")[1], find_dimension("{ULN}")[1]
    ((('m', -3),), (('{ULN}', 1),))
    """
    factor = 1.0
    exponents: dict[str, int] = {}
    for operator, piece in _PIECE.findall(code):
        size, bases = _read_piece(piece)
        if operator == "/" and piece == "kg":
            # Per kilogram of body weight: must not cancel as a quotient of masses.
            size = 1.0
            bases = {"kg": 1}
        sign = -1 if operator == "/" else 1
        factor *= size**sign
        for base, exponent in bases.items():
            exponents[base] = exponents.get(base, 0) + sign * exponent
    remaining = [(base, exponent) for base, exponent in exponents.items() if exponent]
    if exponents and not remaining:
        # a ratio of masses is no ratio of times
        base = min(exponents)
        return factor, ((f"{base}/{base}", 1),)
    return factor, tuple(sorted(remaining))


def _read_piece(piece: str) -> tuple[float, Mapping[str, int]]:
    """Return the factor of a piece of a UCUM code to base units, and the exponents of those."""
    if piece == "{1.73_m2}":  # "mL/min/{1.73_m2}" has the dimension of "mL/min"
        return 1.0, {}
    if piece.startswith("{"):
        return 1.0, {piece: 1}
    piece = piece.partition("{")[0]
    tens = _TENS.fullmatch(piece)
    if tens:
        return 10.0 ** int(tens[1] or 1), {}
    if piece.isdecimal():
        return float(piece), {}
    name = piece
    power = 1
    if _EXPONENT.search(piece):
        name = piece[:-1]
        power = int(piece[-1])
    size, atom = _split_prefix(name)
    fields = read_table("units")["atoms"].get(atom)
    if fields is None:
        return 1.0, {name: power}
    bases = {
        base: exponent * power
        for base, exponent in fields.items()
        if base not in ("factor", "prefixed")
    }
    factor = size * fields.get("factor", 1.0)
    return float(factor**power), bases


def _split_prefix(name: str) -> tuple[float, str]:
    """Return the factor of a metric prefix, and the unit behind it: 0.001 and "g" of "mg". A unit
    of the table has no prefix ("min"), and some never have one.
    """
    table = read_table("units")
    atoms = table["atoms"]
    if name in atoms:
        return 1.0, name
    for prefix, size in table["prefixes"].items():
        atom = name.removeprefix(prefix)
        if atom == name or atom not in atoms:
            continue
        if atoms[atom]["prefixed"]:
            return size, atom
    return 1.0, name


def convert(
    value: float, unit: str, target: str, molar_mass: float | None = None
) -> float | None:
    """Return a value in another UCUM unit; None if the units are incompatible.

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
        is_in_moles = ("mol", 1) in dimension
        factor *= molar_mass if is_in_moles else 1 / molar_mass
    # Without the noise of floating point.
    return float(f"{value * factor / target_factor:.10g}")


def _moles_to_mass(dimension: Dimension) -> Dimension:
    """Return a dimension with grams in the place of moles."""
    exponents = [
        ("g" if base == "mol" else base, exponent) for base, exponent in dimension
    ]
    return tuple(sorted(exponents))


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
        if base.dose is None:
            return None
        rates: list[str] = []
        others: list[str] = []
        for part in below:
            if part.per is None and not part.piece:
                return None
            if part.per in _RATES:
                rates.append(part.per)
            elif part.per:
                others.append(part.per)
        if base.piece or "m2" in others:
            rates = [per for per in rates if per != "day"]
        # "ug/min/kg" is "ug/kg/min": what the dose is for comes before how fast it is given.
        return "/".join([base.dose, *dict.fromkeys(others + rates)])

    @property
    def is_dose(self) -> bool:
        """Whether the plain form in a dose says all: "mg/infusion" is "mg", "mg/month" is more
        than "mg".
        """
        for part in self.parts:
            is_left_out = part.per == ""
            if is_left_out and part.code != "{giving}":
                return False
        return True


@cache
def list_units() -> tuple[Unit, ...]:
    """Return all units of the table.

    >>> [unit.dose for unit in list_units() if unit.code == "[drp]"]
    ['drop']
    """
    units: list[Unit] = []
    for code, fields in read_table("units")["unit"].items():
        lists = {key: tuple(fields.get(key, ())) for key in ("terms", "loose")}
        units.append(Unit(**{**fields, **lists, "code": code}))
    return tuple(units)


@cache
def _spellings() -> tuple[Mapping[str, Unit], Mapping[str, Unit]]:
    """Return the units by spelling: in running text, and where only a unit can stand."""
    running: dict[str, Unit] = {}
    loose: dict[str, Unit] = {}
    for unit in list_units():
        running |= {_key(term): unit for term in unit.terms}
        loose |= {_key(term).lower(): unit for term in unit.loose}
    folded = {key.lower(): unit for key, unit in running.items()}
    return running, folded | loose


def _key(term: str) -> str:
    """Return a spelling without spaces and signs, in lower case unless it is an abbreviation in
    capitals.
    """
    bare = re.sub(r"[\s.^()-]", "", term)
    is_capital = len(bare) == 1 and bare.isupper()
    return bare if is_capital or is_abbreviation(bare) else bare.lower()


def _look_up(spelling: str, *, loose: bool) -> Unit | None:
    """Return the unit with a spelling, or with its singular: "tablets", "Gy's"; None for a spelling
    of no unit. ``loose``: only a unit can stand there, so "u" is one, too.
    """
    running, folded = _spellings()
    by_lower_case = folded if loose else running
    unit = running.get(spelling) or by_lower_case.get(spelling.lower())
    if unit:
        return unit
    if len(spelling) < 3:
        return None
    is_plural = spelling.endswith("s")
    # "AGE 18 TO 65 YEARS"
    if spelling.endswith("S") and spelling.isupper():
        is_plural = True
    if not is_plural:
        return None
    return _look_up(spelling[:-1].removesuffix("'"), loose=loose)


def _match(
    tokens: Tokens, first: int, end: int, *, loose: bool
) -> tuple[Unit, int] | None:
    """Return the unit with the longest spelling that begins at token ``first``, and the token
    behind it; None if no unit begins there.

    A spelling has at most four tokens before ``end``, such as "cm of water" and "m ^ 2".
    """
    spelling = ""
    longest = None
    for at in range(first, min(first + _LONGEST_SPELLING, end)):
        word = tokens.words[at]
        is_dotted = word == "." and tokens.joined(at)
        is_in_power = word == "^" or (word in "()" and spelling in ("m", "m2"))
        if is_dotted or is_in_power:
            if not spelling:
                return None
        elif word[0].isalnum() or word == "%":
            # "5 mg s/c", "150 m in the test"
            if spelling and word in ("s", "S", "in"):
                break
            spelling += word
        else:
            break
        unit = _look_up(spelling, loose=loose)
        if unit is None:
            continue
        # the last dot of "I.U." ends no sentence
        if not is_dotted or "." in tokens.words[first:at]:
            longest = unit, at + 1
    return longest


def find_unit(
    tokens: Tokens, first: int, end: int | None = None, *, loose: bool = False
) -> UnitPlace | None:
    """Return the unit that begins at a token, with its denominators.

    ``loose``: only a unit can stand there, so "u" and "c" are units too.

    >>> place = find_unit(read_text("5 mg per kg body weight per day, orally"), 1)
    >>> place.code, place.dose, place.end
    ('mg/kg/d', 'mg/kg/day', 8)
    """
    if end is None:
        end = len(tokens)
    base = _match(tokens, first, end, loose=loose)
    if base is None:
        return None
    unit, behind = base
    if behind < end and _begins_name(tokens, behind):
        return None
    parts = [unit]
    at = _skip_repeat(tokens, behind, end, parts)
    while step := _read_step(tokens, at, end):
        below, at = step
        parts.append(below)
    if len(parts) > 1:
        at = _skip_repeat(tokens, at, end, parts)
    return UnitPlace(tuple(parts), first, at)


def _begins_name(tokens: Tokens, behind: int) -> bool:
    """Return whether a hyphen joins the letter before a token to a name: "5 g-CSF", "L-dopa"."""
    if len(tokens.words[behind - 1]) > 1:
        return False
    next_word = tokens.words[behind]
    return next_word[0].isalpha() and tokens.gap(behind) == "-"


def _skip_repeat(tokens: Tokens, at: int, end: int, parts: Sequence[Unit]) -> int:
    """Return the token behind an abbreviation in brackets that repeats the unit: "milligrams (mg)
    per ...", "mg per kg (mg/kg)"; ``at`` itself if none stands there.
    """
    if at >= end or tokens.words[at] != "(":
        return at
    repeated = _read_repeat(tokens, at + 1, end, is_single=len(parts) == 1)
    if repeated is None:
        return at
    again, behind = repeated
    if behind >= end or tokens.words[behind] != ")":
        return at
    is_same = [part.code for part in again] == [part.code for part in parts]
    return behind + 1 if is_same else at


def _read_repeat(
    tokens: Tokens, at: int, end: int, *, is_single: bool
) -> tuple[Sequence[Unit], int] | None:
    """Return the units in brackets and their end: with denominators unless it ``is_single``."""
    whole = None if is_single else find_unit(tokens, at, end)
    if whole:
        return whole.parts, whole.end
    single = _match(tokens, at, end, loose=True)
    if single is None:
        return None
    unit, behind = single
    return [unit], behind


Step = tuple[Unit, int]
"""A denominator, and the token after it."""


def _read_step(tokens: Tokens, at: int, end: int) -> Step | None:
    """Return the denominator after a slash or "per", or with the exponent -1; None if no
    denominator begins at token ``at``.
    """
    if at + 1 >= end:
        return None
    word = tokens.words[at].lower()
    if word in {"/", "\u2044", "\u2215", "per", "pr"}:
        return _read_denominator(tokens, at + 1, end)
    if word == "*" and tokens.codes[at + 1] != NUMBER:
        return _read_denominator(tokens, at + 1, end)
    if word == "for" and at + 2 < end:
        next_word = tokens.words[at + 1].lower()
        # "seven and a half milligrams for every kilogram of body weight"
        if next_word in ("each", "every"):
            body = _read_denominator(tokens, at + 2, end)
            if body and body[0].code in ("kg", "m2"):
                return body
            return None  # "10 g for each day" says how often
    return _read_negative(tokens, at, end) or _read_antibody(tokens, at, end)


def _read_negative(tokens: Tokens, at: int, end: int) -> Step | None:
    """Return a denominator that is written as a product: "mg kg-1 hr-1", "mg•kg^-1", "mg•m2"; None
    if none begins at token ``at``.
    """
    is_product = tokens.words[at] in _PRODUCT
    first = at + 1 if is_product else at
    factor = _match(tokens, first, end, loose=True)
    if factor is None:
        return None
    unit, behind = factor
    if is_product and unit.code == "m2":
        return factor
    last = behind
    for sign in ("^", "-"):
        if last < end and tokens.words[last] == sign:
            last += 1
    if last >= end or tokens.words[last] not in ("1", "2"):
        return None
    # A hyphen that joins the exponent to the unit is no token.
    exponent = tokens.text[tokens.ends[behind - 1] : tokens.ends[last]]
    return (unit, last + 1) if "-" in exponent else None


def _read_denominator(tokens: Tokens, at: int, end: int) -> Step | None:
    """Return the denominator that begins at token ``at``: an antibody's level, a number with its
    unit, or a unit, "kg" with "body weight" behind it. None if it is none of these.
    """
    antibody = _read_antibody(tokens, at, end)
    if antibody:
        return antibody
    if tokens.codes[at] in (NUMBER, NAME_NUMBER):
        return _read_counted(tokens, at, end)
    below = _match(tokens, at, end, loose=True)
    if not below:
        return None
    unit, behind = below
    behind = _skip_repeat(tokens, behind, end, [unit])
    if unit.code == "kg":
        body = rule("of_body").starts(tokens, behind, end)
        if body:
            behind = body.end
    return unit, behind


def _read_counted(tokens: Tokens, at: int, end: int) -> Step | None:
    """Return a denominator with a number: 24 hours are a day; "40 mg/0.8 mL" gives the volume of
    the dose. None for any other number.
    """
    below = _match(tokens, at + 1, end, loose=True)
    if not below:
        return None
    unit, behind = below
    number = tokens.words[at].replace(",", ".")
    counted = _COUNTED.get((number, unit.code))
    if counted:
        return counted, behind
    return (_BY_VOLUME, behind) if unit.code == "mL" else None


_BY_VOLUME = Unit("{volume}", per="")
_COUNTED = {
    ("24", "h"): Unit("d", per="day"),
    ("1.73", "m2"): Unit("{1.73_m2}"),
    ("100", "mL"): Unit("100mL", per="100mL"),
}


def _read_antibody(tokens: Tokens, at: int, end: int) -> Step | None:
    """Return the denominator of a dose of anti-IgE, which depends on the IgE level: "0.016
    mg/kg/IgE (IU/mL)"; None if token ``at`` is not "IgE".
    """
    if tokens.words[at] != "IgE":
        return None
    behind = at + 1
    if behind >= end or tokens.words[behind] not in "([":
        return _IGE, behind
    level = find_unit(tokens, behind + 1, end, loose=True)
    if level is None or level.end >= end:
        return _IGE, behind
    if tokens.words[level.end] not in ")]":
        return _IGE, behind
    return _IGE_LEVEL, level.end + 1


_IGE = Unit("{IgE}", per="IgE")
_IGE_LEVEL = Unit("{IgE}.[IU]/mL", per="IgE(IU/mL)")


def _join_codes(codes: Sequence[str]) -> str:
    """Return the UCUM code of a unit and its denominators.

    Cells per volume are a bare count, "/uL"; units per volume are enzyme units, "U/L". A volume
    that only holds the dose, and "per infusion", are left out.
    """
    above, *below = codes
    is_per_volume = bool(below) and below[0] in _VOLUMES
    is_bare_count = above == "{times}" and bool(below)
    if above == "{cells}" and is_per_volume:
        is_bare_count = True
    if is_bare_count:
        above = ""
    elif above == "{units}" and is_per_volume:
        above = "U"
    named = [code for code in below if code not in ("", "{volume}", "{giving}")]
    return "/".join([above, *named])


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
    table = read_table("units")
    text = clean_text(text).text
    without_brackets = _PARENTHESES.sub("", unicodedata.normalize("NFKC", text))
    bare = re.sub(r"[\s\\^]", "", without_brackets).replace("μ", "u")
    if bare in table["as_written"]:
        return str(table["as_written"][bare])
    folded = _fold(text)
    for pattern, code in table["phrases"].items():
        if re.search(pattern, folded):
            return str(code)
    return _read_folded(folded) if folded else None


def _fold(text: str) -> str:
    """Return a unit as one spelling of several: in small letters, "/" for "per", without what
    stands in brackets.
    """
    # NFKC would take the sign of an ordinal, "º", for the letter "o".
    folded = unicodedata.normalize("NFKC", text.replace("º", "°")).casefold()
    folded = folded.replace("×", "x").replace("μ", "u").replace("\\", "")
    if not folded.startswith(("(", "[")):
        folded = _PARENTHESES.sub("", folded)
    folded = re.sub(
        r"(?:\bper(?!\s+cent\b)|\ba|\ban|(?<=\w)\s+each)\b(?=\s*\w)", "/", folded
    )
    folded = re.sub(r"\bweekly$", "/week", folded)
    folded = re.sub(r"\bdaily$", "/day", folded)
    folded = re.sub(r"(?<!\s)\s*/[\s/]*", "/", folded)
    return folded.strip(" .,;")


def _read_folded(folded: str) -> str | None:
    """Return the UCUM code of a folded unit, with its power of ten; None if it is no unit, or if a
    power of ten stands before a unit that is no count.
    """
    power = _POWER.match(folded)
    if power:
        folded = folded[power.end() :]
    codes = _read_codes(folded)
    if codes is None or not any(codes):
        return None
    if power:
        if codes[0] not in ("", "{cells}"):
            return None
        exponent = power["exponent"] or ""
        if power["zeros"]:  # "x 1000/uL"
            exponent = str(len(power["zeros"]) + 1)
        codes[0] = f"10*{exponent}"
    return _join_codes(codes)


def _read_codes(folded: str) -> list[str] | None:
    """Return the codes of a unit and of its denominators; None if anything else is left.

    The first code is empty where nothing stands before the slash: "/uL".
    """
    tokens = read_text(folded)
    if not folded.startswith("/"):
        unit = find_unit(tokens, 0, loose=True)
        if unit is None or unit.end < len(tokens):
            return None
        return [part.code for part in unit.parts]
    codes = [""]
    at = 0
    while step := _read_step(tokens, at, len(tokens)):
        below, at = step
        codes.append(below.code)
    return codes if at == len(tokens) else None
