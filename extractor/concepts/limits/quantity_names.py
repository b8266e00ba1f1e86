"""Canonical names of limited quantities, and values in their canonical units."""

import math
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cache, lru_cache
from typing import Any

from extractor.language.book import read_table, read_text, rule, word_list
from extractor.language.lexer import Tokens
from extractor.language.numbers import list_readings
from extractor.language.units import Dimension, convert, find_dimension, read_unit

_READ_BEFORE = 120
_READ_AFTER = 40
_NUMBER_REACH = 60
"""How many characters are read before a limit, after it, and between the name of a quantity and
its number.
"""


class Sense(Enum):
    """What the words around a limit add to the name of its quantity: it bounds a change, one of the
    two blood pressures, cells of another fluid than blood, or a value at an earlier moment.
    """

    CHANGE = "change"
    SYSTOLIC = "systolic"
    DIASTOLIC = "diastolic"
    OTHER_FLUID = "other fluid"
    EARLIER = "earlier"


def read_senses(
    text: str, quote: str, value: float, within: str = ""
) -> frozenset[Sense]:
    """Return what the words around a limit say of the quantity that ``text`` names; nothing if they
    say nothing of it, or if ``quote`` does not have the limit.

    ``within`` are the words of the limit in ``quote``, from its name to its end; without them, the
    number ``value`` nearest behind the name is the limit.

    >>> (
    ...     read_senses("SBP", "a drop in SBP of 20 mmHg", 20),
    ...     read_senses("SBP", "a drop in SBP to < 90 mmHg", 90),
    ... )
    (frozenset({<Sense.CHANGE: 'change'>}), frozenset())
    >>> [read_senses("BP", "BP >= 140/90", value) for value in (140, 90)]
    [frozenset({<Sense.SYSTOLIC: 'systolic'>}), frozenset({<Sense.DIASTOLIC: 'diastolic'>})]
    """
    place = _find_place(text, quote, value, within)
    if place is None:
        return frozenset()
    name_start, start, end = place
    before = read_text(quote[max(0, name_start - _READ_BEFORE) : name_start])
    between = read_text(quote[name_start:start])
    after = read_text(quote[end : end + _READ_AFTER])
    senses = set[Sense]()
    if _says_change(before, between):
        senses.add(Sense.CHANGE)
    if rule("other_fluid").search(after) or rule("other_fluid").search(between):
        senses.add(Sense.OTHER_FLUID)
    if _says_earlier(before, between, after):
        senses.add(Sense.EARLIER)
    side = _read_side(between, after)
    if side:
        senses.add(side)
    return frozenset(senses)


def _says_change(before: Tokens, between: Tokens) -> bool:
    """Return whether a change is named before a quantity, or between it and its number. "A drop in
    SBP to < 90" is none: it says which value was reached. Nor is a fall before an upper sign, as
    "fell below 90".
    """
    if rule("value_reached").ends(between, len(between)):
        return False
    change = rule("change_before").ends(between, len(between))
    change = change or rule("named_change_before").ends(before, len(before))
    if change is None:
        return False
    falls = any(
        rule(name).search(change.tokens, change.first, change.end)
        for name in ("fall_noun", "fell")
    )
    has_upper_sign = rule("upper_sign").ends(between, len(between))
    return not (falls and has_upper_sign)


def _says_earlier(before: Tokens, between: Tokens, after: Tokens) -> bool:
    """Return whether words say that a limit is of an earlier moment ("at diagnosis"): before the
    quantity, between it and its number, or directly behind the number, with one token between at
    most.
    """
    moment = rule("earlier_moment")
    if moment.ends(before, len(before)) or moment.search(between):
        return True
    return bool(moment.starts(after, 0) or moment.starts(after, 1))


def _read_side(between: Tokens, after: Tokens) -> Sense | None:
    """Return which of the two blood pressures a number is: the one named behind it, else the second
    or the first of a pair such as "140/90"; None if nothing says it.
    """
    named = rule("pressure_named_after").starts(after, 0)
    if named:
        return Sense((named.read("which") or "").lower())
    if rule("systolic_before").ends(between, len(between)):
        return Sense.DIASTOLIC
    if rule("diastolic_after").starts(after, 0):
        return Sense.SYSTOLIC
    return None


