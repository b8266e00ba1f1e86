"""The canonical form of a limit: the name of its quantity, and its values in the usual unit."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from extractor.concepts.limits.name_support import list_joined, supports_name
from extractor.concepts.limits.quantity_names import (
    BARE_UNITS,
    KnownQuantity,
    find_loinc,
    get_quantity,
    list_quantities,
    name_quantity,
)
from extractor.language.units import read_unit
from extractor.schemas import Constraint

_IMPLAUSIBLE = "implausible"
"""The note for a limit whose value is implausible in the written unit."""
_NO_CONVERSION = "no conversion"
"""The note for a limit whose unit cannot be converted, such as ``x ULN``."""
_SURFACE = "{1.73_m2}"
"""The body surface area that an estimated filtration rate refers to, whether or not the text states
it.
"""
_SIGNS = re.compile(r"[^a-z0-9]+")
_VERSION = re.compile(r"\b[A-Z][A-Za-z]{1,9}(?:-[A-Z]{1,3})?-(?:\d{1,2}|S|SR)\b")
"""An abbreviation with its number of items, or with a suffix for self-report: "ACQ-6" or "MADRS-S".
"""


class CanonicalLimit(NamedTuple):
    """A limit in canonical terms. The attributes are columns, which are described in
    ``tables.toml``.
    """

    quantity_canonical: str | None = None
    laboratory: bool | None = None
    loinc: str | None = None
    unit_ucum: str | None = None
    unit_canonical: str | None = None
    value_canonical: float | None = None
    value_high_canonical: float | None = None
    canonical_note: str | None = None
    quantity_kind: str | None = None


def name_limit(
    limit: Constraint,
    known: str | None = None,
    *,
    has_unread_unit: bool = False,
) -> CanonicalLimit:
    """Return the canonical form of a limit. If it has no canonical value, a note explains why.

    Args:
        limit: The limit as written.
        known: The name of the quantity, if it is stated only in the words around the limit.
        has_unread_unit: Whether a limit without a unit is followed by a word that may be a unit.

    >>> written = {
    ...     "quantity": "PLT",
    ...     "comparator": "<",
    ...     "value": 75_000,
    ...     "unit": "/mm3",
    ... }
    >>> limit = name_limit(Constraint(**written))
    >>> limit.quantity_canonical, limit.value_canonical, limit.unit_canonical
    ('platelet_count', 75.0, '10*9/L')
    """
    text = limit.quantity
    unit = None
    if limit.unit:
        unit = read_unit(limit.unit)
    known = limit.quantity_canonical or known
    spellings = {known, (known or "").removesuffix("_change")}
    if known and spellings.isdisjoint(list_quantities()):
        # several quantities, or the reviewer's own name
        return _name_without_value(known, unit)
    if known:
        quantity = get_quantity(known)
    else:
        named = name_quantity(text, unit, value=limit.value)
        if named is None:
            return CanonicalLimit(unit_ucum=unit, canonical_note="no quantity")
        quantity = named
        renamed = _refuse_or_join(text, quantity, unit)
        if renamed:
            return renamed
    canonical = CanonicalLimit(quantity.name, quantity.laboratory)
    # "ECOG 2 at screening": a score or a count has no unit that could be missed
    is_unknown_unit = has_unread_unit and quantity.unit not in BARE_UNITS
    if limit.unit:
        is_unknown_unit = unit is None
    if is_unknown_unit:
        return canonical._replace(canonical_note="unknown unit")
    ends = [end for end in (limit.value, limit.value_high) if end is not None]
    return _add_canonical_value(canonical, quantity, ends, unit)


def _refuse_or_join(
    text: str, quantity: KnownQuantity, unit: str | None
) -> CanonicalLimit | None:
    """Return the canonical form of a limit whose words do not name the quantity, or name several
    quantities ("bilirubin or AST"). Return None for all other limits.
    """
    nothing = CanonicalLimit(unit_ucum=unit, canonical_note="no quantity")
    # "ACQ-6" is not the ACQ, so its limit applies to a different score.
    if is_other_version(text, quantity):
        return nothing
    if not supports_name(quantity, text, unit):
        # The unit of "aortic diameter > 5 cm" shows that the quantity is a length.
        if quantity.general:
            return nothing._replace(quantity_kind=quantity.name)
        return nothing
    joined = list_joined(text, quantity, unit)
    if not joined:
        return None
    return _name_without_value("|".join(joined), unit)


def _name_without_value(name: str, unit: str | None) -> CanonicalLimit:
    """Return the canonical form of a limit whose name stands for no single quantity of the
    vocabulary, so that its value cannot be converted: names joined by bars, or a reviewer's name.
    """
    canonical = CanonicalLimit(name, unit_ucum=unit, canonical_note=_NO_CONVERSION)
    last = name.rpartition("|")[2]
    if last not in list_quantities():
        return canonical
    return canonical._replace(laboratory=get_quantity(last).laboratory)


def _add_canonical_value(
    canonical: CanonicalLimit,
    quantity: KnownQuantity,
    ends: Sequence[float],
    written_unit: str | None,
) -> CanonicalLimit:
    """Return a limit with its codes, and with its ends in the quantity's unit or, if they cannot be
    converted, a note instead. A limit without a written unit has the unit that its quantity
    implies.
    """
    # "BMI 18-30" has no unit: use the unit in which the upper end is plausible
    implied = filter(None, map(quantity.infer_unit, reversed(ends)))
    unit = written_unit or next(implied, None)
    codes = "|".join(find_loinc(quantity, unit)) or None
    canonical = canonical._replace(loinc=codes, unit_ucum=unit)
    if unit is None:
        return canonical._replace(canonical_note="no unit")
    values = []
    for end in ends:
        value = quantity.to_canonical(end, unit)
        if value is None:
            return canonical._replace(canonical_note=_NO_CONVERSION)
        # "TSH < 0.2 mIU/mL": 200 mIU/L is certainly not intended
        if not quantity.is_possible(value):
            return canonical._replace(canonical_note=_IMPLAUSIBLE)
        values.append(value)
    low, *high = values
    canonical = canonical._replace(
        unit_canonical=quantity.unit,
        value_canonical=low,
        value_high_canonical=next(iter(high), None),
    )
    # Converting mL/min to mL/min/1.73 m2 assumes a standard body surface.
    if (_SURFACE in unit) is not (_SURFACE in quantity.unit):
        return canonical._replace(canonical_note="usual body surface")
    return canonical


def is_other_version(name: str, quantity: KnownQuantity) -> bool:
    """Return whether ``name`` and a quantity refer to different versions of an instrument:
    ACQ-6 is not the ACQ, and MADRS-S is not the MADRS.

    >>> is_other_version("ACQ-6 score", list_quantities()["acq"])
    True
    """
    if quantity.unit != "{score}":
        return False
    names = {make_key(written) for written in (quantity.name, *quantity.names)}
    versions = {make_key(version) for version in _VERSION.findall(name)} - names
    # "HAM-D-17" is a spelling of the quantity hamd17.
    others = {key for key in versions if key.replace("_", "") not in names}
    # "IGF-1 SD score" does not name a version, because IGF is not an instrument.
    return any(key.rpartition("_")[0] in names for key in others)


def make_key(name: str) -> str:
    """Return the key for a name, in lower case and with underscores between words."""
    return _SIGNS.sub("_", name.casefold()).strip("_")
