"""Find the canonical names of limited quantities, and convert values to canonical units."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from typing import Any

from extractor.concepts.limits.written_numbers import (
    Number,
    NumberRole,
    find_numbers,
    find_role,
)
from extractor.language.book import read_table, read_words, rule, word_list
from extractor.language.lexer import Tokens
from extractor.language.numbers import Numeric, list_readings
from extractor.language.units import Dimension, convert, find_dimension, read_unit
from extractor.measures.names import NameWords, find_names, fold_words

_HEADS = frozenset({"grade", "class", "stage"})
_STEPS = frozenset({"{grade}", "{class}", "{stage}"})
"""The unit that is implied by each of these words at the end of a quantity's name."""
BARE_UNITS = _STEPS | {"1", "{score}"}  # texts omit these units
_ANY_LABORATORY = frozenset(
    ["{ULN}", "{LLN}", "{baseline}", "%{normal}", "%{ULN}", "%{LLN}", "%{baseline}"]
)
"""Units that express a value relative to another value of the same quantity."""
_CELL_UNITS = ("10*9/L", "/uL", "/L")  # texts omit these units
_NO_AGE_UNITS = frozenset({"ms", "s", "min"})  # these units are not used for ages
# The scale ends with 5, death.
_WORST_ECOG = 5
_OF_SCORES = (("{score}", 1),)
"""The dimension of score points."""
_OF_TIME = (("s", 1),)
_PER_VOLUME = ("m", -3)
_LOSSES = frozenset({"logMAR", "LogMAR", "20/", "6/"})
"""Visual acuity units in which higher values are worse."""
# Chosen by hand.
_SENSE_REACH = 8
"""Number of tokens around a limit that are searched for a reference to an earlier time or another
fluid.
"""


