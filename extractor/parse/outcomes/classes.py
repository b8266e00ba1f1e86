"""What an outcome measures, and to what end, by classifiers that labelled outcomes have trained."""

from collections.abc import Sequence

from extractor.parse.scoring import (
    Bag,
    NumberedBags,
    find_token,
    join_pairs,
    list_rivals,
    load_classifier,
    open_with,
    read_tokens,
)
from extractor.parse.values import value
from extractor.schemas import Concept, EndpointCategory, Rank, TrialRecord
from extractor.text.book import find_terms, read_text

__all__ = ["OutcomeClasses", "OutcomeWords", "classify_outcomes", "describe_outcomes", "trial_tokens"]


@value(frozen=True, slots=True)
class OutcomeWords:
    """The cleaned parts of an outcome, "" where it has none; ``about`` are the tokens of ``trial_tokens``."""

    measure: str
    description: str = ""
    time_frame: str = ""
    rank: Rank = Rank.PRIMARY
    about: Sequence[str] = ()


_LONGEST = {"measure": 60, "description": 80, "time_frame": 30}
"""How many tokens of a part are read: what comes later explains the method."""
_START = 4
_HINTS_READ = 400
_ABOUT = 30


def trial_tokens(record: TrialRecord) -> list[str]:
    """The first tokens of the title and of the conditions: what is measured depends on what is treated."""
    sections = (record.section(name) for name in ("title", "conditions"))
    return [token for section in sections if section for token in read_tokens(section.text)[:_ABOUT]]


def describe_outcomes(outcomes: Sequence[OutcomeWords]) -> list[Bag]:
    """The features of several outcomes, in order.

    >>> describe_outcomes([OutcomeWords("Overall survival", time_frame="2 years")])[0]["frame"]
    ['0', 'years']
    """
    return [_describe(outcome) for outcome in outcomes]


def _describe(outcome: OutcomeWords) -> Bag:
    measure = read_tokens(outcome.measure)[: _LONGEST["measure"]]
    description = read_tokens(outcome.description[:1200])[: _LONGEST["description"]]
    return {
        "words": measure,
        "pairs": join_pairs(measure),
        "told": description,
        "told_pairs": join_pairs(description),
        "frame": read_tokens(outcome.time_frame[:400])[: _LONGEST["time_frame"]],
        "known": _find_concepts(outcome.measure),
        "told_known": _find_concepts(outcome.description[:_HINTS_READ]),
        "marks": [*open_with(measure), f"rank_{outcome.rank}", f"told_{len(description).bit_length()}"],
        "start": measure[:_START],
        "about": outcome.about,
    }


def _find_concepts(text: str) -> list[str]:
    return [term.value for term in find_terms(read_text(text), "concepts")]


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
