"""What a criterion is about, and whether a line is one at all, by a classifier that labelled lines have trained."""

from collections.abc import Sequence

from extractor.parse.parsed import Reading, Span
from extractor.parse.scoring import find_token, list_rivals, load_classifier
from extractor.parse.values import value
from extractor.schemas import Category, Support
from extractor.text.passage import Passage

from .line_features import CriterionLine, describe_lines

__all__ = ["LineScore", "read_category", "score_lines"]

_NO_CRITERION = "none"


@value(frozen=True, slots=True)
class LineScore:
    """The category of a line, were it a criterion, and how sure that is.

    ``rivals`` are the categories that it may be instead. ``no_criterion`` is how often such lines are none, but
    headings, notes or remarks. ``word`` is where the word stands that speaks most for the category; None if it is
    no single one.
    """

    category: Category
    confidence: float
    rivals: tuple[Category, ...]
    no_criterion: float
    word: tuple[int, int] | None


def score_lines(lines: Sequence[CriterionLine], target: frozenset[str] = frozenset()) -> list[LineScore]:
    """Score all lines of a record at once; ``target`` are the stems of its title and conditions.

    >>> from extractor.schemas import CriterionKind
    >>> score_lines([CriterionLine("Known hypersensitivity to penicillin", CriterionKind.EXCLUSION)])[0].category.value
    'allergy'
    """
    if not lines:
        return []
    classifier = load_classifier("criteria")
    bags = describe_lines(lines, target)
    none = classifier.classes.index(_NO_CRITERION)
    weighed = classifier.weigh(bags)
    chances = weighed.chances
    refused = chances[:, none].copy()
    chances[:, none] = 0
    chances /= chances.sum(axis=1, keepdims=True)
    best = chances.argmax(axis=1)
    sure = classifier.calibrations["category"].confidences(chances.max(axis=1))
    doubts = classifier.calibrations["no_criterion"].confidences(refused)
    leading = classifier.find_leading(weighed, best)
    rivals = list_rivals(chances, classifier.classes)
    return [
        LineScore(
            category=Category(classifier.classes[category]),
            confidence=confidence,
            rivals=tuple(map(Category, others)),
            no_criterion=doubt,
            word=None if place is None else find_token(line.text, place),
        )
        for line, category, confidence, others, doubt, place in zip(
            lines, best.tolist(), sure, rivals, doubts, leading, strict=True
        )
    ]


def read_category(passage: Passage, score: LineScore) -> Reading[Category | None]:
    """The category that a line's score says, with the word that decided it."""
    place = passage.raw_span
    if score.word:
        start = passage.tokens.starts[0]
        place = passage.section.cleaned.raw_span(start + score.word[0], start + score.word[1])
    span = Span(passage.section.name, *place)
    return Reading(score.category, score.confidence, (span,), Support.INFERRED, score.rivals)