@dataclass(frozen=True, slots=True)
class KnownQuantity:
    """A quantity in the vocabulary, as described in ``rules/quantity_names/people.toml``. ``unit``
    is the canonical unit.

    ``loinc`` contains its LOINC codes, keyed by one unit for each dimension in which it is
    measured.
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
        """Return whether a limit on this quantity can have ``unit`` (a UCUM code) or, if ``unit``
        is None, can lack a unit. The unit can be the canonical unit, an additional unit
        (``others``), or a unit that can be converted to one of them or has the same dimension; a
        concentration can have any unit of concentration. A relative unit ("x ULN") fits all
        quantities except scales, counts whose unit is in braces, and quantities with weak names.
        Counts cannot have any other unit.
        """
        if unit is None:
            return not self.measured
        # as in "Testosterone >10% below the lower limit of normal"
        if unit == self.unit or {unit, unit.partition("{")[0]} & {*self.others}:
            return True
        if unit in _ANY_LABORATORY:
            return not self.weak and not self.unit.startswith("{")
        if self.unit == "1":
            return unit == "{times}"
        if self.to_canonical(1, unit) is not None:
            return True
        dimension = find_dimension(unit)[1]
        if dimension == _OF_SCORES:
            return self.unit.startswith("{")
        is_other = dimension != () and _has_dimension(self.others, dimension)
        return is_other or self._is_concentration(dimension)

    def _is_concentration(self, dimension: Dimension) -> bool:
        """Return whether both the canonical unit and a dimension are amounts per volume. A mass is
        treated as a mass per volume, since the volume may be omitted: "mg%".
        """
        own_dimension = find_dimension(self.unit)[1]
        if _PER_VOLUME not in own_dimension:
            return False
        # "mg%" omits the volume
        if dimension == (("g", 1),):
            return ("g", 1) in own_dimension
        if _PER_VOLUME not in dimension:
            return False
        return min(len(dimension), len(own_dimension)) > 1

    def is_usual(self, value: float, unit: str | None) -> bool:
        """Return whether a value is in the ``usual`` range of limits in trials; False if the usual
        range is unknown, or if the value cannot be converted to the canonical unit.
        """
        canonical = None
        if self.usual:
            canonical = self.to_canonical(value, unit)
        return canonical is not None and self.is_possible(canonical)

    def is_possible(self, canonical: float) -> bool:
        """Return whether a value in the canonical unit is a plausible limit: it is 0 or is not
        outside the ``usual`` range.
        """
        if self.usual is None:
            return True
        # "0 lesions" is outside every range of limits, but is often required
        return canonical == 0 or self.usual[0] <= abs(canonical) <= self.usual[1]

    def infer_unit(self, value: float) -> str | None:
        """Return the implied unit of a value without a unit; None if it is unknown or ambiguous. A
        cell count may be per litre, per microlitre or in 10^9/L, depending on its size. Counts and
        scales are given their canonical unit; other quantities are given it only if the value is
        in their ``implied`` range.

        >>> [
        ...     list_quantities()["platelet_count"].infer_unit(value)
        ...     for value in (100_000, 100, 1_000_000_000)
        ... ]
        ['/uL', '10*9/L', None]
        """
        # platelets of 100,000 are per microlitre, of 100 in 10^9/L
        if self.unit == "10*9/L" and self.usual:
            units = [unit for unit in _CELL_UNITS if self.is_usual(value, unit)]
            if len(units) == 1:
                return units[0]
            return None
        if self.unit in BARE_UNITS:
            return self.unit
        low, high = self.implied or (math.inf, 0)
        if low <= value <= high:
            return self.unit
        return None

    @property
    def is_in_percent(self) -> bool:
        """Whether a percentage of this quantity is the same number of its unit, as for a Karnofsky
        score.
        """
        return tuple(self.linear.get("%", ())) == (1, 0)

    def change_of(self) -> "KnownQuantity":
        """Return the quantity for changes in this quantity, in the same unit. If the vocabulary
        does not contain such a quantity, create one that is named after this quantity and may be
        negative.
        """
        if self.change:
            return list_quantities()[self.change]
        return replace(
            self,
            name=f"{self.name}_change",
            loinc={},
            implied=None,
            usual=None,
            both=frozenset(),
            linear={unit: (factor, 0.0) for unit, (factor, _) in self.linear.items()},
            signed=True,
        )

    def to_canonical(self, value: float, unit: str | None) -> float | None:
        """Convert a value to the canonical unit; return None if it cannot be converted safely. If
        ``unit`` is None, the implied unit is used (``infer_unit``).
        """
        unit = unit or self.infer_unit(value)
        if unit is None:
            return None
        if unit in self.linear:
            factor, offset = self.linear[unit]
            # the factors are rounded: an HbA1c of 53 mmol/mol is 7 %, not 7.00044 %
            return float(f"{value * factor + offset:.4g}")
        return convert(value, unit, self.unit, self.molar_mass)


@cache
def list_quantities() -> Mapping[str, KnownQuantity]:
    """Return all quantities by name."""
    quantities = {}
    for name, written in read_table("quantity_names").items():
        # an entry without a unit is a scale
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
    """Return the LOINC codes of a vocabulary entry by unit. The entry can contain a code or a list
    of codes for its canonical unit, a table of codes by unit, or no codes.
    """
    by_unit = entry.get("loinc", {})
    if not isinstance(by_unit, dict):
        by_unit = {entry["unit"]: by_unit}
    loinc = {}
    for unit, codes in by_unit.items():
        loinc[unit] = (codes,) if isinstance(codes, str) else tuple(codes)
    return loinc


def get_quantity(name: str) -> KnownQuantity:
    """Return the vocabulary's quantity with the given canonical name, or the change in a quantity
    if the name is that of a change.

    >>> get_quantity("haemoglobin").unit, get_quantity("haemoglobin_change").signed
    ('g/dL', True)
    """
    known = list_quantities()
    if name in known:
        return known[name]
    return known[name.removesuffix("_change")].change_of()


@lru_cache(maxsize=1024)
def name_quantity(
    text: str, unit: str | None = None, quote: str = "", value: float | None = None
) -> KnownQuantity | None:
    """Return the quantity that ``text`` names and that can have the UCUM ``unit``; None if no
    quantity matches.

    If ``text`` names only people or a scale ("men", "score"), the quantity is determined by the
    words before it in ``quote`` or, failing that, by the unit. If ``value`` and ``quote`` are
    given, the words around the limit can also narrow the quantity to a change or to one of the two
    blood pressures.

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
    quantity = _name_by_words_or_unit(text, unit, quote, value)
    if quantity is None:
        return None
    # a performance status of 2 is ECOG, one of 70 is Karnofsky
    if quantity.name == "performance_status":
        if value is None or value <= _WORST_ECOG:
            return get_quantity("ecog_performance_status")
        return get_quantity("karnofsky_or_lansky")
    for code, name in quantity.instead.items():
        # "Fibrosis of more than 7.1 kilopascals" is a stiffness, not a stage
        if unit and convert(1, unit, code) is not None:
            quantity = get_quantity(name)
            break
    if value is None or quantity.general or unit in _ANY_LABORATORY:
        return quantity
    return _name_by_sense(quantity, text, quote, value)