def _find_place(
    text: str, quote: str, value: float, within: str
) -> tuple[int, int, int] | None:
    """Return the characters of ``quote`` at which the name of a quantity begins, and at which the
    number that limits it begins and ends; None if it has no such number at most 60 characters
    behind the name. ``within`` are the words of the limit, if they are known.
    """
    number = re.compile(rf"(?<![\d.,]){re.escape(f'{value:g}')}(?![\d]|[.,]\d)")
    if within and within in quote:
        numbers = list(number.finditer(within))
        start = quote.find(within)
        if not numbers:
            return None
        return start, start + numbers[-1].start(), start + numbers[-1].end()
    first = quote.find(text) if text else -1
    found = number.search(quote, first) if first >= 0 else None
    if found is None:
        return None
    start = max(first, quote.rfind(text, first, found.start()))
    is_near = found.start() <= start + len(text) + _NUMBER_REACH
    return (start, *found.span()) if is_near else None


_SPELLINGS = [
    ("haem", "hem"),
    ("aemi", "emi"),
    ("oest", "est"),
    ("oedem", "edem"),
    ("foet", "fet"),
    ("faec", "fec"),
    ("apnoe", "apne"),
    ("leuc", "leuk"),
    ("paed", "ped"),
    ("tumour", "tumor"),
    ("titre", "titer"),
    ("normalis", "normaliz"),
    ("organis", "organiz"),
    ("generalis", "generaliz"),
    ("catastrophis", "catastrophiz"),
    ("analogue", "analog"),
    ("behaviour", "behavior"),
]
"""British parts of words, and the American ones."""
_GREEK = str.maketrans({"α": "alpha ", "β": "beta ", "γ": "gamma ", "δ": "delta "})
_WORD = re.compile(r"[a-z0-9]+")
_UNCOUNTED = ("ss", "us", "is")
_HEADS = frozenset({"grade", "class", "stage"})
# the units of a quantity whose name ends with one of the heads
_STEPS = frozenset({"{grade}", "{class}", "{stage}"})
_BARE = _STEPS | {"1", "{score}"}  # texts do not write them
_ANY_LABORATORY = frozenset({"{ULN}", "{LLN}", "{baseline}", "%{normal}"})
"""Units that compare with another value of the same quantity."""
_TESTS = re.compile(r"(?:positive|negative|abnormal|reactive)\b.*\btests?|.*\btests")
"""Tests that are counted: "one positive skin test", "two skin tests"."""
_CELL_UNITS = ("10*9/L", "/uL", "/L")  # texts leave them out
_NAME_BEFORE = 110
_NAME_BEHIND = 60
"""How many characters before and after a limit may name its quantity."""
_CLAUSE = re.compile(r"[;\n]|\.\s")
_SENTENCE = re.compile(r"\n|\.\s")
_OF_AGE = r"(?:years?|yrs?|months?|weeks?)[\s-]*(?:of age|old)\b"
_NO_AGE_UNITS = frozenset({"ms", "s", "min"})  # nobody gives an age in them
_WORST_ECOG = 5
_OF_SCORES = (("{score}", 1),)
"""The dimension of points of a score."""
_LONGEST_STEM = 3
"""A word that is no plural may have as many letters and an "s"."""
_THOUSANDFOLD = 2.99
"""The decimal logarithm of a factor of a thousand, but for rounding."""
_LONGEST_GAP = 4
"""The most words in place of a ``*`` in a name."""
# units of visual acuity that count what is lost
_LOSSES = frozenset({"logMAR", "LogMAR", "20/", "6/"})


