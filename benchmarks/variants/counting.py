"""Compare the readings of a rewritten and an original text, and count the changes."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from rapidfuzz import fuzz, process

from benchmarks.variants.readings import OF_CRITERIA, Reading, Value, read_words
from benchmarks.variants.way import Rewrite
from extractor.schemas.vocabulary import DOUBTFUL_BELOW

_NEAR = 85
"""Minimum similarity in per cent of the words of two criteria that are the same criterion with a
different extent.
"""
_MARK = 12
"""Maximum number of letters in a mark or label before a criterion's words."""


class Change(NamedTuple):
    """A difference between readings. ``sure``: the new value is sure, or the loss is silent."""

    measure: str
    sure: bool
    what: str


@dataclass(slots=True)
class Tally:
    """Counts of texts and, by measure, counts of values that could change (``of``), of changes, and
    of sure changes.
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
        """Format the share of changes, followed by the share of sure changes in brackets."""
        count = self.of["criteria" if measure in OF_CRITERIA else measure]
        changed = self.changed[measure]
        if not count:
            return None
        return f"{changed / count:.2%} ({self.sure[measure] / count:.2%})"

    def to_json(self) -> Mapping[str, object]:
        """Return all counts except zeros."""
        counters = {"of": self.of, "changed": self.changed, "sure": self.sure}
        counts = {
            name: dict(sorted((+counter).items())) for name, counter in counters.items()
        }
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
    """Yield the criteria that are lost, added, or changed in kind, extent or negation, and the
    values that are missing or new. ``rewrite`` rewrites a quote as the text was rewritten.
    """
    words = [
        read_words(rewrite(criterion.quote) or criterion.quote)
        for criterion in before.criteria
    ]
    pairs = pair_criteria(words, [criterion.words for criterion in after.criteria])
    for at, old in enumerate(before.criteria):
        if at not in pairs:
            yield Change("lost", _is_lost_silently(words[at], after), old.quote)
            continue
        new = after.criteria[pairs[at]]
        if new.kind != old.kind:
            change = f"{old.kind} to {new.kind}: {new.quote}"
            yield Change("turned", new.kind_confidence >= DOUBTFUL_BELOW, change)
        if new.words != words[at]:
            change = f"{old.quote!r} is {new.quote!r}"
            yield Change("extent", new.confidence >= DOUBTFUL_BELOW, change)
        if new.negated != old.negated:
            change = f"{old.negated} to {new.negated}: {new.quote}"
            yield Change("negation", new.negated_confidence >= DOUBTFUL_BELOW, change)
    taken = set(pairs.values())
    for at, new in enumerate(after.criteria):
        if at not in taken:
            least = min(new.confidence, new.kind_confidence)
            yield Change("added", least >= DOUBTFUL_BELOW, new.quote)
    yield from _compare_values(before.values, after.values)


def pair_criteria(before: Sequence[str], after: Sequence[str]) -> dict[int, int]:
    """Return the index of each criterion's counterpart, found by their words. A criterion without a
    counterpart is lost.

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
    """Return the place of nearly the same words: with a mark, a label or a few other letters."""
    if len(words) <= _MARK:
        return None
    for at, other in free.items():
        is_part = words in other or bool(other and other in words)
        if is_part and abs(len(other) - len(words)) <= _MARK:
            return at
    found = process.extractOne(words, free, scorer=fuzz.ratio, score_cutoff=_NEAR)
    return int(found[2]) if found else None


def _is_lost_silently(words: str, after: Reading) -> bool:
    """Return whether neither a finding nor a doubtful criterion indicates the loss."""
    if after.is_doubtful:
        return False
    for criterion in after.criteria:
        if words in criterion.words:
            return (
                min(criterion.confidence, criterion.kind_confidence) >= DOUBTFUL_BELOW
            )
    return True


def _compare_values(
    before: Sequence[Value], after: Sequence[Value]
) -> Iterator[Change]:
    """Yield the missing values, which are never sure changes, and the new values."""
    left = Counter((value.measure, value.value) for value in before)
    for new in after:
        key = (new.measure, new.value)
        if left[key]:
            left[key] -= 1
        else:
            change = f"new: {_show(new.value)} at {new.confidence:.2f}"
            yield Change(new.measure, new.confidence >= DOUBTFUL_BELOW, change)
    for measure, value in left.elements():
        yield Change(measure, sure=False, what=f"missing: {_show(value)}")


def _show(value: tuple[object, ...]) -> str:
    return " ".join(str(part) for part in value if part not in (None, ""))
