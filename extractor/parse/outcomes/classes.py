"""What an outcome measures, and to what end, by classifiers that labelled outcomes have trained."""

from collections.abc import Sequence
from dataclasses import dataclass

from extractor.parse.scoring import find_tokens, load_classifier
from extractor.schemas import Concept, EndpointCategory

from .outcome_features import OutcomeWords, describe_outcome

__all__ = ["OutcomeClasses", "classify_outcomes"]


@dataclass(frozen=True, slots=True)
class OutcomeClasses:
    """The concept and the category of an outcome, each with the probability that it is right.

    ``word`` is where the word stands in the measure that speaks most for the concept; None if it is no single one.
    """

    concept: Concept
    concept_confidence: float
    category: EndpointCategory
    category_confidence: float
    word: tuple[int, int] | None


def classify_outcomes(outcomes: Sequence[OutcomeWords]) -> list[OutcomeClasses]:
    """Classify all outcomes of a record at once.

    >>> found = classify_outcomes([OutcomeWords("Best overall response", "CR or PR by RECIST 1.1")])[0]
    >>> found.concept.value, found.category.value
    ('response_rate', 'efficacy')
    """
    if not outcomes:
        return []
    concepts, categories = load_classifier("concepts"), load_classifier("endpoint_categories")
    bags = [describe_outcome(outcome) for outcome in outcomes]
    concept, category = concepts.weigh(bags), categories.weigh(bags)
    chosen, purpose = concept.chances.argmax(axis=1), category.chances.argmax(axis=1)
    return [
        OutcomeClasses(
            concept=Concept(concepts.classes[chosen[at]]),
            concept_confidence=concepts.calibrations["class"].confidence(concept.chances[at, chosen[at]]),
            category=EndpointCategory(categories.classes[purpose[at]]),
            category_confidence=categories.calibrations["class"].confidence(category.chances[at, purpose[at]]),
            word=find_tokens(outcomes[at].measure)[leading] if leading is not None else None,
        )
        for at, leading in enumerate(concepts.find_leading(concept, chosen))
    ]