@dataclass(frozen=True, slots=True)
class KnownQuantity:
    """A quantity of the vocabulary, as ``quantity_names/people.toml`` says. ``unit`` is the
    canonical one.

    ``loinc`` holds its LOINC codes by a unit of each dimension in which it is measured.
    """

    name: str
    names: tuple[str, ...]
    unit: str
    loinc: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    molar_mass: float | None = None
    implied: tuple[float, float] | None = None
    usual: tuple[float, float] | None = None
    worse: str | None = None
    others: tuple[str, ...] = ()
    linear: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    both: frozenset[str] = frozenset()
    weak: bool = False
    general: bool = False
    measured: bool = False
    signed: bool = False
    laboratory: bool = False
    any: tuple[str, ...] = ()
    change: str | None = None
    instead: Mapping[str, str] = field(default_factory=dict)

    def fits(self, unit: str | None) -> bool:
        """Return whether a limit on this quantity can have ``unit``, a UCUM code; without a unit,
        whether it needs none.

        It can have its canonical unit, a further one (``others``), one that converts into either or
        has the same dimension, and, as a concentration, any other concentration. A comparison with
        another value ("x ULN") suits all but scales, counts in braces and weak names. Counts have
        no other unit.
        """
        if unit is None:
            return not self.measured
        if unit == self.unit or unit in self.others:
            return True
        # as in "Testosterone >10% below the lower limit of normal"
        if unit.partition("{")[0] in self.others:
            return True
        if unit in _ANY_LABORATORY:
            return not self.weak and not self.unit.startswith("{")
        if self.unit == "1":
            return unit in {"1", "{times}"}
        dimension = find_dimension(unit)[1]
        is_convertible = self.to_canonical(1, unit) is not None
        if dimension == _OF_SCORES and not is_convertible:
            return self.unit.startswith("{")
        if is_convertible or self._is_concentration(dimension):
            return True
        return dimension != () and _has_dimension(self.others, dimension)

    def _is_concentration(self, dimension: Dimension) -> bool:
        """Return whether the canonical unit and a dimension are both something per volume. A bare
        mass counts beside a mass per volume, as it may have lost its volume: "mg%".
        """
        ours = find_dimension(self.unit)[1]
        per_volume = ("m", -3)
        mass = ("g", 1)
        if per_volume not in ours:
            return False
        if dimension == (mass,):
            return mass in ours
        if per_volume not in dimension:
            return False
        return len(dimension) > 1 and len(ours) > 1

    def is_plausible(self, value: float) -> bool:
        """Return whether a value without a unit can be in the canonical unit, judging by
        ``implied``.
        """
        return self.implied is None or self.implied[0] <= value <= self.implied[1]

    def is_usual(self, value: float, unit: str | None) -> bool:
        """Return whether limits of trials have such a value, judging by ``usual``; False if the
        usual range is not known, or the value has no canonical unit.
        """
        if self.usual is None:
            return False
        canonical = self.to_canonical(value, unit)
        return canonical is not None and self.is_possible(canonical)

    def is_possible(self, canonical: float) -> bool:
        """Return whether a value in the canonical unit can be a limit: it is 0, or ``usual``
        does not exclude it.
        """
        if self.usual is None:
            return True
        if canonical == 0:
            return True
        return self.usual[0] <= abs(canonical) <= self.usual[1]

    def is_slip(self, value: float, canonical: float) -> bool:
        """Return whether a value seems to be in the canonical unit already, and the unit that is
        written beside it to be a slip by thousands: "TSH < 0.2 mIU/mL" is 0.2 mIU/L, not 200.

        It is if the unit makes it a thousand times as great, or as small, as ``canonical`` is, and
        ``value`` lies nearer to the middle of the ``usual`` range.

        >>> tsh = list_quantities()["tsh"]
        >>> tsh.is_slip(0.2, 200), tsh.is_slip(0.0002, 0.2)
        (True, False)
        """
        if self.usual is None or value <= 0 or canonical <= 0:
            return False
        if abs(math.log10(canonical / value)) < _THOUSANDFOLD:
            return False
        if not self.is_possible(value):
            return False
        middle = (math.log10(self.usual[0]) + math.log10(self.usual[1])) / 2
        written_apart = abs(math.log10(value) - middle)
        return written_apart < abs(math.log10(canonical) - middle)

    def infer_unit(self, value: float) -> str | None:
        """Return the unit in which a value without one is meant; None if it is not known, or if
        several are possible.

        A number of cells may be per litre, per microlitre or in 10^9/L: its size tells which.
        Counts and scales are in their canonical unit, other quantities if the value is in their
        ``implied`` range.

        >>> [
        ...     list_quantities()["platelet_count"].infer_unit(value)
        ...     for value in (100_000, 100, 1_000_000_000)
        ... ]
        ['/uL', '10*9/L', None]
        """
        if self.unit == "10*9/L" and self.usual:
            units = [unit for unit in _CELL_UNITS if self.is_usual(value, unit)]
            return units[0] if len(units) == 1 else None
        bare = self.unit in _BARE or (self.implied and self.is_plausible(value))
        return self.unit if bare else None

    def change_of(self) -> "KnownQuantity":
        """Return the quantity that is a change of this one, in the same unit: one of the vocabulary
        if it has one, else a new one that is named after this and may be below zero.
        """
        if self.change:
            return list_quantities()[self.change]
        linear = {unit: (factor, 0.0) for unit, (factor, _) in self.linear.items()}
        plain = replace(
            self,
            loinc={},
            implied=None,
            usual=None,
            both=frozenset(),
            linear=linear,
            signed=True,
        )
        return replace(plain, name=f"{self.name}_change")

    def to_canonical(self, value: float, unit: str | None) -> float | None:
        """Return the value in the canonical unit; None if no safe conversion exists. Without a
        ``unit``, it is in the one that goes without saying (``infer_unit``).
        """
        unit = unit or self.infer_unit(value)
        if unit is None:
            return None
        if unit in self.linear:
            factor, offset = self.linear[unit]
            return float(f"{value * factor + offset:.4g}")
        return convert(value, unit, self.unit, self.molar_mass)