def names_measured(text: str, unit: str | None) -> bool:
    """Return whether ``text`` itself names a quantity that can have the UCUM ``unit``.

    >>> names_measured("lymph nodes", "cm"), names_measured("pain", "kg")
    (True, False)
    """
    return _find_named(fold_words(text), unit) is not None


def _name_by_words_or_unit(
    text: str, unit: str | None, quote: str, value: float | None
) -> KnownQuantity | None:
    """Return the quantity that ``text`` names or, if it does not name one, that the words before
    it, its people or the unit indicate; None if none does.
    """
    words = fold_words(text)
    named = _find_named(words, unit)
    if named and unit is None and _is_unlikely(named, value):
        named = None
    near = _find_near(text, words, unit, quote)
    if near:
        return near
    if not unit:
        return named
    is_length = named is None or named.name == "duration"
    if is_length and _is_age(words, unit, quote):
        return get_quantity("age")
    return named or _name_by_unit(unit, value)


def _is_unlikely(named: KnownQuantity, value: float | None) -> bool:
    """Return whether a value without a unit is none of a weakly named quantity: in "Height more
    than 2 SD above the mean", 2 is not a height.
    """
    if not named.weak or not named.implied:
        return False
    return value is not None and not named.infer_unit(value)


def _find_near(
    text: str, words: NameWords, unit: str | None, quote: str
) -> KnownQuantity | None:
    """Return the quantity that is named in a quote before words for people or a scale (``text``,
    with its ``words``) or, failing that, around them. Return None if ``text`` says more or is not
    in the quote, or if the quote names only a weak quantity or, without a unit, no scale.
    """
    nameless = word_list("people") | word_list("scale_words") | word_list("idle_words")
    if text not in quote or not nameless.issuperset(words):
        return None
    head = words[-1:]  # a name may require it: "grade"
    # the words before "men" name the quantity in "Haemoglobin: men > 13 g/dL"; only without such
    # words may those behind "men" do so
    for nearby in (quote[: quote.find(text)], quote):
        near = _find_named((*fold_words(nearby), *head), unit)
        if near is None or near.weak:
            continue
        is_scale = near.unit.startswith("{")
        if unit or is_scale:
            return near
    return None


def _is_age(words: NameWords, unit: str, quote: str) -> bool:
    """Return whether a duration is an age: its words name people, or the quote describes it as an
    age ("18 years old").
    """
    # no age of participants is stated in such a unit
    if unit in _NO_AGE_UNITS or find_dimension(unit)[1] != _OF_TIME:
        return False
    if not word_list("people").isdisjoint(words):
        return True
    return rule("age_behind").occurs(read_words(quote))


def _name_by_unit(unit: str, value: float | None) -> KnownQuantity | None:
    """Return the quantity that a unit alone indicates; return None if no quantity is indicated, or
    if the quantity cannot have the given value: "prostate > 100 c" is not a temperature.
    """
    by_unit = _find_by_unit(unit)
    if by_unit is None or not value:
        return by_unit
    canonical = by_unit.to_canonical(value, unit) or 0
    if by_unit.is_possible(canonical):
        return by_unit
    return None


def _name_by_sense(
    quantity: KnownQuantity, text: str, quote: str, value: float
) -> KnownQuantity:
    """Return the narrower quantity that the words around a limit show: the age at an onset, a cell
    count in another fluid than blood, one of the two blood pressures, or a change. Return
    ``quantity`` if they show none, or if ``value`` does not follow its name (``text``) in the
    quote.
    """
    tokens = read_words(quote)
    start = max(0, quote.find(text))
    name = (tokens.at(start), tokens.before(start + len(text)))
    following = (
        number
        for number in find_numbers(tokens)
        if number.value == value and number.first >= name[0]
    )
    number = next(following, None)
    if number is None:
        return quantity
    first = max(0, name[0] - _SENSE_REACH)
    near = first, min(len(tokens), number.end + _SENSE_REACH)
    # "diagnosed before the age of 40"
    if quantity.name == "age" and rule("earlier_moment").search(tokens, *near):
        return get_quantity("age_at_onset")
    # "leucocytes > 10/uL in unspun urine"
    if quantity.unit == _CELL_UNITS[0] and rule("other_fluid").search(tokens, *near):
        return get_quantity("cell_count")
    if "blood_pressure" in quantity.name:
        quantity = _name_side(quantity, tokens, number)
    is_already_change = quantity.change == quantity.name
    role = find_role(tokens, (number.first, number.end), name)
    # "a drop in SBP of 20 mmHg"
    if role is NumberRole.CHANGE and not is_already_change:
        return quantity.change_of()
    return quantity


