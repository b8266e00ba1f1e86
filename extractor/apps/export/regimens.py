"""Compute the columns of regimens that make them join: one name an agent, and its dosage form."""

from collections.abc import Iterator, Sequence
from typing import Any

from extractor.apps.export.agent_names import AgentNamer
from extractor.apps.export.columns import Json
from extractor.apps.export.dosage_forms import find_form
from extractor.apps.export.interventions import Intervention

_OF_FORM = ("agent", "amounts", "route", "frequency")
"""Fields whose quotes may name the form."""


def name_regimen(
    regimen: Json, namer: AgentNamer, interventions: Sequence[Intervention]
) -> dict[str, Any]:
    """Return the name of a regimen's agent that its other names in the record share, and its form.

    >>> regimen = {"agent": "Oral fictumab", "quote": "Fictumab 5 mg tablets"}
    >>> name_regimen(regimen | {"added": {}}, AgentNamer(), ())
    {'agent_canonical': 'fictumab', 'dosage_form': 'tablet'}
    """
    index = regimen["added"].get("intervention_index")
    own = () if index is None else (interventions[index],)
    return {
        "agent_canonical": namer.name(regimen["agent"]),
        "dosage_form": find_form(_list_quotes(regimen), own),
    }


def _list_quotes(regimen: Json) -> Iterator[str]:
    """Yield the words of a dose: those of the agent, its amounts and its route."""
    yield regimen["agent"]
    yield regimen.get("quote") or ""
    for piece in regimen.get("evidence") or ():
        if piece["field"].startswith(_OF_FORM):
            yield piece["quote"]
