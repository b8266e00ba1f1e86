"""Pair the items of two extractions, such as gold and a prediction, by overall similarity."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain, islice, product, zip_longest
from typing import Any, NamedTuple, TypeVar

import numpy as np

from extractor.apps.evaluation.assignment import assign
from extractor.apps.evaluation.fields import FieldGroup
from extractor.apps.evaluation.text import compare_extents, fold_agent, fold_name
from extractor.face import group_pairs
from extractor.schemas import Criterion, CustomItem, Endpoint, ExtractedItem, Regimen

_MOST_COMPARED = 40_000
"""The number of pairs up to which all values of two lists are compared."""
_RAREST = 8
"""Number of words of a value in a long list by which its counterpart is searched for."""
_MOST_SHARING = 1_000
"""Number of occurrences of these words that are looked at."""
_NEAREST = 20
"""Number of values that are compared with a value in a long list: those that share most of its
rarest words.
"""
_LEAST = 0.01
"""Items with a lower similarity are not paired."""
_LEAST_HOST = 0.5
"""Values of a custom field are not paired if the words of their items are less similar."""
_LEAST_CUSTOM = 0.3
"""Values in a list are not paired if they are less similar."""
_NO_VALUES = {*ExtractedItem.model_fields, "group"}
"""Attributes that may differ between equal items: the evidence, and the id of the group."""


T = TypeVar("T")
_Similarity = Callable[[T, T], float]


class PairSide(NamedTuple):
    """An item of one extraction, with its path and position. ``item`` is None if the extraction
    lacks the item. ``identity`` is the item's values as text, which is used to sort and compare
    items.
    """

    item: ExtractedItem | None = None
    path: str = ""
    position: int = 0
    identity: str = ""

    def __repr__(self) -> str:
        return self.identity


NOWHERE = PairSide()
"""The side for an extraction that lacks the item."""


def align(
    group: FieldGroup, old: Sequence[ExtractedItem], new: Sequence[ExtractedItem]
) -> list[tuple[PairSide, PairSide]]:
    """Pair items so that their total similarity is maximised, starting with items whose values are
    equal. Return the pairs, followed by the unpaired old items and the unpaired new items. The
    result does not depend on the order of the lists.

    >>> from extractor.schemas import Endpoint
    >>> from .fields import ENDPOINTS
    >>> old, new = (
    ...     Endpoint(rank="primary", index=0, measure=measure)
    ...     for measure in ("Pain at rest", "Pain")
    ... )
    >>> [(ours.path, theirs.path) for ours, theirs in align(ENDPOINTS, [old], [new])]
    [('endpoints[0]', 'endpoints[0]')]
    """
    # A record has only one such item, its eligibility.
    if group.path == "eligibility":
        before, after = (
            [PairSide(item, group.path) for item in items] for items in (old, new)
        )
        return list(zip_longest(before, after, fillvalue=NOWHERE))
    compare = _COMPARERS.get(group.path, partial(_compare_custom, group))

    pairs, only_old, only_new = match_values(
        _sort_sides(group.path, old),
        _sort_sides(group.path, new),
        lambda ours, theirs: compare(ours.item, theirs.item),
        _LEAST,
    )
    pairs += [(side, NOWHERE) for side in only_old]
    return pairs + [(NOWHERE, side) for side in only_new]


def match_values(
    old: Sequence[T],
    new: Sequence[T],
    similarity: _Similarity[T],
    threshold: float,
) -> tuple[list[tuple[T, T]], list[T], list[T]]:
    """Return (pairs with the highest total similarity, in the old order; unpaired old values;
    unpaired new values). Values that are equal as text are paired first. Of the others, those whose
    similarity is below ``threshold``, which must be above 0, are not paired. Ties are broken by
    position, so sort both sides first if their order must not matter. In long lists, a value is
    compared only with those that share its rarest words; the most similar pairs are taken first.

    >>> match_values([1, 5], [5, 9], lambda a, b: float(a == b), 0.5)
    ([(5, 5)], [1], [9])
    """
    columns_by_text = group_pairs(
        (repr(theirs), column) for column, theirs in enumerate(new)
    )
    column_by_row: dict[int, int] = {}
    for row, ours in enumerate(old):
        equal = columns_by_text[repr(ours)]
        if equal:
            column_by_row[row] = equal.pop(0)
    other_rows = [row for row in range(len(old)) if row not in column_by_row]
    other_columns = sorted(chain.from_iterable(columns_by_text.values()))
    find_pairs = _find_among_near
    # a table of all similarities needs a row and a column
    if 0 < len(other_rows) * len(other_columns) <= _MOST_COMPARED:
        find_pairs = _find_among_all
    similar = find_pairs(
        [old[row] for row in other_rows],
        [new[column] for column in other_columns],
        similarity,
        threshold,
    )
    for row, column in similar:
        column_by_row[other_rows[row]] = other_columns[column]
    paired_columns = {*column_by_row.values()}
    pairs = [(old[row], new[column_by_row[row]]) for row in sorted(column_by_row)]
    only_old = [ours for row, ours in enumerate(old) if row not in column_by_row]
    only_new = [
        theirs for column, theirs in enumerate(new) if column not in paired_columns
    ]
    return pairs, only_old, only_new


def _find_among_all(
    old: Sequence[T],
    new: Sequence[T],
    similarity: _Similarity[T],
    threshold: float,
) -> Iterator[tuple[int, int]]:
    """Yield the (row, column) of each pair, that is, its positions in ``old`` and ``new``, for
    ``match_values``.
    """
    if len(old) == len(new) == 1:
        if similarity(*old, *new) >= threshold:
            yield 0, 0
        return
    table = np.array([[similarity(ours, theirs) for theirs in new] for ours in old])
    table[table < threshold] = 0.0
    for row, column in zip(*map(np.ndarray.tolist, assign(table)), strict=True):
        # The assignment is complete, so it also pairs values that are not similar.
        if table[row, column] > 0:
            yield row, column


def _find_among_near(
    old: Sequence[T],
    new: Sequence[T],
    similarity: _Similarity[T],
    threshold: float,
) -> Iterator[tuple[int, int]]:
    """Yield the (row, column) of each pair, as ``_find_among_all`` does, for long lists: the most
    similar pairs first, of items that share rare words.
    """
    compared: list[tuple[float, int, int]] = []
    for row, column in _list_near(old, new):
        # negative, so that the most similar pairs come first
        compared.append((-similarity(old[row], new[column]), row, column))
    paired_rows: set[int] = set()
    paired_columns: set[int] = set()
    for dissimilarity, row, column in sorted(compared):
        is_free = row not in paired_rows and column not in paired_columns
        if is_free and -dissimilarity >= threshold:
            paired_rows.add(row)
            paired_columns.add(column)
            yield row, column


def _list_near(old: Sequence[T], new: Sequence[T]) -> Iterator[tuple[int, int]]:
    """Yield the (row, column) of each pair that is compared: of a row, the columns that share most
    of its rarest words.
    """
    columns_by_word = defaultdict[str, list[int]](list)
    for column, theirs in enumerate(new):
        for word in {*str(theirs).split()}:
            columns_by_word[word].append(column)
    for row, ours in enumerate(old):
        shared = columns_by_word.keys() & str(ours).split()
        rarest = sorted(shared, key=lambda word: (len(columns_by_word[word]), word))
        columns = chain.from_iterable(
            columns_by_word[word] for word in rarest[:_RAREST]
        )
        most_sharing = Counter(islice(columns, _MOST_SHARING)).most_common(_NEAREST)
        for column, _ in most_sharing:
            yield row, column


def _sort_sides(path: str, items: Sequence[ExtractedItem]) -> list[PairSide]:
    """Return the sides for items, sorted by the items' values so that the original order does not
    matter.
    """
    sides = [
        PairSide(item, f"{path}[{number}]", number, _write_values(item))
        for number, item in enumerate(items)
    ]
    return sorted(sides, key=lambda side: side.identity)


def _write_values(item: ExtractedItem) -> str:
    """Return an item's values as text that is equal for items with equal values. The order of a
    list does not matter.
    """
    values: list[tuple[str, object]] = []
    for name, value in item:
        if name in _NO_VALUES:
            continue
        written = value
        if isinstance(value, tuple):
            # the order of a list says nothing
            written = sorted(map(repr, value))
        values.append((name, written))
    return repr(values)


def compare_criteria(gold: Criterion, predicted: Criterion) -> float:
    """Return the similarity of two criteria, or 0 if they must not be paired. The section and
    the kind break ties.
    """
    quotes = compare_extents(gold.quote, predicted.quote)
    if quotes < 0.5:
        return 0.0
    # The same words may occur in two lists.
    return quotes + 0.05 * _count_equal(gold, predicted, "section", "kind")


def _count_equal(gold: object, predicted: object, *names: str) -> int:
    """Return how many of the named attributes are equal."""
    return sum(getattr(gold, name) == getattr(predicted, name) for name in names)


def _compare_regimens(gold: Regimen, predicted: Regimen) -> float:
    """Return the similarity of two regimens, or 0 if they must not be paired. The agent and
    the quote have a weight of 0.4 each, and the doses have a weight of 0.2. Route, frequency and
    section break ties.
    """
    ours, theirs = (
        {(amount.low, amount.high, amount.unit) for amount in regimen.amounts}
        for regimen in (gold, predicted)
    )
    agents = compare_extents(fold_name(gold.agent), fold_name(predicted.agent))
    if fold_agent(gold.agent) == fold_agent(predicted.agent):
        agents = 1.0
    similarity = 0.4 * agents
    similarity += 0.4 * compare_extents(gold.quote, predicted.quote)
    similarity += 0.2 * len(ours & theirs) / max(1, len(ours | theirs))
    ties = _count_equal(gold, predicted, "route", "frequency", "section")
    if similarity >= 0.4:
        return similarity + 0.02 * ties
    return 0.0


def _compare_endpoints(gold: Endpoint, predicted: Endpoint) -> float:
    """Return the similarity of two outcomes, based on their measure, their full wording, their time
    frame and their rank. It is 0 if neither the measures nor the full wordings are similar. Ties
    are broken in favour of outcomes with the same registered position.

    The weights are chosen by hand: outcomes of one trial often differ only in the time frame, which
    therefore counts twice, alone and in the full wording.
    """
    measure = compare_extents(gold.measure, predicted.measure)
    words = compare_extents(_join_words(gold), _join_words(predicted))
    if max(measure, words) < 0.5:
        return 0.0
    frame = compare_extents(gold.time_frame, predicted.time_frame)
    similarity = max(measure, words) + 0.3 * measure + 0.5 * words + 0.5 * frame
    if gold.rank != predicted.rank:
        return similarity
    return similarity + 0.3 + 0.01 * (gold.index == predicted.index)


def _join_words(item: Endpoint) -> str:
    return " ".join(filter(None, (item.measure, item.description, item.time_frame)))


def _compare_custom(
    group: FieldGroup, gold: CustomItem, predicted: CustomItem
) -> float:
    """Return the similarity of two values of a custom field: the mean, over its attributes, of the
    highest similarity between two values of the attribute. It is 0 if the values belong to items
    with different words (``of``), or if it is below ``_LEAST_CUSTOM``. If each item has at most one
    value, the similarity of the items decides, and the mean only breaks ties.
    """
    have_hosts = bool(gold.of and predicted.of)
    host = 1.0
    if have_hosts:
        host = compare_extents(gold.of, predicted.of)
    if host < _LEAST_HOST:
        return 0.0
    highest: list[float] = []
    for field in group.fields:
        spread = field.comparer.spread
        values = [spread(field.read(item)) for item in (gold, predicted)]
        # an attribute that neither has does not count
        if any(values):
            similar = (field.comparer.measure(*pair) for pair in product(*values))
            # agreeing values have more than 1
            highest.append(min(1.0, max(similar, default=0.0)))
    mean = sum(highest) / max(1, len(highest))
    # the only value of a record or item has no other counterpart, however different it is
    is_of_same_host = have_hosts or group.of is None
    if is_of_same_host and not group.many:
        return host + 0.05 * mean
    if mean >= _LEAST_CUSTOM:
        return mean
    return 0.0


_COMPARERS: dict[str, Callable[[Any, Any], float]] = {
    "eligibility.criteria": compare_criteria,
    "dosing": _compare_regimens,
    "endpoints": _compare_endpoints,
}
"""The function that compares two items of a group, keyed by the group's path. It returns 0 if the
items must not be paired.
"""
