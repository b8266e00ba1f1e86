"""Find the canonical name, unit and value of a limit."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pydantic import ValidationError

from extractor.concepts.limits.instruments import is_other_version
from extractor.concepts.limits.name_support import list_joined, supports_name
from extractor.concepts.limits.quantity_names import (
    BARE_UNITS,
    KnownQuantity,
    find_loinc,
    get_quantity,
    list_quantities,
    name_quantity,
)
from extractor.language.book import word_list
from extractor.language.units import read_unit
from extractor.language.values import group_pairs
from extractor.schemas import Constraint, Criterion, Evidence

_IMPLAUSIBLE = "implausible"
"""The note for a limit whose value is implausible in the written unit."""
_NO_CONVERSION = "no conversion"
"""The note for a limit whose unit cannot be converted, such as ``x ULN``."""
_SURFACE = "{1.73_m2}"
"""The body surface area that an estimated filtration rate refers to, whether or not the text states
it.
"""
_NEXT_WORD = re.compile(r"\s+([^\W\d_]+)")
"""Matches the word that follows a limit, if there are only spaces between them."""
_NO_PROOF = Evidence.model_construct(quote="")
"""Stands for the evidence of a whole limit, if there is none. In gold, a limit has no quote."""
_NO_UNITS = ("function_words", "people", "idle_words", "words_after_values")
"""Names of the word lists whose words may follow a value but are not units."""


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
    unit = read_unit(limit.unit) if limit.unit else None
    known = limit.quantity_canonical or known
    # the change of a quantity is named after it, as in "weight_change"
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
    if limit.unit:
        is_unknown_unit = unit is None
    else:
        # "ECOG 2 at screening": a score or a count has no unit that could be missed
        is_unknown_unit = has_unread_unit and quantity.unit not in BARE_UNITS
    if is_unknown_unit:
        return canonical._replace(canonical_note="unknown unit")
    ends = [end for end in (limit.value, limit.value_high) if end is not None]
    return _add_canonical_value(canonical, quantity, ends, unit)


def show_canonical_names(limits: Iterable[tuple[object, Iterable[Evidence]]]) -> str:
    """Return the canonical names of limited quantities as pages show them, " [alt; ast]", or an
    empty string if there are none. Each limit has its evidence; a reviewer may have typed anything
    in place of a limit.
    """
    names: dict[str, None] = {}
    for written, evidence in limits:
        try:
            limit = Constraint.model_validate(written, from_attributes=True)
        except ValidationError:
            continue
        around = (piece.quantity for piece in evidence if piece.quantity)
        name = name_limit(limit, next(around, None)).quantity_canonical
        if name:
            names[name] = None
    if names:
        return f" [{'; '.join(names)}]"
    return ""


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


def name_limits(
    criterion: Criterion,
) -> list[tuple[Constraint, Evidence, CanonicalLimit]]:
    """Return the limits of a criterion, each with its evidence and its canonical form."""
    named = []
    proofs = group_pairs((piece.field, piece) for piece in criterion.evidence)
    for index, limit in enumerate(criterion.constraints):
        proof = next(iter(proofs[f"constraints[{index}]"]), _NO_PROOF)
        has_unread_unit = _may_have_unread_unit(limit, proof, criterion.quote)
        canonical = name_limit(limit, proof.quantity, has_unread_unit=has_unread_unit)
        named.append((limit, proof, canonical))
    return named


def _may_have_unread_unit(limit: Constraint, proof: Evidence, quote: str) -> bool:
    """Return whether a limit has no unit, but is followed in its criterion (``quote``) by a word
    that may be a unit: "> 28 mbar", but not "> 30 at screening".
    """
    if limit.unit or not proof.quote:
        return False
    word = _NEXT_WORD.match(quote.partition(proof.quote)[2])
    if word is None:
        return False
    known = frozenset().union(*map(word_list, _NO_UNITS))
    name = word[1].casefold()
    return not {name, name.removesuffix("s")} & known