def name_quantity(
    text: str,
    unit: str | None = None,
    quote: str = "",
    value: float | None = None,
    within: str = "",
) -> KnownQuantity | None:
    """Return the quantity that ``text`` names and that can have the UCUM ``unit``; None if there is
    none.

    If ``text`` names none ("men", "score"), the words around it in ``quote`` decide, and finally
    the unit. If ``value`` and ``quote`` are given, the words around the limit can also make it a
    change, one of the two blood pressures, a value of an earlier moment (``read_senses``).
    ``within`` are the words of the limit in ``quote``, from the name of its quantity to its end, if
    they are known.

    >>> name_quantity("Absolute neutrophil count (ANC)", "/uL").name
    'absolute_neutrophil_count'
    >>> name_quantity("men", "g/dL", "Haemoglobin: men > 13 g/dL, women > 12 g/dL").name
    'haemoglobin'
    >>> name_quantity("diagnosis", "mo").name, name_quantity("those")
    ('duration', None)
    >>> name_quantity("BP", "mm[Hg]", "BP >= 140/90 mmHg", 90).name
    'diastolic_blood_pressure'
    >>> name_quantity("SBP", "mm[Hg]", "a drop in SBP of 20 mmHg", 20).name
    'systolic_blood_pressure_change'
    """
    named = _count_tests(text, unit, _name(text, unit, quote, value))
    if named is None:
        return None
    # a performance status of 2 is ECOG, and of 70 is Karnofsky
    if named.name == "performance_status":
        return _name_performance(value)
    if unit:
        named = _name_by_dimension(named, unit)
    if value is None or not quote:
        return named
    if named.general or unit in _ANY_LABORATORY:
        return named
    return _name_by_senses(named, read_senses(text, quote, value, within))


def _name_performance(value: float | None) -> KnownQuantity:
    """Return the scale on which the value of a "performance status" lies: ECOG up to 5 or without a
    value, else Karnofsky or Lansky. ECOG goes to 5, Karnofsky and Lansky go from 10.
    """
    if value is None or value <= _WORST_ECOG:
        return list_quantities()["ecog_performance_status"]
    return list_quantities()["karnofsky_or_lansky"]


def _name_by_dimension(named: KnownQuantity, unit: str) -> KnownQuantity:
    """Return the quantity that a name means with a unit: FEV1 in litres is another one than FEV1 in
    percent of the predicted value. It is ``named`` if its ``instead`` has no unit that converts.
    """
    for code, name in named.instead.items():
        # "Fibrosis of more than 7.1 kilopascals": a stiffness, and no stage
        if convert(1, unit, code) is not None:
            return list_quantities()[name]
    return list_quantities()[named.name]


def _name_by_senses(named: KnownQuantity, senses: Collection[Sense]) -> KnownQuantity:
    """Return the quantity that ``named`` is with the senses that the words around its limit have:
    an age at onset, cells of another fluid, one blood pressure, or a change of it; else itself.
    """
    if named.name == "age" and Sense.EARLIER in senses:
        return list_quantities()["age_at_onset"]
    if named.unit == _CELL_UNITS[0] and Sense.OTHER_FLUID in senses:
        return list_quantities()["cell_count"]
    if "blood_pressure" in named.name:
        for side in (Sense.DIASTOLIC, Sense.SYSTOLIC):
            if side in senses:
                named = list_quantities()[f"{side.value}_blood_pressure"]
                break
    if Sense.CHANGE in senses and named.change != named.name:
        return named.change_of()
    return named


def _count_tests(
    text: str, unit: str | None, named: KnownQuantity | None
) -> KnownQuantity | None:
    """Return ``named``, but a count if the text counts tests of a measured quantity and has no
    unit: "two skin tests".
    """
    if named is None or unit is not None or named.unit in _BARE:
        return named
    is_count = _TESTS.fullmatch(text.lower()) is not None
    return list_quantities()["count"] if is_count else named


