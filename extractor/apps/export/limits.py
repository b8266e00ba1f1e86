"""Compute the columns of limits: names, canonical units and values, and what they admit."""

import math
from collections.abc import Iterator, Sequence, Set
from typing import Any, NamedTuple

from extractor.apps.export.columns import Json, find_least, list_evidence
from extractor.apps.export.instruments import name_instrument, name_other_version
from extractor.concepts.limits.borne_out import bears_out, list_joined
from extractor.concepts.limits.quantity_names import (
    KnownQuantity,
    find_loinc,
    get_quantity,
    name_quantity,
)
from extractor.language.units import read_unit
from extractor.schemas import Comparator, CriterionKind, Sex

_ROUNDED = 0.07
"""How far apart two forms of one number are at most, relative to it: 7 mmol/L and 126 mg/dL."""
IMPLAUSIBLE = "implausible"
"""The note of a limit whose value nobody has in the unit that is written."""
_SCORE = "{score}"
_SURFACE = "{1.73_m2}"
"""The body surface to which an estimated filtration rate refers, written or not."""


_WITHOUT_VALUE = {
    "unit_canonical": None,
    "value_canonical": None,
    "value_high_canonical": None,
    "canonical_note": IMPLAUSIBLE,
}
"""The cells of a limit that has no canonical value, since its unit is wrong."""
_Range = tuple[float | None, float | None]
"""The lower and the upper end of a range."""


class CanonicalLimit(NamedTuple):
    """A limit in the vocabulary of quantities, by column. ``columns.toml`` says what each holds."""

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
    limit: Json, known: str | None = None, measured: Set[str] = frozenset()
) -> CanonicalLimit:
    """Return the canonical form of a limit, or what is known of it, with a note why there is no
    canonical value: "no quantity", "unknown unit", "no unit", "no conversion", "implausible".

    ``known`` is the name of the quantity where the words around the limit named it, and its own
    words do not; it is taken over unchecked. ``measured`` are the instruments that the record's
    endpoints name: a bare "ACT" is one of these.
    """
    written = limit.get("unit")
    value = limit["value"]
    unit = read_unit(written) if written else None
    text = limit.get("quantity") or ""
    quantity = get_quantity(known) if known else name_quantity(text, unit, value=value)
    if quantity is None:
        return _name_measured(text, limit, unit, measured)
    if not known:
        # "ACQ-6" is not the ACQ: its limit is of another score.
        version = name_other_version(text, quantity)
        if version:
            return _name_score(version, limit, unit)
        corrected = _correct_name(text, quantity, unit)
        if corrected:
            return corrected
    named = CanonicalLimit(quantity.name, quantity.laboratory)
    if written and unit is None:
        return named._replace(canonical_note="unknown unit")
    ends = [value]
    if limit.get("value_high") is not None:
        ends.append(limit["value_high"])
    used = unit or _infer_unit(quantity, ends)
    loinc = "|".join(find_loinc(quantity, used)) or None
    named = named._replace(loinc=loinc, unit_ucum=used)
    if used is None:
        return named._replace(canonical_note="no unit")
    return _convert_ends(named, quantity, ends, used)


def _infer_unit(quantity: KnownQuantity, ends: Sequence[float]) -> str | None:
    """Return the unit that a limit without one must have, by its upper end first."""
    for end in reversed(ends):
        unit = quantity.infer_unit(end)
        if unit:
            return unit
    return None


def _name_measured(
    text: str, limit: Json, unit: str | None, measured: Set[str]
) -> CanonicalLimit:
    """Return a limit whose words are those of an instrument that the record's endpoints name, if
    its unit can be a score's; else one without a quantity.
    """
    unnamed = CanonicalLimit(unit_ucum=unit, canonical_note="no quantity")
    if not text or not measured or unit not in (None, _SCORE):
        return unnamed
    instrument = name_instrument(text)
    if not instrument or instrument not in measured:
        return unnamed
    return _name_score(instrument, limit, unit)


