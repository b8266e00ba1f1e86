"""Compare the criteria and the lines that introduce them."""

from collections.abc import Collection, Iterator, Sequence

from extractor.schemas import Category, Citation, Criterion, Eligibility, Evidence

from .changes import ChangeKind, ChangeSeverity, StatedValue, TrialChange, make_change, make_rewording, overlap
from .limits import NEEDED, AdmissionLimit, LimitChange, admits, compare_limits, list_limits, merge_directions
from .pairing import Paired, Placed, RareWords, pair_versions
from .wording import Part, Wording, is_critical, read_wording

_LEAST = 0.5
_SHOWN = 10
"""Most words that a message lists."""
_DETAILS = frozenset({Category.CONSENT_COMPLIANCE, Category.LOGISTICS})
"""Categories whose criteria seldom decide who takes part."""

Placeds = Sequence[Placed[Criterion]]


def pair_criteria(before: Placeds, after: Placeds) -> list[Paired[Criterion]]:
    """Pair the criteria of two versions."""
    rare = RareWords(before, after)
    names = {id(placed): _name_limits(placed.item) for placed in (*before, *after)}

    def measure(one: Placed[Criterion], other: Placed[Criterion]) -> float:
        same_list = 1 + 0.1 * (one.item.kind is other.item.kind)
        if one.wording.says_same(other.wording):
            return 2 * same_list
        alike = rare.measure(one.wording, other.wording)
        return (alike + 0.25 * bool(names[id(one)] & names[id(other)])) * same_list

    return pair_versions(before, after, measure, _LEAST)


def place_criteria(eligibility: Eligibility) -> list[Placed[Criterion]]:
    """Return the criteria with their paths and what they say."""
    return [
        Placed(f"eligibility.criteria[{number}]", one, read_wording(one.quote))
        for number, one in enumerate(eligibility.criteria)
    ]


def _name_limits(criterion: Criterion) -> set[str]:
    """The quantities that a criterion limits, without time windows."""
    if not criterion.constraints:
        return set()
    return {limit.name for limit in list_limits([criterion.model_copy(update={"time_window": None})])}


def compare_criterion(pair: Paired[Criterion]) -> Iterator[TrialChange]:
    """Yield the changes of one criterion."""
    old, new = (_state(side) for side in (pair.old, pair.new))
    if not pair.old or not pair.new:
        kind = ChangeKind.ADDED if pair.new else ChangeKind.REMOVED
        side = pair.new or pair.old
        one = side[0].item
        yield _change(kind, side, f"{one.kind.value} criterion {kind.value}", old, new)
        return
    before, after = pair.old[0].item, pair.new[0].item
    was, now = pair.wordings
    limits = [list_limits(map(_drop_introduced, side)) for side in (pair.old, pair.new)]
    changes = compare_limits(*limits)
    was_needed, now_needed = ({one.value for one in side if one.name == NEEDED} for side in limits)
    is_same, flips = was.says_same(now) and was_needed == now_needed, admits(before) is not admits(after)
    moves = before.kind is not after.kind
    if moves:
        message = f"moved from {before.kind.value} to {after.kind.value}"
        severity = ChangeSeverity.MAJOR if flips else ChangeSeverity.MINOR
        message += "" if flips else ", in words that admit the same people"
        yield make_change("criterion", ChangeKind.MOVED, severity, message, old, new, field="kind")
        if flips:
            return
    elif flips and not is_same and was.is_negated is not now.is_negated:
        yield _change(ChangeKind.CHANGED, pair.new, "a negation turns it round", old, new)
        return
    if changes and not is_same:
        kind = merge_directions(one.kind for one in changes)
        words = describe_words(was, now, read_wording(" ".join(one.old + " " + one.new for one in changes)).words)
        if words or any(_is_unsure(one, pair, limits) for one in changes):
            kind = ChangeKind.CHANGED
        message = "; ".join(filter(None, (show_limits(changes), words)))
        yield _change(kind, pair.new, message, old, new, "constraints" if was_needed == now_needed else "lead_in")
    elif not is_same:
        found = _compare_words(pair, old, new, are_limits_same=_cover_numbers(pair, limits[0]))
        yield from (one for one in found if not (moves and one.kind is ChangeKind.REWORDED))
    elif not moves and _join_quotes(pair.old) != _join_quotes(pair.new):
        yield make_rewording("criterion", old, new)


