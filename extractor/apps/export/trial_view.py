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
    """Return the derived cells of the table ``eligibility``, from criteria that decide alone.
    ``people`` has the cells of its criteria and limits. A grade on which criteria differ is left
    empty.
    """
    mentions = set[bool]()
    lowest = set[int]()
    highest = set[int]()
    for criterion in people["criteria"]:
        if not criterion[ADDED]["decides"]:
            continue
        excludes = _read_pregnancy(criterion)
        if excludes is not None:
            mentions.add(excludes)
        for limit in criterion["constraints"]:
            for side, grade in _read_ecog(limit[ADDED]):
                if side == ">":
                    lowest.add(grade)
                else:
                    highest.add(grade)
    if highest and not lowest:
        lowest = {0}  # the best grade
    # registered words are in capitals, those of an extraction are not
    sex = people["sex"] or registered.get("registered_sex")
    excludes_pregnancy = None
    if mentions:
        # An inclusion that asks for a pregnancy decides.
        excludes_pregnancy = mentions == {True}
    return {
        "admits_sex": sex and sex.lower(),
        "admits_healthy": _admit_healthy(people, registered),
        "excludes_pregnancy": excludes_pregnancy,
        "lowest_ecog": _find_only(lowest),
        "highest_ecog": _find_only(highest),
    }


def _admit_healthy(people: Json, registered: Json) -> bool | None:
    """Return whether healthy people may take part, by the text, else as registered. A description
    alone, which may tell of other trials, yields to what is registered.
    """
    stated: bool | None = people["healthy_volunteers"]
    in_registry: bool | None = registered.get("registered_healthy_volunteers")
    if stated is None:
        return in_registry
    sections = set()
    for piece in people.get("evidence", ()):
        if piece["field"] == "healthy_volunteers":
            sections.add(piece["section"])
    is_described = bool(sections) and sections <= DESCRIPTIONS
    if is_described and in_registry is not None:
        return in_registry
    return stated


def _read_pregnancy(criterion: Json) -> bool | None:
    """Return whether a criterion keeps pregnant people out; None if it does not mention them.

    >>> said = {"kind": "exclusion", "quote": "Pregnant or nursing women"}
    >>> _read_pregnancy(said), _read_pregnancy(said | {"kind": "inclusion"})
    (True, False)
    """
    quote = criterion["quote"]
    if "pregnan" not in quote.casefold():
        return None
    tokens = read_passage(quote).alone().tokens
    speaks_of_pregnancy = bool(rule("pregnant").search(tokens))
    if criterion["kind"] == CriterionKind.INCLUSION:
        if rule("not_pregnant").search(tokens):
            return True
        if speaks_of_pregnancy and not rule("bars_pregnancy").search(tokens):
            return False
        return None
    # A negation, or a demand among the exclusions, keeps out others.
    if criterion.get("negated") or criterion.get("demanded"):
        return None
    return True if speaks_of_pregnancy else None


def _read_ecog(cells: Json) -> Iterator[tuple[str, int]]:
    """Yield the best grade (">") and the worst one ("<") that a limit of the ECOG performance
    status admits, as far as it bounds them; nothing of another limit.

    >>> list(
    ...     _read_ecog(
    ...         {"quantity_canonical": _ECOG, "admits": "<", "value_canonical": 3}
    ...     )
    ... )
    [('<', 2)]
    """
    low = cells.get("value_canonical")
    high = cells.get("value_high_canonical")
    admits = cells.get("admits")
    if cells["quantity_canonical"] != _ECOG or low is None:
        return
    best = int(low)
    worst = best if high is None else int(high)
    # Grades are whole numbers: above 1 is 2 and more.
    if admits == ">":
        yield ">", best + 1
    elif admits in (">=", "=", "between"):
        yield ">", best
    if admits == "<":
        yield "<", worst - 1
    elif admits in ("<=", "=", "between"):
        yield "<", worst


def _find_only(values: set[int]) -> int | None:
    """Return the value on which all criteria agree; None without one."""
    if len(values) != 1:
        return None
    (value,) = values
    return value
