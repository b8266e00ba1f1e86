"""What is measured, settled between rules and model."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from extractor.parse.parsed import ParsedOutcome, ParsedRecord, Reading
from extractor.schemas import Absence, Concept, Endpoint, EndpointCategory

from .ledger import Ledger
from .model_result import ModelResult

__all__ = ["assemble_endpoints"]

_PARTS = ("measure", "description", "time_frame")
_FIELDS = (
    "concept",
    "category",
    "time_points",
    "time_kind",
    "instrument",
    "start_event",
    "end_events",
    "censored",
    "specimens",
    "methods",
)
_KINETICS = (Concept.PHARMACOKINETICS, Concept.CELLULAR_KINETICS)
_LISTS = {"time_points", "end_events", "specimens", "methods"}


def assemble_endpoints(parsed: ParsedRecord, result: ModelResult) -> tuple[tuple[Endpoint, ...], list[Absence]]:
    """One endpoint per registered outcome, in the record's order, and why what is empty is empty."""
    endpoints: list[Endpoint] = []
    absences: list[Absence] = []
    for outcome in parsed.outcomes:
        ledger = Ledger(parsed, f"endpoints[{len(endpoints)}]", outcome.chunk.span, result)
        fields = _settle_fields(outcome, ledger)
        endpoints.append(
            Endpoint.model_validate({"rank": outcome.rank, "index": outcome.index, **fields, **ledger.provenance()})
        )
        absences += ledger.absences
    return tuple(endpoints), absences


def _fit_concept(outcome: ParsedOutcome, category: EndpointCategory | None) -> Reading[Concept | None]:
    """The rules' concept, or its likeliest rival where the category of a believed model rules kinetics out."""
    concept = outcome.concept
    if category in (None, EndpointCategory.PHARMACOKINETICS) or concept.certain or concept.value not in _KINETICS:
        return concept
    rivals = [rival for rival in concept.alternatives if rival not in _KINETICS]
    return replace(concept, value=rivals[0], alternatives=tuple(rivals[1:])) if rivals else concept


def _settle_fields(outcome: ParsedOutcome, ledger: Ledger) -> dict[str, Any]:
    number = outcome.chunk.number
    enter: Callable[..., Any] = ledger.enter
    parts = {name: enter(name, getattr(outcome, name), number, "split") for name in _PARTS}
    readings = {name: getattr(outcome, name) for name in _FIELDS}
    readings["concept"] = _fit_concept(outcome, ledger.believe_model("category", outcome.category, number))
    fields = {name: enter(name, readings[name], number) for name in _FIELDS}
    return parts | fields | {name: () for name in _LISTS if fields[name] is None}