def _name(
    text: str, unit: str | None, quote: str, value: float | None
) -> KnownQuantity | None:
    """Return the quantity that the words of ``text`` name; None if neither they nor the unit tell
    one.

    Words for people or scales alone stand for the strong name near them in ``quote``. A length of
    time is an age if words behind it or its quantity say so. Without a name, the unit tells the
    quantity, and a plural without a unit is a count.
    """
    words = fold_words(text)
    named = _choose(words, unit)
    # "Height more than 2 SD above the mean": no height is 2
    if named and unit is None and _is_implausible(named, value):
        named = None
    people_and_scales = word_list("people") | word_list("scale_words")
    if (people_and_scales | word_list("idle_words")).issuperset(words):
        near = _choose_near(text, words, unit, quote)
        if near:
            return near
    is_age_or_length = named is None or named.name == "duration"
    if is_age_or_length and _is_age(words, unit, quote, value):
        return list_quantities()["age"]
    if named:
        return named
    by_unit = _name_by_unit(unit, value) if unit else None
    if by_unit:
        return by_unit
    # "Women of 55 and above with 4 or more risks"
    if unit is None and _is_count(text):
        return list_quantities()["count"]
    return None


def _is_implausible(named: KnownQuantity, value: float | None) -> bool:
    """Return whether a weak name cannot have a value without a unit: nobody has an age of 300."""
    return named.weak and value is not None and not named.is_plausible(value)


def _is_age(
    words: tuple[str, ...], unit: str | None, quote: str, value: float | None
) -> bool:
    """Return whether a length of time is an age: words behind its ``value`` in ``quote`` say so
    ("18 years old", "6 months of age"), or ``words``, those of its quantity, are of people. The
    unit must be one of times, and none of seconds or minutes.
    """
    if unit is None or unit in _NO_AGE_UNITS:
        return False
    if find_dimension(unit)[1] != (("s", 1),):
        return False
    if value is not None:
        written = re.escape(f"{value:g}")
        if re.search(rf"\b{written}[\s-]*{_OF_AGE}", quote):
            return True
    return not word_list("people").isdisjoint(words)


def _name_by_unit(unit: str, value: float | None) -> KnownQuantity | None:
    """Return the quantity that a unit alone tells; None if it tells none, or one that cannot have
    the value: "prostate > 100 c" is no temperature.
    """
    by_unit = _find_unit(unit)
    if by_unit is None or value is None:
        return by_unit
    canonical = by_unit.to_canonical(value, unit)
    if canonical is None or by_unit.is_possible(canonical):
        return by_unit
    return None


def _is_count(text: str) -> bool:
    """Return whether a text without a unit ends with a plural of something that is counted:
    "syncopal spells", "affected limbs". People, scales, idle words, "times" and units do not count.
    """
    words = _WORD.findall(text.casefold())
    last = words[-1] if words else ""
    if len(last) <= _LONGEST_STEM or not last.endswith("s"):
        return False
    if last.endswith(_UNCOUNTED):
        return False
    for name in ("people", "scale_words", "quantity_fillers"):
        if last[:-1] in word_list(name):
            return False
    return last != "times" and read_unit(last) is None


def find_loinc(quantity: KnownQuantity, unit: str | None) -> list[str]:
    """Return the LOINC codes of a quantity in a UCUM unit, the most usual first; none if no code is
    certain.

    A code stands for one dimension: LOINC has one glucose by mass and another by amount of
    substance. A multiple of a limit of normal may have any code, and so may a value without a unit
    if there is only one dimension.

    >>> glucose, white_cells = (
    ...     list_quantities()["glucose"],
    ...     list_quantities()["white_blood_cell_count"],
    ... )
    >>> [find_loinc(glucose, unit) for unit in ("mg/dL", "umol/L", "{ULN}", None, "%")]
    [['2345-7'], ['14749-6'], ['2345-7', '14749-6'], [], []]
    >>> find_loinc(white_cells, "/uL") == find_loinc(white_cells, "10*9/L") == [
    ...     "6690-2",
    ...     "26464-8",
    ... ]
    True
    """
    if unit is None and quantity.unit not in _BARE and len(quantity.loinc) > 1:
        return []
    own = unit or quantity.unit
    # an equivalent is a mole only for ions with one charge
    if "eq" in own and quantity.molar_mass:
        return []
    is_linear = own in quantity.linear and own not in quantity.loinc
    wanted = name_property(quantity.unit if is_linear else own)
    codes: list[str] = []
    for code_unit, unit_codes in quantity.loinc.items():
        if own in _ANY_LABORATORY or name_property(code_unit) == wanted:
            codes += unit_codes
    return codes


