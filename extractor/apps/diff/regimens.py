"""Compare two versions of a regimen: amounts, route, and when it is given."""

from collections.abc import Hashable, Iterable, Iterator

from extractor.apps.diff.changes import (
    ChangeKind,
    ChangeSeverity,
    TrialChange,
    make_change,
)
from extractor.apps.diff.items import rate_item, say_the_same
from extractor.apps.evaluation.alignment import Aligned
from extractor.apps.evaluation.fields import DOSING
from extractor.apps.evaluation.text import fold_name
from extractor.apps.evaluation.wording import compare_texts
from extractor.apps.pages.words import say
from extractor.language.shown import show_line
from extractor.schemas import Frequency, Regimen, TrialExtraction

DOSES = ("amounts", "route", "frequency", "cycle", "duration")
"""The fields of a regimen that are compared as values."""
_DECISIVE = frozenset({"amounts", "route", "frequency"})
_TIMES = frozenset({"frequency", "cycle", "duration"})
_FIELDS = {
    field.attribute: field for field in DOSING.fields if field.attribute in DOSES
}


def compare_regimen(pair: Aligned) -> Iterator[TrialChange]:
    """Yield the changes of one regimen: its amounts, route, frequency, cycle and duration; of its
    times in words (``timing``) only if no time in values differs.

    A changed amount, route or frequency matters as much as the regimen, if both versions state one:
    what one version does not state may have been left out. Other changes of values are minor.
    """
    before = pair.old[0].item
    after = pair.new[0].item
    rated = rate_item(after)
    times_differ = False
    for name, field in _FIELDS.items():
        if say_the_same(field, before, after):
            continue
        old = field.read(before)
        new = field.read(after)
        # A frequency outside the list of values tells no more than none.
        if {old, new} == {None, Frequency.OTHER}:
            continue
        severity = ChangeSeverity.MINOR
        if name in _DECISIVE and old and new:
            severity = rated
        message = f"{after.agent}, {name.rstrip('s')}: {say(old)} -> {say(new)}"
        yield make_change("regimen", ChangeKind.CHANGED, severity, message, pair, name)
        if name in _TIMES:
            times_differ = True
    was = before.timing
    now = after.timing
    if times_differ or not was or not now:
        return
    # "on days 1-5 of a 28-day cycle" -> "on days 1-7 of a 28-day cycle"
    if compare_texts(was, now).is_decisive:
        message = f"{after.agent}, timing: {show_line(was)} -> {show_line(now)}"
        yield make_change("regimen", ChangeKind.CHANGED, rated, message, pair, "timing")


def drop_stated(
    pairs: Iterable[Aligned], old: TrialExtraction, new: TrialExtraction
) -> Iterator[Aligned]:
    """Leave out regimens of one version alone that the other version states too, elsewhere."""
    in_old = {_identify(regimen) for regimen in old.dosing}
    in_new = {_identify(regimen) for regimen in new.dosing}
    for pair in pairs:
        # an arm and its intervention state the same, and one of them is gone
        if not pair.new and _identify(pair.old[0].item) in in_new:
            continue
        if not pair.old and _identify(pair.new[0].item) in in_old:
            continue
        yield pair


def _identify(regimen: Regimen) -> Hashable:
    """Return what two regimens that give the same have in common: agent and doses."""
    identity: list[Hashable] = [fold_name(regimen.agent)]
    for field in _FIELDS.values():
        comparer = field.comparer
        values = comparer.spread(field.read(regimen))
        identity.append(frozenset(comparer.key(value) for value in values))
    return tuple(identity)
