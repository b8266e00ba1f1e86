"""What the comparisons of criteria, regimens and endpoints share: how much a change matters, and
when two items say the same.
"""

from collections.abc import Sequence
from typing import Any

from extractor.apps.diff.changes import (
    ChangeKind,
    ChangeSeverity,
    ItemName,
    TrialChange,
    make_change,
)
from extractor.apps.evaluation.alignment import Aligned, match_values
from extractor.apps.evaluation.comparers import Level
from extractor.apps.evaluation.fields import Field
from extractor.apps.evaluation.judge import compare_values
from extractor.apps.evaluation.wording import measure_likeness
from extractor.schemas import Category, Criterion, Endpoint, Rank, Regimen, Role

_DETAILS = frozenset({Category.CONSENT_COMPLIANCE, Category.LOGISTICS})
"""Categories whose criteria seldom decide who takes part."""
_STUDIED = frozenset({None, Role.INVESTIGATIONAL, Role.COMPARATOR, Role.CONDITIONING})
"""Roles whose doses belong to what the trial compares."""
_LEAST_ALIKE = 0.5
"""The share of words from which on two items without a counterpart are one in other words."""


def rate_item(item: Criterion | Regimen | Endpoint) -> ChangeSeverity:
    """Return the severity of a change of an item as a whole: major for a criterion that is no
    detail, a primary endpoint, and a regimen that the trial compares; else minor.
    """
    if isinstance(item, Criterion):
        is_major = item.category not in _DETAILS
    elif isinstance(item, Endpoint):
        is_major = item.rank is Rank.PRIMARY
    else:
        is_major = item.role in _STUDIED
    return ChangeSeverity.MAJOR if is_major else ChangeSeverity.MINOR


def say_the_same(field: Field, old: Any, new: Any) -> bool:
    """Return whether two versions of an item say the same in a field, also in another unit or
    under another name.
    """
    rows = compare_values(field, field.read(old), field.read(new))
    return all(row.level >= Level.NORMALISED for row in rows)


def make_rewording(item: ItemName, pair: Aligned) -> TrialChange:
    """Return the editorial change of an item that has other words and the same meaning."""
    return make_change(
        item,
        ChangeKind.REWORDED,
        ChangeSeverity.EDITORIAL,
        "other words, same meaning",
        pair,
    )


def join_reworded(pairs: Sequence[Aligned]) -> list[Aligned]:
    """Pair items without a counterpart that say nearly the same in other words. Such a pair stands
    in the place of its removed item.

    Evaluation pairs by the characters of quotes. Here "Age ≥ 18 years" is "Participants must be 18
    years or older".
    """
    removed = [pair for pair in pairs if not pair.new]
    added = [pair for pair in pairs if not pair.old]
    reworded, _, _ = match_values(
        removed, added, _measure_likeness, threshold=_LEAST_ALIKE
    )
    partners = {id(was): now for was, now in reworded}
    joined_ids = {id(now) for _, now in reworded}
    joined = []
    for pair in pairs:
        # it stands beside the removed item
        if id(pair) in joined_ids:
            continue
        partner = partners.get(id(pair))
        if partner:
            joined.append(Aligned(pair.old, partner.new))
        else:
            joined.append(pair)
    return joined


def _measure_likeness(removed: Aligned, added: Aligned) -> float:
    """Return how alike the words of a removed and of an added item are, from 0 to 1."""
    was = join_text(removed.old[0].item)
    now = join_text(added.new[0].item)
    return measure_likeness(was, now)


def join_text(item: Criterion | Endpoint) -> str:
    """Return the words by which an item is recognised: a quote, or a measure with its
    description.
    """
    if isinstance(item, Criterion):
        return item.quote
    return f"{item.measure or ''} {item.description or ''}"
