"""Compare two versions of a trial."""

from collections.abc import Iterable, Iterator
from typing import get_args

from extractor.evaluation.alignment import Aligned, align
from extractor.evaluation.fields import CRITERIA, DOSING, ENDPOINTS
from extractor.schemas import Task, TrialExtraction, TrialRecord

from .changes import ItemName, TrialChange, TrialDiff
from .custom import compare_custom
from .items import compare_criterion, compare_endpoint, compare_regimen, identify_regimen
from .lines import compare_introductions, stands_in_both
from .registered import compare_arms, compare_registries

_ORDER = get_args(ItemName)
_HOMES = {
    Task.ELIGIBILITY: frozenset({"eligibility"}),
    Task.DOSING: frozenset({"arms", "interventions"}),
    Task.ENDPOINTS: frozenset({"primary_outcomes", "secondary_outcomes", "other_outcomes"}),
}
"""The kinds of sections in which a task's items stand."""


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
    >>> extraction = Extractor(assist="never").extract(record)
    >>> shorter = extraction.model_copy(update={"endpoints": extraction.endpoints[1:]})
    >>> diff_trials(extraction, shorter).changes[0].message
    'primary endpoint removed'
    """
    missing = _list_missing(old, new)
    found: list[TrialChange] = []
    if Task.ELIGIBILITY not in missing:
        found += [change for pair in align(CRITERIA, old, new) for change in compare_criterion(pair)]
    if Task.DOSING not in missing:
        regimens = _drop_stated(align(DOSING, old, new), old, new)
        found += [change for pair in regimens for change in compare_regimen(pair)]
    if Task.ENDPOINTS not in missing:
        found += [change for pair in align(ENDPOINTS, old, new) for change in compare_endpoint(pair)]
    found += compare_custom(old, new)
    if old_record and new_record:
        found = [change for change in found if not stands_in_both(change, old_record, new_record)]
        found += compare_registries(old_record, new_record)
        found += compare_arms(old_record, new_record) if Task.DOSING not in missing else ()
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
    return tuple(task for task, home in _HOMES.items() if bool(home & before) is not bool(home & after))


def _drop_repeated(changes: Iterable[TrialChange]) -> list[TrialChange]:
    """Keep one of the changes that say the same of several places: an arm and its intervention.

    Whole items are kept, however often they are added or removed.
    """
    numbered = enumerate(changes)
    kept = {(one.item, one.kind, one.message, n if one.field not in _REPEATED else 0): one for n, one in numbered}
    return list(kept.values())


_REPEATED = frozenset({"amounts", "route", "frequency", "cycle", "duration"})