def name_property(unit: str) -> tuple[Dimension, bool]:
    """Return in what one LOINC code measures: the dimension of a UCUM unit, and whether it is per
    1.73 m2 of body surface.

    Units of enzymes and international units count as one, as each assay has only one of them.

    >>> (
    ...     name_property("kU/L") == name_property("[IU]/mL"),
    ...     name_property("mL/min") == name_property("mL/min/{1.73_m2}"),
    ... )
    (True, False)
    """
    return find_dimension(unit.replace("[IU]", "U"))[1], "{1.73_m2}" in unit


def choose_reading(
    written: str, name: str, unit: str | None, quote: str = ""
) -> tuple[int | float, bool]:
    """Return the reading of a written number that is usual for the quantity ``name``, and whether
    that is sure.

    A single reading in the usual range is sure. Where the range does not decide, a comma before
    three digits marks thousands, as in English, and is sure unless the value is unusual; a dot is
    not sure. A comma before three noughts always marks thousands: nobody writes 1 as "1,000". A
    decimal comma is never sure. ``written`` must be a number.

    >>> (
    ...     choose_reading("100.000", "Platelets", "/mm3"),
    ...     choose_reading("1.500", "score", None),
    ... )
    ((100000, True), (1.5, False))
    """
    readings = list_readings(written)
    likeliest = readings[0]
    code = read_unit(unit) if unit else None
    quantity = name_quantity(name, code, quote)
    usual = []
    if quantity:
        usual = [value for value in readings if quantity.is_usual(value, code)]
    has_thousands_comma = "," in written and likeliest > readings[-1]
    if has_thousands_comma and usual == [readings[-1]]:
        # only the decimal comma makes the value a usual one
        if written.endswith(",000"):
            return likeliest, False
        return readings[-1], False
    if len(usual) == 1:
        return usual[0], True
    if len(readings) == 1:
        return likeliest, True
    # "Platelet count at least 100,000" may be 100 or 100,000 platelets
    if usual:
        return likeliest, False
    is_unusual = quantity is not None and quantity.usual is not None
    marks_thousands = likeliest % 1 == 0 and written.count(",") == 1
    return likeliest, marks_thousands and not is_unusual


def names_quantity(text: str, *, surely: bool = False) -> bool:
    """Return whether a text holds the name of a known quantity, whatever its unit, that is more
    than a kind. ``surely``: a weak name, which any other one replaces, does not count.

    >>> names_quantity("serum AST"), names_quantity("asthma")
    (True, False)
    """
    for quantity in _find(fold_words(text)):
        if quantity.general:
            continue
        if not surely or not quantity.weak:
            return True
    return False


def list_named(text: str) -> tuple[KnownQuantity, ...]:
    """Return the known quantities that a text names, from left to right, without those that only
    name a kind.

    >>> [quantity.name for quantity in list_named("FEV1/FVC, haemoglobin and ECOG")]
    ['fev1_fvc_ratio', 'haemoglobin', 'ecog_performance_status']
    """
    named = _find(fold_words(text))
    return tuple(quantity for quantity in named if not quantity.general)


def list_named_words(text: str, quantity: KnownQuantity) -> list[int]:
    """Return at which words of a text, counted without idle ones (``fold_words``), names of a
    quantity or of its change begin.

    >>> list_named_words("serum AST or ALT", list_quantities()["alt"])
    [1]
    """
    words = fold_words(text)
    starts = []
    for at, word in enumerate(words):
        for name, named in _index().get(word, ()):
            is_ours = quantity.name in (named.name, f"{named.name}_change")
            if is_ours and _match(name, words[at:]):
                starts.append(at)
    return starts


def find_exactly(text: str) -> KnownQuantity | None:
    """Return the quantity that a text names, if it says nothing else; otherwise None, also for a
    name of a kind.

    >>> (
    ...     find_exactly("Haemoglobin level").name,
    ...     find_exactly("severe haemoglobin defects"),
    ... )
    ('haemoglobin', None)
    """
    words = fold_words(text)
    if not words:
        return None
    for name, quantity in _index().get(words[0], ()):
        if name == words and not quantity.general:
            return quantity
    return None


