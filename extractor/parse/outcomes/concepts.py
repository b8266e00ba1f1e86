"""The concept of an outcome, and the category that follows from it.

The vocabulary says which words decide and how surely. The measure is read first; the description
decides only where the measure does not.
"""

import re
from dataclasses import dataclass, replace

from extractor.parse.vocabulary import Match, load_vocabulary
from extractor.schemas import Concept

__all__ = ["ConceptFound", "find_concept"]

# Drug levels of infused cells are their kinetics.
_CELLULAR = (Concept.PHARMACOKINETICS, Concept.CELLULAR_KINETICS)
_INFUSED_CELLS = re.compile(
    r"\bCAR(?:[ -]?T|-?NK|[ -]modified|[ -]positive|\+|[ -]cop)|\btransduced\b|\binfused cells\b|\bgene[ -]modified",
    re.I,
)
_CLEAR = 0.75
_COMPOSITE = 0.92
_FROM_DESCRIPTION = 0.85


@dataclass(frozen=True, slots=True)
class ConceptFound:
    """A concept, the probability that it is right, and the words that decided it."""

    concept: Concept
    confidence: float
    in_description: bool
    start: int
    end: int


def find_concept(measure: str, description: str) -> ConceptFound | None:
    """The concept of an outcome by its cleaned measure and description; None where no known word stands.

    >>> found = find_concept("Best overall response", "CR or PR by RECIST 1.1")
    >>> found.concept.value
    'response_rate'
    """
    found = _find(measure, description)
    if found and found.concept in _CELLULAR and _INFUSED_CELLS.search(f"{measure} {description}"):
        return replace(found, concept=Concept.CELLULAR_KINETICS)
    return found


def _find(measure: str, description: str) -> ConceptFound | None:
    concepts = load_vocabulary("concepts")
    matches = list(concepts.find(measure))
    of_measure = _decide(matches)
    if of_measure and of_measure.entry.confidence >= _CLEAR:
        return _found(of_measure, _COMPOSITE if _is_composite(matches, of_measure) else 1.0, in_description=False)
    of_description = _decide(list(concepts.find(description[:400])))
    if of_description and (
        not of_measure or of_description.entry.confidence * _FROM_DESCRIPTION > of_measure.entry.confidence
    ):
        return _found(of_description, _FROM_DESCRIPTION, in_description=True)
    return _found(of_measure, 1.0, in_description=False) if of_measure else None


def _is_composite(matches: list[Match], chosen: Match) -> bool:
    """Whether the measure clearly names another concept as well."""
    return any(match.value != chosen.value and match.entry.confidence >= _CLEAR for match in matches)


def _decide(matches: list[Match]) -> Match | None:
    """The surest match; the first of equally sure ones, since the first named endpoint counts."""
    return max(matches, key=lambda match: (match.entry.confidence, -match.start), default=None)


def _found(match: Match, factor: float, *, in_description: bool) -> ConceptFound:
    return ConceptFound(Concept(match.value), match.entry.confidence * factor, in_description, match.start, match.end)
