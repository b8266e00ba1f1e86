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
    """Return the derived cells of the table ``eligibility``.

    Criteria of a group of alternatives do not count. ``people`` has the cells of its criteria and
    limits. ``registered`` gives the sex and healthy volunteers that the text does not state.
    ``excludes_pregnancy`` is None if no criterion mentions a pregnancy; of criteria that differ,
    the one that admits pregnant people decides. A grade on which criteria differ is None.
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
    # "ECOG <= 2" admits from 0, the best grade.
    if highest and not lowest:
        lowest = {0}
    sex = people["sex"] or registered.get("registered_sex")
    if sex:
        # A registered word is in capitals, that of an extraction is not.
        sex = sex.lower()
    excludes_pregnancy = None
    if mentions:
        # An inclusion that asks for a pregnancy decides.
        excludes_pregnancy = False not in mentions
    return {
        "admits_sex": sex,
        "admits_healthy": _admit_healthy(people, registered),
        "excludes_pregnancy": excludes_pregnancy,
        "lowest_ecog": _find_only(lowest),
        "highest_ecog": _find_only(highest),
    }


def _admit_healthy(people: Json, registered: Json) -> bool | None:
    """Return whether healthy people may take part: by the text, else as registered; None if
    neither states it. A text whose only evidence stands in a description yields to the registry.
    """
    stated: bool | None = people["healthy_volunteers"]
    in_registry: bool | None = registered.get("registered_healthy_volunteers")
    if stated is None:
        return in_registry
    sections = set()
    for piece in people.get("evidence", ()):
        if piece["field"] == "healthy_volunteers":
            sections.add(piece["section"])
    if not sections or in_registry is None:
        return stated
    # A description may tell of other trials than this one.
    if sections <= DESCRIPTIONS:
        return in_registry
    return stated


def _read_pregnancy(criterion: Json) -> bool | None:
    """Return whether a criterion keeps pregnant people out (True) or asks for them (False); None
    if it does not mention them, or speaks of a pregnancy to be avoided or in the past.

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
        # "Negative pregnancy test"
        if rule("not_pregnant").search(tokens):
            return True
        # "Women who wish to avoid pregnancy"
        if not speaks_of_pregnancy or rule("bars_pregnancy").search(tokens):
            return None
        # "Pregnant women between 12 and 20 weeks"
        return False
    # A negation, or a demand among the exclusions, keeps out others.
    if criterion.get("negated") or criterion.get("demanded"):
        return None
    if speaks_of_pregnancy:
        return True
    return None


def _read_ecog(cells: Json) -> Iterator[tuple[str, int]]:
    """Yield the best grade (">") and the worst one ("<") that a limit of the ECOG performance
    status admits, as far as it bounds them; nothing for a limit of another quantity or without
    a number. 0 is the best grade, 5 is death.

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
    worst = best
    if high is not None:
        worst = int(high)
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
    """Return the value on which all criteria agree; None if they differ or state none."""
    if len(values) != 1:
        return None
    (value,) = values
    return value
