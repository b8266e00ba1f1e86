"""Compare two versions of a trial: pair their items, list what changed in each, and put the
changes in order.
"""

from collections.abc import Callable, Iterator, Sequence
from math import inf
from typing import NamedTuple, get_args

from extractor.apps.diff.arms import compare_arms, list_renamed
from extractor.apps.diff.changes import (
    ChangeKind,
    ItemName,
    TrialChange,
    TrialDiff,
    make_change,
)
from extractor.apps.diff.criteria import compare_criterion
from extractor.apps.diff.endpoints import compare_endpoint
from extractor.apps.diff.given import compare_given
from extractor.apps.diff.groups import compare_groups
from extractor.apps.diff.introductions import compare_introductions
from extractor.apps.diff.items import join_reworded, rate_item
from extractor.apps.diff.own import compare_own
from extractor.apps.diff.regimens import DOSES, compare_regimen, drop_stated
from extractor.apps.diff.registered import compare_registered
from extractor.apps.diff.unchanged import stands_in_both
from extractor.apps.evaluation.alignment import Aligned, align
from extractor.apps.evaluation.fields import CRITERIA, DOSING, ENDPOINTS, Group
from extractor.apps.pages.words import say
from extractor.concepts.limits.admission import describe_gold
from extractor.schemas import (
    Criterion,
    Endpoint,
    Rank,
    Regimen,
    Task,
    TrialExtraction,
    TrialRecord,
)

_ORDER = get_args(ItemName)
_OF_REPEATED_TEXT = (*DOSES, "timing", "description")
"""Fields whose changes a record often states twice."""
_RECORD_ITSELF = Aligned([], [])
"""The pair of items whose own fields are those of the record."""


def diff_trials(
    old: TrialExtraction,
    new: TrialExtraction,
    old_record: TrialRecord | None = None,
    new_record: TrialRecord | None = None,
) -> TrialDiff:
    """Compare two versions of a trial by their extractions.

    Items are paired by what they say, as in evaluation, so their order does not matter. A task
    whose sections only one version has is not compared.

    Args:
        old: The extraction of the earlier version.
        new: The extraction of the later version.
        old_record: The earlier record. With both records, the registered fields are compared, too,
            and a difference is not reported if its lines stand in both texts.
        new_record: The later record.

    >>> from extractor import Extractor, read_records
    >>> record = next(read_records("seeds/records"))
    >>> extraction = Extractor().extract(record)
    >>> shorter = extraction.model_copy(update={"endpoints": extraction.endpoints[1:]})
    >>> diff_trials(extraction, shorter).changes[0].message
    'primary endpoint removed'
    """
    old = describe_gold(old, located=False)
    new = describe_gold(new, located=False)
    not_compared = _list_not_compared(old, new)
    introductions: list[TrialChange] = []
    renamed: dict[str, str | None] = {}
    if old_record and new_record:
        introductions = list(compare_introductions(old_record, new_record))
        renamed = list_renamed(old_record, new_record)

    changes: list[TrialChange] = []
    for task in _COMPARED:
        if task in not_compared:
            continue
        pairs = _pair_items(task, old, new)
        for pair in pairs:
            changes += _compare_items(task, pair, old, new)
            if task is Task.DOSING and pair.old and pair.new:
                severity = rate_item(pair.new[0].item)
                changes += compare_given(pair, severity, renamed)
        if task is Task.ELIGIBILITY:
            changes += compare_groups(old, new, pairs, introductions)
    changes += compare_own(_RECORD_ITSELF, old, new)

    if old_record and new_record:
        found = changes
        changes = []
        for change in found:
            # the text is the same, only its reading differs
            if stands_in_both(change, old_record, new_record):
                continue
            changes.append(change)
        changes += _compare_records(old_record, new_record, changes, not_compared)
    if Task.ELIGIBILITY not in not_compared:
        changes += introductions
    changes = _drop_repeated(changes)
    changes.sort(
        key=lambda change: (_ORDER.index(change.item), not change.is_of_meaning)
    )
    return TrialDiff(
        record_id=new.record_id, changes=tuple(changes), not_compared=not_compared
    )