def find_worse_side(name: str, unit: str | None = None, quote: str = "") -> str | None:
    """Return the side of a quantity's scale, "higher" or "lower", that is worse; None if it is not
    known.

    The unit decides for visual acuity: letters count what is seen, logMAR and the number below a
    fraction what is lost. ``quote`` are the words around the name, if they may tell the quantity.

    >>> (
    ...     find_worse_side("ECOG"),
    ...     find_worse_side("visual acuity", "letters"),
    ...     find_worse_side("visual acuity", "logMAR"),
    ... )
    ('higher', 'lower', 'higher')
    """
    quantity = name_quantity(name, read_unit(unit) if unit else None, quote)
    if quantity is None or quantity.general:
        quantity = name_quantity(name, None, quote) or quantity
    if quantity and quantity.name == "visual_acuity":
        return "higher" if unit in _LOSSES else "lower"
    return quantity.worse if quantity else None


def fold_words(text: str) -> tuple[str, ...]:
    """Return the words of a name as ``spell_words`` spells them, without those that fill names up
    ("the", "level").

    >>> fold_words("the Haemoglobin levels"), fold_words("FEV1/FVC")
    (('hemoglobin',), ('fev1', 'fvc'))
    """
    return tuple(
        word for word in spell_words(text) if word not in word_list("quantity_fillers")
    )


def spell_words(text: str) -> tuple[str, ...]:
    """Return the words of a name in lower case, in American spelling, in the singular, without
    accents.

    >>> spell_words("Sjögren's visual-analogue scales")
    ('sjogren', 'visual', 'analog', 'scale')
    """
    folded = unicodedata.normalize("NFKD", text.casefold().translate(_GREEK))
    folded = (
        "".join(letter for letter in folded if not unicodedata.combining(letter))
        .replace("'", "")
        .replace("’", "")
    )
    for british, american in _SPELLINGS:
        folded = folded.replace(british, american)
    return tuple(_make_singular(word) for word in _WORD.findall(folded))


def _make_singular(word: str) -> str:
    """Return a word in lower case without the ending of a plural. Short words, and those with "ss",
    "us" or "is" at their end, stay as they are.
    """
    if len(word) <= _LONGEST_STEM + 1 or not word.endswith("s"):
        return word
    if word.endswith(_UNCOUNTED):
        return word
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-1]


@cache
def list_quantities() -> Mapping[str, KnownQuantity]:
    """Return all quantities by name."""
    quantities = {}
    for name, written in read_table("quantity_names").items():
        entry = {"unit": "{score}"} | written
        for key in ("names", "others", "any", "implied", "usual"):
            if key in entry:
                entry[key] = tuple(entry[key])
        entry["both"] = frozenset(entry.get("both", ()))
        entry["weak"] = entry.get("weak", False) or entry.get("general", False)
        entry["loinc"] = _list_loinc(entry)
        quantities[name] = KnownQuantity(**entry, name=name)
    return quantities


