"""Canonical names of limited quantities, and values in their canonical units."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cache, lru_cache
from itertools import chain

from extractor.language.book import read_table, read_text, rule, word_list
from extractor.language.numbers import list_readings
from extractor.language.units import Dimension, convert, find_dimension, read_unit

_READ_BEFORE = 120
_READ_AFTER = 40
_NUMBER_REACH = 60
"""How many characters are read before a limit, after it, and between the name of a quantity and
its number.
"""


class Sense(Enum):
    """What a limit bounds, if its quantity's name does not say it."""

    CHANGE = "change"
    SYSTOLIC = "systolic"
    DIASTOLIC = "diastolic"
    OTHER_FLUID = "other fluid"
    EARLIER = "earlier"


def read_senses(
    text: str, quote: str, value: float, within: str = ""
) -> frozenset[Sense]:
    """What the words around a limit say of the quantity that ``text`` names.

    ``within`` are the words of the limit in ``quote``, from its name to its end; without them, the
    first number ``value`` after the name is the limit.

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
    name, first, end = place
    before = read_text(quote[max(0, name - _READ_BEFORE) : name])
    between = read_text(quote[name:first])
    after = read_text(quote[end : end + _READ_AFTER])
    # A change is named before the quantity, or between it and the number.
    inside = rule("change_before").ends(between, len(between))
    change = inside or rule("named_change_before").ends(before, len(before))
    change = None if rule("value_reached").ends(between, len(between)) else change
    falls = change and any(
        rule(one).search(change.tokens, change.first, change.end)
        for one in ("fall_noun", "fell")
    )
    is_change = change and not (
        falls and rule("upper_sign").ends(between, len(between))
    )
    senses = {Sense.CHANGE} if is_change else set()
    if rule("other_fluid").search(after) or rule("other_fluid").search(between):
        senses.add(Sense.OTHER_FLUID)
    near = (
        rule("earlier_moment").ends(before, len(before)),
        rule("earlier_moment").search(between),
    )
    if (
        any(near)
        or rule("earlier_moment").starts(after, 0)
        or rule("earlier_moment").starts(after, 1)
    ):
        senses.add(Sense.EARLIER)
    named = rule("pressure_named_after").starts(after, 0)
    if named:
        senses.add(Sense((named.read("which") or "").lower()))
    elif rule("systolic_before").ends(between, len(between)):
        senses.add(Sense.DIASTOLIC)
    elif rule("diastolic_after").starts(after, 0):
        senses.add(Sense.SYSTOLIC)
    return frozenset(senses)


def _find_place(
    text: str, quote: str, value: float, within: str
) -> tuple[int, int, int] | None:
    """Where the name of a quantity begins, and the place of the number that limits it."""
    number = rf"(?<![\d.,]){re.escape(f'{value:g}')}(?![\d]|[.,]\d)"
    start = quote.find(within) if within else -1
    if start >= 0:
        found = [
            (start, one.start() + start, one.end() + start)
            for one in re.finditer(number, within)
        ]
        return found[-1] if found else None
    named = re.finditer(
        rf"{re.escape(text)}(?=(?P<gap>.{{0,{_NUMBER_REACH}}}?){number})",
        quote,
        re.DOTALL,
    )
    if text:
        near = [
            (len(one["gap"]), one.start(), one.end() + len(one["gap"])) for one in named
        ]
    else:
        near = []
    if near:
        return min(
            (gap, name, first, first + len(f"{value:g}")) for gap, name, first in near
        )[1:]
    return None


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
_CELL_UNITS = ("10*9/L", "/uL", "/L")  # texts leave them out
_NAME_BEFORE = 110
_NAME_BEHIND = 60
"""How many characters before and after a limit may name its quantity."""
_CLAUSE = re.compile(r"[;\n]|\.\s")
_SENTENCE = re.compile(r"\n|\.\s")
_OF_AGE = r"(?:years?|yrs?|months?|weeks?)[\s-]*(?:of age|old)\b"
_NO_AGE_UNITS = frozenset({"ms", "s", "min"})  # nobody gives an age in them
_WORST_ECOG = 5
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
        """Return whether a limit on this quantity can have this unit."""
        if unit is None:
            return not self.measured
        if unit in {self.unit, *self.others} or unit.partition("{")[0] in self.others:
            return True
        if unit in _ANY_LABORATORY:
            return not self.weak and not self.unit.startswith("{")
        if self.unit == "1":
            return unit in {"1", "{times}"}
        dimension = find_dimension(unit)[1]
        ours = find_dimension(self.unit)[1]
        if dimension == (("{score}", 1),) and self.to_canonical(1, unit) is None:
            return self.unit.startswith("{")
        # "mg%", or without its volume
        masses = dimension == (("g", 1),) and ("g", 1) in ours and ("m", -3) in ours
        amounts = all(len(one) > 1 and ("m", -3) in one for one in (dimension, ours))
        alike = (
            masses
            or amounts
            or any(dimension == find_dimension(other)[1] != () for other in self.others)
        )
        return alike or self.to_canonical(1, unit) is not None

    def is_plausible(self, value: float) -> bool:
        """Return whether a value without a unit can be in the canonical unit, judging by
        ``implied``.
        """
        return self.implied is None or self.implied[0] <= value <= self.implied[1]

    def is_usual(self, value: float, unit: str | None) -> bool:
        """Return whether limits of trials have such a value, judging by ``usual``."""
        canonical = self.to_canonical(value, unit)
        return (
            self.usual is not None
            and canonical is not None
            and self.is_possible(canonical)
        )

    def is_possible(self, canonical: float) -> bool:
        """Return whether a value in the canonical unit can be a limit: it is 0, or ``usual``
        does not exclude it.
        """
        if self.usual is None:
            return True
        if canonical == 0:
            return True
        return self.usual[0] <= abs(canonical) <= self.usual[1]

    def infer_unit(self, value: float) -> str | None:
        """Return the unit that goes without saying, or None if the value has several readings or
        none.

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
        """Return the quantity that is a change of this one, in the same unit."""
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
        """Return the value in the canonical unit, or None if no safe conversion exists."""
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
    """Return the quantity that ``text`` names and that can have the UCUM unit, or None.

    If ``text`` names none ("men", "score"), the words around it in ``quote`` decide, and finally
    the unit. ``within`` are the words of the limit in ``quote``, from the name of its quantity to
    its end, if they are known.

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
    named = _name(text, unit, quote, value)
    if named and named.name == "performance_status":
        is_ecog = value is None or value <= _WORST_ECOG
        return list_quantities()[
            "ecog_performance_status" if is_ecog else "karnofsky_or_lansky"
        ]
    if named and unit:  # FEV1 in litres is not FEV1 in percent of the predicted value
        other = (
            name
            for code, name in named.instead.items()
            if convert(1, unit, code) is not None
        )
        named = list_quantities()[next(other, named.name)]
    if (
        named is None
        or value is None
        or named.general
        or unit in _ANY_LABORATORY
        or not quote
    ):
        return named
    senses = read_senses(text, quote, value, within)
    if named.name == "age" and Sense.EARLIER in senses:
        return list_quantities()["age_at_onset"]
    if named.unit == _CELL_UNITS[0] and Sense.OTHER_FLUID in senses:
        return list_quantities()["cell_count"]
    if "blood_pressure" in named.name and (
        side := senses & {Sense.SYSTOLIC, Sense.DIASTOLIC}
    ):
        named = list_quantities()[f"{min(one.value for one in side)}_blood_pressure"]
    return (
        named.change_of()
        if Sense.CHANGE in senses and named.change != named.name
        else named
    )


def _name(
    text: str, unit: str | None, quote: str, value: float | None
) -> KnownQuantity | None:
    words = fold_words(text)
    named = _choose(words, unit)
    if (
        named
        and named.weak
        and unit is None
        and value is not None
        and not named.is_plausible(value)
    ):
        named = None
    idle = frozenset().union(*map(word_list, ("people", "scale_words", "idle_words")))
    if idle.issuperset(words) and (near := _choose_near(text, words, unit, quote)):
        return near
    of_time = (
        unit is not None
        and unit not in _NO_AGE_UNITS
        and find_dimension(unit)[1] == (("s", 1),)
    )
    if of_time and (named is None or named.name == "duration"):
        written = "" if value is None else re.escape(f"{value:g}")
        # "18 years old", "6 months of age"
        aged = written and re.search(rf"\b{written}[\s-]*{_OF_AGE}", quote)
        if aged or not word_list("people").isdisjoint(words):
            return list_quantities()["age"]
    if named:
        return named
    # none if it cannot have the value: "prostate > 100 c"
    by_unit = _find_unit(unit) if unit else None
    canonical = (
        by_unit.to_canonical(value, unit) if by_unit and value is not None else None
    )
    if by_unit and (canonical is None or by_unit.is_possible(canonical)):
        return by_unit
    # a count, if the text has no unit and ends with a plural: "syncopal spells", "affected limbs"
    *_, last = _WORD.findall(text.casefold()) or ("",)
    plural = len(last) > 3 and last.endswith("s") and not last.endswith(_UNCOUNTED)
    uncounted = any(
        last[:-1] in word_list(name)
        for name in ("people", "scale_words", "quantity_fillers")
    )
    counted = (
        unit is None
        and plural
        and not uncounted
        and last != "times"
        and read_unit(last) is None
    )
    return list_quantities()["count"] if counted else None


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
    fitting = (
        one
        for one in quantity.loinc
        if own in _ANY_LABORATORY or name_property(one) == wanted
    )
    return [code for one in fitting for code in quantity.loinc[one]]


def name_property(unit: str) -> tuple[Dimension, bool]:
    """What one LOINC code measures in: a dimension, and whether it is per 1.73 m2 of body surface.

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
    it is sure.

    Where the usual range does not decide, a comma before three digits marks thousands, as in
    English; a dot is not sure. ``written`` must be a number.

    >>> (
    ...     choose_reading("100.000", "Platelets", "/mm3"),
    ...     choose_reading("1.500", "score", None),
    ... )
    ((100000, True), (1.5, False))
    """
    readings = list_readings(written)
    code = read_unit(unit) if unit else None
    quantity = name_quantity(name, code, quote)
    usual = [value for value in readings if quantity and quantity.is_usual(value, code)]
    if len(usual) == 1:
        return usual[0], True
    return readings[0], len(readings) == 1 or (
        not usual and readings[0] % 1 == 0 and written.count(",") == 1
    )


def names_quantity(text: str, *, surely: bool = False) -> bool:
    """Whether a text holds the name of a quantity, whatever its unit; ``surely``: one that no other
    name replaces.

    >>> names_quantity("serum AST"), names_quantity("asthma")
    (True, False)
    """
    return any(
        not one.general and not (surely and one.weak) for one in _find(fold_words(text))
    )


def list_named(text: str) -> tuple[KnownQuantity, ...]:
    """Return the quantities that a text names, from left to right, without those that only name a
    kind.

    >>> [one.name for one in list_named("FEV1/FVC, haemoglobin and ECOG")]
    ['fev1_fvc_ratio', 'haemoglobin', 'ecog_performance_status']
    """
    return tuple(one for one in _find(fold_words(text)) if not one.general)


def list_named_words(text: str, quantity: KnownQuantity) -> list[int]:
    """Return at which of the folded words of a text the names of a quantity begin.

    >>> list_named_words("serum AST or ALT", list_quantities()["alt"])
    [1]
    """
    words = fold_words(text)
    ours = [
        (at, name)
        for at, word in enumerate(words)
        for name, named in _index().get(word, ())
        if quantity.name in (named.name, f"{named.name}_change")
    ]
    return [at for at, name in ours if _match(name, words[at:])]


def find_exactly(text: str) -> KnownQuantity | None:
    """Return the quantity that a text names, if it says nothing else; otherwise None.

    >>> (
    ...     find_exactly("Haemoglobin level").name,
    ...     find_exactly("severe haemoglobin defects"),
    ... )
    ('haemoglobin', None)
    """
    words = fold_words(text)
    named = (
        (one for name, one in _index().get(words[0], ()) if name == words)
        if words
        else ()
    )
    return next((one for one in named if not one.general), None)


def find_worse_side(name: str, unit: str | None = None, quote: str = "") -> str | None:
    """Return the side of a quantity's scale, "higher" or "lower", that is worse; None if it is not
    known.

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
    """Return the words of a name in a normalised spelling, without idle words.

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
    """Return a word without the ending of a plural."""
    is_plural = len(word) > 4 and word.endswith("s") and not word.endswith(_UNCOUNTED)
    if not is_plural:
        return word
    return f"{word[:-3]}y" if word.endswith("ies") else word[:-1]


@cache
def list_quantities() -> Mapping[str, KnownQuantity]:
    """Return all quantities by name."""
    quantities = {}
    for name, written in read_table("quantity_names").items():
        entry = {"unit": "{score}"} | written
        lists = {
            key: tuple(entry[key])
            for key in ("names", "others", "any", "implied", "usual")
            if key in entry
        }
        weak = entry.get("weak", False) or entry.get("general", False)
        codes = entry.get("loinc", {})
        by_unit = codes if isinstance(codes, dict) else {entry["unit"]: codes}
        loinc = {
            unit: (one,) if isinstance(one, str) else tuple(one)
            for unit, one in by_unit.items()
        }
        more = lists | {
            "both": frozenset(entry.get("both", ())),
            "weak": weak,
            "loinc": loinc,
        }
        quantities[name] = KnownQuantity(**entry | more, name=name)
    return quantities


def get_quantity(name: str) -> KnownQuantity:
    """Return a quantity of the vocabulary, or the change of one, by its canonical name.

    >>> get_quantity("haemoglobin").unit, get_quantity("haemoglobin_change").signed
    ('g/dL', True)
    """
    known = list_quantities()
    return (
        known[name]
        if name in known
        else known[name.removesuffix("_change")].change_of()
    )


@cache
def _index() -> Mapping[str, list[tuple[tuple[str, ...], KnownQuantity]]]:
    """Names by their first word, longer ones first."""
    index: dict[str, list[tuple[tuple[str, ...], KnownQuantity]]] = {}
    for quantity in list_quantities().values():
        for name in quantity.names:
            words = tuple(
                word
                for part in name.split()
                for word in ((part,) if part == "*" else fold_words(part))
            )
            index.setdefault(words[0], []).append((words, quantity))
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
        matches = (
            (_match(name, words[at:]), one) for name, one in index.get(words[at], ())
        )
        length, quantity = next((match for match in matches if match[0]), (1, None))
        if quantity:
            yield quantity
        at += length


def _match(name: tuple[str, ...], words: tuple[str, ...]) -> int:
    """How many of the first words match a name, or 0. ``*`` in a name matches up to four words."""
    if "*" not in name:
        return len(name) if words[: len(name)] == name else 0
    gap = name.index("*")
    if words[:gap] != name[:gap]:
        return 0
    rest = name[gap + 1 :]
    return next(
        (
            at + len(rest)
            for at in range(gap, gap + 5)
            if words[at : at + len(rest)] == rest
        ),
        0,
    )


@lru_cache(maxsize=4096)
def _choose(words: tuple[str, ...], unit: str | None) -> KnownQuantity | None:
    """The strong quantity that is named and fits. Of several, the one that combines both, or
    else the last one.
    """
    found = [one for one in _find(words) if one.fits(unit)]
    if words and unit is None and (head := words[-1]) in _HEADS:
        found = [
            one
            for one in found
            if one.unit in _STEPS or any(head in fold_words(name) for name in one.names)
        ]
    strong = [one for one in found if not one.weak]
    for named in (strong, found):
        names = frozenset().union(*(one.both or {one.name} for one in named))
        both = (
            one
            for one in list_quantities().values()
            if one.both == names and one.fits(unit)
        )
        if len({one.name for one in named}) > 1 and (combined := next(both, None)):
            return combined
    return (strong or found)[-1] if found else None


def _choose_near(
    text: str, words: tuple[str, ...], unit: str | None, quote: str
) -> KnownQuantity | None:
    """Return the quantity named before or after a limit in the same clause, or before it in the
    same sentence.
    """
    at = quote.find(text)
    of_scale = not word_list("scale_words").isdisjoint(words)
    if at < 0 or (unit is None and not of_scale):
        return None
    before = quote[max(0, at - _NAME_BEFORE) : at]
    if of_scale:
        behind = _CLAUSE.split(quote[at + len(text) : at + len(text) + _NAME_BEHIND])[0]
    else:
        behind = ""
    # "QTcF: men < 450 ms; women < 470 ms": the clause before names the quantity, too.
    for nearby in map(
        fold_words, (_CLAUSE.split(before)[-1], behind, _SENTENCE.split(before)[-1])
    ):
        near = _choose(
            (*nearby, words[-1]) if words and words[-1] in _HEADS else nearby, unit
        )
        if near and not near.weak and (unit is not None or near.unit.startswith("{")):
            return near
    return None


@lru_cache(maxsize=1024)
def _find_unit(unit: str) -> KnownQuantity | None:
    known = list_quantities().values()
    dimension = find_dimension(unit)[1]
    exact = (one for one in known if unit in one.any)
    alike = (
        one
        for one in known
        if one.general
        and any(dimension == find_dimension(other)[1] for other in one.any)
    )
    return next(chain(exact, alike), None)