def _name_side(
    quantity: KnownQuantity, tokens: Tokens, number: Number
) -> KnownQuantity:
    """Return the blood pressure that a number states: the one named after it or, failing that, the
    one that its position in a pair such as "140/90" indicates. Return ``quantity`` if neither is
    available.
    """
    after = rule("pressure_named_after").starts(tokens, number.end)
    if after:
        return get_quantity(f"{(after.read('which') or '').lower()}_blood_pressure")
    # the second number of "140/90"
    if rule("systolic_before").ends(tokens, number.first):
        return get_quantity("diastolic_blood_pressure")
    if rule("diastolic_after").starts(tokens, number.end):
        return get_quantity("systolic_blood_pressure")
    return quantity


@lru_cache(maxsize=4096)
def _find_named(words: NameWords, unit: str | None) -> KnownQuantity | None:
    """Return the quantity that folded words name and that fits the unit; None if no quantity
    matches.

    If several quantities are named, return the quantity that combines all of them, as transaminases
    combine ALT and AST; otherwise, the last one. Strong names take precedence over weak names, but
    a combination with weak names takes precedence over a single strong name. If there is no unit, a
    phrase whose last word is "grade", "class" or "stage" can only name a quantity whose values are
    grades or whose name contains that word.
    """
    known = list_quantities()
    head = ""
    if words and unit is None and words[-1] in _HEADS:
        head = words[-1]
    fitting: list[KnownQuantity] = []
    strong: list[KnownQuantity] = []
    for name in find_names(words):
        quantity = known[name.quantity]
        if not quantity.fits(unit):
            continue
        if head and not _has_head(quantity, head):
            continue
        fitting.append(quantity)
        if not quantity.weak:
            strong.append(quantity)
    # "ECOG 0 or 1 or Karnofsky 70"
    joint = _combine(strong, unit) or _combine(fitting, unit)
    if joint:
        return joint
    if strong:
        return strong[-1]
    if fitting:
        return fitting[-1]
    return None


def _combine(group: Sequence[KnownQuantity], unit: str | None) -> KnownQuantity | None:
    """Return the quantity that combines exactly the named quantities and fits the unit; None if
    fewer than two are named, or if the vocabulary has no such quantity.
    """
    # "AST or SGOT" names one quantity twice
    if len({part.name for part in group}) < 2:
        return None
    parts = frozenset[str]().union(*(part.both or {part.name} for part in group))
    for quantity in list_quantities().values():
        if quantity.both == parts and quantity.fits(unit):
            return quantity
    return None


def _has_head(quantity: KnownQuantity, head: str) -> bool:
    """Return whether the values of a quantity are grades, classes or stages, or whether one of its
    names contains the word ``head``.
    """
    if quantity.unit in _STEPS:
        return True
    return any(head in fold_words(name) for name in quantity.names)


@lru_cache(maxsize=1024)
def _find_by_unit(unit: str) -> KnownQuantity | None:
    """Return the quantity that a unit alone indicates, as "kg" indicates a weight, or otherwise the
    general quantity of its dimension; None if neither exists.
    """
    known = list_quantities().values()
    for quantity in known:
        # "kg" is a weight
        if unit in quantity.any:
            return quantity
    dimension = find_dimension(unit)[1]
    for quantity in known:
        if quantity.general and _has_dimension(quantity.any, dimension):
            return quantity
    return None


def _has_dimension(units: Iterable[str], dimension: Dimension) -> bool:
    return any(dimension == find_dimension(unit)[1] for unit in units)


def find_loinc(quantity: KnownQuantity, unit: str | None) -> list[str]:
    """Return the LOINC codes for a quantity in a UCUM unit, with the most common code first; the
    result is empty if no code is certain. Each code applies to one dimension: LOINC has different
    codes for glucose by mass and by amount of substance. A multiple of a normal limit can have any
    of the codes, and so can a value without a unit if there is only one dimension.

    >>> glucose = list_quantities()["glucose"]
    >>> [find_loinc(glucose, unit) for unit in ("mg/dL", "umol/L", "{ULN}", None, "%")]
    [['2345-7'], ['14749-6'], ['2345-7', '14749-6'], [], []]
    """
    # without a unit, a mass and an amount of substance cannot be told apart
    if unit is None and quantity.unit not in BARE_UNITS and len(quantity.loinc) > 1:
        return []
    target = unit or quantity.unit
    # an equivalent equals a mole only for ions with a single charge
    if "eq" in target and quantity.molar_mass:
        return []
    is_relative = target in _ANY_LABORATORY
    # an HbA1c in mmol/mol has the codes of one in %
    if target in quantity.linear and target not in quantity.loinc:
        target = quantity.unit
    codes: list[str] = []
    for code_unit, unit_codes in quantity.loinc.items():
        if is_relative or name_property(code_unit) == name_property(target):
            codes += unit_codes
    return codes