def _list_loinc(entry: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the LOINC codes of an entry of the vocabulary by unit. The entry has one code or a
    list, which are those for its canonical unit, or a table of both by unit, or none.
    """
    codes = entry.get("loinc", {})
    by_unit = codes if isinstance(codes, dict) else {entry["unit"]: codes}
    loinc = {}
    for unit, of_unit in by_unit.items():
        loinc[unit] = (of_unit,) if isinstance(of_unit, str) else tuple(of_unit)
    return loinc


def get_quantity(name: str) -> KnownQuantity:
    """Return a quantity of the vocabulary, or the change of one, by its canonical name.

    >>> get_quantity("haemoglobin").unit, get_quantity("haemoglobin_change").signed
    ('g/dL', True)
    """
    known = list_quantities()
    if name in known:
        return known[name]
    return known[name.removesuffix("_change")].change_of()


@cache
def _index() -> Mapping[str, list[tuple[tuple[str, ...], KnownQuantity]]]:
    """Return the names of all quantities with their quantity, by their first word, longer names
    first. A name is a row of folded words, with "*" for a gap.
    """
    index: dict[str, list[tuple[tuple[str, ...], KnownQuantity]]] = {}
    for quantity in list_quantities().values():
        for name in quantity.names:
            words: list[str] = []
            for part in name.split():
                words += ("*",) if part == "*" else fold_words(part)
            index.setdefault(words[0], []).append((tuple(words), quantity))
    for entries in index.values():
        entries.sort(key=lambda entry: -len(entry[0]))
    return index


def _find(words: tuple[str, ...]) -> Iterator[KnownQuantity]:
    """Yield the quantities named by ``words``, from left to right, by the longest name at each
    place.
    """
    index = _index()
    at = 0
    while at < len(words):
        step = 1
        for name, quantity in index.get(words[at], ()):
            length = _match(name, words[at:])
            if length:
                yield quantity
                step = length
                break
        at += step


def _match(name: tuple[str, ...], words: tuple[str, ...]) -> int:
    """Return how many words a name covers at the beginning of ``words``; 0 if it does not stand
    there. A ``*`` in a name stands for up to four words.
    """
    if "*" not in name:
        return len(name) if words[: len(name)] == name else 0
    gap = name.index("*")
    if words[:gap] != name[:gap]:
        return 0
    rest = name[gap + 1 :]
    for at in range(gap, gap + _LONGEST_GAP + 1):
        end = at + len(rest)
        if words[at:end] == rest:
            return end
    return 0


@lru_cache(maxsize=4096)
def _choose(words: tuple[str, ...], unit: str | None) -> KnownQuantity | None:
    """Return the quantity that folded words name and that fits the unit; None if there is none.

    Strong names go before weak ones. Of several, it is the quantity that stands for all of them, or
    else the last one. Words without a unit that end with "grade", "class" or "stage" only name a
    quantity with such values, or with this word in a name.
    """
    fitting = [quantity for quantity in _find(words) if quantity.fits(unit)]
    if words and unit is None and words[-1] in _HEADS:
        head = words[-1]
        fitting = [quantity for quantity in fitting if _has_head(quantity, head)]
    strong = [quantity for quantity in fitting if not quantity.weak]
    combined = _combine(strong, unit) or _combine(fitting, unit)
    # "ECOG 0 or 1 or Karnofsky 70"
    if combined:
        return combined
    if strong:
        return strong[-1]
    return fitting[-1] if fitting else None


def _has_head(quantity: KnownQuantity, head: str) -> bool:
    """Return whether the values of a quantity are grades, classes or stages, or one of its names
    has the word ``head``.
    """
    if quantity.unit in _STEPS:
        return True
    return any(head in fold_words(name) for name in quantity.names)


def _combine(named: Sequence[KnownQuantity], unit: str | None) -> KnownQuantity | None:
    """Return the quantity that stands for exactly the named ones together, as transaminases do for
    ALT and AST, and that can have the unit; None if there is none, or if fewer than two are named.
    """
    if len({quantity.name for quantity in named}) < 2:
        return None
    names = set[str]()
    for quantity in named:
        names |= quantity.both or {quantity.name}
    for quantity in list_quantities().values():
        if quantity.both == names and quantity.fits(unit):
            return quantity
    return None


def _choose_near(
    text: str, words: tuple[str, ...], unit: str | None, quote: str
) -> KnownQuantity | None:
    """Return the quantity that is named near ``text`` in ``quote``; None if no strong name is.

    It is searched before ``text`` in its clause, then, for a scale, behind it, then before it in
    its sentence. Without a unit, ``words`` must have one for a scale, and the quantity must be a
    score or the like.
    """
    at = quote.find(text)
    if at < 0:
        return None
    is_scale = not word_list("scale_words").isdisjoint(words)
    if unit is None and not is_scale:
        return None
    before = quote[max(0, at - _NAME_BEFORE) : at]
    behind = ""
    if is_scale:
        end = at + len(text)
        behind = _CLAUSE.split(quote[end : end + _NAME_BEHIND])[0]
    head = tuple(word for word in words[-1:] if word in _HEADS)
    clause = _CLAUSE.split(before)[-1]
    # "QTcF: men < 450 ms; women < 470 ms": the clause before names the quantity, too.
    sentence = _SENTENCE.split(before)[-1]
    for nearby in (clause, behind, sentence):
        near = _choose((*fold_words(nearby), *head), unit)
        if near is None or near.weak:
            continue
        if unit is not None or near.unit.startswith("{"):
            return near
    return None


@lru_cache(maxsize=1024)
def _find_unit(unit: str) -> KnownQuantity | None:
    """Return the quantity that a unit alone tells, as "kg" tells a weight, else the kind of
    quantity that its dimension tells; None if neither is known.
    """
    known = list_quantities().values()
    for quantity in known:
        if unit in quantity.any:
            return quantity
    dimension = find_dimension(unit)[1]
    for quantity in known:
        if quantity.general and _has_dimension(quantity.any, dimension):
            return quantity
    return None


def _has_dimension(units: Iterable[str], dimension: Dimension) -> bool:
    return any(dimension == find_dimension(unit)[1] for unit in units)