def _name_score(instrument: str, limit: Json, unit: str | None) -> CanonicalLimit:
    """Return a limit of an instrument's score, which is written without a unit; one with a unit
    is not converted.
    """
    if unit not in (None, _SCORE):
        return CanonicalLimit(
            instrument, unit_ucum=unit, canonical_note="no conversion"
        )
    return CanonicalLimit(
        instrument,
        laboratory=False,
        unit_ucum=_SCORE,
        unit_canonical=_SCORE,
        value_canonical=limit["value"],
        value_high_canonical=limit.get("value_high"),
    )


def _correct_name(
    text: str, quantity: KnownQuantity, unit: str | None
) -> CanonicalLimit | None:
    """Return what a limit is called instead of the quantity that was read: nothing, if no words
    bear it out, or all quantities that the text joins; None if the quantity is right.
    """
    if not bears_out(quantity, text, unit):
        kind = quantity.name if quantity.general else None
        return CanonicalLimit(
            unit_ucum=unit, canonical_note="no quantity", quantity_kind=kind
        )
    joint = list_joined(text, quantity, unit)
    if not joint:
        return None
    return CanonicalLimit(
        "|".join(joint),
        quantity.laboratory,
        unit_ucum=unit,
        canonical_note="no conversion",
    )


def _convert_ends(
    named: CanonicalLimit, quantity: KnownQuantity, ends: Sequence[float], unit: str
) -> CanonicalLimit:
    """Return a limit with its ends in the quantity's own unit; without them and with the note
    "no conversion", or "implausible" for a value that nobody has. A conversion that takes the
    usual body surface for granted is noted, too.
    """
    values: list[float] = []
    for end in ends:
        value = quantity.to_canonical(end, unit)
        if value is None:
            return named._replace(canonical_note="no conversion")
        values.append(value)
    if not all(map(quantity.is_possible, values)):
        return named._replace(canonical_note=IMPLAUSIBLE)
    # "TSH < 0.2 mIU/mL": nobody means 200 mIU/L
    if any(map(quantity.is_slip, ends, values)):
        return named._replace(canonical_note=IMPLAUSIBLE)
    high = None
    if len(values) > 1:
        high = values[1]
    note = None
    # From mL/min to mL/min/1.73 m2, everybody is taken to have the usual body surface.
    if (_SURFACE in unit) is not (_SURFACE in quantity.unit):
        note = "usual body surface"
    return named._replace(
        unit_canonical=quantity.unit,
        value_canonical=values[0],
        value_high_canonical=high,
        canonical_note=note,
    )


def read_admitted(limit: Json, criterion: Json) -> str | None:
    """Return the comparator of the values that the criterion admits: that of an inclusion, the
    opposite of an exclusion's, "outside" for a range, "<>" for "=".

    None if the criterion is negated, has an exception, or is a demand among the exclusions.

    >>> [
    ...     read_admitted({"comparator": "<"}, {"kind": kind})
    ...     for kind in ("inclusion", "exclusion")
    ... ]
    ['<', '>=']
    """
    if any(criterion.get(name) for name in ("negated", "has_exception", "demanded")):
        return None
    comparator = Comparator(limit["comparator"])
    if criterion["kind"] == CriterionKind.INCLUSION:
        return comparator.value
    # An exclusion keeps out what it names, and admits the opposite.
    if comparator.opposite:
        return comparator.opposite.value
    if comparator is Comparator.BETWEEN:
        return "outside"
    return "<>"