def name_property(unit: str) -> tuple[Dimension, bool]:
    """Return the dimension of a UCUM unit, and whether the unit is per 1.73 m2 of body surface
    area, since LOINC codes depend on both. Enzyme units and international units are treated as the
    same unit, since each assay uses only one of them.

    >>> (
    ...     name_property("kU/L") == name_property("[IU]/mL"),
    ...     name_property("mL/min") == name_property("mL/min/{1.73_m2}"),
    ... )
    (True, False)
    """
    return find_dimension(unit.replace("[IU]", "U"))[1], "{1.73_m2}" in unit


def choose_reading(written: str, name: str, unit: str | None) -> tuple[Numeric, bool]:
    """For a written number, return the reading that is usual for the quantity ``name``, and
    whether that reading is certain. If only one reading is in the usual range, it is certain
    unless it treats a comma as a decimal separator. If the range does not settle the question, a
    comma before three digits is read as a thousands separator, as in English, and the reading is
    certain unless the value is unusual; a dot is always uncertain. ``written`` must be a number
    with several readings (``is_two_ways``).

    >>> (
    ...     choose_reading("100.000", "Platelets", "/mm3"),
    ...     choose_reading("1.500", "score", None),
    ... )
    ((100000, True), (1.5, False))
    """
    readings = list_readings(written)
    likeliest = readings[0]
    code = read_unit(unit)
    known = name_quantity(name, code)
    usual: list[Numeric] = []
    has_range = False
    if known:
        usual = [reading for reading in readings if known.is_usual(reading, code)]
        has_range = bool(known.usual)
    if len(usual) != 1:
        marks_thousands = likeliest % 1 == 0 and written.count(",") == 1
        return likeliest, marks_thousands and not has_range
    is_decimal_comma = "," in written and likeliest > usual[0]
    # 1 is never written as "1,000"
    if is_decimal_comma and written.endswith(",000"):
        return likeliest, False
    return usual[0], not is_decimal_comma


def list_named(text: str) -> tuple[KnownQuantity, ...]:
    """Return the known quantities that a text names, from left to right, excluding general
    quantities.

    >>> [quantity.name for quantity in list_named("FEV1/FVC, haemoglobin and ECOG")]
    ['fev1_fvc_ratio', 'haemoglobin', 'ecog_performance_status']
    """
    named = [get_quantity(name.quantity) for name in find_names(fold_words(text))]
    return tuple(quantity for quantity in named if not quantity.general)


def find_exactly(text: str) -> KnownQuantity | None:
    """Return the quantity that a text names if the text contains no other words; None if it
    contains other words, or if the quantity is a general one.

    >>> (
    ...     find_exactly("Haemoglobin level").name,
    ...     find_exactly("severe haemoglobin defects"),
    ... )
    ('haemoglobin', None)
    """
    words = fold_words(text)
    for first, end, name in find_names(words):
        known = get_quantity(name)
        if (first, end) == (0, len(words)) and not known.general:
            return known
    return None


def find_worse_side(name: str, unit: str | None = None, quote: str = "") -> str | None:
    """Return which end of a quantity's scale is worse, "higher" or "lower"; None if it is unknown.
    For visual acuity, this depends on the unit: lower is worse for letters, and higher is worse for
    logMAR and the denominator of a fraction. ``quote`` contains the words around the name if they
    may indicate the quantity.

    >>> (
    ...     find_worse_side("ECOG"),
    ...     find_worse_side("visual acuity", "letters"),
    ...     find_worse_side("visual acuity", "logMAR"),
    ... )
    ('higher', 'lower', 'higher')
    """
    quantity = name_quantity(name, read_unit(unit), quote)
    # the words may name a scale that the unit does not fit
    if quantity is None or quantity.general:
        quantity = name_quantity(name, None, quote) or quantity
    if quantity is None:
        return None
    if quantity.name != "visual_acuity":
        return quantity.worse
    if unit in _LOSSES:
        return "higher"
    return "lower"
