"""Turn the features of a value into its confidence, and explain it."""

import math
from bisect import bisect
from collections.abc import Iterator, Sequence
from functools import lru_cache
from operator import itemgetter

from extractor.confidence.table import (
    ANSWERS,
    EMPTY,
    Curve,
    FieldTable,
    UnfittedFeatureError,
    UnknownFeatureError,
    read_answer_shares,
    read_field_tables,
    shorten,
)

_LEAST = 0.01
_MOST = 0.99
"""The range of the confidences that weights give."""
_HIGHEST = 30.0
"""The highest log-odds, which keep ``exp`` within bounds."""
AGREE = "agree"
"""The situation in which the rules and a model read the same value."""
_PLAIN = FieldTable()
_MOST_REASONS = 3
_RIVALS = "other values are likely, too"
"""The reason for a low probability of a scorer."""
_COUNTS = 0.3
"""The smallest weight (log-odds) that is worth a reason."""


def log_odds(probability: float, least: float = _LEAST) -> float:
    """Return the log-odds of a probability, which is at least ``least`` and at most 1 - ``least``:
    the log-odds of 0 and 1 are infinite.

    >>> log_odds(0.5), round(log_odds(1.0), 2), round(log_odds(0.0), 2)
    (0.0, 4.6, -4.6)
    """
    within = min(max(probability, least), 1 - least)
    return math.log(within / (1 - within))


def find_probability(score: float) -> float:
    """Return the probability with these log-odds, such as a sum of weights.

    >>> find_probability(0.0), find_probability(-1000.0) > 0
    (0.5, True)
    """
    return 1 / (1 + math.exp(-max(-_HIGHEST, min(_HIGHEST, score))))


@lru_cache(maxsize=32768)
def weigh(
    path: str,
    features: tuple[str, ...] = (),
    probability: float = 1.0,
    *,
    is_empty: bool = False,
) -> float:
    """Return the confidence of a value, from 0 to 1.

    Args:
        path: The field, such as ``dosing.route``.
        features: The features of the value, each counted once.
        probability: The probability that a scorer gives the value, or the product of the
            probabilities of a dose's marks and doubts; 1 without either.
        is_empty: Whether the field has no value.

    Raises:
        UnknownFeatureError: The table does not have a feature for this field.
        UnfittedFeatureError: A feature has a prior, but no weight.

    >>> weigh("eligibility.criteria.kind", ("list in doubt",))
    0.78

    Several maxima are multiplied: each of them is the share of values that are right in spite of
    one doubt.
    """
    table = _find_table(path, is_empty=is_empty)
    _check_known(path, table, features)
    return weigh_by(table, features, probability)


def weigh_by(
    table: FieldTable, features: Sequence[str], probability: float = 1.0
) -> float:
    """Return the confidence of a value by the table of its field. Features that the table does
    not know count nothing.
    """
    confidence = round(probability, 4)
    if table.level is not None:
        score = table.level + table.probability * log_odds(probability)
        score += sum(
            table.weights.get(feature, 0.0) for feature in dict.fromkeys(features)
        )
        confidence = round(find_probability(score), 2)
        confidence = min(max(confidence, _LEAST), _MOST)
    elif table.curve:
        confidence = follow(table.curve, probability)
    caps = [table.most[feature] for feature in features if feature in table.most]
    return min(confidence, round(math.prod(caps), 4))


def weigh_answer(
    path: str, situation: str, features: tuple[str, ...] = (), *, read: float = 0.0
) -> float:
    """Return the confidence of a model's answer: the share of such answers that are right.

    Args:
        path: The field.
        situation: What the rules read (``assembly/resolve.py``), such as "alone".
        features: The features of the answer, such as "unproven".
        read: The confidence of the rules' reading. An answer that agrees with it is no less sure.

    >>> weigh_answer("a field that was never asked", "alone")
    0.9
    """
    answers = read_answer_shares()
    share = answers.get(path, {}).get(situation, answers["other"][situation])
    if situation == AGREE:
        share = max(share, read)
    return min([share, *(find_most(ANSWERS, feature) for feature in features)])


