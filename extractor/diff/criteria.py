"""Compare who may take part: criteria, ages, sex and healthy volunteers."""

from collections.abc import Iterator, Sequence

from extractor.schemas import Age, Category, Citation, Criterion, Eligibility, Evidence, TrialRecord
from extractor.text.book import read_text
from extractor.text.numbers import DAYS, find_durations

from .changes import ChangeKind, ChangeSeverity, StatedValue, TrialChange, make_change, make_rewording
from .limits import AdmissionLimit, LimitChange, admits, compare_limits, list_limits, merge_directions
from .pairing import Paired, Placed, RareWords, pair_versions
from .wording import Part, Wording, is_critical, read_wording

_LEAST = 0.5
_SHOWN = 10
"""Most words that a message lists."""
_DETAILS = frozenset({Category.CONSENT_COMPLIANCE, Category.LOGISTICS})
"""Categories whose criteria seldom decide who takes part."""

Placeds = Sequence[Placed[Criterion]]


def pair_criteria(old: Eligibility, new: Eligibility) -> list[Paired[Criterion]]:
    """Pair the criteria of two versions."""
    before, after = _place(old), _place(new)
    rare = RareWords(before, after)
    names = {id(placed): _name_limits(placed.item) for placed in (*before, *after)}

    def measure(one: Placed[Criterion], other: Placed[Criterion]) -> float:
        same_list = 0.1 * (one.item.kind is other.item.kind)
        if one.wording.says_same(other.wording):
            return 2 + same_list
        alike = rare.measure(one.wording, other.wording)
        alike += 0.25 * bool(names[id(one)] & names[id(other)])
        return alike + same_list if alike >= _LEAST else 0.0

    return pair_versions(before, after, measure, _LEAST)


def _place(eligibility: Eligibility) -> list[Placed[Criterion]]:
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
    is_same, flips = was.says_same(now), admits(before) is not admits(after)
    limits = [list_limits(placed.item for placed in side) for side in (pair.old, pair.new)]
    changes = compare_limits(*limits)
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
        if any(_is_unsure(one, pair, limits) for one in changes):
            kind = ChangeKind.CHANGED
        yield _change(kind, pair.new, _show(changes), old, new, "constraints")
    elif not is_same:
        found = _compare_words(pair, old, new, are_limits_same=_cover_numbers(pair, len(limits[0])))
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


def _cover_numbers(pair: Paired[Criterion], limits: int) -> bool:
    """Whether all numbers of both sides can be in the limits, which are the same."""
    return all(one.numbers.total() <= limits for one in pair.wordings)


def describe_words(old: Wording, new: Wording) -> str:
    """Return the content words on one side alone, in words; empty if there are none.

    >>> describe_words(read_wording("severe asthma"), read_wording("severe or moderate asthma"))
    'words added: moderate'
    """
    if old.says_same(new):
        return ""
    sides = ("removed", old.list_beyond(new)), ("added", new.list_beyond(old))
    return "; ".join(f"words {name}: {_list(words)}" for name, side in sides if (words := _choose_words(side)))


def _choose_words(parts: Sequence[Part]) -> list[str]:
    return [form for kind, form in parts if kind in ("word", "abbreviation")]


def _list(words: Sequence[str]) -> str:
    return ", ".join(words[:_SHOWN]) + (f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else "")


def _show(changes: Sequence[LimitChange]) -> str:
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


_FIELDS = ("minimum_age", "maximum_age", "sex", "healthy_volunteers")


def compare_people(old: Eligibility, new: Eligibility) -> Iterator[TrialChange]:
    """Yield changes of ages, sex and healthy volunteers as the texts state them."""
    for name in _FIELDS:
        before, after = (
            StatedValue(
                path=f"eligibility.{name}",
                value=one.model_dump(mode="json")[name],
                citations=cite_field(one.evidence, name),
            )
            for one in (old, new)
        )
        values = [_scale(getattr(one, name)) for one in (old, new)]
        if None not in values and (change := _compare_values(name, (values[0], values[1]), before, after)):
            yield change


def compare_registries(old: TrialRecord, new: TrialRecord) -> Iterator[TrialChange]:
    """Yield changes of the registered ages, sex and healthy volunteers, if both records have registered fields."""
    if old.registry.sex is None or new.registry.sex is None:
        return
    for name in _FIELDS:
        written = [record.registry.text(name) for record in (old, new)]
        values = [_read_registered(name, text) for text in written]
        if name == "healthy_volunteers" and None in values:
            continue
        before, after = (_state_registered(name, text) for text in written)
        if change := _compare_values(name, (values[0], values[1]), before, after):
            yield change


def _state_registered(name: str, text: str | None) -> StatedValue:
    place = f"registry.{name}"
    cited = (Citation(section=place, start=0, end=len(text), quote=text),) if text else ()
    return StatedValue(path=place, value=text, citations=cited)


def _read_registered(name: str, text: str | None) -> float | str | None:
    if not text:
        return None
    if name.endswith("age"):
        age = next(find_durations(read_text(text)), None)
        return None if age is None else age.days
    folded = text.casefold().removeprefix("accepts healthy volunteers").strip()
    return {"both": "all", "": "true", "yes": "true", "no": "false"}.get(folded, folded)


def _scale(value: Age | str | bool | None) -> float | str | None:  # noqa: FBT001 - a value of the schema
    if isinstance(value, Age):
        return float(value.value) * DAYS[value.unit] if value.unit in DAYS else None
    return None if value is None else str(value).casefold()


def _compare_values(
    name: str, values: tuple[float | str | None, float | str | None], before: StatedValue, after: StatedValue
) -> TrialChange | None:
    old, new = values
    if old == new:
        return None
    if name.endswith("age"):
        unbounded = 0.0 if name == "minimum_age" else float("inf")
        low, high = (unbounded if one is None else float(one) for one in (old, new))
        kind = ChangeKind.TIGHTENED if (high > low) is (name == "minimum_age") else ChangeKind.LOOSENED
    elif name == "sex":
        kind = {"all": ChangeKind.TIGHTENED}.get(
            str(old), {"all": ChangeKind.LOOSENED}.get(str(new), ChangeKind.CHANGED)
        )
    else:
        kind = ChangeKind.LOOSENED if new == "true" else ChangeKind.TIGHTENED
    shown = [_show_value(one.value) for one in (before, after)]
    message = f"{name.replace('_', ' ')}: {shown[0]} -> {shown[1]}"
    return make_change("eligibility", kind, ChangeSeverity.MAJOR, message, before, after, field=name)


def _show_value(value: object) -> str:
    if isinstance(value, dict):
        return f"{value['value']} {value['unit']}"
    return "no limit" if value is None else str(value)
