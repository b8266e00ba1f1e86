"""The table ``bounds``: which values of a quantity a limit admits, as two ends in canonical units.

An exclusion is turned round. A limit of two quantities, "ALT or AST", has a row for each.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from extractor.apps.export.columns import ADDED, Json
from extractor.apps.export.limits import IMPLAUSIBLE
from extractor.concepts.limits.quantity_names import KnownQuantity, list_quantities
from extractor.language.book import read_table
from extractor.schemas import Comparator

_OUTSIDE = "outside"
"""What ``admits`` is where a range is excluded."""
_JOINTS = ("_or_", "_and_")
"""What the names of limits of several quantities hold."""


class Ends(NamedTuple):
    """The ends of a limit, by column. With ``outside`` the values between them are kept out."""

    low: float | None = None
    low_inclusive: bool | None = None
    high: float | None = None
    high_inclusive: bool | None = None
    outside: bool | None = None


def list_bounds(criteria: list[Json]) -> Iterator[dict[str, Any]]:
    """Yield the rows of ``bounds``: one for each limit and quantity that it bounds, so none for a
    limit without a quantity. ``criteria`` have the computed cells of their limits.
    """
    for criterion_index, criterion in enumerate(criteria):
        for constraint_index, limit in enumerate(criterion["constraints"]):
            cells = limit[ADDED]
            for quantity in list_parts(cells):
                yield {
                    "criterion_index": criterion_index,
                    "constraint_index": constraint_index,
                    "quantity": quantity,
                    "quantity_group": read_table("bounds")["groups"].get(quantity),
                    **_bound(cells, limit, quantity),
                    "condition": limit.get("condition"),
                    "sex": cells["sex"],
                    "confidence": cells["confidence"],
                }


def list_parts(cells: Json) -> list[str]:
    """Return the quantities that a limit bounds: none, its own, or those that it joins.

    Of joined quantities, those count that can have its unit and values, and of these, those into
    whose unit its unit can be converted, if there are any. If none fits, the joint one stays.

    >>> list_parts({"quantity_canonical": "alt_or_ast", "unit_ucum": "{ULN}"})
    ['alt', 'ast']
    >>> list_parts(
    ...     {
    ...         "quantity_canonical": "serum_creatinine_or_clearance",
    ...         "unit_ucum": "mg/dL",
    ...     }
    ... )
    ['serum_creatinine']
    """
    name = cells["quantity_canonical"]
    if name is None:
        return []
    if "|" in name:
        return list(name.split("|"))
    quantity = list_quantities().get(name)
    if quantity is None or not quantity.both:
        return [name]
    is_joint = any(word in name for word in _JOINTS)
    if not is_joint:
        return [name]
    unit = cells["unit_ucum"]
    fitting = []
    converted = []
    for part_name in sorted(quantity.both):
        part = list_quantities()[part_name]
        if not _can_have(part, cells):
            continue
        fitting.append(part_name)
        if unit and part.to_canonical(1, unit) is not None:
            converted.append(part_name)
    # "Creatinine or its clearance < 2 mg/dL": only creatinine is measured in mg/dL.
    return converted or fitting or [name]


def _can_have(quantity: KnownQuantity, cells: Json) -> bool:
    """Return whether a quantity can have the unit of a limit, and its value if it is a score."""
    unit = cells["unit_ucum"]
    if unit is not None and not quantity.fits(unit):
        return False
    value = cells.get("value_canonical")
    if value is None or quantity.unit != "{score}":
        return True
    # "ECOG or Karnofsky 0-1": nobody has a Karnofsky index of 1
    return quantity.is_possible(value)


def _bound(cells: Json, limit: Json, quantity: str) -> dict[str, Any]:
    """Return whether a limit holds for all or for some participants, its ends and their unit.

    Nothing is returned for a limit that may not hold as it stands, such as a negated one. A value
    that has no unit in which it can be compared has no ends. ``canonical`` tells whether the ends
    are in the unit in which the quantity is compared over trials, and plausible.
    """
    admits = cells.get("admits") or cells.get("admits_some")
    # A criterion that is negated or has an exception admits others than its limit says.
    if admits is None:
        return {}
    holds_for = "all" if cells.get("admits") else "some"
    value, value_high, unit = _measure(cells, limit, quantity)
    if value is None:
        return {"holds_for": holds_for}
    ends = find_ends(admits, value, value_high)
    if _is_either(ends, quantity, cells):
        holds_for = "some"
    own = list_quantities().get(quantity)
    canonical_unit = own.unit if own else cells["unit_canonical"]
    is_plausible = cells["canonical_note"] != IMPLAUSIBLE
    return {
        "holds_for": holds_for,
        "unit": unit,
        "canonical": unit == canonical_unit and is_plausible,
        **ends._asdict(),
    }


def _measure(
    cells: Json, limit: Json, quantity: str
) -> tuple[float | None, float | None, str | None]:
    """Return the lower and the upper value of a limit and their unit: in the quantity's own unit;
    else as written, if no conversion is known or the value is implausible; else three times None.
    A limit of joined quantities, which has no own unit, is converted for the one ``quantity``.
    """
    if cells["value_canonical"] is not None:
        high = cells["value_high_canonical"]
        return cells["value_canonical"], high, cells["unit_canonical"]
    # A mistake of the text or of its unit: shown as written, and compared with nothing.
    if cells["canonical_note"] == IMPLAUSIBLE:
        return limit["value"], limit.get("value_high"), cells["unit_ucum"]
    if cells["canonical_note"] != "no conversion":
        return None, None, None
    unit = cells["unit_ucum"]
    value = limit["value"]
    high = limit.get("value_high")
    own = list_quantities().get(quantity)
    if own is None or quantity == cells["quantity_canonical"]:
        return value, high, unit
    converted = own.to_canonical(value, unit)
    if converted is None:
        return value, high, unit
    converted_high = None
    if high is not None:
        converted_high = own.to_canonical(high, unit)
    return converted, converted_high, own.unit


def find_ends(admits: str, value: float, value_high: float | None = None) -> Ends:
    """Return the ends of the values that a comparator admits. ``outside`` is True for "outside"
    and "<>", which admit what lies beyond the ends.

    >>> find_ends(">=", 75)
    Ends(low=75, low_inclusive=True, high=None, high_inclusive=None, outside=False)
    >>> find_ends("outside", 60, 80)
    Ends(low=60, low_inclusive=False, high=80, high_inclusive=False, outside=True)
    """
    if admits == _OUTSIDE:
        return _list_both(value, value_high, outside=True)
    if admits == "<>":
        return _list_both(value, value, outside=True)
    comparator = Comparator(admits)
    if comparator is Comparator.BETWEEN:
        return _list_both(value, value_high, outside=False)
    if comparator is Comparator.EQUAL:
        return _list_both(value, value, outside=False)
    includes = comparator in (Comparator.AT_LEAST, Comparator.AT_MOST)
    if comparator in (Comparator.AT_LEAST, Comparator.MORE):
        return Ends(low=value, low_inclusive=includes, outside=False)
    return Ends(high=value, high_inclusive=includes, outside=False)


def _list_both(low: float, high: float | None, *, outside: bool) -> Ends:
    """Return a range with both ends; an end is kept out with what lies between them."""
    return Ends(low, not outside, high, not outside, outside)


def _is_either(ends: Ends, quantity: str, cells: Json) -> bool:
    """Return whether a limit asks only that one of its joined laboratory values is so high, and
    so bounds neither of them for all. A quantity that is worse when low is never meant so.
    """
    is_joint = cells["quantity_canonical"] != quantity
    if not is_joint or not cells.get("laboratory"):
        return False
    if list_quantities()[quantity].worse == "lower":
        return False
    # "ALT or AST > 2 x ULN" of patients with hepatitis; "ALT or AST < 3 x ULN" bounds both.
    return ends.high is None