def find_most(path: str, feature: str) -> float:
    """Return the maximum confidence of a value with a feature.

    >>> find_most("answers", "unproven")
    0.8
    """
    table = _find_table(path, is_empty=False)
    _check_known(path, table, (feature,))
    return table.most[feature]


def find_meaning(path: str, feature: str) -> str:
    """Return the meaning of a feature, in words.

    >>> find_meaning("eligibility.criteria.kind", "list in doubt")
    'its list is doubtful'
    """
    table = _find_table(path, is_empty=False)
    _check_known(path, table, (feature,))
    return table.means[feature]


def explain(path: str, features: Sequence[str]) -> tuple[str, ...]:
    """Return what speaks most against a value, in words, the most important first; at most three.

    >>> explain(
    ...     "eligibility.criteria.constraints", ["an unknown unit", "beside its name"]
    ... )
    ('the unit is unknown',)
    """
    table = _find_table(path, is_empty=False)
    losses: dict[str, float] = {}
    for feature in features:
        loss = -table.weights.get(feature, 0.0)
        if feature in table.most:
            loss = max(loss, log_odds(_MOST) - log_odds(table.most[feature]))
        if loss >= _COUNTS:
            losses[table.means[feature]] = loss
    # a curve has only the probability of a scorer, which its rivals lower
    if table.curve and not losses:
        return (_RIVALS,)
    heaviest = sorted(losses, key=losses.__getitem__, reverse=True)
    return tuple(heaviest[:_MOST_REASONS])


def list_counts(
    path: str, features: Sequence[str], probability: float = 1.0
) -> Iterator[str]:
    """Yield what counts for the confidence of a value, in words: the level of its field, a
    probability below 1, what each feature adds, and at most which confidence it allows. Numbers
    that are added are log-odds; features without an effect are left out.

    >>> list(list_counts("eligibility.criteria.constraints", ["beside its name"]))
    ['level 3.1', 'beside its name +0.67']
    """
    table = _find_table(path, is_empty=False)
    if table.level is not None:
        yield f"level {table.level}"
    if probability < 1:
        yield f"probability {probability:.2f}"
    for feature in features:
        if feature in table.weights:
            yield f"{feature} {table.weights[feature]:+}"
        if feature in table.most:
            yield f"{feature}: at most {table.most[feature]}"


def follow(curve: Curve, probability: float) -> float:
    """Return the share of right values at a probability: interpolated linearly between the points
    of the curve, and constant outside them.

    >>> (
    ...     follow(((0.5, 0.4), (0.9, 0.8)), 0.7),
    ...     follow(((0.5, 0.4), (0.9, 0.8)), 1.0),
    ... )
    (0.6, 0.8)
    """
    at = bisect(curve, probability, key=itemgetter(0))
    if at in {0, len(curve)}:
        return round(curve[max(at - 1, 0)][1], 4)
    (low, share), (high, next_share) = curve[at - 1 : at + 1]
    slope = (next_share - share) / (high - low)
    return round(slope * (probability - low) + share, 4)


def _find_table(path: str, *, is_empty: bool) -> FieldTable:
    """Return the table of a field. A field without a value that has no table of its own is as sure
    as its probability and its features.
    """
    tables = read_field_tables()
    name = shorten(path)
    table = tables.get(name, _PLAIN)
    if not is_empty:
        return table
    return tables.get(name + EMPTY) or FieldTable(table.means, most=table.most)


def _check_known(path: str, table: FieldTable, features: Sequence[str]) -> None:
    for feature in features:
        if feature not in table.means:
            raise UnknownFeatureError(
                f"{path}: the feature {feature!r} is not in confidence/table.toml; add it there "
                "with its meaning"
            )
        if feature in table.unfitted:
            raise UnfittedFeatureError(
                f"{path}: the feature {feature!r} has a prior in confidence/table.toml, but no "
                "weight, so it counts nothing; run `python -m benchmarks.confidence --write "
                f"--fields {shorten(path)}`"
            )