def _list_divided(limits: Sequence[Json], cells: Sequence[Json]) -> set[str]:
    """Return the quantities, in small letters, with two different ranges. Nobody can have both,
    so they are those of two groups. ``cells`` has the ends of each limit in the canonical unit,
    since a range and the same range in another unit are one.
    """
    first_ranges: dict[str, _Range] = {}
    divided = set[str]()
    for limit, canonical in zip(limits, cells, strict=True):
        if limit.get("value_high") is None:
            continue
        quantity = limit["quantity"].casefold()
        ends = (canonical["value_canonical"], canonical["value_high_canonical"])
        if quantity not in first_ranges:
            first_ranges[quantity] = ends
        elif not _is_same_range(first_ranges[quantity], ends):
            divided.add(quantity)
    return divided


def _share_doubts(
    limits: Sequence[Json], cells: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return the cells of all limits of a line, in which a limit in the same wrong unit as an
    implausible one on its quantity is implausible, too: "TSH < 0.1 or > 5.5 mIU/mL".
    """
    wrong_units = set[tuple[str | None, str | None]]()
    for limit, canonical in zip(limits, cells, strict=True):
        if canonical["canonical_note"] == IMPLAUSIBLE:
            wrong_units.add((canonical["quantity_canonical"], limit.get("unit")))
    shared = list[dict[str, Any]]()
    for limit, canonical in zip(limits, cells, strict=True):
        of_unit = (canonical["quantity_canonical"], limit.get("unit"))
        is_converted = canonical["unit_canonical"] != canonical["unit_ucum"]
        is_wrong = is_converted and of_unit in wrong_units
        if limit.get("unit") and is_wrong:
            shared.append(canonical | _WITHOUT_VALUE)
        else:
            shared.append(canonical)
    return shared


def _is_same_range(one: _Range, other: _Range) -> bool:
    """Return whether two ranges in canonical units are equal, but for rounding. A range that
    could not be converted equals none.
    """
    for end, other_end in zip(one, other, strict=True):
        if end is None or other_end is None:
            return False
        if not math.isclose(end, other_end, rel_tol=_ROUNDED):
            return False
    return True


def describe_limits(
    criterion: Json,
    *,
    decides: bool,
    sex: Sex | None = None,
    measured: Set[str] = frozenset(),
) -> Iterator[dict[str, Any]]:
    """Yield the computed cells of each limit of a criterion. A limit of all participants has
    ``admits``, a limit of some has ``admits_some``.

    A limit is of some if the criterion is one of several alternatives (``decides`` is False); if
    the limit is an alternative of another limit; if a limit of its quantity has a condition, or is
    of another sex than ``sex``, that of all participants; or if its quantity has two ranges.
    ``measured`` are the instruments of the record's endpoints.

    >>> general = {"quantity": "ALT", "comparator": "<=", "value": 3, "unit": "x ULN"}
    >>> limits = [general, general | {"value": 5, "condition": "if liver metastases"}]
    >>> found = describe_limits(
    ...     {"kind": "inclusion", "constraints": limits}, decides=True
    ... )
    >>> [(cells.get("admits"), cells.get("admits_some")) for cells in found]
    [(None, '<='), (None, '<=')]
    """
    limits = criterion["constraints"]
    described = list[dict[str, Any]]()
    divided = set[str]()
    alternatives = list[bool]()
    for limit in limits:
        pieces = list_evidence(criterion, "constraints", limit)
        proof = pieces[0] if pieces else {}
        of_sex = proof.get("sex")
        cells = name_limit(limit, proof.get("quantity"), measured)._asdict()
        described.append(cells | {"sex": of_sex, "confidence": find_least(pieces)})
        if limit.get("condition") or of_sex not in (None, sex):
            divided.add(limit["quantity"].casefold())
        alternatives.append(bool(proof.get("alternative")))
    described = _share_doubts(limits, described)
    divided |= _list_divided(limits, described)
    for limit, cells, is_alternative in zip(
        limits, described, alternatives, strict=True
    ):
        column = "admits"
        is_divided = limit["quantity"].casefold() in divided
        if is_divided or is_alternative or not decides:
            column = "admits_some"
        yield cells | {column: read_admitted(limit, criterion)}
