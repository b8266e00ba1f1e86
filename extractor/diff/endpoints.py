"""Compare what is measured: endpoints added, dropped, promoted, demoted or redefined."""

from collections import Counter
from collections.abc import Iterator, Sequence

from extractor.evaluation.comparers import COMPARERS
from extractor.schemas import Comparison, Endpoint, Rank, TrialExtraction

from .changes import ChangeKind, ChangeSeverity, StatedValue, TrialChange, make_change, make_rewording
from .criteria import cite_field, describe_words
from .pairing import Paired, Placed, RareWords, pair_versions
from .wording import Wording, join_wordings, read_wording

_RANKS = list(Rank)
_LEAST = 0.5
_TEXTS = ("measure", "description", "time_frame")


def pair_endpoints(old: TrialExtraction, new: TrialExtraction) -> list[Paired[Endpoint]]:
    """Pair the endpoints of two versions by their measures; time frames and ranks decide between several."""
    before, after = _place(old), _place(new)
    rare = RareWords(before, after)
    wholes = {id(placed): _read_whole(placed.item) for placed in (*before, *after)}

    def measure(one: Placed[Endpoint], other: Placed[Endpoint]) -> float:
        ours, theirs = one.item, other.item
        is_same = one.wording.says_same(other.wording)
        alike = 1.5 if is_same else rare.measure(one.wording, other.wording)
        whole = rare.measure(wholes[id(one)], wholes[id(other)])
        if max(alike, whole) < _LEAST:
            return 0.0
        times = _read(ours.time_frame).says_same(_read(theirs.time_frame))
        concept = ours.concept is theirs.concept
        return max(alike, whole) + 0.3 * whole + 0.2 * (ours.rank is theirs.rank) + 0.2 * times + 0.1 * concept

    return pair_versions(before, after, measure, _LEAST)


def _place(extraction: TrialExtraction) -> list[Placed[Endpoint]]:
    return [Placed(f"endpoints[{n}]", one, _read(one.measure)) for n, one in enumerate(extraction.endpoints)]


def _read(text: str | None) -> Wording:
    return read_wording(text or "")


def _read_whole(endpoint: Endpoint) -> Wording:
    return join_wordings(_read(getattr(endpoint, name)) for name in _TEXTS)


def compare_endpoint(pair: Paired[Endpoint]) -> Iterator[TrialChange]:
    """Yield the changes of one endpoint."""
    if not pair.old or not pair.new:
        kind = ChangeKind.ADDED if pair.new else ChangeKind.REMOVED
        placed = (pair.new or pair.old)[0]
        message = f"{placed.item.rank.value} endpoint {kind.value}"
        yield _change(kind, _rate(placed.item), message, pair)
        return
    before, after = pair.old[0].item, pair.new[0].item
    severity = _rate(before, after)
    if before.rank is not after.rank:
        rises = _RANKS.index(after.rank) < _RANKS.index(before.rank)
        kind = ChangeKind.PROMOTED if rises else ChangeKind.DEMOTED
        yield _change(kind, severity, f"{before.rank.value} -> {after.rank.value}", pair, "rank")
    wholes = [join_wordings(_read_whole(placed.item) for placed in side) for side in (pair.old, pair.new)]
    if wholes[0].says_same(wholes[1]):
        if any(_join(getattr(before, name)) != _join(getattr(after, name)) for name in _TEXTS):
            yield make_rewording("endpoint", *_state_sides(pair))
        return
    found = list(_compare_texts(pair, severity))
    yield from found
    if not found:
        yield make_rewording("endpoint", *_state_sides(pair))


def _compare_texts(pair: Paired[Endpoint], severity: ChangeSeverity) -> Iterator[TrialChange]:
    before, after = pair.old[0].item, pair.new[0].item
    was, now = pair.wordings
    if not was.says_same(now) and not _is_shifted(before, after):
        yield _change(ChangeKind.REDEFINED, severity, f"measure: {_differ(was, now)}", pair, "measure")
    if message := _compare_times(before, after):
        numbers = _read(before.time_frame).numbers != _read(after.time_frame).numbers
        rated = severity if numbers else ChangeSeverity.MINOR
        yield _change(ChangeKind.REDEFINED, rated, f"time frame: {message}", pair, "time_frame")
    key = COMPARERS[Comparison.NAME].key
    named = [one.instrument for one in (before, after)]
    if named[0] and named[1] and key(named[0]) != key(named[1]):
        shown = [" ".join(filter(None, (one.name, one.version))) for one in named if one]
        yield _change(ChangeKind.REDEFINED, severity, f"instrument: {shown[0]} -> {shown[1]}", pair, "instrument")
        return
    was, now = _read(before.description), _read(after.description)
    if was.parts and now.parts and not was.says_same(now) and not _is_shifted(before, after):
        yield _change(
            ChangeKind.REDEFINED, ChangeSeverity.MINOR, f"description: {_differ(was, now)}", pair, "description"
        )


def _is_shifted(old: Endpoint, new: Endpoint) -> bool:
    """Whether the same words stand in other parts of the outcome: a measure with its description, or without."""
    before, after = (join_wordings((_read(one.measure), _read(one.description))) for one in (old, new))
    return before.says_same(after)


def _compare_times(old: Endpoint, new: Endpoint) -> str:
    was, now = _read(old.time_frame), _read(new.time_frame)
    if was.says_same(now):
        return ""
    key = COMPARERS[Comparison.TIME].key
    points = [Counter(map(key, one.time_points)) for one in (old, new)]
    covered = all(one.numbers.total() <= points[0].total() for one in (was, now))  # else another number differs
    if points[0] == points[1] and (covered or was.numbers == now.numbers):
        words = describe_words(was, now) if old.time_kind is new.time_kind else ""
        return words if old.time_kind is new.time_kind else f"{old.time_kind} -> {new.time_kind}"
    return f"{_join(old.time_frame) or 'none'} -> {_join(new.time_frame) or 'none'}"


def _differ(old: Wording, new: Wording) -> str:
    return describe_words(old, new) or "other numbers, comparators or negations"


def _join(text: str | None) -> str:
    return " ".join((text or "").split())


def _rate(*endpoints: Endpoint) -> ChangeSeverity:
    is_primary = any(one.rank is Rank.PRIMARY for one in endpoints)
    return ChangeSeverity.MAJOR if is_primary else ChangeSeverity.MINOR


def _change(
    kind: ChangeKind, severity: ChangeSeverity, message: str, pair: Paired[Endpoint], field: str | None = None
) -> TrialChange:
    return make_change("endpoint", kind, severity, message, *_state_sides(pair, field), field=field)


def _state_sides(pair: Paired[Endpoint], field: str | None = None) -> list[StatedValue | None]:
    return [_state(side, field) for side in (pair.old, pair.new)]


def _state(side: Sequence[Placed[Endpoint]], field: str | None) -> StatedValue | None:
    if not side:
        return None
    placed = side[0]
    endpoint = placed.item
    names = (field, "measure") if field else _TEXTS
    cited = [cite_field(endpoint.evidence, name) for name in names]
    citations = next(filter(None, cited), ()) if field else tuple(one for group in cited for one in group)
    value = endpoint.model_dump(mode="json")[field] if field else endpoint.measure or endpoint.description
    path = f"{placed.path}.{field}" if field else placed.path
    return StatedValue(path=path, value=value, citations=citations)
