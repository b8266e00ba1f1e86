"""What an outcome measures, and to what end, by classifiers that labelled outcomes have trained."""

from collections.abc import Sequence

from extractor.parse.scoring import NumberedBags, find_token, list_rivals, load_classifier
from extractor.parse.values import value
from extractor.schemas import Concept, EndpointCategory

from .outcome_features import OutcomeWords, describe_outcomes

__all__ = ["OutcomeClasses", "classify_outcomes"]


@value(frozen=True, slots=True)
class OutcomeClasses:
    """The concept and the category of an outcome, each with the probability that it is right and with its rivals.

    ``word`` is where the word stands in the measure that speaks most for the concept; None if it is no single one.
    """

    concept: Concept
    concept_confidence: float
    concept_rivals: tuple[Concept, ...]
    category: EndpointCategory
    category_confidence: float
    category_rivals: tuple[EndpointCategory, ...]
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
    bags = NumberedBags(describe_outcomes(outcomes))
    concept, category = concepts.weigh(bags), categories.weigh(bags)
    chosen, purpose = concept.chances.argmax(axis=1), category.chances.argmax(axis=1)
    return [
        OutcomeClasses(
            concept=Concept(concepts.classes[best]),
            concept_confidence=sure,
            concept_rivals=tuple(map(Concept, others)),
            category=EndpointCategory(categories.classes[second]),
            category_confidence=also_sure,
            category_rivals=tuple(map(EndpointCategory, more)),
            word=None if place is None else find_token(outcome.measure, place),
        )
        for outcome, best, sure, others, second, also_sure, more, place in zip(
            outcomes,
            chosen.tolist(),
            concepts.calibrations["class"].confidences(concept.chances.max(axis=1)),
            list_rivals(concept.chances, concepts.classes),
            purpose.tolist(),
            categories.calibrations["class"].confidences(category.chances.max(axis=1)),
            list_rivals(category.chances, categories.classes),
            concepts.find_leading(concept, chosen),
            strict=True,
        )
    ]
