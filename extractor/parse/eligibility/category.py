"""What a criterion is about, and whether a line is one at all, by a scorer that labelled lines have trained."""

from collections.abc import Sequence
from dataclasses import dataclass

from extractor.parse.parsed import Reading, Span
from extractor.parse.scoring import find_word, load_scorer, pick
from extractor.schemas import Category, Support
from extractor.text.passage import Passage

from .line_features import CriterionLine, describe_lines

__all__ = ["LineScore", "read_category", "score_lines"]

_NO_CRITERION = "none"


@dataclass(frozen=True, slots=True)
class LineScore:
    """The category of a line, were it a criterion, and how probable that is.

    ``rivals`` are the categories that it may be instead. ``no_criterion`` is how probable it is that the line is none,
    but a heading, a note or a remark. ``reason`` is the word that speaks most for the category; None if no word does.
    """

    category: Category
    confidence: float
    rivals: tuple[Category, ...]
    no_criterion: float
    reason: Passage | None


def score_lines(lines: Sequence[CriterionLine], target: frozenset[str] = frozenset()) -> list[LineScore]:
    """Score all lines of a record at once; ``target`` are the stems of its title and conditions.

    >>> from extractor.schemas import CriterionKind
    >>> from extractor.text.passage import read_passage
    >>> line = CriterionLine(read_passage("Known hypersensitivity to penicillin"), CriterionKind.EXCLUSION)
    >>> score_lines([line])[0].category.value
    'allergy'
    """
    if not lines:
        return []
    scorer, features = load_scorer("criteria"), describe_lines(lines, target)
    chances = scorer.predict(features)
    none = scorer.classes.index(_NO_CRITERION)
    refused = chances[:, none].tolist()
    chances[:, none] = 0
    chances /= chances.sum(axis=1, keepdims=True)
    found = []
    for line, own, choice, doubt in zip(lines, features, pick(scorer.classes, chances), refused, strict=True):
        words = [feature for feature in own if feature.startswith("w ")]
        found.append(
            LineScore(
                category=Category(choice.value),
                confidence=choice.confidence,
                rivals=tuple(map(Category, choice.rivals)),
                no_criterion=doubt,
                reason=find_word(line.passage, scorer.find_reason(words, choice.value)),
            )
        )
    return found


def read_category(passage: Passage, score: LineScore) -> Reading[Category | None]:
    """The category that a line's score says, with the word that decided it."""
    span = Span(passage.section.name, *(score.reason or passage).raw_span)
    return Reading(score.category, score.confidence, (span,), Support.INFERRED, score.rivals)
