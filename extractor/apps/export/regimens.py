"""Compute the columns of regimens that make them join: one name an agent, and its dosage form."""

from collections.abc import Iterator, Sequence
from typing import Any

from extractor.apps.export.agent_names import AgentNamer
from extractor.apps.export.arms import Arm
from extractor.apps.export.columns import Json
from extractor.apps.export.dosage_forms import find_form
from extractor.apps.export.interventions import Intervention

_OF_FORM = ("agent", "amounts", "route", "frequency")
"""Fields whose quotes may name the form."""


def name_regimen(
    regimen: Json,
    namer: AgentNamer,
    interventions: Sequence[Intervention],
    arms: Sequence[Arm] = (),
) -> dict[str, Any]:
    """Return the name of a regimen's agent that its other names in the record share, and its form.

    ``arms`` are those of the record.

    >>> regimen = {"agent": "Oral fictumab", "quote": "Fictumab 5 mg tablets"}
    >>> name_regimen(regimen | {"added": {}}, AgentNamer(), ())
    {'agent_canonical': 'fictumab', 'dosage_form': 'tablet'}
    """
    index = regimen["added"].get("intervention_index")
    own = () if index is None else (interventions[index],)
    quotes = _list_quotes(regimen)
    return {
        "agent_canonical": namer.name(regimen["agent"]),
        "dosage_form": find_form(quotes, own, _list_arms(regimen, arms)),
    }


def describe_interventions(
    interventions: Sequence[Intervention], namer: AgentNamer
) -> Iterator[dict[str, Any]]:
    """Yield the rows of the table ``interventions``."""
    for intervention in interventions:
        name = intervention.name
        yield {
            **intervention._asdict(),
            "other_names": "|".join(intervention.other_names) or None,
            "agent_canonical": namer.name(name) if name else None,
        }


def _list_arms(regimen: Json, arms: Sequence[Arm]) -> Iterator[str]:
    """Yield the label of the arm in whose text a dose stands, and its text before the dose; the
    text behind it may name the form of another drug.
    """
    quote = regimen.get("quote") or ""
    for arm in arms:
        if not arm.section or arm.section != regimen.get("section"):
            continue
        yield arm.label or ""
        text = arm.description or ""
        if quote and quote in text:
            yield text[: text.index(quote)]


def _list_quotes(regimen: Json) -> Iterator[str]:
    """Yield the words that may name the form of a dose: the agent, the quote, and the evidence of
    the agent, the amounts, the route and the frequency.
    """
    yield regimen["agent"]
    yield regimen.get("quote") or ""
    for piece in regimen.get("evidence") or ():
        if piece["field"].startswith(_OF_FORM):
            yield piece["quote"]