def _compare_words(
    pair: Paired[Criterion], old: StatedValue | None, new: StatedValue | None, *, are_limits_same: bool
) -> Iterator[TrialChange]:
    was, now = pair.wordings
    words = describe_words(was, now)
    moves = pair.old[0].item.kind is not pair.new[0].item.kind
    if was.numbers != now.numbers and not are_limits_same:
        yield _change(ChangeKind.CHANGED, pair.new, f"other numbers{words and '; '}{words}", old, new)
    elif was.is_negated is not now.is_negated and not moves:
        yield _change(ChangeKind.CHANGED, pair.new, f"another negation{words and '; '}{words}", old, new)
    elif set(was.comparators) != set(now.comparators) and not are_limits_same:
        yield _change(ChangeKind.CHANGED, pair.new, f"another comparator{words and '; '}{words}", old, new)
    elif words:
        turned = any(map(is_critical, (was.words - now.words) + (now.words - was.words)))
        change = _change(ChangeKind.CHANGED, pair.new, words, old, new, "quote")
        yield change if turned else change.model_copy(update={"severity": ChangeSeverity.MINOR})
    elif {was.joins_by_or, now.joins_by_or} == {True, False}:
        yield _change(ChangeKind.CHANGED, pair.new, '"and" for "or", or the other way round', old, new)
    elif not moves and any(kind == "negation" for kind, _ in (*was.list_beyond(now), *now.list_beyond(was))):
        change = _change(ChangeKind.CHANGED, pair.new, "one negation more or less", old, new)
        yield change.model_copy(update={"severity": ChangeSeverity.MINOR})
    else:
        yield make_rewording("criterion", old, new)


def _is_unsure(change: LimitChange, pair: Paired[Criterion], limits: Sequence[Sequence[AdmissionLimit]]) -> bool:
    """Whether a limit has no counterpart perhaps only because a number on the other side was not read as a limit."""
    sides = zip((change.old, change.new), pair.wordings, limits, strict=True)
    return any(not text and wording.numbers.total() > len(read) for text, wording, read in sides)


def _cover_numbers(pair: Paired[Criterion], limits: Sequence[AdmissionLimit]) -> bool:
    """Whether all numbers of both sides can be in the limits, which are the same."""
    stated = sum(one.name != NEEDED for one in limits)
    return all(one.numbers.total() <= stated for one in pair.wordings)


def describe_words(old: Wording, new: Wording, beside: Collection[str] = ()) -> str:
    """Return the content words on one side alone, in words, without those ``beside``; empty if there are none.

    >>> describe_words(read_wording("severe asthma"), read_wording("severe or moderate asthma"))
    'words added: moderate'
    """
    if old.says_same(new):
        return ""
    sides = ("removed", old.list_beyond(new)), ("added", new.list_beyond(old))
    chosen = [(name, _choose_words(parts, beside)) for name, parts in sides]
    return "; ".join(f"words {name}: {_list(words)}" for name, words in chosen if words)


def _choose_words(parts: Sequence[Part], beside: Collection[str]) -> list[str]:
    return [form for kind, form in parts if kind in ("word", "abbreviation") and form not in beside]


def _list(words: Sequence[str]) -> str:
    return ", ".join(words[:_SHOWN]) + (f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else "")


def show_limits(changes: Sequence[LimitChange]) -> str:
    """Return changed limits in words."""
    return "; ".join(f"{one.old or 'no limit'} -> {one.new or 'no limit'}" for one in changes)


def _join_quotes(side: Placeds) -> str:
    return " ".join(" ".join(placed.item.quote for placed in side).split())


def _state(side: Placeds) -> StatedValue | None:
    if not side:
        return None
    citations = (cite_field(placed.item.evidence, "quote") for placed in side)
    path = ", ".join(placed.path for placed in side)
    return StatedValue(
        path=path, value=_join_quotes(side), citations=tuple(one for group in citations for one in group)
    )


def is_own(criterion: Criterion, name: str) -> bool:
    """Whether a field's value stands in the criterion itself, and not in the line that introduces it."""
    quotes, cited = (cite_field(criterion.evidence, one) for one in ("quote", name))
    return not cited or any(overlap(one, two) for one in quotes for two in cited)


def _drop_introduced(placed: Placed[Criterion]) -> Criterion:
    own = is_own(placed.item, "time_window")
    return placed.item if own else placed.item.model_copy(update={"time_window": None})


def cite_field(evidence: Sequence[Evidence], *names: str) -> tuple[Citation, ...]:
    """Return the citations of the first of the fields that has evidence."""
    for name in names:
        if found := [
            one.cite() for one in evidence if one.field == name or one.field.startswith((f"{name}[", f"{name}."))
        ]:
            return tuple(dict.fromkeys(found))
    return ()


def _change(
    kind: ChangeKind,
    side: Placeds,
    message: str,
    old: StatedValue | None,
    new: StatedValue | None,
    field: str | None = None,
) -> TrialChange:
    severity = ChangeSeverity.MINOR if side[0].item.category in _DETAILS else ChangeSeverity.MAJOR
    return make_change("criterion", kind, severity, message, old, new, field=field)
