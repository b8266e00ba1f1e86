"""What an outcome measures, and to what end, by scorers that labelled outcomes have trained."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from extractor.parse.scoring import find_word, list_words, load_scorer
from extractor.schemas import Concept, EndpointCategory, Rank
from extractor.text.book import find_terms
from extractor.text.passage import Passage, Section

__all__ = ["OutcomeClasses", "OutcomeWords", "classify_outcomes", "describe_outcome", "trial_words"]


@dataclass(frozen=True, slots=True)
class OutcomeWords:
    """The parts of an outcome; ``about`` are the words of ``trial_words``."""

    measure: Passage
    description: Passage | None = None
    time_frame: Passage | None = None
    rank: Rank = Rank.PRIMARY
    about: Sequence[str] = ()


_LONGEST_MEASURE, _LONGEST_DESCRIPTION, _LONGEST_TIME_FRAME = 60, 80, 30
"""How many words of a part are read: what comes later explains the method."""
_START = 4
_HINTS_READ = 70
_ABOUT = 30


def trial_words(sections: Mapping[str, Section]) -> list[str]:
    """The first words of the title and of the conditions: what is measured depends on what is treated."""
    found = (sections.get(name) for name in ("title", "conditions"))
    return [word for section in found if section for word in list_words(section.whole)[:_ABOUT]]


def describe_outcome(outcome: OutcomeWords) -> list[str]:
    """The features of an outcome; first the words of its measure, ``w``, in order.

    >>> from extractor.text.passage import read_passage
    >>> describe_outcome(OutcomeWords(read_passage("Overall survival"), time_frame=read_passage("2 years")))[:2]
    ['w overall', 'w survival']
    """
    measure = list_words(outcome.measure)[:_LONGEST_MEASURE]
    description = list_words(outcome.description)[:_LONGEST_DESCRIPTION] if outcome.description else []
    time_frame = list_words(outcome.time_frame)[:_LONGEST_TIME_FRAME] if outcome.time_frame else []
    return [
        *(f"w {word}" for word in measure),
        *(f"p {one} {other}" for one, other in pairwise(measure)),
        *(f"^ {word}" for word in measure[:_START]),
        *(f"s {' '.join(measure[:length])}" for length in (1, 2, 3)),
        *(f"v {hint}" for hint in _find_concepts(outcome.measure)),
        *(f"d {word}" for word in description),
        *(f"e {one} {other}" for one, other in pairwise(description)),
        *(f"u {hint}" for hint in (_find_concepts(outcome.description) if outcome.description else ())),
        *(f"t {word}" for word in time_frame),
        *(f"a {word}" for word in outcome.about),
        f"m {outcome.rank}",
        f"m {len(description).bit_length()} words",
    ]


def _find_concepts(passage: Passage) -> Iterable[str]:
    """The concepts at which terms of a part hint."""
    end = min(passage.end, passage.first + _HINTS_READ)
    return dict.fromkeys(term.value for term in find_terms(passage.tokens, "concepts", passage.first, end))


@dataclass(frozen=True, slots=True)
class OutcomeClasses:
    """The concept and the category of an outcome, each with its probability and its rivals.

    ``reason`` is the word of the measure that speaks most for the concept; None if no word does.
    """

    concept: Concept
    concept_confidence: float
    concept_rivals: tuple[Concept, ...]
    category: EndpointCategory
    category_confidence: float
    category_rivals: tuple[EndpointCategory, ...]
    reason: Passage | None


def classify_outcomes(outcomes: Sequence[OutcomeWords]) -> list[OutcomeClasses]:
    """Classify all outcomes of a record at once.

    >>> from extractor.text.passage import read_passage
    >>> measure, description = read_passage("Best overall response"), read_passage("CR or PR by RECIST 1.1")
    >>> found = classify_outcomes([OutcomeWords(measure, description)])[0]
    >>> found.concept.value, found.category.value
    ('response_rate', 'efficacy')
    """
    if not outcomes:
        return []
    concepts, categories = load_scorer("concepts"), load_scorer("endpoint_categories")
    features = [describe_outcome(outcome) for outcome in outcomes]
    found = []
    for outcome, own, concept, category in zip(
        outcomes, features, concepts.choose(features), categories.choose(features), strict=True
    ):
        words = [feature for feature in own if feature.startswith("w ")]
        found.append(
            OutcomeClasses(
                concept=Concept(concept.value),
                concept_confidence=concept.confidence,
                concept_rivals=tuple(map(Concept, concept.rivals)),
                category=EndpointCategory(category.value),
                category_confidence=category.confidence,
                category_rivals=tuple(map(EndpointCategory, category.rivals)),
                reason=find_word(outcome.measure, concepts.find_reason(words, concept.value)),
            )
        )
    return found
