"""Compare two versions of a trial: criteria, regimens, endpoints, and the values of the user's
own fields.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import zip_longest
from math import inf
from typing import Any, get_args

from extractor.apps.diff.changes import (
    ChangeKind,
    ChangeSeverity,
    ItemName,
    TrialChange,
    TrialDiff,
    make_change,
)
from extractor.apps.diff.given import compare_given
from extractor.apps.diff.groups import compare_groups
from extractor.apps.diff.limits import admits, list_conditions, pair_limits
from extractor.apps.diff.records import (
    compare_arms,
    compare_introductions,
    compare_registered,
    list_renamed,
    stands_in_both,
)
from extractor.apps.evaluation.alignment import Aligned, Side, align, match_values
from extractor.apps.evaluation.comparers import Level
from extractor.apps.evaluation.fields import CRITERIA, DOSING, ENDPOINTS, Field, Group
from extractor.apps.evaluation.judge import compare_values
from extractor.apps.evaluation.text import fold_name, fold_text
from extractor.apps.evaluation.wording import (
    compare_texts,
    measure_likeness,
    read_words,
)
from extractor.apps.pages import name_label
from extractor.apps.pages.words import say
from extractor.concepts.limits.admission import describe_gold
from extractor.language.shown import show_line
from extractor.schemas import (
    Category,
    Criterion,
    Endpoint,
    Frequency,
    Rank,
    Regimen,
    Role,
    Task,
    TrialExtraction,
    TrialRecord,
)

_ORDER = get_args(ItemName)
_MAJOR = ChangeSeverity.MAJOR
_MINOR = ChangeSeverity.MINOR
_DETAILS = frozenset({Category.CONSENT_COMPLIANCE, Category.LOGISTICS})
"""Categories whose criteria seldom decide who takes part."""
_DOSES = ("amounts", "route", "frequency", "cycle", "duration")
_DECISIVE_DOSES = frozenset({"amounts", "route", "frequency"})
_STUDIED = frozenset({None, Role.INVESTIGATIONAL, Role.COMPARATOR, Role.CONDITIONING})
"""Roles whose doses belong to what the trial compares."""
_RANKS = list(Rank)
_INSTRUMENT = next(
    field for field in ENDPOINTS.fields if field.attribute == "instrument"
)
_TEXTS = ("measure", "time_frame", "description")
_LEAST_ALIKE = 0.5
"""The share of words from which on two items without a counterpart are one in other words."""


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
    old, new = (describe_gold(one, located=False) for one in (old, new))
    missing: tuple[Task, ...] = ()
    # a download without criteria has not removed them
    if old.coverage and new.coverage:
        before, after = (
            {section.kind for section in each.coverage.sections}
            for each in (old, new)
            if each.coverage
        )
        missing = tuple(
            task
            for task, (*_, home) in _COMPARED.items()
            if bool(home & before) is not bool(home & after)
        )
    lines = list[TrialChange]()
    renamed = dict[str, str | None]()
    if old_record and new_record:
        lines = list(compare_introductions(old_record, new_record))
        renamed = list_renamed(old_record, new_record)
    found: list[TrialChange] = []
    for task, (item, group, compare, _) in _COMPARED.items():
        pairs = (
            align(group, group.items(old), group.items(new))
            if task not in missing
            else []
        )
        pairs.sort(
            key=lambda pair: pair.old[0].position if pair.old and pair.new else inf
        )
        listed = (
            list(_drop_stated(pairs, old, new))
            if task is Task.DOSING
            else _join_reworded(pairs)
        )
        for pair in listed:
            if pair.old and pair.new:
                found += (*compare(pair), *_compare_own(pair, old, new))
                found += (
                    compare_given(pair, _rate(pair.new[0].item), renamed)
                    if task is Task.DOSING
                    else ()
                )
                continue
            one = (pair.new or pair.old)[0].item
            kind = ChangeKind.ADDED if pair.new else ChangeKind.REMOVED
            if isinstance(one, Endpoint):
                name = one.rank.value
            elif isinstance(one, Criterion):
                name = one.kind.value
            else:
                name = ""
            if name:
                said = f"{name} {item}"
            else:
                said = (
                    " ".join([one.agent, say(one.amounts)])
                    if one.amounts
                    else one.agent
                )
            found.append(
                make_change(item, kind, _rate(one), f"{said} {kind.value}", pair)
            )
        if task is Task.ELIGIBILITY and task not in missing:
            found += compare_groups(old, new, listed, lines)
    found += _compare_own(Aligned([], []), old, new)
    if old_record and new_record:
        found = [
            change
            for change in found
            if not stands_in_both(change, old_record, new_record)
        ]
        found += compare_registered(old_record, new_record)
        regimens = [change for change in found if change.item == "regimen"]
        found += (
            compare_arms(old_record, new_record, regimens)
            if Task.DOSING not in missing
            else ()
        )
        found += lines if Task.ELIGIBILITY not in missing else ()
    # An arm and its intervention say the same. Whole items are kept, however often they are added
    # or removed.
    numbered = enumerate(found)
    repeatable = (*_DOSES, "timing", "description")
    kept = {
        (one.item, one.kind, one.message, n if one.field not in repeatable else 0): one
        for n, one in numbered
    }
    changes = sorted(
        kept.values(), key=lambda one: (_ORDER.index(one.item), not one.is_of_meaning)
    )
    return TrialDiff(
        record_id=new.record_id, changes=tuple(changes), not_compared=missing
    )


def _rate(item: Criterion | Regimen | Endpoint) -> ChangeSeverity:
    """Return the severity of a change of an item as a whole."""
    if isinstance(item, Criterion):
        return _MINOR if item.category in _DETAILS else _MAJOR
    is_major = (
        item.rank is Rank.PRIMARY
        if isinstance(item, Endpoint)
        else item.role in _STUDIED
    )
    return _MAJOR if is_major else _MINOR


def _drop_stated(
    pairs: Iterable[Aligned], old: TrialExtraction, new: TrialExtraction
) -> Iterator[Aligned]:
    """Leave out regimens of one version alone that the other version states too, elsewhere."""
    doses = [field for field in DOSING.fields if field.attribute in _DOSES]

    def identify(regimen: Regimen) -> Hashable:
        values = ((field.comparer, field.read(regimen)) for field in doses)
        return fold_name(regimen.agent), *(
            frozenset(map(one.key, one.spread(value))) for one, value in values
        )

    stated = [set(map(identify, each.dosing)) for each in (old, new)]
    for pair in pairs:
        if (pair.old and pair.new) or identify(
            (pair.old or pair.new)[0].item
        ) not in stated[bool(pair.old)]:
            yield pair


def _join_reworded(pairs: list[Aligned]) -> list[Aligned]:
    """Pair items without a counterpart that say nearly the same in other words.

    Evaluation pairs by the characters of quotes. Here "Age ≥ 18 years" is "Participants must be 18
    years or older".
    """
    gone, come = (
        [one for one in pairs if one[side] and not one[1 - side]] for side in (0, 1)
    )

    def compare(one: Aligned, other: Aligned) -> float:
        return measure_likeness(
            _join_text(one.old[0].item), _join_text(other.new[0].item)
        )

    found, *_ = match_values(gone, come, compare, _LEAST_ALIKE)
    partners = {id(one): Aligned(one.old, other.new) for one, other in found}
    taken = {id(other) for _, other in found}
    return [partners.get(id(one), one) for one in pairs if id(one) not in taken]


def _join_text(item: Criterion | Endpoint) -> str:
    return (
        item.quote
        if isinstance(item, Criterion)
        else f"{item.measure or ''} {item.description or ''}"
    )


def _compare_criterion(pair: Aligned) -> Iterator[TrialChange]:
    """Yield the changes of one criterion."""
    before = pair.old[0].item
    after = pair.new[0].item
    moves = before.kind is not after.kind
    flips = admits(before) is not admits(after)
    if moves:
        message = f"moved from {before.kind.value} to {after.kind.value}"
        message += "" if flips else ", in words that admit the same people"
        yield make_change(
            "criterion",
            ChangeKind.MOVED,
            _MAJOR if flips else _MINOR,
            message,
            pair,
            "kind",
        )
    if (not moves or not flips) and (change := _compare_statements(pair, moves=moves)):
        yield change


def _compare_statements(pair: Aligned, *, moves: bool) -> TrialChange | None:
    """Compare the quotes of two versions of a criterion, and the limits in them."""
    both = [_join_parts(each) for each in pair]
    quotes = [one.quote for one in both]
    paired = list(pair_limits(*both))
    limits = [[one for one in each if one] for each in zip(*paired, strict=True)] or [
        [],
        [],
    ]
    words = compare_texts(*quotes)
    changes = {str(one): one for one in paired if one.kind}.values()
    # The numbers of limits are compared as limits. If no other number differs, signs may be written
    # otherwise.
    conditions = list(list_conditions(*both)) if quotes[0] != quotes[1] else []
    named = read_words(
        " ".join([*(str(side) for one in changes for side in one if side), *conditions])
    )
    numbers = {form for each in limits for one in each for form in one.list_forms()}
    rest = words.leave_out({"0", *numbers, *(part.form for part in named)})
    written = {part.form for quote in quotes for part in read_words(quote)}
    if changes and any(
        written.isdisjoint(one.list_forms()) for each in limits for one in each
    ):
        # such as "15 years 3 months", which is one limit
        rest = rest.leave_out({"number"})
    if not any(part.kind == "number" for part in (*rest.gone, *rest.come)):
        rest = rest.leave_out({"comparator"})
    rest = rest.leave_out({"negation"}) if moves else rest
    # The same words in another order may exchange conditions, or the windows of two drugs.
    is_told = conditions or any(one.is_of_one_thing for one in changes)
    if not is_told and (not words or not (changes or rest)):
        same = moves or quotes[0] == quotes[1]
        return None if same else _make_rewording("criterion", pair)
    # A limit without a counterpart may have one whose number was not read as a limit.
    counts = [
        sum(part.kind == "number" for part in read_words(quote)) for quote in quotes
    ]
    alone = [not all(one[side] for one in changes) for side in (0, 1)]
    unread = any(alone[side] and counts[side] > len(limits[side]) for side in (0, 1))
    kinds = {one.kind for one in changes if one.kind}
    is_clear = len(kinds) == 1 and not rest and not unread and not conditions
    message = "; ".join(
        filter(None, [*map(str, changes), *conditions, rest.describe()])
    )
    rated = (
        _rate(pair.new[0].item) if changes or conditions or rest.is_decisive else _MINOR
    )
    field = "constraints" if changes or conditions else "quote"
    return make_change(
        "criterion",
        kinds.pop() if is_clear else ChangeKind.CHANGED,
        rated,
        message,
        pair,
        field,
    )


def _join_parts(sides: Sequence[Side]) -> Criterion:
    """Return a criterion with the quotes and limits of all parts of a criterion that was split.

    A time window that is not in their words stands in the introducing line, which is compared by
    itself.
    """
    items = [side.item for side in sides]
    quote = " ".join(show_line(one.quote) for one in items)
    limits = tuple(limit for one in items for limit in one.constraints)
    listed = (
        window
        for one in items
        for window in one.time_windows or filter(None, [one.time_window])
    )
    windows = tuple(one for one in listed if fold_text(one.quote) in fold_text(quote))
    joined: Criterion = items[0].model_copy(
        update={"quote": quote, "constraints": limits, "time_windows": windows}
    )
    return joined


def _say_the_same(field: Field, old: Any, new: Any) -> bool:
    """Return whether two versions of an item say the same in a field, also in another unit or
    under another name.
    """
    return all(
        row.level >= Level.NORMALISED
        for row in compare_values(field, field.read(old), field.read(new))
    )


def _make_rewording(item: Any, pair: Aligned) -> TrialChange:
    return make_change(
        item,
        ChangeKind.REWORDED,
        ChangeSeverity.EDITORIAL,
        "other words, same meaning",
        pair,
    )


def _compare_regimen(pair: Aligned) -> Iterator[TrialChange]:
    """Yield the changes of one regimen."""
    before = pair.old[0].item
    one = pair.new[0].item
    rated = _rate(one)
    times_differ = False
    for field in DOSING.fields:
        name = field.attribute
        if name not in _DOSES or _say_the_same(field, before, one):
            continue
        values = field.read(before), field.read(one)
        if set(values) != {None, Frequency.OTHER}:
            severity = rated if name in _DECISIVE_DOSES and all(values) else _MINOR
            message = (
                f"{one.agent}, {name.rstrip('s')}: {say(values[0])} -> {say(values[1])}"
            )
            yield make_change(
                "regimen", ChangeKind.CHANGED, severity, message, pair, name
            )
            times_differ |= name in ("frequency", "cycle", "duration")
    days = [side[0].item.timing for side in pair]
    if all(days) and not times_differ and compare_texts(*days).is_decisive:
        message = f"{one.agent}, timing: {' -> '.join(map(show_line, days))}"
        yield make_change("regimen", ChangeKind.CHANGED, rated, message, pair, "timing")


def _compare_endpoint(pair: Aligned) -> Iterator[TrialChange]:
    """Yield the changes of one endpoint."""
    before, after = sides = [each[0].item for each in pair]
    severity = min(_rate(before), _rate(after), key=list(ChangeSeverity).index)
    if before.rank is not after.rank:
        rises = _RANKS.index(after.rank) < _RANKS.index(before.rank)
        kind = ChangeKind.PROMOTED if rises else ChangeKind.DEMOTED
        yield make_change(
            "endpoint",
            kind,
            severity,
            f"{before.rank.value} -> {after.rank.value}",
            pair,
            "rank",
        )
    wholes = [
        [" ".join((getattr(one, name) or "").split()) for name in _TEXTS]
        for one in sides
    ]
    if wholes[0] == wholes[1]:
        return
    named = [one.instrument for one in sides]
    other_instrument = all(named) and not _say_the_same(_INSTRUMENT, before, after)
    # A measure may have stood in the description, and the other way round.
    is_same = not compare_texts(*map(_join_text, sides))
    is_redefined = other_instrument
    for name in _TEXTS:
        old = getattr(before, name)
        new = getattr(after, name)
        words = compare_texts(old, new)
        if not words or (is_same and name != "time_frame"):
            continue
        if name == "description" and (other_instrument or not old or not new):
            continue
        is_redefined = True
        whole = f"{show_line(old or 'none')} -> {show_line(new or 'none')}"
        message = (
            f"{name_label(name)}: {whole if name == 'time_frame' else words.describe()}"
        )
        # "12 weeks" is as good as "up to 12 weeks".
        moves = name == "time_frame" and words.leave_out({"comparator"}).is_decisive
        rated = severity if name == "measure" or moves else _MINOR
        yield make_change("endpoint", ChangeKind.REDEFINED, rated, message, pair, name)
    if other_instrument:
        message = f"instrument: {say(named[0])} -> {say(named[1])}"
        yield make_change(
            "endpoint", ChangeKind.REDEFINED, severity, message, pair, "instrument"
        )
    if not is_redefined:
        yield _make_rewording("endpoint", pair)


def _compare_own(pair: Aligned, *versions: TrialExtraction) -> Iterator[TrialChange]:
    """Yield the values of the user's own fields that only one version has, of a pair of items or,
    without, the record.

    They stand side by side in the order of the text.

    >>> blinding = (
    ...     {"blinding": [{"values": {"value": word}}]} for word in ("open", "double")
    ... )
    >>> versions = [
    ...     TrialExtraction(record_id="A", eligibility={}, custom=one)
    ...     for one in blinding
    ... ]
    >>> [change.message for change in _compare_own(Aligned([], []), *versions)]
    ['blinding: open -> double']
    """
    for name in sorted({name for each in versions for name in each.custom}):
        sides = []
        for version, home in zip(versions, pair, strict=True):
            paths = {one.path for one in home} or {None}
            listed = enumerate(version.custom.get(name, ()))
            sides.append(
                [
                    Side(one, f"custom.{name}[{n}]")
                    for n, one in listed
                    if one.of in paths
                ]
            )
        _, gone, come = match_values(
            sides[0],
            sides[1],
            lambda one, other: float(one.item.values == other.item.values),
            1,
        )
        for was, now in zip_longest(
            ([one] for one in gone), ([one] for one in come), fillvalue=()
        ):
            if was and now:
                kind = ChangeKind.CHANGED
            elif now:
                kind = ChangeKind.ADDED
            else:
                kind = ChangeKind.REMOVED
            said = " -> ".join(say(one.item.values) for one in (*was, *now))
            message = f"{name_label(name)}: {said}" + f" {kind.value}" * (
                not was or not now
            )
            yield make_change("custom", kind, _MAJOR, message, (was, now), name)


_COMPARED: dict[
    Task, tuple[ItemName, Group, Callable[[Aligned], Iterator[TrialChange]], set[str]]
] = {
    Task.ELIGIBILITY: ("criterion", CRITERIA, _compare_criterion, {"eligibility"}),
    Task.DOSING: ("regimen", DOSING, _compare_regimen, {"arms", "interventions"}),
    Task.ENDPOINTS: (
        "endpoint",
        ENDPOINTS,
        _compare_endpoint,
        {f"{rank}_outcomes" for rank in Rank},
    ),
}
"""By task: the items, their group and comparison, and the kinds of sections in which they stand."""
