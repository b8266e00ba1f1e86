"""What the criteria of a trial say together: pregnant people, healthy volunteers, ECOG
performance status.
"""

from collections.abc import Iterator
from typing import Any

from extractor.apps.export.columns import ADDED, Json
from extractor.concepts.people.registered_ages import DESCRIPTIONS
from extractor.language.book import rule
from extractor.language.passage import read_passage
from extractor.schemas import CriterionKind

_ECOG = "ecog_performance_status"


def view_trial(people: Json, registered: Json) -> dict[str, Any]:
    """Return the derived cells of the table ``eligibility``. ``people`` has the cells of its
    criteria and limits.
    """
    criteria = [one for one in people["criteria"] if one[ADDED]["decides"]]
    said = set(map(_read_pregnancy, criteria)) - {None}
    bounds = [
        bound
        for one in criteria
        for limit in one["constraints"]
        for bound in _read_ecog(limit[ADDED])
    ]
    lowest, highest = (
        {value for side, value in bounds if side == wanted} for wanted in "><"
    )
    # registered words are in capitals, those of an extraction are not
    sex = people["sex"] or registered.get("registered_sex")
    return {
        "admits_sex": sex and sex.lower(),
        "admits_healthy": _admit_healthy(people, registered),
        "excludes_pregnancy": said == {True}
        if said
        else None,  # an inclusion that asks for a pregnancy decides
        "lowest_ecog": _find_only(lowest or ({0} if highest else set())),
        "highest_ecog": _find_only(highest),
    }


def _admit_healthy(people: Json, registered: Json) -> bool | None:
    """Return whether healthy people may take part, by the text, else as registered. A description
    alone, which may tell of other trials, yields to what is registered.
    """
    read: bool | None = people["healthy_volunteers"]
    known: bool | None = registered.get("registered_healthy_volunteers")
    places = {
        piece["section"]
        for piece in people.get("evidence", ())
        if piece["field"] == "healthy_volunteers"
    }
    is_described = bool(places) and places <= DESCRIPTIONS
    if read is None or (is_described and known is not None):
        return known
    return read


def _read_pregnancy(criterion: Json) -> bool | None:
    """Return whether a criterion keeps pregnant people out; None if it does not mention them.

    >>> said = {"kind": "exclusion", "quote": "Pregnant or nursing women"}
    >>> _read_pregnancy(said), _read_pregnancy(said | {"kind": "inclusion"})
    (True, False)
    """
    if "pregnan" not in (quote := criterion["quote"]).casefold():
        return None
    tokens = read_passage(quote).alone().tokens
    if criterion["kind"] == CriterionKind.INCLUSION:
        if rule("not_pregnant").search(tokens):
            return True
        if rule("pregnant").search(tokens) and not rule("bars_pregnancy").search(
            tokens
        ):
            return False
        return None
    is_plain = not (criterion.get("negated") or criterion.get("demanded"))
    return True if is_plain and rule("pregnant").search(tokens) else None


def _read_ecog(cells: Json) -> Iterator[tuple[str, int]]:
    """Yield the best and the worst grade that a limit of the ECOG performance status admits, with
    their sides.

    >>> list(
    ...     _read_ecog(
    ...         {"quantity_canonical": _ECOG, "admits": "<", "value_canonical": 3}
    ...     )
    ... )
    [('<', 2)]
    """
    low, high, admits = map(
        cells.get, ("value_canonical", "value_high_canonical", "admits")
    )
    if cells["quantity_canonical"] != _ECOG or low is None:
        return
    if admits in (">", ">=", "=", "between"):
        yield ">", int(low) + (admits == ">")
    if admits in ("<", "<=", "=", "between"):
        yield "<", int(low if high is None else high) - (admits == "<")


def _find_only(values: set[int]) -> int | None:
    return next(iter(values)) if len(values) == 1 else None
