"""Classify criteria, and distinguish them from headings, with a scorer trained on labelled
lines.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from extractor.concepts.criteria.lists import CriterionEntry, list_stems
from extractor.concepts.limits.criterion import WEIGHT
from extractor.evidence.drafts import Reading
from extractor.evidence.scoring import list_scored_words, load_scorer
from extractor.language.book import find_terms, rule
from extractor.language.passage import Passage
from extractor.schemas import (
    Category,
    Constraint,
    CriterionKind,
    TimeWindow,
)
from extractor.schemas.vocabulary import UPPER

TREATMENTS = (Category.PRIOR_THERAPY, Category.CONCOMITANT_THERAPY)
_OF_WEIGHT = frozenset({"weight", "obes", "obesit", "overwe", "underw", "bariat"})
"""Stems of words in trials that treat body weight."""
# The weights of the scorer were trained with it.
_OPENING_LINES = 6
"""Number of inclusion criteria, counted from the first, that often name the disease."""
# The weights of the scorer were trained with it.
_OPENING_WORDS = 4
"""Number of words at the beginning of a line that are features in their own right."""


def describe_lines(
    entries: Sequence[CriterionEntry], target: frozenset[str] = frozenset()
) -> list[list[str]]:
    """Return the features that the scorer uses to classify each entry of a record.

    Features with the prefix ``w`` are the words of the entry, in order; they are listed first.
    Features with the prefix ``m`` describe the entry's position and the words that it shares with
    other lines; they are listed last. ``target`` contains the stems of the record's title and
    conditions.

    >>> describe_lines(
    ...     [CriterionEntry(read_passage("Known asthma"), CriterionKind.INCLUSION)]
    ... )[0][:3]
    ['w known', 'w asthma', 'p known asthma']
    """
    words = [list_scored_words(entry.passage) for entry in entries]
    stems = list(map(list_stems, words))
    kinds = [entry.sense for entry in entries]
    # The first inclusion criteria often name the disease that the trial treats.
    opening: list[frozenset[str]] = []
    for line_stems, kind in zip(stems, kinds, strict=True):
        if kind is CriterionKind.INCLUSION and len(opening) < _OPENING_LINES:
            opening.append(line_stems)
    count_above = Counter[CriterionKind]()
    features: list[list[str]] = []
    for entry, line_stems, kind, line_words in zip(
        entries, stems, kinds, words, strict=True
    ):
        # high counts are rare, so they share one feature
        topic_words = "-"
        if target:
            topic_words = str(min(len(line_stems & target), 3))
        repeated = min(_count_repeated(line_stems, opening), 3)
        above = count_above[kind]
        marks = (
            "list",
            f"named {topic_words}",
            f"repeated {repeated}",
            f"place {min(above, 4)}",
            f"first {not above} {topic_words}",
            f"words {len(line_stems).bit_length()}",
        )
        line_features = list(_describe_words(line_words, kind))
        line_features += _describe_context(entry)
        # the first letter of a kind is different for each kind
        line_features += [f"m {kind[0]} {mark}" for mark in marks]
        features.append(line_features)
        count_above[kind] += 1
    return features


def _count_repeated(stems: frozenset[str], opening: Sequence[frozenset[str]]) -> int:
    """Return how many stems of a line also occur in the other opening lines."""
    elsewhere: set[str] = set()
    for line in opening:
        # the line itself may be one of the opening lines
        if line is not stems:
            elsewhere |= line
    return len(stems & elsewhere)


def _describe_words(words: Sequence[str], kind: CriterionKind) -> Iterator[str]:
    """Yield the word features: each word on its own, each word with the next word, each word with
    the kind of list, and the opening words.
    """
    yield from (f"w {word}" for word in words)
    yield from (f"p {word} {following}" for word, following in pairwise(words))
    yield from (f"{kind[0]} {word}" for word in words)
    yield from (f"^ {word}" for word in words[:_OPENING_WORDS])
    yield from (f"s {' '.join(words[:length])}" for length in (1, 2, 3))


def _describe_context(entry: CriterionEntry) -> Iterator[str]:
    """Yield the words of an entry's parent and heading (prefix ``h``), and the distinct categories
    that its terms indicate (prefix ``v``).
    """
    for introduction in (entry.parent, entry.heading):
        if introduction:
            yield from (f"h {word}" for word in list_scored_words(introduction))
    passage = entry.passage
    terms = find_terms(passage.tokens, "categories", passage.first, passage.end)
    hints = dict.fromkeys(term.value for term in terms)
    yield from (f"v {hint}" for hint in hints)


def score_lines(
    entries: Sequence[CriterionEntry], target: frozenset[str] = frozenset()
) -> list[tuple[Reading[Category], float]]:
    """For each entry, return its category as a criterion and the probability (0 to 1) that it is a
    heading instead, as a (reading, probability) pair.

    All entries of a record are scored together; ``target`` contains the stems of its title and
    conditions. The span of a reading is the word with the highest weight for the category or, if no
    word has a weight, the whole entry.

    >>> entry = CriterionEntry(
    ...     read_passage("Known hypersensitivity to penicillin"),
    ...     CriterionKind.EXCLUSION,
    ... )
    >>> score_lines([entry])[0][0].value.value
    'allergy'
    """
    if not entries:
        return []
    scorer = load_scorer("criteria")
    features = describe_lines(entries, target)
    chances = scorer.predict(features)
    # The class "none" is for headings. The probabilities of the others are scaled to a sum of 1.
    none = scorer.classes.index("none")
    heading_chances = chances[:, none].tolist()
    # an entry that is a heading beyond doubt leaves nothing to scale
    chances += 1e-30
    chances[:, none] = 0
    chances /= chances.sum(axis=1, keepdims=True)
    passages = [entry.passage for entry in entries]
    readings = scorer.classify(Category, features, passages, chances)
    return list(zip(readings, heading_chances, strict=True))


def classify_weight(
    category: Reading[Category], limits: Sequence[Constraint], target: frozenset[str]
) -> Reading[Category]:
    """Return the category "other" for a line that limits only an unnamed body weight, such as "40
    to 90 kg". The category is left unchanged if the trial treats body weight (``target`` contains
    the stems of the record's title and conditions), or if the line limits anything besides weight.
    """
    # the scorer learns from words, of which "40 to 90 kg" has none
    limits_weight = {limit.quantity for limit in limits} == {WEIGHT}
    if not limits_weight or not target.isdisjoint(_OF_WEIGHT):
        return category
    other = replace(category, value=Category.OTHER, probability=1.0)
    return other.with_features("a weight without its word")


def classify_treatment(
    category: Reading[Category], passage: Passage, window: TimeWindow | None
) -> Reading[Category]:
    """Change the category of a treatment according to when it is given. Other categories, and
    treatments whose time is unknown, are returned unchanged.

    Whatever the drug, a treatment that is stable or is being changed is classified as ongoing, and
    a treatment that was given "within 4 weeks before" is classified as past. ``window`` is the
    time window of the passage, if it has one.

    >>> scored = Reading(Category.PRIOR_THERAPY, 0.6)
    >>> classify_treatment(
    ...     scored, read_passage("Stable dose of metformin in the last 3 months"), None
    ... ).value.value
    'concomitant_therapy'
    """
    if category.value not in TREATMENTS:
        return category
    place = (passage.tokens, passage.first, passage.end)
    looks_back = window is not None and window.comparator in UPPER
    decided = category.value
    case = ""
    # as in "Medication free or on a stable dose"
    if rule("treatment_changes").occurs(*place):
        decided = Category.CONCOMITANT_THERAPY
        case = "a treatment that is stable or changes"
    # "planned surgery within 4 weeks" is in the future
    elif looks_back and not rule("treatment_ahead").occurs(*place):
        decided = Category.PRIOR_THERAPY
        case = "a treatment with a look-back"
    if category.value is decided:
        return category
    return replace(category, value=decided, probability=1.0).with_features(case)