def _compare_records(
    old: TrialRecord,
    new: TrialRecord,
    changes: Sequence[TrialChange],
    not_compared: Sequence[Task],
) -> list[TrialChange]:
    """Return what changed beside the items: registered fields, and (if doses are compared) arms
    without what the ``changes`` of regimens say.
    """
    beside = list(compare_registered(old, new))
    if Task.DOSING not in not_compared:
        regimens = [change for change in changes if change.item == "regimen"]
        beside += compare_arms(old, new, regimens)
    return beside


class _Compared(NamedTuple):
    """How the items of a task are compared, and the kinds of sections in which they stand."""

    item: ItemName
    group: Group
    compare: Callable[[Aligned], Iterator[TrialChange]]
    sections: frozenset[str]


_COMPARED = {
    Task.ELIGIBILITY: _Compared(
        "criterion", CRITERIA, compare_criterion, frozenset({"eligibility"})
    ),
    Task.DOSING: _Compared(
        "regimen", DOSING, compare_regimen, frozenset({"arms", "interventions"})
    ),
    Task.ENDPOINTS: _Compared(
        "endpoint",
        ENDPOINTS,
        compare_endpoint,
        frozenset(f"{rank}_outcomes" for rank in Rank),
    ),
}


def _list_not_compared(old: TrialExtraction, new: TrialExtraction) -> tuple[Task, ...]:
    """Return the tasks whose sections only one version has: a download without criteria has not
    removed them. Extractions without coverage do not say which sections there were, and all tasks
    are compared.
    """
    if not old.coverage or not new.coverage:
        return ()
    before = {section.kind for section in old.coverage.sections}
    after = {section.kind for section in new.coverage.sections}
    missing = []
    for task, compared in _COMPARED.items():
        is_in_old = not compared.sections.isdisjoint(before)
        is_in_new = not compared.sections.isdisjoint(after)
        if is_in_old is not is_in_new:
            missing.append(task)
    return tuple(missing)


def _pair_items(
    task: Task, old: TrialExtraction, new: TrialExtraction
) -> list[Aligned]:
    """Return the pairs of a task's items in the old order, then the items without a counterpart.

    Criteria and endpoints without a counterpart are paired if they say nearly the same. Regimens
    without one are left out if the other version states them elsewhere.
    """
    group = _COMPARED[task].group
    pairs = align(group, group.items(old), group.items(new))
    pairs.sort(key=_order_pair)
    if task is Task.DOSING:
        return list(drop_stated(pairs, old, new))
    return join_reworded(pairs)


def _order_pair(pair: Aligned) -> float:
    """Return the place of a pair by its old item, the last place for an item of one version."""
    if not pair.old or not pair.new:
        return inf
    return pair.old[0].position


def _compare_items(
    task: Task, pair: Aligned, old: TrialExtraction, new: TrialExtraction
) -> Iterator[TrialChange]:
    """Yield the changes of two items, also of the user's own fields; of an item without a
    counterpart, that it was added or removed.
    """
    compared = _COMPARED[task]
    if pair.old and pair.new:
        yield from compared.compare(pair)
        yield from compare_own(pair, old, new)
        return
    if pair.new:
        kind = ChangeKind.ADDED
        item = pair.new[0].item
    else:
        kind = ChangeKind.REMOVED
        item = pair.old[0].item
    message = f"{_name_item(item)} {kind.value}"
    yield make_change(compared.item, kind, rate_item(item), message, pair)


def _name_item(item: Criterion | Regimen | Endpoint) -> str:
    """Name an item in a message: "exclusion criterion", "primary endpoint", "aspirin 100 mg"."""
    if isinstance(item, Criterion):
        return f"{item.kind.value} criterion"
    if isinstance(item, Endpoint):
        return f"{item.rank.value} endpoint"
    if item.amounts:
        return f"{item.agent} {say(item.amounts)}"
    return item.agent


def _drop_repeated(changes: Sequence[TrialChange]) -> list[TrialChange]:
    """Return the changes without repeated ones of doses and descriptions: an arm and its
    intervention say the same. The last of equal changes is kept, in the place of the first.

    Whole items are kept, however often they are added or removed.
    """
    distinct: dict[tuple[str, ChangeKind, str, int], TrialChange] = {}
    for position, change in enumerate(changes):
        can_repeat = change.field in _OF_REPEATED_TEXT
        # what cannot repeat has a key of its own
        number = 0 if can_repeat else position
        distinct[change.item, change.kind, change.message, number] = change
    return list(distinct.values())
