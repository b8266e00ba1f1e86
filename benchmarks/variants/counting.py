"""Compare the reading of a text that was rewritten with that of the text itself, and count what
changed.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from rapidfuzz import fuzz, process

from benchmarks.variants.readings import OF_CRITERIA, Reading, Value, read_words
from benchmarks.variants.way import Rewrite

SURE = 0.85
_NEAR = 85
"""Criteria whose words are at least so similar, in per cent, are one criterion with another extent."""
_MARK = 12
"""The most letters of a mark or a label in front of a criterion's words."""


class Change(NamedTuple):
    """A difference between two readings. ``sure``: the new value is sure, or a loss is silent."""

    measure: str
    sure: bool
    what: str


@dataclass(slots=True)
class Tally:
    """Counts of texts, of what could change, of what changed, and of what changed and is sure,
    by measure.
    """

    texts: int = 0
    of: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    sure: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Tally") -> None:
        """Add the counts of another tally."""
        self.texts += other.texts
        self.of.update(other.of)
        self.changed.update(other.changed)
        self.sure.update(other.sure)

    def format_share(self, measure: str) -> str | None:
        """Format the share that changed, and in brackets the share that is sure."""
        count = self.of["criteria" if measure in OF_CRITERIA else measure]
        changed = self.changed[measure]
        if not count:
            return None
        return f"{changed / count:.2%} ({self.sure[measure] / count:.2%})"

    def to_json(self) -> Mapping[str, object]:
        """Return all counts but zeros."""
        counters = {"of": self.of, "changed": self.changed, "sure": self.sure}
        counts = {name: dict(sorted((+one).items())) for name, one in counters.items()}
        return {"texts": self.texts, **counts}


def tally_changes(before: Reading, changes: Sequence[Change]) -> Tally:
    """Count the changes of one text."""
    of = Counter(value.measure for value in before.values)
    of["criteria"] = len(before.criteria)
    changed = Counter(change.measure for change in changes)
    sure = Counter(change.measure for change in changes if change.sure)
    return Tally(1, of, changed, sure)


def compare_readings(
    before: Reading, after: Reading, rewrite: Rewrite
) -> Iterator[Change]:
    """Yield the criteria that are lost or added, those whose kind, extent or negation changed, and
    values that are missing or new. ``rewrite`` returns the words of a quote after the rewriting.
    """
    words = [read_words(rewrite(one.quote) or one.quote) for one in before.criteria]
    pairs = pair_criteria(words, [criterion.words for criterion in after.criteria])
    for at, old in enumerate(before.criteria):
        if at not in pairs:
            yield Change("lost", _is_lost_silently(words[at], after), old.quote)
            continue
        new = after.criteria[pairs[at]]
        if new.kind != old.kind:
            change = f"{old.kind} to {new.kind}: {new.quote}"
            yield Change("turned", new.kind_confidence >= SURE, change)
        if new.words != words[at]:
            change = f"{old.quote!r} is {new.quote!r}"
            yield Change("extent", new.confidence >= SURE, change)
        if new.negated != old.negated:
            change = f"{old.negated} to {new.negated}: {new.quote}"
            yield Change("negation", new.negated_confidence >= SURE, change)
    taken = set(pairs.values())
    for at, new in enumerate(after.criteria):
        if at not in taken:
            least = min(new.confidence, new.kind_confidence)
            yield Change("added", least >= SURE, new.quote)
    yield from _compare_values(before.values, after.values)


def pair_criteria(before: Sequence[str], after: Sequence[str]) -> dict[int, int]:
    """Return the number of each criterion's partner, by their words; a criterion without one is
    lost.

    >>> pair_criteria(["asthma", "consent", "pregnancy"], ["consent", "1asthma"])
    {1: 0}
    >>> pair_criteria(["knownallergytothedrug"], ["i01knownallergytothedrug"])
    {0: 0}
    """
    places = defaultdict[str, list[int]](list)
    for at, words in enumerate(after):
        places[words].append(at)
    pairs = {}
    for at, words in enumerate(before):
        if places[words]:
            pairs[at] = places[words].pop(0)
    for at, words in enumerate(before):
        if at in pairs:
            continue
        free = {other: after[other] for others in places.values() for other in others}
        near = _find_near(words, free)
        if near is not None:
            pairs[at] = near
            places[after[near]].remove(near)
    return pairs


def _find_near(words: str, free: dict[int, str]) -> int | None:
    """Return the place of nearly the same words: with a mark or a label in front, or few other
    letters.
    """
    if len(words) <= _MARK:
        return None
    for at, other in free.items():
        is_part = words in other or bool(other and other in words)
        if is_part and abs(len(other) - len(words)) <= _MARK:
            return at
    found = process.extractOne(words, free, scorer=fuzz.ratio, score_cutoff=_NEAR)
    return int(found[2]) if found else None


def _is_lost_silently(words: str, after: Reading) -> bool:
    """Return whether a criterion is lost without a finding, and without a doubt about the criterion
    that contains it.
    """
    if after.is_doubtful:
        return False
    for one in after.criteria:
        if words in one.words:
            return min(one.confidence, one.kind_confidence) >= SURE
    return True


def _compare_values(
    before: Sequence[Value], after: Sequence[Value]
) -> Iterator[Change]:
    """Yield values that are missing, which are not sure, and values that are new."""
    left = Counter((one.measure, one.value) for one in before)
    for one in after:
        key = (one.measure, one.value)
        if left[key]:
            left[key] -= 1
        else:
            change = f"new: {_show(one.value)} at {one.confidence:.2f}"
            yield Change(one.measure, one.confidence >= SURE, change)
    for measure, value in left.elements():
        yield Change(measure, sure=False, what=f"missing: {_show(value)}")


def _show(value: tuple[object, ...]) -> str:
    return " ".join(str(part) for part in value if part not in (None, ""))
