"""The MeSH terms that the registry gave to conditions and interventions, a row a term."""

from collections.abc import Iterator, Sequence
from typing import Any

from extractor.apps.export.interventions import Intervention, find_named
from extractor.schemas import RegisteredTerm, TermKind

CONDITIONS = "condition_terms"
INTERVENTIONS = "intervention_terms"
"""The tables, and the keys that hold their rows."""
_KINDS = {
    CONDITIONS: {TermKind.CONDITION: False, TermKind.CONDITION_ANCESTOR: True},
    INTERVENTIONS: {TermKind.INTERVENTION: False, TermKind.INTERVENTION_ANCESTOR: True},
}
"""The kinds of terms in each table, and whether they stand above the registered ones."""


def list_mesh_terms(
    terms: Sequence[RegisteredTerm], interventions: Sequence[Intervention]
) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of both tables.

    >>> mesh = [
    ...     RegisteredTerm(kind="condition", name="Prostatic Neoplasms", id="D011471")
    ... ]
    >>> list_mesh_terms(mesh, [])["condition_terms"]
    [{'term': 'Prostatic Neoplasms', 'mesh_id': 'D011471', 'is_ancestor': False}]
    """
    rows = {table: list(_list_rows(table, terms)) for table in _KINDS}
    for row in rows[INTERVENTIONS]:
        # A term above the registered ones is of no single intervention.
        row["intervention_index"] = None
        if not row["is_ancestor"]:
            row["intervention_index"] = find_named(row["term"], interventions)
    return rows


def _list_rows(table: str, terms: Sequence[RegisteredTerm]) -> Iterator[dict[str, Any]]:
    """Yield the rows of one table."""
    kinds = _KINDS[table]
    for term in terms:
        if term.kind not in kinds:
            continue
        yield {
            "term": term.name,
            "mesh_id": term.id,
            "is_ancestor": kinds[term.kind],
        }
