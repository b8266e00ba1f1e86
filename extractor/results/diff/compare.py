"""Compare two versions of a trial."""

from collections.abc import Iterable, Iterator
from math import inf
from typing import get_args

from extractor.results.evaluation.alignment import Aligned, align
from extractor.results.evaluation.fields import CRITERIA, DOSING, ENDPOINTS
from extractor.schemas import Task, TrialExtraction, TrialRecord
from extractor.stages.parse.eligibility.admission import describe_gold

from .changes import ItemName, TrialChange, TrialDiff
from .items import (
    DOSES,
    compare_criterion,
    compare_endpoint,
    compare_own,
    compare_regimen,
    identify_regimen,
    join_reworded,
)
from .records import compare_arms, compare_introductions, compare_registries, compare_subjects, stands_in_both

_ORDER = get_args(ItemName)
_COMPARED = {
    Task.ELIGIBILITY: (CRITERIA, compare_criterion, {"eligibility"}),
    Task.DOSING: (DOSING, compare_regimen, {"arms", "interventions"}),
    Task.ENDPOINTS: (ENDPOINTS, compare_endpoint, {"primary_outcomes", "secondary_outcomes", "other_outcomes"}),
}
"""The items of each task, their comparison, and the kinds of sections in which they stand."""


def diff_trials(
    old: TrialExtraction,
    new: TrialExtraction,
    old_record: TrialRecord | None = None,
    new_record: TrialRecord | None = None,
) -> TrialDiff:
    """Compare two versions of a trial by their extractions.

    Items are paired by what they say, as in evaluation, so their order does not matter. A task whose sections only one
    version has is not compared.

    Args:
        old: The extraction of the earlier version.
        new: The extraction of the later version.
        old_record: The earlier record. With both records, the registered fields are compared, too, and a
            difference is not reported if its lines stand in both texts.
        new_record: The later record.

    >>> from extractor import Extractor, read_records
    >>> record = next(read_records("seeds/records"))
    >>> extraction = Extractor().extract(record)
    >>> shorter = extraction.model_copy(update={"endpoints": extraction.endpoints[1:]})
    >>> diff_trials(extraction, shorter).changes[0].message
    'primary endpoint removed'
    """
    old, new = (describe_gold(one, located=False) for one in (old, new))
    missing = _list_missing(old, new)
    found: list[TrialChange] = []
    for task, (group, compare, _) in _COMPARED.items():
        pairs = align(group, group.items(old), group.items(new)) if task not in missing else []
        pairs.sort(key=lambda pair: pair.old[0].position if pair.old and pair.new else inf)
        for pair in _drop_stated(pairs, old, new) if task is Task.DOSING else join_reworded(pairs):
            found += compare(pair)
            found += compare_own(pair, old, new) if pair.old and pair.new else ()
    found += compare_own(Aligned([], []), old, new)
    if old_record and new_record:
        found = [change for change in found if not stands_in_both(change, old_record, new_record)]
        found += compare_registries(old_record, new_record)
        found += compare_subjects(old_record, new_record)
        regimens = [change for change in found if change.item == "regimen"]
        found += compare_arms(old_record, new_record, regimens) if Task.DOSING not in missing else ()
        found += compare_introductions(old_record, new_record) if Task.ELIGIBILITY not in missing else ()
    changes = sorted(_drop_repeated(found), key=lambda one: (_ORDER.index(one.item), not one.is_of_meaning))
    return TrialDiff(record_id=new.record_id, changes=tuple(changes), not_compared=missing)


def _drop_stated(pairs: Iterable[Aligned], old: TrialExtraction, new: TrialExtraction) -> Iterator[Aligned]:
    """Leave out regimens of one version alone that the other version states too, elsewhere."""
    stated = [{identify_regimen(one) for one in each.dosing} for each in (old, new)]
    for pair in pairs:
        there = stated[bool(pair.old)]
        if (pair.old and pair.new) or identify_regimen((pair.old or pair.new)[0].item) not in there:
            yield pair


def _list_missing(old: TrialExtraction, new: TrialExtraction) -> tuple[Task, ...]:
    """List the tasks whose sections only one version has: a download without criteria has not removed them."""
    if not old.coverage or not new.coverage:
        return ()
    before, after = ({section.kind for section in each.coverage.sections} for each in (old, new) if each.coverage)
    return tuple(task for task, (*_, home) in _COMPARED.items() if bool(home & before) is not bool(home & after))


def _drop_repeated(changes: Iterable[TrialChange]) -> list[TrialChange]:
    """Keep one of the changes that say the same of several places: an arm and its intervention.

    Whole items are kept, however often they are added or removed.
    """
    numbered, repeatable = enumerate(changes), (*DOSES, "timing", "description")
    kept = {(one.item, one.kind, one.message, n if one.field not in repeatable else 0): one for n, one in numbered}
    return list(kept.values())
