"""Find the arms of the amounts in a text about several arms by the labels beside them: "Arm A: 10
mg; Arm B: 20 mg", "5 mg (Group 1) or 15 mg (Group 2)".
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from operator import attrgetter
from typing import NamedTuple

from extractor.concepts.doses.marks import Mark, Place, list_beginning
from extractor.concepts.doses.sections import DoseText
from extractor.language.book import rule
from extractor.language.lexer import Tokens

_MOST_WORDS = 8
"""Maximum number of words in a label that other texts repeat. Chosen by hand."""


class _Label(NamedTuple):
    """The tokens ``first:end`` of a text, which repeat the label of an arm."""

    arm: str
    first: int
    end: int


class ArmLabels:
    """The labels of the arms of a record, which other texts may repeat."""

    def __init__(self, arms: Iterable[DoseText]) -> None:
        by_words = defaultdict[tuple[str, ...], set[str]](set)
        for arm in arms:
            for words in _list_names(arm):
                by_words[words].add(arm.name)
        # "Group 1" means none if two arms are called "Group 1: 5 mg" and "Group 1: 10 mg"
        self._arms = {
            words: next(iter(named))
            for words, named in by_words.items()
            if len(named) == 1
        }
        self._first_words = {words[0] for words in self._arms}
        self._told: dict[str, Mapping[Place, Sequence[str]]] = {}

    def find(self, text: DoseText) -> Mapping[Place, Sequence[str]]:
        """Return the arms that each amount of a text is for, by the tokens of the amount. An amount
        that no label tells anything about is no key.
        """
        if text.is_arm or not self._arms:
            return {}
        if text.name not in self._told:
            self._told[text.name] = dict(self._list_told(text))
        return self._told[text.name]

    def _list_told(self, text: DoseText) -> Iterator[tuple[Place, Sequence[str]]]:
        labels = list(self._list_labels(text.tokens))
        if not labels:
            return
        amounts = [mark for mark in text.marks if mark.field == "amounts"]
        heading: Sequence[str] = ()
        for clause in text.clauses:
            labels_here = list_beginning(labels, *clause)
            amounts_here = list_beginning(amounts, *clause)
            if labels_here:
                yield from _match(text.tokens, labels_here, amounts_here)
            elif heading:
                yield from ((amount.place, heading) for amount in amounts_here)
            # a label on a line of its own is that of the next line
            heading = ()
            if not amounts_here:
                ahead = _list_ahead(text.tokens, labels_here)
                heading = [label.arm for label in ahead]

    def _list_labels(self, tokens: Tokens) -> Iterator[_Label]:
        """Yield the labels that a text repeats, the longest at each place."""
        # a label is listed without its hyphens
        places = [at for at, word in enumerate(tokens.words) if word != "-"]
        words = [tokens.words[at].lower() for at in places]
        end = 0
        for at, word in enumerate(words):
            if at < end or word not in self._first_words:
                continue
            for stop in range(min(at + _MOST_WORDS, len(words)), at, -1):
                arm = self._arms.get(tuple(words[at:stop]))
                if arm:
                    end = stop
                    yield _Label(arm, places[at], places[stop - 1] + 1)
                    break


def _list_names(arm: DoseText) -> Iterator[tuple[str, ...]]:
    """Yield the words of an arm's label, and those before a colon or a bracket. A label that does
    not say that it is an arm's, such as "Examplumab", may mean the drug.
    """
    tokens = arm.tokens
    first, end = arm.title
    cut = rule("label_cut").search(tokens, first + 1, end)
    for stop in {end, cut.first if cut else end}:
        if not rule("word_of_arm").occurs(tokens, first, stop):
            continue
        trail = rule("label_trail").ends(tokens, stop, first + 1)
        last = trail.first if trail else stop
        words = [word.lower() for word in tokens.words[first:last] if word != "-"]
        if 0 < len(words) <= _MOST_WORDS:
            yield tuple(words)


def _match(
    tokens: Tokens, labels: Sequence[_Label], amounts: Sequence[Mark]
) -> Iterator[tuple[Place, Sequence[str]]]:
    """Yield the amounts of a clause with their arms. Each label stands before its amount if the
    first one does, and behind its amount otherwise.
    """
    if not amounts:
        return
    is_ahead = labels[0].first < amounts[0].first
    if is_ahead:
        yield from _follow(_list_ahead(tokens, labels), amounts)
        return
    behind = [
        label for label in labels if rule("label_behind").ends(tokens, label.first)
    ]
    backwards = _follow(behind[::-1], amounts[::-1], step=-1)
    yield from reversed(list(backwards))


def _list_ahead(tokens: Tokens, labels: Iterable[_Label]) -> Iterator[_Label]:
    """Yield the labels that begin what is said about their arms: "Arm A:", "Arm A receives"."""
    for label in labels:
        if rule("label_ahead").starts(tokens, label.end):
            yield label


def _follow(
    labels: Iterable[_Label], amounts: Sequence[Mark], step: int = 1
) -> Iterator[tuple[Place, Sequence[str]]]:
    """Yield the amounts, each with the arms of the labels directly before it, or before the amounts
    before it: "Arm A and Arm B: 5 mg, then 10 mg". ``step`` is -1 if all are listed backwards.
    """
    arms: list[str] = []
    is_new = False
    placed: Iterable[_Label | Mark] = chain(labels, amounts)
    for near in sorted(placed, key=attrgetter("first"), reverse=step < 0):
        if isinstance(near, Mark):
            is_new = False
            if arms:
                yield near.place, tuple(arms)
            continue
        if not is_new:
            arms = []
        is_new = True
        arms.append(near.arm)
