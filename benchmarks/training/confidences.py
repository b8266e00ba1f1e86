"""How surely a term decides: its share of right labels, drawn towards what a reader of the words expects."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

from benchmarks.label_files import FOLDS
from extractor.parse.vocabulary import Match, Vocabulary

from .vocabulary_file import Term, read_terms, use_vocabulary, vocabulary_of

__all__ = ["Labelled", "Plan", "compare_terms", "cross_validate", "estimate_terms"]

_MOVE_SEEN, _MOVE_TO, _MOVE_FROM = 5, 0.55, 0.25
_NO_OPINION = 0.375
_SLACK = 0.025


@dataclass(frozen=True, slots=True)
class Labelled:
    """A cleaned text, its label, and the fold of its trial."""

    text: str
    label: str
    fold: int


@dataclass(frozen=True, slots=True)
class Plan:
    """How one vocabulary is weighed.

    ``strength`` is how many labelled texts the prior is worth, ``levels`` are the confidences that are
    written, falling (few, so that a file has few entries); a term below ``least`` is dropped. ``find`` is how
    the package searches this vocabulary.
    """

    strength: float
    levels: tuple[float, ...]
    least: float
    find: Callable[[Vocabulary, str], Iterable[Match]]
    split_digits: bool = False


def estimate_terms(terms: Sequence[Term], labelled: Iterable[Labelled], plan: Plan) -> list[Term]:
    """The terms with confidences by the labels; those set by hand as they are.

    >>> plan = Plan(2, (0.9, 0.8, 0.5), 0.2, Vocabulary.find)
    >>> term = Term("wheal", "diagnosis", 0.5, 0.5, by_hand=False, is_pattern=False, example="wheal")
    >>> estimate_terms([term], [Labelled("a wheal of 3 mm", "diagnosis", 0)] * 8, plan)[0].confidence
    0.9
    """
    seen = _count_labels(terms, labelled, plan)
    weighed = (_weigh(term, seen[term.text], plan) for term in terms)
    return [term for term in weighed if term]


def _count_labels(terms: Sequence[Term], labelled: Iterable[Labelled], plan: Plan) -> Mapping[str, Counter[str]]:
    """For each term the labels of the texts that hold it."""
    vocabulary = vocabulary_of(terms, split_digits=plan.split_digits)
    seen: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for one in labelled:
        for entry in {match.entry for match in plan.find(vocabulary, one.text)}:
            seen[(entry.terms or entry.patterns)[0]][one.label] += 1
    return seen


def _weigh(term: Term, labels: Counter[str], plan: Plan) -> Term | None:
    if term.by_hand:
        return term
    term = _move(term, labels)
    share = (labels[term.value] + plan.strength * term.prior) / (labels.total() + plan.strength)
    if share < plan.least:
        return None
    level = next((level for level in plan.levels if share >= level - _SLACK), plan.levels[-1])
    return replace(term, confidence=level)


def _move(term: Term, labels: Counter[str]) -> Term:
    """The term under the value that its labels have, where these clearly speak against its own."""
    (top, count), *_ = labels.most_common(1) or [(term.value, 0)]
    seen = labels.total()
    clear = seen >= _MOVE_SEEN and count >= _MOVE_TO * seen and labels[term.value] < _MOVE_FROM * seen
    return replace(term, value=top, prior=_NO_OPINION) if clear and not term.is_pattern else term


def cross_validate(
    terms: Sequence[Term], labelled: Sequence[Labelled], plan: Plan, module: ModuleType, name: str
) -> Iterable[tuple[int, list[Term]]]:
    """For each fold the terms weighed on the other folds, in place in ``module`` while the fold is looked at."""
    for fold in range(FOLDS):
        weighed = estimate_terms(terms, [one for one in labelled if one.fold != fold], plan)
        with use_vocabulary(module, name, weighed, split_digits=plan.split_digits):
            yield fold, weighed


def compare_terms(path: Path, terms: Iterable[Term]) -> str:
    """How many terms of a file have another value or confidence now."""
    old = {term.text: term for term in read_terms(path.read_text("utf-8"))}
    new = {term.text: term for term in terms}
    both = [(old[text], new[text]) for text in old if text in new]
    moved = sum(one.value != other.value for one, other in both)
    gaps = [abs(one.confidence - other.confidence) for one, other in both if one.value == other.value]
    return (
        f"Against {path.name}: {len(old)} terms, {len(old) - len(both)} dropped, {moved} of another value, "
        f"{sum(gap > 0 for gap in gaps)} of another confidence (by {max(gaps, default=0):.2f} at most)"
    )
